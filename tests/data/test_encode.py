"""New rows for a saved model: the same design columns as in training, or one clear refusal."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l2cli.data.build import build_dataset
from l2cli.data.encode import category_column, encode_rows
from l2cli.data.frame import table_from_arrays
from l2cli.data.levels import LevelIndex, sorted_levels
from l2cli.data.read import read_table
from l2cli.errors import DataError, UsageError
from l2cli.spec import ColumnSpec, ModelSpec

TRAIN = """\
age,town,zip,y
30,Ulm,01234,1
40,Bonn,20095,2
,Kiel,01234,4
50,,80331,3
60,Ulm,20095,7
"""


@pytest.fixture
def table(tmp_path):
    """A table from the text of a file."""

    def make(text, name="new.csv"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return read_table(str(tmp_path / name))

    return make


@pytest.fixture
def schema(table):
    """The schema of a model trained on TRAIN; keywords are fields of ColumnSpec."""

    def make(text=TRAIN, **columns):
        return build_dataset(table(text, "train.csv"), ColumnSpec(**columns), ModelSpec()).schema

    return make


@pytest.mark.parametrize(
    "columns", [{}, {"coding": "treatment"}, {"missing": "indicator"}, {"reference": ("town=Kiel",)}]
)
def test_training_rows_are_encoded_as_in_training(table, columns):
    data = build_dataset(table(TRAIN), ColumnSpec(**columns), ModelSpec())
    again = encode_rows(table(TRAIN), data.schema)
    filled = np.where(np.isnan(data.X), 45.0, data.X)
    np.testing.assert_array_equal(again.X, filled)
    assert not again.missing.any()
    assert again.notes == ["missing cells imputed by the training mean: age 1"]


def test_columns_are_found_by_name_in_any_order(table, schema):
    rows = encode_rows(table("extra,zip,town,age\n9,80331,Ulm,33\n8,01234,Bonn,\n"), schema())
    # age, town=Bonn, Kiel, Ulm, (missing), zip=01234, 20095, 80331
    np.testing.assert_array_equal(rows.X, [[33, 0, 0, 1, 0, 0, 0, 1], [45, 1, 0, 0, 0, 1, 0, 0]])


def test_all_missing_columns_are_named_at_once(table, schema):
    with pytest.raises(
        DataError, match=r"new.csv: no column 'age', 'zip', which the model needs; columns: town"
    ):
        encode_rows(table("town\nUlm\n"), schema())


def test_text_in_a_numeric_column(table, schema):
    with pytest.raises(DataError, match=r"new.csv line 3: 'old' in column 'age' is not a number"):
        encode_rows(table("age,town,zip\n1,Ulm,20095\nold,Ulm,20095\n"), schema())


def test_leading_zeros_in_a_numeric_column_are_numbers(table, schema):
    rows = encode_rows(table("age,town,zip\n07,Ulm,20095\n08,Ulm,20095\n"), schema())
    np.testing.assert_array_equal(rows.X[:, 0], [7, 8])


def test_codes_are_found_where_the_new_file_has_no_leading_zero(table, schema):
    rows = encode_rows(table("age,town,zip\n7,Ulm,20095\n8,Ulm,80331\n"), schema())
    np.testing.assert_array_equal(rows.X[:, -3:], [[0, 1, 0], [0, 0, 1]])
    with pytest.raises(DataError, match="column 'zip' has level '1234', which the model has not seen"):
        encode_rows(table("age,town,zip\n7,Ulm,1234\n"), schema())


def test_numbers_as_levels_match_by_value(table, schema):
    plan = schema("size,a,y\n1,2,1\n2.5,4,2\n4,3,3\n", categorical=("size",))
    rows = encode_rows(table("size,a\n4.0,1\n2.50,1\n1,1\n"), plan)
    np.testing.assert_array_equal(rows.X[:, :3], [[0, 0, 1], [0, 1, 0], [1, 0, 0]])
    mixed = encode_rows(table("size,a\n4.0,1\nx,1\n"), plan, unseen="baseline")
    np.testing.assert_array_equal(mixed.X[:, :3], [[0, 0, 1], [0, 0, 0]])


def test_an_unseen_level_is_an_error_unless_told_otherwise(table, schema):
    text = "age,town,zip\n1,Ulm,20095\n2,Rome,20095\n"
    with pytest.raises(DataError) as caught:
        encode_rows(table(text), schema())
    assert str(caught.value).endswith(
        "new.csv line 3: column 'town' has level 'Rome', which the model has not seen"
        " (levels: Bonn, Kiel, Ulm, (missing));"
        " --unseen baseline counts such levels as 0, --unseen missing as missing"
    )
    baseline = encode_rows(table(text), schema(), unseen="baseline")
    np.testing.assert_array_equal(baseline.X[1, 1:5], [0, 0, 0, 0])
    missing = encode_rows(table(text), schema(), unseen="missing")
    np.testing.assert_array_equal(missing.X[1, 1:5], [0, 0, 0, 1])


def test_unseen_missing_needs_a_missing_level(table, schema):
    plan = schema("c,y\na,1\nb,2\nc,3\n")
    with pytest.raises(DataError, match=r"level 'd', and the model has no level '\(missing\)'"):
        encode_rows(table("c\nd\n"), plan, unseen="missing")
    with pytest.raises(UsageError, match="--unseen 'guess' is not available"):
        encode_rows(table("c\na\n"), plan, unseen="guess")


def test_a_missing_category_the_model_never_saw_cannot_be_predicted(table, schema):
    plan = schema("c,y\na,1\nb,2\nc,3\n")
    rows = encode_rows(table("c,k\na,1\n,1\nb,1\n"), plan)
    np.testing.assert_array_equal(rows.missing, [False, True, False])
    assert rows.warnings == [
        {
            "code": "missing_cells",
            "message": "1 row with a missing cell that the model has no value for: no prediction",
        }
    ]
    assert not encode_rows(table("c,k\na,1\n,1\n"), plan, unseen="baseline").missing.any()


@pytest.mark.parametrize("rule", ["drop", "error"])
def test_models_that_never_imputed_leave_rows_open(table, schema, rule):
    plan = schema("a,b,y\n1,2,1\n2,3,2\n3,5,3\n", missing=rule)
    rows = encode_rows(table("a,b\n1,\n2,2\n,3\n"), plan)
    np.testing.assert_array_equal(rows.missing, [True, False, True])
    assert np.isfinite(rows.X).all()


def test_an_all_missing_column_is_imputed(table, schema):
    rows = encode_rows(table("age,town,zip\n,,20095\n,,20095\n"), schema())
    np.testing.assert_array_equal(rows.X[:, :5], [[45, 0, 0, 0, 1]] * 2)


def test_infinite_numbers_are_refused():
    good = table_from_arrays(np.array([[1.0, 2], [3, 4], [5, 7]]), [1, 2, 4])
    data = build_dataset(good, ColumnSpec(), ModelSpec())
    with pytest.raises(DataError, match=r"row 2: the value in column 'x1' is infinite"):
        encode_rows(table_from_arrays([[1.0, 2.0], [2.0, -np.inf]]), data.schema)
    with pytest.raises(DataError, match=r"row 1: the value in column 'x0' is infinite"):
        build_dataset(table_from_arrays([[np.inf, 2.0], [2.0, 1.0]], [1, 2]), ColumnSpec(), ModelSpec())


def test_missing_and_infinite_in_one_column():
    X = np.array([[np.nan, 1.0], [np.inf, 2.0], [1.0, 3.0]])
    with pytest.raises(DataError, match="row 2"):
        build_dataset(table_from_arrays(X, [1, 2, 3]), ColumnSpec(), ModelSpec())


def test_numbers_too_large_to_be_squared():
    X = np.array([[1e149, 1.0], [-9e149, 2.0], [1.5e10, 3.0]])
    assert build_dataset(table_from_arrays(X, [1, 2, 4]), ColumnSpec(), ModelSpec()).X[1, 0] == -9e149
    for large in (1e308, -1e150):
        X[1, 0] = large
        with pytest.raises(DataError, match=r"row 2: the value in column 'x0' is beyond 1e\+150"):
            build_dataset(table_from_arrays(X, [1, 2, 4]), ColumnSpec(), ModelSpec())
    with pytest.raises(DataError, match=r"row 3: the value in column 'y' is beyond 1e\+75"):
        build_dataset(table_from_arrays([[1.0], [2.0], [3.0]], [1, 2, 1e200]), ColumnSpec(), ModelSpec())


def test_a_sum_that_overflows_is_no_infinity():
    data = build_dataset(table_from_arrays([[1.0], [2.0]], [1, 2]), ColumnSpec(), ModelSpec())
    rows = encode_rows(table_from_arrays([[1e308], [1.7e308], [np.nan]]), data.schema)
    np.testing.assert_array_equal(rows.X[:, 0], [1e308, 1.7e308, 1.5])


@pytest.mark.parametrize(
    ("levels", "order"),
    [
        ({"10", "9", "-1"}, ["-1", "9", "10"]),
        ({"10", "9", "b"}, ["10", "9", "b"]),
        ({"1e2", "99", "100.5"}, ["99", "1e2", "100.5"]),
        ({"b", "B", "a", "(missing)", "é", "~"}, ["B", "a", "b", "~", "é", "(missing)"]),
        ({"(missing)", "2", "10"}, ["2", "10", "(missing)"]),
        ({"1", "01", "1.0"}, ["01", "1", "1.0"]),
    ],
)
def test_order_of_levels(levels, order):
    assert sorted_levels(levels) == order


def test_levels_are_found_as_written_before_by_value():
    index = LevelIndex(["1", "1.0", "x", "007"])
    assert [index.find(text) for text in ("1.0", "1", "1.00", "x", "y", "7", "007")] == [
        1,
        0,
        0,
        2,
        None,
        None,
        3,
    ]


def test_a_two_level_column_with_missing_cells_has_three_levels():
    plan = category_column("c", ["a", "b", "(missing)"])
    assert (plan.coding, plan.names) == ("onehot", ("c=a", "c=b", "c=(missing)"))
    assert category_column("c", ["a", "(missing)"]).names == ("c=(missing)",)


@settings(max_examples=40, deadline=None)
@given(
    cells=st.lists(st.sampled_from(["a", "b", "c c", "1", ""]), min_size=3, max_size=12),
    coding=st.sampled_from(["auto", "onehot", "treatment"]),
)
def test_every_row_is_its_own_level(cells, coding):
    """One 1 per row in the columns of its level, or none at the reference."""
    column = np.array([cell or None for cell in cells], dtype=object)
    matrix = np.column_stack([column, np.arange(len(cells)) ** 2]).astype(object)
    table = table_from_arrays(matrix, np.arange(len(cells)) ** 3, names=["c", "n"])
    data = build_dataset(table, ColumnSpec(coding=coding, categorical=("c",)), ModelSpec())
    feature = next((f for f in data.schema.features if f.name == "c"), None)
    if feature is None:
        assert not any(cells)
        return
    start = data.features.index(feature.names[0]) if feature.names else 0
    block = data.X[:, start : start + len(feature.names)]
    for row, cell in zip(block, cells, strict=True):
        level = cell or "(missing)"
        assert [n for n, v in zip(feature.names, row, strict=True) if v] == (
            [] if level == feature.reference else [f"c={level}"]
        )
    np.testing.assert_array_equal(encode_rows(table, data.schema).X, data.X)
