"""Arrays and data frames in, predictions out: what the library adds around a dataset and a fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from l2cli.api.fit import FitResult
from l2cli.api.predict import predict_table
from l2cli.data.frame import table_from_arrays, table_from_frame
from l2cli.data.table import Table
from l2cli.errors import DataError, UsageError, shown
from l2cli.models.model import Model
from l2cli.spec import ColumnSpec

FloatArray = npt.NDArray[np.float64]


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


@dataclass(frozen=True, repr=False)
class FittedModel(FitResult):
    """A fit of the library: a :class:`FitResult` that predicts from arrays and data frames.

    inputs : names of the columns of X, in order, by which an array is understood.
    classes : (C,) the labels as they were given, of two the positive one last; None for a target of numbers.
    """

    inputs: tuple[str, ...]
    classes: npt.NDArray[Any] | None

    def predict(
        self, X: Any, *, offset: Any = None, unseen: str = "error", threshold: float = 0.5,
        interval: float | None = None,
    ) -> Any:  # fmt: skip
        """Return the mean or the label of every row, or three arrays, as :func:`predict` does."""
        return predict(self, X, offset=offset, unseen=unseen, threshold=threshold, interval=interval)

    def predict_proba(self, X: Any, *, offset: Any = None, unseen: str = "error") -> FloatArray:
        """Return the probabilities of ``classes`` for every row, as :func:`predict_proba` does."""
        return predict_proba(self, X, offset=offset, unseen=unseen)

    def __repr__(self) -> str:
        lambdas = ", ".join(f"{lam:.4g}" for lam in np.ravel(self.lam))
        chosen = f"lambda {lambdas} ({self.model.selected_by})"
        return f"<FittedModel: {self.model.family}, {len(self.features)} features, {chosen}>"


def gather(
    X: Any, y: Any = None, *, target: str | Sequence[str] | None = None, sample_weight: Any = None,
    offset: Any = None, groups: Any = None, fold_labels: Any = None,
) -> Given:  # fmt: skip
    """Return the table and the roles of a library call.

    Parameters
    ----------
    X : (n, p) array or data frame
    y : (n,) array, optional
        The target, (n, T) of several; else ``target`` names the column of X that holds it, or the columns.
    sample_weight, offset, groups, fold_labels : (n,) array or name of a column of X, optional

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
    X, names = _with_names(X)
    extra: dict[str, npt.NDArray[Any]] = {}

    def column(values: Any, name: str) -> str | None:
        """Return the name of a column of X, or the one under which an array is added."""
        if values is None or isinstance(values, str):
            return values
        while name in names or name in extra:
            name += "_"
        extra[name] = np.asarray(values)
        return name

    first, *more = _targets(y, target)
    targets = [column(values, name) for name, values in [first, *more]]
    columns = ColumnSpec(
        weights=column(sample_weight, "sample_weight"),
        offset=column(offset, "offset"),
        group_column=column(groups, "groups"),
        fold_column=column(fold_labels, "fold_labels"),
        target=targets[0],
        more_targets=tuple(str(name) for name in targets[1:]),
    )
    roles = {columns.weights, columns.offset, columns.group_column, columns.fold_column, *targets}
    inputs = tuple(name for name in names if name not in roles)
    return Given(_table(X, names, extra), columns, inputs, _target(X, names, extra, columns.target or ""))


def _targets(y: Any, target: str | Sequence[str] | None) -> list[tuple[str, Any]]:
    """Return (name, values) of every target; the values of one that is a column of X are its name."""
    if y is None:
        names = [target] if isinstance(target, str) else list(target or ())
        if not names:
            raise UsageError("target names no column")
        return [(name, name) for name in names]
    if hasattr(y, "to_pandas"):
        y = y.to_pandas()
    if _is_frame(y):
        return [(str(label), y.iloc[:, t]) for t, label in enumerate(y.columns)]
    label = getattr(y, "name", None)
    values = np.asarray(y)
    if values.ndim != 2:
        return [(label if isinstance(label, str) else "y", y)]
    if not values.shape[1]:
        raise DataError("y has no column")
    return [(f"y{t}" if values.shape[1] > 1 else "y", values[:, t]) for t in range(values.shape[1])]


def _with_names(X: Any) -> tuple[Any, list[str]]:
    """Return X as a data frame or a matrix, and the names of its columns."""
    if hasattr(X, "to_pandas"):  # polars, pyarrow
        X = X.to_pandas()
    if _is_frame(X):
        return X, [str(label) for label in X.columns]
    X = np.asarray(X)
    if X.ndim != 2:
        raise DataError(f"X has {X.ndim} dimensions, not 2", hint="reshape it to (rows, columns)")
    return X, [f"x{j}" for j in range(X.shape[1])]


def _is_frame(X: Any) -> bool:
    """Return True for a pandas data frame, without importing pandas."""
    return hasattr(X, "iloc") and hasattr(X, "columns")


def _table(X: Any, names: list[str], extra: Mapping[str, npt.NDArray[Any]]) -> Table:
    """Return the table of X and further columns (n,)."""
    if not _is_frame(X):
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
    return np.asarray(X.iloc[:, at] if _is_frame(X) else X[:, at])


