"""``l2cli explain``: why the model is as it is."""

from __future__ import annotations

from collections.abc import Callable

from l2cli.cli.binding import bind
from l2cli.cli.choosing import Selection
from l2cli.cli.fitting import Fitted, run_fit
from l2cli.cli.inferring import Inferring
from l2cli.cli.modelling import FitModelling
from l2cli.cli.options import Columns, Data, Reading, SavingOutput

EXAMPLES = """\
l2cli explain data.csv
l2cli explain data.csv --id name --lambda 10
l2cli explain data.csv --groups 'body=bmi,bp;blood=s*' --json"""


def explain(
    data: Data,
    columns: Columns,
    reading: Reading,
    modelling: FitModelling,
    selection: Selection,
    inferring: Inferring,
    output: SavingOutput,
) -> int:
    """Explain a fit: what matters, what the penalty did to it, and which rows and columns it hangs on.

    Importance is shared among correlated features; shrinkage is measured against the unpenalized
    fit, and what the penalty cost and bought against having none.
    """
    return run_fit(data, columns, reading, modelling, selection, inferring, output, _solver)


def _solver() -> Callable[..., Fitted]:
    from l2cli.api.explain import explain_dataset

    return explain_dataset


COMMAND = bind(explain, EXAMPLES)
