"""The three factorizations of a ridge problem against each other and against dense linear algebra."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.core.moments import column_moments, gram_system, moments_of, training_stats
from l2cli.core.problem import make_problem
from l2cli.core.solvers.ridge import (
    GRAM_CONDITION,
    factor_from_gram,
    factor_from_kernel,
    factor_from_rows,
    penalized_inverse,
    scaled_rows,
)

LAMBDAS = np.array([100.0, 1.0, 1e-3])


def problem_of(n, p, seed=0, **settings):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * rng.uniform(0.5, 2.0, size=p) + 1.0
    y = X[:, 0] - X[:, -1] + rng.normal(size=n)
    settings = {"weights": rng.uniform(0.5, 2.0, size=n), "offset": rng.normal(size=n), **settings}
    return make_problem(X, y, **settings)


def factors(problem):
    """Return every factor that fits the shape."""
    found = [factor_from_rows(problem)]
    if problem.n_columns <= problem.n_rows:
        found.append(factor_from_gram(gram_system(problem, moments_of(problem))))
    else:
        found.append(factor_from_kernel(problem))
    return found


def dense(problem, lam, d=None):
    """Return (u, hat matrix) by solving with the pseudo-inverse."""
    s, y = problem.weights, problem.response
    Z = problem.X - np.average(problem.X, axis=0, weights=s) * problem.intercept
    b = y - np.average(y, weights=s) * problem.intercept
    inverse = np.linalg.pinv((Z.T * s) @ Z + lam * np.diag(problem.penalty if d is None else d))
    return inverse @ (Z.T @ (s * b)), Z @ inverse @ Z.T * s


SETTINGS = [{}, {"intercept": False}, {"standardize": False}, {"penalty_factor": "mixed"}]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda s: "+".join(s) or "default")
@pytest.mark.parametrize("shape", [(30, 5), (12, 12), (10, 25)], ids=["long", "square", "wide"])
def test_every_factor_solves_as_dense_algebra_does(shape, settings):
    if "penalty_factor" in settings:
        settings = {"penalty_factor": np.resize([0.0, 1.0, 3.0, 0.5], shape[1])}
        if shape[1] > shape[0]:
            settings["penalty_factor"][4:] = 2.0
    problem = problem_of(*shape, **settings)
    for factor in factors(problem):
        u, df = factor.solve(LAMBDAS), factor.effective_df(LAMBDAS)
        for i, lam in enumerate(LAMBDAS):
            expected, hat = dense(problem, lam)
            assert u[:, i] == pytest.approx(expected, rel=1e-7, abs=1e-8)
            assert df[i] == pytest.approx(np.trace(hat), rel=1e-8)


@pytest.mark.parametrize("shape", [(30, 5), (10, 25)], ids=["long", "wide"])
def test_correct_solves_the_penalized_system(shape):
    problem = problem_of(*shape, penalty_factor=np.resize([0.0, 1.0, 2.0, 2.0, 1.0], shape[1]))
    s = problem.weights
    Z = problem.X - np.average(problem.X, axis=0, weights=s)
    factor = factor_from_rows(problem)
    wanted = factor.solve(LAMBDAS)
    for i, lam in enumerate(LAMBDAS):
        M = (Z.T * s) @ Z + lam * np.diag(problem.penalty)
        step = factor.correct(M @ wanted[:, [i]], LAMBDAS[[i]])
        assert step[:, 0] == pytest.approx(wanted[:, i], rel=1e-7, abs=1e-9)


def test_rank_and_tied_columns_of_a_deficient_design():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(40, 3))
    X = np.column_stack([X, X[:, 0] * 2.0 + 1.0, np.full(40, 4.0)])
    problem = make_problem(X, X[:, 0] + rng.normal(size=40))
    for factor in factors(problem):
        assert factor.rank == 3
        assert factor.null == pytest.approx([0.5, 0.0, 0.0, 0.5, 0.0], abs=1e-12)
        u = factor.solve(np.zeros(1))[:, 0]
        assert u[0] == pytest.approx(u[3], rel=1e-12)
        assert u[4] == 0.0
    assert factor_from_rows(problem).serves(0.0)
    assert not factor_from_gram(gram_system(problem, moments_of(problem))).serves(0.0)


@pytest.mark.parametrize(
    "make", [factor_from_rows, lambda p: factor_from_gram(gram_system(p, moments_of(p)))]
)
def test_tied_unpenalized_columns_are_told_and_share_their_weight(make):
    rng = np.random.default_rng(2)
    X = rng.normal(size=(40, 3))
    X = np.column_stack([X, X[:, 0]])
    problem = make_problem(X, X[:, 0] + rng.normal(size=40), penalty_factor=np.array([0.0, 1.0, 1.0, 0.0]))
    factor = make(problem)
    assert factor.free.rank == 1
    assert factor.rank == 3
    assert factor.null == pytest.approx([0.5, 0.0, 0.0, 0.5], abs=1e-12)
    u = factor.solve(np.array([1.0]))[:, 0]
    assert u[0] == pytest.approx(u[3], rel=1e-12)


@pytest.mark.parametrize(
    "make", [factor_from_rows, lambda p: factor_from_gram(gram_system(p, moments_of(p)))]
)
def test_a_penalized_column_explained_by_unpenalized_ones_gets_nothing(make):
    rng = np.random.default_rng(3)
    x = rng.normal(size=50)
    problem = make_problem(
        np.column_stack([x, 3.0 * x + 1.0]), x + rng.normal(size=50), penalty_factor=np.array([0.0, 1.0])
    )
    factor = make(problem)
    assert factor.rank == 1
    assert len(factor.e) == 0
    assert factor.null == pytest.approx([0.0, 1.0], abs=1e-12)
    u = factor.solve(np.array([0.0, 1e-9, 10.0]))
    slope = problem.X[:, 0] @ (problem.y - problem.y.mean()) / 50
    assert u == pytest.approx(np.array([[slope] * 3, [0.0] * 3]), abs=1e-12)


def test_the_gram_serves_until_the_condition_limit():
    problem = problem_of(30, 3)
    factor = factor_from_gram(gram_system(problem, moments_of(problem)))
    largest, smallest = factor.e[-1], factor.e[0]
    assert factor.serves(0.0)
    thin = factor._replace(e=np.array([largest / GRAM_CONDITION / 2, smallest, largest]), exact=False)
    assert not thin.serves(0.0)
    assert thin.serves(largest / GRAM_CONDITION)
    assert thin._replace(exact=True).serves(0.0)


def test_no_usable_column_leaves_an_empty_factor():
    for X in (np.zeros((5, 0)), np.ones((5, 2))):
        problem = make_problem(X, np.arange(5.0))
        for factor in factors(problem):
            assert (factor.rank, len(factor.e)) == (0, 0)
            assert not factor.solve(np.array([1.0, 0.0])).any()
            assert factor.effective_df(np.array([1.0])) == [0.0]
            assert factor.serves(0.0)


@pytest.mark.parametrize("missing", [True, False])
@pytest.mark.parametrize("shape", [(30, 4), (12, 20)], ids=["long", "wide"])
def test_factors_of_training_rows_use_their_own_preprocessing(shape, missing):
    rng = np.random.default_rng(4)
    X = rng.normal(size=shape) + 5.0
    if missing:
        X[rng.random(shape) < 0.2] = np.nan
    y, s = rng.normal(size=shape[0]), rng.uniform(0.5, 2.0, size=shape[0])
    rows = np.flatnonzero(np.arange(shape[0]) % 3 != 0)
    problem, own = make_problem(X, y, weights=s), make_problem(X[rows], y[rows], weights=s[rows])
    stats = training_stats(problem, column_moments(problem, rows))
    expected = own.original(factor_from_rows(own).solve(LAMBDAS), 0.0)[0]
    found = [factor_from_rows(problem, stats, rows)]
    if shape[1] <= len(rows):
        found.append(factor_from_gram(gram_system(problem, moments_of(problem, rows))))
    else:
        found.append(factor_from_kernel(problem, stats, rows))
    for factor in found:
        assert problem.original(factor.solve(LAMBDAS), 0.0)[0] == pytest.approx(expected, rel=1e-7, abs=1e-9)


def test_scaled_rows_are_centred_and_weighted_and_leave_the_problem_alone():
    problem = problem_of(20, 3)
    before = problem.X.copy()
    A, b, d, usable = scaled_rows(problem)
    root = np.sqrt(problem.weights)
    assert pytest.approx((before - np.average(before, axis=0, weights=root**2)) * root[:, None]) == A
    assert b == pytest.approx((problem.response - np.average(problem.response, weights=root**2)) * root)
    assert d == pytest.approx(problem.penalty)
    assert usable.all()
    assert np.array_equal(problem.X, before)


def test_penalized_inverse_holds_for_diagonals_of_any_size():
    rng = np.random.default_rng(5)
    size = 10.0 ** np.array([-8.0, -3.0, 0.0, 4.0, 8.0])
    A = rng.normal(size=(30, 5))
    G, penalty = A.T @ A * np.outer(size, size), np.full(5, 1.0)
    inverse = penalized_inverse(G, penalty)
    right = G @ (1.0 / size)
    expected = np.linalg.solve(A.T @ A + np.diag(1.0 / size**2), right / size) / size
    assert inverse @ right == pytest.approx(expected, rel=1e-9)
    assert penalized_inverse(np.zeros((2, 2)), np.array([0.0, 2.0])) == pytest.approx(np.diag([0.0, 0.5]))
