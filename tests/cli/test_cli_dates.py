"""Dates and interactions from the file to the prediction: every command of a model understands them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import numpy as np
import pytest


@pytest.fixture
def sales(tmp_path):
    """Write a file of sales, and the same with American dates, columns turned round; gaps in both."""
    rng = np.random.default_rng(1)
    lines, american = ["when,store,area,units"], ["area,units,more,store,when"]
    for i in range(120):
        when = datetime(2023, 11, 1) + timedelta(hours=int(rng.integers(0, 7000)))
        store, area = "abc"[rng.integers(3)], rng.normal(50.0, 10.0)
        slope = {"a": 0.1, "b": 0.3, "c": 0.2}[store]
        units = 20 + when.month + 0.2 * when.hour + slope * area + rng.normal()
        size, day = ("" if i % 31 == 3 else f"{area:.2f}"), ("" if i % 41 == 7 else str(when))
        lines.append(f"{day},{store},{size},{units:.2f}")
        spelled = f"{when:%m/%d/%Y %I:%M %p}" if day else ""
        american.append(f"{size},{units:.2f},x,{store},{spelled}")
    (tmp_path / "sales.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "us.csv").write_text("\n".join(american) + "\n")
    return "sales.csv"


ASKED = ("--dates", "--interactions", "area:store,when.hour:when.month")
PARTS = ["when.year", "when.month", "when.weekday", "when.hour"]
STORES = ["store=a", "store=b", "store=c"]
FEATURES = [*PARTS, *STORES, "area", *(f"area:{store}" for store in STORES), "when.hour:when.month"]


@pytest.mark.parametrize("command", ["fit", "cv", "path", "compare"])
def test_every_command_that_fits_takes_them(quick_json, sales, command):
    more = ["--folds", "3", "--lambdas", "1,10"] if command in ("cv", "compare") else ["--lambdas", "1,10"]
    assert quick_json(command, sales, *ASKED, *more)["data"]["features"] == FEATURES


def test_notes_say_what_became_of_dates(quick, sales):
    left_out = quick("fit", sales, "--lambda", "1").stderr
    assert (
        "note: left out as dates: 'when' (--dates makes year, month, weekday and hour of them)\n" in left_out
    )
    made = quick("fit", sales, "--lambda", "1", "--dates").stderr
    assert "when 3, area 4" in made
    assert "left out" not in made


def test_a_saved_model_reads_other_files_alike(quick, quick_json, sales, tmp_path):
    assert quick("fit", sales, *ASKED, "--lambda", "1", "--save", "model.json", "-q").returncode == 0
    same = quick("predict", "model.json", sales).stdout
    assert same == quick("predict", "model.json", "us.csv").stdout
    assert len(same.splitlines()) == 121
    fitted = quick_json("fit", sales, *ASKED, "--lambda", "1")
    judged = quick_json("evaluate", "model.json", "us.csv")
    assert judged["metrics"]["rmse"] == pytest.approx(fitted["metrics"]["train"]["rmse"], rel=1e-12)
    assert judged["data"]["features"] == FEATURES
    assert judged["drift"] == []
    model = json.loads((tmp_path / "model.json").read_text())
    assert model["features"][1]["date"] == {"column": "when", "part": "month", "order": None}
    assert model["interactions"][1]["factors"] == [["when.hour", "when.month"]]


def test_parquet_says_the_same_as_csv(quick_json, sales, tmp_path):
    import pandas as pd

    frame = pd.read_csv(tmp_path / sales, parse_dates=["when"])
    frame.to_parquet(tmp_path / "sales.parquet")
    text = quick_json("fit", sales, *ASKED, "--lambda", "1")
    binary = quick_json("fit", "sales.parquet", *ASKED, "--lambda", "1")
    assert binary["coefficients"] == text["coefficients"]
    plain = quick_json("fit", "sales.parquet", "--lambda", "1")["data"]
    assert plain["notes"][0].startswith("left out as dates: 'when'")


@pytest.mark.parametrize(
    ("words", "status", "found"),
    [
        (("--interactions", "area"), 2, "error: --interactions 'area' names no two columns; write a:b"),
        (("--interactions", "aera:store"), 2, "error: sales.csv: no column 'aera'; did you mean 'area'?"),
        (("-x", "when.month"), 2, "error: sales.csv: no column 'when.month'; --dates makes it of 'when'"),
        (("-x", "when"), 2, "error: sales.csv: column 'when' holds dates; --dates makes year, month"),
        (("--dates", "--missing", "error"), 3, "error: sales.csv line 5: no value in column 'area'"),
        (("--dates", "-x", "when", "--missing", "error"), 3, "line 9: no value in column 'when'"),
    ],
)
def test_errors(quick, sales, words, status, found):
    done = quick("fit", sales, *words)
    assert done.returncode == status
    assert found in done.stderr


def test_a_stray_cell_ends_with_its_line(quick, sales, tmp_path):
    text = (tmp_path / sales).read_text().replace("2024-0", "2024-O", 1)
    (tmp_path / "stray.csv").write_text(text)
    line = next(i for i, row in enumerate(text.splitlines(), 1) if "2024-O" in row)
    done = quick("fit", "stray.csv", "--dates")
    assert done.returncode == 3
    assert f"l2cli: error: stray.csv line {line}: '2024-O" in done.stderr
