"""Predictions as a table for a look: plain text, one format a column, quick for very many rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from l2cli.report.escape import cell_width, cut_middle, visible
from l2cli.report.layout import GAP, INDENT, Page, glyphs_ellipsis
from l2cli.report.numerals import decimals_for

DIGITS = 4
MOST_DECIMALS = 6
WIDEST_TEXT = 40
BLOCK = 20_000


def blocks(columns: Mapping[str, Sequence[Any]], page: Page) -> Iterator[str]:
    """Yield the table in blocks of text: a header line, then one line per row.

    Numbers of a column share their decimals: the largest has four digits. Long texts are cut on a terminal.
    """
    padded = [_column(name, values, page) for name, values in columns.items()]
    rows = zip(*padded, strict=True)
    blank, gap = " " * INDENT, " " * GAP
    while block := [f"{blank}{gap.join(row)}".rstrip(" ") for row in islice(rows, BLOCK)]:
        yield "\n".join(block) + "\n"


def _column(name: str, values: Sequence[Any], page: Page) -> list[str]:
    """Return the header and the cells of a column in one width: numbers to the right, texts to the left."""
    numeric = not any(isinstance(value, str) for value in values)
    cells = [_cut(visible(name), page)]
    cells += (
        _numbers(values)
        if numeric
        else [_cut(visible(str(v)), page) if v is not None else "" for v in values]
    )
    if all(map(str.isascii, cells)):
        width = max(map(len, cells))
        return [text.rjust(width) if numeric else text.ljust(width) for text in cells]
    widths = [cell_width(text) for text in cells]
    width = max(widths)
    blanks = [" " * (width - used) for used in widths]
    pairs = zip(blanks, cells, strict=True) if numeric else zip(cells, blanks, strict=True)
    return [a + b for a, b in pairs]


def _cut(text: str, page: Page) -> str:
    # A character takes at most two cells: the short ones, which are most, need no measuring.
    if not page.terminal or len(text) <= WIDEST_TEXT // 2:
        return text
    return cut_middle(text, WIDEST_TEXT, glyphs_ellipsis(page))


def _numbers(values: Sequence[Any]) -> list[str]:
    known = [v for v in values if isinstance(v, float) and math.isfinite(v)]
    decimals = decimals_for([max(known, default=0.0), min(known, default=0.0)], DIGITS)
    form = (
        f".{decimals}f"
        if decimals <= MOST_DECIMALS and max(map(abs, known), default=0.0) < 1e9
        else f".{DIGITS - 1}e"
    )
    return [_number(value, form) for value in values]


def _number(value: Any, form: str) -> str:
    if isinstance(value, float):
        return format(value, form) if math.isfinite(value) else ""
    return "" if value is None else str(value)
