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
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.metrics import metric_table
from l2cli.core.problem import Problem, row_blocks
from l2cli.core.solvers.ridge import EPS, RidgeFactor
from l2cli.errors import FitError
from l2cli.select.curve import Curve, best_index, of_squares, standard_errors

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
ROUNDINGS = 16.0
"""Roundings up to which a leverage is 1."""


class RowBlock(NamedTuple):
    """Rows of a ridge with every lambda: residuals e, 1 - h, and the residuals without the row, all (b, L).

    ``left_out`` is e / (1 - h), NaN where h is 1.
    """

    rows: slice
    e: FloatArray
    slack: FloatArray
    left_out: FloatArray


def residual_blocks(problem: Problem, factor: RidgeFactor | None, lambdas: FloatArray) -> Iterator[RowBlock]:
    """Yield the residuals of blocks of rows; without a factor of columns in blocks, all rows at once."""
    if factor is not None:
        yield from _factor_blocks(problem, factor, lambdas)
        return
    from l2cli.select.block_loo import block_residuals  # most designs are one matrix

    e, slack = np.empty((problem.n_rows, len(lambdas))), np.empty((problem.n_rows, len(lambdas)))
    for i, residual, left in block_residuals(problem, lambdas):
        e[:, i], slack[:, i] = residual, np.where(left > ROUNDINGS * EPS, left, 0.0)
    left_out = np.full(e.shape, np.nan)
    np.divide(e, slack, out=left_out, where=slack > 0.0)
    yield RowBlock(slice(0, problem.n_rows), e, slack, left_out)


def _factor_blocks(problem: Problem, factor: RidgeFactor, lambdas: FloatArray) -> Iterator[RowBlock]:
    """Yield the residuals of blocks of rows, lambdas on the sum scale.

    With g_k = 1 / (e_k (e_k + lambda)) and what no penalty leaves, the residual r_i and c_i = 1 - h_i(0),

        e_i = r_i + lambda sum_k a_ik b_k g_k,     1 - h_i = c_i + lambda s_i sum_k a_ik^2 g_k,

    so that nothing cancels as lambda falls. Where c_i is rounding alone, row i is fitted exactly without a
    penalty: r_i and c_i are 0, and lambda drops out of e_i / (1 - h_i).
    """
    s = problem.weights
    center = (s @ problem.X) / s.sum() if problem.intercept else np.zeros(problem.n_columns)
    judge = _LeverageOf(problem, factor, lambdas, center)
    for rows in row_blocks(problem.n_rows, problem.n_columns + 2 * len(factor.e) + 4 * len(lambdas)):
        yield RowBlock(rows, *judge.rows(rows))


def rows_left_out(problem: Problem, factor: RidgeFactor, lambdas: FloatArray, rows: IntArray) -> FloatArray:
    """Return e / (1 - h) of some rows (b, L), NaN where h is 1; the columns are centred but for rounding."""
    return _LeverageOf(problem, factor, lambdas, np.zeros(problem.n_columns)).rows(rows)[2]


