"""Triangles of rows: merged in any order and blocking they are that of all rows, for every setting."""

from __future__ import annotations

from functools import partial, reduce

import numpy as np
import pytest

from l2cli.core import problem as problem_module
from l2cli.core import threads
from l2cli.core.moments import column_moments, training_stats
from l2cli.core.path import solve_path
from l2cli.core.problem import make_problem
from l2cli.core.solvers.least_squares import least_squares, solve_factor
from l2cli.core.solvers.ridge import factor_from_rows, scaled_rows
from l2cli.core.solvers.tsqr import RowFactor, block_factor, empty_factor, row_factor


def problem_of(seed=0, n=300, p=5, *, missing=False, **settings):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * 10.0 ** rng.uniform(-3, 3, size=p) + rng.normal(size=p)
    if missing:
        X[rng.random(X.shape) < 0.2] = np.nan
    return make_problem(
        X, rng.normal(size=n) + 3.0, weights=rng.uniform(0.5, 2.0, size=n), offset=rng.normal(size=n),
        **settings,
    )  # fmt: skip


def square(R):
    """Return R'R, which a rotation of the rows of R leaves as it is."""
    return R.T @ R


@pytest.mark.parametrize("intercept", [True, False])
def test_a_triangle_is_that_of_the_rows(intercept):
    problem = problem_of(intercept=intercept)
    A, b, _, _ = scaled_rows(problem)
    factor = row_factor(problem)
    T = factor.triangle(centred=intercept)
    assert T.shape == (6, 6)
    assert np.tril(T, -1).tolist() == np.zeros((6, 6)).tolist()
    assert square(T) == pytest.approx(square(np.column_stack([A, b])), rel=1e-11, abs=1e-11)
    assert factor.rows == 300
    assert factor.weight == pytest.approx(problem.weight_sum)


@pytest.mark.parametrize("intercept", [True, False])
def test_a_triangle_of_training_rows_is_imputed_and_blanked_as_they_ask(intercept):
    problem = problem_of(missing=True, intercept=intercept)
    rows = np.arange(20, 200)
    problem.X[rows, 2], problem.mask[rows, 2] = 1.5, 0.0
    stats = training_stats(problem, column_moments(problem, rows))
    assert stats.sd[2] == 0.0
    A, b, _, usable = scaled_rows(problem, stats, rows)
    T = row_factor(problem, stats, rows).triangle(centred=intercept)
    assert square(T) == pytest.approx(square(np.column_stack([A, b])), rel=1e-10, abs=1e-10)
    assert np.abs(T[:, :-1][:, ~usable]).max() == 0.0


def test_a_mean_far_from_0_costs_no_digits():
    """Whole numbers about 2^45 in blocks whose means no double holds, against the same numbers about 0."""
    rng = np.random.default_rng(6)
    x, y, answers = rng.integers(0, 64, size=63) * 1.0, rng.normal(size=63), []
    for origin in (0.0, 2.0**45):
        rows = np.column_stack([x + origin, y])
        factor = reduce(RowFactor.merge, [block_factor(rows[i : i + 7].copy()) for i in range(0, 63, 7)])
        found = solve_factor(factor, np.ones(1, bool), intercept=True)
        assert found is not None
        answers.append(found)
        away = (factor.mean - [origin, 0.0]) + factor.tail
        assert away == pytest.approx([x.mean(), y.mean()], rel=1e-13)
    assert answers[1].u == pytest.approx(answers[0].u, rel=1e-13)
    assert answers[1].residual_sum == pytest.approx(answers[0].residual_sum, rel=1e-13)


def test_a_factor_of_no_rows_changes_nothing():
    factor = row_factor(problem_of())
    nothing = empty_factor(6)
    assert factor.merge(nothing) is factor
    assert nothing.merge(factor) is factor
    assert solve_factor(nothing, np.ones(5, bool), intercept=True) is None


@pytest.mark.parametrize("intercept", [True, False])
def test_fewer_rows_than_columns_have_a_trapezoid_and_no_unique_answer(intercept):
    problem = problem_of(n=4, intercept=intercept)
    factor = row_factor(problem)
    assert factor.R.shape == (4, 6)
    assert least_squares(problem) is None


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("factors", [None, np.array([0.0, 1.0, 2.0, 0.5, 0.0])])
def test_a_ridge_from_the_triangle_is_that_of_the_rows(tied, factors):
    """n = p takes the rows themselves, one row more the triangle: the same formulas, checked by solving."""
    problem = problem_of(n=40, penalty_factor=factors)
    if tied:
        problem.X[:, 3] = problem.X[:, 1] - problem.X[:, 2]
    factor = factor_from_rows(problem)
    A, b, d, _ = scaled_rows(problem)
    lambdas = np.array([1e-3, 1.0, 100.0])
    for lam, u, df in zip(lambdas, factor.solve(lambdas).T, factor.effective_df(lambdas), strict=True):
        system = A.T @ A + lam * np.diag(d)
        assert u == pytest.approx(np.linalg.solve(system, A.T @ b), rel=1e-9, abs=1e-12)
        assert df == pytest.approx(np.trace(np.linalg.solve(system, A.T @ A)), rel=1e-9)
    assert factor.rank == 5 - tied
    assert np.flatnonzero(factor.null > 1e-6).tolist() == ([1, 2, 3] if tied else [])


def test_any_blocks_give_the_same_least_squares(monkeypatch):
    problem = problem_of(n=3000)._replace(originals=None)
    whole = least_squares(problem)
    assert whole is not None
    for size in (1, 20_000):
        monkeypatch.setattr(problem_module, "BLOCK_BYTES", size)
        found = least_squares(problem)
        assert found is not None
        assert found.u == pytest.approx(whole.u, rel=1e-11)
        assert found.origin == pytest.approx(whole.origin, rel=1e-11)
        assert found.residual_sum == pytest.approx(whole.residual_sum, rel=1e-12)


def test_threads_change_no_digit(monkeypatch):
    monkeypatch.setattr(threads, "WORTH_CELLS", 1)
    monkeypatch.setattr(problem_module, "BLOCK_BYTES", 1)
    problem, answers = problem_of(n=2000), []
    for count in (1, 3):
        monkeypatch.setattr(threads, "thread_count", partial(int, count))
        answers.append(solve_path(problem, np.array([0.0, 1e-12])))
    assert answers[0].coef.tolist() == answers[1].coef.tolist()
    assert answers[0].intercept.tolist() == answers[1].intercept.tolist()
