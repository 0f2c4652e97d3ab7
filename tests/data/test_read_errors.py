"""What is wrong with a file, in one line that says where and what to do."""

from __future__ import annotations

import bz2
import gzip
import io

import pytest

from l2cli.data.read import read_header, read_table
from l2cli.errors import DataError, L2Error, UsageError
from l2cli.spec import ReadSpec

MALFORMED = {
    "ragged, short": (
        b"a,b,price\n1,2,3\n4,5\n",
        "standard input line 3: 2 fields where the header has 3 (column 'price' would be empty); "
        "mend the line or give --delimiter",
    ),
    "ragged, long": (
        b"a,b\n1,2\n\n3,4,5\n",
        "standard input line 4: 3 fields where the header has 2 ('5' would belong to no column); "
        "mend the line or give --delimiter",
    ),
    "ragged, one field": (
        b"a,b\n1,2\nend\n",
        "standard input line 3: 1 field where the header has 2 (column 'b' would be empty); "
        "mend the line or give --delimiter",
    ),
    "ragged below a cell of two lines": (
        b'a,b\n1,"x\ny"\n2\n',
        "standard input line 4: 1 field where the header has 2 (column 'b' would be empty); "
        "mend the line or give --delimiter",
    ),
    "a stray comma in one column": (
        b"a\nx\ny, z\n",
        "standard input line 3: 2 fields where the header has 1 ('z' would belong to no column); "
        "mend the line or give --delimiter",
    ),
    "open quote": (
        b'a,b\n1,x\n2,"y\n3,z\n',
        "standard input line 3: a quote opens here and is never closed; "
        'close it, or write a quote inside a quoted cell as ""',
    ),
    "open quote below lines of its record": (
        b'a,b\n1,x\n"2\n3","y\n4,z',
        "standard input line 4: a quote opens here and is never closed; "
        'close it, or write a quote inside a quoted cell as ""',
    ),
    "open quote in the header": (
        b'a,"b\n1,x\n',
        "standard input line 1: a quote opens here and is never closed; "
        'close it, or write a quote inside a quoted cell as ""',
    ),
    "not utf-8": (
        b"a,b\n1,x\r\n2,\xe9\n",
        "standard input line 3: byte 0xe9 is not UTF-8 text; "
        "give the encoding of the file, for example --encoding latin-1",
    ),
    "not utf-8, as Windows writes the euro sign": (
        b"a,b\n1,x\n2,5 \x80\n",
        "standard input line 3: byte 0x80 is not UTF-8 text; "
        "give the encoding of the file, for example --encoding cp1252",
    ),
    "not utf-8, an accent and curly quotes in one line": (
        b"a,b\n1,x\n2,\xe9 \x93so\x94\n",
        "standard input line 3: byte 0xe9 is not UTF-8 text; "
        "give the encoding of the file, for example --encoding cp1252",
    ),
    "not utf-8, and none of Windows": (
        b"a,b\n1,x\n2,\x80\x81\n",
        "standard input line 3: byte 0x80 is not UTF-8 text; "
        "give the encoding of the file, for example --encoding latin-1",
    ),
    "a NUL byte": (
        b"a,b\n1,2\n3,\x00\n",
        "standard input line 3: a NUL byte, so this is no text in UTF-8; "
        "give a text file in UTF-8, or name its --encoding",
    ),
    "infinite": (
        b"a,b\n1,2\n3,-inf\n",
        "standard input line 3: '-inf' in column 'b' is not a finite number; "
        "correct it, or give --na '-inf' if it means missing",
    ),
    "infinite, first in the file": (
        b"a,b\n1,2\n2,Infinity\n3,4\n1e400,5\n6,7\n",
        "standard input line 3: 'Infinity' in column 'b' is not a finite number; "
        "correct it, or give --na 'Infinity' if it means missing",
    ),
    "a column with decimal points, one with commas": (
        b"rev;x;y\n7;1;2\n1.23;3,5;4\n",
        "standard input: both . and , stand in numbers: '1.23' in column 'rev' (line 3) and '3,5' in column"
        " 'x' (line 3); give the decimal sign with --decimal . or --decimal ,",
    ),
    "both decimal marks, late": (
        b"x;rev;y\n" + b"1;2;3\n" * 12 + b"3,5;7;4\n" + b"1;2;3\n" * 12 + b"1;1.00;4\n",
        "standard input: both . and , stand in numbers: '1.00' in column 'rev' (line 27) and '3,5' in column"
        " 'x' (line 14); give the decimal sign with --decimal . or --decimal ,",
    ),
    "only a header": (
        b"a,b\n\n",
        "standard input: no data rows, only a header (a, b); give --no-header if the first line is data",
    ),
    "only comments": (
        b"# made today\n# by us, again\n",
        "standard input: nothing but comments, which begin with #; "
        "give a file with rows, or --delimiter if these are the rows",
    ),
    "only words of comment": (
        b"#made\n#today\n",
        "standard input: nothing but comments, which begin with #; "
        "give a file with rows, or --delimiter if these are the rows",
    ),
    "empty": (b"", "standard input: the file is empty"),
    "blank": (b"\n \n", "standard input: the file is empty"),
    "duplicate names": (
        b"a,b,a,c,b,a\n1,2,3,4,5,6\n",
        "standard input: duplicate column names: 'a' (columns 1, 3, 6), 'b' (columns 2, 5); rename them",
    ),
    "a column without a name": (
        b"a,,c\n1,2,3\n",
        "standard input: column 2 has no name in the header; "
        "name it, or give --no-header if the first line is data",
    ),
    "columns without a name": (
        b",,c, \n1,2,3,4\n",
        "standard input: columns 2, 4 have no name in the header; "
        "name it, or give --no-header if the first line is data",
    ),
    "row names twice": (
        b",row_names\n1,2\n",
        "standard input: column 1 has no name in the header; "
        "name it, or give --no-header if the first line is data",
    ),
    "a remark behind some rows": (
        b"a,b,y\n0,0.559,1,\n1,0.668,3,ok\n2,0.1,5,ok\n",
        "standard input line 2: 4 fields where the header has 3 ('' would belong to no column); "
        "mend the line or give --delimiter",
    ),
    "one field more, and the first does not name the rows": (
        b"a,y\nx,1,2\nx,3,4\n",
        "standard input line 2: 3 fields where the header has 2 ('2' would belong to no column); "
        "mend the line or give --delimiter",
    ),
    "one field more, and most of the last are blank": (
        b"a,y\nx,1,\nz,3,4\nu,5,\n",
        "standard input line 2: 3 fields where the header has 2 ('' would belong to no column); "
        "mend the line or give --delimiter",
    ),
    "a blank line in one column": (
        b"a\n1\n\n3\n",
        "standard input line 3: a blank line in a file of one column; "
        "write NA if a value is missing there, or delete the line",
    ),
    "a line of blanks in one column": (
        b"a\n1\n2\n \t\n3\n\n4\n",
        "standard input line 4: a blank line in a file of one column; "
        "write NA if a value is missing there, or delete the line",
    ),
    "a blank line below one name": (
        b"a\n\n1\n",
        "standard input line 2: a blank line in a file of one column; "
        "write NA if a value is missing there, or delete the line",
    ),
    "many blank lines in one column": (
        b"a\n" + b"1\n" * 30 + b"\n" * 60 + b"x\n",
        "standard input line 32: a blank line in a file of one column; "
        "write NA if a value is missing there, or delete the line",
    ),
    "control characters": (
        b"a,\x1b[31mb\n1\n",
        "standard input line 2: 1 field where the header has 2 (column '\\x1b[31mb' would be empty); "
        "mend the line or give --delimiter",
    ),
}


