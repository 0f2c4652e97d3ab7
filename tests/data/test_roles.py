"""What a column is: what surely names the rows is left out, what may measure something is kept."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.data.build import build_dataset
from l2cli.data.frame import table_from_arrays, table_from_frame
from l2cli.data.roles import ColumnRoles, alike_labels, says_identifier
from l2cli.errors import FitError
from l2cli.spec import ColumnSpec, ModelSpec


def roles(columns, **spec):
    """Return {column: role} of columns given by name; a column b of noise and a target y are added."""
    import pandas as pd

    n = len(next(iter(columns.values())))
    rng = np.random.default_rng(3)
    data = pd.DataFrame(columns).assign(b=rng.normal(size=n), y=rng.normal(size=n))
    dataset = build_dataset(table_from_frame(data), ColumnSpec(target="y", **spec), ModelSpec())
    assert isinstance(dataset.roles, ColumnRoles)
    found = {role.name: role.role for role in dataset.roles.roles}
    used = [role.name for role in dataset.roles.roles if role.is_used]
    assert [feature.name for feature in dataset.schema.features] == used
    return found


RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("name", "values", "role"),
    [
        ("nr of thing", np.arange(60) + 1, "identifier"),
        ("nr of thing", np.arange(60), "identifier"),
        ("nr of thing", np.arange(60)[::-1], "identifier"),
        ("nr of thing", np.arange(60) + 100_000, "identifier"),
        ("nr of thing", np.arange(300) + 501, "identifier"),
        ("nr of thing", np.arange(49), "numeric"),
        ("nr of thing", np.arange(60) + 501, "numeric"),
        ("nr of thing", np.arange(300) + 1700, "numeric"),
        ("nr of thing", RNG.permutation(60) + 1, "numeric"),
        ("nr of thing", np.arange(60) * 2, "numeric"),
        ("nr of thing", np.r_[np.arange(59), 0], "numeric"),
        ("nr of thing", np.arange(60) + 0.5, "numeric"),
        ("nr of thing", np.where(np.arange(60) == 7, np.nan, np.arange(60)), "numeric"),
        ("year", np.arange(60), "numeric"),
        ("t", np.arange(300) + 1, "numeric"),
        ("dayofyear", np.arange(300) + 1, "numeric"),
        ("unix time", np.arange(300) + 1_500_000_000, "numeric"),
        ("age of wife", np.arange(100), "numeric"),
        ("x", np.arange(100) + 1, "numeric"),
        ("X", np.arange(12) + 1, "identifier"),
        ("case", RNG.permutation(30) + 1, "identifier"),
        ("customer_id", RNG.permutation(30) * 7, "identifier"),
        ("CustomerID", np.r_[RNG.permutation(38) * 7, 0, 0], "identifier"),
        ("customer_id", RNG.integers(0, 9, 60), "numeric"),
        ("customer_id", np.r_[np.arange(15), 0], "numeric"),
        ("customer_id", np.r_[np.nan, RNG.permutation(39)], "identifier"),
        ("customer_id", RNG.normal(size=60), "numeric"),
        ("price in cents", RNG.permutation(900)[:60], "numeric"),
        ("cases", RNG.permutation(60), "numeric"),
        ("price index", RNG.permutation(60), "numeric"),
        ("covid", RNG.permutation(60), "numeric"),
    ],
)
def test_numbers_that_name_the_rows_are_told_from_measurements(name, values, role):
    assert roles({name: values})[name] == role


def test_a_name_in_the_first_column_is_what_r_writes_and_elsewhere_a_variable():
    import pandas as pd

    rng = np.random.default_rng(1)
    data = pd.DataFrame({"b": rng.normal(size=20), "X": np.arange(20), "y": rng.normal(size=20)})
    dataset = build_dataset(table_from_frame(data), ColumnSpec(target="y"), ModelSpec())
    assert dataset.features == ("b", "X")


@pytest.mark.parametrize("spec", [{"features": ("id", "b")}, {"numeric": ("id",)}, {"categorical": ("id",)}])
def test_a_column_that_is_named_is_kept(spec):
    values = np.arange(60)
    assert roles({"id": values})["id"] == "identifier"
    assert roles({"id": values}, numeric=("i*",))["id"] == "identifier"
    assert roles({"id": values}, **spec)["id"] == ("categorical" if "categorical" in spec else "numeric")


def test_what_counts_is_kept_where_nothing_else_is_left_but_an_index_is_not():
    import pandas as pd

    for name, kept in (("dots", True), ("id", False)):
        data = pd.DataFrame({name: np.arange(60.0), "y": np.random.default_rng(0).normal(size=60)})
        table = table_from_frame(data)
        if kept:
            assert build_dataset(table, ColumnSpec(), ModelSpec()).features == (name,)
            continue
        with pytest.raises(FitError, match="left out as identifiers: 'id'"):
            build_dataset(table, ColumnSpec(), ModelSpec())


def test_the_columns_of_an_array_are_what_its_owner_put_there():
    X = np.column_stack([np.arange(60.0), np.random.default_rng(0).normal(size=60)])
    assert build_dataset(table_from_arrays(X, X[:, 1]), ColumnSpec(), ModelSpec()).features == ("x0", "x1")


def test_rows_left_out_do_not_hide_that_a_column_counts():
    import pandas as pd

    y = np.random.default_rng(0).normal(size=60)
    y[[4, 20]] = np.nan
    data = pd.DataFrame({"dots": np.arange(60.0), "b": np.cos(np.arange(60.0)), "y": y})
    assert build_dataset(table_from_frame(data), ColumnSpec(), ModelSpec()).features == ("b",)


def test_roles_of_text():
    n = 60
    found = roles(
        {
            "name": [f"n{i}" for i in range(n)],
            "almost": [f"n{i % 55}" for i in range(n)],
            "town": [f"t{i % 30}" for i in range(n)],
            "smoker": ["yes", "no"] * 30,
            "alive": ["True", "true", "FALSE"] * 20,
            "grade": ["yes", "maybe", "no"] * 20,
            "one": ["same"] * n,
            "gone": [None] * n,
        }
    )
    assert found == {
        "name": "identifier", "almost": "identifier", "town": "categorical", "smoker": "boolean",
        "alive": "boolean", "grade": "categorical", "one": "constant", "gone": "empty", "b": "numeric",
    }  # fmt: skip


def test_every_role_is_told_in_one_line_and_numbers_alone_in_none():
    import pandas as pd

    rng = np.random.default_rng(0)
    data = pd.DataFrame({"a": rng.normal(size=60), "y": rng.normal(size=60)})
    assert build_dataset(table_from_frame(data), ColumnSpec(target="y"), ModelSpec()).notes == []
    data["town"], data["sex"], data["smoker"] = ["Ulm", "Bonn", "ulm"] * 20, ["f", "m"] * 30, ["y", "n"] * 30
    data["id"] = np.arange(60) + 1
    notes = build_dataset(table_from_frame(data), ColumnSpec(target="y"), ModelSpec()).notes
    assert notes == [
        "left out as identifiers: 'id' (counts the rows, 1 to 60); --features with the name keeps one",
        "numeric: 1 column (a)",
        "categorical: 2 columns (town 3 levels, sex 2)",
        "boolean: 1 column (smoker)",
        "column 'town': levels that differ only in letter case or blanks stay apart: 'Ulm' (20 rows) and"
        " 'ulm' (20 rows)",
    ]


def test_labels_of_the_target_that_look_alike_are_pointed_out_and_kept_apart():
    import pandas as pd

    data = pd.DataFrame({"a": np.arange(30.0) ** 0.5, "y": ["yes", "no", "Yes"] * 10})
    dataset = build_dataset(table_from_frame(data), ColumnSpec(), ModelSpec())
    assert dataset.schema.classes == ("Yes", "no", "yes")
    assert dataset.notes[-1].startswith("column 'y': levels that differ only in letter case or blanks stay")


def test_labels_alike():
    assert alike_labels(["a", "A ", "b", "ab", "a b", "c"]) == [["a", "A "], ["ab", "a b"]]
    assert alike_labels(["a", "b"]) == []


@pytest.mark.parametrize(
    "name", ["Unnamed: 0", "level_0", "__index_level_0__", "#", "row.names", "S.No", "loanKey"]
)
def test_names_of_indices(name):
    assert says_identifier(name)


@pytest.mark.parametrize(
    "name", ["acid", "number", "numbers", "body mass index", "hid", "n", "samples", "house"]
)
def test_names_that_are_no_identifiers(name):
    assert not says_identifier(name)


def test_a_column_without_a_name_makes_no_default_target_several_columns():
    import pandas as pd

    data = pd.DataFrame({"": [1.5, 3.5, 1.5], "x": [1.0, 2.0, 5.0], "y": [2.0, 4.0, 5.0]})
    dataset = build_dataset(table_from_frame(data), ColumnSpec(), ModelSpec())
    assert (dataset.schema.target, dataset.features) == ("y", ("", "x"))
