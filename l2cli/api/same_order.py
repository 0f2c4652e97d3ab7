"""Features that put the rows in the order of a target: another form of it, whatever the curve."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
LEAST_ROWS = 30
"""In fewer rows two trends often have one order."""
TIES = 1e-3
"""1 - |rank correlation| up to which values that are equal in one only are put down to rounding."""
SOME = 4096
"""Rows that clear a column where a few did not."""
FEWEST_STEPS = 0.25
"""Share of the steps from one value of the target to the next at which such a feature has to move."""


def in_order(
    sample: FloatArray, column: Callable[[int], FloatArray], y: FloatArray, some: IntArray
) -> list[int]:
    """Return the columns that rise, or fall, wherever y (n,) rises, missing cells (NaN) aside.

    Of no two rows the order by one contradicts the other, and both tell nearly the same rows apart: a
    logarithm, a square, a rank, a rounded copy.

    Parameters
    ----------
    sample : (m, p) float64
        The rows ``some`` (m,) of all columns, which clear nearly every one.
    column : callable
        Returns a column (n,) that they do not clear.

    Notes
    -----
    m p operations, then SOME rows of a column that is not cleared, and a sort of one that is in order.
    """
    if len(y) < LEAST_ROWS:
        return []
    order: IntArray | None = None
    found = []
    for j in np.flatnonzero(_may_be(sample, y[some])).tolist():
        order = np.argsort(y, kind="stable") if order is None else order
        x, few = column(j), order[:: max(1, len(y) // SOME)]
        if _goes_one_way(x[few], y[few]) and _is_in_order(x[order], y[order]):
            found.append(j)
    return found


def _may_be(X: FloatArray, y: FloatArray) -> npt.NDArray[np.bool_]:
    """Return, per column, False where these rows show that it is not in the order of y."""
    _, first = np.unique(y, return_index=True)
    steps = np.diff(X[first], axis=0)
    known = np.count_nonzero(~np.isnan(steps), axis=0)
    up, down = np.count_nonzero(steps > 0.0, axis=0), np.count_nonzero(steps < 0.0, axis=0)
    return np.asarray(((up == 0) | (down == 0)) & (up + down >= FEWEST_STEPS * known))


def _is_in_order(x: FloatArray, y: FloatArray) -> bool:
    """Return True where x, given in the order of y, is in that order too, or in the opposite one."""
    present = ~np.isnan(x)
    x, y = x[present], y[present]
    if len(y) < LEAST_ROWS or x.min() == x.max() or y[0] == y[-1] or not _goes_one_way(x, y):
        return False
    return bool(1.0 - abs(np.corrcoef(_ranks(x), _ranks(y))[0, 1]) <= TIES)


def _goes_one_way(x: FloatArray, y: FloatArray) -> bool:
    """Return True where x never falls, or never rises, as y rises, which is sorted; missing cells aside."""
    starts = np.flatnonzero(np.append(True, y[1:] > y[:-1]))
    low, high = np.fmin.reduceat(x, starts), np.fmax.reduceat(x, starts)
    return not ((high[:-1] > low[1:]).any() and (low[:-1] < high[1:]).any())


def _ranks(values: FloatArray) -> FloatArray:
    """Return the rank of each value, equal ones sharing the middle of theirs."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return np.asarray((last - 0.5 * (count - 1))[place.reshape(-1)])
