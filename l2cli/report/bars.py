"""Bars and whiskers of one line: lengths drawn in eighths of a cell, signs by direction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from l2cli.report.glyphs import glyphs_for
from l2cli.report.layout import Line, Span

_EIGHTHS = " ▏▎▍▌▋▊▉"


class BarScale(NamedTuple):
    """How signed bars share the cells: ``left``, ``right`` of the zero line; ``unit``: value of a cell."""

    left: int
    right: int
    unit: float


def bar_scale(values: Sequence[float], width: int, unicode: bool) -> BarScale:
    """Return the scale on which the longest bars to both sides fill ``width`` cells.

    In Unicode the zero line is drawn on the border of two cells: a bar's own side is free for it, the
    other side lends a cell. In ASCII it takes a cell of its own.
    """
    down = max((-v for v in values if v < 0), default=0.0)
    up = max((v for v in values if v > 0), default=0.0)
    if down + up == 0:
        return BarScale(1, 1, 1.0)
    room = max(width if unicode else width - 1, 2)
    least = 1 if unicode else 0
    left = max(round(room * down / (down + up)), 1 if down else least)
    left = min(left, room - (1 if up else least))
    right = room - left
    return BarScale(left, right, max(down / left if down else 0.0, up / right if up else 0.0))


def signed_bar(value: float, scale: BarScale, unicode: bool) -> Line:
    """Return a bar from the zero line: to the right for a positive value, to the left for a negative one."""
    length = abs(value) / scale.unit
    style = "negative" if value < 0 else "positive"
    if not unicode:
        marks = "#" * min(max(round(length), 1 if value else 0), scale.left if value < 0 else scale.right)
        before, after = (marks, "") if value < 0 else ("", marks)
        return _pieces(before.rjust(scale.left), "|", after.ljust(scale.right), style)
    if value < 0:
        return _pieces(_leftward(length).rjust(scale.left), "▏", " " * (scale.right - 1), style)
    return _pieces(" " * (scale.left - 1), "▕", _rightward(length, value > 0).ljust(scale.right), style)


def _pieces(before: str, axis: str, after: str, style: str) -> Line:
    return (Span(before, style), Span(axis, "axis"), Span(after, style))


def _rightward(length: float, nonzero: bool) -> str:
    eighths = max(round(length * 8), 1 if nonzero else 0)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _leftward(length: float) -> str:
    """Return blocks of a bar to the left, where Unicode has only the right half and the right eighth."""
    full, rest = divmod(max(length, 0.125), 1.0)
    end = "█" if rest >= 0.75 else "▐" if rest >= 0.25 else "▕" if rest >= 0.0625 else ""
    return end + "█" * int(full)


class WhiskerScale(NamedTuple):
    """The values at both ends of ``width`` cells."""

    low: float
    high: float
    width: int

    def cell(self, value: float) -> int:
        """Return the cell that holds ``value``."""
        span = self.high - self.low
        share = (value - self.low) / span if span > 0 else 0.5
        return min(max(round(share * (self.width - 1)), 0), self.width - 1)


def whisker(
    low: float | None, value: float | None, high: float | None, scale: WhiskerScale, unicode: bool
) -> Line:
    """Return a dot at ``value`` with a line from ``low`` to ``high``; without ends the dot alone.

    A value beyond the scale is an arrow at its end.
    """
    marks = glyphs_for(unicode)
    if value is None:
        return (Span(" " * scale.width),)
    row = [" "] * scale.width
    if value < scale.low or value > scale.high:
        at = 0 if value < scale.low else scale.width - 1
        row[at] = marks.beyond_left if value < scale.low else marks.beyond_right
    else:
        if low is not None and high is not None:
            first, last = scale.cell(low), scale.cell(high)
            row[first : last + 1] = [marks.whisker_line] * (last + 1 - first)
            row[first], row[last] = marks.whisker_left, marks.whisker_right
        at = scale.cell(value)
        row[at] = marks.dot
    return (Span("".join(row[:at]), "axis"), Span(row[at], "point"), Span("".join(row[at + 1 :]), "axis"))
