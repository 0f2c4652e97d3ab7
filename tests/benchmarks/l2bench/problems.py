"""Data for the benchmarks: drawn from a seed, written as CSV and Parquet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Problem:
    """One drawn data set.

    X : (n, p) float64. y : (n,) float64, 0/1 for binomial. csv, parquet : its files.
    """

    family: str
    X: FloatArray
    y: FloatArray
    csv: Path
    parquet: Path


def draw(family: str, rows: int, columns: int, seed: np.random.SeedSequence) -> tuple[FloatArray, FloatArray]:
    """Draw correlated columns of differing scale and a target that they explain about half of.

    Neighbouring columns correlate by 0.5; scales run from 0.1 to 10; every fourth column has no effect.
    Values are rounded to five decimals, as measured values are.
    """
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((rows, columns))
    for j in range(1, columns):
        X[:, j] = 0.5 * X[:, j - 1] + np.sqrt(0.75) * X[:, j]
    effect = rng.standard_normal(columns)
    effect[::4] = 0
    signal = X @ effect
    signal /= signal.std()
    X *= 10 ** rng.uniform(-1, 1, columns)
    X = np.round(X, 5)
    if family == "gaussian":
        return X, np.round(50 + 10 * (signal + rng.standard_normal(rows)), 5)
    return X, (rng.random(rows) < 1 / (1 + np.exp(-0.5 - 1.5 * signal))).astype(np.float64)


def make(family: str, rows: int, columns: int, seed: np.random.SeedSequence, folder: Path) -> Problem:
    """Draw a problem and write its files into ``folder``; the target is the last column, ``y``."""
    import pyarrow as pa
    from pyarrow import csv, parquet

    X, y = draw(family, rows, columns, seed)
    names = [f"x{j + 1}" for j in range(columns)]
    arrays: list[Any] = [pa.array(np.ascontiguousarray(X[:, j])) for j in range(columns)]
    arrays.append(pa.array(y if family == "gaussian" else y.astype(np.int64)))
    table = pa.table(arrays, names=[*names, "y"])
    paths = folder / "data.csv", folder / "data.parquet"
    csv.write_csv(table, str(paths[0]), write_options=csv.WriteOptions(quoting_style="none"))
    parquet.write_table(table, str(paths[1]))
    return Problem(family, X, y, *paths)
