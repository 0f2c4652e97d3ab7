"""Read Parquet: its columns have types, so no text is taken for a number and only null and NaN are missing.

A text of blanks only, and what ``--na`` names, is missing as well. pyarrow is imported where it is used.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Container, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from l2cli.data.arrow_buffers import has_dtype, nulls_of, values_of
from l2cli.data.cells import BLANKS, CellRules, infinite_values
from l2cli.data.columns import IntCodes, LineMap, NumberFacts, Settled, make_table
from l2cli.data.header import refuse_repeated_names
from l2cli.data.source import Source
from l2cli.data.table import FloatArray, Table, TextColumn
from l2cli.errors import DataError, UsageError, shown
from l2cli.spec import ReadSpec

# Decoded at a time: a group of columns of one row group, so that little more than the matrix is ever in
# memory.
_GROUP_CELLS = 1 << 22
# Copied at a time: as many rows of such a group as fit the cache.
_ROWS_AT_ONCE = 1 << 13
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")


def parquet_names(source: Source, spec: ReadSpec) -> tuple[str, ...]:
    """Return the column names of a Parquet file, the unnamed index of a data frame left out."""
    with _readable(source.label):
        names = _checked_names(_opened(source, spec), source.label)
    return tuple(name for name in names if not _PANDAS_INDEX.fullmatch(name))


def read_parquet(
    source: Source, spec: ReadSpec, names: Collection[str] | None = None, verbatim: Container[str] = ()
) -> Table:
    """Return the table of a Parquet file.

    Parameters
    ----------
    source : Source
        The open file.
    spec : ReadSpec
        Only ``na`` has a meaning here.
    names : collection of str, optional
        Keep only these columns.
    verbatim : container of str
        Columns of which text, whole and decimal numbers are kept as they stand too.

    Raises
    ------
    DataError
        For a damaged or empty file, a column of nested or binary values, duplicate names, an infinite value.
    UsageError
        For options that only a text file can follow.
    """
    with _readable(source.label):
        file = _opened(source, spec)
        present = _checked_names(file, source.label)
        asked = set(present if names is None else names)
        wanted = [name for name in present if name in asked]
        kept = [name for name in wanted if not _PANDAS_INDEX.fullmatch(name)]
        schema = file.schema_arrow  # made anew each time it is asked for
        types = dict(zip(schema.names, schema.types, strict=True))
        kinds = {name: _kind(types[name], name, source.label) for name in kept}
        exact = {
            name
            for name, kind in kinds.items()
            if name in verbatim and (kind == "text" or _is_exact(types[name]))
        }
        source.refuse_expanded(_promised(file, len(kept)), "expands")
        content = _Content(file.metadata.num_rows, kinds, spec, exact)
        for group in range(file.num_row_groups):
            content.add_row_group(file, group)
    if not content.n_rows:
        raise DataError(
            f"{source.label}: no data rows, only columns ({shown(', '.join(kept), 80)})", code="no_rows"
        )
    notes = [
        f"column '{name}', the unnamed index of a data frame, is left out"
        for name in wanted
        if name not in kinds
    ]
    dates = [f"'{shown(name)}'" for name in kept if kinds[name] == "date"]
    if dates:
        notes.append(f"dates and times are taken as text: column{'s' * (len(dates) > 1)} {', '.join(dates)}")
    return content.table(source, kept, notes)


@contextmanager
def _readable(label: str) -> Iterator[None]:
    """Turn what pyarrow says of a damaged file into one line."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = shown(str(error).partition("\n")[0], 120)
        raise DataError(
            f"{label}: not a readable Parquet file ({reason})", hint="write or copy it again"
        ) from error


def _opened(source: Source, spec: ReadSpec) -> Any:
    """Return the file as pyarrow sees it; refuse options without a meaning for it."""
    from pyarrow import parquet

    given = {"--delimiter": spec.delimiter, "--decimal": spec.decimal, "--encoding": spec.encoding}
    options = [option for option, value in given.items() if value is not None]
    options += [] if spec.header else ["--no-header"]
    if options:
        raise UsageError(f"{options[0]} does not go with {source.label}, a Parquet file", hint="leave it out")
    return parquet.ParquetFile(source.plain_file())


