"""``l2cli evaluate``: a saved model scored on labelled rows, and how those differ from the training rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from l2cli._version import __version__
from l2cli.api.predict import check_threshold, model_settings, target_keys
from l2cli.api.setup import class_counts
from l2cli.core.metrics import logit, metric_table
from l2cli.data.date_columns import dated_table
from l2cli.data.labelled import labelled_rows
from l2cli.data.table import Table
from l2cli.models.apply import model_predictor
from l2cli.models.drift import drift_warning, find_drift
from l2cli.models.model import Model

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

BINS = 10
"""Number of calibration bins: tenths of the rows by prediction."""


@dataclass(frozen=True, eq=False)
class EvaluateResult:
    """Scores of a saved model on labelled rows (SPEC section 4).

    metrics : r2 is against the mean of these rows. calibration : rows by tenths of the prediction, {low,
    high, rows, predicted, observed} (weighted means). confusion : {labels, counts}, counts[i][j] rows of
    class i predicted as j. targets : of several targets {target, metrics, calibration, confusion} each, the
    fields of those names being empty.
    """

    metrics: dict[str, float | None]
    drift: list[dict[str, str]]
    calibration: list[dict[str, float]]
    confusion: dict[str, Any] | None
    data: dict[str, Any]
    settings: dict[str, Any]
    warnings: list[dict[str, Any]] = field(default_factory=list)
    targets: list[dict[str, Any]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return the result keys of SPEC section 4."""
        common = {
            "schema": "l2cli/evaluate/1",
            "version": __version__,
            "level": 0.95,
            "data": dict(self.data),
            "settings": dict(self.settings),
            "warnings": list(self.warnings),
            "drift": [dict(item) for item in self.drift],
        }
        if self.targets:
            return common | {"targets": list(self.targets)}
        return common | {
            "metrics": dict(self.metrics),
            "calibration": [dict(item) for item in self.calibration],
            "confusion": None if self.confusion is None else dict(self.confusion),
        }


def evaluate_table(
    model: Model, table: Table, *, unseen: str = "error", threshold: float = 0.5
) -> EvaluateResult:
    """Return the metrics of a saved model on the rows of a table that have a target.

    Rows without a target, of weight 0, or that cannot be predicted are left out and counted. The model's
    weights column weighs the rows if the table has it.

    Raises
    ------
    DataError
        If the target or a feature is not there, a label is none of the model's classes, or no row is left.
    UsageError
        If an option has no such value.
    """
    check_threshold(threshold)
    targets = tuple(one.data.target for one in model.each())
    found = labelled_rows(table, model.data, targets, unseen=unseen)
    rows, y, weights = found.rows, found.y, found.weights
    eta = model_predictor(model, found.encoded, table)[rows]
    if found.offset is not None:
        eta = (eta.T + found.offset).T
    features = model.data.features
    drift = find_drift(
        features, model.feature_stats, model.rows_used, dated_table(table, features), rows, weights
    )
    settings = model_settings(model, unseen)
    settings["unpenalized"] = all(one.lam == 0.0 for one in model.each())
    settings["weights"] = None if weights is None else model.data.weights
    if model.family == "binomial":
        settings["threshold"] = threshold
    warnings = [*found.warnings, *drift_warning(drift)]
    if model.others:
        scores = [
            {"target": name, **_scores(model, y[:, t], eta[:, t], weights)} for t, name in enumerate(targets)
        ]
        data = _data(model, table, rows, weights, found.notes)
        return EvaluateResult({}, drift, [], None, data, settings, warnings, scores)
    return EvaluateResult(
        **_scores(model, y, eta, weights, threshold),
        drift=drift,
        data=_data(model, table, rows, weights, found.notes) | _target_facts(model, y, weights),
        settings=settings,
        warnings=warnings,
    )


def _scores(
    model: Model, y: FloatArray, eta: FloatArray, weights: FloatArray | None, threshold: float = 0.5
) -> dict[str, Any]:
    """Return metrics, calibration and confusion of one target."""
    classes = model.data.classes
    if model.by_class:
        return _class_scores(model, y, eta, weights)
    return {
        "metrics": metric_table(model.likelihood, y, eta, weights, threshold=threshold),
        "calibration": calibration_bins(y, model.likelihood.mean(eta), weights),
        "confusion": None if classes is None else _confusion(y, eta > logit(threshold), classes),
    }


