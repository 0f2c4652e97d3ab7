"""Bounds of coefficients in the estimators: the numbers of the library and of SciPy, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import lsq_linear
from sklearn.base import clone
from sklearn.linear_model import Lasso
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import parametrize_with_checks

import l2cli
from l2cli.errors import UsageError
from l2cli.estimators import L2Classifier, L2ClassifierCV, L2Regressor, L2RegressorCV

LOW, HIGH = np.array([-0.5, -np.inf, 0.0, -0.1]), np.array([0.4, 0.0, np.inf, 0.1])
NAMED = {"x0": (-0.5, 0.4), "x1": (None, 0.0), "x2": (0, None), "x3": (-0.1, 0.1)}


@pytest.fixture(scope="module")
def rows():
    """Four columns of unlike scales, a numeric target, two and three labels, weights with zeros."""
    rng = np.random.default_rng(11)
    X = rng.normal(size=(100, 4)) * [1.0, 5.0, 0.2, 2.0] + [0.0, 3.0, -1.0, 0.0]
    eta = X @ [1.0, 0.1, -2.0, 0.3]
    two = np.where(eta + rng.logistic(size=100) > np.median(eta), "yes", "no")
    three = np.array(["a", "b", "c"])[np.digitize(eta + rng.logistic(size=100), [-0.5, 2.0])]
    return X, eta + rng.normal(size=100), two, three, rng.integers(0, 3, size=100).astype(float)


@parametrize_with_checks(
    [
        L2Regressor(bounds=(-1e3, 1e3)),
        L2Classifier(bounds=(None, 50.0)),
        L2RegressorCV(bounds=(-1e3, None), cv=3),
        L2ClassifierCV([1.0, 0.1], bounds=(-50.0, 50.0), cv=2),
    ]
)
@pytest.mark.filterwarnings("ignore:the best lambda")
def test_scikit_learn_accepts_bounded_estimators(estimator, check):
    check(estimator)


PENALTIES: list[dict[str, Any]] = [
    {},
    {"l1_ratio": 0.7, "standardize": False},
    {"l1_ratio": 1.0, "relax_gamma": 0.3},
    {"column_groups": {"g": ["x0", "x1"]}},
    {"column_groups": {"g": ["x0", "x1"]}, "group_penalty": "banded", "group_lambda": {"g": 0.3}},
]


@pytest.mark.parametrize("penalty", PENALTIES, ids=["ridge", "enet", "relaxed", "groups", "banded"])
def test_the_numbers_are_those_of_fit_and_cv(rows, penalty):
    X, y, two, three, weights = rows
    pairs: tuple[tuple[Any, Any, Any], ...] = (
        (L2Regressor, L2RegressorCV, y),
        (L2Classifier, L2ClassifierCV, two),
        (L2Classifier, L2ClassifierCV, three),
    )
    grid = [20.0, 3.0, 0.5]
    for single, chosen, target in pairs:
        model = single(3.0, bounds=(LOW, HIGH), **penalty).fit(X, target, weights)
        same = l2cli.fit(X, target, lam=3.0, sample_weight=weights, bounds=NAMED, **penalty)
        np.testing.assert_allclose(np.squeeze(model.coef_), same.coef, rtol=1e-8, atol=1e-10)
        assert np.all((model.coef_ >= LOW) & (model.coef_ <= HIGH))
        assert np.any((model.coef_ == LOW) | (model.coef_ == HIGH))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("warnings.warn", lambda *_, **__: None)  # of the edges of a short grid
            found = chosen(grid, cv=4, bounds=NAMED, **penalty).fit(X, target)
            same_cv = l2cli.cv(X, target, lambdas=grid, folds=4, bounds=NAMED, **penalty)
        np.testing.assert_allclose(found.mean_, same_cv.mean, rtol=1e-7)
        np.testing.assert_allclose(np.squeeze(found.coef_), same_cv.refit.coef, rtol=1e-7, atol=1e-9)


def test_least_squares_between_bounds_are_those_of_scipy(rows):
    X, y, *_ = rows
    model = L2Regressor(0.0, bounds=(LOW, HIGH)).fit(X, y)
    best = lsq_linear(X - X.mean(axis=0), y - y.mean(), (LOW, HIGH), method="bvls", tol=1e-14)
    np.testing.assert_allclose(model.coef_, best.x, rtol=1e-8, atol=1e-12)


def test_a_positive_lasso_is_that_of_scikit_learn(rows):
    X, y, *_ = rows
    theirs = Lasso(alpha=0.05, positive=True, tol=1e-12, max_iter=100_000).fit(X, y)
    ours = L2Regressor(5.0, l1_ratio=1.0, bounds=(0, None), standardize=False).fit(X, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-6, atol=1e-8)


def test_names_globs_positions_and_arrays_bound_the_same_columns(rows):
    X, y, *_ = rows
    frame = pd.DataFrame(X, columns=["u1", "v", "u2", "w"])
    expected = L2Regressor(1.0, bounds=([-0.2, -np.inf, -0.2, -np.inf], [0.3, np.inf, 0.3, 0.1])).fit(X, y)
    ways: tuple[Any, ...] = (
        {"u*": (-0.2, 0.3), "w": (None, 0.1)},
        {0: (-0.2, 0.3), np.int64(2): [-0.2, 0.3], 3: (None, 0.1)},
        {"*": (-0.2, 0.3), "v": (None, None), "w": (None, 0.1)},
    )
    for bounds in ways:
        np.testing.assert_allclose(
            L2Regressor(1.0, bounds=bounds).fit(frame, y).coef_, expected.coef_, rtol=1e-12
        )


def test_several_targets_have_the_same_bounds(rows):
    X, y, *_ = rows
    both = np.column_stack([y, -y])
    model = L2Regressor(1.0, bounds=(LOW, HIGH)).fit(X, both)
    alone = [L2Regressor(1.0, bounds=(LOW, HIGH)).fit(X, both[:, t]).coef_ for t in range(2)]
    np.testing.assert_allclose(model.coef_, alone, rtol=1e-9, atol=1e-12)
    assert not np.allclose(model.coef_[0], model.coef_[1])


def test_searches_and_clones_know_bounds(rows):
    X, y, *_ = rows
    search = GridSearchCV(L2Regressor(), {"bounds": [None, (0, None), (None, 0)]}, cv=3).fit(X, y)
    assert search.best_params_ == {"bounds": None}
    given = LOW.copy(), HIGH.copy()
    model = clone(L2Regressor(bounds=given)).fit(X, y)
    assert model.get_params()["bounds"][0].tolist() == LOW.tolist()
    assert given[0].tolist() == LOW.tolist()


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ((1.0, 0.0), "bounds 'x0' needs LOW <= HIGH, not 1:0"),
        (([0, 0, 2, 0], 1), "bounds 'x2' needs LOW <= HIGH, not 2:1"),
        ((np.nan, None), "bounds 'x0' needs LOW <= HIGH, not nan:inf"),
        ((None, 1e300), "is beyond 1e\\+150, its square overflows"),
        ((0, [1, 2]), "one number for each of 4 columns"),
        (3.0, "bounds must be .low, high.*not 3.0"),
        ("x0=0:", "bounds must be .low, high."),
        ({"x0": 1.0}, "bounds of 'x0' must be a pair of numbers or None, not 1.0"),
        ({"q*": (0, 1)}, "X: bounds 'q.' matches no feature"),
        ({4: (0, 1)}, "bounds: 4 is no column; 0 to 3, or names"),
        ({0: (2, 1)}, "bounds 'x0' needs LOW <= HIGH"),
    ],
)
def test_bounds_without_sense_are_refused(rows, bounds, message):
    X, y, *_ = rows
    with pytest.raises(ValueError, match=message) as caught:
        L2Regressor(bounds=bounds).fit(X, y)
    assert isinstance(caught.value.__cause__, UsageError)


def test_bounds_leave_no_leave_one_out(rows):
    X, y, *_ = rows
    with pytest.raises(
        ValueError, match="cv='loo' is exact for gaussian targets and pure L2 only; use cv=10"
    ):
        L2RegressorCV(cv="loo", bounds=(0, None)).fit(X, y)
    with pytest.warns(UserWarning, match="other coefficients within the bounds may fit as well"):
        L2Regressor(0.0, bounds=(0, None)).fit(X[:4], y[:4])
