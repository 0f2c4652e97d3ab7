"""Models of scikit-learn in a comparison, against scikit-learn called by hand on the same folds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score

import l2cli

N, K = 80, 5
FOLD = np.arange(N) % K


def data_of(weights):
    """Return columns with missing cells, a number and the weights."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 4))
    y = 2.0 * X[:, 0] + rng.normal(size=N) + 5.0
    X[rng.random((N, 4)) < 0.1] = np.nan
    return X, y, rng.uniform(0.3, 2.0, N) if weights is None else np.full(N, weights)


def sides(X, s):
    """Yield the training rows and all rows as these alone impute and standardize them."""
    gone = np.isnan(X)
    for f in range(K):
        train = f != FOLD
        kept = s[train, None] * ~gone[train]
        Z = np.where(gone, (kept * np.nan_to_num(X[train])).sum(axis=0) / kept.sum(axis=0), X)
        Z -= np.average(Z[train], axis=0, weights=s[train])
        yield train, Z / np.sqrt(np.average(Z[train] ** 2, axis=0, weights=s[train]))


def compared(X, y, s, metric, models):
    found = l2cli.compare(
        pd.DataFrame(X, columns=list("abcd")), y, models=models, sample_weight=s, fold_labels=FOLD,
        metric=metric,
    ).to_dict()  # fmt: skip
    return {m["spec"]: m["mean"] for m in found["models"]}


@pytest.mark.parametrize("weights", [None, 1.0, 3.0], ids=["weighted", "ones", "threes"])
@pytest.mark.parametrize("metric", ["mse", "r2"])
def test_a_regression_sees_the_training_rows_alone(metric, weights):
    X, y, s = data_of(weights)
    lost, unit = 0.0, 0.0
    for train, Z in sides(X, s):
        out = ~train
        mu = Ridge(alpha=2.0).fit(Z[train], y[train], sample_weight=s[train]).predict(Z[out])
        lost += s[out] @ (y[out] - mu) ** 2
        unit += s[out] @ (y[out] - np.average(y[train], weights=s[train])) ** 2
    # The R2 out of fold is one of all rows, not the average of the folds' own.
    expected = lost / s.sum() if metric == "mse" else 1.0 - lost / unit
    found = compared(X, y, s, metric, ["sklearn:Ridge(alpha=2)", "mean"])
    assert found["sklearn:Ridge(alpha=2)"] == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("metric", ["brier", "auc"])
def test_a_classifier_is_judged_by_its_probabilities(metric):
    X, y, s = data_of(None)
    y = (y > 5.0).astype(int)
    values, shares = [], []
    for train, Z in sides(X, s):
        out = ~train
        model = LogisticRegression().fit(Z[train], y[train], sample_weight=s[train])
        share = model.predict_proba(Z[out])[:, 1]
        squares = np.average((y[out] - share) ** 2, weights=s[out])
        values.append(squares if metric == "brier" else roc_auc_score(y[out], share, sample_weight=s[out]))
        shares.append(s[out].sum())
    found = compared(X, y, s, metric, ["sklearn:LogisticRegression", "mean"])
    assert found["sklearn:LogisticRegression"] == pytest.approx(np.average(values, weights=shares), rel=1e-10)
