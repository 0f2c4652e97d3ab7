"""Fits that predict arrays and data frames: what the library adds around a fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from l2cli.api.fit import FitResult
from l2cli.api.given import Given, inputs_of, is_frame, table_of, unmasked, with_names
from l2cli.api.predict import predict_table
from l2cli.api.wording import in_arguments
from l2cli.errors import UsageError
from l2cli.models.model import Model

FloatArray = npt.NDArray[np.float64]


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
    X, names = with_names(X)
    if isinstance(model, FittedModel) and not is_frame(X):
        names = inputs_of(X, model.inputs)
    extra = {}
    if offset is not None:
        if saved.data.offset is None:
            raise UsageError("the model was fitted without an offset, so offset has nothing to do")
        extra[saved.data.offset] = unmasked(offset)
    table = table_of(X, names, extra)
    columns = predict_table(saved, table, unseen=unseen, threshold=threshold, level=level).columns
    if saved.data.classes is None:
        return saved, columns, None
    labels = model.classes if isinstance(model, FittedModel) else np.array(saved.data.classes)
    return saved, columns, labels


def _numbers(values: list[Any]) -> FloatArray:
    """Return numbers (n,), NaN for None."""
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


@in_arguments()
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
        Level of an interval for the target of every row (of numbers: jackknife+, CV+), 0.9 say.

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


@in_arguments()
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
