"""Choosing lambda: each way that ``--select`` names, and what its curve warns of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.api.judge import lost_warning, refuse_separation, separated_rows, wide_warning
from l2cli.api.setup import Progress, Setup, brief
from l2cli.core.grid import lambda_grid
from l2cli.core.path import design_factor
from l2cli.core.problem import Problem
from l2cli.core.solvers.ridge import RidgeFactor
from l2cli.errors import FitError
from l2cli.select.curve import Curve, extended, thinned
from l2cli.select.cv import CVResult, validation_metrics
from l2cli.select.learner import FoldFits
from l2cli.select.loo import generalized_cv, leave_one_out, leave_one_out_metrics
from l2cli.spec import SelectSpec

if TYPE_CHECKING:
    from l2cli.select.alo import ApproximationError
    from l2cli.select.holdout import Judge

FloatArray = npt.NDArray[np.float64]
COARSE = 0.05
"""Share of the error by which approximate leave-one-out may be off without a warning."""


class Choice(NamedTuple):
    """The lambda of a fit (scale in force) and how it came about.

    approximation : of approximate leave-one-out, how far it is from refits.
    """

    lam: float
    selected_by: str
    rule: str | None = None
    edge: str | None = None
    curve: Curve | None = None
    metric: str | None = None
    validation: dict[str, float | None] | None = None
    folds: int | None = None
    mixes: tuple[dict[str, Any], ...] = ()
    """Lambda and error of every l1_ratio that was tried, where several were."""
    approximation: ApproximationError | None = None
    fits: FoldFits | None = None
    """The fold fits that judged it, where it was judged by folds."""


Chosen = tuple[Choice, RidgeFactor | None]
"""A choice, and the factor of all rows where it came with it."""


def choose(setup: Setup, select: SelectSpec, method: str, progress: Progress | None = None) -> Chosen:
    """Return the lambda that ``method`` (of :func:`resolve_selector`) chooses on all rows."""
    return _METHODS[method](setup, select, method, progress)


def _by_folds(setup: Setup, select: SelectSpec, method: str, progress: Progress | None) -> Chosen:  # noqa: ARG001 - one way
    result, factor = setup.cross_validate(select, progress)
    return folds_choice(result, select.rule), factor


def folds_choice(result: CVResult, rule: str) -> Choice:
    """Return the choice of a cross-validation by a rule, with every metric of the rows held out."""
    choice = choice_of(result.curve, result.metric, rule)
    validation = validation_metrics(result.fits, [choice.lam])[0]
    return choice._replace(validation=validation, folds=result.folds.k, fits=result.fits)


def _by_leverage(setup: Setup, select: SelectSpec, method: str, progress: Progress | None) -> Chosen:  # noqa: ARG001 - at once
    if setup.problem.family != "gaussian":
        return _by_approximation(setup, select, method), None
    factor = None if setup.problem.blocks is not None else design_factor(setup.problem, 0.0)
    return by_leverage(setup, factor, method, select), factor


def _by_holdout(setup: Setup, select: SelectSpec, method: str, progress: Progress | None) -> Chosen:  # noqa: ARG001 - at once
    """Choose by the error of a held-out part, or other rows; lambda on the scale in force serves all rows."""
    metric, held = setup.metric(select), judge_of(setup, select)
    part = held.training
    weight = part.weight_sum if setup.model.lambda_scale == "mean" else 1.0
    grid, automatic = lambda_grid(setup.model.lambdas, part, weight=weight)
    linear = part.family == "gaussian" and part.is_smooth and part.blocks is None
    curve = extended(grid, lambda lambdas: held.curve(lambdas, metric), automatic, zero=linear)
    choice = choice_of(curve, metric, select.rule)
    return choice._replace(selected_by=method, validation=held.metrics(choice.lam)), None


def judge_of(setup: Setup, select: SelectSpec) -> Judge:
    """Return what judges lambdas by rows that take no part in the fits."""
    dataset, scale = setup.dataset, setup.model.lambda_scale
    if dataset.holdout is not None:
        from l2cli.select.other_rows import JudgedElsewhere  # few fits have such rows

        return JudgedElsewhere(setup.problem, dataset.holdout, scale)
    from l2cli.select.holdout import HeldOut  # few fits have such a part

    rows = setup.heldout_rows(select)
    note = f"lambda by the error of {len(rows)} rows held out; at it the model is fitted to all rows"
    dataset.notes.extend([note] if note not in dataset.notes else [])
    return HeldOut(setup.problem, rows, scale)


def _by_approximation(setup: Setup, select: SelectSpec, method: str) -> Choice:
    """Choose lambda by approximate leave-one-out or Laplace's evidence; the error is that of the former."""
    try:
        return _approximated(setup, select, method)
    except FitError as error:
        if error.code == "not_converged":
            _refuse_endless(setup, method)
        raise


