"""Separation: whether a combination of columns tells the classes apart, so that no finite fit exists.

A linear program answers (Konis 2007, "Linear programming algorithms for detecting separated data in binary
logistic regression models"): with signs t_i = 2 y_i - 1, maximise sum_i t_i (b0 + z_i.v) subject to t_i (b0 +
z_i.v) >= 0 and -1 <= v <= 1. The optimum is 0 exactly when the data overlap.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from l2cli.core.problem import Problem

BoolArray = npt.NDArray[np.bool_]


def separating_columns(problem: Problem, columns: BoolArray) -> BoolArray | None:
    """Return which of ``columns`` (p,) carry a separating direction, None where the classes overlap."""
    from scipy.optimize import linprog

    chosen = np.flatnonzero(columns & ~problem.constant)
    sign = 2.0 * problem.y - 1.0
    A = problem.X[:, chosen]
    if problem.intercept:
        A = np.column_stack([A, np.ones(problem.n_rows)])
    A = A * sign[:, None]
    answer = linprog(-A.sum(axis=0), A_ub=-A, b_ub=np.zeros(len(A)), bounds=(-1.0, 1.0), method="highs")
    if answer.x is None or float(A.sum(axis=0) @ answer.x) <= 1e-7 * max(
        1.0, float(np.abs(A).max(initial=0.0))
    ):
        return None
    result = np.zeros(problem.n_columns, dtype=bool)
    direction = answer.x[: len(chosen)]
    result[chosen[np.abs(direction) > 1e-6]] = True
    return result
