"""The harness itself: a benchmark whose accuracy column is wrong is worse than none."""

from __future__ import annotations

import os
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from growth import all_series, recipe_of
from l2bench import losses
from l2bench.accuracy import Accuracy, Solution, certify, standardize
from l2bench.answers import read_lines, read_result
from l2bench.contenders import PythonScript, filled
from l2bench.contests import CONTESTS
from l2bench.plot import Curve, Panel, draw, spread
from l2bench.problems import Problem, Recipe, load_digits, make
from l2bench.problems import draw as draw_data
from l2bench.process import Measurement, ProcessError, measure
from l2bench.reference import best_known
from l2bench.task import Task
from run import Record, judge, table_of
from scipy.optimize import minimize
from sklearn.linear_model import ElasticNet, LogisticRegression, PoissonRegressor, Ridge

FAMILIES = ["gaussian", "binomial", "multinomial", "poisson"]
LABELS = ("a", "b", "c")


def problem(family: str, l1_ratio: float = 0.0, group_size: int = 1) -> Problem:
    recipe = Recipe("gaussian" if family == "multinomial" else family, 300, 6)
    X, y = draw_data(recipe, np.random.SeedSequence(5))
    recipe = Recipe(family, 300, 6, l1_ratio=l1_ratio, group_size=group_size)
    if family == "multinomial":
        y = np.digitize(y, np.quantile(y, [0.3, 0.7])).astype(np.float64)
    labels = LABELS if family == "multinomial" else ()
    return Problem(recipe, X, y, Path("none.csv"), Path("none.parquet"), labels)


def task(family: str, l1: float, l2: float, size: int = 1) -> Task:
    p = problem(family)
    return Task(family, standardize(p.X)[0], losses.indicators(family, p.y), l1, l2, size)


def printed(p: Problem, strength: str, model: Any) -> str:
    """Return what a script of rivals/ prints for a scikit-learn model fitted to the standardized columns."""
    _, mean, sd = standardize(p.X)
    lines = [strength]
    coefs = np.atleast_2d(model.coef_) / sd
    for k, (b, coef) in enumerate(zip(np.ravel(model.intercept_), coefs, strict=True)):
        if p.labels:
            lines.append(f"class {p.labels[k]}")
        lines.append(f"intercept {float(b - coef @ mean)!r}")
        lines += [f"coef x{j + 1} {float(value)!r}" for j, value in enumerate(coef)]
    return "\n".join(lines)


# ------------------------------------------------------------------------------------------------- accuracy


@pytest.mark.parametrize("family", FAMILIES)
def test_gradient_and_curvature_are_the_derivatives_of_the_deviance(family):
    rng = np.random.default_rng(1)
    Y = losses.indicators(family, problem(family).y[:40])
    eta, step = rng.standard_normal(Y.shape), 1e-6
    mu = losses.means(family, eta)
    for k in range(Y.shape[1]):
        move = np.zeros(Y.shape[1])
        move[k] = step
        up, down = losses.deviance(family, Y, eta + move), losses.deviance(family, Y, eta - move)
        assert (up - down) / (4 * step) == pytest.approx(np.sum(mu - Y, axis=0)[k], rel=1e-6)
        changed = (losses.means(family, eta + move) - losses.means(family, eta - move)) / (2 * step)
        for m in range(Y.shape[1]):
            np.testing.assert_allclose(
                losses.curvature(family, mu, k, m), changed[:, m], rtol=1e-6, atol=1e-9
            )


def test_a_count_that_is_predicted_exactly_has_no_deviance():
    Y = np.array([[0.0], [1.0], [4.0]])
    assert losses.deviance("poisson", Y[1:], np.log(Y[1:])) == pytest.approx(0, abs=1e-15)
    assert losses.deviance("poisson", Y[:1], np.array([[-1.0]])) == pytest.approx(2 * np.exp(-1))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_reference_without_l1_is_what_scipy_finds(family):
    t = task(family, 0, 3.0)
    K = t.Y.shape[1]

    def half(theta):
        b, u = theta[:K], theta[K:].reshape(6, K)
        gb, g, _ = t.gradient(b, u)
        return t.objective(b, u) / 2, np.concatenate([gb, g.ravel()])

    found = minimize(half, np.zeros(7 * K), jac=True, method="BFGS", options={"gtol": 1e-6})
    b, u = best_known(t)
    assert t.kkt(b, u) < 1e-13
    assert t.objective(b, u) <= 2 * found.fun * (1 + 1e-13)
    np.testing.assert_allclose(u.ravel(), found.x[K:], atol=1e-6)


