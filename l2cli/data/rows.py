"""Which rows are used, and the numbers that go with a row: weights, offset and exposure."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.data.levels import as_numbers
from l2cli.data.schema import column_hint
from l2cli.data.table import Table
from l2cli.data.target import LARGEST, LARGEST_TARGET, missing_cells
from l2cli.data.wording import plural, quoted, where
from l2cli.errors import DataError, shown

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
SMALLEST_WEIGHT = 1e-150
"""A smaller positive weight loses its digits in squares and ratios."""


def unclean_columns(table: Table) -> frozenset[str]:
    """Return the numeric columns whose sum is not finite: all that have missing or infinite cells.

    Notes
    -----
    One product of ones with the matrix of numbers: clean data cost one read and nothing by column.
    """
    if not table.numbers.size:
        return frozenset()
    with np.errstate(all="ignore"):
        sums = np.ones(table.n_rows) @ table.numbers
    return frozenset(name for name, at in table.number_index.items() if not np.isfinite(sums[at]))


def rows_with_target(table: Table, targets: tuple[str, ...], notes: list[str]) -> IntArray:
    """Return the rows whose targets are all present; the others are counted in ``notes``.

    Raises
    ------
    DataError
        If the table has no rows, a target no value, or no row all of them.
    """
    if not table.n_rows:
        raise DataError(f"{where(table)}: no rows", hint="there are only names of columns", code="no_rows")
    gone = np.zeros(table.n_rows, dtype=bool)
    for target in targets:
        missing = missing_cells(table, target)
        if missing.all():
            fault = f"target '{shown(target)}' has no value in any row"
            raise DataError(f"{where(table)}: {fault}", code="no_target")
        gone |= missing
    if gone.all():
        raise DataError(f"{where(table)}: no row has a value of every target", code="no_target")
    if gone.any():
        which = "a target" if len(targets) == 1 else "one of the targets"
        notes.append(f"{plural(int(gone.sum()), 'row')} without {which} left out")
    return np.flatnonzero(~gone)


def drop_weightless(table: Table, weights: str, rows: IntArray, notes: list[str]) -> IntArray:
    """Return the rows whose weight is not 0 (a missing weight is looked at later).

    Raises
    ------
    DataError
        If the weights are not numbers, or all are 0.
    """
    kept: IntArray = rows[_row_numbers(table, weights, rows, "weights") != 0.0]
    if not len(kept):
        raise DataError(f"{where(table)}: all weights in column '{shown(weights)}' are 0", code="no_weight")
    if len(kept) < len(rows):
        notes.append(f"{plural(len(rows) - len(kept), 'row')} of weight 0 left out")
    return kept


def drop_incomplete(
    table: Table, gaps: dict[str, BoolArray], rows: IntArray, rule: str, notes: list[str]
) -> IntArray:
    """Return the rows without missing cells in the columns of ``gaps`` (the features used that have any).

    Raises
    ------
    DataError
        With ``rule`` ``error`` at the first missing cell; with ``drop`` if no row is left.
    """
    incomplete = np.zeros(table.n_rows, dtype=bool)
    for gap in gaps.values():
        incomplete |= gap
    hit = incomplete[rows]
    if not hit.any():
        return rows
    if rule == "error":
        row = int(rows[int(np.argmax(hit))])
        name = next(name for name, gap in gaps.items() if gap[row])
        raise DataError(
            f"{where(table, row)}: no value in column '{shown(name)}'",
            hint="--missing impute or --missing drop goes on without it",
            code="missing_cell",
        )
    kept = rows[~hit]
    if not len(kept):
        worst = max(gaps, key=lambda name: int(gaps[name][rows].sum()))
        raise DataError(
            f"{where(table)}: every row has a missing cell (most in column '{shown(worst)}')",
            hint="use --missing impute, or leave columns out with --drop",
            code="no_rows",
        )
    notes.append(f"{plural(int(hit.sum()), 'row')} with missing cells left out")
    return kept


def _row_numbers(table: Table, name: str, rows: IntArray, role: str) -> FloatArray:
    """Return the numbers of a role in some rows; DataError if a cell holds text."""
    return as_numbers(table, name, hint=f"the {role} column must hold numbers", rows=rows)[rows]


def _refuse(
    table: Table, name: str, rows: IntArray, bad: BoolArray, values: FloatArray, rule: str, role: str
) -> None:
    """Raise DataError at the first row where ``bad`` holds, or a value is too large to be squared."""
    limit = LARGEST_TARGET if role == "offset" else LARGEST  # an offset is on the scale of the target
    large = np.abs(values) >= limit
    if large.any():
        bad, rule = large, f"numbers of a size below {limit:g}"
    if not bad.any():
        return
    at = int(np.argmax(bad))
    found = "no value" if np.isnan(values[at]) else f"{values[at]:g}"
    raise DataError(
        f"{where(table, int(rows[at]))}: {found} in the {role} column '{shown(name)}', which needs {rule}",
        hint="mend the cell or leave the row out",
        code=f"bad_{role}",
    )


def read_weights(table: Table, name: str, rows: IntArray) -> FloatArray:
    """Return the weights of some rows; DataError names the line of one that is no finite number >= 0."""
    values = _row_numbers(table, name, rows, "weights")
    # a weight of 0 was left out before; only negative, missing and infinite ones can be here
    _refuse(table, name, rows, ~(values >= 0.0), values, "numbers of 0 or more", "weights")
    tiny = (values > 0.0) & (values < SMALLEST_WEIGHT)
    _refuse(table, name, rows, tiny, values, f"0 or numbers from {SMALLEST_WEIGHT:g} on", "weights")
    return np.ascontiguousarray(values)


def read_offset(table: Table, offset: str | None, exposure: str | None, rows: IntArray) -> FloatArray | None:
    """Return the offset of some rows: the offset plus the logarithm of the exposure; None without either.

    Raises
    ------
    DataError
        If a column is absent, or a value is missing, infinite, or an exposure not positive.
    """
    total: FloatArray | None = None
    for name, role in ((offset, "offset"), (exposure, "exposure")):
        if name is None:
            continue
        if name not in table.names:
            raise DataError(
                f"{where(table)}: no column '{shown(name)}', the {role} that the model needs",
                hint=column_hint(table, name),
                code="no_column",
            )
        values = _row_numbers(table, name, rows, role)
        bad = np.isnan(values) if role == "offset" else ~(values > 0.0)
        _refuse(table, name, rows, bad, values, "numbers" if role == "offset" else "numbers above 0", role)
        part = values if role == "offset" else np.log(values)
        total = np.array(part) if total is None else total + part
    return total


class NewOffset(NamedTuple):
    """The offset of every row of a new table: values (n,), 0 where ``absent`` (n,); None without any."""

    values: FloatArray | None
    absent: BoolArray
    warnings: list[dict[str, Any]]


def read_new_offset(table: Table, offset: str | None, exposure: str | None) -> NewOffset:
    """Return the offset of all rows of a new table; a row without one has no prediction, which is warned of.

    Raises
    ------
    DataError
        As :func:`read_offset`, but for missing values.
    """
    names = [name for name in (offset, exposure) if name is not None]
    absent = np.zeros(table.n_rows, dtype=bool)
    for name in names:
        if name in table.names:
            absent |= missing_cells(table, name)
    rows = np.flatnonzero(~absent)
    found = read_offset(table, offset, exposure, rows)
    if found is None:
        return NewOffset(None, absent, [])
    values = np.zeros(table.n_rows)
    values[rows] = found
    if not absent.any():
        return NewOffset(values, absent, [])
    text = f"{plural(int(absent.sum()), 'row')} without a value in {quoted(names)}: no prediction"
    return NewOffset(values, absent, [{"code": "missing_offset", "message": text}])
