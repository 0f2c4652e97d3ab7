"""Families other than gaussian on all folds: batched where rows are many, else a path per fold."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from l2cli.core.metrics import losses as metric_losses
from l2cli.core.moments import TrainingStats, training_problem, training_stats
from l2cli.core.path import bare_solver, newton_solver
from l2cli.core.problem import Problem
from l2cli.core.solvers.fold_rows import OWN_WEIGHTS_FLOPS
from l2cli.core.solvers.kernel_newton import is_wide, kernel_path, path_flops
from l2cli.core.solvers.kinked_folds import KinkedFolds
from l2cli.core.solvers.newton import ROUGH, RUNAWAY
from l2cli.core.solvers.ridge import RidgeFactor
from l2cli.core.solvers.smooth_folds import SmoothFolds
from l2cli.data.folds import Folds
from l2cli.engines.pool import parallel_map
from l2cli.errors import FitError
from l2cli.select.learner import fold_lambdas, training_mean, training_moments

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
ROUGH_CELLS = 50_000
"""Cells of a fold's working design from which its fits stop at what folds need."""
MOST_HESSIAN_BYTES = 1e9
"""Size of all folds' Hessians up to which they are kept side by side; beyond, fold by fold."""
KKT_LIMIT = 1e-5
"""Largest residual of a fold fit that the contract allows."""


class GlmFolds:
    """Fits without each fold in turn; see :class:`l2cli.select.learner.FoldFits`."""

    def __init__(
        self, problem: Problem, folds: Folds, scale: str = "sum", jobs: int | None = None,
        progress: Callable[[str, int, int], None] | None = None,
    ) -> None:  # fmt: skip
        self._begin(problem, folds, scale, jobs, progress)
        self._check_targets()
        hessians = folds.k * 8.0 * ((problem.n_columns + 1) * problem.n_classes) ** 2
        small = problem.n_columns < min(folds.training_sizes()) and hessians <= MOST_HESSIAN_BYTES
        # in a batch every fit has all rows but its own
        self.batched = small and folds.order is None and not self._by_kernel()
        together = SmoothFolds if problem.is_smooth else KinkedFolds
        self.batches = [together(problem, ids, folds.k) for ids in folds.ids] if self.batched else []
        self.stats: list[TrainingStats] = [s for b in self.batches for s in b.stats] or [
            training_stats(problem, moments) for moments in training_moments(problem, folds)
        ]

    def _begin(
        self, problem: Problem, folds: Folds, scale: str, jobs: int | None,
        progress: Callable[[str, int, int], None] | None,
    ) -> None:  # fmt: skip
        """Note what was asked, and which rows each fit holds out."""
        self.problem, self.folds, self.scale, self.jobs, self.progress = problem, folds, scale, jobs, progress
        self.family = problem.likelihood
        self.kkt_max = 0.0
        self.rows = [np.flatnonzero(ids == f) for ids in folds.ids for f in range(folds.k)]
        self.fold_weights = np.array([problem.weights[rows].sum() for rows in self.rows])
        self.solved: dict[float, FloatArray] = {}
        """lambda on the scale in force -> coefficients (F, (p + 1) C) of every fit, intercepts last."""

    def _by_kernel(self) -> bool:
        """Return True where the kernel of each fold's rows serves, and better than a batch of all folds."""
        problem, k = self.problem, self.folds.k
        if not problem.is_smooth or np.any(problem.penalty == 0.0):
            return False
        work = k * problem.X.size * problem.n_columns * problem.n_classes**2
        most = max(self.folds.training_sizes())
        return work > OWN_WEIGHTS_FLOPS and is_wide(most, problem.n_columns, problem.n_classes)

    def _check_targets(self) -> None:
        """Refuse training rows whose best intercept is infinite: one class, or zeros alone."""
        y, binomial = self.problem.y, self.problem.family == "binomial"
        for i in range(len(self.rows)):
            rest = y[self.folds.training(i)]
            if not rest.any(axis=0).all() or (binomial and rest.all()):
                what = "only one class is" if binomial else "only targets of 0 are"
                what = what if y.ndim == 1 else "not every class is"
                raise FitError(
                    f"{self.folds.named(i)} {what} left to train on",
                    # many folds leave few rows out, but in time order few rows before the first
                    hint="give fewer --folds"
                    if self.folds.order is not None
                    else "give more --folds, or others",
                )

    def full_factor(self) -> RidgeFactor | None:
        """Return None: a factor of the rows is not a by-product here."""
        return None

    def losses(self, lambdas: FloatArray, metric: str) -> FloatArray:
        """Return (F, L): each fit's weighted mean loss over its held-out rows."""
        coefficients = self._solve(lambdas)
        result = np.full((len(self.rows), len(lambdas)), np.nan)
        for i, rows in enumerate(self.rows):
            finite = np.isfinite(coefficients[:, i, -1])  # separated without this fold: no loss
            eta = self._eta(i, rows, coefficients[finite, i].T)
            result[i, finite] = metric_losses(
                metric, self.family, self.problem.y[rows], eta, self.problem.weights[rows],
                baseline=training_mean(self.problem, self.folds, i) if metric == "r2" else None,
            )  # fmt: skip
        return result

    def _eta(self, i: int, rows: IntArray, coefficients: FloatArray) -> FloatArray:
        """Return linear predictors (m, L), of classes (m, C, L), of some rows for a fit's coefficients."""
        problem, c = self.problem, self.problem.n_classes
        u = coefficients[:-c].reshape(problem.n_columns, -1)
        eta = problem.X[rows] @ u + coefficients[-c:].reshape(-1)
        if problem.mask is not None:
            eta += problem.mask[rows] @ (self.stats[i].shift[:, None] * u[problem.masked])
        if problem.offset is not None:
            eta += problem.offset[rows, None]
        return eta if c == 1 else eta.reshape(len(rows), c, -1)

    def heldout_etas(self, lambdas: FloatArray, step: int = 1) -> Iterator[FloatArray]:
        """Yield every fit's linear predictors of its held-out rows, (n_i, L), of classes (n_i, C, L)."""
        coefficients = self._solve(lambdas)
        for i, rows in enumerate(self.rows):
            yield self._eta(i, rows[::step], coefficients[:, i].T)

    def models(self, lam: float) -> tuple[FloatArray, FloatArray]:
        """Return every fit's coefficients (p, F) and intercepts (F,) on the original scale."""
        theta = self._solve(np.array([lam]))[0].T
        return self.problem.original(theta[:-1], theta[-1])

    def _solve(self, lambdas: FloatArray) -> FloatArray:
        """Return coefficients (L, F, (p + 1) C), solving the lambdas not met before from the largest down."""
        new = sorted({float(v) for v in lambdas} - self.solved.keys(), reverse=True)
        if new:
            # at lambda 0 only damped Newton tells a solution from a separated fold that runs away
            for grid, solve in (
                ([v for v in new if v > 0], self._batched),
                ([v for v in new if v == 0], self._looped),
            ):
                if grid:
                    found = (solve if self.batched else self._looped)(np.array(grid))
                    self.solved.update(zip(grid, found, strict=True))
        return np.stack([self.solved[float(v)] for v in lambdas])

    def _per_fit(self, lambdas: FloatArray) -> FloatArray:
        """Return the sum-scale lambdas of every fit: (L, F)."""
        return np.column_stack([fold_lambdas(lambdas, self.scale, s.weight) for s in self.stats])

    def _batched(self, grid: FloatArray) -> FloatArray:
        sums, k = self._per_fit(grid), self.folds.k
        parts, total = [], len(grid) * self.folds.repeats
        done = 0

        def advance(count: int) -> None:
            nonlocal done
            done += count
            if self.progress is not None:
                self.progress("lambdas", done, total)

        for r, batch in enumerate(self.batches):
            solutions, residuals = batch.solve(sums[:, r * k : (r + 1) * k], advance)
            self.kkt_max = max(self.kkt_max, float(residuals.max(initial=0.0)))
            parts.append(solutions.transpose(0, 2, 1))  # (L, k, (p + 1) C)
        return np.concatenate(parts, axis=1)

    def _looped(self, grid: FloatArray) -> FloatArray:
        sums = self._per_fit(grid)
        n, p = self.problem.X.shape
        if self.problem.is_smooth and is_wide(n, p, self.problem.n_classes) and grid[0] > 0.0:
            flops = len(self.rows) * path_flops(n, p, self.problem.n_classes, len(grid))
        else:
            flops = len(grid) * len(self.rows) * 12.0 * float(n) ** 3
        tasks = [
            (self.problem, self.folds.training(i), self.stats[i], sums[:, i], self.folds.named(i))
            for i in range(len(self.rows))
        ]
        done = parallel_map(newton_path, tasks, jobs=self.jobs, flops=flops, progress=self.progress)
        self.kkt_max = max(self.kkt_max, *(float(residual.max(initial=0.0)) for _, residual in done))
        return np.stack([B for B, _ in done], axis=1)


