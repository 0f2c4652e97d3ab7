"""Passes over rows on threads: when they start, and in which order results come."""

from __future__ import annotations

import os
import threading

import pytest

from l2cli.core import threads
from l2cli.core.threads import AHEAD, WORTH_CELLS, matrix_threads, row_threads, thread_count


@pytest.fixture
def limit(monkeypatch):
    return lambda count: monkeypatch.setattr(threads, "thread_count", lambda: count)


def test_small_work_and_one_thread_use_the_plain_map(limit):
    limit(2)
    with row_threads(WORTH_CELLS - 1) as run:
        assert run is map
    limit(1)
    with row_threads(10 * WORTH_CELLS) as run:
        assert run is map


def test_results_come_in_the_order_of_the_blocks(limit):
    limit(2)
    first_may_go, names = threading.Event(), set()

    def work(i: int) -> int:
        names.add(threading.current_thread().name)
        if i == 0:
            first_may_go.wait(timeout=30.0)
        elif i == 5:
            first_may_go.set()
        return i * i

    with row_threads(WORTH_CELLS) as run:
        assert list(run(work, range(6))) == [0, 1, 4, 9, 16, 25]
    assert threading.current_thread().name not in names


def test_results_do_not_pile_up_before_they_are_taken(limit):
    limit(2)
    begun: list[int] = []

    def work(i: int) -> int:
        begun.append(i)
        return i

    with row_threads(WORTH_CELLS) as run:
        results = iter(run(work, range(100)))
        assert next(results) == 0
    assert len(begun) <= 2 * AHEAD + 1
    assert sorted(begun) == list(range(len(begun)))


def test_an_error_in_a_block_ends_the_pass(limit):
    limit(2)
    with row_threads(WORTH_CELLS) as run, pytest.raises(ZeroDivisionError):
        list(run(lambda i: 1 // (3 - i), range(100)))


def test_platforms_without_affinity_count_processors(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert thread_count() == 6
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert thread_count() == 1


def test_a_large_factorization_may_have_all_processors_where_one_is_our_choice(limit, monkeypatch):
    from threadpoolctl import threadpool_info, threadpool_limits

    def threads():
        return [info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"]

    limit(2)
    with threadpool_limits(1, user_api="blas"):
        monkeypatch.delenv("L2CLI_SPARED_THREADS", raising=False)
        with matrix_threads(1e12):
            assert set(threads()) == {1}
        monkeypatch.setenv("L2CLI_SPARED_THREADS", "1")
        with matrix_threads(1e6):
            assert set(threads()) == {1}
        with matrix_threads(1e12):
            assert set(threads()) == {2}
        assert set(threads()) == {1}