@pytest.mark.parametrize(("content", "message"), MALFORMED.values(), ids=MALFORMED)
def test_every_way_of_reading_gives_the_same_message(content, message, read):
    with pytest.raises(DataError) as caught:
        read(content)
    assert str(caught.value) == message


def test_rows_without_a_header_are_measured_against_the_first(read):
    with pytest.raises(DataError, match="line 12: 2 fields where the first row has 3"):
        read(b"1,2,3\n" * 11 + b"3,4\n", ReadSpec(header=False))


@pytest.mark.parametrize("content", [b'""\n""\n', b'"",""\n"",\n"",""\n'])
def test_empty_rows_without_a_header_tell_no_column(content, read):
    with pytest.raises(DataError, match="standard input: the first rows are empty, so they tell no column"):
        read(content, ReadSpec(header=False))


def test_rows_with_names_are_measured_against_the_first(read):
    with pytest.raises(DataError, match="line 202: 2 fields where the first row has 3"):
        read(b"a,b\n" + b"".join(b"r%d,1,2\n" % i for i in range(200)) + b"3,4\n")


def test_an_open_quote_does_not_swallow_a_large_file(read_in):
    content = b"a,b\n" + b"1,2\n" * 10 + b'3,"x\n' + b"4,5\n" * 2_000_000
    with pytest.raises(
        DataError, match="line 12: a field of more than 131072 characters; is a quote left open"
    ):
        read_in(content, "large")


def test_a_line_without_an_end():
    with pytest.raises(
        DataError, match="standard input line 1: no end of the header is in sight; is a quote"
    ):
        read_table("-", stdin=io.BytesIO(b"x" * (5 << 20)))


def test_a_field_may_not_be_endless(read):
    with pytest.raises(DataError, match="line 2: a field of more than 131072 characters"):
        read(b"a,b\n1," + b"x" * 200_000 + b"\n2,y\n")


