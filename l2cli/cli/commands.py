"""The commands there are: names, modules and one-line descriptions, known without importing any of them."""

from __future__ import annotations

from typing import NamedTuple


class CommandEntry(NamedTuple):
    """Where a command lives and what it does."""

    module: str
    summary: str


COMMANDS: dict[str, CommandEntry] = {
    "fit": CommandEntry("l2cli.cli.fit", "fit one model, with lambda given or chosen"),
    "cv": CommandEntry("l2cli.cli.cv", "choose lambda by cross-validation: curve, error, refit"),
    "path": CommandEntry("l2cli.cli.path", "coefficients along the path of lambdas"),
    "compare": CommandEntry("l2cli.cli.compare", "several models on the same folds, with a verdict"),
    "explain": CommandEntry(
        "l2cli.cli.explain", "why: importance, shrinkage, collinearity, influential rows"
    ),
    "tradeoff": CommandEntry(
        "l2cli.cli.tradeoff", "bias, variance and noise along lambda; the overfitting gap"
    ),
    "predict": CommandEntry("l2cli.cli.predict", "apply a saved model to new rows"),
    "evaluate": CommandEntry(
        "l2cli.cli.evaluate", "score a saved model on labelled rows, with drift warnings"
    ),
    "inspect": CommandEntry("l2cli.cli.inspect", "what is in a file, and what a fit would make of it"),
    "convert": CommandEntry("l2cli.cli.convert", "lambda in the conventions of other tools"),
}


COLUMNS = "__columns"
"""The hidden command that completion scripts call (``cli/columns.py``)."""


def overview() -> str:
    """Return the text of ``l2cli --help``.

    Written here and not by the option library, so that the page every user sees first costs no import.
    """
    width = max(map(len, COMMANDS))
    lines = [
        "Usage: l2cli COMMAND DATA [options]",
        "",
        "Fit, tune, compare and explain regularized linear models.",
        "",
        "DATA is a CSV, TSV or Parquet file (also .gz, .bz2, .zst), a folder or 'pattern' of",
        "parts with the same columns, or - for standard input.",
        "",
        "Commands:",
        *(f"  {name:<{width}}  {entry.summary}" for name, entry in COMMANDS.items()),
        "",
        "Options:",
        "  -h, --help  this page; l2cli COMMAND --help lists the options of a command",
        "  --version   the version",
        "",
        "Examples:",
        "  l2cli inspect data.csv                  what is in a file",
        "  l2cli fit data.csv                      the last column on all others",
        "  l2cli fit data.csv -t price --save m.json",
        "  l2cli predict m.json new.csv > predictions.csv",
        "",
    ]
    return "\n".join(lines)
