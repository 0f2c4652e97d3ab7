"""What a saved model keeps for prediction intervals: what it would be without some of its training rows.

With mu_(-i) the model fitted without row i, or without the fold that row i is in, and R_i = |y_i -
mu_(-i)(x_i)|, the interval at x is

    [the k-th smallest of mu_(-i)(x) - R_i, the k-th largest of mu_(-i)(x) + R_i],   k = floor(alpha (m + 1)),

over the m rows left out in turn (Barber, Candes, Ramdas and Tibshirani 2021, Annals of Statistics 49,
"Predictive inference with the jackknife+", sections 2 and 3). For other families than gaussian the same is
done with the residuals of :mod:`l2cli.core.anscombe`, whose ends for y are taken in place of mu -+ R (Gupta,
Kuchibhotla and Ramdas 2022, Pattern Recognition 127, "Nested conformal prediction and quantile out-of-bag
ensemble methods"). It holds the target of a new row, drawn as the training rows were, with probability

    jackknife+: 1 - 2 alpha at least,
    CV+, K folds of one size: 1 - 2 alpha - min{2 (1 - 1/K)/(m/K + 1), (1 - K/m)/(K + 1)} at least,

whatever their distribution, and nearly always about 1 - alpha. Lambda is taken as given, and so are what
missing cells are imputed by and, of the jackknife+, the scale of standardized columns, which are those of all
rows: where the same rows chose them, that guarantee is for the choice made without looking at them. Folds of
whole groups, or folds that were given, are of rows that are not exchangeable: for them it does not hold.

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

from l2cli.checks import as_number
from l2cli.core.anscombe import Anscombe
from l2cli.core.families import Family
from l2cli.core.problem import row_blocks
from l2cli.data.encode import EncodedRows
from l2cli.errors import UsageError

if TYPE_CHECKING:
    from l2cli.models.model import Model

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
PACKINGS = {
    "jackknife+": "base64 of little-endian doubles, of each row: |residual|, intercept, coefficients",
    "CV+": "base64 of little-endian doubles, of each fold: |residual| of its rows, intercept, coefficients",
}
MOST_COLUMNS = 20_000
"""Design columns up to which a model keeps intervals."""


class LeftOut(NamedTuple):
    """The models without some rows each, and how far from each these rows were.

    rows : m, how many rows were left out. counts : how many of them each of the K models did not see, less
    those that alone decide a coefficient, whose residual may be anything. numbers : doubles, of each model
    the absolute residuals of these rows, then its intercept and its coefficients (original scale).
    folds : the kind of the folds left out, as in :class:`l2cli.data.folds.Folds`; None where every row was
    left out by itself.
    """

    rows: int
    counts: tuple[int, ...]
    numbers: bytes
    folds: str | None = None

    @classmethod
    def of(
        cls, rows: int, residual: FloatArray, intercept: FloatArray, coef: FloatArray,
        counts: IntArray | None = None, folds: str | None = None,
    ) -> LeftOut:  # fmt: skip
        """Return the models of (K,) intercepts and (p, K) coefficients, and of (r,) residuals.

        Residuals stand in the order of the models, ``counts`` (K,) of each; default one of each.
        """
        counts = np.ones(len(residual), dtype=np.int64) if counts is None else counts
        models, parts = np.column_stack([intercept, coef.T]), np.split(np.abs(residual), np.cumsum(counts))
        pieces = [piece for pair in zip(parts, models, strict=False) for piece in pair]
        numbers = np.concatenate(pieces) if pieces else np.zeros(0)
        return cls(rows, tuple(counts.tolist()), numbers.astype("<f8").tobytes(), folds)

    @property
    def method(self) -> str:
        """What the intervals are called."""
        return "jackknife+" if self.folds is None else "CV+"

    @property
    def kept(self) -> int:
        """How many rows have a residual."""
        return sum(self.counts)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON values of the model file."""
        return {
            "method": self.method,
            "rows": self.rows,
            **({} if self.folds is None else {"folds": self.folds, "fold_rows": list(self.counts)}),
            "packing": PACKINGS[self.method],
            "numbers": base64.b64encode(self.numbers).decode("ascii"),
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any], width: int) -> LeftOut:
        """Return what a model file of ``width`` design columns holds; ValueError or TypeError if wrong."""
        method, numbers = content["method"], base64.b64decode(content["numbers"], validate=True)
        if method not in PACKINGS or content["packing"] != PACKINGS[method]:
            raise ValueError("its intervals are of another method")
        if method == "CV+":
            counts, folds = tuple(_count(count) for count in content["fold_rows"]), content["folds"]
            if not isinstance(folds, str):
                raise TypeError(f"its intervals are of folds of {folds!r}")
        else:
            counts, folds = (1,) * (len(numbers) // (8 * (width + 2))), None
        found = cls(_count(content["rows"]), counts, numbers, folds)
        if len(numbers) != 8 * (found.kept + len(counts) * (width + 1)) or found.kept > found.rows:
            raise ValueError("its intervals and its coefficients do not agree")
        models, residual = found.arrays(width)
        if not (np.isfinite(models).all() and np.isfinite(residual).all()) or (residual < 0.0).any():
            raise ValueError("its intervals hold what is no residual or no coefficient")
        return found

    def arrays(self, width: int) -> tuple[FloatArray, FloatArray]:
        """Return the models of ``width`` design columns (K, 1 + p), intercepts first, and residuals (r,)."""
        numbers = np.frombuffer(self.numbers, dtype="<f8").astype(np.float64)
        counts = np.array(self.counts, dtype=np.int64)
        ends = np.cumsum(counts + width + 1)
        # those of a model end where the next one's residuals begin
        at = (ends - width - 1)[:, None] + np.arange(width + 1)
        residual = np.delete(numbers, at.ravel())
        return numbers[at], residual

    def rank(self, level: float) -> int:
        """Return which of the r smallest and of the r largest bounds those of the interval are, from 1.

        Raises
        ------
        UsageError
            If that many rows cannot give the level.
        """
        if not self.kept:
            raise UsageError(
                "--interval: every training row alone decides a coefficient, so that there are no intervals",
                hint="fit the model to more rows, or with a penalty",
            )
        # an absent residual is infinite; 1 - 0.9 is a rounding below 0.1
        rank = math.floor((1.0 - level) * (self.rows + 1) + 1e-9) - (self.rows - self.kept)
        if rank < 1:
            most = math.floor(self.kept / (self.rows + 1) * 1e4) / 1e4
            raise UsageError(
                f"--interval {level:g} takes more rows than the {self.rows} that the model was judged on",
                hint=f"the highest level they can give is {most:g}",
            )
        return min(rank, self.kept)

    def guaranteed(self, level: float) -> float | None:
        """Return the share of new rows held at least, whatever their distribution; None for no guarantee."""
        if self.folds not in (None, "rows"):
            return None
        k, m, lost = len(self.counts), self.rows, 0.0
        if self.folds is not None:
            lost = min(2.0 * (1.0 - 1.0 / k) / (m / k + 1.0), (1.0 - k / m) / (k + 1.0))
        return max(0.0, 2.0 * level - 1.0 - lost)

    def described(self, level: float) -> dict[str, Any]:
        """Return what a result says of the intervals."""
        folds = None if self.folds is None else len(self.counts)
        return {
            "method": self.method, "rows": self.rows, "folds": folds, "guaranteed": self.guaranteed(level),
        }  # fmt: skip

    def promise(self, level: float) -> str:
        """Return in words which intervals they are, and what they hold."""
        sure, about = self.guaranteed(level), f"about {100.0 * level:g} %"
        name = "the jackknife+" if self.folds is None else f"CV+ of {len(self.counts)} folds"
        if sure is None:
            kind = "groups" if self.folds == "groups" else "folds"
            return f"intervals are {name}: {about} of the rows of new {kind} where there are many alike"
        least = f"at least {math.floor(1e3 * sure + 1e-6) / 10.0:g} %, and nearly always " if sure else ""
        return f"intervals are {name}: of new rows like those trained on they hold {least}{about}"


def _count(value: Any) -> int:
    """Return a JSON number that counts rows."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value) or value < 0:
        raise TypeError(f"its intervals are of {value!r} rows")
    return int(value)


def interval_ends(
    encoded: EncodedRows, offset: FloatArray, width: int, left_out: LeftOut, likelihood: Family, level: float
) -> tuple[FloatArray, FloatArray]:
    """Return lower and upper end of every row's interval, (n,).

    ``offset`` (n,) is that of the linear predictors, and ``width`` the number p of design columns.

    Notes
    -----
    2 n K p flops and n m log m for the order statistics, in blocks of rows.
    """
    (models, residual), rank = left_out.arrays(width), left_out.rank(level)
    intercept, coef, scale = models[:, 0], models[:, 1:].T, Anscombe.of(likelihood)
    low, high = np.empty(len(offset)), np.empty(len(offset))
    for rows in row_blocks(len(offset), 3 * len(residual) + width):
        with np.errstate(over="ignore", invalid="ignore"):
            eta = encoded.part_times(rows, coef) + intercept + offset[rows, None]
            place, unit = scale.places(eta)
            if left_out.folds is not None:
                place, unit = (np.repeat(part, left_out.counts, axis=1) for part in (place, unit))
            reach = unit * residual
            low[rows] = np.partition(place - reach, rank - 1, axis=1)[:, rank - 1]
            high[rows] = np.partition(place + reach, -rank, axis=1)[:, -rank]
    # levels far below 1/2 may leave no number between the two order statistics
    return scale.target(np.minimum(low, high)), scale.target(np.maximum(low, high))


def check_level(level: Any) -> float:
    """Return the level of an interval, or raise UsageError."""
    share = as_number(level, "--interval")
    if not 0.0 < share < 1.0:
        hint = f"--interval {share / 100.0:g} is {share:g} %" if 10.0 <= share < 100.0 else "0.9 is usual"
        raise UsageError(f"--interval must be above 0 and below 1, not {share:g}", hint=hint)
    return share


def check_interval(model: Model, level: float) -> float:
    """Return the level, or raise UsageError where the model has no intervals of that level."""
    check_level(level)
    for one in model.each():
        if one.intervals is None:
            raise _without(model)
        one.intervals.rank(level)
    return level


def _without(model: Model) -> UsageError:
    """Return why a model keeps no intervals, and what to do."""
    if model.data.classes:
        return UsageError(
            f"--interval is for numbers, and this model is {model.family}",
            hint="leave it out; probabilities come anyway",
        )
    if model.settings.get("time_column") is not None:
        return UsageError(
            "--interval takes the rows of a model in any order alike, and this one's are in time order",
            hint="fit it again without --time-column",
        )
    if len(model.coef) > MOST_COLUMNS:
        return UsageError(
            f"--interval is for up to {MOST_COLUMNS} design columns, and this model has {len(model.coef)}",
            hint="leave it out, or fit fewer columns",
        )
    lam = model.lam / (model.weight_sum if model.lambda_scale == "mean" else 1.0)
    same = "" if model.settings.get("group_lambdas") else f" (--lambdas {lam:.10g}: at the same lambda)"
    return UsageError(
        "the model keeps no intervals: no folds judged it, or an older version saved it",
        hint=f"fit it again with l2cli cv --save{same}",
    )
