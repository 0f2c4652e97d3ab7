"""Categories of many levels through all commands: kept as codes, the answers are those of one matrix."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

import l2cli
from l2cli.api.evaluate import evaluate_table
from l2cli.data import layout
from l2cli.data.frame import table_from_frame
from l2cli.errors import FitError, L2Error, UsageError
from l2cli.models.saved import load_model, save_model
from l2cli.spec import GridSpec

LEFT_OUT = {
    "timing", "rank", "kept", "effective_df_se", "rounding_floor", "kkt_residual", "duality_gap",
    "fold_kkt_max", "fit_s",
}  # fmt: skip
"""Keys that differ by design, or are rounding."""


def frame(target="number", n=500, seed=0):
    """Return rows of numbers, two categories of many levels, one of few, and missing cells."""
    rng = np.random.default_rng(seed)
    city, product = rng.integers(0, 60, n), rng.integers(0, 25, n)
    x = rng.normal(1.0, 2.0, n)
    eta = x + rng.normal(size=60)[city] + rng.normal(size=25)[product]
    y = {
        "number": eta + rng.normal(size=n),
        "label": np.where(eta + rng.logistic(size=n) > 0, "yes", "no"),
        "labels": np.array(["a", "b", "c"])[np.digitize(eta + rng.logistic(size=n), [-1.0, 1.0])],
    }[target]
    table = pd.DataFrame({
        "city": [f"c{i}" for i in city], "x": x, "product": [f"p{i}" for i in product],
        "flag": rng.choice(["on", "off"], n), "area": rng.choice(["n", "s", "w"], n), "y": y,
    })  # fmt: skip
    table.loc[rng.random(n) < 0.1, "x"] = np.nan
    table.loc[rng.random(n) < 0.05, "city"] = np.nan
    return table


@pytest.fixture
def blocks(monkeypatch):
    """Return a function that switches codes on or off for the small data of these tests."""

    def switch(*, on):
        monkeypatch.setattr(layout, "MANY_LEVELS", 30)
        monkeypatch.setattr(layout, "DENSE_CELLS", 0 if on else 10**12)

    return switch


def both(blocks, call):
    """Return the results of a call with codes and with one matrix."""
    results = []
    for on in (True, False):
        blocks(on=on)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results.append(call())
    return results[0], results[1]


def agree(mine, theirs, rel, path=""):
    """Assert that two results hold the same but for rounding."""
    if path.rsplit(".", 1)[-1] in LEFT_OUT:
        return
    if isinstance(theirs, dict):
        assert mine.keys() - {"effective_df_se"} == theirs.keys(), path
        for key in theirs:
            agree(mine[key], theirs[key], rel, f"{path}.{key}")
    elif isinstance(theirs, list):
        assert len(mine) == len(theirs), path
        for i, (one, other) in enumerate(zip(mine, theirs, strict=True)):
            agree(one, other, rel, f"{path}[{i}]")
    elif isinstance(theirs, float):
        assert mine == pytest.approx(theirs, rel=rel, abs=rel), path
    else:
        assert mine == theirs, path


@pytest.mark.parametrize(
    "given",
    [
        {"lam": 3.0},
        {"lam": 3.0, "coding": "treatment", "standardize": False},
        {"lam": 3.0, "intercept": False},
        {"lam": 3.0, "missing": "indicator", "penalty_factor": {"x": 0.0}},
        {"lam": 3.0, "missing": "drop"},
        {"lambdas": [100.0, 10.0, 1.0]},
        {"lambdas": [100.0, 10.0, 1.0], "select": "gcv"},
        {"lambdas": [100.0, 10.0, 1.0], "select": "cv", "folds": 4, "rule": "1se"},
        {"lambdas": [100.0, 10.0, 1.0], "select": "holdout", "holdout": 0.3},
        {"lam": 30.0, "l1_ratio": 1.0},
        {"lam": 30.0, "l1_ratio": 0.5, "lambda_scale": "sum"},
    ],
    ids=str,
)
def test_fits_are_those_of_one_matrix(blocks, given):
    mine, theirs = both(blocks, lambda: l2cli.fit(frame(), target="y", **given).to_dict())
    assert mine["rank"] is None
    assert theirs["rank"] > 0
    agree(mine, theirs, 1e-8)
    assert mine["certificate"]["kkt_residual"] <= 1e-10


@pytest.mark.parametrize("target", ["label", "labels"])
def test_classes_are_those_of_one_matrix(blocks, target):
    mine, theirs = both(blocks, lambda: l2cli.fit(frame(target), target="y", lam=3.0).to_dict())
    if target == "labels":  # the coupling of classes leaves the trace to an estimate, and says so
        se = mine.pop("effective_df_se")
        assert abs(mine.pop("effective_df") - theirs.pop("effective_df")) < 5.0 * se
        assert any("estimated from random signs" in note for note in mine["data"].pop("notes"))
        del theirs["data"]["notes"]
    agree(mine, theirs, 1e-8)


def test_paths_cross_validation_and_comparisons_are_those_of_one_matrix(blocks):
    lambdas = [100.0, 10.0, 1.0]
    mine, theirs = both(blocks, lambda: l2cli.path(frame(), target="y", lambdas=lambdas).to_dict())
    agree(mine, theirs, 1e-8)
    mine, theirs = both(
        blocks, lambda: l2cli.cv(frame("label"), target="y", lambdas=lambdas, folds=4).to_dict()
    )
    agree(mine, theirs, 1e-5)
    models = ("ridge", "lasso", "mean")
    mine, theirs = both(
        blocks,
        lambda: l2cli.compare(frame(), target="y", models=models, lambdas=lambdas, folds=3).to_dict(),
    )
    agree(mine, theirs, 1e-5)


def test_several_targets_are_those_of_one_matrix(blocks):
    table = frame()
    table["z"] = table["y"] ** 2
    mine, theirs = both(
        blocks, lambda: l2cli.fit(table, target=["y", "z"], lambdas=[10.0, 1.0], folds=3).to_dict()
    )
    agree(mine, theirs, 1e-7)


def test_weights_and_offset_reach_the_codes(blocks):
    table = frame()
    rng = np.random.default_rng(3)
    given: dict[str, Any] = {
        "sample_weight": rng.integers(0, 3, len(table)).astype(float),
        "offset": rng.normal(size=len(table)),
    }
    mine, theirs = both(blocks, lambda: l2cli.fit(table, target="y", lam=3.0, **given).to_dict())
    agree(mine, theirs, 1e-8)


def test_predictions_and_scores_of_a_saved_model(blocks, tmp_path, monkeypatch):
    table = frame()
    blocks(on=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = l2cli.fit(table, target="y", lam=3.0)
    save_model(fit.model, tmp_path / "m.json")
    model = load_model(tmp_path / "m.json")
    mine = l2cli.predict(model, table)
    scores = evaluate_table(model, table_from_frame(table)).to_dict()
    assert scores["metrics"]["mse"] == pytest.approx(fit.to_dict()["metrics"]["train"]["mse"], rel=1e-12)
    assert not scores["drift"]
    monkeypatch.setattr(layout, "MANY_LEVELS", 10**9)
    assert mine == pytest.approx(l2cli.predict(model, table), rel=1e-12)


def test_levels_never_seen_are_refused_or_counted_as_asked(blocks):
    table = frame()
    blocks(on=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = l2cli.fit(table, target="y", lam=3.0)
    new = table.iloc[:3].copy()
    new.loc[new.index[1], "city"] = "nowhere"
    with pytest.raises(
        L2Error, match="row 2: column 'city' has level 'nowhere', which the model has not seen"
    ):
        l2cli.predict(fit, new)
    baseline, missing = (l2cli.predict(fit, new, unseen=rule) for rule in ("baseline", "missing"))
    at = fit.features.index("city=(missing)")
    assert missing[1] - baseline[1] == pytest.approx(fit.coef[at], rel=1e-9)
    assert missing[[0, 2]] == pytest.approx(baseline[[0, 2]])


@pytest.mark.parametrize(
    ("given", "argument"),
    [
        ({"bounds": {"x": (0.0, None)}}, "bounds"),
        ({"column_groups": "dummies"}, "column_groups"),
        ({"l1_ratio": 1.0, "relax_gamma": 0.5}, "relax_gamma"),
    ],
    ids=["bounds", "groups", "relaxed"],
)
def test_what_needs_one_matrix_gets_it_where_it_fits(blocks, monkeypatch, given, argument):
    blocks(on=True)
    fit = l2cli.fit(frame(), target="y", lam=5.0, **given)
    assert fit.to_dict()["rank"] > 0  # that of one matrix
    monkeypatch.setattr(layout, "physical_memory", lambda: 10**6)
    with pytest.raises(FitError) as refusal:
        l2cli.fit(frame(), target="y", lam=5.0, **given)
    assert f"or fit without {argument}, which needs them all in full" in str(refusal.value)
    assert "column 'city' alone makes 61 of them; leave it out, or fit" in str(refusal.value)


def test_the_memory_that_is_counted_holds_what_solvers_make(monkeypatch):
    assert layout.dense_bytes(1000, 10) >= 8 * (1000 * 10 + 10 * 10 * 10)
    # measured: the copies that grew 3 GB to 24 before
    assert layout.dense_bytes(40_000, 10_000, tied=True) > 20 * 2**30
    assert layout.dense_bytes(40_000, 100) < 1.2 * 8 * 40_000 * 100
    assert layout.dense_bytes(200, 10_000) >= 4 * 8 * 200 * 10_000
    layout.refuse_large_folds(1000, 10, 10, gaussian=True)
    monkeypatch.setattr(layout, "physical_memory", lambda: 10**6)
    with pytest.raises(FitError, match=r"10 folds of 100 columns need 0\.0 GB, and this machine has"):
        layout.refuse_large_folds(1000, 100, 10, gaussian=True)
    layout.refuse_large_folds(1000, 20, 2, gaussian=True)
    with pytest.raises(FitError, match="20 folds of 20 columns"):
        layout.refuse_large_folds(1000, 20, 20, gaussian=False)


def test_leave_one_out_of_two_large_categories_is_refused_or_replaced(blocks, monkeypatch):
    monkeypatch.setattr("l2cli.core.solvers.block_layout.DIRECT_FLOPS", 0.0)
    blocks(on=True)
    given: dict[str, Any] = {"target": "y", "lambdas": [10.0, 1.0]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = l2cli.fit(frame(), **given).to_dict()
    assert found["lambda"]["selected_by"] == "cv"
    assert any(
        note.startswith("lambda by cross-validation: so many levels") for note in found["data"]["notes"]
    )
    assert found["effective_df_se"] > 0.0
    with pytest.raises(UsageError, match="select='loo' needs the leverage of every row"):
        l2cli.fit(frame(), select="loo", **given)
    with pytest.raises(UsageError, match="select='evidence' needs the design as one matrix"):
        l2cli.fit(frame(), select="evidence", **given)


@pytest.mark.parametrize("family", ["gaussian", "binomial", "poisson", "gamma", "tweedie"])
def test_standard_errors_at_lambda_0_are_those_of_one_matrix(blocks, family):
    rng = np.random.default_rng(5)
    table = frame("label" if family == "binomial" else "number", n=3000).drop(columns="product")
    if family not in ("gaussian", "binomial"):
        mean = np.exp(0.2 * table["y"])
        table["y"] = rng.poisson(mean) if family == "poisson" else rng.gamma(2.0, mean)
    given: dict[str, Any] = {"sample_weight": rng.uniform(0.5, 2.0, 3000)}
    if family == "tweedie":
        given["tweedie_power"] = 1.5
    mine, theirs = both(
        blocks, lambda: l2cli.fit(table, target="y", lam=0.0, family=family, **given).to_dict()
    )
    agree(mine, theirs, 1e-6)
    assert all(row["se"] > 0 for row in mine["coefficients"])
    assert mine["intercept_se"] > 0


def test_standard_errors_of_several_classes_are_not_there_and_that_is_said(blocks):
    blocks(on=True)
    table = frame("labels", n=3000)[["city", "x", "y"]].dropna()
    found = l2cli.fit(table, target="y", lam=0.0).to_dict()
    assert all(row["se"] is None for part in found["classes"] for row in part["coefficients"])
    assert any(note.startswith("no standard errors") for note in found["data"]["notes"])


def test_results_with_codes_are_plain_json(blocks):
    blocks(on=True)
    grid = GridSpec(count=5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results: list[Any] = [
            l2cli.fit(frame(), target="y", lambdas=grid),
            l2cli.path(frame(), target="y", lambdas=grid, l1_ratio=1.0),
            l2cli.cv(frame("label"), target="y", lambdas=grid, folds=3),
        ]
    for result in results:
        assert json.loads(json.dumps(result.to_dict(), allow_nan=False))["data"]["rows_used"] == 500
