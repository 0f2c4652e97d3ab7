"""Gaussian elastic net and bounded ridge on all folds: active sets on a fold's moments, or rows if p > n."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count, repeat

import numpy as np
import numpy.typing as npt

from l2cli.core.moments import GramSystem, Moments, TrainingStats
from l2cli.core.problem import Problem
from l2cli.core.solvers.elastic_net import ElasticNet
from l2cli.core.solvers.gram import DenseGram, ProductGram
from l2cli.core.solvers.ridge import scaled_rows
from l2cli.core.threads import row_threads
from l2cli.data.folds import Folds
from l2cli.select.gaussian_folds import CACHE_BYTES, GaussianFolds
from l2cli.select.learner import fold_lambdas
from l2cli.select.ridge_folds import RidgeFolds

FloatArray = npt.NDArray[np.float64]
Fit = tuple[TrainingStats, FloatArray, float]


class ElasticNetFolds(GaussianFolds):
    """Elastic nets of a problem without each fold in turn; see :class:`l2cli.select.learner.FoldFits`."""

    _known: tuple[FloatArray, list[tuple[TrainingStats, FloatArray]]] | None = None
    """The lambdas asked for so far, and every fit's solutions: one metric after another asks for the same."""

    def __init__(
        self, problem: Problem, folds: Folds, scale: str = "sum",
        progress: Callable[[str, int, int], None] | None = None, held: list[Moments] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(problem, folds, scale, progress, held)
        self.products: dict[int, ProductGram] = {}
        self.ridge: RidgeFolds | None = None

    def solutions(self, lambdas: FloatArray) -> Iterator[tuple[TrainingStats, FloatArray]]:
        """Yield, for every fit, its preprocessing and coefficients (p, L), having noted their residuals."""
        known = np.zeros(0) if self._known is None else self._known[0]
        new = np.array([lam for lam in np.unique(lambdas) if lam not in known])
        if len(new):
            solved = self._solve_all(new)
            if self._known is not None:
                solved = [
                    (s, np.hstack([u, v])) for (s, u), (_, v) in zip(self._known[1], solved, strict=True)
                ]
            self._known = (np.append(known, new), solved)
        assert self._known is not None
        at = np.array([int(np.flatnonzero(self._known[0] == lam)[0]) for lam in lambdas])
        for stats, u in self._known[1]:
            yield stats, u[:, at]

    def _solve_all(self, lambdas: FloatArray) -> list[tuple[TrainingStats, FloatArray]]:
        """Return every fit's preprocessing and coefficients (p, L), noting their residuals."""
        zero = (lambdas == 0.0) & (self.problem.box is None)
        some = ~zero
        bare = self._unpenalized() if zero.any() else repeat(np.zeros((self.problem.n_columns, 1)))

        def fit(task: tuple[int, tuple[TrainingStats, GramSystem | None], FloatArray]) -> Fit:
            i, (stats, system), free = task
            u, residual = np.repeat(free, len(lambdas), axis=1), 0.0
            if some.any():
                u[:, some], residual = self._solve(i, stats, system, lambdas[some])
            return stats, u, residual

        # products with wide rows leave the interpreter: folds run side by side; small systems would not
        cells = 0 if self.by_moments else self.problem.X.size * len(self.rows)
        tasks = zip(count(), self._training_sides(), bare, strict=False)
        solved: list[tuple[TrainingStats, FloatArray]] = []
        with row_threads(cells) as run:
            for stats, u, residual in run(fit, tasks):
                self.kkt_max = max(self.kkt_max, residual)
                solved.append((stats, u))
                if self.progress is not None:
                    self.progress("folds", len(solved), len(self.rows))
        return solved

    def _unpenalized(self) -> Iterator[FloatArray]:
        """Yield every fit's coefficients (p, 1) at lambda 0: those of the ridge, of least norm if tied."""
        ridge = self.ridge_folds()
        for _, u in ridge.solutions(np.zeros(1)):
            self.kkt_max = max(self.kkt_max, ridge.kkt_max)
            yield u

    def ridge_folds(self) -> RidgeFolds:
        """Return the ridge fits of the same problem."""
        bare = self.problem._replace(l1_ratio=0.0, groups=None)
        if self.several is not None:
            return self.several.ridge_folds().for_target(self.target, bare)
        if self.ridge is None:
            self.ridge = RidgeFolds(bare, self.folds, self.scale)
        return self.ridge

    def _solve(
        self, i: int, stats: TrainingStats, system: GramSystem | None, lambdas: FloatArray
    ) -> tuple[FloatArray, float]:
        """Return internal coefficients (p, L) of one fit and their largest KKT residual."""
        lam = fold_lambdas(lambdas, self.scale, stats.weight)
        box = None if self.problem.box is None else self.problem.box.without(stats.sd <= 0.0)
        penalty = (stats.l1, stats.d, self.problem.l1_ratio, box, self.problem.groups)
        if system is not None:
            net = ElasticNet(DenseGram(system.G), system.c, *penalty)
        else:
            gram, b = self._products_of(i, stats)
            net = ElasticNet(gram, b @ gram.A, *penalty)
        u, _ = net.solve(lam, rough=True)
        return u, float(net.residual(u, lam).max(initial=0.0))

    def _products_of(self, i: int, stats: TrainingStats) -> tuple[ProductGram, FloatArray]:
        """Return the products of the columns of one fit's rows, and its scaled response."""
        rows = self._training(i)
        known = {} if self.several is None else self.several.products
        gram = known.get(i)
        if gram is None:
            gram = ProductGram(scaled_rows(self.problem, stats, rows)[0])
            if len(self.rows) * self.problem.X.size * 8 <= CACHE_BYTES:
                known[i] = gram
        b = self.problem.response[rows] - (stats.y_mean if self.problem.intercept else 0.0)
        return gram, b * np.sqrt(self.problem.weights[rows])
