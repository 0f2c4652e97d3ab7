"""Fits in odd corners: raw groups of unlike size, columns without a pull, several targets with bands."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import l2cli


def test_a_group_lasso_on_raw_columns_of_unlike_size_converges():
    for seed in range(4):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(80, 6)) * [1e-3, 1.0, 1e4, 1.0, 1.0, 1.0]
        y = X[:, 1] + 1e3 * X[:, 0] + rng.normal(size=80)
        model = l2cli.fit(X, y, lam=1.0, standardize=False, column_groups={"a": ["x0", "x1", "x2"]})
        assert model.to_dict()["certificate"]["kkt_residual"] <= 1e-8


@pytest.mark.parametrize("family", ["binomial", "poisson", "gamma"])
@pytest.mark.parametrize(
    "more",
    [{"l1_ratio": 1.0}, {"column_groups": {"g": "x*"}}, {"bounds": {"x0": (0.5, None)}}],
    ids=["l1", "group", "bound"],
)
@pytest.mark.filterwarnings("ignore")
def test_features_that_pull_nowhere_are_fitted(family, more):
    x = np.tile([1.0, 1.0, -1.0, -1.0], 10)
    y = np.tile([0.0, 1.0, 0.0, 1.0], 10) + (1.0 if family == "gamma" else 0.0)
    model = l2cli.fit(x[:, None], y, lam=1.0, family=family, **more)
    assert model.coef[0] == pytest.approx(0.5 if "bounds" in more else 0.0, abs=1e-9)


def test_several_targets_with_bands_are_cross_validated_each():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 4))
    Y = np.column_stack([X[:, 0] + rng.normal(size=40), X[:, 1] + rng.normal(size=40)])
    groups: dict[str, Any] = {
        "column_groups": {"a": ["x0", "x1"], "b": ["x2", "x3"]},
        "group_penalty": "banded",
        "folds": 4,
    }
    given: dict[str, Any] = {"group_lambda": {"a": 1.0, "b": 5.0}, "lambdas": [0.1, 1.0, 1e4]}
    both = l2cli.cv(X, Y, **groups, **given)
    for t in range(2):
        alone = l2cli.cv(X, Y[:, t], **groups, **given)
        assert both.mean[t] == pytest.approx(alone.mean, rel=1e-9)


def test_a_relaxed_path_without_an_active_column_is_the_null_model():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 3))
    y = (X[:, 0] + rng.normal(size=20) > 0).astype(int)
    path = l2cli.path(
        X, y, lambdas=[1000.0], family="binomial", l1_ratio=1.0, relax_gamma=0.0, intercept=False
    )
    assert not path.coef.any()
