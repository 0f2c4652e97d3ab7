"""The evidence against dense gaussian densities, MacKay's fixed point, and the lambda that made the data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from l2cli.core.moments import gram_system, moments_of
from l2cli.core.path import design_factor, solve_path
from l2cli.core.problem import make_problem
from l2cli.core.solvers.ridge import factor_from_gram, factor_from_kernel, factor_from_rows
from l2cli.errors import FitError
from l2cli.select.evidence import evidence

LAMBDAS = np.array([3000.0, 200.0, 10.0, 0.5, 0.01])
VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "weights": {"weighted": True},
    "offset": {"shifted": True},
    "no intercept": {"intercept": False, "weighted": True},
    "raw": {"standardize": False},
    "factors": {"factors": True, "weighted": True},
    "everything": {"factors": True, "weighted": True, "shifted": True, "standardize": False},
}


def problem_of(n, p, *, weighted=False, shifted=False, factors=False, **settings):
    rng = np.random.default_rng(7)
    X = rng.normal(size=(n, p)) * rng.uniform(0.2, 4.0, size=p) + 3.0
    y = X[:, 0] - X[:, -1] + rng.normal(size=n)
    if weighted:
        settings["weights"] = rng.uniform(0.2, 3.0, size=n)
    if shifted:
        settings["offset"] = rng.normal(size=n)
    if factors:
        settings["penalty_factor"] = np.append([0.0, 2.0], np.ones(p - 2))
    return make_problem(X, y, **settings)


def minus_two_log_density(problem, lam):
    """Return -2 log N(b; 0, s2 C) at its best s2, of rows orthogonal to what is not penalized."""
    root = np.sqrt(problem.weights)[:, None]
    bound = problem.penalty > 0
    flat = problem.X[:, ~bound]
    if problem.intercept:
        flat = np.column_stack([np.ones(problem.n_rows), flat])
    U, _, _ = np.linalg.svd(root * flat, full_matrices=True)
    N = U[:, flat.shape[1] :]
    A = N.T @ (root * problem.X[:, bound]) / np.sqrt(problem.penalty[bound])
    b = N.T @ (root[:, 0] * problem.response)
    C = np.eye(len(b)) + A @ A.T / lam
    s2 = b @ np.linalg.solve(C, b) / len(b)
    # log |s2 C| + b' (s2 C)^-1 b + m log 2 pi
    return np.linalg.slogdet(s2 * C)[1] + len(b) + len(b) * np.log(2.0 * np.pi)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("shape", [(25, 4), (12, 30)], ids=["long", "wide"])
def test_the_evidence_is_that_of_a_dense_gaussian_density(shape, variant):
    problem = problem_of(*shape, **VARIANTS[variant])
    curve = evidence(problem, design_factor(problem, 0.0), LAMBDAS)
    expected = np.array([minus_two_log_density(problem, lam) for lam in LAMBDAS])
    of_none = minus_two_log_density(problem, np.inf)
    assert curve.mean == pytest.approx(expected - of_none, rel=1e-8, abs=1e-8)
    assert curve.mean - curve.mean[0] == pytest.approx(expected - expected[0], rel=1e-8, abs=1e-8)
    assert np.isnan(curve.se).all()


def test_every_factor_gives_the_same_evidence():
    for shape in ((60, 5), (15, 40)):
        problem = problem_of(*shape, weighted=True)
        wide = shape[0] < shape[1]
        other = factor_from_kernel(problem) if wide else factor_from_gram(
            gram_system(problem, moments_of(problem))
        )  # fmt: skip
        rows = evidence(problem, factor_from_rows(problem), LAMBDAS)
        assert evidence(problem, other, LAMBDAS).mean == pytest.approx(rows.mean, rel=1e-9, abs=1e-9)


def test_the_best_lambda_is_the_fixed_point_of_mackay():
    """Gamma = sum e/(e + lambda), sigma^2 = Q / (n - q): lambda = gamma sigma^2 / u'Du."""
    problem = problem_of(80, 6, weighted=True)
    factor = design_factor(problem, 0.0)
    lam = 10.0
    for _ in range(2000):
        path = solve_path(problem, np.array([lam]), factor)
        u, b0 = path.u[:, 0], path.intercept0[0]
        size = u @ (problem.penalty * u)
        rss = problem.weights @ (problem.y - problem.X @ u - b0) ** 2
        lam = float(factor.effective_df(np.array([lam]))[0] * (rss + lam * size) / 79 / size)
    near = lam * np.array([0.999, 1.0, 1.001])
    values = evidence(problem, factor, near).mean
    assert values[1] < min(values[0], values[2])
    assert values[2] - values[0] == pytest.approx(0.0, abs=0.01 * (values[0] + values[2] - 2 * values[1]))


def test_the_lambda_that_made_the_data_is_found_on_average():
    rng, found = np.random.default_rng(0), []
    grid = np.geomspace(1.0, 1e4, 81)
    for _ in range(60):
        X = rng.normal(size=(100, 40))
        y = X @ rng.normal(scale=0.2, size=40) + 2.0 * rng.normal(size=100)  # lambda 4 / 0.04 = 100
        problem = make_problem(X, y, standardize=False)
        curve = evidence(problem, design_factor(problem, 0.0), grid)
        found.append(np.log(curve.lambdas[curve.index_min]))
    assert abs(np.mean(found) - np.log(100.0)) < 3.0 * np.std(found) / np.sqrt(60) + 0.05
    assert np.std(found) < 0.7


def test_what_is_at_the_ends():
    problem = problem_of(25, 4)
    curve = evidence(problem, design_factor(problem, 0.0), np.array([1e14, 1.0, 0.0]))
    assert curve.mean[0] == pytest.approx(0.0, abs=1e-9)  # no effects
    assert curve.mean[2] == np.inf
    assert curve.index_min == 1
    flat = make_problem(problem.X, np.full(25, 3.0))
    assert np.isfinite(evidence(flat, design_factor(flat, 0.0), LAMBDAS).mean).all()


def test_unpenalized_columns_that_fit_every_row_are_an_error():
    problem = make_problem(
        np.random.default_rng(0).normal(size=(4, 5)),
        np.arange(4.0),
        penalty_factor=np.array([0.0, 0, 0, 1, 1]),
    )
    with pytest.raises(FitError, match="fit all 4 rows exactly"):
        evidence(problem, design_factor(problem, 0.0), LAMBDAS)
