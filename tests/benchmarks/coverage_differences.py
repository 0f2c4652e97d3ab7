"""How often the interval of a difference in ``compare`` holds that of the risks, and what it detects.

    python tests/benchmarks/coverage_differences.py [REPLICATES] [CELL ...]

Each cell draws rows and a target REPLICATES times (default 400) and compares ridge and lasso, tuned inside
the folds, the intercept alone and, of enough rows, least squares. The truth is the difference of the average
risks of the fold models under the known law. Beside the interval of ``compare`` (95 %) stand the corrected t
of the k fold values alone (Nadeau and Bengio 2003) and the rows' without correction, both of the plain
difference; ``detected`` is how often ridge is found to differ from the intercept alone, by each test.
"""

from __future__ import annotations

import sys
import warnings
from itertools import combinations

import numpy as np
from interval_coverage import NEW_ROWS, Cell

from l2cli.core.grid import lambda_grid
from l2cli.core.metrics import losses
from l2cli.core.path import solve_path
from l2cli.core.problem import Problem, make_problem
from l2cli.core.student import two_sided_quantile
from l2cli.data.folds import draw_folds
from l2cli.select.candidates import Candidate, parse_candidates
from l2cli.select.compare import Comparison, Contender
from l2cli.select.cv import fold_fits
from l2cli.select.scores import Scores, compare_pair, model_spread
from l2cli.select.spread import overlap_factor
from l2cli.spec import GridSpec

NORMAL = 1.959964
CELLS = {
    "n40": Cell(40, 5, 1.0),
    "n60": Cell(60, 20, 1.0),
    "n200": Cell(200, 20, 1.0),
    "no signal": Cell(60, 10, 1e-9),
    "weak": Cell(100, 10, 0.1),
    "strong": Cell(60, 5, 5.0),
    "correlated": Cell(60, 20, 5.0, correlation=0.9),
    "heavy": Cell(200, 20, 1.0, heavy=True),
    "near": Cell(100, 60, 0.5),
    "wide": Cell(50, 100, 1.0),
    "lasso": Cell(100, 50, 1.0, l1_ratio=1.0),
    "grouped": Cell(200, 10, 1.0, group=5),
    "folds5": Cell(60, 20, 1.0, k=5),
    "logistic": Cell(200, 10, 2.0, "binomial", "deviance"),
    "logistic-error": Cell(200, 10, 2.0, "binomial", "error"),
}


class Drawn:
    """One draw of a cell: its comparison, and the risk of every candidate's fold models."""

    def __init__(self, cell: Cell, seed: int) -> None:
        rng = np.random.default_rng([seed, cell.n, cell.p, 2])
        self.cell = cell
        self.beta, self.root, rows = cell.draw(rng)
        self.X, self.y = rows(cell.n)
        self.new = None if cell.metric == "mse" else rows(NEW_ROWS)
        groups = np.arange(cell.n) // cell.group if cell.group > 1 else None
        strata = self.y.astype(np.int64) if cell.family == "binomial" else None
        self.folds = draw_folds(cell.n, cell.k, seed=seed, strata=strata, groups=groups)
        problem = make_problem(self.X, self.y, family=cell.family)
        self.comparison = Comparison(
            {(ratio, 1.0): self.contender(problem, ratio) for ratio in (0.0, 1.0)}, self.folds, cell.metric,
            "sum", groups=groups, seed=seed,
        )  # fmt: skip
        least_squares = ["ols"] if cell.p <= 0.7 * cell.n and cell.family == "gaussian" else []
        self.candidates = parse_candidates(["ridge", "lasso", "mean", *least_squares])

    def contender(self, problem: Problem, ratio: float) -> Contender:
        mixed = problem._replace(l1_ratio=ratio)
        grid, _ = lambda_grid(GridSpec(count=30), mixed)
        return Contender(mixed, grid, fold_fits(mixed, self.folds, "sum", jobs=1))

    def risk(self, candidate: Candidate) -> float:
        """Return the average risk of the models fitted in the folds, each at its own lambda."""
        lambdas = np.zeros(self.cell.k)
        if candidate.kind == "tuned":
            chosen = self.comparison._tune(self.comparison.contenders[candidate.penalty], None)
            lambdas = np.array([pick[0] for pick, _ in chosen])
        return float(np.mean([self._risk(candidate, i, lam) for i, lam in enumerate(lambdas)]))

    def _risk(self, candidate: Candidate, i: int, lam: float) -> float:
        train, cell = self.folds.training(i), self.cell
        ratio = candidate.l1_ratio if candidate.kind == "tuned" else 0.0
        part = make_problem(self.X[train], self.y[train], family=cell.family, l1_ratio=ratio)
        if candidate.kind == "mean":
            coef = np.zeros(cell.p)
            intercept = float(part.likelihood.null_intercept(part.y, part.weights, None))
        else:
            path = solve_path(part, np.array([lam]))
            coef, intercept = path.coef[:, 0], float(path.intercept[0])
        if self.new is None:
            return 1.0 + float(np.sum((self.root.T @ (coef - self.beta)) ** 2) + intercept**2)
        new_X, new_y = self.new
        return float(losses(cell.metric, part.likelihood, new_y, (new_X @ coef + intercept)[:, None])[0])


