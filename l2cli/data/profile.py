"""What the used rows look like: ranges, means and level shares of every feature, and the notes on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from l2cli.core.design import Design
from l2cli.core.problem import row_blocks
from l2cli.core.threads import row_threads
from l2cli.data.cells import is_rounded
from l2cli.data.dataset import DesignSource, FeatureColumn, FeatureStats
from l2cli.data.date_columns import missing_by_column
from l2cli.data.levels import MISSING_LEVEL, as_text, parse_number
from l2cli.data.roles import alike_note
from l2cli.data.table import Table
from l2cli.data.wording import listed, plural, quoted
from l2cli.errors import shown

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


def starts(features: Sequence[DesignSource]) -> list[int]:
    """Return the first design column of every feature."""
    ends = np.cumsum([len(feature.names) for feature in features])
    return [int(end) - len(feature.names) for end, feature in zip(ends, features, strict=True)]


def column_ranges(X: FloatArray, weights: FloatArray | None) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return minimum, maximum and weighted mean (p,) of the present cells, in one pass."""
    n, p = X.shape
    low, high = np.full(p, np.inf), np.full(p, -np.inf)
    total, weight = np.zeros(p), np.zeros(p)
    s = np.ones(n) if weights is None else weights
    with row_threads(X.size) as run:
        for smallest, largest, sums, present in run(
            lambda part: _block_ranges(X[part], s[part]), row_blocks(n, p)
        ):
            low, high = np.fmin(low, smallest), np.fmax(high, largest)
            total += sums
            weight += present
    return low, high, total / np.where(weight > 0, weight, 1.0)


def design_ranges(design: Design, weights: FloatArray | None) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the same of a design in blocks, its products made."""
    n, p = design.n_rows, design.n_columns
    low, high, mean = np.zeros(p), np.zeros(p), np.zeros(p)
    low[design.at], high[design.at], mean[design.at] = column_ranges(design.dense, weights)
    s = np.ones(n) if weights is None else weights
    for block in design.blocks:
        low[block.columns], high[block.columns] = block.extremes()
        mean[block.columns] = block.sums(s) / s.sum()
    return low, high, mean


def _block_ranges(
    block: FloatArray, weights: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray | np.float64]:
    """Return minimum, maximum, weighted sum and weight of the present cells of every column."""
    with np.errstate(all="ignore"):  # infinite numbers are refused later
        sums = weights @ block
        if np.isfinite(sums).all():
            return block.min(axis=0), block.max(axis=0), sums, weights.sum()
        gap = np.isnan(block)
        sums = weights @ np.where(gap, 0.0, block)
    low, high = np.fmin.reduce(block, axis=0), np.fmax.reduce(block, axis=0)
    return low, high, sums, weights @ ~gap  # not a difference: small weights would vanish in it


def feature_statistics(
    table: Table,
    gaps: Mapping[str, BoolArray],
    features: Sequence[FeatureColumn],
    rows: IntArray,
    weights: FloatArray | None,
    ranges: tuple[FloatArray, FloatArray, FloatArray],
) -> tuple[FeatureStats, ...]:
    """Return what every feature looks like over the used rows; ``ranges`` come from :func:`column_ranges`."""
    low, high, mean = ranges
    total = float(len(rows)) if weights is None else float(weights.sum())
    stats = []
    for at, feature in zip(starts(features), features, strict=True):
        gap = gaps.get(feature.name)
        missing = (
            0.0
            if gap is None
            else float(np.sum(gap[rows] if weights is None else weights[gap[rows]])) / total
        )
        if feature.kind == "number":
            stats.append(
                FeatureStats(
                    feature.name, missing, low=float(low[at]), high=float(high[at]), mean=float(mean[at])
                )
            )
        else:
            stats.append(
                FeatureStats(feature.name, missing, shares=level_shares(table, feature, rows, weights))
            )
    return tuple(stats)


def level_shares(
    table: Table, feature: FeatureColumn, rows: IntArray, weights: FloatArray | None
) -> tuple[tuple[str, float], ...]:
    """Return (level, weighted share of the rows) of a category; missing cells count in no level."""
    codes = as_text(table, feature.name).codes[rows]
    names = as_text(table, feature.name).levels
    counts = np.bincount(codes + 1, weights=weights, minlength=len(names) + 1)[1:]
    total = float(len(rows)) if weights is None else float(weights.sum())
    share = {name: float(count) / total for name, count in zip(names, counts, strict=True) if count > 0}
    return tuple((level, share[level]) for level in feature.levels if level in share)


def note_missing(
    gaps: Mapping[str, BoolArray], features: Sequence[FeatureColumn], rows: IntArray, notes: list[str]
) -> None:
    """Say how many cells are missing in which columns, and what stands in for them."""
    for kind, what in (
        ("number", "imputed by the training mean"),
        ("category", f"as level '{MISSING_LEVEL}'"),
    ):
        counts = missing_by_column(
            (feature, int(gaps[feature.name][rows].sum()))
            for feature in features
            if feature.kind == kind and feature.name in gaps
        )
        found = [f"{shown(name)} {count}" for name, count in counts.items() if count]
        if found:
            notes.append(f"{plural(sum(counts.values()), 'missing cell')} {what}: {listed(found, 200)}")


def constant_features(features: Sequence[FeatureColumn], low: FloatArray, high: FloatArray) -> set[str]:
    """Return the columns of the file that hold one value, or one level, in all rows used."""
    return {
        feature.name
        for at, feature in zip(starts(features), features, strict=True)
        if (low[at] == high[at] if feature.kind == "number" else len(feature.levels) < 2)
    }


def note_rounded(table: Table, names: Iterable[str], notes: list[str]) -> None:
    """Say of columns used as numbers that they hold whole numbers which doubles round."""
    for name in names:
        if name in table.rounded:
            cells = table.rounded[name].levels
            values = ((cell, parse_number(cell, table.decimal)) for cell in cells)
            cell, value = next((c, v) for c, v in values if v is not None and is_rounded(c, v))
            notes.append(
                f"column '{shown(name)}' has whole numbers beyond 2^53, which are rounded:"
                f" {shown(cell)} to {int(value)}"
            )


def note_alike(table: Table, names: Iterable[str], rows: IntArray, notes: list[str]) -> None:
    """Point out levels in some rows that may be one written in two ways; they stay what they are."""
    told = {name: alike_note(table, name, rows) for name in names if not table.is_number(name)}
    notes += [f"column '{shown(name)}': {note}" for name, note in told.items() if note]


def note_constant(
    features: Sequence[DesignSource], low: FloatArray, high: FloatArray, notes: list[str]
) -> None:
    """Name the design columns without variation (missing cells are no variation)."""
    design = [name for feature in features for name in feature.names]
    constant = [name for name, a, b in zip(design, low, high, strict=True) if a == b]
    constant += [feature.name for feature in features if not feature.names]
    if constant:
        what = "constant columns get" if len(constant) > 1 else "a constant column gets"
        notes.append(f"{what} coefficient 0: {quoted(constant)}")
    tiny = [
        name for name, a, b in zip(design, low, high, strict=True) if a < b and (0.5 * (b - a)) ** 2 == 0.0
    ]
    if tiny:
        notes.append(
            f"constant to double precision, coefficient 0: {quoted(tiny)} (the squares of such small"
            " differences are 0; state them in another unit)"
        )
