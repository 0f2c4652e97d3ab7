"""Look at the first two bytes of the cells of a chunk, without taking the cells out of it.

That is enough to tell a leading zero, and a cell that consists of one byte: far cheaper than to read columns
once more as text only because a cell is missing somewhere or a column of text holds codes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.data.cells import BLANKS
from l2cli.data.chunks import Quotes

_NEWLINE, _QUOTE, _ZERO, _NINE = ord("\n"), ord('"'), ord("0"), ord("9")
# Bytes looked at in one go: everything about them stays in the cache.
_WINDOW = 1 << 18


class CellBytes(NamedTuple):
    """What the first two bytes of the cells of a chunk tell, by column.

    zeros : whether a cell begins with a zero and another digit.
    lone : how often a token, of one byte, makes up a cell.
    unclear : whether a cell has a blank among the two.
    """

    zeros: npt.NDArray[np.bool_]
    lone: dict[str, npt.NDArray[np.int64]]
    unclear: npt.NDArray[np.bool_]

    def tokens(self, column: int) -> Counter[str]:
        """Return how often each token makes up a cell of a column."""
        return Counter({token: int(counts[column]) for token, counts in self.lone.items() if counts[column]})


def cell_bytes(
    data: bytes, quotes: Quotes | None, delimiter: str, shape: tuple[int, int], tokens: str
) -> CellBytes | None:
    """Look at the first two bytes of all cells.

    Parameters
    ----------
    data : bytes
        Whole records, each with its line end. quotes : those that structure it.
    delimiter : str
        What separates the cells. shape : number of records and of cells in each.
    tokens : str
        The bytes to count where they stand alone in a cell.

    Returns
    -------
    CellBytes or None
        None where there are lines that are no records, or text behind a quote.
    """
    if quotes is not None and not quotes.plain:
        return None
    width = shape[1]
    found = CellBytes(
        np.zeros(width, dtype=np.bool_),
        {token: np.zeros(width, dtype=np.int64) for token in tokens},
        np.zeros(width, dtype=np.bool_),
    )
    n_cells = 0
    for places, first, second in _cells(data, quotes, delimiter):
        columns = n_cells + np.arange(len(places))
        ended = (second == ord(delimiter)) | (second == _NEWLINE) | (second == _QUOTE)
        unclear = np.zeros(len(places), dtype=np.bool_)
        for blank in BLANKS.replace(delimiter, ""):
            unclear |= (first == ord(blank)) | (second == ord(blank))
        found.unclear[columns[unclear] % width] = True
        digits = (second >= _ZERO) & (second <= _NINE)
        found.zeros[columns[(first == _ZERO) & digits] % width] = True
        for token in tokens:
            hits = columns[(first == ord(token)) & ended] % width
            np.add.at(found.lone[token], hits, 1)
        n_cells += len(places)
    return found if n_cells == shape[0] * width else None


def _cells(
    data: bytes, quotes: Quotes | None, delimiter: str
) -> Iterator[tuple[npt.NDArray[np.intp], npt.NDArray[np.uint8], npt.NDArray[np.uint8]]]:
    """Yield where cells begin, window by window, and their first two bytes, a quote in front left out.

    Of a cell with fewer bytes what ends it is among them.
    """
    # A line end in front makes the first cell like all others; three behind are there to be looked at.
    text = np.frombuffer(b"\n" + data + b"\n\n\n", dtype=np.uint8)
    places = None if quotes is None else quotes.places + 1
    for start in range(0, len(data), _WINDOW):
        stop = min(start + _WINDOW, len(data))
        window = text[start:stop]
        ends = window == ord(delimiter)
        ends |= window == _NEWLINE
        if places is not None:
            before, behind = np.searchsorted(places, (start, stop))
            turns = np.concatenate(([0], places[before:behind] - start, [stop - start]))
            ends &= np.repeat((before + np.arange(len(turns) - 1)) % 2 == 0, np.diff(turns))
        begins = np.flatnonzero(ends) + (start + 1)
        first = text[begins]
        if places is not None:
            begins += first == _QUOTE
            first = text[begins]
        yield begins, first, text[begins + 1]
