"""Approximate leave-one-out of several classes against fits without each row."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_iris, load_wine
from sklearn.linear_model import LogisticRegression

from l2cli.core.metrics import losses
from l2cli.core.path import solve_path
from l2cli.core.problem import make_problem
from l2cli.core.solvers.newton import NewtonSolver
from l2cli.select import alo
from l2cli.select import refits as refits_module
from l2cli.select.alo import ApproximateLoo, applies, is_small, lone_row
from l2cli.select.alo_classes import class_steps
from l2cli.select.refits import refitted


def make(n=60, p=8, c=3, *, seed=0, missing=0.0, effect=1.0, **settings):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * rng.uniform(0.3, 3.0, p) + rng.normal(size=p)
    eta = effect * (X - X.mean(axis=0)) / X.std(axis=0) @ rng.normal(size=(p, c)) / np.sqrt(p)
    y = (eta + rng.gumbel(size=(n, c))).argmax(axis=1)
    y[: 2 * c] = np.arange(2 * c) % c  # every class has two rows
    X[rng.random((n, p)) < missing] = np.nan
    given = {"weights": rng.uniform(0.4, 2.0, n)}
    return make_problem(X, y.astype(float), family="multinomial", **{**given, **settings})


def centred(eta):
    return eta - eta.mean(axis=1, keepdims=True)


def refits(problem, lam):
    """Return the linear predictors of rows left out by fits of the others, coordinates and lambda kept."""
    eta = np.empty(problem.y.shape)
    for i in range(problem.n_rows):
        path = solve_path(problem.take(np.delete(np.arange(problem.n_rows), i)), np.array([lam]))
        eta[i] = problem.X[i] @ path.u[..., 0] + path.intercept0[:, 0]
    return eta


def mean_loss(problem, eta):
    return float(losses("deviance", problem.likelihood, problem.y, eta[..., None], problem.weights)[0])


@pytest.mark.parametrize(
    ("n", "p", "c", "settings"),
    [
        (60, 8, 3, {}),
        (90, 8, 5, {"weights": None, "standardize": False}),
        (60, 8, 3, {"penalty_factor": np.r_[0.0, np.ones(7)], "missing": 0.1}),
        (50, 6, 4, {"intercept": False}),
        (60, 90, 4, {"effect": 3.0}),
        (60, 8, 3, {"effect": 20.0}),
    ],
)
def test_the_mean_loss_is_within_one_percent_of_refits(n, p, c, settings):
    problem = make(n, p, c, **settings)
    loo, tried = ApproximateLoo(problem), 0
    for lam in (300.0, 30.0, 3.0, 0.1):
        if solve_path(problem, np.array([lam])).effective_df[0] > n / 2:
            continue
        exact = mean_loss(problem, refits(problem, lam))
        assert mean_loss(problem, loo.etas(lam)) == pytest.approx(exact, rel=0.01)
        tried += 1
    assert tried >= 1


@pytest.mark.parametrize("load", [load_iris, load_wine])
def test_so_are_real_classes_to_another_solver(load):
    X, y = (values[::2] for values in load(return_X_y=True))
    problem = make_problem(X, y.astype(float), family="multinomial")
    loo, n = ApproximateLoo(problem), len(y)
    for lam in (10.0, 0.3):
        other = LogisticRegression(C=1.0 / lam, tol=1e-9, max_iter=5000, solver="newton-cg")
        eta = np.empty((n, 3))
        for i in range(n):
            kept = np.arange(n) != i
            eta[i] = other.fit(problem.X[kept], y[kept]).decision_function(problem.X[[i]])[0]
        exact = mean_loss(problem, eta)
        assert mean_loss(problem, loo.etas(lam)) == pytest.approx(exact, rel=0.01)
        assert loo.measured_error(lam, 0).relative == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize("settings", [{}, {"intercept": False}])
def test_two_classes_take_the_step_of_the_binomial_family_at_half_the_lambda(settings):
    several = make(c=2, **settings)
    two = several._replace(family="binomial", y=several.y[:, 1].copy())
    for lam in (0.5, 30.0):
        solver, binary = NewtonSolver(several), NewtonSolver(two)
        eta, step, effect, h, _ = class_steps(solver, solver.solve(lam).theta, lam)
        one = alo._one_step(binary, binary.solve(lam / 2.0).theta, lam / 2.0)
        np.testing.assert_allclose(eta[:, 1] - eta[:, 0], one.eta, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(h, one.leverage, rtol=1e-7)
        wrong = np.abs(two.y - 1.0 / (1.0 + np.exp(-binary.rows.predictor(binary.solve(lam / 2.0).theta))))
        share = np.maximum(wrong, np.sqrt(wrong * (1.0 - wrong)))
        np.testing.assert_allclose(step, np.abs(one.step), rtol=1e-6)
        np.testing.assert_allclose(effect, share * np.abs(one.step), rtol=1e-6)


def test_the_step_is_that_of_newtons_method_without_the_row():
    """With the whole matrices of a row left out: gradient and curvature at the solution of all rows."""
    problem, lam = make(40, 5, 4, intercept=False), 2.0
    solver = NewtonSolver(problem)
    theta = solver.solve(lam).theta
    eta, _, _, h, _ = class_steps(solver, theta, lam)
    for i in (0, 17, 39):
        rows = solver.without(i).rows
        mu, gradient, _ = rows.evaluate(theta)
        gradient = gradient[:20] + lam * solver.d * theta[:20]
        H = rows.curvature(mu)[:20, :20] + lam * np.diag(solver.d)
        moved = theta[:20] - np.linalg.solve(H, gradient)
        np.testing.assert_allclose(centred(eta)[i], problem.X[i] @ moved.reshape(5, 4), atol=1e-9)
        whole = solver.rows.curvature(solver.rows.evaluate(theta)[0])[:20, :20] + lam * np.diag(solver.d)
        assert h[i] == pytest.approx(np.linalg.eigvals(np.linalg.solve(whole, whole - H)).real.max())


@pytest.mark.parametrize("lam", [30.0, 0.3])
@pytest.mark.parametrize(("p", "settings"), [(8, {}), (90, {}), (6, {"intercept": False})])
def test_conjugate_gradients_lead_to_the_fits_without_each_row(p, settings, lam, monkeypatch):
    problem, rows = make(50, p, 4, **settings), np.arange(50)
    solver, theta = ApproximateLoo(problem).fits.at(lam)
    inverse = class_steps(solver, theta, lam)[-1]
    newton: list[int] = []

    def by_newton(*args):
        newton.append(args[3])
        return np.nan

    monkeypatch.setattr(refits_module, "_newton", by_newton)
    eta = refitted(solver, theta, lam, rows, inverse)
    assert not newton
    exact = refits(problem, lam)
    np.testing.assert_allclose(centred(eta), centred(exact), rtol=1e-4, atol=2e-5)
    monkeypatch.setattr(refits_module, "CELLS", 1)  # one row at a time
    np.testing.assert_allclose(refitted(solver, theta, lam, rows, inverse), eta, rtol=1e-9, atol=1e-9)
    monkeypatch.undo()
    monkeypatch.setattr(refits_module, "MAX_STEPS", 0)  # all by Newton's method
    eta = refitted(solver, theta, lam, rows, inverse)
    np.testing.assert_allclose(centred(eta), centred(exact), rtol=1e-4, atol=2e-5)


def test_rows_far_out_are_refitted_and_the_error_is_told():
    problem = make(150, 10, 3, seed=3, effect=4.0)
    problem.X[7] *= 12.0
    loo, lam = ApproximateLoo(problem), 0.1
    solver, theta = loo.fits.at(lam)
    eta, step, *_ = class_steps(solver, theta, lam)
    exact = refits(problem, lam)
    assert step[7] == step.max()
    assert np.abs(centred(eta) - centred(exact))[7].max() > 1e-2
    assert centred(loo.etas(lam))[7] == pytest.approx(centred(exact)[7], rel=1e-4, abs=1e-4)
    found, rows = loo.measured_error(lam, 4), np.sort(np.random.default_rng(4).choice(150, 30, replace=False))
    told, true = (
        float(problem.weights[rows] @ problem.likelihood.deviance(problem.y[rows], each[rows]))
        for each in (loo.etas(lam), exact)
    )
    assert found.relative == pytest.approx(told / true - 1.0, abs=1e-5)
    assert found.rows == 30


def test_every_metric_of_rows_has_a_curve():
    problem = make(80, 5)
    loo, lambdas = ApproximateLoo(problem), np.array([100.0, 10.0, 1.0])
    table, share = loo.metrics(10.0), problem.weights / problem.weight_sum
    assert set(table) == {"deviance", "accuracy", "error", "log_loss", "brier"}
    for metric, value in table.items():
        assert loo.curve(lambdas, metric).mean[1] == pytest.approx(value)
    right = loo.etas(10.0).argmax(axis=1) == problem.y.argmax(axis=1)
    assert table["accuracy"] == pytest.approx(share @ right)


def test_lambda_zero_is_the_unpenalized_fit():
    problem = make(150, 3, 3)
    exact = mean_loss(problem, refits(problem, 0.0))
    assert mean_loss(problem, ApproximateLoo(problem).etas(0.0)) == pytest.approx(exact, rel=0.01)


def test_a_lambda_without_a_settled_fit_ranks_last():
    problem = make(60, 3, 3)
    apart = problem._replace(y=np.eye(3)[(problem.X[:, :1] > np.array([-0.5, 0.5])).sum(axis=1)])
    curve = ApproximateLoo(apart).curve(np.array([1.0, 1e-30, 0.0]), "deviance")
    assert np.isfinite(curve.mean).tolist() == [True, False, False]


def test_where_it_applies_and_a_class_of_one_row():
    problem = make()
    assert applies(problem)
    assert not applies(make(l1_ratio=0.5))
    assert lone_row(problem) is None
    labels = np.arange(60) % 2
    labels[11] = 2
    alone = problem._replace(y=np.eye(3)[labels])
    assert lone_row(alone) == 11
    assert lone_row(alone._replace(intercept=False)) is None


def test_very_many_classes_or_coefficients_are_left_to_folds():
    problem = make()
    assert is_small(problem)
    for n, p, c, small in (
        (2000, 1000, 3, False),
        (2000, 900, 3, True),
        (900, 1000, 6, True),
        (2000, 4, 6, True),
        (2000, 4, 7, False),
        (9, 99, 7, False),
    ):
        large = problem._replace(X=np.broadcast_to(0.0, (n, p)), y=np.broadcast_to(0.0, (n, c)))
        assert is_small(large) is small
    large = large._replace(X=np.broadcast_to(0.0, (9000, 4000)), y=np.broadcast_to(0.0, 9000))
    assert is_small(large)
