"""What a reader could lose in silence: digits beyond 2^53, and what tells levels apart that look alike."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from l2cli.data.build import build_dataset
from l2cli.data.encode import encode_rows
from l2cli.data.levels import LevelIndex, known_places
from l2cli.data.read import read_table
from l2cli.data.target import target_of_labels
from l2cli.spec import ColumnSpec, ModelSpec

BIG = 2**53
TOLD = f"whole numbers beyond 2^53, which are rounded: {BIG + 1} to {BIG}"


def parquet(**columns):
    target = io.BytesIO()
    pq.write_table(pa.table(columns), target, row_group_size=7)
    return read_table("-", stdin=io.BytesIO(target.getvalue()))


def csv_of(**columns):
    rows = zip(*columns.values(), strict=True)
    return (",".join(columns) + "\n" + "".join(",".join(map(str, row)) + "\n" for row in rows)).encode()


def told(data):
    """The notes of a dataset but those on roles."""
    roles = ("numeric: ", "categorical: ", "boolean: ")
    return [note for note in data.notes if not note.startswith(roles)]


def test_rounded_features_and_targets_are_announced(read):
    content = csv_of(b=[BIG + k % 5 for k in range(24)], y=[BIG + 2 * k + 1 for k in range(24)])
    data = build_dataset(read(content), ColumnSpec(), ModelSpec())
    assert told(data) == [f"column '{name}' has {TOLD}" for name in "by"]
    assert data.family == "gaussian"
    encoded = encode_rows(read(b"b\n1\n9007199254740993\n"), data.schema)
    assert encoded.notes == [f"column 'b' has {TOLD}"]


def test_what_doubles_hold_is_no_news(read):
    content = csv_of(
        b=[f"{BIG + 2 * k}" for k in range(6)], c=["1e20", "6.02e23", "9007199254740993.5"] * 2, y=range(6)
    )
    table = read(content)
    assert table.rounded == {}
    assert table.notes == build_dataset(table, ColumnSpec(), ModelSpec()).notes == []


def test_rounded_late(read):
    content = csv_of(b=[*range(30), -BIG - 1], y=range(31))
    table = read(content)
    assert list(table.rounded) == ["b"]
    assert table.number("b").tolist() == [*range(30), -BIG]
    assert told(build_dataset(table, ColumnSpec(), ModelSpec())) == [
        f"column 'b' has whole numbers beyond 2^53, which are rounded: -{BIG + 1} to -{BIG}"
    ]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_large_numbers_nearly_all_distinct_are_identifiers(kind, read):
    columns = {"key": [2**60 + k for k in range(24)], "x": [k % 5 for k in range(24)], "y": list(range(24))}
    table = read(csv_of(**columns)) if kind == "csv" else parquet(**columns)
    assert list(table.rounded) == ["key"]
    data = build_dataset(table, ColumnSpec(), ModelSpec())
    assert data.features == ("x",)
    assert told(data) == [
        "left out as identifiers: 'key' (whole numbers beyond 2^53, nearly all distinct);"
        " --features with the name keeps one"
    ]
    kept = build_dataset(table, ColumnSpec(features=("key", "x")), ModelSpec())
    assert kept.features == ("key", "x")
    assert kept.notes == [
        f"column 'key' has whole numbers beyond 2^53, which are rounded: {2**60 + 1} to {2**60}",
        "a constant column gets coefficient 0: 'key'",
    ]


def test_whole_numbers_and_decimals_of_parquet():
    from decimal import Decimal

    table = parquet(
        i=pa.array([BIG + 1, None, 3]),
        u=pa.array([2**63 + 1, 1, 2], pa.uint64()),
        d=pa.array([Decimal(BIG + 1), Decimal("1.25"), None], pa.decimal128(20, 2)),
        f=[1e20, 2.0, 3.0],
        even=[BIG + 2, 1, 2],
    )
    assert sorted(table.rounded) == ["d", "i", "u"]


ALIKE = "levels that differ only in letter case or blanks stay apart:"


def test_levels_that_look_alike_are_pointed_out_and_stay_apart(read):
    content = b"x,g,y\n1,Paris,1\n2,paris,2\n3,PARIS,3\n4,Paris,4\n5,Rome,5\n6, Rome,6\n7,Oslo,7\n"
    data = build_dataset(read(content), ColumnSpec(), ModelSpec())
    assert told(data) == [
        f"column 'g': {ALIKE} 'Paris' (2 rows) and 'paris' (1 row) and 'PARIS' (1 row),"
        " 'Rome' (1 row) and ' Rome' (1 row)"
    ]
    assert data.features == ("x", "g= Rome", "g=Oslo", "g=PARIS", "g=Paris", "g=Rome", "g=paris")
    assert data.X[:, 1:].sum() == len(data.X)


def test_labels_of_a_target_and_groups_that_look_alike(read):
    content = b"x,g,y\n" + b"1,a,yes\n2,A,yes \n3,b,no\n4,b,Yes\n5,b,no\n" * 4
    data = build_dataset(read(content), ColumnSpec(group_column="g"), ModelSpec())
    assert data.schema.classes == ("Yes", "no", "yes", "yes ")
    assert told(data) == [
        f"column 'y': {ALIKE} 'yes' (4 rows) and 'yes ' (4 rows) and 'Yes' (4 rows)",
        f"column 'g': {ALIKE} 'a' (4 rows) and 'A' (4 rows)",
    ]


def test_blanks_that_tell_nothing_apart_are_left_out(read):
    table = read(b"g ,y\n a  ,1\n b  ,2\n a  ,3\nNA ,4\n")
    assert table.texts["g"].levels == ("a", "b")
    assert table.texts["g"].raw == (" a  ", " b  ")
    quoted = read(b'g,h,y\n a, "x, y",1\na,z,2\n b, "x",3\n')
    assert (quoted.texts["g"].levels, quoted.texts["h"].levels) == (("a", "b"), ("x, y", "z", "x"))
    assert told(build_dataset(table, ColumnSpec(), ModelSpec())) == [
        "1 missing cell as level '(missing)': g 1"
    ]


def test_a_model_finds_its_levels_as_they_stand_first(read):
    both = LevelIndex(["no", "yes", "yes "])
    assert known_places(read(b"g,y\nyes ,1\nno ,2\n").texts["g"], both) == [2, 0]
    assert known_places(read(b"g,y\nyes,1\nyes ,2\n yes,2\n").texts["g"], both) == [1, 2, 1]
    assert known_places(read(b"g,y\nno,1\nno ,2\nmaybe,3\n").texts["g"], both) == [0, 0, None]
    table = read(b"x,y\n1,yes \n2,no\n")
    assert target_of_labels(table, "y", ("no", "yes", "yes "), np.arange(2)).tolist() == [2, 0]


def test_blanks_in_parquet_tell_levels_apart():
    table = parquet(g=["yes", "yes ", "no", "no"], y=[1.0, 2, 3, 4])
    assert table.texts["g"].levels == ("yes", "yes ", "no")
    notes = told(build_dataset(table, ColumnSpec(), ModelSpec()))
    assert notes == [f"column 'g': {ALIKE} 'yes' (1 row) and 'yes ' (1 row)"]


def test_many_levels_that_look_alike_are_counted(read):
    content = "g,y\n" + "".join(f"{c}{c.upper()},1\n{c}{c},2\n" for c in "abcde")
    notes = told(build_dataset(read(content.encode()), ColumnSpec(), ModelSpec()))
    assert notes[0].endswith("'cC' (1 row) and 'cc' (1 row), and 2 more such")
