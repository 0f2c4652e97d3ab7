"""What is read off a curve: minimum, one standard error, ties, edges, the range that does as well, growth."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.api.verdict import verdict
from l2cli.core.grid import log_grid
from l2cli.select.curve import Curve, best_index, extended

GRID = np.array([16.0, 8.0, 4.0, 2.0, 1.0])


def curve_of(mean, se=None, *, up=False, lambdas=GRID, paired=None):
    mean = np.array(mean, dtype=float)
    nothing = np.full(len(mean), np.nan)
    se = nothing if se is None else np.broadcast_to(np.asarray(se, dtype=float), mean.shape)
    return Curve(np.asarray(lambdas), mean, se, nothing if paired is None else np.array(paired), up)


def test_the_minimum_and_the_rule_of_one_standard_error():
    curve = curve_of([9.0, 3.4, 3.0, 2.5, 2.9], se=[1.0, 1.0, 1.0, 0.5, 1.0])
    assert (curve.index_min, curve.index_1se) == (3, 2)
    assert (curve.index_by("min"), curve.index_by("1se")) == (3, 2)
    assert curve.edge is None


def test_one_standard_error_includes_its_bound_and_leaps_over_worse_lambdas():
    curve = curve_of([3.0, 3.5, 3.0, 2.5, 2.9], se=0.5)
    assert curve.index_1se == 0


@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)])
def test_ties_go_to_the_larger_lambda(order):
    curve = curve_of(np.array([3.0, 1.0, 2.0, 1.0, 1.0])[order], se=0.0, lambdas=GRID[order])
    assert GRID[order][curve.index_min] == 8.0
    assert GRID[order][curve.index_1se] == 8.0


def test_greater_may_be_better():
    curve = curve_of([0.5, 0.7, 0.79, 0.8, 0.6], se=0.05, up=True)
    assert curve.index_min == 3
    assert curve.index_1se == 2
    assert curve.loss == pytest.approx([-0.5, -0.7, -0.79, -0.8, -0.6])


def test_values_that_are_not_finite_rank_last():
    curve = curve_of([np.nan, np.inf, 5.0, -np.inf, np.nan], se=np.nan)
    assert curve.loss.tolist() == [np.inf, np.inf, 5.0, np.inf, np.inf]
    assert curve.index_min == curve.index_1se == 2
    assert best_index(GRID, np.full(5, np.inf)) == 0


@pytest.mark.parametrize(
    ("mean", "edge"), [([1, 2, 3, 4, 5], "high"), ([5, 4, 3, 2, 1], "low"), ([3, 2, 1, 2, 3], None)]
)
def test_edges(mean, edge):
    assert curve_of(mean).edge == edge
    assert curve_of(mean[:1], lambdas=GRID[:1]).edge is None
    repeated = curve_of(mean, lambdas=np.full(len(mean), 7.0))
    assert (repeated.edge, repeated.as_good) == (None, None)


def test_nothing_lies_beyond_a_lambda_of_0():
    assert curve_of([3, 2, 1], lambdas=np.array([10.0, 1.0, 0.0])).edge is None
    assert curve_of([1, 2, 3], lambdas=np.array([10.0, 1.0, 0.0])).edge == "high"


def test_the_range_that_does_as_well_is_one_run_around_the_best():
    mean, paired = [5.0, 2.2, 2.1, 2.0, 2.1], [9.9, 0.3, 0.05, 0.0, 0.2]
    assert curve_of(mean, paired=paired).as_good == (1.0, 2.0)
    assert curve_of(mean, paired=[9.9, 0.3, 0.2, 0.0, 0.0]).as_good == (2.0, 16.0)
    assert curve_of(mean[::-1], paired=paired[::-1], lambdas=GRID[::-1]).as_good == (1.0, 2.0)
    assert curve_of(mean).as_good is None
    assert curve_of([1.0], lambdas=GRID[:1], paired=[0.0]).as_good is None


def test_differences_below_a_thousandth_are_none():
    mean = [5.0, 2.004, 2.001, 2.0, 2.0019]
    assert curve_of(mean, paired=np.zeros(5)).as_good == (1.0, 4.0)
    assert curve_of([0.6, 0.79, 0.7995, 0.8, 0.6], paired=np.zeros(5), up=True).as_good == (2.0, 4.0)


def test_edge_and_range_speak_of_the_lambda_of_the_rule():
    curve = curve_of([3.0, 1.9, 1.6, 1.2, 1.0], se=0.7, paired=[9.0, 0.1, 0.1, 0.1, 0.0])
    assert (curve.edge_by("min"), curve.edge_by("1se")) == ("low", None)
    assert curve.range_by("min") == (1.0, 1.0)
    assert curve.range_by("1se") == (1.0, 4.0)
    leaping = curve_of([1.5, 2.0, 1.6, 1.2, 1.0], se=0.7, paired=np.zeros(5))
    assert leaping.edge_by("1se") == "high"
    assert leaping.range_by("1se") == (16.0, 16.0)
    assert "lambda_1se is the largest lambda tried" in verdict(curve_of([1.5, 1.4, 1.3, 1.0, 1.1], se=0.7))


class Landscape:
    """Losses with a minimum at ``best`` (log scale), counting what is asked."""

    def __init__(self, best: float) -> None:
        self.best = np.log(best)
        self.asked: list[np.ndarray] = []

    def __call__(self, lambdas):
        self.asked.append(lambdas)
        return curve_of((np.log(lambdas) - self.best) ** 2, lambdas=lambdas)


@pytest.mark.parametrize("best", [3e4, 1e-4])
def test_an_automatic_grid_grows_until_the_best_is_inside(best):
    grid = log_grid(1e-2, 1e2, 9)
    curve = extended(grid, Landscape(best), automatic=True)
    assert curve.edge is None
    assert np.log(curve.lambdas[curve.index_min] / best) == pytest.approx(0.0, abs=0.6)
    steps = np.diff(np.log(curve.lambdas))
    assert steps == pytest.approx(np.full(len(steps), np.log(1e-4) / 8), rel=1e-9)
    assert set(grid) <= set(curve.lambdas)


def test_a_grid_given_does_not_grow():
    landscape = Landscape(1e9)
    assert extended(log_grid(1e-2, 1e2, 9), landscape, automatic=False).edge == "high"
    assert len(landscape.asked) == 1


def test_growth_ends_at_three_times_the_length():
    curve = extended(log_grid(1e-2, 1e2, 10), Landscape(1e100), automatic=True)
    assert len(curve.lambdas) == 30
    assert curve.edge == "high"


def test_growth_ends_where_the_curve_is_flat():
    asked: list[np.ndarray] = []

    def flat(lambdas):
        asked.append(lambdas)
        return curve_of(np.full(len(lambdas), 4.0), lambdas=lambdas)

    curve = extended(log_grid(1e-2, 1e2, 12), flat, automatic=True)
    assert (curve.edge, curve.settled, len(asked)) == ("high", True, 1)
    assert np.isnan(curve.unpenalized)


@pytest.mark.parametrize(("at_zero", "needless"), [(2.0, True), (2.1, False)])
def test_a_curve_that_levels_off_towards_zero_needs_no_penalty_if_zero_does_as_well(at_zero, needless):
    def levelling(lambdas):
        return curve_of(np.where(lambdas > 0, 2.0 + lambdas**2, at_zero), lambdas=lambdas, se=0.1)

    curve = extended(log_grid(1e-6, 1e2, 40), levelling, automatic=True, zero=True)
    assert (len(curve.lambdas), curve.edge, curve.needs_no_penalty) == (40, None, needless)
    assert ("shrinkage does not help here: --lambda 0 does as well" in verdict(curve)) == needless
    assert not extended(log_grid(1e-6, 1e2, 40), levelling, automatic=False, zero=True).needs_no_penalty


def test_growth_ends_before_lambdas_leave_the_range_of_doubles():
    curve = extended(log_grid(1e-299, 1e-290, 10), Landscape(1e-320), automatic=True)
    assert curve.lambdas.min() > 1e-300


def test_by_auc_the_largest_lambda_is_not_the_mean():
    """Coefficients next to nothing rank rows as well as larger ones; the mean ranks none."""
    flat = Curve(
        np.array([1000.0, 100.0, 10.0, 1.0]), np.array([0.70, 0.71, 0.70, 0.60]),
        np.full(4, 0.03), np.array([0.02, 0.0, 0.02, 0.02]), greater_is_better=True,
    )  # fmt: skip
    assert verdict(flat, automatic=True, metric="accuracy").startswith("the features say nothing")
    assert verdict(flat, automatic=True, metric="auc").startswith(
        "flat above 10: any larger lambda does as well, for auc does not see how large coefficients are"
    )
