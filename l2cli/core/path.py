"""A path: the minimisers of J at many lambdas, each solved exactly and certified by a pass over the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.moments import GramSystem, gram_system, moments_of
from l2cli.core.objective import Certificate, certify, null_gradient
from l2cli.core.penalties import subgradient_distance
from l2cli.core.problem import Problem, row_blocks
from l2cli.core.solvers.gram import DenseGram, ProductGram
from l2cli.core.solvers.least_squares import least_squares
from l2cli.core.solvers.newton import NewtonSolver
from l2cli.core.solvers.ridge import (
    RidgeFactor,
    factor_from_gram,
    factor_from_kernel,
    factor_from_rows,
    penalized_inverse,
    scaled_rows,
)

if TYPE_CHECKING:
    from l2cli.core.solvers.elastic_net import ElasticNet
    from l2cli.core.solvers.l1_newton import L1Newton

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
ROWS_FLOPS = 2e7
"""Up to n p min(n, p) of this size the rows are factorized outright: exact, and as fast as start-up."""
SETTLED = 1e-14
"""A relative gradient below this is not corrected further."""
ROUGH = 1e-9
"""A relative gradient above this is not left to the spectral form."""
MOST_DIRECT_COLUMNS = 2000
"""Columns up to which one linear system per lambda is affordable."""
REFINEMENTS = 3
MISSED = 1e-8
"""A coefficient may be off by this much of the largest for want of eigenvectors that the Gram matrix lost."""


class Path(NamedTuple):
    """Minimisers at ``lambdas`` (L,), sum scale, in the order given.

    u, intercept0 : (p, L), (L,) internal coordinates, of classes (p, C, L), (C, L). coef, intercept : the
    same on the original scale.
    effective_df : (L,) without the intercept. certificate : independent of the solver. rank : of the design.
    tied : (p,) columns that the data do not identify. last_move : (L,) change of eta in the last Newton step
    (0 for gaussian); one that is not small tells of separated classes. active : (p, L), of classes (p, C, L),
    of a relaxed path the coefficients of its unpenalized parent, else None. effective_df_se : (L,) standard
    errors where effective_df is an estimate, else None.
    """

    lambdas: FloatArray
    u: FloatArray
    intercept0: FloatArray
    coef: FloatArray
    intercept: FloatArray
    effective_df: FloatArray
    certificate: Certificate
    rank: int
    tied: BoolArray
    last_move: FloatArray
    active: BoolArray | None = None
    effective_df_se: FloatArray | None = None


def design_factor(problem: Problem, smallest_lambda: float) -> RidgeFactor:
    """Return the spectral factor of all rows, the cheapest that is exact enough for ``smallest_lambda``.

    Infinity asks for the eigenvalues alone (to place a grid): then the rows are never factorized.
    """
    n, p = problem.X.shape
    by_rows = bool(n * p * min(n, p) <= ROWS_FLOPS and np.isfinite(smallest_lambda))
    if problem.shared is None:
        return _make_factor(problem, smallest_lambda, by_rows=by_rows)
    common = problem.shared.common
    made = [f for f in common.factors if f.serves(smallest_lambda) and (f.exact or not by_rows)]
    if not made:
        made = [_make_factor(common.several, smallest_lambda, by_rows=by_rows)]
        common.factors += made
    return made[0].target(problem.shared.target)


def _make_factor(problem: Problem, smallest_lambda: float, *, by_rows: bool) -> RidgeFactor:
    if by_rows:
        return factor_from_rows(problem)
    wide = problem.n_columns > problem.n_rows
    factor = factor_from_kernel(problem) if wide else factor_from_gram(system_of(problem))
    return factor if factor.serves(smallest_lambda) else factor_from_rows(problem)


def system_of(problem: Problem) -> GramSystem:
    """Return the Gram system of all rows; problems that share a design make it once."""
    if problem.shared is None:
        return gram_system(problem, moments_of(problem))
    common = problem.shared.common
    if common.system is None:
        common.system = system_of(common.several)
    return common.system.target(problem.shared.target)


def solve_path(problem: Problem, lambdas: FloatArray, factor: RidgeFactor | None = None) -> Path:
    """Return the path of a problem at ``lambdas`` (L,), sum scale.

    Parameters
    ----------
    factor : RidgeFactor, optional
        Gaussian only: a factor made before (by :func:`design_factor`).
    """
    lambdas = np.asarray(lambdas, dtype=np.float64)
    if problem.blocks is not None:
        from l2cli.core.block_path import solve_block_path  # most designs are one matrix

        return solve_block_path(problem, lambdas)
    if problem.family == "gaussian":
        return _gaussian_path(problem, lambdas, factor) if problem.is_smooth else _l1_path(problem, lambdas)
    return _newton_path(problem, lambdas)


def _l1_path(problem: Problem, lambdas: FloatArray) -> Path:
    """Solve a gaussian problem with L1 or bounds on the Gram, corrected once by the rows' gradient."""
    count = len(lambdas)
    u, df, tied, rank = np.zeros((problem.n_columns, count)), np.zeros(count), None, problem.n_columns
    zero = np.flatnonzero((lambdas == 0.0) & (problem.box is None))
    if len(zero):
        exact = _gaussian_path(problem, np.zeros(1), None)
        u[:, zero], df[zero], tied, rank = exact.u, exact.effective_df, exact.tied, exact.rank
    some = np.setdiff1d(np.arange(count), zero)
    if len(some):
        net, at = elastic_net_of(problem), lambdas[some]
        u[:, some], df[some] = net.solve(at)
        _, gradient = _gaussian_gradient(problem, u[:, some], at)
        kink = problem.penalty_weights(at)[1]
        off = subgradient_distance(gradient, u[:, some], kink, problem.box, problem.groups)
        if np.abs(off).max(initial=0.0) > SETTLED * null_gradient(problem):
            u[:, some], df[some] = net.solve(at, net.gradient(u[:, some], at) - gradient)
    intercept, _ = _gaussian_gradient(problem, u, lambdas)
    if tied is None:
        tied = np.zeros(problem.n_columns, dtype=bool)
    return _assemble(problem, lambdas, u, intercept, df, rank, tied, np.zeros(count))


