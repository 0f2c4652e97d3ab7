"""Rows read once: the fit is the same in whatever blocks and order they come."""

from __future__ import annotations

from functools import reduce

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from l2cli.core.solvers.least_squares import solve_factor
from l2cli.core.solvers.tsqr import RowFactor, block_factor

repeatable = settings(max_examples=60, deadline=None, derandomize=True, database=None)


def fitted(parts, p, intercept):
    found = solve_factor(reduce(RowFactor.merge, parts), np.ones(p, bool), intercept=intercept)
    assert found is not None
    return found


@repeatable
@given(st.integers(8, 60), st.integers(1, 5), st.booleans(), st.booleans(), st.integers(0, 2**32 - 1))
def test_any_blocks_and_order_give_the_same_fit(n, p, intercept, weighted, seed):
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=(n, p + 1)) @ np.triu(rng.normal(size=(p + 1, p + 1)))
    Z[:, 1:p] = Z[:, :1] + 10.0 ** rng.uniform(-5, 0) * Z[:, 1:p]  # near-collinear
    Z = Z * 10.0 ** rng.uniform(-5, 5, size=p + 1) + 10.0 ** rng.uniform(-5, 5, size=p + 1)
    s = 10.0 ** rng.uniform(-3, 3, size=n) if weighted else None
    whole = fitted([block_factor(Z.copy(), s, read_once=True)], p, intercept)
    rows = rng.permutation(n)
    cuts = np.split(rows, np.sort(rng.choice(np.arange(1, n), size=rng.integers(0, n), replace=False)))
    parts = [block_factor(Z[cut], None if s is None else s[cut], read_once=True) for cut in cuts]
    found = fitted([parts[i] for i in rng.permutation(len(parts))], p, intercept)
    size = np.abs(Z[:, :p] - Z[:, :p].mean(axis=0)).max(axis=0)
    assert np.abs((found.u - whole.u) * size).max() <= 1e-14 * np.abs(whole.u * size).max()
    assert abs(found.residual_sum - whole.residual_sum) <= 1e-13 * whole.residual_sum
