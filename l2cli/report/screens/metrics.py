"""Metrics in units people know: errors in units of the target, shares as percent."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from l2cli.report.numerals import percent, ratio, significant

LABELS = {"r2": "R2", "log_loss": "log loss"}
_SHARES = frozenset({"accuracy", "error"})
_RATIOS = frozenset({"r2", "auc", "f1"})
HIGHER_IS_BETTER = frozenset({"r2", "accuracy", "auc", "f1"})
_HEADLINES = {
    "gaussian": ("rmse", "r2"),
    "binomial": ("deviance", "accuracy", "auc"),
    "multinomial": ("deviance", "accuracy"),
}
_OF_NUMBERS = ("deviance", "rmse", "r2")


def label_of(metric: str) -> str:
    """Return the name of a metric as people write it."""
    return LABELS.get(metric, metric)


def metric_value(metric: str, value: float | None) -> str:
    """Return a metric as text: percent for accuracy and error, decimals for ratios, else three digits.

    Examples
    --------
    >>> metric_value("accuracy", 0.979), metric_value("r2", 0.487), metric_value("rmse", 54.61)
    ('97.9 %', '0.49', '54.6')
    """
    if metric in _SHARES:
        return percent(value, 1)
    if metric in _RATIOS:
        return ratio(value, 2 if metric == "r2" else 3)
    return significant(value)


def headline(family: str, metrics: Mapping[str, float | None], first: str | None = None) -> list[str]:
    """Return the names of the metrics to show, the most telling first; those that are null are left out.

    ``first`` is the metric that was asked for.
    """
    names = [*([first] if first else []), *_HEADLINES.get(family, _OF_NUMBERS)]
    return [name for i, name in enumerate(names) if metrics.get(name) is not None and name not in names[:i]]


def asked_metric(result: Mapping[str, Any]) -> str | None:
    """Return the metric that chose the lambda of a fit; None of the family's own, or of no error of rows."""
    metric = (result.get("selection") or {}).get("metric")
    own = ("deviance", "mse") if result["settings"]["family"] == "gaussian" else ("deviance",)
    return None if metric in own or metric not in result["metrics"]["train"] else str(metric)


class ErrorView(NamedTuple):
    """How an error curve is shown: its name, and whether roots are taken to come to units of the target."""

    metric: str
    rooted: bool

    def value(self, mean: float) -> float:
        """Return a value of the curve in the unit shown."""
        return math.sqrt(max(mean, 0.0)) if self.rooted else mean

    def spread(self, mean: float, se: float) -> float:
        """Return the standard error in the unit shown; of a root by its derivative."""
        return se / (2 * math.sqrt(mean)) if self.rooted and mean > 0 else se


def error_text(value: float, span: Mapping[str, Any], view: ErrorView) -> str:
    """Return an error and, where there is one, its interval, lower end first."""
    text = f"{label_of(view.metric)} {metric_value(view.metric, view.value(value))}"
    if span.get("ci_low") is not None and span.get("ci_high") is not None:
        low, high = (metric_value(view.metric, view.value(span[key])) for key in ("ci_low", "ci_high"))
        text += f", {percent(span['level'])} interval {low} to {high}"
    return text


def error_view(metric: str, family: str) -> ErrorView:
    """Return the view of a metric: squared errors of a gaussian target are shown as their root."""
    if family == "gaussian" and metric in ("deviance", "mse"):
        return ErrorView("rmse", rooted=True)
    return ErrorView(metric, rooted=False)


def best_first(means: Sequence[float | None], metric: str) -> list[int]:
    """Return the places of ``means`` from the best to the worst; what is not a number ranks last."""
    sign = -1.0 if metric in HIGHER_IS_BETTER else 1.0

    def key(i: int) -> tuple[bool, float]:
        value: Any = means[i]
        return (True, 0.0) if value is None or not math.isfinite(value) else (False, sign * value)

    return sorted(range(len(means)), key=key)
