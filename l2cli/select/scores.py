"""Models on the same folds: their errors, how these vary together, and their differences."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.metrics import greater_is_better, losses
from l2cli.core.problem import Problem
from l2cli.core.student import two_sided_quantile, two_sided_tail
from l2cli.data.folds import Folds
from l2cli.select.candidates import Candidate
from l2cli.select.confidence import LOGIT, SHARES, freedom
from l2cli.select.cv import weighted_curve
from l2cli.select.learner import FoldFits, training_mean, value_weights
from l2cli.select.spread import Spread, curve_spread

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
PLAIN = SHARES | LOGIT
"""Shares and what is like them: their differences have no use for a logarithm."""
SAME = 1e-6
"""Share of their errors by which two models differ that are one: solvers leave as much."""
ROUNDING = 1e-8
"""Errors below this share of the spread of a gaussian target are rounding, whichever is the smaller."""
MOST_POWER = 300.0
"""Of e: so far apart errors may be in an interval."""


class Scores(NamedTuple):
    """A candidate's fold values (F,), their mean and se, the seconds its fits took; NaN: no finite fit.

    etas : linear predictors of the rows of each fold, (n_i,), of classes (n_i, C). problem : why there is no
    finite fit. said : warnings of a model from outside.
    """

    candidate: Candidate
    values: FloatArray
    mean: float
    se: float
    seconds: float
    etas: Sequence[FloatArray] = ()
    problem: str | None = None
    said: tuple[str, ...] = ()


class Pair(NamedTuple):
    """The difference of two models' mean errors (first minus second), its interval and test."""

    a: str
    b: str
    difference: float
    ci_low: float
    ci_high: float
    p_value: float


def fold_values(
    etas: Sequence[FloatArray], rows: Sequence[IntArray], problem: Problem, folds: Folds, metric: str
) -> FloatArray:
    """Return the mean loss (F,) of the rows of each fold by their linear predictors, NaN of no finite fit."""
    values = np.full(len(rows), np.nan)
    for i, (eta, held) in enumerate(zip(etas, rows, strict=True)):
        if not np.isnan(eta).any():
            values[i] = losses(
                metric, problem.likelihood, problem.y[held], eta[..., None], problem.weights[held],
                baseline=training_mean(problem, folds, i) if problem.n_classes == 1 else None,
            )[0]  # fmt: skip
    return values


class _Predicted:
    """Models as if they were one at several lambdas, for :func:`curve_spread`."""

    def __init__(self, fits: FoldFits, scores: Sequence[Scores]) -> None:
        self.problem, self.folds, self.family = fits.problem, fits.folds, fits.family
        self.rows, self.fold_weights = fits.rows, fits.fold_weights
        self._scores = scores

    def heldout_etas(self, lambdas: FloatArray, step: int = 1) -> Iterator[FloatArray]:  # noqa: ARG002 - one for each model
        """Yield what the models predict: (n_i, M)."""
        each = [score.etas for score in self._scores]
        return (np.stack([eta[::step] for eta in fold], axis=-1) for fold in zip(*each, strict=True))


def model_spread(
    scores: Sequence[Scores], fits: FoldFits, metric: str, groups: IntArray | None = None
) -> Spread:
    """Return the covariance (M, M) of the mean errors of models, all of which have finite fits.

    Parameters
    ----------
    fits : FoldFits
        Of any model on the folds: it knows rows and weights.
    """
    values = np.stack([score.values for score in scores], axis=1)
    weights = value_weights(fits, metric)
    curve = weighted_curve(np.zeros(len(scores)), values, weights, fits.folds, metric)
    return curve_spread(_Predicted(fits, scores), curve, values, metric, groups=groups)


def least_error(problem: Problem, metric: str) -> float:
    """Return the error below which all is rounding: 0 but for a gaussian target."""
    if problem.family != "gaussian":
        return 0.0
    mean = float(np.average(problem.y, weights=problem.weights))
    sd = math.sqrt(float(np.average(np.square(problem.y - mean), weights=problem.weights)))
    of_squares = {"mse": (ROUNDING * sd) ** 2, "deviance": (ROUNDING * sd) ** 2, "r2": ROUNDING**2}
    return of_squares.get(metric, ROUNDING * sd)


def compare_pair(
    a: Scores, b: Scores, spread: Spread, metric: str, level: float = 0.95, least: float = 0.0
) -> Pair:
    """Return the difference of two models' mean errors, with an interval and a test that correct for folds.

    Parameters
    ----------
    spread : Spread
        Its covariance C (2, 2) is that of the two errors e_a and e_b.
    least : float
        Errors up to it are equal, see :func:`least_error`.

    Notes
    -----
    The difference is tested on the log scale, on which a large error is as uncertain as a small one,

        t = log(e_a / e_b) / sqrt(F (C_aa / e_a^2 - 2 C_ab / (e_a e_b) + C_bb / e_b^2)),

    with Student's t of :func:`l2cli.select.confidence.freedom`. F = 1 + k/(k - 1) corrects for the training
    sets of the folds, which overlap (Nadeau and Bengio 2003, Inference for the generalization error, section
    3); their t test has the variance of the k fold values, k - 1 degrees of freedom, where C is that of the
    rows (Bayle et al. 2020). In time order C comes from successive blocks, k - 1 degrees of freedom, and F is
    1 (of forecasts: Giacomini and White 2006). The interval of the ratio makes that of the difference, in
    units of the smaller error. Shares, auc and f1, and errors of 0, are compared as they are.

    Measured by tests/benchmarks/coverage_differences.py.
    """
    names, nothing = (a.candidate.name, b.candidate.name), (np.nan, np.nan, np.nan)
    difference = a.mean - b.mean
    if not math.isfinite(difference):
        return Pair(*names, difference, *nothing)
    up = greater_is_better(metric)
    e = np.array([1.0 - a.mean, 1.0 - b.mean] if up else [a.mean, b.mean])
    logarithmic = metric not in PLAIN and bool(np.all(e > 0.0))
    slope = np.array([1.0, -1.0]) / (e if logarithmic else 1.0)
    se = math.sqrt(max(spread.overlap * float(slope @ spread.covariance @ slope), 0.0))
    away = math.log(e[0] / e[1]) if logarithmic else float(e[0] - e[1])
    same = abs(away) <= SAME * (1.0 if logarithmic else float(np.abs(e).max()))
    if same or float(e.max()) <= least:
        return Pair(*names, difference, difference, difference, 1.0)
    if se == 0.0:
        return Pair(*names, difference, difference, difference, 0.0)
    df = freedom(spread)
    width = two_sided_quantile(level, df) * se
    low, high = away - width, away + width
    if logarithmic:
        low, high = (_apart(e, log_ratio) for log_ratio in (low, high))
    low, high = (-high, -low) if up else (low, high)
    return Pair(*names, difference, low, high, two_sided_tail(away / se, df))


def _apart(e: FloatArray, log_ratio: float) -> float:
    """Return how far apart errors of another ratio are, the smaller one being what it is."""
    log_ratio = min(max(log_ratio, -MOST_POWER), MOST_POWER)
    return float(e[1] * math.expm1(log_ratio) if e[1] <= e[0] else -e[0] * math.expm1(-log_ratio))


def ranking(scores: Sequence[Scores], metric: str) -> list[Scores]:
    """Return the scores from best to worst; models without a finite fit last."""
    sign = -1.0 if greater_is_better(metric) else 1.0
    return sorted(scores, key=lambda s: sign * s.mean if np.isfinite(s.mean) else np.inf)
