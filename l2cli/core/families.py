"""Families: unit deviance, its gradient and curvature in the linear predictor eta, and the inverse link."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from l2cli.errors import UsageError

FloatArray = npt.NDArray[np.float64]


class Family(Protocol):
    """One family of SPEC section 1; arrays broadcast, ``y`` against ``eta``."""

    name: str

    def deviance(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        """Return the unit deviance d(y, eta)."""
        ...

    def mean(self, eta: FloatArray) -> FloatArray:
        """Return mu(eta), the inverse link."""
        ...

    def curvature(self, mu: FloatArray) -> FloatArray:
        """Return d mu / d eta at mu: half the second derivative of the deviance in eta (canonical links)."""
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

    def curvature(self, mu: FloatArray) -> FloatArray:
        """Return 1."""
        return np.ones_like(mu)


class Binomial:
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

    def curvature(self, mu: FloatArray) -> FloatArray:
        """Return mu (1 - mu)."""
        return mu * (1.0 - mu)


FAMILIES: dict[str, Family] = {"gaussian": Gaussian(), "binomial": Binomial()}


def family_named(name: str) -> Family:
    """Return the family called ``name``; UsageError if there is none."""
    try:
        return FAMILIES[name]
    except KeyError:
        raise UsageError(f"no family '{name}'", hint="there are " + ", ".join(FAMILIES)) from None
