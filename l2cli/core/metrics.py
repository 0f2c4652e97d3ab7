"""Metrics of predictions: how far means, probabilities and classes are from what was observed.

All take the linear predictor eta (mu = its inverse link), so that probabilities near 0 and 1 lose nothing,
and weights s (default 1, W their sum). Probabilities are clipped to [1e-15, 1 - 1e-15] in losses (SPEC
section 2), which here clips eta.

| metric | formula |
|---|---|
| deviance | sum s_i d(y_i, eta_i) / W: gaussian the mse, binomial 2 log_loss |
| mse, rmse, mae | sum s_i (y_i - mu_i)^2 / W, its root, sum s_i abs(y_i - mu_i) / W |
| r2 | 1 - sum s_i (y_i - mu_i)^2 / sum s_i (y_i - m)^2, with m the baseline |
| log_loss, brier | -sum s_i log p_i(y_i) / W, sum s_i (y_i - p_i)^2 / W |
| accuracy, error | weighted share of rows with p > threshold exactly where y = 1; 1 - accuracy |
| auc | P(eta of a positive row > eta of a negative row) + P(equal)/2, over weighted pairs |
| f1 | 2 TP / (2 TP + FP + FN) of the positive class |

Of several classes, y and eta hold them on the second axis: the brier score sums over classes (Brier 1950),
and the predicted class is the one of the largest eta, the first of equal ones.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from l2cli.core.families import Family
from l2cli.core.problem import row_blocks
from l2cli.errors import UsageError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_OF_NUMBERS = ("deviance", "mse", "rmse", "mae", "r2")
FAMILY_METRICS: dict[str, tuple[str, ...]] = {
    "gaussian": _OF_NUMBERS,
    "binomial": ("deviance", "accuracy", "error", "auc", "log_loss", "brier", "f1"),
    "multinomial": ("deviance", "accuracy", "error", "log_loss", "brier"),
    "poisson": _OF_NUMBERS,
    "gamma": _OF_NUMBERS,
    "tweedie": _OF_NUMBERS,
}
"""The metrics that each family has, in the order of reports."""

ETA_LIMIT = math.log((1.0 - 1e-15) / 1e-15)
"""The linear predictor at which a probability is 1 - 1e-15."""

CLASS_DEVIANCE = (-2.0 * math.log1p(-1e-15), -2.0 * math.log(1e-15))
"""The deviances of the clipped probabilities."""

ROW_METRICS = ("deviance", "mse", "mae", "accuracy", "error", "log_loss", "brier")
"""The metrics that are a mean over the rows."""

SQUARED = ("rmse", "r2")
"""The metrics that are a function of the mse."""

_GREATER = frozenset({"accuracy", "auc", "r2", "f1"})


def default_metric(family: str) -> str:
    """Return the metric that chooses lambda: the mean unit deviance, for gaussian by its name mse."""
    return "mse" if family == "gaussian" else "deviance"


def greater_is_better(metric: str) -> bool:
    """Return True for accuracy, auc, r2 and f1, False for losses."""
    return metric in _GREATER


def check_metric(metric: str, family: str) -> str:
    """Return ``metric`` if the family has it, else raise UsageError with the list of those it has."""
    known = FAMILY_METRICS[family]
    if metric not in known:
        raise UsageError(
            f"--metric '{metric}' does not fit the family {family}", hint=f"choose one of {', '.join(known)}"
        )
    return metric


def logit(probability: float) -> float:
    """Return log(p / (1 - p)), infinite at 0 and 1."""
    if probability <= 0.0:
        return -math.inf
    return math.inf if probability >= 1.0 else math.log(probability / (1.0 - probability))


def metric_table(
    family: Family,
    y: FloatArray,
    eta: FloatArray,
    weights: FloatArray | None = None,
    *,
    baseline: FloatArray | float | None = None,
    threshold: float = 0.5,
) -> dict[str, float | None]:
    """Return every metric the family has, None where it is undefined (auc of one class, r2 of a constant).

    Parameters
    ----------
    y, eta : (n,) float64, multinomial (n, C)
        Response (binomial: 0 or 1) and linear predictor, offset included.
    weights : (n,) float64, optional
    baseline : float or (n,), optional
        What r2 compares with; default the weighted mean of y.
    threshold : float
        Probability above which a row counts as positive.
    """
    column = eta[..., None]
    table: dict[str, float | None] = {}
    for metric in FAMILY_METRICS[family.name]:
        value = float(losses(metric, family, y, column, weights, baseline=baseline, threshold=threshold)[0])
        table[metric] = value if math.isfinite(value) else None
    return table


def losses(
    metric: str,
    family: Family,
    y: FloatArray,
    eta: FloatArray,
    weights: FloatArray | None = None,
    *,
    baseline: FloatArray | float | None = None,
    threshold: float = 0.5,
) -> FloatArray:
    """Return one metric of many predictions of the same rows: (L,) for ``eta`` (n, L); undefined is NaN.

    Parameters
    ----------
    y : (n,) float64, multinomial (n, C)
    eta : (n, L) float64, multinomial (n, C, L), not changed
    weights : (n,) float64, optional
    baseline : float or (n,), optional
        What r2 compares with; default the weighted mean of y. (Within folds: the mean of the training rows.)
    threshold : float
        Probability above which a row counts as positive.

    Raises
    ------
    UsageError
        If the family does not have the metric.

    Notes
    -----
    O(n L), auc O(n log n L); rows pass in blocks, so temporaries stay in the cache whatever n and L.
    """
    check_metric(metric, family.name)
    s = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=np.float64)
    total = float(s.sum())
    if not len(y) or total <= 0.0:
        return np.full(eta.shape[-1], np.nan)
    if metric == "auc":
        return np.array([_auc(y, eta[:, k], s) for k in range(eta.shape[1])])
    if metric == "f1":
        return _f1(y, eta, s, logit(threshold))
    if metric == "r2":
        middle = float(s @ y) / total if baseline is None else baseline
        spread = float(s @ np.square(y - middle))
        residual = _summed("mse", family, y, eta, s, threshold)
        return 1.0 - residual / spread if spread > 0.0 else np.full(eta.shape[1], np.nan)
    mean = _summed("mse" if metric == "rmse" else metric, family, y, eta, s, threshold) / total
    return np.sqrt(mean) if metric == "rmse" else mean


def _summed(
    metric: str, family: Family, y: FloatArray, eta: FloatArray, s: FloatArray, threshold: float
) -> FloatArray:
    """Return the weighted sum of the losses of all rows, for every column of eta."""
    total = np.zeros(eta.shape[-1])
    for rows in row_blocks(len(y), eta[0].size * (4 if y.ndim == 2 else 1)):
        total += s[rows] @ row_losses(metric, family, y[rows], eta[rows], threshold=threshold)
    return total


def row_losses(
    metric: str, family: Family, y: FloatArray, eta: FloatArray, *, threshold: float = 0.5
) -> FloatArray:
    """Return each row's loss (n, L), of which the metric is the weighted mean; NaN where eta is.

    Parameters
    ----------
    metric : str
        One of ``ROW_METRICS``: others are no mean over rows.
    y : (n,) float64, multinomial (n, C)
    eta : (n, L) float64, multinomial (n, C, L), not changed
    threshold : float
        Probability above which a row counts as positive.
    """
    if family.name == "multinomial":
        return _class_losses(metric, family, y, eta)
    if metric in ("accuracy", "error"):
        right = ((eta > logit(threshold)) == (y[:, None] > 0.5)) == (metric == "accuracy")
        # a diverged fit would count as negative everywhere
        return np.where(np.isnan(eta), np.nan, right)
    if family.name == "binomial" and metric != "brier":
        loss = (1.0 - 2.0 * y)[:, None] * eta
        # e^34.5 is far from overflow, so log1p(exp) is exact here
        np.clip(loss, -ETA_LIMIT, ETA_LIMIT, out=loss)
        np.exp(loss, out=loss)
        np.log1p(loss, out=loss)
        loss *= 2.0 if metric == "deviance" else 1.0
        return loss
    if metric == "deviance" and family.name != "gaussian":
        return family.deviance(y[:, None], eta)
    with np.errstate(over="ignore"):  # a mean beyond all numbers is an infinite loss
        away = y[:, None] - family.mean(eta)
        return np.abs(away, out=away) if metric == "mae" else np.square(away, out=away)


def _class_losses(metric: str, family: Family, y: FloatArray, eta: FloatArray) -> FloatArray:
    """Return each row's loss (n, L) of several classes."""
    if metric in ("accuracy", "error"):
        right = (eta.argmax(axis=1) == y.argmax(axis=1)[:, None]) == (metric == "accuracy")
        return np.where(np.isfinite(eta).all(axis=1), right, np.nan)
    if metric == "brier":
        return np.asarray(np.square(y[..., None] - family.mean(eta)).sum(axis=1))
    loss = np.clip(family.deviance(y[..., None], eta), *CLASS_DEVIANCE)
    return loss if metric == "deviance" else 0.5 * loss


