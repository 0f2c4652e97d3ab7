"""Files of other formats are named and refused, whatever they are called and whoever wrote them."""

from __future__ import annotations

import gzip
import io
import pickle
import tarfile
import zipfile
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather, orc

from l2cli.data.read import read_table
from l2cli.errors import DataError
from l2cli.spec import ReadSpec


def tar() -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        member = tarfile.TarInfo("data.csv")
        member.size = 8
        archive.addfile(member, io.BytesIO(b"a,b\n1,2\n"))
    return target.getvalue()


def zipped(*names: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name in names:
            archive.writestr(name, "application/vnd.oasis.opendocument.spreadsheet")
    return target.getvalue()


def npz() -> bytes:
    target = io.BytesIO()
    np.savez(target, a=np.arange(3))
    return target.getvalue()


def arrow(write: Callable[[pa.Table, io.BytesIO], None]) -> bytes:
    target = io.BytesIO()
    write(pa.table({"a": [1, 2], "b": [1.5, 2.5]}), target)
    return target.getvalue()


def write_stream(table: pa.Table, target: io.BytesIO) -> None:
    with pa.ipc.new_stream(target, table.schema) as writer:
        writer.write_table(table)


WRITTEN = {
    "tar": (tar(), "a tar archive"),
    "zip": (zipped("data.csv"), "a zip archive"),
    "xlsx": (zipped("[Content_Types].xml", "xl/workbook.xml"), "an Excel workbook"),
    "ods": (zipped("mimetype", "content.xml"), "an OpenDocument file"),
    "npz": (npz(), "an archive of NumPy arrays (npz)"),
    "feather": (arrow(feather.write_feather), "an Arrow or Feather file"),
    "arrow stream": (arrow(write_stream), "an Arrow stream"),
    "orc": (arrow(orc.write_table), "an ORC file"),
    "lz4": (pa.compress(b"a,b\n1,2\n", codec="lz4", asbytes=True), "compressed with lz4"),
    **{
        f"pickle {protocol}": (pickle.dumps({"a": [1]}, protocol), "a pickle")
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
    },
    "pickle 0 of an array": (pickle.dumps(np.arange(3), 0), "a pickle"),
}
STARTS = {
    "rar": (b"Rar!\x1a\x07\x01\x00", "a rar archive"),
    "7z": (b"7z\xbc\xaf\x27\x1c\x00\x04", "a 7z archive"),
    "xz": (b"\xfd7zXZ\x00\x00", "compressed with xz"),
    "old excel": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "an old Excel workbook"),
    "hdf5": (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    "sqlite": (b"SQLite format 3\x00", "an SQLite database"),
    "duckdb": (bytes(range(8)) + b"DUCK@", "a DuckDB database"),
    "numpy": (b"\x93NUMPY\x01", "a NumPy array file"),
    "avro": (b"Obj\x01\x04\x14avro.codec", "an Avro file"),
    "rds": (b"X\n\x00\x00\x00\x03\x00\x04", "an R data file"),
    "rds, ascii": (b"A\n3\n262657\n197888\n5\nUTF-8\n", "an R data file"),
    "rda": (b"RDX3\nX\n", "an R data file"),
    "sas7bdat": (bytes(12) + b"\xc2\xea\x81\x60\xb3\x14\x11\xcf\xbd\x92", "a SAS data set"),
    "xpt": (b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!0000", "a SAS transport file"),
    "dta": (b"<stata_dta><header><release>118", "a Stata data set"),
    "old dta": (b"\x72\x02\x01\x00\x05\x00", "a Stata data set"),
    "sav": (b"$FL2@(#) SPSS DATA FILE", "an SPSS data file"),
    "por": (b"ASCII SPSS PORT FILE".rjust(60), "an SPSS portable file"),
    "mat": (b"MATLAB 5.0 MAT-file, Platform: GLNXA64", "a MATLAB file"),
    "pdf": (b"%PDF-1.7", "a PDF or an image"),
    "elf": (b"\x7fELF\x02\x01\x01\x00", "a program"),
    "exe": (b"MZ\x90\x00\x03", "a program"),
    "rtf": (b"{\\rtf1\\ansi hello}", "a document in RTF"),
    "json": (b'[{"a": 1}]', "JSON"),
    "json object": (b'{\n "a": 1}', "JSON"),
    "json numbers": (b"[1, 2, 3]\n", "JSON"),
    "json rows": (b"[[1, 2], [3, 4]]", "JSON"),
    "html": (b"\n<!DOCTYPE html><html>", "an HTML or XML page"),
    "html behind a mark": (b"\xef\xbb\xbf<html><body>", "an HTML or XML page"),
    "html in utf-16": ("<html><body>".encode("utf-16"), "an HTML or XML page"),
    "html table": (b"<table><tr><td>1</td></tr></table>", "an HTML or XML page"),
    "git lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 3\n", "a Git LFS pointer"),
    "arff": (b"% c\n\n@RELATION r\n@ATTRIBUTE a NUMERIC\n@DATA\n1\n", "an ARFF file"),
    "matrix market": (b"%%MatrixMarket matrix coordinate real general\n", "a Matrix Market file"),
    "sql": (b"CREATE TABLE t (a int);\nINSERT INTO t VALUES (1);\n", "SQL"),
    "libsvm": (b"1 1:0.5 3:2.0\n-1 2:0.1 3:2\n", "in the format of LIBSVM"),
    "libsvm with queries": (b"3 qid:1 1:1 2:0.5 # doc\n2 qid:1 1:0 2:1\n", "in the format of LIBSVM"),
    "yaml": (b"a: 1\nb: 2\n", "YAML"),
    "yaml list": (b"---\n- a: 1\n  b: 2\n- a: 3\n  b: 4\n", "YAML"),
    "toml": (b'[x]\na = 1\nb = "c"\n', "TOML or INI"),
}


@pytest.mark.parametrize(("content", "what"), [*WRITTEN.values(), *STARTS.values()], ids=[*WRITTEN, *STARTS])
def test_other_formats_are_named(content, what, read):
    with pytest.raises(DataError) as caught:
        read(content)
    assert caught.value.message == f"standard input: is {what}, not a table of text or Parquet"
    assert caught.value.hint


# Tables that begin like something else.
TABLES = {
    "a name in brackets": b"[x],[y]\n1,2\n",
    "intervals": b'"[0,1)","[1,2)"\n1,2\n',
    "one column called A": b"A\n2\n3\n4\n",
    "one column called cost": b"cost\n12\n13\n",
    "a column called MATLAB": b"MATLAB,R\n1,2\n",
    "a column called RDX": b"RDX,y\n1,2\n",
    "a column called PK": b"PK,y\n1,2\n",
    "a column called Obj": b"Obj,y\n1,2\n",
    "percent signs": b"%a,%b\n1,2\n",
    "at signs": b"@a,@b\n1,2\n",
    "a column called key:": b"key: x,y\n1,2\n",
    "times": b"x time\n1 12:30\n2 12:40\n",
    "an equals sign": b"a=b,c\n1,2\n",
}


@pytest.mark.parametrize("content", TABLES.values(), ids=TABLES)
def test_tables_that_begin_alike_are_read(content, read):
    assert read(content).n_rows > 0


def test_whoever_names_the_delimiter_is_believed(read):
    table = read(b"1 1:30\n2 1:40\n", ReadSpec(delimiter="space", header=False))
    assert table.texts["x2"].levels == ("1:30", "1:40")


def test_what_is_packed_is_told_by_its_content():
    for content, what in ((tar(), "a tar archive"), STARTS["rds"]):
        with pytest.raises(DataError, match=f"standard input: is {what}"):
            read_table("-", stdin=io.BytesIO(gzip.compress(content)))


def test_a_renamed_file_is_told_by_its_content(tmp_path):
    path = tmp_path / "data.csv"
    path.write_bytes(tar())
    with pytest.raises(DataError, match=r"data\.csv: is a tar archive, .*; unpack it first, with tar -xf"):
        read_table(str(path))


def test_brackets_of_a_header_are_no_json(read):
    assert list(read(b"[[,0\nword 0,1\n").names) == ["[[", "0"]
