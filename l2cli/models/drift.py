"""How new data differ from those a model was trained on, one feature at a time.

A difference is reported where it is both large and beyond chance. Large: a mean that moved by half a standard
deviation, a spread that doubled, halved or vanished, a share of missing cells or of a level that moved by 10
or 20 points, a number further outside the training range than half its width (or 5 % of the rows outside it),
any level never seen. Beyond chance: more than four standard errors, counting the rows of both samples; and a
spread takes 10 rows to judge, a share outside the range 3.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from l2cli.data.dataset import FeatureColumn
from l2cli.data.levels import LevelIndex, as_numbers, as_text, known_places
from l2cli.data.table import Table
from l2cli.data.wording import listed, plural

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

MEAN_SHIFT = 0.5
"""Standard deviations of training by which a mean must move."""
SPREAD_RATIO = 2.0
"""Factor by which a standard deviation must change."""
OUTSIDE_WIDTH = 0.5
"""How far beyond the training range, in widths of it, a single number is reported."""
OUTSIDE_SHARE = 0.05
"""Share of rows outside the training range that is reported, however little they are outside."""
FEWEST_SPREAD, FEWEST_OUTSIDE = 10, 3
"""Rows below which a spread, or a share of rows outside the range, says nothing."""
MISSING_CHANGE = 0.10
"""Change in the share of missing cells."""
LEVEL_CHANGE = 0.20
"""Change in the share of one level."""
STANDARD_ERRORS = 4.0
"""Every change must also be this many standard errors of the difference."""


def find_drift(
    features: Sequence[FeatureColumn], training: Mapping[str, Mapping[str, Any]], trained: int, table: Table,
    rows: IntArray, weights: FloatArray | None = None,
) -> list[dict[str, str]]:  # fmt: skip
    """Return how some rows of a table differ from the training rows, one {feature, kind, detail} each.

    Kinds: ``missing share``, ``mean shift``, ``spread``, ``range``, ``constant``, ``unseen level``, ``level
    share``.

    Parameters
    ----------
    training : mapping
        What the features looked like in training (:attr:`l2cli.models.model.Model.feature_stats`), in
        ``trained`` rows.
    rows : (n,) int
        Rows of the table to look at.
    weights : (n,) float64, optional
        Their weights, where the model was trained with weights.
    """
    s = np.ones(len(rows)) if weights is None else weights
    if not len(rows):
        return []
    effective = float(s.sum()) ** 2 / float(s @ s)
    found: list[dict[str, str]] = []
    for feature in features:
        seen = training.get(feature.name)
        if seen is None:
            continue
        look = _number_drift if feature.kind == "number" else _level_drift
        error = math.sqrt(1.0 / effective + 1.0 / max(1, trained))
        for kind, detail in look(table, feature, seen, rows, s, error):
            found.append({"feature": feature.name, "kind": kind, "detail": detail})
    return found


def drift_warning(drift: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    """Return the warning that names the features that differ, [] if there is none."""
    differing = list(dict.fromkeys(item["feature"] for item in drift))
    if not differing:
        return []
    text = f"{plural(len(differing), 'feature')} unlike the training data: {listed(differing)}"
    return [{"code": "drift", "message": text}]


def _percent(share: float) -> str:
    return f"{100.0 * share:.3g} %"


def _share_moved(new: float, old: float, least: float, error: float) -> bool:
    """Return True where a share moved by more than ``least`` and beyond chance."""
    pooled = min(max(0.5 * (new + old), 0.0), 1.0)  # sums of weights leave shares off by a rounding
    chance = STANDARD_ERRORS * math.sqrt(pooled * (1.0 - pooled)) * error
    return abs(new - old) > max(least, chance)


def _missing_drift(new: float, seen: Mapping[str, Any], error: float) -> list[tuple[str, str]]:
    old = float(seen.get("missing", 0.0))
    if not _share_moved(new, old, MISSING_CHANGE, error):
        return []
    return [("missing share", f"{_percent(new)} of the cells are missing, {_percent(old)} in training")]


def _number_drift(
    table: Table, feature: FeatureColumn, seen: Mapping[str, Any], rows: IntArray, s: FloatArray, error: float
) -> list[tuple[str, str]]:
    """Return (kind, detail) of the differences of a numeric column."""
    values = as_numbers(table, feature.name, rows=rows)[rows]
    present = ~np.isnan(values)
    found = _missing_drift(float(s[~present].sum()) / float(s.sum()), seen, error)
    values, s = values[present], s[present]
    low, high, sd, old = (float(seen[key]) for key in ("min", "max", "sd", "mean"))
    if not len(values):
        return found
    # equal values may leave a rounding error around their mean; absurd ones overflow, which the range reports
    varies = float(values.min()) < float(values.max())
    with np.errstate(over="ignore", invalid="ignore"):
        mean = float(np.average(values, weights=s))
        spread = math.sqrt(float(np.average((values - mean) ** 2, weights=s))) if varies else 0.0
    if not math.isfinite(spread):
        return found + _range_drift(values, s, low, high)
    shift = mean - old
    if sd > 0.0 and abs(shift) > sd * max(MEAN_SHIFT, STANDARD_ERRORS * error):
        way = "higher" if shift > 0 else "lower"
        found.append(
            ("mean shift", f"mean {mean:.4g}, {old:.4g} in training ({abs(shift) / sd:.2g} sd {way})")
        )
    found += _spread_drift(values, spread, sd, low, high, error)
    found += _range_drift(values, s, low, high)
    return found


def _spread_drift(
    values: FloatArray, spread: float, sd: float, low: float, high: float, error: float
) -> list[tuple[str, str]]:
    """Return the finding where numbers vary much more or less than in training.

    A constant at an end of the training range is what a rare 0/1 flag looks like; the mean shift judges that.
    """
    if sd <= 0.0 or len(values) < FEWEST_SPREAD:
        return []
    if spread == 0.0:
        text = f"every value is {values[0]:.4g}; in training they ran from {low:.4g} to {high:.4g}"
        return [("constant", text)] if low < values[0] < high else []
    if abs(math.log(spread / sd)) <= max(math.log(SPREAD_RATIO), STANDARD_ERRORS * error):
        return []
    return [("spread", f"sd {spread:.4g}, {sd:.4g} in training")]


def _range_drift(values: FloatArray, s: FloatArray, low: float, high: float) -> list[tuple[str, str]]:
    """Return the finding where numbers lie outside the training range, so that the model extrapolates."""
    beyond = np.maximum(low - values, values - high)
    outside = beyond > 0.0
    share = float(s[outside].sum()) / float(s.sum())
    far, rows = float(beyond.max()) > OUTSIDE_WIDTH * (high - low), int(outside.sum())
    if not rows or not (far or (share > OUTSIDE_SHARE and rows >= FEWEST_OUTSIDE)):
        return []
    worst = float(values[int(np.argmax(beyond))])
    span = f"{low:.4g} to {high:.4g}"
    text = f"{rows} of {len(values)} values outside the training range {span}, the furthest {worst:.4g}"
    return [("range", text)]


def _level_drift(
    table: Table, feature: FeatureColumn, seen: Mapping[str, Any], rows: IntArray, s: FloatArray, error: float
) -> list[tuple[str, str]]:
    """Return (kind, detail) of the differences of a category."""
    column = as_text(table, feature.name)
    weight = np.bincount(column.codes[rows] + 1, weights=s, minlength=len(column.levels) + 1) / float(s.sum())
    found = _missing_drift(float(weight[0]), seen, error)
    index, unseen, shares = LevelIndex(feature.levels), [], dict.fromkeys(feature.levels, 0.0)
    for level, at, share in zip(column.levels, known_places(column, index), weight[1:], strict=True):
        if at is not None:
            shares[feature.levels[at]] += float(share)
        elif share > 0.0:
            unseen.append((level, float(share)))
    if unseen:
        total = _percent(sum(share for _, share in unseen))
        found.append(
            (
                "unseen level",
                f"{listed([level for level, _ in unseen])} never seen in training ({total} of the rows)",
            )
        )
    old = {level: float(seen["levels"].get(level, 0.0)) for level in shares}
    worst = max(shares, key=lambda level: abs(shares[level] - old[level]), default=None)
    if worst is not None and _share_moved(shares[worst], old[worst], LEVEL_CHANGE, error):
        new, before = _percent(shares[worst]), _percent(old[worst])
        detail = f"level {listed([worst])} in {new} of the rows, {before} in training"
        found.append(("level share", detail))
    return found
