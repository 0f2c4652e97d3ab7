"""Wide gaussian elastic nets of several fits at once: what they ask of all columns is one product.

Each fit solves its path on the columns that may count (:mod:`l2cli.core.solvers.screening`) and asks, after
every stretch of lambdas, for the products of its fitted rows with all columns. The fits of a cross-validation
share those columns, so their fitted rows, zero where a row is held out, are multiplied with them together: X
is read once for all folds, not once for each.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from l2cli.core.moments import TrainingStats
from l2cli.core.problem import Problem
from l2cli.core.solvers import screening
from l2cli.core.solvers.elastic_net import ROUGH, active_set
from l2cli.core.solvers.screening import WideAnswer, WideNet
from l2cli.core.threads import Runner, row_threads

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BLOCK = 2048
"""Columns that one thread multiplies at a time."""
SIDE_BY_SIDE = 256
"""Rows from which the paths of several fits are worth threads: below, what they do is too small to leave the
interpreter (measured: 200 rows 10 % slower, 400 rows 20 % faster, 1000 rows 40 %)."""
BATCH_CELLS = 1 << 26
"""Numbers, at most, in the answers that are made together."""


class TrainingRows:
    """The scaled rows A (n, p) and response b (n,) of one fit, made column by column.

    A = S^1/2 (Z - mean), b = S^1/2 (y - mean) over the training rows, as
    :func:`l2cli.core.solvers.ridge.scaled_rows` makes them whole.
    """

    def __init__(self, problem: Problem, rows: IntArray, stats: TrainingStats) -> None:
        self.problem, self.rows, self.stats = problem, rows, stats
        self.root = np.sqrt(problem.weights[rows])
        self.mean = stats.mean if problem.intercept else np.zeros(problem.n_columns)
        self.response = (problem.response[rows] - (stats.y_mean if problem.intercept else 0.0)) * self.root

    def columns(self, at: IntArray) -> FloatArray:
        """Return some columns of A, (n, m)."""
        problem = self.problem
        Z = problem.X[self.rows[:, None], at]
        if problem.mask is not None:
            _, here, there = np.intersect1d(at, problem.masked, return_indices=True)
            Z[:, here] += problem.mask[self.rows[:, None], there] * self.stats.shift[there]
        Z -= self.mean[at]
        Z *= self.root[:, None]
        Z[:, self.stats.sd[at] <= 0.0] = 0.0
        return Z

    def spread(self, fitted: FloatArray) -> FloatArray:
        """Return S^1/2 times fitted rows (n, S), over all rows of the problem: (S, rows)."""
        all_rows = np.zeros((fitted.shape[1], self.problem.n_rows))
        all_rows[:, self.rows] = (fitted * self.root[:, None]).T
        return all_rows

    def products(self, spread: FloatArray, by_stored: FloatArray) -> FloatArray:
        """Return A' times fitted rows, (p, S); ``by_stored`` (S, p) is ``spread`` times X as it is stored."""
        value = by_stored - np.multiply.outer(spread.sum(axis=1), self.mean)
        if self.problem.mask is not None:
            value[:, self.problem.masked] += (spread @ self.problem.mask) * self.stats.shift
        value[:, self.stats.sd <= 0.0] = 0.0
        return np.asarray(value.T)


def batch_size(problem: Problem, lambdas: int) -> int:
    """Return how many fits are to be solved together."""
    return max(1, BATCH_CELLS // (problem.n_columns * max(lambdas, screening.STRETCH)))


def wide_fits(
    problem: Problem, fits: list[tuple[IntArray, TrainingStats]], lambdas: list[FloatArray]
) -> list[WideAnswer]:
    """Return the elastic nets of some fits, each at its own lambdas (L,) on the sum scale.

    ``off`` of the answers is relative: the KKT residual by the products.

    Parameters
    ----------
    fits : list of (rows, TrainingStats)
        The training rows of each and their preprocessing.
    """
    parts = [TrainingRows(problem, *fit) for fit in fits]
    answers: dict[int, WideAnswer] = {}
    with row_threads(problem.X.size * len(fits)) as run:
        q = _joint_products(problem, parts, [part.response[:, None] for part in parts], run)
        units = [float(np.abs(mine).max(initial=0.0)) for mine in q]
        order = [np.argsort(-lam, kind="stable") for lam in lambdas]
        steps = [
            _net(part, unit).steps(lam[down], mine[:, 0], with_df=False)
            for part, unit, lam, down, mine in zip(parts, units, lambdas, order, q, strict=True)
        ]

        def advance(task: tuple[int, FloatArray | None]) -> tuple[int, FloatArray | None]:
            i, sent = task
            try:
                return i, next(steps[i]) if sent is None else steps[i].send(sent)
            except StopIteration as end:
                answers[i] = _sorted(end.value, order[i], units[i])
                return i, None

        follow = run if problem.n_rows >= SIDE_BY_SIDE else map
        waiting: list[tuple[int, FloatArray | None]] = [(i, None) for i in range(len(fits))]
        while waiting:
            asked = [(i, fitted) for i, fitted in follow(advance, waiting) if fitted is not None]
            some = [parts[i] for i, _ in asked]
            slopes = _joint_products(problem, some, [fitted for _, fitted in asked], run)
            waiting = [(i, slope) for (i, _), slope in zip(asked, slopes, strict=True)]
    return [answers[i] for i in range(len(fits))]


def _net(part: TrainingRows, unit: float) -> WideNet:
    problem, stats = part.problem, part.stats
    box = None if problem.box is None else problem.box.without(stats.sd <= 0.0)
    kink, square = problem.l1_ratio * stats.l1, (1.0 - problem.l1_ratio) * stats.d
    return WideNet(part.columns, kink, square, box, problem.groups, active_set, ROUGH * unit)


def _sorted(answer: WideAnswer, order: IntArray, unit: float) -> WideAnswer:
    """Return the answer in the order in which the lambdas were given."""
    u = answer.u
    if not np.array_equal(order, np.arange(len(order))):
        u = u[:, np.argsort(order)]
    return answer._replace(u=u, off=answer.off / unit if unit > 0.0 else 0.0)


def _joint_products(
    problem: Problem, parts: list[TrainingRows], fitted: list[FloatArray], run: Runner[slice, None]
) -> list[FloatArray]:
    """Return A' times the fitted rows (n, S) of each fit: (p, S)."""
    if not parts:
        return []
    spread = [part.spread(rows) for part, rows in zip(parts, fitted, strict=True)]
    together, p = np.vstack(spread), problem.n_columns
    product = np.empty((len(together), p))

    def multiply(block: slice) -> None:
        np.matmul(together, problem.X[:, block], out=product[:, block])

    for _ in run(multiply, [slice(first, min(first + BLOCK, p)) for first in range(0, p, BLOCK)]):
        pass
    ends = np.cumsum([len(rows) for rows in spread])
    return [
        part.products(rows, product[end - len(rows) : end])
        for part, rows, end in zip(parts, spread, ends, strict=True)
    ]
