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
        "method": "jackknife+", "rows": 60, "folds": None, "guaranteed": pytest.approx(0.8),
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


def counted(rows):
    """Add a column of counts and one of labels to the file."""
    text = (rows / "d.csv").read_text().splitlines()
    more = [f"{line},{i % 3},{'uv'[i % 2]}" for i, line in enumerate(text[1:])]
    (rows / "d.csv").write_text("\n".join([text[0] + ",n,c", *more]) + "\n")


@pytest.mark.parametrize(
    "words",
    [
        ("-t", "y", "--l1-ratio", "1"),
        ("-t", "y", "--bounds", "a=0:"),
        ("-t", "y", "--groups", "g=a,b"),
        ("-t", "y", "--l1-ratio", "1", "--relax-gamma", "0", "--lambda-scale", "mean"),
        ("-t", "n", "--family", "poisson"),
    ],
)
def test_a_lambda_given_was_judged_by_no_folds_and_cv_does_so(rows, quick, words):
    counted(rows)
    data = ("d.csv", "-x", "a,b", *words)
    assert quick("fit", *data, "--lambda", "0.3", "--save", "m.json", "--quiet").returncode == 0
    done = quick("predict", "m.json", "new.csv", "--interval", "0.8")
    assert (done.returncode, done.stdout) == (2, "")
    assert "the model keeps no intervals: no folds judged it" in done.stderr
    assert "fit it again with l2cli cv --save (--lambdas 0.3: at the same lambda)" in done.stderr
    assert quick("cv", *data, "--lambdas", "0.3", "--save", "m.json", "--quiet").returncode == 0
    done = quick("predict", "m.json", "new.csv", "--interval", "0.8")
    assert done.returncode == 0
    assert (
        "l2cli: note: intervals are CV+ of 10 folds: of new rows like those trained on they hold at least "
        "52.4 %, and nearly always about 80 %" in done.stderr
    )
    for line in done.stdout.splitlines()[1:]:
        center, low, high = map(float, line.split(","))
        assert low < center < high
        assert low >= 0.0 or words[1] == "y"


def test_classes_have_none(rows, quick):
    counted(rows)
    for target in ("c", "n"):
        words = ("-x", "a,b", "-t", target, "--categorical", "n" if target == "n" else "c")
        family = "binomial" if target == "c" else "multinomial"
        done = quick("cv", "d.csv", *words[:4], "--family", family, "--save", "m.json", "--quiet")
        assert done.returncode == 0
        done = quick("predict", "m.json", "new.csv", "--interval", "0.9")
        assert (done.returncode, done.stdout) == (2, "")
        assert f"--interval is for numbers, and this model is {family}; leave it out" in done.stderr


@pytest.mark.parametrize("select", ["loo", "evidence", "cv"])
def test_counts_have_ends_by_their_exposure(rows, quick, select):
    """Twice the exposure is twice the mean; ends move by less than that, and none is below 0."""
    lines = ["a,b,t,y"]
    rng = default_rng(1)
    for a, b, t in zip(*rng.normal(size=(2, 80)), rng.integers(1, 9, 80), strict=True):
        lines.append(f"{a!r},{b!r},{t},{rng.poisson(t * np.exp(0.3 * a))}")
    (rows / "n.csv").write_text("\n".join(lines).replace("np.float64(", "").replace(")", "") + "\n")
    (rows / "one.csv").write_text("a,b,t\n0.5,1,1\n0.5,1,2\n0.5,1,\n-9,1,1\n")
    words = ("-t", "y", "--exposure", "t", "--family", "poisson", "--select", select)
    assert quick("fit", "n.csv", *words, "--save", "m.json", "--quiet").returncode == 0
    done = quick("predict", "m.json", "one.csv", "--interval", "0.9", "--json")
    result = json.loads(done.stdout)
    assert result["settings"]["interval"] == {
        "method": "CV+", "rows": 80, "folds": 10, "guaranteed": pytest.approx(0.8 - 7.0 / 88.0),
    }  # fmt: skip
    one, two, gone, few = result["predictions"]
    assert two["prediction"] == pytest.approx(2.0 * one["prediction"])
    assert one["interval_high"] < two["interval_high"] < 2.0 * one["interval_high"]
    assert set(gone.values()) == {None}
    assert few["interval_low"] == 0.0 < few["prediction"] < few["interval_high"]


def test_rows_in_groups_are_left_out_by_the_group(rows, quick):
    text = (rows / "d.csv").read_text().splitlines()
    lines = [f"{line},{i % 12}" for i, line in enumerate(text[1:])]
    (rows / "d.csv").write_text("\n".join([text[0] + ",g", *lines]) + "\n")
    words = ("-t", "y", "--group-column", "g", "--folds", "4")
    assert quick("fit", "d.csv", *words, "--save", "m.json", "--quiet").returncode == 0
    done = quick("predict", "m.json", "new.csv", "--interval", "0.9", "--json")
    result = json.loads(done.stdout)
    assert result["settings"]["interval"] == {"method": "CV+", "rows": 60, "folds": 4, "guaranteed": None}
    note = "intervals are CV+ of 4 folds: about 90 % of the rows of new groups where there are many alike"
    assert note in result["data"]["notes"]


def test_models_of_older_versions_predict_and_say_that_they_have_none(rows, quick):
    assert quick("fit", "d.csv", "--save", "m.json", "--quiet").returncode == 0
    content = json.loads((rows / "m.json").read_text())
    del content["intervals"]
    content["checksum"] = checksum(content)
    (rows / "m.json").write_text(json.dumps(content))
    assert quick("predict", "m.json", "new.csv").returncode == 0
    done = quick("predict", "m.json", "new.csv", "--interval", "0.9")
    assert done.returncode == 2
    assert "the model keeps no intervals: no folds judged it, or an older version saved it" in done.stderr
    assert "fit it again with l2cli cv --save" in done.stderr


def test_several_targets_have_ends_each(rows, quick):
    assert quick("fit", "d.csv", "-t", "b,y", "--save", "m.json", "--quiet").returncode == 0
    lines = quick("predict", "m.json", "new.csv", "--interval", "0.8").stdout.splitlines()
    assert lines[0] == (
        "prediction_b,prediction_y,interval_low_b,interval_high_b,interval_low_y,interval_high_y"
    )
    cells = [float(cell) for cell in lines[1].split(",")]
    assert cells[2] < cells[0] < cells[3]
    assert cells[4] < cells[1] < cells[5]
