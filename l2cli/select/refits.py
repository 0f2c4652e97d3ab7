"""Fits without one row each, of pure L2 and another family than gaussian, several rows at once.

With H the curvature at the solution theta of all rows, M = (H + lambda D)^-1, A_i = a_i (x) I for a_i = (z_i,
1) and the C linear predictors (1 but of classes), W_i the row's weighted curvature in them and J_i = A_i'M
A_i, the matrix without row i is a change of the whole one by rank C,

    P_i = (H - A_i W_i A_i' + lambda D)^-1 = M + M A_i S_i A_i'M,     S_i = W_i (I - J_i W_i)^-1

(Sherman and Morrison 1950; Woodbury 1950). It preconditions conjugate gradients (Polak and Ribiere 1969, the
step along a direction by the curvature there), which need only products with the rows: 4 n m C flops a step
and row, in one product for all rows. A row that they do not settle, or whose I - J_i W_i is rounding, is
solved by Newton's method.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import numpy.typing as npt

from l2cli.core.problem import Problem
from l2cli.core.solvers.newton import ROUGH, RUNAWAY, NewtonSolver
from l2cli.core.threads import row_threads

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
KKT_LIMIT = 1e-5
"""Largest residual of a fit, as inside folds."""
SETTLED = 1e-5
"""Move of the row's own eta that a next step would make: a short gradient alone says little."""
ROUNDED = 1e-10
"""A leverage this close to 1 may be 1."""
MAX_STEPS = 60
AT_ONCE, CELLS = 30, 4_000_000
"""Rows in one product, and their number times that of all rows: each takes vectors as long as the data."""


def deciding_rows(solver: NewtonSolver, lam: float) -> BoolArray:
    """Return the rows that alone decide an unpenalized coefficient (n,): without one there is no single fit.

    Those are the rows of leverage 1 in the unpenalized columns, all at lambda 0, and the intercept, whatever
    the weights and curvatures: the diagonal of UU' by the singular value decomposition A = USV' of these,
    each of length 1.
    """
    free = solver.rows.free | (lam == 0.0)
    A = _bordered(solver, slice(None))[:, np.append(free, True)]
    length = np.sqrt(np.square(A).sum(axis=0))
    U, size, _ = np.linalg.svd(A[:, length > 0.0] / length[length > 0.0], full_matrices=False)
    kept = size > size.max(initial=0.0) * max(A.shape) * np.finfo(np.float64).eps
    return np.asarray(np.square(U[:, kept]).sum(axis=1) >= 1.0 - ROUNDED)


