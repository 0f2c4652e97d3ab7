"""Whatever the bytes, a table or one clear error; however a table is written and read, the same table."""

from __future__ import annotations

import csv
import gzip
import io
import math
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from l2cli.data.read import read_header, read_table
from l2cli.data.table import Table
from l2cli.errors import L2Error
from l2cli.spec import ReadSpec

QUICK = settings(max_examples=100, deadline=None)

# What columns of real and of hostile files are made of.
CELLS = [
    *("1", "2.5", "-3e2", "+4", "1.", "-.5", "0", "10", "0.0", "-0", "1,5", "2,5", " 5", "5 ", "\t9"),
    *("01", "007", "00", "", "NA", "NaN", "#N/A", "?", ".", "-", "  ", "nan", "NAN"),
    *("inf", "-Infinity", "1e999", "x", "a b", "é", "1_0", "1;2", '"'),
    *(
        "1.037",
        "2.500",
        "1.000",
        "1.234.567",
        "1'000",
        "$5",
        "-$6",
        "7%",
        "0.5%",
        "(5)",
        "\u22125",
        "1D+02",
        "\u00a05",
    ),
    *(
        '"1,037"',
        '"1,000"',
        '"$1,234.50"',
        '"1.234,5"',
        "9007199254740993",
        "9007199254740992",
        "X",
        "x ",
        " x",
    ),
    *('" 7"', '"NA"', '"a,b"', '"q""q"', '5" p', '"l1\nl2"', '"tail"x', ' "s"', '"u', '"  "', '"1,5"'),
]
PACKED = st.sampled_from([b"\x1f\x8b\x08\x00", b"BZh91AY&SY", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b""])
MARKS = st.sampled_from([b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\xff\xfe\x00\x00", b""])
# What the reader takes for something that is no row, or for text of another kind.
ABOVE = st.sampled_from(
    [b"#", b"# a,b\n", b"sep=;\n", b",,\n", b"a\x00,\x00b\x00\n\x00", b"a: 1\n", b"1 1:2\n"]
)


def told(table: Table) -> tuple[object, ...]:
    """Return everything a table tells, so that two can be compared; NaN equals NaN in it."""
    numbers = {name: repr(table.number(name).tolist()) for name in table.number_index}
    texts = {name: (column.codes.tolist(), *column[1:]) for name, column in table.texts.items()}
    rounded = {name: (column.codes.tolist(), column.levels) for name, column in table.rounded.items()}
    lines = [table.line_of(row) for row in range(table.n_rows)]
    file = (table.names, table.number_index, table.notes, table.decimal, table.na)
    return *file, numbers, texts, rounded, lines


def told_or_error(read: Callable[[], Table]) -> tuple[object, ...] | str:
    """Return what a table tells, or the message of the one clear error there may be instead."""
    try:
        return told(read())
    except L2Error as error:
        return str(error)


@given(start=PACKED, mark=MARKS, above=ABOVE, rest=st.binary(max_size=300))
@QUICK
def test_random_bytes_give_a_table_or_one_clear_error(start, mark, above, rest, read_in):
    packed = gzip.compress(mark + rest)[: max(1, len(rest))]
    for content in (mark + rest, above + rest, start + rest, packed):
        for way in ("small", "shredded", "flat shredded"):
            found = told_or_error(partial(read_in, content, way))
            assert isinstance(found, tuple) or (found.startswith("standard input") and found.isprintable())


@given(
    text=st.text(alphabet="ab1.,;|\t \"\n\r?-0#\\':", max_size=80),
    way=st.sampled_from(["large", "shredded", "flat", "flat shredded"]),
)
@example(text='a\n"\n\n1\n"\n', way="shredded")
@example(text="a,b\n \t\n1,2", way="large")
@example(text='0\n""?\n1', way="large")
@example(text='a,b\n1,""01\n', way="large")
@example(text='a,b\n1,"x\\""\n#\n2,3\n,\n', way="shredded")
@example(text="#a\n\n#1,2\n1\n,\n#\n", way="shredded")
@settings(max_examples=200, deadline=None)
def test_random_texts_read_the_same_by_both_parsers(text, way, read_in):
    expected = told_or_error(lambda: read_in(text.encode(), "small"))
    assert told_or_error(lambda: read_in(text.encode(), way)) == expected


@st.composite
def hostile_files(draw: st.DrawFn) -> tuple[bytes, ReadSpec]:
    """Draw files of a few columns, each of a few kinds of cells, with odd rows strewn in."""
    delimiter = draw(st.sampled_from(",,;\t| "))
    n_columns = draw(st.integers(1, 4))
    kinds = [draw(st.lists(st.sampled_from(CELLS), min_size=1, max_size=3)) for _ in range(n_columns)]
    rows = [[f"c{j}" for j in range(n_columns)]]
    ending = draw(st.sampled_from([[], [], [], [""], ["", ""]]))
    rows[0] += draw(st.sampled_from([ending, ending, []]))
    for _ in range(draw(st.integers(0, 12))):
        rows.append([*(draw(st.sampled_from(kind)) for kind in kinds), *ending])
        odd = draw(st.integers(0, 60))
        if odd == 0:
            rows[-1].append("9")
        elif odd < 6:
            rows.append([["", "  ", "# c", '#, "c', '"a\\"b"'][odd - 1]])
        elif odd < 8:
            rows.append([""] * (n_columns + len(ending)))
    above = draw(st.sampled_from([[], [], [], ["# c"], ["#" + delimiter.join(rows[0])], ["", "sep=,"]]))
    line_end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    lines = [*above, *(delimiter.join(row) for row in rows)]
    text = line_end.join(lines) + draw(st.sampled_from(["", line_end]))
    spec = ReadSpec(
        delimiter=draw(st.sampled_from([None, delimiter])),
        decimal=draw(st.sampled_from([None, None, "."]))
        if delimiter == ","
        else draw(st.sampled_from([None, ","])),
        na=draw(st.sampled_from([None, None, ("2.5",), ("NA", "x")])),
        header=draw(st.integers(0, 9)) > 0,
    )
    return text.encode(), spec


@given(file=hostile_files(), way=st.sampled_from(["large", "shredded", "flat shredded", "gz shredded"]))
@example(file=(b"c0\n2.5\n\n2.5\n\n2.5", ReadSpec()), way="shredded")
@example(
    file=(b"c0  \n2.5  \n2.5   9\n2.5   9\n2.5   9\n2.5   9\n2.5  \n\n2.5  \n\n2.5   9", ReadSpec()),
    way="shredded",
)
@settings(max_examples=300, deadline=None)
def test_hostile_files_read_the_same_by_both_parsers(file, way, read_in):
    content, spec = file
    expected = told_or_error(lambda: read_in(content, "small", spec))
    assert told_or_error(lambda: read_in(content, way, spec)) == expected


NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**18), 10**18).map(float)
WORDS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from('\n",;'), min_size=1, max_size=8
)


