"""Sums of products of rows in twice the working precision: to refine a fit on rows that cannot be read again.

Of rows Z = [z | y] (n, m) with weights S, about an origin o of doubles,

    A = sum_i s_i a_i a_i',        a_i = [1 | Z_i - o],

weight, sums and squares in one matrix (m + 1, m + 1). Sets merge by addition, brought to one origin first: a
about o - d is P'a, so A becomes P'AP with P = [[1, d'], [0, I]]. Residuals are r_i = a_i'v, hence

    v = [o_y - b - (o_z - m)'w | -w | 1],     Av = [1'Sr | (Z - o)'Sr],     v'Av = r'Sr,

with w, b and m as in :mod:`l2cli.core.solvers.refinement`.

Notes
-----
A triangle of the rows errs by eps times the squared condition number times the size of the residuals, however
the rows are cut and ordered (Golub and Van Loan, section 5.3.7); so Wampler3 to Wampler5 lose their digits.
Av errs by eps^2 times as much, so a fit refined by it is nearly the one that rereading the rows gives. About
twelve times the flops of a Gram matrix: not for rows in memory.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.solvers.refinement import Exponents, Pull
from l2cli.core.twofold import (
    Twofold,
    add,
    cross_products,
    product,
    square_root,
    two_sum,
    twofold,
    weighted_sum,
)

FloatArray = npt.NDArray[np.float64]
NOTHING = -1000
"""Unit of a column of zeros: below that of any other."""


class RowSums(NamedTuple):
    """Sums of products of some rows.

    origin : (m,). unit : (m + 1,) powers of 2 in which the entries of a are counted, so that no product of
    large or small cells overflows or vanishes. A : (m + 1, m + 1) twofold, in these units.
    """

    origin: FloatArray
    unit: Exponents
    A: Twofold

    def merge(self, other: RowSums) -> RowSums:
        """Return the sums of both sets of rows together, about this origin."""
        apart = two_sum(other.origin, -self.origin)
        unit = np.maximum(self.unit, other.unit)
        unit[1:] = np.maximum(unit[1:], unit[0] + np.where(apart[0] == 0.0, NOTHING, np.frexp(apart[0])[1]))
        own, new = self._counted_in(unit), other._counted_in(unit)
        d = _scaled(apart, unit[0] - unit[1:])
        rows = _add_to(new, np.s_[1:, :], product(_part(d, np.s_[:, None]), _part(new, np.s_[:1, :])))
        both = _add_to(rows, np.s_[:, 1:], product(_part(rows, np.s_[:, :1]), d))
        return RowSums(self.origin, unit, add(own, both))

    def select(self, columns: npt.NDArray[np.int64]) -> RowSums:
        """Return the sums of some columns."""
        at = np.append(0, columns + 1)
        return RowSums(
            self.origin[columns], self.unit[at], (self.A[0][np.ix_(at, at)], self.A[1][np.ix_(at, at)])
        )

    def _counted_in(self, unit: Exponents) -> Twofold:
        """Return A in other units."""
        shift = self.unit - unit
        return _scaled(self.A, shift[:, None] + shift)


def sums_of(Z: FloatArray, s: FloatArray | None = None) -> RowSums:
    """Return the sums of one block of rows (n, m) with weights (n,); cells are taken as exact."""
    origin = Z.mean(axis=0)
    high, low = two_sum(Z, -origin)
    largest = np.abs(high).max(axis=0)
    unit = np.concatenate([[1], np.where(largest > 0.0, np.frexp(largest)[1], NOTHING)]).astype(np.intc)
    ones = np.ones((len(Z), 1))
    columns = _scaled((np.hstack([ones, high]), np.hstack([0.0 * ones, low])), -unit)
    if s is not None:
        root = square_root(s[:, None])
        most = np.frexp(root[0].max())[1]
        columns = product(_scaled(root, -most), columns)
        unit = unit + most
    return RowSums(origin, unit, cross_products(columns))


class SummedRows(NamedTuple):
    """Rows known by their sums alone, to refine a fit on; see :class:`l2cli.core.solvers.refinement.Rows`."""

    sums: RowSums
    weight: float
    mean: FloatArray
    spread: FloatArray
    intercept: bool

    def pull(self, unit: Exponents, y_unit: int, w: Twofold, b: Twofold) -> Pull:
        """Return X'Sr - m 1'Sr, 1'Sr and r'Sr in the units given."""
        own, origin = self.sums.unit, np.ldexp(self.sums.origin, -np.append(unit, y_unit))
        off = two_sum(origin[:-1], -np.ldexp(self.mean, -unit))
        fit = _times(_part(off, np.s_[:, None]), w)
        level = add(twofold(origin[-1:]), add((-b[0], -b[1]), (-fit[0], -fit[1])))
        v = np.concatenate([level[0], -w[0], [1.0]]), np.concatenate([level[1], -w[1], [0.0]])
        v = _scaled(v, own - np.concatenate([[0], unit, [y_unit]]))
        Av = _times(self.sums.A, v)
        square = float(_times(_part(Av, np.s_[:, None]), v)[0][0])
        total = _scaled(_part(Av, np.s_[:1]), own[:1])
        pull = _scaled(_part(Av, np.s_[1:-1]), own[1:-1] - unit)
        return add(pull, product(off, total))[0], total[0], max(0.0, square)


def _times(A: Twofold, x: Twofold) -> Twofold:
    """Return A'x of A (k, m) and x (k,)."""
    return add(weighted_sum(A[0], x), twofold(x[0] @ A[1]))


def _scaled(a: Twofold, exponent: Exponents | int) -> Twofold:
    """Return a times a power of 2."""
    return np.ldexp(a[0], exponent), np.ldexp(a[1], exponent)


def _part(a: Twofold, at: tuple[slice | None, ...] | slice) -> Twofold:
    """Return some entries of a."""
    return a[0][at], a[1][at]


def _add_to(a: Twofold, at: tuple[slice, ...], b: Twofold) -> Twofold:
    """Return a with b added to some entries."""
    high, low = a[0].copy(), a[1].copy()
    high[at], low[at] = add(_part(a, at), b)
    return high, low
