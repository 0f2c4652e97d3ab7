"""What a penalty cost and what it bought: solves measured, and the error of unseen rows, with and without."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from l2cli.api.choosing import Choice
from l2cli.api.setup import Setup
from l2cli.core.metrics import greater_is_better
from l2cli.core.path import Path, design_factor, solve_path
from l2cli.core.problem import Problem
from l2cli.core.relaxed import relaxed_path
from l2cli.core.solvers.newton import RUNAWAY
from l2cli.diagnostics.cost import Measured, measure
from l2cli.errors import FitError
from l2cli.select.cv import validation_metrics
from l2cli.select.loo import leave_one_out_metrics
from l2cli.spec import SelectSpec

Table = dict[str, float | None]


class Solves(NamedTuple):
    """The fit with the penalty and the one without, measured; None where there is no such finite fit."""

    penalized: Measured[Path]
    unpenalized: Measured[Path] | None


def measured_solves(problem: Problem, lam: float) -> Solves:
    """Return the fits of a problem at ``lam`` (sum scale) and at 0, without L1 part, groups and relaxing.

    Whether columns in blocks, or more columns than rows of another family than gaussian, have an unpenalized
    fit is not known, and it is not tried.
    """
    alone = problem._replace(shared=None)
    with_it = measure(lambda: relaxed_path(alone, np.array([lam])))
    if lam == 0.0:
        return Solves(with_it, with_it)
    wide = problem.family != "gaussian" and problem.n_columns >= problem.n_rows
    if problem.blocks is not None or wide:
        return Solves(with_it, None)
    bare = alone._replace(l1_ratio=0.0, groups=None, relax_gamma=1.0)
    without = measure(lambda: solve_path(bare, np.zeros(1)))
    runaway = without.result.last_move[0] > RUNAWAY or not without.result.certificate.converged()[0]
    return Solves(with_it, None if runaway and problem.family != "gaussian" else without)


def cost_of(setup: Setup, choice: Choice, lam: float, select: SelectSpec, solves: Solves) -> dict[str, Any]:
    """Return seconds and memory of a solve with the penalty and without, and both errors of unseen rows.

    ``lam`` on the sum scale. What there is not is None.
    """
    method, tables = _errors(setup, choice, lam, select, bare=solves.unpenalized is not None)
    metric = setup.metric(select)
    metric = "rmse" if setup.dataset.family == "gaussian" and metric in ("mse", "deviance") else metric
    return {
        "penalized": _spent(solves.penalized),
        "unpenalized": None if solves.unpenalized is None else _spent(solves.unpenalized),
        "error": {
            "metric": metric,
            "method": method,
            "penalized": tables[0],
            "unpenalized": tables[1],
            "gain": _gain(tables, metric),
        },
    }


def _spent(cost: Measured[Path]) -> dict[str, Any]:
    return {"seconds": cost.seconds, "memory_bytes": cost.memory_bytes}


def _gain(tables: tuple[Table | None, Table | None], metric: str) -> float | None:
    """Return by what share the penalty makes the error smaller (or what should be large larger)."""
    a, b = (None if table is None else table.get(metric) for table in tables)
    if a is None or not b:
        return None
    return a / b - 1.0 if greater_is_better(metric) else 1.0 - a / b


def _errors(
    setup: Setup, choice: Choice, lam: float, select: SelectSpec, *, bare: bool
) -> tuple[str | None, tuple[Table | None, Table | None]]:
    """Return how the errors of unseen rows were found, and those with the penalty and without.

    Both by exact leave-one-out where there is one and no folds chose lambda, by approximate where that chose
    it, else on the same folds.
    """
    problem, dataset = setup.problem, setup.dataset
    if problem.n_rows < 2:
        return None, (None, None)
    by_rows = problem.family == "gaussian" and problem.is_smooth and problem.blocks is None
    if by_rows and choice.selected_by != "cv" and dataset.fold_labels is None:
        factor = design_factor(problem, 0.0)
        found = choice.validation if choice.selected_by == "loo" else None
        found = leave_one_out_metrics(problem, factor, lam) if found is None else found
        return "loo", (found, found if lam == 0.0 else leave_one_out_metrics(problem, factor, 0.0))
    if problem.blocks is not None and choice.selected_by == "loo":
        return "loo", (choice.validation, None)
    if choice.approximation is not None:
        known = choice.validation
        return "loo", (known, known if lam == 0.0 else _without_penalty(problem) if bare else None)
    known = choice.validation if choice.selected_by == "cv" else None
    lambdas = [*([] if known is not None else [choice.lam]), *([0.0] if bare and lam > 0.0 else [])]
    if not lambdas:
        return "cv", (known, known if lam == 0.0 else None)
    try:
        fits = setup.fold_fits(setup.folds(select), select)
        found_at = dict(zip(lambdas, validation_metrics(fits, lambdas), strict=True))
    except FitError:  # without a penalty some training rows have no finite fit
        return "cv", (known, None)
    first = known if known is not None else found_at[choice.lam]
    return "cv", (first, first if lam == 0.0 else found_at.get(0.0))


def _without_penalty(problem: Problem) -> Table | None:
    """Return the approximate leave-one-out metrics of the unpenalized fit, None where there is none."""
    from l2cli.select.alo import ApproximateLoo  # most are gaussian

    try:
        return ApproximateLoo(problem).metrics(0.0)
    except FitError:
        return None
