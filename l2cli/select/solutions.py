"""Solutions of a family other than gaussian with pure L2, at one lambda after another in any order."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from l2cli.core.path import bare_solver
from l2cli.core.problem import Problem
from l2cli.core.solvers.newton import RUNAWAY, NewtonSolver
from l2cli.errors import FitError
from l2cli.select.refits import KKT_LIMIT

FloatArray = npt.NDArray[np.float64]
CLOSE = 3.0
"""Largest |log| of the ratio to a lambda that is interpolated from."""
NEAREST = 3
"""Solved lambdas from which the start at another one is interpolated."""


class Solutions:
    """Fits of all rows at lambdas on the sum scale, in the coordinates of their solver.

    weight : what a lambda on the scale in force is multiplied with to be on the sum scale, for the messages.
    """

    def __init__(self, problem: Problem, weight: float = 1.0) -> None:
        self.problem, self.weight, self.solver = problem, weight, NewtonSolver(problem)
        self._thetas: dict[float, FloatArray] = {}

    def at(self, lam: float) -> tuple[NewtonSolver, FloatArray]:
        """Return the solver of a lambda and the solution, started from those of nearby lambdas.

        Raises
        ------
        FitError
            The fit did not converge.
        """
        solver = self.solver
        if lam == 0.0:
            bare = bare_solver(self.problem)
            assert isinstance(bare, NewtonSolver)  # there are no bounds
            solver = bare
        if lam not in self._thetas:
            answer = solver.solve(lam, self._start(lam), rough=lam > 0.0)
            if not answer.residual <= KKT_LIMIT or (lam == 0.0 and answer.last_move > RUNAWAY):
                raise self.not_settled(lam)
            self._thetas[lam] = answer.theta
        return solver, self._thetas[lam]

    def not_settled(self, lam: float, *, smaller: bool = False) -> FitError:
        """Return the error for a lambda, and ``smaller`` ones, at which a fit does not come to its end."""
        others = ", nor at smaller ones" if smaller else ""
        return FitError(
            f"not converged at lambda {lam / self.weight:.4g}{others}",
            hint="use --select cv, or give larger lambdas", code="not_converged",
        )  # fmt: skip

    def _start(self, lam: float) -> FloatArray | None:
        """Return the solutions at the NEAREST lambdas solved, interpolated in log lambda (Lagrange).

        Of those that are too far off only the nearest counts: polynomials run away.
        """
        known = sorted((abs(np.log(v / lam)), v) for v in self._thetas if v > 0.0) if lam > 0.0 else []
        if not known:
            return None
        close = [v for distance, v in known[:NEAREST] if distance <= CLOSE]
        near = np.array(close or [known[0][1]])
        t = np.log(near / lam)
        weights = [np.prod([-b / (a - b) for b in np.delete(t, i)]) for i, a in enumerate(t)]
        return np.asarray(sum(w * self._thetas[float(v)] for w, v in zip(weights, near, strict=True)))
