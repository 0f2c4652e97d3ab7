"""Comparisons on identical folds: nested tuning against explicit loops, and the test of differences."""

from __future__ import annotations

import numpy as np
import pytest
from coverage_differences import CELLS, study
from scipy.stats import t as student

from l2cli.core.path import solve_path
from l2cli.core.problem import make_problem
from l2cli.data.folds import Folds, draw_folds
from l2cli.errors import UsageError
from l2cli.select.candidates import Candidate, parse_candidates
from l2cli.select.compare import Comparison, Contender
from l2cli.select.cv import fold_fits
from l2cli.select.nested import inner_fits
from l2cli.select.scores import Scores, compare_pair, least_error, model_spread, ranking
from l2cli.select.spread import Spread

GRID = np.array([1000.0, 100.0, 30.0, 10.0, 3.0, 1.0, 0.1])


class Data:
    """A gaussian target on rows with missing cells, weights and an offset, and folds of unequal size."""

    def __init__(self, n=48, p=6, k=4, repeats=1, seed=0):
        rng = np.random.default_rng(seed)
        self.X = rng.normal(size=(n, p))
        self.y = 3.0 + self.X @ rng.normal(size=p) * 0.7 + 2.0 * rng.normal(size=n)
        self.X[rng.random((n, p)) < 0.1] = np.nan
        self.s, self.o = rng.uniform(0.5, 2.0, size=n), rng.normal(size=n)
        self.folds = Folds(np.array([rng.integers(0, k, size=n) for _ in range(repeats)]), k, "rows")
        weights = np.array([self.s[ids == g].sum() for ids in self.folds.ids for g in range(k)])
        self.shares = weights / weights.sum()

    def problem(self):
        return make_problem(self.X, self.y, weights=self.s, offset=self.o)

    def scores(self, grid, metric="mse", scale="sum", specs=()):
        problem = self.problem()
        comparison = comparison_of(problem, self.folds, grid, metric, scale)
        return {s.candidate.spec: s for s in comparison.run(parse_candidates(specs))}


def comparison_of(problem, folds, grid, metric="mse", scale="sum", **more):
    contenders = {}
    for ratio in (0.0, 1.0):
        mixed = problem._replace(l1_ratio=ratio)
        contenders[ratio, 1.0] = Contender(mixed, grid, fold_fits(mixed, folds, scale))
    return Comparison(contenders, folds, metric, scale, **more)


@pytest.mark.parametrize(("metric", "scale", "repeats"), [("mse", "sum", 2), ("mae", "mean", 1)])
def test_tuned_models_are_those_of_explicit_nested_loops(by_hand, by_definition, metric, scale, repeats):
    data = Data(repeats=repeats)
    grid = GRID / (40.0 if scale == "mean" else 1.0)

    def loss(train, test, lam):
        own = lam * data.s[train].sum() if scale == "mean" else lam
        fit = by_hand(data.X[train], data.y[train], data.s[train], data.o[train], np.ones(6), own)
        eta = fit.predict(data.X[test], data.o[test])
        return by_definition(metric, data.y[test], eta, data.s[test], 0.0)

    expected: dict[str, list[float]] = {"ridge": [], "ridge:1se": []}
    for ids in data.folds.ids:
        for outer in range(4):
            train, inner = ids != outer, [g for g in range(4) if g != outer]
            table = np.array([[loss(train & (ids != g), ids == g, lam) for lam in grid] for g in inner])
            share = np.array([data.s[ids == g].sum() for g in inner]) / data.s[train].sum()
            mean = share @ table
            se = np.sqrt(share @ (table - mean) ** 2 / 2)
            best = int(np.argmin(mean))
            largest = int(np.argmax(mean <= mean[best] + se[best]))
            expected["ridge"].append(loss(train, ids == outer, grid[best]))
            expected["ridge:1se"].append(loss(train, ids == outer, grid[largest]))
    scores = data.scores(grid, metric, scale)
    assert expected["ridge"] != expected["ridge:1se"]
    for name, values in expected.items():
        mean = data.shares @ values
        assert scores[name].values == pytest.approx(values, rel=1e-7)
        assert scores[name].mean == pytest.approx(mean, rel=1e-7)
        assert scores[name].se == pytest.approx(np.sqrt(data.shares @ (values - mean) ** 2 / 3), rel=1e-6)
        assert scores[name].problem is None


