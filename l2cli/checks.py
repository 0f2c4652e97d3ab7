"""What a number or a name that was asked for may be: the checks of options and arguments.

Standard library only, as :mod:`l2cli.spec`.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Collection
from numbers import Real
from typing import Any

from l2cli.errors import UsageError


def one_of(value: Any, name: str, allowed: Collection[str]) -> None:
    """Raise UsageError unless ``value`` is one of ``allowed``."""
    if not isinstance(value, str) or value not in allowed:
        raise UsageError(f"{name} {value!r} is not available", hint=f"choose one of {', '.join(allowed)}")


def whole(value: Any, name: str, least: int, most: int | None = None, *, special: int | None = None) -> int:
    """Return ``value`` (NumPy's too) if it is a whole number in a range, or a special one.

    Raises
    ------
    UsageError
        It is anything else.
    """
    try:
        number = operator.index(value)
    except TypeError:  # arrays too, which have that method
        number = None
    if number is not None and (number == special or (least <= number and (most is None or number <= most))):
        return number
    span = f"of at least {least}" if most is None else f"from {least} to {most}"
    raise UsageError(f"{name} must be a whole number {span}, not {value!r}")


LEAST_L1_RATIO = 1e-9
"""The smallest lambda without any feature grows like 1/ratio: below this it drowns all else."""
LARGEST_LAMBDA = 1e150
"""Squares of lambdas beyond this, or below its inverse, overflow; long before, nothing is left to change."""
LARGEST_FACTOR = 1e100
"""Factors of lambda beyond this, or below its inverse, make lambdas of which squares overflow."""


def as_number(value: Any, name: str) -> float:
    """Return ``value`` as a float, or raise UsageError if it is no number."""
    if not isinstance(value, Real):
        raise UsageError(f"{name} must be a number, not {value!r}")
    try:
        return float(value)
    except OverflowError:
        raise UsageError(f"{name} is an integer that no double holds") from None


def check_lambda(value: float, option: str, largest: float = LARGEST_LAMBDA) -> float:
    """Return ``value`` if it is 0 or in 1/largest to ``largest``, else raise UsageError naming ``option``."""
    if value == math.inf:
        raise UsageError(f"{option} must be a finite number, not {value:g}")
    if not (math.isfinite(value) and value >= 0):
        raise UsageError(f"{option} must be 0 or larger, not {value:g}")
    if value and not 1.0 / largest <= value <= largest:
        raise UsageError(f"{option} must be 0 or from {1.0 / largest:g} to {largest:g}, not {value:g}")
    return value


def check_factor(value: float, option: str) -> float:
    """Return a factor of lambda if it is 0 or leaves room for lambdas and their squares beside it."""
    return check_lambda(value, option, LARGEST_FACTOR)


def check_l1_ratio(ratio: float, option: str) -> float:
    """Return a ratio in [0, 1], or raise UsageError where it is so small that its lambdas mean nothing."""
    if 0.0 < ratio < LEAST_L1_RATIO:
        raise UsageError(f"{option} must be 0 (L2) or at least {LEAST_L1_RATIO:g}, not {ratio:g}")
    return ratio


def check_tweedie_power(power: float, family: str) -> None:
    """Raise UsageError unless ``power`` is one of tweedie's, and the family is tweedie."""
    if family != "tweedie":
        raise UsageError(
            f"--tweedie-power belongs to the family tweedie, not {family}", hint="add --family tweedie"
        )
    if not 1.0 < power < 2.0:
        hint = "power 1 is --family poisson, 2 is --family gamma" if power in (1.0, 2.0) else None
        raise UsageError(f"--tweedie-power must lie between 1 and 2, not {power:g}", hint=hint)


def check_relax_gamma(gamma: float, l1_ratio: float) -> None:
    """Raise UsageError unless ``gamma`` is a share, and the penalty has an L1 part that selects columns."""
    if not 0.0 <= gamma <= 1.0:
        raise UsageError(f"relax_gamma must be between 0 and 1, not {gamma!r}")
    if l1_ratio == 0.0:
        raise UsageError(
            "--relax-gamma needs an L1 part: pure L2 leaves no feature out, so there is nothing to relax",
            hint="add --l1-ratio 1 for the relaxed lasso",
        )
