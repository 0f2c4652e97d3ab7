"""Folds and leave-one-out of columns in blocks against fits of the training rows in one matrix."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.core.block_problem import make_block_problem
from l2cli.core.design import Codes, Design
from l2cli.core.families import FAMILIES
from l2cli.core.path import design_factor, solve_path
from l2cli.core.problem import make_problem
from l2cli.core.solvers import block_layout
from l2cli.data.folds import draw_folds
from l2cli.errors import FitError, UsageError
from l2cli.select.block_folds import BlockFolds
from l2cli.select.block_loo import serves
from l2cli.select.cv import fold_fits, validation_metrics
from l2cli.select.loo import generalized_cv, leave_one_out, leave_one_out_eta, leave_one_out_metrics
from tests.heldout import heldout_eta

LAMBDAS = np.array([50.0, 5.0, 0.5])


class Data:
    """Rows with missing numbers, weights, an offset, factors; some levels are in one row only."""

    def __init__(self, family="gaussian", n=240, seed=0):
        rng, self.family = np.random.default_rng(seed), family
        dense = rng.normal(1.0, 2.0, (n, 2))
        dense[rng.random(dense.shape) < 0.15] = np.nan
        first, second = rng.integers(0, 36, n), rng.integers(0, 9, n)
        first[:5] = np.arange(30, 35)  # most likely alone or nearly so
        self.design = Design(dense, np.array([0, 37]), (Codes(first, 36, 1), Codes(second, 9, 38)))
        self.X = np.column_stack([dense[:, 0], np.eye(36)[first], dense[:, 1], np.eye(9)[second]])
        eta = np.nan_to_num(dense[:, 0]) * 0.5 + 0.3 * (second - 4) + (first % 3) * 0.4
        self.y = {
            "gaussian": eta + rng.normal(size=n),
            "binomial": (eta + rng.logistic(size=n) > 0.5).astype(float),
            "multinomial": np.digitize(eta + rng.logistic(size=n), [-0.5, 1.0]).astype(float),
            "poisson": rng.poisson(np.exp(0.4 * eta)).astype(float),
            "gamma": rng.gamma(2.0, np.exp(0.4 * eta)),
            "tweedie": rng.poisson(np.exp(0.3 * eta)) * rng.gamma(2.0, 0.5, n),
        }[family]
        offset = None if family == "multinomial" else rng.normal(size=n) * 0.3
        self.given = {
            "weights": rng.uniform(0.3, 2.0, n),
            "offset": offset,
            "penalty_factor": rng.choice([0.5, 1.0, 2.0], size=47),
        }
        strata = self.y.astype(np.int64) if family in ("binomial", "multinomial") else None
        self.folds = draw_folds(n, 4, seed=seed, repeats=2, strata=strata)

    def blocks(self, **more):
        return make_block_problem(self.design, self.y, family=self.family, **self.given | more)

    def dense(self, **more):
        return make_problem(self.X, self.y, family=self.family, **self.given | more)

    def fresh(self, train, lam, **more):
        """Return the linear predictor (n,) or (n, C) of all rows by a fit of some, from scratch."""
        rows = {k: v[train] if v is not None and len(v) == len(train) else v for k, v in self.given.items()}
        part = make_problem(self.X[train], self.y[train], family=self.family, **rows | more)
        path = solve_path(part, np.array([lam * (part.weight_sum if self.mean else 1.0)]))
        eta = np.where(np.isnan(self.X), part.mean, self.X) @ path.coef[..., 0] + path.intercept[..., 0]
        return eta if self.given["offset"] is None else eta + self.given["offset"]

    mean = False


@pytest.mark.parametrize("direct", [True, False], ids=["direct", "iterated"])
@pytest.mark.parametrize("scale", ["sum", "mean"])
@pytest.mark.parametrize("ratio", [0.0, 0.6])
@pytest.mark.parametrize("family", FAMILIES)
def test_held_out_rows_are_predicted_by_fits_of_the_others(family, ratio, scale, direct, monkeypatch):
    if not direct:
        monkeypatch.setattr(block_layout, "DIRECT_FLOPS", 0.0)
    data, lam = Data(family), 4.0
    data.mean = scale == "mean"
    lam = lam / 200.0 if data.mean else lam
    fits = fold_fits(data.blocks(l1_ratio=ratio), data.folds, scale)
    assert isinstance(fits, BlockFolds)
    found = heldout_eta(fits, lam)
    for r, ids in enumerate(data.folds.ids):
        for f in range(data.folds.k):
            held = ids == f
            expected = data.fresh(~held, lam, l1_ratio=ratio)[held]
            if family == "multinomial":  # a common shift of all classes is no difference
                expected, mine = (e - e.mean(axis=1, keepdims=True) for e in (expected, found[r, held]))
            else:
                mine = found[r, held]
            assert mine == pytest.approx(expected, abs=2e-5)
    assert fits.kkt_max <= 1e-5


@pytest.mark.parametrize("family", FAMILIES)
def test_losses_and_metrics_are_those_of_one_matrix(family):
    data = Data(family)
    mine, theirs = (fold_fits(p, data.folds, "sum") for p in (data.blocks(), data.dense()))
    metric = "deviance"
    assert mine.losses(LAMBDAS, metric) == pytest.approx(theirs.losses(LAMBDAS, metric), rel=1e-5)
    tables = [validation_metrics(fits, [5.0])[0] for fits in (mine, theirs)]
    assert tables[0].keys() == tables[1].keys()
    for name in tables[0]:
        assert tables[0][name] == pytest.approx(tables[1][name], rel=1e-4), name
    assert mine.fold_weights == pytest.approx(theirs.fold_weights)


def test_workers_give_the_same_losses():
    data = Data("poisson")
    alone = fold_fits(data.blocks(), data.folds, "sum", jobs=1).losses(LAMBDAS, "deviance")
    together = fold_fits(data.blocks(), data.folds, "sum", jobs=2).losses(LAMBDAS, "deviance")
    assert together == pytest.approx(alone, rel=1e-12)


def test_leave_one_out_is_that_of_one_matrix():
    data = Data()
    for more in ({}, {"intercept": False}, {"standardize": False}, {"penalty_factor": None}):
        blocks, dense = data.blocks(**more), data.dense(**more)
        assert serves(blocks, 3)
        factor = design_factor(dense, 0.5)
        mine, slack = leave_one_out(blocks, None, LAMBDAS)
        theirs, expected = leave_one_out(dense, factor, LAMBDAS)
        for one, other in zip(mine[:4], theirs[:4], strict=True):
            assert one == pytest.approx(other, rel=1e-8, abs=1e-12)
        assert slack == pytest.approx(expected, rel=1e-8)
        eta = leave_one_out_eta(blocks, None, 5.0)
        assert eta == pytest.approx(leave_one_out_eta(dense, factor, 5.0), abs=1e-9)
        gcv = generalized_cv(blocks, None, LAMBDAS)
        assert gcv.mean == pytest.approx(generalized_cv(dense, factor, LAMBDAS).mean, rel=1e-9)
        table = leave_one_out_metrics(blocks, None, 5.0)
        for name, value in leave_one_out_metrics(dense, factor, 5.0).items():
            assert table[name] == pytest.approx(value, rel=1e-8)


def test_leverages_do_not_serve_two_categories_of_many_levels(monkeypatch):
    monkeypatch.setattr(block_layout, "DIRECT_FLOPS", 0.0)
    assert not serves(Data().blocks(), 3)


def test_leverages_do_not_serve_more_residuals_than_memory_should_hold(monkeypatch):
    monkeypatch.setattr("l2cli.select.block_loo.MOST_CELLS", 500)
    assert serves(Data().blocks(), 2)
    assert not serves(Data().blocks(), 3)


def test_relaxed_fits_of_blocks_are_refused():
    data = Data()
    with pytest.raises(UsageError, match="a relaxed fit is not available with a category of so many levels"):
        fold_fits(data.blocks(l1_ratio=1.0)._replace(relax_gamma=0.0), data.folds, "sum")


def test_lambda_0_of_a_category_beside_the_intercept_has_no_fold_fits():
    data = Data()
    with pytest.raises(FitError, match="do not tell the columns of a category and the others apart"):
        fold_fits(data.blocks(), data.folds, "sum").losses(np.zeros(1), "mse")


def test_training_rows_of_one_class_are_refused():
    data = Data("binomial")
    data.y = (np.arange(240) < 3).astype(float)
    ids = np.where(data.y > 0, 0, 1 + np.arange(240) % 3)[None, :]
    with pytest.raises(FitError, match="without fold 1 only one class is left to train on"):
        fold_fits(data.blocks(), data.folds._replace(ids=ids), "sum")
