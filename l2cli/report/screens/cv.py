"""The screen of ``l2cli cv``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from l2cli.report.axis import Marker
from l2cli.report.curve import Chart, Series, draw
from l2cli.report.escape import visible
from l2cli.report.glyphs import glyphs_for
from l2cli.report.layout import Column, Line, Page, Span, cells, clauses, decimal_cells, flowed, line, table
from l2cli.report.numerals import percent, significant, trimmed
from l2cli.report.scales import lambda_scale, value_scale
from l2cli.report.screens import targets
from l2cli.report.screens.heading import data_lines, folds_text, kept_text, model_lines, shown
from l2cli.report.screens.metrics import (
    HIGHER_IS_BETTER,
    ErrorView,
    error_text,
    error_view,
    headline,
    label_of,
    metric_value,
)

LABEL_WIDTH = 14  # with the blank before and the three after "lambda_min"


def screen(result: Mapping[str, Any], page: Page) -> list[Line]:
    """Return the curve of the error over lambda, both choices of lambda, and what the curve tells."""
    settings = result["settings"]
    if "targets" in result:
        return targets.cv_screen(result, folds_text(result["targets"][0]["folds"], settings), page)
    view = error_view(result["metric"], settings["family"])
    return [
        *data_lines(result["data"], page),
        *model_lines(settings, folds_text(result["folds"], settings), page),
        (),
        *_chart_lines(result, view, page),
        *_choice_lines(result, view, page),
        *_band_lines(settings, page),
        *_mix_lines(result, view, page),
        *_honest_lines(result, view, page),
        *_refit_lines(result, page),
        *labelled("verdict", visible(result["verdict"]), page),
        (),
        *_legend(result, page),
    ]


def _chart_lines(result: Mapping[str, Any], view: ErrorView, page: Page) -> list[Line]:
    lambdas, mean, se = result["lambdas"], result["mean"], result["se"]
    if len(lambdas) < 2:
        return []
    middle = [None if m is None else view.value(m) for m in mean]
    pairs = list(zip(mean, se, strict=True))
    upper = [None if m is None or s is None else view.value(m + s) for m, s in pairs]
    lower = [None if m is None or s is None else view.value(m - s) for m, s in pairs]
    # The band may pass below zero, where a logarithmic axis ends; the curve alone decides the kind of axis.
    drawn = [v for v in middle if v is not None]
    if not drawn:
        return []
    y = value_scale(drawn, linear=view.metric in HIGHER_IS_BETTER)
    if y.log:
        lower = [v if v is not None and v > 0 else None for v in lower]
    everything = [v for v in (*middle, *upper, *lower) if v is not None]
    y = y._replace(low=min(y.low, *everything), high=max(y.high, *everything))
    band = [Series(values, "band", ".", 0) for values in (upper, lower)]
    markers = [Marker(result["lambda_min"], "min"), Marker(result["lambda_1se"], "1se")]
    chart = Chart(lambdas, lambda_scale(lambdas), y, [*band, Series(middle)], markers)
    dotted = ", dotted: one standard error around it" if any(s for s in se) else ""
    axis = ", logarithmic" if y.log else ""
    title = [Span(f" {label_of(view.metric)}", "head"), Span(f" on unseen rows{axis}{dotted}", "hint")]
    return [*flowed(title, page, indent=1), *draw(chart, page), ()]


def _choice_lines(result: Mapping[str, Any], view: ErrorView, page: Page) -> list[Line]:
    """Return ``lambda_min`` and ``lambda_1se`` with their errors, number below number."""
    rows = [(rule, result[f"lambda_{rule}"], result[f"index_{rule}"]) for rule in ("min", "1se")]
    metrics = [result.get(f"metrics_{rule}") or {} for rule, *_ in rows]
    errors = []
    for _, _, index in rows:
        mean, se = result["mean"][index], result["se"][index]
        text = metric_value(view.metric, view.value(mean))
        spread = (
            f" {glyphs_for(page.unicode).plus_minus} {_spread_text(view, mean, se)}" if se is not None else ""
        )
        errors.append(f"{label_of(view.metric)} {text}{spread}")
    columns = [
        Column("", cells(f"lambda_{rule}" for rule, *_ in rows), rank=9),
        Column("", decimal_cells([trimmed(value) for _, value, _ in rows], "value"), rank=9),
        Column("", cells(errors), rank=8),
    ]
    for name in headline(result["settings"]["family"], metrics[0]):
        if name != view.metric:
            texts = [f"{label_of(name)} {metric_value(name, m.get(name))}" for m in metrics]
            columns.append(Column("", cells(texts), rank=7 - len(columns)))
    return table(columns, page, heads=False, gap=3)


def _band_lines(settings: Mapping[str, Any], page: Page) -> list[Line]:
    """Return the lambdas of groups, of which those tried are multiples."""
    bands = settings.get("group_lambdas") or {}
    text = "; ".join(f"{shown(name, page)} {trimmed(value)}" for name, value in bands.items())
    return labelled("of groups", f"lambda times {text}", page) if bands else []


def _mix_lines(result: Mapping[str, Any], view: ErrorView, page: Page) -> list[Line]:
    """Return the best error of every l1_ratio, where several were tried."""
    parts = []
    for part in result.get("grid") or []:
        error = metric_value(view.metric, view.value(part["mean"][part["index_min"]]))
        parts.append(f"{trimmed(part['l1_ratio'])}: {error} at lambda {trimmed(part['lambda_min'])}")
    return labelled("l1_ratio", "; ".join(parts), page) if parts else []


def _spread_text(view: ErrorView, mean: float, se: float) -> str:
    spread = view.spread(mean, se)
    return percent(spread, 1) if view.metric in ("accuracy", "error") else significant(spread, 2)


def _honest_lines(result: Mapping[str, Any], view: ErrorView, page: Page) -> list[Line]:
    """Return the error to expect on new data, and how sure the lambda is."""
    lines: list[Line] = []
    best, nested, stable = (result.get(key) or {} for key in ("best", "nested", "stability"))
    if best.get("optimism_corrected") is not None:
        mixed = "grid" in result
        what = "lambda and l1_ratio" if mixed else "lambda"
        chosen = f" (corrected for having chosen {what})" if mixed or len(result["lambdas"]) > 1 else ""
        text = error_text(best["optimism_corrected"], best, view)
        lines += labelled("on new data", text + chosen, page)
    if nested.get("value") is not None:
        text = error_text(nested["value"], nested, view)
        lines += labelled("nested", f"{text} (lambda tuned in each fold)", page)
    if len(told := result.get("lambda_set") or []) and len(result["lambdas"]) > 1:
        some = "all lambdas tried" if len(told) == len(result["lambdas"]) else _span(told)
        if 1 < len(told) < len(result["lambdas"]) and min(told) == min(result["lambdas"]):
            some = f"{trimmed(max(told))} and below"
        lines += labelled(
            "lambda set",
            f"{some}: not told from the best at {percent(best['level'])}",
            page,
        )
    if stable:
        span = _span([stable["low"], stable["high"]])
        lines += labelled("stability", f"{span}: 90 % of what {stable['repeats']} repeats choose", page)
    return lines


def _span(lambdas: Sequence[float]) -> str:
    """Return the smallest and the largest of some lambdas."""
    low, high = trimmed(min(lambdas)), trimmed(max(lambdas))
    return low if low == high else f"{low} to {high}"


def _refit_lines(result: Mapping[str, Any], page: Page) -> list[Line]:
    refit = result.get("refit")
    if not refit:
        return []
    residual = significant(refit["certificate"]["kkt_residual"], 1)
    kept = kept_text(refit)
    parts = [f"all rows at lambda {trimmed(refit['lambda']['value'])}: {kept}", f"solved to {residual} (KKT)"]
    first, *others = [line(part) for part in parts]
    return clauses([line(" refit".ljust(LABEL_WIDTH), *first), *others], page, indent=LABEL_WIDTH)


def labelled(label: str, text: str, page: Page) -> list[Line]:
    """Return a text flowed beside its label."""
    return flowed([Span(f" {label}".ljust(LABEL_WIDTH)), Span(text)], page, indent=LABEL_WIDTH)


def _legend(result: Mapping[str, Any], page: Page) -> list[Line]:
    spread = f"{glyphs_for(page.unicode).plus_minus}: one standard error of the mean over the folds; "
    known = any(result["se"][result[f"index_{rule}"]] is not None for rule in ("min", "1se"))
    text = (
        f"{spread if known else ''}1se: the largest lambda within one standard error of the best. "
        "Next: --save model.json keeps the refit; l2cli path, l2cli compare"
    )
    return flowed([Span(text, "hint")], page)
