"""What a file holds: one table of cases, read in every way there is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from l2cli.data.table import Table
from l2cli.spec import ReadSpec

NAN = math.nan


@dataclass(frozen=True)
class Case:
    """A text and what is in it: numbers by name, texts by name (None where missing), notes."""

    content: bytes
    numbers: dict[str, list[float]] = field(default_factory=dict)
    texts: Mapping[str, Sequence[str | None]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    spec: ReadSpec | None = None


COMMAS = ("numbers have decimal commas (say otherwise with --decimal .)",)
CASES = {
    "plain": Case(b"a,b\n1,2.5\n-3,4e2\n", {"a": [1, -3], "b": [2.5, 400]}),
    "no newline at the end": Case(b"a,b\n1,2", {"a": [1], "b": [2]}),
    "blank lines anywhere": Case(b"\n\na,b\n1,2\n\n  \n3,4\n\n\n", {"a": [1, 3], "b": [2, 4]}),
    "crlf": Case(b"a,b\r\n1,x\r\n3,y\r\n", {"a": [1, 3]}, {"b": ["x", "y"]}),
    "cr alone": Case(b"a,b\r1,2\r3,4\r", {"a": [1, 3], "b": [2, 4]}),
    "mark of utf-8": Case(b"\xef\xbb\xbfa,b\n1,2\n", {"a": [1], "b": [2]}),
    "utf-16": Case("a,b\n1,é\n".encode("utf-16"), {"a": [1]}, {"b": ["é"]}),
    "utf-16, other order": Case(b"\xfe\xff" + "a,b\n1,é\n".encode("utf-16-be"), {"a": [1]}, {"b": ["é"]}),
    "utf-32": Case("a,b\n1,é\n".encode("utf-32"), {"a": [1]}, {"b": ["é"]}),
    "latin-1": Case(
        "a,b\n1,é\n".encode("latin-1"), {"a": [1]}, {"b": ["é"]}, spec=ReadSpec(encoding="latin-1")
    ),
    "latin-1 that is cp1252": Case(
        b"a,b\n1,\xe9\n2,5 \x80\n",
        {"a": [1, 2]},
        {"b": ["é", "5 \x80"]},
        (
            "'5 \\x80' holds a control character of latin-1, which is '€' in cp1252; --encoding cp1252 reads"
            " it so",
        ),
        spec=ReadSpec(encoding="L1"),
    ),
    "latin-1 with a control character that cp1252 lacks": Case(
        b"a,b\n1,\x81\n", {"a": [1]}, {"b": ["\x81"]}, spec=ReadSpec(encoding="latin-1")
    ),
    "cp1252": Case(b"a,b\n1,\x80\n", {"a": [1]}, {"b": ["€"]}, spec=ReadSpec(encoding="cp1252")),
    "tab": Case(b"a\tb\n1\tx y\n2\t\n", {"a": [1, 2]}, {"b": ["x y", None]}),
    "tab with empty cells": Case(b"a\tb\tc\n1\t\t\n\t\t3\n", {"a": [1, NAN], "b": [NAN, NAN], "c": [NAN, 3]}),
    "semicolon and decimal comma": Case(
        b"a;b\n1,5;2\n-,25;3\n", {"a": [1.5, -0.25], "b": [2, 3]}, notes=COMMAS
    ),
    "one decimal mark, a column with both": Case(
        b"a;b;c\n1,5;.;1,5\n2,5;3;1.5\n",
        {"a": [1.5, 2.5], "b": [NAN, 3]},
        {"c": ["1,5", "1.5"]},
        (*COMMAS, "column 'b': 1 cell '.' taken as missing"),
    ),
    "decimal comma late": Case(
        b"a;b;c\n" + b"1;2;x\n" * 12 + b"1,5;2;1.5\n",
        {"a": [1] * 12 + [1.5], "b": [2] * 13},
        {"c": ["x"] * 12 + ["1.5"]},
        COMMAS,
    ),
    "decimal comma asked for": Case(
        b"a\tb\n1,5\t2.5\n", {"a": [1.5]}, {"b": ["2.5"]}, spec=ReadSpec(decimal=",")
    ),
    "decimal comma, tabs": Case(b"a\tb\n1,5\t2\n", {"a": [1.5], "b": [2]}, notes=COMMAS),
    "decimal comma, pipes": Case(b"a|b\n1,5|2\n", {"a": [1.5], "b": [2]}, notes=COMMAS),
    "decimal comma, blanks": Case(b"a b\n1,5 2\n", {"a": [1.5], "b": [2]}, notes=COMMAS),
    "decimal comma, commas": Case(b'a,b\n1,"2,5"\n"3,25",4\n', {"a": [1, 3.25], "b": [2.5, 4]}, notes=COMMAS),
    "decimal comma asked for, commas": Case(
        b'a,b\n1,"2,5"\n"3,25",4\n', {"a": [1, 3.25], "b": [2.5, 4]}, spec=ReadSpec(decimal=",")
    ),
    "decimal comma and delimiter asked for": Case(
        b'a,b\n1,"2,5"\n"3,25",4\n',
        {"a": [1, 3.25], "b": [2.5, 4]},
        spec=ReadSpec(delimiter=",", decimal=","),
    ),
    "decimal comma asked for, whole numbers": Case(
        b"a,b\n1,2\n3,4\n", {"a": [1, 3], "b": [2, 4]}, spec=ReadSpec(decimal=",")
    ),
    "decimal comma asked for, one column": Case(b"a\n1,5\n2\n", {"a": [1.5, 2]}, spec=ReadSpec(decimal=",")),
    "pipe": Case(b"a|b\n1|x,y\n", {"a": [1]}, {"b": ["x,y"]}),
    "a delimiter of one's own": Case(b"a:b\n1:2\n", {"a": [1], "b": [2]}, spec=ReadSpec(delimiter=":")),
    "a delimiter by name": Case(b"a\tb\n1\t2\n", {"a": [1], "b": [2]}, spec=ReadSpec(delimiter="tab")),
    "runs of blanks": Case(
        b'  a  "b c"   d\n1   -2.5 x\n 22 3  \t y  \n', {"a": [1, 22], "b c": [-2.5, 3]}, {"d": ["x", "y"]}
    ),
    "runs of blanks, quotes": Case(b'a b\n1 "x y"\n2 "z"\n', {"a": [1, 2]}, {"b": ["x y", "z"]}),
    "blanks around cells": Case(b"a , b\n 5, 5.73\n6 ,  x \n", {"a": [5, 6]}, {"b": ["5.73", "x"]}),
    "numbers behind blanks": Case(b"a,b\n5, 5.73\n  6\t,\t7\n", {"a": [5, 6], "b": [5.73, 7]}),
    "quotes": Case(
        b'"a","b"\n"1","x,""y"""\n"2","line\nbreak"\n', {"a": [1, 2]}, {"b": ['x,"y"', "line\nbreak"]}
    ),
    "quotes behind blanks": Case(b'"a", "b"\n1, "x, y"\n2, "z"\n', {"a": [1, 2]}, {"b": ["x, y", "z"]}),
    "quotes inside": Case(b'a,b\n1,5" pipe\n2,"x"tail\n', {"a": [1, 2]}, {"b": ['5" pipe', "xtail"]}),
    "a header of two lines": Case(b'"a\nb",c\n1,2\n', {"a\nb": [1], "c": [2]}),
    "one column": Case(b"a\n1\nNA\n2.5\n", {"a": [1, NAN, 2.5]}),
    "one column, a missing cell, blank lines at the end": Case(
        b'\na\n1\n""\n2\n\n  \n' + b"\n" * 50, {"a": [1, NAN, 2]}
    ),
    "one column, text late and blank lines": Case(
        b"a\n" + b"1\n" * 12 + b'"x\n\n"\n2\n \t\n', {}, {"a": ["1"] * 12 + ["x\n\n", "2"]}
    ),
    "one column of text": Case(b"a\nx\n y\n\t\n", {}, {"a": ["x", "y"]}),
    "missing cells": Case(
        b"a,b\n,\nNA,NA\nN/A,n/a\nNaN,nan\nnull,NULL\n#N/A, NA \n1,x\n",
        {"a": [NAN] * 6 + [1]},
        {"b": [None] * 6 + ["x"]},
    ),
    "quoted missing cells": Case(
        b'a,b\n"",""\n"NA","NA"\n1,x\n', {"a": [NAN, NAN, 1]}, {"b": [None, None, "x"]}
    ),
    "all missing": Case(b"a,b\n,NA\n,nan\n", {"a": [NAN, NAN], "b": [NAN, NAN]}),
    "uncertain tokens among numbers": Case(
        b"a,b,c\n1,.,x\n?,2,?\n-,.,-\n3,4,.\n",
        {"a": [1, NAN, NAN, 3], "b": [NAN, 2, NAN, 4]},
        {"c": ["x", "?", "-", "."]},
        (
            "column 'a': 1 cell '-' taken as missing",
            "column 'a': 1 cell '?' taken as missing",
            "column 'b': 2 cells '.' taken as missing",
        ),
    ),
    "tokens of one's own": Case(
        b"a,b,c\n-999,NA,none\n1,2,?\n-999.0,3,x\n",
        {"a": [NAN, 1, NAN]},
        {"b": ["NA", "2", "3"], "c": [None, "?", "x"]},
        spec=ReadSpec(na=("-999", "none")),
    ),
    "tokens that are numbers, by value": Case(
        b"a,b,c,d\n" + b"1,2,x,05\n" * 12 + b"-999.0,0099,-9.99E2,-999.\n 99.0 ,99.5, 99,+99\n",
        {"a": [1] * 12 + [NAN] * 2, "b": [2] * 12 + [NAN, 99.5]},
        {"c": ["x"] * 12 + [None] * 2, "d": ["05"] * 12 + [None] * 2},
        ("column 'd' is text: numbers with leading zeros, like 05, are codes",),
        ReadSpec(na=("-999", "99")),
    ),
    "a code is no number to a token": Case(
        b"zip,b\n" + b"1,a\n" * 12 + b"099,099\n99,99\n",
        {},
        {"zip": ["1"] * 12 + ["099", None], "b": ["a"] * 12 + ["099", None]},
        ("column 'zip' is text: numbers with leading zeros, like 099, are codes",),
        ReadSpec(na=("99",)),
    ),
    "a token with the decimal mark of the file": Case(
        b"a;b\n-1,50;2,5\n3;-1,5\n",
        {"a": [NAN, 3], "b": [2.5, NAN]},
        spec=ReadSpec(na=("-1,5",), decimal=","),
    ),
    "a token behind blanks": Case(
        b"a,b\n   -9,1\n-9\t,2\n5,3\n", {"a": [NAN, NAN, 5], "b": [1, 2, 3]}, spec=ReadSpec(na=("-9",))
    ),
    "spellings of numbers": Case(
        b"a\n+1\n1.\n.5\n-.5e-3\n1E5\n-0\n00.5\n1e-999\n",
        {"a": [1, 1, 0.5, -0.0005, 1e5, -0.0, 0.5, 0]},
    ),
    "no numbers": Case(
        "a,b,c,d,e,f\n1_000,0x10,١,1 2,--1,1e\n1,1,1,1,1,1\n".encode(),
        {},
        {
            "a": ["1_000", "1"],
            "b": ["0x10", "1"],
            "c": ["١", "1"],
            "d": ["1 2", "1"],
            "e": ["--1", "1"],
            "f": ["1e", "1"],
        },
    ),
    "nan in other spellings is text": Case(b"a\nNAN\n1\n", {}, {"a": ["NAN", "1"]}),
    "infinity in a text": Case(b"a\ninf\nsup\n1\n", {}, {"a": ["inf", "sup", "1"]}),
    "true and false": Case(b"a\ntrue\nfalse\n", {}, {"a": ["true", "false"]}),
    "codes": Case(
        b"zip,n\n01234,1\n99999,2\n,3\n",
        {"n": [1, 2, 3]},
        {"zip": ["01234", "99999", None]},
        ("column 'zip' is text: numbers with leading zeros, like 01234, are codes",),
    ),
    "codes late": Case(
        b"zip,n\n1,1\n2,2\n3,3\n4,4\n5,5\n6,6\n7,7\n8,8\n9,9\n10,10\n11,11\n012,12\n",
        {"n": [float(i) for i in range(1, 13)]},
        {"zip": [*map(str, range(1, 12)), "012"]},
        ("column 'zip' is text: numbers with leading zeros, like 012, are codes",),
    ),
    "no codes": Case(b"a,b,c\n0,01,01\n0,1.5,-1\n", {"a": [0, 0], "b": [1, 1.5], "c": [1, -1]}),
    "text late": Case(b"a,b\n" + b"1,2.5\n" * 12 + b"x,2.5\n", {"b": [2.5] * 13}, {"a": ["1"] * 12 + ["x"]}),
    "no codes late": Case(
        b"a,b\n" + b"01,x\n" * 12 + b"1.5,y\n", {"a": [1] * 12 + [1.5]}, {"b": ["x"] * 12 + ["y"]}
    ),
    "row names": Case(b'"","b"\n"x",1\n"y",2\n', {"b": [1, 2]}, {"row_names": ["x", "y"]}),
    "row names without a name": Case(
        b'"b","c"\n"x",1,2\n"y",3,4\n',
        {"b": [1, 3], "c": [2, 4]},
        {"row_names": ["x", "y"]},
        ("the header has one name fewer than the rows have fields; the first column is 'row_names'",),
    ),
    "row names without a name, targets missing": Case(
        b"b,c\nx,1,2\ny,3,\nz,4,6\n",
        {"b": [1, 3, 4], "c": [2, NAN, 6]},
        {"row_names": ["x", "y", "z"]},
        ("the header has one name fewer than the rows have fields; the first column is 'row_names'",),
    ),
    "no header": Case(b"1,x\n2,y\n", {"x1": [1, 2]}, {"x2": ["x", "y"]}, spec=ReadSpec(header=False)),
    "a header of numbers": Case(
        b"1,2\n3,4\n5,6\n",
        {"1": [3, 5], "2": [4, 6]},
        notes=("the first line, 1, 2, was taken as names; if it is data, give --no-header",),
    ),
    "not ascii": Case("größe,名\n1,é\n2,日本\n".encode(), {"größe": [1, 2]}, {"名": ["é", "日本"]}),
}