def refitted(
    solver: NewtonSolver, theta: FloatArray, lam: float, rows: IntArray, inverse: FloatArray
) -> FloatArray:
    """Return the linear predictors (B,) of some rows by the fits without each; NaN where there is none.

    Parameters
    ----------
    solver, theta : the solver of all rows and its solution (m + 1,) at ``lam``.
    rows : (B,)
        Row numbers, none of :func:`deciding_rows`.
    inverse : (m + 1, m + 1)
        M at theta, as :meth:`NewtonSolver.inverse` gives it.

    Of C classes the answer is (B, C), and (m + 1) C stands for m + 1.
    """
    thetas = np.full((len(rows), len(theta)), np.nan)
    if lam > 0.0 and len(rows):
        step = min(AT_ONCE, max(1, CELLS // (len(solver.rows.X) * solver.classes)))
        blocks = [rows[at : at + step] for at in range(0, len(rows), step)]
        with row_threads(solver.rows.X.size * solver.classes * len(rows)) as run:
            work = partial(_conjugate_gradients, solver, theta, lam, inverse)
            thetas = np.concatenate(list(run(work, blocks)))
    for b in np.flatnonzero(np.isnan(thetas[:, 0])):
        thetas[b] = _newton(solver, theta, lam, int(rows[b]))
    problem = solver.problem
    eta = _predictors(_bordered(solver, rows), thetas, solver.classes)
    if solver.classes > 1:
        return eta
    return np.asarray(eta[:, 0] if problem.offset is None else eta[:, 0] + problem.offset[rows])


def _newton(solver: NewtonSolver, theta: FloatArray, lam: float, row: int) -> FloatArray | float:
    """Return the solution without a row, NaN where there is none.

    Where only a small penalty moves what the row decided, its gradient may be as good as 0 at ``theta``: the
    start is the null model, which has nothing of the row.
    """
    answer = solver.without(row).solve(lam, None if lam > 0.0 else theta)
    return np.nan if answer.last_move > RUNAWAY or not answer.residual <= KKT_LIMIT else answer.theta


def root_curvature(problem: Problem, mu: FloatArray, rows: IntArray | slice) -> FloatArray:
    """Return R_i with R_i R_i' = W_i of some rows (B, C, C).

    Of classes W = s (diag(mu) - mu mu') and R = s^1/2 (diag(mu^1/2) - mu (mu^1/2)').

    Parameters
    ----------
    mu : (B,) or (B, C)
        Means of these rows.
    """
    s = problem.weights[rows]
    if mu.ndim == 1:
        return np.sqrt(s * problem.likelihood.curvature(problem.y[rows], mu))[:, None, None]
    root, each = np.sqrt(mu), np.arange(mu.shape[1])
    R = -mu[:, :, None] * root[:, None, :]
    R[:, each, each] += root
    return R * np.sqrt(s)[:, None, None]


def downdate(J: FloatArray, R: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the leverage h and S = R (I - R'JR)^-1 R' of rows: (B,), (B, C, C).

    h is the largest eigenvalue of R'JR; where it is not below 1, S is NaN.
    """
    h, turned = (J * np.square(R))[:, :, 0], R
    if R.shape[1] > 1:
        h, V = np.linalg.eigh(R.transpose(0, 2, 1) @ J @ R)
        turned = R @ V
    slack = np.where(h < 1.0, 1.0 - h, np.nan)
    return h[:, -1], (turned / slack[:, None, :]) @ turned.transpose(0, 2, 1)


@np.errstate(over="ignore", invalid="ignore")  # a row that went too far is left to Newton's method
def _conjugate_gradients(
    solver: NewtonSolver, theta: FloatArray, lam: float, inverse: FloatArray, rows: IntArray
) -> FloatArray:
    """Return the solutions (B, (m + 1) C) without each row, NaN where MAX_STEPS steps do not lead to one."""
    problem, c, size = solver.problem, solver.classes, len(theta)
    start = solver.rows.predictor(theta) + (0.0 if problem.offset is None else problem.offset)
    own = _bordered(solver, rows)
    toward = (own @ inverse.reshape(own.shape[1], -1)).reshape(len(rows), c, size)
    J = (own[:, None, None, :] @ toward.reshape(len(rows), c, -1, c))[:, :, 0]
    h, share = downdate(J, root_curvature(problem, solver.rows.family.mean(start[rows]), rows))
    found = np.full((len(rows), size), np.nan)
    at = np.flatnonzero(h < 1.0 - ROUNDED)
    if not len(at):
        return found
    own, toward, share = own[at], toward[at], share[at]
    thetas, etas = np.tile(theta, (len(at), 1)), np.tile(start.reshape(len(start), c).T, (len(at), 1, 1))
    direction, last, square = np.zeros(thetas.shape), np.zeros(thetas.shape), np.ones(len(at))
    for _ in range(MAX_STEPS):
        gradient, mu, w = _derivatives(solver, thetas, etas, lam, rows[at])
        z = gradient @ inverse
        back = share @ (toward @ gradient[:, :, None])
        z += (back.transpose(0, 2, 1) @ toward)[:, 0]
        done = np.abs(gradient).max(axis=1) <= ROUGH * solver.unit
        done &= np.abs(_predictors(own, z, c)).max(axis=1) <= SETTLED
        found[at[done]] = thetas[done]
        product = _dots(z, gradient)
        turn = np.maximum(product - _dots(z, last), 0.0) / square
        direction = turn[:, None] * direction - z
        move = _moves(solver, direction)
        bend = _bend(mu, w, move) + lam * (np.square(direction[:, :-c]) @ solver.d)
        going = ~done & (product > 0.0) & (bend > 0.0)
        if not going.any():
            break
        length = -_dots(gradient, direction)[going] / bend[going]
        at, own, toward, share = at[going], own[going], toward[going], share[going]
        square, last, direction = product[going], gradient[going], direction[going]
        thetas = thetas[going] + length[:, None] * direction
        etas = etas[going] + length[:, None, None] * move[going]
    return found


def _derivatives(
    solver: NewtonSolver, thetas: FloatArray, etas: FloatArray, lam: float, rows: IntArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return half the gradient of J without row b at point b (B, (m + 1) C), means and curvatures (B, C, n).

    Of classes the curvatures are the weighted means; what is between classes, :func:`_bend` knows.
    """
    problem, family, (count, c, n) = solver.problem, solver.rows.family, etas.shape
    y = problem.y.reshape(n, c).T[None]
    mu = family.mean(etas)
    w = (mu if c > 1 else family.curvature(y, mu)) * problem.weights
    r = family.residual(y, mu) * problem.weights
    for values in (r, w):
        values[np.arange(count), :, rows] = 0.0
    slope = r.sum(axis=2) if problem.intercept else np.zeros((count, c))
    inner = (r.reshape(count * c, n) @ solver.rows.X).reshape(count, c, -1)
    gradient = -np.concatenate([inner, slope[:, :, None]], axis=2).transpose(0, 2, 1).reshape(count, -1)
    gradient[:, :-c] += lam * solver.d * thetas[:, :-c]
    return gradient, mu, w


def _moves(solver: NewtonSolver, thetas: FloatArray) -> FloatArray:
    """Return A theta of all rows for every theta (B, C, n)."""
    X, c, count = solver.rows.X, solver.classes, len(thetas)
    matrix = thetas.reshape(count, -1, c).transpose(0, 2, 1).reshape(count * c, -1)
    return np.asarray(matrix[:, :-1] @ X.T + matrix[:, -1:]).reshape(count, c, len(X))


def _bend(mu: FloatArray, w: FloatArray, move: FloatArray) -> FloatArray:
    """Return sum_i e_i'W_i e_i for the moves e of eta (B,); of classes e'We = sum_k w_k (e_k - mu'e)^2."""
    if move.shape[1] > 1:
        move = move - (mu * move).sum(axis=1, keepdims=True)
    return np.asarray((w * np.square(move)).sum(axis=(1, 2)))


def _bordered(solver: NewtonSolver, rows: IntArray | slice) -> FloatArray:
    """Return a_i = (z_i, 1) of some rows (B, m + 1), (z_i, 0) without an intercept."""
    X = solver.rows.X[rows]
    return np.column_stack([X, np.full(len(X), float(solver.problem.intercept))])


def _predictors(own: FloatArray, thetas: FloatArray, classes: int) -> FloatArray:
    """Return the linear predictors (B, C) of row b at theta b."""
    return np.asarray(np.einsum("bj,bjk->bk", own, thetas.reshape(*own.shape, classes)))


def _dots(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.asarray(np.einsum("ij,ij->i", a, b))
