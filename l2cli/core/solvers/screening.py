"""Wide elastic nets: each stretch of the path is solved on the columns that may count, then proved on all.

Along decreasing lambdas the gradient of a coordinate changes by at most about its change in lambda, so that
one whose gradient at the last lambda solved is below (2 lambda - lambda_last) r l_j most likely stays zero
down to lambda (the sequential strong rule, Tibshirani, Bien, Friedman, Hastie, Simon, Taylor and Tibshirani
2012, "Strong rules for discarding predictors in lasso-type problems", J. R. Stat. Soc. B 74, equation 7). A
stretch of lambdas is solved on the others by an active set; one product with all columns then gives the
gradient at all of its lambdas, and where a column's condition is violated it joins and the stretch is solved
again: the answer is that of all columns.

Notes
-----
Per stretch 2 n p flops for each lambda, in one product that reads the columns once; an active set of s
columns costs O(n s) for each column that enters it, instead of O(n p).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from l2cli.core.penalties import Box, Groups, subgradient_distance
from l2cli.core.solvers.active_set import ActiveSet
from l2cli.core.solvers.gram import ProductGram
from l2cli.core.solvers.group_set import GroupSet

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
Maker = Callable[[ProductGram, FloatArray, Box | None, Groups | None], ActiveSet | GroupSet]
STRETCH = 3
"""Lambdas that are solved before all columns are looked at."""
MOST_ROUNDS = 50


class WideNet:
    """The elastic nets of wide rows A (n, p), q = A'b, for decreasing lambdas.

    Parameters
    ----------
    A : (n, p) float64
    kink, square : (p,) float64
        r l_j and (1 - r) d_j.
    box, groups : optional
        Bounds; columns that share a norm.
    make : callable
        Makes the solver of a quadratic from a Gram and these.
    tol : float
        Largest violation of the optimality conditions, in the unit of q.
    """

    def __init__(
        self, A: FloatArray, kink: FloatArray, square: FloatArray, box: Box | None, groups: Groups | None,
        make: Maker, tol: float,
    ) -> None:  # fmt: skip
        self.A, self.kink, self.square, self.box, self.groups = A, kink, square, box, groups
        self.make, self.tol = make, tol
        resting = np.zeros(A.shape[1]) if box is None else box.clip(np.zeros(A.shape[1]))
        self.used = (kink == 0.0) | (resting != 0.0)
        """Columns that the solver looks at."""
        if groups is not None:  # a group is looked at whole
            self.used = groups.norms(self.used.astype(np.float64))[groups.labels] > 0.0
        self._widen()

    def solve(
        self, lambdas: FloatArray, q: FloatArray, *, with_df: bool = True
    ) -> tuple[FloatArray, FloatArray]:
        """Return coefficients (p, L) and effective degrees of freedom (L,) (or NaN) at decreasing lambdas.

        Parameters
        ----------
        q : (p,) or (p, L) float64
        """
        p, count = len(self.kink), len(lambdas)
        Q = np.broadcast_to(q[:, None] if q.ndim == 1 else q, (p, count))
        u, df = np.zeros((p, count)), np.zeros(count)
        start = np.zeros(p) if self.box is None else self.box.clip(np.zeros(p))
        gradient, last = (
            self.A.T @ (self.A @ start) + lambdas[0] * self.square * start - Q[:, 0],
            float(lambdas[0]),
        )
        for first in range(0, count, STRETCH):
            at = slice(first, min(first + STRETCH, count))
            self._admit(gradient, 2.0 * float(lambdas[at][-1]) - last)
            for _ in range(MOST_ROUNDS):
                u[:, at], df[at] = self._stretch(start, lambdas[at], Q[:, at], with_df)
                slope = self.A.T @ (self._rows @ u[self.used, at])
                slope += np.multiply.outer(self.square, lambdas[at]) * u[:, at] - Q[:, at]
                missed = self._missed(slope, u[:, at], lambdas[at])
                if not missed.any():
                    break
                self._include(missed)
            start, gradient, last = u[:, at.stop - 1], slope[:, -1], float(lambdas[at][-1])
        return u, df

    def _missed(self, slope: FloatArray, u: FloatArray, lambdas: FloatArray) -> BoolArray:
        """Return the columns not in use whose conditions the gradient (p, S) violates."""
        if self.box is None and self.groups is None:  # they are zero
            least = (np.abs(slope) - np.multiply.outer(self.kink, lambdas)).max(axis=1)
            return np.asarray((least > self.tol) & ~self.used)
        kink = np.multiply.outer(self.kink, lambdas)
        off = subgradient_distance(slope, u, kink, self.box, self.groups)
        return np.asarray((np.abs(off).max(axis=1) > self.tol) & ~self.used)

    def _admit(self, gradient: FloatArray, level: float) -> None:
        """Let in the columns whose gradient reaches ``level`` times their kink."""
        size = np.divide(np.abs(gradient), self.kink, out=np.zeros_like(gradient), where=self.kink > 0.0)
        if self.groups is not None:
            size = self.groups.norms(size)[self.groups.labels]
        self._include(size >= level)

    def _include(self, columns: BoolArray) -> None:
        if self.groups is not None:
            columns = self.groups.norms(columns.astype(np.float64))[self.groups.labels] > 0.0
        if (columns & ~self.used).any():
            self.used = self.used | columns
            self._widen()

    def _widen(self) -> None:
        """Take the rows of the columns in use."""
        at = np.flatnonzero(self.used)
        box = None if self.box is None else Box(self.box.lower[at], self.box.upper[at])
        groups = None if self.groups is None else self.groups.select(at)
        self._rows = np.ascontiguousarray(self.A[:, at])
        gram = ProductGram(self._rows)
        self._active = self.make(gram, self.kink[at], box, groups)
        self._begun = False

    def _stretch(
        self, start: FloatArray, lambdas: FloatArray, Q: FloatArray, with_df: bool
    ) -> tuple[FloatArray, FloatArray]:
        """Return coefficients (p, S) and effective degrees of freedom (S,) on the columns in use."""
        at = np.flatnonzero(self.used)
        kink, square = self.kink[at], self.square[at]
        u, df = np.zeros((len(self.kink), len(lambdas))), np.zeros(len(lambdas))
        if not self._begun:
            self._active.begin(start[at], lambdas[0] * kink, lambdas[0] * square)
            self._begun = True
        for i, lam in enumerate(lambdas):
            u[at, i] = self._active.solve(Q[at, i], lam * kink, lam * square, tol=self.tol)
            df[i] = self._active.effective_df() if with_df else np.nan
        return u, df
