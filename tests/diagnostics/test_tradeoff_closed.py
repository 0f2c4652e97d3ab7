"""The closed form of bias and variance: against dense formulas, brute force, and on average."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from l2cli.core.path import design_factor, solve_path
from l2cli.core.problem import make_problem
from l2cli.diagnostics.simulate import simulate, truth_of
from l2cli.diagnostics.tradeoff import (
    bootstrap_bands,
    decompose,
    draw_scores,
    estimate,
    plug_in,
    spectral_form,
)

LAMBDAS = np.array([300.0, 30.0, 3.0, 0.1, 0.0])
SETTINGS: dict[str, dict[str, Any]] = {
    "plain": {},
    "no intercept": {"intercept": False},
    "raw": {"standardize": False},
    "weights": {"weights": True},
    "free columns": {"weights": True, "factors": [0.0, 2.0, 0.0, 1.0, 1.0]},
    "wide": {"n": 12, "p": 30},
}


def made(*, n=60, p=5, weights=False, factors=None, sigma=1.0, seed=0, **given):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) @ (np.eye(p) + 0.4) + 1.0
    s = rng.uniform(0.5, 2.0, n) if weights else np.ones(n)
    f = X @ rng.normal(size=p) * 0.4 + 2.0
    y = f + sigma * rng.normal(size=n) / np.sqrt(s)
    return make_problem(
        X, y, weights=s, penalty_factor=None if factors is None else np.array(factors), **given
    )


def form_of(problem):
    return spectral_form(problem, design_factor(problem, 0.0))


def hat_matrix(problem, lam):
    """Return the matrix that takes y to the fit, by the normal equations of the rows."""
    s, Z = problem.weights, problem.X
    columns = np.column_stack([np.ones(len(s)), Z]) if problem.intercept else Z
    penalty = np.append(0.0, problem.penalty) if problem.intercept else problem.penalty
    G = (columns.T * s) @ columns + lam * np.diag(penalty)
    return columns @ np.linalg.pinv(G, rcond=1e-13, hermitian=True) @ (columns.T * s)


@pytest.mark.parametrize("name", SETTINGS)
def test_the_exact_parts_are_those_of_the_hat_matrix(name):
    problem = made(**SETTINGS[name])
    form, sigma2, s = form_of(problem), 0.7, problem.weights
    truth = hat_matrix(problem, 5.0) @ problem.y
    ran = simulate(form, truth_of(form, 5.0, sigma2), LAMBDAS, replicates=20, seed=0, level=0.95)
    for i, lam in enumerate(LAMBDAS):
        H = hat_matrix(problem, lam)
        bias2 = s @ np.square(H @ truth - truth) / s.sum()
        variance = sigma2 * s @ (np.square(H) @ (1.0 / s)) / s.sum()
        away = np.square(truth - H @ truth) + sigma2 * np.square(np.eye(len(s)) - H) @ (1.0 / s)
        assert ran.exact.bias2[i] == pytest.approx(bias2, rel=1e-8, abs=1e-12)
        assert ran.exact.variance[i] == pytest.approx(variance, rel=1e-10)
        assert ran.train_error[i] == pytest.approx(s @ away / s.sum(), rel=1e-8, abs=1e-12)
    assert ran.exact.noise == pytest.approx(sigma2 * len(s) / s.sum(), rel=1e-12)


@pytest.mark.parametrize("name", ["plain", "free columns", "wide"])
def test_fits_to_drawn_responses_have_these_errors(name):
    """Brute force: other responses at the same rows, each fitted by the solver."""
    problem = made(**SETTINGS[name])
    form, rng, s, lambdas = form_of(problem), np.random.default_rng(3), problem.weights, LAMBDAS[:4]
    truth = hat_matrix(problem, 5.0) @ problem.y
    exact = simulate(form, truth_of(form, 5.0, 1.0), lambdas, replicates=20, seed=0, level=0.95).exact
    losses = []
    for _ in range(400):
        drawn = problem._replace(y=truth + rng.normal(size=len(s)) / np.sqrt(s), originals=None)
        path = solve_path(drawn, lambdas)
        fit = drawn.X @ path.u + path.intercept0
        losses.append(s @ np.square(fit - truth[:, None]) / s.sum())
    mean, se = np.mean(losses, axis=0), np.std(losses, axis=0) / np.sqrt(len(losses))
    assert np.all(np.abs(mean - exact.bias2 - exact.variance) < 4.0 * se)
    assert np.all(se < 0.06 * mean)


@pytest.mark.parametrize("name", SETTINGS)
def test_the_training_error_is_that_of_the_path(name):
    problem = made(**SETTINGS[name])
    path = solve_path(problem, LAMBDAS)
    expected = path.certificate.train_deviance / problem.weight_sum
    assert form_of(problem).train_error(LAMBDAS) == pytest.approx(expected, rel=1e-10, abs=1e-20)


@pytest.mark.parametrize("name", ["plain", "no intercept", "free columns"])
def test_the_estimate_is_mallows_where_nothing_is_clipped(name):
    problem = made(**SETTINGS[name])
    form, factor = form_of(problem), design_factor(problem, 0.0)
    found, known = estimate(form, LAMBDAS)
    df = factor.effective_df(LAMBDAS) + problem.intercept
    sigma2 = form.rest / (problem.n_rows - df[-1])
    expected = form.train_error(LAMBDAS) + 2.0 * sigma2 * df / problem.weight_sum
    assert known
    assert found.noise + found.raw + found.variance == pytest.approx(expected, rel=1e-12)
    assert np.all(found.bias2 == np.maximum(found.raw, 0.0))
    assert found.test_error == pytest.approx(found.noise + found.bias2 + found.variance)


@pytest.mark.parametrize("name", ["plain", "free columns"])
def test_replicates_agree_with_the_formulas_and_the_estimates_are_right_on_average(name):
    form = form_of(made(**SETTINGS[name]))
    ran = simulate(form, truth_of(form, 5.0, 1.0), LAMBDAS, replicates=4000, seed=1, level=0.95)
    exact = ran.exact
    assert np.all(np.abs(ran.risk - exact.test_error) < 4.0 * ran.risk_se)
    assert ran.monte_carlo.variance == pytest.approx(exact.variance, rel=0.08)
    assert ran.monte_carlo.bias2[:3] == pytest.approx(exact.bias2[:3], rel=0.15)
    unclipped = ran.mean.noise + ran.mean.raw + ran.mean.variance
    assert np.all(np.abs(unclipped - exact.test_error) < 4.0 * ran.mean_error_se)
    assert np.all(ran.mean_error_se < 0.01 * exact.test_error)
    assert float(ran.mean.noise) == pytest.approx(float(exact.noise), rel=0.02)


def test_the_errors_of_monte_carlo_are_its_spread_over_seeds():
    form = form_of(made(**SETTINGS["plain"]))
    truth = truth_of(form, 5.0, 1.0)
    runs = [simulate(form, truth, LAMBDAS, replicates=50, seed=seed, level=0.95) for seed in range(100)]
    for spread, told in (
        (np.std([run.risk for run in runs], axis=0), np.mean([run.risk_se for run in runs], axis=0)),
        (
            np.std([run.mean_error for run in runs], axis=0),
            np.mean([run.mean_error_se for run in runs], axis=0),
        ),
    ):
        assert spread == pytest.approx(told, rel=0.3)


def test_bands_cover_the_truth():
    """95 % bands over 300 data sets: of the expected error, bias^2 and noise, at every lambda."""
    form = form_of(made(n=80))
    truth, lambdas, rng = truth_of(form, 5.0, 1.0), LAMBDAS[:3], np.random.default_rng(0)
    exact = decompose(form, lambdas, np.square(truth.means), np.asarray(1.0))
    scores, rest = draw_scores(form, truth.means, 1.0, 300, rng)
    inside = []
    for i in range(300):
        data = form._replace(scores=scores[i], rest=float(rest[i]))
        found, _ = estimate(data, lambdas)
        bands = bootstrap_bands(data, lambdas, found, draws=200, seed=i, level=0.95)
        pairs = ((bands.test_error, exact.test_error), (bands.bias2, exact.bias2), (bands.noise, exact.noise))
        inside.append(np.concatenate([np.atleast_1d((b[0] <= t) & (t <= b[1])) for b, t in pairs]))
    coverage = np.mean(inside, axis=0)
    assert coverage.min() > 0.88, coverage
    assert coverage.max() < 0.995, coverage


def test_bands_are_the_same_for_a_seed_and_hold_the_estimate():
    form = form_of(made())
    found, _ = estimate(form, LAMBDAS)
    one, again, other = (
        bootstrap_bands(form, LAMBDAS, found, draws=200, seed=seed, level=0.95) for seed in (0, 0, 1)
    )
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
    assert not np.array_equal(one.test_error, other.test_error)
    for band, value in ((one.test_error, found.test_error), (one.variance, found.variance)):
        assert np.all((band[0] < value) & (value < band[1]))


def test_wide_noise_is_the_maximum_of_the_restricted_likelihood():
    """Against the likelihood of the random-effects model, written down with its covariance matrix."""
    problem = made(n=40, p=60, sigma=2.0, seed=2)
    form = form_of(problem)
    assert form.spare == 0
    found, known = estimate(form, LAMBDAS)
    assert known
    basis = np.linalg.svd(np.eye(40) - 1.0 / 40)[0][:, :39]  # contrasts, free of the intercept
    A, b = basis.T @ problem.X, basis.T @ problem.y
    K = A @ A.T

    def likelihood(sigma2, tau2):
        V = tau2 * K + sigma2 * np.eye(39)
        return -0.5 * (np.linalg.slogdet(V)[1] + b @ np.linalg.solve(V, b))

    sigma2 = float(found.noise)
    best = max(likelihood(sigma2, tau2) for tau2 in np.geomspace(1e-3, 10.0, 300) * sigma2)
    others = [
        likelihood(sigma2 * f, tau2) for f in (0.8, 0.9, 1.1, 1.25)
        for tau2 in np.geomspace(1e-3, 10.0, 300) * sigma2
    ]  # fmt: skip
    assert best > max(others)


def test_wide_noise_is_right_on_average():
    form = form_of(made(n=40, p=60))
    rng = np.random.default_rng(5)
    tau2 = 4.0 / form.e.mean()
    means = np.sqrt(tau2 * form.e) * rng.normal(size=(600, len(form.e)))
    scores, rest = means + rng.normal(size=means.shape), np.zeros(600)
    _, known = plug_in(form, LAMBDAS, scores, rest)
    drawn, _ = plug_in(form, LAMBDAS, scores[known], rest[known])
    assert known.mean() > 0.9
    assert drawn.noise.mean() == pytest.approx(1.0, abs=0.12)


@pytest.mark.parametrize("kind", ["signal alone", "one direction"])
def test_noise_that_nothing_tells_is_not_known(kind):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(15, 40)) if kind == "signal alone" else np.eye(4)
    y = X @ rng.normal(size=X.shape[1]) if kind == "signal alone" else rng.normal(size=4)
    problem = make_problem(X, y, intercept=kind == "signal alone", standardize=kind == "signal alone")
    assert not estimate(form_of(problem), LAMBDAS)[1]
