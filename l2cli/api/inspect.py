"""``l2cli inspect``: what is in a file, what a fit would make of it, and the command that says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from l2cli._version import __version__
from l2cli.api.given import gather
from l2cli.api.invocation import fit_command
from l2cli.api.oddities import (
    copies,
    number_oddities,
    role_oddity,
    share_oddities,
    target_oddity,
    text_oddities,
)
from l2cli.api.setup import class_counts
from l2cli.api.suspects import determining
from l2cli.api.wording import in_arguments
from l2cli.core.problem import row_blocks
from l2cli.data.build import make_design
from l2cli.data.cells import WHOLE
from l2cli.data.dataset_plan import DatasetPlan, plan_dataset
from l2cli.data.date_columns import find_dates
from l2cli.data.encode import text_hint
from l2cli.data.layout import in_blocks
from l2cli.data.levels import as_numbers
from l2cli.data.profile import constant_features, starts
from l2cli.data.roles import ColumnRole, ColumnRoles, column_roles, left_out_notes
from l2cli.data.rows import rows_with_target, unclean_columns
from l2cli.data.schema import Roles, match_columns, resolve_roles
from l2cli.data.survey import ColumnFacts, survey_columns
from l2cli.data.table import Table
from l2cli.data.target import LARGEST, refuse_extremes
from l2cli.errors import DataError, FitError, L2Error, shown
from l2cli.spec import ColumnSpec, ModelSpec, ReadSpec

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

DROPPED, UNUSABLE = "dropped", "unusable"
"""Roles of a column that the user leaves out, and of one whose values no fit can use."""


@dataclass(frozen=True, eq=False)
class InspectResult:
    """What is in a file (SPEC section 4).

    columns : {name, role, type, missing, distinct, min, max, levels, notes} in file order; of one that
    is ``unusable`` cells are not counted (None).
    command : the ``l2cli fit`` that a plain one amounts to; None where a fit would be refused, or the rows
    came from no file.
    refusal : {code, message, hint} of the error that a fit would end with, else None.
    """

    columns: list[dict[str, Any]]
    command: str | None
    refusal: dict[str, Any] | None
    data: dict[str, Any]
    settings: dict[str, Any]
    warnings: list[dict[str, Any]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return the result keys of SPEC section 4."""
        return {
            "schema": "l2cli/inspect/1",
            "version": __version__,
            "level": 0.95,
            "data": dict(self.data),
            "settings": dict(self.settings),
            "columns": [dict(column) for column in self.columns],
            "command": self.command,
            "refusal": self.refusal,
            "warnings": list(self.warnings),
        }


def inspect_table(table: Table, columns: ColumnSpec, read: ReadSpec | None = None) -> InspectResult:
    """Return what every column of a table holds and is taken for, and whether a fit would work.

    Roles come from the same function as those of a fit. Where a fit would be refused, they are judged by all
    rows, and the refusal is told instead of the command. Columns of values that are neither numbers nor text
    are dropped, as a fit asks for.

    Parameters
    ----------
    read : ReadSpec, optional
        How the file was read, for the command; None for rows that came from no file.

    Raises
    ------
    UsageError
        For columns and levels that the user named and that do not exist or contradict each other.
    FitError
        If no column is left for the target.
    """
    columns = columns._replace(drop=(*columns.drop, *_unusable(table, columns)))
    roles = resolve_roles(table, columns, alone=True)
    plan, refusal = _planned(table, columns)
    found, rows = (plan.found, plan.rows) if plan else _judged(table, roles, columns)
    names, table = table.names, plan.table if plan else table  # with the parts of dates
    naming = {role.name for role in found.named("identifier")} | {columns.id}
    judged = [name for name in table.names if name not in naming]
    facts, repeated = survey_columns(table, judged)
    if plan is not None:
        refusal = _trial(plan, facts, columns.missing)
        plan.found.mark_constant(_constant(plan, facts, parsed=refusal is None))
    command = None
    if plan is not None and refusal is None and read is not None:
        command = fit_command(table.source, read, _settled(columns, roles, found), plan.family)
    entries = _described(table, names, roles, columns, found, facts, rows, plan if refusal is None else None)
    data = _data(table, roles, found, rows, plan, repeated)
    return InspectResult(
        entries, command, _told(refusal), data, _settings(columns, plan),
        [] if refusal is None else [{"code": "fit_refused", "message": f"a fit would be refused: {refusal}"}],
    )  # fmt: skip


