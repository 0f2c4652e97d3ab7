"""How the time grows with the data: ``python tests/benchmarks/growth.py --plot FILE.svg [--scale 0.01]``.

Measures ``l2cli cv``, R's cv.glmnet and scikit-learn, each a whole process from the file to the answer (10
folds, 100 lambdas), on freshly drawn data: with more and more rows at 20 columns, and with more and more
columns at 20,000 rows, 2e8 cells at most. A program that is not done at the limit of time is stopped and
left out of the larger sizes. Prints a table with the accuracy of the smaller answers and draws the curves.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from l2bench.accuracy import certify
from l2bench.contenders import Contender, L2cli, PythonScript, RScript
from l2bench.plot import Curve, Panel, draw
from l2bench.problems import Problem, Recipe, make
from l2bench.process import Measurement, ProcessError, compile_package, measure
from l2bench.tables import show
from run import machine

CERTIFIED = 5e6  # cells up to which answers are certified: the reference solve takes longer than the race
LEAST = 1000, 100  # rows and columns that a scaled run keeps

SKLEARN = {
    "gaussian": ("ridge_sklearn.py", "0"),
    "lasso": ("lasso_sklearn.py", "{l1_ratio}"),
    "binomial": ("logistic_sklearn.py", "lbfgs"),
}
TASKS = {"gaussian": "ridge", "lasso": "lasso", "binomial": "logistic L2"}


@dataclass(frozen=True)
class Series:
    """One axis of growth. sizes : (rows, columns) from small to large."""

    title: str
    axis: str
    symbol: str
    by_rows: bool
    sizes: tuple[tuple[int, int], ...]


def all_series(scale: float) -> list[Series]:
    """Return the two series; ``scale`` is a share of the largest one's cells."""
    most = max(LEAST[0], int(1e7 * scale))
    rows = tuple((n, 20) for n in (1_000, 10_000, 100_000, 1_000_000, 10_000_000) if n <= most)
    widest, tall = max(LEAST[1], int(3_000 * scale**0.5)), max(LEAST[0], int(20_000 * scale))
    columns = tuple((tall, p) for p in (10, 30, 100, 300, 1_000, 3_000) if p <= widest)
    return [
        Series("more rows", "rows (20 columns)", "n", True, rows),
        Series("more columns", f"columns ({tall:,} rows)", "p", False, columns),
    ]


def recipe_of(task: str, rows: int, columns: int) -> Recipe:
    """Return the data of a task at one size."""
    if task == "lasso":
        return Recipe("gaussian", rows, columns, effects=max(1, columns // 4), l1_ratio=1)
    return Recipe(task, rows, columns)


def contenders(task: str) -> list[Contender]:
    """Return the programs of a task that are here; name the others."""
    options = ("--l1-ratio", "{l1_ratio}") if task == "lasso" else ()
    script, argument = SKLEARN[task]
    programs: list[Contender] = [
        L2cli("l2cli, CSV", "cv", "{csv}", "--seed", "{seed}", *options, as_json=True),
        L2cli("l2cli, Parquet", "cv", "{parquet}", "--seed", "{seed}", *options, as_json=True),
        RScript("cv.glmnet", "cv_glmnet.R", "glmnet", "data.table"),
        PythonScript("scikit-learn", script, "sklearn", "pandas", arguments=(argument,)),
    ]
    for program in programs:
        if missing := program.missing():
            print(f"  {program.name}: not measured ({missing})", flush=True)
    return [program for program in programs if not program.missing()]


def run(program: Contender, problem: Problem, folder: Path, limit: float) -> tuple[Measurement, list[str]]:
    """Measure one process; return what it took and two cells of accuracy, empty for the large ones."""
    out = folder / "answer.txt"
    took = measure(program.command(problem, 0), out, limit=limit)
    if took.stopped or problem.X.size > CERTIFIED:
        return took, ["", ""]
    solution = program.solution(out.read_text(encoding="utf-8", errors="replace"), problem)
    if solution is None:
        return took, ["", ""]
    found = certify(problem.family, problem.X, problem.y, solution)
    return took, [f"{max(0.0, found.excess):.0e}", f"{found.kkt:.0e}"]


def grow(
    task: str, series: Series, seed: int, limit: float, folder: Path, curves: list[Curve]
) -> Iterator[list[str]]:
    """Measure one panel: fill ``curves`` and yield the rows of the table."""
    running = contenders(task)
    by_name = {program.name: Curve(program.name) for program in running}
    curves += by_name.values()
    for k, (rows, columns) in enumerate(series.sizes):
        if not running:
            return
        csv = any("Parquet" not in program.name for program in running)
        problem = make(recipe_of(task, rows, columns), np.random.SeedSequence([seed, k]), folder, csv)
        size = rows if series.by_rows else columns
        for program in list(running):
            try:
                took, accuracy = run(program, problem, folder, limit)
            except ProcessError as error:
                print(f"  {program.name}: FAILED, left out ({error})", flush=True)
                running.remove(program)
                continue
            if took.stopped:
                by_name[program.name].stopped = size
                running.remove(program)
            else:
                by_name[program.name].points.append((size, took.wall_s))
            wall = f"{'> ' * took.stopped}{took.wall_s:.3g}"
            cells = [TASKS[task], f"{rows:,}", f"{columns:,}", program.name, wall, f"{took.peak_mb:.0f}"]
            print("  " + "  ".join(cells), file=sys.stderr, flush=True)
            yield cells + accuracy


def parse() -> argparse.Namespace:
    """Read the options."""
    parser = argparse.ArgumentParser(description="Measure how the time grows with rows and columns.")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="write the curves here")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the largest size, to try it")
    parser.add_argument("--limit", type=float, default=120, help="seconds until a program is stopped (120)")
    parser.add_argument("--only", metavar="TASK,...", help=f"of: {', '.join(TASKS)}")
    parser.add_argument("--seed", type=int, help="repeat a run (default: a fresh one)")
    parser.add_argument("--markdown", action="store_true", help="print the table as markdown")
    options = parser.parse_args()
    options.tasks = options.only.split(",") if options.only else list(TASKS)
    if unknown := sorted(set(options.tasks) - set(TASKS)):
        parser.error(f"no task {', '.join(unknown)}")
    return options


def main() -> None:
    """Measure, print the table, draw the curves."""
    options = parse()
    seed = options.seed if options.seed is not None else secrets.randbits(32)
    print(f"{machine()}; seed {seed}")
    compile_package()
    table: list[list[str]] = []
    grid: list[list[Panel]] = []
    with tempfile.TemporaryDirectory(prefix="l2bench-") as name:
        for series in all_series(options.scale):
            grid.append([])
            for task in options.tasks:
                curves: list[Curve] = []
                table += grow(task, series, seed, options.limit, Path(name), curves)
                grid[-1].append(Panel(f"{TASKS[task]}, {series.title}", series.axis, series.symbol, curves))
    header = ["task", "rows", "columns", "program", "wall s", "peak MB", "J excess", "KKT"]
    print("", show(header, table, options.markdown), sep="\n")
    if options.plot:
        note = (
            f"Whole processes from the file to the answer, 10 folds x 100 lambdas; {machine()}. "
            "Exponents: between the two largest sizes."
        )
        options.plot.write_text(draw("Time of cross-validation", note, grid, options.limit), encoding="utf-8")


if __name__ == "__main__":
    main()
