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
SLICE_BITS, SLICED_ROWS, SLICES = 21, 1024, 6
"""Sums over 2^10 rows of products of 21 by 21 bits fill the 53 bits of a double at most."""


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


def product(a: Twofold, b: Twofold) -> Twofold:
    """Return a * b."""
    high, low = two_product(a[0], b[0])
    return two_sum(high, low + (a[0] * b[1] + a[1] * b[0]))


def square_root(a: FloatArray) -> Twofold:
    """Return the square root of positive doubles: one Newton step on the rounded one."""
    root = np.sqrt(a)
    square, error = two_product(root, root)
    return two_sum(root, ((a - square) - error) / (2.0 * root))


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


def cross_products(A: Twofold) -> Twofold:
    """Return A'A of A (n, m) with entries up to 1 in size: (m, m), errors about 2^-104 of n.

    Notes
    -----
    The rows are cut into slices of so few bits that every sum of products of two slices is a double exactly,
    in whatever order a BLAS adds (Ozaki, Ogita, Oishi and Rump 2012, "Error-free transformations of matrix
    multiplication by using fast routines of matrix multiplication"): 12 matrix products for about 126 bits.

    Examples
    --------
    >>> A = np.array([[1.0, 2.0**-30], [-1.0, 2.0**-30], [2.0**-40, 1.0]])
    >>> high, low = cross_products(twofold(A))
    >>> float((A.T @ A)[0, 0]), float(high[0, 0]), float(low[0, 0]) == 2.0**-80
    (2.0, 2.0, True)
    """
    total = twofold(np.zeros((A[0].shape[1], A[0].shape[1])))
    for start in range(0, len(A[0]), SLICED_ROWS):
        rows = slice(start, start + SLICED_ROWS)
        parts = _slices((A[0][rows], A[1][rows]))
        for level in reversed(range(SLICES)):  # small before large
            for i in range(level // 2 + 1):
                part = parts[i].T @ parts[level - i]
                total = add(total, twofold(part))
                if i < level - i:
                    total = add(total, twofold(part.T))
    return total


def _slices(a: Twofold) -> list[FloatArray]:
    """Return parts that add up to a, up to 1 in size: multiples of 2^-21, 2^-42, ..."""
    parts, (high, low) = [], a
    for k in range(SLICES):
        high, low = two_sum(high, low)
        shift = 1.5 * 2.0 ** (52 - SLICE_BITS * (k + 1))  # adding it rounds to these multiples
        part = (high + shift) - shift
        parts.append(part)
        high = high - part
    return parts
