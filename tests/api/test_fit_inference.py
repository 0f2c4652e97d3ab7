"""``fit --inference``: the bootstrap against refits one by one, and what the result says of all kinds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import l2cli
from l2cli.api.decision import decide
from l2cli.api.fit import fit_dataset
from l2cli.api.inference import Refit, bootstrap, refit, resample
from l2cli.api.setup import Setup, prepare, problem_of
from l2cli.diagnostics.bootstrap import draw_counts, summary
from l2cli.errors import FitError, UsageError
from l2cli.spec import GridSpec, ModelSpec, SelectSpec

RESAMPLES = 12


def given(lam):
    return ModelSpec(lambdas=GridSpec(values=(lam,)))


def refitted(setup, select, b) -> Refit:
    found = refit(setup, select, b)
    assert isinstance(found, Refit)
    return found


def test_a_resample_is_a_fit_of_its_repeated_rows(regression):
    """Standardization included; lambda given, as repeated rows and as weights are then the same."""
    setup = prepare(regression(), given(3.0))
    original = regression()
    for b in range(3):
        counts = draw_counts(0, b, setup.dataset.n_rows, None)
        assert counts.sum() == setup.dataset.n_rows
        again = np.repeat(np.arange(len(counts)), counts)
        expected = l2cli.fit(original.X[again], original.y[again], lam=3.0)
        found = refitted(setup, SelectSpec(), b)
        assert found.coef == pytest.approx(expected.coef, rel=1e-9)
        assert found.intercept == pytest.approx(expected.intercept, rel=1e-9)


@pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
@pytest.mark.parametrize("choice", [{}, {"rule": "1se", "folds": 4}, {"select": "gcv"}])
def test_lambda_is_chosen_anew_as_for_all_rows(regression, choice, l1_ratio):
    if l1_ratio and "select" in choice:
        choice = {"select": "cv"}
    setup = prepare(regression(), ModelSpec(l1_ratio=l1_ratio, lambdas=GridSpec(count=20)))
    original, lams = regression(), []
    for b in range(3):
        counts = draw_counts(7, b, setup.dataset.n_rows, None)
        rows = np.flatnonzero(counts)
        expected = l2cli.fit(
            original.X[rows], original.y[rows], sample_weight=counts[rows], l1_ratio=l1_ratio, seed=7,
            lambdas=GridSpec(count=20), **choice,
        )  # fmt: skip
        found = refitted(setup, SelectSpec(seed=7, **choice), b)
        assert found.lam == pytest.approx(expected.lam, rel=1e-9)
        assert found.coef == pytest.approx(expected.coef, rel=1e-7)
        lams.append(found.lam)
    assert len(set(lams)) > 1


def test_missing_cells_are_imputed_by_the_resample_and_raw_columns_come_back(regression):
    dataset, original = regression(), regression()
    for one in (dataset, original):
        one.X[::7, 1] = np.nan
        one.X[:, 3] = 4.0
    setup = prepare(dataset, given(3.0))
    counts = draw_counts(0, 1, 60, None)
    rows = np.flatnonzero(counts)
    np.testing.assert_allclose(resample(setup, counts).X, original.X[rows], rtol=1e-12)
    again = np.repeat(np.arange(60), counts)
    expected = l2cli.fit(original.X[again], original.y[again], lam=3.0)
    assert refitted(setup, SelectSpec(), 1).coef == pytest.approx(expected.coef, rel=1e-9)


def test_a_resample_chooses_as_all_rows_do_without_trying_every_lambda(regression, monkeypatch):
    setup = prepare(regression(), ModelSpec(l1_ratio=1.0, relax_gamma=0.5))
    tried = []
    whole = Setup.cross_validate

    def counted(self, *given):
        result, factor = whole(self, *given)
        tried.append(len(result.curve.lambdas))
        return result, factor

    monkeypatch.setattr(Setup, "cross_validate", counted)
    found = refitted(setup, SelectSpec(folds=4), 1)
    sample = resample(setup, draw_counts(0, 1, 60, None))
    decided = decide(Setup(sample, problem_of(sample, setup.model), setup.model), SelectSpec(folds=4))
    assert found.lam == pytest.approx(decided.choice.lam)
    assert tried[0] < 0.6 * tried[1]


def test_the_summary_is_that_of_the_refits_whatever_the_jobs(regression):
    setup = prepare(regression(), ModelSpec(l1_ratio=1.0))
    fits = [refitted(setup, SelectSpec(folds=3, seed=4), b) for b in range(RESAMPLES)]
    coef = np.array([one.coef for one in fits])
    for jobs in (1, 2):
        found = bootstrap(setup, SelectSpec(folds=3, seed=4, jobs=jobs), resamples=RESAMPLES)
        assert found.se == pytest.approx(coef.std(axis=0, ddof=1), rel=1e-9)
        assert found.low == pytest.approx(np.quantile(coef, 0.025, axis=0), rel=1e-9)
        assert found.high == pytest.approx(np.quantile(coef, 0.975, axis=0), rel=1e-9)
        assert found.selected == pytest.approx((coef != 0).mean(axis=0))
        assert found.intercept_se == pytest.approx(np.std([one.intercept for one in fits], ddof=1), rel=1e-9)
        assert found.resamples == RESAMPLES
        assert found.lambdas == pytest.approx([one.lam for one in fits], rel=1e-9)


def test_groups_are_drawn_whole_and_folds_keep_them(regression):
    groups = np.arange(60) // 5
    counts = draw_counts(0, 0, 60, groups)
    assert all(len(set(counts[groups == g])) == 1 for g in range(12))
    assert counts.sum() == 60
    setup = prepare(regression(groups=groups), ModelSpec())
    kept = resample(setup, counts).groups
    assert kept is not None
    assert kept.tolist() == groups[counts > 0].tolist()
    found = bootstrap(setup, SelectSpec(folds=12), resamples=4)
    assert found.resamples == 4
    assert "groups" in found.method


def test_every_class_and_fold_is_in_a_resample():
    labels = np.array([0] * 3 + [1] * 60)
    folds = np.arange(63) % 6
    for b in range(50):
        drawn = draw_counts(0, b, 63, None, [labels, folds]) > 0
        assert set(labels[drawn]) == {0, 1}
        assert set(folds[drawn]) == set(range(6))
    with pytest.raises(UsageError, match="every class and fold"):
        draw_counts(0, 0, 60, None, [np.arange(60)])


def test_resamples_without_a_fit_are_not_hidden():
    """Nearly separated classes without a penalty: many resamples are separated."""
    x = np.arange(16.0)
    y = (x > 7.5).astype(int)
    y[7], y[8] = 1, 0
    with pytest.raises(FitError, match="resamples have no fit"):
        l2cli.fit(x[:, None], y, lam=0.0, inference="bootstrap", family="binomial")


def test_summary_of_estimates():
    found = summary(np.array([[0.0], [1.0], [2.0], [3.0]]), 0.5)
    assert found.se == pytest.approx([np.sqrt(5 / 3)])
    assert found.low == pytest.approx([0.75])
    assert found.high == pytest.approx([2.25])
    assert found.selected == pytest.approx([0.75])


@pytest.mark.parametrize("kind", ["shrunken", "debiased", "bootstrap"])
def test_the_result_says_what_its_intervals_cover(regression, kind):
    original = regression()
    fitted = l2cli.fit(original.X, original.y, lam=30.0, inference=kind)
    result = fitted.to_dict()
    said = result["inference"]
    assert said["kind"] == kind
    assert said["level"] == 0.95
    assert said["covers"].startswith("the coefficient" if kind == "debiased" else "the mean")
    for row in result["coefficients"]:
        centre = row["coef_debiased"] if kind == "debiased" else row["coef"]
        assert row["ci_low"] < centre < row["ci_high"]
        assert row["se"] > 0
        assert ("coef_debiased" in row) == (kind == "debiased")
    assert (result["intercept_se"] is None) == (kind == "debiased")
    if kind == "bootstrap":
        assert said["resamples"] == 200
        assert said["lambda_range"] == [30.0, 30.0]
    plain = l2cli.fit(original.X, original.y, lam=30.0).to_dict()
    assert "inference" not in plain
    assert [row["coef"] for row in plain["coefficients"]] == [row["coef"] for row in result["coefficients"]]


def test_banded_classes_and_several_targets_have_their_own():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 4))
    Y = X[:, :2] + rng.normal(size=(80, 2))
    both = l2cli.fit(X, Y, lam=5.0, inference="shrunken").to_dict()["targets"]
    for t in (0, 1):
        alone = l2cli.fit(X, Y[:, t], lam=5.0, inference="shrunken").to_dict()
        assert [row["se"] for row in both[t]["coefficients"]] == pytest.approx(
            [row["se"] for row in alone["coefficients"]]
        )
        assert both[t]["inference"]["sigma"] == pytest.approx(alone["inference"]["sigma"])
    groups = {"a": ["x0", "x1"], "b": ["x2", "x3"]}
    banded = l2cli.fit(
        X, Y[:, 0], column_groups=groups, group_penalty="banded", group_lambda={"a": 5.0, "b": 50.0},
        inference="shrunken",
    ).to_dict()["coefficients"]  # fmt: skip
    factors = l2cli.fit(X, Y[:, 0], lam=5.0, penalty_factor=[1, 1, 10, 10], inference="shrunken").to_dict()
    assert [row["se"] for row in banded] == pytest.approx([row["se"] for row in factors["coefficients"]])
    labels = np.array(["a", "b", "c"])[np.digitize(Y[:, 0], [-0.5, 0.5])]
    for kind in ("shrunken", "bootstrap"):
        classes = l2cli.fit(X, labels, lam=5.0, inference=kind).to_dict()["classes"]
        assert all(row["se"] > 0 for part in classes for row in part["coefficients"])
        assert all(part["intercept_se"] > 0 for part in classes)


def test_what_cannot_be_is_refused_before_any_work():
    frame = pd.DataFrame({"a": np.arange(30.0), "b": np.arange(30.0) % 7, "y": np.arange(30.0) % 5})
    with pytest.raises(UsageError, match="inference 'wald' is not available"):
        l2cli.fit(frame, target="y", inference="wald")
    with pytest.raises(UsageError, match="pure L2"):
        l2cli.fit(frame, target="y", l1_ratio=1.0, inference="shrunken")
    with pytest.raises(UsageError, match="bounds"):
        l2cli.fit(frame, target="y", bounds={"a": (0.0, None)}, inference="debiased")


@pytest.mark.parametrize("kind", ["shrunken", "debiased"])
def test_errors_of_groups_say_that_their_rows_count_as_independent(regression, kind):
    labels = np.repeat(np.arange(12), 5)
    alone = fit_dataset(regression(), ModelSpec(), SelectSpec(), inference=kind).to_dict()["inference"]
    grouped = fit_dataset(regression(groups=labels), ModelSpec(), SelectSpec(), inference=kind).to_dict()
    told = "rows taken as independent, where bootstrap would draw whole groups"
    assert told not in alone["method"]
    assert told in grouped["inference"]["method"]
