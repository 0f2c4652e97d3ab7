"""What a library call gives, as tables: arrays and data frames, and the rows to judge by."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from l2cli.data.dataset import DataSchema
from l2cli.data.frame import table_from_arrays, table_from_frame
from l2cli.data.table import Table
from l2cli.errors import DataError, UsageError, shown
from l2cli.spec import ColumnSpec, ReadSpec

HOLDOUT = "<holdout>"
"""What messages call rows to judge by that came from no file."""


@dataclass(frozen=True)
class Given:
    """The rows of a library call.

    table : all columns. columns : which of them plays which role.
    inputs : names of the columns of X that play none of the roles, in order.
    target : (n,) the target as it was given, labels and all.
    """

    table: Table
    columns: ColumnSpec
    inputs: tuple[str, ...]
    target: npt.NDArray[Any]


def gather(
    X: Any, y: Any = None, *, target: str | Sequence[str] | None = None, sample_weight: Any = None,
    offset: Any = None, groups: Any = None, fold_labels: Any = None, time_column: Any = None,
) -> Given:  # fmt: skip
    """Return the table and the roles of a library call.

    Parameters
    ----------
    X : (n, p) array or data frame
    y : (n,) array, optional
        The target, (n, T) of several; else ``target`` names the column of X that holds it, or the columns.
    sample_weight, offset, groups, fold_labels, time_column : (n,) array or name of a column of X, optional

    Raises
    ------
    UsageError
        If the target is given twice or not at all.
    DataError
        If a length or a column makes no sense.
    """
    if isinstance(y, str) or (y is None) == (target is None):
        hint = "as an array y, or as target='name of a column of X'"
        raise UsageError("the target must be given once", hint=hint)
    X, names = with_names(X)
    extra: dict[str, npt.NDArray[Any]] = {}

    def column(values: Any, name: str) -> str | None:
        """Return the name of a column of X, or the one under which an array is added."""
        if values is None or isinstance(values, str):
            return values
        while name in names or name in extra:
            name += "_"
        extra[name] = unmasked(values)
        return name

    if isinstance(groups, Mapping):
        raise UsageError("groups are of rows, one label each", hint="groups of columns are column_groups")
    first, *more = _targets(y, target)
    targets = [column(values, name) for name, values in [first, *more]]
    columns = ColumnSpec(
        weights=column(sample_weight, "sample_weight"),
        offset=column(offset, "offset"),
        group_column=column(groups, "groups"),
        fold_column=column(fold_labels, "fold_labels"),
        time_column=column(time_column, "time"),
        target=targets[0],
        more_targets=tuple(str(name) for name in targets[1:]),
    )
    of_folds = {columns.group_column, columns.fold_column, columns.time_column}
    roles = {columns.weights, columns.offset, *of_folds, *targets}
    inputs = tuple(name for name in names if name not in roles)
    return Given(table_of(X, names, extra), columns, inputs, _target(X, names, extra, columns.target or ""))


def _targets(y: Any, target: str | Sequence[str] | None) -> list[tuple[str, Any]]:
    """Return (name, values) of every target; the values of one that is a column of X are its name."""
    if y is None:
        names = [target] if isinstance(target, str) else list(target or ())
        if not names:
            raise UsageError("target names no column")
        return [(name, name) for name in names]
    if hasattr(y, "to_pandas"):
        y = y.to_pandas()
    if is_frame(y):
        return [(str(label), y.iloc[:, t]) for t, label in enumerate(y.columns)]
    label = getattr(y, "name", None)
    values = unmasked(y)
    if values.ndim != 2:
        return [(label if isinstance(label, str) else "y", y)]
    if not values.shape[1]:
        raise DataError("y has no column")
    return [(f"y{t}" if values.shape[1] > 1 else "y", values[:, t]) for t in range(values.shape[1])]


def with_names(X: Any) -> tuple[Any, list[str]]:
    """Return X as a data frame or a matrix, and the names of its columns."""
    if hasattr(X, "to_pandas"):  # polars, pyarrow
        X = X.to_pandas()
    if is_frame(X):
        names = [str(label) for label in X.columns]
        # beside labels of several levels no further column could be named
        return (X.set_axis(names, axis=1) if X.columns.nlevels > 1 else X), names
    kind, sparse = type(X).__name__, hasattr(X, "toarray")
    X = unmasked(X)
    if X.ndim == 0:
        hint = "give X.toarray()" if sparse else "give an array (rows, columns) or a data frame"
        raise DataError(f"X is {kind}, not a matrix", hint=hint)
    if X.ndim != 2:
        raise DataError(f"X has {X.ndim} dimensions, not 2", hint="reshape it to (rows, columns)")
    return X, [f"x{j}" for j in range(X.shape[1])]


def unmasked(values: Any) -> npt.NDArray[Any]:
    """Return an array, in which the masked cells of a masked array are missing ones."""
    if not isinstance(values, np.ma.MaskedArray):
        return np.asarray(values)
    numbers = values.dtype.kind in "iuf"
    cells = np.array(values.data, dtype=np.float64 if numbers else object)
    cells[np.ma.getmaskarray(values)] = np.nan if numbers else None
    return cells


def is_frame(X: Any) -> bool:
    """Return True for a pandas data frame, without importing pandas."""
    return hasattr(X, "iloc") and hasattr(X, "columns")


def table_of(X: Any, names: list[str], extra: Mapping[str, npt.NDArray[Any]]) -> Table:
    """Return the table of X and further columns (n,)."""
    if not is_frame(X):
        return table_from_arrays(X, names=names, extra=extra)
    for name, values in extra.items():
        if values.shape != (len(X),):
            raise DataError(f"column '{shown(name)}' has shape {values.shape}, not ({len(X)},)")
    return table_from_frame(X.assign(**extra) if extra else X)


def _target(X: Any, names: list[str], extra: Mapping[str, npt.NDArray[Any]], name: str) -> npt.NDArray[Any]:
    """Return the target as it was given; a name that does not exist is refused later."""
    if name in extra or name not in names:
        return extra.get(name, np.zeros(0))
    at = names.index(name)
    return np.asarray(X.iloc[:, at] if is_frame(X) else X[:, at])


def holdout_name(holdout: Any) -> float | str | None:
    """Return the part of the rows that a library call holds out, or what messages call other rows.

    Raises
    ------
    UsageError
        If it is neither.
    """
    if holdout is None or isinstance(holdout, Real):
        return None if holdout is None else float(holdout)
    if isinstance(holdout, str | os.PathLike):
        return str(os.fspath(holdout))
    if (
        (isinstance(holdout, tuple) and len(holdout) == 2)
        or is_frame(holdout)
        or hasattr(holdout, "to_pandas")
    ):
        return HOLDOUT
    raise UsageError(
        f"holdout is {type(holdout).__name__}", hint="give a number, a file, a data frame or a pair (X, y)"
    )


def holdout_table(holdout: Any, given: Given, schema: DataSchema) -> Table:
    """Return the table of rows to judge by: a file, a data frame, or X and y as the call gave its own.

    Raises
    ------
    DataError
        If the file cannot be read, or an array is of another shape.
    """
    if isinstance(holdout, str | os.PathLike):
        from l2cli.data.needed import exact_columns, needed_columns
        from l2cli.data.read import read_table  # arrays need neither

        needed = needed_columns(schema, *schema.targets, schema.weights)
        spec = ReadSpec(like=schema.dialect)
        return read_table(str(os.fspath(holdout)), spec, names=needed, verbatim=exact_columns(schema))
    X, y = holdout if isinstance(holdout, tuple) else (holdout, None)
    X, names = with_names(X)
    extra: dict[str, npt.NDArray[Any]] = {}
    if y is not None:
        values = [unmasked(column) for _, column in _targets(y, None)]
        if len(values) != len(schema.targets):
            raise DataError(
                f"the y of holdout has {len(values)} columns, that of the fit {len(schema.targets)}"
            )
        extra = dict(zip(schema.targets, values, strict=True))
    if not is_frame(X):
        names = inputs_of(X, given.inputs, "the X of holdout")
    table = table_of(X, names, extra)
    table.source = HOLDOUT
    return table


def inputs_of(X: npt.NDArray[Any], inputs: tuple[str, ...], what: str = "X") -> list[str]:
    """Return the names of the columns of an array, which stand as in training; DataError if others do."""
    if X.shape[1] != len(inputs):
        raise DataError(f"{what} has {X.shape[1]} columns, and the model was fitted to {len(inputs)}")
    return list(inputs)
