"""From a table to a dataset: which rows and columns are used, how, and what the user should know about it."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from l2cli.data.column_groups import column_groups, group_factors
from l2cli.data.dataset import DataSchema, Dataset, FeatureColumn
from l2cli.data.encode import (
    category_column,
    fill_design,
    number_column,
)
from l2cli.data.levels import MISSING_LEVEL, as_text, label_codes
from l2cli.data.profile import column_ranges, feature_statistics, note_constant, note_missing, starts
from l2cli.data.rows import (
    drop_incomplete,
    drop_weightless,
    read_offset,
    read_weights,
    rows_with_target,
    unclean_columns,
)
from l2cli.data.schema import Roles, coefficient_bounds, parse_references, penalty_factors, resolve_roles
from l2cli.data.table import Table
from l2cli.data.target import (
    LARGEST,
    choose_family,
    constant_targets,
    missing_cells,
    read_target,
    refuse_extremes,
    refuse_stray_cells,
)
from l2cli.data.wording import quoted, where
from l2cli.errors import DataError, FitError, UsageError, shown
from l2cli.spec import ColumnSpec, ModelSpec

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

IDENTIFIER_LEVELS = 20
"""A column of text with no more distinct values than this is never taken for an identifier."""
IDENTIFIER_SHARE = 0.9
"""... and with more, it is one where the distinct values are at least this share of the present cells."""
MEMORY_SHARE = 0.6
"""Share of the machine's memory that the design matrix may take; solvers and the table need the rest."""

_INDEX_NAME = re.compile(
    r"|#|id|ids|idx|index|row|rows|obs|record|(row|record|obs)(s|name|names|id|index|number|no|num|nr)"
    r"|level\d+|unnamed.*|indexlevel\d+|column1"
)


@dataclass(eq=False)
class _Plan:
    """What is known of the features while a dataset is built.

    names : features used, in file order; categories : those of them that are levels.
    gaps : {name: (n_rows,) True where the cell is missing}.
    """

    names: list[str] = field(default_factory=list)
    categories: list[str] = field(default_factory=list)
    gaps: dict[str, BoolArray] = field(default_factory=dict)


def build_dataset(table: Table, columns: ColumnSpec, model: ModelSpec) -> Dataset:
    """Return the rows and design columns that a model is fitted to.

    Rows: those without a target or of weight 0 are left out; missing cells of features as ``columns.missing``
    says (missing numbers stay NaN in X: their mean belongs to the rows trained on; a category gets a level
    ``(missing)``). Columns: features left without any value, and identifiers, are dropped unless the user
    spelled them out (text of which at least 90 % of the cells are distinct, more than 20 of them; a column
    named like an index whose cells are all distinct integers or texts). Constant columns stay, with
    coefficient 0. All of it is said in ``notes``.

    Raises
    ------
    UsageError
        For columns, levels or factors that the user named and that do not exist or contradict each other.
    DataError
        For data that make no sense: no target, one class, text among numbers, bad weights, infinite numbers.
    FitError
        If no feature is left, or the design does not fit the memory.
    """
    roles = resolve_roles(table, columns)
    notes = list(table.notes)
    targets = (roles.target, *roles.more_targets)
    rows = rows_with_target(table, targets, notes)
    if columns.weights is not None:
        rows = drop_weightless(table, columns.weights, rows, notes)
    family = choose_family(table, roles, rows, model.family)
    unclean = unclean_columns(table)
    plan = _choose_features(table, roles, columns, rows, unclean, notes)
    if columns.missing in ("drop", "error"):
        rows = drop_incomplete(table, plan.gaps, rows, columns.missing, notes)
    weights = None if columns.weights is None else read_weights(table, columns.weights, rows)
    target = read_target(table, roles, rows, family, columns.positive)
    if family == "multinomial" and (columns.offset or columns.exposure):
        option = "--offset" if columns.offset else "--exposure"
        raise UsageError(
            f"{option} has nothing to do: added to every class alike, it changes no probability",
            hint="leave it out",
        )
    folds, fold_names = _codes(table, columns.fold_column, rows, "fold")
    groups, _ = _codes(table, columns.group_column, rows, "group")
    offset = read_offset(table, columns.offset, columns.exposure, rows)

    features = _plan_features(table, columns, plan, rows, treatment=_unpenalized(model))
    X = _allocate(table, features, len(rows))
    fill_design(X, table, features, None if len(rows) == table.n_rows else rows)
    low, high, mean = column_ranges(X, weights)
    _refuse_extremes(table, features, X, np.maximum(-low, high), rows)
    features = _with_means(features, mean, columns.missing)
    note_missing(plan.gaps, features, rows, notes)
    note_constant(features, low, high, notes)
    schema = DataSchema(
        features=features, target=roles.target, family=family, classes=target.classes,
        missing=columns.missing, id=columns.id, weights=columns.weights, offset=columns.offset,
        exposure=columns.exposure, more_targets=roles.more_targets,
    )  # fmt: skip
    source, groups_of_columns = where(table), column_groups(features, model.groups, where(table))
    factors = (
        penalty_factors(features, model.penalty_factor, source)
        if groups_of_columns is None
        else group_factors(features, model.penalty_factor, groups_of_columns, source)
    )
    return Dataset(
        source=table.source, X=X, y=target.y, schema=schema, rows_read=table.n_rows, rows=rows,
        weights=weights, offset=offset, fold_labels=folds, fold_names=fold_names, groups=groups,
        penalty_factor=factors, column_groups=groups_of_columns,
        bounds=coefficient_bounds(features, model.bounds, source),
        target_default=roles.target_default,
        stats=feature_statistics(table, plan.gaps, features, rows, weights, (low, high, mean)),
        notes=notes, warnings=constant_targets(targets, target, model.intercept),
    )  # fmt: skip


