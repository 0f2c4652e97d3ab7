"""The penalty: its subgradients, its bounds, and its part of the duality gap."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


class Groups(NamedTuple):
    """Which coordinates share a norm: sum_g |a_g o u_g|_2 takes the place of sum_j a_j |u_j|.

    labels : (m,) the group of each coordinate, 0 to g - 1. order : (m,) coordinates by group. starts : (g,)
    where each group begins in it. sizes : (g,).
    """

    labels: IntArray
    order: IntArray
    starts: IntArray
    sizes: IntArray

    @staticmethod
    def of(labels: IntArray) -> Groups:
        """Return the groups of labels (m,), of which every number from 0 up to the largest is one."""
        order = np.argsort(labels, kind="stable")
        sizes = np.bincount(labels)
        return Groups(labels, order, np.cumsum(sizes) - sizes, sizes)

    def norms(self, values: FloatArray) -> FloatArray:
        """Return the norms of values (m, ...) over every group: (g, ...)."""
        if not len(self.starts):
            return np.zeros((0, *values.shape[1:]))
        return np.asarray(np.sqrt(np.add.reduceat(np.square(values[self.order]), self.starts, axis=0)))

    def members(self, g: int) -> IntArray:
        """Return the coordinates of a group."""
        start = int(self.starts[g])
        return self.order[start : start + int(self.sizes[g])]

    def of_classes(self, classes: int) -> Groups:
        """Return the groups of the coordinates (m, C), raveled: those of every class apart."""
        return Groups.of((self.labels[:, None] * classes + np.arange(classes)).ravel())

    def with_singles(self, count: int) -> Groups:
        """Return the groups with some more coordinates behind, each a group of its own."""
        more = np.arange(count) + len(self.sizes)
        return Groups.of(np.append(self.labels, more))

    def select(self, columns: IntArray) -> Groups:
        """Return the groups of some coordinates, numbered anew."""
        return Groups.of(np.unique(self.labels[columns], return_inverse=True)[1].astype(np.int64))


class Box(NamedTuple):
    """Bounds lower <= u <= upper, (p,) each; infinite where there is none."""

    lower: FloatArray
    upper: FloatArray

    def without(self, columns: BoolArray) -> Box:
        """Return the box with some coordinates held at 0 (columns that do not vary)."""
        return Box(np.where(columns, 0.0, self.lower), np.where(columns, 0.0, self.upper))

    def clip(self, u: FloatArray) -> FloatArray:
        """Return the nearest point of the box to u (p,) or each column of u (p, L)."""
        return np.clip(u.T, self.lower, self.upper).T


def kink_value(kink: FloatArray, u: FloatArray, groups: Groups | None = None) -> float:
    """Return sum_j kink_j |u_j|, or sum_g |kink_g o u_g|_2, of coordinates (m,)."""
    return float(kink @ np.abs(u) if groups is None else groups.norms(kink * u).sum())


def subgradient_distance(
    gradient: FloatArray, u: FloatArray, kink: FloatArray, box: Box | None = None,
    groups: Groups | None = None,
) -> FloatArray:  # fmt: skip
    """Return the part of the smooth gradient that no subgradient of the kinks or a bound takes away.

    Parameters
    ----------
    gradient, u, kink : (m,) or (m, L) float64
    box : Box, optional
    groups : Groups, optional
        The kinks are |kink_g o u_g|_2; without a box.
    """
    if groups is not None:
        return _group_distance(gradient, u, kink, groups)
    at_zero = np.sign(gradient) * np.maximum(np.abs(gradient) - kink, 0.0)
    off = np.where(u == 0.0, at_zero, gradient + kink * np.sign(u))
    if box is None:
        return off
    # at a bound only the slope back into the box counts
    up, down = gradient + np.where(u >= 0.0, kink, -kink), gradient + np.where(u > 0.0, kink, -kink)
    low, high = (box.lower >= u.T).T, (box.upper <= u.T).T
    off = np.where(low, np.minimum(up, 0.0), np.where(high, np.maximum(down, 0.0), off))
    return np.where(low & high, 0.0, off)


def _group_distance(gradient: FloatArray, u: FloatArray, kink: FloatArray, groups: Groups) -> FloatArray:
    """Return the same for group norms.

    A zero group holds what lies in its ellipsoid, |g / kink| <= 1; elsewhere the subgradient is
    kink^2 u / |kink o u|.
    """
    norm = groups.norms(kink * u)
    pull = groups.norms(np.divide(gradient, kink, out=np.zeros_like(gradient), where=kink > 0.0))
    held = np.maximum(1.0 - 1.0 / np.maximum(pull, 1.0), 0.0)
    slope = np.divide(1.0, norm, out=np.zeros_like(norm), where=norm > 0.0)
    labels = groups.labels
    off = np.where((norm > 0.0)[labels], gradient + kink**2 * u * slope[labels], gradient * held[labels])
    return np.where(kink > 0.0, off, gradient)


def penalty_gap(
    u: FloatArray, gradient: FloatArray, off: FloatArray, squares: FloatArray, kink: FloatArray,
    pearson: FloatArray, box: Box | None, groups: Groups | None = None,
) -> FloatArray:  # fmt: skip
    """Return what the penalized and the free coordinates add to the duality gap of J: (L,).

    Parameters
    ----------
    u, gradient, off : (p, L) float64
        Coefficients, gradient of the smooth part, and its :func:`subgradient_distance`.
    squares, kink : (p, L) float64
        Weights of u^2 and of 2 |u| in J at each lambda.
    pearson : (L,) float64
        sum_i s_i e_i^2 over the curvature, for r = 1 (see :func:`l2cli.core.objective.certify`).
    """
    if box is not None:
        return _bounded_gap(box, u, gradient, off, squares, kink, pearson)
    curved, free = squares > 0, (squares == 0) & (kink == 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = np.where(curved, off**2 / squares, 0.0).sum(axis=0)
    gap += 2.0 * np.where(free, np.abs(u * gradient), 0.0).sum(axis=0)
    flat = ~curved & ~free
    if not flat.any():
        return np.asarray(gap)
    # v = z'e; shrunk by c it meets |v| <= kink in every coordinate
    v = -gradient
    if groups is not None:
        pull = groups.norms(np.divide(v, kink, out=np.zeros_like(v), where=kink > 0))
        c = 1.0 / np.maximum(pull.max(axis=0, initial=1.0), 1.0)
        gap += 2.0 * np.maximum(
            groups.norms(kink * u).sum(axis=0) - c * np.where(flat, u * v, 0.0).sum(axis=0), 0.0
        )
        return np.asarray(gap + np.where(c < 1.0, 2.0 * (1.0 - c) ** 2 * pearson, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        c = np.where(flat & (np.abs(v) > kink), kink / np.abs(v), 1.0).min(axis=0, initial=1.0)
        gap += 2.0 * np.where(flat, kink * np.abs(u) - c * u * v, 0.0).sum(axis=0)
        return np.asarray(gap + np.where(c < 1.0, 2.0 * (1.0 - c) ** 2 * pearson, 0.0))


def _bounded_gap(
    box: Box, u: FloatArray, gradient: FloatArray, off: FloatArray, squares: FloatArray, kink: FloatArray,
    pearson: FloatArray,
) -> FloatArray:  # fmt: skip
    """Return the same with bounds: the conjugate of kink |u| within them is linear beyond the kink.

    The residuals are shrunk by c only for coordinates that the box leaves open in the direction they pull.
    """
    curved, v = squares > 0, -gradient
    lower, upper = box.lower[:, None], box.upper[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = np.where(curved, off**2 / squares, 0.0).sum(axis=0)
        beyond = np.abs(v) > kink
        open_end = np.where(v > 0, np.isinf(upper), np.isinf(lower))
        loose = ~curved & beyond & open_end & (kink > 0)
        c = np.where(loose, kink / np.abs(v), 1.0).min(axis=0, initial=1.0)
        v = c * v
        # the conjugate is the largest value at the ends and, where the box holds it, at 0
        ends = [np.where(np.isfinite(e), e * v - kink * np.abs(e), -np.inf) for e in (lower, upper)]
        at_zero = np.where((lower <= 0.0) & (upper >= 0.0), 0.0, -np.inf)
        flat = kink * np.abs(u) - u * v + np.maximum(at_zero, np.maximum(*ends))
        # without kink and end nothing but g = 0 holds, and that to rounding
        flat = np.where(beyond & open_end & (kink == 0), np.abs(u * v), flat)
    gap += 2.0 * np.where(curved, 0.0, np.maximum(flat, 0.0)).sum(axis=0)
    return np.asarray(gap + np.where(c < 1.0, 2.0 * (1.0 - c) ** 2 * pearson, 0.0))