def _f1(y: FloatArray, eta: FloatArray, s: FloatArray, cut: float) -> FloatArray:
    """Return 2 TP / (2 TP + FP + FN), NaN where nothing is positive and nothing predicted so."""
    hits, called = np.zeros(eta.shape[1]), np.zeros(eta.shape[1])
    for rows in row_blocks(*eta.shape):
        positive = (eta[rows] > cut).astype(np.float64)
        positive[np.isnan(eta[rows])] = np.nan
        hits += (s[rows] * y[rows]) @ positive
        called += s[rows] @ positive
    both = called + float(s @ y)
    score: FloatArray = np.divide(2.0 * hits, both, out=np.full(len(both), np.nan), where=both > 0.0)
    return score


def _auc(y: FloatArray, eta: FloatArray, s: FloatArray) -> float:
    """Return the weighted share of (positive, negative) pairs in the right order, ties counting half.

    With rows sorted by eta and N the weight of negatives up to the end of a group of ties, N0 up to its
    start, a positive row of weight s wins s (N0 + N)/2 of all pairs.
    """
    if not np.isfinite(eta).all():
        return math.nan
    order, ends = _tied(eta)
    negative, positive = (s * (1.0 - y))[order], (s * y)[order]
    pairs = float(negative.sum()) * float(positive.sum())
    if pairs <= 0.0:
        return math.nan
    wins = np.diff(np.cumsum(positive)[ends], prepend=0.0)
    return float(wins @ _halfway(negative, ends)) / pairs


