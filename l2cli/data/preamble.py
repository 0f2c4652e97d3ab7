"""What may stand above the header of a text: comments, and the line that tells Excel the delimiter."""

from __future__ import annotations

import re
from typing import NamedTuple

from l2cli.data.cells import BLANKS

COMMENT = "#"
_DELIMITERS = ",;|"
_EXCEL = r'"?sep=(\\t|.)"?'


class Preamble(NamedTuple):
    """The lines above the first line of the table, be it the header or a row.

    lines : how many there are, those of nothing but blanks and delimiters included.
    delimiter : the one that ``sep=;`` names, None without such a line.
    comments : line number and text of those that begin with ``#``.
    """

    lines: int = 0
    delimiter: str | None = None
    comments: tuple[tuple[int, str], ...] = ()


def find_preamble(sample: str, header: bool) -> Preamble:
    """Return what stands above the table in the first lines of a text.

    Where nothing else follows, the lines that begin with ``#`` are the table themselves. Without a
    ``header`` a line of delimiters is the first row.
    """
    lines, delimiter, at = 0, None, 0
    comments: list[tuple[int, str]] = []
    for number in range(1, sample.count("\n") + 2):
        end = sample.find("\n", at)
        text = (sample[at:] if end < 0 else sample[at:end]).strip(BLANKS)
        at = len(sample) if end < 0 else end + 1
        if text.startswith(COMMENT):
            comments.append((number, text))
        elif not lines and "=" in text and (excel := re.fullmatch(_EXCEL, text, re.IGNORECASE)):
            delimiter = "\t" if excel[1] == "\\t" else excel[1]
        elif text and not (header and is_blank(text)):
            return Preamble(lines, delimiter, tuple(comments))
        elif not text:
            continue
        lines = number
    return Preamble()


def only_comments(text: str) -> bool:
    """Return True where all lines begin with ``#`` and are remarks, not rows of names like ``#1``."""
    if not text.lstrip().startswith(COMMENT):
        return False
    lines = [line for line in map(str.strip, text.split("\n")) if line]
    return all(line.startswith(COMMENT) for line in lines) and (
        all(not line.strip(COMMENT) or line.lstrip(COMMENT)[0] in BLANKS + "!" for line in lines)
        or not any(mark in text for mark in _DELIMITERS + "\t")
    )


def begins_table(text: bytes) -> bool:
    """Return True where a line of the text is neither a comment nor empty."""
    return text[:1] not in b"#\n" or re.search(rb"\n[^#\n]", text) is not None


def is_blank(text: str) -> bool:
    """Return True for a text of nothing but blanks, line ends and the usual delimiters."""
    return not text.strip(BLANKS + _DELIMITERS + "\n")


def without_blank_end(sample: str) -> str:
    """Return the first lines of a text without those at their end that are blank in this way."""
    content = len(sample.rstrip(BLANKS + _DELIMITERS + "\n"))
    end = sample.find("\n", content)
    return sample[: end + 1] if end >= 0 and content else sample
