"""Nested cross-validation against explicit loops of refits; coverage of the intervals, small."""

from __future__ import annotations

import numpy as np
import pytest
from interval_coverage import CELLS, study

from l2cli.core.problem import make_problem
from l2cli.core.sharing import each_target
from l2cli.data.folds import Folds, draw_folds
from l2cli.errors import UsageError
from l2cli.select.cv import cross_validate, fold_fits, gaussian_fold_fits
from l2cli.select.gaussian_folds import GaussianFolds
from l2cli.select.nested import inner_fits, nested, tuned_curve

GRID = np.array([300.0, 30.0, 10.0, 3.0, 1.0, 0.1])


def data(n=48, p=5, *, family="gaussian", missing=True, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    y = X @ rng.normal(size=p) * 0.7 + 2.0 * rng.normal(size=n)
    if family == "binomial":
        y = (y > 0.0).astype(float)
    if missing:
        X[rng.random((n, p)) < 0.1] = np.nan
    return X, y, rng.uniform(0.5, 2.0, n), rng.normal(size=n) * 0.3


@pytest.mark.parametrize("scale", ["sum", "mean"])
@pytest.mark.parametrize("grouped", [False, True])
def test_weighted_and_grouped_ridge_is_that_of_explicit_loops(by_hand, grouped, scale):
    X, y, s, o = data()
    folds = draw_folds(48, 4, repeats=2, groups=np.arange(48) // 3 if grouped else None)
    grid = GRID / (40.0 if scale == "mean" else 1.0)

    def loss(train, test, lam):
        fit = by_hand(
            X[train],
            y[train],
            s[train],
            o[train],
            np.ones(5),
            lam * (s[train].sum() if scale == "mean" else 1.0),
        )
        away = (y[test] - fit.predict(X[test], o[test])) ** 2
        return s[test] @ away / s[test].sum(), away

    chosen, values, weights = [], [], []
    for ids in folds.ids:
        for outer in range(4):
            train, inner = ids != outer, [g for g in range(4) if g != outer]
            table = np.array([[loss(train & (ids != g), ids == g, lam)[0] for lam in grid] for g in inner])
            share = np.array([s[ids == g].sum() for g in inner]) / s[train].sum()
            chosen.append(grid[int(np.argmin(share @ table))])
            values.append(loss(train, ids == outer, chosen[-1])[0])
            weights.append(s[ids == outer].sum())
    result = cross_validate(
        fold_fits(make_problem(X, y, weights=s, offset=o), folds, scale), folds, grid, metric="mse"
    )
    found = nested(result, scale, "min")
    assert found.lambdas.tolist() == chosen
    assert found.value == pytest.approx(np.average(values, weights=weights), rel=1e-10)
    assert len(set(chosen)) > 1


@pytest.mark.parametrize(
    ("shape", "more"),
    [
        ((48, 5), {"l1_ratio": 1.0}),
        ((48, 5), {"l1_ratio": 0.5, "relax_gamma": 0.0}),
        ((30, 60), {}),
        ((30, 60), {"l1_ratio": 1.0}),
        ((48, 5), {"intercept": False}),
        ((48, 5), {"groups": np.array([0, 0, 1, 1, 2])}),
        ((48, 5), {"bounds": (np.zeros(5), np.full(5, np.inf))}),
    ],
)
@pytest.mark.parametrize("metric", ["mse", "mae", "r2"])
def test_merged_moments_tune_as_refits_of_the_rows_do(shape, more, metric):
    X, y, s, o = data(*shape)
    folds = draw_folds(len(y), 5)
    problem = make_problem(X, y, weights=s, offset=o, **more)
    fits = fold_fits(problem, folds, "sum")
    for i in (0, 3):
        ids = folds.ids[0]
        rows = np.flatnonzero(ids != i)
        others = Folds((ids - (ids > i))[None, rows], 4, "rows")
        alone = fold_fits(problem.take(rows), others, "sum").losses(GRID, metric)
        assert inner_fits(fits, "sum", i).losses(GRID, metric) == pytest.approx(alone, rel=1e-7, abs=1e-9)


def test_moments_of_pairs_left_out_come_without_the_rows(monkeypatch):
    X, y, s, o = data(missing=False)
    folds = draw_folds(48, 4)
    fits = gaussian_fold_fits(make_problem(X, y, weights=s, offset=o), folds, "sum")
    monkeypatch.setattr("l2cli.select.gaussian_folds.fold_moments", None)  # would be called for the rows
    inner = inner_fits(fits, "sum", 1)
    assert isinstance(inner, GaussianFolds)
    assert inner.moments is not None
    assert [m.rows for m in inner.moments.training(inner.folds.k)] == [24, 24, 24]
    assert np.isfinite(inner.losses(GRID, "mse")).all()


def test_each_of_several_targets_is_nested_as_if_alone():
    X, y, s, _ = data(missing=False)
    Y = np.column_stack([y, y[::-1] + X[:, 0]])
    folds = draw_folds(48, 4)
    several = make_problem(X, Y, weights=s)
    together = gaussian_fold_fits(several, folds, "sum")
    for t, problem in enumerate(each_target(several)):
        fits = together.for_target(t, problem)
        found = nested(cross_validate(fits, folds, GRID, metric="rmse"), "sum", "1se")
        lone = fold_fits(make_problem(X, Y[:, t], weights=s), folds, "sum")
        alone = nested(cross_validate(lone, folds, GRID, metric="rmse"), "sum", "1se")
        assert found.lambdas.tolist() == alone.lambdas.tolist()
        assert found.value == pytest.approx(alone.value, rel=1e-10)
        assert found.spread.covariance == pytest.approx(alone.spread.covariance, rel=1e-8)


def test_other_families_are_fitted_anew_inside_every_fold():
    X, y, s, o = data(family="binomial", missing=False)
    folds = draw_folds(48, 3, strata=y.astype(int))
    problem = make_problem(X, y, family="binomial", weights=s, offset=o)
    result = cross_validate(fold_fits(problem, folds, "sum"), folds, GRID, metric="deviance")
    found = nested(result, "sum", "min")
    ids = folds.ids[0]
    for i in range(3):
        rows = np.flatnonzero(ids != i)
        others = Folds((ids - (ids > i))[None, rows], 2, "stratified")
        curve = cross_validate(
            fold_fits(problem.take(rows), others, "sum"), others, GRID, metric="deviance"
        ).curve
        assert found.lambdas[i] == curve.lambdas[curve.index_min]
    own = result.fold_losses[np.arange(3), [int(np.flatnonzero(lam == GRID)[0]) for lam in found.lambdas]]
    assert found.value == pytest.approx(np.average(own, weights=result.fits.fold_weights))


@pytest.mark.parametrize("grouped", [False, True])
def test_of_two_folds_each_is_tuned_on_ten_new_ones_of_its_rows(grouped):
    X, y, s, o = data(missing=False)
    groups = np.arange(48) // 3 if grouped else None
    folds, problem = draw_folds(48, 2, groups=groups), make_problem(X, y, weights=s, offset=o)
    result = cross_validate(fold_fits(problem, folds, "sum"), folds, GRID, metric="mse")
    found = nested(result, "sum", "min", groups=groups, seed=3)
    for i in range(2):
        rows = folds.training(i)
        k = 10 if groups is None else len(np.unique(groups[rows]))
        inner = draw_folds(len(rows), k, seed=3, groups=None if groups is None else groups[rows])
        own = cross_validate(fold_fits(problem.take(rows), inner, "sum"), inner, GRID, metric="mse")
        again = inner_fits(result.fits, "sum", i, groups=groups, seed=3)
        assert again.losses(GRID, "mse") == pytest.approx(own.fold_losses, rel=1e-10)
        assert found.lambdas[i] == own.curve.lambdas[own.curve.index_min]


@pytest.mark.parametrize("grouped", [False, True])
def test_one_row_or_group_that_a_fold_leaves_cannot_be_tuned_on(grouped):
    X, y, s, o = data(n=8 if grouped else 3)
    groups = np.arange(8) // 4 if grouped else None
    folds = draw_folds(len(y), 2, groups=groups)
    fits = fold_fits(make_problem(X, y, weights=s, offset=o), folds, "sum")
    least = min(range(2), key=lambda i: len(folds.training(i)))
    what = "group" if grouped else "row"
    with pytest.raises(UsageError, match=f"^without fold {least + 1} only one {what} is left") as caught:
        inner_fits(fits, "sum", least, groups=groups)
    assert caught.value.hint == f"give more --folds, of three {what}s or more"


@pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
def test_a_long_grid_of_dear_lambdas_is_tuned_on_though_not_all_of_it_is_solved(l1_ratio):
    X, y, s, _ = data(family="binomial")
    problem = make_problem(X, y, weights=s, family="binomial", l1_ratio=l1_ratio)
    folds = draw_folds(48, 5, strata=y.astype(int))
    grid = np.geomspace(0.01, 30.0, 80)  # in any order
    short = tuned_curve(fold_fits(problem, folds, "sum"), grid, "deviance")
    whole = cross_validate(fold_fits(problem, folds, "sum"), folds, grid, metric="deviance").curve
    assert len(short.lambdas) < 45
    for rule in ("min", "1se"):
        assert short.lambdas[short.index_by(rule)] == whole.lambdas[whole.index_by(rule)]
    assert short.mean.min() == pytest.approx(whole.mean.min(), rel=1e-6)


@pytest.mark.parametrize(("cell", "naive_fails"), [("n60", True), ("n200", False)])
def test_intervals_cover_about_as_often_as_they_say(cell, naive_fails):
    """Of 80 draws each: 90 % less three binomial standard errors, where the naive interval falls short."""
    row = study(CELLS[cell], 80, nest=cell == "n60")
    assert row["fold"] >= 0.9 - 3.0 * np.sqrt(0.09 / 80)
    assert row["refit"] >= 0.9 - 3.0 * np.sqrt(0.09 / 80)
    assert row["naive"] <= row["fold"]
    if naive_fails:
        assert row["naive"] < 0.87 < row["fold"]
        assert row["nested"] >= 0.9 - 3.0 * np.sqrt(0.09 / 80)
        assert row["raw"] < row["corrected"]
        assert abs(row["corrected"]) < abs(row["raw"])


def test_intervals_of_blocks_in_time_cover_where_the_losses_are_correlated():
    row = study(CELLS["time-folds5"], 80, nest=True)
    assert min(row["fold"], row["nested"]) >= 0.9 - 3.0 * np.sqrt(0.09 / 80)
    assert row["naive"] < 0.7


@pytest.mark.parametrize(("cell", "naive"), [("grouped-level", 0.82), ("auc-few", 0.9)])
def test_intervals_of_groups_and_ranks_cover(cell, naive):
    """Of 60 draws: at least 90 % less three standard errors; the uncorrected one holds below ``naive``."""
    row = study(CELLS[cell], 60)
    assert row["fold"] >= 0.9 - 3.0 * np.sqrt(0.09 / 60)
    assert row["refit"] >= 0.9 - 3.0 * np.sqrt(0.09 / 60)
    assert row["naive"] < min(naive, row["fold"])
