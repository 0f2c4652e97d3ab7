"""Folds in time order from the command line and the library: files in any order, formats, and refusals."""

from __future__ import annotations

import datetime as dt
import json
import math

import numpy as np
import pytest

import l2cli
from l2cli.errors import UsageError

NAMES = ("when", "at", "kind", "a", "b", "y", "label", "count")
COMMANDS = ("fit", "cv", "compare", "explain", "tradeoff")


def rows(n=180):
    rng = np.random.default_rng(5)
    first = dt.datetime(2023, 12, 1, 7)
    for i in range(n):
        a, b = rng.normal(size=2)
        when, kind = first + dt.timedelta(hours=12 * i), "uvw"[int(rng.integers(3))]
        y = 1.0 + 2.0 * a - b + rng.normal() + 0.01 * i
        cells = (f"{a:.6f}", f"{b:.6f}", f"{y:.6f}", "yes" if y > 2 else "no", str(int(abs(y))))
        yield (when.isoformat(sep=" "), str(i), kind, *cells)


@pytest.fixture
def written(tmp_path):
    """The rows in time order, shuffled, with dates written otherwise, and as Parquet."""
    ordered = list(rows())
    shuffled = [ordered[i] for i in np.random.default_rng(0).permutation(len(ordered))]

    def write(name, lines):
        (tmp_path / name).write_text("\n".join(",".join(line) for line in [NAMES, *lines]) + "\n")

    write("sorted.csv", ordered)
    write("shuffled.csv", shuffled)
    moments = [dt.datetime.fromisoformat(line[0]) for line in shuffled]
    write(
        "written.csv",
        [(f"{m:%d.%m.%Y %I:%M %p}", *line[1:]) for m, line in zip(moments, shuffled, strict=True)],
    )
    write(
        "zoned.csv",
        [(f"{m:%Y-%m-%dT%H:%M}+01:00", *line[1:]) for m, line in zip(moments, shuffled, strict=True)],
    )
    import pyarrow as pa
    from pyarrow import parquet

    columns = dict(zip(NAMES, zip(*shuffled, strict=True), strict=True))
    numbers = {name: [float(v) for v in columns[name]] for name in ("at", "a", "b", "y", "count")}
    table = {**columns, **numbers, "when": moments}
    parquet.write_table(pa.table({name: table[name] for name in NAMES}), tmp_path / "table.parquet")
    return tmp_path


