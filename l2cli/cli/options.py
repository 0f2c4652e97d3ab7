"""The options, each written once: its names, its help, its meaning, the same in every command that has it.

A command takes groups of options (frozen dataclasses); ``cli/binding.py`` turns their fields into the
options of the command. The words in a metavar are a small language that completion reads too: ``COL`` a
column name, ``COLS`` a comma list of names and globs, ``FILE`` a path, lower-case words between ``|`` the
values to choose from.

No numeric library here: parsing and checking happen before one is loaded. The options of the objective are
in ``cli/modelling.py``, those of choosing lambda in ``cli/choosing.py``.
"""

# No `from __future__ import annotations` here: the annotations are what counts, and evaluating them from text
# costs a command 5 ms.
import os
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from l2cli.cli import values
from l2cli.cli.binding import OptionGroup, repeatable
from l2cli.errors import UsageError, shown
from l2cli.spec import ColumnSpec, ReadSpec

if TYPE_CHECKING:
    from l2cli.cli.choosing import Choosing

CODINGS = ("auto", "onehot", "treatment")
MISSING = ("impute", "drop", "error", "indicator")
FORMATS = ("table", "json", "jsonl", "csv", "md")
COLORS = ("auto", "always", "never")

Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA", help="CSV, TSV or Parquet file, folder or 'pattern' of parts, or - for standard input"
    ),
]


def words(allowed: tuple[str, ...]) -> str:
    """Return the metavar of an option with a choice of values."""
    return "|".join(allowed)


class Columns(OptionGroup):
    """Which columns play which role, and how they become numbers."""

    heading: ClassVar[str] = "Columns"

    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            "-t",
            metavar="COLS",
            help="what to predict, a,b for several (default: the last column)",
        ),
    ] = None
    features: Annotated[
        list[str],
        typer.Option(
            "--features", "-x", metavar="COLS", help="names or globs to use, a,b,x_* (default: all others)"
        ),
    ] = repeatable()
    drop: Annotated[list[str], typer.Option("--drop", metavar="COLS", help="names or globs to leave out")] = (
        repeatable()
    )
    id: Annotated[
        str | None,
        typer.Option("--id", metavar="COL", help="column carried through to predictions; no feature"),
    ] = None
    positive: Annotated[
        str | None, typer.Option("--positive", metavar="LABEL", help="the class 1 (default: the last level)")
    ] = None
    weights: Annotated[str | None, typer.Option("--weights", metavar="COL", help="weight of each row")] = None
    offset: Annotated[
        str | None, typer.Option("--offset", metavar="COL", help="added to the linear predictor as it is")
    ] = None
    exposure: Annotated[
        str | None, typer.Option("--exposure", metavar="COL", help="its logarithm is the offset")
    ] = None
    categorical: Annotated[
        list[str], typer.Option("--categorical", metavar="COLS", help="number columns to treat as levels")
    ] = repeatable()
    numeric: Annotated[
        list[str], typer.Option("--numeric", metavar="COLS", help="columns that must be numbers")
    ] = repeatable()
    dates: Annotated[
        bool, typer.Option("--dates", help="year, month, weekday and hour of columns of dates")
    ] = False
    interactions: Annotated[
        list[str],
        typer.Option("--interactions", metavar="A:B", help="products of two columns, 'age:sex,dose:*'"),
    ] = repeatable()
    coding: Annotated[
        str, typer.Option("--coding", metavar=words(CODINGS), help="how levels become columns")
    ] = "auto"
    reference: Annotated[
        list[str], typer.Option("--reference", metavar="COL=LEVEL", help="level without a column of its own")
    ] = repeatable()
    missing: Annotated[
        str, typer.Option("--missing", metavar=words(MISSING), help="what to do with missing cells")
    ] = "impute"

    def spec(self, choosing: "Choosing | None" = None) -> ColumnSpec:
        """Return the checked roles; the columns that make folds come from ``choosing``."""
        if self.offset is not None and self.exposure is not None:
            raise UsageError("--offset and --exposure both set the offset", hint="give one of them")
        targets = values.columns(self.target, "--target")
        return ColumnSpec(
            target=targets[0] if targets else None,
            more_targets=targets[1:],
            features=values.split_lists(self.features, "--features"),
            drop=values.split_lists(self.drop, "--drop"),
            id=values.column(self.id, "--id"),
            positive=self.positive,
            weights=values.column(self.weights, "--weights"),
            offset=values.column(self.offset, "--offset"),
            exposure=values.column(self.exposure, "--exposure"),
            fold_column=values.column(choosing.fold_column, "--fold-column") if choosing else None,
            group_column=values.column(choosing.group_column, "--group-column") if choosing else None,
            time_column=values.column(choosing.time_column, "--time-column") if choosing else None,
            categorical=values.split_lists(self.categorical, "--categorical"),
            numeric=values.split_lists(self.numeric, "--numeric"),
            coding=values.choice(self.coding, "--coding", CODINGS),
            reference=values.references(self.reference),
            missing=values.choice(self.missing, "--missing", MISSING),
            dates=self.dates,
            interactions=values.interactions(self.interactions),
        )


