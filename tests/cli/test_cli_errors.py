"""Every way to be wrong: one line on standard error that says what and where, the right status, no result."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

USAGE = [
    # the command
    (["ftt"], "no command 'ftt'; did you mean 'fit'?"),
    (["data.csv"], "no command 'data.csv'; to fit that file: l2cli fit data.csv"),
    (
        ["zzz"],
        "no command 'zzz'; there are fit, cv, path, compare, explain, tradeoff, predict",
    ),
    (["--lambda", "1", "fit"], "no option --lambda before the command; write l2cli COMMAND DATA [options]"),
    # arguments and options
    (["fit"], "DATA is missing; give a file, or - for standard input"),
    (["predict", "model.json"], "DATA is missing; give a file, or - for standard input"),
    (["predict"], "MODEL is missing; see l2cli predict --help"),
    (["fit", "data.csv", "y"], "unexpected 'y' after the arguments; see l2cli fit --help"),
    (["fit", "data.csv", "--lamda", "1"], "no option --lamda in fit; did you mean --lambda?"),
    (["path", "data.csv", "--select", "loo"], "no option --select in path"),
    (["cv", "data.csv", "--lambda", "1"], "no option --lambda in cv; did you mean --lambdas?"),
    (["fit", "data.csv", "-Z"], "no option -Z in fit; see l2cli fit --help"),
    (["fit", "data.csv", "--alpha", "1"], "use --lambda or --l1-ratio"),
    (["fit", "data.csv", "--alpha=1"], "use --lambda or --l1-ratio"),
    (["fit", "data.csv", "--lambda"], "--lambda needs a value"),
    (["fit", "data.csv", "--strict=1"], "--strict takes no value"),
    # values
    (["fit", "data.csv", "--lambda", "nan"], "--lambda must be 0 or larger, not nan"),
    (["fit", "data.csv", "--lambda", "-1"], "--lambda must be 0 or larger, not -1"),
    (["fit", "data.csv", "--lambdas", "10:1"], "--lambdas 10:1: LO is above HI; write 1:10"),
    (["fit", "data.csv", "--lambdas", "100:1:5"], "--lambdas 100:1:5: LO is above HI; write 1:100:5"),
    (["cv", "data.csv", "--select", "loo"], "no option --select in cv; cv chooses by folds; l2cli fit"),
    (["cv", "data.csv", "--holdout", "0.2"], "no option --holdout in cv; cv chooses by folds; give it to"),
    (["path", "data.csv", "--holdout", "0.2"], "no option --holdout in path; it belongs to fit, explain"),
    (
        ["fit", "data.csv", "-o", "m.html"],
        "no format has the ending .html; give --format, or the ending json",
    ),
    (
        ["fit", "data.csv", "--family", "poison"],
        "--family 'poison' is not available; did you mean 'poisson'? choose one of auto, gaussian",
    ),
    (["fit", "data.csv", "--family", "logistic"], "is not available; did you mean 'binomial'? choose one of"),
    (["fit", "data.csv", "--family", "quartic"], "--family 'quartic' is not available; choose one of auto, "),
    (["fit", "data.csv", "--l1-ratio", "2"], "--l1-ratio must be between 0 and 1, not 2"),
    (["fit", "data.csv", "--l1-ratio", "nan"], "--l1-ratio needs a number, not 'nan'"),
    (["cv", "data.csv", "--folds", "1"], "--folds must be a whole number of at least 2, not '1'"),
    (["cv", "data.csv", "--repeats", "0"], "--repeats must be a whole number of at least 1, not '0'"),
    (["cv", "data.csv", "--seed", "-1"], "--seed must be a whole number of at least 0, not '-1'"),
    (["cv", "data.csv", "--jobs", "0"], "--jobs must be a whole number of at least 1, not '0'"),
    (["cv", "data.csv", "--metric", "good"], "--metric 'good' is not available; choose deviance, mse"),
    (["cv", "data.csv", "--rule", "2se"], "--rule '2se' is not available; choose min or 1se"),
    (["fit", "data.csv", "--tol", "0"], "--tol must be larger than 0, not 0"),
    (["fit", "data.csv", "--coding", "x"], "--coding 'x' is not available; choose auto, onehot or treatment"),
    (
        ["fit", "data.csv", "--missing", "x"],
        "--missing 'x' is not available; choose impute, drop, error or indicator",
    ),
    (["fit", "data.csv", "--reference", "a"], "--reference 'a' has no level"),
    (["fit", "data.csv", "--color", "x"], "--color 'x' is not available; choose auto, always or never"),
    (
        ["fit", "data.csv", "--format", "xml"],
        "--format 'xml' is not available; choose table, json, jsonl, csv or md",
    ),
    (["fit", "data.csv", "--delimiter", "ab"], "--delimiter"),
    (["fit", "data.csv", "--encoding", "utf9"], "--encoding utf9"),
    (["fit", "data.csv", "--target", ""], "--target needs a column name"),
    (["predict", "m.json", "data.csv", "--threshold", "nan"], "--threshold needs a number, not 'nan'"),
    (["predict", "m.json", "data.csv", "--threshold", "1.5"], "--threshold must be between 0 and 1, not 1.5"),
    (["predict", "m.json", "data.csv", "--unseen", "x"], "--unseen 'x' is not available"),
    (["compare", "data.csv", "--models", "magic,ols"], "--models has no 'magic'"),
    (["convert", "lambda"], "'lambda' has no value; write NAME=VALUE"),
    (["convert", "magic=1"], "no convention 'magic'"),
    (["convert", "lambda=x"], "lambda needs a number, not 'x'"),
    (["convert", "lambda=1", "--target", "y"], "the options of columns and reading need a DATA file"),
    (["convert", "lambda=1", "data.csv", "--rows", "5"], "--rows is what data.csv says itself"),
    # options that contradict one another
    (
        ["fit", "data.csv", "--lambda", "1", "--lambdas", "1,2"],
        "--lambda 1 fixes lambda, so --lambdas has nothing to do",
    ),
    (
        ["fit", "data.csv", "--lambda", "1", "--select", "cv"],
        "--lambda 1 fixes lambda, so --select has nothing to do",
    ),
    (
        ["fit", "data.csv", "--lambda", "1", "--folds", "5"],
        "--lambda 1 fixes lambda, so --folds has nothing to do",
    ),
    (["fit", "data.csv", "--select", "loo", "--folds", "5"], "--select loo has no folds"),
    (["fit", "data.csv", "--select", "gcv", "--rule", "1se"], "--rule 1se needs a standard error"),
    (["fit", "data.csv", "--select", "evidence", "--rule", "1se"], "which evidence does not have"),
    (["fit", "data.csv", "--select", "evidence", "--metric", "mae"], "so --metric has nothing to do"),
    (["fit", "data.csv", "--select", "evidence", "--folds", "5"], "--select evidence has no folds"),
    (["fit", "data.csv", "--select", "holdout"], "--select holdout needs --holdout"),
    (["fit", "data.csv", "--holdout", "0"], "between 0 and 1, not 0; 0.25 holds out"),
    (
        ["fit", "data.csv", "--holdout", "0.2", "--folds", "5"],
        "--holdout has no folds, so --folds 5 has nothing to do; drop one",
    ),
    (["fit", "data.csv", "--select", "holdout", "--holdout", "0"], "between 0 and 1, not 0; 0.25 holds out"),
    (["fit", "data.csv", "--select", "holdout", "--holdout", "nan"], "between 0 and 1, not nan"),
    (["fit", "data.csv", "--select", "holdout", "--holdout", "1.5"], "between 0 and 1, not 1.5; 0.25 holds"),
    (
        ["fit", "data.csv", "--select", "cv", "--holdout", "data.csv"],
        "--holdout means --select holdout, not cv",
    ),
    (
        ["fit", "data.csv", "--select", "holdout", "--holdout", "data.csv"],
        "--holdout data.csv is also DATA: the model is fitted to its rows, none is unseen",
    ),
    (
        ["fit", "-", "--select", "holdout", "--holdout", "-"],
        "DATA and --holdout are both standard input, which holds one table; give a file for one",
    ),
    (
        ["fit", "data.csv", "--select", "holdout", "--holdout", "0.2", "--unseen", "baseline"],
        "--unseen is for levels of a --holdout file that no training row has",
    ),
    (
        ["fit", "data.csv", "--select", "holdout", "--holdout", "0.2", "--repeats", "5"],
        "--select holdout has no folds, so --repeats 5 has nothing to do",
    ),
    (
        ["fit", "data.csv", "--select", "holdout", "--holdout", "0.2", "--rule", "1se", "--metric", "auc"],
        "--rule 1se needs a standard error, which the auc of one part does not have",
    ),
    (["fit", "data.csv", "--holdout", "0.2", "--lambda", "1"], "fixes lambda, so --holdout has nothing"),
    (["cv", "data.csv", "--fold-column", "c", "--folds", "5"], "--fold-column gives the folds"),
    (["fit", "data.csv", "--offset", "a", "--exposure", "b"], "--offset and --exposure both set the offset"),
    (["fit", "data.csv", "--json", "-f", "csv"], "--json and --format csv contradict one another"),
    (
        ["predict", "-", "data.csv"],
        "MODEL is a file, not standard input, which only DATA can be; give the file",
    ),
    (["evaluate", "-", "-"], "MODEL is a file, not standard input"),
    (["fit", "data.csv", "-q", "-v"], "--quiet and --verbose contradict one another"),
]


@pytest.mark.parametrize(
    ("words", "message"), USAGE, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_wrong_usage_is_one_line_with_status_2(quick, data, words, message):
    done = quick(*words)
    assert done.returncode == 2
    assert bool(done.stdout) == ("--json" in words)
    assert done.stderr.startswith("l2cli: error: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


FILES = {
    "empty.csv": b"",
    "header.csv": b"a,b,y\n",
    "ragged.csv": b"a,b,y\n1,2,3\n4,5\n1,3,2\n",
    "latin.csv": b"a,b\xe9,y\n1,2,3\n4,5,6\n2,2,2\n",
    "text.csv": b"a,b,y\n1,2,3\n4,x,6\n2,2,2\n5,3,1\n",
    "twice.csv": b"a,a,y\n1,2,3\n4,5,6\n",
    "notarget.csv": b"a,b,y\n1,2,\n4,5,\n2,1,\n",
    "weights.csv": b"a,w,y\n1,2,1\n4,-5,3\n2,1,2\n",
    "oneclass.csv": b"a,b,y\n1,2,no\n4,5,no\n2,1,no\n",
    "separated.csv": b"a,y\n1,0\n2,0\n3,0\n11,1\n12,1\n13,1\n",
}
DATA = [
    (["fit", "none.csv"], 3, "none.csv: no such file"),
    (["fit", "folder"], 3, "folder"),
    (["fit", "empty.csv"], 3, "empty.csv: the file is empty"),
    (["fit", "header.csv"], 3, "header.csv: no data rows"),
    (["fit", "ragged.csv"], 3, "ragged.csv line 3: 2 fields where the header has 3"),
    (["fit", "latin.csv"], 3, "latin.csv line 1: byte 0xe9 is not UTF-8 text"),
    (["fit", "text.csv"], 3, "text.csv line 3: 'x' in column 'b' is not a number"),
    (["fit", "twice.csv"], 3, "twice.csv: duplicate column names: 'a'"),
    (["fit", "notarget.csv"], 3, "notarget.csv: target 'y' has no value in any row"),
    (["fit", "weights.csv", "--weights", "w"], 3, "weights.csv line 3: -5 in the weights column 'w'"),
    (["fit", "oneclass.csv"], 3, "oneclass.csv: target 'y' has one class only ('no')"),
    (["fit", "data.csv", "--lambdas", "@none.txt"], 3, "--lambdas @none.txt: cannot read the file"),
    (["predict", "none.json", "data.csv"], 3, "none.json: cannot read the model"),
    (["predict", "data.csv", "data.csv"], 3, "data.csv: not a model"),
    (["fit", "data.csv", "-t", "z"], 2, "data.csv: no column 'z'"),
    (["fit", "classes.csv", "-t", "bougt"], 2, "classes.csv: no column 'bougt'; did you mean 'bought'?"),
    (["cv", "data.csv", "--folds", "41"], 2, "41 folds need at least 41 rows, there are 40"),
    (
        ["fit", "classes.csv", "--select", "gcv"],
        2,
        "--select gcv is exact for gaussian targets and pure L2 only",
    ),
    (
        ["fit", "data.csv", "--select", "evidence", "--l1-ratio", "1"],
        2,
        "--select evidence is for pure L2 without bounds, of gaussian targets, classes and counts",
    ),
    (
        ["fit", "classes.csv", "--select", "evidence", "--l1-ratio", "0.5"],
        2,
        "--select evidence is for pure L2",
    ),
    (
        ["fit", "data.csv", "--select", "holdout", "--holdout", "0.01"],
        2,
        "--holdout 0.01 holds out none of 40 rows",
    ),
    (
        ["fit", "data.csv", "--select", "holdout", "--holdout", "x.csv"],
        3,
        "--holdout x.csv is neither a file nor a part of the rows, a number between 0 and 1; give a file",
    ),
    (
        ["fit", "data.csv", "--select", "holdout", "--holdout", "0,25"],
        3,
        "--holdout 0,25 is neither a file nor a part of the rows, a number between 0 and 1; write the",
    ),
    (
        ["fit", "classes.csv", "--select", "evidence", "--groups", "a=a", "--group-penalty", "banded"],
        2,
        "--select evidence chooses the lambdas of groups for gaussian targets alone; use --select cv",
    ),
    (
        ["fit", "data.csv", "--select", "gcv", "--groups", "a=a", "--group-penalty", "banded"],
        2,
        "--select gcv chooses one lambda, not one for each group; use --select loo, evidence or cv",
    ),
    (["fit", "data.csv", "--metric", "auc"], 2, "--metric 'auc' does not fit the family gaussian"),
    (["fit", "data.csv", "--drop", "a,b,c"], 1, "data.csv: no feature is left"),
    (["fit", "separated.csv", "--lambda", "0"], 1, "no finite solution at lambda 0"),
    (
        ["fit", "separated.csv", "--lambda", "1", "--penalty-factor", "a=0"],
        1,
        "no finite solution at any lambda: the classes are separated by a, which penalty factors of 0 leave"
        " unpenalized; give penalty factors larger than 0",
    ),
]


@pytest.mark.parametrize(
    ("words", "status", "message"), DATA, ids=lambda v: " ".join(v) if isinstance(v, list) else ""
)
def test_bad_data_are_one_line_with_their_status(run, tmp_path, data, classes, words, status, message):
    (tmp_path / "folder").mkdir()
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    done = run(*words)
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.startswith(f"l2cli: error: {message}")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "words", [["--json"], ["-f", "json"], ["--format=json"], ["-qfjson"], ["-q", "--format", "json"]]
)
def test_an_error_is_an_object_too_where_json_is_asked_for(quick, data, words):
    done = quick("fit", "data.csv", "-t", "yy", *words)
    assert done.returncode == 2
    error = json.loads(done.stdout)["error"]
    assert set(error) == {"code", "message", "hint"}
    assert error["message"] == "data.csv: no column 'yy'"
    assert done.stderr == f"l2cli: error: {error['message']}; {error['hint']}\n"


def test_wrong_usage_is_an_object_too_where_json_is_asked_for(quick):
    done = quick("fit", "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout) == {
        "error": {
            "code": "usage",
            "message": "DATA is missing",
            "hint": "give a file, or - for standard input",
        }
    }


def test_what_only_looks_like_json_is_not_taken_for_it(quick):
    done = quick("fit", "-t", "y", "-f", "csv", "--", "json", "--json")
    assert (done.returncode, done.stdout) == (2, "")


def test_control_characters_of_the_data_are_escaped(quick, tmp_path):
    (tmp_path / "odd.csv").write_text("a\x1b[31m,y\n1,2\n2,3\n3,1\n")
    done = quick("fit", "odd.csv", "-t", "z\x07\n")
    assert "no column 'z\\x07\\n'" in done.stderr
    assert "a\\x1b[31m" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_traceback_is_shown_only_on_demand(run, data):
    quiet, loud = run("fit", "none.csv"), run("fit", "none.csv", env={"L2CLI_DEBUG": "1"})
    assert "Traceback" not in quiet.stderr
    assert "Traceback" in loud.stderr
    assert loud.stderr.endswith(quiet.stderr)
    assert (quiet.returncode, loud.returncode) == (3, 3)


@pytest.fixture
def broken(monkeypatch):
    """Return a function that runs the command line with a dispatcher that raises an error."""
    from l2cli.cli import app

    monkeypatch.delenv("L2CLI_DEBUG", raising=False)
    monkeypatch.setenv("PYTHONWARNINGS", os.environ.get("PYTHONWARNINGS", "default"))

    def run_with(error: BaseException, *words: str) -> int:
        def fail(_: list[str]) -> int:
            raise error

        monkeypatch.setattr(app, "_dispatch", fail)
        return int(app.run(list(words)))

    return run_with


def test_an_error_of_ours_is_reported_as_internal(broken, capfd):
    assert broken(ZeroDivisionError("a\nb"), "fit", "--json") == 70
    out, err = capfd.readouterr()
    assert err == (
        "l2cli: error: internal error (ZeroDivisionError: a b); please report it; "
        "L2CLI_DEBUG=1 shows the traceback\n"
    )
    assert json.loads(out)["error"]["code"] == "internal"


def test_lack_of_memory_is_said_as_such(broken, capfd):
    assert broken(MemoryError(), "fit") == 1
    assert capfd.readouterr().err.startswith("l2cli: error: not enough memory")


LOST = """
import sys, time
from l2cli.cli import app

class Finalized:
    def __del__(self):
        raise KeyboardInterrupt

def work(words):
    Finalized()
    time.sleep(30)
    return 0

app._dispatch = work
sys.exit(app.run([]))
"""


def test_an_interrupt_in_a_finalizer_is_heard_and_quiet(environment):
    done = subprocess.run(
        [sys.executable, "-c", LOST], env=environment, capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")
