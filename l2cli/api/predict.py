"""``l2cli predict``: a saved model applied to new rows, one answer per row in the order of the file."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isnan
from typing import Any

import numpy as np
import numpy.typing as npt

from l2cli._version import __version__
from l2cli.checks import as_number
from l2cli.core.metrics import logit
from l2cli.data.levels import as_written
from l2cli.data.schema import no_column
from l2cli.data.table import Table
from l2cli.data.unseen import unseen_note
from l2cli.errors import UsageError, shown
from l2cli.models.apply import apply_model
from l2cli.models.model import Model

FloatArray = npt.NDArray[np.float64]
FITTED = (
    "l1_ratio", "relax_gamma", "groups", "group_penalty", "group_lambdas", "bounds", "standardize",
    "intercept", "lambda_scale", "coding", "tweedie_power",
)  # fmt: skip
"""Settings of the fit that say what the model is."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """Predictions of every row of a table.

    columns : {name: values}, in the order of output: the id if there is one, ``prediction`` (gaussian: the
    mean; binomial: the label), and for binomial ``probability`` (of the positive class); of several targets
    ``prediction_<target>`` each, of several classes ``probability_<label>`` each. With intervals
    ``interval_low`` and ``interval_high`` behind the prediction, of several targets with ``_<target>``. None
    where there is no prediction.
    level : of the intervals, None without.
    """

    columns: dict[str, list[Any]]
    rows: int
    source: str
    model: Model
    settings: dict[str, Any]
    notes: list[str] = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)
    level: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values, ``predictions`` as one object per row."""
        data = self.model.data
        names = tuple(self.columns)
        last = names[-1]  # a row has all its predictions or none
        return {
            "schema": "l2cli/predict/1",
            "version": __version__,
            "level": self.level,
            "data": {
                "source": self.source,
                "rows_read": self.rows,
                "rows_used": len(self.columns[last]) - self.columns[last].count(None),
                **target_keys(self.model),
                "features": list(data.design_names),
                "positive": data.classes[1] if self.model.family == "binomial" and data.classes else None,
                "notes": list(self.notes),
            },
            "settings": dict(self.settings),
            "warnings": list(self.warnings),
            "predictions": [
                dict(zip(names, row, strict=True)) for row in zip(*self.columns.values(), strict=True)
            ],
        }


def target_keys(model: Model) -> dict[str, Any]:
    """Return the target of a model as results name it, or its targets."""
    if not model.others:
        return {"target": model.data.target}
    return {"target": None, "targets": [one.data.target for one in model.each()]}


def model_settings(model: Model, unseen: str) -> dict[str, Any]:
    """Return the settings that results of a saved model have: what it is and how rows were read for it."""
    fitted = {name: model.settings.get(name) for name in FITTED}
    return {"family": model.family, "unseen": unseen, "missing": model.data.missing} | fitted


def check_threshold(threshold: Any) -> float:
    """Return a probability, or raise UsageError."""
    share = as_number(threshold, "--threshold")
    if not 0.0 <= share <= 1.0:
        raise UsageError(f"--threshold must be between 0 and 1, not {share:g}")
    return share


def predict_table(
    model: Model,
    table: Table,
    *,
    unseen: str = "error",
    threshold: float = 0.5,
    id_column: str | None = None,
    level: float | None = None,
) -> Predictions:
    """Return the predictions of a saved model for every row of a table.

    Parameters
    ----------
    unseen : ``error`` | ``baseline`` | ``missing``
        What to do with levels the model has not seen.
    threshold : float
        Probability of the positive class above which it is predicted (binomial).
    id_column : str, optional
        Column to carry through; default the id of the model, where the table has it.
    level : float, optional
        Level of a prediction interval of every row; see :mod:`l2cli.models.intervals`.

    Raises
    ------
    DataError
        If the table lacks a column the model needs (all features are named at once), or cells make no sense.
    UsageError
        If ``id_column`` does not exist, an option has no such value, or the model no such intervals.
    """
    cut = logit(check_threshold(threshold))
    if id_column is not None and id_column not in table.names:
        raise no_column(table, id_column)
    applied = apply_model(model, table, unseen=unseen, level=level)
    told = None if unseen == "error" else unseen_note(table, model.data.features, unseen)
    notes = [*table.notes, *applied.notes, *([told] if told else [])]
    name = id_column if id_column is not None else model.data.id
    gone = applied.missing
    predicted = _predicted(model, applied.eta, gone.tolist(), cut)
    for one, ends in zip(model.each(), applied.ends, strict=False):
        behind = f"_{one.data.target}" if model.others else ""
        for end, values in zip(("low", "high"), ends, strict=True):
            predicted[f"interval_{end}{behind}"] = _with_gaps(values.tolist(), gone.tolist())
    columns: dict[str, list[Any]] = {}
    if name is not None and name in table.names:
        columns[f"{name} (id)" if name in predicted else name] = _cells(table, name)
    elif name is not None:
        notes.append(f"no column '{shown(name)}', the id in training: predictions carry no id")
    columns |= predicted
    settings = model_settings(model, unseen)
    if model.family == "binomial":
        settings["threshold"] = threshold
    if level is not None and model.intervals is not None:
        settings["interval"] = model.intervals.described(level)
        notes.append(model.intervals.promise(level))
        if model.data.weights is not None:
            notes.append("intervals are for rows drawn as those trained on, whatever their weights")
    return Predictions(
        columns, table.n_rows, table.source, model, settings, notes, list(applied.warnings), level
    )


def _predicted(model: Model, eta: FloatArray, gone: list[bool], cut: float) -> dict[str, list[Any]]:
    """Return the columns of predictions, None in rows that are ``gone``."""
    mean = model.likelihood.mean(eta)
    if model.others:
        return {
            f"prediction_{one.data.target}": _with_gaps(mean[:, t].tolist(), gone)
            for t, one in enumerate(model.each())
        }
    if model.data.classes is None:
        return {"prediction": _with_gaps(mean.tolist(), gone)}
    if model.by_class:
        chosen = eta.argmax(axis=1).tolist()
        columns = {"prediction": _with_gaps([model.data.classes[c] for c in chosen], gone)}
        for c, label in enumerate(model.data.classes):
            columns[f"probability_{label}"] = _with_gaps(mean[:, c].tolist(), gone)
        return columns
    labels = [model.data.classes[int(positive)] for positive in (eta > cut).tolist()]
    return {"prediction": _with_gaps(labels, gone), "probability": _with_gaps(mean.tolist(), gone)}


def _with_gaps(values: list[Any], gone: list[bool]) -> list[Any]:
    """Return the values with None where there is no prediction."""
    return [None if absent else value for value, absent in zip(values, gone, strict=True)]


def _cells(table: Table, name: str) -> list[Any]:
    """Return the cells of a column as they stood in the file, numbers where these are their cells."""
    text = as_written(table, name)
    if text is not None:
        return [None if code < 0 else text.levels[code] for code in text.codes.tolist()]
    values = table.number(name)
    whole = (values == np.floor(values)) & (np.abs(values) < 2.0**53)
    return [
        None if isnan(value) else int(value) if integral else value
        for value, integral in zip(values.tolist(), whole.tolist(), strict=True)
    ]
