"""What a cell is: a number, a missing value or a text. The one set of rules, whichever parser found the cell.

Standard library only, so that a header can be read without NumPy. A cell is judged without the blanks
(spaces, tabs) around it. A number is a plain decimal or scientific one: an optional sign, ASCII digits with
at most one decimal mark, an optional exponent; nothing else (no underscores, no hexadecimal, no ``inf``).
What a *column* is follows from the set of its distinct cells alone, so :func:`judge` takes those and every
parser asks it. A column that is none of plain numbers may be one of written ones
(:mod:`l2cli.data.written`): once all of it is known, :func:`read_under` tells.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf, isfinite, isinf, nan
from typing import NamedTuple

from l2cli.data import written
from l2cli.spec import ReadSpec

BLANKS = " \t"
MISSING = frozenset({"", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "#N/A"})
UNCERTAIN = frozenset({"?", ".", "-"})
WHOLE = 2.0**53
"""From here on doubles leave whole numbers out, so they cannot tell labels apart."""

_NUMBER_BYTES = {
    ".": b"0123456789+-.eE" + BLANKS.encode(),
    ",": b"0123456789+-,eE" + BLANKS.encode(),
}
_DIGITS = b"0123456789"
_WHOLE_CELL = re.compile(r"([+-]?\d+)(?:[.,]0*)?", re.ASCII)
_INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class CellRules:
    """The rules in force for one file.

    missing : cells that count as missing in every column.
    uncertain : cells that count as missing in a column whose every other present cell is a number.
    decimals : decimal marks, tried in this order; a file has one of them throughout.
    likely : the one of a file that does not show which.
    doubtful : a point may well separate thousands, as in the files of spreadsheets with ``;``.
    token_decimals : decimal marks that missing cells may have, where not only ``decimals``.
    """

    missing: frozenset[str] = MISSING
    uncertain: frozenset[str] = UNCERTAIN
    decimals: tuple[str, ...] = (".",)
    likely: str = "."
    doubtful: bool = False
    token_decimals: tuple[str, ...] = ()

    @cached_property
    def no_numbers(self) -> frozenset[str]:
        """The cells that may stand in a column of numbers without being one."""
        return self.missing | self.uncertain

    @cached_property
    def missing_values(self) -> frozenset[float]:
        """The missing cells that are numbers, such as ``-999``: ``-999.0`` is missing as well."""
        decimals = self.token_decimals or self.decimals
        found = (first_numbers([token], decimals) for token in self.missing)
        return frozenset(values[0] for values in found if values is not None and isfinite(values[0]))

    @cached_property
    def mark_is_sure(self) -> bool:
        """True where a decimal mark in a cell of a column of numbers is that of a number."""
        marks = "".join(self.decimals)
        return not self.missing_values and not any(c in marks for token in self.missing for c in token)

    def is_missing(self, cell: str) -> bool:
        """Return True for a cell that is missing in a column of text; a code such as ``099`` is no 99."""
        if cell in self.missing or not self.missing_values:
            return cell in self.missing
        found = first_numbers([cell], self.decimals)
        is_code = has_leading_zero(cell) and only_digits([cell])
        return found is not None and found[0] in self.missing_values and not is_code

    def with_decimal(self, decimal: str) -> CellRules:
        """Return the same rules with one decimal mark; what is missing does not depend on it."""
        either = self.token_decimals or self.decimals
        return CellRules(self.missing, self.uncertain, (decimal,), decimal, token_decimals=either)


def cell_rules(spec: ReadSpec, delimiter: str) -> CellRules:
    """Return the rules that the options and the delimiter ask for.

    A list of ``--na`` tokens replaces the missing and the uncertain ones; the empty cell stays missing. A
    ``;`` file rather has decimal commas: spreadsheets write it where the comma is the decimal mark. More
    weight than that has a file like it that showed its mark, from which a model was made.
    """
    missing, uncertain = MISSING, UNCERTAIN
    if spec.na is not None:
        missing, uncertain = frozenset({"", *(token.strip(BLANKS) for token in spec.na)}), frozenset()
    if spec.decimal:
        return CellRules(missing, uncertain, (spec.decimal,), spec.decimal)
    semicolon = delimiter == ";"
    likely = spec.like[1] if spec.like and spec.like[0] == delimiter else "," if semicolon else "."
    return CellRules(missing, uncertain, (".", ","), likely, semicolon)


class Reading(NamedTuple):
    """What the distinct cells of a column turned out to be; the lists hold positions in ``cells``.

    cells : the distinct cells without the blanks around them.
    values : their numbers, NaN where missing or uncertain, infinite where infinite; None where a cell is
        text.
    digits : True where every ordinary cell consists of digits only. zeros : True where such a cell has a
        leading zero.
    ordinary : the cells that have to be numbers in a column of numbers.
    examples : cells that show how numbers are written that are not plain ones.
    """

    cells: list[str]
    values: list[float] | None
    missing: list[int]
    uncertain: list[int]
    infinite: list[int]
    digits: bool
    zeros: bool
    ordinary: Sequence[int] = ()
    examples: Sequence[int] = ()

    @property
    def is_code(self) -> bool:
        """True for digit strings of which some would lose a leading zero as numbers."""
        return self.digits and self.zeros


def judge(levels: Iterable[str], rules: CellRules) -> Reading:
    """Return what a column with these distinct cells is.

    Notes
    -----
    Numbers are converted by ``float``, which rounds correctly; the work is one pass over the distinct cells.
    """
    cells = [level.strip(BLANKS) for level in levels]
    missing = [i for i, cell in enumerate(cells) if rules.is_missing(cell)]
    gone = rules.no_numbers
    infinite = [
        i
        for i, cell in enumerate(cells)
        if cell[-1:] in "fFyY" and cell not in gone and _INFINITE.fullmatch(cell)
    ]
    odd = {*infinite, *missing}
    plain = [i for i, cell in enumerate(cells) if cell not in gone and i not in odd]
    ordinary = [cells[i] for i in plain]
    digits = only_digits(ordinary) and not infinite
    zeros = digits and any(map(has_leading_zero, ordinary))
    uncertain = [i for i, cell in enumerate(cells) if cell in rules.uncertain and cell not in rules.missing]
    reading = Reading(cells, None, missing, uncertain, infinite, digits, zeros, plain)
    found = first_numbers(ordinary, rules.decimals)
    return reading if found is None else _with_numbers(reading, found, rules)


def _with_numbers(reading: Reading, found: Sequence[float], rules: CellRules) -> Reading:
    """Return the reading of a column whose ordinary cells are these numbers."""
    values = [nan] * len(reading.cells)
    for i, value in zip(reading.ordinary, found, strict=True):
        values[i] = nan if value in rules.missing_values and not reading.zeros else value
    infinite = [
        *reading.infinite,
        *(i for i, value in zip(reading.ordinary, found, strict=True) if isinf(value)),
    ]
    for i in infinite:
        values[i] = float("inf")
    return reading._replace(values=values, infinite=infinite)


def read_under(reading: Reading, rules: CellRules, decimal: str, *, plain: bool = False) -> Reading | None:
    """Return a column as numbers under a decimal mark, ``plain`` ones or as people write them, else None."""
    cells, rules = [reading.cells[i] for i in reading.ordinary], rules.with_decimal(decimal)
    found = numbers(cells, decimal)
    if found is not None:
        return _with_numbers(reading, found, rules)
    column = None if plain else written.read(cells, decimal, rules.no_numbers)
    if column is None:
        return None
    examples = [reading.ordinary[i] for i in column.examples]
    return _with_numbers(reading, column.values, rules)._replace(examples=examples)


def mark_shown(cells: Sequence[str], mark: str, rules: CellRules) -> int | None:
    """Return the place of a cell that shows the decimal mark of a column of numbers, None where none does."""
    if mark not in "".join(cells):
        return None
    other, gone = "," if mark == "." else ".", rules.no_numbers
    marked = ((i, cell) for i, cell in enumerate(cells) if mark in cell)
    shows = (i for i, cell in marked if written.parse(cell, other) is None and cell.strip(BLANKS) not in gone)
    return next(shows, None)


def is_rounded(cell: str, value: float) -> bool:
    """Return True for a whole number beyond 2^53 that its double ``value`` is not."""
    if not WHOLE <= abs(value) < inf:
        return False
    found = _WHOLE_CELL.fullmatch(cell.strip(BLANKS))
    return found is not None and int(found[1].lstrip("+-0") or "0") != int(abs(value))


def first_numbers(cells: Sequence[str], decimals: Iterable[str]) -> list[float] | None:
    """Return the cells as numbers under the first decimal mark that fits them all, or None."""
    for decimal in decimals:
        found = numbers(cells, decimal)
        if found is not None:
            return found
    return None


def numbers(cells: Sequence[str], decimal: str = ".") -> list[float] | None:
    """Return the cells as numbers, or None where one is no number under this decimal mark.

    Notes
    -----
    With nothing but these characters in them, ``float`` accepts exactly the plain decimal and scientific
    numbers; so one scan of the joined cells makes up for what ``float`` takes beyond them (underscores, other
    scripts, ``nan``).
    """
    if "".join(cells).encode("utf-8", "replace").translate(None, _NUMBER_BYTES[decimal]):
        return None
    texts = cells if decimal == "." else [cell.replace(",", ".") for cell in cells]
    try:
        return list(map(float, texts))
    except ValueError:
        return None


def infinite_values(cells: Iterable[str]) -> set[float]:
    """Return the infinite numbers among these cells."""
    return {float(cell) for cell in cells if _INFINITE.fullmatch(cell)}


def plain_numbers(cells: Sequence[str], rules: CellRules) -> list[float] | None:
    """Return cells as finite numbers, the short way; None where :func:`judge` has to decide."""
    found = None if rules.missing_values else numbers(cells, rules.decimals[0])
    # An infinite sum of finite numbers only means the long way.
    if found is None or not isfinite(sum(found)):
        return None
    if only_digits(cells) and any(has_leading_zero(cell.strip(BLANKS)) for cell in cells):
        return None
    return found


def only_digits(cells: Iterable[str]) -> bool:
    """Return True where every cell is a string of ASCII digits (blanks around it aside)."""
    return not "".join(cells).encode("utf-8", "replace").translate(None, _DIGITS + BLANKS.encode())


def has_leading_zero(cell: str) -> bool:
    """Return True for digits that would lose their first one as a number: ``01234``."""
    return len(cell) > 1 and cell[0] == "0"
