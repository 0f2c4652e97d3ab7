"""The few characters that screens draw with, in Unicode and for terminals that have only ASCII."""

from __future__ import annotations

from typing import NamedTuple


class Glyphs(NamedTuple):
    """One set of drawing characters; every field is one cell wide but ``ellipsis`` and ``plus_minus``."""

    ellipsis: str
    plus_minus: str
    vertical: str
    horizontal: str
    corner: str
    y_tick: str
    x_tick: str
    marker: str
    whisker_left: str
    whisker_right: str
    whisker_line: str
    dot: str
    beyond_left: str
    beyond_right: str


UNICODE = Glyphs("…", "±", "│", "─", "└", "┤", "┬", "▲", "▕", "▏", "─", "●", "←", "→")
ASCII = Glyphs("..", "+-", "|", "-", "+", "+", "+", "^", "|", "|", "-", "o", "<", ">")


def glyphs_for(unicode: bool) -> Glyphs:
    """Return the set for the terminal."""
    return UNICODE if unicode else ASCII
