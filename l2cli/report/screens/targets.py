"""The screens of several targets: one table for all, a line or a column each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from l2cli.report.escape import visible
from l2cli.report.glyphs import glyphs_for
from l2cli.report.layout import Column, Line, Page, Span, cells, decimal_cells, flowed, line, table
from l2cli.report.numerals import significant, trimmed
from l2cli.report.screens.heading import count, data_lines, freedom_text, model_lines
from l2cli.report.screens.metrics import (
    ErrorView,
    asked_metric,
    error_text,
    error_view,
    headline,
    label_of,
    metric_value,
)
from l2cli.report.screens.wide import wide_lines

Result = Mapping[str, Any]


def each(result: Result) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name of every target and its result, as it would be alone."""
    common = {key: value for key, value in result.items() if key != "targets"}
    for part in result["targets"]:
        name = str(part["target"])
        alone = {**common, **part, "data": {**result["data"], "target": name}}
        if "refit" in part:
            alone["refit"] = {**common, **part["refit"]}
        yield name, alone


def heading(result: Result, how: str, page: Page, *, unpenalized: bool = False) -> list[Line]:
    """Return the first lines: the file, the targets and the model."""
    return [
        *data_lines(result["data"], page),
        *model_lines(result["settings"], how, page, unpenalized=unpenalized),
        (),
    ]


def fit_screen(result: Result, how: str, page: Page) -> list[Line]:
    """Return the coefficients with a column per target, then a line per target: lambda and errors."""
    parts = dict(each(result))
    zero = all(part["lambda"]["value"] == 0 for part in parts.values())
    lines = heading(result, how, page, unpenalized=zero)
    unit = {name: part["target_sd"] for name, part in parts.items()}
    lines += [*wide_lines(parts, ("target", "targets"), page, unit), ()]
    columns = [_names(parts), _lambdas("lambda", [part["lambda"]["value"] for part in parts.values()])]
    kept = [freedom_text(part) for part in parts.values()]
    columns.append(Column("df kept", cells(kept), "right", rank=4))
    unseen = [part["metrics"].get("validation") for part in parts.values()]
    asked = asked_metric(next(iter(parts.values())))
    if all(unseen):
        columns += _metric_columns(result, unseen, "unseen ", 8, also=asked)
    train = [part["metrics"]["train"] for part in parts.values()]
    columns += _metric_columns(result, train, "these ", 5, also=asked)
    worst = max(part["certificate"]["kkt_residual"] for part in parts.values())
    text = f" solved to {significant(worst, 1)} of the optimum (KKT) or better"
    if not all(part["certificate"]["converged"] for part in parts.values()):
        text = f" not converged: the KKT residual is {significant(worst, 1)}"
    legend = "df kept: degrees of freedom; unseen, these: rows. Next: l2cli cv, l2cli path"
    return [*lines, *table(columns, page), line(text), (), *flowed([Span(legend, "hint")], page)]


def cv_screen(result: Result, how: str, page: Page) -> list[Line]:
    """Return a line per target: both choices of lambda with their errors, and what the refit keeps."""
    parts = dict(each(result))
    first = next(iter(parts.values()))
    view = error_view(first["metric"], result["settings"]["family"])
    columns = [_names(parts)]
    for rule, rank in (("min", 9), ("1se", 6)):
        columns.append(_lambdas(f"lambda_{rule}", [part[f"lambda_{rule}"] for part in parts.values()], rank))
        errors = []
        for part in parts.values():
            i = part[f"index_{rule}"]
            mean, se = part["mean"][i], part["se"][i]
            spread = (
                ""
                if se is None
                else f" {glyphs_for(page.unicode).plus_minus} {significant(view.spread(mean, se), 2)}"
            )
            errors.append(f"{metric_value(view.metric, view.value(mean))}{spread}")
        columns.append(Column(label_of(view.metric), cells(errors), "right", rank=rank - 1))
        metrics = [part[f"metrics_{rule}"] for part in parts.values()]
        columns += _metric_columns(result, metrics, "", rank - 2, without=view.metric)
    refits = [part["refit"] for part in parts.values()]
    kept = [freedom_text(refit) for refit in refits]
    columns.append(Column("refit keeps", cells(kept), "right", rank=3))
    verdicts = [
        flowed([Span(f" {visible(name)}: ", "name"), Span(visible(text))], page, indent=3)
        for name, part in parts.items()
        for text in (*_new_data(part, view), part["verdict"])
    ]
    legend = (
        "1se: the largest lambda within one standard error of the best; refit keeps: degrees of freedom. "
        "Next: --save model.json keeps the refits; one target alone (-t) shows its curve"
    )
    return [
        *heading(result, how, page),
        *table(columns, page),
        (),
        *(row for verdict in verdicts for row in verdict),
        (),
        *flowed([Span(legend, "hint")], page),
    ]


def _new_data(part: Result, view: ErrorView) -> list[str]:
    """Return the errors of one target to expect on new data."""
    best, nested = part["best"], part["nested"]
    texts = []
    if best["optimism_corrected"] is not None:
        texts.append(f"on new data {error_text(best['optimism_corrected'], best, view)}")
    if nested is not None and nested["value"] is not None:
        texts.append(f"nested {error_text(nested['value'], nested, view)}")
    return texts


def evaluate_columns(result: Result, order: Sequence[str]) -> list[Column]:
    """Return a line per target with its metrics."""
    metrics = [part["metrics"] for part in result["targets"]]
    columns = [_names({str(part["target"]): part for part in result["targets"]})]
    for name in order:
        texts = [metric_value(name, m.get(name)) for m in metrics]
        columns.append(Column(label_of(name), decimal_cells(texts, "value"), "right"))
    return columns


def target_title(name: str) -> Line:
    """Return the line above what belongs to one target."""
    return line(Span(f" {visible(name)}", "head"))


def together(result: Result) -> str:
    """Return how many targets there are."""
    return count(len(result["targets"]), "target")


def _names(parts: Mapping[str, Any]) -> Column:
    return Column("target", cells((visible(name) for name in parts), "name"), least=8)


def _lambdas(head: str, values: Sequence[float], rank: int = 9) -> Column:
    return Column(head, decimal_cells([trimmed(value) for value in values], "value"), "right", rank)


def _metric_columns(
    result: Result, metrics: Sequence[Mapping[str, Any]], prefix: str, rank: int, *,
    without: str = "", also: str | None = None,
) -> list[Column]:  # fmt: skip
    """Return a column for each of the most telling metrics, and of one that was asked for."""
    columns: list[Column] = []
    names = headline(result["settings"]["family"], metrics[0])
    for name in [*names, *([also] if also and also not in names else [])]:
        if name != without:
            texts = [metric_value(name, m.get(name)) for m in metrics]
            head = f"{prefix}{label_of(name)}" if not columns else label_of(name)
            columns.append(Column(head, decimal_cells(texts), "right", rank))
    return columns
