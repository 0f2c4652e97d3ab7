"""The lambda, or lambdas, of a fit: those given, or those that unseen rows ask for."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from l2cli.api.banded import choose_bands, common_start, given_lambdas, is_banded, refuse_idle, with_bands
from l2cli.api.choosing import Choice, by_leverage, choose, folds_choice
from l2cli.api.mixes import cross_validate_mixes, notes_of_mixes, setups_of_mixes, table_of_mixes
from l2cli.api.selector import judging_is_asked, resolve_selector
from l2cli.api.setup import Progress, Setup
from l2cli.core.path import design_factor
from l2cli.core.solvers.ridge import RidgeFactor
from l2cli.errors import FitError, UsageError
from l2cli.select.curve import best_of
from l2cli.select.cv import cross_validate
from l2cli.spec import GridSpec, SelectSpec


class Decision(NamedTuple):
    """The setup of a fit, its lambda (scale in force), and the factor of all rows where it came with it."""

    setup: Setup
    choice: Choice
    factor: RidgeFactor | None = None


def decide(
    setup: Setup, select: SelectSpec, progress: Progress | None = None, *, resampled: bool = False
) -> Decision:  # fmt: skip
    """Return the lambda at which one target is fitted; of a banded penalty the setup has the groups' lambdas.

    ``resampled``: the groups of rows are there for a bootstrap, and ask for no judgement of a lambda given.

    Raises
    ------
    UsageError
        The selection asked for does not exist for this family, or the folds are impossible.
    """
    if is_banded(setup):
        return _decide_banded(setup, select, progress)
    if setup.model.l1_ratios:
        return _decide_mix(setup, select, progress)
    values = setup.model.lambdas.values
    if values is not None and len(values) == 1 and not judging_is_asked(setup, select, resampled):
        return Decision(setup, Choice(values[0], "given"))
    method = resolve_selector(setup, select)
    if setup.problem.n_rows == 1 and method not in ("cv", "holdout"):
        # every column is constant in one row, so that all lambdas give the same: its own value
        return Decision(setup, Choice(0.0, method, select.rule))
    return Decision(setup, *choose(setup, select, method, progress))


def _decide_mix(setup: Setup, select: SelectSpec, progress: Progress | None) -> Decision:
    """Return the mix and the lambda that are best together, by cross-validation or rows held out."""
    if select.select == "holdout":
        setups, way = setups_of_mixes(setup), "held-out rows"
        choices = [choose(mixed, select, "holdout", progress)[0] for mixed in setups]
        curves = [choice.curve for choice in choices if choice.curve is not None]
        at = best_of(curves)
        best, choice, factor = setups[at], choices[at], None
    else:
        mixes, way = cross_validate_mixes(setup, select, progress), "cross-validation"
        setups, curves = mixes.setups, mixes.curves
        best, result, factor = mixes.best
        choice = folds_choice(result, select.rule)
    best.dataset.notes.extend(notes_of_mixes(setups, best, way))
    return Decision(best, choice._replace(mixes=table_of_mixes(setups, curves)), factor)


def _decide_banded(setup: Setup, select: SelectSpec, progress: Progress | None) -> Decision:
    """Return a lambda for every group: those given, or those that unseen rows ask for."""
    values = setup.model.lambdas.values
    single = values[0] if values is not None and len(values) == 1 else None
    lambdas = given_lambdas(setup, rest=single)
    refuse_idle(setup, select, given=lambdas is not None)
    if lambdas is not None:
        return Decision(with_bands(setup, lambdas), Choice(1.0, "given"))
    if single is not None:
        raise UsageError(
            "--lambda is one lambda for all columns", hint="give --group-lambda, or leave both out to choose"
        )
    method = resolve_selector(setup, select)
    common = choose(setup, select, method)[0].curve
    assert common is not None
    chosen = with_bands(setup, choose_bands(setup, common_start(common), method, select, progress))
    if method in ("cv", "holdout"):
        choice, factor = choose(chosen, select, method)
    else:
        factor = design_factor(chosen.problem, chosen.weight)
        choice = by_leverage(chosen, factor, method, select)
    if choice.curve is not None and method != "evidence":
        curve = choice.curve._replace(unpenalized=_without_penalty(chosen, choice, select))
        choice = choice._replace(curve=curve)
    return Decision(chosen, choice, factor)


def _without_penalty(setup: Setup, choice: Choice, select: SelectSpec) -> float:
    """Return the error without a penalty by what judged a choice; NaN where it is not defined, or dear."""
    if setup.problem.family != "gaussian" or setup.problem.blocks is not None:
        return np.nan
    bare = setup._replace(model=replace(setup.model, lambdas=GridSpec(values=(0.0,))))
    try:
        if choice.fits is not None:
            at_zero = cross_validate(choice.fits, choice.fits.folds, np.zeros(1), metric=str(choice.metric))
            return float(at_zero.curve.mean[0])
        curve = choose(bare, select, choice.selected_by)[0].curve
    except FitError:
        return np.nan
    assert curve is not None
    return float(curve.mean[0])