def _promised(file: Any, columns: int) -> int:
    """Return the bytes that a file says it holds: its pages unpacked, or its numbers in memory if more."""
    metadata = file.metadata
    pages: int = sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
    n_rows: int = metadata.num_rows
    return max(pages, 8 * n_rows * columns)


def _checked_names(file: Any, label: str) -> list[str]:
    names: list[str] = list(file.schema_arrow.names)
    if not names:
        raise DataError(f"{label}: no columns", code="empty")
    refuse_repeated_names(names, label)
    return names


def _kind(of: Any, name: str, label: str) -> str:
    """Return ``number``, ``bool``, ``text`` or ``date`` for a type; refuse others by the column's name."""
    from pyarrow import types

    if types.is_integer(of) or types.is_floating(of) or types.is_decimal(of) or types.is_null(of):
        return "number"
    if types.is_boolean(of):
        return "bool"
    if types.is_dictionary(of):
        return "text" if _kind(of.value_type, name, label) else ""
    if types.is_string(of) or types.is_large_string(of) or str(of) == "string_view":
        return "text"
    if types.is_temporal(of):
        return "date"
    what = "nested" if types.is_nested(of) else "binary"
    raise DataError(
        f"{label}: column '{shown(name)}' holds {what} values ({shown(str(of), 40)})",
        hint="leave the column out",
    )


def _is_exact(of: Any) -> bool:
    """Return True for numbers that text keeps better than a double."""
    from pyarrow import types

    return bool(types.is_integer(of) or types.is_decimal(of))


