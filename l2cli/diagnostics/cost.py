"""What a penalty costs: the time and memory of a solve, measured on the data at hand.

Memory is the most that NumPy's arrays came to at once beyond what was there before (NumPy tells
``tracemalloc`` of its arrays; the work space of the linear algebra library, at most a few squares of the
columns, is not in it). Seconds are the least of several runs without that tracing, or those of the traced run
where it took so long that tracing, which costs by the number of arrays and not by their size, is nothing
beside it.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from time import perf_counter
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")
ENOUGH_SECONDS = 0.05
MOST_RUNS = 5


class Measured(NamedTuple, Generic[T]):
    """What a call returned, its seconds, and its peak memory in bytes."""

    result: T
    seconds: float
    memory_bytes: int


def measure(solve: Callable[[], T]) -> Measured[T]:
    """Return what a call returns and costs."""
    running = tracemalloc.is_tracing()
    if not running:
        tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        result, best = _timed(solve)
        memory = max(0, tracemalloc.get_traced_memory()[1] - before)
    finally:
        if not running:
            tracemalloc.stop()
    spent, runs = best, 0
    while spent < ENOUGH_SECONDS and runs < MOST_RUNS:
        _, took = _timed(solve)
        best, spent, runs = took if runs == 0 else min(best, took), spent + took, runs + 1
    return Measured(result, best, memory)


def _timed(solve: Callable[[], T]) -> tuple[T, float]:
    started = perf_counter()
    result = solve()
    return result, perf_counter() - started
