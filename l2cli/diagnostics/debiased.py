"""Estimates of coefficients without the bias of a penalty, and their standard errors.

Where the rows leave enough over, the bias is removed whole: what is left is the unpenalized fit, whose
theory is exact (gaussian) or that of maximum likelihood. Else, for a penalty with an L1 part, every
coefficient gets the value at which the residuals are uncorrelated with a direction that is itself all but
uncorrelated with the other columns,

    z_j'r(b_j) = 0,    z_j = x_j - X_-j gamma_j,

where r(b) are the residuals of the penalized fit of the other columns to y - x_j b, their active set F and
signs held. r is linear in b: with P the hat matrix of F without j,

    b_j = w_j + z_j'r / z_j'(1 - P)x_j,    se_j = sigma |(1 - P)z_j| / |z_j'(1 - P)x_j|,

and the nodewise lasso of column j on the others gives gamma_j (Zhang and Zhang 2014, JRSS B 76; Javanmard and
Montanari 2014, JMLR 15; they hold the other coefficients as well, P = 0: that it takes the degrees of freedom
is in Bellec and Zhang 2022, Bernoulli 28). sigma^2 = RSS / (n - df) (Reid, Tibshirani and Friedman 2016,
Statistica Sinica 26). For counts and classes rows are scaled by the root of their weight in the information
(van de Geer, Buhlmann, Ritov and Dezeure 2014, Annals of Statistics 42, section 3), and the same equations,
of scores in place of residuals, are solved by Newton's method from there (the decorrelated score of Ning and
Liu 2017, Annals of Statistics 45): one step alone is biased where effects are strong, and its errors are
those of the shrunken fit. All is right for few coefficients that are not 0, s log(p) / sqrt(n) small.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.covariance import StandardErrors, standard_errors, working_rows
from l2cli.core.path import solve_path
from l2cli.core.problem import Problem
from l2cli.core.solvers.active_set import ActiveSet
from l2cli.core.solvers.gram import DenseGram
from l2cli.core.solvers.newton import RUNAWAY
from l2cli.errors import FitError

FloatArray = npt.NDArray[np.float64]
ROWS_PER_COLUMN = 20
"""Rows for each coefficient from which maximum likelihood is what its theory says (Sur and Candes 2019)."""
EXTRA_NOISE = 0.1
"""Share by which a direction may be noisier than the first one that is good enough, to have less bias. The
quarter of Zhang and Zhang, who do not profile, makes intervals 10 % wider and covers no more (measured)."""
MOST_DIRECTIONS = 4000
"""Features up to which each may have a direction: some 50 ms each for 800 of them, and p^2 numbers in all."""
STEP = 0.8
"""Ratio of one lambda of a nodewise path to the one before."""
MOST_STEPS, LONGEST, SETTLED = 50, 2.0, 1e-8
"""Newton's steps for one coefficient, how long one may be, and how short the last (of internal columns)."""
LEAST = 1e-5
"""Share of its largest lambda below which no nodewise path goes."""


class Debiased(NamedTuple):
    """Estimates on the original scale, (p,) or of classes (p, C), with their errors; how, in words."""

    coef: FloatArray
    errors: StandardErrors
    method: str


