"""Products of columns with missing cells: every training set imputes the factors by its own means first."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.core.families import family_named
from l2cli.core.path import solve_path
from l2cli.core.problem import make_problem
from l2cli.core.products import Products
from l2cli.data.folds import Folds
from l2cli.select.cv import fold_fits

LAMBDAS = np.array([30.0, 1.0])
PRODUCTS = Products(6, np.array([0, 0, 4, 3, 1]), np.array([1, 3, 0, 4, 2]))
"""Both factors with gaps, one of them, an indicator times such a one and times another, both with gaps."""


class Data:
    """Four numbers, three of them with gaps in places of their own, two indicators, and noise columns."""

    def __init__(self, n=90, noise=0, family="gaussian", seed=0):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(n, 4)) * [1.0, 3.0, 0.2, 2.0] + [5.0, -20.0, 0.0, 1.0]
        level = rng.integers(0, 3, size=n)
        X = np.column_stack([X, level == 0, level == 1, rng.normal(size=(n, noise))])
        signal = 0.3 * (X[:, 0] - 5.0) * (X[:, 1] + 20.0) + X[:, 4] * X[:, 0] / 4 - X[:, 3] / 3
        X[:, :3][rng.random((n, 3)) < 0.25] = np.nan
        self.features, self.s = X, rng.uniform(0.5, 2.0, size=n)
        self.products = PRODUCTS._replace(first=X.shape[1])
        self.folds = Folds(rng.integers(0, 4, size=n)[None, :], 4, "given")
        self.family = family
        mean = signal + rng.normal(size=n)
        self.y = {
            "gaussian": lambda: mean,
            "binomial": lambda: (mean > np.median(mean)).astype(float),
            "poisson": lambda: rng.poisson(np.exp(mean / 4)).astype(float),
            "multinomial": lambda: np.digitize(mean, np.quantile(mean, [0.3, 0.6])).astype(float),
        }[family]()

    def matrix(self, train, imputed):
        """The columns and products by the means of some rows; ``imputed``: no NaN is left in the factors."""
        gone = np.isnan(self.features)
        s = np.where(gone, 0.0, self.s[:, None]) * train[:, None]
        mean = (s * np.where(gone, 0.0, self.features)).sum(axis=0) / s.sum(axis=0)
        full = np.where(gone, mean, self.features)
        products = full[:, self.products.left] * full[:, self.products.right]
        return np.column_stack([full if imputed else self.features, products])

    def problem(self, **settings):
        X = self.matrix(np.ones(len(self.y), dtype=bool), imputed=False)
        return make_problem(X, self.y, weights=self.s, family=self.family, products=self.products, **settings)

    def expected(self, **settings):
        losses = []
        for f in range(4):
            train = self.folds.ids[0] != f
            X = self.matrix(train, imputed=True)
            part = make_problem(
                X[train], self.y[train], weights=self.s[train], family=self.family, **settings
            )
            path = solve_path(part, LAMBDAS)
            losses.append([self._loss(path, at, X[~train], ~train) for at in range(len(LAMBDAS))])
        return np.array(losses)

    def _loss(self, path, at, X, rows):
        y, eta = self.y[rows], X @ path.coef[..., at] + path.intercept[..., at]
        if self.family == "multinomial":
            y = (y[:, None] == np.arange(3)).astype(float)
        return np.average(family_named(self.family).deviance(y, eta), weights=self.s[rows])


CASES = [
    ("gaussian", 0, {}),
    ("gaussian", 0, {"intercept": False}),
    ("gaussian", 0, {"standardize": False}),
    ("gaussian", 100, {}),
    ("gaussian", 0, {"l1_ratio": 1.0}),
    ("gaussian", 100, {"l1_ratio": 0.5}),
    ("binomial", 0, {}),
    ("binomial", 0, {"l1_ratio": 1.0}),
    ("binomial", 100, {}),
    ("poisson", 0, {"intercept": False}),
    ("multinomial", 0, {}),
]


@pytest.mark.parametrize(("family", "noise", "settings"), CASES, ids=str)
def test_fold_losses_are_those_of_products_made_in_every_training_set(family, noise, settings):
    data = Data(noise=noise, family=family)
    found = fold_fits(data.problem(**settings), data.folds, "sum").losses(LAMBDAS, "deviance")
    assert found == pytest.approx(data.expected(**settings), rel=1e-7)
