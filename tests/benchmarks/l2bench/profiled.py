"""Run our command under the profiler: its own end of the process would skip the report."""

from __future__ import annotations

import cProfile
import pstats
import sys

from l2cli.cli.app import run

profiler = cProfile.Profile()
profiler.runcall(run, sys.argv[1:])
pstats.Stats(profiler).sort_stats("tottime").print_stats(40)
