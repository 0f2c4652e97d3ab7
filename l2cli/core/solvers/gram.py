"""Gram matrices of which a solver asks for a few rows and for products."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


class Gram(Protocol):
    """A positive semidefinite matrix (p, p) of which rows and products are asked for."""

    diagonal: FloatArray

    def rows(self, which: IntArray) -> FloatArray:
        """Return rows (len(which), p)."""
        ...

    def block(self, rows: IntArray, columns: IntArray) -> FloatArray:
        """Return some columns of rows that were asked for before."""
        ...

    def product(self, v: FloatArray) -> FloatArray:
        """Return the matrix times v (p,), of which few entries are not 0."""
        ...

    def products(self, V: FloatArray) -> FloatArray:
        """Return the matrix times V (p, L)."""
        ...

    def scaled(self, scale: FloatArray) -> Gram:
        """Return the matrix with rows and columns divided by ``scale`` (p,)."""
        ...


class DenseGram:
    """A matrix at hand."""

    def __init__(self, matrix: FloatArray) -> None:
        self.matrix = matrix
        self.diagonal = np.diag(matrix).copy()

    def rows(self, which: IntArray) -> FloatArray:
        """Return rows of the matrix."""
        return self.matrix[which]

    def block(self, rows: IntArray, columns: IntArray) -> FloatArray:
        """Return a block of the matrix."""
        return self.matrix[rows[:, None], columns]

    def product(self, v: FloatArray) -> FloatArray:
        """Return the matrix times v, by the rows that count where those are few."""
        some = np.flatnonzero(v)
        return v @ self.matrix if 3 * len(some) > len(v) else v[some] @ self.matrix[some]

    def products(self, V: FloatArray) -> FloatArray:
        """Return the matrix times V."""
        return np.asarray(self.matrix @ V)

    def scaled(self, scale: FloatArray) -> DenseGram:
        """Return the matrix with rows and columns divided by ``scale``."""
        return DenseGram(self.matrix / np.outer(scale, scale))


class ProductGram:
    """A'A for a wide A (n, p), computed row by row as columns are freed and then kept."""

    def __init__(self, A: FloatArray) -> None:
        self.A = A
        self.diagonal = np.einsum("ij,ij->j", A, A)
        self._slot = np.full(A.shape[1], -1, dtype=np.int64)
        self._kept = np.empty((64, A.shape[1]))
        self._count = 0

    def rows(self, which: IntArray) -> FloatArray:
        """Return rows of A'A, computing those not met before."""
        new = which[self._slot[which] < 0]
        if len(new):
            end = self._count + len(new)
            if end > len(self._kept):
                grown = np.empty((max(end, 2 * len(self._kept)), self.A.shape[1]))
                grown[: self._count] = self._kept[: self._count]
                self._kept = grown
            np.matmul(self.A[:, new].T, self.A, out=self._kept[self._count : end])
            self._slot[new] = np.arange(self._count, end)
            self._count = end
        return self._kept[self._slot[which]]

    def block(self, rows: IntArray, columns: IntArray) -> FloatArray:
        """Return a block from the rows kept."""
        return self._kept[self._slot[rows][:, None], columns]

    def widen(self, columns: FloatArray) -> None:
        """Put further columns (n, m) behind those of A."""
        p, known = self.A.shape[1], self._kept[: self._count]
        kept = np.empty((len(self._kept), p + columns.shape[1]))
        kept[: self._count, :p] = known
        order = np.argsort(self._slot)[p - self._count :]  # the columns whose rows are kept, as they lie
        np.matmul(self.A[:, order].T, columns, out=kept[: self._count, p:])
        self._kept = kept
        self.A = np.hstack([self.A, columns])
        self.diagonal = np.append(self.diagonal, np.einsum("ij,ij->j", columns, columns))
        self._slot = np.append(self._slot, np.full(columns.shape[1], -1, dtype=np.int64))

    def product(self, v: FloatArray) -> FloatArray:
        """Return A'A v from the rows kept, all of which are read: most of them count."""
        some = np.flatnonzero(v)
        if not np.all(self._slot[some] >= 0):
            return np.asarray((self.A @ v) @ self.A)
        weights = np.zeros(self._count)
        weights[self._slot[some]] = v[some]
        return np.asarray(weights @ self._kept[: self._count])

    def products(self, V: FloatArray) -> FloatArray:
        """Return A'(A V)."""
        return np.asarray(self.A.T @ (self.A @ V))

    def scaled(self, scale: FloatArray) -> ProductGram:
        """Return the Gram of the columns divided by ``scale``."""
        return ProductGram(self.A / scale)
