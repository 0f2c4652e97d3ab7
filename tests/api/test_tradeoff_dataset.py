"""``tradeoff``: the keys, what they agree with, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from l2cli.api.cv import cv_dataset
from l2cli.api.path import path_dataset
from l2cli.api.setup import brief
from l2cli.api.tradeoff import tradeoff_dataset
from l2cli.api.tradeoff_verdict import _gap_text, _percent
from l2cli.data.dataset import DataSchema
from l2cli.data.time_order import TimeColumn
from l2cli.errors import FitError, UsageError
from l2cli.spec import GridSpec, ModelSpec, SelectSpec

GRID = GridSpec(values=(300.0, 30.0, 3.0, 0.3, 0.03))
PARTS = ("bias2", "variance", "test_error")


def split(dataset, model=None, select=None, **given):
    result = tradeoff_dataset(dataset, model or ModelSpec(lambdas=GRID), select or SelectSpec(), **given)
    content = result.to_dict()
    json.dumps(content, allow_nan=False)
    return content


@pytest.mark.parametrize("scale", ["sum", "mean"])
@pytest.mark.parametrize("kind", ["ridge", "lasso", "binomial", "bounds"])
def test_training_error_is_that_of_the_path_and_held_out_error_that_of_cv(regression, binary, kind, scale):
    make = binary if kind == "binomial" else regression
    model = ModelSpec(
        lambdas=GridSpec(values=(5.0, 0.5, 0.05)), lambda_scale=scale, l1_ratio=float(kind == "lasso")
    )
    weights = np.random.default_rng(0).uniform(0.5, 2.0, size=make().n_rows)
    given = {"weights": weights}
    if kind == "bounds":
        given["bounds"] = (np.full(4, -np.inf), np.full(4, 0.5))
    content = split(make(**given), model, draws=20)
    metric = "brier" if kind == "binomial" else "mse"
    assert content["metric"] == metric
    assert content["method"] == ("closed_form" if kind == "ridge" else "bootstrap")
    assert content["estimate"] is True
    cv = cv_dataset(make(**given), model, SelectSpec(metric=metric))
    assert content["test_error_estimated"] == pytest.approx(cv.mean.tolist(), rel=1e-12)
    assert content["test_error_estimated_se"] == pytest.approx(cv.se.tolist(), rel=1e-12)
    if kind != "binomial":
        path = path_dataset(make(**given), model).to_dict()
        expected = np.array(path["train_deviance"]) / weights.sum()
        assert content["train_error"] == pytest.approx(expected.tolist(), rel=1e-10)


@pytest.mark.parametrize("kind", ["ridge", "binomial", "simulated"])
def test_the_parts_add_up_and_lie_in_their_bands(regression, binary, kind):
    dataset = binary() if kind == "binomial" else regression(n=80)
    content = split(dataset, simulated=kind == "simulated", draws=50 if kind == "binomial" else None)
    total = content["noise"] + np.array(content["bias2"]) + content["variance"]
    assert content["test_error"] == pytest.approx(total.tolist(), rel=1e-10)
    for part in PARTS:
        low, value, high = (np.array(content[f"{part}{end}"]) for end in ("_low", "", "_high"))
        assert np.all((low <= value + 1e-12) & (value <= high + 1e-12)), part
    assert content["noise_low"] < content["noise"] < content["noise_high"]
    best = int(np.argmin(content["test_error"]))
    assert (content["index_best"], content["lambda_best"]) == (best, content["lambdas"][best])


def test_the_gap_is_that_of_the_rmse_at_the_best_lambda_and_the_smallest(regression):
    content = split(regression())
    ratio = np.sqrt(np.array(content["test_error_estimated"]) / content["train_error"]) - 1.0
    assert content["gap"] == pytest.approx(ratio[content["index_best"]])
    assert content["gap_smallest"] == pytest.approx(ratio[-1])
    share = f"{100 * content['gap']:.2g} %"
    assert content["gap_text"].startswith(f"the rmse of unseen rows is {share} above that of these at")
    assert f"at 0.03 it would be {100 * content['gap_smallest']:.2g} %" in content["gap_text"]


def test_a_seed_gives_the_same_numbers_and_another_one_others(binary, regression):
    for make in (binary, regression):
        one, again = (split(make(), draws=20) for _ in range(2))
        other = split(make(), select=SelectSpec(seed=5), draws=20)
        assert one == again
        assert one["test_error_low"] != other["test_error_low"]


def test_the_number_of_jobs_changes_nothing(binary):
    one, two = (split(binary(), select=SelectSpec(jobs=jobs), draws=20) for jobs in (1, 2))
    assert one["test_error"] == pytest.approx(two["test_error"], rel=1e-12)
    assert one["verdict"] == two["verdict"]


def test_simulation_is_exact_beside_monte_carlo_and_the_mean_of_estimates(regression):
    content = split(regression(n=80), simulated=True, draws=3000)
    assert (content["method"], content["estimate"], content["folds"]) == ("simulation", False, None)
    found, exact = content["simulation"], np.array(content["test_error"])
    assert found["replicates"] == 3000
    for name in ("test_error_monte_carlo", "test_error_estimate_mean"):
        away = np.abs(np.array(found[name]) - exact)
        assert np.all(away < 4.0 * np.array(found[f"{name}_se"]) + 1e-3 * exact), name
    assert found["noise_estimate_mean"] == pytest.approx(content["noise"], rel=0.02)
    assert found["bias2_estimate_mean_unclipped"][:2] == pytest.approx(content["bias2"][:2], rel=0.02)
    assert np.all(np.array(found["bias2_estimate_mean"]) >= found["bias2_estimate_mean_unclipped"])


def test_verdicts_say_what_shrinkage_buys(dataset_of):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 20))
    noisy = split(dataset_of(X, X @ rng.normal(size=20) * 0.3 + rng.normal(size=40)))
    assert "below that of no penalty" in noisy["verdict"]
    assert "bias^2 outweighs variance from lambda" in noisy["verdict"]
    share = 100.0 * noisy["noise"] / min(noisy["test_error"])
    assert f"; {share:.2g} % of the expected error is noise; " in noisy["verdict"]
    clear = split(dataset_of(X, X @ rng.normal(size=20) + 1e-3 * rng.normal(size=40)))
    assert clear["verdict"].startswith("shrinkage buys nothing: the smallest lambda, 0.03, is the best")
    assert clear["verdict"].endswith("bias^2 outweighs variance at every lambda tried")


def test_held_out_rows_that_ask_for_another_lambda_are_heard(dataset_of):
    """Random walks seem to explain one another to what takes rows as independent; later rows tell."""
    rng = np.random.default_rng(6)
    time = np.arange(200.0)
    X, y = rng.normal(size=(200, 4)).cumsum(axis=0), rng.normal(size=200).cumsum()
    content = split(dataset_of(X, y, time=TimeColumn("t", time)))
    held = np.array(content["test_error_estimated"])
    least, there = held.min(), held[content["index_best"]]
    assert least < 0.9 * there
    lam = brief(content["lambdas"][int(held.argmin())])
    said = (
        f", but held-out rows have least error at lambda {lam}, {100.0 * (1.0 - least / there):.2g} % below"
    )
    assert said in content["verdict"]
    assert "held-out" not in split(dataset_of(X, y))["verdict"]


def test_shares_are_written_as_they_are_said():
    shares = (0.0241, 0.994, 0.9951, 1.0)
    assert [_percent(share) for share in shares] == ["2.4 %", "99 %", "100 %", "100 %"]


@pytest.mark.parametrize(
    ("at", "there", "said"),
    [
        (0.027, 0.4, "is 2.7 % above that of these at lambda 1; at 0.1 it would be 40 %"),
        (0.5, 4.73, "is 1.5 times that of these at lambda 1; at 0.1 it would be 5.7 times"),
        (4.73, 293.0, "is 5.7 times that of these at lambda 1; at 0.1 these are fitted almost exactly"),
        (0.5, None, "is 50 % above that of these at lambda 1; at 0.1 these are fitted exactly"),
        (-0.1, 0.2, "is not above that of these at lambda 1; at 0.1 it would be 20 %"),
        (20.0, 90.0, "these rows are fitted almost exactly: only unseen ones tell anything"),
    ],
)
def test_a_gap_is_told_in_one_way(at, there, said):
    assert _gap_text(np.array([1.0, 0.1]), [at, there], 0, 1, "rmse").endswith(said)


def test_no_feature_and_no_variation_are_answered(dataset_of):
    constant = split(dataset_of(np.ones((30, 1)), np.arange(30.0)))
    assert np.ptp(constant["test_error"]) == 0.0
    assert constant["bias2"] == [0.0] * 5
    still = split(dataset_of(np.arange(30.0)[:, None], np.full(30, 2.0)))
    assert still["noise"] is None
    assert "the unpenalized fit leaves no residual" in still["warnings"][-1]["message"]
    assert still["gap_text"].startswith("these rows are fitted exactly")
    exact = split(dataset_of(np.arange(30.0)[:, None], 3.0 + 2.0 * np.arange(30.0)))
    assert exact["noise"] is None


def test_noise_that_is_not_identified_leaves_the_held_out_error(dataset_of):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(20, 50))
    y = X @ rng.normal(size=50)
    content = split(dataset_of(X, y))
    assert [w["code"] for w in content["warnings"]].count("noise_not_identified") == 1
    assert content["noise"] is None
    assert content["bias2"] == content["test_error_high"] == [None] * 5
    assert content["index_best"] == int(np.argmin(content["test_error_estimated"]))
    assert "the noise is not known" in content["verdict"]
    with pytest.raises(FitError, match="the noise is not identified: 20 rows leave 0 residual degrees"):
        split(dataset_of(X, y), simulated=True)


def test_more_columns_than_rows_have_an_error_by_reml(dataset_of):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(60, 90))
    content = split(dataset_of(X, X @ rng.normal(size=90) * 0.2 + 2.0 * rng.normal(size=60)))
    assert content["noise_by"] == "reml"
    assert 2.0 < content["noise"] < 6.0
    assert content["test_error"][content["index_best"]] < content["test_error"][-1]


def test_several_targets_are_split_each(dataset_of):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(50, 3)), rng.normal(size=(50, 2))
    one = dataset_of(X, Y[:, 1])
    both = dataset_of(X, Y)
    schema = DataSchema(both.schema.features, "a", "gaussian", None, "impute", more_targets=("b",))
    content = split(replace(both, schema=schema))
    assert [part["target"] for part in content["targets"]] == ["a", "b"]
    assert content["targets"][1]["test_error"] == pytest.approx(split(one)["test_error"], rel=1e-10)


@pytest.mark.parametrize(
    ("given", "select", "message"),
    [
        ({"l1_ratio": 1.0}, SelectSpec(metric="mae"), "the mae does not split into bias and variance"),
        ({}, SelectSpec(metric="r2"), "the r2 does not split into bias and variance; --metric mse does"),
    ],
)
def test_what_does_not_split_is_refused(regression, given, select, message):
    with pytest.raises(UsageError, match=message):
        split(regression(), ModelSpec(lambdas=GRID, **given), select)


def test_simulation_is_refused_without_a_closed_form(regression, binary):
    for dataset, ratio in ((regression(), 0.5), (binary(), 0.0)):
        with pytest.raises(UsageError, match="--simulate is exact for gaussian targets and pure L2 only"):
            split(dataset, ModelSpec(lambdas=GRID, l1_ratio=ratio), simulated=True)
