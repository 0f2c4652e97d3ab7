"""Box bounds: against bounded least squares, a projected quasi-Newton method, and fits without them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import lsq_linear, minimize

from l2cli.core.objective import certify
from l2cli.core.path import solve_path
from l2cli.core.problem import make_problem
from l2cli.data.folds import draw_folds
from l2cli.select.cv import fold_fits
from tests.heldout import heldout_eta

FAMILIES = ("gaussian", "binomial", "poisson", "gamma", "tweedie")
LOW = np.array([0.0, -0.1, -np.inf, 0.05, -np.inf, -0.2])
HIGH = np.array([np.inf, 0.1, 0.0, 0.3, np.inf, -0.2])


def data(family, n=80, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 6)) * [1.0, 3.0, 0.5, 1.0, 2.0, 1.0] + 1.0
    eta = 0.6 * X[:, 0] - 0.1 * X[:, 1] - 0.4 * X[:, 2] + 0.1
    y = {
        "gaussian": eta + rng.standard_normal(n),
        "binomial": (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(float),
        "gamma": rng.gamma(2.0, np.exp(eta) / 2),
    }.get(family, rng.poisson(np.exp(eta)).astype(float))
    return X, y, rng.uniform(0.5, 2.0, n)


def objective(problem, lam):
    """Return J / 2 as a function of (u, b0), written out."""

    def value(theta):
        u, b0 = theta[:-1], theta[-1]
        eta = problem.X @ u + b0
        loss = problem.weights @ problem.likelihood.deviance(problem.y, eta)
        r = problem.l1_ratio
        penalty = 2 * r * problem.l1_penalty @ np.abs(u) + (1 - r) * problem.penalty @ u**2
        return 0.5 * (loss + lam * penalty)

    return value


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("lam", [0.0, 5.0])
def test_bounded_fits_are_those_of_a_projected_method(family, lam):
    X, y, s = data(family)
    problem = make_problem(X, y, family=family, weights=s, bounds=(LOW, HIGH))
    path = solve_path(problem, np.array([lam]))
    assert path.certificate.kkt_residual[0] <= 1e-10
    coef = path.coef[:, 0]
    assert np.all((coef >= LOW - 1e-15) & (coef <= HIGH + 1e-15))
    assert np.any((coef == LOW) | (coef == HIGH))
    value = objective(problem, lam)
    assert problem.box is not None
    box = [*zip(problem.box.lower, problem.box.upper, strict=True), (None, None)]
    start = np.append(problem.box.clip(np.zeros(6)), path.intercept0[0])
    best = minimize(value, start, method="L-BFGS-B", bounds=box, options={"ftol": 1e-15, "maxiter": 5000})
    assert value(np.append(path.u[:, 0], path.intercept0[0])) <= best.fun + 1e-9 * abs(best.fun)
    assert path.u[:, 0] == pytest.approx(best.x[:-1], abs=2e-4)


def test_bounded_least_squares_is_that_of_scipy():
    X, y, _ = data("gaussian")
    low, high = np.minimum(LOW, -0.1), np.maximum(HIGH, 0.1)
    path = solve_path(make_problem(X, y, bounds=(low, high), intercept=False), np.zeros(1))
    assert path.coef[:, 0] == pytest.approx(lsq_linear(X, y, (low, high), tol=1e-14).x, abs=1e-7)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("ratio", [0.0, 0.5, 1.0])
def test_bounds_that_are_not_reached_change_nothing(family, ratio):
    X, y, s = data(family)
    lambdas = np.array([30.0, 3.0, 0.0])
    free = solve_path(make_problem(X, y, family=family, weights=s, l1_ratio=ratio), lambdas)
    wide = (np.full(6, -50.0), np.full(6, 50.0))
    held = solve_path(make_problem(X, y, family=family, weights=s, l1_ratio=ratio, bounds=wide), lambdas)
    assert held.coef == pytest.approx(free.coef, rel=1e-9, abs=1e-12)
    assert held.certificate.kkt_residual.max() <= 1e-10
    assert held.effective_df == pytest.approx(free.effective_df, rel=1e-7)  # by the last Hessian used


@pytest.mark.parametrize("ratio", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("family", ["gaussian", "poisson"])
def test_the_duality_gap_bounds_the_distance_to_the_best_value(family, ratio):
    X, y, s = data(family)
    problem = make_problem(X, y, family=family, weights=s, l1_ratio=ratio, bounds=(LOW, HIGH))
    assert problem.box is not None
    lam = np.array([4.0])
    path = solve_path(problem, lam)
    assert path.certificate.duality_gap[0] <= 1e-12
    rng = np.random.default_rng(1)
    value, null = objective(problem, 4.0), certify(problem, np.zeros((6, 1)), path.intercept0, lam)
    assert np.isfinite(null.duality_gap[0])
    u = problem.box.clip(path.u[:, 0] + 1e-4 * rng.standard_normal(6))
    near = certify(problem, u[:, None], path.intercept0, lam)
    assert near.kkt_residual[0] > 1e-6
    away = value(np.append(u, path.intercept0[0])) - value(np.append(path.u[:, 0], path.intercept0[0]))
    assert away > 0


@pytest.mark.parametrize("shape", ["long", "wide"])
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("ratio", [0.0, 1.0])
def test_fold_fits_keep_the_bounds_of_the_original_scale(family, shape, ratio):
    X, y, s = data(family, n=60)
    if shape == "wide":
        rng = np.random.default_rng(3)
        X, y, s = np.hstack([X, rng.standard_normal((60, 60))])[:40], y[:40], s[:40]
    p = X.shape[1]
    low, high = np.full(p, -0.2), np.full(p, 0.15)
    folds = draw_folds(len(y), 4, seed=0)
    problem = make_problem(X, y, family=family, weights=s, l1_ratio=ratio, bounds=(low, high))
    fits = fold_fits(problem, folds, "sum", jobs=1)
    for lam in (20.0, 2.0):
        eta = heldout_eta(fits, lam)[0]
        for f in range(4):
            rows = folds.ids[0] != f
            part = make_problem(
                X[rows], y[rows], family=family, weights=s[rows], l1_ratio=ratio, bounds=(low, high)
            )
            path = solve_path(part, np.array([lam]))
            assert path.certificate.converged().all()
            fresh = path.intercept[0] + X[~rows] @ path.coef[:, 0]
            assert eta[~rows] == pytest.approx(fresh, rel=1e-5, abs=1e-4)
    assert fits.kkt_max <= 1e-5


def test_a_column_that_does_not_vary_stays_at_0_whatever_its_bounds():
    X, y, _ = data("gaussian")
    X[:, 3] = 2.0
    path = solve_path(make_problem(X, y, bounds=(LOW, HIGH)), np.array([1.0]))
    assert path.coef[3, 0] == 0.0
    assert path.certificate.converged().all()
