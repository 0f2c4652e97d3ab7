"""Binomial fits against scikit-learn's LogisticRegression solved to 1e-12."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from l2cli.core.path import solve_path
from l2cli.core.problem import make_problem

LAMBDAS = np.array([100.0, 10.0, 1.0, 0.05])


def data(n, p, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * rng.uniform(0.3, 3.0, size=p) + rng.normal(size=p)
    y = (X[:, 0] - X[:, 0].mean() + rng.logistic(size=n) > 0).astype(float)
    return X, y, rng.uniform(0.2, 4.0, size=n)


def rival(X, y, lam, s=None, **settings):
    model = LogisticRegression(C=1.0 / lam, tol=1e-12, max_iter=100_000, solver="newton-cholesky", **settings)
    return model.fit(X, y, sample_weight=s)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("shape", [(120, 5), (20, 45)], ids=["long", "wide"])
def test_raw_columns_are_logistic_regression(shape, intercept):
    X, y, s = data(*shape)
    path = solve_path(
        make_problem(X, y, family="binomial", weights=s, standardize=False, intercept=intercept), LAMBDAS
    )
    for i, lam in enumerate(LAMBDAS):
        model = rival(X, y, lam, s, fit_intercept=intercept)
        assert path.coef[:, i] == pytest.approx(model.coef_[0], rel=1e-7, abs=1e-9)
        assert path.intercept[i] == pytest.approx(
            model.intercept_[0] if intercept else 0.0, rel=1e-7, abs=1e-9
        )


@pytest.mark.parametrize("shape", [(120, 5), (20, 45)], ids=["long", "wide"])
def test_standardized_columns_are_logistic_regression_on_scaled_ones(shape):
    X, y, s = data(*shape)
    mean = np.average(X, axis=0, weights=s)
    sd = np.sqrt(np.average((X - mean) ** 2, axis=0, weights=s))
    path = solve_path(make_problem(X, y, family="binomial", weights=s), LAMBDAS)
    for i, lam in enumerate(LAMBDAS):
        assert path.u[:, i] == pytest.approx(rival((X - mean) / sd, y, lam, s).coef_[0], rel=1e-7, abs=1e-9)


def test_lambda_0_is_logistic_regression_without_penalty():
    X, y, _ = data(200, 4)
    path = solve_path(make_problem(X, y, family="binomial"), np.zeros(1))
    model = LogisticRegression(C=np.inf, tol=1e-12, max_iter=100_000, solver="newton-cholesky").fit(X, y)
    assert path.coef[:, 0] == pytest.approx(model.coef_[0], rel=1e-7)
    assert path.intercept[0] == pytest.approx(model.intercept_[0], rel=1e-7)
