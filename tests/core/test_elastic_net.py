"""Elastic net and lasso: KKT certificates, scikit-learn's answers, lambda_max, duality gap, invariances."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.core import path as path_module
from l2cli.core.grid import lambda_grid, lambda_max
from l2cli.core.objective import certify
from l2cli.core.path import solve_path
from l2cli.core.problem import make_problem
from l2cli.spec import GridSpec

MIXES = (0.3, 1.0)


class Rows:
    """Correlated columns of unlike scale; weights, offset, penalty factors, missing cells on demand."""

    def __init__(self, n=60, p=7, *, family="gaussian", seed=0, missing=False):
        rng = np.random.default_rng(seed)
        self.X = (rng.normal(size=(n, p)) + 0.6 * rng.normal(size=(n, 1))) * rng.uniform(
            0.5, 20.0, size=p
        ) + 3.0
        eta = (self.X[:, 0] - 3.0) / self.X[:, 0].std() - 0.5 * (self.X[:, 1] - 3.0) / self.X[:, 1].std()
        noise = rng.normal(size=n) if family == "gaussian" else rng.logistic(size=n)
        self.y = eta + noise if family == "gaussian" else (eta + noise > 0) * 1.0
        self.weights, self.offset = rng.uniform(0.5, 2.0, size=n), 0.3 * rng.normal(size=n)
        self.factors = rng.uniform(0.5, 2.0, size=p)
        self.factors[2] = 0.0
        self.family = family
        if missing:
            self.X[rng.random(size=(n, p)) < 0.1] = np.nan

    def problem(self, mix, **settings):
        return make_problem(self.X, self.y, family=self.family, l1_ratio=mix, **settings)

    def full(self, mix, **settings):
        return self.problem(
            mix, weights=self.weights, offset=self.offset, penalty_factor=self.factors, **settings
        )


def objective(rows, problem, path, i):
    """Return J of SPEC section 1 on the original scale, from its definition."""
    X = np.where(np.isnan(rows.X), problem.mean, rows.X)
    w, eta = path.coef[:, i], X @ path.coef[:, i] + path.intercept[i] * problem.intercept
    eta = eta if problem.offset is None else eta + problem.offset
    sd = np.sqrt(
        np.average((X - np.average(X, axis=0, weights=problem.weights)) ** 2, axis=0, weights=problem.weights)
    )
    v, r = (w * sd if problem.standardize else w), problem.l1_ratio
    d = (rows.y - eta) ** 2 if rows.family == "gaussian" else 2 * (np.logaddexp(0, eta) - rows.y * eta)
    penalty = problem.factors @ (2 * r * np.abs(v) + (1 - r) * v**2)
    return problem.weights @ d + path.lambdas[i] * penalty


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
@pytest.mark.parametrize("mix", MIXES)
@pytest.mark.parametrize(
    "settings",
    [{}, {"intercept": False}, {"standardize": False}, {"intercept": False, "standardize": False}],
    ids=["usual", "no-intercept", "raw", "raw-no-intercept"],
)
def test_every_point_is_certified_and_no_neighbour_is_better(family, mix, settings):
    rows = Rows(family=family, missing=True)
    problem = rows.full(mix, **settings)
    grid, _ = lambda_grid(GridSpec(count=8), problem)
    path = solve_path(problem, grid)
    assert path.certificate.kkt_residual.max() < 1e-12
    assert path.certificate.duality_gap.max() < 1e-12
    rng = np.random.default_rng(5)
    for i in (2, 6):
        best = objective(rows, problem, path, i)
        assert best - path.certificate.train_deviance[i] >= 0.0
        for _ in range(20):
            step = 1e-3 * rng.normal(size=path.coef.shape[0]) * np.abs(path.coef[:, -1])
            moved = path._replace(coef=path.coef + step[:, None])
            assert objective(rows, problem, moved, i) >= best * (1 - 1e-12)


@pytest.mark.parametrize("shape", [(60, 8), (30, 45)], ids=["long", "wide"])
@pytest.mark.parametrize("mix", MIXES)
def test_gaussian_answers_are_those_of_scikit_learn(shape, mix):
    from sklearn.linear_model import ElasticNet

    rows = Rows(shape[0], shape[1])
    problem = rows.problem(mix)
    lam = 0.1 * lambda_max(problem)
    path = solve_path(problem, np.array([lam]))
    Z = (rows.X - rows.X.mean(axis=0)) / rows.X.std(axis=0)
    theirs = ElasticNet(alpha=lam / len(Z), l1_ratio=mix, tol=1e-14, max_iter=1_000_000).fit(Z, rows.y)
    assert path.u[:, 0] == pytest.approx(theirs.coef_, abs=1e-8)
    assert 0 < np.count_nonzero(path.u) < shape[1]


@pytest.mark.parametrize("shape", [(80, 6), (30, 45)], ids=["long", "wide"])
@pytest.mark.parametrize("mix", MIXES)
def test_binomial_answers_are_those_of_scikit_learn(shape, mix):
    from sklearn.linear_model import LogisticRegression

    rows = Rows(shape[0], shape[1], family="binomial")
    problem = rows.problem(mix)
    lam = 0.2 * lambda_max(problem)
    path = solve_path(problem, np.array([lam]))
    Z = (rows.X - rows.X.mean(axis=0)) / rows.X.std(axis=0)
    theirs = LogisticRegression(C=1 / lam, l1_ratio=mix, solver="saga", tol=1e-12, max_iter=100_000)
    assert path.u[:, 0] == pytest.approx(theirs.fit(Z, rows.y).coef_[0], abs=1e-6)


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
@pytest.mark.parametrize("mix", MIXES)
@pytest.mark.parametrize("full", [False, True])
def test_lambda_max_is_the_first_with_nothing_left(family, mix, full):
    rows = Rows(family=family)
    problem = rows.full(mix) if full else rows.problem(mix)
    high = lambda_max(problem)
    path = solve_path(problem, high * np.array([2.0, 1.0, 0.999]))
    bound = problem.factors > 0
    assert not path.u[bound][:, :2].any()
    assert path.u[bound][:, 2].any()


def test_the_grid_reaches_down_by_the_shape_of_the_problem():
    for shape, floor in (((60, 7), 1e-4), ((20, 40), 1e-2)):
        problem = Rows(shape[0], shape[1]).problem(1.0)
        grid, automatic = lambda_grid(GridSpec(count=5), problem, weight=2.0)
        assert automatic
        assert grid[0] == pytest.approx(lambda_max(problem) / 2.0)
        assert grid[-1] / grid[0] == pytest.approx(floor)


def test_r_near_zero_meets_the_ridge():
    rows = Rows()
    ridge = solve_path(rows.full(0.0), np.array([3.0]))
    mixed = solve_path(rows.full(1e-9), np.array([3.0]))
    assert mixed.coef == pytest.approx(ridge.coef, rel=1e-6, abs=1e-9)
    assert mixed.effective_df == pytest.approx(ridge.effective_df, rel=1e-6)


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_lambda_zero_is_the_unpenalized_fit_of_least_norm(family):
    rows = Rows(family=family)
    rows.X = np.hstack([rows.X, rows.X[:, :1]])
    bare = solve_path(rows.problem(0.0), np.zeros(1))
    mixed = solve_path(rows.problem(1.0), np.array([1.0, 0.0]))
    assert mixed.coef[:, 1] == pytest.approx(bare.coef[:, 0], rel=1e-6, abs=1e-9)
    assert np.isnan(mixed.certificate.duality_gap[1])
    if family == "gaussian":
        assert (mixed.rank, mixed.tied.tolist()) == (bare.rank, bare.tied.tolist())


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
@pytest.mark.parametrize("mix", MIXES)
def test_weight_two_is_the_row_twice_and_the_order_of_columns_does_not_matter(family, mix):
    rows = Rows(family=family)
    twice = np.arange(60) % 3 == 0
    lam = np.array([4.0])
    weighted = solve_path(rows.problem(mix, weights=1.0 + twice), lam)
    stacked = Rows(family=family)
    stacked.X, stacked.y = np.vstack([rows.X, rows.X[twice]]), np.append(rows.y, rows.y[twice])
    assert solve_path(stacked.problem(mix), lam).coef == pytest.approx(weighted.coef, rel=1e-9, abs=1e-12)
    order = np.random.default_rng(1).permutation(7)
    rows.X = rows.X[:, order] * 3.0
    again = solve_path(rows.problem(mix, weights=1.0 + twice), lam)
    assert again.coef * 3.0 == pytest.approx(weighted.coef[order], rel=1e-9, abs=1e-12)


def test_the_certificate_sees_a_wrong_answer():
    problem = Rows().problem(1.0)
    lam = np.array([0.2 * lambda_max(problem)])
    path = solve_path(problem, lam)
    for moved in (path.u + 1e-4, np.where(path.u == 0, 1e-6, path.u), np.zeros_like(path.u)):
        found = certify(problem, moved, path.intercept0, lam)
        assert found.kkt_residual[0] > 1e-7
        true_gap = objective_gap(problem, moved, path, lam)
        assert found.duality_gap[0] >= true_gap > 0.0


def objective_gap(problem, u, path, lam):
    """Return J(u) - J(optimum) over J of the null model, in internal coordinates."""

    def value(v):
        rest = problem.y - path.intercept0[0] - problem.X @ v
        return rest @ rest + 2.0 * lam[0] * np.abs(v).sum()

    null = problem.y - problem.y.mean()
    return (value(u[:, 0]) - value(path.u[:, 0])) / (null @ null)


def test_the_rows_correct_what_the_gram_leaves(monkeypatch):
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    X = np.column_stack([x, x + 1e-5 * rng.normal(size=200), rng.normal(size=200)])
    problem = make_problem(X, 1e5 * (X[:, 0] - X[:, 1]) + rng.normal(size=200), l1_ratio=1.0)
    path = solve_path(problem, lambda_max(problem) * np.array([1e-8]))
    assert path.certificate.kkt_residual[0] <= max(1e-14, 10 * path.certificate.rounding_floor[0])
    monkeypatch.setattr(path_module, "SETTLED", np.inf)
    plain = solve_path(problem, path.lambdas)
    assert plain.u == pytest.approx(path.u, rel=1e-4)


def test_a_constant_column_and_a_constant_target_get_nothing():
    X = np.column_stack([np.arange(9.0), np.ones(9)])
    path = solve_path(make_problem(X, np.arange(9.0) ** 2, l1_ratio=1.0), np.array([1.0]))
    assert path.coef[1, 0] == 0.0
    flat = make_problem(X, np.ones(9), l1_ratio=1.0)
    assert lambda_max(flat) == 0.0
    assert lambda_grid(GridSpec(), flat)[0].tolist() == [1.0]
    assert not solve_path(flat, np.array([1.0])).coef.any()
