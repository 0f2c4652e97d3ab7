"""Sufficient statistics of training rows against the same statistics formed from the rows themselves."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.core import problem as problem_module
from l2cli.core.moments import (
    ColumnMoments,
    Moments,
    column_moments,
    empty_moments,
    fold_moments,
    gram_system,
    heldout_sum_of_squares,
    leave_each_out,
    moments_of,
    training_problem,
    training_stats,
)
from l2cli.core.problem import make_problem


def problem_of(seed=0, n=60, p=4, *, missing=True, weighted=True, **settings):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * 2.0 + rng.normal(size=p) * 5.0
    if missing:
        X[rng.random(X.shape) < [0.3] * (p - 1) + [0.0]] = np.nan
    s = rng.uniform(0.5, 2.0, size=n) if weighted else None
    offset = rng.normal(size=n)
    return X, make_problem(X, rng.normal(size=n) + 3.0, weights=s, offset=offset, **settings)


def trained_on(X, problem, rows):
    """Return internal columns imputed by the training mean, and their training mean and sd, by hand."""
    s = problem.weights
    Z = X.copy()
    for j in range(X.shape[1]):
        present = rows & ~np.isnan(X[:, j])
        gone = np.isnan(X[:, j])
        if present.any():
            Z[gone, j] = np.average(X[present, j], weights=s[present])
    Z = (Z - problem.center) / problem.scale
    mean = np.average(Z[rows], axis=0, weights=s[rows])
    return Z, mean, np.sqrt(np.average((Z[rows] - mean) ** 2, axis=0, weights=s[rows]))


@pytest.mark.parametrize("weighted", [True, False])
def test_moments_are_those_of_the_rows(weighted):
    _, problem = problem_of(weighted=weighted)
    rows = np.arange(5, 50)
    found = moments_of(problem, rows)
    Z = np.column_stack([problem.X, problem.mask, problem.response])[rows]
    s = problem.weights[rows]
    mean = np.average(Z, axis=0, weights=s)
    assert found.weight == pytest.approx(s.sum(), rel=1e-14)
    assert found.mean == pytest.approx(mean, abs=1e-14)
    assert found.scatter == pytest.approx(((Z - mean).T * s) @ (Z - mean), abs=1e-12)
    assert found.rows == 45
    by_slice = moments_of(problem, slice(5, 50))
    assert np.array_equal(by_slice.scatter, found.scatter)


def assert_same(a: Moments, b: Moments) -> None:
    assert a.rows == b.rows
    assert a.weight == pytest.approx(b.weight, rel=1e-13)
    assert a.mean == pytest.approx(b.mean, abs=1e-13)
    assert a.scatter == pytest.approx(b.scatter, abs=1e-11)


def test_nothing_merged_changes_nothing():
    _, problem = problem_of()
    whole, nothing = moments_of(problem), empty_moments(moments_of(problem).mean.size)
    assert whole.merge(nothing) is whole
    assert nothing.merge(whole) is whole


@pytest.mark.parametrize("k", [2, 3, 7])
def test_leave_each_out_is_the_moments_of_the_other_rows(k):
    _, problem = problem_of()
    ids = np.random.default_rng(1).permutation(np.arange(60) % k)
    parts = fold_moments(problem, ids, k)
    for f, merged in enumerate(leave_each_out(parts)):
        assert_same(merged, moments_of(problem, np.flatnonzero(ids != f)))
        assert_same(parts[f], moments_of(problem, np.flatnonzero(ids == f)))


def test_a_fold_of_outliers_leaves_the_digits_of_the_others():
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(40, 2)), rng.normal(size=40)
    y[:8] = 1e9
    problem = make_problem(X, y)
    ids = (np.arange(40) >= 8).astype(np.int64)
    first = next(iter(leave_each_out(fold_moments(problem, ids, 2))))
    rest = y[8:] - y[8:].mean()
    assert first.scatter[-1, -1] == pytest.approx(rest @ rest, rel=1e-14)


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("missing", [True, False])
def test_training_statistics_match_preprocessing_by_hand(missing, intercept, standardize):
    f = np.array([0.0, 1.0, 2.0, 1.0])
    X, problem = problem_of(missing=missing, intercept=intercept, standardize=standardize, penalty_factor=f)
    rows = np.arange(60) % 4 != 0
    Z, mean, sd = trained_on(X, problem, rows)
    system = gram_system(problem, moments_of(problem, np.flatnonzero(rows)))
    columns = training_stats(problem, column_moments(problem, np.flatnonzero(rows)))
    s, y = problem.weights[rows], problem.response[rows]
    y_mean = np.average(y, weights=s)
    d = f * sd**2 if standardize else f / problem.scale**2
    for stats in (system.stats, columns):
        assert stats.mean == pytest.approx(mean, abs=1e-13)
        assert stats.sd == pytest.approx(sd, rel=1e-12)
        assert stats.y_mean == pytest.approx(y_mean, rel=1e-13)
        assert stats.d == pytest.approx(d, rel=1e-12)
        assert stats.weight == pytest.approx(s.sum(), rel=1e-13)
        assert stats.rows == 45
    A, b = Z[rows] - mean * intercept, y - y_mean * intercept
    assert pytest.approx((A.T * s) @ A, rel=1e-11, abs=1e-11) == system.G
    assert system.c == pytest.approx((A.T * s) @ b, rel=1e-11, abs=1e-11)
    assert system.yy == pytest.approx(s @ b**2, rel=1e-12)
    u, lam = np.array([[1.0], [-2.0], [0.5], [3.0]]), np.array([7.0])
    gradient = system.G @ u - system.c[:, None] + 7.0 * d[:, None] * u
    assert system.gradient(u, lam) == pytest.approx(gradient)
    expected = np.abs(gradient).max() / np.abs(system.c).max()
    assert system.residual(gradient) == pytest.approx([expected])
    assert system.stats.intercept(u, intercept) == pytest.approx(y_mean - mean @ u if intercept else [0.0])


@pytest.mark.parametrize("missing", [True, False])
def test_held_out_squares_are_those_of_the_rows(missing):
    X, problem = problem_of(missing=missing)
    rows = np.arange(60) % 4 != 0
    system = gram_system(problem, moments_of(problem, np.flatnonzero(rows)))
    Z, _, _ = trained_on(X, problem, rows)
    rng = np.random.default_rng(4)
    u, b0 = rng.normal(size=(4, 3)), rng.normal(size=3)
    held = moments_of(problem, np.flatnonzero(~rows))
    found, terms = heldout_sum_of_squares(problem, system.stats, held, u, b0)
    away = problem.response[~rows, None] - b0 - Z[~rows] @ u
    assert found == pytest.approx(problem.weights[~rows] @ away**2, rel=1e-12)
    assert np.all(terms >= 0.5 * found / 5)


def test_the_terms_of_held_out_squares_tell_of_cancellation():
    """Large opposing coefficients of two near copies leave a small sum of large terms."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=40)
    problem = make_problem(np.column_stack([x, x + 1e-6 * rng.normal(size=40)]), x)
    held, stats = moments_of(problem), gram_system(problem, moments_of(problem)).stats
    u = np.array([[1e6], [-1e6]])
    value, terms = heldout_sum_of_squares(problem, stats, held, u, np.array([x.mean()]))
    away = x - x.mean() - (problem.X @ u)[:, 0]
    assert value[0] == pytest.approx(away @ away, abs=1e-12 * terms[0])
    assert terms[0] > 1e9 * value[0]


