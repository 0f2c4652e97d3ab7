"""Ctrl-C: always heard, and quiet.

Python raises KeyboardInterrupt wherever the program happens to be. In a finalizer (the queues of worker
processes have some) nobody can catch it: Python prints it as an ignored exception and goes on.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Protocol

AGAIN = 0.05
"""Seconds after which an interrupt that was lost in a finalizer is raised again."""


class Unraisable(Protocol):
    """What Python tells of an exception that nobody can catch."""

    exc_type: type[BaseException]
    exc_value: BaseException | None
    exc_traceback: TracebackType | None
    err_msg: str | None
    object: object


@contextmanager
def heard_interrupts() -> Iterator[None]:
    """Raise interrupts again that were lost where they cannot be caught."""
    before = sys.unraisablehook

    def hook(lost: Unraisable) -> None:
        if issubclass(lost.exc_type, KeyboardInterrupt):
            _interrupt_soon()
        else:
            before(lost)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before


def _interrupt_soon() -> None:
    import signal
    import threading

    timer = threading.Timer(AGAIN, os.kill, (os.getpid(), signal.SIGINT))
    timer.daemon = True
    timer.start()


def ignore_interrupts() -> None:
    """Let further Ctrl-C pass: the program is leaving already."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
