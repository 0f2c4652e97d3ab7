"""Families: unit deviance, its derivatives in the linear predictor eta, and the inverse link.

With the half deviance l = d / 2, ``residual`` is -l'(eta) and ``curvature`` l''(eta), both at mu = mu(eta):

| family | link | residual | curvature | information |
|---|---|---|---|---|
| gaussian | identity | y - mu | 1 | 1 |
| binomial | logit | y - mu | mu (1 - mu) | mu (1 - mu) |
| multinomial | softmax | y - mu | mu (1 - mu), between classes -mu_k mu_l | the same |
| variance mu^p | log | (y - mu) mu^(1-p) | (2 - p) mu^(2-p) + (p - 1) y mu^(1-p) | mu^(2-p) |

poisson has p = 1, gamma p = 2, tweedie 1 < p < 2. All are convex in eta. The information is the mean of the
curvature over y (McCullagh and Nelder 1989, table 2.1; Jorgensen 1987 for tweedie).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from l2cli.errors import UsageError

FloatArray = npt.NDArray[np.float64]
DEFAULT_POWER = 1.5
"""Tweedie's variance power where none is given."""


class Family(Protocol):
    """One family of SPEC section 1; arrays broadcast, ``y`` against ``eta`` or ``mu``."""

    name: str

    def deviance(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        """Return the unit deviance d(y, eta)."""
        ...

    def mean(self, eta: FloatArray) -> FloatArray:
        """Return mu(eta), the inverse link."""
        ...

    def residual(self, y: FloatArray, mu: FloatArray, out: FloatArray | None = None) -> FloatArray:
        """Return minus half the first derivative of the deviance in eta; ``out`` may be ``mu``."""
        ...

    def curvature(self, y: FloatArray, mu: FloatArray) -> FloatArray:
        """Return half the second derivative of the deviance in eta."""
        ...

    def information(self, mu: FloatArray) -> FloatArray:
        """Return the mean of the curvature over y."""
        ...

    def terms(self, y: FloatArray, mu: FloatArray) -> FloatArray:
        """Return the sum of the absolute terms of the residual, which rounding goes by."""
        ...

    def null_intercept(self, y: FloatArray, s: FloatArray, offset: FloatArray | None) -> FloatArray | float:
        """Return b with sum_i s_i residual_i = 0 at eta_i = o_i + b (multinomial: one for each class)."""
        ...


class Gaussian:
    """d = (y - eta)^2, mu = eta."""

    name = "gaussian"

    def deviance(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        """Return (y - eta)^2."""
        return np.square(y - eta)

    def mean(self, eta: FloatArray) -> FloatArray:
        """Return eta."""
        return eta

    def residual(self, y: FloatArray, mu: FloatArray, out: FloatArray | None = None) -> FloatArray:
        """Return y - mu."""
        return np.subtract(y, mu, out=out)

    def curvature(self, y: FloatArray, mu: FloatArray) -> FloatArray:  # noqa: ARG002 - the same for every y
        """Return 1."""
        return np.ones_like(mu)

    def information(self, mu: FloatArray) -> FloatArray:
        """Return 1."""
        return np.ones_like(mu)

    def terms(self, y: FloatArray, mu: FloatArray) -> FloatArray:
        """Return |y| + |mu|."""
        return np.abs(y) + np.abs(mu)

    def null_intercept(self, y: FloatArray, s: FloatArray, offset: FloatArray | None) -> float:
        """Return the weighted mean of y - o."""
        return float(s @ (y if offset is None else y - offset)) / float(s.sum())


class _Probabilities:
    """What families share whose mu is a probability: of one class, or of each of several."""

    def curvature(self, y: FloatArray, mu: FloatArray) -> FloatArray:  # noqa: ARG002 - the same for every y
        """Return mu (1 - mu)."""
        return mu * (1.0 - mu)

    def information(self, mu: FloatArray) -> FloatArray:
        """Return mu (1 - mu)."""
        return mu * (1.0 - mu)

    def terms(self, y: FloatArray, mu: FloatArray) -> FloatArray:
        """Return |y| + |mu|."""
        return np.abs(y) + np.abs(mu)


class Binomial(_Probabilities):
    """d = -2 [y eta - log(1 + e^eta)], mu = 1 / (1 + e^-eta)."""

    name = "binomial"

    def deviance(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        """Return 2 [log(1 + e^eta) - y eta], for y in {0, 1} without cancellation at large |eta|."""
        away = np.where(y > 0.5, -eta, eta)  # positive where the sign is wrong
        value: FloatArray = 2.0 * (np.maximum(away, 0.0) + np.log1p(np.exp(-np.abs(away))))
        return value

    def mean(self, eta: FloatArray) -> FloatArray:
        """Return the probability; e^-eta may overflow to infinity, whose reciprocal is the right 0."""
        mu = np.negative(eta)
        with np.errstate(over="ignore"):
            np.exp(mu, out=mu)
        mu += 1.0
        return np.reciprocal(mu, out=mu)

    def residual(self, y: FloatArray, mu: FloatArray, out: FloatArray | None = None) -> FloatArray:
        """Return y - mu."""
        return np.subtract(y, mu, out=out)

    def null_intercept(self, y: FloatArray, s: FloatArray, offset: FloatArray | None) -> float:
        """Return the logit of the mean without an offset, else what Newton steps lead to.

        A shrinking bracket keeps them in check: the sum falls with b, but is flat between far offsets.
        """
        total = float(s.sum())
        share = min(max(float(s @ y) / total, 1e-15), 1.0 - 1e-15)
        b = float(np.log(share / (1.0 - share)))
        if offset is None:
            return b
        low, high = b - float(offset.max()), b - float(offset.min())
        b -= float(s @ offset) / total
        for _ in range(200):
            mu = self.mean(offset + b)
            excess, slope = float(s @ (y - mu)), float(s @ self.information(mu))
            low, high = (b, high) if excess > 0.0 else (low, b)
            step = excess / slope if slope > 0.0 else np.inf
            if abs(step) <= 1e-15 * max(1.0, abs(b)) or high - low <= 1e-15 * abs(b):
                break
            b = b + step if low < b + step < high else 0.5 * (low + high)
        return b


class PowerVariance:
    """Log link with variance mu^p: d = 2 [y^(2-p)/((1-p)(2-p)) - y mu^(1-p)/(1-p) + mu^(2-p)/(2-p)].

    Its limits are 2 [y log(y/mu) - (y - mu)] for p = 1 and 2 [-log(y/mu) + (y - mu)/mu] for p = 2.
    """

    def __init__(self, name: str, power: float) -> None:
        self.name, self.power = name, power

    def deviance(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        """Return the unit deviance by t = log y - eta, without cancellation near a perfect fit."""
        p, positive = self.power, y > 0
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            t = np.log(np.where(positive, y, 1.0)) - eta
            if p == 1.0:
                value = y * (t + np.expm1(-t))
            elif p == 2.0:
                value = np.expm1(t) - t
            else:
                value = y ** (2.0 - p) * (
                    np.expm1((p - 2.0) * t) / (2.0 - p) - np.expm1((p - 1.0) * t) / (1.0 - p)
                )
            if not positive.all():
                value = np.where(positive, value, np.exp((2.0 - p) * eta) / (2.0 - p))
        return np.asarray(2.0 * value)

    def mean(self, eta: FloatArray) -> FloatArray:
        """Return e^eta, infinite where that overflows."""
        with np.errstate(over="ignore"):
            return np.exp(eta)

    def _scaled(self, value: FloatArray, mu: FloatArray, out: FloatArray | None = None) -> FloatArray:
        """Return value mu^(1-p)."""
        if self.power == 1.0:
            return value
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            return np.multiply(value, mu ** (1.0 - self.power), out=out)

    def residual(self, y: FloatArray, mu: FloatArray, out: FloatArray | None = None) -> FloatArray:
        """Return (y - mu) mu^(1-p)."""
        return self._scaled(np.subtract(y, mu, out=out if self.power == 1.0 else None), mu, out)

    def curvature(self, y: FloatArray, mu: FloatArray) -> FloatArray:
        """Return (2 - p) mu^(2-p) + (p - 1) y mu^(1-p)."""
        p = self.power
        return mu if p == 1.0 else self._scaled((2.0 - p) * mu + (p - 1.0) * y, mu)

    def information(self, mu: FloatArray) -> FloatArray:
        """Return mu^(2-p)."""
        return self._scaled(mu, mu)

    def terms(self, y: FloatArray, mu: FloatArray) -> FloatArray:
        """Return (|y| + mu) mu^(1-p)."""
        return self._scaled(np.abs(y) + mu, mu)

    def null_intercept(self, y: FloatArray, s: FloatArray, offset: FloatArray | None) -> float:
        """Return log(sum s y e^((1-p) o) / sum s e^((2-p) o)), offsets taken about their largest."""
        if offset is None:
            return float(np.log(float(s @ y) / float(s.sum())))
        p, top = self.power, float(offset.max())
        o = offset - top
        # (1 - p) o is not negative where o is not positive: about its own largest too
        lift = float(((1.0 - p) * o).max())
        share = float(s @ (y * np.exp((1.0 - p) * o - lift))) / float(s @ np.exp((2.0 - p) * o))
        return float(np.log(share)) + lift - top


class Multinomial(_Probabilities):
    """d = -2 [eta_y - log sum_k e^eta_k], mu = softmax(eta), symmetric: every class has its own eta.

    Classes stand on the second axis: y (n, C) holds 1 for the class of the row and 0 elsewhere, eta and mu
    are (n, C) or (n, C, L). ``curvature`` and ``information`` are the diagonal of diag(mu) - mu mu'.
    """

    name = "multinomial"

    def deviance(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        """Return 2 log sum_k e^(eta_k - eta_y), without cancellation where the class is all but certain."""
        away = eta - (y * eta).sum(axis=1, keepdims=True)
        top = away.max(axis=1, keepdims=True)  # 0 where the class of the row has the largest eta
        away -= top
        others = np.where(y > 0.5, 0.0, np.exp(away)).sum(axis=1)
        most = top[:, 0]
        value: FloatArray = 2.0 * (most + np.log1p(others + np.expm1(-most)))
        return value

    def mean(self, eta: FloatArray) -> FloatArray:
        """Return the probabilities of the classes."""
        mu: FloatArray = eta - eta.max(axis=1, keepdims=True)
        np.exp(mu, out=mu)
        mu /= mu.sum(axis=1, keepdims=True)
        return mu

    def residual(self, y: FloatArray, mu: FloatArray, out: FloatArray | None = None) -> FloatArray:
        """Return y - mu, for the class of the row as the sum of the others' mu: 1 - mu would cancel."""
        own = y > 0.5
        others = np.where(own, 0.0, mu).sum(axis=1, keepdims=True)
        value = np.negative(mu, out=out)
        np.copyto(value, others, where=own)
        return value

    def null_intercept(self, y: FloatArray, s: FloatArray, offset: FloatArray | None) -> FloatArray:  # noqa: ARG002
        """Return the logarithms of the class shares (C,), their sum 0; an offset common to all cancels."""
        b = np.log(np.maximum(s @ y, 1e-300) / float(s.sum()))
        return np.asarray(b - b.mean())


FAMILIES: dict[str, Family] = {
    "gaussian": Gaussian(),
    "binomial": Binomial(),
    "multinomial": Multinomial(),
    "poisson": PowerVariance("poisson", 1.0),
    "gamma": PowerVariance("gamma", 2.0),
    "tweedie": PowerVariance("tweedie", DEFAULT_POWER),
}


def family_named(name: str, power: float | None = None) -> Family:
    """Return the family called ``name``, tweedie with a variance power; UsageError if there is none."""
    if name == "tweedie" and power is not None:
        return PowerVariance(name, power)
    try:
        return FAMILIES[name]
    except KeyError:
        raise UsageError(f"no family '{name}'", hint="there are " + ", ".join(FAMILIES)) from None
