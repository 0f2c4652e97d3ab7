"""Parquet: types that are read right or refused by name, and files that contradict themselves."""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import io
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow.parquet import encryption

from l2cli.data.build import build_dataset
from l2cli.data.read import read_header, read_table
from l2cli.data.table import Table
from l2cli.errors import DataError
from l2cli.spec import ColumnSpec, ModelSpec, ReadSpec

NAN = float("nan")


def packed(columns: dict[str, Any], **options: Any) -> bytes:
    """Return a Parquet file of these columns."""
    target = io.BytesIO()
    pq.write_table(pa.table(columns), target, **options)
    return target.getvalue()


def read(content: bytes, names: list[str] | None = None, verbatim: tuple[str, ...] = ()) -> Table:
    return read_table("-", stdin=io.BytesIO(content), names=names, verbatim=verbatim)


def as_texts(table: Table, name: str) -> list[str | None]:
    column = table.texts[name]
    return [None if code < 0 else column.levels[code] for code in column.codes.tolist()]


HUGE = Decimal("123456789012345678901234567890123456789012.25")
NUMBERS = {
    "uint64 beyond int64": (pa.array([2**64 - 1, None, 2**63], pa.uint64()), [2.0**64, NAN, 2.0**63]),
    "decimal32": (pa.array([Decimal("1.25"), None], pa.decimal32(5, 2)), [1.25, NAN]),
    "decimal64": (pa.array([Decimal("-1.25"), None], pa.decimal64(12, 2)), [-1.25, NAN]),
    "decimal256": (pa.array([HUGE, None], pa.decimal256(50, 2)), [float(HUGE), NAN]),
    "float16": (pa.array([np.float16(1.5), None, np.float16("nan")], pa.float16()), [1.5, NAN, NAN]),
    "a dictionary of numbers": (pa.array([3, None, 1, 3]).dictionary_encode(), [3, NAN, 1, 3]),
    "duration[s]": (pa.array([90, None, -1], pa.duration("s")), [90, NAN, -1]),
    "duration[ms]": (pa.array([1500, None], pa.duration("ms")), [1.5, NAN]),
    "duration[us]": (pa.array([dt.timedelta(hours=1, microseconds=1), None]), [3600.000001, NAN]),
    "duration[ns]": (pa.array([1_500_000_000, None], pa.duration("ns")), [1.5, NAN]),
}


@pytest.mark.parametrize("rows", [1000, 1])
@pytest.mark.parametrize(("column", "expected"), NUMBERS.values(), ids=NUMBERS)
def test_numbers(column, expected, rows):
    table = read(packed({"a": column, "b": ["x"] * len(column)}, row_group_size=rows))
    np.testing.assert_array_equal(table.number("a"), expected)


def test_durations_are_noted_and_are_seconds_from_pandas_too():
    target = io.BytesIO()
    pd.DataFrame({"a": pd.to_timedelta(["1h", None]), "b": pd.to_timedelta(["1s", "2ms"])}).to_parquet(target)
    table = read(target.getvalue())
    np.testing.assert_array_equal(table.numbers, [[3600, 1], [NAN, 0.002]])
    assert table.notes == ["durations are taken as numbers of seconds: columns 'a', 'b'"]


NOON = dt.datetime(2020, 7, 1, 12)
TEXTS = {
    "large string": (pa.array(["b", None, "a"], pa.large_string()), ["b", None, "a"]),
    "a dictionary of large strings": (
        pa.array(["b", None, "a", "b"], pa.large_string()).dictionary_encode(),
        ["b", None, "a", "b"],
    ),
    "string view": (pa.array(["b" * 40, None, "a"], pa.string_view()), ["b" * 40, None, "a"]),
    "date64": (pa.array([NOON.date(), None], pa.date64()), ["2020-07-01", None]),
    "time32": (pa.array([dt.time(1, 2, 3), None], pa.time32("ms")), ["01:02:03", None]),
    "time64": (pa.array([3_723_000_000_001], pa.time64("ns")), ["01:02:03.000000001"]),
    "a time zone": (
        pa.array([NOON, None], pa.timestamp("us", tz="Europe/Berlin")),
        ["2020-07-01T14:00:00+0200", None],
    ),
    "UTC": (pa.array([NOON], pa.timestamp("ms", tz="UTC")), ["2020-07-01T12:00:00Z"]),
    "an offset": (pa.array([NOON], pa.timestamp("s", tz="-03:30")), ["2020-07-01T08:30:00-0330"]),
}


