"""The completion scripts: made from the options, and tried in the shells they are for."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from l2cli.cli.columns import print_columns
from l2cli.cli.completion import SCRIPTS, Choice, Shape, main, scripts, shapes, values_of

FOLDER = Path(__file__).resolve().parents[2] / "completions"

# Names that a shell would act on if they ever came to it unquoted.
NAMES = (
    "$(touch ran)",
    "`touch ran`",
    "*",
    "a b",
    "x;touch ran",
    "it's",
    'say "hi"',
    "c,d",
    "plain",
    "k:v",
    "p=q",
    "back\\slash",
    "!bang",
    "~",
    "-dash",
    "ünï",
    "y",
)


def shell(name: str) -> str:
    """Return the path of a shell; where there is none, skip at home and fail in continuous integration."""
    found = shutil.which(name)
    if found is None and os.environ.get("CI"):
        pytest.fail(f"{name} is not installed: .ci/run installs it")
    if found is None:
        pytest.skip(f"{name} is not installed (apt-get install {name})")
    return found


@pytest.fixture
def odd(tmp_path, environment):
    """Write ``f.csv`` with the odd names, and return an environment where ``l2cli`` is a command."""
    cells = ",".join('"' + name.replace('"', '""') + '"' for name in NAMES)
    (tmp_path / "f.csv").write_text(f"{cells}\n" + ",".join("1" for _ in NAMES) + "\n", encoding="utf-8")
    shutil.copy(tmp_path / "f.csv", tmp_path / "my file.csv")
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "l2cli"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m l2cli "$@"\n')
    program.chmod(0o755)
    return {**environment, "PATH": f"{folder}{os.pathsep}{environment['PATH']}", "HOME": str(tmp_path)}


# ---------------------------------------------------------------- what is made


def test_the_scripts_in_the_repository_are_those_that_the_options_make():
    for name, text in scripts().items():
        assert (FOLDER / name).read_text(encoding="utf-8") == text, (
            "run: python -m l2cli.cli.completion completions"
        )


def test_the_folder_holds_the_four_scripts(tmp_path):
    main(str(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(SCRIPTS)
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(SCRIPTS)


def test_every_script_knows_every_command_and_option():
    for name, text in scripts().items():
        for shape in shapes():
            assert shape.name in text
            for option in shape.options:
                for spelling in option.names:
                    bare = spelling.lstrip("-") if name == "l2cli.fish" else spelling
                    assert re.search(rf"(?<![\w-]){re.escape(bare)}(?![\w-])", text), (name, spelling)


def test_an_option_with_two_meanings_cannot_be_made():
    one = Choice(("--x",), "column", (), "", False)
    other = Choice(("--x",), "file", (), "", False)
    with pytest.raises(ValueError, match="--x means something else in b"):
        values_of([Shape("a", "", (), (one,)), Shape("b", "", (), (other,))])


def test_nothing_in_a_script_evaluates_text():
    for name, text in scripts().items():
        assert re.search(r"\beval\b|Invoke-Expression|\bsource\s+/|iex\b", text) is None, name


# ---------------------------------------------------------------- the names of a file


def columns(capfd: pytest.CaptureFixture[str], *words: str) -> list[str]:
    assert print_columns(words) == 0
    return capfd.readouterr().out.splitlines()


def test_names_are_printed_one_a_line(odd, tmp_path, capfd):
    assert columns(capfd, str(tmp_path / "f.csv")) == list(NAMES)


@pytest.mark.parametrize(
    "line",
    [
        "fit f.csv -t",
        "fit -t '' f.csv",
        "fit --seed 3 -q f.csv -x",
        "cv --json -qk 5 f.csv --drop",
        "fit -t y --folds=5 -- f.csv",
        "predict m.json f.csv --id",
        "predict --threshold 0.5 m.json f.csv --id ''",
        "convert lambda=3 f.csv -t",
        "fit f.csv --unknown -t",
    ],
)
def test_the_file_is_found_on_the_line(odd, tmp_path, capfd, monkeypatch, line):
    monkeypatch.chdir(tmp_path)
    words = [word.strip("'") for word in line.split(" ")]
    assert columns(capfd, "--line", *words) == list(NAMES)
    assert columns(capfd, "--line", "--list", *words) == [name.replace(",", "\\,") for name in NAMES]


def test_quoting_of_the_line_is_undone(odd, tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for word in (
        "my\\ file.csv",
        "'my file.csv'",
        '"my file.csv"',
        "my' 'file.csv",
        "~/f.csv",
        "$HOME/f.csv",
    ):
        assert columns(capfd, "--line", "--quoted", "fit", word, "-t") == list(NAMES), word
    assert columns(capfd, "--line", "--quoted", "fit", "$(touch ran)", "-t") == []
    assert not (tmp_path / "ran").exists()


def test_reading_options_of_the_line_are_followed(tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("s.csv").write_text("a;b,c\n1;2\n")
    assert columns(capfd, "--line", "fit", "s.csv", "--delimiter", ";", "-t") == ["a", "b,c"]
    assert columns(capfd, "--line", "--quoted", "fit", "s.csv", "--delimiter", "';'", "-t") == ["a", "b,c"]
    assert columns(capfd, "--line", "fit", "s.csv", "--delimiter=;", "--no-header", "-t") == ["x1", "x2"]


@pytest.mark.parametrize(
    "words",
    ["", "none.csv", "--line", "--line fit", "--line fit - -t", "--line zzz f.csv", "empty.csv", "."],
)
def test_where_there_is_nothing_to_offer_nothing_is_said(tmp_path, capfd, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    Path("empty.csv").write_text("")
    assert print_columns(words.split()) == 0
    assert capfd.readouterr() == ("", "")


def test_names_that_no_line_can_hold_are_left_out(tmp_path, capfd):
    (tmp_path / "f.csv").write_text('"a\nb",c\x1b[31m,d\n1,2,3\n')
    assert columns(capfd, str(tmp_path / "f.csv")) == ["d"]


# ---------------------------------------------------------------- bash

BASH = """
source "$1"; shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
_l2cli l2cli "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
((${#COMPREPLY[@]})) && printf '%s\\n' "${COMPREPLY[@]}"
exit 0
"""


@pytest.fixture
def bash(odd, tmp_path):
    """Return a function that gives what bash offers for the last of the words of a line."""
    program = shell("bash")

    def complete(*words: str) -> list[str]:
        done = subprocess.run(
            [program, "--norc", "-c", BASH, "bash", str(FOLDER / "l2cli.bash"), *words],
            cwd=tmp_path,
            env=odd,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert not (tmp_path / "ran").exists()
        return done.stdout.splitlines()

    return complete


def reads_as(program: str, words: list[str], env: dict[str, str]) -> list[str]:
    """Return what a shell makes of words on its command line."""
    command = "printf '%s\\n' " + " ".join(words)
    done = subprocess.run([program, "-c", command], env=env, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_bash_offers_commands_options_values_and_files(bash):
    assert bash("l2cli", "f") == ["fit"]
    assert bash("l2cli", "--v") == ["--version"]
    assert bash("l2cli", "fit", "f.csv", "--lam") == ["--lambda", "--lambdas", "--lambda-scale"]
    assert bash("l2cli", "path", "f.csv", "--lam") == ["--lambdas", "--lambda-scale"]
    families = ["auto", "gaussian", "binomial", "multinomial", "poisson", "gamma", "tweedie"]
    assert bash("l2cli", "fit", "f.csv", "--family", "") == families
    assert bash("l2cli", "fit", "f.csv", "--family", "=", "g") == ["gaussian", "gamma"]
    assert bash("l2cli", "fit", "f.csv", "--seed", "") == []
    assert bash("l2cli", "fit", "f.") == ["f.csv"]
    assert bash("l2cli", "fit", "f.csv", "-o", "my") == ["my file.csv"]


def test_bash_quotes_column_names(bash, odd, tmp_path):
    found = bash("l2cli", "fit", "f.csv", "--id", "")
    assert reads_as(shell("bash"), found, odd) == list(NAMES)
    assert bash("l2cli", "fit", "my\\ file.csv", "--id", "") == found
    assert bash("l2cli", "fit", '"my file.csv"', "--weights", "") == found
    assert not (tmp_path / "ran").exists()


def test_bash_completes_inside_quotes(bash, odd):
    offered = {"'": list(NAMES), '"': [name for name in NAMES if "!" not in name]}
    for quote, names in offered.items():
        found = bash("l2cli", "fit", "f.csv", "--id", quote)
        # Readline adds the quote that closes the word, unless the word ends in one.
        closed = [f"{quote}{word}{'' if word.endswith(quote) else quote}" for word in found]
        assert reads_as(shell("bash"), closed, odd) == names
    assert bash("l2cli", "fit", "f.csv", "--id", "'pl") == ["plain"]
    assert bash("l2cli", "fit", "f.csv", "--id", '"a ') == ["a b"]


def test_bash_completes_what_stands_after_a_break(bash):
    assert bash("l2cli", "fit", "f.csv", "--id", "=", "pl") == ["plain"]
    assert bash("l2cli", "fit", "f.csv", "--id", "=") == bash("l2cli", "fit", "f.csv", "--id", "")
    assert bash("l2cli", "fit", "f.csv", "--id", "k", ":") == ["v"]
    assert bash("l2cli", "fit", "f.csv", "--id", "p", "=", "q") == ["q"]
    assert bash("l2cli", "fit", "f.csv", "-x", "plain,a") == ["plain,a\\ b"]
    assert bash("l2cli", "fit", "f.csv", "-x", "c") == ["c\\\\\\,d"]
    assert bash("l2cli", "fit", "f.csv", "--penalty-factor", "pl") == ["plain="]


def test_bash_inserts_a_name_that_does_nothing(odd, tmp_path):
    env = {**odd, "TERM": "dumb", "PS1": "READY> "}
    child = pexpect.spawn(
        shell("bash"), ["--norc", "--noprofile"], cwd=str(tmp_path), env=env, encoding="utf-8", timeout=30,
        dimensions=(24, 200),
    )  # fmt: skip
    child.expect_exact("READY> ")
    child.sendline(f"bind 'set enable-bracketed-paste off'; source {FOLDER / 'l2cli.bash'}; echo loaded")
    child.expect_exact("loaded\r\n")
    child.sendline("set -- ; show() { printf '<%s>' \"$@\"; }; echo ready")
    child.expect_exact("ready\r\n")
    for typed, inserted in (
        ("\\$", "$(touch ran)"),
        ("x", "x;touch ran"),
        ("'it", "it's"),
        ('"say', 'say "hi"'),
    ):
        child.send(f"l2cli fit f.csv --id {typed}\t")
        child.send("\x01show \r")  # at the start of the line: another command gets the same words
        child.expect(re.escape(f"<l2cli><fit><f.csv><--id><{inserted}>"))
    child.sendeof()
    child.close()
    assert not (tmp_path / "ran").exists()


# ---------------------------------------------------------------- zsh


def test_zsh_completes_and_inserts_names_that_do_nothing(odd, tmp_path):
    env = {**odd, "TERM": "dumb", "ZDOTDIR": str(tmp_path)}
    child = pexpect.spawn(
        shell("zsh"), ["-f", "-i"], cwd=str(tmp_path), env=env, encoding="utf-8", timeout=30, echo=False,
        dimensions=(60, 250),
    )  # fmt: skip
    child.sendline(
        f"PS1='READY> '; setopt no_beep; fpath=({FOLDER} $fpath); autoload -Uz compinit; compinit -u -D; "
        "show() { zle -I; print -r -- \"LINE<$BUFFER>\"; BUFFER= }; zle -N show; bindkey '^Xp' show; "
        "print load''ed"
    )
    child.expect_exact("loaded\r\n")
    expected = {
        "l2cli pa": "l2cli path ",
        "l2cli fit f.csv --pena": "l2cli fit f.csv --penalty-factor=",
        "l2cli fit f.csv --family gau": "l2cli fit f.csv --family gaussian ",
        "l2cli fit my": "l2cli fit my\\ file.csv ",
        "l2cli fit f.csv --id pl": "l2cli fit f.csv --id plain ",
        "l2cli fit my\\ file.csv --id pl": "l2cli fit my\\ file.csv --id plain ",
        "l2cli fit f.csv --id \\$": "l2cli fit f.csv --id \\$\\(touch\\ ran\\) ",
        "l2cli fit f.csv --id \\`": "l2cli fit f.csv --id \\`touch\\ ran\\` ",
        "l2cli fit f.csv --id x": "l2cli fit f.csv --id x\\;touch\\ ran ",
        "l2cli fit f.csv --id \\*": "l2cli fit f.csv --id \\* ",
        "l2cli fit f.csv --id \\~": "l2cli fit f.csv --id \\~ ",
        "l2cli fit f.csv --id 'it": "l2cli fit f.csv --id 'it'\\''s' ",
        "l2cli fit f.csv --id=pl": "l2cli fit f.csv --id=plain ",
        "l2cli fit f.csv -x plain,a\\ ": "l2cli fit f.csv -x plain,a\\ b ",
        "l2cli fit f.csv -x c": "l2cli fit f.csv -x c\\\\,d ",
        "l2cli fit f.csv --penalty-factor pl": "l2cli fit f.csv --penalty-factor plain=",
        "l2cli predict m.json f.csv --id pl": "l2cli predict m.json f.csv --id plain ",
    }
    found = {}
    for typed in expected:
        child.send(f"{typed}\t\x18p")
        child.expect(r"LINE<(.*?)>\r\n")
        found[typed] = child.match.group(1)
    child.close(force=True)
    assert found == expected
    assert not (tmp_path / "ran").exists()


# ---------------------------------------------------------------- fish


@pytest.fixture
def fish(odd, tmp_path):
    """Return a function that gives the candidates of fish for a line, without what they are for."""
    program = shell("fish")

    def complete(line: str, *flags: str) -> list[str]:
        command = f"source {FOLDER / 'l2cli.fish'}; complete {' '.join(flags)} -C $argv[1]"
        done = subprocess.run(
            [program, "--no-config", "-c", command, line],
            cwd=tmp_path,
            env=odd,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert not (tmp_path / "ran").exists()
        return [found.partition("\t")[0] for found in done.stdout.splitlines()]

    return complete


def test_fish_offers_commands_options_values_and_files(fish):
    assert fish("l2cli fi") == ["fit"]
    assert fish("l2cli fit f.csv --family ") == [
        "auto",
        "binomial",
        "gamma",
        "gaussian",
        "multinomial",
        "poisson",
        "tweedie",
    ]
    assert sorted(fish("l2cli path f.csv --lam")) == ["--lambda-scale", "--lambdas"]
    assert fish("l2cli fit f.c") == ["f.csv"]
    assert fish("l2cli fit f.csv --seed ") == []
    assert fish("l2cli fit f.csv -o my") == ["my file.csv"]


def test_fish_offers_column_names_and_quotes_them(fish, odd):
    offered = sorted(name for name in NAMES if name != "~")
    assert sorted(fish("l2cli fit f.csv --id ")) == offered
    assert sorted(fish("l2cli fit 'my file.csv' --id ")) == offered
    assert sorted(fish("l2cli fit my\\ file.csv --id=p")) == ["--id=p=q", "--id=plain"]
    inserted = fish("l2cli fit f.csv --id ", "--escape")
    assert sorted(reads_as(shell("fish"), inserted, odd)) == offered


def test_fish_completes_lists_and_pairs(fish):
    assert fish("l2cli fit f.csv -x plain,a") == ["plain,a b"]
    assert fish("l2cli fit f.csv --features=c") == ["--features=c\\,d"]
    assert fish("l2cli fit f.csv --penalty-factor pl") == ["plain="]
    assert fish("l2cli predict m.json f.csv --id pl") == ["plain"]
