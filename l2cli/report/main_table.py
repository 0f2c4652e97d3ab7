"""The main table of every command, as columns of plain values: what csv, jsonl and md show."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Columns = dict[str, list[Any]]
INTERCEPT = "(intercept)"
_COEFFICIENT = ("coef", "coef_standardized", "kept", "se", "ci_low", "ci_high")
_INFERRED = ("coef_debiased", "selected")
_INSPECTED = ("name", "role", "type", "missing", "distinct", "min", "max", "median", "levels", "notes")
_EXPLAINED = (
    "feature", "group", "importance", "importance_se", "importance_marginal", "coef", "coef_standardized",
    "se", "ci_low", "ci_high", "coef_unpenalized", "coef_unpenalized_standardized", "shrinkage",
    "effective_df", "vif", "vif_penalized", "beside",
)  # fmt: skip
_TRADEOFF = (
    "train_error",
    *(f"{part}{end}" for part in ("bias2", "variance", "test_error") for end in ("", "_low", "_high")),
    "test_error_estimated",
    "test_error_estimated_se",
)
_MODEL = ("name", "lambda", "mean", "se", "ci_low", "ci_high", "fit_s")


def main_table(result: Mapping[str, Any]) -> Columns:
    """Return the main table of a result, found by its schema: coefficients, curve, path, models ..."""
    command = str(result["schema"]).split("/")[1]
    if "targets" not in result:
        return _TABLES[command](result)
    return _stacked(
        "target", [(part["target"], _TABLES[command]({**result, **part})) for part in result["targets"]]
    )


def _stacked(head: str, parts: Sequence[tuple[Any, Columns]]) -> Columns:
    """Return tables of the same columns below each other, headed by a column that names them."""
    joined: Columns = {head: []}
    for name, table in parts:
        length = len(next(iter(table.values())))
        joined[head] += [name] * length
        for key, values in table.items():
            joined.setdefault(key, []).extend(values)
    return joined


def _of_class(result: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result as if the class were its only one."""
    return {**{key: value for key, value in result.items() if key != "classes"}, **part}


def fit_table(result: Mapping[str, Any]) -> Columns:
    """Return one row per feature in the order of the columns, the intercept first; class after class."""
    if "classes" in result:
        return _stacked(
            "class", [(part["label"], fit_table(_of_class(result, part))) for part in result["classes"]]
        )
    rows = list(result["coefficients"])
    if result["settings"].get("intercept") is not False:
        first = {"feature": INTERCEPT, "coef": result["intercept"], "se": result.get("intercept_se")}
        rows.insert(0, first)
    more = [key for key in _INFERRED if any(row.get(key) is not None for row in rows)]
    return _columns(rows, ("feature", *_COEFFICIENT, *more))


def cv_table(result: Mapping[str, Any]) -> Columns:
    """Return one row per lambda; ``rule`` names the rules that choose it."""
    rules = ["" for _ in result["lambdas"]]
    for rule in ("min", "1se"):
        i = result[f"index_{rule}"]
        rules[i] = f"{rules[i]} {rule}".strip()
    return {
        "lambda": list(result["lambdas"]),
        "mean": list(result["mean"]),
        "se": list(result["se"]),
        "rule": rules,
    }


def path_table(result: Mapping[str, Any]) -> Columns:
    """Return one row per lambda and coefficient.

    Long, not wide: a feature may be called ``lambda`` or ``intercept``, and ten thousand columns help nobody.
    """
    if "classes" in result:
        parts = [(part["label"], path_table(_of_class(result, part))) for part in result["classes"]]
        return _stacked("class", parts)
    names = [INTERCEPT, *(c["feature"] for c in result["coefficients"])]
    table: Columns = {
        key: []
        for key in ("lambda", "effective_df", "train_deviance", "feature", "coef", "coef_standardized")
    }
    for i, lam in enumerate(result["lambdas"]):
        table["lambda"] += [lam] * len(names)
        table["effective_df"] += [result["effective_df"][i]] * len(names)
        table["train_deviance"] += [result["train_deviance"][i]] * len(names)
        table["feature"] += names
        table["coef"] += [result["intercepts"][i], *(c["coef"][i] for c in result["coefficients"])]
        table["coef_standardized"] += [None, *(c["coef_standardized"][i] for c in result["coefficients"])]
    return table


def tradeoff_table(result: Mapping[str, Any]) -> Columns:
    """Return one row per lambda; cells of what a method does not have are empty."""
    count = len(result["lambdas"])
    table: Columns = {"lambda": list(result["lambdas"])}
    for key in _TRADEOFF:
        table[key] = list(result.get(key) or [None] * count)
    table["noise"] = [result["noise"]] * count
    return table


def compare_table(result: Mapping[str, Any]) -> Columns:
    """Return one row per model."""
    return _columns(result["models"], _MODEL)


def explain_table(result: Mapping[str, Any]) -> Columns:
    """Return one row per feature."""
    more = [key for key in _INFERRED if any(row.get(key) is not None for row in result["features"])]
    return _columns(result["features"], (*_EXPLAINED, *more))


def evaluate_table(result: Mapping[str, Any]) -> Columns:
    """Return one row per metric."""
    return {"metric": list(result["metrics"]), "value": list(result["metrics"].values())}


def convert_table(result: Mapping[str, Any]) -> Columns:
    """Return one row per convention, lambda and the mix here first."""
    values = {key: result[key] for key in ("lambda", "l1_ratio")} | result["equivalents"]
    return {"elsewhere": list(values), "value": list(values.values())}


def inspect_table(result: Mapping[str, Any]) -> Columns:
    """Return one row per column of the file; levels with their counts and notes as text."""
    table = _columns(result["columns"], _INSPECTED)
    table["levels"] = [
        "; ".join(f"{v['level']} ({v['count']})" for v in levels) for levels in table["levels"]
    ]
    table["notes"] = ["; ".join(notes) for notes in table["notes"]]
    return table


def _columns(rows: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> Columns:
    return {key: [row.get(key) for row in rows] for key in keys}


_TABLES: dict[str, Callable[[Mapping[str, Any]], Columns]] = {
    "fit": fit_table,
    "cv": cv_table,
    "path": path_table,
    "compare": compare_table,
    "tradeoff": tradeoff_table,
    "evaluate": evaluate_table,
    "inspect": inspect_table,
    "convert": convert_table,
    "explain": explain_table,
}
