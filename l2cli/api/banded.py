"""Banded ridge: an L2 lambda for every group of columns, given or chosen.

    J = sum_i s_i d_i + sum_g lambda_g sum_{j in g} f_j w_j^2,

which is the L2 problem with penalty factors lambda_g f_j at lambda 1 (Nunez-Elizalde, Huth and Gallant 2019,
NeuroImage 197, "Voxelwise encoding models with non-spherical multivariate normal priors").

Notes
-----
Lambdas that are not given are chosen by the criterion that chooses a single one: exact leave-one-out for
gaussian targets, the evidence or the metric of rows held out where asked for, the cross-validated metric
otherwise. From the best common lambda a compass search over the logarithms tries a factor 8 up and down for
one group after another, keeps what is better, and divides the exponent by 2 where nothing is, down to a
factor 1.14: no derivative is needed, the answer is the same every time, and it is never worse than the common
lambda. The evidence, whose derivatives are cheap, is searched by factors of 8 and then by Newton's method.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.api.choosing import judge_of
from l2cli.api.setup import Progress, Setup
from l2cli.core.metrics import greater_is_better
from l2cli.core.path import design_factor
from l2cli.core.problem import Problem
from l2cli.data.column_groups import ColumnGroups, group_lambdas
from l2cli.data.folds import Folds
from l2cli.errors import UsageError, shown
from l2cli.select.curve import Curve
from l2cli.select.cv import fold_fits, gaussian_fold_fits, weighted_curve
from l2cli.select.learner import FoldFits, value_weights
from l2cli.select.loo import leave_one_out
from l2cli.spec import GridSpec, SelectSpec

if TYPE_CHECKING:
    from l2cli.select.band_evidence import Slopes
    from l2cli.select.holdout import Judge

FloatArray = npt.NDArray[np.float64]
FIRST_STEP, LAST_STEP = math.log(8.0), math.log(8.0) / 16.0
MOST_TRIALS = 400
REACH = math.log(1e6)
"""Lambdas stay within this factor of the common one; at its ends a group is all but out, or free."""
TINY = 1e-6
"""A log lambda closer to the end of the search is on it."""
REST = "(other columns)"
"""Name of the band of the columns that are in no group."""


class Bands(NamedTuple):
    """The bands of a problem: names (b,) and the band of each design column (p,)."""

    names: tuple[str, ...]
    labels: npt.NDArray[np.int64]


def is_banded(setup: Setup) -> bool:
    """Return True where every group has a lambda of its own."""
    groups = setup.model.groups
    return groups is not None and groups.penalty == "banded"


def bands_of(groups: ColumnGroups) -> Bands:
    """Return the named groups and, if there are any, the other columns together as bands."""
    labels = np.minimum(groups.labels, groups.named)
    names = groups.names[: groups.named] + ((REST,) if (labels == groups.named).any() else ())
    return Bands(names, labels)


def given_lambdas(setup: Setup, *, rest: float | None) -> FloatArray | None:
    """Return the lambdas given to the bands of a setup; see :func:`band_lambdas`."""
    spec = setup.model.groups
    assert spec is not None
    return band_lambdas(_groups_of(setup), spec.lambdas, setup.dataset.features, rest=rest)


def band_lambdas(
    groups: ColumnGroups, lambdas: Sequence[tuple[str, float]], features: Sequence[str], *,
    rest: float | None,
) -> FloatArray | None:  # fmt: skip
    """Return the lambdas given to the bands (b,), None where they are to be chosen.

    Parameters
    ----------
    lambdas : sequence of (name, value)
    features : sequence of str
        Names of the design columns.
    rest : float, optional
        That of the columns in no group.

    Raises
    ------
    UsageError
        If some groups have a lambda and others none, or there are other columns and no lambda for them.
    """
    found, bands = group_lambdas(groups, lambdas), bands_of(groups)
    if not found:
        return None
    absent = [name for g, name in enumerate(bands.names) if g not in found and name != REST]
    if absent:
        raise UsageError(
            f"--group-lambda gives no lambda to '{shown(absent[0])}'",
            hint="give one to every group, or to none",
        )
    values = [found[g] for g in range(groups.named)]
    if REST in bands.names:
        if rest is None:
            first = features[int(np.flatnonzero(bands.labels == groups.named)[0])]
            raise UsageError(
                f"column '{shown(first)}' is in no group and has no lambda",
                hint="give --lambda for such columns",
            )
        values.append(rest)
    return np.array(values)


def with_bands(setup: Setup, lambdas: FloatArray) -> Setup:
    """Return the setup with the bands' lambdas (b,) as penalty factors; lambda 1 is what was asked."""
    bands = bands_of(_groups_of(setup))
    problem = with_factors(setup.problem, bands, lambdas)
    chosen = dict(zip(bands.names, lambdas.tolist(), strict=True))
    model = replace(setup.model, lambdas=GridSpec(values=(1.0,)))
    return setup._replace(problem=problem, model=model, group_lambdas=chosen, together=None)


