"""Products with categories of many levels: kept as codes and values, the answers are those of one matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import l2cli
from l2cli.api.evaluate import evaluate_table
from l2cli.data import layout
from l2cli.data.frame import table_from_frame
from l2cli.models.saved import load_model, save_model
from tests.api.test_many_levels import agree, blocks, both

__all__ = ["blocks"]  # a fixture

PRODUCTS = ("city:x", "city:area", "area:x", "x:z", "city:z")


def frame(target="number", n=600, seed=0):
    """Return rows of two numbers, a category of many levels and one of few, with missing cells."""
    rng = np.random.default_rng(seed)
    city, area = rng.integers(0, 60, n), rng.integers(0, 4, n)
    x, z = rng.normal(1.0, 2.0, n), rng.normal(3.0, 1.0, n)
    eta = x + rng.normal(size=60)[city] * (1 + x) + rng.normal(size=(60, 4))[city, area] + 0.2 * x * z
    eta = eta / eta.std()
    y = {
        "number": eta + rng.normal(size=n),
        "label": np.where(eta + rng.logistic(size=n) > 0, "yes", "no"),
        "labels": np.array(["a", "b", "c"])[np.digitize(eta + rng.logistic(size=n), [-1.0, 1.0])],
        "count": rng.poisson(np.exp(0.5 * eta)),
        "amount": rng.gamma(2.0, np.exp(0.5 * eta)),
        "claims": rng.poisson(np.exp(0.3 * eta)) * rng.gamma(2.0, 0.5, n),
    }[target]
    table = pd.DataFrame(
        {"city": [f"c{i}" for i in city], "x": x, "area": [f"a{i}" for i in area], "z": z, "y": y}
    )
    for name, share in (("x", 0.1), ("z", 0.1), ("city", 0.03), ("area", 0.02)):
        table.loc[rng.random(n) < share, name] = np.nan
    return table


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"coding": "treatment"},
        {"standardize": False},
        {"intercept": False},
        {"missing": "indicator", "penalty_factor": {"x": 0.0, "city=c3:x": 2.5}},
        {"missing": "drop"},
        {"lambdas": [100.0, 10.0, 1.0]},
        {"lambdas": [100.0, 10.0, 1.0], "select": "gcv"},
        {"l1_ratio": 1.0, "lam": 30.0},
        {"l1_ratio": 0.5, "lam": 30.0},
    ],
    ids=str,
)
def test_fits_are_those_of_one_matrix(blocks, given):
    if "lambdas" not in given:
        given = {"lam": 3.0} | given
    mine, theirs = both(
        blocks, lambda: l2cli.fit(frame(), target="y", interactions=PRODUCTS, **given).to_dict()
    )
    assert mine["rank"] is None
    assert theirs["rank"] > 0
    agree(mine, theirs, 1e-8)
    assert mine["certificate"]["kkt_residual"] <= 1e-10


@pytest.mark.parametrize(
    ("family", "target"),
    [("binomial", "label"), ("multinomial", "labels"), ("poisson", "count"), ("gamma", "amount"),
     ("tweedie", "claims")],
)  # fmt: skip
@pytest.mark.parametrize("r", [0.0, 0.6])
def test_families_are_those_of_one_matrix(blocks, family, target, r):
    several = family == "multinomial"  # of which one matrix takes a minute
    given: dict[str, Any] = {
        "family": family, "l1_ratio": r, "lam": 3.0, "interactions": "city:x" if several else PRODUCTS,
    }  # fmt: skip
    table = frame(target, n=200 if several else 600)
    mine, theirs = both(blocks, lambda: l2cli.fit(table, target="y", **given).to_dict())
    if several:
        se = mine.pop("effective_df_se")
        assert abs(mine.pop("effective_df") - theirs.pop("effective_df")) < 5.0 * se
        del mine["data"]["notes"], theirs["data"]["notes"]
    agree(mine, theirs, 1e-7)
    assert mine["certificate"]["kkt_residual"] <= 1e-9


def test_folds_impute_factors_by_their_own_training_rows(blocks):
    given: dict[str, Any] = {"target": "y", "interactions": PRODUCTS, "lambdas": [100.0, 10.0, 1.0]}
    mine, theirs = both(blocks, lambda: l2cli.cv(frame(), folds=4, **given).to_dict())
    assert mine["data"]["features"] == theirs["data"]["features"]
    agree(mine, theirs, 1e-7)


def test_several_stacks_of_one_code(blocks, monkeypatch):
    """Two categories with slopes of their own, the second left to conjugate gradients."""
    monkeypatch.setattr("l2cli.core.solvers.block_layout.DIRECT_FLOPS", 0.0)
    table = frame()
    table["shop"] = [f"s{i}" for i in np.random.default_rng(4).integers(0, 40, len(table))]
    given: dict[str, Any] = {"target": "y", "interactions": ("city:x", "shop:x", "shop:z"), "lam": 3.0}
    for ratio in (0.0, 0.5):
        mine, theirs = both(blocks, lambda r=ratio: l2cli.fit(table, l1_ratio=r, **given).to_dict())
        se = mine.pop("effective_df_se")
        assert abs(mine.pop("effective_df") - theirs.pop("effective_df")) <= 5.0 * (se or 1e-9)
        del mine["data"]["notes"], theirs["data"]["notes"]
        agree(mine, theirs, 1e-8)


def test_predictions_and_scores_of_a_saved_model(blocks, tmp_path, monkeypatch):
    table = frame()
    blocks(on=True)
    fit = l2cli.fit(table, target="y", lam=3.0, interactions=PRODUCTS)
    save_model(fit.model, tmp_path / "m.json")
    model = load_model(tmp_path / "m.json")
    scores = evaluate_table(model, table_from_frame(table)).to_dict()
    assert scores["metrics"]["mse"] == pytest.approx(fit.to_dict()["metrics"]["train"]["mse"], rel=1e-12)
    new = table.iloc[:40].copy()
    new["area"] = new["area"].to_numpy()[::-1]  # pairs that training never saw together
    new.loc[new.index[5], "city"] = "nowhere"
    mine = l2cli.predict(model, new, unseen="baseline")
    monkeypatch.setattr(layout, "MANY_LEVELS", 10**9)
    assert mine == pytest.approx(l2cli.predict(model, new, unseen="baseline"), rel=1e-12)


def test_standard_errors_at_lambda_0(blocks):
    table = frame(n=3000).drop(columns="area")
    given: dict[str, Any] = {"target": "y", "lam": 0.0, "interactions": "city:x"}
    mine, theirs = both(blocks, lambda: l2cli.fit(table, **given).to_dict())
    agree(mine, theirs, 1e-6)
    assert all(row["se"] > 0 for row in mine["coefficients"])
