"""Binomial L2 (any family with mu and curvature) by Newton's method.

Half of J has gradient ``-Z'r + lambda D u`` and Hessian ``Z'WZ + lambda D`` (W = s mu'(eta)), both bordered by the
intercept. Where p > n the rows are rotated first: with A = Z D^-1/2 = LQ' (QR of A') the solution lies in the row
space, ``D^1/2 u = Q a`` with |D^1/2 u| = |a|, so an n x n design L serves every lambda (Hastie and Tibshirani 2004,
"Efficient quadratic regularization for expression arrays", section 3).

Notes
-----
An iteration costs n p^2 flops for the Hessian (symmetric rank update in row blocks), 4 n p for gradient and eta, and
p^3 / 3 for the solve. Steps are halved until J falls; near the optimum the full step is taken and convergence is
quadratic. A final step after the tolerance is met brings the gradient to its rounding floor.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt

from l2cli.core.families import Family, family_named
from l2cli.core.objective import null_gradient, null_intercept
from l2cli.core.problem import Problem, row_blocks
from l2cli.core.threads import row_threads

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
MAX_ITERATIONS = 100
GOOD_ENOUGH = 1e-9
"""Relative gradient after which one last step ends the iteration."""


@dataclass
class Iterate:
    """One point: coefficients of the working design with the intercept last (0 without), and what they give."""

    theta: FloatArray
    objective: float
    mu: FloatArray
    gradient: FloatArray
    largest_eta: float


@dataclass(frozen=True)
class NewtonResult:
    """Internal coefficients u (p,) and intercept, effective df, iterations, relative gradient, largest |eta|, and
    ``theta``: the point in the solver's own coordinates, to start the next lambda from."""

    u: FloatArray
    intercept: float
    effective_df: float
    iterations: int
    residual: float
    largest_eta: float
    theta: FloatArray


