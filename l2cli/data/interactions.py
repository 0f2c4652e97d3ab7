"""Interactions: ``--interactions a:b`` as products of the design columns of two features."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import product

import numpy as np
import numpy.typing as npt

from l2cli.core.products import Products
from l2cli.data.dataset import DesignSource, FeatureColumn, Interaction
from l2cli.data.levels import MISSING_LEVEL, as_text
from l2cli.data.schema import no_column
from l2cli.data.table import Table
from l2cli.data.target import LARGEST
from l2cli.data.wording import listed, where
from l2cli.errors import DataError, UsageError, shown

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def plan_interactions(
    table: Table,
    features: Sequence[FeatureColumn],
    items: Sequence[str],
    rows: IntArray,
    dates: Container[str] = (),
) -> tuple[Interaction, ...]:
    """Return the interactions that are asked for, each pair of features once.

    Two numbers make one product, a number and a category one for every design column of the category, and two
    categories one for every pair of their design columns that meets in ``rows``. ``dates`` are columns that
    are left out as dates.

    Raises
    ------
    UsageError
        If an item names no two features, or one feature twice.
    """
    found: dict[frozenset[str], Interaction] = {}
    for item in items:
        for a, b in product(*_sides(table, features, item, dates)):
            key = frozenset((a.name, b.name))
            if a.name != b.name and key not in found:
                levels = "category" in (a.kind, b.kind)
                found[key] = Interaction(f"{a.name}:{b.name}", levels, tuple(_factors(table, a, b, rows)))
    return tuple(found.values())


def least_products(
    table: Table, features: Sequence[FeatureColumn], items: Sequence[str], dates: Container[str] = ()
) -> int:
    """Return how many products of two numbers the items ask for at least: counted, not made."""
    counts = [0]
    for item in items:
        left, right = (
            {feature.name for feature in side if feature.kind == "number"}
            for side in _sides(table, features, item, dates)
        )
        both = len(left & right)
        counts.append(len(left) * len(right) - both - both * (both - 1) // 2)
    return max(counts)


def _sides(
    table: Table, features: Sequence[FeatureColumn], item: str, dates: Container[str]
) -> tuple[list[FeatureColumn], list[FeatureColumn]]:
    """Return the features on both sides of ``a:b``; names may hold a colon themselves, and be globs."""
    ways = [(item[:i], item[i + 1 :]) for i, c in enumerate(item) if c == ":" and 0 < i < len(item) - 1]
    if not ways:
        raise UsageError(
            f"--interactions '{shown(item)}' names no two columns", hint="write a:b, for example age:sex"
        )
    named = [way for way in ways if all(_named(features, side) for side in way)]
    matched = named or [way for way in ways if all(_matched(features, side) for side in way)]
    if not matched:
        raise _unknown(table, features, item, ways, dates)
    if len(matched) > 1:
        both = " and ".join(f"'{shown(a)}' with '{shown(b)}'" for a, b in matched[:2])
        raise UsageError(f"--interactions '{shown(item)}' can mean {both}", hint="rename a column")
    left, right = (_matched(features, side) for side in matched[0])
    if all(a.name == b.name for a in left for b in right):
        raise UsageError(
            f"--interactions '{shown(item)}' pairs a column with itself",
            hint="for its square add a column to the file",
        )
    return left, right


def _named(features: Sequence[FeatureColumn], name: str) -> list[FeatureColumn]:
    """Return the feature of a name, or the parts of a date of that name."""
    return [f for f in features if f.name == name] or [f for f in features if f.column == name]


def _matched(features: Sequence[FeatureColumn], pattern: str) -> list[FeatureColumn]:
    """Return the features that a name or a glob means; a name that exists is no glob."""
    return _named(features, pattern) or [f for f in features if fnmatchcase(f.name, pattern)]


def _unknown(
    table: Table,
    features: Sequence[FeatureColumn],
    item: str,
    ways: list[tuple[str, str]],
    dates: Container[str],
) -> UsageError:
    """Return the error for an item of which no reading names two features."""
    if len(ways) > 1 and all(_matched(features, part) for part in item.split(":")):
        return UsageError(
            f"--interactions '{shown(item)}': products of more than two columns are not available",
            hint="write a:b for every two of them",
        )
    # of the readings of a name with colons, the one that is right at one end
    way = next((way for way in ways if any(_matched(features, side) for side in way)), ways[0])
    name = next(side for side in way if not _matched(features, side))
    if name not in table.names and not any(c in name for c in "*?["):
        return no_column(table, name)
    what = "matches no feature" if name not in table.names else "is no feature of this fit"
    hint = f"features: {listed(f.name for f in features)}"
    if name in dates:
        what, hint = "holds dates, which are left out", "--dates makes year, month, weekday and hour of them"
    return UsageError(
        f"{where(table)}: --interactions '{shown(item)}': '{shown(name)}' {what}",
        hint=hint,
        code="no_column",
    )


def _factors(table: Table, a: FeatureColumn, b: FeatureColumn, rows: IntArray) -> Iterator[tuple[str, str]]:
    """Yield the design columns that are multiplied; an indicator of missing cells is not."""
    if a.kind == b.kind == "category":
        first, second = (0 if f.reference is None else 1 for f in (a, b))
        meeting = np.unique(_places(table, a, rows) * len(b.levels) + _places(table, b, rows))
        for i, j in zip(*np.divmod(meeting, len(b.levels)), strict=True):
            if i >= first and j >= second:
                yield a.names[i - first], b.names[j - second]
        return
    for left in a.names if a.kind == "category" else a.names[:1]:
        for right in b.names if b.kind == "category" else b.names[:1]:
            yield left, right


def _places(table: Table, feature: FeatureColumn, rows: IntArray) -> IntArray:
    """Return the place of the level of some rows (n,) among those of a category."""
    column, place = as_text(table, feature.name), {level: i for i, level in enumerate(feature.levels)}
    lookup = [place.get(level, -1) for level in column.levels]
    return np.array([*lookup, place.get(MISSING_LEVEL, -1)], dtype=np.int64)[column.codes[rows]]


def products_of(features: Sequence[FeatureColumn], interactions: Sequence[Interaction]) -> Products | None:
    """Return where the factors of all interactions stand, None where there are none."""
    at = {name: j for j, name in enumerate(name for feature in features for name in feature.names)}
    factors = [pair for interaction in interactions for pair in interaction.factors]
    if not factors:
        return None
    left, right = (np.array([at[pair[side]] for pair in factors], dtype=np.int64) for side in (0, 1))
    return Products(len(at), left, right)


def factor_features(
    features: Sequence[FeatureColumn], interaction: Interaction
) -> tuple[FeatureColumn, FeatureColumn]:
    """Return the two features whose design columns an interaction multiplies."""
    owner = {name: feature for feature in features for name in feature.names}
    left, right = interaction.factors[0]
    return owner[left], owner[right]


def product_codes(
    interaction: Interaction, factors: Sequence[FeatureColumn], known: Mapping[str, IntArray], n: int
) -> IntArray:
    """Return which of its columns is not 0 in each row by the codes of its categories: (n,).

    ``known`` : by the name of a category its codes (n,). A pair that is no product has the code of none.
    """
    places = [{name: i for i, name in enumerate(feature.names)} for feature in factors]
    width = len(factors[1].names) + 1
    pairs = np.array([places[0][left] * width + places[1][right] for left, right in interaction.factors])
    none = np.zeros(n, dtype=np.int64)  # the code of a number, which has one column
    met = known.get(factors[0].name, none) * width + known.get(factors[1].name, none)
    order = np.argsort(pairs)
    at = np.minimum(np.searchsorted(pairs, met, sorter=order), len(pairs) - 1)
    return np.where(pairs[order[at]] == met, order[at], len(pairs))


def refuse_large_products(
    table: Table, names: Sequence[str], X: FloatArray, products: Products, rows: IntArray, largest: FloatArray
) -> None:
    """Raise DataError at the first product too large to be squared; ``largest`` (p,) are those of columns."""
    for j in range(products.first, len(names)):
        if not largest[j] < LARGEST:
            row = int(np.argmax(~(np.abs(X[:, j]) < LARGEST)))
            raise DataError(
                f"{where(table, int(rows[row]))}: the product '{shown(names[j])}' is beyond {LARGEST:.0e},"
                " where its square overflows",
                hint="state a column in another unit",
                code="infinite",
            )


def refuse_twins(table: Table, sources: Sequence[DesignSource]) -> None:
    """Raise DataError where two columns or interactions make design columns of one name."""
    owner: dict[str, DesignSource] = {}
    for source in sources:
        for design in source.names:
            if design in owner:
                both = (owner[design], source)
                kinds = ["interaction" if isinstance(one, Interaction) else "column" for one in both]
                first, second = (f"'{shown(one.name)}'" for one in both)
                what = (
                    f"{kinds[0]}s {first} and {second}"
                    if kinds[0] == kinds[1]
                    else f"{kinds[0]} {first} and {kinds[1]} {second}"
                )
                raise DataError(
                    f"{where(table)}: {what} both make a feature '{shown(design)}'",
                    hint="rename a column or leave it out with --drop",
                    code="duplicate_feature",
                )
            owner[design] = source
