"""Separation: whether a combination of columns tells classes or zeros apart, so that no finite fit exists.

A linear program answers (Konis 2007, "Linear programming algorithms for detecting separated data in binary
logistic regression models"): with signs t_i = 2 y_i - 1, maximise sum_i t_i (b0 + z_i.v) subject to t_i (b0 +
z_i.v) >= 0 and -1 <= v <= 1. The optimum is 0 exactly when the data overlap.

Counts (poisson, tweedie) have no finite fit where a direction lowers rows with y = 0 alone: t_i = -1 for
those, and b0 + z_i.v = 0 for the others (Santos Silva and Tenreyro 2010, "On the existence of the maximum
likelihood estimates in Poisson regression"). A gamma model always has one.

Of several classes a direction v_k for each: (b0_y - b0_k) + z_i.(v_y - v_k) >= 0 for every row and every
class k but its own.
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


def separating_columns(problem: Problem, columns: BoolArray) -> BoolArray | None:
    """Return which of ``columns`` (p,) carry a separating direction, None where the data overlap."""
    if problem.family not in ("binomial", "multinomial", "poisson", "tweedie"):
        return None
    chosen = np.flatnonzero(columns & ~problem.constant)
    A = problem.X[:, chosen]
    if problem.intercept:
        A = np.column_stack([A, np.ones(problem.n_rows)])
    fixed = None
    if problem.family == "multinomial":
        return _separating(problem, chosen, _margins(A, problem.y), None)
    if problem.family == "binomial":
        A = A * (2.0 * problem.y - 1.0)[:, None]
    else:
        A, fixed = -A[problem.y == 0.0], A[problem.y > 0.0]
    return _separating(problem, chosen, A, fixed)


def _separating(problem: Problem, chosen: IntArray, A: Any, fixed: FloatArray | None) -> BoolArray | None:
    """Return which columns carry a direction with A v >= 0 (not all 0) and fixed v = 0, None without one."""
    from scipy.optimize import linprog

    answer = linprog(
        -A.sum(axis=0), A_ub=-A, b_ub=np.zeros(A.shape[0]), bounds=(-1.0, 1.0), method="highs",
        A_eq=fixed, b_eq=None if fixed is None else np.zeros(len(fixed)),
    )  # fmt: skip
    largest = float(np.abs(problem.X[:, chosen]).max(initial=1.0))
    if answer.x is None or float(A.sum(axis=0) @ answer.x) <= 1e-7 * largest:
        return None
    result = np.zeros(problem.n_columns, dtype=bool)
    direction = np.ptp(answer.x.reshape(-1, problem.n_classes), axis=1) if problem.n_classes > 1 else answer.x
    result[chosen[np.abs(direction[: len(chosen)]) > 1e-6]] = True
    return result


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
