"""Coefficients of several targets or classes side by side: a column each, the largest effects first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

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
    table,
)
from l2cli.report.numerals import significant
from l2cli.report.screens.features import LEAST_NAME, gone_lines, shown_count

Part = Mapping[str, Any]


def wide_lines(
    parts: Mapping[str, Part],
    what: tuple[str, str],
    page: Page,
    unit: Mapping[str, float] | None = None,
) -> list[Line]:
    """Return a table with a row per feature and a column per part, the intercepts last.

    Parameters
    ----------
    parts : {name: {intercept, coefficients}}
        In the order in which they are shown; on a terminal the last ones give way.
    what : (str, str)
        What one part and several are called, ``target`` and ``targets``.
    unit : {name: float}, optional
        What makes effects of different parts comparable: features are sorted by their largest.
    """
    tables = {name: part["coefficients"] for name, part in parts.items()}
    features = [c["feature"] for c in next(iter(tables.values()))]
    size = [
        max(
            abs(rows[j]["coef_standardized"] or 0.0) / ((unit or {}).get(name) or 1.0)
            for name, rows in tables.items()
        )
        for j in range(len(features))
    ]
    order = sorted((j for j in range(len(features)) if size[j] > 0.0), key=lambda j: -size[j])
    top = order[: shown_count(len(order), page)]
    with_intercept = any(part.get("intercept") for part in parts.values())
    names = [visible(features[j]) for j in top] + ["intercept"] * with_intercept
    columns = [Column("feature", cells(names, "name"), least=LEAST_NAME)]
    for name, rows in tables.items():
        texts = ["." if rows[j]["coef"] == 0 else significant(rows[j]["coef"]) for j in top]
        texts += [significant(parts[name]["intercept"])] * with_intercept
        columns.append(Column(visible(name), decimal_cells(texts), "right"))
    kept = _fitting(columns, page)
    lines = table(kept, page)
    remarks = []
    if len(kept) < len(columns):
        gone = len(columns) - len(kept)
        remarks.append(f"{gone} more {what[gone > 1]} (all: --format csv)")
    if len(top) < len(order):
        remarks.append(f"{len(order) - len(top)} more features (all: --verbose or --format csv)")
    if remarks:
        lines += flowed([Span(f" and {' and '.join(remarks)}", "hint")], page, indent=1)
    zero = [features[j] for j in range(len(features)) if size[j] == 0.0]
    return lines + (gone_lines(zero, "coefficient 0 throughout", page) if zero else [])


def _fitting(columns: Sequence[Column], page: Page) -> list[Column]:
    """Return the columns that have room on a terminal, names cut first; elsewhere all of them."""
    kept = list(columns)
    if not page.terminal:
        return kept
    widths = [column_width(column) for column in columns]
    widths[0] = min(widths[0], LEAST_NAME)
    while len(kept) > 2 and INDENT + sum(widths[: len(kept)]) + GAP * (len(kept) - 1) > page.width:
        kept.pop()
    return kept
