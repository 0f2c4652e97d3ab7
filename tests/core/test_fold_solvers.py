"""The batched fold fits against a fresh fit of every training set."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from l2cli.core import problem as problem_module
from l2cli.core import threads
from l2cli.core.path import solve_path
from l2cli.core.problem import make_problem
from l2cli.core.solvers import fold_columns, fold_rows, kinked_folds, smooth_folds
from l2cli.core.solvers.glm_rows import GlmRows
from l2cli.core.solvers.kinked_folds import KinkedFolds
from l2cli.core.solvers.l1_newton import L1Newton
from l2cli.core.solvers.newton import NewtonSolver
from l2cli.core.solvers.smooth_folds import SmoothFolds

LAMBDAS = np.array([1e3, 100.0, 10.0, 1.0, 0.1])


def data(seed=0, n=90, p=4, missing=0.2):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * [1.0, 10.0, 0.1, 5.0][:p] + 2.0
    y = (X[:, 0] - 2.0 + rng.logistic(size=n) > 0).astype(float)
    X[rng.random(X.shape) < missing] = np.nan
    given = {"weights": rng.uniform(0.5, 2.0, size=n), "offset": rng.normal(size=n),
             "penalty_factor": np.array([0.5, 1.0, 2.0, 1.0])[:p]}  # fmt: skip
    return X, y, given, rng.permutation(np.arange(n) % 5)


def on_training_rows(X, y, given, rows, lambdas, **settings):
    """Return coefficients and intercepts of a fresh fit of the training rows alone."""
    own = {k: v if k == "penalty_factor" else v[rows] for k, v in given.items()}
    path = solve_path(make_problem(X[rows], y[rows], family="binomial", **own, **settings), lambdas)
    assert path.certificate.converged().all()
    return path.coef, path.intercept


def compare(X, y, given, ids, *, lambdas=LAMBDAS, tolerance=6e-5, **settings):
    """Assert that the batched fits are those of each training set, on the original columns.

    A residual of 3e-6 leaves about that much of the coefficients; the intercept takes part in the centring.
    """
    k = int(ids.max()) + 1
    problem = make_problem(X, y, family="binomial", **given, **settings)
    batch = SmoothFolds(problem, ids, k)
    told: list[int] = []
    solutions, residuals = batch.solve(np.repeat(lambdas[:, None], k, axis=1), told.append)
    assert sum(told) == len(lambdas)
    assert residuals.shape == (len(lambdas), k)
    assert residuals.max() <= 1e-5
    for f in range(k):
        coef, intercept = on_training_rows(X, y, given, ids != f, lambdas, **settings)
        for i in range(len(lambdas)):
            w, b = problem.original(solutions[i][:-1, f], solutions[i][-1, f])
            assert w * problem.scale == pytest.approx(coef[:, i] * problem.scale, abs=tolerance)
            assert b == pytest.approx(
                intercept[i], abs=tolerance * (1.0 + np.abs(problem.mean / problem.scale).sum())
            )
    return batch, solutions


@pytest.mark.parametrize("missing", [0.0, 0.2])
@pytest.mark.parametrize(
    "settings", [{}, {"intercept": False}, {"standardize": False}], ids=lambda s: str(list(s))
)
def test_every_fold_is_its_own_fit(settings, missing):
    X, y, given, ids = data(missing=missing)
    compare(X, y, given, ids, **settings)


def test_unweighted_rows_without_offset():
    X, y, _, ids = data()
    compare(X, y, {}, ids)


def test_an_unpenalized_column_stays_so_in_every_fold():
    X, y, given, ids = data()
    given["penalty_factor"] = np.array([1.0, 0.0, 1.0, 1.0])
    compare(X, y, given, ids)


def test_a_column_that_is_constant_in_a_training_set_is_out_there():
    X, y, given, ids = data(missing=0.0)
    X[:, 1] = np.where(ids == 2, X[:, 1], 7.0)
    _, solutions = compare(X, y, given, ids)
    assert all(B[1, 2] == 0.0 for B in solutions)
    assert all(B[1, 0] != 0.0 for B in solutions)


@pytest.mark.parametrize("route", ["shared weights", "conjugate gradients", "damped Newton", "few kept"])
@pytest.mark.parametrize("missing", [0.0, 0.2])
@pytest.mark.parametrize("settings", [{}, {"intercept": False}], ids=lambda s: str(list(s)))
def test_every_way_to_a_step_ends_at_the_same_answer(monkeypatch, route, missing, settings):
    monkeypatch.setattr(fold_rows, "OWN_WEIGHTS_FLOPS", 0)
    if route in ("conjugate gradients", "few kept"):
        monkeypatch.setattr(smooth_folds, "FEW_COORDINATES", 0)
    if route == "few kept":
        monkeypatch.setattr(smooth_folds, "KEPT_BYTES", 0)
        monkeypatch.setattr(fold_columns, "KEPT_CELLS", 1)
    if route == "damped Newton":
        monkeypatch.setattr(smooth_folds, "MAX_PASSES", 0)
    X, y, given, ids = data(missing=missing)
    batch, _ = compare(X, y, given, ids, lambdas=np.geomspace(1e3, 0.1, 23), **settings)
    assert batch.each is not (route in ("conjugate gradients", "few kept"))


@pytest.mark.parametrize("count", [1, 2, 4, 5, 6, 9, 22])
def test_grids_of_any_length_and_spacing_are_filled(count):
    X, y, given, ids = data()
    uneven = np.sort(10.0 ** np.random.default_rng(count).uniform(-1.0, 4.0, count))[::-1]
    compare(X, y, given, ids, lambdas=uneven)


def test_most_of_a_fine_grid_is_right_as_interpolated(monkeypatch):
    """On a grid of 100 the last two fifths of the lambdas need one pass over the rows for all of them."""
    X, y, given, ids = data(n=400)
    monkeypatch.setattr(fold_rows, "FINE_TOLERANCE", 1e-6)
    batch = SmoothFolds(make_problem(X, y, family="binomial", **given), ids, 5)
    passes, gradient = [], batch.gradient

    def counted(B, lam, folds, keep=None):
        passes.append(len(folds))
        return gradient(B, lam, folds, keep)

    monkeypatch.setattr(batch, "gradient", counted)
    batch.solve(np.repeat(np.geomspace(1e4, 1e-2, 100)[:, None], 5, axis=1), lambda _: None)
    assert max(passes) >= 40 * 5
    assert sum(passes) < 2.2 * 100 * 5


@pytest.mark.parametrize(
    "settings", [{"l1_ratio": 0.5}, {"bounds": (np.full(4, -0.1), np.full(4, 0.3))}], ids=["l1", "bounds"]
)
def test_folds_with_kinks_are_their_own_fits(monkeypatch, settings):
    monkeypatch.setattr(fold_rows, "OWN_WEIGHTS_FLOPS", 0)
    X, y, given, ids = data(missing=0.0)
    problem = make_problem(X, y, family="binomial", **given, **settings)
    for passes in (kinked_folds.MAX_PASSES, 0):  # none: damped Newton does it all
        monkeypatch.setattr(kinked_folds, "MAX_PASSES", passes)
        solutions, residuals = KinkedFolds(problem, ids, 5).solve(
            np.repeat(LAMBDAS[:, None], 5, axis=1), lambda _: None
        )
        assert residuals.max() <= 1e-5
        for f in range(5):
            coef, _ = on_training_rows(X, y, given, ids != f, LAMBDAS, **settings)
            assert problem.original(solutions[:, :-1, f].T, 0.0)[0] * problem.scale[:, None] == pytest.approx(
                coef * problem.scale[:, None], abs=2e-5
            )


def test_far_offsets_are_no_trouble():
    X, y, given, ids = data()
    given["offset"] = 300.0 * given["offset"]
    compare(X, y, given, ids, lambdas=np.array([1e3, 10.0]), tolerance=1e-4)


def test_weights_over_many_decades():
    X, y, given, ids = data()
    given["weights"] = 10.0 ** np.random.default_rng(5).uniform(-4.0, 4.0, size=90)
    compare(X, y, given, ids, lambdas=np.array([1e5, 100.0, 1.0]), tolerance=1e-4)


def test_folds_may_have_lambdas_of_their_own():
    X, y, given, ids = data()
    problem = make_problem(X, y, family="binomial", **given)
    own = np.array([[5.0, 10.0, 20.0, 40.0, 80.0]])
    [B], _ = SmoothFolds(problem, ids, 5).solve(own, lambda _: None)
    for f in range(5):
        coef, _ = on_training_rows(X, y, given, ids != f, own[:, f])
        assert problem.original(B[:-1, f], 0.0)[0] == pytest.approx(coef[:, 0], rel=1e-4)


def test_threads_and_blocks_change_nothing(monkeypatch):
    X, y, given, ids = data(n=700)
    problem = make_problem(X, y, family="binomial", **given)
    lambdas = np.repeat(LAMBDAS[:3, None], 5, axis=1)
    alone, _ = SmoothFolds(problem, ids, 5).solve(lambdas, lambda _: None)
    monkeypatch.setattr(problem_module, "BLOCK_BYTES", 1)
    blocked, _ = SmoothFolds(problem, ids, 5).solve(lambdas, lambda _: None)
    monkeypatch.setattr(threads, "WORTH_CELLS", 1)
    monkeypatch.setattr(threads, "thread_count", lambda: 2)
    threaded, _ = SmoothFolds(problem, ids, 5).solve(lambdas, lambda _: None)
    for a, b, c in zip(alone, blocked, threaded, strict=True):
        assert b == pytest.approx(a, abs=1e-12)
        assert np.array_equal(c, b)


def test_a_batch_can_be_sent_to_another_process_after_a_threaded_pass(monkeypatch):
    monkeypatch.setattr(threads, "WORTH_CELLS", 1)
    monkeypatch.setattr(threads, "thread_count", lambda: 2)
    X, y, given, ids = data()
    batch = SmoothFolds(make_problem(X, y, family="binomial", **given), ids, 5)
    lambdas = np.full((1, 5), 10.0)
    [expected], _ = batch.solve(lambdas, lambda _: None)
    [found], _ = pickle.loads(pickle.dumps(batch)).solve(lambdas, lambda _: None)  # noqa: S301 (our own bytes)
    assert np.array_equal(found, expected)


def test_saturated_probabilities_do_not_stop_a_fold():
    """Classes far apart, almost no penalty: systems turn singular to rounding, and damped Newton ends it."""
    rng = np.random.default_rng(6)
    x = np.concatenate([rng.uniform(-2.0, -1.0, 30), rng.uniform(1.0, 2.0, 30)])
    y, ids = (x > 0).astype(float), np.arange(60) % 5
    batch = SmoothFolds(make_problem(x[:, None], y, family="binomial"), ids, 5)
    lambdas = np.repeat(np.geomspace(10.0, 1e-6, 12)[:, None], 5, axis=1)
    solutions, residuals = batch.solve(lambdas, lambda _: None)
    assert residuals.max() <= 1e-5
    sizes = [float(B[0].min()) for B in solutions]
    assert sizes == sorted(sizes)
    assert sizes[-1] > 5.0


@pytest.mark.parametrize("settings", [{}, {"l1_ratio": 0.5}], ids=["smooth", "kinked"])
def test_single_precision_is_verified_and_given_up_where_it_does_not_serve(monkeypatch, settings):
    monkeypatch.setattr(fold_rows, "OWN_WEIGHTS_FLOPS", 0)
    X, y, given, ids = data(missing=0.0)
    problem = make_problem(X, y, family="binomial", **given, **settings)
    solver = SmoothFolds if problem.is_smooth else KinkedFolds
    lambdas = np.repeat(LAMBDAS[:, None], 5, axis=1)
    batch = solver(problem, ids, 5)
    assert batch._fits_single()
    fine, residual = batch.solve(lambdas, lambda _: None)
    assert residual.max() <= 1e-5
    spoiled = solver(problem, ids, 5)
    rows = (spoiled.A * (1.0 + 1e-3 * np.sin(np.arange(90)))[:, None]).astype(np.float32)
    monkeypatch.setattr(spoiled, "_rows32", lambda: rows)
    again, residual = spoiled.solve(lambdas, lambda _: None)
    assert residual.max() <= fold_rows.TOLERANCE
    assert again == pytest.approx(fine, abs=6e-5)


def test_weights_or_offsets_that_single_precision_cannot_hold_are_left_in_double():
    X, y, given, ids = data(missing=0.0)
    given["weights"] = given["weights"] * 10.0 ** np.linspace(-5.0, 5.0, 90)
    assert not SmoothFolds(make_problem(X, y, family="binomial", **given), ids, 5)._fits_single()
    given["weights"], given["offset"] = np.ones(90), 100.0 * given["offset"]
    assert not SmoothFolds(make_problem(X, y, family="binomial", **given), ids, 5)._fits_single()


@pytest.mark.parametrize("ratio", [1.05, 3.0, 1e4], ids=["fine", "coarse", "wide"])
def test_the_lambdas_between_are_right_however_far_the_solved_ones_lie(ratio):
    X, y, given, ids = data(missing=0.0)
    lambdas = 1e5 * ratio ** -np.arange(12.0)
    t = np.log(lambdas)
    first = smooth_folds.solved_first(t)
    assert first[0] == 0
    assert first[-1] == 11
    steps = np.diff(first)
    assert np.all((steps == 1) | (-np.diff(t[first]) <= smooth_folds.REACH))
    assert steps.max() == (smooth_folds.STRIDE if ratio < 1.1 else 1)
    compare(X, y, given, ids, lambdas=lambdas[lambdas > 1e-3], tolerance=1e-4)


def test_a_guess_worse_than_the_null_model_is_given_up_for_a_solution_nearby(monkeypatch):
    X, y, given, ids = data(missing=0.0)
    monkeypatch.setattr(
        SmoothFolds,
        "_interpolate",
        lambda self, lambdas, B, known, wanted, t: np.full((len(wanted), *B.shape[1:]), 1e4),
    )
    compare(X, y, given, ids, lambdas=1e2 * 1.05 ** -np.arange(12.0))


@pytest.mark.parametrize("family", ["poisson", "gamma", "tweedie"])
@pytest.mark.parametrize("l1_ratio", [0.0, 0.5], ids=["L2", "L1"])
def test_a_target_that_does_not_vary_needs_no_steps(monkeypatch, family, l1_ratio):
    """Its null gradient is rounding: to measure with that would pursue nothing for ever."""
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(60, 5)), np.full(60, 7.0)
    problem = make_problem(X, y, family=family, l1_ratio=l1_ratio)
    solver = L1Newton if l1_ratio else NewtonSolver
    seen: list[np.ndarray] = []
    evaluate = GlmRows.evaluate

    def watched(rows, theta):
        seen.append(theta)
        return evaluate(rows, theta)

    monkeypatch.setattr(GlmRows, "evaluate", watched)
    for lam in LAMBDAS:
        answer = solver(problem).solve(lam)
        assert answer.residual < 1e-13
        assert np.abs(answer.u).max() < 1e-13
    assert len(seen) <= 4 * len(LAMBDAS)
    folds = (KinkedFolds if l1_ratio else SmoothFolds)(problem, np.arange(60) % 5, 5)
    monkeypatch.setattr(folds, "alone", lambda *_: pytest.fail("no fold needs damped steps"))
    B, residual = folds.solve(np.tile(np.array(LAMBDAS)[:, None], (1, 5)), lambda _: None)
    assert residual.max() < 1e-9
    assert np.abs(B[:, :-1]).max() < 1e-13
