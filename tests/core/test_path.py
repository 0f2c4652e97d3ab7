"""Paths: order, lambda 0, the several ways to a factor, and what is said about rank and tied columns."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.core import path as path_module
from l2cli.core.moments import gram_system, moments_of
from l2cli.core.path import design_factor, design_rank, solve_path
from l2cli.core.problem import make_problem
from l2cli.core.solvers.ridge import factor_from_gram


def problem_of(n, p, family="gaussian", seed=0, **settings):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * 2.0 + 1.0
    y = X[:, 0] + rng.normal(size=n)
    return make_problem(X, y if family == "gaussian" else (y > 1.0) * 1.0, family=family, **settings)


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_lambdas_are_answered_in_the_order_given(family):
    problem = problem_of(60, 4, family)
    lambdas = np.array([1.0, 100.0, 0.0, 1.0, 10.0])
    path = solve_path(problem, lambdas)
    assert np.array_equal(path.lambdas, lambdas)
    for i, lam in enumerate(lambdas):
        alone = solve_path(problem, np.array([lam]))
        assert path.coef[:, i] == pytest.approx(alone.coef[:, 0], rel=1e-9)
        assert path.intercept[i] == pytest.approx(alone.intercept[0], rel=1e-9)
        assert path.effective_df[i] == pytest.approx(alone.effective_df[0], rel=1e-9)
    assert path.coef[:, 0] == pytest.approx(path.coef[:, 3], rel=1e-12)
    assert path.effective_df[2] == path.rank == 4


@pytest.mark.parametrize("shape", [(80, 6), (20, 30)], ids=["long", "wide"])
def test_large_problems_by_gram_or_kernel_agree_with_small_ones_by_rows(monkeypatch, shape):
    problem = problem_of(*shape, weights=np.random.default_rng(1).uniform(0.5, 2.0, size=shape[0]))
    lambdas = np.array([100.0, 1.0, 0.01])
    by_rows = solve_path(problem, lambdas)
    assert design_factor(problem, 0.01).exact
    monkeypatch.setattr(path_module, "ROWS_FLOPS", 0)
    assert not design_factor(problem, 0.01).exact
    other = solve_path(problem, lambdas)
    assert other.coef == pytest.approx(by_rows.coef, rel=1e-11, abs=1e-13)
    assert other.effective_df == pytest.approx(by_rows.effective_df, rel=1e-11)
    assert (other.rank, by_rows.rank) == (min(shape[0] - 1, shape[1]),) * 2


def test_an_ill_conditioned_gram_gives_way_to_the_rows(monkeypatch):
    monkeypatch.setattr(path_module, "ROWS_FLOPS", 0)
    rng = np.random.default_rng(2)
    x = rng.normal(size=100)
    problem = make_problem(np.column_stack([x, x + 1e-6 * rng.normal(size=100)]), x + rng.normal(size=100))
    assert design_factor(problem, 1e-9).exact
    assert not design_factor(problem, 1.0).exact
    assert not design_factor(problem, np.inf).exact


def test_a_factor_given_is_used_only_where_it_serves():
    rng = np.random.default_rng(3)
    x = rng.normal(size=60)
    problem = make_problem(np.column_stack([x, x + 1e-7 * rng.normal(size=60)]), 1e6 * rng.normal(size=60))
    poor = factor_from_gram(gram_system(problem, moments_of(problem)))
    assert not poor.serves(1e-13)
    lambdas = np.array([1e-13])
    assert solve_path(problem, lambdas, poor).coef == pytest.approx(
        solve_path(problem, lambdas).coef, rel=1e-9
    )


def test_a_direction_that_the_gram_has_lost_is_found_again(monkeypatch):
    """The target lies along the difference of two near copies, which is rounding to the Gram."""
    monkeypatch.setattr(path_module, "ROWS_FLOPS", 0)
    rng = np.random.default_rng(4)
    X = rng.normal(size=(400, 3))
    X[:, 1] = X[:, 0] + 1e-8 * rng.normal(size=400)
    problem = make_problem(X, X[:, 0] + 1e8 * (X[:, 1] - X[:, 0]))
    path = solve_path(problem, np.array([1e-3, 1.0]))
    assert path.certificate.kkt_residual.max() < 1e-12
    monkeypatch.setattr(path_module, "ROWS_FLOPS", 1e9)
    exact = solve_path(problem, np.array([1e-3, 1.0]))
    assert path.u == pytest.approx(exact.u, rel=1e-6)
    assert path.effective_df == pytest.approx(exact.effective_df, rel=1e-6)


@pytest.mark.parametrize("span", [4.0, 8.0])
@pytest.mark.parametrize("shape", [(60, 6), (20, 40)], ids=["long", "wide"])
def test_raw_columns_of_very_unlike_size_are_solved(shape, span):
    rng = np.random.default_rng(5)
    Z = rng.normal(size=shape)
    size = 10.0 ** np.linspace(-span, span, shape[1])
    y = Z[:, 0] + Z[:, -1] + rng.normal(size=shape[0])
    problem = make_problem(Z * size, y, standardize=False)
    lambdas = np.array([1e6, 1.0, 1e-6])
    path = solve_path(problem, lambdas)
    assert path.certificate.converged().all()
    Zc = Z - Z.mean(axis=0)
    for i, lam in enumerate(lambdas):
        M = Zc.T @ Zc + lam * np.diag(1.0 / size**2)
        if shape[0] > shape[1]:
            assert path.coef[:, i] * size == pytest.approx(np.linalg.solve(M, Zc.T @ y), rel=1e-7, abs=1e-10)
            assert path.effective_df[i] == pytest.approx(np.trace(np.linalg.solve(M, Zc.T @ Zc)), rel=1e-7)


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_rank_and_tied_columns_without_a_penalty(family):
    rng = np.random.default_rng(6)
    X = rng.normal(size=(80, 3))
    X = np.column_stack([X, X[:, 0] - X[:, 1], np.ones(80)])
    y = X[:, 0] + rng.logistic(size=80)
    problem = make_problem(X, y if family == "gaussian" else (y > 0).astype(np.float64), family=family)
    path = solve_path(problem, np.array([1.0, 0.0]))
    assert path.rank == 3
    assert path.tied.tolist() == [True, True, False, True, False]
    limit = solve_path(problem, np.array([1e-7]))
    assert path.u[:, 1] == pytest.approx(limit.u[:, 0], abs=1e-6)


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_tied_unpenalized_columns_are_told_at_any_lambda(family):
    rng = np.random.default_rng(7)
    X = rng.normal(size=(80, 2))
    X = np.column_stack([X, X[:, 0]])
    y = X[:, 0] + rng.logistic(size=80)
    problem = make_problem(
        X,
        y if family == "gaussian" else (y > 0).astype(np.float64),
        family=family,
        penalty_factor=np.array([0.0, 1.0, 0.0]),
    )
    path = solve_path(problem, np.array([1.0]))
    assert path.tied.tolist() == [True, False, True]
    assert path.certificate.converged().all()


def test_n_equals_2_and_n_equals_p():
    two = solve_path(
        make_problem(np.array([[0.0, 1.0], [2.0, 1.0]]), np.array([1.0, 5.0])), np.array([0.0, 2.0])
    )
    assert two.coef == pytest.approx(np.array([[2.0, 1.0], [0.0, 0.0]]))
    assert two.intercept == pytest.approx([1.0, 2.0])
    square = solve_path(problem_of(5, 5), np.array([0.0]))
    assert square.rank == 4
    assert square.certificate.train_deviance[0] == pytest.approx(0.0, abs=1e-20)


def test_far_lambdas_are_the_limits():
    problem = problem_of(40, 3)
    path = solve_path(problem, np.array([1e300, 1e-300, 0.0]))
    assert path.u[:, 0] == pytest.approx(np.zeros(3), abs=1e-290)
    assert path.u[:, 1] == pytest.approx(path.u[:, 2], rel=1e-12)
    assert np.isfinite(path.intercept).all()


def test_tied_columns_alone_do_not_make_the_rows_be_factorized(monkeypatch):
    """Twins and full sets of dummies lose eigenvectors too, but no coefficient misses them."""
    rng = np.random.default_rng(4)
    X = rng.normal(size=(400, 12))
    X[:, 5] = 2.0 * X[:, 4] + 1.0
    X[:, 6:10] = rng.integers(0, 4, size=400)[:, None] == np.arange(4)
    y = X @ rng.normal(size=12) + rng.normal(size=400)
    lambdas = 400.0 * np.array([0.1, 1e-3, 1e-6])
    by_rows = solve_path(make_problem(X, y), lambdas)
    monkeypatch.setattr(path_module, "ROWS_FLOPS", 0)
    monkeypatch.setattr(path_module, "factor_from_rows", None)
    assert solve_path(make_problem(X, y), lambdas).coef == pytest.approx(by_rows.coef, rel=1e-8)


@pytest.mark.parametrize("factors", [None, [0.0, 1.0, 1.0, 1.0]])
def test_a_direction_that_the_gram_matrix_loses_is_found_in_the_rows(factors, monkeypatch):
    """Its gradient is too small to fail the certificate, and over a small lambda large."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(400, 4))
    X[:, 3] = X[:, 2] + 1e-8 * X[:, 3]
    y = X[:, 0] + rng.normal(size=400) + 1e7 * (X[:, 3] - X[:, 2])
    factors = None if factors is None else np.array(factors)
    by_rows = solve_path(make_problem(X, y, penalty_factor=factors), np.array([1e-5]))
    monkeypatch.setattr(path_module, "ROWS_FLOPS", 0)
    found = solve_path(make_problem(X, y, penalty_factor=factors), np.array([1e-5]))
    assert found.coef == pytest.approx(by_rows.coef, rel=1e-9)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize(
    ("family", "l1_ratio"), [("gaussian", 0.0), ("gaussian", 1.0), ("binomial", 0.0), ("binomial", 0.5)]
)
@pytest.mark.parametrize("rows", [60, 4, 1000])
def test_the_rank_of_dummies_of_every_class_is_one_less_beside_an_intercept(
    rows, family, l1_ratio, intercept
):
    rng = np.random.default_rng(2)
    X = np.column_stack([np.eye(3)[np.arange(rows) % 3], rng.normal(size=(rows, 3))])
    y = (np.arange(rows) % 2).astype(float)
    problem = make_problem(
        X, y, family=family, l1_ratio=l1_ratio, intercept=intercept, weights=rng.uniform(0.5, 2.0, rows)
    )
    path = solve_path(problem, np.array([1.0]))
    whole = np.column_stack([X, np.ones(rows)]) if intercept else X
    assert design_rank(problem, path) == np.linalg.matrix_rank(whole) - intercept
