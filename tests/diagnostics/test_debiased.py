"""Debiased estimates against their equations, solved another way, and how often their intervals cover."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from coverage_coefficients import CELLS, coverage
from scipy.optimize import root

from l2cli.core.path import solve_path
from l2cli.core.problem import make_problem
from l2cli.diagnostics.debiased import _Scores, debiased, nodewise
from l2cli.errors import FitError


def data(n=40, p=30, seed=0, correlation=0.5):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    for j in range(1, p):
        X[:, j] += correlation * X[:, j - 1]
    return X, X[:, 0] - X[:, 1] + rng.normal(size=n)


def estimate(X, y, lam, **settings):
    problem = make_problem(X, y, **settings)
    path = solve_path(problem, np.array([lam]))
    found = debiased(problem, path.u[..., 0], path.intercept0[..., 0], lam, float(path.effective_df[0]))
    return problem, path, found


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
def test_with_rows_enough_it_is_least_squares(l1_ratio):
    X, y = data(100, 6)
    _, _, found = estimate(X, y, 20.0, l1_ratio=l1_ratio)
    A = np.column_stack([X, np.ones(100)])
    expected, (rss,), *_ = np.linalg.lstsq(A, y)
    assert found.coef == pytest.approx(expected[:6])
    se = np.sqrt(rss / 93 * np.diag(np.linalg.inv(A.T @ A)))
    assert found.errors.coef == pytest.approx(se[:6])
    assert found.errors.df == 93


def test_directions_meet_the_conditions_of_their_lasso():
    """x_k'z_j is the same size for every k that takes part, smaller for the others; the noise is bounded."""
    X, _ = data()
    Z = X / np.linalg.norm(X, axis=0)
    C = Z.T @ Z
    D = nodewise(C, len(X))
    assert np.diag(D) == pytest.approx(1.0)
    R = C @ D
    for j in range(len(C)):
        others = np.arange(len(C)) != j
        used = others & (D[:, j] != 0.0)
        lam = np.abs(R[used, j]).max()
        assert np.abs(R[used, j]) == pytest.approx(lam, rel=1e-4)
        assert np.all(np.abs(R[others, j]) <= lam * (1 + 1e-4))
        assert np.sign(R[used, j]) == pytest.approx(-np.sign(D[used, j]))
        ridge = np.delete(np.delete(C, j, 0), j, 1) + 1e-3 * np.eye(29)
        c = np.delete(C[j], j)
        exact = 1.0 - c @ np.linalg.solve(ridge, c)  # all but least squares: the noisiest direction
        assert 1.0 <= np.sqrt(D[:, j] @ R[:, j]) / R[j, j] < 1.0 / np.sqrt(exact)


@pytest.mark.parametrize("free", [False, True])
@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
def test_residuals_of_the_other_columns_are_uncorrelated_with_the_direction(l1_ratio, free):
    """The equation z'r(b) = 0 with r(b) from a fit of the active columns, signs held, by dense algebra."""
    X, y = data()
    s = np.random.default_rng(2).uniform(0.5, 2.0, size=len(y))
    f = np.ones(30)
    f[4] = 0.0 if free else 1.0
    lam = 12.0
    _, path, found = estimate(X, y, lam, l1_ratio=l1_ratio, weights=s, penalty_factor=f)
    mean = np.average(X, axis=0, weights=s)
    sd = np.sqrt(np.average((X - mean) ** 2, axis=0, weights=s))
    Z = (X - mean) / sd * np.sqrt(s)[:, None]
    target = (y - np.average(y, weights=s)) * np.sqrt(s)
    length = np.linalg.norm(Z, axis=0)
    D = nodewise((Z / length).T @ (Z / length), len(X))
    u = path.u[:, 0]
    active = np.flatnonzero(u)
    assert 4 <= len(active) < 25
    rss = np.sum((target - Z @ u) ** 2)
    for j in (int(active[0]), int(np.flatnonzero(u == 0.0)[0]), 4):
        z = (Z / length) @ D[:, j]
        F = active[active != j]
        inverse = np.linalg.inv(Z[:, F].T @ Z[:, F] + lam * (1 - l1_ratio) * np.diag(f[F]))

        def residual(b, j=j, F=F, inverse=inverse):
            rest = target - Z[:, j] * b
            pull = lam * l1_ratio * f[F] * np.sign(u[F])
            return rest - Z[:, F] @ (inverse @ (Z[:, F].T @ rest - pull))

        assert z @ residual(found.coef[j] * sd[j]) == pytest.approx(
            0.0, abs=1e-7 * float(np.linalg.norm(target))
        )
        left = z - Z[:, F] @ (inverse @ (Z[:, F].T @ z))
        sigma = np.sqrt(rss / (40 - 1 - path.effective_df[0]))
        se = sigma * np.linalg.norm(left) / abs(left @ Z[:, j]) / sd[j]
        assert found.errors.coef[j] == pytest.approx(se, rel=1e-7)


