"""Student's t against SciPy and closed forms."""

from __future__ import annotations

import math

import pytest
from scipy.stats import t as student

from l2cli.core.student import two_sided_quantile, two_sided_tail


@pytest.mark.parametrize("df", [1, 2, 3, 9, 30, 99, 199, 201, 250, 1000, 10**5])
def test_tails_are_those_of_scipy(df):
    for t in (1e-3, 0.1, 0.5, 1.0, 2.0, 5.0, 20.0, 1000.0):
        found = two_sided_tail(t, df)
        assert found == pytest.approx(2.0 * float(student.sf(t, df)), rel=1e-9, abs=1e-290)
        assert two_sided_tail(-t, df) == found


@pytest.mark.parametrize("t", [1e-8, 0.3, 1.0, 7.0, 1e6])
def test_one_and_two_degrees_of_freedom_have_closed_forms(t):
    assert two_sided_tail(t, 1) == pytest.approx(1.0 - 2.0 * math.atan(t) / math.pi, rel=1e-10, abs=1e-15)
    assert two_sided_tail(t, 2) == pytest.approx(1.0 - t / math.sqrt(2.0 + t * t), rel=1e-10, abs=1e-15)


def test_the_ends():
    assert two_sided_tail(0.0, 5) == 1.0
    assert two_sided_tail(math.inf, 5) == two_sided_tail(-math.inf, 5) == 0.0


@pytest.mark.parametrize("df", [1, 2, 9, 55, 1000, 10**6])
@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.999])
def test_quantiles_are_those_of_scipy(df, level):
    assert two_sided_quantile(level, df) == pytest.approx(
        float(student.isf((1.0 - level) / 2.0, df)), rel=1e-10
    )
