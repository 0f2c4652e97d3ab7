"""``l2cli convert``: one lambda in the conventions of every tool."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from l2cli._version import __version__
from l2cli.core.conventions import equivalents, from_convention
from l2cli.errors import UsageError
from l2cli.spec import FAMILIES


@dataclass(frozen=True)
class ConvertResult:
    """A lambda on the sum scale and its equivalents; ``given`` is what was converted."""

    lam: float
    l1_ratio: float
    family: str
    rows: int | None
    weight_sum: float | None
    equivalents: dict[str, float]
    given: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return the result keys of SPEC section 4."""
        return {
            "schema": "l2cli/convert/1",
            "version": __version__,
            "lambda": self.lam,
            "l1_ratio": self.l1_ratio,
            "family": self.family,
            "rows": self.rows,
            "weight_sum": self.weight_sum,
            "equivalents": dict(self.equivalents),
            "settings": dict(self.given),
            "warnings": [],
        }


def convert_lambda(
    value: float,
    *,
    convention: str = "lambda",
    family: str = "gaussian",
    rows: int | None = None,
    weight_sum: float | None = None,
    target_sd: float | None = None,
    l1_ratio: float = 0.0,
) -> ConvertResult:
    """Return a penalty strength on the sum scale, and what gives the same fit in other tools.

    Parameters
    ----------
    value : float
        The strength as ``convention`` states it.
    convention : str
        A key of ``l2cli.core.conventions.CONVENTIONS``; ``lambda`` is the sum scale.
    rows, weight_sum : int, float, optional
        Number of rows n, and the sum of their weights W (default n).
    target_sd : float, optional
        Gaussian: standard deviation (divisor W) of the target, or without an intercept its root mean square.
    l1_ratio : float
        The mix of L1 and L2 in that convention.

    Raises
    ------
    UsageError
        If the convention does not exist, does not fit the family, or needs a quantity that is not given.

    Examples
    --------
    >>> convert_lambda(0.5, convention="sklearn_C", family="binomial").lam
    2.0
    """
    families = [name for name in FAMILIES if name != "auto"]
    if family not in families:
        raise UsageError(f"no family '{family}'", hint=f"choose one of {', '.join(families)}")
    for name, quantity in (("rows", rows), ("weight sum", weight_sum), ("target sd", target_sd)):
        if quantity is not None and not 0.0 < quantity < math.inf:
            raise UsageError(f"the {name} must be above 0, not {quantity:g}")
    total = float(rows) if weight_sum is None and rows is not None else weight_sum
    lam, ratio = from_convention(
        convention, value, family=family, mix=l1_ratio, weight_sum=total, n_rows=rows, target_sd=target_sd
    )
    if not math.isfinite(lam):
        raise UsageError(f"{convention} {value:g} is no lambda that a computer can hold")
    same = equivalents(lam, family=family, weight_sum=total, n_rows=rows, target_sd=target_sd, l1_ratio=ratio)
    given = {"convention": convention, "value": float(value), "l1_ratio": l1_ratio, "target_sd": target_sd}
    return ConvertResult(lam, ratio, family, rows, total, same, given)
