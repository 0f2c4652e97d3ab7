"""Traces of functions of a symmetric matrix from products alone (stochastic Lanczos quadrature).

For random signs v, v'f(B)v has the mean tr f(B), and k steps of Lanczos from v give nodes e and shares with
v'f(B)v = |v|^2 sum share f(e), exact for polynomials of degree 2 k - 1 (Ubaru, Chen and Saad 2017, "Fast
estimation of tr(f(A)) via stochastic Lanczos quadrature", SIAM J. Matrix Anal. Appl. 38(4)). One run serves
every f: here the effective degrees of freedom e / (e + lambda) at any lambda.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
PROBES, STEPS = 8, 50
SEED = 0


class Spectrum(NamedTuple):
    """Nodes (K, k) and weights (K, k) of K probes; the weights of a probe sum to the size of the matrix."""

    nodes: FloatArray
    weights: FloatArray

    def df(self, lambdas: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return sum e / (e + lambda) at each lambda > 0 and its standard error: (L,), (L,)."""
        e = np.maximum(self.nodes, 0.0)[..., None]
        each = (self.weights[..., None] * e / (e + lambdas)).sum(axis=1)
        count = len(each)
        return each.mean(axis=0), each.std(axis=0, ddof=1) / np.sqrt(count)


def spectrum(
    product: Callable[[FloatArray], FloatArray], size: int, probes: int = PROBES, steps: int = STEPS
) -> Spectrum:
    """Return the nodes of a positive semidefinite matrix (size, size) that ``product`` multiplies with.

    The probes are the same every time.
    """
    rng, steps = np.random.default_rng(SEED), min(steps, size)
    nodes, weights = np.zeros((probes, steps)), np.zeros((probes, steps))
    for i in range(probes):
        v = rng.choice([-1.0, 1.0], size=size)
        diagonal, beside = _lanczos(product, v / np.sqrt(size), steps)
        T = np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)
        e, vectors = np.linalg.eigh(T)
        nodes[i, : len(e)], weights[i, : len(e)] = e, size * vectors[0] ** 2
    return Spectrum(nodes, weights)


def _lanczos(
    product: Callable[[FloatArray], FloatArray], v: FloatArray, steps: int
) -> tuple[FloatArray, FloatArray]:
    """Return diagonal (k,) and off-diagonal (k - 1,) after k <= steps steps, every vector orthogonalized."""
    basis = np.zeros((steps, len(v)))
    diagonal: list[float] = []
    beside: list[float] = []
    for k in range(steps):
        basis[k] = v
        image = product(v)
        diagonal.append(float(v @ image))
        image = image - basis[: k + 1].T @ (basis[: k + 1] @ image)
        norm = float(np.linalg.norm(image))
        if k == steps - 1 or norm <= 1e-12 * max(1e-300, abs(max(diagonal, key=abs))):
            break
        beside.append(norm)
        v = image / norm
    return np.array(diagonal), np.array(beside)
