"""Datasets made in memory, for the functions behind the commands."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.data.dataset import DataSchema, Dataset, FeatureColumn, FeatureStats


def make_dataset(X, y, *, classes=None, **given) -> Dataset:
    """Return a dataset of numeric columns x0, x1, ...; 0/1 targets with ``classes`` are binomial."""
    X = np.array(X, dtype=np.float64)
    names = [f"x{j}" for j in range(X.shape[1])]
    features = tuple(FeatureColumn(n, "number", "number", impute=0.0, names=(n,)) for n in names)
    family = "gaussian" if classes is None else "binomial"
    return Dataset(
        source="memory.csv", X=X, y=np.array(y, dtype=np.float64),
        rows_read=len(X) + 1, rows=np.arange(len(X)),
        schema=DataSchema(features, "y", family, classes, "impute"),
        stats=tuple(FeatureStats(n, 0.0) for n in names),
        notes=["a note of the reader"], warnings=[{"code": "early", "message": "from the data"}], **given,
    )  # fmt: skip


@pytest.fixture
def dataset_of():
    return make_dataset


@pytest.fixture
def regression():
    """Return a function that makes the same gaussian dataset anew: fitting uses it up."""

    def make(n=60, p=4, seed=0, **given):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(n, p)) * [1.0, 10.0, 0.1, 2.0][:p] + 1.0
        return make_dataset(X, 5.0 + X[:, 0] + 0.1 * X[:, 1] + rng.normal(size=n), **given)

    return make


@pytest.fixture
def binary():
    """Return a function that makes the same binomial dataset anew."""

    def make(n=120, p=3, seed=1, **given):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(n, p))
        y = (X[:, 0] + rng.logistic(size=n) > 0).astype(float)
        return make_dataset(X, y, classes=("no", "yes"), **given)

    return make
