"""Axes: where a value lies between both ends, and the round numbers written beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from l2cli.report.numerals import fixed, significant, trimmed

# A curve that spans more than this is drawn on a logarithmic axis.
LOG_SPAN = 20.0


class Tick(NamedTuple):
    """A place on an axis and its label."""

    value: float
    label: str


class Scale(NamedTuple):
    """An axis from ``low`` to ``high``, linear or logarithmic."""

    low: float
    high: float
    log: bool = False

    def at(self, value: float) -> float:
        """Return the place of ``value``: 0 at the low end, 1 at the high end, beyond them clipped."""
        if self.log:
            low, high = math.log(self.low), math.log(self.high)
            place = math.log(max(value, self.low))
        else:
            low, high, place = self.low, self.high, value
        return min(max((place - low) / (high - low), 0.0), 1.0) if high > low else 0.5


def lambda_scale(lambdas: Sequence[float]) -> Scale:
    """Return the logarithmic axis of lambdas; 0 is drawn at the left end, a little off the others."""
    positive = [value for value in lambdas if value > 0]
    if not positive:
        return Scale(0.0, 1.0)
    low, high = min(positive), max(positive)
    if len(positive) < len(lambdas):
        low /= max((high / low) ** 0.08, 1.5)
    return Scale(low, high, log=True) if high > low else Scale(low / 2, high * 2, log=True)


def value_scale(values: Sequence[float], *, linear: bool = False) -> Scale:
    """Return an axis for ``values``: logarithmic where they are positive and span more than a factor 20.

    ``linear``: not even there, for what has its best value at 1, where a logarithm would squeeze it.
    """
    low, high = min(values), max(values)
    if not linear and low > 0 and high / low > LOG_SPAN:
        return Scale(low, high, log=True)
    if high > low:
        return Scale(low, high)
    margin = abs(high) * 0.1 or 1.0
    return Scale(low - margin, high + margin)


def snapped(scale: Scale, rows: int) -> tuple[Scale, int]:
    """Return a linear axis widened to round ends, and a number of rows that puts its ticks at even distances.

    The number of rows is at most 3 larger than ``rows``. A logarithmic axis is returned as it is.
    """
    width = scale.high - scale.low
    best, least = (scale, rows), math.inf
    for power in (-1, 0, 1):
        for mantissa in (1.0, 2.0, 2.5, 5.0):
            step = mantissa * 10.0 ** (math.floor(math.log10(width)) + power)
            low, high = math.floor(scale.low / step + 1e-9), math.ceil(scale.high / step - 1e-9)
            for rows_per_step in (2, 3, 4):
                needed = rows_per_step * (high - low) + 1
                waste = (high - low) * step / width
                if high - low > 1 and rows - 1 <= needed <= rows + 3 and waste < least:
                    best, least = (Scale(low * step, high * step), needed), waste
    return (scale, rows) if scale.log else best


def ticks(scale: Scale, most: int) -> list[Tick]:
    """Return at most ``most`` round places of an axis, in ascending order."""
    return log_ticks(scale, most) if scale.log else linear_ticks(scale, most)


def log_ticks(scale: Scale, most: int) -> list[Tick]:
    """Return decades, or 1-2-5 within decades where there is room for them."""
    first, last = math.floor(math.log10(scale.low)), math.ceil(math.log10(scale.high))

    def inside(mantissas: Sequence[int]) -> list[float]:
        values = [m * 10.0**k for k in range(first, last + 1) for m in mantissas]
        return [v for v in values if scale.low * (1 - 1e-9) <= v <= scale.high * (1 + 1e-9)]

    decades = inside((1,))
    if len(decades) < 3:
        found = next((v for v in (inside((1, 2, 5)), inside((1, 3)), decades) if len(v) <= most), decades)
        return [Tick(v, log_label(v)) for v in found] if len(found) > 1 else linear_ticks(scale, most)
    step = math.ceil(len(decades) / most)
    return [Tick(v, log_label(v)) for v in decades if round(math.log10(v)) % step == 0]


def log_label(value: float) -> str:
    """Return a decade (or 1-2-5) label: plain from 0.001 to 10000, beyond with an exponent."""
    if 0.00099 <= value < 99999:
        return trimmed(value, 1)
    mantissa, exponent = f"{value:.0e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def linear_ticks(scale: Scale, most: int) -> list[Tick]:
    """Return multiples of 1, 2, 2.5 or 5 times a power of ten."""
    step = _nice_step((scale.high - scale.low) / max(most, 1))
    margin = step * 1e-9
    first, last = math.ceil((scale.low - margin) / step), math.floor((scale.high + margin) / step)
    values = [i * step for i in range(first, last + 1)]
    largest = max((abs(v) for v in values), default=0.0)
    if largest >= 1e6 or step < 1e-4:
        digits = max(1, 1 + math.floor(math.log10(max(largest, step) / step)))
        return [Tick(v, _short_exponent(v, digits)) for v in values]
    decimals = next(d for d in range(10) if abs(step * 10**d - round(step * 10**d)) < 1e-6)
    return [Tick(v, fixed(v, decimals)) for v in values]


def _nice_step(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least))
    return next(m * power for m in (1.0, 2.0, 2.5, 5.0, 10.0) if m * power >= least * (1 - 1e-9))


def _short_exponent(value: float, digits: int) -> str:
    if value == 0:
        return "0"
    mantissa, _, exponent = f"{value:.{digits}e}".partition("e")
    mantissa = mantissa.rstrip("0").rstrip(".")
    return significant(value, 1) if not exponent else f"{mantissa}e{int(exponent)}"
