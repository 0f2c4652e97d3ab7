"""Additive sufficient statistics of a set of rows: one pass over the data serves every fold, lambda and mix.

With Z = [z | masks | y] (internal columns, indicators of missing cells, response or responses), a set of rows
T is summed up by

    W = sum s_i,   m = sum s_i Z_i / W,   S = sum s_i (Z_i - m)(Z_i - m)'.

Sets merge (Chan, Golub and LeVeque 1983): W = Wa + Wb, m = (Wa ma + Wb mb)/W, S = Sa + Sb + (Wa Wb / W) dd',
with d = mb - ma. Nothing is ever subtracted, so a fold full of outliers leaves the others' statistics exact.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from typing import NamedTuple, Protocol, Self, TypeVar

import numpy as np
import numpy.typing as npt

from l2cli.core.problem import Problem, row_blocks
from l2cli.core.threads import row_threads

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


class Moments(NamedTuple):
    """Weight, means (m,) and centred scatter (m, m) of some rows of [z | masks | y]; ``rows`` counts them."""

    weight: float
    mean: FloatArray
    scatter: FloatArray
    rows: int

    def merge(self, other: Moments) -> Moments:
        """Return the moments of both sets of rows together."""
        if not other.rows:
            return self
        if not self.rows:
            return other
        weight = self.weight + other.weight
        gap = other.mean - self.mean
        scatter = self.scatter + other.scatter
        scatter += np.outer(gap * (self.weight * other.weight / weight), gap)
        return Moments(weight, self.mean + gap * (other.weight / weight), scatter, self.rows + other.rows)


def empty_moments(size: int) -> Moments:
    """Return the moments of no rows."""
    return Moments(0.0, np.zeros(size), np.zeros((size, size)), 0)


def moments_of(problem: Problem, rows: IntArray | slice | None = None) -> Moments:
    """Return the moments of some rows of a problem (default all).

    Notes
    -----
    n m^2 flops by symmetric rank updates; each block is centred on its own mean, so nothing cancels.
    """
    p, q = problem.n_columns, len(problem.masked)
    response = problem.response.reshape(problem.n_rows, -1)
    size = p + q + response.shape[1]
    index = np.arange(problem.n_rows)[rows] if isinstance(rows, slice) else rows
    count = problem.n_rows if index is None else len(index)
    uniform = bool(np.all(problem.weights == 1.0))

    def summed(block: slice) -> Moments:
        take = block if index is None else index[block]
        Z = np.empty((block.stop - block.start, size))
        if isinstance(take, slice):
            Z[:, :p] = problem.X[take]
        else:
            np.take(problem.X, take, axis=0, out=Z[:, :p])
        if problem.mask is not None:
            Z[:, p : p + q] = problem.mask[take]
        Z[:, p + q :] = response[take]
        return _block_moments(Z, None if uniform else problem.weights[take])

    with row_threads(count * (p + q)) as run:
        return reduce(Moments.merge, run(summed, row_blocks(count, size)), empty_moments(size))


def _block_moments(Z: FloatArray, s: FloatArray | None) -> Moments:
    """Return the moments of one block (changed in place)."""
    n = len(Z)
    weight = float(n) if s is None else float(s.sum())
    mean = Z.mean(axis=0) if s is None else (s @ Z) / weight
    Z -= mean
    if s is not None:
        rest = (s @ Z) / weight
        Z *= np.sqrt(s)[:, None]
        scatter = Z.T @ Z
        scatter -= np.outer(rest * weight, rest)
        return Moments(weight, mean + rest, scatter, n)
    return Moments(weight, mean, Z.T @ Z, n)


def fold_moments(problem: Problem, ids: IntArray, k: int) -> list[Moments]:
    """Return the moments of each fold's rows; ``ids`` (n,) holds 0..k-1."""
    order = np.argsort(ids, kind="stable")
    edges = np.searchsorted(ids[order], np.arange(k + 1))
    return [moments_of(problem, order[edges[i] : edges[i + 1]]) for i in range(k)]


class Mergeable(Protocol):
    """Statistics of disjoint sets of rows that can be put together."""

    def merge(self, other: Self) -> Self:
        """Return the statistics of both sets of rows."""
        ...


M = TypeVar("M", bound=Mergeable)


