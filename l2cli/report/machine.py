"""Machine formats: json, jsonl, csv and md, with full precision and exact names.

What is not a finite number is ``null`` in JSON and an empty cell elsewhere. Text is written in blocks of
rows, so that two hundred thousand predictions neither wait nor pile up.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

from l2cli.report.escape import visible

BLOCK = 20_000
MD_DIGITS = 6
_FIRST = ("schema", "version", "level", "data", "settings")
_LAST = ("warnings", "timing")
_MD_SPECIAL = "\\`|<>*[]&~"


def json_text(result: Mapping[str, Any], unicode: bool = True) -> str:
    """Return a result as one JSON object, an item a line, lists of numbers and table rows on one line each.

    Characters that a terminal would act on are escaped; all that are not ASCII where ``unicode`` is False.
    """
    keys = [*(k for k in _FIRST if k in result), *(k for k in result if k not in _FIRST + _LAST)]
    ordered = {key: result[key] for key in [*keys, *(k for k in _LAST if k in result)]}
    return "".join(_json_parts(ordered, "", unicode))


def _json_parts(value: Any, indent: str, unicode: bool) -> Iterator[str]:
    if isinstance(value, Mapping) and value and (not indent or _has_rows(value)):
        opened, closed = "{", "}"
        items = [(f"{_json_string(str(key), unicode)}: ", item) for key, item in value.items()]
    elif isinstance(value, (list, tuple)) and any(isinstance(item, (list, tuple, Mapping)) for item in value):
        opened, closed = "[", "]"
        items = [("", item) for item in value]
    else:
        yield _json_inline(value, unicode)
        return
    deeper = indent + "  "
    yield opened
    for i, (key, item) in enumerate(items):
        yield f"{',' if i else ''}\n{deeper}{key}"
        yield from _json_parts(item, deeper, unicode)
    yield f"\n{indent}{closed}"


def _has_rows(value: Mapping[str, Any]) -> bool:
    """Return True if an object holds objects or lists that are worth lines of their own."""
    return any(isinstance(item, (list, tuple, Mapping)) and item for item in value.values())


def _json_inline(value: Any, unicode: bool) -> str:
    if isinstance(value, str):
        return _json_string(value, unicode)
    if isinstance(value, float):
        return float.__repr__(value) if math.isfinite(value) else "null"
    if (quick := _json_quick(value, unicode)) is not None:
        return quick
    if isinstance(value, Mapping):
        inner = (f"{_json_string(str(k), unicode)}: {_json_inline(v, unicode)}" for k, v in value.items())
        return f"{{{', '.join(inner)}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join([_json_inline(item, unicode) for item in value])}]"
    return json.dumps(value)


def _json_quick(value: Any, unicode: bool) -> str | None:
    """Return the JSON of a list or object by the library's encoder, None where it needs a closer look.

    Numbers that JSON cannot say and characters that do not print are looked at one by one.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        return None
    return text if text.isprintable() and (unicode or text.isascii()) else None


def _json_string(text: str, unicode: bool) -> str:
    return json.dumps(text, ensure_ascii=not (unicode and text.isprintable()))


def table_text(
    columns: Mapping[str, Sequence[Any]], fmt: str, *, unicode: bool = True, escape: bool = False
) -> Iterator[str]:
    """Yield a table of equally long columns in blocks of text, each ending with a line break.

    Parameters
    ----------
    columns : mapping of str to sequence
        Values are str, int, float, bool or None.
    fmt : {"csv", "jsonl", "json", "md"}
        ``json`` is one list of objects.
    unicode : bool
        False where the stream cannot take every character (JSON escapes them then).
    escape : bool
        True where the text goes to a terminal: control characters in csv cells are shown as escapes, not
        obeyed.
    """
    if fmt == "csv":
        return csv_text(columns, escape=escape)
    if fmt == "md":
        return md_text(columns)
    return jsonl_text(columns, unicode) if fmt == "jsonl" else _json_list(columns, unicode)


