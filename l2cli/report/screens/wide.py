"""Coefficients of several targets or classes side by side: a column each, the largest effects first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

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
from l2cli.report.numerals import significant
from l2cli.report.screens.features import LEAST_NAME, gone_lines, shown_count

LEAST_HEAD = 10
"""Cells that the name of a class or target keeps, however many there are."""
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
    heads = dict(zip(tables, cut_heads(list(tables), page), strict=True))
    for name, rows in tables.items():
        texts = ["." if rows[j]["coef"] == 0 else significant(rows[j]["coef"]) for j in top]
        texts += [significant(parts[name]["intercept"])] * with_intercept
        columns.append(Column(heads[name], decimal_cells(texts), "right"))
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


def cut_heads(names: Sequence[str], page: Page, *, taken: int = 0) -> list[str]:
    """Return names as the heads of columns side by side, cut on a terminal so that all of them may fit.

    taken : cells that each head needs beside its name. Names that would be cut alike stay whole.
    """
    whole = [visible(name) for name in names]
    if not page.terminal:
        return whole
    room = (page.width - INDENT - LEAST_NAME) // max(len(names), 1) - GAP - taken
    cut = [cut_middle(name, max(room, LEAST_HEAD), glyphs_ellipsis(page)) for name in whole]
    return cut if len(set(cut)) == len(set(whole)) else whole


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
