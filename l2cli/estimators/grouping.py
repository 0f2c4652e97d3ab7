"""Groups of columns as an estimator is given them: labels of the columns, or names with their members."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.api.banded import Bands, band_lambdas, bands_of
from l2cli.data.column_groups import ColumnGroups, column_groups
from l2cli.data.dataset import FeatureColumn
from l2cli.errors import UsageError, shown
from l2cli.spec import GroupSpec

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


class GivenBands(NamedTuple):
    """Groups with an L2 lambda each; ``lambdas`` are those given, by name, and none where they are chosen."""

    groups: ColumnGroups
    lambdas: tuple[tuple[str, float], ...]
    features: tuple[str, ...]

    @property
    def bands(self) -> Bands:
        """The groups and, if there are any, the other columns together."""
        return bands_of(self.groups)

    def values(self, *, rest: float) -> FloatArray | None:
        """Return the lambdas given (b,), ``rest`` for columns in no group; None where they are chosen."""
        return band_lambdas(self.groups, self.lambdas, self.features, rest=rest)


class GivenGroups(NamedTuple):
    """Groups of columns and their penalty."""

    groups: ColumnGroups
    spec: GroupSpec
    features: tuple[str, ...]

    @property
    def bands(self) -> GivenBands | None:
        """The groups where each has a lambda of its own, else None."""
        if self.spec.penalty != "banded":
            return None
        return GivenBands(self.groups, self.spec.lambdas, self.features)

    def lasso_labels(self, factors: FloatArray | None) -> IntArray | None:
        """Return the group of each column (p,) for a group lasso, else None.

        Raises
        ------
        UsageError
            If columns of a group have penalty factors that differ: a norm has one.
        """
        if self.spec.penalty != "lasso":
            return None
        labels = self.groups.labels
        for g in range(self.groups.named if factors is not None else 0):
            mine = np.asarray(factors)[labels == g]
            if len(mine) and mine.min() < mine.max():
                name = shown(self.groups.names[g])
                raise UsageError(f"penalty_factor differs between columns of group '{name}'")
        return labels


def given_groups(
    groups: Any, penalty: str, lambdas: Mapping[Any, float] | None, features: tuple[str, ...]
) -> GivenGroups | None:
    """Return the groups that an estimator is given, None without any.

    Parameters
    ----------
    groups : (p,) array of labels, or mapping
        A label for each column, or, by name, its columns: names, globs over them, or positions.
    penalty : {"lasso", "banded"}
    lambdas : mapping of labels or names to numbers, optional
    features : tuple of p str

    Raises
    ------
    UsageError
        If the groups are neither, a member is no column or in two groups, or there are none and the rest is.
    """
    if groups is None:
        if lambdas or penalty != "lasso":
            raise UsageError("group_penalty and group_lambda need column_groups")
        return None
    try:
        values = tuple((str(name), float(value)) for name, value in dict(lambdas or {}).items())
    except (TypeError, ValueError):
        raise UsageError(f"group_lambda must map groups to numbers, not {lambdas!r}") from None
    named = tuple(_named(groups, features))
    if len({name for name, _ in named}) < len(named):
        raise UsageError("column_groups gives two groups the same name")
    spec = GroupSpec(named, False, penalty, values)
    found = column_groups(feature_columns(features), spec, "X")
    assert found is not None
    return GivenGroups(found, spec, features)


def _named(groups: Any, features: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the name and the members of every group."""
    if isinstance(groups, Mapping):
        for name, members in groups.items():
            several = not isinstance(members, str | Integral)
            yield (
                str(name),
                tuple(
                    member_name(m, features, "column_groups") for m in (members if several else (members,))
                ),
            )
        return
    labels = np.asarray(groups)
    if labels.shape != (len(features),):
        what = f"an array of shape {labels.shape}" if labels.ndim else repr(groups)
        raise UsageError(f"column_groups must be a label for each of {len(features)} columns, not {what}")
    columns: dict[str, list[str]] = {}
    for label, feature in zip(labels.tolist(), features, strict=True):
        columns.setdefault(str(label), []).append(feature)
    yield from ((name, tuple(members)) for name, members in columns.items())


def feature_columns(features: Sequence[str]) -> list[FeatureColumn]:
    """Return columns of numbers with these names, as those of a file are described."""
    return [FeatureColumn(name, "number", "number", names=(name,)) for name in features]


def member_name(member: Any, features: Sequence[str], parameter: str) -> str:
    """Return the name or glob of a column that may be given by its position."""
    if isinstance(member, str):
        return member
    if not isinstance(member, Integral) or not 0 <= int(member) < len(features):
        raise UsageError(f"{parameter}: {member!r} is no column", hint=f"0 to {len(features) - 1}, or names")
    return features[int(member)]
