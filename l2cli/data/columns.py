"""From cells to columns: settle what each column is, and say what the user should know about it.

Every parser hands over a column as distinct cells and codes into them (:class:`CodedCells`), or as numbers
with the :class:`NumberFacts` it met on the way; the decisions, notes and errors that follow are taken here,
once.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.data.cells import BLANKS, CellRules, Reading, has_leading_zero, judge, marked_cell, plain_numbers
from l2cli.data.table import FloatArray, PartRows, Table, TextColumn
from l2cli.data.wording import where
from l2cli.errors import DataError, shown

IntCodes = npt.NDArray[np.int32]


class CodedCells(NamedTuple):
    """A column as ``levels[codes[i]]``: the raw distinct cells in order of first appearance.

    codes : (n_rows,) int32, none negative.
    """

    codes: IntCodes
    levels: Sequence[str]


@dataclass(eq=False)
class NumberFacts:
    """What a column of numbers held besides numbers.

    uncertain : how often each uncertain token stood for a missing cell.
    infinite : 0-based row and text of the first infinite cell.
    """

    uncertain: Counter[str] = field(default_factory=Counter)
    infinite: tuple[int, str] | None = None

    def follow(self, other: NumberFacts, first_row: int) -> None:
        """Add the facts of the rows that follow, the first of which is row ``first_row``."""
        self.uncertain.update(other.uncertain)
        if self.infinite is None and other.infinite is not None:
            self.infinite = (first_row + other.infinite[0], other.infinite[1])


def code_cells(cells: Sequence[str]) -> CodedCells:
    """Return a column of raw cells as codes and distinct cells."""
    index: dict[str, int] = {}
    codes = np.fromiter((index.setdefault(cell, len(index)) for cell in cells), np.int32, len(cells))
    return CodedCells(codes, list(index))


def number_column(cells: CodedCells, reading: Reading) -> tuple[FloatArray, NumberFacts]:
    """Return the (n_rows,) values of a column that was read as numbers, and what else it held."""
    values = np.asarray(reading.values, dtype=np.float64)[cells.codes]
    facts = NumberFacts()
    if reading.uncertain:
        counts = np.bincount(cells.codes, minlength=len(cells.levels))
        for level in reading.uncertain:
            facts.uncertain[reading.cells[level]] += int(counts[level])
    if reading.infinite:
        row = int(np.flatnonzero(np.isin(cells.codes, reading.infinite))[0])
        facts.infinite = (row, cells.levels[cells.codes[row]])
    return values, facts


def text_column(cells: CodedCells, reading: Reading) -> TextColumn:
    """Return a column of text, its levels without the blanks around them."""
    index: dict[str, int] = {}
    missing = set(reading.missing)
    mapped = [
        -1 if i in missing else index.setdefault(cell, len(index)) for i, cell in enumerate(reading.cells)
    ]
    return TextColumn(np.asarray(mapped, dtype=np.int32)[cells.codes], tuple(index))


def verbatim_column(cells: CodedCells) -> TextColumn:
    """Return a column of text whose cells are those of the file, blanks around them aside."""
    stripped = [cell.strip(BLANKS) for cell in cells.levels]
    empty = [i for i, cell in enumerate(stripped) if not cell]
    return text_column(cells, Reading(stripped, None, empty, [], [], False, False))


class Settled:
    """The columns of a table as they are settled, one after the other in file order.

    Attributes
    ----------
    values : the columns of numbers. texts : the columns of text. verbatim : columns as they stand.
    notes : one line for each thing worth saying.
    marks : where the file may have either decimal mark, those that numbers have: row, column and cell of one.
    """

    def __init__(self, rules: CellRules | None = None, decimal: str | None = None) -> None:
        self.values: dict[str, FloatArray] = {}
        self.texts: dict[str, TextColumn] = {}
        self.verbatim: dict[str, TextColumn] = {}
        self.notes: list[str] = []
        self.marks: dict[str, tuple[int, str, str]] = {}
        self._rules = rules or CellRules()
        self._decimal = decimal or self._rules.decimals[0]
        self._infinite: list[tuple[int, str, str]] = []

    def add_cells(self, name: str, cells: Sequence[str]) -> None:
        """Settle a column from all its raw cells, the shortest way where they are all numbers."""
        found = plain_numbers(cells, self._rules)
        if found is not None:
            self.values[name] = np.array(found, dtype=np.float64)
            self._note_mark(name, cells, found)
            return
        self.add_coded(name, code_cells(cells))

    def add_coded(self, name: str, cells: CodedCells) -> None:
        """Settle a column from its distinct cells."""
        reading = judge(cells.levels, self._rules)
        if reading.values is None or reading.is_code:
            self.texts[name] = text_column(cells, reading)
            if reading.is_code:
                example = next(filter(has_leading_zero, reading.cells))
                why = f"numbers with leading zeros, like {shown(example)}, are codes"
                self.notes.append(f"column '{shown(name)}' is text: {why}")
            return
        self.values[name], facts = number_column(cells, reading)
        self.add_facts(name, facts)
        self._note_mark(name, reading.cells, reading.values, cells.codes)

    @property
    def decimal(self) -> str:
        """The decimal mark of the file."""
        return next(iter(self.marks), self._decimal)

    def _note_mark(
        self, name: str, cells: Sequence[str], values: Sequence[float], codes: IntCodes | None = None
    ) -> None:
        """Remember a number with a decimal mark; ``cells[codes[i]]`` is that of row i, or ``cells[i]``."""
        found = marked_cell(cells, values) if len(self._rules.decimals) > 1 else None
        if found is not None and found[1] not in self.marks:
            row = found[0] if codes is None else int(np.argmax(codes == found[0]))
            self.marks[found[1]] = (row, name, cells[found[0]])

    def add_facts(self, name: str, facts: NumberFacts) -> None:
        """Note what a column of numbers held besides numbers."""
        for token, count in sorted(facts.uncertain.items()):
            cells = "1 cell" if count == 1 else f"{count} cells"
            self.notes.append(f"column '{shown(name)}': {cells} '{token}' taken as missing")
        if facts.infinite is not None:
            self._infinite.append((facts.infinite[0], name, facts.infinite[1]))

    def refuse_two_marks(self, table: Table) -> None:
        """Raise DataError where one column has decimal points and another commas: one separates thousands."""
        if len(self.marks) > 1:
            alone = table.parts is None or len(table.parts.labels) == 1
            both = [
                f"'{shown(cell.strip())}' in column '{shown(name)}'"
                f" ({table.place(row) if alone else where(table, row)})"
                for row, name, cell in map(self.marks.__getitem__, ".,")
            ]
            raise DataError(
                f"{where(table)}: both . and , stand in numbers: {' and '.join(both)}",
                hint="give the decimal sign with --decimal . or --decimal ,",
                code="decimal",
            )

    def refuse_infinite(self, table: Table) -> None:
        """Raise DataError naming the first infinite cell of a column of numbers, if there is one."""
        if self._infinite:
            row, name, cell = min(self._infinite, key=lambda found: found[0])
            cell = shown(cell.strip())
            raise DataError(
                f"{where(table, row)}: '{cell}' in column '{shown(name)}' is not a finite number",
                hint=f"correct it, or give --na {cell} if it means missing",
                code="infinite",
            )


def make_table(
    source: str,
    names: Sequence[str],
    settled: Settled,
    notes: Sequence[str],
    line_of: Callable[[int], int | None],
    parts: PartRows,
    matrix: FloatArray,
    matrix_names: Sequence[str] = (),
    *,
    file_names: tuple[str, ...],
) -> Table:
    """Return the table of ``matrix``, whose columns are ``matrix_names``, and the settled columns.

    ``matrix`` becomes part of the table as it is where there are no other columns of numbers, else it is
    copied. ``names`` gives the order.

    Raises
    ------
    DataError
        For an infinite number, or two decimal marks.
    """
    place = {name: j for j, name in enumerate(matrix_names)}
    numeric = [name for name in names if name in place or name in settled.values]
    if settled.values:
        joined = np.empty((len(matrix), len(numeric)))
        for j, name in enumerate(numeric):
            joined[:, j] = matrix[:, place[name]] if name in place else settled.values[name]
        matrix, place = joined, {name: j for j, name in enumerate(numeric)}
    index = {name: place[name] for name in numeric}
    table = Table(
        source, tuple(names), len(matrix), matrix, index, settled.texts, [*notes, *settled.notes], line_of,
        settled.decimal, settled.verbatim, parts, file_names,
    )  # fmt: skip
    settled.refuse_two_marks(table)
    settled.refuse_infinite(table)
    return table


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
