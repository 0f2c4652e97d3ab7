"""From a table to a dataset: which rows and columns are used, how, and what the user should know about it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

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
from l2cli.data.profile import (
    column_ranges,
    constant_features,
    feature_statistics,
    note_constant,
    note_missing,
    starts,
)
from l2cli.data.roles import (
    ColumnRoles,
    alike_note,
    column_roles,
    is_category,
    left_out_notes,
    role_notes,
)
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
    Target,
    choose_family,
    constant_targets,
    read_target,
    refuse_extremes,
    refuse_stray_cells,
)
from l2cli.data.wording import where
from l2cli.errors import DataError, FitError, UsageError, shown
from l2cli.spec import ColumnSpec, ModelSpec

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

MEMORY_SHARE = 0.6
"""Share of the machine's memory that the design matrix may take; solvers and the table need the rest."""


@dataclass(eq=False)
class DatasetPlan:
    """What a dataset will be, before its design columns are filled.

    table : where the columns are. rows : its 0-based rows that are used. found : the role of every candidate.
    """

    table: Table
    roles: Roles
    rows: IntArray
    family: str
    found: ColumnRoles
    features: tuple[FeatureColumn, ...]
    target: Target
    weights: FloatArray | None
    offset: FloatArray | None
    notes: list[str]


def build_dataset(table: Table, columns: ColumnSpec, model: ModelSpec) -> Dataset:
    """Return the rows and design columns that a model is fitted to.

    Rows: those without a target or of weight 0 are left out; missing cells of features as ``columns.missing``
    says (missing numbers stay NaN in X: their mean belongs to the rows trained on; a category gets a level
    ``(missing)``). Columns: features left without any value, and identifiers, are dropped unless the user
    spelled them out (:mod:`l2cli.data.roles`). Constant columns stay, with coefficient 0. All of it is said
    in ``notes``.

    Raises
    ------
    UsageError
        For columns, levels or factors that the user named and that do not exist or contradict each other.
    DataError
        For data that make no sense: no target, one class, text among numbers, bad weights, infinite numbers.
    FitError
        If no feature is left, or the design does not fit the memory.
    """
    plan = plan_dataset(table, columns, model)
    table, roles, rows, weights, notes = plan.table, plan.roles, plan.rows, plan.weights, plan.notes
    folds, fold_names = _codes(table, columns.fold_column, rows, "fold")
    groups, _ = _codes(table, columns.group_column, rows, "group")
    X = np.empty((len(rows), check_memory(table, plan.features, len(rows))))
    fill_design(X, table, plan.features, None if len(rows) == table.n_rows else rows)
    low, high, mean = column_ranges(X, weights)
    _refuse_extremes(table, plan.features, X, np.maximum(-low, high), rows)
    features = _with_means(plan.features, mean, columns.missing)
    plan.found.mark_constant(constant_features(features, low, high))
    notes += role_notes(plan.found)
    note_missing(plan.found.gaps, features, rows, notes)
    note_constant(features, low, high, notes)
    notes += _alike_notes(plan)
    schema = DataSchema(
        features=features, target=roles.target, family=plan.family, classes=plan.target.classes,
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
        source=table.source, X=X, y=plan.target.y, schema=schema, rows_read=table.n_rows, rows=rows,
        weights=weights, offset=plan.offset, fold_labels=folds, fold_names=fold_names, groups=groups,
        penalty_factor=factors, column_groups=groups_of_columns,
        bounds=coefficient_bounds(features, model.bounds, source),
        target_default=roles.target_default, roles=plan.found,
        stats=feature_statistics(table, plan.found.gaps, features, rows, weights, (low, high, mean)),
        notes=notes, warnings=constant_targets(schema.targets, plan.target, model.intercept),
    )  # fmt: skip


def plan_dataset(table: Table, columns: ColumnSpec, model: ModelSpec) -> DatasetPlan:
    """Return what :func:`build_dataset` will make of a table; nothing of its size is allocated.

    Raises
    ------
    UsageError, DataError, FitError
        As :func:`build_dataset`, but for the sizes of numbers, memory, folds, groups, factors and bounds.
    """
    roles = resolve_roles(table, columns)
    notes = list(table.notes)
    rows = rows_with_target(table, (roles.target, *roles.more_targets), notes)
    if columns.weights is not None:
        rows = drop_weightless(table, columns.weights, rows, notes)
    family = choose_family(table, roles, rows, model.family)
    found = _choose_features(table, roles, columns, rows, notes)
    if columns.missing in ("drop", "error"):
        rows = drop_incomplete(table, found.gaps, rows, columns.missing, notes)
    weights = None if columns.weights is None else read_weights(table, columns.weights, rows)
    target = read_target(table, roles, rows, family, columns.positive)
    if family == "multinomial" and (columns.offset or columns.exposure):
        option = "--offset" if columns.offset else "--exposure"
        raise UsageError(
            f"{option} has nothing to do: added to every class alike, it changes no probability",
            hint="leave it out",
        )
    offset = read_offset(table, columns.offset, columns.exposure, rows)
    features = _plan_features(table, roles, columns, found, rows, model)
    return DatasetPlan(table, roles, rows, family, found, features, target, weights, offset, notes)


def _alike_notes(plan: DatasetPlan) -> list[str]:
    """Return a line for every column of labels that may be the same label written in two ways."""
    columns = [(f"target '{shown(plan.roles.target)}'", plan.target.classes or ())]
    columns += [(f"column '{shown(f.name)}'", f.levels) for f in plan.features if f.kind == "category"]
    return [f"{what}: {told}" for what, levels in columns if (told := alike_note(levels))]


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
    table: Table, roles: Roles, columns: ColumnSpec, rows: IntArray, notes: list[str]
) -> ColumnRoles:
    """Return the roles of the candidates; say which are left out, and refuse where none is left."""
    for name in roles.features:
        if not table.is_number(name) and name not in roles.numeric and name not in roles.categorical:
            refuse_stray_cells(table, name, rows)
    found = column_roles(table, roles, rows, unclean_columns(table), columns.missing)
    notes += left_out_notes(found)
    if not found.names:
        raise FitError(
            f"{where(table)}: no feature is left beside the target '{shown(roles.target)}'",
            hint="; ".join(notes[len(table.notes) :]) or None,
            code="no_feature",
        )
    return found


# ---------------------------------------------------------------- how they become numbers


def _plan_features(
    table: Table, roles: Roles, columns: ColumnSpec, found: ColumnRoles, rows: IntArray, model: ModelSpec
) -> tuple[FeatureColumn, ...]:
    """Return the coding of every feature; levels are those that the used rows hold."""
    categories = [name for name in found.names if is_category(table, roles, name)]
    references = parse_references(table, columns, categories)
    treatment = columns.coding == "auto" and _unpenalized(model)
    coding = "treatment" if treatment else columns.coding
    features, levelled = [], set(categories)
    for name in found.names:
        if name not in levelled:
            gap = found.gaps.get(name)
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


def check_memory(table: Table, features: Sequence[FeatureColumn], n_rows: int) -> int:
    """Return the number of design columns, or refuse with the sizes where they would not fit."""
    p = sum(len(feature.names) for feature in features)
    size, memory = 8 * n_rows * p, _memory()
    if size <= MEMORY_SHARE * memory:
        return p
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
