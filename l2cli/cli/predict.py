"""``l2cli predict``: a saved model applied to new rows."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from l2cli.cli import values
from l2cli.cli.applying import Applying, SavedModel
from l2cli.cli.binding import bind
from l2cli.cli.job import Job
from l2cli.cli.options import Data, Output, Reading

EXAMPLES = """\
l2cli predict model.json new.csv > predictions.csv
l2cli predict model.json new.csv --id name --unseen baseline
l2cli predict model.json new.csv --interval 0.9
cat new.csv | l2cli predict model.json - -o predictions.csv"""


class Predicting(Applying):
    """How the rows are predicted, and which column goes with them."""

    id: Annotated[
        str | None,
        typer.Option("--id", metavar="COL", help="column carried through to predictions; no feature"),
    ] = None
    interval: Annotated[
        str | None,
        typer.Option(
            "--interval", metavar="LEVEL", help="also an interval for the target, 0.9 say (numbers)"
        ),
    ] = None

    def level(self) -> float | None:
        """Return the level of the intervals asked for."""
        if self.interval is None:
            return None
        from l2cli.models.intervals import check_level

        return check_level(values.number(self.interval, "--interval"))


def predict(model: SavedModel, data: Data, applying: Predicting, reading: Reading, output: Output) -> int:
    """Apply a saved model: one prediction per row, in order; CSV unless --format or --output says else."""
    cut, unseen, spec, level = applying.cut(), applying.unseen_rule(), reading.spec(), applying.level()
    id_column = values.column(applying.id, "--id")
    job = Job(output, [model, data], default="csv")
    loaded = applying.load(model)
    if level is not None:
        from l2cli.models.intervals import check_interval

        check_interval(loaded, level)
    from l2cli.data.needed import exact_columns, needed_columns

    known = loaded.data
    needed, exact = needed_columns(known, id_column), exact_columns(known, known.id, id_column)
    table = job.table(data, spec._replace(like=known.dialect), needed, exact)
    from l2cli.api.predict import predict_table

    with job.solving():
        result = predict_table(loaded, table, unseen=unseen, threshold=cut, id_column=id_column, level=level)
    # As a dictionary there is an object per row: too much where only the columns are written.
    summary: dict[str, Any] = {"data": {"notes": result.notes}, "warnings": result.warnings}
    content = result.to_dict() if job.format == "json" else summary
    return job.finish(content, columns=result.columns)


COMMAND = bind(predict, EXAMPLES)
