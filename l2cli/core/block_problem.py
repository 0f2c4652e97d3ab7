"""Problems with a :class:`l2cli.core.design.Design`: standardization by counts, training rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from l2cli.core.design import BlockColumns, Codes, Design
from l2cli.core.problem import Problem, make_problem
from l2cli.errors import UsageError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


def make_block_problem(
    design: Design, y: FloatArray, *, penalty_factor: FloatArray | None = None, **settings: Any
) -> Problem:
    """Return the Problem of a design in blocks; ``settings`` as :func:`l2cli.core.problem.make_problem`.

    Its ``X`` has no columns: whoever knows nothing of blocks must not take the dense ones for all.

    Notes
    -----
    A column that holds x_i in the rows of its level and 0 elsewhere has a mean m by one sum, and the variance
    ``(sum_{code_i = j} s_i (x_i - m)^2 + (W - W_j) m^2) / W`` by another.
    """
    weights = settings.get("weights")
    design = design.multiplied(present_means(design.dense, weights))
    dense = make_problem(design.dense, y, **settings)
    p, s, at = design.n_columns, dense.weights, design.at
    mean, scale, constant = np.zeros(p), np.ones(p), np.zeros(p, dtype=bool)
    mean[at], scale[at], constant[at] = dense.mean, dense.scale, dense.constant
    slope, level = np.zeros(p), np.zeros(p)
    for block in design.blocks:
        here = block.columns
        mean[here], scale[here], constant[here] = _level_statistics(block, s)
        slope[here] = np.where(constant[here], 0.0, 1.0 / scale[here])
    center = mean if dense.intercept else np.zeros(p)
    level = -center * slope
    factors = np.ones(p) if penalty_factor is None else np.asarray(penalty_factor, dtype=np.float64)
    return dense._replace(
        X=np.zeros((design.n_rows, 0)), blocks=BlockColumns(dense.X, slope, level, design),
        factors=factors, mean=mean, center=center, scale=scale, constant=constant, originals=None,
        mask=None, masked=np.zeros(0, dtype=np.int64),
    )  # fmt: skip


def present_means(X: FloatArray, weights: FloatArray | None) -> FloatArray:
    """Return the weighted means (q,) of the cells of each column that are not NaN."""
    present = ~np.isnan(X)
    s = np.ones(len(X)) if weights is None else weights
    total = s @ present
    return np.asarray((s @ np.where(present, X, 0.0)) / np.where(total > 0.0, total, 1.0))


def _level_statistics(block: Codes, s: FloatArray) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return means, standard deviations (1 where constant) and which columns are constant."""
    total, weight, cells = float(s.sum()), block.totals(s), block.cells
    low, high = block.extremes()
    mean = np.where(low == high, high, block.sums(s) / total)
    away = cells - np.append(mean, 0.0)[block.codes]
    scatter = block.totals(s * away**2) + np.maximum(total - weight, 0.0) * mean**2
    sd = np.sqrt(scatter / total)
    constant = (low == high) | (sd == 0.0)
    return mean, np.where(constant, 1.0, sd), constant


def block_rows(problem: Problem, rows: IntArray) -> Problem:
    """Return the problem of some rows, imputed and standardized by themselves.

    J is the same function of the original coefficients as in other coordinates: fits and losses are what
    they would be there.
    """
    assert problem.blocks is not None
    return make_block_problem(
        problem.blocks.design.take(rows), problem.y[rows], family=problem.family, power=problem.power,
        weights=problem.weights[rows], offset=None if problem.offset is None else problem.offset[rows],
        penalty_factor=problem.factors, l1_ratio=problem.l1_ratio, relax_gamma=problem.relax_gamma,
        intercept=problem.intercept, standardize=problem.standardize,
    )  # fmt: skip


def refuse(what: str) -> UsageError:
    """Return the error for what categories of many levels do not have."""
    return UsageError(
        f"{what} is not available with a category of so many levels, which is kept as codes",
        hint="leave that column out with --drop, or join its rare levels",
    )
