"""The options of choosing lambda: folds, the rule, and how it is judged."""

# No `from __future__ import annotations` here: the annotations are what counts, and evaluating them from text
# costs a command 5 ms.
from dataclasses import replace
from typing import Annotated, ClassVar

import typer

from l2cli.cli import values
from l2cli.cli.binding import OptionGroup
from l2cli.cli.options import words
from l2cli.cli.output import refuse_overlap
from l2cli.errors import UsageError
from l2cli.gap import Gap
from l2cli.spec import FOLDLESS, METRICS, MOST_REPEATS, RULES, SELECTORS, UNSEEN, SelectSpec

LAST_ROWS = "give the last rows as a file, --holdout FILE: a part is drawn at random"


class Choosing(OptionGroup):
    """Folds and how they are judged, as ``cv`` and ``compare`` have them."""

    heading: ClassVar[str] = "Choosing lambda"

    folds: Annotated[
        str | None, typer.Option("--folds", "-k", metavar="K", help="number of folds (default 10)")
    ] = None
    repeats: Annotated[
        str | None, typer.Option("--repeats", metavar="R", help="repeat with new folds (default 1)")
    ] = None
    fold_column: Annotated[
        str | None,
        typer.Option("--fold-column", metavar="COL", help="column with the fold of each row; no feature"),
    ] = None
    group_column: Annotated[
        str | None,
        typer.Option("--group-column", metavar="COL", help="rows of one group stay in one fold; no feature"),
    ] = None
    time_column: Annotated[
        str | None,
        typer.Option("--time-column", metavar="COL", help="train on earlier rows, test on later; no feature"),
    ] = None
    gap: Annotated[
        str | None,
        typer.Option("--gap", metavar="GAP", help="left out before tested rows: 20 rows, or 7d, 12h, 30min"),
    ] = None
    metric: Annotated[
        str | None,
        typer.Option(
            "--metric",
            metavar=words(METRICS),
            help="what is compared (default: deviance, for gaussian the mse)",
        ),
    ] = None
    seed: Annotated[str, typer.Option("--seed", metavar="N", help="seed of the folds")] = "0"
    jobs: Annotated[
        str | None,
        typer.Option(
            "--jobs", "-j", metavar="N", help="processes, -1 for all cores (default: as many as help)"
        ),
    ] = None

    def spec(self) -> SelectSpec:
        """Return the checked description of how lambda is chosen."""
        self._check_folds()
        return SelectSpec(
            folds=None if self.folds is None else values.whole(self.folds, "--folds", 2),
            repeats=SelectSpec.repeats
            if self.repeats is None
            else values.whole(self.repeats, "--repeats", 1, MOST_REPEATS),
            metric=None if self.metric is None else values.choice(self.metric, "--metric", METRICS),
            seed=values.whole(self.seed, "--seed", 0),
            jobs=self._jobs(),
            gap=Gap.of(self.gap),
        )

    def _check_folds(self) -> None:
        """Refuse options that contradict one another."""
        if self.gap is not None and self.time_column is None:
            raise UsageError(
                "--gap leaves rows out before later ones, so it needs --time-column",
                hint="give the column with the time of each row",
            )
        others = [("--repeats", self.repeats), ("--group-column", self.group_column)]
        if self.fold_column is not None:
            others += [("--folds", self.folds), ("--time-column", self.time_column)]
            self._refuse_idle("--fold-column gives the folds", others)
        if self.time_column is not None:
            self._refuse_idle("--time-column puts the folds in order", others)

    @staticmethod
    def _refuse_idle(reason: str, others: list[tuple[str, str | None]]) -> None:
        for option, value in others:
            if value is not None:
                raise UsageError(f"{reason}, so {option} has nothing to do", hint="drop one")

    def _jobs(self) -> int | None:
        if self.jobs is None or self.jobs.strip() == "-1":
            return None if self.jobs is None else -1
        return values.whole(self.jobs, "--jobs", 1)


class Rule(Choosing):
    """Folds, and the rule that picks lambda from the curve."""

    rule: Annotated[
        str | None,
        typer.Option("--rule", metavar=words(RULES), help="the best, or within one se of it (default min)"),
    ] = None

    def spec(self) -> SelectSpec:
        """Return the checked description of how lambda is chosen."""
        rule = "min" if self.rule is None else values.choice(self.rule, "--rule", RULES)
        return replace(super().spec(), rule=rule)


class Judging(Rule):
    """Everything about choosing lambda, as ``cv`` has it."""

    nested: Annotated[
        bool,
        typer.Option("--nested", help="also tune lambda anew inside every fold: the error of the procedure"),
    ] = False

    def spec(self) -> SelectSpec:
        """Return the checked description of how lambda is chosen and judged."""
        return replace(super().spec(), nested=self.nested)


class Selection(Rule):
    """Everything about choosing lambda, as ``fit`` has it."""

    select: Annotated[
        str | None,
        typer.Option("--select", metavar=words(SELECTORS), help="how lambda is chosen (default auto)"),
    ] = None
    holdout: Annotated[
        str | None,
        typer.Option(
            "--holdout",
            metavar="FRACTION|FILE",
            help="judge by a part of the rows kept aside (0.25), or by a file of others",
        ),
    ] = None
    unseen: Annotated[
        str | None,
        typer.Option("--unseen", metavar=words(UNSEEN), help="levels of other rows that the model never saw"),
    ] = None

    def spec(self, inference: str | None = None) -> SelectSpec:
        """Return the checked description of how lambda is chosen.

        A bootstrap (the kind of ``inference``) draws whole groups however lambda is chosen.
        """
        select = "auto" if self.select is None else values.choice(self.select, "--select", SELECTORS)
        unseen = "error" if self.unseen is None else values.choice(self.unseen, "--unseen", UNSEEN)
        holdout = values.part_or_file(self.holdout)
        found = replace(super().spec(), select=select, holdout=holdout, unseen=unseen)
        if found.select in FOLDLESS:
            idle = {"--folds", "--repeats", "--fold-column", "--time-column"}
            drawn = isinstance(holdout, float)
            idle |= set() if drawn or inference == "bootstrap" else {"--group-column"}
            way = "--holdout" if self.select in (None, "auto") else f"--select {select}"
            for option, value in self.given():
                if option in idle:
                    later = drawn and option == "--time-column"
                    raise UsageError(
                        f"{way} has no folds, so {option} {value} has nothing to do",
                        hint=LAST_ROWS if later else "drop one",
                    )
        return found

    def file(self, data: str) -> str | None:
        """Return the file of rows to judge by, None without one; ``data`` is what the model is fitted to.

        Raises
        ------
        UsageError
            If it is standard input as ``data`` is, or holds rows that are fitted.
        DataError
            If there is no such file.
        """
        holdout = values.part_or_file(self.holdout)
        if not isinstance(holdout, str):
            return None
        if holdout == data == "-":
            raise UsageError(
                "DATA and --holdout are both standard input, which holds one table",
                hint="give a file for one",
            )
        refuse_overlap("--holdout", holdout, data)
        return holdout

    def given(self) -> list[tuple[str, str]]:
        """Return the (option, value) pairs given that only act where lambda is chosen."""
        pairs = (
            ("--select", self.select),
            ("--holdout", self.holdout),
            ("--unseen", self.unseen),
            ("--rule", self.rule),
            ("--metric", self.metric),
            ("--folds", self.folds),
            ("--repeats", self.repeats),
            ("--fold-column", self.fold_column),
            ("--group-column", self.group_column),
            ("--time-column", self.time_column),
        )
        return [(option, value) for option, value in pairs if value is not None]