def with_factors(problem: Problem, bands: Bands, lambdas: FloatArray) -> Problem:
    """Return the problem with the bands' lambdas (b,) as penalty factors, at whose lambda 1 they hold."""
    return problem._replace(factors=problem.factors * lambdas[bands.labels], shared=None)


def common_start(curve: Curve) -> float:
    """Return the common lambda that a search starts from: the best one, or the one above it if that is 0.

    Raises
    ------
    UsageError
        If no lambda is larger than 0.
    """
    best, positive = float(curve.lambdas[curve.index_min]), curve.lambdas[curve.lambdas > 0.0]
    if not len(positive):
        raise UsageError("--lambdas holds 0 alone, from which no lambdas of groups can be found")
    return best if best > 0.0 else float(positive.min())


def refuse_idle(setup: Setup, select: SelectSpec, *, given: bool) -> None:
    """Raise UsageError for what has nothing to do in a fit whose bands' lambdas are given, or are chosen."""
    dataset, values = setup.dataset, setup.model.lambdas.values
    single = values is not None and len(values) == 1
    reason = "--group-lambda fixes the lambdas"
    asked = {
        "--select": select.select != "auto",
        "--rule": select.rule != "min",
        "--folds": select.folds is not None,
        "--repeats": select.repeats > 1,
        "--fold-column": dataset.fold_labels is not None,
        "--group-column": dataset.groups is not None,
        "--time-column": dataset.time is not None,
        "--metric": select.metric is not None,
        "--lambdas": not setup.model.lambdas.is_auto and not single,
        "--lambda": single and REST not in bands_of(_groups_of(setup)).names,
    }
    if not given:
        if select.select == "gcv":
            raise UsageError(
                "--select gcv chooses one lambda, not one for each group",
                hint="use --select loo, evidence or cv, or --holdout",
            )
        reason = "lambdas of groups are those of the smallest error"
        asked = {"--rule 1se": select.rule == "1se"}
    for option, used in asked.items():
        if used:
            raise UsageError(f"{reason}, so {option} has nothing to do", hint="leave one of them out")


def _groups_of(setup: Setup) -> ColumnGroups:
    groups = setup.dataset.column_groups
    assert groups is not None
    return groups


def choose_bands(
    setup: Setup, start: float, method: str, select: SelectSpec, progress: Progress | None = None
) -> FloatArray:
    """Return the bands' lambdas (b,) that a criterion (``method`` loo, evidence, holdout or cv) asks for.

    Parameters
    ----------
    start : float
        The best lambda for all columns, on the scale in force, larger than 0.
    """
    bands = bands_of(_groups_of(setup))
    metric, weight = setup.metric(select), setup.weight
    error: Callable[[Problem], float]
    if method == "evidence":
        found = _most_evident(setup.problem, bands, start, weight, progress)
        return _noting_ends(setup, bands.names, found, start)
    if method == "loo":
        error = partial(left_out_error, lam=weight, metric=metric)
    elif method == "holdout":
        error = partial(_held_out_error, judge_of(setup, select), metric)
    else:
        scale = setup.model.lambda_scale
        error = folds_judge(setup.problem, setup.folds(select), metric, scale, select.jobs)
    return _noting_ends(setup, bands.names, search_bands(setup.problem, bands, start, error, progress), start)


def _noting_ends(setup: Setup, names: Sequence[str], lambdas: FloatArray, start: float) -> FloatArray:
    """Return the lambdas as they are, having noted which lie where the search ends."""
    notes = setup.dataset.notes
    for name, far in zip(names, np.log(lambdas / start).tolist(), strict=True):
        if abs(far) >= REACH - TINY:
            what = "all but left out" if far > 0.0 else "all but free of a penalty"
            note = f"group '{shown(name)}' is {what}: its lambda is at the end of the search"
            notes.extend([note] if note not in notes else [])
    return lambdas


