"""Leave-one-out of the estimators: the numbers of ``l2cli fit``, exact or approximate, and the refusals."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

import l2cli
from l2cli.errors import FitError, UsageError
from l2cli.estimators import L2ClassifierCV, L2RegressorCV
from l2cli.select.alo import ApproximateLoo, ApproximationError
from l2cli.spec import GridSpec

TARGETS = ("gaussian", "poisson", "gamma", "tweedie", "binomial", "multinomial")


@pytest.fixture(scope="module")
def rows() -> tuple[npt.NDArray[Any], dict[str, npt.NDArray[Any]], npt.NDArray[Any]]:
    """Columns of unlike scales, a target of every family, weights with zeros among them."""
    rng = np.random.default_rng(8)
    X = rng.normal(size=(80, 4)) * [1.0, 10.0, 0.1, 3.0] + [0.0, 5.0, -2.0, 100.0]
    eta = (X - X.mean(axis=0)) / X.std(axis=0) @ [0.8, -0.5, 0.3, 0.1]
    counts = rng.poisson(np.exp(eta)).astype(float)
    noisy = eta + rng.logistic(size=80)
    targets = {
        "gaussian": noisy, "poisson": counts, "tweedie": counts * rng.gamma(2.0, size=80),
        "gamma": np.exp(eta) * rng.gamma(2.0, size=80), "binomial": np.where(noisy > 0.0, "yes", "no"),
        "multinomial": np.array(["a", "b", "c"])[np.digitize(noisy, [-0.7, 0.9])],
    }  # fmt: skip
    return X, targets, rng.integers(0, 4, size=80).astype(float)


def chosen_for(family: str, **parameters: Any) -> L2RegressorCV | L2ClassifierCV:
    """Return the estimator of a family that leaves out one row at a time."""
    if family in ("binomial", "multinomial"):
        return L2ClassifierCV(cv="loo", **parameters)
    return L2RegressorCV(cv="loo", family=family, **parameters)


@pytest.mark.filterwarnings("ignore:approximate leave-one-out")  # of few separated rows
@parametrize_with_checks([L2RegressorCV(cv="loo"), L2ClassifierCV(cv="loo")])
def test_scikit_learn_accepts_estimators_that_leave_one_out(estimator, check):
    check(estimator)


@pytest.mark.parametrize("family", TARGETS)
@pytest.mark.parametrize("rule", ["min", "1se"])
@pytest.mark.parametrize("lambdas", ["auto", "auto:20", [3000.0, 100.0, 10.0, 1.0, 0.1]])
def test_the_numbers_are_those_of_fit(rows, family, rule, lambdas):
    X, targets, weights = rows
    y = targets[family]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "the best lambda")
        warnings.filterwarnings("ignore", "lambda by the 1se rule")
        warnings.filterwarnings("ignore", "the selection curve is flat")
        model = chosen_for(family, rule=rule, lambdas=lambdas).fit(X, y, weights)
        same = l2cli.fit(X, y, family=family, select="loo", rule=rule, lambdas=lambdas, sample_weight=weights)
    curve = same.to_dict()["selection"]
    np.testing.assert_allclose(model.lambdas_, curve["lambdas"], rtol=1e-12)
    np.testing.assert_allclose(model.mean_, curve["values"], rtol=1e-9)
    assert model.lam_ == pytest.approx(same.lam, rel=1e-12)
    assert model.lam_ == (model.lambda_1se_ if rule == "1se" else model.lambda_min_)
    np.testing.assert_allclose(np.squeeze(model.coef_), same.coef, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(np.squeeze(model.intercept_), same.intercept, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize(
    ("family", "metric"),
    [
        ("binomial", "accuracy"), ("binomial", "brier"), ("binomial", "f1"), ("multinomial", "log_loss"),
        ("poisson", "rmse"), ("gamma", "mae"), ("tweedie", "r2"),
    ],
)  # fmt: skip
def test_every_metric_of_rows_is_that_of_fit(rows, family, metric):
    X, targets, _ = rows
    fixed = {"metric": metric, "lambdas": GridSpec(low=0.1, high=1e3, count=7)}
    fixed |= {"standardize": False, "penalty_factor": [1.0, 0.5, 2.0, 1.0]}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "the best lambda")
        warnings.filterwarnings("ignore", "the selection curve is flat")
        model = chosen_for(family, **fixed).fit(X, targets[family])
        same = l2cli.fit(X, targets[family], family=family, select="loo", **fixed)
    np.testing.assert_allclose(model.mean_, same.to_dict()["selection"]["values"], rtol=1e-9)
    assert model.lam_ == pytest.approx(same.lam, rel=1e-12)


def test_approximate_errors_are_close_to_those_of_every_row_left_out(rows):
    X, targets, _ = rows
    grid, y = [30.0, 3.0, 0.3], targets["binomial"]
    alone = [([*range(i), *range(i + 1, 80)], [i]) for i in range(80)]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "the best lambda")
        near = L2ClassifierCV(grid, cv="loo").fit(X, y)
        exact = L2ClassifierCV(grid, cv=alone).fit(X, y)
    # folds standardize anew without the row, which the approximation does not
    assert near.mean_ == pytest.approx(exact.mean_, rel=0.01)
    assert near.se_ == pytest.approx(exact.se_, rel=0.05)
    assert near.lam_ == exact.lam_


def test_an_approximation_far_from_refits_is_told_of(rows, monkeypatch):
    X, targets, _ = rows
    asked = []

    def measured(self: ApproximateLoo, lam: float, seed: int) -> ApproximationError:
        asked.append((lam, seed))
        return ApproximationError(-0.08, 0.01, 30)

    monkeypatch.setattr(ApproximateLoo, "measured_error", measured)
    with pytest.warns(UserWarning, match="8 % off exact refits of 30 rows: use cv=10$"):
        model = L2ClassifierCV(cv="loo", seed=6).fit(X, targets["binomial"])
    assert asked == [(model.lam_, 6)]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"l1_ratio": 0.5}, "cv='loo' needs pure L2, without groups, bounds and many levels; use cv=10"),
        ({"bounds": (0, None)}, "cv='loo' needs pure L2"),
        ({"column_groups": [0, 0, 1, 1]}, "cv='loo' needs pure L2"),
        ({"column_groups": [0, 0, 1, 1], "group_penalty": "banded"}, "cv='loo' needs pure L2"),
        ({"l1_ratio": 1.0, "relax_gamma": 0.5}, "cv='loo' needs pure L2"),
        ({"metric": "auc"}, "cv='loo' has no metric='auc': over rows left out it is biased"),
        ({"metric": "mse"}, "'mse' does not fit the family binomial"),
    ],
)
def test_what_leave_one_out_does_not_serve_is_refused(rows, parameters, message):
    X, targets, _ = rows
    with pytest.raises(ValueError, match=message) as caught:
        L2ClassifierCV(cv="loo", **parameters).fit(X, targets["binomial"])
    assert isinstance(caught.value.__cause__, UsageError)


def test_a_class_of_one_row_cannot_be_left_out(rows):
    X, *_ = rows
    with pytest.raises(ValueError, match="cv='loo' has no answer where one row alone is of its kind"):
        L2ClassifierCV(cv="loo").fit(X, np.arange(80) == 7)


def test_separated_classes_have_no_error_at_lambda_zero():
    X = np.arange(12.0)[:, None]
    with pytest.raises(ValueError, match="not converged at lambda 0") as caught:
        L2ClassifierCV([0.0], cv="loo").fit(X, np.arange(12) > 5)
    assert isinstance(caught.value.__cause__, FitError)
