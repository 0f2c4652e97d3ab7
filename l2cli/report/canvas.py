"""A canvas of dots in terminal cells: braille (2 x 4 dots a cell), or one mark a cell in ASCII."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from l2cli.report.layout import Line, Span

# Bits of the braille pattern by column and row of the dot; U+2800 is the empty pattern.
_BITS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_EMPTY = 0x2800


class Canvas:
    """Dots on a grid of cells; x runs to the right and y upwards, both from 0 to 1.

    A cell shows one layer: a higher layer replaces what a lower one drew there, so that a curve stays
    clean where it meets a band or an axis. Dots of the same layer add up.
    """

    def __init__(self, columns: int, rows: int, unicode: bool) -> None:
        self.columns, self.rows, self.unicode = columns, rows, unicode
        self._across, self._down = (2, 4) if unicode else (1, 1)
        self._cells: dict[tuple[int, int], tuple[int, int, str, str]] = {}  # layer, bits, style, mark

    @property
    def dots_across(self) -> int:
        """Number of dot columns."""
        return self.columns * self._across

    def dot(self, x: float, y: float, style: str = "", mark: str = "*", layer: int = 1) -> None:
        """Draw a dot; outside of the canvas nothing is drawn."""
        self._put(*self._place(x, y), style, mark, layer)

    def curve(
        self, points: Sequence[tuple[float, float]], style: str = "", mark: str = "*", layer: int = 1
    ) -> None:
        """Draw straight lines from point to point."""
        places = [self._place(x, y) for x, y in points]
        if len(places) == 1:
            self._put(*places[0], style, mark, layer)
        for (x0, y0), (x1, y1) in pairwise(places):
            steps = max(abs(x1 - x0), abs(y1 - y0), 1)
            for i in range(steps + 1):
                self._put(
                    round(x0 + (x1 - x0) * i / steps), round(y0 + (y1 - y0) * i / steps), style, mark, layer
                )

    def cell_row(self, y: float) -> int:
        """Return the row of cells, counted from the top, that shows the height ``y``."""
        return self._place(0.0, y)[1] // self._down

    def lines(self) -> list[Line]:
        """Return the rows from top to bottom, each of ``columns`` cells."""
        return [self._row(row) for row in range(self.rows)]

    def _place(self, x: float, y: float) -> tuple[int, int]:
        return round(x * (self.dots_across - 1)), round((1 - y) * (self.rows * self._down - 1))

    def _put(self, x: int, y: int, style: str, mark: str, layer: int) -> None:
        key = (x // self._across, y // self._down)
        if not (0 <= key[0] < self.columns and 0 <= key[1] < self.rows):
            return
        below, bits, *_ = self._cells.get(key, (layer, 0))
        if layer < below:
            return
        bit = _BITS[x % 2][y % 4] if self.unicode else 0
        self._cells[key] = (layer, bit if layer > below else bits | bit, style, mark)

    def _row(self, row: int) -> Line:
        spans: list[Span] = []
        for column in range(self.columns):
            _, bits, style, mark = self._cells.get((column, row), (0, 0, "", " "))
            char = chr(_EMPTY + bits) if self.unicode and bits else mark
            if spans and spans[-1].style == style:
                spans[-1] = Span(spans[-1].text + char, style)
            else:
                spans.append(Span(char, style))
        return tuple(spans)
