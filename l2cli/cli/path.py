"""``l2cli path``: coefficients along the path of lambdas."""

from __future__ import annotations

from l2cli.cli.binding import bind
from l2cli.cli.job import Job
from l2cli.cli.modelling import CertifiedModelling
from l2cli.cli.options import Columns, Data, Output, Reading
from l2cli.spec import refuse_several_mixes

EXAMPLES = """\
l2cli path data.csv
l2cli path data.csv --lambdas 100,10,1,0
l2cli path data.csv --lambdas auto:20 -f csv -o path.csv"""


def path(
    data: Data, columns: Columns, reading: Reading, modelling: CertifiedModelling, output: Output
) -> int:
    """Show the coefficients at each lambda, from strong to weak."""
    model, roles, spec = modelling.spec(), columns.spec(), reading.spec()
    refuse_several_mixes(model, "path")
    job = Job(output, [data, *modelling.files()])
    dataset = job.dataset(data, spec, roles, model)
    from l2cli.api.path import path_dataset

    with job.solving():
        result = path_dataset(dataset, model)
    return job.finish(result.to_dict())


COMMAND = bind(path, EXAMPLES)
