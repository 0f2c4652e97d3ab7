"""Data for the benchmarks: drawn from a seed, written as CSV and Parquet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from l2bench.losses import FloatArray


@dataclass(frozen=True)
class Recipe:
    """What a contest is about.

    effects : how many columns have an effect; None: all but every fourth. l1_ratio : r of the penalty.
    group_size : columns per group, neighbours together. digits : scikit-learn's handwritten digits in a
    shuffled order instead of drawn data (rows and columns say what they are).
    """

    family: str
    rows: int
    columns: int
    effects: int | None = None
    l1_ratio: float = 0.0
    group_size: int = 1
    digits: bool = False

    def scaled(self, scale: float) -> Recipe:
        """Return the same with a share of the rows; of the columns too where they are the many.

        The digits keep 600 rows: ten classes need some rows in each of ten folds.
        """
        values = dict(vars(self))
        if self.digits:
            return Recipe(**values | {"rows": max(600, int(self.rows * scale))})
        if self.rows >= self.columns:
            values["rows"] = max(self.columns + 10, int(self.rows * scale))
        else:
            values["rows"] = max(50, int(self.rows * scale))
            values["columns"] = max(2 * values["rows"], int(self.columns * scale))
        return Recipe(**values)


@dataclass(frozen=True)
class Problem:
    """One data set.

    X : (n, p) float64. y : (n,) float64, 0/1 for binomial, the numbers of ``labels`` for multinomial.
    csv, parquet : its files.
    """

    recipe: Recipe
    X: FloatArray
    y: FloatArray
    csv: Path
    parquet: Path
    labels: tuple[str, ...] = ()

    @property
    def family(self) -> str:
        """The family."""
        return self.recipe.family

    @property
    def names(self) -> list[str]:
        """The columns of X."""
        return [f"x{j + 1}" for j in range(self.X.shape[1])]

    def groups(self) -> str:
        """Return the groups as l2cli takes them: g1=x1,x2;g2=x3,x4."""
        size = self.recipe.group_size
        parts = [self.names[k : k + size] for k in range(0, len(self.names), size)]
        return ";".join(f"g{k + 1}={','.join(part)}" for k, part in enumerate(parts))


def draw(recipe: Recipe, seed: np.random.SeedSequence) -> tuple[FloatArray, FloatArray]:
    """Draw correlated columns of differing scale and a target that they explain about half of.

    Neighbouring columns correlate by 0.5; scales run from 0.1 to 10. Values are rounded to five decimals, as
    measured values are. Columns with an effect stand evenly spread, or together in whole groups.
    """
    rng = np.random.default_rng(seed)
    rows, columns = recipe.rows, recipe.columns
    X = rng.standard_normal((rows, columns))
    for j in range(1, columns):
        X[:, j] = 0.5 * X[:, j - 1] + np.sqrt(0.75) * X[:, j]
    effect = rng.standard_normal(columns)
    if recipe.effects is None:
        effect[::4] = 0
    else:
        size = recipe.group_size
        spread = np.linspace(0, columns // size - 1, recipe.effects // size).round().astype(int)
        effect[~np.isin(np.arange(columns) // size, spread)] = 0
    signal = X @ effect
    signal /= signal.std()
    X *= 10 ** rng.uniform(-1, 1, columns)
    np.round(X, 5, out=X)
    if recipe.family == "gaussian":
        return X, np.round(50 + 10 * (signal + rng.standard_normal(rows)), 5)
    if recipe.family == "poisson":
        return X, rng.poisson(np.exp(0.5 + 0.7 * signal)).astype(np.float64)
    return X, (rng.random(rows) < 1 / (1 + np.exp(-0.5 - 1.5 * signal))).astype(np.float64)


def load_digits(rows: int, seed: np.random.SeedSequence) -> tuple[FloatArray, FloatArray, tuple[str, ...]]:
    """Return up to 1,797 pictures of 8 x 8 pixels, the digits they show, and the ten labels."""
    from sklearn import datasets

    X, y = datasets.load_digits(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(y))[:rows]
    names = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    labels = tuple(sorted(names))
    return X[order], np.array([labels.index(names[k]) for k in y[order]], dtype=np.float64), labels


def make(recipe: Recipe, seed: np.random.SeedSequence, folder: Path, csv: bool = True) -> Problem:
    """Draw a problem and write its files into ``folder``; the target is the last column, ``y``.

    ``csv`` : write the CSV file too, not only Parquet.
    """
    import pyarrow as pa
    from pyarrow import csv as arrow_csv
    from pyarrow import parquet

    labels: tuple[str, ...] = ()
    if recipe.digits:
        X, y, labels = load_digits(recipe.rows, seed)
    else:
        X, y = draw(recipe, seed)
    problem = Problem(recipe, X, y, folder / "data.csv", folder / "data.parquet", labels)
    target: Any = y if recipe.family == "gaussian" else y.astype(np.int64)
    if labels:
        target = [labels[k] for k in target]
    arrays = [pa.array(np.ascontiguousarray(X[:, j])) for j in range(X.shape[1])]
    table = pa.table([*arrays, pa.array(target)], names=[*problem.names, "y"])
    if csv:
        options = arrow_csv.WriteOptions(quoting_style="none")
        arrow_csv.write_csv(table, str(problem.csv), write_options=options)
    parquet.write_table(table, str(problem.parquet))
    return problem
