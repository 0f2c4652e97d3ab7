"""``l2cli inspect``: what is in a file, and what a fit would make of it."""

from __future__ import annotations

from l2cli.cli.binding import bind
from l2cli.cli.job import Job
from l2cli.cli.options import Columns, Data, Output, Reading

EXAMPLES = """\
l2cli inspect data.csv
l2cli inspect data.csv -t price --drop 'note_*'
l2cli inspect data.csv --json"""


def inspect(data: Data, columns: Columns, reading: Reading, output: Output) -> int:
    """Show what is in a file, and what a fit would make of it.

    Every column with its role, missing cells, range or levels; what should be looked at twice (copies,
    identifiers, constant columns, values far out, labels spelled in two ways, columns that give the target
    away); and the command line that a plain fit amounts to.
    """
    roles, spec = columns.spec(), reading.spec()
    job = Job(output, [data])
    from l2cli.data.schema import LabelColumns

    table = job.table(data, spec, verbatim=LabelColumns(roles))
    from l2cli.api.inspect import inspect_table

    return job.finish(inspect_table(table, roles, spec).to_dict())


COMMAND = bind(inspect, EXAMPLES)
