"""Relaxed multinomial fits on all folds, against relaxed fits of every training set one by one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logsumexp

from l2cli.core.grid import lambda_max
from l2cli.core.problem import make_problem
from l2cli.core.relaxed import relaxed_path
from l2cli.core.solvers import fold_rows
from l2cli.data.folds import Folds
from l2cli.select import relaxed_folds
from l2cli.select.candidates import parse_candidates
from l2cli.select.compare import Comparison, Contender
from l2cli.select.cv import cross_validate, fold_fits


class Rows:
    """Three classes or more, cells missing, weights, factors with one of 0."""

    def __init__(self, n, p, c=3, seed=0, missing=0.03):
        rng = np.random.default_rng(seed)
        self.X = rng.normal(size=(n, p)) * rng.uniform(0.5, 3.0, size=p)
        eta = self.X[:, :4] @ rng.normal(size=(4, c)) / 4.0
        self.y = (eta + rng.gumbel(size=(n, c))).argmax(axis=1).astype(float)
        self.X[rng.random(size=(n, p)) < missing] = np.nan
        self.s, self.f = rng.uniform(0.5, 2.0, size=n), rng.uniform(0.5, 2.0, size=p)
        self.f[1], self.classes = 0.0, c
        self.folds = Folds(np.array([np.arange(n) % 3, rng.permutation(n) % 3]), 3, "rows")

    def problem(self, mix, gamma, rows=slice(None), **settings):
        return make_problem(
            self.X[rows].copy(), self.y[rows], family="multinomial", weights=self.s[rows],
            penalty_factor=self.f, l1_ratio=mix, relax_gamma=gamma, **settings,
        )  # fmt: skip

    def losses(self, penalty, lambdas, scale="sum", **settings):
        """Return the deviance (F, L) of every held-out fold, its model solved alone on the other rows."""
        table = []
        for ids in self.folds.ids:
            for f in range(3):
                test = ids == f
                part = self.problem(penalty[0], penalty[1], ~test, **settings)
                path = relaxed_path(part, lambdas * (part.weight_sum if scale == "mean" else 1.0))
                X = np.where(np.isnan(self.X[test]), part.mean, self.X[test])
                eta = np.einsum("ij,jkl->ikl", X, path.coef) + path.intercept * part.intercept
                own = np.take_along_axis(eta, self.y[test].astype(int)[:, None, None], axis=1)[:, 0]
                table.append(np.average(2 * (logsumexp(eta, axis=1) - own), weights=self.s[test], axis=0))
        return np.array(table)


@pytest.mark.parametrize(
    ("shape", "shares"),
    [
        ((200, 6, 3), (1.5, 0.5, 0.2, 0.05)),
        ((240, 6, 4), (1.5, 0.5, 0.2, 0.05)),
        ((60, 70, 3), (1.5, 0.9, 0.8, 0.7)),
    ],
    ids=["three", "four", "wide"],
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
def test_fold_losses_are_those_of_fits_one_by_one(shape, shares, mix, gamma, scale, settings):
    data = Rows(*shape)
    problem = data.problem(mix, gamma, **settings)
    lambdas = lambda_max(problem) / (problem.weight_sum if scale == "mean" else 1.0) * np.array(shares)
    fits = fold_fits(problem, data.folds, scale)
    expected = data.losses((mix, gamma), lambdas, scale, **settings)
    assert fits.losses(lambdas, "deviance") == pytest.approx(expected, rel=1e-6)
    assert fits.kkt_max < 1e-8
    assert not np.allclose(expected[:, 0], expected[:, 3])
    again = fold_fits(problem, data.folds, scale, jobs=2)
    assert again.losses(lambdas[2:3], "deviance") == pytest.approx(expected[:, 2:3], rel=1e-6)


@pytest.mark.parametrize("own_weights", [True, False], ids=["own-curvatures", "shared-curvatures"])
def test_the_folds_walk_together_to_the_same_losses(monkeypatch, own_weights):
    data = Rows(240, 6)
    problem = data.problem(1.0, 0.0)
    lambdas = lambda_max(problem) * np.geomspace(1.0, 0.01, 12)
    expected = data.losses((1.0, 0.0), lambdas)
    if not own_weights:
        monkeypatch.setattr(fold_rows, "OWN_WEIGHTS_FLOPS", 0)
    monkeypatch.setattr(relaxed_folds, "unpenalized_fits", None)  # no fit may need it
    fits = fold_fits(problem, data.folds, "sum")
    assert fits.losses(lambdas, "deviance") == pytest.approx(expected, rel=1e-9 if own_weights else 3e-6)
    assert fits.kkt_max <= (1e-10 if own_weights else 1e-5)  # three tolerances, see FoldRows.verified


@pytest.mark.parametrize("bounds", [None, (-0.1, 0.1)], ids=["tied", "bounded"])
def test_tied_and_bounded_columns_of_a_fold_are_fitted_alone(bounds):
    data = Rows(90, 5, missing=0.0)
    data.X, data.f = np.hstack([data.X, data.X[:, :1]]), np.append(data.f, data.f[0])
    settings = {} if bounds is None else {"bounds": tuple(np.full(6, b) for b in bounds)}
    problem = data.problem(0.5, 0.0, **settings)
    lambdas = lambda_max(problem) * np.array([0.4, 0.1])
    fits = fold_fits(problem, data.folds, "sum")
    assert fits.losses(lambdas, "deviance") == pytest.approx(
        data.losses((0.5, 0.0), lambdas, **settings), rel=1e-7
    )
    assert fits.kkt_max < 1e-8


def test_at_lambda_zero_nothing_is_relaxed():
    data = Rows(120, 4)
    plain = fold_fits(data.problem(1.0, 1.0), data.folds, "sum").losses(np.zeros(1), "deviance")
    relaxed = fold_fits(data.problem(1.0, 0.0), data.folds, "sum").losses(np.zeros(1), "deviance")
    assert relaxed == pytest.approx(plain, rel=1e-9)


def test_a_separated_support_has_no_loss_and_ranks_last():
    rng = np.random.default_rng(4)
    X, y = rng.normal(size=(90, 3)), np.where(rng.random(90) < 0.5, 1.0, 0.0)
    y[X[:, 0] > 0.4] = 2.0
    y[0], X[0, 0] = 0.0, 2.0  # the one row that keeps the classes together
    folds = Folds((np.arange(90) % 3)[None, :], 3, "rows")
    problem = make_problem(X, y, family="multinomial", l1_ratio=1.0, relax_gamma=0.0)
    grid = lambda_max(problem) * np.array([1.6, 0.3])
    fits = fold_fits(problem, folds, "sum")
    losses = fits.losses(grid, "deviance")
    assert np.isfinite(losses[:, 0]).all()
    assert np.isnan(losses[0, 1])  # without the first row
    assert np.isfinite(losses[1:, 1]).all()
    curve = cross_validate(fits, folds, grid, metric="deviance").curve
    assert curve.index_min == 0
    sets = [np.array([6]), np.array([2, 6]), np.array([2, 4, 6]), np.array([4])]
    assert isinstance(fits, relaxed_folds.RelaxedGlmFolds)
    found, worst = relaxed_folds.unpenalized_fits(problem, fits.folds.training(0), fits.stats[0], sets)
    assert [bool(np.isfinite(theta).all()) for theta in found] == [True, False, False, True]
    assert worst < 1e-10


def test_the_relaxed_lasso_is_compared_as_it_tunes_itself():
    data = Rows(120, 5, missing=0.0)
    relaxed = data.problem(1.0, 0.0)
    grid = lambda_max(relaxed) * np.geomspace(1.0, 0.05, 8)
    contenders = {(1.0, 0.0): Contender(relaxed, grid, fold_fits(relaxed, data.folds, "sum"))}
    scores = Comparison(contenders, data.folds, "deviance", "sum").run(
        parse_candidates(("relaxed", "relaxed:1se"))
    )
    ids = data.folds.ids[0]
    train = ids != 0
    inner = Folds((ids[train] - 1)[None, :], 2, "rows")
    part = relaxed.take(np.flatnonzero(train))
    curve = cross_validate(fold_fits(part, inner, "sum"), inner, grid, metric="deviance").curve
    lam = curve.lambdas[[curve.index_min]]
    assert scores[0].values[0] == pytest.approx(data.losses((1.0, 0.0), lam)[0, 0], rel=1e-8)
