"""Grids: the span of effective degrees of freedom, both kinds asked for, and growth beyond an edge."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.core.grid import (
    HIGH_DF,
    LOW_DF,
    automatic_grid,
    curvature_eigenvalues,
    extend,
    lambda_at_df,
    lambda_grid,
    lambda_max,
    log_grid,
)
from l2cli.core.path import design_factor, solve_path
from l2cli.core.problem import make_problem
from l2cli.spec import GridSpec


def problem_of(n, p, family="gaussian", **settings):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, p)) * rng.uniform(0.2, 3.0, size=p)
    y = X[:, 0] + rng.logistic(size=n)
    return make_problem(X, y if family == "gaussian" else (y > 0) * 1.0, family=family, **settings)


def test_a_log_grid_is_even_in_logarithms_and_exact_at_its_ends():
    grid = log_grid(0.1, 1000.0, 5)
    assert grid[0] == 1000.0
    assert grid[-1] == 0.1
    assert grid == pytest.approx([1000.0, 100.0, 10.0, 1.0, 0.1], rel=1e-14)
    assert log_grid(3.0, 7.0, 1).tolist() == [7.0]
    assert log_grid(3.0, 3.0, 9).tolist() == [3.0]


@pytest.mark.parametrize("e", [[5.0], [1e-12, 1.0, 1e9], [2.0, 2.0, 2.0, 2.0], [1e-280, 1e-270]])
@pytest.mark.parametrize("share", [0.001, 0.5, 0.999])
def test_lambda_at_df_solves_its_equation(e, share):
    e = np.array(e)
    lam = lambda_at_df(e, share * len(e))
    assert (e / (e + lam)).sum() == pytest.approx(share * len(e), rel=1e-9)


@pytest.mark.parametrize("shape", [(80, 6), (15, 30)], ids=["long", "wide"])
@pytest.mark.parametrize("standardize", [True, False])
def test_an_automatic_grid_spans_the_effective_degrees_of_freedom(shape, standardize):
    problem = problem_of(*shape, standardize=standardize, weights=np.linspace(0.5, 2.0, shape[0]))
    grid, automatic = lambda_grid(GridSpec(), problem)
    path = solve_path(problem, grid[[0, -1]])
    assert automatic
    assert len(grid) == 100
    assert np.all(np.diff(grid) < 0)
    assert path.effective_df / path.rank == pytest.approx([LOW_DF, HIGH_DF], rel=1e-6)


def test_a_binomial_grid_uses_the_curvature_of_the_null_model():
    problem = problem_of(100, 4, "binomial")
    share = problem.y.mean()
    gaussian = curvature_eigenvalues(problem_of(100, 4))
    assert curvature_eigenvalues(problem) == pytest.approx(gaussian * share * (1 - share), rel=1e-12)
    grid, _ = lambda_grid(GridSpec(), problem)
    df = solve_path(problem, grid[[0, -1]]).effective_df / 4
    assert df[0] == pytest.approx(LOW_DF, rel=0.05)
    assert df[1] > 0.99


def test_unpenalized_columns_do_not_count_in_the_grid():
    problem = problem_of(60, 4, penalty_factor=np.array([0.0, 1.0, 1.0, 1.0]))
    assert len(curvature_eigenvalues(problem)) == 3
    df = solve_path(problem, lambda_grid(GridSpec(), problem)[0][[0, -1]]).effective_df - 1
    assert df / 3 == pytest.approx([LOW_DF, HIGH_DF], rel=1e-6)


def test_without_a_usable_column_the_grid_is_one_lambda():
    assert automatic_grid(np.zeros(0), 100).tolist() == [1.0]
    problem = make_problem(np.ones((5, 2)), np.arange(5.0))
    assert lambda_grid(GridSpec(), problem)[0].tolist() == [1.0]


def test_lambdas_asked_for_are_as_given():
    problem = problem_of(40, 3)
    assert lambda_grid(GridSpec(values=(1.0, 5.0, 0.0)), problem, weight=40.0)[0].tolist() == [1.0, 5.0, 0.0]
    grid, automatic = lambda_grid(GridSpec(low=0.1, high=10.0, count=3), problem, weight=40.0)
    assert grid == pytest.approx([10.0, 1.0, 0.1])
    assert not automatic


def test_an_automatic_grid_is_divided_by_the_weight_on_the_mean_scale():
    problem = problem_of(40, 3)
    sums, means = (lambda_grid(GridSpec(count=7), problem, weight=w)[0] for w in (1.0, 40.0))
    assert means * 40.0 == pytest.approx(sums, rel=1e-14)
    assert lambda_grid(GridSpec(count=7), problem, design_factor(problem, 0.0))[0] == pytest.approx(
        sums, rel=1e-9
    )


@pytest.mark.parametrize("edge", ["high", "low"])
def test_a_grid_grows_in_its_own_steps(edge):
    grid = log_grid(1.0, 1e8, 9)
    more = extend(grid, edge, 100)
    assert more == pytest.approx([1e9, 1e10] if edge == "high" else [0.1, 0.01])
    assert extend(grid, edge, 1) == pytest.approx(more[:1])
    assert len(extend(grid, edge, 0)) == 0
    assert len(extend(grid[:1], edge, 5)) == 0


def test_a_pull_that_is_rounding_alone_is_none():
    rng = np.random.default_rng(0)
    problem = make_problem(rng.normal(size=(60, 4)), np.full(60, 7.0), family="gamma", l1_ratio=1.0)
    assert lambda_max(problem) == 0.0
