"""How exact a solution is: one routine for every program, in NumPy, sharing no code with the package."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from l2bench import losses
from l2bench.losses import FloatArray
from l2bench.reference import best_known
from l2bench.task import Task


@dataclass(frozen=True)
class Solution:
    """What a program answered, on the original scale.

    lam : on the sum scale of J. intercept : a number, (K,) for multinomial. coef : (p,), (p, K) for
    multinomial. l1_ratio : r.
    """

    lam: float
    intercept: float | FloatArray
    coef: FloatArray
    l1_ratio: float = 0.0


@dataclass(frozen=True)
class Accuracy:
    """How exact one answer is.

    objective : J. excess : (J - J*) / J*, where J* is the best known. kkt : largest violation of the
    optimality conditions over the largest gradient of the null model. reference_kkt : the same of the
    solution that J* belongs to; the excess is known about as well as its square is small.
    """

    objective: float
    excess: float
    kkt: float
    reference_kkt: float


def standardize(X: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return Z, the means and the population standard deviations, 1 for a constant column."""
    mean, sd = X.mean(axis=0), X.std(axis=0)
    sd[np.ptp(X, axis=0) == 0] = 1
    Z = X - mean
    Z /= sd
    return Z, mean, sd


def certify(family: str, X: FloatArray, y: FloatArray, solution: Solution, size: int = 1) -> Accuracy:
    """Measure a solution at its own lambda. X : (n, p), y : (n,), neither changed."""
    Z, mean, sd = standardize(X)
    l1 = solution.lam * solution.l1_ratio
    task = Task(family, Z, losses.indicators(family, y), l1, solution.lam - l1, size)
    coef = solution.coef.reshape(X.shape[1], -1)
    u, b = coef * sd[:, None], np.atleast_1d(solution.intercept) + mean @ coef
    value = task.objective(b, u)
    best_b, best_u = best_known(task)
    best = min(task.objective(best_b, best_u), value)
    return Accuracy(value, (value - best) / best, task.kkt(b, u), task.kkt(best_b, best_u))
