"""Parts of a table in Parquet: the same as their rows in one file, and errors that name the part."""

from __future__ import annotations

import datetime as dt
import gzip
import io
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from l2cli.data.read import read_parts, read_table
from l2cli.data.source import Source
from l2cli.data.table import Table
from l2cli.data.wording import where
from l2cli.errors import DataError
from l2cli.spec import ReadSpec

NAN = float("nan")


def packed(columns: dict[str, Any], **options: Any) -> bytes:
    target = io.BytesIO()
    pq.write_table(pa.table(columns), target, **options)
    return target.getvalue()


def read(contents: Sequence[bytes], names: list[str] | None = None, verbatim: tuple[str, ...] = ()) -> Table:
    """Read contents as the parts p1, p2, ... of a table."""

    def opened(number: int, content: bytes) -> Source:
        return Source(f"p{number}", io.BytesIO(content), owned=True)

    openers = [partial(opened, number, content) for number, content in enumerate(contents, start=1)]
    return read_parts(openers, "p*", ReadSpec(), names, verbatim=verbatim)


def as_texts(table: Table, name: str) -> list[str | None]:
    column = table.texts[name]
    return [None if code < 0 else column.levels[code] for code in column.codes.tolist()]


def test_parts_are_the_same_as_one_file():
    rng = np.random.default_rng(5)
    n = 500
    whole = pa.table(
        {
            "a": rng.standard_normal(n),
            "s": rng.choice(["u", "v", "w"], n),
            "i": rng.integers(-9, 9, n),
            "d": pa.array(rng.choice(["x", "y"], n)).dictionary_encode(),
            "b": rng.integers(0, 2, n) == 1,
        }
    )
    target = io.BytesIO()
    pq.write_table(whole, target)
    expected = read_table("-", stdin=io.BytesIO(target.getvalue()), verbatim=("i", "s"))
    parts = []
    for start, end in ((0, 100), (100, 100), (100, 467), (467, n)):
        target = io.BytesIO()
        pq.write_table(whole.slice(start, end - start), target, row_group_size=60)
        parts.append(target.getvalue())
    parts[2] = gzip.compress(parts[2])
    table = read(parts, verbatim=("i", "s"))
    assert table.numbers.tobytes() == expected.numbers.tobytes()
    assert table.names == expected.names
    for columns, others in ((table.texts, expected.texts), (table.verbatim, expected.verbatim)):
        assert columns.keys() == others.keys()
        for name, column in columns.items():
            assert column.levels == others[name].levels
            np.testing.assert_array_equal(column.codes, others[name].codes)
    assert [where(table, row) for row in (0, 99, 100, 467, 499)] == [
        "p1 row 1", "p1 row 100", "p3 row 1", "p4 row 1", "p4 row 33",
    ]  # fmt: skip


def test_types_that_become_the_same_agree():
    day = dt.date(2020, 1, 1)
    table = read(
        [
            packed(
                {
                    "n": pa.array([1, 2], pa.int8()),
                    "s": pa.array(["x", None]),
                    "z": pa.nulls(2),
                    "t": pa.array([1, 2], pa.timestamp("s")),
                    "d": [day, day],
                }
            ),
            packed(
                {
                    "d": pa.array([day], pa.date64()),
                    "t": pa.array([3], pa.timestamp("ns")),
                    "n": pa.array([0.5]),
                    "s": pa.array(["y"]).dictionary_encode(),
                    "z": pa.array(["q"], pa.large_string()),
                }
            ),
            packed(
                {"n": pa.nulls(1), "s": pa.nulls(1), "z": pa.nulls(1), "t": pa.nulls(1), "d": pa.nulls(1)}
            ),
        ],
        verbatim=("n", "z"),
    )
    assert table.names == ("n", "s", "z", "t", "d")
    np.testing.assert_array_equal(table.number("n"), [1, 2, 0.5, NAN])
    assert as_texts(table, "s") == ["x", None, "y", None]
    assert as_texts(table, "z") == [None, None, "q", None]
    assert as_texts(table, "d") == ["2020-01-01"] * 3 + [None]
    assert as_texts(table, "t")[2] == "1970-01-01T00:00:00.000000003"
    assert set(table.verbatim) == {"z"}


DIFFER = {
    "a column less": ({"a": [1]}, {"a": [1], "b": [2]}, "p2: column 'b' is not in p1; "),
    "a column more": ({"a": [1], "b": [2]}, {"a": [1]}, "p2: no column 'b', which p1 has; "),
    "text and numbers": (
        {"a": [1], "b": [2]},
        {"a": [1], "b": ["x"]},
        "p2: column 'b' is string, and in p1 it is int64; write all parts with the same types",
    ),
    "bool and numbers": ({"a": [1]}, {"a": [True]}, "p2: column 'a' is bool, and in p1 it is int64; "),
    "dates and times": (
        {"a": [dt.date(2020, 1, 1)]},
        {"a": [dt.datetime(2020, 1, 1)]},
        "p2: column 'a' is timestamp[us], and in p1 it is date32[day]; ",
    ),
    "two time zones": (
        {"a": pa.array([1], pa.timestamp("us", tz="UTC"))},
        {"a": pa.array([1], pa.timestamp("us"))},
        "p2: column 'a' is timestamp[us], and in p1 it is timestamp[us, tz=UTC]; ",
    ),
    "durations and numbers": (
        {"a": pa.array([1], pa.duration("s"))},
        {"a": [1]},
        "p2: column 'a' is int64, and in p1 it is duration[s]; ",
    ),
}


@pytest.mark.parametrize(("first", "second", "message"), DIFFER.values(), ids=DIFFER)
def test_a_part_that_disagrees_is_named(first, second, message):
    with pytest.raises(DataError) as caught:
        read([packed(first), packed(second)])
    assert str(caught.value).startswith(message)
    assert caught.value.code == "parts_differ"


def test_a_part_of_all_nulls_does_not_decide():
    with pytest.raises(DataError, match="p3: column 'a' is string, and in p2 it is int64; "):
        read([packed({"a": pa.nulls(1)}), packed({"a": [1]}), packed({"a": ["x"]})])


def test_what_is_refused_in_one_part_is_refused_in_all():
    contents = [packed({"a": [1], "d": ["x"]}), packed({"a": [1], "d": [[1]]})]
    assert str(read(contents).refused["d"]).startswith("p2: column 'd' holds nested values (list")
    with pytest.raises(DataError, match="p1: column 'd' holds nested values"):
        read(contents[::-1] + contents, ["d"])


def test_text_and_parquet_are_not_mixed():
    text, parquet = b"a,b\n1,2\n", packed({"a": [1], "b": [2]})
    for contents, message in (
        ([text, parquet], "p2: is Parquet, and p1 is text; "),
        ([parquet, text], "p2: is text, and p1 is Parquet; "),
    ):
        with pytest.raises(DataError) as caught:
            read(contents)
        assert str(caught.value) == message + "the parts of a table must all be text or all be Parquet"


def test_errors_name_the_part():
    fine = packed({"a": [1.0, 2.0]})
    with pytest.raises(DataError, match="p2 row 2: 'inf' in column 'a' is not a finite number"):
        read([fine, packed({"a": [1.0, float("inf")]})])
    with pytest.raises(DataError, match="p2: not a readable Parquet file"):
        read([fine, fine[:-10]])
    with pytest.raises(DataError, match=r"p\*: no data rows, only columns \(a\)"):
        read([packed({"a": pa.array([], pa.int64())})] * 2)
