"""Put the blocks of a large text together: one matrix, one set of codes for each text column, the lines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from l2cli.data.columns import CodedCells, IntCodes, LineMap, NumberFacts
from l2cli.data.memory import refuse_too_large
from l2cli.data.parse_small import Skipped, blank_line
from l2cli.data.plan import Block, Plan
from l2cli.data.table import FloatArray, PartRows
from l2cli.data.text_parts import TextPart


class GrowingMatrix:
    """A C-order float64 matrix that rows are appended to, without ever standing in memory twice.

    Room is made for as many rows as the file seems to have. Pages never written to cost no memory, and where
    the guess was too low, resizing moves pages instead of copying them (on Linux; elsewhere it may copy).
    """

    def __init__(self, n_columns: int) -> None:
        self._n_columns = n_columns
        self._rows = np.empty((0, n_columns))
        self._used = 0

    def append(self, block: FloatArray, fraction: float) -> None:
        """Append (n, n_columns) rows, with which this fraction of the file has been read."""
        used = self._used + len(block)
        if used > len(self._rows):
            expected = int(used / max(fraction, 0.01) * 1.02)
            self._make_room(max(used, expected if self._used == 0 else used + used // 8))
        self._rows[self._used : used] = block
        self._used = used

    def _make_room(self, n_rows: int) -> None:
        if self._used == 0:
            self._rows = np.empty((n_rows, self._n_columns))
        else:
            self._rows.resize((n_rows, self._n_columns), refcheck=False)

    def has_fractions(self, columns: Sequence[int]) -> bool:
        """Return True where a number in these columns is no whole one."""
        blocks = (self._rows[at : min(at + 4096, self._used), columns] for at in range(0, self._used, 4096))
        return any(bool((np.floor(block) < block).any()) for block in blocks)

    def taken(self, columns: Sequence[int]) -> FloatArray:
        """Return the rows with these columns only, in ascending order, and forget them.

        Columns left out are squeezed out in place, so that no second matrix is needed.
        """
        rows, used, width = self._rows, self._used, len(columns)
        self._rows = np.empty((0, self._n_columns))
        if width < self._n_columns:
            flat = rows.reshape(-1)
            step = max(1, (1 << 20) // max(self._n_columns, 1))
            for start in range(0, used, step):
                stop = min(start + step, used)
                flat[start * width : stop * width] = rows[start:stop, columns].reshape(-1)
            del flat
        rows.resize((used, width), refcheck=False)
        return rows


class Gatherer:
    """What has been read so far, block by block in file order.

    Attributes
    ----------
    n_rows : rows so far. lines : where they stand. zeros : columns in which digits with a leading zero were
        seen.
    marks : decimal marks in columns of numbers, and in those that turn out to be text.
    facts : what the columns of numbers held besides numbers, by position in the file.
    skipped : the lines that are no rows.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.n_rows = 0
        self._parts: list[TextPart] = []
        self._starts: list[int] = []
        self._blank: int | None = None
        self.lines = LineMap()
        self.zeros: set[int] = set()
        self.skipped = Skipped()
        self.marks = 0
        self.facts: dict[int, NumberFacts] = {}
        self.matrix = GrowingMatrix(len(plan.numbers))
        self._codes: dict[int, list[IntCodes]] = {j: [] for j in plan.texts}
        self._levels: dict[int, dict[str, int]] = {j: {} for j in plan.texts}

    def add(self, block: Block, part: TextPart, fraction: float) -> None:
        """Append a block of a part, with which this fraction of all parts has been read."""
        if not self._parts or self._parts[-1] is not part:
            self._parts.append(part)
            self._starts.append(self.n_rows)
            self._blank = None
        something = block.n_rows or block.skipped.comments
        if something:
            self.refuse_blank(part)
        self._blank = block.blank if something else self._blank or block.blank
        self.skipped = self.skipped.plus(block.skipped)
        self.lines.add(self.n_rows, block.lines)
        self.matrix.append(block.numbers, fraction)
        self.zeros |= block.zeros
        self.marks += block.marks
        for j, facts in block.facts.items():
            self.facts.setdefault(j, NumberFacts()).follow(facts, self.n_rows)
        for j, cells in block.texts.items():
            levels = self._levels[j]
            places = [levels.setdefault(level, len(levels)) for level in cells.levels]
            self._codes[j].append(np.array(places, dtype=np.int32)[cells.codes])
        self.n_rows += block.n_rows

    def refuse_blank(self, part: TextPart) -> None:
        """Raise DataError where a part of one column goes on after a blank line."""
        single = len(self.plan.layout.names) == 1 and self._parts and self._parts[-1] is part
        if single and self._blank is not None:
            raise blank_line(part.label, self._blank)
        distinct = sum(map(len, self._levels.values()))
        refuse_too_large(self.plan.label, self.n_rows, len(self.plan.numbers), len(self.plan.texts), distinct)

    def parts(self) -> PartRows:
        """Return which rows stand in which part."""
        return PartRows(tuple(part.label for part in self._parts), tuple(self._starts))

    def text(self, j: int) -> CodedCells:
        """Return a text column and forget it."""
        codes = self._codes.pop(j)
        return CodedCells(
            np.concatenate(codes) if codes else np.empty(0, np.int32), list(self._levels.pop(j))
        )
