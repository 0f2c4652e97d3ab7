"""Files of other formats, told by their content and refused by name, with what to do about it.

Standard library only. Nothing is compiled before a byte speaks for it: every file that is read comes by here.
"""

from __future__ import annotations

import codecs
import re

from l2cli.errors import DataError

GZIP = b"\x1f\x8b"
ZSTD = b"\x28\xb5\x2f\xfd"
BZIP2 = rb"BZh[1-9](1AY&SY|\x17rE8P\x90)"
# Behind the mark stands binary data; of encrypted columns, their length in four bytes.
_BINARY = rb"([\x00-\x08\x0e-\x1f]|[\s\S]{3}\x00|$)"
PARQUET = rb"PAR1" + _BINARY

_CSV, _TABLE, _UNPACK = "save it as CSV", "save it as Parquet or CSV", "unpack it first"
_GIVE, _EXPORT = "give CSV or Parquet", "export the table as CSV"
_R = "write it in R with write.csv(data, file, row.names = FALSE)"
_PYTHON = "write it in Python with to_parquet or to_csv"

# What the first bytes are, what that is, what to do.
_STARTS: tuple[tuple[bytes, str, str], ...] = (
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", _CSV),
    (b"\xfd7zXZ\x00", "compressed with xz", _UNPACK),
    (b"\x5d\x00\x00", "compressed with lzma", _UNPACK),
    (b"\x04\x22\x4d\x18", "compressed with lz4", _UNPACK),
    (b"\xff\x06\x00\x00sNaPpY", "compressed with snappy", _UNPACK),
    (b"\x1f\x9d", "compressed with compress", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (b"Rar!\x1a\x07", "a rar archive", _UNPACK),
    (b"ARROW1\x00\x00", "an Arrow or Feather file", "save it as Parquet"),
    (b"FEA1\x00", "a Feather file", "save it as Parquet"),
    (b"\xff\xff\xff\xff", "an Arrow stream", "save it as Parquet"),
    (b"Obj\x01", "an Avro file", _TABLE),
    (b"\x89HDF\r\n", "an HDF5 file", _TABLE),
    (b"SQLite format 3\x00", "an SQLite database", _EXPORT),
    (b"\x93NUMPY", "a NumPy array file", _CSV),
    (b"X\n\x00\x00\x00", "an R data file", _R),
    (b"RDX2\n", "an R data file", _R),
    (b"RDX3\n", "an R data file", _R),
    (b"RDA2\n", "an R data file", _R),
    (b"RDA3\n", "an R data file", _R),
    (bytes(12) + b"\xc2\xea\x81\x60\xb3\x14", "a SAS data set", _CSV),
    (b"HEADER RECORD*******LIB", "a SAS transport file", _CSV),
    (b"<stata_dta>", "a Stata data set", _CSV),
    (b"$FL2@(#)", "an SPSS data file", _CSV),
    (b"$FL3@(#)", "an SPSS data file", _CSV),
    (b"MATLAB 5.0 MAT", "a MATLAB file", _CSV),
    (b"MATLAB 7.3 MAT", "a MATLAB file", _CSV),
    (b"%PDF-", "a PDF or an image", _GIVE),
    (b"\x89PNG", "a PDF or an image", _GIVE),
    (b"\xff\xd8\xff", "a PDF or an image", _GIVE),
    (b"GIF8", "a PDF or an image", _GIVE),
    (b"\x7fELF", "a program", _GIVE),
    (b"{\\rtf", "a document in RTF", _CSV),
    (b"version https://git-lfs", "a Git LFS pointer", "fetch the file itself with git lfs pull"),
    (b"%%MatrixMarket", "a Matrix Market file", _CSV),
)
# Where patterns are needed, each behind the bytes that it may start with.
_PATTERNS: tuple[tuple[bytes, bytes, str, str], ...] = (
    (b"P", rb"PK\x03\x04[\s\S]{26}mimetypeapplication/vnd\.oasis", "an OpenDocument file", _CSV),
    (b"P", rb"PK\x03\x04[\s\S]{26}[^/\x00]*\.npy", "an archive of NumPy arrays (npz)", _CSV),
    (b"P", rb"PK\x03\x04(?=[\s\S]{0,4000}(xl/|\[Content_Types\]))", "an Excel workbook", _CSV),
    (b"P", rb"PK(\x03\x04|\x05\x06)", "a zip archive", _UNPACK),
    (b"P", rb"PARE" + _BINARY, "an encrypted Parquet file", "write it without encryption"),
    (b"O", rb"ORC[\x00-\x1f]", "an ORC file", "save it as Parquet"),
    (b"A", rb"A\n[23]\n\d{6}\n(131840|197888)\n", "an R data file", _R),
    (b"hqrs", rb"[hqrs][\x01\x02]\x01\x00", "a Stata data set", _CSV),
    (b"\x80", rb"\x80[\x02-\x05]", "a pickle", _PYTHON),
    (b"(]}", rb"([(\]}]q\x00|\([dlt]p\d+\n)", "a pickle", _PYTHON),
    (b"c", rb"c(copy_?reg|numpy|pandas|(__)?builtin|collections|__main__)[\w.]*\n", "a pickle", _PYTHON),
    (b"M", rb"MZ[\x00-\x08\x0e-\x1f\x80-\xff]", "a program", _GIVE),
)  # fmt: skip
_TEXTS: tuple[tuple[bytes, bytes, str, str], ...] = (
    (b"<", rb"<(!doctype|html|head|body|table|\?xml|!--|svg|workbook)", "an HTML or XML page", _GIVE),
    (b"[{", rb"(\{\s*[\"}]|\[\s*(\[\s*([-\d\[{\"\]]|true|false|null)|[{\"]))", "JSON", _GIVE),
    (b"[", rb"\[\s*-?\d[\d.eE+-]*\s*(,\s*-?\d[\d.eE+-]*\s*)*(\]\s*$|$)", "JSON", _GIVE),
    (b"@%", rb"(%[^\n]*\n\s*)*@relation\s", "an ARFF file", _CSV),
    (b"-CIP", rb"(-- (MySQL|PostgreSQL|MariaDB)|(CREATE TABLE|INSERT INTO|PRAGMA) )", "SQL", _EXPORT),
)  # fmt: skip

# Text whose every line looks so, at least one of them in the group, is no table though it could pass for one.
# In front what the first line must hold.
_LINES: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (
        (":",),
        r"[-+]?[\d.]+([eE][-+]?\d+)?(?: qid:\d+)?( \d+:[-+\d.eE]+)* *(?:#.*)?",
        "in the format of LIBSVM",
    ),
    ((":", "---"), r" *(?:---|\.\.\.|- +\S.*|(?:- +)*([\w.\"'-]+:(?: .*)?)|#.*)", "YAML"),
    (("=", "["), r" *(?:(\[+[\w.\" -]+\]+|[\w.\"-]+ *= *\S.*)|[#;].*)", "TOML or INI"),
)
_LINES_READ = 20