def leave_each_out(parts: Sequence[M]) -> Iterator[M]:
    """Yield, for each of two or more parts, the statistics of all others.

    Prefix and suffix merges: O(K) merges in all, one result alive at a time beside the K suffixes.
    """
    last = len(parts) - 1
    suffix: list[M] = [parts[last]]
    for part in reversed(parts[1:last]):
        suffix.append(part.merge(suffix[-1]))
    prefix = parts[0]
    yield suffix.pop()
    for part in parts[1:last]:
        yield prefix.merge(suffix.pop())
        prefix = prefix.merge(part)
    yield prefix


class ColumnMoments(NamedTuple):
    """Weight, means (m,) and centred sums of squares (m,) of the columns of [z | masks | y], of some rows.

    cross : centred sums of products of the columns ``pairs``, where products of columns are imputed.
    """

    weight: float
    mean: FloatArray
    scatter: FloatArray
    rows: int
    cross: FloatArray
    pairs: tuple[IntArray, IntArray]

    def merge(self, other: ColumnMoments) -> ColumnMoments:
        """Return the moments of both sets of rows together."""
        weight = self.weight + other.weight
        gap = other.mean - self.mean
        scatter = self.scatter + other.scatter + gap**2 * (self.weight * other.weight / weight)
        mean = self.mean + gap * (other.weight / weight)
        one, two = self.pairs
        cross = self.cross + other.cross + gap[one] * gap[two] * (self.weight * other.weight / weight)
        return ColumnMoments(weight, mean, scatter, self.rows + other.rows, cross, self.pairs)


def column_moments(problem: Problem, rows: IntArray) -> ColumnMoments:
    """Return the column moments of some rows: one pass, O(n m)."""
    p, q = problem.n_columns, len(problem.masked)
    response, parts = problem.response, []
    one, two = pairs = _pairs(problem)
    for block in row_blocks(len(rows), p + q + 1):
        take = rows[block]
        Z = np.column_stack(
            [problem.X[take], *([problem.mask[take]] if problem.mask is not None else []), response[take]]
        )
        s = problem.weights[take]
        weight = float(s.sum())
        mean = (s @ Z) / weight
        Z -= mean
        rest = (s @ Z) / weight
        cross = s @ (Z[:, one] * Z[:, two])
        np.square(Z, out=Z)
        parts.append(ColumnMoments(weight, mean + rest, s @ Z, len(take), cross, pairs))
    return reduce(ColumnMoments.merge, parts)


def _pairs(problem: Problem) -> tuple[IntArray, IntArray]:
    """Return the places in [z | masks] whose cross products tell the spread of products imputed anew."""
    if problem.derived is None:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    q = problem.n_imputed
    return problem.derived.pairs(problem.masked[q:], problem.n_columns + q)


class TrainingStats(NamedTuple):
    """What preprocessing learns from some training rows, in internal coordinates.

    weight, rows : sum of weights and count. mean, sd : (p,) of the (imputed) columns; y_mean : of the
    response, (T,) of several.
    shift : (q,) value with which these rows impute the masked columns, less the value stored in X.
    d, l1 : (p,) weights of the squares and of the absolute values in the penalty.
    """

    weight: float
    rows: int
    mean: FloatArray
    y_mean: float | FloatArray
    sd: FloatArray
    d: FloatArray
    l1: FloatArray
    shift: FloatArray

    def intercept(self, u: FloatArray, has_intercept: bool) -> FloatArray:
        """Return the internal intercept(s) of gaussian coefficients (p, L)."""
        value: FloatArray = self.y_mean - self.mean @ u if has_intercept else np.zeros(u.shape[1])
        return value

    def target(self, t: int) -> TrainingStats:
        """Return the preprocessing for one of several targets."""
        return self._replace(y_mean=float(np.asarray(self.y_mean)[t]))


