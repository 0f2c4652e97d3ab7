"""Numbers as people read them."""

from __future__ import annotations

import math

import pytest

from l2cli.report import numerals


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5.6083, "5.61"),
        (-298.12, "-298"),
        (9.996, "10.0"),
        (0.99951, "1.00"),
        (0.0, "0"),
        (-0.0, "0"),
        (123456.7, "123457"),
        (9_999_999.0, "1.00e7"),
        (9_940_000.0, "9940000"),
        (0.00012345, "0.000123"),
        (0.000099, "9.90e-5"),
        (-2.5e-9, "-2.50e-9"),
        (3.2e120, "3.20e120"),
        (5e-324, "4.94e-324"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (math.nan, "nan"),
        (None, "-"),
    ],
)
def test_significant_keeps_three_digits(value, text):
    assert numerals.significant(value) == text


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (9.6, 3, "9.6"),
        (10.0, 3, "10"),
        (1e-5, 3, "1e-5"),
        (1.5e9, 3, "1.5e9"),
        (0.1 + 0.2, 6, "0.3"),
        (0, 3, "0"),
    ],
)
def test_trimmed_drops_zeros_that_say_nothing(value, digits, text):
    assert numerals.trimmed(value, digits) == text


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [(-0.0004, 2, "0.00"), (-0.006, 2, "-0.01"), (-0.0, 0, "0"), (1e9, 2, "1.000e9")],
)
def test_fixed_has_no_negative_zero(value, decimals, text):
    assert numerals.fixed(value, decimals) == text


def test_comparable_numbers_are_no_finer_than_the_largest_deserves():
    assert numerals.comparable([31.4, -0.4064, 0.00002, 0.0]) == ["31.4", "-0.406", "2e-5", "0"]
    assert numerals.comparable([938.0, 0.0049, 0.0051, -1e-4]) == ["938", "0.005", "0.01", "-0.0001"]
    assert numerals.comparable([3e-5, 1e-7]) == ["3.00e-5", "1.00e-7"]
    assert numerals.comparable([3e-12, 1e-14]) == ["3.00e-12", "1.00e-14"]
    assert numerals.comparable([]) == []


@pytest.mark.parametrize(
    ("share", "decimals", "text"),
    [
        (0.979, 1, "97.9 %"),
        (0.9996, 0, "99.96 %"),
        (0.999999999, 1, "100 %"),
        (1.0, 1, "100 %"),
        (0.0, 1, "0 %"),
        (0.00049, 1, "<0.1 %"),
        (0.0006, 1, "0.1 %"),
        (1e-9, 0, "<1 %"),
        (-1e-9, 0, "0 %"),
        (1.04, 0, "104 %"),
        (-0.04, 0, "-4 %"),
    ],
)
def test_percent_says_100_only_for_all(share, decimals, text):
    assert numerals.percent(share, decimals) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.00032, "p < 0.001"), (0.0404, "p 0.04"), (0.049, "p 0.049"), (0.314, "p 0.31"), (1.0, "p 1.00")],
)
def test_p_values_keep_the_side_of_the_threshold(value, text):
    assert numerals.p_value(value) == text


def test_aligned_puts_decimal_points_below_each_other():
    rows = numerals.aligned(["5.61", "-298", "1.2e-5", "98 %", "", "-"])
    assert rows == ["   5.61  ", "-298     ", "   1.2e-5", "  98 %   ", "         ", "   -     "]
