"""Predictions: aligned with the rows, on the right scale, none where a cell the model needs is missing."""

from __future__ import annotations

import json

import numpy as np
import pytest

from l2cli.api.predict import FITTED, predict_table
from l2cli.data.build import build_dataset
from l2cli.data.read import read_table
from l2cli.errors import DataError, UsageError
from l2cli.models.saved import build_model, load_model, save_model
from l2cli.spec import ColumnSpec, ModelSpec

HOUSES = """\
id,town,rooms,area,price
h1,Ulm,3,71.5,210
h2,Bonn,4,95.0,305
h3,Ulm,2,,140
h4,Kiel,5,120.9,388
h5,Bonn,3,66.0,198
"""
LOANS = """\
age,income,default
30,20,yes
40,45,no
50,70,no
35,15,yes
"""


@pytest.fixture
def table(tmp_path):
    """A table from the text of a file."""

    def make(text, name="new.csv"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return read_table(str(tmp_path / name))

    return make


@pytest.fixture
def model(table):
    """A model with given coefficients, as a fit to the text of a file would leave it."""

    def make(text, coef, intercept=10.0, **columns):
        data = build_dataset(table(text, "train.csv"), ColumnSpec(**columns), ModelSpec())
        ones = np.ones(len(coef))
        return build_model(
            data, intercept=intercept, coef=coef, coef_standardized=coef, center=ones, scale=ones, lam=1.0,
            lambda_scale="sum", selected_by="given", settings={}, metrics={}, certificate={},
        )  # fmt: skip

    return make


def test_gaussian_predictions_are_the_mean(model, table):
    # the coefficients of Bonn, Kiel and Ulm, rooms and area
    houses = model(HOUSES, [1, 2, 3, 10, 0.5], id="id")
    found = predict_table(houses, table("area,rooms,town,id\n100,2,Kiel,n1\n,1,Ulm,n2\n40,3,Bonn,n3\n"))
    mean_area = (71.5 + 95 + 120.9 + 66) / 4
    assert list(found.columns) == ["id", "prediction"]
    assert found.columns["id"] == ["n1", "n2", "n3"]
    assert found.columns["prediction"] == pytest.approx([10 + 2 + 20 + 50, 10 + 3 + 10 + mean_area / 2, 61.0])
    assert found.rows == 3
    assert found.notes == ["missing cells imputed by the training mean: area 1"]


def test_binomial_predictions_are_labels_with_a_probability(model, table):
    loans = model(LOANS, [0.125, -0.25], intercept=1.25)
    found = predict_table(loans, table("age,income\n30,20\n30,12\n30,2000000\n2,8\n"))
    assert found.columns["prediction"] == ["no", "yes", "no", "no"]  # eta 0, 2, -499995, -0.5
    expected = [0.5, 1 / (1 + np.exp(-2)), 0, 1 / (1 + np.exp(0.5))]
    np.testing.assert_allclose(found.columns["probability"], expected, rtol=1e-15)


@pytest.mark.parametrize(
    ("threshold", "labels"),
    [(0.5, ["no", "yes", "yes"]), (0.9, ["no", "no", "yes"]), (0.3, ["no", "yes", "yes"])],
)
def test_threshold_is_on_the_positive_class(model, table, threshold, labels):
    loans = model(LOANS, [1.0, 0.0], intercept=0.0)
    found = predict_table(loans, table("age,income\n-1,0\n1,0\n3,0\n"), threshold=threshold)
    assert found.columns["prediction"] == labels


def test_positive_can_be_the_first_level(model, table):
    loans = model(LOANS, [1.0, 0.0], intercept=0.0, positive="no")
    found = predict_table(loans, table("age,income\n5,0\n-5,0\n"))
    assert found.columns["prediction"] == ["no", "yes"]
    assert found.columns["probability"][0] > 0.99


def test_rows_that_cannot_be_predicted_stay_in_place(model, table):
    loans = model(LOANS, [0.1, -0.2], missing="drop")
    found = predict_table(loans, table("age,income\n30,20\n,10\n40,\n50,1\n"))
    assert [value is None for value in found.columns["prediction"]] == [False, True, True, False]
    assert [value is None for value in found.columns["probability"]] == [False, True, True, False]
    assert found.warnings == [
        {
            "code": "missing_cells",
            "message": "2 rows with a missing cell that the model has no value for: no prediction",
        }
    ]


def test_offset_and_exposure_are_needed_and_added(model, table):
    text = "a,o,e,y\n1,0.5,1,1\n2,-1,2,2.5\n3,0,10,4\n"
    offset = model(text, [2.0], intercept=1.0, offset="o", exposure="e")
    found = predict_table(offset, table("a,o,e\n1,3,1\n2,0,10\n3,,2\n"))
    assert found.columns["prediction"] == [pytest.approx(6.0), pytest.approx(5 + np.log(10)), None]
    assert found.warnings[0]["message"] == "1 row without a value in 'o', 'e': no prediction"
    with pytest.raises(DataError, match=r"new.csv: no column 'e', the exposure that the model needs"):
        predict_table(offset, table("a,o\n1,3\n"))
    with pytest.raises(
        DataError, match=r"new.csv line 2: -1 in the exposure column 'e', which needs numbers above 0"
    ):
        predict_table(offset, table("a,o,e\n1,3,-1\n"))


def test_the_id_is_carried_through(model, table):
    houses = model(HOUSES, [1, 2, 3, 10, 0.5], id="id")
    text = "code,rooms,area,town,prediction\n7,1,1,Ulm,u\n8,1,1,Ulm,v\n,1,1,Ulm,w\n"
    found = predict_table(houses, table(text))
    assert list(found.columns) == ["prediction"]
    assert found.notes == ["no column 'id', the id in training: predictions carry no id"]
    assert predict_table(houses, table(text), id_column="code").columns["code"] == [7, 8, None]
    assert predict_table(houses, table(text), id_column="prediction").columns["prediction (id)"] == [
        "u",
        "v",
        "w",
    ]
    with pytest.raises(UsageError, match="no column 'cod'; did you mean 'code'"):
        predict_table(houses, table(text), id_column="cod")
    halves = predict_table(
        houses, table("code,rooms,area,town\n0.5,1,1,Ulm\n1e20,1,1,Ulm\n"), id_column="code"
    )
    assert halves.columns["code"] == [0.5, 1e20]


def test_a_prediction_that_overflows_is_an_error(model, table):
    loans = model(LOANS, [0.1, -0.2])
    with pytest.raises(DataError, match=r"new.csv line 3: numbers too large for a prediction"):
        predict_table(loans, table("age,income\n30,20\n1e305,20\n"))


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
def test_a_threshold_is_a_probability(model, table, threshold):
    with pytest.raises(UsageError, match="--threshold must be between 0 and 1"):
        predict_table(model(LOANS, [0.1, -0.2]), table("age,income\n30,20\n"), threshold=threshold)


def test_a_saved_model_predicts_the_same(model, table, tmp_path):
    houses = model(HOUSES, [1.25, 2, 3, 10, 1 / 3])
    save_model(houses, tmp_path / "model.json")
    rows = table("town,rooms,area\nKiel,2,70\nUlm,,\n")
    again = predict_table(load_model(tmp_path / "model.json"), rows)
    assert again.columns == predict_table(houses, rows).columns


def test_the_result_is_plain_json(model, table):
    loans = model(LOANS, [0.1, -0.2], missing="drop")
    result = predict_table(loans, table("age,income\n30,20\n,10\n")).to_dict()
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert result["schema"] == "l2cli/predict/1"
    assert (result["data"]["rows_read"], result["data"]["rows_used"]) == (2, 1)
    assert result["data"]["positive"] == "yes"
    assert result["predictions"][1] == {"prediction": None, "probability": None}
    asked = {"family": "binomial", "unseen": "error", "missing": "drop", "threshold": 0.5}
    assert result["settings"] == dict.fromkeys(FITTED) | asked  # made by hand, it knows of no fit


def test_rows_with_levels_that_the_model_has_not_seen_are_told(model, table):
    houses = model(HOUSES, [1, 2, 3, 10, 0.5], id="id")
    new = table("id,town,rooms,area\nn1,Rome,2,9\nn2,Ulm,2,9\nn3,,2,9\nn4,Rome,2,9\nn5,Pisa,2,9\n")
    assert predict_table(houses, new, unseen="baseline").notes[-1] == (
        "4 of 5 rows with levels never seen in training, which count as 0: "
        "town (missing), Rome, Pisa (line 2, line 4, line 5 and 1 more)"
    )
    known = table("id,town,rooms,area\nn2,Ulm,2,9\n")
    assert predict_table(houses, known, unseen="baseline").notes == []


def test_levels_taken_as_missing_are_told_column_by_column(model, table):
    text = "a,b,c,d,y\n" + "u,x,p,1,1\nv,y,q,2,2\nw,z,r,3,3\n,,,,\n".replace(",,,,", ",,,4,4")
    seen = model(text, [0.0] * 13)
    new = table("a,b,c,d\nk,x,r,1\nu,m,s,2\nk,,q,3\n")
    told = predict_table(seen, new, unseen="missing").notes
    assert told == [
        "3 of 3 rows with levels never seen in training, which count as missing: "
        "a k (line 2, line 4); b m (line 3); c s (line 3)"
    ]
