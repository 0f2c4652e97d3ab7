"""Columns of dates: left out with a note, or year, month, weekday and hour in their place."""

from __future__ import annotations

import re
from textwrap import dedent

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from l2cli.data.build import build_dataset
from l2cli.data.encode import encode_rows
from l2cli.data.frame import table_from_arrays, table_from_frame
from l2cli.data.read import read_table
from l2cli.errors import DataError, FitError, UsageError
from l2cli.spec import ColumnSpec, ModelSpec, ReadSpec

VISITS = """\
when,x,y
2023-12-31 08:00,1,3
2024-03-01 09:30,2,1
2024-03-02 23:00,4,2
2024-07-08 00:15,8,5
"""
PARTS = ("when.year", "when.month", "when.weekday", "when.hour")
VALUES = [[2023, 12, 7, 8], [2024, 3, 5, 9], [2024, 3, 6, 23], [2024, 7, 1, 0]]


@pytest.fixture
def table(tmp_path):
    """A table from the text of a file."""

    def make(text, name="visits.csv"):
        (tmp_path / name).write_text(dedent(text), encoding="utf-8")
        return read_table(str(tmp_path / name))

    return make


@pytest.fixture
def build(table):
    """A dataset from the text of a file; keywords are fields of ColumnSpec."""

    def make(text=VISITS, **columns):
        return build_dataset(table(text), ColumnSpec(**columns), ModelSpec())

    return make


def test_without_dates_they_are_left_out_and_said(build):
    data = build()
    assert data.features == ("x",)
    assert data.notes == ["left out as dates: 'when' (--dates makes year, month, weekday and hour of them)"]


def test_with_dates_their_parts_are_numbers_in_their_place(build):
    data = build(dates=True)
    assert data.features == (*PARTS, "x")
    np.testing.assert_array_equal(data.X[:, :4], VALUES)
    assert data.notes == []
    assert all(feature.kind == "number" for feature in data.schema.features)


@pytest.mark.parametrize(
    ("columns", "features"),
    [
        ({"features": ("when",)}, PARTS),
        ({"features": ("when.month", "x")}, ("when.month", "x")),
        ({"features": ("when.*",)}, PARTS),
        ({"features": ("w*",), "drop": ("when.hour",)}, PARTS[:3]),
        ({"drop": ("when",)}, ("x",)),
        ({"drop": ("when",), "features": ("*",)}, ("x",)),
        ({"drop": ("when.*",)}, ("x",)),
        ({"drop": ("when.year", "when.hour")}, ("when.month", "when.weekday", "x")),
        ({"drop": ("w*", "x"), "features": ("when.month",)}, ("when.month",)),
        ({"id": "when"}, ("x",)),
        ({"group_column": "when.year"}, (*PARTS[1:], "x")),
        ({"group_column": "when.year", "features": ("when",)}, PARTS[1:]),
    ],
)
def test_a_part_goes_where_its_column_goes_unless_it_is_named(build, columns, features):
    assert build(dates=True, **columns).features == features


def test_dates_as_levels(build):
    text = "when,x,y\n2024-03-01,1,3\n2024-03-02,2,1\n2024-03-01,4,2\n2024-03-03,5,9\n"
    days = ("when=2024-03-01", "when=2024-03-02", "when=2024-03-03", "x")
    assert build(text, categorical=("when",)).features == days
    assert build(text, categorical=("when",), dates=True).features == days
    data = build(dates=True, categorical=("when.weekday",), features=("when",))
    levels = tuple(f"when.weekday={day}" for day in (1, 5, 6, 7))
    assert data.features == ("when.year", "when.month", *levels, "when.hour")
    np.testing.assert_array_equal(data.X[:, 2:6], [[0, 0, 0, 1], [0, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0]])


