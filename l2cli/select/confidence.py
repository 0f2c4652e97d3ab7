"""How sure a cross-validated error is: an interval, the optimism of its minimum, a set of lambdas.

Everything here reads the covariance of the errors along lambda (:mod:`l2cli.select.spread`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.student import two_sided_quantile
from l2cli.select.curve import NO_DIFFERENCE, Curve, best_of
from l2cli.select.cv import CVResult, weighted_curve
from l2cli.select.learner import value_weights
from l2cli.select.spread import Spread

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
LEVEL = 0.9
"""Level of the interval and of the set of lambdas."""
DRAWS = 500
CHALLENGERS = 25
"""Lambdas, about, that each lambda is compared with: neighbours say the same."""
ALONE, TOGETHER = 1.2815515655446004, 3.0
"""Between these is the LEVEL quantile of the maximum of 1 to 74 normals: that of one, and Bonferroni's."""
MOST_INFLATION = 2.5
MOST_POWER = 50.0
"""Of e: an error that varies so much says nothing."""
SHARES = frozenset({"accuracy", "error"})
METHODS = {"folds": "folds, corrected t", "blocks": "time blocks, t"}
"""What intervals from the values of folds are called."""
LOGIT = frozenset({"auc", "f1"})


class Interval(NamedTuple):
    """An interval of the error and the method that made it; None where the losses do not vary."""

    low: float | None
    high: float | None
    method: str


def interval(
    value: float, variance: float, spread: Spread, metric: str, share: float | None, level: float = LEVEL
) -> Interval:
    """Return the interval, at ``level``, of the average risk of the models fitted in the folds.

    Parameters
    ----------
    value, variance : float
        The error, corrected for the choice of lambda, and its variance by ``spread``.
    share : float or None
        Effective degrees of freedom, intercept included, as a share of the rows, of groups as
        :func:`l2cli.select.spread.share_of_rows` counts it (r below); None where they are not known.

    Notes
    -----
    The variance by rows takes the n losses as independent, which undercovers where a model has many degrees
    of freedom for its rows (measured: 78 % instead of 90 % at n = 60, p = 20). Of least squares two things
    are exact to first order: residuals out of fold are correlated, which inflates the variance by 1/(1 - r),
    and the risk itself, which is to be covered, varies, which adds r/(1 - r). So rows and groups have

        standard error = sqrt(min((1 + r)/(1 - r), 2.5) variance)

    (2.5 bounds it for p > n, where r near 1 overstates both), and a t quantile with a third as many degrees
    of freedom as rows: the losses are skewed, as a chi^2_1 is, and then that is what log(se / error) has. Of
    groups it is a fifth (measured). An auc has as many units as twice the rows of the rarer class. Errors
    above 0 have the interval on the log scale, 1 - r2 too; auc and f1 on the logit scale; a share of rows the
    score interval of Wilson (1927) at its effective number of rows. Folds, where each is one row, have
    Student's t with J - 1 degrees of freedom.

    Blocks, in time order, have Student's t with K - 1 degrees of freedom and no more: it is valid where
    blocks are about independent, whatever the correlation inside them, and if their variances differ it is
    too wide rather than too short (Ibragimov and Muller 2010; at 90 % for up to 14 blocks). What varies from
    block to block, the risk of models that are trained on more and more rows among it, makes it wider too.
    The risk of the refit, which is trained on all rows, is not what it covers: that is smaller as a rule.
    Measured: 89 % with independent noise, 90 and 88 % with noise correlated by 0.9 and 0.8 from row to row in
    blocks of 100 and 50 rows, 82 % in blocks of 20; an interval from the rows as if independent 42 to 57 %.

    Measured by tests/benchmarks/interval_coverage.py: 87 to 93 %, also of 20 groups and of an auc. The risk
    of the refit, which is trained on all rows, is covered alike with 5 folds or more.

    References
    ----------
    Bayle et al. (2020), Cross-validation confidence intervals for test error; Bates, Hastie and Tibshirani
    (2023), Cross-validation: what does it estimate and how well does it do it?; Nadeau and Bengio (2003),
    Inference for the generalization error; Ibragimov and Muller (2010), t-statistic based correlation and
    heterogeneity robust inference.
    """
    if not (math.isfinite(value) and math.isfinite(variance)):
        return Interval(None, None, "none")
    quantile, inflated = two_sided_quantile(level, freedom(spread)), inflation(spread, share)
    by = "overlap" if share is None else "df"
    method = METHODS.get(spread.kind, f"{spread.kind}, inflated by {by}")
    half = quantile * math.sqrt(max(variance, 0.0) * inflated)
    if metric in SHARES:
        rows = value * (1.0 - value) / variance if variance > 0.0 else float(spread.units)
        return Interval(*_wilson(value, quantile**2 * inflated / rows), method)
    if half == 0.0:
        return Interval(None, None, "none: the losses do not vary")
    if metric in LOGIT:
        if not 0.0 < value < 1.0:
            return Interval(None, None, "none: the metric is at its end")
        return Interval(*_on_logit_scale(value, half), method)
    if metric == "r2":
        low, high = _on_log_scale(1.0 - value, half)
        return Interval(1.0 - high, 1.0 - low, method)
    return Interval(*_on_log_scale(value, half), method)


