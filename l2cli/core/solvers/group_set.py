"""Quadratics with group norms, exactly: an active set of groups, on which the objective is smooth.

Minimises, warm-started from its last answer,

    1/2 v'(G + diag b) v - q'v + sum_g |a_g o v_g|_2

for a positive semidefinite G (o: entry by entry; a group of one has the term a |v|, coordinates with a = 0
are free). It serves a gaussian group lasso (G the Gram matrix, q = X'y) and the inner problem of every Newton
step of the other families, as :class:`l2cli.core.solvers.active_set.ActiveSet` does for the lasso.

The columns are first divided by a over its level in the group, which leaves plain norms with one weight w_g
for each group. Groups that are not zero move by damped Newton steps, with the curvature w_g (I/n - v v'/n^3),
n = |v_g|, of their norm. A group whose own minimiser beside the others is zero, |q_g - (Gv)_g + G_gg v_g| <=
w_g, is set to zero; at the minimiser of the active groups those that violate |gradient_g| <= w_g enter at
their own minimiser. Each move lowers the objective, so no set of groups comes back (Yuan and Lin 2006, J. R.
Stat. Soc. B 68(1), "Model selection and estimation in regression with grouped variables", for the conditions;
Roth and Fischer 2008, ICML, "The group-lasso for generalized linear models", for active sets of groups).

Notes
-----
A Newton step costs m^3 / 3 flops for m active columns and one product with G, O(p m); convergence is
quadratic.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from l2cli.core.penalties import Groups
from l2cli.core.solvers.gram import Gram

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


class GroupSet:
    """The minimiser of one Gram's quadratics with group norms, for one q, a and b after another.

    Parameters
    ----------
    gram : Gram
    groups : Groups
        Of the coordinates.
    level : (p,) float64, not negative
        What every ``a`` will be a multiple of.
    fixed : (p,) bool, optional
        Coordinates that stay at 0.
    """

    def __init__(self, gram: Gram, groups: Groups, level: FloatArray, fixed: BoolArray | None = None) -> None:
        self.gram, self.groups = gram, groups
        self._fixed = np.zeros(len(level), dtype=bool) if fixed is None else fixed
        unit = groups.norms(level) / np.sqrt(groups.sizes)
        self._scale = np.where(level > 0.0, level / np.where(unit > 0.0, unit, 1.0)[groups.labels], 1.0)
        self._gram = gram if np.allclose(self._scale, 1.0, rtol=EPS, atol=0.0) else gram.scaled(self._scale)
        self._free = (level == 0.0) & ~self._fixed & (self._gram.diagonal > 0.0)
        p = len(gram.diagonal)
        self._v, self._product = np.zeros(p), np.zeros(p)
        self._q, self._b, self._w = np.zeros(p), np.zeros(p), np.zeros(len(groups.sizes))
        self._gram.rows(np.flatnonzero(self._free))
        none = np.zeros((0, 0))
        self._cached = (np.zeros(0, dtype=np.int64), none, none, none.astype(bool))

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
        return self._v / self._scale

    def begin(self, v: FloatArray, a: FloatArray, b: FloatArray) -> None:
        """Start from v."""
        self._load(self._q * self._scale, a, b)
        self._v = v * self._scale
        self._gram.rows(np.flatnonzero(self._v))
        self._product = self._gram.product(self._v)

    def effective_df(self) -> float:
        """Return tr[(H_A + b)^-1 G_A] over the active columns A, H_A the curvature of J / 2 there.

        (Vaiter, Deledalle, Peyre, Fadili and Dossal 2012, "The degrees of freedom of the group lasso".)
        """
        A = self._active()
        if not len(A):
            return 0.0
        H, G = self._curvature(A), self._blocks(A)[0]
        size = np.sqrt(np.maximum(np.diag(G), 0.0))
        size[size == 0.0] = 1.0
        square = np.outer(size, size)
        # tied columns share what they have in common: the pseudo-inverse counts it once
        return float(
            np.sum(np.linalg.pinv(H / square, rcond=len(A) * EPS * 10.0, hermitian=True) * (G / square))
        )

    def _blocks(self, A: IntArray) -> tuple[FloatArray, FloatArray, BoolArray]:
        """Return the Gram of the active coordinates, its part within groups, and what is within a group."""
        if not np.array_equal(A, self._cached[0]):
            labels, block = self.groups.labels[A], self._gram.block(A, A)
            same = labels[:, None] == labels
            self._cached = (A, block, np.where(same, block, 0.0), same)
        return self._cached[1:]

    def _load(self, q: FloatArray, a: FloatArray, b: FloatArray) -> None:
        self._q, self._b = q / self._scale, b / self._scale**2
        self._w = self.groups.norms(a / self._scale) / np.sqrt(self.groups.sizes)

    def _active(self) -> IntArray:
        """Return the coordinates that are free or in a group that is not zero."""
        alive = self.groups.norms(self._v) > 0.0
        return np.flatnonzero((alive[self.groups.labels] | self._free) & ~self._fixed)

    def _pull(self) -> FloatArray:
        """Return the gradient of the smooth part (p,), 0 for what is fixed."""
        return np.where(self._fixed, 0.0, self._product + self._b * self._v - self._q)

    def _objective(self) -> float:
        smooth = 0.5 * self._v @ (self._product + self._b * self._v) - self._q @ self._v
        return float(smooth + self._w @ self.groups.norms(self._v))

    def _slope(self, A: IntArray) -> FloatArray:
        """Return the gradient of J / 2 along the active coordinates."""
        norm, labels = self.groups.norms(self._v), self.groups.labels[A]
        turn = np.divide(self._w, norm, out=np.zeros_like(norm), where=norm > 0.0)
        return np.asarray(self._pull()[A] + turn[labels] * self._v[A])

    def _curvature(self, A: IntArray) -> FloatArray:
        """Return the curvature of J / 2 along the active coordinates."""
        norm, labels, v = self.groups.norms(self._v), self.groups.labels[A], self._v[A]
        turn = np.divide(self._w, norm, out=np.zeros_like(norm), where=norm > 0.0)[labels]
        unit = np.divide(v, norm[labels], out=np.zeros_like(v), where=turn > 0.0)
        block, _, same = self._blocks(A)
        H: FloatArray = same * (turn * unit)[:, None]
        H *= -unit
        H += block
        H[np.arange(len(A)), np.arange(len(A))] += self._b[A] + turn
        return H

    def _descend(self, tol: float) -> None:
        """Move the active groups to their minimiser by damped Newton steps."""
        for _ in range(MAX_STEPS):
            A = self._active()
            if not len(A):
                return
            if self._drop(A):
                continue
            slope = self._slope(A)
            if float(np.abs(slope).max()) <= tol:
                return
            H = self._curvature(A)
            reach = 0.0
            for share in FLAT:
                reach = self._move(A, _solved(H, slope, share), slope)
                if reach > 0.0:
                    break
            # close to zero a norm bends more than a Newton step can follow
            if reach < SHORT:
                fell = self._reweigh()
                if not (self._sweep() or fell or reach > 0.0):
                    return

    def _move(self, A: IntArray, step: FloatArray, slope: FloatArray) -> float:
        """Take the step, halved until J falls; return the share taken, 0 where rounding forbids any."""
        v, product, before, size = self._v, self._product, self._objective(), float(np.abs(slope).max())
        promised, t = float(slope @ step), 1.0
        if not promised > 0.0:  # not finite, or no descent: rounding made the curvature indefinite
            return 0.0
        for _ in range(HALVINGS):
            self._v = v.copy()
            self._v[A] -= t * step
            self._product = self._gram.product(self._v)
            here = self._objective()
            if here <= before - 1e-4 * t * promised:
                return t
            # near the minimum J no longer tells, the slope does
            level = abs(here - before) <= 1e-12 * abs(before)
            if t == 1.0 and level and float(np.abs(self._slope(A)).max()) < 0.5 * size:
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
        norm = self.groups.norms(v)
        turn = np.divide(self._w, norm, out=np.zeros_like(norm), where=norm > 0.0)[self.groups.labels[A]]
        H = self._blocks(A)[0].copy()
        at = np.arange(len(A))
        H[at, at] += self._b[A] + turn
        self._v = v.copy()
        self._v[A] = _solved(H, self._q[A], FLAT[0])
        if np.isfinite(self._v).all():
            self._product = self._gram.product(self._v)
            if self._objective() < before:
                return True
        self._v, self._product = v, product
        return False

    def _sweep(self) -> bool:
        """Move every group that is not zero to its own minimiser in turn; return True if J fell."""
        before = self._objective()
        for g in np.flatnonzero((self.groups.norms(self._v) > 0.0) & (self._w > 0.0)).tolist():
            self._minimise(g)
        self._product = self._gram.product(self._v)
        return self._objective() < before

    def _drop(self, A: IntArray) -> bool:
        """Set active groups to zero, one after another, whose own minimiser is zero; return True if any."""
        v = self._v[A]
        own = self._blocks(A)[1] @ v + self._b[A] * v
        rest = np.zeros(len(self._v))
        rest[A] = own - self._pull()[A]
        norms, alive = self.groups.norms(rest), self.groups.norms(self._v) > 0.0
        candidates = np.flatnonzero(alive & (self._w > 0.0) & (norms <= self._w)).tolist()
        for g in candidates:
            self._minimise(g)
        return bool(candidates)

    def _violation(self) -> FloatArray:
        """Return by how much the gradient of every zero group exceeds its weight: (g,)."""
        pull = self._pull()
        pull[self._free] = 0.0
        excess = self.groups.norms(pull) - self._w
        return np.where(self.groups.norms(self._v) > 0.0, 0.0, np.maximum(excess, 0.0))

    def _minimise(self, g: int) -> bool:
        """Move a group to its own minimiser beside the others; return True if that is not zero."""
        members = self.groups.members(g)
        members = members[~self._fixed[members]]
        rows = self._gram.rows(members)
        block = self._gram.block(members, members) + np.diag(self._b[members])
        v = self._v[members]
        best = block_minimiser(block, block @ v - self._pull()[members], float(self._w[g]))
        self._v[members] = best
        self._product = self._product + (best - v) @ rows
        return bool(best.any())


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


def block_minimiser(block: FloatArray, c: FloatArray, w: float) -> FloatArray:
    """Return the minimiser (m,) of 1/2 v'Bv - c'v + w |v|, zero where |c| <= w.

    With B = E diag(e) E' and x = E'c / (e s + w), v = s E x where s = |v| solves |x(s)| = 1. 1/|x| is concave
    and rises in s, so Newton's method from s = 0 comes to it from below.
    """
    if float(np.linalg.norm(c)) <= w:
        return np.zeros_like(c)
    e, E = np.linalg.eigh(block)
    e = np.maximum(e, len(e) * EPS * float(e.max(initial=0.0)))
    turned, s = E.T @ c, 0.0
    if not e[-1] > 0.0:
        return np.zeros_like(c)
    if w == 0.0:
        return np.asarray(E @ (turned / e))
    for _ in range(100):
        x = turned / (e * s + w)
        length = float(np.linalg.norm(x))
        step = (length - 1.0) * length**2 / float(x @ (e / (e * s + w) * x))
        s += step
        if not step > 4.0 * EPS * s:
            break
    return np.asarray(E @ (s * turned / (e * s + w)))