class GramSystem(NamedTuple):
    """The gaussian problem of some training rows: minimise u'Gu - 2 c'u + lambda u'Du (+ yy).

    G (p, p), c (p,), yy : centred at the training means with an intercept, about zero without. Of several
    targets c is (p, T) and yy (T,), and :meth:`target` picks one.
    """

    stats: TrainingStats
    G: FloatArray
    c: FloatArray
    yy: float | FloatArray

    def target(self, t: int) -> GramSystem:
        """Return the system of one of several targets, G shared."""
        yy = float(np.asarray(self.yy)[t])
        return GramSystem(self.stats.target(t), self.G, self.c[:, t].copy(), yy)

    def gradient(self, u: FloatArray, lambdas: FloatArray) -> FloatArray:
        """Return half the gradient of J at coefficients (p, L): (p, L)."""
        value: FloatArray = self.G @ u - self.c[:, None] + lambdas * self.stats.d[:, None] * u
        return value

    def residual(self, gradient: FloatArray) -> FloatArray:
        """Return the KKT residual of a gradient (p, L) by these moments: (L,)."""
        unit = float(np.abs(self.c).max(initial=0.0))
        worst: FloatArray = np.abs(gradient).max(axis=0, initial=0.0)
        return worst / unit if unit > 0 else np.zeros_like(worst)


def _spread(variance: FloatArray, mean: FloatArray, terms: FloatArray) -> FloatArray:
    """Return standard deviations; a column whose spread is rounding alone has none in these rows.

    ``terms`` is the size of what the variance is a sum of: with cells imputed anew, present cells that are
    all alike leave the difference of two equal terms.
    """
    real = (variance > 1e-24 * (1.0 + mean**2)) & (variance > 1e-13 * terms)
    return np.where(real, np.sqrt(np.maximum(variance, 0.0)), 0.0)


def _imputation_shift(problem: Problem, mean: FloatArray) -> FloatArray:
    """Return what to add to the stored fill so that masked columns are imputed by the rows' own mean.

    ``mean`` is that of the columns [z | masks].

    With z the stored column, M its mask and a the fill, present cells have mean (m_z - a m_M) / (1 - m_M).
    Products follow their factors.
    """
    q = problem.n_imputed
    column_mean, share = mean[problem.masked[:q]], mean[problem.n_columns :][:q]
    present = np.where(share < 1.0, 1.0 - share, 1.0)
    shift = np.where(share < 1.0, (column_mean - problem.fill * share) / present - problem.fill, 0.0)
    if problem.derived is None:
        return shift
    moved = np.append(np.where(problem.constant[problem.masked[:q]], 0.0, shift), 1.0)  # -1: no second factor
    return np.concatenate([shift, moved[problem.derived.sources].prod(axis=1)])


def gram_system(problem: Problem, moments: Moments) -> GramSystem:
    """Return the gaussian system of the rows that ``moments`` sum up.

    Missing cells are imputed by the mean of those rows' present cells: a linear map of the moments.
    """
    p, masked = problem.n_columns, problem.masked
    mean, S = moments.mean, moments.scatter
    shift, terms = np.zeros(len(masked)), np.zeros(p)
    if len(masked):
        shift = _imputation_shift(problem, mean)
        squares = np.diag(S)
        terms[masked] = squares[masked]
        np.add.at(terms, masked, shift**2 * squares[p : p + len(masked)])
        mean, S = _impute(mean, S, p, masked, shift)
    else:
        mean, S = mean.copy(), S.copy()
    at = _response_at(problem, p)
    x_mean, y_mean, G, c, yy = mean[:p], mean[at], S[:p, :p], S[:p, at], np.diag(S)[at].copy()
    sd = _spread(np.diag(G) / moments.weight, x_mean, terms / moments.weight)
    if (flat := sd == 0.0).any():
        G[flat], G[:, flat], c[flat] = 0.0, 0.0, 0.0
        x_mean[flat] = 0.0
    if not problem.intercept:
        G = G + moments.weight * np.outer(x_mean, x_mean)
        c = c + moments.weight * np.multiply.outer(x_mean, y_mean)
        yy += moments.weight * y_mean**2
    stats = TrainingStats(
        moments.weight, moments.rows, x_mean, y_mean, sd, problem.penalty_for(sd), problem.l1_penalty_for(sd),
        shift,
    )  # fmt: skip
    return GramSystem(stats, G, c, yy)