@pytest.mark.parametrize("metric", ["mse", "mae", "r2"])
def test_mean_only_and_unpenalized_are_what_they_say(by_hand, by_definition, metric):
    data = Data(repeats=2)
    scores = data.scores(GRID, metric)
    mean_only, ols = [], []
    for ids in data.folds.ids:
        for g in range(4):
            train, test = ids != g, ids == g
            middle = np.average(data.y[train], weights=data.s[train])
            b = np.average(data.y[train] - data.o[train], weights=data.s[train])
            mean_only.append(by_definition(metric, data.y[test], data.o[test] + b, data.s[test], middle))
            fit = by_hand(data.X[train], data.y[train], data.s[train], data.o[train], np.ones(6), 0.0)
            eta = fit.predict(data.X[test], data.o[test])
            ols.append(by_definition(metric, data.y[test], eta, data.s[test], middle))
    assert scores["mean"].values == pytest.approx(mean_only, rel=1e-9)
    assert scores["ols"].values == pytest.approx(ols, rel=1e-7)


def test_a_binomial_comparison_tunes_on_the_other_folds():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(120, 4))
    y = (X[:, 0] + rng.logistic(size=120) > 0).astype(float)
    folds = draw_folds(120, 3, strata=y.astype(np.int64))
    problem = make_problem(X, y, family="binomial")
    comparison = comparison_of(problem, folds, GRID, "deviance")
    scores = {s.candidate.spec: s for s in comparison.run(parse_candidates(()))}
    ids = folds.ids[0]

    def deviance(train, test, lam):
        path = solve_path(make_problem(X[train], y[train], family="binomial"), np.array([lam]))
        eta = X[test] @ path.coef[:, 0] + path.intercept[0]
        return np.mean(2 * (np.logaddexp(0, eta) - y[test] * eta))

    for outer in range(3):
        train, inner = ids != outer, [g for g in range(3) if g != outer]
        table = np.array([[deviance(train & (ids != g), ids == g, lam) for lam in GRID] for g in inner])
        share = np.array([(ids == g).sum() for g in inner]) / train.sum()
        best = GRID[int(np.argmin(share @ table))]
        assert scores["ridge"].values[outer] == pytest.approx(deviance(train, ids == outer, best), abs=1e-5)
        assert scores["ols"].values[outer] == pytest.approx(deviance(train, ids == outer, 0.0), abs=1e-5)
        p = y[train].mean()
        null = -2 * np.mean(np.log(np.where(y[ids == outer] > 0, p, 1 - p)))
        assert scores["mean"].values[outer] == pytest.approx(null, rel=1e-12)


def test_two_folds_tune_on_ten_new_ones():
    data = Data(k=2)
    rows = np.flatnonzero(data.folds.ids[0] == 1)
    inner = inner_fits(fold_fits(data.problem(), data.folds, "sum"), "sum", 0, seed=5).folds
    assert inner.k == 10
    assert np.array_equal(inner.ids, draw_folds(len(rows), 10, seed=5).ids)
    assert np.isfinite(data.scores(GRID)["ridge"].mean)


def test_two_folds_of_groups_keep_the_groups_together():
    data = Data(k=2)
    groups = np.repeat(np.arange(12), 4)
    folds = draw_folds(48, 2, groups=groups)
    rows = np.flatnonzero(folds.ids[0] == 1)
    ids = inner_fits(fold_fits(data.problem(), folds, "sum"), "sum", 0, groups=groups).folds.ids[0]
    assert all(len(set(ids[groups[rows] == g])) == 1 for g in set(groups[rows]))


def test_a_model_without_a_finite_fit_has_no_values_and_a_reason():
    x = np.arange(40.0)
    y = (x > 19.5).astype(float)
    folds = Folds((np.arange(40) % 4)[None, :], 4, "rows")
    problem = make_problem(x[:, None], y, family="binomial")
    comparison = comparison_of(problem, folds, GRID, "deviance")
    scores = comparison.run(parse_candidates(()))
    found = {s.candidate.spec: s for s in scores}
    assert np.isnan(found["ols"].values).all()
    assert "no finite solution at lambda 0" in str(found["ols"].problem)
    assert np.isfinite(found["ridge"].mean)
    assert ranking(scores, "deviance")[-1] is found["ols"]
    told = model_spread(
        [found["ridge"]], next(iter(comparison_of(problem, folds, GRID).contenders.values())).fits, "mse"
    )
    pair = compare_pair(found["ridge"], found["ols"], told, "deviance")
    assert np.isnan([pair.difference, pair.ci_low, pair.ci_high, pair.p_value]).all()


def score(name, mean):
    return Scores(Candidate(name, name, "tuned"), np.array([mean]), mean, 0.0, 0.0)


