"""``l2cli inspect``: screens, formats, and a command that can be pasted into a shell."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys

import numpy as np
import pytest


def write(path, **columns):
    """Write columns as a CSV file."""
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


@pytest.fixture
def odd(tmp_path):
    """Write a file with one of everything: names that need quotes, columns that are left out."""
    rng, n = np.random.default_rng(0), 80
    a = rng.normal(size=n).round(3)
    columns = {
        "id": range(1, n + 1), "it's": [f"p{i}" for i in range(n)], "a,b": a, "gone": [""] * n, "-c": a**2,
        "a b": rng.integers(1, 9, n), "town": rng.choice(["Ulm", "Bonn", "Köln"], n), "flat": [5] * n,
        "$(touch x)": [f"q{i}" for i in range(n)], "my y": (a + rng.normal(size=n)).round(3),
    }  # fmt: skip
    path = tmp_path / "my data.csv"
    write(path, **columns)
    return path


def pasted(command, tmp_path, environment):
    """Run a command line in a shell, ``l2cli`` being the package under test; return its result."""
    script = f'l2cli() {{ "{sys.executable}" -m l2cli "$@"; }}\n{command} --lambda 1 --json -q\n'
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["-t", "town"],
        ["-t", r"a\,b,my y"],
        ["-x", "id", "-x", "*"],
        ["--drop", "a*", "--categorical", "flat"],
        ["-t", "town", "--drop=-c", "--missing", "indicator"],
        ["--weights", "a b", "--coding", "treatment", "--reference", "town=Ulm"],
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="quoted for POSIX shells")
def test_the_command_runs_and_gives_what_the_plain_one_does(odd, quick_json, tmp_path, environment, words):
    command = quick_json("inspect", odd.name, *words)["command"]
    plain = quick_json("fit", odd.name, *words, "--lambda", "1")
    same = pasted(command, tmp_path, environment)
    assert not (tmp_path / "x").exists()
    for key in set(plain) - {"timing", "data"}:
        assert same[key] == plain[key], key
    told = {"notes", "target_default"}
    assert {k: v for k, v in same["data"].items() if k not in told} == {
        k: v for k, v in plain["data"].items() if k not in told
    }


@pytest.mark.skipif(sys.platform == "win32", reason="quoted for POSIX shells")
def test_the_command_repeats_how_the_file_is_read(tmp_path, quick_json, environment):
    (tmp_path / "d").write_text("".join(f"{k},5;x{k % 2};{k * k};?\n" for k in range(30)), encoding="latin-1")
    words = ["d", "--no-header", "--delimiter", ";", "--decimal", ",", "--na", "?,-", "-t", "x3"]
    found = quick_json("inspect", *words)
    assert found["command"] == (
        "l2cli fit d --delimiter ';' --decimal , --na '?,-' --no-header -t x3 --drop x4 --family gaussian"
    )
    plain = quick_json("fit", *words, "--lambda", "1")
    assert pasted(found["command"], tmp_path, environment)["coefficients"] == plain["coefficients"]


def test_standard_input_and_hostile_names(quick, run, tmp_path):
    done = run("inspect", "-", input="a\x1b[31m,b,y\n1,u\x07,3\n2,v,5\n4,u\x07,6\n")
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert "\x07" not in done.stdout
    assert r"a\x1b[31m" in done.stdout
    assert done.stdout.splitlines()[-1] == "  l2cli fit - -t y --family gaussian"


def test_the_screen(odd, quick):
    done = quick("inspect", odd.name)
    assert (done.returncode, done.stderr) == (
        0,
        "l2cli: note: target 'my y' (the last column, change with -t)\n",
    )
    lines = done.stdout.splitlines()
    assert lines[0] == "my data.csv: 80 rows, 7 features; target 'my y' (last column, change with -t)"
    told = "10 columns: 3 numeric, 1 categorical, 1 constant, 3 identifier, 1 empty, 1 target"
    assert f"{told} 80 missing cells (10.0 %)" in " ".join(line.strip() for line in lines)
    assert [line.split()[:2] for line in lines if line.startswith(" id ")] == [["id", "identifier"]]
    assert "  $(touch x): text, all distinct: left out" in lines
    assert lines[-2] == " as l2cli fit takes it (gaussian, 7 features):"
    assert lines[-1] == (
        """  l2cli fit 'my data.csv' -t 'my y' --drop 'id,it'"'"'s,gone,$(touch x)' --family gaussian"""
    )


def test_every_format_has_a_row_for_each_column(odd, quick):
    found = json.loads(quick("inspect", odd.name, "--json").stdout)
    keys = ["name", "role", "type", "missing", "distinct", "min", "max", "median", "levels", "notes"]
    assert all(list(column) == keys for column in found["columns"])
    assert {"schema", "version", "level", "data", "settings", "warnings", "timing", "command"} <= set(found)
    names = [column["name"] for column in found["columns"]]
    rows = list(csv.DictReader(io.StringIO(quick("inspect", odd.name, "-f", "csv").stdout)))
    assert [row["name"] for row in rows] == names
    assert rows[0]["notes"] == "counts the rows, 1 to 80: left out"
    assert rows[0]["max"] == "80"
    jsonl = [json.loads(line) for line in quick("inspect", odd.name, "-f", "jsonl").stdout.splitlines()]
    assert [row["name"] for row in jsonl] == names
    assert len(quick("inspect", odd.name, "-f", "md").stdout.splitlines()) == len(names) + 2


def test_a_refusal_is_told_and_strict_minds(tmp_path, quick):
    (tmp_path / "bad.csv").write_text("a,y\n1,1\n2,2\noops,3\n4,5\n")
    done = quick("inspect", "bad.csv", "-q")
    assert done.returncode == 0
    told = "a fit would be refused: bad.csv line 4: 'oops' in column 'a' is not a number"
    assert done.stderr.startswith(f"l2cli: warning: {told}")
    assert f" {told}" in done.stdout
    assert "a: mostly numbers, but not all: line 4: 'oops' in column 'a' is not a number" in done.stdout
    assert "l2cli fit" not in done.stdout
    assert quick("inspect", "bad.csv", "-q", "--strict").returncode == 4
    assert quick("fit", "bad.csv").returncode == 3
    found = json.loads(quick("inspect", "bad.csv", "--json").stdout)
    assert (found["command"], found["refusal"]["code"]) == (None, "text_in_number")


def test_a_wide_file_is_cut_on_a_terminal_and_nowhere_else(tmp_path, quick):
    from l2cli.report.layout import plain
    from l2cli.report.render import render

    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 1000)).round(3)
    write(tmp_path / "wide.csv", y=X[:, 0] + X[:, 1], **{f"g{j}": X[:, j] for j in range(1000)})
    done = quick("inspect", "wide.csv", "-t", "y", "--json")
    found = json.loads(done.stdout)
    assert len(found["columns"]) == 1001
    assert len(quick("inspect", "wide.csv", "-t", "y", "-f", "csv").stdout.splitlines()) == 1002
    lines = [plain(line) for line in render(found, width=80, terminal=True)]
    assert len(lines) < 60
    assert " and 981 more (all: --verbose or --format csv)" in lines
    assert lines[-1] == "  l2cli fit wide.csv -t y --family gaussian"
    assert len(render(found, width=80, terminal=True, verbose=True)) > 1000
    assert len(quick("inspect", "wide.csv", "-t", "y").stdout.splitlines()) > 1000


def test_roles_are_told_by_every_command_and_numbers_on_request(odd, quick, data):
    done = quick("fit", odd.name, "--lambda", "1")
    assert "l2cli: note: categorical: 1 column (town 3 levels)\n" in done.stderr
    assert "l2cli: note: numeric: 3 columns (a,b, -c, a b)\n" in done.stderr
    plain = quick("fit", data.name, "--lambda", "1")
    assert "numeric" not in plain.stderr
    more = quick("fit", data.name, "--lambda", "1", "-v")
    assert "l2cli: note: numeric: 3 columns (a, b, c)\n" in more.stderr
    assert quick("fit", odd.name, "--lambda", "1", "-v").stderr.count("numeric: 3 columns") == 1
