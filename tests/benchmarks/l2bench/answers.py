"""Reading what the rivals print, and bringing their lambda to the sum scale of J."""

from __future__ import annotations

from typing import Any

import numpy as np

from l2bench.accuracy import Solution
from l2bench.problems import Problem


def strengths(word: str, value: float, problem: Problem) -> tuple[float, float]:
    """Return lambda r and lambda (1 - r) of a rival's strength in its own convention.

    ``lambda``         that of J: scikit-learn's Ridge(alpha)
    ``C``              lambda = 1 / C: scikit-learn's LogisticRegression
    ``mean_alpha``     lambda = n a: Lasso, ElasticNet, celer, skglm, glum, adelie
    ``glmnet_lambda``  lambda = n g; gaussian: lambda r = n g q, lambda (1 - r) = n g (1 - q) / sd(y),
                       as glmnet divides y by its population standard deviation
    """
    n, r = len(problem.y), problem.recipe.l1_ratio
    lam = {"lambda": value, "C": 1 / value if value else np.inf}.get(word, n * value)
    scale = problem.y.std() if word == "glmnet_lambda" and problem.family == "gaussian" else 1.0
    return lam * r, lam * (1 - r) / float(scale)


def read_lines(text: str, problem: Problem) -> Solution:
    """Read lines of a strength, ``intercept B`` and ``coef NAME VALUE``, per class after ``class LABEL``.

    The classes may come in any order and are sorted as the labels of the problem are.
    """
    l1 = l2 = np.nan
    intercepts: dict[str, float] = {}
    coefs: dict[str, list[float]] = {}
    label = ""
    for line in text.splitlines():
        word, *rest = line.split()
        if word == "class":
            label = rest[0]
        elif word == "intercept":
            intercepts[label] = float(rest[0])
        elif word == "coef":
            coefs.setdefault(label, []).append(float(rest[1]))
        elif word in {"lambda", "C", "mean_alpha", "glmnet_lambda"}:
            l1, l2 = strengths(word, float(rest[0]), problem)
    lam = l1 + l2
    ratio = l1 / lam if lam else problem.recipe.l1_ratio
    if not problem.labels:
        return Solution(lam, intercepts[""], np.array(coefs[""]), ratio)
    b = np.array([intercepts[name] for name in problem.labels])
    return Solution(lam, b, np.array([coefs[name] for name in problem.labels]).T, ratio)


def read_result(result: dict[str, Any], problem: Problem) -> Solution:
    """Read the JSON of l2cli: a ``fit`` or the refit of a ``cv``."""
    fit = result.get("refit", result)
    lam, ratio = fit["lambda"]["value"], problem.recipe.l1_ratio

    def column(model: dict[str, Any]) -> list[float]:
        coef = {row["feature"]: row["coef"] for row in model["coefficients"]}
        return [coef.get(name, 0.0) for name in problem.names]

    if not problem.labels:
        return Solution(lam, fit["intercept"], np.array(column(fit)), ratio)
    models = {model["label"]: model for model in fit["classes"]}
    b = np.array([models[name]["intercept"] for name in problem.labels])
    return Solution(lam, b, np.array([column(models[name]) for name in problem.labels]).T, ratio)
