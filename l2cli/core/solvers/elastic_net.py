"""Gaussian elastic net, lasso and bounded ridge along lambda: one active set, warm-started along the path.

    J(u) = |y - Zu|^2 + lambda sum_j [2 r l_j |u_j| + (1 - r) d_j u_j^2]

is twice the quadratic of :class:`l2cli.core.solvers.active_set.ActiveSet` with G = Z'SZ, q = Z'Sy, a =
lambda r l and b = lambda (1 - r) d. Rows enter by their moments only (n >= p), or by the products of the
columns that are freed (p > n), so a path costs no pass over the rows.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from l2cli.core.penalties import Box, Groups, subgradient_distance
from l2cli.core.solvers.active_set import ActiveSet
from l2cli.core.solvers.gram import Gram, ProductGram
from l2cli.core.solvers.group_set import GroupSet
from l2cli.core.solvers.screening import WideNet, solve_steps

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
SETTLED = 1e-14
"""Optimality conditions are met to this share of the null model's gradient, or to rounding."""
WIDE = 500
"""Columns from which, more of them than rows, a path is solved on those that may count."""
ROUGH = 1e-9
"""The same inside folds, whose residual need only reach 1e-5."""


def active_set(gram: Gram, kink: FloatArray, box: Box | None, groups: Groups | None) -> ActiveSet | GroupSet:
    """Return what minimises the quadratics of a Gram with kinks that are multiples of ``kink`` (m,)."""
    if groups is not None:
        return GroupSet(gram, groups, kink, box)
    return ActiveSet(gram, *(box or ()))


class ElasticNet:
    """The elastic nets of one Gram and one q.

    Parameters
    ----------
    gram : Gram
        Z'SZ.
    q : (p,) float64
        Z'Sy.
    l1, d : (p,) float64
        Weights l_j and d_j of the penalty.
    l1_ratio : float
        r.
    box : Box, optional
        Bounds of u.
    groups : Groups, optional
        Columns that share a norm.
    """

    def __init__(
        self,
        gram: Gram,
        q: FloatArray,
        l1: FloatArray,
        d: FloatArray,
        l1_ratio: float,
        box: Box | None = None,
        groups: Groups | None = None,
    ) -> None:
        self.gram, self.q, self.box, self.groups = gram, q, box, groups
        self._kink, self._square = l1_ratio * l1, (1.0 - l1_ratio) * d
        self.unit = float(np.abs(q).max(initial=0.0))

    def solve(
        self, lambdas: FloatArray, correction: FloatArray | None = None, *, rough: bool = False
    ) -> tuple[FloatArray, FloatArray]:
        """Return coefficients (p, L) and effective degrees of freedom (L,), from the largest lambda down.

        ``rough`` is for fits inside folds: it may stop at ROUGH and leaves the degrees of freedom out (NaN).

        Parameters
        ----------
        lambdas : (L,) float64
            On the sum scale.
        correction : (p, L) float64, optional
            What to add to q at each lambda: what the rows say of the gradient beside what the Gram says.

        Notes
        -----
        The degrees of freedom are those of the ridge on the free columns, tr[(G_FF + b)^-1 G_FF].
        """
        if self.groups is not None and (bare := lambdas == 0.0).any():
            return self._without_norms(lambdas, bare, correction, rough=rough)
        order = np.argsort(-lambdas, kind="stable")
        if isinstance(self.gram, ProductGram) and len(self.q) >= WIDE:
            A = self.gram.A
            q = self.q if correction is None else self.q[:, None] + correction[:, order]
            penalty = (self._kink, self._square, self.box, self.groups)
            net = WideNet(lambda at: A[:, at], *penalty, active_set, self._tolerance(rough))
            answer = solve_steps(net.steps(lambdas[order], q, with_df=not rough), A)
            u, df = np.empty_like(answer.u), np.empty_like(answer.df)
            u[:, order], df[order] = answer.u, answer.df
            return u, df
        active = active_set(self.gram, self._kink, self.box, self.groups)
        u, df = np.zeros((len(self.q), len(lambdas))), np.zeros(len(lambdas))
        for i in order:
            q = self.q if correction is None else self.q + correction[:, i]
            a, b = lambdas[i] * self._kink, lambdas[i] * self._square
            u[:, i] = active.solve(q, a, b, tol=self._tolerance(rough))
            df[i] = np.nan if rough else active.effective_df()
        return u, df

    def _tolerance(self, rough: bool) -> float:
        return (ROUGH if rough else SETTLED) * self.unit

    def _without_norms(
        self, lambdas: FloatArray, bare: BoolArray, correction: FloatArray | None, *, rough: bool
    ) -> tuple[FloatArray, FloatArray]:
        """Return :meth:`solve` where some lambdas, ``bare`` (L,), are 0.

        There J has no norms, and the active set of columns settles what tied ones leave open.
        """
        plain = ElasticNet(self.gram, self.q, self._kink, self._square, 1.0, self.box)
        u, df = np.zeros((len(self.q), len(lambdas))), np.zeros(len(lambdas))
        for net, at in ((plain, bare), (self, ~bare)):
            some = None if correction is None else correction[:, at]
            if at.any():
                u[:, at], df[at] = net.solve(lambdas[at], some, rough=rough)
        return u, df

    def gradient(self, u: FloatArray, lambdas: FloatArray) -> FloatArray:
        """Return half the gradient of the smooth part of J by the Gram: (p, L)."""
        return self.gram.products(u) - self.q[:, None] + np.multiply.outer(self._square, lambdas) * u

    def residual(self, u: FloatArray, lambdas: FloatArray) -> FloatArray:
        """Return the KKT residual of coefficients (p, L) by the Gram: (L,)."""
        kink = np.multiply.outer(self._kink, lambdas)
        off = subgradient_distance(self.gradient(u, lambdas), u, kink, self.box, self.groups)
        worst: FloatArray = np.abs(off).max(axis=0, initial=0.0)
        return worst / self.unit if self.unit > 0 else np.zeros_like(worst)
