"""Folds in time order, of every family and penalty, against fits of the earlier rows alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import t as student

from l2cli.core.block_problem import make_block_problem
from l2cli.core.design import Codes, Design
from l2cli.core.families import FAMILIES
from l2cli.core.metrics import losses as metric_losses
from l2cli.core.moments import fold_moments
from l2cli.core.path import solve_path
from l2cli.core.problem import make_problem
from l2cli.core.relaxed import relaxed_path
from l2cli.core.student import two_sided_quantile
from l2cli.data.dates import DAY
from l2cli.data.folds import time_folds
from l2cli.data.time_order import TimeColumn
from l2cli.errors import FitError, UsageError
from l2cli.gap import NO_GAP, Gap
from l2cli.select.candidates import parse_candidates
from l2cli.select.compare import Comparison, Contender
from l2cli.select.confidence import interval, judge
from l2cli.select.cv import cross_validate, fold_fits, validation_metrics
from l2cli.select.gaussian_folds import GaussianFolds
from l2cli.select.glm_folds import GlmFolds
from l2cli.select.learner import null_mse
from l2cli.select.nested import inner_fits, inner_in_time, nested, tuned_curve
from l2cli.select.ridge_folds import RidgeFolds
from l2cli.select.scores import compare_pair, model_spread
from l2cli.select.spread import overlap_factor, spread_of
from tests.heldout import heldout_eta

GRID = np.array([300.0, 30.0, 3.0, 0.3])
K = 4
MIXES = [
    {},
    {"l1_ratio": 1.0},
    {"l1_ratio": 0.5, "relax_gamma": 0.4},
    {"groups": np.array([0, 0, 1, 1, 2])},
    {"bounds": (np.array([-0.1, -np.inf, -0.2, -0.3, 0.0]), np.array([0.1, 0.2, np.inf, 0.3, 0.5]))},
]
NAMES = ["l2", "l1", "relaxed", "groups", "bounds"]


class Data:
    """Rows in no order of time, with missing cells, weights, an offset, factors and tied times."""

    def __init__(self, family="gaussian", n=150, p=5, gap="3", seed=0, missing=0.1):
        rng, self.family = np.random.default_rng(seed), family
        self.X = rng.normal(size=(n, p)) * rng.uniform(0.3, 3.0, p) + 1.0
        eta = 0.8 * (self.X[:, 0] - 1.0) + 0.3 * rng.normal(size=n)
        self.y = {
            "gaussian": eta + rng.normal(size=n),
            "binomial": (eta + rng.logistic(size=n) > 0.0).astype(float),
            "multinomial": np.digitize(eta + rng.logistic(size=n), [-1.0, 1.0]).astype(float),
            "poisson": rng.poisson(np.exp(0.4 * eta)).astype(float),
            "gamma": rng.gamma(2.0, np.exp(0.4 * eta)),
            "tweedie": rng.poisson(np.exp(0.3 * eta)) * rng.gamma(2.0, 0.5, n),
        }[family]
        self.X[rng.random((n, p)) < missing] = np.nan
        self.given = {
            "weights": rng.uniform(0.3, 2.0, n),
            "offset": None if family == "multinomial" else rng.normal(size=n) * 0.3,
        }
        self.factors = rng.choice([0.5, 1.0, 2.0], size=p)
        self.time = TimeColumn("t", rng.integers(0, n // 2, n) * DAY)
        self.folds = time_folds(self.time, K, Gap.of(gap))

    def rows(self, rows, **more):
        """Return the problem of some rows (default all), as if there were no others."""
        given: dict[str, Any] = {
            key: None if value is None else value[rows] for key, value in self.given.items()
        }
        return make_problem(
            self.X[rows], self.y[rows], family=self.family, penalty_factor=self.factors, **given, **more
        )

    def problem(self, **more):
        return self.rows(np.arange(len(self.y)), **more)

    def sides(self):
        """Return training and tested rows by comparing times, for a gap of 3 rows."""
        t, order = self.time.values, np.sort(self.time.values)
        n = len(t)
        later = []
        for start in (n - n // (K + 1) * j for j in range(K, 0, -1)):
            low, high = np.sum(t < order[start]), np.sum(t <= order[start])
            later.append(order[high if high - start <= start - low else low])
        result = []
        for first, end in zip(later, [*later[1:], np.inf], strict=True):
            last_left_out = np.sort(t[t < first])[-3]
            result.append((np.flatnonzero(t < last_left_out), np.flatnonzero((t >= first) & (t < end))))
        return result

    def fresh(self, train, held, lam, **more):
        """Return linear predictors of the rows held out by a fit of the earlier ones from scratch."""
        part = self.rows(train, **more)
        path = relaxed_path(part, np.array([lam]))
        filled = np.where(np.isnan(self.X[held]), part.mean, self.X[held])
        eta = filled @ path.coef[..., 0] + path.intercept[..., 0]
        return eta if self.given["offset"] is None else eta + self.given["offset"][held]


def centred(eta):
    """Return linear predictors without what changes no probability."""
    return eta if eta.ndim == 1 else eta - eta.mean(axis=1, keepdims=True)


def ridge_by_hand(data, train, held, lam):
    """Return predictions of least squares with a ridge, by the normal equations of the training rows."""
    s, X = data.given["weights"][train], data.X[train]
    known = ~np.isnan(X)
    fill = (s @ np.where(known, X, 0.0)) / (s @ known)
    X, new = (np.where(np.isnan(A), fill, A) for A in (X, data.X[held]))
    mean = s @ X / s.sum()
    sd = np.sqrt(s @ (X - mean) ** 2 / s.sum())
    Z, b = (X - mean) / sd, data.y[train] - data.given["offset"][train]
    middle = s @ b / s.sum()
    u = np.linalg.solve(Z.T @ (s[:, None] * Z) + lam * np.diag(data.factors), Z.T @ (s * (b - middle)))
    return (new - mean) / sd @ u + middle + data.given["offset"][held]


def test_a_ridge_is_that_of_the_earlier_rows_by_the_normal_equations():
    data = Data()
    fits = fold_fits(data.problem(), data.folds, "sum")
    assert isinstance(fits, GaussianFolds)
    assert fits.by_moments
    result = cross_validate(fits, data.folds, GRID, metric="mse")
    s, weights, means = data.given["weights"], [], []
    for i, (train, held) in enumerate(data.sides()):
        away = [data.y[held] - ridge_by_hand(data, train, held, lam) for lam in GRID]
        expected = [s[held] @ a**2 / s[held].sum() for a in away]
        assert result.fold_losses[i] == pytest.approx(expected, rel=1e-9)
        weights.append(s[held].sum())
        means.append(expected)
    assert result.curve.mean == pytest.approx(np.array(weights) @ np.array(means) / sum(weights), rel=1e-9)
    assert sum(data.folds.sizes()) == sum(len(held) for _, held in data.sides()) < 150


@pytest.mark.parametrize("mix", MIXES, ids=NAMES)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_fit_is_that_of_the_earlier_rows(family, mix):
    data = Data(family)
    fits = fold_fits(data.problem(**mix), data.folds, "sum", jobs=1)
    for lam in (30.0, 3.0):
        eta = heldout_eta(fits, lam)[0]
        untested = np.ones(len(eta), dtype=bool)
        for train, held in data.sides():
            expected = data.fresh(train, held, lam, **mix)
            assert centred(eta[held]) == pytest.approx(centred(expected), abs=3e-6)
            untested[held] = False
        assert np.isnan(eta[untested]).all()
        assert untested.any()
    assert fits.kkt_max <= 1e-5


@pytest.mark.parametrize("mix", [*MIXES[:3], MIXES[4]], ids=["l2", "l1", "relaxed", "bounds"])
def test_more_columns_than_earlier_rows_are_fitted_by_the_rows(mix):
    data = Data(n=60, p=40, gap="3")
    mix = {**mix, "bounds": (np.full(40, -0.1), np.full(40, 0.2))} if "bounds" in mix else mix
    fits = fold_fits(data.problem(**mix), data.folds, "sum")
    assert isinstance(fits, GaussianFolds)
    assert not fits.by_moments
    eta = heldout_eta(fits, 5.0)[0]
    for train, held in data.sides():
        assert eta[held] == pytest.approx(data.fresh(train, held, 5.0, **mix), abs=1e-5)


@pytest.mark.parametrize("family", ["gaussian", "poisson"])
def test_on_the_mean_scale_each_fit_has_the_weight_of_its_own_rows(family):
    data = Data(family)
    fits = fold_fits(data.problem(), data.folds, "mean", jobs=1)
    eta = heldout_eta(fits, 0.1)[0]
    for train, held in data.sides():
        lam = 0.1 * data.given["weights"][train].sum()
        assert eta[held] == pytest.approx(data.fresh(train, held, lam), abs=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_metrics_are_those_of_the_tested_rows(family):
    data = Data(family)
    problem = data.problem()
    fits = fold_fits(problem, data.folds, "sum", jobs=1)
    s, eta = data.given["weights"], heldout_eta(fits, 3.0)[0]
    table = validation_metrics(fits, [3.0])[0]
    values, null, weights = [], [], []
    for train, held in data.sides():
        value = metric_losses("deviance", problem.likelihood, problem.y[held], eta[held][..., None], s[held])
        values.append(value[0])
        weights.append(s[held].sum())
        if problem.y.ndim == 1:
            null.append(
                np.average((data.y[held] - np.average(data.y[train], weights=s[train])) ** 2, weights=s[held])
            )
    assert table["deviance"] == pytest.approx(np.average(values, weights=weights), rel=1e-9)
    if null:
        assert null_mse(fits) == pytest.approx(null, rel=1e-9)
    if family == "gaussian":
        share = np.average(values, weights=weights) / np.average(null, weights=weights)
        assert table["r2"] == pytest.approx(1.0 - share, rel=1e-9)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("ratio", [0.0, 0.6])
def test_columns_in_blocks_are_fitted_to_the_earlier_rows(family, ratio):
    data = Data(family, p=2, gap="3")
    rng = np.random.default_rng(3)
    codes = rng.integers(0, 12, 150)
    late = np.argsort(data.time.values)[-20:]
    codes[late] = 11
    codes[np.setdiff1d(np.flatnonzero(codes == 11), late)] = (
        3  # the last level is in no training block but one
    )
    design = Design(data.X, np.array([0, 1]), (Codes(codes, 12, 2),))
    problem = make_block_problem(design, data.y, family=family, l1_ratio=ratio, **data.given)
    data.X, data.factors = np.column_stack([data.X, np.eye(12)[codes]]), np.ones(14)
    for scale, lam in (("sum", 4.0), ("mean", 0.05)):
        eta = heldout_eta(fold_fits(problem, data.folds, scale, jobs=1), lam)[0]
        for train, held in data.sides():
            at = lam * (1.0 if scale == "sum" else data.given["weights"][train].sum())
            expected = data.fresh(train, held, at, l1_ratio=ratio)
            assert centred(eta[held]) == pytest.approx(centred(expected), abs=3e-5)


@pytest.mark.parametrize("gap", [NO_GAP, Gap.of(3), Gap.of("9d")])
def test_moments_of_the_training_rows_are_merged_from_the_first_block_on(gap, monkeypatch):
    data = Data()
    folds = time_folds(data.time, 2, gap)
    asked: list[int] = []

    def watched(problem, ids, k):
        asked.append(k)
        return fold_moments(problem, ids, k)

    monkeypatch.setattr("l2cli.select.gaussian_folds.fold_moments", watched)
    fits = fold_fits(data.problem(), folds, "sum")
    assert isinstance(fits, RidgeFolds)
    assert fits.moments is not None
    assert asked == ([3] if gap is NO_GAP else [3, 2])
    assert [m.rows for m in fits.moments.training(2)] == folds.training_sizes()
    assert fits.moments.all_rows(2).rows == 150
    factor = fits.full_factor()
    assert factor is not None
    assert factor.solve(np.array([5.0])) == pytest.approx(
        solve_path(data.problem(), np.array([5.0])).u, rel=1e-8
    )
    other = fits.with_factors(np.arange(1.0, 6.0))
    assert len(asked) == (1 if gap is NO_GAP else 2)
    again = fold_fits(data.problem()._replace(factors=np.arange(1.0, 6.0)), folds, "sum")
    assert other.losses(GRID, "mse") == pytest.approx(again.losses(GRID, "mse"), rel=1e-12)


def test_several_targets_share_their_folds():
    data = Data(missing=0.0)
    Y = np.column_stack([data.y, data.y**2])
    given = data.given | {"penalty_factor": data.factors}
    together = fold_fits(make_problem(data.X, Y, **given), data.folds, "sum")
    assert isinstance(together, RidgeFolds)
    for t in range(2):
        problem = make_problem(data.X, np.ascontiguousarray(Y[:, t]), **given)
        alone = fold_fits(problem, data.folds, "sum").losses(GRID, "mse")
        assert together.for_target(t, problem).losses(GRID, "mse") == pytest.approx(alone, rel=1e-10)


def test_training_rows_of_one_class_are_named():
    data = Data("binomial", gap="0")
    data.y[data.time.values <= np.median(data.time.values)] = 0.0
    with pytest.raises(
        FitError, match="before fold 1 only one class is left to train on; give fewer --folds"
    ):
        GlmFolds(data.problem(), data.folds)


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
@pytest.mark.parametrize("mix", [{}, {"l1_ratio": 1.0}], ids=["l2", "l1"])
def test_inner_folds_are_in_time_order_on_the_earlier_rows(family, mix):
    data = Data(family, n=300)
    fits = fold_fits(data.problem(**mix), data.folds, "sum", jobs=1)
    for i in (0, 2):
        train = data.folds.training(i)
        own = time_folds(data.time.take(train), min(K, len(train) // 10 - 1), Gap.of(3))
        inner = inner_fits(fits, "sum", i, jobs=1)
        assert inner.folds.ids.tolist() == own.ids.tolist()
        alone = fold_fits(data.rows(train, **mix), own, "sum", jobs=1)
        assert inner.losses(GRID, "deviance") == pytest.approx(alone.losses(GRID, "deviance"), rel=1e-6)


def test_few_earlier_rows_have_two_inner_folds_or_none():
    time = TimeColumn("t", np.arange(50.0))
    assert inner_in_time(time_folds(time, 4, NO_GAP), 0).k == 2
    assert inner_in_time(time_folds(time, 4, NO_GAP), 3).k == 3
    with pytest.raises(
        UsageError,
        match=r"6 rows before fold 1 with 6 different times cannot be cut .* --gap 4; give --folds 2 or a",
    ):
        inner_in_time(time_folds(time, 4, Gap.of(4)), 0)
    assert inner_in_time(time_folds(time, 2, Gap.of(4)), 0).k == 2


def test_too_few_times_to_tune_in_name_the_folds_that_have_enough():
    """Ten panels of 20 rows at each time: as many folds as leave three times before the first."""
    time = TimeColumn("year", np.tile(np.arange(20.0), 10))
    with pytest.raises(UsageError, match=r"20 rows before fold 1 with 2 different times .*; give --folds 7$"):
        inner_in_time(time_folds(time, 10, NO_GAP), 0)
    assert inner_in_time(time_folds(time, 7, NO_GAP), 0).k == 2
    with pytest.raises(
        UsageError, match=r"with one time only cannot .*; it takes a time column of more different"
    ):
        inner_in_time(time_folds(TimeColumn("year", np.arange(30.0) // 10), 2, NO_GAP), 0)


def test_inner_folds_in_time_are_named_with_the_outer_one():
    time = TimeColumn("t", np.arange(50.0))
    inner = inner_in_time(time_folds(time, 4, NO_GAP), 3)
    assert inner.named(1) == "before fold 2 of 3 inside the rows before fold 4"


@pytest.mark.parametrize("metric", ["mse", "rmse", "mae"])
def test_the_interval_is_that_of_block_means(metric):
    data = Data(n=400)
    fits = fold_fits(data.problem(), data.folds, "sum")
    result = cross_validate(fits, data.folds, GRID, metric=metric)
    spread = spread_of(result)
    assert (spread.kind, spread.units) == ("blocks", K)
    assert spread.overlap == pytest.approx(1.0)
    assert np.sqrt(np.diag(spread.covariance)) == pytest.approx(result.curve.se, rel=1e-9)
    value, se = result.curve.mean[1], result.curve.se[1]
    span = interval(value, float(spread.covariance[1, 1]), spread, metric, 0.1)
    half = two_sided_quantile(0.9, K - 1) * se
    assert (span.low, span.high) == pytest.approx(
        (value * np.exp(-half / value), value * np.exp(half / value))
    )
    assert span.method == "time blocks, t"
    assert judge([result.curve], spread, "min", 0).optimism >= 0.0


@pytest.mark.parametrize("metric", ["mse", "rmse", "r2"])
def test_nested_in_time_order_is_the_loop_of_loops(metric):
    data = Data(n=240)
    fits = fold_fits(data.problem(), data.folds, "sum")
    found = nested(cross_validate(fits, data.folds, GRID, metric=metric), "sum", "min")
    weights, values = [], []
    for i, (train, held) in enumerate(data.sides()):
        assert train.tolist() == data.folds.training(i).tolist()
        inner = time_folds(data.time.take(train), min(K, max(2, len(train) // 10 - 1)), Gap.of(3))
        curve = cross_validate(fold_fits(data.rows(train), inner, "sum"), inner, GRID, metric=metric).curve
        assert found.lambdas[i] == curve.lambdas[curve.index_min]
        s = data.given["weights"][held]
        away = np.average((data.y[held] - data.fresh(train, held, found.lambdas[i])) ** 2, weights=s)
        mean = np.average(data.y[train], weights=data.given["weights"][train])
        unit = np.average((data.y[held] - mean) ** 2, weights=s) if metric == "r2" else 1.0
        values.append(1.0 - away / unit if metric == "r2" else away)
        weights.append(s.sum() * unit)
    value = np.average(values, weights=weights)
    assert found.value == pytest.approx(np.sqrt(value) if metric == "rmse" else value, rel=1e-8)
    variance = np.average((np.array(values) - value) ** 2, weights=weights) / (K - 1)
    variance /= 4.0 * value if metric == "rmse" else 1.0
    assert found.spread.covariance[0, 0] == pytest.approx(variance, rel=1e-6)
    assert found.spread.kind == "blocks"


def test_models_are_compared_on_the_same_blocks():
    data = Data(n=240)
    problem = data.problem()
    contender = Contender(problem, GRID, fold_fits(problem, data.folds, "sum"))
    comparison = Comparison({(0.0, 1.0): contender}, data.folds, "mse", "sum")
    found = {
        s.candidate.name: s for s in comparison.run(parse_candidates(["mean", "ols", "ridge", "ridge:1se"]))
    }
    names = {s.candidate.spec: name for name, s in found.items()}
    offset, s = data.given["offset"], data.given["weights"]
    for i, (train, held) in enumerate(data.sides()):
        middle = np.average(data.y[train] - offset[train], weights=s[train])
        by_mean = np.average((data.y[held] - offset[held] - middle) ** 2, weights=s[held])
        assert found[names["mean"]].values[i] == pytest.approx(by_mean, rel=1e-9)
        by_ols = np.average((data.y[held] - data.fresh(train, held, 0.0)) ** 2, weights=s[held])
        assert found[names["ols"]].values[i] == pytest.approx(by_ols, rel=1e-7)
        curve = tuned_curve(inner_fits(contender.fits, "sum", i), GRID, "mse")
        own = data.fresh(train, held, curve.lambdas[curve.index_min])
        by_ridge = np.average((data.y[held] - own) ** 2, weights=s[held])
        assert found[names["ridge"]].values[i] == pytest.approx(by_ridge, rel=1e-8)
    shares = np.array([s[held].sum() for _, held in data.sides()])
    shares /= shares.sum()
    a, b = found[names["mean"]], found[names["ridge"]]
    spread = model_spread([a, b], contender.fits, "mse")
    assert (spread.kind, spread.units, spread.overlap) == ("blocks", K, 1.0)
    d = a.values / a.mean - b.values / b.mean  # to first order that of log(a / b)
    t = np.log(a.mean / b.mean) / np.sqrt(shares @ d**2 / (K - 1))
    assert compare_pair(a, b, spread, "mse").p_value == pytest.approx(
        2.0 * student.sf(abs(t), K - 1), rel=1e-9
    )
    assert overlap_factor(data.folds) == 1 / K
