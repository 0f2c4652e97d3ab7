"""Covariances of cross-validated errors against sums by hand, and against pairs of rows."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.core.problem import make_problem
from l2cli.core.student import two_sided_quantile
from l2cli.data.folds import draw_folds
from l2cli.select import spread as spreading
from l2cli.select.confidence import interval
from l2cli.select.cv import cross_validate, fold_fits
from l2cli.select.spread import fold_spread, joint_spread, row_spread, share_of_rows, spread_of

GRID = np.array([100.0, 10.0, 1.0, 0.1])


def crossed(metric="mse", *, groups=None, repeats=1, n=60):
    rng = np.random.default_rng(4)
    X, s = rng.normal(size=(n, 4)), rng.uniform(0.5, 2.0, n)
    problem = make_problem(X, X[:, 0] + rng.normal(size=n), weights=s)
    folds = draw_folds(n, 5, repeats=repeats, groups=groups)
    return cross_validate(fold_fits(problem, folds, "sum"), folds, GRID, metric=metric)


def row_losses_by_hand(result):
    """Return the losses (repeats, n, L) and the weights of the rows."""
    problem, losses = result.fits.problem, np.empty((result.folds.repeats, len(result.fits.problem.y), 4))
    for i, eta in enumerate(result.fits.heldout_etas(GRID)):
        rows = result.fits.rows[i]
        losses[i // 5, rows] = (problem.y[rows, None] - eta) ** 2
    return losses, problem.weights


@pytest.mark.parametrize("repeats", [1, 3])
@pytest.mark.parametrize("grouped", [False, True])
def test_the_covariance_is_the_sum_over_rows_or_groups(grouped, repeats):
    groups = np.arange(60) // 3 if grouped else None
    result = crossed(groups=groups, repeats=repeats)
    losses, s = row_losses_by_hand(result)
    mean = (s[:, None] * losses.mean(axis=0)).sum(axis=0) / s.sum()
    away = s[:, None] * (losses - mean)
    if grouped:
        away = np.array([[a[groups == g].sum(axis=0) for g in range(20)] for a in away])
    units = away.shape[1]
    expected = np.mean([a.T @ a for a in away], axis=0) / s.sum() ** 2 * units / (units - 1)
    spread = spread_of(result, groups)
    assert spread.covariance == pytest.approx(expected, rel=1e-10)
    assert (spread.units, spread.kind) == (units, "groups" if grouped else "rows")


@pytest.mark.parametrize("power", [400, -400])
def test_the_unit_of_weights_and_target_does_not_matter(power):
    """Weights of 1e120 times squared errors of 1e120 have no squares; warnings are errors."""
    rng = np.random.default_rng(4)
    X, s, folds = rng.normal(size=(60, 4)), rng.uniform(0.5, 2.0, 60), draw_folds(60, 5)
    y = X[:, 0] + rng.normal(size=60)
    found = []
    for unit in (0, power):
        problem = make_problem(X, np.ldexp(y, unit // 2), weights=np.ldexp(s, unit))
        result = cross_validate(fold_fits(problem, folds, "mean"), folds, GRID, metric="mse")
        found.append(np.ldexp(spread_of(result).covariance, -2 * unit))
    assert found[1] == pytest.approx(found[0], rel=1e-12)


def test_an_rmse_has_the_covariance_of_the_mse_by_its_slope():
    squared, rooted = crossed("mse"), crossed("rmse")
    slope = 0.5 / rooted.curve.mean
    expected = spread_of(squared).covariance * np.outer(slope, slope)
    assert spread_of(rooted).covariance == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("grouped", [False, True])
def test_an_r2_varies_by_the_derivative_of_the_pooled_one(grouped):
    groups = np.arange(60) // 3 if grouped else None
    result = crossed("r2", groups=groups)
    losses, s = row_losses_by_hand(result)
    y, ids = result.fits.problem.y, result.folds.ids[0]
    null = np.array([(y[i] - np.average(y[ids != f], weights=s[ids != f])) ** 2 for i, f in enumerate(ids)])
    value = 1.0 - s @ losses[0] / (s @ null)
    assert result.curve.mean == pytest.approx(value, rel=1e-12)
    plain = np.average(result.fold_losses, weights=result.fits.fold_weights, axis=0)
    assert np.abs(result.curve.mean - plain).max() > 1e-3  # few rows of a fold say little of its unit
    slope = np.empty((60, 4))
    for i in range(60):  # the derivative by the weight of the row
        more = s.copy()
        more[i] *= 1.0 + 1e-6
        slope[i] = (1.0 - more @ losses[0] / (more @ null) - value) / 1e-6
    if grouped:
        slope = np.array([slope[groups == g].sum(axis=0) for g in range(20)])
    units = len(slope)
    spread = spread_of(result, groups)
    assert spread.covariance == pytest.approx(slope.T @ slope * units / (units - 1), rel=1e-4)
    assert (spread.units, spread.kind) == (units, "groups" if grouped else "rows")


def test_a_part_of_the_rows_tells_the_covariance_of_all(monkeypatch):
    result = crossed(n=4000)
    whole = spread_of(result)
    monkeypatch.setattr(spreading, "MOST_ROWS", 1000)
    part = spread_of(result)
    assert part.units == whole.units == 4000
    assert np.sqrt(np.diag(part.covariance)) == pytest.approx(np.sqrt(np.diag(whole.covariance)), rel=0.1)
    assert not np.array_equal(part.covariance, whole.covariance)


def test_each_fit_may_be_judged_at_a_lambda_of_its_own():
    result = crossed()
    losses, s = row_losses_by_hand(result)
    columns = np.array([0, 2, 1, 2, 2])
    own = losses[0][np.arange(60), columns[result.folds.ids[0]]]
    mean = s @ own / s.sum()
    variance = (s**2) @ (own - mean) ** 2 / s.sum() ** 2 * 60 / 59
    spread = row_spread(result.fits, GRID, "mse", np.array([mean]), tuned=GRID[columns])
    assert spread.covariance == pytest.approx(np.array([[variance]]), rel=1e-10)


def test_fold_values_have_the_variance_of_nadeau_and_bengio():
    values = np.random.default_rng(0).normal(size=(20, 1))
    spread = fold_spread(values, np.ones(20), draw_folds(40, 10, repeats=2))
    total = float(spread.covariance[0, 0]) * spread.overlap
    assert total == pytest.approx((1 / 20 + 1 / 9) * values.var(ddof=1), rel=1e-12)
    found = interval(0.4, float(spread.covariance[0, 0]), spread, "r2", 0.0)
    assert found.low is not None
    half = two_sided_quantile(0.9, 19) * np.sqrt(total)
    assert 1.0 - found.low == pytest.approx(0.6 * np.exp(half / 0.6))
    assert found.method == "folds, corrected t"


@pytest.mark.parametrize("metric", ["mse", "rmse"])
def test_curves_of_several_mixes_vary_together(metric):
    """The covariance between the errors of two mixes, from the losses of the same rows."""
    first = crossed(metric)
    second = cross_validate(
        fold_fits(first.fits.problem._replace(l1_ratio=1.0), first.folds, "sum"),
        first.folds,
        GRID,
        metric=metric,
    )
    found = joint_spread([first, second]).covariance
    assert found[:4, :4] == pytest.approx(spread_of(first).covariance, rel=1e-10)
    assert found[4:, 4:] == pytest.approx(spread_of(second).covariance, rel=1e-10)
    away = []
    for r in (first, second):
        losses, s = row_losses_by_hand(r)
        away.append(s[:, None] * (losses[0] - np.average(losses[0], axis=0, weights=s)))
    cross = away[0].T @ away[1] / s.sum() ** 2 * 60 / 59
    if metric == "rmse":
        cross /= 4.0 * np.outer(first.curve.mean, second.curve.mean)
    assert found[:4, 4:] == pytest.approx(cross, rel=1e-8)


def classes(n=90, *, groups=None, repeats=1, grid=GRID, k=5):
    rng = np.random.default_rng(7)
    X, s = rng.normal(size=(n, 3)).round(1), rng.uniform(0.5, 2.0, n)
    y = (X[:, 0] + rng.normal(size=n) > 0.4).astype(float)
    problem = make_problem(X, y, family="binomial", weights=s)
    folds = draw_folds(n, k, repeats=repeats, strata=y.astype(np.int64), groups=groups)
    return cross_validate(fold_fits(problem, folds, "sum", jobs=1), folds, grid, metric="auc")


def influence_by_hand(result, lam):
    """Return what every row (repeats, n) adds to the average auc, from all pairs of rows of a fold."""
    problem, k = result.fits.problem, result.folds.k
    y, s = problem.y, problem.weights
    found = np.zeros((result.folds.repeats, len(y)))
    for i, eta in enumerate(result.fits.heldout_etas(np.array([lam]))):
        rows = result.fits.rows[i]
        up, down = y[rows] == 1.0, y[rows] == 0.0
        won = np.sign(eta[up] - eta[down].T) / 2.0 + 0.5
        a, b = s[rows][up] / s[rows][up].sum(), s[rows][down] / s[rows][down].sum()
        auc = a @ won @ b
        assert auc == pytest.approx(result.fold_losses[i, list(GRID).index(lam)])
        share = s[rows].sum() / s.sum()
        found[i // k, rows[up]] = share * a * (won @ b - auc)
        found[i // k, rows[down]] = share * b * (a @ won - auc)
    return found


@pytest.mark.parametrize("repeats", [1, 2])
def test_the_covariance_of_an_auc_is_that_of_its_structural_components(repeats):
    result = classes(repeats=repeats)
    y = result.fits.problem.y
    positive = y.sum()
    free = np.where(y == 1.0, positive / (positive - 5), (90 - positive) / (90 - positive - 5))
    each = np.stack([influence_by_hand(result, lam) for lam in GRID], axis=-1) * np.sqrt(free)[:, None]
    expected = np.mean([a.T @ a for a in each], axis=0)
    spread = spread_of(result)
    assert spread.covariance == pytest.approx(expected, rel=1e-10)
    assert (spread.units, spread.kind) == (2 * min(positive, 90 - positive), "rows")


def test_the_influence_of_a_group_on_an_auc_is_that_of_its_rows():
    groups = np.arange(90) // 3
    result = classes(groups=groups)
    away = influence_by_hand(result, 1.0)[0]
    sums = np.array([away[groups == g].sum() for g in range(30)])
    spread = spread_of(result, groups)
    assert spread.covariance[2, 2] == pytest.approx(sums @ sums * 30 / 25, rel=1e-10)
    assert (spread.units, spread.kind) == (30, "groups")


def test_an_auc_without_more_rows_of_a_class_than_folds_is_judged_by_folds():
    result = classes(40, k=int(classes(40).fits.problem.y.sum()))
    assert spread_of(result).kind == "folds"


def test_a_part_of_the_rows_tells_the_covariance_of_an_auc(monkeypatch):
    result = classes(3000)
    whole = spread_of(result)
    monkeypatch.setattr(spreading, "MOST_ROWS", 600)
    part = spread_of(result)
    assert part.units == whole.units
    assert np.sqrt(np.diag(part.covariance)) == pytest.approx(np.sqrt(np.diag(whole.covariance)), rel=0.1)
    assert not np.array_equal(part.covariance, whole.covariance)


def test_columns_that_groups_share_cost_as_many_degrees_of_freedom_as_there_are_groups():
    """The mean leverage of the groups' means, against the hat matrix; rows of no group are their own."""
    rng = np.random.default_rng(0)
    groups, level, free = np.repeat(np.arange(40), 5), rng.normal(size=(40, 6)), rng.normal(size=(200, 6))
    for X, expected in ((level[groups], 7 / 40), (free, 6 / 200 + 1 / 40)):
        problem = make_problem(X, rng.normal(size=200))
        Z = np.column_stack([X, np.ones(200)])
        hat = Z @ np.linalg.solve(Z.T @ Z, Z.T)
        leverage = np.mean([hat[np.ix_(groups == g, groups == g)].sum() / 5 for g in range(40)])
        assert share_of_rows(problem, 6.0, groups) == pytest.approx(leverage, rel=0.05)
        assert share_of_rows(problem, 6.0, groups) == pytest.approx(expected, rel=0.25)
        assert share_of_rows(problem, 6.0) == 7 / 200