def folds_judge(
    problem: Problem, folds: Folds, metric: str, scale: str, jobs: int | None = None
) -> Callable[[Problem], float]:
    """Return what judges the problem with other penalty factors: the mean of a metric over folds at lambda 1.

    It is negative where greater is better. Of a gaussian problem one pass over the rows serves all factors.
    """
    at_one, sign = np.ones(1), -1.0 if greater_is_better(metric) else 1.0
    alone = None
    if problem.family == "gaussian":
        alone = gaussian_fold_fits(problem._replace(shared=None), folds, scale)

    def error(trial: Problem) -> float:
        fits: FoldFits = (
            fold_fits(trial, folds, scale, jobs=jobs) if alone is None else alone.with_factors(trial.factors)
        )
        losses = fits.losses(at_one, metric)
        weights = value_weights(fits, metric)
        return sign * float(weighted_curve(at_one, losses, weights, folds, metric).mean[0])

    return error


def search_bands(
    problem: Problem, bands: Bands, start: float, error: Callable[[Problem], float],
    progress: Progress | None = None,
) -> FloatArray:  # fmt: skip
    """Return the bands' lambdas (b,), from a common one, larger than 0, that make the ``error`` smallest.

    ``error`` judges a problem at lambda 1.
    """

    def loss(t: FloatArray) -> float:
        return error(with_factors(problem, bands, np.exp(t)))

    return np.exp(compass(loss, np.full(len(bands.names), math.log(start)), progress))


def left_out_error(problem: Problem, lam: float, metric: str) -> float:
    """Return a metric of rows left out one by one at lambda ``lam``, sum scale, as something to minimise."""
    return float(leave_one_out(problem, design_factor(problem, lam), np.array([lam]), metric)[0].loss[0])


def _held_out_error(judge: Judge, metric: str, trial: Problem) -> float:
    """Return a metric of the rows held out, as something to minimise, with a trial's factors at lambda 1."""
    judge.penalize(trial.factors)
    return float(judge.curve(np.ones(1), metric).loss[0])


def _most_evident(
    problem: Problem, bands: Bands, start: float, lam: float, progress: Progress | None
) -> FloatArray:
    """Return the bands' lambdas (b,) of the largest evidence at lambda ``lam``, sum scale."""
    from l2cli.select.band_evidence import evidence_slopes, settle  # few fits ask for it
    from l2cli.select.evidence import evidence

    def loss(t: FloatArray) -> float:
        trial = with_factors(problem, bands, np.exp(t))
        return float(evidence(trial, design_factor(trial, lam), np.array([lam])).mean[0])

    def slopes(t: FloatArray) -> Slopes:
        trial = with_factors(problem, bands, np.exp(t))
        return evidence_slopes(trial, design_factor(trial, lam), lam, bands.labels, len(t))

    first = np.full(len(bands.names), math.log(start))
    near = compass(loss, first, progress, last=FIRST_STEP)
    return np.exp(settle(slopes, near, first - REACH, first + REACH))


def compass(
    loss: Callable[[FloatArray], float], start: FloatArray, progress: Progress | None = None, *,
    last: float = LAST_STEP,
) -> FloatArray:  # fmt: skip
    """Return where a search along the axes, with steps that are halved where none helps, ends.

    It ends at steps below ``last``, after MOST_TRIALS of many axes, or two for each.
    """
    here, best, step, trials = start.copy(), loss(start), FIRST_STEP, 0
    most = max(MOST_TRIALS, 2 * len(start))
    while step >= last and trials < most:
        improved = False
        for i in range(len(here)):
            for sign in (1.0, -1.0) if trials < most else ():
                trial = here.copy()
                trial[i] = min(max(trial[i] + sign * step, start[i] - REACH), start[i] + REACH)
                if trial[i] == here[i]:
                    continue
                value = loss(trial)
                trials += 1
                if value < best:
                    here, best, improved = trial, value, True
                    break
            if progress is not None:
                progress("lambdas of groups", trials, most)
        if not improved:
            step /= 2.0
    return here
