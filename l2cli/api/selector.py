"""Which way of choosing lambda a fit takes: what was asked for or what ``auto`` means; what is refused."""

from __future__ import annotations

from l2cli.api.setup import Setup
from l2cli.core.problem import Problem
from l2cli.errors import UsageError
from l2cli.spec import SelectSpec


def resolve_selector(setup: Setup, select: SelectSpec) -> str:
    """Return the way ``fit`` chooses lambda: what was asked, or for auto the rule of SPEC section 2.

    Any fold, group or time option means cross-validation, and so does the auc, which leave-one-out does not
    have; else leave-one-out, exact for gaussian L2 and approximate for other families with L2, but of very
    many classes or coefficients of them; else cross-validation.
    """
    metric = setup.metric(select)
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
            raise _only_gaussian(select.select)
        if select.select == "gcv" and metric not in ("mse", "deviance"):
            raise UsageError(
                "--select gcv minimises the squared error", hint="use --select loo or cv with --metric"
            )
        if setup.problem.blocks is not None and not leverages_serve(setup):
            raise UsageError(
                f"--select {select.select} needs the leverage of every row, for which several categories have"
                " too many levels",
                hint="use --select cv",
            )
        return select.select
    asked = _folds_are_meant(setup, select)
    if setup.problem.blocks is not None and linear and not asked:
        return _leverage_or_folds(setup)
    return "cv" if asked or not linear else "loo"


def judging_is_asked(setup: Setup, select: SelectSpec, resampled: bool) -> bool:
    """Return True where lambda is to be judged even if it is the only one: by a way, a metric or folds.

    Groups that a bootstrap draws do not ask for it by themselves.
    """
    dataset = setup.dataset
    named = select.select != "auto" or select.metric is not None or select.rule != "min"
    parted = dataset.fold_labels is not None or dataset.time is not None
    parted |= dataset.groups is not None and not resampled
    return named or select.folds is not None or select.repeats > 1 or parted


def _folds_are_meant(setup: Setup, select: SelectSpec) -> bool:
    """Return True where cross-validation was asked for, by name or by an option that only it has."""
    asked = select.select == "cv" or select.folds is not None or select.repeats > 1
    dataset = setup.dataset
    return asked or any(given is not None for given in (dataset.fold_labels, dataset.groups, dataset.time))


def _resolve_approximate(setup: Setup, select: SelectSpec, metric: str) -> str:
    """Return the way of a family other than gaussian: leave-one-out of it is approximate."""
    if select.select == "gcv":
        raise _only_gaussian("gcv")
    if select.select != "loo" and _folds_are_meant(setup, select):
        return "cv"
    refusal = leave_one_out_refused(setup.problem, metric, grouped=setup.model.groups is not None)
    if select.select == "loo" and refusal is not None:
        raise refusal
    if select.select == "loo":
        return "loo"
    from l2cli.select.alo import is_small

    return "loo" if refusal is None and is_small(setup.problem) else "cv"


def _only_gaussian(way: str) -> UsageError:
    return UsageError(
        f"--select {way} is exact for gaussian targets and pure L2 only", hint="use --select cv"
    )


def leave_one_out_refused(problem: Problem, metric: str, *, grouped: bool) -> UsageError | None:
    """Return why leave-one-out, exact or approximate, cannot serve a design of one matrix, None where it can.

    ``grouped`` : its columns are in groups, with a lambda each or a norm over each.
    """
    if problem.family == "gaussian":
        return None if problem.is_smooth else _only_gaussian("loo")
    from l2cli.select.alo import applies, lone_row

    if not applies(problem) or grouped:
        return UsageError(
            "--select loo needs pure L2, without groups, bounds and many levels",
            hint="use --select cv",
        )
    if metric == "auc":
        return UsageError(
            "--select loo has no --metric auc: over rows left out it is biased downwards, for the intercept"
            " moves against the label of the row",
            hint="use --select cv",
        )
    if lone_row(problem) is not None:
        return UsageError(
            "--select loo has no answer where one row alone is of its kind: the others have no finite fit",
            hint="leave the class out, or give --lambda",
        )
    return None


def _refuse_evidence(setup: Setup, *, linear: bool) -> None:
    """Raise UsageError where the marginal likelihood has no closed form and no approximate one."""
    values = setup.model.lambdas.values
    if values is not None and not any(values):
        raise UsageError(
            "--select evidence: lambda 0, a prior without end, has no evidence",
            hint="give larger lambdas, or use --select cv",
        )
    if not linear:
        from l2cli.select.laplace import has_evidence  # most are gaussian

        if has_evidence(setup.problem):
            if setup.model.groups is None:
                return
            raise UsageError(
                "--select evidence chooses the lambdas of groups for gaussian targets alone",
                hint="use --select cv",
            )
        raise UsageError(
            "--select evidence is for pure L2 without bounds, of gaussian targets, classes and counts"
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
