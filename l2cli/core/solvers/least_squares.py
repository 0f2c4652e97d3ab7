"""Least squares (gaussian, lambda = 0) by Householder QR of the centred rows, block by block.

Columns are brought to unit length whatever the penalty would make of them, so the condition number is that of
the correlations (Golub and Van Loan, section 5.3.2). Small problems are then refined on the original columns,
rows that can be read once only on their sums (:mod:`l2cli.core.solvers.row_sums`).

Notes
-----
Digits (worst coefficient) on NIST StRD, plain and refined: Longley 13.5 and 14.6, Wampler5 6.2 and 16, Filip
7.3 and 7.7; refined on sums, the same in blocks of any size. Filip's powers have up to 110 decimals: to read
them as doubles leaves no more than these 7.66 digits of the certified values, whatever follows (of the answer
for the rounded ones all 16 are found).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.problem import Problem, row_blocks
from l2cli.core.solvers.refinement import EPS, Block, Rows, refine
from l2cli.core.solvers.row_sums import RowSums, SummedRows
from l2cli.core.solvers.tsqr import RowFactor, row_factor, triangle_of
from l2cli.core.twofold import two_sum

FloatArray = npt.NDArray[np.float64]
WORKSPACE = 8
"""Arrays of the size of a block of rows that a refinement has alive at once."""


class LeastSquares(NamedTuple):
    """Full-rank least squares.

    u : (p,) internal coefficients; intercept : internal; origin : the intercept of the original columns.
    inverse_r : inverse of R, whose outer product with itself is the inverse of the Gram of the ``usable``
    columns; residual_sum : sum of weighted squared residuals.
    """

    u: FloatArray
    intercept: float
    origin: float
    inverse_r: FloatArray
    usable: npt.NDArray[np.bool_]
    residual_sum: float

    @property
    def rank(self) -> int:
        """Number of usable columns."""
        return int(self.usable.sum())


def least_squares(problem: Problem) -> LeastSquares | None:
    """Return the least squares fit of all rows, None where the columns are not independent to rounding."""
    factor = row_factor(problem)
    found = solve_factor(factor, ~problem.constant, intercept=problem.intercept)
    if found is None:
        return None
    if problem.originals is not None:
        return _refined(problem, problem.originals, factor, found)
    return found._replace(origin=float(problem.original(found.u, found.intercept)[1]))


def solve_factor(factor: RowFactor, usable: npt.NDArray[np.bool_], *, intercept: bool) -> LeastSquares | None:
    """Return the least squares fit of the rows [z | y] of a factor, None where columns are not independent.

    It is refined where the factor has the rows' sums.

    Parameters
    ----------
    usable : (p,) bool
        Columns that vary; the others get coefficient 0.
    """
    p = int(usable.sum())
    if p > factor.rows or p == 0:
        return None
    T = factor.triangle(centred=intercept)[:, np.append(usable, True)]
    if p < len(usable):
        T = triangle_of(T)
    R = T[:p, :p]
    length = np.linalg.norm(R, axis=0)
    if len(R) < p or not length.min() > 0.0:
        return None
    R = R / length
    sigma = np.linalg.svd(R, compute_uv=False)
    if sigma[-1] <= max(factor.rows, p) * EPS * sigma[0]:
        return None
    u = np.zeros(len(usable))
    # partial pivoting leaves a triangle as it is: np.linalg.solve is an exact back substitution here
    u[usable] = np.linalg.solve(R, T[:p, p]) / length
    inverse = np.linalg.inv(R) / length[:, None]
    mean = factor.mean + factor.tail
    b0 = float(mean[-1] - mean[:-1] @ u) if intercept else 0.0
    found = LeastSquares(u, b0, b0, inverse, usable, float(np.sum(T[p:, p] ** 2)))
    return found if factor.sums is None else _refined_on_sums(factor, factor.sums, found, length, intercept)


def _refined_on_sums(
    factor: RowFactor, sums: RowSums, found: LeastSquares, length: FloatArray, intercept: bool
) -> LeastSquares:
    """Return the fit refined on the sums of the rows; ``length`` (p,) is that of the usable columns."""
    usable = found.usable
    at = np.flatnonzero(np.append(usable, True))
    mean = (factor.mean + factor.tail)[at[:-1]] if intercept else np.zeros(found.rank)
    spread = length / np.sqrt(factor.weight)
    rows = SummedRows(sums.select(at), factor.weight, mean, spread, intercept)
    start, u = found.intercept + float(mean @ found.u[usable]), found.u.copy()
    better = refine(rows, u[usable], start, found.inverse_r, found.residual_sum)
    u[usable] = better.coef
    return found._replace(
        u=u, intercept=better.origin, origin=better.origin, residual_sum=better.residual_sum
    )


def _refined(problem: Problem, originals: FloatArray, factor: RowFactor, found: LeastSquares) -> LeastSquares:
    """Return the fit refined on the original columns."""
    usable = found.usable
    scale, center = problem.scale[usable], problem.center[usable]
    z_mean = (factor.mean + factor.tail)[:-1][usable] if problem.intercept else np.zeros(len(scale))
    offset = np.zeros_like(problem.y) if problem.offset is None else problem.offset

    def blocks() -> Iterator[Block]:
        for rows in row_blocks(problem.n_rows, WORKSPACE * problem.n_columns):
            X = originals[rows] if usable.all() else originals[rows][:, usable]
            yield X, two_sum(problem.y[rows], -offset[rows]), problem.weights[rows]

    mean = center + scale * z_mean
    moved = (mean - center) / scale  # what the sum has kept of z_mean beside a large center
    rows = Rows(blocks, originals.size, problem.weight_sum, mean, scale, problem.intercept)
    u = found.u.copy()
    start = found.intercept + float(moved @ u[usable])
    better = refine(rows, u[usable] / scale, start, found.inverse_r / scale[:, None], found.residual_sum)
    u[usable] = better.coef * scale
    intercept = better.intercept - float(moved @ u[usable])
    return LeastSquares(u, intercept, better.origin, found.inverse_r, usable, better.residual_sum)
