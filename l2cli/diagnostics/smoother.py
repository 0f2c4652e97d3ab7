"""What the penalty leaves of every direction: the hat matrix of a fit in the space of its columns.

With v_i the working weights (s_i, for other families than gaussian s_i times the curvature at the solution),
G = Z'VZ the Gram of the active columns centred at their v-weighted means, and P half the curvature of the
penalty there (lambda D for L2),

    H = V^1/2 [1 1'/sum v + Z M Z'] V^1/2,     M = (G + P)^-1 = T T',     T'GT = diag(share),

so that the leverage of a row is h_i = v_i (1/sum v + |T'z_i|^2), the effective degrees of freedom are sum
share = tr(M G), and feature j has its diagonal (M G)_jj of them (Hastie, Tibshirani and Friedman, Elements of
Statistical Learning, section 3.4.1; Pregibon 1981 for the working weights). With an L1 part the active set is
held (Zou, Hastie and Tibshirani 2007); a group's norm curves (Vaiter et al. 2012).

Notes
-----
One Gram or kernel of the rows, as the fit itself: n q min(n, q) flops.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.moments import GramSystem, TrainingStats
from l2cli.core.path import design_factor, system_of
from l2cli.core.problem import Problem, row_blocks
from l2cli.core.relaxed import active_columns
from l2cli.core.solvers.glm_rows import GlmRows
from l2cli.core.solvers.newton import eliminate_intercept
from l2cli.core.solvers.ridge import RidgeFactor, factor_from_gram, factor_from_rows

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
EPS = float(np.finfo(np.float64).eps)


class Smoother(NamedTuple):
    """A fit as a linear smoother of its working response.

    columns : (q,) the active ones. half : (q, r) T. share : (r,) of each direction that is left, 0 to 1. df :
    (q,) of each active column. center : (q,) v-weighted means, 0 without an intercept. weights : (n,) v.
    """

    columns: IntArray
    half: FloatArray
    share: FloatArray
    df: FloatArray
    center: FloatArray
    weights: FloatArray

    def feature_df(self, p: int) -> FloatArray:
        """Return the degrees of freedom of all p columns, 0 of those that are not active."""
        df = np.zeros(p)
        df[self.columns] = self.df
        return df

    def scores(self, problem: Problem, rows: slice | IntArray) -> FloatArray:
        """Return T'z_i of some rows: (b, r)."""
        Z = problem.X[rows]
        Z = Z if len(self.columns) == problem.n_columns else Z[:, self.columns]
        return np.asarray((Z - self.center) @ self.half)

    def blocks(self, problem: Problem) -> Iterator[tuple[slice, FloatArray]]:
        """Yield blocks of rows with their scores."""
        for rows in row_blocks(problem.n_rows, len(self.columns) + len(self.share)):
            yield rows, self.scores(problem, rows)

    def inflation(self, problem: Problem) -> FloatArray:
        """Return the variance inflation after the penalty, (p,): NaN of columns that are not active.

        diag(M G M)_j G_jj, which is diag (R + k)^-1 R (R + k)^-1 of the correlation matrix R (Marquardt 1970,
        Technometrics 12, "Generalized inverses, ridge regression, biased linear estimation ...").
        """
        size = np.zeros(len(self.columns))
        for rows in row_blocks(problem.n_rows, len(self.columns)):
            Z = problem.X[rows][:, self.columns] - self.center
            size += self.weights[rows] @ np.square(Z)
        found = np.full(problem.n_columns, np.nan)
        found[self.columns] = np.square(self.half) @ self.share * size
        return found


def working_weights(problem: Problem, u: FloatArray, intercept0: float) -> tuple[FloatArray, FloatArray]:
    """Return the working weights v and the working residuals, residual / curvature of the family: (n,)."""
    eta = problem.predictor(u) + intercept0
    if problem.offset is not None:
        eta = eta + problem.offset
    family = problem.likelihood
    mu = family.mean(eta)
    curvature = family.curvature(problem.y, mu)
    with np.errstate(divide="ignore", invalid="ignore"):
        away = np.where(curvature > 0.0, family.residual(problem.y, mu) / curvature, 0.0)
    return problem.weights * curvature, away


def curvature_gram(problem: Problem, u: FloatArray, intercept0: FloatArray | float) -> FloatArray:
    """Return Z'VZ of all columns, the intercept eliminated: (p, p); of several classes (p C, p C)."""
    if problem.family == "gaussian":
        return system_of(problem).G
    eta = (problem.predictor(u) + intercept0).T
    mu = problem.likelihood.mean((eta if problem.offset is None else eta + problem.offset).T)
    rows = GlmRows(problem, problem.X, np.zeros(problem.n_columns, dtype=bool))
    H, m = rows.curvature(mu, settled=False), problem.n_columns * problem.n_classes
    return eliminate_intercept(H, m) if problem.intercept else H[:m, :m]