def codec_of(head: bytes) -> str | None:
    """Return the compression that the first bytes tell, or None."""
    if head.startswith(GZIP):
        return "gzip"
    if head.startswith(ZSTD):
        return "zstd"
    return "bzip2" if head.startswith(b"BZh") and re.match(BZIP2, head) else None


def is_parquet(head: bytes) -> bool:
    """Return True where a Parquet file begins so."""
    return head.startswith(b"PAR1") and re.match(PARQUET, head) is not None


def foreign(head: bytes) -> tuple[str, str] | None:
    """Return what a file is by its first bytes, and what to do; None where nothing speaks against a table."""
    for start, what, hint in _STARTS:
        if head.startswith(start):
            return what, hint
    if head[257:262] == b"ustar":
        return "a tar archive", "unpack it first, with tar -xf"
    if head[8:12] == b"DUCK":
        return "a DuckDB database", "export the table as CSV"
    if b"SPSS PORT FILE" in head[:512]:
        return "an SPSS portable file", _CSV
    text = _as_ascii(head).lstrip()
    for data, patterns in ((head, _PATTERNS), (text, _TEXTS)):
        for starts, pattern, what, hint in patterns:
            if data[:1] and data[:1] in starts and re.match(pattern, data, re.IGNORECASE):
                return what, hint
    return None


def refuse_text_format(sample: str, label: str) -> None:
    """Raise DataError where the first lines are those of another format of text, and of no table.

    Raises
    ------
    DataError
        For LIBSVM, YAML, TOML and INI. These are told by all lines together, not by a mark at the start, so
        whoever names the delimiter is believed instead.
    """
    lines = [line.rstrip() for line in sample[: 1 << 14].split("\n", 3 * _LINES_READ)[:-1] if line.strip()]
    lines = lines[:_LINES_READ] or [sample[: 1 << 14].strip()]
    for marks, pattern, what in _LINES:
        if not any(mark in lines[0] for mark in marks) or (len(lines) < 2 and "qid" not in pattern):
            continue
        found = [re.fullmatch(pattern, line) for line in lines]
        if all(found) and any(match is not None and match[match.re.groups] for match in found):
            raise DataError(
                f"{label}: is {what}, not a table of text or Parquet",
                hint=f"{_CSV}, or give --delimiter if it is a table",
                code="format",
            )


def _as_ascii(head: bytes) -> bytes:
    """Return the beginning of a text without byte order mark and without the NUL bytes of UTF-16."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head[2:].replace(b"\0", b"")
    return head.removeprefix(codecs.BOM_UTF8)
