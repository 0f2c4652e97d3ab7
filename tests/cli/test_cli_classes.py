"""More than two classes at the command line and in the library: every command, and what is refused."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import l2cli
from l2cli.models.model import checksum
from l2cli.select import alo, solutions

PENGUINS = str(Path(__file__).parents[2] / "sample_data" / "penguins.csv")
LABELS = ["Adelie", "Chinstrap", "Gentoo"]


def answer(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def penguins():
    return pd.read_csv(PENGUINS, keep_default_na=False, na_values=["NA", ""])


def test_fit_has_weights_for_every_class(quick):
    fit = answer(quick("fit", PENGUINS, "--lambda", "2", "--json"))
    assert fit["settings"]["family"] == "multinomial"
    assert fit["data"]["classes"] == [
        {"label": label, "count": n} for label, n in zip(LABELS, [152, 68, 124], strict=True)
    ]
    assert "positive" not in fit["data"]
    assert [part["label"] for part in fit["classes"]] == LABELS
    assert "coefficients" not in fit
    table = np.array([[c["coef"] for c in part["coefficients"]] for part in fit["classes"]])
    assert table.shape == (3, 11)
    assert table.sum(axis=0) == pytest.approx(np.zeros(11), abs=1e-9)
    assert sum(part["intercept"] for part in fit["classes"]) == pytest.approx(0.0, abs=1e-9)
    assert fit["certificate"]["converged"]
    assert fit["lambda"]["equivalents"]["sklearn_C"] == 0.5
    assert fit["lambda"]["equivalents"]["glmnet_lambda"] == pytest.approx(2 / 344)
    assert fit["effective_df"] < fit["rank"] <= 22
    assert all(c["se"] is None for part in fit["classes"] for c in part["coefficients"])


@pytest.mark.parametrize("words", [(), ("--metric", "accuracy"), ("--select", "loo", "--metric", "brier")])
def test_their_lambda_is_chosen_by_approximate_leave_one_out(quick, words):
    done = quick("fit", PENGUINS, "--drop", "year", "-q", "--json", *words)
    found = answer(done)
    assert found["lambda"]["selected_by"] == "loo"
    assert found["selection"]["metric"] == (words[-1] if words else "deviance")
    assert found["selection"]["approximate"] is True
    assert found["selection"]["error"]["rows"] == 30
    assert abs(found["selection"]["error"]["relative"]) < 0.01
    assert found["metrics"]["train"]["accuracy"] >= found["metrics"]["validation"]["accuracy"] > 0.95
    metric = () if not words else words[-2:]
    folds = answer(quick("fit", PENGUINS, "--drop", "year", "-q", "--json", *metric, "--select", "cv"))
    assert folds["metrics"]["validation"]["accuracy"] == pytest.approx(
        found["metrics"]["validation"]["accuracy"], abs=0.01
    )


@pytest.fixture
def three(tmp_path):
    """Return a file of three classes that no feature tells apart for sure."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 3))
    y = (X @ rng.normal(size=(3, 3)) + rng.gumbel(size=(90, 3))).argmax(axis=1)
    rows = [",".join(map(str, [*x, "abc"[k]])) for x, k in zip(X, y, strict=True)]
    (tmp_path / "three.csv").write_text("\n".join(["u,v,w,y", *rows]) + "\n")
    return "three.csv"


def test_very_many_coefficients_are_chosen_by_folds_unless_asked_otherwise(quick, three, monkeypatch):
    monkeypatch.setattr(alo, "MOST_COORDINATES", 11)
    assert answer(quick("fit", three, "-q", "--json"))["lambda"]["selected_by"] == "cv"
    found = answer(quick("fit", three, "--select", "loo", "-q", "--json"))
    assert found["lambda"]["selected_by"] == "loo"


