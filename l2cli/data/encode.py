"""Rows to design columns: one encoder for training and prediction, so that the two cannot differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.design import Design
from l2cli.core.problem import row_blocks
from l2cli.core.products import fill_products, own_columns
from l2cli.core.threads import row_threads
from l2cli.data.dataset import DataSchema, FeatureColumn
from l2cli.data.date_columns import dated_table, missing_by_column
from l2cli.data.interactions import products_of
from l2cli.data.levels import MISSING_LEVEL, LevelIndex, as_numbers, as_text, known_places, sorted_levels
from l2cli.data.profile import note_rounded
from l2cli.data.schema import column_hint, find_level
from l2cli.data.table import Table, TextColumn
from l2cli.data.target import refuse_extremes
from l2cli.data.wording import listed, plural, quoted, where
from l2cli.errors import DataError, UsageError, shown
from l2cli.spec import UNSEEN

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


class EncodedRows(NamedTuple):
    """The rows of a table as a saved model sees them.

    X : (n, p) float64, every row of the table in order, imputed; rows in ``missing`` hold 0 where a cell is
    missing. Of a design in blocks its dense columns.
    missing : (n,) True for rows that cannot be predicted (a missing cell, and the model has no value for it).
    """

    X: FloatArray
    missing: BoolArray
    notes: list[str]
    warnings: list[dict[str, Any]]
    design: Design | None = None

    def times(self, coef: FloatArray) -> FloatArray:
        """Return X coef, (n,) or (n, K)."""
        return np.asarray(self.X @ coef) if self.design is None else self.design.times(coef)

    def take(self, rows: IntArray) -> EncodedRows:
        """Return some of the rows."""
        design = None if self.design is None else self.design.take(rows)
        return self._replace(X=self.X[rows], missing=self.missing[rows], design=design)

    def part_times(self, rows: slice, coef: FloatArray) -> FloatArray:
        """Return some rows of X coef, (b,) or (b, K)."""
        if self.design is None:
            return np.asarray(self.X[rows] @ coef)
        return self.design.take(np.arange(len(self.X))[rows]).times(coef)


def number_column(name: str, *, impute: float | None = None, indicator: bool = False) -> FeatureColumn:
    """Return the plan of a numeric column; ``indicator`` adds the design column ``name (missing)``."""
    names = (name, f"{name} {MISSING_LEVEL}") if indicator else (name,)
    return FeatureColumn(name, "number", "number", impute=impute, indicator=indicator, names=names)


def category_column(
    name: str, levels: Sequence[str], *, coding: str = "auto", reference: str | None = None
) -> FeatureColumn:
    """Return the plan of a categorical column with these levels (any order).

    ``auto``: one column per level, of two levels one indicator for the second; ``onehot``: one per level
    always; ``treatment``: all but the reference. ``reference`` leaves that level out under every coding.

    Raises
    ------
    UsageError
        If ``reference`` is no level.
    """
    ordered = sorted_levels(levels)
    if reference is None:
        kind = "indicator" if coding == "auto" and len(ordered) == 2 else coding
        kind = "onehot" if kind == "auto" else kind
        left_out = ordered[0] if kind != "onehot" else None
    else:
        left_out = find_level(ordered, reference, f"--reference: column '{shown(name)}'")
        kind = "indicator" if len(ordered) == 2 and coding == "auto" else "treatment"
    if left_out is not None:
        ordered.remove(left_out)
    names = tuple(f"{name}={level}" for level in ordered)
    every = (*([left_out] if left_out is not None else []), *ordered)
    return FeatureColumn(name, "category", kind, levels=every, reference=left_out, names=names)


def fill_design(
    X: FloatArray,
    table: Table,
    features: Sequence[FeatureColumn],
    rows: IntArray | None = None,
    *,
    unseen: str = "error",
) -> BoolArray | None:
    """Fill ``X`` (n, p) with the design columns of some rows (default all); missing numbers stay NaN.

    Returns
    -------
    (n,) bool or None
        Rows with a missing category cell and no level ``(missing)`` to put it in; None where there is none.

    Raises
    ------
    DataError
        For text in a numeric column, infinite numbers, and levels unknown to the model (``unseen``).

    Notes
    -----
    Numbers are gathered block by block of rows, straight from the table into X: one copy, no temporary of its
    size. Categories cost one look-up per distinct level and one store per row.
    """
    start, stored, parsed, categories = 0, [], [], []
    for feature in features:
        if feature.kind == "category":
            categories.append((start, feature))
        elif table.is_number(feature.name):
            stored.append((start, feature))
        else:
            parsed.append((start, feature))
        start += len(feature.names)
    _fill_stored(X, table, stored, rows)
    chosen = np.arange(table.n_rows) if rows is None else rows
    for at, feature in parsed:
        values = as_numbers(table, feature.name, hint=text_hint(feature.name), rows=chosen)[chosen]
        X[:, at] = values
    for at, feature in (*stored, *parsed):
        if feature.indicator:
            X[:, at + 1] = np.isnan(X[:, at])
    lost: BoolArray | None = None
    for at, feature in categories:
        gone = _fill_category(X[:, at : at + len(feature.names)], table, feature, chosen, unseen)
        if gone is not None:
            lost = gone if lost is None else lost | gone
    return lost


def text_hint(name: str) -> str:
    """Return what to do about a cell of text in a column that is used as numbers."""
    return f"the column '{shown(name)}' is used as numbers; mend the cell or name it with --na"


def _fill_stored(
    X: FloatArray, table: Table, stored: Sequence[tuple[int, FeatureColumn]], rows: IntArray | None
) -> None:
    """Copy columns of the table's matrix of numbers into X, in blocks of rows that fit the cache."""
    if not stored:
        return
    into = _as_slice([at for at, _ in stored])
    columns = _as_slice([table.number_index[feature.name] for _, feature in stored])

    def copy(part: slice) -> None:
        block = table.numbers[part] if rows is None else table.numbers[rows[part]]
        if isinstance(columns, slice):
            X[part, into] = block[:, columns]
        elif len(stored) == X.shape[1]:
            # "clip" spares the copy that numpy makes to survive an index error; the indices are ours
            np.take(block, columns, axis=1, out=X[part], mode="clip")
        else:
            X[part, into] = np.take(block, columns, axis=1)

    # most of the time goes to the system handing out memory, which threads share
    with row_threads(X.size) as run:
        list(run(copy, row_blocks(len(X), table.numbers.shape[1])))