@pytest.mark.parametrize("family", ["gaussian", "binomial", "poisson"])
@pytest.mark.parametrize(("share", "ratio"), [(0.3, 1.0), (0.02, 1.0), (0.3, 0.5)])
def test_the_reference_with_l1_is_what_scipy_finds_in_positive_and_negative_parts(family, share, ratio):
    full = task(family, 0, 0)
    lam = share * float(np.abs(full.Z.T @ (full.Y - full.Y.mean())).max())
    t = Task(family, full.Z, full.Y, lam * ratio, lam * (1 - ratio))

    def half(theta):  # u = positive - negative: |u| is their sum, and smooth
        b, u = theta[:1], (theta[1:7] - theta[7:])[:, None]
        gb, g, _ = t.gradient(b, u)
        value = t.objective(b, u) / 2 + t.l1 * (theta[1:].sum() - np.abs(u).sum())
        return value, np.concatenate([gb, t.l1 + g.ravel(), t.l1 - g.ravel()])

    start = np.concatenate([losses.null_intercepts(family, t.Y), np.zeros(12)])
    bounds: Any = [(None, None)] + [(0, None)] * 12
    settings: Any = {"ftol": 1e-15, "gtol": 1e-9, "maxiter": 5000}
    found = minimize(half, start, jac=True, method="L-BFGS-B", bounds=bounds, options=settings)
    b, u = best_known(t)
    assert t.kkt(b, u) < 1e-13
    assert t.objective(b, u) <= 2 * found.fun * (1 + 1e-13)
    np.testing.assert_allclose(u.ravel(), found.x[1:7] - found.x[7:], atol=2e-5)


@pytest.mark.parametrize("share", [0.3, 0.02])
def test_the_reference_of_the_group_lasso_is_what_scipy_finds(share):
    full = task("gaussian", 0, 0, size=3)
    lam = share * float(np.abs(full.Z.T @ (full.Y - full.Y.mean())).max())
    t = Task("gaussian", full.Z, full.Y, lam, 0.0, size=3)
    b, u = best_known(t)
    assert t.kkt(b, u) < 1e-13

    def value(theta):
        return t.objective(theta[:1], theta[1:, None])

    settings: Any = {"xtol": 1e-10, "ftol": 1e-14, "maxiter": 100_000}
    start = np.concatenate([b, np.full(6, 0.1)])
    found = minimize(value, start, method="Powell", options=settings)
    assert t.objective(b, u) <= found.fun * (1 + 1e-12)
    np.testing.assert_allclose(u.ravel(), found.x[1:], atol=1e-3)


def test_the_lasso_of_more_columns_than_rows_is_solved_to_rounding():
    rng = np.random.default_rng(2)
    X, y = rng.standard_normal((40, 300)), rng.standard_normal(40)
    Z, _, _ = standardize(X)
    largest = float(np.abs(Z.T @ (y - y.mean())).max())
    t = Task("gaussian", Z, y[:, None], 0.05 * largest, 0.0)
    b, u = best_known(t)
    assert t.kkt(b, u) < 1e-13
    assert 10 < np.count_nonzero(u) <= 40


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_an_answer_that_is_off_is_seen(family):
    p = problem(family)
    t = task(family, 0, 3.0)
    b, u = best_known(t)
    _, mean, sd = standardize(p.X)
    coef = u[:, 0] / sd
    exact = Solution(3.0, float(b[0] - coef @ mean), coef)
    found = certify(family, p.X, p.y, exact)
    assert found.kkt < 1e-12
    assert found.excess < 1e-13
    moved = certify(family, p.X, p.y, Solution(3.0, exact.intercept, coef * 1.01))
    assert moved.kkt > 1e-4
    assert moved.excess > 1e-6


