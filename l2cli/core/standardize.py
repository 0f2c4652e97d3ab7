"""Means and standard deviations of columns, and the columns divided by them, in blocks of rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from l2cli.core.threads import row_threads

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


def standardize_columns(X: FloatArray, center: FloatArray, scale: FloatArray, blocks: list[slice]) -> None:
    """Replace the columns by (X - center) / scale, in place, in blocks of rows."""
    inverse = 1.0 / scale

    def standardize_rows(rows: slice) -> None:
        block = X[rows]
        block -= center
        block *= inverse

    with row_threads(X.size) as run:
        list(run(standardize_rows, blocks))


def column_statistics(
    X: FloatArray, s: FloatArray, blocks: list[slice], *, uniform: bool, masked: bool
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return weighted means, population sds (missing cells imputed by the mean), and the constant columns."""
    p = X.shape[1]
    weight, mean, scatter = np.zeros(p), np.zeros(p), np.zeros(p)
    low, high = np.full(p, np.inf), np.full(p, -np.inf)

    def summed(rows: slice) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
        block = X[rows]
        if masked:
            present = ~np.isnan(block)
            w = s[rows] @ present
            m = (s[rows] @ np.where(present, block, 0.0)) / np.where(w > 0, w, 1.0)
            d = np.where(present, block - m, 0.0)
        else:
            w = np.full(p, s[rows].sum())
            m = block.mean(axis=0) if uniform else (s[rows] @ block) / w
            d = block - m
        rest = s[rows] @ d  # what rounding left of the block's mean
        m = m + rest / np.where(w > 0, w, 1.0)
        part = np.einsum("ij,ij->j", d, d) if uniform else np.einsum("i,ij,ij->j", s[rows], d, d)
        return w, m, part, np.fmin.reduce(block, axis=0), np.fmax.reduce(block, axis=0)

    with row_threads(X.size) as run:
        for w, m, part, smallest, largest in run(summed, blocks):
            total = weight + w
            share = np.where(total > 0, w / np.where(total > 0, total, 1.0), 0.0)
            gap = m - mean
            scatter += part + gap**2 * weight * share
            mean += gap * share
            weight = total
            np.fmin(low, smallest, out=low)
            np.fmax(high, largest, out=high)
    sd = np.sqrt(scatter / s.sum())
    constant = ~(high > low) | ~(sd > 0)
    return mean, sd, constant
