"""Parquet: every type of column, several row groups, what is refused."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import subprocess
import sys
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from l2cli.data.read import read_header, read_table
from l2cli.data.table import Table
from l2cli.errors import DataError, UsageError
from l2cli.spec import ReadSpec

NAN = float("nan")


def packed(columns: dict[str, Any], **options: Any) -> bytes:
    """Return a Parquet file of these columns."""
    target = io.BytesIO()
    pq.write_table(pa.table(columns), target, **options)
    return target.getvalue()


def read(content: bytes, spec: ReadSpec | None = None, names: list[str] | None = None) -> Table:
    return read_table("-", spec, stdin=io.BytesIO(content), names=names)


def as_texts(table: Table, name: str) -> list[str | None]:
    column = table.texts[name]
    return [None if code < 0 else column.levels[code] for code in column.codes.tolist()]


NUMBERS = {
    "int8": (pa.array([1, None, -3], pa.int8()), [1, NAN, -3]),
    "uint64": (pa.array([1, None, 2**63], pa.uint64()), [1, NAN, 2.0**63]),
    "int64": (pa.array([1, 2, 3]), [1, 2, 3]),
    "float16": (pa.array(np.array([1, 2.5, -3], np.float16)), [1, 2.5, -3]),
    "float32": (pa.array([1.5, None, NAN], pa.float32()), [1.5, NAN, NAN]),
    "float64": (pa.array([1.5, None, 0.1]), [1.5, NAN, 0.1]),
    "decimal": (pa.array([Decimal("1.25"), None, Decimal(3)], pa.decimal128(10, 2)), [1.25, NAN, 3]),
    "null": (pa.nulls(3), [NAN] * 3),
}


@pytest.mark.parametrize(("column", "expected"), NUMBERS.values(), ids=NUMBERS)
def test_numbers(column, expected):
    table = read(packed({"a": column}))
    np.testing.assert_array_equal(table.number("a"), expected)
    assert table.numbers.flags.c_contiguous


def dates(*values: dt.datetime | dt.date | None) -> list[Any]:
    return list(values)


MIDNIGHT, LATER = dt.datetime(2020, 1, 1), dt.datetime(2020, 1, 31, 10, 3, 4, 500)
TEXTS = {
    "string": (pa.array(["b", None, "", "a", " c "]), ["b", None, None, "a", "c"]),
    "blanks that tell two apart": (pa.array(["b", " ", "a", " b "]), ["b", None, "a", " b "]),
    "words for missing": (pa.array(["NA", "?", "nan"]), ["NA", "?", "nan"]),
    "digits": (pa.array(["1", "2", None]), ["1", "2", None]),
    "large string": (pa.array(["b", None, "a"], pa.large_string()), ["b", None, "a"]),
    "string view": (pa.array(["b", None, "a"], pa.string_view()), ["b", None, "a"]),
    "dictionary": (pa.array(["b", None, "a", "b"]).dictionary_encode(), ["b", None, "a", "b"]),
    "bool": (pa.array([True, None, False]), ["true", None, "false"]),
    "date": (pa.array([dt.date(2020, 1, 1), None]), ["2020-01-01", None]),
    "timestamp": (
        pa.array([MIDNIGHT, None, LATER]),
        ["2020-01-01T00:00:00", None, "2020-01-31T10:03:04.0005"],
    ),
    "time": (pa.array([dt.time(1, 20), None]), ["01:20:00", None]),
}


@pytest.mark.parametrize(("column", "expected"), TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("rows", [1000, 1, 2])
def test_texts(column, expected, rows):
    table = read(packed({"a": column}, row_group_size=rows))
    assert as_texts(table, "a") == expected
    present = [text for text in expected if text is not None]
    assert table.texts["a"].levels == tuple(dict.fromkeys(present))


def test_times_without_a_day_are_noted():
    days = {"a": pa.array([MIDNIGHT]), "b": pa.array([1]), "c": pa.array([MIDNIGHT.date()])}
    times = {"d": pa.array([dt.time(1, 20)]), "e": pa.array([dt.timedelta(1)])}
    assert read(packed(days)).notes == []
    assert read(packed(days | times)).notes == [
        "times of day are taken as text: column 'd'",
        "durations are taken as numbers of seconds: column 'e'",
    ]


def test_row_groups_and_columns_are_put_together():
    rng = np.random.default_rng(3)
    values = rng.standard_normal((1000, 7))
    columns: dict[str, Any] = {f"x.{j}": values[:, j] for j in range(7)}
    columns["x"] = rng.choice(["u", "v", "w"], 1000)
    table = read(packed(columns, row_group_size=300, compression="zstd"))
    np.testing.assert_array_equal(table.numbers, values)
    assert as_texts(table, "x") == columns["x"].tolist()
    assert table.names == (*[f"x.{j}" for j in range(7)], "x")


def test_only_the_columns_asked_for_are_kept():
    content = packed({"a": [1, 2], "b": ["x", "y"], "c": [[1], [2]], "d": [float("inf"), 1.0]})
    table = read(content, names=["b", "a", "nowhere"])
    assert table.names == ("a", "b")
    assert read(content, names=[]).n_rows == 2


def test_the_index_of_a_data_frame_is_left_out():
    content = packed({"a": [1, 2], "__index_level_0__": [5, 7]})
    assert read(content).names == ("a",)
    assert read(content).notes == [
        "column '__index_level_0__', the unnamed index of a data frame, is left out"
    ]
    assert read_header("-", stdin=io.BytesIO(content)) == ("a",)


def test_tokens_for_missing_cells():
    table = read(packed({"a": [-999, 1], "b": ["none", "-999"]}), ReadSpec(na=("-999", "none")))
    np.testing.assert_array_equal(table.number("a"), [NAN, 1])
    assert as_texts(table, "b") == [None, None]


def test_tokens_that_are_numbers_are_missing_by_value():
    columns = {"a": [-999.0, 1.0], "b": ["-999.0", "0999"], "c": [float("-inf"), 2.0]}
    table = read(packed(columns), ReadSpec(na=("-999", "999", "-inf")))
    np.testing.assert_array_equal(table.number("a"), [NAN, 1])
    assert as_texts(table, "b") == [None, "0999"]
    np.testing.assert_array_equal(table.number("c"), [NAN, 2])


def test_a_packed_file():
    assert read(gzip.compress(packed({"a": [1, 2]}))).number("a").tolist() == [1, 2]


def test_text_that_begins_like_parquet():
    assert read(b"PAR1,PAR2\n1,2\n").names == ("PAR1", "PAR2")


REFUSED = {
    "infinite": ({"a": [1.0, -np.inf]}, "standard input row 2: '-inf' in column 'a' is not a finite number"),
    "empty": ({"a": pa.array([], pa.float64())}, "standard input: no data rows, only columns (a)"),
    "no columns": ({}, "standard input: no columns"),
}


@pytest.mark.parametrize(("columns", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(columns, message):
    with pytest.raises(DataError) as caught:
        read(packed(columns))
    assert str(caught.value).startswith(message)


def test_duplicate_names():
    target = io.BytesIO()
    pq.write_table(pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]), target)
    with pytest.raises(DataError, match="duplicate column names: 'a'"):
        read(target.getvalue())


def test_damaged_files():
    content = packed({"a": list(range(1000))})
    for damaged in (content[:-10], content[:100], content[:4] + b"\x00" * 400 + content[404:]):
        with pytest.raises(DataError, match="standard input: not a readable Parquet file"):
            read(damaged)


@pytest.mark.parametrize(
    ("spec", "option"),
    [
        (ReadSpec(delimiter=","), "--delimiter"),
        (ReadSpec(decimal=","), "--decimal"),
        (ReadSpec(encoding="latin-1"), "--encoding"),
        (ReadSpec(header=False), "--no-header"),
    ],
)
def test_options_without_a_meaning(spec, option):
    with pytest.raises(UsageError, match=f"{option} does not go with standard input, a Parquet file"):
        read(packed({"a": [1]}), spec)


def test_parquet_costs_no_pandas(tmp_path):
    path = tmp_path / "data"
    path.write_bytes(packed({"a": [1, None], "b": ["x", "y"], "c": [True, None], "d": [MIDNIGHT, LATER]}))
    code = (
        "import sys\nfrom l2cli.data.read import read_table\n"
        "assert read_table(sys.argv[1]).n_rows == 2\n"
        "print('pandas' in sys.modules, 'scipy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_the_schema_is_asked_for_once_however_many_columns(monkeypatch):
    """pyarrow makes it anew each time: asked once a column, 10,000 columns took a minute."""
    columns = {f"v{j}": [float(j)] for j in range(50)} | {f"t{j}": ["a"] for j in range(50)}
    content = packed(columns)
    asked: list[pq.ParquetFile] = []
    reads: list[pq.ParquetFile] = []
    schema, rows = pq.ParquetFile.schema_arrow, pq.ParquetFile.read_row_group

    def asked_for(file: pq.ParquetFile) -> pa.Schema:
        asked.append(file)
        return schema.fget(file)

    def read_group(file: pq.ParquetFile, *args: Any, **options: Any) -> pa.Table:
        reads.append(file)
        return rows(file, *args, **options)

    monkeypatch.setattr(pq.ParquetFile, "schema_arrow", property(asked_for))
    monkeypatch.setattr(pq.ParquetFile, "read_row_group", read_group)
    table = read(content)
    assert len(table.names) == 100
    assert len(asked) < 5
    assert len(reads) < 5
