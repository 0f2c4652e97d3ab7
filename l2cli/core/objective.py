"""THE objective, stated once, and the certificate of an answer.

    J(b0, u) = sum_i s_i d(y_i, eta_i) + lambda sum_j [2 r l_j |u_j| + (1 - r) d_j u_j^2]
    eta_i = o_i + b0 + z_i . u

in the internal coordinates of :class:`l2cli.core.problem.Problem` (u_j = w_j * scale_j; d_j = l_j = f_j when
standardized, f_j / scale_j^2 and f_j / scale_j on the raw scale; r the l1_ratio). Half of the gradient of
its smooth part, with the residual e_i = s_i (y_i - mu_i)
(times mu_i^(1-p) for a variance mu^p under the log link), is

    g_0 = -sum_i e_i,        g_j = -sum_i z_ij e_i + lambda (1 - r) d_j u_j,

and at the optimum g_j = -lambda r l_j sign(u_j), or |g_j| <= lambda r l_j where u_j = 0; at a bound J may
still fall beyond it. A group lasso has |l_g o u_g|_2 in place of the l_j |u_j| of its columns, and l_j holds
f_g sqrt(p_g).

Nothing here is shared with the solvers: the certificate is a pass over the rows of its own.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.design import PART_CELLS, BlockColumns
from l2cli.core.penalties import penalty_gap, subgradient_distance
from l2cli.core.problem import Problem, row_blocks

FloatArray = npt.NDArray[np.float64]
EPS = float(np.finfo(np.float64).eps)
ALONE = 10.0 * EPS
"""Share of the terms of a gradient up to which it is rounding alone."""
TOLERANCE = 1e-8
"""Largest kkt_residual of a reported model (SPEC section 4)."""


class Certificate(NamedTuple):
    """How far an answer is from optimal; arrays of shape (L,), one entry per lambda.

    kkt_residual : largest |g| over the largest |g| of the null model (0/0 = 0).
    rounding_floor : eps times the sums of absolute terms of the gradient, on the same scale.
    duality_gap : relative to J of the null model, NaN at lambda 0.
    train_deviance : sum_i s_i d(y_i, eta_i).
    parents : certificates of what an answer was put together from; it has converged where all of them have.
    """

    kkt_residual: FloatArray
    rounding_floor: FloatArray
    duality_gap: FloatArray
    train_deviance: FloatArray
    parents: tuple[Certificate, ...] = ()

    def converged(self, tol: float | None = None) -> npt.NDArray[np.bool_]:
        """Return, per lambda, kkt_residual <= max(tol, 10 rounding floors)."""
        if self.parents:
            return np.asarray(np.all([parent.converged(tol) for parent in self.parents], axis=0))
        limit = np.maximum(TOLERANCE if tol is None else tol, 10.0 * self.rounding_floor)
        return np.asarray(self.kkt_residual <= limit)


def null_eta(problem: Problem) -> FloatArray:
    """Return eta of the model with intercept and offset alone: (n,), multinomial (n, C)."""
    offset = np.zeros(problem.y.shape) if problem.offset is None else problem.offset
    if not problem.intercept:
        return offset
    return offset + problem.likelihood.null_intercept(problem.y, problem.weights, problem.offset)


def null_gradient(problem: Problem) -> float:
    """Return the largest |sum_i z_ij r_i| of the null model, the unit of every kkt_residual.

    A value that is rounding alone (a constant target) counts as 0.
    """
    family, s = problem.likelihood, problem.weights
    mu = family.mean(null_eta(problem))
    pull = (s * family.residual(problem.y, mu).T).T
    slope = problem.X.T @ pull if problem.blocks is None else problem.blocks.back(pull)
    largest = float(np.max(np.abs(slope), initial=0.0))
    return largest if largest > ALONE * gradient_size(problem) else 0.0


def gradient_size(problem: Problem) -> float:
    """Return how large the terms of the null model's gradient are, (sum s)^1/2 |s^1/2 o terms|_2; never 0.

    Where that gradient is rounding alone it is what solvers measure theirs with: none is pursued below it.
    """
    family, s = problem.likelihood, problem.weights
    terms = np.sqrt(s) * family.terms(problem.y, family.mean(null_eta(problem))).T
    top = float(terms.max()) or 1.0  # squares of large ones would overflow
    return float(np.sqrt(s.sum())) * top * float(np.linalg.norm(terms / top)) or 1.0


def null_deviance(problem: Problem) -> float:
    """Return J of the null model."""
    return float(problem.weights @ problem.likelihood.deviance(problem.y, null_eta(problem)))


def certify(
    problem: Problem, u: FloatArray, intercept: FloatArray, lambdas: FloatArray,
    only: npt.NDArray[np.bool_] | None = None,
) -> Certificate:  # fmt: skip
    """Return the certificate of internal coefficients from one pass over the rows.

    Parameters
    ----------
    u : (p, L) float64, multinomial (p, C, L)
    intercept : (L,) float64, multinomial (C, L)
        Internal intercept b0 (that of the centred columns).
    lambdas : (L,) float64
        On the sum scale.
    only : (p, L) bool, optional, multinomial (p, C, L)
        Coefficients that J was minimised over, where the others are 0 by decision.

    Notes
    -----
    Four products of 2 n p L flops: two for the gradient, two with |Z| for what rounding leaves of it. The
    duality gap of J at the dual point theta = residuals is, for r < 1, a sum over the coordinates
    (Fenchel-Young holds with equality in the deviance): e_j^2 / (lambda (1 - r) d_j) with the violation e_j.
    For r = 1 the residuals are shrunk by c until |z_j'theta| <= lambda l_j, and the deviance adds at most
    2 (1 - c)^2 sum_i s_i e_i^2 over the curvature, for c near 1. The unpenalized coordinates, whose dual
    constraint g = 0 holds only to rounding, add their first-order terms; but the intercept of a gaussian
    target g^2 / W, by which J falls where it is moved to its best: beside a large mean of the target the
    first-order term is rounding times that mean.
    """
    sums, count = _row_sums(problem, u, intercept), u.shape[-1]
    flat = u.reshape(-1, count)  # one coordinate a row
    gradient, absolute = sums.gradient.reshape(flat.shape), sums.absolute.reshape(flat.shape)
    squares, kink = problem.penalty_weights(lambdas)
    gradient += squares * flat
    absolute += squares * np.abs(flat) + kink
    if only is not None:
        chosen = only.reshape(flat.shape)
        gradient, absolute = np.where(chosen, gradient, 0.0), np.where(chosen, absolute, 0.0)
    box, groups = problem.coordinate_box, problem.coordinate_groups
    off = subgradient_distance(gradient, flat, kink, box, groups)
    violation, floor = np.abs(off).max(axis=0, initial=0.0), EPS * absolute.max(axis=0, initial=0.0)
    gap = np.zeros(count)
    if problem.intercept:
        slope = np.abs(sums.intercept).reshape(-1, count)
        least = sums.intercept_absolute.reshape(-1, count)
        violation, floor = (
            np.maximum(violation, slope.max(axis=0)),
            np.maximum(floor, EPS * least.max(axis=0)),
        )
        moved = np.abs(intercept).reshape(-1, count)
        exact = problem.family == "gaussian"
        gap = (slope**2 / problem.weight_sum if exact else 2.0 * slope * moved).sum(axis=0)
    unit = null_gradient(problem)
    scale = unit if unit > 0 else 1.0
    gap += penalty_gap(flat, gradient, off, squares, kink, sums.pearson, box, groups)
    null = null_deviance(problem)
    gap = np.where(lambdas > 0, gap / null if null > 0 else 0.0, np.nan)
    # 0/0 = 0: where the null model is already optimal to rounding there is no unit to measure with
    kkt = violation / scale if unit > 0 else np.zeros(count)
    return Certificate(kkt, floor / scale, gap, sums.deviance)


class _RowSums(NamedTuple):
    """Sums over the rows, without the penalty.

    gradient, absolute : (p, C L), half the gradient in u and the sums of its absolute terms.
    intercept, intercept_absolute : (L,) or (C, L), the same for the intercept.
    deviance : (L,). pearson : (L,), sum_i r_i e_i / curvature_i, of a pure L1 penalty (else 0).
    """

    gradient: FloatArray
    absolute: FloatArray
    intercept: FloatArray
    intercept_absolute: FloatArray
    deviance: FloatArray
    pearson: FloatArray


def _row_sums(problem: Problem, u: FloatArray, intercept: FloatArray) -> _RowSums:
    """Return what a certificate needs of the rows, in one pass over their blocks."""
    if problem.blocks is not None:
        return _block_sums(problem, problem.blocks, u, intercept)
    p, tail = u.shape[0], u.shape[1:]
    U, count = u.reshape(p, -1), u.shape[-1]
    gradient, absolute = np.zeros(U.shape), np.zeros(U.shape)
    total, total_absolute = np.zeros(tail), np.zeros(tail)
    deviance, pearson = np.zeros(count), np.zeros(count)
    for rows in row_blocks(problem.n_rows, p + 2 * U.shape[1]):
        Z, size = problem.X[rows], rows.stop - rows.start
        magnitude = np.abs(Z)
        eta = (Z @ U).reshape(size, *tail) + intercept
        terms = (magnitude @ np.abs(U)).reshape(size, *tail) + np.abs(intercept)
        part = _residuals(problem, rows, eta, terms)
        pearson += part.pearson
        gradient -= Z.T @ part.r.reshape(size, -1)
        absolute += magnitude.T @ part.rounding.reshape(size, -1)
        total -= part.r.sum(axis=0)
        total_absolute += part.rounding.sum(axis=0)
        deviance += part.deviance
    return _RowSums(gradient, absolute, total, total_absolute, deviance, pearson)


class _Residuals(NamedTuple):
    """Of a block of rows: weighted residuals r and what rounding they have, (b, L) or (b, C, L)."""

    r: FloatArray
    rounding: FloatArray
    deviance: FloatArray
    pearson: FloatArray


def _residuals(problem: Problem, rows: slice, eta: FloatArray, terms: FloatArray) -> _Residuals:
    """Return the residuals of some rows at eta less the offset, ``terms`` being what eta is a sum of."""
    family, y, count = problem.likelihood, problem.y[rows, ..., None], eta.shape[-1]
    s = problem.weights[rows].reshape(len(eta), *(1 for _ in eta.shape[1:]))
    if problem.offset is not None:
        offset = problem.offset[rows].reshape(s.shape)
        eta += offset
        terms += np.abs(offset)
    mu = family.mean(eta)
    residual = family.residual(y, mu)
    r = s * residual
    curvature = family.curvature(y, mu)
    rounding = s * (family.terms(y, mu) + curvature * terms)
    pearson = np.zeros(count)
    if problem.l1_ratio == 1.0:
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(r == 0.0, 0.0, r * residual / curvature)
        pearson = share.reshape(-1, count).sum(axis=0)
    return _Residuals(r, rounding, problem.weights[rows] @ family.deviance(y, eta), pearson)


def _block_sums(problem: Problem, columns: BlockColumns, u: FloatArray, intercept: FloatArray) -> _RowSums:
    """Return the same of columns in blocks, a few lambdas at a time."""
    p, *tail = u.shape
    inner, count = tuple(tail[:-1]), tail[-1]
    magnitude, everything = columns.absolute(), slice(0, problem.n_rows)
    step = max(1, PART_CELLS // (problem.n_rows * max(1, math.prod(inner))))
    sums = []
    for first in range(0, count, step):
        part = u[..., first : first + step]
        flat, b0, shape = part.reshape(p, -1), intercept[..., first : first + step], (-1, *part.shape[1:])
        eta = columns.times(flat).reshape(shape) + b0
        terms = magnitude.times(np.abs(flat)).reshape(shape) + np.abs(b0)
        found = _residuals(problem, everything, eta, terms)
        r, rounding = (values.reshape(problem.n_rows, -1) for values in (found.r, found.rounding))
        sums.append(
            _RowSums(
                -columns.back(r).reshape(part.shape), magnitude.back(rounding).reshape(part.shape),
                -found.r.sum(axis=0), found.rounding.sum(axis=0), found.deviance, found.pearson,
            )
        )  # fmt: skip
    return _RowSums(*(np.concatenate(values, axis=-1) for values in zip(*sums, strict=True)))
