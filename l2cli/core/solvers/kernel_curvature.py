"""The inverse by which a wide model is stepped: that of lambda + W K, for a kernel K of the rows.

With M = (K + lambda W^-1)^-1 = W^1/2 (lambda + W^1/2 K W^1/2)^-1 W^1/2, which no vanishing W spoils
(Rasmussen and Williams 2006, "Gaussian processes for machine learning", section 3.4),

    P = (lambda + W K)^-1 = (I - M K) / lambda,     P W = M.

Of C classes, where W_i = s (diag(mu) - mu mu') and K serves each class, M follows from the M_k of s mu_k
alone (section 3.5 there),

    M_kl = [k = l] M_k - M_k (sum_j M_j)^-1 M_l.

Adding one number to an unpenalized coefficient of all classes changes nothing: that direction gets a
curvature of its own.

Notes
-----
n^3 / 3 flops for one class, of several (2 C + 1) n^3; then 2 n^2 and (4 C + 2) n^2 for each vector.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from l2cli.core.solvers.glm_rows import settle_shift

FloatArray = npt.NDArray[np.float64]
BLOCK = 96
"""Rows of a triangle that are solved by an inverse of their own."""


class Triangle:
    """The Cholesky factor L of a positive definite S, and S^-1 V by substitution in blocks of rows."""

    def __init__(self, S: FloatArray) -> None:
        self.L = np.linalg.cholesky(S)
        self.blocks = [slice(i, min(i + BLOCK, len(S))) for i in range(0, len(S), BLOCK)]
        self.own = [np.linalg.inv(self.L[b, b]) for b in self.blocks]

    def solve(self, V: FloatArray) -> FloatArray:
        """Return S^-1 V, (n, N)."""
        x = np.empty_like(V)
        for b, own in zip(self.blocks, self.own, strict=True):
            x[b] = own @ (V[b] - self.L[b, : b.start] @ x[: b.start])
        for b, own in zip(reversed(self.blocks), reversed(self.own), strict=True):
            x[b] = own.T @ (x[b] - self.L[b.stop :, b].T @ x[b.stop :])
        return x


class Curvature:
    """P at some means and one lambda.

    Parameters
    ----------
    K : (n, n), E : (n, m)
    w : (n, C) float64
        Weights W, of classes s mu_k.
    """

    def __init__(self, K: FloatArray, E: FloatArray, w: FloatArray, lam: float) -> None:
        (n, c), m = w.shape, E.shape[1]
        self.lam, self.E, self.root = lam, E, np.sqrt(w)
        if c == 1:
            self.one = self._triangle(K, self.root[:, 0])
        else:
            self.each = [r[:, None] * self._triangle(K, r).solve(np.diag(r)) for r in self.root.T]
            self.total = Triangle(np.sum(self.each, axis=0))
        self.ME = self._times(np.einsum("im,kl->ikml", E, np.eye(c)).reshape(n, c, m * c))
        inner = (E.T @ self.ME.reshape(n, -1)).reshape(m * c, m * c)
        if c > 1 and m:
            settle_shift(inner, np.ones(m, dtype=bool), c)
        self.inner = np.linalg.inv(inner)

    def _triangle(self, K: FloatArray, root: FloatArray) -> Triangle:
        S = K * root[:, None]
        S *= root
        S[np.arange(len(S)), np.arange(len(S))] += self.lam
        return Triangle(S)

    def _times(self, V: FloatArray) -> FloatArray:
        """Return M V, (n, C, N)."""
        if self.root.shape[1] == 1:
            return np.asarray(self.root * self.one.solve(self.root * V[:, 0]))[:, None]
        parts = np.stack([each @ V[:, k] for k, each in enumerate(self.each)], axis=1)
        common = self.total.solve(parts.sum(axis=1))
        return np.asarray(parts - np.stack([each @ common for each in self.each], axis=1))

    def step(self, F: FloatArray, KF: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return da = -P F - M E dg (n, C, N) and the dg (m, C, N) with E'da = 0, for F and KF (n, C, N)."""
        n, c, count = F.shape
        da = (self._times(KF) - F) / self.lam
        dg = self.inner @ (self.E.T @ da.reshape(n, -1)).reshape(-1, count)
        da -= (self.ME.reshape(n * c, -1) @ dg).reshape(F.shape)
        return da, dg.reshape(-1, c, count)
