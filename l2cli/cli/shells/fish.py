"""The completion script for fish (3.1 and later)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from l2cli.cli.completion import Choice, Shape

_FRAME = r"""# fish completion for l2cli; made by: python -m l2cli.cli.completion completions
# Use it by copying it into ~/.config/fish/completions

# Is the command of the line $argv[1]? Without an argument: is there none yet?
function __l2cli_command
    set -l line (commandline -opc)
    if test (count $argv) -eq 0
        test (count $line) -lt 2
    else
        test (count $line) -ge 2; and test "$line[2]" = "$argv[1]"
    end
end

# Prints the column names of the DATA file on the line; fish quotes what it inserts.
# $kind: column, columns (a comma list), pair or pairs.
function __l2cli_columns --argument-names kind
    set -l line (commandline -opc)
    set -l token (string replace -r -- '^--[a-z0-9-]+=' '' (commandline -ct))
    set -l flags --line
    set -l before
    set -l ending
    if contains -- $kind columns pairs
        set -a flags --list
        set before (string match -r -- '^.*[^\\\\],' $token)
    end
    if contains -- $kind pair pairs
        set ending =
    end
    for name in (command l2cli __columns $flags $line[2..-1] 2>/dev/null)
        # Fish quotes everything but a tilde at the start, which it would read as a home folder.
        string match -q -- '~*' "$before$name"; and continue
        printf '%s%s%s\n' "$before" $name "$ending"
    end
end

complete -c l2cli -e
complete -c l2cli -n __l2cli_command -f
complete -c l2cli -n __l2cli_command -s h -l help -d 'show the commands'
complete -c l2cli -n __l2cli_command -l version -d 'show the version'
"""


def script(shapes: Sequence[Shape]) -> str:
    """Return the script."""
    lines = [
        f"complete -c l2cli -n __l2cli_command -a {shape.name} -d {_single(shape.summary)}"
        for shape in shapes
    ]
    for shape in shapes:
        lines.append("")
        lines += [_option(shape.name, option) for option in shape.options]
    return _FRAME + "\n".join(lines) + "\n"


def _option(command: str, option: Choice) -> str:
    """Return the line that describes an option of a command."""
    words = [f"complete -c l2cli -n '__l2cli_command {command}'"]
    flags = [option.names] if option.kind != "flag" or len(option.names) < 2 else _flags(option.names)
    lines = []
    for names in flags:
        parts = [*words, *(f"-l {n[2:]}" if n.startswith("--") else f"-s {n[1:]}" for n in names)]
        if option.kind == "file":
            parts.append("-r -F")
        elif option.kind == "words":
            parts.append(f"-x -a {_single(' '.join(option.words))}")
        elif option.kind == "free":
            parts.append("-x")
        elif option.kind != "flag":
            parts.append(f"-x -a '(__l2cli_columns {option.kind})'")
        lines.append(" ".join([*parts, f"-d {_single(option.summary)}"]))
    return "\n".join(lines)


def _flags(names: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return the spellings that mean the same: ``--x`` and ``--no-x`` do not."""
    no = tuple(name for name in names if name.startswith("--no-"))
    yes = tuple(name for name in names if name not in no)
    return [group for group in (yes, no) if group]


def _single(text: str) -> str:
    """Return the text in single quotes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
