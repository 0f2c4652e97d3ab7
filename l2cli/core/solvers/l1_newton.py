"""Generalized linear models with an L1 part, by Newton's method with an exact inner solve.

At a point theta = (u, b0) the deviance is replaced by its second-order model, with gradient g and curvature
H = [Z 1]'W[Z 1] (W = s mu'(eta)). The next point minimises

    1/2 (t - theta)'H(t - theta) + g'(t - theta) + lambda sum_j [r l_j |u_j| + (1 - r)/2 d_j u_j^2],

a quadratic with an L1 term, by :class:`l2cli.core.solvers.active_set.ActiveSet`, started from theta and its
support (Lee, Sun and Saunders 2014, SIAM J. Optim. 24(3), "Proximal Newton-type methods", algorithm 1). The
step is halved until J falls enough; near the optimum it is taken whole, coefficients are exact zeros, and
convergence is quadratic.

The model has only the coordinates that may count: those that are not 0, and those whose gradient comes near
what the kink withstands. The others stay 0 for a step; the gradient at the next point, which is that of all,
lets in what was missed (strong rules with their check, Tibshirani et al. 2012, J. R. Stat. Soc. B 74,
section 7).

Notes
-----
An iteration costs one product with the rows each way and, of the m columns that may count, n m^2 flops for
H where n >= m, else n m flops for each row of H that belongs to the support.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.objective import gradient_size, null_gradient
from l2cli.core.penalties import Box, kink_value, subgradient_distance
from l2cli.core.problem import Problem
from l2cli.core.solvers.active_set import ActiveSet
from l2cli.core.solvers.elastic_net import active_set
from l2cli.core.solvers.glm_rows import GlmRows
from l2cli.core.solvers.group_set import GroupSet
from l2cli.core.solvers.newton import GOOD_ENOUGH, MAX_ITERATIONS, ROUGH, NewtonResult

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
INNER = 1e-3
"""The inner problem is solved to this share of the violation it starts from."""
MAY_COUNT = 0.9
"""Share of its kink that the gradient of a coordinate at 0 reaches if the coordinate may leave it."""
FEW = 100
"""So many coordinates may always leave 0 in one step, and as many as have left it before."""
FARTHEST = 2.0
"""So many times the last step in lambda the line through two answers is followed."""
FLOOR = 1e-14
"""Violations below this share of the null model's gradient are not pursued."""


class _Point:
    """A point with mu, the smooth gradient of the deviance and J / 2."""

    def __init__(self, theta: FloatArray, mu: FloatArray, gradient: FloatArray, objective: float) -> None:
        self.theta, self.mu, self.gradient, self.objective = theta, mu, gradient, objective


class _Answer(NamedTuple):
    """A lambda and its solution."""

    lam: float
    theta: FloatArray


