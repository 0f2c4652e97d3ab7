"""Which columns of a design in blocks are solved for together, and their curvature A'WA in parts.

A = [Z0 1 | C_1 ... C_K]: see :mod:`l2cli.core.solvers.block_system`, which solves with the parts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.design import DIRECT_FLOPS, BlockColumns, Codes
from l2cli.core.problem import row_blocks

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
MOST_ENTRIES = 30_000_000
"""Entries of a sparse curvature up to which it is made."""


class Stack(NamedTuple):
    """Blocks of one code: a category, its products with numbers, or both.

    A column of it meets those of the same level alone: its curvature is one g by g block for each level.
    """

    blocks: tuple[Codes, ...]

    @property
    def size(self) -> int:
        """Number of its columns m: g for each level."""
        return len(self.blocks) * self.blocks[0].size

    @property
    def places(self) -> IntArray:
        """The places of its columns (m,) among those of the design, level by level."""
        starts = np.array([block.start for block in self.blocks])
        return np.asarray((np.arange(self.blocks[0].size)[:, None] + starts).ravel())

    @property
    def cells(self) -> FloatArray:
        """What stands in the columns of each row's level: (n, g)."""
        return np.column_stack([block.cells for block in self.blocks])

    def by_level(self, values: FloatArray) -> FloatArray:
        """Return values (m, ...) of its columns as (levels, g, ...)."""
        return values.reshape(-1, len(self.blocks), *values.shape[1:])

    def apply(self, inverse: FloatArray, values: FloatArray) -> FloatArray:
        """Return the blocks (levels, g, g) times values (m, ...) of its columns."""
        if len(self.blocks) == 1:
            return np.asarray((inverse[:, 0, 0] * values.T).T)
        found = np.einsum("jab,jb...->ja...", inverse, self.by_level(values))
        return np.asarray(found.reshape(values.shape))


def stacks(blocks: Sequence[Codes]) -> list[Stack]:
    """Return the blocks, those of one code together."""
    found: list[Stack] = []
    for block in blocks:
        for i, stack in enumerate(found):
            if stack.blocks[0].size == block.size and np.array_equal(stack.blocks[0].codes, block.codes):
                found[i] = Stack((*stack.blocks, block))
                break
        else:
            found.append(Stack((block,)))
    return found


