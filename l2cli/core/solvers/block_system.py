"""Linear systems (A'WA + lambda D) x = b of columns in blocks, by elimination and conjugate gradients.

A = [Z0 1 | C_1 ... C_K] are the dense columns, the intercept and the categories, not centred: the intercept
takes up what centring would do. A category alone has a diagonal curvature, so the largest one is eliminated
for nothing, and what is left of the dense columns, the intercept and the small categories is

    S = H_RR + lambda D_R - H_R1 (H_11 + lambda D_1)^-1 H_1R.

Where no other large category is left (*direct*) that is the whole system. Else the direct part and the
diagonals of the others precondition conjugate gradients, whose products never spell out a column (Hestenes
and Stiefel 1952; block Jacobi as in Saad 2003, "Iterative Methods for Sparse Linear Systems", section 10.2).

Notes
-----
Of r columns in R and m levels in the largest category: n r (r + K) flops for the blocks and m r^2 for S, once
for each set of weights; a product costs n (q + K) look-ups and sums. Several classes have one S each, made
with their own diagonal weights; what couples them is left to conjugate gradients.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.design import BlockColumns, Codes
from l2cli.core.problem import row_blocks

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
DIRECT_FLOPS = 2e9
"""Work m r^2 up to which a category goes to the part that is solved directly."""
DEFINITE = 1e-11
"""Share of its curvature that a column must keep beside the others to be told apart from them."""
MOST_ENTRIES = 30_000_000
"""Entries of a sparse curvature up to which it is made."""
MOST_ITERATIONS, PATIENCE = 3000, 300
"""Steps of conjugate gradients, and those in a row that may bring nothing."""
FLAT = 1e-8
"""A direction with less than this share of its columns' own curvature has none."""


class Layout:
    """How the columns of a design are solved for; theta (p + 1,) has the intercept last.

    Parameters
    ----------
    columns : BlockColumns

    Attributes
    ----------
    bordered : (n, q + 1) float64, the dense columns and 1. largest : the category that is eliminated. small,
    loose : those solved with the dense columns, and those left to conjugate gradients.
    rest : (r,) places in theta of the dense columns, the intercept and the small categories' columns.
    """

    def __init__(self, columns: BlockColumns) -> None:
        design, self.slope = columns.design, columns.slope
        self.bordered = np.column_stack([columns.Z, np.ones(design.n_rows)])
        self.n_columns = design.n_columns
        ordered = sorted(design.blocks, key=lambda block: block.size)
        self.largest = ordered.pop()
        self.small: list[Codes] = []
        r = self.bordered.shape[1]
        while ordered and self.largest.size * float(r + ordered[0].size) ** 2 <= DIRECT_FLOPS:
            r += ordered[0].size
            self.small.append(ordered.pop(0))
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
        return (self.largest, *self.small, *self.loose)

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

    def diagonal(self, block: Codes, w: FloatArray) -> FloatArray:
        """Return the curvature of a category's columns (m,)."""
        return np.asarray(self.slope[block.columns] ** 2 * block.sums(w))

    def cross(self, block: Codes, w: FloatArray) -> FloatArray:
        """Return the curvature between a category's columns and the dense ones with the intercept."""
        sums = [block.sums(w * self.bordered[:, j]) for j in range(self.bordered.shape[1])]
        return np.asarray(self.slope[block.columns, None] * np.column_stack(sums))

    def table(self, a: Codes, b: Codes, w: FloatArray) -> FloatArray:
        """Return the curvature between the columns of two categories."""
        shape = (a.size + 1, b.size + 1)
        sums = np.bincount(a.codes * shape[1] + b.codes, weights=w, minlength=shape[0] * shape[1])
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
            H[here, here] = np.diag(self.diagonal(block, w))
            for there, other in zip(places[:i], self.small[:i], strict=True):
                H[here, there] = self.table(block, other, w)
                H[there, here] = H[here, there].T
        return H

    def beside(self, w: FloatArray) -> FloatArray:
        """Return H_1R between the largest category and the rest (m, r)."""
        tables = [self.table(self.largest, block, w) for block in self.small]
        return np.column_stack([self.cross(self.largest, w), *tables])


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
        values, starts = slope[places].ravel(), np.arange(n + 1) * len(columns)
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


class Elimination(NamedTuple):
    """The direct part of one class, eliminated: ``inverse`` of S, E = T H_1R and T = (H_11 + lambda D_1)^-1.

    loose : (p + 1,) inverse diagonals of the other categories, 0 elsewhere. definite : all columns can be
    told apart.
    """

    layout: Layout
    inverse: FloatArray
    E: FloatArray
    T: FloatArray
    loose: FloatArray
    definite: bool

    def solve(self, b: FloatArray) -> FloatArray:
        """Return the direct part's solution for b (p + 1,), beside that of the diagonals."""
        layout = self.layout
        here = layout.largest.columns
        x = self.loose * b
        rest = self.inverse @ (b[layout.rest] - self.E.T @ b[here])
        x[layout.rest] = rest
        x[here] = self.T * b[here] - self.E @ rest
        return x

    def inverse_diagonal(self) -> FloatArray:
        """Return the diagonal (p + 1,) of the inverse of a direct system."""
        layout, diagonal = self.layout, self.loose.copy()
        diagonal[layout.rest] = np.diag(self.inverse)
        diagonal[layout.largest.columns] = self.T + np.einsum("ij,ij->i", self.E @ self.inverse, self.E)
        return diagonal

    def leverage(self) -> FloatArray:
        """Return a_i'(A'WA + lambda D)^-1 a_i of every row (n,), of a direct system."""
        layout, block = self.layout, self.layout.largest
        slope, result = layout.slope[block.columns], np.empty(len(layout.bordered))
        own, pull = np.append(slope**2 * self.T, 0.0), np.zeros((block.size + 1, len(layout.rest)))
        pull[:-1] = slope[:, None] * self.E
        q = layout.bordered.shape[1]
        for rows in row_blocks(len(result), 2 * len(layout.rest)):
            codes = block.codes[rows]
            G = -pull[codes]
            G[:, :q] += layout.bordered[rows]
            end = q
            for small in layout.small:
                places = small.codes[rows]
                at = np.flatnonzero(places < small.size)
                G[at, end + places[at]] += layout.slope[small.start + places[at]]
                end += small.size
            result[rows] = np.einsum("ij,ij->i", G @ self.inverse, G) + own[codes]
        return result


