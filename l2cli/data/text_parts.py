"""The texts of a table: one file or several parts, each laid out by itself, their columns matched by name.

Standard library only, so that a header can be read without NumPy. The first part with a data row decides how
fields are separated and in which order the columns stand; every other one must have the same columns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, TypeVar

from l2cli.data.cells import BLANKS
from l2cli.data.dialect import SAMPLE_BYTES, Layout, find_layout, sample_of
from l2cli.data.preamble import COMMENT, begins_table
from l2cli.data.sizes import Sizes
from l2cli.data.source import Source
from l2cli.data.textstream import after_lines, check_text, clean_pieces
from l2cli.errors import DataError, shown
from l2cli.spec import ReadSpec

Opener = Callable[[], AbstractContextManager[Source]]
"""Opens a source anew, at its start; parts are opened one at a time, however many there are."""

T = TypeVar("T")

_LONGEST_PREAMBLE = 16 << 20


class TextPart(NamedTuple):
    """One of the texts.

    label : what messages call it. size : its stored bytes.
    layout : its own header, the delimiter and rules of all.
    start : its beginning, clean. whole : whether that is all of it. has_rows : whether it is more than a
        header.
    order : ``order[i]`` is the place among the columns of the table of its column i; None where they are the
        same.
    """

    label: str
    opened: Opener
    size: int
    layout: Layout
    start: bytes
    whole: bool
    has_rows: bool
    order: tuple[int, ...] | None = None

    def in_order(self, columns: Sequence[T]) -> Sequence[T]:
        """Return what belongs to the columns of this part in the order of those of the table."""
        if self.order is None:
            return columns
        placed = dict(zip(self.order, columns, strict=False))
        return [placed[j] for j in range(len(placed))]


class Texts(NamedTuple):
    """The parts of a table.

    base : the one that decides, with its beginning. small : whether all of them together are small; only
        then have the others kept their beginnings.
    layout : the columns and the dialect of the table, with what is to be said of all parts.
    """

    parts: list[TextPart]
    base: TextPart
    small: bool
    layout: Layout


def find_texts(openers: Sequence[Opener], spec: ReadSpec, sizes: Sizes) -> Texts:
    """Look at the beginning of every part.

    Raises
    ------
    DataError
        Naming the part that is no text, has no header, or other columns than the first.
    """
    parts: list[TextPart] = []
    base: TextPart | None = None
    room = sizes.small
    for opener in openers:
        with opener() as opened:
            refuse_other_kind(opened, "text", parts[0].label if parts else "")
            pieces = clean_pieces(opened.blocks(sizes.piece), spec.encoding, opened.label, opened.head)
            start, whole = beginning(pieces, max(room, SAMPLE_BYTES))
            layout = _layout_like(base, start, whole, spec, opened.label)
            has_rows = not whole or _has_rows(start, layout)
            part = TextPart(opened.label, opener, opened.size, layout, start, whole, has_rows)
        room = room - len(start) if whole else -1
        if base is not None:
            part = _matched(part, base, spec)
        elif has_rows:
            base = part
            parts = [_matched(_laid_out(other, base, spec), base, spec) for other in parts]
        parts.append(part if room >= 0 or base is None else part._replace(start=b""))
    if base is None:
        base = parts[0]
        parts = [_matched(_laid_out(other, base, spec), base, spec) for other in parts]
    layout = base.layout._replace(
        notes=(*_layout_notes(parts), *_order_notes(parts)),
        comments=sum(part.layout.comments for part in parts),
    )
    return Texts(parts, base, room >= 0, layout)


def _layout_notes(parts: Sequence[TextPart]) -> tuple[str, ...]:
    """Return what is to be said of how the parts with rows are laid out, each naming its parts unless all."""
    full = [part for part in parts if part.has_rows] or parts[:1]
    told: dict[str, list[str]] = {}
    for part in full:
        for note in part.layout.notes:
            told.setdefault(note, []).append(part.label)
    return tuple(
        note if len(labels) == len(full) else f"{_some(labels)}: {note}" for note, labels in told.items()
    )


def _order_notes(parts: Sequence[TextPart]) -> tuple[str, ...]:
    moved = [part.label for part in parts if part.order is not None]
    return (f"columns in another order are matched by name in {_some(moved)}",) if moved else ()


def _some(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - 3} more" if len(labels) > 3 else ""
    return f"{', '.join(labels[:3])}{more}"


def refuse_other_kind(opened: Source, kind: str, first: str) -> None:
    """Raise DataError where one part is Parquet and another text."""
    if opened.kind != kind:
        names = {"text": "text", "parquet": "Parquet"}
        raise DataError(
            f"{opened.label}: is {names[opened.kind]}, and {first} is {names[kind]}",
            hint="the parts of a table must all be text or all be Parquet",
            code="parts_differ",
        )


def beginning(pieces: Iterator[bytes], size: int) -> tuple[bytes, bool]:
    """Return pieces of more than ``size`` bytes together, or all there are; and whether those are all.

    They reach beyond the comments on top, some of which are longer than many a table.
    """
    start: list[bytes] = []
    total = 0
    for piece in pieces:
        start.append(piece)
        total += len(piece)
        if total > size and (total > _LONGEST_PREAMBLE or begins_table(b"".join(start))):
            return b"".join(start), False
    return b"".join(start), True


def layout_of(start: bytes, whole: bool, spec: ReadSpec, label: str, base: TextPart | None = None) -> Layout:
    """Return the layout that the beginning of a text shows; fields are separated as those of ``base``."""
    sample, complete = sample_of(start, whole)
    check_text(sample, 1, label)
    like = None if base is None else base.layout.delimiter
    return find_layout(sample.decode(), complete, spec, label, like)


def _layout_like(base: TextPart | None, start: bytes, whole: bool, spec: ReadSpec, label: str) -> Layout:
    """Return the layout of a part whose fields are separated as those of ``base``; say so where not."""
    try:
        return layout_of(start, whole, spec, label, base)
    except DataError:
        if base is not None:
            _refuse_other_delimiter(layout_of(start, whole, spec, label), label, base)
        raise


def _laid_out(part: TextPart, base: TextPart, spec: ReadSpec) -> TextPart:
    """Return a part that was looked at before the one that decides."""
    if part.layout.delimiter == base.layout.delimiter:
        return part
    return part._replace(layout=layout_of(part.start, part.whole, spec, part.label, base))


def _has_rows(start: bytes, layout: Layout) -> bool:
    """Return whether a text has rows: comments, and lines of nothing but delimiters, are none."""
    nothing = re.escape(BLANKS + layout.delimiter)
    row = re.compile(rf"^[{nothing}]*[^{nothing}\n{COMMENT}]".encode(), re.MULTILINE)
    return row.search(start, after_lines(start, layout.header_lines)) is not None


def _matched(part: TextPart, base: TextPart, spec: ReadSpec) -> TextPart:
    """Return a part with the places of its columns in the table.

    Raises
    ------
    DataError
        Where it has other columns.
    """
    names, wanted = part.layout.names, base.layout.names
    if names == wanted:
        return part
    place = {name: j for j, name in enumerate(wanted)}
    if len(names) == len(wanted) and all(name in place for name in names):
        return part._replace(order=tuple(place[name] for name in names))
    _refuse_other_delimiter(layout_of(part.start, part.whole, spec, part.label), part.label, base)
    raise columns_differ((part.label, names), (base.label, wanted), header=spec.header)


def _refuse_other_delimiter(own: Layout, label: str, base: TextPart) -> None:
    """Raise DataError for a part that has the columns of ``base`` behind another delimiter."""
    if own.delimiter != base.layout.delimiter and set(own.names) == set(base.layout.names):
        raise DataError(
            f"{label}: fields are separated by {_spoken(own.delimiter)}, those of {base.label} by"
            f" {_spoken(base.layout.delimiter)}",
            hint="write all parts alike",
            code="parts_differ",
        )


def columns_differ(
    part: tuple[str, Sequence[str]], base: tuple[str, Sequence[str]], *, header: bool = True
) -> DataError:
    """Describe a part that has not the columns of the first; both are given as label and names."""
    (label, names), (first, wanted) = part, base
    lacks = [name for name in wanted if name not in set(names)]
    more = [name for name in names if name not in set(wanted)]
    if not header:
        found = f"{len(names)} columns, and {first} has {len(wanted)}"
    elif lacks:
        instead = f", but {_named(more)}" if more else ""
        found = f"no {_named(lacks)}, which {first} has{instead}"
    else:
        found = (
            f"{_named(more)} is not in {first}" if len(more) == 1 else f"{_named(more)} are not in {first}"
        )
    return DataError(
        f"{label}: {found}",
        hint="parts of one table need the same columns; mend one, or give a pattern that leaves it out",
        code="parts_differ",
    )


def _named(names: Sequence[str]) -> str:
    """Return ``column 'a'`` or ``columns 'a', 'b' and 3 more``."""
    some = ", ".join(f"'{shown(name)}'" for name in names[:3])
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"column {some}" if len(names) == 1 else f"columns {some}{more}"


def _spoken(delimiter: str) -> str:
    return {"\t": "tabs", " ": "blanks"}.get(delimiter, f"'{delimiter}'")
