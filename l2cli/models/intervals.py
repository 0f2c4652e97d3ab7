"""What a saved model keeps for prediction intervals: what it would be without one of its training rows.

With mu_(-i) the model fitted without row i and R_i = |y_i - mu_(-i)(x_i)|, the jackknife+ interval at x is

    [the k-th smallest of mu_(-i)(x) - R_i, the k-th largest of mu_(-i)(x) + R_i],   k = floor(alpha (m + 1)),

over the m rows left out in turn (Barber, Candes, Ramdas and Tibshirani 2021, Annals of Statistics 49,
"Predictive inference with the jackknife+", equations 5 and 6). It holds the target of a new row, drawn as
the training rows were, with probability 1 - 2 alpha at least, whatever their distribution, and nearly always
about 1 - alpha. Lambda is taken as given: where the same rows chose it, that guarantee is for the choice made
without looking at them.

Where m is smaller than n the rows are a random part, drawn without looking at them. The others are then
nothing but part of how a model is made from m rows, so the guarantee is the same.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.core.problem import row_blocks
from l2cli.data.encode import EncodedRows
from l2cli.errors import UsageError

if TYPE_CHECKING:
    from l2cli.models.model import Model

FloatArray = npt.NDArray[np.float64]
METHOD = "jackknife+"
PACKING = "base64 of little-endian doubles, of each row: |residual|, intercept, coefficients"
MOST_COLUMNS = 20_000
"""Design columns up to which a model keeps intervals."""


class LeftOut(NamedTuple):
    """The models without one row each.

    rows : m, how many rows were left out in turn. numbers : a row of doubles for each of them, its absolute
    residual, then intercept and coefficients (original scale) of the model without it; none of a row that
    alone decides a coefficient, whose residual may be anything.
    """

    rows: int
    numbers: bytes

    @classmethod
    def of(cls, rows: int, residual: FloatArray, intercept: FloatArray, coef: FloatArray) -> LeftOut:
        """Return the models of (r,) residuals and intercepts and (p, r) coefficients, r at most ``rows``."""
        table = np.column_stack([np.abs(residual), intercept, coef.T])
        return cls(rows, table.astype("<f8").tobytes())

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON values of the model file."""
        text = base64.b64encode(self.numbers).decode("ascii")
        return {"method": METHOD, "rows": self.rows, "packing": PACKING, "numbers": text}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any], width: int) -> LeftOut:
        """Return what a model file of ``width`` design columns holds; ValueError or TypeError if wrong."""
        if content["method"] != METHOD or content["packing"] != PACKING:
            raise ValueError("its intervals are of another method")
        rows, text = content["rows"], content["numbers"]
        if isinstance(rows, bool) or not isinstance(rows, int | float) or rows != int(rows):
            raise TypeError(f"its intervals are of {rows!r} rows")
        found = cls(int(rows), base64.b64decode(text, validate=True))
        if len(found.numbers) % (8 * (width + 2)) or found.kept(width) > found.rows:
            raise ValueError("its intervals and its coefficients do not agree")
        table = found.table(width)
        if not np.isfinite(table).all() or (table[:, 0] < 0.0).any():
            raise ValueError("its intervals hold what is no residual or no coefficient")
        return found

    def kept(self, width: int) -> int:
        """Return how many rows have a residual, in a model of ``width`` design columns."""
        return len(self.numbers) // (8 * (width + 2))

    def table(self, width: int) -> FloatArray:
        """Return the numbers as (r, 2 + p): residual, intercept, coefficients."""
        return np.frombuffer(self.numbers, dtype="<f8").reshape(-1, width + 2).astype(np.float64)

    def rank(self, level: float, width: int) -> int:
        """Return which of the r smallest and of the r largest bounds those of the interval are, from 1.

        Raises
        ------
        UsageError
            If that many rows cannot give the level.
        """
        kept = self.kept(width)
        if not kept:
            raise UsageError(
                "--interval: every training row alone decides a coefficient, so that there are no intervals",
                hint="fit the model to more rows, or with a penalty",
            )
        # an absent residual is infinite; 1 - 0.9 is a rounding below 0.1
        rank = math.floor((1.0 - level) * (self.rows + 1) + 1e-9) - (self.rows - kept)
        if rank < 1:
            most = math.floor(kept / (self.rows + 1) * 1e4) / 1e4
            raise UsageError(
                f"--interval {level:g} takes more rows than the {self.rows} that the model was judged on",
                hint=f"the highest level they can give is {most:g}",
            )
        return min(rank, kept)


def interval_around(
    encoded: EncodedRows, eta: FloatArray, width: int, left_out: LeftOut, level: float
) -> tuple[FloatArray, FloatArray]:
    """Return lower and upper end of every row's interval, (n,), less its linear predictor ``eta``.

    ``eta`` is without offset and ``width`` the number p of design columns.

    Notes
    -----
    2 n m p flops and n m log m for the order statistics, in blocks of rows.
    """
    table, rank = left_out.table(width), left_out.rank(level, width)
    residual, intercept, coef = table[:, 0], table[:, 1], table[:, 2:].T
    low, high = np.empty(len(eta)), np.empty(len(eta))
    with np.errstate(over="ignore", invalid="ignore"):
        for rows in row_blocks(len(eta), 3 * len(residual) + width):
            without = encoded.part_times(rows, coef) + intercept - eta[rows, None]
            below, above = without - residual, without + residual
            low[rows] = np.partition(below, rank - 1, axis=1)[:, rank - 1]
            high[rows] = np.partition(above, -rank, axis=1)[:, -rank]
    # levels far below 1/2 may leave no number between the two order statistics
    return np.minimum(low, high), np.maximum(low, high)


def check_level(level: float) -> float:
    """Return the level of an interval, or raise UsageError."""
    if not 0.0 < level < 1.0:
        hint = f"--interval {level / 100.0:g} is {level:g} %" if 10.0 <= level < 100.0 else "0.9 is usual"
        raise UsageError(f"--interval must be above 0 and below 1, not {level:g}", hint=hint)
    return level


def check_interval(model: Model, level: float) -> float:
    """Return the level, or raise UsageError where the model has no intervals of that level."""
    check_level(level)
    for one in model.each():
        if one.intervals is None:
            raise _without(model)
        one.intervals.rank(level, len(one.coef))
    return level


def _without(model: Model) -> UsageError:
    """Return why a model keeps no intervals, and what to do."""
    settings, what = model.settings, None
    if model.family != "gaussian":
        return UsageError(
            f"--interval is for gaussian models, and this one is {model.family}",
            hint="leave it out" + ("; probabilities come anyway" if model.data.classes else ""),
        )
    if settings.get("time_column") is not None:
        return UsageError(
            "--interval takes the rows of a model in any order alike, and this one's are in time order",
            hint="fit it again without --time-column",
        )
    if settings.get("group_penalty") == "lasso":
        what = "a group lasso"
    elif settings.get("l1_ratio"):
        what = "a model with an L1 part"
    elif settings.get("bounds"):
        what = "a model with bounds"
    if what is not None:
        return UsageError(
            f"--interval is for L2 fits without bounds, and this is {what}",
            hint="fit it again without --l1-ratio, --bounds, --groups and --relax-gamma",
        )
    if len(model.coef) > MOST_COLUMNS:
        return UsageError(
            f"--interval is for up to {MOST_COLUMNS} design columns, and this model has {len(model.coef)}",
            hint="leave it out, or fit fewer columns",
        )
    return UsageError(
        "the model keeps no intervals: an older version saved it, or columns of many levels in a design too "
        "large for one matrix",
        hint="fit it again with this version (and --drop such columns)",
    )
