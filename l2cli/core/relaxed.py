"""Relaxed fits: part of the way from a solution with L1 to the unpenalized fit on its columns.

With the lasso or elastic net (u, b0) at lambda, its active set A = {j : u_j not 0, or factor 0} and the
unpenalized fit (v, c0) on the columns A (v = 0 elsewhere),

    u_relaxed = g u + (1 - g) v,      b0_relaxed = g b0 + (1 - g) c0.

Of several classes A holds the coefficients (j, k) that are not 0, so that a column may belong to some classes
only; see :mod:`l2cli.core.class_supports` for which of the equivalent fits is shown.

g = 1 is the penalized solution, g = 0 least squares or maximum likelihood on the columns it selects
(Meinshausen 2007, "Relaxed Lasso", CSDA 52; in this form Hastie, Tibshirani and Tibshirani 2020, "Best
subset, forward stepwise or lasso?", Statistical Science 35, section 2.3). Bounds hold for both parents.

Notes
-----
Active sets repeat along a path, so there are fewer unpenalized fits than lambdas. Where that is less work,
least squares problems are reduced to the triangle of one QR of the m columns of any set first: 2 n m^2 flops
once, m |A|^2 for each set.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.class_supports import SupportFit, support_fit
from l2cli.core.objective import Certificate, certify
from l2cli.core.path import Path, solve_path
from l2cli.core.problem import Problem, row_blocks
from l2cli.core.solvers.newton import RUNAWAY
from l2cli.core.solvers.ridge import EPS, RidgeFactor, scaled_rows
from l2cli.core.threads import matrix_threads

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
ROWS_FLOPS = 1e9
"""Up to this much work every set has a least squares fit of its own, refined on the rows."""


class Parents(NamedTuple):
    """Unpenalized fits on active sets: u, intercept0, effective_df, tied, last_move as in a Path."""

    u: FloatArray
    intercept0: FloatArray
    effective_df: FloatArray
    tied: BoolArray
    last_move: FloatArray


def relaxed_path(problem: Problem, lambdas: FloatArray, factor: RidgeFactor | None = None) -> Path:
    """Return the path at ``lambdas`` (L,), sum scale, relaxed as ``problem.relax_gamma`` says.

    Parameters
    ----------
    factor : RidgeFactor, optional
        As in :func:`l2cli.core.path.solve_path`, whose path this is where gamma is 1.

    Notes
    -----
    The certificate has the larger residual of the two parents, each that of its own objective; a duality gap
    is not defined. effective_df = g df + (1 - g) m, with df of the penalized parent and m of the unpenalized
    one: |A|, or as many of A as the data tell apart and no bound stops (of a column at most C - 1 classes).
    ``tied`` and ``last_move`` tell of the unpenalized parent too. At lambda 0 both parents are one.
    """
    path, g = solve_path(problem, lambdas, factor), problem.relax_gamma
    if g == 1.0:
        return path
    active, bare = active_columns(problem, path.u), path.lambdas == 0.0
    other = unpenalized_parents(problem, active, np.flatnonzero(~bare))
    v, c0 = np.where(bare, path.u, other.u), np.where(bare, path.intercept0, other.intercept0)
    u, intercept0 = g * path.u + (1.0 - g) * v, g * path.intercept0 + (1.0 - g) * c0
    coef, intercept = problem.original(u, intercept0)
    df = g * path.effective_df + (1.0 - g) * other.effective_df
    unpenalized = certify(
        problem._replace(l1_ratio=0.0, groups=None), v, c0, np.zeros(len(bare)), only=active | bare
    )
    return path._replace(
        u=u, intercept0=intercept0, coef=coef, intercept=intercept,
        effective_df=np.where(bare, path.effective_df, df),
        certificate=_both(path.certificate, unpenalized, _deviance(problem, u, intercept0)),
        tied=path.tied | other.tied, last_move=np.maximum(path.last_move, other.last_move), active=active,
    )  # fmt: skip


def active_columns(problem: Problem, u: FloatArray) -> BoolArray:
    """Return the active sets of penalized solutions (p, L) or (p, C, L): not zero, or not penalized."""
    return np.asarray(((u.T != 0.0) | (problem.factors == 0.0)) & ~problem.constant).T


def distinct_sets(active: BoolArray, at: IntArray) -> Iterator[tuple[IntArray, IntArray]]:
    """Yield the distinct sets of ``active`` (m, L) in the order of places ``at``, with their places."""
    found: dict[bytes, list[int]] = {}
    for place in at.tolist():
        found.setdefault(active[:, place].tobytes(), []).append(place)
    for places in found.values():
        yield np.flatnonzero(active[:, places[0]]), np.array(places, dtype=np.int64)


def unpenalized_parents(problem: Problem, active: BoolArray, at: IntArray) -> Parents:
    """Return the unpenalized fits on the active sets (p, L) at some places, the null model at the others."""
    if problem.n_classes > 1:
        return _parents_of_classes(problem, active, at)
    count = active.shape[1]
    u, tied, move = np.zeros(active.shape), np.zeros(len(active), dtype=bool), np.zeros(count)
    intercept0, df = np.zeros(count), np.zeros(count)
    if problem.intercept:  # without a column the null model
        intercept0[:] = problem.likelihood.null_intercept(problem.y, problem.weights, problem.offset)
    sets = [(columns, places) for columns, places in distinct_sets(active, at) if len(columns)]
    triangle, union, means = None, np.flatnonzero(active[:, at].any(axis=1)), np.zeros(len(active))
    if problem.family == "gaussian" and problem.box is None:
        work = [2.0 * problem.n_rows * len(columns) ** 2 for columns in (*(c for c, _ in sets), union)]
        if sum(work[:-1]) > max(ROWS_FLOPS, work[-1]):
            part = problem.select(union)
            triangle = _triangle(part)
            if problem.intercept:
                means[union] = (part.weights @ part.X) / part.weight_sum
    for columns, places in sets:
        if triangle is not None:
            v = _by_triangle(triangle, np.searchsorted(union, columns))
            if v is not None:
                u[np.ix_(columns, places)] = v[:, None]
                intercept0[places] -= means[columns] @ v
                df[places] = len(columns)
                continue
        fit = solve_path(problem.select(columns), np.zeros(1))
        u[np.ix_(columns, places)] = fit.u
        intercept0[places], move[places] = fit.intercept0[0], fit.last_move[0]
        df[places] = fit.effective_df[0]
        tied[columns] |= fit.tied
    return Parents(u, intercept0, df, tied, move)


def _parents_of_classes(problem: Problem, active: BoolArray, at: IntArray) -> Parents:
    """Return the same of several classes, for active sets (p, C, L)."""
    (p, classes, count) = active.shape
    u, intercept0 = np.zeros(active.shape), np.zeros((classes, count))
    tied, move, df = np.zeros(p, dtype=bool), np.zeros(count), np.zeros(count)
    if problem.intercept:
        null = problem.likelihood.null_intercept(problem.y, problem.weights, problem.offset)
        intercept0 += np.asarray(null)[:, None]
    before: SupportFit | None = None
    for coordinates, places in distinct_sets(active.reshape(-1, count), at):
        if not len(coordinates):
            continue
        fit = support_fit(problem, coordinates, before)
        u[..., places], intercept0[:, places] = fit.u[..., None], fit.intercept0[:, None]
        move[places], df[places] = fit.last_move, fit.effective_df
        tied |= fit.tied
        if fit.last_move <= RUNAWAY:  # a fit that ran away is no place to start from
            before = fit
    return Parents(u, intercept0, df, tied, move)


def _triangle(problem: Problem) -> FloatArray:
    """Return R (p + 1, p + 1) of the centred and weighted rows [A b] = QR."""
    A, b, _, _ = scaled_rows(problem)
    with matrix_threads(2.0 * A.size * A.shape[1]):
        return np.asarray(np.linalg.qr(np.column_stack([A, b]), mode="r"))


def _by_triangle(triangle: FloatArray, columns: IntArray) -> FloatArray | None:
    """Return the least squares fit on some columns (|A|,), None where they are not independent."""
    A = triangle[:, columns]
    size = np.sqrt(np.einsum("ij,ij->j", A, A))
    if len(columns) > len(A) or not np.all(size > 0.0):
        return None
    Q, R = np.linalg.qr(A / size)
    sigma = np.linalg.svd(R, compute_uv=False)
    if sigma[-1] <= 1e4 * len(R) * EPS * sigma[0]:
        return None
    z: FloatArray = np.linalg.solve(R, Q.T @ triangle[:, -1]) / size
    return z


def _both(penalized: Certificate, unpenalized: Certificate, deviance: FloatArray) -> Certificate:
    """Return the certificate of a relaxed fit from those of its parents."""
    return Certificate(
        np.maximum(penalized.kkt_residual, unpenalized.kkt_residual),
        np.maximum(penalized.rounding_floor, unpenalized.rounding_floor),
        np.full(len(deviance), np.nan), deviance, (penalized, unpenalized),
    )  # fmt: skip


def _deviance(problem: Problem, u: FloatArray, intercept0: FloatArray) -> FloatArray:
    """Return the sums of weighted deviances (L,)."""
    (p, *tail), total = u.shape, np.zeros(u.shape[-1])
    U = u.reshape(p, -1)
    for rows in row_blocks(problem.n_rows, p + U.shape[1]):
        eta = (problem.X[rows] @ U).reshape(-1, *tail) + intercept0
        if problem.offset is not None:
            eta += problem.offset[rows].reshape(-1, *(1 for _ in tail))
        total += problem.weights[rows] @ problem.likelihood.deviance(problem.y[rows, ..., None], eta)
    return total
