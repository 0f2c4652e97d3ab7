"""Which rows of a table have levels that a saved model never saw."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from l2cli.data.dataset import FeatureColumn
from l2cli.data.date_columns import dated_table
from l2cli.data.levels import MISSING_LEVEL, LevelIndex, as_text, known_places
from l2cli.data.table import Table
from l2cli.data.wording import listed, plural
from l2cli.errors import shown

IntArray = npt.NDArray[np.int64]
MOST_TOLD = 3
"""Columns, and rows of each, that a note names."""


def unseen_note(table: Table, features: Sequence[FeatureColumn], unseen: str) -> str | None:
    """Return which rows have levels that the model has not seen, by column; None where there are none.

    A missing cell counts where the model has no level for it and ``unseen`` lets it pass as one.
    """
    told: list[str] = []
    table = dated_table(table, features)
    every = np.zeros(table.n_rows, dtype=bool)
    for feature in (f for f in features if f.kind == "category"):
        column, index = as_text(table, feature.name), LevelIndex(feature.levels)
        unknown = [at is None for at in known_places(column, index)]
        lost = unseen == "baseline" and index.find(MISSING_LEVEL) is None
        hit = np.array([*unknown, lost])[column.codes]
        if not hit.any():
            continue
        every |= hit
        levels = [
            MISSING_LEVEL if code < 0 else column.levels[code]
            for code in np.unique(column.codes[hit]).tolist()
        ]
        told.append(f"{shown(feature.name)} {listed(levels, 40)} ({_places(table, np.flatnonzero(hit))})")
    if not told:
        return None
    rows = f"{int(every.sum())} of {plural(table.n_rows, 'row')}"
    more = f"; and {len(told) - MOST_TOLD} more columns" if len(told) > MOST_TOLD else ""
    how = "0" if unseen == "baseline" else "missing"
    which = f"{rows} with levels never seen in training, which count as {how}"
    return f"{which}: {'; '.join(told[:MOST_TOLD])}{more}"


def _places(table: Table, rows: IntArray) -> str:
    """Return where the first of some rows stand: ``line 7, line 9 and 3 more``; of parts, in which."""
    parts = table.parts is not None and len(table.parts.labels) > 1
    first = [
        f"{table.file_of(row)} {table.place(row)}" if parts else table.place(row)
        for row in rows[:MOST_TOLD].tolist()
    ]
    return ", ".join(first) + (f" and {len(rows) - MOST_TOLD} more" if len(rows) > MOST_TOLD else "")
