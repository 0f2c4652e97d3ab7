"""Metrics against scikit-learn, against brute force over pairs, and at extremes."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn import metrics as reference

from l2cli.core.families import family_named
from l2cli.core.metrics import (
    FAMILY_METRICS,
    check_metric,
    default_metric,
    greater_is_better,
    influence,
    logit,
    losses,
    metric_table,
)
from l2cli.errors import UsageError

WEIGHTINGS = ("none", "weights")
POWERS = {"poisson": 1.0, "gamma": 2.0, "tweedie": 1.5}


def rows(family, n=400, columns=3, seed=0):
    """Response, linear predictors with ties, and weights; of three classes (n, 3) and (n, 3, columns)."""
    rng = np.random.default_rng(seed)
    eta = np.round(rng.normal(size=(n, columns)) * 2, 1)
    if family == "multinomial":
        eta = np.round(rng.normal(size=(n, 3, columns)) * 2, 1)
        y = np.eye(3)[(eta[..., 0] + rng.gumbel(size=(n, 3))).argmax(axis=1)]
        return y, eta, rng.integers(1, 4, n).astype(float)
    if family == "gaussian":
        y = eta[:, 0] + rng.normal(size=n)
    elif family in POWERS:
        y = np.round(rng.gamma(1.0, np.exp(0.5 * eta[:, 0])), 1) + (0.1 if family == "gamma" else 0.0)
    else:
        y = (rng.random(n) < 1 / (1 + np.exp(-eta[:, 0]))).astype(float)
    return y, eta, rng.integers(1, 4, n).astype(float)


def scikit_of_classes(metric, label, eta, s):
    """The same of several classes."""
    p, said = softmax(eta, axis=1), eta.argmax(axis=1)
    loss = reference.log_loss(label, p, sample_weight=s)
    accuracy = reference.accuracy_score(label, said, sample_weight=s)
    return {
        "deviance": 2 * loss,
        "log_loss": loss,
        "accuracy": accuracy,
        "error": 1 - accuracy,
        "brier": np.average(((np.eye(3)[label] - p) ** 2).sum(axis=1), weights=s),
    }[metric]


def scikit(metric, family, y, eta, s):
    """The same metric from scikit-learn."""
    if family == "multinomial":
        return scikit_of_classes(metric, y.argmax(axis=1), eta, s)
    p = 1 / (1 + np.exp(-eta))
    label = (eta > 0).astype(float)
    if family in POWERS:
        eta = np.exp(eta)
    table = {
        "deviance": lambda: (
            reference.mean_squared_error(y, eta, sample_weight=s)
            if family == "gaussian"
            else reference.mean_tweedie_deviance(y, eta, sample_weight=s, power=POWERS[family])
            if family in POWERS
            else 2 * reference.log_loss(y, p, sample_weight=s)
        ),
        "mse": lambda: reference.mean_squared_error(y, eta, sample_weight=s),
        "rmse": lambda: math.sqrt(reference.mean_squared_error(y, eta, sample_weight=s)),
        "mae": lambda: reference.mean_absolute_error(y, eta, sample_weight=s),
        "r2": lambda: reference.r2_score(y, eta, sample_weight=s),
        "accuracy": lambda: reference.accuracy_score(y, label, sample_weight=s),
        "error": lambda: 1 - reference.accuracy_score(y, label, sample_weight=s),
        "auc": lambda: reference.roc_auc_score(y, eta, sample_weight=s),
        "log_loss": lambda: reference.log_loss(y, p, sample_weight=s),
        "brier": lambda: reference.brier_score_loss(y, p, sample_weight=s),
        "f1": lambda: reference.f1_score(y, label, sample_weight=s),
    }
    return table[metric]()


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize(
    ("family", "metric"), [(family, metric) for family, known in FAMILY_METRICS.items() for metric in known]
)
def test_metrics_agree_with_scikit_learn(family, metric, weighting):
    y, eta, s = rows(family)
    s = s if weighting == "weights" else None
    expected = [scikit(metric, family, y, eta[..., k], s) for k in range(eta.shape[-1])]
    np.testing.assert_allclose(losses(metric, family_named(family), y, eta, s), expected, rtol=1e-12)
    assert metric_table(family_named(family), y, eta[..., 0], s)[metric] == pytest.approx(
        expected[0], rel=1e-12
    )


@pytest.mark.parametrize("family", list(FAMILY_METRICS))
def test_weight_two_is_the_row_twice(family):
    y, eta, s = rows(family, n=60)
    twice = np.repeat(np.arange(60), s.astype(int))
    for metric in FAMILY_METRICS[family]:
        np.testing.assert_allclose(
            losses(metric, family_named(family), y, eta, s),
            losses(metric, family_named(family), y[twice], eta[twice]),
            rtol=1e-12,
        )


@pytest.mark.parametrize("family", list(FAMILY_METRICS))
def test_blocks_of_rows_change_nothing(family, monkeypatch):
    y, eta, s = rows(family, n=1000)
    whole = {metric: losses(metric, family_named(family), y, eta, s) for metric in FAMILY_METRICS[family]}
    monkeypatch.setattr("l2cli.core.problem.BLOCK_BYTES", 2000)
    for metric, value in whole.items():
        np.testing.assert_allclose(losses(metric, family_named(family), y, eta, s), value, rtol=1e-13)


@settings(max_examples=60, deadline=None)
@given(
    cells=st.lists(
        st.tuples(st.integers(0, 1), st.integers(-3, 3), st.integers(1, 3)), min_size=2, max_size=14
    )
)
def test_auc_is_the_share_of_pairs_in_order(cells):
    y, eta, s = (np.array(column, dtype=float) for column in zip(*cells, strict=True))
    wins = total = 0.0
    for i in np.flatnonzero(y == 1):
        for j in np.flatnonzero(y == 0):
            total += s[i] * s[j]
            wins += s[i] * s[j] * ((eta[i] > eta[j]) + 0.5 * (eta[i] == eta[j]))
    found = losses("auc", family_named("binomial"), y, eta[:, None], s)[0]
    if total:
        assert found == pytest.approx(wins / total, abs=1e-12)
    else:
        assert math.isnan(found)


def test_r2_is_against_the_baseline_given():
    y, eta = np.array([1.0, 2.0, 4.0]), np.array([1.5, 2.0, 3.0])
    assert metric_table(family_named("gaussian"), y, eta, baseline=0.0)["r2"] == pytest.approx(1 - 1.25 / 21)
    each = np.array([1.0, 1.0, 2.0])
    assert metric_table(family_named("gaussian"), y, eta, baseline=each)["r2"] == pytest.approx(1 - 1.25 / 5)


def test_probabilities_are_clipped_in_losses():
    limit = -math.log(1e-15)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = metric_table(family_named("binomial"), np.array([0.0, 1.0]), np.array([800.0, 800.0]))
    assert table["log_loss"] == pytest.approx(limit / 2, rel=1e-12)
    assert table["deviance"] == pytest.approx(limit, rel=1e-12)
    assert (table["brier"], table["accuracy"]) == (0.5, 0.5)


def test_small_losses_keep_their_digits():
    eta = np.array([30.0, -30.0])
    expected = math.log1p(math.exp(-30.0))
    assert metric_table(family_named("binomial"), np.array([1.0, 0.0]), eta)["log_loss"] == pytest.approx(
        expected, rel=1e-12
    )


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [(0.5, [0, 1, 1]), (0.2, [1, 1, 1]), (0.9, [0, 0, 1]), (0.0, [1, 1, 1]), (1.0, [0, 0, 0])],
)
def test_threshold_decides_the_class(threshold, expected):
    p = np.array([0.3, 0.6, 0.95])
    y = np.array([0.0, 1.0, 1.0])
    table = metric_table(family_named("binomial"), y, np.log(p / (1 - p)), threshold=threshold)
    assert table["accuracy"] == pytest.approx(np.mean(y == expected))
    assert table["error"] == pytest.approx(np.mean(y != expected))


def test_a_probability_of_exactly_one_half_is_negative():
    assert metric_table(family_named("binomial"), np.array([0.0, 1.0]), np.zeros(2))["accuracy"] == 0.5
    assert metric_table(family_named("binomial"), np.array([0.0, 0.0]), np.zeros(2))["accuracy"] == 1.0


def test_undefined_metrics_are_none():
    one_class = metric_table(family_named("binomial"), np.ones(3), np.array([1.0, 2.0, 3.0]))
    assert one_class["auc"] is None
    assert one_class["accuracy"] == 1.0
    assert metric_table(family_named("binomial"), np.zeros(3), np.full(3, -1.0))["f1"] is None
    assert metric_table(family_named("binomial"), np.array([1.0, 0.0]), np.full(2, -1.0))["f1"] == 0.0
    assert metric_table(family_named("gaussian"), np.full(3, 2.0), np.array([1.0, 2.0, 3.0]))["r2"] is None
    assert set(metric_table(family_named("gaussian"), np.empty(0), np.empty(0)).values()) == {None}


@pytest.mark.parametrize("metric", FAMILY_METRICS["binomial"])
def test_a_prediction_that_is_no_number_has_no_metric(metric):
    y, eta, _ = rows("binomial", n=20)
    eta[3, 1] = np.nan
    found = losses(metric, family_named("binomial"), y, eta)
    np.testing.assert_array_equal(np.isnan(found), [False, True, False])


def test_predictions_are_not_changed():
    y, eta, s = rows("binomial", n=30)
    before = eta.copy()
    for metric in FAMILY_METRICS["binomial"]:
        losses(metric, family_named("binomial"), y, eta, s)
    np.testing.assert_array_equal(eta, before)


def test_which_metrics_there_are():
    assert [
        m for m in ("auc", "r2", "accuracy", "f1", "mse", "error", "log_loss") if greater_is_better(m)
    ] == [
        "auc",
        "r2",
        "accuracy",
        "f1",
    ]
    assert (default_metric("gaussian"), default_metric("binomial")) == ("mse", "deviance")
    assert check_metric("auc", "binomial") == "auc"
    with pytest.raises(UsageError) as caught:
        check_metric("auc", "gaussian")
    assert str(caught.value) == (
        "--metric 'auc' does not fit the family gaussian; choose one of deviance, mse, rmse, mae, r2"
    )
    assert (logit(0.0), logit(1.0), logit(0.5)) == (-math.inf, math.inf, 0.0)


@pytest.mark.parametrize("metric", ["auc", "f1"])
def test_the_influence_of_a_row_is_the_derivative_by_its_weight(metric):
    rng = np.random.default_rng(2)
    eta, s = rng.normal(size=(30, 2)).round(1), rng.uniform(0.5, 2.0, 30)
    y = np.asarray(eta[:, 0] + rng.normal(size=30) > 0.0, dtype=np.float64)
    family, h = family_named("binomial"), 1e-5
    found = influence(metric, y, eta, s)
    assert found.sum(axis=0) == pytest.approx(0.0, abs=1e-12)
    for i in (0, 7, 29):
        up, down = (s + h * s * (np.arange(30) == i) * sign for sign in (1.0, -1.0))
        ends = [losses(metric, family, y, eta, weights) for weights in (up, down)]
        assert found[i] == pytest.approx((ends[0] - ends[1]) / (2.0 * h), rel=1e-6, abs=1e-9)
