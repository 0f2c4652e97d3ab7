"""A quadratic with group norms between bounds, at a point: its value, slope and curvature.

The objective and the division of its columns are those of :mod:`l2cli.core.solvers.group_set`, which moves
the point.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from l2cli.core.penalties import Box, Groups
from l2cli.core.solvers.gram import Gram

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
EPS = float(np.finfo(np.float64).eps)


class GroupQuadratic:
    """One Gram's quadratics with group norms, for one q, a and b after another.

    Parameters
    ----------
    gram : Gram
    groups : Groups
        Of the coordinates.
    level : (p,) float64, not negative
        What every ``a`` will be a multiple of.
    box : Box, optional
        Bounds.
    """

    def __init__(self, gram: Gram, groups: Groups, level: FloatArray, box: Box | None = None) -> None:
        self.gram, self.groups = gram, groups
        open_end = np.full(len(level), np.inf)
        self._given = Box(-open_end, open_end) if box is None else box
        still = (level == 0.0) & ~(gram.diagonal > 0.0)
        """What neither data nor penalty says anything of: left where it is."""
        self._fixed = (self._given.lower == self._given.upper) | still
        unit = groups.norms(level) / np.sqrt(groups.sizes)
        self._scale = np.where(level > 0.0, level / np.where(unit > 0.0, unit, 1.0)[groups.labels], 1.0)
        self._gram = gram if np.allclose(self._scale, 1.0, rtol=EPS, atol=0.0) else gram.scaled(self._scale)
        self._free = (level == 0.0) & ~self._fixed
        self._box = Box(self._given.lower * self._scale, self._given.upper * self._scale)
        resting = self._box.clip(np.zeros(len(level)))
        self._boxed = self._among((np.isfinite(self._box).any(axis=0) & ~self._fixed) | (resting != 0.0))
        """Groups with a bound, other than 0 for what is fixed there."""
        self._bounded = bool(self._boxed.any())
        self._held_off = self._among(resting != 0.0)
        """Groups that the bounds keep away from zero."""
        p = len(gram.diagonal)
        self._v, self._product = resting, self._gram.product(resting) if resting.any() else np.zeros(p)
        self._q, self._b, self._w = np.zeros(p), np.zeros(p), np.zeros(len(groups.sizes))
        self._gram.rows(self._active())
        none = np.zeros((0, 0))
        self._cached = (np.zeros(0, dtype=np.int64), none, none, none.astype(bool))

    def begin(self, v: FloatArray, a: FloatArray, b: FloatArray) -> None:
        """Start from v (within the bounds)."""
        self._load(self._q * self._scale, a, b)
        self._v = self._box.clip(v * self._scale)
        self._gram.rows(self._active())
        self._product = self._gram.product(self._v)

    def effective_df(self) -> float:
        """Return tr[(H_A + b)^-1 G_A] over the active columns A between bounds, H_A the curvature of J / 2.

        (Vaiter, Deledalle, Peyre, Fadili and Dossal 2012, "The degrees of freedom of the group lasso".)
        """
        A = self._active()
        A = A[(self._v[A] > self._box.lower[A]) & (self._v[A] < self._box.upper[A])]
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

    def _unscaled(self) -> FloatArray:
        """Return v as callers know it: what is at a bound is exactly there."""
        u = self._given.clip(self._v / self._scale)
        u = np.where(self._v <= self._box.lower, self._given.lower, u)
        return np.where(self._v >= self._box.upper, self._given.upper, u)

    def _among(self, coordinates: BoolArray) -> BoolArray:
        """Return the groups (g,) that some of the coordinates (p,) belong to."""
        return np.bincount(self.groups.labels[coordinates], minlength=len(self.groups.sizes)) > 0

    def _active(self) -> IntArray:
        """Return the coordinates that are unpenalized or in a group that is not zero."""
        alive = self.groups.norms(self._v) > 0.0
        return np.flatnonzero((alive[self.groups.labels] | self._free) & ~self._fixed)

    def _pull(self) -> FloatArray:
        """Return the gradient of the smooth part (p,), 0 for what is fixed."""
        return np.where(self._fixed, 0.0, self._product + self._b * self._v - self._q)

    def _objective(self) -> float:
        smooth = 0.5 * self._v @ (self._product + self._b * self._v) - self._q @ self._v
        return float(smooth + self._w @ self.groups.norms(self._v))

    def _slope(self, A: IntArray) -> tuple[FloatArray, BoolArray]:
        """Return the gradient of J / 2 along the active coordinates, and which of them no bound stops.

        The gradient is 0 for those that a bound stops.
        """
        norm, labels = self.groups.norms(self._v), self.groups.labels[A]
        turn = np.divide(self._w, norm, out=np.zeros_like(norm), where=norm > 0.0)
        v = self._v[A]
        slope = self._pull()[A] + turn[labels] * v
        stopped = np.where(slope > 0.0, v <= self._box.lower[A], (slope < 0.0) & (v >= self._box.upper[A]))
        return np.where(stopped, 0.0, slope), ~stopped

    def _open(self, force: FloatArray) -> FloatArray:
        """Return a force (p,) on coordinates at 0, without what their bounds stop."""
        if not self._bounded:
            return force
        return np.where(np.where(force > 0.0, self._box.upper > 0.0, self._box.lower < 0.0), force, 0.0)

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
