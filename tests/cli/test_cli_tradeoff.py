"""``l2cli tradeoff`` on the command line: formats, refusals, screens."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"
DIABETES, CANCER = str(SAMPLES / "diabetes.csv"), str(SAMPLES / "breast_cancer.csv")
GRID = ("--lambdas", "1000,10,0.1")


def test_every_format_has_the_same_numbers(quick, quick_json):
    content = quick_json("tradeoff", DIABETES, *GRID)
    assert content["schema"] == "l2cli/tradeoff/1"
    rows = list(csv.DictReader(quick("tradeoff", DIABETES, *GRID, "-q", "-f", "csv").stdout.splitlines()))
    assert [float(row["lambda"]) for row in rows] == [1000.0, 10.0, 0.1]
    for key in rows[0].keys() - {"lambda", "noise"}:
        assert [float(row[key]) for row in rows] == content[key], key
    assert {float(row["noise"]) for row in rows} == {content["noise"]}
    lines = quick("tradeoff", DIABETES, *GRID, "-q", "-f", "jsonl").stdout.splitlines()
    assert [json.loads(line)["bias2"] for line in lines] == content["bias2"]


def test_a_simulation_has_no_held_out_error_in_its_rows(quick):
    done = quick("tradeoff", DIABETES, *GRID, "--simulate", "--draws", "50", "-q", "-f", "csv")
    rows = list(csv.DictReader(done.stdout.splitlines()))
    assert [row["test_error_estimated"] for row in rows] == ["", "", ""]
    assert all(float(row["test_error"]) > float(row["noise"]) for row in rows)


def test_targets_and_bands_are_split(quick, quick_json):
    words = ["tradeoff", str(SAMPLES / "penguins.csv"), "-t", "bill_length_mm,body_mass_g", *GRID]
    content = quick_json(*words)
    assert [part["target"] for part in content["targets"]] == ["bill_length_mm", "body_mass_g"]
    rows = list(csv.DictReader(quick(*words, "-q", "-f", "csv").stdout.splitlines()))
    assert [row["target"] for row in rows] == ["bill_length_mm"] * 3 + ["body_mass_g"] * 3
    text = quick(*words, "-q").stdout
    assert text.count(" verdict ") == 2
    groups = ["--groups", "body=age,sex,bmi,bp;blood=s[1-6]", "--group-penalty", "banded"]
    banded = quick_json("tradeoff", DIABETES, *groups, "--group-lambda", "body=1,blood=2", *GRID)
    assert banded["method"] == "closed_form"
    again = quick_json("tradeoff", DIABETES, "--penalty-factor", "s[1-6]=2", *GRID)
    assert banded["test_error"] == pytest.approx(again["test_error"], rel=1e-9)


def test_missing_cells_weights_and_offsets_are_those_of_the_other_commands(quick, quick_json):
    words = [str(SAMPLES / "penguins.csv"), "-t", "body_mass_g", "--weights", "year", "--offset",
             "flipper_length_mm", *GRID]  # fmt: skip
    content, path = quick_json("tradeoff", *words), quick_json("path", *words)
    expected = [v / content["data"]["weight_sum"] for v in path["train_deviance"]]
    assert content["train_error"] == pytest.approx(expected, rel=1e-9)
    assert content["test_error_estimated"] == quick_json("cv", *words)["mean"]


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        ([DIABETES, "--simulate", "--folds", "5"], 2, "--simulate knows the error of unseen rows, so"),
        ([DIABETES, "--simulate", "--group-column", "sex"], 2, "so --group-column has nothing to do"),
        ([CANCER, "--simulate"], 2, "--simulate is exact for gaussian targets and pure L2 only"),
        ([DIABETES, "--draws", "3"], 2, "--draws must be a whole number of at least 20, not '3'"),
        ([DIABETES, "--draws", "1000000"], 2, "--draws may be at most"),
        ([CANCER, "--metric", "auc"], 2, "the auc does not split into bias and variance; --metric"),
        ([DIABETES, "--metric", "brier"], 2, "the brier does not split into bias and variance"),
        ([DIABETES, "--groups", "a=age", "--group-penalty", "banded"], 2, "needs --group-lambda"),
        ([DIABETES, "--relax-gamma", "0.5"], 2, "no option --relax-gamma in tradeoff"),
        ([str(SAMPLES / "glucose.csv"), "--simulate"], 1, "the noise is not identified: 21 rows leave 0"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_told_in_one_line(quick, words, status, message):
    done = quick("tradeoff", *words, "-q")
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.startswith("l2cli: error: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_screen_names_its_method(quick):
    assert "closed form of the linear model, an estimate" in quick("tradeoff", DIABETES, *GRID, "-q").stdout
    done = quick("tradeoff", CANCER, "--lambdas", "100,1", "--draws", "20", "-q").stdout
    assert "bootstrap, an estimate" in done
    told = " ".join(done.split())
    assert "the least of noise + bias^2 along the path" in told
    assert "its fits see about 63 % of the rows" in told
    assert "is noise" not in told
    done = quick("tradeoff", DIABETES, *GRID, "--simulate", "-q").stdout
    assert "simulated truth: exact" in done
    assert "Monte Carlo" in done


STORED = {
    "tradeoff_gaussian": (DIABETES, "--lambdas", "auto:30"),
    "tradeoff_simulated": (DIABETES, "--simulate", "--lambdas", "auto:20"),
    "tradeoff_binomial": (CANCER, "--lambdas", "auto:20", "--draws", "20"),
}


@pytest.mark.parametrize("name", STORED)
def test_the_stored_numbers_come_out_again(quick_json, name):
    path = Path(__file__).resolve().parents[1] / "golden" / "results" / f"{name}.json"
    stored, found = json.loads(path.read_text(encoding="utf-8")), quick_json("tradeoff", *STORED[name])
    assert found.keys() == stored.keys()
    assert (found["verdict"], found["gap_text"]) == (stored["verdict"], stored["gap_text"])
    for key in ("train_error", "bias2", "variance_low", "test_error", "test_error_high", "noise"):
        assert found[key] == pytest.approx(stored[key], rel=1e-5, abs=1e-9 * stored["noise"]), key


def test_the_closed_form_says_that_it_takes_grouped_rows_as_independent(quick_json):
    told = "the closed form and its bands take rows as independent"
    for options, count in ((["--group-column", "sex", "--folds", "2"], 1), ([], 0)):
        notes = quick_json("tradeoff", DIABETES, *options, *GRID)["data"]["notes"]
        assert len([note for note in notes if told in note]) == count
