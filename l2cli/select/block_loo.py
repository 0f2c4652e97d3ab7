"""Exact leave-one-out and GCV of a ridge whose columns are in blocks, where its system is solved directly."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from l2cli.core.block_path import DegreesOfFreedom, check_settled
from l2cli.core.problem import Problem
from l2cli.core.solvers.block_newton import BlockNewton

FloatArray = npt.NDArray[np.float64]
MOST_CELLS = 15_000_000
"""Residuals of all rows at all lambdas up to which these are kept."""


def serves(problem: Problem, count: int) -> bool:
    """Return True where ``count`` lambdas can be judged by leverages: cross-validation serves elsewhere."""
    return BlockNewton(problem).layout.direct and problem.n_rows * count <= MOST_CELLS


def block_residuals(problem: Problem, lambdas: FloatArray) -> Iterator[tuple[int, FloatArray, FloatArray]]:
    """Yield place, residuals e (n,) and 1 - h (n,) at each lambda, from the largest down.

    h_i = s_i a_i'(A'SA + lambda D)^-1 a_i with the intercept among the columns of A.
    """
    solver, theta, s = BlockNewton(problem), None, problem.weights
    for i in np.argsort(-lambdas, kind="stable").tolist():
        lam = float(lambdas[i])
        check_settled(solver, lam)
        theta = solver.solve(lam, theta).theta
        point = solver.evaluate(theta, lam)
        (part,) = solver.eliminations(solver.weights(point), lam, solver.free(point))
        yield i, problem.y - point.eta[:, 0], 1.0 - s * part.leverage()


def block_gcv(problem: Problem, lambdas: FloatArray) -> FloatArray:
    """Return GCV = (RSS / W) / (1 - df/n)^2 at each lambda, df with the intercept: (L,)."""
    solver, theta, values = BlockNewton(problem), None, np.full(len(lambdas), np.inf)
    freedom, n = DegreesOfFreedom(solver, len(lambdas)), problem.n_rows
    for i in np.argsort(-lambdas, kind="stable").tolist():
        lam = float(lambdas[i])
        check_settled(solver, lam)
        theta = solver.solve(lam, theta).theta
        point = solver.evaluate(theta, lam)
        left = 1.0 - (freedom.at(point, lam)[0] + float(problem.intercept)) / n
        rss = float(problem.weights @ np.square(problem.y - point.eta[:, 0]))
        if left > 0.0:
            values[i] = rss / problem.weight_sum / left**2
    return values
