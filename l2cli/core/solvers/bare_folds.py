"""Unpenalized fits of the families other than gaussian on given columns, on all folds: chord steps.

For each training set the sets of columns come in the order of a path, so the fit on one set starts the next.
The folds walk side by side, as the columns of one matrix (see :mod:`l2cli.core.solvers.fold_rows`): a step
solves the columns' own block of the fold's curvature, which is kept while each step leaves little of the
gradient. What does not settle so is left to damped Newton: tied columns, and separated classes.

Of several classes a set holds coordinates j C + k, for column j of class k; a column that every class has is
given coefficients that sum to 0 (see :mod:`l2cli.core.class_supports`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from l2cli.core.solvers.fold_rows import FoldRows, finite_residual
from l2cli.core.solvers.glm_rows import settle_shift
from l2cli.core.threads import row_threads

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
INDEPENDENT = 1e-8
"""Where each column keeps this share of its squares beside those before it, the Gram is solved as it is."""
SLOW = 0.15
"""A step that leaves more than this share of the gradient asks for new curvatures."""
MAX_PASSES, MOST_CURVATURES = 20, 5
SMALL_STEP = 1e-2
"""Near a finite optimum the last step is tiny; coefficients of separated classes go on by about 1."""


def normal_equations(G: FloatArray, c: FloatArray) -> FloatArray | None:
    """Return the solution of Gv = c, None where the columns are too nearly tied for their Gram."""
    size = np.sqrt(np.diag(G))
    if not size.all():
        return None
    unit = G / np.outer(size, size)
    try:
        pivots = np.diag(np.linalg.cholesky(unit))
    except np.linalg.LinAlgError:
        return None
    if not float(pivots.min(initial=1.0)) ** 2 >= INDEPENDENT:
        return None
    v: FloatArray = np.linalg.solve(unit, c / size) / size
    return v


def bare_fits(
    rows: FoldRows, sets: Sequence[Sequence[IntArray]], starts: Sequence[Sequence[FloatArray]]
) -> tuple[list[list[FloatArray | None]], float]:
    """Return the theta ((p + 1) C,) of every fold's fits, None: not settled; and the largest residual.

    Parameters
    ----------
    sets : K lists of (m,) int
        The coordinates of every fit, by fold, those of a path in its order.
    starts : K lists of ((p + 1) C,) float64
        Where a fit may start for want of a settled one before it: 0 outside of its set.
    """
    found: list[list[FloatArray | None]] = [[] for _ in sets]
    worst, origin = 0.0, rows.origin()
    with row_threads(rows.A.size * rows.k) as run:
        rows.run = run
        try:
            for m in range(max(map(len, sets))):
                mask, B = np.zeros(origin.shape, dtype=bool), origin.copy()
                mask[-rows.classes :] = rows.problem.intercept
                for f, mine in enumerate(sets):
                    if m < len(mine):
                        before = found[f][-1] if m else None
                        mask[mine[m], f] = True
                        B[:, f] = starts[f][m] if before is None else np.where(mask[:, f], before, 0.0)
                full = _every_class(rows, mask)
                if rows.classes > 1:
                    theta = B.reshape(*full.shape[:1], rows.classes, -1)
                    B = (theta - np.where(full, theta.mean(axis=1), 0.0)[:, None]).reshape(B.shape)
                B, residual, settled = _chords(rows, mask, full, B)
                for f, mine in enumerate(sets):
                    if m < len(mine):
                        found[f].append(B[:, f].copy() if settled[f] else None)
                        worst = max(worst, float(residual[f]) if settled[f] else 0.0)
        finally:
            rows.run = map  # the pool is about to close, and could not be sent to another process
    return found, worst


def _every_class(rows: FoldRows, mask: BoolArray) -> BoolArray:
    """Return the columns that every one of several classes has, intercepts last: (p + 1, K)."""
    return np.asarray(mask.reshape(-1, rows.classes, rows.k).all(axis=1) & (rows.classes > 1))


def _chords(
    rows: FoldRows, mask: BoolArray, full: BoolArray, B: FloatArray
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return theta ((p + 1) C, K), residuals (K,) and whether they settled, all columns from B on."""
    zero, every = np.zeros(rows.k), np.arange(rows.k)

    def measured(B: FloatArray) -> tuple[FloatArray, FloatArray]:
        gradient = np.where(mask, rows.gradient(B, zero, every), 0.0)
        return gradient, finite_residual(gradient, rows.unit)

    def curvatures(B: FloatArray) -> FloatArray:
        H = rows.curvatures(B)
        for f in range(rows.k):  # those of free columns and intercepts are settled already
            settle_shift(H[f], full[:, f] & ~rows.free, rows.classes)
        return H

    gradient, residual = measured(B)
    H, fresh, made = curvatures(B), True, 1
    alive, last = np.ones(rows.k, dtype=bool), np.zeros(rows.k)
    for _ in range(MAX_PASSES):
        moving, trial, size = alive & (residual > rows.tolerance), B.copy(), np.zeros(rows.k)
        for f in np.flatnonzero(moving):
            at = np.flatnonzero(mask[:, f])
            step = normal_equations(H[f][np.ix_(at, at)], gradient[at, f])
            if step is None:
                moving[f] = alive[f] = False
                continue
            trial[at, f] -= step
            size[f] = np.abs(step).max(initial=0.0)
        if not moving.any():
            break
        pull, rest = measured(trial)
        better = moving & (rest < residual)
        gain = float((rest[moving] / residual[moving]).max())
        if fresh or made == MOST_CURVATURES:
            alive &= better | ~moving  # even so it got worse: that is for damped Newton
        B[:, better], gradient[:, better] = trial[:, better], pull[:, better]
        residual, last = np.where(better, rest, residual), np.where(better, size, last)
        fresh = not gain <= SLOW and made < MOST_CURVATURES
        if fresh:
            H, made = curvatures(B), made + 1
    return B, residual, alive & (residual <= rows.tolerance) & (last <= SMALL_STEP)
