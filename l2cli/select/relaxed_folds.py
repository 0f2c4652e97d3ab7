"""Relaxed fits on all folds: what each fold's penalized fit selects is fitted again without penalty.

Gaussian: G_AA v = c_A, between bounds the quadratic of both, by the moments of the training rows, so that no
fit looks at a row but those of tied columns, which are to have the least norm. The others: chord steps
on all folds together, and where these do not settle, damped Newton at lambda 0 from the null model, since
only that tells a solution from separated classes; those have no finite fit, and a loss of NaN that ranks
last. Bounded fits take Newton's way at once. Sets of several classes hold coordinates, j C + k for column j
of class k. See :mod:`l2cli.core.relaxed`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from l2cli.core.class_supports import SupportFit, support_fit
from l2cli.core.moments import GramSystem, TrainingStats, training_problem
from l2cli.core.path import bare_solver, solve_path
from l2cli.core.penalties import Box
from l2cli.core.problem import Problem
from l2cli.core.relaxed import active_columns, distinct_sets
from l2cli.core.solvers.bare_folds import bare_fits, normal_equations
from l2cli.core.solvers.elastic_net import ElasticNet
from l2cli.core.solvers.gram import DenseGram
from l2cli.core.solvers.newton import RUNAWAY
from l2cli.engines.pool import parallel_map
from l2cli.select.elastic_net_folds import ElasticNetFolds, Solution
from l2cli.select.glm_folds import KKT_LIMIT, GlmFolds
from l2cli.select.wide_folds import TrainingRows

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
NEWTON_FLOPS = 20.0
"""Flops of a maximum likelihood fit, in units of n |A|^2."""


class RelaxedNetFolds(ElasticNetFolds):
    """Relaxed elastic nets of a gaussian problem; see :class:`l2cli.select.learner.FoldFits`."""

    def _finish(
        self, i: int, stats: TrainingStats, system: GramSystem | None, lambdas: FloatArray, fit: Solution
    ) -> Solution:
        """Return internal coefficients (p, L) of one fit and the larger KKT residual of its parents."""
        (penalized, worst), g = fit, self.problem.relax_gamma
        active = active_columns(self.problem, penalized) & (stats.sd > 0.0)[:, None]
        some = np.flatnonzero(active.any(axis=1))
        G, c = self._products(i, stats, system, some)
        unit = float(np.abs(c).max(initial=0.0)) or 1.0
        v, rows = np.where(lambdas > 0.0, 0.0, penalized), None
        for columns, places in distinct_sets(active, np.flatnonzero(lambdas > 0.0)):
            if not len(columns):
                continue
            at = np.searchsorted(some, columns)
            best, residual = self._by_products(G[np.ix_(at, at)], c[at], columns, unit)
            if best is None:
                rows = training_problem(self.problem, self.folds.training(i), stats) if rows is None else rows
                path = solve_path(rows.select(columns), np.zeros(1))
                best, residual = path.u[:, 0], float(path.certificate.kkt_residual[0])
            worst = max(worst, residual)
            v[np.ix_(columns, places)] = best[:, None]
        return g * penalized + (1.0 - g) * v, worst

    def _products(
        self, i: int, stats: TrainingStats, system: GramSystem | None, some: IntArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return Z'SZ and Z'Sy of some columns, by the moments or, where p > n, by the rows."""
        if system is not None:
            return system.G[np.ix_(some, some)], system.c[some]
        rows = TrainingRows(self.problem, self.folds.training(i), stats)
        A = rows.columns(some)
        return A.T @ A, rows.response @ A

    def _by_products(
        self, G: FloatArray, c: FloatArray, columns: IntArray, unit: float
    ) -> tuple[FloatArray | None, float]:
        """Return the fit of some columns and its residual; None where their products do not tell it."""
        box = self.problem.box
        if box is None:
            fit = normal_equations(G, c)
            return fit, 0.0 if fit is None else float(np.abs(G @ fit - c).max()) / unit
        none, zero = np.zeros(len(c)), np.zeros(1)
        net = ElasticNet(DenseGram(G), c, none, none, 0.0, Box(box.lower[columns], box.upper[columns]))
        u = net.solve(zero, rough=True)[0]
        residual = float(net.residual(u, zero)[0]) * net.unit / unit
        return (u[:, 0], residual) if residual <= KKT_LIMIT else (None, residual)


