"""Parallel work over independent tasks: the only user of joblib."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

R = TypeVar("R")
WORTH_IT = 2e10
"""Floating-point operations below which starting workers (about a second) costs more than they save."""


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """Start workers deaf to Ctrl-C, which a terminal sends to them too: this process ends them, quietly.

    A blocked signal stays blocked in a program that is started meanwhile, where a handler would be gone; this
    process gets one that came meanwhile when it listens again, where one that it ignored would be lost.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows: what is started hears what it hears
        yield
        return
    from multiprocessing.resource_tracker import ensure_running

    ensure_running()  # it unblocks the signal when it starts a process of its own
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def parallel_map(
    function: Callable[..., R],
    tasks: Sequence[tuple[Any, ...]],
    *,
    jobs: int | None = None,
    flops: float = 0.0,
    progress: Callable[[str, int, int], None] | None = None,
    label: str = "folds",
) -> list[R]:
    """Return ``[function(*task) for task in tasks]``, in worker processes where that is faster.

    Parameters
    ----------
    jobs : int, optional
        Workers; None means one per processor, if the estimated work is worth it; -1 does so anyway; 1 never
        starts any.
    flops : float
        Estimated work of all tasks together.
    label : str
        What progress calls the tasks.

    Notes
    -----
    Every worker runs its linear algebra on one thread (joblib's loky caps it), so the answers do not depend
    on ``jobs`` beyond rounding.
    """
    workers = min(os.cpu_count() or 1 if jobs is None or jobs < 0 else jobs, len(tasks))
    if workers <= 1 or (jobs is None and flops < WORTH_IT):
        result = []
        for i, task in enumerate(tasks):
            result.append(function(*task))
            if progress is not None:
                progress(label, i + 1, len(tasks))
        return result
    from joblib import Parallel, delayed

    answers: list[R] = []
    with deaf_to_interrupts():
        running = Parallel(n_jobs=workers, return_as="generator")(delayed(function)(*task) for task in tasks)
    for i, answer in enumerate(running):
        answers.append(answer)
        if progress is not None:
            progress(label, i + 1, len(tasks))
    return answers