def _codes(
    table: Table, name: str | None, rows: IntArray, role: str
) -> tuple[IntArray | None, tuple[str, ...]]:
    """Return the codes and labels of a fold or group column, (None, ()) where none was named."""
    return (None, ()) if name is None else label_codes(table, name, rows, role)


def _unpenalized(model: ModelSpec) -> bool:
    """Return True where every lambda asked for is 0."""
    values = model.lambdas.values
    return values is not None and not any(values)


# ---------------------------------------------------------------- which columns


def _choose_features(
    table: Table, roles: Roles, columns: ColumnSpec, rows: IntArray, unclean: frozenset[str], notes: list[str]
) -> _Plan:
    """Return the features to use, after dropping identifiers and columns without a value."""
    plan, identifiers, empty = _Plan(), [], []
    for name in roles.features:
        is_text = not table.is_number(name) and name not in roles.numeric
        if is_text and name not in roles.categorical:
            refuse_stray_cells(table, name, rows)
        if name in unclean or not table.is_number(name):
            gap = missing_cells(table, name)
            if gap[rows].all() and columns.missing != "error":
                empty.append(name)
                continue
            if gap.any():
                plan.gaps[name] = gap
        if name not in roles.named and _is_identifier(table, name, rows, is_text):
            identifiers.append(name)
            plan.gaps.pop(name, None)
            continue
        plan.names.append(name)
        if is_text or name in roles.categorical:
            plan.categories.append(name)
    if identifiers:
        notes.append(f"left out as identifiers: {quoted(identifiers)} (--features with the name keeps one)")
    if empty:
        notes.append(f"left out, no value in any row: {quoted(empty)}")
    if not plan.names:
        raise FitError(
            f"{where(table)}: no feature is left beside the target '{shown(roles.target)}'",
            hint="; ".join(notes[len(table.notes) :]) or None,
            code="no_feature",
        )
    return plan