class Layout:
    """How the columns of a design are solved for; theta (p + 1,) has the intercept last.

    Parameters
    ----------
    columns : BlockColumns

    Attributes
    ----------
    bordered : (n, q + 1) float64, the dense columns and 1. largest : the stack that is eliminated. small,
    loose : the blocks solved with the dense columns, and the stacks left to conjugate gradients.
    rest : (r,) places in theta of the dense columns, the intercept and the small categories' columns.
    """

    def __init__(self, columns: BlockColumns) -> None:
        design, self.slope = columns.design, columns.slope
        self.bordered = np.column_stack([columns.Z, np.ones(design.n_rows)])
        self.n_columns = design.n_columns
        ordered = sorted(stacks(design.blocks), key=lambda stack: stack.size)
        self.largest = ordered.pop()
        self.small: list[Codes] = []
        r = self.bordered.shape[1]
        while ordered and self.largest.size * float(r + ordered[0].size) ** 2 <= DIRECT_FLOPS:
            r += ordered[0].size
            self.small += ordered.pop(0).blocks
        self.loose = ordered
        self.dense = np.append(design.at, self.n_columns)
        places = [np.arange(block.start, block.start + block.size) for block in self.small]
        self.rest = np.concatenate([self.dense, *places])

    @property
    def explicit(self) -> bool:
        """True where the curvature is worth making as a sparse matrix."""
        entries = len(self.bordered) * len(self.blocks) ** 2
        return bool(self.loose) and entries <= MOST_ENTRIES

    @property
    def direct(self) -> bool:
        """True where nothing is left to conjugate gradients."""
        return not self.loose

    @property
    def blocks(self) -> tuple[Codes, ...]:
        """All categories."""
        loose = (block for stack in self.loose for block in stack.blocks)
        return (*self.largest.blocks, *self.small, *loose)

    def times(self, theta: FloatArray) -> FloatArray:
        """Return A theta (n, C) for theta (p + 1, C)."""
        eta: FloatArray = self.bordered @ theta[self.dense]
        for block in self.blocks:
            for k in range(theta.shape[1]):
                eta[:, k] += block.spread(self.slope[block.columns] * theta[block.columns, k])
        return eta

    def back(self, r: FloatArray) -> FloatArray:
        """Return A'r (p + 1, C) for r (n, C)."""
        product = np.empty((self.n_columns + 1, r.shape[1]))
        product[self.dense] = self.bordered.T @ r
        for block in self.blocks:
            for k in range(r.shape[1]):
                product[block.columns, k] = self.slope[block.columns] * block.sums(r[:, k])
        return product

    def between(self, a: Codes, b: Codes, w: FloatArray) -> FloatArray:
        """Return the curvature between the columns of one level of two blocks of one code, by level."""
        sums = a.sums(b.times_cells(w))
        return np.asarray(self.slope[a.columns] * self.slope[b.columns] * sums)

    def own(self, stack: Stack, w: FloatArray) -> FloatArray:
        """Return the curvature of a stack's columns: (levels, g, g)."""
        g = len(stack.blocks)
        found = np.empty((stack.blocks[0].size, g, g))
        for i, a in enumerate(stack.blocks):
            for j, b in enumerate(stack.blocks[: i + 1]):
                found[:, i, j] = found[:, j, i] = self.between(a, b, w)
        return found

    def cross(self, block: Codes, w: FloatArray) -> FloatArray:
        """Return the curvature between a category's columns and the dense ones with the intercept."""
        sums = [block.sums(w * self.bordered[:, j]) for j in range(self.bordered.shape[1])]
        return np.asarray(self.slope[block.columns, None] * np.column_stack(sums))

    def table(self, a: Codes, b: Codes, w: FloatArray) -> FloatArray:
        """Return the curvature between the columns of two categories."""
        shape = (a.size + 1, b.size + 1)
        weights = a.times_cells(b.times_cells(w))
        sums = np.bincount(a.codes * shape[1] + b.codes, weights=weights, minlength=shape[0] * shape[1])
        both = np.outer(self.slope[a.columns], self.slope[b.columns])
        return np.asarray(sums.reshape(shape)[:-1, :-1] * both)

    def curvature(self, w: FloatArray) -> FloatArray:
        """Return H_RR of the rest (r, r)."""
        q = self.bordered.shape[1]
        H = np.zeros((len(self.rest), len(self.rest)))
        for rows in row_blocks(*self.bordered.shape):
            part = self.bordered[rows]
            H[:q, :q] += (part * w[rows, None]).T @ part
        ends = q + np.cumsum([block.size for block in self.small])
        places = [slice(end - b.size, end) for end, b in zip(ends.tolist(), self.small, strict=True)]
        for i, (here, block) in enumerate(zip(places, self.small, strict=True)):
            H[here, :q] = self.cross(block, w)
            H[:q, here] = H[here, :q].T
            H[here, here] = np.diag(self.between(block, block, w))
            for there, other in zip(places[:i], self.small[:i], strict=True):
                H[here, there] = self.table(block, other, w)
                H[there, here] = H[here, there].T
        return H

    def beside(self, w: FloatArray) -> FloatArray:
        """Return H_1R between the largest stack and the rest (m, r)."""
        largest = self.largest
        found = np.empty((largest.size, len(self.rest)))
        for here, a in zip(np.moveaxis(largest.by_level(found), 1, 0), largest.blocks, strict=True):
            end = self.bordered.shape[1]
            here[:, :end] = self.cross(a, w)
            for b in self.small:
                here[:, end : end + b.size] = self.table(a, b, w)
                end += b.size
        return found


class SparseCurvature:
    """A'WA of one class as a sparse matrix of the categories, bordered by the dense columns.

    Parameters
    ----------
    layout : Layout

    Notes
    -----
    With K categories it has at most n K^2 entries, made by one sparse product for each set of weights; then a
    product no longer looks at rows, which is 5 times as fast (measured: 100,000 rows, two times 10,000
    levels).
    """

    def __init__(self, layout: Layout) -> None:
        from scipy.sparse import csr_array  # for several large categories only

        n, p = layout.bordered.shape[0], layout.n_columns + 1
        columns = [np.where(b.codes < b.size, b.start + b.codes, p) for b in layout.blocks]
        places = np.column_stack(columns)
        slope = np.append(layout.slope, [0.0, 0.0])
        cells = np.column_stack([block.cells for block in layout.blocks])
        values, starts = (slope[places] * cells).ravel(), np.arange(n + 1) * len(columns)
        self._layout = layout
        self._C = csr_array((values, places.ravel(), starts), shape=(n, p + 1))[:, :p]
        self._T = self._C.T.tocsr()

    def product(self, w: FloatArray) -> Callable[[FloatArray], FloatArray]:
        """Return what multiplies theta (p + 1,) with the curvature for weights w (n,)."""
        D, dense = self._layout.bordered, self._layout.dense
        weighted = self._C.multiply(w[:, None]).tocsr()
        inner, beside, corner = self._T @ weighted, weighted.T @ D, (D * w[:, None]).T @ D

        def multiply(theta: FloatArray) -> FloatArray:
            part = theta[dense]
            image: FloatArray = inner @ theta
            image += beside @ part
            image[dense] = theta @ beside + corner @ part
            return image

        return multiply
