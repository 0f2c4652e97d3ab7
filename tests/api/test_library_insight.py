"""``explain`` and ``tradeoff`` of the library: the command line's answers for arrays and data frames."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest

import l2cli
from l2cli.api.wording import ARGUMENTS

SAMPLES = __file__.rsplit("tests", 1)[0] + "sample_data/"
DIABETES = SAMPLES + "diabetes.csv"
PENGUINS = SAMPLES + "penguins.csv"


@pytest.fixture(scope="module")
def diabetes():
    """442 rows of numbers; the target is progression."""
    return pd.read_csv(DIABETES)


@pytest.fixture(scope="module")
def penguins():
    """344 rows with text columns and missing cells."""
    return pd.read_csv(PENGUINS).drop(columns="year")


def line(*arguments):
    """Return the JSON that the command line prints, and whatever else is compared."""
    done = subprocess.run(
        [sys.executable, "-m", "l2cli", *arguments, "--json"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def assert_same(found, printed):
    """Compare a result with what was printed, but for its source and what was measured.

    Row 1 of a data frame is line 2 of a file.
    """
    found = json.loads(json.dumps(found))
    for result in (found, printed):
        result.pop("timing", None)
        result["data"].pop("source")
        result["data"].pop("target_default")
        for part in result.get("targets", [result]):
            for measured in (part.get("cost") or {}).values():
                if isinstance(measured, dict):
                    measured.pop("seconds", None)
                    measured.pop("memory_bytes", None)
            for row in (part.get("influence") or {}).get("rows", []):
                row["place"] = int(row["place"].split()[1]) - row["place"].startswith("line")
    assert_equal(found, printed, "result")


def assert_equal(one, other, place):
    if isinstance(one, dict):
        assert one.keys() == other.keys(), place
        for key, value in one.items():
            assert_equal(value, other[key], f"{place}.{key}")
    elif isinstance(one, list):
        assert len(one) == len(other), place
        for i, pair in enumerate(zip(one, other, strict=True)):
            assert_equal(*pair, f"{place}[{i}]")
    elif isinstance(one, float) and isinstance(other, float):
        if "certificate" not in place and "kkt" not in place:
            assert one == pytest.approx(other, rel=1e-11, abs=1e-13), place
    else:
        assert one == other, place


# ------------------------------------------------------------ the command line's answers


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, ""),
        ({"lam": 20.0, "inference": "debiased"}, "--lambda 20 --inference debiased"),
        ({"l1_ratio": [0.5, 1.0], "folds": 4}, "--l1-ratio 0.5,1 -k 4"),
        (
            {"column_groups": {"body": ["bmi", "bp"], "blood": "s*"}, "lam": 5.0},
            "--groups body=bmi,bp;blood=s* --lambda 5",
        ),
        ({"select": "holdout", "holdout": 0.3, "seed": 2}, "--select holdout --holdout 0.3 --seed 2"),
        ({"sample_weight": "age", "rule": "1se"}, "--weights age --rule 1se"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_explanations_of_a_number_are_those_of_the_command(diabetes, given, words):
    found = l2cli.explain(diabetes, target="progression", **given)
    assert_same(found.to_dict(), line("explain", DIABETES, *words.split()))
    if "l1_ratio" not in given:
        assert_fits_alike(found.fit, l2cli.fit(diabetes, target="progression", **given))


def assert_fits_alike(one, other):
    np.testing.assert_array_equal(one.coef, other.coef)
    assert one.to_dict()["data"]["notes"] == other.to_dict()["data"]["notes"]
    assert one.to_dict().keys() == other.to_dict().keys()


def test_explanations_of_classes_and_words_are_those_of_the_command(penguins):
    found = l2cli.explain(penguins, target="sex", folds=5)
    assert_same(found.to_dict(), line("explain", PENGUINS, "-t", "sex", "--drop", "year", "-k", "5"))
    assert {"species", "island"} <= {row["name"] for row in found.groups}
    assert found.groups == found.to_dict()["importance"]["groups"]
    assert found.fit.classes is not None
    assert found.fit.classes.tolist() == ["female", "male"]
    assert set(found.fit.predict(penguins.head(9))) <= {"female", "male"}
    found = l2cli.explain(penguins, target="species", lam=1.0)
    assert_same(
        found.to_dict(), line("explain", PENGUINS, "-t", "species", "--drop", "year", "--lambda", "1")
    )
    assert [row["feature"] for row in found.features] == list(found.fit.features)


def test_explanations_of_several_targets_are_those_of_the_command(diabetes):
    found = l2cli.explain(diabetes, target=["progression", "bmi"])
    assert_same(found.to_dict(), line("explain", DIABETES, "-t", "progression,bmi"))
    assert [row["target"] for row in found.features] == ["progression"] * 9 + ["bmi"] * 9
    assert [row["name"] for row in found.groups] == [row["feature"] for row in found.features]
    assert all(text.startswith(("progression: ", "bmi: ")) for text in found.verdicts)
    assert found.fit.coef.shape == (2, 9)
    assert found.model is found.fit.model


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, ""),
        ({"simulate": True, "draws": 60, "seed": 3}, "--simulate --draws 60 --seed 3"),
        (
            {"fold_labels": "sex", "lambdas": [999.0, 30.0, 3.0, 0.1]},
            "--fold-column sex --lambdas 999,30,3,0.1",
        ),
        (
            {"time_column": "age", "gap": 20, "folds": 3, "sample_weight": "bp"},
            "--time-column age --gap 20 -k 3 --weights bp",
        ),
        (
            {"l1_ratio": 1.0, "lambdas": [2000.0, 200.0, 20.0], "draws": 25, "lambda_scale": "sum"},
            "--l1-ratio 1 --lambdas 2000,200,20 --draws 25",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_errors_of_a_number_are_split_as_the_command_does(diabetes, given, words):
    found = l2cli.tradeoff(diabetes, target="progression", **given)
    assert_same(found.to_dict(), line("tradeoff", DIABETES, *words.split()))
    content = found.to_dict()
    for key in ("lambdas", "train_error", "bias2", "variance", "test_error"):
        assert getattr(found, key).tolist() == content[key]
    assert (found.noise, found.verdict) == (content["noise"], content["verdict"])
    np.testing.assert_allclose(found.bias2 + found.variance + found.noise, found.test_error, rtol=1e-9)


def test_errors_of_classes_are_split_as_the_command_does(penguins):
    found = l2cli.tradeoff(penguins, target="sex", lambdas=[100.0, 1.0, 0.01, 1e-4], draws=20, folds=4)
    words = ("-t", "sex", "--drop", "year", "--lambdas", "100,1,0.01,0.0001", "--draws", "20", "-k", "4")
    assert_same(found.to_dict(), line("tradeoff", PENGUINS, *words))


def test_errors_of_several_targets_are_split_as_the_command_does(diabetes):
    found = l2cli.tradeoff(diabetes, target=["progression", "bmi"])
    assert_same(found.to_dict(), line("tradeoff", DIABETES, "-t", "progression,bmi"))
    assert (found.bias2.shape, found.noise.shape) == ((2, found.lambdas.shape[1]), (2,))
    assert [text.split(":")[0] for text in found.verdict.splitlines()] == ["progression", "bmi"]


def test_what_is_not_known_is_nan():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(20, 50))
    with pytest.warns(UserWarning, match="noise is not identified|is flat over") as told:
        found = l2cli.tradeoff(X, X[:, :10].sum(axis=1), folds=5)
    assert len(told) == 2
    assert {warning.filename for warning in told} == {__file__}
    assert np.isnan(found.noise)
    assert np.isnan(found.bias2).all()
    assert np.isfinite(found.train_error).all()


# ------------------------------------------------------------ names and arguments


def test_a_module_never_takes_the_place_of_a_function():
    code = """
