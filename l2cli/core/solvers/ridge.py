"""Gaussian L2: factorize once, solve for any number of lambdas.

With A = S^1/2 (Z - mean) D^-1/2 (penalized columns, residuals on the unpenalized ones A0) and b the response
likewise, A = U diag(e)^1/2 V' gives for every lambda

    D^1/2 u = V diag(1 / (e + lambda)) V'A'b,     df = sum e / (e + lambda) + rank(A0)

(Hastie, Tibshirani and Friedman, Elements of Statistical Learning, equations 3.47 to 3.50).

Three ways to the factor: the eigenvectors of the Gram matrix (n >= p, fastest), those of the kernel A A' (p >
n), or an SVD of the rows' triangle (most exact: the Gram squares the condition number).

Notes
-----
Gram: 9 p^3 flops once, 2 p r L for L lambdas. Measured on standardized NIST data: the Gram loses all digits
of Filip, the rows keep 8; hence :meth:`RidgeFactor.serves`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.moments import GramSystem, TrainingStats
from l2cli.core.problem import Problem
from l2cli.core.solvers.tsqr import fill_rows, row_factor
from l2cli.core.threads import matrix_threads

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
EPS = float(np.finfo(np.float64).eps)
GRAM_CONDITION = 1e10
"""Above this condition (Gram plus lambda) the rows are factorized instead."""


class FreeColumns(NamedTuple):
    """Unpenalized columns, eliminated before the rest is factorized.

    at : (p0,) which. base : (p0,) their fit alone. cross : (p0, p) regression of the scaled penalized
    columns on them. inverse : (p0, p0) pseudo-inverse of their Gram. rank : of their rows. null : (p0,) share
    of each axis in their null space.
    """

    at: IntArray
    base: FloatArray
    cross: FloatArray
    inverse: FloatArray
    rank: int
    null: FloatArray


class RidgeFactor(NamedTuple):
    """Spectral form of a ridge problem.

    V : (p, r) eigenvectors in scaled coordinates, rows of unpenalized columns 0; e : (r,) eigenvalues > 0.
    projection : (r,) V'A'b; of several targets (r, T), and :meth:`target` picks one. root : (p,) D^1/2, 1 for
    unpenalized columns. free : the unpenalized columns.
    size : the rank there could be at most; exact : made from the rows, not from a Gram or kernel.
    null : (p,) share of each coordinate axis in the null space (0: identified), for tied columns.
    """

    V: FloatArray
    e: FloatArray
    projection: FloatArray
    root: FloatArray
    free: FreeColumns
    size: int
    exact: bool
    null: FloatArray

    def serves(self, smallest_lambda: float) -> bool:
        """Return False where the Gram behind the factor is too ill-conditioned for its smallest lambda.

        Fewer eigenvalues than ``size`` mean that some fell under rounding, so the smallest counts as 0.
        """
        if self.exact or not len(self.e):
            return True
        low = float(self.e[0]) if len(self.e) == self.size else 0.0
        return float(self.e[-1]) <= GRAM_CONDITION * (low + smallest_lambda)

    def solve(self, lambdas: FloatArray) -> FloatArray:
        """Return internal coefficients u (p, L); lambda 0 is the limit, of least penalty where tied."""
        z = self.V @ (self.projection[:, None] / (self.e[:, None] + lambdas))
        u: FloatArray = z / self.root[:, None]
        free = self.free
        if len(free.at):
            u[free.at] = free.base[:, None] - free.cross @ z
        return u

    def correct(self, gradient: FloatArray, lambdas: FloatArray) -> FloatArray:
        """Return the step (p, L) that solves (Z'SZ + lambda D) step = gradient, by block elimination."""
        free = self.free
        scaled, outside = gradient / self.root[:, None], gradient[free.at]
        z = self.V @ ((self.V.T @ (scaled - free.cross.T @ outside)) / (self.e[:, None] + lambdas))
        step: FloatArray = z / self.root[:, None]
        if len(free.at):
            step[free.at] = free.inverse @ outside - free.cross @ z
        return step

    def missed(self, gradient: FloatArray, lambdas: FloatArray) -> FloatArray:
        """Return by how much u is off in directions whose eigenvalue fell under rounding, relative to u (L,).

        ``gradient`` (p, L) is the rows' at :meth:`solve`'s u, the lambdas positive. Such a direction z has a
        small eigenvalue in truth, so its gradient z'g is lambda times what u lacks, and at a small lambda
        that may be much though z'g is little. Tied columns have none but rounding there.
        """
        if self.exact or len(self.e) == self.size:
            return np.zeros(len(lambdas))
        outside = gradient[self.free.at]
        scaled = gradient / self.root[:, None] - self.free.cross.T @ outside
        scaled[self.free.at] = 0.0
        rest = np.abs(scaled - self.V @ (self.V.T @ scaled)).max(axis=0, initial=0.0) / lambdas
        size = np.abs(self.V @ (self.projection[:, None] / (self.e[:, None] + lambdas))).max(
            axis=0, initial=0.0
        )
        off: FloatArray = np.divide(rest, size, out=np.zeros_like(rest), where=size > 0.0)
        return off

    def effective_df(self, lambdas: FloatArray) -> FloatArray:
        """Return sum e/(e + lambda) + rank of the unpenalized columns, without the intercept: (L,)."""
        e = self.e[:, None]
        df: FloatArray = (e / (e + lambdas)).sum(axis=0) + self.free.rank
        return df

    @property
    def rank(self) -> int:
        """Rank of the design, without the intercept."""
        return len(self.e) + self.free.rank

    def target(self, t: int) -> RidgeFactor:
        """Return the factor of one of several targets: the same eigenvectors, its own projection."""
        free = self.free._replace(base=self.free.base[:, t].copy())
        return self._replace(projection=self.projection[:, t].copy(), free=free)


def _split(d: FloatArray, usable: npt.NDArray[np.bool_]) -> tuple[IntArray, IntArray, FloatArray]:
    """Return indices of penalized and of unpenalized columns and D^1/2 (1 where unpenalized)."""
    free = np.flatnonzero((d == 0) & usable)
    bound = np.flatnonzero((d > 0) & usable)
    return bound, free, np.where(d > 0, np.sqrt(d), 1.0)


def factor_from_gram(system: GramSystem) -> RidgeFactor:
    """Return the factor from the eigenvectors of D^-1/2 G D^-1/2, unpenalized columns eliminated first."""
    bound, free, root = _split(system.stats.d, system.stats.sd > 0)
    p = len(system.stats.d)
    G = system.G[np.ix_(bound, bound)] / np.outer(root[bound], root[bound])
    c = (system.c[bound].T / root[bound]).T
    eliminated, largest = _no_free_columns(p, system.c), 0.0
    if len(free):
        G00, G0 = system.G[np.ix_(free, free)], system.G[np.ix_(free, bound)] / root[bound]
        inverse, rank = _pseudo_inverse(G00)
        cross = np.zeros((len(free), p))
        cross[:, bound] = inverse @ G0
        null = 1.0 - np.einsum("ij,ji->i", inverse, G00)
        eliminated = FreeColumns(free, inverse @ system.c[free], cross, inverse, rank, null)
        largest = float(np.diag(G).max(initial=0.0))
        G = G - G0.T @ cross[:, bound]
        c = c - G0.T @ eliminated.base
    with matrix_threads(9.0 * len(G) ** 3):
        e, vectors = np.linalg.eigh(G)
    keep = e > len(e) * EPS * max(float(e.max(initial=0.0)), largest) * 10.0
    vectors = vectors[:, keep]
    return _assemble(bound, root, e[keep], vectors, vectors.T @ c, eliminated, len(bound), exact=False)


def _no_free_columns(p: int, response: FloatArray) -> FreeColumns:
    """Return the elimination of no column, for one response (n,) or several (n, T)."""
    none, base = np.zeros(0), np.zeros((0, *response.shape[1:]))
    return FreeColumns(np.zeros(0, dtype=np.int64), base, np.zeros((0, p)), np.zeros((0, 0)), 0, none)


def _assemble(
    bound: IntArray, root: FloatArray, e: FloatArray, vectors: FloatArray, projection: FloatArray,
    free: FreeColumns, size: int, *, exact: bool,
) -> RidgeFactor:  # fmt: skip
    """Place the eigenvectors of the penalized columns among all columns."""
    p = len(root)
    V = np.zeros((p, len(e)))
    V[bound] = vectors
    null = np.zeros(p)
    null[bound] = np.maximum(0.0, 1.0 - np.einsum("ij,ij->i", vectors, vectors))
    null[free.at] = np.maximum(0.0, free.null)
    return RidgeFactor(V, e, projection, root, free, size, exact, null)


def _pseudo_inverse(G: FloatArray) -> tuple[FloatArray, int]:
    """Return the pseudo-inverse and the rank of a positive semidefinite matrix."""
    e, V = np.linalg.eigh(G)
    keep = e > len(e) * EPS * max(float(e[-1]), 0.0) * 10.0
    return (V[:, keep] / e[keep]) @ V[:, keep].T, int(keep.sum())


def penalized_inverse(G: FloatArray, penalty: FloatArray) -> FloatArray:
    """Return the inverse of G + diag(penalty), (p, p), computed with the columns scaled to a unit diagonal.

    For the rare problem whose lighter directions fall under rounding in spectral form: raw columns of very
    unlike size, or near-collinear ones. The scaling is within a factor p of the best there is (van der Sluis
    1969); a singular matrix gets its pseudo-inverse.
    """
    diagonal = np.diag(G) + penalty
    scale = np.divide(1.0, np.sqrt(diagonal), out=np.zeros_like(diagonal), where=diagonal > 0.0)
    square = np.outer(scale, scale)
    unit = G * square + np.diag(penalty * scale**2)
    inverse: FloatArray = np.linalg.pinv(unit, rcond=len(unit) * EPS * 10.0, hermitian=True) * square
    return inverse


def scaled_rows(
    problem: Problem, stats: TrainingStats | None = None, rows: IntArray | None = None
) -> tuple[FloatArray, FloatArray, FloatArray, npt.NDArray[np.bool_]]:
    """Return S^1/2 (Z - mean), S^1/2 (y - mean), the penalty weights d and the usable columns of some rows.

    The response is (n,), or (n, T) of several targets.

    ``stats`` is the preprocessing of the training rows ``rows``; both None means all rows.
    """
    take = slice(None) if rows is None else rows
    y, s = problem.response[take], problem.weights[take]
    X = np.empty((len(y), problem.n_columns))
    fill_rows(problem, stats, take, X)
    d, usable = _preprocessing(problem, stats)
    if stats is None:
        x_mean, y_mean = (s @ X) / s.sum(), (s @ y) / s.sum()
    else:
        x_mean, y_mean = stats.mean, stats.y_mean
    if problem.intercept:
        X -= x_mean
        y = y - y_mean
    if not np.all(s == 1.0):
        weight = np.sqrt(s)
        X *= weight[:, None]
        y = (y.T * weight).T
    return X, np.asarray(y), d, usable


def _preprocessing(problem: Problem, stats: TrainingStats | None) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Return the penalty weights d and the usable columns."""
    return (problem.penalty, ~problem.constant) if stats is None else (stats.d, stats.sd > 0)


def factor_from_rows(
    problem: Problem, stats: TrainingStats | None = None, rows: IntArray | None = None
) -> RidgeFactor:
    """Return the factor from an SVD of the rows (of their triangle where n > p): backward stable.

    Notes
    -----
    About 2 n p^2 + 25 p^3 flops for n > p, and no copy of the rows; 4 n^2 p and one copy for p >= n.
    """
    if (problem.n_rows if rows is None else len(rows)) > problem.n_columns:
        T = row_factor(problem, stats, rows).triangle(centred=problem.intercept)
        p = problem.n_columns
        A, b, (d, usable) = T[:, :p], T[:, p:], _preprocessing(problem, stats)
        b = b[:, 0] if problem.response.ndim == 1 else b
    else:
        A, b, d, usable = scaled_rows(problem, stats, rows)
    bound, free, root = _split(d, usable)
    p = A.shape[1]
    A0, A = A[:, free], A[:, bound] / root[bound]
    eliminated, largest = _no_free_columns(p, b), 0.0
    if len(free):
        largest = float(np.linalg.norm(A, axis=0).max(initial=0.0))
        U0, s0, V0 = np.linalg.svd(A0, full_matrices=False)
        keep0 = s0 > max(A0.shape) * EPS * (s0[0] if len(s0) else 0.0)
        U0, half = U0[:, keep0], V0[keep0].T / s0[keep0]
        cross = np.zeros((len(free), p))
        cross[:, bound] = half @ (U0.T @ A)
        null = 1.0 - np.sum(V0[keep0] ** 2, axis=0)
        eliminated = FreeColumns(free, half @ (U0.T @ b), cross, half @ half.T, int(keep0.sum()), null)
        A = A - U0 @ (U0.T @ A)
        b = b - U0 @ (U0.T @ b)
    with matrix_threads(4.0 * A.size * min(A.shape)):
        U, sigma, Vt = np.linalg.svd(A, full_matrices=False)
    keep = sigma > max(len(problem.y), p) * EPS * max(float(sigma.max(initial=0.0)), largest)
    sigma, vectors = sigma[keep], Vt[keep].T
    projection = (sigma * (U[:, keep].T @ b).T).T
    return _assemble(bound, root, sigma**2, vectors, projection, eliminated, len(bound), exact=True)


def factor_from_kernel(
    problem: Problem, stats: TrainingStats | None = None, rows: IntArray | None = None
) -> RidgeFactor:
    """Return the factor from the eigenvectors of the kernel A A' of the training rows (p > n).

    2 n^2 p flops against the 4 n^2 p of an SVD with a far smaller constant; like the Gram it squares the
    condition number, so it serves folds, whose residual need only reach 1e-5, while reported models use the
    rows.
    """
    A, b, d, usable = scaled_rows(problem, stats, rows)
    bound, free, root = _split(d, usable)
    if len(free):  # the unpenalized columns are few; one orthogonalization of the rows serves
        return factor_from_rows(problem, stats, rows)
    A = A[:, bound] / root[bound] if len(bound) < A.shape[1] else np.divide(A, root, out=A)
    with matrix_threads(A.size * len(A) + 9.0 * len(A) ** 3):
        e, U = np.linalg.eigh(A @ A.T)
    keep = e > max(A.shape) * EPS * float(e.max(initial=0.0)) * 10.0
    e, U = e[keep], U[:, keep]
    vectors = (A.T @ U) / np.sqrt(e)
    size = len(b) - int(problem.intercept)
    projection = (np.sqrt(e) * (U.T @ b).T).T
    free_columns = _no_free_columns(len(root), b)
    return _assemble(bound, root, e, vectors, projection, free_columns, size, exact=False)
