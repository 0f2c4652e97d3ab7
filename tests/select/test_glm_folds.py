"""Cross-validation of GLMs, batched and rotated, against fresh fits of every training set."""

from __future__ import annotations

import numpy as np
import pytest

import l2cli.select.glm_folds as glm_folds_module
from l2cli.core.metrics import FAMILY_METRICS
from l2cli.core.path import solve_path
from l2cli.core.problem import make_problem
from l2cli.core.solvers import kernel_newton
from l2cli.data.folds import Folds, draw_folds
from l2cli.errors import FitError
from l2cli.select.cv import fold_fits, validation_metrics
from l2cli.select.glm_folds import GlmFolds
from l2cli.select.learner import null_mse
from tests.heldout import heldout_eta

LAMBDAS = np.array([100.0, 10.0, 1.0])


class Data:
    """Rows with missing cells, weights and an offset, and folds of unequal size."""

    def __init__(self, n, p, *, missing=0.15, repeats=1, seed=0, k=4, family="binomial"):
        rng, self.family = np.random.default_rng(seed), family
        self.X = rng.normal(size=(n, p)) * rng.uniform(0.2, 4.0, size=p) + rng.normal(size=p)
        eta = (self.X[:, 0] - self.X[:, 0].mean()) / self.X[:, 0].std()
        self.y = (eta + rng.logistic(size=n) > 0).astype(float)
        if family != "binomial":
            self.y = rng.poisson(np.exp(0.5 * eta)) * 1.0
            self.y *= rng.gamma(3.0, 1 / 3, n) if family == "tweedie" else 1.0
            self.y += rng.gamma(1.0, 1.0, n) if family == "gamma" else 0.0
        self.X[rng.random((n, p)) < missing] = np.nan
        self.s, self.o = (
            rng.uniform(0.3, 3.0, size=n),
            rng.normal(size=n) * (1 if family == "binomial" else 0.3),
        )
        self.f = rng.choice([0.5, 1.0, 2.0], size=p)
        strata = self.y.astype(np.int64) if family == "binomial" else None
        self.folds = draw_folds(n, k, seed=seed, repeats=repeats, strata=strata)

    def problem(self, **settings):
        return make_problem(
            self.X,
            self.y,
            family=self.family,
            weights=self.s,
            offset=self.o,
            penalty_factor=self.f,
            **settings,
        )

    def fits(self):
        for r, ids in enumerate(self.folds.ids):
            for f in range(self.folds.k):
                yield r, ids != f

    def fresh_eta(self, rows, lam, **settings):
        """Return the linear predictors of the held-out rows by a fit of the training rows alone."""
        problem = make_problem(
            self.X[rows], self.y[rows], family=self.family, weights=self.s[rows], offset=self.o[rows],
            penalty_factor=self.f, **settings,
        )  # fmt: skip
        path = solve_path(problem, np.array([lam]))
        assert path.certificate.converged().all()
        Z = np.where(np.isnan(self.X[~rows]), problem.mean, self.X[~rows])
        return self.o[~rows] + path.intercept[0] + Z @ path.coef[:, 0]


SHAPES = pytest.mark.parametrize("shape", [(80, 5), (24, 40)], ids=["batched", "rotated"])


@SHAPES
@pytest.mark.parametrize("scale", ["sum", "mean"])
@pytest.mark.parametrize(
    "settings", [{}, {"intercept": False}, {"standardize": False}], ids=lambda s: str(list(s))
)
def test_held_out_predictors_are_those_of_fresh_fits(shape, settings, scale):
    data = Data(*shape, repeats=2)
    fits = GlmFolds(data.problem(**settings), data.folds, scale)
    assert fits.batched == (shape == (80, 5))
    for lam in LAMBDAS / (40.0 if scale == "mean" else 1.0):
        eta = heldout_eta(fits, lam)
        assert eta.shape == (2, shape[0])
        for r, rows in data.fits():
            own = lam * data.s[rows].sum() if scale == "mean" else lam
            assert eta[r, ~rows] == pytest.approx(data.fresh_eta(rows, own, **settings), rel=1e-5, abs=1e-4)
    assert fits.kkt_max <= 1e-5


