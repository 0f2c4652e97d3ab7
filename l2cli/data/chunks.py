"""Cut a stream of clean text into chunks of whole records, which can be parsed apart from each other."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.data.records import WHITESPACE
from l2cli.data.textstream import check_text
from l2cli.errors import DataError

IntArray = npt.NDArray[np.int64]

MAX_RECORD_BYTES = 64 << 20
"""A row of more than this is none: a million columns of numbers take less."""

_QUOTE, _NEWLINE, _BLANK, _TAB = 34, 10, 32, 9


class Quotes(NamedTuple):
    """The quotes in a chunk that open and close fields, in turn.

    places : (k,) positions; one of odd index closes what the one before it opens.
    plain : True where each opens at the start of a field and closes at its end, with no blanks around.
    padded : True where one opens behind blanks.
    """

    places: IntArray
    plain: bool = True
    padded: bool = False


class Chunk(NamedTuple):
    """Whole records of a text, each with its line end.

    first_line : 1-based line of the file on which it begins. n_lines : lines in it.
    quotes : the quotes that structure it, None where it has none.
    fraction : how much of the stored file had been read when it was cut, 0 to 1.
    """

    data: bytes
    first_line: int
    n_lines: int
    quotes: Quotes | None
    fraction: float


@dataclass(eq=False)
class Cutter:
    """Cut clean pieces of text into chunks of about ``size`` bytes.

    first_line : line of the file on which the pieces begin, behind the header.
    """

    delimiter: str
    label: str
    size: int
    first_line: int

    def chunks(self, pieces: Iterator[bytes], fraction_read: Callable[[], float]) -> Iterator[Chunk]:
        """Yield the chunks; ``fraction_read`` tells how much of the file has been read so far.

        Raises
        ------
        DataError
            Where the text holds NUL bytes or is not UTF-8, or a quoted field is longer than any field should
            be.
        """
        line = self.first_line
        parts: list[bytes] = []
        waiting, wanted = 0, self.size
        for piece in pieces:
            parts.append(piece)
            waiting += len(piece)
            if waiting < wanted:
                continue
            quotes: Quotes | None = None
            end = _last_end(parts)
            if end is None:
                parts = [b"".join(parts)]
                end, quotes = whole_records(parts[0], self.delimiter)
            if end == 0:
                self._refuse_endless(parts[0], line, quotes)
                if waiting > MAX_RECORD_BYTES:
                    raise DataError(
                        f"{self.label} line {line}: no end of the row within {MAX_RECORD_BYTES >> 20} MB",
                        hint="is this no table?",
                    )
                wanted = 2 * waiting
                continue
            last = parts.pop()
            chunk = self._chunk(b"".join([*parts, memoryview(last)[:end]]), line, quotes, fraction_read())
            parts = [last[end:]]
            waiting, wanted = len(parts[0]), self.size
            line = chunk.first_line + chunk.n_lines
            yield chunk
        data = b"".join(parts)
        if data:
            data += b"" if data.endswith(b"\n") else b"\n"
            yield self._chunk(data, line, structural_quotes(data, self.delimiter), fraction_read())

    def _chunk(self, data: bytes, line: int, quotes: Quotes | None, fraction: float) -> Chunk:
        check_text(data, line, self.label)
        if quotes is not None and not len(quotes.places):
            quotes = None
        # Twice as fast as bytes.count, and every byte of the file passes here.
        n_lines = int(np.count_nonzero(np.frombuffer(data, dtype=np.uint8) == _NEWLINE))
        return Chunk(data, line, n_lines, quotes, fraction)

    def _refuse_endless(self, data: bytes, line: int, quotes: Quotes | None) -> None:
        """Raise DataError where a quote has been open for longer than the reference tokenizer allows."""
        if quotes is None or len(quotes.places) % 2 == 0:
            return
        opens = int(quotes.places[-1])
        if len(data) - opens > 4 * csv.field_size_limit():
            line += data.count(b"\n", 0, opens)
            raise DataError(
                f"{self.label} line {line}: a field of more than {csv.field_size_limit()} characters",
                hint="is a quote left open? if not, shorten the cell",
            )


def _last_end(parts: Sequence[bytes]) -> int | None:
    """Return where the last record ends in the last part, None where that takes a look at all of them."""
    end = parts[-1].rfind(b"\n") + 1
    return None if end == 0 or any(b'"' in part for part in parts) else end


def whole_records(data: bytes, delimiter: str) -> tuple[int, Quotes | None]:
    """Return where the last complete record of ``data`` ends (0: nowhere) and the quotes up to there."""
    quotes = structural_quotes(data, delimiter)
    if quotes is None:
        return data.rfind(b"\n") + 1, None
    end = len(data)
    while (newline := data.rfind(b"\n", 0, end)) >= 0:
        before = int(np.searchsorted(quotes.places, newline))
        if before % 2 == 0:
            return newline + 1, quotes._replace(places=quotes.places[:before])
        end = int(quotes.places[before - 1])
    return 0, quotes


def structural_quotes(data: bytes, delimiter: str) -> Quotes | None:
    """Return the quotes that open and close fields, None where there is no quote at all.

    Parameters
    ----------
    data : bytes
        Clean text that begins with a record.
    delimiter : str
        What separates its fields.

    Notes
    -----
    If every quote of even index stands behind a delimiter, a line end or the quote before it, and every one
    of odd index before such, then quotes open and close in turn (by induction), and a few vectorised
    comparisons have shown it. Anything else (a quote inside an unquoted field, blanks around one) is walked
    through one by one.
    """
    if b'"' not in data:
        return None
    text = np.frombuffer(data, dtype=np.uint8)
    places = np.flatnonzero(text == _QUOTE)
    edges = np.zeros(256, dtype=np.bool_)
    edges[[_NEWLINE, _QUOTE, ord(delimiter)]] = True
    edges[_TAB] |= delimiter == WHITESPACE
    opens, closes = places[0::2], places[1::2]
    # A quote without a neighbour, at either end of the data, is taken as its own neighbour and so passes.
    behind, ahead = np.maximum(opens - 1, 0), np.minimum(closes + 1, len(text) - 1)
    if edges[text[behind]].all() and edges[text[ahead]].all():
        return Quotes(places)
    return _walked_quotes(data, delimiter)


def _walked_quotes(data: bytes, delimiter: str) -> Quotes:
    """Follow the reference tokenizer from quote to quote."""
    edges = b"\n" + delimiter.encode() + (b"\t" if delimiter == WHITESPACE else b"")
    places: list[int] = []
    padded = False
    at = data.find(b'"')
    while at >= 0:
        behind = at - 1
        while delimiter != WHITESPACE and behind >= 0 and data[behind] == _BLANK:
            behind -= 1
        if behind >= 0 and data[behind] not in edges:
            at = data.find(b'"', at + 1)
            continue
        places.append(at)
        padded |= behind < at - 1
        closes = data.find(b'"', at + 1)
        while closes >= 0 and data[closes + 1 : closes + 2] == b'"':
            closes = data.find(b'"', closes + 2)
        if closes < 0:
            break
        places.append(closes)
        at = data.find(b'"', closes + 1)
    return Quotes(np.array(places, dtype=np.int64), plain=False, padded=padded)


def record_lines(chunk: Chunk) -> npt.NDArray[np.int32]:
    """Return the 1-based line on which each record of a chunk begins; empty lines are no records."""
    newlines = np.flatnonzero(np.frombuffer(chunk.data, dtype=np.uint8) == _NEWLINE)
    ends = newlines
    if chunk.quotes is not None:
        ends = newlines[np.searchsorted(chunk.quotes.places, newlines) % 2 == 0]
    starts = np.concatenate(([0], ends[:-1] + 1))
    starts = starts[starts != ends]
    lines = chunk.first_line + np.searchsorted(newlines, starts)
    return np.asarray(lines, dtype=np.int32)
