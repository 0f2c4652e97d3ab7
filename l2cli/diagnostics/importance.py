"""Importance of correlated features: Shapley values of the variance that they explain.

With v(S) the variance of a response explained by least squares on the features S (together with what their
correlation tells of the others), feature j is worth what it adds to v on average over all orders,

    phi_j = sum over S without j of |S|! (g - |S| - 1)! / g!  [v(S + j) - v(S)],      sum_j phi_j = v(all).

Of y this is LMG (Lindeman, Merenda and Gold 1980; Gromping 2007, The American Statistician 61); of a model's
linear predictor, whose E[f | x_S] is linear for Gaussian features, the conditional Shapley effects (Owen and
Prieur 2017, SIAM/ASA JUQ 5, "On Shapley value for measuring importance of dependent inputs"; Aas, Jullum and
Loland 2021, Artificial Intelligence 298). The marginal (interventional) counterpart breaks the correlation:
the values of one row are phi_j(x) = w_j (x_j - mean_j) (Lundberg and Lee 2017, appendix on linear models),
and their variance is w_j^2 Var(x_j), of a group w_g' Cov_gg w_g. Groups of columns enter whole.

Notes
-----
Exact: all 2^g coalitions by sweeping the covariance matrix, level by level, the columns done with
dropped: about 2^g p flops. Else by random orders, each with its reverse (antithetic; Mitchell, Cooper, Frank
and Holmes 2022, JMLR 23, "Sampling permutations for Shapley value estimation"): one Cholesky factor of the
correlation matrix, bordered by the responses, in a random order gives all increments of it, p^3 / 3 flops.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
MOST_EXACT = 12
"""Groups up to which every coalition is looked at."""
MOST_EXACT_CELLS = 3e7
PERMUTATION_FLOPS = 1e9
LEAST_PAIRS, MOST_PAIRS = 16, 200
TIED = 1e-10
"""Pivots of the correlation matrix below this are rounding: the column adds nothing."""


class Shapley(NamedTuple):
    """Values (g, k) of each group for each response, their Monte Carlo standard errors (0: exact), orders."""

    values: FloatArray
    se: FloatArray
    orders: int | None


def shapley_variance(S: FloatArray, C: FloatArray, labels: IntArray, seed: int = 0) -> Shapley:
    """Return the Shapley values of the variance of some responses that groups of columns explain.

    Parameters
    ----------
    S : (p, p) float64
        Covariance (or Gram) matrix of the columns; those with 0 on the diagonal add nothing.
    C : (p, k) float64
        Covariances with the responses, in the same unit.
    labels : (p,) int
        Group of each column, 0 to g - 1.
    seed : int
        Of the random orders, where there are too many groups for all coalitions.

    Returns
    -------
    Shapley
        ``values`` sum over the groups to C'S^-1 C, the variance explained by all, for every response.
    """
    groups, k = int(labels.max(initial=-1)) + 1, C.shape[1]
    usable = np.diag(S) > 0.0
    scale = np.sqrt(np.diag(S)[usable])
    R, own = S[np.ix_(usable, usable)] / np.outer(scale, scale), labels[usable]
    unit = np.sqrt(np.maximum(_explained(R, C[usable] / scale[:, None]), 1e-300))
    B = C[usable] / scale[:, None] / unit
    sizes = np.bincount(own, minlength=groups)
    if groups <= MOST_EXACT and _cells(sizes) <= MOST_EXACT_CELLS:
        values, se, orders = _weighted(_coalitions(R, B, own, groups)), np.zeros((groups, k)), None
    else:
        values, se, orders = _sampled(R, B, own, groups, seed)
    return Shapley(values * unit**2, se * unit**2, orders)


def marginal_variance(S: FloatArray, u: FloatArray, labels: IntArray) -> FloatArray:
    """Return u_g' S_gg u_g of every group, summed over the columns of u (p, k): (g,)."""
    values = np.zeros(int(labels.max(initial=-1)) + 1)
    for g in range(len(values)):
        at = np.flatnonzero(labels == g)
        values[g] = float(np.sum(u[at] * (S[np.ix_(at, at)] @ u[at])))
    return values


