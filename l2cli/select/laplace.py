"""Evidence of an L2 penalty for classes and counts: the marginal likelihood by Laplace's method.

The solution at lambda is the mode of the posterior under u_j ~ N(0, 1 / (lambda d_j)), flat in the intercept
and the unpenalized columns, with weights as counts of rows. A normal density at the mode in place of the
posterior gives

    -2 log p(y | lambda) = J(lambda) + log det(H + lambda D) - sum_{d_j > 0} log(lambda d_j) + const,

J the penalized deviance and H half the Hessian of the deviance in intercept and coefficients, at the solution
(MacKay 1992, Neural Computation 4, "The evidence framework applied to classification networks";
Bishop 2006, Pattern Recognition and Machine Learning, equation 4.137). The dispersion is 1: of families with
an unknown one, gamma and tweedie, there is no such number. Of several classes u_jk ~ N(0, 1 / (lambda d_j)),
and H is that of what tells the classes apart, C - 1 contrasts: what is common to all has no likelihood, and
its posterior is its prior.

Notes
-----
A lambda costs its Newton steps, one H (n m^2 flops) and a factorization (m^3 / 3), m columns, n where p > n:
the rotated ones, as those outside the row space have the determinant of their prior.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from l2cli.core.problem import Problem
from l2cli.core.solvers.glm_rows import contrasts
from l2cli.core.solvers.newton import NewtonSolver
from l2cli.errors import FitError
from l2cli.select.alo import applies
from l2cli.select.curve import Curve
from l2cli.select.loo import defined
from l2cli.select.solutions import Solutions

FloatArray = npt.NDArray[np.float64]
FAMILIES = ("binomial", "multinomial", "poisson")
ENDLESS = 1e10
"""Lambda, as a multiple of a column's curvature over its d, at which the effects are none."""


def has_evidence(problem: Problem) -> bool:
    """Return True where the evidence is that of this module."""
    return problem.family in FAMILIES and applies(problem)


def laplace_evidence(fits: Solutions, lambdas: FloatArray) -> Curve:
    """Return the curve of -2 log p(y | lambda), as :func:`l2cli.select.evidence.evidence` returns its own.

    Raises
    ------
    FitError
        A fit did not converge, or the unpenalized columns leave the posterior without a mode.
    """
    value = np.full(len(lambdas), np.inf)
    for at in np.argsort(-lambdas, kind="stable"):
        if lambdas[at] > 0.0:
            value[at] = _minus_two_log(*fits.at(float(lambdas[at])), float(lambdas[at]))
    unknown = np.full(len(lambdas), np.nan)
    return defined(Curve(lambdas, value - _without_effects(fits), unknown, unknown), "evidence")


def _without_effects(fits: Solutions) -> float:
    """Return the limit of -2 log p for lambdas without end."""
    solver = fits.solver
    bound = np.flatnonzero(solver.d > 0)
    if not len(bound):
        return 0.0
    mu = solver.rows.evaluate(solver.rows.origin())[0]
    largest = float((np.diag(solver.rows.curvature(mu))[bound] / solver.d[bound]).max()) or 1.0
    return _minus_two_log(*fits.at(ENDLESS * largest), ENDLESS * largest)


def _minus_two_log(solver: NewtonSolver, theta: FloatArray, lam: float) -> float:
    """Return -2 log p(y | lambda) up to a constant."""
    mu, _, half = solver.rows.evaluate(theta)
    H, d = solver.rows.curvature(mu, settled=False), solver.d
    pull, c = lam * float(d @ np.square(theta[: len(d)])), solver.classes
    if c > 1:
        H, d = contrasts(H, c), np.repeat(d[::c], c - 1)
    size = len(d)
    scale = np.ones(len(H))
    scale[:size] = np.where(d > 0, 1.0 / np.sqrt(lam * np.where(d > 0, d, 1.0)), 1.0)
    M = H * np.outer(scale, scale)
    M[np.arange(size), np.arange(size)] += d > 0
    kept = np.diag(M) > 0
    kept[size:] = solver.problem.intercept
    sign, log_det = np.linalg.slogdet(M[np.ix_(kept, kept)])
    if not (sign > 0 and np.isfinite(log_det)):
        raise FitError(
            "no evidence: the unpenalized columns are tied, and their posterior has no mode",
            hint="penalize them, or use --select cv",
        )
    return 2.0 * half + pull + float(log_det)
