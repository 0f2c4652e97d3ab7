"""How sure a cross-validated error is: its covariance along lambda, an interval, optimism, a set of lambdas.

With l_i(lambda) the loss of row i by the fit that did not see it and m = sum s_i l_i / W its mean, the means
along lambda have about the covariance

    Sigma = sum_i s_i^2 (l_i - m)(l_i - m)' / W^2

(Bayle, Bayle, Janson and Mackey 2020, equation 7); rows of one group count together. Everything here reads
Sigma. Of metrics that are no mean over rows (auc, f1, r2) Sigma comes from the values of the folds, and so it
does in time order, where the losses of neighbouring rows may be correlated: those of successive blocks of
rows hardly are (batch means, Schmeiser 1982).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.metrics import ROW_METRICS, row_losses
from l2cli.core.student import two_sided_quantile
from l2cli.data.folds import Folds
from l2cli.select.curve import NO_DIFFERENCE, Curve
from l2cli.select.cv import CVResult, weighted_curve
from l2cli.select.learner import FoldFits

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
LEVEL = 0.9
"""Level of the interval and of the set of lambdas."""
MOST_ROWS = 5_000
"""Rows, about, from which a covariance is estimated; of more every second, third ... is taken."""
DRAWS = 500
CHALLENGERS = 25
"""Lambdas, about, that each lambda is compared with: neighbours say the same."""
ALONE, TOGETHER = 1.2815515655446004, 3.0
"""Between these is the LEVEL quantile of the maximum of 1 to 74 normals: that of one, and Bonferroni's."""
MOST_INFLATION = 2.5
SHARES = frozenset({"accuracy", "error"})
METHODS = {"folds": "folds, corrected t", "blocks": "time blocks, t"}
"""What intervals from the values of folds are called."""
_LOGIT = frozenset({"auc", "f1"})


class Spread(NamedTuple):
    """Covariance (L, L) of mean losses along lambda, and from how many of what: rows, groups, folds, blocks.

    overlap : by what the variance of fold values is inflated since their training sets overlap.
    """

    covariance: FloatArray
    units: int
    kind: str
    overlap: float = 1.0


class Interval(NamedTuple):
    """An interval of the error and the method that made it; None where the losses do not vary."""

    low: float | None
    high: float | None
    method: str


def spread_of(result: CVResult, groups: IntArray | None = None) -> Spread:
    """Return the covariance of the curve, on its own scale (of an rmse by the delta method).

    Parameters
    ----------
    groups : (n,) int, optional
        Rows of one group share a fold and are not independent.

    Notes
    -----
    O(m L^2) for m of at most about ``MOST_ROWS`` rows (groups: all rows). Lambdas without a finite mean have
    variance 0: they rank last.
    """
    curve, metric = result.curve, result.metric
    if not by_rows(metric, result.folds):
        return fold_spread(result.fold_losses, result.fits.fold_weights, result.folds, curve, metric)
    spread = row_spread(result.fits, curve.lambdas, metric, mean_losses(curve, metric), groups=groups)
    return unrooted(spread, curve, metric)


def by_rows(metric: str, folds: Folds) -> bool:
    """Return True where the losses of the rows tell how sure their mean is."""
    return folds.order is None and (metric == "rmse" or metric in ROW_METRICS)


def mean_losses(curve: Curve, metric: str) -> FloatArray:
    """Return what is a mean of losses along a curve: of an rmse its square."""
    return curve.mean**2 if metric == "rmse" else curve.mean


def unrooted(spread: Spread, curve: Curve, metric: str) -> Spread:
    """Return the covariance of a curve from that of its mean losses, of an rmse by the delta method.

    A mean that is not finite has variance 0.
    """
    covariance, lost = spread.covariance, ~np.isfinite(curve.mean)
    covariance[lost] = 0.0
    covariance[:, lost] = 0.0
    if metric == "rmse":
        slope = np.divide(0.5, curve.mean, out=np.zeros(len(lost)), where=~lost & (curve.mean > 0.0))
        covariance *= np.outer(slope, slope)
    return spread._replace(covariance=covariance)


