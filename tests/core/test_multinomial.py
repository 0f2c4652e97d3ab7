"""Symmetric multinomial models: against scikit-learn, binomial ones, and a gradient written here."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from l2cli.core.covariance import standard_errors
from l2cli.core.grid import lambda_grid, lambda_max
from l2cli.core.metrics import metric_table
from l2cli.core.path import solve_path
from l2cli.core.problem import make_problem
from l2cli.core.separation import separating_columns
from l2cli.core.solvers.glm_rows import GlmRows
from l2cli.spec import GridSpec

LAMBDAS = np.array([50.0, 3.0, 0.1])


def data(n=120, p=5, c=4, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * rng.uniform(0.5, 3.0, p) + rng.normal(size=p)
    eta = X @ rng.normal(size=(p, c)) / 3.0
    y = (eta + rng.gumbel(size=(n, c))).argmax(axis=1)
    return X, y.astype(float), rng.uniform(0.3, 2.0, n)


def gradient(problem, X, codes, u, b, lam):
    """Return half the gradient of the smooth part of J, (p + 1, C), from the original columns."""
    mean = np.average(X, axis=0, weights=problem.weights)
    sd = np.sqrt(np.average((X - mean) ** 2, axis=0, weights=problem.weights))
    center = mean if problem.intercept else 0.0
    Z = (X - center) / np.where(sd > 0, sd, 1.0)
    error = problem.weights[:, None] * (softmax(Z @ u + b, axis=1) - np.eye(u.shape[1])[codes.astype(int)])
    penalty = problem.factors if problem.standardize else problem.factors / sd**2
    return np.vstack([Z.T @ error + lam * (1 - problem.l1_ratio) * penalty[:, None] * u, error.sum(axis=0)])


SETTINGS = [
    {},
    {"standardize": False},
    {"intercept": False},
    {"penalty_factor": np.array([0.0, 1.0, 2.0, 1.0, 0.5])},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=["plain", "raw", "no intercept", "factors"])
@pytest.mark.parametrize("shape", [(120, 5), (30, 5)], ids=["tall", "short"])
def test_l2_solutions_are_optimal_and_sum_to_zero(settings, shape):
    X, y, s = data(*shape)
    problem = make_problem(X, y, family="multinomial", weights=s, **settings)
    path = solve_path(problem, LAMBDAS)
    assert path.certificate.kkt_residual.max() <= 1e-12
    assert path.certificate.duality_gap.max() <= 1e-12
    assert np.abs(path.u.sum(axis=1)).max() <= 1e-9
    assert np.abs(path.intercept.sum(axis=0)).max() <= 1e-9
    for i, lam in enumerate(LAMBDAS):
        g = gradient(problem, X, y, path.u[..., i], path.intercept0[..., i], lam)
        assert np.abs(g[:-1] if not problem.intercept else g).max() <= 1e-9 * np.abs(X.T).max() * len(y)


def test_it_is_scikit_learns_logistic_regression():
    X, y, s = data()
    path = solve_path(make_problem(X, y, family="multinomial", weights=s, standardize=False), LAMBDAS)
    for i, lam in enumerate(LAMBDAS):
        there = LogisticRegression(C=1.0 / lam, tol=1e-12, max_iter=10_000, solver="newton-cholesky").fit(
            X, y, s
        )
        assert path.coef[..., i] == pytest.approx(there.coef_.T, abs=1e-9)
        assert path.intercept[:, i] == pytest.approx(there.intercept_ - there.intercept_.mean(), abs=1e-8)


@pytest.mark.parametrize("columns", [4, 60])
def test_two_classes_are_binomial_at_half_the_lambda(columns):
    X, y, s = data(50, columns, 2)
    two = solve_path(make_problem(X, y, family="multinomial", weights=s), LAMBDAS)
    one = solve_path(make_problem(X, y, family="binomial", weights=s), LAMBDAS / 2.0)
    assert two.coef[:, 1] - two.coef[:, 0] == pytest.approx(one.coef, abs=1e-10)
    assert two.intercept[1] - two.intercept[0] == pytest.approx(one.intercept, abs=1e-9)
    assert two.effective_df == pytest.approx(one.effective_df, rel=1e-8)
    assert two.certificate.train_deviance == pytest.approx(one.certificate.train_deviance, rel=1e-12)


@pytest.mark.parametrize("ratio", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("shape", [(90, 5, 3), (25, 60, 3)], ids=["tall", "wide"])
def test_every_mix_is_certified(shape, ratio):
    X, y, s = data(*shape)
    problem = make_problem(X, y, family="multinomial", weights=s, l1_ratio=ratio)
    grid, automatic = lambda_grid(GridSpec(count=8), problem)
    assert automatic
    path = solve_path(problem, grid)
    assert path.certificate.kkt_residual.max() <= 1e-11
    assert path.certificate.duality_gap.max() <= 1e-10
    # the gradient on coordinates that are not zero, and its bound on those that are
    for i, lam in enumerate(grid[1:], start=1):
        u = path.u[..., i]
        g = gradient(problem, X, y, u, path.intercept0[..., i], lam)[:-1]
        assert np.abs(np.where(u != 0, g + lam * ratio * np.sign(u), 0.0)).max() <= 1e-8 * lam_unit(problem)
        assert np.all(np.abs(g) <= lam * ratio * (1 + 1e-9) + 1e-8 * lam_unit(problem))


def lam_unit(problem):
    return lambda_max(problem._replace(l1_ratio=1.0))


@pytest.mark.parametrize("factors", [None, np.array([0.0, 1.0, 2.0, 1.0, 0.5])])
def test_the_largest_useful_lambda_leaves_nothing_and_a_smaller_one_does(factors):
    X, y, s = data()
    problem = make_problem(X, y, family="multinomial", weights=s, l1_ratio=1.0, penalty_factor=factors)
    top = lambda_max(problem)
    path = solve_path(problem, np.array([top, 0.99 * top]))
    bound = problem.factors > 0
    assert not path.u[bound, :, 0].any()
    assert path.u[bound, :, 1].any()
    assert path.certificate.kkt_residual.max() <= 1e-12


def test_bounds_hold_in_every_class():
    X, y, s = data()
    low, high = np.full(5, -0.1), np.full(5, np.inf)
    path = solve_path(make_problem(X, y, family="multinomial", weights=s, bounds=(low, high)), LAMBDAS)
    assert path.coef.min() >= -0.1 - 1e-15
    assert np.any(path.coef == path.coef.min())
    assert path.certificate.kkt_residual.max() <= 1e-10


def test_a_heavy_weight_is_a_row_many_times():
    X, y, _ = data(60, 3, 3)
    s = (np.arange(60) % 3 + 1).astype(np.float64)
    often = np.repeat(np.arange(60), s.astype(int))
    one = solve_path(make_problem(X, y, family="multinomial", weights=s), LAMBDAS)
    many = solve_path(make_problem(X[often], y[often], family="multinomial"), LAMBDAS)
    assert one.coef == pytest.approx(many.coef, abs=1e-10)


def test_the_curvature_is_the_derivative_of_the_gradient():
    X, y, s = data(40, 3, 3)
    problem = make_problem(X, y, family="multinomial", weights=s)
    rows = GlmRows(problem, problem.X, np.zeros(3, dtype=bool))
    theta, h = np.random.default_rng(1).normal(size=12), 1e-6
    mu, _, _ = rows.evaluate(theta)
    H = rows.curvature(mu, settled=False)
    slopes = [
        (rows.evaluate(theta + h * e)[1] - rows.evaluate(theta - h * e)[1]) / (2 * h) for e in np.eye(12)
    ]
    assert pytest.approx(np.column_stack(slopes), abs=1e-6) == H
    settled = rows.curvature(mu)
    shift = np.kron(np.eye(4), np.ones(3))[-1]
    assert shift @ settled @ shift > 1.0
    for at in (np.arange(12), np.array([1, 2, 7, 9, 10, 11])):
        B = rows.class_rows(mu, at)
        assert pytest.approx(settled[np.ix_(at, at)], abs=1e-9) == B.T @ B


@pytest.mark.parametrize(
    ("n", "family"), [(40, "multinomial"), (3, "multinomial"), (40, "binomial"), (4, "binomial")]
)
def test_a_gram_of_some_coordinates_is_part_of_the_whole_one(n, family):
    X, y, s = data(40, 6, 3)
    y = y if family == "multinomial" else (y > 0).astype(float)
    problem = make_problem(X, y, family=family, weights=s).take(np.arange(n))
    rows = GlmRows(problem, problem.X, np.zeros(6, dtype=bool))
    theta = np.random.default_rng(2).normal(size=7 * rows.classes)
    mu, _, _ = rows.evaluate(theta)
    H, c = rows.curvature(mu), rows.classes
    for at in (np.arange(len(H)), np.append(np.arange(c, 5 * c, 2), 6 * c + np.arange(c))):
        gram = rows.gram(mu, at)
        assert gram.rows(np.arange(len(at))) == pytest.approx(H[np.ix_(at, at)], rel=1e-9, abs=1e-9)
        assert gram.diagonal == pytest.approx(np.diag(H)[at], rel=1e-9)


def test_separated_classes_are_named():
    X, y, _ = data(60, 3, 3)
    X[:, 1] = y
    problem = make_problem(X, y, family="multinomial")
    found = separating_columns(problem, np.ones(3, dtype=bool))
    assert found is not None
    assert found[1]
    assert separating_columns(problem, np.array([True, False, True])) is None


def test_standard_errors_are_those_of_the_inverse_information():
    """Two classes: half the binomial ones, as the coefficients are +- half of its."""
    X, y, _ = data(200, 3, 2)
    two, one = (make_problem(X, y, family=f) for f in ("multinomial", "binomial"))
    path, single = solve_path(two, np.zeros(1)), solve_path(one, np.zeros(1))
    errors = standard_errors(two, path.u[..., 0], path.intercept0[:, 0])
    expected = standard_errors(one, single.u[:, 0], single.intercept0[0])
    assert errors is not None
    assert expected is not None
    assert errors.coef == pytest.approx(np.column_stack([expected.coef, expected.coef]) / 2.0, rel=1e-9)
    assert errors.intercept == pytest.approx(np.full(2, expected.intercept) / 2.0, rel=1e-9)


def test_metrics_of_classes():
    X, y, s = data(50, 3, 3)
    Y, eta = np.eye(3)[y.astype(int)], np.random.default_rng(2).normal(size=(50, 3)) * 5.0
    table = metric_table(make_problem(X, y, family="multinomial").likelihood, Y, eta, s)
    p, right = softmax(eta, axis=1), eta.argmax(axis=1) == y
    own = p[np.arange(50), y.astype(int)]
    assert table == pytest.approx(
        {
            "deviance": -2.0 * np.average(np.log(own), weights=s),
            "log_loss": -np.average(np.log(own), weights=s),
            "accuracy": np.average(right, weights=s),
            "error": np.average(~right, weights=s),
            "brier": np.average(((Y - p) ** 2).sum(axis=1), weights=s),
        }
    )