def test_a_column_of_dates_that_is_named_wants_a_decision(build):
    with pytest.raises(UsageError, match=r"visits.csv: column 'when' holds dates; --dates makes year"):
        build(features=("when", "x"))
    with pytest.raises(UsageError, match=r"no column 'when.month'; --dates makes it of 'when'"):
        build(features=("when.month",))
    with pytest.raises(DataError, match=r"line 2: '2023-12-31 08:00' in column 'when' is not a number"):
        build(numeric=("when",), dates=True)


def test_a_target_of_dates_has_no_parts(build):
    text = "x,when\n1,2024-03-01\n2,2025-04-02\n3,2024-03-01\n4,2025-04-02\n5,2024-03-01\n"
    assert build(text, dates=True).features == ("x",)
    assert build(text, dates=True, target="when").features == ("x",)


@pytest.mark.parametrize("role", ["target", "weights", "offset", "exposure", "id"])
def test_a_part_is_no_column_of_the_file(build, role):
    with pytest.raises(UsageError, match=r"'when.month' is a part of a date: that is a feature"):
        build(dates=True, **{role: "when.month"})


def test_constant_parts_are_left_out(build):
    text = "when,x,y\n2024-03-01 12:00,1,3\n2024-03-02 12:00,2,1\n2024-03-03 12:00,4,2\n"
    data = build(text, dates=True)
    assert data.features == ("when.weekday", "x")
    assert data.notes == ["left out, constant parts of dates: 'when.year', 'when.month', 'when.hour'"]
    named = build(text, dates=True, features=("when.year", "x"))
    assert named.features == ("when.year", "x")
    assert named.notes == ["a constant column gets coefficient 0: 'when.year'"]
    with pytest.raises(FitError, match=r"constant parts of dates: 'when.year', 'when.month', 'when.week"):
        build("when,y\n2024-03-01,1\n2024-03-01,2\n2024-03-01,4\n", dates=True)


def test_days_have_no_hour(build):
    data = build("when,y\n2023-03-01,1\n2024-04-02,2\n2025-05-04,4\n", dates=True)
    assert data.features == ("when.year", "when.month", "when.weekday")
    assert data.notes == []


MISSING = VISITS + ",16,6\n"


def test_missing_dates_are_imputed_by_the_means_of_their_parts(build, table):
    data = build(MISSING, dates=True)
    assert np.isnan(data.X[4, :4]).all()
    assert data.notes == ["1 missing cell imputed by the training mean: when 1"]
    rows = encode_rows(table(MISSING), data.schema)
    np.testing.assert_allclose(rows.X[4, :4], np.mean(VALUES, axis=0))
    assert rows.notes == ["missing cells imputed by the training mean: when 1"]


def test_missing_dates_under_the_other_rules(build):
    indicator = build(MISSING, dates=True, missing="indicator")
    assert indicator.features == ("when.year", "when (missing)", *PARTS[1:], "x")
    np.testing.assert_array_equal(indicator.X[:, 1], [0, 0, 0, 0, 1])
    dropped = build(MISSING, dates=True, missing="drop")
    assert (dropped.n_rows, dropped.notes) == (4, ["1 row with missing cells left out"])
    with pytest.raises(DataError, match=r"line 6: no value in column 'when"):
        build(MISSING, dates=True, missing="error")


def test_an_hour_may_be_missing_alone(build, table):
    text = VISITS + "2024-05-06,3,2\n,16,6\n"
    data = build(text, dates=True)
    assert data.notes == ["2 missing cells imputed by the training mean: when 1, when.hour 1"]
    np.testing.assert_array_equal(data.X[4, :4], [2024, 5, 1, np.nan])
    assert encode_rows(table(text), data.schema).notes == [
        "missing cells imputed by the training mean: when 1, when.hour 1"
    ]
    with pytest.raises(DataError, match=r"line 6: no value in column 'when.hour'"):
        build(text, dates=True, missing="error")
    with pytest.raises(DataError, match=r"line 6: no value in column 'when'"):
        build(text.replace("2024-05-06,", ",", 1), dates=True, missing="error")


