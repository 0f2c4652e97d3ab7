"""What a solve is measured to cost."""

from __future__ import annotations

import time
import tracemalloc

import numpy as np
import pytest

from l2cli.diagnostics import cost
from l2cli.diagnostics.cost import ENOUGH_SECONDS, measure


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


@pytest.mark.parametrize(
    ("took", "seconds"),
    [
        ([0.02, 0.004, 0.003, 0.005, 0.006, 0.007], 0.003),  # five runs beside the traced one
        ([0.02, 0.015, 0.04], 0.015),  # until enough was spent
        ([0.001, 0.004, 0.05], 0.004),  # the traced one counts for its time alone
    ],
)
def test_seconds_are_the_least_of_the_runs_without_tracing(monkeypatch, took, seconds):
    now, lasts = [0.0], iter(took)

    def solve():
        now[0] += next(lasts)

    monkeypatch.setattr(cost, "perf_counter", lambda: now[0])
    assert measure(solve).seconds == pytest.approx(seconds)
    assert list(lasts) == []


def test_a_short_call_runs_several_times_and_a_long_one_once():
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
        kept = np.ones(300_000)
        assert measure(lambda: np.zeros(100_000)).memory_bytes == pytest.approx(800_000, rel=0.02)
        assert len(kept) == 300_000  # there before and all the while: no part of it
        assert tracemalloc.is_tracing()
    finally:
        tracemalloc.stop()
