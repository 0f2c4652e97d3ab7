"""Triangles of rows: additive like moments, and exact where a Gram matrix is not.

A set of rows Z (n, m) with weights S is summed up by its weight W, its mean and the R of a QR of the centred
rows,

    S^1/2 (Z - 1 mean') = Q R,        R'R = sum_i s_i (Z_i - mean)(Z_i - mean)'.

Two sets merge by a QR of their stacked triangles and of one row for the distance d of their means,

    [Ra; Rb; (Wa Wb / W)^1/2 d'] = Q R,

which is Chan's formula for centred scatters without squaring anything (Demmel, Grigori, Hoemmen and Langou
2012, "Communication-optimal parallel and sequential QR and LU factorizations", section 2).

Notes
-----
Householder QR errs by rounding of each column's own length, so columns of any unit do equally well, and the
condition number that counts is that of the correlations. A mean is kept as the unevaluated sum of two
doubles: years about 1950 lose no digits against their spread. Per block of b rows 2 b m^2 flops, per merge
10/3 m^3.
"""

from __future__ import annotations

from functools import reduce
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.moments import TrainingStats
from l2cli.core.problem import Problem, row_blocks
from l2cli.core.solvers.row_sums import RowSums, sums_of
from l2cli.core.threads import row_threads
from l2cli.core.twofold import two_sum

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
ROWS_PER_COLUMN = 8
"""Blocks have at least this many rows per column, so that merges cost little beside them."""


class RowFactor(NamedTuple):
    """Weight, mean and triangle of some rows.

    mean, tail : (m,) whose sum is the mean to twice the working precision. R : (k, m) upper triangle, k the
    smaller of m and the number of rows. rows : how many there are. sums : to refine on where rows cannot
    be read again, else None; two sets have them together where both do.
    """

    weight: float
    mean: FloatArray
    tail: FloatArray
    R: FloatArray
    rows: int
    sums: RowSums | None = None

    def merge(self, other: RowFactor) -> RowFactor:
        """Return the factor of both sets of rows together."""
        if not other.rows:
            return self
        if not self.rows:
            return other
        weight = self.weight + other.weight
        gap = (other.mean - self.mean) + (other.tail - self.tail)
        between = gap * np.sqrt(self.weight * (other.weight / weight))
        R = triangle_of(np.vstack([self.R, other.R, between]))
        mean, tail = two_sum(self.mean, self.tail + gap * (other.weight / weight))
        sums = None if self.sums is None or other.sums is None else self.sums.merge(other.sums)
        return RowFactor(weight, mean, tail, R, self.rows + other.rows, sums)

    def triangle(self, *, centred: bool) -> FloatArray:
        """Return R of the rows about their mean, or about 0: (k, m)."""
        if centred:
            return self.R
        row = np.sqrt(self.weight) * (self.mean + self.tail)
        return triangle_of(np.vstack([self.R, row]))


def triangle_of(A: FloatArray) -> FloatArray:
    """Return R of A = QR: (k, m), k the smaller dimension of A (n, m)."""
    return np.asarray(np.linalg.qr(A, mode="r"))


def empty_factor(size: int) -> RowFactor:
    """Return the factor of no rows."""
    return RowFactor(0.0, np.zeros(size), np.zeros(size), np.zeros((0, size)), 0)


def block_factor(Z: FloatArray, s: FloatArray | None = None, *, read_once: bool = False) -> RowFactor:
    """Return the factor of one block of rows (n, m), changed in place, with weights (n,).

    Parameters
    ----------
    read_once : bool
        Keep the sums on which a fit is refined where the rows cannot be read again.
    """
    sums = sums_of(Z, s) if read_once else None
    weight = float(len(Z)) if s is None else float(s.sum())
    mean = Z.mean(axis=0) if s is None else (s @ Z) / weight
    Z -= mean
    tail = Z.mean(axis=0) if s is None else (s @ Z) / weight  # what rounding left of the mean
    Z -= tail
    if s is not None:
        Z *= np.sqrt(s)[:, None]
    return RowFactor(weight, mean, tail, triangle_of(Z), len(Z), sums)


def row_factor(
    problem: Problem, stats: TrainingStats | None = None, rows: IntArray | None = None
) -> RowFactor:
    """Return the factor of [z | y - offset] of some rows (default all): one pass, in blocks, on threads.

    Of several targets y has a column each.

    ``stats`` is the preprocessing of the training rows ``rows``, as in :func:`fill_rows`.

    Notes
    -----
    The rows are copied a block at a time only; without Q, half the flops of a QR of them all.
    """
    count, p = problem.n_rows if rows is None else len(rows), problem.n_columns
    uniform, response = bool(np.all(problem.weights == 1.0)), problem.response
    m = p + (1 if response.ndim == 1 else response.shape[1])

    def factor(block: slice) -> RowFactor:
        take = block if rows is None else rows[block]
        Z = np.empty((block.stop - block.start, m))
        fill_rows(problem, stats, take, Z[:, :p])
        Z[:, p:] = response[take].reshape(len(Z), -1)
        return block_factor(Z, None if uniform else problem.weights[take])

    with row_threads(count * m) as run:
        return reduce(RowFactor.merge, run(factor, _tall_blocks(count, m)), empty_factor(m))


def fill_rows(problem: Problem, stats: TrainingStats | None, take: IntArray | slice, out: FloatArray) -> None:
    """Write the internal columns of some rows to ``out``, imputed and blanked as ``stats`` says."""
    if isinstance(take, slice):
        out[...] = problem.X[take]
    else:
        np.take(problem.X, take, axis=0, out=out, mode="clip")  # other modes copy once more
    if stats is not None:
        if problem.mask is not None:
            problem.impute_anew(out, problem.mask[take], stats.shift)
        out[:, stats.sd <= 0] = 0.0


def _tall_blocks(n: int, m: int) -> list[slice]:
    """Return slices of rows as :func:`row_blocks`, joined until they are tall beside ``m`` columns."""
    blocks = row_blocks(n, m)
    if len(blocks) < 2:
        return blocks
    join = -(-ROWS_PER_COLUMN * m // (blocks[0].stop - blocks[0].start))
    return [
        slice(part[0].start, part[-1].stop)
        for i in range(0, len(blocks), join)
        if (part := blocks[i : i + join])
    ]
