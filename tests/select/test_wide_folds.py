"""Wide elastic nets of all folds together, against the same fits one by one."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.core.grid import lambda_max
from l2cli.core.problem import make_problem
from l2cli.core.solvers import elastic_net
from l2cli.data.folds import Folds
from l2cli.select import elastic_net_folds, wide_folds
from l2cli.select.cv import fold_fits

N, P = 40, 70


def data(seed=0, missing=0.05):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N, P)) * rng.uniform(0.3, 3.0, P) + rng.normal(size=P)
    X[:, 1:] += 0.7 * X[:, :-1]
    y = X[:, :4] @ [1.0, -2.0, 1.0, 0.5] + rng.normal(size=N)
    X[rng.random(size=X.shape) < missing] = np.nan
    X[:, 9], X[0, 9] = 1.0, 2.0  # does not vary where row 0 is held out
    folds = Folds(np.array([np.arange(N) % 4, rng.permutation(N) % 4]), 4, "rows")
    return X, y, rng.uniform(0.5, 2.0, N), 0.3 * rng.normal(size=N), folds


def low_and_high(low, high):
    return np.where(np.arange(P) % 7 == 0, 0.05, low), np.full(P, high)


SETTINGS = {
    "lasso": {"l1_ratio": 1.0},
    "elastic net": {"l1_ratio": 0.4},
    "raw, no intercept": {"l1_ratio": 1.0, "standardize": False, "intercept": False},
    "factors": {"l1_ratio": 1.0, "penalty_factor": np.where(np.arange(P) % 30 == 0, 0.0, 1.0)},
    "bounds": {"l1_ratio": 0.7, "bounds": low_and_high(-0.3, 0.4)},
    "groups": {"groups": np.arange(P) // 5},
    "relaxed": {"l1_ratio": 1.0, "relax_gamma": 0.3},
}


def losses(monkeypatch, problem, folds, lambdas, *, wide, scale="sum"):
    for module in (elastic_net, elastic_net_folds):
        monkeypatch.setattr(module, "WIDE", 1 if wide else 10**9)
    fits = fold_fits(problem, folds, scale)
    found = fits.losses(lambdas, "deviance")
    assert fits.kkt_max <= 1e-8
    return found


@pytest.mark.parametrize("scale", ["sum", "mean"])
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_joint_products_give_the_fits_one_by_one(monkeypatch, settings, scale):
    X, y, s, o, folds = data()
    problem = make_problem(X, y, weights=s, offset=o, **settings)
    unit = problem.weight_sum if scale == "mean" else 1.0
    lambdas = lambda_max(problem) / unit * np.array([0.3, 1.1, 0.1, 0.6, 0.4, 0.2])
    together = losses(monkeypatch, problem, folds, lambdas, wide=True, scale=scale)
    alone = losses(monkeypatch, problem, folds, lambdas, wide=False, scale=scale)
    assert together == pytest.approx(alone, rel=1e-6)
    assert together.std(axis=1).min() > 0.0


def test_several_batches_and_blocks_and_a_lambda_of_zero(monkeypatch):
    X, y, s, o, folds = data()
    problem = make_problem(X, y, weights=s, offset=o, l1_ratio=1.0)
    lambdas = np.append(lambda_max(problem) * np.array([0.9, 0.5, 0.2]), 0.0)
    alone = losses(monkeypatch, problem, folds, lambdas, wide=False)
    batches = []
    original = wide_folds.wide_fits

    def counted(problem, fits, lambdas):
        batches.append(len(fits))
        return original(problem, fits, lambdas)

    monkeypatch.setattr(elastic_net_folds, "wide_fits", counted)
    monkeypatch.setattr(wide_folds, "BLOCK", 16)
    monkeypatch.setattr(wide_folds, "BATCH_CELLS", 3 * P * 3)
    assert losses(monkeypatch, problem, folds, lambdas, wide=True) == pytest.approx(alone, rel=1e-6)
    assert batches == [3, 3, 2]


def test_the_worst_violation_is_that_of_the_worst_fit(monkeypatch):
    """An answer that is off shows in the residual: the solver's own slopes certify it."""
    X, y, s, o, folds = data()
    problem = make_problem(X, y, weights=s, offset=o, l1_ratio=1.0)
    lambdas = lambda_max(problem) * np.array([0.5, 0.2])
    monkeypatch.setattr(wide_folds, "ROUGH", 1e-2)
    for module in (elastic_net, elastic_net_folds):
        monkeypatch.setattr(module, "WIDE", 1)
    fits = fold_fits(problem, folds, "sum")
    assert isinstance(fits, elastic_net_folds.ElasticNetFolds)
    fits.losses(lambdas, "deviance")
    sides, answers = list(fits._training_sides()), list(fits.solutions(lambdas))
    worst = 0.0
    for i, ((stats, _), (_, u)) in enumerate(zip(sides, answers, strict=True)):
        rows = wide_folds.TrainingRows(problem, fits.folds.training(i), stats)
        A = rows.columns(np.arange(P))
        slope = A.T @ (A @ u - rows.response[:, None])
        kink = np.multiply.outer(stats.l1, lambdas)
        off = np.where(u == 0.0, np.maximum(np.abs(slope) - kink, 0.0), np.abs(slope + kink * np.sign(u)))
        worst = max(worst, off.max() / np.abs(rows.response @ A).max())
    assert fits.kkt_max == pytest.approx(worst, rel=1e-6)
    assert worst > 1e-6