def as_texts(table: Table, name: str) -> list[str | None]:
    column = table.texts[name]
    return [None if code < 0 else column.levels[code] for code in column.codes.tolist()]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_every_way_of_reading_gives_the_same_table(case, read):
    table = read(case.content, case.spec)
    assert {name: table.number(name).tolist() for name in table.number_index} == {
        name: pytest.approx(values, abs=0, rel=0, nan_ok=True) for name, values in case.numbers.items()
    }
    assert {name: as_texts(table, name) for name in table.texts} == case.texts
    assert tuple(table.notes) == case.notes
    columns = {**case.numbers, **case.texts}
    assert sorted(table.names) == sorted(columns)
    assert {table.n_rows} == {len(cells) for cells in columns.values()}
    assert table.numbers.shape == (table.n_rows, len(case.numbers))
    assert table.numbers.flags.c_contiguous
    assert table.numbers.flags.writeable


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_levels_stand_in_order_of_first_appearance(case, read):
    for column in read(case.content, case.spec).texts.values():
        present = column.codes[column.codes >= 0]
        _, first = np.unique(present, return_index=True)
        assert first.tolist() == sorted(first.tolist())
        assert column.codes.dtype == np.int32


def test_rows_know_their_lines(read):
    table = read(b'\na,b\n1,"x\ny"\n\n2,z\n  \n3,w\n4,v\n5,u\n6,"t\n\n"\n7,s\n')
    assert [table.line_of(row) for row in range(table.n_rows)] == [3, 6, 8, 9, 10, 11, 14]
    assert table.place(1) == "line 6"


