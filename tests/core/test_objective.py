"""The certificate: residual, floor, deviance and duality gap against their definitions."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.core import problem as problem_module
from l2cli.core.families import family_named
from l2cli.core.objective import (
    Certificate,
    certify,
    null_deviance,
    null_eta,
    null_gradient,
)
from l2cli.core.path import solve_path
from l2cli.core.problem import make_problem


def sigmoid(eta):
    return 1.0 / (1.0 + np.exp(-eta))


def problem_of(family, seed=0, n=40, p=5, **settings):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * 3.0 + 1.0
    eta = X[:, 0] - 1.0 + rng.logistic(size=n)
    y = eta if family == "gaussian" else (eta > 0).astype(float)
    settings = {"weights": rng.uniform(0.5, 2.0, size=n), "offset": rng.normal(size=n), **settings}
    return make_problem(X, y, family=family, **settings), rng


def parts(problem, u, b0, lam):
    """Return half the gradient (p + 1,) and J, written out."""
    eta = problem.offset + b0 + problem.X @ u
    mu = eta if problem.family == "gaussian" else sigmoid(eta)
    r = problem.weights * (problem.y - mu)
    loss = (
        (problem.y - eta) ** 2
        if problem.family == "gaussian"
        else 2 * (np.logaddexp(0, eta) - problem.y * eta)
    )
    value = problem.weights @ loss
    return (
        np.append(lam * problem.penalty * u - problem.X.T @ r, -r.sum()),
        value,
        value + lam * problem.penalty @ u**2,
    )


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
@pytest.mark.parametrize("intercept", [True, False])
def test_residual_and_deviance_of_any_point(family, intercept):
    problem, rng = problem_of(family, intercept=intercept, penalty_factor=np.array([0.0, 1.0, 2.0, 1.0, 1.0]))
    U, lambdas = rng.normal(size=(5, 3)), np.array([0.0, 1.0, 50.0])
    b0 = rng.normal(size=3) if intercept else np.zeros(3)
    found = certify(problem, U, b0, lambdas)
    null_b = (
        family_named(family).null_intercept(problem.y, problem.weights, problem.offset) if intercept else 0.0
    )
    unit = np.abs(parts(problem, np.zeros(5), null_b, 0.0)[0][:-1]).max()
    assert null_gradient(problem) == pytest.approx(unit, rel=1e-12)
    for i, lam in enumerate(lambdas):
        gradient, deviance, _ = parts(problem, U[:, i], b0[i], lam)
        worst = np.abs(gradient if intercept else gradient[:-1]).max()
        assert found.kkt_residual[i] == pytest.approx(worst / unit, rel=1e-11)
        assert found.train_deviance[i] == pytest.approx(deviance, rel=1e-13)
    assert not found.converged().any()
    assert found.converged(tol=1e9).all()


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_an_intercept_that_is_off_is_seen(family):
    problem, _ = problem_of(family)
    path = solve_path(problem, np.array([5.0]))
    moved = path.intercept0 + 0.01
    found = certify(problem, path.u, moved, np.array([5.0]))
    gradient, _, _ = parts(problem, path.u[:, 0], moved[0], 5.0)
    assert abs(gradient[-1]) == np.abs(gradient).max()
    assert found.kkt_residual[0] * null_gradient(problem) == pytest.approx(abs(gradient[-1]), rel=1e-9)
    assert not found.converged()[0]


def test_the_gap_counts_unpenalized_coordinates_to_first_order():
    """Their dual constraint is g = 0: off it, the gap is no bound but is not passed over.

    Of the intercept it is exact: J falls by g^2 / W where a gaussian one is moved to its best.
    """
    problem, rng = problem_of("gaussian", penalty_factor=np.array([0.0, 1.0, 2.0, 1.0, 1.0]))
    u, b0, lam = rng.normal(size=5), 0.7, 3.0
    gradient, _, _ = parts(problem, u, b0, lam)
    expected = (gradient[1:5] ** 2 / (lam * problem.penalty[1:])).sum()
    expected += 2.0 * abs(u[0] * gradient[0]) + gradient[-1] ** 2 / problem.weights.sum()
    best = b0 - gradient[-1] / problem.weights.sum()
    fall = parts(problem, u, b0, lam)[2] - parts(problem, u, best, lam)[2]
    assert fall == pytest.approx(gradient[-1] ** 2 / problem.weights.sum(), rel=1e-9)
    found = certify(problem, u[:, None], np.array([b0]), np.array([lam])).duality_gap[0]
    assert found * null_deviance(problem) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_duality_gap_is_primal_less_dual(family):
    """With the intercept fitted, theta = 2 s (y - mu) is dual feasible where every column is penalized.

    D = sum_i min_eta [s_i d(y_i, eta) + theta_i (eta - o_i)] - sum_j (z_j'theta)^2 / (4 lambda d_j).
    """
    problem, rng = problem_of(family, penalty_factor=np.array([0.5, 1.0, 2.0, 1.0, 1.0]))
    u, lam = 0.3 * rng.normal(size=5), 3.0
    eta_u = problem.offset + problem.X @ u
    b0 = family_named(family).null_intercept(problem.y, problem.weights, eta_u)
    _, _, primal = parts(problem, u, b0, lam)
    mu = eta_u + b0 if family == "gaussian" else sigmoid(eta_u + b0)
    s, y, theta = problem.weights, problem.y, 2.0 * problem.weights * (problem.y - mu)
    assert theta.sum() == pytest.approx(0.0, abs=1e-11)
    if family == "gaussian":
        first = theta * y - theta**2 / (4.0 * s)
    else:
        first = -2.0 * s * (mu * np.log(mu) + (1 - mu) * np.log(1 - mu))
    dual = (first - theta * problem.offset).sum()
    dual -= ((problem.X.T @ theta) ** 2 / (4.0 * lam * problem.penalty)).sum()
    gap = certify(problem, u[:, None], np.array([b0]), np.array([lam])).duality_gap[0]
    null = parts(problem, np.zeros(5), family_named(family).null_intercept(y, s, problem.offset), 0.0)[1]
    assert null_deviance(problem) == pytest.approx(null, rel=1e-13)
    assert gap == pytest.approx((primal - dual) / null, rel=1e-9)
    assert gap > 1e-3


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_duality_gap_vanishes_at_the_optimum_and_is_undefined_without_penalty(family):
    problem, _ = problem_of(family, penalty_factor=np.array([0.0, 1.0, 2.0, 1.0, 1.0]))
    certificate = solve_path(problem, np.array([100.0, 1.0, 0.0])).certificate
    assert np.all(np.abs(certificate.duality_gap[:2]) < 1e-13)
    assert np.isnan(certificate.duality_gap[2])


def test_the_rounding_floor_covers_the_gradient_of_an_exact_answer():
    """With large means of y and the offset the gradient cannot be 0, and the floor says by how much."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(50, 3))
    offset = 1e9 + rng.normal(size=50)
    problem = make_problem(X, X @ np.ones(3) + offset + rng.normal(size=50), offset=offset)
    found = solve_path(problem, np.array([1.0])).certificate
    assert 1e-12 < found.kkt_residual[0] <= found.rounding_floor[0] < 1e-4
    assert found.converged().all()


@pytest.mark.parametrize("value", [0.0, 0.1, 1e9])
def test_a_constant_target_is_optimal_at_once(value):
    X = np.random.default_rng(0).normal(size=(20, 3))
    problem = make_problem(X, np.full(20, value))
    assert null_gradient(problem) == 0.0
    path = solve_path(problem, np.array([1.0, 0.0]))
    assert path.certificate.kkt_residual == pytest.approx([0.0, 0.0])
    assert path.coef == pytest.approx(np.zeros((3, 2)), abs=1e-12 * max(1.0, value))
    assert path.intercept == pytest.approx([value, value], rel=1e-14)


def test_converged_takes_the_larger_of_tolerance_and_floor():
    three = np.zeros(3)
    certificate = Certificate(np.array([9e-9, 2e-8, 2e-8]), np.array([0.0, 0.0, 3e-9]), three, three)
    assert certificate.converged().tolist() == [True, False, True]
    assert certificate.converged(1e-7).tolist() == [True, True, True]
    assert certificate.converged(1e-10).tolist() == [False, False, True]


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_null_intercept_without_offset_has_a_closed_form(family):
    y, s = np.array([0.0, 1.0, 1.0, 0.0, 1.0]), np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    expected = 10.0 / 15.0
    expected = expected if family == "gaussian" else np.log(expected / (1 - expected))
    assert family_named(family).null_intercept(y, s, None) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("spread", [0.1, 10.0, 1e3, 1e5, 1e8])
def test_null_intercept_finds_its_root_under_any_offset(spread):
    rng = np.random.default_rng(2)
    offset = spread * rng.normal(size=200)
    y = (offset + rng.logistic(size=200) > 0).astype(float)
    y[:20] = 1.0 - y[:20]
    s = rng.uniform(0.5, 2.0, size=200)
    b = float(family_named("binomial").null_intercept(y, s, offset))

    def excess(b):
        with np.errstate(over="ignore"):
            return s @ (y - sigmoid(offset + b))

    step = 1e-13 * max(1.0, abs(b))
    assert excess(b - step) >= -1e-12
    assert excess(b + step) <= 1e-12


def test_null_eta_without_intercept_is_the_offset():
    problem, _ = problem_of("binomial", intercept=False)
    assert null_eta(problem) is problem.offset
    bare = make_problem(np.ones((3, 1)), np.array([0.0, 1.0, 1.0]), family="binomial", intercept=False)
    assert null_eta(bare).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_certificates_do_not_depend_on_the_blocks(monkeypatch, family):
    problem, rng = problem_of(family, n=500)
    u, b0, lambdas = rng.normal(size=(5, 2)), rng.normal(size=2), np.array([1.0, 0.1])
    whole = certify(problem, u, b0, lambdas)
    monkeypatch.setattr(problem_module, "BLOCK_BYTES", 1)
    blocked = certify(problem, u, b0, lambdas)
    for name in ("kkt_residual", "rounding_floor", "duality_gap", "train_deviance"):
        assert getattr(blocked, name) == pytest.approx(getattr(whole, name), rel=1e-12), name
