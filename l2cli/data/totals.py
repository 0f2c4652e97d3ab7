"""A last row that sums up the others is no row of its own."""

from __future__ import annotations

import numpy as np

from l2cli.data.table import Table
from l2cli.errors import DataError, shown

_WORDS = frozenset(
    {"total", "totals", "grand total", "sum", "subtotal", "totaal", "gesamt", "summe", "somme"}
)
_LEAST_ROWS = 3


def refuse_total(table: Table, label: str, first: str) -> None:
    """Raise DataError where the last row is called a total in column ``first`` and is the sum of the others.

    A column of numbers has to show it: ``Total`` may be the name of something.
    """
    column = table.texts.get(first)
    if column is None or table.n_rows < _LEAST_ROWS or column.codes[-1] < 0:
        return
    word = column.levels[column.codes[-1]]
    if word.strip(" .:").casefold() not in _WORDS or np.count_nonzero(column.codes == column.codes[-1]) > 1:
        return
    last = table.numbers[-1]
    with np.errstate(over="ignore", invalid="ignore"):
        sums = np.nansum(table.numbers[:-1], axis=0)
        is_sum = (last != 0.0) & np.isclose(last, sums, rtol=1e-9, atol=0.0)
    if is_sum.any():
        raise DataError(
            f"{label} {table.place(table.n_rows - 1)}: '{shown(word)}', the sum of the rows above, is no row"
            " of its own",
            hint="delete the line",
            code="total",
        )
