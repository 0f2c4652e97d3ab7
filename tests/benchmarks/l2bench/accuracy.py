"""How exact a solution is: one routine for every program, in NumPy, in standardized coordinates.

With Z the columns of X centred and divided by their population standard deviations, eta = b + Z u and d the
unit deviance (gaussian (y - eta)^2, binomial -2 [y eta - log(1 + e^eta)]), it looks at

    J(b, u) = sum_i d(y_i, eta_i) + lambda * sum_j u_j^2

and shares no code with the package under test.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Solution:
    """What a program answered, on the original scale. lam : on the sum scale of J; coef : (p,)."""

    lam: float
    intercept: float
    coef: FloatArray


@dataclass(frozen=True)
class Accuracy:
    """How exact one answer is.

    objective : J. excess : (J - J*) / J*, where J* is the best known. kkt : largest gradient over that of
    the null model.
    """

    objective: float
    excess: float
    kkt: float


def objective(family: str, Z: FloatArray, y: FloatArray, lam: float, b: float, u: FloatArray) -> float:
    """Return J(b, u)."""
    eta = b + Z @ u
    if family == "gaussian":
        loss = float(np.sum((y - eta) ** 2))
    else:
        loss = float(2 * np.sum(np.logaddexp(0, eta) - y * eta))
    return loss + lam * float(u @ u)


def gradient(
    family: str, Z: FloatArray, y: FloatArray, lam: float, b: float, u: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return half the gradient of J, intercept first: (1 + p,), and the means mu: (n,)."""
    eta = b + Z @ u
    mu = eta if family == "gaussian" else 1 / (1 + np.exp(-eta))
    return np.concatenate([[np.sum(mu - y)], Z.T @ (mu - y) + lam * u]), mu


def best_known(family: str, Z: FloatArray, y: FloatArray, lam: float) -> tuple[float, FloatArray]:
    """Minimise J by Newton's method with the full Hessian until the gradient stops falling; return (b, u)."""
    p = Z.shape[1]
    mean = float(y.mean())
    theta = np.zeros(p + 1)
    theta[0] = mean if family == "gaussian" else np.log(mean / (1 - mean))
    best, smallest = theta, np.inf
    for _ in range(60):
        g, mu = gradient(family, Z, y, lam, float(theta[0]), theta[1:])
        size = float(np.abs(g).max())
        if size >= smallest:
            break
        best, smallest = theta, size
        w = np.ones_like(y) if family == "gaussian" else mu * (1 - mu)
        H = np.empty((p + 1, p + 1))
        H[0, 0] = w.sum()
        H[0, 1:] = H[1:, 0] = w @ Z
        H[1:, 1:] = (Z * w[:, None]).T @ Z
        H[1:, 1:].flat[:: p + 1] += lam
        theta = theta - np.linalg.solve(H, g)
    return float(best[0]), best[1:]


def certify(family: str, X: FloatArray, y: FloatArray, solution: Solution) -> Accuracy:
    """Measure a solution at its own lambda. X : (n, p), y : (n,), neither changed."""
    mean, sd = X.mean(axis=0), X.std(axis=0)
    Z = (X - mean) / sd
    u = solution.coef * sd
    b = solution.intercept + float(solution.coef @ mean)
    value = objective(family, Z, y, solution.lam, b, u)
    best = objective(family, Z, y, solution.lam, *best_known(family, Z, y, solution.lam))
    here, _ = gradient(family, Z, y, solution.lam, b, u)
    null = np.abs(Z.T @ (y - y.mean())).max()
    return Accuracy(value, (value - best) / best, float(np.abs(here).max() / null))
