"""The screen of ``l2cli tradeoff``: the error and its parts along lambda, as curves and in numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from l2cli.report.axis import Marker
from l2cli.report.curve import Chart, RowLabel, Series, draw
from l2cli.report.escape import visible
from l2cli.report.glyphs import glyphs_for
from l2cli.report.layout import Column, Line, Page, Span, cells, decimal_cells, flowed, table
from l2cli.report.numerals import percent, significant, trimmed
from l2cli.report.scales import Scale, lambda_scale, value_scale
from l2cli.report.screens import targets
from l2cli.report.screens.cv import labelled
from l2cli.report.screens.heading import data_lines, folds_text, model_lines

ROWS = 13
SAMPLES = 9
DEEPEST = 1e-3
"""Parts below this share of the largest error are not drawn: a logarithmic axis would follow them on."""
_CURVES = (
    ("test_error", "expected error", "series0", "e"),
    ("train_error", "these rows", "series1", "t"),
    ("bias2", "bias^2", "series3", "b"),
    ("variance", "variance", "series2", "v"),
)
_METHODS = {
    "closed_form": "closed form of the linear model, an estimate",
    "simulation": "simulated truth: exact",
    "bootstrap": "bootstrap, an estimate",
}
_NOISE = {
    "residuals": "by the unpenalized residuals",
    "reml": "by REML: coefficients taken as random, of one variance; bands are rough",
    "given": "as simulated; in brackets where the estimates fall",
    "least_along_path": "the least of noise + bias^2 along the path, the bias of that fit in it",
}


def screen(result: Mapping[str, Any], page: Page) -> list[Line]:
    """Return the curves, the numbers at a few lambdas, the gap and the verdict."""
    settings = result["settings"]
    if "targets" not in result:
        lines = [*data_lines(result["data"], page), *model_lines(settings, _how(result), page), ()]
        return [*lines, *_chart_lines(result, page), *_numbers(result, page), (), *_legend(result, page)]
    first = {**result, **result["targets"][0]}
    lines = targets.heading(result, _how(first), page)
    for name, part in targets.each(result):
        lines += [targets.target_title(name), *_numbers({**result, **part}, page), ()]
    return [*lines, *_legend(first, page)]


def _how(result: Mapping[str, Any]) -> str:
    """Return how the error is split: ``closed form ..., beside 10 folds, seed 0``."""
    how = _METHODS[str(result["method"])]
    if result["method"] == "closed_form" and result["noise"] is None:
        how = "noise not identified"
    draws = f"{result['settings']['draws']} {'replicates' if result['simulation'] else 'draws'}"
    if result.get("folds"):
        return f"{how}; {draws}; {folds_text(result['folds'], result['settings'])}"
    return f"{how}; {draws}, seed {result['settings']['seed']}"


def _chart_lines(result: Mapping[str, Any], page: Page) -> list[Line]:
    lambdas = result["lambdas"]
    curves = [(result[key], name, style, mark) for key, name, style, mark in _CURVES if _known(result[key])]
    unseen = result.get("test_error_estimated") or []
    drawn = [v for values, *_ in curves for v in values if v is not None]
    if len(lambdas) < 2 or not drawn or max(drawn) <= 0.0:
        return []
    top = max([*drawn, *_known(unseen)])
    y = value_scale([v for v in (*drawn, *_known(unseen)) if v >= DEEPEST * top])
    series = [Series([_within(v, y) for v in unseen], "band", ".", 0)] if unseen else []
    names = []
    smallest = min(range(len(lambdas)), key=lambda i: lambdas[i])
    for values, name, style, mark in reversed(curves):
        series.append(Series([_within(v, y) for v in values], style, mark))
        text = name if page.unicode else f"{name} {mark}"
        names.append(RowLabel(max(values[smallest] or 0.0, y.low), text, style))
    markers = [Marker(result["lambda_best"], "best")]
    chart = Chart(lambdas, lambda_scale(lambdas), y, series, markers, names, ROWS)
    dotted = ", dotted: rows held out" if unseen else ""
    title = [
        Span(f" {_unit(result)}", "head"),
        Span(f"{', logarithmic' if y.log else ''}{dotted}", "hint"),
    ]
    return [*flowed(title, page, indent=1), *draw(chart, page), ()]


def _unit(result: Mapping[str, Any]) -> str:
    return "Brier score" if result["metric"] == "brier" else "squared error"


def _known(values: Sequence[float | None]) -> list[float]:
    return [v for v in values if v is not None]


def _within(value: float | None, y: Scale) -> float | None:
    """Return what lies on a logarithmic axis, None below it."""
    return None if value is None or (y.log and value < y.low * (1.0 - 1e-9)) else value


def _numbers(result: Mapping[str, Any], page: Page) -> list[Line]:
    """Return the table, what simulation showed, and the lines of best lambda, gap and verdict."""
    noise = significant(result["noise"])
    if result["noise"] is None:
        noise = "not known"
    elif result["noise_low"] is not None:
        noise += f" ({significant(result['noise_low'])} to {significant(result['noise_high'])})"
        noise += f", {_NOISE[result['noise_by']]}"
    return [
        *_table_lines(result, page),
        *(_simulation_lines(result, page) if result["simulation"] else []),
        *labelled("rest" if result["noise_by"] == "least_along_path" else "noise", noise, page),
        *labelled("gap", visible(result["gap_text"]), page),
        *labelled("verdict", visible(result["verdict"]), page),
    ]


def _shown(result: Mapping[str, Any], page: Page) -> list[int]:
    """Return the places of the lambdas to show: evenly spread, both ends and the best among them."""
    total, best = len(result["lambdas"]), result["index_best"]
    if total <= SAMPLES or page.verbose:
        return list(range(total))
    evenly = {round(i * (total - 1) / (SAMPLES - 2)) for i in range(SAMPLES - 1)}
    return sorted(evenly | {best})


def _table_lines(result: Mapping[str, Any], page: Page) -> list[Line]:
    at = _shown(result, page)
    marked = glyphs_for(page.unicode).beyond_left
    names = [trimmed(result["lambdas"][i]) for i in at]
    columns = [Column("lambda", decimal_cells(names, "value"), rank=9)]
    for key, head, rank in (
        ("train_error", "these rows", 6), ("bias2", "bias^2", 8), ("variance", "variance", 8),
        ("test_error", "expected", 9),
    ):  # fmt: skip
        columns.append(Column(head, decimal_cells([significant(result[key][i]) for i in at]), rank=rank))
    low, high = result["test_error_low"], result["test_error_high"]
    bands = [
        "" if low[i] is None or high[i] is None else f"{significant(low[i])} to {significant(high[i])}"
        for i in at
    ]
    columns.append(Column(f"{percent(result['level'])} band", cells(bands, "hint"), rank=5))
    if unseen := result.get("test_error_estimated"):
        columns.append(Column("held out", decimal_cells([significant(unseen[i]) for i in at]), rank=7))
    best = [f"{marked} best" if i == result["index_best"] else "" for i in at]
    return table([*columns, Column("", cells(best, "marker"), rank=8)], page)


def _simulation_lines(result: Mapping[str, Any], page: Page) -> list[Line]:
    """Return exact, Monte Carlo and mean estimated errors beside each other."""
    found, at = result["simulation"], _shown(result, page)
    pm = glyphs_for(page.unicode).plus_minus
    columns = [Column("lambda", decimal_cells([trimmed(result["lambdas"][i]) for i in at], "value"), rank=9)]
    columns.append(
        Column("exact", decimal_cells([significant(result["test_error"][i], 4) for i in at]), rank=9)
    )
    for key, head in (
        ("test_error_monte_carlo", "Monte Carlo"),
        ("test_error_estimate_mean", "mean estimate"),
    ):
        texts = [
            f"{significant(value, 4)} {pm} {significant(se, 2)}"
            for value, se in zip(found[key], found[f"{key}_se"], strict=True)
        ]
        columns.append(Column(head, decimal_cells([texts[i] for i in at]), rank=8))
    title = [Span(" expected error", "head"), Span(", over the replicates", "hint")]
    return [(), *flowed(title, page, indent=1), *table(columns, page), ()]


def _legend(result: Mapping[str, Any], page: Page) -> list[Line]:
    if result["method"] == "bootstrap":
        text = (
            "expected = rest + bias^2 + variance, of rows that a bootstrap drawing left out: its fits see "
            "about 63 % of the rows, so that expected error and rest are somewhat too large; bias^2 is what "
            "a lambda has beyond the least biased one; held out: cross-validation. "
        )
    elif result["method"] == "simulation":
        text = (
            f"The truth is the fit at lambda {trimmed(result['simulation']['truth_lambda'])}; the band is "
            "where the estimates of single replicates fall. "
        )
    else:
        text = (
            "expected = noise + bias^2 + variance, of new responses at these same rows; held out: "
            "cross-validation, of new rows, which cost a little more. "
        )
    return flowed([Span(f"{text}Next: l2cli cv chooses lambda", "hint")], page)
