"""Gaussian elastic net and bounded ridge on all folds: active sets on a fold's moments, or rows if p > n.

Wide nets (:mod:`l2cli.select.wide_folds`) of all folds are solved together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import count, repeat

import numpy as np
import numpy.typing as npt

from l2cli.core.moments import GramSystem, TrainingStats
from l2cli.core.problem import Problem
from l2cli.core.solvers.elastic_net import WIDE, ElasticNet
from l2cli.core.solvers.gram import DenseGram, ProductGram
from l2cli.core.solvers.screening import WideAnswer
from l2cli.core.threads import row_threads
from l2cli.data.folds import Folds
from l2cli.select.gaussian_folds import FoldMoments, GaussianFolds
from l2cli.select.learner import fold_lambdas
from l2cli.select.ridge_folds import RidgeFolds
from l2cli.select.wide_folds import TrainingRows, batch_size, wide_fits

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Fit = tuple[TrainingStats, FloatArray, float]
Solution = tuple[FloatArray, float]
"""Internal coefficients (p, L) of one fit and the largest KKT residual among them."""


class ElasticNetFolds(GaussianFolds):
    """Elastic nets of a problem without each fold in turn; see :class:`l2cli.select.learner.FoldFits`."""

    _known: tuple[FloatArray, list[tuple[TrainingStats, FloatArray]]] | None = None
    """The lambdas asked for so far, and every fit's solutions: one metric after another asks for the same."""

    def __init__(
        self, problem: Problem, folds: Folds, scale: str = "sum",
        progress: Callable[[str, int, int], None] | None = None, moments: FoldMoments | None = None,
    ) -> None:  # fmt: skip
        super().__init__(problem, folds, scale, progress, moments)
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
        everything = np.array_equal(at, np.arange(len(self._known[0])))
        for stats, u in self._known[1]:
            yield stats, u if everything else u[:, at]

    def _solve_all(self, lambdas: FloatArray) -> list[tuple[TrainingStats, FloatArray]]:
        """Return every fit's preprocessing and coefficients (p, L), noting their residuals."""
        zero = (lambdas == 0.0) & (self.problem.box is None)
        some = ~zero
        bare = self._unpenalized() if zero.any() else repeat(np.zeros((self.problem.n_columns, 1)))

        if some.any() and self._is_wide(lambdas[some]):
            return self._solve_wide(lambdas, some, bare)

        def fit_one(task: tuple[int, tuple[TrainingStats, GramSystem | None], FloatArray]) -> Fit:
            i, (stats, system), free = task
            u, residual = np.repeat(free, len(lambdas), axis=1), 0.0
            if some.any():
                fit = self._solve(i, stats, system, lambdas[some])
                u[:, some], residual = self._finish(i, stats, system, lambdas[some], fit)
            return stats, u, residual

        # products with wide rows leave the interpreter: folds run side by side; small systems would not
        cells = 0 if self.by_moments else self.problem.X.size * len(self.rows)
        tasks = zip(count(), self._training_sides(), bare, strict=False)
        with row_threads(cells) as run:
            return self._noted(run(fit_one, tasks))

    def _solve_wide(
        self, lambdas: FloatArray, some: BoolArray, bare: Iterable[FloatArray]
    ) -> list[tuple[TrainingStats, FloatArray]]:
        """Return the same for wide nets, a batch of fits at a time, ``bare`` where not ``some`` (L,)."""
        all_stats = [stats for stats, _ in self._training_sides()]
        size = batch_size(self.problem, int(some.sum()))
        solved: list[tuple[TrainingStats, FloatArray]] = []
        free = iter(bare)
        for first in range(0, len(all_stats), size):
            fits = range(first, min(first + size, len(all_stats)))
            batch = [(self.folds.training(i), all_stats[i]) for i in fits]
            scaled = [fold_lambdas(lambdas[some], self.scale, stats.weight) for _, stats in batch]
            answers = wide_fits(self.problem, batch, scaled)

            def finish(i: int, answers: list[WideAnswer] = answers, first: int = first) -> Fit:
                stats, answer, unpenalized = all_stats[i], answers[i - first], next(free)
                penalized, residual = self._finish(i, stats, None, lambdas[some], (answer.u, answer.off))
                if some.all():
                    return stats, penalized, residual
                u = np.repeat(unpenalized, len(lambdas), axis=1)
                u[:, some] = penalized
                return stats, u, residual

            solved += self._noted(map(finish, fits), done=first)
        return solved

    def _noted(self, fits: Iterable[Fit], done: int = 0) -> list[tuple[TrainingStats, FloatArray]]:
        """Return preprocessing and coefficients of the fits after ``done``, noting residuals and progress."""
        solved: list[tuple[TrainingStats, FloatArray]] = []
        for stats, u, residual in fits:
            self.kkt_max = max(self.kkt_max, residual)
            solved.append((stats, u))
            if self.progress is not None:
                self.progress("folds", done + len(solved), len(self.rows))
        return solved

    def _is_wide(self, lambdas: FloatArray) -> bool:
        """Return True where every fit is solved on the columns that may count."""
        if self.by_moments or self.problem.n_columns < WIDE:
            return False
        return self.problem.groups is None or bool(lambdas.min() > 0.0)

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
    ) -> Solution:
        """Return internal coefficients (p, L) of one fit and their largest KKT residual."""
        lam = fold_lambdas(lambdas, self.scale, stats.weight)
        box = None if self.problem.box is None else self.problem.box.without(stats.sd <= 0.0)
        penalty = (stats.l1, stats.d, self.problem.l1_ratio, box, self.problem.groups)
        if system is not None:
            net = ElasticNet(DenseGram(system.G), system.c, *penalty)
        else:
            rows = TrainingRows(self.problem, self.folds.training(i), stats)
            A = rows.columns(np.arange(self.problem.n_columns))
            net = ElasticNet(ProductGram(A), rows.response @ A, *penalty)
        u, _ = net.solve(lam, rough=True)
        return u, float(net.residual(u, lam).max(initial=0.0))

    def _finish(
        self, i: int, stats: TrainingStats, system: GramSystem | None, lambdas: FloatArray, fit: Solution
    ) -> Solution:
        """Return what becomes of the penalized coefficients (p, L) of fit ``i``, and the larger residual."""
        del i, stats, system, lambdas  # for relaxed fits
        return fit
