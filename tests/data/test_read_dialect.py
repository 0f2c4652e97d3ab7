"""What a text looks like: delimiters, headers, and what reading a header costs."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys

import pytest

from l2cli.data.dialect import find_layout
from l2cli.data.read import read_header, read_table
from l2cli.errors import DataError
from l2cli.spec import ReadSpec

DELIMITERS = {
    "commas": ("a,b\n1,2\n", ","),
    "tabs, though commas are even": ("id\tlat,lon\n1\t5.1,3.2\n2\t5.2,3.3\n", "\t"),
    "semicolons with decimal commas": ("a;b\n1,5;2,5\n3,5;4,5\n", ";"),
    "semicolons with decimal commas and no comma in the header": ("a;b;c\n1,5;2,5;x\n", ";"),
    "commas, though there are semicolons in cells": ("a,b\nx;y,1\nz,2\n", ","),
    "commas, though there are semicolons in quotes": ('"a;b",c\n"x;y",1\n"z;w",2\n', ","),
    "commas, though there are blanks": ("first name,age now\nAnn Bee,5 6\nCy Dee,7 8\n", ","),
    "commas, though one row is short": ("a,b,c\n1,2,3\n4,5\n6,7,8\n", ","),
    "pipes": ("a|b\nx, y|1\nz|2\n", "|"),
    "blanks": ("a b\n1 2\n3 4\n", " "),
    "blanks and row names": ("a b\n1 2 3\n4 5 6\n", " "),
    "blanks and decimal commas": ("a b\nx 2,5\ny 4,5\n", " "),
    "one column": ("a\n1\n2\n", ","),
    "one column of words": ("full name\nJohn Smith\nJane Doe\n", ","),
    "one column of sentences": ("text\nhello; there\nbye\n", ","),
    "only a header": ("a;b\n", ";"),
    "rows without a header": ("1;2\n3;4\n", ";"),
}


@pytest.mark.parametrize(("text", "delimiter"), DELIMITERS.values(), ids=DELIMITERS)
def test_the_delimiter_is_found(text, delimiter):
    assert find_layout(text, True, ReadSpec(), "file").delimiter == delimiter


def test_the_beginning_of_a_text_is_enough():
    text = "a;b\n" + "1;2\n" * 50 + '3;"unfinished\n'
    layout = find_layout(text, False, ReadSpec(), "file")
    assert (layout.delimiter, layout.names, layout.header_lines) == (";", ("a", "b"), 1)


def test_a_decimal_comma_is_no_delimiter():
    layout = find_layout("a\tb\n1,5\t2,5\n", True, ReadSpec(decimal=","), "file")
    assert layout.delimiter == "\t"
    assert find_layout("a\n1,5\n2,5\n", True, ReadSpec(decimal=","), "file").names == ("a",)


HEADERS = {
    "names": (b'a, b ,"c,d"\n1,2,3\n', ("a", "b", "c,d")),
    "row names": (b",b\n1,2\n", ("row_names", "b")),
    "no rows": (b"a,b\n", ("a", "b")),
    "utf-16": ("a\tü\n1\t2\n".encode("utf-16"), ("a", "ü")),
    "packed": (gzip.compress(b"a;b\n" + b"1;2\n" * 100_000), ("a", "b")),
    "wide": (
        ",".join(f"x{i}" for i in range(30_000)).encode() + b"\n",
        tuple(f"x{i}" for i in range(30_000)),
    ),
}


@pytest.mark.parametrize(("content", "names"), HEADERS.values(), ids=HEADERS)
def test_the_header_alone(content, names):
    assert read_header("-", stdin=io.BytesIO(content)) == names


def test_the_header_alone_of_a_file_without_one():
    assert read_header("-", ReadSpec(header=False), stdin=io.BytesIO(b"1,2\n")) == ("x1", "x2")
    with pytest.raises(DataError, match="duplicate"):
        read_header("-", stdin=io.BytesIO(b"a,a\n"))


def test_a_wide_table(read):
    names = [f"x{i}" for i in range(3000)]
    rows = [[str(i * j % 97 / 8) for j in range(3000)] for i in range(1, 9)]
    table = read("\n".join(",".join(row) for row in [names, *rows]).encode())
    assert table.numbers.shape == (8, 3000)
    assert table.numbers.tolist() == [[float(cell) for cell in row] for row in rows]


def loaded(code: str, *arguments: str) -> set[str]:
    """Return which heavy packages a fresh Python has loaded after running ``code``."""
    heavy = ("numpy", "pandas", "pyarrow", "scipy", "sklearn", "rich", "joblib")
    code += f"\nimport sys\nprint(*[m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.split())


READ = "import sys\nfrom l2cli.data.read import read_table, read_header\n"


def test_a_header_costs_no_import(tmp_path):
    path = tmp_path / "data.csv"
    path.write_bytes(gzip.compress(b"a,b\n1,x\n"))
    assert loaded(f"{READ}assert read_header(sys.argv[1]) == ('a', 'b')", str(path)) == set()


def test_a_small_table_costs_numpy_alone(tmp_path):
    path = tmp_path / "data.csv"
    path.write_bytes(bytes([0xEF, 0xBB, 0xBF]) + b"a,b\n1,x\n" * 1000)
    assert loaded(f"{READ}assert read_table(sys.argv[1]).n_rows == 1999", str(path)) == {"numpy"}


def test_a_large_table_costs_no_pandas(tmp_path):
    path = tmp_path / "data.csv"
    path.write_bytes(b"a,b,c\n" + b"1,x,01\n?,y,02\n" * 200_000)
    assert loaded(f"{READ}assert read_table(sys.argv[1]).n_rows == 400_000", str(path)) == {
        "numpy",
        "pyarrow",
    }


def test_a_file_of_its_own_delimiter_is_not_sniffed(tmp_path):
    path = tmp_path / "data.csv"
    path.write_bytes(b"a,b;c\n1,2;3\n")
    assert read_table(str(path), ReadSpec(delimiter=";")).names == ("a,b", "c")
    assert read_table(str(path), ReadSpec(delimiter="comma")).names == ("a", "b;c")
