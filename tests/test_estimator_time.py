"""Splits in time for the estimators: folds that are trained on ever more rows."""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss, mean_gamma_deviance, mean_squared_error
from sklearn.model_selection import TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import l2cli
from l2cli.estimators import L2Classifier, L2ClassifierCV, L2Regressor, L2RegressorCV


@pytest.fixture(scope="module")
def rows():
    """Columns of unlike scales, a numeric target, two labels, weights."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(90, 4)) * [1.0, 10.0, 0.1, 3.0] + [0.0, 5.0, -2.0, 100.0]
    eta = X @ [1.0, -0.2, 4.0, 0.1] - 1.0
    y = eta + rng.normal(size=90)
    labels = np.where(eta + rng.logistic(size=90) > np.median(eta), "yes", "no")
    return X, y, labels, rng.uniform(0.2, 3.0, size=90)


@pytest.mark.parametrize(
    ("make", "number"),
    [
        (L2Regressor, True),
        (partial(L2Regressor, l1_ratio=1.0), True),
        (partial(L2Regressor, family="gamma", standardize=False), True),
        (partial(L2Regressor, bounds=(0.0, None)), True),
        (L2Classifier, False),
        (partial(L2Classifier, l1_ratio=0.5, penalty_factor=[1.0, 0.0, 1.0, 2.0]), False),
    ],
    ids=["ridge", "lasso", "gamma", "bounds", "classes", "classes, elastic net"],
)
@pytest.mark.parametrize("given", [{}, {"gap": 4}, {"n_splits": 3, "test_size": 9, "gap": 2}], ids=str)
def test_splits_in_time_train_on_earlier_rows(rows, make, number, given):
    X, y, labels, weights = rows
    target = np.exp(y / 8) if make is not L2Regressor and number else y if number else labels
    cuts, grid = TimeSeriesSplit(**given), [10.0, 1.0, 0.1]
    losses, share = [], []
    for train, test in cuts.split(X):
        fits = [make(lam).fit(X[train], target[train], weights[train]) for lam in grid]
        losses.append([mean_loss(fit, X[test], target[test], weights[test]) for fit in fits])
        share.append(weights[test].sum())
    mean = np.average(losses, axis=0, weights=share)
    spread = np.average((losses - mean) ** 2, axis=0, weights=share)
    chosen = L2RegressorCV if number else L2ClassifierCV
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the best lambda may be on an edge of these three
        model = chosen(grid, cv=cuts, **getattr(make, "keywords", {})).fit(X, target, weights)
    np.testing.assert_allclose(model.mean_, mean, rtol=1e-6)
    np.testing.assert_allclose(model.se_, np.sqrt(spread / (len(losses) - 1)), rtol=1e-5)


def mean_loss(fit, X, y, weights):
    """Return the mean squared error; of classes, and of amounts, the mean deviance."""
    if isinstance(fit, L2Classifier):
        return 2.0 * log_loss(y, fit.predict_proba(X), sample_weight=weights)
    score = mean_gamma_deviance if fit.family == "gamma" else mean_squared_error
    return score(y, fit.predict(X), sample_weight=weights)


@pytest.mark.parametrize("given", [{"n_splits": 4}, {"n_splits": 3, "test_size": 11, "gap": 6}], ids=str)
def test_splits_in_time_score_as_in_scikit_learn(rows, given):
    X, y, labels, _ = rows
    cuts, grid = TimeSeriesSplit(**given), [20.0, 2.0, 0.01]
    for chosen, target, make, scoring, unit in (
        (L2RegressorCV, y, Ridge, "neg_mean_squared_error", 1.0),
        (L2ClassifierCV, labels, logistic, "neg_log_loss", 2.0),
    ):
        pipelines = [make_pipeline(StandardScaler(), make(lam)) for lam in grid]
        scores = [cross_val_score(p, X, target, cv=cuts, scoring=scoring).mean() for p in pipelines]
        model = chosen(grid, cv=cuts).fit(X, target)
        np.testing.assert_allclose(model.mean_, -unit * np.array(scores), rtol=1e-6)


def logistic(lam):
    return LogisticRegression(C=1.0 / lam, tol=1e-10, max_iter=1000)


def test_splits_in_time_are_the_folds_of_a_time_column(rows):
    X, y, _, weights = rows
    model = L2RegressorCV(cv=list(TimeSeriesSplit(4, gap=3).split(X))).fit(X[:, :3], y, weights)
    same = l2cli.cv(X[:, :3], y, sample_weight=weights, time_column=np.arange(90), gap=3, folds=4)
    np.testing.assert_allclose(model.mean_, same.mean, rtol=1e-12)
    np.testing.assert_allclose(model.se_, same.se, rtol=1e-12)


def test_bands_are_chosen_by_splits_in_time(rows):
    X, y, _, _ = rows
    given: dict[str, Any] = {
        "column_groups": {"a": ["x0", "x1"], "b": ["x2", "x3"]},
        "group_penalty": "banded",
    }
    model = L2RegressorCV(cv=TimeSeriesSplit(3), **given).fit(X, y)
    same = l2cli.cv(X, y, time_column=np.arange(90), folds=3, **given)
    assert model.group_lambda_ == pytest.approx(same.to_dict()["settings"]["group_lambdas"], rel=1e-9)


def test_rows_of_weight_zero_take_no_part_in_splits_in_time(rows):
    X, y, _, weights = rows
    weights = weights.copy()
    weights[[3, 20, *range(45, 60), 88]] = 0.0  # one test is without rows
    kept = weights > 0
    place = np.cumsum(kept) - 1
    splits = list(TimeSeriesSplit(5).split(X))
    fewer = [(place[train[kept[train]]], place[test[kept[test]]]) for train, test in splits]
    fewer = [split for split in fewer if len(split[1])]
    assert len(fewer) == 4
    model = L2RegressorCV(cv=splits).fit(X, y, weights)
    same = L2RegressorCV(cv=fewer).fit(X[kept], y[kept], weights[kept])
    np.testing.assert_allclose(model.mean_, same.mean_, rtol=1e-12)


@pytest.mark.parametrize(
    ("cv", "message"),
    [
        (TimeSeriesSplit(3, max_train_size=20), "ever more rows.*TimeSeriesSplit without max_train_size"),
        ([(np.arange(30), np.arange(30, 60)), (np.arange(60), np.arange(50, 90))], "ever more rows"),
        ([([], np.arange(30)), (np.arange(30), np.arange(30, 60))], "splits with rows to train on"),
        ([([0, 0, 1], [2, 3]), ([0, 1, 2, 3], [4, 5])], "holds a row twice"),
        ([(np.arange(90) < 30, np.arange(90) >= 30)], "must hold row numbers; np.flatnonzero"),
        ([(["a"], ["b"])], "must hold row numbers"),
        ([(np.arange(30), np.arange(30, 91)), (np.arange(89), [89])], "holds row 90 of 0 to 89"),
    ],
)
def test_splits_that_do_not_grow_are_refused(rows, cv, message):
    X, y, _, _ = rows
    with pytest.raises(ValueError, match=message):
        L2RegressorCV(cv=cv).fit(X, y)


def test_one_class_before_the_first_test_is_an_error(rows):
    X, _, labels, _ = rows
    order = np.argsort(labels, kind="stable")
    with pytest.raises(ValueError, match="before fold 1 only one class is left to train on"):
        L2ClassifierCV(cv=TimeSeriesSplit(5)).fit(X[order], labels[order])
