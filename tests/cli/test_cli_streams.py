"""Standard streams: what goes where, closed pipes, interrupts, terminals."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from typing import Any

import pexpect
import pytest
from numpy.random import default_rng

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def test_results_go_to_stdout_and_notes_to_stderr(run, data):
    done = run("fit", "data.csv", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["schema"] == "l2cli/fit/1"
    assert done.stderr == (
        "l2cli: note: target 'y' (the last column, change with -t)\n"
        "l2cli: note: family gaussian (by the target, change with --family)\n"
    )


def test_nothing_is_said_about_what_the_user_chose(quick, data):
    done = quick("fit", "data.csv", "-t", "y", "--family", "gaussian")
    assert done.returncode == 0
    assert done.stderr == ""


def test_quiet_silences_notes_and_keeps_warnings(quick, tmp_path):
    (tmp_path / "flat.csv").write_text("a,y\n1,3\n2,3\n5,3\n")
    loud, quiet = quick("fit", "flat.csv", "--lambda", "1"), quick("fit", "flat.csv", "--lambda", "1", "-q")
    assert loud.stdout == quiet.stdout
    assert "note" in loud.stderr
    assert quiet.stderr == "l2cli: warning: target 'y' is constant (3): the fit is the intercept alone\n"


def test_verbose_says_where_the_time_went(quick, data):
    done = quick("fit", "data.csv", "-v")
    assert re.search(r"note: read in \d+\.\d\d s, solved in \d+\.\d\d s, \d+\.\d\d s in all", done.stderr)


def test_strict_turns_a_warning_into_status_4_after_the_result(quick, tmp_path):
    (tmp_path / "flat.csv").write_text("a,y\n1,3\n2,3\n5,3\n")
    done = quick("fit", "flat.csv", "--lambda", "1", "--strict", "--json", "-o", "out.json")
    assert done.returncode == 4
    assert json.loads((tmp_path / "out.json").read_text())["warnings"][0]["code"] == "constant_target"
    assert quick("fit", "flat.csv", "-t", "a", "--lambda", "1", "--strict").returncode == 0


def test_timing_is_in_every_result(quick, data):
    for command in ("fit", "cv", "path", "compare"):
        timing = json.loads(quick(command, "data.csv", "--json").stdout)["timing"]
        assert set(timing) == {"read_s", "solve_s", "total_s", "peak_rss_mb"}
        assert timing["total_s"] >= timing["read_s"] + timing["solve_s"] > 0
        assert 10 < timing["peak_rss_mb"] < 2000


def test_standard_input_gives_the_same_as_the_file(run, data):
    by_file = json.loads(run("fit", "data.csv", "--json").stdout)
    by_pipe = json.loads(run("fit", "-", "--json", input=data.read_text()).stdout)
    assert by_pipe["coefficients"] == by_file["coefficients"]
    assert by_pipe["data"]["source"] == "-"


def test_a_closed_pipe_ends_quietly_with_141(run, data):
    for words in (["fit", "data.csv"], ["--help"], ["fit", "--help"], ["path", "data.csv", "-f", "csv"]):
        reader, writer = os.pipe()
        os.close(reader)
        with os.fdopen(writer, "wb") as stream:
            done = run(
                *words, "-q" if words[0] != "--help" and "--help" not in words else "-h", stdout=stream
            )
        assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no full device")
@pytest.mark.parametrize("words", [["fit", "data.csv", "-q"], ["fit", "--help"], ["--help"]])
def test_a_full_disk_is_said(run, data, words):
    with open("/dev/full", "wb") as stream:
        done = run(*words, stdout=stream)
    assert done.returncode == 2
    assert done.stderr == "l2cli: error: cannot write to standard output: No space left on device\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no full device")
@pytest.mark.parametrize(
    ("words", "status"), [(["nope.csv"], 3), (["data.csv"], 0), (["data.csv", "-k", "1"], 2)]
)
def test_notes_that_cannot_be_written_change_no_status(run, data, words, status):
    with open("/dev/full", "wb") as stream:
        done = run("fit", *words, capture_output=False, stdout=subprocess.PIPE, stderr=stream)
    assert done.returncode == status
    assert ("intercept" in done.stdout) == (status == 0)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no full device")
def test_no_model_is_called_saved_that_is_not(run, data):
    done = run("fit", "data.csv", "-t", "y", "--family", "gaussian", "--save", "/dev/full")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "l2cli: error: --save /dev/full: cannot be written: No space left on device\n"


@pytest.mark.parametrize("words", ["fit data.csv -q", "fit --help", "--help"])
def test_a_closed_standard_output_is_said(data, tmp_path, environment, words):
    command = f"exec {sys.executable} -m l2cli {words} >&-"
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == b"l2cli: error: standard output is closed; give --output FILE\n"


def test_an_interrupt_ends_quietly_with_130(tmp_path, environment):
    os.mkfifo(tmp_path / "pipe")
    command = [sys.executable, "-m", "l2cli", "fit", "pipe", "--json"]
    started = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with open(tmp_path / "pipe", "wb") as stream:  # opens when the command has opened it to read: no earlier
        stream.write(b"a,b\n1,2\n")
        stream.flush()
        for _ in range(60):  # again where one came just before the command began to wait, as at a prompt
            started.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                out, err = started.communicate(timeout=1)
                break
    assert (started.returncode, out, err) == (130, b"", b"")


@pytest.fixture
def spawn(tmp_path, environment):
    """Return a function that starts Python on a terminal of 100 columns in ``tmp_path``."""

    def start(*words: str, env: dict[str, str] | None = None, **settings: Any) -> pexpect.spawn:
        colours = {"TERM": "xterm-256color", **environment, **(env or {})}
        settings = {"encoding": "utf-8", "dimensions": (40, 100), "timeout": 120, **settings}
        return pexpect.spawn(sys.executable, list(words), cwd=str(tmp_path), env=colours, **settings)

    return start


@pytest.fixture
def terminal(spawn):
    """Return a function that runs a command on a terminal and returns (status, text)."""

    def run_there(*words: str, **env: str) -> tuple[int | None, str]:
        child = spawn("-m", "l2cli", *words, env=env)
        text = child.read()
        child.close()
        return child.exitstatus, text.replace("\r\n", "\n")

    return run_there


def test_a_terminal_gets_colour_and_its_width(terminal, run, data):
    status, text = terminal("fit", "data.csv")
    assert status == 0
    assert COLOUR.search(text)
    assert max(len(COLOUR.sub("", line)) for line in text.splitlines()) <= 100
    assert "target 'y' (last column, change with -t)" in COLOUR.sub("", text)
    assert "l2cli: note" not in text  # the first lines of the screen say it
    assert COLOUR.search(run("fit", "data.csv").stdout) is None


@pytest.mark.parametrize(
    ("env", "words", "coloured"),
    [
        ({"NO_COLOR": "1"}, [], False),
        ({"TERM": "dumb"}, [], False),
        ({}, ["--color", "never"], False),
        ({"NO_COLOR": "1"}, ["--color", "always"], True),
    ],
)
def test_the_terminal_and_the_user_decide_on_colour(terminal, data, env, words, coloured):
    status, text = terminal("fit", "data.csv", *words, **env)
    assert status == 0
    assert bool(COLOUR.search(text)) == coloured


def test_colour_can_be_forced_into_a_pipe(run, data):
    assert COLOUR.search(run("fit", "data.csv", "--color", "always").stdout)
    assert COLOUR.search(run("fit", "data.csv", env={"FORCE_COLOR": "1"}).stdout)
    assert COLOUR.search(run("fit", "data.csv", "--json", env={"FORCE_COLOR": "1"}).stdout) is None


def test_columns_gives_the_width_of_a_terminal(terminal, data):
    _, text = terminal("fit", "data.csv", COLUMNS="60")
    assert max(len(COLOUR.sub("", line)) for line in text.splitlines()) <= 60


@pytest.mark.parametrize("words", [["fit"], ["cv"], ["path"], ["compare"], ["fit", "-t", "b,y"]])
def test_a_narrow_terminal_gets_narrow_lines(words, terminal, data):
    command, *options = words
    options += [] if command == "path" else ["--no-progress"]
    _, text = terminal(command, "data.csv", *options, "-q", COLUMNS="40")
    lines = [COLOUR.sub("", line) for line in text.splitlines()]
    assert 30 < max(len(line) for line in lines if not line.startswith("l2cli: warning")) <= 40


def test_a_terminal_without_unicode_gets_ascii(run, data):
    done = run("fit", "data.csv", env={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0
    assert done.stdout.isascii()


def test_data_from_the_terminal_come_with_a_hint(spawn):
    child = spawn("-m", "l2cli", "fit", "-", "--json", echo=False)
    child.expect_exact("l2cli: note: reading from the terminal; end the data with Ctrl-D")
    child.sendline("a,y\n1,2\n2,4\n3,7")
    child.sendeof()  # once
    child.expect_exact('"schema": "l2cli/fit/1"')
    child.read()
    child.close()
    assert child.exitstatus == 0


SLOW = """
import sys
from l2cli.cli import progress
progress.DELAY = 0.0  # as if the work took long
progress.INTERVAL = 0.0
from l2cli.cli.app import run
sys.exit(run(sys.argv[1:]))
"""


def test_progress_is_drawn_on_a_terminal_and_erased(spawn, data):
    text = spawn("-c", SLOW, "cv", "data.csv", "--folds", "5", "-o", "out.txt").read()
    assert "5/5" in text
    assert COLOUR.sub("", text.rpartition("\r\x1b[K")[2]).startswith("l2cli: note")


@pytest.mark.parametrize(("words", "env"), [(["--no-progress"], {}), (["-q"], {}), ([], {"TERM": "dumb"})])
def test_progress_can_be_done_without(spawn, data, words, env):
    text = spawn("-c", SLOW, "cv", "data.csv", "-o", "out.txt", *words, env=env).read()
    assert "\r\x1b[K" not in text


def test_quick_work_draws_no_progress(terminal, data):
    _, text = terminal("cv", "data.csv", "-o", "out.txt")
    assert "\r\x1b[K" not in text


def test_an_interrupt_ends_the_workers_too(spawn, tmp_path):
    rows = default_rng(0).normal(size=(150, 251))
    lines = [",".join([*(f"{v:.4f}" for v in row[1:]), "yes" if row[0] > 0 else "no"]) for row in rows]
    header = ",".join([*(f"x{j}" for j in range(250)), "y"])
    (tmp_path / "wide.csv").write_text("\n".join([header, *lines]) + "\n")
    child = spawn("-c", SLOW, "cv", "wide.csv", "--lambdas", "auto:300", "-j", "2")
    child.expect_exact("folds [")
    child.sendintr()
    text = child.read()
    child.close()
    assert child.exitstatus == 130
    assert re.sub(r"\r\x1b\[K(folds [^\r]*)?|\^C|\S*\] \d+/\d+", "", text) == ""


def test_a_warning_of_the_refit_counts_in_a_cross_validation(quick, tmp_path):
    lines = [
        f"{a},{2 * a},{a + e:.3f}" for a, e in zip(range(5, 35), default_rng(0).normal(size=30), strict=True)
    ]
    (tmp_path / "tied.csv").write_text("a,b,y\n" + "\n".join(lines) + "\n")
    done = quick("cv", "tied.csv", "--lambdas", "0", "--strict", "--json")
    assert done.returncode == 4
    assert [warning["code"] for warning in json.loads(done.stdout)["warnings"]] == ["rank_deficient"]


@pytest.mark.parametrize(("module", "ended_properly"), [("joblib", True), ("json", False)])
def test_only_workers_make_the_exit_wait(environment, module, ended_properly):
    code = f"""
