"""A saved model applied to the rows of a table: the linear predictor behind predictions and scores."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.data.encode import EncodedRows, encode_rows
from l2cli.data.rows import read_new_offset
from l2cli.data.table import Table
from l2cli.data.target import LARGEST
from l2cli.data.wording import where
from l2cli.errors import DataError
from l2cli.models.intervals import check_interval, interval_ends
from l2cli.models.model import Model

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


class Applied(NamedTuple):
    """What a model says of each row.

    eta : (n,) float64, the linear predictor with its offset; 0 where ``missing``. (n, K) of several
    targets or classes.
    missing : (n,) True for rows that cannot be predicted.
    ends : lower and upper ends of the prediction intervals of every target, each (n,); none not asked for.
    """

    eta: FloatArray
    missing: BoolArray
    notes: list[str]
    warnings: list[dict[str, Any]]
    ends: list[tuple[FloatArray, FloatArray]]


def apply_model(model: Model, table: Table, *, unseen: str = "error", level: float | None = None) -> Applied:
    """Return eta = offset + intercept + X coef for every row of a table, with ``level`` its interval.

    Raises
    ------
    DataError
        If the table lacks a column of the model (features, offset, exposure), or its cells make no sense.
    """
    encoded = encode_rows(table, model.data, unseen=unseen)
    eta = model_predictor(model, encoded, table)
    offset = read_new_offset(table, model.data.offset, model.data.exposure)
    if offset.values is not None:
        eta = (eta.T + offset.values).T
    missing = encoded.missing | offset.absent
    eta[missing] = 0.0
    shift = np.zeros(len(eta)) if offset.values is None else offset.values
    ends = [] if level is None else _intervals(model, encoded, shift, check_interval(model, level))
    return Applied(eta, missing, list(encoded.notes), [*encoded.warnings, *offset.warnings], ends)


def model_predictor(model: Model, encoded: EncodedRows, table: Table) -> FloatArray:
    """Return intercept + X coef for every row of a table, (n,), of several targets or classes (n, K).

    Raises
    ------
    DataError
        At the first row whose numbers are too large.
    """
    coef, intercept = _weights(model)
    with np.errstate(over="ignore", invalid="ignore"):
        eta: FloatArray = encoded.times(coef) + intercept
    fine = (np.abs(eta) < LARGEST).all(axis=tuple(range(1, eta.ndim)))
    if not fine.all():
        row = int(np.argmin(fine))
        raise DataError(f"{where(table, row)}: numbers too large for a prediction", code="infinite")
    return eta


def _intervals(
    model: Model, encoded: EncodedRows, offset: FloatArray, level: float
) -> list[tuple[FloatArray, FloatArray]]:
    """Return the ends of the intervals of every target."""
    return [
        interval_ends(encoded, offset, len(one.coef), one.intervals, one.likelihood, level)
        for one in model.each()
        if one.intervals is not None
    ]


def _weights(model: Model) -> tuple[FloatArray, FloatArray]:
    """Return coefficients (p,) and intercept, of several targets or classes (p, K) and (K,)."""
    if not (model.others or model.by_class):
        return np.array(model.coef), np.array(model.intercept)
    each = model.by_class or model.each()
    return np.column_stack([one.coef for one in each]), np.array([one.intercept for one in each])
