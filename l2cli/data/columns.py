"""From cells to columns: settle what each column is, and say what the user should know about it.

Every parser hands over a column as distinct cells and codes into them (:class:`CodedCells`), or as numbers
with the :class:`NumberFacts` it met on the way; the decisions, notes and errors that follow are taken here,
once.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.data.cells import (
    BLANKS,
    WHOLE,
    Reading,
    is_rounded,
)
from l2cli.data.table import FloatArray, TextColumn

IntCodes = npt.NDArray[np.int32]


class CodedCells(NamedTuple):
    """A column as ``levels[codes[i]]``: the raw distinct cells in order of first appearance.

    codes : (n_rows,) int32, none negative.
    """

    codes: IntCodes
    levels: Sequence[str]

    def times(self, mark: str) -> int:
        """Return how often a character stands in the column."""
        counts = [level.count(mark) for level in self.levels]
        return int(np.asarray(counts, dtype=np.int64)[self.codes].sum()) if any(counts) else 0


@dataclass(eq=False)
class NumberFacts:
    """What a column of numbers held besides numbers.

    uncertain : how often each uncertain token stood for a missing cell.
    infinite : 0-based row and text of the first infinite cell.
    rounded : whether there are whole numbers beyond 2^53 that doubles do not hold.
    """

    uncertain: Counter[str] = field(default_factory=Counter)
    infinite: tuple[int, str] | None = None
    rounded: bool = False

    def follow(self, other: NumberFacts, first_row: int) -> None:
        """Add the facts of the rows that follow, the first of which is row ``first_row``."""
        self.uncertain.update(other.uncertain)
        self.rounded |= other.rounded
        if self.infinite is None and other.infinite is not None:
            self.infinite = (first_row + other.infinite[0], other.infinite[1])


def code_cells(cells: Sequence[str]) -> CodedCells:
    """Return a column of raw cells as codes and distinct cells."""
    index: dict[str, int] = {}
    codes = np.fromiter((index.setdefault(cell, len(index)) for cell in cells), np.int32, len(cells))
    return CodedCells(codes, list(index))


def number_column(cells: CodedCells, reading: Reading) -> tuple[FloatArray, NumberFacts]:
    """Return the (n_rows,) values of a column that was read as numbers, and what else it held."""
    numbers = np.asarray(reading.values, dtype=np.float64)
    values = numbers[cells.codes]
    facts = NumberFacts()
    if reading.uncertain:
        counts = np.bincount(cells.codes, minlength=len(cells.levels))
        for level in reading.uncertain:
            facts.uncertain[reading.cells[level]] += int(counts[level])
    if reading.infinite:
        row = int(np.flatnonzero(np.isin(cells.codes, reading.infinite))[0])
        facts.infinite = (row, cells.levels[cells.codes[row]])
    large = np.flatnonzero(np.abs(values) >= WHOLE)
    if len(large):
        distinct = np.unique(cells.codes[large]).tolist()
        facts.rounded = any(is_rounded(reading.cells[i], numbers[i]) for i in distinct)
    return values, facts


def text_column(cells: CodedCells, reading: Reading, *, bare: bool = False) -> TextColumn:
    """Return a column of text, its levels without the blanks around them where that keeps them apart.

    ``bare``: no blank before a level counts, since not all of them are there.
    """
    missing = set(reading.missing)
    index: dict[str, int] = {}
    mapped = [
        -1 if i in missing else index.setdefault(cell.lstrip(" ") if bare else cell, len(index))
        for i, cell in enumerate(cells.levels)
    ]
    return TextColumn(np.asarray(mapped, dtype=np.int32)[cells.codes], *spellings(list(index)))


def spellings(cells: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return distinct cells as levels, and as they stand where that is something else, else nothing.

    Levels have no blanks around them, unless two would be the same without.
    """
    stripped = [cell.strip(BLANKS) for cell in cells]
    if stripped == list(cells):
        return tuple(cells), ()
    times = Counter(stripped)
    levels = (raw if times[bare] > 1 else bare for raw, bare in zip(cells, stripped, strict=True))
    return tuple(levels), tuple(cells)


def verbatim_column(cells: CodedCells) -> TextColumn:
    """Return a column of text whose cells are those of the file, blanks around them aside."""
    index: dict[str, int] = {}
    bare = [cell.strip(BLANKS) for cell in cells.levels]
    mapped = [index.setdefault(cell, len(index)) if cell else -1 for cell in bare]
    return TextColumn(np.asarray(mapped, dtype=np.int32)[cells.codes], tuple(index))


class LineMap:
    """Where each data row begins in the file, kept as runs of rows that stand on consecutive lines."""

    def __init__(self) -> None:
        self._rows: list[int] = []
        self._starts: list[int | IntCodes] = []

    def add(self, first_row: int, starts: int | IntCodes) -> None:
        """Add a run of rows: the line of its first row where the others follow on, else that of every row."""
        self._rows.append(first_row)
        self._starts.append(starts)

    def __call__(self, row: int) -> int | None:
        """Return the 1-based line of a 0-based row."""
        run = bisect_right(self._rows, row) - 1
        if run < 0:
            return None
        starts, offset = self._starts[run], row - self._rows[run]
        if isinstance(starts, int):
            return starts + offset
        return int(starts[offset]) if offset < len(starts) else None
