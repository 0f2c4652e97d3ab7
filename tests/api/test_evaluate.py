"""Scores of a saved model on labelled rows."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
from sklearn import metrics as reference

from l2cli.api.evaluate import calibration_bins, evaluate_table
from l2cli.data.build import build_dataset
from l2cli.data.frame import table_from_arrays
from l2cli.data.read import read_table
from l2cli.errors import DataError
from l2cli.models.saved import build_model
from l2cli.spec import ColumnSpec, ModelSpec


@pytest.fixture
def table(tmp_path):
    """A table from the text of a file."""

    def make(text, name="test.csv"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return read_table(str(tmp_path / name))

    return make


def model_of(table, coef, intercept=0.0, **columns):
    """A model with given coefficients."""
    data = build_dataset(table, ColumnSpec(**columns), ModelSpec())
    filled = np.where(np.isnan(data.X), np.nanmean(data.X, axis=0), data.X)
    return build_model(
        data, intercept=intercept, coef=coef, coef_standardized=coef, center=filled.mean(axis=0),
        scale=filled.std(axis=0), lam=1.0, lambda_scale="sum", selected_by="given", settings={}, metrics={},
        certificate={},
    )  # fmt: skip


def noisy(rng, n, *, binomial):
    """Rows of two features and a target that follows them."""
    X = rng.normal(size=(n, 2))
    eta = 1.0 + 2 * X[:, 0] - X[:, 1]
    if not binomial:
        return X, eta + rng.normal(size=n)
    return X, np.where(rng.random(n) < 1 / (1 + np.exp(-eta)), "yes", "no")


@pytest.mark.parametrize("weighted", [False, True])
def test_gaussian_scores(weighted):
    rng = np.random.default_rng(0)
    X, y = noisy(rng, 200, binomial=False)
    w = rng.integers(0, 3, 200).astype(float)
    roles = {"weights": "w"} if weighted else {"drop": ("w",)}
    model = model_of(table_from_arrays(X, y, extra={"w": w}), [2.0, -1.0], 1.0, **roles)
    X, y = noisy(rng, 150, binomial=False)
    w = rng.integers(0, 3, 150).astype(float)
    found = evaluate_table(model, table_from_arrays(X, y, extra={"w": w}))
    eta, s = 1 + 2 * X[:, 0] - X[:, 1], w if weighted else None
    assert found.metrics["mse"] == pytest.approx(reference.mean_squared_error(y, eta, sample_weight=s))
    assert found.metrics["r2"] == pytest.approx(reference.r2_score(y, eta, sample_weight=s))
    assert found.confusion is None
    assert found.drift == []
    assert found.warnings == []
    assert found.data["rows_used"] == (int((w > 0).sum()) if weighted else 150)
    assert found.data["weight_sum"] == pytest.approx(w.sum() if weighted else 150)


def test_binomial_scores_and_confusion():
    rng = np.random.default_rng(1)
    model = model_of(table_from_arrays(*noisy(rng, 200, binomial=True)), [2.0, -1.0], 1.0)
    X, y = noisy(rng, 120, binomial=True)
    found = evaluate_table(model, table_from_arrays(X, y), threshold=0.7)
    p = 1 / (1 + np.exp(-(1 + 2 * X[:, 0] - X[:, 1])))
    called = np.where(p > 0.7, "yes", "no")
    assert found.confusion == {
        "labels": ["no", "yes"],
        "counts": reference.confusion_matrix(y, called).tolist(),
    }
    assert found.metrics["accuracy"] == pytest.approx((y == called).mean())
    assert found.metrics["auc"] == pytest.approx(reference.roc_auc_score(y == "yes", p))
    assert [c["label"] for c in found.data["classes"]] == ["no", "yes"]
    assert sum(c["count"] for c in found.data["classes"]) == 120
    assert found.data["positive"] == "yes"


LOANS = "age,income,default\n30,20,yes\n40,45,no\n50,70,no\n35,15,yes\n61,,no\n"


def test_rows_without_target_or_prediction_are_left_out(table):
    model = model_of(table(LOANS), [0.1, -0.2], missing="drop")
    found = evaluate_table(model, table("age,income,default\n30,20,yes\n,45,no\n50,70,\n35,15,no\n"))
    assert (found.data["rows_read"], found.data["rows_used"]) == (4, 2)
    assert "1 row without a target left out" in found.data["notes"]
    assert found.warnings[0]["code"] == "missing_cells"
    with pytest.raises(DataError, match="no row has both a target and all cells that the model needs"):
        evaluate_table(model, table("age,income,default\n,20,yes\n30,20,\n"))


def test_one_class_in_the_new_rows_has_no_auc(table):
    model = model_of(table(LOANS), [0.1, -0.2], 3.0)
    found = evaluate_table(model, table("age,income,default\n30,20,yes\n35,45,yes\n"))
    assert found.metrics["auc"] is None
    assert found.confusion == {"labels": ["no", "yes"], "counts": [[0, 0], [1, 1]]}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "age,income\n30,20\n",
            "test.csv: no column 'default', the target of the model; only labelled rows can be judged;"
            " columns: age, income",
        ),
        ("age,default\n30,yes\n", "test.csv: no column 'income', which the model needs"),
        (
            "age,income,default\n30,20,yes\n30,20,maybe\n",
            "test.csv line 3: label 'maybe' in column 'default' is none of the model's classes;"
            " the classes are 'no' and 'yes'",
        ),
        ("age,income,default\n30,20,\n", "target 'default' has no value in any row"),
    ],
)
def test_what_cannot_be_scored(table, text, found):
    model = model_of(table(LOANS, "train.csv"), [0.1, -0.2])
    with pytest.raises(DataError) as caught:
        evaluate_table(model, table(text))
    assert found in str(caught.value)


def test_labels_match_by_value(table):
    model = model_of(table("a,y\n1,0\n2,1\n4,1\n", "train.csv"), [1.0])
    found = evaluate_table(model, table("a,y\n1,0.0\n2,1.0\n3,1\n"))
    assert found.confusion == {"labels": ["0", "1"], "counts": [[0, 1], [0, 2]]}


def test_text_in_a_numeric_target(table):
    model = model_of(table("a,y\n1,0.5\n2,1\n4,1.5\n", "train.csv"), [1.0])
    with pytest.raises(DataError, match=r"line 3: 'x' in column 'y' is not a number"):
        evaluate_table(model, table("a,y\n1,0\n2,x\n3,1\n"))


def test_drift_is_a_warning(table):
    rng = np.random.default_rng(5)
    X, y = noisy(rng, 200, binomial=False)
    model = model_of(table_from_arrays(X, y), [2.0, -1.0], 1.0)
    X[:, 1] += 3
    found = evaluate_table(model, table_from_arrays(X, y))
    assert (found.drift[0]["feature"], found.drift[0]["kind"]) == ("x1", "mean shift")
    assert found.warnings == [{"code": "drift", "message": "1 feature unlike the training data: x1"}]


def test_a_missing_weights_column_is_noted(table):
    model = model_of(table("a,w,y\n1,1,0.5\n2,2,1\n4,3,1.5\n", "train.csv"), [1.0], weights="w")
    found = evaluate_table(model, table("a,y\n1,0\n2,2\n3,1\n"))
    assert "no column 'w', the weights in training: every row counts alike" in found.data["notes"]
    assert found.metrics["mse"] == pytest.approx((1 + 0 + 4) / 3)
    assert found.settings["weights"] is None


def test_weighted_scores_say_so(table):
    model = model_of(table("a,w,y\n1,1,0.5\n2,2,1\n4,3,1.5\n", "train.csv"), [1.0], weights="w")
    found = evaluate_table(model, table("a,w,y\n1,3,0\n2,2,2\n3,1,1\n"))
    assert "rows weighted by 'w', the weights in training" in found.data["notes"]
    assert found.settings["weights"] == "w"
    assert found.metrics["mse"] == pytest.approx((3 * 1 + 2 * 0 + 1 * 4) / 6)


def test_calibration_bins_are_tenths_of_the_rows():
    rng = np.random.default_rng(2)
    p, w = rng.random(1000), rng.random(1000)
    y = (rng.random(1000) < p).astype(float)
    bins = calibration_bins(y, p, w)
    assert [b["rows"] for b in bins] == [100] * 10
    first = p <= np.sort(p)[99]
    assert bins[0]["predicted"] == pytest.approx(np.average(p[first], weights=w[first]))
    assert bins[0]["observed"] == pytest.approx(np.average(y[first], weights=w[first]))
    assert all(a["high"] < b["low"] for a, b in pairwise(bins))


@pytest.mark.parametrize(
    ("predicted", "rows"), [([1.0] * 7, [7]), ([1.0] * 95 + [2.0] * 5, [95, 5]), ([3.0], [1])]
)
def test_equal_predictions_share_a_bin(predicted, rows):
    bins = calibration_bins(np.ones(len(predicted)), np.array(predicted))
    assert [b["rows"] for b in bins] == rows


@pytest.mark.parametrize(
    ("counts", "rows"),
    [
        ([4, 4, 4, 4, 4, 4, 4, 4, 4, 4], [4] * 10),
        ([9, 1, 9, 1, 9, 1, 9, 1, 9, 1], [9, 10, 10, 10, 11]),
        ([7] * 14, [7, 7, 7, 14, 7, 14, 7, 14, 7, 14]),
        ([30, 9, 9, 9, 9, 9, 9, 9, 9], [30, 9, 9, 9, 9, 9, 9, 9, 9]),
        ([3, 3, 3, 3, 3, 3, 3, 3, 30, 3, 3], [6, 6, 6, 6, 30, 6]),
        ([1] * 20 + [60] + [1] * 20, [10, 10, 60, 10, 10]),
    ],
)
def test_bins_of_equal_predictions_end_nearest_to_equal_parts(counts, rows):
    predicted = np.repeat(np.arange(len(counts), dtype=float), counts)
    shuffled = np.random.default_rng(0).permutation(predicted)
    bins = calibration_bins(np.ones(len(shuffled)), shuffled)
    assert [b["rows"] for b in bins] == rows
    assert all(a["high"] < b["low"] for a, b in pairwise(bins))


def test_the_result_is_plain_json(table):
    model = model_of(table(LOANS), [0.1, -0.2])
    result = evaluate_table(model, table(LOANS)).to_dict()
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert result["schema"] == "l2cli/evaluate/1"
    assert {"metrics", "drift", "calibration", "confusion", "data", "settings", "warnings"} <= set(result)
