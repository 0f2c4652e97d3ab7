"""Which column plays which role: the user's names and globs, resolved against the columns of a file."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping, Sequence
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.checks import check_factor
from l2cli.data.dataset import DatePart, DesignSource
from l2cli.data.dates import PARTS
from l2cli.data.levels import LevelIndex
from l2cli.data.table import Table
from l2cli.data.wording import listed, where
from l2cli.errors import FitError, UsageError, shown
from l2cli.spec import ColumnSpec

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

CODINGS = ("auto", "onehot", "treatment")
LARGEST_BOUND = 1e150
MISSING_RULES = ("impute", "drop", "error", "indicator")
OF_FOLDS = ("fold column", "group column", "time column")


class Roles(NamedTuple):
    """The columns of a file by role, before the data themselves are looked at.

    features : candidates in file order; ``named`` those the user spelled out (they are never dropped as
    identifiers).
    categorical, numeric : columns (of any role) forced to be levels or numbers.
    more_targets : those beside the first, of several gaussian ones.
    target_default : the target was not named: it is the last column that nothing else claims.
    parts : those features that are parts of dates.
    """

    target: str
    more_targets: tuple[str, ...]
    target_default: bool
    features: tuple[str, ...]
    named: frozenset[str]
    categorical: frozenset[str]
    numeric: frozenset[str]
    parts: Mapping[str, DatePart] = MappingProxyType({})

    def column(self, feature: str) -> str:
        """Return where a missing cell of a feature is told to be; hours, often missing alone, stay apart."""
        part = self.parts.get(feature)
        return feature if part is None or part.part == "hour" else part.column


class _Match(NamedTuple):
    """Columns that a list of names and globs selects."""

    literal: frozenset[str]
    glob: frozenset[str]

    def selects(self, name: str) -> bool:
        """Return True where a name or a glob means this column."""
        return name in self.literal or name in self.glob


def no_column(table: Table, name: str) -> UsageError:
    """Return the error for a column that is not there, with the nearest name."""
    hint = column_hint(table, name)
    return UsageError(f"{where(table)}: no column '{shown(name)}'", hint=hint, code="no_column")


def column_hint(table: Table, name: str, taken: Container[str] = ()) -> str:
    """Return the columns of the file, and the one most like ``name`` that is not ``taken``, for a message."""
    import difflib  # only on the way to an error

    lower = {column.lower(): column for column in reversed(table.file_names) if column not in taken}
    near = difflib.get_close_matches(name.lower(), lower, n=1)
    columns = f"columns: {listed(table.file_names)}"
    column, _, part = name.rpartition(".")
    if part in PARTS and column in table.names:
        return f"--dates makes it of '{shown(column)}', if that holds dates"
    return f"did you mean '{shown(lower[near[0]])}'? ({columns})" if near else columns


def match_columns(table: Table, patterns: Sequence[str], option: str) -> _Match:
    """Return the columns that names and globs select: a name that exists is no glob.

    Raises
    ------
    UsageError
        If a name or a glob matches no column.
    """
    literal, glob, known = set(), set(), set(table.names)
    for pattern in patterns:
        if pattern in known:
            literal.add(pattern)
            continue
        if not any(c in pattern for c in "*?["):
            raise no_column(table, pattern)
        found = [name for name in table.names if fnmatchcase(name, pattern)]
        if not found:
            raise UsageError(
                f"{where(table)}: {option} '{shown(pattern)}' matches no column",
                hint=f"columns: {listed(table.names)}",
                code="no_column",
            )
        glob.update(found)
    return _Match(frozenset(literal), frozenset(glob))


class LabelColumns:
    """The names of columns whose cells are labels by what the user says, found without the table."""

    def __init__(self, columns: ColumnSpec) -> None:
        self._patterns = (*columns.categorical, columns.fold_column, columns.group_column, columns.id)

    def __contains__(self, name: object) -> bool:
        """Return True where a role or a pattern of ``--categorical`` names the column."""
        return any(name == wanted or fnmatchcase(str(name), wanted) for wanted in self._patterns if wanted)


def resolve_roles(table: Table, columns: ColumnSpec, *, alone: bool = False) -> Roles:
    """Return the role of every column; ``alone`` lets a target be the only one.

    The target defaults to the last column without another role. Features default to all columns left over;
    globs of ``--features`` skip columns that have another role, ``--drop`` takes columns away from the
    features.

    Raises
    ------
    UsageError
        If a column does not exist, or one is asked to play two roles.
    FitError
        If no feature is left.
    """
    _check_choices(columns)
    whole = ",".join([columns.target or "", *columns.more_targets])
    if (
        columns.more_targets
        and whole in table.names
        and not {columns.target, *columns.more_targets} <= set(table.names)
    ):
        hint = f"a column whose name holds a comma is written '{shown(whole).replace(',', chr(92) + ',')}'"
        raise UsageError(f"{where(table)}: --target names several columns", hint=hint)
    taken = _special_columns(table, columns)
    wanted = match_columns(table, columns.features, "--features")
    drop = match_columns(table, columns.drop, "--drop")
    target, default = columns.target, columns.target is None
    if target is None:
        free = [name for name in table.names if name not in taken and not drop.selects(name)]
        if not free:
            raise FitError(f"{where(table)}: no column is left for the target", code="no_target")
        target = free[-1]
        taken[target] = "target"
    for name in sorted(wanted.literal & taken.keys()):
        why = " (the last column, by default)" if default and name == target else ""
        raise UsageError(
            f"{where(table)}: column '{shown(name)}' is both the {taken[name]}{why} and a feature",
            hint="name the target with --target" if why else "leave it out of one of the two",
        )
    for other, role in ((wanted.literal, "in --features"), (taken.keys(), "the {}")):
        for name in sorted(drop.literal & other):
            text = role.format(taken.get(name, ""))
            raise UsageError(f"{where(table)}: column '{shown(name)}' is both {text} and in --drop")
    features = tuple(
        name
        for name in table.names
        if name not in taken
        and (wanted.selects(name) or not columns.features)
        and (not drop.selects(name) or (name in wanted.literal and name not in drop.literal))
    )
    if not features and not alone:
        raise _no_feature(table, columns, target)
    _refuse_unreadable(table, (*taken, *features))
    categorical, numeric = _forced(table, columns)
    named = wanted.literal | (frozenset((*columns.categorical, *columns.numeric)) & set(table.names))
    return Roles(target, columns.more_targets, default, features, named, categorical, numeric)


def _no_feature(table: Table, columns: ColumnSpec, target: str) -> FitError:
    """Return the error where every column has another role, with what made it so."""
    if len(table.file_names) == 1:
        split = "" if table.delimiter is None else ", or name the --delimiter if it has more"
        hint = f"it is the only column; give data with others{split}"
    elif columns.drop:
        hint = "give fewer columns to --drop"
    else:
        hint = "every column has a role of its own; give data with more columns, or fewer of these roles"
    return FitError(
        f"{where(table)}: no feature is left beside the target '{shown(target)}'",
        hint=hint,
        code="no_feature",
    )


def _refuse_unreadable(table: Table, names: Sequence[str]) -> None:
    """Raise the error of the first column among these whose values are neither numbers nor text."""
    for name in names:
        if name in table.refused:
            raise table.refused[name]


def _check_choices(columns: ColumnSpec) -> None:
    """Refuse codings and missing rules that do not exist (the library has no option parser before it)."""
    for option, value, allowed in (
        ("--coding", columns.coding, CODINGS),
        ("--missing", columns.missing, MISSING_RULES),
    ):
        if value not in allowed:
            raise UsageError(
                f"{option} '{shown(value)}' is not available", hint=f"choose one of {', '.join(allowed)}"
            )


def _special_columns(table: Table, columns: ColumnSpec) -> dict[str, str]:
    """Return {column: role} of the columns named for a role; the id may make folds too."""
    taken: dict[str, str] = {}
    for role, name in (
        ("target", columns.target),
        *(("target", name) for name in columns.more_targets),
        ("weights", columns.weights),
        ("offset", columns.offset),
        ("exposure", columns.exposure),
        ("fold column", columns.fold_column),
        ("group column", columns.group_column),
        ("time column", columns.time_column),
        ("id", columns.id),
    ):
        if name is None:
            continue
        if name not in table.names:
            raise no_column(table, name)
        if role == taken.get(name) == "target":
            raise UsageError(f"--target names column '{shown(name)}' twice")
        if name in taken and not (role == "id" and taken[name] in OF_FOLDS):
            raise UsageError(
                f"{where(table)}: column '{shown(name)}' is both the {taken[name]} and the {role}"
            )
        taken.setdefault(name, role)
    return taken


def _forced(table: Table, columns: ColumnSpec) -> tuple[frozenset[str], frozenset[str]]:
    """Return the columns forced to be categories and numbers; a literal name wins over a glob."""
    as_category = match_columns(table, columns.categorical, "--categorical")
    as_number = match_columns(table, columns.numeric, "--numeric")
    both = (as_category.literal & as_number.literal) | (as_category.glob & as_number.glob)
    for name in sorted(both - (as_category.literal ^ as_number.literal)):
        raise UsageError(f"{where(table)}: column '{shown(name)}' is in both --categorical and --numeric")
    categorical = as_category.literal | (as_category.glob - as_number.literal)
    return categorical, (as_number.literal | as_number.glob) - categorical


def parse_references(table: Table, columns: ColumnSpec, categories: Sequence[str]) -> dict[str, str]:
    """Return {column: level} of ``--reference``, split at the last ``=``; the last one on a column holds.

    Raises
    ------
    UsageError
        If the column does not exist or is no categorical feature. (Whether the level exists is for the coding
        to say.)
    """
    references: dict[str, str] = {}
    for item in columns.reference:
        name, equals, level = item.rpartition("=")
        if not equals:
            raise UsageError(
                f"--reference '{shown(item)}' has no level", hint="write column=level, for example sex=male"
            )
        if name not in table.names:
            raise no_column(table, name)
        if name not in categories:
            raise UsageError(
                f"--reference '{shown(item)}': column '{shown(name)}' is not a categorical feature",
                hint=f"categorical are: {listed(categories) or 'none'}; --categorical makes one of numbers",
            )
        references[name] = level
    return references


def find_level(levels: Sequence[str], level: str, what: str) -> str:
    """Return the member of ``levels`` that the user means by ``level``; UsageError if there is none."""
    at = LevelIndex(levels).find(level)
    if at is None:
        raise UsageError(
            f"{what} has no level '{shown(level)}'", hint=f"levels: {listed(levels)}", code="no_level"
        )
    return levels[at]


def penalty_factors(
    features: Sequence[DesignSource], patterns: Sequence[tuple[str, float]], source: str
) -> FloatArray | None:
    """Return the penalty factors (p,) of the design columns, None if all are 1.

    A pattern that is the name of a design column means that column; the name of a file column means all
    design columns made of it; anything else is a glob over both. Later patterns win.

    Raises
    ------
    UsageError
        If a pattern matches no design column, or a factor is negative, not finite or out of all measure.
    """
    factors = np.ones(sum(len(feature.names) for feature in features))
    for pattern, factor in patterns:
        check_factor(factor, f"--penalty-factor '{shown(pattern)}'")
        factors[design_columns(features, pattern, "--penalty-factor", source)] = factor
    return None if bool((factors == 1.0).all()) else factors


def coefficient_bounds(
    features: Sequence[DesignSource], patterns: Sequence[tuple[str, float, float]], source: str
) -> tuple[FloatArray, FloatArray] | None:
    """Return lower and upper bounds (p,), (p,) of the coefficients on the original scale, None without any.

    Patterns as for :func:`penalty_factors`.

    Raises
    ------
    UsageError
        If a pattern matches no design column, or a lower bound is above the upper one.
    """
    if not patterns:
        return None
    count = sum(len(feature.names) for feature in features)
    lower, upper = np.full(count, -np.inf), np.full(count, np.inf)
    for pattern, low, high in patterns:
        check_ends(pattern, low, high)
        at = design_columns(features, pattern, "--bounds", source)
        lower[at], upper[at] = low, high
    return lower, upper


def check_ends(name: str, low: float, high: float) -> None:
    """Raise UsageError unless two numbers can be the bounds of what is named."""
    if not (low <= high and low < math.inf and high > -math.inf):
        raise UsageError(f"--bounds '{shown(name)}' needs LOW <= HIGH, not {low:g}:{high:g}")
    beyond = next((end for end in (low, high) if LARGEST_BOUND <= abs(end) < math.inf), None)
    if beyond is not None:
        raise UsageError(
            f"--bounds '{shown(name)}': {beyond:g} is beyond {LARGEST_BOUND:g}, its square overflows",
            hint="leave the end out if there is no bound",
        )


def design_columns(features: Sequence[DesignSource], pattern: str, option: str, source: str) -> IntArray:
    """Return the positions of the design columns that a name or glob means; UsageError if there is none."""
    # of a design column, its own name, that of its feature and that of a date which the feature is a part of
    known = [(name, feature.name, feature.column) for feature in features for name in feature.names]
    design = [names[0] for names in known]
    literal = next((kind for kind in range(3) if any(pattern == names[kind] for names in known)), None)
    if literal is None:
        hit = [any(fnmatchcase(name, pattern) for name in names) for names in known]
    else:
        hit = [names[literal] == pattern for names in known]
    if not any(hit):
        raise UsageError(
            f"{source}: {option} '{shown(pattern)}' matches no feature",
            hint=f"features: {listed(design)}",
            code="no_column",
        )
    return np.flatnonzero(hit)
