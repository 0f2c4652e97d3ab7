"""Standard output and standard error: how they are written, and how that ends when nobody reads."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from l2cli.errors import UsageError, shown


def say(kind: str, text: str) -> None:
    """Write one line, ``l2cli: kind: text``, to standard error, whatever the text came from."""
    write_stderr(f"l2cli: {kind}: {shown(text, limit=5000)}\n")


def write_stderr(text: str) -> None:
    """Write to standard error in whatever encoding it has; where it is closed, to nobody."""
    stream = sys.stderr
    if stream is None:
        return
    encoding = stream.encoding or "utf-8"
    with forgiving_stderr():
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()


@contextmanager
def forgiving_stderr() -> Iterator[None]:
    """Let what cannot be written to standard error go nowhere: a lost note changes no exit status.

    Raises
    ------
    BrokenPipeError
        If the reader has gone.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError:
        _discard(sys.stderr)


@contextmanager
def guarded_stdout() -> Iterator[TextIO]:
    """Give standard output to write on, and see everything through to its reader.

    Raises
    ------
    BrokenPipeError
        If the reader has gone.
    UsageError
        If standard output is closed or full.
    """
    if sys.stdout is None:
        raise UsageError("standard output is closed", hint="give --output FILE")
    try:
        yield sys.stdout
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        discard_stdout()
        raise UsageError(f"cannot write to standard output: {error.strerror}", code="unwritable") from None


def discard_stdout() -> None:
    """Let what is still buffered go nowhere, or the interpreter would fail on it when it leaves."""
    _discard(sys.stdout)


def _discard(stream: TextIO | None) -> None:
    if stream is not None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
