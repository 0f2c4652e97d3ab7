"""What a smoother tells of a fit, against dense matrices and against fits without a row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.random import default_rng

from l2cli.core.path import solve_path
from l2cli.core.problem import make_problem
from l2cli.diagnostics.influence import coefficient_moves, influence
from l2cli.diagnostics.smoother import class_freedom, curvature_gram, make_smoother


def problem_of(family="gaussian", n=40, p=5, **settings):
    rng = default_rng(7)
    X = rng.normal(size=(n, p)) @ rng.normal(size=(p, p)) + 3.0
    eta = (X - 3.0) @ rng.normal(size=p) * 0.4
    y = {
        "gaussian": eta + rng.normal(size=n),
        "binomial": (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(float),
        "poisson": rng.poisson(np.exp(np.clip(eta, -2, 2))).astype(float),
        "gamma": np.exp(np.clip(eta, -2, 2)) * rng.gamma(2.0, size=n),
    }[family]
    return make_problem(X, y, family=family, **settings)


def fitted(problem, lam):
    path = solve_path(problem, np.array([lam]))
    u, b0 = path.u[:, 0], float(path.intercept0[0])
    return path, u, b0, make_smoother(problem, u, b0, lam)


CASES: dict[str, dict[str, Any]] = {
    "ridge": {},
    "weighted": {"weights": default_rng(1).uniform(0.5, 2.0, 40)},
    "factors": {"penalty_factor": np.array([0.0, 1.0, 2.0, 0.5, 1.0])},
    "raw": {"standardize": False},
    "no_intercept": {"intercept": False},
    "wide": {"p": 60},
    "lasso": {"l1_ratio": 1.0},
    "net": {"l1_ratio": 0.5},
    "group": {"groups": np.array([0, 0, 1, 1, 2])},
    "bounds": {"bounds": (np.full(5, -0.05), np.full(5, np.inf))},
    "group_at_bounds": {
        "groups": np.array([0, 0, 1, 1, 2]),
        "bounds": (np.full(5, -0.3), np.full(5, 0.1)),
    },
    "binomial": {"family": "binomial"},
    "binomial_wide": {"family": "binomial", "p": 60},
    "binomial_lasso": {"family": "binomial", "l1_ratio": 1.0},
    "binomial_group": {"family": "binomial", "groups": np.array([0, 0, 1, 1, 2])},
    "poisson": {"family": "poisson", "weights": default_rng(2).uniform(0.5, 2.0, 40)},
    "poisson_offset": {"family": "poisson", "offset": default_rng(3).normal(size=40)},
    "gamma": {"family": "gamma"},
}


@pytest.mark.parametrize("name", CASES)
def test_degrees_of_freedom_by_feature_sum_to_those_of_the_fit(name):
    problem = problem_of(**CASES[name])
    path, u, _, smoother = fitted(problem, 3.0)
    df = smoother.feature_df(problem.n_columns)
    assert df.sum() == pytest.approx(path.effective_df[0], rel=1e-8)
    assert smoother.share.sum() == pytest.approx(path.effective_df[0], rel=1e-8)
    assert np.all(df[u == 0.0] == 0.0) or problem.is_smooth


@pytest.mark.parametrize("name", ["ridge", "weighted", "factors", "raw", "no_intercept"])
def test_the_degrees_of_freedom_are_the_diagonal_of_the_definition(name):
    problem = problem_of(**CASES[name])
    _, _, _, smoother = fitted(problem, 3.0)
    Z, s = problem.X, problem.weights
    if problem.intercept:
        Z = Z - s @ Z / s.sum()
    G = Z.T @ (s[:, None] * Z)
    M = np.linalg.inv(G + 3.0 * np.diag(problem.penalty))
    assert smoother.feature_df(5) == pytest.approx(np.diag(M @ G), rel=1e-9)
    size = np.sqrt(np.diag(G))
    R, K = G / np.outer(size, size), 3.0 * np.diag(problem.penalty / size**2)
    ridge = np.linalg.inv(R + K)
    assert smoother.inflation(problem) == pytest.approx(np.diag(ridge @ R @ ridge), rel=1e-9)
    H = np.sqrt(s)[:, None] * (Z @ M @ Z.T + (1.0 / s.sum() if problem.intercept else 0.0)) * np.sqrt(s)
    found = influence(problem, smoother, np.zeros(5), 0.0)
    assert found.leverage == pytest.approx(np.diag(H), rel=1e-9)


@pytest.mark.parametrize("name", ["ridge", "weighted", "factors", "raw", "no_intercept"])
def test_a_row_left_out_changes_the_fit_as_told(name):
    problem = problem_of(**CASES[name])
    _, u, b0, smoother = fitted(problem, 3.0)
    found = influence(problem, smoother, u, b0)
    moves = coefficient_moves(problem, smoother, u, b0, np.arange(40))
    eta = problem.X @ u + b0
    for i in range(0, 40, 7):
        left = solve_path(problem.take(np.delete(np.arange(40), i))._replace(originals=None), np.array([3.0]))
        away = u - left.u[:, 0]
        change = eta - (problem.X @ left.u[:, 0] + left.intercept0[0])
        assert found.change[i] == pytest.approx(change[i], rel=1e-7)
        assert moves.change[i] == pytest.approx(away[moves.column[i]], rel=1e-7)
        assert abs(moves.change[i]) == pytest.approx(np.abs(away).max(), rel=1e-7)
        freedom = smoother.share.sum() + problem.intercept
        phi = problem.weights @ (problem.y - eta) ** 2 / (40 - freedom)
        assert found.dispersion == pytest.approx(phi)
        assert found.cooks[i] == pytest.approx(problem.weights @ change**2 / (freedom * phi), rel=1e-7)


@pytest.mark.parametrize("name", ["lasso", "net", "binomial", "binomial_lasso", "poisson_offset"])
def test_leverages_and_residuals_are_those_of_the_columns_that_are_kept(name):
    problem = problem_of(**CASES[name])
    _, u, b0, smoother = fitted(problem, 8.0)
    found = influence(problem, smoother, u, b0)
    eta = problem.X @ u + b0 + (0.0 if problem.offset is None else problem.offset)
    mu = problem.likelihood.mean(eta)
    v = problem.weights * problem.likelihood.curvature(problem.y, mu)
    kept = np.flatnonzero(u) if problem.l1_ratio > 0.0 else np.arange(5)
    assert name == "net" or (len(kept) < 5) == (problem.l1_ratio > 0.0)
    Z = np.column_stack([np.ones(40), problem.X[:, kept]])
    P = np.diag(np.append(0.0, 8.0 * (1.0 - problem.l1_ratio) * problem.penalty[kept]))
    H = v[:, None] * (Z @ np.linalg.inv((Z.T * v) @ Z + P) @ Z.T)
    assert found.leverage == pytest.approx(np.diag(H), rel=1e-8)
    assert found.residual == pytest.approx(problem.y - mu, rel=1e-9, abs=1e-12)
    left = 1.0 - np.diag(H)
    assert found.change == pytest.approx(
        np.diag(H) / left * problem.weights * problem.likelihood.residual(problem.y, mu) / v, rel=1e-7
    )


@pytest.mark.parametrize("name", ["binomial", "binomial_lasso", "poisson_offset", "gamma", "lasso"])
def test_a_gram_that_is_known_already_changes_nothing(name):
    problem = problem_of(**CASES[name])
    _, u, b0, smoother = fitted(problem, 3.0)
    again = make_smoother(problem, u, b0, 3.0, gram=curvature_gram(problem, u, b0))
    assert again.df == pytest.approx(smoother.df, rel=1e-9)
    rows = np.arange(40)
    inside, known = (np.square(one.scores(problem, rows)).sum(axis=1) for one in (smoother, again))
    assert known == pytest.approx(inside, rel=1e-8)


@pytest.mark.parametrize(("family", "power"), [("gamma", 2.0), ("tweedie", 1.5)])
def test_the_dispersion_of_positive_targets_is_that_of_pearson(family, power):
    """Small targets are no reason for a large one: their deviations are measured by the variance at mu."""
    rng = default_rng(5)
    X, s = rng.normal(size=(80, 3)), rng.uniform(0.5, 2.0, 80)
    y = np.exp(0.4 * X[:, 0]) * rng.gamma(0.3, size=80)
    problem = make_problem(X, y, family=family, power=power, weights=s)
    _, u, b0, smoother = fitted(problem, 3.0)
    mu = np.exp(problem.X @ u + b0)
    left = 80 - smoother.share.sum() - 1.0
    found = influence(problem, smoother, u, b0)
    assert found.dispersion == pytest.approx(s @ ((y - mu) ** 2 / mu**power) / left, rel=1e-9)


@pytest.mark.parametrize("name", ["ridge", "binomial", "poisson", "gamma"])
def test_a_common_factor_of_the_weights_changes_no_distance(name):
    given = {**CASES[name], "weights": default_rng(4).uniform(0.5, 2.0, 40)}
    times = given | {"weights": 7.0 * given["weights"]}
    one, seven = (
        influence(problem, smoother, u, b0)
        for problem, (_, u, b0, smoother) in (
            (problem, fitted(problem, lam))
            for problem, lam in ((problem_of(**given), 3.0), (problem_of(**times), 21.0))
        )
    )
    assert seven.cooks == pytest.approx(one.cooks, rel=1e-6)
    assert seven.leverage == pytest.approx(one.leverage, rel=1e-6)


@pytest.mark.parametrize("name", ["binomial", "poisson", "gamma", "binomial_wide"])
def test_one_step_comes_near_the_fit_without_a_row(name):
    problem = problem_of(**CASES[name])
    _, u, b0, smoother = fitted(problem, 3.0)
    found = influence(problem, smoother, u, b0)
    eta = problem.X @ u + b0
    rows = np.argsort(-np.abs(found.change))[:5]
    for i in rows:
        left = solve_path(problem.take(np.delete(np.arange(40), i)), np.array([3.0]))
        change = eta[i] - (problem.X[i] @ left.u[:, 0] + left.intercept0[0])
        assert found.change[i] == pytest.approx(change, rel=0.35)


def test_the_classes_of_a_fit_have_its_degrees_of_freedom():
    rng = default_rng(3)
    X = rng.normal(size=(80, 4))
    y = rng.integers(0, 3, 80).astype(float)
    problem = make_problem(X, y, family="multinomial")
    path = solve_path(problem, np.array([2.0]))
    gram = curvature_gram(problem, path.u[..., 0], path.intercept0[..., 0])
    assert class_freedom(problem, gram, 2.0).sum() == pytest.approx(path.effective_df[0], rel=1e-9)


def test_a_row_that_alone_decides_a_coefficient_has_no_fit_without_it():
    X = np.zeros((20, 2))
    X[:, 0], X[3, 1] = np.arange(20.0), 1.0
    problem = make_problem(X, default_rng(0).normal(size=20))
    _, u, b0, smoother = fitted(problem, 0.0)
    found = influence(problem, smoother, u, b0)
    assert found.leverage[3] == pytest.approx(1.0)
    assert np.isnan(found.change[3])
    assert np.isnan(found.cooks[3])
    assert np.isfinite(np.delete(found.cooks, 3)).all()
