"""Groups of design columns that share a norm or a lambda of their own (``--groups``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.data.dataset import DesignSource, Interaction
from l2cli.data.schema import design_columns, penalty_factors
from l2cli.data.wording import listed
from l2cli.errors import UsageError, shown
from l2cli.spec import GroupSpec

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


class ColumnGroups(NamedTuple):
    """Every design column in one group.

    names : of the groups; those the user or a text column made first, then a group of its own for every other
    column, under its name. labels : (p,) the group of each design column. named : how many come first.
    """

    names: tuple[str, ...]
    labels: IntArray
    named: int


def column_groups(
    features: Sequence[DesignSource], spec: GroupSpec | None, source: str
) -> ColumnGroups | None:
    """Return the groups asked for, None without any.

    A member is a design column, a column of the file (all design columns made of it) or a glob over both.

    Raises
    ------
    UsageError
        If a member matches no column, a column is in two groups, or there is no text column for ``dummies``.
    """
    if spec is None:
        return None
    design = [name for feature in features for name in feature.names]
    labels = np.full(len(design), -1, dtype=np.int64)
    named = spec.named if not spec.dummies else _of_levels(features, source)
    for g, (name, patterns) in enumerate(named):
        for pattern in patterns:
            at = design_columns(features, pattern, f"--groups {shown(name)}", source)
            taken = at[(labels[at] >= 0) & (labels[at] != g)]
            if len(taken):
                first, other = design[int(taken[0])], named[int(labels[taken[0]])][0]
                raise UsageError(
                    f"--groups: '{shown(first)}' is in both '{shown(other)}' and '{shown(name)}'"
                )
            labels[at] = g
    alone = np.flatnonzero(labels < 0)
    labels[alone] = len(named) + np.arange(len(alone))
    names = (*(name for name, _ in named), *(design[j] for j in alone))
    return ColumnGroups(names, labels, len(named))


def _of_levels(features: Sequence[DesignSource], source: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return a group for the design columns of every categorical column, and of interactions with one."""
    found = tuple(
        (f.name, f.names)
        for f in features
        if f.names and (f.levels if isinstance(f, Interaction) else f.kind == "category")
    )
    if not found:
        raise UsageError(
            f"{source}: --groups dummies finds no categorical column",
            hint="--categorical makes one of numbers; --groups 'g=a,b' names groups of columns",
        )
    return found


def group_factors(
    features: Sequence[DesignSource], factors: Sequence[tuple[str, float]], groups: ColumnGroups, source: str
) -> FloatArray | None:
    """Return the penalty factors (p,) with ``--penalty-factor`` on names of groups, None if all are 1.

    Raises
    ------
    UsageError
        If the columns of a group have factors that differ, or as :func:`penalty_factors`.
    """
    named = groups.names[: groups.named]
    of_groups = {name: factor for name, factor in factors if name in named}
    rest = [(name, factor) for name, factor in factors if name not in of_groups]
    result = penalty_factors(features, rest, source)
    result = np.ones(len(groups.labels)) if result is None else result
    for g, name in enumerate(named):
        at = np.flatnonzero(groups.labels == g)
        if name in of_groups:
            result[at] = of_groups[name]
        elif len(np.unique(result[at])) > 1:
            raise UsageError(
                f"--penalty-factor gives the columns of group '{shown(name)}' factors that differ",
                hint=f"give one to the group: '{shown(name)}=...'",
            )
    return None if bool((result == 1.0).all()) else result


def group_lambdas(groups: ColumnGroups, lambdas: Sequence[tuple[str, float]]) -> dict[int, float]:
    """Return the lambda given to each group, by its number; UsageError for a name that is no group."""
    named = groups.names[: groups.named]
    for name, _ in lambdas:
        if name not in named:
            raise UsageError(
                f"--group-lambda: there is no group '{shown(name)}'", hint=f"groups: {listed(named)}"
            )
    return {named.index(name): value for name, value in lambdas}
