"""Dataset: the rows and design columns that a model is fitted to, and how to encode new rows alike."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from l2cli.core.design import Design
    from l2cli.core.products import Products
    from l2cli.data.column_groups import ColumnGroups
    from l2cli.data.labelled import OtherRows
    from l2cli.data.roles import ColumnRoles
    from l2cli.data.table import RowPlaces, TextColumn
    from l2cli.data.time_order import TimeColumn

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


class DatePart(NamedTuple):
    """Where a feature such as ``when.month`` comes from.

    column : of the file. part : ``year`` | ``month`` | ``weekday`` | ``hour``.
    order : ``day`` | ``month``, which comes first in cells like 13/03/2024, None where training has no such.
    """

    column: str
    part: str
    order: str | None = None


class FeatureColumn(NamedTuple):
    """How one column of the file becomes design columns.

    kind : ``number`` | ``category``. coding : ``number`` | ``onehot`` | ``indicator`` | ``treatment``.
    levels : category levels in order, the reference first where there is one; a level ``(missing)`` stands
    last.
    reference : the level without a design column (indicator, treatment), else None.
    impute : the training mean that replaces a missing number (None where none may be missing).
    indicator : True where ``--missing indicator`` adds the design column ``name (missing)``.
    names : the design columns made from it, in order.
    date : the part of a date that it is, None of every other column.
    """

    name: str
    kind: str
    coding: str
    levels: tuple[str, ...] = ()
    reference: str | None = None
    impute: float | None = None
    indicator: bool = False
    names: tuple[str, ...] = ()
    date: DatePart | None = None

    @property
    def column(self) -> str:
        """The column of the file from which it is read."""
        return self.name if self.date is None else self.date.column


class Interaction(NamedTuple):
    """Products of the design columns of two features.

    name : ``a:b``. levels : True where one of the two is a category.
    factors : (left, right) design columns of each product, in order.
    """

    name: str
    levels: bool
    factors: tuple[tuple[str, str], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The design columns made from it, in order: ``a:b=level``."""
        return tuple(f"{left}:{right}" for left, right in self.factors)

    @property
    def column(self) -> str:
        """Its name: it is read from no column alone."""
        return self.name


DesignSource = FeatureColumn | Interaction
"""What design columns are made from."""


