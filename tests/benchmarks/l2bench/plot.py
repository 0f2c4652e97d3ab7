"""Growth curves as SVG, written by hand: log-log panels, curves labelled at their ends with their slopes."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from math import ceil, floor, log10

WIDTH, HEIGHT = 230, 210  # of the plotting area of a panel
LEFT, RIGHT, TOP, BOTTOM = 46, 128, 34, 42  # around it
HEAD, FOOT = 58, 26  # above and below all panels
LINE = 15  # least distance between labels
COLOURS = ("#c2410c", "#f59e0b", "#1d4ed8", "#4b5563", "#15803d", "#7e22ce")
STYLE = (
    "text{font-family:Helvetica,Arial,sans-serif;font-size:11px;fill:#374151}"
    ".title{font-size:16px;font-weight:bold;fill:#111827}.panel{font-size:12px;font-weight:bold;fill:#111827}"
    ".tick,.note{font-size:10px;fill:#6b7280}.grid{stroke:#e5e7eb;stroke-width:1}"
    ".frame{stroke:#9ca3af;stroke-width:1;fill:none}.limit{stroke:#9ca3af;stroke-dasharray:4 3}"
    ".curve{fill:none;stroke-width:2;stroke-linejoin:round}.leader{stroke-width:0.7;opacity:0.6}"
)


@dataclass
class Curve:
    """The times of one program. points : (size, seconds). stopped : the size at which it ran out of time."""

    name: str
    points: list[tuple[float, float]] = field(default_factory=list)
    stopped: float | None = None

    def slope(self) -> float | None:
        """Return the exponent of size between the two largest sizes, where start-up counts least."""
        if len(self.points) < 2:
            return None
        (x, y), (larger, later) = self.points[-2:]
        return log10(later / y) / log10(larger / x)


@dataclass
class Panel:
    """Curves over one axis of size."""

    title: str
    axis: str
    symbol: str
    curves: list[Curve]


def power(exponent: int, unit: str = "") -> str:
    """Return a tick: 0.1, 1, 10, 100, 1,000, then 10⁴."""
    if exponent < 4:
        return f"{10.0**exponent:,.{max(0, -exponent)}f}{unit}"
    return "10" + str(exponent).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


def spread(wanted: list[float], low: float, high: float) -> list[float]:
    """Move label positions, in order, as little apart as LINE asks for, between ``low`` and ``high``."""
    order = sorted(range(len(wanted)), key=lambda k: wanted[k])
    placed: list[float] = []
    for k in order:
        placed.append(max(wanted[k], low, placed[-1] + LINE if placed else low))
    ceiling = high
    for i in reversed(range(len(placed))):
        placed[i] = min(placed[i], ceiling)
        ceiling = placed[i] - LINE
    result = [0.0] * len(wanted)
    for i, k in enumerate(order):
        result[k] = placed[i]
    return result


@dataclass(frozen=True)
class Axes:
    """A panel's mapping of (log10 size, log10 seconds) to pixels."""

    left: float
    top: float
    x: tuple[float, float]
    y: tuple[float, float]

    def at(self, size: float, seconds: float) -> tuple[float, float]:
        """Return the pixel of a point."""
        across = (log10(size) - self.x[0]) / (self.x[1] - self.x[0])
        up = (log10(seconds) - self.y[0]) / (self.y[1] - self.y[0])
        return self.left + across * WIDTH, self.top + (1 - up) * HEIGHT


def grid_of(axes: Axes, panel: Panel, limit: float) -> list[str]:
    """Return grid, ticks, the axis' name and the limit of time."""
    bottom, right = axes.top + HEIGHT, axes.left + WIDTH
    out = [f'<text class="panel" x="{axes.left}" y="{axes.top - 10}">{escape(panel.title)}</text>']
    for exponent in range(ceil(axes.x[0]), floor(axes.x[1]) + 1):
        x, _ = axes.at(10.0**exponent, 1)
        out.append(f'<path class="grid" d="M{x:.1f} {axes.top}V{bottom}"/>')
        label = power(exponent)
        out.append(f'<text class="tick" x="{x:.1f}" y="{bottom + 15}" text-anchor="middle">{label}</text>')
    for exponent in range(ceil(axes.y[0]), floor(axes.y[1]) + 1):
        _, y = axes.at(10.0 ** axes.x[0], 10.0**exponent)
        out.append(f'<path class="grid" d="M{axes.left} {y:.1f}H{right}"/>')
        label = power(exponent, " s")
        out.append(
            f'<text class="tick" x="{axes.left - 6}" y="{y + 3.5:.1f}" text-anchor="end">{label}</text>'
        )
    if axes.y[0] < log10(limit) < axes.y[1]:
        _, y = axes.at(10.0 ** axes.x[0], limit)
        out.append(f'<path class="limit" d="M{axes.left} {y:.1f}H{right}"/>')
        out.append(f'<text class="note" x="{axes.left + 4}" y="{y - 4:.1f}">stopped at {limit:g} s</text>')
    out.append(f'<rect class="frame" x="{axes.left}" y="{axes.top}" width="{WIDTH}" height="{HEIGHT}"/>')
    middle = axes.left + WIDTH / 2
    out.append(
        f'<text class="tick" x="{middle}" y="{bottom + 31}" text-anchor="middle">{escape(panel.axis)}</text>'
    )
    return out


