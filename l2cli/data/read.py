"""Read a file, or the parts of a table, into a Table: text in any dialect, plain or compressed, or Parquet.

Format, compression, encoding, delimiter and types are told by content. A small text is parsed with the
standard library, a large one with pyarrow; both follow the rules of :mod:`l2cli.data.records` (what a record
is) and :mod:`l2cli.data.cells` (what a cell is), and the same tests run over both. Importing this module is
light: NumPy is loaded by :func:`read_table`, and neither by :func:`read_header` on a text file.

How the data flow: DATA names files (:mod:`l2cli.data.parts`), and one file is a list of one. A first look at
the beginning of each finds how it is laid out and matches its columns by name to those of the table
(:mod:`l2cli.data.text_parts`; of Parquet, the types in :mod:`l2cli.data.parquet`). Then the parts are opened
again one after the other, and their rows go into the same columns: all cells of a column are settled
together, so that the table is that of the rows in one file. Only where a row stands is kept by part.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Sequence
from contextlib import nullcontext
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO

from l2cli.data.dialect import check_read_spec
from l2cli.data.parts import find_parts
from l2cli.data.sizes import DEFAULT_SIZES, Sizes
from l2cli.data.source import Room, label_of, open_source
from l2cli.data.text_parts import Opener, beginning, find_texts, layout_of
from l2cli.data.textstream import LATIN1, clean_pieces, known_encoding, windows_notes
from l2cli.errors import DataError, shown
from l2cli.spec import ReadSpec

if TYPE_CHECKING:
    from l2cli.data.table import Table

# Enough for the first lines of a file with ten thousand columns.
_HEADER_BYTES = 1 << 20


def read_table(
    source: str,
    spec: ReadSpec | None = None,
    *,
    stdin: BinaryIO | None = None,
    names: Collection[str] | None = None,
    verbatim: Container[str] = (),
) -> Table:
    """Read a table whole.

    Parameters
    ----------
    source : str
        Path, ``-`` for standard input, a folder of parts, or a pattern that matches them.
    spec : ReadSpec, optional
        What the user said about the file; everything else is found out.
    stdin : binary file, optional
        Read for ``-`` instead of the standard input of the process; not closed.
    names : collection of str, optional
        Keep only these columns; names the file does not have are ignored. Default: all.
    verbatim : container of str
        Columns whose cells are wanted as they stand too (:attr:`Table.verbatim`).

    Returns
    -------
    Table
        The columns kept, in file order. A column is numeric where every present cell is a number; all-missing
        ones are numeric too.

    Raises
    ------
    DataError
        Where a file is missing, unreadable, empty, malformed, in another format or encoding, has duplicate
        names, or an infinite cell in a column of numbers, or where parts have not the same columns; the
        message names file, line and column.
    UsageError
        For reading options that make no sense.

    Notes
    -----
    Peak memory for a large CSV is the (n_rows, n_numeric) float64 matrix and a few blocks of some MB.
    """
    spec = spec or ReadSpec()
    check_read_spec(spec)
    found, room = find_parts(source), Room(spec.max_expanded)
    if len(found.files) == 1:
        with open_source(found.files[0], stdin, room) as opened:
            table = read_parts([lambda: nullcontext(opened)], source, spec, names, verbatim=verbatim)
    else:
        openers = [partial(open_source, file, room=room) for file in found.files]
        table = read_parts(openers, source, spec, names, verbatim=verbatim)
    table.notes[:0] = found.notes
    return table


def read_header(
    source: str, spec: ReadSpec | None = None, *, stdin: BinaryIO | None = None
) -> tuple[str, ...]:
    """Return the column names of a file, or of the first part, without reading further than needed.

    NumPy is not loaded for a text file; pyarrow, and NumPy with it, is for Parquet and ``.zst``.

    Raises
    ------
    DataError, UsageError
        As :func:`read_table`, as far as the first lines show it.
    """
    spec = spec or ReadSpec()
    check_read_spec(spec)
    with open_source(find_parts(source).files[0], stdin, Room(spec.max_expanded)) as opened:
        if opened.kind == "parquet":
            from l2cli.data.parquet import parquet_names

            return parquet_names(opened, spec)
        pieces = clean_pieces(opened.blocks(_HEADER_BYTES), spec.encoding, opened.label, opened.head)
        start, whole = beginning(pieces, _HEADER_BYTES - 1)
        return layout_of(start, whole, spec, opened.label).names


def read_parts(
    openers: Sequence[Opener],
    typed: str,
    spec: ReadSpec,
    names: Collection[str] | None = None,
    sizes: Sizes = DEFAULT_SIZES,
    verbatim: Container[str] = (),
) -> Table:
    """Read the parts of a table, which the user named by ``typed``, as :func:`read_table`."""
    with openers[0]() as first:
        kind = first.kind
    if kind == "parquet":
        from l2cli.data.parquet import read_parquet

        return read_parquet(openers, typed, spec, names, verbatim)
    texts = find_texts(openers, spec, sizes)
    columns = texts.layout.names
    wanted = set(columns if names is None else names)
    keep = [j for j, name in enumerate(columns) if name in wanted]
    if texts.small:
        from l2cli.data.parse_small import read_small

        table = read_small(texts, keep, typed, verbatim)
    else:
        from l2cli.data.parse_large import read_large

        table = read_large(texts, keep, typed, spec, sizes, verbatim)
    table.delimiter = texts.layout.delimiter
    if spec.encoding is not None and known_encoding(spec.encoding) == LATIN1:
        table.notes += windows_notes(chain(columns, *(column.levels for column in table.texts.values())))
    if table.n_rows == 0:
        raise DataError(
            f"{label_of(typed)}: no data rows, only a header ({shown(', '.join(columns), 80)})",
            hint="give --no-header if the first line is data",
            code="no_rows",
        )
    from l2cli.data.totals import refuse_total

    refuse_total(table, columns[0])
    return table
