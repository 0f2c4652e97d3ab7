"""Take NumPy arrays out of pyarrow's, from the buffers: its own ``to_numpy`` would import pandas.

Nothing here imports pyarrow; the arrays are passed in by modules that do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.data.cells import BLANKS, WHOLE, has_leading_zero, only_digits
from l2cli.data.columns import CodedCells
from l2cli.data.table import FloatArray

BoolArray = npt.NDArray[np.bool_]
RowNumbers = npt.NDArray[np.intp]

_DTYPES = {"halffloat": "f2", "float": "f4", "double": "f8"} | {
    f"{kind}{bits}": f"{kind[0]}{bits // 8}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)
}


def has_dtype(array: Any) -> bool:
    """Return True for an array whose values NumPy can read as they stand."""
    return str(array.type) in _DTYPES


def values_of(array: Any) -> npt.NDArray[Any]:
    """Return the (n,) values of an array of numbers; where it is null they are arbitrary."""
    data = array.buffers()[1]
    dtype = np.dtype(_DTYPES[str(array.type)])
    if data is None:
        return np.zeros(len(array), dtype=dtype)
    return np.frombuffer(data, dtype=dtype)[array.offset : array.offset + len(array)]


def nulls_of(array: Any) -> BoolArray | None:
    """Return where an array is null, None for nowhere."""
    if not array.null_count:
        return None
    bits = np.unpackbits(np.frombuffer(array.buffers()[0], dtype=np.uint8), bitorder="little")
    nulls: BoolArray = bits[array.offset : array.offset + len(array)] == 0
    return nulls


class Floats(NamedTuple):
    """The values of an array of doubles, where it is null, and where else it is not a number below 2^53.

    None for nowhere.
    """

    values: FloatArray
    nulls: BoolArray | None
    strange: BoolArray | None

    def without(self, missing: Sequence[float]) -> Floats:
        """Return the array with null where its value is one of ``missing``."""
        if not missing:
            return self
        gone: BoolArray = np.isin(self.values, missing)
        return self._replace(nulls=gone if self.nulls is None else gone | self.nulls)

    def all_whole(self) -> bool:
        """Return True where every value is a whole number and not negative."""
        whole = (self.values >= 0) & (self.values == np.floor(self.values))
        return bool(whole.all() if self.nulls is None else (whole | self.nulls).all())


def floats_of(array: Any) -> Floats:
    """Return an array of doubles; where it is null its values are arbitrary."""
    values: FloatArray = values_of(array)
    nulls = nulls_of(array)
    ordinary = (values < WHOLE) & (values > -WHOLE)
    if nulls is not None:
        ordinary |= nulls
    return Floats(values, nulls, None if ordinary.all() else ~ordinary)


def coded_cells(array: Any) -> CodedCells:
    """Return a dictionary-encoded array without nulls as codes and levels."""
    return CodedCells(values_of(array.indices), array.dictionary.to_pylist())


class RawCells:
    """The cells of a string array."""

    def __init__(self, array: Any) -> None:
        _, offsets, data = array.buffers()
        self._offsets = np.frombuffer(offsets, dtype=np.int32)[array.offset : array.offset + len(array) + 1]
        self._data = np.frombuffer(b"" if data is None else data, dtype=np.uint8)

    def texts(self, rows: RowNumbers) -> list[str]:
        """Return the cells in these rows."""
        starts, ends = self._offsets[rows].tolist(), self._offsets[rows + 1].tolist()
        return [self._data[start:end].tobytes().decode() for start, end in zip(starts, ends, strict=True)]

    def not_empty(self, rows: RowNumbers) -> RowNumbers:
        """Return those of the rows whose cell has a character."""
        return rows[self._offsets[rows + 1] > self._offsets[rows]]

    def any_leading_zero(self) -> bool:
        """Return True where a cell of digits would lose its first one as a number."""
        rows = np.flatnonzero(np.diff(self._offsets) > 1)
        first = self._data[self._offsets[rows]]
        rows = rows[(first == ord("0")) | (first == ord(" ")) | (first == ord("\t"))]
        cells = (cell.strip(BLANKS) for cell in self.texts(rows))
        return any(has_leading_zero(cell) and only_digits([cell]) for cell in cells)
