"""Evidence of a banded ridge as a function of its lambdas, with its derivatives, and where it is largest.

The columns of A (:mod:`l2cli.core.solvers.ridge`) are divided by the square roots of their lambdas
exp(t_g), so that with the eigenvectors V, F = e / (e + lambda) and w = lambda^1/2 (A'A + lambda)^-1 A'b, of
which band g has the rows V_g and w_g,

    f = (n - q) log Q + sum_k log(1 + e_k / lambda)                 (:mod:`l2cli.select.evidence`)
    df / dt_g = (n - q) |w_g|^2 / Q - gamma_g,                      gamma_g = tr V_g F V_g'
    d2f / dt_g dt_h = (n - q) [(2 c_g.c_h - [g = h] |w_g|^2) / Q - |w_g|^2 |w_h|^2 / Q^2]
                      + [g = h] gamma_g - |V_g F V_h'|^2,           c_g = F^1/2 V_g'w_g.

Where the first derivatives are 0, gamma_g sigma^2 / |w_g|^2 = 1 is the fixed point of MacKay (1992, Neural
Computation 4, "Bayesian interpolation") for every band, sigma^2 = Q / (n - q).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.problem import Problem, row_blocks
from l2cli.core.solvers.ridge import RidgeFactor
from l2cli.select.evidence import evidence_terms

FloatArray = npt.NDArray[np.float64]
PRECISION = 1e-8
"""Steps of log lambda up to which the search ends."""
NOISE = 1e-9
"""A value of f larger by this much is no larger."""
MOST_STEPS, LONGEST_STEP = 50, 2.0
FLATTEST = 1e-10
"""Share of the largest curvature below which others are taken for that."""


class Slopes(NamedTuple):
    """A function of t at one place: value, gradient (b,) and Hessian (b, b)."""

    value: float
    gradient: FloatArray
    hessian: FloatArray


def evidence_slopes(
    problem: Problem, factor: RidgeFactor, lam: float, labels: npt.NDArray[np.int64], count: int
) -> Slopes:
    """Return -2 log evidence, less a constant, and its derivatives by the log lambdas of the bands.

    Parameters
    ----------
    problem, factor
        With the bands' lambdas among the penalty factors.
    lam : float
        What all of them are times, sum scale.
    labels : (p,) int
        The band of each column, of ``count``.
    """
    terms = evidence_terms(problem, factor)
    value, Q, m = (
        float(terms.values(np.array([lam]))[0]),
        float(terms.minima(np.array([lam]))[0]),
        terms.spare,
    )
    members = (labels[:, None] == np.arange(count)).astype(np.float64)
    kept = np.sqrt(factor.e / (factor.e + lam))
    C = factor.V * kept
    w = np.sqrt(lam) * (factor.V @ (factor.projection / (factor.e + lam)))
    size, gamma = members.T @ np.square(w), members.T @ np.square(C).sum(axis=1)
    c = (members * w[:, None]).T @ C
    second = m * (2.0 * (c @ c.T) / Q - np.outer(size, size) / Q**2) - _overlaps(C, members)
    second[np.diag_indices(count)] += gamma - m * size / Q
    return Slopes(value, m * size / Q - gamma, second)


def _overlaps(C: FloatArray, members: FloatArray) -> FloatArray:
    """Return the sum of squares of C_g C_h' (b, b), by the smaller of the two products."""
    (p, r), count = C.shape, members.shape[1]
    if count * r <= p:
        parts = [C[members[:, g] > 0.0] for g in range(count)]
        inner = np.array([(part.T @ part).ravel() for part in parts])
        return np.asarray(inner @ inner.T)
    total = np.zeros((count, count))
    for rows in row_blocks(p, 2 * p):
        total += members[rows].T @ np.square(C[rows] @ C.T) @ members
    return total


def settle(
    slopes: Callable[[FloatArray], Slopes], start: FloatArray, low: FloatArray, high: FloatArray
) -> FloatArray:
    """Return a local minimum between bounds, by Newton steps that a halving keeps from going up: (b,).

    A negative curvature is taken for a positive one, so that no step goes towards a saddle; a coordinate on a
    bound stays there while its slope points outwards.
    """
    here, at = start, slopes(start)
    for _ in range(MOST_STEPS):
        free = ~(((here <= low) & (at.gradient > 0.0)) | ((here >= high) & (at.gradient < 0.0)))
        step = np.zeros(len(here))
        step[free] = _newton_step(at.gradient[free], at.hessian[np.ix_(free, free)])
        step *= min(1.0, LONGEST_STEP / np.abs(step).max(initial=LONGEST_STEP))
        trial = np.clip(here + step, low, high)
        while np.abs(trial - here).max() > PRECISION:
            there = slopes(trial)
            if there.value <= at.value + NOISE:
                break
            step /= 2.0
            trial = np.clip(here + step, low, high)
        else:
            return trial
        here, at = trial, there
    return here


def _newton_step(gradient: FloatArray, hessian: FloatArray) -> FloatArray:
    """Return -|H|^-1 g, the smallest curvatures of H raised to FLATTEST of the largest."""
    e, V = np.linalg.eigh(hessian)
    curvature = np.abs(e)
    least = max(FLATTEST * float(curvature.max(initial=0.0)), float(np.finfo(np.float64).tiny))
    return np.asarray(-V @ ((V.T @ gradient) / np.maximum(curvature, least)))