def fitted_model(result: FitResult, given: Given) -> FittedModel:
    """Return a fit as the library hands it out."""
    classes = result.model.data.classes
    labels = None if classes is None else labels_as_given(given.target, classes)
    return FittedModel(**vars(result), inputs=given.inputs, classes=labels)


def labels_as_given(target: npt.NDArray[Any], classes: tuple[str, ...]) -> npt.NDArray[Any]:
    """Return the names of the classes as labels of the type that the target was given in: (C,).

    Numbers and booleans become what they were; anything else is text.
    """
    if target.dtype.kind == "O":
        cells = [v.item() if isinstance(v, np.generic) else v for v in target.tolist()]
        target = np.array([v for v in cells if isinstance(v, str | bool | int | float) and v == v])  # noqa: PLR0124
    if target.dtype.kind == "b":
        return np.array([name == "True" for name in classes])
    if target.dtype.kind in "iuf":
        return np.array([float(name) for name in classes]).astype(target.dtype)
    return np.array(classes)


def _answers(
    model: Model | FitResult, X: Any, offset: Any, unseen: str, threshold: float,
    level: float | None = None,
) -> tuple[Model, dict[str, list[Any]], npt.NDArray[Any] | None]:  # fmt: skip
    """Return the model itself, the columns of predictions, and the labels (None: no classes)."""
    saved = model.model if isinstance(model, FitResult) else model
    X, names = _with_names(X)
    if isinstance(model, FittedModel) and not _is_frame(X):
        if len(names) != len(model.inputs):
            raise DataError(f"X has {len(names)} columns, and the model was fitted to {len(model.inputs)}")
        names = list(model.inputs)
    extra = {}
    if offset is not None:
        if saved.data.offset is None:
            raise UsageError("the model was fitted without an offset, so offset has nothing to do")
        extra[saved.data.offset] = np.asarray(offset)
    table = _table(X, names, extra)
    columns = predict_table(saved, table, unseen=unseen, threshold=threshold, level=level).columns
    if saved.data.classes is None:
        return saved, columns, None
    labels = model.classes if isinstance(model, FittedModel) else np.array(saved.data.classes)
    return saved, columns, labels


def _numbers(values: list[Any]) -> FloatArray:
    """Return numbers (n,), NaN for None."""
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def predict(
    model: Model | FitResult, X: Any, *, offset: Any = None, unseen: str = "error", threshold: float = 0.5,
    interval: float | None = None,
) -> Any:  # fmt: skip
    """Return the prediction of every row, in order: the mean or the label; of several targets (n, T).

    Parameters
    ----------
    model : what :func:`l2cli.fit` returned, or a model of :func:`l2cli.load_model`
    X : (n, p) array or data frame
        A frame's columns are found by name, in any order; those of an array stand as in training.
    offset : (n,) array, optional
        For a model that was fitted with one (a frame may hold it as a column instead).
    unseen : {"error", "baseline", "missing"}
        What to do with levels that the model never saw.
    threshold : float
        Probability above which the positive class is predicted.
    interval : float, optional
        Level of a jackknife+ interval for the target of every row (gaussian L2), 0.9 say.

    Returns
    -------
    (n,) array, (n, T) of several targets
        NaN (or None, among labels) for a row with a missing cell that the model has no value for. With
        ``interval`` three of them: predictions, lower and upper ends.

    Raises
    ------
    DataError
        If X lacks a column that the model needs, or its cells make no sense.
    UsageError
        If an option has no such value.
    """
    saved, columns, labels = _answers(model, X, offset, unseen, threshold, interval)
    if labels is None:
        kinds = ("prediction",) if interval is None else ("prediction", "interval_low", "interval_high")
        found = tuple(_of_targets(saved, columns, kind) for kind in kinds)
        return found[0] if interval is None else found
    values = columns["prediction"]
    names = list(saved.data.classes or ())
    known = np.array([-1 if value is None else names.index(value) for value in values], dtype=np.intp)
    chosen: npt.NDArray[Any] = labels[known]
    if (known < 0).any():
        chosen = chosen.astype(object)
        chosen[known < 0] = None
    return chosen


def _of_targets(model: Model, columns: Mapping[str, list[Any]], kind: str) -> FloatArray:
    """Return a kind of column as numbers: (n,), of several targets (n, T)."""
    if not model.others:
        return _numbers(columns[kind])
    return np.column_stack([_numbers(columns[f"{kind}_{one.data.target}"]) for one in model.each()])


def predict_proba(
    model: Model | FitResult, X: Any, *, offset: Any = None, unseen: str = "error"
) -> FloatArray:
    """Return the probability of every class for each row: (n, C), of two the positive last; NaN if unknown.

    Raises
    ------
    UsageError
        If the model has no classes.
    DataError
        As :func:`predict`.
    """
    saved, columns, labels = _answers(model, X, offset, unseen, 0.5)
    if labels is None:
        raise UsageError(f"a {saved.family} model has no classes, so no probabilities", hint="use predict")
    if saved.by_class:
        names = [f"probability_{label}" for label in saved.data.classes or ()]
        return np.column_stack([_numbers(columns[name]) for name in names])
    positive = _numbers(columns["probability"])
    return np.column_stack([1.0 - positive, positive])
