"""Wrong usage in one line: what the option parser found, said in the words of the other messages."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from typer import Exit as Exit
from typer._click import exceptions as click
from typer._click.exceptions import ClickException as ClickException

from l2cli.cli.commands import COMMANDS
from l2cli.errors import UsageError, shown

# Options of other tools, and what they are called here.
_FOREIGN = {
    "--alpha": "it is the strength to some tools and the mix to others: use --lambda or --l1-ratio",
    "--C": "use --lambda with 1/C",
    "--l2": "use --lambda",
    "--penalty": "the penalty is L2; its strength is --lambda",
    "--cv": "use --folds, or the command cv",
    "--nfolds": "use --folds",
    "--type": "use --family",
    "--sep": "use --delimiter",
    "--out": "use --output",
    "--y": "use --target",
    "--random-state": "use --seed",
}
# Options of ``fit`` for other ways than folds, which is the one way of ``cv``.
_BESIDE_FOLDS = {
    "--select": "cv chooses by folds; l2cli fit --select takes holdout, loo, gcv and evidence too",
    "--holdout": "cv chooses by folds; give it to l2cli fit",
}


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word most like ``word``, or None where none is alike."""
    from difflib import get_close_matches

    names = list(known)
    starting = [name for name in names if len(word) > 2 and name.startswith(word)]
    found = get_close_matches(word, names, n=1, cutoff=0.6) or starting
    return found[0] if found else None


def usage_error(error: ClickException) -> UsageError:
    """Return the error of the option parser as one of ours."""
    if isinstance(error, click.NoSuchOption):
        return _no_option(error)
    if isinstance(error, click.MissingParameter) and error.param is not None:
        what = error.param.metavar or error.param.name
        hint = "give a file, or - for standard input" if what == "DATA" else f"see {_help_of(error)}"
        return UsageError(f"{what} is missing", hint=hint)
    if isinstance(error, click.BadOptionUsage):
        wants = "takes no value" if "not take a value" in error.message else "needs a value"
        return UsageError(f"{error.option_name} {wants}")
    text = error.format_message().strip().rstrip(".")
    if text.startswith("Got unexpected extra argument"):
        extra = text.partition(" (")[2].rstrip(")")
        hint = f"see {_help_of(error)}"
        if any(map(os.path.isfile, extra.split())):
            hint = "several files are one table as a folder or as a pattern in quotes, 'parts/*.csv'"
        return UsageError(f"unexpected '{shown(extra)}' after the arguments", hint=hint)
    return UsageError(text[:1].lower() + text[1:], hint=f"see {_help_of(error)}")


def no_command(name: str) -> UsageError:
    """Return the error for a word that is no command, with the nearest one or the command for a file."""
    if name.startswith("-"):
        return UsageError(
            f"no option {shown(name)} before the command", hint="write l2cli COMMAND DATA [options]"
        )
    close = nearest(name, COMMANDS)
    if close is not None:
        return UsageError(f"no command '{shown(name)}'; did you mean '{shown(close)}'?")
    if os.path.exists(name):
        return UsageError(f"no command '{shown(name)}'", hint=f"to fit that file: l2cli fit {name}")
    return UsageError(f"no command '{shown(name)}'", hint=f"there are {', '.join(COMMANDS)}")


def wants_json(argv: Sequence[str]) -> bool:
    """Return True where the words ask for JSON, even if the line as a whole cannot be parsed."""
    for place, word in enumerate(argv):
        if word == "--":
            return False
        if word in {"--json", "--format=json"} or (
            word[:1] == "-" and word[1:2] != "-" and word.endswith("fjson")
        ):
            return True
        following = argv[place + 1] if place + 1 < len(argv) else ""
        if following == "json" and (
            word == "--format" or (word[:1] == "-" and word[1:2] != "-" and word.endswith("f"))
        ):
            return True
    return False


def _no_option(error: click.NoSuchOption) -> UsageError:
    name = error.option_name
    if name in _FOREIGN:
        return UsageError(f"no option {name}", hint=_FOREIGN[name])
    if error.ctx is None:
        return UsageError(f"no option {name}")
    known = [
        opt
        for param in error.ctx.command.params
        for opt in (*param.opts, *param.secondary_opts)
        if opt[:1] == "-"
    ]
    close = nearest(name, [opt for opt in known if opt.startswith("--")])
    command = error.ctx.command.name
    elsewhere = [] if close and close.startswith(name) else _commands_with(name)
    if elsewhere:
        hint = _BESIDE_FOLDS.get(name) if command == "cv" else None
        hint = hint or f"it belongs to {', '.join(elsewhere)}"
        return UsageError(f"no option {name} in {command}", hint=hint)
    if close is not None:
        return UsageError(f"no option {name} in {command}; did you mean {close}?")
    return UsageError(f"no option {name} in {command}", hint=f"see {_help_of(error)}")


def _commands_with(name: str) -> list[str]:
    """Return the commands that have an option, which is why this asks every one of them."""
    from l2cli.cli.app import load_command

    return [
        command
        for command in COMMANDS
        if any(name in (*param.opts, *param.secondary_opts) for param in load_command(command).params)
    ]


def _help_of(error: ClickException) -> str:
    context = getattr(error, "ctx", None)
    return f"{context.command_path} --help" if context is not None else "l2cli --help"
