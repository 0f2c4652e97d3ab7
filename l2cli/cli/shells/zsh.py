"""The completion script for zsh (5.0 and later)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from l2cli.cli.completion import Choice, Shape

_FRAME = r"""#compdef l2cli
# zsh completion for l2cli; made by: python -m l2cli.cli.completion completions
# Use it by copying it into a folder of $fpath, before compinit runs.

# Offers the column names of the DATA file on the line; compadd quotes what it inserts.
# The last word says what for: column, columns (a comma list), pair or pairs.
_l2cli_columns() {
    local kind=$argv[-1]
    local -a names flags
    [[ $kind == (columns|pairs) ]] && flags=(--list)
    names=("${(@f)$(command l2cli __columns --line $flags "${(@)_l2cli_line[2,-1]}" 2>/dev/null)}")
    [[ -n $names[1] ]] || return 1
    [[ $kind == (columns|pairs) ]] && compset -P '*[^\\],'
    if [[ $kind == pair* ]]; then
        compadd -S = -a names
    else
        compadd -a names
    fi
}

_l2cli() {
    local curcontext=$curcontext state
    local -a line _l2cli_line=("${(@Q)words}")
    local -A opt_args
    _l2cli_line[CURRENT]=
    _arguments -C \
        '(- *)'{-h,--help}'[show the commands]' \
        '(- *)--version[show the version]' \
        '1:command:->command' \
        '*::argument:->argument' && return
    case $state in
        command)
            local -a commands=(
@COMMANDS@
            )
            _describe -t commands command commands
            ;;
        argument)
            case $words[1] in
@CASES@
            esac
            ;;
    esac
}

_l2cli "$@"
"""
_ACTIONS = {
    "column": ":column:_l2cli_columns column",
    "columns": ":columns:_l2cli_columns columns",
    "pair": ":column and level:_l2cli_columns pair",
    "pairs": ":column and number:_l2cli_columns pairs",
    "file": ":file:_files",
    "free": ":value: ",
    "flag": "",
}


def script(shapes: Sequence[Shape]) -> str:
    """Return the script."""
    commands = "\n".join(f"                {_single(f'{shape.name}:{shape.summary}')}" for shape in shapes)
    cases = "\n".join(_case(shape) for shape in shapes)
    return _FRAME.replace("@COMMANDS@", commands).replace("@CASES@", cases)


def _case(shape: Shape) -> str:
    specs = [_spec(option) for option in shape.options]
    specs += [_single(f"{place}:{name}:_files") for place, name in enumerate(shape.arguments, start=1)]
    body = " \\\n".join(f"                        {spec}" for spec in specs)
    start = f"                {shape.name})\n                    _arguments -s -S : \\\n"
    return f"{start}{body}\n                    ;;"


def _spec(option: Choice) -> str:
    """Return the words that describe an option to ``_arguments``."""
    action = _ACTIONS.get(option.kind) if option.kind in _ACTIONS else f":value:({' '.join(option.words)})"
    help_text = "".join("\\" + c if c in "[]:\\" else c for c in option.summary)
    rest = _single(f"[{help_text}]{action}")
    if option.kind == "flag":
        names = option.names
    else:
        names = tuple(f"{name}=" if name.startswith("--") else f"{name}+" for name in option.names)
    before = "'*'" if option.more else _single(f"({' '.join(option.names)})") if len(names) > 1 else ""
    return f"{before}{{{','.join(names)}}}{rest}" if len(names) > 1 else f"{before}{names[0]}{rest}"


def _single(text: str) -> str:
    """Return the text in single quotes."""
    return "'" + text.replace("'", "'\\''") + "'"
