"""Bias, variance and noise of a ridge along lambda, under the linear model and at the same X.

With A = S^1/2 (Z - mean) D^-1/2 (residuals on the unpenalized columns), its eigenvalues e_k = d_k^2 and left
singular vectors u_k, and y_i = f_i + eps_i, Var eps_i = sigma^2 / s_i, the scores b_k = u_k' S^1/2 y are
independent with means alpha_k = d_k a_k and variance sigma^2, and the fit takes e/(e + lambda) of each:

    bias^2   = (1/W) sum_k alpha_k^2 (lambda / (e_k + lambda))^2
    variance = (sigma^2/W) [p0 + sum_k (e_k / (e_k + lambda))^2]
    noise    = n sigma^2 / W,       expected test error = noise + bias^2 + variance,

the weighted mean squared error of new responses at these rows; p0 counts the intercept and the rank of the
unpenalized columns (Hoerl and Kennard 1970, "Ridge regression", section 4, for the prediction).

The estimate puts b_k^2 - sigma^2 in the place of alpha_k^2. It is unbiased, and the sum of the three is then
Mallows' C_L, train error + 2 sigma^2 tr H / W with H the hat matrix (Mallows 1973, "Some comments on C_p"). A
sum that is negative is shown as a bias^2 of 0: to clip term by term would add up to a bias. sigma^2 comes
from the unpenalized residuals, or, where they leave fewer than FEW_RESIDUALS degrees of freedom, from REML
with the coefficients as random effects of one variance (Patterson and Thompson 1971, "Recovery of inter-block
information").

Notes
-----
Bands of 95 % covered 91 to 98 % in simulations with 30 x 10 to 300 x 20 rows and columns. Where REML is
needed they lean on coefficients that are alike, and covered 60 to 99 % (40 x 60): rough.

n p flops for the unpenalized residuals, then r L for the curves and m r L for m bootstrap draws.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.problem import Problem, row_blocks
from l2cli.core.solvers.ridge import RidgeFactor

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
FEW_RESIDUALS = 5
"""Residual degrees of freedom below which REML estimates the noise."""
ROUNDING = 64.0
"""Roundings of the response up to which residuals are none."""
REML_POINTS = 240
"""Ratios of noise to signal variance that REML tries, even in their logarithm."""


class SpectralForm(NamedTuple):
    """What a gaussian ridge at any lambda depends on.

    e : (r,) eigenvalues > 0. scores : (r,) b_k. rest : weighted sum of squares of the unpenalized residuals;
    spare : their degrees of freedom. fixed : p0. weight : W; n_rows : n.
    """

    e: FloatArray
    scores: FloatArray
    rest: float
    spare: int
    fixed: int
    weight: float
    n_rows: int

    @property
    def by_residuals(self) -> bool:
        """True where the unpenalized residuals tell the noise."""
        return self.spare >= FEW_RESIDUALS

    def left(self, lambdas: FloatArray) -> FloatArray:
        """Return lambda / (e + lambda), the share of each score that the penalty takes: (r, L)."""
        return np.asarray(lambdas / (self.e[:, None] + lambdas))

    def train_error(self, lambdas: FloatArray) -> FloatArray:
        """Return the weighted mean squared residual of the fits: (L,)."""
        return np.asarray((self.rest + np.square(self.scores) @ np.square(self.left(lambdas))) / self.weight)


class Decomposition(NamedTuple):
    """bias2 (L,) or (m, L), not below 0; raw : before that was seen to; variance; noise, a number or (m,)."""

    bias2: FloatArray
    raw: FloatArray
    variance: FloatArray
    noise: FloatArray

    @property
    def test_error(self) -> FloatArray:
        """The expected squared error of new responses."""
        return np.asarray(self.noise[..., None] + self.bias2 + self.variance)


class Bands(NamedTuple):
    """Lower and upper ends (2, L) of each part, and of the noise (2,)."""

    bias2: FloatArray
    variance: FloatArray
    test_error: FloatArray
    noise: FloatArray


def spectral_form(problem: Problem, factor: RidgeFactor) -> SpectralForm:
    """Return the spectral form of a gaussian L2 problem by a factor that serves at lambda 0.

    The residuals are computed on the rows: y'y less what the scores explain would cancel.
    """
    u, s, y = factor.solve(np.zeros(1))[:, 0], problem.weights, problem.response
    weight = float(s.sum())
    mean = float(s @ y) / weight if problem.intercept else 0.0
    rest, total, size = 0.0, 0.0, 0.0
    for rows in row_blocks(problem.n_rows, problem.n_columns):
        r = y[rows] - mean - problem.X[rows] @ u
        rest += float(s[rows] @ (r * r))
        total += float(s[rows] @ r)
        size += float(s[rows] @ np.square(y[rows]))
    if problem.intercept:
        rest = max(rest - total**2 / weight, 0.0)
    if rest <= (ROUNDING * float(np.finfo(np.float64).eps)) ** 2 * size:
        rest = 0.0
    fixed = int(problem.intercept) + factor.free.rank
    spare = problem.n_rows - fixed - len(factor.e)
    scores = factor.projection / np.sqrt(factor.e)
    return SpectralForm(factor.e, scores, rest, max(spare, 0), fixed, weight, problem.n_rows)


def noise_variance(form: SpectralForm, squares: FloatArray, rest: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Return sigma^2 (m,) of m sets of squared scores (m, r) and residual sums (m,), and where it is known.

    By residuals rest / spare. By REML b_k ~ N(0, sigma^2 (1 + e_k / delta)) and rest ~ sigma^2 chi2(spare):
    delta minimises (spare + r) log S + sum log(1 + e_k / delta), S = rest + sum b_k^2 delta / (e_k + delta),
    and sigma^2 = S / (spare + r). Unknown is a noise of 0, a minimum at the smallest delta (all is signal),
    and any where the eigenvalues are all alike and no residual is left.
    """
    if form.by_residuals:
        return rest / form.spare, rest > 0.0
    alike = form.spare == 0 and float(form.e.max(initial=0.0)) <= 1.001 * float(form.e.min(initial=np.inf))
    if not len(form.e) or alike:
        return np.full(len(rest), np.nan), np.zeros(len(rest), dtype=bool)
    t = np.linspace(np.log(form.e.min()) - 7.0, np.log(form.e.max()) + 7.0, REML_POINTS)
    share = np.exp(t) / (form.e[:, None] + np.exp(t))
    count = form.spare + len(form.e)
    S = rest[:, None] + squares @ share
    with np.errstate(divide="ignore"):
        criterion = count * np.log(S) - np.log(share).sum(axis=0)
    best = criterion.argmin(axis=1)
    return S[np.arange(len(S)), best] / count, np.asarray((best > 0) & (S.min(axis=1) > 0.0))


