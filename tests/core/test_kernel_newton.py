"""Wide L2 paths by the kernel of the rows: against Newton's method on the rows and the gradient of J."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.core.objective import null_gradient
from l2cli.core.problem import make_problem
from l2cli.core.solvers import kernel_newton
from l2cli.core.solvers.kernel_curvature import BLOCK, Triangle
from l2cli.core.solvers.kernel_newton import kernel_path
from l2cli.core.solvers.newton import NewtonSolver

GRID = np.exp(np.linspace(np.log(1e3), np.log(1e-2), 40))
CLASSES = 3


def problem_of(family, n=40, p=70, seed=0, **settings):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * rng.uniform(0.3, 3.0, size=p) + 1.0
    eta = (X[:, 0] - 1.0) / X[:, 0].std()
    y = rng.poisson(np.exp(0.5 * eta)) * 1.0
    if family == "binomial":
        y = (eta + rng.logistic(size=n) > 0).astype(float)
    if family == "gamma":
        y = np.exp(0.5 * eta) * rng.gamma(3.0, 1.0 / 3.0, n)
    if family == "tweedie":
        y *= rng.gamma(3.0, 1.0 / 3.0, n)
    if family == "multinomial":
        y = (X @ rng.normal(size=(p, CLASSES)) + rng.gumbel(size=(n, CLASSES))).argmax(axis=1).astype(float)
    settings = {"weights": rng.uniform(0.5, 2.0, n), "offset": 0.3 * rng.normal(size=n), **settings}
    if family == "multinomial":
        settings["offset"] = None
    return make_problem(X, y, family=family, **settings)


def solved(problem, lambdas):
    found = kernel_path(problem, lambdas)
    assert found is not None
    return found


def split(problem, coefficients):
    """Return u and intercepts of each lambda: (L, p, C), (L, C)."""
    theta = coefficients.reshape(len(coefficients), problem.n_columns + 1, problem.n_classes)
    return theta[:, :-1], theta[:, -1]


def eta_of(problem, coefficients):
    """Return the linear predictors (L, n, C) without the offset."""
    u, b = split(problem, coefficients)
    return problem.X @ u + b[:, None]


def residuals(problem, coefficients, lambdas):
    """Return the KKT residual of each lambda by its definition."""
    found = []
    u, b = split(problem, coefficients)
    for i, lam in enumerate(lambdas):
        eta = (problem.X @ u[i] + b[i]).reshape(problem.y.shape)
        eta = eta if problem.offset is None else eta + problem.offset
        r = problem.likelihood.residual(problem.y, problem.likelihood.mean(eta))
        r = (problem.weights * r.T).T.reshape(problem.n_rows, -1)
        gradient = problem.X.T @ r - lam * problem.penalty[:, None] * u[i]
        slope = r.sum(axis=0) if problem.intercept else np.zeros(1)
        found.append(max(np.abs(gradient).max(), np.abs(slope).max()) / null_gradient(problem))
    return np.array(found)


def free_columns(p, count):
    return np.append(np.zeros(count), np.linspace(0.5, 2.0, p - count))


@pytest.mark.parametrize("family", ["binomial", "poisson", "gamma", "tweedie", "multinomial"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"intercept": False},
        {"standardize": False},
        {"penalty_factor": free_columns(70, 0)},
        {"penalty_factor": free_columns(70, 2)},
        {"penalty_factor": free_columns(70, 2), "intercept": False},
        {"weights": None, "offset": None},
    ],
    ids=["plain", "no intercept", "raw", "factors", "free columns", "free columns alone", "no weights"],
)
def test_every_lambda_is_solved_as_by_newtons_method(family, settings):
    problem = problem_of(family, **settings)
    coefficients, residual = solved(problem, GRID)
    assert residual.max() <= 1e-7
    assert residuals(problem, coefficients, GRID) == pytest.approx(residual, abs=1e-12)
    solver, theta = NewtonSolver(problem), None
    eta = eta_of(problem, coefficients)
    for i, lam in enumerate(GRID):
        answer = solver.solve(lam, theta)
        theta = answer.theta
        expected = eta_of(problem, np.append(answer.u.ravel(), answer.intercept)[None])[0]
        assert eta[i] == pytest.approx(expected, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("family", ["binomial", "multinomial"])
@pytest.mark.parametrize(
    "shape", [(40, 20), (40, 40), (BLOCK + 10, 2 * BLOCK)], ids=["long", "square", "several blocks"]
)
def test_other_shapes_are_solved_as_well(family, shape):
    problem = problem_of(family, *shape)
    coefficients, residual = solved(problem, GRID)
    assert residual.max() <= 1e-7
    assert residuals(problem, coefficients, GRID) == pytest.approx(residual, abs=1e-12)


@pytest.mark.parametrize("family", ["binomial", "multinomial"])
def test_memory_for_two_matrices_is_enough(monkeypatch, family):
    problem = problem_of(family)
    whole, _ = solved(problem, GRID)
    monkeypatch.setattr(kernel_newton, "KEPT_BYTES", 0)
    assert eta_of(problem, solved(problem, GRID)[0]) == pytest.approx(eta_of(problem, whole), abs=1e-7)


def test_lambdas_may_come_in_any_order_and_again():
    problem = problem_of("poisson")
    whole, _ = solved(problem, GRID)
    place = np.append(np.random.default_rng(0).permutation(len(GRID)), [3, 3, 0])
    found, residual = solved(problem, GRID[place])
    assert found == pytest.approx(whole[place], abs=1e-12)
    assert len(residual) == len(place)


def test_a_single_small_lambda_is_reached_from_the_null_model():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(40, 60))
    y = rng.poisson(np.exp(1.5 * X[:, 0] + 2.0)).astype(float)
    assert y.max() > 100.0
    problem = make_problem(X, y, family="poisson")
    coefficients, residual = solved(problem, np.array([1e-6]))
    assert residual[0] <= 1e-7
    assert residuals(problem, coefficients, [1e-6])[0] <= 1e-7


def test_separated_classes_are_fitted_at_every_lambda():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(40, 60))
    X[:, 0] = np.where(np.arange(40) < 20, 5.0, -5.0)
    problem = make_problem(X, (X[:, 0] > 0).astype(float), family="binomial")
    lambdas = np.exp(np.linspace(np.log(1e2), np.log(1e-6), 60))
    coefficients, residual = solved(problem, lambdas)
    assert residual.max() <= 1e-7
    assert np.abs(eta_of(problem, coefficients)[-1]).min() > 10.0


def test_guesses_that_miss_are_replaced(monkeypatch):
    problem = problem_of("poisson")
    expected, _ = solved(problem, GRID)

    def wild(known, t):
        return np.full(len(known), 1e3)

    monkeypatch.setattr(kernel_newton, "lagrange_weights", wild)
    found, residual = solved(problem, GRID)
    assert residual.max() <= 1e-7
    assert eta_of(problem, found) == pytest.approx(eta_of(problem, expected), abs=1e-7)


def test_what_does_not_settle_is_said_to_be_open(monkeypatch):
    problem = problem_of("binomial")
    monkeypatch.setattr(kernel_newton, "MAX_NEWTON", 0)
    monkeypatch.setattr(kernel_newton, "MAX_STEPS", 0)
    coefficients, residual = solved(problem, GRID)
    assert np.all(residual == np.inf)
    assert np.isfinite(coefficients).all()


def test_rows_without_curvature_are_left_to_others():
    problem = problem_of("binomial")
    assert kernel_path(problem._replace(offset=np.where(problem.y > 0.5, 800.0, -800.0)), GRID) is None


@pytest.mark.parametrize(
    "problem",
    [
        problem_of("binomial", 40, 19),
        problem_of("binomial", l1_ratio=0.5),
        problem_of("binomial", penalty_factor=free_columns(70, 51)),
        problem_of("binomial", penalty_factor=free_columns(70, 45)),
    ],
    ids=["long", "kinks", "few penalized", "more free columns than rows"],
)
def test_other_problems_are_not_for_the_kernel(problem):
    assert kernel_path(problem, GRID) is None


def test_tied_free_columns_are_not_for_the_kernel():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(40, 70))
    X[:, 1] = 2.0 * X[:, 0]
    y = (rng.random(40) < 0.5).astype(float)
    problem = make_problem(X, y, family="binomial", penalty_factor=free_columns(70, 2))
    assert kernel_path(problem, GRID) is None


@pytest.mark.parametrize("n", [1, BLOCK, BLOCK + 1, 3 * BLOCK - 5])
def test_a_triangle_solves_its_matrix(n):
    rng = np.random.default_rng(n)
    A, V = rng.normal(size=(n, n + 5)), rng.normal(size=(n, 3))
    S = A @ A.T + np.eye(n)
    assert Triangle(S).solve(V) == pytest.approx(np.linalg.solve(S, V), rel=1e-9, abs=1e-12)