@in_arguments()
def inspect(
    X: Any, y: Any = None, *, target: str | Sequence[str] | None = None, positive: Any = None,
    sample_weight: Any = None, offset: Any = None, categorical: str | Sequence[str] = (),
    dates: bool = False, interactions: str | Sequence[str] = (),
    coding: str = "auto", missing: str = "impute",
) -> InspectResult:  # fmt: skip
    """Return what :func:`l2cli.fit` would make of an array or a data frame, as ``l2cli inspect`` does.

    Parameters as those of :func:`l2cli.fit`.

    Returns
    -------
    InspectResult
        ``columns`` (one mapping each: role, type, missing cells, range, levels, what is odd), ``refusal``
        where a fit would raise, and ``to_dict()``. There is no ``command``: the rows came from no file.

    Examples
    --------
    >>> import l2cli
    >>> found = l2cli.inspect([[1.0, 7.0], [2.0, 7.0], [4.0, 7.0]], [1.0, 2.0, 6.0])
    >>> [(column["name"], column["role"]) for column in found.columns]
    [('x0', 'numeric'), ('x1', 'constant'), ('y', 'target')]
    """
    given = gather(X, y, target=target, sample_weight=sample_weight, offset=offset)
    names = (categorical,) if isinstance(categorical, str) else tuple(categorical)
    products = (interactions,) if isinstance(interactions, str) else tuple(interactions)
    columns = given.columns._replace(
        positive=None if positive is None else str(positive),
        categorical=names,
        dates=dates,
        interactions=products,
        coding=coding,
        missing=missing,
    )
    return inspect_table(given.table, columns)


# ---------------------------------------------------------------- what a fit would do


def _planned(table: Table, columns: ColumnSpec) -> tuple[DatasetPlan | None, L2Error | None]:
    """Return the plan of a fit, or the error that it would end with."""
    try:
        return plan_dataset(table, columns, ModelSpec()), None
    except (DataError, FitError) as error:
        return None, error


def _judged(table: Table, roles: Roles, columns: ColumnSpec) -> tuple[ColumnRoles, IntArray]:
    """Return roles where there is no plan of a fit: by the rows with a target, else by all."""
    try:
        rows = rows_with_target(table, (roles.target, *roles.more_targets), [])
    except DataError:
        rows = np.arange(table.n_rows)
    dates = find_dates(table, columns).keys() - roles.categorical - roles.numeric
    others = roles._replace(features=tuple(name for name in roles.features if name not in dates))
    found = column_roles(table, others, rows, unclean_columns(table), columns.missing)
    found.roles += [ColumnRole(name, "date") for name in roles.features if name in dates]
    return found, rows


def _trial(plan: DatasetPlan, facts: Mapping[str, ColumnFacts], missing: str) -> L2Error | None:
    """Return the error that a fit would still end with when it fills its design, None if it would not.

    Without interactions the facts of the columns tell; how large products are, only the design does.
    """
    table = plan.table
    try:
        if plan.interactions:
            make_design(plan, missing, ModelSpec())
            return None
        in_blocks(table, plan.sources, len(plan.rows), ModelSpec())  # or does not fit the memory
        names = [feature.name for feature in plan.features if feature.kind == "number"]
        numbers = {
            name: as_numbers(table, name, hint=text_hint(name), rows=plan.rows)
            for name in names
            if not table.is_number(name)
        }
        for name in names:
            largest = max(abs(facts[name].low or 0.0), abs(facts[name].high or 0.0))
            if name in numbers or largest >= LARGEST:
                values = numbers[name] if name in numbers else table.number(name)
                refuse_extremes(table, name, values[plan.rows], plan.rows)
    except (DataError, FitError) as error:
        return error
    return None


