"""The bootstrap over rows: whole models refitted to resamples, the choice of lambda included.

Rows, or whole groups, are drawn with replacement (Efron 1979, Annals of Statistics 7; of groups Davison and
Hinkley 1997, section 3.8). A row drawn k times has its weight times k: it is one row still, so that its
copies are held out together when lambda is chosen. The standard error is the standard deviation of the
estimates, the interval their quantiles (Efron and Tibshirani 1993, sections 6.2 and 13.3). They are about the
mean of the penalized estimate: the bias of the penalty is in every resample too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.errors import UsageError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
RESAMPLES = 200
"""Resamples: the quantile of 2.5 % is then within 1.1 % (one standard error) of its level."""
MOST_DRAWS = 1000
"""Draws of one resample until every class is in it."""


class Summary(NamedTuple):
    """Standard errors, quantiles and shares that are not 0, of the shape of one estimate."""

    se: FloatArray
    low: FloatArray
    high: FloatArray
    selected: FloatArray


def draw_counts(
    seed: int, b: int, n_rows: int, groups: IntArray | None, labels: Sequence[IntArray] = ()
) -> IntArray:
    """Return how often each row is in resample ``b``: (n,).

    Parameters
    ----------
    groups : (n,) int, optional
        Rows that are drawn together.
    labels : sequence of (n,) int
        Classes, fold labels: a resample without one of them, or of one row or group alone, is drawn again.

    Raises
    ------
    UsageError
        No resample has them all.
    """
    rng = np.random.default_rng([seed, b])
    place = np.arange(n_rows)
    if groups is not None:
        _, place = np.unique(groups, return_inverse=True)
    units = int(place.max()) + 1
    needed = [len(np.unique(codes)) for codes in labels]
    for _ in range(MOST_DRAWS):
        counts = np.bincount(rng.integers(units, size=units), minlength=units)[place]
        drawn = counts > 0
        complete = all(
            len(np.unique(codes[drawn])) == count for codes, count in zip(labels, needed, strict=True)
        )
        if complete and len(np.unique(place[drawn])) > 1:
            return np.asarray(counts, dtype=np.int64)
    raise UsageError(
        "--inference bootstrap: no resample of the rows has every class and fold in it",
        hint="there are too few rows or groups of some",
    )


def summary(estimates: FloatArray, level: float) -> Summary:
    """Return what B estimates (B, ...) say: standard deviation, quantiles at ``level``, share not 0."""
    tail = 0.5 * (1.0 - level)
    low, high = np.quantile(estimates, [tail, 1.0 - tail], axis=0)
    return Summary(estimates.std(axis=0, ddof=1), low, high, np.mean(estimates != 0.0, axis=0))
