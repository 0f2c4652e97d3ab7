"""Fits without one row each, of pure L2 and one linear predictor, several rows at once.

With H the curvature at the solution theta of all rows, M = (H + lambda D)^-1, a_i = (z_i, 1), w_i the row's
weighted curvature and h_i = w_i a_i'M a_i, the matrix without row i is a rank-one change of the whole one,

    (H - w_i a_i a_i' + lambda D)^-1 = M + w_i M a_i a_i'M / (1 - h_i)

(Sherman and Morrison 1950), so chord steps by it need only products with the rows: 4 n m flops a step and
row, in one product for all rows. A row whose steps do not shorten its gradient is solved by Newton's method.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from l2cli.core.solvers.newton import ROUGH, RUNAWAY, NewtonSolver

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
KKT_LIMIT = 1e-5
"""Largest residual of a fit, as inside folds."""
SETTLED = 1e-5
"""Last move of the row's own eta in chord steps: where lambda is tiny a short gradient alone says little."""
MAX_STEPS = 30
SHORTER = 0.7
"""Share of a gradient that a chord step may leave."""


def refitted(
    solver: NewtonSolver, theta: FloatArray, lam: float, rows: IntArray, inverse: FloatArray
) -> FloatArray:
    """Return the linear predictors (B,) of some rows by the fits without each; NaN where there is none.

    Parameters
    ----------
    solver, theta : the solver of all rows and its solution (m + 1,) at ``lam``.
    rows : (B,)
        Row numbers.
    inverse : (m + 1, m + 1)
        M at theta, as :meth:`NewtonSolver.inverse` gives it.
    """
    thetas = np.full((len(rows), len(theta)), np.nan)
    if lam > 0.0:
        thetas = _chords(solver, theta, lam, rows, inverse)
    for b in np.flatnonzero(np.isnan(thetas[:, 0])):
        thetas[b] = _newton(solver, theta, lam, int(rows[b]))
    problem, A = solver.problem, solver.rows.X[rows]
    eta = np.einsum("ij,ij->i", A, thetas[:, :-1]) + thetas[:, -1]
    return np.asarray(eta if problem.offset is None else eta + problem.offset[rows])


def _newton(solver: NewtonSolver, theta: FloatArray, lam: float, row: int) -> FloatArray | float:
    """Return the solution without a row, NaN where there is none."""
    answer = solver.without(row).solve(lam, theta)
    return np.nan if answer.last_move > RUNAWAY or not answer.residual <= KKT_LIMIT else answer.theta


def _chords(
    solver: NewtonSolver, theta: FloatArray, lam: float, rows: IntArray, inverse: FloatArray
) -> FloatArray:
    """Return the solutions (B, m + 1) without each row, NaN where chord steps do not lead to one."""
    problem, family = solver.problem, solver.rows.family
    own = np.column_stack([solver.rows.X[rows], np.full(len(rows), float(problem.intercept))])
    eta = solver.rows.predictor(theta)[rows] + (0.0 if problem.offset is None else problem.offset[rows])
    w = problem.weights[rows] * family.curvature(problem.y[rows], family.mean(eta))
    toward = own @ inverse
    h = w * np.einsum("ij,ij->i", toward, own)
    found = np.full((len(rows), len(theta)), np.nan)
    at = np.flatnonzero(h < 1.0)
    thetas, before = np.tile(theta, (len(at), 1)), np.full(len(at), np.inf)
    for _ in range(MAX_STEPS):
        gradient = _gradients(solver, thetas, lam, rows[at])
        size = np.abs(gradient).max(axis=1)
        toward_eta = np.einsum("ij,ij->i", toward[at], gradient) / (1.0 - h[at])
        done = (size <= ROUGH * solver.unit) & (np.abs(toward_eta) <= SETTLED)
        found[at[done]] = thetas[done]
        going = ~done & (size < SHORTER * before)
        at, thetas, gradient, before = at[going], thetas[going], gradient[going], size[going]
        if not len(at):
            break
        along = w[at] * toward_eta[going]
        thetas = thetas - gradient @ inverse - along[:, None] * toward[at]
    return found


def _gradients(solver: NewtonSolver, thetas: FloatArray, lam: float, rows: IntArray) -> FloatArray:
    """Return half the gradient of J without row b at point b: both (B, m + 1)."""
    problem, family, X = solver.problem, solver.rows.family, solver.rows.X
    eta = thetas[:, :-1] @ X.T + thetas[:, -1:]
    if problem.offset is not None:
        eta += problem.offset
    with np.errstate(over="ignore", invalid="ignore"):  # a step gone too far is dropped
        r = family.residual(problem.y, family.mean(eta)) * problem.weights
    r[np.arange(len(rows)), rows] = 0.0
    slope = r.sum(axis=1) if problem.intercept else np.zeros(len(rows))
    gradient = -np.column_stack([r @ X, slope])
    gradient[:, :-1] += lam * solver.d * thetas[:, :-1]
    return gradient