import pkgutil, importlib, l2cli
for module in pkgutil.walk_packages(l2cli.__path__, "l2cli."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
assert all(callable(getattr(l2cli, name)) for name in l2cli.__all__ if not name.startswith("__"))
print(l2cli.explain.__module__, l2cli.tradeoff.__name__)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("l2cli.api.insight tradeoff\n", "")


def test_functions_have_their_arguments_in_common():
    """What several functions take is the same in all: name, type and default."""
    functions = (l2cli.fit, l2cli.cv, l2cli.path, l2cli.compare, l2cli.explain, l2cli.tradeoff)
    signatures = [inspect.signature(function).parameters for function in functions]
    said: dict[str, Any] = {}
    for parameters in signatures:
        for name, parameter in parameters.items():
            assert said.setdefault(name, parameter) == parameter, name
    assert said.keys() - set(ARGUMENTS.values()) == {"X", "y"}  # messages know the option of each
    fit, cv, path, compare, explain, tradeoff = (set(parameters) for parameters in signatures)
    assert explain == fit
    assert path < cv - {"nested"} < fit
    assert compare - {"models"} == tradeoff - {"simulate", "draws"}
    assert compare - {"models"} == cv - {"nested", "rule", "relax_gamma", "tol"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"simulate": True, "folds": 5}, "simulate knows the error of unseen rows, so folds has"),
        ({"simulate": True, "jobs": 2}, "so jobs has nothing to do"),
        ({"simulate": True, "groups": np.arange(80)}, "so groups has nothing to do"),
        ({"simulate": True, "l1_ratio": 1.0}, r"^simulate is exact for gaussian targets and pure L2 only"),
        ({"draws": 19}, "draws must be a whole number from 20 to 10000, not 19"),
        ({"draws": 50.0}, r"draws must be a whole number from 20 to 10000, not 50\.0"),
        ({"draws": 10_001}, "draws must be"),
        ({"draws": np.array([50])}, "draws must be a whole number from 20 to 10000, not array"),
        ({"metric": "mae"}, "the mae does not split into bias and variance; metric='mse' does"),
        ({"l1_ratio": [0.0, 1.0]}, r"tradeoff has one l1_ratio, not 2"),
        ({"gap": 3}, "gap leaves rows out before later ones, so it needs time_column"),
        (
            {"column_groups": {"a": ["x0", "x1"]}, "group_penalty": "banded"},
            "tradeoff of a banded penalty needs group_lambda",
        ),
        ({"target": "x0"}, "the target must be given once"),
    ],
)  # fmt: skip
def test_arguments_of_tradeoff_without_sense(given, message):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3))
    with pytest.raises(l2cli.UsageError, match=message):
        l2cli.tradeoff(X, X[:, 0] + rng.normal(size=80), **given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"lam": 1.0, "folds": 5}, "lam fixes lambda, so folds has nothing to do"),
        (
            {"inference": "exact"},
            "inference 'exact' is not available; choose one of shrunken, deb",
        ),
        (
            {"select": "loo", "l1_ratio": 1.0},
            "select='loo' is exact for gaussian targets and pure L2 only; use sel",
        ),
        (
            {"select": "gcv", "metric": "mae"},
            "select='gcv' minimises the squared error; use select='loo'",
        ),
        ({"sample_weight": "w"}, "no column 'w'"),
        ({"y": None}, "the target must be given once; as an array y, or as target='name of a column of X'"),
    ],
)
def test_arguments_of_explain_without_sense(given, message):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3))
    with pytest.raises(l2cli.UsageError, match=message):
        l2cli.explain(X, **({"y": X[:, 0] + rng.normal(size=80)} | given))


def test_the_documentation_leads_to_that_of_fit():
    for function in (l2cli.explain, l2cli.tradeoff):
        assert "as ``l2cli " in str(function.__doc__)
        assert "l2cli.fit" in str(function.__doc__)
