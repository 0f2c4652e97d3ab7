"""What a large text is read by, and what becomes of each of its chunks."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from l2cli.data.cells import CellRules
from l2cli.data.columns import CodedCells, IntCodes, NumberFacts
from l2cli.data.dialect import Layout
from l2cli.data.parse_small import Skipped
from l2cli.data.records import WHITESPACE
from l2cli.data.sizes import FlatRule
from l2cli.data.table import FloatArray


@dataclass(eq=False)
class Plan:
    """What to read, and what has been learnt about it so far; shared by all chunks.

    numbers, texts : positions of the columns to read as numbers and as text.
    odd : columns of numbers that are not read by pyarrow's conversion, because one of its cells defeated it.
    failed : columns of numbers in which a text was found; they are read anew as text afterwards.
    maybe_codes : columns in which every cell so far may consist of digits only.
    shows_mark : columns of numbers whose first rows show the decimal mark.
    skips_blanks : whether a chunk was read without the blanks before its fields.
    flat : when chunks are read as a single column, by :mod:`l2cli.data.flat_chunk`.
    The other sets change how fast a chunk is parsed, never what comes out of it.
    """

    layout: Layout
    label: str
    rules: CellRules
    numbers: list[int]
    texts: list[int]
    odd: set[int] = field(default_factory=set)
    failed: set[int] = field(default_factory=set)
    maybe_codes: set[int] = field(default_factory=set)
    shows_mark: set[int] = field(default_factory=set)
    skips_blanks: bool = False
    flat: FlatRule = field(default_factory=FlatRule)

    def is_flat(self, failed: Collection[int] = ()) -> bool:
        """Return True where chunks are read as a single column: many columns, nearly all of them numbers."""
        width = len(self.layout.names)
        if self.layout.delimiter == WHITESPACE or self.layout.extra:
            return False
        return self.flat.serves(width, width - len(self.numbers) + len(self.odd.union(failed)))

    def with_decimal(self, decimal: str, texts: list[int]) -> Plan:
        """Return the plan to read the same columns, all but ``texts`` as numbers with this decimal mark."""
        numbers = sorted({*self.numbers, *self.texts} - set(texts))
        rules = self.rules.with_decimal(decimal)
        return Plan(self.layout, self.label, rules, numbers, texts, maybe_codes=set(numbers), flat=self.flat)

    @property
    def counts_marks(self) -> bool:
        """True where it has to be told which decimal mark numbers have, if they have any."""
        rules = self.layout.rules
        return len(rules.decimals) > 1 and (rules.doubtful or self.rules.decimals == (",",))


@dataclass(eq=False)
class Block:
    """The columns of one chunk.

    numbers : (n_rows, len(plan.numbers)) float64, C order, NaN where missing and in columns that failed.
    facts : what columns of numbers held besides. zeros : columns in which a cell of digits has a leading
        zero.
    lines : line of the first row where the others follow on, else the line of each.
    marks : decimal marks in columns of numbers, counted where it matters.
    blank : the first blank line behind all rows of a file of one column, None where there is none.
    skipped : the lines that are no rows.
    """

    n_rows: int
    numbers: FloatArray
    lines: int | IntCodes
    marks: int = 0
    blank: int | None = None
    skipped: Skipped = field(default_factory=Skipped)
    texts: dict[int, CodedCells] = field(default_factory=dict)
    facts: dict[int, NumberFacts] = field(default_factory=dict)
    zeros: set[int] = field(default_factory=set)
