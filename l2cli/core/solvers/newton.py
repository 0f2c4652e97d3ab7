"""L2 of the families other than gaussian, by Newton's method.

Half of J has gradient ``-Z'r + lambda D u`` and Hessian ``Z'WZ + lambda D`` (r and W: s times residual and
curvature of the family), both bordered by the intercept; of several classes as
:mod:`l2cli.core.solvers.glm_rows` says. Where p > n the rows are rotated first: with
A = Z D^-1/2 = LQ' (QR of A') the solution lies
in the row space, ``D^1/2 u = Q a`` with |D^1/2 u| = |a|, so an n x n design L serves every lambda (Hastie and
Tibshirani 2004, "Efficient quadratic regularization for expression arrays", section 3).

Notes
-----
An iteration costs n p^2 flops for the Hessian (symmetric rank update in row blocks), 4 n p for gradient and
eta, and p^3 / 3 for the solve. Steps are halved until J falls; near the optimum the full step is taken and
convergence is quadratic. A final step after the tolerance is met brings the gradient to its rounding floor.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.objective import gradient_size, null_gradient
from l2cli.core.problem import Problem
from l2cli.core.solvers.glm_rows import GlmRows, contrasts, of_contrasts
from l2cli.core.solvers.ridge import penalized_inverse

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
MAX_ITERATIONS = 100
MAX_CHORD_STEPS = 20
UNEVEN = 2.0 * np.log(1e4)
"""A rotation loses digits where the logarithms of the d_j span more (raw columns of very unlike size)."""
MOST_UNROTATED = 2000
"""Columns up to which such a problem is solved as it is."""
GOOD_ENOUGH = 1e-9
"""Relative gradient after which one last step ends the iteration."""
ROUGH = 1e-7
"""Relative gradient at which a fit inside a fold is done (the contract asks 1e-5)."""
RUNAWAY = 0.5
"""A last move of eta beyond this is no convergence: the classes are separated."""
RISE = 1e-9
"""Share of J by which a step that halves the gradient may raise it: rounding. Beyond it steps can cycle."""
NEGLIGIBLE = 1e-10
"""A penalty below this share of a column's curvature does not tell tied columns apart in doubles."""


@dataclass(eq=False)
class Iterate:
    """One point: coefficients of the working design, the intercept last (0 without), and what they give."""

    theta: FloatArray
    objective: float
    mu: FloatArray
    gradient: FloatArray


class NewtonResult(NamedTuple):
    """Where Newton's method ended.

    u : (p,) internal coefficients, of classes (p, C); intercept : internal, of classes (C,). residual :
    gradient over that of the null model.
    last_move : the largest change of an eta_i in the last step, infinite where the classes are seen to be
    separated. A finite optimum is met quadratically, so it is tiny there; else eta grows by about 1 a step
    for ever, while the gradient vanishes.
    theta : the point in the solver's own coordinates, to start the next lambda from.
    """

    u: FloatArray
    intercept: FloatArray | float
    effective_df: float
    residual: float
    last_move: float
    theta: FloatArray


