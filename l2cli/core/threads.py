"""Passes over blocks of rows on several threads.

NumPy releases the interpreter lock inside products and element-wise functions, so blocks of rows run side by
side. The linear algebra library is held to one thread meanwhile: its own threads would wait for each other at
every small product, which on a busy machine costs ten times what they save (measured: 0.12 s against 0.010 s
a pass). Results come back in the order of the blocks, so sums do not depend on the number of threads; only so
many are made ahead of the one that is asked for, as each may be a square of the columns.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from threadpoolctl import ThreadpoolController

T = TypeVar("T")
R = TypeVar("R")
Runner = Callable[[Callable[[T], R], Iterable[T]], Iterable[R]]
WORTH_CELLS = 500_000
"""Cells (rows times columns) from which threads are worth starting."""
WORTH_FLOPS = 2e10
"""Work of one call into the linear algebra library (a second or so) that is worth threads of its own."""
AHEAD = 3
"""Results for each thread that may wait to be taken."""


def thread_count() -> int:
    """Return the number of threads for passes over rows."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not every platform tells
        return os.cpu_count() or 1


@contextmanager
def row_threads(cells: int) -> Iterator[Callable[[Callable[[T], R], Iterable[T]], Iterable[R]]]:
    """Yield a ``map`` over blocks of rows: threaded for large work, the plain one for small.

    Parameters
    ----------
    cells : int
        Size of the data passed over, rows times columns.
    """
    count = thread_count()
    if count == 1 or cells < WORTH_CELLS:
        yield map
        return
    from concurrent.futures import ThreadPoolExecutor

    with _libraries().limit(limits=1, user_api="blas"), ThreadPoolExecutor(count) as pool:

        def run(work: Callable[[T], R], blocks: Iterable[T]) -> Iterator[R]:
            return _in_order(pool, work, blocks, AHEAD * count)

        yield run


def _in_order(pool: Executor, work: Callable[[T], R], blocks: Iterable[T], most: int) -> Iterator[R]:
    """Start the first ``most`` blocks, and another one whenever a result is taken."""
    rest = iter(blocks)
    waiting = deque(pool.submit(work, block) for block in islice(rest, most))

    def results() -> Iterator[R]:
        try:
            while waiting:
                result = waiting.popleft().result()
                waiting.extend(pool.submit(work, block) for block in islice(rest, 1))
                yield result
        finally:
            for future in waiting:
                future.cancel()

    return results()


@contextmanager
def matrix_threads(flops: float) -> Iterator[None]:
    """Give one large factorization or product all processors, where the library is held to one by us."""
    count = thread_count()
    if flops < WORTH_FLOPS or count == 1 or "L2CLI_SPARED_THREADS" not in os.environ:
        yield
        return
    with _libraries().limit(limits=count, user_api="blas"):
        yield


@contextmanager
def one_thread(flops: float) -> Iterator[None]:
    """Hold the linear algebra library to one thread for many calls of ``flops`` each, unless these are large.

    Measured with another process beside it: a Cholesky factor of order 750 takes 23 ms with two threads of
    the library, 7 ms with one.
    """
    if flops >= WORTH_FLOPS or thread_count() == 1:
        yield
        return
    with _libraries().limit(limits=1, user_api="blas"):
        yield


@cache
def _libraries() -> ThreadpoolController:
    """Return the handle of the linear algebra that NumPy uses; to look for it takes 3 ms, so once."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
