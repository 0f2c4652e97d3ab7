"""The scikit-learn face: its own checks, the numbers of the command line, and what is refused."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    RepeatedKFold,
    ShuffleSplit,
    StratifiedKFold,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import l2cli
from l2cli.errors import FitError, UsageError
from l2cli.estimators import L2Classifier, L2ClassifierCV, L2Regressor, L2RegressorCV
from l2cli.spec import GridSpec


@pytest.fixture(scope="module")
def rows():
    """Columns of unlike scales, a numeric target, two labels, weights with zeros among them."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(90, 4)) * [1.0, 10.0, 0.1, 3.0] + [0.0, 5.0, -2.0, 100.0]
    eta = X @ [1.0, -0.2, 4.0, 0.1] - 1.0
    y = eta + rng.normal(size=90)
    labels = np.where(eta + rng.logistic(size=90) > np.median(eta), "yes", "no")
    weights = rng.integers(0, 4, size=90).astype(float)
    return X, y, labels, weights


# ------------------------------------------------------------ scikit-learn's own checks


@parametrize_with_checks([L2Regressor(), L2Classifier(), L2RegressorCV(), L2ClassifierCV()])
def test_scikit_learn_accepts_the_estimator(estimator, check):
    check(estimator)


def test_scikit_learn_accepts_the_estimators_under_the_array_api_too():
    """SciPy reads the switch when it is imported, so the check that needs it runs in a process of its own."""
    code = """
        from sklearn.utils.estimator_checks import estimator_checks_generator
        from l2cli import L2Classifier, L2ClassifierCV, L2Regressor, L2RegressorCV

        for model in (L2Regressor(), L2Classifier(), L2RegressorCV(), L2ClassifierCV()):
            for estimator, check in estimator_checks_generator(model):
                if "array_api" in check.func.__name__:
                    check(estimator)
                    print(type(model).__name__)
    """
    code = "\n".join(line[8:] for line in code.splitlines())
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, "SCIPY_ARRAY_API": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.stderr, done.returncode) == ("", 0)
    assert set(done.stdout.split()) == {"L2Regressor", "L2Classifier", "L2RegressorCV", "L2ClassifierCV"}


# ------------------------------------------------------------ the command line's numbers


@pytest.mark.parametrize("lam", [0.0, 0.7, 40.0])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("standardize", [True, False])
def test_a_given_lambda_gives_the_numbers_of_fit(rows, lam, intercept, standardize):
    X, y, labels, weights = rows
    factors = [1.0, 0.0, 2.0, 0.5]
    fixed = {"standardize": standardize, "penalty_factor": factors}
    for estimator, target in ((L2Regressor, y), (L2Classifier, labels)):
        model = estimator(lam, fit_intercept=intercept, **fixed).fit(X, target, weights)
        same = l2cli.fit(X, target, lam=lam, sample_weight=weights, intercept=intercept, **fixed)
        np.testing.assert_allclose(np.ravel(model.coef_), same.coef, rtol=1e-10)
        np.testing.assert_allclose(np.ravel(model.intercept_), [same.intercept], rtol=1e-10)
        assert model.effective_df_ == pytest.approx(same.to_dict()["effective_df"], rel=1e-10)
        assert model.kkt_residual_ < 1e-12
        np.testing.assert_array_equal(model.predict(X[:5]), same.predict(X[:5]))


@pytest.mark.parametrize("rule", ["min", "1se"])
def test_cross_validation_gives_the_numbers_of_cv(rows, rule):
    X, y, labels, weights = rows
    for estimator, target in ((L2RegressorCV, y), (L2ClassifierCV, labels)):
        model = estimator(rule=rule, seed=3).fit(X, target, sample_weight=weights)
        same = l2cli.cv(X, target, sample_weight=weights, rule=rule, seed=3)
        np.testing.assert_allclose(model.lambdas_, same.lambdas, rtol=1e-12)
        np.testing.assert_allclose(model.mean_, same.mean, rtol=1e-12)
        np.testing.assert_allclose(model.se_, same.se, rtol=1e-10)
        assert model.lambda_min_ == pytest.approx(same.lambda_min, rel=1e-12)
        assert model.lambda_1se_ == pytest.approx(same.lambda_1se, rel=1e-12)
        assert model.lam_ == pytest.approx(same.refit.lam, rel=1e-12)
        np.testing.assert_allclose(np.ravel(model.coef_), same.refit.coef, rtol=1e-10)


