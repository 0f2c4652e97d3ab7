"""What becomes of the types of Parquet: numbers, booleans, texts, dates and durations; others are refused.

A column of another type is no error as long as nobody needs it, so that ``--drop`` can leave it out.
pyarrow is imported where it is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from l2cli.errors import DataError, shown

NUMERIC = ("number", "duration")
"""The kinds that are columns of the matrix."""
SECONDS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
"""Ticks of a duration in a second, by its unit."""


class Unknown(NamedTuple):
    """An extension type that pyarrow does not know, and would read as the type that it is stored as."""

    name: str

    def __str__(self) -> str:
        return f"extension<{self.name}>"


def type_of(field: Any) -> Any:
    """Return the type of a field of a schema."""
    name = (field.metadata or {}).get(b"ARROW:extension:name")
    return field.type if name is None else Unknown(name.decode("utf-8", "replace"))


def kind_of(of: Any) -> str | None:
    """Return what the values of a type are read as; None for a type that is refused.

    ``number`` and ``duration`` become numbers; ``bool``, ``text``, ``date`` (days and moments) and ``time``
    (of day) text.
    """
    import pyarrow as pa
    from pyarrow import types

    if isinstance(of, Unknown):
        return None
    if types.is_integer(of) or types.is_floating(of) or types.is_decimal(of) or types.is_null(of):
        return "number"
    if types.is_boolean(of):
        return "bool"
    if types.is_dictionary(of):
        return "text" if kind_of(of.value_type) else None
    if types.is_string(of) or types.is_large_string(of) or str(of) == "string_view":
        return "text"
    if types.is_duration(of):
        return "duration"
    if types.is_time(of):
        return "time"
    if types.is_date(of):
        return "date"
    if types.is_timestamp(of):
        try:
            pa.nulls(1, of).cast("string")  # a scalar would import pandas
        except pa.ArrowInvalid:  # a time zone that nobody knows
            return None
        return "date"
    return None


def refusal(of: Any, name: str, label: str) -> DataError:
    """Return the error for whoever needs a column that :func:`kind_of` has no kind for."""
    import pyarrow as pa
    from pyarrow import types

    if isinstance(of, Unknown):
        found = f"holds extension values ({shown(str(of), 40)})"
    elif types.is_timestamp(of):
        found = f"has times of an unknown time zone, '{shown(str(of.tz))}'"
    else:
        extension = isinstance(of, pa.BaseExtensionType)
        what = "extension" if extension else "nested" if types.is_nested(of) else "binary"
        found = f"holds {what} values ({shown(str(of), 40)})"
    return DataError(
        f"{label}: column '{shown(name)}' {found}", hint=f"leave it out with --drop '{shown(name)}'"
    )


def is_exact(of: Any) -> bool:
    """Return True for numbers that text keeps better than a double."""
    from pyarrow import types

    return bool(types.is_integer(of) or types.is_decimal(of))


def agreed_type(first: Any, other: Any) -> Any | None:
    """Return the type that says what a column is whose types in two parts are these; None where they differ.

    Types agree that become the same: all numbers, all texts, dates of one grain and time zone. A column of
    nothing but null agrees with any.
    """
    if _is_null(first) or _is_null(other):
        return other if _is_null(first) else first
    kinds = kind_of(first), kind_of(other)
    if kinds[0] != kinds[1]:
        # Of a type that is refused in one part the column is refused in all.
        return None if None not in kinds else first if kinds[0] is None else other
    if kinds[0] == "date" and _grain(first) != _grain(other):
        return None
    return other if is_exact(first) and not is_exact(other) else first


def _is_null(of: Any) -> bool:
    """Return True for the type of a column of nothing but null."""
    from pyarrow import types

    return not isinstance(of, Unknown) and bool(types.is_null(of))


def _grain(of: Any) -> str:
    """Return what tells days from moments, and moments of one time zone from those of another."""
    from pyarrow import types

    return "day" if types.is_date(of) else f"moment {of.tz}"


def type_notes(kinds: Mapping[str, str]) -> list[str]:
    """Return what to say of columns whose values are read as something else."""
    said = (
        ("times of day are taken as text", ("time",)),
        ("durations are taken as numbers of seconds", ("duration",)),
    )
    notes = []
    for text, these in said:
        names = [f"'{shown(name)}'" for name, kind in kinds.items() if kind in these]
        if names:
            notes.append(f"{text}: column{'s' * (len(names) > 1)} {', '.join(names)}")
    return notes
