"""Standard errors of unpenalized fits against other programs' values and against their formulas."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.core.covariance import quantile, standard_errors
from l2cli.core.path import solve_path
from l2cli.core.problem import make_problem


def data(n=40, p=3):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, p)) * [1.0, 20.0, 0.05] + [0.0, 100.0, 3.0]
    return X, X[:, 0] + 0.05 * X[:, 1] + 3.0 * rng.logistic(size=n), rng.uniform(0.2, 4.0, size=n)


def errors_of(X, y, **settings):
    problem = make_problem(X, y, **settings)
    path = solve_path(problem, np.zeros(1))
    return standard_errors(problem, path.u[:, 0], path.intercept0[0]), path


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_gaussian_errors_follow_the_formula(intercept, weighted):
    X, y, s = data()
    s = s if weighted else np.ones(40)
    found, path = errors_of(X, y, weights=s, intercept=intercept)
    A = np.column_stack([X, np.ones(40)]) if intercept else X
    e = y - X @ path.coef[:, 0] - path.intercept[0]
    covariance = (s @ e**2) / (40 - A.shape[1]) * np.linalg.inv((A.T * s) @ A)
    se = np.sqrt(np.diag(covariance))
    assert found.coef == pytest.approx(se[:3], rel=1e-9)
    assert found.intercept == pytest.approx(se[3] if intercept else 0.0, rel=1e-9)
    assert found.df == 40 - A.shape[1]


@pytest.mark.parametrize("intercept", [True, False])
def test_binomial_errors_follow_the_formula(intercept):
    X, y, _ = data(200)
    offset = np.linspace(-1.0, 1.0, 200)
    y = (y > np.median(y)).astype(float)
    found, path = errors_of(X, y, family="binomial", intercept=intercept, offset=offset)
    A = np.column_stack([X, np.ones(200)]) if intercept else X
    mu = 1.0 / (1.0 + np.exp(-(offset + X @ path.coef[:, 0] + path.intercept[0])))
    se = np.sqrt(np.diag(np.linalg.inv((A.T * (mu * (1 - mu))) @ A)))
    assert found.coef == pytest.approx(se[:3], rel=1e-7)
    assert found.intercept == pytest.approx(se[3] if intercept else 0.0, rel=1e-7)
    assert found.df is None


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_errors_count_rows_and_not_weights(family):
    """SPEC section 1: multiplying every weight by 7 is the same data, not seven times as many."""
    X, y, s = data(100)
    y = y if family == "gaussian" else (y > np.median(y)).astype(float)
    a, _ = errors_of(X, y, family=family, weights=s)
    b, _ = errors_of(X, y, family=family, weights=7.0 * s)
    assert b.coef == pytest.approx(a.coef, rel=1e-9)
    assert b.intercept == pytest.approx(a.intercept, rel=1e-9)
    alike, _ = errors_of(X, y, family=family, weights=np.full(100, 3.0))
    plain, _ = errors_of(X, y, family=family)
    assert alike.coef == pytest.approx(plain.coef, rel=1e-9)


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_constant_columns_have_no_error(family):
    X, y, _ = data(100)
    X[:, 1] = 5.0
    found, _ = errors_of(X, y if family == "gaussian" else (y > 0) * 1.0, family=family)
    assert np.isnan(found.coef).tolist() == [False, True, False]
    assert found.df == (97 if family == "gaussian" else None)


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_tied_columns_have_no_errors(family):
    X, y, _ = data(100)
    X[:, 2] = X[:, 0] + 1.0
    assert errors_of(X, y if family == "gaussian" else (y > 0) * 1.0, family=family)[0] is None


def test_no_row_left_over_no_errors():
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(4, 3)), rng.normal(size=4)
    assert errors_of(X, y)[0] is None
    problem = make_problem(rng.normal(size=(3, 5)), np.array([0.0, 1.0, 1.0]), family="binomial")
    assert standard_errors(problem, np.zeros(5), 0.0) is None


def test_quantiles_are_those_of_t_and_of_the_normal():
    assert quantile(0.95, None) == pytest.approx(1.959963984540054, rel=1e-12)
    assert quantile(0.95, 9) == pytest.approx(2.2621571628540993, rel=1e-9)
    assert quantile(0.5, 1) == pytest.approx(1.0, rel=1e-9)
