"""How much memory the machine has, and tables that do not fit it."""

from __future__ import annotations

import os

from l2cli.data.wording import plural
from l2cli.errors import DataError

TABLE_SHARE = 0.8
"""Share of the memory that a table may take."""
LEVEL_BYTES = 150
"""What a short text takes among the distinct ones of a column: the string, its code, a place in the index."""


def physical_memory() -> int:
    """Return the bytes of physical memory; 8 GB where the system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return 8 << 30


def refuse_too_large(label: str, n_rows: int, numbers: int, texts: int, levels: int = 0) -> None:
    """Raise DataError where rows, be they there or only promised, cannot be held.

    Parameters
    ----------
    numbers, texts : int
        How many columns are numbers, of 8 bytes a row, and codes of texts, of 4.
    levels : int
        The distinct texts of all columns so far.
    """
    size, memory = n_rows * (8 * numbers + 4 * texts) + LEVEL_BYTES * levels, physical_memory()
    if size > TABLE_SHARE * memory:
        distinct = f" with {levels} distinct texts" if LEVEL_BYTES * levels > size // 2 else ""
        raise DataError(
            f"{label}: {n_rows} rows of {plural(numbers + texts, 'column')}{distinct} need"
            f" {size / 2**30:.3g} GB, and this machine has {memory / 2**30:.3g} GB",
            hint="give fewer rows or columns (if it should not be that large, the file is damaged)",
            code="too_large",
        )