@pytest.mark.parametrize("metric", [None, "mae", "r2"])
def test_leave_one_out_gives_the_numbers_of_fit(rows, metric):
    X, y, _, _ = rows
    model = L2RegressorCV(cv="loo", metric=metric).fit(X, y)
    same = l2cli.fit(X, y, metric=metric)
    assert model.lam_ == pytest.approx(same.lam, rel=1e-12)
    np.testing.assert_allclose(model.mean_, same.to_dict()["selection"]["values"], rtol=1e-10)
    np.testing.assert_allclose(model.coef_, same.coef, rtol=1e-10)


def test_a_number_of_folds_and_a_grid_are_those_of_cv(rows):
    X, _, labels, _ = rows
    model = L2ClassifierCV(GridSpec(low=0.1, high=50.0, count=7), cv=4, metric="auc").fit(X, labels)
    same = l2cli.cv(X, labels, lambdas=GridSpec(low=0.1, high=50.0, count=7), folds=4, metric="auc")
    np.testing.assert_allclose(model.mean_, same.mean, rtol=1e-12)
    assert model.lam_ == same.refit.lam


def test_workers_do_not_change_the_numbers(rows):
    X, _, labels, _ = rows
    wide = np.hstack([X, np.random.default_rng(1).normal(size=(90, 100))])  # p > n: fold by fold
    serial = L2ClassifierCV([1e4, 100.0, 1.0], cv=3, n_jobs=1).fit(wide, labels)
    parallel = L2ClassifierCV([1e4, 100.0, 1.0], cv=3, n_jobs=-1).fit(wide, labels)
    np.testing.assert_allclose(parallel.mean_, serial.mean_, rtol=1e-12)
    np.testing.assert_allclose(parallel.coef_, serial.coef_, rtol=1e-12)


# ------------------------------------------------------------ and scikit-learn's


def test_ridge_after_scaling_is_the_same_model(rows):
    X, y, _, weights = rows
    model = L2Regressor(3.0).fit(X, y)
    rival = make_pipeline(StandardScaler(), Ridge(alpha=3.0, solver="svd")).fit(X, y)
    np.testing.assert_allclose(model.predict(X), rival.predict(X), rtol=1e-9)
    raw = L2Regressor(3.0, standardize=False).fit(X, y, weights)
    plain = Ridge(alpha=3.0, solver="cholesky").fit(X, y, weights)
    np.testing.assert_allclose(raw.coef_, plain.coef_, rtol=1e-9)
    assert raw.score(X, y) == pytest.approx(plain.score(X, y), rel=1e-12)


def test_logistic_regression_after_scaling_is_the_same_model(rows):
    X, _, labels, _ = rows
    model = L2Classifier(2.0).fit(X, labels)
    rival = make_pipeline(StandardScaler(), LogisticRegression(C=0.5, solver="newton-cholesky", tol=1e-12))
    rival.fit(X, labels)
    assert model.classes_.tolist() == ["no", "yes"]
    np.testing.assert_allclose(model.predict_proba(X), rival.predict_proba(X), atol=1e-9)
    np.testing.assert_allclose(model.decision_function(X), rival.decision_function(X), atol=1e-8)
    np.testing.assert_array_equal(model.predict(X), rival.predict(X))


def test_searches_pipelines_and_clones_work(rows):
    X, y, labels, _ = rows
    search = GridSearchCV(L2Regressor(standardize=False), {"lam": [0.1, 10.0, 1e6]}, cv=KFold(5))
    assert search.fit(X, y).best_params_["lam"] in {0.1, 10.0}
    assert cross_val_score(make_pipeline(StandardScaler(), L2Classifier()), X, labels, cv=3).min() > 0.6
    model = L2RegressorCV([1.0, 2.0], cv=KFold(3), rule="1se", penalty_factor=[1, 1, 0, 1])
    assert clone(model).get_params()["penalty_factor"] == [1, 1, 0, 1]
    before = repr(model)
    with pytest.warns(UserWarning, match="of those given"):
        assert repr(model.fit(X, y)) == before