def freedom(spread: Spread) -> float:
    """Return the degrees of freedom of the t quantile of an error, or of a difference of errors."""
    if spread.kind in METHODS:
        return spread.units - 1.0
    return max(spread.units / (5.0 if spread.kind == "groups" else 3.0), 1.0)


def inflation(spread: Spread, share: float | None) -> float:
    """Return what the variance is multiplied by: (1 + r)/(1 - r) for r the share of df, at most 2.5.

    Where the degrees of freedom are not known, and of fold values, the overlap of the training sets.
    """
    if spread.kind in METHODS or share is None:
        return spread.overlap
    r = min(max(share, 0.0), 0.99)
    return min((1.0 + r) / (1.0 - r), MOST_INFLATION)


def _on_logit_scale(value: float, half: float) -> tuple[float, float]:
    """Return the ends about a value between 0 and 1 that lie alike on the logit scale."""
    middle, width = math.log(value / (1.0 - value)), half / (value * (1.0 - value))
    low, high = (
        1.0 / (1.0 + math.exp(-min(max(v, -700.0), 700.0))) for v in (middle - width, middle + width)
    )
    return low, high


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


def judge(curves: Sequence[Curve], spread: Spread, rule: str, seed: int) -> Honest:
    """Return the optimism of the lambda chosen by a rule, and a confidence set for the best lambda.

    With noise e drawn (seeded) and j* the lambda that the rule chooses on m + e, the optimism is
    E[m_j* - (m + e)_j*] = -E e_j*, estimated as the mean of e_c - e_j*, c the lambda chosen without e: E e_c
    is 0, and where j* is c or near it nothing is left of the noise of the draws. It is what BBC-CV
    (Tsamardinos, Greasidou and Borboudakis 2018) finds by resampling rows, with a law of the means in place
    of the rows and nothing lost to them. Errors are log-normal, as in :func:`interval` (see
    :func:`_noise`): with normal noise a large and uncertain error would now and then be the best.

    The set is that of Lei (2020), cross-validation with confidence: lambda_j stays unless the largest
    studentized gain max_k (m_j - m_k - least)/sd_jk exceeds the LEVEL quantile of max_k (z_j - z_k)/sd_jk.
    Differences below ``least``, NO_DIFFERENCE of the best error, are none; m and z are on the log scale too.
    The best and what :attr:`Curve.as_good` says does as well always stay.

    Parameters
    ----------
    curves : sequence of Curve
        What was chosen from: one, or those of several mixes, of which the best minimum was taken (the first
        of equal ones) and then the rule. The set is that of its curve.
    spread : Spread
        Covariance of all of them, one after the other.
    """
    loss, root = np.concatenate([curve.loss for curve in curves]), _root(spread.covariance)
    z = np.random.default_rng([seed, DRAWS]).standard_normal((DRAWS, root.shape[1])) @ root.T
    e = _noise(loss + float(curves[0].greater_is_better), np.diag(spread.covariance), z)
    chosen, without_noise = _choose(curves, rule, loss + e), _choose(curves, rule, loss[None])[0]
    optimism = max(float((e[:, without_noise] - e[np.arange(DRAWS), chosen]).mean()), 0.0)
    own = _places(curves)[best_of(curves)]
    curve = curves[best_of(curves)]
    least = NO_DIFFERENCE * abs(curve.loss[curve.index_min])
    error = curve.loss + float(curve.greater_is_better)
    inside = _not_worse(error, spread.covariance[own, own], z[:, own], curve.index_min, least)
    if (span := curve.as_good) is not None:
        inside |= (curve.lambdas >= span[0]) & (curve.lambdas <= span[1]) & np.isfinite(curve.loss)
    return Honest(optimism, curve.lambdas[inside].tolist())


