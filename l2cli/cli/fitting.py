"""What ``fit`` and ``explain`` do alike: from their options to a fit at a lambda given or chosen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from l2cli.cli.choosing import Selection
from l2cli.cli.inferring import Inferring
from l2cli.cli.job import Job
from l2cli.cli.modelling import FitModelling
from l2cli.cli.options import Columns, Reading, SavingOutput

if TYPE_CHECKING:
    from l2cli.models.model import Model


class Fitted(Protocol):
    """A result with the model that it is about."""

    @property
    def model(self) -> Model:
        """The model to be saved."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain Python."""
        ...


def run_fit(
    data: str, columns: Columns, reading: Reading, modelling: FitModelling, selection: Selection,
    inferring: Inferring, output: SavingOutput, solver: Callable[[], Callable[..., Fitted]],
) -> int:  # fmt: skip
    """Check the options, read, fit and write; ``solver`` loads the work once the file is read."""
    inference = inferring.kind()
    modelling.check_against(selection, inference)
    model, select = modelling.spec(), selection.spec(inference)
    roles, spec, other = columns.spec(selection), reading.spec(), selection.file(data)
    job = Job(output, [data, *modelling.files(), *([] if other is None else [other])])
    dataset = job.dataset(data, spec, roles, model)
    schema = dataset.schema
    table = None if other is None else job.labelled(other, spec, schema, schema.targets)
    solve = solver()
    with job.solving() as progress:
        result = solve(dataset, model, select, progress, inference, table)
    return job.finish(result.to_dict(), model=result.model)
