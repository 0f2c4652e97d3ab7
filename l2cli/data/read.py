"""Read a file into a Table: text in any dialect, plain or compressed, or Parquet; a path or standard input.

Format, compression, encoding, delimiter and types are told by content. A small text is parsed with the
standard library, a large one with pyarrow; both follow the rules of :mod:`l2cli.data.records` (what a record
is) and :mod:`l2cli.data.cells` (what a cell is), and the same tests run over both. Importing this module is
light: NumPy is loaded by :func:`read_table`, and neither by :func:`read_header` on a text file.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterator
from typing import TYPE_CHECKING, BinaryIO

from l2cli.data.dialect import SAMPLE_BYTES, Layout, check_read_spec, find_layout, sample_of
from l2cli.data.preamble import begins_table
from l2cli.data.sizes import DEFAULT_SIZES, Sizes
from l2cli.data.source import Source, open_source
from l2cli.data.textstream import check_text, clean_pieces
from l2cli.errors import DataError, shown
from l2cli.spec import ReadSpec

if TYPE_CHECKING:
    from l2cli.data.table import Table

# Enough for the first lines of a file with ten thousand columns.
_HEADER_BYTES = 1 << 20
_LONGEST_PREAMBLE = 16 << 20


def read_table(
    source: str,
    spec: ReadSpec | None = None,
    *,
    stdin: BinaryIO | None = None,
    names: Collection[str] | None = None,
    verbatim: Container[str] = (),
) -> Table:
    """Read a file whole.

    Parameters
    ----------
    source : str
        Path, or ``-`` for standard input.
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
        Where the file is missing, unreadable, empty, malformed, in another format or encoding, has duplicate
        names, or an infinite cell in a column of numbers; the message names file, line and column.
    UsageError
        For reading options that make no sense.

    Notes
    -----
    Peak memory for a large CSV is the (n_rows, n_numeric) float64 matrix and a few blocks of some MB.
    """
    spec = spec or ReadSpec()
    check_read_spec(spec)
    with open_source(source, stdin, spec.max_expanded) as opened:
        return read_opened(opened, spec, names, verbatim=verbatim)


def read_header(
    source: str, spec: ReadSpec | None = None, *, stdin: BinaryIO | None = None
) -> tuple[str, ...]:
    """Return the column names of a file without reading further than needed.

    NumPy is not loaded for a text file; pyarrow, and NumPy with it, is for Parquet and ``.zst``.

    Raises
    ------
    DataError, UsageError
        As :func:`read_table`, as far as the first lines show it.
    """
    spec = spec or ReadSpec()
    check_read_spec(spec)
    with open_source(source, stdin, spec.max_expanded) as opened:
        if opened.kind == "parquet":
            from l2cli.data.parquet import parquet_names

            return parquet_names(opened, spec)
        pieces = clean_pieces(opened.blocks(_HEADER_BYTES), spec.encoding, opened.label, opened.head)
        start, whole = _beginning(pieces, _HEADER_BYTES - 1)
        return _layout_of(b"".join(start), whole, spec, opened.label).names


def read_opened(
    opened: Source,
    spec: ReadSpec,
    names: Collection[str] | None = None,
    sizes: Sizes = DEFAULT_SIZES,
    verbatim: Container[str] = (),
) -> Table:
    """Read an open source, as :func:`read_table`, which says what the other arguments are."""
    if opened.kind == "parquet":
        from l2cli.data.parquet import read_parquet

        return read_parquet(opened, spec, names, verbatim)
    pieces = clean_pieces(opened.blocks(sizes.piece), spec.encoding, opened.label, opened.head)
    start, whole = _beginning(pieces, max(sizes.small, SAMPLE_BYTES))
    beginning = b"".join(start)
    layout = _layout_of(beginning, whole, spec, opened.label)
    wanted = set(layout.names if names is None else names)
    keep = [j for j, name in enumerate(layout.names) if name in wanted]
    if whole and len(beginning) <= sizes.small:
        from l2cli.data.parse_small import read_small

        table = read_small(beginning, layout, keep, opened, verbatim)
    else:
        from l2cli.data.parse_large import read_large

        table = read_large(start, pieces, layout, keep, opened, spec, sizes, verbatim)
    if table.n_rows == 0:
        raise DataError(
            f"{opened.label}: no data rows, only a header ({shown(', '.join(layout.names), 80)})",
            hint="give --no-header if the first line is data",
            code="no_rows",
        )
    from l2cli.data.totals import refuse_total

    refuse_total(table, opened.label, layout.names[0])
    return table


def _beginning(pieces: Iterator[bytes], size: int) -> tuple[list[bytes], bool]:
    """Return pieces of more than ``size`` bytes together, or all there are; and whether those are all.

    They reach beyond the comments on top, some of which are longer than many a table.
    """
    start: list[bytes] = []
    total = 0
    for piece in pieces:
        start.append(piece)
        total += len(piece)
        if total > size and (total > _LONGEST_PREAMBLE or begins_table(b"".join(start))):
            return start, False
    return start, True


def _layout_of(start: bytes, whole: bool, spec: ReadSpec, label: str) -> Layout:
    """Return the layout that the beginning of a text shows."""
    sample, complete = sample_of(start, whole)
    check_text(sample, 1, label)
    return find_layout(sample.decode(), complete, spec, label)
