"""Estimates of coefficients without the bias of a penalty, and their standard errors.

Where the rows leave enough over, the bias is removed whole: what is left is the unpenalized fit, whose
theory is exact (gaussian) or that of maximum likelihood. Else, for a penalty with an L1 part, every
coefficient is corrected along a direction that is all but uncorrelated with the other columns,

    b_j = w_j + z_j'r / z_j'x_j,      z_j = x_j - X_-j gamma_j,      se_j = sigma |z_j| / |z_j'x_j|,

with r the residuals, gamma_j the lasso of column j on the others (nodewise), and rows scaled by the root of
their weight in the information (Zhang and Zhang 2014, JRSS B 76; van de Geer, Buhlmann, Ritov and Dezeure
2014, Annals of Statistics 42, section 3 for the other families; Javanmard and Montanari 2014, JMLR 15). That
is right for few nonzero coefficients, s log(p) / sqrt(n) small: then what is left of the bias is small
against se. sigma^2 = RSS / (n - df) (Reid, Tibshirani and Friedman 2016, Statistica Sinica 26).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.covariance import StandardErrors, standard_errors, working_rows
from l2cli.core.path import solve_path
from l2cli.core.problem import Problem
from l2cli.core.solvers.active_set import ActiveSet
from l2cli.core.solvers.gram import DenseGram
from l2cli.core.solvers.newton import RUNAWAY
from l2cli.errors import FitError, UsageError

FloatArray = npt.NDArray[np.float64]
ROWS_PER_COLUMN = 10
"""Rows for each coefficient from which maximum likelihood is what its theory says (Sur and Candes 2019)."""
EXTRA_NOISE = 0.25
"""Share by which a direction may be noisier than the first one that is good enough, to have less bias."""
STEP = 0.85
"""Ratio of one lambda of a nodewise path to the one before."""
LEAST = 1e-3
"""Share of its largest lambda below which no nodewise path goes."""


class Debiased(NamedTuple):
    """Estimates on the original scale, (p,) or of classes (p, C), with their errors; how, in words."""

    coef: FloatArray
    errors: StandardErrors
    method: str


def debiased(
    problem: Problem, u: FloatArray, intercept: FloatArray | float, effective_df: float
) -> Debiased:
    """Return estimates without the bias of the penalty of a solution u, intercept (internal).

    Raises
    ------
    UsageError
        There are too few rows for what the theory needs.
    FitError
        There is no unpenalized fit.
    """
    n, p = problem.n_rows, int((~problem.constant).sum())
    gaussian, left = problem.family == "gaussian", n - int(problem.intercept)
    sparse = problem.l1_ratio > 0.0
    coefficients = p * max(1, problem.n_classes - 1)
    if (left >= 2 * p or (left > p and not sparse)) if gaussian else n >= ROWS_PER_COLUMN * coefficients:
        return _unpenalized(problem)
    if sparse and problem.family in ("gaussian", "binomial", "poisson"):
        return _corrected(problem, u, float(intercept), effective_df)
    rows = f"{n} rows for {coefficients} coefficients"
    if gaussian:
        raise UsageError(
            f"--inference debiased cannot tell the bias of an L2 penalty from {rows}",
            hint="add --l1-ratio 1, right where few features matter, or use --inference bootstrap",
        )
    raise UsageError(
        f"--inference debiased needs {ROWS_PER_COLUMN} rows for each coefficient, and there are {rows}",
        hint="use --inference bootstrap",
    )


def _unpenalized(problem: Problem) -> Debiased:
    """Return the unpenalized fit: the penalty's bias removed whole."""
    bare = problem._replace(l1_ratio=0.0)
    path = solve_path(bare, np.zeros(1))
    if path.last_move[0] > RUNAWAY or not path.certificate.converged()[0]:
        raise FitError(
            "--inference debiased: there is no unpenalized fit, the classes are separated",
            hint="use --inference shrunken or bootstrap", code="separated",
        )  # fmt: skip
    errors = standard_errors(bare, path.u[..., 0], path.intercept0[..., 0])
    if errors is None:
        raise FitError(
            "--inference debiased: there is no unique unpenalized fit, columns depend on one another",
            hint="leave columns out with --drop, use --coding treatment, or --inference bootstrap",
        )
    method = "least squares" if problem.family == "gaussian" else "maximum likelihood"
    return Debiased(path.coef[..., 0], errors, f"{method}: the penalty's bias is removed whole")


