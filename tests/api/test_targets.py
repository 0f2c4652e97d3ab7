"""Several targets in one run are the runs of the single targets, and share what does not depend on them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import l2cli
from l2cli.core import path as core_path
from l2cli.select import ridge_folds

CLOSE: dict[str, Any] = {"rel": 1e-10, "abs": 1e-12}


def tall(n=70, p=5, seed=3):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) * [1.0, 10.0, 0.1, 3.0, 5.0][:p] + 2.0
    Y = X @ (rng.standard_normal((p, 3)) / [[1.0], [10.0], [0.1], [3.0], [5.0]][:p])
    return X, Y + rng.standard_normal((n, 3)) * [0.5, 2.0, 9.0] + [0.0, 100.0, -3.0]


def wide(n=30, p=60, seed=4):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    return X, X[:, :3] * [1.0, -2.0, 0.0] + rng.standard_normal((n, 3))


def holed(n=90):
    X, Y = tall(n)
    X[np.random.default_rng(0).random(X.shape) < 0.1] = np.nan
    return X, Y


WEIGHTS = np.random.default_rng(9).integers(1, 4, 70).astype(float)
CASES: dict[str, tuple[Any, dict[str, Any]]] = {
    "ridge": (tall, {}),
    "ridge by gcv": (tall, {"select": "gcv"}),
    "ridge by cv": (tall, {"select": "cv", "rule": "1se", "metric": "mae"}),
    "ridge at a lambda": (tall, {"lam": 3.0}),
    "least squares": (tall, {"lam": 0.0}),
    # an automatic grid ends where the curve is flat to rounding, and any lambda could win
    "wide ridge": (wide, {"lambdas": [100.0, 10.0, 1.0, 0.1]}),
    "wide ridge by cv": (wide, {"folds": 4}),
    "missing cells": (holed, {"folds": 5}),
    "weights and offset": (tall, {"sample_weight": WEIGHTS, "offset": WEIGHTS / 3.0, "folds": 3}),
    "mean scale, repeats": (tall, {"lambda_scale": "mean", "folds": 4, "repeats": 2}),
    "raw columns": (tall, {"standardize": False, "intercept": False, "folds": 4}),
    "factors": (tall, {"penalty_factor": {"x0": 0.0, "x1": 2.0}, "select": "cv"}),
    "lasso": (tall, {"l1_ratio": 1.0}),
    "lasso with lambda 0": (tall, {"l1_ratio": 1.0, "lambdas": [10.0, 1.0, 0.0]}),
    "wide elastic net": (wide, {"l1_ratio": 0.5, "folds": 4}),
    "lasso, missing cells": (holed, {"l1_ratio": 1.0, "folds": 4}),
    "bounds": (tall, {"bounds": {"x*": (0.0, None)}}),
}


@pytest.mark.filterwarnings("ignore:(target|the best lambda|the selection curve)")
@pytest.mark.parametrize("case", CASES)
def test_a_fit_of_several_targets_is_the_fit_of_each(case):
    make, given = CASES[case]
    X, Y = make()
    joint = l2cli.fit(X, Y, **given)
    assert joint.coef.shape == (3, X.shape[1])
    for t in range(3):
        alone = l2cli.fit(X, Y[:, t], **given)
        size = np.abs(alone.coef).max()
        assert joint.coef[t] == pytest.approx(alone.coef, rel=1e-10, abs=1e-10 * size)
        assert np.ravel(joint.lam)[t] == pytest.approx(alone.lam, **CLOSE)
        part, whole = joint.to_dict()["targets"][t], alone.to_dict()
        assert part["target"] == f"y{t}"
        assert part["metrics"]["train"] == pytest.approx(whole["metrics"]["train"], **CLOSE)
        assert part["effective_df"] == pytest.approx(whole["effective_df"], **CLOSE)
        assert [c["se"] for c in part["coefficients"]] == [
            None if c["se"] is None else pytest.approx(c["se"], **CLOSE) for c in whole["coefficients"]
        ]
        if whole["selection"] is not None:
            assert part["selection"]["values"] == pytest.approx(whole["selection"]["values"], **CLOSE)
            assert part["selection"]["lambdas"] == pytest.approx(whole["selection"]["lambdas"], **CLOSE)
        if whole["metrics"]["validation"] is not None:
            assert part["metrics"]["validation"] == pytest.approx(whole["metrics"]["validation"], **CLOSE)


@pytest.mark.filterwarnings("ignore:(target|the best lambda|the selection curve)")
@pytest.mark.parametrize("ratio", [0.0, 0.7])
def test_cv_and_path_of_several_targets(ratio):
    X, Y = tall()
    run, path = l2cli.cv(X, Y, l1_ratio=ratio, folds=5), l2cli.path(X, Y, l1_ratio=ratio)
    assert run.refit.coef.shape == (3, 5)
    assert path.coef.shape[:2] == (3, 5)
    for t in range(3):
        alone, one = l2cli.cv(X, Y[:, t], l1_ratio=ratio, folds=5), l2cli.path(X, Y[:, t], l1_ratio=ratio)
        count = len(alone.lambdas)
        assert run.lambdas[t, :count] == pytest.approx(alone.lambdas, **CLOSE)
        assert np.isnan(run.lambdas[t, count:]).all()
        assert run.mean[t, :count] == pytest.approx(alone.mean, **CLOSE)
        assert run.fold_losses[t, :, :count] == pytest.approx(alone.fold_losses, **CLOSE)
        assert np.ravel(run.lambda_1se)[t] == pytest.approx(alone.lambda_1se, **CLOSE)
        part = run.to_dict()["targets"][t]
        assert part["refit"]["intercept"] == pytest.approx(alone.refit.to_dict()["intercept"], rel=1e-9)
        assert "data" not in part["refit"]
        assert path.lambdas[t] == pytest.approx(one.lambdas, **CLOSE)
        assert path.coef[t] == pytest.approx(one.coef, rel=1e-8, abs=1e-11)
        assert path.to_dict()["targets"][t]["train_deviance"] == pytest.approx(
            one.to_dict()["train_deviance"], **CLOSE
        )


def counted(monkeypatch, module, name):
    calls: list[int] = []
    original = getattr(module, name)

    def count(*arguments, **given):
        calls.append(1)
        return original(*arguments, **given)

    monkeypatch.setattr(module, name, count)
    return calls


@pytest.mark.filterwarnings("ignore:(target|the best lambda|the selection curve)")
def test_every_factor_is_made_once_for_all_targets(monkeypatch):
    X, Y = tall(n=600)  # with so many columns the rows are too many to be factorized themselves
    X = np.column_stack([X, *(np.roll(X, k, axis=0) for k in range(1, 40))])
    folds = counted(monkeypatch, ridge_folds, "factor_from_gram")
    whole = counted(monkeypatch, core_path, "factor_from_gram")
    moments = counted(monkeypatch, core_path, "moments_of")
    l2cli.cv(X, Y, folds=5, lambdas=[100.0, 10.0, 1.0])
    assert (len(folds), len(whole), len(moments)) == (5 + 1, 0, 0)
    l2cli.path(X, Y, lambdas=[100.0, 10.0, 1.0])
    assert (len(folds), len(whole), len(moments)) == (6, 1, 1)
    l2cli.path(X, Y, lambdas=[100.0, 10.0, 1.0], l1_ratio=1.0)
    assert len(moments) == 2


def test_targets_by_name_and_as_a_frame():
    X, Y = tall()
    frame = pd.DataFrame(X, columns=list("abcde")).assign(one=Y[:, 0], two=Y[:, 1])
    by_name = l2cli.fit(frame, target=["one", "two"], lam=2.0)
    assert by_name.to_dict()["data"]["targets"] == ["one", "two"]
    labelled = pd.DataFrame(Y[:, :2], columns=["one", "two"])
    assert l2cli.fit(frame[list("abcde")], labelled, lam=2.0).coef == pytest.approx(by_name.coef)
    assert by_name.predict(frame) == pytest.approx(X @ by_name.coef.T + by_name.intercept)
    assert repr(by_name) == "<FittedModel: gaussian, 5 features, lambda 2, 2 (given)>"
    with pytest.raises(l2cli.UsageError, match="target names no column"):
        l2cli.fit(frame, target=[])
    with pytest.raises(l2cli.UsageError, match="several targets are fitted as gaussian, not poisson"):
        l2cli.fit(X, np.abs(Y), family="poisson")


@pytest.mark.parametrize("groups", [{}, {"column_groups": {"g": ["x0", "x1"]}}], ids=["columns", "groups"])
def test_models_are_compared_on_every_target(groups):
    X, Y = tall()
    models = ["ridge", "lasso:1se", "relaxed", "ols", "mean", *(["group"] if groups else [])]
    joint = l2cli.compare(X, Y, models=models, folds=4, repeats=2, **groups)
    content = joint.to_dict()
    assert content["data"]["targets"] == [part["target"] for part in content["targets"]]
    for t, part in enumerate(content["targets"]):
        alone = l2cli.compare(X, Y[:, t], models=models, folds=4, repeats=2, **groups)
        mine = [row for row in joint.models if row["target"] == part["target"]]
        assert [row["name"] for row in mine] == [row["name"] for row in alone.models]
        for row, own in zip(mine, alone.models, strict=True):
            assert row["mean"] == pytest.approx(own["mean"], rel=1e-9)
            assert row["lambda"] == (own["lambda"] and pytest.approx(own["lambda"], rel=1e-9))
        pairs = [row["difference"] for row in joint.pairs if row["target"] == part["target"]]
        assert pairs == pytest.approx([row["difference"] for row in alone.pairs], rel=1e-7)
        assert part["verdict"] == alone.verdict
        assert f"{part['target']}: {alone.verdict}" in joint.verdict.splitlines()


def test_rows_without_one_of_the_targets_are_left_out_for_all():
    X, Y = tall()
    Y[3, 0], Y[9, 1] = np.nan, np.nan
    joint = l2cli.fit(X, Y[:, :2], lam=1.0)
    rest = np.delete(np.arange(len(X)), [3, 9])
    assert joint.to_dict()["data"]["notes"] == ["2 rows without one of the targets left out"]
    assert joint.coef[1] == pytest.approx(l2cli.fit(X[rest], Y[rest, 1], lam=1.0).coef, **CLOSE)
    gone = Y.copy()
    gone[:35, 0], gone[35:, 1] = np.nan, np.nan
    with pytest.raises(l2cli.DataError, match="no row has a value of every target"):
        l2cli.fit(X, gone, lam=1.0)


def test_warnings_name_their_target_unless_all_have_them():
    X, Y = tall()
    Y[:, 1] = 4.0
    with pytest.warns(UserWarning, match="target 'y1' is constant"):
        joint = l2cli.fit(X, Y, lam=1.0)
    assert joint.coef[1].tolist() == [0.0] * 5
    with pytest.warns(UserWarning, match="the best lambda") as told:
        content = l2cli.fit(X, tall()[1], lambdas=[1e9, 1e8]).to_dict()
    assert ["target" in w for w in content["warnings"]] == [False]
    assert str(told[0].message).startswith("the best lambda, 1e+08, is the smallest of the grid")
    noise = np.random.default_rng(0).standard_normal(len(X))
    with pytest.warns(UserWarning, match="the best lambda") as told:
        l2cli.fit(X, np.column_stack([tall()[1][:, 0], noise]), lambdas=[1e9, 1.0])
    assert [str(w.message).partition(":")[0] for w in told] == ["target 'y0'", "target 'y1'"]
