"""Twice the working precision, against exact fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from l2cli.core.twofold import (
    SLICED_ROWS,
    add,
    cross_products,
    multiply,
    product,
    square_root,
    two_product,
    two_sum,
    twofold,
    weighted_sum,
)


def numbers(seed, size=200):
    rng = np.random.default_rng(seed)
    return rng.normal(size=size) * 10.0 ** rng.uniform(-12, 12, size=size)


def exact(pair):
    return [Fraction(float(high)) + Fraction(float(low)) for high, low in zip(*pair, strict=True)]


def test_a_sum_and_a_product_lose_nothing():
    a, b = numbers(0), numbers(1)
    fractions = [(Fraction(x), Fraction(y)) for x, y in zip(a.tolist(), b.tolist(), strict=True)]
    assert exact(two_sum(a, b)) == [x + y for x, y in fractions]
    assert exact(two_product(a, b)) == [x * y for x, y in fractions]
    assert two_sum(a, b)[0].tolist() == (a + b).tolist()
    assert two_product(a, b)[0].tolist() == (a * b).tolist()


def test_twofold_numbers_add_and_multiply_to_30_digits():
    a, b = two_sum(numbers(2), 1e-14 * numbers(3)), two_sum(numbers(4), 1e-14 * numbers(5))
    left, right = exact(a), exact(b)
    for found, x, y in zip(exact(add(a, b)), left, right, strict=True):
        assert abs(found - (x + y)) <= Fraction(2) ** -100 * (abs(x) + abs(y))
    for found, x, y in zip(exact(multiply(a[0], b)), a[0].tolist(), right, strict=True):
        assert abs(found - Fraction(x) * y) <= Fraction(2) ** -100 * abs(Fraction(x) * y)
    for found, x, y in zip(exact(product(a, b)), left, right, strict=True):
        assert abs(found - x * y) <= Fraction(2) ** -100 * abs(x * y)


def test_a_square_root_has_30_digits():
    a = np.abs(numbers(6))
    for found, x in zip(exact(square_root(a)), a.tolist(), strict=True):
        assert abs(found**2 - Fraction(x)) <= Fraction(2) ** -98 * Fraction(x)


@pytest.mark.parametrize("rows", [1, 3, SLICED_ROWS, SLICED_ROWS + 5])
def test_cross_products_have_30_digits_of_their_terms(rows):
    rng = np.random.default_rng(rows)
    high = rng.uniform(-1.0, 1.0, size=(rows, 3)) * 2.0 ** rng.integers(-40, 0, size=(rows, 3))
    high[0] = 1.0 - 2.0**-53
    A = two_sum(high, rng.uniform(-1.0, 1.0, size=(rows, 3)) * 2.0 ** np.full((rows, 3), -60.0))
    columns = [exact((A[0][:, j], A[1][:, j])) for j in range(3)]
    found = cross_products(A)
    assert found[0].tolist() == found[0].T.tolist()
    for i, j in [(0, 0), (0, 1), (1, 2), (2, 2)]:
        known = sum((x * y for x, y in zip(columns[i], columns[j], strict=True)), Fraction(0))
        [value] = exact((found[0][[i], j], found[1][[i], j]))
        assert abs(value - known) <= Fraction(2) ** -98 * (rows + 1)


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 64])
def test_a_sum_of_products_cancels_without_harm(rows):
    rng = np.random.default_rng(rows)
    A = rng.normal(size=(rows, 5)) * 10.0 ** rng.uniform(-8, 8, size=(rows, 5))
    x = two_sum(rng.normal(size=rows), 1e-17 * rng.normal(size=rows))
    A = np.vstack([A, -A[::-1], np.full((1, 5), 1e-9)])  # all but the last row cancels
    x = np.concatenate([x[0], x[0][::-1], [1.0]]), np.concatenate([x[1], x[1][::-1], [1e-20]])
    found = exact(weighted_sum(A, x))
    known = Fraction(1e-9) * (1 + Fraction(1e-20))
    terms = sum(
        abs(Fraction(float(v))) * Fraction(float(w)) for v, w in zip(A[:, 0], np.abs(x[0]), strict=True)
    )
    assert abs(found[0] - known) <= Fraction(2) ** -95 * terms
    assert [float(value) for value in found] == pytest.approx([1e-9] * 5, rel=1e-10)


def test_doubles_are_twofold_numbers_with_nothing_more():
    high, low = twofold(np.array([1.5, -2.0]))
    assert (high.tolist(), low.tolist()) == ([1.5, -2.0], [0.0, 0.0])
