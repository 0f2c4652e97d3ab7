"""How much more counts vary than poisson says, which its standard errors take for granted."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from l2cli.api.setup import brief
from l2cli.core.problem import Problem

FloatArray = npt.NDArray[np.float64]
FAR_ABOVE = 2.0
"""Dispersion from which standard errors that take it as 1 are too short by more than 30 %."""
LEAST_ROWS = 10
"""Rows left over by the coefficients below which the dispersion is mostly chance."""


def dispersion_keys(
    problem: Problem, eta: FloatArray, effective_df: float, notes: list[str]
) -> dict[str, Any]:
    """Return the dispersion of a poisson fit as a key, {} of others; a large one is said in ``notes``.

    eta : (n,) float64, the linear predictor, offset included.
    """
    if problem.family != "poisson":
        return {}
    phi = pearson_dispersion(problem, eta, effective_df)
    if phi is not None and phi >= FAR_ABOVE:
        notes.append(
            f"counts vary {brief(phi)} times as much as poisson says (Pearson dispersion): predictions stand,"
            f" standard errors without --inference bootstrap are {brief(phi**0.5)} times too small"
        )
    return {"dispersion": phi}


def pearson_dispersion(problem: Problem, eta: FloatArray, effective_df: float) -> float | None:
    """Return Pearson's dispersion of a poisson fit, 1 for poisson counts; None where too few rows are left.

    phi = n/W sum_i s_i (y_i - mu_i)^2 / mu_i / (n - df - 1): of rows, as weights are analytic (McCullagh and
    Nelder 1989, chapter 6), with the effective degrees of freedom of the penalized fit.

    Parameters
    ----------
    eta : (n,) float64
        Linear predictor, offset included.
    """
    left = problem.n_rows - effective_df - int(problem.intercept)
    if left < LEAST_ROWS:
        return None
    mu = np.exp(eta)
    squares = float(problem.weights @ (np.square(problem.y - mu) / mu))
    phi = squares * problem.n_rows / problem.weight_sum / left
    return phi if np.isfinite(phi) else None
