"""Relaxed fits, from the library down: the lasso's features fitted anew by statsmodels or least squares."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import l2cli
from l2cli.core.families import family_named

pytestmark = pytest.mark.filterwarnings("ignore:the (best lambda|selection curve):UserWarning")
FAMILIES = ["gaussian", "binomial", "poisson", "gamma", "tweedie"]
SHARES = np.array([0.6, 0.3, 0.1, 0.02])


class Rows:
    def __init__(self, family, n=120, p=6, seed=3):
        rng = np.random.default_rng(seed)
        self.family = family
        self.X = (rng.normal(size=(n, p)) + 0.5 * rng.normal(size=(n, 1))) * rng.uniform(0.3, 5.0, p) + 1.0
        self.s, self.o = rng.uniform(0.5, 2.0, n), 0.1 * rng.normal(size=n)
        eta = self.o + (self.X / self.X.std(axis=0)) @ ([0.4, -0.3, 0.2] + [0.0] * (p - 3))
        draw = {
            "gaussian": lambda: eta + rng.normal(size=n),
            "binomial": lambda: (rng.random(n) < 1 / (1 + np.exp(-eta))) * 1.0,
            "poisson": lambda: rng.poisson(np.exp(eta)) * 1.0,
            "gamma": lambda: rng.gamma(2.0, np.exp(eta) / 2.0),
            "tweedie": lambda: rng.gamma(2.0, np.exp(eta) / 2.0) * (rng.random(n) < 0.8),
        }
        self.y = draw[family]()

    def path(self, rows=slice(None), **settings):
        return l2cli.path(
            self.X[rows], self.y[rows], family=self.family, sample_weight=self.s[rows], offset=self.o[rows],
            **settings,
        )  # fmt: skip

    def bare(self, columns, rows=slice(None)):
        """Return coefficients (p,) and intercept of the unpenalized fit on some columns."""
        import statsmodels.api as sm

        link = sm.families.links.Log()
        families = {
            "gaussian": sm.families.Gaussian,
            "binomial": sm.families.Binomial,
            "poisson": sm.families.Poisson,
            "gamma": lambda: sm.families.Gamma(link),
            "tweedie": lambda: sm.families.Tweedie(link, 1.5),
        }
        A = np.column_stack([self.X[rows][:, columns], np.ones(len(self.X[rows]))])
        model = sm.GLM(
            self.y[rows], A, family=families[self.family](), var_weights=self.s[rows], offset=self.o[rows]
        )
        answer = np.asarray(model.fit(tol=1e-15, tol_criterion="params", maxiter=200).params)
        coef = np.zeros(self.X.shape[1])
        coef[columns] = answer[:-1]
        return coef, float(answer[-1])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("scale", ["sum", "mean"])
def test_fold_losses_are_those_of_the_folds_own_features_fitted_anew(family, scale):
    data, gamma = Rows(family), 0.3
    settings: dict[str, Any] = {"l1_ratio": 1.0, "lambda_scale": scale}
    lambdas = list(data.path(**settings).lambdas[0] * SHARES)
    ids = np.arange(len(data.y)) % 4
    run = l2cli.cv(
        data.X, data.y, family=family, sample_weight=data.s, offset=data.o, lambdas=lambdas,
        relax_gamma=gamma, fold_labels=ids, metric="deviance", **settings,
    )  # fmt: skip
    deviance = family_named(family, 1.5).deviance
    sizes = set()
    for k in range(4):
        train, test = ids != k, ids == k
        lasso = data.path(train, lambdas=lambdas, **settings)
        for i in range(len(lambdas)):
            columns = np.flatnonzero(lasso.coef[:, i])
            sizes.add(len(columns))
            coef, intercept = data.bare(columns, train)
            w = gamma * lasso.coef[:, i] + (1.0 - gamma) * coef
            b = gamma * lasso.intercepts[i] + (1.0 - gamma) * intercept
            losses = deviance(data.y[test], data.X[test] @ w + b + data.o[test])
            assert run.fold_losses[k, i] == pytest.approx(np.average(losses, weights=data.s[test]), rel=1e-8)
    assert len(sizes) > 3


@pytest.mark.parametrize("family", ["gaussian", "poisson"])
def test_a_relaxed_group_lasso_frees_whole_groups_here_and_in_folds(family):
    data, gamma = Rows(family), 0.25
    names = [f"x{j}" for j in range(6)]
    settings: dict[str, Any] = {"column_groups": {"a": names[:2], "b": names[2:4]}}
    lambdas = list(data.path(**settings).lambdas[0] * np.array([0.8, 0.01]))
    lasso = data.path(lambdas=lambdas, **settings)
    found = data.path(lambdas=lambdas, relax_gamma=gamma, **settings)
    for i in range(2):
        coef, intercept = data.bare(np.flatnonzero(lasso.coef[:, i]))
        assert found.coef[:, i] == pytest.approx(gamma * lasso.coef[:, i] + (1 - gamma) * coef, rel=1e-8)
        assert found.intercepts[i] == pytest.approx(
            gamma * lasso.intercepts[i] + (1 - gamma) * intercept, rel=1e-8
        )
    assert 0 < np.count_nonzero(found.coef[:, 0]) < np.count_nonzero(found.coef[:, 1])
    ids = np.arange(len(data.y)) % 3
    run = l2cli.cv(
        data.X, data.y, family=family, sample_weight=data.s, offset=data.o, lambdas=lambdas,
        relax_gamma=gamma, fold_labels=ids, metric="deviance", **settings,
    )  # fmt: skip
    for k in range(3):
        train, test = ids != k, ids == k
        part = data.path(train, lambdas=lambdas, relax_gamma=gamma, **settings)
        eta = data.X[test] @ part.coef + part.intercepts + data.o[test, None]
        losses = family_named(family).deviance(data.y[test, None], eta)
        assert run.fold_losses[k] == pytest.approx(np.average(losses, weights=data.s[test], axis=0), rel=1e-8)


@pytest.mark.parametrize("shape", [(90, 6), (40, 70)], ids=["tall", "wide"])
def test_several_targets_are_relaxed_as_each_alone(shape):
    rng = np.random.default_rng(0)
    X = rng.normal(size=shape)
    Y = np.column_stack([X[:, 0], X[:, 1] - X[:, 2]]) + rng.normal(size=(shape[0], 2))
    settings: dict[str, Any] = {"l1_ratio": 1.0, "lambdas": [25.0, 18.0], "relax_gamma": 0.5}
    ids = np.arange(shape[0]) % 3
    both, paths = l2cli.cv(X, Y, fold_labels=ids, **settings), l2cli.path(X, Y, **settings)
    for t in range(2):
        single = l2cli.cv(X, Y[:, t], fold_labels=ids, **settings)
        assert both.fold_losses[t] == pytest.approx(single.fold_losses, rel=1e-10)
        coef = l2cli.path(X, Y[:, t], **settings).coef
        assert paths.coef[t] == pytest.approx(coef, rel=1e-10, abs=1e-13)
        assert 0 < np.count_nonzero(coef[:, 1]) < shape[1]
