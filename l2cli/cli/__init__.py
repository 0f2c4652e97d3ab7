"""The command line: reading options, calling the library, writing results and exit statuses."""

from __future__ import annotations

from time import perf_counter

STARTED = perf_counter()
"""When the command line began, for the ``timing`` of results: this module is the first to be imported."""