class L1Newton:
    """Minimise J of one problem with L1 or bounds at many lambdas; ``solve`` may be warm-started.

    ``support`` ((p, C) bool, optional): the coefficients of several classes that may differ from 0.
    """

    def __init__(self, problem: Problem, support: BoolArray | None = None) -> None:
        self.problem, self.classes = problem, problem.n_classes
        r, c = problem.l1_ratio, problem.n_classes
        none = np.zeros(c)
        self._kink = np.append(problem.per_class(r * problem.l1_penalty), none)
        self._square = np.append(problem.per_class((1.0 - r) * problem.penalty), none)
        free = (problem.factors == 0.0) & (problem.box is None)
        self.rows = GlmRows(problem, problem.X, free)
        self._settled = int(free.sum()) if c > 1 else 0
        """Coordinates that only the common shift of all classes adds."""
        self.unit = null_gradient(problem) or gradient_size(problem)
        open_end = np.full(problem.n_columns * c, np.inf)
        lower, upper = problem.coordinate_box or (-open_end, open_end)
        if support is not None:
            lower, upper = (np.where(support.ravel(), end, 0.0) for end in (lower, upper))
        last = np.full(c, np.inf if problem.intercept else 0.0)
        self._box = Box(np.append(lower, -last), np.append(upper, last))
        self._origin = self._box.clip(self.rows.origin())
        groups = problem.coordinate_groups
        self._groups = None if groups is None else groups.with_singles(c)
        self._walk: list[_Answer] = []
        """The last two answers, from which the next may start."""

    @property
    def size(self) -> int:
        """Number of cells of the working design."""
        return int(self.rows.X.size) * self.classes

    def solve(self, lam: float, start: FloatArray | None = None, *, rough: bool = False) -> NewtonResult:
        """Return the minimiser of J at ``lam`` (sum scale); ``rough`` stops at what folds need."""
        a, b = lam * self._kink, lam * self._square
        point = self._evaluate(self._start(lam, start), a, b)
        enough = (ROUGH if rough else GOOD_ENOUGH) * self.unit
        violation, before_last, last = self._violation(point, a, b), point.theta, False
        df = float(np.count_nonzero(point.theta[: -self.classes]))
        for _ in range(MAX_ITERATIONS):
            if violation <= FLOOR * self.unit or (rough and violation <= enough):
                break
            at = self._candidates(point, a)
            active = self._model(point, at, a, b)
            moved = self._step(point, active, at, a, b, violation)
            if moved is None or (last and self._violation(moved, a, b) >= violation):
                break
            df = active.effective_df() - self.classes * float(self.problem.intercept) - self._settled
            before_last, point = point.theta, moved
            violation = self._violation(point, a, b)
            if last:
                break
            last = violation <= enough
        self._walk = [*self._walk[-1:], _Answer(lam, point.theta)]
        matrix = point.theta.reshape(-1, self.classes)
        u, b0 = (matrix[:-1, 0], float(matrix[-1, 0])) if self.classes == 1 else (matrix[:-1], matrix[-1])
        return NewtonResult(
            u, b0, df, violation / self.unit,
            float(np.abs(self.rows.predictor(point.theta - before_last)).max(initial=0.0)), point.theta,
        )  # fmt: skip

    def _start(self, lam: float, start: FloatArray | None) -> FloatArray:
        """Return where to start: from the last answer, ahead on the line through the last two.

        Between lambdas at which a coordinate leaves or meets 0 the path is smooth in lambda (Rosset and Zhu
        2007, Annals of Statistics 35); on the line coordinates keep their sign.
        """
        if start is None:
            return self._origin
        if len(self._walk) < 2 or start is not self._walk[1].theta:
            return start
        (before, theta), (last, _) = self._walk
        if not last - FARTHEST * (before - last) <= lam < last < before:
            return start
        ahead = start + (last - lam) / (before - last) * (start - theta)
        ahead[(self._kink > 0.0) & (np.sign(ahead) != np.sign(start))] = 0.0
        return self._box.clip(ahead)

    def _evaluate(self, theta: FloatArray, a: FloatArray, b: FloatArray) -> _Point:
        """Return the point: one product with the rows each way, by the support where that is small."""
        mu, gradient, loss = self.rows.evaluate(theta)
        return _Point(
            theta, mu, gradient, loss + kink_value(a, theta, self._groups) + 0.5 * float(b @ theta**2)
        )

    def _violation(self, point: _Point, a: FloatArray, b: FloatArray) -> float:
        off = subgradient_distance(point.gradient + b * point.theta, point.theta, a, self._box, self._groups)
        return float(np.abs(off).max(initial=0.0))

    def _candidates(self, point: _Point, a: FloatArray) -> IntArray:
        """Return the coordinates that may count in the next step, groups whole."""
        size = np.divide(np.abs(point.gradient), a, out=np.full(len(a), np.inf), where=a > 0.0)
        # what presses against a bound at 0 stays there, however hard it presses
        g, (lower, upper) = point.gradient, self._box
        size[((g > 0.0) & (lower >= 0.0)) | ((g < 0.0) & (upper <= 0.0))] = 0.0
        size[point.theta != 0.0] = np.inf
        if self._groups is not None:
            size = self._groups.norms(size)[self._groups.labels]
        size[-self.classes :] = np.inf
        may = np.flatnonzero(size >= MAY_COUNT)
        # far from the answer far more would leave 0 than stay away: those that press most come first
        stays = int(np.isinf(size[may]).sum())
        most = stays + max(FEW, stays)
        if len(may) > most:
            may = may[size[may] >= np.partition(size[may], -most)[-most]]
        return may

    def _model(self, point: _Point, at: IntArray, a: FloatArray, b: FloatArray) -> ActiveSet | GroupSet:
        """Return the quadratic model of some coordinates at a point, started from it."""
        box = Box(self._box.lower[at], self._box.upper[at])
        groups = None if self._groups is None else self._groups.select(at)
        active = active_set(self.rows.gram(point.mu, at), self._kink[at], box, groups)
        active.begin(point.theta[at], a[at], b[at])
        return active

    def _step(
        self, point: _Point, active: ActiveSet | GroupSet, at: IntArray, a: FloatArray, b: FloatArray,
        violation: float,
    ) -> _Point | None:  # fmt: skip
        """Return the next point, None if no step lowers J."""
        theta, target = point.theta, point.theta.copy()
        target[at] = active.solve(
            active.gram.product(theta[at]) - point.gradient[at], a[at], b[at],
            tol=max(INNER * min(violation, violation**2 / self.unit), FLOOR * self.unit),
        )  # fmt: skip
        step = target - theta
        rise = kink_value(a, target, self._groups) - kink_value(a, theta, self._groups)
        slope = float((point.gradient + b * theta) @ step) + rise
        t = 1.0
        for _ in range(40):
            trial = self._evaluate(target if t == 1.0 else theta + t * step, a, b)
            if trial.objective <= point.objective + 1e-4 * t * slope:
                return trial
            # near the optimum J no longer tells, the optimality conditions do
            if t == 1.0 and self._violation(trial, a, b) < 0.5 * violation:
                return trial
            t *= 0.5
        return None
