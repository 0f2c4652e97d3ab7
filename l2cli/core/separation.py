"""Separation: whether a combination of columns tells classes or zeros apart, so that no finite fit exists.

A linear program answers (Konis 2007, "Linear programming algorithms for detecting separated data in binary
logistic regression models"): with signs t_i = 2 y_i - 1, maximise sum_i t_i (b0 + z_i.v) subject to t_i (b0 +
z_i.v) >= 0 and -1 <= v <= 1. The optimum is 0 exactly when the data overlap.

Counts (poisson, tweedie) have no finite fit where a direction lowers rows with y = 0 alone: t_i = -1 for
those, and b0 + z_i.v = 0 for the others (Santos Silva and Tenreyro 2010, "On the existence of the maximum
likelihood estimates in Poisson regression"). A gamma model always has one.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from l2cli.core.problem import Problem

BoolArray = npt.NDArray[np.bool_]


def separating_columns(problem: Problem, columns: BoolArray) -> BoolArray | None:
    """Return which of ``columns`` (p,) carry a separating direction, None where the data overlap."""
    if problem.family not in ("binomial", "poisson", "tweedie"):
        return None
    from scipy.optimize import linprog

    chosen = np.flatnonzero(columns & ~problem.constant)
    A = problem.X[:, chosen]
    if problem.intercept:
        A = np.column_stack([A, np.ones(problem.n_rows)])
    fixed = None
    if problem.family == "binomial":
        A = A * (2.0 * problem.y - 1.0)[:, None]
    else:
        A, fixed = -A[problem.y == 0.0], A[problem.y > 0.0]
    answer = linprog(
        -A.sum(axis=0), A_ub=-A, b_ub=np.zeros(len(A)), bounds=(-1.0, 1.0), method="highs",
        A_eq=fixed, b_eq=None if fixed is None else np.zeros(len(fixed)),
    )  # fmt: skip
    if answer.x is None or float(A.sum(axis=0) @ answer.x) <= 1e-7 * max(
        1.0, float(np.abs(A).max(initial=0.0))
    ):
        return None
    result = np.zeros(problem.n_columns, dtype=bool)
    direction = answer.x[: len(chosen)]
    result[chosen[np.abs(direction) > 1e-6]] = True
    return result
