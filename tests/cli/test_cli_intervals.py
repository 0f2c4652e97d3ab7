"""``predict --interval``: two more columns, and one line where there are none."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from numpy.random import default_rng

import l2cli
from l2cli.models.model import checksum


@pytest.fixture
def rows(tmp_path):
    rng = default_rng(0)
    X = rng.normal(size=(60, 2))
    lines = [
        f"{a!r},{b!r},{a - b + e!r}"
        for a, b, e in zip(*X.T.tolist(), rng.normal(size=60).tolist(), strict=True)
    ]
    (tmp_path / "d.csv").write_text("\n".join(["a,b,y", *lines]) + "\n")
    (tmp_path / "new.csv").write_text("a,b\n0.5,1\n,2\n")
    return tmp_path


def test_predictions_gain_both_ends(rows, quick):
    assert quick("fit", "d.csv", "--save", "m.json", "--quiet").returncode == 0
    plain = quick("predict", "m.json", "new.csv").stdout.splitlines()
    lines = quick("predict", "m.json", "new.csv", "--interval", "0.9").stdout.splitlines()
    assert lines[0] == "prediction,interval_low,interval_high"
    table = np.array([[float(cell) for cell in line.split(",")] for line in lines[1:]])
    assert [line.split(",")[0] for line in lines] == plain
    frame = {"a": [0.5, np.nan], "b": [1.0, 2.0]}
    found = l2cli.predict(l2cli.load_model(rows / "m.json"), pd.DataFrame(frame), interval=0.9)
    assert np.column_stack(found).tolist() == table.tolist()
    assert np.all((table[:, 1] < table[:, 0]) & (table[:, 0] < table[:, 2]))
    result = json.loads(quick("predict", "m.json", "new.csv", "--interval", "0.9", "--json").stdout)
    assert result["level"] == 0.9
    assert result["settings"]["interval"] == {
        "method": "jackknife+", "rows": 60, "guaranteed": pytest.approx(0.8),
    }  # fmt: skip
    assert list(result["predictions"][0].values()) == table[0].tolist()


@pytest.mark.parametrize(
    ("level", "said"),
    [
        ("90", "--interval must be above 0 and below 1, not 90; --interval 0.9 is 90 %"),
        ("0", "--interval must be above 0 and below 1, not 0; 0.9 is usual"),
        ("x", "--interval needs a number, not 'x'"),
        (
            "0.99",
            "than the 60 that the model was judged on; the highest level they can give is 0.9836",
        ),
    ],
)
def test_levels_that_there_are_not(rows, quick, level, said):
    assert quick("fit", "d.csv", "--lambda", "1", "--save", "m.json", "--quiet").returncode == 0
    done = quick("predict", "m.json", "new.csv", "--interval", level)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert quick("predict", "m.json", "new.csv", "--interval", "0.9836").returncode == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--l1-ratio", "1"),
            "--interval is for L2 fits without bounds, and this is a model with an L1 part",
        ),
        (("--bounds", "a=0:"), "this is a model with bounds"),
        (("--groups", "g=a,b"), "this is a group lasso"),
        (
            ("-x", "a", "--family", "poisson", "-t", "n"),
            "gaussian models, and this one is poisson; leave it out",
        ),
    ],
)
def test_models_that_have_none(rows, quick, words, said):
    text = (rows / "d.csv").read_text().splitlines()
    counts = [f"{line},{i % 3}" for i, line in enumerate(text[1:])]
    (rows / "d.csv").write_text("\n".join([text[0] + ",n", *counts]) + "\n")
    target = () if "-t" in words else ("-t", "y", "--drop", "n")
    assert (
        quick("fit", "d.csv", *words, *target, "--lambda", "1", "--save", "m.json", "--quiet").returncode == 0
    )
    done = quick("predict", "m.json", "new.csv", "--interval", "0.9")
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_models_of_older_versions_predict_and_say_that_they_have_none(rows, quick):
    assert quick("fit", "d.csv", "--save", "m.json", "--quiet").returncode == 0
    content = json.loads((rows / "m.json").read_text())
    del content["intervals"]
    content["checksum"] = checksum(content)
    (rows / "m.json").write_text(json.dumps(content))
    assert quick("predict", "m.json", "new.csv").returncode == 0
    done = quick("predict", "m.json", "new.csv", "--interval", "0.9")
    assert done.returncode == 2
    assert "the model keeps no intervals: an older version saved it" in done.stderr
    assert "fit it again with this version" in done.stderr


def test_several_targets_have_ends_each(rows, quick):
    assert quick("fit", "d.csv", "-t", "b,y", "--save", "m.json", "--quiet").returncode == 0
    lines = quick("predict", "m.json", "new.csv", "--interval", "0.8").stdout.splitlines()
    assert lines[0] == (
        "prediction_b,prediction_y,interval_low_b,interval_high_b,interval_low_y,interval_high_y"
    )
    cells = [float(cell) for cell in lines[1].split(",")]
    assert cells[2] < cells[0] < cells[3]
    assert cells[4] < cells[1] < cells[5]
