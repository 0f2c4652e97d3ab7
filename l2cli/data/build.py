"""From a table to a dataset: which rows and columns are used, how, and what the user should know about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.design import Design
from l2cli.core.problem import row_blocks
from l2cli.core.products import Products, fill_products, own_columns
from l2cli.data.column_groups import column_groups, group_factors
from l2cli.data.dataset import DataSchema, Dataset, DesignSource, FeatureColumn, Interaction
from l2cli.data.dataset_plan import DatasetPlan, plan_dataset
from l2cli.data.encode import (
    fill_design,
    taken_design,
)
from l2cli.data.interactions import products_of, refuse_large_products
from l2cli.data.layout import fill_blocks, in_blocks
from l2cli.data.levels import as_written, label_codes
from l2cli.data.profile import (
    column_ranges,
    constant_features,
    design_ranges,
    feature_statistics,
    note_alike,
    note_constant,
    note_missing,
    note_rounded,
    starts,
)
from l2cli.data.roles import (
    role_notes,
)
from l2cli.data.schema import coefficient_bounds, penalty_factors
from l2cli.data.table import Table, TextColumn
from l2cli.data.target import (
    LARGEST,
    constant_targets,
    few_whole_numbers,
    refuse_extremes,
)
from l2cli.data.time_order import read_time
from l2cli.data.wording import listed, where
from l2cli.spec import ColumnSpec, ModelSpec

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


def build_dataset(table: Table, columns: ColumnSpec, model: ModelSpec, *, consume: bool = False) -> Dataset:
    """Return the rows and design columns that a model is fitted to; ``consume``: in the memory of the table.

    Rows: those without a target or of weight 0 are left out; missing cells of features as ``columns.missing``
    says (missing numbers stay NaN in X: their mean belongs to the rows trained on; a category gets a level
    ``(missing)``). Columns: features left without any value, and identifiers, are dropped unless the user
    spelled them out (:mod:`l2cli.data.roles`). Constant columns stay, with coefficient 0. Columns of dates
    become year, month, weekday and hour with ``columns.dates``, and are left out without it. Interactions
    are products of design columns and stand last. All of it is said in ``notes``.

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
    time = None if columns.time_column is None else read_time(table, columns.time_column, rows)
    ids = _ids(table, columns.id)  # the design may take the place of the table
    made = make_design(plan, columns.missing, model, consume=consume)
    features, sources = made.features, made.sources
    plan.found.mark_constant(constant_features(features, *made.ranges))
    notes += role_notes(plan.found)
    _note_cells(plan, columns, notes)
    note_missing(plan.found.gaps, features, rows, notes)
    note_constant(sources, *made.ranges, notes)
    doubt = _doubtful_codes(plan.target.y) if model.family == "auto" and plan.family == "gaussian" else None
    notes += [] if doubt is None else [doubt]
    schema = DataSchema(
        features=features, target=roles.target, family=plan.family, classes=plan.target.classes,
        missing=columns.missing, id=columns.id, weights=columns.weights, offset=columns.offset,
        exposure=columns.exposure, more_targets=roles.more_targets, interactions=made.interactions,
        dialect=None if table.delimiter is None else (table.delimiter, table.decimal),
    )  # fmt: skip
    source, groups_of_columns = where(table), column_groups(sources, model.groups, where(table))
    factors = (
        penalty_factors(sources, model.penalty_factor, source)
        if groups_of_columns is None
        else group_factors(sources, model.penalty_factor, groups_of_columns, source)
    )
    return Dataset(
        source=table.source, X=made.X, y=plan.target.y, schema=schema, rows_read=table.n_rows, rows=rows,
        weights=weights, offset=plan.offset, fold_labels=folds, fold_names=fold_names, groups=groups,
        time=time,
        penalty_factor=factors, column_groups=groups_of_columns,
        bounds=coefficient_bounds(sources, model.bounds, source),
        target_default=roles.target_default, family_noted=doubt is not None, roles=plan.found,
        products=made.products,
        stats=feature_statistics(
            table, plan.found.gaps, features, rows, weights, (*made.ranges, made.mean)
        ),
        notes=notes, warnings=constant_targets(schema.targets, plan.target, model.intercept),
        design=made.design, row_places=table.places, ids=ids,
    )  # fmt: skip


def _ids(table: Table, name: str | None) -> TextColumn | FloatArray | None:
    """Return the id column as it stands, numbers in a copy, which outlives the table."""
    if name is None:
        return None
    text = as_written(table, name)
    return table.number(name).copy() if text is None else text


