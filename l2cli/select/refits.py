"""Fits without one row each, of pure L2 and one linear predictor, several rows at once.

With H the curvature at the solution theta of all rows, M = (H + lambda D)^-1, a_i = (z_i, 1), w_i the row's
weighted curvature and h_i = w_i a_i'M a_i, the matrix without row i is a rank-one change of the whole one,

    P_i = (H - w_i a_i a_i' + lambda D)^-1 = M + w_i M a_i a_i'M / (1 - h_i)

(Sherman and Morrison 1950). It preconditions conjugate gradients (Polak and Ribiere 1969, the step along a
direction by the curvature there), which need only products with the rows: 4 n m flops a step and row, in one
product for all rows. A row that they do not settle is solved by Newton's method.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import numpy.typing as npt

from l2cli.core.solvers.newton import ROUGH, RUNAWAY, NewtonSolver
from l2cli.core.threads import row_threads

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
KKT_LIMIT = 1e-5
"""Largest residual of a fit, as inside folds."""
SETTLED = 1e-5
"""Move of the row's own eta that a next step would make: a short gradient alone says little."""
MAX_STEPS = 60
AT_ONCE, CELLS = 30, 4_000_000
"""Rows in one product, and their number times that of all rows: each takes vectors as long as the data."""


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
    if lam > 0.0 and len(rows):
        step = min(AT_ONCE, max(1, CELLS // len(solver.rows.X)))
        blocks = [rows[at : at + step] for at in range(0, len(rows), step)]
        with row_threads(solver.rows.X.size * len(rows)) as run:
            work = partial(_conjugate_gradients, solver, theta, lam, inverse)
            thetas = np.concatenate(list(run(work, blocks)))
    for b in np.flatnonzero(np.isnan(thetas[:, 0])):
        thetas[b] = _newton(solver, theta, lam, int(rows[b]))
    problem, A = solver.problem, solver.rows.X[rows]
    eta = np.einsum("ij,ij->i", A, thetas[:, :-1]) + thetas[:, -1]
    return np.asarray(eta if problem.offset is None else eta + problem.offset[rows])


def _newton(solver: NewtonSolver, theta: FloatArray, lam: float, row: int) -> FloatArray | float:
    """Return the solution without a row, NaN where there is none."""
    answer = solver.without(row).solve(lam, theta)
    return np.nan if answer.last_move > RUNAWAY or not answer.residual <= KKT_LIMIT else answer.theta


@np.errstate(over="ignore", invalid="ignore")  # a row that went too far is left to Newton's method
def _conjugate_gradients(
    solver: NewtonSolver, theta: FloatArray, lam: float, inverse: FloatArray, rows: IntArray
) -> FloatArray:
    """Return the solutions (B, m + 1) without each row, NaN where MAX_STEPS steps do not lead to one."""
    problem, X = solver.problem, solver.rows.X
    start = solver.rows.predictor(theta) + (0.0 if problem.offset is None else problem.offset)
    own = np.column_stack([X[rows], np.full(len(rows), float(problem.intercept))])
    toward = own @ inverse
    family = solver.rows.family
    w = family.curvature(problem.y[rows], family.mean(start[rows])) * problem.weights[rows]
    h = w * _dots(toward, own)
    found = np.full((len(rows), len(theta)), np.nan)
    at = np.flatnonzero(h < 1.0)
    share = w[at] / (1.0 - h[at])
    thetas, etas = np.tile(theta, (len(at), 1)), np.tile(start, (len(at), 1))
    direction, last, square = np.zeros(thetas.shape), np.zeros(thetas.shape), np.ones(len(at))
    for _ in range(MAX_STEPS):
        gradient, curvature = _derivatives(solver, thetas, etas, lam, rows[at])
        z = gradient @ inverse + (share * _dots(toward[at], gradient))[:, None] * toward[at]
        done = np.abs(gradient).max(axis=1) <= ROUGH * solver.unit
        done &= np.abs(_dots(own[at], z)) <= SETTLED
        found[at[done]] = thetas[done]
        product = _dots(z, gradient)
        turn = np.maximum(product - _dots(z, last), 0.0) / square
        direction = turn[:, None] * direction - z
        move = direction[:, :-1] @ X.T + direction[:, -1:]
        bend = _dots(curvature, np.square(move)) + lam * (np.square(direction[:, :-1]) @ solver.d)
        going = ~done & (product > 0.0) & (bend > 0.0)
        if not going.any():
            break
        length = -_dots(gradient, direction)[going] / bend[going]
        at, share, square, last = at[going], share[going], product[going], gradient[going]
        direction = direction[going]
        thetas, etas = (
            thetas[going] + length[:, None] * direction,
            etas[going] + length[:, None] * move[going],
        )
    return found


def _derivatives(
    solver: NewtonSolver, thetas: FloatArray, etas: FloatArray, lam: float, rows: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Return half the gradient of J without row b at point b (B, m + 1) and its rows' curvatures (B, n)."""
    problem, family = solver.problem, solver.rows.family
    mu = family.mean(etas)
    w = family.curvature(problem.y, mu) * problem.weights
    r = family.residual(problem.y, mu) * problem.weights
    own = np.arange(len(rows)), rows
    r[own], w[own] = 0.0, 0.0
    slope = r.sum(axis=1) if problem.intercept else np.zeros(len(rows))
    gradient = -np.column_stack([r @ solver.rows.X, slope])
    gradient[:, :-1] += lam * solver.d * thetas[:, :-1]
    return gradient, w


def _dots(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.asarray(np.einsum("ij,ij->i", a, b))
