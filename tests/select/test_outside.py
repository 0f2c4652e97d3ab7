"""Models of scikit-learn in a comparison: where one is ours too, both have the same errors in every fold."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.core.problem import make_problem
from l2cli.data.folds import draw_folds
from l2cli.errors import FitError, UsageError
from l2cli.select.candidates import OutsideModel
from l2cli.select.cv import fold_fits
from l2cli.select.outside import check_name, outside_etas
from l2cli.select.scores import fold_values


def design(seed=3, n=90, p=4):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    eta = X @ np.linspace(1.0, -0.5, p)
    X[rng.random((n, p)) < 0.08] = np.nan
    return rng, X, eta


def outside_losses(model, problem, folds, metric, seed):
    etas, said = outside_etas(model, problem, folds, metric, seed)
    rows = [np.flatnonzero(ids == f) for ids in folds.ids for f in range(folds.k)]
    return fold_values(etas, rows, problem, folds, metric), said


def ours(problem, folds, metric):
    return fold_fits(problem, folds, "sum").losses(np.zeros(1), metric)[:, 0]


@pytest.mark.parametrize("metric", ["mse", "mae", "r2"])
@pytest.mark.parametrize("weighted", [False, True])
def test_least_squares_is_least_squares(metric, weighted):
    rng, X, eta = design()
    y = eta + rng.normal(size=len(eta))
    problem = make_problem(X, y, weights=rng.uniform(0.5, 2.0, len(y)) if weighted else None)
    folds = draw_folds(len(y), 5, repeats=2)
    values, said = outside_losses(OutsideModel("LinearRegression"), problem, folds, metric, 0)
    np.testing.assert_allclose(values, ours(problem, folds, metric), rtol=1e-9)
    assert said == []


@pytest.mark.parametrize("metric", ["deviance", "auc", "brier", "error"])
def test_logistic_regression_is_logistic_regression(metric):
    rng, X, eta = design()
    y = (eta + rng.logistic(size=len(eta)) > 0).astype(float)
    problem = make_problem(X, y, family="binomial")
    folds = draw_folds(len(y), 4, strata=y.astype(np.int64))
    model = OutsideModel("LogisticRegression", (("C", 1e8), ("tol", 1e-10), ("max_iter", 2000)))
    values, _ = outside_losses(model, problem, folds, metric, 0)
    np.testing.assert_allclose(values, ours(problem, folds, metric), rtol=1e-4)


def test_counts_and_several_classes():
    rng, X, eta = design()
    counts = make_problem(X, rng.poisson(np.exp(0.5 * eta)).astype(float), family="poisson")
    folds = draw_folds(len(eta), 4)
    model = OutsideModel("PoissonRegressor", (("alpha", 0.0), ("tol", 1e-9), ("max_iter", 2000)))
    values, _ = outside_losses(model, counts, folds, "deviance", 0)
    np.testing.assert_allclose(values, ours(counts, folds, "deviance"), rtol=1e-5)
    codes = np.digitize(eta + 2.0 * rng.logistic(size=len(eta)), [-1.0, 1.0])
    classes = make_problem(X, np.eye(3)[codes], family="multinomial")
    folds = draw_folds(len(eta), 4, strata=codes)
    model = OutsideModel("LogisticRegression", (("C", 1e8), ("tol", 1e-10), ("max_iter", 5000)))
    values, _ = outside_losses(model, classes, folds, "deviance", 0)
    np.testing.assert_allclose(values, ours(classes, folds, "deviance"), rtol=1e-3)


def test_random_models_take_the_seed():
    rng, X, eta = design()
    problem, folds = make_problem(X, eta + rng.normal(size=len(eta))), draw_folds(len(eta), 3)
    forest = OutsideModel("RandomForest", (("n_estimators", 5),))
    first, again, other = (outside_losses(forest, problem, folds, "mse", seed)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_what_an_estimator_warns_of_is_told_once():
    rng, X, eta = design()
    problem = make_problem(X, (eta + rng.logistic(size=len(eta)) > 0).astype(float), family="binomial")
    model = OutsideModel("LogisticRegression", (("max_iter", 1), ("C", 1e6)))
    _, said = outside_losses(model, problem, draw_folds(len(eta), 3), "deviance", 0)
    assert len(said) == 1
    assert said[0].startswith("ConvergenceWarning")


def test_what_it_cannot_do_is_refused():
    rng, X, eta = design()
    y, folds = eta + rng.normal(size=len(eta)), draw_folds(len(eta), 3)
    weighted = make_problem(X, y, weights=np.arange(1.0, len(y) + 1))
    plain, binary = make_problem(X, y), make_problem(X, (y > 0).astype(float), family="binomial")
    for problem, model, metric, message in (
        (plain, OutsideModel("Nonsense"), "mse", "no regressor"),
        (plain, OutsideModel("LogisticRegression"), "mse", "no regressor"),
        (plain, OutsideModel("Ridge", (("strength", 1.0),)), "mse", "strength"),
        (make_problem(X, y, offset=y), OutsideModel("Ridge"), "mse", "no offset"),
        (binary, OutsideModel("LinearSVC"), "deviance", "no probabilities"),
        (weighted, OutsideModel("KNeighbors"), "mse", "weights"),
    ):
        with pytest.raises(UsageError, match=message):
            outside_losses(model, problem, folds, metric, 0)
    with pytest.raises(FitError, match="failed"):
        outside_losses(OutsideModel("Ridge", (("alpha", -1.0),)), plain, folds, "mse", 0)
    assert np.isfinite(outside_losses(OutsideModel("LinearSVC"), binary, folds, "error", 0)[0]).all()
    check_name(OutsideModel("HistGradientBoosting"))
    with pytest.raises(UsageError, match="no model 'RandomForrest'"):
        check_name(OutsideModel("RandomForrest"))