# ------------------------------------------------------------ splits


def test_splits_of_scikit_learn_are_folds(rows):
    X, y, labels, _ = rows
    grid = [100.0, 10.0, 1.0]
    cuts = KFold(5, shuffle=True, random_state=2)
    losses = np.zeros((5, 3))
    for k, (train, test) in enumerate(cuts.split(X)):
        for i, lam in enumerate(grid):
            away = y[test] - L2Regressor(lam).fit(X[train], y[train]).predict(X[test])
            losses[k, i] = np.mean(away**2)
    with pytest.warns(UserWarning, match="smallest of those given"):
        model = L2RegressorCV(grid, cv=cuts).fit(X, y)
    np.testing.assert_allclose(model.mean_, losses.mean(axis=0), rtol=1e-9)
    spread = np.sqrt(losses.var(axis=0) / 4)
    np.testing.assert_allclose(model.se_, spread, rtol=1e-7)
    assert L2ClassifierCV([*grid, 0.01], cv=StratifiedKFold(3)).fit(X, labels).lam_ in grid


def test_groups_come_as_a_list_of_splits(rows):
    X, y, _, _ = rows
    groups = np.arange(90) // 6
    splits = list(GroupKFold(5).split(X, y, groups))
    labels = np.empty(90, dtype=int)
    for k, (_, test) in enumerate(splits):
        labels[test] = k
    with pytest.warns(UserWarning, match="lambda"):
        model = L2RegressorCV([10.0, 1.0], cv=splits).fit(X, y)
    with pytest.warns(UserWarning, match="lambda"):
        same = l2cli.cv(X, y, fold_labels=labels, lambdas=[10.0, 1.0])
    np.testing.assert_allclose(model.mean_, same.mean, rtol=1e-12)


def test_repeated_splits_are_repeats(rows):
    X, y, _, _ = rows
    model = L2RegressorCV([10.0, 1.0, 0.1, 0.01], cv=RepeatedKFold(n_splits=3, n_repeats=2, random_state=0))
    parts = [
        L2RegressorCV([10.0, 1.0, 0.1, 0.01], cv=part).fit(X, y).mean_
        for part in np.array_split(np.array(list(model.cv.split(X)), dtype=object), 2)
    ]
    np.testing.assert_allclose(model.fit(X, y).mean_, np.mean(parts, axis=0), rtol=1e-9)


def test_rows_of_weight_zero_belong_to_no_fold(rows):
    X, y, _, weights = rows
    splits = list(KFold(6).split(X))
    kept = weights > 0
    place = np.cumsum(kept) - 1
    fewer = [(place[train[kept[train]]], place[test[kept[test]]]) for train, test in splits]
    model = L2RegressorCV(cv=splits).fit(X, y, weights)
    same = L2RegressorCV(cv=fewer).fit(X[kept], y[kept], weights[kept])
    np.testing.assert_allclose(model.mean_, same.mean_, rtol=1e-12)


@pytest.mark.parametrize(
    ("cv", "message"),
    [
        (ShuffleSplit(4, random_state=0), "every row"),
        ([(np.arange(60), np.arange(60, 90))], "every row"),
        ([(np.arange(40), np.arange(45, 90)), (np.arange(45, 90), np.arange(45))], "train on all others"),
        ([([], np.arange(90))], "2 or more"),
        ([], "2 or more"),
        (1, "2 or more"),
        (91, "91 folds need at least 91 rows"),
        ("LOO", "cv='LOO' is not available here"),
    ],
)
def test_what_is_no_partition_is_refused(rows, cv, message):
    X, y, _, _ = rows
    with pytest.raises(ValueError, match=message) as caught:
        L2RegressorCV(cv=cv).fit(X, y)
    assert isinstance(caught.value.__cause__, UsageError)


