"""Newton's method with an L1 part: what it looks at changes the cost of a step, not the answer."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.core.grid import lambda_max
from l2cli.core.path import solve_path
from l2cli.core.problem import make_problem
from l2cli.core.solvers import l1_newton
from l2cli.core.solvers.glm_rows import GlmRows

P = 24
SETTINGS = {
    "plain": {},
    "groups": {"groups": np.arange(P) // 3},
    "factors": {"penalty_factor": np.r_[3.0, np.ones(P - 2), 0.0]},
    "bounds": {"bounds": (np.r_[0.1, 0.0, np.full(P - 2, -0.3)], np.full(P, 0.4))},
    "bare intercept": {"intercept": False},
}


def problem_of(family, n, **settings):
    rng = np.random.default_rng(n)
    X = rng.normal(size=(n, 4)) @ rng.normal(size=(4, P)) + rng.normal(size=(n, P))
    eta = X[:, :3] @ [1.0, -0.7, 0.5]
    if family == "multinomial":
        y = (np.column_stack([eta, -eta, X[:, 3]]) + rng.gumbel(size=(n, 3))).argmax(axis=1)
    else:
        y = rng.poisson(np.exp(0.3 * eta)) if family == "poisson" else eta + rng.logistic(size=n) > 0
    return make_problem(X, y.astype(float), family=family, l1_ratio=0.9, **settings)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("n", [20, 60])
@pytest.mark.parametrize("family", ["binomial", "poisson", "multinomial"])
def test_the_answer_is_that_of_all_coordinates(monkeypatch, family, n, setting):
    if family == "multinomial" and setting == "bounds":
        pytest.skip("coefficients of classes have no bounds")
    problem = problem_of(family, n, **SETTINGS[setting])
    lambdas = lambda_max(problem) * np.array([0.9, 0.5, 0.1, 0.02])
    looked_at, gram = [], GlmRows.gram

    def noted(self, mu, at):
        looked_at.append(len(at))
        return gram(self, mu, at)

    monkeypatch.setattr(GlmRows, "gram", noted)
    paths = {}
    for share, few in ((0.0, 100), (0.9, 100), (1.0, 100), (0.9, 2)):
        monkeypatch.setattr(l1_newton, "MAY_COUNT", share)
        monkeypatch.setattr(l1_newton, "FEW", few)
        looked_at.clear()
        paths[share, few] = solve_path(problem, lambdas), max(looked_at), min(looked_at)
    whole, all_of_them = (P + 1) * problem.n_classes, paths.pop((0.0, 100))
    assert all_of_them[1:] == (whole, whole)
    assert paths[0.9, 100][2] < whole / 2
    for found, *_ in paths.values():
        assert found.certificate.kkt_residual.max() <= 1e-9
        assert found.u == pytest.approx(all_of_them[0].u, rel=1e-7, abs=1e-9)
        assert found.effective_df == pytest.approx(all_of_them[0].effective_df, rel=1e-6)


def test_columns_that_press_against_a_bound_leave_room_for_those_that_can_move():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(200, 300))
    beta = np.r_[np.full(150, -0.5), np.full(10, 0.3), np.zeros(140)]
    y = (X @ beta + rng.logistic(size=200) > 0).astype(float)
    bounds = (np.zeros(300), np.full(300, np.inf))
    path = solve_path(
        make_problem(X, y, family="binomial", l1_ratio=1.0, bounds=bounds), np.array([20.0, 5.0, 1.0])
    )
    assert path.certificate.kkt_residual.max() <= 1e-9
    assert (path.u[:, 1:] > 0.0).any(axis=0).all()


@pytest.mark.parametrize("setting", SETTINGS)
def test_starting_ahead_saves_steps_and_changes_no_answer(monkeypatch, setting):
    problem = problem_of("binomial", 60, **SETTINGS[setting])
    lambdas = lambda_max(problem) * np.geomspace(0.9, 0.05, 40)
    steps, step = [], l1_newton.L1Newton._step

    def noted(self, *arguments):
        steps.append(1)
        return step(self, *arguments)

    monkeypatch.setattr(l1_newton.L1Newton, "_step", noted)
    ahead, count = solve_path(problem, lambdas), len(steps)
    monkeypatch.setattr(l1_newton, "FARTHEST", -1.0)
    plain = solve_path(problem, lambdas)
    assert count < 0.95 * (len(steps) - count)
    assert ahead.u == pytest.approx(plain.u, rel=1e-7, abs=1e-9)
    assert ahead.certificate.kkt_residual.max() <= 1e-9
