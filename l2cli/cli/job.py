"""One run of a command: what all of them do around the work itself, in one order.

Judge the outputs, read, work, save the model, tell what was noted, write the result, return the exit status.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from time import perf_counter
from typing import TYPE_CHECKING, Any, BinaryIO

from l2cli.cli import STARTED
from l2cli.cli.options import FORMATS, Output, ProgressOutput, SavingOutput
from l2cli.cli.output import Target, plan_file, plan_output, refuse_same
from l2cli.cli.progress import Progress
from l2cli.cli.streams import forgiving_stderr, guarded_stdout, say
from l2cli.cli.threads import spare_threads
from l2cli.errors import ExitStatus
from l2cli.spec import ColumnSpec, ModelSpec, ReadSpec

if TYPE_CHECKING:
    from l2cli.data.dataset import DataSchema, Dataset
    from l2cli.data.table import Table
    from l2cli.models.model import Model

FILE_WIDTH = 80
"""Width of the drawings in a file; its tables are as wide as they need."""


class Job:
    """What a command does around its work.

    Parameters
    ----------
    options : Output
        The options of the output group.
    inputs : sequence of str
        Everything that is read, so that no output can be one of them.
    default : str
        Format where none was asked for.

    Attributes
    ----------
    format : str
        The format of the result.

    Raises
    ------
    UsageError
        If an output cannot be written: before any work.
    """

    def __init__(self, options: Output, inputs: Sequence[str], *, default: str = "table") -> None:
        options.check()
        self._options = options
        self.format = options.chosen_format(default, FORMATS)
        clobber = not options.no_clobber
        self._target = plan_output(options.output, inputs=inputs, clobber=clobber)
        self._model_target: Target | None = None
        if isinstance(options, SavingOutput) and options.save is not None:
            self._model_target = plan_file("--save", options.save, inputs=inputs, clobber=clobber)
            refuse_same(self._target, self._model_target)
        spare_threads()
        self._chosen_family: str | None = None
        self._read_seconds = 0.0
        self._solve_seconds = 0.0

    def table(
        self,
        data: str,
        spec: ReadSpec,
        names: Collection[str] | None = None,
        verbatim: Container[str] = (),
    ) -> Table:
        """Read the file ``data``, or standard input for ``-``; of ``names`` only these columns.

        Columns of ``verbatim`` are kept as they stand too.
        """
        stdin = self._typed() if data == "-" else None
        started = perf_counter()
        from l2cli.data.read import read_table

        table = read_table(data, spec, stdin=stdin, names=names, verbatim=verbatim)
        self._read_seconds += perf_counter() - started
        return table

    def labelled(self, data: str, spec: ReadSpec, schema: DataSchema, targets: Collection[str]) -> Table:
        """Read what a model with this schema needs of the file ``data`` to be judged on its rows."""
        from l2cli.data.needed import exact_columns, needed_columns

        needed = needed_columns(schema, *targets, schema.weights)
        return self.table(data, spec._replace(like=schema.dialect), needed, exact_columns(schema))

    def _typed(self) -> BinaryIO | None:
        """Return what is typed at a terminal up to the first Ctrl-D; None where standard input is none."""
        if sys.stdin is None or not sys.stdin.isatty():
            return None
        if not self._options.quiet:
            say("note", "reading from the terminal; end the data with Ctrl-D")
        return io.BytesIO(sys.stdin.buffer.read())

    def dataset(self, data: str, spec: ReadSpec, columns: ColumnSpec, model: ModelSpec) -> Dataset:
        """Read the file ``data`` and make the rows and columns that a model is fitted to."""
        from l2cli.data.schema import LabelColumns

        table = self.table(data, spec, verbatim=LabelColumns(columns))
        started = perf_counter()
        from l2cli.data.build import build_dataset

        dataset = build_dataset(table, columns, model, consume=True)
        if model.family == "auto" and not columns.more_targets and not dataset.family_noted:
            self._chosen_family = dataset.family
        if self._options.verbose and dataset.roles is not None:
            from l2cli.data.roles import numeric_note

            told = numeric_note(dataset.roles)
            dataset.notes += [told] if told and told not in dataset.notes else []
        self._read_seconds += perf_counter() - started
        return dataset

    @contextmanager
    def solving(self) -> Iterator[Progress]:
        """Measure the work, and show its progress where that is wanted."""
        options = self._options
        wanted = not options.quiet and isinstance(options, ProgressOutput) and not options.no_progress
        started = perf_counter()
        with Progress(wanted=wanted) as progress:
            yield progress
        self._solve_seconds += perf_counter() - started

    def finish(
        self,
        result: dict[str, Any],
        *,
        model: Model | None = None,
        columns: Mapping[str, Sequence[Any]] | None = None,
    ) -> int:
        """Save the model, tell the notes and warnings, write the result, and return the exit status.

        Parameters
        ----------
        result : dict
            The result of the command; gets its ``timing`` here.
        model : Model, optional
            What ``--save`` saves.
        columns : mapping, optional
            Predictions by column: what every format but JSON shows instead of the result.
        """
        result["timing"] = self._timing()
        if self._model_target is not None and model is not None:
            self._save(model, self._model_target)  # first: a note says that it is saved
        self._tell(result)
        if self._target.is_stdout:
            self._print(result, columns)
        else:
            self._target.write([self._text(result, columns).encode("utf-8", "backslashreplace")])
        return ExitStatus.WARNED if self._options.strict and result["warnings"] else ExitStatus.DONE

    def _timing(self) -> dict[str, float | None]:
        """Return the seconds that reading, solving and everything took, and the peak memory in MB."""
        return {
            "read_s": round(self._read_seconds, 6),
            "solve_s": round(self._solve_seconds, 6),
            "total_s": round(perf_counter() - STARTED, 6),
            "peak_rss_mb": _peak_memory(),
        }

    def _tell(self, result: Mapping[str, Any]) -> None:
        """Write notes and warnings to standard error; ``--quiet`` keeps the warnings."""
        if sys.stderr is None:
            return
        from l2cli.report.paint import paint
        from l2cli.report.render import render_messages

        notes = [] if self._options.quiet else self._notes(result)
        with forgiving_stderr():
            paint(render_messages(notes, result["warnings"]), sys.stderr, self._options.color)
            sys.stderr.flush()

    def _notes(self, result: Mapping[str, Any]) -> list[str]:
        """Return what the user should know: choices made, and with ``--verbose`` where the time went."""
        data = result.get("data", {})
        notes = list(data.get("notes", ()))
        # A screen on the terminal says these in its first lines.
        seen = (
            self._target.is_stdout
            and self.format == "table"
            and sys.stdout is not None
            and sys.stdout.isatty()
        )
        if data.get("target_default") and not seen:
            notes.append(f"target '{data['target']}' (the last column, change with -t)")
        if self._chosen_family is not None and not seen:
            notes.append(f"family {self._chosen_family} (by the target, change with --family)")
        if self._model_target is not None:
            notes.append(f"model saved in {self._model_target.path}")
        ending = (self._options.output or "").rpartition(".")[2].lower()
        if ending != self.format and ending in FORMATS:
            notes.append(f"{self._target.path} holds {self.format}, as asked, not {ending}")
        if self._options.verbose:
            timing = result["timing"]
            memory = "" if timing["peak_rss_mb"] is None else f", {timing['peak_rss_mb']:.0f} MB at most"
            notes.append(
                f"read in {timing['read_s']:.2f} s, solved in {timing['solve_s']:.2f} s, "
                f"{timing['total_s']:.2f} s in all{memory}"
            )
        return notes

    def _save(self, model: Model, target: Target) -> None:
        from l2cli.models.saved import model_text

        target.write([model_text(model).encode()])

    def _print(self, result: Mapping[str, Any], columns: Mapping[str, Sequence[Any]] | None) -> None:
        """Write the result to standard output, as that can show it."""
        from l2cli.report.paint import paint, write_text
        from l2cli.report.render import render, render_columns
        from l2cli.report.terminal import look_at

        with guarded_stdout() as stream:
            view = look_at(stream, self._options.color)
            if columns is not None and self.format != "json":
                blocks = render_columns(
                    columns, self.format, width=view.width, unicode=view.unicode, terminal=view.is_terminal
                )
                for block in blocks:
                    write_text(block, stream)
                return
            lines = render(
                result, self.format, width=view.width, unicode=view.unicode, verbose=self._options.verbose,
                terminal=view.is_terminal,
            )  # fmt: skip
            paint(lines, stream, self._options.color)

    def _text(self, result: Mapping[str, Any], columns: Mapping[str, Sequence[Any]] | None) -> str:
        """Return the result as the text of a file: nothing cut, no colour unless it is asked for."""
        from l2cli.report.paint import paint
        from l2cli.report.render import render, render_columns

        if columns is not None and self.format != "json":
            return "".join(render_columns(columns, self.format, width=FILE_WIDTH))
        stream = io.StringIO()
        color = "always" if self._options.color == "always" else "never"
        paint(render(result, self.format, width=FILE_WIDTH, verbose=self._options.verbose), stream, color)
        return stream.getvalue()


def _peak_memory() -> float | None:
    """Return the largest resident memory of this process so far in MB, None where nobody tells.

    Linux counts in ``ru_maxrss`` what the program that started this one had; its status file does not.
    """
    with suppress(OSError, ValueError, StopIteration), open("/proc/self/status", encoding="ascii") as status:
        line = next(line for line in status if line.startswith("VmHWM:"))
        return round(int(line.split()[1]) / 2**10, 1)
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)
