"""Half the deviance of a problem's rows as a function of theta: value, gradient and curvature.

theta ((m + 1) C,) is the matrix (m + 1, C) of coefficients and, last, intercepts, raveled: C = 1 but for the
classes of a multinomial family. With A = [X 1], s the weights and e the residuals of the family,

    gradient = -A'(s e),      H = A' diag(s w) A,

for classes the blocks H_kl = -A' diag(s mu_k mu_l) A and H_kk = -sum_l H_kl, l != k: written so, nothing
cancels where a class is all but certain.

Notes
-----
H costs n m^2 C^2 flops by one symmetric rank update of the columns mu_k a_j, in blocks of rows.

Adding one number to the coefficients of a column for all classes changes no probability. Where no penalty
settles it (the intercepts, unpenalized columns), H gets that direction's own curvature, 1 1' times a number
of its size; gradients have no part in it, so the coefficients go on summing to 0.
"""

from __future__ import annotations

from functools import reduce

import numpy as np
import numpy.typing as npt

from l2cli.core.problem import Problem, row_blocks
from l2cli.core.solvers.gram import DenseGram, Gram, ProductGram
from l2cli.core.threads import row_threads

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


class GlmRows:
    """Rows of a problem with a working design.

    Parameters
    ----------
    problem : Problem
    X : (n, m) float64
        Its internal columns, or a rotation of them.
    free : (m,) bool
        Columns that no penalty bounds.
    """

    def __init__(self, problem: Problem, X: FloatArray, free: BoolArray) -> None:
        self.problem, self.X, self.free = problem, X, free
        self.family = problem.likelihood
        self.classes = problem.n_classes

    def origin(self) -> FloatArray:
        """Return theta of the null model."""
        problem, theta = self.problem, np.zeros((self.X.shape[1] + 1) * self.classes)
        if problem.intercept:
            theta[-self.classes :] = self.family.null_intercept(problem.y, problem.weights, problem.offset)
        return theta

    def predictor(self, theta: FloatArray) -> FloatArray:
        """Return A theta without the offset, (n,) or (n, C), by the columns that count where they are few."""
        if self.classes == 1:
            u, b0 = theta[:-1], theta[-1]
            support = np.flatnonzero(u)
        else:
            matrix = theta.reshape(-1, self.classes)
            u, b0 = matrix[:-1], matrix[-1]
            support = np.flatnonzero(u.any(axis=1))
        if 4 * len(support) < len(u):
            return np.asarray(self.X[:, support] @ u[support] + b0)
        return np.asarray(self.X @ u + b0)

    def evaluate(self, theta: FloatArray) -> tuple[FloatArray, FloatArray, float]:
        """Return mu, half the gradient and half the deviance: one product with the rows each way."""
        problem, family = self.problem, self.family
        eta = self.predictor(theta)
        if problem.offset is not None:
            eta = eta + problem.offset
        mu = family.mean(eta)
        r = (problem.weights * family.residual(problem.y, mu).T).T
        slope = np.atleast_1d(r.sum(axis=0)) if problem.intercept else np.zeros(self.classes)
        gradient = -np.append(self.X.T @ r, slope)
        return mu, gradient, 0.5 * float(problem.weights @ family.deviance(problem.y, eta))

    def separates(self, mu: FloatArray) -> bool:
        """Return True where the means (no offset in them) put every row in its class."""
        y = self.problem.y
        if self.problem.offset is not None or self.problem.family not in ("binomial", "multinomial"):
            return False
        if self.classes > 1:
            return bool(np.all((mu * y).sum(axis=1) > (mu * (1.0 - y)).max(axis=1)))
        return bool(np.all(np.where(y > 0.5, mu > 0.5, mu < 0.5)))

    def curvature(self, mu: FloatArray, *, settled: bool = True) -> FloatArray:
        """Return H ((m + 1) C, (m + 1) C); ``settled`` False leaves out what classes have in common."""
        n, size = len(self.X), (self.X.shape[1] + 1) * self.classes
        if self.classes == 1:
            root = self._root(mu)

            def gram(rows: slice) -> FloatArray:
                A = _bordered(self.X[rows], root[rows])
                return np.asarray(A.T @ A)
        else:
            spread = np.sqrt(self.problem.weights)[:, None] * mu

            def gram(rows: slice) -> FloatArray:
                M = class_columns(_bordered(self.X[rows], np.ones(rows.stop - rows.start)), spread[rows])
                return np.asarray(M.T @ M)

        with row_threads(n * size) as run:
            H: FloatArray = reduce(np.add, run(gram, row_blocks(n, size)), np.zeros((size, size)))
        if self.classes > 1:
            between_classes(H, self.classes)
            if settled:
                settle_shift(H, np.append(self.free, True), self.classes)
        return H

    def gram(self, mu: FloatArray, at: IntArray) -> Gram:
        """Return H of some coordinates (k,) as rows and products, the intercepts the last of them.

        Made outright where rows outnumber the columns of these, else column by column as used.
        """
        columns = np.unique(at // self.classes)[:-1]
        part = self if len(columns) == self.X.shape[1] else self._of(columns)
        within = np.searchsorted(columns, at // self.classes) * self.classes + at % self.classes
        if len(self.X) > len(columns):
            H = part.curvature(mu)
            return DenseGram(H if len(at) == len(H) else H[np.ix_(within, within)])
        if self.classes == 1:
            return ProductGram(_bordered(part.X, self._root(mu)))
        return ProductGram(part.class_rows(mu, within))

    def _of(self, columns: IntArray) -> GlmRows:
        """Return the rows with some of the columns alone."""
        return GlmRows(self.problem, np.ascontiguousarray(self.X[:, columns]), self.free[columns])

    def _root(self, mu: FloatArray) -> FloatArray:
        return np.sqrt(self.problem.weights * self.family.curvature(self.problem.y, mu))

    def class_rows(self, mu: FloatArray, at: IntArray) -> FloatArray:
        """Return some columns of B with B'B = H: rows a_i (x) R_i for each row, R'R = diag(mu) - mu mu'."""
        n, c = len(self.X), self.classes
        A = _bordered(self.X, np.ones(n)) * np.sqrt(self.problem.weights)[:, None]
        root = np.sqrt(mu)
        R = -root[:, :, None] * mu[:, None, :]
        R[:, np.arange(c), np.arange(c)] += root
        column, k = np.divmod(at, c)
        B = (R[:, :, k] * A[:, None, column]).reshape(n * c, -1)
        settled = np.flatnonzero(np.append(self.free, True))
        same = settled[:, None] == column
        size = np.einsum("ij,ij->j", B, B) @ same.T / c
        return np.vstack([B, same * np.sqrt(np.where(size > 0, size, 1.0))[:, None]])


def class_columns(A: FloatArray, spread: FloatArray) -> FloatArray:
    """Return the columns spread_k a_j (n, (m + 1) C) of A (n, m + 1), spread (n, C)."""
    return (A[:, :, None] * spread[:, None, :]).reshape(len(A), -1)


def between_classes(G: FloatArray, classes: int) -> None:
    """Turn A' diag(s mu_k mu_l) A, all blocks k and l, into H, in place."""
    blocks = G.reshape(len(G) // classes, classes, -1, classes)
    each = np.arange(classes)
    blocks[:, each, :, each] = 0.0
    own = blocks.sum(axis=3)  # (m + 1, C, m + 1)
    np.negative(blocks, out=blocks)
    blocks[:, each, :, each] = own.transpose(1, 0, 2)


def settle_shift(H: FloatArray, columns: BoolArray, classes: int) -> None:
    """Add, in place, the curvature of a common shift of all classes to some columns (m + 1,)."""
    blocks = H.reshape(len(H) // classes, classes, -1, classes)
    for j in np.flatnonzero(columns):
        size = float(np.trace(blocks[j, :, j, :])) / classes
        blocks[j, :, j, :] += size if size > 0 else 1.0


def contrasts(H: FloatArray, classes: int) -> FloatArray:
    """Return Q'HQ for every pair of columns, Q that of :func:`class_contrasts`."""
    return _turned(H, class_contrasts(classes))


def of_contrasts(M: FloatArray, classes: int) -> FloatArray:
    """Return QMQ' for every pair of columns: a matrix of the contrasts as one of the classes."""
    return _turned(M, class_contrasts(classes).T)


def class_contrasts(classes: int) -> FloatArray:
    """Return an orthonormal basis Q (C, C - 1) of what sums to 0 over the classes."""
    return np.asarray(np.linalg.qr(np.eye(classes)[:, :-1] - 1.0 / classes)[0])


def _turned(H: FloatArray, Q: FloatArray) -> FloatArray:
    m = len(H) // len(Q)
    blocks = H.reshape(m, len(Q), m, len(Q))
    turned = np.einsum("ka,ikjl,lb->iajb", Q, blocks, Q, optimize=True)
    return np.ascontiguousarray(turned).reshape(m * Q.shape[1], -1)


def _bordered(X: FloatArray, root: FloatArray) -> FloatArray:
    """Return [X 1] times a number for each row."""
    A = np.empty((len(X), X.shape[1] + 1))
    np.multiply(X, root[:, None], out=A[:, :-1])
    A[:, -1] = root
    return A
