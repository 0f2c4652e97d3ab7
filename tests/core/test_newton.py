"""Newton's method for one binomial problem: long, wide, tied, separated, and started from elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.core import problem as problem_module
from l2cli.core.objective import certify
from l2cli.core.problem import make_problem
from l2cli.core.solvers import newton as newton_module
from l2cli.core.solvers.newton import RUNAWAY, NewtonSolver, eliminate_intercept


def problem_of(n, p, seed=0, **settings):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * rng.uniform(0.5, 2.0, size=p) + 1.0
    y = (X[:, 0] - 1.0 + 2.0 * rng.logistic(size=n) > 0).astype(float)
    settings = {"weights": rng.uniform(0.5, 2.0, size=n), "offset": rng.normal(size=n), **settings}
    return make_problem(X, y, family="binomial", **settings)


def residual(problem, answer, lam):
    return certify(problem, answer.u[:, None], np.array([answer.intercept]), np.array([lam])).kkt_residual[0]


@pytest.mark.parametrize(
    "settings", [{}, {"intercept": False}, {"standardize": False}], ids=lambda s: str(list(s))
)
@pytest.mark.parametrize("shape", [(60, 4), (20, 20), (15, 40)], ids=["long", "square", "wide"])
def test_the_gradient_vanishes_and_the_reported_residual_is_true(shape, settings):
    problem = problem_of(*shape, **settings)
    solver = NewtonSolver(problem)
    assert (solver.rotation is not None) == (shape == (15, 40))
    for lam in (1e4, 1.0, 1e-3):
        answer = solver.solve(lam)
        assert residual(problem, answer, lam) < 1e-13
        assert answer.residual == pytest.approx(residual(problem, answer, lam), abs=1e-13)
        assert answer.last_move < RUNAWAY
        if not problem.intercept:
            assert answer.intercept == 0.0


@pytest.mark.parametrize("free", [0, 3])
def test_the_rotation_changes_nothing(monkeypatch, free):
    f = np.append(np.zeros(free), np.linspace(0.5, 2.0, 40 - free))
    problem = problem_of(20, 40, penalty_factor=f)
    rotated = NewtonSolver(problem)
    assert rotated.rotation is not None
    monkeypatch.setattr(newton_module, "UNEVEN", -1.0)
    plain = NewtonSolver(problem)
    assert plain.rotation is None
    for lam in (30.0, 1.0):
        a, b = rotated.solve(lam), plain.solve(lam)
        assert a.u == pytest.approx(b.u, abs=1e-10)
        assert a.intercept == pytest.approx(b.intercept, abs=1e-10)
        assert a.effective_df == pytest.approx(b.effective_df, rel=1e-9)


@pytest.mark.parametrize(("seed", "spread", "lam"), [(19, 4.0, 1.0), (77, 2.0, 0.1), (245, 2.0, 1.0)])
def test_a_shorter_gradient_at_a_worse_point_is_no_step(seed, spread, lam):
    offset = spread * np.random.default_rng(seed).normal(size=30)
    problem = problem_of(30, 60, seed, offset=offset)
    answer = NewtonSolver(problem).solve(lam)  # full steps go to and fro between two points for ever
    assert residual(problem, answer, lam) < 1e-12


def test_a_warm_start_ends_at_the_same_place():
    problem = problem_of(60, 4)
    solver = NewtonSolver(problem)
    cold = solver.solve(0.5)
    for start in (solver.solve(500.0).theta, solver.solve(1e-4).theta, cold.theta):
        assert solver.solve(0.5, start).u == pytest.approx(cold.u, abs=1e-12)


def test_a_start_far_away_is_damped_back():
    problem = problem_of(60, 4)
    far = np.full(5, 30.0)
    assert NewtonSolver(problem).solve(1.0, far).u == pytest.approx(
        NewtonSolver(problem).solve(1.0).u, abs=1e-11
    )


def tied_problem(**settings):
    """The fourth column is the first times 1000 plus 5: the data tell only their joint effect."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(200, 3))
    X = np.column_stack([X, 1000.0 * X[:, 0] + 5.0])
    y = (X[:, 0] + rng.logistic(size=200) > 0).astype(float)
    return make_problem(X, y, family="binomial", **settings)


