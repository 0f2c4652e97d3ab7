"""Race l2cli against its rivals: ``python tests/benchmarks/run.py [--only NAME,...] [--markdown]``.

Every contender is a whole process, measured from start to end; in each round all of them run once, in turn,
on data freshly drawn from a new random seed, and every second round runs them backwards. Times are medians
over the rounds, ratios medians of the ratios within a round. Beside each time stands the accuracy of the
answer, the worst over the rounds: how far J lies above its minimum, and the largest violation of the
optimality conditions, each at the lambda the program itself chose.
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
from l2bench.contenders import Contender, L2cli
from l2bench.contests import CONTESTS, Contest
from l2bench.problems import Problem, make
from l2bench.process import Measurement, ProcessError, compile_package, measure


@dataclass
class Record:
    """All rounds of one contender."""

    times: list[Measurement] = field(default_factory=list)
    accuracy: list[Accuracy] = field(default_factory=list)


@dataclass(frozen=True)
class Verdict:
    """One promised ratio and what was measured."""

    ours: str
    rival: str
    ratio: float
    limit: float
    memory_ratio: float
    memory_limit: float | None

    @property
    def kept(self) -> bool:
        """True where both limits hold."""
        memory = self.memory_limit is None or self.memory_ratio <= self.memory_limit
        return self.ratio <= self.limit and memory


def race(contest: Contest, rounds: int, scale: float, entropy: int, folder: Path) -> dict[str, Record]:
    """Run every contender that is here once per round; return its measurements by name."""
    present = []
    for contender in contest.contenders:
        if missing := contender.missing():
            print(f"  {contender.name}: not measured ({missing})", flush=True)
        else:
            present.append(contender)
    records = {contender.name: Record() for contender in present}
    rows = max(contest.columns + 10, int(contest.rows * scale))
    for k in range(rounds):
        seed = np.random.SeedSequence([entropy, k])
        problem = make(contest.family, rows, contest.columns, seed, folder)
        for contender in list(present) if k % 2 == 0 else present[::-1]:
            try:
                run_once(contender, problem, k, folder, records[contender.name])
            except ProcessError as error:
                print(f"  {contender.name}: FAILED, left out ({error})", flush=True)
                present.remove(contender)
                del records[contender.name]
        print(f"  round {k + 1} of {rounds}", file=sys.stderr, flush=True)
    return records


def run_once(contender: Contender, problem: Problem, seed: int, folder: Path, record: Record) -> None:
    """Measure one process and certify its answer."""
    out = folder / "answer.txt"
    record.times.append(measure(contender.command(problem, seed), out, contender.columns))
    if again := contender.answer_command(problem, seed):
        measure(again, out)
    solution = contender.solution(out.read_text(encoding="utf-8", errors="replace"), problem)
    if solution is not None:
        record.accuracy.append(certify(problem.family, problem.X, problem.y, solution))


def judge(contest: Contest, records: dict[str, Record]) -> list[Verdict]:
    """Compare the measured ratios with the promised ones."""
    verdicts = []
    for target in contest.targets:
        if target.ours not in records or target.rival not in records:
            continue
        pairs = list(zip(records[target.ours].times, records[target.rival].times, strict=True))
        time = median(a.wall_s / b.wall_s for a, b in pairs)
        memory = median(a.peak_mb / b.peak_mb for a, b in pairs)
        verdicts.append(Verdict(target.ours, target.rival, time, target.time, memory, target.memory))
    return verdicts


def table_of(contest: Contest, records: dict[str, Record]) -> list[list[str]]:
    """Return the rows of the table of measurements."""
    rows = []
    for name, record in records.items():
        walls = [m.wall_s for m in record.times]
        accuracy = ["", ""]
        if record.accuracy:
            excess = max(0.0, *(a.excess for a in record.accuracy))
            accuracy = [f"{excess:.0e}", f"{max(a.kkt for a in record.accuracy):.0e}"]
        rows.append(
            [
                contest.name,
                name,
                f"{median(walls):.3g}",
                f"{min(walls):.3g} to {max(walls):.3g}",
                f"{median(m.cpu_s for m in record.times):.3g}",
                f"{median(m.peak_mb for m in record.times):.0f}",
                *accuracy,
            ]
        )
    return rows


def verdict_rows(verdicts: Sequence[Verdict]) -> list[list[str]]:
    """Return the rows of the table of ratios."""
    rows = []
    for v in verdicts:
        limit = "" if v.memory_limit is None else f"{v.memory_limit:g}"
        memory = "" if v.memory_limit is None else f"{v.memory_ratio:.2f}"
        rows.append(
            [v.ours, v.rival, f"{v.ratio:.3f}", f"{v.limit:g}", memory, limit, "yes" if v.kept else "NO"]
        )
    return rows


def show(header: Sequence[str], rows: Sequence[Sequence[str]], markdown: bool) -> str:
    """Lay out a table for the terminal or as markdown."""
    if markdown:
        lines = [header, ["---"] * len(header), *rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)
    widths = [max(len(line[i]) for line in [header, *rows]) for i in range(len(header))]
    return "\n".join(
        "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) for line in [header, *rows]
    )


MEASURED = ["contest", "program", "wall s", "from to", "cpu s", "peak MB", "J excess", "KKT"]
PROMISED = ["program", "beside", "time ratio", "at most", "memory ratio", "at most", "kept"]


def machine() -> str:
    """Say in one line what this ran on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{platform.system()} {platform.machine()}, {cores} cores, Python {platform.python_version()}"


