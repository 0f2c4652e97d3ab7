"""The objective of every contest, stated once for the harness, with its optimality conditions.

With Z the columns of X centred and divided by their population standard deviations (a constant one is 0),
eta = b + Z u and d the unit deviance (`losses`), it is

    J(b, u) = sum_i d(y_i, eta_i) + lambda * sum_g [ 2 r sqrt(p_g) |u_g|_2 + (1 - r) |u_g|_2^2 ]

with the columns in groups of p_g, one by one unless the contest says otherwise: then the bracket is the
2 r |u_j| + (1 - r) u_j^2 of the elastic net.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from l2bench import losses
from l2bench.losses import FloatArray


@dataclass(frozen=True)
class Task:
    """The minimization of J at one lambda.

    Z : (n, p). Y : (n, K). l1 : lambda r. l2 : lambda (1 - r). size : columns per group, p is a multiple.
    """

    family: str
    Z: FloatArray
    Y: FloatArray
    l1: float
    l2: float
    size: int = 1

    def objective(self, b: FloatArray, u: FloatArray) -> float:
        """Return J. b : (K,), u : (p, K)."""
        loss = losses.deviance(self.family, self.Y, b + self.Z @ u)
        lasso = 2 * self.l1 * float(np.sqrt(self.size)) * float(self.norms(u).sum())
        return loss + lasso + self.l2 * float(np.sum(u**2))

    def gradient(self, b: FloatArray, u: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return half the gradient of the smooth part in b : (K,) and in u : (p, K), and mu : (n, K)."""
        mu = losses.means(self.family, b + self.Z @ u)
        R = mu - self.Y
        return R.sum(axis=0), self.Z.T @ R + self.l2 * u, mu

    def norms(self, u: FloatArray) -> FloatArray:
        """Return the norm of every group : (G, K)."""
        return np.asarray(np.linalg.norm(u.reshape(-1, self.size, u.shape[1]), axis=1))

    def violation(self, u: FloatArray, g: FloatArray) -> FloatArray:
        """Return by how much every group violates its optimality condition, given g of ``gradient`` : (G, K).

        A group at zero needs |g_g| <= lambda r sqrt(p_g); another g_g = -lambda r sqrt(p_g) u_g / |u_g|.
        """
        weight = self.l1 * float(np.sqrt(self.size))
        norm = self.norms(u)
        blocks = u.reshape(-1, self.size, u.shape[1])
        direction = blocks / np.where(norm > 0, norm, 1)[:, None]
        inside = np.abs(g.reshape(blocks.shape) + weight * direction).max(axis=1)
        return np.asarray(np.where(norm > 0, inside, np.maximum(0, self.norms(g) - weight)))

    def null_gradient(self) -> float:
        """Return the largest gradient of the model without columns."""
        return float(np.abs(self.Z.T @ (self.Y - self.Y.mean(axis=0))).max())

    def kkt(self, b: FloatArray, u: FloatArray) -> float:
        """Return the largest violation, that of the intercepts included, over ``null_gradient``."""
        gb, g, _ = self.gradient(b, u)
        return float(max(np.abs(gb).max(), self.violation(u, g).max())) / self.null_gradient()
