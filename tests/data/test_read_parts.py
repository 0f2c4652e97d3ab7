"""Parts of a table: the same as their rows in one file, and errors that name the part."""

from __future__ import annotations

import csv
import io
import os
import tracemalloc
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from glob import glob
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l2cli.data.parts import matches
from l2cli.data.read import read_header, read_parts, read_table
from l2cli.data.sizes import Sizes
from l2cli.data.source import Source
from l2cli.data.table import Table, TextColumn
from l2cli.data.wording import where
from l2cli.errors import DataError, L2Error
from l2cli.spec import ReadSpec


@dataclass(frozen=True)
class Case:
    """A header, the rows of each part, how they are read, and whether each could be read alone."""

    header: bytes
    parts: tuple[bytes, ...]
    spec: ReadSpec | None = None
    verbatim: tuple[str, ...] = ()
    alone: bool = True

    def contents(self) -> list[bytes]:
        return [self.header + rows for rows in self.parts]

    def in_one_file(self) -> bytes:
        return self.header + b"".join(rows if rows.endswith(b"\n") else rows + b"\n" for rows in self.parts)


def columns_of(columns: Mapping[str, TextColumn]) -> dict[str, object]:
    return {name: (column.codes.tolist(), column.levels, column.raw) for name, column in columns.items()}


def told(table: Table) -> dict[str, object]:
    """Return everything a table tells but where rows stand, so that two can be compared; NaN equals NaN."""
    return {
        "names": table.names,
        "file_names": table.file_names,
        "index": table.number_index,
        "numbers": table.numbers.tobytes(),
        "texts": columns_of(table.texts),
        "verbatim": columns_of(table.verbatim),
        "rounded": columns_of(table.rounded),
        "dialect": (table.delimiter, table.decimal),
        "na": table.na,
        "notes": table.notes,
    }


