"""The entrance of the library: arrays and data frames as tables, under the same rules as files."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from numbers import Number
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from l2cli.data import written
from l2cli.data.cells import BLANKS
from l2cli.data.levels import level_text
from l2cli.data.table import Table, TextColumn
from l2cli.errors import DataError, shown

if TYPE_CHECKING:
    import pandas as pd

FloatArray = npt.NDArray[np.float64]

SOURCE = "<array>"
"""What messages call a table that came from no file."""


def table_from_arrays(
    X: npt.ArrayLike,
    y: npt.ArrayLike | None = None,
    *,
    names: Sequence[str] | None = None,
    target: str = "y",
    extra: Mapping[str, npt.ArrayLike] | None = None,
    source: str = SOURCE,
) -> Table:
    """Return a table of the columns of ``X``, then ``extra`` columns, then ``y``.

    Parameters
    ----------
    X : (n, p) array
        Numbers (NaN where missing), or objects: a column whose present cells are all numbers is numeric, any
        other text. Booleans are text (``False``, ``True``), as in a file.
    y : (n,) array, optional
        Target, numbers or labels; becomes the last column.
    names : sequence of str, optional
        Names of the columns of X, default ``x0``, ``x1``, ...
    target : str
        Name of the target column; underscores are added while a column of X has that name.
    extra : mapping, optional
        More columns by name, such as weights.

    Raises
    ------
    DataError
        If shapes do not fit, names are not unique, or numbers are complex.
    """
    matrix = np.asarray(X)
    if matrix.ndim != 2:
        raise DataError(f"X has {matrix.ndim} dimensions, not 2", hint="reshape it to (rows, columns)")
    names = [f"x{j}" for j in range(matrix.shape[1])] if names is None else [str(name) for name in names]
    if len(names) != matrix.shape[1]:
        raise DataError(f"{len(names)} names for {matrix.shape[1]} columns")
    columns: dict[str, npt.NDArray[Any]] = {}
    _add(columns, ((name, matrix[:, j]) for j, name in enumerate(names)))
    _add(columns, ((name, np.asarray(values)) for name, values in (extra or {}).items()))
    if y is not None:
        while target in columns:
            target += "_"
        _add(columns, [(target, np.asarray(y))])
    for name, values in columns.items():
        if values.shape != (len(matrix),):
            raise DataError(f"column '{shown(name)}' has shape {values.shape}, not ({len(matrix)},)")
    return _assemble(columns, len(matrix), source)


def _add(columns: dict[str, npt.NDArray[Any]], items: Iterable[tuple[str, npt.NDArray[Any]]]) -> None:
    """Add named columns, each name once."""
    for name, values in items:
        if name in columns:
            raise DataError(f"column '{shown(name)}' is there twice", hint="rename one of the two")
        columns[name] = values


def table_from_frame(frame: pd.DataFrame, *, source: str = "<data frame>") -> Table:
    """Return a table of the columns of a pandas DataFrame; the index is no column.

    Numbers (nullable ones too) stay numbers; booleans, strings, categoricals and dates become text.

    Raises
    ------
    DataError
        If two columns have the same name, or numbers are complex.
    """
    import pandas as pd

    columns: dict[str, npt.NDArray[Any] | TextColumn] = {}
    levelled = set()
    for position, label in enumerate(frame.columns):
        name, series = str(label), frame.iloc[:, position]
        if name in columns:
            raise DataError(f"column '{shown(name)}' is there twice", hint="rename one of the two")
        if pd.api.types.is_numeric_dtype(series.dtype) and not pd.api.types.is_bool_dtype(series.dtype):
            _refuse_complex(name, series.dtype.kind)
            columns[name] = series.to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            codes, levels = pd.factorize(series, use_na_sentinel=True)
            declared = isinstance(series.dtype, pd.CategoricalDtype)
            levelled.update([name] if declared else [])
            convert = _text_column if declared else _text_or_numbers
            columns[name] = convert(np.asarray(codes, dtype=np.int32), list(levels))
    return _assemble(columns, len(frame), source, levelled)


def _assemble(
    columns: Mapping[str, npt.NDArray[Any] | TextColumn],
    n_rows: int,
    source: str,
    levelled: Collection[str] = (),
) -> Table:
    """Return a table of columns that are arrays or ready text; numbers are copied once, into one matrix.

    Text keeps its type, unlike that of a file; where it shows numbers and is not ``levelled``, that is said.
    """
    ready = {name: _column(name, values) for name, values in columns.items()}
    numeric = {name: values for name, values in ready.items() if not isinstance(values, TextColumn)}
    numbers = np.empty((n_rows, len(numeric)))
    for at, values in enumerate(numeric.values()):
        numbers[:, at] = values
    texts = {name: values for name, values in ready.items() if isinstance(values, TextColumn)}
    return Table(
        source=source,
        names=tuple(ready),
        n_rows=n_rows,
        numbers=numbers,
        number_index={name: at for at, name in enumerate(numeric)},
        texts=texts,
        notes=[
            note for name, values in texts.items() if name not in levelled for note in _told(name, values)
        ],
    )


def _told(name: str, column: TextColumn) -> list[str]:
    """Return what to say of a column of text whose cells are all numbers as people write them."""
    cells = [cell.strip(BLANKS) for cell in column.levels]
    found = written.read(cells, ".", ())
    if found is None or not found.examples:
        return []
    return [f"column '{shown(name)}' is text, like '{shown(cells[found.examples[0]])}', not numbers"]


def _refuse_complex(name: str, kind: str) -> None:
    """Raise DataError for complex numbers, which would lose their imaginary part in silence."""
    if kind == "c":
        raise DataError(f"column '{shown(name)}' holds complex numbers", hint="give real numbers")


def _column(name: str, values: npt.NDArray[Any] | TextColumn) -> npt.NDArray[Any] | TextColumn:
    """Return numbers as they are, everything else as text."""
    if isinstance(values, TextColumn):
        return values
    _refuse_complex(name, values.dtype.kind)
    if values.dtype.kind in "fiu":
        return values
    if values.dtype.kind in "bUSMm":
        distinct, first, inverse = np.unique(values, return_index=True, return_inverse=True)
        if values.dtype.kind == "M":  # of which tolist() would make numbers, nanoseconds
            gone, texts = np.isnat(distinct).tolist(), np.datetime_as_string(distinct).tolist()
            distinct = np.array([None if g else t for g, t in zip(gone, texts, strict=True)], dtype=object)
        order = np.argsort(first)
        rank = np.empty(len(order), dtype=np.int32)
        rank[order] = np.arange(len(order), dtype=np.int32)
        return _text_or_numbers(
            rank[inverse], [None if _is_missing(v) else v for v in distinct[order].tolist()]
        )
    seen: dict[Any, int] = {}
    codes = np.empty(len(values), dtype=np.int32)
    try:
        for i, value in enumerate(values.tolist()):
            # the type is part of the key, since True == 1 and the two are different labels
            key = None if _is_missing(value) else (type(value), value)
            codes[i] = seen.setdefault(key, len(seen))
    except (TypeError, ValueError):  # a list or an array in a cell cannot be compared or hashed
        raise DataError(f"column '{shown(name)}' holds objects that are neither numbers nor text") from None
    return _text_or_numbers(codes, [None if key is None else key[1] for key in seen])


def _is_missing(value: Any) -> bool:
    """Return True for None, NaN, NaT and pandas.NA (told by name: pandas is not imported for this)."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    numeric = isinstance(value, float | np.floating | np.datetime64 | Decimal)
    return numeric and str(value) in ("nan", "NaN", "NaT")


def _is_number(value: Any) -> bool:
    """Return True for real numbers, Decimal and Fraction included, and False for booleans."""
    return isinstance(value, Number) and not isinstance(value, bool | complex)


def _text_or_numbers(codes: npt.NDArray[np.int32], levels: Sequence[Any]) -> FloatArray | TextColumn:
    """Return a column of distinct objects as numbers where all of them are, else as text; None is missing."""
    if all(_is_number(value) for value in levels if value is not None):
        numbers = np.array([np.nan if value is None else float(value) for value in levels] + [np.nan])
        found: FloatArray = numbers[codes]
        return found
    return _text_column(codes, levels)


def _text_column(codes: npt.NDArray[np.int32], levels: Sequence[Any]) -> TextColumn:
    """Return a column of distinct objects as text: None is missing, equal texts are one level."""
    texts: dict[str, int] = {}
    place = np.full(len(levels) + 1, -1, dtype=np.int32)
    for i, value in enumerate(levels):
        if value is not None:
            place[i] = texts.setdefault(_text(value), len(texts))
    return TextColumn(place[codes], tuple(texts))


def _text(value: Any) -> str:
    """Return the text of one object: bytes decoded, numbers in their shortest form."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if _is_number(value):
        return level_text(float(value))
    return str(value)
