"""Race l2cli against its rivals: ``python tests/benchmarks/run.py [--only NAME,...] [--markdown]``.

Every contender is a whole process, measured from start to end; in each round all of them run once, in turn,
on data freshly drawn from a new random seed, and every second round runs them backwards. Times are medians
over the rounds, ratios medians of the ratios within a round. Slower rivals run in the first round alone, and
one that is not done at the limit of time is stopped: its time then counts, and is shown, as more than that.
Beside each time stands the accuracy of the answer, the worst over the rounds: how far J lies above its
minimum, and the largest violation of the optimality conditions, each at the lambda the program itself chose.
A promise is kept only by an answer that is exact to 1e-8 in both.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

import numpy as np
from l2bench.accuracy import Accuracy, certify
from l2bench.contenders import INTERPRETERS, Contender, L2cli
from l2bench.contests import CONTESTS, Contest
from l2bench.problems import Problem, Recipe, make
from l2bench.process import Measurement, ProcessError, compile_package, measure
from l2bench.tables import show

EXACT = 1e-8  # what counts as a right answer of ours: excess of J and KKT residual


@dataclass
class Record:
    """All rounds of one contender."""

    times: list[Measurement] = field(default_factory=list)
    accuracy: list[Accuracy] = field(default_factory=list)

    @property
    def stopped(self) -> bool:
        """True where a round ran into the limit of time."""
        return any(m.stopped for m in self.times)

    def wall(self) -> str:
        """Return the median wall time for the table."""
        value = median(m.wall_s for m in self.times)
        return f"> {value:.0f}" if self.stopped else f"{value:.3g}"

    def worst(self) -> tuple[float, float] | None:
        """Return the largest excess and KKT residual; None where nothing was certified."""
        if not self.accuracy:
            return None
        return max(0.0, *(a.excess for a in self.accuracy)), max(a.kkt for a in self.accuracy)


@dataclass(frozen=True)
class Verdict:
    """One promised ratio and what was measured.

    bound : the rival was stopped, the true ratio is smaller. exact : our answers were.
    """

    contest: str
    ours: str
    rival: str
    ratio: float
    limit: float
    memory_ratio: float
    memory_limit: float | None
    bound: bool
    exact: bool

    @property
    def kept(self) -> bool:
        """True where both limits hold and the answer is exact."""
        memory = self.memory_limit is None or self.memory_ratio <= self.memory_limit
        return self.ratio <= self.limit and memory and self.exact


Records = dict[str, Record]


def contenders_here(contenders: Sequence[Contender]) -> list[Contender]:
    """Return the contenders that can run here; name the others."""
    present = []
    for contender in contenders:
        if missing := contender.missing():
            print(f"  {contender.name}: not measured ({missing})", flush=True)
        else:
            present.append(contender)
    return present


def race(
    contest: Contest, rounds: int, recipe: Recipe, settings: argparse.Namespace, folder: Path
) -> Records:
    """Run every contender that is here in its rounds; return the measurements by name.

    Where our own command fails there is nothing to compare, and the contest ends.
    """
    always, once = contenders_here(contest.contenders), contenders_here(contest.once)
    records = {contender.name: Record() for contender in [*always, *once]}
    for k in range(rounds):
        problem = make(recipe, np.random.SeedSequence([settings.seed, k]), folder)
        order = list(always) if k % 2 == 0 else always[::-1]
        for contender in [*order, *(once if k == 0 else [])]:
            try:
                run_once(contender, problem, k, folder, records[contender.name], settings.limit)
            except ProcessError as error:
                print(f"  {contender.name}: FAILED, left out ({error})", flush=True)
                if contender in always:
                    always.remove(contender)
                del records[contender.name]
                if isinstance(contender, L2cli) and not any(isinstance(c, L2cli) for c in always):
                    return {}
        print(f"  round {k + 1} of {rounds}", file=sys.stderr, flush=True)
    return records


def run_once(
    contender: Contender, problem: Problem, seed: int, folder: Path, record: Record, limit: float
) -> None:
    """Measure one process and certify its answer. ``limit`` : seconds after which a rival is stopped."""
    out = folder / "answer.txt"
    limit = 0 if isinstance(contender, L2cli) else limit
    record.times.append(measure(contender.command(problem, seed), out, contender.columns, limit))
    took = record.times[-1]
    line = f"  {contender.name}: {'> ' * took.stopped}{took.wall_s:.3g} s, cpu {took.cpu_s:.3g} s"
    solution = None
    if not took.stopped:
        if again := contender.answer_command(problem, seed):
            measure(again, out)
        solution = contender.solution(out.read_text(encoding="utf-8", errors="replace"), problem)
    if solution is not None:
        found = certify(problem.family, problem.X, problem.y, solution, problem.recipe.group_size)
        record.accuracy.append(found)
        line += f", J excess {found.excess:.0e}, KKT {found.kkt:.0e}"
        if found.reference_kkt > EXACT:
            line += f" (the reference is known to a KKT of {found.reference_kkt:.0e} only)"
    print(line, file=sys.stderr, flush=True)


def judge(contest: Contest, records: Records) -> list[Verdict]:
    """Compare the measured ratios with the promised ones, over the rounds that both ran."""
    verdicts = []
    for target in contest.targets:
        if target.ours not in records or target.rival not in records:
            continue
        ours, rival = records[target.ours], records[target.rival]
        pairs = list(zip(ours.times, rival.times, strict=False))
        time = median(a.wall_s / b.wall_s for a, b in pairs)
        memory = median(a.peak_mb / b.peak_mb for a, b in pairs)
        exact = max(ours.worst() or (0.0,)) <= EXACT
        verdicts.append(
            Verdict(
                contest.name,
                target.ours,
                target.rival,
                time,
                target.time,
                memory,
                target.memory,
                rival.stopped,
                exact,
            )
        )
    return verdicts


def table_of(contest: Contest, records: Records) -> list[list[str]]:
    """Return the rows of the table of measurements."""
    rows = []
    for name, record in records.items():
        walls = [m.wall_s for m in record.times]
        rows.append(
            [
                contest.name,
                name,
                record.wall(),
                f"{min(walls):.3g} to {max(walls):.3g}" if len(walls) > 1 else "once",
                f"{median(m.cpu_s for m in record.times):.3g}",
                f"{median(m.peak_mb for m in record.times):.0f}",
                *(f"{value:.0e}" for value in record.worst() or ()),
                *([""] * (0 if record.accuracy else 2)),
            ]
        )
    return rows


def verdict_rows(verdicts: Sequence[Verdict]) -> list[list[str]]:
    """Return the rows of the table of ratios."""
    rows = []
    for v in verdicts:
        limit = "" if v.memory_limit is None else f"{v.memory_limit:g}"
        memory = "" if v.memory_limit is None else f"{v.memory_ratio:.2f}"
        ratio = f"{'< ' * v.bound}{v.ratio:.3f}"
        kept = "yes" if v.kept else "NO" if v.exact else "NO, not exact"
        rows.append([v.contest, v.ours, v.rival, ratio, f"{v.limit:g}", memory, limit, kept])
    return rows


MEASURED = ["contest", "program", "wall s", "from to", "cpu s", "peak MB", "J excess", "KKT"]
PROMISED = ["contest", "program", "beside", "time ratio", "at most", "memory ratio", "at most", "kept"]


def machine() -> str:
    """Say in one line what this ran on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{platform.system()} {platform.machine()}, {cores} cores, Python {platform.python_version()}"


