"""Models on identical folds: each tuned inside its own training rows, all judged by the rows held out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.problem import Problem
from l2cli.data.folds import Folds
from l2cli.errors import FitError
from l2cli.select.candidates import Candidate
from l2cli.select.curve import Curve
from l2cli.select.cv import weighted_curve
from l2cli.select.learner import FoldFits, value_weights
from l2cli.select.nested import tune_inside
from l2cli.select.scores import Scores, fold_values

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Progress = Callable[[str, int, int], None]


class Contender(NamedTuple):
    """A penalty of the comparison: the problem with it, lambdas to tune over and the fits on all folds.

    curve : their errors, where something is tuned; the lambdas are then as far grown as it asked for.
    """

    problem: Problem
    grid: FloatArray
    fits: FoldFits
    curve: Curve | None = None


class Comparison(NamedTuple):
    """What the candidates are compared on: a contender for each penalty, folds, metric and lambda scale."""

    contenders: Mapping[tuple[float, float], Contender]
    folds: Folds
    metric: str
    scale: str
    groups: IntArray | None = None
    seed: int = 0
    jobs: int | None = None

    @property
    def problem(self) -> Problem:
        """The problem, whatever its penalty."""
        return next(iter(self.contenders.values())).problem

    @property
    def fits(self) -> FoldFits:
        """Those of some contender: all know the same rows and weights."""
        return next(iter(self.contenders.values())).fits

    def run(self, candidates: Sequence[Candidate], progress: Progress | None = None) -> list[Scores]:
        """Return the scores of every candidate, in that order."""
        inner: dict[tuple[float, float], list[tuple[FloatArray, float]]] = {}
        result = []
        for candidate in candidates:
            start = time.perf_counter()
            shared = 0.0
            note, said, etas = None, list[str](), list[FloatArray]()
            contender = self.contenders[candidate.penalty]
            fits = contender.fits
            try:
                if candidate.kind == "mean":
                    etas = self._mean_only()
                elif candidate.outside is not None:
                    from l2cli.select.outside import outside_etas  # loads scikit-learn

                    etas, said = outside_etas(
                        candidate.outside, self.problem, self.folds, self.metric, self.seed
                    )
                elif candidate.kind == "ols":
                    etas = self._at(fits, np.zeros(len(fits.rows)))
                else:
                    known = inner.get(candidate.penalty)
                    if known is None:
                        known = inner[candidate.penalty] = self._tune(contender, progress)
                    else:  # the tuning was done for another rule: it counts for this one too
                        shared = sum(seconds for _, seconds in known)
                    index = 0 if candidate.rule == "min" else 1
                    etas = self._at(fits, np.array([chosen[index] for chosen, _ in known]))
                values = fold_values(etas, fits.rows, self.problem, self.folds, self.metric)
            except FitError as error:
                values, note = np.full(len(fits.fold_weights), np.nan), error.message
            if note is None and not np.isfinite(values).all() and candidate.outside is None:
                first = self.folds.named(int(np.flatnonzero(~np.isfinite(values))[0]))
                what = "solution at lambda 0" if candidate.relax_gamma == 1.0 else "relaxed fit"
                note = f"no finite {what} {first}: the classes are separated there"
            seconds = time.perf_counter() - start + shared
            weights = value_weights(fits, self.metric)
            curve = weighted_curve(np.zeros(1), values[:, None], weights, self.folds, self.metric)
            mean, se = float(curve.mean[0]), float(curve.se[0])
            result.append(Scores(candidate, values, mean, se, seconds, etas, note, tuple(said)))
        return result

    def _mean_only(self) -> list[FloatArray]:
        """Return the linear predictors of the intercept alone (0 without), offset included."""
        problem, offset, etas = self.problem, self.problem.offset, []
        for i, held in enumerate(self.fits.rows):
            rest = self.folds.training(i)
            b: FloatArray | float = 0.0
            if problem.intercept:
                b = problem.likelihood.null_intercept(
                    problem.y[rest], problem.weights[rest], None if offset is None else offset[rest]
                )
            etas.append(np.zeros(problem.y[held].shape) + b + (0.0 if offset is None else offset[held]))
        return etas

    def _tune(self, contender: Contender, progress: Progress | None) -> list[tuple[FloatArray, float]]:
        """Return, per outer training set, the lambdas by minimum and by 1se, and the seconds."""
        chosen = []
        count = len(contender.fits.rows)
        for i in range(count):
            start = time.perf_counter()
            curve = tune_inside(
                contender.fits, contender.grid, self.metric, self.scale, i,
                groups=self.groups, seed=self.seed, jobs=self.jobs,
            )  # fmt: skip
            pick = np.array([curve.lambdas[curve.index_min], curve.lambdas[curve.index_1se]])
            chosen.append((pick, time.perf_counter() - start))
            if progress is not None:
                progress("folds", i + 1, count)
        return chosen

    def _at(self, fits: FoldFits, lambdas: FloatArray) -> list[FloatArray]:
        """Return the linear predictors of the rows of each fold, by its fit at its own lambda."""
        distinct, position = np.unique(lambdas, return_inverse=True)
        each = zip(position, fits.heldout_etas(distinct), strict=True)
        # copies: a view would keep what is predicted at the other lambdas
        return [eta[..., at].copy() for at, eta in each]
