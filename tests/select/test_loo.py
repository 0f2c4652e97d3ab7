"""Leave-one-out against n explicit refits, and GCV against its formula with a dense hat matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from l2cli.core import problem as problem_module
from l2cli.core.moments import gram_system, moments_of
from l2cli.core.path import design_factor
from l2cli.core.problem import make_problem
from l2cli.core.solvers.ridge import factor_from_gram, factor_from_kernel, factor_from_rows
from l2cli.errors import FitError
from l2cli.select.loo import generalized_cv, leave_one_out, leave_one_out_eta, leave_one_out_metrics

LAMBDAS = np.array([200.0, 10.0, 0.5])


def problem_of(n, p, seed=0, *, missing=False, **settings):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * rng.uniform(0.2, 4.0, size=p) + 3.0
    y = X[:, 0] - X[:, -1] + rng.normal(size=n)
    if missing:
        X[rng.random(X.shape) < 0.15] = np.nan
    if settings.pop("weighted", False):
        settings["weights"] = rng.uniform(0.2, 3.0, size=n)
    if settings.pop("shifted", False):
        settings["offset"] = 2.0 * rng.normal(size=n)
    return make_problem(X, y, **settings)


def refits(problem, lam):
    """Return each row's eta by a fit of the others: same sum-scale lambda, scaling of all rows."""
    n, eta = problem.n_rows, np.empty(problem.n_rows)
    s, r = problem.weights, problem.response
    for i in range(n):
        rest = np.arange(n) != i
        A = np.column_stack([problem.X, np.ones(n)]) if problem.intercept else problem.X
        D = np.append(problem.penalty, 0.0) if problem.intercept else problem.penalty
        G = (A[rest].T * s[rest]) @ A[rest] + lam * np.diag(D)
        w = np.linalg.lstsq(G, A[rest].T @ (s[rest] * r[rest]), rcond=None)[0]
        eta[i] = A[i] @ w + (0.0 if problem.offset is None else problem.offset[i])
    return eta


