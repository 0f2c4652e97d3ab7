"""A held-out part against explicit problems made of the training rows alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from l2cli.core.metrics import losses
from l2cli.core.problem import make_problem
from l2cli.core.relaxed import relaxed_path
from l2cli.data.folds import draw_heldout
from l2cli.errors import FitError, UsageError
from l2cli.select.curve import standard_errors
from l2cli.select.holdout import HeldOut

LAMBDAS = np.array([40.0, 4.0, 0.4])
CASES: dict[str, dict[str, Any]] = {
    "gaussian": {},
    "lasso": {"l1_ratio": 1.0},
    "relaxed": {"l1_ratio": 1.0, "relax_gamma": 0.3},
    "raw, no intercept": {"standardize": False, "intercept": False},
    "bounds": {"bounds": (np.zeros(5), np.full(5, np.inf))},
    "binomial": {"family": "binomial"},
    "multinomial": {"family": "multinomial"},
    "poisson": {"family": "poisson", "l1_ratio": 0.5},
}


def data(family, n=60):
    rng = np.random.default_rng(4)
    X = rng.normal(size=(n, 5)) * [1.0, 3.0, 0.2, 1.0, 1.0] + 2.0
    eta = 0.5 * (X[:, 0] - X[:, 3])
    y = eta + rng.normal(size=n)
    if family == "binomial":
        y = (y > 0).astype(float)
    elif family == "multinomial":
        y = rng.integers(0, 3, size=n).astype(float)
    elif family == "poisson":
        y = rng.poisson(np.exp(eta)).astype(float)
    X[rng.random(X.shape) < 0.1] = np.nan
    return X, y, rng.uniform(0.5, 2.0, n), None if family == "multinomial" else 0.3 * rng.normal(size=n)


@pytest.mark.parametrize("scale", ["sum", "mean"])
@pytest.mark.parametrize("case", CASES)
def test_the_curve_is_that_of_a_fit_to_the_other_rows(case, scale):
    settings = dict(CASES[case])
    family = settings.get("family", "gaussian")
    X, y, s, offset = data(family)
    rows = draw_heldout(60, 0.3, seed=2)
    train = np.setdiff1d(np.arange(60), rows)

    def part(at):
        return make_problem(
            X[at].copy(), y[at], weights=s[at], offset=None if offset is None else offset[at], **settings
        )

    metric = "mse" if family == "gaussian" else "deviance"
    held = HeldOut(make_problem(X.copy(), y, weights=s, offset=offset, **settings), rows, scale)
    curve = held.curve(LAMBDAS, metric)
    alone = part(train)
    path = relaxed_path(alone, LAMBDAS * (s[train].sum() if scale == "mean" else 1.0))
    filled = np.where(np.isnan(X[rows]), alone.mean, X[rows])
    eta = np.tensordot(filled, path.coef, 1) + path.intercept
    if offset is not None:
        eta += offset[rows, None]
    truth = np.eye(3)[y[rows].astype(int)] if family == "multinomial" else y[rows]
    expected = losses(metric, alone.likelihood, truth, eta, s[rows])
    assert curve.mean == pytest.approx(expected, rel=1e-7)
    assert (curve.se > 0.0).all()
    table = held.metrics(4.0)
    assert table[metric] == pytest.approx(expected[1], rel=1e-7)
    if family == "gaussian":
        base = np.average(y[train], weights=s[train])
        null = np.average((y[rows] - base) ** 2, weights=s[rows])
        assert table["r2"] == pytest.approx(1.0 - expected[1] / null, rel=1e-7)
        loss = (y[rows, None] - eta) ** 2
        share = s[rows] / s[rows].sum()
        sd = np.sqrt(share @ (loss - share @ loss) ** 2)
        assert curve.se == pytest.approx(sd / np.sqrt(len(rows)), rel=1e-7)
        gap = loss - loss[:, [curve.index_min]]
        paired = np.sqrt(share @ (gap - share @ gap) ** 2 / len(rows))
        assert curve.paired_se == pytest.approx(paired, rel=1e-5, abs=1e-9)
        root, r2 = held.curve(LAMBDAS, "rmse"), held.curve(LAMBDAS, "r2")
        assert root.se == pytest.approx(curve.se / (2.0 * np.sqrt(curve.mean)), rel=1e-9)
        assert r2.mean == pytest.approx(1.0 - curve.mean / null)
        assert r2.se == pytest.approx(curve.se / null)


def test_standard_errors_are_those_of_means():
    loss = np.random.default_rng(0).exponential(size=(30, 2))
    se, paired = standard_errors(loss.mean(axis=0), loss.T @ loss / 30, 1, 30)
    assert se == pytest.approx(loss.std(axis=0) / np.sqrt(30))
    assert paired == pytest.approx([(loss[:, 0] - loss[:, 1]).std() / np.sqrt(30), 0.0], abs=1e-9)


def test_auc_has_no_standard_error():
    X, y, s, offset = data("binomial")
    problem = make_problem(X, y, weights=s, offset=offset, family="binomial")
    curve = HeldOut(problem, np.arange(20), "sum").curve(LAMBDAS, "auc")
    assert curve.greater_is_better
    assert np.isfinite(curve.mean).all()
    assert np.isnan(curve.se).all()


def test_a_lambda_of_separated_classes_ranks_last():
    x = np.append(np.linspace(-1, 1, 20), [-0.5, 0.1, 0.5])
    y = (x > 0).astype(float)
    y[21] = 0.0  # all rows overlap, those trained on do not
    held = HeldOut(make_problem(x[:, None], y, family="binomial"), np.array([3, 17, 21]), "sum")
    curve = held.curve(np.array([1.0, 0.0]), "deviance")
    assert np.isnan(curve.mean[1])
    assert curve.index_min == 0


def test_what_cannot_be_judged_is_an_error():
    X, y = np.random.default_rng(0).normal(size=(40, 2)), np.repeat([0.0, 1.0], 20)
    binary = make_problem(X, y, family="binomial")
    with pytest.raises(FitError, match="only one class is held out"):
        HeldOut(binary, np.arange(10), "sum")
    with pytest.raises(FitError, match="only one class is left to train on"):
        HeldOut(binary, np.arange(15, 40), "sum")
    three = make_problem(X, np.append(np.repeat([0.0, 1.0], 15), np.full(10, 2.0)), family="multinomial")
    with pytest.raises(FitError, match="not every class is left to train on"):
        HeldOut(three, np.arange(10, 40), "sum")
    counts = make_problem(X, np.append(np.ones(5), np.zeros(35)), family="poisson")
    with pytest.raises(FitError, match="only targets of 0 are left"):
        HeldOut(counts, np.arange(5), "sum")


def test_the_part_is_seeded_stratified_and_of_whole_groups():
    rows = draw_heldout(200, 0.25, seed=1)
    assert len(np.unique(rows)) == 50
    assert np.array_equal(rows, draw_heldout(200, 0.25, seed=1))
    assert not np.array_equal(rows, draw_heldout(200, 0.25, seed=2))
    strata = np.repeat([0, 1], [180, 20])
    assert np.bincount(strata[draw_heldout(200, 0.25, strata=strata)]).tolist() == [45, 5]
    groups = np.random.default_rng(0).integers(100, 140, size=200)
    held = np.isin(np.arange(200), draw_heldout(200, 0.25, groups=groups))
    assert not set(groups[held]) & set(groups[~held])
    assert len(set(groups[held])) == round(0.25 * len(set(groups)))
    for fraction, found in ((0.001, "none of 200 rows"), (0.999, "all of 200 rows")):
        with pytest.raises(UsageError, match=f"--holdout {fraction} holds out {found}"):
            draw_heldout(200, fraction)
