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

import numpy as np
import numpy.typing as npt

from l2cli.core.problem import Problem
from l2cli.core.solvers.ridge import RidgeFactor
from l2cli.errors import FitError
from l2cli.select.curve import Curve

FloatArray = npt.NDArray[np.float64]


def evidence(problem: Problem, factor: RidgeFactor, lambdas: FloatArray) -> Curve:
    """Return the curve of -2 log p(y | lambda), less that of no effects (lambda infinite); no se.

    Parameters
    ----------
    lambdas : (L,) float64
        Sum scale. Lambda 0, a prior without end, has no evidence: it ranks last.

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
    e = factor.e[:, None]
    explained = factor.projection[:, None] ** 2 / e
    rest = _unpenalized_rss(problem, factor) if spare > len(factor.e) else 0.0
    tiny = float(np.finfo(np.float64).tiny)  # a target that does not vary
    total = max(rest + float(explained.sum()), tiny)
    with np.errstate(divide="ignore"):
        prior = np.log1p(e / lambdas).sum(axis=0)
    q = np.maximum(rest + (explained * (lambdas / (e + lambdas))).sum(axis=0), tiny)
    unknown = np.full(len(lambdas), np.nan)
    return Curve(lambdas, spare * np.log(q / total) + prior, unknown, unknown)


def _unpenalized_rss(problem: Problem, factor: RidgeFactor) -> float:
    """Return RSS(0), the weighted sum of squares that no lambda explains, from the residuals of the rows."""
    s = problem.weights
    r = problem.response - problem.predictor(factor.solve(np.zeros(1))[:, 0])
    if problem.intercept:
        r = r - float(s @ r) / float(s.sum())
    return float(s @ np.square(r))
