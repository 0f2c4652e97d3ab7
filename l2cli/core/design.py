"""Designs of blocks: dense columns beside categories of many levels, whose columns are never spelled out.

A category is a code for each row: the place of the column that holds 1 there, or x_i where the block is the
product of the category with a number x; the product of two categories is a category whose code is the pair. A
column standardized to ``z = (x - center) / scale`` is then ``slope_j x_i [code_i = j] + level_j``: the shift
that would fill it with numbers is the same for every row, so that with v = slope o u

    (Z u)_i = x_i v[code_i] + level'u,      (Z'r)_j = slope_j sum_{code_i = j} x_i r_i + level_j sum_i r_i,

a look-up and a sum by level for each row, whatever the number of levels. 100,000 rows of two categories with
10,000 levels each take 1.6 MB and a millisecond a product, where the matrix would take 16 GB.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.problem import row_blocks
from l2cli.core.products import Products, fill_products, imputed

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
PART_CELLS = 4_000_000
"""Cells of what is made for all rows at once, where many coefficients are applied."""
DIRECT_FLOPS = 2e9
"""Work m r^2 up to which a category is solved with the r - 1 dense columns and the intercept, directly."""


class Codes(NamedTuple):
    """A category as design columns: ``start`` to ``start + size`` - 1 of the design.

    codes : (n,) the place among its columns of the one that holds 1; ``size`` where none does.
    number : the place among the dense columns of the number that the category is multiplied with; -1: none.
    values : (n,) that number, imputed, which stands where 1 would; None where there is none.
    """

    codes: IntArray
    size: int
    start: int
    number: int = -1
    values: FloatArray | None = None

    @property
    def columns(self) -> slice:
        """Its columns among those of the design."""
        return slice(self.start, self.start + self.size)

    @property
    def cells(self) -> FloatArray:
        """What stands in the column of each row's code: (n,)."""
        return np.ones(len(self.codes)) if self.values is None else self.values

    def times_cells(self, values: FloatArray) -> FloatArray:
        """Return values (n,) times what stands in the column of each row's code."""
        return values if self.values is None else values * self.values

    def totals(self, values: FloatArray) -> FloatArray:
        """Return the sums of values (n,) over the rows of each level: (size,)."""
        total = np.bincount(self.codes, weights=values, minlength=self.size + 1)
        return np.asarray(total[: self.size], dtype=np.float64)

    def extremes(self) -> tuple[FloatArray, FloatArray]:
        """Return the lowest and the highest cell of each of its columns, those of other levels among them."""
        count = self.totals(np.ones(len(self.codes)))
        full = count == len(self.codes)
        if self.values is None:
            return full.astype(np.float64), (count > 0.0).astype(np.float64)
        low, high = (np.append(np.where(full, edge, 0.0), 0.0) for edge in (np.inf, -np.inf))
        np.minimum.at(low, self.codes, self.values)
        np.maximum.at(high, self.codes, self.values)
        return low[: self.size], high[: self.size]

    def sums(self, values: FloatArray) -> FloatArray:
        """Return the products of its columns with values (n,): (size,)."""
        return self.totals(self.times_cells(values))

    def spread(self, values: FloatArray) -> FloatArray:
        """Return its columns times values (size,), row by row: (n,)."""
        return self.times_cells(np.append(values, 0.0)[self.codes])


class Design(NamedTuple):
    """Original columns in blocks.

    dense : (n, q) float64, NaN where a number is missing. at : (q,) their places among the columns of the
    design. blocks : the categories. products : dense columns, the last ones, that are products of others.
    """

    dense: FloatArray
    at: IntArray
    blocks: tuple[Codes, ...]
    products: Products | None = None

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.dense)

    @property
    def n_columns(self) -> int:
        """Number of design columns p."""
        return len(self.at) + sum(block.size for block in self.blocks)

    def take(self, rows: IntArray) -> Design:
        """Return some of the rows."""
        blocks = tuple(
            block._replace(
                codes=block.codes[rows], values=None if block.values is None else block.values[rows]
            )
            for block in self.blocks
        )
        return self._replace(dense=self.dense[rows], blocks=blocks)

    def multiplied(self, mean: FloatArray) -> Design:
        """Return the design with its products made, missing factors taken for the ``mean`` (q,) of theirs."""
        design = self
        if self.products is not None:
            design = design._replace(dense=self.dense.copy())
            fill_products(design.dense, self.products, mean, row_blocks(*self.dense.shape))
        blocks = tuple(
            block
            if block.number < 0
            else block._replace(values=imputed(self.dense, np.array([block.number]), mean)[:, 0])
            for block in self.blocks
        )
        return design._replace(blocks=blocks)

    def times(self, coef: FloatArray, fill: FloatArray | None = None) -> FloatArray:
        """Return X coef, (n,) or (n, K), for coefficients (p,) or (p, K).

        ``fill`` (p,): what stands for a missing number, also in products; default none is missing.
        """
        if fill is not None:
            design, mean = self.multiplied(fill[self.at]), fill[self.at]
            dense = np.where(np.isnan(design.dense), mean, design.dense)
            return design._replace(dense=dense).times(coef)
        eta: FloatArray = self.dense @ coef[self.at]
        for block in self.blocks:
            part = coef[block.columns]
            found = np.concatenate([part, np.zeros((1, *part.shape[1:]))])[block.codes]
            eta += found if block.values is None else (found.T * block.values).T
        return eta


class BlockColumns(NamedTuple):
    """Columns Z of a design in internal coordinates.

    Z : (n, q) float64, the dense ones, imputed. slope, level : (p,) of the categories' columns, 0 elsewhere
    and for a column without variation. design : the original columns.
    """

    Z: FloatArray
    slope: FloatArray
    level: FloatArray
    design: Design

    @property
    def blocks(self) -> tuple[Codes, ...]:
        """The categories."""
        return self.design.blocks

    def times(self, u: FloatArray) -> FloatArray:
        """Return Z u, (n,) or (n, K), for coefficients (p,) or (p, K)."""
        if u.ndim > 1:
            return np.column_stack([self.times(u[:, k]) for k in range(u.shape[1])])
        eta: FloatArray = self.Z @ u[self.design.at] + float(self.level @ u)
        for block in self.blocks:
            eta += block.spread(self.slope[block.columns] * u[block.columns])
        return eta

    def back(self, r: FloatArray) -> FloatArray:
        """Return Z'r, (p,) or (p, K), for numbers of the rows (n,) or (n, K)."""
        if r.ndim > 1:
            return np.column_stack([self.back(r[:, k]) for k in range(r.shape[1])])
        total = float(r.sum())
        product = self.level * total
        product[self.design.at] = r @ self.Z
        for block in self.blocks:
            product[block.columns] += self.slope[block.columns] * block.sums(r)
        return product

    def absolute(self) -> BlockColumns:
        """Return the columns of |z_ij|."""
        level, slope, blocks = np.abs(self.level), self.slope.copy(), []
        for block in self.blocks:
            here = block.columns
            shift = np.append(self.level[here], 0.0)[block.codes]
            z = block.spread(self.slope[here]) + shift
            blocks.append(block._replace(values=np.abs(z) - np.abs(shift)))
            slope[here] = 1.0
        return BlockColumns(np.abs(self.Z), slope, level, self.design._replace(blocks=tuple(blocks)))