def test_options_on_features_take_a_date_whole_or_a_part(table):
    for pattern, hit in (
        ("when", PARTS),
        ("when.month", PARTS[1:2]),
        ("when.*", PARTS),
        ("wh*h*r", PARTS[3:]),
    ):
        model = ModelSpec(penalty_factor=((pattern, 2.0),))
        data = build_dataset(table(VISITS), ColumnSpec(dates=True), model)
        assert data.penalty_factor is not None
        assert tuple(n for n, f in zip(data.features, data.penalty_factor, strict=True) if f == 2.0) == hit


def test_a_cell_that_is_no_date_is_named(build):
    text = VISITS.replace("2024-03-02 23:00", "2024-02-30 23:00")
    with pytest.raises(DataError) as caught:
        build(text, dates=True)
    assert str(caught.value).endswith(
        "visits.csv line 4: '2024-02-30 23:00' in column 'when' is not a date; mend the cell, or give"
        " --na '2024-02-30 23:00' if it means missing"
    )
    assert "left out as dates: 'when'" in build(text).notes[0]
    assert build(text.replace("23:00,4,2", "23:00,4,"), dates=True).n_rows == 3


def test_the_hint_on_such_a_cell_keeps_the_tokens_in_force(tmp_path):
    (tmp_path / "visits.csv").write_text(VISITS.replace("2024-03-02 23:00", "soon"))
    table = read_table(str(tmp_path / "visits.csv"), ReadSpec(na=("none",)))
    with pytest.raises(DataError, match="give --na 'soon,none' if it means missing"):
        build_dataset(table, ColumnSpec(dates=True), ModelSpec())


@pytest.mark.parametrize("kind", [pa.date32(), pa.timestamp("s")])
def test_a_date_of_parquet_beyond_the_calendar_is_named(tmp_path, kind):
    days = pa.array([0, 1, 2, 3, 9_000_000_000_000 if kind != pa.date32() else 300_000 * 365], kind)
    parquet.write_table(pa.table({"d": days, "x": range(5), "y": [1, 2, 4, 3, 5]}), tmp_path / "d.parquet")
    table = read_table(str(tmp_path / "d.parquet"))
    assert build_dataset(table, ColumnSpec(), ModelSpec()).features == ("x",)
    with pytest.raises(DataError) as caught:
        build_dataset(table, ColumnSpec(dates=True), ModelSpec())
    found = re.search(
        r"row 5: '(out of range \(\d+\))' in column 'd' is not a date; .*--na '\1'", str(caught.value)
    )
    assert found is not None
    table = read_table(str(tmp_path / "d.parquet"), ReadSpec(na=(found[1],)))
    assert build_dataset(table, ColumnSpec(dates=True), ModelSpec()).n_rows == 5


def test_an_open_order_of_day_and_month_is_named(build):
    text = "when,x,y\n2024-05-06,1,2\n01/03/2024,2,1\n02/04/2024,4,2\n"
    with pytest.raises(DataError) as caught:
        build(text, dates=True)
    assert str(caught.value).endswith(
        "visits.csv line 3: '01/03/2024' in column 'when' can be read with the day or the month first, and no"
        " cell of the column tells; write the dates as 2024-03-01, or leave the column out with --drop"
    )
    assert build(text).features == ("x",)


def test_half_of_the_cells_make_no_column_of_dates(build):
    text = "when,x,y\n2024-03-01,1,3\nlate,2,1\n2024-03-01,4,2\nlate,8,5\n"
    data = build(text, dates=True)
    assert data.features == ("when=late", "x")
    assert data.notes[0] == "--dates finds no column of dates like 2024-03-01, with years of four digits"
    assert [note.partition(":")[0] for note in data.notes[1:]] == ["numeric", "categorical"]


