"""Least squares refined until it is that of the doubles in the file, not of their rounded standardization.

Corrected seminormal equations (Bjorck 1987, "Stability analysis of the method of seminormal equations for
linear least squares problems") with the gradient in twice the working precision. With coefficients w, the
intercept b of columns less their mean m, and r = y - b - (X - m) w, a step is

    R'R dw = X'Sr - m 1'Sr,        db = 1'Sr / W.

R comes from a QR, so a step errs by eps times the condition number, not its square, and three passes over the
rows do. The rows may come in any blocks, and from anywhere that can be read again; where they cannot, their
sums serve (:mod:`l2cli.core.solvers.row_sums`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from l2cli.core.threads import row_threads
from l2cli.core.twofold import Twofold, add, multiply, twofold, weighted_sum

FloatArray = npt.NDArray[np.float64]
EPS = float(np.finfo(np.float64).eps)
MOST_STEPS = 6
Exponents = npt.NDArray[np.intc]
Pull = tuple[FloatArray, FloatArray, float]
Block = tuple[FloatArray, Twofold, FloatArray]
"""Original columns (b, p), response (b,) twofold, weights (b,)."""


class Refinable(Protocol):
    """What a fit can be refined on: weight, means (p,) and spreads (p,) of the columns, and their residuals.

    The mean counts as 0 without an ``intercept``; mean and spread need be right to rounding only.
    """

    @property
    def weight(self) -> float:
        """Sum of weights."""
        ...

    @property
    def mean(self) -> FloatArray:
        """Means of the columns."""
        ...

    @property
    def spread(self) -> FloatArray:
        """Their size."""
        ...

    @property
    def intercept(self) -> bool:
        """Whether there is one to fit."""
        ...

    def pull(self, unit: Exponents, y_unit: int, w: Twofold, b: Twofold) -> Pull:
        """Return X'Sr - m 1'Sr, 1'Sr and r'Sr in the units given, summed in twice the working precision.

        Columns are counted in 2^unit, the response in 2^y_unit; w (p,) and b (1,) are in these units.
        """
        ...


class Rows(NamedTuple):
    """Rows on their original scale, to be passed over again.

    blocks : gives them anew. cells : rows times columns. weight : sum of weights. mean, spread : (p,) of the
    columns, to rounding; mean 0 without an ``intercept``.
    """

    blocks: Callable[[], Iterable[Block]]
    cells: int
    weight: float
    mean: FloatArray
    spread: FloatArray
    intercept: bool

    def pull(self, unit: Exponents, y_unit: int, w: Twofold, b: Twofold) -> Pull:
        """Return X'Sr - m 1'Sr, 1'Sr and r'Sr in the units given: one pass over the rows."""
        mean = np.ldexp(self.mean, -unit)
        base, minus = add((-b[0], -b[1]), weighted_sum(mean[:, None], w)), (-w[0], -w[1])

        def summed(block: Block) -> tuple[Twofold, float]:
            X, y, s = block
            columns = np.ones((len(s), len(mean) + 1))
            np.ldexp(X, -unit, out=columns[:, :-1])
            fit = weighted_sum(np.ascontiguousarray(columns[:, :-1].T), minus)
            r = add(add((np.ldexp(y[0], -y_unit), np.ldexp(y[1], -y_unit)), base), fit)
            return weighted_sum(columns, multiply(s, r)), float(s @ r[0] ** 2)

        sums, square = twofold(np.zeros(len(mean) + 1)), 0.0
        with row_threads(self.cells) as run:
            for part, squares in run(summed, self.blocks()):
                sums, square = add(sums, part), square + squares
        pull, total = (sums[0][:-1], sums[1][:-1]), (sums[0][-1:], sums[1][-1:])
        return add(pull, multiply(-mean, total))[0], total[0], square


class Refined(NamedTuple):
    """Coefficients (p,); intercepts of the columns less their mean and of the columns as they are."""

    coef: FloatArray
    intercept: float
    origin: float
    residual_sum: float


def refine(
    rows: Refinable, coef: FloatArray, intercept: float, inverse: FloatArray, residual_sum: float
) -> Refined:
    """Return a least squares fit refined on the rows, or on their sums.

    Parameters
    ----------
    coef : (p,) float64
        With ``intercept``, the fit to start from, on the original scale.
    inverse : (p, p) float64
        Inverse of R.
    residual_sum : float
        Of that fit.

    Notes
    -----
    Unknowns are kept twofold: b - m'w cancels where means are large. Powers of 2 bring every column and the
    response near 1: they change no digit, and products neither overflow nor vanish.
    """
    unit = np.frexp(rows.spread)[1]
    size = max(abs(intercept), float(np.abs(coef * rows.spread).max()), np.sqrt(residual_sum / rows.weight))
    y_unit = int(np.frexp(size)[1])
    inverse, mean = np.ldexp(inverse, unit[:, None]), np.ldexp(rows.mean, -unit)
    w = twofold(np.ldexp(coef, unit - y_unit))
    b = twofold(np.ldexp(np.array([intercept]), -y_unit))
    before = np.inf
    for _ in range(MOST_STEPS):
        pull, total, square = rows.pull(unit, y_unit, w, b)
        along = inverse.T @ pull
        length = float(np.linalg.norm(along))
        if not length < 0.5 * before:
            break
        before, step = length, inverse @ along
        w = add(w, twofold(step))
        b = add(b, twofold(total / rows.weight)) if rows.intercept else b
        if np.all(np.abs(step) <= EPS * np.abs(w[0])):
            break
    origin = add(b, weighted_sum(-mean[:, None], w))[0] if rows.intercept else np.zeros(1)
    return Refined(
        np.ldexp(w[0], y_unit - unit),
        float(np.ldexp(b[0][0], y_unit)),
        float(np.ldexp(origin[0], y_unit)),
        float(np.ldexp(square, 2 * y_unit)),
    )