def close(a, b):
    """Return True where two results say the same but for the last digits of the order of rows."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(close(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(close(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, float) and isinstance(b, float | int):
        return math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-9)
    return a == b


def result(run, command, name, *words):
    out = run(command, name, "-t", "y", "--drop", "at,label,count", *words, "--json", "--quiet")
    assert out.returncode == 0, out.stderr
    return json.loads(out.stdout)


@pytest.mark.parametrize("name", ["shuffled.csv", "written.csv", "zoned.csv", "table.parquet"])
def test_the_order_and_the_format_of_the_file_change_nothing(written, run, name):
    words = ("--time-column", "when", "--gap", "36h", "--folds", "5", "--nested")
    first, other = (result(run, "cv", file, *words) for file in ("sorted.csv", name))
    keys = ("lambdas", "mean", "se", "fold_losses", "fold_sizes", "lambda_set", "best", "nested", "folds")
    assert close({key: first[key] for key in keys}, {key: other[key] for key in keys})
    assert first["folds"] == {
        "kind": "time", "k": 5, "repeats": 1, "stratified": False, "training_sizes": [27, 57, 87, 117, 147],
    }  # fmt: skip
    assert (first["settings"]["time_column"], first["settings"]["gap"]) == ("when", "36h")
    assert first["data"]["features"] == ["kind=u", "kind=v", "kind=w", "a", "b"]
    assert first["stability"] is None


def test_dates_and_numbers_of_the_same_order_give_the_same_folds(written, run):
    dates = result(run, "cv", "shuffled.csv", "--time-column", "when", "--gap", "3")
    out = run(
        "cv",
        "shuffled.csv",
        "-t",
        "y",
        "--drop",
        "when,label,count",
        "--time-column",
        "at",
        "--gap",
        "3",
        "--json",
        "-q",
    )
    numbers = json.loads(out.stdout)
    assert numbers["fold_losses"] == dates["fold_losses"]
    assert (numbers["settings"]["gap"], numbers["settings"]["time_column"]) == (3, "at")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_with_folds_has_them_in_time_order(written, run, command):
    found = result(run, command, "shuffled.csv", "--time-column", "when", "--gap", "2d", "--folds", "4")
    assert found["settings"]["time_column"] == "when"
    assert found["settings"]["folds"] == 4
    if command in ("fit", "explain"):
        assert found["lambda"]["selected_by"] == found["selection"]["method"] == "cv"
        cv = result(run, "cv", "sorted.csv", "--time-column", "when", "--gap", "2d", "--folds", "4")
        assert found["lambda"]["value"] == pytest.approx(cv["lambda_min"], rel=1e-6)
        assert close(found["metrics"]["validation"], cv["metrics_min"])
    else:
        assert found["folds"]["kind"] == "time"


def test_fit_means_cross_validation_and_says_so(written, run):
    out = run("fit", "sorted.csv", "-t", "y", "--drop", "at,label,count", "--time-column", "when")
    assert "lambda by 10-fold cross-validation in time order over" in out.stdout
    assert "(10-fold cross-validation in time order)" in out.stdout
    cv = run("cv", "sorted.csv", "-t", "y", "--drop", "at,label,count", "--time-column", "when", "--gap", "1")
    assert "gaussian, L2; 10 time-ordered folds, gap of 1 row\n" in cv.stdout
    cv = run(
        "cv", "sorted.csv", "-t", "y", "--drop", "at,label,count", "--time-column", "when", "--gap", "10d"
    )
    assert "gaussian, L2; 7 time-ordered folds, gap 10d\n" in cv.stdout
    assert "7 folds instead of 10: there are no more blocks of different times" in cv.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--gap 7d", "--gap leaves rows out before later ones, so it needs --time-column; give the column"),
        (
            "--time-column when --gap 7x",
            "--gap '7x' is no gap; give a number of rows, or a time as 7d, 12h, 30min",
        ),
        (
            "--time-column when --repeats 2",
            "--time-column puts the folds in order, so --repeats has nothing to do",
        ),
        ("--time-column when --group-column kind", "so --group-column has nothing to do; drop one"),
        (
            "--time-column when --fold-column kind",
            "--fold-column gives the folds, so --time-column has nothing to",
        ),
        ("--time-column when --gap 30 -k 5", "--gap 30 leaves the first of 5 time-ordered folds nothing"),
        (
            "--time-column when -k 200",
            "200 time-ordered folds need 201 different times, and column 'when' has 180",
        ),
        ("--time-column y", "sorted.csv: column 'y' is both the target and the time column"),
        ("--time-column none", "sorted.csv: no column 'none'"),
        ("--time-column at --gap 7d", "the time column 'at' holds numbers; give the gap as a number of rows"),
    ],
)
def test_what_makes_no_sense_is_refused(written, run, words, message):
    out = run("cv", "sorted.csv", "-t", "y", "--drop", "label,count", *words.split(), "--quiet")
    assert out.returncode == 2
    [line] = out.stderr.splitlines()
    assert line.startswith("l2cli: error: ")
    assert message in line


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("--folds 5 --gap 12", "give --folds 2 or a shorter --gap"),
        ("--folds 5 --gap 29", "give a shorter --gap"),
        ("--folds 2 --gap 59", "give a shorter --gap"),
        ("--time-column third", "it takes a time column of more different times"),
    ],
)
def test_too_few_rows_to_tune_lambda_on_say_what_helps(written, run, words, hint):
    head, *lines = (written / "sorted.csv").read_text().splitlines()
    text = [f"{head},third", *(f"{line},{i // 60}" for i, line in enumerate(lines))]
    (written / "thirds.csv").write_text("\n".join(text) + "\n")
    columns = ("-t", "y", "-x", "a,b", "--time-column", "when")
    out = run("cv", "thirds.csv", *columns[: 6 - 2 * ("third" in words)], *words.split(), "--nested", "-q")
    assert out.returncode == 2
    assert "cannot be cut into blocks to tune lambda on" in out.stderr
    assert out.stderr.endswith(f"; {hint}\n")


@pytest.mark.parametrize("select", ["loo", "gcv", "evidence", "holdout --holdout 0.2"])
def test_other_ways_to_choose_have_no_folds(written, run, select):
    out = run("fit", "sorted.csv", "-t", "y", "--time-column", "when", "--select", *select.split(), "--quiet")
    assert out.returncode == 2
    assert f"--select {select.split()[0]} has no folds, so --time-column when has nothing to do" in out.stderr
    assert ("give the last rows as a file, --holdout FILE" in out.stderr) == ("holdout" in select)


def test_a_given_lambda_and_a_simulation_leave_nothing_to_order(written, run):
    out = run("fit", "sorted.csv", "-t", "y", "--time-column", "when", "--lambda", "1", "--quiet")
    assert (out.returncode, "fixes lambda, so --time-column has nothing to do" in out.stderr) == (2, True)
    out = run("tradeoff", "sorted.csv", "-t", "y", "--time-column", "when", "--simulate", "--quiet")
    assert (out.returncode, "so --time-column has nothing to do" in out.stderr) == (2, True)


def test_cells_that_are_no_times_are_data_errors(written, run):
    text = (written / "sorted.csv").read_text().splitlines()
    text[5] = "soon" + text[5][text[5].index(",") :]
    (written / "bad.csv").write_text("\n".join(text) + "\n")
    out = run("cv", "bad.csv", "-t", "y", "--time-column", "when", "--quiet")
    assert out.returncode == 3
    assert "bad.csv line 6: 'soon' in the time column 'when' is neither a number nor a date" in out.stderr
    text[5] = text[5][4:]
    (written / "bad.csv").write_text("\n".join(text) + "\n")
    out = run("cv", "bad.csv", "-t", "y", "--time-column", "when", "--quiet")
    assert out.returncode == 3
    assert "bad.csv line 6: no value in the time column 'when'" in out.stderr


def test_a_model_of_rows_in_time_order_has_no_jackknife_intervals(written, run):
    drop = ("--drop", "at,label,count", "--quiet")
    assert (
        run("fit", "sorted.csv", "-t", "y", "--time-column", "when", *drop, "--save", "m.json").returncode
        == 0
    )
    out = run("predict", "m.json", "sorted.csv", "--interval", "0.9")
    assert out.returncode == 2
    assert (
        "in any order alike, and this one's are in time order; fit it again without --time-column"
        in out.stderr
    )
    assert run("predict", "m.json", "sorted.csv").returncode == 0


@pytest.mark.parametrize(
    "words",
    ["--family poisson -t count", "-t label", "-t kind", "-t y --l1-ratio 0.5,1", "-t y --groups dummies"],
)
def test_families_and_penalties_in_time_order(written, run, words):
    used = words.split()[words.split().index("-t") + 1]
    drop = ",".join(
        {"at", "y", "label", "count", "kind"} - {used, "kind"}
        if used != "kind"
        else {"at", "y", "label", "count"}
    )
    out = run(
        "cv",
        "shuffled.csv",
        *words.split(),
        "--drop",
        drop,
        "--time-column",
        "when",
        "-k",
        "4",
        "--json",
        "-q",
    )
    assert out.returncode == 0, out.stderr
    found = json.loads(out.stdout)
    assert found["folds"]["kind"] == "time"
    assert found["fold_kkt_max"] <= 1e-5
    assert found["best"]["method"] == "time blocks, t"


def test_bootstrap_chooses_lambda_in_time_order_in_every_resample(written, run):
    found = result(
        run,
        "fit",
        "shuffled.csv",
        "--time-column",
        "when",
        "-k",
        "4",
        "--inference",
        "bootstrap",
        "--l1-ratio",
        "1",
    )
    assert found["inference"]["resamples"] == 200


def test_the_library_has_the_same_folds(written, run):
    import pandas as pd

    frame = pd.read_csv(written / "shuffled.csv").drop(columns=["at", "label", "count"])
    shell = result(run, "cv", "shuffled.csv", "--time-column", "when", "--gap", "2d", "-k", "4")
    whole = l2cli.cv(frame, target="y", time_column="when", gap="2d", folds=4)
    assert whole.fold_losses.tolist() == shell["fold_losses"]
    apart = frame.drop(columns=["when"])
    moments = pd.to_datetime(frame["when"])
    for values in (frame["when"].to_numpy(), moments, moments.to_numpy(), moments.dt.tz_localize("UTC")):
        run_apart = l2cli.cv(apart, target="y", time_column=values, gap="2d", folds=4)
        assert run_apart.fold_losses.tolist() == shell["fold_losses"]
    X, order = apart[["a", "b"]].to_numpy(), np.argsort(np.argsort(frame["when"].to_numpy()))
    model = l2cli.fit(X, apart["y"], time_column=order, gap=2, folds=4)
    assert model.to_dict()["settings"]["gap"] == 2
    assert model.to_dict()["lambda"]["selected_by"] == "cv"
    found = l2cli.compare(X, apart["y"], models=["mean", "ridge"], time_column=order, folds=4)
    assert found.to_dict()["folds"]["kind"] == "time"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"gap": 3}, "gap leaves rows out before later ones, so it needs time_column"),
        (
            {"time_column": "t", "repeats": 2},
            "time_column puts the folds in order, so repeats has nothing to do",
        ),
        ({"time_column": "t", "groups": np.arange(30) % 5}, "so groups has nothing to do"),
        (
            {"time_column": "t", "fold_labels": np.arange(30) % 5},
            "fold_labels gives the folds, so time_column has",
        ),
        (
            {"time_column": "t", "select": "loo"},
            "select='loo' has no folds, so time_column has nothing to do",
        ),
        ({"time_column": "t", "holdout": 0.3}, "give the last rows as a table, holdout=later"),
        ({"time_column": "t", "lam": 1.0}, "lam fixes lambda, so time_column has nothing to do"),
        ({"time_column": "t", "gap": "soon"}, "'soon' is no gap"),
    ],
)
def test_the_library_refuses_what_contradicts(given, message):
    import pandas as pd

    frame = pd.DataFrame({"t": np.arange(30), "x": np.arange(30) % 7, "y": np.arange(30) % 11 * 1.5})
    with pytest.raises(UsageError) as refused:
        l2cli.fit(frame, target="y", **given)
    assert message in f"{refused.value}; {refused.value.hint}"
