"""Relaxed fits against unpenalized fits of NumPy and statsmodels on the columns that the lasso selects."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.core import relaxed as relaxed_module
from l2cli.core.grid import lambda_max
from l2cli.core.path import solve_path
from l2cli.core.problem import make_problem
from l2cli.core.relaxed import active_columns, relaxed_path

FAMILIES = ("gaussian", "binomial", "poisson")
USUAL = {"intercept": True, "standardize": True}


class Rows:
    """Correlated columns of unlike scale, of which four matter; weights, offset, one column not penalized."""

    def __init__(self, family="gaussian", n=80, p=9, seed=0):
        rng = np.random.default_rng(seed)
        self.X = rng.normal(size=(n, p)) + 0.5 * rng.normal(size=(n, 1))
        eta = 0.7 * self.X[:, :4] @ [1.0, -0.7, 0.5, 0.3]
        self.X *= rng.uniform(0.5, 9.0, size=p)
        self.y: np.ndarray = {
            "gaussian": lambda: eta + rng.normal(size=n),
            "binomial": lambda: (eta + rng.logistic(size=n) > 0) * 1.0,
            "poisson": lambda: rng.poisson(np.exp(0.5 * eta)) * 1.0,
        }[family]()
        self.weights, self.offset = rng.uniform(0.5, 2.0, size=n), 0.3 * rng.normal(size=n)
        self.factors = rng.uniform(0.5, 2.0, size=p)
        self.factors[6] = 0.0
        self.family = family

    def problem(self, gamma, mix=1.0, **settings):
        return make_problem(
            self.X, self.y, family=self.family, weights=self.weights, offset=self.offset,
            penalty_factor=self.factors, l1_ratio=mix, relax_gamma=gamma, **settings,
        )  # fmt: skip

    def unpenalized(self, columns, *, intercept):
        """Return (coefficients (p,), intercept) of the unpenalized fit on some columns."""
        import statsmodels.api as sm

        families = {
            "gaussian": sm.families.Gaussian(),
            "binomial": sm.families.Binomial(),
            "poisson": sm.families.Poisson(),
        }
        A = self.X[:, columns]
        A = np.column_stack([A, np.ones(len(A))]) if intercept else A
        model = sm.GLM(
            self.y, A, family=families[self.family], var_weights=self.weights, offset=self.offset
        )  # fmt: skip
        answer = np.asarray(model.fit(tol=1e-14, tol_criterion="params", maxiter=100).params)
        coef = np.zeros(self.X.shape[1])
        coef[columns] = answer[: len(columns)]
        return coef, float(answer[-1]) if intercept else 0.0


def grid_of(problem):
    return lambda_max(problem) * np.array([1.5, 0.5, 0.45, 0.2, 0.05])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("gamma", [0.0, 0.5])
@pytest.mark.parametrize(
    ("mix", "settings"),
    [(1.0, USUAL), (0.5, USUAL), (1.0, USUAL | {"intercept": False}), (1.0, USUAL | {"standardize": False})],
    ids=["lasso", "enet", "no-intercept", "raw"],
)
def test_relaxed_fits_lie_between_the_lasso_and_the_fit_on_its_columns(family, gamma, mix, settings):
    rows = Rows(family)
    problem = rows.problem(gamma, mix, **settings)
    lasso = solve_path(problem, grid_of(problem))
    found = relaxed_path(problem, grid_of(problem))
    assert len({int(count) for count in (lasso.u != 0).sum(axis=0)}) > 2
    for i in range(len(lasso.lambdas)):
        columns = np.flatnonzero(lasso.coef[:, i])
        assert 6 in columns  # its factor is 0
        coef, intercept = rows.unpenalized(columns, intercept=settings["intercept"])
        expected = gamma * lasso.coef[:, i] + (1 - gamma) * coef
        assert found.coef[:, i] == pytest.approx(expected, rel=1e-7, abs=1e-10)
        expected_intercept = gamma * lasso.intercept[i] + (1 - gamma) * intercept
        assert found.intercept[i] == pytest.approx(expected_intercept, rel=1e-7, abs=1e-9)
        assert found.effective_df[i] == pytest.approx(
            gamma * lasso.effective_df[i] + (1 - gamma) * len(columns), rel=1e-12
        )
        eta = rows.X @ found.coef[:, i] + found.intercept[i] * settings["intercept"] + rows.offset
        deviance = rows.weights @ problem.likelihood.deviance(rows.y, eta)
        assert found.certificate.train_deviance[i] == pytest.approx(deviance, rel=1e-10)
    assert found.certificate.converged().all()
    assert found.certificate.kkt_residual.max() < 1e-11
    assert np.isnan(found.certificate.duality_gap).all()


def test_gamma_one_is_the_lasso_itself():
    problem = Rows().problem(1.0)
    grid = grid_of(problem)
    found, lasso = relaxed_path(problem, grid), solve_path(problem, grid)
    assert found.active is None
    assert np.array_equal(found.coef, lasso.coef)
    assert np.array_equal(found.intercept, lasso.intercept)
    assert np.array_equal(found.certificate.kkt_residual, lasso.certificate.kkt_residual)


@pytest.mark.parametrize("family", ["gaussian", "poisson"])
def test_at_lambda_zero_both_parents_are_one(family):
    problem = Rows(family).problem(0.3)
    found, bare = relaxed_path(problem, np.zeros(1)), solve_path(problem, np.zeros(1))
    assert found.u == pytest.approx(bare.u, rel=1e-13)
    assert found.effective_df[0] == bare.effective_df[0] == 9.0


def test_wide_gaussian_problems_are_relaxed_too():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(30, 70))
    y = X[:, 0] - X[:, 1] + 0.1 * rng.normal(size=30)
    problem = make_problem(X, y, l1_ratio=1.0, relax_gamma=0.0)
    path = relaxed_path(problem, lambda_max(problem) * np.array([0.6, 0.3]))
    for i in range(2):
        columns = np.flatnonzero(path.coef[:, i])
        A = np.column_stack([X[:, columns], np.ones(30)])
        expected = np.linalg.lstsq(A, y, rcond=None)[0]
        assert path.coef[columns, i] == pytest.approx(expected[:-1], rel=1e-10)
        assert path.intercept[i] == pytest.approx(expected[-1], rel=1e-8)


@pytest.mark.parametrize("intercept", [True, False])
def test_large_problems_are_reduced_to_a_triangle_first(monkeypatch, intercept):
    problem = Rows().problem(0.0, intercept=intercept)
    expected = relaxed_path(problem, grid_of(problem))
    monkeypatch.setattr(relaxed_module, "ROWS_FLOPS", 0.0)
    found = relaxed_path(problem, grid_of(problem))
    assert found.coef == pytest.approx(expected.coef, rel=1e-11, abs=1e-13)
    assert found.intercept == pytest.approx(expected.intercept, rel=1e-11, abs=1e-13)
    assert found.certificate.kkt_residual.max() < 1e-12


def test_the_triangle_has_the_columns_of_the_sets_alone(monkeypatch):
    """Of many columns few are ever selected: all of them would cost more than every fit together."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(40, 300))
    y = X[:, 0] - X[:, 1] + 0.1 * rng.normal(size=40)
    problem = make_problem(X, y, l1_ratio=1.0, relax_gamma=0.0, weights=rng.uniform(0.5, 2.0, 40))
    lambdas = lambda_max(problem) * np.array([0.9, 0.6, 0.3])
    expected, seen = relaxed_path(problem, lambdas), []
    triangle = relaxed_module._triangle

    def watched(part):
        seen.append(part.n_columns)
        return triangle(part)

    monkeypatch.setattr(relaxed_module, "ROWS_FLOPS", 0.0)
    monkeypatch.setattr(relaxed_module, "_triangle", watched)
    found = relaxed_path(problem, lambdas)
    assert expected.active is not None
    assert seen == [int(expected.active.any(axis=1).sum())]
    assert found.coef == pytest.approx(expected.coef, rel=1e-11, abs=1e-13)
    assert found.intercept == pytest.approx(expected.intercept, rel=1e-11, abs=1e-13)


