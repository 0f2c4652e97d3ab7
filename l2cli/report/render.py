"""From a result to lines: the one entrance of this package for results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

from l2cli.errors import UsageError
from l2cli.report.escape import visible
from l2cli.report.layout import Line, Page, Span, flowed, plain, width_of

FORMATS = ("table", "json", "jsonl", "csv", "md")
SCREENS = ("fit", "cv", "path", "compare", "explain", "tradeoff", "evaluate", "inspect", "convert")

Screen = Callable[[Mapping[str, Any], Page], list[Line]]


def render(
    result: Mapping[str, Any],
    fmt: str = "table",
    *,
    width: int = 80,
    unicode: bool = True,
    verbose: bool = False,
    terminal: bool = False,
) -> list[Line]:
    """Return a result in lines of styled text.

    Parameters
    ----------
    result : mapping
        The result of a command; its ``schema`` says of which.
    fmt : {"table", "json", "jsonl", "csv", "md"}
        ``json`` is the whole result; ``jsonl``, ``csv`` and ``md`` are the main table of the command.
    width : int
        Cells of a line.
    unicode : bool
        False where only ASCII can be shown.
    verbose : bool
        Show every feature on a terminal too.
    terminal : bool
        True where a person reads it now: lines are cut to ``width``, long tables are shortened, and control
        characters in csv cells are escaped. Elsewhere nothing is left out or changed.

    Raises
    ------
    UsageError
        If ``fmt`` is none of the formats.
    """
    if fmt == "table":
        page = Page(width, unicode, terminal, verbose)
        lines = _screen(str(result["schema"]))(result, page)
        return _wrapped(lines, page) if terminal else lines
    return text_lines(_machine_text(result, fmt, unicode, terminal))


def _wrapped(lines: list[Line], page: Page) -> list[Line]:
    """Return the lines, those longer than the page broken between words under their own beginning."""
    wrapped: list[Line] = []
    for row in lines:
        if width_of(row) <= page.width or (row and row[-1].style == "command"):  # broken it would not run
            wrapped.append(row)
            continue
        text = plain(row)
        wrapped += flowed(row, page, min(len(text) - len(text.lstrip(" ")), page.width // 3))
    return wrapped


def _screen(schema: str) -> Screen:
    command = schema.split("/")[1]
    if command not in SCREENS:
        raise ValueError(f"no screen for {schema!r}")
    # Only the screen that is shown is imported: start-up time is a feature.
    screen: Screen = import_module(f"l2cli.report.screens.{command}").screen
    return screen


def _machine_text(result: Mapping[str, Any], fmt: str, unicode: bool, terminal: bool) -> str:
    check_format(fmt)
    from l2cli.report import machine

    if fmt == "json":
        return machine.json_text(result, unicode)
    from l2cli.report.main_table import main_table

    return "".join(machine.table_text(main_table(result), fmt, unicode=unicode, escape=terminal))


def check_format(fmt: str) -> None:
    """Raise UsageError if ``fmt`` is none of the formats."""
    if fmt not in FORMATS:
        raise UsageError(f"no format {fmt!r}", hint=f"choose one of {', '.join(FORMATS)}")


def text_lines(text: str) -> list[Line]:
    """Return the lines of a text, unstyled."""
    return [(Span(part),) for part in text.removesuffix("\n").split("\n")]


def render_columns(
    columns: Mapping[str, Sequence[Any]],
    fmt: str = "csv",
    *,
    width: int = 80,
    unicode: bool = True,
    terminal: bool = False,
) -> list[str]:
    """Return the predictions, given by column, as blocks of text to be written one after the other.

    Every block ends with a line break. ``table`` is for a look: numbers with four digits. The other
    parameters are those of :func:`render`.
    """
    check_format(fmt)
    if fmt != "table":
        from l2cli.report import machine

        return list(machine.table_text(columns, fmt, unicode=unicode, escape=terminal))
    from l2cli.report.screens.predict import blocks

    return list(blocks(columns, Page(width, unicode, terminal)))


def render_messages(notes: Sequence[str], warnings: Sequence[Mapping[str, Any]]) -> list[Line]:
    """Return notes and warnings for standard error, one line each."""
    told = [(Span("l2cli: note: ", "hint"), note) for note in notes]
    told += [(Span("l2cli: warning: ", "warning"), str(w["message"])) for w in warnings]
    return [(kind, Span(visible(text, len(text)))) for kind, text in told]
