"""``l2cli fit``: one model, with lambda given or chosen."""

from __future__ import annotations

from l2cli.cli.binding import bind
from l2cli.cli.choosing import Selection
from l2cli.cli.inferring import Inferring
from l2cli.cli.job import Job
from l2cli.cli.modelling import FitModelling
from l2cli.cli.options import Columns, Data, Reading, SavingOutput

EXAMPLES = """\
l2cli fit data.csv
l2cli fit data.csv -t price -x 'size,rooms,area_*' --save model.json
l2cli fit data.csv --lambda 1 --no-standardize --json
l2cli fit data.csv --inference bootstrap"""


def fit(
    data: Data,
    columns: Columns,
    reading: Reading,
    modelling: FitModelling,
    selection: Selection,
    inferring: Inferring,
    output: SavingOutput,
) -> int:
    """Fit one model and show its coefficients.

    Without --lambda the strength is chosen: by exact leave-one-out for gaussian targets and pure L2,
    else by cross-validation.
    """
    inference = inferring.kind()
    modelling.check_against(selection, inference)
    model, select, roles, spec = modelling.spec(), selection.spec(), columns.spec(selection), reading.spec()
    job = Job(output, [data, *modelling.files()])
    dataset = job.dataset(data, spec, roles, model)
    from l2cli.api.fit import fit_dataset

    with job.solving() as progress:
        result = fit_dataset(dataset, model, select, progress, inference)
    return job.finish(result.to_dict(), model=result.model)


COMMAND = bind(fit, EXAMPLES)