@pytest.mark.parametrize("rows", [1000, 1])
@pytest.mark.parametrize(("column", "expected"), TEXTS.values(), ids=TEXTS)
def test_texts(column, expected, rows):
    assert as_texts(read(packed({"a": column}, row_group_size=rows)), "a") == expected


def test_exact_cells_of_wide_numbers():
    content = packed({"a": pa.array([2**64 - 1, 1], pa.uint64()), "b": pa.array([HUGE, None])})
    table = read(content, verbatim=("a", "b"))
    assert table.verbatim["a"].levels == ("18446744073709551615", "1")
    assert table.verbatim["b"].levels == (str(HUGE),)


def test_every_row_group_has_a_dictionary_of_its_own():
    target = io.BytesIO()
    schema = pa.schema({"a": pa.dictionary(pa.int32(), pa.string()), "y": pa.int64()})
    groups = [(["c", "b"], [1, 0, None]), (["b", "a", "c"], [1, 0, 2]), (["unused", "d"], [1, None, 1])]
    with pq.ParquetWriter(target, schema) as writer:
        for levels, codes in groups:
            column = pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), levels)
            writer.write_table(pa.table({"a": column, "y": pa.array([1, 2, 3])}, schema=schema))
    table = read(target.getvalue())
    assert pq.ParquetFile(target).num_row_groups == 3
    assert as_texts(table, "a") == ["b", "c", None, "a", "b", "c", "d", None, "d"]
    assert table.texts["a"].levels == ("b", "c", "a", "d")


UNKNOWN = pa.array([0], pa.timestamp("us", tz="Nowhere/Land"))
REFUSED = {
    "list": (pa.array([[1]]), "holds nested values (list<element: int64>)"),
    "struct": (pa.array([{"b": 1}]), "holds nested values (struct<b: int64>)"),
    "map": (
        pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())),
        "holds nested values (map<string, int64",
    ),
    "list view": (
        pa.array([[1]], pa.list_view(pa.int64())),
        "holds nested values (list_view<element: int64>)",
    ),
    "binary": (pa.array([b"x"]), "holds binary values (binary)"),
    "large binary": (pa.array([b"x"], pa.large_binary()), "holds binary values (large_binary)"),
    "binary view": (pa.array([b"x"], pa.binary_view()), "holds binary values (binary_view)"),
    "fixed binary": (pa.array([b"xy"], pa.binary(2)), "holds binary values (fixed_size_binary[2])"),
    "uuid": (pa.array([b"0" * 16], pa.uuid()), "holds extension values (extension<arrow.uuid>)"),
    "json": (pa.array(["{}"], pa.json_()), "holds extension values (extension<arrow.json>)"),
    "bool8": (
        pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1], pa.int8())),
        "holds extension values (extension<arrow.bool8>)",
    ),
    "unknown time zone": (UNKNOWN, "has times of an unknown time zone, 'Nowhere/Land'"),
}


def test_an_extension_that_nobody_knows_is_not_read_as_what_it_is_stored_as():
    field = pa.field("d", pa.int64(), metadata={"ARROW:extension:name": "other.period"})
    target = io.BytesIO()
    pq.write_table(pa.table({"d": [1], "y": [2]}, pa.schema([field, pa.field("y", pa.int64())])), target)
    table = read(target.getvalue())
    assert str(table.refused["d"]).startswith(
        "standard input: column 'd' holds extension values (extension<oth"
    )
    target = io.BytesIO()
    pd.DataFrame({"d": pd.period_range("2020-01", periods=2, freq="M"), "y": [1, 2]}).to_parquet(target)
    table = read(target.getvalue())
    assert "holds extension values (extension<pandas.period" in str(table.refused["d"])
    assert table.number("y").tolist() == [1, 2]


@pytest.mark.parametrize(("column", "found"), REFUSED.values(), ids=REFUSED)
def test_a_column_that_cannot_be_read_is_refused_by_whoever_needs_it(column, found):
    content = packed({"d": column, "a": [1], "y": [2]})
    table = read(content)
    assert table.names == ("d", "a", "y")
    assert str(table.refused["d"]).startswith(f"standard input: column 'd' {found}")
    assert str(table.refused["d"]).endswith("; leave it out with --drop 'd'")
    assert read(content, ["a", "y"]).names == ("a", "y")
    with pytest.raises(DataError, match="column 'd' h"):
        read(content, ["a", "d"])


