"""What a stream can show: its width, its characters, colour. Asked once per stream, without any library."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple, TextIO

DEFAULT_WIDTH = 80
_LEAST_WIDTH = 40
# One character of each kind that screens draw with: block, braille, box, triangle, plus-minus, ellipsis.
_SAMPLE = "█⣿─▲±…"


class Terminal(NamedTuple):
    """What a stream can show.

    is_terminal : a person reads it. width : cells of a line. unicode : draws more than ASCII. color :
    shows styles.
    """

    is_terminal: bool
    width: int
    unicode: bool
    color: bool


def look_at(stream: TextIO, color: str = "auto", environ: Mapping[str, str] | None = None) -> Terminal:
    """Return what ``stream`` can show.

    ``COLUMNS`` sets the width; ``NO_COLOR`` turns colour off, ``FORCE_COLOR`` on (``0``: off), and
    ``TERM=dumb`` means no colour and ASCII. ``color`` is ``auto``, ``always`` or ``never``.
    """
    env = os.environ if environ is None else environ
    tty = is_terminal(stream)
    unicode = env.get("TERM") != "dumb" and _draws_unicode(stream)
    return Terminal(tty, _width(stream, env, tty), unicode, wants_color(tty, color, env))


def is_terminal(stream: TextIO) -> bool:
    """Return True if a terminal is behind the stream."""
    try:
        return stream.isatty()
    except (AttributeError, ValueError):  # a replaced or closed stream
        return False


def wants_color(tty: bool, color: str, environ: Mapping[str, str]) -> bool:
    """Return True if styles are written: the option decides, then the environment, then the stream."""
    if color in ("always", "never"):
        return color == "always"
    if environ.get("NO_COLOR"):
        return False
    force = environ.get("FORCE_COLOR")
    if force:
        return force not in ("0", "false")
    return tty and environ.get("TERM") != "dumb"


def _width(stream: TextIO, environ: Mapping[str, str], tty: bool) -> int:
    columns = environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns) > 0:
        return max(int(columns), _LEAST_WIDTH)
    if not tty:
        return DEFAULT_WIDTH
    try:
        found = os.get_terminal_size(stream.fileno()).columns
    except (AttributeError, OSError, ValueError):
        found = 0
    return max(found or DEFAULT_WIDTH, _LEAST_WIDTH)


def _draws_unicode(stream: TextIO) -> bool:
    try:
        _SAMPLE.encode(getattr(stream, "encoding", None) or "ascii")
    except (LookupError, UnicodeEncodeError):
        return False
    return True
