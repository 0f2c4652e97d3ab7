"""Exact leave-one-out and generalized cross-validation of a ridge, for all lambdas at once.

With the sum-scale lambda and the scaling of all rows kept and the intercept refitted, the residual of row i
by the fit without it is e_i / (1 - h_i) with the leverage h_i = s_i [1/W + a_i'(A'A + lambda)^-1 a_i] (PRESS,
Allen 1974; Golub, Heath and Wahba 1979). GCV replaces h_i by its mean: (RSS / W) / (1 - (df + 1)/n)^2, the
intercept counted.

Notes
-----
One product of the rows with the eigenvectors (2 n p r) and two of its squares and itself with all lambdas (4
n r L), in blocks of rows.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from l2cli.core.metrics import metric_table
from l2cli.core.problem import Problem, row_blocks
from l2cli.core.solvers.ridge import RidgeFactor
from l2cli.errors import FitError
from l2cli.select.curve import Curve, best_index

FloatArray = npt.NDArray[np.float64]


def residual_blocks(
    problem: Problem, factor: RidgeFactor, lambdas: FloatArray
) -> Iterator[tuple[slice, FloatArray, FloatArray]]:
    """Yield (rows, residuals e (b, L), leverages h (b, L)) by blocks of rows, lambdas on the sum scale."""
    s, y, n = problem.weights, problem.response, problem.n_rows
    center = (s @ problem.X) / s.sum() if problem.intercept else np.zeros(problem.n_columns)
    y_mean = float(s @ y) / float(s.sum()) if problem.intercept else 0.0
    columns = factor.free
    shrink = 1.0 / (factor.e[:, None] + lambdas)
    coefficients = factor.projection[:, None] * shrink
    shared = 1.0 / s.sum() if problem.intercept else 0.0
    for rows in row_blocks(n, problem.n_columns + 2 * len(factor.e) + 3 * len(lambdas)):
        Z = problem.X[rows] - center
        free = Z[:, columns.at]
        A = Z / factor.root
        if len(columns.at):
            A = A - free @ columns.cross
        scores = A @ factor.V
        e = (y[rows] - y_mean - free @ columns.base)[:, None] - scores @ coefficients
        h = np.square(scores) @ shrink + shared
        if len(columns.at):
            h += np.einsum("ij,jk,ik->i", free, columns.inverse, free)[:, None]
        yield rows, e, h * s[rows, None]


def leave_one_out(problem: Problem, factor: RidgeFactor, lambdas: FloatArray) -> tuple[Curve, FloatArray]:
    """Return the curve of the weighted mean squared leave-one-out residual, and 1 - max h (L,).

    The se is that of a mean of n values, sd/sqrt(n). A leverage of 1 (a row that alone decides a coefficient)
    has no leave-one-out residual: the value is infinite and ranks last.

    Raises
    ------
    FitError
        The value is infinite at every lambda.
    """
    s, n, count = problem.weights, problem.n_rows, len(lambdas)
    share = s / s.sum()
    first, cross, slack = np.zeros(count), np.zeros((count, count)), np.full(count, np.inf)
    total = float(share @ (problem.response - share @ problem.response) ** 2)
    unit = total if total > 0 else 1.0
    for rows, e, h in residual_blocks(problem, factor, lambdas):
        slack = np.minimum(slack, (1.0 - h).min(axis=0))
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            loss = np.square(e / (1.0 - h)) / unit
        loss[:, ~(slack > 1e-12)] = 0.0
        first += share[rows] @ loss
        cross += loss.T @ (loss * share[rows, None])
    second = np.diag(cross)
    mean = np.where(slack > 1e-12, first, np.inf)
    best = best_index(lambdas, mean)
    se = np.sqrt(np.maximum(second - first**2, 0.0) / n)
    paired = np.maximum(second + second[best] - 2.0 * cross[best] - (first - first[best]) ** 2, 0.0)
    curve = Curve(lambdas, mean * unit, se * unit, np.sqrt(paired / n) * unit)
    return _defined(curve, "leave-one-out"), slack


def leave_one_out_eta(problem: Problem, factor: RidgeFactor, lam: float) -> FloatArray:
    """Return each row's linear predictor by the fit without it: (n,)."""
    eta = np.empty(problem.n_rows)
    for rows, e, h in residual_blocks(problem, factor, np.array([lam])):
        eta[rows] = problem.y[rows] - (e / (1.0 - h))[:, 0]
    return eta


def leave_one_out_metrics(problem: Problem, factor: RidgeFactor, lam: float) -> dict[str, float | None]:
    """Return every metric of the rows left out; r2 is against the mean of y without the row."""
    s, y = problem.weights, problem.y
    with np.errstate(divide="ignore", invalid="ignore"):  # one row has nothing beside it
        without = (s @ y - s * y) / (s.sum() - s)
    eta = leave_one_out_eta(problem, factor, lam)
    return metric_table(problem.likelihood, y, eta, s, baseline=without)


def generalized_cv(problem: Problem, factor: RidgeFactor, lambdas: FloatArray) -> Curve:
    """Return the curve of GCV = (RSS / W) / (1 - df/n)^2, df with the intercept; no standard errors."""
    rss = np.zeros(len(lambdas))
    for rows, e, _ in residual_blocks(problem, factor, lambdas):
        rss += problem.weights[rows] @ np.square(e)
    df = factor.effective_df(lambdas) + float(problem.intercept)
    left = 1.0 - df / problem.n_rows
    with np.errstate(divide="ignore"):
        value = np.where(left > 1e-12, rss / problem.weight_sum / np.maximum(left, 1e-12) ** 2, np.inf)
    unknown = np.full(len(lambdas), np.nan)
    return _defined(Curve(lambdas, value, unknown, unknown), "GCV")


def _defined(curve: Curve, what: str) -> Curve:
    """Return the curve, or raise FitError where it is infinite at every lambda."""
    if not np.isfinite(curve.mean).any():
        raise FitError(
            f"{what} is undefined at every lambda tried: some row alone decides an unpenalized coefficient",
            hint="use --select cv, or larger lambdas",
        )
    return curve