@pytest.mark.parametrize("power", [300, -300])
def test_squares_of_eigenvalues_may_overflow(power):
    """Lambdas and eigenvalues of 1e180, and lambdas a 1e100 times theirs; warnings are errors."""
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(20, 3)), rng.normal(size=20)
    lambdas = np.append(LAMBDAS, [1e100, 0.0])
    found = []
    for unit in (0, power):
        weights = np.full(20, 2.0**unit)
        problem = make_problem(np.ldexp(X, unit // 2), y, weights=weights, standardize=False)
        given = problem, design_factor(problem, 0.0), np.ldexp(lambdas, 2 * unit)
        found.append([leave_one_out(*given)[0].mean, generalized_cv(*given).mean])
    assert np.array(found[1]) == pytest.approx(np.array(found[0]), rel=1e-12)


VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "weights": {"weighted": True},
    "offset": {"shifted": True},
    "no intercept": {"intercept": False, "weighted": True},
    "raw": {"standardize": False},
    "missing": {"missing": True, "weighted": True},
    "factors": {"penalty_factor": "mixed", "weighted": True},
    "everything": {
        "penalty_factor": "mixed",
        "weighted": True,
        "shifted": True,
        "standardize": False,
        "intercept": False,
    },
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("shape", [(25, 4), (12, 30)], ids=["long", "wide"])
def test_leave_one_out_is_refitting_without_each_row(shape, variant):
    settings = dict(VARIANTS[variant])
    if "penalty_factor" in settings:
        settings["penalty_factor"] = np.append([0.0, 2.0], np.ones(shape[1] - 2))
    problem = problem_of(*shape, **settings)
    factor = design_factor(problem, 0.0)
    curve, slack = leave_one_out(problem, factor, LAMBDAS)
    share = problem.weights / problem.weight_sum
    losses = []
    for lam in LAMBDAS:
        eta = refits(problem, lam)
        assert leave_one_out_eta(problem, factor, lam) == pytest.approx(eta, rel=1e-7, abs=1e-7)
        losses.append((problem.y - eta) ** 2)
    L = np.array(losses)
    assert curve.mean == pytest.approx(L @ share, rel=1e-7)
    variance = (L - (L @ share)[:, None]) ** 2 @ share
    assert curve.se == pytest.approx(np.sqrt(variance / shape[0]), rel=1e-6)
    gap = L - L[curve.index_min]
    paired = np.sqrt((gap - (gap @ share)[:, None]) ** 2 @ share / shape[0])
    assert curve.paired_se == pytest.approx(paired, rel=1e-5, abs=1e-7 * curve.se.max())
    assert np.all((slack > 0) & (slack < 1))


@pytest.mark.parametrize("metric", ["rmse", "mae", "r2", "deviance"])
@pytest.mark.parametrize(
    ("shape", "settings"),
    [((25, 4), {"weighted": True, "shifted": True}), ((12, 30), {}), ((20, 5), {"intercept": False})],
    ids=["long", "wide", "no intercept"],
)
def test_every_metric_is_that_of_refits(shape, settings, metric):
    problem = problem_of(*shape, **settings)
    curve = leave_one_out(problem, design_factor(problem, 0.0), LAMBDAS, metric)[0]
    y, share, n = problem.y, problem.weights / problem.weight_sum, problem.n_rows
    away = np.array([y - refits(problem, lam) for lam in LAMBDAS])
    rows = np.abs(away) if metric == "mae" else away**2
    mean = rows @ share
    se = np.sqrt((rows - mean[:, None]) ** 2 @ share / n)
    gap = rows - rows[np.argmin(mean)]
    paired = np.sqrt((gap - (gap @ share)[:, None]) ** 2 @ share / n)
    if metric == "rmse":
        root = np.sqrt(mean)
        mean, se, paired = root, se / (2 * root), paired / (root + root.min())
    elif metric == "r2":
        others = ~np.eye(n, dtype=bool)
        without = np.array([np.average(y[rest], weights=problem.weights[rest]) for rest in others])
        unit = share @ (y - without) ** 2
        mean, se, paired = 1 - mean / unit, se / unit, paired / unit
    assert curve.greater_is_better == (metric == "r2")
    assert curve.mean == pytest.approx(mean, rel=1e-7)
    assert curve.se == pytest.approx(se, rel=1e-6)
    assert curve.paired_se == pytest.approx(paired, rel=1e-5, abs=1e-7 * se.max())
    assert curve.loss[curve.index_min] == min(curve.loss)


def test_a_target_that_does_not_vary_has_no_r2():
    problem = problem_of(20, 3)
    problem = problem._replace(y=np.full(20, 7.1))
    with pytest.raises(FitError, match="the r2 of rows left out is undefined: the target does not vary"):
        leave_one_out(problem, design_factor(problem, 0.0), LAMBDAS, "r2")
    for metric in ("mse", "rmse", "mae"):  # they need no such mean square
        curve = leave_one_out(problem, design_factor(problem, 0.0), LAMBDAS, metric)[0]
        assert curve.mean == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("shape", [(25, 4), (12, 30)], ids=["long", "wide"])
@pytest.mark.parametrize("intercept", [True, False])
def test_gcv_is_its_formula(shape, intercept):
    problem = problem_of(*shape, weighted=True, shifted=True, intercept=intercept)
    curve = generalized_cv(problem, design_factor(problem, 0.0), LAMBDAS)
    n, s = shape[0], problem.weights
    A = np.column_stack([problem.X, np.ones(n)]) if intercept else problem.X
    D = np.append(problem.penalty, 0.0) if intercept else problem.penalty
    for i, lam in enumerate(LAMBDAS):
        H = A @ np.linalg.pinv((A.T * s) @ A + lam * np.diag(D)) @ A.T * s
        e = problem.response - H @ problem.response
        assert curve.mean[i] == pytest.approx((s @ e**2 / s.sum()) / (1 - np.trace(H) / n) ** 2, rel=1e-8)
    assert np.isnan(curve.se).all()


def test_every_factor_gives_the_same_curve():
    for shape in ((60, 5), (15, 40)):
        problem = problem_of(*shape, weighted=True)
        small = factor_from_gram(gram_system(problem, moments_of(problem))) if shape[0] > shape[1] else None
        other = small or factor_from_kernel(problem)
        a, _ = leave_one_out(problem, factor_from_rows(problem), LAMBDAS)
        b, _ = leave_one_out(problem, other, LAMBDAS)
        assert a.mean == pytest.approx(b.mean, rel=1e-9)


def test_the_curve_does_not_depend_on_the_blocks(monkeypatch):
    problem = problem_of(500, 6, weighted=True)
    factor = design_factor(problem, 0.0)
    whole, _ = leave_one_out(problem, factor, LAMBDAS)
    gcv = generalized_cv(problem, factor, LAMBDAS)
    monkeypatch.setattr(problem_module, "BLOCK_BYTES", 1)
    blocked, _ = leave_one_out(problem, factor, LAMBDAS)
    assert blocked.mean == pytest.approx(whole.mean, rel=1e-12)
    assert blocked.se == pytest.approx(whole.se, rel=1e-12)
    assert generalized_cv(problem, factor, LAMBDAS).mean == pytest.approx(gcv.mean, rel=1e-12)


def test_a_row_that_alone_decides_makes_a_lambda_rank_last():
    """As many rows as coefficients: without a penalty every leverage is 1."""
    problem = problem_of(6, 8)
    factor = design_factor(problem, 0.0)
    curve, slack = leave_one_out(problem, factor, np.array([0.0, 5.0]))
    assert curve.mean[0] == np.inf
    assert np.isfinite(curve.mean[1])
    assert curve.index_min == 1
    assert slack[0] < 1e-12
    assert generalized_cv(problem, factor, np.array([0.0, 5.0])).mean[0] == np.inf


def test_leave_one_out_that_is_nowhere_defined_is_an_error():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(20, 2))
    X[:, 1] = np.arange(20) == 7
    problem = make_problem(X, rng.normal(size=20), penalty_factor=np.array([1.0, 0.0]))
    with pytest.raises(FitError, match="leave-one-out is undefined at every lambda tried"):
        leave_one_out(problem, design_factor(problem, 0.0), LAMBDAS)
    square = problem_of(5, 8)
    factor = design_factor(square, 0.0)
    with pytest.raises(FitError, match="GCV is undefined"):
        generalized_cv(square, factor, np.zeros(1))


def test_r2_of_rows_left_out_is_against_the_mean_without_the_row():
    problem = problem_of(25, 3, weighted=True)
    factor = design_factor(problem, 0.0)
    found = leave_one_out_metrics(problem, factor, 10.0)
    y, s, n = problem.y, problem.weights, problem.n_rows
    without = np.array([np.average(np.delete(y, i), weights=np.delete(s, i)) for i in range(n)])
    left = s @ (y - leave_one_out_eta(problem, factor, 10.0)) ** 2
    assert found["r2"] == pytest.approx(1.0 - left / (s @ (y - without) ** 2), rel=1e-12)
    assert found["mse"] == pytest.approx(left / s.sum(), rel=1e-12)


def refits_by_svd(problem, lam):
    """Return each row's eta by a fit of the others, accurate at the smallest lambdas."""
    eta = np.empty(problem.n_rows)
    for i in range(problem.n_rows):
        X, y = np.delete(problem.X, i, axis=0), np.delete(problem.y, i)
        U, d, Vt = np.linalg.svd(X - X.mean(axis=0), full_matrices=False)
        keep = d > 1e-10 * d[0]
        w = Vt[keep].T @ (d[keep] / (d[keep] ** 2 + lam) * (U[:, keep].T @ (y - y.mean())))
        eta[i] = y.mean() + (problem.X[i] - X.mean(axis=0)) @ w
    return eta


@pytest.mark.parametrize("design", ["wide", "levels of one row, tied columns"])
def test_leave_one_out_keeps_its_digits_as_lambda_falls(design):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(20, 60))
    if design != "wide":
        levels = np.array([0, 1, 2, *rng.integers(3, 6, size=27)])
        X = np.column_stack([levels[:, None] == np.arange(6), rng.normal(size=(30, 2))]).astype(float)
        X = np.column_stack([X, X[:, -1]])
    problem = make_problem(X, X[:, 0] + rng.normal(size=len(X)))
    factor = design_factor(problem, 0.0)
    lambdas = np.array([1e-2, 1e-6, 1e-9, 1e-12])
    means = [np.mean((problem.y - refits_by_svd(problem, lam)) ** 2) for lam in lambdas]
    assert leave_one_out(problem, factor, lambdas)[0].mean == pytest.approx(means, rel=1e-11)
    if design == "wide":  # RSS = lambda^2 y'(K + lambda)^-2 y, tr(1 - H) = lambda tr (K + lambda)^-1
        e, U = np.linalg.eigh(factor.V.T @ factor.V * np.sqrt(np.outer(factor.e, factor.e)))
        z = U.T @ (factor.projection / np.sqrt(factor.e))
        gcv = [np.sum((z / (e + v)) ** 2) / 20 / (np.sum(1 / (e + v)) / 20) ** 2 for v in lambdas]
        assert generalized_cv(problem, factor, lambdas).mean == pytest.approx(gcv, rel=1e-9)
