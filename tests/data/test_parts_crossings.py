"""What is said of one text holds for each part: comments, tails, ends of lines, totals, units, limits."""

from __future__ import annotations

import gzip
import io
import re
from functools import partial

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from l2cli.data.read import read_parts, read_table
from l2cli.data.sizes import DEFAULT_SIZES, Sizes
from l2cli.data.source import Room, Source, open_source
from l2cli.data.wording import where
from l2cli.errors import DataError
from l2cli.spec import ReadSpec

PLAIN = b"g,x,k\na,6.5,1\nb,5,3\n"
ORDER = "columns in another order are matched by name in p2"

# What the second part is, the notes, and the lines on which its two rows begin.
SECOND = {
    "comments": (
        b"# one\ng,x,k\nc,4.5,7\n# two, 2\na,3,2\n# end",
        ["3 lines that begin with # skipped"],
        [3, 5],
    ),
    "comments, columns in another order": (
        b"# one\nk,g,x\n7,c,4.5\n# two, 2\n2,a,3\n",
        [ORDER, "2 lines that begin with # skipped"],
        [3, 5],
    ),
    "a header behind #": (
        b"#g,x,k\nc,4.5,7\na,3,2\n",
        ["p2: line 1, which begins with #, was taken as names"],
        [2, 3],
    ),
    "the line for Excel": (b"sep=,\ng,x,k\nc,4.5,7\na,3,2\n", [], [3, 4]),
    "delimiters behind all lines": (
        b"g,x,k,\nc,4.5,7,\na,3,2,\n",
        ["p2: every line ends with a delimiter; the empty column behind it is left out"],
        [2, 3],
    ),
    "delimiters behind all lines, columns in another order": (
        b"k,g,x,,\n7,c,4.5,,\n2,a,3,,\n",
        ["p2: every line ends with 2 delimiters; the empty columns behind them are left out", ORDER],
        [2, 3],
    ),
    "lines of delimiters at the end": (
        b"g,x,k\nc,4.5,7\na,3,2\n,,\n,,\n",
        ["2 lines of nothing but delimiters at the end skipped"],
        [2, 3],
    ),
}


@pytest.mark.parametrize(("second", "notes", "lines"), SECOND.values(), ids=SECOND)
def test_each_part_may_stand_among_other_lines(read_all, second, notes, lines):
    table = read_all([PLAIN, second, PLAIN])
    np.testing.assert_array_equal(table.number("x"), [6.5, 5, 4.5, 3, 6.5, 5])
    np.testing.assert_array_equal(table.number("k"), [1, 3, 7, 2, 1, 3])
    column = table.texts["g"]
    assert [column.levels[code] for code in column.codes] == ["a", "b", "c", "a", "a", "b"]
    assert table.notes == notes
    expected = [f"p2 line {line}" for line in lines]
    assert [where(table, row) for row in range(6)] == [
        "p1 line 2",
        "p1 line 3",
        *expected,
        "p3 line 2",
        "p3 line 3",
    ]


def test_what_all_parts_share_is_said_once_and_lines_are_counted_over_all(read_all):
    one = b"# c\ng,x,\na,1,\nb,2,\n,,\n"
    assert read_all([one, one]).notes == [
        "every line ends with a delimiter; the empty column behind it is left out",
        "2 lines that begin with # skipped",
        "2 lines of nothing but delimiters at the end skipped",
    ]


REFUSED = {
    "a total in a part": (
        [b"g,x\na,1\nb,2\nTotal,3\n", b"g,x\na,5\n"],
        "p1 line 4: 'Total', the sum of the rows above, is no row of its own; delete the line",
    ),
    "a total of written numbers in a part": (
        [b"g,x\na,$1\n", b'g,x\na,"$1,000"\nb,$2\nTotal,"$1,002"\n'],
        "p2 line 4: 'Total', the sum of the rows above, is no row of its own; delete the line",
    ),
    "a total of all parts": (
        [b"g,x\na,1\nb,2\n", b"g,x\nc,3\nTotal,6\n"],
        "p2 line 3: 'Total', the sum of the rows above, is no row of its own; delete the line",
    ),
    "units in a part": (
        [b"x,y\n1,2\n3,4\n", b"x,y\nkg,m\n1,2\n3,4\n"],
        "p2 line 2: 'kg', 'm' above numbers alone, so this is no row of data; delete the line, or name its"
        " cells with --na if they mean missing",
    ),
    "a part in another format of text": (
        [b"x,y\n1,2\n3,4\n", b"a: 1\nb: 2\nc: 3\n"],
        "p2: is YAML, not a table of text or Parquet; save it as CSV, or give --delimiter if it is a table",
    ),
    "an infinite cell behind comments": (
        [b"x,y\n1,2\n", b"# c\nx,y\n1,2\n# d\ninf,3\n"],
        "p2 line 5: 'inf' in column 'x' is not a finite number; correct it, or give --na 'inf' if it means"
        " missing",
    ),
    "a ragged row behind comments": (
        [b"x,y\n1,2\n", b"# c\nx,y\n1,2\n# d\n3\n"],
        "p2 line 5: 1 field where the header has 2 (column 'y' would be empty); mend the line or give"
        " --delimiter",
    ),
}