def elastic_net_of(problem: Problem) -> ElasticNet:
    """Return the elastic nets of all rows, by their moments, or by products of columns where p > n."""
    from l2cli.core.solvers.elastic_net import ElasticNet  # a ridge fit starts without

    penalty = (problem.l1_penalty, problem.penalty, problem.l1_ratio, problem.box, problem.groups)
    if problem.n_columns <= problem.n_rows:
        system = system_of(problem)
        return ElasticNet(DenseGram(system.G), system.c, *penalty)
    gram, b = _products_of(problem)
    return ElasticNet(gram, b @ gram.A, *penalty)


def _products_of(problem: Problem) -> tuple[ProductGram, FloatArray]:
    """Return the products of the columns of all rows and the scaled response; see :func:`system_of`."""
    if problem.shared is None:
        A, b, _, _ = scaled_rows(problem)
        return ProductGram(A), b
    common = problem.shared.common
    if common.products is None:
        common.products = _products_of(common.several)
    gram, responses = common.products
    return gram, responses[:, problem.shared.target].copy()


def _gaussian_path(problem: Problem, lambdas: FloatArray, factor: RidgeFactor | None) -> Path:
    """Solve by the factor, corrected by the rows' gradient; lambda 0 by least squares where it is unique."""
    exact = least_squares(problem) if np.any(lambdas == 0.0) else None
    penalized = np.flatnonzero(lambdas > 0.0) if exact is not None else np.arange(len(lambdas))
    u, df = np.zeros((problem.n_columns, len(lambdas))), np.zeros(len(lambdas))
    rank, tied = problem.n_columns, np.zeros(problem.n_columns, dtype=bool)
    if exact is not None:
        u[:, lambdas == 0.0], df[lambdas == 0.0] = exact.u[:, None], exact.rank
        rank = exact.rank
    if len(penalized):
        some = lambdas[penalized]
        if factor is None or not factor.serves(float(some.min())):
            factor = design_factor(problem, float(some.min()))
        u[:, penalized], df[penalized] = _refine(problem, factor, some)
        if exact is None:
            rank, tied = factor.rank, factor.null > 1e-6
    intercept, _ = _gaussian_gradient(problem, u, lambdas)
    if exact is not None:
        intercept[lambdas == 0.0] = exact.intercept
    path = _assemble(problem, lambdas, u, intercept, df, rank, tied, np.zeros(len(lambdas)))
    if exact is not None:
        path.intercept[lambdas == 0.0] = exact.origin
    return path


