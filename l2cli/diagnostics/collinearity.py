"""Collinearity: variance inflation, of groups too, and the condition of the scaled design.

With R the correlation matrix of the columns (for other families than gaussian under the working weights;
without an intercept about zero),

    VIF_j = (R^-1)_jj,       GVIF_g = det R_gg det R_rest / det R

for a group of m columns (Fox and Monette 1992, JASA 87), whose GVIF^(1/m) is comparable to a VIF. With
eigenvalues e_k and eigenvectors of R, condition indices are sqrt(e_max / e_k), and column j has the share
(V_jk^2 / e_k) / VIF_j of its variance in dimension k (Belsley, Kuh and Welsch 1980, section 3.2; here of
centred columns, as the intercept takes no part in the penalty). Above 30 with two shares above a half they
speak of harm.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
TIED = 1e-10
"""Eigenvalues of R below this are rounding."""
MOST_GROUP_FLOPS = 2e10
LARGE_SHARE = 0.5


class Condition(NamedTuple):
    """Condition of a design.

    indices : (r,) ascending, of the directions that are there. tied : directions that are not.
    worst : (m,) the columns that share the worst dimension, or are tied. shares : (m,) their variance
    shares, NaN where tied.
    """

    indices: FloatArray
    tied: int
    worst: IntArray
    shares: FloatArray


def correlation(G: FloatArray) -> tuple[FloatArray, IntArray]:
    """Return the correlation matrix of the columns that vary, and which they are."""
    usable = np.flatnonzero(np.diag(G) > 0.0)
    scale = np.sqrt(np.diag(G)[usable])
    return G[np.ix_(usable, usable)] / np.outer(scale, scale), usable


def variance_inflation(G: FloatArray) -> FloatArray:
    """Return the VIF of every column of a Gram matrix (p, p), NaN where the others make it up: (p,)."""
    R, usable = correlation(G)
    found = np.full(len(G), np.nan)
    if not len(R):
        return found
    e, V = np.linalg.eigh(R)
    keep = e > TIED
    squares = np.square(V)
    vif = (squares[:, keep] / e[keep]).sum(axis=1)
    found[usable] = np.where(squares[:, ~keep].sum(axis=1) > 1e-6, np.nan, np.maximum(vif, 1.0))
    return found


def group_inflation(G: FloatArray, labels: IntArray) -> tuple[FloatArray, IntArray]:
    """Return the GVIF and the rank of every group of columns: (g,), (g,); NaN where the others make it up.

    A group of one column has its VIF. A group's own redundant columns (one for every level) do not count.
    """
    groups = int(labels.max(initial=-1)) + 1
    R, usable = correlation(G)
    own, vif = labels[usable], variance_inflation(G)
    gvif, rank = np.full(groups, np.nan), np.zeros(groups, dtype=np.int64)
    affordable = float((np.bincount(own, minlength=groups) > 1).sum()) * len(R) ** 3 <= MOST_GROUP_FLOPS
    for g in range(groups):
        at, rest = np.flatnonzero(own == g), np.flatnonzero(own != g)
        rank[g] = len(at)
        if len(at) == 1:
            gvif[g] = vif[usable[at[0]]]
        elif len(at) and affordable:
            e, V = np.linalg.eigh(R[np.ix_(at, at)])
            basis = V[:, e > TIED] / np.sqrt(e[e > TIED])
            cross = R[np.ix_(rest, at)] @ basis
            inside = np.linalg.pinv(R[np.ix_(rest, rest)], rcond=TIED, hermitian=True) @ cross
            left = np.linalg.eigvalsh(np.eye(basis.shape[1]) - cross.T @ inside)
            rank[g] = basis.shape[1]
            if left[0] > TIED:
                gvif[g] = float(1.0 / np.prod(np.minimum(left, 1.0)))
    return gvif, rank


def condition(G: FloatArray, labels: IntArray) -> Condition | None:
    """Return the condition of the design of a Gram matrix; None without a column that varies.

    Of a group whose own columns are redundant (one for every level) only independent ones take part.
    """
    R, usable = correlation(G)
    kept = _independent(R, labels[usable])
    R, usable = R[np.ix_(kept, kept)], usable[kept]
    if not len(R):
        return None
    e, V = np.linalg.eigh(R)
    there = e > TIED
    indices = np.sqrt(e[-1] / e[there])[::-1]
    if not there.all():
        share = np.square(V[:, ~there]).sum(axis=1)
        worst = np.flatnonzero(share > 1e-6)
        return Condition(indices, int((~there).sum()), usable[worst], np.full(len(worst), np.nan))
    parts = np.square(V) / e
    share = parts[:, 0] / parts.sum(axis=1)
    worst = np.argsort(-share, kind="stable")
    worst = worst[share[worst] > LARGE_SHARE]
    return Condition(indices, 0, usable[worst], share[worst])


def _independent(R: FloatArray, labels: IntArray) -> IntArray:
    """Return columns of R without those that earlier ones of their own group make up."""
    kept = np.ones(len(R), dtype=bool)
    for g in np.flatnonzero(np.bincount(labels) > 1) if len(labels) else ():
        at = np.flatnonzero(labels == g)
        A = R[np.ix_(at, at)].copy()
        for i in range(len(at)):
            if A[i, i] <= TIED:
                kept[at[i]] = False
            else:
                A[i + 1 :, i + 1 :] -= np.outer(A[i + 1 :, i], A[i, i + 1 :]) / A[i, i]
    return np.flatnonzero(kept)
