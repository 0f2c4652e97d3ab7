"""THE objective, stated once, and the certificate of an answer.

    J(b0, u) = sum_i s_i d(y_i, eta_i) + lambda sum_j [2 r l_j |u_j| + (1 - r) d_j u_j^2]
    eta_i = o_i + b0 + z_i . u

in the internal coordinates of :class:`l2cli.core.problem.Problem` (u_j = w_j * scale_j; d_j = l_j = f_j when
standardized, f_j / scale_j^2 and f_j / scale_j on the raw scale; r the l1_ratio). Half of the gradient of
its smooth part, with the residual e_i = s_i (y_i - mu_i)
(times mu_i^(1-p) for a variance mu^p under the log link), is

    g_0 = -sum_i e_i,        g_j = -sum_i z_ij e_i + lambda (1 - r) d_j u_j,

and at the optimum g_j = -lambda r l_j sign(u_j), or |g_j| <= lambda r l_j where u_j = 0; at a bound J may
still fall beyond it.

Nothing here is shared with the solvers: the certificate is a pass over the rows of its own.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.problem import Box, Problem, row_blocks

FloatArray = npt.NDArray[np.float64]
EPS = float(np.finfo(np.float64).eps)
TOLERANCE = 1e-8
"""Largest kkt_residual of a reported model (SPEC section 4)."""


class Certificate(NamedTuple):
    """How far an answer is from optimal; arrays of shape (L,), one entry per lambda.

    kkt_residual : largest |g| over the largest |g| of the null model (0/0 = 0).
    rounding_floor : eps times the sums of absolute terms of the gradient, on the same scale.
    duality_gap : relative to J of the null model, NaN at lambda 0.
    train_deviance : sum_i s_i d(y_i, eta_i).
    """

    kkt_residual: FloatArray
    rounding_floor: FloatArray
    duality_gap: FloatArray
    train_deviance: FloatArray

    def converged(self, tol: float | None = None) -> npt.NDArray[np.bool_]:
        """Return, per lambda, kkt_residual <= max(tol, 10 rounding floors)."""
        limit = np.maximum(TOLERANCE if tol is None else tol, 10.0 * self.rounding_floor)
        return np.asarray(self.kkt_residual <= limit)


def null_eta(problem: Problem) -> FloatArray:
    """Return eta of the model with intercept and offset alone: (n,)."""
    offset = np.zeros(problem.n_rows) if problem.offset is None else problem.offset
    if not problem.intercept:
        return offset
    return offset + problem.likelihood.null_intercept(problem.y, problem.weights, problem.offset)


def null_gradient(problem: Problem) -> float:
    """Return the largest |sum_i z_ij r_i| of the null model, the unit of every kkt_residual.

    A value that is rounding alone (a constant target) counts as 0.
    """
    family, s = problem.likelihood, problem.weights
    mu = family.mean(null_eta(problem))
    largest = float(np.max(np.abs(problem.X.T @ (s * family.residual(problem.y, mu))), initial=0.0))
    noise = EPS * float(np.sqrt(s.sum()) * np.linalg.norm(np.sqrt(s) * family.terms(problem.y, mu)))
    return largest if largest > 10.0 * noise else 0.0


def null_deviance(problem: Problem) -> float:
    """Return J of the null model."""
    return float(problem.weights @ problem.likelihood.deviance(problem.y, null_eta(problem)))


def certify(problem: Problem, u: FloatArray, intercept: FloatArray, lambdas: FloatArray) -> Certificate:
    """Return the certificate of internal coefficients from one pass over the rows.

    Parameters
    ----------
    u : (p, L) float64
    intercept : (L,) float64
        Internal intercept b0 (that of the centred columns).
    lambdas : (L,) float64
        On the sum scale.

    Notes
    -----
    Four products of 2 n p L flops: two for the gradient, two with |Z| for what rounding leaves of it. The
    duality gap of J at the dual point theta = residuals is, for r < 1, a sum over the coordinates
    (Fenchel-Young holds with equality in the deviance): e_j^2 / (lambda (1 - r) d_j) with the violation e_j.
    For r = 1 the residuals are shrunk by c until |z_j'theta| <= lambda l_j, and the deviance adds at most
    2 (1 - c)^2 sum_i s_i e_i^2 over the curvature, for c near 1. The unpenalized coordinates, whose dual
    constraint g = 0 holds only to rounding, add their first-order terms.
    """
    family, (p, count) = problem.likelihood, u.shape
    gradient, absolute = np.zeros((p, count)), np.zeros((p, count))
    total, total_absolute, deviance = np.zeros(count), np.zeros(count), np.zeros(count)
    pearson = np.zeros(count)
    for rows in row_blocks(problem.n_rows, p + 2 * count):
        Z, y, s = problem.X[rows], problem.y[rows, None], problem.weights[rows, None]
        eta = Z @ u + intercept
        if problem.offset is not None:
            eta += problem.offset[rows, None]
        mu = family.mean(eta)
        residual = family.residual(y, mu)
        r = s * residual
        magnitude = np.abs(Z)
        terms = magnitude @ np.abs(u) + np.abs(intercept)
        if problem.offset is not None:
            terms += np.abs(problem.offset[rows, None])
        curvature = family.curvature(y, mu)
        size = s * (family.terms(y, mu) + curvature * terms)
        if problem.l1_ratio == 1.0:
            with np.errstate(divide="ignore", invalid="ignore"):
                pearson += np.where(r == 0.0, 0.0, r * residual / curvature).sum(axis=0)
        gradient -= Z.T @ r
        absolute += magnitude.T @ size
        total -= r.sum(axis=0)
        total_absolute += size.sum(axis=0)
        deviance += (s * family.deviance(y, eta)).sum(axis=0)
    squares, kink = penalty_weights(problem, lambdas)
    gradient += squares * u
    absolute += squares * np.abs(u) + kink
    off = subgradient_distance(gradient, u, kink, problem.box)
    violation, floor = np.abs(off).max(axis=0, initial=0.0), EPS * absolute.max(axis=0, initial=0.0)
    if problem.intercept:
        violation, floor = np.maximum(violation, np.abs(total)), np.maximum(floor, EPS * total_absolute)
    unit = null_gradient(problem)
    scale = unit if unit > 0 else 1.0
    gap = np.abs(2.0 * intercept * total) if problem.intercept else np.zeros(count)
    gap += _penalty_gap(problem, u, gradient, off, squares, kink, pearson)
    null = null_deviance(problem)
    gap = np.where(lambdas > 0, gap / null if null > 0 else 0.0, np.nan)
    # 0/0 = 0: where the null model is already optimal to rounding there is no unit to measure with
    kkt = violation / scale if unit > 0 else np.zeros(count)
    return Certificate(kkt, floor / scale, gap, deviance)


def penalty_weights(problem: Problem, lambdas: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the weights of u^2 and of 2 |u| in J at each lambda: (p, L), (p, L)."""
    r = problem.l1_ratio
    return (
        np.multiply.outer((1.0 - r) * problem.penalty, lambdas),
        np.multiply.outer(r * problem.l1_penalty, lambdas),
    )


