"""The option of inference: which standard errors of coefficients are made."""

# No `from __future__ import annotations` here: the annotations are what counts, and evaluating them from text
# costs a command 5 ms.
from typing import Annotated, ClassVar

import typer

from l2cli.cli import values
from l2cli.cli.binding import OptionGroup
from l2cli.cli.options import words
from l2cli.spec import INFERENCES


class Inferring(OptionGroup):
    """Standard errors and intervals of the coefficients."""

    heading: ClassVar[str] = "Inference"

    inference: Annotated[
        str | None,
        typer.Option(
            "--inference",
            metavar=words(INFERENCES),
            help="standard errors: about the shrunken mean, debiased, or by refits",
        ),
    ] = None

    def kind(self) -> str | None:
        """Return the checked kind of inference."""
        return None if self.inference is None else values.choice(self.inference, "--inference", INFERENCES)
