"""Lambda by the labelled rows of another file: what evaluate says of a fit at every lambda; refusals."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest

LAMBDAS = [30.0, 3.0, 0.3]
SELECT = ("--select", "holdout", "--holdout", "valid.csv")
FEATURES = "x,z,town"
CASES = {
    "gaussian": ("number", "mse", ()),
    "raw": ("number", "mse", ("--no-standardize", "--no-intercept")),
    "lasso": ("number", "mse", ("--l1-ratio", "1")),
    "elastic net": ("number", "rmse", ("--l1-ratio", "0.5", "--metric", "rmse")),
    "relaxed": ("number", "mae", ("--l1-ratio", "1", "--relax-gamma", "0.4", "--metric", "mae")),
    "bounds": ("number", "r2", ("--bounds", "x=0:0.5", "--metric", "r2")),
    "group lasso": ("number", "mse", ("--groups", "dummies")),
    "factors": ("number", "mse", ("--penalty-factor", "x=0,town=2")),
    "mean scale": ("number", "mse", ("--lambda-scale", "mean")),
    "weights": ("number", "mse", ("--weights", "w")),
    "weights, offset": ("number", "mse", ("--weights", "w", "--offset", "o")),
    "drop": ("number", "mse", ("--missing", "drop")),
    "indicator": ("number", "mse", ("--missing", "indicator")),
    "treatment": ("number", "mse", ("--coding", "treatment")),
    "products": ("number", "mse", ("--interactions", "x:z,x:town")),
    "dates": ("number", "mse", ("-x", "when", "--dates")),
    "binomial": ("label", "deviance", ("--positive", "no")),
    "auc": ("label", "auc", ("--metric", "auc")),
    "brier": ("label", "brier", ("--metric", "brier", "--weights", "w", "--l1-ratio", "1")),
    "multinomial": ("labels", "deviance", ()),
    "accuracy": ("labels", "accuracy", ("--metric", "accuracy")),
    "poisson": ("count", "deviance", ("--family", "poisson", "--exposure", "e")),
    "gamma": ("size", "deviance", ("--family", "gamma", "--offset", "o")),
    "tweedie": ("claim", "deviance", ("--family", "tweedie", "--tweedie-power", "1.3", "--weights", "w")),
}


def rows(n, seed):
    """Return the columns of n rows; some cells of x, town and the targets are missing, some weights 0."""
    rng = np.random.default_rng(seed)
    x, z = rng.normal(3.0, 2.0, n), rng.normal(size=n)
    town = rng.choice(["Bonn", "Kiel", "Ulm"], n)
    eta = 0.4 * (x - 3.0) - 0.3 * z + 0.5 * (town == "Ulm")
    noisy = eta + rng.normal(size=n)
    columns = {
        "x": x.round(4), "z": z.round(4), "town": town,
        "when": [f"2024-{1 + i % 12:02d}-{1 + i % 28:02d}" for i in range(n)],
        "w": rng.integers(0, 4, n), "o": (0.3 * rng.normal(size=n)).round(4),
        "e": rng.uniform(0.5, 2.0, n).round(4), "number": noisy.round(4),
        "label": np.where(noisy > 0.0, "yes", "no"),
        "labels": np.array(["a", "b", "c"])[np.digitize(noisy, [-0.5, 0.8])],
        "count": rng.poisson(np.exp(eta)), "size": (np.exp(eta) * rng.gamma(2.0, size=n) + 0.01).round(4),
        "claim": (rng.poisson(np.exp(eta)) * rng.gamma(2.0, size=n)).round(4),
    }  # fmt: skip
    text = {name: [str(cell) for cell in values] for name, values in columns.items()}
    for name in ("x", "town"):
        for i in np.flatnonzero(rng.random(n) < 0.1):
            text[name][i] = ""
    for name in ("number", "label", "labels", "count", "size", "claim"):
        text[name][5] = ""
    return text


def write(path, columns):
    lines = [",".join(columns), *(",".join(row) for row in zip(*columns.values(), strict=True))]
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture
def files(tmp_path):
    """Write train.csv, and valid.csv with its columns in another order and one more."""
    write(tmp_path / "train.csv", rows(90, 1))
    other = rows(40, 2)
    valid = {name: other[name] for name in sorted(other, key=lambda name: name[::-1])}
    write(tmp_path / "valid.csv", {"more": ["?"] * 40, **valid})
    return tmp_path


def words_of(target, options):
    return ["train.csv", "-t", target, *(() if "-x" in options else ("-x", FEATURES)), *options]


@pytest.mark.parametrize(
    ("case", "rule"),
    [(case, rule) for case in CASES for rule in ("min", "1se") if (case, rule) != ("auc", "1se")],
)
def test_the_curve_is_what_evaluate_says_of_the_fit_to_all_rows(quick_json, files, case, rule):
    target, metric, options = CASES[case]
    words = words_of(target, options)
    grid = ("--lambdas", ",".join(map(str, LAMBDAS)))
    found = quick_json("fit", *words, *SELECT, *grid, "--rule", rule)
    choice, plain = found["lambda"], {}
    without = [word for word in words if word not in ("--metric", metric)]
    for lam in LAMBDAS:
        fit = quick_json("fit", *without, "--lambda", str(lam), "--save", "m.json")
        score = quick_json("evaluate", "m.json", "valid.csv")
        plain[lam] = fit, score
    expected = [plain[lam][1]["metrics"][metric] for lam in LAMBDAS]
    assert found["selection"]["values"] == pytest.approx(expected, rel=1e-9)
    assert found["selection"]["lambdas"] == LAMBDAS
    up = metric in ("auc", "r2", "accuracy")
    best = int(np.argmax(expected) if up else np.argmin(expected))
    if rule == "1se":
        limit = abs(found["selection"]["se"][best])
        best = min(i for i in range(3) if abs(expected[i] - expected[best]) <= limit)
    assert choice["value"] == LAMBDAS[best]
    assert choice["selected_by"] == found["selection"]["method"] == "holdout"
    fit, score = plain[choice["value"]]
    assert found["metrics"]["validation"] == pytest.approx(score["metrics"], rel=1e-9)
    assert found["metrics"]["train"] == pytest.approx(fit["metrics"]["train"], rel=1e-9)
    for table in ("classes", "coefficients"):
        if table in fit:
            assert [row["coef"] for row in coefficients(found)] == pytest.approx(
                [row["coef"] for row in coefficients(fit)], rel=1e-7, abs=1e-9
            )
    other = found["data"]["holdout"]
    assert found["settings"]["holdout"] == other["source"] == "valid.csv"
    for key in ("rows_read", "rows_used", "weight_sum"):
        assert other[key] == pytest.approx(score["data"][key])
    assert other["drift"] == score["drift"]
    told = [f"valid.csv: {note}" for note in score["data"]["notes"]]
    assert set(told) <= set(found["data"]["notes"])
    assert [w["message"] for w in found["warnings"]][: len(score["warnings"])] == [
        f"valid.csv: {w['message']}" for w in score["warnings"]
    ]


def coefficients(fit):
    """Return the coefficients of a fit, those of all classes one after the other."""
    return [row for part in fit.get("classes") or [fit] for row in part["coefficients"]]


def test_several_targets_each_have_a_lambda_by_their_own_error(quick_json, files):
    words = ["train.csv", "-t", "number,size", "-x", FEATURES]
    found = quick_json("fit", *words, *SELECT, "--lambdas", "30,3,0.3")
    for part in found["targets"]:
        values = []
        for lam in LAMBDAS:
            quick_json("fit", *words, "--lambda", str(lam), "--save", "m.json")
            score = quick_json("evaluate", "m.json", "valid.csv")
            values.append(
                next(t["metrics"]["mse"] for t in score["targets"] if t["target"] == part["target"])
            )
        assert part["selection"]["values"] == pytest.approx(values, rel=1e-9)
        assert part["lambda"]["value"] == LAMBDAS[int(np.argmin(values))]
    assert found["data"]["holdout"]["rows_used"] == 39


def test_an_automatic_grid_is_that_of_all_rows_and_a_note_says_who_is_fitted(quick, files):
    done = quick("fit", *words_of("number", ()), *SELECT, "--json", "--save", "m.json")
    found = json.loads(done.stdout)
    path = json.loads(quick("path", *words_of("number", ()), "--json", "-q").stdout)
    assert set(path["lambdas"]) <= set(found["selection"]["lambdas"])
    told = "lambda by the error of 39 rows of valid.csv, which take no part in the fit"
    assert f"l2cli: note: {told}\n" in done.stderr
    assert "l2cli: note: valid.csv: 1 row without a target left out\n" in done.stderr
    assert found["data"]["rows_used"] == 89
    assert json.loads((files / "m.json").read_text())["settings"]["holdout"] == "valid.csv"
    screen = quick("fit", *words_of("number", ()), *SELECT).stdout
    assert "lambda by the rows of valid.csv over " in screen
    assert "(the rows of valid.csv)" in screen


def test_a_level_that_training_never_saw(quick, quick_json, files):
    columns = rows(40, 2)
    columns["town"][3] = "Oslo"
    write(files / "valid.csv", columns)
    words = [*words_of("number", ()), *SELECT, "--lambdas", "30,3,0.3"]
    done = quick("fit", *words)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith(
        "l2cli: error: valid.csv line 5: column 'town' has level 'Oslo', which the model has not seen"
    )
    assert "--unseen baseline counts such levels as 0, --unseen missing as missing" in done.stderr
    for rule in ("baseline", "missing"):
        found = quick_json("fit", *words, "--unseen", rule)
        quick_json("fit", *words_of("number", ()), "--lambda", "3", "--save", "m.json")
        score = quick_json("evaluate", "m.json", "valid.csv", "--unseen", rule)
        assert found["selection"]["values"][1] == pytest.approx(score["metrics"]["mse"], rel=1e-9)
        assert found["data"]["holdout"]["drift"] == score["drift"]
        assert "valid.csv: 1 feature unlike the training data: town" in [
            warning["message"] for warning in found["warnings"]
        ]


@pytest.mark.parametrize("form", ["gzip", "semicolon", "parts", "parquet", "stdin"])
def test_the_file_is_read_like_any_other(run, quick_json, files, form):
    words = ["fit", *words_of("number", ()), "--select", "holdout", "--lambdas", "30,3,0.3"]
    expected = quick_json(*words, "--holdout", "valid.csv")["selection"]["values"]
    text, name = (files / "valid.csv").read_text(), "other"
    if form == "gzip":
        (files / name).write_bytes(gzip.compress(text.encode()))
    elif form == "semicolon":
        (files / name).write_text(text.replace(",", ";"))
    elif form == "parts":
        (files / name).mkdir()
        header, *lines = text.splitlines()
        for part, some in (("p1.csv", lines[:15]), ("p2.csv", lines[15:])):
            (files / name / part).write_text("\n".join([header, *some]) + "\n")
    elif form == "parquet":
        import pandas as pd

        pd.read_csv(files / "valid.csv").to_parquet(files / name)
    else:
        done = run(*words, "--holdout", "-", "--json", "-q", input=text)
        found = json.loads(done.stdout)
        assert found["settings"]["holdout"] == found["data"]["holdout"]["source"] == "-"
        assert found["selection"]["values"] == pytest.approx(expected, rel=1e-12)
        return
    assert quick_json(*words, "--holdout", name)["selection"]["values"] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("how", ["0.25", "valid.csv"])
def test_rows_to_judge_by_say_the_way(quick_json, files, how):
    words = ["fit", *words_of("number", ()), "--lambdas", "30,3,0.3", "--holdout", how]
    alone = quick_json(*words)
    assert alone["settings"]["select"] == alone["selection"]["method"] == "holdout"
    for way in ("holdout", "auto"):
        assert alone | {"timing": 0} == quick_json(*words, "--select", way) | {"timing": 0}


def test_a_folder_called_like_a_number_is_a_path_and_a_part_stays_a_part(quick_json, files):
    (files / "2024").mkdir()
    (files / "2024" / "v.csv").write_text((files / "valid.csv").read_text())
    words = ["fit", *words_of("number", ()), "--select", "holdout", "--lambdas", "30,3,0.3"]
    assert quick_json(*words, "--holdout", "2024")["data"]["holdout"]["rows_read"] == 40
    (files / "0.25").write_text("nothing")
    found = quick_json(*words, "--holdout", "0.25")
    assert found["settings"]["holdout"] == 0.25
    assert "holdout" not in found["data"]


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        ({"number": None}, 3, "valid.csv: no column 'number', the target of the model; only labelled rows"),
        ({"x": None}, 3, "valid.csv: no column 'x', which the model needs"),
        ({"x": "many"}, 3, "valid.csv line 2: 'many' in column 'x' is not a number"),
        ({"number": ""}, 3, "valid.csv: target 'number' has no value in any row"),
        ({"w": "0"}, 3, "valid.csv: all weights in column 'w' are 0"),
        ({"w": "-1"}, 3, "valid.csv line 2: -1 in the weights column 'w', which needs numbers of 0 or more"),
        ({"o": None}, 3, "valid.csv: no column 'o', the offset that the model needs"),
        ({"number": "1e200"}, 3, "valid.csv line 2: the value in column 'number' is beyond 1e+75"),
        ({"x": "1e200"}, 1, "the mse of the held-out rows is not a finite number at any lambda"),
    ],
)
def test_what_cannot_be_judged_by_is_one_line(quick, files, change, status, message):
    columns = rows(40, 2)
    for name, cell in change.items():
        columns[name] = [cell] * 40
        if cell is None:
            del columns[name]
    write(files / "valid.csv", columns)
    done = quick("fit", *words_of("number", ("--weights", "w", "--offset", "o")), *SELECT)
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.startswith(f"l2cli: error: {message}")
    assert done.stderr.count("\n") == 1


def test_a_size_of_0_is_refused_where_every_row_has_it(quick, files):
    columns = rows(40, 2)
    columns["size"] = ["0"] * 40
    write(files / "valid.csv", columns)
    done = quick("fit", *words_of("size", ("--family", "gamma")), *SELECT)
    assert (done.returncode, done.stdout) == (3, "")
    message = "valid.csv line 2: 0 in the target 'size', and gamma needs numbers above 0; mend the cell"
    assert done.stderr.startswith(f"l2cli: error: {message}")


@pytest.mark.parametrize(("target", "cell"), [("label", "yes"), ("labels", "b")])
def test_rows_of_one_class_judge_nothing_and_a_new_class_is_refused(quick, files, target, cell):
    for text, status, message in (
        (cell, 1, "only one class is among the rows of --holdout"),
        ("new", 3, f"valid.csv line 2: label 'new' in column '{target}' is none of the model's classes"),
    ):
        columns = rows(40, 2)
        columns[target] = [text] * 40
        write(files / "valid.csv", columns)
        done = quick("fit", *words_of(target, ()), *SELECT)
        assert (done.returncode, done.stdout) == (status, "")
        assert done.stderr.startswith(f"l2cli: error: {message}")


def test_a_model_weighted_in_training_judges_unweighted_rows_alike(quick, files):
    columns = rows(40, 2)
    del columns["w"]
    write(files / "valid.csv", columns)
    done = quick("fit", *words_of("number", ("--weights", "w")), *SELECT, "--json")
    assert json.loads(done.stdout)["data"]["holdout"]["weight_sum"] == 39.0
    assert "valid.csv: no column 'w', the weights in training: every row counts alike" in done.stderr


def test_rows_that_are_fitted_are_not_unseen(quick, files):
    for name, target in (("copy.csv", files / "train.csv"), ("link.csv", None)):
        if target is None:
            (files / name).hardlink_to(files / "train.csv")
        else:
            (files / name).write_bytes(target.read_bytes())
    words = ["fit", *words_of("number", ()), "--select", "holdout", "--holdout"]
    done = quick(*words, "link.csv")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("l2cli: error: --holdout link.csv is also DATA")
    done = quick(*words, "copy.csv", "--strict", "-q")
    assert done.returncode == 4
    assert done.stderr == (
        "l2cli: warning: copy.csv: the very rows that the model is fitted to:"
        " their error is no error of unseen rows\n"
    )
    (files / "parts").mkdir()
    for part in ("a.csv", "b.csv"):
        (files / "parts" / part).write_bytes((files / "train.csv").read_bytes())
    done = quick("fit", "parts", "-t", "number", "--select", "holdout", "--holdout", "parts/b.csv")
    assert done.returncode == 2
    assert done.stderr.startswith("l2cli: error: --holdout parts/b.csv is also DATA")


def test_groups_are_for_the_bootstrap_alone(quick, quick_json, files):
    words = ["fit", *words_of("number", ()), *SELECT, "--group-column", "when", "--lambdas", "30,3"]
    done = quick(*words)
    assert done.returncode == 2
    assert "--select holdout has no folds, so --group-column when has nothing to do" in done.stderr
    found = quick_json(*words, "--inference", "bootstrap", "--jobs", "1")
    assert found["inference"]["method"] == "whole fits to resampled groups of rows"
    assert set(found["inference"]["lambda_range"]) <= {3.0, 30.0}


def test_output_must_not_be_the_file(quick, files):
    done = quick("fit", *words_of("number", ()), *SELECT, "-o", "valid.csv", "-f", "csv")
    assert done.returncode == 2
    assert done.stderr.startswith("l2cli: error: --output valid.csv is also the input valid.csv")


@pytest.mark.parametrize("how", ["valid.csv", "0.3"])
def test_explain_has_both_penalties_judged_by_the_same_rows(quick_json, files, how):
    words = ["train.csv", "-t", "number", "-x", FEATURES, "--select", "holdout", "--holdout", how]
    found = quick_json("explain", *words)
    plain = quick_json("fit", *words)
    assert found["lambda"]["value"] == plain["lambda"]["value"]
    assert found["metrics"]["validation"] == pytest.approx(plain["metrics"]["validation"])
    lasso = quick_json("fit", *words, "--l1-ratio", "1")
    assert found["beside"]["selected_by"] == "holdout"
    assert found["beside"]["lambda"] == pytest.approx(lasso["lambda"]["value"])
    assert found["beside"]["validation"] == pytest.approx(lasso["metrics"]["validation"])