def test_best_known_of_the_gaussian_is_the_closed_form():
    p = problem("gaussian")
    t = task("gaussian", 0, 2.5)
    b, u = best_known(t)
    closed = np.linalg.solve(t.Z.T @ t.Z + 2.5 * np.eye(6), t.Z.T @ (p.y - p.y.mean()))
    np.testing.assert_allclose(u[:, 0], closed, rtol=1e-11)
    assert b[0] == pytest.approx(p.y.mean())


def test_a_constant_column_counts_as_zero():
    p = problem("gaussian")
    X = np.column_stack([p.X, np.full(300, 0.1)])
    Z, _, sd = standardize(X)
    assert sd[6] == 1
    assert np.abs(Z[:, 6]).max() < 1e-15


# ----------------------------------------------------------------------------------------- lambda and reading


@pytest.mark.parametrize(
    ("family", "ratio", "strength", "model"),
    [
        ("gaussian", 0, "lambda 3.0", Ridge(alpha=3.0)),
        ("gaussian", 1, "mean_alpha 0.7", ElasticNet(alpha=0.7, l1_ratio=1, tol=1e-12, max_iter=10**6)),
        ("gaussian", 0.5, "mean_alpha 0.7", ElasticNet(alpha=0.7, l1_ratio=0.5, tol=1e-12, max_iter=10**6)),
        ("binomial", 0, "C 0.25", LogisticRegression(C=0.25, tol=1e-12, solver="newton-cholesky")),
        ("multinomial", 0, "C 0.25", LogisticRegression(C=0.25, tol=1e-12, solver="newton-cholesky")),
        ("poisson", 0, "mean_alpha 0.1", PoissonRegressor(alpha=0.1, tol=1e-12, solver="newton-cholesky")),
    ],
    ids=["ridge", "lasso", "elastic net", "logistic", "multinomial", "poisson"],
)
def test_the_lambda_of_scikit_learn_is_certified_at_its_own_solution(family, ratio, strength, model):
    p = problem(family, l1_ratio=ratio)
    model.fit(standardize(p.X)[0], p.y)
    solution = read_lines(printed(p, strength, model), p)
    found = certify(family, p.X, p.y, solution)
    assert found.kkt < 1e-7
    assert found.excess < 1e-12
    halved = Solution(solution.lam / 2, solution.intercept, solution.coef, ratio)
    assert certify(family, p.X, p.y, halved).kkt > 1e-4


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_the_lambda_of_glmnet_is_brought_to_the_sum_scale(family):
    p = problem(family)
    text = "glmnet_lambda 0.5\nintercept 1.25\n" + "".join(f"coef x{j} {j}.5\n" for j in range(6))
    solution = read_lines(text, p)
    assert solution.lam == pytest.approx(300 * 0.5 / (p.y.std() if family == "gaussian" else 1))
    assert solution.intercept == 1.25
    assert solution.coef.tolist() == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]


def test_the_elastic_net_of_glmnet_has_another_mix_on_the_scale_of_the_target():
    p = problem("gaussian", l1_ratio=0.25)
    solution = read_lines("glmnet_lambda 2\nintercept 0\ncoef x1 1\n", p)
    assert solution.lam * solution.l1_ratio == pytest.approx(300 * 2 * 0.25)
    assert solution.lam * (1 - solution.l1_ratio) == pytest.approx(300 * 2 * 0.75 / p.y.std())


def test_classes_are_read_in_the_order_of_the_labels():
    p = problem("multinomial")
    text = "C 2\n" + "".join(f"class {c}\nintercept {k}\ncoef x1 {k}.5\n" for k, c in enumerate("cab"))
    solution = read_lines(text, p)
    assert solution.lam == 0.5
    assert np.ravel(solution.intercept).tolist() == [1, 2, 0]
    assert solution.coef.tolist() == [[1.5, 2.5, 0.5]]