def subgradient_distance(
    gradient: FloatArray, u: FloatArray, kink: FloatArray, box: Box | None = None
) -> FloatArray:
    """Return the part of the smooth gradient (p, L) that no subgradient of kink |u| or a bound takes away."""
    at_zero = np.sign(gradient) * np.maximum(np.abs(gradient) - kink, 0.0)
    off = np.where(u == 0.0, at_zero, gradient + kink * np.sign(u))
    if box is None:
        return off
    # at a bound only the slope back into the box counts
    up, down = gradient + np.where(u >= 0.0, kink, -kink), gradient + np.where(u > 0.0, kink, -kink)
    low, high = (box.lower >= u.T).T, (box.upper <= u.T).T
    off = np.where(low, np.minimum(up, 0.0), np.where(high, np.maximum(down, 0.0), off))
    return np.where(low & high, 0.0, off)


def _penalty_gap(
    problem: Problem, u: FloatArray, gradient: FloatArray, off: FloatArray, squares: FloatArray,
    kink: FloatArray, pearson: FloatArray,
) -> FloatArray:  # fmt: skip
    """Return what the penalized and the free coordinates add to the duality gap of J: (L,)."""
    if problem.box is not None:
        return _bounded_gap(problem.box, u, gradient, off, squares, kink, pearson)
    curved, free = squares > 0, (squares == 0) & (kink == 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = np.where(curved, off**2 / squares, 0.0).sum(axis=0)
    gap += 2.0 * np.where(free, np.abs(u * gradient), 0.0).sum(axis=0)
    flat = ~curved & ~free
    if not flat.any():
        return np.asarray(gap)
    # v = z'e; shrunk by c it meets |v| <= kink in every coordinate
    v = -gradient
    with np.errstate(divide="ignore", invalid="ignore"):
        c = np.where(flat & (np.abs(v) > kink), kink / np.abs(v), 1.0).min(axis=0, initial=1.0)
        gap += 2.0 * np.where(flat, kink * np.abs(u) - c * u * v, 0.0).sum(axis=0)
        return np.asarray(gap + np.where(c < 1.0, 2.0 * (1.0 - c) ** 2 * pearson, 0.0))


def _bounded_gap(
    box: Box, u: FloatArray, gradient: FloatArray, off: FloatArray, squares: FloatArray, kink: FloatArray,
    pearson: FloatArray,
) -> FloatArray:  # fmt: skip
    """Return the same with bounds: the conjugate of kink |u| within them is linear beyond the kink.

    The residuals are shrunk by c only for coordinates that the box leaves open in the direction they pull.
    """
    curved, v = squares > 0, -gradient
    lower, upper = box.lower[:, None], box.upper[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = np.where(curved, off**2 / squares, 0.0).sum(axis=0)
        beyond = np.abs(v) > kink
        open_end = np.where(v > 0, np.isinf(upper), np.isinf(lower))
        loose = ~curved & beyond & open_end & (kink > 0)
        c = np.where(loose, kink / np.abs(v), 1.0).min(axis=0, initial=1.0)
        v = c * v
        # the conjugate is the largest value at the ends and, where the box holds it, at 0
        ends = [np.where(np.isfinite(e), e * v - kink * np.abs(e), -np.inf) for e in (lower, upper)]
        at_zero = np.where((lower <= 0.0) & (upper >= 0.0), 0.0, -np.inf)
        flat = kink * np.abs(u) - u * v + np.maximum(at_zero, np.maximum(*ends))
        # without kink and end nothing but g = 0 holds, and that to rounding
        flat = np.where(beyond & open_end & (kink == 0), np.abs(u * v), flat)
    gap += 2.0 * np.where(curved, 0.0, np.maximum(flat, 0.0)).sum(axis=0)
    return np.asarray(gap + np.where(c < 1.0, 2.0 * (1.0 - c) ** 2 * pearson, 0.0))
