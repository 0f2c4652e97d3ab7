"""The programs that are measured: one adapter each, with its command and the reading of its answer."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from l2bench.accuracy import Solution
from l2bench.problems import Problem

RIVALS = Path(__file__).parent / "rivals"


@cache
def has_r_package(name: str) -> bool:
    """Return True where Rscript runs and knows the package."""
    if shutil.which("Rscript") is None:
        return False
    test = f"quit(status = !requireNamespace('{name}', quietly = TRUE))"
    return subprocess.run(["Rscript", "-e", test], capture_output=True, check=False).returncode == 0


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
    """The program under test: ``l2cli`` beside this Python, with the arguments given.

    In them ``{csv}``, ``{parquet}`` and ``{seed}`` stand for the problem's files and seed.
    """

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
        values = {"csv": str(problem.csv), "parquet": str(problem.parquet), "seed": str(seed)}
        arguments = [argument.format(**values) for argument in self.arguments]
        return [self.program() or "l2cli", *arguments, *(["--json"] if self.as_json else [])]

    def answer_command(self, problem: Problem, seed: int) -> list[str] | None:
        """Return the same command with ``--json``, unless the timed one has it or computes nothing."""
        if self.as_json or self.arguments[0] not in {"fit", "cv"}:
            return None
        return [*self.command(problem, seed), "--json"]

    def solution(self, text: str, problem: Problem) -> Solution | None:
        """Read a ``fit`` or the refit of a ``cv``."""
        if self.arguments[0] not in {"fit", "cv"}:
            return None
        result = json.loads(text)
        fit = result.get("refit", result)
        coef = {row["feature"]: row["coef"] for row in fit["coefficients"]}
        values = [coef[f"x{j + 1}"] for j in range(problem.X.shape[1])]
        return Solution(fit["lambda"]["value"], fit["intercept"], np.array(values))


def read_lines(text: str, problem: Problem) -> Solution:
    """Read what the scripts in rivals/ print; a glmnet lambda is brought to the sum scale of J.

    glmnet means lambda = W g for binomial and lambda = W g / sd(y) for gaussian (divisor W).
    """
    lam = intercept = np.nan
    coef = []
    for line in text.splitlines():
        word, *rest = line.split()
        if word == "lambda":
            lam = float(rest[0])
        elif word == "glmnet_lambda":
            lam = float(rest[0]) * len(problem.y) / (problem.y.std() if problem.family == "gaussian" else 1)
        elif word == "intercept":
            intercept = float(rest[0])
        elif word == "coef":
            coef.append(float(rest[1]))
    return Solution(float(lam), float(intercept), np.array(coef))


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
    """A Python script of rivals/ on the CSV file."""

    def __init__(self, name: str, script: str, *needs: str, answers: bool = True) -> None:
        self.name, self.script, self.needs, self.answers = name, script, needs, answers

    def missing(self) -> str:
        """Return what is missing here, or nothing."""
        return ", ".join(f"no {name}" for name in self.needs if not find_spec(name))

    def command(self, problem: Problem, seed: int) -> list[str]:
        """Return the command that is timed."""
        return [sys.executable, str(RIVALS / self.script), str(problem.csv)]

    def solution(self, text: str, problem: Problem) -> Solution | None:
        """Read the lines it printed."""
        return read_lines(text, problem) if self.answers else None


class RScript(Contender):
    """An R script of rivals/ on the CSV file, the family and a seed."""

    def __init__(self, name: str, script: str, *packages: str) -> None:
        self.name, self.script, self.packages = name, script, packages

    def missing(self) -> str:
        """Return what is missing here, or nothing."""
        if shutil.which("Rscript") is None:
            return "no Rscript"
        return ", ".join(f"no R package {name}" for name in self.packages if not has_r_package(name))

    def command(self, problem: Problem, seed: int) -> list[str]:
        """Return the command that is timed."""
        return [
            "Rscript",
            "--vanilla",
            str(RIVALS / self.script),
            str(problem.csv),
            problem.family,
            str(seed),
        ]

    def solution(self, text: str, problem: Problem) -> Solution | None:
        """Read the lines it printed."""
        return read_lines(text, problem)
