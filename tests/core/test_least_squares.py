"""Least squares against dense algebra; NIST's certified problems are in ``tests/exact``."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.core import problem as problem_module
from l2cli.core.problem import make_problem
from l2cli.core.solvers.least_squares import least_squares


def digits(found, certified):
    """Return the smallest number of right digits."""
    found, certified = np.atleast_1d(found), np.atleast_1d(certified)
    return float(-np.log10(max(np.max(np.abs(found / certified - 1.0)), 1e-16)))


def test_refinement_gains_digits_where_columns_are_far_from_independent():
    """Powers up to the eighth: plain QR keeps about 16 - log10(condition) digits, the refined answer more."""
    x = np.arange(30.0)
    powers = np.vander(x, 9, increasing=True)[:, 1:]
    problem = make_problem(powers, powers.sum(axis=1))
    refined, plain = least_squares(problem), least_squares(problem._replace(originals=None))
    assert refined is not None
    assert plain is not None
    found = [digits(problem.original(answer.u, 0.0)[0], np.ones(8)) for answer in (refined, plain)]
    assert found[0] > 14.0
    assert found[1] < 12.0


@pytest.mark.parametrize("refined", [True, False])
@pytest.mark.parametrize("intercept", [True, False])
def test_weighted_least_squares_with_an_offset(monkeypatch, refined, intercept):
    if not refined:
        monkeypatch.setattr(problem_module, "KEEP_ORIGINALS", 0)
    rng = np.random.default_rng(0)
    X, s, o = rng.normal(size=(40, 3)) + 2.0, rng.uniform(0.1, 5.0, size=40), rng.normal(size=40)
    y = X @ [1.0, -1.0, 2.0] + rng.normal(size=40)
    X[:, 1] = 4.0 if intercept else X[:, 1]
    problem = make_problem(X, y, weights=s, offset=o, intercept=intercept)
    assert (problem.originals is not None) == refined
    exact = least_squares(problem)
    assert exact is not None
    used = [0, 2] if intercept else [0, 1, 2]
    A = np.column_stack([X[:, used], np.ones(40)]) if intercept else X
    solution, rss, _, _ = np.linalg.lstsq(A * np.sqrt(s)[:, None], (y - o) * np.sqrt(s), rcond=None)
    coef, b0 = problem.original(exact.u, exact.intercept)
    assert coef[used] == pytest.approx(solution[: len(used)], rel=1e-11)
    assert exact.usable.tolist() == [True, not intercept, True]
    assert b0 == pytest.approx(solution[-1] if intercept else 0.0, rel=1e-11)
    assert exact.residual_sum == pytest.approx(rss[0], rel=1e-11)
    assert exact.rank == len(used)
    gram = np.linalg.inv(exact.inverse_r @ exact.inverse_r.T)
    Z = problem.X[:, used] - np.average(problem.X[:, used], axis=0, weights=s) * intercept
    assert gram == pytest.approx((Z.T * s) @ Z, rel=1e-10)


def test_a_column_far_from_0_beside_its_spread_costs_the_intercept_nothing():
    """The mean of standardized 1e9 + x is rounding: added to 1e9 it vanishes, and cannot be taken out."""
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(40, 3)), rng.normal(size=40)
    X[:, 0] += 1e9
    problem = make_problem(X, y)
    assert abs(problem.X[:, 0].mean()) > 1e-9
    found = least_squares(problem)
    assert found is not None
    residual = y - found.intercept - problem.X @ found.u
    assert abs(residual.sum()) < 1e-12
    assert np.abs(problem.X.T @ residual).max() < 1e-12


@pytest.mark.parametrize("unit", [1e-120, 1.0, 1e120], ids=["small", "usual", "large"])
@pytest.mark.parametrize("what", ["x", "y", "both", "weights"])
def test_no_unit_is_too_small_or_too_large(unit, what):
    """Products of such numbers would overflow or vanish; warnings are errors."""
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(30, 2)) + 1.0, rng.normal(size=30)
    plain = least_squares(make_problem(X, y))
    x_unit, y_unit = (unit if what in ("x", "both") else 1.0), (unit if what in ("y", "both") else 1.0)
    weights = np.full(30, unit) if what == "weights" else None
    problem = make_problem(X * [x_unit, 1.0], y * y_unit, weights=weights)
    found = least_squares(problem)
    assert plain is not None
    assert found is not None
    assert found.u / y_unit == pytest.approx(plain.u, rel=1e-13)
    assert found.origin / y_unit == pytest.approx(plain.origin, rel=1e-13)


@pytest.mark.parametrize("shape", [(10, 3), (5, 5), (4, 8)], ids=["tied", "square", "wide"])
def test_dependent_columns_have_no_unique_answer(shape):
    X = np.random.default_rng(1).normal(size=shape)
    if shape == (10, 3):
        X[:, 2] = X[:, 0] - 2.0 * X[:, 1]
    assert least_squares(make_problem(X, np.arange(float(shape[0])))) is None


def test_without_columns_there_is_nothing_to_solve():
    assert least_squares(make_problem(np.ones((5, 2)), np.arange(5.0))) is None