def newton_path(
    problem: Problem, rows: IntArray, stats: TrainingStats, lambdas: FloatArray, name: str
) -> tuple[FloatArray, FloatArray]:
    """Return coefficients (L, (p + 1) C) and residuals (L,) of some rows' fits.

    Where rows are not many, their kernel solves them; what it does not settle, and the others, are solved
    from lambda to lambda, large problems as far as folds need. At lambda 0 the answer is exact to rounding,
    since only then a run-away coefficient shows.
    """
    part = training_problem(problem, rows, stats)
    coefficients = np.empty((len(lambdas), (problem.n_columns + 1) * problem.n_classes))
    residuals, bound = np.full(len(lambdas), np.inf), np.flatnonzero(lambdas > 0.0)
    if len(bound) and (found := kernel_path(part, lambdas[bound])) is not None:
        coefficients[bound], residuals[bound] = found
    left = np.flatnonzero(~(residuals <= ROUGH))
    if len(left):
        coefficients[left], residuals[left] = _walked(part, lambdas[left], name)
    return coefficients, residuals


def _walked(part: Problem, lambdas: FloatArray, name: str) -> tuple[FloatArray, FloatArray]:
    """Return coefficients and residuals, each lambda from the solution at the one before."""
    solver = newton_solver(part)
    large = solver.size > ROUGH_CELLS
    theta, result, residuals = None, [], []
    for lam in lambdas:
        if lam == 0.0:
            answer = (solver if part.is_smooth else bare_solver(part)).solve(0.0)
        else:
            answer = solver.solve(float(lam), theta, rough=large)
            theta = answer.theta
        if lam == 0.0 and (answer.last_move > RUNAWAY or not answer.residual <= KKT_LIMIT):
            # separated classes: there is no such model, so its losses are undefined and rank last
            result.append(np.full((part.n_columns + 1) * part.n_classes, np.nan))
            residuals.append(0.0)
            continue
        if not answer.residual <= KKT_LIMIT:
            raise FitError(
                f"not converged at lambda {lam:.4g} {name}",
                hint="ask for larger lambdas", code="not_converged",
            )  # fmt: skip
        result.append(np.append(answer.u.ravel(), answer.intercept))
        residuals.append(answer.residual)
    return np.array(result), np.array(residuals)