def taken_design(table: Table, features: Sequence[FeatureColumn], rows: IntArray | None) -> FloatArray | None:
    """Return the design columns of some rows (default all) in the memory of the table, which loses them.

    None where they are not simply columns of its matrix in their order.

    Parameters
    ----------
    rows : (m,) int, ascending
    """
    if any(f.kind != "number" or f.indicator or not table.is_number(f.name) for f in features):
        return None
    columns = [table.number_index[feature.name] for feature in features]
    numbers, width = table.numbers, len(columns)
    if columns != sorted(columns) or not (numbers.flags.c_contiguous and numbers.flags.writeable):
        return None
    chosen, count = _as_slice(columns), len(numbers) if rows is None else len(rows)
    flat = numbers.reshape(-1)
    # a row goes to where it or one before it stood: what is written over has been read
    for part in row_blocks(count, numbers.shape[1]):
        block = numbers[part] if rows is None else numbers[rows[part]]
        flat[part.start * width : part.stop * width] = block[:, chosen].reshape(-1)
    table.numbers = np.empty((0, numbers.shape[1]))
    return flat[: count * width].reshape(count, width)


def _as_slice(positions: list[int]) -> slice | IntArray:
    """Return consecutive positions as a slice, others as an index array."""
    if positions == list(range(positions[0], positions[0] + len(positions))):
        return slice(positions[0], positions[-1] + 1)
    return np.array(positions, dtype=np.int64)


def _fill_category(
    X: FloatArray, table: Table, feature: FeatureColumn, rows: IntArray, unseen: str
) -> BoolArray | None:
    """Fill the design columns of one category; return rows whose missing cell has no level, if any."""
    codes, lost = category_codes(table, feature, rows, unseen)
    X[...] = 0.0
    hit = np.flatnonzero(codes < X.shape[1])
    X[hit, codes[hit]] = 1.0
    return lost


def category_codes(
    table: Table, feature: FeatureColumn, rows: IntArray, unseen: str
) -> tuple[IntArray, BoolArray | None]:
    """Return which of its design columns holds 1 in some rows, their number where none does: (n,).

    With it the rows whose missing cell has no level, None where there is none.
    """
    column = as_text(table, feature.name)
    index = LevelIndex(feature.levels)
    missing_at = index.find(MISSING_LEVEL)
    nowhere, unknown = len(feature.levels), -1
    places = known_places(column, index)
    lookup = np.array(
        [unknown if at is None else at for at in places] + [nowhere if missing_at is None else missing_at]
    )
    place = lookup[column.codes[rows]]
    if (place == unknown).any():
        place[place == unknown] = _place_unseen(table, column, feature, rows, place == unknown, unseen)
    lost: BoolArray = (column.codes[rows] < 0) & (place == nowhere)
    first = 0 if feature.reference is None else 1
    codes = np.where(place >= first, place, nowhere) - first
    return codes, lost if lost.any() else None


