"""Standard errors of an unpenalized fit.

Gaussian: Cov = sigma^2 (Z'SZ)^-1, sigma^2 = sum s_i e_i^2 / (n - p - 1) (rows counted, not weights); the
others: phi (Z'WZ)^-1 with the information W at the solution, phi = 1 for binomial and poisson, else Pearson's
sum s_i (y_i - mu_i)^2 / V(mu_i) / (n - p - 1) (McCullagh and Nelder 1989, sections 4.4 and 8.3). With the
intercept; None where columns are tied or no row is left over. They describe the unpenalized estimate, so they
are given at lambda 0 only.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.problem import Problem
from l2cli.core.solvers.glm_rows import GlmRows
from l2cli.core.solvers.least_squares import least_squares
from l2cli.core.student import two_sided_quantile

FloatArray = npt.NDArray[np.float64]


class StandardErrors(NamedTuple):
    """Standard errors on the original scale: coef (p,), intercept; degrees of freedom of t (None: normal).

    Of several classes coef (p, C) and intercept (C,), for coefficients that sum to 0 over the classes.
    """

    coef: FloatArray
    intercept: FloatArray | float
    df: int | None


def standard_errors(problem: Problem, u: FloatArray, intercept: FloatArray | float) -> StandardErrors | None:
    """Return the standard errors of an unpenalized solution u, intercept; None if bounded or not unique.

    Parameters
    ----------
    u : (p,) float64, multinomial (p, C)
    intercept : float, multinomial (C,)

    Notes
    -----
    The original intercept is b0 - sum_j center_j w_j, so its variance is that of a linear form of (u, b0).
    """
    if problem.box is not None:  # the theory knows no bounds
        return None
    if problem.blocks is not None:
        from l2cli.core.block_covariance import block_errors  # most designs are one matrix

        found = block_errors(problem, u, float(intercept)) if problem.n_classes == 1 else None
        return None if found is None else StandardErrors(*found)
    if problem.n_classes > 1:
        return _of_classes(problem, u, intercept)
    made = _gaussian(problem) if problem.family == "gaussian" else _glm(problem, u, intercept)
    if made is None:
        return None
    covariance, usable, df = made
    scale = problem.scale[usable]
    coef = np.full(problem.n_columns, np.nan)
    coef[usable] = np.sqrt(np.maximum(np.diag(covariance)[:-1], 0.0)) / scale
    lever = np.append(-problem.center[usable] / scale, 1.0)
    return StandardErrors(coef, float(np.sqrt(max(float(lever @ covariance @ lever), 0.0))), df)


Found = tuple[FloatArray, npt.NDArray[np.bool_], int | None]


def _gaussian(problem: Problem) -> Found | None:
    """Return covariance of (u, b0) on the usable columns, which those are, and the residual df."""
    exact = least_squares(problem)
    df = problem.n_rows - (exact.rank if exact else 0) - int(problem.intercept)
    if exact is None or df < 1:
        return None
    variance, size = exact.residual_sum / df, exact.rank
    covariance = np.zeros((size + 1, size + 1))
    covariance[:size, :size] = variance * (exact.inverse_r @ exact.inverse_r.T)
    if problem.intercept:  # internal columns are centred: b0 is uncorrelated with u
        covariance[size, size] = variance / problem.weight_sum
    return covariance, exact.usable, df


def _of_classes(problem: Problem, u: FloatArray, intercept: FloatArray | float) -> StandardErrors | None:
    """Return the standard errors of several classes by the pseudo-inverse of the information.

    Its rank is (p + 1)(C - 1): the shift that all classes have in common is its null space, so the
    pseudo-inverse is the covariance of the coefficients that sum to 0.
    """
    usable, c = ~problem.constant, problem.n_classes
    counted = problem._replace(weights=problem.weights * (problem.n_rows / problem.weight_sum))
    X = problem.X[:, usable]
    rows = GlmRows(counted, X, np.zeros(X.shape[1], dtype=bool))
    mu = problem.likelihood.mean(X @ u[usable] + intercept)
    size = (X.shape[1] + int(problem.intercept)) * c
    e, V = np.linalg.eigh(rows.curvature(mu, settled=False)[:size, :size])
    keep = e > size * np.finfo(np.float64).eps * e[-1] * 10.0
    if int(keep.sum()) < size // c * (c - 1):
        return None
    half = (V[:, keep] / np.sqrt(e[keep])).reshape(size // c, c, -1)
    scale = problem.scale[usable]
    coef = np.full((problem.n_columns, c), np.nan)
    coef[usable] = np.linalg.norm(half[: len(scale)], axis=2) / scale[:, None]
    if not problem.intercept:
        return StandardErrors(coef, np.zeros(c), None)
    lever = np.append(-problem.center[usable] / scale, 1.0)
    return StandardErrors(coef, np.linalg.norm(np.tensordot(lever, half, 1), axis=1), None)


def _glm(problem: Problem, u: FloatArray, intercept: FloatArray | float) -> Found | None:
    """Return the inverse information of (u, b0) times the dispersion; residual df where that is estimated."""
    usable = ~problem.constant
    eta = problem.X @ u + intercept
    if problem.offset is not None:
        eta = eta + problem.offset
    family = problem.likelihood
    weights = problem.weights * (problem.n_rows / problem.weight_sum)  # rows are counted, not weights
    mu = family.mean(eta)
    information = family.information(mu)
    root = np.sqrt(weights * information)
    A = np.column_stack([problem.X[:, usable], np.ones(problem.n_rows)]) * root[:, None]
    if not problem.intercept:
        A = A[:, :-1]
    if A.shape[0] < A.shape[1]:
        return None
    R = np.linalg.qr(A, mode="r")
    sigma = np.linalg.svd(R, compute_uv=False)
    if not sigma[-1] > max(A.shape) * np.finfo(np.float64).eps * sigma[0]:
        return None
    inverse = np.linalg.inv(R)
    size = int(usable.sum()) + 1
    covariance = np.zeros((size, size))
    covariance[: len(R), : len(R)] = inverse @ inverse.T
    if problem.family in ("binomial", "poisson"):
        return covariance, usable, None
    df = problem.n_rows - len(R)
    if df < 1:
        return None
    # the squared residual over the information is Pearson's (y - mu)^2 over the variance
    phi = float(weights @ (family.residual(problem.y, mu) ** 2 / information)) / df
    return phi * covariance, usable, df


def quantile(level: float, df: int | None) -> float:
    """Return the two-sided quantile of t (normal if ``df`` is None) at a confidence level."""
    if df is None:
        from statistics import NormalDist

        return NormalDist().inv_cdf(0.5 + level / 2)
    return two_sided_quantile(level, df)