def _refine(problem: Problem, factor: RidgeFactor, lambdas: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the factor's solution (p, L), corrected by the rows' gradient while that falls, and df (L,).

    Where the Gram matrix lost directions that matter, though their gradient is small, the rows serve.
    """
    u = best = factor.solve(lambdas)
    left = np.zeros_like(u)
    worst, unit = np.full(len(lambdas), np.inf), null_gradient(problem)
    for _ in range(4):
        _, gradient = _gaussian_gradient(problem, u, lambdas)
        violation = np.abs(gradient).max(axis=0, initial=0.0)
        better = violation < worst
        best, left = np.where(better, u, best), np.where(better, gradient, left)
        stalled = violation >= 0.25 * worst
        worst = np.minimum(violation, worst)
        if stalled.all() or np.all(worst <= SETTLED * unit):
            break
        u = best - factor.correct(np.where(better, gradient, 0.0), lambdas)
    some = lambdas > 0.0
    if np.any(factor.missed(left[:, some], lambdas[some]) > MISSED):
        return _refine(problem, factor_from_rows(problem), lambdas)
    df = factor.effective_df(lambdas)
    rough = (worst > ROUGH * unit) & (lambdas > 0.0)
    if unit > 0.0 and rough.any() and problem.n_columns <= MOST_DIRECT_COLUMNS:
        best[:, rough], df[rough] = _solve_directly(problem, best[:, rough], lambdas[rough])
    return best, df


def _solve_directly(
    problem: Problem, start: FloatArray, lambdas: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return solutions (p, L) and effective df (L,) by one linear system per lambda, refined on the rows."""
    G, u, df = system_of(problem).G, start.copy(), np.empty(len(lambdas))
    for i, lam in enumerate(lambdas):
        inverse = penalized_inverse(G, lam * problem.penalty)
        df[i] = np.sum(inverse * G)
        for _ in range(REFINEMENTS):
            _, gradient = _gaussian_gradient(problem, u[:, [i]], lambdas[[i]])
            u[:, i] -= inverse @ gradient[:, 0]
    return u, df


def _gaussian_gradient(problem: Problem, u: FloatArray, lambdas: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the intercepts that the rows ask for and the gradient at them: (L,), (p, L)."""
    n, (p, count) = problem.n_rows, u.shape
    s, y = problem.weights, problem.response
    mean_y = float(s @ y) / float(s.sum())
    gradient, total, sums = np.zeros((p, count)), np.zeros(count), np.zeros(p)
    for rows in row_blocks(n, p + count):
        Z = problem.X[rows]
        r = s[rows, None] * ((y[rows] - (mean_y if problem.intercept else 0.0))[:, None] - Z @ u)
        gradient -= Z.T @ r
        if problem.intercept:
            total += r.sum(axis=0)
            sums += s[rows] @ Z
    intercept = np.zeros(count)
    if problem.intercept:
        shift = total / s.sum()
        intercept = mean_y + shift
        gradient += np.outer(sums, shift)
    gradient += problem.penalty_weights(lambdas)[0] * u
    return intercept, gradient


def _newton_path(problem: Problem, lambdas: FloatArray) -> Path:
    """Solve from the largest lambda down, each started from the one before."""
    solver, bare = newton_solver(problem), bare_solver(problem) if np.any(lambdas == 0.0) else None
    count, p, classes = len(lambdas), problem.n_columns, problem.y.shape[1:]
    u, intercept = np.zeros((p, *classes, count)), np.zeros((*classes, count))
    df, move = np.zeros(count), np.zeros(count)
    theta = None
    for i in np.argsort(-lambdas, kind="stable"):
        if lambdas[i] == 0.0 and bare is not None:  # the smallest: the minimum norm where columns are tied
            result = bare.solve(0.0)
        else:
            result = solver.solve(float(lambdas[i]), theta)
        u[..., i], intercept[..., i] = result.u, result.intercept
        df[i], move[i] = result.effective_df, result.last_move
        theta = result.theta
    unbounded = np.any(lambdas == 0.0) or np.any(problem.penalty == 0.0)
    rank, tied = _rank(problem) if unbounded else (p, np.zeros(p, dtype=bool))
    return _assemble(problem, lambdas, u, intercept, df, rank, tied, move)


def newton_solver(problem: Problem) -> NewtonSolver | L1Newton:
    """Return what minimises J of a GLM: with an L1 part or bounds by inner active sets."""
    return NewtonSolver(problem) if problem.is_smooth else _l1_newton(problem)


def bare_solver(problem: Problem, support: BoolArray | None = None) -> NewtonSolver | L1Newton:
    """Return what minimises the deviance of a GLM alone, at lambda 0.

    ``support`` ((p, C) bool, optional): the coefficients of several classes that may differ from 0.
    """
    if problem.box is None:
        return NewtonSolver(problem, support)
    return _l1_newton(problem._replace(groups=None), support)


def _l1_newton(problem: Problem, support: BoolArray | None = None) -> L1Newton:
    from l2cli.core.solvers.l1_newton import L1Newton  # a ridge fit starts without

    return L1Newton(problem, support)


ROWS_PER_COLUMN = 10
"""So many rows for each column usually show that none is tied."""


def design_rank(problem: Problem, path: Path) -> int:
    """Return the rank of the design of one matrix, without the intercept; ``path`` may only count columns.

    By the eigenvalues of the Gram or kernel matrix, n p min(n, p) flops, where no solver had them. Of more
    than MOST_DIRECT_COLUMNS columns it is the most that the rows allow.
    """
    if problem.family == "gaussian" and problem.is_smooth:
        return path.rank
    if problem.n_columns > MOST_DIRECT_COLUMNS:
        return min(path.rank, problem.n_rows - int(problem.intercept))
    whole = problem._replace(shared=None)
    most, some = int(np.count_nonzero(~problem.constant)), ROWS_PER_COLUMN * (problem.n_columns + 1)
    if problem.n_rows > 2 * some:  # what some rows tell apart, all of them do
        rows = np.linspace(0, problem.n_rows - 1, some).astype(np.int64)
        if design_factor(whole.take(rows), np.inf).rank == most:
            return most
    return design_factor(whole, np.inf).rank


def _rank(problem: Problem) -> tuple[int, BoolArray]:
    factor = design_factor(problem, 0.0)
    return factor.rank, np.asarray(factor.null > 1e-6)


def _assemble(
    problem: Problem, lambdas: FloatArray, u: FloatArray, intercept0: FloatArray, df: FloatArray, rank: int,
    tied: BoolArray, last_move: FloatArray,
) -> Path:  # fmt: skip
    coef, intercept = problem.original(u, intercept0)
    certificate = certify(problem, u, intercept0, lambdas)
    return Path(lambdas, u, intercept0, coef, intercept, df, certificate, rank, tied, last_move)
