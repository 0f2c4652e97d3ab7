"""Bias and variance by bootstrap, for families and penalties that have no closed form.

Rows (or whole groups of rows) are drawn with replacement, a path is fitted to every drawing, and each row is
predicted by the fits that did not draw it. With m_i the mean and v_i the variance (divisor B_i - 1) of the
B_i predictions of row i, the mean squared error of these splits without remainder into

    mean_b (y_i - mu_ib)^2 = [(y_i - m_i)^2 - v_i / B_i] + v_i,

variance v and what no averaging over training rows removes, noise + bias^2 (Geman, Bienenstock and Doursat
1992, for the square; of classes it is the Brier score, summed over the classes, Brier 1950; the
fits that left a row out: Efron and Tibshirani 1997). One response for each row does not tell noise from bias:
the least of noise + bias^2 along the path stands for the noise, and bias^2 is what other lambdas have beyond
it. So the noise includes the bias of the least biased fit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.moments import column_moments, training_problem, training_stats
from l2cli.core.path import solve_path
from l2cli.core.problem import Problem, row_blocks
from l2cli.engines.pool import parallel_map
from l2cli.errors import FitError
from l2cli.select.glm_folds import newton_path
from l2cli.select.learner import fold_lambdas

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Progress = Callable[[str, int, int], None]
MOST_TRIES = 50
"""Drawings tried for one that holds every class."""
LEAST_FITS = 2
"""Fits without a row that a variance needs."""


class RowParts(NamedTuple):
    """Of every row that enough drawings left out: rest and variance (m, L), its weight and its unit (m,).

    rest is (y - m)^2 - v/B, noise and bias^2 together.
    """

    rest: FloatArray
    variance: FloatArray
    weights: FloatArray
    units: IntArray


class Drawing(NamedTuple):
    """The fits of one drawing: coefficients (L, (p + 1) C), intercepts last; shift (q,) of imputed cells."""

    coefficients: FloatArray
    shift: FloatArray


class Resampled(NamedTuple):
    """Means over rows and their standard errors, (L,); noise and its standard error.

    bias2_se : of the difference from the lambda of least noise + bias^2.
    """

    bias2: FloatArray
    bias2_se: FloatArray
    variance: FloatArray
    variance_se: FloatArray
    test_error: FloatArray
    test_error_se: FloatArray
    noise: float
    noise_se: float


def resample(
    problem: Problem, lambdas: FloatArray, scale: str, *, draws: int, seed: int,
    groups: IntArray | None = None, jobs: int | None = None, progress: Progress | None = None,
) -> RowParts:  # fmt: skip
    """Return the parts of every row at lambdas on ``scale``, from ``draws`` bootstrap drawings.

    Raises
    ------
    FitError
        No drawing holds every class, or too few leave a row out.
    """
    units = np.arange(problem.n_rows) if groups is None else np.unique(groups, return_inverse=True)[1]
    counts = [_drawn(problem, units, [seed, 3, i]) for i in range(draws)]
    n, p, c = problem.n_rows, problem.n_columns, problem.n_classes
    tasks = [(problem, count, lambdas, scale, f"in bootstrap draw {i + 1}") for i, count in enumerate(counts)]
    flops = draws * len(lambdas) * 4.0 * n * p * c**2 * min(n, p)

    def advance(_: str, done: int, total: int) -> None:
        if progress is not None:
            progress("draws", done, total)

    fits = parallel_map(fit_drawing, tasks, jobs=jobs, flops=flops, progress=advance)
    out = np.array([count == 0 for count in counts])
    seen = np.flatnonzero(out.sum(axis=0) >= LEAST_FITS)
    if not len(seen):
        raise FitError("no row is left out by two bootstrap draws", hint="give more --draws")
    rest, variance = np.empty((len(seen), len(lambdas))), np.empty((len(seen), len(lambdas)))
    for block in row_blocks(len(seen), p + 4 * c * len(lambdas)):
        with np.errstate(over="ignore", invalid="ignore"):  # a mean beyond all numbers has no variance
            rest[block], variance[block] = _split_rows(problem, fits, out, seen[block], len(lambdas))
    return RowParts(rest, variance, problem.weights[seen], units[seen])


def _drawn(problem: Problem, units: IntArray, seed: list[int]) -> IntArray:
    """Return how often each row is drawn (n,), such that a model can be fitted: every class is there."""
    rng, total = np.random.default_rng(seed), int(units.max()) + 1
    for _ in range(MOST_TRIES):
        count = np.bincount(rng.integers(0, total, total), minlength=total)[units]
        y = problem.y[count > 0]
        if problem.family == "gaussian" or (
            y.any(axis=0).all() and not (problem.family == "binomial" and y.all())
        ):
            return count
    raise FitError(
        f"{MOST_TRIES} bootstrap drawings lack a class or all counts above 0",
        hint="give rows with more of the rarest class, or larger groups",
    )


def fit_drawing(problem: Problem, count: IntArray, lambdas: FloatArray, scale: str, name: str) -> Drawing:
    """Return the fits of the rows drawn, each weighted by how often it was drawn."""
    rows = np.flatnonzero(count > 0)
    weighted = problem._replace(weights=problem.weights * count, shared=None)
    stats = training_stats(weighted, column_moments(weighted, rows))
    at = fold_lambdas(lambdas, scale, stats.weight)
    if problem.family == "gaussian":
        path = solve_path(training_problem(weighted, rows, stats), at)
        return Drawing(np.vstack([path.u, path.intercept0]).T, stats.shift)
    order = np.argsort(-at, kind="stable")
    found = np.empty((len(at), (problem.n_columns + 1) * problem.n_classes))
    found[order], _ = newton_path(weighted, rows, stats, at[order], name)
    return Drawing(found, stats.shift)


def _split_rows(
    problem: Problem, fits: list[Drawing], out: npt.NDArray[np.bool_], rows: IntArray, count: int
) -> tuple[FloatArray, FloatArray]:
    """Return rest and variance (b, L) of some rows from the fits that left them out."""
    classes = problem.n_classes
    first, second = np.zeros((len(rows), classes, count)), np.zeros((len(rows), count))
    y = problem.y[rows].reshape(len(rows), classes, 1)
    for fit, left_out in zip(fits, out[:, rows], strict=True):
        at = np.flatnonzero(left_out)
        away = y[at] - _means(problem, fit, rows[at])
        first[at] += away
        second[at] += np.square(away).sum(axis=1)
    B = out[:, rows].sum(axis=0)[:, None].astype(np.float64)
    squares = np.square(first / B[:, None]).sum(axis=1)
    variance = (second / B - squares) * (B / (B - 1.0))
    return squares - variance / B, variance


def _means(problem: Problem, fit: Drawing, rows: IntArray) -> FloatArray:
    """Return the predicted means (b, C, L) of some rows."""
    classes, coefficients = problem.n_classes, fit.coefficients.T
    u = coefficients[:-classes].reshape(problem.n_columns, -1)
    eta = problem.X[rows] @ u + coefficients[-classes:].reshape(-1)
    if problem.mask is not None:
        eta += problem.mask[rows] @ (fit.shift[:, None] * u[problem.masked])
    if problem.offset is not None:
        eta += problem.offset[rows, None]
    family = problem.likelihood
    if classes == 1:
        return np.asarray(family.mean(eta))[:, None, :]
    return np.asarray(family.mean(eta.reshape(len(rows), classes, eta.shape[1] // classes)))


def summed_up(parts: RowParts) -> Resampled:
    """Return the weighted means over rows, with standard errors by the spread over rows (or groups).

    A lambda at which a drawing has no finite fit has none, and takes no part in the least noise + bias^2.
    """
    parts = parts._replace(rest=_finite(parts.rest), variance=_finite(parts.variance))
    share = parts.weights / parts.weights.sum()
    rest, variance = share @ parts.rest, share @ parts.variance
    finite = ~np.isnan(rest + variance)
    if not finite.any():
        raise FitError("no lambda has a finite fit in every bootstrap draw", hint="give larger lambdas")
    least = int(np.argmin(np.where(finite, rest, np.inf)))

    def se(values: FloatArray) -> FloatArray:
        moved = share[:, None] * (values - share @ values)
        sums = np.zeros((int(parts.units.max()) + 1, values.shape[1]))
        np.add.at(sums, parts.units, moved)
        return np.asarray(np.sqrt(np.square(sums).sum(axis=0)))

    total = parts.rest + parts.variance
    return Resampled(
        rest - rest[least], se(parts.rest - parts.rest[:, [least]]), variance, se(parts.variance),
        share @ total, se(total), float(rest[least]), float(se(parts.rest[:, [least]])[0]),
    )  # fmt: skip


def _finite(values: FloatArray) -> FloatArray:
    """Return values with NaN for what is infinite."""
    return np.where(np.isfinite(values), values, np.nan)
