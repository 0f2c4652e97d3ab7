"""Gaussian models on all folds: the whole cross-validation from per-fold moments, one pass over the rows.

Training moments of a fold are the merge of the others, in time order of earlier ones, and its held-out mse is
a quadratic form of its own moments, so no fit looks at a row: n p^2 flops once serve every lambda. With more
columns than training rows the rows themselves take the place of the moments.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from copy import copy
from functools import reduce
from itertools import accumulate
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from l2cli.core.metrics import losses as metric_losses
from l2cli.core.moments import (
    GramSystem,
    Moments,
    TrainingStats,
    fold_moments,
    gram_system,
    heldout_sum_of_squares,
    leave_each_out,
    training_stats,
)
from l2cli.core.problem import Problem, row_blocks
from l2cli.core.solvers.ridge import RidgeFactor
from l2cli.data.folds import Folds
from l2cli.select.learner import null_mse, training_mean, training_moments

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
CACHE_BYTES = 1 << 30
"""What was made for all folds is kept up to this size, else made again when asked for."""
CANCELLATION = 1e-4
"""Held-out losses below this share of the terms they are the sum of are computed from the rows."""


class FoldMoments(NamedTuple):
    """Moments of the rows that each fit holds out, and of those that it is the first to be trained on.

    held : of each fit. steps : in time order k + 1, the last of rows that no fold is trained on; else empty.
    """

    held: list[Moments]
    steps: list[Moments]

    @staticmethod
    def of(problem: Problem, folds: Folds) -> FoldMoments:
        """Return the moments of a problem: one pass over the rows, two where there is a gap."""
        if folds.order is None:
            return FoldMoments([m for ids in folds.ids for m in fold_moments(problem, ids, folds.k)], [])
        steps = fold_moments(problem, folds.order.since, folds.k + 1)
        if np.array_equal(folds.order.since, folds.ids[0] + 1):  # a fold adds what the one before held out
            return FoldMoments(steps[1:], steps)
        return FoldMoments(fold_moments(problem, folds.ids[0], folds.k), steps)

    def training(self, k: int) -> Iterator[Moments]:
        """Yield the moments of the rows that each fit is trained on."""
        if self.steps:
            yield from accumulate(self.steps[:k], Moments.merge)
            return
        for first in range(0, len(self.held), k):
            yield from leave_each_out(self.held[first : first + k])

    def all_rows(self, k: int) -> Moments:
        """Return the moments of all rows."""
        return reduce(Moments.merge, self.steps or self.held[:k])


class GaussianFolds(ABC):
    """Fits of a gaussian problem without each fold in turn; see :class:`l2cli.select.learner.FoldFits`.

    Parameters
    ----------
    problem : Problem
    folds : Folds
    scale : str
        That of the lambdas, sum or mean.
    progress : callable, optional
    moments : FoldMoments, optional
        If they were made before.
    """

    def __init__(
        self,
        problem: Problem,
        folds: Folds,
        scale: str = "sum",
        progress: Callable[[str, int, int], None] | None = None,
        moments: FoldMoments | None = None,
    ) -> None:
        self.problem, self.folds, self.scale = problem, folds, scale
        self.progress = progress
        self.family = problem.likelihood
        self.kkt_max = 0.0
        self.rows = [np.flatnonzero(ids == f) for ids in folds.ids for f in range(folds.k)]
        self.fold_weights = np.array([problem.weights[rows].sum() for rows in self.rows])
        self.by_moments = problem.n_columns <= min(folds.training_sizes())
        self.moments: FoldMoments | None = None
        if self.by_moments:
            self.moments = FoldMoments.of(problem, folds) if moments is None else moments
        self.several: Self | None = None
        self.target = 0
        self._sides: list[tuple[TrainingStats, GramSystem | None]] = []

    def for_target(self, t: int, problem: Problem) -> Self:
        """Return the fits to one of the T targets of this problem, whose y is (n, T).

        ``problem`` is that of the target. The moments of the folds, and what is made of them without looking
        at a response, stay those of all targets.
        """
        one = copy(self)
        one.several, one.target, one.problem = self, t, problem
        return one

    def with_factors(self, factors: FloatArray) -> Self:
        """Return the fits with other penalty factors (p,): the moments of the folds stay what they are."""
        problem = self.problem._replace(factors=factors)
        return type(self)(problem, self.folds, self.scale, moments=self.moments)

    def without(self, i: int) -> Self:
        """Return the fits on the other folds of the same repeat: what tells the lambda of fit ``i`` alone.

        Their moments are at hand, so no row is looked at. Not of time-ordered folds.
        """
        if self.several is not None:
            return self.several.without(i).for_target(self.target, self.problem)
        k = self.folds.k
        first = i // k * k
        moments = None
        if self.moments is not None:
            mine = enumerate(self.moments.held[first : first + k], first)
            moments = FoldMoments([m for j, m in mine if j != i], [])
        return type(self)(self.problem, self.folds.others(i), self.scale, moments=moments)

    @abstractmethod
    def solutions(self, lambdas: FloatArray) -> Iterator[tuple[TrainingStats, FloatArray]]:
        """Yield, for every fit, its preprocessing and coefficients (p, L), having noted their residuals."""

    def full_factor(self) -> RidgeFactor | None:
        """Return None: no factor of all rows comes with these fits."""
        return None

    def _training_sides(self) -> Iterator[tuple[TrainingStats, GramSystem | None]]:
        """Yield every fit's preprocessing and, where columns are few, its Gram system."""
        if self.several is None:
            yield from self._make_sides()
            return
        for stats, system in self.several.shared_sides():
            yield stats.target(self.target), None if system is None else system.target(self.target)

    def shared_sides(self) -> Iterator[tuple[TrainingStats, GramSystem | None]]:
        """Yield the training sides of all targets together, kept for the next target where memory allows."""
        if len(self._sides) == len(self.rows):
            yield from self._sides
            return
        p = self.problem.n_columns
        keep = len(self.rows) * p * (p if self.by_moments else 1) * 8 <= CACHE_BYTES
        self._sides = []
        for side in self._make_sides():
            if keep:
                self._sides.append(side)
            yield side

    def _make_sides(self) -> Iterator[tuple[TrainingStats, GramSystem | None]]:
        if self.moments is not None:
            for moments in self.moments.training(self.folds.k):
                system = gram_system(self.problem, moments)
                yield system.stats, system
        else:
            for merged in training_moments(self.problem, self.folds):
                yield training_stats(self.problem, merged), None

    def losses(self, lambdas: FloatArray, metric: str) -> FloatArray:
        """Return (F, L): each fit's weighted mean loss over its held-out rows."""
        quadratic = metric in ("mse", "deviance", "rmse", "r2") and self.by_moments
        result = np.empty((len(self.rows), len(lambdas)))
        null = null_mse(self) if metric == "r2" else None
        for i, (stats, u) in enumerate(self.solutions(lambdas)):
            intercept = stats.intercept(u, self.problem.intercept)
            if quadratic:
                result[i] = self._mse(i, stats, u, intercept)
                if metric == "rmse":
                    result[i] = np.sqrt(result[i])
                elif null is not None:
                    with np.errstate(divide="ignore", invalid="ignore"):  # the held-out rows may not vary
                        result[i] = 1.0 - result[i] / null[i]
            else:
                result[i] = self._row_losses(i, stats, u, intercept, metric)
        return result

    def _mse(self, i: int, stats: TrainingStats, u: FloatArray, intercept: FloatArray) -> FloatArray:
        """Return held-out mse (L,) from moments; from the rows where the quadratic form would cancel."""
        assert self.moments is not None
        held = self.moments.held[i]
        response = -1 if self.several is None else self.target - self.several.problem.y.shape[1]
        value, terms = heldout_sum_of_squares(self.problem, stats, held, u, intercept, response)
        poor = ~(value > CANCELLATION * terms)
        value = value / held.weight
        if poor.any():
            value[poor] = self._row_losses(i, stats, u[:, poor], intercept[poor], "mse")
        return value

    def _eta(self, rows: IntArray, stats: TrainingStats, u: FloatArray, intercept: FloatArray) -> FloatArray:
        """Return linear predictors (m, L) of some rows by one fit, offset included."""
        problem = self.problem
        eta = np.empty((len(rows), u.shape[1]))
        # by blocks: the copy of the rows stays in the cache, and its memory is used again
        for block in row_blocks(len(rows), problem.n_columns):
            np.matmul(problem.X[rows[block]], u, out=eta[block])
        eta += intercept
        if problem.mask is not None:
            eta += problem.mask[rows] @ (stats.shift[:, None] * u[problem.masked])
        if problem.offset is not None:
            eta += problem.offset[rows, None]
        return np.asarray(eta)

    def _row_losses(
        self, i: int, stats: TrainingStats, u: FloatArray, intercept: FloatArray, metric: str
    ) -> FloatArray:
        problem, rows = self.problem, self.rows[i]
        eta = self._eta(rows, stats, u, intercept)
        baseline = training_mean(problem, self.folds, i) if metric == "r2" else None
        return metric_losses(
            metric, self.family, problem.y[rows], eta, problem.weights[rows], baseline=baseline
        )

    def heldout_etas(self, lambdas: FloatArray, step: int = 1) -> Iterator[FloatArray]:
        """Yield every fit's linear predictors (n_i, L) of its held-out rows, or of each ``step``-th."""
        for i, (stats, u) in enumerate(self.solutions(lambdas)):
            intercept = stats.intercept(u, self.problem.intercept)
            yield self._eta(self.rows[i][::step], stats, u, intercept)

    def models(self, lam: float) -> tuple[FloatArray, FloatArray]:
        """Return every fit's coefficients (p, F) and intercepts (F,) on the original scale."""
        fits = list(self.solutions(np.array([lam])))
        intercepts = [stats.intercept(u, self.problem.intercept) for stats, u in fits]
        return self.problem.original(np.hstack([u for _, u in fits]), np.concatenate(intercepts))
