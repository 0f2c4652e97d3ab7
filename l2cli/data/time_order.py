"""The order of rows in time: the column that gives it, and which rows each fold in time is trained on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.data.dates import read_dates
from l2cli.data.levels import as_numbers, parse_number
from l2cli.data.table import Table, TextColumn
from l2cli.data.target import missing_cells
from l2cli.data.wording import plural, where
from l2cli.errors import DataError, UsageError, shown
from l2cli.gap import Gap

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


def cut_blocks(time: TimeColumn, k: int, gap: Gap) -> Cut | None:
    """Return rows in time order cut for k folds; None where there are no k + 1 different times.

    As scikit-learn's TimeSeriesSplit: the k test blocks have n // (k + 1) rows each, those before them are
    the first training block. Rows of equal time stay together: a boundary between them moves to the nearest
    one between different times (of two the later) that leaves every block some. A gap of rows that begins
    between equal times holds them all; a gap of time holds the rows at its beginning, so that 7 days of one
    row each are 7 rows.
    """
    order = np.argsort(time.values, kind="stable")
    t, n = time.values[order], len(order)
    edges = np.flatnonzero(t[1:] != t[:-1]) + 1
    if len(edges) < k:
        return None
    starts, last = np.empty(k, dtype=np.int64), -1
    for j in range(k):
        wanted = n - n // (k + 1) * (k - j)
        at = int(np.searchsorted(edges, wanted))
        if at == len(edges) or (at > 0 and wanted - edges[at - 1] < edges[at] - wanted):
            at -= 1
        last = min(max(at, last + 1), len(edges) - (k - j))
        starts[j] = edges[last]
    if gap.ticks is not None:
        return Cut(order, starts, np.searchsorted(t, t[starts] - gap.ticks, "left"))
    first = np.maximum(starts - gap.rows, 0)
    return Cut(order, starts, np.searchsorted(t, t[first], "left"))


def most_folds(time: TimeColumn, k: int, gap: Gap) -> int:
    """Return the largest number of time-ordered folds, 2 to k, that can be made; 0 if there is none."""
    most = min(k, len(np.unique(time.values)) - 1)
    cuts = ((m, cut_blocks(time, m, gap)) for m in range(most, 1, -1))
    return next((m for m, cut in cuts if cut is not None and cut.ends[0] > 0), 0)


def refuse_cut(time: TimeColumn, k: int, gap: Gap) -> UsageError:
    """Return the error for k time-ordered folds that cannot be made."""
    most, whole = most_folds(time, k, gap), cut_blocks(time, k, gap)
    hint = f"give --folds {most} or fewer" if most else ""
    if whole is None:
        distinct = len(np.unique(time.values))
        return UsageError(
            f"{k} time-ordered folds need {k + 1} different times,"
            f" and column '{shown(time.name)}' has {distinct}",
            hint=hint or "no folds in time can be made of so few",
        )
    return UsageError(
        f"--gap {gap} leaves the first of {k} time-ordered folds nothing to be trained on: its block has"
        f" {plural(int(whole.starts[0]), 'row')}",
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
