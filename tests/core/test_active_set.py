"""Quadratics with kinks and bounds: optimality by definition, independent solvers, degenerate columns."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.core.solvers.active_set import ActiveSet
from l2cli.core.solvers.gram import DenseGram, ProductGram


def violation(G, q, a, b, v, low, high):
    """Return the largest slope along which the objective falls at v, coordinate by coordinate."""
    gradient = G @ v + b * v - q
    right = np.where(v < high, gradient + np.where(v >= 0, a, -a), np.inf)
    left = np.where(v > low, -gradient + np.where(v <= 0, a, -a), np.inf)
    return float(np.maximum(-np.minimum(right, left), 0.0).max())


def design(n, p, rho=0.5, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) + rho * rng.standard_normal((n, 1))
    return X, X[:, : max(1, p // 4)].sum(axis=1) + rng.standard_normal(n)


@pytest.mark.parametrize(("n", "p"), [(60, 8), (30, 30), (20, 50)])
@pytest.mark.parametrize("mix", [1.0, 0.5, 0.0])
@pytest.mark.parametrize("bounded", [False, True])
@pytest.mark.parametrize("product", [False, True])
def test_every_lambda_of_a_path_meets_the_optimality_conditions(n, p, mix, bounded, product):
    X, y = design(n, p)
    rng = np.random.default_rng(1)
    low, high = np.full(p, -np.inf), np.full(p, np.inf)
    if bounded:
        low, high = rng.choice([-np.inf, -0.1, 0.0], p), rng.choice([np.inf, 0.2, 0.0], p)
        low[0], high[0] = 0.05, 0.3  # a segment that leaves zero out
    G, q = X.T @ X, X.T @ y
    weights = rng.uniform(0.5, 2.0, p)
    active = ActiveSet(ProductGram(X) if product else DenseGram(G), low, high)
    unit = np.abs(q).max()
    for lam in np.geomspace(unit, 1e-3 * unit, 12):
        a, b = lam * mix * weights, lam * (1 - mix) * weights
        v = active.solve(q, a, b, tol=1e-13 * unit)
        assert violation(G, q, a, b, v, low, high) <= 1e-11 * unit
        assert np.all((v >= low) & (v <= high))


def test_a_lasso_is_that_of_coordinate_descent():
    from sklearn.linear_model import Lasso

    X, y = design(50, 12)
    ours = ActiveSet(DenseGram(X.T @ X)).solve(X.T @ y, np.full(12, 5.0), np.zeros(12), tol=1e-12)
    theirs = Lasso(alpha=5.0 / 50, fit_intercept=False, tol=1e-14, max_iter=100_000).fit(X, y).coef_
    assert ours == pytest.approx(theirs, abs=1e-9)
    assert np.array_equal(ours == 0.0, theirs == 0.0)


def test_bounds_are_those_of_bounded_least_squares():
    from scipy.optimize import lsq_linear

    X, y = design(40, 6, seed=3)
    low, high = np.array([0.0, -0.2, 0.5, -1.0, 0.1, -9.0]), np.array([0.4, 0.2, 0.7, 0.0, 0.2, 9.0])
    ours = ActiveSet(DenseGram(X.T @ X), low, high).solve(X.T @ y, np.zeros(6), np.zeros(6), tol=1e-12)
    assert ours == pytest.approx(lsq_linear(X, y, (low, high), method="bvls", tol=1e-14).x, abs=1e-9)


@pytest.mark.parametrize("product", [False, True])
def test_copies_of_columns_share_a_lasso_without_harm(product):
    X, y = design(40, 10)
    twice = np.hstack([X, X, -X[:, :3], np.zeros((40, 1)), X[:, :1] + X[:, 1:2]])
    gram = ProductGram(twice) if product else DenseGram(twice.T @ twice)
    active, alone = ActiveSet(gram), ActiveSet(DenseGram(X.T @ X))
    p, unit = twice.shape[1], np.abs(twice.T @ y).max()
    for lam in np.geomspace(unit, 1e-4 * unit, 30):
        v = active.solve(twice.T @ y, np.full(p, lam), np.zeros(p), tol=1e-13 * unit)
        u = alone.solve(X.T @ y, np.full(10, lam), np.zeros(10), tol=1e-13 * unit)
        slack = violation(twice.T @ twice, twice.T @ y, np.full(p, lam), np.zeros(p), v, -np.inf, np.inf)
        assert slack <= 1e-11 * unit
        value = 0.5 * np.sum((y - twice @ v) ** 2) + lam * np.abs(v).sum()
        assert value <= 0.5 * np.sum((y - X @ u) ** 2) + lam * np.abs(u).sum() + 1e-9


def test_columns_without_a_penalty_that_are_tied_do_not_run_away():
    X, y = design(30, 3)
    tied = np.hstack([X, X[:, :1]])
    v = ActiveSet(DenseGram(tied.T @ tied)).solve(tied.T @ y, np.zeros(4), np.zeros(4), tol=1e-10)
    assert tied @ v == pytest.approx(X @ np.linalg.lstsq(X, y, rcond=None)[0], abs=1e-9)


def test_a_start_gives_the_same_answer_as_none():
    X, y = design(60, 20)
    a, b = np.full(20, 8.0), np.full(20, 1.0)
    cold = ActiveSet(DenseGram(X.T @ X))
    expected = cold.solve(X.T @ y, a, b, tol=1e-12)
    for start in (expected, np.full(20, 0.1), np.where(expected == 0, 0.5, -expected)):
        warm = ActiveSet(DenseGram(X.T @ X))
        warm.begin(start, a, b)
        assert warm.solve(X.T @ y, a, b, tol=1e-12) == pytest.approx(expected, abs=1e-12)


def test_degrees_of_freedom_are_the_trace_over_the_free_columns():
    X, y = design(60, 10)
    a, b = np.full(10, 6.0), np.full(10, 3.0)
    active = ActiveSet(DenseGram(X.T @ X))
    v = active.solve(X.T @ y, a, b, tol=1e-12)
    A = X[:, v != 0]
    assert 0 < A.shape[1] < 10
    expected = np.trace(np.linalg.solve(A.T @ A + 3.0 * np.eye(A.shape[1]), A.T @ A))
    assert active.effective_df() == pytest.approx(expected, rel=1e-12)


def test_nothing_is_free_above_the_largest_useful_lambda():
    X, y = design(30, 5)
    q = X.T @ y
    active = ActiveSet(DenseGram(X.T @ X))
    assert not active.solve(q, np.full(5, np.abs(q).max()), np.zeros(5), tol=1e-13).any()
    assert active.effective_df() == 0.0


def degenerate(kind, rng):
    """Return a design with tied, nearly tied, discrete or trending columns."""
    n, p = int(rng.integers(3, 60)), int(rng.integers(2, 100))
    X = rng.standard_normal((n, p))
    if kind == "trend":
        X = np.cumsum(X, axis=1)
    elif kind == "indicators":
        X = (X > 1.0) * 1.0
    elif kind == "polynomial":
        X = np.vander(np.linspace(0.0, 1.0, n), p) + 1e-8 * X
    elif kind == "copies":
        X = X[:, rng.integers(0, max(1, p // 2), p)] * rng.choice([-1.0, 1.0], p)
    X = X - X.mean(axis=0)
    sd = X.std(axis=0)
    return np.where(sd > 1e-12, X / np.where(sd > 1e-12, sd, 1.0), 0.0)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("kind", ["wide", "trend", "indicators", "polynomial", "copies"])
def test_dependent_columns_are_solved_to_rounding_in_few_rounds(kind, seed):
    rng = np.random.default_rng(seed)
    X = degenerate(kind, rng)
    n, p = X.shape
    q = X.T @ (X[:, :3].sum(axis=1) + rng.choice([0.0, 1.0]) * rng.standard_normal(n))
    unit = np.abs(q).max()
    low = rng.choice([-np.inf, 0.0, -0.1], p) if seed % 3 == 0 else np.full(p, -np.inf)
    high = rng.choice([np.inf, 0.3, 0.0], p) if seed % 3 == 0 else np.full(p, np.inf)
    active = ActiveSet(ProductGram(X) if seed % 2 else DenseGram(X.T @ X), low, high)
    ratio, factors = rng.choice([1.0, 0.5, 0.01]), rng.uniform(0.3, 3.0, p)
    for lam in rng.permutation(unit * np.geomspace(1.0, 1e-6, 15)):
        a, b = lam * ratio * factors, lam * (1.0 - ratio) * factors
        v = active.solve(q, a, b, tol=1e-14 * unit)
        floor = 20 * 8 * np.finfo(float).eps * (n * np.abs(v).sum() + unit)
        assert violation(X.T @ X, q, a, b, v, low, high) <= max(1e-10 * unit, floor)
