"""Gaussian L2 on all folds: the whole cross-validation from per-fold moments, one pass over the rows.

Training moments of a fold are the merge of the others; its ridge path is one eigendecomposition; its held-out
mse is a quadratic form of its own moments. With more columns than training rows the kernel of those rows
takes their place. Cost: n p^2 once and 9 p^3 per fold (n >= p), or 2 n^2 p per fold (p > n), for any number
of lambdas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.metrics import losses as metric_losses
from l2cli.core.moments import (
    GramSystem,
    Moments,
    TrainingStats,
    column_moments,
    fold_moments,
    gram_system,
    heldout_sum_of_squares,
    leave_each_out,
    training_stats,
)
from l2cli.core.problem import Problem, row_blocks
from l2cli.core.solvers.ridge import (
    RidgeFactor,
    factor_from_gram,
    factor_from_kernel,
    factor_from_rows,
    penalized_inverse,
    scaled_rows,
)
from l2cli.data.folds import Folds
from l2cli.select.learner import fold_lambdas

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
CACHE_BYTES = 1 << 30
"""Factors of all folds are kept up to this size, else made again when asked for."""
ROUGH = 1e-7
"""A KKT residual above this is not left to the spectral form (the contract asks 1e-5)."""
CANCELLATION = 1e-4
"""Held-out losses below this share of the terms they are the sum of are computed from the rows."""


class FoldFit(NamedTuple):
    """One fold's training side: preprocessing, spectral factor and (n >= p) its Gram system."""

    stats: TrainingStats
    factor: RidgeFactor
    system: GramSystem | None


