"""Parse clean text with the standard library: the reference for all files, the fast way for small ones."""

from __future__ import annotations

from collections.abc import Container, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from l2cli.data.cells import BLANKS
from l2cli.data.columns import IntCodes, LineMap
from l2cli.data.dialect import Layout
from l2cli.data.quotes import single_quoted
from l2cli.data.records import RecordReader
from l2cli.data.settle import Settled, make_table
from l2cli.data.table import PartRows, Table
from l2cli.data.text_parts import Texts
from l2cli.data.textstream import WithoutTail, after_lines, check_text
from l2cli.errors import DataError, shown


class Skipped(NamedTuple):
    """Lines that are no rows: those that begin with ``#``, and at the end those of nothing but delimiters."""

    comments: int = 0
    tail: int = 0

    def plus(self, other: Skipped) -> Skipped:
        """Return the lines of both."""
        return Skipped(self.comments + other.comments, self.tail + other.tail)

    def notes(self) -> tuple[str, ...]:
        """Return what the user is told about them."""
        kinds = (("that begins with #", "that begin with #"), ("of nothing but delimiters at the end",) * 2)
        return tuple(
            f"1 line {one} skipped" if count == 1 else f"{count} lines {more} skipped"
            for count, (one, more) in zip(self, kinds, strict=True)
            if count
        )


class Rows(NamedTuple):
    """The records of a text: ``fields[i]`` begins on line ``lines[i]`` and has a cell for every column.

    blank : the first of the blank lines behind the last record, None where there is none.
    skips_blanks : blanks before a field are left out.
    skipped : the lines that are no rows.
    """

    fields: list[list[str]]
    lines: list[int]
    blank: int | None = None
    skips_blanks: bool = False
    skipped: Skipped = Skipped()

    def run(self) -> int | IntCodes:
        """Return the lines as :class:`LineMap` keeps them: the first where the rest follow on, else all."""
        regular = bool(self.lines) and self.lines[-1] - self.lines[0] == len(self.lines) - 1
        return self.lines[0] if regular else np.array(self.lines, dtype=np.int32)

    def columns(self) -> Sequence[Sequence[str]]:
        """Return the cells by column; nothing where there are no rows."""
        return list(zip(*self.fields, strict=True))


def parse_rows(text: str, layout: Layout, label: str, first_line: int) -> Rows:
    """Parse data rows.

    Parameters
    ----------
    text : str
        Whole records, without the header.
    layout : Layout
        Delimiter and columns.
    label : str
        The source, for messages. first_line : the line of the file on which ``text`` begins.

    Raises
    ------
    DataError
        Where a row has more or fewer fields than the header, a quote is never closed, or a line of a file of
        one column is blank that more rows follow; names the line.
    """
    reader = RecordReader(text, layout.delimiter, label, first_line)
    width, extra, single = layout.width, layout.extra, len(layout.names) == 1
    fields: list[list[str]] = []
    lines: list[int] = []
    end, comments = first_line - 1, 0
    for record in reader:
        if single and reader.start > end + 1:
            raise blank_line(label, end + 1)
        end = reader.line
        if len(record) != width or (extra and any(cell.strip(BLANKS) for cell in record[-extra:])):
            if len(record) == width or not reader.is_comment():
                raise _ragged(record, layout, label, reader.start)
            comments += 1
            continue
        fields.append(record)
        lines.append(reader.start)
    blank = end + 1 if reader.line > end else None
    return Rows(fields, lines, blank, reader.skips_blanks, Skipped(comments))


def blank_line(label: str, line: int) -> DataError:
    """Describe a blank line among the rows of one column: skipped, all answers below would be off by one."""
    return DataError(
        f"{label} line {line}: a blank line in a file of one column",
        hint="write NA if a value is missing there, or delete the line",
        code="blank_line",
    )


def _ragged(record: list[str], layout: Layout, label: str, line: int) -> DataError:
    """Describe a row that has more or fewer fields than there are columns."""
    count, width = len(record), len(layout.names)
    fields = "1 field" if count == 1 else f"{count} fields"
    hint = "mend the line or give --delimiter"
    if width <= count < layout.width:
        detail, width = "no delimiter at its end, as other lines have", layout.width
    elif count < width:
        detail = f"column '{shown(layout.names[count])}' would be empty"
    else:
        stray = next((cell for cell in record[width:] if cell.strip(BLANKS)), record[width])
        detail = f"'{shown(stray.strip(BLANKS))}' would belong to no column"
        if single_quoted(record):
            hint = "quote cells with double quotes, not with '"
    return DataError(
        f"{label} line {line}: {fields} where {layout.width_source} has {width} ({detail})",
        hint=hint,
        code="ragged",
    )


def read_small(texts: Texts, keep: Sequence[int], typed: str, verbatim: Container[str] = ()) -> Table:
    """Return the table of texts whose beginnings are all there is of them."""
    layout = texts.layout
    lines, starts, n_rows, bare, skipped = LineMap(), [], 0, False, Skipped(layout.comments)
    parts: list[Sequence[Sequence[str]]] = []
    for part in texts.parts:
        check_text(part.start, 1, part.label)
        header = part.layout.header_lines
        body = WithoutTail(iter([part.start[after_lines(part.start, header) :]]), layout.delimiter)
        rows = parse_rows(b"".join(body).decode(), part.layout, part.label, header + 1)
        lines.add(n_rows, rows.run())
        starts.append(n_rows)
        n_rows += len(rows.fields)
        bare |= rows.skips_blanks
        skipped = skipped.plus(rows.skipped).plus(Skipped(tail=body.n_lines))
        if rows.fields:
            parts.append(part.in_order(rows.columns()))
    settled = Settled(layout.rules, verbatim)
    for j in keep if parts else []:
        cells = parts[0][j] if len(parts) == 1 else list(chain.from_iterable(part[j] for part in parts))
        settled.add_cells(layout.names[j], cells)
    settled.finish(bare=bare)
    return make_table(
        typed,
        [layout.names[j] for j in keep],
        settled,
        layout.notes + skipped.notes(),
        lines,
        PartRows(tuple(part.label for part in texts.parts), tuple(starts)),
        np.empty((n_rows, 0)),
        file_names=layout.names,
    )
