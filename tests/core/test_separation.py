"""Separation: the linear program, the Newton iteration's own sign of it, data that only look separated."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.core.problem import make_problem
from l2cli.core.separation import separating_columns, tells_all_apart
from l2cli.core.solvers.l1_newton import L1Newton
from l2cli.core.solvers.newton import RUNAWAY, NewtonSolver


def problem_of(columns, y, **settings):
    return make_problem(np.column_stack(columns), np.asarray(y, dtype=float), family="binomial", **settings)


def everything(problem):
    return np.ones(problem.n_columns, dtype=bool)


def named(problem, columns=None):
    """Return which columns separate, as a list; they must do so."""
    found = separating_columns(problem, everything(problem) if columns is None else np.array(columns))
    assert found is not None
    return found.tolist()


def test_complete_separation_names_the_column():
    rng = np.random.default_rng(0)
    x = rng.normal(size=60)
    problem = problem_of([rng.normal(size=60), x], x > 0.3)
    assert named(problem)[1]
    assert named(problem, [False, True]) == [False, True]


def test_quasi_complete_separation_by_a_level_that_has_one_class_only():
    rng = np.random.default_rng(1)
    level = (np.arange(80) % 10 == 0).astype(float)
    y = np.where(level > 0, 1.0, (rng.random(80) < 0.5) * 1.0)
    problem = problem_of([rng.normal(size=80), level], y)
    assert named(problem) == [False, True]
    assert NewtonSolver(problem).solve(0.0).last_move > RUNAWAY


def test_a_boundary_point_of_both_classes_is_still_quasi_complete():
    x = np.array([-2.0, -1.0, 0.0, 0.0, 1.0, 2.0])
    problem = problem_of([x], [0, 0, 0, 1, 1, 1])
    assert separating_columns(problem, everything(problem)) is not None


def test_overlapping_classes_have_no_separating_direction():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(100, 3))
    problem = problem_of([X], rng.random(100) < 0.5)
    assert separating_columns(problem, everything(problem)) is None


def test_only_the_columns_asked_about_count():
    rng = np.random.default_rng(3)
    x = rng.normal(size=60)
    problem = problem_of([rng.normal(size=60), x], x > 0.3)
    assert separating_columns(problem, np.array([True, False])) is None
    assert named(problem, [False, True]) == [False, True]


def test_an_offset_neither_hides_nor_makes_a_separation():
    rng = np.random.default_rng(4)
    x, offset = rng.normal(size=60), 20.0 * rng.normal(size=60)
    apart = problem_of([x], x > 0.3, offset=offset)
    assert separating_columns(apart, everything(apart)) is not None
    assert NewtonSolver(apart).solve(0.0).last_move > RUNAWAY
    mixed = problem_of([x], offset + rng.logistic(size=60) > 0, offset=offset)
    assert separating_columns(mixed, everything(mixed)) is None
    assert NewtonSolver(mixed).solve(0.0).last_move < RUNAWAY


def test_without_an_intercept_the_origin_must_separate():
    x = np.array([1.0, 2.0, 3.0, 4.0])
    y = [0, 0, 1, 1]
    with_one, without = problem_of([x], y), problem_of([x], y, intercept=False)
    assert separating_columns(with_one, everything(with_one)) is not None
    assert separating_columns(without, everything(without)) is None


def test_constant_columns_do_not_separate():
    problem = problem_of([np.ones(6), np.array([1.0, 2, 1, 2, 1, 2])], [0, 0, 1, 1, 0, 1])
    assert separating_columns(problem, everything(problem)) is None


@pytest.mark.parametrize("seed", range(8))
def test_newton_moves_on_exactly_where_the_linear_program_separates(seed):
    """Small samples, rounded columns, rare levels, offsets and weights: about half are separated."""
    seen = set()
    for case in range(25):
        rng = np.random.default_rng([seed, case])
        n, p = int(rng.integers(6, 50)), int(rng.integers(1, 5))
        X = rng.normal(size=(n, p))
        X = np.round(X) if case % 3 == 0 else X
        if case % 4 == 0:
            X[:, 0] = rng.random(n) < 0.2
        y = (X @ rng.normal(size=p) * rng.choice([0.0, 1.0, 5.0, 30.0]) + rng.logistic(size=n) > 0).astype(
            float
        )
        if y.min() == y.max():
            continue
        problem = make_problem(
            X, y, family="binomial", intercept=case % 5 != 0,
            offset=3.0 * rng.normal(size=n) if case % 7 == 0 else None,
            weights=rng.uniform(0.01, 10.0, size=n) if case % 6 == 0 else None,
        )  # fmt: skip
        separated = separating_columns(problem, everything(problem)) is not None
        move = NewtonSolver(problem).solve(0.0).last_move
        assert (move > RUNAWAY) == separated, (seed, case, move)
        seen.add(separated)
    assert seen == {True, False}


def counts_of(columns, y, family="poisson"):
    return make_problem(np.column_stack(columns), np.asarray(y, dtype=float), family=family)


@pytest.mark.parametrize("family", ["poisson", "tweedie"])
def test_a_level_whose_counts_are_all_zero_is_named(family):
    rng = np.random.default_rng(3)
    level = (np.arange(60) % 6 == 0).astype(float)
    problem = counts_of([rng.normal(size=60), level], np.where(level > 0, 0, 1 + rng.poisson(2, 60)), family)
    assert named(problem) == [False, True]
    assert NewtonSolver(problem).solve(0.0).last_move > RUNAWAY


def test_zeros_among_the_counts_of_every_level_are_no_separation():
    rng = np.random.default_rng(4)
    level = (np.arange(60) % 6 == 0).astype(float)
    y = rng.poisson(1.0, 60)
    assert set(y[level > 0]) != {0}
    problem = counts_of([rng.normal(size=60), level], y)
    assert separating_columns(problem, everything(problem)) is None
    assert NewtonSolver(problem).solve(0.0).last_move < RUNAWAY


def test_sizes_are_never_separated():
    problem = counts_of([np.arange(6.0)], [1e-9, 1e-9, 1e-9, 1, 2, 3], "gamma")
    assert separating_columns(problem, everything(problem)) is None


@pytest.mark.parametrize("needed", [1, 2, 3])
def test_only_columns_with_a_part_in_a_separation_are_named(needed):
    rng = np.random.default_rng(needed)
    X = rng.normal(size=(300, 12))
    places = [7, 2, 10][:needed]
    problem = problem_of([X], X[:, places].sum(axis=1) > 0)
    assert np.flatnonzero(named(problem)).tolist() == sorted(places)


def test_of_several_classes_only_the_columns_that_separate_are_named():
    rng = np.random.default_rng(6)
    X = rng.normal(size=(150, 6))
    y = np.digitize(X[:, 4], [-0.5, 0.5]).astype(float)
    problem = make_problem(X, y, family="multinomial")
    assert np.flatnonzero(named(problem)).tolist() == [4]


def bounded(family, X, y, lower, upper):
    return make_problem(X, y, family=family, bounds=(np.array(lower), np.array(upper)))


@pytest.mark.parametrize(
    ("lower", "upper", "expected"),
    [
        ((-np.inf, 0.0, -1.0), (np.inf, np.inf, 1.0), [False, True, False]),
        ((-np.inf, -np.inf, -np.inf), (np.inf, 0.0, np.inf), None),
        ((-np.inf, -9.0, -np.inf), (np.inf, 9.0, np.inf), None),
    ],
    ids=["open-upwards", "closed-upwards", "closed"],
)
@pytest.mark.parametrize("mix", [0.0, 1.0])
def test_bounds_keep_coefficients_from_running_away(lower, upper, expected, mix):
    rng = np.random.default_rng(7)
    X = rng.normal(size=(80, 3))
    problem = bounded("binomial", X, (X[:, 1] > 0) * 1.0, lower, upper)._replace(l1_ratio=mix)
    found = separating_columns(problem, everything(problem))
    assert (found.tolist() if found is not None else None) == expected
    move = L1Newton(problem).solve(0.0).last_move
    assert (move > RUNAWAY) == (expected is not None)


@pytest.mark.parametrize(
    ("lower", "upper", "apart"), [(-np.inf, 0.0, True), (-3.0, 3.0, False), (0.0, np.inf, False)]
)
@pytest.mark.parametrize("family", ["poisson", "tweedie"])
def test_bounds_keep_a_level_of_zero_counts_from_running_away(family, lower, upper, apart):
    rng = np.random.default_rng(8)
    level = (np.arange(60) % 6 == 0).astype(float)
    y = np.where(level > 0, 0.0, 1.0 + rng.poisson(2, 60))
    X = np.column_stack([rng.normal(size=60), level])
    problem = bounded(family, X, y, (-np.inf, lower), (np.inf, upper))
    found = separating_columns(problem, everything(problem))
    assert (found.tolist() if found is not None else None) == ([False, True] if apart else None)
    assert (L1Newton(problem).solve(0.0).last_move > RUNAWAY) == apart


def test_a_fit_that_has_all_rows_on_their_side_tells_them_apart():
    X, y = np.arange(6.0)[:, None], np.array([0.0, 0, 0, 1, 1, 1])
    binary = make_problem(X, y, family="binomial")
    assert tells_all_apart(binary, X[:, 0] - 2.5)
    assert not tells_all_apart(binary, X[:, 0] - 3.0)  # the fourth row lies on the border
    assert not tells_all_apart(binary._replace(offset=np.ones(6)), X[:, 0] - 2.5)
    three = make_problem(X, np.eye(3)[[0, 0, 1, 1, 2, 2]], family="multinomial")
    eta = np.eye(3)[[0, 0, 1, 1, 2, 2]]
    assert tells_all_apart(three, eta)
    eta[5] = [0.0, 1.0, 1.0]
    assert not tells_all_apart(three, eta)
    assert not tells_all_apart(make_problem(X, y, family="poisson"), X[:, 0])