def replicate(cell: Cell, seed: int) -> dict[str, float]:
    """Return, of one draw, the share of pairs whose interval held the truth, and what was detected."""
    drawn = Drawn(cell, seed)
    scores = drawn.comparison.run(drawn.candidates)
    risk = {candidate.name: drawn.risk(candidate) for candidate in drawn.candidates}
    spread = model_spread(scores, drawn.comparison.fits, cell.metric, drawn.comparison.groups)
    held, found = [], {}
    for i, j in combinations(range(len(scores)), 2):
        a, b = scores[i], scores[j]
        own = spread._replace(covariance=spread.covariance[np.ix_([i, j], [i, j])])
        pair = compare_pair(a, b, own, cell.metric)
        truth, away = risk[a.candidate.name] - risk[b.candidate.name], a.mean - b.mean
        by_folds = _by_folds(a, b, drawn)
        by_rows = NORMAL * np.sqrt(
            max(own.covariance[0, 0] + own.covariance[1, 1] - 2 * own.covariance[0, 1], 0)
        )
        held.append(
            (
                pair.ci_low <= truth <= pair.ci_high,
                abs(away - truth) <= by_folds,
                abs(away - truth) <= by_rows,
            )
        )
        if {a.candidate.kind, b.candidate.kind} == {"tuned", "mean"} and a.candidate.l1_ratio == 0.0:
            found = {"detected": float(pair.p_value < 0.05), "by folds": float(abs(away) > by_folds)}
    ours, folds, rows = np.mean(held, axis=0)
    return {"ours": ours, "fold t": folds, "uncorrected": rows, **found}


def _by_folds(a: Scores, b: Scores, drawn: Drawn) -> float:
    """Return half the interval of the corrected resampled t test (Nadeau and Bengio 2003, equation 7)."""
    se = np.sqrt(overlap_factor(drawn.folds) * float(np.var(a.values - b.values, ddof=1)))
    return two_sided_quantile(0.95, drawn.folds.k - 1) * float(se)


def study(cell: Cell, replicates: int) -> dict[str, float]:
    """Return the means over the replicates."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = [replicate(cell, i) for i in range(replicates)]
    return {key: float(np.mean([one[key] for one in found])) for key in found[0]}


def main(arguments: list[str]) -> None:
    """Print a table, a row for each cell."""
    replicates = int(arguments[0]) if arguments else 400
    columns = ("ours", "fold t", "uncorrected", "detected", "by folds")
    print(f"{replicates} replicates; standard error of 95 %: {100 * (0.0475 / replicates) ** 0.5:.1f} %")
    print(f"| cell | {' | '.join(columns)} |\n|---|---|---|---|---|---|")
    for name in arguments[1:] or CELLS:
        row = study(CELLS[name], replicates)
        print(f"| {name} | {' | '.join(f'{100 * row[key]:.1f}' for key in columns)} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