@pytest.mark.parametrize("lam", [0.0, 1e-300, 1e-18, 1e-9])
@pytest.mark.parametrize(
    ("settings", "share"),
    [
        ({}, [0.5, 0.5e-3]),
        ({"standardize": False}, [1e-6, 1e-3]),
        ({"penalty_factor": np.array([1.0, 1.0, 1.0, 9.0])}, [0.9, 0.1e-3]),
        ({"penalty_factor": np.array([0.0, 1.0, 1.0, 1.0])}, [1.0, 0.0]),
    ],
    ids=["standardized", "raw", "factors", "one unpenalized"],
)
def test_tied_columns_share_their_effect_as_the_smallest_penalty_asks(settings, share, lam):
    """Without a penalty, or next to none, the answer is the limit of small lambdas."""
    problem = tied_problem(**settings)
    answer = NewtonSolver(problem).solve(lam)
    coef, _ = problem.original(answer.u, 0.0)
    joint = coef[0] + 1000.0 * coef[3]
    assert coef[[0, 3]] / joint == pytest.approx(np.array(share), rel=1e-4, abs=1e-6)
    assert answer.effective_df == pytest.approx(3.0, abs=1e-4)  # eps times the condition of the raw columns
    assert residual(problem, answer, lam) < 1e-12


def test_tied_unpenalized_columns_share_alike():
    problem = tied_problem(penalty_factor=np.array([0.0, 1.0, 1.0, 0.0]))
    answer = NewtonSolver(problem).solve(1.0)
    assert answer.u[0] == pytest.approx(answer.u[3], rel=1e-6)
    assert residual(problem, answer, 1.0) < 1e-12
    assert 1.0 < answer.effective_df < 3.0


def test_constant_columns_stay_exactly_zero():
    rng = np.random.default_rng(2)
    X = np.column_stack([rng.normal(size=40), np.full(40, 3.0), rng.normal(size=40)])
    y = (rng.random(40) < 0.5).astype(float)
    for f in ([0.0, 1.0, 1.0], [1.0, 0.0, 1.0]):
        problem = make_problem(X, y, family="binomial", penalty_factor=np.array(f))
        assert NewtonSolver(problem).solve(1.0).u[1] == 0.0


@pytest.mark.parametrize("p", [0, 2])
def test_without_a_usable_column_the_intercept_is_the_log_odds(p):
    y = np.array([0.0, 0.0, 0.0, 1.0])
    problem = make_problem(np.ones((4, p)), y, family="binomial")
    for lam in (1.0, 0.0):
        answer = NewtonSolver(problem).solve(lam)
        assert answer.intercept == pytest.approx(-np.log(3.0), rel=1e-14)
        assert (answer.effective_df, answer.residual) == (0.0, 0.0)
        assert not answer.u.any()


def test_separated_classes_keep_moving_and_overlapping_ones_do_not():
    x = np.arange(20.0)
    separated, overlapping = x > 9.5, np.where(np.isin(x, [8, 12]), x < 10, x > 9.5)
    for y, lam, apart in ((separated, 0.0, True), (overlapping, 0.0, False), (separated, 1e-6, False)):
        answer = NewtonSolver(make_problem(x[:, None], y.astype(float), family="binomial")).solve(lam)
        assert (answer.last_move > RUNAWAY) == apart


@pytest.mark.parametrize("span", [4.0, 8.0])
@pytest.mark.parametrize("shape", [(60, 6), (20, 40)], ids=["long", "wide"])
def test_raw_columns_of_very_unlike_size_are_solved(shape, span):
    rng = np.random.default_rng(3)
    Z = rng.normal(size=shape)
    y = (Z[:, 0] + Z[:, -1] + rng.logistic(size=shape[0]) > 0).astype(float)
    problem = make_problem(
        Z * 10.0 ** np.linspace(-span, span, shape[1]), y, family="binomial", standardize=False
    )
    for lam in (1e6, 1.0, 1e-3):
        assert residual(problem, NewtonSolver(problem).solve(lam), lam) < 1e-9


def test_the_schur_complement_is_the_curvature_about_the_weighted_mean():
    rng = np.random.default_rng(4)
    X, W = rng.normal(size=(30, 3)) + 2.0, rng.uniform(0.1, 1.0, size=30)
    H = (np.column_stack([X, np.ones(30)]).T * W) @ np.column_stack([X, np.ones(30)])
    away = X - np.average(X, axis=0, weights=W)
    assert eliminate_intercept(H, 3) == pytest.approx((away.T * W) @ away)
    H[-1], H[:, -1] = 0.0, 0.0
    assert eliminate_intercept(H, 3) == pytest.approx(H[:-1, :-1])


def test_answers_do_not_depend_on_the_blocks(monkeypatch):
    problem = problem_of(700, 5)
    whole = NewtonSolver(problem).solve(1.0)
    monkeypatch.setattr(problem_module, "BLOCK_BYTES", 1)
    blocked = NewtonSolver(problem).solve(1.0)
    assert blocked.u == pytest.approx(whole.u, rel=1e-12)
    assert blocked.effective_df == pytest.approx(whole.effective_df, rel=1e-12)
