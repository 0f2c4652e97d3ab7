"""The harness itself: a benchmark whose accuracy column is wrong is worse than none."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from l2bench.accuracy import Solution, best_known, certify
from l2bench.contenders import read_lines
from l2bench.contests import CONTESTS
from l2bench.problems import Problem, draw
from l2bench.process import ProcessError, measure
from sklearn.linear_model import LogisticRegression, Ridge


def problem(family: str) -> Problem:
    X, y = draw(family, 300, 6, np.random.SeedSequence(5))
    return Problem(family, X, y, Path("none.csv"), Path("none.parquet"))


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_scikit_learn_at_tight_tolerance_is_certified_as_exact(family):
    p = problem(family)
    sd, mean = p.X.std(axis=0), p.X.mean(axis=0)
    logistic = LogisticRegression(C=1 / 3, tol=1e-12, solver="newton-cholesky")
    model = Ridge(alpha=3.0) if family == "gaussian" else logistic
    model.fit((p.X - mean) / sd, p.y)
    coef = model.coef_.ravel() / sd
    exact = Solution(3.0, float(np.ravel(model.intercept_)[0]) - float(coef @ mean), coef)
    found = certify(family, p.X, p.y, exact)
    assert found.kkt < 1e-8
    assert abs(found.excess) < 1e-12

    moved = certify(family, p.X, p.y, Solution(3.0, exact.intercept, coef * 1.01))
    assert moved.kkt > 1e-4
    assert moved.excess > 1e-6


def test_best_known_of_the_gaussian_is_the_closed_form():
    p = problem("gaussian")
    Z = (p.X - p.X.mean(axis=0)) / p.X.std(axis=0)
    b, u = best_known("gaussian", Z, p.y, 2.5)
    closed = np.linalg.solve(Z.T @ Z + 2.5 * np.eye(6), Z.T @ (p.y - p.y.mean()))
    np.testing.assert_allclose(u, closed, rtol=1e-11)
    assert b == pytest.approx(p.y.mean())


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_the_lambda_of_glmnet_is_brought_to_the_sum_scale(family):
    p = problem(family)
    text = "glmnet_lambda 0.5\nintercept 1.25\n" + "".join(f"coef x{j} {j}.5\n" for j in range(6))
    solution = read_lines(text, p)
    assert solution.lam == pytest.approx(300 * 0.5 / (p.y.std() if family == "gaussian" else 1))
    assert solution.intercept == 1.25
    assert solution.coef.tolist() == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]


def test_a_process_is_measured_without_the_memory_of_the_harness(tmp_path):
    ballast = np.ones(25_000_000)  # 200 MB held here must not show in the child's peak
    out = tmp_path / "out.txt"
    took = measure([sys.executable, "-I", "-S", "-c", "print('done')"], out)
    assert out.read_text() == "done\n"
    assert 1 < took.peak_mb < 100 < ballast.nbytes / 1e6


def test_a_terminal_is_one_and_a_failure_is_told(tmp_path):
    out = tmp_path / "out.txt"
    code = "import os, sys; print(sys.stdout.isatty(), os.get_terminal_size().columns)"
    measure([sys.executable, "-c", code], out, columns=100)
    assert out.read_text().split() == ["True", "100"]
    with pytest.raises(ProcessError, match="status 3: no luck"):
        measure([sys.executable, "-c", "import sys; print('no luck', file=sys.stderr); sys.exit(3)"], out)


def test_every_promise_names_contenders_of_its_contest():
    for contest in CONTESTS:
        names = {contender.name for contender in contest.contenders}
        assert {name for t in contest.targets for name in (t.ours, t.rival)} <= names
