"""The losses of the accuracy column, in NumPy, by their formulas; nothing here comes from the package.

Every linear predictor eta is (n, K), with K = 1 but for multinomial, and Y is (n, K): the target, 0 or 1
(binomial), a count (poisson), or one column of 0 and 1 per class (multinomial). The unit deviances d are

    gaussian     (y - eta)^2
    binomial     -2 [y eta - log(1 + e^eta)]
    multinomial  -2 [eta_y - log sum_k e^eta_k]
    poisson      2 [y log(y / mu) - (y - mu)],  mu = e^eta

and half their derivative in eta is mu - Y for each of them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def indicators(family: str, y: FloatArray) -> FloatArray:
    """Return Y : (n, K). For multinomial y holds the numbers of the classes, 0 to K - 1."""
    if family == "multinomial":
        return np.equal.outer(y, np.arange(int(y.max()) + 1)).astype(np.float64)
    return y.reshape(-1, 1)


def deviance(family: str, Y: FloatArray, eta: FloatArray) -> float:
    """Return the sum of the unit deviances."""
    if family == "gaussian":
        return float(np.sum((Y - eta) ** 2))
    if family == "binomial":
        return float(2 * np.sum(np.logaddexp(0, eta) - Y * eta))
    if family == "multinomial":
        return float(2 * np.sum(np.logaddexp.reduce(eta, axis=1) - np.sum(Y * eta, axis=1)))
    if family == "poisson":
        logs = np.log(Y, out=np.zeros_like(Y), where=Y > 0)
        with np.errstate(over="ignore"):
            return float(2 * np.sum(Y * (logs - eta) - Y + np.exp(eta)))
    raise ValueError(family)


def means(family: str, eta: FloatArray) -> FloatArray:
    """Return mu : (n, K)."""
    if family == "gaussian":
        return eta
    if family == "binomial":
        return np.asarray(1 / (1 + np.exp(-eta)))
    if family == "multinomial":
        return np.asarray(np.exp(eta - np.logaddexp.reduce(eta, axis=1)[:, None]))
    if family == "poisson":
        return np.asarray(np.exp(eta))
    raise ValueError(family)


def curvature(family: str, mu: FloatArray, k: int, m: int) -> FloatArray:
    """Return half the second derivative of d in eta_k and eta_m : (n,)."""
    if family == "gaussian":
        return np.ones(len(mu))
    if family == "poisson":
        return np.asarray(mu[:, 0])
    return np.asarray(mu[:, k] * ((k == m) - mu[:, m]))


def null_intercepts(family: str, Y: FloatArray) -> FloatArray:
    """Return the intercepts of the model without columns : (K,), with sum zero for multinomial."""
    mean: FloatArray = Y.mean(axis=0)
    if family == "binomial":
        return np.asarray(np.log(mean / (1 - mean)))
    if family == "poisson":
        return np.asarray(np.log(mean))
    if family == "multinomial":
        return np.asarray(np.log(mean) - np.log(mean).mean())
    return mean
