"""The fits without one row each, against refits; and how often the intervals made of them cover."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.random import default_rng

from l2cli import fit, predict
from l2cli.core.path import design_factor, solve_path
from l2cli.core.problem import make_problem
from l2cli.diagnostics.jackknife import FEWEST_ROWS, MOST_ROWS, fits_without_rows
from l2cli.errors import UsageError


def without(problem, lam, row):
    """Coefficients and intercept of a fit to all rows but one: penalty and scaling as with it."""
    kept = np.arange(problem.n_rows) != row
    Z = problem.X * problem.scale + problem.center  # the original columns
    s, y = problem.weights[kept], problem.response[kept]
    A = np.column_stack([Z, np.ones(len(Z))] if problem.intercept else [Z])[kept]
    penalty = np.zeros(A.shape[1])
    penalty[: Z.shape[1]] = lam * problem.penalty * problem.scale**2
    theta = np.linalg.solve(A.T @ (s[:, None] * A) + np.diag(penalty), A.T @ (s * y))
    return theta[: Z.shape[1]], theta[-1] if problem.intercept else 0.0


CASES: dict[str, dict[str, Any]] = {
    "ridge": {},
    "weighted": {"weights": default_rng(1).uniform(0.5, 4.0, 30)},
    "through the origin": {"intercept": False, "weights": default_rng(1).uniform(0.5, 4.0, 30)},
    "factors": {"penalty_factor": np.array([0.0, 1.0, 2.0, 0.5])},
    "raw, with an offset": {"standardize": False, "offset": default_rng(2).normal(size=30)},
}


@pytest.mark.parametrize("lam", [0.0, 0.3, 40.0])
@pytest.mark.parametrize("case", CASES)
def test_the_fits_are_those_without_the_row(case, lam):
    rng = default_rng(3)
    X = rng.normal(size=(30, 4)) @ rng.normal(size=(4, 4)) + 2.0
    y = X @ np.array([1.0, -1.0, 0.5, 0.0]) + rng.normal(size=30)
    problem = make_problem(X, y, family="gaussian", **CASES[case])
    path = solve_path(problem, np.array([lam]))
    found = fits_without_rows(
        problem, design_factor(problem, lam), lam, path.u[:, 0], float(path.intercept0[0])
    )
    assert found is not None
    assert found.rows == 30
    models, residual = found.arrays(4)
    for i in range(30):
        coef, intercept = without(problem, lam, i)
        assert models[i, 1:] == pytest.approx(coef, rel=1e-9, abs=1e-9)
        assert models[i, 0] == pytest.approx(intercept, rel=1e-9, abs=1e-9)
        away = abs(problem.response[i] - intercept - X[i] @ coef)
        assert residual[i] == pytest.approx(away, rel=1e-9, abs=1e-9)


def test_more_columns_than_rows():
    rng = default_rng(4)
    X, y = rng.normal(size=(12, 40)), rng.normal(size=12)
    problem = make_problem(X, y, family="gaussian")
    path = solve_path(problem, np.array([2.0]))
    found = fits_without_rows(
        problem, design_factor(problem, 2.0), 2.0, path.u[:, 0], float(path.intercept0[0])
    )
    assert found is not None
    for i, row in enumerate(found.arrays(40)[0]):
        coef, intercept = without(problem, 2.0, i)
        assert row == pytest.approx(np.append(intercept, coef), rel=1e-9, abs=1e-9)


def test_intervals_are_the_order_statistics_of_refits():
    """Equations 5 and 6 by loops over refits, with weights."""
    rng = default_rng(5)
    X, new = rng.normal(size=(24, 3)), rng.normal(size=(7, 3))
    y = X @ np.array([1.0, 0.0, -2.0]) + rng.standard_t(3, size=24)
    weights = rng.uniform(0.5, 2.0, 24)
    model = fit(X, y, lam=3.0, sample_weight=weights)
    problem = make_problem(X, y, family="gaussian", weights=weights)
    low, high = np.empty((24, 7)), np.empty((24, 7))
    for i in range(24):
        coef, intercept = without(problem, 3.0, i)
        mean, away = new @ coef + intercept, abs(y[i] - X[i] @ coef - intercept)
        low[i], high[i] = mean - away, mean + away
    for level, k in ((0.9, 2), (0.8, 5), (0.96, 1), (0.5, 12)):
        centre, below, above = model.predict(new, interval=level)
        assert centre == pytest.approx(model.predict(new), abs=0.0)
        assert below == pytest.approx(np.sort(low, axis=0)[k - 1], abs=1e-9)
        assert above == pytest.approx(np.sort(high, axis=0)[-k], abs=1e-9)
    with pytest.raises(
        UsageError, match=r"takes more rows than the 24 .* highest level they can give is 0\.96"
    ):
        model.predict(new, interval=0.961)


def test_a_row_that_alone_decides_a_coefficient_has_an_endless_residual():
    rng = default_rng(6)
    X = np.column_stack([rng.normal(size=19), np.arange(19) == 4])
    model = fit(X, rng.normal(size=19), lam=1.0, penalty_factor=[1.0, 0.0])
    kept = model.model.intervals
    assert kept is not None
    assert (kept.rows, kept.kept) == (19, 18)
    assert (kept.rank(0.9), kept.rank(0.8)) == (1, 3)  # one of 2 and of 4 is the endless one
    with pytest.raises(UsageError, match=r"highest level they can give is 0\.9$"):
        model.predict(X, interval=0.95)


def test_many_rows_leave_out_a_random_part_and_wide_models_fewer():
    rng = default_rng(7)
    X = rng.normal(size=(3000, 2))
    y = X @ [1.0, 2.0] + rng.normal(size=3000)
    kept = fit(X, y, lam=5.0).model.intervals
    assert kept is not None
    assert kept.rows == kept.kept == MOST_ROWS
    wide = fit(rng.normal(size=(120, 1500)), rng.normal(size=120), lam=5.0).model.intervals
    assert wide is not None
    assert wide.rows == FEWEST_ROWS


def test_offsets_shift_intervals_and_targets_have_their_own():
    rng = default_rng(8)
    X, offset = rng.normal(size=(40, 2)), rng.normal(size=40)
    Y = X @ rng.normal(size=(2, 2)) + rng.normal(size=(40, 2)) * [1.0, 5.0]
    shifted = fit(X, Y[:, 0] + offset, lam=1.0, offset=offset)
    plain = fit(X, Y[:, 0], lam=1.0)
    for one, other in zip(
        shifted.predict(X, offset=offset, interval=0.9), plain.predict(X, interval=0.9), strict=True
    ):
        assert one == pytest.approx(other + offset, abs=1e-9)
    both = fit(X, Y, lam=1.0).predict(X, interval=0.9)
    assert all(part.shape == (40, 2) for part in both)
    for part, one in zip(both, plain.predict(X, interval=0.9), strict=True):
        assert part[:, 0] == pytest.approx(one, abs=1e-9)
    assert np.all((both[2] - both[1])[:, 1] > 2.0 * (both[2] - both[1])[:, 0])


@pytest.mark.parametrize(("n", "p"), [(40, 5), (30, 60)])
def test_intervals_cover_new_rows(n, p):
    """Never below 1 - 2 alpha, and near 1 - alpha: the standard error of 150 means is about 0.006."""
    rng, shares = default_rng(9), []
    for _ in range(150):
        X = rng.normal(size=(n + 50, p))
        y = X @ rng.normal(size=p) / np.sqrt(p) + rng.standard_t(4, size=n + 50)
        _, low, high = predict(fit(X[:n], y[:n], lam=5.0), X[n:], interval=0.9)
        shares.append(np.mean((low <= y[n:]) & (y[n:] <= high)))
    assert np.mean(shares) > 0.8
    assert np.mean(shares) == pytest.approx(0.9, abs=0.03)
