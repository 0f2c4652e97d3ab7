"""The lambda axis below a curve: round numbers, marked places, and their labels without overlaps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from l2cli.report.glyphs import Glyphs
from l2cli.report.layout import Line, Span, trimmed_end
from l2cli.report.scales import Scale, ticks

TITLE = "lambda"
# What the labels take beyond the right end of the canvas: a blank or half a number, a blank, the title.
MARGIN = 2 + len(TITLE)


class Marker(NamedTuple):
    """A place on the lambda axis with a name."""

    value: float
    name: str


class _Label(NamedTuple):
    start: int
    text: str
    style: str

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    def touches(self, other: _Label) -> bool:
        """Return True where no blank is left between the two."""
        return self.start <= other.end and other.start <= self.end


def lambda_axis(
    lambdas: Sequence[float], scale: Scale, markers: Sequence[Marker], columns: int, left: int, glyphs: Glyphs
) -> list[Line]:
    """Return the rule and one or two rows of labels.

    The names of the markers stand among the numbers where they leave room, else on a row of their own, so
    that a number is never lost to a name.

    Parameters
    ----------
    columns : int
        Cells of the canvas above.
    left : int
        Cells before the corner of the axis.
    """

    def cell(value: float) -> int:
        return round(scale.at(value) * (columns - 1))

    places = [(cell(tick.value), tick.label) for tick in ticks(scale, max(columns // 8, 2))]
    if any(value == 0 for value in lambdas):
        places.insert(0, (0, "0"))
    marked: dict[int, str] = {}
    for marker in markers:
        at = cell(marker.value)
        marked[at] = f"{marked[at]} = {marker.name}" if at in marked else marker.name
    rule = [Span(glyphs.horizontal, "axis")] * columns
    for at, _ in places:
        rule[at] = Span(glyphs.x_tick, "axis")
    for at in marked:
        rule[at] = Span(glyphs.marker, "marker")
    width = left + 1 + columns + 1
    names = _apart([_centred(left + 1 + at, text, "marker", width) for at, text in sorted(marked.items())])
    numbers = _without_overlaps([_centred(left + 1 + at, text, "axis", width) for at, text in places])
    numbers.append(_Label(width + 1, TITLE, "axis"))
    rows = [(Span(" " * left), Span(glyphs.corner, "axis"), *rule)]
    if any(name.touches(number) for name in names for number in numbers):
        return [*rows, _row(names), _row(numbers)]
    return [*rows, _row([*names, *numbers])]


def _centred(at: int, text: str, style: str, width: int) -> _Label:
    return _Label(max(0, min(at - len(text) // 2, width - len(text))), text, style)


def _apart(labels: Sequence[_Label]) -> list[_Label]:
    """Return the labels of neighbouring markers pushed apart to both sides."""
    placed = list(labels)
    for i in range(len(placed) - 1):
        a, b = placed[i], placed[i + 1]
        overlap = a.end + 1 - b.start
        if overlap > 0:
            by = min((overlap + 1) // 2, a.start)
            placed[i] = a._replace(start=a.start - by)
            placed[i + 1] = b._replace(start=b.start + overlap - by)
    return placed


def _without_overlaps(numbers: Sequence[_Label]) -> list[_Label]:
    kept: list[_Label] = []
    for label in numbers:
        if not any(label.touches(other) for other in kept):
            kept.append(label)
    return kept


def _row(labels: Sequence[_Label]) -> Line:
    spans: list[Span] = []
    used = 0
    for label in sorted(labels):
        spans.append(Span(" " * (label.start - used)))
        spans.append(Span(label.text, label.style))
        used = label.end
    return trimmed_end(spans)
