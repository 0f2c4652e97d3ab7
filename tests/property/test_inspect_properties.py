"""Inspect and a fit never disagree, whatever the table: roles, features, rows, family, or the refusal."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from l2cli.api.inspect import inspect_table
from l2cli.data.build import build_dataset
from l2cli.data.frame import table_from_frame
from l2cli.data.table import Table
from l2cli.errors import L2Error, UsageError
from l2cli.spec import ColumnSpec, ModelSpec, ReadSpec

NAMES = ("id", "X", "year", "a,b", "town", "flag", "x y", "y")
CELLS = {
    "count": lambda n: st.sampled_from([0, 1, 5, 20_000]).map(
        lambda start: [float(start + i) for i in range(n)]
    ),
    "numbers": lambda n: st.lists(
        st.none() | st.sampled_from([0.0, 1.0, 2.5, -999.0, 1e-3]), min_size=n, max_size=n
    ),
    "large": lambda n: st.lists(st.sampled_from([0.5, 1e160, 2.0**53 + 2]), min_size=n, max_size=n),
    "sizable": lambda n: st.lists(st.none() | st.sampled_from([1.0, 1e80, -2e90]), min_size=n, max_size=n),
    "whole": lambda n: st.permutations(range(n)).map(lambda cells: [float(cell) for cell in cells]),
    "words": lambda n: st.lists(
        st.none() | st.sampled_from(["yes", "no", "Yes ", "12", "7", "0"]), min_size=n, max_size=n
    ),
    "names": lambda n: st.permutations(range(n)).map(lambda cells: [f"n{cell}" for cell in cells]),
    "empty": lambda n: st.just([None] * n),
}


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """A table of a few columns of any kinds, short or long enough to count its rows."""
    import pandas as pd

    n = draw(st.sampled_from([1, 2, 11, 60]))
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=6, unique=True))
    kinds = [draw(st.sampled_from(sorted(CELLS))) for _ in names]
    data = {name: draw(CELLS[kind](n)) for name, kind in zip(names, kinds, strict=True)}
    if draw(st.booleans()):
        data["z"] = [float(cell) for cell in draw(st.permutations(range(n)))]
    return table_from_frame(pd.DataFrame(data))


def inspected(table: Table, spec: ColumnSpec) -> dict[str, Any]:
    """Return what inspect says of a fit: its refusal, or all that it would use."""
    try:
        found = inspect_table(table, spec, ReadSpec())
    except UsageError as error:
        return {"refusal": error.message}
    if found.refusal is not None:
        return {"refusal": found.refusal["message"]}
    used = {"features": found.data["features"], "rows": found.data["rows_used"]}
    roles = {c["name"]: c["role"] for c in found.columns if c["role"] not in ("target", "dropped")}
    return used | {"family": found.settings["family"], "roles": roles}


def built(table: Table, spec: ColumnSpec) -> dict[str, Any]:
    """Return the same of a fit itself."""
    try:
        dataset = build_dataset(table, spec, ModelSpec())
    except L2Error as error:
        return {"refusal": error.message}
    assert dataset.roles is not None
    roles = {role.name: role.role for role in dataset.roles.roles}
    used = {"features": list(dataset.features), "rows": dataset.n_rows}
    return used | {"family": dataset.family, "roles": roles}


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(
    table=tables(),
    missing=st.sampled_from(["impute", "drop", "error", "indicator"]),
    coding=st.sampled_from(["auto", "treatment"]),
    forced=st.sampled_from([{}, {"categorical": ("*",)}, {"numeric": ("*",)}, {"features": ("*",)}]),
    interactions=st.sampled_from([(), ("*:*",)]),
)
def test_inspect_and_fit_agree(table, missing, coding, forced, interactions):
    spec = ColumnSpec(missing=missing, coding=coding, interactions=interactions, **forced)
    assert inspected(table, spec) == built(table, spec)
