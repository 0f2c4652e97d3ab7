"""Separation: whether a combination of columns tells classes or zeros apart, so that no finite fit exists.

A linear program answers (Konis 2007, "Linear programming algorithms for detecting separated data in binary
logistic regression models"): with signs t_i = 2 y_i - 1, maximise sum_i t_i (b0 + z_i.v) subject to t_i (b0 +
z_i.v) >= 0 and -1 <= v <= 1. The optimum is 0 exactly when the data overlap.

Counts (poisson, tweedie) have no finite fit where a direction lowers rows with y = 0 alone: t_i = -1 for
those, and b0 + z_i.v = 0 for the others (Santos Silva and Tenreyro 2010, "On the existence of the maximum
likelihood estimates in Poisson regression"). A gamma model always has one.

Of several classes a direction v_k for each: (b0_y - b0_k) + z_i.(v_y - v_k) >= 0 for every row and every
class k but its own, with v_jk = 0 where class k is without column j.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from l2cli.core.problem import Problem

if TYPE_CHECKING:
    from scipy.sparse import csr_array

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
TINY = 1e-6
"""Share of a column in a direction that counts as none."""
MOST_CELLS = 3e5
"""Rows times columns up to which the columns without a part in a separation are left out."""


def separating_columns(problem: Problem, columns: BoolArray) -> BoolArray | None:
    """Return which of ``columns`` separate (p,), none of them needlessly; None where the data overlap.

    A column bounded on one side can only run away to the other, one bounded on both to neither.

    Parameters
    ----------
    columns : (p,) bool, of several classes also (p, C): the coefficients that may differ from 0

    Notes
    -----
    Where the classes lie apart, every direction near a separating one separates too, and the program names
    columns that have no part in it. So columns are left out while the rest still separates, those of small
    coefficients first and many at once: k log(p / k) linear programs for k that stay (Junker 2004, AAAI,
    "QuickXplain").
    """
    if problem.family not in ("binomial", "multinomial", "poisson", "tweedie"):
        return None
    reach = _reach(problem, columns)
    chosen = np.flatnonzero(columns.reshape(len(columns), -1).any(axis=1) & ~problem.constant)
    weight = _direction(problem, chosen, reach)
    if weight is None:
        return None
    chosen, weight = chosen[weight > TINY], weight[weight > TINY]
    if problem.n_rows * len(chosen) <= MOST_CELLS:
        order = np.argsort(-weight, kind="stable")
        chosen = _needed(problem, reach, chosen[:0], chosen[order], grown=False)
    result = np.zeros(problem.n_columns, dtype=bool)
    result[chosen] = True
    return result


def tells_all_apart(problem: Problem, eta: FloatArray) -> bool:
    """Return True where a linear predictor eta (n,), of classes (n, C), puts every row on its own side.

    Then the classes are separated completely, by its coefficients (Albert and Anderson 1984). An offset may
    have done that; it proves nothing.
    """
    if problem.offset is not None:
        return False
    if problem.family == "binomial":
        return bool(((2.0 * problem.y - 1.0) * eta > 0.0).all())
    if problem.family == "multinomial":
        own = np.where(problem.y > 0.0, eta, -np.inf).max(axis=1)
        return bool((own > np.where(problem.y > 0.0, -np.inf, eta).max(axis=1)).all())
    return False


def _reach(problem: Problem, columns: BoolArray) -> FloatArray:
    """Return how far a direction may go in every coordinate: (p, C, 2), -1 or 0 and 0 or 1."""
    reach = np.tile([-1.0, 1.0], (problem.n_columns, problem.n_classes, 1))
    if problem.box is not None:
        reach[np.isfinite(problem.box.lower), :, 0] = 0.0
        reach[np.isfinite(problem.box.upper), :, 1] = 0.0
    if columns.ndim == 2:
        reach[~columns] = 0.0
    return reach


def _needed(
    problem: Problem, reach: FloatArray, kept: IntArray, others: IntArray, *, grown: bool
) -> IntArray:
    """Return those of ``others`` that separate together with ``kept``, the first ones preferred.

    ``grown`` : ``kept`` is not known to leave the data overlapping.
    """
    if not len(others) or (grown and _direction(problem, kept, reach) is not None):
        return others[:0]
    if len(others) == 1:
        return others
    first, second = np.split(others, [(len(others) + 1) // 2])
    second = _needed(problem, reach, np.append(kept, first), second, grown=True)
    first = _needed(problem, reach, np.append(kept, second), first, grown=len(second) > 0)
    return np.append(first, second)


def _direction(problem: Problem, chosen: IntArray, reach: FloatArray) -> FloatArray | None:
    """Return the size of each chosen column in a separating direction (m,), None without one."""
    A, c = problem.X[:, chosen], problem.n_classes
    ends = reach[chosen].reshape(-1, 2)
    if problem.intercept:
        A = np.column_stack([A, np.ones(problem.n_rows)])
        ends = np.vstack([ends, np.tile([-1.0, 1.0], (c, 1))])
    if problem.family == "multinomial":
        v = _separating(_margins(A, problem.y), None, ends)
        return None if v is None else np.ptp(v.reshape(-1, c), axis=1)[: len(chosen)]
    if problem.family == "binomial":
        v = _separating(A * (2.0 * problem.y - 1.0)[:, None], None, ends)
    else:
        v = _separating(-A[problem.y == 0.0], A[problem.y > 0.0], ends)
    return None if v is None else np.abs(v[: len(chosen)])


def _separating(A: Any, fixed: FloatArray | None, reach: FloatArray) -> FloatArray | None:
    """Return v within ``reach`` (m, 2) with A v >= 0 (not all 0) and fixed v = 0, None without one."""
    if A.shape[1] == 0:
        return None
    from scipy.optimize import linprog

    gain = A.sum(axis=0)
    bounds: list[tuple[float, float]] = [(low, high) for low, high in reach.tolist()]
    answer = linprog(
        -gain, A_ub=-A, b_ub=np.zeros(A.shape[0]), bounds=bounds, method="highs",
        A_eq=fixed, b_eq=None if fixed is None else np.zeros(len(fixed)),
    )  # fmt: skip
    if answer.x is None or float(gain @ answer.x) <= 1e-7 * float(abs(A).max()):
        return None
    return np.asarray(answer.x)


def _margins(A: FloatArray, y: FloatArray) -> csr_array:
    """Return the rows a_i (x) (e_y - e_k), one for each row i and class k but its own y."""
    from scipy.sparse import csr_array, kron, vstack

    c, own = y.shape[1], y.argmax(axis=1)
    each = np.eye(c)
    blocks = []
    for k in range(c):
        for label in range(c):
            if label != k:
                rows = csr_array(A[own == label])
                blocks.append(kron(rows, csr_array((each[label] - each[k])[None, :]), format="csr"))
    return csr_array(vstack(blocks))
