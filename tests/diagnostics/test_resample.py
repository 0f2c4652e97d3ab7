"""The bootstrap decomposition: fits to drawn rows, and what they are summed up to."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.core.metrics import losses
from l2cli.core.path import solve_path
from l2cli.core.problem import make_problem
from l2cli.diagnostics.resample import RowParts, fit_drawing, resample, summed_up
from l2cli.errors import FitError

LAMBDAS = np.array([0.5, 20.0, 5.0])
FAMILIES = ["gaussian", "binomial", "multinomial", "poisson"]


def rows(family, n=90, p=4, seed=0, missing=False):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * [1.0, 3.0, 0.2, 1.0] + 1.0
    eta = X @ [1.0, -0.3, 2.0, 0.0] - 2.5
    y = {
        "gaussian": lambda: eta + rng.normal(size=n),
        "binomial": lambda: (eta + rng.logistic(size=n) > 0).astype(float),
        "multinomial": lambda: np.digitize(eta + rng.logistic(size=n), [-1.0, 1.0]).astype(float),
        "poisson": lambda: rng.poisson(np.exp(0.4 * eta)).astype(float),
    }[family]()
    if missing:
        X[rng.random((n, p)) < 0.1] = np.nan
    return X, y, rng.uniform(0.5, 2.0, n)


def settings(family):
    return {"family": family, "l1_ratio": 1.0 if family == "gaussian" else 0.0}


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_drawing_is_fitted_as_its_rows_written_out(family, missing):
    """Standardized and imputed by the drawn rows, of which some stand there several times."""
    X, y, s = rows(family, missing=missing)
    problem = make_problem(X, y, weights=s, **settings(family))
    count = np.bincount(np.random.default_rng(1).integers(0, 90, 90), minlength=90)
    fit, again = fit_drawing(problem, count, LAMBDAS, "sum", "it"), np.repeat(np.arange(90), count)
    out = np.flatnonzero(count == 0)
    alone = make_problem(X[again], y[again], weights=s[again], **settings(family))
    path = solve_path(alone, LAMBDAS)
    filled = np.where(np.isnan(X[out]), np.nanmean(X[again], axis=0) if not missing else alone.mean, X[out])
    coef, intercept = path.coef.reshape(4, -1), path.intercept.reshape(-1)
    expected = filled @ coef + intercept
    c = problem.n_classes
    u = fit.coefficients.T[:-c].reshape(4, -1)
    eta = problem.X[out] @ u + fit.coefficients.T[-c:].reshape(-1)
    if problem.mask is not None:
        eta += problem.mask[out] @ (fit.shift[:, None] * u[problem.masked])
    if c > 1:  # intercepts of several classes are known up to a constant
        expected, eta = (e.reshape(len(out), c, -1) for e in (expected, eta))
        expected, eta = expected - expected.mean(axis=1, keepdims=True), eta - eta.mean(axis=1, keepdims=True)
    assert eta == pytest.approx(expected, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_parts_add_up_to_the_error_of_the_rows_left_out(family):
    X, y, s = rows(family)
    problem = make_problem(X, y, weights=s, **settings(family))
    parts = resample(problem, LAMBDAS, "sum", draws=25, seed=4)
    found = summed_up(parts)
    counts = [
        np.bincount(np.random.default_rng([4, 3, i]).integers(0, 90, 90), minlength=90) for i in range(25)
    ]
    fits = [fit_drawing(problem, count, LAMBDAS, "sum", "it") for count in counts]
    c, metric = problem.n_classes, "brier" if family in ("binomial", "multinomial") else "mse"
    error, variance = np.zeros((90, 3)), np.zeros((90, 3))
    for i in range(90):
        mine = [fit for fit, count in zip(fits, counts, strict=True) if count[i] == 0]
        etas = [
            (problem.X[i] @ f.coefficients.T[:-c].reshape(4, -1) + f.coefficients.T[-c:].reshape(-1))
            for f in mine
        ]
        shape = (1, c, 3) if c > 1 else (1, 3)
        each = [losses(metric, problem.likelihood, problem.y[[i]], e.reshape(shape)) for e in etas]
        mu = np.array([problem.likelihood.mean(e.reshape(shape)) for e in etas])
        error[i] = np.mean(each, axis=0)
        variance[i] = mu.var(axis=0, ddof=1).reshape(c, 3).sum(axis=0)
    share = s / s.sum()
    assert found.test_error == pytest.approx(share @ error, rel=1e-9)
    assert found.variance == pytest.approx(share @ variance, rel=1e-9)
    assert found.noise + found.bias2 + found.variance == pytest.approx(found.test_error, rel=1e-12)
    assert found.bias2.min() == 0.0
    assert found.noise == pytest.approx((share @ (error - variance)).min(), rel=1e-9)


def test_more_penalty_means_more_bias_and_less_variance():
    X, y, _ = rows("binomial", n=300)
    problem = make_problem(X, y, family="binomial")
    found = summed_up(resample(problem, np.array([1000.0, 100.0, 1e-3]), "sum", draws=40, seed=0))
    assert found.bias2[0] > found.bias2[1] + 3 * found.bias2_se[1] > found.bias2[2]
    assert np.all(np.diff(found.variance) > 0.0)


def test_rows_of_a_group_are_drawn_together():
    X, y, _ = rows("binomial", n=120)
    problem, groups = make_problem(X, y, family="binomial"), np.arange(120) // 6
    parts = resample(problem, LAMBDAS, "sum", draws=30, seed=0, groups=groups)
    alone = summed_up(parts._replace(units=np.arange(120)))
    together = summed_up(parts)
    assert np.array_equal(parts.units, groups)
    assert together.test_error == pytest.approx(alone.test_error)
    assert not np.allclose(together.test_error_se, alone.test_error_se)


def test_a_draw_of_every_group_leaves_no_row_out():
    X, y, _ = rows("multinomial")
    problem, groups = make_problem(X, y, family="multinomial"), np.arange(90) % 3
    found = summed_up(resample(problem, LAMBDAS, "sum", draws=30, seed=0, groups=groups))
    assert found.noise + found.bias2 + found.variance == pytest.approx(found.test_error)
    assert 0.1 < found.test_error.min() < 2.0


def test_the_standard_errors_are_those_of_a_weighted_mean():
    rng = np.random.default_rng(0)
    rest, variance = rng.normal(2.0, 1.0, (4000, 1)), rng.uniform(size=(4000, 1))
    found = summed_up(RowParts(rest, variance, np.ones(4000), np.arange(4000)))
    assert found.noise_se == pytest.approx(rest.std() / np.sqrt(4000))
    assert found.bias2_se[0] == 0.0
    assert found.test_error_se[0] == pytest.approx((rest + variance).std() / np.sqrt(4000))


def test_a_lambda_without_a_fit_has_no_error_and_is_not_the_noise():
    rest = np.array([[np.nan, 2.0], [1.0, 3.0], [np.inf, 2.0]])
    found = summed_up(RowParts(rest, np.ones((3, 2)), np.ones(3), np.arange(3)))
    assert np.isnan(found.test_error[0])
    assert found.noise == pytest.approx(7.0 / 3.0)
    with pytest.raises(FitError, match="no lambda has a finite fit"):
        summed_up(RowParts(rest[:, :1], np.ones((3, 1)), np.ones(3), np.arange(3)))


def test_draws_that_cannot_hold_every_class_are_refused():
    X, _, _ = rows("binomial", n=48)
    classes = np.arange(48) % 12
    problem = make_problem(X, classes.astype(float), family="multinomial")
    with pytest.raises(FitError, match="50 bootstrap drawings lack a class"):
        resample(problem, LAMBDAS, "sum", draws=20, seed=0, groups=classes)


def test_rows_that_every_draw_needs_leave_none_out():
    X, y, _ = rows("binomial", n=40)
    problem = make_problem(X, y, family="binomial")
    with pytest.raises(FitError, match="no row is left out by two bootstrap draws"):
        resample(problem, LAMBDAS, "sum", draws=20, seed=0, groups=y.astype(int))