@pytest.mark.parametrize("family", ["binomial", "poisson"])
@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
def test_scores_of_classes_and_counts_are_solved(family, l1_ratio):
    """z's(b) = 0 where the active columns solve their own equations at b_j, by a root finder."""
    X, eta = data(80, 30)
    rng = np.random.default_rng(3)
    s, o = rng.uniform(0.5, 2.0, size=80), 0.3 * rng.normal(size=80)

    def mean(eta):
        return 1.0 / (1.0 + np.exp(-eta)) if family == "binomial" else np.exp(eta)

    mu = mean(0.4 * eta + o)
    y = (rng.uniform(size=80) < mu) * 1.0 if family == "binomial" else rng.poisson(mu).astype(float)
    lam, f = 5.0, np.ones(30)
    f[4] = 0.0
    _, path, found = estimate(
        X, y, lam, family=family, l1_ratio=l1_ratio, weights=s, offset=o, penalty_factor=f
    )
    centre = np.average(X, axis=0, weights=s)
    sd = np.sqrt(np.average((X - centre) ** 2, axis=0, weights=s))
    Z, u = (X - centre) / sd, path.u[:, 0]
    active = np.flatnonzero(u)
    assert 4 <= len(active) < 25

    def variance(mu):
        return mu * (1.0 - mu) if family == "binomial" else mu

    w = s * variance(mean(Z @ u + path.intercept0[0] + o))
    G = (Z - np.average(Z, axis=0, weights=w)) * np.sqrt(w)[:, None]
    length = np.linalg.norm(G, axis=0)
    D = nodewise((G / length).T @ (G / length), 80)
    for j in (int(active[0]), int(np.flatnonzero(u == 0.0)[0]), 4):
        z = (Z - np.average(Z, axis=0, weights=w)) @ (D[:, j] / length)
        F = active[active != j]
        A, b = np.column_stack([np.ones(80), Z[:, F]]), found.coef[j] * sd[j]
        signs, squares = np.append(0.0, f[F] * np.sign(u[F])), np.append(0.0, f[F])

        def equations(v, A=A, b=b, j=j, signs=signs, squares=squares):
            pull = lam * (l1_ratio * signs + (1.0 - l1_ratio) * squares * v)
            return A.T @ (s * (y - mean(A @ v + Z[:, j] * b + o))) - pull

        others = root(equations, np.append(path.intercept0[0], u[F]), tol=1e-12).x
        mu = mean(A @ others + Z[:, j] * b + o)
        assert z @ (s * (y - mu)) == pytest.approx(0.0, abs=1e-6)
        w_end, B = s * variance(mu), np.column_stack([A, z])
        J = B.T @ (w_end[:, None] * np.column_stack([A, Z[:, j]]))
        J[np.diag_indices(len(J) - 1)] += lam * (1.0 - l1_ratio) * squares
        covariance = np.linalg.inv(J) @ (B.T @ (w_end[:, None] * B)) @ np.linalg.inv(J).T
        se = np.sqrt(s.mean() * covariance[-1, -1]) / sd[j]
        assert found.errors.coef[j] == pytest.approx(se, rel=1e-6)