def test_training_problem_is_the_problem_of_the_training_rows():
    X, problem = problem_of(penalty_factor=np.array([1.0, 2.0, 0.5, 0.0]))
    rows = np.flatnonzero(np.arange(60) % 3 != 0)
    stats = training_stats(problem, column_moments(problem, rows))
    part = training_problem(problem, rows, stats)
    own = make_problem(
        X[rows], problem.y[rows], weights=problem.weights[rows], penalty_factor=np.array([1.0, 2.0, 0.5, 0.0])
    )
    inside = (part.X - np.average(part.X, axis=0, weights=part.weights)) / stats.sd
    assert inside == pytest.approx(own.X, abs=1e-12)
    u = np.array([1.0, 2.0, 3.0, 4.0])
    coef, _ = part.original(u, 0.0)
    assert part.penalty @ u**2 == pytest.approx(own.penalty @ (coef * own.scale) ** 2, rel=1e-12)
    assert part.originals is None


@pytest.mark.parametrize("intercept", [True, False])
def test_a_column_that_does_not_vary_in_the_training_rows_is_dead_there(intercept):
    X, _ = problem_of(missing=False)
    X[:, 1] = (np.arange(60) < 5).astype(float)
    problem = make_problem(X, X[:, 0], intercept=intercept)
    rows = np.arange(5, 60)
    system = gram_system(problem, moments_of(problem, rows))
    columns = training_stats(problem, column_moments(problem, rows))
    assert system.stats.sd[1] == columns.sd[1] == 0.0
    assert system.stats.d[1] == columns.d[1] == 1.0
    assert not system.G[1].any()
    assert not system.G[:, 1].any()
    assert system.c[1] == 0.0
    part = training_problem(problem, rows, columns)
    assert part.constant.tolist() == [False, True, False, False]
    assert not part.X[:, 1].any()