def test_what_is_compressed_twice_is_refused():
    with pytest.raises(DataError, match="standard input: is compressed twice"):
        read_table("-", stdin=io.BytesIO(gzip.compress(bz2.compress(b"a,b\n1,2\n"))))


ROWS = b"a,b\n" + b"1,2\n" * 500_000


def zst(content: bytes) -> bytes:
    import pyarrow as pa

    packed: bytes = pa.compress(content, codec="zstd", asbytes=True)
    return packed


PACKED = {"gzip": gzip.compress(ROWS, 1), "bzip2": bz2.compress(ROWS, 1), "zstd": zst(ROWS)}


@pytest.mark.parametrize("codec", PACKED)
def test_compressed_data_that_end_too_early(codec):
    packed = PACKED[codec]
    for length in (len(packed) - 6, len(packed) // 2):
        with pytest.raises(DataError, match=f"standard input: the {codec} data end too early; copy or down"):
            read_table("-", stdin=io.BytesIO(packed[:length]))


@pytest.mark.parametrize("codec", ["gzip", "bzip2"])
def test_compressed_data_that_are_damaged(codec):
    packed = bytearray(PACKED[codec])
    packed[len(packed) // 2 :] = bytes(len(packed) - len(packed) // 2)
    with pytest.raises(DataError, match=f"standard input: the {codec} data (are damaged|end too early)"):
        read_table("-", stdin=io.BytesIO(bytes(packed)))


def test_paths_that_are_no_files(tmp_path):
    for path, message in {
        tmp_path / "nowhere.csv": "nowhere.csv: no such file",
        tmp_path: f"{tmp_path.name}: a folder without data files; give a file, or a folder of CSV or Parquet"
        " files",
        tmp_path / ("x" * 300): "xxx: cannot be opened (File name too long)",
    }.items():
        with pytest.raises(DataError) as caught:
            read_table(str(path))
        assert str(caught.value).endswith(message)
    with pytest.raises(DataError, match="'': no such file"):
        read_table("")
    with pytest.raises(DataError, match="cannot be opened"):
        read_table("a\0b")


def test_paths_are_named_without_control_characters(tmp_path):
    with pytest.raises(DataError) as caught:
        read_table("no\x1b[31m\nsuch.csv")
    assert str(caught.value) == "no\\x1b[31m\\nsuch.csv: no such file"


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    path = tmp_path / "data.csv"
    path.write_bytes(b"a,b\n1,2\n")

    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", denied)
    with pytest.raises(DataError, match=r"data\.csv: permission denied"):
        read_table(str(path))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (ReadSpec(delimiter=""), "--delimiter ''"),
        (ReadSpec(delimiter=",,"), "--delimiter ',,': cannot separate fields"),
        (ReadSpec(delimiter="\x1b"), r"--delimiter '\\x1b'"),
        (ReadSpec(delimiter="é"), "--delimiter 'é'"),
        (ReadSpec(delimiter="a"), "--delimiter 'a'"),
        (ReadSpec(delimiter='"'), "--delimiter '\"'"),
        (ReadSpec(delimiter="."), "--delimiter and --decimal are both '.'"),
        (ReadSpec(decimal="x"), "--decimal 'x': must be . or ,"),
        (ReadSpec(encoding="klingon"), "--encoding klingon: no such encoding"),
        (ReadSpec(encoding="\xe9"), "--encoding \xe9: no such encoding"),
        (ReadSpec(encoding="base64"), "--encoding base64: no such encoding"),
    ],
)
def test_options_that_make_no_sense(spec, message):
    for reads in (read_table, read_header):
        with pytest.raises(UsageError, match=message):
            reads("-", spec, stdin=io.BytesIO(b"a,b\n1,2\n"))


def test_the_wrong_encoding():
    for content, encoding, line in [
        ("a,b\n1,é\n2,ü\n".encode(), "ascii", 2),
        ("a,b\n1,2\n".encode("utf-16")[:-1], "utf-16", 2),
        (b"\xfe\xff" + "a,b\n1,2\n".encode("utf-16-be")[:-1], "utf-16", 2),
        (b"a,b\n1,\x81\n", "cp1252", 2),
    ]:
        with pytest.raises(
            DataError, match=f"standard input line {line}: not {encoding} text; give the right"
        ):
            read_table("-", ReadSpec(encoding=encoding), stdin=io.BytesIO(content))


def test_errors_carry_a_code_for_machines(read):
    for content, code in [
        (b"a,a\n1,2\n", "duplicate_names"),
        (b"a,b\n1\n", "ragged"),
        (b"", "empty"),
        (b"a,b\n", "no_rows"),
        (b"a\ninf\n", "infinite"),
        (b"a\n\xff\n", "encoding"),
    ]:
        with pytest.raises(L2Error) as caught:
            read(content)
        assert (caught.value.code, int(caught.value.exit_status)) == (code, 3)
