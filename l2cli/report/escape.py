r"""Text from data, made safe to show: escapes, and how many terminal cells a text takes.

A name or a cell of a file may hold anything: line breaks, terminal commands, characters that turn the reading
direction. What is not printable is shown as its escape (``\x1b``), so it can be seen and does nothing.
"""

from __future__ import annotations

from functools import lru_cache

_SHORT = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


def visible(text: str, most: int = 500) -> str:
    r"""Return ``text`` with every character that is not printable written as an escape.

    Covers control characters, terminal escapes, bidirectional overrides, invisible characters, lone
    surrogates and every space but the ordinary one. What is longer than ``most`` is no name that a reader
    could take in, and is cut in its middle.

    Examples
    --------
    >>> print(visible("a\x1b[31mb"))
    a\x1b[31mb
    """
    if len(text) > most:
        text = f"{text[: most // 2]}...{text[-(most // 2) :]}"
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def _escape(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return _SHORT.get(char, f"\\x{code:02x}")
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def cell_width(text: str) -> int:
    r"""Return the number of terminal cells of a printable ``text``.

    Wide East Asian characters take two, combining marks none.

    References
    ----------
    Unicode Standard Annex 11, East Asian Width.

    Examples
    --------
    >>> cell_width("収入"), cell_width("e\u0301")
    (4, 1)
    """
    return len(text) if text.isascii() else sum(map(_char_width, text))


@lru_cache(maxsize=4096)
def _char_width(char: str) -> int:
    # Loaded here because most files need no table of characters.
    from unicodedata import category, east_asian_width

    if (
        category(char) in ("Mn", "Me") or "\u1160" <= char <= "\u11ff"
    ):  # the second half of Hangul syllables joins
        return 0
    return 2 if east_asian_width(char) in "WF" else 1


def cut_middle(text: str, width: int, ellipsis: str) -> str:
    """Return ``text`` in at most ``width`` cells; what is left out of its middle is marked by ``ellipsis``.

    Names of dummies and genes differ at both ends, so both ends are kept.

    Examples
    --------
    >>> cut_middle("neighborhood=north_park", 15, "…")
    'neighborho…park'
    """
    if cell_width(text) <= width:
        return text
    room = max(width - cell_width(ellipsis), 1)
    tail = room * 2 // 7
    return _prefix(text, room - tail) + ellipsis + _prefix(text[::-1], tail)[::-1]


def _prefix(text: str, width: int) -> str:
    total = 0
    for end, char in enumerate(text):
        total += cell_width(char)
        if total > width:
            return text[:end]
    return text
