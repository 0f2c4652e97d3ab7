"""The curvature of an active set's free columns: its inverse, its borders, which columns are independent."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
EPS = float(np.finfo(np.float64).eps)
DEPENDENT = 1e-11
"""A column with less than this share of its curvature left beside the free ones depends on them."""
NOISE = 1e3 * EPS
"""Share of its terms below which the curvature that a column has of its own is rounding."""
BUILD_ANEW = 0.1
"""A step that leaves the slope off by more than this share of what it should be asks for a new inverse."""


def bordered(inner: FloatArray, beside: FloatArray, corner: FloatArray) -> FloatArray:
    """Return the symmetric matrix of these blocks: (m, m), (k, m) and (k, k)."""
    m = len(inner)
    whole = np.empty((m + len(corner), m + len(corner)))
    whole[:m, :m], whole[m:, :m], whole[:m, m:], whole[m:, m:] = inner, beside, beside.T, corner
    return whole


def inverse(system: FloatArray) -> FloatArray:
    """Return the inverse, or an empty matrix where it would be rounding alone."""
    nothing = np.zeros((0, 0))
    try:
        found = np.asarray(np.linalg.inv(system))
    except np.linalg.LinAlgError:
        return nothing
    off = np.abs(system @ found - np.eye(len(system))).sum(axis=1).max(initial=0.0)
    return found if off < BUILD_ANEW else nothing


def independent(system: FloatArray, share: float) -> IntArray:
    """Return the positions of the columns that do not depend on those before them (Gram-Schmidt)."""
    kept: list[int] = []
    for j in range(len(system)):
        cross = system[j, kept]
        weight = np.linalg.solve(system[np.ix_(kept, kept)], cross)
        if system[j, j] - cross @ weight > max(
            share * system[j, j], NOISE * (np.abs(cross) @ np.abs(weight))
        ):
            kept.append(j)
    return np.array(kept, dtype=np.int64)


def is_definite(schur: FloatArray, own: FloatArray) -> bool:
    """Return True where every column keeps a curvature of its own beside the free ones and the others."""
    if np.any(own <= 0.0):
        return False
    scaled = schur / np.sqrt(np.outer(own, own))
    try:
        np.linalg.cholesky(scaled - DEPENDENT * np.eye(len(own)))
    except np.linalg.LinAlgError:
        return False
    return True
