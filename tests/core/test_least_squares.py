"""Least squares on NIST's certified problems (StRD, public domain) and against dense algebra."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.core import problem as problem_module
from l2cli.core.covariance import standard_errors
from l2cli.core.path import solve_path
from l2cli.core.problem import make_problem
from l2cli.core.solvers.least_squares import least_squares

EXTENDED = np.finfo(np.longdouble).eps < np.finfo(np.float64).eps
"""On some machines long double is double: refinement gains nothing there."""
LONGLEY_X = np.array([
    [83.0, 234289, 2356, 1590, 107608, 1947], [88.5, 259426, 2325, 1456, 108632, 1948],
    [88.2, 258054, 3682, 1616, 109773, 1949], [89.5, 284599, 3351, 1650, 110929, 1950],
    [96.2, 328975, 2099, 3099, 112075, 1951], [98.1, 346999, 1932, 3594, 113270, 1952],
    [99.0, 365385, 1870, 3547, 115094, 1953], [100.0, 363112, 3578, 3350, 116219, 1954],
    [101.2, 397469, 2904, 3048, 117388, 1955], [104.6, 419180, 2822, 2857, 118734, 1956],
    [108.4, 442769, 2936, 2798, 120445, 1957], [110.8, 444546, 4681, 2637, 121950, 1958],
    [112.6, 482704, 3813, 2552, 123366, 1959], [114.2, 502601, 3931, 2514, 125368, 1960],
    [115.7, 518173, 4806, 2572, 127852, 1961], [116.9, 554894, 4007, 2827, 130081, 1962],
])  # fmt: skip
LONGLEY_Y = np.array([
    60323.0, 61122, 60171, 61187, 63221, 63639, 64989, 63761, 66019, 67857, 68169,
    66513, 68655, 69564, 69331, 70551,
])  # fmt: skip
LONGLEY_COEF = [
    15.0618722713733, -0.358191792925910e-01, -2.02022980381683,
    -1.03322686717359, -0.511041056535807e-01, 1829.15146461355,
]  # fmt: skip
LONGLEY_SE = [
    84.9149257747669, 0.334910077722432e-01, 0.488399681651699,
    0.214274163161675, 0.226073200069370, 455.478499142212,
]  # fmt: skip
LONGLEY_INTERCEPT = (-3482258.63459582, 890420.383607373)


def digits(found, certified):
    """Return the smallest number of right digits."""
    found, certified = np.atleast_1d(found), np.atleast_1d(certified)
    return float(-np.log10(max(np.max(np.abs(found / certified - 1.0)), 1e-16)))


def test_longley_has_the_certified_values():
    problem = make_problem(LONGLEY_X, LONGLEY_Y)
    path = solve_path(problem, np.zeros(1))
    assert digits(path.coef[:, 0], LONGLEY_COEF) > 12
    assert digits(path.intercept, LONGLEY_INTERCEPT[0]) > 12
    errors = standard_errors(problem, path.u[:, 0], path.intercept0[0])
    assert errors is not None
    assert digits(errors.coef, LONGLEY_SE) > 11
    assert digits(errors.intercept, LONGLEY_INTERCEPT[1]) > 11
    assert errors.df == 9


def test_wampler1_is_a_quintic_whose_coefficients_are_all_1():
    x = np.arange(21.0)
    powers = np.vander(x, 6, increasing=True)
    path = solve_path(make_problem(powers[:, 1:], powers.sum(axis=1)), np.zeros(1))
    assert digits(path.coef[:, 0], np.ones(5)) > (11 if EXTENDED else 8)
    assert digits(path.intercept, 1.0) > (11 if EXTENDED else 8)


def test_refinement_gains_digits_where_columns_are_far_from_independent():
    """Powers up to the eighth: plain QR keeps about 16 - log10(condition) digits, the refined answer more."""
    x = np.arange(30.0)
    powers = np.vander(x, 9, increasing=True)[:, 1:]
    problem = make_problem(powers, powers.sum(axis=1))
    refined, plain = least_squares(problem), least_squares(problem._replace(originals=None))
    assert refined is not None
    assert plain is not None
    found = [digits(problem.original(answer.u, 0.0)[0], np.ones(8)) for answer in (refined, plain)]
    assert found[0] > found[1] + (1.0 if EXTENDED else -1.0)


def test_no_intercept_goes_through_the_origin():
    """NIST NoInt1: the slope is 2.07438016528926 with standard error 0.0165289256198347."""
    x, y = np.arange(60.0, 71.0), np.arange(130.0, 141.0)
    problem = make_problem(x[:, None], y, intercept=False)
    exact = least_squares(problem)
    assert exact is not None
    assert exact.intercept == 0.0
    assert digits(problem.original(exact.u, 0.0)[0], 2.07438016528926) > 14
    errors = standard_errors(problem, exact.u, 0.0)
    assert errors is not None
    assert digits(errors.coef, 0.165289256198347e-01) > 13
    assert errors.df == 10


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


@pytest.mark.parametrize("shape", [(10, 3), (5, 5), (4, 8)], ids=["tied", "square", "wide"])
def test_dependent_columns_have_no_unique_answer(shape):
    X = np.random.default_rng(1).normal(size=shape)
    if shape == (10, 3):
        X[:, 2] = X[:, 0] - 2.0 * X[:, 1]
    assert least_squares(make_problem(X, np.arange(float(shape[0])))) is None


def test_without_columns_there_is_nothing_to_solve():
    assert least_squares(make_problem(np.ones((5, 2)), np.arange(5.0))) is None
