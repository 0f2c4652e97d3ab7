"""J of any family on columns in blocks, with L2, L1 or both: Newton's method whose steps never see a matrix.

At theta = (u, b) half the deviance has gradient g and curvature A'WA; a step solves

    (A'WA + lambda D)_FF direction = g_F

by :mod:`l2cli.core.solvers.block_system` on the coordinates F that are not 0 or that the gradient moves away
from 0, the L1 term being linear on the orthant that they are in. The trial follows the direction and stops
coordinates at 0 where it leaves that orthant (the projected Newton method of Bertsekas 1982, SIAM J. Control
Optim. 20(2); for L1 Andrew and Gao 2007, "Scalable training of L1-regularized log-linear models"). Where that
does not lower J, a proximal gradient step does. Near the optimum F no longer changes and convergence is
quadratic; coefficients are exact zeros.

Notes
-----
The intercept b is that of columns that are not centred; the answer is given with b0 = b - level'u.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.objective import EPS, gradient_size, null_gradient
from l2cli.core.penalties import subgradient_distance
from l2cli.core.problem import Problem
from l2cli.core.solvers.block_layout import Layout, SparseCurvature
from l2cli.core.solvers.block_system import (
    Curvature,
    Elimination,
    conjugate_gradients,
    curvature,
    eliminate,
)
from l2cli.core.solvers.newton import GOOD_ENOUGH, MAX_ITERATIONS, ROUGH

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
FLOOR = 1e-13
"""Violations below this share of the null model's gradient are not pursued."""
INNER = 0.1
"""A system is solved to this share of the violation at most, to less the nearer the optimum."""
MOST_TRIALS, MOST_DROPS = 60, 6
DAMPING, MOST_DAMPING = 1e-9, 0.1
"""Least and largest share of the curvature that is added where there are kinks, in between the share of the
violation that is left: columns in F may be tied until one is at 0, and along what does not change the fit a
step is then as long as coefficients are."""


class Point(NamedTuple):
    """Coefficients (p + 1, C), the intercept last, and what they give.

    eta, mu : (n, C). gradient : (p + 1, C) of the smooth part of J / 2. objective : J / 2. off : (p + 1, C)
    what no subgradient takes away; violation : the largest of it.
    """

    theta: FloatArray
    eta: FloatArray
    mu: FloatArray
    gradient: FloatArray
    objective: float
    off: FloatArray
    violation: float


class BlockAnswer(NamedTuple):
    """Where Newton's method ended: u (p, C), internal intercept (C,); residual and last_move as elsewhere."""

    u: FloatArray
    intercept: FloatArray
    residual: float
    last_move: float
    theta: FloatArray


