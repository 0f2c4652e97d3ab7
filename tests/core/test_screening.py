"""Wide paths on the columns that may count, against the same paths on all columns."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.core.grid import lambda_grid, lambda_max
from l2cli.core.path import solve_path
from l2cli.core.problem import make_problem
from l2cli.core.solvers import elastic_net, screening
from l2cli.spec import GridSpec


def data(n=30, p=120, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * rng.uniform(0.3, 3.0, p)
    X[:, 1:] += 0.7 * X[:, :-1]
    return X, X[:, :4] @ [1.0, -2.0, 1.0, 0.5] + rng.normal(size=n), rng.uniform(0.5, 2.0, n)


SETTINGS = {
    "lasso": {"l1_ratio": 1.0},
    "elastic net": {"l1_ratio": 0.4},
    "raw": {"l1_ratio": 1.0, "standardize": False},
    "factors": {"l1_ratio": 1.0, "penalty_factor": np.where(np.arange(120) % 40 == 0, 0.0, 1.0)},
    "bounds": {"l1_ratio": 1.0, "bounds": (np.where(np.arange(120) % 7 == 0, 0.05, -0.3), np.full(120, 0.4))},
    "groups": {"groups": np.arange(120) // 5},
}


@pytest.mark.parametrize("stretch", [1, 3, 50])
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_screened_paths_are_those_of_all_columns(monkeypatch, settings, stretch):
    X, y, s = data()
    problem = make_problem(X, y, weights=s, **settings)
    grid = lambda_grid(GridSpec(count=14), problem)[0]
    paths = []
    for wide in (10**9, 1):
        monkeypatch.setattr(elastic_net, "WIDE", wide)
        monkeypatch.setattr(screening, "STRETCH", stretch)
        paths.append(solve_path(problem, grid))
    whole, screened = paths
    assert screened.certificate.kkt_residual.max() <= 1e-11
    assert screened.u == pytest.approx(whole.u, abs=1e-8 * np.abs(whole.u).max())
    assert screened.effective_df == pytest.approx(whole.effective_df, rel=1e-6, abs=1e-9)


def test_lambdas_in_any_order_are_solved(monkeypatch):
    X, y, s = data()
    problem = make_problem(X, y, weights=s, l1_ratio=1.0)
    monkeypatch.setattr(elastic_net, "WIDE", 1)
    lambdas = lambda_max(problem) * np.array([0.1, 1.0, 0.03, 0.5])
    path = solve_path(problem, lambdas)
    assert path.certificate.kkt_residual.max() <= 1e-11
    assert not path.u[:, 1].any()
    for i, lam in enumerate(lambdas):
        alone = solve_path(problem, np.array([lam]))
        assert alone.u[:, 0] == pytest.approx(path.u[:, i], abs=1e-9)


def test_few_columns_are_looked_at_and_missed_ones_join(monkeypatch):
    X, y, s = data(n=40, p=400)
    problem = make_problem(X, y, weights=s, l1_ratio=1.0)
    nets = []
    original = screening.WideNet._include

    def spied(self, columns):
        original(self, columns)
        nets.append(int(self.used.sum()))

    monkeypatch.setattr(screening.WideNet, "_include", spied)
    monkeypatch.setattr(elastic_net, "WIDE", 1)
    path = solve_path(problem, lambda_max(problem) * np.array([1.0, 0.9, 0.8, 0.7]))
    assert path.certificate.kkt_residual.max() <= 1e-11
    assert nets[0] < 100
