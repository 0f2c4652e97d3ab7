"""The words of messages about data: where a cell stands, lists of names, counts."""

from __future__ import annotations

from collections.abc import Iterable

from l2cli.data.source import STDIN
from l2cli.data.table import Table
from l2cli.errors import shown

_NA_ROOM = 100
"""Characters of other tokens that a hint repeats."""


def where(table: Table, row: int | None = None) -> str:
    """Return ``sales.csv`` or ``sales.csv line 7``, fit for a message; of parts, the one of the row."""
    name = "standard input" if table.source == STDIN else shown(table.source, 200)
    return name if row is None else f"{table.file_of(row) or name} {table.place(row)}"


def listed(names: Iterable[str], limit: int = 80) -> str:
    """Return ``a, b, c`` or, where that is too long, ``a, b, ... and 98 more``, all printable."""
    names = list(names)
    parts: list[str] = []
    for name in names:
        if parts and sum(map(len, parts)) + 2 * len(parts) + len(name) > limit:
            return f"{', '.join(parts)}, ... and {len(names) - len(parts)} more"
        parts.append(shown(name))
    return ", ".join(parts)


def quoted(names: Iterable[str]) -> str:
    """Return ``'a', 'b'``, cut where it is long."""
    return listed([f"'{name}'" for name in names], 200)


def na_option(token: str, others: Iterable[str]) -> str:
    """Return ``--na 'token,others'``: the list replaces what is missing by itself, so it has to name it.

    A long list is only told of.
    """
    first, *more = (shown(each.replace(",", r"\,")) for each in dict.fromkeys([token, *others]))
    if sum(map(len, more)) + len(more) > _NA_ROOM:
        return f"--na '{first},...' (... the other {len(more)} tokens)"
    return f"--na '{','.join([first, *more])}'"


def plural(count: int, noun: str) -> str:
    """Return ``1 row`` or ``2 rows``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
