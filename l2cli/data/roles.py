"""What every column of a file is to a model: decided here once, for a fit and for ``l2cli inspect``.

``numeric`` | ``categorical`` | ``boolean`` (two texts such as true and false) | ``constant`` | ``identifier``
(names the rows) | ``empty`` (no value) | ``date``; the last three are left out. Columns with a part of
their own (target, weights, ...) are not judged.

What counts rows and what measures cannot be told apart for certain, so a column of numbers is dropped only
where its name says that it identifies, or where it counts on and on in the order of the file. Short runs are
kept: designed tables and time series count too.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.data.cells import WHOLE
from l2cli.data.frame import SOURCE as ARRAY
from l2cli.data.schema import Roles
from l2cli.data.table import Table
from l2cli.data.target import missing_cells
from l2cli.data.wording import listed, plural, quoted
from l2cli.errors import shown

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

IDENTIFIER_LEVELS = 20
"""A column with no more distinct values than this is an identifier only if all its cells are distinct."""
IDENTIFIER_SHARE = 0.9
"""... and with more, where the distinct values are at least this share of the present cells."""
LEAST_COUNT = 10
"""Of fewer rows nothing counts."""
LONG_COUNT = 50
"""So many rows counted from 0 or 1 in the order of the file are no designed table any more."""
LONG_RUN = 200
"""... and so many from any number on, years aside."""
LARGE_START = 10_000
"""From such a number on no measurement goes up in steps of 1."""
YEARS = (1000, 2200)

LEFT_OUT = ("identifier", "date", "empty")
"""Roles of columns that a model does not get as they are."""
LEVELS = ("categorical", "boolean")
_BOOLEANS = (("false", "true"), ("no", "yes"), ("n", "y"), ("f", "t"))

# A name that is nothing but this.
_WHOLE = re.compile(
    r"|#|ids?|idx|index|rows?|obs|record|case|subject|participant|patient|customer|client|order"
    r"|key|pk|n[ro]|s[lr]?no|seqn?|sequence|serial(no|number)?|uu?id|guid|\w*rowid"
    r"|(row|record|obs|case|sample)(name|names|id|index|number|no|num|nr)"
    r"|level\d+|unnamed.*|indexlevel\d+|column1|\.\.\.\d+"
)
# A last word that makes a name of numbers an identifier: customer_id, OrderKey, loan ID.
_LAST_WORD = re.compile(r"ids?|idx|uu?id|guid|key|pk|identifier")
# The same without a break, behind what is commonly numbered: customerid, invoiceno.
_NUMBERED = (
    "account|acct|animal|article|book|case|claim|client|company|customer|device|document|employee|event|file|"
    "flight|game|household|host|house|image|individual|invoice|item|listing|loan|match|member|message|movie|"
    "order|participant|passenger|patient|person|photo|plant|player|plot|policy|post|product|property|record|"
    "respondent|review|ride|row|sample|school|seller|sensor|serial|session|shop|song|specimen|station|store|"
    "student|subject|team|ticket|track|transaction|tree|trip|tweet|unit|user|vehicle|visit"
)
_JOINED = re.compile(rf"({_NUMBERED})s?(id|no|nr|num|number|key|code)")
# Words that say that a column counts time or states a quantity, so that it may well go up in steps of 1; x is
# what the axis of designed data is called.
_MEASURES = re.compile(
    r"\w*(time|date|year|month|week|day|hour)|(time|date|year|month|week|day|hour|minute|second)\w*|"
    r"x|t|yr|jahr|quarter|mon|wk|min|sec|period|season|"
    r"trend|step|steps|tick|epoch|generation|cycle|round|lap|age|ages|dose|depth|height|distance|dist|length|"
    r"width|size|temp|temperature|speed|angle|level|rank|score|price|weight|duration|tenure|count|counts|total"
)
_BREAK = re.compile(r"[^0-9A-Za-z]+|(?<=[a-z0-9])(?=[A-Z])")


class ColumnRole(NamedTuple):
    """What a column that may be a feature is.

    why : in words, what made it an identifier. levels : distinct texts among the rows used, of columns that
    are levels. counted : the identifier is one for its numbers alone, whatever its name says.
    """

    name: str
    role: str
    why: str = ""
    levels: int = 0
    counted: bool = False

    @property
    def is_used(self) -> bool:
        """True where a model gets the column."""
        return self.role not in LEFT_OUT


@dataclass(eq=False)
class ColumnRoles:
    """The roles of the candidates, in file order, and {name: (n_rows,) True where the cell is missing}."""

    roles: list[ColumnRole] = field(default_factory=list)
    gaps: dict[str, BoolArray] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """Names of the columns that a model gets."""
        return [role.name for role in self.roles if role.is_used]

    @property
    def by_name(self) -> dict[str, ColumnRole]:
        """The roles by the names of the columns."""
        return {role.name: role for role in self.roles}

    def named(self, role: str) -> list[ColumnRole]:
        """Return the columns of one role."""
        return [found for found in self.roles if found.role == role]

    def mark_constant(self, names: Collection[str]) -> None:
        """Make columns constant that turned out to be."""
        if names:
            self.roles = [
                role._replace(role="constant") if role.name in names else role for role in self.roles
            ]


class _Suspects(NamedTuple):
    """Columns of numbers that a look at a few rows does not clear."""

    whole: frozenset[str]
    counting: frozenset[str]


def column_roles(
    table: Table, roles: Roles, rows: IntArray, unclean: frozenset[str], missing: str
) -> ColumnRoles:
    """Return what every candidate is, judged by the rows used; nothing is refused here.

    Parameters
    ----------
    unclean : frozenset of str
        Columns of numbers that may have missing cells.
    missing : str
        The rule for missing cells; under ``error`` a column without a value is no reason to leave it out.

    Notes
    -----
    Numbers cost nothing by row, unless their name or a few cells raise suspicion.
    """
    found = ColumnRoles()
    suspects = _Suspects(_whole(table), _counting(table))
    for name in roles.features:
        if name in unclean or not table.is_number(name):
            gap = missing_cells(table, name)
            if gap[rows].all() and missing != "error":
                found.roles.append(ColumnRole(name, "empty"))
                continue
            if gap.any():
                found.gaps[name] = gap
        judge = _of_number if table.is_number(name) or name in roles.numeric else _of_text
        found.roles.append(judge(table, roles, name, rows, suspects))
    _keep_the_only_numbers(found)
    for role in found.named("identifier"):
        found.gaps.pop(role.name, None)
    return found


def _keep_the_only_numbers(found: ColumnRoles) -> None:
    """Take numbers that count the rows as they are where a model would have nothing else."""
    if not found.names:
        found.roles = [ColumnRole(role.name, "numeric") if role.counted else role for role in found.roles]


def _of_text(table: Table, roles: Roles, name: str, rows: IntArray, _: _Suspects) -> ColumnRole:
    """Return the role of a column of text that is not forced to be numbers."""
    column = table.texts[name]
    counts = np.bincount(column.codes[rows] + 1, minlength=len(column.levels) + 1)
    distinct, present = int(np.count_nonzero(counts[1:])), len(rows) - int(counts[0])
    if name not in roles.named and name not in roles.categorical:
        many = distinct > IDENTIFIER_LEVELS and distinct >= IDENTIFIER_SHARE * present
        if many or (distinct == len(rows) and _is_index_name(name)):
            why = (
                "all distinct" if distinct == present else f"{distinct} distinct in {plural(present, 'row')}"
            )
            return ColumnRole(name, "identifier", f"text, {why}")
    levels = [column.levels[i] for i in np.flatnonzero(counts[1:])]
    return ColumnRole(name, "boolean" if is_boolean(levels) else "categorical", levels=len(levels))


def _of_number(table: Table, roles: Roles, name: str, rows: IntArray, suspects: _Suspects) -> ColumnRole:
    """Return the role of a column of numbers, or of text forced to be numbers."""
    if name in roles.categorical:
        values = table.number(name)[rows]
        return ColumnRole(name, "categorical", levels=len(np.unique(values[~np.isnan(values)])))
    if name in roles.named or not table.is_number(name):
        return ColumnRole(name, "numeric")
    if name in table.rounded and (why := _beyond_doubles(table, name, rows)):
        return ColumnRole(name, "identifier", why)
    if name in suspects.counting and _counts_rows(table, name):
        low, high = (f"{table.number(name)[i]:.0f}" for i in (0, -1))
        counted = not says_identifier(name)
        return ColumnRole(name, "identifier", f"counts the rows, {low} to {high}", counted=counted)
    if (
        name in suspects.whole
        and says_identifier(name)
        and (why := _distinct_numbers(table.number(name)[rows]))
    ):
        return ColumnRole(name, "identifier", why)
    return ColumnRole(name, "numeric")


def is_category(table: Table, roles: Roles, name: str) -> bool:
    """Return True for a column that a model gets as levels, not as numbers."""
    return name in roles.categorical or not (table.is_number(name) or name in roles.numeric)


def is_boolean(levels: Sequence[str]) -> bool:
    """Return True for the two texts of a truth value, in any letters and spellings of these.

    >>> is_boolean(["TRUE", "False"]), is_boolean(["yes", "maybe"]), is_boolean(["yes"])
    (True, False, False)
    """
    if len(levels) > IDENTIFIER_LEVELS:
        return False
    return tuple(sorted({level.strip().casefold() for level in levels})) in _BOOLEANS


# ---------------------------------------------------------------- identifiers


def says_identifier(name: str) -> bool:
    """Return True where the name of a column of numbers says that they name things.

    >>> [says_identifier(name) for name in ("ID", "customer_id", "PassengerId", "orderno", "...1")]
    [True, True, True, True, True]
    >>> [says_identifier(name) for name in ("humid", "price_index", "covid", "index of", "year", "x")]
    [False, False, False, False, False, False]
    """
    if _is_index_name(name):
        return True
    words = [word.lower() for word in _BREAK.split(name) if word]
    return bool(words) and bool(_LAST_WORD.fullmatch(words[-1]) or _JOINED.fullmatch("".join(words)))


def _is_index_name(name: str) -> bool:
    return _WHOLE.fullmatch(re.sub(r"[\s_:-]|(?<!\.)\.(?!\.)", "", name.lower())) is not None


def measures(name: str) -> bool:
    """Return True where a word of the name says that the column counts time or states a quantity.

    >>> measures("Year"), measures("ageGroup"), measures("case"), measures("total_t")
    (True, True, False, True)
    """
    return any(_MEASURES.fullmatch(word.lower()) for word in _BREAK.split(name))


def _distinct_numbers(values: FloatArray) -> str:
    """Return in words that the present cells are whole numbers, nearly all distinct; nothing if not."""
    present = values[~np.isnan(values)]
    if not len(present) or np.mod(present, 1.0).any():
        return ""
    rising = bool((np.diff(present) > 0.0).all())
    distinct = len(present) if rising else len(np.unique(present))
    if distinct == len(values):
        return "whole numbers, all distinct"
    if distinct > IDENTIFIER_LEVELS and distinct >= IDENTIFIER_SHARE * len(present):
        return f"whole numbers, {distinct} distinct in {plural(len(present), 'row')}"
    return ""


def _beyond_doubles(table: Table, name: str, rows: IntArray) -> str:
    """Return what makes whole numbers that doubles round an identifier: nearly all differ as they stand."""
    large = np.abs(table.number(name)[rows]) >= WHOLE
    column = table.rounded[name]
    counts = np.bincount(column.codes[rows] + 1, minlength=len(column.levels) + 1)
    distinct, present = int(np.count_nonzero(counts[1:])), len(rows) - int(counts[0])
    if large.mean() < IDENTIFIER_SHARE or distinct <= IDENTIFIER_LEVELS:
        return ""
    return "whole numbers beyond 2^53, nearly all distinct" if distinct >= IDENTIFIER_SHARE * present else ""


def _whole(table: Table) -> frozenset[str]:
    """Return the columns of numbers whose first cells are whole numbers, or missing."""
    head = table.numbers[:8]
    with np.errstate(invalid="ignore"):
        hit = ((head == np.floor(head)) | np.isnan(head)).all(axis=0)
    return frozenset(name for name, at in table.number_index.items() if hit[at])


def _counting(table: Table) -> frozenset[str]:
    """Return the columns of numbers whose first two cells and last one count the rows of the file.

    The columns of an array have no names and were put together by its owner: none is suspected.
    """
    n, numbers = table.n_rows, table.numbers
    if n < LEAST_COUNT or not numbers.shape[1] or table.source == ARRAY:
        return frozenset()
    with np.errstate(invalid="ignore"):
        step = numbers[1] - numbers[0]
        hit = (np.abs(step) == 1.0) & (numbers[-1] - numbers[0] == step * (n - 1.0))
    return frozenset(name for name, at in table.number_index.items() if hit[at])


def _counts_rows(table: Table, name: str) -> bool:
    """Return True where a column goes up or down by 1 from row to row, for longer than a measurement."""
    is_row_name = name == "X" and table.names[0] == name  # what R calls the row names that it wrote
    if not is_row_name and (measures(name) or table.n_rows < LONG_COUNT):
        return False
    values = table.number(name)
    low, high = sorted((float(values[0]), float(values[-1])))
    years = low >= YEARS[0] and high <= YEARS[1]
    long = low in (0.0, 1.0) or low >= LARGE_START or (table.n_rows > LONG_RUN and not years)
    return long and bool((np.diff(values) == values[1] - values[0]).all())


# ---------------------------------------------------------------- what is said


def left_out_notes(found: ColumnRoles) -> list[str]:
    """Return one line for the identifiers, and one for the columns without a value."""
    notes = []
    if identifiers := found.named("identifier"):
        told = listed([f"'{role.name}' ({role.why})" for role in identifiers], 200)
        notes.append(f"left out as identifiers: {told}; --features with the name keeps one")
    if empty := found.named("empty"):
        notes.append(f"left out, no value in any row: {quoted(role.name for role in empty)}")
    return notes


def role_notes(found: ColumnRoles) -> list[str]:
    """Return one line for each role where there are levels; columns that are all numbers need no word."""
    levels = [part for role in LEVELS if (part := found.named(role))]
    numbers = numeric_note(found) if levels else ""
    return [*([numbers] if numbers else []), *map(_level_note, levels)]


def numeric_note(found: ColumnRoles) -> str:
    """Return the line about the columns of numbers, nothing where there are none."""
    names = [role.name for role in found.named("numeric")]
    return f"numeric: {plural(len(names), 'column')} ({listed(names, 100)})" if names else ""


def _level_note(part: Sequence[ColumnRole]) -> str:
    """Return the line about the columns of one role that are levels; the first number has its unit."""
    noun = " levels"
    items = []
    for role in part:
        items.append(role.name if role.role == "boolean" else f"{role.name} {role.levels}{noun}")
        noun = ""
    return f"{part[0].role}: {plural(len(part), 'column')} ({listed(items, 100)})"


def alike_labels(levels: Sequence[str]) -> list[list[str]]:
    """Return the groups of labels that differ only in letter case or blanks.

    >>> alike_labels(["yes", "no", "Yes", "New  York", "new york"])
    [['yes', 'Yes'], ['New  York', 'new york']]
    """
    groups: dict[str, list[str]] = {}
    for level in levels:
        groups.setdefault("".join(level.casefold().split()), []).append(level)
    return [group for group in groups.values() if len(group) > 1]


def alike_note(table: Table, name: str, rows: IntArray) -> str:
    """Return in words which levels in some rows differ only in letter case or blanks, if any."""
    column = table.texts[name]
    counts = np.bincount(column.codes[rows] + 1, minlength=len(column.levels) + 1)[1:].tolist()
    seen = {level: count for level, count in zip(column.levels, counts, strict=True) if count}
    groups = [
        " and ".join(f"'{shown(level)}' ({plural(seen[level], 'row')})" for level in alike)
        for alike in alike_labels(list(seen))
    ]
    if not groups:
        return ""
    more = f", and {len(groups) - 3} more such" if len(groups) > 3 else ""
    return f"levels that differ only in letter case or blanks stay apart: {', '.join(groups[:3])}{more}"
