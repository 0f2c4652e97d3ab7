"""Several mixes tuned jointly with lambda: the best of separate runs, on the same folds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import l2cli
from l2cli.errors import UsageError

RATIOS = (0.0, 0.5, 1.0)


@pytest.fixture
def sparse():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(90, 12))
    return X, X[:, 0] * 2.0 - X[:, 1] + rng.normal(size=90)


def binary(sparse):
    X, y = sparse
    return X, (y > 0).astype(float)


@pytest.mark.parametrize("make", [lambda data: data, binary])
def test_the_best_mix_is_that_of_separate_runs(sparse, make):
    X, y = make(sparse)
    joint = l2cli.cv(X, y, l1_ratio=RATIOS, folds=5)
    alone = [l2cli.cv(X, y, l1_ratio=ratio, folds=5) for ratio in RATIOS]
    content = joint.to_dict()
    assert [part["l1_ratio"] for part in content["grid"]] == list(RATIOS)
    for part, run in zip(content["grid"], alone, strict=True):
        np.testing.assert_allclose(part["mean"], run.mean, rtol=1e-9)
        assert part["lambda_min"] == pytest.approx(run.lambda_min, rel=1e-9)
    best = min(alone, key=lambda run: run.mean.min())
    assert content["settings"]["l1_ratio"] == best.to_dict()["settings"]["l1_ratio"]
    assert joint.lambda_min == pytest.approx(best.lambda_min, rel=1e-9)
    np.testing.assert_allclose(joint.refit.coef, best.refit.coef, atol=1e-9)


def test_the_error_is_corrected_for_the_choice_of_the_mix_too(sparse):
    """At one lambda a mix alone has no choice to correct for; between three there is one."""
    X, y = sparse
    settings: dict[str, Any] = {"lambdas": [30.0], "folds": 5}
    joint = l2cli.cv(X, y, l1_ratio=RATIOS, **settings).to_dict()
    alone = [l2cli.cv(X, y, l1_ratio=ratio, **settings).to_dict()["best"] for ratio in RATIOS]
    assert all(best["optimism_corrected"] == pytest.approx(best["value"], rel=0.01) for best in alone)
    best, values = joint["best"], [part["value"] for part in alone]
    assert best["value"] == min(values)
    assert best["optimism_corrected"] > best["value"]
    at = int(np.argmin(values))
    spread = joint["best"]["ci_high"] / joint["best"]["ci_low"]
    assert spread == pytest.approx(alone[at]["ci_high"] / alone[at]["ci_low"], rel=0.05)


def test_fit_takes_the_same_mix_and_says_which(sparse):
    X, y = sparse
    run, model = l2cli.cv(X, y, l1_ratio=RATIOS), l2cli.fit(X, y, l1_ratio=RATIOS)
    np.testing.assert_allclose(model.coef, run.refit.coef, atol=1e-12)
    content = model.to_dict()
    assert [part["l1_ratio"] for part in content["selection"]["grid"]] == list(RATIOS)
    assert any("chosen from 0, 0.5, 1" in note for note in content["data"]["notes"])


@pytest.mark.parametrize("make", [lambda data: data, binary])
@pytest.mark.parametrize("file", [False, True])
@pytest.mark.parametrize("settings", [{}, {"rule": "1se", "lambda_scale": "mean"}, {"metric": "r2"}])
def test_rows_held_out_choose_the_mix_of_separate_runs(sparse, make, file, settings):
    X, y = make(sparse)
    if settings.get("metric") == "r2" and make is binary:
        settings = {"metric": "f1"}
    given = {"holdout": (X[60:], y[60:]) if file else 0.3} | settings
    rows = (X[:60], y[:60]) if file else (X, y)
    joint = l2cli.fit(*rows, l1_ratio=RATIOS, **given)
    alone = [l2cli.fit(*rows, l1_ratio=ratio, **given) for ratio in RATIOS]
    content = joint.to_dict()
    sign, best = -1.0 if settings.get("metric") else 1.0, []
    for part, run in zip(content["selection"]["grid"], alone, strict=True):
        curve = run.to_dict()["selection"]
        best.append(min(sign * value for value in curve["values"]))
        assert part["value"] == pytest.approx(sign * best[-1], rel=1e-12)
    at = int(np.argmin(best))
    assert content["lambda"] == alone[at].to_dict()["lambda"]
    assert content["metrics"] == alone[at].to_dict()["metrics"]
    assert content["settings"]["l1_ratio"] == RATIOS[at]
    assert f"l1_ratio {RATIOS[at]:g} chosen from 0, 0.5, 1 by held-out rows" in content["data"]["notes"]
    np.testing.assert_allclose(joint.coef, alone[at].coef, atol=1e-12)


def test_at_a_lambda_given_the_mix_alone_is_chosen(sparse):
    X, y = sparse
    model = l2cli.fit(X, y, lam=30.0, l1_ratio=RATIOS)
    errors = {part["l1_ratio"]: part["value"] for part in model.to_dict()["selection"]["grid"]}
    assert model.lam == 30.0
    assert model.to_dict()["settings"]["l1_ratio"] == min(errors, key=errors.__getitem__)


def test_several_targets_choose_their_own_mix(sparse):
    X, y = sparse
    rng = np.random.default_rng(1)
    dense = X @ rng.normal(size=12) + 5.0 * rng.normal(size=90)
    both = l2cli.cv(X, np.column_stack([y, dense]), l1_ratio=RATIOS, folds=5)
    for t, target in enumerate((y, dense)):
        one = l2cli.cv(X, target, l1_ratio=RATIOS, folds=5)
        assert both.lambda_min[t] == pytest.approx(one.lambda_min, rel=1e-9)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"l1_ratio": (0.0, 1.0, 0.0)}, "names a mix twice"),
        ({"l1_ratio": ()}, "l1_ratio is empty"),
        ({"l1_ratio": (0.0, 1.5)}, "between 0 and 1"),
        ({"l1_ratio": (0.0, 1.0), "relax_gamma": 0.0}, "needs an L1 part"),
        ({"l1_ratio": (0.0, 1.0), "select": "loo"}, "tunes lambda alone"),
    ],
)
def test_what_several_mixes_cannot_be(sparse, more, message):
    with pytest.raises(UsageError, match=message):
        l2cli.fit(*sparse, **more)


def test_commands_with_one_mix_refuse_several(sparse):
    with pytest.raises(UsageError, match="path has one l1_ratio, not 2"):
        l2cli.path(*sparse, l1_ratio=(0.0, 1.0))
    with pytest.raises(UsageError, match="compare has one l1_ratio, not 2"):
        l2cli.compare(*sparse, l1_ratio=(0.0, 1.0))
    with pytest.raises(UsageError, match="tunes lambda alone"):
        l2cli.cv(*sparse, l1_ratio=(0.0, 1.0), nested=True)