@SHAPES
@pytest.mark.parametrize("l1_ratio", [0.0, 0.5])
@pytest.mark.parametrize("family", ["poisson", "gamma", "tweedie"])
def test_counts_and_sizes_are_fitted_as_by_fresh_fits(shape, family, l1_ratio):
    data = Data(*shape, family=family)
    fits = GlmFolds(data.problem(l1_ratio=l1_ratio), data.folds)
    for lam in (100.0, 3.0):
        eta = heldout_eta(fits, lam)[0]
        for _, rows in data.fits():
            fresh = data.fresh_eta(rows, lam, l1_ratio=l1_ratio)
            assert eta[~rows] == pytest.approx(fresh, rel=1e-5, abs=1e-4)
    assert fits.kkt_max <= 1e-5


@pytest.mark.parametrize("metric", FAMILY_METRICS["poisson"])
def test_every_metric_of_counts_is_its_definition(metric):
    data = Data(80, 5, family="poisson")
    found = fold_fits(data.problem(), data.folds, "sum").losses(LAMBDAS, metric)
    for i, (_, rows) in enumerate(data.fits()):
        y, s = data.y[~rows], data.s[~rows]
        for j, lam in enumerate(LAMBDAS):
            mu = np.exp(data.fresh_eta(rows, lam))
            unit = 2 * (np.where(y > 0, y * np.log(np.where(y > 0, y, 1) / mu), 0) - y + mu)
            mse, baseline = s @ (y - mu) ** 2, np.average(data.y[rows], weights=data.s[rows])
            expected = {
                "deviance": s @ unit / s.sum(), "mse": mse / s.sum(), "rmse": np.sqrt(mse / s.sum()),
                "mae": s @ np.abs(y - mu) / s.sum(), "r2": 1 - mse / (s @ (y - baseline) ** 2),
            }  # fmt: skip
            assert found[i, j] == pytest.approx(expected[metric], abs=2e-5)


def test_zeros_alone_are_no_training_set():
    data = Data(40, 3, family="poisson", missing=0.0)
    data.y = np.where(data.folds.ids[0] == 1, 1.0, 0.0)
    with pytest.raises(FitError, match="without fold 2 only targets of 0 are left to train on"):
        GlmFolds(data.problem(), data.folds)


@SHAPES
@pytest.mark.parametrize("metric", FAMILY_METRICS["binomial"])
def test_every_metric_is_its_definition(by_definition, shape, metric):
    data = Data(*shape)
    fits = fold_fits(data.problem(), data.folds, "sum")
    found = fits.losses(LAMBDAS, metric)
    for i, (_, rows) in enumerate(data.fits()):
        for j, lam in enumerate(LAMBDAS):
            eta = data.fresh_eta(rows, lam)
            assert found[i, j] == pytest.approx(
                by_definition(metric, data.y[~rows], eta, data.s[~rows], 0.0), abs=2e-5
            )


@SHAPES
def test_lambdas_may_come_in_any_order_and_again(shape):
    data = Data(*shape)
    lambdas = np.array([1.0, 100.0, 10.0, 1.0])
    a = GlmFolds(data.problem(), data.folds).losses(lambdas, "deviance")
    fits = GlmFolds(data.problem(), data.folds)
    b = np.column_stack([fits.losses(np.array([lam]), "deviance") for lam in (100.0, 10.0, 1.0)])
    assert a == pytest.approx(b[:, [2, 0, 1, 2]], abs=1e-6)
    assert np.array_equal(a[:, 0], a[:, 3])


