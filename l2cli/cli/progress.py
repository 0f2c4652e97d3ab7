"""A progress line on the terminal: drawn only when the work takes long, gone when it ends."""

from __future__ import annotations

import os
import sys
import time
from types import TracebackType

from l2cli.cli.streams import write_stderr

DELAY = 0.5
INTERVAL = 0.1


class Progress:
    """Draw ``folds 3/10`` on standard error while work goes on, and erase it at the end.

    A context manager; call it as ``progress(label, done, total)``. Nothing is drawn in the first half
    second, so that quick work leaves no flicker, nor where standard error is no terminal.
    """

    def __init__(self, *, wanted: bool) -> None:
        tty = sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._wanted = wanted and tty
        self._next = time.monotonic() + DELAY
        self._drawn = False

    def __call__(self, label: str, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` steps of ``label`` are through."""
        now = time.monotonic()
        if not self._wanted or now < self._next:
            return
        self._next = now + INTERVAL
        self._drawn = True
        filled = 20 * done // max(total, 1)
        write_stderr(f"\r\x1b[K{label} [{'#' * filled}{'.' * (20 - filled)}] {done}/{total}")

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._drawn:
            write_stderr("\r\x1b[K")
