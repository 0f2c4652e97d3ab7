"""Gaussian cross-validation from moments against refits of every training set, metric by metric."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.core.metrics import FAMILY_METRICS
from l2cli.core.path import design_factor
from l2cli.core.problem import make_problem
from l2cli.data.folds import Folds, draw_folds
from l2cli.select import gaussian_folds, ridge_folds
from l2cli.select.cv import fold_fits, validation_metrics
from l2cli.select.gaussian_folds import GaussianFolds
from l2cli.select.ridge_folds import RidgeFolds
from tests.heldout import heldout_eta

LAMBDAS = np.array([300.0, 10.0, 0.3])


class Data:
    """Rows with missing cells, weights, an offset and penalty factors, and folds of unequal size."""

    def __init__(self, n, p, *, missing=0.15, repeats=1, seed=0, k=4):
        rng = np.random.default_rng(seed)
        self.X = rng.normal(size=(n, p)) * rng.uniform(0.2, 4.0, size=p) + rng.normal(size=p)
        self.y = 2.0 + self.X[:, 0] - self.X[:, -1] + rng.normal(size=n)
        self.X[rng.random((n, p)) < missing] = np.nan
        self.s, self.o = rng.uniform(0.3, 3.0, size=n), rng.normal(size=n) + 1.0
        self.f = rng.choice([0.5, 1.0, 2.0], size=p)
        self.f[0] = 0.0
        self.folds = Folds(np.array([rng.integers(0, k, size=n) for _ in range(repeats)]), k, "given")

    def problem(self, **settings):
        return make_problem(self.X, self.y, weights=self.s, offset=self.o, penalty_factor=self.f, **settings)

    def fits(self):
        """Yield (repeat, training rows) fit by fit."""
        for r, ids in enumerate(self.folds.ids):
            for f in range(self.folds.k):
                yield r, ids != f

    def expected(self, by_hand, by_definition, metric, lambdas, scale="sum", **settings):
        result = []
        for _, rows in self.fits():
            row = []
            for lam in lambdas:
                own = lam * self.s[rows].sum() if scale == "mean" else lam
                fit = by_hand(self.X[rows], self.y[rows], self.s[rows], self.o[rows], self.f, own, **settings)
                eta = fit.predict(self.X[~rows], self.o[~rows])
                mean = np.average(self.y[rows], weights=self.s[rows])
                row.append(by_definition(metric, self.y[~rows], eta, self.s[~rows], mean))
            result.append(row)
        return np.array(result)


SETTINGS = [{}, {"intercept": False}, {"standardize": False}, {"intercept": False, "standardize": False}]


@pytest.mark.parametrize("scale", ["sum", "mean"])
@pytest.mark.parametrize("settings", SETTINGS, ids=lambda s: "+".join(f"no {k}" for k in s) or "default")
@pytest.mark.parametrize("shape", [(60, 5), (24, 40), (40, 31)], ids=["long", "wide", "nearly square"])
def test_fold_losses_are_those_of_refits(by_hand, by_definition, shape, settings, scale):
    data = Data(*shape)
    lambdas = LAMBDAS / (50.0 if scale == "mean" else 1.0)
    fits = RidgeFolds(data.problem(**settings), data.folds, scale)
    expected = data.expected(by_hand, by_definition, "mse", lambdas, scale, **settings)
    assert fits.losses(lambdas, "mse") == pytest.approx(expected, rel=1e-8)
    assert fits.kkt_max < 1e-9
    assert fits.fold_weights == pytest.approx([data.s[~rows].sum() for _, rows in data.fits()])


@pytest.mark.parametrize("metric", FAMILY_METRICS["gaussian"])
@pytest.mark.parametrize("settings", [{}, {"intercept": False}], ids=["intercept", "no intercept"])
@pytest.mark.parametrize("shape", [(60, 5), (24, 40)], ids=["long", "wide"])
def test_every_metric_is_its_definition(by_hand, by_definition, shape, settings, metric):
    data = Data(*shape, repeats=2)
    fits = fold_fits(data.problem(**settings), data.folds, "sum")
    expected = data.expected(by_hand, by_definition, metric, LAMBDAS, **settings)
    assert expected.shape == (8, 3)
    assert fits.losses(LAMBDAS, metric) == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("shape", [(60, 5), (24, 40)], ids=["long", "wide"])
def test_held_out_predictors_are_those_of_refits(by_hand, shape):
    data = Data(*shape, repeats=2)
    eta = heldout_eta(RidgeFolds(data.problem(), data.folds), 5.0)
    assert eta.shape == (2, shape[0])
    for r, rows in data.fits():
        fit = by_hand(data.X[rows], data.y[rows], data.s[rows], data.o[rows], data.f, 5.0)
        assert eta[r, ~rows] == pytest.approx(fit.predict(data.X[~rows], data.o[~rows]), rel=1e-7, abs=1e-8)


@pytest.mark.parametrize("shape", [(60, 5), (24, 40)], ids=["long", "wide"])
def test_columns_that_do_not_vary_or_are_missing_in_a_training_set(by_hand, by_definition, shape):
    data = Data(*shape)
    held = data.folds.ids[0] == 1
    data.X[:, 1] = np.where(held, data.X[:, 1], 3.0)
    data.X[:, 2] = np.where(held, 5.0, np.nan)
    data.X[:, 3] = np.where(held, data.X[:, 3], np.where(np.arange(shape[0]) % 2, np.nan, -1.0))
    fits = RidgeFolds(data.problem(), data.folds)
    assert fits.losses(LAMBDAS, "mse") == pytest.approx(
        data.expected(by_hand, by_definition, "mse", LAMBDAS), rel=1e-8
    )


def test_one_row_per_fold_is_leave_one_out(by_hand, by_definition):
    data = Data(12, 3, missing=0.0)
    data.folds = draw_folds(12, 12)
    fits = RidgeFolds(data.problem(), data.folds)
    assert fits.losses(LAMBDAS, "mse") == pytest.approx(
        data.expected(by_hand, by_definition, "mse", LAMBDAS), rel=1e-8
    )
    assert fits.losses(LAMBDAS, "mae") == pytest.approx(np.sqrt(fits.losses(LAMBDAS, "mse")), rel=1e-9)


@pytest.mark.parametrize("noise", [1e-3, 1e-6, 0.0])
def test_a_near_perfect_fit_keeps_the_digits_of_its_small_losses(by_hand, by_definition, noise):
    data = Data(60, 3, missing=0.0)
    data.y = 1e3 + data.X @ [1.0, 2.0, 3.0] + noise * data.y + data.o
    expected = data.expected(by_hand, by_definition, "mse", np.array([1e-9]))
    found = RidgeFolds(data.problem(), data.folds).losses(np.array([1e-9]), "mse")
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-17)


def test_near_copies_with_large_opposing_coefficients_keep_their_losses():
    """The held-out loss is a small difference of terms 1e10 times larger, far from a perfect fit."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=200)
    X = np.column_stack([x, x + 1e-5 * rng.normal(size=200)])
    y = 1e5 * (X[:, 1] - X[:, 0]) + rng.normal(size=200)
    folds = draw_folds(200, 5)
    fits = RidgeFolds(make_problem(X, y), folds)
    lam = np.array([1e-10])
    eta = heldout_eta(fits, 1e-10)[0]
    expected = [np.mean((y - eta)[folds.ids[0] == f] ** 2) for f in range(5)]
    assert fits.losses(lam, "mse")[:, 0] == pytest.approx(expected, rel=1e-11)


