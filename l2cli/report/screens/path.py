"""The screen of ``l2cli path``: coefficients from nearly free to nearly zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from l2cli.report.curve import Chart, RowLabel, Series, draw
from l2cli.report.escape import cut_middle, visible
from l2cli.report.layout import (
    GAP,
    INDENT,
    Column,
    Line,
    Page,
    Span,
    cells,
    column_width,
    decimal_cells,
    flowed,
    glyphs_ellipsis,
    table,
)
from l2cli.report.numerals import comparable, significant, trimmed
from l2cli.report.scales import lambda_scale, value_scale
from l2cli.report.screens import targets
from l2cli.report.screens.features import shown_count
from l2cli.report.screens.heading import count, data_lines, model_lines

ROWS = 14
DRAWN = 6
SAMPLES = 8
_LONGEST_LABEL = 18  # beside the drawing; the table below has the whole names

Coefficient = Mapping[str, Any]


def screen(result: Mapping[str, Any], page: Page) -> list[Line]:
    """Return the coefficient paths as a drawing and as a table at a few lambdas."""
    if "targets" in result:
        return _targets(result, page)
    if "classes" in result:
        return _classes(result, page)
    coefficients = sorted(result["coefficients"], key=lambda c: -_size(c))
    how = f"the path over {count(len(result['lambdas']), 'lambda')}"
    return [
        *data_lines(result["data"], page),
        *model_lines(result["settings"], how, page),
        (),
        *_chart_lines(result, coefficients[:DRAWN], len(coefficients), page),
        *_table_lines(result, coefficients, page),
        (),
        *_foot(result, page),
    ]


def _targets(result: Mapping[str, Any], page: Page) -> list[Line]:
    """Return the table of every target under its name; the drawing is for one target."""
    lines = targets.heading(result, f"the paths of {targets.together(result)}", page)
    for name, part in targets.each(result):
        ordered = sorted(part["coefficients"], key=lambda c: -_size(c))
        lines += [targets.target_title(name), *_table_lines(part, ordered, page), ()]
    residuals = {"kkt_residual": [r for part in result["targets"] for r in part["kkt_residual"]]}
    return [*lines, *_foot(residuals, page)]


def _classes(result: Mapping[str, Any], page: Page) -> list[Line]:
    """Return the table of every class under its name."""
    how = f"the path over {count(len(result['lambdas']), 'lambda')}"
    lines = [*data_lines(result["data"], page), *model_lines(result["settings"], how, page), ()]
    for part in result["classes"]:
        ordered = sorted(part["coefficients"], key=lambda c: -_size(c))
        title = targets.target_title(str(part["label"]))
        lines += [title, *_table_lines({**result, **part}, ordered, page), ()]
    return [*lines, *_foot(result, page)]


def _size(coefficient: Coefficient) -> float:
    return max((abs(v) for v in coefficient["coef_standardized"] if v is not None), default=0.0)


def _chart_lines(result: Mapping[str, Any], top: Sequence[Coefficient], total: int, page: Page) -> list[Line]:
    lambdas = result["lambdas"]
    values = [v for c in top for v in c["coef_standardized"] if v is not None]
    if len(lambdas) < 2 or not values:
        return []
    y = value_scale([*values, 0.0])
    smallest = min(range(len(lambdas)), key=lambda i: lambdas[i])
    series, names = [Series([0.0] * len(lambdas), "band", ".", 0)], []
    # From the smallest to the largest, so that the largest lies on top where lines cross.
    for i in reversed(range(len(top))):
        style, mark = f"series{i}", chr(ord("a") + i)
        series.append(Series(top[i]["coef_standardized"], style, mark))
        name = cut_middle(visible(top[i]["feature"]), _LONGEST_LABEL, glyphs_ellipsis(page))
        text = name if page.unicode else f"{name} {mark}"
        names.append(RowLabel(top[i]["coef_standardized"][smallest] or 0.0, text, style))
    chart = Chart(lambdas, lambda_scale(lambdas), y, series, names=names, rows=ROWS)
    what = f" of the {len(top)} largest of {total} features" if len(top) < total else ""
    title = flowed([Span(" coefficient per sd", "head"), Span(what, "hint")], page, indent=1)
    return [*title, *draw(chart, page), ()]


def _samples(total: int, number: int) -> list[int]:
    """Return ``number`` of ``total`` places spread evenly, both ends among them."""
    if total <= number:
        return list(range(total))
    return [round(i * (total - 1) / (number - 1)) for i in range(number)]


def _table_lines(result: Mapping[str, Any], coefficients: Sequence[Coefficient], page: Page) -> list[Line]:
    """Return features down, lambdas across; as many lambdas as the page has room for."""
    some = [c for c in coefficients if _size(c) > 0.0] or coefficients[:1]
    top = some[: shown_count(len(some), page)]
    labels = [*cells(["df", "deviance (sum)"], "hint"), *cells((visible(c["feature"]) for c in top), "name")]
    names = Column("lambda", labels, least=10)
    columns: list[Column] = []
    for number in range(SAMPLES, 1, -1):
        columns = [_lambda_column(result, top, i) for i in _samples(len(result["lambdas"]), number)]
        needed = sum(map(column_width, columns)) + GAP * len(columns) + INDENT
        name_width = min(column_width(names), 20) if page.terminal else column_width(names)
        if needed + name_width <= page.width:
            break
    lines = table([names, *columns], page)
    if len(top) < len(some):
        text = f" and {len(some) - len(top)} more features (all: --verbose or --format csv)"
        lines += flowed([Span(text, "hint")], page, indent=1)
    if len(some) < len(coefficients):
        text = f" {count(len(coefficients) - len(some), 'feature')} left out (coefficient 0) at every lambda"
        lines += flowed([Span(text, "hint")], page, indent=1)
    return lines


def _lambda_column(result: Mapping[str, Any], top: Sequence[Coefficient], i: int) -> Column:
    facts = [trimmed(result["effective_df"][i]), significant(result["train_deviance"][i])]
    values = decimal_cells(comparable([c["coef_standardized"][i] for c in top]))
    return Column(trimmed(result["lambdas"][i], 2), [*cells(facts, "hint"), *values], "right", rank=5)


def _foot(result: Mapping[str, Any], page: Page) -> list[Line]:
    residuals = [r for r in result.get("kkt_residual") or [] if r is not None]
    solved = (
        f"Every lambda solved to {significant(max(residuals), 1)} of its optimum (KKT). " if residuals else ""
    )
    text = (
        "Coefficients are the effect of one standard deviation of the feature; df: degrees of freedom "
        f"kept; deviance (sum): over these rows. {solved}Next: l2cli cv chooses lambda"
    )
    return flowed([Span(text, "hint")], page)
