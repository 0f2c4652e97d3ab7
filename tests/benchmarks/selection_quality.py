"""How good the chosen lambda is: excess risk over the oracle's, beside other programs.

    python tests/benchmarks/selection_quality.py [PROBLEMS IN EACH CELL] [SEED]

Each cell (rows per column, signal to noise) draws problems of 20 columns with correlation 0.5^|i-j|, normal
coefficients and unit noise. The risk of coefficients b under the known law is

    R(b) = 1 + (b - beta)' C (b - beta) + (b0 - beta0)^2,

the oracle is the least R along our own path of 400 lambdas, and the excess is R / R(oracle) - 1. Of each
program the table has the median over the problems of a cell; below it stand the cells where a way of ours is
worse than a rival by more than two standard errors of the difference of the medians (paired bootstrap). The
way of fit (leave-one-out) and cv are held against RidgeCV, cv.glmnet's minimum and the EM algorithm of
fastridge; cv by the 1se rule against cv.glmnet's. A rival that is not installed is skipped, and said to be.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

import l2cli
from l2cli.spec import GridSpec

P, RATIOS, SNRS = 20, (0.5, 1, 2, 5, 10, 50), (0.1, 1.0, 10.0)
OURS = ("fit", "cv", "gcv", "cv 1se")
AGAINST = {
    "fit": ("RidgeCV", "glmnet min", "fastridge EM"),
    "cv": ("RidgeCV", "glmnet min", "fastridge EM"),
    "cv 1se": ("glmnet 1se",),
}
GLMNET = """
suppressMessages(library(glmnet)); suppressMessages(library(data.table))
for (file in commandArgs(TRUE)) {
  d <- as.matrix(fread(file)); p <- ncol(d) - 1; set.seed(0)
  m <- cv.glmnet(d[, 1:p], d[, p + 1], alpha = 0, grouped = FALSE)
  out <- cbind(as.numeric(coef(m, s = "lambda.min")), as.numeric(coef(m, s = "lambda.1se")))
  write.table(out, paste0(file, ".out"), row.names = FALSE, col.names = FALSE)
}
"""
Answer = tuple[float, np.ndarray]
"""Intercept and coefficients (p,)."""


class Drawn(NamedTuple):
    """One problem: its rows, their law, and the least risk along the path."""

    X: np.ndarray
    y: np.ndarray
    beta: np.ndarray
    covariance: np.ndarray
    oracle: float

    def excess(self, answer: Answer) -> float:
        """Return R / R(oracle) - 1."""
        return self.risk(answer) / self.oracle - 1.0

    def risk(self, answer: Answer) -> float:
        """Return the risk of coefficients."""
        intercept, coef = answer
        away = coef - self.beta
        return float(1.0 + away @ self.covariance @ away + intercept**2)


def draw(rng: np.random.Generator, ratio: float, snr: float) -> Drawn:
    """Return a problem of a cell; its oracle is found along the path."""
    n, at = int(ratio * P), np.arange(P)
    covariance = 0.5 ** np.abs(np.subtract.outer(at, at))
    beta = rng.normal(size=P)
    beta *= np.sqrt(snr / (beta @ covariance @ beta))
    X = rng.normal(size=(n, P)) @ np.linalg.cholesky(covariance).T
    y = X @ beta + rng.normal(size=n)
    blank = Drawn(X, y, beta, covariance, 1.0)
    path = l2cli.path(X, y, lambdas=GridSpec(low=1e-4 * n, high=1e4 * n, count=400))
    least = min(blank.risk((float(b0), path.coef[:, i])) for i, b0 in enumerate(path.intercepts))
    return blank._replace(oracle=least)


def ours(problem: Drawn) -> dict[str, Answer]:
    """Return what our ways of choosing give."""
    X, y = problem.X, problem.y
    run = l2cli.cv(X, y)
    fits = {
        "fit": l2cli.fit(X, y),
        "cv": run.refit,
        "gcv": l2cli.fit(X, y, select="gcv"),
        "cv 1se": l2cli.fit(X, y, lam=run.lambda_1se),
    }
    return {name: (float(fit.intercept), np.asarray(fit.coef)) for name, fit in fits.items()}


def ridge_cv(problem: Drawn) -> Answer:
    """Return scikit-learn's RidgeCV on standardized columns, over the alphas 1e-3 to 1e5."""
    from sklearn.linear_model import RidgeCV

    mean, sd = problem.X.mean(axis=0), problem.X.std(axis=0)
    fit = RidgeCV(alphas=np.logspace(-3, 5, 100)).fit((problem.X - mean) / sd, problem.y)
    coef = fit.coef_ / sd
    return float(fit.intercept_ - mean @ coef), coef


