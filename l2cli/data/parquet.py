"""Read Parquet: its columns have types, so no text is taken for a number and only null and NaN are missing.

Parts of a table are first asked for their columns and numbers of rows, and then read one after the other,
row group by row group, into one matrix. A text of blanks only, and what ``--na`` names, is missing as well.
pyarrow is imported where it is used.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Container, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from l2cli.data.arrow_buffers import has_dtype, nulls_of, values_of
from l2cli.data.cells import BLANKS, CellRules, infinite_values
from l2cli.data.columns import IntCodes, LineMap, NumberFacts, Settled, make_table
from l2cli.data.dialect import refuse_repeated_names
from l2cli.data.memory import physical_memory
from l2cli.data.parquet_types import (
    SECONDS,
    agreed_type,
    is_exact,
    kind_of,
    refusal,
    type_notes,
    type_of,
)
from l2cli.data.source import Source, label_of
from l2cli.data.table import FloatArray, PartRows, Table, TextColumn
from l2cli.data.text_parts import Opener, columns_differ, refuse_other_kind
from l2cli.errors import DataError, UsageError, shown
from l2cli.spec import ReadSpec

# Decoded at a time: a group of columns of one row group, so that little more than the matrix is ever in
# memory.
_GROUP_CELLS = 1 << 22
# Copied at a time: as many rows of such a group as fit the cache.
_ROWS_AT_ONCE = 1 << 13
_NUMERIC = ("number", "duration")
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")


def parquet_names(source: Source, spec: ReadSpec) -> tuple[str, ...]:
    """Return the column names of a Parquet file, the unnamed index of a data frame left out."""
    with _readable(source.label):
        columns = _columns(_opened(source, spec).schema_arrow, source.label)
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
    parts = _parts(openers, spec)
    types = _agreed_types(parts)
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
    n_rows = sum(part.n_rows for part in parts)
    if not n_rows:
        raise DataError(
            f"{label_of(typed)}: no data rows, only columns ({shown(', '.join(kept), 80)})", code="no_rows"
        )
    _refuse_too_large(typed, n_rows, list(kinds.values()))
    content = _Content(n_rows, kinds, spec, exact)
    for part in parts:
        with part.opened() as source, _readable(part.label):
            content.add_part(_opened(source, spec, part.metadata), part.label)
    notes = [
        f"column '{name}', the unnamed index of a data frame, is left out"
        for name in wanted
        if _PANDAS_INDEX.fullmatch(name)
    ]
    table = content.table(typed, kept, [*notes, *type_notes(kinds)], types)
    table.refused = refused
    return table


class _Part(NamedTuple):
    """A file: what it says of itself. metadata : for the only one, so that it is read once."""

    label: str
    opened: Opener
    n_rows: int
    types: dict[str, Any]
    metadata: Any


def _parts(openers: Sequence[Opener], spec: ReadSpec) -> list[_Part]:
    """Look at what the files say of themselves, and whether that can be."""
    parts: list[_Part] = []
    for opener in openers:
        with opener() as source, _readable(source.label):
            refuse_other_kind(source, "parquet", parts[0].label if parts else "")
            file = _opened(source, spec)
            types = _columns(file.schema_arrow, source.label)
            metadata = file.metadata
            groups = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
            if sum(groups) != metadata.num_rows or min(groups, default=0) < 0:
                raise _contradiction(source.label)
            kept = metadata if len(openers) == 1 else None
            parts.append(_Part(source.label, opener, metadata.num_rows, types, kept))
    return parts


def _agreed_types(parts: Sequence[_Part]) -> dict[str, tuple[Any, str]]:
    """Return the columns of all parts: their types, and the part that decides on each.

    Raises
    ------
    DataError
        Naming the part and the column that does not agree with the first.
    """
    first = parts[0]
    found = {name: (of, first.label) for name, of in first.types.items()}
    for part in parts[1:]:
        if set(part.types) != set(found):
            raise columns_differ((part.label, list(part.types)), (first.label, list(found)))
        for name, of in part.types.items():
            before, label = found[name]
            agreed = agreed_type(before, of)
            if agreed is None:
                raise DataError(
                    f"{part.label}: column '{shown(name)}' is {shown(str(of), 40)}, and in {label} it is"
                    f" {shown(str(before), 40)}",
                    hint="write all parts with the same types",
                    code="parts_differ",
                )
            if agreed is not before:
                found[name] = (agreed, part.label)
    return found


def _refuse_too_large(typed: str, n_rows: int, kinds: Sequence[str]) -> None:
    """Raise DataError where the columns cannot be held, be the file that large or only say so."""
    texts = sum(kind not in _NUMERIC for kind in kinds)
    size, memory = n_rows * (8 * (len(kinds) - texts) + 4 * texts), physical_memory()
    if size > memory:
        raise DataError(
            f"{label_of(typed)}: {n_rows} rows of {len(kinds)} columns need {size / 2**30:.3g} GB, and this"
            f" machine has {memory / 2**30:.3g} GB",
            hint="give fewer rows or columns (if it should not be that large, the file is damaged)",
            code="too_large",
        )


def _contradiction(label: str) -> DataError:
    return DataError(
        f"{label}: not a readable Parquet file (it says of itself that it has other numbers of rows than it"
        " has)",
        hint="write or copy it again",
    )


@contextmanager
def _readable(label: str) -> Iterator[None]:
    """Turn what pyarrow says of a damaged file into one line."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = shown(str(error).partition("\n")[0], 120)
        if "crypt" in reason:
            raise DataError(
                f"{label}: is an encrypted Parquet file", hint="write it without encryption"
            ) from error
        raise DataError(
            f"{label}: not a readable Parquet file ({reason})", hint="write or copy it again"
        ) from error


