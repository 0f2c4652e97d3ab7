"""Tables in parts: every command reads them as the one file that they make."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from l2cli.cli.columns import print_columns


@pytest.fixture
def parts(tmp_path, data):
    """Split ``data.csv`` into ``parts``, ten rows each, with what other tools leave beside."""
    folder = tmp_path / "parts"
    folder.mkdir()
    header, *rows = data.read_text().splitlines(keepends=True)
    for number in range(4):
        name = f"part-{number + 8}.csv"
        (folder / name).write_text("".join([header, *rows[10 * number : 10 * number + 10]]))
    (folder / "_SUCCESS").touch()
    (folder / ".part-8.csv.crc").write_bytes(b"crc\0")
    return folder


NOTE = "4 parts: parts/part-8.csv to parts/part-11.csv"
COMMANDS = {
    "fit": ("fit",),
    "fit by folds": ("fit", "--select", "cv", "--seed", "3"),
    "cv": ("cv", "--folds", "4"),
    "cv by a column": ("cv", "--fold-column", "c"),
    "path": ("path", "--lambdas", "1,0.1"),
    "compare": ("compare", "--models", "ridge,mean", "--folds", "4"),
    "convert": ("convert", "lambda=3"),
    "predict": ("predict", "model.json"),
    "evaluate": ("evaluate", "model.json"),
}


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("typed", ["parts", "parts/", "parts/part-*.csv", "**/part-*.csv"])
def test_every_command_answers_as_for_one_file(quick_json, quick, parts, words, typed):
    if "model.json" in words:
        assert quick("fit", "data.csv", "--save", "model.json", "-q").returncode == 0
    whole, apart = (quick_json(*words, source) for source in ("data.csv", typed))
    for answer in (whole, apart):
        for timed in (answer, answer.get("refit", {})):
            timed.pop("timing", None)
        for model in answer.get("models", ()):
            model.pop("fit_s")
    if "refit" in apart:
        assert apart["refit"].pop("data") == apart["data"]
        whole["refit"].pop("data")
    assert apart["data"].pop("source") == typed
    whole["data"].pop("source")
    note, *apart["data"]["notes"] = apart["data"]["notes"]
    assert note == NOTE.replace("parts/p", f"{typed.rstrip('/')}/p" if "*" not in typed else "parts/p")
    assert apart == whole


def test_parts_of_parquet(quick_json, tmp_path, data):
    (tmp_path / "parts").mkdir()
    table = pyarrow.csv.read_csv(data)
    pq.write_table(table, tmp_path / "data.parquet")
    for number, rows in enumerate((7, 33)):
        pq.write_table(table.slice(7 * number, rows), tmp_path / "parts" / f"{number}")
    whole, apart = (quick_json("cv", source, "--folds", "4") for source in ("data.parquet", "parts"))
    assert apart["mean"] == whole["mean"]
    assert apart["refit"]["coefficients"] == whole["refit"]["coefficients"]


def test_predictions_of_all_parts_are_in_order(quick, parts, tmp_path):
    assert quick("fit", "parts", "--save", "m.json", "-q", "--lambda", "1").returncode == 0
    whole = quick("predict", "m.json", "data.csv", "-q").stdout
    assert whole.count("\n") == 41
    assert quick("predict", "m.json", "parts/part-*", "-q").stdout == whole
    assert quick("predict", "m.json", "parts", "-o", "out.csv", "-q").returncode == 0
    assert (tmp_path / "out.csv").read_text() == whole
    assert json.loads((tmp_path / "m.json").read_text())["schema"] == "l2cli/model/1"


def test_what_the_user_sees(quick, parts):
    done = quick("fit", "parts/*.csv", "--lambda", "1")
    assert done.stdout.startswith("parts/*.csv: 40 rows, 3 features; target 'y' (last column")
    assert done.stderr.splitlines()[0] == f"l2cli: note: {NOTE}"


@pytest.mark.parametrize("typed", ["parts", "parts/*.csv"])
def test_an_output_that_is_a_part_is_refused(quick, parts, typed):
    before = (parts / "part-9.csv").read_bytes()
    for option in ("-o", "--save"):
        done = quick("fit", typed, option, "parts/part-9.csv")
        assert done.returncode == 2
        assert "parts/part-9.csv is also the input" in done.stderr
    assert (parts / "part-9.csv").read_bytes() == before


ERRORS = {
    "a cell": ("part-9.csv", "a,b,c,y\n1,2,3,4\n1,2,x\n", 3, "parts/part-9.csv line 3: 3 fields where"),
    "text in the target": (
        "part-10.csv",
        "a,b,c,y\n1,2,3,4\n1,2,1,none\n",
        3,
        "parts/part-10.csv line 3: 'none' in column 'y' is not a number",
    ),
    "columns": (
        "part-11.csv",
        "a,b,d,y\n1,2,3,4\n",
        3,
        "parts/part-11.csv: no column 'c', which parts/part-8.csv has, but column 'd'",
    ),
    "another file": (
        "readme.md",
        "# Sales\nby month, and shop\n",
        3,
        "parts/readme.md: no columns 'a', 'b', 'c' and 1 more, which parts/part-8.csv has",
    ),
}


@pytest.mark.parametrize(("name", "content", "status", "message"), ERRORS.values(), ids=ERRORS)
def test_errors_name_the_part_and_its_line(quick, parts, name, content, status, message):
    (parts / name).write_text(content)
    done = quick("fit", "parts", "--json", "-t", "y")
    assert done.returncode == status
    assert message in done.stderr
    assert message in json.loads(done.stdout)["error"]["message"]


def test_a_level_that_is_unseen_is_named_with_its_part(quick, tmp_path):
    (tmp_path / "train.csv").write_text("g,y\n" + "u,1\nv,2\nw,3\n" * 5)
    assert quick("fit", "train.csv", "--save", "m.json", "-q").returncode == 0
    (tmp_path / "p1.csv").write_text("g\nu\nv\n")
    (tmp_path / "p2.csv").write_text("g\nv\nnew\n")
    done = quick("predict", "m.json", "p?.csv")
    assert done.returncode == 3
    assert "p2.csv line 3: column 'g' has level 'new'" in done.stderr


def test_a_pattern_that_the_shell_expanded(quick, parts):
    done = quick("fit", "parts/part-8.csv", "parts/part-9.csv")
    assert done.returncode == 2
    assert done.stderr.strip() == (
        "l2cli: error: unexpected 'parts/part-9.csv' after the arguments; several files are one table as a"
        " folder or as a pattern in quotes, 'parts/*.csv'"
    )


def test_completion_knows_the_columns_of_parts(parts, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    for typed in ("parts", "parts/*.csv"):
        assert print_columns([typed]) == 0
        assert capfd.readouterr().out == "a\nb\nc\ny\n"
    (tmp_path / "empty").mkdir()
    for typed in ("empty", "none*", "none"):
        assert print_columns([typed]) == 0
        assert capfd.readouterr().out == ""


def test_an_absent_column_is_answered_with_those_of_the_file(quick, tmp_path):
    rows = "".join(f"{i % 5},{i % 7},{i % 3 + 1},{i}\n" for i in range(20))
    (tmp_path / "train.csv").write_text("age,income,size,y\n" + rows)
    assert quick("fit", "train.csv", "--save", "m.json", "-q").returncode == 0
    (tmp_path / "new.csv").write_text("Income,size,shop,age\n1,2,3,4\n")
    done = quick("predict", "m.json", "new.csv")
    assert done.returncode == 3
    assert done.stderr.strip() == (
        "l2cli: error: new.csv: no column 'income', which the model needs; did you mean 'Income'? (columns:"
        " Income, size, shop, age)"
    )
    done = quick("predict", "m.json", "new.csv", "--id", "shp")
    assert done.returncode == 2
    assert "no column 'shp'; did you mean 'shop'? (columns: Income, size, shop, age)" in done.stderr


def test_an_absent_exposure_is_answered_with_those_of_the_file(quick, tmp_path):
    rows = "".join(f"{i % 5},{i % 3 + 1},{i}\n" for i in range(20))
    (tmp_path / "train.csv").write_text("age,size,y\n" + rows)
    words = ("--exposure", "size", "--family", "poisson", "--lambda", "1")
    assert quick("fit", "train.csv", *words, "--save", "m.json", "-q").returncode == 0
    (tmp_path / "new.csv").write_text("age,sizes\n1,2\n")
    done = quick("predict", "m.json", "new.csv")
    assert done.returncode == 3
    assert done.stderr.strip() == (
        "l2cli: error: new.csv: no column 'size', the exposure that the model needs; did you mean 'sizes'?"
        " (columns: age, sizes)"
    )


def test_the_nearest_name_is_none_that_the_model_uses_itself(quick, tmp_path):
    (tmp_path / "train.csv").write_text("x1,x2,y\n" + "".join(f"{i},{i * i},{i}\n" for i in range(20)))
    assert quick("fit", "train.csv", "--save", "m.json", "-q").returncode == 0
    (tmp_path / "new.csv").write_text("x1,shop\n1,2\n")
    done = quick("predict", "m.json", "new.csv")
    assert done.stderr.strip().endswith("no column 'x2', which the model needs; columns: x1, shop")


def test_many_columns_are_listed_shortened(quick, tmp_path):
    (tmp_path / "train.csv").write_text("x,y\n" + "".join(f"{i % 6},{i}\n" for i in range(20)))
    assert quick("fit", "train.csv", "--save", "m.json", "-q").returncode == 0
    names = [f"column_{j}" for j in range(500)]
    (tmp_path / "new.csv").write_text(",".join(names) + "\n" + ",".join("1" for _ in names) + "\n")
    done = quick("evaluate", "m.json", "new.csv")
    assert "no column 'y', the target of the model" in done.stderr
    done = quick("predict", "m.json", "new.csv")
    assert done.stderr.strip().endswith("column_6, column_7, ... and 492 more")


def test_a_nested_column_of_parquet_can_be_dropped(quick, tmp_path):
    table = pa.table({"a": [float(i % 7) for i in range(30)], "y": list(range(30)), "d": [[1]] * 30})
    pq.write_table(table, tmp_path / "n.parquet")
    done = quick("fit", "n.parquet")
    assert done.returncode == 3
    assert done.stderr.strip() == (
        "l2cli: error: n.parquet: column 'd' holds nested values (list<element: int64>); leave it out with"
        " --drop 'd'"
    )
    done = quick("fit", "n.parquet", "--drop", "d", "--save", "m.json")
    assert done.returncode == 0
    assert done.stdout.startswith("n.parquet: 30 rows, 1 feature; target 'y'")
    assert quick("predict", "m.json", "n.parquet", "-q").returncode == 0
    assert quick("predict", "m.json", "n.parquet", "--id", "d").returncode == 3
