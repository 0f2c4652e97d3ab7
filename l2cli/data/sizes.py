"""How much of a file is read at a time, and when a text of many columns is read as one column."""

from __future__ import annotations

from typing import NamedTuple


class FlatRule(NamedTuple):
    """When a chunk is read as a single column.

    columns : from how many on this is faster. aside : the largest share of them that may be taken out, each
    cell by itself.
    """

    columns: int = 200
    aside: float = 1 / 16

    def serves(self, width: int, aside: int) -> bool:
        """Return True for a table of this width, some columns of which are to be taken out."""
        return width >= self.columns and aside <= self.aside * width


class Sizes(NamedTuple):
    """How much is read at a time; tests make everything small.

    small : a text of up to this many bytes is parsed by the standard library, which is done with it before
        pyarrow is imported.
    piece : bytes read at a time.
    chunk : bytes parsed at a time by one thread of pyarrow, at least ``per_column`` for each column of a wide
        table that is not read flat: there setting up the columns would cost more than the rows.
    guessed_rows : rows from which the types of the columns of a large text are guessed.
    flat : when chunks are read flat.
    """

    small: int = 2 << 20
    piece: int = 2 << 20
    chunk: int = 4 << 20
    per_column: int = 4096
    guessed_rows: int = 1000
    flat: FlatRule = FlatRule()


DEFAULT_SIZES = Sizes()
