"""Several gaussian targets of the same rows: what does not depend on the target is computed once.

With J the sum over targets of the single-target objectives, every target has a lambda and coefficients of its
own, so each is a :class:`l2cli.core.problem.Problem`. Their Gram matrix, its eigenvectors and the products of
its columns are the same; only the projection of the response on them differs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from l2cli.core.moments import GramSystem
    from l2cli.core.problem import Problem
    from l2cli.core.solvers.gram import ProductGram
    from l2cli.core.solvers.ridge import RidgeFactor

FloatArray = npt.NDArray[np.float64]


class Common:
    """What was computed for all targets together; filled by whoever needs a part of it first.

    several : the problem with y (n, T). system, factors : of all its rows. products : (p > n) the Gram of the
    rows and the scaled responses (n, T).
    """

    def __init__(self, several: Problem) -> None:
        self.several = several
        self.system: GramSystem | None = None
        self.factors: list[RidgeFactor] = []
        self.products: tuple[ProductGram, FloatArray] | None = None


class Shared:
    """The place of a problem among those with a design in common: what they share, and which target it is."""

    def __init__(self, common: Common, target: int) -> None:
        self.common, self.target = common, target


def each_target(several: Problem) -> list[Problem]:
    """Return the problems of the targets of ``several``, whose y is (n, T); they share what is made of X."""
    common = Common(several)
    return [
        several._replace(y=np.ascontiguousarray(several.y[:, t]), shared=Shared(common, t))
        for t in range(several.y.shape[1])
    ]
