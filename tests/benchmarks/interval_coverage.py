"""Coverage of the 90 % intervals of ``cv``: what they cover, how often, and the naive interval beside them.

    python tests/benchmarks/interval_coverage.py [REPLICATES] [CELL ...]

Each cell draws a coefficient vector, rows and a target REPLICATES times (default 400), runs ``l2cli.cv`` and
asks whether the interval holds the average risk of the fold models at the chosen lambda (``fold``, the target
it names) and the risk of the refit (``refit``), both under the known law: for gaussian rows
sigma^2 + |C^1/2 (b - beta)|^2 + b0^2 (mse), else by 20,000 new rows. ``naive`` is the mean plus or
minus 1.645 standard errors of the n losses, uncorrected. ``bias`` is the mean of the estimate less the fold
risk, for the minimum as it is and corrected for the choice, in percent of the risk.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from l2cli.core.grid import lambda_grid
from l2cli.core.metrics import losses
from l2cli.core.path import solve_path
from l2cli.core.problem import Problem, make_problem
from l2cli.data.folds import Folds, draw_folds, time_folds
from l2cli.data.time_order import TimeColumn
from l2cli.gap import NO_GAP
from l2cli.select.confidence import interval, judge
from l2cli.select.curve import best_of
from l2cli.select.cv import CVResult, cross_validate, fold_fits
from l2cli.select.nested import nested
from l2cli.select.spread import joint_spread, row_spread, share_of_rows
from l2cli.spec import GridSpec

Draw = Callable[[int], tuple[np.ndarray, np.ndarray]]
NEW_ROWS = 20_000
NORMAL = 1.6448536


@dataclass(frozen=True)
class Cell:
    """One law of rows and targets."""

    n: int
    p: int
    snr: float
    family: str = "gaussian"
    metric: str = "mse"
    l1_ratio: float = 0.0
    k: int = 10
    correlation: float = 0.0
    heavy: bool = False
    group: int = 1
    serial: float | None = None
    """Correlation of the noise with that of the row before; given, folds are in time order."""
    mixes: tuple[float, ...] = ()
    """Several l1_ratio, tuned with lambda: the first is that of the law."""
    rare: float = 0.0
    """What the logit of a positive row is less."""
    level: bool = False
    """Columns have one value in each group."""

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, Draw]:
        """Return coefficients, a root of the covariance, and the function that draws rows and targets."""
        at = np.arange(self.p)
        root = np.linalg.cholesky(
            self.correlation ** np.abs(np.subtract.outer(at, at)) + 1e-12 * np.eye(self.p)
        )
        beta = rng.normal(size=self.p) * (rng.random(self.p) < (0.2 if self.l1_ratio else 1.0))
        beta *= np.sqrt(self.snr) / max(float(np.linalg.norm(root.T @ beta)), 1e-12)

        def rows(n: int) -> tuple[np.ndarray, np.ndarray]:
            units = n // self.group if self.level else n
            X = (rng.normal(size=(units, self.p)) @ root.T).repeat(n // units, axis=0)
            eta = X @ beta
            if self.family == "binomial":
                eta = eta - self.rare
                if self.group > 1:
                    eta = eta + rng.normal(size=n // self.group).repeat(self.group)
                return X, (rng.random(n) < 1.0 / (1.0 + np.exp(-eta))).astype(float)
            if self.family == "poisson":
                return X, rng.poisson(np.exp(np.clip(eta, -20.0, 4.0))).astype(float)
            noise = rng.standard_t(5, n) * np.sqrt(0.6) if self.heavy else rng.normal(size=n)
            if self.group > 1:
                noise = (noise + rng.normal(size=n // self.group).repeat(self.group)) / np.sqrt(2.0)
            if self.serial:
                for i in range(1, n):
                    noise[i] = self.serial * noise[i - 1] + np.sqrt(1.0 - self.serial**2) * noise[i]
            return X, eta + noise

        return beta, root, rows


CELLS = {
    "n60": Cell(60, 20, 1.0),
    "n200": Cell(200, 20, 1.0),
    "n500": Cell(500, 10, 1.0),
    "weak": Cell(100, 10, 0.1),
    "n40": Cell(40, 5, 1.0),
    "near": Cell(100, 90, 0.5),
    "near-strong": Cell(100, 90, 5.0),
    "wide": Cell(50, 100, 1.0),
    "heavy": Cell(200, 20, 1.0, heavy=True),
    "correlated": Cell(60, 20, 5.0, correlation=0.9),
    "folds5": Cell(60, 20, 1.0, k=5),
    "grouped": Cell(200, 10, 1.0, group=5),
    "grouped-few": Cell(200, 10, 1.0, group=10),
    "grouped-level": Cell(200, 10, 1.0, group=5, level=True),
    "grouped-level-few": Cell(200, 5, 1.0, group=10, level=True),
    "mae": Cell(100, 10, 1.0, metric="mae"),
    "lasso": Cell(100, 50, 1.0, l1_ratio=1.0),
    "joint": Cell(100, 50, 1.0, l1_ratio=1.0, mixes=(1.0, 0.5, 0.1, 0.0)),
    "logistic": Cell(200, 10, 2.0, "binomial", "deviance"),
    "logistic-error": Cell(200, 10, 2.0, "binomial", "error"),
    "logistic-auc": Cell(200, 10, 2.0, "binomial", "auc"),
    "auc-long": Cell(600, 10, 1.0, "binomial", "auc"),
    "auc-few": Cell(80, 5, 2.0, "binomial", "auc", k=5),
    "auc-rare": Cell(400, 5, 1.0, "binomial", "auc", k=5, rare=2.5),
    "auc-grouped": Cell(400, 5, 1.0, "binomial", "auc", group=5, level=True),
    "logistic-f1": Cell(200, 10, 2.0, "binomial", "f1"),
    "r2": Cell(200, 10, 1.0, metric="r2"),
    "poisson": Cell(200, 10, 0.5, "poisson", "deviance"),
    "time": Cell(220, 5, 1.0, serial=0.0),
    "time-serial": Cell(220, 5, 1.0, serial=0.8),
    "time-long": Cell(1100, 5, 1.0, serial=0.9),
    "time-folds5": Cell(220, 5, 1.0, k=5, serial=0.8),
    "time-folds20": Cell(1100, 5, 1.0, k=20, serial=0.8),
}


def replicate(cell: Cell, seed: int, *, nest: bool = False) -> dict[str, float]:
    """Return, of one draw, which intervals held which risk, and by how much the estimates were off."""
    rng = np.random.default_rng([seed, cell.n, cell.p])
    beta, root, rows = cell.draw(rng)
    X, y = rows(cell.n)
    new_X, new_y = (X, y) if cell.metric == "mse" else rows(NEW_ROWS)
    groups = np.arange(cell.n) // cell.group if cell.group > 1 else None
    strata = y.astype(np.int64) if cell.family == "binomial" else None
    problem = make_problem(X, y, family=cell.family, l1_ratio=cell.l1_ratio)
    folds = draw_folds(cell.n, cell.k, seed=seed, strata=strata, groups=groups)
    if cell.serial is not None:
        folds = time_folds(TimeColumn("row", np.arange(cell.n)), cell.k, NO_GAP)
    results = [validated(problem, folds, ratio, cell.metric) for ratio in cell.mixes or (cell.l1_ratio,)]
    curves = [result.curve for result in results]
    best = best_of(curves)
    result, curve, at = results[best], curves[best], curves[best].index_min
    lam, ratio = curve.lambdas[[at]], result.fits.problem.l1_ratio

    def risk(X_train: np.ndarray, y_train: np.ndarray) -> tuple[float, float]:
        part = make_problem(X_train, y_train, family=cell.family, l1_ratio=ratio)
        path = solve_path(part, lam)
        df = float(path.effective_df[0])
        if cell.metric == "mse":
            off = float(np.sum((root.T @ (path.coef[:, 0] - beta)) ** 2) + path.intercept[0] ** 2)
            return 1.0 + off, df
        eta = new_X @ path.coef + path.intercept
        return float(losses(cell.metric, part.likelihood, new_y, eta)[0]), df

    refit, df = risk(X, y)
    training = [folds.training(i) for i in range(cell.k)]
    fold = float(np.mean([risk(X[train], y[train])[0] for train in training]))
    spread = joint_spread(results, groups)
    sign = -1.0 if curve.greater_is_better else 1.0
    raw = float(curve.mean[at])
    corrected = raw + sign * judge(curves, spread, "min", seed).optimism
    place = at + sum(len(one.lambdas) for one in curves[:best])
    variance, share = float(spread.covariance[place, place]), share_of_rows(problem, df, groups)
    span = interval(corrected, variance, spread, cell.metric, share)
    if cell.serial is not None:  # what the rows say, were they independent
        variance = float(row_spread(result.fits, lam, cell.metric, curve.mean[[at]]).covariance[0, 0])
    half = NORMAL * np.sqrt(variance)

    def held(low: float | None, high: float | None, value: float) -> float:
        return float(low is not None and high is not None and low <= value <= high)

    found = {
        "fold": held(span.low, span.high, fold),
        "refit": held(span.low, span.high, refit),
        "naive": held(raw - half, raw + half, fold),
        "raw": raw / fold - 1.0,
        "corrected": corrected / fold - 1.0,
    }
    if nest:
        outer = nested(result, "sum", "min", groups=groups)
        value = outer.value
        span = interval(value, float(outer.spread.covariance[0, 0]), outer.spread, cell.metric, share)
        found |= {"nested": held(span.low, span.high, fold), "nested off": value / fold - 1.0}
    return found


def validated(problem: Problem, folds: Folds, l1_ratio: float, metric: str) -> CVResult:
    """Return the cross-validation of a mix of L1 and L2."""
    mixed = problem._replace(l1_ratio=l1_ratio)
    grid, automatic = lambda_grid(GridSpec(count=40), mixed)
    return cross_validate(
        fold_fits(mixed, folds, "sum", jobs=1), folds, grid, metric=metric, automatic=automatic
    )


def study(cell: Cell, replicates: int, *, nest: bool = False) -> dict[str, float]:
    """Return the means over the replicates."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = [replicate(cell, i, nest=nest) for i in range(replicates)]
    return {key: float(np.mean([one[key] for one in found])) for key in found[0]}


def main(arguments: list[str]) -> None:
    """Print a table, a row for each cell."""
    replicates = int(arguments[0]) if arguments else 400
    print(f"{replicates} replicates; standard error of 90 %: {100 * (0.09 / replicates) ** 0.5:.1f} %")
    print("| cell | fold | refit | nested | naive | bias of the minimum | corrected | nested |")
    print("|---|---|---|---|---|---|---|---|")
    for name in arguments[1:] or CELLS:
        cell = CELLS[name]
        row = study(cell, replicates, nest=cell.family == "gaussian" and not cell.mixes)
        text = [f"{100 * row[key]:.1f}" if key in row else "" for key in ("fold", "refit", "nested", "naive")]
        text += [f"{100 * row[key]:+.1f}" if key in row else "" for key in ("raw", "corrected", "nested off")]
        print(f"| {name} | {' | '.join(text)} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