CASES = {
    "numbers": Case(b"a,b\n", (b"1,2.5\n2,3\n", b"3,-4e2\n", b"5,6\n")),
    "no newline at the end": Case(b"a,b\n", (b"1,2", b"3,4", b"5,6")),
    "text late": Case(b"a,b\n", (b"1,2\n2,3\n", b"x,4\n1,5\n", b"7,6\n")),
    "text early": Case(b"a,b\n", (b"x,2\n2,3\n", b"2,4\n1,5\n", b"7,6\n")),
    "levels in order of their first row": Case(b"a,b\n", (b"u,1\nv,1\n", b"w,1\nu,1\nv,1\n", b"t,1\nw,1\n")),
    "codes late": Case(b"a,b\n", (b"1,2\n2,3\n", b"3,4\n", b"007,6\n")),
    "codes early": Case(b"a,b\n", (b"007,2\n2,3\n", b"3,4\n")),
    "no codes, for a fraction": Case(b"a,b\n", (b"007,2\n2,3\n", b"3.5,4\n")),
    "missing in one part": Case(b"a,b\n", (b"NA,2\n,3\n", b"3,4\n", b"NA,5\n")),
    "missing in one part of text": Case(b"a,b\n", (b"NA,2\n,3\n", b"x,4\n", b"NA,5\n")),
    "uncertain in several parts": Case(b"a,b\n", (b"?,2\n1,3\n", b"3,4\n?,5\n", b"?,.\n")),
    "uncertain, and text in another part": Case(b"a,b\n", (b"?,2\n1,3\n", b"x,4\n?,5\n")),
    "decimal commas late": Case(b"a;b\n", (b"1;2\n2;3\n", b"3,5;4\n")),
    "decimal commas, and points that make text": Case(
        b"a;b;c\n", (b"1,5;2;1,5\n", b"3,5;4;2.5\n"), alone=False
    ),
    "commas in a column that is text": Case(b"a;b\n", (b"1,5;2\n2,5;3\n", b"x;4\n")),
    "tokens for missing cells": Case(b"a,b\n", (b"-9,2\n1,-9\n", b"3,x\n-9.0,y\n"), ReadSpec(na=("-9",))),
    "a part without rows first": Case(b"a,b\n", (b"", b"1,2\n", b"x,3\n")),
    "parts without rows": Case(b"a,b\n", (b"1,2\n", b"", b"x,3\n", b"")),
    "one column, blank lines at the ends": Case(b"a\n", (b"1\n2\n", b"3\n", b"x\n")),
    "quotes": Case(b'"a","b"\n', (b'"1","x,""y"""\n', b'2,"line\nbreak"\n', b'"3",x\n')),
    "blanks": Case(b"a  b\n", (b"1   -2.5\n 22 3  \n", b"  7 x\n")),
    "blank lines": Case(b"\na,b\n", (b"1,2\n\n\n3,4\n", b"\n5,6\n7,8\n")),
    "row names": Case(b"a,b\n", (b"u,1,2\nv,3,4\n", b"w,5,6\n")),
    "no header": Case(b"", (b"1,2\n3,4\n", b"x,6\n"), ReadSpec(header=False)),
    "a header that may be data": Case(b"1,2\n", (b"1,2\n3,4\n", b"5,6\n")),
    "verbatim": Case(b"a,b\n", (b"1.10,2\n2,NA\n", b"1.1,4\n007,\n"), verbatim=("a", "b")),
    "beyond 2^53": Case(b"a,b\n", (b"9007199254740993,2\n", b"9007199254740992,3\n"), verbatim=("a",)),
    "rounded in one part": Case(b"a,b\n", (b"1,2\n2,3\n", b"9007199254740993,4\n", b"7,5\n")),
    "currency, and plain numbers early": Case(b"a,b\n", (b"1000,2\n2,3\n", b'"$1,000",4\n')),
    "currency, and text in another part": Case(b"a,b\n", (b'"$1,000",2\n$2,3\n', b"x,4\n")),
    "currency in all parts": Case(b"a,b\n", (b'"$1,000",2\n$2,3\n', b"($5.50),4\n", b"NA,5\n$7,1\n")),
    "thousands late": Case(b"a,b\n", (b"1,2\n2,3\n", b'"1,234,567",4\n', b'"2,000",5\n')),
    "thousands early": Case(b"a,b\n", (b'"1,234",2\n2,3\n', b"4,4\n", b"5.5,5\n")),
    "thousands or a fraction, told by a later part": Case(
        b"a;b\n", (b"1.037;1\n2.500;2\n", b"3;3\n", b"1.234.567;4\n")
    ),
    "a fraction or thousands, told by a later part": Case(
        b"a;b\n", (b"1.037;1\n2.500;2\n", b"3;3\n", b"1.5;4\n")
    ),
    "told by another column of a later part": Case(b"a;b\n", (b"1.037;1\n", b"3;3\n4;2\n", b"1;4,5\n")),
    "decimal commas in quotes": Case(b"a,b\n", (b"1,2\n2,3\n", b'"3,5",4\n"1,25",4\n')),
    "percent": Case(b"a,b\n", (b"1%,2\n2.5 %,3\n", b"0%,4\n")),
    "other minus signs late": Case(b"a,b\n", (b"1,2\n2,3\n", "\u22123,4\n".encode())),
    "decimal commas, verbatim": Case(b"a;b\n", (b"1;2\n", b"1;3,5\n"), verbatim=("a", "b")),
    "a token with the other mark": Case(b"a;b\n", (b"1;2\n", b"2,5;3\n"), ReadSpec(na=("2.5",))),
    "levels that differ in blanks": Case(b"a,b\n", (b"x,1\ny,2\n", b" x,3\n", b"x ,4\n")),
    "blanks before quotes in one part": Case(b"a,b\n", (b"x,1\n y,2\n", b' "x",3\n', b" x,4\n")),
    "tokens in force": Case(b"a,b\n", (b"x,1\nNA,2\n", b"?,3\n")),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_parts_are_the_same_as_one_file(read_all, read_in, case):
    expected = read_in(case.in_one_file(), "small", case.spec, verbatim=case.verbatim)
    table = read_all(case.contents(), case.spec, verbatim=case.verbatim)
    assert told(table) == told(expected)


@pytest.mark.parametrize("case", [case for case in CASES.values() if case.alone])
def test_rows_stand_in_their_part(read_all, read_in, case):
    table = read_all(case.contents(), case.spec)
    expected = []
    for number, content in enumerate(case.contents(), start=1):
        if content == case.header:
            continue
        alone = read_in(content, "small", case.spec)
        expected += [f"p{number} line {alone.line_of(row)}" for row in range(alone.n_rows)]
    assert [where(table, row) for row in range(table.n_rows)] == expected


CELLS = [
    *("1", "2.5", "-3e2", "10", "1,5", "2,5", " 5", "01", "007", "", "NA", "?", ".", "-", "nan"),
    *("x", "a b", "é", "1;2", "a,b", 'q"q', "l1\nl2", " s"),
    *("$1", "$1,000", "1,000", "1.000", "5%", "\u22123", "9007199254740993"),
]
TABLES = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(st.sampled_from(CELLS), min_size=width, max_size=width), min_size=1)
)