@pytest.mark.parametrize("weighted", [True, False])
def test_a_column_missing_in_all_training_rows_is_dead_there(weighted):
    X, _ = problem_of(missing=False)
    X[5:, 2] = np.nan
    for seed in range(20):  # the share of missing cells must be 1 to the last bit for any weights
        s = np.random.default_rng(seed).uniform(0.1, 3.0, size=60) if weighted else None
        problem = make_problem(X, X[:, 0], weights=s)
        parts = fold_moments(problem, np.repeat(np.arange(12), 5), 12)
        merged = next(iter(leave_each_out(parts)))
        system = gram_system(problem, merged)
        columns = next(
            iter(leave_each_out([column_moments(problem, np.arange(5 * f, 5 * f + 5)) for f in range(12)]))
        )
        assert system.stats.sd[2] == 0.0
        assert training_stats(problem, columns).sd[2] == 0.0


def test_a_column_whose_present_cells_are_alike_in_the_training_rows_is_dead_there():
    """A rare indicator with missing cells, its ones all in the fold held out: imputing leaves a constant."""
    rng = np.random.default_rng(7)
    X = rng.normal(size=(60, 3))
    X[:, 1] = np.arange(60) < 4
    X[20::3, 1] = np.nan
    problem = make_problem(X, X[:, 0], weights=rng.uniform(0.5, 2.0, size=60))
    ids = np.repeat(np.arange(6), 10)
    merged = next(iter(leave_each_out(fold_moments(problem, ids, 6))))
    rows = [np.flatnonzero(ids == f) for f in range(6)]
    columns = next(iter(leave_each_out([column_moments(problem, r) for r in rows])))
    for stats in (gram_system(problem, merged).stats, training_stats(problem, columns)):
        assert stats.sd[1] == 0.0
        assert stats.shift[0] == pytest.approx(-problem.mean[1] / problem.scale[1])


def test_column_moments_merge_as_moments_do():
    _, problem = problem_of()
    a, b = column_moments(problem, np.arange(20)), column_moments(problem, np.arange(20, 60))
    whole, merged = moments_of(problem), a.merge(b)
    assert isinstance(merged, ColumnMoments)
    assert merged.mean == pytest.approx(whole.mean, abs=1e-13)
    assert merged.scatter == pytest.approx(np.diag(whole.scatter), rel=1e-12)
    assert merged.rows == 60
    assert merged.weight == pytest.approx(whole.weight)


@pytest.mark.parametrize("weighted", [True, False])
def test_moments_do_not_depend_on_the_blocks(monkeypatch, weighted):
    _, problem = problem_of(n=900, weighted=weighted)
    whole, columns = moments_of(problem), column_moments(problem, np.arange(900))
    monkeypatch.setattr(problem_module, "BLOCK_BYTES", 1)
    assert_same(moments_of(problem), whole)
    assert column_moments(problem, np.arange(900)).scatter == pytest.approx(columns.scatter, rel=1e-12)
