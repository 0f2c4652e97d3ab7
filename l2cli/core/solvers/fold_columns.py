"""Columns of coefficients that move to their optima together, each at its training set and lambda."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from l2cli.core.solvers.fold_rows import FoldRows, finite_residual

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
KEPT_CELLS = 16_000_000
"""Cells of the weights W, rows times columns, that one Newton step looks at."""
MAX_ROUNDS = 40
"""Rounds of conjugate gradients at the most."""


class Columns:
    """Points, their gradients and residuals.

    Attributes
    ----------
    B, gradient : (m, N) float64
    lam : (N,) float64
    folds : (N,) int
        The fold that each column leaves out.
    residual : (N,) float64
        Largest entry of the gradient over that of the null model.
    stuck : (N,) bool
        Columns that steps do not move any further.
    """

    def __init__(self, rows: FoldRows, B: FloatArray, lam: FloatArray, folds: IntArray) -> None:
        self.rows, self.B, self.lam, self.folds = rows, B.copy(), lam, folds
        self.unit = rows.unit[folds]
        self.gradient = rows.gradient(B, lam, folds)
        self.residual = finite_residual(self.gradient, self.unit)
        self.stuck = np.zeros(len(folds), dtype=bool)

    @property
    def most(self) -> int:
        """Number of columns that a Newton step should take at the most."""
        return max(1, KEPT_CELLS // (len(self.rows.A) * self.rows.classes))

    def moving(self) -> IntArray:
        """Return the columns that are neither done nor stuck."""
        return np.flatnonzero(~(self.residual <= self.rows.tolerance) & ~self.stuck)

    def try_step(self, at: IntArray, step: FloatArray) -> float:
        """Move some columns by -step where that lowers the residual; return the worst share left of one."""
        trial = self.B[:, at] - step
        slope = self.rows.gradient(trial, self.lam[at], self.folds[at])
        there = finite_residual(slope, self.unit[at])
        share = there / self.residual[at]
        better = share < 1.0
        to = at[better]
        self.B[:, to], self.gradient[:, to], self.residual[to] = (
            trial[:, better],
            slope[:, better],
            there[better],
        )
        return float(share.max())

    def newton_step(
        self, at: IntArray, precondition: Callable[[FloatArray, IntArray], FloatArray]
    ) -> tuple[FloatArray, int]:
        """Return Newton steps (m, N) of some columns and the rounds they took, by conjugate gradients.

        Every column stops where its linear system is solved as far as its residual is worth: a step from
        residual e leaves about e^1.5 (Dembo, Eisenstat and Steihaug 1982, "Inexact Newton methods").
        """
        rows, lam, folds = self.rows, self.lam[at], self.folds[at]
        keep = np.empty((len(rows.A), rows.classes * len(at)))
        r = rows.gradient(self.B[:, at], lam, folds, keep)
        light = rows.light(keep)
        before = self.residual[at]
        goal = np.maximum(0.2 * rows.tolerance, before * np.minimum(0.1, np.sqrt(before)))
        x, z = np.zeros_like(r), precondition(r, at)
        direction, size = z.copy(), np.einsum("ij,ij->j", r, z)
        for done in range(MAX_ROUNDS):
            H = rows.product(direction, light, lam, folds)
            bend = np.einsum("ij,ij->j", direction, H)
            open_ = (bend > 0.0) & ~(np.abs(r).max(axis=0) / self.unit[at] <= goal)
            if not open_.any():
                return x, done
            alpha = np.where(open_, size / np.where(bend > 0.0, bend, 1.0), 0.0)
            x += alpha * direction
            r -= alpha * H
            z = precondition(r, at)
            last, size = size, np.einsum("ij,ij->j", r, z)
            direction = z + np.where(last > 0.0, size / np.where(last > 0.0, last, 1.0), 0.0) * direction
        return x, MAX_ROUNDS

    def finish(self, starts: FloatArray) -> None:
        """Solve what is above the tolerance by damped Newton on the rows of its own training set."""
        for j in np.flatnonzero(~(self.residual <= self.rows.tolerance)).tolist():
            self.B[:, j], self.residual[j] = self.rows.alone(
                int(self.folds[j]), float(self.lam[j]), starts[:, j]
            )
