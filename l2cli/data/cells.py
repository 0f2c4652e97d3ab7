"""What a cell is: a number, a missing value or a text. The one set of rules, whichever parser found the cell.

Standard library only, so that a header can be read without NumPy. A cell is judged without the blanks
(spaces, tabs) around it. A number is a plain decimal or scientific one: an optional sign, ASCII digits with
at most one decimal mark, an optional exponent; nothing else (no underscores, no hexadecimal, no ``inf``).
What a *column* is follows from the set of its distinct cells alone, so :func:`judge` takes those and every
parser asks it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite, isinf, isnan, nan
from typing import NamedTuple

from l2cli.spec import ReadSpec

BLANKS = " \t"
MISSING = frozenset({"", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "#N/A"})
UNCERTAIN = frozenset({"?", ".", "-"})

_NUMBER_BYTES = {
    ".": b"0123456789+-.eE" + BLANKS.encode(),
    ",": b"0123456789+-,eE" + BLANKS.encode(),
}
_DIGITS = b"0123456789"
_INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class CellRules:
    """The rules in force for one file.

    missing : cells that count as missing in every column.
    uncertain : cells that count as missing in a column whose every other present cell is a number.
    decimals : decimal marks, tried in this order; a file has one of them throughout.
    """

    missing: frozenset[str] = MISSING
    uncertain: frozenset[str] = UNCERTAIN
    decimals: tuple[str, ...] = (".",)

    @cached_property
    def no_numbers(self) -> frozenset[str]:
        """The cells that may stand in a column of numbers without being one."""
        return self.missing | self.uncertain

    @cached_property
    def missing_values(self) -> frozenset[float]:
        """The missing cells that are numbers, such as ``-999``: ``-999.0`` is missing as well."""
        found = (first_numbers([token], self.decimals) for token in self.missing)
        return frozenset(values[0] for values in found if values is not None and isfinite(values[0]))

    def is_missing(self, cell: str) -> bool:
        """Return True for a cell that is missing in a column of text; a code such as ``099`` is no 99."""
        if cell in self.missing or not self.missing_values:
            return cell in self.missing
        found = first_numbers([cell], self.decimals)
        is_code = has_leading_zero(cell) and only_digits([cell])
        return found is not None and found[0] in self.missing_values and not is_code

    def with_decimal(self, decimal: str) -> CellRules:
        """Return the same rules with one decimal mark."""
        return CellRules(self.missing, self.uncertain, (decimal,))


def cell_rules(spec: ReadSpec, delimiter: str) -> CellRules:
    """Return the rules that the options and the delimiter ask for.

    A list of ``--na`` tokens replaces the missing and the uncertain ones; the empty cell stays missing. A
    ``;`` file may have decimal commas, as spreadsheets write it where the comma is the decimal mark.
    """
    decimals = (spec.decimal,) if spec.decimal else (".", ",") if delimiter == ";" else (".",)
    if spec.na is None:
        return CellRules(decimals=decimals)
    return CellRules(frozenset({"", *(token.strip(BLANKS) for token in spec.na)}), frozenset(), decimals)


class Reading(NamedTuple):
    """What the distinct cells of a column turned out to be; the lists hold positions in ``cells``.

    cells : the distinct cells without the blanks around them.
    values : their numbers, NaN where missing or uncertain, infinite where infinite; None where a cell is
        text.
    digits : True where every ordinary cell consists of digits only. zeros : True where such a cell has a
        leading zero.
    """

    cells: list[str]
    values: list[float] | None
    missing: list[int]
    uncertain: list[int]
    infinite: list[int]
    digits: bool
    zeros: bool

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
    found = first_numbers(ordinary, rules.decimals)
    values = None if found is None else [nan] * len(cells)
    if values is not None and found is not None:
        for i, value in zip(plain, found, strict=True):
            values[i] = nan if value in rules.missing_values and not zeros else value
        infinite += [i for i, value in zip(plain, found, strict=True) if isinf(value)]
        for i in infinite:
            values[i] = float("inf")
    uncertain = [i for i, cell in enumerate(cells) if cell in rules.uncertain and cell not in rules.missing]
    return Reading(cells, values, missing, uncertain, infinite, digits, zeros)


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


def marked_cell(cells: Sequence[str], values: Sequence[float]) -> tuple[int, str] | None:
    """Return position and decimal mark of the first number that has one, None where all are without."""
    for i, (cell, value) in enumerate(zip(cells, values, strict=True)):
        mark = "." if "." in cell else "," if "," in cell else None
        if mark is not None and not isnan(value):
            return i, mark
    return None


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
