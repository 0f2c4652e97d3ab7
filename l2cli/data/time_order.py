"""The order of rows in time: the column that gives it, and which rows each fold in time is trained on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.data.dates import read_dates
from l2cli.data.levels import as_numbers, parse_number
from l2cli.data.table import Table, TextColumn
from l2cli.data.target import missing_cells
from l2cli.data.wording import where
from l2cli.errors import DataError, UsageError, shown
from l2cli.gap import NO_GAP, Gap

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


class TimeColumn(NamedTuple):
    """The time of some rows: values (n,), numbers or, of dates, int64 microseconds."""

    name: str
    values: npt.NDArray[np.float64] | IntArray

    @property
    def dated(self) -> bool:
        """True where the times are dates, so that differences of them are durations."""
        return self.values.dtype.kind == "i"

    def take(self, rows: IntArray) -> TimeColumn:
        """Return the times of some rows."""
        return self._replace(values=self.values[rows])


class TimeOrder(NamedTuple):
    """What makes folds time-ordered: times, gap, and ``since`` (n,), the first fold trained on each row.

    Every later fold is trained on the row too; ``since`` is the number of folds for rows that none is.
    """

    time: TimeColumn
    gap: Gap
    since: IntArray


class Cut(NamedTuple):
    """Rows in order of time cut into blocks: where test blocks start and training rows end, (k,) each."""

    order: IntArray
    starts: IntArray
    ends: IntArray


def cut_blocks(time: TimeColumn, k: int, gap: Gap) -> Cut:
    """Cut rows in time order for k folds; what cannot be is left for :func:`refuse_cut`.

    As scikit-learn's TimeSeriesSplit: the k test blocks have n // (k + 1) rows each, those before them are
    the first training block. Rows of equal time stay together: a boundary between them moves to their end,
    and a gap of rows that begins between them to their start. A gap of time holds the rows at its beginning,
    so that 7 days of one row each are 7 rows.
    """
    order = np.argsort(time.values, kind="stable")
    t, n = time.values[order], len(order)
    starts = n - n // (k + 1) * np.arange(k, 0, -1)
    inside = np.minimum(starts, n - 1)
    tied = t[inside] == t[starts - 1]
    starts = np.where(tied, np.searchsorted(t, t[inside], "right"), starts)
    inside = np.minimum(starts, n - 1)
    if gap.ticks is not None:
        ends = np.searchsorted(t, t[inside] - gap.ticks, "left")
    elif gap.rows:
        first = starts - gap.rows
        ends = np.where(first > 0, np.searchsorted(t, t[np.maximum(first, 0)], "left"), 0)
    else:
        ends = starts
    return Cut(order, starts, np.asarray(ends))


def is_possible(cut: Cut) -> bool:
    """Return True where every test block has rows, and every fold some to be trained on."""
    edges = np.append(cut.starts, len(cut.order))
    return bool((np.diff(edges) > 0).all() and cut.ends[0] > 0)


def most_folds(time: TimeColumn, k: int, gap: Gap) -> int:
    """Return the largest number of time-ordered folds, 2 to k, that can be made; 0 if there is none."""
    most = min(k, len(time.values) - 1)
    return next((m for m in range(most, 1, -1) if is_possible(cut_blocks(time, m, gap))), 0)


def refuse_cut(time: TimeColumn, k: int, gap: Gap) -> UsageError:
    """Return the error for k time-ordered folds that cannot be made."""
    n, most = len(time.values), most_folds(time, k, gap)
    hint = f"give --folds {most} or fewer" if most else None
    if n <= k or not is_possible(cut_blocks(time, k, NO_GAP)):
        distinct = len(np.unique(time.values))
        fewer = "" if distinct == n else f", of {distinct} different times, and equal ones stay together"
        return UsageError(
            f"{k} time-ordered folds need {k + 1} blocks of rows: there are {n} rows{fewer}",
            hint=hint or "no folds in time can be made of so few times",
        )
    size = int(cut_blocks(time, k, gap).starts[0])
    return UsageError(
        f"--gap {gap} leaves the first of {k} time-ordered folds nothing to be trained on: its block has"
        f" {size} rows",
        hint=f"{hint}, or a shorter --gap" if hint else "give a shorter --gap",
    )


def check_gap(time: TimeColumn, gap: Gap) -> None:
    """Raise UsageError for a gap of days or hours where the times are plain numbers."""
    if gap.ticks is not None and not time.dated:
        raise UsageError(
            f"--gap {gap} needs dates or times, and the time column '{shown(time.name)}' holds numbers",
            hint="give the gap as a number of rows",
        )


def read_time(table: Table, name: str, rows: IntArray) -> TimeColumn:
    """Return the times of some rows of a column of numbers or dates.

    Raises
    ------
    DataError
        Naming the first cell that is missing, is no time, or whose day is not settled.
    """
    missing = missing_cells(table, name)[rows]
    if missing.any():
        row = int(rows[np.argmax(missing)])
        raise DataError(
            f"{where(table, row)}: no value in the time column '{shown(name)}'",
            hint="fill it in or leave the row out", code="missing_time",
        )  # fmt: skip
    if table.is_number(name):
        values = table.number(name)[rows]
        if not (finite := np.isfinite(values)).all():
            at = int(np.argmin(finite))
            raise _refusal(table, int(rows[at]), name, f"{values[at]:g}", "is no time", "mend the cell")
        return TimeColumn(name, values)
    column = table.texts[name]
    used = np.bincount(column.codes[rows], minlength=len(column.levels)) > 0
    if all(parse_number(column.levels[i], table.decimal) is not None for i in np.flatnonzero(used)):
        return TimeColumn(name, as_numbers(table, name, rows=rows)[rows])
    return TimeColumn(name, _moments(table, name, column, rows))


def _moments(table: Table, name: str, column: TextColumn, rows: IntArray) -> IntArray:
    """Return the microseconds of the dates in some rows."""
    dates, codes = read_dates(column.levels), column.codes[rows]

    def refuse(bad: BoolArray, what: str, hint: str) -> None:
        if bad[codes].any():
            row = int(rows[np.argmax(bad[codes])])
            raise _refusal(table, row, name, f"'{shown(column.levels[column.codes[row]])}'", what, hint)

    refuse(~dates.known, "is neither a number nor a date", "write dates as 2024-03-01 or 2024-03-01 13:05")
    if dates.open is not None:
        unsettled = np.arange(len(dates.known)) == dates.open
        refuse(unsettled, "can be read with the day or the month first", "write the dates as 2024-03-01")
    if (zoned := dates.zoned[codes]).any() and not zoned.all():
        refuse(~dates.zoned, "has no time zone, and others have one", "give every time a zone, or none")
    return np.asarray(dates.moments[codes])


def _refusal(table: Table, row: int, name: str, cell: str, what: str, hint: str) -> DataError:
    return DataError(
        f"{where(table, row)}: {cell} in the time column '{shown(name)}' {what}", hint=hint, code="bad_time"
    )