@pytest.fixture
def separated(tmp_path):
    """Return a file of three classes that column x tells apart."""
    rows = [f"{i},{i * 7 % 10},{'abc'[i // 10]}" for i in range(30)]
    (tmp_path / "separated.csv").write_text("x,u,y\n" + "\n".join(rows), encoding="utf-8")
    return "separated.csv"


def test_separated_classes_have_evidence_for_no_penalty(quick, separated):
    found = quick("fit", separated, "--select", "evidence", "-q")
    assert found.returncode == 1
    assert found.stderr == (
        "l2cli: error: the evidence grows as lambda falls, down to where a fit has no end: the classes are"
        " separated; use --select loo, or give --lambdas\n"
    )


@pytest.mark.parametrize("how", [["loo"], ["cv"], ["holdout", "--holdout", "0.3"]])
def test_separated_classes_are_told_however_lambda_is_chosen(quick, separated, how):
    found = quick("fit", separated, "--select", *how)
    assert found.returncode == 0
    assert (
        "l2cli: note: the classes are separated: there is no finite fit without a penalty, and coefficients"
        " grow as lambda falls\n"
    ) in found.stderr
    assert answer(quick("fit", separated, "--select", *how, "--json"))["separated"] is True


def test_the_smallest_lambda_is_the_best_of_separated_classes(quick, separated):
    words = ("--lambdas", "0.01,1,100", "--folds", "3", "-q")
    for command in ("fit", "cv"):
        found = quick(command, separated, *words)
        assert found.stderr.splitlines()[-1] == (
            "l2cli: warning: the best lambda, 0.01, is the smallest of the grid: the classes are separated, "
            "so smaller ones may do better without end"
        )
        assert found.stderr.count("smallest of the grid") == 1


@pytest.mark.parametrize(
    "words", [[], ["--select", "loo"], ["--select", "evidence"], ["--select", "evidence", "--lambdas", "1"]]
)
def test_classes_separated_by_what_no_penalty_bounds_are_so_at_any_lambda(quick, separated, words):
    found = quick("fit", separated, "--penalty-factor", "x=0", "-q", *words)
    assert found.returncode == 1
    assert found.stderr == (
        "l2cli: error: no finite solution at any lambda: the classes are separated by x, which penalty"
        " factors of 0 leave unpenalized; give penalty factors larger than 0\n"
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--lambdas", "0"], "no finite solution at lambda 0: the classes are separated by x; give a lambda"),
        (["--lambdas", "1e-25,0"], "not converged at lambda 1e-25, nor at smaller ones; use --select cv, or"),
        (["--lambdas", "1e-25", "--lambda-scale", "mean"], "not converged at lambda 1e-25; use --select cv"),
    ],
)
def test_a_lambda_at_which_the_fit_has_no_end_is_named_on_the_scale_in_force(
    quick, separated, words, message
):
    found = quick("fit", separated, "--select", "loo", "-q", *words)
    assert found.returncode == 1
    assert found.stderr.startswith(f"l2cli: error: {message}")


@pytest.mark.parametrize("select", ["loo", "evidence"])
def test_fits_that_do_not_converge_are_not_called_separation(quick, three, monkeypatch, select):
    monkeypatch.setattr(solutions, "KKT_LIMIT", -1.0)
    found = quick("fit", three, "--select", select, "-q")
    assert found.returncode == 1
    assert found.stderr.startswith("l2cli: error: not converged at lambda ")
    assert found.stderr.endswith("; use --select cv, or give larger lambdas\n")


def test_their_lambda_is_chosen_by_evidence(quick, three):
    found = answer(quick("fit", three, "--select", "evidence", "-q", "--json"))
    assert found["lambda"]["selected_by"] == "evidence"
    assert found["selection"]["error"]["rows"] == 30
    beside = answer(quick("fit", three, "--select", "loo", "-q", "--json"))
    ratio = found["metrics"]["validation"]["deviance"] / beside["metrics"]["validation"]["deviance"]
    assert 1.0 <= ratio < 1.05


