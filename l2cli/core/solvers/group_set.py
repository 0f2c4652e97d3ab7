"""Quadratics with group norms and bounds, exactly: an active set of groups, where the objective is smooth.

Minimises, warm-started from its last answer,

    1/2 v'(G + diag b) v - q'v + sum_g |a_g o v_g|_2    over    lower <= v <= upper

for a positive semidefinite G (o: entry by entry; a group of one has the term a |v|, coordinates with a = 0
are free). It serves a gaussian group lasso (G the Gram matrix, q = X'y) and the inner problem of every Newton
step of the other families, as :class:`l2cli.core.solvers.active_set.ActiveSet` does for the lasso.

The columns are first divided by a over its level in the group, which leaves plain norms with one weight w_g
for each group. Groups that are not zero move by damped Newton steps, with the curvature w_g (I/n - v v'/n^3),
n = |v_g|, of their norm. A group whose own minimiser beside the others is zero, |q_g - (Gv)_g + G_gg v_g| <=
w_g, is set to zero; at the minimiser of the active groups those that violate |gradient_g| <= w_g enter at
their own minimiser. A coordinate at a bound that the slope presses against it rests; the others take the
Newton step, cut off at the bounds (Bertsekas 1982, SIAM J. Control Optim. 20(2), "Projected Newton methods
for optimization problems with simple constraints"), and what a bound at 0 stops does not count in
|gradient_g|.
Each move lowers the objective, so no set of groups comes back (Yuan and Lin 2006, J. R. Stat. Soc. B 68(1),
"Model selection and estimation in regression with grouped variables", for the conditions; Roth and Fischer
2008, ICML, "The group-lasso for generalized linear models", for active sets of groups).

Notes
-----
A Newton step costs m^3 / 3 flops for m active columns and one product with G, O(p m); convergence is
quadratic.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from l2cli.core.penalties import Box
from l2cli.core.solvers.group_block import block_minimiser, boxed_minimiser
from l2cli.core.solvers.group_quadratic import GroupQuadratic

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
EPS = float(np.finfo(np.float64).eps)
ROUNDING = 8.0 * EPS
"""Share of its terms below which a gradient is rounding."""
MAX_STEPS = 100
HALVINGS = 40
SHORT = 0.1
"""A Newton step cut to less than this share is followed by a sweep over the groups."""
FLAT = (1e-12, 1e-9, 1e-6, 1e-3)
"""Shares of each column's curvature, one tried after another, that are added to it.

