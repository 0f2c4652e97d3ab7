"""Sums of products in twice the working precision, by error-free transformations of doubles alone.

A value is held as an unevaluated sum (high, low). The rounding error of a sum of two doubles is a double, and
so is that of a product (Dekker 1971); with these errors added up, a dot product is as exact as one in about
106 bits, rounded (Ogita, Rump and Oishi 2005, "Accurate sum and dot product", algorithm 5.3).

Notes
-----
Any machine with IEEE doubles gives the same digits, while long double has more bits than double on some only.
About 25 flops per product instead of 2.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Twofold = tuple[FloatArray, FloatArray]
SPLITTER = 134217729.0
"""2^27 + 1: cuts a double into halves whose products are exact."""


def twofold(a: FloatArray) -> Twofold:
    """Return a as (a, 0)."""
    return a, np.zeros_like(a)


def two_sum(a: FloatArray, b: FloatArray) -> Twofold:
    """Return a + b rounded, and its rounding error (Knuth)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def two_product(a: FloatArray, b: FloatArray) -> Twofold:
    """Return a * b rounded, and its rounding error (Dekker); factors and product between 1e-290 and 1e290."""
    product = a * b
    (a1, a0), (b1, b0) = _halves(a), _halves(b)
    return product, ((a1 * b1 - product) + a1 * b0 + a0 * b1) + a0 * b0


def _halves(a: FloatArray) -> Twofold:
    """Return the leading and the trailing 26 bits."""
    scaled = SPLITTER * a
    high = scaled - (scaled - a)
    return high, a - high


def add(a: Twofold, b: Twofold) -> Twofold:
    """Return a + b."""
    high, low = two_sum(a[0], b[0])
    return two_sum(high, low + (a[1] + b[1]))


def multiply(a: FloatArray, b: Twofold) -> Twofold:
    """Return a * b."""
    high, low = two_product(a, b[0])
    return two_sum(high, low + a * b[1])


def weighted_sum(A: FloatArray, x: Twofold) -> Twofold:
    """Return sum_i x_i A_i of the rows A_i of A (k, m): (m,), (m,).

    Examples
    --------
    >>> A, ones = np.array([[1e17], [1.0], [-1e17]]), np.ones(3)
    >>> float((ones @ A)[0]), float(weighted_sum(A, twofold(ones))[0][0])
    (0.0, 1.0)
    """
    high, low = two_product(A, x[0][:, None])
    tail = (low + A * x[1][:, None]).sum(axis=0)
    while len(high) > 1:  # halves onto one another
        half = len(high) // 2
        total, error = two_sum(high[:half], high[half : 2 * half])
        tail += error.sum(axis=0)
        high = np.concatenate([total, high[2 * half :]])
    return two_sum(high.sum(axis=0), tail)
