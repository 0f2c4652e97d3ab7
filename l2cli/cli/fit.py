"""``l2cli fit``: one model, with lambda given or chosen."""

from __future__ import annotations

from collections.abc import Callable

from l2cli.cli.binding import bind
from l2cli.cli.choosing import Selection
from l2cli.cli.fitting import Fitted, run_fit
from l2cli.cli.inferring import Inferring
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

    Without --lambda the strength is chosen: with pure L2 by leave-one-out, exact for gaussian targets and
    approximate for others; else by cross-validation.
    """
    return run_fit(data, columns, reading, modelling, selection, inferring, output, _solver)


def _solver() -> Callable[..., Fitted]:
    from l2cli.api.fit import fit_dataset

    return fit_dataset


COMMAND = bind(fit, EXAMPLES)
