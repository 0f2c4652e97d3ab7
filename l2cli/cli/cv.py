"""``l2cli cv``: lambda by cross-validation."""

from __future__ import annotations

from l2cli.cli.binding import bind
from l2cli.cli.choosing import Judging
from l2cli.cli.job import Job
from l2cli.cli.modelling import CertifiedModelling
from l2cli.cli.options import Columns, Data, Reading, SavingOutput

EXAMPLES = """\
l2cli cv data.csv
l2cli cv data.csv --lambdas 1e-3:1e4:80 --folds 5 --repeats 3
l2cli cv data.csv --nested --json
l2cli cv data.csv --group-column patient --rule 1se --save model.json"""


def cv(
    data: Data,
    columns: Columns,
    reading: Reading,
    modelling: CertifiedModelling,
    choosing: Judging,
    output: SavingOutput,
) -> int:
    """Choose lambda by cross-validation: the curve, its minimum, the error on new data, and the refit."""
    model, select, roles, spec = modelling.spec(), choosing.spec(), columns.spec(choosing), reading.spec()
    job = Job(output, [data, *modelling.files()])
    dataset = job.dataset(data, spec, roles, model)
    from l2cli.api.cv import cv_dataset

    with job.solving() as progress:
        result = cv_dataset(dataset, model, select, progress)
    return job.finish(result.to_dict(), model=result.refit.model)


COMMAND = bind(cv, EXAMPLES)
