"""Problem: the rows to fit, in the coordinates in which every solver works.

Internal columns are ``z_ij = (x_ij - center_j) / scale_j`` with the (weighted, population) mean and standard
deviation of all rows; without an intercept ``center = 0``. A coefficient ``u_j`` on them is ``w_j *
scale_j``, where ``w_j`` is the coefficient of the original column. Moments of such columns do not cancel, and
a fold differs from the whole only by a penalty weight, a mean near 0 and, where cells are missing, by the
imputed value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.families import DEFAULT_POWER, Family, family_named
from l2cli.core.penalties import Box, Groups
from l2cli.core.products import Derived, Products, directions
from l2cli.core.standardize import column_statistics, standardize_columns

if TYPE_CHECKING:
    from l2cli.core.design import BlockColumns
    from l2cli.core.sharing import Shared

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

BLOCK_BYTES = 4 << 20
"""Rows are passed over in blocks of about this size: they fit the cache, and temporaries stay small."""

KEEP_ORIGINALS = 1_000_000
"""Cells up to which the original columns are kept beside the internal ones."""


def row_blocks(n_rows: int, n_columns: int) -> list[slice]:
    """Return consecutive slices of rows, each about BLOCK_BYTES of ``n_columns`` doubles."""
    step = max(64, BLOCK_BYTES // (8 * max(1, n_columns)))
    return [slice(i, min(i + step, n_rows)) for i in range(0, n_rows, step)]


class Problem(NamedTuple):
    """One data set in internal coordinates; immutable.

    Attributes
    ----------
    X : (n, p) float64
        Internal columns; imputed cells hold ``fill``; constant columns hold 0.
    y : (n,) float64
        Response; binomial: 0 or 1; poisson, tweedie: not negative; gamma: positive; multinomial (n, C): 1
        for the class of the row, else 0. Of several gaussian targets (n, T).
    weights : (n,) float64, positive
    offset : (n,) float64 or None
    family : str
    power : float
        Variance power of tweedie; nothing to the others.
    intercept, standardize : bool
    factors : (p,) float64
        Penalty factors f_j.
    l1_ratio : float
        r, the share of L1 in the penalty.
    box : Box or None
        Bounds of the internal coefficients, for every class alike.
    groups : Groups or None
        Columns that share a norm in the penalty, for every class apart; l1_ratio is 1 and the factors hold
        f_g sqrt(p_g).
    relax_gamma : float
        Share of the penalized solution in what is reported, the rest is the unpenalized fit on its columns
        (see :mod:`l2cli.core.relaxed`); solvers of J do not look at it.
    spread : (p,) float64
        Standard deviations of the internal columns over the rows trained on: 1, but for a fold.
    mean, center, scale : (p,) float64
        Means of the original columns; what was subtracted (0 without intercept); what was divided by.
    constant : (p,) bool
        Columns without variation: coefficient 0.
    mask : (n, q) float64 or None
        1 where the cell of column ``masked[i]`` was missing.
    masked : (q,) int
    derived : Derived or None
        The last columns of ``mask`` are not those of missing cells but directions in which products of
        imputed columns move; ``masked`` holds the product of each.
    originals : (n, p) float64 or None
        The columns as given, kept for small problems: least squares refines its answer on them.
    shared : Shared or None
        What this problem has in common with those of other targets on the same rows.
    blocks : BlockColumns or None
        The internal columns where they are not one matrix (see :mod:`l2cli.core.design`); X is then (n, 0).
    """

    X: FloatArray
    y: FloatArray
    weights: FloatArray
    offset: FloatArray | None
    family: str
    intercept: bool
    standardize: bool
    factors: FloatArray
    mean: FloatArray
    center: FloatArray
    scale: FloatArray
    constant: BoolArray
    mask: FloatArray | None
    masked: IntArray
    originals: FloatArray | None = None
    l1_ratio: float = 0.0
    spread: FloatArray | None = None
    power: float = DEFAULT_POWER
    box: Box | None = None
    groups: Groups | None = None
    shared: Shared | None = None
    relax_gamma: float = 1.0
    derived: Derived | None = None
    blocks: BlockColumns | None = None

    @property
    def likelihood(self) -> Family:
        """The family with its parameter."""
        return family_named(self.family, self.power)

    @property
    def n_rows(self) -> int:
        """Number of rows n."""
        return int(self.X.shape[0])

    @property
    def n_columns(self) -> int:
        """Number of design columns p."""
        return int(self.X.shape[1]) if self.blocks is None else len(self.mean)

    def predictor(self, u: FloatArray) -> FloatArray:
        """Return Z u, (n,) or (n, K), for internal coefficients (p,) or (p, K)."""
        return np.asarray(self.X @ u) if self.blocks is None else self.blocks.times(u)

    @property
    def n_classes(self) -> int:
        """Number C of linear predictors: the classes of a multinomial family, else 1."""
        return 1 if self.y.ndim == 1 or self.has_targets else int(self.y.shape[1])

    @property
    def has_targets(self) -> bool:
        """True where y (n, T) holds several gaussian targets: for what they share, not for a solver."""
        return self.y.ndim == 2 and self.family == "gaussian"

    @property
    def weight_sum(self) -> float:
        """W, the sum of the weights."""
        return float(self.weights.sum())

    @property
    def fill(self) -> FloatArray:
        """Internal value of an imputed cell of each masked column that is no product: its mean."""
        return ((self.mean - self.center) / self.scale)[self.masked[: self.n_imputed]]

    @property
    def n_imputed(self) -> int:
        """Number of columns with missing cells, products aside."""
        return len(self.masked) - (0 if self.derived is None else len(self.derived.sources))

    @property
    def mask_layers(self) -> tuple[slice, ...]:
        """Parts of ``masked`` in each of which a column comes once."""
        q = self.n_imputed
        more = () if self.derived is None else self.derived.layers
        return (slice(0, q), *(slice(part.start + q, part.stop + q) for part in more))

    def impute_anew(self, out: FloatArray, mask: FloatArray, shift: FloatArray) -> None:
        """Add ``shift`` (q,) to the imputed cells of some rows ``out`` (n, p), in place."""
        for part in self.mask_layers:
            out[:, self.masked[part]] += mask[:, part] * shift[part]

    @property
    def response(self) -> FloatArray:
        """The response less the offset, what a gaussian model fits."""
        # classes need the design's factor alone
        y = self.y if self.y.ndim == 1 or self.has_targets else self.y[:, 0]
        return y if self.offset is None else np.asarray((y.T - self.offset).T)

    @property
    def class_codes(self) -> IntArray:
        """The number of the class of every row, of two or more classes: (n,)."""
        return (self.y if self.y.ndim == 1 else self.y.argmax(axis=1)).astype(np.int64)

    @property
    def is_smooth(self) -> bool:
        """True where J has no kinks and no bounds: pure L2."""
        return self.l1_ratio == 0.0 and self.box is None

    @property
    def penalty(self) -> FloatArray:
        """Weights d_j of ``(1 - r) u_j^2`` in the penalty, in internal coordinates: (p,)."""
        return self.penalty_for(self._spread)

    @property
    def l1_penalty(self) -> FloatArray:
        """Weights l_j of ``2 r |u_j|`` in the penalty, in internal coordinates: (p,)."""
        return self.l1_penalty_for(self._spread)

    @property
    def _spread(self) -> FloatArray:
        return np.ones(self.n_columns) if self.spread is None else self.spread

    def penalty_for(self, sd: FloatArray) -> FloatArray:
        """Return d_j when the rows trained on have internal standard deviations ``sd``.

        Standardized: ``f_j (sd_j w_j scale_j / scale_j)^2``, so d = f * sd^2; raw: d = f / scale^2. A column
        without variation gets d = 1: its gradient is 0 and so is its coefficient.
        """
        d = self.factors * sd**2 if self.standardize else self.factors / self.scale**2
        return np.where(self.constant | (sd <= 0), 1.0, d)

    def l1_penalty_for(self, sd: FloatArray) -> FloatArray:
        """Return l_j for such rows: ``f_j |sd_j w_j|`` is f sd |u|, raw ``f_j |w_j|`` is f |u| / scale.

        A column without variation gets 1, but not in a group of factor 0: that has no norm to take part in.
        """
        weight = self.factors * sd if self.standardize else self.factors / self.scale
        held = 1.0 if self.groups is None else np.where(self.factors > 0.0, 1.0, 0.0)
        return np.where(self.constant | (sd <= 0), held, weight)

    def penalty_weights(self, lambdas: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the weights of u^2 and of 2 |u| in J at each lambda: (p C, L), (p C, L)."""
        r = self.l1_ratio
        return (
            np.multiply.outer(self.per_class((1.0 - r) * self.penalty), lambdas),
            np.multiply.outer(self.per_class(r * self.l1_penalty), lambdas),
        )

    def per_class(self, values: FloatArray) -> FloatArray:
        """Return values of the columns (p, ...) for every coordinate (p C, ...): those of (p, C), raveled."""
        return values if self.y.ndim == 1 else np.repeat(values, self.n_classes, axis=0)

    @property
    def coordinate_box(self) -> Box | None:
        """The bounds of every coordinate (p C,)."""
        if self.box is None or self.y.ndim == 1:
            return self.box
        return Box(self.per_class(self.box.lower), self.per_class(self.box.upper))

    @property
    def coordinate_groups(self) -> Groups | None:
        """The groups of the coordinates (p C,)."""
        if self.groups is None or self.y.ndim == 1:
            return self.groups
        return self.groups.of_classes(self.n_classes)

    def original(self, u: FloatArray, intercept: FloatArray | float) -> tuple[FloatArray, FloatArray]:
        """Return (coef, intercept) on the original scale for internal ``u``, (p, ...), and b0 (...).

        Intercepts of several classes are shifted to sum to 0, which changes no probability.
        """
        coef = (u.T / self.scale).T
        moved = np.asarray(intercept - np.tensordot(self.center, coef, 1))
        return coef, moved if self.y.ndim == 1 else moved - moved.mean(axis=0)

    def select(self, columns: IntArray) -> Problem:
        """Return the problem with some of the columns only (copies them), without L1 and not relaxed.

        Its products stay as they are imputed: their factors may be gone.
        """
        place = {int(j): i for i, j in enumerate(columns)}
        kept = [k for k, j in enumerate(self.masked[: self.n_imputed]) if int(j) in place]
        return self._replace(
            X=self.X[:, columns], factors=self.factors[columns], mean=self.mean[columns],
            center=self.center[columns], scale=self.scale[columns], constant=self.constant[columns],
            mask=None if self.mask is None else self.mask[:, kept],
            masked=np.array([place[int(self.masked[k])] for k in kept], dtype=np.int64),
            originals=None if self.originals is None else self.originals[:, columns],
            spread=None if self.spread is None else self.spread[columns], l1_ratio=0.0,
            relax_gamma=1.0,
            box=None if self.box is None else Box(self.box.lower[columns], self.box.upper[columns]),
            shared=None,
            groups=None,
            derived=None,
        )  # fmt: skip

    def with_groups(self, labels: IntArray) -> Problem:
        """Return the group lasso over the groups ``labels`` (p,) of columns, 0 to g - 1."""
        groups = Groups.of(labels)
        factors = self.factors * np.sqrt(groups.sizes)[groups.labels]
        return self._replace(groups=groups, factors=factors, l1_ratio=1.0)

    def take(self, rows: IntArray) -> Problem:
        """Return the problem on some rows, in the same internal coordinates (copies the rows).

        Columns in blocks get coordinates of their own.
        """
        if self.blocks is not None:
            from l2cli.core.block_problem import block_rows  # it makes problems itself

            return block_rows(self, rows)
        return Problem(
            X=self.X[rows], y=self.y[rows], weights=self.weights[rows],
            offset=None if self.offset is None else self.offset[rows],
            family=self.family, intercept=self.intercept, standardize=self.standardize, factors=self.factors,
            l1_ratio=self.l1_ratio, spread=self.spread, power=self.power, box=self.box, groups=self.groups,
            relax_gamma=self.relax_gamma,
            mean=self.mean, center=self.center, scale=self.scale, constant=self.constant,
            mask=None if self.mask is None else self.mask[rows], masked=self.masked, derived=self.derived,
            originals=None if self.originals is None else self.originals[rows],
        )  # fmt: skip


