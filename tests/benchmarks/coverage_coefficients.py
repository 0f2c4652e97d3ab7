"""How often intervals cover: ``python tests/benchmarks/coverage_coefficients.py [--only NAME]``.

In every replicate X is drawn (rows of correlated normal columns), y from coefficients of which few are not 0,
and lambda is chosen as ``fit`` chooses it, with an L1 part from 20 values by 5 folds, which is quicker. Shown
are the shares of intervals that cover the coefficient, of those that are not 0 and of the others, with Monte
Carlo standard errors, and the mean width. The shrunken and the bootstrap intervals are about the mean of the
shrunken estimate and need not cover the coefficient: they stand beside the debiased ones to show what that
costs. Where X and lambda are fixed, ``mean`` is the share of shrunken intervals that cover what they are made
for. ``naive`` is the share of intervals that cover of the unpenalized fit to the columns that a penalized one
with an L1 part keeps, as if nothing had chosen them.
"""

from __future__ import annotations

import argparse
import warnings
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from l2cli import fit
from l2cli.api.arrays import FittedModel
from l2cli.errors import FitError

FloatArray = npt.NDArray[np.float64]
SHARES = ("nonzero", "zero", "mean", "naive")


@dataclass(frozen=True)
class Cell:
    """One setting: ``nonzero`` of p coefficients are ``size``, neighbours correlate by ``correlation``."""

    name: str
    n: int
    p: int
    nonzero: int
    size: float
    kinds: tuple[str, ...]
    family: str = "gaussian"
    l1_ratio: float = 0.0
    correlation: float = 0.5
    lam: float | None = None
    """Given: then X is the same in every replicate."""


CELLS = (
    Cell("ridge", 200, 20, 20, 0.15, ("shrunken", "debiased", "bootstrap")),
    Cell("ridge-fixed", 100, 10, 10, 0.3, ("shrunken", "debiased"), lam=30.0),
    Cell("lasso-long", 200, 20, 5, 0.3, ("debiased", "bootstrap"), l1_ratio=1.0),
    Cell("lasso", 100, 80, 3, 0.6, ("debiased",), l1_ratio=1.0),
    Cell("lasso-correlated", 100, 80, 3, 0.6, ("debiased",), l1_ratio=1.0, correlation=0.8),
    Cell("lasso-wide", 100, 150, 3, 0.6, ("debiased",), l1_ratio=1.0),
    Cell("net-wide", 100, 150, 3, 0.6, ("debiased",), l1_ratio=0.5),
    Cell("logistic", 400, 20, 5, 0.5, ("shrunken", "debiased"), family="binomial"),
    Cell("logistic-lasso", 300, 80, 3, 0.7, ("debiased",), family="binomial", l1_ratio=1.0),
    Cell("logistic-strong", 300, 80, 3, 1.3, ("debiased",), family="binomial", l1_ratio=1.0),
    Cell("logistic-wide", 150, 160, 2, 1.0, ("debiased",), family="binomial", l1_ratio=1.0),
    Cell("poisson", 400, 20, 5, 0.2, ("shrunken", "debiased"), family="poisson"),
    Cell("poisson-lasso", 200, 80, 3, 0.3, ("debiased",), family="poisson", l1_ratio=1.0),
)


def columns(cell: Cell, rng: np.random.Generator) -> FloatArray:
    """Return (n, p) normal columns, each correlating with the one before."""
    noise = rng.normal(size=(cell.n, cell.p))
    X = noise.copy()
    for j in range(1, cell.p):
        X[:, j] = cell.correlation * X[:, j - 1] + np.sqrt(1.0 - cell.correlation**2) * noise[:, j]
    return X