COVARIANCE = np.array([[0.04, 0.01], [0.01, 0.09]])


def spread(covariance=COVARIANCE, units=60, kind="rows", overlap=1.0 + 10 / 9):
    return Spread(np.array(covariance), units, kind, overlap)


def test_differences_are_tested_on_the_log_scale_with_the_correction_for_folds():
    a, b = score("a", 2.0), score("b", 3.0)
    pair = compare_pair(a, b, spread(), "mse")
    se = np.sqrt((1 + 10 / 9) * (0.04 / 4 + 0.09 / 9 - 2 * 0.01 / 6))
    log, width = np.log(2 / 3), student.ppf(0.975, 20) * se
    assert (pair.a, pair.b, pair.difference) == ("a", "b", -1.0)
    assert pair.p_value == pytest.approx(2 * student.cdf(log / se, 20), rel=1e-9)
    # in units of the smaller error: at the ratio itself it is the difference
    assert 2.0 - 2.0 * np.exp(-log) == pytest.approx(pair.difference)
    ends = [2.0 - 2.0 * np.exp(-(log - width)), 2.0 - 2.0 * np.exp(-(log + width))]
    assert [pair.ci_low, pair.ci_high] == pytest.approx(ends, rel=1e-9)
    other = compare_pair(b, a, spread(COVARIANCE[::-1, ::-1]), "mse")
    assert other.p_value == pytest.approx(pair.p_value)
    assert [-other.ci_high, -other.ci_low] == pytest.approx([pair.ci_low, pair.ci_high])


def test_an_r2_is_compared_by_what_it_leaves_and_shares_as_they_are():
    a, b = score("a", 0.8), score("b", 0.7)
    left = compare_pair(score("a", 0.2), score("b", 0.3), spread(COVARIANCE / 400), "mse")
    pair = compare_pair(a, b, spread(COVARIANCE / 400), "r2")
    assert pair.p_value == pytest.approx(left.p_value)
    assert [pair.ci_low, pair.ci_high] == pytest.approx([-left.ci_high, -left.ci_low])
    assert pair.difference == pytest.approx(0.1)
    for metric, sign in (("accuracy", 1.0), ("error", 1.0), ("auc", 1.0)):
        pair = compare_pair(a, b, spread(COVARIANCE / 400, units=10, kind="folds"), metric)
        se = np.sqrt((1 + 10 / 9) * 0.11 / 400)
        width = student.ppf(0.975, 9) * se
        assert [pair.ci_low, pair.ci_high] == pytest.approx([sign * 0.1 - width, sign * 0.1 + width])
        assert pair.p_value == pytest.approx(2 * student.sf(0.1 / se, 9))


def test_the_interval_holds_nothing_exactly_where_the_test_tells():
    for mean in [*np.linspace(1.0, 8.0, 40), 1e-30, 1e30]:
        pair = compare_pair(score("a", 2.0), score("b", float(mean)), spread(), "mse")
        assert (pair.p_value < 0.05) == (not pair.ci_low <= 0.0 <= pair.ci_high)
        assert pair.ci_low <= pair.difference <= pair.ci_high


@pytest.mark.parametrize(("other", "p"), [(2.0, 1.0), (2.0 + 1e-9, 1.0), (2.5, 0.0)])
def test_differences_without_variance_and_of_rounding(other, p):
    pair = compare_pair(score("a", 2.0), score("b", other), spread(np.zeros((2, 2))), "mse")
    assert (pair.ci_low, pair.ci_high, pair.p_value) == (pair.difference, pair.difference, p)


def test_errors_of_rounding_are_equal():
    problem = make_problem(np.arange(40.0)[:, None], np.arange(40.0))
    least = least_error(problem, "mse")
    assert least == pytest.approx(1e-16 * np.var(np.arange(40.0)))
    assert least_error(problem, "rmse") == pytest.approx(np.sqrt(least))
    a, b, c = score("a", 1e-30), score("b", 1e-25), score("c", 1.0)
    tiny = spread(COVARIANCE * 1e-60)
    assert compare_pair(a, b, tiny, "mse").p_value < 0.05
    assert compare_pair(a, b, tiny, "mse", least=least).p_value == 1.0
    assert compare_pair(a, c, tiny, "mse", least=least).p_value < 0.05


def test_errors_of_nothing_are_compared_as_they_are():
    pair = compare_pair(score("a", 0.0), score("b", 1.0), spread(), "mse")
    assert pair.p_value == pytest.approx(2 * student.sf(1.0 / np.sqrt((1 + 10 / 9) * 0.11), 20))