def test_few_rows_have_as_many_folds_as_they_can_fill():
    X = np.array([[3.0, 0.0], [0.0, 1.0], [0.0, 2.0], [1.0, 1.0], [1.0, 2.0], [2.0, 1.0]])
    y = np.array([1.0, 2.0, 1.0, 2.5, 3.0, 1.0])
    np.testing.assert_array_equal(L2RegressorCV().fit(X, y).mean_, L2RegressorCV(cv=6).fit(X, y).mean_)
    labels = [0, 0, 0, 1, 1, 1]
    auto, three = L2ClassifierCV().fit(X, labels), L2ClassifierCV(cv=3).fit(X, labels)
    np.testing.assert_array_equal(auto.mean_, three.mean_)


# ------------------------------------------------------------ what is refused or said


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"lam": -1.0}, "lam must be 0 or larger, not -1"),
        ({"lam": float("nan")}, "lam must be 0 or larger, not nan"),
        ({"lam": float("inf")}, "lam must be a finite number, not inf"),
        ({"lam": "auto"}, "lam must be a number, not 'auto'"),
        ({"lam": None}, "lam must be a number, not None"),
        ({"tol": 0.0}, "tol must be larger than 0"),
        ({"tol": "small"}, "tol must be a number, not 'small'"),
        ({"penalty_factor": [1.0, 2.0]}, r"penalty_factor has shape \(2,\)"),
        ({"penalty_factor": [1.0, -2.0, 1.0, 1.0]}, "penalty_factor must be 0 or larger, not -2"),
        ({"penalty_factor": [1.0, 1e300, 1.0, 1.0]}, "penalty_factor must be 0 or from 1e-100 to"),
        ({"penalty_factor": [1.0, np.nan, 1.0, 1.0]}, "penalty_factor must be 0 or larger, not nan"),
        ({"penalty_factor": "x0=2"}, "penalty_factor must be a number for each of 4 features, not 'x0=2'"),
        ({"penalty_factor": {"x0": 2}}, "penalty_factor must be a number for each of 4 features"),
    ],
)
def test_parameters_without_sense_are_refused(rows, parameters, message):
    X, y, labels, _ = rows
    with pytest.raises(ValueError, match=message):
        L2Regressor(**parameters).fit(X, y)
    with pytest.raises(ValueError, match=message):
        L2Classifier(**parameters).fit(X, labels)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"lambdas": "best"}, "lambdas 'best' is not available; choose one of auto, auto:N"),
        ({"lambdas": "auto:"}, "lambdas 'auto:' is not available"),
        ({"lambdas": "auto:x"}, "lambdas 'auto:x' is not available"),
        ({"lambdas": "auto:0"}, "lambdas needs at least one value, not 0"),
        ({"lambdas": []}, "lambdas is empty"),
        ({"lambdas": [1.0, -1.0]}, "must be 0 or larger, not -1"),
        ({"lambdas": 3.0}, "lambdas must be 'auto', 'auto:N' or a sequence of numbers, not 3.0"),
        ({"rule": "max"}, "rule 'max' is not available"),
        ({"metric": "auc"}, "does not fit the family gaussian"),
        ({"seed": -1}, "seed must be a whole number of at least 0, not -1"),
        ({"n_jobs": 0}, "^n_jobs must be a whole number of at least 1, not 0"),
    ],
)
def test_choices_without_sense_are_refused(rows, parameters, message):
    X, y, _, _ = rows
    with pytest.raises(ValueError, match=message):
        L2RegressorCV(**parameters).fit(X, y)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.zeros(90), "not only zero weights"),
        (np.full(90, -1.0), "numbers of 0 or more"),
        (np.full(90, np.nan), "sample_weight contains NaN"),
        (np.ones(89), r"shape \(89,\), not \(90,\)"),
    ],
)
def test_weights_without_sense_are_refused(rows, weights, message):
    X, y, _, _ = rows
    with pytest.raises(ValueError, match=message):
        L2Regressor().fit(X, y, sample_weight=weights)