@pytest.mark.parametrize("shape", [(120, 3), (20, 30)], ids=["batched", "rotated"])
def test_workers_give_the_same(shape):
    data = Data(*shape, k=3)
    lambdas = np.array([10.0, 0.0]) if shape == (120, 3) else LAMBDAS
    alone, shared = (GlmFolds(data.problem(), data.folds, jobs=j).losses(lambdas, "deviance") for j in (1, 2))
    assert shared == pytest.approx(alone, rel=1e-12)


def test_lambda_0_is_the_unpenalized_fit():
    data = Data(150, 3)
    found = heldout_eta(GlmFolds(data.problem(), data.folds), 0.0)[0]
    for _, rows in data.fits():
        assert found[~rows] == pytest.approx(data.fresh_eta(rows, 0.0), abs=1e-7)


def test_separated_training_sets_have_no_unpenalized_fit():
    """A level whose rows are all positive: log-odds that run away however far the iteration goes."""
    rng = np.random.default_rng(3)
    level = (np.arange(200) % 10 == 0).astype(float)
    y = np.where(level > 0, 1.0, (rng.random(200) < 0.5) * 1.0)
    problem = make_problem(np.column_stack([0.01 * rng.normal(size=200), level]), y, family="binomial")
    folds = draw_folds(200, 5, strata=y.astype(np.int64))
    fits = GlmFolds(problem, folds)
    losses = fits.losses(np.array([1e-3, 0.0]), "deviance")
    assert np.isnan(losses[:, 1]).any()
    assert np.isfinite(losses[:, 0]).all()


@SHAPES
def test_a_training_set_of_one_class_is_refused(shape):
    data = Data(*shape)
    data.y[:] = 0.0
    data.y[:3] = 1.0
    ids = np.arange(shape[0]) % 4
    ids[:3] = 2
    with pytest.raises(
        FitError, match="without fold 3 only one class is left to train on; give more --folds"
    ):
        GlmFolds(data.problem(), Folds(ids[None, :], 4, "given"))


@SHAPES
def test_progress_reaches_its_total(shape):
    data, seen = Data(*shape, repeats=2), []
    GlmFolds(data.problem(), data.folds, "sum", 1, lambda *news: seen.append(news)).losses(
        LAMBDAS, "deviance"
    )
    what, done, total = seen[-1]
    assert done == total
    assert (what, total) == (("lambdas", 6) if shape == (80, 5) else ("folds", 8))
    assert [d for _, d, _ in seen] == list(range(1, total + 1))


def by_newton(monkeypatch, data, lambdas, **settings):
    """Return the losses by Newton's method for each fold, all to rounding."""
    with monkeypatch.context() as patched:
        patched.setattr(glm_folds_module, "kernel_path", lambda *_: None)
        patched.setattr(glm_folds_module, "ROUGH_CELLS", np.inf)
        return GlmFolds(data.problem(**settings), data.folds).losses(lambdas, "deviance")


@pytest.mark.parametrize("family", ["binomial", "poisson", "gamma", "tweedie"])
@pytest.mark.parametrize("p", [32, 39, 80], ids=["hardly more columns", "a few more", "many more"])
def test_wide_folds_by_the_kernel_have_the_losses_of_newtons_method(monkeypatch, family, p):
    """Of 40 rows in 4 folds each is trained on 29 to 31."""
    data, lambdas = Data(40, p, family=family, repeats=2), np.exp(np.linspace(6.0, -3.0, 30))
    used = []

    def kernel(*given):
        found = kernel_newton.kernel_path(*given)
        used.append(found is not None and bool((found[1] <= 1e-7).all()))
        return found

    monkeypatch.setattr(glm_folds_module, "kernel_path", kernel)
    fits = GlmFolds(data.problem(), data.folds)
    found = fits.losses(lambdas, "deviance")
    assert used == [True] * 8
    assert fits.kkt_max <= 1e-7
    assert found == pytest.approx(by_newton(monkeypatch, data, lambdas), rel=1e-6)


