"""Whether an answer may be reported: convergence, separation, tied columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from l2cli.api.setup import brief
from l2cli.core.path import Path
from l2cli.core.problem import Problem
from l2cli.core.solvers.newton import RUNAWAY
from l2cli.errors import FitError


def check_path(
    problem: Problem, path: Path, features: tuple[str, ...], tol: float | None, weight: float = 1.0
) -> list[dict[str, Any]]:
    """Return warnings about a path, or raise FitError where a model of it must not be reported.

    Parameters
    ----------
    weight : float
        What a lambda on the scale in force is multiplied with to be on the sum scale, for the messages.

    Raises
    ------
    FitError
        The classes are separated where nothing bounds the coefficients, or a residual is above the tolerance.
    """
    warnings: list[dict[str, Any]] = []
    unbounded = (path.lambdas == 0.0) | bool(np.any(problem.factors == 0.0)) | (path.active is not None)
    if (runaway := np.flatnonzero(unbounded & (path.last_move > RUNAWAY))).size:
        if problem.blocks is not None:
            raise FitError(
                f"no finite solution without a penalty: {separated_rows(problem)} separated by some columns",
                hint="give a lambda, and penalty factors, larger than 0", code="separation",
            )  # fmt: skip
        refuse_separation(problem, features, bare=bool(np.any(path.lambdas == 0.0)))
        if path.active is not None:
            at = int(runaway[np.argmax(path.lambdas[runaway])])
            _refuse_relaxing(problem, path.active[..., at], float(path.lambdas[at]) / weight, features)
    good = path.certificate.converged(tol)
    if not good.all():
        i = int(np.flatnonzero(~good)[0])
        residual = float(path.certificate.kkt_residual[i])
        raise FitError(
            f"not converged at lambda {path.lambdas[i] / weight:.4g}: "
            f"the optimality conditions are off by {residual:.1e}",
            hint="ask for larger lambdas, or accept it with --tol", code="not_converged",
        )  # fmt: skip
    relaxed = path.active is not None
    loose = path.tied & ((problem.factors == 0.0) | bool(np.any(path.lambdas == 0.0)) | relaxed)
    warnings += wide_warning(problem, path.lambdas)
    if loose.any() and not warnings:
        names = _some(features, loose)
        warnings.append(
            {
                "code": "rank_deficient",
                "message": f"without a penalty the data do not tell {int(loose.sum())} columns apart "
                f"({names}): the smallest coefficients that fit are shown",
            }
        )
    return warnings


def block_notes(problem: Problem, path: Path) -> list[str]:
    """Return what is not said, or not exactly, of a model whose columns are in blocks."""
    if problem.blocks is None:
        return []
    notes = []
    if (se := path.effective_df_se) is not None and se.any():
        most = "" if len(se) == 1 else "at most "
        notes.append(
            "effective degrees of freedom are estimated from random signs, standard error "
            f"{most}{brief(float(se.max()))}"
        )
    if problem.n_classes > 1 and np.any(path.lambdas == 0.0):
        notes.append("no standard errors: of several classes with so many levels they are not computed")
    return notes


def wide_warning(problem: Problem, lambdas: npt.NDArray[np.float64]) -> list[dict[str, Any]]:
    """Return the warning that a lambda of 0 lets as many columns as there are rows fit these perfectly.

    Between bounds the fit need not be perfect; but where it is not unique, no least norm picks one.
    """
    p, n = int(np.count_nonzero(~problem.constant)), problem.n_rows
    if p + int(problem.intercept) < n or not np.any(lambdas == 0.0) or p < 2:
        return []
    if problem.box is not None:
        if p + int(problem.intercept) == n:
            return []
        text = f"lambda 0 with {p} features on {n} rows: other coefficients within the bounds may fit as well"
        return [{"code": "rank_deficient", "message": f"{text}; give a lambda larger than 0"}]
    many = f"lambda 0 with {p} features on {n} rows fits these rows perfectly and says nothing of new ones"
    which = ": the solution of least norm is shown" if p + int(problem.intercept) > n else ""
    return [{"code": "more_columns_than_rows", "message": f"{many}{which}; give a lambda larger than 0"}]


def lost_warning(
    problem: Problem, lambdas: npt.NDArray[np.float64], mean: npt.NDArray[np.float64]
) -> list[dict[str, Any]]:
    """Return the warning that relaxed fits do not exist in every fold, at the lambdas without a mean loss."""
    lost = ~np.isfinite(mean)
    if problem.relax_gamma == 1.0 or not lost.any():
        return []
    text = (
        f"{lost.sum()} of {len(lost)} lambdas (the largest {lambdas[lost].max():.3g}) have no finite relaxed "
        f"fit in some fold, where {separated_rows(problem)} separated by the features it leaves unpenalized: "
        "they were not chosen from"
    )
    return [{"code": "no_relaxed_fit", "message": text}]


def _some(features: tuple[str, ...], which: npt.NDArray[np.bool_], most: int = 5) -> str:
    names = [features[j] for j in np.flatnonzero(which)]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def separation_notes(problem: Problem, *, separated: bool) -> list[str]:
    """Return the note that classes are separated, unless columns are so many that they nearly always are."""
    if not separated or problem.n_rows <= problem.n_columns + 1:
        return []
    return [
        "the classes are separated: there is no finite fit without a penalty, and coefficients grow as"
        " lambda falls"
    ]


def separated_rows(problem: Problem) -> str:
    """Return what is separated where a fit of the problem's family has no finite solution."""
    return (
        "the classes are"
        if problem.family in ("binomial", "multinomial")
        else "the rows with a target of 0 are"
    )


def refuse_separation(problem: Problem, features: tuple[str, ...], *, bare: bool) -> None:
    """Raise FitError if the classes are separated by columns that no penalty bounds: all where ``bare``."""
    from l2cli.core.separation import separating_columns

    free = np.ones(problem.n_columns, dtype=bool) if bare else problem.factors == 0.0
    columns = separating_columns(problem, free)
    if columns is None:
        return
    separated = f"{separated_rows(problem)} separated by {_some(features, columns, 3) or 'the intercept'}"
    if bare:
        raise FitError(
            f"no finite solution at lambda 0: {separated}",
            hint="give a lambda larger than 0", code="separation",
        )  # fmt: skip
    raise FitError(
        f"no finite solution at any lambda: {separated}, which penalty factors of 0 leave unpenalized",
        hint="give penalty factors larger than 0", code="separation",
    )  # fmt: skip


def _refuse_relaxing(
    problem: Problem, active: npt.NDArray[np.bool_], lam: float, features: tuple[str, ...]
) -> None:
    """Raise FitError if the classes are separated by what a relaxed fit leaves free, (p,) or (p, C)."""
    from l2cli.core.separation import separating_columns

    columns = separating_columns(problem, active)
    if columns is not None:
        raise FitError(
            f"no finite relaxed fit at lambda {lam:.4g}: {separated_rows(problem)} separated by "
            f"{_some(features, columns, 3)}, which it leaves unpenalized",
            hint="give larger lambdas, or --relax-gamma 1", code="separation",
        )  # fmt: skip
