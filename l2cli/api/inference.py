"""Standard errors and intervals of the coefficients of a fit, as ``--inference`` asks for them."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.api.banded import is_banded
from l2cli.api.decision import decide
from l2cli.api.judge import check_path
from l2cli.api.setup import LEVEL, Progress, Setup, problem_of
from l2cli.core.path import Path
from l2cli.core.relaxed import relaxed_path
from l2cli.core.solvers.ridge import RidgeFactor
from l2cli.data.dataset import Dataset
from l2cli.diagnostics.bootstrap import RESAMPLES, draw_counts, summary
from l2cli.diagnostics.inference import OF_COEFFICIENT, OF_MEAN, Inference, coefficient_inference, refuse
from l2cli.engines.pool import parallel_map
from l2cli.errors import FitError, UsageError
from l2cli.spec import SelectSpec

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
FLOPS = 5e9
"""Floating-point operations in a second of refits: what the pool weighs against starting workers."""
MOST_LOST = 0.1
"""Share of resamples without a fit beyond which there is no inference."""


def refuse_early(setup: Setup, kind: str) -> None:
    """Raise UsageError, before any work, where ``kind`` has no answer whatever lambda is chosen.

    Bands have their lambdas in the penalty factors, so that all of them are smooth problems at lambda 1.
    """
    values = setup.model.lambdas.values
    unpenalized = values is not None and max(values) == 0.0 and not is_banded(setup)
    if kind != "bootstrap":
        refuse(setup.problem, kind, 0.0 if unpenalized else 1.0)
    elif setup.problem.blocks is not None:
        raise UsageError(
            "--inference bootstrap needs every level as a column, for which categories have too many levels",
            hint="leave such columns out with --drop",
        )


def infer(
    setup: Setup, path: Path, lam: float, factor: RidgeFactor | None = None, *, kind: str, select: SelectSpec,
    asked: Setup, progress: Progress | None = None,
) -> Inference:  # fmt: skip
    """Return the errors of the coefficients of one target, fitted at ``lam`` (sum scale): ``path`` (L = 1).

    Parameters
    ----------
    setup : Setup
        That of the fit, of a banded penalty with its lambdas.
    kind : {"shrunken", "debiased", "bootstrap"}
    asked : Setup
        As it was before any lambda was chosen: what a resample starts from.
    """
    if kind == "bootstrap":
        return bootstrap(asked, select, progress)
    found = coefficient_inference(
        setup.problem, path.u[..., 0], path.intercept0[..., 0], lam, kind,
        effective_df=float(path.effective_df[0]), level=LEVEL, factor=factor,
    )  # fmt: skip
    if setup.dataset.groups is None:
        return found
    alone = "rows taken as independent, where bootstrap would draw whole groups"
    return found._replace(method=f"{found.method}, {alone}")


class Refit(NamedTuple):
    """A model of a resample: coefficients and intercepts on the original scale, lambda (scale in force)."""

    coef: FloatArray
    intercept: FloatArray
    lam: float


def bootstrap(
    setup: Setup, select: SelectSpec, progress: Progress | None = None, resamples: int = RESAMPLES
) -> Inference:
    """Return the spread of whole fits over resamples of the rows, lambda chosen anew in each by its rule.

    Raises
    ------
    FitError
        More than a tenth of the resamples have no fit.
    """
    dataset = replace(setup.dataset, X=np.empty((setup.dataset.n_rows, 0)))  # the problem has the columns
    alone = Setup(dataset, setup.problem._replace(shared=None), setup.model)
    choosing = replace(select, jobs=1)
    started = perf_counter()
    found = [refit(alone, choosing, 0)]
    work = (perf_counter() - started) * FLOPS * resamples
    found += parallel_map(
        refit, [(alone, choosing, b) for b in range(1, resamples)],
        jobs=select.jobs, flops=work, progress=progress, label="resamples",
    )  # fmt: skip
    fits = [fit for fit in found if isinstance(fit, Refit)]
    if len(fits) < (1.0 - MOST_LOST) * resamples:
        reason = next(fit for fit in found if isinstance(fit, str))
        raise FitError(
            f"--inference bootstrap: {resamples - len(fits)} of {resamples} resamples have no fit, the first"
            f" because: {reason}",
            hint="give a larger lambda, or leave rare levels out",
        )
    made = summary(np.array([fit.coef for fit in fits]), LEVEL)
    constant = setup.problem.constant
    se, low, high = (_without(values, constant) for values in (made.se, made.low, made.high))
    intercepts = summary(np.array([fit.intercept for fit in fits]), LEVEL)
    drops = setup.problem.l1_ratio > 0.0
    units = "rows" if dataset.groups is None else "groups of rows"
    bare = max(fit.lam for fit in fits) == 0.0
    return Inference(
        "bootstrap", f"whole fits to resampled {units}", OF_COEFFICIENT if bare else OF_MEAN, LEVEL,
        se, low, high,
        intercepts.se if setup.problem.intercept else np.full(np.shape(intercepts.se), np.nan),
        selected=made.selected if drops else None, resamples=len(fits),
        lambdas=np.array([fit.lam for fit in fits]),
    )  # fmt: skip


def _without(values: FloatArray, constant: npt.NDArray[np.bool_]) -> FloatArray:
    """Return values (p, ...), NaN for columns that do not vary."""
    result = values.copy()
    result[constant] = np.nan
    return result


def refit(setup: Setup, select: SelectSpec, b: int) -> Refit | str:
    """Return the model of resample ``b``, lambda chosen as for all rows; why, where there is none."""
    dataset = setup.dataset
    labels = [dataset.y.astype(np.int64)] if dataset.schema.classes is not None else []
    labels += [] if dataset.fold_labels is None else [dataset.fold_labels]
    counts = draw_counts(select.seed, b, dataset.n_rows, dataset.groups, labels)
    sample = resample(setup, counts)
    if select.folds is not None:
        units = sample.n_rows if sample.groups is None else len(np.unique(sample.groups))
        select = replace(select, folds=min(select.folds, units))
    fresh = Setup(sample, problem_of(sample, setup.model), setup.model, hurried=True)
    try:
        decided = decide(fresh, select, resampled=True)
        chosen, lam = decided.setup, decided.choice.lam
        path = relaxed_path(chosen.problem, np.array([lam * chosen.weight]), decided.factor)
        check_path(chosen.problem, path, sample.features, chosen.model.tol, chosen.weight)
    except (FitError, UsageError) as error:
        return str(error)
    intercept = path.intercept[..., 0] if setup.problem.intercept else np.zeros(path.coef.shape[1:-1])
    return Refit(path.coef[..., 0], intercept, lam)


def resample(setup: Setup, counts: IntArray) -> Dataset:
    """Return the dataset of the rows that are drawn, their weights times ``counts`` (n,).

    Columns are as in the file, missing cells missing, so that scaling and imputation are those of the
    resample (products of imputed columns keep the factors' means over all rows).
    """
    dataset, problem = setup.dataset, setup.problem
    rows = np.flatnonzero(counts)

    def some(values: npt.NDArray[Any] | None) -> npt.NDArray[Any] | None:
        return None if values is None else values[rows]

    if problem.originals is not None:
        X = problem.originals[rows]
    else:
        X = problem.X[rows]
        X *= problem.scale
        X += problem.center
        X[:, problem.constant] = problem.mean[problem.constant]
        if problem.mask is not None:
            for i, j in enumerate(problem.masked[: problem.n_imputed]):
                X[problem.mask[rows, i] > 0, j] = np.nan
    weights = problem.weights[rows] * counts[rows]
    return replace(
        dataset, X=X, y=dataset.y[rows], rows=dataset.rows[rows], weights=weights,
        offset=some(dataset.offset), groups=some(dataset.groups), fold_labels=some(dataset.fold_labels),
        time=None if dataset.time is None else dataset.time.take(rows),
        notes=[], warnings=[],
    )  # fmt: skip
