"""Make the completion scripts of ``completions/`` from the commands and options themselves.

``python -m l2cli.cli.completion DIR`` writes ``l2cli.bash``, ``_l2cli`` (zsh), ``l2cli.fish`` and
``l2cli.ps1``. The frames of the scripts stand in ``cli/shells/``; here their tables are filled in. Scripts
of our own, because those of the option library evaluate what they complete: a column called ``$(touch x)``
would run on TAB.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from l2cli.cli.app import load_command
from l2cli.cli.commands import COMMANDS

SCRIPTS = ("l2cli.bash", "_l2cli", "l2cli.fish", "l2cli.ps1")
_KINDS = {
    "COL": "column",
    "COLS": "columns",
    "COL=LEVEL": "pair",
    "COLS=NUM": "pairs",
    "FILE": "file",
    "FRACTION|FILE": "file",
    "MODEL.json": "file",
}


@dataclass(frozen=True)
class Choice:
    """An option as a shell sees it.

    names : all spellings. kind : ``flag``, ``column``, ``columns`` (comma list), ``pair`` (column=...),
    ``pairs``, ``file``, ``words`` or ``free``. words : the values to choose from. more : may be given
    several times.
    """

    names: tuple[str, ...]
    kind: str
    words: tuple[str, ...]
    summary: str
    more: bool


@dataclass(frozen=True)
class Shape:
    """A command as a shell sees it: its name, what it does, its positional arguments and its options."""

    name: str
    summary: str
    arguments: tuple[str, ...]
    options: tuple[Choice, ...]


def shapes() -> list[Shape]:
    """Return the commands with their options, read from the definitions that the parser uses."""
    return [_shape(name, entry.summary) for name, entry in COMMANDS.items()]


def _shape(name: str, summary: str) -> Shape:
    command = load_command(name)
    options = [Choice(("-h", "--help"), "flag", (), "show the options", False)]
    arguments = []
    for param in command.params:
        metavar = str(param.metavar or "")
        if param.param_type_name == "argument":
            arguments.append(metavar)
            continue
        help_text, many = str(getattr(param, "help", "")), bool(getattr(param, "multiple", False))
        if getattr(param, "is_flag", False):
            options.append(Choice((*param.opts, *param.secondary_opts), "flag", (), help_text, False))
            continue
        words = tuple(word for word in metavar.split("|") if word == word.lower()) if "|" in metavar else ()
        kind = _KINDS.get(metavar, "words" if words else "free")
        options.append(Choice(tuple(param.opts), kind, words, help_text, many))
    return Shape(name, summary, tuple(arguments), tuple(options))


Values = dict[tuple[str, tuple[str, ...]], list[str]]
"""The options that take a value, by the kind of value and the words to choose from."""


def values_of(shapes: list[Shape]) -> Values:
    """Return the names of options by what their values are.

    Raises
    ------
    ValueError
        If an option takes different values in two commands: the contract says that a name has one meaning.
    """
    kinds: dict[str, tuple[str, tuple[str, ...]]] = {}
    for shape in shapes:
        for option in shape.options:
            for name in option.names:
                if kinds.setdefault(name, (option.kind, option.words)) != (option.kind, option.words):
                    raise ValueError(f"{name} means something else in {shape.name}")
    values: Values = {}
    for name, kind in kinds.items():
        if kind[0] != "flag":
            values.setdefault(kind, []).append(name)
    return values


def scripts() -> dict[str, str]:
    """Return the text of every script by its file name."""
    from l2cli.cli.shells import bash, fish, powershell, zsh

    found = shapes()
    values = values_of(found)
    texts = (bash.script(found, values), zsh.script(found), fish.script(found), powershell.script(found))
    return dict(zip(SCRIPTS, texts, strict=True))


def main(folder: str) -> None:
    """Write all scripts into ``folder``."""
    for name, text in scripts().items():
        Path(folder, name).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(sys.argv[1])
