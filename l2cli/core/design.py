"""Designs of blocks: dense columns beside categories of many levels, whose columns are never spelled out.

A category is a code for each row: the place of the column that holds 1 there. A column standardized to
``z = (x - center) / scale`` is then ``slope_j [code_i = j] + level_j``: the shift that would fill it with
numbers is the same for every row, so that with v = slope o u

    (Z u)_i = v[code_i] + level'u,      (Z'r)_j = slope_j sum_{code_i = j} r_i + level_j sum_i r_i,

a look-up and a sum by level for each row, whatever the number of levels. 100,000 rows of two categories with
10,000 levels each take 1.6 MB and a millisecond a product, where the matrix would take 16 GB.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
PART_CELLS = 4_000_000
"""Cells of what is made for all rows at once, where many coefficients are applied."""


class Codes(NamedTuple):
    """A category as design columns: ``start`` to ``start + size`` - 1 of the design.

    codes : (n,) the place among its columns of the one that holds 1; ``size`` where none does.
    """

    codes: IntArray
    size: int
    start: int

    @property
    def columns(self) -> slice:
        """Its columns among those of the design."""
        return slice(self.start, self.start + self.size)

    def sums(self, values: FloatArray) -> FloatArray:
        """Return the sums of values (n,) over the rows of each of its columns: (size,)."""
        total = np.bincount(self.codes, weights=values, minlength=self.size + 1)
        return np.asarray(total[: self.size], dtype=np.float64)

    def spread(self, values: FloatArray) -> FloatArray:
        """Return values (size,) of its columns row by row, 0 where a row has none: (n,)."""
        return np.append(values, 0.0)[self.codes]


class Design(NamedTuple):
    """Original columns in blocks.

    dense : (n, q) float64, NaN where a number is missing. at : (q,) their places among the columns of the
    design. blocks : the categories.
    """

    dense: FloatArray
    at: IntArray
    blocks: tuple[Codes, ...]

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
        blocks = tuple(block._replace(codes=block.codes[rows]) for block in self.blocks)
        return Design(self.dense[rows], self.at, blocks)

    def times(self, coef: FloatArray, fill: FloatArray | None = None) -> FloatArray:
        """Return X coef, (n,) or (n, K), for coefficients (p,) or (p, K).

        ``fill`` (p,): what stands for a missing number; default none is missing.
        """
        X = self.dense
        if fill is not None and np.isnan(X).any():
            X = np.where(np.isnan(X), fill[self.at], X)
        eta: FloatArray = X @ coef[self.at]
        for block in self.blocks:
            part = coef[block.columns]
            eta += np.concatenate([part, np.zeros((1, *part.shape[1:]))])[block.codes]
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
        level = np.abs(self.level)
        return self._replace(Z=np.abs(self.Z), slope=np.abs(self.slope + self.level) - level, level=level)
