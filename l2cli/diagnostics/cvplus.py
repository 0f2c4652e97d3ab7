"""The fits without one fold each and the residuals of the rows they did not see, for CV+ intervals.

They are those that judged the lambda in force, so that nothing is fitted again. Rows are taken as the saved
model will take them: numbers that were missing are those that all rows impute.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from l2cli.core.anscombe import Anscombe
from l2cli.core.problem import Problem
from l2cli.diagnostics.jackknife import MOST_ROWS
from l2cli.models.intervals import MOST_COLUMNS, LeftOut
from l2cli.select.learner import FoldFits

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def fits_without_folds(fits: FoldFits, lam: float) -> LeftOut | None:
    """Return the models without one fold each, of the first repeat; None for classes and very many columns.

    Parameters
    ----------
    fits : FoldFits
        Of one target.
    lam : float
        Lambda on their scale.

    Notes
    -----
    Nothing beside ``fits.models(lam)``: residuals are those of up to 1000 rows, drawn without looking at
    them.
    """
    problem, k = fits.problem, fits.folds.k
    if problem.family in ("binomial", "multinomial") or problem.n_columns > MOST_COLUMNS:
        return None
    coef, intercept = (part[..., :k] for part in fits.models(lam))
    if not (np.isfinite(coef).all() and np.isfinite(intercept).all()):
        return None
    rows = np.concatenate(fits.rows[:k])
    fold = np.repeat(np.arange(k), [len(held) for held in fits.rows[:k]])
    if len(rows) > MOST_ROWS:
        some = np.sort(np.random.default_rng(0).choice(len(rows), MOST_ROWS, replace=False))
        rows, fold = rows[some], fold[some]
    away = np.empty(len(rows))
    for f in range(k):
        mine = fold == f
        eta = predictors(problem, rows[mine], coef[:, f], float(intercept[f]))
        away[mine] = Anscombe.of(problem.likelihood).residual(problem.y[rows[mine]], eta)
    known = np.isfinite(away)
    counts = np.bincount(fold[known], minlength=k)
    return LeftOut.of(len(rows), away[known], intercept, coef, counts, fits.folds.kind)


def predictors(problem: Problem, rows: IntArray, coef: FloatArray, intercept: float) -> FloatArray:
    """Return the linear predictors (m,) of some rows, offset included, for original coefficients (p,).

    Numbers that were missing are the means of all rows that have them.
    """
    if problem.blocks is not None:
        eta = problem.blocks.design.take(rows).times(coef, problem.mean) + intercept
    else:
        eta = problem.X[rows] @ (coef * problem.scale) + (intercept + float(problem.center @ coef))
    return eta if problem.offset is None else np.asarray(eta + problem.offset[rows])
