"""From original columns to internal ones: means, scales, constant and missing cells, and the way back."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.core import problem as problem_module
from l2cli.core.problem import make_problem, row_blocks


def data(seed=0, n=30, p=4):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, p)) * [1.0, 5.0, 0.01, 300.0] + [0.0, 1e4, -3.0, 50.0], rng.normal(size=n), rng


def test_columns_are_centred_and_divided_by_the_population_sd():
    X, y, _ = data()
    problem = make_problem(X, y)
    assert pytest.approx((X - X.mean(axis=0)) / X.std(axis=0), abs=1e-11) == problem.X
    assert problem.scale == pytest.approx(X.std(axis=0), rel=1e-14)
    assert problem.penalty == pytest.approx(np.ones(4))
    assert problem.weight_sum == problem.n_rows == 30


def test_weights_enter_means_and_scales():
    X, y, rng = data()
    s = rng.integers(1, 4, size=30).astype(np.float64)
    problem, repeated = make_problem(X, y, weights=s), np.repeat(X, s.astype(int), axis=0)
    assert problem.mean == pytest.approx(repeated.mean(axis=0), rel=1e-14)
    assert problem.scale == pytest.approx(repeated.std(axis=0), rel=1e-13)
    assert problem.weight_sum == s.sum()


def test_without_intercept_columns_are_scaled_but_not_centred():
    X, y, _ = data()
    problem = make_problem(X, y, intercept=False)
    assert pytest.approx(X / X.std(axis=0), rel=1e-12) == problem.X
    assert np.all(problem.center == 0.0)


def test_raw_columns_are_penalized_by_their_original_weights():
    X, y, rng = data()
    f = rng.uniform(0.0, 2.0, size=4)
    problem = make_problem(X, y, standardize=False, penalty_factor=f)
    u = rng.normal(size=4)
    coef, _ = problem.original(u, 0.0)
    assert problem.penalty @ u**2 == pytest.approx(f @ coef**2)
    standardized = make_problem(X, y, penalty_factor=f)
    assert standardized.penalty == pytest.approx(f)


@pytest.mark.parametrize("intercept", [True, False])
def test_internal_and_original_coefficients_predict_the_same(intercept):
    X, y, rng = data()
    problem = make_problem(X, y, intercept=intercept)
    u, b0 = rng.normal(size=(4, 3)), np.array([1.0, -2.0, 0.5]) * intercept
    coef, b = problem.original(u, b0)
    assert X @ coef + b == pytest.approx(problem.X @ u + b0, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("weighted", [True, False])
def test_missing_cells_hold_the_mean_of_the_present_ones(weighted):
    X, y, rng = data()
    gone = rng.random(X.shape) < 0.3
    gone[:, 2] = False
    s = rng.uniform(0.5, 2.0, size=30) if weighted else np.ones(30)
    filled = X.copy()
    for j in range(4):
        filled[gone[:, j], j] = np.average(X[~gone[:, j], j], weights=s[~gone[:, j]])
    whole = make_problem(filled, y, weights=s)
    problem = make_problem(np.where(gone, np.nan, X), y, weights=s if weighted else None)
    assert problem.mean == pytest.approx(whole.mean, rel=1e-13)
    assert problem.scale == pytest.approx(whole.scale, rel=1e-13)
    assert pytest.approx(whole.X, abs=1e-10) == problem.X
    assert problem.masked.tolist() == [0, 1, 3]
    assert problem.mask == pytest.approx(gone[:, [0, 1, 3]].astype(float))
    assert problem.fill == pytest.approx(np.zeros(3))
    assert problem.originals is None


def test_constant_columns_are_zero_and_named():
    X, y, _ = data()
    X[:, 1], X[:, 3] = 0.1, np.nan
    X[4, 3] = 8.0
    problem = make_problem(X, y)
    assert problem.constant.tolist() == [False, True, False, True]
    assert np.all(problem.X[:, problem.constant] == 0.0)
    assert problem.penalty[problem.constant] == pytest.approx([1.0, 1.0])
    assert problem.scale[problem.constant] == pytest.approx([1.0, 1.0])


def test_a_column_without_any_cell_is_constant():
    X, y, _ = data()
    X[:, 2] = np.nan
    problem = make_problem(X, y)
    assert problem.constant.tolist() == [False, False, True, False]
    assert np.all(np.isfinite(problem.X))


def test_spread_far_below_the_mean_is_measured_exactly():
    x = 1e9 + np.arange(10.0) / 64.0
    problem = make_problem(x[:, None], x)
    assert problem.scale[0] == pytest.approx(np.std(np.arange(10.0) / 64.0), rel=1e-12)
    assert not problem.constant[0]


def test_overwrite_uses_the_array_and_a_copy_does_not():
    X, y, _ = data()
    kept = X.copy()
    make_problem(X, y)
    assert np.array_equal(X, kept)
    problem = make_problem(X, y, overwrite=True)
    assert problem.X is X
    assert not np.array_equal(X, kept)
    assert problem.originals == pytest.approx(kept)


def test_columns_in_fortran_order_are_copied_even_with_overwrite():
    X, y, _ = data()
    columns = np.asfortranarray(X)
    problem = make_problem(columns, y, overwrite=True)
    assert np.array_equal(columns, X)
    assert pytest.approx(make_problem(X, y).X) == problem.X


def test_take_keeps_the_coordinates():
    X, y, rng = data()
    X[3, 0] = np.nan
    problem = make_problem(X, y, weights=rng.uniform(1, 2, 30), offset=rng.normal(size=30))
    rows = np.array([3, 3, 7, 0])
    part = problem.take(rows)
    for name in ("X", "y", "weights", "offset", "mask", "response"):
        assert getattr(part, name) == pytest.approx(getattr(problem, name)[rows]), name
    assert part.scale is problem.scale
    part.X[:] = 0.0
    assert problem.X[7, 1] != 0.0


def test_penalty_for_training_rows_scales_with_their_spread():
    X, y, _ = data()
    f, sd = np.array([1.0, 2.0, 0.0, 1.0]), np.array([0.5, 2.0, 1.0, 0.0])
    assert make_problem(X, y, penalty_factor=f).penalty_for(sd) == pytest.approx([0.25, 8.0, 0.0, 1.0])
    raw = make_problem(X, y, penalty_factor=f, standardize=False)
    assert raw.penalty_for(sd) == pytest.approx([1.0, 2.0, 0.0, 0.0] / X.std(axis=0) ** 2 + [0, 0, 0, 1.0])


@pytest.mark.parametrize(("n", "p"), [(0, 3), (1, 1), (100, 7), (1000, 10**6)])
def test_row_blocks_cover_every_row_once(n, p):
    blocks = row_blocks(n, p)
    assert [i for b in blocks for i in range(b.start, b.stop)] == list(range(n))
    assert all(b.stop - b.start <= max(64, problem_module.BLOCK_BYTES // (8 * p)) for b in blocks)


@pytest.mark.parametrize("weighted", [True, False])
def test_statistics_do_not_depend_on_the_blocks(monkeypatch, weighted):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(1000, 3)) + np.array([1e6, 0.0, 5.0])
    X[rng.random(X.shape) < 0.1] = np.nan
    s = rng.uniform(0.5, 2.0, size=1000) if weighted else None
    whole = make_problem(X, np.zeros(1000), weights=s)
    monkeypatch.setattr(problem_module, "BLOCK_BYTES", 1)
    assert len(row_blocks(1000, 3)) == 16
    blocked = make_problem(X, np.zeros(1000), weights=s)
    assert blocked.mean == pytest.approx(whole.mean, rel=1e-14)
    assert blocked.scale == pytest.approx(whole.scale, rel=1e-12)


def test_few_columns_and_many_are_treated_alike():
    X, y, _ = data()
    empty = make_problem(np.zeros((30, 0)), y)
    assert (empty.n_columns, empty.n_rows) == (0, 30)
    assert empty.penalty.shape == (0,)
    assert pytest.approx(make_problem(X, y).X[:, :1]) == make_problem(X[:, :1], y).X


def test_originals_are_kept_for_small_problems_only(monkeypatch):
    X, y, _ = data()
    assert make_problem(X, y).originals == pytest.approx(X)
    monkeypatch.setattr(problem_module, "KEEP_ORIGINALS", 100)
    assert make_problem(X, y).originals is None
