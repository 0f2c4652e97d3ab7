"""What a decomposition along lambda says: the best lambda, the overfitting gap, and the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.api.setup import brief, floats

FloatArray = npt.NDArray[np.float64]
MOST_GAP = 19.0
"""An overfitting gap above this, errors in the ratio 20, means that the rows are fitted almost exactly."""
NO_GAIN = 1e-3
"""A gain below this share of the error is none."""
DISAGREES = 0.05
"""Share of the held-out error from which on it is told that held-out rows ask for another lambda."""


class Curves(NamedTuple):
    """What a verdict is read off: lambdas, train and test error, bias^2, variance (L,), and the noise.

    noise : NaN where it is not told from bias. unseen : (L,) the error that the gap is about.
    bare : the test error without a penalty; of what.
    """

    lambdas: FloatArray
    train: FloatArray
    test: FloatArray
    bias2: FloatArray
    variance: FloatArray
    noise: float
    unseen: FloatArray
    bare: float
    bare_name: str


def read_off(curves: Curves, metric: str) -> dict[str, Any]:
    """Return the best lambda, the overfitting gap there and at the smallest lambda, and the verdict."""
    error = curves.unseen if np.isnan(curves.test).all() else curves.test
    value = np.where(np.isfinite(error), error, np.inf)
    tied = np.flatnonzero(value == value.min())
    best = int(tied[np.argmax(curves.lambdas[tied])])
    gaps = _gaps(curves, metric)
    weakest = int(np.argmin(curves.lambdas))
    return {
        "index_best": best,
        "lambda_best": float(curves.lambdas[best]),
        "gap": gaps[best],
        "gap_smallest": gaps[weakest],
        "gap_text": _gap_text(curves.lambdas, gaps, best, weakest, "rmse" if metric == "mse" else "error"),
        "verdict": _verdict(curves, best),
    }


def _gaps(curves: Curves, metric: str) -> list[float | None]:
    """Return by which share unseen rows cost more than these: of the rmse for mse, else of the metric."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = curves.unseen / curves.train
    return floats((np.sqrt(ratio) if metric == "mse" else ratio) - 1.0)


def _gap_text(lambdas: FloatArray, gaps: Sequence[float | None], best: int, weakest: int, error: str) -> str:
    """Say in one line by what the error of unseen rows is larger, at the best lambda and the smallest.

    Both as a percentage or, where one is twice as large or more, both as a ratio.
    """
    at, there = gaps[best], gaps[weakest]
    if at is None or at > MOST_GAP:
        return f"these rows are fitted {_exactly(at)}: only unseen ones tell anything"
    low, many = brief(float(lambdas[weakest])), there is None or there > MOST_GAP
    ratios = max(at, 0.0 if many or there is None else there) >= 1.0
    size = f"{1.0 + at:.2g} times" if ratios else f"{_percent(at)} above" if at > 0.0 else "not above"
    name = f"lambda {brief(float(lambdas[best]))}"
    first = f"the {error} of unseen rows is {size} that of these at {name}"
    if weakest == best:
        return first
    if there is None or many:
        return f"{first}; at {low} these are fitted {_exactly(there)}"
    return f"{first}; at {low} it would be {f'{1.0 + there:.2g} times' if ratios else _percent(there)}"


def _exactly(gap: float | None) -> str:
    """Return how these rows are fitted where a ratio of errors tells nothing: None is an error of 0."""
    return "exactly" if gap is None else "almost exactly"


def _percent(share: float) -> str:
    """Return a share as text: 2.4 %, 100 %."""
    return f"{100.0 * share:.2g} %" if share < 0.995 else f"{100.0 * share:.0f} %"


def _verdict(curves: Curves, best: int) -> str:
    """Say in one line which lambda is best, what it buys, and where bias^2 and variance balance."""
    lam, error = brief(float(curves.lambdas[best])), float(curves.test[best])
    if not np.isfinite(error):
        return (
            f"the error of unseen rows is least at lambda {lam}; "
            "the noise is not known, so neither are bias and variance"
        )
    gain = 1.0 - error / curves.bare if curves.bare > 0.0 else 0.0
    weakest = float(curves.lambdas.min())
    if weakest == curves.lambdas[best]:
        first = f"shrinkage buys nothing: the smallest lambda, {lam}, is the best"
    elif gain > NO_GAIN:
        first = (
            f"the expected error is least at lambda {lam}, {_percent(gain)} below that of {curves.bare_name}"
        )
    else:
        first = f"shrinkage buys nothing: the best lambda, {lam}, is no better than {curves.bare_name}"
    known = error > 0.0 and np.isfinite(curves.noise)
    share = _percent(min(curves.noise / error, 1.0)) if known else ""
    noise = f"; {share} of the expected error is noise" if share else ""
    return f"{first}{_disagreement(curves, best)}{noise}; {_balance(curves)}"


def _disagreement(curves: Curves, best: int) -> str:
    """Say which lambda has the least error of rows held out where that is much less than at the best one.

    The closed form takes rows as independent and the model as linear; cross-validation sees otherwise.
    """
    here, least = float(curves.unseen[best]), float(np.nanmin(curves.unseen))
    if not here * (1.0 - DISAGREES) > least:
        return ""
    lam = brief(float(curves.lambdas[int(np.nanargmin(curves.unseen))]))
    return f", but held-out rows have least error at lambda {lam}, {_percent(1.0 - least / here)} below there"


def _balance(curves: Curves) -> str:
    """Say where bias^2 begins to outweigh variance."""
    order = np.argsort(curves.lambdas, kind="stable")
    above = (curves.bias2 >= curves.variance)[order]
    if not above.any():
        return "variance outweighs bias^2 at every lambda tried"
    if above.all():
        return "bias^2 outweighs variance at every lambda tried"
    i = len(above) - int(np.argmin(above[::-1]))  # behind the last lambda where variance is larger
    if i == len(above):
        return "variance outweighs bias^2 at the largest lambda tried"
    low, high = curves.lambdas[order[i - 1]], curves.lambdas[order[i]]
    return f"bias^2 outweighs variance from lambda {brief(float(np.sqrt(low * high) or high))} on"
