"""Start-up time is a feature: what a command loads, and above all what it does not."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

REPORT = """
import sys
from l2cli.cli.app import run
status = run(sys.argv[1:])
sys.stderr.write("LOADED " + " ".join(sorted({name.split(".")[0] for name in sys.modules})))
sys.exit(status)
"""
NUMBERS = {"numpy", "scipy", "pandas", "pyarrow", "sklearn", "joblib"}
HEAVY = (NUMBERS - {"numpy"}) | {"rich", "pydantic", "asyncio", "unittest"}


@pytest.fixture
def loaded(tmp_path, environment):
    """Return a function that runs a command and returns (standard output, the packages it loaded)."""

    def load(*words: str, text: str | None = None) -> tuple[str, set[str]]:
        done = subprocess.run(
            [sys.executable, "-c", REPORT, *words],
            cwd=tmp_path,
            env=environment,
            input=text or "",
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout, set(done.stderr.rpartition("LOADED ")[2].split())

    return load


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["--version"]])
def test_the_first_page_loads_no_option_library(loaded, words):
    out, packages = loaded(*words)
    assert "l2cli" in out
    assert packages & (NUMBERS | HEAVY | {"typer", "inspect", "dataclasses"}) == set()


@pytest.mark.parametrize(
    "command", ["fit", "cv", "path", "compare", "tradeoff", "predict", "evaluate", "convert"]
)
def test_the_help_of_a_command_loads_no_numbers(loaded, command):
    out, packages = loaded(command, "--help")
    assert out.startswith(f"Usage: l2cli {command} ")
    assert packages & (NUMBERS | HEAVY) == set()


@pytest.mark.parametrize(
    "words",
    [
        ["fit", "data.csv"],
        ["fit", "data.csv", "--json"],
        ["cv", "data.csv", "-f", "csv"],
        ["path", "data.csv"],
        ["tradeoff", "data.csv"],
        ["fit", "-"],
    ],
)
def test_a_small_file_loads_numpy_and_nothing_heavier(loaded, data, words):
    _, packages = loaded(*words, text=data.read_text())
    assert "numpy" in packages
    assert packages & HEAVY == set()


def test_predictions_load_numpy_and_nothing_heavier(loaded, run, data):
    assert run("fit", "data.csv", "--save", "m.json", "-q").returncode == 0
    for command in ("predict", "evaluate"):
        _, packages = loaded(command, "m.json", "data.csv")
        assert packages & HEAVY == set()


def test_column_names_load_no_numbers(loaded, data):
    out, packages = loaded("__columns", "data.csv")
    assert out == "a\nb\nc\ny\n"
    assert packages & (NUMBERS | HEAVY | {"typer"}) == set()


def test_conversion_without_a_file_loads_no_numbers(loaded):
    _, packages = loaded("convert", "sklearn_C=0.5", "--rows", "455")
    assert packages & (NUMBERS | HEAVY) == set()


def test_the_package_itself_is_light(environment):
    code = "import sys, l2cli; l2cli.UsageError; print(' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert {name.split(".")[0] for name in done.stdout.split()} & (NUMBERS | HEAVY | {"typer"}) == set()


def test_every_public_name_can_be_had():
    import l2cli

    assert sorted(l2cli.__all__) == dir(l2cli)
    for name in l2cli.__all__:
        assert getattr(l2cli, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        l2cli.nothing  # noqa: B018


def test_the_version_has_one_source(run):
    import l2cli

    assert run("--version").stdout == f"l2cli {l2cli.__version__}\n"
    root = Path(__file__).resolve().parents[2]
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["dynamic"] == ["version"]
    place = root / project["tool"]["hatch"]["version"]["path"]
    assert f'__version__ = "{l2cli.__version__}"' in place.read_text(encoding="utf-8")


@pytest.mark.parametrize("settings", [{}, {"OMP_NUM_THREADS": "2"}, {"OPENBLAS_NUM_THREADS": "2"}])
def test_the_library_of_linear_algebra_is_held_to_one_thread_unless_the_user_says_otherwise(
    monkeypatch, settings
):
    from l2cli.cli.threads import SPARED, spare_threads

    monkeypatch.delitem(sys.modules, "numpy")
    environment = dict(settings)
    assert spare_threads(environment) is not bool(settings)
    assert environment == (settings or {"OPENBLAS_NUM_THREADS": "1", SPARED: "1"})


def test_it_is_too_late_once_numpy_is_there():
    import numpy as np

    from l2cli.cli.threads import spare_threads

    environment: dict[str, str] = {}
    assert not spare_threads(environment)
    assert environment == {}
    assert np.__name__ in sys.modules
