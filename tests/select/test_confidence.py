"""Intervals of the error, optimism and the set of lambdas."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.core.student import two_sided_quantile
from l2cli.select.confidence import _choose, interval, judge
from l2cli.select.curve import Curve
from l2cli.select.spread import Spread


def rows(units=300):
    return Spread(np.zeros((1, 1)), units, "rows")


def test_degrees_of_freedom_widen_the_interval_up_to_a_bound():
    def width(share):
        found = interval(2.0, 1e-4, rows(), "mse", share)
        assert found.low is not None
        assert found.high is not None
        return np.log(found.high / found.low)

    assert width(0.2) / width(0.0) == pytest.approx(np.sqrt(1.2 / 0.8), rel=1e-9)
    assert width(0.9) / width(0.0) == pytest.approx(np.sqrt(2.5), rel=1e-9)
    assert width(0.0) == pytest.approx(2 * two_sided_quantile(0.9, 100) * 0.01 / 2.0, rel=1e-9)


def test_an_error_of_0_still_has_an_upper_end():
    """Wilson's interval of 0 out of n: up to z^2 / (n + z^2)."""
    found = interval(0.0, 0.0, rows(300), "error", 0.0)
    z2 = two_sided_quantile(0.9, 100) ** 2
    assert (found.low, found.high) == pytest.approx((0.0, z2 / (300 + z2)))
    assert found.high is not None
    full = interval(1.0, 0.0, rows(300), "accuracy", 0.0)
    assert full.low == pytest.approx(1.0 - found.high)
    assert interval(2.0, 0.0, rows(), "mse", 0.0).low is None
    assert interval(np.nan, 0.0, rows(), "mse", 0.0).method == "none"


def logit(share):
    return np.log(share / (1.0 - share))


def ends(value, metric, *, variance=4e-4, spread=None, share=0.0):
    found = interval(value, variance, spread or rows(), metric, share)
    assert found.low is not None
    assert found.high is not None
    return np.array([found.low, found.high])


def test_intervals_lie_alike_on_the_scale_of_their_metric():
    """The delta method: log(v) moves by half / v, logit(v) by half / (v (1 - v)), half = t sd."""
    half = two_sided_quantile(0.9, 100) * 0.02
    both = np.array([-half, half])
    assert np.log(ends(2.0, "mse")) == pytest.approx(np.log(2.0) + both / 2.0, rel=1e-12)
    assert np.log(1.0 - ends(0.7, "r2")) == pytest.approx(np.log(0.3) - both / 0.3, rel=1e-12)
    for metric in ("auc", "f1"):
        assert logit(ends(0.9, metric)) == pytest.approx(logit(0.9) + both / 0.09, rel=1e-12)
    assert ends(0.01, "mse") == pytest.approx([0.0, 0.01 + half])  # where the logarithm says nothing
    assert interval(1.0, 4e-4, rows(), "auc", 0.0).low is None


@pytest.mark.parametrize(
    ("kind", "freedom", "inflation"),
    [("rows", 20.0, 1.5), ("groups", 12.0, 1.5), ("folds", 59, 3.0), ("blocks", 59, 3.0)],
)
def test_the_quantile_and_the_inflation_are_those_of_what_varies(kind, freedom, inflation):
    spread = Spread(np.zeros((1, 1)), 60, kind, 3.0)
    half = two_sided_quantile(0.9, freedom) * 0.02 * np.sqrt(inflation)
    found = ends(2.0, "mse", spread=spread, share=0.2)
    assert np.log(found) == pytest.approx(np.log(2.0) + np.array([-half, half]) / 2.0, rel=1e-12)


def curve_of(mean):
    lambdas = np.logspace(3, -3, len(mean))
    none = np.full(len(mean), np.nan)
    return Curve(lambdas, np.array(mean), none, none)


def test_the_optimism_of_equal_errors_is_that_of_the_smallest_of_normals():
    """Of L independent normals with one mean the smallest is expected E max below it."""
    found = judge([curve_of(np.ones(10))], Spread(4e-4 * np.eye(10), 100, "rows"), "min", 0)
    assert found.optimism == pytest.approx(0.02 * 1.5388, rel=0.1)
    assert len(found.lambda_set) == 10
    alone = judge([curve_of([9.0, 1.0, 9.0])], Spread(0.01 * np.eye(3), 100, "rows"), "min", 0)
    assert alone.optimism == 0.0
    assert alone.lambda_set == [1.0]