class GaussianFolds:
    """Ridge fits of a problem without each fold in turn; see :class:`l2cli.select.learner.FoldFits`."""

    def __init__(
        self,
        problem: Problem,
        folds: Folds,
        scale: str = "sum",
        progress: Callable[[str, int, int], None] | None = None,
    ) -> None:
        self.problem, self.folds, self.scale = problem, folds, scale
        self.progress = progress
        self.family = "gaussian"
        self.kkt_max = 0.0
        count = folds.repeats * folds.k
        self.rows = [np.flatnonzero(ids == f) for ids in folds.ids for f in range(folds.k)]
        self.fold_weights = np.array([problem.weights[rows].sum() for rows in self.rows])
        smallest = min(problem.n_rows - len(rows) for rows in self.rows)
        self.by_moments = problem.n_columns <= smallest
        rank = problem.n_columns if self.by_moments else smallest
        self.cached = (
            count * problem.n_columns * (rank + problem.n_columns * self.by_moments) * 8 <= CACHE_BYTES
        )
        self.cache: list[FoldFit] = []
        self.held: list[Moments] = []
        if self.by_moments:
            self.held = [m for ids in folds.ids for m in fold_moments(problem, ids, folds.k)]

    def full_factor(self) -> RidgeFactor | None:
        """Return the factor of all rows from the moments at hand, None where there are none."""
        if not self.by_moments:
            return None
        return factor_from_gram(gram_system(self.problem, reduce(Moments.merge, self.held[: self.folds.k])))

    def _fits(self, smallest: float) -> Iterator[FoldFit]:
        """Yield every fit; ``smallest`` is the smallest lambda asked for, on the scale in force."""
        if len(self.cache) == len(self.rows) and all(
            self._serves(fit.factor, fit.stats, smallest) for fit in self.cache
        ):
            yield from self.cache
            return
        keep = self.cached and smallest > 0
        self.cache = []
        for i, fit in enumerate(self._make(smallest)):
            if keep:
                self.cache.append(fit)
            if self.progress is not None:
                self.progress("folds", i + 1, len(self.rows))
            yield fit

    def _make(self, smallest: float) -> Iterator[FoldFit]:
        k = self.folds.k
        for r in range(self.folds.repeats):
            mine = range(r * k, (r + 1) * k)
            if self.by_moments:
                for i, moments in zip(mine, leave_each_out([self.held[j] for j in mine]), strict=True):
                    yield self._from_moments(i, moments, smallest)
            else:
                columns = [column_moments(self.problem, self.rows[j]) for j in mine]
                for i, merged in zip(mine, leave_each_out(columns), strict=True):
                    yield self._from_rows(training_stats(self.problem, merged), i, smallest)

    def _from_moments(self, i: int, moments: Moments, smallest: float) -> FoldFit:
        system = gram_system(self.problem, moments)
        factor = factor_from_gram(system)
        if not self._serves(factor, system.stats, smallest):
            factor = factor_from_rows(self.problem, system.stats, self._training(i))
        return FoldFit(system.stats, factor, system)

    def _from_rows(self, stats: TrainingStats, i: int, smallest: float) -> FoldFit:
        rows = self._training(i)
        factor = factor_from_kernel(self.problem, stats, rows)
        if not self._serves(factor, stats, smallest):
            factor = factor_from_rows(self.problem, stats, rows)
        return FoldFit(stats, factor, None)

    def _serves(self, factor: RidgeFactor, stats: TrainingStats, smallest: float) -> bool:
        """Return True where a fit's factor is exact enough for its smallest lambda (scale in force)."""
        return factor.serves(smallest * stats.weight if self.scale == "mean" else smallest)

    def _training(self, i: int) -> IntArray:
        """Return the rows that fit i is trained on."""
        held = np.zeros(self.problem.n_rows, dtype=bool)
        held[self.rows[i]] = True
        return np.flatnonzero(~held)

    def _coefficients(self, i: int, fit: FoldFit, lambdas: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return internal coefficients (p, L) and intercepts (L,) of one fit, noting their KKT residual."""
        lam = fold_lambdas(lambdas, self.scale, fit.stats.weight)
        u = fit.factor.solve(lam)
        if fit.system is not None:
            residual = self._polish(fit.system, u, lam)
        else:
            A, b, d, _ = scaled_rows(self.problem, fit.stats, self._training(i))
            unit = float(np.abs(A.T @ b).max(initial=0.0))
            gradient = A.T @ (A @ u - b[:, None]) + lam * d[:, None] * u
            residual = np.abs(gradient).max(axis=0, initial=0.0) / (unit if unit > 0 else 1.0)
        self.kkt_max = max(self.kkt_max, float(residual.max(initial=0.0)))
        return u, fit.stats.intercept(u, self.problem.intercept)

    @staticmethod
    def _polish(system: GramSystem, u: FloatArray, lam: FloatArray) -> FloatArray:
        """Return KKT residuals (L,) after solving anew, in place, what the spectral form left rough."""
        gradient = system.gradient(u, lam)
        residual = system.residual(gradient)
        for i in np.flatnonzero((residual > ROUGH) & (lam > 0.0)):
            u[:, i] -= penalized_inverse(system.G, lam[i] * system.stats.d) @ gradient[:, i]
            residual[i] = system.residual(system.gradient(u[:, [i]], lam[[i]]))[0]
        return residual

    def losses(self, lambdas: FloatArray, metric: str) -> FloatArray:
        """Return (F, L): each fit's weighted mean loss over its held-out rows."""
        quadratic = metric in ("mse", "deviance", "rmse", "r2") and self.by_moments
        result = np.empty((len(self.rows), len(lambdas)))
        for i, fit in enumerate(self._fits(float(lambdas.min()))):
            u, intercept = self._coefficients(i, fit, lambdas)
            if quadratic:
                result[i] = self._mse(i, fit, u, intercept)
                if metric == "rmse":
                    result[i] = np.sqrt(result[i])
                elif metric == "r2":
                    with np.errstate(divide="ignore", invalid="ignore"):  # the held-out rows may not vary
                        result[i] = 1.0 - result[i] / np.float64(self._null_mse(i))
            else:
                result[i] = self._row_losses(i, fit, u, intercept, metric)
        return result

    def _mse(self, i: int, fit: FoldFit, u: FloatArray, intercept: FloatArray) -> FloatArray:
        """Return held-out mse (L,) from moments; from the rows where the quadratic form would cancel."""
        held = self.held[i]
        value, terms = heldout_sum_of_squares(self.problem, fit.stats, held, u, intercept)
        poor = ~(value > CANCELLATION * terms)
        value = value / held.weight
        if poor.any():
            value[poor] = self._row_losses(i, fit, u[:, poor], intercept[poor], "mse")
        return value

    def _training_mean(self, i: int) -> float:
        """Return the weighted mean of y over the rows that fit i is trained on."""
        rows = self._training(i)
        return float(np.average(self.problem.y[rows], weights=self.problem.weights[rows]))

    def _null_mse(self, i: int) -> float:
        """Return the held-out mse of the training mean, the unit of r2."""
        rows = self.rows[i]
        away = self.problem.y[rows] - self._training_mean(i)
        return float(np.average(away * away, weights=self.problem.weights[rows]))

    def _eta(self, i: int, fit: FoldFit, u: FloatArray, intercept: FloatArray) -> FloatArray:
        """Return held-out linear predictors (n_i, L) of one fit, offset included."""
        problem, rows = self.problem, self.rows[i]
        eta = np.empty((len(rows), u.shape[1]))
        # by blocks: the copy of the rows stays in the cache, and its memory is used again
        for block in row_blocks(len(rows), problem.n_columns):
            np.matmul(problem.X[rows[block]], u, out=eta[block])
        eta += intercept
        if problem.mask is not None:
            eta += problem.mask[rows] @ (fit.stats.shift[:, None] * u[problem.masked])
        if problem.offset is not None:
            eta += problem.offset[rows, None]
        return np.asarray(eta)

    def _row_losses(
        self, i: int, fit: FoldFit, u: FloatArray, intercept: FloatArray, metric: str
    ) -> FloatArray:
        problem, rows = self.problem, self.rows[i]
        eta = self._eta(i, fit, u, intercept)
        baseline = self._training_mean(i) if metric == "r2" else None
        return metric_losses(
            metric, "gaussian", problem.y[rows], eta, problem.weights[rows], baseline=baseline
        )

    def heldout_eta(self, lam: float) -> FloatArray:
        """Return (repeats, n): each row's linear predictor by the fit that did not see it."""
        result = np.empty((self.folds.repeats, self.problem.n_rows))
        one = np.array([lam])
        for i, fit in enumerate(self._fits(lam)):
            result[i // self.folds.k, self.rows[i]] = self._eta(i, fit, *self._coefficients(i, fit, one))[
                :, 0
            ]
        return result