def training_stats(problem: Problem, moments: ColumnMoments) -> TrainingStats:
    """Return the preprocessing of the rows that column moments sum up (p > n and GLMs need no Gram).

    Imputing by ``shift`` makes the mean m + shift * share and, since the stored column holds the fill a
    wherever its mask is 1, the sum of squares S + shift * 2 W share (a - m) + shift^2 * W share (1 - share).
    """
    p, masked, weight = problem.n_columns, problem.masked, moments.weight
    mean, second = moments.mean[:p].copy(), moments.scatter[:p].copy()
    shift, terms = np.zeros(len(masked)), np.zeros(p)
    if len(masked):
        q, masks = problem.n_imputed, slice(p, p + len(masked))
        shift, plain = _imputation_shift(problem, moments.mean), masked[:q]
        share = moments.mean[masks][:q]
        cross = weight * share * (problem.fill - mean[plain])
        between = shift[:q] ** 2 * weight * share * (1.0 - share)
        terms[masked] = second[masked]
        terms[plain] += between
        second[plain] += 2.0 * shift[:q] * cross + between
        if problem.derived is not None:
            squares = shift[q:] ** 2 * moments.scatter[masks][q:]
            np.add.at(terms, masked[q:], squares)
            np.add.at(second, masked[q:], squares)
            second += _cross_terms(problem, moments, shift)
        np.add.at(mean, masked, shift * moments.mean[masks])
    sd = _spread(second / weight, mean, terms / weight)
    mean[sd == 0.0] = 0.0
    y_mean = moments.mean[_response_at(problem, p + len(masked))]
    return TrainingStats(
        weight, moments.rows, mean, y_mean, sd, problem.penalty_for(sd), problem.l1_penalty_for(sd), shift
    )  # fmt: skip


def _cross_terms(problem: Problem, moments: ColumnMoments, shift: FloatArray) -> FloatArray:
    """Return what cross products add to the sum of squares of each product (p,) whose factors moved."""
    one, two = moments.pairs
    factor = np.append(np.ones(problem.n_columns), shift)  # a column itself, and how far along a direction
    owner = np.append(np.arange(problem.n_columns), problem.masked)
    total = np.zeros(problem.n_columns)
    np.add.at(total, owner[one], 2.0 * factor[one] * factor[two] * moments.cross)
    return total


def training_problem(problem: Problem, rows: IntArray, stats: TrainingStats) -> Problem:
    """Return the problem of some training rows, their own imputation and penalty, in the same coordinates.

    Its cells are imputed for good: it has no mask by which that could be done twice.
    """
    part = problem.take(rows)
    if part.mask is not None:
        part.impute_anew(part.X, part.mask, stats.shift)
    flat = stats.sd <= 0.0
    part.X[:, flat] = 0.0
    box = None if part.box is None else part.box.without(flat)
    return part._replace(
        spread=stats.sd, constant=part.constant | flat, originals=None, box=box,
        mask=None, masked=problem.masked[:0], derived=None,
    )  # fmt: skip


def _response_at(problem: Problem, start: int) -> int | slice:
    """Return where the response stands among moments: the last column, or from ``start`` if several."""
    return slice(start, None) if problem.has_targets else -1


def _impute(
    mean: FloatArray, S: FloatArray, p: int, masked: IntArray, shift: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return mean and scatter of [z + shift * mask | y] from those of [z | mask | y]."""
    q, size = len(masked), len(mean)
    T = np.zeros((size, size - q))
    T[np.arange(p), np.arange(p)] = 1.0
    T[p + np.arange(q), masked] = shift
    T[np.arange(p + q, size), np.arange(p, size - q)] = 1.0
    return mean @ T, T.T @ S @ T


def heldout_sum_of_squares(
    problem: Problem, stats: TrainingStats, held: Moments, u: FloatArray, b0: FloatArray, response: int = -1
) -> tuple[FloatArray, FloatArray]:
    """Return sum_i s_i (y_i - b0 - z_i.u)^2 of held-out rows, imputed as ``stats`` says, and its terms (L,).

    A quadratic form of the held-out moments; it cancels where the fit is near perfect or large coefficients
    of near-collinear columns work against each other. ``terms`` is the size of what is added up, so the
    relative error is about eps * terms / value: callers look at the rows where that is large. ``response`` is
    where y stands among the moments, from their end.
    """
    p = problem.n_columns
    mean, S = held.mean, held.scatter
    if len(problem.masked):
        mean, S = _impute(mean, S, p, problem.masked, stats.shift)
    gap = mean[response] - b0 - mean[:p] @ u
    yy = S[response, response]
    quadratic = np.einsum("jl,jl->l", u, S[:p, :p] @ u) - 2.0 * (S[:p, response] @ u) + yy
    shift = held.weight * gap**2
    return quadratic + shift, np.diag(S)[:p] @ u**2 + yy + shift