class RelaxedGlmFolds(GlmFolds):
    """Relaxed fits of the other families; see :class:`l2cli.select.learner.FoldFits`."""

    _parents: dict[tuple[int, bytes], FloatArray] | None = None
    """(fit, active set) -> unpenalized theta ((p + 1) C,), NaN where the classes are separated."""

    def _solve(self, lambdas: FloatArray) -> FloatArray:
        """Return theta (L, F, (p + 1) C), that of lambda 0 as it is: both parents are one there."""
        penalized, g = super()._solve(lambdas), self.problem.relax_gamma
        some = np.flatnonzero(lambdas > 0.0)
        some = some[np.argsort(-lambdas[some], kind="stable")]
        if self._parents is None:
            self._parents = {}
        places = [list(distinct_sets(self._active(i, penalized[:, i]), some)) for i in range(len(self.rows))]
        self._fit_parents(places, penalized)
        result = penalized.copy()
        for i, mine in enumerate(places):
            for columns, at in mine:
                v = self._parents[i, columns.tobytes()]
                result[at, i] = g * penalized[at, i] + (1.0 - g) * v
        return result

    def _fit_parents(self, places: list[list[tuple[IntArray, IntArray]]], penalized: FloatArray) -> None:
        """Add the unpenalized fits of every fit's sets that were not met before."""
        assert self._parents is not None
        known, k = self._parents, self.folds.k
        new = [
            [(columns, at[0]) for columns, at in mine if (i, columns.tobytes()) not in known]
            for i, mine in enumerate(places)
        ]
        # chord steps know no bounds
        for r, batch in enumerate(self.batches if self.problem.box is None else ()):
            mine = range(r * k, (r + 1) * k)
            if any(new[i] for i in mine):
                sets = [[columns for columns, _ in new[i]] for i in mine]
                starts = [[penalized[at, i] for _, at in new[i]] for i in mine]
                found, worst = bare_fits(batch, sets, starts)
                self.kkt_max = max(self.kkt_max, worst)
                for i, fits in zip(mine, found, strict=True):
                    for (columns, _), theta in zip(new[i], fits, strict=True):
                        if theta is not None:
                            known[i, columns.tobytes()] = theta
        rest = [[c for c, _ in mine if (i, c.tobytes()) not in known] for i, mine in enumerate(new)]
        tasks = [
            (self.problem, self.folds.training(i), self.stats[i], sets) for i, sets in enumerate(rest) if sets
        ]
        if tasks:
            work = sum(len(columns) ** 2 for sets in rest for columns in sets)
            flops = NEWTON_FLOPS * self.problem.n_rows * float(work)
            done = parallel_map(unpenalized_fits, tasks, jobs=self.jobs, flops=flops)
            keys = [(i, columns.tobytes()) for i, sets in enumerate(rest) for columns in sets]
            known.update(zip(keys, (theta for fits, _ in done for theta in fits), strict=True))
            self.kkt_max = max(self.kkt_max, *(residual for _, residual in done))

    def _active(self, i: int, theta: FloatArray) -> BoolArray:
        """Return the active sets (p C, L) of one fit's theta (L, (p + 1) C)."""
        problem, c = self.problem, self.problem.n_classes
        u = theta[:, :-c].T.reshape(problem.n_columns, *problem.y.shape[1:], -1)
        varies = self.stats[i].sd > 0.0
        return np.asarray((active_columns(problem, u).T & varies).T.reshape(-1, len(theta)))


def unpenalized_fits(
    problem: Problem, rows: IntArray, stats: TrainingStats, sets: list[IntArray]
) -> tuple[list[FloatArray], float]:
    """Return the unpenalized theta ((p + 1) C,) of some rows on some sets of coordinates.

    NaN where the classes are separated, as they are then by every larger set; with the largest KKT residual
    of the others.
    """
    part, result, worst = training_problem(problem, rows, stats), [], 0.0
    separated: list[IntArray] = []
    c, before = problem.n_classes, None
    for columns in sets:
        theta = np.zeros((problem.n_columns + 1) * c)
        if any(np.isin(fewer, columns).all() for fewer in separated):
            theta[:] = np.nan
        elif len(columns):
            fit = _unpenalized_fit(part, columns, before)
            if fit.last_move > RUNAWAY or not fit.residual <= KKT_LIMIT:
                theta[:] = np.nan
                if fit.last_move > RUNAWAY:
                    separated.append(columns)
            else:
                theta[:] = np.append(fit.u.ravel(), fit.intercept0)
                worst, before = max(worst, fit.residual), fit
        elif problem.intercept:
            theta[-c:] = problem.likelihood.null_intercept(part.y, part.weights, part.offset)
        result.append(theta)
    return result, worst


def _unpenalized_fit(problem: Problem, columns: IntArray, before: SupportFit | None) -> SupportFit:
    """Return the fit on some columns, of several classes on some coordinates, started from one before."""
    if problem.n_classes > 1:
        return support_fit(problem, columns, before)
    answer, u = bare_solver(problem.select(columns)).solve(0.0), np.zeros(problem.n_columns)
    u[columns] = answer.u
    nothing = np.zeros(problem.n_columns, dtype=bool)
    return SupportFit(
        u, np.asarray(answer.intercept), answer.effective_df, answer.residual, answer.last_move, nothing
    )
