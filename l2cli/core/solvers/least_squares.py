"""Least squares (gaussian, lambda = 0) by Householder QR of the centred and scaled rows.

Every column has unit spread here whatever the penalty would make of it, so the condition number is that of
the correlations (Golub and Van Loan, section 5.3.2). Small problems are then refined on the original columns
with residuals in extended precision (Bjorck 1967, "Iterative refinement of linear least squares solutions
I"): the answer is that of the doubles in the file, not of their standardized roundings.

Notes
-----
Digits (worst coefficient) on NIST StRD, plain and refined: Filip 7.2 and 7.7 (what rounding the powers to
doubles leaves), Wampler5 5.9 and 8.9, Wampler1 9.9 and 13.1. Where long double is double (some ARM machines)
the refinement only repeats the plain accuracy.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.problem import Problem
from l2cli.core.solvers.ridge import EPS, scaled_rows

FloatArray = npt.NDArray[np.float64]
REFINEMENTS = 6


class LeastSquares(NamedTuple):
    """Full-rank least squares.

    u : (p,) internal coefficients; intercept : internal; inverse_r : inverse of R, whose outer product with
    itself is the inverse of the Gram of the ``usable`` columns; residual_sum : sum of weighted squared
    residuals.
    """

    u: FloatArray
    intercept: float
    inverse_r: FloatArray
    usable: npt.NDArray[np.bool_]
    residual_sum: float

    @property
    def rank(self) -> int:
        """Number of usable columns."""
        return int(self.usable.sum())


def least_squares(problem: Problem) -> LeastSquares | None:
    """Return the least squares fit of all rows, None where the columns are not independent to rounding."""
    A, b, _, usable = scaled_rows(problem)
    A = A[:, usable]
    n, p = A.shape
    if p > n or p == 0:
        return None
    Q, R = np.linalg.qr(A)
    sigma = np.linalg.svd(R, compute_uv=False)
    if sigma[-1] <= max(n, p) * EPS * sigma[0]:
        return None
    # partial pivoting leaves a triangle as it is: np.linalg.solve is an exact back substitution here
    z = np.linalg.solve(R, Q.T @ b)
    residual = b - A @ z
    u = np.zeros(problem.n_columns)
    s, y = problem.weights, problem.response
    if problem.originals is not None:
        u[usable], intercept, residual_sum = _refine(problem, problem.originals, usable, Q, R, z)
    else:
        u[usable], residual_sum = z, float(residual @ residual)
        intercept = float(s @ (y - problem.X @ u)) / float(s.sum()) if problem.intercept else 0.0
    return LeastSquares(u, intercept, np.linalg.inv(R), usable, residual_sum)


def _refine(
    problem: Problem,
    originals: FloatArray,
    usable: npt.NDArray[np.bool_],
    Q: FloatArray,
    R: FloatArray,
    z: FloatArray,
) -> tuple[FloatArray, float, float]:
    """Return (u, intercept, residual sum of squares) refined on the original columns.

    Solves r + Az = b, A'r = 0 for corrections by the QR at hand, with both residuals in long double.
    """
    wide = np.longdouble
    s = problem.weights.astype(wide)
    A = (originals[:, usable].astype(wide) - problem.center[usable]) / problem.scale[usable]
    b = problem.y.astype(wide) - (0.0 if problem.offset is None else problem.offset)
    a_mean, b_mean = (s @ A) / s.sum(), (s @ b) / s.sum()
    if problem.intercept:
        A, b = A - a_mean, b - b_mean
    root = np.sqrt(s)
    A, b = A * root[:, None], b * root
    x, r = z.astype(wide), b - A @ z.astype(wide)
    size = np.inf
    for _ in range(REFINEMENTS):
        f, g = (b - r - A @ x).astype(np.float64), (-(A.T @ r)).astype(np.float64)
        h = np.linalg.solve(R.T, g)
        along = Q.T @ f
        step = np.linalg.solve(R, along - h)
        if not np.linalg.norm(step) < 0.5 * size:
            break
        size = float(np.linalg.norm(step))
        x = x + step
        r = r + (Q @ h + f - Q @ along)
    intercept = float(b_mean - a_mean @ x) if problem.intercept else 0.0
    rest = b - A @ x
    return x.astype(np.float64), intercept, float(rest @ rest)