def test_the_json_of_l2cli_is_read_by_name_of_column_and_class():
    def rows(shift):
        return [{"feature": f"x{j}", "coef": j + shift} for j in (6, 5, 4, 3, 2, 1)]

    fit = {"lambda": {"value": 4.0}, "intercept": 2.0, "coefficients": rows(0.0)}
    solution = read_result({"refit": fit}, problem("gaussian", l1_ratio=0.5))
    assert (solution.lam, solution.intercept, solution.l1_ratio) == (4.0, 2.0, 0.5)
    assert solution.coef.tolist() == [1, 2, 3, 4, 5, 6]
    models = [{"label": c, "intercept": k, "coefficients": rows(k)} for k, c in enumerate("bca")]
    solution = read_result({"lambda": {"value": 4.0}, "classes": models}, problem("multinomial"))
    assert np.ravel(solution.intercept).tolist() == [2, 0, 1]
    assert solution.coef[0].tolist() == [3, 1, 2]


# ------------------------------------------------------------------------------------ problems and contests


def test_files_hold_what_was_drawn(tmp_path):
    p = make(Recipe("poisson", 50, 4), np.random.SeedSequence(3), tmp_path)
    read = np.genfromtxt(p.csv, delimiter=",", names=True)
    np.testing.assert_array_equal(read["x3"], p.X[:, 2])
    np.testing.assert_array_equal(read["y"], p.y)
    again = draw_data(Recipe("poisson", 50, 4), np.random.SeedSequence(3))
    np.testing.assert_array_equal(again[0], p.X)


def test_digits_come_with_their_labels(tmp_path):
    X, y, labels = load_digits(1797, np.random.SeedSequence(3))
    assert X.shape == (1797, 64)
    assert labels == tuple(sorted(labels))
    assert {labels[k]: int(n) for k, n in enumerate(np.bincount(y.astype(int)))}["five"] == 182
    p = make(Recipe("multinomial", 20, 64, digits=True), np.random.SeedSequence(3), tmp_path)
    assert p.csv.read_text().splitlines()[1].endswith("," + labels[int(p.y[0])])


def test_effects_stand_in_whole_groups():
    recipe = Recipe("gaussian", 4000, 20, effects=6, group_size=3)
    X, y = draw_data(Recipe("gaussian", 4000, 21, effects=6, group_size=3), np.random.SeedSequence(3))
    t = Task("gaussian", standardize(X)[0], y[:, None], 0.0, 1e-9)
    large = np.abs(best_known(t)[1][:, 0]).reshape(-1, 3).max(axis=1) > 1
    assert np.flatnonzero(large).tolist() == [0, 6]
    assert recipe.scaled(0.1).rows == 400


def test_scaling_keeps_more_rows_than_columns_or_fewer():
    assert (Recipe("gaussian", 5000, 500).scaled(0.02).rows) == 510
    wide = Recipe("gaussian", 200, 10_000).scaled(0.02)
    assert (wide.rows, wide.columns) == (50, 200)
    assert Recipe("multinomial", 1797, 64, digits=True).scaled(0.02).rows == 600


def test_arguments_are_filled_from_the_problem():
    p = problem("gaussian", l1_ratio=0.5, group_size=3)
    words = filled(("{family}", "{l1_ratio}", "{groups}", "{seed}", "{group_size}"), p, 7)
    assert words == ["gaussian", "0.5", "g1=x1,x2,x3;g2=x4,x5,x6", "7", "3"]


def test_a_rival_that_is_not_there_is_named(monkeypatch):
    rival = PythonScript("r", "glm_glum.py", "no_such_package", where="rival")
    assert rival.missing() == "no no_such_package; name a Python that has it in L2BENCH_PYTHON"
    monkeypatch.setenv("L2BENCH_PYTHON", "/no/such/python")
    assert rival.missing() == "no Python at /no/such/python"
    monkeypatch.setenv("L2BENCH_PYTHON", sys.executable)
    assert rival.command(problem("gaussian"), 0)[0] == sys.executable


def test_every_promise_names_contenders_of_its_contest():
    for contest in CONTESTS:
        names = {contender.name for contender in (*contest.contenders, *contest.once)}
        assert {name for t in contest.targets for name in (t.ours, t.rival)} <= names
        assert len(names) == len(contest.contenders) + len(contest.once)


