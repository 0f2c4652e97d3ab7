"""The coefficient table: the largest effects first, bars by size and sign, the rest counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from l2cli.report.bars import bar_scale, signed_bar
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
from l2cli.report.numerals import aligned, comparable, decimals_for, fixed, percent, significant
from l2cli.report.screens.heading import drops_features

SHOWN = 20
# Two features more than shown are shown too: a line that says "and 1 more" takes as much room.
SLACK = 2
WIDEST_BAR = 30
LEAST_BAR = 8
NICE_BAR = 16
LEAST_NAME = 10
MOST_CLASSES = 5
MOST_KEPT = 10
"""Times an unpenalized coefficient from which that was next to nothing, and a share of it says nothing."""

Coefficient = Mapping[str, Any]


def largest_first(coefficients: Sequence[Coefficient]) -> list[Coefficient]:
    """Return the coefficients by falling size on the standardized scale, ties in the order of the columns.

    Those that a penalty left out follow by what a debiased estimate says of them.
    """

    def size(c: Coefficient) -> tuple[float, float]:
        evidence = abs(c["coef_debiased"] / c["se"]) if c.get("coef_debiased") and c["se"] else 0.0
        return -abs(c["coef_standardized"] or 0.0), -evidence

    return sorted(coefficients, key=size)


def shown_count(total: int, page: Page) -> int:
    """Return how many of ``total`` features a screen shows: on a terminal 20 unless all are asked for."""
    return total if page.verbose or not page.terminal or total <= SHOWN + SLACK else SHOWN


def coefficient_lines(result: Mapping[str, Any], page: Page) -> list[Line]:
    """Return the table of a fit: standard errors and intervals where the result has them, else bars."""
    if "classes" in result:
        return _class_lines(result, page)
    ordered, gone = largest_first(result["coefficients"]), []
    if drops_features(result["settings"]) and not _has(ordered, "coef_debiased"):
        gone = [c for c in ordered if not c["coef"]]
        ordered = [c for c in ordered if c["coef"]]
    top = ordered[: shown_count(len(ordered), page)]
    if not top:
        what = "no feature is left" if gone else "no feature"
        return [line(f" {what}: the intercept alone", *_intercept(result))]
    columns = _interval_columns(result, top) if _has(top, "se") else _bar_columns(result, top, page)
    lines = table(columns, page)
    intercept = lines.pop() if _has_intercept(result) else None
    if len(top) < len(ordered):
        lines += _more_lines(ordered[len(top) :], page)
    left_out = gone_lines([c["feature"] for c in gone], "coefficient 0", page) if gone else []
    return [*lines, *([intercept] if intercept else []), *left_out]


def _has(coefficients: Sequence[Coefficient], key: str) -> bool:
    return any(c.get(key) is not None for c in coefficients)


def _class_lines(result: Mapping[str, Any], page: Page) -> list[Line]:
    """Return a column for each class; of many the largest classes, and how many are left out."""
    from l2cli.report.screens.wide import wide_lines

    count = {c["label"]: c["count"] for c in result["data"]["classes"]}
    parts = {str(part["label"]): part for part in result["classes"]}
    names = (
        list(parts)
        if len(parts) <= MOST_CLASSES or page.verbose or not page.terminal
        else sorted(parts, key=lambda name: -count.get(name, 0))[:MOST_CLASSES]
    )
    lines = wide_lines({name: parts[name] for name in names}, ("class", "classes"), page)
    if len(names) < len(parts):
        text = f" and {len(parts) - len(names)} smaller classes (all: --verbose or --format csv)"
        lines += flowed([Span(text, "hint")], page, indent=1)
    return lines


def _has_intercept(result: Mapping[str, Any]) -> bool:
    return result["settings"].get("intercept") is not False


def _intercept(result: Mapping[str, Any]) -> list[Span]:
    return [Span(f", {significant(result['intercept'])}")] if _has_intercept(result) else []


def _more_lines(rest: Sequence[Coefficient], page: Page) -> list[Line]:
    size = comparable([abs(rest[0]["coef_standardized"] or 0.0)])[0]
    text = f" and {len(rest)} more, none above {size} per sd (all: --verbose or --format csv)"
    return flowed([Span(text, "hint")], page, indent=1)


def gone_lines(names: Sequence[str], why: str, page: Page) -> list[Line]:
    """Return the features that the L1 penalty left out, by name as far as a few lines go."""
    most = shown_count(len(names), page)
    more = f" and {len(names) - most} more" if most < len(names) else ""
    text = f" left out ({why}): {', '.join(map(visible, names[:most]))}{more}"
    return flowed([Span(text, "hint")], page, indent=1)


def _with_intercept(result: Mapping[str, Any], column: Column, text: str = "") -> Column:
    """Return the column with a last cell for the intercept, if there is one."""
    return column._replace(cells=[*column.cells, line(text)]) if _has_intercept(result) else column


def _name_column(result: Mapping[str, Any], top: Sequence[Coefficient]) -> Column:
    names = Column("feature", cells((visible(c["feature"]) for c in top), "name"), least=LEAST_NAME)
    return _with_intercept(result, names, "intercept")


def _number_column(head: str, values: Sequence[float | None], rank: int) -> Column:
    texts = [significant(v) if v is not None else "" for v in values]
    return Column(head, decimal_cells(texts), "right", rank)


def _bar_columns(result: Mapping[str, Any], top: Sequence[Coefficient], page: Page) -> list[Column]:
    both = [c["coef"] for c in top] + ([result["intercept"]] if _has_intercept(result) else [])
    sizes = [c["coef_standardized"] or 0.0 for c in top]
    columns = [
        _name_column(result, top),
        _number_column("coef", both, rank=4),
        _with_intercept(result, Column("per sd", decimal_cells(comparable(sizes)), "right", rank=5)),
    ]
    kept = [c.get("kept") for c in top]
    if any(k is not None for k in kept):
        texts = ["" if k is None else kept_text(k) for k in kept]
        columns.append(_with_intercept(result, Column("kept", decimal_cells(texts), "right", rank=3)))
    room = _bar_room(columns, page)
    if room >= LEAST_BAR:
        scale = bar_scale(sizes, room, page.unicode)
        bars = Column("", [signed_bar(size, scale, page.unicode) for size in sizes], "left", rank=1)
        columns.insert(3, _with_intercept(result, bars))
    return columns


def kept_text(kept: float) -> str:
    """Return the share of an unpenalized coefficient that is left; beyond 10 times it only that.

    Examples
    --------
    >>> kept_text(0.98), kept_text(0.9998), kept_text(-0.19), kept_text(16.64), kept_text(-12.98)
    ('98 %', '100 %', '-19 %', '>10x', '<-10x')
    """
    if abs(kept) > MOST_KEPT:
        return f"{'>' if kept > 0 else '<-'}{MOST_KEPT}x"
    return percent(kept) if abs(kept) < 0.5 else f"{100.0 * kept:.0f} %"


def _bar_room(columns: Sequence[Column], page: Page) -> int:
    """Return the cells that are left for bars; on a terminal long names give way before the bars do."""
    widths = [column_width(column) for column in columns]
    if page.terminal:
        others = sum(widths[1:]) + GAP * len(widths) + INDENT
        widths[0] = min(widths[0], max(page.width - others - NICE_BAR, LEAST_NAME))
        return min(page.width - others - widths[0], WIDEST_BAR)
    return min(max(page.width - sum(widths) - GAP * len(widths) - INDENT, NICE_BAR), WIDEST_BAR)


def _interval_columns(result: Mapping[str, Any], top: Sequence[Coefficient]) -> list[Column]:
    rows = [dict(c) for c in top]
    if _has_intercept(result):
        # The interval of the intercept needs a quantile, which only the result's producer has.
        rows.append({"coef": result["intercept"], "se": result.get("intercept_se")})
    bounds = [_bounds(row.get("ci_low"), row.get("ci_high")) for row in rows]
    level = percent(result.get("level", 0.95))
    sizes = decimal_cells(comparable([c["coef_standardized"] or 0.0 for c in top]))
    columns = [
        _name_column(result, top),
        _number_column("coef", [row["coef"] for row in rows], rank=6),
        _number_column("se", [row.get("se") for row in rows], rank=5),
        _interval_column(f"{level} from", "to", [low for low, _ in bounds], [high for _, high in bounds]),
        _with_intercept(result, Column("per sd", sizes, "right", rank=2)),
    ]
    if _has(top, "coef_debiased"):
        columns.insert(2, _number_column("debiased", [row.get("coef_debiased") for row in rows], rank=7))
    if _has(top, "selected"):
        shares = decimal_cells(["" if c["selected"] is None else percent(c["selected"]) for c in top])
        columns.append(_with_intercept(result, Column("selected", shares, "right", rank=3)))
    return columns


def _interval_column(head_low: str, head_high: str, lows: Sequence[str], highs: Sequence[str]) -> Column:
    """Return both ends of the intervals as one column, so that a narrow page has both or none."""
    low, high = aligned(lows), aligned(highs)
    left, right = (max(len(head), len(texts[0])) for head, texts in ((head_low, low), (head_high, high)))
    gap = " " * GAP
    pairs = [f"{a:>{left}}{gap}{b:>{right}}" for a, b in zip(low, high, strict=True)]
    return Column(f"{head_low:>{left}}{gap}{head_high:>{right}}", cells(pairs), "right", rank=4)


def _bounds(low: float | None, high: float | None) -> tuple[str, str]:
    """Return both ends with the decimals that the larger one deserves."""
    if low is None or high is None:
        return "", ""
    decimals = decimals_for([low, high])
    if decimals > 6:
        return significant(low), significant(high)
    return fixed(low, decimals), fixed(high, decimals)
