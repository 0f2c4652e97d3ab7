"""House rules that no linter knows: layout, sizes, imports that cost start-up time, sample data, commands."""

from __future__ import annotations

import ast
import csv
import hashlib
import importlib.util
import os
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "l2cli").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
TOP_LEVEL = {"pyproject.toml", "README.md", "LICENSE", "l2cli", "tests", "sample_data", "completions"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

LONGEST_MODULE = 400
LONGEST_FUNCTION = 60

# Packages that cost start-up time, and the modules that may import them outside a function.
HEAVY = {
    "joblib": set(),
    "pandas": set(),
    "pyarrow": set(),
    "rich": set(),
    "scipy": set(),
    "sklearn": {"l2cli/estimators/base.py", "l2cli/estimators/choosing.py"},
}
# These run before any number is needed: no numpy either.
WITHOUT_NUMPY = (
    "l2cli/cli/",
    "l2cli/report/",
    "l2cli/__init__",
    "l2cli/__main__",
    "l2cli/errors",
    "l2cli/spec",
)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported_at_start(body: list[ast.stmt]) -> Iterator[str]:
    """Yield the top-level packages a module imports when it is imported itself."""
    for node in body:
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0]
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from imported_at_start(node.orelse)
        elif isinstance(node, ast.If | ast.Try | ast.ClassDef | ast.With):
            yield from imported_at_start([n for n in ast.iter_child_nodes(node) if isinstance(n, ast.stmt)])


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def lines_of_code(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the length of a function without its docstring."""
    first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
    return (node.end_lineno or 0) - first.lineno + 1


def script(path: str) -> ModuleType:
    """Import a file of the repository that belongs to no package."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_top_level_holds_only_what_the_design_lists():
    built = re.compile(r"\.|build$|dist$|__pycache__$|.*\.egg-info$")
    assert {path.name for path in ROOT.iterdir() if not built.match(path.name)} == TOP_LEVEL


def test_no_module_has_a_name_that_says_nothing():
    assert [name_of(p) for p in MODULES if p.stem in {"utils", "helpers", "common", "misc"}] == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_and_functions_are_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE
    long = {f.name: n for f in functions(tree_of(path)) if (n := lines_of_code(f)) > LONGEST_FUNCTION}
    assert long == {}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_importing_a_module_stays_cheap(path):
    forbidden = {package for package, allowed in HEAVY.items() if name_of(path) not in allowed}
    if name_of(path).startswith(WITHOUT_NUMPY):
        forbidden.add("numpy")
    assert forbidden & set(imported_at_start(tree_of(path).body)) == set()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_sections_of_docstrings_are_underlined_on_a_line_of_their_own(path):
    assert re.findall(r"(?m)^ *(?:Notes|Parameters|Returns|Raises|References) -{3,}", path.read_text()) == []


def test_test_files_have_names_of_their_own():
    assert [name for name, count in Counter(path.name for path in TESTS).items() if count > 1] == []


def names_of_checks(tree: ast.Module) -> set[str]:
    """Return the functions of a file that assert, expect an error, or call one that does."""
    found = {"raises", "warns"}
    while True:
        new = {f.name for f in functions(tree) if f.name not in found and checks_something(f, found)}
        if not new:
            return found
        found |= new


def checks_something(node: ast.FunctionDef | ast.AsyncFunctionDef, checks: set[str]) -> bool:
    """Return True where a function asserts, or calls one of ``checks``, an assert... or a check..."""
    for part in ast.walk(node):
        if isinstance(part, ast.Assert):
            return True
        if isinstance(part, ast.Call):
            name = ast.unparse(part.func).rsplit(".", 1)[-1]
            if name in checks or name.startswith(("assert", "check")):
                return True
    return False


@pytest.mark.parametrize("path", TESTS, ids=name_of)
def test_every_test_asserts_something(path):
    tree = tree_of(path)
    tests = {f.name for f in functions(tree) if f.name.startswith("test_")}
    assert tests - names_of_checks(tree) == set()


# ------------------------------------------------------------------------------------------------ sample data


def markdown_rows(text: str, columns: int) -> list[list[str]]:
    """Return the body rows of the tables with that many columns, cells without back-quotes."""
    rows = [[c.strip().strip("`") for c in line.strip("|").split("|")] for line in text.splitlines()]
    return [row for row in rows if len(row) == columns and row[0].endswith(".csv")]


def test_the_sample_data_is_what_its_readme_says():
    folder = ROOT / "sample_data"
    text = (folder / "README.md").read_text(encoding="utf-8")
    listed = {row[0]: row[1:] for row in markdown_rows(text, 6)}
    found = {}
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as handle:
            header, *rows = csv.reader(handle)
        assert {len(row) for row in rows} == {len(header)}, path.name
        missing = sum(cell in {"", "NA"} for row in rows for cell in row)
        found[path.name] = [str(len(rows)), str(len(header)), header[-1], str(missing)]
    assert {name: [row[0], row[1], row[2], row[4]] for name, row in listed.items()} == found


def test_the_sample_data_has_not_changed():
    folder = ROOT / "sample_data"
    listed = dict(markdown_rows((folder / "README.md").read_text(encoding="utf-8"), 2))
    found = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.glob("*.csv")}
    assert listed == found


def test_every_sample_names_its_source_and_licence():
    text = (ROOT / "sample_data" / "README.md").read_text(encoding="utf-8")
    for path in (ROOT / "sample_data").glob("*.csv"):
        [section] = [part for part in text.split("\n\n") if part.startswith(f"**{path.name}**")]
        assert re.search(r"licence|Public domain", section), path.name
        assert re.search(r"From [\w-]+ \d+\.\d+", section), path.name


# ------------------------------------------------------------------------------------- commands and checks


def test_the_first_screen_of_the_readme_holds_the_two_commands():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    commands = [(k, line) for k, line in enumerate(lines) if line.startswith("python3 -m venv ")]
    assert len(commands) == 2
    assert commands[-1][0] < 30
    assert re.search(r"pip install \. .*l2cli \w+ sample_data/\w+\.csv$", commands[0][1])
    assert commands[1][1].endswith("tests/check.py")


def test_ci_runs_the_commands_of_the_readme():
    text = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "grep '^python3 -m venv ' README.md" in text
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_the_dev_extra_brings_every_program_of_the_checks():
    dev = {re.split(r"[<>=;\[ ]", line)[0] for line in PROJECT["project"]["optional-dependencies"]["dev"]}
    assert {"ruff", "mypy", "import-linter", "pytest", "pytest-xdist", "hypothesis", "pexpect"} <= dev


def test_pre_commit_fetches_nothing():
    text = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    assert set(re.findall(r"repo: (\S+)", text)) == {"local"}
    assert set(re.findall(r"language: (\S+)", text)) == {"system"}


def test_a_lost_reference_case_is_told_from_a_new_one():
    check = script("tests/check.py")
    assert check.compare_cases(["a", "b"], {"b", "c"}) == (["a"], ["c"])
    assert check.compare_cases(["a"], {"a"}) == ([], [])


def test_the_list_of_reference_cases_is_sorted():
    check = script("tests/check.py")
    listed = check.listed_cases(check.PASSING.read_text(encoding="utf-8"))
    assert listed == sorted(set(listed))
    assert check.listed_cases("# remark\n\nb\na\n") == ["b", "a"]