def _refuse_endless(setup: Setup, method: str) -> None:
    """Raise FitError where separated classes are why fits have no end, at all lambdas or at small ones."""
    from l2cli.core.separation import separating_columns

    problem, values = setup.problem, setup.model.lambdas.values
    refuse_separation(problem, setup.dataset.features, bare=values is not None and not any(values))
    every = np.ones(problem.n_columns, dtype=bool)
    if method == "evidence" and values is None and separating_columns(problem, every) is not None:
        raise FitError(
            "the evidence grows as lambda falls, down to where a fit has no end: "
            f"{separated_rows(problem)} separated",
            hint="use --select loo, or give --lambdas",
            code="not_converged",
        )


def _approximated(setup: Setup, select: SelectSpec, method: str) -> Choice:
    from l2cli.select.alo import ApproximateLoo, lone_row  # a ridge fit starts without
    from l2cli.select.laplace import laplace_evidence

    loo, rule, by_evidence = ApproximateLoo(setup.problem, setup.weight), select.rule, method == "evidence"
    metric = method if by_evidence else setup.metric(select)

    def evaluate(lambdas: FloatArray) -> Curve:
        sums = lambdas * setup.weight
        curve = laplace_evidence(loo.fits, sums) if by_evidence else loo.curve(sums, metric)
        return curve._replace(lambdas=lambdas)

    grid, automatic = setup.grid()
    curve = thinned(grid, evaluate, automatic, rule)
    lam = float(curve.lambdas[curve.index_by(rule)])
    at = lam * setup.weight
    choice = Choice(lam, method, rule, curve.edge_by(rule), curve, metric)
    if lone_row(setup.problem) is not None or not np.isfinite(loo.etas(at)).all():
        _note_unjudged(setup)
        return choice
    return choice._replace(validation=loo.metrics(at), approximation=loo.measured_error(at, select.seed))


_METHODS: Mapping[str, Callable[[Setup, SelectSpec, str, Progress | None], Chosen]] = {
    "cv": _by_folds,
    "loo": _by_leverage,
    "gcv": _by_leverage,
    "evidence": _by_leverage,
    "holdout": _by_holdout,
}


def by_leverage(setup: Setup, factor: RidgeFactor | None, method: str, select: SelectSpec) -> Choice:
    """Choose lambda by leave-one-out, GCV or evidence, all on the sum scale whatever the scale in force.

    Evidence and GCV are no errors of unseen rows: that of leave-one-out at their lambda stands beside it.
    Columns in blocks have no factor.
    """
    criterion = setup.metric(select) if method == "loo" else method

    def evaluate(lambdas: FloatArray) -> Curve:
        sums = lambdas * setup.weight
        if method == "evidence" and factor is not None:
            from l2cli.select.evidence import evidence  # few fits ask for it

            curve = evidence(setup.problem, factor, sums)
        elif method == "loo":
            curve = leave_one_out(setup.problem, factor, sums, criterion)[0]
        else:
            curve = generalized_cv(setup.problem, factor, sums)
        return curve._replace(lambdas=lambdas)

    grid, automatic = setup.grid(factor)
    curve = extended(grid, evaluate, automatic, zero=factor is not None)
    rule = select.rule
    lam = float(curve.lambdas[curve.index_by(rule)])
    validation: dict[str, float | None] | None
    validation = leave_one_out_metrics(setup.problem, factor, lam * setup.weight)
    if validation["mse"] is None:
        _note_unjudged(setup)
        validation = None
    return Choice(lam, method, rule, curve.edge_by(rule), curve, criterion, validation)