def _constant(plan: DatasetPlan, facts: Mapping[str, ColumnFacts], *, parsed: bool) -> set[str]:
    """Return the columns that are constant in the rows used; ``parsed``: text can be read as numbers."""
    table, size = plan.table, sum(len(feature.names) for feature in plan.features)
    low, high = np.zeros(size), np.ones(size)
    at = dict(zip((feature.name for feature in plan.features), starts(plan.features), strict=True))
    open_names = []
    for feature in plan.features:
        if feature.kind != "number" or not (parsed or table.is_number(feature.name)):
            continue
        if not table.is_number(feature.name):
            values = as_numbers(table, feature.name, rows=plan.rows)[plan.rows]
            high[at[feature.name]] = float(np.nanmin(values) < np.nanmax(values))
        elif facts[feature.name].distinct < 2:
            high[at[feature.name]] = 0.0
        elif len(plan.rows) < table.n_rows:
            open_names.append(feature.name)
    for name in _constant_numbers(table, open_names, plan.rows):
        high[at[name]] = 0.0
    return constant_features(plan.features, low, high)


def _constant_numbers(table: Table, names: list[str], rows: IntArray) -> list[str]:
    """Return the columns of numbers without variation in some rows; most are cleared by the first ones."""
    at = np.array([table.number_index[name] for name in names], dtype=np.int64)
    low, high = np.full(len(at), np.inf), np.full(len(at), -np.inf)
    for part in row_blocks(len(rows), table.numbers.shape[1]):
        still = np.flatnonzero(~(low < high))
        if not still.size:
            return []
        block = table.numbers[rows[part]][:, at[still]]
        low[still] = np.fmin(low[still], np.fmin.reduce(block, axis=0))
        high[still] = np.fmax(high[still], np.fmax.reduce(block, axis=0))
    return [name for name, a, b in zip(names, low, high, strict=True) if not a < b]


def _unusable(table: Table, columns: ColumnSpec) -> list[str]:
    """Return the columns that a fit refuses for their values, and that the user neither names nor drops."""
    drop, special = match_columns(table, columns.drop, "--drop"), _special(columns)
    return [
        name
        for name in table.refused
        if not drop.selects(name) and name not in special and name not in columns.features
    ]


def _settled(columns: ColumnSpec, roles: Roles, found: ColumnRoles) -> ColumnSpec:
    """Return the columns with the target named and what a fit leaves out dropped."""
    named = set(columns.features)
    kept = {"date"} if columns.dates else set()  # of which parts are used
    gone = [r.name for r in found.roles if not r.is_used and r.name not in named and r.role not in kept]
    return columns._replace(target=roles.target, drop=(*columns.drop, *gone))


# ---------------------------------------------------------------- what is told


def _special(columns: ColumnSpec) -> dict[str, str]:
    """Return {column: role} of the columns that the user gives a part of their own."""
    parts = {"id": columns.id, "exposure": columns.exposure, "offset": columns.offset}
    parts |= {"weights": columns.weights, "target": columns.target}
    named = {name: part for part, name in parts.items() if name is not None}
    return named | dict.fromkeys(columns.more_targets, "target")