@pytest.mark.parametrize("seed", range(5))
def test_the_optimism_hardly_depends_on_the_draws_where_errors_vary_together(seed):
    """Of two equal means whose difference has variance 2 e it is E max of both, sqrt(e / pi)."""
    spread = Spread(0.01 * np.ones((2, 2)) + 1e-6 * np.eye(2), 100, "rows")
    found = judge([curve_of([1.0, 1.0])], spread, "min", seed)
    assert found.optimism == pytest.approx(np.sqrt(1e-6 / np.pi), rel=0.2)


@pytest.mark.parametrize("rule", ["min", "1se"])
def test_the_optimism_of_several_curves_is_that_of_the_best_of_all(rule):
    """Two curves of five lambdas are as optimistic as one of ten, and more than one of five."""
    some, more = curve_of(np.ones(5)), curve_of(np.ones(5) - 1e-9)
    both = judge([some, more], Spread(4e-4 * np.eye(10), 100, "rows"), rule, 0)
    alone = judge([some], Spread(4e-4 * np.eye(5), 100, "rows"), rule, 0)
    assert both.optimism == pytest.approx(0.02 * 1.5388, rel=0.1)
    assert alone.optimism == pytest.approx(0.02 * 1.1630, rel=0.1)
    assert both.lambda_set == more.lambdas.tolist()


def test_a_large_and_uncertain_error_is_not_taken_for_the_best():
    """Errors are above 0: one of 18 with a standard error of 8 is hardly ever below 3.7 (a normal one is)."""
    curve, spread = curve_of([18.0, 3.7]), Spread(np.diag([64.0, 0.25]), 10, "blocks")
    found = judge([curve], spread, "min", 0)
    noise = np.random.default_rng(0).normal(size=1_000_000)
    s = 8.0 / 18.0
    below = np.mean(np.exp(s * noise - s**2 / 2) * 18.0 < 3.7)
    assert below < 1e-3
    assert found.optimism < 0.02
    assert found.lambda_set == [1e-3]


def test_the_one_standard_error_rule_stays_in_the_curve_of_the_best_minimum():
    some, more = curve_of([1.0, 0.9, 0.5]), curve_of([1.0, 0.42, 0.4])
    some, more = (curve._replace(se=np.full(3, 0.2)) for curve in (some, more))
    losses = np.array([[1.0, 0.9, 0.5, 1.0, 0.42, 0.4], [1.0, 0.35, 0.3, 1.0, 0.42, 0.4]])
    assert _choose([some, more], "1se", losses).tolist() == [4, 1]
    assert _choose([some, more], "min", losses).tolist() == [5, 2]


def test_paired_errors_are_told_apart_where_independent_ones_are_not():
    curve = curve_of([1.0, 1.02, 1.01])
    together = Spread(np.full((3, 3), 0.01) + 1e-6 * np.eye(3), 100, "rows")
    apart = Spread(0.01 * np.eye(3), 100, "rows")
    assert len(judge([curve], together, "min", 0).lambda_set) == 1
    assert len(judge([curve], apart, "min", 0).lambda_set) == 3


def test_the_set_holds_the_best_lambda_as_often_as_it_says():
    """Lei (2020): over seeded draws of correlated means around a flat truth, at least 90 %, less 3 se."""
    rng, at = np.random.default_rng(8), np.arange(12)
    covariance = 0.01 * np.exp(-np.abs(np.subtract.outer(at, at)) / 4.0)
    root, truth = np.linalg.cholesky(covariance), 1.0 + 0.002 * (at - 5.0) ** 2
    spread, hits = Spread(covariance, 100, "rows"), 0
    for i in range(200):
        curve = curve_of(truth + root @ rng.normal(size=12))
        hits += float(curve.lambdas[5]) in judge([curve], spread, "min", i).lambda_set
    assert hits / 200 >= 0.9 - 3 * np.sqrt(0.09 / 200)


def test_a_lambda_without_a_finite_fit_is_never_chosen():
    curve = curve_of([1.0, np.nan, 1.0])
    found = judge([curve], Spread(np.diag([0.01, 0.0, 0.01]), 50, "rows"), "1se", 0)
    assert found.lambda_set == [1e3, 1e-3]
    assert np.isfinite(found.optimism)
