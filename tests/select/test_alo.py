"""Approximate leave-one-out against fits without each row."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.core.metrics import losses
from l2cli.core.path import design_factor, solve_path
from l2cli.core.problem import make_problem
from l2cli.core.solvers.newton import NewtonSolver
from l2cli.errors import FitError
from l2cli.select import alo
from l2cli.select import refits as refits_module
from l2cli.select.alo import ApproximateLoo, applies, lone_row
from l2cli.select.curve import Curve, thinned
from l2cli.select.loo import leave_one_out_eta
from l2cli.select.refits import deciding_rows, refitted

FAMILIES = [family for family in alo.FAMILIES if family != "multinomial"]  # which has its own tests


def make(family, n=60, p=12, *, seed=0, missing=0.0, **settings):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * rng.uniform(0.3, 3.0, p) + rng.normal(size=p)
    eta = 0.7 * (X[:, 0] - X[:, 0].mean()) / X[:, 0].std()
    y = eta + rng.normal(size=n)
    if family == "binomial":
        y = (rng.random(n) < 1.0 / (1.0 + np.exp(-eta))) * 1.0
    elif family != "gaussian":
        y = rng.poisson(np.exp(eta)) * (1.0 if family == "poisson" else rng.gamma(3.0, 1 / 3, n))
        y = y + (rng.gamma(2.0, 0.5, n) if family == "gamma" else 0.0)
    X[rng.random((n, p)) < missing] = np.nan
    given = {"weights": rng.uniform(0.4, 2.0, n), "offset": rng.normal(size=n) * 0.2}
    return make_problem(X, y, family=family, **{**given, **settings})


def refits(problem, lam):
    """Return the linear predictors of rows left out by fits of the others, coordinates and lambda kept."""
    eta = np.zeros(problem.n_rows) if problem.offset is None else problem.offset.copy()
    for i in range(problem.n_rows):
        path = solve_path(problem.take(np.delete(np.arange(problem.n_rows), i)), np.array([lam]))
        eta[i] += problem.X[i] @ path.u[:, 0] + path.intercept0[0]
    return eta


def mean_loss(problem, eta):
    return float(losses("deviance", problem.likelihood, problem.y, eta[:, None], problem.weights)[0])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("n", "p", "settings"),
    [
        (60, 12, {}),
        (60, 12, {"weights": None, "offset": None, "standardize": False}),
        (60, 12, {"penalty_factor": np.r_[0.0, np.ones(11)], "missing": 0.1}),
        (50, 8, {"intercept": False}),
        (40, 90, {}),
    ],
)
def test_the_mean_loss_is_within_one_percent_of_refits(family, n, p, settings):
    problem = make(family, n, p, **settings)
    loo, tried = ApproximateLoo(problem), 0
    for lam in (1000.0, 100.0, 20.0, 3.0):
        if solve_path(problem, np.array([lam])).effective_df[0] > problem.n_rows / 2:
            continue
        exact = mean_loss(problem, refits(problem, lam))
        assert mean_loss(problem, loo.etas(lam)) == pytest.approx(exact, rel=0.01)
        tried += 1
    assert tried >= 1


@pytest.mark.parametrize("seed", [103, 143, 163, 183])
def test_rows_far_out_and_sure_classes_are_within_one_percent_too(seed):
    rng, n, p = np.random.default_rng(10_000 + seed), 80, 30
    X = rng.standard_t(2.0, (n, p))
    eta = np.clip(X @ rng.standard_normal(p) / np.sqrt(p) * 6.0, -6.0, 6.0)
    problem = make_problem(X, (rng.random(n) < 1.0 / (1.0 + np.exp(-eta))) * 1.0, family="binomial")
    loo, tried = ApproximateLoo(problem), 0
    for lam in (1.0, 0.3, 0.1, 0.03, 0.01):
        if solve_path(problem, np.array([lam])).effective_df[0] + 1.0 > n / 2:
            continue
        exact = mean_loss(problem, refits(problem, lam))
        assert mean_loss(problem, loo.etas(lam)) == pytest.approx(exact, rel=0.01)
        tried += 1
    assert tried >= 2


def test_one_step_is_exact_for_the_squared_error():
    problem = make("gaussian")
    for lam in (0.5, 30.0):
        solver = NewtonSolver(problem)
        eta, _, _, h, _ = alo._one_step(solver, solver.solve(lam).theta, lam)
        assert np.all((h > 0.0) & (h < 1.0))
        left_out = leave_one_out_eta(problem, design_factor(problem, 0.0), lam)
        np.testing.assert_allclose(eta, left_out, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(eta, refits(problem, lam), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("p", [6, 90])
def test_rows_of_high_leverage_are_refitted(p, monkeypatch):
    monkeypatch.setattr(alo, "MOST_REFITS", 1)
    problem = make("poisson", 50, p, seed=3)
    problem.X[7] *= 12.0
    loo, lam = ApproximateLoo(problem), 0.5 if p == 6 else 30.0
    solver, theta = loo.fits.at(lam)
    step, moved, _, h, _ = alo._one_step(solver, theta, lam)
    assert h[7] > 0.8
    exact = refits(problem, lam)[7]
    assert abs(step[7] - exact) > 1e-3
    assert loo.etas(lam)[7] == pytest.approx(exact, rel=1e-4, abs=1e-4)
    far = np.argsort(-np.abs(moved))[: alo.MOST_REFITS]
    few = np.setdiff1d(np.arange(50), far)
    assert np.any(np.abs(moved[few]) > alo.FAR)
    np.testing.assert_array_equal(loo.etas(lam)[few], step[few])  # no more than so many


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("p", "settings"), [(12, {}), (90, {}), (8, {"intercept": False})])
def test_conjugate_gradients_lead_to_the_fits_without_each_row(family, p, settings, monkeypatch):
    problem, rows = make(family, 50, p, **settings), np.arange(50)
    loo, lam = ApproximateLoo(problem), 30.0
    solver, theta = loo.fits.at(lam)
    inverse = alo._one_step(solver, theta, lam).inverse
    newton: list[int] = []

    def by_newton(*args):
        newton.append(args[3])
        return np.nan

    monkeypatch.setattr(refits_module, "_newton", by_newton)
    eta = refitted(solver, theta, lam, rows, inverse)
    assert not newton  # all are done together
    ended = np.setdiff1d(rows, newton)
    np.testing.assert_allclose(eta[ended], refits(problem, lam)[ended], rtol=1e-6, atol=1e-6)
    monkeypatch.undo()
    np.testing.assert_allclose(
        refitted(solver, theta, lam, rows, inverse), refits(problem, lam), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_fits_without_a_row_are_settled_where_lambda_is_tiny(family):
    problem, lam = make(family, 30, 60), 1e-6  # a gradient short beside the null model's says nothing here
    loo = ApproximateLoo(problem)
    solver, theta = loo.fits.at(lam)
    inverse = alo._one_step(solver, theta, lam).inverse
    eta = refitted(solver, theta, lam, np.arange(30), inverse)
    np.testing.assert_allclose(eta, refits(problem, lam), atol=2e-3)


def test_the_error_is_that_of_the_weighted_mean():
    problem = make("poisson", 25, 15, weights=10.0 ** np.linspace(-2, 2, 25))
    found = ApproximateLoo(problem).measured_error(1.0, seed=0)
    approximate, exact = (
        mean_loss(problem, eta) for eta in (ApproximateLoo(problem).etas(1.0), refits(problem, 1.0))
    )
    assert found.rows == 25  # all of them
    assert found.relative == pytest.approx(approximate / exact - 1.0, abs=1e-5)


def test_the_error_is_measured_on_refits_of_a_sample():
    problem = make("gamma", 50, 20)
    loo = ApproximateLoo(problem)
    found = loo.measured_error(1.0, seed=4)
    rows = np.sort(np.random.default_rng(4).choice(50, 30, replace=False))
    d = problem.likelihood.deviance
    approximate, exact = (
        problem.weights[rows] @ d(problem.y[rows], eta[rows]) for eta in (loo.etas(1.0), refits(problem, 1.0))
    )
    assert found.rows == 30
    assert found.relative == pytest.approx(approximate / exact - 1.0, abs=1e-5)
    assert found.relative != 0.0
    assert found.se > 0.0
    assert loo.measured_error(1.0, seed=5) != found


def test_a_curve_has_the_mean_and_the_errors_of_a_mean():
    problem = make("binomial", 80, 5)
    loo, lambdas = ApproximateLoo(problem), np.array([100.0, 10.0, 1.0])
    curve = loo.curve(lambdas, "log_loss")
    rows = np.column_stack([loo.losses(float(lam), "log_loss") for lam in lambdas])
    share = problem.weights / problem.weights.sum()
    np.testing.assert_allclose(curve.mean, share @ rows)
    np.testing.assert_allclose(curve.se, np.sqrt(share @ (rows - share @ rows) ** 2 / 80))
    away = rows - rows[:, [curve.index_min]]
    np.testing.assert_allclose(curve.paired_se, np.sqrt(share @ (away - share @ away) ** 2 / 80))
    assert loo.curve(lambdas, "accuracy").greater_is_better
    table = loo.metrics(10.0)
    assert table["log_loss"] == pytest.approx(curve.mean[1])
    auc = table["auc"]
    assert auc is not None
    assert 0.5 < auc <= 1.0


@pytest.mark.parametrize(
    ("family", "metrics"),
    [
        ("binomial", ("accuracy", "error", "brier", "f1")),
        ("poisson", ("mae", "mse", "rmse", "r2")),
        ("gamma", ("mae", "rmse", "r2")),
    ],
)
def test_every_metric_of_the_rows_left_out_but_the_auc_has_a_curve(family, metrics):
    problem = make(family, 80, 5)
    loo, lambdas, n = ApproximateLoo(problem), np.array([100.0, 10.0, 1.0]), 80
    tables = [loo.metrics(float(lam)) for lam in lambdas]
    eta, s = np.column_stack([loo.etas(float(lam)) for lam in lambdas]), problem.weights
    unit = (
        losses("mse", problem.likelihood, problem.y, eta, s) / (1.0 - np.array([t["r2"] for t in tables]))
        if "r2" in metrics
        else np.ones(3)
    )

    def value(metric, weights):
        if metric == "r2":  # what it compares with is held
            return 1.0 - losses("mse", problem.likelihood, problem.y, eta, weights) / unit
        return losses(metric, problem.likelihood, problem.y, eta, weights)

    for metric in metrics:
        curve = loo.curve(lambdas, metric)
        np.testing.assert_allclose(
            curve.mean, np.array([table[metric] for table in tables], dtype=float), rtol=1e-12
        )
        # se by the delta method: derivatives by the weights of rows
        h, slopes = 1e-5, np.empty((n, 3))
        for i in range(n):
            step = h * s[i] * (np.arange(n) == i)
            slopes[i] = (value(metric, s + step) - value(metric, s - step)) / (2.0 * h * s[i]) * s.sum()
        share = s / s.sum()
        np.testing.assert_allclose(curve.se, np.sqrt(share @ slopes**2 / n), rtol=1e-6)
        assert np.isfinite(curve.paired_se).all()
        assert curve.paired_se[curve.index_min] == 0.0
        assert curve.greater_is_better == (metric in ("accuracy", "f1", "r2"))


@pytest.mark.parametrize("rule", ["min", "1se"])
def test_an_automatic_grid_is_thinned_and_filled_around_the_choice(rule):
    problem = make("poisson", 120, 15, seed=2)
    grid = np.exp(np.linspace(np.log(1e4), np.log(1e-2), 100))
    loo = ApproximateLoo(problem)

    def evaluate(lambdas):
        return loo.curve(lambdas, "deviance")

    thin, full = (thinned(grid, evaluate, automatic, rule) for automatic in (True, False))
    assert len(full.lambdas) == 100
    assert len(thin.lambdas) < 33
    assert np.all(np.diff(thin.lambdas) < 0.0)
    assert thin.lambdas[thin.index_by("min")] == pytest.approx(full.lambdas[full.index_by("min")])
    assert isinstance(thin, Curve)
    step = np.log(grid[0] / grid[1])
    at = thin.lambdas[thin.index_by(rule)]
    assert abs(np.log(at / full.lambdas[full.index_by(rule)])) < 2.0 * step


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_a_grid_whose_lambdas_have_no_product_is_filled_as_any_other(size):
    grid = np.exp(np.linspace(np.log(1e4), np.log(1e-2), 100))

    def evaluate(lambdas):
        assert len(lambdas) <= 100
        unknown = np.full(len(lambdas), np.nan)
        return Curve(lambdas, np.abs(np.log(lambdas / size)), unknown, unknown)

    thin = thinned(size * grid, evaluate, True, "min")
    assert np.all(np.isfinite(thin.lambdas) & (thin.lambdas > 0.0))
    assert thin.lambdas[thin.index_min] == pytest.approx(size, rel=0.1)


def test_lambda_zero_is_the_unpenalized_fit_and_separated_classes_have_none():
    problem = make("binomial", 80, 3)
    assert mean_loss(problem, ApproximateLoo(problem).etas(0.0)) == pytest.approx(
        mean_loss(problem, refits(problem, 0.0)), rel=0.01
    )
    separated = problem._replace(y=(problem.X[:, 0] > 0) * 1.0, offset=None)
    with pytest.raises(FitError, match="not converged at lambda 0"):
        ApproximateLoo(separated).etas(0.0)


def one_of_a_kind(family, row=7, **settings):
    """Return a problem whose last column is there for one row, and explains it."""
    problem = make(family, 50, 5)
    X, y = problem.X.copy(), problem.y.copy()
    X[:, 4], y[row] = np.arange(50) == row, 40.0
    return make_problem(X, y, family=family, **settings)


@pytest.mark.parametrize("family", ["poisson", "gamma", "tweedie"])
@pytest.mark.parametrize(("factor", "lam"), [(0.0, 1.0), (1.0, 0.0)])
def test_a_row_that_alone_decides_an_unpenalized_coefficient_has_no_loss(family, factor, lam):
    loo = ApproximateLoo(one_of_a_kind(family, penalty_factor=np.array([1.0, 1.0, 1.0, 1.0, factor])))
    np.testing.assert_array_equal(np.isnan(loo.losses(lam, "deviance")), np.arange(50) == 7)
    with pytest.raises(FitError, match="leave-one-out is undefined at every lambda tried: some row alone"):
        loo.curve(np.array([lam]), "deviance")


@pytest.mark.parametrize("family", ["poisson", "gamma", "tweedie"])
@pytest.mark.parametrize("lam", [1e-8, 1e-12, 1e-16])
def test_a_row_does_not_predict_itself_however_small_the_penalty(family, lam):
    problem = one_of_a_kind(family)
    exact = refits(problem, 1e-6)[7]
    assert solve_path(problem, np.array([1e-6])).intercept0[0] + 2.0 < np.log(40.0)  # which is its own eta
    loo = ApproximateLoo(problem)
    assert loo.etas(lam)[7] == pytest.approx(exact, abs=0.02)
    assert abs(loo.measured_error(lam, seed=0).relative) < 0.01
    assert loo.curve(np.array([0.0, 1.0, lam]), "deviance").index_min > 0  # 0 ranks last


def test_rows_that_decide_are_those_of_leverage_1_in_what_is_not_penalized():
    problem = one_of_a_kind("poisson", weights=10.0 ** np.linspace(-8, 8, 50))
    only = np.arange(50) == 7
    solver = NewtonSolver(problem)
    assert not deciding_rows(solver, 1.0).any()
    np.testing.assert_array_equal(deciding_rows(solver, 0.0), only)
    solver.rows.free[4] = True
    np.testing.assert_array_equal(deciding_rows(solver, 1.0), only)
    problem.X[:, 3] = problem.X[:, 2] * -3.0  # tied columns decide nothing more
    np.testing.assert_array_equal(deciding_rows(NewtonSolver(problem), 0.0), only)
    assert deciding_rows(NewtonSolver(make("poisson", 20, 40)), 0.0).all()


def test_a_lambda_without_a_settled_fit_ranks_last():
    """Separated classes: at 1e-30 the gradient is as good as 0, and the fit still far from its end."""
    problem = make("binomial", 80, 3)
    separated = problem._replace(y=(problem.X[:, 0] > 0.3 * problem.X[:, 1]) * 1.0, offset=None)
    curve = ApproximateLoo(separated).curve(np.array([1.0, 1e-30, 0.0]), "deviance")
    assert np.isfinite(curve.mean).tolist() == [True, False, False]
    assert curve.index_min == 0
    with pytest.raises(FitError, match="not converged at lambda 0"):
        ApproximateLoo(separated).curve(np.array([0.0]), "deviance")


def test_where_it_applies():
    assert applies(make("gamma"))
    for settings in ({"l1_ratio": 0.5}, {"bounds": (np.zeros(12), np.ones(12))}):
        assert not applies(make("gamma", **settings))
    assert not applies(make("gaussian"))


def test_a_row_alone_of_its_kind_is_found():
    problem = make("binomial")
    assert lone_row(problem) is None
    y = np.zeros(60)
    y[11] = 1.0
    assert lone_row(problem._replace(y=y)) == 11
    assert lone_row(problem._replace(y=1.0 - y)) == 11
    assert lone_row(problem._replace(y=y, intercept=False)) is None  # there is none to run away
    assert lone_row(make("poisson")._replace(y=3.0 * y)) == 11
