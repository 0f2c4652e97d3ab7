"""Cross-validation: fold losses of any model over lambda, the curve, and the lambdas it suggests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.block_problem import refuse
from l2cli.core.metrics import FAMILY_METRICS, greater_is_better
from l2cli.core.problem import Problem
from l2cli.data.folds import Folds
from l2cli.errors import FitError
from l2cli.select.curve import Curve, extended, of_squares, thinned
from l2cli.select.gaussian_folds import GaussianFolds
from l2cli.select.learner import FoldFits, null_mse, value_weights

FloatArray = npt.NDArray[np.float64]
Progress = Callable[[str, int, int], None]


class CVResult(NamedTuple):
    """A cross-validation: curve, fold values and the fits that made them.

    fold_losses : (F, L), folds of the first repeat first. kkt_max : largest residual of any fold fit.
    """

    curve: Curve
    fold_losses: FloatArray
    metric: str
    folds: Folds
    fits: FoldFits

    @property
    def kkt_max(self) -> float:
        """Largest KKT residual of any fold fit."""
        return self.fits.kkt_max


def fold_fits(
    problem: Problem, folds: Folds, scale: str, *, jobs: int | None = None, progress: Progress | None = None
) -> FoldFits:
    """Return the fold fits of a problem's family, relaxed where the problem is."""
    if problem.blocks is not None:
        if problem.relax_gamma < 1.0 or problem.groups is not None:
            raise refuse("a relaxed fit" if problem.groups is None else "a group lasso")
        from l2cli.select.block_folds import BlockFolds

        return BlockFolds(problem, folds, scale, jobs, progress)
    if problem.family == "gaussian":
        return gaussian_fold_fits(problem, folds, scale, progress)
    # solvers are loaded where they are used: a ridge fit starts without the others
    if problem.relax_gamma < 1.0:
        from l2cli.select.relaxed_folds import RelaxedGlmFolds

        return RelaxedGlmFolds(problem, folds, scale, jobs, progress)
    from l2cli.select.glm_folds import GlmFolds

    return GlmFolds(problem, folds, scale, jobs, progress)


def gaussian_fold_fits(
    problem: Problem, folds: Folds, scale: str, progress: Progress | None = None
) -> GaussianFolds:
    """Return the fold fits of a gaussian problem, which may have several targets."""
    if problem.is_smooth:
        from l2cli.select.ridge_folds import RidgeFolds

        return RidgeFolds(problem, folds, scale, progress)
    if problem.relax_gamma < 1.0:
        from l2cli.select.relaxed_folds import RelaxedNetFolds

        return RelaxedNetFolds(problem, folds, scale, progress)
    from l2cli.select.elastic_net_folds import ElasticNetFolds

    return ElasticNetFolds(problem, folds, scale, progress)


def weighted_curve(
    lambdas: FloatArray, losses: FloatArray, weights: FloatArray, folds: Folds, metric: str
) -> Curve:
    """Return the curve of fold values (F, L).

    mean = fold values weighted as :func:`l2cli.select.learner.value_weights` says; se = sqrt(weighted
    variance / (K - 1)), over all repeats (which measure the same K-fold error again and do not shrink it).
    The rmse is the root of the mean mse, its se by the delta method.
    """
    share = weights / weights.sum()
    values = losses**2 if metric == "rmse" else losses
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        mean = share @ values
        se = np.sqrt(share @ (values - mean) ** 2 / (folds.k - 1))
        up = greater_is_better(metric)
        rank = np.where(np.isfinite(mean), -mean if up else mean, np.inf)
        best = int(np.argmin(rank))
        difference = values - values[:, [best]]
        paired = np.sqrt(share @ (difference - share @ difference) ** 2 / (folds.k - 1))
    curve = Curve(lambdas, mean, se, paired, up)
    return of_squares(curve, metric) if metric == "rmse" else curve


def cross_validate(
    fits: FoldFits, folds: Folds, grid: FloatArray, *, metric: str, automatic: bool = False,
    only: str | None = None, known: dict[float, FloatArray] | None = None,
) -> CVResult:  # fmt: skip
    """Cross-validate fold fits over a grid of lambdas.

    Parameters
    ----------
    grid : (L,) float64
        On the scale of ``fits``; an ``automatic`` one is extended while its best is on an edge.
    only : str, optional
        A rule whose choice is all that is asked for: an automatic grid of dear lambdas is thinned.
    known : dict, optional
        lambda -> losses (F,) of these fits; what is solved is added.

    Raises
    ------
    FitError
        A training set has no finite solution at lambda 0, or a metric is undefined in a fold.
    """
    known = {} if known is None else known
    weights = value_weights(fits, metric)

    def evaluate(lambdas: FloatArray) -> Curve:
        new = np.array([v for v in lambdas if float(v) not in known])
        for lam, column in zip(new, fits.losses(new, metric).T if len(new) else (), strict=True):
            known[float(lam)] = column
        losses = np.column_stack([known[float(v)] for v in lambdas])
        lost = np.flatnonzero(~np.isfinite(losses).any(axis=1))
        if len(lost):
            raise FitError(
                f"the {metric} of {folds.held(int(lost[0]))} is not a finite number at any lambda",
                hint="its rows may be of one kind only, or the classes separated where nothing is penalized; "
                "change folds, --metric or --lambdas",
            )
        return weighted_curve(lambdas, losses, weights, folds, metric)

    smooth = fits.family.name == "gaussian" and fits.problem.is_smooth  # where lambda 0 costs no more
    if only is not None and are_dear(fits.problem):
        curve = thinned(grid, evaluate, automatic, only)
    else:
        curve = extended(grid, evaluate, automatic, zero=smooth and fits.problem.blocks is None)
    return CVResult(curve, np.column_stack([known[float(v)] for v in curve.lambdas]), metric, folds, fits)


def are_dear(problem: Problem) -> bool:
    """Return True where a lambda costs iterations: of all but a gaussian ridge, lasso or elastic net."""
    return (
        problem.family != "gaussian" or problem.groups is not None or problem.box is not None
        or problem.relax_gamma != 1.0
    )  # fmt: skip


def validation_metrics(fits: FoldFits, lambdas: Sequence[float]) -> list[dict[str, float | None]]:
    """Return, per lambda, every metric of the family out of fold, weighted by fold; None: undefined.

    The rmse is the root of the average mse. The r2 is pooled likewise, 1 - average mse / average mse of the
    training means: a fold of few rows has no r2 of its own worth averaging (``fold_losses`` keep it).
    """
    share = fits.fold_weights / fits.fold_weights.sum()
    grid = np.array(lambdas)
    tables: list[dict[str, float | None]] = [{} for _ in lambdas]
    for metric in FAMILY_METRICS[fits.family.name]:
        means = share @ fits.losses(grid, "mse" if metric in ("rmse", "r2") else metric)
        if metric == "rmse":
            means = np.sqrt(means)
        elif metric == "r2":
            with np.errstate(divide="ignore", invalid="ignore"):  # the target may not vary
                means = 1.0 - means / (share @ null_mse(fits))
        for table, mean in zip(tables, means, strict=True):
            table[metric] = float(mean) if np.isfinite(mean) else None
    return tables
