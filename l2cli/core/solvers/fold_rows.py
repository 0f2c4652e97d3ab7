"""The rows of a problem sorted by fold: half the gradient and the curvature of J on all training sets.

Coefficients are columns of one matrix, each the theta ((p + 1) C,) of one training set at one lambda (see
:mod:`l2cli.core.solvers.glm_rows`). A pass over the rows in blocks gives all gradients by two products, Z'R
with R = s (y - mu(ZB)) and the held-out rows of each column zeroed. Curvatures come from one weighted Gram
per fold: training = total - own fold.

Notes
-----
Per pass of N columns 4 n p C N flops and n C N exponentials; per curvature n (p C)^2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

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
from l2cli.core.objective import ALONE, gradient_size
from l2cli.core.problem import Problem, row_blocks
from l2cli.core.solvers.glm_rows import between_classes, class_columns, settle_shift
from l2cli.core.solvers.l1_newton import L1Newton
from l2cli.core.solvers.newton import NewtonSolver

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
SingleArray = npt.NDArray[np.float32]
TOLERANCE, FINE_TOLERANCE = 3e-6, 1e-10
"""Relative gradient at which a fold fit is done (the contract asks 1e-5); fine where that costs nothing."""
SPAN, FARTHEST = 1e6, 50.0
"""Single precision serves weights within this factor of each other and of 1, offsets up to the second, and
cells up to its square."""
VERIFIED, AGREED = 32, 3.0
"""Fits that are computed again in double precision, and how many tolerances they may be off then."""
OWN_WEIGHTS_FLOPS = 5e7
"""Up to this much work for a Gram per training set, each has the weights W of its own column."""


class Single(NamedTuple):
    """The rows in single precision: A (n, p + q + 1), y and weights (n,).

    All of them: NumPy would bring each mixture to double precision first.
    """

    A: SingleArray
    y: SingleArray
    weights: SingleArray


class Light(NamedTuple):
    """What products need, in single precision.

    A : (n, p + q + 1) the bordered design. keep : (n, C N) the weights W of each column over its ``level``,
    of classes the probabilities. weights : (n,) of classes those of the rows over ``level``.
    """

    A: SingleArray
    keep: SingleArray
    weights: SingleArray
    level: FloatArray


class FoldRows:
    """All K training sets of one division into folds.

    Parameters
    ----------
    problem : Problem
    ids : (n,) int
        The fold of each row, 0 to k - 1.
    k : int
    """

    def __init__(self, problem: Problem, ids: IntArray, k: int) -> None:
        self.problem, self.k, self.classes = problem, k, problem.n_classes
        self.family = problem.likelihood
        self.order = np.argsort(ids, kind="stable")
        self.fold = ids[self.order]
        self.edges = np.searchsorted(self.fold, np.arange(k + 1))
        self.y, self.weights = problem.y[self.order], problem.weights[self.order]
        self.offset = None if problem.offset is None else problem.offset[self.order]
        self.uniform = bool(np.all(self.weights == 1.0))
        c = self.classes
        self.A = self._bordered()
        self._A32: SingleArray | None = None
        self._single: Single | None = None
        """The rows that gradients are computed with, where not in double precision."""
        self.own_weights = k * self.A.size * self.A.shape[1] * c**2 <= OWN_WEIGHTS_FLOPS
        self.tolerance = FINE_TOLERANCE if self.own_weights else TOLERANCE
        columns: list[ColumnMoments] = [
            column_moments(problem, self.order[self.edges[f] : self.edges[f + 1]]) for f in range(k)
        ]
        self.stats: list[TrainingStats] = [training_stats(problem, m) for m in leave_each_out(columns)]
        self.shift = np.column_stack([s.shift for s in self.stats])  # (q, k)
        r, each = problem.l1_ratio, problem.per_class
        self.square = each((1.0 - r) * np.column_stack([s.d for s in self.stats]))
        self.kink = np.vstack([each(r * np.column_stack([s.l1 for s in self.stats])), np.zeros((c, k))])
        # coordinates of columns that vary in the training rows
        self.live = each(np.column_stack([s.sd for s in self.stats])) > 0
        self.free = np.append((problem.factors == 0.0) & (problem.box is None), True)
        self.run: Callable[..., Iterable[Any]] = map
        """How a pass over blocks is run: on threads while a solver works."""
        self.start = self._null_intercepts()
        gradient = self.gradient(self.origin(), np.zeros(k), np.arange(k))
        unit = np.abs(gradient[:-c]).max(axis=0, initial=0.0)
        size = gradient_size(problem)
        self.unit = np.where(unit <= ALONE * size, size, unit)
        self._alone: dict[int, NewtonSolver | L1Newton] = {}

    def _bordered(self) -> FloatArray:
        """Return [z | masks | 1] with the rows sorted by fold: (n, p + q + 1)."""
        problem, p, q = self.problem, self.problem.n_columns, len(self.problem.masked)
        A = np.empty((problem.n_rows, p + q + 1))
        for rows in row_blocks(len(A), A.shape[1]):
            A[rows, :p] = problem.X[self.order[rows]]
            if problem.mask is not None:
                A[rows, p : p + q] = problem.mask[self.order[rows]]
        A[:, -1] = 1.0
        return A

    def _null_intercepts(self) -> FloatArray:
        """Return each training set's intercepts without features: (C, K)."""
        if not self.problem.intercept:
            return np.zeros((self.classes, self.k))
        result = []
        for f in range(self.k):
            rows = self.fold != f
            offset = None if self.offset is None else self.offset[rows]
            result.append(self.family.null_intercept(self.y[rows], self.weights[rows], offset))
        return np.column_stack(result)

    def origin(self) -> FloatArray:
        """Return the null models ((p + 1) C, K)."""
        return np.vstack([np.zeros(self.square.shape), self.start])

    def _expand(self, B: FloatArray, folds: IntArray) -> FloatArray:
        """Return coefficients (p + q + 1, C N) on A; imputing by ``shift`` adds shift * u on masks."""
        theta = B.reshape(self.problem.n_columns + 1, self.classes, -1)
        if len(masked := self.problem.masked):
            theta = np.concatenate([theta[:-1], self.shift[:, None, folds] * theta[masked], theta[-1:]])
        return theta.reshape(len(theta), -1)

    def gradient(
        self, B: FloatArray, lam: FloatArray, folds: IntArray, keep: FloatArray | None = None
    ) -> FloatArray:
        """Return half the smooth gradient of J, each column over its own training rows: ((p + 1) C, N).

        Parameters
        ----------
        B : ((p + 1) C, N) float64
        lam : (N,) float64
            On the sum scale.
        folds : (N,) int
            The fold that each column leaves out.
        keep : (n, C N) float64, optional
            Is filled with what :meth:`light` needs to know of B.
        """
        C, own = self._expand(B, folds), [np.flatnonzero(folds == f) for f in range(self.k)]
        return self._passed(lambda rows: self._pull(rows, C, own, keep), B, lam, folds)

    def _rows32(self) -> SingleArray:
        if self._A32 is None:
            self._A32 = self.A.astype(np.float32)
        return self._A32

    @contextmanager
    def in_single_precision(self) -> Iterator[None]:
        """Let gradients be computed in single precision, where the numbers fit it and are many enough.

        A gradient of n rows then errs by about 1e-7 of what it is the sum of, over the root of n: some 1e-8
        of the null model's. :meth:`verified` tells where that was not so.
        """
        if not self.own_weights and self._fits_single():
            rows = self.y.astype(np.float32), self.weights.astype(np.float32)
            self._single = Single(self._rows32(), *rows)
        try:
            yield
        finally:
            self._single = None

    def _fits_single(self) -> bool:
        """Return True for families, weights and offsets of ordinary size."""
        s, far = self.weights, 0.0 if self.offset is None else float(np.abs(self.offset).max())
        even = float(s.max()) <= SPAN * float(s.min()) and 1.0 / SPAN <= float(s.max()) <= SPAN
        far = max(far, float(np.abs(self.A).max()) / FARTHEST)
        return self.family.name in ("binomial", "multinomial", "poisson") and even and far <= FARTHEST

    def verified(
        self, B: FloatArray, lam: FloatArray, residual: FloatArray,
        distance: Callable[[FloatArray, FloatArray, FloatArray, IntArray], FloatArray],
    ) -> bool:  # fmt: skip
        """Return True where double precision agrees with residuals (L, K) at B (L, (p + 1) C, K).

        The columns with the largest coefficients are computed again, whose rounding is the largest; their
        residuals are put in their place. ``distance`` is what the optimality conditions leave of a gradient.
        """
        size = np.where(residual <= self.tolerance, np.abs(B).sum(axis=1), -1.0).ravel()
        some = np.argsort(-size, kind="stable")[:VERIFIED]
        some = some[size[some] >= 0.0]
        if not len(some):
            return True
        at, f = np.unravel_index(some, residual.shape)
        columns = B[at, :, f].T
        off = distance(self.gradient(columns, lam[at, f], f), columns, lam[at, f], f)
        exact = finite_residual(off, self.unit[f])
        residual[at, f] = np.maximum(exact, residual[at, f])
        return bool(np.all(exact <= AGREED * self.tolerance))

    def light(self, keep: FloatArray) -> Light:
        """Return what :meth:`product` takes: ``keep`` and the rows in single precision, scaled to fit it."""
        A = self._rows32()
        if self.classes > 1:
            s, level = self.weights, float(self.weights.max())
            return Light(A, keep.astype(np.float32), (s / level).astype(np.float32), np.array([level]))
        level = np.maximum(keep.max(axis=0), 1e-300)
        return Light(A, (keep / level).astype(np.float32), np.zeros(0, dtype=np.float32), level)

    def product(self, V: FloatArray, light: Light, lam: FloatArray, folds: IntArray) -> FloatArray:
        """Return (H + lambda D) V, each column with the curvature at its own point: ((p + 1) C, N).

        In single precision, 6 digits: enough for the rounds of conjugate gradients that end at 3.
        """
        size = np.maximum(np.abs(V).max(axis=0), 1e-300)
        C = self._expand(V / size, folds).astype(np.float32)

        def pull(rows: slice) -> FloatArray:
            A, keep, count = light.A[rows], light.keep[rows], rows.stop - rows.start
            t = A @ C
            if self.classes == 1:
                t *= keep
            else:
                mu, t = keep.reshape(count, self.classes, -1), t.reshape(count, self.classes, -1)
                t = mu * (t - (mu * t).sum(axis=1, keepdims=True))
                t = (t * light.weights[rows, None, None]).reshape(count, -1)
            total = (A.T @ t).reshape(A.shape[1], self.classes, -1) * (-light.level * size)
            return np.asarray(total.reshape(A.shape[1], -1))

        return self._passed(pull, V, lam, folds)

    def _passed(
        self, pull: Callable[[slice], FloatArray], B: FloatArray, lam: FloatArray, folds: IntArray
    ) -> FloatArray:
        """Return lambda D B less the sums over blocks of rows of ``pull``, brought to ((p + 1) C, N)."""
        p, c, count = self.problem.n_columns, self.classes, len(folds)
        forward = np.zeros((self.A.shape[1], c * count))
        for products in self.run(pull, row_blocks(len(self.A), self.A.shape[1] + 4 * count * c)):
            forward += products
        result = np.empty(B.shape)
        result[:-c] = lam * self.square[:, folds] * B[:-c] - forward[:p].reshape(-1, count)
        if len(masked := self.problem.masked):
            imputed = self.shift[:, None, folds] * forward[p:-1].reshape(len(masked), c, count)
            for part in self.problem.mask_layers:
                result[:-c].reshape(p, c, count)[masked[part]] -= imputed[part]
        result[:-c][~self.live[:, folds]] = 0.0
        result[-c:] = -forward[-1].reshape(c, count) if self.problem.intercept else 0.0
        return result

    def _pull(self, rows: slice, C: FloatArray, own: list[IntArray], keep: FloatArray | None) -> FloatArray:
        """Return A'R of some rows; the columns ``own`` of a fold do not see its rows."""
        size = rows.stop - rows.start
        source: Any = self if self._single is None else self._single
        A, y = source.A[rows], source.y[rows, ..., None]
        eta = A @ C.astype(A.dtype, copy=False)
        if self.offset is not None:
            eta += self.offset[rows, None]
        if self.classes > 1:
            eta = eta.reshape(size, self.classes, -1)
        r = self.family.mean(eta)
        s = source.weights[rows].reshape(-1, *(1 for _ in r.shape[1:]))
        known = None
        if keep is not None:  # of classes the probabilities, else the weights W
            known = r.copy() if self.classes > 1 else s * self.family.curvature(y, r)
        r = self.family.residual(y, r, out=r)
        if not self.uniform:
            r *= s
        for f in range(int(self.fold[rows.start]), int(self.fold[rows.stop - 1]) + 1):
            first, last = max(int(self.edges[f]), rows.start), min(int(self.edges[f + 1]), rows.stop)
            held = slice(first - rows.start, last - rows.start)
            r[held, ..., own[f]] = 0.0
            if known is not None:
                known[held, ..., own[f]] = 0.0
        if keep is not None and known is not None:
            keep[rows] = known.reshape(size, -1)
        return np.asarray(A.T @ r.reshape(size, -1))

    def _fold_blocks(self) -> Iterator[tuple[slice, int]]:
        """Yield blocks of sorted rows that lie in one fold, and the fold."""
        for f in range(self.k):
            start = int(self.edges[f])
            for b in row_blocks(int(self.edges[f + 1]) - start, self.A.shape[1] * self.classes):
                yield slice(start + b.start, start + b.stop), f

    def curvatures(self, B: FloatArray) -> FloatArray:
        """Return Z'WZ bordered by the intercepts for each training set: (K, (p + 1) C, (p + 1) C).

        Small problems weigh every training set at its own column of B, ((p + 1) C, K). Else W is taken at the
        mean column, and one Gram per fold serves all sets: training = total - own fold.
        """
        T = self._working(B)
        if self.own_weights:
            rows = slice(0, self.problem.n_rows)
            training = np.stack([self._weighted_gram(rows, T[..., f], leave_out=f) for f in range(self.k)])
        else:
            center, size = T.mean(axis=2), T.shape[0] * T.shape[1]
            own = np.zeros((self.k, size, size))
            pieces = list(self._fold_blocks())
            grams = self.run(lambda piece: self._weighted_gram(piece[0], center), pieces)
            for (_, f), gram in zip(pieces, grams, strict=True):
                own[f] += gram
            training = own.sum(axis=0) - own
        if len(self.problem.masked):
            training = np.stack([self._imputed(training[f], self.shift[:, f]) for f in range(self.k)])
        if self.classes > 1:
            for H in training:
                between_classes(H, self.classes)
                settle_shift(H, self.free, self.classes)
        return training

    def common_curvature(self, B: FloatArray) -> FloatArray:
        """Return Z'WZ of all rows at the mean of the columns of B, ((p + 1) C, K): that size squared."""
        center = self._working(B).mean(axis=2)
        H = np.zeros((center.shape[0] * self.classes,) * 2)
        blocks = row_blocks(self.problem.n_rows, len(H))
        for gram in self.run(lambda rows: self._weighted_gram(rows, center), blocks):
            H += gram
        if len(self.problem.masked):
            H = self._imputed(H, self.shift.mean(axis=1))
        if self.classes > 1:
            between_classes(H, self.classes)
            settle_shift(H, self.free, self.classes)
        return H

    def _working(self, B: FloatArray) -> FloatArray:
        """Return the columns of B on [z | masks | 1]: (p + q + 1, C, K)."""
        return self._expand(B, np.arange(self.k)).reshape(self.A.shape[1], self.classes, self.k)

    def _imputed(self, gram: FloatArray, shift: FloatArray) -> FloatArray:
        """Return the Gram of the columns imputed by ``shift`` (q,), from that of [z | masks | 1]."""
        p, m = self.problem.n_columns, self.A.shape[1] - 1
        E = np.zeros((m + 1, p + 1))
        E[np.arange(p), np.arange(p)] = 1.0
        E[p + np.arange(m - p), self.problem.masked] = shift
        E[m, p] = 1.0
        E = np.kron(E, np.eye(self.classes))
        return np.asarray(E.T @ gram @ E)

    def _weighted_gram(self, rows: slice, T: FloatArray, leave_out: int = -1) -> FloatArray:
        """Return Z'WZ of some rows, bordered by the intercept, W at T (m + 1, C); one fold may be left out.

        Of classes: A' diag(s mu_k mu_l) A for all k and l, which :func:`between_classes` turns into it.
        """
        A = self.A[rows]
        eta = A @ T
        if self.offset is not None:
            eta += self.offset[rows, None]
        weights = self.weights[rows]
        if leave_out >= 0:
            weights = np.where(self.fold[rows] == leave_out, 0.0, weights)
        if self.classes > 1:
            A = class_columns(A, np.sqrt(weights)[:, None] * self.family.mean(eta))
        else:
            root = np.sqrt(weights * self.family.curvature(self.y[rows], self.family.mean(eta[:, 0])))
            A = A * root[:, None]
        gram: FloatArray = A.T @ A
        return gram

    def alone(self, f: int, lam: float, start: FloatArray) -> tuple[FloatArray, float]:
        """Return one fold's solution by damped Newton on its own rows, and its residual."""
        if f not in self._alone:
            solver = NewtonSolver if self.problem.is_smooth else L1Newton
            self._alone[f] = solver(self.training(f))
        answer = self._alone[f].solve(lam, start)
        return np.append(answer.u.ravel(), answer.intercept), answer.residual

    def training(self, f: int) -> Problem:
        """Return the training rows of fold f with their own imputation and penalty."""
        return training_problem(self.problem, self.order[self.fold != f], self.stats[f])


def finite_residual(gradient: FloatArray, unit: FloatArray) -> FloatArray:
    """Return the largest entry of each column over its unit (inf: not finite): (N,)."""
    residual = np.abs(gradient).max(axis=0) / unit
    return np.where(np.isfinite(residual), residual, np.inf)
