"""What a solve is measured to cost."""

from __future__ import annotations

import time
import tracemalloc

import numpy as np
import pytest

from l2cli.explain.cost import ENOUGH_SECONDS, measure


def test_memory_is_the_peak_of_the_arrays_beyond_what_was_there():
    kept = np.ones(300_000)

    def solve():
        first = kept + 1.0
        second = first * 2.0
        del first
        return float((second + 1.0)[0])

    found = measure(solve)
    assert found.result == 5.0
    assert found.memory_bytes == pytest.approx(2 * kept.nbytes, rel=0.02)
    assert not tracemalloc.is_tracing()


def test_seconds_are_the_least_of_several_runs_and_a_long_one_runs_once():
    calls = []

    def quick():
        calls.append(0)

    assert measure(quick).seconds < 1e-3
    assert len(calls) > 2
    calls.clear()

    def slow():
        calls.append(0)
        time.sleep(1.2 * ENOUGH_SECONDS)

    assert measure(slow).seconds >= 1.2 * ENOUGH_SECONDS
    assert len(calls) == 1


def test_tracing_that_was_on_stays_on():
    tracemalloc.start()
    try:
        assert measure(lambda: np.zeros(100_000)).memory_bytes >= 800_000
        assert tracemalloc.is_tracing()
    finally:
        tracemalloc.stop()