def test_lambda_0_is_least_squares_in_every_fold(by_hand, by_definition):
    data = Data(60, 5)
    found = RidgeFolds(data.problem(), data.folds).losses(np.zeros(1), "mse")
    assert found == pytest.approx(data.expected(by_hand, by_definition, "mse", np.zeros(1)), rel=1e-8)


def test_lambda_0_on_tied_columns_is_the_limit():
    data = Data(60, 4, missing=0.0)
    data.X[:, 3] = 10.0 * data.X[:, 1] + 2.0
    fits = RidgeFolds(data.problem(), data.folds)
    assert fits.losses(np.zeros(1), "mse") == pytest.approx(fits.losses(np.array([1e-9]), "mse"), rel=1e-6)


@pytest.mark.parametrize("span", [4.0, 6.0])
def test_raw_columns_of_very_unlike_size_reach_the_tolerance(by_hand, by_definition, span):
    """Their Gram, or even their singular values, lose the smallest column at lambdas that hardly touch it."""
    data = Data(60, 5, missing=0.0)
    data.X = data.X / data.X.std(axis=0) * 10.0 ** np.linspace(-span, span, 5)
    data.f[:] = 1.0
    lambdas = np.array([300.0, 30.0, 3.0])
    fits = RidgeFolds(data.problem(standardize=False), data.folds)
    expected = data.expected(by_hand, by_definition, "mse", lambdas, standardize=False)
    assert fits.losses(lambdas, "mse") == pytest.approx(expected, rel=1e-7)
    assert fits.kkt_max < 1e-7


