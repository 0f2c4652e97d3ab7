"""Models on identical folds: each tuned inside its own training rows, errors compared fold by fold."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.metrics import greater_is_better, losses
from l2cli.core.problem import Problem
from l2cli.core.student import two_sided_tail
from l2cli.data.folds import Folds
from l2cli.errors import FitError
from l2cli.select.candidates import Candidate
from l2cli.select.curve import Curve
from l2cli.select.cv import weighted_curve
from l2cli.select.learner import FoldFits, value_weights
from l2cli.select.nested import tune_inside
from l2cli.select.spread import overlap_factor

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Progress = Callable[[str, int, int], None]
SIGNIFICANT = 0.05


class Scores(NamedTuple):
    """A candidate's fold values (F,), their mean and se, the seconds its fits took; NaN: no finite fit.

    problem : why there is none. said : warnings of a model from outside.
    """

    candidate: Candidate
    values: FloatArray
    mean: float
    se: float
    seconds: float
    problem: str | None = None
    said: tuple[str, ...] = ()


class Pair(NamedTuple):
    """The difference of two models' mean errors (first minus second) with its corrected t test."""

    a: str
    b: str
    difference: float
    se: float
    p_value: float


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
    def value_weights(self) -> FloatArray:
        """The weights (F,) of the fold values in their mean, of every model."""
        return value_weights(next(iter(self.contenders.values())).fits, self.metric)

    def run(self, candidates: Sequence[Candidate], progress: Progress | None = None) -> list[Scores]:
        """Return the scores of every candidate, in that order."""
        inner: dict[tuple[float, float], list[tuple[FloatArray, float]]] = {}
        result = []
        for candidate in candidates:
            start = time.perf_counter()
            shared = 0.0
            note, said = None, list[str]()
            contender = self.contenders[candidate.penalty]
            fits = contender.fits
            try:
                if candidate.kind == "mean":
                    values = self._mean_only()
                elif candidate.outside is not None:
                    from l2cli.select.outside import outside_losses  # loads scikit-learn

                    values, said = outside_losses(
                        candidate.outside, self.problem, self.folds, self.metric, self.seed
                    )
                elif candidate.kind == "ols":
                    values = fits.losses(np.zeros(1), self.metric)[:, 0]
                else:
                    known = inner.get(candidate.penalty)
                    if known is None:
                        known = inner[candidate.penalty] = self._tune(contender, progress)
                    else:  # the tuning was done for another rule: it counts for this one too
                        shared = sum(seconds for _, seconds in known)
                    index = 0 if candidate.rule == "min" else 1
                    values = self._tuned(fits, np.array([chosen[index] for chosen, _ in known]))
            except FitError as error:
                values, note = np.full(len(fits.fold_weights), np.nan), error.message
            if note is None and not np.isfinite(values).all() and candidate.outside is None:
                first = self.folds.named(int(np.flatnonzero(~np.isfinite(values))[0]))
                what = "solution at lambda 0" if candidate.relax_gamma == 1.0 else "relaxed fit"
                note = f"no finite {what} {first}: the classes are separated there"
            seconds = time.perf_counter() - start + shared
            curve = weighted_curve(np.zeros(1), values[:, None], self.value_weights, self.folds, self.metric)
            mean, se = float(curve.mean[0]), float(curve.se[0])
            result.append(Scores(candidate, values, mean, se, seconds, note, tuple(said)))
        return result

    def _mean_only(self) -> FloatArray:
        """Return the fold values of the intercept alone (0 without), offset included."""
        problem, values = self.problem, []
        for i, held in enumerate(self.held_out()):
            rest = self.folds.training(i)
            offset = problem.offset
            b: FloatArray | float = 0.0
            if problem.intercept:
                b = problem.likelihood.null_intercept(
                    problem.y[rest], problem.weights[rest], None if offset is None else offset[rest]
                )
            eta = np.zeros(problem.y[held].shape) + b + (0.0 if offset is None else offset[held])
            baseline = float(
                problem.weights[rest] @ problem.y[rest].reshape(len(problem.y[rest]), -1)[:, 0]
            ) / float(problem.weights[rest].sum())
            values.append(
                losses(
                    self.metric,
                    problem.likelihood,
                    problem.y[held],
                    eta[..., None],
                    problem.weights[held],
                    baseline=baseline,
                )[0]
            )
        return np.array(values)

    def held_out(self) -> list[npt.NDArray[np.bool_]]:
        """Return, for every fit, which rows it does not see."""
        return [ids == f for ids in self.folds.ids for f in range(self.folds.k)]

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

    def _tuned(self, fits: FoldFits, lambdas: FloatArray) -> FloatArray:
        """Return each outer fold's value at its own lambda."""
        distinct, position = np.unique(lambdas, return_inverse=True)
        return fits.losses(distinct, self.metric)[np.arange(len(lambdas)), position]


def compare_pair(a: Scores, b: Scores, fold_shares: FloatArray, folds: Folds, metric: str) -> Pair:
    """Return the difference of two models with the corrected resampled t test of Nadeau and Bengio (2003).

    t = mean difference / sqrt(:func:`overlap_factor` times the variance of the J fold differences), J - 1
    degrees of freedom. In time order there is nothing to correct, and it is the t test of the means of
    successive blocks (Ibragimov and Muller 2010; of forecasts Giacomini and White 2006). The difference of
    two rmse, roots of mean mse, is that of the mse over their sum: t is that of the mse.
    """
    difference = a.mean - b.mean
    if not np.isfinite(difference):
        return Pair(a.candidate.name, b.candidate.name, difference, np.nan, np.nan)
    rooted = metric == "rmse"
    d = a.values**2 - b.values**2 if rooted else a.values - b.values
    count = len(d)
    variance = float(fold_shares @ (d - fold_shares @ d) ** 2) * count / (count - 1)
    se = float(np.sqrt(overlap_factor(folds) * variance))
    if se == 0.0:
        return Pair(a.candidate.name, b.candidate.name, difference, 0.0, 1.0 if difference == 0.0 else 0.0)
    if rooted:
        se /= a.mean + b.mean
    p_value = two_sided_tail(difference / se, count - 1)
    return Pair(a.candidate.name, b.candidate.name, difference, se, p_value)


def ranking(scores: Sequence[Scores], metric: str) -> list[Scores]:
    """Return the scores from best to worst; models without a finite fit last."""
    sign = -1.0 if greater_is_better(metric) else 1.0
    return sorted(scores, key=lambda s: sign * s.mean if np.isfinite(s.mean) else np.inf)