def fastridge_em(problem: Drawn) -> Answer:
    """Return the EM algorithm's ridge (Tew, Boley and Schmidt 2023)."""
    from fastridge import RidgeEM

    fit = RidgeEM().fit(problem.X, problem.y)
    return float(fit.intercept_), np.asarray(fit.coef_)


def glmnet(problems: list[Drawn]) -> dict[str, list[Answer]]:
    """Return what cv.glmnet gives by both rules for every problem, in one process; empty without R."""
    if shutil.which("Rscript") is None:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        files = [str(Path(folder) / f"{i}.csv") for i in range(len(problems))]
        for file, problem in zip(files, problems, strict=True):
            header = ",".join([*(f"x{j}" for j in range(P)), "y"])
            np.savetxt(
                file, np.column_stack([problem.X, problem.y]), delimiter=",", header=header, comments=""
            )
        script = Path(folder) / "glmnet.R"
        script.write_text(GLMNET)
        done = subprocess.run(["Rscript", str(script), *files], capture_output=True, check=False)
        if done.returncode:
            return {}
        found = [np.loadtxt(f"{file}.out") for file in files]
    names = ("glmnet min", "glmnet 1se")
    return {name: [(float(out[0, k]), out[1:, k]) for out in found] for k, name in enumerate(names)}


def of_all(problems: list[Drawn]) -> dict[str, np.ndarray]:
    """Return the excess risk (problems,) of every program there is."""
    answers: dict[str, list[Answer]] = {name: [] for name in OURS}
    for problem in problems:
        for name, answer in ours(problem).items():
            answers[name].append(answer)
    rivals: dict[str, Callable[[Drawn], Answer]] = {"RidgeCV": ridge_cv, "fastridge EM": fastridge_em}
    for name, solve in rivals.items():
        try:
            answers[name] = [solve(problem) for problem in problems]
        except ImportError:
            print(f"{name} is not installed: skipped", file=sys.stderr)
    answers |= glmnet(problems) or _told("cv.glmnet")
    return {
        name: np.array([p.excess(a) for p, a in zip(problems, found, strict=True)])
        for name, found in answers.items()
    }


def _told(name: str) -> dict[str, list[Answer]]:
    print(f"{name} is not installed: skipped", file=sys.stderr)
    return {}


def worse(mine: np.ndarray, other: np.ndarray, rng: np.random.Generator) -> float:
    """Return the difference of two medians in its paired bootstrap standard errors."""
    at = rng.integers(0, len(mine), size=(500, len(mine)))
    spread = (np.median(mine[at], axis=1) - np.median(other[at], axis=1)).std()
    difference = float(np.median(mine) - np.median(other))
    return difference / spread if spread > 0 else float(np.sign(difference)) * np.inf if difference else 0.0


def main(count: int, seed: int) -> None:
    """Print the table, and where we are worse."""
    warnings.simplefilter("ignore")
    lost, tried = [], 0
    for ratio in RATIOS:
        for snr in SNRS:
            rng = np.random.default_rng([seed, int(10 * ratio), int(10 * snr)])
            table = of_all([draw(rng, ratio, snr) for _ in range(count)])
            if not tried:
                print(f"| n/p | snr | {' | '.join(table)} |")
                print("| --- | --- |" + " ---: |" * len(table))
            medians = (f"{100 * np.median(excess):.1f} %" for excess in table.values())
            print(f"| {ratio} | {snr} | " + " | ".join(medians) + " |", flush=True)
            for mine, others in AGAINST.items():
                for other in (name for name in others if name in table):
                    tried += 1
                    if (z := worse(table[mine], table[other], rng)) > 2.0:
                        lost.append(
                            f"n/p {ratio}, snr {snr}: {mine} behind {other} by {z:.1f} standard errors"
                        )
    print(f"\n{len(lost)} of {tried} comparisons lost by more than two standard errors", *lost, sep="\n")


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[1:]]
    main(numbers[0] if numbers else 12, numbers[1] if len(numbers) > 1 else 0)