def curves_of(axes: Axes, panel: Panel, colours: dict[str, str], limit: float) -> list[str]:
    """Return the curves, an arrow where one ran out of time, and the labels at the right with leaders."""
    out, ends, shown = [], [], [curve for curve in panel.curves if curve.points]
    for curve in shown:
        colour = colours[curve.name]
        pixels = [axes.at(*point) for point in curve.points]
        ends.append(pixels[-1])
        if curve.stopped is not None:
            x, y = axes.at(curve.stopped, limit)
            fx, fy = pixels[-1]
            out.append(
                f'<path d="M{fx:.1f} {fy:.1f}L{x:.1f} {y:.1f}" stroke="{colour}" stroke-dasharray="2 3"/>'
            )
            out.append(f'<path d="M{x - 4:.1f} {y + 3:.1f}h8l-4 -7z" fill="{colour}"/>')
            ends[-1] = (x, y)
        steps = "L".join(f"{x:.1f} {y:.1f}" for x, y in pixels)
        out.append(f'<path class="curve" stroke="{colour}" d="M{steps}"/>')
        out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="{colour}"/>' for x, y in pixels]
    places = spread([y for _, y in ends], axes.top + 4, axes.top + HEIGHT - 4)
    right = axes.left + WIDTH
    for curve, (x, y), place in zip(shown, ends, places, strict=True):
        colour, slope = colours[curve.name], curve.slope()
        raised = "" if slope is None else f' {panel.symbol}<tspan dy="-4" font-size="8">{slope:.2f}</tspan>'
        label = f'<tspan fill="{colour}">{escape(curve.name)}</tspan>{raised}'
        out.append(f'<path class="leader" stroke="{colour}" d="M{x:.1f} {y:.1f}L{right + 6} {place:.1f}"/>')
        out.append(f'<text x="{right + 9}" y="{place + 3.5:.1f}">{label}</text>')
    return out


def draw(title: str, note: str, rows: list[list[Panel]], limit: float) -> str:
    """Return the SVG of a grid of panels, one list per row; all share the axis of time."""
    panels = [panel for row in rows for panel in row]
    names = list(dict.fromkeys(curve.name for panel in panels for curve in panel.curves))
    colours = {name: COLOURS[k % len(COLOURS)] for k, name in enumerate(names)}
    times = [y for panel in panels for curve in panel.curves for _, y in curve.points]
    y = floor(log10(min([*times, limit]))), log10(max([*times, limit])) + 0.2
    across, down = LEFT + WIDTH + RIGHT, TOP + HEIGHT + BOTTOM
    width, height = across * max(map(len, rows)) + 10, HEAD + down * len(rows) + FOOT
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-label="{escape(title)}">',
        f"<style>{STYLE}</style>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text class="title" x="{LEFT}" y="28">{escape(title)}</text>',
        f'<text class="note" x="{LEFT}" y="46">{escape(note)}</text>',
    ]
    for i, row in enumerate(rows):
        for k, panel in enumerate(row):
            sizes = [x for curve in panel.curves for x, _ in curve.points]
            sizes += [curve.stopped for curve in panel.curves if curve.stopped is not None]
            margin = 0.04 * (log10(max(sizes)) - log10(min(sizes)) or 1)
            x = log10(min(sizes)) - margin, log10(max(sizes)) + margin
            axes = Axes(LEFT + k * across, HEAD + TOP + i * down, x, y)
            out += grid_of(axes, panel, limit) + curves_of(axes, panel, colours, limit)
    return "\n".join([*out, "</svg>"]) + "\n"
