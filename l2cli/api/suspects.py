"""Features that say too much or nothing: copies of the target, and columns that may only name the rows.

They are warned of, never left out (what surely names the rows was left out before). Nothing here passes over
all rows: some rows, or the ranges that are known already, clear almost every column, and only the suspects
are looked at whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import lgamma, log
from typing import Any

import numpy as np
import numpy.typing as npt

from l2cli.api.same_order import in_order
from l2cli.data.dataset import Dataset
from l2cli.data.levels import MISSING_LEVEL
from l2cli.data.roles import IDENTIFIER_LEVELS, IDENTIFIER_SHARE
from l2cli.data.table import Table
from l2cli.errors import shown

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
SAMPLE = 64
"""Rows that clear a column which does not determine the target."""
LEAST_ROWS = 10
"""Of fewer rows a column may count, or determine, the target by chance."""
NEAR, PERFECT = 1e-3, 1e-12
"""1 - |correlation| with the target up to which a column is looked at, and warned of."""
COUNTS = 1e-6
"""Share of the largest coefficient from which a feature has a part in a perfect fit."""
BY_CHANCE = 0.01
"""So many columns may be expected to separate the classes by chance."""
LONG = 200
"""Rows from which consecutive integers number the rows wherever they start; of fewer they may be years."""


def feature_warnings(dataset: Dataset) -> list[dict[str, Any]]:
    """Return warnings about features; ``dataset.X`` is not standardized yet."""
    return perfect_predictors(dataset) + identifiers(dataset)


def perfect_predictors(dataset: Dataset) -> list[dict[str, Any]]:
    """Return the warnings for columns each of which determines the target alone (missing cells aside).

    Numbers: |correlation| 1, or rows in the order of the target (:func:`in_order`); two classes: every
    value of one lies above every value of the other, in more rows than chance explains: p columns separate
    n rows, n1 of them positive, with probability about 2 p / C(n, n1).
    """
    X, y = dataset.X, dataset.y
    if len(y) < LEAST_ROWS or y.ndim > 1 or dataset.family == "multinomial":
        return []
    if dataset.schema.classes is not None:
        return _determining(dataset, _separating(X, y), "separates its classes")
    copies = _correlated(X, y)
    some = _spread_out(np.arange(len(y)), SAMPLE)
    others = [j for j in in_order(X[some], lambda j: X[:, j], y, some) if j not in copies]
    return _determining(dataset, copies, "has correlation 1 with it") + _ordering(dataset, others)


def _determining(dataset: Dataset, found: list[int], how: str) -> list[dict[str, Any]]:
    """Return the warning for columns that determine the target alone, [] if there is none."""
    if not found:
        return []
    names = _names(dataset, dataset.places[found].tolist())
    one = len(names) == 1
    text = (
        f"{_listed(names)} {'alone determines' if one else 'each determine'} the target "
        f"'{shown(dataset.schema.target)}' ({'it ' + how if one else 'each ' + how}): "
        f"{'is it a copy' if one else 'are they copies'}? {_remedy(dataset, names)}"
    )
    return [{"code": "perfect_predictor", "message": text}]


def _ordering(dataset: Dataset, found: list[int]) -> list[dict[str, Any]]:
    """Return the warning for columns that put the rows in the order of the target, [] if there is none."""
    if not found:
        return []
    names = _names(dataset, dataset.places[found].tolist())
    one = len(names) == 1
    text = (
        f"{_listed(names)} {'alone puts' if one else 'each put'} the rows in the order of the target "
        f"'{shown(dataset.schema.target)}' (rank correlation 1): {'is it' if one else 'are they'} computed "
        f"from it? {_remedy(dataset, names)}"
    )
    return [{"code": "same_order", "message": text}]


def perfect_fit(dataset: Dataset, u: FloatArray, unexplained: float, *, judged: bool) -> list[dict[str, Any]]:
    """Return the warning that a model of numbers leaves nothing of its target to explain.

    Parameters
    ----------
    u : (p,) float64
        Coefficients of the standardized columns.
    unexplained : float
        Share of the null model's deviance that is left.
    judged : bool
        The model was chosen by unseen rows: that many features can fit any target is then no news.
    """
    n, used = dataset.n_rows, np.abs(u) > COUNTS * np.abs(u).max(initial=0.0)
    if n < LEAST_ROWS or dataset.schema.classes is not None or not unexplained <= PERFECT:
        return []
    if bool((dataset.y == dataset.y[0]).all()):  # it needs no features, and has a warning of its own
        return []
    names, target = _names(dataset, np.flatnonzero(used).tolist()), shown(dataset.schema.target)
    if np.count_nonzero(used) + 1 >= n:
        text = f"{np.count_nonzero(used)} features on {n} rows fit any target perfectly, and '{target}' too: "
        text += "only unseen rows tell whether they say anything"
        if judged:
            return []
    elif len(names) == 1:
        text = f"{_listed(names)} alone determines the target '{target}': is it a copy? "
        text += _remedy(dataset, names)
    else:
        text = f"{_listed(names)} together determine the target '{target}': is it computed from them?"
    return [{"code": "perfect_predictor", "message": text}]


def _correlated(X: FloatArray, y: FloatArray) -> list[int]:
    """Return the columns with |correlation| 1."""
    some = _spread_out(np.arange(len(y)), SAMPLE)
    near = np.flatnonzero(_unexplained(X[some], y[some]) <= NEAR)
    # a sample in which nothing varies clears no column, so all rows must show that one does
    return [int(j) for j in near if _determines(X[:, j], y)]


def _unexplained(X: FloatArray, y: FloatArray) -> FloatArray:
    """Return 1 - |correlation| of each column with y over its present cells; 0 where neither varies."""
    present = ~np.isnan(X)
    count = np.maximum(present.sum(axis=0), 1)
    x = np.where(present, X, 0.0)
    x = np.where(present, x - x.sum(axis=0) / count, 0.0)
    t = np.where(present, y[:, None], 0.0)
    t = np.where(present, t - t.sum(axis=0) / count, 0.0)
    sizes = np.sqrt((x * x).sum(axis=0)) * np.sqrt((t * t).sum(axis=0))  # roots first: no overflow
    both_flat = (np.ptp(x, axis=0) == 0.0) & (np.ptp(t, axis=0) == 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = 1.0 - np.abs((x * t).sum(axis=0)) / sizes
    return np.where(both_flat, 0.0, np.where(np.isfinite(rest), rest, 1.0))


def _determines(x: FloatArray, y: FloatArray) -> bool:
    """Return True where the present cells of a column, all rows looked at, are those of y in another unit."""
    present = ~np.isnan(x)
    x, y = x[present], y[present]
    if len(y) < LEAST_ROWS or x.min() == x.max() or y.min() == y.max():
        return False
    return float(_unexplained(x[:, None], y)[0]) <= PERFECT


def _separating(X: FloatArray, y: FloatArray, tried: int = 0) -> list[int]:
    """Return the columns that separate two classes, if chance alone would not do that to any of ``tried``."""
    groups = [np.flatnonzero(y == 0.0), np.flatnonzero(y > 0.0)]
    n, n1 = len(y), len(groups[1])
    ways = lgamma(n + 1) - lgamma(n1 + 1) - lgamma(n - n1 + 1)
    if log(2.0 * max(X.shape[1], tried, 1)) - ways > log(BY_CHANCE):
        return []
    some = [_spread_out(rows, SAMPLE // 2) for rows in groups]
    near = np.flatnonzero(_apart(X[some[0]], X[some[1]]))
    return [int(j) for j in near if _apart(X[groups[0], j], X[groups[1], j])]


def determining(
    table: Table, names: Sequence[str], rows: IntArray, y: FloatArray, classes: Sequence[str] | None
) -> dict[str, str]:
    """Return {column: what is to be said} of the columns that tell the target alone, or all but.

    ``{target}`` stands for the target in what is said.

    Parameters
    ----------
    rows : (n,) int
        Rows that ``y`` (n,) belongs to: numbers, or the places of its labels among ``classes``.

    Notes
    -----
    Some rows clear nearly every column of numbers; columns of text are counted by level and class.
    """
    if len(y) < LEAST_ROWS:
        return {}
    numbers = [name for name in names if table.is_number(name)]
    found: dict[str, str] = {}
    if numbers and classes is None:
        found = _in_order(table, numbers, rows, y) | _nearly_correlated(table, numbers, rows, y)
    elif numbers and classes is not None and len(classes) == 2:
        some = np.concatenate([_spread_out(np.flatnonzero(y == k), SAMPLE // 2) for k in (0.0, 1.0)])
        sample = table.numbers[rows[some]][:, [table.number_index[name] for name in numbers]]
        near = _apart(sample[y[some] == 0.0], sample[y[some] == 1.0])
        apart = [name for name, hit in zip(numbers, near, strict=True) if hit]
        if apart:
            whole = np.column_stack([table.number(name)[rows] for name in apart])
            hits = _separating(whole, y, tried=len(numbers))
            found = dict.fromkeys(
                (apart[j] for j in hits), "separates the classes of {target} alone: is it a copy?"
            )
    if classes is not None:
        found |= {
            name: "each level has one class of {target}: is it a copy?"
            for name in names
            if name in table.texts and _is_pure(table.texts[name].codes[rows], y, len(classes))
        }
    return found


def _nearly_correlated(table: Table, names: Sequence[str], rows: IntArray, y: FloatArray) -> dict[str, str]:
    """Return {column: how} of the columns with |correlation| 1, or so near to it that they may be copies."""
    some = _spread_out(np.arange(len(y)), SAMPLE)
    sample = table.numbers[rows[some]][:, [table.number_index[name] for name in names]]
    found = {}
    for j in np.flatnonzero(_unexplained(sample, y[some]) <= 10.0 * NEAR).tolist():
        x = table.number(names[j])[rows]
        rest = float(_unexplained(x[:, None], y)[0]) if _varies(x, y) else 1.0
        if rest <= PERFECT:
            found[names[j]] = "tells {target} alone (correlation 1): is it a copy?"
        elif rest <= NEAR:
            correlation = f"{1.0 - max(rest, 1e-6):.6f}".rstrip("0")
            found[names[j]] = f"correlation {correlation} with {{target}}: is it known beforehand?"
    return found


def _in_order(table: Table, names: Sequence[str], rows: IntArray, y: FloatArray) -> dict[str, str]:
    """Return {column: how} of the columns that put the rows in the order of the target."""
    some = _spread_out(np.arange(len(y)), SAMPLE)
    sample = table.numbers[rows[some]][:, [table.number_index[name] for name in names]]
    found = in_order(sample, lambda j: table.number(names[j])[rows], y, some)
    told = "puts the rows in the order of {target} (rank correlation 1): is it computed from it?"
    return {names[j]: told for j in found}


def _varies(x: FloatArray, y: FloatArray) -> bool:
    """Return True where enough cells of a column are present, and neither it nor y is constant in them."""
    present = ~np.isnan(x)
    if np.count_nonzero(present) < LEAST_ROWS:
        return False
    return bool(np.ptp(x[present]) > 0.0 and np.ptp(y[present]) > 0.0)


def _is_pure(codes: npt.NDArray[np.int32], y: FloatArray, classes: int) -> bool:
    """Return True where every level has rows of one class only, in so many rows that it is no chance."""
    present = codes >= 0
    pairs = np.unique(codes[present].astype(np.int64) * classes + y[present].astype(np.int64))
    levels = len(np.unique(pairs // classes))
    return bool(1 < levels == len(pairs) and np.count_nonzero(present) >= max(LEAST_ROWS, 5 * levels))


def _spread_out(rows: IntArray, count: int) -> IntArray:
    # at most one place per row: the steps are at least 1, so no row comes twice
    return rows[np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(np.int64)]


def _apart(a: FloatArray, b: FloatArray) -> npt.NDArray[np.bool_]:
    """Return, per column, True where all present cells of one set of rows lie above those of the other."""
    low = [np.fmin.reduce(part, axis=0) for part in (a, b)]
    high = [np.fmax.reduce(part, axis=0) for part in (a, b)]
    return np.asarray((high[0] < low[1]) | (high[1] < low[0]))


def identifiers(dataset: Dataset) -> list[dict[str, Any]]:
    """Return a warning for every column used as a feature that only names the rows."""
    warnings, at = [], 0
    for feature, seen in zip(dataset.schema.features if dataset.stats else (), dataset.stats, strict=True):
        text = None
        if feature.kind == "category":
            levels = len([level for level in feature.levels if level != MISSING_LEVEL])
            present = dataset.n_rows * (1.0 - seen.missing)
            if levels > IDENTIFIER_LEVELS and levels >= IDENTIFIER_SHARE * present:
                text = f"has {levels} levels in {dataset.n_rows} rows, so it names rows that never come again"
        elif feature.date is None and seen.low is not None and seen.high is not None and seen.missing == 0.0:
            span = seen.high - seen.low + 1.0
            counting = seen.low in (0.0, 1.0) or dataset.n_rows > LONG
            counting &= LEAST_ROWS <= dataset.n_rows <= span <= dataset.rows_read
            values = dataset.X[:, np.searchsorted(dataset.places, at)]
            if counting and _distinct_integers(values, int(seen.low), int(span)):
                text = f"counts the rows ({seen.low:.0f} to {seen.high:.0f}), so it may only number them"
        if text is not None:
            message = f"column '{shown(feature.name)}' {text}: {_drop([feature.name])}"
            warnings.append({"code": "identifier", "message": message})
        at += len(feature.names)
    return warnings


def _distinct_integers(values: FloatArray, low: int, span: int) -> bool:
    """Return True for distinct integers from ``low`` on, of which there are at most ``span``."""
    if not np.all(values == np.floor(values)):
        return False
    return int(np.bincount(values.astype(np.int64) - low, minlength=span).max()) == 1


def _names(dataset: Dataset, columns: list[int]) -> list[str]:
    """Return the features, or interactions, that some design columns come from."""
    owners = [source.name for source in dataset.schema.sources for _ in source.names]
    return list(dict.fromkeys(owners[j] for j in columns))


def _listed(names: list[str], most: int = 5) -> str:
    text = ", ".join(f"'{shown(name)}'" for name in names[:most])
    return text + (f" and {len(names) - most} more" if len(names) > most else "")


def _remedy(dataset: Dataset, names: list[str]) -> str:
    """Return how to fit without some features; interactions are asked for, and no columns."""
    asked = {interaction.name for interaction in dataset.schema.interactions}.intersection(names)
    if not asked:
        return _drop(names)
    return f"leave {'it' if len(names) == 1 else 'them'} out"


def _drop(names: list[str]) -> str:
    """Return the option that leaves columns out, as it is typed."""
    from shlex import quote  # a fit that suspects nothing does without

    items = quote(",".join(shown(name).replace(",", "\\,") for name in names[:5]))
    return f"--drop {items} leaves {'it' if len(names) == 1 else 'them'} out"
