"""Labelled rows of another table, as a schema sees them: what is judged on them is judged as on new rows.

Scores of a saved model (``evaluate``) and a choice of lambda by the rows of a file read them alike.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.data.dataset import DataSchema
from l2cli.data.encode import EncodedRows, encode_rows
from l2cli.data.rows import drop_weightless, read_new_offset, read_weights, rows_with_target
from l2cli.data.schema import column_hint
from l2cli.data.table import Table
from l2cli.data.target import target_of_labels, target_of_numbers
from l2cli.data.wording import where
from l2cli.errors import DataError, shown

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


class LabelledRows(NamedTuple):
    """The rows of a table that have a target, a weight and a prediction.

    encoded : every row of the table as design columns. rows : (m,) int, those that count, ascending.
    y : (m,) float64, the place of a label among the classes; of several targets (m, T).
    weights, offset : (m,) float64 or None.
    """

    encoded: EncodedRows
    rows: IntArray
    y: FloatArray
    weights: FloatArray | None
    offset: FloatArray | None
    notes: list[str]
    warnings: list[dict[str, Any]]


class OtherRows(NamedTuple):
    """Labelled rows of another table, encoded as those of a dataset, by whose error lambda is chosen.

    source : what the user typed. rows_read : all rows of the table, of which m count.
    encoded : these rows as design columns. y : (m,), of several targets (m, T). weights, offset : (m,) or
    None.
    drift : how they differ from the rows trained on, {feature, kind, detail} each.
    """

    source: str
    rows_read: int
    encoded: EncodedRows
    y: FloatArray
    weights: FloatArray | None
    offset: FloatArray | None
    drift: tuple[dict[str, str], ...] = ()

    def for_target(self, t: int) -> OtherRows:
        """Return the rows with one of several targets."""
        return self._replace(y=np.ascontiguousarray(self.y[:, t]))


def labelled_rows(
    table: Table, schema: DataSchema, targets: tuple[str, ...], *, unseen: str = "error"
) -> LabelledRows:
    """Return the rows of a table on which a model with this schema can be judged.

    Rows without a target, of weight 0, or that cannot be predicted are left out and counted. The weights
    column of the schema weighs the rows if the table has it.

    Raises
    ------
    DataError
        If a target or a feature is not there, a label is none of the classes, or no row is left.
    UsageError
        If ``unseen`` has no such value.
    """
    notes = list(table.notes)
    rows = _rows_to_judge(table, targets, schema.weights, notes)
    encoded = encode_rows(table, schema, unseen=unseen)
    offset = read_new_offset(table, schema.offset, schema.exposure)
    rows = rows[~(encoded.missing | offset.absent)[rows]]
    if not len(rows):
        raise DataError(
            f"{where(table)}: no row has both a target and all cells that the model needs", code="no_rows"
        )
    weights = None
    if schema.weights is not None and schema.weights in table.names:
        weights = read_weights(table, schema.weights, rows)
        notes.append(f"rows weighted by '{shown(schema.weights)}', the weights in training")
    columns = [_target(table, name, schema, rows) for name in targets]
    return LabelledRows(
        encoded, rows, columns[0] if len(columns) == 1 else np.column_stack(columns), weights,
        None if offset.values is None else offset.values[rows],
        [*notes, *encoded.notes], [*encoded.warnings, *offset.warnings],
    )  # fmt: skip


def _rows_to_judge(table: Table, targets: tuple[str, ...], weights: str | None, notes: list[str]) -> IntArray:
    """Return the rows with a target and a weight other than 0; what is left out goes to ``notes``."""
    for name in targets:
        if name not in table.names:
            raise DataError(
                f"{where(table)}: no column '{shown(name)}', the target of the model",
                hint=f"only labelled rows can be judged; {column_hint(table, name)}",
                code="no_column",
            )
    rows = rows_with_target(table, targets, notes)
    if weights is None:
        return rows
    if weights in table.names:
        return drop_weightless(table, weights, rows, notes)
    notes.append(f"no column '{shown(weights)}', the weights in training: every row counts alike")
    return rows


def _target(table: Table, name: str, schema: DataSchema, rows: IntArray) -> FloatArray:
    """Return what is true of some rows: y (m,)."""
    if schema.classes is None:
        return target_of_numbers(table, name, rows, schema.family)
    return target_of_labels(table, name, schema.classes, rows)
