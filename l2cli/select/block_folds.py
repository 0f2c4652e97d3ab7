"""Columns in blocks, every family on all folds: a path for each, on rows standardized by themselves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from l2cli.core.block_path import check_settled
from l2cli.core.block_problem import block_rows
from l2cli.core.problem import Problem
from l2cli.core.solvers.block_newton import BlockNewton
from l2cli.core.solvers.newton import RUNAWAY
from l2cli.data.folds import Folds
from l2cli.engines.pool import parallel_map
from l2cli.errors import FitError
from l2cli.select.glm_folds import KKT_LIMIT, GlmFolds
from l2cli.select.learner import fold_lambdas

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
PASSES = 100.0
"""Passes over the rows that one lambda of one fold takes, about, each of 10 operations a cell."""


class BlockFolds(GlmFolds):
    """Fits without each fold in turn; see :class:`l2cli.select.learner.FoldFits`.

    Coefficients are kept on the original scale, so that held-out rows need no standardization.
    """

    def __init__(
        self, problem: Problem, folds: Folds, scale: str = "sum", jobs: int | None = None,
        progress: Callable[[str, int, int], None] | None = None,
    ) -> None:  # fmt: skip
        self._begin(problem, folds, scale, jobs, progress)
        if problem.family != "gaussian":
            self._check_targets()
        self.batched = False
        self._fill = np.zeros((len(self.rows), problem.n_columns))
        """(F, p) means of the training rows, which stand for missing numbers."""
        for i in range(len(self.rows)):
            self._fill[i] = block_rows(problem, self.folds.training(i)).mean

    def _eta(self, i: int, rows: IntArray, coefficients: FloatArray) -> FloatArray:
        """Return linear predictors (m, L), of classes (m, C, L), of some rows for a fit's coefficients."""
        problem, c = self.problem, self.problem.n_classes
        assert problem.blocks is not None
        count = coefficients.shape[1]
        coef = coefficients[:-c].reshape(problem.n_columns, c * count)
        eta = problem.blocks.design.take(rows).times(coef, self._fill[i])
        eta += coefficients[-c:].reshape(c * count)
        if problem.offset is not None:
            eta += problem.offset[rows, None]
        return eta if c == 1 else eta.reshape(len(rows), c, count)

    def models(self, lam: float) -> tuple[FloatArray, FloatArray]:
        """Return every fit's coefficients (p, F) and intercepts (F,), kept on the original scale."""
        theta = self._solve(np.array([lam]))[0].T
        return theta[:-1], theta[-1]

    def _per_fit(self, lambdas: FloatArray) -> FloatArray:
        """Return the sum-scale lambdas of every fit: (L, F)."""
        weights = [float(self.problem.weights[self.folds.training(i)].sum()) for i in range(len(self.rows))]
        return np.column_stack([fold_lambdas(lambdas, self.scale, weight) for weight in weights])

    def _looped(self, grid: FloatArray) -> FloatArray:
        sums, problem = self._per_fit(grid), self.problem
        assert problem.blocks is not None
        cells = problem.n_rows * (problem.blocks.Z.shape[1] + 1 + 4 * len(problem.blocks.blocks))
        flops = len(grid) * len(self.rows) * PASSES * 10.0 * cells * problem.n_classes
        tasks = [
            (problem, self.folds.training(i), sums[:, i], self.folds.named(i)) for i in range(len(self.rows))
        ]
        done = parallel_map(block_fold_path, tasks, jobs=self.jobs, flops=flops, progress=self.progress)
        self.kkt_max = max(self.kkt_max, *(float(residual.max(initial=0.0)) for _, residual in done))
        return np.stack([B for B, _ in done], axis=1)


def block_fold_path(
    problem: Problem, rows: IntArray, lambdas: FloatArray, name: str
) -> tuple[FloatArray, FloatArray]:
    """Return original coefficients (L, (p + 1) C), intercepts last, and residuals (L,) of some rows' fits.

    Warm-started along ``lambdas``, from the largest down.
    """
    part = block_rows(problem, rows)
    solver, theta = BlockNewton(part), None
    result, residuals = [], []
    for lam in lambdas.tolist():
        check_settled(solver, lam)
        answer = solver.solve(lam, theta, rough=True)
        theta = answer.theta
        runaway = lam == 0.0 and answer.last_move > RUNAWAY
        if not answer.residual <= KKT_LIMIT or runaway:
            raise FitError(
                f"not converged at lambda {lam:.4g} {name}",
                hint="ask for larger lambdas", code="not_converged",
            )  # fmt: skip
        coef = answer.u / part.scale[:, None]
        intercept = answer.intercept - part.center @ coef
        result.append(np.append(coef.ravel(), intercept))
        residuals.append(answer.residual)
    return np.array(result), np.array(residuals)
