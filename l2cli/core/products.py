"""Columns that are products of two others: how their cells are made where a factor is imputed."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.threads import row_threads

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


class Products(NamedTuple):
    """Design columns ``first + i`` that are the product of the columns ``left[i]`` and ``right[i]``."""

    first: int
    left: IntArray
    right: IntArray

    @property
    def columns(self) -> slice:
        """Where the products stand; nothing follows them."""
        return slice(self.first, self.first + len(self.left))


def own_columns(X: FloatArray, products: Products | None) -> FloatArray:
    """Return the columns of X before the products (a view)."""
    return X if products is None else X[:, : products.first]


def fill_products(X: FloatArray, products: Products, mean: FloatArray | None, rows: list[slice]) -> None:
    """Write the products in blocks of rows of ``X``, NaN factors taken for the ``mean`` of their column."""

    def multiply(part: slice) -> None:
        block = X[part]
        left, right = (
            block[:, at] if mean is None else imputed(block, at, mean)
            for at in (products.left, products.right)
        )
        with np.errstate(over="ignore", invalid="ignore"):  # what is too large is refused by its row
            block[:, products.columns] = left * right

    with row_threads(X.size) as run:
        list(run(multiply, rows))


class Derived(NamedTuple):
    """How products move when the factors they are made of are imputed anew.

    A product with both factors missing, imputed by a and b, is ab, and (a + s)(b + t) = ab + s b + t a + s t:
    each of the three terms is a direction, a column of a mask beside those of missing cells, times how far
    its factors moved.

    sources : (q, 2) the places, among the masked columns, of the factors that move; -1 where there is one.
    layers : parts of the directions in each of which a product has at most one.
    """

    sources: IntArray
    layers: tuple[slice, ...]

    def pairs(self, columns: IntArray, first: int) -> tuple[IntArray, IntArray]:
        """Return places among [z | masks] whose cross products tell the spread of a product moved.

        Parameters
        ----------
        columns : (q,) int
            The product of each direction.
        first : int
            Where the directions start among [z | masks].
        """
        one, other = [columns], [first + np.arange(len(columns))]
        for a, b in combinations(self.layers, 2):
            _, here, there = np.intersect1d(columns[a], columns[b], return_indices=True)
            one.append(first + a.start + here)
            other.append(first + b.start + there)
        return np.concatenate(one), np.concatenate(other)


def directions(
    X: FloatArray, products: Products, masked: IntArray, mean: FloatArray, scale: FloatArray,
    constant: npt.NDArray[np.bool_],
) -> tuple[Derived, IntArray, FloatArray] | None:  # fmt: skip
    """Return how products move, the column of each direction (q,) and the directions (n, q); None if none do.

    They are those of products divided by their ``scale``, as far as their factors, so divided, move.

    Parameters
    ----------
    X : (n, p) float64
        The original columns, factors NaN where missing. ``masked`` are those that have such cells.
    """
    place = np.full(X.shape[1], -1, dtype=np.int64)
    place[masked] = np.arange(len(masked))
    factors, at = np.column_stack([products.left, products.right]), np.arange(X.shape[1])[products.columns]
    moving = (place[factors] >= 0) & ~constant[at, None]
    first, second = np.flatnonzero(moving[:, 0]), np.flatnonzero(moving[:, 1])
    both = [i for i in np.intersect1d(first, second) if np.isnan(X[:, factors[i]]).all(axis=1).any()]
    moved = [(first, [True, False]), (second, [False, True]), (np.array(both, dtype=np.int64), [True, True])]
    which = np.concatenate([some for some, _ in moved])
    if not len(which):
        return None
    D, sources = np.ones((len(X), len(which))), []
    layers: list[slice] = []
    for some, sides in moved:
        start = sum(part.stop - part.start for part in layers)
        for column, i in enumerate(some, start):
            for j, moves in zip(factors[i], sides, strict=True):
                gone = np.isnan(X[:, j])
                D[:, column] *= gone * scale[j] if moves else np.where(gone, mean[j], X[:, j])
        if len(some):
            sources.append(np.where(sides, place[factors[some]], -1))
            layers.append(slice(start, start + len(some)))
    D /= scale[at[which]]
    return Derived(np.vstack(sources), tuple(layers)), at[which], D


def imputed(X: FloatArray, columns: IntArray, mean: FloatArray) -> FloatArray:
    """Return some columns of X (a copy), NaN replaced by the mean of the column."""
    values: FloatArray = X[:, columns]
    return np.where(np.isnan(values), mean[columns], values)