def test_only_the_columns_asked_for_are_kept(read):
    content = b"a,b,c,d\n1,x,2,inf\n3,y,4,1\n"
    table = read(content, names=["c", "b", "nowhere"])
    assert table.names == ("b", "c")
    assert table.number_index == {"c": 0}
    assert as_texts(table, "b") == ["x", "y"]
    assert read(content, names=[]).n_rows == 2


def test_the_source_is_named_as_it_was_typed(read):
    assert read(b"a,b\n1,2\n").source == "-"


def test_a_stream_that_cannot_be_rewound(pipe, tmp_path):
    from l2cli.data.read import read_table

    rows = b"a,b\n" + b"1,x\n" * 3000
    table = read_table("-", stdin=pipe(rows))
    assert (table.n_rows, table.texts["b"].levels) == (3000, ("x",))
    path = tmp_path / "data.txt"
    path.write_bytes(rows)
    assert read_table(str(path)).n_rows == 3000


def test_large_files_are_the_same_at_their_real_size(read_in):
    """The chunks of a few MB and the second pass for a column that turns to text near the end."""
    rng = np.random.default_rng(7)
    values = rng.standard_normal((40_000, 5))
    lines = [",".join(f"{v:.6g}" for v in row) + f",{i % 3},{i % 7:03d}" for i, row in enumerate(values)]
    lines[39_000] = "?,1,2,3,text,1,007"
    content = ("a,b,c,d,e,f,g\n" + "\n".join(lines) + "\n").encode()
    small, large = read_in(content, "small"), read_in(content, "large")
    np.testing.assert_array_equal(small.numbers, large.numbers)
    assert small.number_index == large.number_index == {"a": 0, "b": 1, "c": 2, "d": 3, "f": 4}
    assert small.notes == large.notes
    assert small.texts["e"].levels == large.texts["e"].levels
    np.testing.assert_array_equal(small.texts["e"].codes, large.texts["e"].codes)
    assert large.line_of(39_000) == 39_002
