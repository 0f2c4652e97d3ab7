"""Numbers as text for people: the digits that matter, no ``-0.00``, exponents only where zeros abound.

Machine formats do not come here: they carry full precision.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

EXPONENT_BELOW = 1e-4
EXPONENT_FROM = 1e7
NOTHING = "-"


def significant(value: float | None, digits: int = 3) -> str:
    """Return ``value`` with ``digits`` significant digits and never fewer than its integer part.

    Below 1e-4 and from 1e7 on with an exponent; None as ``-``.

    Examples
    --------
    >>> (
    ...     significant(5.6083),
    ...     significant(-298.12),
    ...     significant(123456.7),
    ...     significant(0.0),
    ...     significant(2.5e-9),
    ... )
    ('5.61', '-298', '123457', '0', '2.50e-9')
    """
    if value is None:
        return NOTHING
    if value == 0 or not math.isfinite(value):
        return f"{value:g}".removeprefix("-") if value == 0 else f"{value:g}"
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    power = int(exponent)
    if abs(value) < EXPONENT_BELOW or power >= math.log10(EXPONENT_FROM):
        return f"{mantissa}e{power}"
    return f"{value:.{max(0, digits - 1 - power)}f}"


def trimmed(value: float | None, digits: int = 3) -> str:
    """Return ``value`` as :func:`significant` does, without trailing zeros: for lambdas and counts.

    Examples
    --------
    >>> trimmed(9.6), trimmed(10.0), trimmed(1e-5), trimmed(14.23)
    ('9.6', '10', '1e-5', '14.2')
    """
    head, mark, exponent = significant(value, digits).partition("e")
    if "." in head:
        head = head.rstrip("0").rstrip(".")
    return head + mark + exponent


def outward(low: float, high: float, digits: int = 2) -> tuple[str, str]:
    """Return both ends of a range as :func:`trimmed` does, but rounded down and up: they hold what it holds.

    Examples
    --------
    >>> outward(0.04913, 24.47), outward(0.02, 31.0), outward(0.0, 2131.2), outward(2.41e-7, 2.41e8)
    (('0.049', '25'), ('0.02', '31'), ('0', '2132'), ('2.4e-7', '2.5e8'))
    """
    return _beyond(low, digits, -1), _beyond(high, digits, 1)


def _beyond(value: float, digits: int, side: int) -> str:
    """Return the nearest number of so many digits that is not inside of ``value``, of whatever it ends."""
    text = trimmed(value, digits)
    if value == 0 or side * (float(text) - value) >= -1e-9 * abs(value):
        return text
    last = math.floor(math.log10(abs(value))) - digits + 1
    unit = 10.0 ** (last if abs(value) >= EXPONENT_FROM else min(last, 0))
    return trimmed(float(text) + side * unit, digits)


def fixed(value: float | None, decimals: int) -> str:
    """Return ``value`` with a number of decimals; what rounds to zero has no sign.

    Examples
    --------
    >>> fixed(-0.0004, 2), fixed(-1.25, 1), fixed(-3.0, 0)
    ('0.00', '-1.2', '-3')
    """
    if value is None:
        return NOTHING
    if abs(value) >= EXPONENT_FROM:
        return significant(value, 4)
    text = f"{value:.{decimals}f}"
    return text.removeprefix("-") if not text.strip("-0.") else text


def decimals_for(values: Iterable[float | None], digits: int = 3) -> int:
    """Return the decimals that give the largest of ``values`` that many significant digits."""
    largest = max((abs(v) for v in values if v is not None and math.isfinite(v)), default=0.0)
    if largest == 0:
        return 0
    return max(0, digits - 1 - int(f"{largest:.{digits - 1}e}".split("e")[1]))


def comparable(values: Sequence[float | None], digits: int = 3) -> list[str]:
    """Return numbers of one unit, each with ``digits`` digits but no finer than the largest deserves.

    What would be shown as zero so, and is not, has one digit.

    Examples
    --------
    >>> comparable([24.82, -0.052341, 3e-9, 0.0])
    ['24.8', '-0.052', '3e-9', '0']
    """
    finest = decimals_for(values, digits) + 2
    if finest > 6:
        return [significant(value, digits) for value in values]
    return [_no_finer(value, digits, finest) for value in values]


def _no_finer(value: float | None, digits: int, finest: int) -> str:
    if value is None or value == 0 or not math.isfinite(value):
        return significant(value)
    text = significant(value, digits)
    if "e" not in text and len(text.partition(".")[2]) <= finest:
        return text
    coarse = fixed(value, finest)
    return coarse if coarse.strip("-0.") else significant(value, 1)


def ratio(value: float | None, decimals: int) -> str:
    """Return a number whose best value is 1, as ``1.00`` only where it is 1 to six decimals.

    Examples
    --------
    >>> ratio(0.4874, 2), ratio(0.99996, 2), ratio(1.0, 2), ratio(1 - 1e-9, 2), ratio(-0.001, 2)
    ('0.49', '0.99996', '1.00', '1.00', '0.00')
    """
    if value is None:
        return NOTHING
    more = decimals
    while more < 6 and value < 1 and float(fixed(value, more)) == 1:
        more += 1
    # Where even six decimals are not enough, zeros behind the point would say nothing.
    return fixed(value, decimals if value < 1 and float(fixed(value, more)) == 1 else more)


def percent(share: float | None, decimals: int = 0) -> str:
    """Return a share as percent; 100 % only where it is all of it to three decimals, 0 % where it is none.

    Examples
    --------
    >>> percent(0.98), percent(0.97891, 1), percent(0.99996, 1), percent(1 - 1e-9, 1), percent(-0.0001)
    ('98 %', '97.9 %', '99.996 %', '100 %', '0 %')
    >>> percent(0.0, 1), percent(0.0004, 1), percent(0.004)
    ('0 %', '<0.1 %', '<1 %')
    """
    if share is None:
        return NOTHING
    if share in (0.0, 1.0):
        return f"{share * 100:.0f} %"
    more = decimals
    while more < 3 and share < 1 and float(fixed(share * 100, more)) == 100:
        more += 1
    if share < 1 and float(fixed(share * 100, more)) == 100:
        return "100 %"
    text = fixed(share * 100, more)
    return f"<{10.0**-more:.{more}f} %" if share > 0 and not text.strip("0.") else f"{text} %"


def p_value(value: float) -> str:
    """Return ``p 0.04`` or ``p < 0.001``."""
    if value < 0.001:
        return "p < 0.001"
    return f"p {fixed(value, 2)}" if value >= 0.1 else f"p {trimmed(value, 2)}"


def aligned(texts: Sequence[str]) -> list[str]:
    """Return the texts padded to one width, decimal points (or last integer digits) below each other.

    Examples
    --------
    >>> aligned(["5.61", "-298", "98 %", "<1 %"])
    ['   5.61', '-298   ', '  98 % ', '  <1 % ']
    """
    parts = [_split_at_point(text) for text in texts]
    left = max((len(a) for a, _ in parts), default=0)
    right = max((len(b) for _, b in parts), default=0)
    return [a.rjust(left) + b.ljust(right) for a, b in parts]


def _split_at_point(text: str) -> tuple[str, str]:
    end = len(text) - len(text.lstrip("<>+-"))
    while end < len(text) and text[end].isdigit():
        end += 1
    # A word has no decimal point: it stands where the integers stand.
    return (text[:end], text[end:]) if text[:end].strip("<>+-") else (text, "")