class Reading(OptionGroup):
    """How to read the file; by default found out from its content."""

    heading: ClassVar[str] = "Reading"

    delimiter: Annotated[
        str | None,
        typer.Option("--delimiter", metavar="CHAR", help="character between fields, or tab, space"),
    ] = None
    decimal: Annotated[
        str | None, typer.Option("--decimal", metavar=".|,", help="decimal mark of the numbers")
    ] = None
    encoding: Annotated[
        str | None, typer.Option("--encoding", metavar="NAME", help="text encoding, for example latin-1")
    ] = None
    na: Annotated[
        str | None,
        typer.Option("--na", metavar="TOKENS", help="cells that mean missing, for example '?,-,NA'"),
    ] = None
    no_header: Annotated[
        bool, typer.Option("--no-header", help="the first line is data; columns are called x1, x2 and so on")
    ] = False
    max_expanded: Annotated[
        str | None,
        typer.Option(
            "--max-expanded",
            metavar="SIZE",
            help="refuse a file that unpacks to more (default: 1G, or 200 times its size)",
        ),
    ] = None

    def spec(self) -> ReadSpec:
        """Return the checked description for the reader."""
        from l2cli.data.dialect import check_read_spec

        na = None if self.na is None else values.tokens(self.na)
        most = None if self.max_expanded is None else values.size(self.max_expanded, "--max-expanded")
        spec = ReadSpec(
            self.delimiter, self.decimal, self.encoding, na, header=not self.no_header, max_expanded=most
        )
        check_read_spec(spec)
        return spec


class Output(OptionGroup):
    """Where results go and how they look."""

    heading: ClassVar[str] = "Output"

    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="write the result here, whole or not at all"),
    ] = None
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-f",
            metavar=words(FORMATS),
            help="default: by the ending of --output, else table (predict: csv)",
        ),
    ] = None
    json: Annotated[bool, typer.Option("--json", help="the same as --format json")] = False
    no_clobber: Annotated[bool, typer.Option("--no-clobber", help="never replace an existing file")] = False
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="no notes and no progress; warnings stay")] = (
        False
    )
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose", "-v", help="long tables whole (a terminal shows 20 rows), and where the time went"
        ),
    ] = False
    color: Annotated[
        str, typer.Option("--color", metavar=words(COLORS), help="colour, by default on a terminal")
    ] = "auto"
    strict: Annotated[bool, typer.Option("--strict", help="exit with status 4 if there was a warning")] = (
        False
    )

    def chosen_format(self, default: str = "table", allowed: tuple[str, ...] = FORMATS) -> str:
        """Return the format asked for, else the one that ``--output`` ends with, else ``default``."""
        if self.json and self.format not in (None, "json"):
            raise UsageError(
                f"--json and --format {self.format} contradict one another", hint="give one of them"
            )
        asked = "json" if self.json else self.format
        chosen = None if asked is None else values.choice(asked, "--format", allowed)
        ending = os.path.splitext(self.output or "")[1].lstrip(".").lower()
        by_ending = ending if ending in allowed and ending != "table" else None
        if chosen is None and by_ending is None and ending and ending != "txt" and not self._is_special():
            known = ", ".join(name for name in allowed if name != "table")
            raise UsageError(
                f"--output {shown(self.output or '')}: no format has the ending .{shown(ending)}",
                hint=f"give --format, or the ending {known}, or txt for the {default}",
            )
        return chosen or by_ending or default

    def _is_special(self) -> bool:
        """Return True where the output is a device or a pipe, whose name says nothing."""
        path = self.output or ""
        return os.path.exists(path) and not os.path.isfile(path)

    def check(self) -> None:
        """Refuse a colour that does not exist and contradicting flags."""
        values.choice(self.color, "--color", COLORS)
        if self.quiet and self.verbose:
            raise UsageError("--quiet and --verbose contradict one another", hint="give one of them")


class ProgressOutput(Output):
    """Output of a command that shows its progress."""

    no_progress: Annotated[bool, typer.Option("--no-progress", help="no progress line on the terminal")] = (
        False
    )


class SavingOutput(ProgressOutput):
    """Output of a command that makes a model."""

    save: Annotated[
        str | None,
        typer.Option("--save", metavar="MODEL.json", help="save the model for predict and evaluate"),
    ] = None
