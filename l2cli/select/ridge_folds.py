"""Ridge on all folds: one spectral factor per fold serves every lambda.

Cost beside the moments: 9 p^3 flops per fold (n >= p), or 2 n^2 p for the kernel of its rows (p > n), for any
number of lambdas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.moments import GramSystem, TrainingStats, gram_system
from l2cli.core.problem import Problem
from l2cli.core.solvers.ridge import (
    RidgeFactor,
    factor_from_gram,
    factor_from_kernel,
    factor_from_rows,
    penalized_inverse,
    scaled_rows,
)
from l2cli.data.folds import Folds
from l2cli.select.gaussian_folds import CACHE_BYTES, FoldMoments, GaussianFolds
from l2cli.select.learner import fold_lambdas

FloatArray = npt.NDArray[np.float64]
ROUGH = 1e-7
"""A KKT residual above this is not left to the spectral form (the contract asks 1e-5)."""


class FoldFit(NamedTuple):
    """One fold's training side: preprocessing, spectral factor and (n >= p) its Gram system."""

    stats: TrainingStats
    factor: RidgeFactor
    system: GramSystem | None

    def target(self, t: int) -> FoldFit:
        """Return the training side of one of several targets."""
        system = None if self.system is None else self.system.target(t)
        return FoldFit(self.stats.target(t), self.factor.target(t), system)


class RidgeFolds(GaussianFolds):
    """Ridge fits of a problem without each fold in turn; see :class:`l2cli.select.learner.FoldFits`."""

    def __init__(
        self, problem: Problem, folds: Folds, scale: str = "sum",
        progress: Callable[[str, int, int], None] | None = None, moments: FoldMoments | None = None,
    ) -> None:  # fmt: skip
        super().__init__(problem, folds, scale, progress, moments)
        p = problem.n_columns
        rank = p if self.by_moments else max(folds.training_sizes())
        self.cached = len(self.rows) * p * (rank + p * self.by_moments) * 8 <= CACHE_BYTES
        self.cache: list[FoldFit] = []
        self._all: RidgeFactor | None = None

    def full_factor(self) -> RidgeFactor | None:
        """Return the factor of all rows from the moments at hand, None where there are none."""
        if self.moments is None:
            return None
        if self.several is not None:
            factor = self.several.full_factor()
            return None if factor is None else factor.target(self.target)
        if self._all is None:
            self._all = factor_from_gram(gram_system(self.problem, self.moments.all_rows(self.folds.k)))
        return self._all

    def solutions(self, lambdas: FloatArray) -> Iterator[tuple[TrainingStats, FloatArray]]:
        """Yield, for every fit, its preprocessing and coefficients (p, L), having noted their residuals."""
        for i, fit in enumerate(self._fits(float(lambdas.min()))):
            yield fit.stats, self._coefficients(i, fit, lambdas)

    def _fits(self, smallest: float) -> Iterator[FoldFit]:
        """Yield every fit; ``smallest`` is the smallest lambda asked for, on the scale in force."""
        if self.several is not None:
            for fit in self.several.shared_fits(smallest):
                yield fit.target(self.target)
            return
        yield from self.shared_fits(smallest)

    def shared_fits(self, smallest: float) -> Iterator[FoldFit]:
        """Yield every fit, of all targets together where there are several."""
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
        for i, (stats, system) in enumerate(self._training_sides()):
            if system is not None:
                factor = factor_from_gram(system)
            else:
                factor = factor_from_kernel(self.problem, stats, self.folds.training(i))
            if not self._serves(factor, stats, smallest):
                factor = factor_from_rows(self.problem, stats, self.folds.training(i))
            yield FoldFit(stats, factor, system)

    def _serves(self, factor: RidgeFactor, stats: TrainingStats, smallest: float) -> bool:
        """Return True where a fit's factor is exact enough for its smallest lambda (scale in force)."""
        return factor.serves(smallest * stats.weight if self.scale == "mean" else smallest)

    def _coefficients(self, i: int, fit: FoldFit, lambdas: FloatArray) -> FloatArray:
        """Return internal coefficients (p, L) of one fit, noting their KKT residual."""
        lam = fold_lambdas(lambdas, self.scale, fit.stats.weight)
        u = fit.factor.solve(lam)
        if fit.system is not None:
            residual = self._polish(fit.system, u, lam)
        else:
            A, b, d, _ = scaled_rows(self.problem, fit.stats, self.folds.training(i))
            unit = float(np.abs(A.T @ b).max(initial=0.0))
            gradient = A.T @ (A @ u - b[:, None]) + lam * d[:, None] * u
            residual = np.abs(gradient).max(axis=0, initial=0.0) / (unit if unit > 0 else 1.0)
        self.kkt_max = max(self.kkt_max, float(residual.max(initial=0.0)))
        return u

    @staticmethod
    def _polish(system: GramSystem, u: FloatArray, lam: FloatArray) -> FloatArray:
        """Return KKT residuals (L,) after solving anew, in place, what the spectral form left rough."""
        gradient = system.gradient(u, lam)
        residual = system.residual(gradient)
        for i in np.flatnonzero((residual > ROUGH) & (lam > 0.0)):
            u[:, i] -= penalized_inverse(system.G, lam[i] * system.stats.d) @ gradient[:, i]
            residual[i] = system.residual(system.gradient(u[:, [i]], lam[[i]]))[0]
        return residual