def _is_identifier(table: Table, name: str, rows: IntArray, is_text: bool) -> bool:
    """Return True for a column that names the rows instead of describing them."""
    like_index = _INDEX_NAME.fullmatch(re.sub(r"[\s._:-]", "", name.lower())) is not None
    if is_text:
        column = table.texts[name]
        counts = np.bincount(column.codes[rows] + 1, minlength=len(column.levels) + 1)
        distinct, present = int(np.count_nonzero(counts[1:])), len(rows) - int(counts[0])
        if like_index and distinct == len(rows):
            return True
        return distinct > IDENTIFIER_LEVELS and distinct >= IDENTIFIER_SHARE * present
    if not like_index or not table.is_number(name):
        return False
    values = table.number(name)[rows]
    return bool((np.mod(values, 1.0) == 0.0).all()) and len(np.unique(values)) == len(values)


# ---------------------------------------------------------------- how they become numbers


def _plan_features(
    table: Table, columns: ColumnSpec, plan: _Plan, rows: IntArray, *, treatment: bool
) -> tuple[FeatureColumn, ...]:
    """Return the coding of every feature; levels are those that the used rows hold."""
    references = parse_references(table, columns, plan.categories)
    coding = "treatment" if columns.coding == "auto" and treatment else columns.coding
    categories, features = set(plan.categories), []
    for name in plan.names:
        if name not in categories:
            gap = plan.gaps.get(name)
            indicator = columns.missing == "indicator" and gap is not None and bool(gap[rows].any())
            features.append(number_column(name, indicator=indicator))
            continue
        column = as_text(table, name)
        counts = np.bincount(column.codes[rows] + 1, minlength=len(column.levels) + 1)
        levels = [column.levels[i] for i in np.flatnonzero(counts[1:])]
        if counts[0] and MISSING_LEVEL not in levels:
            levels.append(MISSING_LEVEL)
        features.append(category_column(name, levels, coding=coding, reference=references.get(name)))
    owner: dict[str, str] = {}
    for feature in features:
        for design in feature.names:
            if owner.setdefault(design, feature.name) != feature.name:
                raise DataError(
                    f"{where(table)}: columns '{shown(owner[design])}' and '{shown(feature.name)}' both make"
                    f" a feature '{shown(design)}'",
                    hint="rename one of them or leave it out with --drop",
                    code="duplicate_feature",
                )
    return tuple(features)


def _allocate(table: Table, features: Sequence[FeatureColumn], n_rows: int) -> FloatArray:
    """Return an empty design matrix, or refuse with the sizes where it would not fit."""
    p = sum(len(feature.names) for feature in features)
    size, memory = 8 * n_rows * p, _memory()
    if size <= MEMORY_SHARE * memory:
        return np.empty((n_rows, p))
    widest = max(features, key=lambda feature: len(feature.names))
    hint = "leave columns out with --drop"
    if len(widest.names) > 1:
        hint = (
            f"column '{shown(widest.name)}' alone makes {len(widest.names)} of them; leave it out with --drop"
        )
    raise FitError(
        f"{where(table)}: {n_rows} rows x {p} design columns need {size / 2**30:.1f} GB, and this machine has"
        f" {memory / 2**30:.1f} GB",
        hint=hint,
        code="too_large",
    )


def _memory() -> int:
    """Return the bytes of physical memory; 8 GB where the system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return 8 << 30


def _refuse_extremes(
    table: Table, features: Sequence[FeatureColumn], X: FloatArray, largest: FloatArray, rows: IntArray
) -> None:
    """Raise DataError at the first number of a feature that is infinite or too large to be squared."""
    for at, feature in zip(starts(features), features, strict=True):
        if feature.kind == "number" and largest[at] >= LARGEST:
            refuse_extremes(table, feature.name, X[:, at], rows)


def _with_means(
    features: Sequence[FeatureColumn], mean: FloatArray, missing: str
) -> tuple[FeatureColumn, ...]:
    """Return the features with the training mean of every number, unless the rule allows no missing cell."""
    if missing in ("drop", "error"):
        return tuple(features)
    return tuple(
        feature._replace(impute=float(mean[at])) if feature.kind == "number" else feature
        for at, feature in zip(starts(features), features, strict=True)
    )
