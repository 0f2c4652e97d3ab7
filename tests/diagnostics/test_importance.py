"""Shapley values of explained variance against their definition."""

from __future__ import annotations

import math
from itertools import combinations, permutations

import numpy as np
import pytest
from numpy.random import default_rng

from l2cli.diagnostics import importance
from l2cli.diagnostics.importance import marginal_variance, shapley_variance


def moments(n, p, k, seed=0):
    rng = default_rng(seed)
    X = rng.normal(size=(n, p)) @ rng.normal(size=(p, p))
    Y = X @ rng.normal(size=(p, k)) + rng.normal(size=(n, k))
    X, Y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    return X, Y, X.T @ X / n, X.T @ Y / n


def explained(X, y, columns):
    if not len(columns):
        return 0.0
    fit = X[:, columns] @ np.linalg.lstsq(X[:, columns], y, rcond=None)[0]
    return float(fit @ fit) / len(y)


def by_definition(X, y, labels):
    """Return the Shapley values by the formula, each v(S) a least squares fit."""
    groups = labels.max() + 1
    values = np.zeros(groups)
    for g in range(groups):
        others = [o for o in range(groups) if o != g]
        for size in range(groups):
            for chosen in combinations(others, size):
                weight = math.factorial(size) * math.factorial(groups - size - 1) / math.factorial(groups)
                S = np.flatnonzero(np.isin(labels, chosen))
                more = np.flatnonzero(np.isin(labels, [*chosen, g]))
                values[g] += weight * (explained(X, y, more) - explained(X, y, S))
    return values


def by_orders(X, y, labels):
    """Return the mean increments over all orders (LMG as it was stated first)."""
    groups = labels.max() + 1
    values = np.zeros(groups)
    for order in permutations(range(groups)):
        before = 0.0
        for i, g in enumerate(order):
            now = explained(X, y, np.flatnonzero(np.isin(labels, order[: i + 1])))
            values[g] += now - before
            before = now
    return values / math.factorial(groups)


@pytest.mark.parametrize("labels", [[0, 1, 2, 3, 4], [0, 1, 1, 2, 0], [0, 0, 0, 0, 0]])
def test_exact_values_are_those_of_the_definition(labels):
    X, Y, S, C = moments(60, 5, 2)
    labels = np.array(labels)
    found = shapley_variance(S, C, labels)
    assert found.orders is None
    for k in range(2):
        assert found.values[:, k] == pytest.approx(by_definition(X, Y[:, k], labels), rel=1e-10)
        assert found.values[:, k] == pytest.approx(by_orders(X, Y[:, k], labels), rel=1e-10)
        assert found.values[:, k].sum() == pytest.approx(explained(X, Y[:, k], range(5)), rel=1e-12)
    assert not found.se.any()


def test_columns_that_others_make_up_share_what_they_explain():
    X, Y, _, _ = moments(50, 3, 1)
    X = np.column_stack([X, X[:, 0], np.zeros(50)])  # a copy and a constant
    S, C = X.T @ X / 50, X.T @ Y / 50
    found = shapley_variance(S, C, np.arange(5)).values[:, 0]
    assert found[0] == pytest.approx(found[3], rel=1e-9)
    assert found[4] == 0.0
    assert found == pytest.approx(by_definition(X, Y[:, 0], np.arange(5)), rel=1e-8)


@pytest.mark.parametrize("copied", [False, True])
def test_random_orders_come_to_the_exact_values(monkeypatch, copied):
    _, _, S, C = moments(80, 7, 2, seed=3)
    if copied:
        S = np.block([[S, S[:, :1]], [S[:1], S[:1, :1]]])
        C = np.vstack([C, C[:1]])
    labels = np.array([0, 1, 2, 3, 4, 4, 5, 6][: len(S)])
    exact = shapley_variance(S, C, labels)
    monkeypatch.setattr(importance, "MOST_EXACT", 0)
    found = shapley_variance(S, C, labels, seed=1)
    assert found.orders == 2 * importance.MOST_PAIRS
    away = np.abs(found.values - exact.values)
    assert np.all(away <= 4.0 * found.se + 1e-8)
    assert found.values.sum(axis=0) == pytest.approx(exact.values.sum(axis=0), rel=1e-8)
    assert np.array_equal(shapley_variance(S, C, labels, seed=1).values, found.values)
    assert not np.array_equal(shapley_variance(S, C, labels, seed=2).values, found.values)


def test_the_standard_error_is_that_of_repeated_draws(monkeypatch):
    _, _, S, C = moments(80, 6, 1, seed=4)
    monkeypatch.setattr(importance, "MOST_EXACT", 0)
    runs = [shapley_variance(S, C, np.arange(6), seed=seed) for seed in range(60)]
    spread = np.std([run.values[:, 0] for run in runs], axis=0, ddof=1)
    told = np.mean([run.se[:, 0] for run in runs], axis=0)
    assert np.all(spread / told > 0.7)
    assert np.all(spread / told < 1.4)


def test_without_correlation_all_say_the_same():
    S, u = np.diag([1.0, 4.0, 9.0]), np.array([3.0, -1.0, 0.0])
    values = shapley_variance(S, (S @ u)[:, None], np.arange(3)).values[:, 0]
    assert values == pytest.approx([9.0, 4.0, 0.0])
    assert marginal_variance(S, u[:, None], np.arange(3)) == pytest.approx([9.0, 4.0, 0.0])


def test_marginal_values_are_the_variance_of_what_a_group_adds():
    X, _, S, _ = moments(90, 5, 1, seed=5)
    u, labels = default_rng(6).normal(size=5), np.array([0, 1, 1, 2, 0])
    found = marginal_variance(S, u[:, None], labels)
    assert found == pytest.approx([np.var(X[:, labels == g] @ u[labels == g]) for g in range(3)])
