"""Dates and times in cells: what is one, and its year, month, weekday and hour.

Read are, with or without a time behind them: ``2024-03-01`` (also with ``/`` or ``.``), ``01.03.2024`` (the
day first), ``1 Mar 2024`` and ``Mar 1, 2024`` (English names), and ``01/03/2024`` or ``01-03-2024``, where
the column must settle which of the two numbers is the day: one of its cells has a number above 12 there.
Years have four digits. A time is ``13:05``, ``13:05:06`` or ``13:05:06.5``, after a blank or ``T``, perhaps
with ``am`` or ``pm``; a zone behind it (``Z``, ``+02:00``) is read over where parts are made: the hour is
the one that is written. Moments, by which rows are ordered, are those of UTC.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

PARTS = ("year", "month", "weekday", "hour")
"""What a date becomes; weekdays are those of ISO 8601, Monday 1 to Sunday 7."""
SECOND = 1_000_000
"""Microseconds of a second."""
DAY = 86_400 * SECOND

_DAY_AND_TIME = re.compile(r"(.{6,20}?\d)(?:(?:T|,? )(\d\d?:.*))?")
_YEAR_FIRST = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})", re.ASCII)
_DOTTED = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", re.ASCII)
_EITHER = re.compile(r"(\d{1,2})([-/])(\d{1,2})\2(\d{4})", re.ASCII)
_DAY_NAME = re.compile(r"(\d{1,2})([ -]?)([A-Za-z]{3,9})\.?\2(\d{4})", re.ASCII)
_NAME_DAY = re.compile(r"([A-Za-z]{3,9})\.? (\d{1,2}),? (\d{4})", re.ASCII)
_TIME = re.compile(
    r"(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?(?: ?([AaPp])[Mm])?(?: ?(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?))?",
    re.ASCII,
)
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
    "november", "december",
)  # fmt: skip
_NAMES = {word: at for at, name in enumerate(_MONTHS, 1) for word in (name, name[:3])} | {"sept": 9}


class _Clock(NamedTuple):
    """A time of day: its hour, its microseconds from midnight, and those that its zone is ahead of UTC."""

    hour: int
    ticks: int
    ahead: int | None


class _Either(NamedTuple):
    """A date of which the column has to say whether ``first`` or ``second`` is the day."""

    first: int
    second: int
    year: int

    def day(self, order: str | None) -> date | None:
        """Return the date under an order, ``day`` or ``month`` first; None where there is no such date."""
        day, month = (self.first, self.second) if order == "day" else (self.second, self.first)
        return _date(self.year, month, day)


class Dates(NamedTuple):
    """The distinct cells of a column as dates.

    parts : (4, m) float64, year, month, weekday and hour of every cell; NaN where it has none.
    known : (m,) True where the cell is a date, even if the order of day and month is open.
    order : ``day`` or ``month``, which comes first in cells like 13/03/2024; None where none settles it.
    open : the position of such a cell where the order is open, else None.
    moments : (m,) int64, microseconds from the first day of year 1, in UTC where the cell has a zone; 0 where
    it is no date. zoned : (m,) True where it has a zone.
    """

    parts: FloatArray
    known: BoolArray
    order: str | None
    open: int | None
    moments: IntArray
    zoned: BoolArray

    @property
    def has_time(self) -> bool:
        """True where some cell has a time of day."""
        return not bool(np.isnan(self.parts[3]).all())


def read_dates(cells: Sequence[str], order: str | None = None) -> Dates:
    """Return what the distinct cells of a column are as dates.

    Parameters
    ----------
    order : ``day`` | ``month``, optional
        Which number comes first in cells like 01/03/2024; without it the cells must tell.

    Notes
    -----
    One expression per cell; days and times are looked at once each, as columns of many moments repeat them.
    """
    days: dict[str, date | _Either | None] = {}
    clocks: dict[str | None, _Clock | None] = {None: None}
    found: list[tuple[date | _Either, _Clock | None] | None] = []
    for cell in cells:
        split = _DAY_AND_TIME.fullmatch(cell)
        if split is None:
            found.append(None)
            continue
        text, time = split.groups()
        day = days[text] if text in days else days.setdefault(text, _day(text))
        clock = clocks[time] if time in clocks else clocks.setdefault(time, _clock(time))
        found.append(None if day is None or (time is not None and clock is None) else (day, clock))
    open_ones = [day for day in days.values() if isinstance(day, _Either)]
    order = order or _settled(open_ones)
    parts, known = np.full((len(PARTS), len(cells)), np.nan), np.zeros(len(cells), dtype=bool)
    moments, zoned = np.zeros(len(cells), dtype=np.int64), np.zeros(len(cells), dtype=bool)
    unsettled = None
    for i, item in enumerate(found):
        if item is None:
            continue
        day, clock = item
        if isinstance(day, _Either):
            if order is None:
                known[i], unsettled = True, i if unsettled is None else unsettled
                continue
            day = day.day(order)
        if day is not None:
            known[i] = True
            parts[:, i] = day.year, day.month, day.isoweekday(), np.nan if clock is None else clock.hour
            moments[i] = DAY * (day.toordinal() - 1)
            if clock is not None:
                moments[i] += clock.ticks - (clock.ahead or 0)
                zoned[i] = clock.ahead is not None
    return Dates(parts, known, order if open_ones else None, unsettled, moments, zoned)


def _settled(cells: Iterable[_Either]) -> str | None:
    """Return the order under which most cells are dates; None where all are under both."""
    cells = list(cells)
    day, month = (sum(cell.day(order) is not None for cell in cells) for order in ("day", "month"))
    if day == month == len(cells):
        return None
    return "day" if day >= month else "month"


def _day(text: str) -> date | _Either | None:
    """Return the day that is written, None where that is no date."""
    if m := _YEAR_FIRST.fullmatch(text):
        return _date(int(m[1]), int(m[3]), int(m[4]))
    if m := _DOTTED.fullmatch(text):
        return _date(int(m[3]), int(m[2]), int(m[1]))
    if m := _EITHER.fullmatch(text):
        either = _Either(int(m[1]), int(m[3]), int(m[4]))
        return either if either.day("day") or either.day("month") else None
    if m := _DAY_NAME.fullmatch(text):
        return _date(int(m[4]), _NAMES.get(m[3].lower(), 0), int(m[1]))
    if m := _NAME_DAY.fullmatch(text):
        return _date(int(m[3]), _NAMES.get(m[1].lower(), 0), int(m[2]))
    return None


def _date(year: int, month: int, day: int) -> date | None:
    """Return a day of the calendar, None where there is no such day."""
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _clock(text: str) -> _Clock | None:
    """Return a time of day, None where it is none."""
    m = _TIME.fullmatch(text)
    if m is None or int(m[2]) > 59 or int(m[3] or 0) > 60:  # 60: a leap second
        return None
    hour = int(m[1])
    if m[5] is not None:
        hour = hour % 12 + 12 * (m[5] in "pP") if 1 <= hour <= 12 else 24
    if hour > 23:
        return None
    ticks = SECOND * (3600 * hour + 60 * int(m[2]) + int(m[3] or 0)) + int((m[4] or "0")[:6].ljust(6, "0"))
    return _Clock(hour, ticks, None if m[6] is None else _ahead(m[6]))


def _ahead(zone: str) -> int:
    """Return the microseconds that a zone is ahead of UTC."""
    if zone[0] not in "+-":
        return 0
    minutes = 60 * int(zone[1:3]) + int(zone[3:].lstrip(":") or 0)
    return SECOND * 60 * (-minutes if zone[0] == "-" else minutes)
