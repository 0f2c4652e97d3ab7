"""Table: what a file holds, as columns of numbers and columns of text, before anyone decides on roles."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.errors import DataError

FloatArray = npt.NDArray[np.float64]


class TextColumn(NamedTuple):
    """A column of text: ``levels[codes[i]]`` is the cell of row i, ``codes[i] == -1`` a missing cell.

    codes : (n_rows,) int32; levels : distinct texts in order of first appearance, without blanks around
        them unless these tell two apart.
    raw : the levels as they stand in the file, empty where they are the same.
    """

    codes: npt.NDArray[np.int32]
    levels: tuple[str, ...]
    raw: tuple[str, ...] = ()


class PartRows(NamedTuple):
    """Which rows stand in which file of a table.

    labels : the files as messages call them, in order. starts : the first row of each.
    """

    labels: tuple[str, ...]
    starts: tuple[int, ...]

    def part(self, row: int) -> int:
        """Return the file of a row; of files that begin with the same row, all but the last are empty."""
        return bisect_right(self.starts, row) - 1


class RowPlaces(NamedTuple):
    """Where the rows of a table stand, known without the table; see its ``line_of`` and ``parts``."""

    line_of: Callable[[int], int | None]
    parts: PartRows | None

    def place(self, row: int) -> str:
        """Return where a row stands in its file, for a message: ``line 7`` if known, else ``row 5``."""
        line = self.line_of(row)
        first = 0 if self.parts is None else self.parts.starts[self.parts.part(row)]
        return f"line {line}" if line is not None else f"row {row - first + 1}"

    def file_of(self, row: int) -> str | None:
        """Return what messages call the file that a row stands in; None where there is none."""
        return None if self.parts is None else self.parts.labels[self.parts.part(row)]


@dataclass(eq=False)
class Table:
    """Named columns of one file or of several parts, every cell a number or a text.

    source : what the user typed (``-`` for standard input), for messages.
    names : column names in file order, unique.
    numbers : (n_rows, n_numeric) float64, C order, NaN where missing; column ``number_index[name]`` each.
    texts : the other columns.
    notes : what the reader decided and the user should know, one line each.
    line_of : maps a 0-based data row to its 1-based line in its file where that is known.
    decimal : decimal mark of the file, for text that turns out to be needed as numbers.
    delimiter : what separates the cells of the file, None where it is no text.
    na : tokens that a list of ``--na`` has to name again: those asked for, and those seen in columns of text.
    verbatim : columns asked for as they stand in the file, ``NA`` and ``1.10`` included; only an empty cell
        is missing there. They are among ``numbers`` or ``texts`` too.
    rounded : columns of ``numbers`` as they stand, where these hold whole numbers beyond 2^53 that doubles do
        not.
    parts : the files that the rows come from; None where they come from no file.
    file_names : all names in the file, those of columns that were not asked for too.
    refused : columns of values that are neither numbers nor text, and the error for whoever needs one; they
        are among ``texts``, without a value.
    """

    source: str
    names: tuple[str, ...]
    n_rows: int
    numbers: FloatArray
    number_index: dict[str, int]
    texts: dict[str, TextColumn]
    notes: list[str] = field(default_factory=list)
    line_of: Callable[[int], int | None] = lambda _row: None
    decimal: str = "."
    verbatim: dict[str, TextColumn] = field(default_factory=dict)
    rounded: dict[str, TextColumn] = field(default_factory=dict)
    delimiter: str | None = None
    na: tuple[str, ...] = ()
    parts: PartRows | None = None
    file_names: tuple[str, ...] = ()
    refused: Mapping[str, DataError] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.file_names = self.file_names or self.names

    def is_number(self, name: str) -> bool:
        """Return True where every present cell of the column is a number."""
        return name in self.number_index

    def number(self, name: str) -> FloatArray:
        """Return the (n_rows,) values of a numeric column: a strided view, do not change it."""
        values: FloatArray = self.numbers[:, self.number_index[name]]
        return values

    @property
    def places(self) -> RowPlaces:
        """Where its rows stand in their files."""
        return RowPlaces(self.line_of, self.parts)

    def place(self, row: int) -> str:
        """Return where a row stands in its file, for a message: ``line 7`` if known, else ``row 5``."""
        return self.places.place(row)

    def file_of(self, row: int) -> str | None:
        """Return what messages call the file that a row stands in; None where there is none."""
        return self.places.file_of(row)
