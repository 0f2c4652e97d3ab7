"""Bounds of coefficients as an estimator is given them: a pair for all columns, or pairs by column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from l2cli.data.schema import check_ends, coefficient_bounds
from l2cli.errors import UsageError
from l2cli.estimators.grouping import feature_columns, member_name
from l2cli.spec import named_bounds

FloatArray = npt.NDArray[np.float64]


def given_bounds(bounds: Any, features: tuple[str, ...]) -> tuple[FloatArray, FloatArray] | None:
    """Return lower and upper bounds (p,), (p,) on the original scale; None without any.

    Parameters
    ----------
    bounds : mapping, or pair (low, high), optional
        Columns (names, globs over them, or positions) to their (low, high); later ones win. Of a pair each
        end is one number for all columns or a (p,) array. None is an open end.
    features : tuple of p str

    Raises
    ------
    UsageError
        If the bounds are neither, a key is no column, or a lower bound is above the upper one.
    """
    if bounds is None:
        return None
    if isinstance(bounds, Mapping):
        named = {member_name(key, features, "bounds"): ends for key, ends in bounds.items()}
        return coefficient_bounds(feature_columns(features), named_bounds(named), "X")
    try:
        low, high = bounds
        ends = [
            np.broadcast_to(np.asarray(open_end if end is None else end, dtype=np.float64), len(features))
            for end, open_end in ((low, -np.inf), (high, np.inf))
        ]
    except (TypeError, ValueError):
        raise UsageError(
            f"bounds must be (low, high), each a number, None or one number for each of {len(features)} "
            f"columns, or map columns to such pairs, not {bounds!r}"
        ) from None
    for name, one, other in zip(features, *(end.tolist() for end in ends), strict=True):
        check_ends(name, one, other)
    return ends[0].copy(), ends[1].copy()
