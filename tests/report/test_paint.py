"""Writing to streams: plain where nobody looks, styles on a terminal, nothing heavy loaded for either."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys

import pytest

from l2cli.report.layout import Span, line
from l2cli.report.paint import STYLES, paint, styled, write_text
from l2cli.report.terminal import look_at, wants_color

LINES = [
    line(Span("head", "head"), " plain ", Span("bar", "positive")),
    (),
    line(Span("[bold]x[/bold]", "hint")),
]
PLAIN = "head plain bar\n\n[bold]x[/bold]\n"


class Screen(io.StringIO):
    """A text stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """Start from an environment that says nothing about colour."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def painted(stream, color="auto"):
    paint(LINES, stream, color)
    return stream.getvalue()


def test_a_stream_that_is_no_terminal_gets_plain_text():
    assert painted(io.StringIO()) == PLAIN


def test_a_terminal_gets_styles_and_the_same_text():
    text = painted(Screen())
    assert text.startswith("\x1b[1mhead\x1b[0m plain \x1b[36mbar\x1b[0m\n")
    assert re.sub(r"\x1b\[[\d;]*m", "", text) == PLAIN


@pytest.mark.parametrize(
    ("tty", "color", "environ", "wanted"),
    [
        (True, "auto", {}, True),
        (False, "auto", {}, False),
        (True, "never", {"FORCE_COLOR": "1"}, False),
        (False, "always", {"NO_COLOR": "1", "TERM": "dumb"}, True),
        (True, "auto", {"NO_COLOR": "1"}, False),
        (True, "auto", {"NO_COLOR": ""}, True),
        (False, "auto", {"FORCE_COLOR": "1"}, True),
        (True, "auto", {"FORCE_COLOR": "0"}, False),
        (True, "auto", {"FORCE_COLOR": ""}, True),
        (False, "auto", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (True, "auto", {"TERM": "dumb"}, False),
        (True, "auto", {"TERM": "dumb", "FORCE_COLOR": "1"}, True),
    ],
)
def test_who_decides_on_colour(tty, color, environ, wanted):
    assert wants_color(tty, color, environ) is wanted


def test_neighbouring_spans_of_one_style_share_a_code():
    assert styled(line(Span("a", "hint"), Span(" ", "hint"), Span("b", "hint"))) == "\x1b[2ma b\x1b[0m"
    assert styled(line(Span("   ", "positive"), Span("x", "no such style"))) == "   x"


def test_what_an_encoding_lacks_is_escaped():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    write_text("caf\u00e9 収", stream)
    stream.seek(0)
    assert stream.read() == "caf\\xe9 \\u53ce"


def test_rich_writes_the_same_text_without_reading_markup():
    from l2cli.report.paint import _paint_with_rich

    stream = Screen()
    _paint_with_rich(LINES, stream)
    assert re.sub(r"\x1b\[[\d;]*m", "", stream.getvalue()) == PLAIN
    assert "\x1b[1m" in stream.getvalue()


def test_rich_knows_every_style():
    from rich.style import Style

    assert all(str(Style.parse(name)) == name for _, name in STYLES.values())


# -------------------------------------------------------------------------------------------------- terminals


def test_what_a_terminal_can_show():
    assert look_at(Screen(), environ={"COLUMNS": "132"}) == (True, 132, True, True)
    assert look_at(Screen(), environ={"COLUMNS": "12"}).width == 40
    assert look_at(Screen(), environ={"COLUMNS": "many"}).width == 80
    assert look_at(Screen(), environ={"TERM": "dumb"}) == (True, 80, False, False)


def test_what_a_pipe_can_show():
    pipe = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    assert look_at(pipe, environ={}) == (False, 80, True, False)
    assert look_at(pipe, "always", environ={"COLUMNS": "100"}) == (False, 100, True, True)
    for encoding in ("ascii", "latin-1", "cp437"):
        assert look_at(io.TextIOWrapper(io.BytesIO(), encoding=encoding), environ={}).unicode is False


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")
def test_a_real_terminal_has_a_width_and_colour():
    import fcntl
    import pty
    import struct
    import termios

    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 97, 0, 0))
    with os.fdopen(slave, "w", encoding="utf-8") as stream:
        assert look_at(stream, environ={"TERM": "xterm"}) == (True, 97, True, True)
        paint(LINES[:1], stream)
    assert b"\x1b[36mbar\x1b[0m" in os.read(master, 4096)
    os.close(master)


# ----------------------------------------------------------------------------------------------- start-up

SCRIPT = """
import io, json, sys
from l2cli.report.paint import paint
from l2cli.report.render import render
from l2cli.report.terminal import look_at
result = json.load(sys.stdin)
stream = io.StringIO()
paint(render(result), stream, sys.argv[1])
look_at(stream)
heavy = {"rich", "numpy", "pandas", "dataclasses", "inspect", "textwrap", "csv", "importlib.metadata"}
print(json.dumps([len(stream.getvalue()) > 500, sorted(heavy & set(sys.modules))]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="rich paints there")
@pytest.mark.parametrize("color", ["never", "always"])
@pytest.mark.parametrize("name", ["fit_gaussian", "cv_binomial", "path_gaussian", "compare_gaussian"])
def test_a_screen_loads_nothing_heavy(stored, name, color):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, color],
        input=json.dumps(stored(name)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == [True, []]