def test_explain_has_the_error_without_the_penalty_by_leave_one_out(quick, three):
    error = answer(quick("explain", three, "-q", "--json"))["cost"]["error"]
    assert error["method"] == "loo"
    bare = answer(quick("fit", three, "--lambdas", "0", "--select", "loo", "-q", "--json"))
    assert error["unpenalized"]["deviance"] == pytest.approx(bare["metrics"]["validation"]["deviance"])


def test_two_classes_are_a_binomial_at_half_the_lambda(quick):
    words = ["-t", "sex", "-x", "body_mass_g,bill_depth_mm", "--json", "-q"]
    one = answer(quick("fit", PENGUINS, *words, "--lambda", "0"))
    both = answer(quick("fit", PENGUINS, *words, "--lambda", "0", "--family", "multinomial"))
    assert one["data"]["positive"] == "male"
    low, high = (part["coefficients"] for part in both["classes"])
    for a, b, c in zip(low, high, one["coefficients"], strict=True):
        assert b["coef"] - a["coef"] == pytest.approx(c["coef"], rel=1e-7)
        # the classes share the difference evenly, and so its standard error
        assert 2 * b["se"] == pytest.approx(c["se"], rel=1e-6)
        assert b["kept"] == 1.0
    ridge = answer(quick("fit", PENGUINS, *words, "--lambda", "5"))
    halved = answer(quick("fit", PENGUINS, *words, "--lambda", "10", "--family", "multinomial"))
    for a, b, c in zip(*(p["coefficients"] for p in halved["classes"]), ridge["coefficients"], strict=True):
        assert b["coef"] - a["coef"] == pytest.approx(c["coef"], rel=1e-8)
        assert b["kept"] == pytest.approx(c["kept"], rel=1e-6)


def test_predict_and_evaluate_with_a_saved_model(quick, tmp_path):
    fit = answer(quick("fit", PENGUINS, "--lambda", "30", "--json", "--save", "m.json"))
    rows = list(csv.DictReader(quick("predict", "m.json", PENGUINS, "-q").stdout.splitlines()))
    assert list(rows[0]) == ["prediction", *(f"probability_{label}" for label in LABELS)]
    P = np.array([[float(row[f"probability_{label}"]) for label in LABELS] for row in rows])
    assert P.sum(axis=1) == pytest.approx(np.ones(344))
    assert [row["prediction"] for row in rows] == [LABELS[c] for c in P.argmax(axis=1)]
    scored = answer(quick("evaluate", "m.json", PENGUINS, "--json"))
    assert scored["metrics"] == pytest.approx(fit["metrics"]["train"], rel=1e-9)
    with Path(PENGUINS).open() as file:
        truth = [row["species"] for row in csv.DictReader(file)]
    counts = np.zeros((3, 3), dtype=int)
    for row, label in zip(rows, truth, strict=True):
        counts[LABELS.index(label), LABELS.index(row["prediction"])] += 1
    assert scored["confusion"] == {"labels": LABELS, "counts": counts.tolist()}
    assert scored["metrics"]["log_loss"] == pytest.approx(
        -np.mean([math.log(p[LABELS.index(label)]) for p, label in zip(P, truth, strict=True)])
    )
    right = sum(b["rows"] * b["observed"] for b in scored["calibration"])
    assert right == pytest.approx(np.trace(counts))
    screen = quick("evaluate", "m.json", PENGUINS).stdout
    assert "said Adelie  said Chinstrap  said Gentoo" in screen
    assert "probability of the class predicted" in screen
    (tmp_path / "odd.csv").write_text(
        Path(PENGUINS).read_text().replace("Adelie", "Emperor"), encoding="utf-8"
    )
    done = quick("evaluate", "m.json", "odd.csv")
    assert done.returncode == 3
    assert "label 'Emperor' in column 'species' is none of the model's classes" in done.stderr
    assert "the classes are 'Adelie', 'Chinstrap', 'Gentoo'" in done.stderr