Where tied columns leave none, a step is then no longer than J can be computed for.
"""


class GroupSet(GroupQuadratic):
    """The minimiser of one Gram's quadratics with group norms, for one q, a and b after another.

    The parameters are those of :class:`l2cli.core.solvers.group_quadratic.GroupQuadratic`.
    """

    def solve(self, q: FloatArray, a: FloatArray, b: FloatArray, *, tol: float) -> FloatArray:
        """Return the minimiser (p,), the optimality conditions met to ``tol`` (the unit of q).

        Parameters
        ----------
        q : (p,) float64
        a, b : (p,) float64, not negative
            Weights in the norms (a multiple of ``level``) and of the squares.

        Notes
        -----
        What rounding leaves of the gradient, eps sum_j |G_ij v_j|, is no violation: a smaller ``tol`` is
        raised to it. Callers certify the answer.
        """
        self._load(q, a, b)
        tol /= float(self._scale.max(initial=1.0))
        size = np.sqrt(self._gram.diagonal)
        largest, unit = float(size.max(initial=0.0)), float(np.abs(self._q).max(initial=0.0))
        for _ in range(5 * len(self._w) + 100):
            floor = ROUNDING * (largest * float(size @ np.abs(self._v)) + unit)
            self._descend(max(tol, floor))
            violation = self._violation()
            if float(violation.max(initial=0.0)) <= max(tol, floor):
                break
            moved = [self._minimise(int(g)) for g in np.flatnonzero(violation >= 0.5 * violation.max())]
            if not any(moved):
                break
        return self._unscaled()

    def _descend(self, tol: float) -> None:
        """Move the active groups to their minimiser by damped Newton steps."""
        for _ in range(MAX_STEPS):
            A = self._active()
            if not len(A):
                return
            if self._drop(A):
                continue
            slope, free = self._slope(A)
            if float(np.abs(slope).max()) <= tol:
                return
            H = _part(self._curvature(A), free)
            reach, step = 0.0, np.zeros(len(A))
            for share in FLAT:
                step[free] = _solved(H, slope[free], share)
                reach = self._move(A, step, slope)
                if reach > 0.0:
                    break
            # close to zero a norm bends more than a Newton step can follow
            if reach < SHORT:
                fell = self._reweigh()
                if not (self._sweep() or fell or reach > 0.0):
                    return

    def _move(self, A: IntArray, step: FloatArray, slope: FloatArray) -> float:
        """Take the step within the bounds, halved until J falls; return the share, 0 where none lowers J."""
        v, product, before, size = self._v, self._product, self._objective(), float(np.abs(slope).max())
        promised, t = float(slope @ step), 1.0
        if not promised > 0.0:  # not finite, or no descent: rounding made the curvature indefinite
            return 0.0
        whole: FloatArray | None = None
        for _ in range(HALVINGS):
            self._v = v.copy()
            self._v[A] -= t * step
            gain, straight = t * promised, True
            if self._bounded:
                cut = self._box.clip(self._v)
                straight = np.array_equal(cut, self._v)
                if not straight:
                    self._v, gain = cut, float(slope @ (v - cut)[A])
            if straight and whole is not None:  # on a line the product is linear
                self._product = product + t * (whole - product)
            else:
                self._product = self._gram.product(self._v)
                whole = self._product if straight and t == 1.0 else None
            here = self._objective()
            if gain > 0.0 and here <= before - 1e-4 * gain:
                return t
            # near the minimum J no longer tells, the slope does
            level = abs(here - before) <= 1e-12 * abs(before)
            if t == 1.0 and level and float(np.abs(self._slope(A)[0]).max()) < 0.5 * size:
                return t
            t = min(0.5 * t, self._first_zero(v, A, step)) if t == 1.0 else 0.5 * t
        self._v, self._product = v, product
        return 0.0

    def _first_zero(self, v: FloatArray, A: IntArray, step: FloatArray) -> float:
        """Return the share of the step at which the first group has come as near to zero as it does.

        Where tied columns leave no curvature J falls in a straight line up to there.
        """
        full = np.zeros(len(v))
        full[A] = step
        towards = np.bincount(self.groups.labels, v * full, len(self._w))
        size = self.groups.norms(v) ** 2
        return float(np.divide(size, towards, out=np.full(len(size), np.inf), where=towards > 0.0).min())

    def _reweigh(self) -> bool:
        """Move to the minimiser with |v_g| replaced by its majorizer (|v_g|^2 / n + n) / 2; True if J fell.

        It touches J at the point, so J falls however near to zero a group is (iteratively reweighted least
        squares; Hunter and Li 2005, Ann. Statist. 33, "Variable selection using MM algorithms").
        """
        A, v, product, before = self._active(), self._v, self._product, self._objective()
        free = self._slope(A)[1]
        norm = self.groups.norms(v)
        turn = np.divide(self._w, norm, out=np.zeros_like(norm), where=norm > 0.0)
        G, A = _part(self._blocks(A)[0], free), A[free]
        pull = self._q[A]
        if self._bounded:  # what is at rest at a bound pulls too
            pull = pull - (product[A] - G @ v[A])
        H, at = G.copy(), np.arange(len(A))
        H[at, at] += self._b[A] + turn[self.groups.labels[A]]
        self._v = v.copy()
        self._v[A] = _solved(H, pull, FLAT[0])
        if np.isfinite(self._v).all():
            self._v = self._box.clip(self._v)
            self._product = self._gram.product(self._v)
            if self._objective() < before:
                return True
        self._v, self._product = v, product
        return False

    def _sweep(self) -> bool:
        """Move every group that is not zero to its own minimiser in turn; return True if J fell."""
        before = self._objective()
        moving = (self.groups.norms(self._v) > 0.0) & (self._w > 0.0)
        if self._bounded:  # a free coordinate may have been kept from its bound by the others' step
            moving |= self._boxed & self._among(self._free)
        for g in np.flatnonzero(moving).tolist():
            self._minimise(g)
        self._product = self._gram.product(self._v)
        return self._objective() < before

    def _drop(self, A: IntArray) -> bool:
        """Set active groups to zero, one after another, whose own minimiser is zero; return True if any."""
        v = self._v[A]
        own = self._blocks(A)[1] @ v + self._b[A] * v
        rest = np.zeros(len(self._v))
        rest[A] = own - self._pull()[A]
        norms, alive = self.groups.norms(self._open(rest)), self.groups.norms(self._v) > 0.0
        alive &= ~self._held_off
        candidates = np.flatnonzero(alive & (self._w > 0.0) & (norms <= self._w)).tolist()
        for g in candidates:
            self._minimise(g)
        return bool(candidates)

    def _violation(self) -> FloatArray:
        """Return by how much the gradient of every zero group exceeds its weight: (g,)."""
        pull = self._pull()
        pull[self._free] = 0.0
        excess = self.groups.norms(self._open(-pull)) - self._w
        return np.where(self.groups.norms(self._v) > 0.0, 0.0, np.maximum(excess, 0.0))

    def _minimise(self, g: int) -> bool:
        """Move a group to its own minimiser beside the others; return True if that is not zero."""
        members, boxed = self.groups.members(g), bool(self._boxed[g])
        if not boxed:
            members = members[~self._fixed[members]]
        rows = self._gram.rows(members)
        block = self._gram.block(members, members) + np.diag(self._b[members])
        v = self._v[members]
        c, w = block @ v - self._pull()[members], float(self._w[g])
        if boxed:
            best = boxed_minimiser(block, c, w, Box(self._box.lower[members], self._box.upper[members]))
        else:
            best = block_minimiser(block, c, w)
        self._v[members] = best
        self._product = self._product + (best - v) @ rows
        return bool(best.any())


def _part(matrix: FloatArray, which: BoolArray) -> FloatArray:
    """Return some rows and the same columns, the matrix itself where that is all."""
    return matrix if which.all() else matrix[np.ix_(which, which)]


def _solved(H: FloatArray, slope: FloatArray, share: float) -> FloatArray:
    """Return the step of (H + share diag H) step = slope by columns of unit size; NaN if singular."""
    at, size = np.arange(len(H)), np.sqrt(np.maximum(np.diag(H), 0.0))
    size[size == 0.0] = 1.0
    raised = H / np.outer(size, size)
    raised[at, at] += share
    try:
        return np.asarray(np.linalg.solve(raised, slope / size) / size)
    except np.linalg.LinAlgError:
        return np.full(len(slope), np.nan)