@pytest.mark.parametrize("estimator", [L2Regressor(), L2RegressorCV(), L2Classifier(), L2ClassifierCV()])
def test_numbers_whose_squares_overflow_are_refused_as_in_files(rows, estimator):
    X, y, labels, _ = rows
    regression = isinstance(estimator, L2Regressor | L2RegressorCV)
    y = np.asarray(y) if regression else np.asarray(labels)
    with pytest.raises(ValueError, match=r"X holds .*: from 1e\+150 on squares overflow"):
        estimator.fit(np.asarray(X) * 1e160, y)
    for weight, message in ((1e200, r"holds 1e\+200: from 1e\+150"), (1e-200, "0 or numbers from 1e-150 on")):
        with pytest.raises(ValueError, match=f"sample_weight.* {message}"):
            estimator.fit(X, y, sample_weight=np.full(90, weight))
    if regression:
        for size, message in ((1e100, r"y holds .*: from 1e\+75 on"), (1e-100, "y differs by less than")):
            with pytest.raises(ValueError, match=message):
                estimator.fit(X, y * size)


def test_one_weight_is_that_of_every_row(rows):
    X, y, *_ = rows
    same = L2Regressor(2.0).fit(X, y, np.full(90, 2.0))
    assert L2Regressor(2.0).fit(X, y, sample_weight=2).coef_.tolist() == same.coef_.tolist()
    assert L2Regressor(1.0).fit(X, y).coef_ == pytest.approx(same.coef_, rel=1e-10)


def test_labels_must_be_classes(rows):
    X, _, labels, _ = rows
    with pytest.raises(ValueError, match="every row of some class of y has weight 0"):
        L2Classifier().fit(X, np.arange(90) % 3, np.arange(90) % 3 > 0)
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        L2Classifier().fit(X, np.arange(90) + 0.5)
    with pytest.raises(ValueError, match="one class only"):
        L2Classifier().fit(X, np.ones(90))
    with pytest.raises(ValueError, match=r"one class only .* in the rows used"):
        L2Classifier().fit(X, labels, (labels == "yes").astype(float))


def test_separated_classes_have_no_answer_at_lambda_zero():
    X, y = np.arange(8.0)[:, None], np.arange(8) > 3
    with pytest.raises(ValueError, match="the classes are separated by size") as caught:
        L2Classifier(0.0).fit(pd.DataFrame(X, columns=["size"]), y)
    assert isinstance(caught.value.__cause__, FitError)
    assert L2Classifier(1e-3).fit(X, y).score(X, y) == 1.0


def test_an_answer_that_did_not_converge_is_no_answer(rows, monkeypatch):
    X, _, labels, _ = rows
    monkeypatch.setattr("l2cli.core.solvers.newton.MAX_ITERATIONS", 2)
    with pytest.raises(ValueError, match=r"not converged at lambda 0\.001") as caught:
        L2Classifier(1e-3).fit(X, labels)
    assert isinstance(caught.value.__cause__, FitError)
    assert L2Classifier(1e-3, tol=1.0).fit(X, labels).kkt_residual_ > 1e-8


def test_tied_columns_at_lambda_zero_are_told_of():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=30), rng.normal(size=30)
    with pytest.warns(UserWarning, match=r"do not tell 2 columns apart \(x0, x1\)"):
        model = L2Regressor(0.0).fit(np.column_stack([x, x]), y)
    assert model.coef_[0] == pytest.approx(model.coef_[1])
    assert model.coef_.sum() == pytest.approx(L2Regressor(0.0).fit(x[:, None], y).coef_[0])


def test_a_constant_target_and_constant_columns_leave_the_intercept(rows):
    X, y, _, _ = rows
    model = L2Regressor().fit(X, np.full(90, 3.5))
    np.testing.assert_allclose(model.coef_, 0.0, atol=1e-12)
    assert model.intercept_ == pytest.approx(3.5)
    assert L2Regressor().fit(np.ones((90, 2)), y).coef_.tolist() == [0.0, 0.0]


def test_names_of_a_frame_are_kept_and_checked(rows):
    X, y, _, _ = rows
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = L2Regressor().fit(frame, y)
    assert model.feature_names_in_.tolist() == list("abcd")
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[list("bacd")])


