"""All rows fitted along one path, judged on the rows of another table."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from l2cli.core.path import Path
from l2cli.core.problem import Problem
from l2cli.data.labelled import OtherRows
from l2cli.errors import FitError
from l2cli.select.holdout import Judge, with_offset

FloatArray = npt.NDArray[np.float64]


class JudgedElsewhere(Judge):
    """A model family fitted to all rows of a problem, and its loss on those of another table.

    They are predicted by the coefficients on the original scale, as a saved model predicts them, and r2 is
    against their own mean, as it is told of a saved model.
    """

    def __init__(self, problem: Problem, other: OtherRows, scale: str) -> None:
        """Take the rows of the table as they are encoded; see the base class.

        Raises
        ------
        FitError
            All of them are of one class.
        """
        if problem.family in ("binomial", "multinomial") and (other.y == other.y[0]).all():
            raise FitError(
                "only one class is among the rows of --holdout, by which no probability can be judged",
                hint="give a file with rows of other classes too",
            )
        y = other.y
        if problem.family == "multinomial":
            y = np.asarray(y[:, None] == np.arange(problem.n_classes), dtype=np.float64)
        weights = np.ones(len(y)) if other.weights is None else other.weights
        super().__init__(problem, y, weights, scale, None)
        self._other = other

    def _predicted(self, path: Path) -> FloatArray:
        coef, other = path.coef, self._other
        with np.errstate(over="ignore", invalid="ignore"):  # such a lambda ranks last
            eta = other.encoded.times(coef.reshape(len(coef), -1)).reshape(-1, *coef.shape[1:])
            eta += path.intercept
        return eta if other.offset is None else with_offset(eta, other.offset)
