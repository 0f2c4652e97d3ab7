"""How often prediction intervals hold new rows: ``python tests/benchmarks/coverage_predictions.py``.

In every replicate X and y are drawn, a model is fitted, and its 90 % intervals meet new rows: those of the
jackknife+ for gaussian L2, of CV+ for the other penalties and families. Shown are the share of new rows in
them with its Monte Carlo standard error, the share that is guaranteed, the mean width, and how many lie below
and above, beside the naive interval from the residuals of the training rows (on the same scale), which is too
short where the model follows its rows. Where lambda is not given it is chosen on the same rows, which the
guarantee takes as given.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from l2cli import cv, fit
from l2cli.api.arrays import FittedModel
from l2cli.core.anscombe import Anscombe

LEVEL, NEW = 0.9, 100


@dataclass(frozen=True)
class Cell:
    """One setting: n rows, p columns, lambda (None: chosen on the rows), what is drawn, what is fitted.

    noise : ``normal`` and other errors about the mean, or the distribution of counts and amounts with a mean
    of e^eta. sparse : only the first five columns matter.
    """

    name: str
    n: int
    p: int
    lam: float | None = 10.0
    noise: str = "normal"
    sparse: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


LASSO, NET = {"l1_ratio": 1.0}, {"l1_ratio": 0.5}
RELAXED = {"l1_ratio": 1.0, "relax_gamma": 0.0}
POISSON, GAMMA, TWEEDIE = ({"family": name} for name in ("poisson", "gamma", "tweedie"))
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
    Cell("lasso-given", 60, 20, 10.0, options=LASSO),
    Cell("lasso", 100, 20, None, options=LASSO),
    Cell("lasso-wide", 60, 100, None, sparse=True, options=LASSO),
    Cell("lasso-tails", 100, 20, None, "student", options=LASSO),
    Cell("elastic-net", 100, 20, None, options=NET),
    Cell("elastic-net-wide", 60, 100, None, sparse=True, options=NET),
    Cell("relaxed", 100, 20, None, sparse=True, options=RELAXED),
    Cell("relaxed-wide", 60, 100, None, sparse=True, options=RELAXED),
    Cell("group-lasso", 100, 20, None, options={"column_groups": "fives"}),
    Cell("bounds", 100, 20, None, options={"bounds": {"*": (0.0, None)}}),
    Cell("poisson", 100, 10, None, "poisson", options=POISSON),
    Cell("poisson-lasso", 100, 20, None, "poisson", sparse=True, options=POISSON | LASSO),
    Cell("poisson-short", 60, 40, None, "poisson", options=POISSON),
    Cell("poisson-over", 100, 10, None, "negative binomial", options=POISSON),
    Cell("gamma", 100, 10, None, "gamma", options=GAMMA),
    Cell("gamma-lasso", 100, 20, None, "gamma", sparse=True, options=GAMMA | LASSO),
    Cell("tweedie", 100, 10, None, "tweedie", options=TWEEDIE),
)


def targets(cell: Cell, X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the targets (n,) of some rows; unequal errors grow with the size of the first column."""
    count = min(5, cell.p) if cell.sparse else cell.p
    eta = X[:, :count] @ rng.normal(size=count) / np.sqrt(count)
    n, mu = len(eta), np.exp(eta)
    if cell.noise == "poisson":
        y = rng.poisson(2.0 * mu)
    elif cell.noise == "negative binomial":
        y = rng.poisson(2.0 * mu * rng.gamma(2.0, 0.5, size=n))
    elif cell.noise == "gamma":
        y = mu * rng.gamma(2.0, 0.5, size=n)
    elif cell.noise == "tweedie":
        y = mu * np.array([rng.gamma(2.0, 0.4, size=count).sum() for count in rng.poisson(1.25, size=n)])
    elif cell.noise == "student":
        y = eta + rng.standard_t(3, size=n)
    elif cell.noise == "exponential":
        y = eta + rng.exponential(size=n) - 1.0
    else:
        y = eta + rng.normal(size=n) * (0.2 + np.abs(X[:, 0]) if cell.noise == "unequal" else 1.0)
    return np.asarray(y, dtype=np.float64)


def fitted(cell: Cell, X: np.ndarray, y: np.ndarray) -> FittedModel:
    """Return the model: a lambda that is given is judged by folds where there is no closed form."""
    options = {"family": "gaussian"} | dict(cell.options)
    if options.get("column_groups") == "fives":
        groups = {f"g{g}": [f"x{j}" for j in range(g, g + 5)] for g in range(0, cell.p, 5)}
        options["column_groups"] = groups
    if cell.lam is None or not cell.options:
        return fit(X, y, lam=cell.lam, **options)
    model = cv(X, y, lambdas=[cell.lam], **options).refit
    assert isinstance(model, FittedModel)
    return model


class Met(NamedTuple):
    """What new rows met, one number for each replicate."""

    held: np.ndarray
    naive: np.ndarray
    width: np.ndarray
    below: np.ndarray
    above: np.ndarray
    least: np.ndarray


def run(cell: Cell, replicates: int, seed: int) -> Met:
    """Return the shares of new rows in both kinds of interval and beside ours, the widths, the guarantees."""
    met = Met(*np.empty((6, replicates)))
    for i in range(replicates):
        rng = np.random.default_rng([seed, i])
        X = rng.normal(size=(cell.n + NEW, cell.p))
        y = targets(cell, X, rng)
        model = fitted(cell, X[: cell.n], y[: cell.n])
        center, low, high = model.predict(X[cell.n :], interval=LEVEL)
        new, scale = y[cell.n :], Anscombe.of(model.model.likelihood)
        eta = [mu if scale.power == 0.0 else np.log(mu) for mu in (model.predict(X[: cell.n]), center)]
        own = np.quantile(np.abs(scale.residual(y[: cell.n], eta[0])), LEVEL)
        met.held[i], met.below[i], met.above[i] = (
            np.mean(part) for part in ((low <= new) & (new <= high), new < low, new > high)
        )
        met.naive[i] = np.mean(np.abs(scale.residual(new, eta[1])) <= own)
        assert model.model.intervals is not None
        met.width[i], met.least[i] = np.mean(high - low), model.model.intervals.guaranteed(LEVEL)
    return met


def main() -> None:
    """Print one line for each setting."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    words.add_argument("--only", help="settings whose name begins with this")
    words.add_argument("--replicates", type=int, default=400)
    words.add_argument("--seed", type=int, default=0)
    given = words.parse_args()
    warnings.simplefilter("ignore")
    print(
        f"{'setting':18}{'n':>6}{'p':>5}  {'held':>14}{'at least':>10}{'below':>8}{'above':>8}"
        f"{'width':>8}{'naive':>9}"
    )
    for cell in CELLS:
        if given.only and not cell.name.startswith(given.only):
            continue
        met = run(cell, given.replicates, given.seed)
        error = met.held.std(ddof=1) / np.sqrt(len(met.held))
        share = f"{100 * met.held.mean():.1f} % ({100 * error:.1f})"
        sides = "".join(f"{100 * side.mean():6.1f} %" for side in (met.below, met.above))
        print(
            f"{cell.name:18}{cell.n:6}{cell.p:5}  {share:>14}{100 * met.least.min():8.1f} %{sides}"
            f"{met.width.mean():8.2f}{100 * met.naive.mean():7.1f} %",
            flush=True,
        )


if __name__ == "__main__":
    main()
