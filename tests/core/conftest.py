"""Data that the tests of several solvers share."""

from __future__ import annotations

import numpy as np
import pytest


def draw(family="gaussian", n=90, p=10, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * 10.0 ** rng.uniform(-1, 1, p)
    X[:, 1] += X[:, 0]
    eta = X[:, :3] / X[:, :3].std(axis=0) @ [1.0, -0.5, 0.7]
    y = {
        "gaussian": eta + rng.normal(size=n),
        "binomial": (eta + rng.logistic(size=n) > 0).astype(float),
        "multinomial": np.digitize(eta + rng.logistic(size=n), [-1.0, 1.0]).astype(float),
        "poisson": rng.poisson(np.exp(0.5 * eta)).astype(float),
        "gamma": rng.gamma(2.0, np.exp(0.5 * eta)),
        "tweedie": rng.poisson(np.exp(0.3 * eta)) * rng.gamma(2.0, 0.5, n),
    }[family]
    return X, y, rng.uniform(0.3, 2.0, n)


@pytest.fixture
def data():
    """Return a function that draws X, y and weights for a family."""
    return draw
