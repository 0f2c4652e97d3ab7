"""The rows of another table by whose error lambda is chosen: read with the schema of the training rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from l2cli.core.problem import Problem
from l2cli.data.dataset import Dataset
from l2cli.data.date_columns import dated_table
from l2cli.data.labelled import LabelledRows, OtherRows, labelled_rows
from l2cli.data.table import Table
from l2cli.data.wording import plural, where
from l2cli.models.drift import drift_warning, find_drift
from l2cli.models.saved import feature_stats

IntArray = npt.NDArray[np.int64]


class Holdout:
    """A table of labelled rows and what a dataset makes of them, as ``evaluate`` makes it of a saved model.

    Raises
    ------
    DataError
        If the table cannot be judged on: no target, a feature or a cell that makes no sense, no row left.
    """

    def __init__(self, dataset: Dataset, table: Table, unseen: str) -> None:
        self._table, self._name = table, where(table)
        self._found = labelled_rows(table, dataset.schema, dataset.schema.targets, unseen=unseen)
        self._seen = _are_the_rows_of(dataset, self._found)

    def beside(self, dataset: Dataset, problem: Problem) -> Dataset:
        """Return the dataset with these rows beside its own, what is to be said of them included.

        problem : of the dataset, whose columns may be standardized by now.
        """
        found, features = self._found, dataset.schema.features
        drift = find_drift(
            features, feature_stats(dataset, problem.scale.tolist()), dataset.n_rows,
            dated_table(self._table, features), found.rows, found.weights,
        )  # fmt: skip
        warnings = [*found.warnings, *drift_warning(drift)]
        if self._seen:
            text = "the very rows that the model is fitted to: their error is no error of unseen rows"
            warnings.append({"code": "holdout_seen", "message": text})
        whole = len(found.rows) == self._table.n_rows
        other = OtherRows(
            self._table.source, self._table.n_rows,
            found.encoded if whole else found.encoded.take(found.rows),
            found.y, found.weights, found.offset, tuple(drift),
        )  # fmt: skip
        rows, take = plural(len(found.y), "row"), "takes" if len(found.y) == 1 else "take"
        told = f"lambda by the error of {rows} of {self._name}, which {take} no part in the fit"
        return replace(
            dataset,
            holdout=other,
            notes=[*dataset.notes, *(f"{self._name}: {note}" for note in found.notes), told],
            warnings=dataset.warnings
            + [{**warning, "message": f"{self._name}: {warning['message']}"} for warning in warnings],
        )


def _are_the_rows_of(dataset: Dataset, found: LabelledRows) -> bool:
    """Return True where another table holds the rows of a dataset, in their order, and no others.

    By targets and numbers: either may keep categories of many levels as codes where the other has columns.
    """
    if not np.array_equal(found.y, dataset.y):
        return False
    design = found.encoded.design
    places = np.arange(found.encoded.X.shape[1]) if design is None else design.at
    _, mine, other = np.intersect1d(dataset.places, places, return_indices=True)
    X, Y = dataset.X, found.encoded.X
    return all(
        bool(((Y[found.rows, j] == X[:, i]) | np.isnan(X[:, i])).all())
        for i, j in zip(mine.tolist(), other.tolist(), strict=True)
    )
