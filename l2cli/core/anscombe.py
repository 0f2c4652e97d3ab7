"""Residuals on a scale where they spread alike whatever the mean: what intervals of a target are made of.

For the variance V(mu) = mu^p and a = 1 - p/3,

    r(y, mu) = (y^a - mu^a) / (a mu^(p/6)),

which is y - mu for gaussian (p = 0), and else close to the signed root of the deviance, with a closed inverse
(Anscombe 1953; McCullagh and Nelder 1989, Generalized Linear Models, section 2.4.2; Pierce and Schafer 1986).
|r| up to R is an interval of y about mu: longer above than below, and with 0 in it where R reaches that far.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.families import Family, PowerVariance

FloatArray = npt.NDArray[np.float64]


class Anscombe(NamedTuple):
    """The residuals of a family with variance mu^power: log link, or the identity for ``power`` 0."""

    power: float

    @classmethod
    def of(cls, family: Family) -> Anscombe:
        """Return the residuals of a family of numbers."""
        return cls(family.power if isinstance(family, PowerVariance) else 0.0)

    @property
    def exponent(self) -> float:
        """The exponent a, at least 1/3."""
        return 1.0 - self.power / 3.0

    def places(self, eta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return mu^a and a mu^(p/6) at linear predictors, infinite where they overflow.

        The latter is 1 for all rows of gaussian ones, and has one row then.
        """
        if self.power == 0.0:
            return eta, np.ones_like(eta[:1])
        with np.errstate(over="ignore"):
            return np.exp(self.exponent * eta), self.exponent * np.exp(self.power / 6.0 * eta)

    def residual(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        """Return r(y, mu(eta)), NaN or infinite where mu overflows."""
        center, unit = self.places(eta)
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray((y**self.exponent - center) / unit)

    def target(self, place: FloatArray) -> FloatArray:
        """Return the y whose y^a is ``place``, 0 below that of 0."""
        if self.power == 0.0:
            return place
        with np.errstate(over="ignore"):
            return np.asarray(np.maximum(place, 0.0) ** (1.0 / self.exponent))