def row_spread(
    fits: FoldFits, lambdas: FloatArray, metric: str, centre: FloatArray, *,
    groups: IntArray | None = None, columns: IntArray | None = None,
) -> Spread:  # fmt: skip
    """Return the covariance of mean losses from those of the rows; of several repeats the average.

    Parameters
    ----------
    centre : (L,) float64
        The mean losses.
    columns : (F,) int, optional
        Which lambda each fit is judged at; then the covariance is (1, 1) and ``centre`` (1,).
    """
    problem, repeats = fits.problem, fits.folds.repeats
    step = 1 if groups is not None else max(1, problem.n_rows // MOST_ROWS)
    name = "mse" if metric == "rmse" else metric
    total, weight, squares, units = np.zeros((len(centre), len(centre))), 0.0, 0.0, 0
    for i, eta in enumerate(fits.heldout_etas(lambdas, step)):
        rows = fits.rows[i][::step]
        own = eta if columns is None else eta[..., [columns[i]]]
        s = problem.weights[rows]
        with np.errstate(invalid="ignore", over="ignore"):  # lambdas without a finite fit rank last
            away = s[:, None] * (row_losses(name, fits.family, problem.y[rows], own) - centre)
            if groups is not None:
                order = np.argsort(groups[rows], kind="stable")
                starts = np.flatnonzero(np.diff(groups[rows][order], prepend=-1))
                away = np.add.reduceat(away[order], starts, axis=0)
            total += away.T @ away
        weight += float(s.sum())
        squares += float(s @ s)
        units += len(away)
    every = problem.weights
    # of rows left out the same is expected as of those looked at
    thinned = 1.0 if step == 1 else float(every @ every) / squares * (weight / every.sum()) ** 2 / repeats
    scale = repeats / weight**2 * units / max(units - repeats, 1) * thinned
    if groups is not None:
        return Spread(total * scale, units // repeats, "groups")
    return Spread(total * scale, problem.n_rows, "rows")


def overlap_factor(folds: Folds) -> float:
    """Return what makes the variance of J fold values that of their mean: 1/J + n_test/n_train.

    Of k folds the second is 1/(k - 1); it is there since the training sets overlap (Nadeau and Bengio 2003,
    Inference for the generalization error, section 3). In time order it is 0: given the rows before a block
    its model is fixed, so that what the block's error is beyond its risk is no part of an earlier one's.
    """
    share = 1.0 / (folds.k * folds.repeats)
    return share if folds.order is not None else share + 1.0 / (folds.k - 1)


def fold_spread(
    fold_losses: FloatArray, weights: FloatArray, folds: Folds, curve: Curve, metric: str
) -> Spread:
    """Return the covariance of the mean of k fold values, from J of them (J, L), of several repeats.

    overlap is k times :func:`overlap_factor`, so that the variance of an interval is that factor times the
    variance of the fold values.
    """
    losses, k = (fold_losses**2 if metric == "rmse" else fold_losses), folds.k
    values = np.where(np.isfinite(losses), losses, 0.0)
    share, count = weights / weights.sum(), len(values)
    away = values - share @ values
    covariance = (away * share[:, None]).T @ away * (count / (count - 1) / k)
    kind = "folds" if folds.order is None else "blocks"
    return unrooted(Spread(covariance, count, kind, k * overlap_factor(folds)), curve, metric)


def interval(
    value: float, variance: float, spread: Spread, metric: str, share: float, level: float = LEVEL
) -> Interval:
    """Return the interval, at ``level``, of the average risk of the models fitted in the folds.

    Parameters
    ----------
    value, variance : float
        The error, corrected for the choice of lambda, and its variance by ``spread``.
    share : float
        Effective degrees of freedom, intercept included, as a share of the rows (r below).

    Notes
    -----
    The variance by rows takes the n losses as independent, which undercovers where a model has many degrees
    of freedom for its rows (measured: 78 % instead of 90 % at n = 60, p = 20). Of least squares two things
    are exact to first order: residuals out of fold are correlated, which inflates the variance by 1/(1 - r),
    and the risk itself, which is to be covered, varies, which adds r/(1 - r). So rows and groups have

        standard error = sqrt(min((1 + r)/(1 - r), 2.5) variance)

    (2.5 bounds it for p > n, where r near 1 overstates both), and a t quantile with a third as many degrees
    of freedom as units: the losses are skewed, as a chi^2_1 is, and then that is what log(se / error) has.
    Errors above 0 have the interval on the log scale, 1 - r2 too; auc and f1 on the logit scale; a share of
    rows the score interval of Wilson (1927) at its effective number of rows. Folds (metrics that are no mean
    over rows) have Student's t with J - 1 degrees of freedom.

    Blocks, in time order, have Student's t with K - 1 degrees of freedom and no more: it is valid where
    blocks are about independent, whatever the correlation inside them, and if their variances differ it is
    too wide rather than too short (Ibragimov and Muller 2010; at 90 % for up to 14 blocks). What varies from
    block to block, the risk of models that are trained on more and more rows among it, makes it wider too.
    The risk of the refit, which is trained on all rows, is not what it covers: that is smaller as a rule.
    Measured: 89 % with independent noise, 90 and 88 % with noise correlated by 0.9 and 0.8 from row to row in
    blocks of 100 and 50 rows, 82 % in blocks of 20; an interval from the rows as if independent 42 to 57 %.

    Measured by tests/benchmarks/interval_coverage.py: 88 to 92 %, 86 % with 40 groups of 5 rows, 96 % for
    folds (auc); more than asked, too, for p > n with a strong signal. The risk of the refit, which is trained
    on all rows, is covered alike with 5 folds or more.

    References
    ----------
    Bayle et al. (2020), Cross-validation confidence intervals for test error; Bates, Hastie and Tibshirani
    (2023), Cross-validation: what does it estimate and how well does it do it?; Nadeau and Bengio (2003),
    Inference for the generalization error; Ibragimov and Muller (2010), t-statistic based correlation and
    heterogeneity robust inference.
    """
    if not (math.isfinite(value) and math.isfinite(variance)):
        return Interval(None, None, "none")
    if spread.kind in METHODS:
        quantile, inflation = two_sided_quantile(level, spread.units - 1), spread.overlap
        method = METHODS[spread.kind]
    else:
        quantile = two_sided_quantile(level, max(spread.units / 3.0, 1.0))
        r = min(max(share, 0.0), 0.99)
        inflation, method = min((1.0 + r) / (1.0 - r), MOST_INFLATION), f"{spread.kind}, inflated by df"
    half = quantile * math.sqrt(max(variance, 0.0) * inflation)
    if metric in SHARES:
        rows = value * (1.0 - value) / variance if variance > 0.0 else float(spread.units)
        return Interval(*_wilson(value, quantile**2 * inflation / rows), method)
    if half == 0.0:
        return Interval(None, None, "none: the losses do not vary")
    if metric in _LOGIT:
        if not 0.0 < value < 1.0:
            return Interval(None, None, "none: the metric is at its end")
        middle, width = math.log(value / (1.0 - value)), half / (value * (1.0 - value))
        low, high = (
            1.0 / (1.0 + math.exp(-min(max(v, -700.0), 700.0))) for v in (middle - width, middle + width)
        )
        return Interval(low, high, method)
    if metric == "r2":
        low, high = _on_log_scale(1.0 - value, half)
        return Interval(1.0 - high, 1.0 - low, method)
    return Interval(*_on_log_scale(value, half), method)


def _on_log_scale(value: float, half: float) -> tuple[float, float]:
    """Return value exp(-half/value) and value exp(half/value), plain where that says nothing."""
    if value <= 0.0 or half > 3.0 * value:
        return max(value - half, 0.0), value + half
    return value * math.exp(-half / value), value * math.exp(half / value)


def _wilson(share: float, z2_over_n: float) -> tuple[float, float]:
    """Return the score interval of a share, z^2/n given."""
    middle = (share + 0.5 * z2_over_n) / (1.0 + z2_over_n)
    half = math.sqrt(z2_over_n * (share * (1.0 - share) + 0.25 * z2_over_n)) / (1.0 + z2_over_n)
    return max(middle - half, 0.0), min(middle + half, 1.0)


class Honest(NamedTuple):
    """What a curve holds beside its minimum: optimism of the chosen error, and the lambdas not told apart."""

    optimism: float
    lambda_set: list[float]


def judge(curve: Curve, spread: Spread, rule: str, seed: int) -> Honest:
    """Return the optimism of the lambda chosen by a rule, and a confidence set for the best lambda.

    With z ~ N(0, Sigma) drawn (seeded) and j* the lambda that the rule chooses on m + z, the optimism is
    E[m_j* - (m + z)_j*] = -E z_j*. It is what BBC-CV (Tsamardinos, Greasidou and Borboudakis 2018) finds by
    resampling rows, with the normal law of the means in place of the rows and nothing lost to them.

    The set is that of Lei (2020), cross-validation with confidence: lambda_j stays unless the largest
    studentized gain max_k (m_j - m_k - least)/sd_jk exceeds the LEVEL quantile of max_k (z_j - z_k)/sd_jk.
    Differences below ``least``, NO_DIFFERENCE of the best error, are none. The best and what
    :attr:`Curve.as_good` says does as well always stay.
    """
    loss = curve.loss
    root = _root(spread.covariance)
    z = np.random.default_rng([seed, DRAWS]).standard_normal((DRAWS, root.shape[1])) @ root.T
    chosen = _choose(curve, rule)(loss + z)
    optimism = max(-float(z[np.arange(DRAWS), chosen].mean()), 0.0)
    inside = _not_worse(loss, spread.covariance, z, curve.index_min)
    if (span := curve.as_good) is not None:
        inside |= (curve.lambdas >= span[0]) & (curve.lambdas <= span[1]) & np.isfinite(loss)
    return Honest(optimism, curve.lambdas[inside].tolist())


def _root(covariance: FloatArray) -> FloatArray:
    """Return A (L, r) with A A' the covariance."""
    e, V = np.linalg.eigh(covariance)
    some = e > 1e-12 * max(float(e[-1]), 0.0)
    root: FloatArray = V[:, some] * np.sqrt(e[some])
    return root


def _choose(curve: Curve, rule: str) -> Callable[[FloatArray], IntArray]:
    """Return the function that chooses an index for each row of losses (B, L), ties to the larger lambda."""
    down = np.argsort(-curve.lambdas, kind="stable")
    se = np.where(np.isfinite(curve.se), curve.se, 0.0)

    def choose(losses: FloatArray) -> IntArray:
        ordered = losses[:, down]
        best = ordered.argmin(axis=1)
        if rule == "1se":
            limit = ordered[np.arange(len(best)), best] + se[down][best]
            best = (ordered <= limit[:, None]).argmax(axis=1)
        return np.asarray(down[best], dtype=np.int64)

    return choose


def _not_worse(loss: FloatArray, covariance: FloatArray, z: FloatArray, best: int) -> npt.NDArray[np.bool_]:
    """Return which lambdas (L,) no other one beats."""
    finite = np.flatnonzero(np.isfinite(loss))
    others = np.union1d(finite[:: max(1, len(finite) // CHALLENGERS)], [best])
    variance, least = np.diag(covariance), NO_DIFFERENCE * abs(loss[best])
    inside = np.zeros(len(loss), dtype=bool)
    inside[best] = True
    for j in finite:
        rivals = others[others != j]
        if not len(rivals):
            continue
        gap = loss[j] - loss[rivals] - least
        if gap.max() <= 0.0:
            inside[j] = True
            continue
        sd = np.sqrt(np.maximum(variance[j] + variance[rivals] - 2.0 * covariance[j, rivals], 0.0))
        told = sd > 1e-9 * math.sqrt(max(float(variance[j]), 0.0))
        if (gap[~told] > 0.0).any():
            continue
        gain = float((gap[told] / sd[told]).max())
        if ALONE < gain < TOGETHER:  # else the quantile need not be known
            worst = ((z[:, [j]] - z[:, rivals[told]]) / sd[told]).max(axis=1)
            inside[j] = gain <= np.quantile(worst, LEVEL)
        else:
            inside[j] = gain <= ALONE
    return inside


def stability(result: CVResult, rule: str) -> dict[str, Any] | None:
    """Return the lambda that each repeat alone would have chosen, with their 5 and 95 % quantiles."""
    folds, fits = result.folds, result.fits
    if folds.repeats < 2:
        return None
    chosen = np.empty(folds.repeats)
    for r in range(folds.repeats):
        mine = slice(r * folds.k, (r + 1) * folds.k)
        curve = weighted_curve(
            result.curve.lambdas, result.fold_losses[mine], fits.fold_weights[mine], folds, result.metric
        )
        chosen[r] = curve.lambdas[curve.index_by(rule)]
    low, high = np.quantile(chosen, [0.05, 0.95], method="inverted_cdf")
    return {"repeats": folds.repeats, "low": float(low), "high": float(high), "lambdas": chosen.tolist()}
