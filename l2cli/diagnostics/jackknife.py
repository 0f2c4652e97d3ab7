"""The fits without one row each, of a gaussian L2 fit in closed form: what jackknife+ intervals are made of.

With the sum-scale lambda and the scaling of all rows kept and the intercept refitted, z_i the row centred,
M = (Z'SZ + lambda D)^-1, e_i the residual, h_i = s_i (1/W + z_i'M z_i) the leverage and l_i = e_i/(1 - h_i),

    u_(-i) = u - M z_i s_i l_i,      intercept_(-i) = intercept - s_i l_i / W      (at the centre),

so that the prediction at z without row i is intercept + z'u - (1/W + z'M z_i) s_i l_i, and its own residual
l_i (Allen 1974; Hastie, Tibshirani and Friedman, Elements of Statistical Learning, section 7.10). Without an
intercept nothing is centred and 1/W is absent.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from l2cli.core.problem import Problem
from l2cli.core.solvers.ridge import RidgeFactor
from l2cli.models.intervals import MOST_COLUMNS, LeftOut
from l2cli.select.loo import rows_left_out

FloatArray = npt.NDArray[np.float64]
MOST_NUMBERS, FEWEST_ROWS, MOST_ROWS = 100_000, 99, 1000
"""Numbers that a model keeps for its intervals, and the rows that are left out however many that makes.

Of m rows the share of new ones in the interval varies by sqrt(level (1 - level)/m): 3 % of 99, 1 % of 1000.
"""


def has_intervals(problem: Problem) -> bool:
    """Return True for a gaussian L2 problem whose columns are one matrix, and not too many."""
    return (
        problem.family == "gaussian" and problem.is_smooth and problem.groups is None
        and problem.relax_gamma == 1.0 and problem.blocks is None and problem.n_columns <= MOST_COLUMNS
    )  # fmt: skip


def fits_without_rows(
    problem: Problem, factor: RidgeFactor | None, lam: float, u: FloatArray, intercept0: Any
) -> LeftOut | None:
    """Return the models without one row each, for all rows or a random part of them; None where not defined.

    Parameters
    ----------
    factor : RidgeFactor, optional
        Of all rows, exact enough for ``lam`` (sum scale); without it there are no intervals.
    u : (p,) float64
        Internal coefficients of all rows.
    intercept0 : float
        Their intercept, at the centre.
    """
    if factor is None or not has_intervals(problem):
        return None
    n = problem.n_rows
    count = min(n, max(FEWEST_ROWS, min(MOST_ROWS, MOST_NUMBERS // (problem.n_columns + 2))))
    rows = np.arange(n)
    if count < n:
        rows = np.sort(np.random.default_rng(0).choice(n, count, replace=False))
    lambdas = np.array([lam])
    own = rows_left_out(problem, factor, lambdas, rows)[:, 0]
    rows, own = rows[np.isfinite(own)], own[np.isfinite(own)]
    pull = problem.weights[rows] * own
    moves = factor.correct(problem.X[rows].T, lambdas) * pull
    without = intercept0 - (pull / problem.weight_sum if problem.intercept else np.zeros(len(rows)))
    coef, intercept = problem.original(u[:, None] - moves, without)
    if not problem.intercept:
        intercept = np.zeros(len(without))
    return LeftOut.of(count, own, intercept, coef)
