"""skglm's SparseLogisticRegression over folds and lambdas, each from the lambda before: CSV file and seed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from frame import FOLDS, GRID, read, show
from joblib import Parallel, delayed
from skglm import SparseLogisticRegression
from sklearn.model_selection import StratifiedKFold


def path(Z: Any, y: Any, alphas: Any) -> Iterator[Any]:
    """Yield the model at every strength, large to small."""
    model = SparseLogisticRegression(warm_start=True)
    for alpha in alphas:
        model.alpha = float(alpha)
        yield model.fit(Z, y)


def losses(Z: Any, y: Any, train: Any, test: Any, alphas: Any) -> list[float]:
    """Return the mean loss on the test rows for every strength."""
    values = []
    for model in path(Z[train], y[train], alphas):
        eta = Z[test] @ model.coef_[0] + np.ravel(model.intercept_)[0]
        values.append(np.mean(np.logaddexp(0, eta) - y[test] * eta))
    return values


if __name__ == "__main__":
    frame = read(sys.argv[1])
    Z, y = np.asfortranarray(frame.Z), frame.y.astype(float)
    largest = np.abs(Z.T @ (y - y.mean())).max() / len(y)
    alphas = largest * np.logspace(0, np.log10(frame.shortest), GRID)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=int(sys.argv[2])).split(Z, y)
    found = Parallel(n_jobs=-1)(delayed(losses)(Z, y, train, test, alphas) for train, test in folds)
    best = int(np.mean(found, axis=0).argmin())
    *_, model = path(Z, y, alphas[: best + 1])
    show(frame, "mean_alpha", alphas[best], np.ravel(model.intercept_), model.coef_)
