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
columns costs O(n s) for each column that enters it, instead of O(n p). Columns that join are put behind those
there are, so that what the active set knows stays. Fits that share rows (folds) can share the products:
whoever runs :meth:`WideNet.steps` makes them. Measured at 200 x 10,000, ten folds: the products with all
columns were 40 % of the time when each fold made its own, 5 % together.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.penalties import Box, Groups, subgradient_distance
from l2cli.core.solvers.active_set import ActiveSet
from l2cli.core.solvers.gram import ProductGram
from l2cli.core.solvers.group_set import GroupSet

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
Take = Callable[[IntArray], FloatArray]
Maker = Callable[[ProductGram, FloatArray, Box | None, Groups | None], ActiveSet | GroupSet]
STRETCH = 3
"""Lambdas that are solved before all columns are looked at."""
MOST_ROUNDS = 50


class WideAnswer(NamedTuple):
    """Elastic nets at L lambdas.

    u : (p, L) coefficients. df : (L,) effective degrees of freedom, NaN where they were not asked for.
    off : the largest violation of the optimality conditions by the products with all columns, in the unit of
    q.
    """

    u: FloatArray
    df: FloatArray
    off: float


Steps = Generator[FloatArray, FloatArray, WideAnswer]
"""Yields products A v (n, S) and is sent A' times them (p, S)."""


class WideNet:
    """The elastic nets of wide rows A (n, p), q = A'b, for decreasing lambdas.

    Parameters
    ----------
    take : callable
        Returns the columns of A at some positions, (n, m).
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
        self, take: Take, kink: FloatArray, square: FloatArray, box: Box | None, groups: Groups | None,
        make: Maker, tol: float,
    ) -> None:  # fmt: skip
        self.take, self.kink, self.square, self.box, self.groups = take, kink, square, box, groups
        self.make, self.tol = make, tol
        self._resting = np.zeros(len(kink)) if box is None else box.clip(np.zeros(len(kink)))
        self.used = np.zeros(len(kink), dtype=bool)
        """Columns that the solver looks at."""
        self._at = np.zeros(0, dtype=np.int64)
        self._active: ActiveSet | GroupSet | None = None
        self._include((kink == 0.0) | (self._resting != 0.0))

    def steps(self, lambdas: FloatArray, q: FloatArray, *, with_df: bool = True) -> Steps:
        """Yield what A' is to be multiplied with, and return the answer at decreasing lambdas.

        Parameters
        ----------
        q : (p,) or (p, L) float64
        """
        p, count = len(self.kink), len(lambdas)
        Q = np.broadcast_to(q[:, None] if q.ndim == 1 else q, (p, count))
        # lambda by lambda in memory, as the products come: a stretch then lies together
        u, df, off = np.zeros((count, p)).T, np.zeros(count), 0.0
        start, last = self._resting, float(lambdas[0])
        gradient = last * self.square * start - Q[:, 0]
        if start.any():
            gradient += (yield self._rows @ start[self._at, None])[:, 0]
        for first in range(0, count, STRETCH):
            at = slice(first, min(first + STRETCH, count))
            self._admit(gradient, 2.0 * float(lambdas[at][-1]) - last)
            for _ in range(MOST_ROUNDS):
                values, df[at] = self._stretch(start, lambdas[at], Q[:, at], with_df)
                u[self._at, at] = values
                slope = (yield self._rows @ values) - Q[:, at]
                if self.square.any():
                    slope += np.multiply.outer(lambdas[at], self.square).T * u[:, at]
                violation = self._violation(slope, u[:, at], lambdas[at])
                missed = (violation > self.tol) & ~self.used
                if not missed.any():
                    break
                self._include(missed)
            off = max(off, float(violation.max(initial=0.0)))
            start, gradient, last = u[:, at.stop - 1], slope[:, -1], float(lambdas[at][-1])
        return WideAnswer(u, df, off)

    def _violation(self, slope: FloatArray, u: FloatArray, lambdas: FloatArray) -> FloatArray:
        """Return each column's largest violation (p,) of its conditions, by the gradient (p, S)."""
        kink = np.multiply.outer(lambdas, self.kink).T
        if self.box is None and self.groups is None:  # a column that is not looked at is zero
            worst = np.asarray((np.abs(slope) - kink).max(axis=1))
            at = self._at
            worst[at] = np.abs(subgradient_distance(slope[at], u[at], kink[at])).max(axis=1)
            return worst
        off = subgradient_distance(slope, u, kink, self.box, self.groups)
        return np.asarray(np.abs(off).max(axis=1))

    def _admit(self, gradient: FloatArray, level: float) -> None:
        """Let in the columns whose gradient reaches ``level`` times their kink."""
        size = np.divide(np.abs(gradient), self.kink, out=np.zeros_like(gradient), where=self.kink > 0.0)
        if self.groups is not None:
            size = self.groups.norms(size)[self.groups.labels]
        self._include(size >= level)

    def _include(self, columns: BoolArray) -> None:
        """Look at some more columns."""
        if self.groups is not None:  # a group is looked at whole
            columns = self.groups.norms(columns.astype(np.float64))[self.groups.labels] > 0.0
        new = np.flatnonzero(columns & ~self.used)
        if self._active is not None and not len(new):
            return
        self.used[new] = True
        at = np.append(self._at, new)
        rows = self.take(new)
        box = None if self.box is None else Box(self.box.lower[at], self.box.upper[at])
        if isinstance(self._active, ActiveSet):
            self._active.widen(rows, *(box or ()))
        else:
            gram = ProductGram(rows if self._active is None else np.hstack([self._rows, rows]))
            groups = None if self.groups is None else self.groups.select(at)
            self._active = self.make(gram, self.kink[at], box, groups)
            self._begun = False
        self._at = at

    @property
    def _rows(self) -> FloatArray:
        """The columns that are looked at, (n, m)."""
        gram = self._solver.gram
        assert isinstance(gram, ProductGram)
        return gram.A

    @property
    def _solver(self) -> ActiveSet | GroupSet:
        assert self._active is not None
        return self._active

    def _stretch(
        self, start: FloatArray, lambdas: FloatArray, Q: FloatArray, with_df: bool
    ) -> tuple[FloatArray, FloatArray]:
        """Return coefficients (m, S) and effective degrees of freedom (S,) on the columns in use."""
        at, active = self._at, self._solver
        kink, square = self.kink[at], self.square[at]
        u, df = np.zeros((len(at), len(lambdas))), np.full(len(lambdas), np.nan)
        if not self._begun:
            active.begin(start[at], lambdas[0] * kink, lambdas[0] * square)
            self._begun = True
        for i, lam in enumerate(lambdas):
            u[:, i] = active.solve(Q[at, i], lam * kink, lam * square, tol=self.tol)
            if with_df:
                df[i] = active.effective_df()
        return u, df


def solve_steps(steps: Steps, A: FloatArray) -> WideAnswer:
    """Return the answer of :meth:`WideNet.steps` for the rows A (n, p)."""
    fitted = next(steps)
    while True:
        try:
            fitted = steps.send(A.T @ fitted)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