@pytest.mark.parametrize("metric", ["mse", "rmse", "mae", "r2"])
def test_the_covariance_of_models_is_that_of_their_rows(metric):
    data = Data(n=60, repeats=2)
    problem, n, s = data.problem(), 60, data.s
    comparison = comparison_of(problem, data.folds, GRID, metric)
    scores = comparison.run(parse_candidates(["ridge", "ols", "mean"]))
    found = model_spread(scores, comparison.fits, metric)
    assert (found.kind, found.units, found.overlap) == ("rows", n, 1.0 + 4 / 3)
    total = np.zeros((3, 3))
    for r, ids in enumerate(data.folds.ids):
        loss, unit = np.empty((n, 3)), np.empty(n)
        for f in range(4):
            held, i = np.flatnonzero(ids == f), 4 * r + f
            unit[held] = np.average(data.y[ids != f], weights=s[ids != f])
            for m, score_ in enumerate(scores):
                loss[held, m] = data.y[held] - score_.etas[i]
        loss = np.abs(loss) if metric == "mae" else loss**2
        away = s[:, None] * (loss - overall(scores, metric))
        if metric == "r2":
            null = (data.y - unit) ** 2
            base = pooled_null(data)
            away = s[:, None] * (loss - (1.0 - overall(scores, metric)) * null[:, None]) / base
        total += away.T @ away
    # two rounds of k folds about the same rows: their average
    expected = total / 2 / s.sum() ** 2 * (n / (n - 1))
    if metric == "rmse":
        slope = 0.5 / np.array([one.mean for one in scores])
        expected *= np.outer(slope, slope)
    assert found.covariance == pytest.approx(expected, rel=1e-9)


def overall(scores, metric):
    means = np.array([one.mean for one in scores])
    return means**2 if metric == "rmse" else means


def pooled_null(data):
    parts = []
    for ids in data.folds.ids:
        for f in range(4):
            held = ids == f
            middle = np.average(data.y[~held], weights=data.s[~held])
            parts.append((data.s[held].sum(), data.s[held] @ (data.y[held] - middle) ** 2))
    weights, squares = np.array(parts).T
    return squares.sum() / weights.sum()


@pytest.mark.parametrize(("cell", "naive"), [("n40", 0.9), ("folds5", 0.88)])
def test_intervals_of_differences_cover_as_often_as_they_say(cell, naive):
    """Of 40 draws of 6 to 10 pairs: at least 95 % less three standard errors; uncorrected ones fall short."""
    row = study(CELLS[cell], 40)
    assert row["ours"] >= 0.95 - 3.0 * np.sqrt(0.0475 / 40)
    assert row["uncorrected"] < min(naive, row["ours"])
    assert row["detected"] > row["by folds"]


def test_ranking_puts_the_best_first():
    a, b, c = score("a", 1.0), score("b", 3.0), score("c", np.nan)
    assert [s.candidate.name for s in ranking([c, b, a], "mse")] == ["a", "b", "c"]
    assert [s.candidate.name for s in ranking([c, a, b], "auc")] == ["b", "a", "c"]


def test_candidates_are_parsed_and_checked():
    assert [c.spec for c in parse_candidates(())] == ["ridge", "ridge:1se", "lasso", "ols", "mean"]
    assert [c.l1_ratio for c in parse_candidates((), 0.3)] == [0.0, 0.0, 1.0, 0.3, 0.0, 0.0]
    assert [c.l1_ratio for c in parse_candidates(("enet", "enet:1se"))] == [0.5, 0.5]
    assert [c.rule for c in parse_candidates(("ridge:1se", "ridge:min"))] == ["1se", "min"]
    assert [c.name for c in parse_candidates(("relaxed:-0", "enet:0.1234567", "enet:0.1234568"))] == [
        "relaxed 0 (min)", "enet 0.1234567 (min)", "enet 0.1234568 (min)",
    ]  # fmt: skip
    for specs, message in (
        (("ridge", "tree"), "--models has no 'tree'"),
        (("ridge", "ridge:min"), "--models names 'ridge:min' twice"),
        (("ridge",), "needs two or more"),
        (("relaxed", "relaxed:-0"), "--models: 'relaxed:-0' is the same model as 'relaxed'"),
        (("lasso:1se", "enet:1:1se"), "--models: 'enet:1:1se' is the same model as 'lasso:1se'"),
    ):
        with pytest.raises(UsageError, match=message):
            parse_candidates(specs)
