"""The screen of ``l2cli convert``: one penalty in the words of other tools."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from l2cli.report.layout import Column, Line, Page, Span, cells, decimal_cells, flowed, table
from l2cli.report.numerals import trimmed
from l2cli.report.screens.heading import count

NAMES = {
    "sklearn_ridge_alpha": "scikit-learn Ridge(alpha)",
    "sklearn_C": "scikit-learn LogisticRegression(C)",
    "sklearn_elasticnet_alpha": "scikit-learn ElasticNet(alpha)",
    "sklearn_elasticnet_l1_ratio": "scikit-learn ElasticNet(l1_ratio)",
    "sklearn_glm_alpha": "scikit-learn PoissonRegressor, GammaRegressor, TweedieRegressor(alpha)",
    "glmnet_lambda": "glmnet lambda",
    "glmnet_alpha": "glmnet alpha",
    "torch_weight_decay": "PyTorch weight_decay (SGD, mean loss)",
    "lambda_mean": "l2cli --lambda-scale mean",
}
DIGITS = 6


def screen(result: Mapping[str, Any], page: Page) -> list[Line]:
    """Return the penalty asked for, and its value elsewhere."""
    given = result.get("settings") or {}
    first = f"lambda {trimmed(result['lambda'], DIGITS)}"
    if given.get("convention") not in (None, "lambda"):
        first = f"{given['convention']}={trimmed(given['value'], DIGITS)} is {first} on the sum scale"
    facts = [first]
    if result.get("l1_ratio"):
        facts.append(f"l1_ratio {trimmed(result['l1_ratio'])}")
    facts.append(str(result["family"]))
    if result.get("rows"):
        facts.append(count(result["rows"], "row"))
    weights = result.get("weight_sum")
    if weights is not None and weights != result.get("rows"):
        facts.append(f"weights sum to {trimmed(weights, DIGITS)}")
    equal = {key: value for key, value in result["equivalents"].items() if value is not None}
    columns = [
        Column("elsewhere", cells((NAMES.get(key, key) for key in equal), "name"), least=12),
        Column("value", decimal_cells([trimmed(value, DIGITS) for value in equal.values()], "value")),
    ]
    note = "The same penalty only on the same columns: l2cli standardizes them unless told --no-standardize"
    return [
        *flowed([Span(", ".join(facts))], page, indent=2),
        (),
        *table(columns, page),
        (),
        *flowed([Span(note, "hint")], page),
    ]
