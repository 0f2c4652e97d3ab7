"""Standard errors of a fit without a penalty, or with one of squares.

With the weights W of the rows in the curvature of half the deviance (s_i, for the other families s_i times
the information), Z with the column of the intercept, and the penalty L = lambda diag(d) (0 for it),

    Cov = phi (Z'WZ + L)^-1 Z'WZ (Z'WZ + L)^-1,

at lambda 0 phi (Z'WZ)^-1. phi = sum_i s_i e_i^2 / w_i / (n - tr(2H - HH')) with the information w_i (1 for
gaussian) and the hat matrix H; for binomial and poisson W / n: rows are counted, not weights (Hoerl and
Kennard 1970, section 2; le Cessie and van Houwelingen 1992, section 3.2; Hastie and Tibshirani 1990, section
3.5, for the degrees of freedom; at lambda 0 McCullagh and Nelder 1989, sections 4.4 and 8.3). With a penalty
these are errors of the shrunken estimate about its own mean: its bias is in none of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.path import design_factor
from l2cli.core.problem import Problem
from l2cli.core.solvers.glm_rows import GlmRows
from l2cli.core.solvers.least_squares import least_squares
from l2cli.core.solvers.ridge import RidgeFactor
from l2cli.core.student import two_sided_quantile

FloatArray = npt.NDArray[np.float64]
TIED = 1e-6
"""Share of an axis in the null space from which the data do not tell its coefficient."""


class StandardErrors(NamedTuple):
    """Standard errors on the original scale: coef (p,), intercept; degrees of freedom of t (None: normal).

    Of several classes coef (p, C) and intercept (C,), for coefficients that sum to 0 over the classes.
    dispersion : phi, that of a row of weight 1 (NaN where it is not made).
    """

    coef: FloatArray
    intercept: FloatArray | float
    df: float | None
    dispersion: float = np.nan


def standard_errors(
    problem: Problem, u: FloatArray, intercept: FloatArray | float, lam: float = 0.0,
    factor: RidgeFactor | None = None,
) -> StandardErrors | None:  # fmt: skip
    """Return the standard errors of a solution u, intercept at ``lam`` (sum scale).

    None where it is bounded or has a penalty that is not of squares, where columns that no penalty bounds are
    tied, or where no row is left over.

    Parameters
    ----------
    u : (p,) float64, multinomial (p, C)
    intercept : float, multinomial (C,)
    factor : RidgeFactor, optional
        That of a gaussian problem's rows, where it was made before.

    Notes
    -----
    The original intercept is b0 - sum_j center_j w_j, so its variance is that of a linear form of (u, b0).
    """
    if problem.box is not None or (lam > 0.0 and not problem.is_smooth):  # the theory knows no bounds
        return None
    if problem.blocks is not None:
        from l2cli.core.block_covariance import block_errors  # most designs are one matrix

        unpenalized = lam == 0.0 and problem.n_classes == 1
        found = block_errors(problem, u, float(intercept)) if unpenalized else None
        return None if found is None else StandardErrors(*found)
    if problem.n_classes > 1:
        return _of_classes(problem, u, intercept, lam)
    if problem.family == "gaussian" and lam == 0.0:
        return _least_squares(problem)
    return _by_factor(problem, u, float(intercept), lam, factor)


def _least_squares(problem: Problem) -> StandardErrors | None:
    """Return the errors of least squares by the triangle of the rows, the most exact there is."""
    exact = least_squares(problem)
    df = problem.n_rows - (exact.rank if exact else 0) - int(problem.intercept)
    if exact is None or df < 1:
        return None
    variance, usable = exact.residual_sum / df, exact.usable
    scale, half = problem.scale[usable], exact.inverse_r
    coef = np.full(problem.n_columns, np.nan)
    coef[usable] = np.sqrt(variance) * np.linalg.norm(half, axis=1) / scale
    of_intercept = 0.0
    if problem.intercept:  # internal columns are centred: b0 is uncorrelated with u
        lever = (problem.center[usable] / scale) @ half
        of_intercept = float(np.sqrt(variance * (1.0 / problem.weight_sum + lever @ lever)))
    return StandardErrors(coef, of_intercept, df, variance)


class WorkingRows(NamedTuple):
    """The rows of a fit as those of least squares: residuals e (n,) / information, weights s w (n,)."""

    problem: Problem
    residual: FloatArray
    fixed: bool
    """True where the family knows its dispersion."""


def working_rows(problem: Problem, u: FloatArray, intercept: float) -> WorkingRows:
    """Return the gaussian problem whose Gram is the information of a solution u (p,), intercept.

    Its response is the working residual of the solution: (y - mu) / (dmu/deta).
    """
    eta = problem.predictor(u) + intercept
    if problem.family == "gaussian":
        return WorkingRows(problem, problem.response - eta, fixed=False)
    if problem.offset is not None:
        eta = eta + problem.offset
    family = problem.likelihood
    mu = family.mean(eta)
    information = family.information(mu)
    with np.errstate(divide="ignore", invalid="ignore"):
        residual = np.where(information > 0.0, family.residual(problem.y, mu) / information, 0.0)
    rows = problem._replace(
        family="gaussian", y=residual, offset=None, weights=problem.weights * information, shared=None
    )
    return WorkingRows(rows, residual, fixed=problem.family in ("binomial", "poisson"))


def _by_factor(
    problem: Problem, u: FloatArray, intercept: float, lam: float, factor: RidgeFactor | None
) -> StandardErrors | None:
    """Return the errors by the spectral form of the information: O(n p min(n, p)), also where p > n."""
    rows, residual, fixed = working_rows(problem, u, intercept)
    if factor is None or problem.family != "gaussian" or not factor.serves(lam):
        factor = design_factor(rows, lam)
    free, usable = factor.free, ~problem.constant
    if factor.free.rank < len(free.at) or (lam == 0.0 and factor.rank < int(usable.sum())):
        return None
    kept = factor.e / (factor.e + lam)
    spent = float(np.sum(kept * (2.0 - kept))) + free.rank + int(problem.intercept)
    df = problem.n_rows - spent
    if df < 1.0 and not fixed:
        return None
    weights = rows.weights
    phi = problem.weight_sum / problem.n_rows if fixed else float(weights @ residual**2) / df
    half = factor.V * (kept / np.sqrt(factor.e))
    variance = np.sum(half**2, axis=1) / factor.root**2
    variance[free.at] = np.diag(free.inverse) + np.sum((free.cross @ half) ** 2, axis=1)
    coef = np.where(usable, np.sqrt(phi * variance) / problem.scale, np.nan)
    of_intercept = 0.0
    if problem.intercept:
        mean = (weights @ rows.X) / weights.sum()
        lever = np.where(usable, mean + problem.center / problem.scale, 0.0)
        outside = lever[free.at]
        along = lever / factor.root
        along[free.at] = 0.0
        turned = (along - free.cross.T @ outside) @ half
        spread = 1.0 / weights.sum() + turned @ turned + outside @ free.inverse @ outside
        of_intercept = float(np.sqrt(phi * spread))
    return StandardErrors(coef, of_intercept, None if fixed else df, phi)


def _of_classes(
    problem: Problem, u: FloatArray, intercept: FloatArray | float, lam: float
) -> StandardErrors | None:
    """Return the standard errors of several classes, whose coefficients sum to 0.

    The shift that all classes have in common is the null space of the information: it has no part in the
    covariance, and gets a curvature of its own where no penalty bounds it.
    """
    usable, c = ~problem.constant, problem.n_classes
    counted = problem.n_rows / problem.weight_sum
    X, d = problem.X[:, usable], lam * problem.penalty[usable] * counted
    rows = GlmRows(problem._replace(weights=problem.weights * counted), X, d == 0.0)
    mu = problem.likelihood.mean(X @ u[usable] + intercept)
    size = (X.shape[1] + int(problem.intercept)) * c
    H, whole = (rows.curvature(mu, settled=settled)[:size, :size] for settled in (False, True))
    whole[np.diag_indices(size)] += np.repeat(np.append(d, 0.0), c)[:size]
    root = np.sqrt(np.diag(whole))
    e, V = np.linalg.eigh(whole / np.outer(root, root))
    if not e[0] > size * np.finfo(np.float64).eps * e[-1] * 10.0:
        return None
    inverse = (V / e) @ V.T / np.outer(root, root)
    covariance = (inverse @ H @ inverse).reshape(size // c, c, size // c, c)
    scale = problem.scale[usable]
    own = np.einsum("jkjk->jk", covariance)
    coef = np.full((problem.n_columns, c), np.nan)
    coef[usable] = np.sqrt(np.maximum(own[: len(scale)], 0.0)) / scale[:, None]
    if not problem.intercept:
        return StandardErrors(coef, np.zeros(c), None)
    lever = np.append(-problem.center[usable] / scale, 1.0)
    of_intercept = np.einsum("i,ikjk,j->k", lever, covariance, lever)
    return StandardErrors(coef, np.sqrt(np.maximum(of_intercept, 0.0)), None)


def quantile(level: float, df: float | None) -> float:
    """Return the two-sided quantile of t (normal if ``df`` is None) at a confidence level."""
    if df is None:
        from statistics import NormalDist

        return NormalDist().inv_cdf(0.5 + level / 2)
    return two_sided_quantile(level, df)