class _LeverageOf:
    """What the residuals of all rows have in common; see :func:`_factor_blocks`."""

    def __init__(
        self, problem: Problem, factor: RidgeFactor, lambdas: FloatArray, center: FloatArray
    ) -> None:
        s, y = problem.weights, problem.response
        self.problem, self.factor, self.center, self.response = problem, factor, center, y
        self.y_mean = float(s @ y) / float(s.sum()) if problem.intercept else 0.0
        e = factor.e[:, None]
        # lambda g_k = part * gain_k, in powers of 2 of the larger of lambda and e: e^2 may overflow
        unit = np.exp2(np.frexp(np.maximum(lambdas, e.max(initial=0.0)))[1] - 1.0)
        self.part, self.gain = lambdas / unit, (unit / (e + lambdas)) / e
        self.shared = 1.0 / s.sum() if problem.intercept else 0.0
        # How far rounding turns each direction: by the condition, which a Gram squares.
        self.turned = EPS * (factor.e.max(initial=0.0) / factor.e) ** (0.5 if factor.exact else 1.0)

    def rows(self, rows: slice | IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return e, 1 - h and e / (1 - h) of some rows at every lambda (b, L)."""
        factor, columns, part = self.factor, self.factor.free, self.part
        Z = self.problem.X[rows] - self.center
        free = Z[:, columns.at]
        A = Z / factor.root
        if len(columns.at):
            A = A - free @ columns.cross
        scores, weight = A @ factor.V, self.problem.weights[rows]
        hat = weight[:, None] * np.square(scores) / factor.e
        taken = self.shared * weight
        if len(columns.at):
            taken += weight * np.einsum("ij,jk,ik->i", free, columns.inverse, free)
        rest = (
            self.response[rows] - self.y_mean - free @ columns.base - scores @ (factor.projection / factor.e)
        )
        complement = 1.0 - taken - hat.sum(axis=1)
        rounding = ROUNDINGS * (EPS + np.sqrt(hat) @ self.turned)
        exact = complement <= rounding
        alone = hat.sum(axis=1) <= rounding  # an unpenalized column is for this row
        r, c = np.where(exact, 0.0, rest)[:, None], np.where(exact, 0.0, complement)[:, None]
        pull = scores @ (factor.projection[:, None] * self.gain)
        hold = weight[:, None] * (np.square(scores) @ self.gain)
        hold[exact & alone] = 0.0
        residual, slack = r + part * pull, c + part * hold
        with np.errstate(divide="ignore", invalid="ignore"):
            left_out = np.where(exact[:, None], pull / hold, residual / slack)
        left_out[~(slack > 0.0)] = np.nan
        return residual, slack, left_out


def leave_one_out(
    problem: Problem, factor: RidgeFactor | None, lambdas: FloatArray, metric: str = "mse"
) -> tuple[Curve, FloatArray]:
    """Return the curve of a metric of the weighted leave-one-out residuals, and 1 - max h (L,).

    The se is that of a mean of n values, sd/sqrt(n); see :func:`left_out_curve`. A leverage of 1 (a row that
    alone decides a coefficient) has no leave-one-out residual: the value is not finite and ranks last.

    Parameters
    ----------
    metric : str
        A metric of gaussian targets.

    Raises
    ------
    FitError
        The value is not finite at any lambda.
    """
    s, n, count = problem.weights, problem.n_rows, len(lambdas)
    share = s / s.sum()
    first, cross, slack = np.zeros(count), np.zeros((count, count)), np.full(count, np.inf)
    size: float = np.sqrt(share @ (problem.response - share @ problem.response) ** 2) or 1.0
    unit = size if metric == "mae" else size**2
    for rows, _, left, left_out in residual_blocks(problem, factor, lambdas):
        slack = np.minimum(slack, left.min(axis=0))
        with np.errstate(over="ignore"):
            loss = (np.abs(left_out) if metric == "mae" else np.square(left_out)) / unit
        loss[:, ~(slack > 0.0)] = 0.0
        first += share[rows] @ loss
        cross += loss.T @ (loss * share[rows, None])
    mean = np.where(slack > 0.0, first, np.inf)
    se, paired = standard_errors(first, cross, best_index(lambdas, mean), n)
    return left_out_curve(problem, Curve(lambdas, mean * unit, se * unit, paired * unit), metric), slack


def left_out_curve(problem: Problem, curve: Curve, metric: str) -> Curve:
    """Return the curve of a metric of rows left out, of that of the mse where the metric is made of it.

    Raises
    ------
    FitError
        It is not finite at any lambda, or R2 is asked of a target that does not vary.
    """
    unit = _left_out_spread(problem) if metric == "r2" else 1.0
    return defined(of_squares(curve, metric, unit), "leave-one-out")


def _left_out_spread(problem: Problem) -> float:
    """Return the mean square that R2 of rows left out compares with, of each y about the mean without it.

    Raises
    ------
    FitError
        The target does not vary.
    """
    s = problem.weights
    if problem.y.min() == problem.y.max():
        raise FitError(
            "the r2 of rows left out is undefined: the target does not vary", hint="use another --metric"
        )
    return float(s @ np.square(problem.y - _means_without(problem))) / float(s.sum())


def _means_without(problem: Problem) -> FloatArray:
    """Return the mean of the other rows for each row (n,)."""
    s, y = problem.weights, problem.y
    with np.errstate(divide="ignore", invalid="ignore"):  # one row has nothing beside it
        return np.asarray((s @ y - s * y) / (s.sum() - s))


def leave_one_out_eta(problem: Problem, factor: RidgeFactor | None, lam: float) -> FloatArray:
    """Return each row's linear predictor by the fit without it: (n,)."""
    eta = np.empty(problem.n_rows)
    for block in residual_blocks(problem, factor, np.array([lam])):
        eta[block.rows] = problem.y[block.rows] - block.left_out[:, 0]
    return eta


def leave_one_out_metrics(
    problem: Problem, factor: RidgeFactor | None, lam: float
) -> dict[str, float | None]:
    """Return every metric of the rows left out."""
    return left_out_metrics(problem, leave_one_out_eta(problem, factor, lam))


def left_out_metrics(problem: Problem, eta: FloatArray) -> dict[str, float | None]:
    """Return every metric of eta (n,), of classes (n, C), by the fits without each row.

    r2 is against the mean without it.
    """
    without = None if problem.n_classes > 1 else _means_without(problem)
    return metric_table(problem.likelihood, problem.y, eta, problem.weights, baseline=without)


def generalized_cv(problem: Problem, factor: RidgeFactor | None, lambdas: FloatArray) -> Curve:
    """Return the curve of GCV = (RSS / W) / (1 - df/n)^2, df with the intercept; no standard errors."""
    unknown = np.full(len(lambdas), np.nan)
    if factor is None:
        from l2cli.select.block_loo import block_gcv

        return defined(Curve(lambdas, block_gcv(problem, lambdas), unknown, unknown), "GCV")
    rss = np.zeros(len(lambdas))
    for block in residual_blocks(problem, factor, lambdas):
        rss += problem.weights[block.rows] @ np.square(block.e)
    spare = problem.n_rows - factor.rank - int(problem.intercept)  # a whole number: nothing cancels
    left = (spare + (lambdas / (factor.e[:, None] + lambdas)).sum(axis=0)) / problem.n_rows
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.where(left > 0.0, rss / problem.weight_sum / left**2, np.inf)
    return defined(Curve(lambdas, value, unknown, unknown), "GCV")


def defined(curve: Curve, what: str) -> Curve:
    """Return the curve, or raise FitError where it is infinite at every lambda."""
    if not np.isfinite(curve.mean).any():
        raise FitError(
            f"{what} is undefined at every lambda tried: some row alone decides an unpenalized coefficient,"
            " or without it there is no finite fit",
            hint="use --select cv, or larger lambdas",
        )
    return curve
