"""How often intervals cover: ``python tests/benchmarks/coverage_coefficients.py [--only NAME]``.

In every replicate X is drawn (rows of correlated normal columns), y from coefficients of which few are not 0,
and lambda is chosen as ``fit`` chooses it. Shown are the shares of intervals that cover the coefficient, of
those that are not 0 and of the others, with Monte Carlo standard errors, and the mean width. The shrunken and
the bootstrap intervals are about the mean of the shrunken estimate and need not cover the coefficient: they
stand beside the debiased ones to show what that costs. Where X and lambda are fixed, ``mean`` is the share of
shrunken intervals that cover what they are made for.
"""

from __future__ import annotations

import argparse
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from l2cli import fit

FloatArray = npt.NDArray[np.float64]


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
    Cell("lasso", 150, 120, 5, 0.5, ("debiased",), l1_ratio=1.0),
    Cell("lasso-correlated", 150, 120, 5, 0.5, ("debiased",), l1_ratio=1.0, correlation=0.8),
    Cell("lasso-wide", 150, 200, 4, 0.5, ("debiased",), l1_ratio=1.0),
    Cell("net-wide", 150, 200, 4, 0.5, ("debiased",), l1_ratio=0.5),
    Cell("logistic", 400, 20, 5, 0.5, ("shrunken", "debiased"), family="binomial"),
    Cell("logistic-lasso", 400, 120, 3, 0.7, ("debiased",), family="binomial", l1_ratio=1.0),
    Cell("poisson", 400, 20, 5, 0.2, ("shrunken", "debiased"), family="poisson"),
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


def coverage(cell: Cell, kind: str, replicates: int) -> dict[str, FloatArray]:
    """Return, per replicate, the shares covered of ``nonzero``, ``zero`` and ``mean``, and the mean width."""
    beta = np.zeros(cell.p)
    beta[np.random.default_rng(5).permutation(cell.p)[: cell.nonzero]] = cell.size
    found: dict[str, list[float]] = {"nonzero": [], "zero": [], "mean": [], "width": []}
    for replicate in range(replicates):
        rng = np.random.default_rng([17, replicate])
        X = columns(cell, rng if cell.lam is None else np.random.default_rng(3))
        y = target(cell, X @ beta, rng)
        settings: dict[str, Any] = {"family": cell.family, "l1_ratio": cell.l1_ratio, "lam": cell.lam}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rows = fit(X, y, inference=kind, jobs=1, **settings).to_dict()["coefficients"]
        low, high = (np.array([row[key] for row in rows], dtype=np.float64) for key in ("ci_low", "ci_high"))
        covered = (low <= beta) & (beta <= high)
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
    asked = parser.parse_args()
    names = set(filter(None, asked.only.split(",")))
    print("| cell | rows x features | intervals | nonzero | zero | mean of the estimate | width |")
    print("|---|---|---|---|---|---|---|")
    for cell in CELLS:
        if names and cell.name not in names:
            continue
        for kind in cell.kinds:
            # a bootstrap is hundreds of fits
            found = coverage(cell, kind, asked.replicates if kind != "bootstrap" else asked.replicates // 8)
            shown = [share(found[key]) for key in ("nonzero", "zero", "mean")]
            size, width = f"{cell.n} x {cell.p}", f"{found['width'].mean():.3f}"
            print(f"| {cell.name} | {size} | {kind} | {' | '.join(shown)} | {width} |", flush=True)


def share(values: FloatArray) -> str:
    """Return a mean share in percent with its standard error."""
    if not len(values):
        return ""
    return f"{100 * values.mean():.1f} +- {100 * values.std(ddof=1) / np.sqrt(len(values)):.1f}"


if __name__ == "__main__":
    main()
