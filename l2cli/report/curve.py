"""Curves over lambda, drawn in the terminal: a canvas between a y axis and a logarithmic lambda axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from l2cli.report.axis import MARGIN, Marker, lambda_axis
from l2cli.report.canvas import Canvas
from l2cli.report.escape import cell_width
from l2cli.report.glyphs import glyphs_for
from l2cli.report.layout import Line, Page, Span, trimmed_end
from l2cli.report.scales import Scale, snapped, ticks

WIDEST = 100


class Series(NamedTuple):
    """A curve: one y per lambda (None where there is none); ``mark`` is its character in ASCII.

    ``layer`` 0 is for what lies behind the curves and is drawn dotted.
    """

    values: Sequence[float | None]
    style: str = "curve"
    mark: str = "*"
    layer: int = 1


class RowLabel(NamedTuple):
    """A text left of the y axis, as near as possible to the height ``value``."""

    value: float
    text: str
    style: str = ""


class Chart(NamedTuple):
    """Curves over ``lambdas`` on two scales, markers on the lambda axis, names left of the y axis."""

    lambdas: Sequence[float]
    x: Scale
    y: Scale
    series: Sequence[Series]
    markers: Sequence[Marker] = ()
    names: Sequence[RowLabel] = ()
    rows: int = 9


def draw(chart: Chart, page: Page) -> list[Line]:
    """Return the chart in lines: the canvas with its y axis, the lambda axis, and its labels."""
    y, rows = snapped(chart.y, chart.rows)
    chart = chart._replace(y=y, rows=rows)
    glyphs = glyphs_for(page.unicode)
    y_labels = {}
    marks = Canvas(1, chart.rows, page.unicode)
    for tick in ticks(chart.y, max(chart.rows // 2, 2)):
        y_labels[marks.cell_row(chart.y.at(tick.value))] = tick.label
    names = _spread(chart.names, [marks.cell_row(chart.y.at(n.value)) for n in chart.names], chart.rows)
    label_width = max((len(text) for text in y_labels.values()), default=0)
    name_width = max((cell_width(n.text) for n in names.values()), default=0)
    name_room = name_width + 1 if name_width else 0
    left = 1 + name_room + label_width + 1
    columns = max(min(page.width, WIDEST) - left - 1 - MARGIN, 16)
    body = _body(chart, columns, page)
    lines = []
    for row in range(chart.rows):
        name = names.get(row, RowLabel(0.0, ""))
        spans = [Span(" "), Span(name.text + " " * (name_room - cell_width(name.text)), name.style)]
        label = y_labels.get(row)
        spans.append(Span((label or "").rjust(label_width) + " ", "axis"))
        spans.append(Span(glyphs.y_tick if label else glyphs.vertical, "axis"))
        lines.append(trimmed_end([*spans, *body[row]]))
    return lines + lambda_axis(chart.lambdas, chart.x, chart.markers, columns, left, glyphs)


def _body(chart: Chart, columns: int, page: Page) -> list[Line]:
    canvas = Canvas(columns, chart.rows, page.unicode)
    for series in chart.series:
        points = [
            (chart.x.at(lam), chart.y.at(value))
            for lam, value in zip(chart.lambdas, series.values, strict=True)
            if value is not None
        ]
        points.sort()
        if series.layer:
            canvas.curve(points, series.style, series.mark, series.layer)
        else:
            _dotted(canvas, points, series)
    return canvas.lines()


def _dotted(canvas: Canvas, points: Sequence[tuple[float, float]], series: Series) -> None:
    """Draw one dot every two cells along the points, so that it reads as lighter than a curve."""
    pitch = 4 if canvas.unicode else 3
    step = pitch / max(canvas.dots_across - 1, 1)
    place, i = points[0][0] if points else 0.0, 0
    while points and place <= points[-1][0] + 1e-9:
        while i + 2 < len(points) and points[i + 1][0] < place:
            i += 1
        (x0, y0), (x1, y1) = points[i], points[min(i + 1, len(points) - 1)]
        share = (place - x0) / (x1 - x0) if x1 > x0 else 0.0
        canvas.dot(place, y0 + (y1 - y0) * min(share, 1.0), series.style, series.mark, 0)
        place += step


def _spread(labels: Sequence[RowLabel], wanted: Sequence[int], rows: int) -> dict[int, RowLabel]:
    """Return a row for every label: ordered by height, none sharing a row, each near the row it wants."""
    order = sorted(range(len(labels)), key=lambda i: -labels[i].value)[:rows]
    placed: list[int] = []
    for rank, i in enumerate(order):
        free = placed[-1] + 1 if placed else 0
        latest = rows - (len(order) - rank)
        placed.append(min(max(wanted[i], free), latest))
    return dict(zip(placed, (labels[i] for i in order), strict=True))