def test_cv_path_and_compare(quick):
    cv = answer(quick("cv", PENGUINS, "--lambdas", "100,10,1", "--folds", "5", "--json"))
    assert cv["folds"]["stratified"]
    assert [part["label"] for part in cv["refit"]["classes"]] == LABELS
    assert set(cv["metrics_min"]) == {"deviance", "accuracy", "error", "log_loss", "brier"}
    assert cv["metrics_min"]["deviance"] == pytest.approx(min(cv["mean"]))
    path = answer(quick("path", PENGUINS, "--lambdas", "100,1", "--l1-ratio", "1", "--json"))
    assert [part["label"] for part in path["classes"]] == LABELS
    assert len(path["classes"][0]["coefficients"][0]["coef"]) == 2
    assert max(path["kkt_residual"]) <= 1e-8
    compared = answer(quick("compare", PENGUINS, "--models", "ridge,mean", "--folds", "4", "--json"))
    errors = {model["spec"]: model["mean"] for model in compared["models"]}
    share = np.array([152, 68, 124]) / 344
    assert errors["mean"] == pytest.approx(-2 * float(share @ np.log(share)), rel=1e-3)
    assert errors["ridge"] < 0.2


def test_screens_show_the_classes_side_by_side(quick):
    fit = quick("fit", PENGUINS, "--lambda", "30", "--l1-ratio", "1", "-q").stdout
    lines = fit.splitlines()
    assert lines[1] == "target 'species' (last column, change with -t; Adelie 152, Chinstrap 68, Gentoo"
    assert [line.split() for line in lines if line.startswith(" feature")] == [["feature", *LABELS]]
    assert "left out (coefficient 0 throughout): " in fit
    assert "keeps 7 of 11 features" in fit or "keeps 6 of 11 features" in fit
    path = quick("path", PENGUINS, "--lambdas", "10,1", "-q").stdout
    assert [line.strip() for line in path.splitlines() if line.strip() in LABELS] == LABELS
    assert "accuracy" in quick("cv", PENGUINS, "--lambdas", "10,1", "-q").stdout
    table = list(
        csv.DictReader(quick("fit", PENGUINS, "--lambda", "1", "-q", "-f", "csv").stdout.splitlines())
    )
    assert list(dict.fromkeys(row["class"] for row in table)) == LABELS
    assert (len(table), table[0]["feature"]) == (3 * 12, "(intercept)")
    table = list(
        csv.DictReader(quick("path", PENGUINS, "--lambdas", "9,1", "-q", "-f", "csv").stdout.splitlines())
    )
    assert len(table) == 3 * 2 * 12


def test_many_classes_show_the_largest_on_a_terminal(tmp_path, quick):
    from l2cli.report.layout import Page
    from l2cli.report.screens.fit import screen

    rng = np.random.default_rng(1)
    counts = [30, 3, 25, 4, 20, 15, 10]
    rows = [f"{rng.normal() + k:.3f},class{k}" for k, n in enumerate(counts) for _ in range(n)]
    (tmp_path / "many.csv").write_text("\n".join(["x,label", *rows]) + "\n", encoding="utf-8")
    content = answer(quick("fit", "many.csv", "--lambda", "1", "--json"))
    lines = ["".join(span.text for span in line) for line in screen(content, Page(100, terminal=True))]
    assert "class0 30, class2 25, class4 20 and 4 more classes" in " ".join(lines)
    assert [line.split() for line in lines if line.startswith(" feature")] == [
        ["feature", "class0", "class2", "class4", "class5", "class6"]
    ]
    assert " and 2 smaller classes (all: --verbose or --format csv)" in lines


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["fit", PENGUINS, "--positive", "Gentoo"], 2, "a multinomial model treats its classes alike"),
        (["fit", PENGUINS, "--offset", "year"], 2, "--offset has nothing to do: added to every class alike"),
        (["fit", PENGUINS, "--exposure", "year"], 2, "--exposure has nothing to do"),
        (["fit", PENGUINS, "--family", "binomial"], 3, "has 3 classes (Adelie, Chinstrap, Gentoo)"),
        (["fit", PENGUINS, "--metric", "auc", "--lambdas", "1,2"], 2, "does not fit the family multinomial"),
        (["fit", PENGUINS, "--lambda", "0"], 1, "no finite solution at lambda 0: the classes are separated"),
        (
            ["predict", "m.json", PENGUINS, "--threshold", "0.3"],
            2,
            "--threshold is for models of two classes",
        ),
    ],
)
def test_what_several_classes_cannot_have(quick, words, status, message):
    quick("fit", PENGUINS, "--lambda", "5", "--save", "m.json")
    done = quick(*words)
    assert done.returncode == status
    assert message in done.stderr


