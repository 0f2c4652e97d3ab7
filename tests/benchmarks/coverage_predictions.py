"""How often prediction intervals hold new rows: ``python tests/benchmarks/coverage_predictions.py``.

In every replicate X and y are drawn, a ridge is fitted, and its 90 % jackknife+ intervals meet new rows.
Shown are the share of new rows in them with its Monte Carlo standard error and the mean width, beside the
naive interval from the residuals of the training rows, which is too short where the model follows its rows.
``chosen`` chooses lambda on the same rows, which the guarantee (at least 80 %) takes as given.
"""

from __future__ import annotations

import argparse
import warnings
from dataclasses import dataclass

import numpy as np

from l2cli import fit, predict

LEVEL, NEW = 0.9, 100


@dataclass(frozen=True)
class Cell:
    """One setting: n rows, p columns, noise of a distribution, lambda (None: chosen on the rows)."""

    name: str
    n: int
    p: int
    lam: float | None = 10.0
    noise: str = "normal"


CELLS = (
    Cell("long", 200, 10),
    Cell("long-chosen", 200, 10, None),
    Cell("long-unpenalized", 60, 20, 0.0),
    Cell("square", 60, 60),
    Cell("square-chosen", 60, 60, None),
    Cell("wide-chosen", 60, 200, None),
    Cell("heavy-tails", 100, 20, None, "student"),
    Cell("skewed", 100, 20, None, "exponential"),
    Cell("unequal", 100, 20, None, "unequal"),
    Cell("part-of-rows", 5000, 400, None),
)


def noise(cell: Cell, rng: np.random.Generator, first: np.ndarray) -> np.ndarray:
    """Return errors (n,); unequal ones grow with the size of the ``first`` column."""
    n = len(first)
    if cell.noise == "student":
        return rng.standard_t(3, size=n)
    if cell.noise == "exponential":
        return rng.exponential(size=n) - 1.0
    return rng.normal(size=n) * (0.2 + np.abs(first) if cell.noise == "unequal" else 1.0)


def run(cell: Cell, replicates: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return of every replicate the shares that both kinds of interval held, and the mean width."""
    held, naive, width = np.empty(replicates), np.empty(replicates), np.empty(replicates)
    for i in range(replicates):
        rng = np.random.default_rng([seed, i])
        X = rng.normal(size=(cell.n + NEW, cell.p))
        y = X @ rng.normal(size=cell.p) / np.sqrt(cell.p) + noise(cell, rng, X[:, 0])
        model = fit(X[: cell.n], y[: cell.n], lam=cell.lam)
        centre, low, high = predict(model, X[cell.n :], interval=LEVEL)
        new = y[cell.n :]
        own = np.quantile(np.abs(y[: cell.n] - model.predict(X[: cell.n])), LEVEL)
        held[i], naive[i] = np.mean((low <= new) & (new <= high)), np.mean(np.abs(new - centre) <= own)
        width[i] = np.mean(high - low)
    return held, naive, width


def main() -> None:
    """Print one line for each setting."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    words.add_argument("--only", help="settings whose name begins with this")
    words.add_argument("--replicates", type=int, default=400)
    words.add_argument("--seed", type=int, default=0)
    given = words.parse_args()
    warnings.simplefilter("ignore")
    print(f"{'setting':18}{'n':>6}{'p':>5}  {'jackknife+':>16}{'naive':>9}{'width':>8}")
    for cell in CELLS:
        if given.only and not cell.name.startswith(given.only):
            continue
        held, naive, width = run(cell, given.replicates, given.seed)
        error = held.std(ddof=1) / np.sqrt(len(held))
        share = f"{100 * held.mean():.1f} % ({100 * error:.1f})"
        print(
            f"{cell.name:18}{cell.n:6}{cell.p:5}  {share:>16}{100 * naive.mean():7.1f} %{width.mean():8.2f}"
        )


if __name__ == "__main__":
    main()
