"""Linear systems (A'WA + lambda D) x = b of columns in blocks, by elimination and conjugate gradients.

A = [Z0 1 | C_1 ... C_K] are the dense columns, the intercept and the categories, not centred: the intercept
takes up what centring would do. A category alone has a diagonal curvature, and with its products with g - 1
numbers one of g by g blocks, one for each level; so the largest such stack is eliminated for nothing, and
what is left of the dense columns, the intercept and the small categories is

    S = H_RR + lambda D_R - H_R1 (H_11 + lambda D_1)^-1 H_1R.

Where no other large stack is left (*direct*) that is the whole system. Else the direct part and the blocks of
the others precondition conjugate gradients, whose products never spell out a column (Hestenes and Stiefel
1952; block Jacobi as in Saad 2003, "Iterative Methods for Sparse Linear Systems", section 10.2).

Notes
-----
Of r columns in R and m columns in the largest stack: n r (r + K) flops for the blocks and m r^2 for S, once
for each set of weights; a product costs n (q + K) look-ups and sums. Several classes have one S each, made
with their own diagonal weights; what couples them is left to conjugate gradients.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.problem import row_blocks
from l2cli.core.solvers.block_layout import Layout, Stack

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
DEFINITE = 1e-11
"""Share of its curvature that a column must keep beside the others to be told apart from them."""
MOST_ITERATIONS, PATIENCE = 3000, 300
"""Steps of conjugate gradients, and those in a row that may bring nothing."""
FLAT = 1e-8
"""A direction with less than this share of its columns' own curvature has none."""


class Elimination(NamedTuple):
    """The direct part of one class, eliminated: ``inverse`` of S, E = T H_1R, T = (H_11 + lambda D_1)^-1.

    E : (m, r). T, loose : inverse blocks (levels, g, g) of the largest stack, and of those left to conjugate
    gradients. definite : all columns can be told apart.
    """

    layout: Layout
    inverse: FloatArray
    E: FloatArray
    T: FloatArray
    loose: tuple[FloatArray, ...]
    definite: bool

    def solve(self, b: FloatArray) -> FloatArray:
        """Return the direct part's solution for b (p + 1,), beside that of the loose blocks."""
        layout = self.layout
        here, x = layout.largest.places, np.zeros_like(b)
        rest = self.inverse @ (b[layout.rest] - self.E.T @ b[here])
        x[layout.rest] = rest
        x[here] = layout.largest.apply(self.T, b[here]) - self.E @ rest
        for stack, inverse in zip(layout.loose, self.loose, strict=True):
            x[stack.places] = stack.apply(inverse, b[stack.places])
        return x

    def inverse_diagonal(self) -> FloatArray:
        """Return the diagonal (p + 1,) of the inverse of a direct system."""
        layout, diagonal = self.layout, np.zeros(self.layout.n_columns + 1)
        diagonal[layout.rest] = np.diag(self.inverse)
        own = np.einsum("jaa->ja", self.T).ravel()
        diagonal[layout.largest.places] = own + np.einsum("ij,ij->i", self.E @ self.inverse, self.E)
        return diagonal

    def leverage(self) -> FloatArray:
        """Return a_i'(A'WA + lambda D)^-1 a_i of every row (n,), of a direct system."""
        layout, stack = self.layout, self.layout.largest
        slope, result = layout.slope[stack.places], np.empty(len(layout.bordered))
        pull = _bottomed(stack.by_level(slope[:, None] * self.E))
        scaled = stack.by_level(slope)
        own = _bottomed(scaled[:, :, None] * self.T * scaled[:, None, :])
        q, cells = layout.bordered.shape[1], stack.cells
        for rows in row_blocks(len(result), 2 * len(layout.rest) * (1 + len(stack.blocks))):
            codes, t = stack.blocks[0].codes[rows], cells[rows]
            G = -np.einsum("ia,iar->ir", t, pull[codes])
            G[:, :q] += layout.bordered[rows]
            end = q
            for small in layout.small:
                places = small.codes[rows]
                at = np.flatnonzero(places < small.size)
                G[at, end + places[at]] += layout.slope[small.start + places[at]] * small.cells[rows][at]
                end += small.size
            mine = np.einsum("ia,iab,ib->i", t, own[codes], t)
            result[rows] = np.einsum("ij,ij->i", G @ self.inverse, G) + mine
        return result


def _bottomed(values: FloatArray) -> FloatArray:
    """Return values (levels, ...) with zeros for the rows that have no level."""
    return np.concatenate([values, np.zeros((1, *values.shape[1:]))])


class Curvature(NamedTuple):
    """A'WA in parts.

    own, beside : of the largest stack its blocks (levels, g, g) and H_1R (m, r). rest : H_RR (r, r). loose :
    blocks of the stacks that are left to conjugate gradients.
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
        whole[layout.rest] = np.diag(self.rest)
        for stack, own in ((layout.largest, self.own), *zip(layout.loose, self.loose, strict=True)):
            whole[stack.places] = np.einsum("jaa->ja", own).ravel()
        return whole


def curvature(layout: Layout, w: FloatArray) -> Curvature:
    """Return the curvature for weights w (n,)."""
    loose = tuple(layout.own(stack, w) for stack in layout.loose)
    return Curvature(layout, layout.own(layout.largest, w), layout.beside(w), layout.curvature(w), loose)


def eliminate(parts: Curvature, penalty: FloatArray, on: BoolArray) -> Elimination:
    """Return the elimination for a penalty (p + 1,) and the coordinates ``on`` (p + 1,)."""
    layout = parts.layout
    largest, rest = layout.largest, layout.rest
    T, told = _level_inverses(largest, parts.own, penalty, on)
    E = largest.apply(T, parts.beside)
    S = parts.rest - parts.beside.T @ E
    size = np.diag(parts.rest) + penalty[rest]
    S[np.arange(len(rest)), np.arange(len(rest))] += penalty[rest]
    used = on[rest] & (size > 0.0)
    inverse, definite = _inverse(S[np.ix_(used, used)], size[used])
    whole = np.zeros_like(S)
    whole[np.ix_(used, used)] = inverse
    loose = tuple(
        _level_inverses(stack, own, penalty, on)[0]
        for stack, own in zip(layout.loose, parts.loose, strict=True)
    )
    return Elimination(layout, whole, E, T, loose, definite and told)


def _level_inverses(
    stack: Stack, own: FloatArray, penalty: FloatArray, on: BoolArray
) -> tuple[FloatArray, bool]:
    """Return the inverses of the blocks (levels, g, g) on the coordinates ``on``, and whether all have one.

    Singular blocks get their pseudo-inverse, the columns scaled to unit curvature.
    """
    places, levels = stack.places.reshape(len(own), -1), np.arange(len(stack.blocks))
    H = own.copy()
    H[:, levels, levels] += penalty[places]
    size = H[:, levels, levels]
    used = on[places] & (size > 0.0)
    root = np.sqrt(np.divide(1.0, size, out=np.zeros_like(size), where=used))
    unit = root[:, :, None] * H * root[:, None, :]
    if len(levels) == 1:
        return root[:, :, None] ** 2, True
    e, V = np.linalg.eigh(unit)
    inverse = np.divide(1.0, e, out=np.zeros_like(e), where=e > DEFINITE)
    told = (inverse > 0.0).sum() == used.sum()
    return root[:, :, None] * ((V * inverse[:, None, :]) @ V.swapaxes(1, 2)) * root[:, None, :], bool(told)


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
