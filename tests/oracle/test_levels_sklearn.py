"""Categories of many levels against scikit-learn on sparse one-hot columns, raw and with an intercept."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge

from l2cli.core.block_problem import make_block_problem
from l2cli.core.design import Codes, Design
from l2cli.core.path import solve_path

ROWS, LEVELS = 6_000, (600, 300)


@pytest.fixture(scope="module")
def levels():
    """6,000 rows, a number and 900 levels: a design, the same as a sparse matrix, and eta."""
    rng = np.random.default_rng(0)
    x, codes = rng.normal(size=(ROWS, 1)), [rng.integers(0, m, ROWS) for m in LEVELS]
    design = Design(x, np.array([0]), (Codes(codes[0], LEVELS[0], 1), Codes(codes[1], LEVELS[1], 601)))
    one = np.ones(ROWS)
    indicators = [
        sparse.csr_matrix((one, (np.arange(ROWS), code)), shape=(ROWS, m))
        for code, m in zip(codes, LEVELS, strict=True)
    ]
    X = sparse.csr_matrix(sparse.hstack([sparse.csr_matrix(x), *indicators]))
    eta = x[:, 0] + sum(rng.normal(size=m)[code] * 0.5 for code, m in zip(codes, LEVELS, strict=True))
    return design, X, eta, rng


@pytest.mark.parametrize("lam", [20.0, 2.0])
def test_ridge(levels, lam):
    design, X, eta, _ = levels
    y = eta + np.random.default_rng(1).normal(size=ROWS)
    found = solve_path(make_block_problem(design, y, standardize=False), np.array([lam]))
    expected = Ridge(alpha=lam, solver="sparse_cg", tol=1e-12, max_iter=10_000).fit(X, y)
    assert found.coef[:, 0] == pytest.approx(expected.coef_, abs=1e-6)
    assert found.certificate.kkt_residual[0] <= 1e-10


def test_logistic_regression(levels):
    design, X, eta, _ = levels
    y = (eta + np.random.default_rng(2).logistic(size=ROWS) > 0).astype(float)
    found = solve_path(make_block_problem(design, y, family="binomial", standardize=False), np.array([4.0]))
    expected = LogisticRegression(C=0.25, solver="newton-cg", tol=1e-9, max_iter=1000).fit(X, y)
    assert found.coef[:, 0] == pytest.approx(expected.coef_[0], abs=1e-5)
    assert found.intercept[0] == pytest.approx(expected.intercept_[0], abs=1e-4)
    assert found.certificate.kkt_residual[0] <= 1e-10


def test_poisson_regression(levels):
    design, X, eta, _ = levels
    y = np.random.default_rng(3).poisson(np.exp(0.5 * eta)).astype(float)
    found = solve_path(make_block_problem(design, y, family="poisson", standardize=False), np.array([6.0]))
    expected = PoissonRegressor(alpha=6.0 / ROWS, tol=1e-9, max_iter=5000).fit(X, y)
    assert found.coef[:, 0] == pytest.approx(expected.coef_, abs=1e-4)