def test_a_nested_column_can_be_dropped_and_has_no_other_role():
    n = 30
    content = packed({"d": [[1]] * n, "a": np.arange(n) % 7, "w": np.ones(n), "y": np.arange(n) % 5})
    table = read(content)
    for columns in (ColumnSpec(drop=("d",)), ColumnSpec(features=("a", "w")), ColumnSpec(drop=("[d]",))):
        assert build_dataset(table, columns, ModelSpec()).schema.design_names == ("a", "w")
    for columns in (
        ColumnSpec(),
        ColumnSpec(target="d"),
        ColumnSpec(weights="d", features=("a",)),
        ColumnSpec(id="d"),
        ColumnSpec(group_column="d"),
        ColumnSpec(features=("*",)),
    ):
        with pytest.raises(
            DataError, match=r"column 'd' holds nested values .*; leave it out with --drop 'd'"
        ):
            build_dataset(table, columns, ModelSpec())


def test_the_named_index_of_a_data_frame_is_no_target():
    target = io.BytesIO()
    frame = pd.DataFrame({"a": [1, 2], "y": [3, 4]}, index=pd.Index(["u", "v"], name="who"))
    frame.to_parquet(target)
    assert pq.ParquetFile(target).schema_arrow.names == ["a", "y", "who"]
    table = read(target.getvalue())
    assert table.names == ("who", "a", "y")
    assert as_texts(table, "who") == ["u", "v"]
    assert read_header("-", stdin=io.BytesIO(target.getvalue())) == ("who", "a", "y")


def test_an_index_of_several_levels_and_one_of_a_range():
    frame = pd.DataFrame({"a": [1, 2], "y": [3, 4]})
    target = io.BytesIO()
    frame.to_parquet(target)
    assert read(target.getvalue()).names == ("a", "y")
    target = io.BytesIO()
    frame.set_index(pd.MultiIndex.from_tuples([("u", 1), ("v", 2)], names=["k", None])).to_parquet(target)
    table = read(target.getvalue())
    assert table.names == ("k", "a", "y")
    assert table.notes == ["column '__index_level_1__', the unnamed index of a data frame, is left out"]


def test_a_packed_file_is_unpacked_once(monkeypatch):
    from l2cli.data import source

    stored: list[str] = []
    original = source._stored

    def counted(label: str, *args: Any, **options: Any) -> Any:
        stored.append(label)
        return original(label, *args, **options)

    monkeypatch.setattr(source, "_stored", counted)
    content = packed({"a": [1, 2], "b": ["x", "y"]}, row_group_size=1)
    table = read(gzip.compress(content))
    assert table.number("a").tolist() == [1, 2]
    assert as_texts(table, "b") == ["x", "y"]
    assert stored == ["standard input"]


class Keys(encryption.KmsClient):  # type: ignore[misc]
    """Keys that wrap nothing."""

    def __init__(self, _settings: Any) -> None:
        super().__init__()

    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> bytes:
        return base64.b64encode(key_bytes)

    def unwrap_key(self, wrapped_key: bytes, master_key_identifier: str) -> bytes:
        return base64.b64decode(wrapped_key)


@pytest.mark.parametrize("plain_footer", [True, False])
def test_an_encrypted_file_is_named(plain_footer):
    settings = encryption.EncryptionConfiguration(
        footer_key="f", column_keys={"c": ["a"]}, plaintext_footer=plain_footer
    )
    secret = encryption.CryptoFactory(Keys).file_encryption_properties(
        encryption.KmsConnectionConfig(), settings
    )
    target, table = io.BytesIO(), pa.table({"a": [1, 2], "b": [3, 4]})
    with pq.ParquetWriter(target, table.schema, encryption_properties=secret) as writer:
        writer.write_table(table)
    with pytest.raises(DataError, match="standard input: is an encrypted Parquet file"):
        read(target.getvalue())


EMPTY = {
    "no rows": (pa.table({"a": pa.array([], pa.int64())}), "standard input: no data rows, only columns (a)"),
    "no columns": (pa.table({}), "standard input: no columns"),
    "rows without columns": (pa.table({"a": [1, 2]}).select([]), "standard input: no columns"),
}


