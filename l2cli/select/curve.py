"""A curve of validation errors over lambda and what is read off it: minimum, 1se rule, edge, range."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.grid import MOST_EXTENSIONS, extend
from l2cli.errors import FitError

FloatArray = npt.NDArray[np.float64]
NO_DIFFERENCE = 1e-3
"""Mean errors this close, as a share of the best, are no difference to anyone, however sure it is."""
STRIDE = 8
"""Of an automatic grid whose lambdas are dear every so many are tried first."""
NO_GAIN = 1e-4
"""An automatic grid does not grow where its last quarter gained less than this share of the best error."""


class Curve(NamedTuple):
    """Mean error and its standard error at each lambda.

    lambdas, mean, se : (L,), lambdas on the scale in force. paired_se : (L,) standard error of the difference
    from the best, NaN where unknown. greater_is_better : of the metric. settled : an automatic grid ended
    where the curve has levelled off. unpenalized : the mean at lambda 0, NaN where it was not asked.
    """

    lambdas: FloatArray
    mean: FloatArray
    se: FloatArray
    paired_se: FloatArray
    greater_is_better: bool = False
    settled: bool = False
    unpenalized: float = np.nan

    @property
    def loss(self) -> FloatArray:
        """The mean as something to minimise; a value that is not finite ranks last."""
        value = -self.mean if self.greater_is_better else self.mean
        return np.where(np.isfinite(value), value, np.inf)

    @property
    def index_min(self) -> int:
        """Index of the best mean, ties to the larger lambda."""
        return best_index(self.lambdas, self.loss)

    @property
    def index_1se(self) -> int:
        """Index of the largest lambda whose mean is within one standard error of the best."""
        best = self.index_min
        limit = self.loss[best] + (self.se[best] if np.isfinite(self.se[best]) else 0.0)
        good = np.flatnonzero(self.loss <= limit)
        return int(good[np.argmax(self.lambdas[good])]) if len(good) else best

    def index_by(self, rule: str) -> int:
        """Return the index chosen by ``min`` or ``1se``."""
        return self.index_1se if rule == "1se" else self.index_min

    @property
    def edge(self) -> str | None:
        """``low`` or ``high`` where the best lambda is the smallest or largest of several, else None."""
        return self.edge_by("min")

    def edge_by(self, rule: str) -> str | None:
        """Return ``low`` or ``high`` where the lambda of a rule is the smallest or largest of several.

        Not ``low`` where the curve has levelled off, as smaller ones do no better, nor at 0: there are none.
        """
        chosen, low, high = self.lambdas[self.index_by(rule)], self.lambdas.min(), self.lambdas.max()
        if low == high:
            return None
        if chosen == high:
            return "high"
        return "low" if chosen == low > 0.0 and not self.settled else None

    @property
    def levels_off(self) -> bool:
        """True where the outer quarter of the grid, up to the best on its edge, gained less than NO_GAIN."""
        edge = self.edge
        if edge is None:
            return False
        order = np.argsort(self.lambdas, kind="stable")[:: 1 if edge == "low" else -1]
        inner, outer = self.loss[order[max(1, len(order) // 4)]], self.loss[order[0]]
        return bool(abs(inner - outer) <= NO_GAIN * abs(outer))

    @property
    def needs_no_penalty(self) -> bool:
        """True where lambda 0 was tried below an automatic grid and is no worse than its best."""
        best = float(self.loss[self.index_min])
        loss = -self.unpenalized if self.greater_is_better else self.unpenalized
        return loss - best <= NO_DIFFERENCE * abs(best)

    @property
    def as_good(self) -> tuple[float, float] | None:
        """Smallest and largest lambda around the best that do as well; see :meth:`range_by`."""
        return self.range_by("min")

    def range_by(self, rule: str) -> tuple[float, float] | None:
        """Return the ends of the run of lambdas around that of a rule that do as well, None where not known.

        By ``min`` a lambda does as well if its mean exceeds the best by no more than one standard error of
        the *paired* difference, or by less than NO_DIFFERENCE of it: where all rows move together the
        standard error alone tells differences apart that matter to nobody. By ``1se`` if it is within one
        standard error of the best.
        """
        if np.isnan(self.paired_se).all() or self.lambdas.min() == self.lambdas.max():
            return None
        order = np.argsort(self.lambdas, kind="stable")
        best, chosen = self.index_min, self.index_by(rule)
        least = NO_DIFFERENCE * abs(self.loss[best])
        slack = np.full(len(order), self.se[best]) if rule == "1se" else np.fmax(self.paired_se, least)
        good = (self.loss - self.loss[best] <= slack)[order]
        good[(order == best) | (order == chosen)] = True
        at = int(np.flatnonzero(order == chosen)[0])
        low = at
        while low > 0 and good[low - 1]:
            low -= 1
        high = at
        while high < len(good) - 1 and good[high + 1]:
            high += 1
        return float(self.lambdas[order[low]]), float(self.lambdas[order[high]])


def best_index(lambdas: FloatArray, loss: FloatArray) -> int:
    """Return the index of the smallest loss, ties to the larger lambda."""
    tied = np.flatnonzero(loss == loss.min())
    return int(tied[np.argmax(lambdas[tied])])


def best_of(curves: Sequence[Curve]) -> int:
    """Return which curve has the best minimum, the first of equal ones."""
    return int(np.argmin([curve.loss[curve.index_min] for curve in curves]))


def standard_errors(first: FloatArray, cross: FloatArray, best: int, n: int) -> tuple[FloatArray, FloatArray]:
    """Return the se of the mean loss of n rows, sd/sqrt(n), and that of its difference from the best: (L,).

    Parameters
    ----------
    first, cross : (L,), (L, L) float64
        Weighted means of the rows' losses at each lambda and of their products.
    """
    second = np.diag(cross)
    with np.errstate(invalid="ignore"):
        se = np.sqrt(np.maximum(second - first**2, 0.0) / n)
        paired = np.maximum(second + second[best] - 2.0 * cross[best] - (first - first[best]) ** 2, 0.0)
    return se, np.sqrt(paired / n)


def of_squares(squares: Curve, metric: str, unit: float = 1.0) -> Curve:
    """Return the curve of the mse as one of the rmse, or of R2 = 1 - mse / unit; of another metric as it is.

    Standard errors by the delta method: those of the mse over 2 rmse, of differences over the sum of both
    rmse, and over ``unit``.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        if metric == "rmse":
            root = np.sqrt(squares.mean)
            se, paired = squares.se / (2.0 * root), squares.paired_se / (root + root[squares.index_min])
            return Curve(squares.lambdas, root, se, paired)
        if metric == "r2":
            mean = 1.0 - squares.mean / unit
            return Curve(squares.lambdas, mean, squares.se / unit, squares.paired_se / unit, True)
    return squares


