"""L2 paths of the families other than gaussian where rows are not many, by the kernel of the rows.

The minimiser lies in the span of the rows (Kimeldorf and Wahba 1971, "Some results on Tchebycheffian spline
functions"): D u = Z'a for n numbers a. With the kernel K = Z D^-1 Z' and E the intercept and the unpenalized
columns, eta = K a + E g + offset, and it is where

    F = lambda a - r(eta) = 0,     E'a = 0,     r = s residual;

Z'F and E'F are half the gradient of J. A Newton step solves (lambda + W K) da + W E dg = -F, E'da = 0, by
P = (lambda + W K)^-1 as :mod:`l2cli.core.solvers.kernel_curvature` says; the P of a point serves near it.

A path takes about one P for each unit of log lambda. Between two of these lambdas the guess is interpolated,
and corrected by the steps of both, weighted linearly in log lambda: of 1 / (lambda + x) that is right to 13 %
at the worst, for any x, between lambdas a factor e apart, so a step leaves about an eighth of the error.

Notes
-----
K costs n^2 p flops, a step 8 n^2 C for each lambda, u and its certificate 10 n p C. K squares the condition
number: what that loses, the certificate shows. Memory: about 6 matrices n x n, of C classes 2 C + 6.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.objective import certify
from l2cli.core.problem import Problem
from l2cli.core.solvers.kernel_curvature import Curvature
from l2cli.core.solvers.smooth_folds import lagrange_weights, solved_first
from l2cli.core.threads import one_thread

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
SETTLED = 1e-8
"""Change of eta by a last step, at most."""
SLOW = 0.5
"""A step larger than this share of the one before asks for a new P."""
FAR = 0.5
"""After a step that changes eta by more, W has changed too much for another one with the same P."""
MAX_NEWTON, MAX_STEPS = 50, 25
NEIGHBOURS, BEHIND = 8, 3
"""Solved lambdas that an interpolation uses, and an extrapolation."""
KEPT_BYTES = 256 << 20
"""Matrices of solved lambdas are kept up to this size."""
MOST_ROWS = 2.0
"""Rows for each penalized column up to which this is the shorter way (measured beside the batch of ten folds:
500 x 440 a seventh of the time, 500 x 230 two thirds, of four classes an eighth; 500 x 150 1.4 times)."""
MOST_BYTES = 2e9
"""Size of its matrices up to which this is the way: about 6 of n x n, of C classes 2 C + 6."""
COLUMN_BLOCK = 1024
"""Columns that are scaled at a time."""


def is_wide(rows: int, columns: int, classes: int = 1) -> bool:
    """Return True where so many rows and penalized columns are for :func:`kernel_path`."""
    matrices = 6.0 if classes == 1 else 2.0 * classes + 6.0
    return rows <= MOST_ROWS * columns and 8.0 * matrices * rows**2 <= MOST_BYTES


def kernel_path(problem: Problem, lambdas: FloatArray) -> tuple[FloatArray, FloatArray] | None:
    """Return coefficients (L, (p + 1) C), intercepts last, and KKT residuals (L,) at some lambdas above 0.

    The residual is infinite at a lambda that was not settled. None where this is not the way: kinks, many
    rows, or unpenalized columns that are tied.
    """
    bound = int(np.count_nonzero(problem.penalty > 0.0))
    if not problem.is_smooth or not is_wide(problem.n_rows, bound, problem.n_classes):
        return None
    distinct, place = np.unique(-lambdas, return_inverse=True)
    quiet = np.errstate(over="ignore", divide="ignore", invalid="ignore")  # such points are not taken
    with quiet, one_thread(problem.n_rows**3 / 3.0):
        try:
            solver = KernelNewton(problem)
            if np.linalg.matrix_rank(solver.E) < solver.E.shape[1]:
                return None
            coefficients, residual = solver.path(-distinct)
        except np.linalg.LinAlgError:  # there is no W left, or one that overflowed
            return None
    return coefficients[place], residual[place]


def path_flops(rows: int, columns: int, classes: int, lambdas: int) -> float:
    """Return about how much work :func:`kernel_path` is."""
    n, c = float(rows), float(classes)
    matrices = 16.0 * (n**3 / 3.0 if classes == 1 else (2.0 * c + 1.0) * n**3)
    return n * n * columns + matrices + lambdas * c * (40.0 * n * n + 10.0 * n * columns)


class Point(NamedTuple):
    """a (n, C, N), g (m, C, N) and eta (n, C, N) of N lambdas, or a change of them."""

    a: FloatArray
    g: FloatArray
    eta: FloatArray

    def at(self, columns: IntArray | BoolArray) -> Point:
        """Return some of the lambdas."""
        return Point(*(part[..., columns] for part in self))

    def put(self, columns: IntArray | BoolArray, other: Point) -> None:
        """Replace some of the lambdas."""
        for mine, theirs in zip(self, other, strict=True):
            mine[..., columns] = theirs

    def plus(self, change: Point, share: float = 1.0) -> Point:
        """Return the point moved by a share of a change."""
        return Point(*(mine + share * theirs for mine, theirs in zip(self, change, strict=True)))


class KernelNewton:
    """Minimise J of one problem, pure L2, at many lambdas above 0."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.family = problem, problem.likelihood
        n, c, d = problem.n_rows, problem.n_classes, problem.penalty
        self.bound, self.free = np.flatnonzero(d > 0.0), np.flatnonzero(d == 0.0)
        self.d = d[self.bound]
        self.K = np.zeros((n, n))
        for first in range(0, len(self.bound), COLUMN_BLOCK):
            some = slice(first, first + COLUMN_BLOCK)
            A = problem.X[:, self.bound[some]] / np.sqrt(self.d[some])
            self.K += A @ A.T
        self.E = np.hstack([np.ones((n, int(problem.intercept))), problem.X[:, self.free]])
        self.y, self.s = problem.y.reshape(n, c, 1), problem.weights.reshape(n, 1, 1)
        self.offset = np.zeros((n, c, 1))
        if problem.offset is not None:
            self.offset += problem.offset[:, None, None]
        self.start = self._null()
        """The null model, one lambda wide."""
        self.level = float(self._weights(self.start).sum(axis=1) @ np.diag(self.K)) / (n * c)
        """Size of W K, beside which a lambda is small or large."""

    def _null(self) -> Point:
        problem, (n, c, _) = self.problem, self.offset.shape
        g = np.zeros((self.E.shape[1], c, 1))
        if problem.intercept:
            g[0, :, 0] = self.family.null_intercept(problem.y, problem.weights, problem.offset)
        return Point(np.zeros((n, c, 1)), g, self.offset + g[: int(problem.intercept)].sum(axis=0))

    def path(self, lambdas: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return coefficients (L, (p + 1) C) and KKT residuals (L,); ``lambdas`` (L,) descend."""
        count, c = len(lambdas), self.problem.n_classes
        found, settled = self.start.at(np.zeros(count, dtype=np.int64)), np.zeros(count, dtype=bool)
        most = max(2, KEPT_BYTES // (8 * self.K.size * (1 if c == 1 else c + 1)))
        first, last = solved_first(np.log(lambdas)), self.start
        kept: list[tuple[int, Curvature]] = []
        for position, i in enumerate(first):
            before = first[max(0, position - BEHIND) : position]
            guess = self._interpolate(found, before, np.array([i]), lambdas) if before else last
            last, curvature, settled[i] = self._solve_one(float(lambdas[i]), guess, last)
            found.put(np.array([i]), last)
            kept.append((i, curvature))
            if len(kept) == most or i == first[-1]:
                self._between(found, settled, first[: position + 1], kept, lambdas)
                del kept[:-1]
        return self._certified(found, settled, lambdas)

    def _interpolate(self, found: Point, known: list[int], wanted: IntArray, lambdas: FloatArray) -> Point:
        """Return points by Lagrange's formula for (lambda + level) a in log lambda, flat at both ends."""
        t, at = np.log(lambdas), np.array(known)
        weight = np.zeros((len(at), len(wanted)))
        for k, i in enumerate(wanted):
            near = np.argsort(np.abs(t[at] - t[i]), kind="stable")[:NEIGHBOURS]
            weight[near, k] = lagrange_weights(t[at[near]], float(t[i]))
        flat = found.a[..., at] * (lambdas[at] + self.level)
        a, g = flat @ weight / (lambdas[wanted] + self.level), found.g[..., at] @ weight
        return Point(a, g, self.offset + self._change(a, g).eta)

    def _solve_one(self, lam: float, guess: Point, last: Point) -> tuple[Point, Curvature, bool]:
        """Return the point at a lambda, the last P, and whether it settled; from ``guess`` or ``last``.

        A Newton step that would change eta by at most m is taken at the share log(1 + q m) / (q m): with the
        third derivative of half a deviance along it at most q m times the second, q = 1, of classes 2, that
        lowers J (Sun and Tran-Dinh 2019, "Generalized self-concordant functions", theorem 2). Near the
        solution the same P serves again.
        """
        point, (F, KF) = last, self._slope(last, lam)
        if guess is not last:
            there = self._slope(guess, lam)
            if np.vdot(*there) < np.vdot(F, KF):
                point, (F, KF) = guess, there
        q, curvature = (1.0 if self.problem.n_classes == 1 else 2.0), self._curvature(point, lam)
        for _ in range(MAX_NEWTON):
            before = np.inf
            for step in range(MAX_STEPS):
                change = self._change(*curvature.step(F, KF))
                size = float(np.abs(change.eta).max(initial=0.0))
                if not size <= SLOW * before:
                    break
                if size <= SETTLED:
                    return point.plus(change), curvature, True
                point = point.plus(change, float(np.log1p(q * size)) / (q * size) if step == 0 else 1.0)
                F, KF = self._slope(point, lam)
                before = size
                if size > FAR:
                    break
            curvature = self._curvature(point, lam)
        return point, curvature, False

    def _between(
        self, found: Point, settled: BoolArray, known: list[int], kept: list[tuple[int, Curvature]],
        lambdas: FloatArray,
    ) -> None:  # fmt: skip
        """Solve the lambdas between those whose P are kept, in place."""
        edges, t = np.array([i for i, _ in kept]), np.log(lambdas)
        wanted = np.setdiff1d(np.arange(edges[0], edges[-1]), edges)
        if not len(wanted):
            return
        each, above = np.arange(len(wanted)), np.searchsorted(edges, wanted) - 1
        share = (t[edges[above]] - t[wanted]) / (t[edges[above]] - t[edges[above + 1]])
        weight = np.zeros((len(kept), len(wanted)))
        weight[above, each], weight[above + 1, each] = 1.0 - share, share
        points = self._interpolate(found, known, wanted, lambdas)
        moving, before = each, np.full(len(wanted), FAR / SLOW)
        for _ in range(MAX_STEPS):
            now = points.at(moving)
            da, dg = np.zeros_like(now.a), np.zeros_like(now.g)
            F, KF = self._slope(now, lambdas[wanted[moving]])
            for share, (_, curvature) in zip(weight[:, moving], kept, strict=True):
                here = np.flatnonzero(share)
                if len(here):
                    a, g = curvature.step(F[..., here], KF[..., here])
                    da[..., here] += share[here] * a
                    dg[..., here] += share[here] * g
            change = self._change(da, dg)
            size = np.abs(change.eta).max(axis=(0, 1), initial=0.0)
            better = size <= SLOW * before[moving]
            before[moving] = size
            points.put(moving[better], now.at(better).plus(change.at(better)))
            settled[wanted[moving[better & (size <= SETTLED)]]] = True
            moving = moving[better & (size > SETTLED)]
            if not len(moving):
                break
        found.put(wanted, points)
        for k in np.flatnonzero(~settled[wanted]).tolist():
            i, last = int(wanted[k]), found.at(edges[[above[k]]])
            point, _, settled[i] = self._solve_one(float(lambdas[i]), points.at(np.array([k])), last)
            found.put(np.array([i]), point)

    def _slope(self, point: Point, lambdas: float | FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return F and K F, (n, C, N)."""
        F = lambdas * point.a - self.s * self.family.residual(self.y, self.family.mean(point.eta))
        return F, self._kernel_times(F)

    def _change(self, a: FloatArray, g: FloatArray) -> Point:
        """Return a point, or a change of one, with its eta: K a + E g."""
        return Point(a, g, self._kernel_times(a) + np.tensordot(self.E, g, 1))

    def _kernel_times(self, a: FloatArray) -> FloatArray:
        return np.asarray(self.K @ a.reshape(len(a), -1)).reshape(a.shape)

    def _weights(self, point: Point) -> FloatArray:
        """Return W at one lambda (n, C), of classes s mu_k."""
        mu = self.family.mean(point.eta)
        w = mu if self.problem.n_classes > 1 else self.family.curvature(self.y, mu)
        return np.asarray(self.s * w)[..., 0]

    def _curvature(self, point: Point, lam: float) -> Curvature:
        return Curvature(self.K, self.E, self._weights(point), lam)

    def _certified(
        self, found: Point, settled: BoolArray, lambdas: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return coefficients and what a pass over the rows says of them."""
        problem, count = self.problem, len(lambdas)
        n, p, c = problem.n_rows, problem.n_columns, problem.n_classes
        found.put(~settled, self.start)
        u, b0 = np.zeros((p, c, count)), np.zeros((c, count))
        inner = (problem.X.T @ found.a.reshape(n, -1)).reshape(u.shape)
        u[self.bound] = inner[self.bound] / self.d[:, None, None]
        u[self.free] = found.g[int(problem.intercept) :]
        if problem.intercept:
            b0 = found.g[0]
        shown = (u, b0) if problem.y.ndim == 2 else (u[:, 0], b0[0])
        residual = certify(problem, shown[0], shown[1], lambdas).kkt_residual
        coefficients = np.concatenate([u.reshape(p * c, -1), b0]).T
        return coefficients, np.where(settled & np.isfinite(residual), residual, np.inf)
