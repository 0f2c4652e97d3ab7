"""The application: finds the command, and is the one place where errors become messages and exit statuses."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from l2cli.cli.commands import COLUMNS, COMMANDS, overview
from l2cli.cli.interrupts import heard_interrupts, ignore_interrupts
from l2cli.cli.streams import discard_stdout, guarded_stdout, say
from l2cli.errors import ExitStatus, FitError, L2Error

if TYPE_CHECKING:
    from typer._click.core import Command, Context


def run(argv: Sequence[str]) -> int:
    """Run one command line and return its exit status; nothing escapes but SystemExit.

    Parameters
    ----------
    argv : sequence of str
        The words after ``l2cli``.
    """
    debug = os.environ.get("L2CLI_DEBUG", "") not in {"", "0"}
    if not debug:
        _silence_warnings()
    try:
        with heard_interrupts():
            return _dispatch(list(argv))
    except KeyboardInterrupt:
        ignore_interrupts()
        return ExitStatus.INTERRUPTED
    except BrokenPipeError:
        discard_stdout()
        return ExitStatus.CLOSED_PIPE
    except Exception as error:  # noqa: BLE001  (the one handler of all errors: no user may meet a traceback)
        if debug:
            _show_traceback()
        return _report(_known(error), argv)


def load_command(name: str) -> Command:
    """Import the module of a command and return the command, with its options."""
    from importlib import import_module

    command: Command = import_module(COMMANDS[name].module).COMMAND
    return command


def _dispatch(argv: list[str]) -> int:
    """Answer what needs no command at once; run the command that ``argv`` names."""
    word = argv[0] if argv else "--help"
    if word in {"--help", "-h"}:
        _print(overview())
        return ExitStatus.DONE
    if word == "help" and (not argv[1:] or argv[1] in COMMANDS):
        return _run_command(argv[1], ["--help"]) if argv[1:] else _dispatch([])
    if word == "--version":
        from l2cli._version import __version__

        _print(f"l2cli {__version__}\n")
        return ExitStatus.DONE
    if word == COLUMNS:
        from l2cli.cli.columns import print_columns

        return print_columns(argv[1:])
    return _run_command(word, argv[1:])


def _print(text: str) -> None:
    with guarded_stdout() as stream:
        stream.write(text)


def _run_command(name: str, words: list[str]) -> int:
    """Parse the options of a command and run it."""
    from l2cli.cli import usage

    if name not in COMMANDS:
        raise usage.no_command(name)
    command = load_command(name)
    try:
        # Not command.main(): it has its own ideas of closed pipes and interrupts.
        with _parsed(command, name, words) as context:
            return int(command.invoke(context))
    except usage.Exit as leave:
        return leave.exit_code
    except usage.ClickException as error:
        raise usage.usage_error(error) from None


def _parsed(command: Command, name: str, words: list[str]) -> Context:
    """Return a command with its options; the parser itself answers ``--help``, on standard output."""
    from l2cli.cli import usage

    if sys.stdout is not None:
        with guarded_stdout():
            return command.make_context(f"l2cli {name}", words)
    try:
        return command.make_context(f"l2cli {name}", words)
    except usage.Exit:
        with guarded_stdout():  # the help went nowhere: that is the error of every other output
            raise


def _known(error: Exception) -> L2Error:
    """Return the error as one that has a message and an exit status."""
    if isinstance(error, L2Error):
        return error
    if isinstance(error, MemoryError):
        return FitError(
            "not enough memory for these data", hint="use fewer columns (--features, --drop)", code="memory"
        )
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return L2Error(f"internal error ({text})", hint="please report it; L2CLI_DEBUG=1 shows the traceback")


def _report(error: L2Error, argv: Sequence[str]) -> int:
    """Write the error as one line to standard error and, with ``--json``, as an object to standard output."""
    from l2cli.cli.usage import wants_json

    try:
        say("error", str(error))
        if wants_json(argv):
            import json

            about = {"code": error.code, "message": error.message, "hint": error.hint}
            _print(json.dumps({"error": about}) + "\n")
    except BrokenPipeError:
        discard_stdout()
    except L2Error:
        pass  # standard output is the trouble itself, and the line on standard error has said so
    return error.exit_status


def _silence_warnings() -> None:
    """Keep warnings of libraries from standard error: what matters to a user is a warning of ours.

    Left alone where the user asked Python for warnings (``-W``). Worker processes inherit the setting.
    """
    import warnings

    if not sys.warnoptions:
        warnings.simplefilter("ignore")
        os.environ.setdefault("PYTHONWARNINGS", "ignore")


def _show_traceback() -> None:
    import traceback

    traceback.print_exc()
