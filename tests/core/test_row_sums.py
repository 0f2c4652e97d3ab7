"""Sums of products of rows, however they are cut, against exact fractions; fits refined on them."""

from __future__ import annotations

from fractions import Fraction
from functools import reduce
from math import comb

import numpy as np
import pytest

from l2cli.core.solvers.least_squares import solve_factor
from l2cli.core.solvers.row_sums import RowSums, sums_of
from l2cli.core.solvers.tsqr import RowFactor, block_factor


def rows_of(seed=0, n=23, m=4):
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=(n, m)) * 10.0 ** rng.uniform(-3, 3, size=m) + 10.0 ** rng.uniform(-3, 6, size=m)
    return Z, rng.uniform(0.1, 5.0, size=n)


def read_once(Z, s=None, size=7):
    cuts = [slice(i, i + size) for i in range(0, len(Z), size)]
    parts = [block_factor(Z[cut].copy(), None if s is None else s[cut], read_once=True) for cut in cuts]
    factor: RowFactor = reduce(RowFactor.merge, parts)
    return factor


def solution(Z, *, s=None, intercept=True, size=7):
    found = solve_factor(read_once(Z, s, size), np.ones(Z.shape[1] - 1, bool), intercept=intercept)
    assert found is not None
    return found


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("size", [1, 2, 10, 23])
def test_sums_of_blocks_are_those_of_all_rows_to_28_digits(weighted, size):
    Z, s = rows_of()
    cuts = [slice(i, i + size) for i in range(0, len(Z), size)]
    sums = reduce(RowSums.merge, [sums_of(Z[cut], s[cut] if weighted else None) for cut in cuts])
    assert sums.origin.tolist() == Z[:size].mean(axis=0).tolist()
    origin = [Fraction(value) for value in sums.origin.tolist()]
    rows = [[Fraction(1), *(Fraction(z) - o for z, o in zip(row, origin, strict=True))] for row in Z.tolist()]
    weights = [Fraction(w) if weighted else Fraction(1) for w in s.tolist()]
    for i in range(5):
        for j in range(5):
            terms = [w * row[i] * row[j] for w, row in zip(weights, rows, strict=True)]
            lengths = [sum(w * row[k] ** 2 for w, row in zip(weights, rows, strict=True)) for k in (i, j)]
            unit = Fraction(2) ** int(sums.unit[i] + sums.unit[j])
            found = (Fraction(float(sums.A[0][i, j])) + Fraction(float(sums.A[1][i, j]))) * unit
            assert abs(found - sum(terms)) ** 2 <= Fraction(10) ** -56 * lengths[0] * lengths[1]


@pytest.mark.parametrize("degree", range(3, 10))
@pytest.mark.parametrize("noise", [0.0, 1.0, 1000.0])
def test_large_residuals_cost_no_digits(degree, noise):
    """Alternating binomial coefficients are orthogonal to all polynomials of lower degree: b = 1 exactly."""
    x, rough = np.arange(21.0), np.array([(-1.0) ** i * comb(20, i) for i in range(21)])
    X = x[:, None] ** np.arange(1, degree + 1)
    found = solution(np.column_stack([X, X.sum(axis=1) + 1.0 + noise * rough]), size=10)
    assert np.append(found.u, found.intercept) == pytest.approx(np.ones(degree + 1), rel=1e-13)
    total = float(np.sum(X.sum(axis=1) ** 2))
    assert found.residual_sum == pytest.approx(noise**2 * float(rough @ rough), rel=1e-15, abs=1e-30 * total)


def exact_solution(X, y, s):
    """Return the solution of the normal equations in fractions."""
    rows = [
        [Fraction(value) for value in (*row, last)] for row, last in zip(X.tolist(), y.tolist(), strict=True)
    ]
    p, weights = X.shape[1], [Fraction(w) for w in s.tolist()]
    A = [
        [
            sum((w * row[i] * row[j] for w, row in zip(weights, rows, strict=True)), Fraction(0))
            for j in range(p + 1)
        ]
        for i in range(p)
    ]
    for i in range(p):
        A[i] = [value / A[i][i] for value in A[i]]
        for k in range(p):
            if k != i:
                A[k] = [value - A[k][i] * pivot for value, pivot in zip(A[k], A[i], strict=True)]
    return np.array([float(A[i][p]) for i in range(p)])


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_one_pass_finds_the_solution_of_the_cells_as_they_are(intercept, weighted):
    """Means of 1e4 spreads and correlations of 1 - 1e-15, where a triangle alone keeps no digit."""
    Z, s = rows_of(1, n=40)
    Z[:, 2] = Z[:, 0] / 7.0 + 1e-6 * Z[:, 2]
    X = np.column_stack([np.ones(40), Z[:, :-1]]) if intercept else Z[:, :-1]
    known = exact_solution(X, Z[:, -1], s if weighted else np.ones(40))
    found = solution(Z, s=s if weighted else None, intercept=intercept)
    answer = np.append([found.intercept] if intercept else [], found.u)
    assert answer == pytest.approx(known, rel=1e-13, abs=0.0)


@pytest.mark.parametrize("unit", [1e-140, 1e140])
def test_no_unit_is_too_small_or_too_large(unit):
    """Products of such numbers would overflow or vanish; warnings are errors."""
    Z, s = rows_of(2)
    scale = 2.0 ** np.round(np.log2([unit, 1.0, 1.0 / unit, 1.0]))
    plain, found = solution(Z, s=s), solution(Z * scale, s=s)
    assert found.u * scale[:-1] == pytest.approx(plain.u, rel=1e-14)
    assert found.intercept == pytest.approx(plain.intercept, rel=1e-14)
    heavy = solution(Z, s=s * unit)
    assert heavy.u == pytest.approx(plain.u, rel=1e-14)


def test_a_column_that_varies_in_no_block_but_between_them_is_fitted():
    Z, _ = rows_of(3, n=21)
    Z[:, 1] = np.repeat([0.0, 0.0, 1.0], 7)
    apart, whole = solution(Z), solution(Z, size=21)
    assert apart.u == pytest.approx(whole.u, rel=1e-14)


def test_columns_without_variation_are_left_out():
    Z, _ = rows_of(4)
    Z[:, 1] = 3.0
    found = solve_factor(read_once(Z), np.array([True, False, True]), intercept=True)
    without = solution(np.delete(Z, 1, axis=1))
    assert found is not None
    assert found.u[1] == 0.0
    assert found.u[[0, 2]] == pytest.approx(without.u, rel=1e-14)


def test_a_perfect_fit_leaves_nothing():
    Z, _ = rows_of(5)
    Z = np.round(100.0 * Z)
    Z[:, 3] = Z[:, 0] - 2.0 * Z[:, 1] + 5.0
    found = solution(Z)
    assert found.u == pytest.approx([1.0, -2.0, 0.0], abs=1e-15)
    assert 0.0 <= found.residual_sum <= 1e-28 * float(Z[:, 3] @ Z[:, 3])


def test_sums_are_kept_where_both_sets_have_them():
    Z, _ = rows_of(6)
    one, two = block_factor(Z[:10].copy(), read_once=True), block_factor(Z[10:].copy())
    assert one.merge(two).sums is None
    assert one.merge(one).sums is not None
