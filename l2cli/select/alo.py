"""Approximate leave-one-out of a family other than gaussian with pure L2: one Newton step without each row.

With the sum-scale lambda and the scaling of all rows kept, r_i and w_i the weighted residual and curvature of
row i (minus half the first and half the second derivative of its deviance in eta), and a_i = (z_i, 1),

    eta_i without row i = eta_i - J_i r_i / (1 - h_i),   J_i = a_i'(A'WA + lambda D)^-1 a_i,   h_i = J_i w_i

(Rad and Maleki 2020, JRSS B 82; gaussian: PRESS, exact). Where h_i is near 1, or the step moves
eta_i so far that curvatures change, the row is refitted without it. How good the rest is, is measured on a
sample of rows.

Notes
-----
A lambda costs 3 n m^2 flops (curvature and the J_i) and 2 m^3 (its inverse) beside its Newton steps, with m
columns, n where p > n. So an automatic grid is thinned (:func:`l2cli.select.curve.thinned`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.metrics import SQUARED, greater_is_better, influence, losses, row_losses
from l2cli.core.problem import Problem, row_blocks
from l2cli.core.solvers.newton import RUNAWAY, NewtonSolver
from l2cli.core.threads import row_threads
from l2cli.errors import FitError
from l2cli.select.curve import Curve
from l2cli.select.loo import left_out_curve, left_out_metrics
from l2cli.select.refits import deciding_rows, refitted
from l2cli.select.solutions import Solutions

FloatArray = npt.NDArray[np.float64]
FAMILIES = ("binomial", "multinomial", "poisson", "gamma", "tweedie")
HIGH, FAR = 0.8, 0.2
"""A row is refitted whose leverage h is above the first or whose step moves eta by more than the second."""
MOST_REFITS = 60
"""Rows refitted at one lambda, those on which the step has the largest effect."""
SAMPLE = 30
"""Rows refitted to measure the approximation."""
MOST_COORDINATES = 3000
"""Coefficients of classes, where rows outnumber columns, up to which auto makes their inverse."""
MOST_CLASSES = 6
"""Classes up to which auto leaves each row out, n C^3 flops a lambda: ten took 3 to 5 times the folds."""


class ApproximationError(NamedTuple):
    """How far the mean deviance of some rows is from that of exact refits, as a share; its standard error."""

    relative: float
    se: float
    rows: int


def applies(problem: Problem) -> bool:
    """Return True for problems of one matrix and pure L2, not relaxed, of a family other than gaussian."""
    one = problem.family in FAMILIES and problem.blocks is None
    return one and problem.is_smooth and problem.groups is None and problem.relax_gamma == 1.0


def lone_row(problem: Problem) -> int | None:
    """Return the row without which the others have no finite intercept: the last of its kind."""
    if not problem.intercept:
        return None
    kinds = list(problem.y.T > 0) if problem.n_classes > 1 else [problem.y > 0]
    kinds += [problem.y == 0] if problem.family == "binomial" else []
    for kind in kinds:
        rows = np.flatnonzero(kind)
        if len(rows) < 2:
            return int(rows[0]) if len(rows) else 0
    return None


def is_small(problem: Problem) -> bool:
    """Return False for so many classes, or coefficients of them, that their matrices are dear.

    Where columns outnumber rows, folds make inverses too, and more of them.
    """
    p, c = problem.n_columns, problem.n_classes
    return c == 1 or (c <= MOST_CLASSES and (p >= problem.n_rows or (p + 1) * c <= MOST_COORDINATES))


class ApproximateLoo:
    """Fits of all rows and what each row's prediction would be without it, at lambdas on the sum scale.

    weight : see :class:`Solutions`.
    """

    def __init__(self, problem: Problem, weight: float = 1.0) -> None:
        self.problem, self.family = problem, problem.likelihood
        self.fits = Solutions(problem, weight)
        self.known: dict[tuple[float, str], FloatArray] = {}
        """(lambda, metric) -> loss of every row."""
        self.endless: set[float] = set()
        """Lambdas at which the fit of all rows has no end."""
        self.last: tuple[float, FloatArray, FloatArray] | None = None

    def etas(self, lam: float) -> FloatArray:
        """Return each row's linear predictor by the fit without it, NaN where there is no such fit.

        (n,), of classes (n, C).

        Raises
        ------
        FitError
            The fit of all rows did not converge.
        """
        return self._left_out(lam)[1].copy()

    def _left_out(self, lam: float) -> tuple[float, FloatArray, FloatArray]:
        """Return lambda, predictors without each row and (H + lambda D)^-1, kept for the lambda met last."""
        if self.last is None or self.last[0] != lam:
            solver, theta = self.fits.at(lam)
            one = _one_step(solver, theta, lam)
            if not _is_settled(solver, theta, lam, one.inverse):
                raise self.fits.not_settled(lam)
            length, effect = (np.nan_to_num(np.abs(size), nan=np.inf) for size in (one.step, one.effect))
            high = one.leverage > HIGH
            alone = high & deciding_rows(solver, lam) if high.any() else high
            one.eta[alone] = np.nan
            far = np.flatnonzero((high | (length > FAR)) & ~alone)
            far = far[np.argsort(-effect[far], kind="stable")[:MOST_REFITS]]
            one.eta[far] = refitted(solver, theta, lam, far, one.inverse)
            self.last = lam, one.eta, one.inverse
        return self.last

    def losses(self, lam: float, metric: str) -> FloatArray:
        """Return each row's loss by the fit without it (n,), NaN where the fit of all rows has no end.

        Of f1 see :meth:`_rows`; rmse and R2 have none, for they are functions of the mse.
        """
        key = (lam, metric)
        if key not in self.known:
            try:
                eta = self._left_out(lam)[1]
            except FitError:  # it ranks last
                self.endless.add(lam)
                eta = np.full(self.problem.y.shape, np.nan)
            self.known[key] = self._rows(metric, eta[..., None])
        return self.known[key]

    def _rows(self, metric: str, eta: FloatArray) -> FloatArray:
        """Return what each row adds to the metric of eta (n, 1), of which that is the weighted mean: (n,).

        Of f1, which is no mean over rows, its value and the row's influence on it over the row's share: that
        has the same mean, and the standard error by the delta method.
        """
        y, s = self.problem.y, self.problem.weights
        if metric != "f1":
            return row_losses(metric, self.family, y, eta)[:, 0]
        value = losses(metric, self.family, y, eta, s)
        return np.asarray((value + influence(metric, y, eta, s) * (s.sum() / s)[:, None])[:, 0])

    def curve(self, lambdas: FloatArray, metric: str) -> Curve:
        """Return the weighted mean loss of the rows left out, its se sd/sqrt(n); see :func:`left_out_curve`.

        Raises
        ------
        FitError
            The mean is not finite at any lambda.
        """
        share, n = self.problem.weights / self.problem.weight_sum, self.problem.n_rows
        of_rows = "mse" if metric in SQUARED else metric
        for lam in np.sort(lambdas)[::-1]:
            self.losses(float(lam), of_rows)
        rows = [self.losses(float(lam), of_rows) for lam in lambdas]
        mean = np.array([share @ loss for loss in rows])
        if self.endless.issuperset(lambdas.tolist()):
            raise self.fits.not_settled(float(lambdas.max()), smaller=len(lambdas) > 1)
        up = greater_is_better(of_rows)
        best = int(np.argmin(np.where(np.isfinite(mean), -mean if up else mean, np.inf)))
        with np.errstate(invalid="ignore", over="ignore"):
            se = np.array([_spread(loss, share) for loss in rows])
            paired = np.array([_spread(loss - rows[best], share) for loss in rows])
        return left_out_curve(
            self.problem, Curve(lambdas, mean, se / np.sqrt(n), paired / np.sqrt(n), up), metric
        )

    def metrics(self, lam: float) -> dict[str, float | None]:
        """Return every metric of the rows left out."""
        return left_out_metrics(self.problem, self.etas(lam))

    def measured_error(self, lam: float, seed: int) -> ApproximationError:
        """Return how far the deviances of SAMPLE rows are from those of fits without each.

        With d_i the approximate and e_i the exact weighted deviance of m rows drawn without replacement, the
        relative error is sum (d_i - e_i) / sum e_i, its standard error that of a ratio of means (Cochran
        1977, section 2.11, no finite-population correction).
        """
        n = self.problem.n_rows
        rows = np.sort(np.random.default_rng(seed).choice(n, min(n, SAMPLE), replace=False))
        solver, theta = self.fits.at(lam)
        _, eta, inverse = self._left_out(lam)
        both = np.stack([eta[rows], refitted(solver, theta, lam, rows, inverse)], axis=-1)
        deviance = row_losses("deviance", self.family, self.problem.y[rows], both)
        found, true = (self.problem.weights[rows, None] * deviance).T
        total, m = float(true.sum()), len(rows)
        relative = float((found - true).sum()) / total if total > 0.0 else 0.0
        off = found - true - relative * true
        spread = np.sqrt(m / (m - 1) * float(off @ off)) if m > 1 else np.nan
        return ApproximationError(relative, spread / total if total > 0.0 else 0.0, m)


def _spread(values: FloatArray, share: FloatArray) -> float:
    """Return the weighted standard deviation."""
    return float(np.sqrt(share @ np.square(values - share @ values)))


class OneStep(NamedTuple):
    """A Newton step without each row.

    eta : (n,) predictors after it, of classes (n, C). step : (n,) its length, of classes how far it moves
    them apart. effect : (n,) size of what it does, of classes to the log of their probabilities. leverage :
    (n,) h. inverse : (H + lambda D)^-1.
    """

    eta: FloatArray
    step: FloatArray
    effect: FloatArray
    leverage: FloatArray
    inverse: FloatArray


def _one_step(solver: NewtonSolver, theta: FloatArray, lam: float) -> OneStep:
    if solver.classes > 1:
        from l2cli.select.alo_classes import class_steps  # most have one linear predictor

        return OneStep(*class_steps(solver, theta, lam))
    problem, rows, family = solver.problem, solver.rows, solver.problem.likelihood
    eta = rows.predictor(theta)
    if problem.offset is not None:
        eta = eta + problem.offset
    mu = family.mean(eta)
    w = problem.weights * family.curvature(problem.y, mu)
    r = problem.weights * family.residual(problem.y, mu)
    inverse = solver.inverse(mu, lam)
    core, cross, corner = inverse[:-1, :-1], 2.0 * inverse[:-1, -1], inverse[-1, -1]

    def quadratic(part: slice) -> FloatArray:
        A = rows.X[part]
        return np.asarray(np.einsum("ij,ij->i", A @ core + cross, A) + corner)

    blocks = row_blocks(problem.n_rows, 2 * len(inverse))
    with row_threads(problem.n_rows * len(inverse)) as run:
        J = np.concatenate(list(run(quadratic, blocks)))
    h = J * w
    with np.errstate(divide="ignore", invalid="ignore"):
        step = -J * r / (1.0 - h)
    step[~(h < 1.0)] = np.nan
    return OneStep(eta + step, step, step, h, inverse)


def _is_settled(solver: NewtonSolver, theta: FloatArray, lam: float, inverse: FloatArray) -> bool:
    """Return False where one more step with all rows moves some eta, though the gradient is short.

    So it is of separated classes at a tiny lambda.
    """
    gradient = solver.rows.evaluate(theta)[1]
    m = len(solver.d)
    gradient[:m] += lam * solver.d * theta[:m]
    return bool(np.abs(solver.rows.predictor(inverse @ gradient)).max(initial=0.0) <= RUNAWAY)
