"""Start one process and say what it took: wall time, processor time, peak memory.

Run as a program of its own (``python -I -S launch.py JSON``), because a child's peak memory as the kernel
counts it begins with the memory of the process that started it: this launcher is small, the harness is not.
Standard library only.
"""

from __future__ import annotations

import json
import os
import pty
import signal
import struct
import sys
import time
from typing import Any


def drain(descriptor: int, sink: int) -> None:
    """Copy everything written to a pseudo-terminal into a file until the other side closes it."""
    while True:
        try:
            block = os.read(descriptor, 65536)
        except OSError:  # Linux: EIO once the last writer is gone
            return
        if not block:
            return
        os.write(sink, block)


def open_terminal(columns: int) -> tuple[int, int]:
    """Open a pseudo-terminal of the given width; return the two descriptors."""
    import fcntl
    import termios

    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    return master, slave


def wait(child: int, limit: float) -> tuple[int, Any, bool]:
    """Wait for a child; after ``limit`` seconds (0: none) stop it and the processes it started.

    Returns its status, what it used, and True if it was stopped.
    """
    stopped = False

    def stop(*_: object) -> None:
        nonlocal stopped
        stopped = True
        os.killpg(child, signal.SIGKILL)

    if limit:
        signal.signal(signal.SIGALRM, stop)
        signal.signal(signal.SIGINT, stop)  # it has a process group of its own: Ctrl-C does not reach it
        signal.setitimer(signal.ITIMER_REAL, limit)
    _, status, usage = os.wait4(child, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)
    return status, usage, stopped


def launch(argv: list[str], stdout: str, stderr: str, columns: int, limit: float) -> dict[str, Any]:
    """Run ``argv`` to its end, on a terminal of that width where ``columns`` > 0 (its text in stdout)."""
    environment = dict(os.environ)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    out, err = os.open(stdout, flags, 0o600), os.open(stderr, flags, 0o600)
    master = slave = -1
    null = os.open(os.devnull, os.O_RDONLY)
    streams = [(null, 0), (out, 1), (err, 2)]
    if columns:
        master, slave = open_terminal(columns)
        environment["TERM"] = "xterm-256color"
        streams = [(slave, 0), (slave, 1), (slave, 2)]
    actions = [(os.POSIX_SPAWN_DUP2, source, target) for source, target in streams]
    start = time.perf_counter()
    group = 0 if limit else os.getpgrp()
    child = os.posix_spawnp(argv[0], argv, environment, file_actions=actions, setpgroup=group)
    if columns:
        os.close(slave)
        drain(master, out)
    status, usage, stopped = wait(child, limit)
    wall = time.perf_counter() - start
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes elsewhere
    return {
        "wall_s": wall,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_mb": usage.ru_maxrss * unit / 1e6,
        "status": os.waitstatus_to_exitcode(status),
        "stopped": stopped,
    }


if __name__ == "__main__":
    print(json.dumps(launch(**json.loads(sys.argv[1]))))
