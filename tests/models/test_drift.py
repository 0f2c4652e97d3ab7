"""Drift: what is reported, and that ordinary new data are not."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.data.build import build_dataset
from l2cli.data.frame import table_from_arrays
from l2cli.models.drift import find_drift
from l2cli.models.saved import build_model
from l2cli.spec import ColumnSpec, ModelSpec

NAMES = ["age", "dose", "town"]


def sample(rng, n, *, shift=0.0, spread=1.0, towns=(0.5, 0.3, 0.2), gone=0.0):
    """Rows of (age, dose, town)."""
    X = np.empty((n, 3), dtype=object)
    X[:, 0] = np.where(rng.random(n) < gone, None, np.round(50 + shift + 10 * spread * rng.normal(size=n), 1))
    X[:, 1] = rng.uniform(0, 5, n).round(2)
    X[:, 2] = rng.choice(["Bonn", "Kiel", "Ulm"], size=n, p=towns)
    return X


@pytest.fixture(scope="module")
def model():
    """A model of 400 rows."""
    rng = np.random.default_rng(1)
    data = build_dataset(
        table_from_arrays(sample(rng, 400), rng.normal(size=400), names=NAMES),
        ColumnSpec(features=("*",)),
        ModelSpec(),
    )
    p = data.X.shape[1]
    return build_model(
        data, intercept=0.0, coef=np.ones(p), coef_standardized=np.ones(p), center=data.X.mean(axis=0),
        scale=data.X.std(axis=0), lam=1.0, lambda_scale="sum", selected_by="given", settings={}, metrics={},
        certificate={},
    )  # fmt: skip


def look(model, table, rows, weights=None):
    """The drift of some rows of a table."""
    return find_drift(model.data.features, model.feature_stats, model.rows_used, table, rows, weights)


def drift(model, X, weights=None):
    """The drift of some rows as {(feature, kind): detail}."""
    table = table_from_arrays(X, names=NAMES)
    return {(d["feature"], d["kind"]): d["detail"] for d in look(model, table, np.arange(len(X)), weights)}


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("n", [3, 30, 1000])
def test_rows_of_the_same_kind_have_no_drift(model, seed, n):
    assert drift(model, sample(np.random.default_rng(100 + seed), n)) == {}


def test_a_mean_that_moved(model):
    found = drift(model, sample(np.random.default_rng(2), 200, shift=8))
    assert set(found) == {("age", "mean shift")}
    text = found["age", "mean shift"]
    assert text.endswith("sd higher)")
    assert "in training" in text
    assert ("age", "mean shift") not in drift(model, sample(np.random.default_rng(2), 200, shift=3))


def test_a_spread_that_changed(model):
    found = drift(model, sample(np.random.default_rng(3), 300, spread=0.3))
    assert set(found) == {("age", "spread")}


def test_numbers_outside_the_training_range(model):
    X = sample(np.random.default_rng(4), 100)
    X[7, 0] = 5000.0
    found = drift(model, X)
    assert found["age", "range"].startswith("1 of 100 values outside the training range")
    assert found["age", "range"].endswith("the furthest 5000")
    slightly = sample(np.random.default_rng(4), 100)
    slightly[:8, 1] = 5.2
    assert found_kinds(drift(model, slightly)) == {"range"}
    slightly[3:8, 1] = 2.0
    assert drift(model, slightly) == {}


def found_kinds(found):
    """The kinds among the findings."""
    return {kind for _, kind in found}


def test_a_column_that_stopped_varying(model):
    X = sample(np.random.default_rng(5), 50)
    X[:, 1] = 2.5
    assert drift(model, X)["dose", "constant"].startswith("every value is 2.5; in training they ran from")
    assert drift(model, X[:9]) == {}


def test_missing_cells(model):
    found = drift(model, sample(np.random.default_rng(6), 200, gone=0.3))
    assert set(found) == {("age", "missing share")}
    assert found["age", "missing share"].endswith("0 % in training")
    all_gone = drift(model, sample(np.random.default_rng(6), 40, gone=1.1))
    assert all_gone == {("age", "missing share"): "100 % of the cells are missing, 0 % in training"}


def test_levels(model):
    X = sample(np.random.default_rng(7), 200, towns=(0.1, 0.7, 0.2))
    found = drift(model, X)
    assert set(found) == {("town", "level share")}
    X = sample(np.random.default_rng(8), 100)
    X[:2, 2] = ["Rome", "Pisa"]
    assert drift(model, X) == {
        ("town", "unseen level"): "Rome, Pisa never seen in training (2 % of the rows)"
    }


def test_weights_count(model):
    X = sample(np.random.default_rng(9), 300)
    old = X[:, 0].astype(float) > 55
    weights = np.where(old, 30.0, 1.0)
    assert ("age", "mean shift") in drift(model, X, weights)
    assert drift(model, X) == {}


@pytest.mark.parametrize("seed", range(40))
def test_sums_of_weights_are_rounded(model, seed):
    """No cell is missing, or all cells are one level: shares of 0 and 1, give or take a rounding."""
    rng = np.random.default_rng(seed)
    X = sample(rng, int(rng.integers(10, 40)), towns=(1.0, 0.0, 0.0))
    weights = np.round(rng.uniform(0.1, 3.0, len(X)), 3)
    assert found_kinds(drift(model, X, weights)) <= {"level share"}
    X[:, 0] = None
    assert drift(model, X, weights)["age", "missing share"].startswith("100 % of the cells are missing")


def test_no_rows_have_no_drift(model):
    table = table_from_arrays(sample(np.random.default_rng(1), 5), names=NAMES)
    assert look(model, table, np.arange(0)) == []