def _described(
    table: Table, names: Sequence[str], roles: Roles, columns: ColumnSpec, found: ColumnRoles,
    facts: Mapping[str, ColumnFacts], rows: IntArray, plan: DatasetPlan | None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return one entry for each of ``names``, the columns of the file."""
    special, by_name = _special(columns) | {roles.target: "target"}, found.by_name
    used = [role.name for role in found.roles if role.is_used]
    leaks = {} if plan is None else _leaks(plan, used)
    twins = copies(table, facts, used)
    entries: list[dict[str, Any]] = []
    for name in names:
        if name in table.refused:
            entries.append(_unread_entry(table, name))
            continue
        fact, role = facts[name], by_name.get(name)
        part = special.get(name) or (role.role if role else DROPPED)
        notes = [role_oddity(role)] if role and role_oddity(role) else []
        notes += leaks.get(name, [])
        if part == "target" and (told := target_oddity(fact, plan.family if plan else None)):
            notes.append(told)
        if part != DROPPED and (role is None or role.is_used):
            notes += share_oddities(part, fact, table.n_rows)
            odd = number_oddities(table, part, fact) if table.is_number(name) else None
            notes += text_oddities(table, role, fact, rows) if odd is None else odd
        notes += [twins[name]] if name in twins else []
        entries.append(_entry(fact, part, notes))
    return entries


def _unread_entry(table: Table, name: str) -> dict[str, Any]:
    """Return the keys of a column that was not read; its error says what it holds."""
    found = table.refused[name].message.rpartition(f"column '{shown(name)}' ")[2]
    unknown = {"missing": None, "distinct": None}
    return (
        _entry(ColumnFacts(name, "other", 0, 0), UNUSABLE, [f"{found}: dropped here, a fit refuses it"])
        | unknown
    )


def _entry(fact: ColumnFacts, role: str, notes: list[str]) -> dict[str, Any]:
    """Return the keys of one column."""
    return {
        "name": fact.name,
        "role": role,
        "type": fact.type,
        "missing": fact.missing,
        "distinct": fact.distinct,
        "min": _plain(fact.low, fact.type),
        "max": _plain(fact.high, fact.type),
        "median": _plain(fact.quartiles[1] if fact.quartiles else None, fact.type),
        "levels": [{"level": level, "count": count} for level, count in fact.levels],
        "notes": notes,
    }


def _plain(value: float | None, kind: str) -> float | int | None:
    """Return a number as it would be written: a whole one without a point."""
    return int(value) if value is not None and kind == "integer" and abs(value) < WHOLE else value


def _leaks(plan: DatasetPlan, names: list[str]) -> dict[str, list[str]]:
    """Return {column: notes} of the features that tell a target alone."""
    notes: dict[str, list[str]] = {}
    targets = (plan.roles.target, *plan.roles.more_targets)
    y = plan.target.y.reshape(len(plan.rows), -1)
    for t, target in enumerate(targets):
        for name, how in determining(plan.table, names, plan.rows, y[:, t], plan.target.classes).items():
            told = how.format(target=f"the target '{shown(target)}'")
            notes.setdefault(name, []).append(told)
    return notes


def _data(
    table: Table, roles: Roles, found: ColumnRoles, rows: IntArray, plan: DatasetPlan | None, repeated: int
) -> dict[str, Any]:
    """Return the ``data`` part of the result."""
    several = bool(roles.more_targets)
    told = set(left_out_notes(found))
    features = () if plan is None else plan.sources
    data: dict[str, Any] = {
        "source": table.source,
        "rows_read": table.n_rows,
        "rows_used": len(rows),
        "rows_repeated": repeated,
        "target": None if several else roles.target,
        "target_default": roles.target_default,
        "features": [name for feature in features for name in feature.names],
        "notes": [note for note in (plan.notes if plan else table.notes) if note not in told],
    }
    if several:
        data["targets"] = [roles.target, *roles.more_targets]
    if plan is not None and plan.target.classes is not None:
        data |= class_counts(plan.target.y, plan.target.classes, plan.family)
    return data


def _settings(columns: ColumnSpec, plan: DatasetPlan | None) -> dict[str, Any]:
    """Return the ``settings`` part of the result: what a fit would use."""
    coding = {} if plan is None else {f.name: f.coding for f in plan.features if f.kind == "category"}
    products = columns.interactions if plan is None else [made.name for made in plan.interactions]
    return {
        "family": None if plan is None else plan.family,
        "coding": coding,
        "missing": columns.missing,
        "dates": columns.dates if plan is None else any(f.date is not None for f in plan.features),
        "interactions": list(products),
    }


def _told(refusal: L2Error | None) -> dict[str, Any] | None:
    if refusal is None:
        return None
    return {"code": refusal.code, "message": refusal.message, "hint": refusal.hint}