@pytest.mark.parametrize(("family", "power"), [("poisson", 1.0), ("gamma", 2.0), ("tweedie", 1.5)])
def test_regressors_of_counts_and_sizes_agree_with_scikit_learn(family, power):
    from sklearn.linear_model import TweedieRegressor

    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    y = rng.poisson(np.exp(X[:, 0])) + (1.0 if family == "gamma" else 0.0)
    ours = L2Regressor(lam=3.0, family=family, standardize=False).fit(X, y)
    other = TweedieRegressor(power=power, alpha=3.0 / 60, solver="newton-cholesky", tol=1e-12).fit(X, y)
    assert ours.coef_ == pytest.approx(other.coef_, rel=1e-7)
    assert ours.predict(X) == pytest.approx(other.predict(X), rel=1e-7)
    chosen = L2RegressorCV(family=family, cv=4).fit(X, y)
    assert chosen.lambda_min_ > 0.0
    assert chosen.predict(X).min() > 0.0


@pytest.mark.parametrize(
    ("parameters", "y", "message"),
    [
        ({"family": "poisson"}, [1.0, -1.0, 2.0], "y holds -1, and poisson needs numbers of at least 0"),
        ({"family": "gamma"}, [1.0, 0.0, 2.0], "y holds 0, and gamma needs numbers above 0"),
        ({"family": "poisson"}, [0.0, 0.0, 0.0], "y is 0 in every row"),
        ({"family": "binomial"}, [1.0, 0.0, 2.0], "family 'binomial' is not available"),
        ({"family": "tweedie", "tweedie_power": 2.5}, [1.0, 0.0, 2.0], "must lie between 1 and 2"),
    ],
)
def test_what_a_family_of_regressors_refuses(parameters, y, message):
    with pytest.raises(ValueError, match=message):
        L2Regressor(**parameters).fit(np.arange(3.0)[:, None], y)


def test_a_regressor_takes_several_targets():
    rng = np.random.default_rng(2)
    X = rng.standard_normal((40, 3))
    Y = X @ rng.standard_normal((3, 2)) + rng.standard_normal((40, 2))
    for ratio in (0.0, 0.5):
        joint = L2Regressor(lam=2.0, l1_ratio=ratio).fit(X, Y)
        each = [L2Regressor(lam=2.0, l1_ratio=ratio).fit(X, y) for y in Y.T]
        assert joint.coef_ == pytest.approx(np.stack([one.coef_ for one in each]), rel=1e-10)
        assert joint.intercept_ == pytest.approx([one.intercept_ for one in each], rel=1e-10)
        assert joint.effective_df_ == pytest.approx([one.effective_df_ for one in each], rel=1e-10)
        assert joint.predict(X) == pytest.approx(np.column_stack([one.predict(X) for one in each]))
    assert joint.score(X, Y) == pytest.approx(
        np.mean([one.score(X, y) for one, y in zip(each, Y.T, strict=True)])
    )
    with pytest.raises(ValueError, match="y should be a 1d array"):
        L2Regressor(family="poisson").fit(X, np.abs(Y))


def test_a_classifier_of_several_classes_is_multinomial(rows):
    X, _, _, _ = rows
    y = np.array(["a", "b", "c"])[np.random.default_rng(3).integers(0, 3, 90)]
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    ours, theirs = (
        L2Classifier(lam=2.0).fit(X, y),
        LogisticRegression(C=0.5, tol=1e-10, max_iter=1000).fit(Z, y),
    )
    assert ours.coef_ * X.std(axis=0) == pytest.approx(theirs.coef_, abs=1e-5)
    assert ours.coef_.sum(axis=0) == pytest.approx(np.zeros(4), abs=1e-12)
    assert ours.intercept_.sum() == pytest.approx(0.0, abs=1e-12)
    assert ours.predict_proba(X) == pytest.approx(theirs.predict_proba(Z), abs=1e-6)
    assert ours.predict(X).tolist() == theirs.predict(Z).tolist()
    assert ours.decision_function(X).shape == (90, 3)
    lambdas = [1e4, 1.0, 1e-6]
    y[:85] = np.where(X[:85, 0] > 0.5, "c", np.where(X[:85, 0] < -0.5, "b", "a"))
    chosen = L2ClassifierCV(cv=5, lambdas=lambdas).fit(X, y)
    run = l2cli.cv(X, y, folds=5, lambdas=lambdas)
    assert chosen.mean_ == pytest.approx(run.mean, rel=1e-12)
    assert chosen.coef_ == pytest.approx(run.refit.coef, rel=1e-12)
