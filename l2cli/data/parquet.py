"""Read Parquet: its columns have types, so no text is taken for a plain number; null and NaN are missing.

Parts of a table are first asked for their columns and numbers of rows, and then read one after the other,
row group by row group, into one matrix. A text of blanks only, and what ``--na`` names, is missing as well.
Numbers such as ``$1,000`` cannot be but text, so they are read as in any file. pyarrow is imported where it
is used.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Container, Sequence
from math import isnan
from typing import Any

import numpy as np

from l2cli.data.arrow_buffers import has_dtype, nulls_of, values_of
from l2cli.data.cells import BLANKS, WHOLE, CellRules, infinite_values, is_rounded
from l2cli.data.columns import CodedCells, IntCodes, LineMap, NumberFacts, spellings
from l2cli.data.memory import refuse_too_large
from l2cli.data.parquet_files import (
    ParquetPart,
    agreed_types,
    columns_of,
    contradiction,
    look_at_files,
    opened_file,
    readable,
)
from l2cli.data.parquet_types import NUMERIC, SECONDS, is_exact, kind_of, refusal, type_notes
from l2cli.data.settle import Settled, make_table
from l2cli.data.source import Source, changed, label_of
from l2cli.data.table import FloatArray, PartRows, Table, TextColumn
from l2cli.data.text_parts import Opener
from l2cli.errors import DataError, shown
from l2cli.spec import ReadSpec

# Decoded at a time: a group of columns of one row group, so that little more than the matrix is ever in
# memory.
_GROUP_CELLS = 1 << 22
# Copied at a time: as many rows of such a group as fit the cache.
_ROWS_AT_ONCE = 1 << 13
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")


def parquet_names(source: Source, spec: ReadSpec) -> tuple[str, ...]:
    """Return the column names of a Parquet file, the unnamed index of a data frame left out."""
    with readable(source.label):
        columns = columns_of(opened_file(source, spec).schema_arrow, source.label)
    return tuple(name for name in columns if not _PANDAS_INDEX.fullmatch(name))


def read_parquet(
    openers: Sequence[Opener],
    typed: str,
    spec: ReadSpec,
    names: Collection[str] | None = None,
    verbatim: Container[str] = (),
) -> Table:
    """Return the table of one Parquet file, or of the parts of one.

    Parameters
    ----------
    openers : sequence
        Open the files, each twice: for what it says of itself, and for its rows.
    typed : str
        What the user typed.
    spec : ReadSpec
        Only ``na`` has a meaning here.
    names : collection of str, optional
        Keep only these columns.
    verbatim : container of str
        Columns of which text, whole and decimal numbers are kept as they stand too.

    Raises
    ------
    DataError
        For a damaged or empty file, parts with other columns or types, a column of nested or binary values
        among ``names``, duplicate names, an infinite value, and more numbers than memory has room for.
    UsageError
        For options that only a text file can follow.
    """
    parts = look_at_files(openers, spec, names)
    types = agreed_types(parts)
    asked = set(types if names is None else names)
    wanted = [name for name in types if name in asked]
    kept = [name for name in wanted if not _PANDAS_INDEX.fullmatch(name)]
    kinds = {name: kind for name in kept if (kind := kind_of(types[name][0])) is not None}
    refused = {name: refusal(types[name][0], name, types[name][1]) for name in kept if name not in kinds}
    if refused and names is not None:
        raise next(iter(refused.values()))
    exact = {
        name
        for name, kind in kinds.items()
        if name in verbatim and (kind == "text" or is_exact(types[name][0]))
    }
    whole = {name for name in kinds if any(is_exact(part.types[name]) for part in parts)}
    n_rows = sum(part.n_rows for part in parts)
    if not n_rows:
        raise DataError(
            f"{label_of(typed)}: no data rows, only columns ({shown(', '.join(kept), 80)})", code="no_rows"
        )
    numbers = sum(kind in NUMERIC for kind in kinds.values())
    refuse_too_large(label_of(typed), n_rows, numbers, len(kinds) - numbers)
    content = _Content(n_rows, kinds, spec, exact, whole)
    for part in parts:
        with part.opened() as source, readable(part.label):
            content.add_part(_opened_again(part, source, spec), part.label)
    for number, part in enumerate(parts if content.large else ()):
        with part.opened() as source, readable(part.label):
            content.add_large(_opened_again(part, source, spec), number)
    notes = [
        f"column '{name}', the unnamed index of a data frame, is left out"
        for name in wanted
        if _PANDAS_INDEX.fullmatch(name)
    ]
    file_names = tuple(name for name in types if not _PANDAS_INDEX.fullmatch(name))
    table = content.table(typed, kept, [*notes, *type_notes(kinds)], file_names)
    table.refused = refused
    return table


def _opened_again(part: ParquetPart, source: Source, spec: ReadSpec) -> Any:
    """Return the file of a part, which must be what it was at the first look."""
    file = opened_file(source, spec, part.metadata)
    if file.metadata.num_rows != part.n_rows or columns_of(file.schema_arrow, part.label) != part.types:
        raise changed(part.label)
    return file


class _Content:
    """The columns read so far."""

    def __init__(
        self,
        n_rows: int,
        kinds: dict[str, str],
        spec: ReadSpec,
        exact: Collection[str],
        whole: Collection[str],
    ) -> None:
        self.n_rows = n_rows
        self._kinds = kinds
        self._numeric = [name for name, kind in kinds.items() if kind in NUMERIC]
        self._matrix = np.empty((n_rows, len(self._numeric)))
        tokens = [token.strip(BLANKS) for token in spec.na or ()]
        self._missing = CellRules(frozenset(("", *tokens)), frozenset(), (".", ","))
        self._missing_numbers = [*self._missing.missing_values, *infinite_values(tokens)]
        self._texts = {
            name: _TextCells(n_rows, self._missing) for name, kind in kinds.items() if kind not in NUMERIC
        }
        self._verbatim = {name: _TextCells(n_rows, CellRules(frozenset({""}))) for name in exact}
        self._infinite: dict[str, tuple[int, str]] = {}
        self._whole = whole
        self.large: dict[str, _TextCells] = {}
        self._rows = 0
        self._parts: list[tuple[str, int]] = []

    def add_part(self, file: Any, label: str) -> None:
        """Read a file, row group by row group."""
        self._parts.append((label, self._rows))
        for group in range(file.num_row_groups):
            self._add_row_group(file, group, label)

    def _add_row_group(self, file: Any, group: int, label: str) -> None:
        """Read a row group, some columns at a time."""
        n_rows = file.metadata.row_group(group).num_rows
        step = max(1, _GROUP_CELLS // max(n_rows, 1))
        first, last = self._rows, self._rows + n_rows
        for start in range(0, len(self._numeric), step):
            some = self._numeric[start : start + step]
            part = _read(file, group, some, n_rows, label)
            columns = [_floats(part.column(name)) for name in some]
            for name, column in zip(some, columns, strict=True):
                self._note_infinite(name, column, first)
                if name in self._whole and bool((np.abs(column) >= WHOLE).any()):
                    self.large.setdefault(name, _TextCells(self.n_rows, self._missing))
            for top in range(0, n_rows, _ROWS_AT_ONCE):
                target = self._matrix[first + top : min(first + top + _ROWS_AT_ONCE, last)]
                for k, column in enumerate(columns, start):
                    target[:, k] = column[top : top + _ROWS_AT_ONCE]
        self._add_texts(file, group, step, label)
        self._rows = last
        levels = sum(cells.n_levels for cells in (*self._texts.values(), *self._verbatim.values()))
        refuse_too_large(label, self.n_rows, len(self._numeric), len(self._texts), levels)

    def _add_texts(self, file: Any, group: int, step: int, label: str) -> None:
        """Read the columns of a row group that are not numbers, or are wanted as text too."""
        n_rows = file.metadata.row_group(group).num_rows
        names = list(dict.fromkeys([*self._texts, *self._verbatim]))
        for start in range(0, len(names), step):
            some = names[start : start + step]
            part = _read(file, group, some, n_rows, label)
            for name in some:
                kind = self._kinds[name]
                if name in self._texts:
                    self._texts[name].add(self._rows, part.column(name), kind)
                if name in self._verbatim:
                    self._verbatim[name].add(
                        self._rows, part.column(name), "text" if kind == "text" else "exact"
                    )

    def add_large(self, file: Any, number: int) -> None:
        """Read the columns of large whole numbers in the file with this number again, as they stand."""
        label, first = self._parts[number]
        for group in range(file.num_row_groups):
            n_rows = file.metadata.row_group(group).num_rows
            for name, cells in self.large.items():
                cells.add(first, _read(file, group, [name], n_rows, label).column(name), "exact")
            first += n_rows

    def _note_infinite(self, name: str, column: FloatArray, first: int) -> None:
        """Remember the first infinite cell: looked for here, where the cells lie side by side."""
        if name not in self._infinite and np.isinf(column).any():
            infinite = np.isinf(column) & ~np.isin(column, self._missing_numbers)
            if infinite.any():
                row = int(infinite.argmax())
                self._infinite[name] = (first + row, str(column[row]))

    def table(
        self, typed: str, names: Sequence[str], notes: Sequence[str], file_names: tuple[str, ...]
    ) -> Table:
        """Settle the columns and put them together; ``names`` that were not read have no value."""
        for value in self._missing_numbers:
            self._matrix[self._matrix == value] = np.nan
        settled = Settled(self._missing, self._verbatim)
        unread = [name for name in names if name not in self._kinds]
        if unread:
            nothing = TextColumn(np.full(self.n_rows, -1, dtype=np.int32), ())
            settled.texts = dict.fromkeys(unread, nothing)
        settled.verbatim = {name: cells.column() for name, cells in self._verbatim.items()}
        large = {name: cells.column() for name, cells in self.large.items()}
        settled.rounded = {name: column for name, column in large.items() if _any_rounded(column)}
        for name, cells in self._texts.items():
            if self._kinds[name] == "text":
                settled.add_coded(name, cells.cells(), typed=True)
            else:
                settled.texts[name] = cells.column()
        for name, infinite in self._infinite.items():
            settled.add_facts(name, NumberFacts(infinite=infinite))
        settled.finish()
        return make_table(
            typed,
            names,
            settled,
            notes,
            LineMap(),
            PartRows(tuple(label for label, _ in self._parts), tuple(row for _, row in self._parts)),
            self._matrix,
            self._numeric,
            file_names=file_names,
        )


def _read(file: Any, group: int, names: list[str], n_rows: int, label: str) -> Any:
    """Return some columns of a row group, which must have as many rows as it says."""
    part = file.read_row_group(group, columns=names)
    if part.num_rows != n_rows:
        raise contradiction(label)
    return part


def _any_rounded(column: TextColumn) -> bool:
    """Return True where doubles do not hold all whole numbers of a column."""
    return any(is_rounded(level, float(level)) for level in column.levels)


class _TextCells:
    """A column of text as it is read: codes into levels in order of first appearance, -1 where missing."""

    def __init__(self, n_rows: int, missing: CellRules) -> None:
        self._codes: IntCodes = np.full(n_rows, -1, dtype=np.int32)
        self._levels: dict[str, int] = {}
        self._missing = missing

    @property
    def n_levels(self) -> int:
        """How many distinct texts there are so far."""
        return len(self._levels)

    def add(self, first: int, column: Any, kind: str) -> None:
        """Add the cells of a pyarrow column from row ``first`` on."""
        for chunk in column.chunks:
            if str(chunk.type) == "null":
                first += len(chunk)
                continue
            as_string = kind == "bool" or str(chunk.type) == "string_view"
            # A part may have doubles where another has whole numbers.
            as_string |= kind == "exact" and str(chunk.type) not in ("double", "float", "halffloat")
            array = chunk.cast("string") if as_string else chunk
            coded = array if hasattr(array, "dictionary") else array.dictionary_encode()
            levels = coded.dictionary.cast("string") if kind in ("date", "time") else coded.dictionary
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
        if isinstance(value, float):
            value = None if isnan(value) else int(value) if value.is_integer() else value
        text = "" if value is None else str(value)
        text = _iso(text) if kind in ("date", "time") else text
        gone = self._missing.is_missing(text.strip(BLANKS))
        return -1 if gone else self._levels.setdefault(text, len(self._levels))

    def column(self) -> TextColumn:
        """Return the column as text."""
        return TextColumn(self._codes, *spellings(list(self._levels)))

    def cells(self) -> CodedCells:
        """Return the column as cells, an empty one where it is missing."""
        levels = list(self._levels)
        return CodedCells(np.where(self._codes < 0, np.int32(len(levels)), self._codes), [*levels, ""])


def _iso(text: str) -> str:
    """Return a date or time as pyarrow prints it in ISO 8601, without trailing zeros of a second.

    What it prints no date for is beyond its calendar, which ends with the year 32767.
    """
    if beyond := re.fullmatch(r"<value out of range: (.*)>", text):
        return f"out of range ({beyond[1]})"
    return re.sub(r"(\.\d*?)0+(?!\d)", lambda found: found[1].rstrip("."), text.replace(" ", "T", 1))


def _floats(column: Any) -> FloatArray:
    """Return a pyarrow column of numbers as (n,) float64, NaN where null."""
    parts = []
    for chunk in column.chunks:
        if str(chunk.type) == "null":
            parts.append(np.full(len(chunk), np.nan))
            continue
        ticks = SECONDS[chunk.type.unit] if str(chunk.type).startswith("duration") else None
        array = (
            chunk.cast("int64") if ticks else chunk if has_dtype(chunk) else chunk.cast("double", safe=False)
        )
        values, nulls = values_of(array).astype(np.float64, copy=False), nulls_of(array)
        values = values if ticks is None else values / ticks
        parts.append(values if nulls is None else np.where(nulls, np.nan, values))
    return parts[0] if len(parts) == 1 else np.concatenate([np.empty(0), *parts])