class NewtonSolver:
    """Minimise J of one problem at many lambdas; ``solve`` may be warm-started with an earlier ``theta``.

    Parameters
    ----------
    problem : Problem
    support : (p, C) bool, optional
        Coefficients of several classes that may differ from 0, for lambda 0. A column that every class has is
        given coefficients that sum to 0: adding one number to them changes no probability, and that sum is
        the one of least norm.
    """

    def __init__(self, problem: Problem, support: BoolArray | None = None) -> None:
        self.problem, self.classes = problem, problem.n_classes
        self.rotation: FloatArray | None = None
        X, d = problem.X, problem.penalty
        self.held: BoolArray | None = None
        """Coordinates of theta that stay 0."""
        if support is not None:
            self.held = np.append(~support.ravel(), np.zeros(self.classes, dtype=bool))
        bound = np.flatnonzero(d > 0)
        uneven = float(np.ptp(np.log(d[bound]))) > UNEVEN if len(bound) else False
        small = uneven and problem.n_columns <= MOST_UNROTATED
        if len(bound) > problem.n_rows and not small and support is None:
            X, d = self._rotate(bound, np.flatnonzero(d == 0))
        self.rows = GlmRows(problem, X, np.asarray(d == 0 if support is None else support.all(axis=1)))
        self.d = problem.per_class(d)
        """Weights of the squares in the penalty, for every coordinate of theta but the intercepts."""
        self.curvature: FloatArray | None = None
        """H of the last Newton step."""
        null = null_gradient(problem)
        self.null_unit = null or gradient_size(problem)
        start = self._evaluate(self.rows.origin(), 0.0)
        self.unit = self._violation(start) if null > 0.0 else self.null_unit

    @property
    def size(self) -> int:
        """Number of cells of the working design."""
        return int(self.rows.X.size) * self.classes

    def _rotate(self, bound: IntArray, free: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return the n coordinates of the penalized columns and their d: D^-1/2 Z' = QR, the design is R'."""
        problem, n = self.problem, self.problem.n_rows
        root = np.sqrt(problem.penalty[bound])
        Q, R = np.linalg.qr((problem.X[:, bound] / root).T)
        self.rotation = np.zeros((problem.n_columns, n + len(free)))
        self.rotation[bound, :n] = Q / root[:, None]
        self.rotation[free, n + np.arange(len(free))] = 1.0
        return np.hstack([R.T, problem.X[:, free]]), np.append(np.ones(n), np.zeros(len(free)))

    def solve(self, lam: float, start: FloatArray | None = None, *, rough: bool = False) -> NewtonResult:
        """Return the minimiser of J at ``lam`` (sum scale).

        ``rough`` is for fits inside folds: it stops at a relative gradient of ROUGH, goes on with the last
        Hessian while that works, and leaves the effective df out (NaN).
        """
        theta = self.rows.origin() if start is None else start
        enough = (ROUGH if rough else GOOD_ENOUGH) * self.unit
        point = self._evaluate(theta, lam)
        if rough:
            point = self._chord(point, lam)
        done, before_last = rough and self._violation(point) <= enough, theta
        separated = False
        for _ in range(0 if done else MAX_ITERATIONS):
            before = self._violation(point)
            separated = lam == 0.0 and self.rows.separates(point.mu)
            if separated:  # so does every multiple of the point: there is no finite optimum
                break
            if before <= 1e-14 * self.unit:
                break
            moved = self._step(point, lam)
            if moved is None or (done and self._violation(moved) > before):
                break
            before_last, point = point.theta, moved
            if done:  # that was the last step
                break
            done = self._violation(point) <= enough
            if done and rough:
                break
        residual = self._internal_violation(point) / self.null_unit
        u, b0 = self._split(point.theta)
        u[self.problem.constant] = 0.0  # rounding in a step may have touched them
        df = np.nan if rough else self._effective_df(point, lam)
        last_move = float(np.abs(self.rows.predictor(point.theta - before_last)).max(initial=0.0))
        last_move = np.inf if separated else last_move
        return NewtonResult(u, b0, df, residual, last_move, point.theta)

    def without(self, row: int) -> NewtonSolver:
        """Return the solver of the rows but one, in the same coordinates: its weight is 0."""
        other, weights = copy(self), self.problem.weights.copy()
        weights[row] = 0.0
        other.problem = self.problem._replace(weights=weights)
        other.rows = GlmRows(other.problem, self.rows.X, self.rows.free)
        return other

    def inverse(self, mu: FloatArray, lam: float) -> FloatArray:
        """Return (H + lambda D)^-1 ((m + 1) C square) at some means; 0 for no intercept.

        A singular matrix gets its pseudo-inverse. Of several classes it is the inverse in what tells them
        apart, C - 1 contrasts, and 0 in what they have in common, which gradients are without. Steps by the
        last Hessian go on from this one.
        """
        self.curvature = self.rows.curvature(mu)
        c, d = self.classes, self.d
        if c == 1:
            return self._inverse(self.curvature, lam * d)
        return of_contrasts(self._inverse(contrasts(self.curvature, c), lam * np.repeat(d[::c], c - 1)), c)

    def _inverse(self, H: FloatArray, bound: FloatArray) -> FloatArray:
        """Return the inverse of H with the penalties ``bound`` (m,), the intercepts behind them."""
        m = len(bound)
        if not self.problem.intercept:
            H[m:], H[:, m:] = 0.0, 0.0
        penalty = np.append(bound, np.zeros(len(H) - m))
        diagonal = np.diag(H) + penalty
        if np.all(bound > NEGLIGIBLE * np.diag(H)[:m]) and np.all(diagonal[m:] > 0.0):
            scale = 1.0 / np.sqrt(diagonal)
            square = np.outer(scale, scale)
            return np.asarray(np.linalg.inv(H * square + np.diag(penalty * scale**2)) * square)
        return penalized_inverse(H, penalty)

    def _split(self, theta: FloatArray) -> tuple[FloatArray, FloatArray | float]:
        """Return internal coefficients and intercepts of the working coordinates (a copy)."""
        if self.classes == 1:
            u = theta[:-1]
            return (u.copy() if self.rotation is None else self.rotation @ u), float(theta[-1])
        matrix = theta.reshape(-1, self.classes)
        return (matrix[:-1].copy() if self.rotation is None else self.rotation @ matrix[:-1]), matrix[
            -1
        ].copy()

    def _chord(self, point: Iterate, lam: float) -> Iterate:
        """Return where steps by the last Hessian lead while each leaves under half of the gradient.

        W changes slowly along a path, so a Hessian serves several lambdas: one inverse for each instead of a
        Hessian and a solve for every step.
        """
        if self.curvature is None:
            return point
        m = len(self.d)
        M = self.curvature.copy()
        M[np.arange(m), np.arange(m)] += lam * self.d
        if not self.problem.intercept:
            M[m:, :], M[:, m:] = 0.0, 0.0
            M[m:, m:] = np.eye(self.classes)
        try:
            inverse = np.linalg.inv(M)
        except np.linalg.LinAlgError:
            return point
        for _ in range(MAX_CHORD_STEPS):
            before = self._violation(point)
            if before <= ROUGH * self.unit:
                break
            trial = self._evaluate(point.theta - inverse @ point.gradient, lam)
            if not self._violation(trial) < 0.5 * before:
                break
            point = trial
        return point

    def _evaluate(self, theta: FloatArray, lam: float) -> Iterate:
        """Return objective and gradient at a point: one product with the rows each way."""
        mu, gradient, loss = self.rows.evaluate(theta)
        if self.held is not None:
            gradient[self.held] = 0.0
        m = len(self.d)
        pull = lam * self.d * theta[:m]
        gradient[:m] += pull
        return Iterate(theta, loss + 0.5 * float(pull @ theta[:m]), mu, gradient)

    def _violation(self, point: Iterate) -> float:
        return float(np.abs(point.gradient).max(initial=0.0))

    def _internal_violation(self, point: Iterate) -> float:
        """Return the largest gradient in internal coordinates: D^1/2 Q times that of the rotated ones."""
        if self.rotation is None:
            return self._violation(point)
        d, m = self.problem.penalty, len(self.d)
        outer = self.rotation @ point.gradient[:m].reshape(-1, self.classes)
        gradient = np.where(d > 0, d, 1.0)[:, None] * outer
        return float(max(np.abs(gradient).max(initial=0.0), np.abs(point.gradient[m:]).max()))

    def _step(self, point: Iterate, lam: float) -> Iterate | None:
        """Return the next point by a damped Newton step, None if no step lowers J."""
        H = self.curvature = self.rows.curvature(point.mu)
        if self.held is not None:
            H[self.held], H[:, self.held] = 0.0, 0.0
        direction = _newton_direction(H, lam, self.d, point.gradient, self.problem.intercept)
        slope = float(point.gradient @ direction)
        before = self._violation(point)
        t = 1.0
        for _ in range(40):
            trial = self._evaluate(point.theta - t * direction, lam)
            if trial.objective <= point.objective - 1e-4 * t * slope:
                return trial
            rise = (trial.objective - point.objective) / abs(point.objective or 1.0)
            most = 0.5 if abs(rise) > 1e-13 else 1.0
            if rise <= RISE and self._violation(trial) < most * before:
                return trial
            t *= 0.5
        return None

    def _effective_df(self, point: Iterate, lam: float) -> float:
        """Return tr[(H + lambda D)^-1 H] after elimination of the intercepts."""
        m = len(self.d)
        H = self.rows.curvature(point.mu, settled=False)
        if self.held is not None:
            H[self.held], H[:, self.held] = 0.0, 0.0
        Hc = eliminate_intercept(H, m) if self.problem.intercept else H[:m, :m]
        usable = np.diag(Hc) > 0
        Hc, d = Hc[np.ix_(usable, usable)], self.d[usable]
        if not len(Hc):
            return 0.0
        if lam == 0.0:
            return float(np.linalg.matrix_rank(Hc, hermitian=True))
        if np.all(lam * d > NEGLIGIBLE * np.diag(Hc)):
            return float(np.trace(np.linalg.solve(Hc + np.diag(lam * d), Hc)))
        return float(np.sum(penalized_inverse(Hc, lam * d) * Hc))


def eliminate_intercept(H: FloatArray, m: int) -> FloatArray:
    """Return the Schur complement of the rows and columns from m on: curvature with intercepts refitted."""
    corner, cross = H[m:, m:], H[:m, m:]
    if not corner.any():
        return H[:m, :m]
    if len(corner) == 1:
        value: FloatArray = H[:m, :m] - cross @ (cross.T / corner)
        return value
    return np.asarray(H[:m, :m] - cross @ np.linalg.pinv(corner, hermitian=True) @ cross.T)


def _newton_direction(
    H: FloatArray, lam: float, d: FloatArray, gradient: FloatArray, intercept: bool
) -> FloatArray:
    """Solve (H + lambda D) direction = gradient; of many solutions the one with the smallest penalty u'Du."""
    m, size = len(d), len(H)
    M = H.copy()
    M[np.arange(m), np.arange(m)] += lam * d
    active = np.diag(M) > 0
    active[m:] &= intercept
    direction = np.zeros(size)
    if not active.any():
        return direction
    scale = np.sqrt(np.diag(M)[active])
    scaled, right = M[np.ix_(active, active)] / np.outer(scale, scale), gradient[active] / scale
    if np.all(lam * d > NEGLIGIBLE * np.diag(H)[:m]):
        direction[active] = np.linalg.solve(scaled, right) / scale
        return direction
    e, V = np.linalg.eigh(scaled)
    tied = e <= len(e) * np.finfo(np.float64).eps * e[-1] * 10.0
    x = V[:, ~tied] @ ((V[:, ~tied].T @ right) / e[~tied])
    if tied.any():  # what the data leave open is settled as in the limit of small lambdas
        root = np.sqrt(d, where=d > 0, out=np.full(m, 1e-4 * np.sqrt(d[d > 0].min(initial=1.0))))
        root = np.append(root, np.zeros(size - m))[active] / scale
        x -= V[:, tied] @ np.linalg.lstsq(root[:, None] * V[:, tied], root * x, rcond=None)[0]
    direction[active] = x / scale
    return direction
