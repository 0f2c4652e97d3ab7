"""The evidence by Laplace's method against integrals, dense determinants and MacKay's fixed point."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad

from l2cli.core.problem import make_problem
from l2cli.errors import FitError
from l2cli.select.curve import best_index
from l2cli.select.laplace import has_evidence, laplace_evidence
from l2cli.select.solutions import Solutions

LAMBDAS = np.array([300.0, 20.0, 2.0, 0.3])
VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "weights and offset": {"weighted": True},
    "no intercept": {"intercept": False},
    "factors": {"penalty_factor": np.array([0.0, 2.0, 1.0, 1.0]), "weighted": True},
    "raw": {"standardize": False},
}


def make(family, n=60, p=4, *, weighted=False, seed=0, effect=1.0, **settings):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * np.linspace(0.5, 2.0, p) + 0.3
    eta = effect * (0.5 * X[:, 0] - 0.4 * X[:, -1])
    y = rng.poisson(np.exp(eta)) if family == "poisson" else rng.random(n) < 1.0 / (1.0 + np.exp(-eta))
    if weighted:
        settings |= {"weights": rng.uniform(0.4, 2.0, n), "offset": rng.normal(size=n) * 0.2}
    return make_problem(X, y * 1.0, family=family, **settings)


def deviance(problem, X, theta):
    eta = X @ theta + (0.0 if problem.offset is None else problem.offset)
    return float(problem.weights @ problem.likelihood.deviance(problem.y, eta))


def by_dense_matrices(problem, lam):
    """Return J + log det(H + lambda D) - log det of lambda D on its range, by plain Newton steps."""
    X, d = problem.X, problem.penalty
    if problem.intercept:
        X, d = np.column_stack([X, np.ones(problem.n_rows)]), np.append(d, 0.0)
    offset = 0.0 if problem.offset is None else problem.offset
    family, s, y = problem.likelihood, problem.weights, problem.y

    theta = np.zeros(X.shape[1])
    for _ in range(60):
        mu = family.mean(X @ theta + offset)
        H = X.T @ ((s * family.curvature(y, mu))[:, None] * X) + lam * np.diag(d)
        theta = theta + np.linalg.solve(H, X.T @ (s * family.residual(y, mu)) - lam * d * theta)
    least = deviance(problem, X, theta) + lam * float(d @ theta**2)
    return least + np.linalg.slogdet(H)[1] - float(np.log(lam * d[d > 0]).sum())


@pytest.mark.parametrize("family", ["binomial", "poisson"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_differences_are_those_of_dense_determinants(family, variant):
    problem = make(family, **VARIANTS[variant])
    curve = laplace_evidence(Solutions(problem), LAMBDAS)
    dense = np.array([by_dense_matrices(problem, lam) for lam in [*LAMBDAS, 1e12]])
    np.testing.assert_allclose(curve.mean, dense[:-1] - dense[-1], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("family", ["binomial", "poisson"])
def test_more_columns_than_rows_have_the_evidence_of_all_of_them(family):
    problem = make(family, 25, 40)
    curve = laplace_evidence(Solutions(problem), LAMBDAS)
    dense = np.array([by_dense_matrices(problem, lam) for lam in [*LAMBDAS, 1e12]])
    np.testing.assert_allclose(curve.mean, dense[:-1] - dense[-1], rtol=1e-6, atol=1e-6)


def of_classes(n=60, p=4, c=3, *, seed=0, **settings):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * np.linspace(0.5, 2.0, p) + 0.3
    y = (X @ rng.normal(size=(p, c)) * 0.5 + rng.gumbel(size=(n, c))).argmax(axis=1)
    if settings.pop("weighted", False):
        settings |= {"weights": rng.uniform(0.4, 2.0, n)}
    return make_problem(X, y * 1.0, family="multinomial", **settings)


def classes_by_dense_matrices(problem, lam):
    """Return J + log det(H + lambda D) - log det(lambda D) of two contrasts of three classes."""
    Q = np.column_stack(
        [np.array([1.0, -1.0, 0.0]) / np.sqrt(2.0), np.array([1.0, 1.0, -2.0]) / np.sqrt(6.0)]
    )
    X, d = problem.X, problem.penalty
    if problem.intercept:
        X, d = np.column_stack([X, np.ones(problem.n_rows)]), np.append(d, 0.0)
    d, y = np.repeat(d, 2), problem.y
    theta = np.zeros(len(d))
    for _ in range(60):
        eta = X @ theta.reshape(-1, 2) @ Q.T
        mu = problem.likelihood.mean(eta)
        H, gradient = lam * np.diag(d), lam * d * theta
        for x, m, s, e in zip(X, mu, problem.weights, y - mu, strict=True):
            H = H + s * np.kron(np.outer(x, x), Q.T @ (np.diag(m) - np.outer(m, m)) @ Q)
            gradient = gradient - s * np.kron(x, Q.T @ e)
        theta = theta - np.linalg.solve(H, gradient)
    eta = X @ theta.reshape(-1, 2) @ Q.T
    least = float(problem.weights @ problem.likelihood.deviance(y, eta)) + lam * float(d @ theta**2)
    return least + np.linalg.slogdet(H)[1] - float(np.log(lam * d[d > 0]).sum())


@pytest.mark.parametrize("variant", ["plain", "no intercept", "factors", "raw", "wide"])
def test_several_classes_have_the_determinant_of_their_contrasts(variant):
    settings = {name: value for name, value in VARIANTS.get(variant, {}).items() if name != "weighted"}
    problem = of_classes(*((20, 30) if variant == "wide" else ()), **settings, weighted=variant == "factors")
    lambdas = LAMBDAS[:2]
    curve = laplace_evidence(Solutions(problem), lambdas)
    dense = np.array([classes_by_dense_matrices(problem, lam) for lam in [*lambdas, 1e10]])
    np.testing.assert_allclose(curve.mean, dense[:-1] - dense[-1], rtol=1e-6, atol=1e-5)


def test_two_of_several_have_the_evidence_of_the_binomial_family_at_half_the_lambda():
    problem = make("binomial")
    several = make_problem(problem.X, problem.y, family="multinomial", standardize=False)
    two = make_problem(problem.X, problem.y, family="binomial", standardize=False)
    np.testing.assert_allclose(
        laplace_evidence(Solutions(several), LAMBDAS).mean,
        laplace_evidence(Solutions(two), LAMBDAS / 2.0).mean,
        rtol=1e-7,
    )


def test_with_many_rows_it_is_the_integral_over_the_contrasts():
    problem = of_classes(400, 1, intercept=False, standardize=False)
    x, d, Q = problem.X[:, 0], float(problem.penalty[0]), np.linalg.qr(np.eye(3)[:, :2] - 1.0 / 3.0)[0]
    best = Solutions(problem).at(1.0)[1][:3] @ Q
    away = np.linspace(-0.6, 0.6, 121)

    def deviance_at(u):
        return float(problem.likelihood.deviance(problem.y, np.outer(x, Q @ u)).sum())

    points = [best + np.array([a, b]) for a in away for b in away]
    rise = np.array([deviance_at(u) for u in points]) - deviance_at(best)
    size = np.array([float(u @ u) for u in points])
    exact = [-2.0 * np.log(lam * d * np.exp(-0.5 * (rise + lam * d * size)).sum()) for lam in LAMBDAS]
    found = laplace_evidence(Solutions(problem), LAMBDAS).mean
    np.testing.assert_allclose(np.diff(found), np.diff(exact), atol=1e-2)


def test_with_many_rows_it_is_the_integral_over_the_coefficient():
    problem = make("poisson", 400, 1, intercept=False, standardize=False)
    X, d = problem.X, float(problem.penalty[0])
    best = float(Solutions(problem).at(1.0)[1][0])

    def minus_two_log(lam):
        def density(u):
            now = deviance(problem, X, np.array([u])) - deviance(problem, X, np.array([best]))
            return np.exp(-0.5 * (now + lam * d * u**2))

        area = quad(density, best - 0.6, best + 0.6, epsabs=1e-13)[0]
        return -2.0 * np.log(np.sqrt(lam * d) * area)

    found = laplace_evidence(Solutions(problem), LAMBDAS).mean
    exact = np.array([minus_two_log(lam) for lam in LAMBDAS])
    np.testing.assert_allclose(np.diff(found), np.diff(exact), atol=5e-3)


@pytest.mark.parametrize("family", ["binomial", "poisson"])
def test_the_best_lambda_is_nearly_mackays_fixed_point(family):
    problem = make(family, 4000, 6, seed=3)
    fits, lambdas = Solutions(problem), np.exp(np.linspace(np.log(1e4), np.log(1e-1), 120))
    curve = laplace_evidence(fits, lambdas)
    lam = float(lambdas[best_index(lambdas, curve.mean)])
    solver, theta = fits.at(lam)
    df = solver.solve(lam, theta).effective_df
    # gamma / u'Du leaves out how H moves with lambda, which vanishes with many rows
    assert df / float(solver.d @ theta[:-1] ** 2) == pytest.approx(lam, rel=0.1)


def test_no_effect_is_found_as_none_and_lambda_0_ranks_last():
    problem = make("binomial", 300, 5, effect=0.0, seed=5)
    lambdas = np.array([1e6, 1e3, 10.0, 0.1, 0.0])
    curve = laplace_evidence(Solutions(problem), lambdas)
    assert curve.index_min == 0
    assert curve.mean[0] == pytest.approx(0.0, abs=1e-2)
    assert np.isinf(curve.mean[-1])
    assert np.isnan(curve.se).all()


def test_separated_classes_have_an_evidence():
    problem = make("binomial", 40, 3)
    apart = problem._replace(y=(problem.X[:, 0] > 0) * 1.0)
    curve = laplace_evidence(Solutions(apart), np.array([100.0, 1.0, 1e-2]))
    assert np.isfinite(curve.mean).all()


def test_tied_columns_without_a_penalty_have_none():
    problem = make("binomial", 50, 3, penalty_factor=np.array([0.0, 1.0, 0.0]))
    problem.X[:, 2] = problem.X[:, 0]
    tied = problem
    with pytest.raises(FitError, match="no evidence"):
        laplace_evidence(Solutions(tied), LAMBDAS)


def test_where_there_is_one():
    assert has_evidence(make("binomial"))
    assert has_evidence(make("poisson"))
    assert has_evidence(of_classes())
    assert not has_evidence(make("binomial", l1_ratio=0.5))
    assert not has_evidence(make("poisson")._replace(family="gamma"))
