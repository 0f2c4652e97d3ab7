"""How far cross-validated errors vary: their covariance along lambda, from rows, groups, folds or blocks.

With l_i(lambda) the loss of row i by the fit that did not see it and m = sum s_i l_i / W its mean, the means
along lambda have about the covariance

    Sigma = n/(n - 1) sum_i s_i^2 (l_i - m)(l_i - m)' / W^2

(Bayle, Bayle, Janson and Mackey 2020, all pairs); rows of one group count together. auc and f1 are no mean
over rows, but each fold's is nearly one of the influence of its rows: the derivative by their weight, with
which s_i (l_i - m) becomes that times the weight of the fold. Of an auc these are its structural components
(DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44, section 3; averaged over folds: LeDell, Petersen and
van der Laan 2015, Electronic Journal of Statistics 9, section 4). The r2 of all rows out of fold, 1 - sum s_i
l_i / sum s_i q_i with q_i the squared distance from the mean of the training rows, has the influence s_i ((1
- r2) q_i - l_i) / sum s_i q_i (the delta method). Where no fold has more than one row (of a class, for auc),
Sigma comes from the values of the folds. So it does in time order, where the losses of neighbouring rows may
be correlated: those of successive blocks of rows hardly are (batch means, Schmeiser 1982).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from l2cli.core.families import Family
from l2cli.core.metrics import ROW_METRICS, influence, row_losses
from l2cli.core.problem import Problem
from l2cli.data.folds import Folds
from l2cli.select.curve import Curve
from l2cli.select.cv import CVResult
from l2cli.select.learner import FoldFits, null_mse, training_mean, value_weights

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
MOST_ROWS = 5_000
"""Rows, about, from which a covariance is estimated; of more every second, third ... is taken."""
FEWEST = 10
"""Rows of each class that every fold keeps where not all are taken."""
GROUPS = 40
"""Groups, at least, that tell how alike rows of one group are."""


class Predictions(Protocol):
    """What covariances need of :class:`l2cli.select.learner.FoldFits`."""

    family: Family
    problem: Problem
    folds: Folds
    rows: list[IntArray]
    fold_weights: FloatArray

    def heldout_etas(self, lambdas: FloatArray, step: int = 1) -> Iterator[FloatArray]:
        """Yield every fit's linear predictors of its held-out rows, of ``rows[i][::step]``."""
        ...


class Spread(NamedTuple):
    """Covariance (L, L) of mean losses along lambda, and from how many of what: rows, groups, folds, blocks.

    overlap : what corrects a variance for training sets that overlap, where nothing else does: that of one
    round of k folds times 1 + k/(k - 1); see :func:`overlap_factor`.
    """

    covariance: FloatArray
    units: int
    kind: str
    overlap: float = 1.0


def spread_of(result: CVResult, groups: IntArray | None = None) -> Spread:
    """Return the covariance of the curve of a cross-validation, on its own scale.

    Parameters
    ----------
    groups : (n,) int, optional
        Rows of one group share a fold and are not independent.
    """
    return curve_spread(result.fits, result.curve, result.fold_losses, result.metric, groups=groups)


def joint_spread(results: Sequence[CVResult], groups: IntArray | None = None) -> Spread:
    """Return the covariance of the curves of several models on the same folds, one after the other."""
    if len(results) == 1:
        return spread_of(results[0], groups)
    first = results[0]
    fits = _Together(first.fits, [(result.fits, result.curve.lambdas) for result in results])
    mean, lambdas = (
        np.concatenate([getattr(result.curve, key) for result in results]) for key in ("mean", "lambdas")
    )
    curve = first.curve._replace(lambdas=lambdas, mean=mean)
    losses = np.concatenate([result.fold_losses for result in results], axis=1)
    return curve_spread(fits, curve, losses, first.metric, groups=groups)


class _Together:
    """Fits of several models on the same folds, as if their lambdas were those of one."""

    def __init__(self, first: FoldFits, parts: Sequence[tuple[FoldFits, FloatArray]]) -> None:
        self.problem, self.folds, self.family = first.problem, first.folds, first.family
        self.rows, self.fold_weights = first.rows, first.fold_weights
        self._parts = parts

    def heldout_etas(self, lambdas: FloatArray, step: int = 1) -> Iterator[FloatArray]:  # noqa: ARG002 - of each its own
        """Yield what the models predict, one after the other: (n_i, L of all)."""
        each = [fits.heldout_etas(own, step) for fits, own in self._parts]
        return (np.concatenate(etas, axis=-1) for etas in zip(*each, strict=True))


