"""Grids of lambda: which values are tried, on the sum scale unless said otherwise."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from l2cli.core.objective import ALONE, gradient_size, null_eta
from l2cli.core.path import design_factor, solve_path
from l2cli.core.problem import Problem
from l2cli.core.solvers.ridge import RidgeFactor
from l2cli.spec import GridSpec

FloatArray = npt.NDArray[np.float64]
LOW_DF, HIGH_DF = 0.01, 0.999
"""An automatic grid spans these shares of the rank in effective degrees of freedom."""
FLOOR, WIDE_FLOOR = 1e-4, 1e-2
"""With an L1 part it goes from the largest useful lambda down to this share of it; the second for p > n."""
SURE = 1.0 + 1e-12
"""What the largest useful lambda is raised by, so that rounding leaves no coefficient there."""
MOST_EXTENSIONS = 3
"""An automatic grid whose best value lies on its edge grows to at most this many times its length."""


def log_grid(low: float, high: float, count: int) -> FloatArray:
    """Return ``count`` values from ``high`` down to ``low``, even in log lambda; the ends are exact."""
    if count == 1 or high == low:
        return np.array([high])
    grid = np.exp(np.linspace(np.log(high), np.log(low), count))
    grid[0], grid[-1] = high, low
    return grid


def lambda_at_df(e: FloatArray, df: float, count: FloatArray | float = 1.0) -> float:
    """Return the lambda at which sum count e / (e + lambda) is ``df``: bisection in log lambda.

    ``count`` (r,): how often each eigenvalue is there; 0 < df < sum count.
    """
    low, high = np.log(e.min()) - 40.0, np.log(e.max()) + np.log(len(e)) + 40.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        if float((count * e / (e + np.exp(middle))).sum()) > df:
            low = middle
        else:
            high = middle
    return float(np.exp(0.5 * (low + high)))


def automatic_grid(e: FloatArray, count: int) -> FloatArray:
    """Return a grid over which the effective df go from LOW_DF to HIGH_DF of the rank (descending lambda).

    Parameters
    ----------
    e : (r,) float64
        Positive eigenvalues of the penalized curvature: of D^-1/2 Z'SZ D^-1/2 (gaussian) or Z'WZ at the null
        model. Empty (no column varies): the single lambda 1.
    """
    if not len(e):
        return np.array([1.0])
    rank = len(e)
    return log_grid(lambda_at_df(e, HIGH_DF * rank), lambda_at_df(e, LOW_DF * rank), count)


def curvature_eigenvalues(problem: Problem, factor: RidgeFactor | None = None) -> FloatArray:
    """Return the eigenvalues (r,) of half the deviance's curvature at the null model, penalized columns only.

    Gaussian: those of the factor. Else: the null model has one weight W without an offset, so they are the
    gaussian ones times it; with an offset the mean of W serves (a grid need not be exact).
    """
    if factor is None:
        factor = design_factor(problem, np.inf)
    family = problem.likelihood
    mu = family.mean(null_eta(problem))
    if problem.n_classes > 1:  # diag(mu) - mu mu' of one row, crossed with the columns
        share = mu[0]
        level = np.linalg.eigvalsh(np.diag(share) - np.outer(share, share))[1:]
        return np.multiply.outer(factor.e, level[level > 0]).ravel()
    information = float(problem.weights @ family.information(mu)) / problem.weight_sum
    return factor.e * information if information > 0 else factor.e


def lambda_grid(
    spec: GridSpec, problem: Problem, factor: RidgeFactor | None = None, *, weight: float = 1.0
) -> tuple[FloatArray, bool]:
    """Return the lambdas asked for, and True where the data chose them.

    Parameters
    ----------
    factor : RidgeFactor, optional
        Of all rows, if it was made before.
    weight : float
        What a lambda is multiplied with to be on the sum scale: automatic ones are divided by it.
    """
    if spec.values is not None:
        return np.array(spec.values), False
    if spec.low is not None and spec.high is not None:
        return log_grid(spec.low, spec.high, spec.count), False
    if problem.l1_ratio > 0.0:
        high = lambda_max(problem)
        floor = WIDE_FLOOR if problem.n_columns > problem.n_rows else FLOOR
        grid = log_grid(floor * high, high, spec.count) if high > 0 else np.array([1.0])
        return grid / weight, True
    if problem.blocks is not None:
        return _block_grid(problem, spec.count) / weight, True
    return automatic_grid(curvature_eigenvalues(problem, factor), spec.count) / weight, True


def _block_grid(problem: Problem, count: int) -> FloatArray:
    """Return :func:`automatic_grid` by the estimated spectrum of columns in blocks."""
    from l2cli.core.block_path import RANK, block_grid_spectrum  # most designs are one matrix

    found = block_grid_spectrum(problem)
    e, share = found.nodes.ravel(), found.weights.ravel() / len(found.nodes)
    real = (e > RANK * e.max(initial=0.0)) & (share > 0.0)
    if not real.any():
        return np.array([1.0])
    e, share = e[real], share[real]
    rank = float(share.sum())
    return log_grid(lambda_at_df(e, HIGH_DF * rank, share), lambda_at_df(e, LOW_DF * rank, share), count)


def lambda_max(problem: Problem) -> float:
    """Return the smallest lambda (sum scale) at which all penalized coefficients are 0, for r > 0.

    ``max_j |z_j'S e| / (r l_j)`` over the penalized columns (and classes), e the residual of intercept,
    offset and the unpenalized columns (SPEC section 1); of groups the norms of these over each group. Where a
    bound at 0 stops the way that z_j'S e pulls, it counts as 0, and so does a pull that is rounding alone.
    Bounds that leave 0 out make it a guess.
    """
    bound = (problem.factors > 0.0) & ~problem.constant
    if problem.blocks is not None:
        from l2cli.core.block_path import bare_residual

        pull = problem.blocks.back(bare_residual(problem)).T
        if np.abs(pull[..., bound]).max(initial=0.0) <= ALONE * gradient_size(problem):
            return 0.0
        weight = np.where(bound, problem.l1_ratio * problem.l1_penalty, np.inf)
        return float(np.abs(pull / weight).max(initial=0.0)) * SURE
    free = np.flatnonzero((problem.factors == 0.0) & ~problem.constant)
    eta = null_eta(problem)
    if len(free):
        path = solve_path(problem.select(free), np.zeros(1))
        eta = problem.X[:, free] @ path.u[..., 0] + path.intercept0[..., 0]
        eta = eta if problem.offset is None else eta + problem.offset
    family = problem.likelihood
    residual = problem.weights * family.residual(problem.y, family.mean(eta)).T
    pull = np.atleast_2d(residual @ problem.X)
    if np.abs(pull[:, bound]).max(initial=0.0) <= ALONE * gradient_size(problem):
        return 0.0
    pull = pull / np.where(bound, problem.l1_ratio * problem.l1_penalty, np.inf)
    if problem.box is not None:
        pull = np.where(np.where(pull > 0.0, problem.box.upper > 0.0, problem.box.lower < 0.0), pull, 0.0)
    largest = np.abs(pull).max(initial=0.0) if problem.groups is None else problem.groups.norms(pull.T).max()
    return float(largest) * SURE


def extend(grid: FloatArray, edge: str, limit: int) -> FloatArray:
    """Return the lambdas to add beyond one edge of a log grid (in the same steps), at most ``limit``.

    ``edge`` is ``high`` (larger lambdas are added, nearest the edge first) or ``low``.
    """
    if len(grid) < 2 or limit < 1:
        return np.zeros(0)
    step = np.log(grid[0] / grid[-1]) / (len(grid) - 1)
    count = min(limit, max(1, len(grid) // 4))
    steps = np.arange(1, count + 1) * step
    more: FloatArray = grid[0] * np.exp(steps) if edge == "high" else grid[-1] * np.exp(-steps)
    return more