def _tied(eta: FloatArray) -> tuple[IntArray, IntArray]:
    """Return the order of rows by eta, and where in it each group of ties ends."""
    order = np.argsort(eta, kind="stable")
    return order, np.append(np.flatnonzero(np.diff(eta[order])), len(eta) - 1)


def _halfway(weight: FloatArray, ends: IntArray) -> FloatArray:
    """Return the weight of sorted rows below each group of ties and of half of it."""
    below = np.cumsum(weight)[ends]
    return np.asarray(below - 0.5 * np.diff(below, prepend=0.0))


def influence(metric: str, y: FloatArray, eta: FloatArray, s: FloatArray) -> FloatArray:
    """Return each row's influence (n, L) on auc or f1, which are no mean over rows; NaN where undefined.

    The derivative of the metric by the weight of the row times that weight, which sums to 0. Of f1, with F =
    2 TP / D, s_i (2 TP_i - F (positive_i + called_i)) / D; of the auc :func:`_auc_influence`.

    Parameters
    ----------
    y, s : (n,) float64
    eta : (n, L) float64
    """
    if metric == "auc":
        return _auc_influence(y, eta, s)
    called = np.where(np.isnan(eta), np.nan, eta > 0.0)
    both = called + y[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        D = s @ both
        F = 2.0 * ((s * y) @ called) / D
        return np.asarray(s[:, None] * (2.0 * called * y[:, None] - F * both) / D)


def _auc_influence(y: FloatArray, eta: FloatArray, s: FloatArray) -> FloatArray:
    """Return each row's influence (n, L) on the auc, which sums to 0 over each class.

    s_i (V_i - A) over the weight of its class, with V_i the weighted share of the other class that row i is
    on the right side of (ties half) and A the auc, the mean of the V_i of either class (DeLong, DeLong and
    Clarke-Pearson 1988, Biometrics 44).
    """
    positive, negative = s * y, s * (1.0 - y)
    P, N = float(positive.sum()), float(negative.sum())
    found = np.full(eta.shape, np.nan)
    for k in np.flatnonzero(np.isfinite(eta).all(axis=0)) if P > 0.0 < N else ():
        order, ends = _tied(eta[:, k])
        sizes = np.diff(ends, prepend=-1)
        below, above = (
            np.repeat(_halfway(weight[order], ends), sizes) / total
            for weight, total in ((negative, N), (positive, P))
        )
        mine = positive[order]
        auc = float(mine @ below) / P
        found[order, k] = mine / P * (below - auc) + negative[order] / N * (1.0 - above - auc)
    return found
