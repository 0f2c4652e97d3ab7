"""The target: which family it belongs to, and its cells as the numbers y that a model is fitted to."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.data.cells import UNCERTAIN, WHOLE
from l2cli.data.levels import (
    LevelIndex,
    as_numbers,
    as_text,
    known_places,
    level_text,
    not_a_number,
    sorted_levels,
)
from l2cli.data.schema import Roles, find_level
from l2cli.data.table import Table
from l2cli.data.wording import listed, na_option, quoted, where
from l2cli.data.written import fitting, looks_like_a_number, parse
from l2cli.errors import DataError, UsageError, shown
from l2cli.spec import FAMILIES, family_hint

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_LEAST = {
    "poisson": "numbers of at least 0",
    "tweedie": "numbers of at least 0",
    "gamma": "numbers above 0",
}
_THOUSANDS = re.compile(r"[+-]?\d{1,3}([.,' ]\d{2,3})*[.,' ]\d{3}([.,]\d*)?", re.ASCII)
SAMPLE = 1000
"""Rows of a target that clear almost every one of measurements."""
LEAST_CODES, MOST_CODES, MOST_CODE = 3, 10, 20
"""A target of so many whole numbers up to this size may hold classes or counts."""
LARGEST = 1e150
"""Numbers must be smaller than this: sums of squares, which every fit takes, would overflow."""
LARGEST_TARGET = 1e75
"""So must those of a target: standard errors take squares of squared errors. Its inverse: least spread."""


class Target(NamedTuple):
    """The target of the used rows: y (n,), the family and the labels of the classes.

    Binomial: y is 1 for the second label; multinomial: the place of the label. Of several targets y is
    (n, T).
    """

    y: FloatArray
    family: str
    classes: tuple[str, ...] | None


def missing_cells(table: Table, name: str) -> BoolArray:
    """Return (n_rows,) True where a column has no value."""
    if table.is_number(name):
        return np.isnan(table.number(name))
    return table.texts[name].codes < 0


def refuse_stray_cells(table: Table, name: str, rows: IntArray) -> None:
    """Raise DataError where a column of text is one of numbers but for a few cells, naming the first one.

    Numbers are more than half of the present cells of ``rows``, written alike or not. A word is named before
    a token such as ``?``, and that before a number that is written otherwise than most: the first is what
    made the column text. It may stand in a row that is not used. Nothing is raised for plain numbers alone
    (codes such as 01234, kept as text for their leading zeros).
    """
    column = table.texts[name]
    counts = np.bincount(column.codes[rows] + 1, minlength=len(column.levels) + 1)[1:]
    fits = fitting(column.levels, counts.tolist(), table.decimal)
    kinds = [0 if fit else _strangeness(level) for fit, level in zip(fits, column.levels, strict=True)]
    rank = np.array([*kinds, 0])
    if not rank.any() or 2 * int(counts[rank[:-1] <= 1].sum()) <= int(counts.sum()):
        return
    if not (rank[:-1] * counts).any():
        rows = np.arange(table.n_rows)
    found = rank[column.codes[rows]]
    raise _stray_cell(table, name, int(rows[int(np.argmax(found == found.max()))]))


def _strangeness(cell: str) -> int:
    """Return 1 for a number in another form, 2 for a token that often means missing, 3 for a word."""
    return 1 if looks_like_a_number(cell) else 2 if cell in UNCERTAIN else 3


def _stray_cell(table: Table, name: str, row: int) -> DataError:
    """Return the error for a cell that does not fit the others, with what to do."""
    cell = table.texts[name].levels[table.texts[name].codes[row]]
    keep = f"--categorical '{shown(name)}'"
    if parse(cell, table.decimal) is not None:
        hint = f"write all of them alike, or give {keep} to keep text"
    elif _THOUSANDS.fullmatch(cell):
        hint = (
            "if these are thousands separators, take them out; else --decimal names the decimal sign, and"
            f" {keep} keeps text"
        )
    elif looks_like_a_number(cell):
        mark, called = (",", "comma") if table.decimal == "." else (".", "point")
        hint = f"give --decimal '{mark}' if the {called} is the decimal sign, or {keep}"
    else:
        uncertain = [level for level in table.texts[name].levels if level in UNCERTAIN]
        hint = f"mend the cell, or give {na_option(cell, [*uncertain, *table.na])} or {keep}"
    return not_a_number(table, name, row, hint)


def choose_family(table: Table, roles: Roles, rows: IntArray, family: str) -> str:
    """Return the family to fit: the one asked for, or the one that the target of ``rows`` calls for.

    Text, booleans and numbers that are exactly {0, 1} or {1, 2} are binomial, text of more than two labels is
    multinomial; other numbers are gaussian.

    Raises
    ------
    UsageError
        If there is no such family.
    DataError
        If the target is a column of numbers spoilt by some text.
    """
    if family not in FAMILIES:
        raise UsageError(f"no family '{shown(family)}'", hint=family_hint(family))
    if roles.more_targets:
        if family not in ("auto", "gaussian"):
            raise UsageError(
                f"several targets are fitted as gaussian, not {family}", hint="fit one target at a time"
            )
        return "gaussian"
    if family != "auto":
        return family
    name = roles.target
    if _is_number(table, roles):
        return "binomial" if _is_zero_one(as_numbers(table, name, rows=rows)[rows]) else "gaussian"
    if not table.is_number(name) and name not in roles.categorical:
        refuse_stray_cells(table, name, rows)
    return "multinomial" if len(_labels(table, name, rows)) > 2 else "binomial"


def few_whole_numbers(y: FloatArray) -> list[int]:
    """Return the values of a target (n,) of 3 to 10 small whole numbers, as codes and counts are; else []."""
    if y.ndim > 1 or not all(np.all((np.abs(v) <= MOST_CODE) & (np.rint(v) == v)) for v in (y[:SAMPLE], y)):
        return []
    found = np.flatnonzero(np.bincount(y.astype(np.int64) + MOST_CODE)) - MOST_CODE
    few = LEAST_CODES <= len(found) <= MOST_CODES and 2 * len(found) <= len(y)
    return [int(code) for code in found] if few else []


def _is_number(table: Table, roles: Roles) -> bool:
    """Return True where the target is to be read as numbers."""
    name = roles.target
    return name not in roles.categorical and (table.is_number(name) or name in roles.numeric)


def _is_zero_one(values: FloatArray) -> bool:
    """Return True for values that are exactly {0, 1} or {1, 2}, without sorting them."""
    low, high = values.min(), values.max()
    return (low, high) in ((0.0, 1.0), (1.0, 2.0)) and bool(((values == low) | (values == high)).all())


def _labels(table: Table, name: str, rows: IntArray) -> list[str]:
    """Return the distinct labels of some rows, in order."""
    column = as_text(table, name)
    counts = np.bincount(column.codes[rows] + 1, minlength=len(column.levels) + 1)[1:]
    return sorted_levels(column.levels[i] for i in np.flatnonzero(counts))


def read_target(table: Table, roles: Roles, rows: IntArray, family: str, positive: str | None) -> Target:
    """Return the target of ``rows``, whose cells are all present.

    Raises
    ------
    DataError
        If a target of numbers holds text, infinite numbers or what the family cannot have, or a binomial one
        has not exactly two classes.
    UsageError
        If ``positive`` is no class, or the family has no classes.
    """
    if family == "multinomial":
        return _classes(table, roles.target, rows, positive)
    if family != "binomial":
        if positive is not None:
            raise UsageError(
                f"--positive '{shown(positive)}' needs two classes, and '{shown(roles.target)}' is fitted as"
                f" numbers ({family})",
                hint="leave it out" if roles.more_targets else "give --family binomial",
            )
        columns = [_numbers(table, roles, name, rows, family) for name in (roles.target, *roles.more_targets)]
        return Target(columns[0] if len(columns) == 1 else np.column_stack(columns), family, None)
    name = roles.target
    labels = _labels(table, name, rows)
    if len(labels) != 2:
        found = f"one class only ('{shown(labels[0])}')" if len(labels) == 1 else f"{len(labels)} classes"
        more = "" if len(labels) == 1 else f" ({listed(labels, 50)})"
        raise DataError(
            f"{where(table)}: target '{shown(name)}' has {found}{more} in the rows used,"
            " and binomial needs two",
            hint="name another target with --target, or give --family gaussian"
            if table.is_number(name)
            else None,
            code="classes",
        )
    if (
        positive is not None
        and find_level(labels, positive, f"--positive: target '{shown(name)}'") == labels[0]
    ):
        labels.reverse()
    return Target(_zero_one(table, name, rows, labels[1]), family, (labels[0], labels[1]))


def _classes(table: Table, name: str, rows: IntArray, positive: str | None) -> Target:
    """Return a multinomial target: the places of the labels, sorted as levels are."""
    if positive is not None:
        raise UsageError(
            f"--positive '{shown(positive)}' has nothing to do: a multinomial model treats its classes alike",
            hint="leave it out, or give --family binomial for two classes",
        )
    labels = _labels(table, name, rows)
    if len(labels) < 2 or 2 * len(labels) > len(rows):
        found = f"one class only ('{shown(labels[0])}')"
        if len(labels) > 1:
            found = f"{len(labels)} classes ({listed(labels, 50)})"
        raise DataError(
            f"{where(table)}: target '{shown(name)}' has {found} in the {len(rows)} rows used, and"
            " multinomial needs two or more, with two rows each on average",
            hint="name another target with --target",
            code="classes" if len(labels) < 2 else "many_classes",
        )
    classes = tuple(labels)
    return Target(target_of_labels(table, name, classes, rows), "multinomial", classes)


def _numbers(table: Table, roles: Roles, name: str, rows: IntArray, family: str) -> FloatArray:
    """Return a numeric target, contiguous."""
    if name in roles.categorical:
        raise UsageError(
            f"column '{shown(name)}' cannot be in --categorical and the target of --family {family}"
        )
    if not table.is_number(name):
        refuse_stray_cells(table, name, rows)
        remedy = "fit it alone" if roles.more_targets else "leave --family out"
        hint = f"{family} needs numbers; {remedy}, or name another target with --target"
        values = as_numbers(table, name, hint=hint, rows=rows)
    else:
        values = table.number(name)
    y = np.ascontiguousarray(values[rows])
    refuse_extremes(table, name, y, rows, LARGEST_TARGET)
    refuse_impossible(table, name, y, rows, family)
    _refuse_faint(table, name, y)
    return y


def _refuse_faint(table: Table, name: str, y: FloatArray) -> None:
    """Raise DataError if values differ, but by so little that the squares of squared errors are 0."""
    spread = float(y.max() - y.min())
    if 0.0 < spread < 1.0 / LARGEST_TARGET:
        raise DataError(
            f"{where(table)}: the values of target '{shown(name)}' differ by {spread:.3g} at most, and the"
            " squares of such small errors cannot be told from 0",
            hint="state the target in another unit",
            code="faint_target",
        )


def refuse_impossible(
    table: Table, name: str, y: FloatArray, rows: IntArray, family: str,
    hint: str = "name another --target or --family",
) -> None:  # fmt: skip
    """Raise DataError at the first value that a family cannot have, or where all of them are 0."""
    if family not in _LEAST:
        return
    what, wrong = _LEAST[family], y <= 0.0 if family == "gamma" else y < 0.0
    if wrong.any():
        at = int(np.argmax(wrong))
        raise DataError(
            f"{where(table, int(rows[at]))}: {level_text(float(y[at]))} in the target '{shown(name)}', and"
            f" {family} needs {what}",
            hint=hint,
            code="target_range",
        )
    if not y.any():
        raise DataError(
            f"{where(table)}: target '{shown(name)}' is 0 in every row used, and {family} needs others",
            hint="name another target with --target",
            code="all_zero",
        )


def refuse_extremes(
    table: Table, name: str, values: FloatArray, rows: IntArray, limit: float = LARGEST
) -> None:
    """Raise DataError naming the first cell as large as ``limit``; ``values`` are those of ``rows``."""
    extreme = ~(np.abs(values) < limit) & ~np.isnan(values)
    if not extreme.any():
        return
    at = int(np.argmax(extreme))
    over = "the square of its squared error" if limit == LARGEST_TARGET else "its square"
    size = f"beyond {limit:.0e}, where {over} overflows" if np.isfinite(values[at]) else "infinite"
    raise DataError(
        f"{where(table, int(rows[at]))}: the value in column '{shown(name)}' is {size}",
        hint="mend the cell, state the column in another unit, or leave it out",
        code="infinite",
    )


def _zero_one(table: Table, name: str, rows: IntArray, positive: str) -> FloatArray:
    """Return 1.0 where the label is ``positive``, else 0.0."""
    if table.is_number(name) and abs(float(positive)) < WHOLE:
        value = table.number(name)[rows]
        # level_text is exact for every such double, so the label's value is the cell's value
        return np.asarray(value == float(positive), dtype=np.float64)
    column = as_text(table, name)
    hit = np.array([float(level == positive) for level in column.levels] + [0.0])
    y: FloatArray = hit[column.codes[rows]]
    return y


def target_of_labels(table: Table, name: str, classes: tuple[str, ...], rows: IntArray) -> FloatArray:
    """Return y (n,) of some rows, the place of each label among these classes.

    Raises
    ------
    DataError
        Naming the first cell whose label is none of them.
    """
    column = as_text(table, name)
    place = known_places(column, LevelIndex(classes))
    y = np.array([np.nan if at is None else float(at) for at in place] + [np.nan])[column.codes[rows]]
    if np.isnan(y).any():
        row = int(rows[int(np.argmax(np.isnan(y)))])
        cell = shown(column.levels[column.codes[row]])
        both = f"'{shown(classes[0])}' and '{shown(classes[1])}'"
        raise DataError(
            f"{where(table, row)}: label '{cell}' in column '{shown(name)}' is none of the model's classes",
            hint=f"the classes are {quoted(classes) if len(classes) > 2 else both}",
            code="unknown_class",
        )
    return y


def target_of_numbers(table: Table, name: str, rows: IntArray, family: str) -> FloatArray:
    """Return y (n,) of new rows for a model of numbers; DataError at the first cell that it cannot have."""
    y = np.ascontiguousarray(as_numbers(table, name, rows=rows)[rows])
    refuse_extremes(table, name, y, rows, LARGEST_TARGET)
    if len(y) and (y.any() or family == "gamma"):  # zeros alone can be judged, if not fitted
        refuse_impossible(table, name, y, rows, family, "mend the cell or leave the row out")
    return y


def constant_targets(names: tuple[str, ...], target: Target, intercept: bool) -> list[dict[str, Any]]:
    """Return a warning for every target of numbers without variation: only an intercept can fit it."""
    if target.classes is not None:
        return []
    warnings = []
    for name, y in zip(names, target.y.reshape(len(target.y), -1).T, strict=True):
        value = float(y[0])
        if bool((y == value).all()):
            only = intercept or value == 0.0
            told = "the fit is the intercept alone" if intercept else "all coefficients are 0"
            told = told if only else "without an intercept the features can only stand in for it"
            text = f"target '{shown(name)}' is constant ({level_text(value)}): {told}"
            warnings.append({"code": "constant_target", "message": text})
    return warnings