@pytest.mark.parametrize("flops", [relaxed_module.ROWS_FLOPS, 0.0], ids=["rows", "triangle"])
def test_tied_columns_share_the_smallest_coefficients_and_are_told(monkeypatch, flops):
    monkeypatch.setattr(relaxed_module, "ROWS_FLOPS", flops)
    rows = Rows()
    X = np.column_stack([rows.X, rows.X[:, 0]])
    problem = make_problem(X, rows.y, l1_ratio=0.5, relax_gamma=0.0)
    path = relaxed_path(problem, lambda_max(problem) * np.array([0.1, 0.5]))
    assert path.coef[0, 0] == pytest.approx(path.coef[-1, 0], rel=1e-9)
    assert np.flatnonzero(path.tied).tolist() == [0, 9]
    assert path.effective_df == pytest.approx((path.coef != 0).sum(axis=0) - 1)
    columns = np.flatnonzero(path.coef[:9, 0])
    A = np.column_stack([X[:, columns], np.ones(len(X))])
    assert 2 * path.coef[0, 0] == pytest.approx(np.linalg.lstsq(A, rows.y, rcond=None)[0][0], rel=1e-9)


def test_bounds_hold_for_both_parents():
    rows = Rows()
    bounds = (np.full(9, -0.05), np.full(9, 0.05))
    problem = make_problem(rows.X, rows.y, l1_ratio=1.0, relax_gamma=0.0, bounds=bounds)
    path = relaxed_path(problem, np.array([0.3 * lambda_max(problem)]))
    assert np.abs(path.coef).max() == pytest.approx(0.05, rel=1e-12)
    assert path.effective_df[0] == np.sum((path.coef != 0) & (np.abs(path.coef) < 0.05 * (1 - 1e-12)))
    assert path.certificate.kkt_residual[0] < 1e-12
    columns = np.flatnonzero(active_columns(problem, path.u)[:, 0])
    part = make_problem(rows.X, rows.y, bounds=bounds).select(columns)
    assert path.coef[columns, 0] == pytest.approx(solve_path(part, np.zeros(1)).coef[:, 0], abs=1e-12)


def test_both_parents_must_have_converged():
    problem = Rows("binomial").problem(0.5)
    certificate = relaxed_path(problem, grid_of(problem)).certificate
    first, second = certificate.parents
    worse = second._replace(kkt_residual=second.kkt_residual + 1e-6)
    assert certificate.converged().all()
    assert not certificate._replace(parents=(first, worse)).converged().any()
    assert certificate.kkt_residual == pytest.approx(np.maximum(first.kkt_residual, second.kkt_residual))


def test_separated_columns_run_away_at_the_lambda_that_selects_them():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    y = np.where(X[:, 0] > 0, 1.0, 0.0)
    problem = make_problem(X, y, family="binomial", l1_ratio=1.0, relax_gamma=0.0)
    path = relaxed_path(problem, lambda_max(problem) * np.array([2.0, 0.5]))
    assert path.last_move[0] == 0.0
    assert path.last_move[1] > 0.5
    assert path.active is not None
    assert path.active[0].tolist() == [False, True]