def _class_scores(model: Model, y: FloatArray, eta: FloatArray, weights: FloatArray | None) -> dict[str, Any]:
    """Return the scores of several classes; what is calibrated is the probability of the class predicted."""
    classes, chosen = model.data.classes or (), eta.argmax(axis=1)
    truth = (y[:, None] == np.arange(len(classes))).astype(np.float64)
    sure = model.likelihood.mean(eta)[np.arange(len(y)), chosen]
    return {
        "metrics": metric_table(model.likelihood, truth, eta, weights),
        "calibration": calibration_bins((y == chosen).astype(np.float64), sure, weights),
        "confusion": _confusion(y, chosen, classes),
    }


def _data(
    model: Model, table: Table, rows: IntArray, weights: FloatArray | None, notes: list[str]
) -> dict[str, Any]:
    """Return the ``data`` part of the result."""
    return {
        "source": table.source,
        "rows_read": table.n_rows,
        "rows_used": len(rows),
        **target_keys(model),
        "target_default": False,
        "features": list(model.data.design_names),
        "weight_sum": float(len(rows)) if weights is None else float(weights.sum()),
        "notes": notes,
    }


def _target_facts(model: Model, y: FloatArray, weights: FloatArray | None) -> dict[str, Any]:
    """Return what ``data`` says of one target: its classes or its spread."""
    facts: dict[str, Any] = {"classes": None, "positive": None, "target_sd": None}
    if not model.by_class:
        mean = float(np.average(y, weights=weights))
        facts["target_sd"] = float(np.sqrt(np.average((y - mean) ** 2, weights=weights)))
    if (classes := model.data.classes) is not None:
        facts |= class_counts(y, classes, model.family)
    return facts


def calibration_bins(
    y: FloatArray, predicted: FloatArray, weights: FloatArray | None = None, bins: int = BINS
) -> list[dict[str, float]]:
    """Return observed beside predicted means in bins of about equal numbers of rows, by rising prediction.

    Equal predictions stay in one bin: each ends where the prediction changes, as near as that gets to an
    equal part of the rows left, and has at least half of one. So there may be fewer bins, and one of many
    equal predictions is larger.

    Returns
    -------
    list of {low, high, rows, predicted, observed}
        The lowest and highest prediction of the bin, its rows, and (weighted) means.
    """
    order = np.argsort(predicted, kind="stable")
    score = predicted[order]
    s = np.ones(len(y)) if weights is None else weights[order]
    starts = _bin_starts(np.flatnonzero(score[1:] > score[:-1]) + 1, len(score), bins)
    result = []
    for start, stop in zip(starts, [*starts[1:], len(score)], strict=True):
        part = slice(int(start), int(stop))
        result.append(
            {
                "low": float(score[part][0]),
                "high": float(score[part][-1]),
                "rows": int(stop - start),
                "predicted": float(np.average(score[part], weights=s[part])),
                "observed": float(np.average(y[order][part], weights=s[part])),
            }
        )
    return result


def _bin_starts(borders: IntArray, n: int, bins: int) -> list[int]:
    """Return where bins of n sorted rows begin: at 0, and at ``borders`` between different ones."""
    starts, part = [0], n / bins
    while len(starts) < bins:
        here = starts[-1]
        allowed = np.append(borders[(borders >= here + part / 2) & (borders <= n - part / 2)], n)
        ideal = here + max(part, (n - here) / (bins - len(starts) + 1))
        end = int(allowed[np.argmin(np.abs(allowed - ideal))])
        if end == n:
            break
        starts.append(end)
    return starts


def _confusion(y: FloatArray, called: npt.NDArray[Any], classes: tuple[str, ...]) -> dict[str, Any]:
    """Return the counts of rows by class (rows) and predicted class (columns)."""
    c = len(classes)
    places = y.astype(np.int64) * c + called
    counts = np.bincount(places, minlength=c * c).reshape(c, c).tolist()
    return {"labels": list(classes), "counts": counts}
