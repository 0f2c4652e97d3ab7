"""The help: every option of the contract in the commands that have it, and none that does nothing there."""

from __future__ import annotations

import re

import pytest

from l2cli.cli.app import load_command
from l2cli.cli.commands import COMMANDS
from l2cli.cli.completion import shapes
from l2cli.report.screens.features import SHOWN

COLUMNS = """--target -t --features -x --drop --id --positive --weights --offset --exposure --categorical
    --numeric --dates --interactions --coding --reference --missing"""
READING = "--delimiter --decimal --encoding --na --no-header --max-expanded"
MODEL = """--family --tweedie-power --l1-ratio --lambdas --lambda-scale --penalty-factor --bounds
    --groups --group-penalty --group-lambda
    --standardize --no-standardize --intercept --no-intercept"""
FOLDS = "--folds -k --repeats --fold-column --group-column --time-column --gap --metric --seed --jobs -j"
OUTPUT = "--output -o --format -f --json --no-clobber --quiet -q --verbose -v --color --strict"
DATA = f"{COLUMNS} {READING} {MODEL}"

# What the contract lists, as far as this version has the method behind it.
OPTIONS = {
    "fit": f"""{DATA} --lambda --relax-gamma --tol {FOLDS} --select --holdout --unseen --rule --inference
    {OUTPUT} --no-progress --save""",
    "cv": f"{DATA} --relax-gamma --tol {FOLDS} --rule --nested {OUTPUT} --no-progress --save",
    "explain": f"""{DATA} --lambda --relax-gamma --tol {FOLDS} --select --holdout --unseen --rule --inference
    {OUTPUT} --no-progress --save""",
    "path": f"{DATA} --relax-gamma --tol {OUTPUT}",
    "compare": f"{DATA} {FOLDS} --models {OUTPUT} --no-progress",
    "tradeoff": f"{DATA} {FOLDS} --simulate --draws {OUTPUT} --no-progress",
    "predict": f"{READING} --unseen --threshold --id --interval {OUTPUT}",
    "evaluate": f"{READING} --unseen --threshold {OUTPUT}",
    "inspect": f"{COLUMNS} {READING} {OUTPUT}",
    "convert": f"""{COLUMNS} {READING} --family --l1-ratio --intercept --no-intercept --rows --weight-sum
    --target-sd {OUTPUT}""",
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_the_options_of_the_contract_and_no_other(name):
    shape = next(shape for shape in shapes() if shape.name == name)
    found = {spelling for option in shape.options for spelling in option.names}
    assert found == set(OPTIONS[name].split()) | {"-h", "--help"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained_in_the_help(quick, name):
    done = quick(name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    for spelling in OPTIONS[name].split():
        assert re.search(rf"{spelling}[ ,\n]", done.stdout)
    assert "Examples:\n" in done.stdout
    assert done.stdout.count(f"l2cli {name} ") >= 3
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_help_texts_are_short_and_alike():
    texts: dict[str, str] = {}
    for shape in shapes():
        for option in shape.options:
            assert option.summary
            assert len(option.summary) <= 75, option.names
            assert not option.summary.endswith("."), option.names
            assert option.summary[0] == option.summary[0].lower() or option.summary[:3].isupper(), (
                option.names
            )
            if option.names[0] not in {
                "--family",
                "--l1-ratio",
                "--intercept",
            }:  # convert says what they mean there
                assert texts.setdefault(option.names[0], option.summary) == option.summary


def test_the_help_says_which_format_is_the_default(quick):
    told = " ".join(quick("predict", "--help").stdout.split())
    assert "default: by the ending of --output, else table (predict: csv)" in told
    assert "one prediction per row, in order; CSV unless --format or --output says else" in told


def test_the_help_says_how_many_rows_a_terminal_shows(quick):
    told = " ".join(quick("fit", "--help").stdout.split())
    assert f"a terminal shows {SHOWN} rows" in told


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_the_first_page_names_every_command(quick, words):
    done = quick(*words)
    assert (done.returncode, done.stderr) == (0, "")
    for name, entry in COMMANDS.items():
        assert f"  {name} " in done.stdout
        assert entry.summary in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 88


def test_options_may_stand_before_the_data(quick, data):
    done = quick("fit", "-t", "y", "--family", "gaussian", "--lambda", "1", "--", "data.csv")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("words", "changed"),
    [
        (["--standardize"], False),
        (["--no-standardize"], True),
        (["--no-intercept"], True),
        (["--penalty-factor", "a=0"], True),
        (["-x", "a,b"], True),
        (["-x", "a", "-x", "b"], True),
        (["--drop", "c"], True),
        (["--id", "c"], True),
        (["--weights", "c"], True),
        (["--offset", "c"], True),
        (["--categorical", "b"], True),
        (["--interactions", "a:b"], True),
        (["--dates"], False),
        (["--coding", "treatment"], False),
        (["--lambda-scale", "mean"], True),
        (["--na", "3"], True),
        (["--delimiter", ","], False),
        (["--decimal", "."], False),
        (["--encoding", "latin-1"], False),
    ],
)
def test_options_of_a_fit_act(quick, data, words, changed):
    plain = quick("fit", "data.csv", "-t", "y", "--lambda", "1", "-f", "csv", "-q")
    other = quick("fit", "data.csv", "-t", "y", "--lambda", "1", "-f", "csv", "-q", *words)
    assert (plain.returncode, other.returncode) == (0, 0)
    assert (plain.stdout != other.stdout) == changed


@pytest.mark.parametrize(
    "words",
    [
        ["--folds", "4"],
        ["--repeats", "2"],
        ["--fold-column", "c"],
        ["--group-column", "a", "-k", "5"],
        ["--metric", "mae"],
        ["--seed", "1"],
        ["--lambdas", "1,2"],
        ["--rule", "1se"],
    ],
)
def test_options_of_a_cross_validation_act(quick, data, words):
    plain, other = quick("cv", "data.csv", "-q", "--json"), quick("cv", "data.csv", "-q", "--json", *words)
    assert (plain.returncode, other.returncode) == (0, 0)
    assert without_time(plain.stdout) != without_time(other.stdout)


def test_the_number_of_jobs_changes_nothing(quick, data):
    one, two = (
        quick("cv", "data.csv", "-q", "--json", "-j", "1"),
        quick("cv", "data.csv", "-q", "--json", "-j", "-1"),
    )
    assert without_time(one.stdout) == without_time(two.stdout)


def without_time(text: str) -> str:
    return text.partition('"timing"')[0]


def test_a_command_is_known_by_its_own_name():
    assert [load_command(name).name for name in COMMANDS] == list(COMMANDS)


def test_help_is_a_command_too(quick):
    assert quick("help", "fit").stdout == quick("fit", "--help").stdout
    assert quick("help").stdout == quick("--help").stdout
