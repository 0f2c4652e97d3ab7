"""Standard errors of an unpenalized fit whose columns are in blocks; see :mod:`l2cli.core.covariance`.

Only the diagonal of the inverse information is made, by the elimination that solves for the coefficients, so
10,000 levels cost what a Newton step does.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.problem import Problem
from l2cli.core.solvers.block_newton import BlockNewton
from l2cli.core.solvers.block_system import curvature, eliminate

FloatArray = npt.NDArray[np.float64]


class BlockErrors(NamedTuple):
    """Standard errors (p,) and of the intercept, on the original scale; degrees of freedom of t or None."""

    coef: FloatArray
    intercept: float
    df: int | None


def block_errors(problem: Problem, u: FloatArray, intercept: float) -> BlockErrors | None:
    """Return the standard errors of a solution at lambda 0; None where the system is not solved directly.

    Notes
    -----
    The original intercept is b - sum_j center_j w_j over the dense columns alone, as the categories are not
    centred in the system.
    """
    gaussian, n = problem.family == "gaussian", problem.n_rows
    scale = 1.0 if gaussian else n / problem.weight_sum  # rows are counted, not weights
    counted = problem._replace(weights=problem.weights * scale)
    solver = BlockNewton(counted)
    layout, usable = solver.layout, solver.usable
    df = n - int(usable.sum())
    if not layout.direct or solver.classes > 1 or df < 1:
        return None
    raw = intercept + float(solver.columns.level @ u) if problem.intercept else 0.0
    point = solver.evaluate(np.append(u, raw)[:, None], 0.0)
    mu, s = point.mu[:, 0], counted.weights
    information = solver.family.information(mu)
    part = eliminate(curvature(layout, s * information), np.zeros(len(u) + 1), usable)
    if not part.definite:
        return None
    known = problem.family in ("binomial", "poisson")
    phi = 1.0 if known else float(s @ (solver.family.residual(problem.y, mu) ** 2 / information)) / df
    diagonal = np.where(usable, part.inverse_diagonal(), np.nan)
    own = part.inverse[: len(layout.dense), : len(layout.dense)]
    lever = np.append(-(problem.center / problem.scale)[layout.dense[:-1]], 1.0)
    lever[:-1][problem.constant[layout.dense[:-1]]] = 0.0
    return BlockErrors(
        np.sqrt(phi * diagonal[:-1]) / problem.scale,
        float(np.sqrt(phi * float(lever @ own @ lever))) if problem.intercept else 0.0,
        None if known else df,
    )
