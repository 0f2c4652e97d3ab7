"""Variance inflation and condition against regressions, determinants and the printed formulas."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import default_rng

from l2cli.diagnostics.collinearity import condition, group_inflation, variance_inflation


def design(n=80, p=5, seed=0):
    rng = default_rng(seed)
    X = rng.normal(size=(n, p)) + rng.normal(size=(n, 1))
    return X - X.mean(axis=0)


def found_condition(G, labels):
    found = condition(G, labels)
    assert found is not None
    return found


def r_squared(X, j):
    rest = np.delete(X, j, axis=1)
    away = X[:, j] - rest @ np.linalg.lstsq(rest, X[:, j], rcond=None)[0]
    return 1.0 - float(away @ away) / float(X[:, j] @ X[:, j])


def test_vif_is_one_over_what_the_others_leave():
    X = design()
    found = variance_inflation(X.T @ X)
    assert found == pytest.approx([1.0 / (1.0 - r_squared(X, j)) for j in range(5)], rel=1e-10)
    assert variance_inflation(4.0 * X.T @ X) == pytest.approx(found, rel=1e-12)


def test_a_column_that_others_make_up_has_no_vif():
    X = design()
    X = np.column_stack([X, X[:, 0] + X[:, 1], np.zeros(80)])
    found = variance_inflation(X.T @ X)
    assert np.isnan(found[[0, 1, 5, 6]]).all()
    assert np.isfinite(found[[2, 3, 4]]).all()


def test_gvif_is_the_ratio_of_determinants():
    X, labels = design(), np.array([0, 0, 1, 2, 2])
    R = np.corrcoef(X.T)
    gvif, rank = group_inflation(X.T @ X, labels)
    for g in range(3):
        own, rest = np.flatnonzero(labels == g), np.flatnonzero(labels != g)
        det = np.linalg.det
        expected = det(R[np.ix_(own, own)]) * det(R[np.ix_(rest, rest)]) / det(R)
        assert gvif[g] == pytest.approx(expected, rel=1e-10)
    assert rank.tolist() == [2, 1, 2]


def test_gvif_does_not_depend_on_the_coding():
    rng = default_rng(1)
    levels = rng.integers(0, 4, 90)
    other = levels + rng.normal(size=90)
    full = np.column_stack([*(levels == k for k in range(4)), other]).astype(float)
    full -= full.mean(axis=0)
    less = full[:, 1:]
    one, rank = group_inflation(full.T @ full, np.array([0, 0, 0, 0, 1]))
    two, again = group_inflation(less.T @ less, np.array([0, 0, 0, 1]))
    assert one == pytest.approx(two, rel=1e-9)
    assert rank.tolist() == again.tolist() == [3, 1]


def test_condition_indices_and_shares_are_those_of_the_singular_values():
    X = design()
    X[:, 4] = X[:, 0] + 0.01 * X[:, 4]
    Z = X / np.linalg.norm(X, axis=0)
    d, V = np.linalg.svd(Z)[1:]
    found = found_condition(X.T @ X, np.arange(5))
    assert found.indices == pytest.approx(d[0] / d, rel=1e-8)
    phi = V.T**2 / d**2
    shares = (phi / phi.sum(axis=1)[:, None])[:, -1]
    assert sorted(found.worst.tolist()) == np.flatnonzero(shares > 0.5).tolist()
    assert found.shares == pytest.approx(shares[found.worst], rel=1e-6)
    assert {0, 4} <= set(found.worst.tolist())


def test_tied_columns_are_named_and_levels_are_not_tied():
    X = design()
    copied = np.column_stack([X, X[:, 2]])
    found = found_condition(copied.T @ copied, np.arange(6))
    assert found.tied == 1
    assert sorted(found.worst.tolist()) == [2, 5]
    levels = default_rng(2).integers(0, 3, 80)
    dummies = np.column_stack([X, *(levels == k for k in range(3))]).astype(float)
    dummies -= dummies.mean(axis=0)
    assert found_condition(dummies.T @ dummies, np.array([0, 1, 2, 3, 4, 5, 5, 5])).tied == 0
    assert condition(np.zeros((2, 2)), np.arange(2)) is None
