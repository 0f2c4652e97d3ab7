"""``l2cli __columns``: the names in a file's header, for the completion scripts of the shells.

Two forms. ``l2cli __columns FILE`` prints the names of a file, one a line. ``l2cli __columns --line
[--quoted] [--list] COMMAND WORD...`` gets the words of an unfinished command line (the word under the
cursor left empty) and finds the file and its reading options among them; ``--quoted`` says that the words
still have their shell quoting, ``--list`` that the names are for a comma list. Whatever goes wrong, nothing
is printed: TAB must never end in an error.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from l2cli.cli.streams import guarded_stdout
from l2cli.errors import ExitStatus, L2Error

if TYPE_CHECKING:
    from l2cli.spec import ReadSpec


def print_columns(words: Sequence[str]) -> int:
    """Print the column names that the words ask for; names that no shell line can hold are left out."""
    flags = [word for word in words[:3] if word in {"--line", "--quoted", "--list"}]
    rest = list(words[len(flags) :])
    try:
        names = _names_of_line(rest, quoted="--quoted" in flags) if "--line" in flags else _names(rest[0])
    except (L2Error, OSError, ValueError, IndexError):
        return ExitStatus.DONE
    shown = (name.replace(",", r"\,") if "--list" in flags else name for name in names)
    text = "".join(f"{name}\n" for name in shown if name and name.isprintable())
    with guarded_stdout() as stream:
        stream.buffer.write(text.encode("utf-8", "ignore"))
    return ExitStatus.DONE


def _names(path: str, spec: ReadSpec | None = None) -> tuple[str, ...]:
    """Return the names in the header of a file, or of the first part; standard input is never read."""
    from l2cli.data.read import read_header
    from l2cli.spec import ReadSpec

    if not os.path.exists(path):
        path = os.path.expandvars(os.path.expanduser(path))
    return () if path == "-" else read_header(path, spec or ReadSpec())


def _names_of_line(words: Sequence[str], *, quoted: bool) -> tuple[str, ...]:
    """Return the column names of the DATA file on an unfinished command line."""
    from l2cli.cli.app import load_command
    from l2cli.cli.commands import COMMANDS
    from l2cli.cli.options import Reading

    line = [_unquoted(word) for word in words] if quoted else list(words)
    command = load_command(line[0]) if line[0] in COMMANDS else None
    if command is None:
        return ()
    takes_value = {
        o: not getattr(p, "is_flag", True) for p in command.params for o in p.opts if o.startswith("-")
    }
    arguments = [str(p.metavar).strip("[]") for p in command.params if p.param_type_name == "argument"]
    given, positional = {}, []
    for option, value in _parsed(line[1:], takes_value):
        if option is None:
            positional.append(value)
        else:
            given[option] = value
    if "DATA" not in arguments or len(positional) <= arguments.index("DATA"):
        return ()
    reading = Reading(
        delimiter=given.get("--delimiter"),
        decimal=given.get("--decimal"),
        encoding=given.get("--encoding"),
        no_header="--no-header" in given,
    )
    return _names(positional[arguments.index("DATA")], reading.spec())


def _parsed(words: Sequence[str], takes_value: dict[str, bool]) -> Iterator[tuple[str | None, str]]:
    """Yield (option, value) pairs, and (None, word) for the others; what is not known counts as a flag."""
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            yield from ((None, other) for other in rest)
            return
        name, equals, value = word.partition("=")
        if name.startswith("--") and equals:
            yield name, value
        elif takes_value.get(word) or (
            word[:1] == "-" and word[1:2] != "-" and takes_value.get(f"-{word[-1:]}")
        ):
            yield word, rest.pop(0) if rest else ""
        elif word.startswith("-") and len(word) > 1:
            yield word, ""
        elif word:
            yield None, word


def _unquoted(word: str) -> str:
    """Return a word without its shell quoting; one that is still open is closed."""
    for ending in ("", "'", '"'):
        try:
            return "".join(shlex.split(word + ending)) if word else ""
        except ValueError:
            continue
    return word
