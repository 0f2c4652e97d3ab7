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
    for share in (0.0, 0.9, 1.0):
        monkeypatch.setattr(l1_newton, "MAY_COUNT", share)
        looked_at.clear()
        paths[share] = solve_path(problem, lambdas), max(looked_at), min(looked_at)
    whole = (P + 1) * problem.n_classes
    assert paths[0.0][1:] == (whole, whole)
    assert paths[0.9][2] < whole / 2
    for share in (0.9, 1.0):
        assert paths[share][0].certificate.kkt_residual.max() <= 1e-9
        assert paths[share][0].u == pytest.approx(paths[0.0][0].u, rel=1e-7, abs=1e-9)
        assert paths[share][0].effective_df == pytest.approx(paths[0.0][0].effective_df, rel=1e-6)


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