def decompose(
    form: SpectralForm, lambdas: FloatArray, squares: FloatArray, noise: FloatArray
) -> Decomposition:
    """Return the parts at lambdas (L,) for squared means alpha_k^2 (r,) and sigma^2, or for m of each."""
    left = form.left(lambdas)
    raw = squares @ np.square(left) / form.weight
    spread = (form.fixed + np.square(1.0 - left).sum(axis=0)) / form.weight
    variance = np.multiply.outer(noise, spread)
    return Decomposition(np.maximum(raw, 0.0), raw, variance, np.asarray(noise * form.n_rows / form.weight))


def plug_in(
    form: SpectralForm, lambdas: FloatArray, scores: FloatArray, rest: FloatArray
) -> tuple[Decomposition, BoolArray]:
    """Return the estimates of m sets of scores (m, r) and residual sums (m,); where the noise is known."""
    squares = np.square(scores)
    sigma2, known = noise_variance(form, squares, rest)
    return decompose(form, lambdas, squares - sigma2[:, None], sigma2), known


def estimate(form: SpectralForm, lambdas: FloatArray) -> tuple[Decomposition, bool]:
    """Return the estimate of the data themselves, and whether their noise is known."""
    found, known = plug_in(form, lambdas, form.scores[None], np.array([form.rest]))
    one = Decomposition(found.bias2[0], found.raw[0], found.variance[0], np.asarray(found.noise[0]))
    return one, bool(known[0])


def draw_scores(
    form: SpectralForm, means: FloatArray, sigma2: float, draws: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Return scores (m, r) and residual sums (m,) of responses drawn with these means and noise.

    What a ridge depends on of n drawn responses, for r + 1 numbers instead of n.
    """
    scores = means + np.sqrt(sigma2) * rng.standard_normal((draws, len(means)))
    rest = sigma2 * rng.chisquare(form.spare, draws) if form.spare else np.zeros(draws)
    return scores, rest


def bootstrap_bands(
    form: SpectralForm, lambdas: FloatArray, found: Decomposition, *, draws: int, seed: int, level: float
) -> Bands:
    """Return parametric bootstrap bands of an estimate, pointwise in lambda.

    Responses are drawn from the estimate (alpha_k^2 = b_k^2 - sigma^2, or 0) and estimated anew. The band is
    the basic one, phi(estimate) - quantiles of [phi(drawn) - phi(what they were drawn from)] (Davison and
    Hinkley 1997, section 5.2), on a scale phi where the spread hardly depends on the truth: the logarithm
    for what is a variance, sqrt(bias^2 + sigma^2 sum (lambda / (e_k + lambda))^2 / W) for bias^2.
    """
    sigma2 = float(found.noise) * form.weight / form.n_rows
    squares = np.maximum(np.square(form.scores) - sigma2, 0.0)
    truth = decompose(form, lambdas, squares, np.asarray(sigma2))
    scores, rest = draw_scores(form, np.sqrt(squares), sigma2, draws, np.random.default_rng([seed, 1]))
    drawn, _ = plug_in(form, lambdas, scores, rest)
    tails = ((1.0 + level) / 2.0, (1.0 - level) / 2.0)

    def ratio_band(part: Callable[[Decomposition], FloatArray]) -> FloatArray:
        ends = np.quantile(part(drawn), tails, axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(part(found) * part(truth) / ends)

    offset = sigma2 * np.square(form.left(lambdas)).sum(axis=0) / form.weight
    drift = np.sqrt(np.maximum(drawn.raw + offset, 0.0)) - np.sqrt(truth.raw + offset)
    root = np.sqrt(np.maximum(found.raw + offset, 0.0)) - np.quantile(drift, tails, axis=0)
    bias2 = np.maximum(np.square(np.maximum(root, 0.0)) - offset, 0.0)
    test_error = ratio_band(lambda d: d.test_error)
    return Bands(bias2, ratio_band(lambda d: d.variance), test_error, ratio_band(lambda d: d.noise))
