"""The screen of ``l2cli inspect``: the columns, what to look at twice, and the command of a fit."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from l2cli.report.escape import cell_width, cut_middle, visible
from l2cli.report.layout import (
    GAP,
    INDENT,
    Column,
    Line,
    Page,
    Span,
    cells,
    clauses,
    column_width,
    flowed,
    glyphs_ellipsis,
    line,
    table,
)
from l2cli.report.numerals import percent, trimmed
from l2cli.report.screens.features import LEAST_NAME, shown_count
from l2cli.report.screens.heading import count, data_lines

ROLES = (
    "numeric", "categorical", "boolean", "date", "constant", "identifier", "empty", "unusable", "dropped",
    "target",
)  # fmt: skip
"""The roles in the order in which they are counted; others come last."""
VALUES_WIDTH, LEAST_VALUES = 60, 20
"""Cells for the range or the levels of one column, at most and at least."""
LABEL_WIDTH = 24
MOST_SHOWN = 4
FEWEST, MOST_CODES = 3, 10
"""Numbers of distinct values of what may be codes; two are an indicator as well as two levels."""
_WORD = re.compile(r"""(?:\$'(?:\\.|[^'\\])*'|'[^']*'|"[^"]*"|[^\s'"])+""")


def screen(result: Mapping[str, Any], page: Page) -> list[Line]:
    """Return the table of columns, what is suspicious, and the command."""
    told = dict(result["data"])
    if result.get("refusal") is not None:
        del told["features"]  # there are none of a fit that there cannot be
    return [
        *data_lines(told, page),
        *_summary_lines(result, page),
        (),
        *_column_lines(result, page),
        *_oddity_lines(result["columns"], page),
        *_code_lines(result["columns"], page),
        (),
        *_command_lines(result, page),
    ]


def _summary_lines(result: Mapping[str, Any], page: Page) -> list[Line]:
    """Return the number of columns by role, missing cells, and repeated rows."""
    columns, rows = result["columns"], result["data"]["rows_read"]
    roles = Counter(column["role"] for column in columns)
    order = [*(role for role in ROLES if roles[role]), *(role for role in roles if role not in ROLES)]
    parts = [f"{count(len(columns), 'column')}: {', '.join(f'{roles[role]} {role}' for role in order)}"]
    counted = [column["missing"] for column in columns if column["missing"] is not None]
    missing = sum(counted)
    share = percent(missing / max(1, rows * len(counted)), 1)
    parts.append(f"{count(missing, 'missing cell')} ({share})" if missing else "no missing cells")
    if repeated := result["data"].get("rows_repeated"):
        parts.append(f"{count(repeated, 'row')} {'repeats' if repeated == 1 else 'repeat'} an earlier one")
    return clauses([line(part) for part in parts], page)


def _column_lines(result: Mapping[str, Any], page: Page) -> list[Line]:
    """Return the table of columns in file order; on a terminal the first of many, and the target."""
    columns, rows = result["columns"], max(1, result["data"]["rows_read"])
    shown = shown_count(len(columns), page)
    top = list(columns[:shown])
    top += [column for column in columns[shown:] if column["role"] == "target"]
    parts = [
        Column("column", cells((visible(c["name"]) for c in top), "name"), least=LEAST_NAME),
        Column("role", cells(c["role"] for c in top), rank=8),
    ]
    if any(column["missing"] for column in columns):
        gone = [f"{c['missing']} ({percent(c['missing'] / rows, 1)})" if c["missing"] else "" for c in top]
        parts.append(Column("missing", cells(gone), "right", rank=7))
    parts.append(
        Column(
            "distinct",
            cells("" if c["distinct"] is None else str(c["distinct"]) for c in top),
            "right",
            rank=6,
        )
    )
    room = max(LEAST_VALUES, min(VALUES_WIDTH, _room(parts, page)))
    parts.append(Column("values", cells(_values(c, room, page) for c in top), rank=9, least=LEAST_VALUES))
    lines = table(parts, page)
    if len(top) < len(columns):
        more = f" and {len(columns) - len(top)} more (all: --verbose or --format csv)"
        lines += flowed([Span(more, "hint")], page, indent=1)
    return lines


def _room(parts: Sequence[Column], page: Page) -> int:
    """Return the cells that a terminal has left beside some columns; elsewhere there is room."""
    used = INDENT + sum(column_width(part) + GAP for part in parts)
    return page.width - used if page.terminal else VALUES_WIDTH


def _values(column: Mapping[str, Any], room: int, page: Page) -> str:
    """Return the range of a column of numbers, or the most frequent levels, as far as there is room."""
    levels, distinct = column["levels"], column["distinct"]
    if column["min"] is not None and (distinct > MOST_SHOWN or not levels):
        text = f"{_number(column['min'])} to {_number(column['max'])}"
        longer = text if column["median"] is None else f"{text}, median {_number(column['median'])}"
        return longer if cell_width(longer) <= room else text
    told, shown = "", 0
    for i, level in enumerate(levels[:MOST_SHOWN]):
        label = cut_middle(visible(level["level"]), min(LABEL_WIDTH, room // 2), glyphs_ellipsis(page))
        item = f"{told}{', ' if told else ''}{label or repr(label)} ({level['count']})"
        more = f", {distinct - i - 1} more" if distinct > i + 1 else ""
        if told and cell_width(item + more) > room:
            break
        told, shown = item, i + 1
    return told + (f", {distinct - shown} more" if told and distinct > shown else "")


def _number(value: float) -> str:
    """Return a number short, whole ones with all their digits."""
    return str(value) if isinstance(value, int) and abs(value) < 1e16 else trimmed(value, 4)


def _oddity_lines(columns: Sequence[Mapping[str, Any]], page: Page) -> list[Line]:
    """Return the notes, one column after the other."""
    odd = [column for column in columns if column["notes"]]
    if not odd:
        return []
    top = odd[: shown_count(len(odd), page)]
    lines: list[Line] = [(), line(Span(" look at these twice", "head"))]
    for column in top:
        name = cut_middle(visible(column["name"]), 2 * LABEL_WIDTH, glyphs_ellipsis(page))
        spans = [Span(f"  {name}", "name"), Span(f": {'; '.join(map(visible, column['notes']))}")]
        lines += flowed(spans, page, indent=4)
    if len(top) < len(odd):
        more = f"  and {len(odd) - len(top)} more columns (all: --verbose or --format csv)"
        lines += flowed([Span(more, "hint")], page, indent=2)
    return lines


def _code_lines(columns: Sequence[Mapping[str, Any]], page: Page) -> list[Line]:
    """Return the columns that may hold codes: a few whole numbers, used as numbers."""
    names = [
        visible(column["name"])
        for column in columns
        if column["role"] == "numeric"
        and column["type"] == "integer"
        and FEWEST <= column["distinct"] <= MOST_CODES
    ]
    if not names:
        return []
    top = names[: shown_count(len(names), page)]
    more = f" and {len(names) - len(top)} more" if len(top) < len(names) else ""
    text = f": {', '.join(top)}{more}; if they are codes, --categorical"
    return [(), *flowed([Span(" few whole numbers, used as numbers", "head"), Span(text)], page, indent=2)]


def _command_lines(result: Mapping[str, Any], page: Page) -> list[Line]:
    """Return the command that a fit amounts to, or why there is none."""
    if (refusal := result.get("refusal")) is not None:
        text = refusal["message"] + (f"; {refusal['hint']}" if refusal["hint"] else "")
        return flowed([Span(" a fit would be refused: ", "warning"), Span(visible(text))], page, indent=2)
    if result["command"] is None:
        return []
    family = result["settings"]["family"]
    told = f" as l2cli fit takes it ({family}, {count(len(result['data']['features']), 'feature')}):"
    return [*flowed([Span(told, "hint")], page, indent=1), *_continued(result["command"], page)]


def _continued(command: str, page: Page) -> list[Line]:
    r"""Return a command line; on a terminal continued after ``\`` where it is longer than a line."""
    rows, used = [" "], 1
    parts: list[str] = []
    for word in _WORD.findall(command):
        # a value stays beside its option
        if parts and parts[-1].startswith("-") and " " not in parts[-1] and not word.startswith("-"):
            parts[-1] += f" {word}"
        else:
            parts.append(word)
    for word in parts:
        if page.terminal and used > 1 and used + 1 + cell_width(word) > page.width - 2:
            rows[-1] += " \\"
            rows.append("   ")
            used = 3
        rows[-1] += f" {word}"
        used += 1 + cell_width(word)
    return [(Span(row, "command"),) for row in rows]
