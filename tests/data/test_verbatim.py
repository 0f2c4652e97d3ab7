"""Columns kept as they stand in the file, and labels that as numbers would merge."""

from __future__ import annotations

import io
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from l2cli.data.build import build_dataset
from l2cli.data.frame import table_from_arrays
from l2cli.data.levels import LevelIndex, as_text, sorted_levels
from l2cli.data.read import read_table
from l2cli.data.schema import LabelColumns
from l2cli.errors import DataError
from l2cli.spec import ColumnSpec, ModelSpec, ReadSpec

IDS = ["12345678901234560", "12345678901234561", "1.10", "1.1", "1e3", "007", "NA", "", "-999"]
BIG = [str(2**53 + k) for k in (1, 0, 1, 2, 3, 2)]


def cells(column):
    return [None if code < 0 else column.levels[code] for code in column.codes.tolist()]


def in_parquet(**columns):
    target = io.BytesIO()
    pq.write_table(pa.table(columns), target)
    return target.getvalue()


@pytest.mark.parametrize("spec", [None, ReadSpec(na=("-999",)), ReadSpec(delimiter=",")])
def test_cells_are_kept_as_they_stand(read, spec):
    content = "id,y\n" + "".join(f" {cell} ,{i}\n" for i, cell in enumerate(IDS))
    table = read(content.encode(), spec, verbatim={"id", "nowhere"})
    assert list(table.verbatim) == ["id"]
    assert cells(table.verbatim["id"]) == [cell or None for cell in IDS]
    plain = read(content.encode(), spec)
    assert plain.verbatim == {}
    assert (table.names, table.notes) == (plain.names, plain.notes)
    np.testing.assert_array_equal(table.numbers, plain.numbers)
    assert table.texts.keys() == plain.texts.keys()


def test_a_column_of_numbers_stays_one(read):
    content = b"a;b\n1;1,5\n2;2,50\nNA;.\n"
    table = read(content, verbatim={"b"})
    assert table.number("b").tolist() == pytest.approx([1.5, 2.5, np.nan], nan_ok=True)
    assert cells(table.verbatim["b"]) == ["1,5", "2,50", "."]
    assert (
        table.notes
        == read(content).notes
        == [
            "numbers have decimal commas (say otherwise with --decimal .)",
            "column 'b': 1 cell '.' taken as missing",
        ]
    )


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([2**63 - 1, 7, None]), ["9223372036854775807", "7", None]),
        (pa.array([Decimal("1.10"), None, Decimal("1.1")], pa.decimal128(9, 2)), ["1.10", None, "1.10"]),
        (pa.array([" NA ", "1.10", None]), ["NA", "1.10", None]),
        (pa.array([None, "x", "x"]).dictionary_encode(), [None, "x", "x"]),
    ],
)
def test_parquet_keeps_what_doubles_would_lose(column, expected):
    table = read_table("-", stdin=io.BytesIO(in_parquet(id=column)), verbatim=["id"])
    assert cells(table.verbatim["id"]) == expected


def test_large_labels_do_not_merge(read):
    content = "g,y\n" + "".join(f"{cell},{i}\n" for i, cell in enumerate(BIG)) + "NA,7\n"
    table = read(content.encode(), verbatim=LabelColumns(ColumnSpec(group_column="g")))
    column = as_text(table, "g")
    assert column.levels == tuple(str(2**53 + k) for k in range(4))
    assert column.codes.tolist() == [1, 0, 1, 2, 3, 2, -1]
    in_file = in_parquet(g=pa.array([*map(int, BIG), None]), y=range(7))
    stored = read_table("-", stdin=io.BytesIO(in_file), verbatim=["g"])
    assert as_text(stored, "g").levels == column.levels
    assert as_text(stored, "g").codes.tolist() == column.codes.tolist()


@pytest.mark.parametrize("role", ["fold_column", "group_column", "categorical"])
def test_every_use_as_labels_tells_them_apart(read, role):
    content = "x,g,y\n" + "".join(f"{i * i},{2**53 + i % 3},{i}\n" for i in range(12))
    columns = ColumnSpec(
        fold_column="g" if role == "fold_column" else None,
        group_column="g" if role == "group_column" else None,
        categorical=("g*",) if role == "categorical" else (),
    )
    table = read(content.encode(), verbatim=LabelColumns(columns))
    data = build_dataset(table, columns, ModelSpec())
    codes = {"fold_column": data.fold_labels, "group_column": data.groups}.get(role, data.X[:, -1])
    assert codes is not None
    expected = [0, 0, 1] * 4 if role == "categorical" else [0, 1, 2] * 4
    np.testing.assert_array_equal(codes, expected)


def test_large_labels_are_read_from_their_cells(read):
    table = read(b"x,g,y\n1,9007199254740992,2\n2,9007199254740993,3\n")
    data = build_dataset(table, ColumnSpec(categorical=("g",)), ModelSpec())
    assert data.features == ("x", "g=9007199254740993")


def test_large_labels_that_merged_are_refused():
    with pytest.raises(DataError, match="row 1: column 'x0' is used as labels, and holds numbers beyond 2"):
        as_text(table_from_arrays(np.array([[2.0**60]])), "x0")


def test_levels_beyond_2_53_are_found_digit_by_digit():
    index = LevelIndex(["9007199254740992", "9007199254740993", "4", "1e300"])
    found = [
        index.find(text) for text in ("9007199254740993.0", "+9007199254740992", "4.0", "9007199254740994")
    ]
    assert found == [1, 0, 2, None]
    assert sorted_levels(["9007199254740993", "9007199254740992", "10"])[1:] == [
        "9007199254740992",
        "9007199254740993",
    ]
