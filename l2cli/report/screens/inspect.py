"""The screen of ``l2cli inspect``: the columns, what to look at twice, and the command of a fit."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from l2cli.report.escape import cell_width, cut_middle, visible
from l2cli.report.layout import (
    Column,
    Line,
    Page,
    Span,
    cells,
    clauses,
    flowed,
    glyphs_ellipsis,
    line,
    table,
)
from l2cli.report.numerals import percent, trimmed
from l2cli.report.screens.features import LEAST_NAME, shown_count
from l2cli.report.screens.heading import count, data_lines

ROLES = ("numeric", "categorical", "boolean", "date", "constant", "identifier", "empty", "dropped", "target")
"""The roles in the order in which they are counted; others come last."""
VALUES_WIDTH = 60
"""Cells for the levels of one column; a terminal may cut them further."""
LABEL_WIDTH = 24
MOST_SHOWN = 4
_WORD = re.compile(r"""(?:\$'(?:\\.|[^'\\])*'|'[^']*'|"[^"]*"|[^\s'"])+""")


def screen(result: Mapping[str, Any], page: Page) -> list[Line]:
    """Return the table of columns, what is suspicious, and the command."""
    return [
        *data_lines(result["data"], page),
        *_summary_lines(result, page),
        (),
        *_column_lines(result["columns"], page),
        *_oddity_lines(result["columns"], page),
        (),
        *_command_lines(result, page),
    ]


def _summary_lines(result: Mapping[str, Any], page: Page) -> list[Line]:
    """Return the number of columns by role, missing cells, and repeated rows."""
    columns, rows = result["columns"], result["data"]["rows_read"]
    roles = Counter(column["role"] for column in columns)
    order = [*(role for role in ROLES if roles[role]), *(role for role in roles if role not in ROLES)]
    parts = [f"{count(len(columns), 'column')}: {', '.join(f'{roles[role]} {role}' for role in order)}"]
    missing = sum(column["missing"] for column in columns)
    share = percent(missing / max(1, rows * len(columns)), 1)
    parts.append(f"{count(missing, 'missing cell')} ({share})" if missing else "no missing cells")
    if repeated := result["data"].get("rows_repeated"):
        parts.append(f"{count(repeated, 'row')} {'repeats' if repeated == 1 else 'repeat'} an earlier one")
    return clauses([line(part) for part in parts], page)


def _column_lines(columns: Sequence[Mapping[str, Any]], page: Page) -> list[Line]:
    """Return the table of columns in file order; on a terminal the first of many, and the target."""
    shown = shown_count(len(columns), page)
    top = list(columns[:shown])
    top += [column for column in columns[shown:] if column["role"] == "target"]
    parts = [
        Column("column", cells((visible(c["name"]) for c in top), "name"), least=LEAST_NAME),
        Column("role", cells(c["role"] for c in top), rank=8),
    ]
    if any(column["missing"] for column in columns):
        gone = [str(c["missing"]) if c["missing"] else "" for c in top]
        parts.append(Column("missing", cells(gone), "right", rank=7))
    parts.append(Column("distinct", cells(str(c["distinct"]) for c in top), "right", rank=6))
    parts.append(Column("values", cells(_values(c, page) for c in top), rank=9, least=20))
    lines = table(parts, page)
    if len(top) < len(columns):
        more = f" and {len(columns) - len(top)} more (all: --verbose or --format csv)"
        lines += flowed([Span(more, "hint")], page, indent=1)
    return lines


def _values(column: Mapping[str, Any], page: Page) -> str:
    """Return the range of a column of numbers, or the most frequent levels."""
    levels, distinct = column["levels"], column["distinct"]
    if column["min"] is not None and (distinct > MOST_SHOWN or not levels):
        middle = "" if column["median"] is None else f", median {_number(column['median'])}"
        return f"{_number(column['min'])} to {_number(column['max'])}{middle}"
    told: list[str] = []
    for level in levels[:MOST_SHOWN]:
        label = cut_middle(visible(level["level"]), LABEL_WIDTH, glyphs_ellipsis(page))
        item = f"{label or repr(label)} ({level['count']})"
        if told and cell_width(", ".join([*told, item])) > VALUES_WIDTH:
            break
        told.append(item)
    more = f", {distinct - len(told)} more" if distinct > len(told) else ""
    return f"{', '.join(told)}{more}"


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
    for word in _WORD.findall(command):
        if page.terminal and used > 1 and used + 1 + cell_width(word) > page.width - 2:
            rows[-1] += " \\"
            rows.append("   ")
            used = 3
        rows[-1] += f" {word}"
        used += 1 + cell_width(word)
    return [(Span(row, "command"),) for row in rows]
