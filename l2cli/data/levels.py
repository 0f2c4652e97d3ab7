"""Cells as levels and as numbers: one set of rules for features, targets, folds and groups."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from l2cli.data.cells import BLANKS, WHOLE, numbers
from l2cli.data.table import Table, TextColumn
from l2cli.data.wording import where
from l2cli.data.written import fitting, parse
from l2cli.errors import DataError, shown

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

MISSING_LEVEL = "(missing)"
"""The level that missing cells of a category get; always the last one."""

_MOST_DIGITS = 40

_LEADING_ZERO = re.compile(r"\s*[+-]?0\d", re.ASCII)


def parse_number(text: str, decimal: str = ".") -> float | None:
    """Return the number written in ``text`` under the rules of the reader with this decimal mark, else None.

    >>> parse_number("2.50"), parse_number("2,50")
    (2.5, None)
    """
    found = numbers([text.strip(BLANKS)], decimal)
    return None if found is None else found[0]


def exact_number(text: str, decimal: str = ".") -> float | int | None:
    """Return the number written in ``text`` as :func:`parse_number`, whole ones beyond 2^53 with every digit.

    >>> exact_number("9007199254740993"), exact_number("4.0")
    (9007199254740993, 4.0)
    """
    value = parse_number(text, decimal)
    if value is None or abs(value) < WHOLE:
        return value
    written = Decimal(text.strip(BLANKS).replace(decimal, "."))
    whole = written.adjusted() < _MOST_DIGITS and written == written.to_integral_value()
    return int(written) if whole else value


def level_text(value: float | int) -> str:
    """Return the shortest text of a number that is a level.

    >>> level_text(4.0), level_text(2.5)
    ('4', '2.5')
    """
    if isinstance(value, int):
        return str(value)
    value = float(value)
    return str(int(value)) if value.is_integer() and abs(value) < 1e16 else repr(value)


def sorted_levels(levels: Iterable[str]) -> list[str]:
    """Return levels in order: by value if all are numbers, else by code point; ``(missing)`` last.

    >>> sorted_levels(["10", "9", "(missing)"]), sorted_levels(["b", "10", "9"])
    (['9', '10', '(missing)'], ['10', '9', 'b'])
    """
    levels = set(levels)
    real = sorted(levels - {MISSING_LEVEL})
    values = [exact_number(level) for level in real]
    if all(value is not None for value in values):
        real = [level for _, level in sorted(zip(values, real, strict=True))]
    return real + [MISSING_LEVEL] * (MISSING_LEVEL in levels)


class LevelIndex:
    """Finds a text among known levels: as written, else by value if both are numbers (``4.0`` is ``4``).

    A leading zero makes a code, not a number: ``01234`` is found only as ``01234``.
    """

    def __init__(self, levels: Sequence[str]) -> None:
        self._exact = {level: i for i, level in enumerate(levels)}
        self._values: dict[float | int, int] = {}
        for i, level in enumerate(levels):
            value = self._value(level)
            if value is not None:
                self._values.setdefault(value, i)

    @staticmethod
    def _value(text: str) -> float | int | None:
        return None if _LEADING_ZERO.match(text) else exact_number(text)

    def find(self, text: str) -> int | None:
        """Return the position of the level, None if it is unknown."""
        at = self._exact.get(text)
        if at is None:
            value = self._value(text)
            at = None if value is None else self._values.get(value)
        return at


def known_places(column: TextColumn, known: LevelIndex) -> list[int | None]:
    """Return where each level of a column is among known ones: as it stands, else without blanks around."""
    tried = zip(column.raw or column.levels, column.levels, strict=True)
    spellings = ((raw, level, level.strip(BLANKS)) for raw, level in tried)
    return [next((at for text in each if (at := known.find(text)) is not None), None) for each in spellings]


def as_text(table: Table, name: str) -> TextColumn:
    """Return a column as text; numbers become their shortest texts, levels in ascending order.

    Raises
    ------
    DataError
        For numbers from 2^53 on, where doubles leave whole numbers out, unless the table has them verbatim.
    """
    if name in table.texts:
        return table.texts[name]
    values = table.number(name)
    present = ~np.isnan(values)
    large = np.abs(values) >= WHOLE
    if large.any():
        return _large_labels(table, name, int(np.argmax(large)), present)
    distinct, inverse = np.unique(values[present], return_inverse=True)
    codes = np.full(table.n_rows, -1, dtype=np.int32)
    codes[present] = inverse
    return TextColumn(codes, tuple(level_text(value) for value in distinct))


def _large_labels(table: Table, name: str, row: int, present: npt.NDArray[np.bool_]) -> TextColumn:
    """Return a column with large numbers as text, from its cells as they stand in the file."""
    column = table.verbatim.get(name, table.rounded.get(name))
    if column is None:
        raise DataError(
            f"{where(table, row)}: column '{shown(name)}' is used as labels, and holds numbers beyond 2^53,"
            " of which neighbours merge",
            hint=f"give --categorical '{shown(name)}', or shorten the labels",
            code="large_label",
        )
    used = np.unique(column.codes[present])
    values = {int(code): exact_number(column.levels[code], table.decimal) for code in used}
    order = sorted({value for value in values.values() if value is not None})
    place = {value: i for i, value in enumerate(order)}
    lookup = np.full(len(column.levels) + 1, -1, dtype=np.int32)
    for code, value in values.items():
        lookup[code] = -1 if value is None else place[value]
    codes = np.where(present, lookup[column.codes], np.int32(-1))
    return TextColumn(codes, tuple(level_text(value) for value in order))


def as_numbers(
    table: Table, name: str, *, hint: str | None = None, rows: IntArray | None = None
) -> FloatArray:
    """Return a column as (n_rows,) numbers, NaN where missing; do not change it.

    Text becomes numbers where every cell (of ``rows``, if given) is one, codes with leading zeros too.

    Raises
    ------
    DataError
        Naming the first cell that is no number, its line and column.
    """
    if table.is_number(name):
        return table.number(name)
    column = table.texts[name]
    parsed = [parse_number(level, table.decimal) for level in column.levels]
    bad = np.array([value is None for value in parsed] + [False])
    if bad.any():
        used = np.arange(table.n_rows) if rows is None else rows
        if bad[column.codes[used]].any():
            raise not_a_number(table, name, _first_stray(column, bad, used, table.decimal), hint)
    values = np.array([np.nan if value is None else value for value in parsed] + [np.nan])
    found: FloatArray = values[column.codes]
    return found


def _first_stray(column: TextColumn, bad: npt.NDArray[np.bool_], rows: IntArray, decimal: str) -> int:
    """Return the row of the first cell that is no number as the others are; ``$5`` is one among others."""
    stray = ~np.array([*fitting(column.levels, _counts(column, rows), decimal), True])
    for found, at in ((stray, rows), (stray, np.arange(len(column.codes))), (bad, rows)):
        hits = found[column.codes[at]]
        if hits.any():
            break
    return int(at[np.argmax(hits)])


def _counts(column: TextColumn, rows: IntArray) -> list[int]:
    """Return how often each level stands in some rows."""
    counts: list[int] = np.bincount(column.codes[rows] + 1, minlength=len(column.levels) + 1)[1:].tolist()
    return counts


def not_a_number(table: Table, name: str, row: int, hint: str | None = None) -> DataError:
    """Return the error for a cell that is no number, or none as the others are, where one is needed."""
    column, what = table.texts[name], "is not a number"
    cell = column.levels[column.codes[row]]
    if parse(cell, table.decimal) is not None:
        fits = fitting(column.levels, _counts(column, np.arange(table.n_rows)), table.decimal)
        example = next((level for level, fit in zip(column.levels, fits, strict=True) if fit), cell)
        if example != cell:
            what = f"is not written as the others, such as '{shown(example)}'"
    return DataError(
        f"{where(table, row)}: '{shown(cell)}' in column '{shown(name)}' {what}",
        hint=hint,
        code="text_in_number",
    )


def label_codes(table: Table, name: str, rows: IntArray, role: str) -> tuple[IntArray, tuple[str, ...]]:
    """Return codes (n,) of the labels in some rows of a column and the labels, in the order of levels.

    Raises
    ------
    DataError
        If a cell is missing.
    """
    column = as_text(table, name)
    codes = column.codes[rows]
    if (codes < 0).any():
        row = int(rows[int(np.argmax(codes < 0))])
        raise DataError(
            f"{where(table, row)}: no value in the {role} column '{shown(name)}'", code="missing_label"
        )
    used = np.flatnonzero(np.bincount(codes, minlength=len(column.levels)))
    labels = sorted_levels(column.levels[i] for i in used)
    place = {label: i for i, label in enumerate(labels)}
    renumber = np.array([place.get(level, -1) for level in column.levels], dtype=np.int64)
    return renumber[codes], tuple(labels)


def as_written(table: Table, name: str) -> TextColumn | None:
    """Return a column as it stands in the file; None for numbers of which each, printed, is its cell."""
    if not table.is_number(name):
        return table.verbatim.get(name, table.texts[name])
    exact = table.verbatim.get(name)
    return None if exact is None or all(map(_is_printed, exact.levels)) else exact


def _is_printed(cell: str) -> bool:
    """Return True for a cell that is a number in the very form in which numbers are printed."""
    value = parse_number(cell)
    if value is None:
        return False
    return cell == (str(int(value)) if value.is_integer() and abs(value) < 2.0**53 else repr(value))
