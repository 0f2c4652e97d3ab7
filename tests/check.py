"""Run every check a contributor needs: ``python tests/check.py [STEP ...] [--fix] [--accept]``.

Steps, in this order: format, lint, types, imports, acceptance, tests. Without a name all of them run, also
after one has failed; the exit status is 0 only if none did. ``--fix`` lets the formatter and the linter mend
what they can.

The acceptance step runs the reference cases that lie beside the repository (``../shared/acceptance``) and is
passed over where they do not: a case listed in ``tests/acceptance_passing.txt`` must pass. ``--accept`` adds
the cases that pass now and are not listed; no program takes a case off the list.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PASSING = ROOT / "tests" / "acceptance_passing.txt"
RUNNER = ROOT.parent / "shared" / "acceptance" / "check_reference.py"
WORKERS = "2"


def tool(name: str) -> str:
    """Return the path of a program installed beside this Python."""
    folder = Path(sys.executable).parent
    for path in (folder / name, folder / f"{name}.exe"):
        if path.exists():
            return str(path)
    sys.exit(f"check.py: no {name} beside {sys.executable}; run: {sys.executable} -m pip install -e '.[dev]'")


def run(*command: str) -> bool:
    """Run a command at the top of the repository; return True if it succeeded."""
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def check_format(fix: bool) -> bool:
    """Compare the layout of the code with the formatter's."""
    return run(tool("ruff"), "format", *([] if fix else ["--check"]), ".")


def check_lint(fix: bool) -> bool:
    """Run the linter."""
    return run(tool("ruff"), "check", *(["--fix"] if fix else []), ".")


def check_types(_: bool) -> bool:
    """Run the type checker, strict over the package."""
    return run(tool("mypy"))


def check_imports(_: bool) -> bool:
    """Hold the layers: imports run downwards only."""
    return run(tool("lint-imports"), "--no-logo")


def check_tests(_: bool) -> bool:
    """Run the tests and the doctests on two processes; last, so that their count closes the output."""
    return run(sys.executable, "-m", "pytest", "-rs", "-n", WORKERS)


def listed_cases(text: str) -> list[str]:
    """Return the case ids of the list file: one a line, ``#`` begins a remark."""
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def compare_cases(listed: list[str], passing: set[str]) -> tuple[list[str], list[str]]:
    """Return the listed cases that do not pass, and the passing ones that are not listed."""
    return sorted(set(listed) - passing), sorted(passing - set(listed))


def check_acceptance(accept: bool) -> bool:
    """Run the reference cases and compare those that pass with the list."""
    if not RUNNER.exists():
        print("no reference cases beside the repository; passed over")
        return True
    with tempfile.TemporaryDirectory(prefix="l2cli-acceptance-") as folder:
        report = Path(folder) / "results.json"
        command = [sys.executable, str(RUNNER), "--cli", tool("l2cli"), "--jobs", WORKERS]
        done = subprocess.run([*command, "--json", str(report)], capture_output=True, text=True, check=False)
        if not report.exists():
            print(f"the runner wrote no results: {done.stdout}{done.stderr}")
            return False
        results = json.loads(report.read_text(encoding="utf-8"))
    text = PASSING.read_text(encoding="utf-8")
    passing = {r["id"] for r in results if r["status"] == "PASS"}
    lost, new = compare_cases(listed_cases(text), passing)
    print(f"{len(passing)} of {len(results)} reference cases pass, {len(listed_cases(text))} are promised")
    for case in lost:
        detail = next((r["detail"] for r in results if r["id"] == case), "the case is gone")
        print(f"lost: {case}  {detail}")
    if new and accept:
        remarks = [line for line in text.splitlines() if line.startswith("#")]
        lines = remarks + sorted([*listed_cases(text), *new])
        PASSING.write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(f"added to {PASSING.name}: {', '.join(new)}")
    elif new:
        print(f"passing and not in {PASSING.name}: {', '.join(new)}; add them with --accept")
    return not lost


STEPS: dict[str, Callable[[bool], bool]] = {
    "format": check_format,
    "lint": check_lint,
    "types": check_types,
    "imports": check_imports,
    "acceptance": check_acceptance,
    "tests": check_tests,
}


def main() -> int:
    """Run the steps asked for; return the exit status."""
    parser = argparse.ArgumentParser(description="Run every check, or the steps named.")
    parser.add_argument("steps", nargs="*", metavar="STEP", help=f"of: {', '.join(STEPS)} (default: all)")
    parser.add_argument("--fix", action="store_true", help="let formatter and linter mend what they can")
    parser.add_argument("--accept", action="store_true", help="list the reference cases that pass now")
    options = parser.parse_args()
    unknown = sorted(set(options.steps) - set(STEPS))
    if unknown:
        parser.error(f"no step {', '.join(unknown)}; there are: {', '.join(STEPS)}")
    failed = []
    for name, step in STEPS.items():
        if options.steps and name not in options.steps:
            continue
        print(f"== {name}", flush=True)
        if not step(options.accept if name == "acceptance" else options.fix):
            failed.append(name)
    if failed:
        print(f"check.py: failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
