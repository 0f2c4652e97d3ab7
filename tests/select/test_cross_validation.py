"""The curve of fold values, its standard errors, and a cross-validation that grows or is undefined."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.core.grid import lambda_grid
from l2cli.core.problem import make_problem
from l2cli.data.folds import Folds, draw_folds
from l2cli.errors import FitError
from l2cli.select.cv import cross_validate, fold_fits, validation_metrics, weighted_curve
from l2cli.spec import GridSpec

LAMBDAS = np.array([3.0, 2.0, 1.0])
LOSSES = np.array([[1.0, 2.0, 4.0], [3.0, 1.0, 4.0], [2.0, 2.0, 1.0]])
WEIGHTS = np.array([1.0, 1.0, 2.0])


def folds_of(k=3, repeats=1):
    return Folds(np.zeros((repeats, 1), dtype=np.int64), k, "rows")


def test_mean_and_se_are_weighted_by_fold():
    curve = weighted_curve(LAMBDAS, LOSSES, WEIGHTS, folds_of(), "mse")
    assert curve.mean == pytest.approx([2.0, 1.75, 2.5])
    variance = [(1 + 1 + 0) / 4, (0.0625 + 0.5625 + 2 * 0.0625) / 4, (2.25 + 2.25 + 2 * 2.25) / 4]
    assert curve.se == pytest.approx(np.sqrt(np.array(variance) / 2))
    assert (curve.index_min, curve.index_1se) == (1, 0)
    d = LOSSES - LOSSES[:, [1]]
    share = WEIGHTS / 4
    paired = np.sqrt(((d - share @ d) ** 2 * share[:, None]).sum(axis=0) / 2)
    assert curve.paired_se == pytest.approx(paired)
    assert curve.paired_se[1] == 0.0


def test_repeats_do_not_shrink_the_se():
    once = weighted_curve(LAMBDAS, LOSSES, WEIGHTS, folds_of(), "mse")
    twice = weighted_curve(LAMBDAS, np.vstack([LOSSES] * 2), np.tile(WEIGHTS, 2), folds_of(repeats=2), "mse")
    assert twice.mean == pytest.approx(once.mean)
    assert twice.se == pytest.approx(once.se)


def test_rmse_is_the_root_of_the_mean_mse():
    squared = weighted_curve(LAMBDAS, LOSSES, WEIGHTS, folds_of(), "mse")
    curve = weighted_curve(LAMBDAS, np.sqrt(LOSSES), WEIGHTS, folds_of(), "rmse")
    assert curve.mean == pytest.approx(np.sqrt(squared.mean))
    assert curve.se == pytest.approx(squared.se / (2 * np.sqrt(squared.mean)))
    assert curve.paired_se == pytest.approx(squared.paired_se / (curve.mean + curve.mean[1]))


def test_greater_metrics_and_values_that_are_not_finite():
    losses = np.array([[0.5, np.nan, 0.9], [0.7, 0.9, 0.6]])
    curve = weighted_curve(LAMBDAS, losses, np.ones(2), folds_of(2), "auc")
    assert curve.greater_is_better
    assert (curve.index_min, curve.index_1se) == (2, 0)
    assert not np.isfinite(curve.loss[1])


def gaussian(n=80, p=5, signal=1.0, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    return make_problem(X, signal * X[:, 0] + rng.normal(size=n)), draw_folds(n, 5)


def test_an_automatic_grid_grows_towards_a_null_signal():
    problem, folds = gaussian(signal=0.0, seed=3)
    fits = fold_fits(problem, folds, "sum")
    grid, automatic = lambda_grid(GridSpec(count=20), problem)
    result = cross_validate(fits, folds, grid, metric="mse", automatic=automatic)
    assert len(result.curve.lambdas) > 20
    assert np.all(np.diff(result.curve.lambdas) < 0)
    assert set(grid) <= set(result.curve.lambdas)
    assert result.fold_losses == pytest.approx(fits.losses(result.curve.lambdas, "mse"), rel=1e-12)
    assert result.kkt_max == fits.kkt_max < 1e-9
    given = cross_validate(fits, folds, grid, metric="mse")
    assert np.array_equal(given.curve.lambdas, grid)
    assert given.curve.edge == "high"


def test_lambdas_given_keep_their_order_and_may_hold_0():
    problem, folds = gaussian()
    lambdas = np.array([1.0, 0.0, 10.0])
    result = cross_validate(fold_fits(problem, folds, "sum"), folds, lambdas, metric="mae")
    assert np.array_equal(result.curve.lambdas, lambdas)
    for i, lam in enumerate(lambdas):
        alone = fold_fits(problem, folds, "sum").losses(np.array([lam]), "mae")[:, 0]
        assert result.fold_losses[:, i] == pytest.approx(alone, rel=1e-10)


def test_a_metric_that_a_fold_does_not_have_is_an_error():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(60, 3))
    y = (X[:, 0] + rng.normal(size=60) > 0).astype(float)
    ids = np.arange(60) % 5
    y[ids == 2] = 1.0
    problem, folds = make_problem(X, y, family="binomial"), Folds(ids[None, :], 5, "given")
    fits = fold_fits(problem, folds, "sum")
    with pytest.raises(FitError, match="the auc of fold 3 is not a finite number at any lambda"):
        cross_validate(fits, folds, LAMBDAS, metric="auc", automatic=True)
    assert np.isfinite(cross_validate(fits, folds, LAMBDAS, metric="deviance").curve.mean).all()
    assert validation_metrics(fits, [1.0])[0]["auc"] is None


@pytest.mark.parametrize("rule", ["min", "1se"])
@pytest.mark.parametrize(
    ("settings", "thinner"),
    [
        ({"family": "binomial"}, True), ({"bounds": (np.zeros(4), np.full(4, np.inf))}, True),
        ({"l1_ratio": 1.0, "relax_gamma": 0.5}, True), ({}, False), ({"l1_ratio": 1.0}, False),
    ],
)  # fmt: skip
def test_where_only_the_choice_counts_dear_lambdas_are_not_all_tried(settings, thinner, rule):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(60, 4))
    y = X @ [1.0, 0.5, 0.0, 0.0] + 3.0 * rng.normal(size=60)
    y = np.where(y > 0.0, 1.0, 0.0) if settings.get("family") else y
    problem, folds = make_problem(X, y, **settings), draw_folds(60, 5)
    grid, automatic = lambda_grid(GridSpec(), problem)
    whole = cross_validate(
        fold_fits(problem, folds, "sum"), folds, grid, metric="deviance", automatic=automatic
    ).curve
    hurried = cross_validate(
        fold_fits(problem, folds, "sum"), folds, grid, metric="deviance", automatic=automatic, only=rule
    ).curve
    assert (len(hurried.lambdas) < 0.6 * len(whole.lambdas)) == thinner
    assert hurried.lambdas[hurried.index_by(rule)] == pytest.approx(whole.lambdas[whole.index_by(rule)])
