"""A last row that sums up the others is no row of its own."""

from __future__ import annotations

import numpy as np

from l2cli.data.table import Table, TextColumn
from l2cli.data.wording import where
from l2cli.errors import DataError, shown

_WORDS = frozenset(
    {"total", "totals", "grand total", "sum", "subtotal", "totaal", "gesamt", "summe", "somme"}
)
_LEAST_ROWS = 3


def refuse_total(table: Table, first: str) -> None:
    """Raise DataError where a last row is called a total in column ``first`` and is the sum of the others.

    A column of numbers has to show it: ``Total`` may be the name of something. Each part may have such a row,
    and the last one that of all.
    """
    column = table.texts.get(first)
    if column is None or table.parts is None:
        return
    words = np.array([level.strip(" .:").casefold() in _WORDS for level in column.levels] + [False])
    if not words.any():
        return
    starts, ends = table.parts.starts, (*table.parts.starts[1:], table.n_rows)
    for start, end in dict.fromkeys([*zip(starts, ends, strict=True), (0, table.n_rows)]):
        if end - start >= _LEAST_ROWS and words[column.codes[end - 1]] and _is_sum(table, column, start, end):
            word = column.levels[column.codes[end - 1]]
            raise DataError(
                f"{where(table, end - 1)}: '{shown(word)}', the sum of the rows above, is no row of its own",
                hint="delete the line",
                code="total",
            )


def _is_sum(table: Table, column: TextColumn, start: int, end: int) -> bool:
    """Return True where the last of these rows is the sum of the others, and has its name alone."""
    if np.count_nonzero(column.codes[start:end] == column.codes[end - 1]) > 1:
        return False
    last = table.numbers[end - 1]
    with np.errstate(over="ignore", invalid="ignore"):
        sums = np.nansum(table.numbers[start : end - 1], axis=0)
        return bool(((last != 0.0) & np.isclose(last, sums, rtol=1e-9, atol=0.0)).any())
