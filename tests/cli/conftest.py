"""The command as its users start it: a process of its own, with streams of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from numpy.random import default_rng

import l2cli

SETTINGS = {
    "NO_COLOR",
    "FORCE_COLOR",
    "TERM",
    "COLUMNS",
    "L2CLI_DEBUG",
    "PYTHONWARNINGS",
    "OPENBLAS_NUM_THREADS",
}

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def environment() -> dict[str, str]:
    """Return an environment where the package under test is found and nothing of this terminal is."""
    kept = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    assert l2cli.__file__ is not None
    return {**kept, "PYTHONPATH": str(Path(l2cli.__file__).parents[1]), "LC_ALL": "C.UTF-8"}


@pytest.fixture
def run(tmp_path: Path, environment: dict[str, str]) -> Run:
    """Return a function that runs ``l2cli`` in ``tmp_path`` and returns the finished process."""

    def start(
        *words: str, env: Mapping[str, str] | None = None, **settings: object
    ) -> subprocess.CompletedProcess[str]:
        options: dict[str, object] = {
            "capture_output": True,
            "stdin": subprocess.DEVNULL,
            "text": True,
            "timeout": 120,
        }
        if "input" in settings:
            del options["stdin"]
        if "stdout" in settings:
            options.update(capture_output=False, stderr=subprocess.PIPE)
        command = [sys.executable, "-m", "l2cli", *words]
        done: subprocess.CompletedProcess[str] = subprocess.run(  # type: ignore[call-overload]
            command, cwd=tmp_path, env={**environment, **(env or {})}, check=False, **(options | settings)
        )
        return done

    return start


class Done(NamedTuple):
    """How a command ended that ran in this process."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def quick(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    """Return a function that runs ``l2cli`` in this process, for what needs none of its own."""
    from l2cli.cli.app import run as run_app

    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")  # the command would set it for its workers
    monkeypatch.chdir(tmp_path)

    def start(*words: str) -> Done:
        capfd.readouterr()
        status = run_app(list(words))
        return Done(int(status), *capfd.readouterr())

    return start


@pytest.fixture
def quick_json(quick: Callable[..., Done]) -> Callable[..., Any]:
    """Return a function that runs ``l2cli`` in this process with ``--json`` and returns what it answers."""

    def start(*words: str) -> Any:
        done = quick(*words, "--json", "--quiet")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return start


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Write a small regression, ``data.csv``: 40 rows of y = 1 + 2 a - b + noise."""
    noise = default_rng(0).normal(size=40)
    rows = [(i % 7, (3 * i) % 5, i % 2) for i in range(40)]
    lines = [f"{a},{b},{c},{1 + 2 * a - b + e:.4f}" for (a, b, c), e in zip(rows, noise, strict=True)]
    path = tmp_path / "data.csv"
    path.write_text("a,b,c,y\n" + "\n".join(lines) + "\n")
    return path


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    """Write a small classification, ``classes.csv``, with a text target and an id."""
    noise = default_rng(1).normal(size=60)
    sides = ["yes" if i % 7 + 2 * e > 3 else "no" for i, e in enumerate(noise)]
    lines = [f"r{i},{i % 7},{(3 * i) % 5},{side}" for i, side in enumerate(sides)]
    path = tmp_path / "classes.csv"
    path.write_text("name,a,b,bought\n" + "\n".join(lines) + "\n")
    return path