def profile(contest: Contest, recipe: Recipe, entropy: int, folder: Path) -> None:
    """Print where the time of our own command goes."""
    problem = make(recipe, np.random.SeedSequence([entropy, 0]), folder)
    ours = next(c for c in contest.contenders if isinstance(c, L2cli))
    arguments = ours.command(problem, 0)[1:]
    script = Path(__file__).parent / "l2bench" / "profiled.py"
    command = [sys.executable, str(script), *arguments]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    lines = text.splitlines()
    first = next(k for k, line in enumerate(lines) if " function calls " in line)
    print(*lines[first : first + 40], sep="\n")


def parse() -> argparse.Namespace:
    """Read the options."""
    parser = argparse.ArgumentParser(description="Race l2cli against its rivals.")
    parser.add_argument("--only", metavar="NAME,...", help=f"of: {', '.join(c.name for c in CONTESTS)}")
    parser.add_argument("--pairs", type=int, help="rounds (default: 5, 11 for the small contests)")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the rows, to try the harness")
    parser.add_argument("--seed", type=int, help="repeat a run (default: a fresh one)")
    parser.add_argument("--limit", type=float, default=120, help="seconds until a rival is stopped (120)")
    for where, variable in INTERPRETERS.items():
        text = f"Python that has the rivals l2cli does not need (default: ${variable}, else this one)"
        parser.add_argument(f"--{where}-python", metavar="PATH", help=text)
    parser.add_argument("--markdown", action="store_true", help="print the tables as markdown")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every single measurement")
    parser.add_argument("--profile", action="store_true", help="profile our own command instead of racing")
    options = parser.parse_args()
    names = options.only.split(",") if options.only else [c.name for c in CONTESTS]
    unknown = sorted(set(names) - {c.name for c in CONTESTS})
    if unknown:
        parser.error(f"no contest {', '.join(unknown)}")
    options.contests = [c for c in CONTESTS if c.name in names]
    for where, variable in INTERPRETERS.items():
        if path := vars(options)[f"{where}_python"]:
            os.environ[variable] = path
    if options.seed is None:
        options.seed = secrets.randbits(32)
    return options


def main() -> int:
    """Run the contests; exit status 1 where a promised ratio is missed or our own command failed."""
    options = parse()
    measured, verdicts, everything = [], [], {}
    print(f"{machine()}; seed {options.seed}")
    compile_package()
    with tempfile.TemporaryDirectory(prefix="l2bench-") as name:
        for contest in options.contests:
            recipe = contest.recipe if options.scale == 1 else contest.recipe.scaled(options.scale)
            print(f"{contest.name}: {recipe.rows} x {recipe.columns} {recipe.family}", file=sys.stderr)
            if options.profile:
                profile(contest, recipe, options.seed, Path(name))
                continue
            records = race(contest, options.pairs or contest.pairs, recipe, options, Path(name))
            measured += table_of(contest, records)
            verdicts += judge(contest, records)
            everything[contest.name] = {key: asdict(record) for key, record in records.items()}
            if options.json:  # after every contest: a long run may be interrupted
                text = json.dumps({"seed": options.seed, "contests": everything}, indent=1)
                options.json.write_text(text, encoding="utf-8")
    if measured:
        print("", show(MEASURED, measured, options.markdown), sep="\n")
    if verdicts:
        print("", show(PROMISED, verdict_rows(verdicts), options.markdown), sep="\n")
    failed = [name for name, records in everything.items() if not records]
    return 1 if failed or not all(v.kept for v in verdicts) else 0


if __name__ == "__main__":
    sys.exit(main())
