"""One group's own quadratic with its norm, exactly: the root of one equation, within bounds or without."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from l2cli.core.penalties import Box
from l2cli.core.solvers.active_set import ActiveSet
from l2cli.core.solvers.gram import DenseGram

FloatArray = npt.NDArray[np.float64]
EPS = float(np.finfo(np.float64).eps)
MOST_STEPS = 200


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


def boxed_minimiser(block: FloatArray, c: FloatArray, w: float, box: Box) -> FloatArray:
    """Return the minimiser (m,) of 1/2 v'Bv - c'v + w |v| over the box.

    It is 0, where the box holds that, if |c| <= w without the entries of c that a bound at 0 stops. Else |v|
    is the least of (|v|^2 / s + s) / 2 over s > 0, taken at s = |v|: v(s), which minimises
    1/2 v'(B + w / s) v - c'v over the box, is the answer where |v(s)| = s. The sum is convex in v and s
    together, so |v(s)| / s falls in s. Newton's method finds the root between ends that it narrows, halving
    where it would leave them.
    """
    zero = np.zeros_like(c)
    resting = box.clip(zero)
    if not resting.any():
        stopped = np.where(c > 0.0, box.upper <= 0.0, box.lower >= 0.0)
        if float(np.linalg.norm(c[~stopped])) <= w:
            return zero
    largest = float(np.trace(block))
    if not largest > 0.0:  # columns without variation have nothing to say
        return resting
    best = block_minimiser(block, c, w)
    if np.all((best >= box.lower) & (best <= box.upper)):
        return best
    B = block + len(c) * EPS * largest * np.eye(len(c))
    active = ActiveSet(DenseGram(B), *box)
    if w == 0.0:
        return active.solve(c, zero, zero, tol=0.0)
    low, high = 0.0, np.inf
    s = float(np.linalg.norm(box.clip(best))) or float(np.linalg.norm(c)) / largest
    for _ in range(MOST_STEPS):
        v = active.solve(c, zero, np.full_like(c, w / s), tol=0.0)
        size = float(np.linalg.norm(v))
        if size == 0.0:  # what pulls it off zero is rounding beside the rest
            return v
        low, high = (s, high) if size > s else (low, s)
        F = active.free
        bent = np.linalg.solve(B[np.ix_(F, F)] + w / s * np.eye(len(F)), v[F])
        ahead = s + (size - s) / (1.0 - w / s * float(v[F] @ bent) / size**2)
        if abs(ahead - s) <= 4.0 * EPS * s or high - low <= 4.0 * EPS * low:
            break
        if not low < ahead < high:
            ahead = 2.0 * s if high == np.inf else 0.5 * (low + high)
        s = ahead
    return v