def make_smoother(
    problem: Problem, u: FloatArray, intercept0: float, lam: float, factor: RidgeFactor | None = None,
    gram: FloatArray | None = None,
) -> Smoother:  # fmt: skip
    """Return the smoother of a fit u (p,), intercept0 at ``lam`` (sum scale), one target or two classes.

    Parameters
    ----------
    factor : RidgeFactor, optional
        Of all rows, of a gaussian L2 problem.
    gram : (p, p) float64, optional
        :func:`curvature_gram`, where it is known already.
    """
    weights, _ = working_weights(problem, u, intercept0)
    columns = _active(problem, u)
    if problem.groups is not None:
        G = curvature_gram(problem, u, intercept0) if gram is None else gram
        half, share, df = _of_groups(problem, G[np.ix_(columns, columns)], u, columns, lam)
    else:
        whole = len(columns) == problem.n_columns
        part = problem if whole else problem.select(columns)
        part = part._replace(box=None, l1_ratio=0.0)
        at = lam * (1.0 - problem.l1_ratio)
        if gram is not None and not whole:
            gram = gram[np.ix_(columns, columns)]
        usable = factor is not None and whole and factor.serves(at)
        chosen = factor if usable else _factor_of(part, weights, at, gram)
        assert chosen is not None
        half, share, df = _of_factor(chosen, at)
    center = np.zeros(len(columns))
    if problem.intercept:
        center = (weights @ problem.X)[columns] / weights.sum()
    return Smoother(columns, half, share, df, center, weights)


def class_freedom(problem: Problem, gram: FloatArray, lam: float) -> FloatArray:
    """Return the degrees of freedom of each column of an L2 fit, summed over its classes: (p,)."""
    usable = np.diag(gram) > 0.0
    G, d = gram[np.ix_(usable, usable)], lam * problem.per_class(problem.penalty)[usable]
    df = np.zeros(len(gram))
    df[usable] = np.sum(np.linalg.pinv(G + np.diag(d), rcond=len(G) * EPS * 10.0, hermitian=True) * G, axis=1)
    return np.asarray(df.reshape(problem.n_columns, -1).sum(axis=1))


def _active(problem: Problem, u: FloatArray) -> IntArray:
    """Return the columns that move with the data: not held at 0 by a kink, nor at a bound."""
    moving = ~problem.constant if problem.l1_ratio == 0.0 else active_columns(problem, u)
    if problem.box is not None:
        moving = moving & (u > problem.box.lower) & (u < problem.box.upper)
    return np.flatnonzero(moving)


def _factor_of(problem: Problem, weights: FloatArray, lam: float, gram: FloatArray | None) -> RidgeFactor:
    """Return the spectral factor of the columns of a problem (L2) under the working weights."""
    if problem.family == "gaussian":
        return design_factor(problem, lam)
    work = problem._replace(weights=weights, family="gaussian", shared=None)
    if gram is None or problem.n_columns >= problem.n_rows:
        return factor_from_rows(work)
    p, none = len(gram), np.zeros(0)
    usable = (np.diag(gram) > 0.0).astype(np.float64)
    stats = TrainingStats(
        float(weights.sum()), problem.n_rows, np.zeros(p), 0.0, usable, work.penalty, none, none
    )
    return factor_from_gram(GramSystem(stats, gram, np.zeros(p), 0.0))


def _of_factor(factor: RidgeFactor, lam: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return T, the shares and the df of every column by a spectral factor, unpenalized columns whole."""
    share, free = factor.e / (factor.e + lam), factor.free
    scaled = factor.V / np.sqrt(factor.e + lam)
    half, df = scaled / factor.root[:, None], np.square(factor.V) @ share
    if not len(free.at):
        return half, share, df
    half[free.at] = -free.cross @ scaled
    e, Q = np.linalg.eigh(free.inverse)
    own = np.zeros((len(half), len(free.at)))
    own[free.at] = Q * np.sqrt(np.maximum(e, 0.0))
    df[free.at] = 1.0 - free.null
    return np.hstack([half, own]), np.append(share, (e > 0.0).astype(np.float64)), df


def _of_groups(
    problem: Problem, G: FloatArray, u: FloatArray, columns: IntArray, lam: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return T, the shares and the df of every active column of a group lasso.

    The norm |a o u| of a group has half the curvature diag(a^2)/|a o u| - (a^2 u)(a^2 u)'/|a o u|^3; columns
    at a bound do not move, and are in the norm all the same.
    """
    assert problem.groups is not None
    a, w = (lam * problem.l1_penalty)[columns], u[columns]
    labels = problem.groups.labels[columns]
    norms = problem.groups.norms((lam * problem.l1_penalty * u)[:, None])[:, 0]
    P = np.zeros_like(G)
    for g in np.unique(labels):
        at = np.flatnonzero(labels == g)
        norm = float(norms[g])
        if norm > 0.0:
            pull = a[at] ** 2 * w[at]
            P[np.ix_(at, at)] = np.diag(a[at] ** 2) / norm - np.outer(pull, pull) / norm**3
    e, Q = np.linalg.eigh(G + P)
    keep = e > len(e) * EPS * max(float(e.max(initial=0.0)), 0.0) * 10.0
    half = Q[:, keep] / np.sqrt(e[keep])
    share, U = np.linalg.eigh(half.T @ G @ half)
    half = half @ U
    return half, np.clip(share, 0.0, 1.0), np.sum((half @ half.T) * G, axis=1)
