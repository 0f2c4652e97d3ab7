"""Moments of rows, however the rows are ordered, cut and put together again."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l2cli.core.moments import Moments, gram_system, leave_each_out, moments_of
from l2cli.core.problem import make_problem

repeatable = settings(max_examples=40, deadline=None, derandomize=True, database=None)
shapes = st.tuples(st.integers(3, 40), st.integers(1, 5), st.integers(0, 2**32 - 1))


def problem_of(shape, *, missing):
    n, p, seed = shape
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * 10.0 ** rng.uniform(-6, 6, size=p) + rng.normal(
        size=p
    ) * 10.0 ** rng.uniform(-3, 6)
    if missing:
        X[rng.random(X.shape) < 0.3] = np.nan
    weights = 10.0 ** rng.uniform(-2, 2, size=n)
    return make_problem(X, rng.normal(size=n), weights=weights), rng


def assert_close(a: Moments, b: Moments) -> None:
    size = np.sqrt(np.maximum(np.diag(b.scatter), 1e-30))
    assert a.rows == b.rows
    assert a.weight == pytest.approx(b.weight, rel=1e-12)
    assert np.abs(a.mean - b.mean).max() < 1e-11
    assert np.abs((a.scatter - b.scatter) / np.outer(size, size)).max() < 1e-10


@repeatable
@given(shapes, st.booleans(), st.integers(1, 8))
def test_moments_merge_in_any_order_and_chunking(shape, missing, pieces):
    problem, rng = problem_of(shape, missing=missing)
    n = problem.n_rows
    cuts = np.sort(rng.integers(0, n + 1, size=pieces - 1))
    parts = [moments_of(problem, rows) for rows in np.split(rng.permutation(n), cuts)]
    whole = moments_of(problem)
    for _ in range(3):
        order = rng.permutation(len(parts))
        assert_close(reduce(Moments.merge, [parts[i] for i in order]), whole)
    while len(parts) > 1:  # as a tree, too
        i, j = rng.choice(len(parts), size=2, replace=False)
        merged = parts[i].merge(parts[j])
        parts = [m for k, m in enumerate(parts) if k not in (i, j)] + [merged]
    assert_close(parts[0], whole)


@repeatable
@given(shapes, st.booleans(), st.integers(2, 8))
def test_leaving_each_part_out_is_forming_the_rest(shape, missing, k):
    problem, rng = problem_of(shape, missing=missing)
    n = problem.n_rows
    k = min(k, n)
    ids = rng.permutation(np.arange(n) % k)
    rest = list(leave_each_out([moments_of(problem, np.flatnonzero(ids == f)) for f in range(k)]))
    assert len(rest) == k
    for f, merged in enumerate(rest):
        direct = moments_of(problem, np.flatnonzero(ids != f))
        assert_close(merged, direct)
        a, b = gram_system(problem, merged), gram_system(problem, direct)
        assert a.stats.d == pytest.approx(b.stats.d, rel=1e-8, abs=1e-10)
        assert a.stats.shift == pytest.approx(b.stats.shift, abs=1e-9)