class DataSchema(NamedTuple):
    """What a saved model must know to encode a new table: features, target, rule for missing cells.

    dialect : delimiter and decimal mark of the text file it was trained on.
    """

    features: tuple[FeatureColumn, ...]
    target: str
    family: str
    classes: tuple[str, ...] | None
    missing: str
    id: str | None = None
    weights: str | None = None
    offset: str | None = None
    exposure: str | None = None
    more_targets: tuple[str, ...] = ()
    interactions: tuple[Interaction, ...] = ()
    dialect: tuple[str, str] | None = None

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of all targets, nearly always one."""
        return (self.target, *self.more_targets)

    @property
    def design_names(self) -> tuple[str, ...]:
        """Names of the design columns, in order."""
        return tuple(name for source in self.sources for name in source.names)

    @property
    def sources(self) -> tuple[DesignSource, ...]:
        """What the design columns are made from, in their order."""
        return (*self.features, *self.interactions)


class FeatureStats(NamedTuple):
    """What one column of the file looked like over the rows used (weighted), to notice later drift.

    missing : share of missing cells. low, high, mean : of the present numbers, else None.
    shares : (level, share of all rows) of a category.
    """

    name: str
    missing: float
    low: float | None = None
    high: float | None = None
    mean: float | None = None
    shares: tuple[tuple[str, float], ...] = ()


@dataclass(eq=False)
class Dataset:
    """Rows ready to be fitted.

    X : (n, p) float64, C order, owned: solvers may standardize it in place. NaN where a number is missing and
    is to
        be imputed by the mean of the rows trained on. Of a design in blocks its dense columns.
    design : the design where it is in blocks, else None.
    y : (n,) float64; binomial: 1 for ``schema.classes[1]`` (the positive class), else 0; multinomial: the
        place of the label in ``schema.classes``. (n, T) of several gaussian targets.
    bounds : (p,) lower and (p,) upper bounds of the coefficients, or None. column_groups : groups of columns.
    products : which columns are products of others; a factor that is missing was imputed by its mean.
    weights, offset : (n,) float64 or None. fold_labels, groups : (n,) int codes or None. time : of the rows,
        or None.
    rows : (n,) int, the 0-based rows of the file that are used, ascending.
    target_default : the target is the last column because none was named. family_noted : a note names the
        family and says why it may be another.
    roles : what every column that could be a feature was taken for; None where nobody looked.
    stats : one entry per ``schema.features``.
    row_places : where the rows of the file stand. ids : the column ``schema.id``, of all rows of the file.
    holdout : labelled rows of another table, by whose error lambda is to be chosen.
    """

    source: str
    X: FloatArray
    y: FloatArray
    schema: DataSchema
    rows_read: int
    rows: IntArray
    weights: FloatArray | None = None
    offset: FloatArray | None = None
    fold_labels: IntArray | None = None
    fold_names: tuple[str, ...] = ()
    groups: IntArray | None = None
    time: TimeColumn | None = None
    penalty_factor: FloatArray | None = None
    bounds: tuple[FloatArray, FloatArray] | None = None
    column_groups: ColumnGroups | None = None
    products: Products | None = None
    target_default: bool = False
    family_noted: bool = False
    roles: ColumnRoles | None = None
    stats: tuple[FeatureStats, ...] = ()
    notes: list[str] = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)
    design: Design | None = None
    row_places: RowPlaces | None = None
    ids: TextColumn | FloatArray | None = None
    holdout: OtherRows | None = None

    def place_of(self, i: int) -> str:
        """Return where the i-th row used stands: ``line 7``, ``part2.csv line 7`` or ``row 5``."""
        row = int(self.rows[i])
        if self.row_places is None:
            return f"row {row + 1}"
        place, parts = self.row_places.place(row), self.row_places.parts
        return place if parts is None or len(parts.labels) < 2 else f"{self.row_places.file_of(row)} {place}"

    def id_of(self, i: int) -> str | float | int | None:
        """Return the id of the i-th row used, None without an id column or where the cell is missing."""
        row = int(self.rows[i])
        if self.ids is None:
            return None
        if isinstance(self.ids, np.ndarray):
            value = float(self.ids[row])
            return None if np.isnan(value) else int(value) if value == int(value) else value
        code = int(self.ids.codes[row])
        return None if code < 0 else self.ids.levels[code]

    @property
    def places(self) -> IntArray:
        """Places of the columns of X among the design columns: (q,)."""
        return np.arange(self.X.shape[1]) if self.design is None else self.design.at

    @property
    def family(self) -> str:
        """Name of the family of the target."""
        return self.schema.family

    def for_target(self, t: int) -> Dataset:
        """Return the dataset of one of several targets; X is the same array."""
        schema = self.schema._replace(target=self.schema.targets[t], more_targets=())
        holdout = None if self.holdout is None else self.holdout.for_target(t)
        return replace(self, y=np.ascontiguousarray(self.y[:, t]), schema=schema, holdout=holdout)

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the design columns."""
        return self.schema.design_names

    @property
    def n_rows(self) -> int:
        """Number of rows used."""
        return int(self.y.shape[0])

    @property
    def weight_sum(self) -> float:
        """W, the sum of the weights (the number of rows without weights)."""
        return float(self.n_rows) if self.weights is None else float(self.weights.sum())

    @property
    def target_mean(self) -> float:
        """Weighted mean of y, gaussian: less the offset."""
        return float(np.average(self._response, weights=self.weights))

    @property
    def target_sd(self) -> float:
        """Weighted population standard deviation (divisor W) of y, gaussian: less the offset."""
        away = self._response - self.target_mean
        return float(np.sqrt(np.average(away * away, weights=self.weights)))

    @property
    def target_rms(self) -> float:
        """Weighted root mean square of y less the offset: what glmnet divides by without an intercept."""
        return float(np.sqrt(np.average(self._response**2, weights=self.weights)))

    @property
    def _response(self) -> FloatArray:
        # the offset is in the unit of eta, which for the other families is not that of y
        return self.y if self.offset is None or self.family != "gaussian" else self.y - self.offset