def make_problem(
    X: FloatArray, y: FloatArray, *, family: str = "gaussian", power: float = DEFAULT_POWER,
    weights: FloatArray | None = None, offset: FloatArray | None = None,
    penalty_factor: FloatArray | None = None, l1_ratio: float = 0.0, relax_gamma: float = 1.0,
    bounds: tuple[FloatArray, FloatArray] | None = None, groups: IntArray | None = None,
    products: Products | None = None, intercept: bool = True, standardize: bool = True,
    overwrite: bool = False,
) -> Problem:  # fmt: skip
    """Return the Problem of original columns ``X``.

    Parameters
    ----------
    X : (n, p) float64
        Original columns, NaN where missing (imputed by the weighted mean of the present cells). Standardized
        in place if ``overwrite``, else copied.
    y : (n,) float64
        multinomial: the number of the class, 0 to C - 1 (or 0 and 1, (n, C)).
    power : float
        Variance power of tweedie.
    weights, offset : (n,) float64 or None
    penalty_factor : (p,) float64 or None
    l1_ratio : float
        Share r of L1 in the penalty, 0 to 1.
    relax_gamma : float
        Share of the penalized solution in a relaxed one, 0 to 1 (1: not relaxed).
    bounds : (p,) and (p,) float64, optional
        Lower and upper bounds of the coefficients on the original scale.
    groups : (p,) int, optional
        Group of each column, 0 to g - 1: group lasso, lambda sum_g f_g 2 sqrt(p_g) |w_g|_2 with the f_g of
        the group's columns.
    products : Products, optional
        Which columns are products of others, made of factors imputed as above (they have no NaN): a fold
        makes them of factors imputed by the mean of its own training rows.

    Notes
    -----
    Two passes over the rows, in blocks: means and sums of squares merged pairwise (Chan, Golub and LeVeque
    1983), then the standardization. Constant means: the largest cell equals the smallest.
    """
    X = X if overwrite and X.flags.c_contiguous else np.array(X, dtype=np.float64, order="C")
    n, p = X.shape
    s = np.ones(n) if weights is None else np.ascontiguousarray(weights, dtype=np.float64)
    masked = np.flatnonzero(np.isnan(X.sum(axis=0))).astype(np.int64)
    mask = np.isnan(X[:, masked]).astype(np.float64) if masked.size else None
    blocks = row_blocks(n, p)
    mean, sd, constant = column_statistics(X, s, blocks, uniform=weights is None, masked=bool(masked.size))
    scale = np.where(constant, 1.0, sd)
    center = mean if intercept else np.zeros(p)
    moved = None if products is None else directions(X, products, masked, mean, scale, constant)
    originals = X.copy() if X.size <= KEEP_ORIGINALS and mask is None else None
    standardize_columns(X, center, scale, blocks)
    if mask is not None:
        fill = ((mean - center) / scale)[masked]
        for i, j in enumerate(masked):
            X[mask[:, i] > 0, j] = fill[i]
    if constant.any():
        X[:, constant] = 0.0
    derived = None
    if moved is not None and mask is not None:
        derived, columns, more = moved
        masked, mask = np.concatenate([masked, columns]), np.hstack([mask, more])
    box = None if bounds is None else Box(bounds[0] * scale, bounds[1] * scale).without(constant)
    f = np.ones(p) if penalty_factor is None else np.asarray(penalty_factor, dtype=np.float64)
    problem = Problem(
        X, _response(y, family), s, offset, family, intercept, standardize, f,
        mean, center, scale, constant, mask, masked, originals, l1_ratio, power=power, box=box,
        relax_gamma=relax_gamma, derived=derived,
    )  # fmt: skip
    return problem if groups is None else problem.with_groups(groups)


def _response(y: FloatArray, family: str) -> FloatArray:
    """Return y, of classes their indicators (n, C)."""
    y = np.asarray(y, dtype=np.float64)
    if family == "multinomial" and y.ndim == 1:
        return np.asarray(y[:, None] == np.arange(y.max() + 1.0), dtype=np.float64)
    return y