def debiased(
    problem: Problem, u: FloatArray, intercept: FloatArray | float, lam: float, effective_df: float
) -> Debiased:
    """Return estimates without the bias of the penalty of a solution u, intercept (internal) at ``lam``.

    Raises
    ------
    FitError
        There are too few rows for what the theory needs, or there is no unpenalized fit.
    """
    n, p = problem.n_rows, int((~problem.constant).sum())
    gaussian, left = problem.family == "gaussian", n - int(problem.intercept)
    sparse = problem.l1_ratio > 0.0
    coefficients = p * max(1, problem.n_classes - 1)
    if (left >= 2 * p or (left > p and not sparse)) if gaussian else n >= ROWS_PER_COLUMN * coefficients:
        return _unpenalized(problem)
    if p > MOST_DIRECTIONS and sparse:
        raise FitError(
            f"--inference debiased solves a lasso for each of {p} features, {MOST_DIRECTIONS} at most",
            hint="use --inference bootstrap, or leave features out",
        )
    if sparse and problem.family in ("gaussian", "binomial", "poisson"):
        return _corrected(problem, u, float(intercept), lam, effective_df)
    rows = f"{n} rows for {coefficients} coefficients"
    if gaussian:
        raise FitError(
            f"--inference debiased cannot tell the bias of an L2 penalty from {rows}",
            hint="add --l1-ratio 1, right where few features matter, or use --inference bootstrap",
        )
    raise FitError(
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


def _corrected(
    problem: Problem, u: FloatArray, intercept: float, lam: float, effective_df: float
) -> Debiased:
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
    C = Z.T @ Z
    directions = nodewise(C, problem.n_rows)
    active = (u[usable] != 0.0) | (problem.factors[usable] == 0.0)
    squares = lam * (1.0 - problem.l1_ratio) * problem.penalty[usable]
    coef, se = np.zeros(problem.n_columns), np.full(problem.n_columns, np.nan)
    scale = problem.scale[usable]
    if problem.family == "gaussian":
        own, spread = _profiled(C, directions, np.flatnonzero(active), squares / length**2)
        estimate, spread = (
            u[usable] + (directions.T @ (Z.T @ r)) / own / length,
            spread / np.abs(own) / length,
        )
    else:
        kinks = lam * problem.l1_ratio * problem.penalty[usable] * np.sign(u[usable])
        scores = _Scores(problem, problem.X[:, usable], squares, kinks)
        instruments = Z @ (directions / length) / root
        start, at = np.append(u[usable], intercept), np.flatnonzero(active)
        found = [scores.solve(j, at, instruments[:, j], start) for j in range(len(scale))]
        estimate, spread = np.array(found).T
    coef[usable], se[usable] = estimate / scale, np.sqrt(phi) * spread / scale
    errors = StandardErrors(se, np.nan, None if fixed else df, phi)
    return Debiased(coef, errors, "corrected along nodewise lasso directions")


class _Scores(NamedTuple):
    """The equations of a fit with signs held, of a family other than gaussian, one column freed at a time.

    X : (n, p) float64, of internal columns that vary. squares, kinks : (p,) weights of the squares in the
    penalty, and its slope from L1.
    """

    problem: Problem
    X: FloatArray
    squares: FloatArray
    kinks: FloatArray

    def solve(
        self, j: int, active: npt.NDArray[np.int64], z: FloatArray, start: FloatArray
    ) -> tuple[float, float]:
        """Return b_j that solves z's(b) = 0, s the scores, and its standard error for dispersion 1.

        ``active`` columns and the intercept follow; of j, which no penalty holds, z is the instrument.
        ``start`` (p + 1,) are the coefficients and the intercept.

        Raises
        ------
        FitError
            There is no root.
        """
        problem, family, others = self.problem, self.problem.likelihood, active[active != j]
        columns = np.append(others, j)
        X = self.X[:, columns]
        squares, kinks = np.append(self.squares[others], 0.0), np.append(self.kinks[others], 0.0)
        b = start[columns]
        if problem.intercept:
            X = np.column_stack([np.ones(len(X)), X])
            squares, kinks, b = (np.append(v, w) for v, w in ((0.0, squares), (0.0, kinks), (start[-1], b)))
        Z = X.copy()
        Z[:, -1] = z
        offset = 0.0 if problem.offset is None else problem.offset
        for _ in range(MOST_STEPS):
            mu = family.mean(X @ b + offset)
            weighted = Z * (problem.weights * family.information(mu))[:, None]
            step = Z.T @ (problem.weights * family.residual(problem.y, mu)) - squares * b - kinks
            if not np.isfinite(weighted).all():
                break
            try:
                inverse = np.linalg.inv(weighted.T @ X + np.diag(squares))
            except np.linalg.LinAlgError:  # no row has a weight left
                break
            step = inverse @ step
            size = float(np.abs(step).max())
            b = b + step * (LONGEST / max(size, LONGEST))
            if size < SETTLED:
                return float(b[-1]), math.sqrt(float(inverse[-1] @ (weighted.T @ Z) @ inverse[-1]))
        raise FitError(
            "--inference debiased: a coefficient without its penalty has no finite estimate",
            hint="give a larger lambda, or use --inference bootstrap",
        )


def _profiled(
    C: FloatArray, directions: FloatArray, active: npt.NDArray[np.int64], squares: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return z_j'(1 - P)x_j and |(1 - P)z_j| of every column, P the hat matrix of ``active`` without j.

    ``squares`` (p,) are the weights of the squares in the penalty: with them P is no projection.
    """
    V = C @ directions
    S = C[np.ix_(active, active)]
    K = np.linalg.pinv(S + np.diag(squares[active]), hermitian=True)
    place = np.full(len(C), -1)
    place[active] = np.arange(len(active))
    own, spread = np.empty(len(C)), np.empty(len(C))
    for j in range(len(C)):
        v, x, inverse = V[active, j], C[active, j], K
        if (at := place[j]) >= 0 and K[at, at] > 0.0:  # the inverse without column j, its row and column 0
            inverse = K - np.outer(K[at], K[at]) / K[at, at]
        taken = inverse @ v
        own[j] = V[j, j] - taken @ x
        square = float(directions[:, j] @ V[:, j] - 2.0 * taken @ v + taken @ S @ taken)
        spread[j] = math.sqrt(max(square, 0.0))
    return own, spread


def nodewise(C: FloatArray, n: int) -> FloatArray:
    """Return directions z_j = sum_k d_kj x_k of columns of unit length: d (p, p), its diagonal 1.

    Parameters
    ----------
    C : (p, p) float64
        Products of the columns, their diagonal 1.
    n : int
        Number of rows.

    Notes
    -----
    A path of p - 1 columns for each column, down to the lambda of Zhang and Zhang (2014, table 2): the first
    whose bias factor max_k |z_j'x_k| / |z_j| is at most sqrt(2 log(p) / n), then on while the noise factor
    |z_j| / |z_j'x_j| grows by no more than EXTRA_NOISE. The lasso's conditions make the bias factor
    lambda / |z_j|.
    """
    p = len(C)
    gram, target = DenseGram(C), float(np.sqrt(2.0 * np.log(max(p, 2)) / n))
    return np.column_stack([_direction(gram, j, target) for j in range(p)])


def _direction(gram: DenseGram, j: int, target: float) -> FloatArray:
    """Return the direction of column j: (p,).

    Raises
    ------
    FitError
        None is good enough: the column is all but a combination of others, whose effect is not told from its.
    """
    C, p = gram.matrix, len(gram.matrix)
    best, others = np.zeros(p), np.ones(p)
    best[j], others[j] = 1.0, 0.0
    largest = lam = float(np.max(np.abs(C[j]) * others, initial=0.0))
    lasso, none, allowed = ActiveSet(gram), np.zeros(p), np.inf
    while lam > LEAST * largest:
        lam *= STEP
        kink = np.full(p, lam)
        kink[j] = 2.0  # more than |x_j'x_j|: it never takes part itself
        gamma = lasso.solve(C[j], kink, none, tol=1e-6)
        product = float(C[j] @ gamma)
        rest = math.sqrt(max(float(1.0 - 2.0 * product + gamma @ gram.product(gamma)), 0.0))
        own = 1.0 - product
        if own <= 1e-12 or rest / own > allowed:
            break
        best = -gamma
        best[j] = 1.0
        if not np.isfinite(allowed) and lam <= target * rest:
            allowed = (1.0 + EXTRA_NOISE) * rest / own
    if not np.isfinite(allowed) and largest > target:
        raise FitError(
            "--inference debiased: columns depend on one another, so that their effects are not told apart",
            hint="leave columns out with --drop, use --coding treatment, or --inference bootstrap",
        )
    return best
