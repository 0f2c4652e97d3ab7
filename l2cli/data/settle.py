"""Settle the columns of a file once all of it is known: which are numbers, and with which decimal mark.

A file has one decimal mark. A column shows it where its cells are numbers under one mark only: ``1.5`` or
``1.234.567``, but not ``1.037``, which is a number of thousands where commas are decimal. What no column
shows is decided by the delimiter (:func:`l2cli.data.cells.cell_rules`), and whatever is not plain is said in
a note.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence

import numpy as np

from l2cli.data.cells import (
    MISSING,
    WHOLE,
    CellRules,
    Reading,
    has_leading_zero,
    judge,
    mark_shown,
    plain_numbers,
    read_under,
)
from l2cli.data.columns import (
    CodedCells,
    NumberFacts,
    code_cells,
    number_column,
    text_column,
    verbatim_column,
)
from l2cli.data.levels import level_text
from l2cli.data.table import FloatArray, PartRows, Table, TextColumn
from l2cli.data.wording import na_option, where
from l2cli.data.written import parse
from l2cli.errors import DataError, shown

Marks = dict[str, tuple[int, str, str]]
_OTHER = {".": ",", ",": "."}
COMMA_NOTE = "numbers have decimal commas (say otherwise with --decimal .)"
POINT_NOTE = "numbers have decimal points (say otherwise with --decimal ,)"


class Settled:
    """The columns of a table: they are added one after the other in file order, then settled together.

    Attributes
    ----------
    values : the columns of numbers. texts : the columns of text. verbatim : columns as they stand.
    rounded : columns of numbers as they stand of which doubles do not hold all.
    notes : one line for each thing worth saying.
    marks : the decimal marks that columns show: row, column and cell of the first one.
    decimal : the decimal mark of the file. na : tokens that a list of ``--na`` has to name again.
    """

    def __init__(self, rules: CellRules | None = None, verbatim: Container[str] = ()) -> None:
        self.values: dict[str, FloatArray] = {}
        self.texts: dict[str, TextColumn] = {}
        self.verbatim: dict[str, TextColumn] = {}
        self.rounded: dict[str, TextColumn] = {}
        self.notes: list[str] = []
        self.marks: Marks = {}
        self._rules = rules or CellRules()
        self.decimal = self._rules.likely
        asked = self._rules.missing is not MISSING
        self.na = dict.fromkeys(sorted(self._rules.missing - {""}) if asked else ())
        self._labels = verbatim
        self._told: dict[str, list[str]] = {}
        self._plain: dict[str, Sequence[str]] = {}
        self._open: dict[str, tuple[CodedCells, Reading]] = {}
        self._read: dict[tuple[str, str], Reading | None] = {}
        self._typed: set[str] = set()
        self._bare = False
        self._infinite: list[tuple[int, str, str]] = []

    def add_cells(self, name: str, cells: Sequence[str]) -> None:
        """Add a column with all its raw cells."""
        found = plain_numbers(cells, self._rules)
        values = None if found is None else np.array(found, dtype=np.float64)
        if values is None or bool((np.abs(values) >= WHOLE).any()):
            self.add_coded(name, code_cells(cells))
            return
        self._told.setdefault(name, [])
        self.values[name], self._plain[name] = values, cells
        if name in self._labels:
            self.verbatim[name] = verbatim_column(code_cells(cells))

    def add_coded(self, name: str, cells: CodedCells, *, typed: bool = False) -> None:
        """Add a column with its distinct cells; one that is ``typed`` as text keeps plain numbers as text."""
        self._told.setdefault(name, [])
        self._open[name] = cells, judge(cells.levels, self._rules.with_decimal(self._rules.decimals[0]))
        if typed:
            self._typed.add(name)
        elif name in self._labels:
            self.verbatim[name] = verbatim_column(cells)

    def add_facts(self, name: str, facts: NumberFacts) -> None:
        """Add a column whose numbers are known already: note what it held besides numbers."""
        told = self._told.setdefault(name, [])
        for token, count in sorted(facts.uncertain.items()):
            cells = "1 cell" if count == 1 else f"{count} cells"
            told.append(f"column '{shown(name)}': {cells} '{token}' taken as missing")
        if facts.infinite is not None:
            self._infinite.append((facts.infinite[0], name, facts.infinite[1]))

    def finish(self, shown: str | None = None, *, marked: bool = False, bare: bool = False) -> None:
        """Settle all columns.

        Parameters
        ----------
        shown : str, optional
            The decimal mark that numbers show which were known already. marked : whether these numbers have
            decimal marks. bare : whether blanks before cells were left out somewhere.
        """
        self._bare = bare
        undecided = len(self._rules.decimals) > 1
        if undecided:
            self._look_for_marks()
        alone = next(iter(self.marks)) if len(self.marks) == 1 else None
        self.decimal = alone or shown or self._rules.likely
        if self.decimal != self._rules.decimals[0]:
            for name, cells in self._plain.items():
                if "." in "".join(cells):
                    del self.values[name]
                    self.add_coded(name, code_cells(cells))
        if self._rules.doubtful:
            marked |= any(
                self._has_mark(self.values[name], "".join(cells))
                for name, cells in self._plain.items()
                if name in self.values
            )
        self._plain = {}
        for name in [name for name in self._told if name in self._open]:
            marked |= self._settle(name)
        if undecided and marked and self.decimal == ",":
            self.notes.append(COMMA_NOTE)
        elif undecided and marked and self._rules.doubtful and not (self.marks or shown):
            self.notes.append(POINT_NOTE)
        self.notes += [note for notes in self._told.values() for note in notes]

    def _under(self, name: str, reading: Reading, mark: str, *, plain: bool = False) -> Reading | None:
        """Return a column as numbers under a decimal mark, None where it is text."""
        if reading.values is not None and mark == self._rules.decimals[0]:
            return reading
        if plain:
            return read_under(reading, self._rules, mark, plain=True)
        if (name, mark) not in self._read:
            self._read[name, mark] = read_under(reading, self._rules, mark)
        return self._read[name, mark]

    def _look_for_marks(self) -> None:
        """Find the decimal marks that columns show, in the first one that does."""
        shows: dict[str, Marks] = {mark: {} for mark in self._rules.decimals}
        for name, (cells, reading) in self._open.items():
            under = {mark for mark in shows if self._under(name, reading, mark) is not None}
            if len(under) == 1:
                mark = under.pop()
                clear = (i for i in reading.ordinary if parse(reading.cells[i], _OTHER[mark]) is None)
                level = next(clear, reading.ordinary[0])
                row = int(np.argmax(cells.codes == level))
                shows[mark][name] = (row, name, reading.cells[level])
        if self._rules.doubtful or self._rules.likely == "," or shows[","]:
            for name, column in self._plain.items():
                place = mark_shown(column, ".", self._rules)
                if place is not None:
                    shows["."][name] = (place, name, column[place])
                    break
        for mark, found in shows.items():
            first = next((name for name in self._told if name in found), None)
            if first is not None:
                self.marks.setdefault(mark, found[first])

    def _settle(self, name: str) -> bool:
        """Settle a column; return whether its numbers have decimal marks."""
        cells, reading = self._open.pop(name)
        typed, labels = name in self._typed, name in self._labels
        final = self._under(name, reading, self.decimal, plain=labels)
        if typed and final is None:
            final = self._under(name, reading, _OTHER[self.decimal], plain=labels)
        if final is None or final.is_code or (typed and (reading.values is not None or labels)):
            self.texts[name] = text_column(cells, reading, bare=self._bare)
            self.na |= dict.fromkeys(cell for i in reading.missing if (cell := reading.cells[i]))
            if reading.is_code and not typed:
                example = next(filter(has_leading_zero, reading.cells))
                why = f"numbers with leading zeros, like {shown(example)}, are codes"
                self._told[name].append(f"column '{shown(name)}' is text: {why}")
            return False
        self.values[name], facts = number_column(cells, final)
        self._told[name] += self._how(name, reading, final, typed=typed)
        self.add_facts(name, facts)
        for mark in _OTHER:
            self._read.pop((name, mark), None)
        if facts.rounded:
            self.rounded[name] = verbatim_column(cells)
        cells_as_one = "".join(final.cells[i] for i in final.ordinary)
        return not typed and self._has_mark(self.values[name], cells_as_one)

    def _has_mark(self, values: FloatArray, cells: str) -> bool:
        """Return True where numbers have the decimal mark, as far as it is not that of missing ones."""
        if self._rules.mark_is_sure:
            return self.decimal in cells
        return bool((np.floor(values) < values).any())

    def _how(self, name: str, reading: Reading, final: Reading, *, typed: bool) -> list[str]:
        """Return the note on numbers that are not plain ones."""
        examples, values = list(final.examples), final.values or []
        if typed and not examples:
            examples = [i for i in final.ordinary if "," in final.cells[i]][:1]
        if not examples:
            return []
        first, *more = (f"'{shown(final.cells[i])}' is read as {level_text(values[i])}" for i in examples)
        told = " and ".join([first, *(text.replace(" is read", "") for text in more)])
        if len(self._rules.decimals) > 1 and not typed:
            other = self._under(name, reading, _OTHER[self.decimal])
            value = None if other is None or other.values is None else other.values[examples[0]]
            if value is not None and value != values[examples[0]]:
                told += f" (with --decimal {_OTHER[self.decimal]} as {level_text(value)})"
        return [f"column '{shown(name)}': {told}"]

    def refuse_two_marks(self, table: Table) -> None:
        """Raise DataError where one column has decimal points and another commas: one separates thousands.

        Columns that are typed as text have each its own.
        """
        if len(self.marks) > 1 and not self._typed:
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
            order = {name: j for j, name in enumerate(self._told)}
            row, name, raw = min(self._infinite, key=lambda found: (found[0], order[found[1]]))
            cell = raw.strip()
            raise DataError(
                f"{where(table, row)}: '{shown(cell)}' in column '{shown(name)}' is not a finite number",
                hint=f"correct it, or give {na_option(cell, self.na)} if it means missing",
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
        settled.decimal, settled.verbatim, settled.rounded, na=tuple(settled.na), parts=parts,
        file_names=file_names,
    )  # fmt: skip
    settled.refuse_two_marks(table)
    settled.refuse_infinite(table)
    return table
