"""Choosing lambda: each way that ``--select`` names, and what its curve warns of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.api.judge import lost_warning, wide_warning
from l2cli.api.setup import Progress, Setup, brief
from l2cli.core.grid import lambda_grid
from l2cli.core.metrics import ROW_METRICS
from l2cli.core.path import design_factor
from l2cli.core.problem import Problem
from l2cli.core.solvers.ridge import RidgeFactor
from l2cli.errors import UsageError
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
_ONLY_GAUSSIAN = "--select {} is exact for gaussian targets and pure L2 only"


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
    return by_leverage(setup, factor, method, select.rule), factor


def _by_holdout(setup: Setup, select: SelectSpec, method: str, progress: Progress | None) -> Chosen:  # noqa: ARG001 - at once
    """Choose by the error of a held-out part, or other rows; lambda on the scale in force serves all rows."""
    metric, held = setup.metric(select), _judge(setup, select)
    part = held.training
    weight = part.weight_sum if setup.model.lambda_scale == "mean" else 1.0
    grid, automatic = lambda_grid(setup.model.lambdas, part, weight=weight)
    linear = part.family == "gaussian" and part.is_smooth and part.blocks is None
    curve = extended(grid, lambda lambdas: held.curve(lambdas, metric), automatic, zero=linear)
    choice = choice_of(curve, metric, select.rule)
    return choice._replace(selected_by=method, validation=held.metrics(choice.lam)), None


def _judge(setup: Setup, select: SelectSpec) -> Judge:
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
    from l2cli.select.alo import ApproximateLoo, lone_row  # a ridge fit starts without
    from l2cli.select.laplace import laplace_evidence

    loo, rule, by_evidence = ApproximateLoo(setup.problem), select.rule, method == "evidence"
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
    if lone_row(setup.problem) is not None:  # its loss is that of no fit
        return choice
    return choice._replace(validation=loo.metrics(at), approximation=loo.measured_error(at, select.seed))


_METHODS: Mapping[str, Callable[[Setup, SelectSpec, str, Progress | None], Chosen]] = {
    "cv": _by_folds,
    "loo": _by_leverage,
    "gcv": _by_leverage,
    "evidence": _by_leverage,
    "holdout": _by_holdout,
}


def by_leverage(setup: Setup, factor: RidgeFactor | None, method: str, rule: str) -> Choice:
    """Choose lambda by leave-one-out, GCV or evidence, all on the sum scale whatever the scale in force.

    The evidence has no error of unseen rows: that of leave-one-out at its lambda stands beside it. Columns in
    blocks have no factor.
    """

    def evaluate(lambdas: FloatArray) -> Curve:
        sums = lambdas * setup.weight
        if method == "evidence" and factor is not None:
            from l2cli.select.evidence import evidence  # few fits ask for it

            curve = evidence(setup.problem, factor, sums)
        elif method == "loo":
            curve = leave_one_out(setup.problem, factor, sums)[0]
        else:
            curve = generalized_cv(setup.problem, factor, sums)
        return Curve(lambdas, curve.mean, curve.se, curve.paired_se)

    grid, automatic = setup.grid(factor)
    curve = extended(grid, evaluate, automatic, zero=factor is not None)
    lam = float(curve.lambdas[curve.index_by(rule)])
    judged = method != "gcv"
    validation = leave_one_out_metrics(setup.problem, factor, lam * setup.weight) if judged else None
    criterion = "mse" if method == "loo" else method
    return Choice(lam, method, rule, curve.edge_by(rule), curve, criterion, validation)


def choice_of(curve: Curve, metric: str, rule: str) -> Choice:
    """Return the choice that a cross-validation curve makes by a rule, its validation metrics left out."""
    lam = float(curve.lambdas[curve.index_by(rule)])
    return Choice(lam, "cv", rule, curve.edge_by(rule), curve, metric)


def resolve_selector(setup: Setup, select: SelectSpec) -> str:
    """Return the way ``fit`` chooses lambda: what was asked, or for auto the rule of SPEC section 2.

    Any fold, group or time option means cross-validation, and so does a metric that leave-one-out does not
    have; else leave-one-out, exact for gaussian L2 and approximate for other families with L2 where that
    costs no more than folds; else cross-validation.
    """
    metric = setup.metric(select)
    squared = metric in ("mse", "deviance")
    linear = setup.dataset.family == "gaussian" and setup.problem.is_smooth
    if select.select == "holdout":
        return "holdout"
    if select.select == "evidence":
        _refuse_evidence(setup, linear=linear)
        return "evidence"
    if setup.dataset.family != "gaussian":
        return _resolve_approximate(setup, select, metric)
    if select.select in ("loo", "gcv"):
        if not linear:
            raise UsageError(_ONLY_GAUSSIAN.format(select.select), hint="use --select cv")
        if not squared:
            raise UsageError(
                f"--select {select.select} minimises the squared error", hint="use --select cv with --metric"
            )
        if setup.problem.blocks is not None and not leverages_serve(setup):
            raise UsageError(
                f"--select {select.select} needs the leverage of every row, for which several categories have"
                " too many levels",
                hint="use --select cv",
            )
        return select.select
    asked = _folds_are_meant(setup, select)
    if setup.problem.blocks is not None and linear and squared and not asked:
        return _leverage_or_folds(setup)
    return "cv" if asked or not linear or not squared else "loo"


def _folds_are_meant(setup: Setup, select: SelectSpec) -> bool:
    """Return True where cross-validation was asked for, by name or by an option that only it has."""
    asked = select.select == "cv" or select.folds is not None or select.repeats > 1
    dataset = setup.dataset
    return asked or any(given is not None for given in (dataset.fold_labels, dataset.groups, dataset.time))


def _resolve_approximate(setup: Setup, select: SelectSpec, metric: str) -> str:
    """Return the way of a family other than gaussian: leave-one-out of it is approximate."""
    if select.select == "gcv":
        raise UsageError(_ONLY_GAUSSIAN.format("gcv"), hint="use --select cv")
    if select.select != "loo" and _folds_are_meant(setup, select):
        return "cv"
    from l2cli.select.alo import is_cheap  # a ridge fit starts without

    refusal = _approximation_refused(setup, metric)
    if select.select == "loo" and refusal is not None:
        raise refusal
    return "loo" if select.select == "loo" or (refusal is None and is_cheap(setup.problem)) else "cv"


def _approximation_refused(setup: Setup, metric: str) -> UsageError | None:
    """Return why approximate leave-one-out cannot serve, None where it can."""
    from l2cli.select.alo import applies, lone_row

    if not applies(setup.problem) or setup.model.groups is not None:
        return UsageError(
            "--select loo needs pure L2, without groups, bounds and many levels, and at most two classes",
            hint="use --select cv",
        )
    if metric not in ROW_METRICS:
        return UsageError(
            f"--select loo has no --metric {metric}: that is no mean over rows",
            hint="use --select cv, or deviance",
        )
    if lone_row(setup.problem) is not None:
        return UsageError(
            "--select loo: one row alone is of its kind, and without it the others have no finite fit",
            hint="leave the class out, or give --lambda",
        )
    return None


def _refuse_evidence(setup: Setup, *, linear: bool) -> None:
    """Raise UsageError where the marginal likelihood has no closed form and no approximate one."""
    if not linear:
        from l2cli.select.laplace import has_evidence  # most are gaussian

        if has_evidence(setup.problem) and setup.model.groups is None:
            return
        raise UsageError(
            "--select evidence is for pure L2 without bounds, of gaussian targets, two classes and counts"
            " (poisson)",
            hint="use --select cv",
        )
    if setup.problem.blocks is not None:
        raise UsageError(
            "--select evidence needs the design as one matrix, for which several categories have too many"
            " levels",
            hint="use --select cv",
        )


def leverages_serve(setup: Setup) -> bool:
    """Return True where leverages judge the lambdas of a design in blocks."""
    from l2cli.select.block_loo import serves  # most designs are one matrix

    spec = setup.model.lambdas
    count = len(spec.values) if spec.values is not None else spec.count
    return serves(setup.problem, count)


def _leverage_or_folds(setup: Setup) -> str:
    """Return leave-one-out of a design in blocks where it is cheap, else cross-validation, with a note."""
    if leverages_serve(setup):
        return "loo"
    note = "lambda by cross-validation: so many levels or rows leave leave-one-out no short way"
    setup.dataset.notes.extend([note] if note not in setup.dataset.notes else [])
    return "cv"


def curve_warnings(
    setup: Setup, choice: Choice, known: Sequence[dict[str, Any]] = ()
) -> list[dict[str, Any]]:
    """Return what a curve of validation errors warns of, beside the warnings known already."""
    if choice.curve is None or is_constant(setup.problem):
        return []
    automatic = setup.model.lambdas.is_auto
    found = approximation_warning(choice)
    found += edge_warning(choice, automatic=automatic) or flat_warning(choice.curve, automatic=automatic)
    found += wide_warning(setup.problem, choice.curve.lambdas)
    found += lost_warning(setup.problem, choice.curve.lambdas, choice.curve.mean)
    return [warning for warning in found if warning not in known]


def approximation_warning(choice: Choice) -> list[dict[str, Any]]:
    """Return the warning that approximate leave-one-out is far from refits, if it is."""
    found = choice.approximation
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


def edge_warning(choice: Choice, *, automatic: bool) -> list[dict[str, Any]]:
    """Return the warning that the lambda reported lies on the edge of the grid, if it does.

    Where the 1se rule ends at the largest lambda of an automatic grid, a model of no effects is within one
    standard error of the best: that is a finding, and no wider grid would change it.
    """
    if choice.edge is None or choice.curve is None:
        return []
    side = "largest" if choice.edge == "high" else "smallest"
    name, beyond = "the best lambda", "the optimum may lie beyond its edge"
    if choice.rule == "1se" and choice.edge == "high":
        if automatic:  # no grid of its own reaches where even no effect is a standard error worse
            return []
        name, beyond = "lambda by the 1se rule", "larger ones may be within one standard error too"
    if automatic and choice.edge == "high":
        witness = "the data confirm" if choice.selected_by == "evidence" else "unseen rows confirm"
        beyond = f"{witness} nothing of the features"
    message = f"{name}, {choice.lam:.4g}, is the {side} of the grid: {beyond}"
    return [{"code": "lambda_edge", "message": message}]
