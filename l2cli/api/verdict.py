"""What a curve of validation errors says about lambda, in one line."""

from __future__ import annotations

from collections.abc import Sequence

from l2cli.api.setup import brief
from l2cli.select.curve import Curve

NOTHING = "the features say nothing: the mean does as well"
LITTLE = 0.02
"""A smaller share of the error gained over the largest lambda of an automatic grid is nothing."""
CLEAR = 1.5
"""Lambdas within this factor of one another are one to anybody."""


def verdict(
    curve: Curve, lambda_set: Sequence[float] = (), *, automatic: bool = False, metric: str = ""
) -> str:  # fmt: skip
    """Say in one line how sure the choice of lambda is, and whether the 1se rule ran out of lambdas.

    An ``automatic`` grid starts where next to nothing is left of the coefficients. A minimum is clear only
    where ``lambda_set``, the lambdas not told from the best, is as narrow. By the ``metric`` auc coefficients
    next to nothing still rank rows, which the mean does not.
    """
    if len(curve.lambdas) < 2:
        return "one lambda only: nothing was chosen"
    text = _sureness(curve, lambda_set, automatic=automatic, ranks=metric == "auc")
    if curve.edge_by("1se") == "high" != curve.edge and NOTHING not in text:
        text += "; lambda_1se is the largest lambda tried"
    return text


def _sureness(curve: Curve, lambda_set: Sequence[float], *, automatic: bool, ranks: bool) -> str:
    """Return how well the data tell the best lambda from others."""
    best = float(curve.lambdas[curve.index_min])
    low, high = curve.as_good or (best, best)
    smallest, largest = float(curve.lambdas.min()), float(curve.lambdas.max())
    if automatic and high >= largest and _gains_nothing(curve) and not ranks:
        return NOTHING
    if curve.needs_no_penalty:
        return f"shrinkage does not help here: --lambda 0 does as well as any lambda up to {brief(high)}"
    if curve.edge is not None:
        side = "largest" if curve.edge == "high" else "smallest"
        return (
            f"the optimum is at the edge: the best lambda, {brief(best)}, is the {side} of the grid, and a "
            "better one may lie beyond it"
        )
    if curve.as_good is None:
        return f"best at {brief(best)}, well inside the grid"
    if low <= smallest and high >= largest:
        return "flat over the whole grid: the data cannot tell these lambdas apart"
    if high / max(low, 1e-300) < CLEAR:
        if lambda_set and max(lambda_set) > CLEAR * max(min(lambda_set), 1e-300):
            return f"best at {brief(best)}, well inside the grid, though others may be as good"
        return f"a clear minimum at {brief(best)}, well inside the grid"
    if low <= smallest:
        return f"flat below {brief(high)}: any smaller lambda does as well, so little shrinkage is needed"
    if high >= largest:
        so = "for auc does not see how large coefficients are" if ranks else "so the features say little"
        return f"flat above {brief(low)}: any larger lambda does as well, {so}"
    return f"flat between {brief(low)} and {brief(high)}: any lambda there is as good"


def _gains_nothing(curve: Curve) -> bool:
    """Return True where the best is hardly better than the largest lambda."""
    last = float(curve.loss[int(curve.lambdas.argmax())])
    return last - float(curve.loss[curve.index_min]) <= LITTLE * abs(last)