def test_a_rival_that_was_stopped_counts_with_the_limit_and_an_inexact_answer_keeps_no_promise():
    contest = next(c for c in CONTESTS if c.name == "poisson")
    ours, glmnet, glum = contest.contenders[0].name, contest.contenders[1].name, contest.once[0].name
    exact = Accuracy(1.0, 0.0, 1e-12, 1e-16)
    records = {
        ours: Record([Measurement(2, 2, 50), Measurement(2.4, 4, 50)], [exact, exact]),
        glmnet: Record([Measurement(20, 20, 50), Measurement(20, 20, 50)]),
        glum: Record([Measurement(120, 200, 50, stopped=True)]),
    }
    first, second = judge(contest, records)
    assert first.ratio == pytest.approx(0.11)
    assert second.ratio == pytest.approx(2 / 120)
    assert (first.bound, first.kept, second.bound, second.kept) == (False, True, True, True)
    assert table_of(contest, records)[2][2] == "> 120"
    records[ours].accuracy.append(Accuracy(1.0, 2e-8, 1e-12, 1e-16))
    assert not judge(contest, records)[0].kept


# ---------------------------------------------------------------------------------------------- processes


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


def test_a_process_over_the_limit_is_stopped_with_those_it_started(tmp_path):
    out = tmp_path / "out.txt"
    child = f"import subprocess, sys; p = subprocess.Popen([{sys.executable!r}, '-c', 'while True: pass']); "
    took = measure([sys.executable, "-c", child + "print(p.pid, flush=True); p.wait()"], out, limit=5)
    assert took.stopped
    with pytest.raises(ProcessLookupError):
        wait_for_the_end(int(out.read_text()))
    assert not measure([sys.executable, "-c", "print(1)"], out, limit=60).stopped


def wait_for_the_end(pid: int) -> None:
    """Raise ProcessLookupError once the process is gone: a killed one may linger a moment."""
    for _ in range(200):
        os.kill(pid, 0)
        time.sleep(0.05)


# ------------------------------------------------------------------------------------------------- growth


def test_sizes_grow_up_to_the_scale():
    rows, columns = all_series(1.0)
    assert rows.sizes[-1] == (10_000_000, 20)
    assert columns.sizes[-1] == (20_000, 3_000)
    assert max(n * p for series in (rows, columns) for n, p in series.sizes) <= 2e8
    rows, columns = all_series(0.001)
    assert rows.sizes == ((1_000, 20), (10_000, 20))
    assert columns.sizes == ((1_000, 10), (1_000, 30), (1_000, 100))
    assert recipe_of("lasso", 100, 40) == Recipe("gaussian", 100, 40, effects=10, l1_ratio=1)


def test_the_slope_is_that_between_the_largest_sizes():
    curve = Curve("a", [(1, 9), (10, 9), *((x, 0.5 * x**1.5) for x in (100, 1000))])
    assert curve.slope() == pytest.approx(1.5)
    assert Curve("a", [(1, 9)]).slope() is None


def test_labels_keep_their_order_and_distance():
    placed = spread([50, 52, 51, 200], 0, 190)
    assert placed[3] == 190
    assert sorted([0, 1, 2], key=lambda k: placed[k]) == [0, 2, 1]
    assert np.diff(sorted(placed)).min() >= 15


def test_the_plot_is_an_svg_with_a_label_per_curve():
    curves = [
        Curve("fast & small", [(10, 0.1), (100, 0.2)]),
        Curve("slow", [(10, 2.0), (100, 50)], stopped=1000),
    ]
    text = draw("Title", "Note", [[Panel("ridge", "rows", "n", curves)]], limit=120)
    tag = "{http://www.w3.org/2000/svg}text"
    words = ["".join(e.itertext()) for e in ET.fromstring(text).iter(tag)]  # noqa: S314 -- our own text
    assert {"Title", "Note", "ridge", "fast & small n0.30", "slow n1.40", "stopped at 120 s"} <= set(words)
