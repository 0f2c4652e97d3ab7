"""Parallel work: the same answers in the same order, and no workers where they would not pay."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from l2cli.engines.pool import WORTH_IT, deaf_to_interrupts, parallel_map
from l2cli.errors import FitError


def tasks():
    """Return functions that workers get by value: installed packages may have a module of the tests' name."""

    def square_and_process(value: int) -> tuple[int, int]:
        return value * value, os.getpid()

    def refuse(value: int) -> int:
        if value == 2:
            raise FitError(f"no {value}")
        return value

    return square_and_process, refuse


square_and_process, refuse = tasks()
TASKS = [(1,), (2,), (3,)]


@pytest.mark.parametrize(("jobs", "flops"), [(1, 1e15), (None, 0.0), (None, WORTH_IT / 2)])
def test_work_stays_here_where_workers_would_not_pay(jobs, flops):
    seen = []
    found = parallel_map(
        square_and_process,
        TASKS,
        jobs=jobs,
        flops=flops,
        progress=lambda what, done, total: seen.append((what, done, total)),
    )
    assert found == [(1, os.getpid()), (4, os.getpid()), (9, os.getpid())]
    assert seen == [("folds", 1, 3), ("folds", 2, 3), ("folds", 3, 3)]


def test_workers_answer_in_order():
    seen = []
    found = parallel_map(
        square_and_process, TASKS, jobs=2, progress=lambda what, done, total: seen.append(done)
    )
    assert [value for value, _ in found] == [1, 4, 9]
    assert os.getpid() not in {process for _, process in found}
    assert seen == [1, 2, 3]


def test_one_task_needs_no_worker():
    assert parallel_map(square_and_process, [(5,)], jobs=4) == [(25, os.getpid())]


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_of_a_task_comes_through(jobs):
    with pytest.raises(FitError, match="no 2"):
        parallel_map(refuse, TASKS, jobs=jobs)


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="signals cannot be blocked")
def test_an_interrupt_while_workers_start_is_theirs_not_to_hear_and_ours_to_hear_after():
    interrupt = f"import os; os.kill(os.getpid(), {int(signal.SIGINT)}); print('deaf')"
    heard = []

    def interrupted() -> None:
        with deaf_to_interrupts():
            heard.append(subprocess.check_output([sys.executable, "-c", interrupt], text=True))
            signal.raise_signal(signal.SIGINT)  # to this thread: others may hear what the process is sent
            heard.append("went on")

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert heard == ["deaf\n", "went on"]
