"""Standard errors of penalized fits: formulas written out, simulations, and what they must refuse."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.core.covariance import standard_errors
from l2cli.core.path import solve_path
from l2cli.core.problem import make_problem
from l2cli.diagnostics.inference import coefficient_inference
from l2cli.errors import FitError, UsageError


def data(n=60, p=4, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * ([1.0, 20.0, 0.05, 3.0] * p)[:p] + 5.0
    return X, rng.normal(size=n) + (X - 5.0)[:, 0], rng.uniform(0.2, 4.0, size=n)


def target(family, X, y):
    eta = 0.5 * (X - X.mean(axis=0))[:, 0]
    rng = np.random.default_rng(3)
    if family == "binomial":
        return (y > np.median(y)) * 1.0
    if family == "poisson":
        return rng.poisson(np.exp(eta)) * 1.0
    return y if family == "gaussian" else rng.gamma(3.0, np.exp(eta) / 3.0)


def inferred(X, y, lam, kind="shrunken", **settings):
    problem = make_problem(X, y, **settings)
    path = solve_path(problem, np.array([lam]))
    return problem, path, coefficient_inference(
        problem, path.u[..., 0], path.intercept0[..., 0], lam, kind, effective_df=float(path.effective_df[0])
    )  # fmt: skip


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("family", ["gaussian", "binomial", "poisson", "gamma"])
def test_shrunken_errors_follow_the_dense_formula(family, weighted, intercept, standardize):
    """phi (A'WA + L)^-1 A'WA (A'WA + L)^-1 with A = [X 1], on the original scale; one column is free."""
    X, y, s = data()
    n, p = X.shape
    y, s = target(family, X, y), s if weighted else np.ones(n)
    f, lam = np.array([1.0, 2.0, 0.0, 0.5]), 7.0
    _, path, found = inferred(
        X, y, lam, family=family, weights=s, intercept=intercept, standardize=standardize, penalty_factor=f
    )  # fmt: skip
    A = np.column_stack([X, np.ones(n)]) if intercept else X
    eta = X @ path.coef[:, 0] + (path.intercept[0] if intercept else 0.0)
    mu = eta if family == "gaussian" else 1 / (1 + np.exp(-eta)) if family == "binomial" else np.exp(eta)
    w = {"gaussian": np.ones(n), "gamma": np.ones(n), "binomial": mu * (1 - mu), "poisson": mu}[family]
    variance = {"gaussian": np.ones(n), "gamma": mu**2, "binomial": w, "poisson": mu}[family]
    sd = np.sqrt(np.average((X - np.average(X, axis=0, weights=s)) ** 2, axis=0, weights=s))
    L = np.zeros((A.shape[1], A.shape[1]))
    L[np.arange(p), np.arange(p)] = lam * f * (sd**2 if standardize else 1.0)
    H = (A.T * (s * w)) @ A
    inverse = np.linalg.inv(H + L)
    hat = H @ inverse
    df = n - 2 * np.trace(hat) + np.trace(hat @ hat)
    known = family in ("binomial", "poisson")
    phi = s.sum() / n if known else np.sum(s * (y - mu) ** 2 / variance) / df
    se = np.sqrt(phi * np.diag(inverse @ H @ inverse))
    assert found.se == pytest.approx(se[:p], rel=1e-7)
    if intercept:
        assert found.intercept_se == pytest.approx(se[p], rel=1e-7)
    else:
        assert np.isnan(found.intercept_se)
    assert found.df is None if known else found.df == pytest.approx(df, rel=1e-9)
    assert 0.5 * (found.low + found.high) == pytest.approx(path.coef[:, 0])
    assert "not the coefficient" in found.covers


@pytest.mark.parametrize("wide", [False, True])
def test_shrunken_errors_are_the_spread_over_targets(wide):
    """Of fixed columns and lambda, the standard deviation over many targets, and intervals about its mean."""
    rng = np.random.default_rng(1)
    n, p = (40, 60) if wide else (40, 5)
    X, beta, lam = rng.normal(size=(n, p)) + 1.0, np.linspace(-1, 1, p), 40.0 if wide else 8.0
    estimates, widths, covered = [], [], []
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    mean = np.linalg.solve(Z.T @ Z + lam * np.eye(p), Z.T @ (X @ beta)) / X.std(axis=0)
    for i in range(2000):
        y = X @ beta + 1.5 * rng.normal(size=n)
        if i < 400:
            _, path, found = inferred(X, y, lam)
            estimates.append(path.coef[:, 0])
            widths.append(found.se**2)
            covered.append((found.low <= mean) & (mean <= found.high))
        else:
            estimates.append(np.linalg.solve(Z.T @ Z + lam * np.eye(p), Z.T @ y) / X.std(axis=0))
    if not wide:
        assert np.sqrt(np.mean(widths, axis=0)) == pytest.approx(np.std(estimates, axis=0), rel=0.06)
        assert np.mean(covered) == pytest.approx(0.95, abs=0.015)
    else:  # the bias is in the residuals: sigma is too large rather than too small
        assert np.all(np.sqrt(np.mean(widths, axis=0)) > 0.95 * np.std(estimates, axis=0))
        assert np.mean(covered) > 0.94


def test_errors_of_two_classes_are_half_the_binomial_ones():
    X, y, _ = data(90)
    y = (y > np.median(y)) * 1.0
    _, _, two = inferred(X, y, 6.0, family="multinomial")
    _, _, one = inferred(X, y, 3.0, family="binomial")  # SPEC section 1: lambda against lambda / 2
    assert two.se[:, 1] == pytest.approx(0.5 * one.se, rel=1e-6)
    assert two.se[:, 0] == pytest.approx(two.se[:, 1], rel=1e-9)
    assert two.intercept_se[1] == pytest.approx(0.5 * one.intercept_se, rel=1e-6)


@pytest.mark.parametrize("family", ["gaussian", "binomial", "gamma"])
def test_towards_lambda_0_they_become_those_of_the_unpenalized_fit(family):
    X, y, s = data()
    y = target(family, X, y)
    problem, path, found = inferred(X, y, 0.0, family=family, weights=s)
    bare = standard_errors(problem, path.u[:, 0], path.intercept0[0])
    assert bare is not None
    near = inferred(X, y, 1e-9, family=family, weights=s)[2]
    debiased = inferred(X, y, 0.0, "debiased", family=family, weights=s)[2]
    for one in (found, near, debiased):
        assert one.se == pytest.approx(bare.coef, rel=1e-7)
        assert one.intercept_se == pytest.approx(bare.intercept, rel=1e-7)
    assert found.covers == debiased.covers == "the coefficient"
    assert found.coef is None


def test_constant_columns_have_no_errors_and_tied_ones_have():
    X, y, _ = data()
    X[:, 1], X[:, 3] = 5.0, X[:, 0]
    found = inferred(X, y, 3.0)[2]
    assert np.isnan(found.se).tolist() == [False, True, False, False]
    assert found.se[0] == pytest.approx(found.se[3])


@pytest.mark.parametrize(
    ("settings", "kind", "words"),
    [
        ({"l1_ratio": 1.0}, "shrunken", "pure L2"),
        ({"bounds": (np.zeros(4), np.full(4, np.inf))}, "shrunken", "bounds"),
        ({"bounds": (np.zeros(4), np.full(4, np.inf))}, "debiased", "bounds"),
        ({"groups": np.array([0, 0, 1, 1])}, "debiased", "group lasso"),
        ({"l1_ratio": 1.0, "relax_gamma": 0.5}, "debiased", "relaxed"),
    ],
)
def test_what_has_no_theory_is_refused(settings, kind, words):
    X, y, _ = data()
    with pytest.raises(UsageError, match=words):
        inferred(X, y, 1.0, kind, **settings)


def test_tied_columns_without_a_penalty_are_refused():
    X, y, _ = data()
    X[:, 3] = X[:, 0]
    with pytest.raises(FitError, match="depend on one another"):
        inferred(X, y, 3.0, penalty_factor=np.array([0.0, 1.0, 1.0, 0.0]))


def test_no_row_left_over_is_refused():
    X, y, _ = data(5, 30)
    with pytest.raises(FitError, match="no row"):
        inferred(X, y, 1e-12)
