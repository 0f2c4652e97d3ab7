"""Parquet files as they describe themselves: opened, their columns and rows, whether several are one table.

pyarrow is imported where it is used.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO, NamedTuple

from l2cli.data.header import refuse_repeated_names
from l2cli.data.parquet_types import agreed_type, type_of
from l2cli.data.source import Source
from l2cli.data.text_parts import Opener, columns_differ, refuse_other_kind
from l2cli.errors import DataError, UsageError, shown
from l2cli.spec import ReadSpec

# A file up to this many bytes is read whole.
_IN_MEMORY = 4 << 20


class ParquetPart(NamedTuple):
    """What a file says of itself.

    types : those of its columns by name. metadata : of the only file, so that it is read once.
    """

    label: str
    opened: Opener
    n_rows: int
    types: dict[str, Any]
    metadata: Any


def look_at_files(
    openers: Sequence[Opener], spec: ReadSpec, names: Collection[str] | None
) -> list[ParquetPart]:
    """Look at what the files say of themselves, and whether that can be; ``names`` are to be read."""
    parts: list[ParquetPart] = []
    for opener in openers:
        with opener() as source, readable(source.label):
            refuse_other_kind(source, "parquet", parts[0].label if parts else "")
            file = opened_file(source, spec)
            types = columns_of(file.schema_arrow, source.label)
            metadata = file.metadata
            groups = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
            if sum(groups) != metadata.num_rows or min(groups, default=0) < 0:
                raise contradiction(source.label)
            n_columns = len(types) if names is None else sum(name in types for name in set(names))
            source.refuse_expanded(_promised(metadata, n_columns), "expands")
            kept = metadata if len(openers) == 1 else None
            parts.append(ParquetPart(source.label, opener, metadata.num_rows, types, kept))
    return parts


def _promised(metadata: Any, n_columns: int) -> int:
    """Return the bytes that a file says it holds: its pages unpacked, or its numbers in memory if more."""
    groups = range(metadata.num_row_groups)
    pages: int = sum(metadata.row_group(group).total_byte_size for group in groups)
    n_rows: int = metadata.num_rows
    return max(pages, 8 * n_rows * n_columns)


def agreed_types(parts: Sequence[ParquetPart]) -> dict[str, tuple[Any, str]]:
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
            if of == before:
                continue
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


def contradiction(label: str) -> DataError:
    """Describe a file with other rows than it says it has."""
    return DataError(
        f"{label}: not a readable Parquet file (it has other numbers of rows than it says)",
        hint="write or copy it again",
    )


@contextmanager
def readable(label: str) -> Iterator[None]:
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


def opened_file(source: Source, spec: ReadSpec, metadata: Any = None) -> Any:
    """Return the file as pyarrow sees it; refuse options without a meaning for it.

    ``metadata`` is what the file says of itself, where that has been read.
    """
    from pyarrow import parquet

    given = {"--delimiter": spec.delimiter, "--decimal": spec.decimal, "--encoding": spec.encoding}
    options = [option for option, value in given.items() if value is not None]
    options += [] if spec.header else ["--no-header"]
    if options:
        raise UsageError(f"{options[0]} does not go with {source.label}, a Parquet file", hint="leave it out")
    return parquet.ParquetFile(_without_python(source.plain_file()), metadata=metadata)


def _without_python(file: BinaryIO) -> Any:
    """Return a file that pyarrow's threads can read, and let go of, without Python.

    Of a file of Python they may still hold a piece when the program ends, and abort it then (seen in one of
    a hundred runs). A large one is opened once more, by its number as it may have no name.
    """
    import pyarrow as pa

    size = file.seek(0, 2)
    file.seek(0)
    if size <= _IN_MEMORY:
        copy = pa.BufferOutputStream()
        copy.write(file.read())
        return pa.BufferReader(copy.getvalue())
    with suppress(OSError):  # a file in memory has no number, and not every system can open one
        return pa.OSFile(f"/dev/fd/{file.fileno()}")
    return file


def columns_of(schema: Any, label: str) -> dict[str, Any]:
    """Return the types of the columns by name.

    The index of a data frame stands last in a file of pandas, where it would be taken for the target; it
    comes first, as in a data frame.
    """
    names: list[str] = list(schema.names)
    if not names:
        raise DataError(f"{label}: no columns", code="empty")
    refuse_repeated_names(names, label)
    types = {field.name: type_of(field) for field in schema}
    first = [name for name in _index_of(schema) if name in types]
    return {name: types[name] for name in (*first, *(name for name in names if name not in first))}


def _index_of(schema: Any) -> list[str]:
    """Return the columns that pandas says are the index; nothing where it says nothing sensible."""
    try:
        said = schema.pandas_metadata
    except ValueError:
        return []
    index = said.get("index_columns") if isinstance(said, dict) else None
    return [name for name in index if isinstance(name, str)] if isinstance(index, list) else []
