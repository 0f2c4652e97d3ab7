"""The coefficient table of a fit: both scales, standard errors at lambda 0, and what the penalty left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from l2cli.api.setup import LEVEL, Setup, finite, floats
from l2cli.core.covariance import quantile, standard_errors
from l2cli.core.objective import EPS
from l2cli.core.path import Path, design_factor, solve_path
from l2cli.core.solvers.newton import RUNAWAY, NewtonSolver
from l2cli.core.solvers.ridge import RidgeFactor

if TYPE_CHECKING:
    from l2cli.diagnostics.inference import Inference

FloatArray = npt.NDArray[np.float64]
NOTHING = 1e-12
"""An unpenalized coefficient below this share of the target or the largest one is 0 but for rounding."""
_KEYS = ("coef", "coef_standardized", "kept", "se", "ci_low", "ci_high")


def coefficient_tables(
    setup: Setup, path: Path, lam: float, factor: RidgeFactor | None = None,
    inference: Inference | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return intercept, intercept_se and coefficients of the model at lambda ``lam`` (sum scale).

    Standard errors are those of ``inference``, without it those of an unpenalized fit, else none.
    Of several classes they stand under ``classes``, one {label, intercept, ...} each.
    """
    problem, labels = setup.problem, setup.dataset.schema.classes
    coef, u = path.coef[..., 0], path.u[..., 0]
    kept = _kept(setup, path, lam, factor)
    unknown = np.full(coef.shape, np.nan)
    intercepts = path.intercept[..., 0] if problem.intercept else np.zeros(coef.shape[1:])
    se, low, high, intercept_se = unknown, unknown, unknown, np.full(coef.shape[1:], np.nan)
    more: dict[str, FloatArray] = {}
    if inference is not None:
        se, low, high = inference.se, inference.low, inference.high
        intercept_se = np.asarray(inference.intercept_se)
        some = {"coef_debiased": inference.coef, "selected": inference.selected}
        more = {key: values for key, values in some.items() if values is not None}
    elif lam == 0.0 and (errors := standard_errors(problem, u, path.intercept0[..., 0])) is not None:
        width = quantile(LEVEL, errors.df) * errors.coef
        se, low, high = errors.coef, coef - width, coef + width
        if problem.intercept:
            intercept_se = np.asarray(errors.intercept)
    columns = dict(zip(_KEYS, (coef, u, kept, se, low, high), strict=True)) | more
    if problem.n_classes == 1:
        return _table(setup, intercepts, intercept_se, columns)
    return {
        "classes": [
            {
                "label": label,
                **_table(setup, intercepts[c], intercept_se[c], {k: v[:, c] for k, v in columns.items()}),
            }
            for c, label in enumerate(labels or ())
        ]
    }


def _table(
    setup: Setup, intercept: FloatArray, intercept_se: FloatArray, columns: Mapping[str, FloatArray]
) -> dict[str, Any]:
    """Return the keys of one target or class."""
    rows = zip(setup.dataset.features, *(floats(column) for column in columns.values()), strict=True)
    return {
        "intercept": float(intercept),
        "intercept_se": finite(float(intercept_se)),
        "coefficients": [dict(zip(("feature", *columns), row, strict=True)) for row in rows],
    }


def inference_keys(inference: Inference) -> dict[str, Any]:
    """Return what the result says of how the errors were made and what they cover."""
    keys: dict[str, Any] = {
        "kind": inference.kind, "method": inference.method, "covers": inference.covers,
        "level": inference.level, "sigma": inference.sigma, "df": inference.df,
    }  # fmt: skip
    if inference.lambdas is not None:
        low, high = np.quantile(inference.lambdas, [0.05, 0.95])
        keys |= {"resamples": inference.resamples, "lambda_range": [float(low), float(high)]}
    return keys


def _kept(setup: Setup, path: Path, lam: float, factor: RidgeFactor | None) -> FloatArray:
    """Return each coefficient over the unpenalized one, NaN where that is tied, not finite or but noise.

    Noise is what rounding leaves of 0: some 1e-12 of the spread of the target or of the largest coefficient,
    and 10 eps of the target itself, whose mean is rounded.
    """
    problem, u = setup.problem, path.u[..., 0]
    unknown = np.full(u.shape, np.nan)
    if problem.blocks is not None and lam > 0.0:  # whether there is an unpenalized fit is not known
        return unknown
    if lam == 0.0:
        free, tied = u, path.tied
    elif problem.box is not None:
        bare = solve_path(problem, np.zeros(1))
        if bare.last_move[0] > RUNAWAY or not bare.certificate.converged()[0]:
            return unknown
        free, tied = bare.u[..., 0], bare.tied
    elif problem.family == "gaussian":
        if factor is None or not factor.serves(0.0):
            factor = design_factor(problem, 0.0)
        free, tied = factor.solve(np.zeros(1))[:, 0], factor.null > 1e-6
    else:
        if problem.n_columns >= problem.n_rows:
            return unknown
        answer = NewtonSolver(problem).solve(0.0, np.append(u.ravel(), path.intercept0[..., 0]))
        if answer.last_move > RUNAWAY or not answer.residual <= 1e-6:
            return unknown  # the classes are separated: there is no unpenalized fit to compare with
        free, tied = answer.u, design_factor(problem, 0.0).null > 1e-6
    unit, rounded = 1.0, 0.0
    if problem.family == "gaussian":
        y = problem.response
        size = float(np.abs(y).max(initial=0.0))
        unit, rounded = float(np.ptp(y)) if problem.intercept else size, 10.0 * EPS * size
    nothing = np.abs(free) <= max(NOTHING * max(unit, float(np.abs(free).max(initial=0.0))), rounded)
    lost = ((tied | problem.constant) | nothing.T).T
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(lost, np.nan, u / free)
