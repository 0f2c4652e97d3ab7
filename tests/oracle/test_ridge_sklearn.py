"""Gaussian fits against scikit-learn's Ridge and ElasticNet."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import ElasticNet, LinearRegression, Ridge

from l2cli.core.path import solve_path
from l2cli.core.problem import make_problem

LAMBDAS = np.array([1e4, 50.0, 1.0, 1e-4])


def data(n, p, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * rng.uniform(0.1, 10.0, size=p) + rng.normal(size=p)
    return X, 4.0 + X[:, 0] - X[:, -1] + rng.normal(size=n), rng.uniform(0.2, 4.0, size=n)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("shape", [(60, 5), (20, 45)], ids=["long", "wide"])
def test_raw_columns_are_ridge(shape, intercept):
    X, y, s = data(*shape)
    path = solve_path(make_problem(X, y, weights=s, standardize=False, intercept=intercept), LAMBDAS)
    for i, lam in enumerate(LAMBDAS):
        model = Ridge(alpha=lam, fit_intercept=intercept, solver="svd").fit(X, y, sample_weight=s)
        assert path.coef[:, i] == pytest.approx(model.coef_, rel=1e-8, abs=1e-10)
        assert path.intercept[i] == pytest.approx(model.intercept_, rel=1e-8)


@pytest.mark.parametrize("shape", [(60, 5), (20, 45)], ids=["long", "wide"])
def test_standardized_columns_are_ridge_on_scaled_ones(shape):
    X, y, s = data(*shape)
    mean = np.average(X, axis=0, weights=s)
    sd = np.sqrt(np.average((X - mean) ** 2, axis=0, weights=s))
    path = solve_path(make_problem(X, y, weights=s), LAMBDAS)
    for i, lam in enumerate(LAMBDAS):
        model = Ridge(alpha=lam, solver="svd").fit((X - mean) / sd, y, sample_weight=s)
        assert path.u[:, i] == pytest.approx(model.coef_, rel=1e-8, abs=1e-10)


def test_penalty_factors_are_ridge_with_a_strength_per_column():
    X, y, _ = data(60, 5)
    f = np.array([0.5, 1.0, 2.0, 4.0, 0.25])
    path = solve_path(make_problem(X, y, penalty_factor=f, standardize=False), np.array([20.0]))
    scaled = Ridge(alpha=20.0, solver="svd").fit(X / np.sqrt(f), y)
    assert path.coef[:, 0] == pytest.approx(scaled.coef_ / np.sqrt(f), rel=1e-8)


def test_an_offset_is_what_the_target_lacks():
    X, y, s = data(60, 5)
    offset = np.linspace(-3.0, 3.0, 60)
    path = solve_path(make_problem(X, y, weights=s, offset=offset, standardize=False), np.array([5.0]))
    model = Ridge(alpha=5.0, solver="svd").fit(X, y - offset, sample_weight=s)
    assert path.coef[:, 0] == pytest.approx(model.coef_, rel=1e-9)


def test_the_mean_scale_is_the_alpha_of_elastic_net():
    X, y, s = data(60, 5)
    path = solve_path(make_problem(X, y, weights=s, standardize=False), np.array([s.sum() * 0.3]))
    model = ElasticNet(alpha=0.3, l1_ratio=0.0, tol=1e-14, max_iter=100_000).fit(X, y, sample_weight=s)
    assert path.coef[:, 0] == pytest.approx(model.coef_, rel=1e-6)


@pytest.mark.parametrize("intercept", [True, False])
def test_lambda_0_is_linear_regression(intercept):
    X, y, s = data(60, 5)
    path = solve_path(make_problem(X, y, weights=s, intercept=intercept), np.zeros(1))
    model = LinearRegression(fit_intercept=intercept).fit(X, y, sample_weight=s)
    assert path.coef[:, 0] == pytest.approx(model.coef_, rel=1e-10)


def test_lambda_0_with_more_columns_than_rows_is_the_smallest_interpolation():
    X, y, _ = data(20, 45)
    path = solve_path(make_problem(X, y, standardize=False), np.zeros(1))
    model = LinearRegression().fit(X, y)
    assert path.coef[:, 0] == pytest.approx(model.coef_, rel=1e-8, abs=1e-11)
    assert path.certificate.train_deviance[0] == pytest.approx(0.0, abs=1e-18)
