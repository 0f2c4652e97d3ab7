"""Paths, grids and effective degrees of freedom of problems whose columns are in blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from l2cli.core.objective import certify, null_eta
from l2cli.core.problem import Problem
from l2cli.core.solvers.block_newton import BlockNewton, Point
from l2cli.core.solvers.lanczos import Spectrum, spectrum
from l2cli.errors import FitError

if TYPE_CHECKING:
    from l2cli.core.path import Path

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
MANY_PROBES, FEW_PROBES = (8, 50), (3, 30)
"""Probes and steps of an estimate, the second where one is asked for at more than FEW_LAMBDAS lambdas."""
FEW_LAMBDAS = 5
RANK = 1e-10
"""Eigenvalues below this share of the largest are no part of an estimated rank."""


def solve_block_path(problem: Problem, lambdas: FloatArray) -> Path:
    """Return the path at ``lambdas`` (L,), sum scale, from the largest down, warm-started.

    effective_df is exact where the system is solved directly, else an estimate with a standard error,
    ``effective_df_se``. ``rank`` is not known, and counts columns.

    Raises
    ------
    FitError
        Where the data do not settle the coefficients that no penalty does.
    """
    from l2cli.core.path import Path  # which comes here

    solver = BlockNewton(problem)
    count, p, classes = len(lambdas), problem.n_columns, solver.classes
    u, intercept0 = np.zeros((p, classes, count)), np.zeros((classes, count))
    df, se, move = np.zeros(count), np.zeros(count), np.zeros(count)
    theta, freedom = None, DegreesOfFreedom(solver, count)
    for i in np.argsort(-lambdas, kind="stable"):
        lam = float(lambdas[i])
        check_settled(solver, lam)
        answer = solver.solve(lam, theta)
        theta = answer.theta
        u[..., i], intercept0[:, i], move[i] = answer.u, answer.intercept, answer.last_move
        df[i], se[i] = freedom.at(solver.evaluate(theta, lam), lam)
    if problem.y.ndim == 1:
        u, intercept0 = u[:, 0], intercept0[0]
    coef, intercept = problem.original(u, intercept0)
    certificate = certify(problem, u, intercept0, lambdas)
    none = np.zeros(p, dtype=bool)
    return Path(
        lambdas, u, intercept0, coef, intercept, df, certificate, int(p - problem.constant.sum()), none, move,
        effective_df_se=None if freedom.exact else se,
    )  # fmt: skip


def check_settled(solver: BlockNewton, lam: float) -> None:
    """Raise FitError where coefficients without a penalty at ``lam`` are not surely told apart by the data.

    With a penalty on all there is one answer. Without, a direct system shows whether there is; the columns
    of one large category and the intercept may be tied, those of two may fall apart into pieces.
    """
    loose = solver.usable.copy()
    loose[:-1] &= (lam * (solver.square + solver.kink)[:-1, 0]) == 0.0
    if not loose[:-1].any():
        return
    layout = solver.layout
    if layout.loose and any(loose[block.columns].any() for block in layout.blocks):
        raise FitError(
            "columns without a penalty in several categories of many levels: no unique solution is sure",
            hint="give a lambda, and penalty factors, larger than 0", code="rank_deficient",
        )  # fmt: skip
    start = solver.evaluate(solver.origin(), lam)
    on = np.broadcast_to(loose[:, None], start.theta.shape)
    if not all(part.definite for part in solver.eliminations(solver.weights(start), lam, on)):
        raise FitError(
            "without a penalty the data do not tell the columns of a category and the others apart",
            hint="give a lambda, and penalty factors, larger than 0, or --coding treatment",
            code="rank_deficient",
        )  # fmt: skip


class DegreesOfFreedom:
    """tr[(H + lambda D)^-1 H] on the free coordinates, with intercepts and unpenalized columns refitted.

    ``count`` lambdas are asked for: of many, estimates take fewer probes.
    """

    def __init__(self, solver: BlockNewton, count: int) -> None:
        self.solver = solver
        self.exact = solver.layout.direct and solver.classes == 1
        self._common = solver.linear and not solver.kink.any()
        self.sizes = MANY_PROBES if count <= FEW_LAMBDAS or self._common else FEW_PROBES
        self._spectrum: Spectrum | None = None
        """Of a gaussian problem with pure L2, where it serves every lambda."""

    def at(self, point: Point, lam: float) -> tuple[float, float]:
        """Return the degrees of freedom at a solution and their standard error (0: exact)."""
        solver = self.solver
        free = solver.free(point)
        bare = free & (lam * solver.square == 0.0)
        bare[-1] = False
        chosen = int(free[:-1].sum())
        if not (lam * solver.square[:-1][free[:-1].any(axis=1)]).any():  # no squares: each free one counts
            return float(chosen), 0.0
        if self.exact:
            w = solver.weights(point)
            (part,) = solver.eliminations(w, lam, free)
            held = (lam * solver.square[:-1, 0] * part.inverse_diagonal()[:-1])[free[:-1, 0]]
            return float(chosen - held.sum()), 0.0
        found = self._spectrum
        if found is None:
            found = penalized_spectrum(solver, point, free, *self.sizes)
            self._spectrum = found if self._common else None
        df, se = found.df(np.array([lam]))
        unpenalized = int(bare.sum()) - (int(bare.any(axis=1).sum()) if solver.classes > 1 else 0)
        return float(df[0]) + unpenalized, float(se[0])


def penalized_spectrum(
    solver: BlockNewton, point: Point, free: BoolArray, probes: int, steps: int
) -> Spectrum:
    """Return the spectrum of D^-1/2 H D^-1/2 on the penalized free coordinates, the others refitted.

    Parameters
    ----------
    free : (p + 1, C) bool
        The intercept among them.

    Notes
    -----
    H and D are those of half of J at lambda 1, (1 - r) d_j on the diagonal of D. The others (intercepts,
    dense columns of factor 0) are few: their own curvature is made, and what they explain is taken away from
    every image.
    """
    hessian = solver.hessian(point, solver.weights(point))
    bound = free & (solver.square > 0.0)
    root = np.sqrt(np.broadcast_to(solver.square, free.shape)[bound])
    others = free & ~bound
    images = np.zeros((int(others.sum()), int(bound.sum())))
    own = np.zeros((len(images), len(images)))
    for i, at in enumerate(np.argwhere(others)):
        unit = np.zeros(free.shape)
        unit[tuple(at)] = 1.0
        image = hessian(unit)
        images[i], own[i] = image[bound] / root, image[others]
    inverse = np.linalg.pinv(own, rcond=1e-12, hermitian=True)

    def product(v: FloatArray) -> FloatArray:
        theta = np.zeros(free.shape)
        theta[bound] = v / root
        image = hessian(theta)
        return np.asarray(image[bound] / root - (inverse @ image[others]) @ images)

    return spectrum(product, int(bound.sum()), probes, steps)


def block_grid_spectrum(problem: Problem) -> Spectrum:
    """Return the spectrum of half of J's curvature at the null model, by which automatic grids are placed."""
    solver = BlockNewton(problem)
    start = solver.evaluate(solver.origin(), 0.0)
    free = np.broadcast_to(solver.usable[:, None], start.theta.shape)
    return penalized_spectrum(solver, start, free, 4, 40)


def bare_residual(problem: Problem) -> FloatArray:
    """Return e = s (y - mu) (n, C) of the fit of intercept, offset and unpenalized columns."""
    free = (problem.factors == 0.0) & ~problem.constant
    eta = null_eta(problem).reshape(problem.n_rows, -1)
    if free.any():
        solver = BlockNewton(problem, only=free)
        check_settled(solver, 0.0)
        eta = solver.evaluate(solver.solve(0.0).theta, 0.0).eta
    family, y = problem.likelihood, problem.y.reshape(eta.shape)
    return np.asarray(problem.weights[:, None] * family.residual(y, family.mean(eta)))
