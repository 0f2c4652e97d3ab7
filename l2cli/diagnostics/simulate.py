"""Bias and variance where the truth is known: exact by formula, and again by Monte Carlo.

The rows' X is kept; the truth is a ridge fit to them, f = Z u(lambda), and noise of a known variance. In
spectral form (:mod:`l2cli.diagnostics.tradeoff`) alpha_k = b_k e_k / (e_k + lambda), and one replicate of all
responses is r scores, a residual sum and the errors of the p0 unpenalized fits.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.diagnostics.tradeoff import Bands, Decomposition, SpectralForm, decompose, draw_scores, plug_in

FloatArray = npt.NDArray[np.float64]


class Truth(NamedTuple):
    """Means of the scores (r,) and the noise variance sigma^2 per unit of weight."""

    means: FloatArray
    sigma2: float


class Simulated(NamedTuple):
    """Exact parts, and what replicates found; arrays are (L,).

    train_error : expected. monte_carlo : bias^2 and variance over the replicates. risk, risk_se : their test
    error and its standard error. mean : of the estimates that each replicate alone would give, raw before a
    negative bias^2 is set to 0. mean_error, mean_error_se : of their test error. bands : where ``level`` of
    these estimates fall.
    """

    exact: Decomposition
    train_error: FloatArray
    monte_carlo: Decomposition
    risk: FloatArray
    risk_se: FloatArray
    mean: Decomposition
    mean_error: FloatArray
    mean_error_se: FloatArray
    bands: Bands


def truth_of(form: SpectralForm, lam: float, sigma2: float) -> Truth:
    """Return the truth that the fit at a lambda (sum scale) is, with noise of variance sigma^2."""
    return Truth(form.scores * form.e / (form.e + lam), sigma2)


def expected_train_error(form: SpectralForm, truth: Truth, lambdas: FloatArray) -> FloatArray:
    """Return [spare sigma^2 + sum (alpha_k^2 + sigma^2) (lambda / (e_k + lambda))^2] / W: (L,)."""
    squares = np.square(truth.means) + truth.sigma2
    return np.asarray((form.spare * truth.sigma2 + squares @ np.square(form.left(lambdas))) / form.weight)


def simulate(
    form: SpectralForm, truth: Truth, lambdas: FloatArray, *, replicates: int, seed: int, level: float
) -> Simulated:
    """Return the exact decomposition under a truth beside Monte Carlo over replicates of the responses.

    Over R replicates, bias^2 is the squared distance of the mean fit from the truth, less variance / R (what
    the finite mean adds), and variance that of the fits about their mean (divisor R - 1). The test error is
    noise plus the mean squared distance of the fits from the truth.
    """
    rng = np.random.default_rng([seed, 2])
    exact = decompose(form, lambdas, np.square(truth.means), np.asarray(truth.sigma2))
    scores, rest = draw_scores(form, truth.means, truth.sigma2, replicates, rng)
    free = np.sqrt(truth.sigma2) * rng.standard_normal((replicates, form.fixed))
    kept = 1.0 - form.left(lambdas)
    drift = np.square(kept * scores.mean(axis=0)[:, None] - truth.means[:, None]).sum(axis=0)
    drift += np.square(free.mean(axis=0)).sum()
    spread = scores.var(axis=0, ddof=1) @ np.square(kept) + free.var(axis=0, ddof=1).sum()
    raw = (drift - spread / replicates) / form.weight
    measured = Decomposition(np.maximum(raw, 0.0), raw, spread / form.weight, exact.noise)
    loss = np.square(scores) @ np.square(kept) - 2.0 * (scores * truth.means) @ kept
    loss += np.square(truth.means).sum() + np.square(free).sum(axis=1)[:, None]
    risk = exact.noise + loss / form.weight
    drawn, _ = plug_in(form, lambdas, scores, rest)
    error, root = drawn.test_error, np.sqrt(replicates)
    tails = ((1.0 - level) / 2.0, (1.0 + level) / 2.0)
    ends = [np.quantile(part, tails, axis=0) for part in (drawn.bias2, drawn.variance, error, drawn.noise)]
    return Simulated(
        exact, expected_train_error(form, truth, lambdas), measured,
        risk.mean(axis=0), risk.std(axis=0, ddof=1) / root,
        Decomposition(*(np.asarray(part.mean(axis=0)) for part in drawn)),
        error.mean(axis=0), error.std(axis=0, ddof=1) / root, Bands(*ends),
    )  # fmt: skip
