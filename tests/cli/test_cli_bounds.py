"""Bounds at the command line and in the library."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import l2cli

DIABETES = str(Path(__file__).parents[2] / "sample_data" / "diabetes.csv")


def coefficients(done):
    assert done.returncode == 0, done.stderr
    return {row["feature"]: row["coef"] for row in json.loads(done.stdout)["coefficients"]}


def test_bounds_hold_on_the_original_scale(quick):
    words = ("fit", DIABETES, "--lambda", "1", "--json", "-q")
    free = coefficients(quick(*words))
    held = coefficients(quick(*words, "--bounds", "s*=0:,bmi=:3,sex=-5:5"))
    assert free["s1"] < 0
    assert (held["s1"], held["bmi"], held["sex"]) == (0.0, 3.0, -5.0)
    assert min(held[f"s{i}"] for i in range(1, 7)) >= 0.0
    assert held["age"] != free["age"]


def test_bounds_choose_lambda_by_cross_validation_and_are_shown(quick):
    done = quick("fit", DIABETES, "--bounds", "s1=0:", "-q", "--folds", "4", "--lambdas", "auto:20")
    assert "gaussian, L2, bounds on 1 coefficient" in done.stdout
    again = json.loads(
        quick("fit", DIABETES, "--bounds", "s1=0:", "-q", "--json", "--lambdas", "1,10").stdout
    )
    assert again["lambda"]["selected_by"] == "cv"
    assert again["settings"]["bounds"][4] == [0.0, None]


def test_a_lower_bound_of_a_column_with_a_comma_or_a_negative_name(quick, tmp_path):
    path = tmp_path / "odd.csv"
    path.write_text('"a,b",y\n1,-2\n2,-3\n3,-5\n4,-6\n')
    held = coefficients(quick("fit", str(path), "--lambda", "0", "--bounds", r"a\,b=-1:", "--json", "-q"))
    assert held == {"a,b": -1.0}


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ("s1", "--bounds 's1' is no bound"),
        ("s1=1", "--bounds 's1=1' is no bound"),
        ("s1=:", "--bounds 's1=:' is no bound"),
        ("s1=2:1", "the lower bound 2 is above the upper one 1"),
        ("s1=a:1", "--bounds s1"),
        ("s1=nan:1", "--bounds s1"),
        ("s1=0:,s1=1:", "--bounds gives 's1' twice"),
        ("zz=0:", "--bounds 'zz' matches no feature"),
    ],
)
def test_bounds_that_make_no_sense(quick, bounds, message):
    done = quick("fit", DIABETES, "-q", "--bounds", bounds)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_library_takes_bounds():
    X = np.arange(12.0).reshape(6, 2) ** 1.5
    y = X @ [1.0, -1.0]
    model = l2cli.fit(X, y, lam=0.0, bounds={"x0": (None, 0.5), "x1": (0.0, None)})
    assert model.coef[0] <= 0.5
    assert model.coef[1] >= 0.0
    with pytest.raises(l2cli.UsageError, match="must be a pair of numbers or None"):
        l2cli.fit(X, y, lam=1.0, bounds={"x0": 3.0})  # type: ignore[dict-item]


def test_only_what_has_bounds_and_factors_is_said_to_be_the_same(quick):
    words = ("fit", DIABETES, "--lambda", "10", "-q")
    assert "= glmnet(lambda=1.742, alpha=0)" in (plain := quick(*words).stdout)
    assert "= Ridge(alpha=10)" in plain
    held = quick(*words, "--bounds", "s1=0:").stdout
    assert "= glmnet(lambda=1.742, alpha=0, lower.limits=...)" in held
    assert "Ridge" not in held
    weighed = quick(*words, "--penalty-factor", "s1=2").stdout
    assert "= glmnet(lambda=1.916, alpha=0, penalty.factor=...)" in weighed
    assert "Ridge" not in weighed


def test_one_lambda_of_a_grid_is_not_called_given(quick):
    """An automatic grid has one lambda where it is asked for, or where nothing varies or is penalized."""
    for words in (
        ("--lambdas", "auto:1"),
        ("--penalty-factor", "*=0"),
        ("--lambdas", "3", "--select", "loo"),
    ):
        shown = quick("fit", DIABETES, "-q", *words).stdout
        assert "gaussian, L2; one lambda, judged by exact leave-one-out" in shown
