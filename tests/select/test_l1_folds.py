"""Fits with an L1 part on all folds, against fits of every training set one by one."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.core.grid import lambda_max
from l2cli.core.path import solve_path
from l2cli.core.problem import make_problem
from l2cli.core.solvers import fold_rows
from l2cli.data.folds import Folds
from l2cli.select.cv import fold_fits
from l2cli.select.glm_folds import KKT_LIMIT
from tests.heldout import heldout_eta


class Rows:
    def __init__(self, n, p, family, seed=0):
        rng = np.random.default_rng(seed)
        self.X = (rng.normal(size=(n, p)) + 0.7 * rng.normal(size=(n, 1))) * rng.uniform(0.5, 9.0, size=p)
        z = self.X[:, 0] / self.X[:, 0].std() + rng.logistic(size=n)
        self.y = z if family == "gaussian" else (z > 0) * 1.0
        self.X[rng.random(size=(n, p)) < 0.08] = np.nan
        self.s, self.o = rng.uniform(0.5, 2.0, size=n), 0.2 * rng.normal(size=n)
        self.f = rng.uniform(0.5, 2.0, size=p)
        self.f[1] = 0.0
        self.family = family
        self.folds = Folds(np.array([np.arange(n) % 3, rng.permutation(n) % 3]), 3, "rows")

    def problem(self, mix, rows=slice(None), **settings):
        return make_problem(
            self.X[rows].copy(), self.y[rows], family=self.family, weights=self.s[rows],
            offset=self.o[rows], penalty_factor=self.f, l1_ratio=mix, **settings,
        )  # fmt: skip


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
@pytest.mark.parametrize("shape", [(60, 6), (30, 40)], ids=["long", "wide"])
@pytest.mark.parametrize("mix", [0.4, 1.0])
@pytest.mark.parametrize(
    ("scale", "settings"),
    [("sum", {}), ("mean", {"standardize": False}), ("sum", {"intercept": False})],
    ids=["usual", "raw-mean", "no-intercept"],
)
def test_fold_losses_are_those_of_fits_one_by_one(losses_by_hand, family, shape, mix, scale, settings):
    data = Rows(shape[0], shape[1], family)
    problem = data.problem(mix, **settings)
    high = lambda_max(problem) / (problem.weight_sum if scale == "mean" else 1.0)
    lambdas = high * np.array([1.5, 0.5, 0.2, 0.05])
    fits = fold_fits(problem, data.folds, scale)
    found = fits.losses(lambdas, "deviance")
    expected = losses_by_hand(solve_path, data, (mix,), lambdas, scale, settings)
    assert found == pytest.approx(expected, rel=1e-7)
    assert fits.kkt_max < 1e-9
    eta = heldout_eta(fits, float(lambdas[2]))
    assert eta.shape == (2, shape[0])
    away = data.y - eta
    if family == "gaussian":
        mse = [
            (data.s * away[0] ** 2)[ids == f].sum() / data.s[ids == f].sum()
            for ids in data.folds.ids[:1]
            for f in range(3)
        ]
        assert mse == pytest.approx(expected[:3, 2], rel=1e-7)


@pytest.mark.parametrize("mix", [0.4, 1.0])
def test_large_binomial_folds_share_their_curvatures(monkeypatch, mix):
    data = Rows(90, 5, "binomial")
    problem = data.problem(mix)
    lambdas = lambda_max(problem) * np.geomspace(1.0, 1e-3, 25)
    expected = fold_fits(problem, data.folds, "sum").losses(lambdas, "deviance")
    monkeypatch.setattr(fold_rows, "OWN_WEIGHTS_FLOPS", 0)
    fits = fold_fits(problem, data.folds, "sum")
    assert fits.losses(lambdas, "deviance") == pytest.approx(expected, rel=1e-4)
    assert 1e-12 < fits.kkt_max <= KKT_LIMIT


def test_lambda_zero_among_others_is_the_unpenalized_fit():
    for family in ("gaussian", "binomial"):
        data = Rows(60, 4, family)
        data.X = np.hstack([data.X, data.X[:, :1]])
        data.f = np.append(data.f, data.f[0])
        zero, mixed = np.zeros(1), np.array([2.0, 0.0])
        bare = fold_fits(data.problem(0.0), data.folds, "sum").losses(zero, "deviance")
        found = fold_fits(data.problem(1.0), data.folds, "sum").losses(mixed, "deviance")
        assert found[:, 1] == pytest.approx(bare[:, 0], rel=1e-8)
