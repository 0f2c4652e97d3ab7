"""Every command of the README runs and shows what the README says; ``--overwrite`` pastes the output anew.

A block of kind ``console`` holds commands (``$ ...``) and what they print to both streams. They run one after
the other, in one folder that has ``sample_data``, at 80 columns and without a terminal. Words must agree
exactly, numbers to two percent: the last digit shown may differ from one machine to the next, and a residual
of 1e-15 by more than that.
"""

from __future__ import annotations

import doctest
import math
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


@dataclass
class Example:
    """One command and the lines the README shows under it."""

    command: str
    shown: list[str]


def blocks(text: str, kind: str) -> list[str]:
    """Return the contents of the fenced blocks of a kind."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def examples_of(block: str) -> list[Example]:
    """Return the commands of a block with what stands under each."""
    examples: list[Example] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            examples.append(Example(line[2:], []))
        else:
            examples[-1].shown.append(line)
    return examples


def execute(command: str, folder: Path) -> list[str]:
    """Run a command as a reader would and return the lines it prints."""
    environment = {
        **{k: v for k, v in os.environ.items() if k not in {"NO_COLOR", "FORCE_COLOR", "L2CLI_DEBUG"}},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "80",
        "LC_ALL": "C.UTF-8",
    }
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        timeout=120,
    )
    assert done.returncode != 127, f"a program is missing: {done.stdout!r}"
    return done.stdout.decode("utf-8").splitlines()


def close(shown: str, printed: str) -> bool:
    """Return True where two numbers agree to two percent, or both are rounding errors."""
    a, b = float(shown), float(printed)
    return math.isclose(a, b, rel_tol=0.02) or max(abs(a), abs(b)) < 1e-10


def differences(shown: list[str], printed: list[str]) -> list[str]:
    """Return the lines that do not say the same, as ``shown | printed``."""
    if len(shown) != len(printed):
        return [f"{len(shown)} lines | {len(printed)} lines", *printed]
    found = []
    for a, b in zip(shown, printed, strict=True):
        words = [" ".join(NUMBER.sub("#", line).split()) for line in (a, b)]
        numbers = zip(NUMBER.findall(a), NUMBER.findall(b), strict=False)
        if words[0] != words[1] or not all(close(x, y) for x, y in numbers):
            found.append(f"{a} | {b}")
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the sample data, as a clone has it."""
    path = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "sample_data", path / "sample_data")
    return path


def test_every_command_of_the_readme_shows_what_it_says(folder, request):
    text = README.read_text(encoding="utf-8")
    wrong = []
    for block in blocks(text, "console"):
        anew = ""
        for example in examples_of(block):
            printed = execute(example.command, folder)
            anew += "\n".join([f"$ {example.command}", *printed]) + "\n"
            wrong += [f"$ {example.command}: {line}" for line in differences(example.shown, printed)]
        if request.config.getoption("--overwrite"):
            text = text.replace(f"```console\n{block}```", f"```console\n{anew}```")
    if request.config.getoption("--overwrite"):
        README.write_text(text, encoding="utf-8")
    else:
        assert wrong == []


def test_the_python_of_the_readme_runs(folder, monkeypatch):
    monkeypatch.chdir(folder)
    text = "\n".join(blocks(README.read_text(encoding="utf-8"), "python"))
    example = doctest.DocTestParser().get_doctest(text, {}, "README", str(README), 0)
    assert example.examples
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    result = doctest.DocTestRunner(optionflags=flags).run(example)
    assert result.failed == 0


def test_every_command_has_an_example():
    from l2cli.cli.commands import COMMANDS

    text = "".join(blocks(README.read_text(encoding="utf-8"), "console"))
    assert [name for name in COMMANDS if f"l2cli {name} " not in text] == []


def test_numbers_are_compared_as_numbers():
    assert differences(["rmse 54.6  (KKT 3e-15)"], ["rmse 54.7 (KKT 8e-16)"]) == []
    assert differences(["rmse 54.6"], ["rmse 57.6"]) == ["rmse 54.6 | rmse 57.6"]
    assert differences(["a"], ["b"]) == ["a | b"]
    assert differences(["a"], []) == ["1 lines | 0 lines"]