@pytest.mark.parametrize(("contents", "message"), REFUSED.values(), ids=REFUSED)
def test_refusals_name_the_part(read_all, contents, message):
    with pytest.raises(DataError) as caught:
        read_all(contents)
    assert str(caught.value) == message


def test_a_comment_with_a_comma_shows_no_decimal_mark(read_all):
    assert read_all([b"a;b\n1;2\n", b"# x, y, 1,5\na;b\n3;4\n# 2,5 of 3,5\n5;6\n"]).notes == [
        "2 lines that begin with # skipped"
    ]


def test_all_parts_together_have_one_limit(tmp_path):
    rows = b"a,b\n" + b"1,2\n" * 1000
    (tmp_path / "p1.csv.gz").write_bytes(gzip.compress(rows))
    (tmp_path / "p2.csv.gz").write_bytes(gzip.compress(rows))
    for sizes in (DEFAULT_SIZES, Sizes(small=1)):
        openers = partial(parts_of, [tmp_path / "p1.csv.gz", tmp_path / "p2.csv.gz"])
        assert read_parts(openers(2 * len(rows)), "p*", ReadSpec(), sizes=sizes).n_rows == 2000
        with pytest.raises(DataError) as caught:
            read_parts(openers(2 * len(rows) - 1), "p*", ReadSpec(), sizes=sizes)
        assert re.search(
            r"p2\.csv\.gz: with the parts before it, unpacks from \d+B to more than 7\.82K;",
            str(caught.value),
        )
        assert caught.value.code == "too_large"
    with pytest.raises(DataError, match=r"p2\.csv\.gz: with the parts before it, unpacks"):
        read_table(str(tmp_path), ReadSpec(max_expanded=len(rows)))


def parts_of(paths, max_expanded):
    """Return what opens these files, as parts that may unpack to so many bytes together."""
    room = Room(max_expanded)
    return [partial(open_source, str(path), room=room) for path in paths]


def parquet_parts(*tables: dict[str, pa.Array]) -> list[partial[Source]]:
    """Return what opens files of these columns, called ``p1``, ``p2``, ..."""
    openers = []
    for number, columns in enumerate(tables, start=1):
        target = io.BytesIO()
        parquet.write_table(pa.table(columns), target)
        content = target.getvalue()
        openers.append(
            partial(lambda name, data: Source(name, io.BytesIO(data), True), f"p{number}", content)
        )
    return openers


def test_parquet_parts_are_settled_together():
    money = parquet_parts({"m": pa.array(["$1,000", "$2"])}, {"m": pa.array(["($5.50)", None])})
    table = read_parts(money, "p*", ReadSpec())
    np.testing.assert_array_equal(table.number("m"), [1000, 2, -5.5, np.nan])
    words = parquet_parts({"m": pa.array(["$1,000", "$2"])}, {"m": pa.array(["x"])})
    assert read_parts(words, "p*", ReadSpec()).texts["m"].levels == ("$1,000", "$2", "x")


@pytest.mark.parametrize("other", [pa.array([7]), pa.array([7.0, None])], ids=["whole", "doubles"])
def test_whole_numbers_that_doubles_round_in_a_part_of_parquet(other):
    parts = parquet_parts({"a": other}, {"a": pa.array([9007199254740993, 1])})
    rounded = read_parts(parts, "p*", ReadSpec()).rounded["a"]
    assert rounded.levels == ("7", "9007199254740993", "1")
    assert rounded.codes.tolist() == [0, *([-1] * (len(other) - 1)), 1, 2]


def test_a_part_of_parquet_that_promises_too_much_is_named(tmp_path):
    for name, n_rows in (("p1", 1), ("p2", 1_000_000)):
        parquet.write_table(pa.table({"a": pa.nulls(n_rows, pa.float64())}), tmp_path / name)
    with pytest.raises(DataError, match=r"p2: with the parts before it, expands from .* to more than 977K"):
        read_table(str(tmp_path), ReadSpec(max_expanded=1_000_000))
    assert read_table(str(tmp_path), ReadSpec(max_expanded=8_100_000)).n_rows == 1_000_001