class Curvature(NamedTuple):
    """A'WA in parts.

    own, beside : of the largest category its diagonal (m,) and H_1R (m, r). rest : H_RR (r, r). loose :
    diagonals of the categories that are left to conjugate gradients.
    """

    layout: Layout
    own: FloatArray
    beside: FloatArray
    rest: FloatArray
    loose: tuple[FloatArray, ...]

    def diagonal(self) -> FloatArray:
        """Return the diagonal (p + 1,)."""
        layout = self.layout
        whole = np.zeros(layout.n_columns + 1)
        whole[layout.rest], whole[layout.largest.columns] = np.diag(self.rest), self.own
        for block, values in zip(layout.loose, self.loose, strict=True):
            whole[block.columns] = values
        return whole


def curvature(layout: Layout, w: FloatArray) -> Curvature:
    """Return the curvature for weights w (n,)."""
    loose = tuple(layout.diagonal(block, w) for block in layout.loose)
    own = layout.diagonal(layout.largest, w)
    return Curvature(layout, own, layout.beside(w), layout.curvature(w), loose)


def eliminate(parts: Curvature, penalty: FloatArray, on: BoolArray) -> Elimination:
    """Return the elimination for a penalty (p + 1,) and the coordinates ``on`` (p + 1,)."""
    layout = parts.layout
    here, rest = layout.largest.columns, layout.rest
    own = parts.own + penalty[here]
    T = np.divide(1.0, own, out=np.zeros_like(own), where=on[here] & (own > 0.0))
    E = T[:, None] * parts.beside
    S = parts.rest - parts.beside.T @ E
    size = np.diag(parts.rest) + penalty[rest]
    S[np.arange(len(rest)), np.arange(len(rest))] += penalty[rest]
    used = on[rest] & (size > 0.0)
    inverse, definite = _inverse(S[np.ix_(used, used)], size[used])
    whole = np.zeros_like(S)
    whole[np.ix_(used, used)] = inverse
    loose = np.zeros(layout.n_columns + 1)
    for block, diagonal in zip(layout.loose, parts.loose, strict=True):
        at = block.columns
        full = diagonal + penalty[at]
        loose[at] = np.divide(1.0, full, out=np.zeros_like(full), where=on[at] & (full > 0.0))
    return Elimination(layout, whole, E, T, loose, definite)


def _inverse(S: FloatArray, size: FloatArray) -> tuple[FloatArray, bool]:
    """Return the inverse of S, whose columns had the curvature ``size``, and whether it is definite.

    A singular one gets its pseudo-inverse, the columns scaled to unit curvature.
    """
    root = np.sqrt(size)
    unit = S / np.outer(root, root)
    try:
        L = np.linalg.cholesky(unit)
        definite = bool(np.all(np.square(np.diag(L)) > DEFINITE))
    except np.linalg.LinAlgError:
        definite = False
    inverse = np.linalg.inv(unit) if definite else np.linalg.pinv(unit, rcond=DEFINITE, hermitian=True)
    return 0.5 * (inverse + inverse.T) / np.outer(root, root), definite


def conjugate_gradients(
    product: Callable[[FloatArray], FloatArray],
    precondition: Callable[[FloatArray], FloatArray],
    b: FloatArray,
    tol: float,
    size: FloatArray | None = None,
) -> tuple[FloatArray, bool]:
    """Return x with |product(x) - b| <= tol in every coordinate, or as near as rounding allows, and False.

    With True a direction of no curvature that b has a part in, where ``size`` (m, C), the diagonal, is given
    and most of b is left: along it a linear function falls for ever.

    Parameters
    ----------
    product, precondition : callable
        Symmetric, not negative.
    b : (m, C) float64
    """
    x, r = np.zeros_like(b), b.copy()
    z = precondition(r)
    p, rz = z, float(np.vdot(r, z))
    best, least = x, float(np.abs(r).max(initial=0.0))
    most, worse = least, 0
    for _ in range(MOST_ITERATIONS):
        if least <= tol or not rz > 0.0 or worse > PATIENCE:
            break
        Hp = product(p)
        bend = float(np.vdot(p, Hp))
        if size is not None and bend <= FLAT * float(np.vdot(p * size, p)) and least > 0.5 * most:
            return p, True
        if not bend > 0.0:
            break
        step = rz / bend
        x = x + step * p
        r = r - step * Hp
        left = float(np.abs(r).max())
        worse += 1
        if left < least:
            best, least, worse = x, left, 0
        z = precondition(r)
        before, rz = rz, float(np.vdot(r, z))
        p = z + (rz / before) * p
    return best, False