def extended(
    grid: FloatArray, evaluate: Callable[[FloatArray], Curve], automatic: bool, *, zero: bool = False
) -> Curve:
    """Return the curve on a grid, grown while its best lambda lies on an edge (automatic grids only).

    ``evaluate`` returns the curve of any lambdas; it should remember what it has solved. A grid grows to at
    most MOST_EXTENSIONS times its length, a quarter at a time, and not where the curve has levelled off.
    With ``zero``, lambda 0 is tried where it has done so at the low end.
    """
    limit = MOST_EXTENSIONS * len(grid)
    curve = evaluate(grid)
    while automatic and (edge := curve.edge) is not None and len(curve.lambdas) < limit:
        if curve.levels_off:
            return curve._replace(settled=True, unpenalized=_at_zero(evaluate, asked=zero and edge == "low"))
        more = extend(curve.lambdas, edge, limit - len(curve.lambdas))
        if not len(more) or not np.all(np.isfinite(more) & (more > 1e-300)):
            break
        curve = evaluate(np.sort(np.concatenate([curve.lambdas, more]))[::-1].copy())
    return curve


def thinned(grid: FloatArray, evaluate: Callable[[FloatArray], Curve], automatic: bool, rule: str) -> Curve:
    """Return the curve on a grid whose lambdas are dear: of an automatic one not all of them.

    Every STRIDE-th lambda is tried, grown as by :func:`extended`; then :func:`refined` around the choice, as
    close as the grid itself.
    """
    if not automatic or len(grid) <= 2 * STRIDE:
        return extended(grid, evaluate, automatic)
    coarse = extended(np.unique(np.append(grid[::STRIDE], grid[-1]))[::-1].copy(), evaluate, automatic)
    closest = float(grid.max() / grid.min()) ** (1.5 / (len(grid) - 1))

    def middle(high: float, low: float) -> float | None:
        # the product of two lambdas of tiny columns is 0
        return float(np.sqrt(high) * np.sqrt(low)) if high > closest * low else None

    fine = refined(coarse, evaluate, rule, middle)
    return fine._replace(settled=coarse.settled, unpenalized=coarse.unpenalized)


def refined(
    curve: Curve,
    evaluate: Callable[[FloatArray], Curve],
    rule: str,
    middle: Callable[[float, float], float | None],
) -> Curve:
    """Return the curve with the gaps beside the best lambda and beside that of a rule halved again and again.

    The first time those beside the ends of the range that does as well are halved too. ``middle`` names the
    lambda between two, None where they are close enough.
    """
    ends = list(curve.range_by(rule) or ())
    while True:
        tried = curve.lambdas
        at = {curve.index_min, curve.index_by(rule), *(int(np.argmin(np.abs(tried - end))) for end in ends)}
        gaps = {gap for i in at for gap in pairwise(tried[max(0, i - 1) : i + 2].tolist())}
        more = [lam for gap in gaps if (lam := middle(*gap)) is not None]
        if not more:
            return curve
        curve, ends = evaluate(np.unique(np.append(tried, more))[::-1].copy()), []


def _at_zero(evaluate: Callable[[FloatArray], Curve], *, asked: bool) -> float:
    """Return the mean error at lambda 0, NaN where it is not asked for or not defined."""
    if not asked:
        return np.nan
    try:
        return float(evaluate(np.zeros(1)).mean[0])
    except FitError:
        return np.nan
