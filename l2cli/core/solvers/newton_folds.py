"""Families other than gaussian on all folds and lambdas at once: columns of one matrix, moved by chord steps.

For one lambda the K fold fits are the columns of B (p + 1, K). A pass over the rows (sorted by fold, in
blocks) gives all gradients by two products, Z'R with R = s (y - mu(ZB)) and the held-out rows of each column
zeroed. The Hessians of all folds come from one weighted Gram per fold at the mean of the columns (training =
total - own fold) and serve several lambdas, as the weights W change slowly along the path. Columns are frozen
as their residual falls below the tolerance, and the next lambda starts from a quadratic extrapolation in the
path. Of C classes every column of B is a matrix (p + 1, C), raveled, and the products have C K columns.

Notes
-----
Per pass 4 n p K flops and n K exponentials; per Hessian n p^2; per lambda and fold one (p + 1)^3 solve. A
pass costs about as much as reading the rows twice, against a Hessian for each fold, lambda and step of plain
Newton.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from l2cli.core.moments import (
    ColumnMoments,
    TrainingStats,
    column_moments,
    leave_each_out,
    training_problem,
    training_stats,
)
from l2cli.core.penalties import Box, subgradient_distance
from l2cli.core.problem import Problem, row_blocks
from l2cli.core.solvers.active_set import ActiveSet
from l2cli.core.solvers.glm_rows import between_classes, class_columns, settle_shift
from l2cli.core.solvers.gram import DenseGram
from l2cli.core.solvers.l1_newton import L1Newton
from l2cli.core.solvers.newton import NewtonSolver
from l2cli.core.threads import row_threads

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Step = Callable[[FloatArray, FloatArray, npt.NDArray[np.bool_]], FloatArray]
TOLERANCE, FINE_TOLERANCE = 1e-6, 1e-10
"""Relative gradient at which a fold fit is done (the contract asks 1e-5); fine where that costs nothing."""
SLOW = 0.15
"""A chord step that leaves more than this share of the residual asks for a new Hessian."""
INNER = 1e-2
"""A fold's second-order model is solved to this share of the tolerance."""
MAX_PASSES = 25
OWN_WEIGHTS_FLOPS = 5e7
"""Up to this much work for a Gram per training set, each has the weights W of its own column."""
LARGE_SYSTEM = 150
"""Columns from which the systems are factorized by SciPy's Cholesky."""


