"""Leverage and influence of rows: what a fit would be without one of them.

With the leverage h_i, the working residual r_i = residual_i / curvature_i (gaussian: y_i - mu_i) and x_i the
columns of row i, centred, the linear predictor of row i by the fit without it is, in one step from the fit,

    eta_i - h_i r_i / (1 - h_i),        u - u_(-i) = M x_i v_i r_i / (1 - h_i),

exact for gaussian L2 with the penalty and the scaling of all rows kept (Allen 1974); of other families the
step of Pregibon (1981, Annals of Statistics 9, "Logistic regression diagnostics"); with an L1 part the active
set is held. Cook's distance (Cook 1977; of a ridge Walker and Birch 1988, Technometrics 30) is

    D_i = sum_k v_k (eta_k - eta_k(-i))^2 / ((df + 1) phi) = v_i r_i^2 (HH)_ii / ((1 - h_i)^2 (df + 1) phi),

with phi the dispersion of a row of weight 1, W / n of binomial and poisson, where that of a row is 1, else
Pearson's, sum s_i (y_i - mu_i)^2 / V(mu_i) / (n - df - 1). Without an intercept df stands for df + 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.problem import Problem
from l2cli.diagnostics.smoother import Smoother, working_weights

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
ONE = 1e-10
"""A leverage this near to 1 is 1: the row is fitted whatever its target."""


class Influence(NamedTuple):
    """Of every row (n,): leverage, residual y - mu, Cook's distance, change of its own linear predictor.

    ``cooks`` and ``change`` are NaN where the row alone decides a direction (h = 1) or phi is not known.
    dispersion : phi, NaN where no row is left over.
    """

    leverage: FloatArray
    residual: FloatArray
    cooks: FloatArray
    change: FloatArray
    dispersion: float


class CoefficientMoves(NamedTuple):
    """What leaving a row out moves most, (b,): the column, and by how much per sd its coefficient changes."""

    column: IntArray
    change: FloatArray


def influence(problem: Problem, smoother: Smoother, u: FloatArray, intercept0: float) -> Influence:
    """Return the influence of every row on a fit, by one pass over the rows: 2 n q r flops."""
    v, away = working_weights(problem, u, intercept0)
    shared = 1.0 / float(v.sum()) if problem.intercept else 0.0
    leverage, double = np.empty(problem.n_rows), np.empty(problem.n_rows)
    for rows, scores in smoother.blocks(problem):
        squares = np.square(scores)
        leverage[rows] = v[rows] * (shared + squares.sum(axis=1))
        double[rows] = v[rows] * (shared + squares @ smoother.share)
    freedom = float(smoother.share.sum()) + float(problem.intercept)
    mu = _means(problem, u, intercept0)
    dispersion = _dispersion(problem, mu, freedom)
    slack = np.where(leverage < 1.0 - ONE, 1.0 - leverage, np.nan)
    change = leverage * away / slack
    with np.errstate(divide="ignore", invalid="ignore"):
        cooks = v * np.square(away / slack) * double / (freedom * dispersion)
    return Influence(
        leverage, problem.y - mu, np.where(np.isfinite(cooks), cooks, np.nan), change, dispersion
    )


def coefficient_moves(
    problem: Problem, smoother: Smoother, u: FloatArray, intercept0: float, rows: IntArray
) -> CoefficientMoves:
    """Return u - u_(-i) where it is largest, for some rows whose leverage is below 1."""
    v, away = working_weights(problem, u, intercept0)
    scores = smoother.scores(problem, rows)
    shared = 1.0 / float(v.sum()) if problem.intercept else 0.0
    leverage = v[rows] * (shared + np.square(scores).sum(axis=1))
    if not len(smoother.columns):
        return CoefficientMoves(np.full(len(rows), -1), np.full(len(rows), np.nan))
    moves = (scores * (v[rows] * away[rows] / np.maximum(1.0 - leverage, ONE))[:, None]) @ smoother.half.T
    most = np.abs(moves).argmax(axis=1)
    return CoefficientMoves(smoother.columns[most], moves[np.arange(len(rows)), most])


def _means(problem: Problem, u: FloatArray, intercept0: float) -> FloatArray:
    """Return mu of every row: (n,)."""
    eta = problem.predictor(u) + intercept0
    return problem.likelihood.mean(eta if problem.offset is None else eta + problem.offset)


def _dispersion(problem: Problem, mu: FloatArray, freedom: float) -> float:
    """Return phi, NaN where the fit leaves no row over or no residual.

    (y - mu)^2 / V(mu) is the squared residual over the information; the curvature of a gamma, y / mu, would
    give rows of small targets any weight.
    """
    if problem.family in ("binomial", "poisson"):
        return problem.weight_sum / problem.n_rows
    family, left = problem.likelihood, problem.n_rows - freedom
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        total = float(problem.weights @ (np.square(family.residual(problem.y, mu)) / family.information(mu)))
    usable = left > 1e-8 * problem.n_rows and 0.0 < total < np.inf
    return total / left if usable else float("nan")