def _place_unseen(
    table: Table, column: TextColumn, feature: FeatureColumn, rows: IntArray, unknown: BoolArray, unseen: str
) -> int:
    """Return the place of cells with an unknown level: past the end (all zero) or ``(missing)``."""
    if unseen == "baseline":
        return len(feature.levels)
    if unseen == "missing" and MISSING_LEVEL in feature.levels:
        return feature.levels.index(MISSING_LEVEL)
    row = int(rows[int(np.argmax(unknown))])
    cell, name = shown(column.levels[column.codes[row]]), shown(feature.name)
    if unseen == "missing":
        fault = f"and the model has no level '{MISSING_LEVEL}' for it"
        hint = "--unseen baseline counts such levels as 0"
    else:
        fault = f"which the model has not seen (levels: {listed(feature.levels)})"
        hint = "--unseen baseline counts such levels as 0" + (
            ", --unseen missing as missing" if MISSING_LEVEL in feature.levels else ""
        )
    raise DataError(
        f"{where(table, row)}: column '{name}' has level '{cell}', {fault}", hint=hint, code="unseen_level"
    )


def encode_rows(table: Table, schema: DataSchema, *, unseen: str = "error") -> EncodedRows:
    """Return all rows of a table as the design columns of a saved model.

    Columns are found by name, in any order; others are ignored. Missing numbers take the model's training
    mean, missing categories its level ``(missing)``; where the model has neither (``--missing drop`` or
    ``error``, or a category that had no missing cell), the row cannot be predicted, unless ``unseen`` is
    ``baseline``. Interactions are products of what is left after that; a pair of levels that training never
    saw together has no product.

    Parameters
    ----------
    unseen : ``error`` | ``baseline`` | ``missing``
        A level the model has not seen: an error; all columns of that category 0 (the reference level where
        there is one); the level ``(missing)``.

    Raises
    ------
    DataError
        If columns are missing (all are named), a numeric column holds text or infinity, or a level is
        unknown.
    UsageError
        If ``unseen`` is none of the three.
    """
    if unseen not in UNSEEN:
        raise UsageError(
            f"--unseen '{shown(unseen)}' is not available", hint=f"choose one of {', '.join(UNSEEN)}"
        )
    wanted = dict.fromkeys(feature.column for feature in schema.features)
    absent = [name for name in wanted if name not in table.names]
    if absent:
        raise DataError(
            f"{where(table)}: no column {quoted(absent)}, which the model needs",
            hint=column_hint(table, absent[0], {feature.name for feature in schema.features}),
            code="no_column",
        )
    table = dated_table(table, schema.features)
    from l2cli.data.layout import coded_sources, fill_blocks, spelled_features  # which comes here

    design: Design | None = None
    if any(coded_sources(schema.sources)):
        spelled = spelled_features(schema.sources)
        design, lost = fill_blocks(table, schema.sources, None, unseen=unseen)
        X, products = design.dense, design.products
    else:
        spelled, products = list(schema.features), products_of(schema.features, schema.interactions)
        X = np.empty((table.n_rows, len(schema.design_names)))
        lost = fill_design(own_columns(X, products), table, spelled, unseen=unseen)
    missing = np.zeros(table.n_rows, dtype=bool)
    if lost is not None and unseen != "baseline":
        missing |= lost
    imputed = _impute(own_columns(X, products), table, spelled, missing)
    if design is not None:
        design = design.multiplied(np.zeros(X.shape[1]))  # where nothing is missing any more
        X = design.dense
    elif products is not None:
        fill_products(X, products, None, row_blocks(*X.shape))
    notes: list[str] = []
    note_rounded(table, (feature.name for feature in schema.features if feature.kind == "number"), notes)
    if imputed:
        counts = ", ".join(f"{shown(name)} {count}" for name, count in imputed.items())
        notes.append(f"missing cells imputed by the training mean: {counts}")
    warnings = []
    if missing.any():
        count = int(missing.sum())
        text = f"{plural(count, 'row')} with a missing cell that the model has no value for: no prediction"
        warnings.append({"code": "missing_cells", "message": text})
    return EncodedRows(X, missing, notes, warnings, design)


def _impute(
    X: FloatArray, table: Table, features: Sequence[FeatureColumn], missing: BoolArray
) -> dict[str, int]:
    """Replace NaN by training means, else mark the row in ``missing``; return counts by column.

    Raises
    ------
    DataError
        If a number is infinite.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        suspect = ~np.isfinite(X.sum(axis=0))
    imputed: list[tuple[FeatureColumn, int]] = []
    at = 0
    for feature in features:
        if feature.kind == "number" and suspect[at]:
            refuse_extremes(table, feature.name, X[:, at], np.arange(len(X)), np.inf)
            gaps = np.isnan(X[:, at])
            if feature.impute is None:
                missing |= gaps
                X[gaps, at] = 0.0
            elif gaps.any():
                X[gaps, at] = feature.impute
                imputed.append((feature, int(gaps.sum())))
        at += len(feature.names)
    return missing_by_column(imputed)
