"""Refits from scratch, written with numpy alone: what cross-validation must agree with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest


@dataclass
class ByHand:
    """A ridge fit of some training rows: imputation, scaling and penalty learned from them."""

    fill: np.ndarray
    coef: np.ndarray
    intercept: float

    def predict(self, X, offset):
        return offset + self.intercept + np.where(np.isnan(X), self.fill, X) @ self.coef


def learn(X, s):
    """Return imputation values, means, population sds and which columns vary, over some rows."""
    fill = np.zeros(X.shape[1])
    for j in range(X.shape[1]):
        present = ~np.isnan(X[:, j])
        if present.any():
            fill[j] = np.average(X[present, j], weights=s[present])
    Z = np.where(np.isnan(X), fill, X)
    mean = np.average(Z, axis=0, weights=s)
    sd = np.sqrt(np.average((Z - mean) ** 2, axis=0, weights=s))
    return fill, mean, sd, sd > 1e-12 * (1.0 + np.abs(mean))


def fit_by_hand(X, y, s, offset, factors, lam, *, intercept=True, standardize=True) -> ByHand:
    fill, mean, sd, live = learn(X, s)
    Z = np.where(np.isnan(X), fill, X)[:, live]
    d = (factors * (sd**2 if standardize else 1.0))[live]
    center = mean[live] if intercept else np.zeros(live.sum())
    r = y - offset
    r_mean = np.average(r, weights=s) if intercept else 0.0
    A = (Z - center) * np.sqrt(s)[:, None]
    size = np.sqrt((A**2).sum(axis=0) + lam * d)
    M = (A.T @ A + lam * np.diag(d)) / np.outer(size, size)
    w = np.zeros(X.shape[1])
    w[live] = np.linalg.lstsq(M, A.T @ ((r - r_mean) * np.sqrt(s)) / size, rcond=1e-13)[0] / size
    return ByHand(fill, w, float(r_mean - center @ w[live]))


@pytest.fixture
def by_hand():
    return fit_by_hand


def metric_by_hand(metric, y, eta, s, train_mean):
    """Return a metric of held-out rows by its definition."""
    p = 1.0 / (1.0 + np.exp(-eta))
    called = (eta > 0.0).astype(float)
    clipped = np.clip(p, 1e-15, 1 - 1e-15)
    share = s / s.sum()
    log_loss = -share @ (y * np.log(clipped) + (1 - y) * np.log(1 - clipped))
    if metric == "auc":
        pairs = s[:, None] * s[None, :] * y[:, None] * (1 - y)[None, :]
        wins = (eta[:, None] > eta[None, :]) + 0.5 * (eta[:, None] == eta[None, :])
        return (pairs * wins).sum() / pairs.sum()
    table = {
        "mse": lambda: share @ (y - eta) ** 2,
        "rmse": lambda: np.sqrt(share @ (y - eta) ** 2),
        "mae": lambda: share @ np.abs(y - eta),
        "r2": lambda: 1.0 - (share @ (y - eta) ** 2) / (share @ (y - train_mean) ** 2),
        "deviance": lambda: share @ (y - eta) ** 2 if set(np.unique(y)) - {0.0, 1.0} else 2.0 * log_loss,
        "log_loss": lambda: log_loss,
        "brier": lambda: share @ (y - p) ** 2,
        "accuracy": lambda: share @ (called == y),
        "error": lambda: share @ (called != y),
        "f1": lambda: 2 * (s @ (called * y)) / (s @ called + s @ y),
    }
    return table[metric]()


@pytest.fixture
def by_definition():
    return metric_by_hand


def fold_losses_by_hand(solve, data, penalty, lambdas, scale, settings):
    """Return the deviance (F, L) of every held-out fold, its model solved alone on the other rows."""
    table = []
    for ids in data.folds.ids:
        for f in range(data.folds.k):
            train, test = ids != f, ids == f
            part = data.problem(*penalty, train, **settings)
            path = solve(part, lambdas * (part.weight_sum if scale == "mean" else 1.0))
            X = np.where(np.isnan(data.X[test]), part.mean, data.X[test])
            b = path.intercept if part.intercept else np.zeros(len(lambdas))
            eta = X @ path.coef + b + data.o[test, None]
            y = data.y[test, None]
            d = (y - eta) ** 2 if data.family == "gaussian" else 2 * (np.logaddexp(0, eta) - y * eta)
            table.append(data.s[test] @ d / data.s[test].sum())
    return np.array(table)


@pytest.fixture
def losses_by_hand():
    return fold_losses_by_hand
