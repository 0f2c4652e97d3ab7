"""CV+ intervals by their definition, from refits without each fold; and how often they cover."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.random import default_rng

import l2cli
from l2cli import cv, fit, predict
from l2cli.core.anscombe import Anscombe
from l2cli.core.families import FAMILIES, PowerVariance
from l2cli.data import layout
from l2cli.data.folds import draw_folds
from l2cli.diagnostics.jackknife import MOST_ROWS
from l2cli.models.intervals import LeftOut

POWER = {"gaussian": 0.0, "poisson": 1.0, "tweedie": 1.5, "gamma": 2.0}
LEVELS = (0.5, 0.8, 0.9, 0.97)


def target(family, eta, rng):
    """Draw what a family with log link, or gaussian, would see."""
    mu = np.exp(0.5 * eta)
    draws = {
        "gaussian": lambda: eta + rng.standard_t(4, size=len(eta)),
        "poisson": lambda: rng.poisson(mu).astype(float),
        "gamma": lambda: rng.gamma(2.0, mu / 2.0),
        "tweedie": lambda: rng.gamma(2.0 * rng.poisson(mu) + 1e-300, 0.5),
    }
    return draws[family]()


def ends(family, etas, away, level):
    """Return both ends by the definition: (n, m) predictors of the model that did not see row i, (m,) R."""
    p, m = POWER[family], len(away)
    rank = int(np.floor((1.0 - level) * (m + 1) + 1e-9))
    low, high = np.empty(len(etas)), np.empty(len(etas))
    for j, eta in enumerate(etas):
        if family == "gaussian":
            below, above = [e - r for e, r in zip(eta, away, strict=True)], eta + away
        else:  # solve |y^a - mu^a| = R a mu^(p/6) for y
            a, mu = 1.0 - p / 3.0, np.exp(eta)
            below = [
                max(0.0, v**a - r * a * v ** (p / 6.0)) ** (1.0 / a) for v, r in zip(mu, away, strict=True)
            ]
            above = (mu**a + away * a * mu ** (p / 6.0)) ** (1.0 / a)
        low[j], high[j] = sorted(below)[rank - 1], sorted(above)[-rank]
    return np.minimum(low, high), np.maximum(low, high)


def away_from(family, y, eta):
    """Return |r| of some rows."""
    if family == "gaussian":
        return np.abs(y - eta)
    p = POWER[family]
    a, mu = 1.0 - p / 3.0, np.exp(eta)
    return np.abs(y**a - mu**a) / (a * mu ** (p / 6.0))


CASES: dict[str, dict[str, Any]] = {
    "lasso": {"l1_ratio": 1.0},
    "elastic net, raw": {"l1_ratio": 0.5, "standardize": False},
    "relaxed": {"l1_ratio": 1.0, "relax_gamma": 0.3},
    "group lasso": {"column_groups": {"g": ["x0", "x1"], "h": ["x2", "x3"]}},
    "bounds": {"bounds": {"x0": (0.0, 0.3)}},
    "through the origin, mean scale": {"l1_ratio": 1.0, "intercept": False, "lambda_scale": "mean"},
    "poisson": {"family": "poisson"},
    "poisson, elastic net": {"family": "poisson", "l1_ratio": 0.5},
    "gamma": {"family": "gamma"},
    "tweedie": {"family": "tweedie"},
}


@pytest.mark.parametrize("case", CASES)
def test_intervals_are_the_order_statistics_of_refits(case):
    """Barber et al. (2021), section 3, by K fits with the public function and loops over rows."""
    options = {"family": "gaussian"} | CASES[case]
    family, rng = options["family"], default_rng(3)
    X, new = rng.normal(size=(45, 4)), rng.normal(size=(6, 4))
    offset, weights = 0.3 * rng.normal(size=45), rng.uniform(0.5, 2.0, 45)
    y = target(family, X @ np.array([1.0, -1.0, 0.5, 0.0]) + offset, rng)
    lam = 0.05 if options.get("lambda_scale") == "mean" else 2.0
    close = 1e-7 if case == "group lasso" else 1e-9  # solved to a residual of 1e-8
    run = cv(X, y, lambdas=[lam], folds=5, seed=7, offset=offset, sample_weight=weights, **options)
    ids = draw_folds(45, 5, seed=7).ids[0]
    away, etas, shift = np.empty(45), np.empty((6, 45)), 0.1 * rng.normal(size=6)
    for f in range(5):
        rest, held = ids != f, ids == f
        part = fit(X[rest], y[rest], lam=lam, offset=offset[rest], sample_weight=weights[rest], **options)
        away[held] = away_from(family, y[held], X[held] @ part.coef + part.intercept + offset[held])
        etas[:, held] = (new @ part.coef + part.intercept + shift)[:, None]
    model = run.refit
    for level in LEVELS:
        center, low, high = model.predict(new, offset=shift, interval=level)
        below, above = ends(family, etas, away, level)
        assert center == pytest.approx(model.predict(new, offset=shift), abs=0.0)
        assert low == pytest.approx(below, rel=close, abs=close)
        assert high == pytest.approx(above, rel=close, abs=close)
    kept = run.refit.model.intervals
    assert kept is not None
    assert kept.described(0.9) == {
        "method": "CV+", "rows": 45, "folds": 5, "guaranteed": pytest.approx(0.8 - (1 - 5 / 45) / 6),
    }  # fmt: skip


def test_a_wider_level_holds_the_narrower():
    rng = default_rng(4)
    X = rng.normal(size=(60, 3))
    model = fit(X, rng.poisson(np.exp(X[:, 0])), family="poisson")
    assert model.model.selected_by == "loo"
    last = None
    for level in (0.02, 0.3, 0.6, 0.8, 0.9, 0.95, 0.98):
        _, low, high = model.predict(X, interval=level)
        assert np.all(low <= high)
        assert np.all(low >= 0.0)
        if last is not None and level > 0.5:
            assert np.all(low <= last[0])
            assert np.all(last[1] <= high)
        last = low, high


def test_missing_numbers_are_those_the_model_imputes():
    """Rows held out are taken as the saved model takes new ones, whatever their fold imputes in training."""
    rng = default_rng(5)
    X = rng.normal(1.0, 1.0, size=(40, 3))
    X[rng.random(X.shape) < 0.2] = np.nan
    filled = np.where(np.isnan(X), np.nanmean(X, axis=0), X)
    y = filled @ [1.0, 2.0, 0.0] + rng.normal(size=40)
    run = cv(X, y, lambdas=[1.0], folds=4, l1_ratio=1.0)
    kept = run.refit.model.intervals
    assert kept is not None
    models, residual = kept.arrays(3)
    ids = draw_folds(40, 4).ids[0]
    for f, found in enumerate(np.split(residual, np.cumsum(kept.counts)[:-1])):
        part = fit(X[ids != f], y[ids != f], lam=1.0, l1_ratio=1.0)
        assert models[f] == pytest.approx(np.append(part.intercept, part.coef), rel=1e-9)
        away = np.abs(y - filled @ part.coef - part.intercept)[ids == f]
        assert found == pytest.approx(away, rel=1e-9)


@pytest.mark.filterwarnings("ignore:the best lambda:UserWarning")
def test_many_levels_give_the_same_as_one_matrix(monkeypatch):
    rng = default_rng(6)
    city = rng.integers(0, 40, 200)
    frame = pd.DataFrame({"city": [f"c{i}" for i in city], "x": rng.normal(size=200)})
    frame.loc[rng.random(200) < 0.1, "x"] = np.nan
    frame["y"] = frame["x"].fillna(0.0) + rng.normal(size=40)[city] + rng.normal(size=200)
    monkeypatch.setattr(layout, "MANY_LEVELS", 30)
    answers = []
    for cells in (0, 10**12):
        monkeypatch.setattr(layout, "DENSE_CELLS", cells)
        run = cv(frame, target="y", lambdas=[3.0])
        model = run.refit.model
        assert model.intervals is not None
        answers.append((model.intervals.method, run.refit.predict(frame, interval=0.9)))
    assert [method for method, _ in answers] == ["CV+", "jackknife+"]
    one, other = (high - low for _, (_, low, high) in answers)
    assert one == pytest.approx(other, rel=0.15)
    monkeypatch.setattr(layout, "DENSE_CELLS", 0)
    by_cv = cv(frame, target="y", lambdas=[3.0]).refit.predict(frame, interval=0.9)
    kept = fit(frame, target="y", lambdas=[3.0, 3.0000001])
    assert kept.model.selected_by == "loo"
    for part, same in zip(kept.predict(frame, interval=0.9), by_cv, strict=True):
        assert part == pytest.approx(same, rel=1e-5)


def test_many_rows_keep_the_residuals_of_a_random_part():
    rng = default_rng(7)
    X = rng.normal(size=(3000, 2))
    y = rng.poisson(np.exp(0.3 * X[:, 0]))
    run = cv(X, y, family="poisson", folds=4, repeats=2)
    kept = run.refit.model.intervals
    assert kept is not None
    assert kept.rows == kept.kept == sum(kept.counts) == MOST_ROWS
    assert len(kept.counts) == 4
    assert len(kept.numbers) == 8 * (MOST_ROWS + 4 * 3)


def test_targets_have_their_own_and_groups_are_left_out_whole():
    rng = default_rng(8)
    X, labels = rng.normal(size=(40, 2)), np.repeat(np.arange(8), 5)
    Y = X @ rng.normal(size=(2, 2)) + rng.normal(size=(40, 2)) * [1.0, 5.0]
    both = cv(X, Y, l1_ratio=1.0, lambdas=[0.5]).refit.predict(X, interval=0.8)
    alone = cv(X, Y[:, 1], l1_ratio=1.0, lambdas=[0.5]).refit.predict(X, interval=0.8)
    for part, one in zip(both, alone, strict=True):
        assert part[:, 1] == pytest.approx(one, abs=1e-9)
    given: dict[str, dict[str, Any]] = {
        "groups": {"groups": labels, "folds": 4},
        "given": {"fold_labels": labels},
    }
    for kind, how in given.items():
        run = cv(X, Y, lambdas=[0.5], **how)
        ids = draw_folds(40, 4, groups=labels).ids[0] if kind == "groups" else labels
        for t, one in enumerate(run.refit.model.each()):
            kept = one.intervals
            assert kept is not None
            assert (kept.folds, kept.guaranteed(0.9)) == (kind, None)
            models = kept.arrays(2)[0]
            for f, model in enumerate(models):
                part = fit(X[ids != f], Y[ids != f, t], lam=0.5)
                assert model == pytest.approx(np.append(part.intercept, part.coef), rel=1e-9)


@pytest.mark.parametrize(
    ("rows", "k", "lost"),
    [(1000, 5, 2 * (4 / 5) / 201), (100, 50, (50 / 100) / 51), (60, 60, 0.0)],
)
def test_the_guarantee_is_that_of_the_paper(rows, k, lost):
    """Barber et al. (2021), theorem 4: of few large folds, of many small ones, and of one row each."""
    some = np.zeros(rows), np.zeros(k), np.zeros((1, k)), np.full(k, rows // k)
    assert LeftOut.of(rows, *some, folds="rows").guaranteed(0.9) == pytest.approx(0.8 - lost, abs=1e-12)


def test_the_mix_that_was_chosen_is_kept():
    rng = default_rng(9)
    X = rng.normal(size=(50, 6))
    y = X[:, 0] + rng.normal(size=50)
    model = fit(X, y, l1_ratio=(0.5, 1.0), folds=5)
    ratio, kept = model.to_dict()["settings"]["l1_ratio"], model.model.intervals
    rest = draw_folds(50, 5).ids[0] != 2
    part = fit(X[rest], y[rest], lam=model.lam, l1_ratio=ratio)
    assert kept is not None
    assert kept.arrays(6)[0][2] == pytest.approx(np.append(part.intercept, part.coef), abs=1e-9)


@pytest.mark.filterwarnings("ignore:the selection curve is flat:UserWarning")
def test_a_fold_that_alone_has_events_leaves_no_intervals():
    X = default_rng(10).normal(size=(60, 2))
    y = np.zeros(60)
    y[draw_folds(60, 10).ids[0] == 3] = 2.0
    model = fit(X, y, family="poisson", select="loo")
    assert model.model.intervals is None
    with pytest.raises(l2cli.UsageError, match="no folds judged it"):
        model.predict(X, interval=0.8)


@pytest.mark.parametrize("family", list(POWER))
def test_residuals_and_ends_are_inverse_and_near_the_deviance(family):
    """Signed roots of the deviance differ from Anscombe's by a few hundredths where mu is not small."""
    given = FAMILIES[family]
    scale, rng = Anscombe.of(given), default_rng(11)
    eta = rng.uniform(1.5, 3.0, 50)
    mu = eta if family == "gaussian" else np.exp(eta)
    y = mu * rng.uniform(0.5, 2.0, 50)
    r = scale.residual(y, eta)
    place, unit = scale.places(eta)
    assert scale.target(place + r * unit) == pytest.approx(y)
    root = np.sign(y - mu) * np.sqrt(given.deviance(y, eta))
    assert np.abs(r - root).max() < 0.02
    assert scale.target(np.array([-1.0]))[0] == (-1.0 if family == "gaussian" else 0.0)