def _doubtful_codes(y: FloatArray) -> str | None:
    """Return the note that a target taken as numbers may hold classes or counts, None where it may not."""
    codes = few_whole_numbers(y)
    if not codes:
        return None
    counts = ", poisson if they are counts" if codes[0] == 0 else ""
    values = listed(map(str, codes), 50)
    return (
        f"family gaussian: the {len(codes)} values of the target ({values}) are taken as numbers;"
        f" --family multinomial if they are classes{counts}"
    )


def _note_cells(plan: DatasetPlan, columns: ColumnSpec, notes: list[str]) -> None:
    """Say which labels may be one written in two ways, and which whole numbers are rounded."""
    labelled = plan.target.classes is not None
    targets = (plan.roles.target, *plan.roles.more_targets)
    categories = [feature.name for feature in plan.features if feature.kind == "category"]
    classes = targets if labelled else ()
    labels = [name for name in (columns.fold_column, columns.group_column) if name is not None]
    note_alike(plan.table, [*classes, *labels, *categories], plan.rows, notes)
    amounts = [name for name in (columns.weights, columns.offset, columns.exposure) if name is not None]
    numbers = [feature.name for feature in plan.features if feature.kind == "number"]
    note_rounded(plan.table, [*numbers, *(() if labelled else targets), *amounts], notes)


def _codes(
    table: Table, name: str | None, rows: IntArray, role: str
) -> tuple[IntArray | None, tuple[str, ...]]:
    """Return the codes and labels of a fold or group column, (None, ()) where none was named."""
    return (None, ()) if name is None else label_codes(table, name, rows, role)


class MadeDesign(NamedTuple):
    """The design columns of the rows used.

    X : all of them, or the dense ones of a ``design`` in blocks. products : where the factors of the
    interactions stand. ranges : (p,) and (p,), lowest and highest cells. mean : (q,) of the columns before
    the products.
    """

    X: FloatArray
    features: tuple[FeatureColumn, ...]
    interactions: tuple[Interaction, ...]
    products: Products | None
    ranges: tuple[FloatArray, FloatArray]
    mean: FloatArray
    design: Design | None = None

    @property
    def sources(self) -> tuple[DesignSource, ...]:
        """What the design columns are made from."""
        return (*self.features, *self.interactions)


def make_design(plan: DatasetPlan, missing: str, model: ModelSpec, *, consume: bool = False) -> MadeDesign:
    """Return the design columns of the rows used: those of the features, then their products."""
    table, rows, weights, features = plan.table, plan.rows, plan.weights, plan.features
    some = None if len(rows) == table.n_rows else rows
    names = [name for source in plan.sources for name in source.names]
    if in_blocks(table, plan.sources, len(rows), model):
        design, _ = fill_blocks(table, plan.sources, some)
        own = own_columns(design.dense, design.products)
        low, high, mean = column_ranges(own, weights)
        _refuse_extremes(table, features, own, design.at, np.maximum(-low, high), rows)
        design = design.multiplied(mean)
        low, high, mean = design_ranges(design, weights)
        if design.products is not None:
            largest, dense_names = np.maximum(-low, high)[design.at], [names[j] for j in design.at]
            refuse_large_products(table, dense_names, design.dense, design.products, rows, largest)
        means = _with_means(features, mean, missing)
        return MadeDesign(design.dense, means, plan.interactions, None, (low, high), mean, design)
    products = products_of(features, plan.interactions)
    X = taken_design(table, features, some) if consume and products is None else None
    if X is None:
        X = np.empty((len(rows), len(names)))
        fill_design(own_columns(X, products), table, features, some)
    own = own_columns(X, products)
    low, high, mean = column_ranges(own, weights)
    _refuse_extremes(table, features, X, np.arange(own.shape[1]), np.maximum(-low, high), rows)
    if products is not None:
        fill_products(X, products, mean, row_blocks(*X.shape))
        low, high, _ = column_ranges(X, weights)
        refuse_large_products(table, names, X, products, rows, np.maximum(-low, high))
    return MadeDesign(X, _with_means(features, mean, missing), plan.interactions, products, (low, high), mean)


def _refuse_extremes(
    table: Table, features: Sequence[FeatureColumn], X: FloatArray, places: IntArray, largest: FloatArray,
    rows: IntArray,
) -> None:  # fmt: skip
    """Raise DataError at the first number of a feature that is infinite or too large to be squared.

    ``places``: those of the columns of X among the design columns, ascending; ``largest``: of these columns.
    """
    for start, feature in zip(starts(features), features, strict=True):
        at = int(np.searchsorted(places, start))
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