def target(cell: Cell, eta: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return (n,) targets of the family at eta."""
    if cell.family == "gaussian":
        return np.asarray(eta + rng.normal(size=cell.n))
    if cell.family == "poisson":
        return np.asarray(rng.poisson(np.exp(eta)), dtype=np.float64)
    return np.asarray(rng.uniform(size=cell.n) < 1.0 / (1.0 + np.exp(-eta)), dtype=np.float64)


def shrunken_mean(cell: Cell, X: FloatArray, beta: FloatArray) -> FloatArray:
    """Return the mean (p,) of a gaussian ridge at ``cell.lam`` over the noise."""
    assert cell.lam is not None
    scale = X.std(axis=0)
    Z = (X - X.mean(axis=0)) / scale
    G = Z.T @ Z
    return np.asarray(np.linalg.solve(G + cell.lam * np.eye(cell.p), G @ (beta * scale)) / scale)


def ends(model: FittedModel) -> tuple[FloatArray, FloatArray]:
    """Return the lower and the upper ends (p,) of the intervals of a fit."""
    rows = model.to_dict()["coefficients"]
    low, high = (np.array([row[key] for row in rows], dtype=np.float64) for key in ("ci_low", "ci_high"))
    return low, high


def covers(low: FloatArray, high: FloatArray, beta: FloatArray) -> npt.NDArray[np.bool_]:
    """Return which coefficients (p,) are in their intervals."""
    return np.asarray((low <= beta) & (beta <= high))


def coverage(cell: Cell, kind: str, replicates: int) -> dict[str, FloatArray]:
    """Return, per replicate, the shares covered of ``nonzero``, ``zero``, ``mean``, ``naive``, and width."""
    beta = np.zeros(cell.p)
    beta[np.random.default_rng(5).permutation(cell.p)[: cell.nonzero]] = cell.size
    found: dict[str, list[float]] = {key: [] for key in (*SHARES, "width")}
    for replicate in range(replicates):
        rng = np.random.default_rng([17, replicate])
        X = columns(cell, rng if cell.lam is None else np.random.default_rng(3))
        y = target(cell, X @ beta, rng)
        settings: dict[str, Any] = {"family": cell.family, "l1_ratio": cell.l1_ratio, "lam": cell.lam}
        if cell.lam is None and cell.l1_ratio > 0.0:
            settings |= {"lambdas": cell.n * np.geomspace(1.0, 0.01, 20), "folds": 5}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = fit(X, y, inference=kind, jobs=1, **settings)
            low, high = ends(model)
            kept = np.flatnonzero(model.coef)
            if cell.l1_ratio > 0.0 and len(kept):
                with suppress(FitError):  # the classes may be separated
                    bare = fit(X[:, kept], y, lam=0.0, family=cell.family, inference="debiased", jobs=1)
                    found["naive"].append(float(covers(*ends(bare), beta[kept]).mean()))
        covered = covers(low, high, beta)
        found["nonzero"].append(float(covered[beta != 0.0].mean()))
        if (beta == 0.0).any():
            found["zero"].append(float(covered[beta == 0.0].mean()))
        if cell.lam is not None and kind == "shrunken":
            mean = shrunken_mean(cell, X, beta)
            found["mean"].append(float(((low <= mean) & (mean <= high)).mean()))
        found["width"].append(float((high - low).mean()))
    return {key: np.array(values) for key, values in found.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--replicates", type=int, default=400)
    parser.add_argument("--only", default="", help="names of cells, comma between them")
    parser.add_argument("--kinds", default="shrunken,debiased,bootstrap", help="kinds of intervals, likewise")
    asked = parser.parse_args()
    names = set(filter(None, asked.only.split(",")))
    print("| cell | rows x features | intervals | nonzero | zero | mean of the estimate | naive | width |")
    print("|---|---|---|---|---|---|---|---|")
    for cell in CELLS:
        if names and cell.name not in names:
            continue
        for kind in (kind for kind in cell.kinds if kind in asked.kinds.split(",")):
            # a bootstrap is hundreds of fits
            found = coverage(cell, kind, asked.replicates if kind != "bootstrap" else asked.replicates // 8)
            shown = [share(found[key]) for key in SHARES]
            size, width = f"{cell.n} x {cell.p}", f"{found['width'].mean():.3f}"
            print(f"| {cell.name} | {size} | {kind} | {' | '.join(shown)} | {width} |", flush=True)


def share(values: FloatArray) -> str:
    """Return a mean share in percent with its standard error."""
    if not len(values):
        return ""
    return f"{100 * values.mean():.1f} +- {100 * values.std(ddof=1) / np.sqrt(len(values)):.1f}"


if __name__ == "__main__":
    main()