class BatchedFolds:
    """All K training sets of one division into folds."""

    def __init__(self, problem: Problem, ids: IntArray, k: int) -> None:
        self.problem, self.k, self.classes = problem, k, problem.n_classes
        self.family = problem.likelihood
        self.order = np.argsort(ids, kind="stable")
        edges = np.searchsorted(ids[self.order], np.arange(k + 1))
        self.part = problem.take(self.order)
        p, q, c = problem.n_columns, len(problem.masked), self.classes
        self.Z = self.part.X if self.part.mask is None else np.hstack([self.part.X, self.part.mask])
        self.own_weights = k * self.Z.size * self.Z.shape[1] * c**2 <= OWN_WEIGHTS_FLOPS
        self.tolerance = FINE_TOLERANCE if self.own_weights else TOLERANCE
        self.edges = edges
        self.fold = ids[self.order]
        self.blocks = [
            (rows, np.arange(rows.stop - rows.start))
            for rows in row_blocks(problem.n_rows, p + q + 4 * k * c)
        ]
        columns: list[ColumnMoments] = [
            column_moments(problem, self.order[edges[f] : edges[f + 1]]) for f in range(k)
        ]
        self.stats: list[TrainingStats] = [training_stats(problem, c) for c in leave_each_out(columns)]
        self.shift = np.column_stack([s.shift for s in self.stats])  # (q, k)
        r = problem.l1_ratio
        each = problem.per_class
        self.square = each((1.0 - r) * np.column_stack([s.d for s in self.stats]))
        self.kink = np.vstack([each(r * np.column_stack([s.l1 for s in self.stats])), np.zeros((c, k))])
        # coordinates of columns that vary in the training rows
        self.live = each(np.column_stack([s.sd for s in self.stats])) > 0
        self.free = np.append((problem.factors == 0.0) & (problem.box is None), True)
        self.weights = np.array([s.weight for s in self.stats])
        self.run: Callable[..., Iterable[Any]] = map
        """How a pass over blocks is run: on threads while :meth:`solve` lasts."""
        self.models: tuple[FloatArray, list[ActiveSet]] | None = None
        """With an L1 part: the curvature in use, and every fold's second-order model with it."""
        self.start = self._null_intercepts()
        gradient = self._gradient(self._origin(), np.zeros(k))
        unit = np.abs(gradient[:-c]).max(axis=0, initial=0.0)
        self.unit = np.where(unit > 0, unit, 1.0)
        self.alone: dict[int, NewtonSolver | L1Newton] = {}

    def _null_intercepts(self) -> FloatArray:
        """Return each training set's intercepts without features: (C, K)."""
        part = self.part
        if not part.intercept:
            return np.zeros((self.classes, self.k))
        result = []
        for f in range(self.k):
            rows = self.fold != f
            offset = None if part.offset is None else part.offset[rows]
            result.append(self.family.null_intercept(part.y[rows], part.weights[rows], offset))
        return np.column_stack(result)

    def _expand(self, B: FloatArray) -> FloatArray:
        """Return coefficients (p + q, C K) on [z | masks]; imputing by ``shift`` adds shift * u on masks."""
        u = B[: -self.classes].reshape(self.problem.n_columns, self.classes, self.k)
        if len(self.problem.masked):
            u = np.concatenate([u, self.shift[:, None, :] * u[self.problem.masked]])
        return u.reshape(len(u), -1)

    def _gradient(self, B: FloatArray, lam: FloatArray) -> FloatArray:
        """Return half the smooth gradient of J at B, ((p + 1) C, K), each column over its training rows."""
        part, p, c = self.part, self.problem.n_columns, self.classes
        C, b0 = self._expand(B), B[-c:].reshape(-1)
        forward, total = np.zeros((self.Z.shape[1], c * self.k)), np.zeros(c * self.k)

        def pull(block: tuple[slice, IntArray]) -> tuple[FloatArray, FloatArray]:
            rows, index = block
            Z = self.Z[rows]
            eta = Z @ C
            eta += b0
            if part.offset is not None:
                eta += part.offset[rows, None]
            if c > 1:
                eta = eta.reshape(len(index), c, self.k)
            r = self.family.mean(eta)
            r = self.family.residual(part.y[rows, ..., None], r, out=r)
            r *= part.weights[rows].reshape(-1, *(1 for _ in r.shape[1:]))
            r[index, ..., self.fold[rows]] = 0.0  # a fold's own rows are held out of its column
            r = r.reshape(len(index), -1)
            return Z.T @ r, r.sum(axis=0)

        for products, sums in self.run(pull, self.blocks):
            forward += products
            total += sums
        gradient = np.empty(B.shape)
        gradient[:-c] = lam * self.square * B[:-c] - forward[:p].reshape(-1, self.k)
        if len(masked := self.problem.masked):
            imputed = self.shift[:, None, :] * forward[p:].reshape(len(masked), c, self.k)
            gradient[:-c].reshape(p, c, self.k)[masked] -= imputed
        gradient[:-c][~self.live] = 0.0
        gradient[-c:] = -total.reshape(c, self.k) if self.problem.intercept else 0.0
        return gradient

    def _fold_blocks(self) -> Iterator[tuple[slice, int]]:
        """Yield blocks of sorted rows that lie in one fold, and the fold."""
        for f in range(self.k):
            start = int(self.edges[f])
            for b in row_blocks(int(self.edges[f + 1]) - start, self.Z.shape[1]):
                yield slice(start + b.start, start + b.stop), f

    def _curvatures(self, B: FloatArray) -> FloatArray:
        """Return Z'WZ bordered by the intercepts for each training set: (K, (p + 1) C, (p + 1) C).

        Small problems weigh every training set at its own column. Else W is taken at the mean column, and one
        Gram per fold serves all sets: training = total - own fold.
        """
        p, m, c = self.problem.n_columns, self.Z.shape[1], self.classes
        T = np.vstack([self._expand(B), B[-c:].reshape(1, -1)]).reshape(m + 1, c, self.k)
        if self.own_weights:
            rows = slice(0, self.problem.n_rows)
            training = np.stack([self._weighted_gram(rows, T[..., f], leave_out=f) for f in range(self.k)])
        else:
            center = T.mean(axis=2)
            own = np.zeros((self.k, (m + 1) * c, (m + 1) * c))
            pieces = list(self._fold_blocks())
            grams = self.run(lambda piece: self._weighted_gram(piece[0], center), pieces)
            for (_, f), gram in zip(pieces, grams, strict=True):
                own[f] += gram
            training = own.sum(axis=0) - own
        if m > p:
            training = np.stack([self._imputed(training[f], f) for f in range(self.k)])
        if c > 1:
            for H in training:
                between_classes(H, c)
                settle_shift(H, self.free, c)
        return training

    def _imputed(self, gram: FloatArray, f: int) -> FloatArray:
        """Return the Gram of the columns as fold f imputes them, from that of [z | masks | 1]."""
        p, m = self.problem.n_columns, self.Z.shape[1]
        E = np.zeros((m + 1, p + 1))
        E[np.arange(p), np.arange(p)] = 1.0
        E[p + np.arange(m - p), self.problem.masked] = self.shift[:, f]
        E[m, p] = 1.0
        E = np.kron(E, np.eye(self.classes))
        return np.asarray(E.T @ gram @ E)

    def _weighted_gram(self, rows: slice, T: FloatArray, leave_out: int = -1) -> FloatArray:
        """Return Z'WZ of some rows, bordered by the intercept, W at T (m + 1, C); one fold may be left out.

        Of classes: A' diag(s mu_k mu_l) A for all k and l, which :func:`between_classes` turns into it.
        """
        part, Z, m = self.part, self.Z[rows], self.Z.shape[1]
        eta = Z @ T[:-1] + T[-1]
        if part.offset is not None:
            eta += part.offset[rows, None]
        weights = np.where(self.fold[rows] == leave_out, 0.0, part.weights[rows])
        if self.classes > 1:
            A = class_columns(Z, np.sqrt(weights)[:, None] * self.family.mean(eta))
        else:
            root = np.sqrt(weights * self.family.curvature(part.y[rows], self.family.mean(eta[:, 0])))
            A = np.empty((len(root), m + 1))
            np.multiply(Z, root[:, None], out=A[:, :m])
            A[:, m] = root
        gram: FloatArray = A.T @ A
        return gram

    def _systems(self, curvature: FloatArray, lam: FloatArray) -> FloatArray:
        """Return curvature plus penalty; dead columns and an absent intercept get a unit pivot."""
        M, m = curvature.copy(), len(self.square)
        index = np.arange(m)
        M[:, index, index] += (lam * self.square).T
        for f in range(self.k):
            dead = np.flatnonzero(~self.live[:, f])
            if not self.problem.intercept:
                dead = np.append(dead, m + np.arange(self.classes))
            M[f, dead, :], M[f, :, dead] = 0.0, 0.0
            M[f, dead, dead] = 1.0
        return M

    def solve(self, lambdas: FloatArray, starts: list[FloatArray]) -> tuple[list[FloatArray], FloatArray]:
        """Return coefficients [((p + 1) C, K)] for lambdas (L, K), walked in that order; residuals (L, K).

        ``starts`` holds up to three solutions at the lambdas that precede the first one (latest last). A fold
        that the chord steps leave above the tolerance is finished by damped Newton on its own rows.
        """
        with row_threads(self.Z.size * self.k) as run:
            self.run = run
            try:
                return self._walk(lambdas, starts)
            finally:
                self.run = map  # the pool is about to close, and could not be sent to another process

    def _walk(self, lambdas: FloatArray, starts: list[FloatArray]) -> tuple[list[FloatArray], FloatArray]:
        """Solve the lambdas one after the other."""
        history, solutions = list(starts), []
        residuals = np.empty(lambdas.shape)
        curvature: FloatArray | None = None
        for i, lam in enumerate(lambdas):
            last = history[-1] if history else self._origin()
            B, curvature, residual = self._solve_one(lam, last, _extrapolate(history, last), curvature)
            for f in np.flatnonzero(~(residual <= self.tolerance)):
                B[:, f], residual[f] = self._newton(int(f), float(lam[f]), last[:, f])
            residuals[i] = residual
            solutions.append(B)
            history = [*history[-2:], B]
        return solutions, residuals

    def _newton(self, f: int, lam: float, start: FloatArray) -> tuple[FloatArray, float]:
        """Return one fold's solution by damped Newton, and its residual."""
        if f not in self.alone:
            solver = NewtonSolver if self.problem.is_smooth else L1Newton
            self.alone[f] = solver(self.training(f))
        answer = self.alone[f].solve(lam, start)
        return np.append(answer.u.ravel(), answer.intercept), answer.residual

    def training(self, f: int) -> Problem:
        """Return the training rows of fold f with their own imputation and penalty."""
        return training_problem(self.problem, self.order[self.fold != f], self.stats[f])

    def _origin(self) -> FloatArray:
        return np.vstack([np.zeros(self.square.shape), self.start])  # bounds: see _solve_one

    def _solve_one(
        self, lam: FloatArray, last: FloatArray, guess: FloatArray, curvature: FloatArray | None
    ) -> tuple[FloatArray, FloatArray | None, FloatArray]:
        """Return (B, curvature in use, residual (K,)) at one lambda by chord steps from ``guess``."""
        if self.problem.box is not None:
            guess = np.column_stack([self._box(f).clip(guess[:, f]) for f in range(self.k)])
        gradient, residual = self._residual(guess, lam)
        if guess is not last and not residual.max() < 1.0:  # the extrapolation overshot
            guess = last
            gradient, residual = self._residual(guess, lam)
        best, best_residual = guess.copy(), residual
        fresh = curvature is None
        if curvature is None:
            curvature = self._curvatures(guess)
        step = self._stepper(curvature, best, lam)
        for _ in range(MAX_PASSES):
            moving = ~(best_residual <= self.tolerance)
            if not moving.any() or step is None:
                break
            trial = np.where(moving, step(best, gradient, moving), best)
            gradient, residual = self._residual(trial, lam)
            better = residual < best_residual
            gain = float(np.max(residual[moving] / best_residual[moving]))
            best[:, better], best_residual = trial[:, better], np.where(better, residual, best_residual)
            if not gain < 1.0:
                if fresh:
                    break  # a fresh Hessian made it worse: damped Newton takes over
                gradient, _ = self._residual(best, lam)
            if not gain <= SLOW and np.any(best_residual > self.tolerance):
                curvature, fresh = self._curvatures(best), True
                step = self._stepper(curvature, best, lam)
            else:
                fresh = False
        return best, curvature if step is not None else None, best_residual

    def _stepper(self, curvature: FloatArray, start: FloatArray, lam: FloatArray) -> Step | None:
        """Return what maps points, their gradients and the columns to move to the next points.

        Pure L2: one linear system for each fold. With an L1 part: the exact minimiser of the second-order
        model with its kinks, by an active set that is kept as long as the curvature is.
        """
        if self.problem.is_smooth:
            solve = _solver(self._systems(curvature, lam))
            return None if solve is None else lambda B, gradient, _: B - solve(gradient)
        a, b = lam * self.kink, np.vstack([lam * self.square, np.zeros((self.classes, self.k))])
        if self.models is None or self.models[0] is not curvature:
            self.models = (curvature, [self._model(curvature[f], f) for f in range(self.k)])
            for f, active in enumerate(self.models[1]):
                active.begin(start[:, f], a[:, f], b[:, f])
        models = self.models[1]

        def step(B: FloatArray, gradient: FloatArray, moving: npt.NDArray[np.bool_]) -> FloatArray:
            result = B.copy()
            for f in np.flatnonzero(moving):
                active = models[f]
                q = active.gram.product(B[:, f]) + b[:, f] * B[:, f] - gradient[:, f]
                result[:, f] = active.solve(q, a[:, f], b[:, f], tol=INNER * self.tolerance * self.unit[f])
            return result

        return step

    def _model(self, curvature: FloatArray, f: int) -> ActiveSet:
        """Return the second-order model of fold f: dead columns and an absent intercept stay at 0."""
        return ActiveSet(DenseGram(curvature), *self._box(f))

    def _box(self, f: int) -> Box:
        """Return the bounds of fold f's column, intercepts last."""
        open_end, last = np.full(len(self.square), np.inf), np.full(self.classes, np.inf)
        lower, upper = self.problem.coordinate_box or (-open_end, open_end)
        dead = np.append(~self.live[:, f], np.full(self.classes, not self.problem.intercept))
        return Box(np.append(lower, -last), np.append(upper, last)).without(dead)

    def _residual(self, B: FloatArray, lam: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the gradient and its largest entry over the null model's (inf: not finite): (K,)."""
        gradient = self._gradient(B, lam)
        residual = np.abs(self._distance(gradient, B, lam)).max(axis=0) / self.unit
        return gradient, np.where(np.isfinite(residual), residual, np.inf)

    def _distance(self, gradient: FloatArray, B: FloatArray, lam: FloatArray) -> FloatArray:
        """Return what the optimality conditions leave of the gradient: ((p + 1) C, K)."""
        if self.problem.is_smooth:
            return gradient
        if self.problem.box is None:
            return subgradient_distance(gradient, B, lam * self.kink)
        columns = [
            subgradient_distance(gradient[:, [f]], B[:, [f]], (lam * self.kink)[:, [f]], self._box(f))
            for f in range(self.k)
        ]
        return np.hstack(columns)


def _solver(systems: FloatArray) -> Callable[[FloatArray], FloatArray] | None:
    """Return what maps right-hand sides (m, K), one per system (K, m, m), to solutions (m, K).

    Small systems are inverted together; for large ones a Cholesky factor costs a sixth and pays SciPy's
    import. None where a system is singular to rounding (every fitted probability is 0 or 1).
    """
    try:
        if systems.shape[1] <= LARGE_SYSTEM:
            inverse = np.linalg.inv(systems)
            return lambda right: np.einsum("kij,jk->ik", inverse, right)
        from scipy.linalg import cho_factor, cho_solve

        factors = [cho_factor(M, lower=True, check_finite=False) for M in systems]
    except np.linalg.LinAlgError:
        return None
    return lambda right: np.column_stack(
        [cho_solve(factor, right[:, f], check_finite=False) for f, factor in enumerate(factors)]
    )


def _extrapolate(history: list[FloatArray], last: FloatArray) -> FloatArray:
    """Return the next point of a path in even steps of log lambda: quadratic through the last three."""
    if len(history) < 2:
        return last
    if len(history) == 2:
        return 2.0 * history[-1] - history[-2]
    return 3.0 * history[-1] - 3.0 * history[-2] + history[-3]