def _opened(source: Source, spec: ReadSpec, metadata: Any = None) -> Any:
    """Return the file as pyarrow sees it; refuse options without a meaning for it.

    ``metadata`` is what the file says of itself, where that has been read.
    """
    from pyarrow import parquet

    given = {"--delimiter": spec.delimiter, "--decimal": spec.decimal, "--encoding": spec.encoding}
    options = [option for option, value in given.items() if value is not None]
    options += [] if spec.header else ["--no-header"]
    if options:
        raise UsageError(f"{options[0]} does not go with {source.label}, a Parquet file", hint="leave it out")
    return parquet.ParquetFile(source.plain_file(), metadata=metadata)


def _columns(schema: Any, label: str) -> dict[str, Any]:
    """Return the types of the columns by name.

    The index of a data frame stands last in a file of pandas, where it would be taken for the target; it
    comes first, as in a data frame.
    """
    names: list[str] = list(schema.names)
    if not names:
        raise DataError(f"{label}: no columns", code="empty")
    refuse_repeated_names(names, label)
    index = (schema.pandas_metadata or {}).get("index_columns", ())
    types = {field.name: type_of(field) for field in schema}
    first = [name for name in index if isinstance(name, str) and name in types]
    return {name: types[name] for name in (*first, *(name for name in names if name not in first))}


class _Content:
    """The columns read so far."""

    def __init__(self, n_rows: int, kinds: dict[str, str], spec: ReadSpec, exact: Collection[str]) -> None:
        self.n_rows = n_rows
        self._kinds = kinds
        self._numeric = [name for name, kind in kinds.items() if kind in _NUMERIC]
        self._matrix = np.empty((n_rows, len(self._numeric)))
        tokens = [token.strip(BLANKS) for token in spec.na or ()]
        self._missing = CellRules(frozenset(("", *tokens)))
        self._missing_numbers = [*self._missing.missing_values, *infinite_values(tokens)]
        self._texts = {
            name: _TextCells(n_rows, self._missing) for name, kind in kinds.items() if kind not in _NUMERIC
        }
        self._verbatim = {name: _TextCells(n_rows, CellRules(frozenset({""}))) for name in exact}
        self._infinite: dict[str, tuple[int, str]] = {}
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
            for top in range(0, n_rows, _ROWS_AT_ONCE):
                target = self._matrix[first + top : min(first + top + _ROWS_AT_ONCE, last)]
                for k, column in enumerate(columns, start):
                    target[:, k] = column[top : top + _ROWS_AT_ONCE]
        self._add_texts(file, group, step, label)
        self._rows = last

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

    def _note_infinite(self, name: str, column: FloatArray, first: int) -> None:
        """Remember the first infinite cell: looked for here, where the cells lie side by side."""
        if name not in self._infinite and np.isinf(column).any():
            infinite = np.isinf(column) & ~np.isin(column, self._missing_numbers)
            if infinite.any():
                row = int(infinite.argmax())
                self._infinite[name] = (first + row, str(column[row]))

    def table(
        self, typed: str, names: Sequence[str], notes: Sequence[str], file_names: Collection[str]
    ) -> Table:
        """Settle the columns and put them together; ``names`` that were not read have no value."""
        for value in self._missing_numbers:
            self._matrix[self._matrix == value] = np.nan
        settled = Settled()
        unread = [name for name in names if name not in self._kinds]
        if unread:
            nothing = TextColumn(np.full(self.n_rows, -1, dtype=np.int32), ())
            settled.texts = dict.fromkeys(unread, nothing)
        settled.texts |= {name: cells.column() for name, cells in self._texts.items()}
        settled.verbatim = {name: cells.column() for name, cells in self._verbatim.items()}
        for name, infinite in self._infinite.items():
            settled.add_facts(name, NumberFacts(infinite=infinite))
        return make_table(
            typed,
            names,
            settled,
            notes,
            LineMap(),
            PartRows(tuple(label for label, _ in self._parts), tuple(row for _, row in self._parts)),
            self._matrix,
            self._numeric,
            file_names=tuple(file_names),
        )


def _read(file: Any, group: int, names: list[str], n_rows: int, label: str) -> Any:
    """Return some columns of a row group, which must have as many rows as it says."""
    part = file.read_row_group(group, columns=names)
    if part.num_rows != n_rows:
        raise _contradiction(label)
    return part


class _TextCells:
    """A column of text as it is read: codes into levels in order of first appearance, -1 where missing."""

    def __init__(self, n_rows: int, missing: CellRules) -> None:
        self._codes: IntCodes = np.full(n_rows, -1, dtype=np.int32)
        self._levels: dict[str, int] = {}
        self._missing = missing

    def add(self, first: int, column: Any, kind: str) -> None:
        """Add the cells of a pyarrow column from row ``first`` on."""
        for chunk in column.chunks:
            if str(chunk.type) == "null":
                first += len(chunk)
                continue
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
        ticks = SECONDS[chunk.type.unit] if str(chunk.type).startswith("duration") else None
        array = (
            chunk.cast("int64") if ticks else chunk if has_dtype(chunk) else chunk.cast("double", safe=False)
        )
        values, nulls = values_of(array).astype(np.float64, copy=False), nulls_of(array)
        values = values if ticks is None else values / ticks
        parts.append(values if nulls is None else np.where(nulls, np.nan, values))
    return parts[0] if len(parts) == 1 else np.concatenate([np.empty(0), *parts])