def _note_unjudged(setup: Setup) -> None:
    """Note that no error of leave-one-out stands beside evidence or GCV: some row has no fit without it."""
    note = (
        "no error of unseen rows: without some row there is no single finite fit, and so no leave-one-out; "
        "--select cv has one"
    )
    setup.dataset.notes.extend([note] if note not in setup.dataset.notes else [])


def choice_of(curve: Curve, metric: str, rule: str) -> Choice:
    """Return the choice that a cross-validation curve makes by a rule, its validation metrics left out."""
    lam = float(curve.lambdas[curve.index_by(rule)])
    return Choice(lam, "cv", rule, curve.edge_by(rule), curve, metric)


def curve_warnings(
    setup: Setup, choice: Choice, known: Sequence[dict[str, Any]] = (), *, separated: bool = False
) -> list[dict[str, Any]]:
    """Return what a curve of validation errors warns of, beside the warnings known already.

    ``separated`` : the fit tells all rows apart by their classes.
    """
    if choice.curve is None or is_constant(setup.problem):
        return []
    automatic = setup.model.lambdas.is_auto
    found = approximation_warning(choice.approximation)
    found += edge_warning(choice, automatic=automatic, separated=separated) or flat_warning(
        choice.curve, automatic=automatic
    )
    found += wide_warning(setup.problem, choice.curve.lambdas)
    found += lost_warning(setup.problem, choice.curve.lambdas, choice.curve.mean)
    return [warning for warning in found if warning not in known]


def approximation_warning(found: ApproximationError | None) -> list[dict[str, Any]]:
    """Return the warning that approximate leave-one-out is far from refits, if it is."""
    if found is None or abs(found.relative) <= COARSE:
        return []
    message = (
        f"approximate leave-one-out is {100.0 * abs(found.relative):.2g} % off exact refits of {found.rows}"
        " rows: use --select cv"
    )
    return [{"code": "approximation_error", "message": message}]


def is_constant(problem: Problem) -> bool:
    """Return True where the target does not vary: the intercept is the fit, whatever lambda."""
    return problem.y.ndim == 1 and bool(problem.y.min() == problem.y.max())


def flat_warning(curve: Curve, *, automatic: bool) -> list[dict[str, Any]]:
    """Return the warning that every lambda of the grid does as well as the best, if that is so."""
    if curve.as_good != (float(curve.lambdas.min()), float(curve.lambdas.max())):
        return []
    low, high = curve.as_good
    why = "the features may say little about the target" if automatic else "a wider grid may show more"
    return [
        {
            "code": "flat_curve",
            "message": f"the selection curve is flat over the whole grid, {brief(low)} to {brief(high)}: "
            f"the data cannot tell any of these lambdas from the best; {why}",
        }
    ]


def edge_warning(choice: Choice, *, automatic: bool, separated: bool = False) -> list[dict[str, Any]]:
    """Return the warning that the lambda reported lies on the edge of the grid, if it does.

    Where the 1se rule ends at the largest lambda of an automatic grid, a model of no effects is within one
    standard error of the best: that is a finding, and no wider grid would change it. Nor would one where
    classes are ``separated`` and smaller lambdas have smaller errors.
    """
    if choice.edge is None or choice.curve is None:
        return []
    side = "largest" if choice.edge == "high" else "smallest"
    name, beyond = "the best lambda", "the optimum may lie beyond its edge"
    if choice.rule == "1se" and choice.edge == "high":
        if automatic:  # no grid of its own reaches where even no effect is a standard error worse
            return []
        name, beyond = "lambda by the 1se rule", "larger ones may be within one standard error too"
    if automatic and choice.edge == "high" and choice.metric != "auc":  # which sees no size
        witness = "the data confirm" if choice.selected_by == "evidence" else "unseen rows confirm"
        beyond = f"{witness} nothing of the features"
    if choice.edge == "low" and separated:
        beyond = "the classes are separated, so smaller ones may do better without end"
    message = f"{name}, {choice.lam:.4g}, is the {side} of the grid: {beyond}"
    return [{"code": "lambda_edge", "message": message}]