def test_factors_kept_and_made_again_give_the_same(monkeypatch):
    data = Data(60, 5)
    kept = RidgeFolds(data.problem(), data.folds)
    first = kept.losses(LAMBDAS, "mse")
    assert len(kept.cache) == 4
    monkeypatch.setattr(ridge_folds, "CACHE_BYTES", 0)
    made = RidgeFolds(data.problem(), data.folds)
    assert made.losses(LAMBDAS, "mse") == pytest.approx(first, rel=1e-14)
    assert made.cache == []
    assert kept.losses(LAMBDAS, "mae") == pytest.approx(made.losses(LAMBDAS, "mae"), rel=1e-12)


def test_kept_factors_are_left_where_a_smaller_lambda_needs_better_ones():
    rng = np.random.default_rng(2)
    x = rng.normal(size=100)
    problem = make_problem(np.column_stack([x, x + 1e-6 * rng.normal(size=100)]), x + rng.normal(size=100))
    fits = RidgeFolds(problem, draw_folds(100, 4))
    fits.losses(np.array([10.0]), "mse")
    assert not any(fit.factor.exact for fit in fits.cache)
    fits.losses(np.array([1e-9]), "mse")
    assert all(fit.factor.exact for fit in fits.cache)


@pytest.mark.parametrize("shape", [(60, 5), (24, 40)], ids=["long", "wide"])
def test_the_factor_of_all_rows_comes_with_the_moments(shape):
    data = Data(*shape, repeats=2)
    factor = RidgeFolds(data.problem(), data.folds).full_factor()
    if shape[0] < shape[1]:
        assert factor is None
    else:
        assert factor is not None
        assert factor.e == pytest.approx(np.sort(design_factor(data.problem(), 0.0).e), rel=1e-10)


def test_progress_counts_the_fits():
    data, seen = Data(60, 5, repeats=2), []
    RidgeFolds(data.problem(), data.folds, "sum", lambda *news: seen.append(news)).losses(LAMBDAS, "mse")
    assert seen == [("folds", i + 1, 8) for i in range(8)]


def test_validation_metrics_weigh_the_folds():
    data = Data(60, 5)
    fits = fold_fits(data.problem(), data.folds, "sum")
    tables = validation_metrics(fits, [10.0, 0.3])
    share = fits.fold_weights / fits.fold_weights.sum()
    mse = share @ fits.losses(np.array([10.0, 0.3]), "mse")
    assert [t["mse"] for t in tables] == pytest.approx(mse)
    assert [t["deviance"] for t in tables] == pytest.approx(mse)
    assert [t["rmse"] for t in tables] == pytest.approx(np.sqrt(mse))
    y, s, ids = data.problem().y, data.problem().weights, data.folds.ids[0]
    means = [np.average(y[ids != f], weights=s[ids != f]) for f in range(data.folds.k)]
    null = s @ (y - np.array(means)[ids]) ** 2 / s.sum()
    assert [t["r2"] for t in tables] == pytest.approx(1.0 - mse / null)
    assert set(tables[0]) == set(FAMILY_METRICS["gaussian"])


@pytest.mark.parametrize("shape", [(60, 5), (24, 40)], ids=["long", "wide"])
@pytest.mark.parametrize("bounds", [None, (np.float64(-0.1), np.float64(0.3))], ids=["free", "bounded"])
def test_other_factors_need_no_second_pass(monkeypatch, shape, bounds):
    data = Data(*shape)
    box = {} if bounds is None else {"bounds": tuple(np.full(shape[1], b) for b in bounds)}
    fits = fold_fits(data.problem(**box), data.folds, "sum")
    before = fits.losses(LAMBDAS, "mse")
    data.f = data.f * np.linspace(0.1, 10.0, shape[1])
    expected = fold_fits(data.problem(**box), data.folds, "sum").losses(LAMBDAS, "mse")
    monkeypatch.setattr(gaussian_folds, "fold_moments", None)
    assert isinstance(fits, GaussianFolds)
    others = fits.with_factors(data.f)
    assert np.array_equal(others.losses(LAMBDAS, "mse"), expected)
    assert np.array_equal(fits.losses(LAMBDAS, "mse"), before)
    assert not np.allclose(before, expected)
