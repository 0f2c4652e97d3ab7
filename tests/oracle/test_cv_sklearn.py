"""Cross-validation against scikit-learn pipelines that standardize inside every fold."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge, RidgeCV
from sklearn.model_selection import PredefinedSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from l2cli.core.path import design_factor
from l2cli.core.problem import make_problem
from l2cli.data.folds import draw_folds
from l2cli.select.cv import fold_fits
from l2cli.select.loo import leave_one_out

LAMBDAS = np.array([100.0, 5.0, 0.2])


def data(n, p, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * rng.uniform(0.3, 3.0, size=p) + 1.0
    eta = X[:, 0] - X[:, -1]
    X[rng.random((n, p)) < 0.1] = np.nan
    return X, eta + rng.normal(size=n), (eta + rng.logistic(size=n) > 0).astype(float)


@pytest.mark.parametrize(
    ("metric", "scoring"),
    [
        ("mse", "neg_mean_squared_error"),
        ("mae", "neg_mean_absolute_error"),
        ("rmse", "neg_root_mean_squared_error"),
    ],
)
@pytest.mark.parametrize("shape", [(80, 5), (30, 50)], ids=["long", "wide"])
def test_ridge_in_a_pipeline(shape, metric, scoring):
    X, y, _ = data(*shape)
    folds = draw_folds(shape[0], 5, seed=1)
    found = fold_fits(make_problem(X, y), folds, "sum").losses(LAMBDAS, metric)
    for i, lam in enumerate(LAMBDAS):
        pipeline = make_pipeline(SimpleImputer(), StandardScaler(), Ridge(alpha=lam, solver="svd"))
        scores = cross_val_score(pipeline, X, y, cv=PredefinedSplit(folds.ids[0]), scoring=scoring)
        assert found[:, i] == pytest.approx(-scores, rel=1e-8)


@pytest.mark.parametrize(
    ("metric", "scoring", "sign"),
    [
        ("log_loss", "neg_log_loss", -1),
        ("brier", "neg_brier_score", -1),
        ("auc", "roc_auc", 1),
        ("accuracy", "accuracy", 1),
        ("f1", "f1", 1),
    ],
)
@pytest.mark.parametrize("shape", [(100, 5), (30, 50)], ids=["long", "wide"])
def test_logistic_regression_in_a_pipeline(shape, metric, scoring, sign):
    X, _, y = data(*shape)
    folds = draw_folds(shape[0], 4, seed=1, strata=y.astype(np.int64))
    found = fold_fits(make_problem(X, y, family="binomial"), folds, "sum").losses(LAMBDAS, metric)
    for i, lam in enumerate(LAMBDAS):
        model = LogisticRegression(C=1 / lam, tol=1e-12, max_iter=10_000, solver="newton-cholesky")
        pipeline = make_pipeline(SimpleImputer(), StandardScaler(), model)
        scores = cross_val_score(pipeline, X, y, cv=PredefinedSplit(folds.ids[0]), scoring=scoring)
        assert found[:, i] == pytest.approx(sign * scores, abs=2e-5)


@pytest.mark.parametrize("shape", [(80, 5), (30, 50)], ids=["long", "wide"])
def test_leave_one_out_is_that_of_ridge_cv(shape):
    """RidgeCV keeps the columns as they are given and refits the intercept, as PRESS does."""
    X, y, _ = data(*shape)
    problem = make_problem(X, y)
    curve, _ = leave_one_out(problem, design_factor(problem, 0.0), LAMBDAS)
    rival = RidgeCV(alphas=LAMBDAS, store_cv_results=True).fit(problem.X, y)
    assert curve.mean == pytest.approx(rival.cv_results_.mean(axis=0), rel=1e-8)
    assert LAMBDAS[curve.index_min] == rival.alpha_
