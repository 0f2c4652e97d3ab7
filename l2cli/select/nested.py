"""Nested cross-validation: lambda tuned anew inside the training rows of every outer fold.

The inner folds of an outer one are the other folds of the same repeat; of two folds only, ten new ones inside
the training rows. Gaussian fits merge the moments of the folds that are left, so no row is looked at again;
other families are fitted anew. In time order the training rows of an outer fold are cut anew into blocks, and
every inner fold is trained on earlier ones. Lambdas come from a grid made on all rows, which is harmless for
L2 (a grid is no choice) and at most moves the first lambda of an L1 path.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.data.folds import Folds, draw_folds, time_folds
from l2cli.data.time_order import cut_blocks, most_folds
from l2cli.data.wording import plural
from l2cli.errors import FitError, UsageError
from l2cli.select.curve import STRIDE, Curve, refined
from l2cli.select.cv import CVResult, are_dear, cross_validate, fold_fits, weighted_curve
from l2cli.select.gaussian_folds import GaussianFolds
from l2cli.select.learner import FoldFits, value_weights
from l2cli.select.spread import Spread, curve_spread

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Progress = Callable[[str, int, int], None]
LONG = 24
"""Lambdas of a grid from which on not all of it is tried where they are dear."""
LEAST_ROWS = 10
"""Rows of a block of inner folds in time order, where there are enough."""


def inner_fits(
    fits: FoldFits, scale: str, i: int, *, groups: IntArray | None = None, seed: int = 0,
    jobs: int | None = None,
) -> FoldFits:  # fmt: skip
    """Return the fits, on inner folds, inside the rows that fit ``i`` is trained on.

    Raises
    ------
    UsageError
        These rows, or their groups, cannot be folded.
    """
    folds = fits.folds
    if folds.order is not None:
        inner, rows = inner_in_time(folds, i), folds.training(i)
        return fold_fits(fits.problem.take(rows), inner, scale, jobs=jobs)
    if folds.k > 2 and isinstance(fits, GaussianFolds):
        return fits.without(i)
    ids = folds.ids[i // folds.k]
    rows = np.flatnonzero(ids != i % folds.k)
    if folds.k > 2:
        others = folds.others(i)
        inner = others._replace(ids=others.ids[:, rows])
    else:
        problem = fits.problem
        strata = problem.class_codes[rows] if folds.kind == "stratified" else None
        own = None if groups is None else groups[rows]
        units = len(rows) if own is None else len(np.unique(own))
        if units < 2:
            what = "row" if groups is None else "group"
            raise UsageError(
                f"{folds.named(i)} only one {what} is left, and lambda cannot be tuned on one",
                hint=f"give more --folds, of three {what}s or more",
            )
        inner = draw_folds(len(rows), max(2, min(10, units)), seed=seed, strata=strata, groups=own)
        inner = inner._replace(within=folds.named(i))
    return fold_fits(fits.problem.take(rows), inner, scale, jobs=jobs)


def inner_in_time(folds: Folds, i: int) -> Folds:
    """Return time-ordered folds of the training rows of fold ``i``, with the gap of the outer ones.

    As many as there are outer ones, or as have blocks of LEAST_ROWS rows; two where there are few rows.

    Raises
    ------
    UsageError
        The training rows cannot be cut into three blocks.
    """
    assert folds.order is not None
    time, gap = folds.order.time.take(folds.training(i)), folds.order.gap
    rows = len(time.values)
    most = most_folds(time, min(folds.k, max(2, rows // LEAST_ROWS - 1)), gap)
    if not most:
        given = f" with --gap {gap}" if gap.text else ""
        fewer = _most_tunable(folds)
        ways = [f"--folds {fewer}"] * bool(fewer) + ["a shorter --gap"] * bool(given)
        count = len(np.unique(time.values))
        times = "one time only" if count == 1 else f"{count} different times"
        raise UsageError(
            f"{plural(rows, 'row')} {folds.named(i)} with {times} cannot be cut into blocks to tune lambda"
            f" on{given}",
            hint=f"give {' or '.join(ways)}" if ways else "it takes a time column of more different times",
        )
    return time_folds(time, most, gap)._replace(within=folds.named(i))


def _most_tunable(folds: Folds) -> int:
    """Return the largest smaller number of folds before whose first there is time to tune in, 0 for none."""
    assert folds.order is not None
    time, gap = folds.order.time, folds.order.gap
    for k in range(folds.k - 1, 1, -1):
        cut = cut_blocks(time, k, gap)
        if cut is not None and most_folds(time.take(cut.order[: cut.ends[0]]), 2, gap):
            return k
    return 0


def tune_inside(
    fits: FoldFits, grid: FloatArray, metric: str, scale: str, i: int, *, groups: IntArray | None = None,
    seed: int = 0, jobs: int | None = None,
) -> Curve:  # fmt: skip
    """Return the curve by which lambda is tuned inside the rows that fit ``i`` is trained on.

    Raises
    ------
    FitError
        An inner training set has one class, or a metric is undefined: that the outer ones have none of this
        makes it worth a word.
    """
    try:
        return tuned_curve(inner_fits(fits, scale, i, groups=groups, seed=seed, jobs=jobs), grid, metric)
    except FitError as error:
        raise FitError(f"lambda cannot be tuned: {error.message}", hint=error.hint, code=error.code) from None


def tuned_curve(fits: FoldFits, grid: FloatArray, metric: str) -> Curve:
    """Return the curve of inner fits over a grid; of a long one whose lambdas are dear not all of it.

    Where they are dear every STRIDE-th lambda is tried, and more around the best and that of the 1se rule.
    """
    known: dict[float, FloatArray] = {}

    def curve(lambdas: FloatArray) -> Curve:
        return cross_validate(fits, fits.folds, lambdas, metric=metric, known=known).curve

    if not are_dear(fits.problem) or len(grid) < LONG:
        return curve(grid)
    ordered = np.sort(grid)[::-1]

    def middle(high: float, low: float) -> float | None:
        between = ordered[(ordered < high) & (ordered > low)]
        return float(between[len(between) // 2]) if len(between) else None

    coarse = curve(ordered[np.append(np.arange(0, len(grid) - 1, STRIDE), len(grid) - 1)])
    return refined(coarse, curve, "1se", middle)


class Nested(NamedTuple):
    """A nested cross-validation: lambda of every outer fold, their value and its standard error and spread.

    spread : its variance (1, 1).
    """

    lambdas: FloatArray
    value: float
    spread: Spread


def nested(
    result: CVResult, scale: str, rule: str, *, groups: IntArray | None = None, seed: int = 0,
    jobs: int | None = None, progress: Progress | None = None,
) -> Nested:  # fmt: skip
    """Return the error of the whole procedure, the choice of lambda included.

    Each outer fold is judged at the lambda that a rule chooses on the folds it is trained on: an error that
    no choice has seen, of models that are tuned as the refit is (Varma and Simon 2006).

    Notes
    -----
    Gaussian: K merges and factors of moments for each of the K folds. Others: K times the plain cost.
    """
    fits, folds, metric = result.fits, result.folds, result.metric
    grid, count = result.curve.lambdas, len(result.fits.rows)
    lambdas = np.empty(count)
    for i in range(count):
        curve = tune_inside(fits, grid, metric, scale, i, groups=groups, seed=seed, jobs=jobs)
        lambdas[i] = curve.lambdas[curve.index_by(rule)]
        if progress is not None:
            progress("outer folds", i + 1, count)
    distinct, position = np.unique(lambdas, return_inverse=True)
    values = fits.losses(distinct, metric)[np.arange(count), position][:, None]
    weights = value_weights(fits, metric)
    curve = weighted_curve(np.zeros(1), values, weights, folds, metric)
    spread = curve_spread(fits, curve, values, metric, groups=groups, tuned=lambdas)
    return Nested(lambdas, float(curve.mean[0]), spread)
