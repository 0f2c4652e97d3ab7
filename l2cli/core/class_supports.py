"""Unpenalized multinomial fits on a support: some coefficients of some classes, the others 0.

With the support A, a set of (column, class) pairs, and A_j the classes that have column j,

    minimise sum_i s_i d(y_i, b + sum_j z_ij v_j)  over b (C,) and v (p, C) with v_jk = 0 outside of A.

The probabilities of the answer are unique (where there is one); its coefficients are so but for what the
softmax does not see: one number added to all classes. The intercepts are never in a support and sum to 0. Of
a column that every class has, coefficients that sum to 0 are shown, which are those of least norm; where a
class is without it, its 0 settles the rest. A support of all classes but one therefore gives the same
probabilities as that of all: which of the two an L1 fit ends at, where C is even and its answer an edge, is
of no account. Columns that the data do not tell apart in some class share the coefficients of least norm.
Between bounds, which may forbid that norm, one of the equivalent answers is shown.

Coordinates are numbers j C + k of the raveled (p, C).

Notes
-----
Newton's method on the supported coordinates: n (m C)^2 flops a step for m columns with a class.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.path import bare_solver, design_factor
from l2cli.core.problem import Problem

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
NULL = 1e-10
"""Eigenvalues below this share of the largest are 0 but for rounding."""
LOOSE = 1e-6
"""Share of a coordinate in the null space from which it counts as tied."""


class SupportFit(NamedTuple):
    """An unpenalized fit: u (p, C) and intercept0 (C,), internal, and what Newton's method says of it.

    tied : (p,) columns that the data do not tell apart on this support.
    """

    u: FloatArray
    intercept0: FloatArray
    effective_df: float
    residual: float
    last_move: float
    tied: BoolArray


def columns_of(coordinates: IntArray, classes: int) -> tuple[IntArray, BoolArray]:
    """Return the columns (m,) of some coordinates in order, and which classes have each: (m, C)."""
    columns, at = np.unique(coordinates // classes, return_inverse=True)
    support = np.zeros((len(columns), classes), dtype=bool)
    support[at, coordinates % classes] = True
    return columns.astype(np.int64), support


def sums_removed(u: FloatArray, support: BoolArray) -> FloatArray:
    """Return coefficients (m, C) on a support; of columns that every class has, those that sum to 0."""
    u = np.where(support, u, 0.0)
    return np.asarray(u - np.where(support.all(axis=1), u.mean(axis=1), 0.0)[:, None])


def support_fit(problem: Problem, coordinates: IntArray, before: SupportFit | None = None) -> SupportFit:
    """Return the unpenalized fit on some coordinates of a problem, at least one.

    Parameters
    ----------
    before : SupportFit, optional
        A fit on another support to start from. Bounded and tied columns start from the null model instead:
        only from there do steps lead within the bounds, and to the least norm.
    """
    columns, support = columns_of(coordinates, problem.n_classes)
    part = problem.select(columns)
    tied = tied_columns(part, support)
    start = None
    if before is not None and problem.box is None and not tied.any():
        start = np.append(sums_removed(before.u[columns], support).ravel(), before.intercept0)
    answer = bare_solver(part, support).solve(0.0, start)
    u, loose = np.zeros((problem.n_columns, problem.n_classes)), np.zeros(problem.n_columns, dtype=bool)
    u[columns], loose[columns] = answer.u, tied
    return SupportFit(
        u, np.asarray(answer.intercept), answer.effective_df, answer.residual, answer.last_move, loose
    )


def tied_columns(problem: Problem, support: BoolArray) -> BoolArray:
    """Return the columns (m,) that the data do not tell apart when classes have those of ``support`` (m, C).

    Notes
    -----
    A direction v changes no probability where the predictors Z v_k of all classes are the same. Then every
    v_k - v_l lies in the null space of Z, so only its columns can be tied, and they are where a class has
    them, or their combination is what all classes have in common. H is |A| x |A|, with
    v'Hv = sum_k |Z (v_k - mean v)|^2.
    """
    null = np.asarray(design_factor(problem, 0.0).null > LOOSE)
    if not null.any():
        return null
    Z, c = problem.X[:, null], support.shape[1]
    if problem.intercept:
        Z = Z - (problem.weights @ Z) / problem.weight_sum
    G = Z.T @ (problem.weights[:, None] * Z)
    some = support[null]
    full: BoolArray = np.asarray(some.all(axis=1))
    at = np.flatnonzero(some)
    j, k = np.divmod(at, c)
    own = G[np.ix_(j, j)]
    H = own * ((k[:, None] == k) - 1.0 / c)
    H += np.where((j[:, None] == j) & full[j], own, 0.0)  # settles the sum of all classes
    e, V = np.linalg.eigh(H)
    share = np.zeros(some.size)
    share[at] = np.square(V[:, e <= NULL * e[-1]]).sum(axis=1)
    null[null] = share.reshape(some.shape).max(axis=1) > LOOSE
    return null
