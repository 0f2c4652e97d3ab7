"""Lines of styled text, and tables of them: widths, alignment, what gives way on a narrow terminal.

Standard library only and light: this is on the path of every command.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from l2cli.report.escape import cell_width, cut_middle
from l2cli.report.numerals import aligned

GAP = 2
INDENT = 1


class Span(NamedTuple):
    """A piece of a line, already safe to show, with the name of its style (``""``: plain)."""

    text: str
    style: str = ""


Line = tuple[Span, ...]


class Page(NamedTuple):
    """Where a result is shown.

    width : cells of a line. unicode : False where only ASCII can be drawn. terminal : on a terminal lines
    are cut to the width and long tables are shortened; elsewhere nothing is left out. verbose : never
    shorten.
    """

    width: int = 80
    unicode: bool = True
    terminal: bool = False
    verbose: bool = False


class Column(NamedTuple):
    """A column of a table.

    cells : one line per row. align : ``left``, ``right`` or ``decimal``. rank : on a narrow terminal the
    columns of the lowest rank go first. least : the cells to which its texts may be cut (0: never cut).
    """

    head: str
    cells: Sequence[Line]
    align: str = "left"
    rank: int = 9
    least: int = 0


def line(*parts: str | Span) -> Line:
    """Return a line of plain texts and spans."""
    return tuple(part if isinstance(part, Span) else Span(part) for part in parts)


def plain(text: Line) -> str:
    """Return the text of a line without its styles."""
    return "".join(span.text for span in text)


def width_of(text: Sequence[Span]) -> int:
    """Return the cells of a line."""
    return sum(cell_width(span.text) for span in text)


def cells(texts: Iterable[str], style: str = "") -> list[Line]:
    """Return one-span cells of one style."""
    return [(Span(text, style),) for text in texts]


def decimal_cells(texts: Sequence[str], style: str = "") -> list[Line]:
    """Return one-span cells with their decimal points below each other."""
    return cells(aligned(texts), style)


def table(columns: Sequence[Column], page: Page, *, heads: bool = True, gap: int = GAP) -> list[Line]:
    """Return the rows of a table, headed by the columns' names.

    On a terminal first the texts of columns that may be cut give way, then whole columns by rank;
    elsewhere the table is as wide as it needs.
    """
    widths = [column_width(column, heads) for column in columns]
    if page.terminal:
        columns, widths = _narrowed(columns, widths, page.width - INDENT, gap)
    cut = glyphs_ellipsis(page)
    rows: list[Line] = []
    if heads:
        head = [_cell((Span(c.head, "head"),), c.align, w, cut) for c, w in zip(columns, widths, strict=True)]
        rows.append(_joined(head, gap))
    for row in zip(*(column.cells for column in columns), strict=True):
        made = [_cell(text, c.align, w, cut) for text, c, w in zip(row, columns, widths, strict=True)]
        rows.append(_joined(made, gap))
    return rows


def glyphs_ellipsis(page: Page) -> str:
    """Return the mark of a text that was cut."""
    return "…" if page.unicode else ".."


def column_width(column: Column, heads: bool = True) -> int:
    """Return the natural width of a column."""
    return max([width_of(c) for c in column.cells] + [cell_width(column.head) if heads else 0], default=0)


def _narrowed(
    columns: Sequence[Column], widths: list[int], room: int, gap: int
) -> tuple[list[Column], list[int]]:
    """Return the columns that have room, and their widths."""
    kept, sizes = list(columns), list(widths)

    def excess() -> int:
        return sum(sizes) + gap * (len(sizes) - 1) - room

    while excess() > 0:
        cuttable = [i for i, c in enumerate(kept) if c.least and sizes[i] > c.least]
        if cuttable:
            widest = max(cuttable, key=lambda i: sizes[i])
            sizes[widest] = max(sizes[widest] - excess(), kept[widest].least)
        elif len(kept) > 1:
            first_to_go = min(range(len(kept)), key=lambda i: (kept[i].rank, -i))
            del kept[first_to_go], sizes[first_to_go]
            # The room that became free belongs to the names again.
            sizes = [widths[columns.index(c)] if c.least else s for c, s in zip(kept, sizes, strict=True)]
        else:
            break
    return kept, sizes


def _cell(text: Line, align: str, width: int, ellipsis: str) -> Line:
    used = width_of(text)
    if used > width:
        text = (Span(cut_middle(plain(text), width, ellipsis), text[0].style),)
        used = width_of(text)
    blank = Span(" " * (width - used))
    if not blank.text:
        return text
    return (*text, blank) if align == "left" else (blank, *text)


def _joined(row: Sequence[Line], gap: int) -> Line:
    spans = [Span(" " * INDENT)]
    for i, text in enumerate(row):
        if i:
            spans.append(Span(" " * gap))
        spans.extend(text)
    return trimmed_end(spans)


def trimmed_end(spans: Sequence[Span]) -> Line:
    """Return the line without blanks at its end."""
    kept = list(spans)
    while kept:
        text = kept[-1].text.rstrip(" ")
        if text:
            kept[-1] = Span(text, kept[-1].style)
            break
        kept.pop()
    return tuple(kept)


def flowed(spans: Sequence[Span], page: Page, indent: int = 0) -> list[Line]:
    """Return a text broken between words into lines of the page's width.

    ``indent`` blanks stand before the second and later lines. A word longer than a line stands alone and
    is not broken. Blanks within and before the text stay as they are.
    """
    lines: list[list[Span]] = [[]]
    used, started = 0, False
    for blanks, word in _words(spans):
        size = width_of(word)
        if started and used + blanks + size > page.width:
            lines.append([Span(" " * indent), *word])
            used = indent + size
        else:
            lines[-1] += [Span(" " * blanks, word[0].style), *word]
            used += blanks + size
        started = True
    return [trimmed_end(row) for row in lines]


def _words(spans: Sequence[Span]) -> list[tuple[int, list[Span]]]:
    """Return the words of a text with the number of blanks before each; a word may change its style."""
    words: list[tuple[int, list[Span]]] = []
    blanks = 0
    for span in spans:
        for i, piece in enumerate(span.text.split(" ")):
            blanks += i > 0
            if not piece:
                continue
            if words and blanks == 1 and piece.startswith("%"):  # belongs to its number
                words[-1][1].append(Span(f" {piece}", span.style))
            elif blanks or not words:
                words.append((blanks, [Span(piece, span.style)]))
            else:
                words[-1][1].append(Span(piece, span.style))
            blanks = 0
    return words


def clauses(parts: Sequence[Line], page: Page, *, indent: int = 0, between: str = "; ") -> list[Line]:
    """Return clauses side by side as far as they fit, the others on further lines.

    ``indent`` blanks stand before every line but the first; ``between`` joins two clauses of a line and is
    left out where a line ends. A clause longer than a line is broken between words.
    """
    rows: list[list[Span]] = []
    for part in parts:
        if rows and width_of(rows[-1]) + len(between) + width_of(part) <= page.width:
            rows[-1] += [Span(between), *part]
        else:
            rows.append([Span(" " * indent), *part] if rows else list(part))
    return [made for row in rows for made in flowed(row, page, indent=indent or 2)]
