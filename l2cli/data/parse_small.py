"""Parse clean text with the standard library: the reference for all files, the fast way for small ones."""

from __future__ import annotations

from collections.abc import Container, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from l2cli.data.cells import BLANKS
from l2cli.data.columns import IntCodes, LineMap
from l2cli.data.dialect import Layout
from l2cli.data.records import RecordReader
from l2cli.data.settle import Settled, make_table
from l2cli.data.table import PartRows, Table
from l2cli.data.text_parts import Texts
from l2cli.data.textstream import after_lines, check_text
from l2cli.errors import DataError, shown


class Rows(NamedTuple):
    """The records of a text: ``fields[i]`` begins on line ``lines[i]`` and has a cell for every column.

    blank : the last of the blank lines behind the last record, None where there is none.
    skips_blanks : blanks before a field are left out.
    """

    fields: list[list[str]]
    lines: list[int]
    blank: int | None = None
    skips_blanks: bool = False

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
    width = len(layout.names)
    fields: list[list[str]] = []
    lines: list[int] = []
    end = first_line - 1
    for record in reader:
        if len(record) != width:
            raise _ragged(record, layout, label, reader.start)
        if width == 1 and reader.start > end + 1:
            raise blank_line(label, reader.start - 1)
        fields.append(record)
        lines.append(reader.start)
        end = reader.line
    return Rows(fields, lines, reader.line if reader.line > end else None, reader.skips_blanks)


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
    detail = (
        f"column '{shown(layout.names[count])}' would be empty"
        if count < width
        else f"'{shown(record[width].strip(BLANKS))}' would belong to no column"
    )
    return DataError(
        f"{label} line {line}: {fields} where {layout.width_source} has {width} ({detail})",
        hint="mend the line or give --delimiter",
        code="ragged",
    )


def read_small(texts: Texts, keep: Sequence[int], typed: str, verbatim: Container[str] = ()) -> Table:
    """Return the table of texts whose beginnings are all there is of them."""
    lines, starts, n_rows, bare = LineMap(), [], 0, False
    parts: list[Sequence[Sequence[str]]] = []
    for part in texts.parts:
        check_text(part.start, 1, part.label)
        header = part.layout.header_lines
        body = part.start[after_lines(part.start, header) :]
        rows = parse_rows(body.decode(), part.layout, part.label, header + 1)
        lines.add(n_rows, rows.run())
        starts.append(n_rows)
        n_rows += len(rows.fields)
        bare |= rows.skips_blanks
        if rows.fields:
            parts.append(part.in_order(rows.columns()))
    layout = texts.layout
    settled = Settled(layout.rules, verbatim)
    for j in keep if parts else []:
        cells = parts[0][j] if len(parts) == 1 else list(chain.from_iterable(part[j] for part in parts))
        settled.add_cells(layout.names[j], cells)
    settled.finish(bare=bare)
    return make_table(
        typed,
        [layout.names[j] for j in keep],
        settled,
        layout.notes,
        lines,
        PartRows(tuple(part.label for part in texts.parts), tuple(starts)),
        np.empty((n_rows, 0)),
        file_names=layout.names,
    )