class NewtonSolver:
    """Minimise J of one problem at many lambdas; ``solve`` may be warm-started with an earlier ``theta``."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.family: Family = family_named(problem.family)
        self.start_intercept = 0.0
        if problem.intercept:
            self.start_intercept = null_intercept(problem.family, problem.y, problem.weights, problem.offset)
        self.rotation: FloatArray | None = None
        self.X, self.d = problem.X, problem.penalty
        bound = np.flatnonzero(self.d > 0)
        if len(bound) > problem.n_rows:
            self._rotate(bound, np.flatnonzero(self.d == 0))
        self.null_unit = null_gradient(problem)
        start = self._evaluate(self._origin(), 0.0)
        self.unit = self._violation(start) if self.null_unit > 0 else 0.0

    def _rotate(self, bound: IntArray, free: IntArray) -> None:
        """Replace the penalized columns by their n coordinates: D^-1/2 Z' = QR, rows of the new design are R'."""
        problem, n = self.problem, self.problem.n_rows
        root = np.sqrt(self.d[bound])
        Q, R = np.linalg.qr((problem.X[:, bound] / root).T)
        self.X = np.hstack([R.T, problem.X[:, free]])
        self.rotation = np.zeros((problem.n_columns, n + len(free)))
        self.rotation[bound, :n] = Q / root[:, None]
        self.rotation[free, n + np.arange(len(free))] = 1.0
        self.d = np.append(np.ones(n), np.zeros(len(free)))

    def solve(self, lam: float, start: FloatArray | None = None) -> NewtonResult:
        """Return the minimiser of J at ``lam`` (sum scale)."""
        theta = self._origin() if start is None else start
        point = self._evaluate(theta, lam)
        done, count = False, 0
        for count in range(1, MAX_ITERATIONS + 1):
            before = self._violation(point)
            if done and before <= 1e-14 * self.unit:
                break
            moved = self._step(point, lam)
            if done:  # the last step: kept only if it helps
                point = moved if moved is not None and self._violation(moved) <= before else point
                break
            if moved is None:
                break
            point = moved
            done = self._violation(point) <= GOOD_ENOUGH * self.unit
        residual = self._internal_violation(point) / self.null_unit if self.null_unit > 0 else 0.0
        u = point.theta[:-1] if self.rotation is None else self.rotation @ point.theta[:-1]
        df = self._effective_df(point, lam)
        return NewtonResult(u, float(point.theta[-1]), df, count, residual, point.largest_eta, point.theta)

    def _origin(self) -> FloatArray:
        theta = np.zeros(self.X.shape[1] + 1)
        theta[-1] = self.start_intercept
        return theta

    def _evaluate(self, theta: FloatArray, lam: float) -> Iterate:
        """Return objective and gradient at a point: one product with the rows each way."""
        problem, u = self.problem, theta[:-1]
        eta = self.X @ u + theta[-1]
        if problem.offset is not None:
            eta = eta + problem.offset
        mu = self.family.mean(eta)
        r = problem.weights * (problem.y - mu)
        gradient = np.append(lam * self.d * u - self.X.T @ r, -r.sum() if problem.intercept else 0.0)
        loss = float(problem.weights @ self.family.deviance(problem.y, eta))
        return Iterate(theta, 0.5 * (loss + lam * float(self.d @ u**2)), mu, gradient, float(np.abs(eta).max(initial=0.0)))

    def _violation(self, point: Iterate) -> float:
        return float(np.abs(point.gradient).max(initial=0.0))

    def _internal_violation(self, point: Iterate) -> float:
        """Return the largest gradient in internal coordinates: that of u is D^1/2 Q times that of the rotated ones."""
        if self.rotation is None:
            return self._violation(point)
        d = self.problem.penalty
        gradient = np.where(d > 0, d, 1.0) * (self.rotation @ point.gradient[:-1])
        return float(max(np.abs(gradient).max(initial=0.0), abs(point.gradient[-1])))

    def _hessian(self, mu: FloatArray) -> FloatArray:
        """Return Z'WZ bordered by the intercept: (m + 1, m + 1)."""
        n, m = self.X.shape
        root = np.sqrt(self.problem.weights * self.family.curvature(mu))

        def gram(rows: slice) -> FloatArray:
            B = np.empty((rows.stop - rows.start, m + 1))
            np.multiply(self.X[rows], root[rows, None], out=B[:, :m])
            B[:, m] = root[rows]
            product: FloatArray = B.T @ B
            return product

        with row_threads(self.X.size) as run:
            return reduce(np.add, run(gram, row_blocks(n, m + 1)), np.zeros((m + 1, m + 1)))

    def _step(self, point: Iterate, lam: float) -> Iterate | None:
        """Return the next point by a damped Newton step, None if no step lowers J."""
        H = self._hessian(point.mu)
        direction = _newton_direction(H, lam * self.d, point.gradient, self.problem.intercept)
        slope = float(point.gradient @ direction)
        before = self._violation(point)
        t = 1.0
        for _ in range(40):
            trial = self._evaluate(point.theta - t * direction, lam)
            enough = point.objective - 1e-4 * t * slope
            if trial.objective <= enough or self._violation(trial) < 0.5 * before:
                return trial
            if abs(trial.objective - point.objective) <= 1e-13 * abs(point.objective) and self._violation(trial) < before:
                return trial
            t *= 0.5
        return None

    def _effective_df(self, point: Iterate, lam: float) -> float:
        """Return tr[(H + lambda D)^-1 H] with H = Z'WZ after elimination of the intercept."""
        H = self._hessian(point.mu)
        Hc = eliminate_intercept(H) if self.problem.intercept else H[:-1, :-1]
        usable = np.diag(Hc) > 0
        Hc, d = Hc[np.ix_(usable, usable)], self.d[usable]
        if lam == 0.0:
            return float(np.linalg.matrix_rank(Hc, hermitian=True)) if len(Hc) else 0.0
        return float(np.trace(np.linalg.solve(Hc + np.diag(lam * d), Hc)))


def eliminate_intercept(H: FloatArray) -> FloatArray:
    """Return the Schur complement of the last row and column: curvature with the intercept refitted."""
    corner = float(H[-1, -1])
    cross = H[:-1, -1]
    value: FloatArray = H[:-1, :-1] - np.outer(cross, cross) / corner if corner > 0 else H[:-1, :-1]
    return value


def _newton_direction(H: FloatArray, penalty: FloatArray, gradient: FloatArray, intercept: bool) -> FloatArray:
    """Solve (H + penalty) direction = gradient; the minimum-norm direction where the matrix is singular."""
    m = len(penalty)
    M = H.copy()
    M[np.arange(m), np.arange(m)] += penalty
    active = np.diag(M) > 0
    active[m] &= intercept
    scale = np.where(active, np.sqrt(np.where(active, np.diag(M), 1.0)), 1.0)
    scaled = M[np.ix_(active, active)] / np.outer(scale[active], scale[active])
    right = gradient[active] / scale[active]
    direction = np.zeros(m + 1)
    if not np.any(penalty == 0.0) or m == 0:
        direction[active] = np.linalg.solve(scaled, right) / scale[active]
        return direction
    # columns without penalty may be tied: the pseudo-inverse stays in the row space
    e, V = np.linalg.eigh(M[np.ix_(active, active)])
    keep = e > len(e) * np.finfo(np.float64).eps * max(float(e[-1]), 0.0) * 10.0
    direction[active] = V[:, keep] @ ((V[:, keep].T @ gradient[active]) / e[keep])
    return direction
