"""``compare``: the default candidates, their order, the pairs and the words."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import t

import l2cli
from l2cli.api.compare import compare_dataset
from l2cli.api.cv import cv_dataset
from l2cli.errors import FitError
from l2cli.spec import GridSpec, ModelSpec, SelectSpec


def test_the_default_candidates_are_compared_on_the_same_folds(regression):
    content = compare_dataset(regression(), ModelSpec(), SelectSpec(folds=5)).to_dict()
    assert content["metric"] == "mse"
    models = {m["spec"]: m for m in content["models"]}
    assert set(models) == {"ridge", "ridge:1se", "lasso", "ols", "mean"}
    means = [m["mean"] for m in content["models"]]
    assert means == sorted(means)
    assert content["models"][-1]["spec"] == "mean"
    cv = cv_dataset(regression(), ModelSpec(), SelectSpec(folds=5))
    assert models["ridge"]["lambda"] == cv.lambda_min
    assert models["ridge:1se"]["lambda"] == cv.lambda_1se
    lasso = cv_dataset(regression(), ModelSpec(l1_ratio=1.0), SelectSpec(folds=5))
    assert models["lasso"]["lambda"] == lasso.lambda_min
    assert models["ols"]["lambda"] == 0.0
    assert models["mean"]["lambda"] is None
    assert all(m["fit_s"] >= 0 for m in content["models"])
    json.dumps(content, allow_nan=False)


def test_every_pair_is_judged_once_from_the_better_to_the_worse(regression):
    content = compare_dataset(regression(), ModelSpec(), SelectSpec(folds=5)).to_dict()
    order = [m["name"] for m in content["models"]]
    pairs = [(p["a"], p["b"]) for p in content["pairs"]]
    assert pairs == [(a, b) for i, a in enumerate(order) for b in order[i + 1 :]]
    means = {m["name"]: m["mean"] for m in content["models"]}
    for p in content["pairs"]:
        assert p["difference"] == pytest.approx(means[p["a"]] - means[p["b"]], abs=1e-12)
        assert p["ci_low"] <= p["difference"] <= p["ci_high"]
        assert (p["p_value"] < 0.05) == (p["ci_high"] < 0 or p["ci_low"] > 0)
        assert p["verdict"] == ("better" if p["p_value"] < 0.05 else "no detectable difference")


def test_a_clear_winner_is_named(regression):
    content = compare_dataset(regression(), ModelSpec(), SelectSpec(folds=5), ("ols", "mean")).to_dict()
    assert content["verdict"] == "ols is best; mean only is worse"


def test_what_is_as_good_as_the_best_is_told_from_what_is_worse(regression):
    models = ("ridge", "ols", "mean")
    content = compare_dataset(regression(), ModelSpec(), SelectSpec(folds=5), models).to_dict()
    best, second = (m["name"] for m in content["models"][:2])
    assert content["verdict"] == (
        f"{best} is best, with no detectable difference to {second}; mean only is worse"
    )
    assert [p["verdict"] for p in content["pairs"]] == ["no detectable difference", "better", "better"]


def test_root_errors_are_told_apart_as_their_squares_are(regression):
    squares, roots = (
        compare_dataset(regression(), ModelSpec(), SelectSpec(folds=5, metric=metric), ("ols", "mean"))
        for metric in ("mse", "rmse")
    )
    (square,), (root,) = squares.pairs, roots.pairs
    total = sum(model["mean"] for model in roots.models)
    assert root["p_value"] == pytest.approx(square["p_value"], rel=1e-9)
    assert root["difference"] * total == pytest.approx(square["difference"], rel=1e-9)
    best = {id(pair): result.models[0]["mean"] for pair, result in ((square, squares), (root, roots))}
    for end in ("ci_low", "ci_high"):  # the ratio of the squares is the square of that of the roots
        ratios = [1.0 - pair[end] / best[id(pair)] for pair in (square, root)]
        assert ratios[0] == pytest.approx(ratios[1] ** 2, rel=1e-9)


def test_equals_are_called_equal(dataset_of):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 2))
    content = compare_dataset(dataset_of(X, rng.normal(size=80)), ModelSpec(), SelectSpec(folds=5)).to_dict()
    assert content["verdict"].startswith("no detectable difference between")


def test_greater_metrics_put_the_largest_first(binary):
    content = compare_dataset(
        binary(), ModelSpec(), SelectSpec(folds=4, metric="auc"), ("mean", "ridge")
    ).to_dict()
    assert [m["spec"] for m in content["models"]] == ["ridge", "mean"]
    assert content["models"][1]["mean"] == 0.5
    [pair] = content["pairs"]
    assert pair["difference"] > 0
    assert pair["verdict"] == ("better" if pair["p_value"] < 0.05 else "no detectable difference")


def test_separated_classes_leave_the_unpenalized_model_out(dataset_of):
    rng = np.random.default_rng(1)
    level = (np.arange(120) % 6 == 0) * 1.0
    y = np.where(level > 0, 1.0, rng.random(120) < 0.4)
    dataset = dataset_of(np.column_stack([0.1 * rng.normal(size=120), level]), y, classes=("a", "b"))
    content = compare_dataset(dataset, ModelSpec(), SelectSpec(folds=4)).to_dict()
    assert content["models"][-1]["name"] == "unpenalized"
    assert content["models"][-1]["mean"] is None
    assert content["warnings"][-1]["code"] == "no_finite_fit"
    assert "no finite solution at lambda 0" in content["warnings"][-1]["message"]
    assert {p["verdict"] for p in content["pairs"] if p["b"] == "unpenalized"} == {"not comparable"}


def test_nothing_that_can_be_fitted_is_an_error(dataset_of):
    rng = np.random.default_rng(2)
    y = np.zeros(40)
    y[:3] = 1.0
    labels = np.arange(40) % 4
    labels[:3] = 1
    dataset = dataset_of(rng.normal(size=(40, 2)), y, classes=("a", "b"), fold_labels=labels)
    with pytest.raises(FitError, match="without fold 2 only one class is left"):
        compare_dataset(dataset, ModelSpec(), SelectSpec())


def test_a_lambda_that_cannot_be_tuned_says_without_which_folds(dataset_of):
    """Either of two folds holds rows of the class: each is fitted without, but not tuned."""
    rng = np.random.default_rng(2)
    labels = np.arange(40) % 4
    y = (labels % 2 == 0) & (rng.uniform(size=40) < 0.5)
    dataset = dataset_of(
        rng.normal(size=(40, 2)), y * 1.0, classes=("a", "b"), fold_labels=labels, fold_names=tuple("NESW")
    )
    content = compare_dataset(dataset, ModelSpec(), SelectSpec(), ("ridge", "ols")).to_dict()
    assert [w["message"] for w in content["warnings"] if w["code"] == "no_finite_fit"] == [
        "ridge (min): lambda cannot be tuned: without folds 'N' and 'S' only one class is left to train on"
    ]
    assert content["models"][0]["spec"] == "ols"


@pytest.mark.parametrize("metric", ["mse", "r2", "accuracy", "auc"])
def test_an_interval_stays_among_the_values_of_its_metric(regression, binary, metric):
    make = regression if metric in ("mse", "r2") else binary
    content = compare_dataset(make(), ModelSpec(), SelectSpec(folds=2, metric=metric)).to_dict()
    low, high = {"mse": (0.0, np.inf), "r2": (-np.inf, 1.0)}.get(metric, (0.0, 1.0))
    for m in content["models"]:
        assert low <= m["ci_low"] <= m["mean"] <= m["ci_high"] <= high


def test_an_interval_is_that_of_the_rows_as_of_cross_validation():
    """Inflated by the degrees of freedom, by the overlap of the training sets where nobody knows these."""
    rng = np.random.default_rng(5)
    X, fold = rng.normal(size=(60, 3)), np.arange(60) % 5
    y = X[:, 0] + rng.normal(size=60)
    models = ["ols", "mean", "sklearn:LinearRegression"]
    found = l2cli.compare(X, y, models=models, fold_labels=fold).to_dict()["models"]
    for m in found:
        loss = np.empty(60)
        for f in range(5):
            train, held = fold != f, fold == f
            A = np.column_stack([np.ones(60), X]) if m["spec"] != "mean" else np.ones((60, 1))
            loss[held] = (y[held] - A[held] @ np.linalg.lstsq(A[train], y[train], rcond=None)[0]) ** 2
        r = {"ols": 4 / 60, "mean": 1 / 60}.get(m["spec"])
        inflation = 1.0 + 5 / 4 if r is None else (1.0 + r) / (1.0 - r)
        half = t(20).ppf(0.975) * np.sqrt(inflation * loss.var(ddof=1) / 60)
        assert m["mean"] == pytest.approx(loss.mean(), rel=1e-9)
        assert m["ci_high"] == pytest.approx(m["mean"] * np.exp(half / m["mean"]), rel=1e-6)
        assert m["ci_low"] == pytest.approx(m["mean"] * np.exp(-half / m["mean"]), rel=1e-6)


def test_an_r2_is_that_of_all_rows_against_the_mean_alone(regression):
    def means(metric):
        select, models = SelectSpec(folds=30, metric=metric), ("ridge", "ols", "mean")
        found = compare_dataset(regression(), ModelSpec(), select, models)
        return {m["spec"]: m["mean"] for m in found.models}

    r2, mse = means("r2"), means("mse")
    for name in ("ols", "mean"):  # a ridge is tuned by its metric
        assert r2[name] == pytest.approx(1.0 - mse[name] / mse["mean"], rel=1e-10, abs=1e-12)
    assert r2["ridge"] == pytest.approx(1.0 - mse["ridge"] / mse["mean"], rel=0.05)


def test_models_are_tuned_on_a_grid_that_grows_as_that_of_cv():
    """Hardly any noise: the best lambda lies below the automatic grid."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(80, 4))
    X[:, 1] = X[:, 0] + 0.02 * rng.normal(size=80)
    y = X @ [1.0, -2.0, 0.5, 0.0] + 1e-4 * rng.normal(size=80)
    grown = l2cli.cv(X, y, folds=5).to_dict()["lambdas"]
    assert len(grown) > 100
    found = l2cli.compare(X, y, models=["ridge", "ols"], folds=5)
    by = {m["spec"]: m for m in found.models}
    assert by["ridge"]["lambda"] in grown
    assert by["ridge"]["mean"] < 1.5 * by["ols"]["mean"]


