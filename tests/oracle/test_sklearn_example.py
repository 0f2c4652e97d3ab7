"""Scikit-learn's documented examples, reproduced from CSV files through the command line."""

from __future__ import annotations

import csv
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, make_classification
from sklearn.linear_model import LogisticRegression, Ridge, RidgeCV
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


@pytest.fixture
def l2cli(tmp_path):
    """Run the command in ``tmp_path`` and return what it printed."""

    def run(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", "l2cli", *arguments],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def write(path, X, y, names=None):
    """Write a CSV with every digit of X, the target last."""
    names = [f"x{j}" for j in range(X.shape[1])] if names is None else list(names)
    pd.DataFrame(X, columns=names).assign(target=y).to_csv(path, index=False)


def coefficients(result):
    return np.array([row["coef"] for row in result["coefficients"]])


@pytest.fixture(scope="module")
def example():
    """The example of scikit-learn's guide: 1000 rows, 20 features, two classes, a fifth held out."""
    X, y = make_classification(n_samples=1000, n_features=20, n_classes=2, random_state=42)
    return train_test_split(X, y, test_size=0.2, random_state=42)


def test_the_documented_classification_example(tmp_path, l2cli, example):
    X, X_new, y, y_new = example
    write(tmp_path / "train.csv", X, y)
    write(tmp_path / "test.csv", X_new, y_new)
    fit = ("fit", "train.csv", "--lambda", "1", "--no-standardize", "--json", "--save", "m.json")
    result = json.loads(l2cli(*fit))
    predicted = list(csv.DictReader(l2cli("predict", "m.json", "test.csv").splitlines()))

    rival = LogisticRegression(C=1.0, tol=1e-12, max_iter=10_000).fit(X, y)
    assert result["settings"]["family"] == "binomial"
    np.testing.assert_allclose(coefficients(result), rival.coef_[0], atol=1e-6, rtol=0)
    assert result["intercept"] == pytest.approx(rival.intercept_[0], abs=1e-6)
    assert result["lambda"]["equivalents"]["sklearn_C"] == 1.0
    assert [int(row["prediction"]) for row in predicted] == rival.predict(X_new).tolist()
    probability = [float(row["probability"]) for row in predicted]
    np.testing.assert_allclose(probability, rival.predict_proba(X_new)[:, 1], atol=1e-6)
    right = np.mean([row["prediction"] == str(label) for row, label in zip(predicted, y_new, strict=True)])
    assert right == rival.score(X_new, y_new)
    scored = json.loads(l2cli("evaluate", "m.json", "test.csv", "--json"))
    assert scored["metrics"]["accuracy"] == pytest.approx(rival.score(X_new, y_new), abs=1e-12)


@pytest.mark.parametrize("c", [0.01, 100.0])
def test_logistic_regression_after_a_standard_scaler(tmp_path, l2cli, c):
    data = load_breast_cancer()
    write(tmp_path / "cancer.csv", data.data, data.target, data.feature_names)
    result = json.loads(l2cli("fit", "cancer.csv", "--lambda", repr(1 / c), "--json"))
    scaler = StandardScaler().fit(data.data)
    rival = LogisticRegression(C=c, solver="newton-cholesky", tol=1e-12, max_iter=1000)
    rival.fit(scaler.transform(data.data), data.target)
    standardized = [row["coef_standardized"] for row in result["coefficients"]]
    np.testing.assert_allclose(standardized, rival.coef_[0], atol=1e-6, rtol=1e-6)
    np.testing.assert_allclose(coefficients(result), rival.coef_[0] / scaler.scale_, atol=1e-6, rtol=1e-6)
    assert result["lambda"]["equivalents"]["sklearn_C"] == pytest.approx(c, rel=1e-12)


@pytest.mark.parametrize("alpha", [0.0, 50.0])
@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize("intercept", [True, False])
def test_ridge_with_and_without_a_standard_scaler(tmp_path, l2cli, alpha, scaled, intercept):
    X, y = load_diabetes(return_X_y=True, scaled=False)
    write(tmp_path / "diabetes.csv", X, y)
    options = [] if scaled else ["--no-standardize"]
    options += [] if intercept else ["--no-intercept"]
    result = json.loads(l2cli("fit", "diabetes.csv", "--lambda", repr(alpha), "--json", *options))
    scale = X.std(axis=0) if scaled else np.ones(10)
    # without an intercept columns are divided by their spread about the mean, but not centred
    rival = Ridge(alpha=alpha, fit_intercept=intercept, solver="svd").fit(X / scale, y)
    np.testing.assert_allclose(coefficients(result), rival.coef_ / scale, rtol=1e-8)
    assert result["intercept"] == pytest.approx(rival.intercept_, rel=1e-8)
    assert result["lambda"]["equivalents"]["sklearn_ridge_alpha"] == alpha


def test_ridge_with_weights(tmp_path, l2cli):
    X, y = load_diabetes(return_X_y=True)
    weights = np.random.default_rng(3).uniform(0.1, 4.0, size=len(y))
    pd.DataFrame(X, columns=[f"x{j}" for j in range(10)]).assign(w=weights, y=y).to_csv(
        tmp_path / "weighted.csv", index=False
    )
    result = json.loads(
        l2cli("fit", "weighted.csv", "--weights", "w", "--lambda", "0.1", "--no-standardize", "--json")
    )
    rival = Ridge(alpha=0.1, solver="cholesky").fit(X, y, sample_weight=weights)
    np.testing.assert_allclose(coefficients(result), rival.coef_, rtol=1e-9)
    assert result["intercept"] == pytest.approx(rival.intercept_, rel=1e-9)


@pytest.mark.parametrize("scaled", [True, False])
def test_ridge_cv_has_the_same_leave_one_out_errors(tmp_path, l2cli, scaled):
    X, y = load_diabetes(return_X_y=True)
    write(tmp_path / "diabetes.csv", X, y)
    alphas = np.geomspace(1e3, 1e-3, 13)
    options = ["--lambdas", ",".join(map(repr, alphas.tolist())), "--json"]
    result = json.loads(l2cli("fit", "diabetes.csv", *options, *([] if scaled else ["--no-standardize"])))
    # the scaling of all rows is kept when a row is left out, as RidgeCV keeps that of its pipeline
    Z = (X - X.mean(axis=0)) / X.std(axis=0) if scaled else X
    rival = RidgeCV(alphas=alphas, store_cv_results=True).fit(Z, y)
    squares = rival.cv_results_.mean(axis=0)
    assert result["selection"]["method"] == "loo"
    np.testing.assert_allclose(result["selection"]["lambdas"], alphas, rtol=1e-15)
    np.testing.assert_allclose(result["selection"]["values"], squares, rtol=1e-9)
    spread = rival.cv_results_.std(axis=0) / np.sqrt(len(y))
    np.testing.assert_allclose(result["selection"]["se"], spread, rtol=1e-7)
    assert result["lambda"]["value"] == rival.alpha_
    model = make_pipeline(StandardScaler(with_std=scaled), Ridge(rival.alpha_)).fit(X, y)
    assert result["metrics"]["train"]["r2"] == pytest.approx(model.score(X, y), rel=1e-9)
