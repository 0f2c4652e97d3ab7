"""Evidence of a ridge: the marginal likelihood of lambda, for all lambdas at once.

Ridge is the posterior mean of y_i ~ N(b0 + z_i.u, sigma^2 / s_i) under u_j ~ N(0, sigma^2 / (lambda d_j)),
flat in the intercept and the unpenalized columns. With these q directions integrated out (restricted
likelihood: Patterson and Thompson 1971, Biometrika 58, "Recovery of inter-block information when block sizes
are unequal") and sigma^2 at its maximum,

    -2 log p(y | lambda) = (n - q) log Q(lambda) + sum_k log(1 + e_k / lambda) + const,
    Q(lambda) = min J = RSS(0) + sum_k (b_k^2 / e_k) lambda / (e_k + lambda),

with the eigenvalues e and the projection b of :class:`l2cli.core.solvers.ridge.RidgeFactor` (MacKay 1992,
Neural Computation 4, "Bayesian interpolation", whose fixed point lambda = gamma sigma^2 / |u|^2 is where this
is smallest).

Notes
-----
One pass over the rows for RSS(0) (2 n p), then r flops per lambda. n counts rows: weights say how sure each
one is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.problem import Problem
from l2cli.core.solvers.ridge import RidgeFactor
from l2cli.errors import FitError
from l2cli.select.curve import Curve

FloatArray = npt.NDArray[np.float64]
TINY = float(np.finfo(np.float64).tiny)
"""What stands for 0 of a target that does not vary."""


class EvidenceTerms(NamedTuple):
    """What the evidence is made of, whatever lambda.

    spare : n - q. e, explained : (r,) eigenvalues and b_k^2 / e_k. rest : RSS(0).
    """

    spare: int
    e: FloatArray
    explained: FloatArray
    rest: float

    def minima(self, lambdas: FloatArray) -> FloatArray:
        """Return Q, the smallest J, at each lambda: (L,)."""
        part = lambdas / (self.e[:, None] + lambdas)
        return np.asarray(np.maximum(self.rest + (self.explained[:, None] * part).sum(axis=0), TINY))

    def values(self, lambdas: FloatArray) -> FloatArray:
        """Return -2 log p(y | lambda), less that of no effects, at each lambda: (L,)."""
        total = max(self.rest + float(self.explained.sum()), TINY)
        with np.errstate(divide="ignore"):
            prior = np.log1p(self.e[:, None] / lambdas).sum(axis=0)
        return np.asarray(self.spare * np.log(self.minima(lambdas) / total) + prior)


def evidence_terms(problem: Problem, factor: RidgeFactor) -> EvidenceTerms:
    """Return the parts of the evidence of a problem.

    Raises
    ------
    FitError
        The unpenalized columns alone fit as many rows as there are.
    """
    spare = problem.n_rows - int(problem.intercept) - factor.free.rank
    if spare <= 0:
        raise FitError(
            f"no evidence: the unpenalized columns and the intercept fit all {problem.n_rows} rows exactly",
            hint="penalize more columns, or use --select cv",
        )
    rest = _unpenalized_rss(problem, factor) if spare > len(factor.e) else 0.0
    return EvidenceTerms(spare, factor.e, factor.projection**2 / factor.e, rest)


def evidence(problem: Problem, factor: RidgeFactor, lambdas: FloatArray) -> Curve:
    """Return the curve of -2 log p(y | lambda), less that of no effects (lambda infinite); no se.

    Parameters
    ----------
    lambdas : (L,) float64
        Sum scale. Lambda 0, a prior without end, has no evidence: it ranks last.

    Raises
    ------
    FitError
        See :func:`evidence_terms`.
    """
    unknown = np.full(len(lambdas), np.nan)
    return Curve(lambdas, evidence_terms(problem, factor).values(lambdas), unknown, unknown)


def _unpenalized_rss(problem: Problem, factor: RidgeFactor) -> float:
    """Return RSS(0), the weighted sum of squares that no lambda explains, from the residuals of the rows."""
    s = problem.weights
    r = problem.response - problem.predictor(factor.solve(np.zeros(1))[:, 0])
    if problem.intercept:
        r = r - float(s @ r) / float(s.sum())
    return float(s @ np.square(r))
