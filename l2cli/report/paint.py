"""Lines onto a stream: plain text, or with styles on a terminal.

On POSIX the styles are written directly: the lines are laid out already, and loading a library for the
same few codes would cost three times what the whole screen does. On Windows rich writes them, since it
knows the kinds of consoles.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from itertools import groupby
from typing import TextIO

from l2cli.report.layout import Line, plain
from l2cli.report.terminal import is_terminal, wants_color

# Style -> (SGR code, rich's name of it). Colours of the basic palette, which every theme keeps legible.
STYLES: dict[str, tuple[str, str]] = {
    "title": ("1", "bold"),
    "head": ("1", "bold"),
    "value": ("1", "bold"),
    "hint": ("2", "dim"),
    "axis": ("2", "dim"),
    "band": ("2", "dim"),
    "curve": ("36", "cyan"),
    "point": ("1;36", "bold cyan"),
    "marker": ("1;33", "bold yellow"),
    "positive": ("36", "cyan"),
    "negative": ("35", "magenta"),
    "good": ("32", "green"),
    "bad": ("31", "red"),
    "warning": ("33", "yellow"),
    "error": ("1;31", "bold red"),
    "series0": ("36", "cyan"),
    "series1": ("33", "yellow"),
    "series2": ("32", "green"),
    "series3": ("35", "magenta"),
    "series4": ("34", "blue"),
    "series5": ("31", "red"),
}


def paint(lines: Iterable[Line], stream: TextIO, color: str = "auto") -> None:
    """Write lines to a stream, styled where it shows styles.

    Characters that the stream's encoding lacks are written as escapes.

    Parameters
    ----------
    lines : iterable of Line
    stream : text stream
    color : {"auto", "always", "never"}
        ``auto`` looks at the stream, ``NO_COLOR``, ``FORCE_COLOR`` and ``TERM``.
    """
    if not wants_color(is_terminal(stream), color, os.environ):
        write_text("".join(f"{plain(text)}\n" for text in lines), stream)
    elif sys.platform == "win32":
        _paint_with_rich(lines, stream)
    else:
        write_text("".join(f"{styled(text)}\n" for text in lines), stream)


def styled(text: Line) -> str:
    """Return a line with the codes of its styles."""
    parts = []
    for style, spans in groupby(text, key=lambda span: span.style):
        joined = "".join(span.text for span in spans)
        code = STYLES[style][0] if style in STYLES else ""
        parts.append(f"\x1b[{code}m{joined}\x1b[0m" if code and joined.strip() else joined)
    return "".join(parts)


def write_text(text: str, stream: TextIO) -> None:
    r"""Write text; what the stream's encoding lacks as ``\u`` escapes instead of an error."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.encode(encoding, "backslashreplace").decode(encoding)
    stream.write(text)


def _paint_with_rich(lines: Iterable[Line], stream: TextIO) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(
        file=stream, force_terminal=True, highlight=False, markup=False, emoji=False, width=10_000
    )
    for text in lines:
        row = Text(end="")
        for span in text:
            row.append(span.text, STYLES[span.style][1] if span.style in STYLES else None)
        console.print(row, soft_wrap=True)