def test_classes_that_one_column_separates_are_refused():
    X, _ = data(40, 30)
    y = (X[:, 0] > 0.0) * 1.0
    with pytest.raises(FitError, match="no finite estimate"):
        estimate(X, y, 9.0, family="binomial", l1_ratio=1.0)


@pytest.mark.parametrize(
    ("n", "p", "settings"),
    [(30, 40, {}), (60, 20, {"family": "binomial"}), (60, 20, {"family": "gamma", "l1_ratio": 1.0})],
)
def test_too_few_rows_are_refused(n, p, settings):
    X, y = data(n, p)
    y = (y > np.median(y)) * 1.0 if settings.get("family") == "binomial" else y
    with pytest.raises(FitError, match=f"{n} rows for {p} coefficients"):
        estimate(X, np.exp(y) if settings.get("family") == "gamma" else y, 5.0, **settings)


def test_scores_without_a_weight_left_have_no_root():
    X, _ = data(40, 2)
    problem = make_problem(X, np.repeat([0.0, 1.0], 20), family="binomial", offset=np.full(40, 800.0))
    scores = _Scores(problem, problem.X, np.zeros(2), np.zeros(2))
    with pytest.raises(FitError, match="no finite estimate"):
        scores.solve(0, np.array([1]), problem.X[:, 0], np.zeros(3))


def test_separated_classes_are_refused():
    X, _ = data(100, 3)
    with pytest.raises(FitError, match="separated"):
        estimate(X, (X[:, 0] > 0) * 1.0, 5.0, family="binomial")


@pytest.mark.parametrize("family", ["gaussian", "binomial", "poisson"])
@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
def test_twins_are_refused_in_wide_designs(family, l1_ratio):
    X, y = data(60, 50)
    X[:, 7] = X[:, 3] + 1e-9 * X[:, 9]
    y = y if family == "gaussian" else (y > 0.0) * 1.0
    with pytest.raises(FitError, match="not told apart"):
        estimate(X, y, 5.0, family=family, l1_ratio=l1_ratio)


def test_columns_that_depend_on_one_another_are_refused():
    X, y = data(100, 3)
    with pytest.raises(FitError, match="depend on one another"):
        estimate(np.column_stack([X, X[:, 0] - X[:, 1]]), y, 5.0)


@pytest.mark.parametrize(
    ("name", "replicates"), [("ridge-fixed", 150), ("lasso", 40), ("logistic-strong", 30)]
)
def test_intervals_cover_the_coefficients(name, replicates):
    """95 % +- 2 (of classes 3) or three Monte Carlo standard errors; the whole study is tests/benchmarks."""
    cell = next(cell for cell in CELLS if cell.name == name)
    if name == "lasso":  # smaller ones; lambda near sigma sqrt(2 n log p)
        cell = replace(cell, n=80, p=60, nonzero=3, size=0.7, lam=20.0)
    elif name == "logistic-strong":
        cell = replace(cell, n=120, p=40, lam=4.0)
    found = coverage(cell, "debiased", replicates)
    for key in ("nonzero", "zero"):
        if len(values := found[key]):
            error = values.std(ddof=1) / np.sqrt(replicates)
            least = 0.02 if cell.family == "gaussian" else 0.03
            assert values.mean() == pytest.approx(0.95, abs=max(least, 3 * error))
    if cell.l1_ratio > 0.0:  # as if nothing had chosen the columns
        assert found["naive"].mean() < 0.9
    if name == "ridge-fixed":  # the naive ones miss
        naive = coverage(cell, "shrunken", replicates)
        assert naive["mean"].mean() == pytest.approx(0.95, abs=0.03)
        assert naive["nonzero"].mean() < found["nonzero"].mean()