def _explained(R: FloatArray, B: FloatArray) -> FloatArray:
    """Return diag B'R^+ B, (k,)."""
    e, V = np.linalg.eigh(R)
    keep = e > TIED
    return np.asarray((np.square(V[:, keep].T @ B) / e[keep][:, None]).sum(axis=0))


def _cells(sizes: IntArray) -> float:
    """Return the numbers that the levels of :func:`_coalitions` hold, all together."""
    left, total = int(sizes.sum()), 0.0
    for g, size in enumerate(sizes.tolist()):
        total += 2.0**g * left**2 * size
        left -= size
    return total


def _coalitions(R: FloatArray, B: FloatArray, labels: IntArray, groups: int) -> FloatArray:
    """Return the variance explained by every coalition, (2^g, k): bit g of its number says group g is in."""
    order = np.argsort(labels, kind="stable")
    sizes = np.bincount(labels, minlength=groups).tolist()
    A, b = R[np.ix_(order, order)][None], B[order][None]
    worth = np.zeros((1, B.shape[1]))
    for size in sizes:
        swept, rest, gained = A, b, worth
        for _ in range(size):
            pivot, row, first = swept[:, 0, 0], swept[:, 0, 1:], rest[:, 0]
            inverse = np.where(pivot > TIED, 1.0 / np.where(pivot > TIED, pivot, 1.0), 0.0)
            gained = gained + np.square(first) * inverse[:, None]
            along = row * inverse[:, None]
            swept = swept[:, 1:, 1:] - along[:, :, None] * row[:, None, :]
            rest = rest[:, 1:] - along[:, :, None] * first[:, None, :]
        A, b = np.concatenate([A[:, size:, size:], swept]), np.concatenate([b[:, size:], rest])
        worth = np.concatenate([worth, gained])
    return worth


def _weighted(worth: FloatArray) -> FloatArray:
    """Return the Shapley values (g, k) of the coalitions' worth (2^g, k)."""
    groups = len(worth).bit_length() - 1
    number = np.arange(len(worth))
    count = np.zeros(len(worth), dtype=np.int64)
    for g in range(groups):
        count += (number >> g) & 1
    weight = np.array([1.0 / (groups * math.comb(groups - 1, size)) for size in range(groups)] or [1.0])
    values = np.zeros((groups, worth.shape[1]))
    for g in range(groups):
        without = number[((number >> g) & 1) == 0]
        values[g] = weight[count[without]] @ (worth[without | (1 << g)] - worth[without])
    return values


def _sampled(
    R: FloatArray, B: FloatArray, labels: IntArray, groups: int, seed: int
) -> tuple[FloatArray, FloatArray, int]:
    """Return means and standard errors of the increments over random orders and their reverses."""
    p, k = B.shape
    border = np.zeros((p + k, p + k))
    border[:p, :p], border[:p, p:], border[p:, :p] = R, B, B.T
    border[p:, p:] = (k + 2.0) * np.eye(k)
    if np.linalg.eigvalsh(R)[0] < 1e3 * TIED:
        border[np.arange(p), np.arange(p)] += TIED  # a column that others make up adds 1e-10 of itself
    pairs = int(
        np.clip(PERMUTATION_FLOPS / (2.0 * (p + k) ** 3 / 3.0 + 50.0 * p**2), LEAST_PAIRS, MOST_PAIRS)
    )
    rng, found = np.random.default_rng(seed), np.zeros((pairs, groups, k))
    last = np.arange(p, p + k)
    for i in range(pairs):
        rank = rng.permutation(groups)
        for turn in (rank, groups - 1 - rank):
            order = np.argsort(turn[labels], kind="stable")
            at = np.append(order, last)
            gain = np.square(np.linalg.cholesky(border[np.ix_(at, at)])[p:, :p])
            for r in range(k):
                found[i, :, r] += 0.5 * np.bincount(labels[order], weights=gain[r], minlength=groups)
    return found.mean(axis=0), found.std(axis=0, ddof=1) / math.sqrt(pairs), 2 * pairs
