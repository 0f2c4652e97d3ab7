"""A command line that says what was found out, so that it can be pasted, kept and changed."""

from __future__ import annotations

from collections.abc import Sequence
from shlex import quote

from l2cli.spec import ColumnSpec, ReadSpec

# The option of every field; a field that is not here is one nobody could paste.
READ_OPTIONS = {
    "delimiter": "--delimiter",
    "decimal": "--decimal",
    "encoding": "--encoding",
    "na": "--na",
    "header": "--no-header",
    "max_expanded": "--max-expanded",
}
COLUMN_OPTIONS = {
    "target": "-t",
    "more_targets": "-t",
    "features": "--features",
    "drop": "--drop",
    "id": "--id",
    "positive": "--positive",
    "weights": "--weights",
    "offset": "--offset",
    "exposure": "--exposure",
    "fold_column": "--fold-column",
    "group_column": "--group-column",
    "time_column": "--time-column",
    "categorical": "--categorical",
    "numeric": "--numeric",
    "dates": "--dates",
    "interactions": "--interactions",
    "coding": "--coding",
    "reference": "--reference",
    "missing": "--missing",
}
_REPEATED = ("reference",)
"""Options whose values may hold commas: given once for each."""
_VERBATIM = ("positive", "coding", "missing")
"""Options whose values are no names of columns: a comma in them is a comma."""


def fit_command(source: str, read: ReadSpec, columns: ColumnSpec, family: str) -> str:
    r"""Return the ``l2cli fit`` that reads ``source`` as told, with nothing left to be guessed by it.

    Quoted for POSIX shells; what does not print is written as ``$'\x1b'``.

    >>> fit_command("my data.csv", ReadSpec(), ColumnSpec(target="y,z", drop=("id", "a b")), "gaussian")
    "l2cli fit 'my data.csv' -t 'y\\,z' --drop 'id,a b' --family gaussian"
    """
    path = f"./{source}" if source.startswith("-") and source != "-" else source
    words = ["l2cli", "fit", path]
    for name, option in READ_OPTIONS.items():
        if (value := getattr(read, name)) != ReadSpec._field_defaults[name]:
            words += _option(option, value)
    for name, option in COLUMN_OPTIONS.items():
        value = getattr(columns, name)
        if name == "more_targets" or value == ColumnSpec._field_defaults[name]:
            continue
        if name in _REPEATED:
            words += [word for item in value for word in _option(option, item)]
        elif name in _VERBATIM:
            words += _option(option, value)
        else:
            names = (value, *columns.more_targets) if name == "target" else value
            words += _option(option, (names,) if isinstance(names, str) else names)
    words += _option("--family", family)
    return " ".join(shell_word(word) for word in words)


def listed_columns(names: Sequence[str]) -> str:
    r"""Return names as a comma list, a comma inside a name as ``\,``."""
    return ",".join(name.replace(",", r"\,") for name in names)


def _option(option: str, value: str | bool | int | Sequence[str]) -> list[str]:
    """Return an option and its value: none for a flag, a comma list for several.

    A value that begins with a dash is tied to its option.
    """
    if isinstance(value, bool):
        return [option]
    text = str(value) if isinstance(value, str | int) else listed_columns(value)
    if not text.startswith("-"):
        return [option, text]
    return [f"{'--target' if option == '-t' else option}={text}"]


def shell_word(word: str) -> str:
    r"""Return a word as a POSIX shell takes it, printable whatever is in it.

    >>> print(shell_word("a b"), shell_word("tab\there"), shell_word("it's"))
    'a b' $'tab\x09here' 'it'"'"'s'
    """
    if word.isprintable():
        return quote(word)
    made = "".join(_escaped(char) for char in word)
    return f"$'{made}'"


def _escaped(char: str) -> str:
    if char in "\\'":
        return f"\\{char}"
    if char.isprintable():
        return char
    return "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogateescape"))