def test_many_distinct_cells_are_dates_or_none(build):
    moments = [f"2024-01-{1 + i % 28:02} {i % 24:02}:{i % 60:02}:{i % 59:02}.{i}" for i in range(3000)]
    names = [f"person {i}" for i in range(3000)]
    lines = [f"{a},{b},{i % 7},{i % 50}" for i, (a, b) in enumerate(zip(moments, names, strict=True))]
    data = build("\n".join(["when,who,x,y", *lines]) + "\n", dates=True)
    assert data.features == ("when.weekday", "when.hour", "x")
    assert data.notes == [
        "left out, constant parts of dates: 'when.year', 'when.month'",
        "left out as identifiers: 'who' (text, all distinct); --features with the name keeps one",
    ]


def test_a_column_with_the_name_of_a_part(build, table):
    text = "when,when.year,y\n2024-03-01,1,3\n2025-04-02,2,1\n2026-05-01,4,2\n"
    with pytest.raises(DataError, match=r"--dates makes a feature 'when.year', and a column has that name"):
        build(text, dates=True)
    schema = build(text.replace("when.year", "x"), dates=True).schema
    rows = encode_rows(table("x,when.year,when\n1,7,2024-03-01\n"), schema)
    np.testing.assert_array_equal(rows.X[0], [2024, 3, 5, 1])


def test_new_rows_in_another_form(build, table):
    schema = build(dates=True).schema
    rows = encode_rows(table('x,when\n1,31.12.2023 8:00 am\n2,"Mar 1, 2024 09:45"\n'), schema)
    np.testing.assert_array_equal(rows.X[:, :4], VALUES[:2])
    with pytest.raises(DataError, match=r"new.csv line 3: 'soon' in column 'when' is not a date"):
        encode_rows(table("x,when\n1,2024-03-01\n2,soon\n", "new.csv"), schema)
    with pytest.raises(DataError, match=r"new.csv line 2: '5' in column 'when' is not a date"):
        encode_rows(table("x,when\n1,5\n2,6\n", "new.csv"), schema)
    with pytest.raises(DataError, match=r"new.csv: no column 'when', which the model needs"):
        encode_rows(table("x\n1\n", "new.csv"), schema)
    gone = encode_rows(table("x,when\n1,\n"), schema)
    np.testing.assert_allclose(gone.X[0, :4], np.mean(VALUES, axis=0))


def test_new_rows_follow_the_order_of_training(build, table):
    american = build("when,y\n03/13/2024,1\n04/01/2024,2\n12/02/2025,4\n", dates=True).schema
    new = table("when\n01/03/2024\n02/04/2024\n", "new.csv")
    np.testing.assert_array_equal(encode_rows(new, american).X[:, 1], [1, 2])
    with pytest.raises(DataError, match="'13/03/2024' in column 'when' is not a date"):
        encode_rows(table("when\n13/03/2024\n", "new.csv"), american)
    iso = build("when,y\n2024-03-13,1\n2024-04-01,2\n2025-12-02,4\n", dates=True).schema
    with pytest.raises(
        DataError, match="'01/03/2024' in column 'when' can be read with the day or the month"
    ):
        encode_rows(new, iso)


def test_data_frames_and_arrays_of_moments():
    import pandas as pd

    when = pd.to_datetime(["2023-12-31 08:00", "2024-03-01 09:30", "2024-03-02 23:00", "2024-07-08 00:15"])
    y = [3.0, 1.0, 2.0, 5.0]
    for column in (when, when.tz_localize("Europe/Berlin"), when.to_numpy(), when.astype(str)):
        data = build_dataset(
            table_from_frame(pd.DataFrame({"when": column, "y": y})), ColumnSpec(dates=True), ModelSpec()
        )
        np.testing.assert_array_equal(data.X, VALUES)


def test_moments_of_an_array_are_no_numbers():
    for unit in ("ns", "m", "D"):
        when = np.array(["2024-03-01", "NaT", "2025-04-01"], dtype=f"M8[{unit}]")
        table = table_from_arrays(np.eye(3)[:, :1], [1.0, 2.0, 4.0], extra={"when": when})
        data = build_dataset(table, ColumnSpec(dates=True, features=("when.year",)), ModelSpec())
        np.testing.assert_array_equal(data.X[:, 0], [2024, np.nan, 2025])
