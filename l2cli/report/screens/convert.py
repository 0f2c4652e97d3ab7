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
    "sklearn_glm_alpha": "scikit-learn PoissonRegressor, GammaRegressor, TweedieRegressor(alpha)",
    "glmnet_lambda": "glmnet lambda",
    "glmnet_alpha": "glmnet alpha",
    "torch_weight_decay": "PyTorch weight_decay (SGD, mean loss)",
    "lambda_mean": "l2cli --lambda-scale mean",
}
_MIXES = {
    "sklearn_elasticnet_alpha": "scikit-learn ElasticNet(l1_ratio)",
    "sklearn_C": "scikit-learn LogisticRegression(l1_ratio)",
    "lambda_mean": "l2cli --l1-ratio",
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
        facts.append(f"l1_ratio {trimmed(result['l1_ratio'], DIGITS)}")
    facts.append(str(result["family"]))
    if result.get("rows"):
        facts.append(count(result["rows"], "row"))
    weights = result.get("weight_sum")
    if weights is not None and weights != result.get("rows"):
        facts.append(f"weights sum to {trimmed(weights, DIGITS)}")
    rows = _rows(result)
    columns = [
        Column("elsewhere", cells((name for name, _ in rows), "name"), least=12),
        Column("value", decimal_cells([trimmed(value, DIGITS) for _, value in rows], "value")),
    ]
    note = "The same penalty only on the same columns: l2cli standardizes them unless told --no-standardize"
    return [
        *flowed([Span(", ".join(facts))], page, indent=2),
        (),
        *(table(columns, page) if rows else []),
        (),
        *flowed([Span("here: ", "hint"), Span(_command(result))], page),
        *(flowed([Span(more, "hint")], page) if (more := _more(result)) else []),
        *flowed([Span(note, "hint")], page),
    ]


def _rows(result: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Return every name elsewhere with its value; a mix stands below the strength that it belongs to."""
    ratio, rows = result.get("l1_ratio") or 0.0, []
    for key, value in result["equivalents"].items():
        if value is None:
            continue
        name = NAMES.get(key, key)
        if key == "sklearn_elasticnet_alpha" and ratio == 1.0:
            name = "scikit-learn Lasso(alpha)"
        rows.append((name, value))
        if key in _MIXES and ratio and (ratio < 1.0 or key != "sklearn_elasticnet_alpha"):
            rows.append((_MIXES[key], ratio))
    return rows


def _command(result: Mapping[str, Any]) -> str:
    """Return the options of l2cli for this penalty, with every digit."""
    ratio, family = result.get("l1_ratio") or 0.0, result["family"]
    mix = f" --l1-ratio {ratio!r}" if ratio else ""
    kind = f" --family {family}" if family not in ("gaussian", "binomial", "multinomial") else ""
    return f"l2cli fit DATA --lambda {result['lambda']!r}{mix}{kind}"


def _more(result: Mapping[str, Any]) -> str:
    """Return which options would add conversions."""
    gaussian = result["family"] == "gaussian"
    spread = (result.get("settings") or {}).get("target_sd")
    wanted = [] if result.get("rows") else ["--rows"]
    if gaussian and result.get("l1_ratio") != 1.0 and not spread:
        wanted.append("--target-sd")
    return f"more with {' and '.join(wanted)}, or DATA; other tools with --family" if wanted else ""
