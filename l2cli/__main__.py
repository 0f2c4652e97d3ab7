"""The ``l2cli`` command: ``python -m l2cli`` and the installed script both start here."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from typing import NoReturn

INTERRUPTED = 130
"""As in ``l2cli.errors``, which a Ctrl-C may have come too early for."""


def main() -> NoReturn:
    """Run the command line with ``sys.argv`` and leave with its exit status."""
    # Start-up makes hundreds of thousands of objects that stay. To search them for cycles every 700 objects,
    # as Python would, is 5 % of a small fit.
    gc.set_threshold(50_000)
    try:
        # Imported here so that `import l2cli.__main__` (a spawned worker does it) costs nothing.
        from l2cli.cli.app import run

        status = run(sys.argv[1:])
    except KeyboardInterrupt:  # before `run` listens, or while it leaves
        status = INTERRUPTED
    leave(status)


def leave(status: int) -> NoReturn:
    """End the process with ``status``, at once where nothing is left to be ended.

    To leave in the usual way, Python takes apart every object of every library: measured, 30 ms of a small
    fit, for memory that the system takes back anyway. Only worker processes must be ended properly.
    """
    if "joblib" in sys.modules or "multiprocessing" in sys.modules:
        sys.exit(status)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with suppress(OSError, ValueError):
                stream.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
