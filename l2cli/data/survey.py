"""What the columns of a table hold, whoever asks: ranges, distinct values, quartiles, copies, repeated rows.

One pass over the numbers: blocks of columns are copied, mixed into fingerprints and sorted, and everything
else is read off the sorted columns.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.threads import row_threads
from l2cli.data.levels import level_text
from l2cli.data.table import Table

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Bits = npt.NDArray[np.uint64]

MOST_LEVELS = 10
"""So many levels are counted, the most frequent ones; of numbers only where there are no more."""
BLOCK_CELLS = 1 << 20
LEAST_COLUMNS = 2
"""A block has so many columns at least, however long they are."""
_MULTIPLIERS = (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53)
_GOLDEN = 0x9E3779B97F4A7C15


class ColumnFacts(NamedTuple):
    """What one column holds, over all rows.

    type : ``integer`` | ``number`` | ``text`` | ``empty``. missing, distinct : how many cells and values.
    levels : (level, count) of the most frequent, of numbers only where they are few. low, high : the range.
    quartiles : first, second, third. next_low, next_high : the second smallest and second largest value.
    common : the share of the present cells with one value, where that is more than half.
    fingerprint : equal for columns with equal cells.
    """

    name: str
    type: str
    missing: int
    distinct: int
    levels: tuple[tuple[str, int], ...] = ()
    low: float | None = None
    high: float | None = None
    quartiles: tuple[float, float, float] | None = None
    next_low: float | None = None
    next_high: float | None = None
    common: float = 0.0
    fingerprint: int = 0


def survey_columns(table: Table, judged: Collection[str]) -> tuple[dict[str, ColumnFacts], int]:
    """Return the facts of every column, and how many rows repeat an earlier one in the columns ``judged``.

    Notes
    -----
    A sort of every column, O(n log n) each, and a few operations per cell for fingerprints of columns and
    rows. These have 64 bits: that two of two million different rows are taken for equal has probability 1e-7.
    Memory: some blocks of BLOCK_CELLS doubles beside the table.
    """
    facts: dict[str, ColumnFacts] = {}
    judged = frozenset(judged)  # asked for every column, of which there may be very many
    row_prints = np.zeros(table.n_rows, dtype=np.uint64)
    names = list(table.number_index)
    width = max(LEAST_COLUMNS, BLOCK_CELLS // max(1, table.n_rows))
    blocks = [names[i : i + width] for i in range(0, len(names), width)]
    with row_threads(table.numbers.size) as run:
        for found, prints in run(lambda part: _of_numbers(table, part, judged), blocks):
            facts.update({fact.name: fact for fact in found})
            row_prints += prints
    for at, name in enumerate(table.texts, start=len(names)):
        mixed = _mix(table.texts[name].codes.astype(np.uint64))
        facts[name] = _of_text(table, name, mixed)
        if name in judged:
            row_prints += mixed * _factors(at + 1)[at]
    repeated = table.n_rows - len(np.unique(row_prints)) if judged else 0
    return {name: facts[name] for name in table.names}, repeated


def _of_numbers(
    table: Table, names: Sequence[str], judged: Collection[str]
) -> tuple[list[ColumnFacts], Bits]:
    """Return the facts of a block of columns of numbers, and its part in the fingerprints of the rows."""
    at = np.array([table.number_index[name] for name in names])
    whole = slice(at[0], at[-1] + 1) if at[-1] - at[0] == len(at) - 1 else at
    cells = np.array(table.numbers[:, whole].T, order="C")  # always a copy: it is sorted in place
    cells += 0.0  # -0 and 0 are the same number
    mixed = _mix(cells.view(np.uint64).copy())
    prints = mixed @ _factors(table.n_rows)
    counted = np.array([name in judged for name in names])
    row_prints = _factors(int(at.max()) + 1)[at][counted] @ mixed[counted]
    del mixed
    cells.sort(axis=1)
    missing = np.isnan(cells).sum(axis=1)
    integer = ((cells == np.floor(cells)) | np.isnan(cells)).all(axis=1)
    jumps = cells[:, 1:] != cells[:, :-1]
    found = [
        _of_sorted(name, cells[j, : table.n_rows - missing[j]], jumps[j], bool(integer[j]), int(prints[j]))
        for j, name in enumerate(names)
    ]
    facts = [fact._replace(missing=int(gone)) for fact, gone in zip(found, missing, strict=True)]
    return facts, row_prints


def _of_sorted(
    name: str, values: FloatArray, jumps: BoolArray, integer: bool, fingerprint: int
) -> ColumnFacts:
    """Return the facts of a column from its present cells in order, and where each differs from the next."""
    n = len(values)
    if not n:
        return ColumnFacts(name, "empty", 0, 0, fingerprint=fingerprint)
    jumps = jumps[: n - 1]
    distinct = int(np.count_nonzero(jumps)) + 1
    first, middle, third = (float(values[round(q * (n - 1))]) for q in (0.25, 0.5, 0.75))
    common = np.searchsorted(values, middle, "right") - np.searchsorted(values, middle, "left")
    levels: tuple[tuple[str, int], ...] = ()
    if distinct <= MOST_LEVELS:
        starts = np.concatenate(([0], np.flatnonzero(jumps) + 1, [n]))
        pairs = zip(values[starts[:-1]], np.diff(starts), strict=True)
        levels = tuple((level_text(float(value)), int(count)) for value, count in pairs)
    return ColumnFacts(
        name, "integer" if integer else "number", 0, distinct, levels,
        low=float(values[0]), high=float(values[-1]), quartiles=(first, middle, third),
        next_low=float(values[int(jumps.argmax()) + 1]) if distinct > 1 else None,
        next_high=float(values[n - 2 - int(jumps[::-1].argmax())]) if distinct > 1 else None,
        common=common / n if 2 * common > n else 0.0, fingerprint=fingerprint,
    )  # fmt: skip


def _of_text(table: Table, name: str, mixed: Bits) -> ColumnFacts:
    """Return the facts of a column of text; equal fingerprints mean levels that go together one by one."""
    column = table.texts[name]
    counts = np.bincount(column.codes + 1, minlength=len(column.levels) + 1)
    missing, counts = int(counts[0]), counts[1:]
    distinct, present = int(np.count_nonzero(counts)), table.n_rows - missing
    order = np.argsort(-counts, kind="stable")[: min(MOST_LEVELS, distinct)]
    largest = int(counts.max(initial=0))
    return ColumnFacts(
        name, "text" if distinct else "empty", missing, distinct,
        tuple((column.levels[i], int(counts[i])) for i in order),
        common=largest / present if 2 * largest > present else 0.0,
        fingerprint=int(mixed @ _factors(table.n_rows)),
    )  # fmt: skip


def _mix(bits: Bits) -> Bits:
    """Return 64-bit words well mixed, in place: the finalizer of MurmurHash3 (A. Appleby, public domain)."""
    for multiplier in _MULTIPLIERS:
        bits ^= bits >> np.uint64(33)
        bits *= np.uint64(multiplier)
    bits ^= bits >> np.uint64(33)
    return bits


def _factors(count: int) -> Bits:
    """Return odd multipliers without order in them, the same in every run."""
    return _mix(np.arange(1, count + 1, dtype=np.uint64) * np.uint64(_GOLDEN)) | np.uint64(1)