class _Content:
    """The columns read so far."""

    def __init__(self, n_rows: int, kinds: dict[str, str], spec: ReadSpec, exact: Collection[str]) -> None:
        self.n_rows = n_rows
        self._kinds = kinds
        self._numeric = [name for name, kind in kinds.items() if kind == "number"]
        self._matrix = np.empty((n_rows, len(self._numeric)))
        tokens = [token.strip(BLANKS) for token in spec.na or ()]
        self._missing = CellRules(frozenset(("", *tokens)))
        self._missing_numbers = [*self._missing.missing_values, *infinite_values(tokens)]
        self._texts = {
            name: _TextCells(n_rows, self._missing) for name, kind in kinds.items() if kind != "number"
        }
        self._verbatim = {name: _TextCells(n_rows, CellRules(frozenset({""}))) for name in exact}
        self._infinite: dict[str, tuple[int, str]] = {}
        self._rows = 0

    def add_row_group(self, file: Any, group: int) -> None:
        """Read a row group, some columns at a time."""
        n_rows = file.metadata.row_group(group).num_rows
        step = max(1, _GROUP_CELLS // max(n_rows, 1))
        first, last = self._rows, self._rows + n_rows
        for start in range(0, len(self._numeric), step):
            some = self._numeric[start : start + step]
            part = file.read_row_group(group, columns=some)
            columns = [_floats(part.column(name)) for name in some]
            for name, column in zip(some, columns, strict=True):
                self._note_infinite(name, column, first)
            for top in range(0, n_rows, _ROWS_AT_ONCE):
                target = self._matrix[first + top : min(first + top + _ROWS_AT_ONCE, last)]
                for k, column in enumerate(columns, start):
                    target[:, k] = column[top : top + _ROWS_AT_ONCE]
        self._add_texts(file, group, step)
        self._rows = last

    def _add_texts(self, file: Any, group: int, step: int) -> None:
        """Read the columns of a row group that are not numbers, or are wanted as text too."""
        names = list(dict.fromkeys([*self._texts, *self._verbatim]))
        for start in range(0, len(names), step):
            some = names[start : start + step]
            part = file.read_row_group(group, columns=some)
            for name in some:
                kind = self._kinds[name]
                if name in self._texts:
                    self._texts[name].add(self._rows, part.column(name), kind)
                if name in self._verbatim:
                    self._verbatim[name].add(
                        self._rows, part.column(name), "text" if kind == "text" else "exact"
                    )

    def _note_infinite(self, name: str, column: FloatArray, first: int) -> None:
        """Remember the first infinite cell: looked for here, where the cells lie side by side."""
        if name not in self._infinite and np.isinf(column).any():
            infinite = np.isinf(column) & ~np.isin(column, self._missing_numbers)
            if infinite.any():
                row = int(infinite.argmax())
                self._infinite[name] = (first + row, str(column[row]))

    def table(self, source: Source, names: Sequence[str], notes: Sequence[str]) -> Table:
        """Settle the columns and put them together."""
        for value in self._missing_numbers:
            self._matrix[self._matrix == value] = np.nan
        settled = Settled()
        settled.texts = {name: cells.column() for name, cells in self._texts.items()}
        settled.verbatim = {name: cells.column() for name, cells in self._verbatim.items()}
        for name, infinite in self._infinite.items():
            settled.add_facts(name, NumberFacts(infinite=infinite))
        table = make_table(source.typed, names, settled, notes, LineMap(), self._matrix, self._numeric)
        settled.refuse_infinite(source.label, table.place)
        return table


class _TextCells:
    """A column of text as it is read: codes into levels in order of first appearance, -1 where missing."""

    def __init__(self, n_rows: int, missing: CellRules) -> None:
        self._codes: IntCodes = np.full(n_rows, -1, dtype=np.int32)
        self._levels: dict[str, int] = {}
        self._missing = missing

    def add(self, first: int, column: Any, kind: str) -> None:
        """Add the cells of a pyarrow column from row ``first`` on."""
        for chunk in column.chunks:
            as_string = kind in ("bool", "exact") or str(chunk.type) == "string_view"
            array = chunk.cast("string") if as_string else chunk
            coded = array if hasattr(array, "dictionary") else array.dictionary_encode()
            levels = coded.dictionary.cast("string") if kind == "date" else coded.dictionary
            texts, nulls = levels.to_pylist(), nulls_of(coded.indices)
            codes = values_of(coded.indices)
            if nulls is not None:
                codes = np.where(nulls, len(texts), codes)
            # The dictionary in the file may be in any order; levels are in order of their first row.
            used, first_rows = np.unique(codes, return_index=True)
            places = np.full(len(texts) + 1, -1, dtype=np.int32)
            for code in used[np.argsort(first_rows)].tolist():
                places[code] = self._place(texts[code], kind) if code < len(texts) else -1
            self._codes[first : first + len(codes)] = places[codes]
            first += len(codes)

    def _place(self, value: object, kind: str) -> int:
        text = "" if value is None else str(value).strip(BLANKS)
        text = _iso(text) if kind == "date" else text
        return -1 if self._missing.is_missing(text) else self._levels.setdefault(text, len(self._levels))

    def column(self) -> TextColumn:
        return TextColumn(self._codes, tuple(self._levels))


def _iso(text: str) -> str:
    """Return a date or time as pyarrow prints it in ISO 8601, without trailing zeros of a second."""
    return re.sub(r"(\.\d*?)0+(?!\d)", lambda found: found[1].rstrip("."), text.replace(" ", "T", 1))


def _floats(column: Any) -> FloatArray:
    """Return a pyarrow column of numbers as (n,) float64, NaN where null."""
    parts = []
    for chunk in column.chunks:
        if str(chunk.type) == "null":
            parts.append(np.full(len(chunk), np.nan))
            continue
        array = chunk if has_dtype(chunk) else chunk.cast("double", safe=False)
        values, nulls = values_of(array).astype(np.float64, copy=False), nulls_of(array)
        parts.append(values if nulls is None else np.where(nulls, np.nan, values))
    return parts[0] if len(parts) == 1 else np.concatenate([np.empty(0), *parts])