@st.composite
def tables(draw: st.DrawFn) -> dict[str, list[float] | list[str]]:
    """Draw columns of numbers and of words, under names that a header can hold."""
    name = WORDS.map(lambda word: word.strip(" \t")).filter(lambda word: word.strip() == word != "")
    names = draw(st.lists(name, min_size=2, max_size=5, unique=True))
    n_rows = draw(st.integers(1, 8))
    columns: dict[str, list[float] | list[str]] = {}
    for column in names:
        if draw(st.booleans()):
            columns[column] = draw(st.lists(NUMBERS | st.just(math.nan), min_size=n_rows, max_size=n_rows))
        else:
            columns[column] = [
                "word " + word for word in draw(st.lists(WORDS, min_size=n_rows, max_size=n_rows))
            ]
    return columns


@given(
    columns=tables(),
    delimiter=st.sampled_from(",;\t|"),
    line_end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    way=st.sampled_from(["small", "large", "shredded", "flat shredded", "gz", "zst large"]),
)
@QUICK
def test_what_the_csv_module_writes_is_read_back(columns, delimiter, line_end, quoting, way, read_in):
    # What the reader takes for something else, and says so: an end without a cell, a header behind #.
    assume(any(str(column[-1]) != "nan" for column in columns.values()))
    assume(not next(iter(columns)).startswith("#"))
    target = io.StringIO(newline="")
    writer = csv.writer(target, delimiter=delimiter, lineterminator=line_end, quoting=quoting)
    writer.writerow(columns)
    cells = [["" if str(cell) == "nan" else cell for cell in column] for column in columns.values()]
    writer.writerows(zip(*cells, strict=True))
    table = read_in(target.getvalue().encode(), way, ReadSpec(delimiter=delimiter, decimal="."))
    assert table.names == tuple(columns)
    for name, column in columns.items():
        if isinstance(column[0], str):
            text = table.texts[name]
            cells = text.raw or text.levels
            assert [cells[code] for code in text.codes.tolist()] == column
        else:
            assert repr(table.number(name).tolist()) == repr(column)


@given(file=hostile_files())
@QUICK
def test_the_header_alone_is_that_of_the_table(file):
    content, spec = file
    found = told_or_error(lambda: read_table("-", spec, stdin=io.BytesIO(content)))
    if isinstance(found, tuple):
        assert read_header("-", spec, stdin=io.BytesIO(content)) == found[0]


def test_numbers_are_rounded_correctly_by_both_parsers(read_in):
    """Halfway cases, many digits, the smallest and the largest numbers."""
    cells = [
        "9007199254740993",
        "9007199254740993.0000000000000000000001",
        "2.2250738585072011e-308",
        "5e-324",
    ]
    cells += [
        "1.7976931348623157e308",
        "0.1",
        "0." + "0" * 320 + "123e322",
        "123456789" * 9,
        "3e-324",
        "2.4e-324",
    ]
    content = ("a\n" + "\n".join(cells) + "\n").encode()
    for way in ("small", "large"):
        assert read_in(content, way).number("a").tolist() == [float(cell) for cell in cells]


@pytest.mark.parametrize("way", ["small", "large", "shredded", "flat"])
def test_rows_of_every_length_around_the_ends_of_chunks(way, read_in):
    rows = [f"{'9' * (i % 12 + 1)},{'x' * (i % 7)}" for i in range(200)]
    table = read_in(("a,b\n" + "\n".join(rows)).encode(), way)
    assert table.number("a").tolist() == [float("9" * (i % 12 + 1)) for i in range(200)]
    assert (table.texts["b"].codes < 0).tolist() == [i % 7 == 0 for i in range(200)]
