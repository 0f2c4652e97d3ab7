"""What is written: whole or not at all, never over an input, refused before the work where it cannot be."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading

import pytest

from l2cli.cli import output
from l2cli.errors import UsageError


def leftovers(folder):
    """Return the temporary files that a write left behind."""
    return [path.name for path in folder.iterdir() if path.name.endswith(".part")]


def test_a_result_is_written_to_a_file_and_not_to_stdout(quick, tmp_path, data):
    shown, written = quick("fit", "data.csv", "-q"), quick("fit", "data.csv", "-q", "-o", "out.txt")
    assert (written.returncode, written.stdout) == (0, "")
    assert (tmp_path / "out.txt").read_text() == shown.stdout
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "start"),
    [("o.json", "{"), ("o.csv", "feature,"), ("o.md", "|"), ("o.jsonl", "{"), ("o.txt", "data.csv:")],
)
def test_the_ending_of_the_file_says_the_format(quick, tmp_path, data, name, start):
    assert quick("fit", "data.csv", "-q", "-o", name).returncode == 0
    assert (tmp_path / name).read_text().startswith(start)


def test_the_format_asked_for_wins_over_the_ending(quick, tmp_path, data):
    done = quick("fit", "data.csv", "-o", "o.csv", "--json")
    assert done.returncode == 0
    assert "note: o.csv holds json, as asked, not csv" in done.stderr
    assert json.loads((tmp_path / "o.csv").read_text())["schema"] == "l2cli/fit/1"


@pytest.mark.parametrize("fmt", ["json", "jsonl", "csv", "md", "table"])
def test_every_command_has_every_format(quick, tmp_path, classes, fmt):
    assert quick("fit", "classes.csv", "--lambda", "1", "--save", "m.json", "-q").returncode == 0
    commands = [
        ["fit", "classes.csv"],
        ["cv", "classes.csv", "-k", "3"],
        ["path", "classes.csv"],
        ["compare", "classes.csv", "-k", "3"],
        ["predict", "m.json", "classes.csv"],
        ["evaluate", "m.json", "classes.csv"],
        ["convert", "sklearn_C=0.5", "--rows", "60"],
    ]
    for words in commands:
        done = quick(*words, "-q", "-f", fmt)
        assert (done.returncode, done.stderr) == (0, ""), words
        assert len(done.stdout) > 20, words
        if fmt == "json":
            assert json.loads(done.stdout)["schema"] == f"l2cli/{words[0]}/1"
        if fmt == "jsonl":
            assert all(isinstance(json.loads(line), dict) for line in done.stdout.splitlines())


@pytest.mark.parametrize("option", ["--output", "--save"])
@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("none/out", "there is no folder none; make it first"),
        ("folder", "is a folder; give a file name"),
        ("new/", "is a folder; give a file name"),
        ("data.csv", "is also the input data.csv; choose another name"),
        ("./folder/../data.csv", "is also the input data.csv"),
        ("soft.csv", "is also the input data.csv"),
        ("hard.csv", "is also the input data.csv"),
        ("", "needs a file name"),
        ("x" * 300, "x...: cannot be written: File name too long"),
    ],
)
def test_what_cannot_be_written_is_refused_before_the_data_are_read(
    quick, tmp_path, data, option, path, message
):
    (tmp_path / "folder").mkdir()
    (tmp_path / "soft.csv").symlink_to(data)
    (tmp_path / "hard.csv").hardlink_to(data)
    before = data.read_bytes()
    done = quick("fit", "data.csv", option, path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"l2cli: error: {option}")
    assert message in done.stderr
    assert data.read_bytes() == before
    unread = quick("fit", "none.csv", option, path)
    assert unread.returncode == (3 if "data.csv" in message else 2)


def test_standard_input_and_output_count_as_the_files_behind_them(tmp_path, data, environment):
    program = f"{sys.executable} -m l2cli fit"
    command = f"{program} - -q -o data.csv < data.csv; echo $?; {program} data.csv -q >> data.csv; echo $?"
    before = data.read_bytes()
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == "2\n2\n"
    assert "--output data.csv is also the input standard input" in done.stderr
    assert "standard output is also the input data.csv" in done.stderr
    assert data.read_bytes() == before


def test_a_model_and_a_grid_are_inputs_too(quick, tmp_path, data):
    assert quick("fit", "data.csv", "--save", "m.json", "-q").returncode == 0
    (tmp_path / "grid.txt").write_text("1 2 3\n")
    for words in (
        ["predict", "m.json", "data.csv", "-o", "m.json"],
        ["cv", "data.csv", "--lambdas", "@grid.txt", "-o", "grid.txt"],
    ):
        done = quick(*words)
        assert done.returncode == 2
        assert f"--output {words[-1]} is also the input {words[-1]}" in done.stderr


def test_the_result_and_the_model_need_two_files(quick, tmp_path, data):
    done = quick("fit", "data.csv", "-o", "out.json", "--save", "./out.json")
    assert done.returncode == 2
    assert "--output and --save are the same file out.json" in done.stderr
    assert not (tmp_path / "out.json").exists()


def test_an_existing_file_is_replaced_unless_it_must_not(quick, tmp_path, data):
    kept = tmp_path / "out.txt"
    kept.write_text("old")
    done = quick("fit", "data.csv", "-o", "out.txt", "--no-clobber")
    assert (done.returncode, kept.read_text()) == (2, "old")
    assert "--output out.txt exists; choose another name or leave --no-clobber out" in done.stderr
    assert quick("fit", "data.csv", "-o", "out.txt", "-q").returncode == 0
    assert kept.read_text().startswith("data.csv:")
    assert quick("fit", "data.csv", "-o", "new.txt", "--no-clobber", "-q").returncode == 0


def test_the_mode_of_an_existing_file_is_kept_and_a_link_is_followed(quick, tmp_path, data):
    real = tmp_path / "real.txt"
    real.write_text("old")
    real.chmod(0o640)
    (tmp_path / "link.txt").symlink_to(real)
    assert quick("fit", "data.csv", "-q", "-o", "link.txt").returncode == 0
    assert (tmp_path / "link.txt").is_symlink()
    assert real.read_text().startswith("data.csv:")
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def test_a_new_file_has_the_usual_mode(quick, tmp_path, data):
    mask = os.umask(0)
    os.umask(mask)
    assert quick("fit", "data.csv", "-q", "-o", "new.txt").returncode == 0
    assert stat.S_IMODE((tmp_path / "new.txt").stat().st_mode) == 0o666 & ~mask


def test_a_failed_fit_leaves_the_old_file(quick, tmp_path):
    (tmp_path / "bad.csv").write_text("a,y\n1,2\n2\n")
    (tmp_path / "out.txt").write_text("old")
    assert quick("fit", "bad.csv", "-o", "out.txt", "--save", "m.json").returncode == 3
    assert (tmp_path / "out.txt").read_text() == "old"
    assert not (tmp_path / "m.json").exists()


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "out.txt"
    path.write_text("old")

    def pieces():
        yield b"new"
        raise OSError(28, "No space left on device")

    target = output.plan_file("--output", str(path), inputs=[], clobber=True)
    with pytest.raises(UsageError, match=r"cannot be written: No space left on device"):
        target.write(pieces())
    assert path.read_text() == "old"
    assert leftovers(tmp_path) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_folder_without_permission_is_refused(quick, tmp_path, data):
    (tmp_path / "closed").mkdir(mode=0o500)
    done = quick("fit", "data.csv", "-o", "closed/out.txt")
    assert done.returncode == 2
    assert "no permission to write there" in done.stderr


def test_a_pipe_and_standard_output_can_be_named(run, tmp_path, data):
    os.mkfifo(tmp_path / "pipe")
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_text()))
    reader.start()
    assert run("fit", "data.csv", "-q", "-o", "pipe").returncode == 0
    reader.join(timeout=60)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    for name in ("-", "/dev/stdout"):
        assert run("fit", "data.csv", "-q", "-o", name).stdout == read[0]
    assert read[0].startswith("data.csv:")


def test_the_inputs_of_a_glob_and_of_a_folder_are_kept(tmp_path):
    (tmp_path / "parts").mkdir()
    for name in ("a.csv", "b.csv"):
        (tmp_path / "parts" / name).write_text("x")
    for source in (str(tmp_path / "parts"), str(tmp_path / "parts" / "*.csv")):
        with pytest.raises(UsageError, match="is also the input"):
            output.plan_file("--output", str(tmp_path / "parts" / "b.csv"), inputs=[source], clobber=True)


def test_predictions_are_one_row_per_row_in_order(quick, classes):
    assert quick("fit", "classes.csv", "--id", "name", "--save", "m.json", "-q").returncode == 0
    lines = quick("predict", "m.json", "classes.csv", "-q").stdout.splitlines()
    assert lines[0] == "name,prediction,probability"
    assert [line.split(",")[0] for line in lines[1:]] == [f"r{i}" for i in range(60)]
    assert {line.split(",")[1] for line in lines[1:]} == {"yes", "no"}


def test_the_threshold_and_the_id_act(quick, classes, data):
    assert quick("fit", "classes.csv", "--drop", "name", "--save", "m.json", "-q").returncode == 0
    labels = {}
    for cut in ("0.1", "0.9"):
        done = quick("predict", "m.json", "classes.csv", "--threshold", cut, "--id", "a", "-q")
        assert done.stdout.startswith("a,prediction,probability\n")
        labels[cut] = done.stdout.count(",yes,")
    assert labels["0.1"] > labels["0.9"]
    accuracy = [
        json.loads(quick("evaluate", "m.json", "classes.csv", "--threshold", cut, "--json").stdout)[
            "metrics"
        ]["accuracy"]
        for cut in ("0.01", "0.5")
    ]
    assert accuracy[0] < accuracy[1]
    assert quick("fit", "data.csv", "--save", "g.json", "-q").returncode == 0
    done = quick("predict", "g.json", "data.csv", "--threshold", "0.3")
    assert done.returncode == 2
    assert "--threshold is for models of two classes, and g.json is gaussian" in done.stderr


def test_the_id_is_printed_as_it_stands(quick, data, tmp_path):
    assert quick("fit", "data.csv", "--save", "m.json", "-q").returncode == 0
    ids = ["12345678901234560", "12345678901234561", "1.10", "1.1", "1e3", "007", "NA"]
    rows = [f"{cell},{i},1,0" for i, cell in enumerate(ids)]
    (tmp_path / "new.csv").write_text("id,a,b,c\n" + "\n".join(rows) + "\n")
    done = quick("predict", "m.json", "new.csv", "--id", "id")
    assert [line.split(",")[0] for line in done.stdout.splitlines()] == ["id", *ids]
    # a feature of the model may be the id as well; its numbers stay numbers where none would change
    found = json.loads(quick("predict", "m.json", "new.csv", "--id", "a", "--json").stdout)
    assert [row["a"] for row in found["predictions"]] == list(range(7))


def test_results_of_a_saved_model_say_what_was_fitted(quick, quick_json, data):
    words = ("--lambda-scale", "mean", "--no-standardize", "--l1-ratio", "1", "--categorical", "a")
    fitted = quick_json("fit", "data.csv", *words, "--save", "m.json")["settings"]
    said = ("family", "l1_ratio", "standardize", "intercept", "lambda_scale", "coding", "missing")
    for command in ("predict", "evaluate"):
        settings = quick_json(command, "m.json", "data.csv")["settings"]
        assert {name: settings[name] for name in said} == {name: fitted[name] for name in said}