class BlockNewton:
    """Minimise J of one problem at many lambdas; ``solve`` may be warm-started with an earlier ``theta``.

    ``only`` ((p,) bool, optional): the coefficients that may differ from 0.
    """

    def __init__(self, problem: Problem, only: BoolArray | None = None) -> None:
        assert problem.blocks is not None
        self.problem, self.columns, self.classes = problem, problem.blocks, problem.n_classes
        self.layout, self.family = Layout(problem.blocks), problem.likelihood
        r = problem.l1_ratio
        self.kink = np.append(r * problem.l1_penalty, 0.0)[:, None]
        self.square = np.append((1.0 - r) * problem.penalty, 0.0)[:, None]
        usable = ~problem.constant if only is None else ~problem.constant & only
        self.usable = np.append(usable, problem.intercept)
        """Coordinates (p + 1,) that J is minimised over."""
        self.y = problem.y.reshape(problem.n_rows, -1)
        self.unit = null_gradient(problem) or gradient_size(problem)
        self._kept: tuple[FloatArray, list[Curvature]] | None = None
        """Weights and their curvatures; those of a quadratic are always the same."""
        self._aim = FLOOR * self.unit
        """Violation at which a fit is done."""
        self._sparse: SparseCurvature | None = None
        self._product: tuple[FloatArray, Callable[[FloatArray], FloatArray]] | None = None

    def origin(self) -> FloatArray:
        """Return theta of the null model."""
        theta = np.zeros((self.problem.n_columns + 1, self.classes))
        if self.problem.intercept:
            theta[-1] = self.family.null_intercept(self.problem.y, self.problem.weights, self.problem.offset)
        return theta

    def solve(self, lam: float, start: FloatArray | None = None, *, rough: bool = False) -> BlockAnswer:
        """Return the minimiser of J at ``lam`` (sum scale); ``rough`` stops at what folds need."""
        self._aim = (ROUGH if rough else FLOOR) * self.unit
        point = self.evaluate(self.origin() if start is None else start, lam)
        before_last, last = point, False
        for _ in range(MAX_ITERATIONS):
            if point.violation <= self._aim:
                break
            moved = self._step(point, lam)
            if moved is None or (last and moved.violation >= point.violation):
                break
            before_last, point = point, moved
            if last:
                break
            # quadratic convergence: one more step ends at rounding
            last = point.violation <= GOOD_ENOUGH * self.unit and not self.linear
        u = point.theta[:-1]
        if self.classes > 1:  # what no penalty settles sums to 0 over the classes
            settled = np.flatnonzero(lam * (self.square + self.kink)[:-1, 0] == 0.0)
            u[settled] -= u[settled].mean(axis=1, keepdims=True)
        residual = point.violation / self.unit
        move = float(np.abs(point.eta - before_last.eta).max(initial=0.0))
        return BlockAnswer(
            u, point.theta[-1] - self.columns.level @ u if self.problem.intercept else point.theta[-1],
            residual, 0.0 if self.linear else move, point.theta,
        )  # fmt: skip

    @property
    def linear(self) -> bool:
        """True where J / 2 is a quadratic but for its kinks."""
        return self.family.name == "gaussian"

    def evaluate(self, theta: FloatArray, lam: float) -> Point:
        """Return a point: one product with the rows each way; too far out J may be infinite or no number."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self._evaluate(theta, lam)

    def _evaluate(self, theta: FloatArray, lam: float) -> Point:
        problem = self.problem
        eta = self.layout.times(theta)
        if problem.offset is not None:
            eta = eta + problem.offset[:, None]
        y, s = self.y, problem.weights
        mu = self.family.mean(eta)
        r = s[:, None] * self.family.residual(y, mu)
        square, kink = lam * self.square, lam * self.kink
        gradient = square * theta - self.layout.back(r)
        gradient[~self.usable] = 0.0
        deviance = self.family.deviance(y, eta) if self.classes > 1 else self.family.deviance(y, eta)[:, 0]
        value = 0.5 * float(s @ deviance) + float(np.sum(0.5 * square * theta**2 + kink * np.abs(theta)))
        off = subgradient_distance(gradient, theta, np.broadcast_to(kink, theta.shape))
        off[~self.usable] = 0.0
        return Point(theta, eta, mu, gradient, value, off, float(np.abs(off).max(initial=0.0)))

    # ---------------------------------------------------------------- curvature

    def weights(self, point: Point) -> FloatArray:
        """Return the curvature of the deviance in each eta, (n, C), between classes left out."""
        return np.asarray(self.problem.weights[:, None] * self.family.curvature(self.y, point.mu))

    def curved(self, mu: FloatArray, w: FloatArray, eta: FloatArray) -> FloatArray:
        """Return W eta (n, C) for the curvature W at mu, whose diagonal is w (n, C)."""
        if self.classes == 1:
            return np.asarray(w * eta)
        inner = (mu * eta).sum(axis=1, keepdims=True)
        return np.asarray(self.problem.weights[:, None] * mu * (eta - inner))

    def hessian(self, point: Point, w: FloatArray) -> Callable[[FloatArray], FloatArray]:
        """Return what multiplies theta with the curvature of half the deviance at a point of weights w."""
        if self.classes > 1 or not self.layout.explicit:
            return lambda v: self.layout.back(self.curved(point.mu, w, self.layout.times(v)))
        if self._sparse is None:
            self._sparse = SparseCurvature(self.layout)
        if self._product is None or not (self.linear or self._product[0] is w):
            self._product = w, self._sparse.product(w[:, 0])
        multiply = self._product[1]
        return lambda v: multiply(v[:, 0])[:, None]

    def eliminations(
        self, w: FloatArray, lam: float, free: BoolArray, damping: float = 0.0
    ) -> list[Elimination]:
        """Return the direct part of every class for weights w (n, C) and the coordinates free (p + 1, C)."""
        penalty = lam * self.square[:, 0] + damping * (self.kink[:, 0] > 0.0)
        parts = self.curvatures(w)
        return [eliminate(part, penalty, free[:, k]) for k, part in enumerate(parts)]

    def curvatures(self, w: FloatArray) -> list[Curvature]:
        """Return the curvature of every class in parts; those of the last weights asked for are kept."""
        if self._kept is None or not (self.linear or self._kept[0] is w):
            self._kept = w, [curvature(self.layout, w[:, k]) for k in range(self.classes)]
        return self._kept[1]

    def free(self, point: Point) -> BoolArray:
        """Return the coordinates (p + 1, C) that are not held at 0."""
        moving = (point.theta != 0.0) | (self.kink == 0.0) | (point.off != 0.0)
        return np.asarray(moving & self.usable[:, None])

    # ---------------------------------------------------------------- steps

    def _step(self, point: Point, lam: float) -> Point | None:
        """Return the next point, None if no step lowers J or its violation.

        What is at 0 and would leave it against its own gradient, for the sake of others, stays.
        """
        kink, free, theta = lam * self.kink, self.free(point), point.theta
        sign = np.where(theta != 0.0, np.sign(theta), -np.sign(point.off)) * (kink > 0.0)
        w = self.weights(point)
        for _ in range(MOST_DROPS):
            slope = np.where(free, point.gradient + kink * sign, 0.0)
            direction = self._direction(point, lam, w, free, slope)
            astray = free & (theta == 0.0) & (direction * sign < 0.0)
            if not astray.any():
                break
            free = free & ~astray
        return self._search(point, lam, direction, slope, sign) or self._proximal(point, lam, w)

    def _direction(
        self, point: Point, lam: float, w: FloatArray, free: BoolArray, slope: FloatArray
    ) -> FloatArray:
        """Return the Newton direction (p + 1, C) on the free coordinates, more exact near the optimum."""
        near = point.violation / self.unit
        damping = max(DAMPING, min(near, MOST_DAMPING)) * float(w.sum()) / self.classes
        parts = self.eliminations(w, lam, free, damping)
        diagonal = lam * self.square + damping * (self.kink > 0.0)

        hessian = self.hessian(point, w)

        def product(v: FloatArray) -> FloatArray:
            return np.where(free, hessian(v) + diagonal * v, 0.0)

        def precondition(v: FloatArray) -> FloatArray:
            return np.column_stack([part.solve(v[:, k]) for k, part in enumerate(parts)])

        kinked = bool(self.kink.any())
        share = 0.0 if self.linear and not kinked else min(INNER, near)
        tol = max(share * point.violation, 0.1 * self._aim)
        size = self._diagonal(w) + diagonal if kinked else None
        found, flat = conjugate_gradients(product, precondition, slope, tol, size)
        return -found * (self._room(point.theta, -found) if flat else 1.0)

    def _diagonal(self, w: FloatArray) -> FloatArray:
        """Return the diagonal of the curvature, (p + 1, C)."""
        return np.column_stack([part.diagonal() for part in self.curvatures(w)])

    def _room(self, theta: FloatArray, direction: FloatArray) -> float:
        """Return a little more than how far the first coordinate with a kink is from 0 along a direction."""
        ahead = (self.kink > 0.0) & (theta * direction < 0.0)
        if not ahead.any():
            return 1.0
        return float(np.min(np.abs(theta[ahead] / direction[ahead]))) * (1.0 + 4.0 * EPS)

    def _search(
        self, point: Point, lam: float, direction: FloatArray, slope: FloatArray, sign: FloatArray
    ) -> Point | None:
        """Return the first point along the direction, stopped at 0, that is good enough."""
        t = 1.0
        for _ in range(MOST_TRIALS):
            theta = point.theta + t * direction
            theta[theta * sign < 0.0] = 0.0
            trial = self.evaluate(theta, lam)
            fall = 1e-4 * float(np.sum(slope * (theta - point.theta)))
            if trial.objective <= point.objective + min(fall, 0.0) and trial.objective < point.objective:
                return trial
            # near the optimum J no longer tells, the optimality conditions do
            flat = abs(trial.objective - point.objective) <= 1e-12 * abs(point.objective)
            if trial.violation < (0.9 if flat else 0.5) * point.violation:
                return trial
            t *= 0.5
            if t < EPS:
                break
        return None

    def _proximal(self, point: Point, lam: float, w: FloatArray) -> Point | None:
        """Return the point after one proximal gradient step, scaled by the curvature of each coordinate."""
        if not self.kink.any():
            return None
        kink, size = lam * self.kink, self._diagonal(w) + lam * self.square
        t, usable = 1.0, self.usable[:, None] & (size > 0.0)
        size = np.where(usable, size, 1.0)
        for _ in range(MOST_TRIALS):
            moved = point.theta - t * point.gradient / size
            theta = np.sign(moved) * np.maximum(np.abs(moved) - t * kink / size, 0.0)
            trial = self.evaluate(np.where(usable, theta, point.theta), lam)
            if trial.objective < point.objective:
                return trial
            t *= 0.5
        return None
