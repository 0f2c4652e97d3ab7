"""``cv``: the keys of the contract, the refit by either rule, both lambda scales, the same for a seed."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import pytest

import l2cli
from l2cli.api import honest
from l2cli.api.cv import cv_dataset
from l2cli.api.fit import fit_dataset
from l2cli.api.verdict import NOTHING, verdict
from l2cli.data.folds import draw_folds
from l2cli.errors import UsageError
from l2cli.select.confidence import Honest
from l2cli.select.curve import Curve
from l2cli.select.cv import weighted_curve
from l2cli.spec import GridSpec, ModelSpec, SelectSpec


@pytest.mark.parametrize("rule", ["min", "1se"])
def test_the_result_hangs_together(regression, rule):
    run = cv_dataset(regression(), ModelSpec(), SelectSpec(rule=rule, folds=5, repeats=2, seed=2))
    content = run.to_dict()
    folds = draw_folds(60, 5, seed=2, repeats=2)
    losses = np.array(content["fold_losses"])
    assert losses.shape == (10, len(content["lambdas"]))
    assert content["fold_sizes"] == folds.sizes()
    share = np.array(folds.sizes()) / 120
    assert content["mean"] == pytest.approx(share @ losses, rel=1e-12)
    assert content["se"] == pytest.approx(np.sqrt(share @ (losses - share @ losses) ** 2 / 4), rel=1e-9)
    best, one = content["index_min"], content["index_1se"]
    assert content["mean"][best] == min(content["mean"])
    within = np.flatnonzero(np.array(content["mean"]) <= content["mean"][best] + content["se"][best])
    assert one == within[0]
    assert (content["lambda_min"], content["lambda_1se"]) == (
        content["lambdas"][best],
        content["lambdas"][one],
    )
    chosen = content["lambda_1se"] if rule == "1se" else content["lambda_min"]
    assert run.refit.lam == content["refit"]["lambda"]["value"] == chosen
    assert content["metrics_min"]["mse"] == pytest.approx(content["mean"][best], rel=1e-9)
    assert content["metrics_1se"]["mse"] == pytest.approx(content["mean"][one], rel=1e-9)
    wanted = content["metrics_1se" if rule == "1se" else "metrics_min"]
    assert content["refit"]["metrics"]["validation"] == wanted
    assert content["folds"] == {"kind": "rows", "k": 5, "repeats": 2, "stratified": False}
    at = content["index_1se" if rule == "1se" else "index_min"]
    judged = content["best"]
    assert (judged["value"], judged["lambda"]) == (content["mean"][at], content["lambdas"][at])
    assert (judged["level"], judged["target"]) == (0.9, "fold_average")
    assert (content["level"], content["refit"]["level"]) == (0.9, 0.95)
    assert judged["value"] <= judged["optimism_corrected"]
    assert judged["ci_low"] < judged["optimism_corrected"] < judged["ci_high"]
    assert content["lambda_min"] in content["lambda_set"]
    low, high = content["range"]
    assert set(content["lambda_set"]) >= {lam for lam in content["lambdas"] if low <= lam <= high}
    assert content["stability"]["lambdas"] == [
        content["lambdas"][weighted_curve(
            np.array(content["lambdas"]), losses[mine], np.array(content["fold_sizes"][mine]), folds, "mse"
        ).index_by(rule)]
        for mine in (slice(0, 5), slice(5, 10))
    ]  # fmt: skip
    assert content["nested"] is None
    assert 0 <= content["fold_kkt_max"] < 1e-9
    assert (run.lambda_min, run.lambda_1se) == (content["lambda_min"], content["lambda_1se"])
    assert np.array_equal(run.mean, content["mean"])
    json.dumps(content, allow_nan=False)


def test_the_refit_is_the_fit_at_that_lambda(binary):
    run = cv_dataset(binary(), ModelSpec(), SelectSpec(folds=4))
    alone = fit_dataset(binary(), ModelSpec(lambdas=GridSpec(values=(run.lambda_min,))), SelectSpec())
    assert run.refit.coef == pytest.approx(alone.coef, rel=1e-10)
    assert run.to_dict()["folds"]["stratified"]


def test_fit_with_folds_chooses_as_cv_does(regression):
    run = cv_dataset(regression(), ModelSpec(), SelectSpec(folds=4, metric="mae", seed=1))
    fit = fit_dataset(regression(), ModelSpec(), SelectSpec(folds=4, metric="mae", seed=1))
    assert fit.lam == run.lambda_min
    # alike to rounding: products may add up in another order from run to run
    assert fit.to_dict()["metrics"]["validation"] == pytest.approx(
        run.refit.to_dict()["metrics"]["validation"], rel=1e-12
    )
    assert run.to_dict()["metric"] == "mae"


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_the_mean_scale_keeps_lambda_over_the_weight_in_every_fold(regression, binary, family):
    """Equal folds train on (K-1)/K of the weight: sum-scale lambdas are that share of W times those given."""
    make = regression if family == "gaussian" else binary
    n = make().n_rows
    labels = np.arange(n) % 5
    means = (0.5, 0.05)
    sums = tuple(m * n * 0.8 for m in means)
    a = cv_dataset(
        make(fold_labels=labels), ModelSpec(lambda_scale="mean", lambdas=GridSpec(values=means)), SelectSpec()
    )
    b = cv_dataset(make(fold_labels=labels), ModelSpec(lambdas=GridSpec(values=sums)), SelectSpec())
    assert a.fold_losses == pytest.approx(b.fold_losses, rel=1e-6)
    assert a.to_dict()["lambdas"] == list(means)
    assert a.refit.model.lam == pytest.approx(a.lambda_min * n)


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_numbers_are_the_same_for_a_seed_and_differ_for_another(regression, binary, family):
    make = regression if family == "gaussian" else binary
    grid = ModelSpec(lambdas=GridSpec(values=(10.0, 1.0)))
    a, b, c = (
        cv_dataset(make(), grid, SelectSpec(folds=4, seed=s, jobs=j)) for s, j in ((1, 1), (1, None), (2, 1))
    )
    assert a.fold_losses == pytest.approx(b.fold_losses, rel=1e-12)
    assert not np.allclose(a.fold_losses, c.fold_losses, rtol=1e-6)


def test_given_folds_keep_a_ragged_last_one(regression):
    labels = np.minimum(np.arange(60) // 25, 2)
    content = cv_dataset(regression(fold_labels=labels), ModelSpec(), SelectSpec()).to_dict()
    assert content["fold_sizes"] == [25, 25, 10]
    assert content["folds"]["kind"] == "given"


def test_an_edge_of_a_given_grid_is_told_once_on_each_level(regression):
    content = cv_dataset(regression(), ModelSpec(lambdas=GridSpec(values=(1e7, 1e6))), SelectSpec()).to_dict()
    assert content["edge"] == "low"
    for told in (content["warnings"], content["refit"]["warnings"]):
        assert [w["code"] for w in told] == ["early", "lambda_edge"]


def curve_of(mean, paired, lambdas=(16.0, 8.0, 4.0, 2.0, 1.0)):
    mean = np.array(mean, dtype=float)
    return Curve(np.array(lambdas), mean, np.zeros(len(mean)), np.array(paired, dtype=float))


@pytest.mark.parametrize(
    ("curve", "words"),
    [
        (curve_of([5, 4, 1, 4, 5], [9, 0.1, 0, 0.1, 9.0][:1] * 5), "cannot tell these lambdas apart"),
        (curve_of([5, 4, 1, 4, 5], [0.1] * 5), "a clear minimum at 4"),
        (curve_of([5, 4, 1, 1.05, 1.05], [0.1] * 5), "flat below 4"),
        (curve_of([1.05, 1.05, 1, 4, 5], [0.1] * 5), "flat above 4"),
        (curve_of([5, 1.05, 1, 1.05, 5], [0.1] * 5), "flat between 2 and 8: any lambda there is as good"),
        (curve_of([1, 2, 3, 4, 5], [0.1] * 5), "is the largest of the grid"),
        (curve_of([5, 4, 3, 2, 1], [0.1] * 5), "is the smallest of the grid"),
        (curve_of([5, 4, 1, 4, 5], [np.nan] * 5), "best at 4, well inside the grid"),
        (curve_of([5], [0.0], lambdas=[3.0]), "nothing was chosen"),
    ],
)
def test_the_verdict_says_how_sure_the_choice_is(curve, words):
    assert words in verdict(curve)


def test_the_verdict_contradicts_no_other_line():
    clear = curve_of([5, 4, 1, 4, 5], [0.1] * 5)
    assert "a clear minimum" in verdict(clear, [4.0])
    assert "others may be as good" in verdict(clear, [8.0, 4.0, 2.0])
    noise = curve_of([1, 1, 1.1, 1.2, 1.3], [0.01] * 5)
    assert verdict(noise, automatic=True) == "the features say nothing: the mean does as well"
    assert verdict(noise).startswith("the optimum is at the edge")
    spared = clear._replace(mean=np.array([5, 4, 1, 1, 1.0]), unpenalized=1.0, settled=True)
    assert verdict(spared) == "shrinkage does not help here: --lambda 0 does as well as any lambda up to 4"


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e3])
def test_a_gain_of_two_in_a_hundred_is_the_least_in_any_unit(unit):
    for gain, nothing in ((0.015, True), (0.025, False)):
        mean = unit * np.array([1.0, 1.0 - gain, 1.2, 1.3, 1.4])
        curve = curve_of(mean, [0.05 * unit] * 5)
        assert (verdict(curve, automatic=True) == NOTHING) == nothing
        assert verdict(curve).startswith("flat above 8")


def test_noise_is_called_noise_by_every_line():
    rng = np.random.default_rng(5)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        run = l2cli.cv(rng.normal(size=(60, 4)), rng.normal(size=60))
    content = run.to_dict()
    assert content["verdict"] == "the features say nothing: the mean does as well"
    assert max(content["lambda_set"]) == max(content["lambdas"])
    assert not any("may lie beyond" in str(w.message) for w in said)


@pytest.mark.parametrize(("metric", "sign"), [("brier", 1.0), ("deviance", 1.0), ("auc", -1.0)])
def test_the_error_is_corrected_by_its_optimism_and_no_more(monkeypatch, binary, metric, sign):
    monkeypatch.setattr(honest, "judge", lambda *_: Honest(0.03125, [1.0]))
    best = cv_dataset(binary(), ModelSpec(), SelectSpec(folds=4, metric=metric)).to_dict()["best"]
    assert best["optimism_corrected"] == best["value"] + sign * 0.03125


@pytest.mark.parametrize("metric", ["auc", "accuracy", "f1", "brier"])
def test_metrics_of_classes_have_intervals_among_their_values(binary, metric):
    content = cv_dataset(binary(), ModelSpec(), SelectSpec(folds=4, metric=metric, nested=True)).to_dict()
    best, nested = content["best"], content["nested"]
    assert 0.0 <= best["ci_low"] < best["optimism_corrected"] < best["ci_high"] <= 1.0
    sign = -1.0 if metric != "brier" else 1.0
    assert sign * (best["optimism_corrected"] - best["value"]) >= 0.0
    assert best["method"].startswith("rows")
    assert nested["ci_low"] < nested["value"] < nested["ci_high"]
    assert len(nested["lambdas"]) == 4
    assert set(nested["lambdas"]) <= set(content["lambdas"])


def test_nesting_is_refused_where_bands_are_chosen():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 3))
    y = X[:, 0] + rng.normal(size=30)
    bands: dict[str, Any] = {"column_groups": {"g": ["x0", "x1"]}, "group_penalty": "banded"}
    with pytest.raises(UsageError, match=r"^nested tunes one lambda"):
        l2cli.cv(X, y, nested=True, **bands)
    given = l2cli.cv(X, y, nested=True, group_lambda={"g": 2.0}, lambdas=[1e4, 1.0, 1e-4], **bands)
    assert len(given.to_dict()["nested"]["lambdas"]) == 10


def test_few_rows_get_as_many_folds_as_can_be_filled(regression, binary):
    content = cv_dataset(regression(n=6, p=2), ModelSpec(), SelectSpec()).to_dict()
    assert content["folds"]["k"] == content["refit"]["settings"]["folds"] == 6
    assert content["data"]["notes"][-1] == "6 folds instead of 10: there are 6 rows"
    grouped = regression(n=20, p=2, groups=np.arange(20) // 5)
    assert len(cv_dataset(grouped, ModelSpec(), SelectSpec()).content["fold_sizes"]) == 4
    pairs = binary(n=12)
    pairs.y[:] = np.arange(12) % 2
    content = cv_dataset(pairs, ModelSpec(), SelectSpec()).to_dict()
    assert content["fold_sizes"] == [2] * 6
    with pytest.raises(UsageError, match="7 folds need at least 7 rows"):
        cv_dataset(regression(n=6, p=2), ModelSpec(), SelectSpec(folds=7))