def written(names: list[str], rows: list[list[str]], delimiter: str) -> bytes:
    """Return a text as the csv module writes it, every cell quoted so that none is a blank line."""
    target = io.StringIO()
    writer = csv.writer(target, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([names, *rows])
    return target.getvalue().encode()


@given(
    rows=TABLES,
    cuts=st.lists(st.integers(0, 12), max_size=4),
    delimiter=st.sampled_from([",", ";", "\t"]),
    random=st.randoms(use_true_random=False),
    way=st.sampled_from(["small", "shredded", "flat shredded", "large"]),
)
@settings(max_examples=150, deadline=None)
def test_any_table_in_any_parts_in_any_order_of_columns(
    rows, cuts, delimiter, random, way, read_in, read_split_in
):
    names = [f"c{j}" for j in range(len(rows[0]))]
    spec = ReadSpec(delimiter=delimiter)
    ends = sorted(min(cut, len(rows)) for cut in cuts)
    parts = []
    for start, end in pairwise([0, *ends, len(rows)]):
        order = list(range(len(names)))
        if start > 0:  # the first part with a row decides on the order
            random.shuffle(order)
        some = [[row[j] for j in order] for row in rows[start:end]]
        parts.append(written([names[j] for j in order], some, delimiter))
    found: list[object] = []
    for read in (
        lambda: read_in(written(names, rows, delimiter), "small", spec, verbatim=("c0",)),
        lambda: read_split_in(parts, way, spec, verbatim=("c0",)),
    ):
        try:
            table = read()
        except L2Error as error:
            found.append(error.code)
            continue
        found.append(told(table) | {"notes": None})
    # The first row of each part may be one of units.
    assert found[0] == found[1] or "second_header" in found


def test_columns_in_another_order_are_matched_by_name(read_all):
    table = read_all([b"a,b,c\n1,x,2\n", b"c,a,b\n3,4,y\n", b"b,a,c\nx,5,u\n"])
    assert table.names == ("a", "b", "c")
    assert table.number("a").tolist() == [1, 4, 5]
    assert [table.texts["b"].levels[code] for code in table.texts["b"].codes] == ["x", "y", "x"]
    assert [table.texts["c"].levels[code] for code in table.texts["c"].codes] == ["2", "3", "u"]
    assert table.notes == ["columns in another order are matched by name in p2, p3"]


def test_only_the_columns_asked_for_are_kept(read_all):
    table = read_all([b"a,b,c\n1,x,2\n", b"c,a,b\n3,4,y\n"], names=["c", "nowhere"])
    assert table.names == ("c",)
    assert table.file_names == ("a", "b", "c")
    assert table.number("c").tolist() == [2, 3]


REFUSED = {
    "ragged": (
        [b"a,b\n1,2\n", b"a,b\n1,2\n\n3\n"],
        "p2 line 4: 1 field where the header has 2 (column 'b' would be empty); mend the line or give"
        " --delimiter",
    ),
    "ragged, columns in another order": (
        [b"a,b\n1,2\n", b"b,a\n1,2\n\n3\n"],
        "p2 line 4: 1 field where the header has 2 (column 'a' would be empty); mend the line or give"
        " --delimiter",
    ),
    "a quote left open": (
        [b'a,b\n1,2\n3,"x\n', b"a,b\n1,2\n"],
        "p1 line 3: a quote opens here and is never closed; close it, or write a quote inside a quoted"
        ' cell as ""',
    ),
    "a NUL byte": (
        [b"a,b\n1,2\n", b"a,b\n1,2\n3,\0\n"],
        "p2 line 3: a NUL byte, so this is no text in UTF-8; give a text file in UTF-8, or name its"
        " --encoding",
    ),
    "an encoding": (
        [b"a,b\n1,2\n", b"a,b\n1,2\n3,\xe9\n"],
        "p2 line 3: byte 0xe9 is not UTF-8 text; give the encoding of the file, for example --encoding"
        " latin-1",
    ),
    "infinite": (
        [b"a,b\n1,2\n", b"a,b\n1,2\n3,inf\n"],
        "p2 line 3: 'inf' in column 'b' is not a finite number; correct it, or give --na 'inf' if it means"
        " missing",
    ),
    "a blank line in one column": (
        [b"a\n1\n\n", b"a\n1\n\n2\n"],
        "p2 line 3: a blank line in a file of one column; write NA if a value is missing there, or delete the"
        " line",
    ),
    "two decimal marks": (
        [b"a;b\n1;2,5\n", b"b;a\n2;2\n3;1.5\n"],
        "p*: both . and , stand in numbers: '1.5' in column 'a' (p2 line 3) and '2,5' in column 'b' (p1 line"
        " 2); give the decimal sign with --decimal . or --decimal ,",
    ),
    "a column less": (
        [b"a,b\n1,2\n", b"a,b\n1,2\n", b"a\n1\n"],
        "p3: no column 'b', which p1 has; parts of one table need the same columns; mend one, or give a"
        " pattern that leaves it out",
    ),
    "a column more": (
        [b"a,b\n1,2\n", b"a,b,c,d\n1,2,3,4\n"],
        "p2: columns 'c', 'd' are not in p1; parts of one table need the same columns; mend one, or"
        " give a pattern that leaves it out",
    ),
    "another name": (
        [b"a,b\n1,2\n", b"a,c\n1,2\n"],
        "p2: no column 'b', which p1 has, but column 'c'; parts of one table need the same columns;"
        " mend one, or give a pattern that leaves it out",
    ),
    "another delimiter": (
        [b"a,b\n1,2\n", b"a;b\n1;2\n"],
        "p2: fields are separated by ';', those of p1 by ','; write all parts alike",
    ),
    "another delimiter, and names that make no header under the first": (
        [b"a,b,c\n1,2,3\n", b"a;b;c\n1,5;2;3\n"],
        "p2: fields are separated by ';', those of p1 by ','; write all parts alike",
    ),
    "another delimiter, and blank names under the first": (
        [b'a;"b,"\n1;2\n', b'a,"b,"\n1,2\n'],
        "p2: fields are separated by ',', those of p1 by ';'; write all parts alike",
    ),
    "a header without names": (
        [b"a,b\n1,2\n", b"a,\n1,2\n"],
        "p2: column 2 has no name in the header; name it, or give --no-header if the first line is data",
    ),
    "nothing in it": ([b"a,b\n1,2\n", b""], "p2: the file is empty"),
    "headers only": (
        [b"a,b\n", b"a,b\n"],
        "p*: no data rows, only a header (a, b); give --no-header if the first line is data",
    ),
    "a foreign file": (
        [b"a,b\n1,2\n", b"%PDF-1.4"],
        "p2: is a PDF or an image, not a table of text or Parquet; give CSV or Parquet",
    ),
}


@pytest.mark.parametrize(("contents", "message"), REFUSED.values(), ids=REFUSED)
def test_errors_name_the_part(read_all, contents, message):
    with pytest.raises(DataError) as caught:
        read_all(contents)
    assert str(caught.value) == message


def test_widths_without_a_header(read_all):
    with pytest.raises(DataError, match="p2: 3 columns, and p1 has 2; parts"):
        read_all([b"1,2\n", b"1,2,3\n"], ReadSpec(header=False))


def test_many_columns_that_differ_are_counted(read_all):
    names = [f"c{j}" for j in range(8)]
    wide = (",".join(names) + "\n" + ",".join("1" for _ in names) + "\n").encode()
    with pytest.raises(DataError, match="p2: no columns 'c1', 'c2', 'c3' and 4 more, which p1 has;"):
        read_all([wide, b"c0\n1\n"])


def test_parts_may_be_packed_and_encoded_each_in_its_own_way(read_all):
    table = read_all(["a,b\n1,é\n".encode("utf-16"), b"\xef\xbb\xbfa,b\r\n2,x\r\n", b"a,b\n3,y\n"])
    assert table.number("a").tolist() == [1, 2, 3]
    assert table.texts["b"].levels == ("é", "x", "y")


def test_the_matrix_is_held_once():
    values = np.random.default_rng(0).standard_normal((10_000, 10)).round(6)
    lines = [",".join(map(str, row)) for row in [[f"c{j}" for j in range(10)], *values.tolist()]]
    content = "\n".join(lines).encode()

    def opened(name: str) -> Source:
        return Source(name, io.BytesIO(content), owned=True)

    openers = [partial(opened, f"p{number}") for number in range(20)]
    tracemalloc.start()
    table = read_parts(openers, "p*", ReadSpec(), None, Sizes(small=0, piece=1 << 16, chunk=1 << 16))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(table.numbers, np.tile(values, (20, 1)))
    assert peak < 1.3 * table.numbers.nbytes


def write(folder, **contents: str) -> None:
    for name, content in contents.items():
        (folder / name.replace("__", ".")).write_text(content)


def test_a_folder_in_natural_order(tmp_path):
    write(
        tmp_path, p10__csv="a,y\n4,1\n", p2__csv="a,y\n2,1\n3,1\n", p1__csv="a,y\n1,1\n", P__csv="a,y\n0,1\n"
    )
    write(tmp_path, _SUCCESS="", _metadata="x", __hidden="a\nb\n")
    table = read_table(str(tmp_path))
    assert table.number("a").tolist() == [0, 1, 2, 3, 4]
    assert table.source == str(tmp_path)
    assert table.notes == [f"4 parts: {tmp_path}/P.csv to {tmp_path}/p10.csv"]
    assert where(table, 3) == f"{tmp_path}/p2.csv line 3"


def test_a_pattern(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "parts").mkdir()
    write(tmp_path / "parts", p10__csv="a\n4\n", p2__csv="a\n2\n", p1__csv="a\n1\n", other__txt="b\n1\n")
    assert read_table("parts/*.csv").number("a").tolist() == [1, 2, 4]
    assert read_table("parts/p[12].csv").number("a").tolist() == [1, 2]
    assert read_table("**/p1*.csv").number("a").tolist() == [1, 4]
    assert read_header("parts/*.csv") == ("a",)
    one = read_table("parts/p2*")
    assert one.notes == ["1 part: parts/p2.csv"]
    assert (one.source, where(one, 0)) == ("parts/p2*", "parts/p2.csv line 2")


def test_a_name_that_exists_is_no_pattern(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p[1].csv").write_text("a\n1\n")
    (tmp_path / "p1.csv").write_text("a\n2\n")
    assert read_table("p[1].csv").number("a").tolist() == [1]
    (tmp_path / "f*").mkdir()
    (tmp_path / "f*" / "x.csv").write_text("a\n3\n")
    assert read_table("f*").number("a").tolist() == [3]


def test_what_is_left_out_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "more").mkdir()
    write(tmp_path, a__csv="a\n1\n", b__csv="a\n2\n", _c__csv="a\n3\n", _SUCCESS="")
    assert read_table("*").notes == [
        "2 parts: a.csv, b.csv",
        "files whose names begin with _ are left out: _c.csv",
        "folders that * matches are left out: more",
    ]
    assert read_table("_*.csv").number("a").tolist() == [3]


def test_folders_named_for_a_value_are_said_to_be_no_column(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for year in (2020, 2021):
        (tmp_path / "t" / f"year={year}").mkdir(parents=True)
        (tmp_path / "t" / f"year={year}" / "p.csv").write_text(f"a\n{year}\n")
    with pytest.raises(DataError) as caught:
        read_table("t")
    assert str(caught.value) == (
        "t: holds folders (year=2020, year=2021); give the files as a pattern, 't/*/*';"
        " what the folders are called is not read as a column"
    )
    table = read_table("t/*/*")
    assert table.number("a").tolist() == [2020, 2021]
    assert table.notes == [
        "2 parts: t/year=2020/p.csv, t/year=2021/p.csv",
        "what folders are called is not read as a column: year=2020, year=2021",
    ]


@pytest.mark.parametrize(("log", "what"), [("_delta_log", "Delta Lake"), (".hoodie", "Hudi")])
def test_the_files_of_a_table_with_a_log_are_not_taken_for_the_table(tmp_path, monkeypatch, log, what):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t" / log).mkdir(parents=True)
    write(tmp_path / "t", a__csv="a\n1\n")
    with pytest.raises(DataError, match=f"t: is a {what} table, whose files hold deleted rows too; write it"):
        read_table("t")
    assert read_table("t/*").n_rows == 1


@pytest.mark.parametrize("name", ["a.csv.gz", "a.csv~", "a.csv.bak", "a.csv.zst"])
def test_a_copy_beside_a_part_is_not_read_as_more_rows(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, a__csv="a\n1\n", b__csv="a\n2\n")
    (tmp_path / name).write_text("a\n1\n")
    for typed in ("*", "."):
        path = name if typed == "*" else f"./{name}"
        with pytest.raises(DataError) as caught:
            read_table(typed)
        assert str(caught.value) == (
            f"{path}: seems to hold the rows of {path.partition('.csv')[0]}.csv once more; take one of them"
            " away, or give a pattern that matches one"
        )
    assert read_table("*.csv").n_rows == 2


def linked_folders(tmp_path):
    """Two folders with a part each, and links that go round in circles."""
    for name in ("one", "two"):
        (tmp_path / "t" / name).mkdir(parents=True)
        write(tmp_path / "t" / name, a__csv=f"a\n{len(name)}\n", b__csv="a\n7\n")
    for place, link in (("up", ".."), ("one/here", "."), ("one/up", ".."), ("two/up", "..")):
        (tmp_path / "t" / place).symlink_to(link)


@pytest.mark.parametrize(
    ("typed", "files"),
    [
        ("t/**/one/a.csv", ["t/one/a.csv"]),
        ("**/two/*.csv", ["t/two/a.csv", "t/two/b.csv"]),
        ("t/o*/**", ["t/one/a.csv", "t/one/b.csv"]),
    ],
)
def test_folders_of_any_depth_may_have_links_that_go_in_circles(tmp_path, monkeypatch, typed, files):
    monkeypatch.chdir(tmp_path)
    linked_folders(tmp_path)
    found = [path for path in matches(typed) if os.path.isfile(path)]
    assert [path for path in found if os.path.realpath(path) == os.path.abspath(path)] == files
    assert len(found) < 50


def test_any_depth_is_what_the_standard_library_makes_of_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("x", "x/[y]", "x/[y]/z", ".hidden", "w"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder, a__csv="", b10__csv="")
    for typed in (
        "**",
        "**/*.csv",
        "x/**",
        "x/**/a.csv",
        "*/**/z/**/*.csv",
        "**/**/a.csv",
        "n/**",
        "./**/z/*",
    ):
        files = {os.path.normpath(path) for path in glob(typed, recursive=True) if os.path.isfile(path)}
        assert {os.path.normpath(path) for path in matches(typed) if os.path.isfile(path)} == files
    assert len(matches("**/*.csv")) == 8


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_a_link_to_a_part_is_not_read_as_more_rows(tmp_path, monkeypatch, link):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, a__csv="a\n1\n", b__csv="a\n2\n")
    link("a.csv", "latest.csv")
    with pytest.raises(DataError) as caught:
        read_table("*.csv")
    assert str(caught.value) == (
        "latest.csv: is the same file as a.csv, by a link; take one of them away, or give a pattern that"
        " matches one"
    )
    assert read_table("?.csv").n_rows == 2


def test_a_dash_is_standard_input_whatever_is_called_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-").mkdir()
    write(tmp_path / "-", a__csv="a\n1\n")
    assert read_table("-", stdin=io.BytesIO(b"a\n7\n")).number("a").tolist() == [7]
    assert read_table("./-").number("a").tolist() == [1]


def test_what_names_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "done").mkdir()
    write(tmp_path / "done", _SUCCESS="")
    messages = {
        "empty": "empty: a folder without data files; give a file, or a folder of CSV or Parquet files",
        "done": "done: a folder without data files but _SUCCESS; give a file, or a folder of CSV or Parquet"
        " files",
        "none*.csv": "none*.csv: matches no data file; check the path",
        "e*": "e*: matches no data file but empty; for the files in them give 'e*/*'",
        "none.csv": "none.csv: no such file",
    }
    for typed, message in messages.items():
        with pytest.raises(DataError) as caught:
            read_table(typed)
        assert str(caught.value) == message
        assert caught.value.code == "not_found"


def test_a_pipe_among_the_parts_is_refused(tmp_path):
    write(tmp_path, a__csv="a\n1\n")
    os.mkfifo(tmp_path / "b")
    with pytest.raises(DataError, match="b: is no regular file; take it away"):
        read_table(str(tmp_path))
