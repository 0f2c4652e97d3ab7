"""Measure one whole process through the small launcher."""

from __future__ import annotations

import compileall
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

LAUNCHER = Path(__file__).with_name("launch.py")


@dataclass(frozen=True)
class Measurement:
    """What one process took. peak_mb is that of the single process, in millions of bytes.

    stopped : it was still running at the limit of time; what is measured is what it took until then.
    """

    wall_s: float
    cpu_s: float
    peak_mb: float
    stopped: bool = False


class ProcessError(RuntimeError):
    """A process under measurement ended with another status than 0."""


def usual_environment() -> dict[str, str]:
    """Return the environment without the settings that keep Python from using its byte code and buffers."""
    odd = {"PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}
    return {name: value for name, value in os.environ.items() if name not in odd}


def compile_package() -> None:
    """Write the byte code of l2cli, as an installation has it; an editable one may not."""
    spec = find_spec("l2cli")
    if spec is not None and spec.origin is not None:
        compileall.compile_dir(Path(spec.origin).parent, quiet=1)


def measure(argv: list[str], stdout: Path, columns: int = 0, limit: float = 0) -> Measurement:
    """Run ``argv`` once with its output in ``stdout``, on a terminal where ``columns`` is not 0.

    After ``limit`` seconds it is stopped, unless that is 0.
    Raises ProcessError with the end of its standard error if its status is not 0.
    """
    stderr = stdout.with_suffix(".err")
    job = {"argv": argv, "stdout": str(stdout), "stderr": str(stderr), "columns": columns, "limit": limit}
    command = [sys.executable, "-I", "-S", str(LAUNCHER), json.dumps(job)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=usual_environment())
    result = json.loads(done.stdout)
    if result["status"] and not result["stopped"]:
        text = stderr.read_text(encoding="utf-8", errors="replace") or stdout.read_text(errors="replace")
        raise ProcessError(f"{' '.join(argv)[:200]}: status {result['status']}: {text[-600:].strip()}")
    return Measurement(result["wall_s"], result["cpu_s"], result["peak_mb"], result["stopped"])
