"""Products of columns with missing cells: every training set imputes the factors by its own means first."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.core.families import family_named
from l2cli.core.problem import make_problem
from l2cli.core.products import Products, fill_products
from l2cli.core.relaxed import relaxed_path
from l2cli.data.folds import Folds, time_folds
from l2cli.data.time_order import TimeColumn
from l2cli.gap import Gap
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
        mean = np.round(mean, 12)  # that of cells all alike is that cell
        full = np.where(gone, mean, self.features)
        products = full[:, self.products.left] * full[:, self.products.right]
        return np.column_stack([full if imputed else self.features, products])

    def problem(self, **settings):
        X = self.matrix(np.ones(len(self.y), dtype=bool), imputed=False)
        return make_problem(X, self.y, weights=self.s, family=self.family, products=self.products, **settings)

    def expected(self, **settings):
        losses = []
        for f in range(4):
            train, held = np.isin(np.arange(len(self.y)), self.folds.training(f)), self.folds.ids[0] == f
            X = self.matrix(train, imputed=True)
            part = make_problem(
                X[train], self.y[train], weights=self.s[train], family=self.family, **settings
            )
            path = relaxed_path(part, LAMBDAS)
            losses.append([self._loss(path, at, X[held], held) for at in range(len(LAMBDAS))])
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
    ("gaussian", 0, {"l1_ratio": 1.0, "relax_gamma": 0.0}),
    ("gaussian", 100, {"l1_ratio": 1.0, "relax_gamma": 0.3}),
    ("binomial", 0, {"l1_ratio": 1.0, "relax_gamma": 0.5}),
    ("gaussian", 0, {"bounds": (np.full(11, -0.1), np.full(11, np.inf))}),
    ("binomial", 0, {"groups": np.array([0, 0, 1, 2, 3, 3, 0, 1, 3, 3, 2])}),
]


@pytest.mark.parametrize(("family", "noise", "settings"), CASES, ids=str)
def test_fold_losses_are_those_of_products_made_in_every_training_set(family, noise, settings):
    data = Data(n=90 if family == "gaussian" else 240, noise=noise, family=family)
    found = fold_fits(data.problem(**settings), data.folds, "sum").losses(LAMBDAS, "deviance")
    assert found == pytest.approx(data.expected(**settings), rel=1e-7)


@pytest.mark.parametrize(
    ("family", "settings"), [("gaussian", {}), ("gaussian", {"l1_ratio": 1.0}), ("poisson", {})]
)
def test_fold_losses_in_time_order_are_those_of_products_made_of_earlier_rows(family, settings):
    data = Data(n=240, family=family)
    data.folds = time_folds(TimeColumn("t", np.random.default_rng(1).permutation(240)), 4, Gap.of(5))
    found = fold_fits(data.problem(**settings), data.folds, "sum").losses(LAMBDAS, "deviance")
    assert found == pytest.approx(data.expected(**settings), rel=1e-7)


def test_a_factor_that_does_not_vary_in_a_training_set():
    data = Data()
    held = data.folds.ids[0] == 2
    present = ~np.isnan(data.features[:, 0])
    data.features[present & ~held, 0] = 7.0
    data.features[~held, 2] = 0.0
    found = fold_fits(data.problem(), data.folds, "sum").losses(LAMBDAS, "deviance")
    assert found == pytest.approx(data.expected(), rel=1e-7)


def test_products_that_never_vary_stay_out():
    data = Data()
    data.features[:, 4] = 0.0
    problem = data.problem()
    assert problem.constant[problem.n_columns - 3 : problem.n_columns - 1].all()
    found = fold_fits(problem, data.folds, "sum").losses(LAMBDAS, "deviance")
    assert found == pytest.approx(data.expected(), rel=1e-7)


def test_what_is_left_unmoved_would_be_seen():
    """The test above tells folds that impute anew from folds that do not: their losses differ."""
    data = Data()
    still = data.problem()._replace(derived=None)
    still = still._replace(mask=still.mask[:, :3], masked=still.masked[:3])
    found = fold_fits(still, data.folds, "sum").losses(LAMBDAS, "deviance")
    assert np.abs(found / data.expected() - 1.0).max() > 1e-4


def test_blocks_of_rows_make_the_same_products():
    data = Data(n=50)
    X = data.matrix(np.ones(50, dtype=bool), imputed=False)
    gone = np.isnan(data.features)
    mean = np.average(np.where(gone, 0.0, data.features), axis=0) / (1.0 - gone.mean(axis=0))
    whole, parts = X.copy(), X.copy()
    fill_products(whole, data.products, mean, [slice(0, 50)])
    fill_products(parts, data.products, mean, [slice(0, 7), slice(7, 41), slice(41, 50)])
    np.testing.assert_array_equal(whole, parts)
    full = np.where(gone, mean, data.features)
    np.testing.assert_array_equal(whole[:, -1], full[:, 1] * full[:, 2])