def _places(curves: Sequence[Curve]) -> list[slice]:
    """Return where each curve is among all of them, one after the other."""
    ends = np.cumsum([len(curve.lambdas) for curve in curves]).tolist()
    return [slice(end - len(curve.lambdas), end) for end, curve in zip(ends, curves, strict=True)]


def _root(covariance: FloatArray) -> FloatArray:
    """Return A (L, r) with A A' the covariance."""
    e, V = np.linalg.eigh(covariance)
    some = e > 1e-12 * max(float(e[-1]), 0.0)
    root: FloatArray = V[:, some] * np.sqrt(e[some])
    return root


def _noise(error: FloatArray, variance: FloatArray, z: FloatArray) -> FloatArray:
    """Return error (exp(z/error - variance/(2 error^2)) - 1), of mean 0 (B, L); z where no error is above 0.

    error : (L,) what is least, and 0 where nothing is wrong: 1 - r2, 1 - auc ...
    """
    away = np.isfinite(error) & (error > 0.0)
    scale = np.where(away, error, 1.0)
    power = np.clip(z / scale - 0.5 * variance / scale**2, -MOST_POWER, MOST_POWER)
    return np.where(away, scale * np.expm1(power), z)


def _choose(curves: Sequence[Curve], rule: str, losses: FloatArray) -> IntArray:
    """Return the index that is chosen for each row of losses (B, L of all curves)."""
    each = np.arange(len(losses))
    least, chosen = np.full(len(losses), np.inf), np.zeros(len(losses), dtype=np.int64)
    for curve, place in zip(curves, _places(curves), strict=True):
        down = np.argsort(-curve.lambdas, kind="stable")  # ties to the larger lambda
        ordered = losses[:, place][:, down]
        at = ordered.argmin(axis=1)
        own = ordered[each, at]
        if rule == "1se":
            se = np.where(np.isfinite(curve.se), curve.se, 0.0)[down]
            at = (ordered <= (own + se[at])[:, None]).argmax(axis=1)
        better = own < least
        chosen[better] = place.start + down[at[better]]
        least[better] = own[better]
    return chosen


def _not_worse(
    loss: FloatArray, covariance: FloatArray, z: FloatArray, best: int, least: float
) -> npt.NDArray[np.bool_]:
    """Return which lambdas (L,) no other beats by ``least``: by their logarithms where all are above 0."""
    finite = np.flatnonzero(np.isfinite(loss))
    if np.all(loss[finite] > 0.0):
        unit = np.where(np.isfinite(loss), loss, 1.0)
        least, z, covariance = least / unit[best], z / unit, covariance / np.outer(unit, unit)
        loss = np.log(loss)
    others = np.union1d(finite[:: max(1, len(finite) // CHALLENGERS)], [best])
    variance = np.diag(covariance)
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
    weights = value_weights(fits, result.metric)
    for r in range(folds.repeats):
        mine = slice(r * folds.k, (r + 1) * folds.k)
        curve = weighted_curve(
            result.curve.lambdas, result.fold_losses[mine], weights[mine], folds, result.metric
        )
        chosen[r] = curve.lambdas[curve.index_by(rule)]
    low, high = np.quantile(chosen, [0.05, 0.95], method="inverted_cdf")
    return {"repeats": folds.repeats, "low": float(low), "high": float(high), "lambdas": chosen.tolist()}
