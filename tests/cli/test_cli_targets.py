"""Several targets at the command line: -t a,b in fit, cv, path, predict and evaluate, and what is refused."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

TARGETS = r"low,a\,b,noise"


def answer(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def table(tmp_path):
    """A file with three targets, of which one cell is missing."""
    rng = np.random.default_rng(5)
    x = rng.standard_normal((60, 3)).round(3)
    group = rng.choice(list("uvw"), 60)
    Y = np.column_stack([x[:, 0] + 0.3 * rng.standard_normal(60), 100 + 5 * x[:, 1], rng.standard_normal(60)])
    cells = [[*map(str, row), g, *(f"{v:.4f}" for v in y)] for row, g, y in zip(x, group, Y, strict=True)]
    cells[7][-1] = ""
    with (tmp_path / "many.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["x", "y", "z", "group", "low", "a,b", "noise"], *cells])
    return tmp_path / "many.csv"


def test_fit_predict_and_evaluate_every_target(quick, table, tmp_path):
    fit = answer(quick("fit", "many.csv", "-t", TARGETS, "--lambda", "2", "--json", "--save", "m.json"))
    assert [part["target"] for part in fit["targets"]] == fit["data"]["targets"] == ["low", "a,b", "noise"]
    assert fit["data"]["target"] is None
    assert (fit["data"]["rows_used"], fit["settings"]["family"]) == (59, "gaussian")
    assert fit["data"]["features"] == ["x", "y", "z", "group=u", "group=v", "group=w"]
    for part in fit["targets"]:
        assert part["lambda"]["value"] == 2
        assert part["certificate"]["converged"]
        assert len(part["coefficients"]) == 6
    rows = list(csv.reader(quick("predict", "m.json", "many.csv").stdout.splitlines()))
    assert rows[0] == ["prediction_low", "prediction_a,b", "prediction_noise"]
    assert len(rows) == 61
    first = next(csv.DictReader(table.open()))
    part = fit["targets"][1]
    coef = {c["feature"]: c["coef"] for c in part["coefficients"]}
    eta = part["intercept"] + coef[f"group={first['group']}"]
    assert float(rows[1][1]) == pytest.approx(eta + sum(coef[n] * float(first[n]) for n in "xyz"), rel=1e-12)
    scored = answer(quick("evaluate", "m.json", "many.csv", "--json"))
    assert scored["data"]["rows_used"] == 59
    for part, score in zip(fit["targets"], scored["targets"], strict=True):
        assert score["target"] == part["target"]
        assert score["metrics"] == pytest.approx(part["metrics"]["train"], rel=1e-9)
        assert sum(b["rows"] for b in score["calibration"]) == 59
    listed = answer(quick("predict", "m.json", "many.csv", "--json"))
    assert listed["data"]["targets"] == ["low", "a,b", "noise"]
    assert list(listed["predictions"][0]) == rows[0]


def test_every_command_agrees_with_the_target_alone(quick, table):
    for command, key in (("cv", "lambda_min"), ("path", "train_deviance")):
        joint = answer(quick(command, "many.csv", "-t", "low,noise", "--drop", r"a\,b", "--json"))
        alone = answer(
            quick(command, "many.csv", "-t", "noise", "--drop", r"a\,b,low", "--json"),
        )
        assert joint["targets"][1][key] == pytest.approx(alone[key], rel=1e-10)


def test_screens_have_a_column_or_a_line_for_every_target(quick, table):
    words = ["many.csv", "-t", TARGETS, "-q"]
    fit = quick("fit", *words, "--save", "m.json").stdout
    assert "targets low, a,b, noise\ngaussian, L2; a lambda for each target by exact leave-one-out" in fit
    assert fit.splitlines()[3].split() == ["feature", "low", "a,b", "noise"]
    assert " intercept " in fit
    assert "unseen rmse" in fit
    by_mae = quick("fit", *words, "--metric", "mae").stdout
    assert "a lambda for each target by the mae of exact leave-one-out" in by_mae
    assert next(row for row in by_mae.splitlines() if row.startswith(" target")).split().count("mae") == 2
    rows = [line.split() for line in fit.splitlines()]
    assert ["y"] in [row[:1] for row in rows]
    assert {"low", "a,b", "noise"} <= {row[0] for row in rows if len(row) > 5}
    cv = quick("cv", *words).stdout
    assert "lambda_min" in cv
    assert " low: " in cv
    path = quick("path", *words, "--lambdas", "10,1").stdout
    assert "the paths of 3 targets" in path
    assert path.count("\n deviance") == 3
    scored = quick("evaluate", "m.json", "many.csv", "-q").stdout
    assert [line.split()[0] for line in scored.splitlines()[3:7]] == ["target", "low", "a,b", "noise"]


def test_a_narrow_terminal_names_the_targets_left_out(quick, table):
    from l2cli.report.layout import Page
    from l2cli.report.screens.fit import screen

    content = answer(quick("fit", "many.csv", "-t", TARGETS, "--lambda", "0", "--json"))
    lines = ["".join(span.text for span in line) for line in screen(content, Page(34, terminal=True))]
    assert " and 1 more target (all: --format" in lines
    assert [line.split() for line in lines if line.startswith(" feature")] == [["feature", "low", "a,b"]]


@pytest.mark.parametrize("command", ["fit", "cv", "path"])
def test_csv_has_the_target_in_front(quick, table, command):
    rows = list(
        csv.DictReader(
            quick(
                command, "many.csv", "-t", TARGETS, "-q", "--lambdas", "3,1", "-f", "csv"
            ).stdout.splitlines()
        )
    )
    assert list(dict.fromkeys(row["target"] for row in rows)) == ["low", "a,b", "noise"]
    assert next(iter(rows[0])) == "target"
    assert len(rows) == {"fit": 3 * 7, "cv": 3 * 2, "path": 3 * 2 * 7}[command]


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["fit", "-t", "low,low"], 2, "--target names column 'low' twice"),
        (["fit", "-t", "low,"], 2, "--target 'low,' holds an empty name"),
        (["fit", "-t", "a,b"], 2, r"a column whose name holds a comma is written 'a\,b'"),
        (["fit", "-t", "low,high"], 2, "no column 'high'"),
        (
            ["fit", "-t", "low,group"],
            3,
            "in column 'group' is not a number; gaussian needs numbers; fit it alone",
        ),
        (
            ["fit", "-t", "low,noise", "--positive", "1"],
            2,
            "'low' is fitted as numbers (gaussian); leave it out",
        ),
        (["fit", "-t", "low,noise", "--family", "binomial"], 2, "several targets are fitted as gaussian"),
    ],
)
def test_what_several_targets_cannot_be(quick, table, words, status, message):
    done = quick(words[0], "many.csv", *words[1:])
    assert done.returncode == status
    assert message in done.stderr


def test_compare_has_a_table_for_every_target(quick, table):
    words = ("many.csv", "-t", "low,noise", "--models", "ridge,ols,mean", "--folds", "4")
    screen = quick("compare", *words, "-q").stdout
    order = [screen.index(text) for text in ("\n low\n", "\n ols", "\n noise\n")]
    assert screen.count("the same folds for all") == 1
    assert order[0] < order[1] < order[2]
    found = json.loads(quick("compare", *words, "--json").stdout)
    assert [part["target"] for part in found["targets"]] == ["low", "noise"]
    assert {row["spec"] for row in found["targets"][1]["models"]} == {"ridge", "ols", "mean"}
    rows = list(csv.DictReader(quick("compare", *words, "-q", "-f", "csv").stdout.splitlines()))
    assert [row["target"] for row in rows] == ["low"] * 3 + ["noise"] * 3


def test_a_damaged_model_of_several_targets_is_refused(quick, table, tmp_path):
    from l2cli.models.model import checksum

    answer(quick("fit", "many.csv", "-t", "low,noise", "--lambda", "1", "--json", "--save", "m.json"))
    content = json.loads((tmp_path / "m.json").read_text())
    assert [part["target"] for part in content["targets"]] == ["low", "noise"]
    assert "coefficients" not in content
    for targets, message in (
        (content["targets"][:1], "its targets are not several different ones"),
        ([content["targets"][0]] * 2, "its targets are not several different ones"),
        ([content["targets"][0], {"target": "noise"}], "damaged model: no 'coefficients'"),
    ):
        changed = {**content, "targets": targets}
        changed["checksum"] = checksum(changed)
        (tmp_path / "bad.json").write_text(json.dumps(changed))
        done = quick("predict", "bad.json", "many.csv")
        assert done.returncode == 3
        assert message in done.stderr
    (tmp_path / "few.csv").write_text("x,y,z,group,low\n1,2,3,u,1\n")
    done = quick("evaluate", "m.json", "few.csv")
    assert done.returncode == 3
    assert "no column 'noise', the target of the model" in done.stderr
