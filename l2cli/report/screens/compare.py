"""The screen of ``l2cli compare``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from l2cli.report.bars import WhiskerScale, whisker
from l2cli.report.escape import visible
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
    line,
    table,
)
from l2cli.report.numerals import aligned, comparable, p_value, percent, trimmed
from l2cli.report.screens.heading import data_lines, folds_text
from l2cli.report.screens.metrics import (
    HIGHER_IS_BETTER,
    ErrorView,
    best_first,
    error_view,
    label_of,
    metric_value,
)
from l2cli.report.screens.targets import each, target_title

WIDEST_WHISKER = 30
LEAST_WHISKER = 9
LEAST_NAME = 8
REACH = 10
SAME = "no detectable difference"


class _Beside(NamedTuple):
    """A model beside the best one: how much worse it is in the unit shown, and in words."""

    difference: float | None
    words: str
    same: bool


def screen(result: Mapping[str, Any], page: Page) -> list[Line]:
    """Return the models from the best to the worst: error, interval, distance to the best."""
    parts = list(each(result)) if "targets" in result else [(None, result)]
    lines, bars = [*data_lines(result["data"], page), line(result["settings"]["family"]), ()], False
    for name, part in parts:
        rows = _models_lines(part, page)
        bars |= any(span.style == "point" for row in rows for span in row)
        verdict = visible(part.get("verdict") or "")
        lines += [] if name is None else [target_title(name)]
        lines += rows if name is None or not verdict else [*rows, *_verdict_lines(verdict, page), ()]
    first = parts[0][1]
    lines += flowed([Span(f" {_folds_line(first)}", "hint")], page, indent=1)
    if len(parts) == 1 and first.get("verdict"):
        lines += [(), *_verdict_lines(visible(first["verdict"]), page)]
    return [*lines, (), *_legend(first, bars, page)]


def _verdict_lines(verdict: str, page: Page) -> list[Line]:
    return flowed([Span(" "), Span(verdict, "value")], page, indent=1)


def _models_lines(result: Mapping[str, Any], page: Page) -> list[Line]:
    """Return the table of the models of one target."""
    view = error_view(result["metric"], result["settings"]["family"])
    order = best_first([m["mean"] for m in result["models"]], result["metric"])
    return _table_lines(result, [result["models"][i] for i in order], view, page)


def _table_lines(
    result: Mapping[str, Any], models: Sequence[Mapping[str, Any]], view: ErrorView, page: Page
) -> list[Line]:
    beside = [_beside_best(result, models[0], model, view) for model in models]
    errors = [_shown(view, model["mean"]) for model in models]
    columns = [
        Column("model", cells((visible(m["name"]) for m in models), "name"), least=LEAST_NAME),
        Column("lambda", decimal_cells([trimmed(m.get("lambda")) for m in models]), "right", rank=3),
        Column(label_of(view.metric), decimal_cells(errors, "value"), "right", rank=8),
        Column("beside the best", _beside_cells(beside, view), rank=7),
    ]
    span = _interval_column(result, models, view)
    if span is not None and _whisker_room([*columns, span], page, least=True) >= LEAST_WHISKER:
        columns.insert(3, span)
    room = _whisker_room(columns, page)
    if room >= LEAST_WHISKER and any(None not in _ends(m) for m in models):
        columns.insert(
            len(columns) - 1, Column("on unseen rows", _whiskers(models, view, room, page), rank=2)
        )
    return table(columns, page)


def _interval_column(
    result: Mapping[str, Any], models: Sequence[Mapping[str, Any]], view: ErrorView
) -> Column | None:
    """Return the intervals as numbers, None where a model has none."""
    pairs = [(m.get("ci_low"), m.get("ci_high")) for m in models if m["mean"] is not None]
    if not pairs or any(end is None for pair in pairs for end in pair):
        return None
    low, high = (
        aligned([_shown(view, m.get(key)) if m["mean"] is not None else "" for m in models])
        for key in ("ci_low", "ci_high")
    )
    texts = [f"{a} to {b}" if b.strip() else "" for a, b in zip(low, high, strict=True)]
    return Column(f"{percent(result.get('level', 0.95))} interval", cells(texts), rank=1)


def _shown(view: ErrorView, value: float | None) -> str:
    return metric_value(view.metric, None if value is None else view.value(value))


def _beside_best(
    result: Mapping[str, Any], best: Mapping[str, Any], model: Mapping[str, Any], view: ErrorView
) -> _Beside:
    if model is best:
        return _Beside(None, "best", same=False)
    pair = next((p for p in result["pairs"] if {p["a"], p["b"]} == {best["name"], model["name"]}), None)
    known = best["mean"] is not None and model["mean"] is not None
    difference = view.value(model["mean"]) - view.value(best["mean"]) if known else None
    if model["mean"] is None:
        return _Beside(None, "not fitted: see the warning", same=True)
    if pair is None or pair.get("p_value") is None:
        return _Beside(difference, "", same=False)
    if SAME in str(pair.get("verdict")):
        return _Beside(difference, SAME, same=True)
    return _Beside(difference, f"worse, {p_value(pair['p_value'])}", same=False)


def _beside_cells(beside: Sequence[_Beside], view: ErrorView) -> list[Line]:
    differences = [b.difference for b in beside]
    if view.metric in ("accuracy", "error"):
        texts = [None if d is None else percent(d, 1) for d in differences]
    else:
        shown = comparable(differences, 2)
        texts = [None if d is None else text for d, text in zip(differences, shown, strict=True)]
    signed = aligned(["" if t is None else t if t.startswith(("-", "<")) else f"+{t}" for t in texts])
    lines = []
    for text, item in zip(signed, beside, strict=True):
        if item.difference is None and item.words:
            lines.append(line(Span(item.words, "hint" if item.same else "good")))
        else:
            lines.append(
                line(text, Span(f"  {item.words}" if item.words else "", "hint" if item.same else ""))
            )
    return lines


def _whisker_room(columns: Sequence[Column], page: Page, *, least: bool = False) -> int:
    """Return the width that is left for the bars; ``least``: where nothing may run over the page."""
    widths = [column_width(column) for column in columns]
    others = sum(widths[1:]) + GAP * len(widths) + INDENT
    if page.terminal:
        widths[0] = min(widths[0], max(page.width - others - WIDEST_WHISKER // 2, LEAST_NAME))
        return min(page.width - others - widths[0], WIDEST_WHISKER)
    floor = 0 if least else WIDEST_WHISKER // 2
    return min(max(page.width - others - widths[0], floor), WIDEST_WHISKER)


def _ends(model: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Return the interval of a model's error; one standard error to both sides where there is none."""
    if model.get("ci_low") is not None and model.get("ci_high") is not None:
        return model["ci_low"], model["ci_high"]
    if model["mean"] is None or model.get("se") is None:
        return None, None
    return model["mean"] - model["se"], model["mean"] + model["se"]