def _corrected(problem: Problem, u: FloatArray, intercept: float, effective_df: float) -> Debiased:
    """Return a solution with an L1 part, corrected along nodewise directions."""
    rows, residual, fixed = working_rows(problem, u, intercept)
    weights, usable = rows.weights, ~problem.constant
    root = np.sqrt(weights)[:, None]
    Z = rows.X[:, usable]
    if problem.intercept:
        Z = Z - (weights @ Z) / weights.sum()
        residual = residual - (weights @ residual) / weights.sum()
    Z = Z * root
    r = residual * root[:, 0]
    length = np.linalg.norm(Z, axis=0)
    Z /= length
    df = problem.n_rows - effective_df - int(problem.intercept)
    if df < 1.0:
        raise FitError(
            "--inference debiased: the fit leaves no row to tell the noise", hint="give a larger lambda"
        )
    phi = problem.weight_sum / problem.n_rows if fixed else float(r @ r) / df
    move, spread = nodewise(Z.T @ Z, Z.T @ r)
    coef, se = np.zeros(problem.n_columns), np.full(problem.n_columns, np.nan)
    scale = problem.scale[usable]
    coef[usable] = (u[usable] + move / length) / scale
    se[usable] = np.sqrt(phi) * spread / length / scale
    errors = StandardErrors(se, np.nan, None, phi)
    return Debiased(coef, errors, "corrected along nodewise lasso directions")


def nodewise(C: FloatArray, score: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return corrections z_j'r / z_j'x_j and noise factors |z_j| / |z_j'x_j| of columns of unit length.

    Parameters
    ----------
    C : (p, p) float64
        Products of the columns, their diagonal 1.
    score : (p,) float64
        Products X'r with the residuals.

    Notes
    -----
    A path of p - 1 columns for each column, down to the lambda of Zhang and Zhang (2014, table 2): the first
    whose bias factor max_k |z_j'x_k| / |z_j| is at most sqrt(2 log p), then on while the noise factor grows
    by no more than a quarter. The lasso's conditions make the bias factor lambda / |z_j|.
    """
    p = len(C)
    gram, target = DenseGram(C), np.sqrt(2.0 * np.log(max(p, 2)))
    move, spread = np.empty(p), np.empty(p)
    for j in range(p):
        move[j], spread[j] = _direction(gram, score, j, target)
    return move, spread


def _direction(gram: DenseGram, score: FloatArray, j: int, target: float) -> tuple[float, float]:
    """Return correction and noise factor of column j."""
    C, p = gram.matrix, len(score)
    others = np.ones(p)
    others[j] = 0.0
    largest = float(np.max(np.abs(C[j]) * others, initial=0.0))
    best, allowed = (float(score[j]), 1.0), np.inf
    if largest == 0.0:
        return best
    lasso, none = ActiveSet(gram), np.zeros(p)
    lam = largest
    while lam > LEAST * largest:
        lam *= STEP
        kink = np.full(p, lam)
        kink[j] = 2.0  # more than |x_j'x_j|: it never takes part itself
        gamma = lasso.solve(C[j], kink, none, tol=1e-8)
        product = float(C[j] @ gamma)
        rest = float(np.sqrt(max(1.0 - 2.0 * product + gamma @ gram.product(gamma), 0.0)))
        own = 1.0 - product
        if own <= 1e-12 or rest / own > allowed:
            break
        best = ((float(score[j]) - float(gamma @ score)) / own, rest / own)
        if not np.isfinite(allowed) and lam <= target * rest:
            allowed = (1.0 + EXTRA_NOISE) * rest / own
    return best
