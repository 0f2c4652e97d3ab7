"""A held-out part, or other rows: one path on the training rows, judged on rows that it never saw.

The training rows have their own imputation, means and penalty weights, as those of a fold have. The curve is
the weighted mean loss of the m rows held out (Hastie, Tibshirani and Friedman, Elements of Statistical
Learning, section 7.2), its se that of a mean of m values, sd/sqrt(m).
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import numpy.typing as npt

from l2cli.core.metrics import SQUARED, greater_is_better, losses, metric_table, row_losses
from l2cli.core.moments import column_moments, training_problem, training_stats
from l2cli.core.path import Path
from l2cli.core.problem import Problem, row_blocks
from l2cli.core.relaxed import relaxed_path
from l2cli.core.solvers.newton import RUNAWAY
from l2cli.errors import FitError
from l2cli.select.curve import Curve, best_index, of_squares, standard_errors
from l2cli.select.glm_folds import KKT_LIMIT
from l2cli.select.learner import fold_lambdas

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
OF_RANKS = ("auc", "f1")
"""Metrics that are no mean over rows, nor a function of one: they have no standard error here."""


class Judge(ABC):
    """A model family fitted to training rows, at any lambdas on the scale in force, and its loss on others.

    training : problem of the rows fitted. y, weights : (m,) of the others, of classes y (m, C).
    baseline : the mean that r2 compares with, None for that of the others.
    """

    def __init__(
        self, training: Problem, y: FloatArray, weights: FloatArray, scale: str, baseline: float | None
    ) -> None:
        self.training, self.y, self.weights = training, y, weights
        self.scale, self.baseline = scale, baseline
        self._solved: dict[float, FloatArray] = {}

    def curve(self, lambdas: FloatArray, metric: str) -> Curve:
        """Return the curve of a metric; a lambda without a finite fit has NaN and ranks last.

        The se of the rmse and of R2 is that of the mse by the delta method; auc and f1 have none.
        """
        eta, unknown = self._etas(lambdas), np.full(len(lambdas), np.nan)
        if metric in OF_RANKS:
            mean = losses(metric, self.training.likelihood, self.y, eta, self.weights)
            curve = Curve(lambdas, mean, unknown, unknown, True)
        else:
            curve = self._mean_curve(lambdas, eta, "mse" if metric in SQUARED else metric)
            curve = of_squares(curve, metric, self._spread())
        if not np.isfinite(curve.mean).any():
            raise FitError(
                f"the {metric} of the held-out rows is not a finite number at any lambda",
                hint="change --holdout, --metric or --lambdas",
            )
        return curve

    def _mean_curve(self, lambdas: FloatArray, eta: FloatArray, metric: str) -> Curve:
        """Return the curve of a metric that is a mean over rows, of eta (m, L), of classes (m, C, L)."""
        y, share, count = self.y, self.weights / self.weights.sum(), len(lambdas)
        up, mean, cross = greater_is_better(metric), np.zeros(count), np.zeros((count, count))
        for rows in row_blocks(len(y), 4 * eta[0].size):
            loss = row_losses(metric, self.training.likelihood, y[rows], eta[rows])
            mean += share[rows] @ loss
            cross += loss.T @ (loss * share[rows, None])
        best = best_index(lambdas, np.where(np.isfinite(mean), -mean if up else mean, np.inf))
        return Curve(lambdas, mean, *standard_errors(mean, cross, best, len(y)), up)

    def _spread(self) -> float:
        """Return the mean square that R2 compares with, of the y about the baseline; 0 of classes."""
        if self.y.ndim > 1:
            return 0.0
        share = self.weights / self.weights.sum()
        middle = share @ self.y if self.baseline is None else self.baseline
        return float(share @ np.square(self.y - middle))

    def penalize(self, factors: FloatArray) -> None:
        """Fit with other penalty factors (p,) from now on."""
        self.training = self.training._replace(factors=factors, shared=None)
        self._solved.clear()

    def metrics(self, lam: float) -> dict[str, float | None]:
        """Return every metric of the held-out rows."""
        eta = self._etas(np.array([lam]))[..., 0]
        return metric_table(self.training.likelihood, self.y, eta, self.weights, baseline=self.baseline)

    def _etas(self, lambdas: FloatArray) -> FloatArray:
        """Return linear predictors (m, L), of classes (m, C, L), solving lambdas that were not met before."""
        new = np.array(sorted({float(v) for v in lambdas} - self._solved.keys(), reverse=True))
        if len(new):
            self._solved.update(zip(new.tolist(), np.moveaxis(self._solve(new), -1, 0), strict=True))
        return np.stack([self._solved[float(v)] for v in lambdas], axis=-1)

    def _solve(self, lambdas: FloatArray) -> FloatArray:
        part = self.training
        sums = fold_lambdas(lambdas, self.scale, part.weight_sum)
        path = relaxed_path(part, sums)
        # beside a large mean of the target rounding alone is beyond the limit
        limit = np.maximum(KKT_LIMIT, 10.0 * path.certificate.rounding_floor)
        lost = ~(path.certificate.kkt_residual <= limit)
        if part.family != "gaussian":  # separated classes
            lost |= (lambdas == 0.0) & (path.last_move > RUNAWAY)
        if (lost & (lambdas > 0.0)).any():
            raise FitError(
                f"not converged at lambda {lambdas[lost].max():.4g} on the training rows",
                hint="ask for larger lambdas", code="not_converged",
            )  # fmt: skip
        eta = self._predicted(path)
        eta[..., lost] = np.nan
        return eta

    @abstractmethod
    def _predicted(self, path: Path) -> FloatArray:
        """Return the linear predictors of the rows held out, their offset included."""


class HeldOut(Judge):
    """A model family fitted without some rows, and its loss on them; r2 is against the mean of the others."""

    def __init__(self, problem: Problem, rows: IntArray, scale: str) -> None:
        """Part the rows (problem: of all of them; rows: (m,) those held out).

        Raises
        ------
        FitError
            The held-out rows, or those left to train on, are of one class only, or all targets left are 0.
        """
        train = np.setdiff1d(np.arange(problem.n_rows), rows)
        self._check_targets(problem, rows, "held out")
        self._check_targets(problem, train, "left to train on")
        if problem.blocks is not None:
            training, self._held = problem.take(train), problem.take(rows)
        else:
            stats = training_stats(problem, column_moments(problem, train))
            training = training_problem(problem, train, stats)
            self._held = training_problem(problem, rows, stats)
        s, y = training.weights, training.y
        baseline = float(s @ y / s.sum()) if y.ndim == 1 else 0.0
        super().__init__(training, self._held.y, self._held.weights, scale, baseline)

    @staticmethod
    def _check_targets(problem: Problem, rows: IntArray, what: str) -> None:
        y, family = problem.y[rows], problem.family
        one_class = family == "binomial" and (y == y[0]).all()
        if family == "multinomial":
            there = y.any(axis=0)
            one_class = not there.all() if what.startswith("left") else int(there.sum()) < 2
        if one_class:
            found = "not every class is" if family == "multinomial" else "only one class is"
            raise FitError(f"{found} {what}", hint="give another --holdout or --seed")
        if family in ("poisson", "tweedie") and what.startswith("left") and not y.any():
            raise FitError(f"only targets of 0 are {what}", hint="give another --holdout or --seed")

    def _predicted(self, path: Path) -> FloatArray:
        held, part, u = self._held, self.training, path.u
        if held.blocks is not None:
            coef = path.coef.reshape(part.n_columns, -1)
            eta = (
                held.blocks.design.times(coef, part.mean).reshape(held.n_rows, *u.shape[1:]) + path.intercept
            )
        else:
            eta = held.predictor(u.reshape(part.n_columns, -1)).reshape(held.n_rows, *u.shape[1:])
            eta += path.intercept0
        return eta if held.offset is None else with_offset(eta, held.offset)


def with_offset(eta: FloatArray, offset: FloatArray) -> FloatArray:
    """Return linear predictors (m, ..., L) with the offset (m,) of every row."""
    return np.asarray(eta + offset.reshape(-1, *[1] * (eta.ndim - 1)))