def curve_spread(
    fits: Predictions, curve: Curve, fold_losses: FloatArray, metric: str, *,
    groups: IntArray | None = None, tuned: FloatArray | None = None,
) -> Spread:  # fmt: skip
    """Return the covariance of a curve, on its own scale (of an rmse by the delta method).

    Parameters
    ----------
    fold_losses : (F, L) float64
        What the curve is the mean of.
    tuned : (F,) float64, optional
        The lambda that each fit is judged at; the curve is then of one column.

    Notes
    -----
    O(m L^2) for m of at most about ``MOST_ROWS`` rows (groups: all rows). Lambdas without a finite mean have
    variance 0: they rank last.
    """
    rooted = metric == "rmse"
    if fits.folds.order is not None or not (_is_mean(metric) or _has_rows(fits, metric, groups)):
        weights = value_weights(fits, metric)
        spread = fold_spread(fold_losses**2 if rooted else fold_losses, weights, fits.folds)
    else:
        centre = curve.mean**2 if rooted else curve.mean
        spread = row_spread(fits, curve.lambdas, metric, centre, groups=groups, tuned=tuned)
    covariance, lost = spread.covariance, ~np.isfinite(curve.mean)
    covariance[lost] = 0.0
    covariance[:, lost] = 0.0
    if rooted:
        slope = np.divide(0.5, curve.mean, out=np.zeros(len(lost)), where=~lost & (curve.mean > 0.0))
        covariance *= np.outer(slope, slope)
    return spread._replace(covariance=covariance)


