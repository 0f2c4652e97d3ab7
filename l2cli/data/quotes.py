"""Quoting that is not that of CSV, which would be read wrongly: single quotes, quotes behind a backslash.

Standard library only. A quote inside a quoted cell is doubled in CSV; programs that put a backslash before it
instead write files that look alike and fall apart elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from l2cli.data.cells import BLANKS, first_numbers
from l2cli.errors import DataError, shown

if TYPE_CHECKING:
    from l2cli.data.records import Record

ESCAPED = '\\"'
_SINGLE = "'"


def refuse_escaped(raw: str, delimiter: str, label: str, line: int) -> None:
    r"""Raise DataError where the text ``raw`` of a record has ``\"`` and its quotes are not those of CSV.

    A cell that ends with a backslash, as ``"C:\"``, is CSV.
    """
    if ESCAPED in raw and not _well_quoted(delimiter).fullmatch(raw):
        raise DataError(
            f"{label} line {line}: a quote behind a backslash, {ESCAPED}, in a quoted cell",
            hint='write a quote inside a quoted cell as ""',
            code="quotes",
        )


@cache
def _well_quoted(delimiter: str) -> re.Pattern[str]:
    """Return the pattern of records in which quotes stand at both ends of a cell or are doubled within."""
    apart = re.escape(delimiter)
    field = rf'(?: *"(?:[^"]|"")*+"[ \t]*|[^"\n{apart}]*)'
    return re.compile(rf"{field}(?:{apart}{field})*\n?")


def single_quoted(record: Sequence[str]) -> slice | None:
    """Return the first cells that together are in single quotes, taken apart at a delimiter between them."""
    opens = None
    for i, field in enumerate(record):
        cell = field.strip(BLANKS)
        if cell.startswith(_SINGLE) and not _in_quotes(cell):
            opens = i
        elif opens is not None and cell.endswith(_SINGLE):
            return slice(opens, i + 1)
    return None


def refuse_single_quotes(records: Sequence[Record], delimiter: str, label: str) -> list[int]:
    """Raise DataError where the first records quote cells with ``'``.

    That is told by cells that are taken apart at a delimiter within, in at least half of the records, and by
    a column of numbers in such quotes. Columns of words in such quotes are returned.
    """
    split = [(fields, line, where) for fields, line in records if (where := single_quoted(fields))]
    if len(split) > 1 and 2 * len(split) >= len(records) - 1:
        fields, line, where = split[0]
        raise _no_quote(delimiter.join(fields[where]), label, line)
    rows = [(fields, line) for fields, line in records[1:] if len(fields) == len(records[0][0])]
    words = []
    for j, column in enumerate(zip(*(fields for fields, _ in rows), strict=True)):
        stripped = [(field.strip(BLANKS), line) for field, (_, line) in zip(column, rows, strict=True)]
        cells = [(cell, line) for cell, line in stripped if cell]
        if not cells or not all(_in_quotes(cell) for cell, _ in cells):
            continue
        if first_numbers([cell[1:-1] for cell, _ in cells], ".,") is not None:
            raise _no_quote(cells[0][0], label, cells[0][1])
        words.append(j)
    return words


def _in_quotes(cell: str) -> bool:
    return len(cell) > 1 and cell[0] == cell[-1] == _SINGLE


def _no_quote(text: str, label: str, line: int) -> DataError:
    return DataError(
        f"{label} line {line}: {shown(text, 40)} is in single quotes, which are ordinary characters in CSV",
        hint="quote cells with double quotes",
        code="quotes",
    )