def test_damaged_models_are_refused(quick, tmp_path):
    quick("fit", PENGUINS, "--lambda", "5", "--save", "m.json")
    content = json.loads((tmp_path / "m.json").read_text())
    assert content["target_sd"] is None
    changes = [
        (
            {"class_coefficients": content["class_coefficients"][:2]},
            "its coefficients and its classes do not",
        ),
        ({"family": "gaussian"}, "its family and its classes do not agree"),
        ({"classes": None}, "its coefficients and its classes do not agree"),
    ]
    for change, message in changes:
        changed = {**content, **change}
        changed["checksum"] = checksum(changed)
        (tmp_path / "bad.json").write_text(json.dumps(changed))
        done = quick("predict", "bad.json", PENGUINS)
        assert done.returncode == 3
        assert message in done.stderr


def test_the_library_predicts_several_classes(penguins):
    rows = penguins.dropna()
    X, y = rows[["bill_length_mm", "bill_depth_mm"]].to_numpy(), rows["species"].to_numpy()
    model = l2cli.fit(X, y, lam=3.0)
    assert (model.coef.shape, model.intercept.shape) == ((3, 2), (3,))
    assert model.classes is not None
    assert model.classes.tolist() == LABELS
    eta = X @ model.coef.T + model.intercept
    odds = np.exp(eta - eta.max(axis=1, keepdims=True))
    assert model.predict_proba(X) == pytest.approx(odds / odds.sum(axis=1, keepdims=True))
    assert model.predict(X).tolist() == [LABELS[c] for c in eta.argmax(axis=1)]
    numbers = l2cli.fit(X, np.unique(y, return_inverse=True)[1] * 10, lam=3.0, family="multinomial")
    assert numbers.coef == pytest.approx(model.coef, rel=1e-10)
    assert set(numbers.predict(X).tolist()) == {0, 10, 20}
    path = l2cli.path(X, y, lambdas=[3.0, 1.0])
    assert path.coef.shape == (3, 2, 2)
    assert path.coef[..., 0] == pytest.approx(model.coef, rel=1e-7)
    with pytest.raises(l2cli.UsageError, match="a poisson model has no classes"):
        l2cli.fit(X, np.arange(len(X)), lam=1.0, family="poisson").predict_proba(X)


def test_a_class_of_one_row_is_named_before_folds_are_made(quick, tmp_path):
    rows = "".join(f"{i * 7 % 11},{'abc'[i % 3]}\n" for i in range(30)) + "3,d\n"
    (tmp_path / "lone.csv").write_text("x,y\n" + rows)
    done = quick("cv", "lone.csv", "--folds", "5", "-q")
    assert done.returncode == 1
    assert done.stderr == (
        "l2cli: error: class 'd' of one row: the fold that holds it out has none to train on;"
        " leave such rows out, join classes, or give --lambda\n"
    )
    assert quick("fit", "lone.csv", "--lambda", "1", "-q").returncode == 0
    done = quick("fit", "lone.csv", "--select", "loo", "-q")
    assert done.returncode == 2
    assert "--select loo has no answer where one row alone is of its kind" in done.stderr
