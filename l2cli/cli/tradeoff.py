"""``l2cli tradeoff``: bias and variance along lambda."""

from __future__ import annotations

from typing import Annotated, ClassVar

import typer

from l2cli.cli import values
from l2cli.cli.binding import OptionGroup, bind
from l2cli.cli.choosing import Choosing
from l2cli.cli.job import Job
from l2cli.cli.modelling import Modelling
from l2cli.cli.options import Columns, Data, ProgressOutput, Reading
from l2cli.errors import UsageError
from l2cli.spec import LEAST_DRAWS, MOST_DRAWS, refuse_several_mixes

EXAMPLES = """\
l2cli tradeoff data.csv
l2cli tradeoff data.csv --simulate
l2cli tradeoff data.csv --lambdas auto:30 -f csv -o tradeoff.csv"""


class Splitting(OptionGroup):
    """How the error is split."""

    heading: ClassVar[str] = "Splitting the error"

    simulate: Annotated[
        bool,
        typer.Option("--simulate", help="take the best fit as the truth: exact parts, and Monte Carlo"),
    ] = False
    draws: Annotated[
        str | None,
        typer.Option(
            "--draws", metavar="N", help="bootstrap draws or replicates (default 400; where refitted 50)"
        ),
    ] = None

    def count(self) -> int | None:
        """Return the number of draws asked for."""
        return None if self.draws is None else values.whole(self.draws, "--draws", LEAST_DRAWS, MOST_DRAWS)

    def check_against(self, choosing: Choosing) -> None:
        """Refuse folds beside a simulation, whose truth is known."""
        for option, value in (
            ("--folds", choosing.folds),
            ("--repeats", choosing.repeats),
            ("--fold-column", choosing.fold_column),
            ("--group-column", choosing.group_column),
            ("--time-column", choosing.time_column),
            ("--jobs", choosing.jobs),
        ):
            if self.simulate and value is not None:
                raise UsageError(
                    f"--simulate knows the error of unseen rows, so {option} has nothing to do",
                    hint="drop one",
                )


def tradeoff(
    data: Data,
    splitting: Splitting,
    columns: Columns,
    reading: Reading,
    modelling: Modelling,
    choosing: Choosing,
    output: ProgressOutput,
) -> int:
    """Split the error of new rows into bias^2, variance and noise along lambda."""
    splitting.check_against(choosing)
    model, select, roles, spec = modelling.spec(), choosing.spec(), columns.spec(choosing), reading.spec()
    draws = splitting.count()
    refuse_several_mixes(model, "tradeoff")
    job = Job(output, [data, *modelling.files()])
    dataset = job.dataset(data, spec, roles, model)
    from l2cli.api.tradeoff import tradeoff_dataset

    with job.solving() as progress:
        result = tradeoff_dataset(
            dataset, model, select, simulated=splitting.simulate, draws=draws, progress=progress
        )
    return job.finish(result.to_dict())


COMMAND = bind(tradeoff, EXAMPLES)