@pytest.mark.parametrize(
    "settings", [{"intercept": False}, {"standardize": False}], ids=lambda s: str(list(s))
)
def test_wide_folds_with_unpenalized_columns_have_the_losses_of_newtons_method(monkeypatch, settings):
    data, lambdas = Data(40, 80), np.exp(np.linspace(6.0, -3.0, 30))
    data.f[:2] = 0.0
    fits = GlmFolds(data.problem(**settings), data.folds)
    expected = by_newton(monkeypatch, data, lambdas, **settings)
    assert fits.losses(lambdas, "deviance") == pytest.approx(expected, rel=1e-6)
    assert fits.kkt_max <= 1e-7


def test_wide_folds_at_lambda_0_are_separated_and_the_others_are_not_touched(monkeypatch):
    data = Data(40, 80)
    found = GlmFolds(data.problem(), data.folds).losses(np.append(LAMBDAS, 0.0), "deviance")
    assert np.isnan(found[:, 3]).all()
    assert found[:, :3] == pytest.approx(by_newton(monkeypatch, data, LAMBDAS), rel=1e-6)


@pytest.mark.parametrize("p", [25, 55])
def test_folds_of_more_rows_than_columns_go_by_the_kernel_where_they_are_much_work(monkeypatch, p):
    data, lambdas = Data(80, p, family="poisson"), np.exp(np.linspace(6.0, -3.0, 30))
    batch = GlmFolds(data.problem(), data.folds)
    assert batch.batched
    monkeypatch.setattr(glm_folds_module, "OWN_WEIGHTS_FLOPS", 0.0)
    fits = GlmFolds(data.problem(), data.folds)
    assert fits.batched == (p == 25)
    assert fits.losses(lambdas, "deviance") == pytest.approx(batch.losses(lambdas, "deviance"), rel=1e-6)
    assert fits.kkt_max <= 1e-7
    data.f[0] = 0.0
    assert GlmFolds(data.problem(), data.folds).batched


def test_what_the_kernel_does_not_settle_is_left_to_newtons_method(monkeypatch):
    data = Data(40, 80)

    def some(*given):
        found = kernel_newton.kernel_path(*given)
        assert found is not None
        coefficients, residual = found
        coefficients[1::2], residual[1::2] = 0.0, np.inf
        return coefficients, residual

    monkeypatch.setattr(glm_folds_module, "kernel_path", some)
    fits = GlmFolds(data.problem(), data.folds)
    found = fits.losses(LAMBDAS, "deviance")
    assert fits.kkt_max <= 1e-7
    assert found == pytest.approx(by_newton(monkeypatch, data, LAMBDAS), rel=1e-6)


def test_columns_of_very_unlike_size_keep_the_contract(monkeypatch):
    data = Data(40, 80, missing=0.0)
    data.X *= np.logspace(-4, 4, 80)
    fits = GlmFolds(data.problem(standardize=False), data.folds)
    found = fits.losses(LAMBDAS, "deviance")
    assert fits.kkt_max <= 1e-5
    assert found == pytest.approx(by_newton(monkeypatch, data, LAMBDAS, standardize=False), rel=1e-5)


def test_there_is_no_factor_of_all_rows_for_free():
    data = Data(80, 5)
    assert GlmFolds(data.problem(), data.folds).full_factor() is None


def test_r2_of_counts_is_pooled_over_the_folds():
    data = Data(80, 5, family="poisson")
    fits = fold_fits(data.problem(), data.folds, "sum")
    null, weight = np.zeros(4), np.zeros(4)
    for i, (_, rows) in enumerate(data.fits()):
        baseline = np.average(data.y[rows], weights=data.s[rows])
        weight[i] = data.s[~rows].sum()
        null[i] = data.s[~rows] @ (data.y[~rows] - baseline) ** 2 / weight[i]
    assert null_mse(fits) == pytest.approx(null)
    table = validation_metrics(fits, [10.0])[0]
    assert table["r2"] == pytest.approx(1.0 - table["mse"] / (weight @ null / weight.sum()))
