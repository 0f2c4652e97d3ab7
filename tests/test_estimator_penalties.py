"""Groups of columns and relaxed fits of the estimators: the numbers of the library, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import Lasso, LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import l2cli
from l2cli.core.moments import fold_moments
from l2cli.errors import FitError, UsageError
from l2cli.estimators import L2Classifier, L2ClassifierCV, L2Regressor, L2RegressorCV
from l2cli.select import gaussian_folds

GROUPS = {"a": ["x0", "x3"], "b": ["x1", "x2"]}


@pytest.fixture(scope="module")
def rows():
    """Six columns of unlike scales, a numeric target, two labels, three labels, weights with zeros."""
    rng = np.random.default_rng(7)
    X = rng.normal(size=(120, 6)) * [1.0, 10.0, 0.1, 3.0, 1.0, 1.0]
    eta = X @ [1.0, -0.1, 4.0, 0.0, 0.0, 0.3]
    scores = np.column_stack([eta, X[:, 4] - X[:, 0], np.zeros(120)]) + rng.gumbel(size=(120, 3))
    two = np.where(eta + rng.logistic(size=120) > 0, "yes", "no")
    three = np.array(["red", "green", "blue"])[scores.argmax(axis=1)]
    return X, eta + rng.normal(size=120), two, three, rng.integers(0, 4, size=120).astype(float)


PENALTIES: list[dict[str, Any]] = [
    {"l1_ratio": 1.0, "relax_gamma": 0.0},
    {"l1_ratio": 0.5, "relax_gamma": 0.3, "penalty_factor": [1.0, 1.0, 2.0, 0.0, 1.0, 1.0]},
    {"column_groups": GROUPS},
    {"column_groups": {"noise": ["x4", "x5"]}, "relax_gamma": 0.0, "standardize": False},
    {"column_groups": GROUPS, "group_penalty": "banded", "group_lambda": {"a": 9.0, "b": 0.5}},
]
NAMES = ["relaxed lasso", "relaxed net", "group lasso", "relaxed groups", "banded"]


def targets_of(rows, *estimators):
    _, y, two, three, _ = rows
    regressor, classifier = estimators
    return ((regressor, y), (classifier, two), (classifier, three))


@pytest.mark.parametrize("penalty", PENALTIES, ids=NAMES)
def test_a_given_lambda_gives_the_numbers_of_fit(rows, penalty):
    X, *_, weights = rows
    for estimator, target in targets_of(rows, L2Regressor, L2Classifier):
        model = estimator(12.0, **penalty).fit(X, target, weights)
        same = l2cli.fit(X, target, lam=12.0, sample_weight=weights, **penalty)
        np.testing.assert_allclose(np.squeeze(model.coef_), same.coef, rtol=1e-8, atol=1e-10)
        assert model.effective_df_ == pytest.approx(same.to_dict()["effective_df"], rel=1e-8)
        assert model.kkt_residual_ < 1e-10


@pytest.mark.filterwarnings("ignore:the best lambda")
@pytest.mark.filterwarnings("ignore:the selection curve is flat")
@pytest.mark.parametrize("penalty", PENALTIES, ids=NAMES)
def test_cross_validation_gives_the_numbers_of_cv(rows, penalty):
    X = rows[0]
    grid = [60.0, 30.0, 10.0, 1.0, 0.3]
    for estimator, target in targets_of(rows, L2RegressorCV, L2ClassifierCV):
        model = estimator(grid, cv=4, **penalty).fit(X, target)
        same = l2cli.cv(X, target, lambdas=grid, folds=4, **penalty)
        np.testing.assert_allclose(model.mean_, same.mean, rtol=1e-9)
        np.testing.assert_allclose(model.se_, same.se, rtol=1e-7)
        assert model.lam_ == pytest.approx(same.refit.lam, rel=1e-12)
        np.testing.assert_allclose(np.squeeze(model.coef_), same.refit.coef, rtol=1e-7, atol=1e-9)


def test_the_lambdas_of_groups_are_chosen_as_by_the_library(rows):
    X, y, two, _, _ = rows
    banded: dict[str, Any] = {"column_groups": GROUPS, "group_penalty": "banded"}
    model = L2RegressorCV(cv=4, **banded).fit(X, y)
    same = l2cli.cv(X, y, folds=4, **banded).to_dict()
    assert model.group_lambda_ == pytest.approx(same["settings"]["group_lambdas"], rel=1e-10)
    assert model.mean_.min() == pytest.approx(min(same["mean"]), rel=1e-9)
    assert model.mean_.min() < L2RegressorCV(cv=4).fit(X, y).mean_.min()
    left_out = L2RegressorCV(cv="loo", **banded).fit(X, y)
    chosen = l2cli.fit(X, y, **banded).to_dict()["settings"]["group_lambdas"]
    assert left_out.group_lambda_ == pytest.approx(chosen, rel=1e-10)
    assert set(L2ClassifierCV(cv=3, **banded).fit(X, two).group_lambda_) == {"a", "b", "(other columns)"}


def test_the_search_for_lambdas_of_groups_passes_over_the_rows_once(rows, monkeypatch):
    X, y, *_ = rows
    made = []

    def counted(*arguments):
        made.append(1)
        return fold_moments(*arguments)

    monkeypatch.setattr(gaussian_folds, "fold_moments", counted)
    L2RegressorCV(cv=4, column_groups=GROUPS, group_penalty="banded").fit(X, y)
    assert len(made) == 3  # for the common lambda, the search, and the curve that is shown


# ------------------------------------------------------------ and scikit-learn's


def test_the_relaxed_lasso_is_least_squares_on_what_the_lasso_keeps(rows):
    X, y, *_ = rows
    Z = StandardScaler().fit_transform(X)
    lasso = Lasso(alpha=40.0 / len(y), tol=1e-12, max_iter=100_000).fit(Z, y)
    kept = np.flatnonzero(lasso.coef_)
    assert 0 < len(kept) < 6
    bare = LinearRegression().fit(X[:, kept], y)
    half = L2Regressor(40.0, l1_ratio=1.0, relax_gamma=0.5).fit(X, y)
    full = L2Regressor(40.0, l1_ratio=1.0, relax_gamma=0.0).fit(X, y)
    np.testing.assert_allclose(full.predict(X), bare.predict(X[:, kept]), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(2 * half.predict(X), lasso.predict(Z) + bare.predict(X[:, kept]), atol=1e-6)
    np.testing.assert_array_equal(np.flatnonzero(full.coef_), kept)


def test_a_banded_penalty_is_ridge_on_columns_scaled_by_its_lambdas(rows):
    X, y, *_ = rows
    lambdas = np.array([9.0, 0.5, 0.5, 9.0, 2.0, 2.0])
    model = L2Regressor(
        2.0, column_groups=GROUPS, group_penalty="banded", group_lambda={"a": 9.0, "b": 0.5},
        standardize=False,
    ).fit(X, y)  # fmt: skip
    ridge = Ridge(alpha=1.0, solver="svd").fit(X / np.sqrt(lambdas), y)
    np.testing.assert_allclose(model.coef_, ridge.coef_ / np.sqrt(lambdas), rtol=1e-9)


def test_groups_of_one_are_the_lasso(rows):
    X, y, two, three, _ = rows
    for estimator, target in ((L2Regressor, y), (L2Classifier, two), (L2Classifier, three)):
        groups = estimator(9.0, column_groups=list("abcdef")).fit(X, target)
        lasso = estimator(9.0, l1_ratio=1.0).fit(X, target)
        np.testing.assert_allclose(groups.coef_, lasso.coef_, rtol=1e-7, atol=1e-9)


def test_labels_names_globs_and_positions_name_the_same_groups(rows):
    X, y, *_ = rows
    frame = pd.DataFrame(X, columns=["u1", "v1", "v2", "u2", "w", "z"])
    expected = L2Regressor(30.0, column_groups=np.array([0, 1, 1, 0, 2, 3])).fit(X, y).coef_
    assert not expected.all()
    ways: tuple[Any, ...] = (
        ["a", "b", "b", "a", "c", "d"],
        {"a": ["u1", "u2"], "b": "v*"},
        {"a": [0, 3], "b": (1, np.int64(2)), "c": 4},
    )
    for groups in ways:
        found = L2Regressor(30.0, column_groups=groups).fit(frame, y).coef_
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_several_targets_have_groups_and_relaxed_fits_of_their_own(rows):
    X, y, *_ = rows
    both = np.column_stack([y, -2.0 * X[:, 4] + np.sin(np.arange(120.0))])
    for penalty in (PENALTIES[0], PENALTIES[2], PENALTIES[4]):
        model = L2Regressor(12.0, **penalty).fit(X, both)
        alone = [L2Regressor(12.0, **penalty).fit(X, both[:, t]).coef_ for t in range(2)]
        np.testing.assert_allclose(model.coef_, alone, rtol=1e-9, atol=1e-11)


@parametrize_with_checks(
    [
        L2Regressor(l1_ratio=1.0, relax_gamma=0.5),
        L2Classifier(l1_ratio=0.5, relax_gamma=1.0),  # most classes of these checks are separated
        L2RegressorCV([10.0, 1.0, 0.1], l1_ratio=1.0, relax_gamma=0.5, cv=2),
    ]
)
@pytest.mark.filterwarnings("ignore:the best lambda")
def test_scikit_learn_accepts_relaxed_estimators(estimator, check):
    check(estimator)


def test_searches_and_clones_know_the_penalties(rows):
    X, y, *_ = rows
    search = GridSearchCV(L2Regressor(10.0, l1_ratio=1.0), {"relax_gamma": [0.0, 0.5, 1.0]}, cv=3).fit(X, y)
    assert search.best_params_["relax_gamma"] in {0.0, 0.5, 1.0}
    model = clone(L2ClassifierCV(column_groups=GROUPS, group_penalty="banded", group_lambda={"a": 1.0}))
    assert model.get_params()["column_groups"] == GROUPS
    assert model.get_params()["group_lambda"] == {"a": 1.0}


# ------------------------------------------------------------ what is refused or said


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"relax_gamma": 0.5}, "relax_gamma needs an L1 part.*add l1_ratio=1"),
        ({"relax_gamma": 1.5, "l1_ratio": 1.0}, "relax_gamma must be between 0 and 1, not 1.5"),
        ({"relax_gamma": "half", "l1_ratio": 1.0}, "relax_gamma must be a number, not 'half'"),
        ({"column_groups": GROUPS, "l1_ratio": 0.5}, "l1_ratio has no meaning beside column_groups"),
        ({"column_groups": GROUPS, "group_penalty": "ridge"}, "group_penalty 'ridge' is not available"),
        ({"group_penalty": "banded"}, "need column_groups"),
        ({"group_lambda": {"a": 1.0}}, "need column_groups"),
        ({"column_groups": GROUPS, "group_lambda": {"a": 1.0}}, "group_lambda needs group_penalty='banded'"),
        ({"column_groups": GROUPS, "group_penalty": "banded"}, "at given lambdas needs group_lambda"),
        (
            {"column_groups": GROUPS, "group_penalty": "banded", "group_lambda": {"a": 1.0}},
            "group_lambda gives no lambda to 'b'",
        ),
        (
            {"column_groups": GROUPS, "group_penalty": "banded", "group_lambda": {"z": 1.0}},
            "there is no group 'z'",
        ),
        (
            {"column_groups": GROUPS, "group_penalty": "banded", "group_lambda": {"a": "much", "b": 1.0}},
            "group_lambda must map groups to numbers",
        ),
        ({"column_groups": [0, 1]}, r"a label for each of 6 columns, not an array of shape \(2,\)"),
        ({"column_groups": "dummies"}, "a label for each of 6 columns, not 'dummies'"),
        ({"column_groups": {"a": [0, 6]}}, "6 is no column; 0 to 5, or names"),
        ({"column_groups": {"a": [0, -1]}}, "-1 is no column"),
        ({"column_groups": {"a": "q*"}}, "X: column_groups a 'q\\*' matches no feature"),
        ({"column_groups": {"a": [0], "b": ["x0"]}}, "column_groups: 'x0' is in both 'a' and 'b'"),
        ({"column_groups": {1: [0], "1": [2]}}, "two groups the same name"),
        (
            {"column_groups": GROUPS, "penalty_factor": [1, 1, 1, 2, 1, 1]},
            "differs between columns of group 'a'",
        ),
    ],
)
def test_penalties_without_sense_are_refused(rows, parameters, message):
    X, y, two, _, _ = rows
    pairs: tuple[tuple[Any, Any], ...] = ((L2Regressor, y), (L2Classifier, two))
    for estimator, target in pairs:
        with pytest.raises(ValueError, match=message) as caught:
            estimator(**parameters).fit(X, target)
        assert isinstance(caught.value.__cause__, UsageError)


def test_leave_one_out_is_for_ridge_alone(rows):
    X, y, *_ = rows
    for penalty in (PENALTIES[0], PENALTIES[2]):
        with pytest.raises(
            ValueError, match="cv='loo' is exact for gaussian targets and pure L2 only; use cv=10"
        ):
            L2RegressorCV(cv="loo", **penalty).fit(X, y)
    with pytest.raises(ValueError, match="lambdas holds 0 alone"):
        L2RegressorCV([0.0], cv=3, column_groups=GROUPS, group_penalty="banded").fit(X, y)


@pytest.mark.filterwarnings("ignore:the best lambda")
def test_separated_relaxed_fits_are_refused_and_told_of():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(60, 3))
    labels = np.where(X[:, 1] > 0.5, 2, (rng.random(60) < 0.5) * 1)
    relaxed: dict[str, Any] = {"l1_ratio": 1.0, "relax_gamma": 0.5}
    with pytest.raises(
        ValueError, match="no finite relaxed fit at lambda 5: the classes are separated by x1"
    ) as caught:
        L2Classifier(5.0, **relaxed).fit(X, labels)
    assert isinstance(caught.value.__cause__, FitError)
    with pytest.warns(UserWarning, match="1 of 2 lambdas") as told:
        model = L2ClassifierCV([100.0, 5.0], cv=3, **relaxed).fit(X, labels)
    assert model.lam_ == 100.0
    assert np.isnan(model.mean_[1])
    assert {w.filename for w in told} == {__file__}