def profile(contest: Contest, scale: float, entropy: int, folder: Path) -> None:
    """Print where the time of our own command goes."""
    rows = max(contest.columns + 10, int(contest.rows * scale))
    problem = make(contest.family, rows, contest.columns, np.random.SeedSequence([entropy, 0]), folder)
    ours = next(c for c in contest.contenders if isinstance(c, L2cli))
    arguments = ours.command(problem, 0)[1:]
    command = [sys.executable, "-m", "cProfile", "-s", "tottime", "-m", "l2cli", *arguments]
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
    parser.add_argument("--markdown", action="store_true", help="print the tables as markdown")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every single measurement")
    parser.add_argument("--profile", action="store_true", help="profile our own command instead of racing")
    options = parser.parse_args()
    names = options.only.split(",") if options.only else [c.name for c in CONTESTS]
    unknown = sorted(set(names) - {c.name for c in CONTESTS})
    if unknown:
        parser.error(f"no contest {', '.join(unknown)}")
    options.contests = [c for c in CONTESTS if c.name in names]
    return options


def main() -> int:
    """Run the contests; exit status 1 where a promised ratio is missed."""
    options = parse()
    entropy = options.seed if options.seed is not None else secrets.randbits(32)
    measured, verdicts, everything = [], [], {}
    print(f"{machine()}; seed {entropy}")
    compile_package()
    with tempfile.TemporaryDirectory(prefix="l2bench-") as name:
        for contest in options.contests:
            print(f"{contest.name}: {contest.rows} x {contest.columns} {contest.family}", file=sys.stderr)
            if options.profile:
                profile(contest, options.scale, entropy, Path(name))
                continue
            records = race(contest, options.pairs or contest.pairs, options.scale, entropy, Path(name))
            measured += table_of(contest, records)
            verdicts += judge(contest, records)
            everything[contest.name] = {key: asdict(record) for key, record in records.items()}
    if measured:
        print("", show(MEASURED, measured, options.markdown), sep="\n")
    if verdicts:
        print("", show(PROMISED, verdict_rows(verdicts), options.markdown), sep="\n")
    if options.json:
        options.json.write_text(
            json.dumps({"seed": entropy, "contests": everything}, indent=1), encoding="utf-8"
        )
    return 0 if all(v.kept for v in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
