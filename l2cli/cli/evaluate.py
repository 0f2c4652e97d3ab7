"""``l2cli evaluate``: a saved model scored on labelled rows."""

from __future__ import annotations

from l2cli.cli.applying import Applying, SavedModel
from l2cli.cli.binding import bind
from l2cli.cli.job import Job
from l2cli.cli.options import Data, Output, Reading

EXAMPLES = """\
l2cli evaluate model.json labelled.csv
l2cli evaluate model.json labelled.csv --threshold 0.3 --strict
zcat labelled.csv.gz | l2cli evaluate model.json - --json"""


def evaluate(model: SavedModel, data: Data, applying: Applying, reading: Reading, output: Output) -> int:
    """Score a saved model on rows whose target is known, and tell how they differ from the training rows."""
    cut, unseen, spec = applying.cut(), applying.unseen_rule(), reading.spec()
    job = Job(output, [model, data])
    loaded = applying.load(model)
    table = job.labelled(data, spec, loaded.data, [one.data.target for one in loaded.each()])
    from l2cli.api.evaluate import evaluate_table

    with job.solving():
        result = evaluate_table(loaded, table, unseen=unseen, threshold=cut)
    return job.finish(result.to_dict())


COMMAND = bind(evaluate, EXAMPLES)
