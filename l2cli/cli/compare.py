"""``l2cli compare``: several models on the same folds."""

from __future__ import annotations

from typing import Annotated, ClassVar

import typer

from l2cli.cli.binding import OptionGroup, bind
from l2cli.cli.choosing import Choosing
from l2cli.cli.job import Job
from l2cli.cli.modelling import Modelling
from l2cli.cli.options import Columns, Data, ProgressOutput, Reading
from l2cli.spec import refuse_several_mixes

EXAMPLES = """\
l2cli compare data.csv
l2cli compare data.csv --models ols,ridge,lasso:1se --folds 5 --repeats 10
l2cli compare data.csv --metric mae --json"""


class Candidates(OptionGroup):
    """Which models take part."""

    heading: ClassVar[str] = "Models"

    models: Annotated[
        str | None,
        typer.Option(
            "--models",
            metavar="LIST",
            help="mean, ols, ridge, lasso, enet:R, relaxed:G, group, sklearn:Name; ridge:1se",
        ),
    ] = None

    def names(self, *, groups: bool) -> tuple[str, ...]:
        """Return the models asked for; none means the sensible candidates."""
        if self.models is None:
            return ()
        from l2cli.select.candidates import parse_candidates, split_models

        names = split_models(self.models)
        # what does not exist is refused before a large file is read
        outside = [c.outside for c in parse_candidates(names, groups=groups) if c.outside is not None]
        if outside:
            from l2cli.select.outside import check_name

            for model in outside:
                check_name(model)
        return names


def compare(
    data: Data,
    candidates: Candidates,
    columns: Columns,
    reading: Reading,
    modelling: Modelling,
    choosing: Choosing,
    output: ProgressOutput,
) -> int:
    """Compare models by their error on the same folds, each tuned inside its own training rows."""
    model, select, roles, spec = modelling.spec(), choosing.spec(), columns.spec(choosing), reading.spec()
    models = candidates.names(groups=model.groups is not None)
    refuse_several_mixes(model, "compare")
    job = Job(output, [data, *modelling.files()])
    dataset = job.dataset(data, spec, roles, model)
    from l2cli.api.compare import compare_dataset

    with job.solving() as progress:
        result = compare_dataset(dataset, model, select, models, progress)
    return job.finish(result.to_dict())


COMMAND = bind(compare, EXAMPLES)
