"""The other penalty on the same rows: what L1 keeps beside L2, and L2 beside L1, at lambdas of their own."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.api.choosing import Choice
from l2cli.api.decision import decide
from l2cli.api.setup import Progress, Setup
from l2cli.core.path import Path, solve_path
from l2cli.core.problem import Problem
from l2cli.errors import FitError
from l2cli.spec import GridSpec, SelectSpec

FloatArray = npt.NDArray[np.float64]


class Beside(NamedTuple):
    """A fit with the other penalty: its l1_ratio, lambda (scale in force) and how it was chosen, and path."""

    l1_ratio: float
    choice: Choice
    path: Path


def fit_beside(setup: Setup, select: SelectSpec, progress: Progress | None = None) -> Beside | None:
    """Return the lasso beside a model without an L1 part, the ridge beside one with it.

    Its lambda is chosen as ``select`` says, by rows held out, cross-validation or exact leave-one-out, from
    an automatic grid of its own. None of columns in blocks or of one row, and where no finite fit is found.
    """
    if setup.problem.blocks is not None or setup.problem.n_rows < 2:
        return None
    ratio = 1.0 if setup.problem.l1_ratio == 0.0 else 0.0
    model = replace(setup.model, l1_ratio=ratio, groups=None, relax_gamma=None, lambdas=GridSpec())
    other = setup._replace(problem=_plain(setup, ratio), model=model, together=None, group_lambdas=None)
    other = other._replace(dataset=replace(setup.dataset, notes=[]))  # notes of its folds are none of the fit
    choosing = select if select.select == "holdout" else replace(select, select="auto")
    try:
        decided = decide(other, choosing, progress)
        path = solve_path(other.problem, np.array([decided.choice.lam * other.weight]), decided.factor)
    except FitError:
        return None
    return Beside(ratio, decided.choice, path)


def _plain(setup: Setup, ratio: float) -> Problem:
    """Return the problem with another mix, without groups, bands and relaxing."""
    given = setup.dataset.penalty_factor
    factors = np.ones(setup.problem.n_columns) if given is None else np.asarray(given, dtype=np.float64)
    return setup.problem._replace(l1_ratio=ratio, groups=None, relax_gamma=1.0, factors=factors, shared=None)
