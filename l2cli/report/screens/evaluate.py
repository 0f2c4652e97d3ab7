"""The screen of ``l2cli evaluate``: a saved model on labelled rows, and whether the rows have drifted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from l2cli.report.bars import WhiskerScale
from l2cli.report.escape import visible
from l2cli.report.glyphs import glyphs_for
from l2cli.report.layout import Column, Line, Page, Span, cells, decimal_cells, flowed, line, table
from l2cli.report.numerals import fixed, percent, significant
from l2cli.report.screens import targets
from l2cli.report.screens.features import shown_count
from l2cli.report.screens.heading import count, data_lines, model_lines
from l2cli.report.screens.metrics import label_of, metric_value
from l2cli.report.screens.wide import cut_heads

_ORDER = {
    "gaussian": ("rmse", "mae", "r2"),
    "binomial": ("accuracy", "error", "auc", "f1", "log_loss", "brier"),
    "multinomial": ("accuracy", "error", "log_loss", "brier"),
}
_OF_NUMBERS = ("deviance", "rmse", "mae", "r2")
_MEANINGS = {
    "deviance": "mean unit deviance, what the fit minimises",
    "rmse": "typical error, in units of the target",
    "mae": "mean absolute error, in units of the target",
    "r2": "share of the variance explained",
    "accuracy": "rows classified right",
    "error": "rows classified wrong",
    "auc": "chance that a positive row ranks above a negative one",
    "f1": "balance of precision and recall",
    "brier": "mean squared error of the probabilities",
    "log_loss": "mean of -log of the probability given to what happened",
}
PLOT_WIDTH = 21
HOW = "a saved model on labelled rows"


def screen(result: Mapping[str, Any], page: Page) -> list[Line]:
    """Return metrics, confusion table, calibration and drift."""
    bare = result["settings"].get("unpenalized")
    if "targets" in result:
        columns = targets.evaluate_columns(result, _ORDER["gaussian"])
        lines = targets.heading(result, HOW, page, unpenalized=bool(bare))
        return [*lines, *table(columns, page), *_drift_lines(result["drift"], page)]
    numbers = not result["data"].get("classes")
    return [
        *data_lines(result["data"], page),
        *model_lines(result["settings"], HOW, page, unpenalized=bool(bare)),
        (),
        *_metric_lines(result, page),
        *_confusion_lines(result.get("confusion"), page),
        *_calibration_lines(result, numbers, page),
        *_drift_lines(result.get("drift") or [], page),
    ]


def _metric_lines(result: Mapping[str, Any], page: Page) -> list[Line]:
    metrics = result["metrics"]
    order = _ORDER.get(result["settings"]["family"], _OF_NUMBERS)
    names = [name for name in order if metrics.get(name) is not None]
    columns = [
        Column("", cells(label_of(name) for name in names)),
        Column("", decimal_cells([metric_value(name, metrics[name]) for name in names], "value"), rank=8),
        Column("", cells((_MEANINGS.get(name, "") for name in names), "hint"), rank=1),
    ]
    return table(columns, page, heads=False)


def _confusion_lines(confusion: Mapping[str, Any] | None, page: Page) -> list[Line]:
    if not confusion:
        return []
    labels = [visible(str(label)) for label in confusion["labels"]]
    rows = [Column("actual", cells(labels, "name"), least=8)]
    heads = cut_heads([str(label) for label in confusion["labels"]], page, taken=len("said "))
    for i, label in enumerate(heads):
        counts = [(str(row[i]), "good" if i == j else "bad") for j, row in enumerate(confusion["counts"])]
        rows.append(Column(f"said {label}", [line(Span(text, style)) for text, style in counts], "right"))
    right = [percent(row[i] / sum(row), 1) if sum(row) else "-" for i, row in enumerate(confusion["counts"])]
    rows.append(Column("right", decimal_cells(right), "right", rank=3))
    return [(), *table(rows, page)]


def _calibration_lines(result: Mapping[str, Any], numbers: bool, page: Page) -> list[Line]:
    """Return predicted beside observed by classes of the prediction: ``x`` predicted, a dot observed.

    Of several classes it is the probability of the class predicted beside how often that was right.
    """
    shown = [b for b in result.get("calibration") or [] if b["rows"]]
    several = result["settings"]["family"] == "multinomial"
    if not shown:
        return []

    text = significant if numbers else _chance
    both = [(text(b["low"]), text(b["high"])) for b in shown]
    ends = [low if low == high else f"{low} to {high}" for low, high in both]
    columns = [
        Column("sure of it" if several else "prediction", cells(ends), "right", rank=3),
        Column("rows", cells(str(b["rows"]) for b in shown), "right", rank=4),
        Column("mean", decimal_cells([text(b["predicted"]) for b in shown]), "right", rank=8),
        Column(
            "right" if several else "observed",
            decimal_cells([text(b["observed"]) for b in shown], "value"),
            "right",
            rank=8,
        ),
        Column("", _calibration_plot(shown, numbers, page), rank=1),
    ]
    mark = glyphs_for(page.unicode)
    what = "probability of the class predicted" if several else "predicted"
    seen = "share that is right" if several else "observed"
    legend = f" {mark.vertical} {what}, {mark.dot} {seen}: together where the model is well calibrated"
    return [(), *table(columns, page), *flowed([Span(legend, "hint")], page, indent=1)]


def _chance(share: float) -> str:
    """Return a probability as percent with one decimal: 0.0 % and 100.0 % are never and always."""
    if 0.0 < share < 0.0005:
        return "<0.1 %"
    return ">99.9 %" if 0.9995 <= share < 1.0 else f"{fixed(100.0 * share, 1)} %"


def _calibration_plot(bins: Sequence[Mapping[str, Any]], numbers: bool, page: Page) -> list[Line]:
    marks = glyphs_for(page.unicode)
    values = [b[key] for b in bins for key in ("predicted", "observed") if b[key] is not None]
    low, high = (min(values), max(values)) if numbers else (0.0, 1.0)
    scale = WhiskerScale(low, high, PLOT_WIDTH)
    rows = []
    for item in bins:
        row = [Span(" ")] * PLOT_WIDTH
        row[scale.cell(item["predicted"])] = Span(marks.vertical, "axis")
        if item["observed"] is not None:
            row[scale.cell(item["observed"])] = Span(marks.dot, "point")
        rows.append(tuple(row))
    return rows


def _drift_lines(drift: Sequence[Mapping[str, Any]], page: Page) -> list[Line]:
    """Return one line per feature whose rows differ from those trained on."""
    if not drift:
        return [(), *flowed([Span(" no drift: the features look like the rows trained on")], page, indent=1)]
    top = drift[: shown_count(len(drift), page)]
    lines: list[Line] = [(), line(Span(f" drift in {count(len(drift), 'place')}", "head"))]
    for item in top:
        spans = [Span(f"  {visible(item['feature'])}", "name"), Span(f": {visible(item['detail'])}")]
        lines += flowed(spans, page, indent=4)
    if len(top) < len(drift):
        lines.append(
            line(Span(f"  and {len(drift) - len(top)} more (all: --verbose or --format json)", "hint"))
        )
    return lines
