"""Families other than gaussian with an L1 part or bounds, on all folds: a walk from lambda to lambda.

For one lambda the K fold fits are the columns of one matrix (see :mod:`l2cli.core.solvers.fold_rows`), moved
by chord steps: every column goes to the exact minimiser of its second-order model with its kinks and bounds.
The curvatures of all folds serve several lambdas, as the weights W change slowly along the path. Columns are
frozen as their residual falls below the tolerance, and the next lambda starts from a quadratic extrapolation
in the path.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from l2cli.core.penalties import Box, subgradient_distance
from l2cli.core.problem import Problem
from l2cli.core.solvers.active_set import ActiveSet
from l2cli.core.solvers.elastic_net import active_set
from l2cli.core.solvers.fold_rows import FoldRows, finite_residual
from l2cli.core.solvers.gram import DenseGram
from l2cli.core.solvers.group_set import GroupSet
from l2cli.core.threads import row_threads

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Advance = Callable[[int], None]
Step = Callable[[FloatArray, FloatArray, IntArray], FloatArray]
SLOW = 0.05
"""A chord step that leaves more than this share of the residual asks for a new Hessian."""
INNER = 1e-2
"""A fold's second-order model is solved to this share of the tolerance."""
MAX_PASSES = 25


class KinkedFolds(FoldRows):
    """All K training sets of one division into folds, with L1 or bounds."""

    def __init__(self, problem: Problem, ids: IntArray, k: int) -> None:
        super().__init__(problem, ids, k)
        groups = problem.coordinate_groups
        self.groups = None if groups is None else groups.with_singles(self.classes)
        self.boxes = [self._box(f) for f in range(k)]
        self.models: tuple[FloatArray, list[ActiveSet | GroupSet]] | None = None
        """The curvature in use, and every fold's second-order model with it."""

    def solve(self, lambdas: FloatArray, advance: Advance) -> tuple[FloatArray, FloatArray]:
        """Return coefficients (L, (p + 1) C, K) and residuals (L, K) at lambdas (L, K), walked in that order.

        A fold that the chord steps leave above the tolerance is finished by damped Newton on its own rows.
        ``advance`` is told how many lambdas have been added to those that are done.
        """
        with row_threads(self.A.size * self.k) as run:
            self.run = run
            try:
                with self.in_single_precision():
                    B, residual = self._walk(lambdas, advance)
                if self.verified(B, lambdas, residual, self._distance):
                    return B, residual
                return self._walk(lambdas, lambda _: None)
            finally:
                self.run = map  # the pool is about to close, and could not be sent to another process

    def _walk(self, lambdas: FloatArray, advance: Advance) -> tuple[FloatArray, FloatArray]:
        """Solve the lambdas one after the other."""
        history: list[FloatArray] = []
        solutions, residuals = np.empty((len(lambdas), *self.origin().shape)), np.empty(lambdas.shape)
        curvature: FloatArray | None = None
        for i, lam in enumerate(lambdas):
            last = history[-1] if history else self.origin()
            B, curvature, residual = self._solve_one(lam, last, _extrapolate(history, last), curvature)
            for f in np.flatnonzero(~(residual <= self.tolerance)):
                B[:, f], residual[f] = self.alone(int(f), float(lam[f]), last[:, f])
            solutions[i], residuals[i] = B, residual
            history = [*history[-2:], B]
            advance(1)
        return solutions, residuals

    def _solve_one(
        self, lam: FloatArray, last: FloatArray, guess: FloatArray, curvature: FloatArray | None
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return (B, curvature in use, residual (K,)) at one lambda by chord steps from ``guess``."""
        if self.problem.box is not None:
            guess = np.column_stack([self.boxes[f].clip(guess[:, f]) for f in range(self.k)])
        everyone = np.arange(self.k)
        gradient, residual = self._residual(guess, lam, everyone)
        if guess is not last and not residual.max() < 1.0:  # the extrapolation overshot
            guess = last
            gradient, residual = self._residual(guess, lam, everyone)
        best, best_residual = guess.copy(), residual
        fresh = curvature is None
        if curvature is None:
            curvature = self.curvatures(guess)
        step = self._stepper(curvature, best, lam)
        for _ in range(MAX_PASSES):
            moving = np.flatnonzero(~(best_residual <= self.tolerance))
            if not len(moving):
                break
            trial = step(best, gradient, moving)
            gradient[:, moving], residual = self._residual(trial, lam, moving)
            gain = float(np.max(residual / best_residual[moving]))
            better = residual < best_residual[moving]
            best[:, moving[better]], best_residual[moving[better]] = trial[:, better], residual[better]
            if not gain < 1.0:
                if fresh:
                    break  # a fresh Hessian made it worse: damped Newton takes over
                gradient, _ = self._residual(best, lam, everyone)
            if not gain <= SLOW and np.any(best_residual > self.tolerance):
                curvature, fresh = self.curvatures(best), True
                step = self._stepper(curvature, best, lam)
            else:
                fresh = False
        return best, curvature, best_residual

    def _stepper(self, curvature: FloatArray, start: FloatArray, lam: FloatArray) -> Step:
        """Return what maps points, their gradients and the columns to move to the next points of these.

        That is the exact minimiser of the second-order model with its kinks, by an active set that is kept as
        long as the curvature is.
        """
        a, b = lam * self.kink, np.vstack([lam * self.square, np.zeros((self.classes, self.k))])
        if self.models is None or self.models[0] is not curvature:
            self.models = (curvature, [self._model(curvature[f], f) for f in range(self.k)])
            for f, active in enumerate(self.models[1]):
                active.begin(start[:, f], a[:, f], b[:, f])
        models = self.models[1]

        def step(B: FloatArray, gradient: FloatArray, moving: IntArray) -> FloatArray:
            result = np.empty((len(B), len(moving)))
            for i, f in enumerate(moving.tolist()):
                active = models[f]
                q = active.gram.product(B[:, f]) + b[:, f] * B[:, f] - gradient[:, f]
                result[:, i] = active.solve(q, a[:, f], b[:, f], tol=INNER * self.tolerance * self.unit[f])
            return result

        return step

    def _model(self, curvature: FloatArray, f: int) -> ActiveSet | GroupSet:
        """Return the second-order model of fold f: dead columns and an absent intercept stay at 0."""
        return active_set(DenseGram(curvature), self.kink[:, f], self.boxes[f], self.groups)

    def _box(self, f: int) -> Box:
        """Return the bounds of fold f's column, intercepts last."""
        open_end, last = np.full(len(self.square), np.inf), np.full(self.classes, np.inf)
        lower, upper = self.problem.coordinate_box or (-open_end, open_end)
        dead = np.append(~self.live[:, f], np.full(self.classes, not self.problem.intercept))
        return Box(np.append(lower, -last), np.append(upper, last)).without(dead)

    def _residual(self, B: FloatArray, lam: FloatArray, folds: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return the gradient of some folds and its largest entry over the null model's (inf: not finite).

        Parameters
        ----------
        B : ((p + 1) C, F) float64
        lam : (K,) float64
            Of all folds.
        """
        gradient = self.gradient(B, lam[folds], folds)
        return gradient, finite_residual(self._distance(gradient, B, lam[folds], folds), self.unit[folds])

    def _distance(self, gradient: FloatArray, B: FloatArray, lam: FloatArray, folds: IntArray) -> FloatArray:
        """Return what the optimality conditions leave of the gradients of some folds: ((p + 1) C, F)."""
        kink = lam * self.kink[:, folds]
        if self.problem.box is None:
            return subgradient_distance(gradient, B, kink, None, self.groups)
        columns = [
            subgradient_distance(gradient[:, [j]], B[:, [j]], kink[:, [j]], self.boxes[f], self.groups)
            for j, f in enumerate(folds.tolist())
        ]
        return np.hstack(columns)


def _extrapolate(history: list[FloatArray], last: FloatArray) -> FloatArray:
    """Return the next point of a path in even steps of log lambda: quadratic through the last three."""
    if len(history) < 2:
        return last
    if len(history) == 2:
        return 2.0 * history[-1] - history[-2]
    return 3.0 * history[-1] - 3.0 * history[-2] + history[-3]
