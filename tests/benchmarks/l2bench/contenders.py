"""The programs that are measured: one adapter each, with its command and the reading of its answer."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from l2bench.accuracy import Solution
from l2bench.answers import read_lines, read_result
from l2bench.problems import Problem

RIVALS = Path(__file__).parent / "rivals"

# Python rivals that need not be installed beside l2cli, and the variable that names their interpreter.
INTERPRETERS = {"rival": "L2BENCH_PYTHON", "adelie": "L2BENCH_ADELIE_PYTHON"}


@cache
def has_r_package(name: str) -> bool:
    """Return True where Rscript runs and knows the package."""
    if shutil.which("Rscript") is None:
        return False
    test = f"quit(status = !requireNamespace('{name}', quietly = TRUE))"
    return subprocess.run(["Rscript", "-e", test], capture_output=True, check=False).returncode == 0


@cache
def has_python_package(python: str, name: str) -> bool:
    """Return True where this interpreter finds the package."""
    if python == sys.executable:
        return find_spec(name) is not None
    test = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({name!r}) is None)"
    return subprocess.run([python, "-c", test], capture_output=True, check=False).returncode == 0


def interpreter(where: str) -> str:
    """Return the Python named for these rivals, or this one."""
    return os.environ.get(INTERPRETERS.get(where, ""), "") or sys.executable


def filled(arguments: tuple[str, ...], problem: Problem, seed: int) -> list[str]:
    """Put the problem in place of {csv}, {parquet}, {family}, {l1_ratio}, {group_size}, {groups}, {seed}."""
    recipe = problem.recipe
    values = {
        "csv": str(problem.csv),
        "parquet": str(problem.parquet),
        "family": recipe.family,
        "l1_ratio": f"{recipe.l1_ratio:g}",
        "group_size": str(recipe.group_size),
        "groups": problem.groups() if recipe.group_size > 1 else "",
        "seed": str(seed),
    }
    return [argument.format(**values) for argument in arguments]


class Contender(ABC):
    """A program in a contest. ``columns`` > 0: it is measured on a terminal of that width."""

    name: str
    columns: int = 0

    def missing(self) -> str:
        """Return what is missing here, or nothing."""
        return ""

    @abstractmethod
    def command(self, problem: Problem, seed: int) -> list[str]:
        """Return the command that is timed."""

    def answer_command(self, problem: Problem, seed: int) -> list[str] | None:
        """Return a command to run untimed for its answer where the timed one prints for people."""
        return None

    def solution(self, text: str, problem: Problem) -> Solution | None:
        """Read the answer from the output; None where there is nothing to certify."""
        return None


class L2cli(Contender):
    """The program under test: ``l2cli`` beside this Python, with the arguments given (see ``filled``)."""

    def __init__(self, name: str, *arguments: str, columns: int = 0, as_json: bool = False) -> None:
        self.name, self.arguments, self.columns, self.as_json = name, arguments, columns, as_json

    def missing(self) -> str:
        """Return what is missing here, or nothing."""
        return "" if self.program() else "no l2cli beside this Python"

    @staticmethod
    def program() -> str | None:
        """Return the path of the installed command."""
        return shutil.which("l2cli", path=str(Path(sys.executable).parent))

    def command(self, problem: Problem, seed: int) -> list[str]:
        """Return the command that is timed; with ``as_json`` its output is also the answer."""
        arguments = filled(self.arguments, problem, seed)
        return [self.program() or "l2cli", *arguments, *(["--json"] if self.as_json else [])]

    def answer_command(self, problem: Problem, seed: int) -> list[str] | None:
        """Return the same command with ``--json``, unless the timed one has it or computes nothing."""
        if self.as_json or self.arguments[0] not in {"fit", "cv"}:
            return None
        return [*self.command(problem, seed), "--json"]

    def solution(self, text: str, problem: Problem) -> Solution | None:
        """Read a ``fit`` or the refit of a ``cv``."""
        return read_result(json.loads(text), problem) if self.arguments[0] in {"fit", "cv"} else None


class PythonCode(Contender):
    """One line of Python, nothing to certify."""

    def __init__(self, name: str, code: str, needs: str) -> None:
        self.name, self.code, self.needs = name, code, needs

    def missing(self) -> str:
        """Return what is missing here, or nothing."""
        return "" if find_spec(self.needs) else f"no {self.needs}"

    def command(self, problem: Problem, seed: int) -> list[str]:
        """Return the command that is timed."""
        return [sys.executable, "-c", self.code]


class PythonScript(Contender):
    """A Python script of rivals/ on the CSV file, with more arguments where it takes them (see ``filled``).

    ``where`` : "here", or a key of INTERPRETERS for the interpreter that runs it.
    """

    def __init__(
        self,
        name: str,
        script: str,
        *needs: str,
        arguments: tuple[str, ...] = (),
        where: str = "here",
        answers: bool = True,
    ) -> None:
        self.name, self.script, self.needs, self.answers = name, script, needs, answers
        self.arguments, self.where = ("{csv}", *arguments), where

    def missing(self) -> str:
        """Return what is missing here, or nothing."""
        python = interpreter(self.where)
        if shutil.which(python) is None:
            return f"no Python at {python}"
        absent = [name for name in self.needs if not has_python_package(python, name)]
        hint = f"; name a Python that has it in {INTERPRETERS[self.where]}" if self.where != "here" else ""
        return ", ".join(f"no {name}" for name in absent) + (hint if absent else "")

    def command(self, problem: Problem, seed: int) -> list[str]:
        """Return the command that is timed."""
        script = str(RIVALS / self.script)
        return [interpreter(self.where), script, *filled(self.arguments, problem, seed)]

    def solution(self, text: str, problem: Problem) -> Solution | None:
        """Read the lines it printed."""
        return read_lines(text, problem) if self.answers else None


class RScript(Contender):
    """An R script of rivals/ on the CSV file, the family, a seed and the l1 ratio."""

    def __init__(self, name: str, script: str, *packages: str) -> None:
        self.name, self.script, self.packages = name, script, packages

    def missing(self) -> str:
        """Return what is missing here, or nothing."""
        if shutil.which("Rscript") is None:
            return "no Rscript"
        return ", ".join(f"no R package {name}" for name in self.packages if not has_r_package(name))

    def command(self, problem: Problem, seed: int) -> list[str]:
        """Return the command that is timed."""
        arguments = filled(("{csv}", "{family}", "{seed}", "{l1_ratio}"), problem, seed)
        return ["Rscript", "--vanilla", str(RIVALS / self.script), *arguments]

    def solution(self, text: str, problem: Problem) -> Solution | None:
        """Read the lines it printed."""
        return read_lines(text, problem)
