"""Parse one chunk of text with pyarrow so that the result is what the reference tokenizer and rules give.

pyarrow splits records and rounds numbers as the reference does. Where the two could part, or pyarrow finds
something amiss, the whole chunk goes to the reference (:mod:`l2cli.data.parse_small`). pyarrow is asked for
two things only: the numbers of a column, or its cells as they stand; which cells are missing, uncertain,
infinite or codes is looked up in the cells themselves by :func:`l2cli.data.cells.judge`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from l2cli.data.arrow_buffers import BoolArray, Floats, RawCells, RowNumbers, coded_cells, floats_of
from l2cli.data.cell_bytes import cell_bytes
from l2cli.data.cells import BLANKS, WHOLE, judge, plain_numbers
from l2cli.data.chunks import Chunk, record_lines
from l2cli.data.columns import CodedCells, IntCodes, NumberFacts, code_cells, number_column
from l2cli.data.flat_chunk import rectangle, text_columns
from l2cli.data.parse_small import parse_rows
from l2cli.data.plan import Block, Plan
from l2cli.data.quotes import ESCAPED
from l2cli.data.records import WHITESPACE, RecordReader
from l2cli.data.text_parts import TextPart

_NO_NUMBER = re.compile(r"In CSV column #(\d+):.*conversion error")
_BLANK_LINE = re.compile(rb"^[ \t]*\n", re.MULTILINE)
_RETRIES = 8


@dataclass(eq=False)
class _Open:
    """What pyarrow's numbers leave open, by column of the matrix.

    nulls : rows that are missing by a token that may be an uncertain one. strange : rows without a finite
        number, or with one beyond 2^53. whole : columns of whole numbers, which may have leading zeros.
    """

    nulls: dict[int, BoolArray]
    strange: dict[int, BoolArray]
    whole: list[int]


class ChunkParser:
    """Parse the chunks of a part by the plan for all; safe to be used by several threads."""

    def __init__(self, plan: Plan, part: TextPart) -> None:
        self._plan = plan
        self._part = part
        self._width = part.layout.width
        n_columns = len(plan.layout.names)
        self._extra = range(n_columns, self._width)
        # Names for pyarrow that say which column of the table each of the file is.
        self._names = [str(j) for j in (*(part.order or range(n_columns)), *self._extra)]
        gone = plan.rules.no_numbers
        padded = {
            f"{before}{token}{behind}" for token in gone for before in ("", " ") for behind in ("", " ")
        }
        self._nulls = sorted(padded)
        self._missing_values = sorted(plan.rules.missing_values)

    def parse(self, chunk: Chunk) -> Block:
        """Return the columns of a chunk.

        Raises
        ------
        DataError
            For a row with too few or too many fields, or an open quote, naming the line.
        """
        block = self._parsed(chunk)
        if self._plan.counts_marks and not block.skipped.comments:
            block.marks = self._marks(block, chunk.data)
        return block

    def _marks(self, block: Block, data: bytes) -> int:
        """Count the decimal marks that stand neither in columns of text nor between fields."""
        mark = self._plan.rules.decimals[0]
        # With many of them this is several times as fast as the count of bytes.
        count = int(np.count_nonzero(np.frombuffer(data, dtype=np.uint8) == ord(mark)))
        if count and self._plan.layout.delimiter == mark:
            count -= block.n_rows * (self._width - 1)
        return count - sum(cells.times(mark) for cells in block.texts.values()) if count else 0

    def _parsed(self, chunk: Chunk) -> Block:
        if self._may_differ(chunk):
            return self._by_reference(chunk)
        data = chunk.data
        if self._plan.layout.delimiter == WHITESPACE:
            data = re.sub(rb" ?\n ?", b"\n", re.sub(rb"[ \t]+", b" ", data)).removeprefix(b" ")
        failed = set(self._plan.failed)
        flat = self._flat(chunk, failed)
        if flat is not None:
            return flat
        table, as_text = self._read(data, [j for j in self._plan.numbers if j not in failed])
        if table is None:
            return self._by_reference(chunk)
        coded = {j: coded_cells(table.column(str(j)).chunk(0)) for j in as_text} if table.num_rows else {}
        if any(_has_endless(cells.levels) for cells in coded.values()):
            return self._by_reference(chunk)
        if any(level.strip(BLANKS) for j in self._extra if j in coded for level in coded[j].levels):
            return self._by_reference(chunk)
        block = self._empty_block(table.num_rows)
        block.lines = chunk.first_line
        if chunk.n_lines != block.n_rows:
            block.lines = self._lines(chunk, block.n_rows)
        if block.n_rows:
            self._settle(block, chunk, data, self._fill(block, table, coded, failed))
        return self._without_missing(block)

    def _flat(self, chunk: Chunk, failed: set[int]) -> Block | None:
        """Return the columns of a chunk of many columns of numbers, None where this is not the way."""
        plan, width = self._plan, self._width
        if not plan.is_flat(failed) or self._part.order is not None or self._part.layout.extra:
            return None
        cells = rectangle(chunk.data, chunk.quotes, plan.layout.delimiter, width)
        if cells is None:
            return None
        odd = plan.odd - failed
        read = [j for j in plan.numbers if j not in failed and j not in odd]
        coded = text_columns(cells, [*plan.texts, *(j for j in plan.numbers if j in odd)])
        if any(_has_endless(texts.levels) for texts in coded.values()):
            return None
        column = self._read_one(cells.one_below_the_other(set(range(width)).difference(read)))
        if column is None:
            return None
        block = self._empty_block(len(cells.ends))
        block.lines = chunk.first_line
        self._settle(block, chunk, chunk.data, self._fill_flat(block, column, coded, read))
        return self._without_missing(block)

    def _read_one(self, data: bytes) -> Floats | None:
        """Return the numbers in a text of one column; None where a cell is none."""
        import pyarrow as pa

        try:
            table = self._read_csv(data, {0: pa.float64()}, ["0"])
        except pa.ArrowInvalid:
            return None
        return floats_of(table.column("0").chunk(0)).without(self._missing_values)

    def _fill_flat(
        self, block: Block, column: Floats, coded: dict[int, CodedCells], read: list[int]
    ) -> _Open:
        """Fill a block from the numbers of all columns, row by row; return what they leave open."""
        plan, shape = self._plan, (block.n_rows, self._width)
        values = column.values.reshape(shape)
        block.numbers[...] = values if len(plan.numbers) == self._width else values[:, plan.numbers]
        block.texts = {j: coded[j] for j in plan.texts}
        for k, j in enumerate(plan.numbers):
            if j in plan.failed:
                block.numbers[:, k] = np.nan
            elif j in coded:
                self._add_numbers(block, k, coded[j])
        wanted = set(read)
        at = {j: k for k, j in enumerate(plan.numbers) if j in wanted}
        nulls, strange = (
            {} if mask is None else _by_column(mask.reshape(shape), at)
            for mask in (column.nulls, column.strange)
        )
        for k, where in nulls.items():
            block.numbers[where, k] = np.nan
        left = _Open(nulls if plan.rules.uncertain else {}, strange, [])
        for j in plan.maybe_codes & wanted:
            if Floats(values[:, j], nulls.get(at[j]), None).all_whole():
                left.whole.append(at[j])
            else:
                plan.maybe_codes.discard(j)
        return left

    def _without_missing(self, block: Block) -> Block:
        """Take out the numbers that ``--na`` names, however they are written."""
        for value in self._missing_values:
            block.numbers[block.numbers == value] = np.nan
        return block

    def _lines(self, chunk: Chunk, n_rows: int) -> IntCodes:
        """Return the line of every row of a chunk with blank lines or cells of several lines."""
        lines = record_lines(chunk)
        if len(lines) != n_rows:
            reader = RecordReader(
                chunk.data.decode(), self._plan.layout.delimiter, self._part.label, chunk.first_line
            )
            lines = np.array([reader.start for _ in reader], dtype=np.int32)
        return lines

    def _may_differ(self, chunk: Chunk) -> bool:
        """Return True where pyarrow would or might split a chunk in another way than the reference."""
        # In a file of one column a blank line is an error where rows follow.
        if len(self._plan.layout.names) == 1 and _BLANK_LINE.search(chunk.data):
            return True
        if _any_escaped(chunk):
            return True
        if chunk.quotes is None:
            return False
        places = chunk.quotes.places
        odd = len(places) % 2 == 1
        if odd or chunk.quotes.padded or self._plan.layout.delimiter == WHITESPACE:
            return True
        return bool((places[1::2] - places[0::2]).max() > csv.field_size_limit())

    def _read(self, data: bytes, wanted: list[int]) -> tuple[Any, list[int]]:
        """Return the pyarrow table of the numbers wanted and all texts, and which columns are text in it."""
        import pyarrow as pa

        odd = [j for j in wanted if j in self._plan.odd]
        for attempt in range(_RETRIES + 1):
            if attempt == _RETRIES:
                odd = list(wanted)
            as_text = [*self._plan.texts, *odd, *self._extra]
            kinds = {
                **dict.fromkeys(wanted, pa.float64()),
                **dict.fromkeys(as_text, pa.dictionary(pa.int32(), pa.utf8())),
            }
            try:
                return self._read_csv(data, kinds or {0: pa.utf8()}), as_text
            except pa.ArrowInvalid as error:
                found = _NO_NUMBER.search(str(error))
                if found is None:
                    return None, []
                j = int(self._names[int(found[1])])
                self._plan.odd.add(j)
                odd.append(j)
        return None, []

    def _read_csv(self, data: bytes, kinds: dict[int, Any], names: list[str] | None = None) -> Any:
        """Run pyarrow over the data as one block in this thread, for these columns and types.

        ``names`` are those of a text of other columns than the file's, in which every line is a cell.
        """
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        return arrow_csv.read_csv(
            pa.py_buffer(data),
            read_options=arrow_csv.ReadOptions(
                use_threads=False,
                block_size=len(data) + 1,
                column_names=names or self._names,
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=self._plan.layout.delimiter,
                newlines_in_values=b'"' in data,
                ignore_empty_lines=names is None,
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types={str(j): kind for j, kind in kinds.items()},
                include_columns=[str(j) for j in kinds],
                null_values=self._nulls,
                decimal_point=self._plan.rules.decimals[0],
                check_utf8=False,
            ),
        )

    def _empty_block(self, n_rows: int) -> Block:
        return Block(n_rows, np.empty((n_rows, len(self._plan.numbers))), 0)

    def _by_reference(self, chunk: Chunk) -> Block:
        """Parse a chunk with the reference tokenizer."""
        rows = parse_rows(chunk.data.decode(), self._part.layout, self._part.label, chunk.first_line)
        self._plan.skips_blanks |= rows.skips_blanks
        block = self._empty_block(len(rows.fields))
        block.lines, block.blank, block.skipped = rows.run(), rows.blank, rows.skipped
        columns = rows.columns()
        if not columns:
            return block
        columns = self._part.in_order(columns)
        for k, j in enumerate(self._plan.numbers):
            self._add_cells(block, k, columns[j])
        block.texts = {j: code_cells(columns[j]) for j in self._plan.texts}
        if self._plan.counts_marks and rows.skipped.comments:
            mark, others = self._plan.rules.decimals[0], set(range(len(columns))).difference(block.texts)
            block.marks = sum("".join(columns[j]).count(mark) for j in others)
        return self._without_missing(block)

    def _fill(self, block: Block, table: Any, coded: dict[int, CodedCells], failed: set[int]) -> _Open:
        """Fill a block from a pyarrow table; return what its numbers leave open."""
        block.texts = {j: coded[j] for j in self._plan.texts}
        left = _Open({}, {}, [])
        for k, j in enumerate(self._plan.numbers):
            if j in failed:
                block.numbers[:, k] = np.nan
                continue
            if j in coded:
                self._add_numbers(block, k, coded[j])
                continue
            column = floats_of(table.column(str(j)).chunk(0)).without(self._missing_values)
            block.numbers[:, k] = column.values
            if column.nulls is not None:
                left.nulls[k] = column.nulls
                block.numbers[column.nulls, k] = np.nan
            if column.strange is not None:
                left.strange[k] = column.strange
            if j in self._plan.maybe_codes:
                if column.all_whole():
                    left.whole.append(k)
                else:
                    self._plan.maybe_codes.discard(j)
        if not self._plan.rules.uncertain:
            left.nulls = {}
        return left

    def _settle(self, block: Block, chunk: Chunk, data: bytes, left: _Open) -> None:
        """Settle what the numbers leave open, by the first bytes of the cells where these tell it."""
        if (left.nulls or left.whole) and self._part.order is None:
            tokens = "".join(sorted(self._plan.rules.uncertain))
            shape = (block.n_rows, self._width)
            cells = cell_bytes(data, chunk.quotes, self._plan.layout.delimiter, shape, tokens)
            if cells is not None:
                clear = {k for k in {*left.nulls, *left.whole} if not cells.unclear[self._plan.numbers[k]]}
                for k in clear & left.nulls.keys():
                    block.facts[self._plan.numbers[k]] = NumberFacts(cells.tokens(self._plan.numbers[k]))
                block.zeros |= {j for k in left.whole if cells.zeros[j := self._plan.numbers[k]]}
                left.nulls = {k: null for k, null in left.nulls.items() if k not in clear}
                left.whole = [k for k in left.whole if k not in clear]
        for k, null in left.nulls.items():
            left.strange[k] = left.strange.get(k, null) | null
        if left.strange or left.whole:
            self._look_closer(block, data, left.strange, left.whole)

    def _look_closer(
        self, block: Block, data: bytes, strange: dict[int, BoolArray], whole: list[int]
    ) -> None:
        """Read columns of a chunk again as text, for the cells in strange rows and for leading zeros."""
        import pyarrow as pa

        columns = {k: self._plan.numbers[k] for k in sorted({*strange, *whole})}
        table = self._read_csv(data, dict.fromkeys(columns.values(), pa.utf8()))
        for k, j in columns.items():
            cells = RawCells(table.column(str(j)).chunk(0))
            if k in whole and cells.any_leading_zero():
                block.zeros.add(j)
            if k in strange:
                self._add_looked_up(block, k, cells, cells.not_empty(np.flatnonzero(strange[k])))

    def _add_looked_up(self, block: Block, k: int, cells: RawCells, rows: RowNumbers) -> None:
        """Settle the cells of a column of numbers in these rows by their text."""
        found = code_cells(cells.texts(rows))
        reading = judge(found.levels, self._plan.rules)
        if reading.values is None or _has_endless(found.levels):
            self._plan.failed.add(self._plan.numbers[k])
            return
        block.numbers[rows, k], facts = number_column(found, reading)
        if facts.rounded:
            self._plan.failed.add(self._plan.numbers[k])
        if facts.infinite is not None:
            facts.infinite = (int(rows[facts.infinite[0]]), facts.infinite[1])
        block.facts.setdefault(self._plan.numbers[k], NumberFacts()).follow(facts, 0)

    def _add_cells(self, block: Block, k: int, cells: Sequence[str]) -> None:
        """Settle a column of numbers by its cells, the shortest way where they are all plain numbers."""
        found = plain_numbers(cells, self._plan.rules)
        if found is not None and self._plan.numbers[k] not in self._plan.maybe_codes:
            block.numbers[:, k] = found
            if bool((np.abs(block.numbers[:, k]) < WHOLE).all()):
                return
        self._add_numbers(block, k, code_cells(cells))

    def _add_numbers(self, block: Block, k: int, cells: CodedCells) -> None:
        """Settle a column of numbers by its distinct cells."""
        j = self._plan.numbers[k]
        reading = judge(cells.levels, self._plan.rules)
        if reading.values is None:
            self._plan.failed.add(j)
            block.numbers[:, k] = np.nan
            return
        block.numbers[:, k], block.facts[j] = number_column(cells, reading)
        if block.facts[j].rounded:
            self._plan.failed.add(j)
        if not reading.digits:
            self._plan.maybe_codes.discard(j)
        elif reading.zeros:
            block.zeros.add(j)


def _by_column(cells: BoolArray, at: dict[int, int]) -> dict[int, BoolArray]:
    """Return the columns of a mask (rows, columns) in which it is true anywhere, by their place in ``at``."""
    return {at[j]: cells[:, j] for j in np.flatnonzero(cells.any(axis=0)).tolist() if j in at}


def _any_escaped(chunk: Chunk) -> bool:
    """Return True where a quote stands behind a backslash."""
    if chunk.quotes is None or not chunk.quotes.plain:
        return b'"' in chunk.data and ESCAPED.encode() in chunk.data
    # All quotes are known: far fewer bytes to look at.
    behind = np.maximum(chunk.quotes.places - 1, 0)
    return bool((np.frombuffer(chunk.data, dtype=np.uint8)[behind] == ord("\\")).any())


def _has_endless(levels: Iterable[str]) -> bool:
    """Return True where a cell is longer than the reference takes."""
    limit = csv.field_size_limit()
    return any(len(level) > limit for level in levels)
