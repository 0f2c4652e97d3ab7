"""Relaxed fits on all folds, against relaxed fits of every training set one by one."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.core.grid import lambda_max
from l2cli.core.moments import training_problem
from l2cli.core.path import solve_path
from l2cli.core.problem import make_problem
from l2cli.core.relaxed import relaxed_path
from l2cli.core.solvers import fold_rows
from l2cli.core.solvers.bare_folds import bare_fits
from l2cli.core.solvers.kinked_folds import KinkedFolds
from l2cli.data.folds import Folds
from l2cli.select import relaxed_folds
from l2cli.select.candidates import parse_candidates
from l2cli.select.compare import Comparison, Contender
from l2cli.select.cv import cross_validate, fold_fits


class Rows:
    def __init__(self, n, p, family, seed=0, missing=0.05):
        rng = np.random.default_rng(seed)
        self.X = (rng.normal(size=(n, p)) + 0.4 * rng.normal(size=(n, 1))) * rng.uniform(0.5, 9.0, size=p)
        z = self.X[:, 0] / self.X[:, 0].std()
        noise = rng.normal(size=n) if family == "gaussian" else 2.0 * rng.logistic(size=n)
        self.y = z + noise if family == "gaussian" else (z + noise > 0) * 1.0
        self.X[rng.random(size=(n, p)) < missing] = np.nan
        self.s, self.o = rng.uniform(0.5, 2.0, size=n), 0.2 * rng.normal(size=n)
        self.f = rng.uniform(0.5, 2.0, size=p)
        self.f[1] = 0.0
        self.family = family
        self.folds = Folds(np.array([np.arange(n) % 3, rng.permutation(n) % 3]), 3, "rows")

    def problem(self, mix, gamma, rows=slice(None), **settings):
        return make_problem(
            self.X[rows].copy(), self.y[rows], family=self.family, weights=self.s[rows],
            offset=self.o[rows], penalty_factor=self.f, l1_ratio=mix, relax_gamma=gamma, **settings,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("family", "shape", "shares"),
    [
        ("gaussian", (60, 6), (1.5, 0.5, 0.2, 0.05)),
        ("gaussian", (30, 40), (1.5, 0.7, 0.5, 0.3)),
        ("binomial", (150, 6), (1.5, 0.5, 0.2, 0.05)),
        ("binomial", (60, 70), (1.5, 0.9, 0.8, 0.7)),
    ],
    ids=["gaussian", "gaussian-wide", "binomial", "binomial-wide"],
)
@pytest.mark.parametrize(
    ("mix", "gamma", "scale", "settings"),
    [
        (1.0, 0.0, "sum", {}),
        (1.0, 0.5, "mean", {"standardize": False}),
        (0.5, 0.5, "sum", {"intercept": False}),
    ],
    ids=["lasso", "raw-mean", "enet-no-intercept"],
)
def test_fold_losses_are_those_of_fits_one_by_one(
    losses_by_hand, family, shape, shares, mix, gamma, scale, settings
):
    data = Rows(shape[0], shape[1], family)
    problem = data.problem(mix, gamma, **settings)
    lambdas = lambda_max(problem) / (problem.weight_sum if scale == "mean" else 1.0) * np.array(shares)
    fits = fold_fits(problem, data.folds, scale)
    expected = losses_by_hand(relaxed_path, data, (mix, gamma), lambdas, scale, settings)
    assert fits.losses(lambdas, "deviance") == pytest.approx(expected, rel=1e-6)
    assert fits.kkt_max < 1e-8
    assert not np.allclose(expected[:, 0], expected[:, 3])
    again = fold_fits(problem, data.folds, scale, jobs=2 if family == "binomial" else None)
    assert again.losses(lambdas[2:3], "deviance") == pytest.approx(expected[:, 2:3], rel=1e-6)


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_gamma_one_and_lambda_zero_are_not_relaxed(family):
    data = Rows(90, 5, family)
    lambdas = np.array([0.3 * lambda_max(data.problem(1.0, 1.0)), 0.0])
    plain = fold_fits(data.problem(1.0, 1.0), data.folds, "sum").losses(lambdas, "deviance")
    relaxed = fold_fits(data.problem(1.0, 0.0), data.folds, "sum").losses(lambdas, "deviance")
    assert relaxed[:, 1] == pytest.approx(plain[:, 1], rel=1e-9)
    assert not np.allclose(relaxed[:, 0], plain[:, 0])
    assert type(fold_fits(data.problem(1.0, 1.0), data.folds, "sum")).__name__ in (
        "ElasticNetFolds",
        "GlmFolds",
    )


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
@pytest.mark.parametrize("bounds", [None, (-0.05, 0.05)], ids=["tied", "bounded"])
@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_tied_and_bounded_columns_of_a_fold_go_by_its_rows(losses_by_hand, family, bounds, missing):
    data = Rows(60, 5, family, missing=missing)
    data.X, data.f = np.hstack([data.X, data.X[:, :1]]), np.append(data.f, data.f[0])
    settings = {} if bounds is None else {"bounds": tuple(np.full(6, b) for b in bounds)}
    problem = data.problem(0.5, 0.0, **settings)
    lambdas = lambda_max(problem) * np.array([0.4, 0.1])
    fits = fold_fits(problem, data.folds, "sum")
    expected = losses_by_hand(relaxed_path, data, (0.5, 0.0), lambdas, "sum", settings)
    assert fits.losses(lambdas, "deviance") == pytest.approx(expected, rel=1e-7)
    assert fits.kkt_max < 1e-9


def test_bounded_fits_of_a_gaussian_fold_look_at_no_row(losses_by_hand, monkeypatch):
    """A copy of all training rows for each set of columns took most of the time."""
    data = Rows(90, 6, "gaussian")
    settings = {"bounds": (np.full(6, -0.02), np.full(6, 0.05))}
    problem = data.problem(1.0, 0.0, **settings)
    lambdas = lambda_max(problem) * np.array([0.6, 0.2, 0.01])
    expected = losses_by_hand(relaxed_path, data, (1.0, 0.0), lambdas, "sum", settings)
    monkeypatch.setattr(relaxed_folds, "training_problem", None)
    fits = fold_fits(problem, data.folds, "sum")
    assert fits.losses(lambdas, "deviance") == pytest.approx(expected, rel=1e-9)
    assert fits.kkt_max < 1e-9


def test_tied_columns_of_a_fold_copy_its_rows_once(monkeypatch):
    data, copies = Rows(60, 5, "gaussian", missing=0.0), []
    data.X, data.f = np.hstack([data.X, data.X[:, :1]]), np.append(data.f, data.f[0])
    problem, copy = data.problem(0.5, 0.0), training_problem

    def copied(*arguments):
        copies.append(1)
        return copy(*arguments)

    monkeypatch.setattr(relaxed_folds, "training_problem", copied)
    fits = fold_fits(problem, data.folds, "sum")
    fits.losses(lambda_max(problem) * np.geomspace(0.5, 0.01, 8), "deviance")
    assert len(copies) == 6


def test_between_bounds_nothing_is_relaxed_at_lambda_zero():
    """Not where the fit without a penalty is one of many either."""
    data = Rows(30, 40, "gaussian")
    bounds = np.full(40, -0.05), np.full(40, 0.05)
    plain, relaxed = (data.problem(1.0, gamma, bounds=bounds) for gamma in (1.0, 0.0))
    losses = [fold_fits(p, data.folds, "sum").losses(np.zeros(1), "deviance") for p in (plain, relaxed)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-12)


def test_a_separated_active_set_has_no_loss_and_ranks_last():
    rng = np.random.default_rng(4)
    X = rng.normal(size=(60, 3))
    y = np.where(X[:, 0] + 0.2 * rng.normal(size=60) > 0, 1.0, 0.0)
    folds = Folds((np.arange(60) % 3)[None, :], 3, "rows")
    y[0] = 1.0 - y[0] if (X[0, 0] > 0) == (y[0] > 0) else y[0]  # the one row that keeps fold 2 apart
    X[1:, 0] += np.where(y[1:] > 0, 0.5, -0.5)
    problem = make_problem(X, y, family="binomial", l1_ratio=1.0, relax_gamma=0.0)
    grid = lambda_max(problem) * np.array([1.6, 0.2])
    fits = fold_fits(problem, folds, "sum")
    losses = fits.losses(grid, "deviance")
    assert np.isfinite(losses[:, 0]).all()
    assert np.isnan(losses[0, 1])  # without the first row the classes are separated
    assert np.isfinite(losses[1:, 1]).any()
    curve = cross_validate(fits, folds, grid, metric="deviance").curve
    assert curve.index_min == 0
    assert not np.isfinite(curve.mean[1])


def test_the_relaxed_lasso_is_compared_as_it_tunes_itself(losses_by_hand):
    data = Rows(90, 5, "gaussian")
    lasso, relaxed = data.problem(1.0, 1.0), data.problem(1.0, 0.0)
    grid = lambda_max(lasso) * np.geomspace(1.0, 0.01, 12)
    contenders = {
        (p.l1_ratio, p.relax_gamma): Contender(p, grid, fold_fits(p, data.folds, "sum"))
        for p in (lasso, relaxed)
    }
    candidates = parse_candidates(("relaxed", "lasso", "relaxed:1se"))
    assert [c.name for c in candidates] == ["relaxed lasso (min)", "lasso (min)", "relaxed lasso (1se)"]
    scores = Comparison(contenders, data.folds, "mse", "sum").run(candidates)
    ids = data.folds.ids[0]
    train = ids != 0
    part = relaxed.take(np.flatnonzero(train))
    inner = Folds((ids[train] - 1)[None, :], 2, "rows")
    curve = cross_validate(fold_fits(part, inner, "sum"), inner, grid, metric="mse").curve
    lam = curve.lambdas[[curve.index_min]]
    assert scores[0].values[0] == pytest.approx(
        losses_by_hand(relaxed_path, data, (1.0, 0.0), lam, "sum", {})[0, 0], rel=1e-9
    )


@pytest.mark.parametrize("own_weights", [True, False], ids=["own-curvatures", "shared-curvatures"])
def test_the_folds_walk_together_to_the_same_losses(losses_by_hand, monkeypatch, own_weights):
    data = Rows(240, 8, "binomial")
    problem = data.problem(1.0, 0.0)
    lambdas = lambda_max(problem) * np.geomspace(1.0, 0.01, 20)
    expected = losses_by_hand(relaxed_path, data, (1.0, 0.0), lambdas, "sum", {})
    if not own_weights:
        monkeypatch.setattr(fold_rows, "OWN_WEIGHTS_FLOPS", 0)
    monkeypatch.setattr(relaxed_folds, "unpenalized_fits", None)  # no fit may need it
    fits = fold_fits(problem, data.folds, "sum")
    assert fits.losses(lambdas, "deviance") == pytest.approx(expected, rel=1e-9 if own_weights else 1e-6)
    assert fits.kkt_max <= (1e-10 if own_weights else 1e-5)


def test_what_does_not_settle_together_is_fitted_alone():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 3))
    X = np.column_stack([X, X[:, 0], X[:, 1] + 100.0 * rng.normal(size=90)])
    y = np.where(X[:, 0] + rng.logistic(size=90) > 0, 1.0, 0.0)
    y[30:60] = np.where(X[30:60, 1] > 0, 1.0, 0.0)
    problem = make_problem(X, y, family="binomial", l1_ratio=1.0)
    ids = np.repeat([0, 1], [60, 30])
    ids[:30] = 2
    rows = KinkedFolds(problem, ids, 3)
    sets = [[np.array([0, 1]), np.array([0, 1, 2])], [np.array([0, 3])], []]
    starts = [[rows.origin()[:, f]] * len(sets[f]) for f in range(3)]
    found, worst = bare_fits(rows, sets, starts)
    assert worst <= 1e-10
    assert [len(fits) for fits in found] == [2, 1, 0]
    assert found[1][0] is None  # two columns that are one
    for columns, theta in zip(sets[0], found[0], strict=True):
        part = problem.take(np.flatnonzero(ids != 0)).select(columns)
        path = solve_path(part, np.zeros(1))
        assert theta is not None
        assert theta[columns] == pytest.approx(path.u[:, 0], rel=1e-8)
        assert theta[-1] == pytest.approx(path.intercept0[0], abs=1e-8)


def test_a_set_that_holds_a_separated_one_is_separated():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4))
    problem = make_problem(X, np.where(X[:, 1] > 0, 1.0, 0.0), family="binomial", l1_ratio=1.0)
    folds = Folds((np.arange(60) % 3)[None, :], 3, "rows")
    fits = relaxed_folds.RelaxedGlmFolds(problem._replace(relax_gamma=0.5), folds)
    sets = [np.array([0]), np.array([0, 1]), np.array([0, 1, 3]), np.array([2])]
    found, worst = relaxed_folds.unpenalized_fits(problem, fits.folds.training(0), fits.stats[0], sets)
    assert [bool(np.isfinite(theta).all()) for theta in found] == [True, False, False, True]
    assert worst < 1e-10