def row_spread(
    fits: Predictions, lambdas: FloatArray, metric: str, centre: FloatArray, *,
    groups: IntArray | None = None, tuned: FloatArray | None = None,
) -> Spread:  # fmt: skip
    """Return the covariance of mean losses from those of the rows; of several repeats the average.

    Parameters
    ----------
    centre : (L,) float64
        The mean losses; auc and f1 have those of their folds.
    tuned : (F,) float64, optional
        The lambda that each fit is judged at; then the covariance is (1, 1) and ``centre`` (1,).
    """
    problem, repeats, is_mean = fits.problem, fits.folds.repeats, _is_mean(metric)
    classed = metric == "auc" and groups is None  # rows of each class have a mean of their own
    lambdas, column = (lambdas, None) if tuned is None else np.unique(tuned, return_inverse=True)
    step = _step(fits, metric, groups)
    name = "mse" if metric in ("rmse", "r2") else metric
    unit = _unit(fits) if metric == "r2" else 1.0
    total, weight, squares, units = np.zeros((len(centre), len(centre))), 0.0, 0.0, 0
    # shares of weights are all that counts; of weights of 1e100 squares would overflow
    every = np.ldexp(problem.weights, -int(np.frexp(problem.weights.max())[1]))
    for i, eta in enumerate(fits.heldout_etas(lambdas, step)):
        rows = fits.rows[i][::step]
        own = eta if column is None else eta[..., [column[i]]]
        s, y = every[rows], problem.y[rows]
        with np.errstate(invalid="ignore", over="ignore"):  # lambdas without a finite fit rank last
            if is_mean:
                expected = centre
                if metric == "r2":
                    null = np.square(y - training_mean(problem, fits.folds, i)) / unit
                    expected = (1.0 - centre) * null[:, None]
                away = s[:, None] * (row_losses(name, fits.family, y, own) / unit - expected)
            else:
                away = float(s.sum()) * influence(metric, y, own, s)
        if groups is not None:
            away = _summed(away, groups[rows])
        elif classed:
            away *= np.where(y > 0.5, *_freedom(fits))[:, None]
        total += away.T @ away
        weight += float(s.sum())
        squares += float(s @ s)
        units += len(away)
    # of rows left out the same is expected as of those looked at
    thinned = 1.0 if step == 1 else float(every @ every) / squares * (weight / every.sum()) ** 2 / repeats
    means = repeats if is_mean else len(fits.rows)  # each costs one of the units
    lost = 1.0 if classed else units / max(units - means, 1)
    covariance = total * (repeats / weight**2 * lost * thinned)
    # more rounds are about the same rows: they make nothing smaller
    overlap = 1.0 + fits.folds.k / (fits.folds.k - 1.0)
    if groups is not None:
        return Spread(covariance, units // repeats, "groups", overlap)
    return Spread(covariance, 2 * min(_classes(fits)) if classed else problem.n_rows, "rows", overlap)


def _unit(fits: Predictions) -> float:
    """Return the mse of the training means over all rows held out."""
    return float(np.average(null_mse(fits), weights=fits.fold_weights))


def _is_mean(metric: str) -> bool:
    """Return True for a metric that is a mean over rows, the root of one, or a ratio of two."""
    return metric in ("rmse", "r2") or metric in ROW_METRICS


def _summed(values: FloatArray, groups: IntArray) -> FloatArray:
    """Return the sums (G, L) of the rows of each group."""
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    return np.asarray(np.add.reduceat(values[order], starts, axis=0))


def _step(fits: Predictions, metric: str, groups: IntArray | None) -> int:
    """Return by how many rows to go on: 1 takes all, as groups need.

    Of an auc the rarer class is what matters. Of it and other metrics of classes an odd step takes both of
    pairs, and no fold may be left with few of a class.
    """
    if groups is not None:
        return 1
    if metric not in ("auc", "f1"):
        return max(1, fits.problem.n_rows // MOST_ROWS)
    step = (2 * min(_classes(fits)) // MOST_ROWS) | 1
    thinned = (np.bincount(fits.problem.class_codes[rows[::step]], minlength=2) for rows in fits.rows)
    return step if min(int(counts.min()) for counts in thinned) >= FEWEST else 1


def _classes(fits: Predictions) -> tuple[int, int]:
    """Return how many rows are positive, and how many are not."""
    other, positive = np.bincount(fits.problem.class_codes, minlength=2).tolist()
    return positive, other


def _has_rows(fits: Predictions, metric: str, groups: IntArray | None) -> bool:
    """Return True where rows (of each class, for auc) or groups tell how a metric that is no mean varies."""
    units = fits.problem.n_rows if groups is None else len(np.unique(groups))
    if groups is None and metric == "auc":
        units = min(_classes(fits))
    return units > fits.folds.k


def _freedom(fits: Predictions) -> tuple[float, float]:
    """Return what makes deviations from the means of folds unbiased, of positive rows and of the others."""
    positive, other = (float(np.sqrt(count / (count - fits.folds.k))) for count in _classes(fits))
    return positive, other


def overlap_factor(folds: Folds) -> float:
    """Return what makes the variance of J fold values that of their mean: 1/J + n_test/n_train.

    Of k folds the second is 1/(k - 1); it is there since the training sets overlap (Nadeau and Bengio 2003,
    Inference for the generalization error, section 3). In time order it is 0: given the rows before a block
    its model is fixed, so that what the block's error is beyond its risk is no part of an earlier one's.
    """
    share = 1.0 / (folds.k * folds.repeats)
    return share if folds.order is not None else share + 1.0 / (folds.k - 1)


def fold_spread(fold_losses: FloatArray, weights: FloatArray, folds: Folds) -> Spread:
    """Return the covariance of the mean of k fold values, from J of them (J, L), of several repeats.

    overlap is k times :func:`overlap_factor`, so that the variance of an interval is that factor times the
    variance of the fold values.
    """
    values = np.where(np.isfinite(fold_losses), fold_losses, 0.0)
    share, count = weights / weights.sum(), len(values)
    away = values - share @ values
    covariance = (away * share[:, None]).T @ away * (count / (count - 1) / folds.k)
    kind = "folds" if folds.order is None else "blocks"
    return Spread(covariance, count, kind, folds.k * overlap_factor(folds))


def share_of_rows(problem: Problem, effective_df: float, groups: IntArray | None = None) -> float:
    """Return the degrees of freedom, intercept included, as a share of the rows: the mean leverage.

    Of groups it is that of a group's mean: with S_g the sum of the rows of group g, W_g their weight,
    sum_g S_g'(X'X)^-1 S_g / W_g over the number of groups, for columns taken as uncorrelated. It is the share
    of the rows where columns vary freely within groups, and that of the groups where they do not.

    Parameters
    ----------
    effective_df : float
        Without the intercept; of several classes their sum.
    """
    df, n = effective_df / max(problem.n_classes - 1, 1), problem.n_rows
    if groups is None:
        return (df + problem.intercept) / n
    codes, count = np.unique(groups, return_inverse=True)[1], len(np.unique(groups))
    if problem.blocks is not None:  # its levels are not in X: as if all had one in each group
        return (df + problem.intercept) / count
    every = max(1, min(n // MOST_ROWS, count // GROUPS))
    rows = np.flatnonzero(codes % every == 0)
    s, X = problem.weights[rows], problem.X[rows]
    sums, weight = _summed(s[:, None] * X, codes[rows]), _summed(s[:, None], codes[rows])
    whole = float(s @ np.sum(X**2, axis=1)) / len(rows)
    between = float(np.sum(sums**2 / weight)) / len(sums)
    return df / n * (between / whole if whole > 0.0 else 1.0) + problem.intercept / count