def test_a_mean_beyond_numbers_has_no_residual():
    residual = Anscombe.of(PowerVariance("poisson", 1.0)).residual(np.array([1.0]), np.array([2000.0]))
    assert not np.isfinite(residual[0])


def test_rows_without_a_residual_count_as_endless():
    kept = LeftOut.of(19, np.arange(18.0), np.zeros(2), np.zeros((1, 2)), np.array([9, 9]), "rows")
    assert (kept.rank(0.9), kept.rank(0.8)) == (1, 3)


@pytest.mark.parametrize("case", ["lasso", "poisson", "gamma"])
def test_intervals_cover_new_rows(case):
    """Never below what is guaranteed, and near 1 - alpha: the standard error of 100 means is below 0.006."""
    options = {"family": "gaussian"} | CASES[case]
    rng, shares, tails = default_rng(12), [], []
    for _ in range(100):
        X = rng.normal(size=(90, 5))
        y = target(options["family"], X @ rng.normal(size=5) / np.sqrt(5.0), rng)
        run = cv(X[:50], y[:50], lambdas=[2.0], **options)
        _, low, high = predict(run.refit, X[50:], interval=0.9)
        new = y[50:]
        shares.append(np.mean((low <= new) & (new <= high)))
        tails.append((np.mean(new < low), np.mean(new > high)))
    kept = run.refit.model.intervals
    assert kept is not None
    assert np.mean(shares) > kept.guaranteed(0.9)
    assert np.mean(shares) == pytest.approx(0.9, abs=0.03)
    assert np.abs(np.mean(tails, axis=0) - 0.05).max() < 0.04
