"""What ``predict`` and ``evaluate`` share: a saved model, its options, and the columns it needs of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from l2cli.cli import values
from l2cli.cli.binding import OptionGroup
from l2cli.cli.options import words
from l2cli.errors import UsageError
from l2cli.spec import UNSEEN

if TYPE_CHECKING:
    from l2cli.models.model import Model

DEFAULT_THRESHOLD = 0.5

SavedModel = Annotated[str, typer.Argument(metavar="MODEL", help="model file written with --save")]


class Applying(OptionGroup):
    """How a saved model meets new rows."""

    heading: ClassVar[str] = "Model"

    unseen: Annotated[
        str,
        typer.Option("--unseen", metavar=words(UNSEEN), help="levels of other rows that the model never saw"),
    ] = "error"
    threshold: Annotated[
        str | None,
        typer.Option(
            "--threshold", metavar="P", help="probability from which a row is positive (default 0.5)"
        ),
    ] = None

    def cut(self) -> float:
        """Return the threshold, a number in [0, 1]."""
        if self.threshold is None:
            return DEFAULT_THRESHOLD
        return values.number_between(self.threshold, "--threshold", 0.0, 1.0)

    def unseen_rule(self) -> str:
        """Return the checked rule for unseen levels."""
        return values.choice(self.unseen, "--unseen", UNSEEN)

    def load(self, path: str) -> Model:
        """Return the saved model.

        Raises
        ------
        DataError
            If the file is no model.
        UsageError
            If it is standard input, or ``--threshold`` was given and the model has no classes.
        """
        if path == "-":
            raise UsageError(
                "MODEL is a file, not standard input, which only DATA can be",
                hint="give the file written with --save (one called - as ./-)",
            )
        from l2cli.models.saved import load_model

        model = load_model(path)
        if self.threshold is not None and model.family != "binomial":
            raise UsageError(
                f"--threshold is for models of two classes, and {path} is {model.family}", hint="leave it out"
            )
        return model
