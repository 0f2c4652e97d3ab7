"""What the Python rivals share: the file in, standardized columns, the answer out."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

FOLDS = 10
GRID = 100


class Frame(NamedTuple):
    """A file: Z (n, p) standardized by mean and scale (p,) over all rows, and the target y (n,)."""

    names: list[str]
    Z: Any
    y: Any
    mean: Any
    scale: Any

    @property
    def shortest(self) -> float:
        """The smallest lambda as a share of the largest, as l2cli and glmnet have it."""
        return 1e-4 if len(self.Z) > self.Z.shape[1] else 1e-2


def read(path: str) -> Frame:
    """Read a CSV file whose last column is the target, by the faster of pandas' readers."""
    with open(path, encoding="utf-8") as handle:
        wide = handle.readline().count(",") > 1000
    frame = pd.read_csv(path, low_memory=False) if wide else pd.read_csv(path, engine="pyarrow")
    X = frame.iloc[:, :-1].to_numpy(np.float64)
    mean, scale = X.mean(axis=0), X.std(axis=0)
    scale[scale == 0] = 1
    return Frame(list(frame.columns[:-1]), (X - mean) / scale, frame.iloc[:, -1].to_numpy(), mean, scale)


def show(frame: Frame, strength: str, value: float, intercept: Any, coef: Any, labels: Any = None) -> None:
    """Print the answer on the original scale. coef : (p,), or (K, p) with labels."""
    print(strength, repr(float(value)))
    rows = np.atleast_2d(coef) / frame.scale
    constants = np.ravel(intercept) - rows @ frame.mean
    for k, (constant, row) in enumerate(zip(constants, rows, strict=True)):
        if labels is not None:
            print("class", labels[k])
        print("intercept", repr(float(constant)))
        print("\n".join(f"coef {name} {float(c)!r}" for name, c in zip(frame.names, row, strict=True)))
