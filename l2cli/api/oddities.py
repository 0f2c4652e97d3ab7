"""What a reader of a file should look at twice: one line each, told by column, nothing changed for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from l2cli.data.cells import WHOLE
from l2cli.data.levels import level_text
from l2cli.data.roles import ColumnRole, alike_note, says_identifier
from l2cli.data.survey import MOST_LEVELS, ColumnFacts
from l2cli.data.table import Table
from l2cli.data.target import LEAST_CODES, MOST_CODE, MOST_CODES, refuse_stray_cells
from l2cli.data.wording import plural, where
from l2cli.errors import DataError, shown

IntArray = npt.NDArray[np.int64]

NEARLY_ALL = 0.98
"""Share of the cells with one value from which a column is nearly constant."""
MOSTLY_MISSING = 0.5
FAR_OUT = 10.0
"""A cell so many quartile ranges beyond the quartiles stands for a heavy tail, or for an error."""
MANY_LEVELS = 50
STAND_INS = frozenset(
    sign * value for sign in (1.0, -1.0) for value in (99.0, 999.0, 9999.0, 99999.0, 999999.0)
) | {-9.0}
"""Numbers that are often written for a missing one, where they lie apart from all others."""


def role_oddity(role: ColumnRole) -> str:
    """Return what a role means for a fit; nothing where the column is used as it is."""
    if role.is_used and role.levels > MANY_LEVELS:
        return f"{role.levels} levels make as many columns"
    return {
        "identifier": f"{role.why}: left out",
        "empty": "no value: left out",
        "constant": "constant: coefficient 0",
    }.get(role.role, "")


def number_oddities(table: Table, role: str, facts: ColumnFacts) -> list[str]:
    """Return what is odd about a column of numbers."""
    if facts.low is None or facts.high is None or facts.quartiles is None:
        return []
    notes = []
    if facts.type == "integer" and max(-facts.low, facts.high) >= WHOLE:
        notes.append("whole numbers beyond 2^53 are rounded; codes belong into --categorical")
    elif role == "numeric" and facts.type == "integer" and says_identifier(facts.name):
        notes.append("named like an identifier and used as a number: --drop or --categorical?")
    stand_in = _stand_in(facts)
    first, _, third = facts.quartiles
    reach = FAR_OUT * (third - first)
    if stand_in is not None:
        count = int(np.count_nonzero(table.number(facts.name) == stand_in))
        cells = plural(count, "cell")
        notes.append(f"{level_text(stand_in)} in {cells} lies apart: is it a missing value (--na)?")
    elif facts.distinct > MOST_LEVELS and reach > 0.0:
        ends = [
            e for e, far in ((facts.low, first - facts.low), (facts.high, facts.high - third)) if far > reach
        ]
        if ends:
            told = " and ".join(f"{end:.6g}" for end in ends)
            notes.append(f"far out: {told}, while half of the cells lie in {first:.6g} to {third:.6g}")
    return notes


def target_oddity(facts: ColumnFacts, family: str | None) -> str:
    """Return what speaks for another family than the one that a fit would use."""
    if family != "gaussian" or facts.type != "integer" or facts.low is None or facts.high is None:
        return ""
    few = LEAST_CODES <= facts.distinct <= MOST_CODES and max(-facts.low, facts.high) <= MOST_CODE
    remedies = [
        *(["multinomial if they are classes"] if few else []),
        *(["poisson if they are counts"] if facts.low == 0.0 and facts.distinct > 2 else []),
    ]
    what = "few whole numbers" if few else "whole numbers from 0 on"
    return f"{what}: --family {', '.join(remedies)}" if remedies else ""


def _stand_in(facts: ColumnFacts) -> float | None:
    """Return the smallest or largest value if it often means missing and is far from all the others."""
    low, high, next_low, next_high = facts.low, facts.high, facts.next_low, facts.next_high
    if facts.distinct < 3 or low is None or high is None or next_low is None or next_high is None:
        return None
    # the sign alone sets -9 apart from codes such as 1 to 7
    large = next_low >= 0.0 or -low >= 2.0 * max(-next_low, high)
    if low in STAND_INS and large and next_low - low > high - next_low:
        return low
    large = high >= 2.0 * max(next_high, -low)
    return high if high in STAND_INS and large and high - next_high > next_high - low else None


def text_oddities(table: Table, role: ColumnRole | None, facts: ColumnFacts, rows: IntArray) -> list[str]:
    """Return what is odd about a column of text; ``rows`` are those used."""
    notes = []
    if facts.distinct <= table.n_rows // 2 and (told := alike_note(table, facts.name, rows)):
        notes.append(told)
    if role is not None and role.role == "categorical":
        try:
            refuse_stray_cells(table, facts.name, rows)
        except DataError as error:
            notes.append(f"mostly numbers, but not all: {error.message.removeprefix(where(table)).lstrip()}")
    return notes


def share_oddities(role: str, facts: ColumnFacts, n_rows: int) -> list[str]:
    """Return what is odd about how often cells are missing, or the same."""
    notes = []
    if n_rows and 1.0 > facts.missing / n_rows >= MOSTLY_MISSING:
        notes.append(f"{100.0 * facts.missing / n_rows:.0f} % of the cells are missing")
    if facts.common >= NEARLY_ALL and facts.distinct > 1 and role != "constant":
        value = facts.levels[0][0] if facts.type == "text" else level_text((facts.quartiles or (0.0,) * 3)[1])
        share = np.floor(1000.0 * facts.common) / 10.0  # never 100 %
        notes.append(f"nearly constant: {share:g} % of the cells are '{shown(value)}'")
    return notes


def copies(table: Table, facts: Mapping[str, ColumnFacts], names: Sequence[str]) -> dict[str, str]:
    """Return {column: what it repeats} for those of ``names`` whose cells another before them has."""
    notes: dict[str, str] = {}
    first: dict[tuple[bool, int], str] = {}
    for name in names:
        if facts[name].distinct < 2:
            continue
        other = first.setdefault((table.is_number(name), facts[name].fingerprint), name)
        if other == name:
            continue
        if table.is_number(name):
            if np.array_equal(table.number(name), table.number(other), equal_nan=True):
                notes[name] = f"the same as '{shown(other)}'"
        elif np.array_equal(table.texts[name].codes, table.texts[other].codes):
            same = table.texts[name].levels == table.texts[other].levels
            notes[name] = (
                f"the same as '{shown(other)}'" if same else f"one level for each of '{shown(other)}'"
            )
    return notes
