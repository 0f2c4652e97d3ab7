"""The commands as functions: arrays and frames in, the numbers of the command line out."""

from __future__ import annotations

import json
import math
import pkgutil
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.sparse import csr_array

import l2cli
from l2cli.spec import GridSpec

SAMPLES = __file__.rsplit("tests", 1)[0] + "sample_data/"


@pytest.fixture(scope="module")
def penguins():
    """344 rows with text columns and missing cells."""
    return pd.read_csv(SAMPLES + "penguins.csv").drop(columns="year")


@pytest.fixture(scope="module")
def numbers():
    """80 rows of numbers: X, a numeric target, a target of 0 and 1, weights, an offset."""
    rng = np.random.default_rng(11)
    X = rng.normal(size=(80, 3)) * [1.0, 20.0, 0.5] + [0.0, 4.0, -1.0]
    y = X @ [2.0, 0.1, -1.0] + rng.normal(size=80)
    return X, y, (y > np.median(y)).astype(int), rng.uniform(0.2, 3.0, size=80), rng.normal(size=80)


def run(*arguments):
    """Return the JSON that the command line prints, without what differs between two runs."""
    done = subprocess.run(
        [sys.executable, "-m", "l2cli", *arguments, "--json"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return comparable(json.loads(done.stdout))


def comparable(result):
    """Return a result without times and the name of its source, its floats as they print."""
    result = json.loads(json.dumps(result))
    for part in (result, result.get("refit", {})):
        part.pop("timing", None)
        part.get("data", {}).pop("source", None)
        part.get("data", {}).pop("target_default", None)
    for model in result.get("models", []):
        model.pop("fit_s")
    return result


def assert_same(one, other, place="result"):
    """Compare two results key by key; numbers to 1e-11 of the larger."""
    if isinstance(one, dict):
        assert one.keys() == other.keys(), place
        for key, value in one.items():
            assert_same(value, other[key], f"{place}.{key}")
    elif isinstance(one, list):
        assert len(one) == len(other), place
        for i, (a, b) in enumerate(zip(one, other, strict=True)):
            assert_same(a, b, f"{place}[{i}]")
    elif isinstance(one, float) and isinstance(other, float) and "kkt" not in place and "gap" not in place:
        assert math.isclose(one, other, rel_tol=1e-11, abs_tol=1e-13), (place, one, other)
    elif not isinstance(one, float):
        assert one == other, place


# ------------------------------------------------------------ the command line's answers


def test_every_function_says_what_its_command_says(penguins):
    path = SAMPLES + "penguins.csv"
    mass = (path, "-t", "body_mass_g", "--drop", "year")
    sex = (path, "-t", "sex", "--drop", "year")
    assert_same(comparable(l2cli.fit(penguins, target="body_mass_g").to_dict()), run("fit", *mass))
    assert_same(comparable(l2cli.cv(penguins, target="sex", folds=5).to_dict()), run("cv", *sex, "-k", "5"))
    grid = GridSpec(low=0.1, high=100.0, count=5)
    assert_same(
        comparable(l2cli.path(penguins, target="body_mass_g", lambdas=grid).to_dict()),
        run("path", *mass, "--lambdas", "0.1:100:5"),
    )
    compared = l2cli.compare(penguins, target="sex", folds=3)
    assert_same(comparable(compared.to_dict()), run("compare", *sex, "-k", "3"))


def test_options_reach_the_model(penguins):
    words = ("--penalty-factor", "species=0,*_mm=2", "--rule", "1se", "--coding", "treatment", "--seed", "4")
    more = ("--missing", "drop", "--no-standardize", "--lambda-scale", "mean", "--repeats", "2", "-k", "4")
    line = run("cv", SAMPLES + "penguins.csv", "-t", "body_mass_g", "--drop", "year", *words, *more)
    result = l2cli.cv(
        penguins, target="body_mass_g", penalty_factor={"species": 0, "*_mm": 2}, rule="1se", missing="drop",
        coding="treatment", seed=4, standardize=False, lambda_scale="mean", repeats=2, folds=4,
    )  # fmt: skip
    assert_same(comparable(result.to_dict()), line)


def test_the_package_is_light_until_it_is_used():
    code = """
import sys, l2cli
heavy = {"numpy", "scipy", "pandas", "sklearn", "typer", "rich"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
assert set(l2cli.__all__) <= set(dir(l2cli))
l2cli.fit
assert not (heavy - {"numpy"}) & set(sys.modules), (heavy - {"numpy"}) & set(sys.modules)
for name in l2cli.__all__:
    getattr(l2cli, name)
assert "sklearn" in sys.modules
try:
    l2cli.nothing
except AttributeError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout == "module 'l2cli' has no attribute 'nothing'\n"


def test_no_public_name_is_that_of_a_module():
    """Importing a module puts it into its package under its own name: over a function that has the same."""
    modules = {module.name for module in pkgutil.iter_modules(l2cli.__path__)}
    assert not modules & set(l2cli.__all__)


# ------------------------------------------------------------ ways to give the rows


def test_arrays_and_frames_are_the_same_rows(numbers):
    X, y, _, weights, _ = numbers
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    whole = frame.assign(w=weights, price=y)
    answers = [
        l2cli.fit(X, y, sample_weight=weights),
        l2cli.fit(X.tolist(), list(y), sample_weight=list(weights)),
        l2cli.fit(frame, pd.Series(y, index=range(80, 0, -1)), sample_weight=weights),  # rows by position
        l2cli.fit(whole, target="price", sample_weight="w"),
        l2cli.fit(pa.Table.from_pandas(whole), target="price", sample_weight="w"),
        l2cli.fit(np.column_stack([X, weights, y]), target="x4", sample_weight="x3"),
    ]
    for answer in answers:
        np.testing.assert_array_equal(answer.coef, answers[0].coef)
        np.testing.assert_array_equal(answer.predict(X), answers[0].predict(X))
    assert "".join(answer.features[0] for answer in answers) == "x0x0aaax0"
    assert answers[3].to_dict()["data"]["target"] == "price"
    assert answers[0].to_dict()["data"]["target"] == "y"


def test_a_series_lends_its_name_and_added_columns_give_way(numbers):
    X, y, _, weights, _ = numbers
    frame = pd.DataFrame(X, columns=["y", "sample_weight", "c"])
    answer = l2cli.fit(frame, pd.Series(y, name="price"), lam=1.0, sample_weight=weights)
    assert answer.features == ("y", "sample_weight", "c")
    assert answer.model.data.target == "price"
    assert answer.model.data.weights == "sample_weight_"
    assert l2cli.fit(frame, y, lam=1.0).model.data.target == "y_"
    same = l2cli.fit(X, y, lam=1.0, sample_weight=weights)
    np.testing.assert_array_equal(answer.coef, same.coef)


def test_the_rows_given_are_not_changed(numbers):
    X, y, _, weights, _ = (np.array(part) for part in numbers)
    before = [part.copy() for part in (X, y, weights)]
    frame = pd.DataFrame(X)
    l2cli.fit(X, y, sample_weight=weights)
    l2cli.fit(frame, y)
    for part, copy in zip((X, y, weights), before, strict=True):
        np.testing.assert_array_equal(part, copy)
    assert [int(name) for name in frame.columns] == [0, 1, 2]


def test_weights_offset_groups_and_folds_by_name_or_as_arrays(numbers):
    X, y, _, weights, offset = numbers
    group = np.arange(80) // 4
    fold = np.arange(80) % 5
    whole = pd.DataFrame(X).assign(w=weights, o=offset, g=group, f=fold, y=y)
    by_group = l2cli.cv(X, y, sample_weight=weights, offset=offset, groups=group, folds=5)
    named = l2cli.cv(whole.drop(columns="f"), target="y", sample_weight="w", offset="o", groups="g", folds=5)
    np.testing.assert_array_equal(by_group.mean, named.mean)
    by_fold = l2cli.cv(X, y, offset=offset, fold_labels=fold)
    named = l2cli.cv(whole.drop(columns=["w", "g"]), target="y", offset="o", fold_labels="f")
    np.testing.assert_array_equal(by_fold.mean, named.mean)
    assert by_fold.to_dict()["folds"]["kind"] == "given"
    double = l2cli.fit(X, y, lam=2.0, sample_weight=np.full(80, 2.0))
    np.testing.assert_allclose(double.coef, l2cli.fit(X, y, lam=1.0).coef, rtol=1e-12)


def test_penalty_factors_as_an_array_follow_the_columns_of_x(numbers):
    X, y, _, weights, _ = numbers
    whole = pd.DataFrame(X, columns=["a*", "b", "c"]).assign(w=weights, y=y)[["w", "a*", "y", "b", "c"]]
    array = l2cli.fit(whole, target="y", sample_weight="w", lam=5.0, penalty_factor=[0.0, 1.0, 3.0])
    named = l2cli.fit(whole, target="y", sample_weight="w", lam=5.0, penalty_factor={"a*": 0.0, "c": 3.0})
    np.testing.assert_array_equal(array.coef, named.coef)
    assert array.to_dict()["settings"]["penalty_factor"] == [0.0, 1.0, 3.0]


def test_text_columns_categories_and_missing_cells_are_those_of_a_file(penguins):
    answer = l2cli.fit(penguins, target="body_mass_g", lam=1.0)
    assert "sex=(missing)" in answer.features
    assert answer.to_dict()["data"]["notes"][0] == "2 rows without a target left out"
    levels = pd.DataFrame({"zip": [10, 20, 30, 10, 20, 30], "x": [1.0, 2, 3, 4, 5, 7]})
    assert l2cli.fit(levels, [1.0, 2, 3, 4, 5, 6], lam=1.0, categorical="zip").features == (
        "zip=10", "zip=20", "zip=30", "x",
    )  # fmt: skip
    by_array = l2cli.fit(levels.to_numpy(), [1.0, 2, 3, 4, 5, 6], lam=1.0, categorical=["x0"])
    assert by_array.features == ("x0=10", "x0=20", "x0=30", "x1")


# ------------------------------------------------------------ predictions


def test_means_are_predicted_for_arrays_by_place_and_for_frames_by_name(numbers):
    X, y, _, _, _ = numbers
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    answer = l2cli.fit(frame, y, lam=3.0)
    expected = X @ answer.coef + answer.intercept
    np.testing.assert_allclose(answer.predict(X), expected, rtol=1e-13)
    np.testing.assert_array_equal(answer.predict(frame[["c", "a", "b"]].assign(d=1)), answer.predict(X))
    gap = X.copy()
    gap[0, 1] = np.nan
    assert answer.predict(gap)[0] == pytest.approx(expected[0] + (X[:, 1].mean() - X[0, 1]) * answer.coef[1])


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        ([0, 1], [0, 1]),
        ([1, 2], [1, 2]),
        ([1.0, 2.0], [1.0, 2.0]),
        ([False, True], [False, True]),
        (["no", "yes"], ["no", "yes"]),
        (np.array([10, 9], dtype=object), [9, 10]),
        (np.array([True, False], dtype=object), [False, True]),
    ],
)
def test_labels_come_back_as_they_were_given(numbers, labels, classes):
    X, _, zero_one, _, _ = numbers
    y = np.asarray(labels)[zero_one]
    answer = l2cli.fit(X, y, lam=1.0, family="binomial")
    assert answer.classes is not None
    assert answer.classes.tolist() == classes
    predicted = answer.predict(X)
    assert {type(v) for v in predicted.tolist()} == {type(v) for v in classes}
    assert np.mean(predicted == y) > 0.8
    proba = answer.predict_proba(X)
    np.testing.assert_allclose(proba.sum(axis=1), 1.0)
    np.testing.assert_array_equal(answer.classes[(proba[:, 1] > 0.5).astype(int)], predicted)
    assert set(answer.predict(X, threshold=1.0).tolist()) == {classes[0]}


def test_the_positive_class_can_be_chosen(numbers):
    X, _, y, _, _ = numbers
    first, last = l2cli.fit(X, y, lam=1.0, positive=0), l2cli.fit(X, y, lam=1.0)
    assert first.classes is not None
    assert first.classes.tolist() == [1, 0]
    np.testing.assert_allclose(first.coef, -last.coef, rtol=1e-10)
    np.testing.assert_allclose(first.predict_proba(X), last.predict_proba(X)[:, ::-1], atol=1e-12)


def test_an_offset_goes_into_predictions(numbers):
    X, y, _, _, offset = numbers
    answer = l2cli.fit(X, y, lam=1.0, offset=offset)
    np.testing.assert_allclose(
        answer.predict(X, offset=offset), X @ answer.coef + answer.intercept + offset, rtol=1e-12
    )
    with pytest.raises(l2cli.DataError, match="no column 'offset', the offset that the model needs"):
        answer.predict(X)
    with pytest.raises(l2cli.UsageError, match="fitted without an offset"):
        l2cli.fit(X, y, lam=1.0).predict(X, offset=offset)


def test_rows_that_the_model_has_no_value_for_have_no_prediction(penguins):
    sure = penguins.dropna()
    mean = l2cli.fit(sure, target="body_mass_g", lam=1.0)
    label = l2cli.fit(sure, target="sex", lam=1.0)
    gone = penguins.isna().drop(columns=["body_mass_g"]).any(axis=1).to_numpy()
    assert np.isnan(mean.predict(penguins)[gone & penguins["sex"].isna().to_numpy()]).all()
    with_gap = penguins.head(3).assign(species=[None, "Adelie", "Adelie"])
    assert label.predict(with_gap).tolist()[0] is None
    assert label.predict(with_gap).tolist()[1] in {"male", "female"}
    assert np.isnan(label.predict_proba(with_gap)[0]).all()


def test_levels_never_seen_are_refused_or_counted_as_nothing(penguins):
    answer = l2cli.fit(penguins, target="body_mass_g", lam=1.0)
    odd = penguins.head(2).assign(island="Atlantis")
    with pytest.raises(l2cli.DataError, match="has level 'Atlantis'"):
        answer.predict(odd)
    assert np.isfinite(answer.predict(odd, unseen="baseline")).all()


def test_a_saved_model_predicts_the_same(tmp_path, numbers):
    X, y, zero_one, _, _ = numbers
    answer = l2cli.fit(X, y, lam=1.0)
    l2cli.save_model(answer.model, tmp_path / "m.json")
    model = l2cli.load_model(tmp_path / "m.json")
    np.testing.assert_array_equal(l2cli.predict(model, X), answer.predict(X))
    np.testing.assert_array_equal(l2cli.predict(answer, X), answer.predict(X))
    run = l2cli.cv(X, zero_one, folds=4)
    l2cli.save_model(run.refit.model, tmp_path / "c.json")
    loaded = l2cli.load_model(tmp_path / "c.json")
    assert set(l2cli.predict(loaded, X).tolist()) == {"0", "1"}  # the file knows labels as text
    np.testing.assert_array_equal(l2cli.predict_proba(loaded, X), l2cli.predict_proba(run.refit, X))


def test_predictions_that_cannot_be_made_are_refused(numbers):
    X, y, _, _, _ = numbers
    answer = l2cli.fit(pd.DataFrame(X, columns=["a", "b", "c"]), y, lam=1.0)
    with pytest.raises(l2cli.DataError, match="X has 2 columns, and the model was fitted to 3"):
        answer.predict(X[:, :2])
    with pytest.raises(l2cli.DataError, match="no column 'b'"):
        answer.predict(pd.DataFrame(X, columns=["a", "x", "c"]))
    with pytest.raises(l2cli.DataError, match="X has 1 dimensions, not 2"):
        answer.predict(X[0])
    with pytest.raises(l2cli.UsageError, match="a gaussian model has no classes"):
        answer.predict_proba(X)
    assert repr(answer) == "<FittedModel: gaussian, 3 features, lambda 1 (given)>"


# ------------------------------------------------------------ what is refused or said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lam": -1.0}, "lam must be 0 or larger, not -1"),
        ({"lam": 1.0, "lambdas": [1.0, 2.0]}, "lam fixes lambda, so lambdas has nothing to do"),
        ({"lam": 1.0, "folds": 5}, "lam fixes lambda, so folds has nothing to do"),
        ({"lam": 1.0, "rule": "1se"}, "lam fixes lambda, so rule has nothing to do"),
        ({"lam": 1.0, "fold_labels": np.arange(80) % 3}, "so fold_labels has nothing to do"),
        ({"select": "loo", "folds": 5}, "select='loo' has no folds, so folds has nothing to do"),
        (
            {"select": "gcv", "groups": np.arange(80)},
            "select='gcv' has no folds, so groups has nothing to do",
        ),
        ({"select": "gcv", "rule": "1se"}, "needs a standard error"),
        ({"select": "holdout"}, "select='holdout' needs holdout"),
        ({"select": "cv", "holdout": 0.2}, "holdout means select='holdout', not cv"),
        ({"holdout": 0.2, "folds": 3}, "so folds has nothing to do"),
        ({"holdout": 0.2, "lam": 1.0}, "lam fixes lambda, so holdout has nothing to do"),
        ({"select": "holdout", "holdout": 1.0}, "^holdout must lie between 0 and 1, not 1"),
        ({"select": "holdout", "holdout": 0.2, "folds": 3}, "so folds has nothing to do"),
        ({"select": "holdout", "holdout": 0.001}, "holdout=0.001 holds out none of 80 rows"),
        ({"select": "evidence", "metric": "mse"}, "so metric has nothing to do"),
        ({"select": "evidence", "folds": 3}, "select='evidence' has no folds, so folds has nothing to do"),
        ({"fold_labels": np.arange(80) % 3, "folds": 3}, "fold_labels gives the folds, so folds has nothing"),
        ({"fold_labels": np.arange(80) % 3, "groups": np.arange(80)}, "so groups has nothing to do"),
        (
            {"select": "best"},
            "select 'best' is not available; choose one of auto, loo, cv, gcv, evidence, holdout",
        ),
        ({"rule": "2se"}, "rule '2se' is not available; choose one of min, 1se"),
        ({"folds": 1}, "folds must be a whole number of at least 2, not 1"),
        ({"folds": 81}, "81 folds need at least 81 rows"),
        ({"repeats": 0}, "repeats must be a whole number of at least 1, not 0"),
        ({"seed": -1}, "seed must be a whole number of at least 0, not -1"),
        ({"seed": None}, "seed must be a whole number of at least 0, not None"),
        ({"jobs": 0}, "jobs must be a whole number of at least 1, not 0"),
        ({"jobs": np.array([1, 2])}, r"jobs must be a whole number of at least 1, not array\(\[1, 2\]\)"),
        ({"folds": np.array([3])}, r"folds must be a whole number of at least 2, not array\(\[3\]\)"),
        ({"seed": np.array([3, 4])}, "seed must be a whole number of at least 0, not array"),
        ({"rule": np.array(["min", "1se"])}, "rule array.* is not available"),
        ({"lambda_scale": "row"}, "lambda_scale 'row' is not available; choose one of sum, mean"),
        ({"family": "poison"}, "no family 'poison'"),
        ({"missing": "zero"}, "'zero' is not available"),
        ({"metric": "auc"}, "does not fit the family gaussian"),
        ({"tol": 0.0}, "tol must be larger than 0"),
        ({"lambdas": "0.1:10"}, "lambdas '0.1:10' is not available; choose one of auto"),
        ({"penalty_factor": [1.0, 1.0]}, r"penalty_factor has shape \(2,\), not one number for each of 3"),
        ({"penalty_factor": {"z": 1.0}}, "'z' matches no feature"),
        ({"sample_weight": "w"}, "no column 'w'"),
        ({"target": "x0"}, "the target must be given once"),
        ({"lam": "auto"}, "lam must be a number, not 'auto'"),
        ({"lam": 1e300}, r"lam must be 0 or from 1e-150 to 1e\+150, not 1e\+300"),
        ({"lam": 10**400}, "lam is an integer that no double holds"),
        ({"lambdas": [1.0, 10**400]}, "lambdas must be 'auto', 'auto:N' or a sequence of numbers"),
        ({"l1_ratio": "1"}, "l1_ratio must be a number, not '1'"),
        ({"l1_ratio": [0.5, None]}, "l1_ratio must be a number, not None"),
        ({"l1_ratio": []}, "l1_ratio is empty"),
        ({"l1_ratio": 1.0, "relax_gamma": "half"}, "relax_gamma must be a number, not 'half'"),
        ({"family": "tweedie", "tweedie_power": "1.5"}, "tweedie_power must be a number"),
        ({"tol": "1e-8"}, "tol must be a number, not '1e-8'"),
        ({"bounds": (0, None)}, r"bounds must map names or globs to values, not \(0, None\)"),
        ({"penalty_factor": {"x0": "2"}}, "penalty_factor of 'x0' must be a number, not '2'"),
        ({"penalty_factor": ["a", "b", "c"]}, "penalty_factor must be a mapping or numbers"),
        ({"column_groups": [["x0", "x1"]]}, "column_groups must be a mapping or 'dummies'"),
        ({"column_groups": "levels"}, "column_groups must be a mapping or 'dummies', not 'levels'"),
        (
            {"column_groups": {"a": "x0"}, "group_penalty": "banded", "group_lambda": 3.0},
            r"group_lambda must map names or globs to values, not 3\.0",
        ),
    ],
)
def test_arguments_without_sense_are_wrong_usage(numbers, arguments, message):
    X, y, _, _, _ = numbers
    with pytest.raises(l2cli.UsageError, match=message):
        l2cli.fit(X, y, **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sample_weight": np.full(80, -1.0)}, "-1 in the weights column 'sample_weight'"),
        ({"sample_weight": np.ones(79)}, r"column 'sample_weight' has shape \(79,\), not \(80,\)"),
        ({"offset": np.full(80, np.inf)}, "offset"),
    ],
)
@pytest.mark.parametrize("wrap", [np.asarray, pd.DataFrame])
def test_rows_without_sense_are_data_errors(numbers, arguments, message, wrap):
    X, y, _, _, _ = numbers
    with pytest.raises(l2cli.DataError, match=message):
        l2cli.fit(wrap(X), y, **arguments)


@pytest.mark.parametrize("kind", [float, int, object])
def test_masked_cells_are_missing_ones(numbers, kind):
    X, y, zero_one, w, _ = numbers
    X, hidden = np.round(100.0 * X).astype(kind), X > 1.0
    late = np.arange(80) >= 76
    plain = l2cli.fit(np.where(hidden, np.nan, X.astype(float)), np.where(late, np.nan, y), lam=1.0)
    masked = l2cli.fit(np.ma.masked_array(X, hidden), np.ma.masked_array(y, late), lam=1.0)
    assert masked.coef.tolist() == plain.coef.tolist()
    assert masked.to_dict()["data"]["rows_used"] == 76
    labels = np.ma.masked_array(zero_one.astype(bool), late)
    assert l2cli.fit(X, labels, lam=1.0).to_dict()["data"]["rows_used"] == 76
    with pytest.raises(l2cli.DataError, match="row 77: no value in the weights column"):
        l2cli.fit(X, y, sample_weight=np.ma.masked_array(w, late))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (csr_array(np.eye(3)), r"X is csr_array, not a matrix; give X\.toarray\(\)"),
        ({"a": [1.0, 2.0]}, "X is dict, not a matrix; give an array"),
        ("data.csv", "X is str, not a matrix; give an array"),
        ([1.0, 2.0], "X has 1 dimensions, not 2; reshape it"),
    ],
)
def test_what_is_no_matrix_is_called_by_its_kind(given, message):
    with pytest.raises(l2cli.DataError, match=message):
        l2cli.fit(given, [1.0, 2.0, 3.0])


def test_columns_of_several_levels_are_called_by_all_of_them(numbers):
    X, y, _, _, _ = numbers
    frame = pd.DataFrame(X, columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)]))
    model = l2cli.fit(frame, y, lam=1.0)
    assert model.features == ("('a', 1)", "('a', 2)", "('b', 1)")
    assert model.predict(frame).tolist() == l2cli.fit(X, y, lam=1.0).predict(X).tolist()


def test_the_target_is_given_once(numbers):
    X, y, _, _, _ = numbers
    for given in ({}, {"y": "x0"}, {"y": y, "target": "x0"}):
        with pytest.raises(l2cli.UsageError, match="the target must be given once"):
            l2cli.path(X, **given)
    with pytest.raises(l2cli.UsageError, match="no column 'x9'; columns: x0, x1, x2"):
        l2cli.fit(X, target="x9")
    with pytest.raises(l2cli.DataError, match=r"column 'y' has shape \(79,\), not \(80,\)"):
        l2cli.fit(X, y[1:])
    assert l2cli.fit(X, y[:, None], lam=1.0).coef.tolist() == l2cli.fit(X, y, lam=1.0).coef.tolist()


def test_warnings_of_a_result_are_said(numbers):
    X, y, zero_one, _, _ = numbers
    with pytest.warns(UserWarning, match="target 'y' is constant"):
        flat = l2cli.fit(X, np.full(80, 2.0), lam=1.0)
    assert flat.predict(X[:2]).tolist() == [2.0, 2.0]
    with pytest.warns(UserWarning, match="the smallest of the grid") as told:
        l2cli.cv(X, y, lambdas=[1e6, 1e5])
    assert len(told) == 1
    assert told[0].filename == __file__
    with pytest.raises(l2cli.FitError, match="the classes are separated"):
        l2cli.fit(zero_one[:, None] + 0.0, zero_one, lam=0.0)


def test_numbers_may_be_those_of_numpy(numbers):
    X, y, _, _, _ = numbers
    drawn: dict[str, Any] = {
        "folds": np.int64(3),
        "repeats": np.int32(1),
        "seed": np.int8(4),
        "jobs": np.int64(1),
    }
    given: dict[str, Any] = {
        "l1_ratio": np.float32(0.5),
        "standardize": np.bool_(True),
        "tol": np.float64(1e-8),
    }
    found = l2cli.fit(X, y, select="cv", **drawn, **given)
    same = l2cli.fit(X, y, select="cv", folds=3, seed=4, l1_ratio=0.5, tol=1e-8)
    assert json.dumps(found.to_dict()["settings"]) == json.dumps(same.to_dict()["settings"])
    assert found.lam == same.lam
    drawn["draws"] = np.int64(30)
    split = l2cli.tradeoff(X, y, lambdas=[9.0, 1.0, 1e-3], **drawn).to_dict()
    assert json.loads(json.dumps(split))["settings"]["draws"] == 30
    single: Any = np.float32(2.0)
    assert l2cli.fit(X, y, lam=single).lam == 2.0


def test_errors_name_arguments_where_the_command_line_names_options(numbers):
    X, y, _, _, _ = numbers
    with pytest.raises(
        l2cli.UsageError, match=r"^l1_ratio has no meaning beside column_groups; groups"
    ) as told:
        l2cli.cv(X, y, column_groups={"a": ["x0", "x1"]}, l1_ratio=0.5)
    assert told.value.message == "l1_ratio has no meaning beside column_groups"
    assert told.value.code == "usage"
    with pytest.raises(l2cli.UsageError, match=r"^relax_gamma needs an L1 part.*; add l1_ratio=1 for the"):
        l2cli.fit(X, y, relax_gamma=0.5)
    with pytest.raises(l2cli.UsageError, match="column 'nothing --folds 3'"):  # a name stays as it is
        l2cli.fit(X, y, sample_weight="nothing --folds 3")


def test_dates_and_interactions_in_every_command():
    import pandas as pd

    rng, when = np.random.default_rng(4), pd.date_range("2024-01-01", periods=60, freq="9D")
    frame = pd.DataFrame({"when": when, "a": rng.normal(size=60)})
    frame["y"] = frame["when"].dt.month * frame["a"] + rng.normal(size=60)
    names = ("when.year", "when.month", "when.weekday", "a", "a:when.month")
    asked: dict[str, Any] = {"target": "y", "dates": True, "interactions": "a:when.month"}
    model = l2cli.fit(frame, **asked, lam=1.0)
    assert tuple(model.features) == names
    assert tuple(l2cli.path(frame, **asked, lambdas=[1.0]).features) == names
    assert tuple(l2cli.cv(frame, **asked, folds=3).refit.features) == names
    compared = l2cli.compare(frame, **asked, folds=3, models=["ols", "mean"])
    told = l2cli.compare(frame, **asked, folds=3, models="ols, mean")
    assert (told.verdict, [row["mean"] for row in told.models]) == (
        compared.verdict, [row["mean"] for row in compared.models]
    )  # fmt: skip
    assert tuple(compared.to_dict()["data"]["features"]) == names
    assert model.predict(frame.iloc[::-1])[::-1] == pytest.approx(model.predict(frame))
    X = frame["a"].to_numpy()[:, None] + np.array([0.0, 1.0])
    assert tuple(l2cli.fit(X, frame["y"], lam=1.0, interactions=["x0:x1"]).features) == ("x0", "x1", "x0:x1")


def test_no_rows_have_no_predictions(numbers):
    X, y, *_ = numbers
    model = l2cli.fit(X, y)
    assert [part.tolist() for part in model.predict(X[:0], interval=0.9)] == [[], [], []]
    assert l2cli.fit(X, y > np.median(y)).predict(X[:0]).shape == (0,)
    assert l2cli.fit(X, np.column_stack([y, -y])).predict(X[:0]).shape == (0, 2)


def test_what_is_no_number_and_no_name_is_wrong_usage(numbers):
    X, y, *_ = numbers
    model = l2cli.fit(X, y)
    for given, message in (
        ({"interval": "0.9"}, "^interval must be a number, not '0.9'"),
        ({"threshold": [0.5]}, r"^threshold must be a number, not \[0.5\]"),
    ):
        with pytest.raises(l2cli.UsageError, match=message):
            model.predict(X, **given)
    wrong: Any
    for wrong, message in (
        (5, "^models must be a sequence of names, not 5$"),
        (["ridge", None], "^models holds None, not the name of a model"),
    ):
        with pytest.raises(l2cli.UsageError, match=message):
            l2cli.compare(X, y, models=wrong)


def test_results_are_short_at_the_prompt_and_groups_of_columns_are_not_those_of_rows(numbers):
    X, y, *_ = numbers
    for result in (l2cli.cv(X, y), l2cli.compare(X, y, models="mean, ridge"), l2cli.path(X, y)):
        assert len(repr(result)) < 200
    with pytest.raises(l2cli.UsageError, match=r"groups are of rows, one label each; .* are column_groups"):
        l2cli.fit(X, y, groups={"a": ["x0"]})