@pytest.mark.parametrize(("table", "message"), EMPTY.values(), ids=EMPTY)
def test_nothing_in_it(table, message):
    target = io.BytesIO()
    pq.write_table(table, target)
    with pytest.raises(DataError) as caught:
        read(target.getvalue())
    assert str(caught.value) == message


def footer_patched(content: bytes, found: bytes, by: bytes, places: slice = slice(None)) -> bytes:
    """Return a Parquet file with some of the places of a number in its footer replaced."""
    start = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    footer = bytearray(content[start:])
    at = [k for k in range(len(footer)) if footer[k : k + 2] == found][places]
    assert at
    for k in at:
        footer[k : k + 2] = by
    return content[:start] + bytes(footer)


def test_a_file_that_says_it_has_other_rows_than_it_has():
    # 1000 and 8191 as the footer writes them; the first place is the one of the whole file.
    columns = {"a": [float(i) for i in range(1000)], "s": ["x"] * 1000}
    for content in (packed(columns), packed({"s": columns["s"]})):
        for places in (slice(0, 1), slice(None)):
            lying = footer_patched(content, b"\xd0\x0f", b"\xfe\x7f", places)
            with pytest.raises(
                DataError, match=r"standard input: not a readable Parquet file \(it has other"
            ):
                read(lying)


def test_more_than_the_memory_holds_is_refused_before_it_is_taken(monkeypatch):
    monkeypatch.setattr("l2cli.data.memory.physical_memory", lambda: 1 << 30)
    lying = packed({"a": pa.nulls(200_000_000), "b": pa.nulls(200_000_000)})
    with pytest.raises(DataError, match=r"standard input: expands from .* to more than 1G; if you"):
        read(lying)
    trusted = ReadSpec(max_expanded=1 << 40)
    with pytest.raises(DataError) as caught:
        read_table("-", trusted, stdin=io.BytesIO(lying))
    assert str(caught.value) == (
        "standard input: 200000000 rows of 2 columns need 2.98 GB, and this machine has 1 GB; give fewer rows"
        " or columns (if it should not be that large, the file is damaged)"
    )
    assert caught.value.code == "too_large"
    with pytest.raises(DataError, match="200000000 rows of 1 column need"):
        read_table("-", trusted, stdin=io.BytesIO(lying), names=["a"])


def test_distinct_texts_that_do_not_fit_the_memory_are_refused(monkeypatch):
    target = io.BytesIO()
    table = pa.table({"g": [f"n{i}" for i in range(20_000)], "y": list(range(20_000))})
    pq.write_table(table, target, row_group_size=1000)
    monkeypatch.setattr("l2cli.data.memory.physical_memory", lambda: 2 << 20)
    with pytest.raises(
        DataError, match=r"20000 rows of 2 columns with \d+ distinct texts need 0\.00"
    ) as caught:
        read(target.getvalue())
    assert caught.value.code == "too_large"


def test_na_tokens_and_durations():
    table = read_table(
        "-", ReadSpec(na=("-1",)), stdin=io.BytesIO(packed({"a": pa.array([-1, 2], pa.duration("s"))}))
    )
    np.testing.assert_array_equal(table.number("a"), [NAN, 2])


@pytest.mark.parametrize("way", ["path", "packed path", "memory"])
def test_large_files_are_read_without_a_copy_in_memory(tmp_path, monkeypatch, way):
    monkeypatch.setattr("l2cli.data.parquet_files._IN_MEMORY", 0)
    opened: list[type] = []
    original = pq.ParquetFile.__init__

    def spied(self: pq.ParquetFile, source: Any, **options: Any) -> None:
        opened.append(type(source))
        original(self, source, **options)

    monkeypatch.setattr(pq.ParquetFile, "__init__", spied)
    content = packed({"a": [1, 2], "s": ["x", None]}, row_group_size=1)
    path = tmp_path / "f"
    path.write_bytes(gzip.compress(content) if way == "packed path" else content)
    table = read(content) if way == "memory" else read_table(str(path))
    assert table.number("a").tolist() == [1, 2]
    assert as_texts(table, "s") == ["x", None]
    assert opened == [io.BytesIO if way == "memory" else pa.OSFile] * 2
