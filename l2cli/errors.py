"""The error tree and the exit statuses: every way a command can end.

Standard library only. Every error a user can cause is an :class:`L2Error`; the command line turns it into one
line on standard error and its exit status. Anything else that escapes is an internal error (status 70).
"""

from __future__ import annotations

from enum import IntEnum


class ExitStatus(IntEnum):
    """Exit statuses of the ``l2cli`` command."""

    DONE = 0
    FIT = 1
    USAGE = 2
    DATA = 3
    WARNED = 4
    INTERNAL = 70
    INTERRUPTED = 130
    CLOSED_PIPE = 141


class L2Error(Exception):
    """Base of all errors that are answered with one clear line.

    Parameters
    ----------
    message : str
        One line: where (file, row, column), what was found.
    hint : str, optional
        What to do about it, without a full stop.
    code : str, optional
        Machine-readable name of the kind of error; defaults to the class's.
    """

    exit_status: ExitStatus = ExitStatus.INTERNAL
    default_code = "internal"

    def __init__(self, message: str, *, hint: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code or self.default_code

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class FitError(L2Error):
    """The fit could not be done as asked: not converged, nothing left to fit, no finite solution."""

    exit_status = ExitStatus.FIT
    default_code = "fit"


class UsageError(L2Error):
    """Wrong usage: options, column names given by the user, grids, folds, outputs."""

    exit_status = ExitStatus.USAGE
    default_code = "usage"


class DataError(L2Error):
    """A file or its data cannot be used: missing, unreadable, malformed, senseless values."""

    exit_status = ExitStatus.DATA
    default_code = "data"


def shown(text: str, limit: int = 60) -> str:
    r"""Return text that came from data, safe and short enough for one line of a message.

    Whatever is not printable (control characters, line ends, direction marks, lone surrogates) is escaped as
    in Python, and a text longer than ``limit`` is cut.

    >>> shown("red\x1b[31m")
    'red\\x1b[31m'
    """
    if not text.isprintable():
        text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    return text if len(text) <= limit else text[: limit - 3] + "..."