def csv_text(columns: Mapping[str, Sequence[Any]], *, escape: bool = False) -> Iterator[str]:
    """Yield comma-separated lines below a header; floats exact and short, text quoted as needed.

    Text stays as it is, a ``=1+1`` that a spreadsheet would run included: an identifier that no longer equals
    that of the file it came from is worth nothing. Only on a terminal (``escape``) control characters are
    replaced.
    """
    import csv
    from io import StringIO

    clean = {visible(n, len(n)) if escape else n: _csv_values(v, escape) for n, v in columns.items()}
    rows = zip(*clean.values(), strict=True)
    texts = [clean[name] for name in clean if clean[name] is not columns.get(name)]
    returns = any("\r" in cell for cell in chain(clean, *texts) if isinstance(cell, str))
    block: Iterable[Sequence[Any]] = [list(clean)]
    while block:
        buffer = _CarriageReturns() if returns else StringIO()
        csv.writer(buffer, lineterminator="\r\n" if returns else "\n").writerows(block)
        yield buffer.getvalue()
        block = list(islice(rows, BLOCK))


class _CarriageReturns(list[str]):
    r"""Lines of a csv writer that ends them with CRLF, for then it quotes a lone CR; they get LF here."""

    def write(self, line: str) -> None:
        self.append(line.removesuffix("\r\n") + "\n")

    def getvalue(self) -> str:
        return "".join(self)


def _csv_values(values: Sequence[Any], escape: bool) -> Sequence[Any]:
    """Return values that the csv writer shows right: not-a-number and infinity become empty cells."""
    try:
        if math.isfinite(math.fsum(values)):
            return values
    except (TypeError, OverflowError):
        pass  # text, None, or a sum beyond the range of floats: look at every value
    return [_csv_value(value, escape) for value in values]


def _csv_value(value: Any, escape: bool) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return visible(value, len(value)) if escape else value
    return value


def jsonl_text(columns: Mapping[str, Sequence[Any]], unicode: bool = True) -> Iterator[str]:
    """Yield one JSON object per row."""
    keys = [_json_string(name, unicode) for name in columns]
    texts = [[_json_inline(value, unicode) for value in values] for values in columns.values()]
    template = "{" + ", ".join(f"{key.replace('%', '%%')}: %s" for key in keys) + "}\n"
    rows = zip(*texts, strict=True)
    while block := "".join([template % row for row in islice(rows, BLOCK)]):
        yield block


def _json_list(columns: Mapping[str, Sequence[Any]], unicode: bool) -> Iterator[str]:
    between = "[\n"
    for block in jsonl_text(columns, unicode):
        yield between + "  " + block.removesuffix("\n").replace("\n", ",\n  ")
        between = ",\n"
    yield "[]\n" if between == "[\n" else "\n]\n"


def md_text(columns: Mapping[str, Sequence[Any]]) -> Iterator[str]:
    """Yield a Markdown table; numbers with six digits, text with its special characters escaped."""
    shown = {name: [_md_value(value) for value in values] for name, values in columns.items()}
    numeric = [not any(isinstance(value, str) for value in values) for values in columns.values()]
    rule = " | ".join("---:" if number else "---" for number in numeric)
    yield f"| {' | '.join(map(md_escaped, shown))} |\n| {rule} |\n"
    rows = zip(*shown.values(), strict=True)
    while block := "".join([f"| {' | '.join(row)} |\n" for row in islice(rows, BLOCK)]):
        yield block


def _md_value(value: Any) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.{MD_DIGITS}g}" if isinstance(value, float) else md_escaped(str(value))


def md_escaped(text: str) -> str:
    r"""Return text that Markdown shows as it is.

    Examples
    --------
    >>> print(md_escaped("a|b <i>"))
    a\|b \<i\>
    """
    escaped = "".join(f"\\{char}" if char in _MD_SPECIAL else char for char in visible(text, len(text)))
    return f"\\{escaped[:-1]}\\_" if len(text) > 1 and text[0] == text[-1] == "_" else escaped
