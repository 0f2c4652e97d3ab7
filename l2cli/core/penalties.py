"""The penalty: its subgradients, its bounds, and its part of the duality gap."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
FARTHEST, MOST_HALVINGS = 1e300, 2200
"""Where bisection starts at most, and the halvings that surely end it: down to the smallest number."""


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
        The kinks are |kink_g o u_g|_2.
    """
    if groups is not None:
        return _group_distance(gradient, u, kink, groups, box)
    at_zero = np.sign(gradient) * np.maximum(np.abs(gradient) - kink, 0.0)
    off = np.where(u == 0.0, at_zero, gradient + kink * np.sign(u))
    if box is None:
        return off
    # at a bound only the slope back into the box counts
    up, down = gradient + np.where(u >= 0.0, kink, -kink), gradient + np.where(u > 0.0, kink, -kink)
    low, high = (box.lower >= u.T).T, (box.upper <= u.T).T
    off = np.where(low, np.minimum(up, 0.0), np.where(high, np.maximum(down, 0.0), off))
    return np.where(low & high, 0.0, off)


def _group_distance(
    gradient: FloatArray, u: FloatArray, kink: FloatArray, groups: Groups, box: Box | None
) -> FloatArray:
    """Return the same for group norms.

    A zero group holds what lies in its ellipsoid, |g / kink| <= 1, after its bounds have taken away what they
    stop; elsewhere the subgradient is kink^2 u / |kink o u|.
    """
    norm = groups.norms(kink * u)
    left = gradient if box is None else _inward(gradient, u, box)
    pull = groups.norms(np.divide(left, kink, out=np.zeros_like(gradient), where=kink > 0.0))
    held = np.maximum(1.0 - 1.0 / np.maximum(pull, 1.0), 0.0)
    slope = np.divide(1.0, norm, out=np.zeros_like(norm), where=norm > 0.0)
    labels = groups.labels
    off = np.where((norm > 0.0)[labels], gradient + kink**2 * u * slope[labels], left * held[labels])
    off = np.where(kink > 0.0, off, gradient)
    return off if box is None else _inward(off, u, box)


def _inward(slope: FloatArray, u: FloatArray, box: Box) -> FloatArray:
    """Return the slope of J without what bounds stop: at a bound only the slope back into the box counts."""
    low, high = (box.lower >= u.T).T, (box.upper <= u.T).T
    inward = np.where(low, np.minimum(slope, 0.0), np.where(high, np.maximum(slope, 0.0), slope))
    return np.where(low & high, 0.0, inward)


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
    if box is not None and groups is not None:
        return _bounded_group_gap(box, groups, u, gradient, kink, pearson)
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
        return np.asarray(gap + _shrinkage(c, pearson))
    with np.errstate(divide="ignore", invalid="ignore"):
        c = np.where(flat & (np.abs(v) > kink), kink / np.abs(v), 1.0).min(axis=0, initial=1.0)
        gap += 2.0 * np.where(flat, kink * np.abs(u) - c * u * v, 0.0).sum(axis=0)
        return np.asarray(gap + _shrinkage(c, pearson))


def _shrinkage(c: FloatArray, pearson: FloatArray) -> FloatArray:
    """Return what the deviance adds to the gap where its residuals are shrunk by c: (L,)."""
    with np.errstate(invalid="ignore"):  # infinite where the curvature of a row is 0
        return np.where(c < 1.0, 2.0 * (1.0 - c) ** 2 * pearson, 0.0)


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
    return np.asarray(gap + _shrinkage(c, pearson))


def _bounded_group_gap(
    box: Box, groups: Groups, u: FloatArray, gradient: FloatArray, kink: FloatArray, pearson: FloatArray
) -> FloatArray:
    """Return the same for group norms with bounds, which come without squares.

    The residuals are shrunk by c until |v / kink| <= 1 over the coordinates of each group that the box leaves
    open for ever in the direction they pull: then the conjugate is finite.
    """
    normed, v = kink > 0.0, -gradient
    lower, upper = box.lower[:, None], box.upper[:, None]
    y = np.divide(v, kink, out=np.zeros_like(v), where=normed)
    unending = np.where(y > 0.0, np.isinf(upper), np.isinf(lower))
    c = 1.0 / np.maximum(groups.norms(np.where(unending, y, 0.0)).max(axis=0, initial=1.0), 1.0)
    with np.errstate(invalid="ignore"):
        low, high = (np.where(normed, e * kink, 0.0) for e in (lower, upper))
    conjugate = _norm_conjugate(c * y, low, high, groups).sum(axis=0)
    used = groups.norms(kink * u).sum(axis=0) - c * np.where(normed, u * v, 0.0).sum(axis=0)
    gap = 2.0 * np.maximum(used + conjugate, 0.0)
    gap += _shrinkage(c, pearson)
    none = np.zeros_like(u)  # the others are as without groups
    gap += _bounded_gap(
        box,
        np.where(normed, 0.0, u),
        np.where(normed, 0.0, gradient),
        none,
        none,
        none,
        np.zeros_like(pearson),
    )
    return np.asarray(gap)


def _norm_conjugate(y: FloatArray, lower: FloatArray, upper: FloatArray, groups: Groups) -> FloatArray:
    """Return an upper bound, tight to rounding, of sup y.z - |z_g|_2 over lower <= z <= upper: (m, L).

    Each coordinate has its part in the value of its group. All arguments are (m, L); |y_g| <= 1 over the
    coordinates without an end in the direction of y.

    Notes
    -----
    For every x with |x_g| <= 1 the sup is at most sum_j sup (y_j - x_j) z_j, and some x attains it: the one
    with |x_g| = 1 among x(t) = y clipped to [t lower, t upper], whose norms rise with t, or y itself where it
    is short enough (t large, the box holding 0). Bisection comes to it from below, so the bound holds.
    """
    nearest = np.maximum(lower, 0.0) + np.maximum(-upper, 0.0)

    def clipped(t: FloatArray) -> FloatArray:
        with np.errstate(invalid="ignore"):  # an infinite end is one at t = 0 too
            low, high = (np.where(np.isinf(e), e, t[groups.labels] * e) for e in (lower, upper))
        return np.clip(y, low, high)

    bound = np.abs(np.where(y > 0.0, upper, lower))
    turn = np.divide(np.abs(y), bound, out=np.zeros_like(y), where=(bound > 0.0) & np.isfinite(bound))
    turn = np.maximum(turn, np.divide(1.0, nearest, out=np.zeros_like(y), where=nearest > 0.0))
    high = np.minimum(np.maximum.reduceat(turn[groups.order], groups.starts, axis=0), FARTHEST)
    low = np.where(groups.norms(clipped(high)) <= 1.0, high, 0.0)
    for _ in range(MOST_HALVINGS):
        middle = 0.5 * (low + high)
        if np.all((middle <= low) | (middle >= high)):
            break
        short = groups.norms(clipped(middle)) <= 1.0
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    rest = y - clipped(low)
    end = np.where(rest > 0.0, upper, lower)
    return np.where(rest == 0.0, 0.0, rest * np.where(np.isfinite(end), end, 0.0))