def _whiskers(models: Sequence[Mapping[str, Any]], view: ErrorView, width: int, page: Page) -> list[Line]:
    rows = []
    for model in models:
        low, high = _ends(model)
        rows.append([None if v is None else view.value(v) for v in (low, model["mean"], high)])
    scale = _whisker_scale(rows, width)
    return [whisker(low, mean, high, scale, page.unicode) for low, mean, high in rows]


def _whisker_scale(rows: Sequence[Sequence[float | None]], width: int) -> WhiskerScale:
    """Return the scale of the intervals (low, mean, high), the best model's first.

    It ends 10 half-lengths from the best, so that one hopeless model does not squeeze those that compete.
    """
    known = [value for row in rows for value in row if value is not None]
    low, best, high = rows[0]
    if low is None or best is None or high is None:
        return WhiskerScale(min(known, default=0.0), max(known, default=1.0), width)
    reach = REACH * max(high - best, best - low)
    return WhiskerScale(max(min(known), best - reach), min(max(known), best + reach), width)


def _folds_line(result: Mapping[str, Any]) -> str:
    folds = folds_text(result["folds"], result["settings"])
    outside = any(str(model["spec"]).startswith("sklearn:") for model in result["models"])
    tuned = (
        "ours tuned inside their training rows, scikit-learn's not"
        if outside
        else ("each model tuned inside its own training rows")
    )
    return f"the same folds for all ({folds}), {tuned}"


def _legend(result: Mapping[str, Any], bars: bool, page: Page) -> list[Line]:
    better = "Higher" if result["metric"] in HIGHER_IS_BETTER else "Lower"
    known = all(m.get("ci_low") is not None for m in result["models"] if m["mean"] is not None)
    what = f"{percent(result.get('level', 0.95))} intervals" if known else "one standard error to both sides"
    interval = f"; the bars are {what}" if bars else ""
    return flowed(
        [Span(f"{better} is better{interval}. Next: l2cli fit with the model you choose", "hint")], page
    )
