"""Standard errors and intervals of coefficients, with what they cover.

``shrunken``: the sandwich of :mod:`l2cli.core.covariance`, the spread of a penalized estimate about its own
mean. ``debiased``: an estimate without the bias of the penalty (:mod:`l2cli.diagnostics.debiased`), the only
one whose intervals are for the coefficient. ``bootstrap`` (:mod:`l2cli.diagnostics.bootstrap`) needs refits,
so that whoever can make them calls it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.covariance import StandardErrors, quantile, standard_errors
from l2cli.core.problem import Problem
from l2cli.core.solvers.ridge import RidgeFactor
from l2cli.diagnostics.debiased import debiased
from l2cli.errors import FitError, UsageError

FloatArray = npt.NDArray[np.float64]
OF_COEFFICIENT = "the coefficient"
OF_MEAN = "the mean of the shrunken estimate, not the coefficient"


class Inference(NamedTuple):
    """Standard errors and intervals on the original scale: (p,), of several classes (p, C).

    kind : ``shrunken``, ``debiased`` or ``bootstrap``. method : how, in words. covers : what the intervals
    cover. coef : what they are centred on, where that is not the coefficient of the model, else None.
    intercept_se : float or (C,), NaN where there is none. sigma : standard deviation of the noise of a row of
    weight 1, where it is estimated. df : degrees of freedom of t, None for the normal distribution.
    selected : share of resamples in which a coefficient is not 0. resamples : their number. lambdas : (B,)
    chosen in them.
    """

    kind: str
    method: str
    covers: str
    level: float
    se: FloatArray
    low: FloatArray
    high: FloatArray
    intercept_se: FloatArray | float = np.nan
    coef: FloatArray | None = None
    sigma: float | None = None
    df: float | None = None
    selected: FloatArray | None = None
    resamples: int | None = None
    lambdas: FloatArray | None = None


def coefficient_inference(
    problem: Problem, u: FloatArray, intercept: FloatArray | float, lam: float, kind: str, *,
    effective_df: float, level: float = 0.95, factor: RidgeFactor | None = None,
) -> Inference:  # fmt: skip
    """Return the errors of a solution without refits: ``kind`` is shrunken or debiased.

    Parameters
    ----------
    u, intercept : (p,) and float, of classes (p, C) and (C,)
        Internal coefficients, minimisers at ``lam`` (sum scale).
    effective_df : float
        Degrees of freedom of the solution, without the intercept.
    factor : RidgeFactor, optional
        That of a gaussian problem's rows, where it was made before.

    Raises
    ------
    UsageError
        The penalty, the bounds or the shape of the data are such that no theory says what the errors are.
    FitError
        No row is left over to tell the noise, or there is no unpenalized fit.
    """
    refuse(problem, kind, lam)
    if kind == "debiased" and lam > 0.0:
        found = debiased(problem, u, intercept, lam, effective_df)
        estimate, errors, method = found.coef, found.errors, found.method
        covers, coef = OF_COEFFICIENT, found.coef
    else:
        errors = required(standard_errors(problem, u, intercept, lam, factor))
        estimate, coef = problem.original(u, intercept)[0], None
        method = "sandwich of the penalized fit" if lam > 0.0 else "unpenalized fit"
        covers = OF_MEAN if lam > 0.0 else OF_COEFFICIENT
    of_intercept = (
        errors.intercept if problem.intercept and coef is None else np.full(np.shape(intercept), np.nan)
    )
    width = quantile(level, errors.df) * errors.coef
    return Inference(
        kind, method, covers, level, errors.coef, estimate - width, estimate + width,
        of_intercept, coef,
        noise_of(errors), errors.df,
    )  # fmt: skip


def required(errors: StandardErrors | None) -> StandardErrors:
    """Return errors that are there.

    Raises
    ------
    FitError
        There are none: tied columns without a penalty, or no row left over.
    """
    if errors is None:
        raise FitError(
            "there are no standard errors: columns without a penalty depend on one another, or the fit leaves"
            " no row to tell the noise",
            hint="leave columns out, or give a larger lambda",
        )
    return errors


def noise_of(errors: StandardErrors) -> float | None:
    """Return sigma, the root of the dispersion, where it is an estimate."""
    if errors.df is None or not np.isfinite(errors.dispersion):
        return None
    return float(np.sqrt(errors.dispersion))


def refuse(problem: Problem, kind: str, lam: float) -> None:
    """Raise UsageError where no theory says what the errors of ``kind`` at ``lam`` are."""
    asked = f"--inference {kind}"
    other = "--inference bootstrap refits whole models and needs no formula"
    if problem.box is not None:
        raise UsageError(f"{asked} knows no bounds: an estimate at its bound has no such error", hint=other)
    if lam == 0.0:
        return
    if problem.blocks is not None:
        raise UsageError(
            f"{asked} needs every level as a column, for which categories have too many levels",
            hint="leave such columns out with --drop",
        )
    if problem.groups is not None or problem.relax_gamma < 1.0:
        what = "a group lasso" if problem.groups is not None else "a relaxed fit"
        raise UsageError(f"{asked} has no theory for {what}", hint=other)
    if kind == "shrunken" and problem.l1_ratio > 0.0:
        raise UsageError(
            f"{asked} is for pure L2: with an L1 part no formula has the spread of the estimates",
            hint="use --inference debiased or bootstrap",
        )