@pytest.mark.parametrize("metric", ["mse", "rmse"])
def test_means_and_differences_follow_from_the_fold_losses(regression, metric):
    settings = {"folds": 5, "repeats": 2, "metric": metric}
    result = compare_dataset(regression(), ModelSpec(), SelectSpec(**settings), ("ridge", "ols", "mean"))
    content = result.to_dict()
    share = np.array(content["fold_sizes"]) / sum(content["fold_sizes"])
    values = {m["name"]: np.array(m["fold_losses"]) for m in result.models}
    assert {len(found) for found in values.values()} == {10}
    mean = {
        name: np.sqrt(share @ found**2) if metric == "rmse" else share @ found
        for name, found in values.items()
    }
    for model in content["models"]:
        assert model["mean"] == pytest.approx(mean[model["name"]], rel=1e-12)
    for pair in content["pairs"]:
        assert pair["difference"] == pytest.approx(mean[pair["a"]] - mean[pair["b"]], rel=1e-9)


def test_folds_are_in_the_order_of_cross_validation(regression):
    select = SelectSpec(folds=4, repeats=2, seed=3)
    content = compare_dataset(regression(), ModelSpec(), select, ("ols", "mean")).to_dict()
    cv = cv_dataset(regression(), ModelSpec(lambdas=GridSpec(values=(0.0,))), select)
    assert content["fold_sizes"] == cv.to_dict()["fold_sizes"]
    assert content["models"][0]["fold_losses"] == pytest.approx(cv.fold_losses[:, 0], rel=1e-12)
