"""Multinomial models on folds: batched and fold by fold against plain fits to each training set."""

from __future__ import annotations

import numpy as np
import pytest

import l2cli.core.solvers.fold_rows as folds_module
import l2cli.core.solvers.smooth_folds as smooth_module
import l2cli.select.glm_folds as glm_folds_module
from l2cli.core.metrics import losses
from l2cli.core.path import solve_path
from l2cli.core.problem import make_problem
from l2cli.data.folds import draw_folds
from l2cli.errors import FitError
from l2cli.select.glm_folds import GlmFolds
from tests.heldout import heldout_eta

LAMBDAS = np.array([30.0, 3.0, 0.3])


def data(n=120, p=4, c=3, seed=0, missing=0.0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * 2.0 + 1.0
    y = (X @ rng.normal(size=(p, c)) / 2.0 + rng.gumbel(size=(n, c))).argmax(axis=1)
    X[rng.random(X.shape) < missing] = np.nan
    return X, y, rng.uniform(0.3, 2.0, n)


def brute_force(X, y, s, folds, lambdas, metric, **settings):
    """Return the fold losses of separate fits, every step of preprocessing from the training rows alone."""
    result = []
    for f in range(folds.k):
        held = folds.ids[0] == f
        mean = np.array(
            [
                np.average(c[~np.isnan(c)], weights=w[~np.isnan(c)])
                for c, w in zip(X[~held].T, [s[~held]] * X.shape[1], strict=True)
            ]
        )
        part = make_problem(
            X[~held], y[~held].astype(float), family="multinomial", weights=s[~held], **settings
        )
        path = solve_path(part, lambdas)
        rows = np.where(np.isnan(X[held]), mean, X[held])
        eta = np.stack([rows @ path.coef[..., i] + path.intercept[:, i] for i in range(len(lambdas))], axis=2)
        result.append(losses(metric, part.likelihood, np.eye(3)[y[held]], eta, s[held]))
    return np.array(result)


@pytest.mark.parametrize("route", ["own weights", "shared weights", "conjugate gradients", "fold by fold"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"standardize": False},
        {"intercept": False},
        {"l1_ratio": 0.5},
        {"penalty_factor": np.array([0.0, 1.0, 1.0, 2.0])},
    ],
    ids=str,
)
def test_fold_losses_are_those_of_separate_fits(monkeypatch, route, settings):
    if route in ("shared weights", "conjugate gradients"):
        monkeypatch.setattr(folds_module, "OWN_WEIGHTS_FLOPS", 0.0)
    if route == "conjugate gradients":
        monkeypatch.setattr(smooth_module, "FEW_COORDINATES", 0)
    if route == "fold by fold":
        monkeypatch.setattr(glm_folds_module, "MOST_HESSIAN_BYTES", 0.0)
    X, y, s = data(missing=0.05 if settings.get("intercept", True) else 0.0)
    folds = draw_folds(len(y), 4, seed=1, strata=y)
    fits = GlmFolds(make_problem(X, y.astype(float), family="multinomial", weights=s, **settings), folds)
    for metric in ("deviance", "accuracy", "brier"):
        expected = brute_force(X, y, s, folds, LAMBDAS, metric, **settings)
        assert fits.losses(LAMBDAS, metric) == pytest.approx(expected, rel=5e-6)
    assert fits.kkt_max <= 1e-5


def test_more_columns_than_rows_go_fold_by_fold():
    X, y, s = data(40, 60)
    folds = draw_folds(40, 4, seed=1, strata=y)
    fits = GlmFolds(make_problem(X, y.astype(float), family="multinomial", weights=s), folds)
    assert not fits.batched
    assert fits.losses(LAMBDAS, "deviance") == pytest.approx(
        brute_force(X, y, s, folds, LAMBDAS, "deviance"), rel=1e-6
    )
    eta = heldout_eta(fits, 3.0)
    assert eta.shape == (1, 40, 3)
    held = folds.ids[0] == 2
    value = losses("deviance", fits.family, np.eye(3)[y[held]], eta[0, held][..., None], s[held])
    assert value == pytest.approx(fits.losses(np.array([3.0]), "deviance")[2])


def test_a_class_that_no_training_row_has_is_refused():
    X, y, _ = data(30)
    y[:] = np.arange(30) % 2
    y[0] = 2
    with pytest.raises(FitError, match="not every class is left to train on"):
        GlmFolds(make_problem(X, y.astype(float), family="multinomial"), draw_folds(30, 5, seed=0))
