"""Comparisons on identical folds: nested tuning against explicit loops, and the corrected t test."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.core.path import solve_path
from l2cli.core.problem import make_problem
from l2cli.data.folds import Folds, draw_folds
from l2cli.errors import UsageError
from l2cli.select.candidates import Candidate, parse_candidates
from l2cli.select.compare import (
    Comparison,
    Contender,
    Scores,
    compare_pair,
    ranking,
)
from l2cli.select.cv import fold_fits
from l2cli.select.nested import inner_fits

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
    scores = comparison_of(problem, folds, GRID, "deviance").run(parse_candidates(()))
    found = {s.candidate.spec: s for s in scores}
    assert np.isnan(found["ols"].values).all()
    assert "no finite solution at lambda 0" in str(found["ols"].problem)
    assert np.isfinite(found["ridge"].mean)
    assert ranking(scores, "deviance")[-1] is found["ols"]
    pair = compare_pair(found["ridge"], found["ols"], np.full(4, 0.25), draw_folds(8, 4), "mse")
    assert np.isnan([pair.difference, pair.p_value]).all()


def score(name, values, mean=None):
    values = np.array(values, dtype=float)
    return Scores(
        Candidate(name, name, "tuned"), values, float(values.mean() if mean is None else mean), 0.0, 0.0
    )


def test_the_corrected_t_test_follows_nadeau_and_bengio():
    a, b = score("a", [1.0, 2.0, 3.0, 4.0]), score("b", [1.5, 2.0, 2.0, 3.0])
    pair = compare_pair(a, b, np.full(4, 0.25), draw_folds(8, 4), "mse")
    d = np.array([-0.5, 0.0, 1.0, 1.0])
    se = np.sqrt((1 / 4 + 1 / 3) * d.var(ddof=1))
    assert pair.difference == pytest.approx(0.375)
    assert pair.se == pytest.approx(se)
    assert pair.p_value == pytest.approx(
        0.5594043441634878, rel=1e-9
    )  # 2 P(T > 0.375 / se), 3 degrees of freedom
    assert compare_pair(b, a, np.full(4, 0.25), draw_folds(8, 4), "mse").p_value == pytest.approx(
        pair.p_value
    )


@pytest.mark.parametrize(("shift", "p"), [(0.0, 1.0), (1.0, 0.0)])
def test_differences_without_variance(shift, p):
    a, b = score("a", [1.0, 2.0]), score("b", [1.0 + shift, 2.0 + shift])
    pair = compare_pair(a, b, np.full(2, 0.5), draw_folds(4, 2), "mse")
    assert (pair.se, pair.p_value) == (0.0, p)


def test_ranking_puts_the_best_first():
    a, b, c = score("a", [1.0]), score("b", [3.0]), score("c", [np.nan])
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
