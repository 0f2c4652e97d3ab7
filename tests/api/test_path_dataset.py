"""``path``: every lambda as its own fit, on either scale."""

from __future__ import annotations

import json

import numpy as np
import pytest

from l2cli.api.fit import fit_dataset
from l2cli.api.path import path_dataset
from l2cli.errors import FitError
from l2cli.spec import GridSpec, ModelSpec, SelectSpec


@pytest.mark.parametrize("scale", ["sum", "mean"])
@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_every_lambda_is_its_own_fit(regression, binary, family, scale):
    make = regression if family == "gaussian" else binary
    lambdas = (5.0, 0.5, 0.0)
    weights = np.random.default_rng(0).uniform(0.5, 2.0, size=make().n_rows)
    result = path_dataset(
        make(weights=weights), ModelSpec(lambdas=GridSpec(values=lambdas), lambda_scale=scale)
    )
    content = result.to_dict()
    assert content["lambdas"] == list(lambdas)
    for i, lam in enumerate(lambdas):
        alone = fit_dataset(
            make(weights=weights),
            ModelSpec(lambdas=GridSpec(values=(lam,)), lambda_scale=scale),
            SelectSpec(),
        )
        fit = alone.to_dict()
        assert result.coef[:, i] == pytest.approx(alone.coef, rel=1e-8)
        assert content["intercepts"][i] == pytest.approx(alone.intercept, rel=1e-8)
        assert content["effective_df"][i] == pytest.approx(fit["effective_df"], rel=1e-8)
        deviance = fit["metrics"]["train"]["deviance"] * weights.sum()
        assert content["train_deviance"][i] == pytest.approx(deviance, rel=1e-9)
        assert [row["coef_standardized"][i] for row in content["coefficients"]] == pytest.approx(
            [row["coef_standardized"] for row in fit["coefficients"]], rel=1e-8
        )
    assert max(content["kkt_residual"]) < 1e-10
    json.dumps(content, allow_nan=False)


def test_the_automatic_grid_runs_from_large_to_small(regression):
    content = path_dataset(regression(), ModelSpec(lambdas=GridSpec(count=20))).to_dict()
    assert len(content["lambdas"]) == 20
    assert np.all(np.diff(content["lambdas"]) < 0)
    assert np.all(np.diff(content["effective_df"]) > 0)
    assert np.all(np.diff(content["train_deviance"]) < 0)
    assert [row["feature"] for row in content["coefficients"]] == ["x0", "x1", "x2", "x3"]


def test_without_intercept_all_are_0(regression):
    assert path_dataset(regression(), ModelSpec(intercept=False)).intercepts.tolist() == [0.0] * 100


def test_a_lambda_without_a_finite_solution_stops_the_path(dataset_of):
    x = np.arange(30.0)
    with pytest.raises(FitError, match="the classes are separated by x0"):
        path_dataset(
            dataset_of(x[:, None], x > 14.5, classes=("a", "b")),
            ModelSpec(lambdas=GridSpec(values=(1.0, 0.0))),
        )
