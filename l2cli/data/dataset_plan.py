"""What a dataset will be: which rows and columns are used, and how, before its design columns are filled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l2cli.data.dataset import DesignSource, FeatureColumn, Interaction
from l2cli.data.date_columns import (
    constant_parts,
    find_dates,
    mark_parts,
    refuse_undated,
    settle_dates,
    with_parts,
)
from l2cli.data.encode import category_column, number_column
from l2cli.data.interactions import plan_interactions, refuse_twins
from l2cli.data.layout import refuse_many_products
from l2cli.data.levels import MISSING_LEVEL, as_text
from l2cli.data.roles import ColumnRole, ColumnRoles, column_roles, is_category, left_out_notes
from l2cli.data.rows import (
    drop_incomplete,
    drop_weightless,
    read_offset,
    read_weights,
    rows_with_target,
    unclean_columns,
)
from l2cli.data.schema import Roles, parse_references, resolve_roles
from l2cli.data.table import Table
from l2cli.data.target import Target, choose_family, read_target, refuse_stray_cells
from l2cli.data.wording import where
from l2cli.errors import FitError, UsageError, shown
from l2cli.spec import ColumnSpec, ModelSpec

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(eq=False)
class DatasetPlan:
    """What a dataset will be, before its design columns are filled.

    table : with the parts of dates as columns. rows : the 0-based rows of the file that are used. found : the
    role of every candidate column.
    """

    table: Table
    roles: Roles
    rows: IntArray
    family: str
    found: ColumnRoles
    features: tuple[FeatureColumn, ...]
    interactions: tuple[Interaction, ...]
    target: Target
    weights: FloatArray | None
    offset: FloatArray | None
    notes: list[str]

    @property
    def sources(self) -> tuple[DesignSource, ...]:
        """What the design columns are made from."""
        return (*self.features, *self.interactions)


def plan_dataset(table: Table, columns: ColumnSpec, model: ModelSpec) -> DatasetPlan:
    """Return what :func:`l2cli.data.build.build_dataset` will make of a table; nothing of its size is made.

    Raises
    ------
    UsageError, DataError, FitError
        As there, but for the sizes of numbers, memory, folds, groups, factors and bounds.
    """
    notes, dates = list(table.notes), find_dates(table, columns)
    table = with_parts(table, dates) if columns.dates else table
    stated = resolve_roles(table, columns)
    roles = settle_dates(table, stated, columns, dates, notes)
    rows = rows_with_target(table, (roles.target, *roles.more_targets), notes)
    if columns.weights is not None:
        rows = drop_weightless(table, columns.weights, rows, notes)
    refuse_undated(table, roles.parts.values(), dates, rows)
    family = choose_family(table, roles, rows, model.family)
    whole = [name for name in stated.features if name in dates and name not in roles.features]
    found = _choose_features(table, roles, columns, rows, whole, notes)
    if columns.missing in ("drop", "error"):
        gaps = {roles.column(name): gap for name, gap in found.gaps.items()}
        rows = drop_incomplete(table, gaps, rows, columns.missing, notes)
    weights = None if columns.weights is None else read_weights(table, columns.weights, rows)
    target = read_target(table, roles, rows, family, columns.positive)
    if family == "multinomial" and (columns.offset or columns.exposure):
        option = "--offset" if columns.offset else "--exposure"
        raise UsageError(
            f"{option} has nothing to do: added to every class alike, it changes no probability",
            hint="leave it out",
        )
    offset = read_offset(table, columns.offset, columns.exposure, rows)
    features = tuple(mark_parts(_plan_features(table, roles, columns, found, rows, model), roles.parts))
    by_name = () if columns.dates else whole
    refuse_many_products(table, features, columns.interactions, len(rows), by_name)
    interactions = plan_interactions(table, features, columns.interactions, rows, by_name)
    if not any(feature.names for feature in features):
        raise FitError(
            f"{where(table)}: no feature is left beside the target '{shown(roles.target)}': none varies",
            code="no_feature",
        )
    refuse_twins(table, (*features, *interactions))
    return DatasetPlan(
        table, roles, rows, family, found, features, interactions, target, weights, offset, notes
    )


def _choose_features(
    table: Table, roles: Roles, columns: ColumnSpec, rows: IntArray, dates: Sequence[str], notes: list[str]
) -> ColumnRoles:
    """Return the roles of the candidates; say which are left out, and refuse where none is left.

    ``dates`` are columns of dates, of which a model gets parts or nothing.
    """
    constant = constant_parts(table, roles, rows, notes)
    roles = roles._replace(features=tuple(name for name in roles.features if name not in constant))
    for name in roles.features:
        if not table.is_number(name) and name not in roles.numeric and name not in roles.categorical:
            refuse_stray_cells(table, name, rows)
    found = column_roles(table, roles, rows, unclean_columns(table), columns.missing)
    found.roles += [ColumnRole(name, "date") for name in dates]
    notes += left_out_notes(found)
    if not found.names:
        raise FitError(
            f"{where(table)}: no feature is left beside the target '{shown(roles.target)}'",
            hint="; ".join(notes[len(table.notes) :]) or None,
            code="no_feature",
        )
    return found


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
    return tuple(features)


def _unpenalized(model: ModelSpec) -> bool:
    """Return True where every lambda asked for is 0."""
    values = model.lambdas.values
    return values is not None and not any(values)