import atexit, sys
atexit.register(lambda: sys.stdout.write("ended properly"))
sys.modules.setdefault({module!r}, sys)
from l2cli.__main__ import leave
sys.stdout.write("written ")
leave(4)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (4, "")
    assert done.stdout == ("written ended properly" if ended_properly else "written ")


def test_an_interrupt_before_the_program_listens_is_quiet_too(environment):
    code = """
import sys, types
early = types.ModuleType("l2cli.cli.app")
def run(words):
    raise KeyboardInterrupt
early.run = run
sys.modules["l2cli.cli.app"] = early
from l2cli.__main__ import main
main()
"""
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="this system tells no other peak")
def test_the_memory_told_is_not_that_of_the_program_that_started_it(data, tmp_path, environment):
    code = f"""
import subprocess
some = b"x" * (400 << 20)
subprocess.run([{sys.executable!r}, "-m", "l2cli", "inspect", "data.csv", "--json"], check=True)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, check=True
    )
    assert 5 < json.loads(done.stdout)["timing"]["peak_rss_mb"] < 300


def test_a_target_of_few_whole_numbers_is_told_once_of_the_other_families(quick, tmp_path):
    rows = "".join(f"{i * 7 % 11},{i % 3}\n" for i in range(30))
    (tmp_path / "codes.csv").write_text("a,y\n" + rows)
    told = (
        "l2cli: note: family gaussian: the 3 values of the target (0, 1, 2) are taken as numbers; --family"
        " multinomial if they are classes, poisson if they are counts\n"
    )
    done = quick("fit", "codes.csv", "-t", "y")
    assert [text for text in done.stderr.splitlines(keepends=True) if "note" in text] == [told]
    assert "note" not in quick("fit", "codes.csv", "-t", "y", "--family", "gaussian").stderr
    assert told not in quick("inspect", "codes.csv", "-t", "y").stderr
