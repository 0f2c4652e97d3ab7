"""Write the specimens of the zoo anew: ``python tests/data_zoo/make.py``. ``expected.json`` is no part of it.

Every file has one trait, which its name tells. Texts are spelled out here; packed ones, archives and Parquet
are made by the libraries that others make theirs with.
"""

from __future__ import annotations

import bz2
import datetime as dt
import gzip
import io
import json
import lzma
import pickle
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent

# The table of most specimens whose trait is not in their cells.
PLAIN = "x,g,y\n1.5,a,10\n-2,b,20\n3,a,30\n"
ROWS_30 = range(1, 31)


def unpacked_delimiters() -> dict[str, str]:
    """Return texts that differ in what separates their fields."""
    return {
        "comma.csv": PLAIN,
        "semicolon.csv": PLAIN.replace(",", ";"),
        "tab.tsv": PLAIN.replace(",", "\t"),
        "pipe.txt": PLAIN.replace(",", "|"),
        "blanks.txt": "x     g   y\n1.5   a  10\n-2    b  20\n 3    a  30\n",
        "single_column.csv": "x\n1.5\n-2\n3\n",
        "semicolon_decimal_comma.csv": "x;g;y\n1,5;a;10\n-2,25;b;20\n0,125;a;30\n",
        "tab_decimal_comma.tsv": "x\tg\ty\n1,5\ta\t10\n-2,25\tb\t20\n0,125\ta\t30\n",
        "semicolon_commas_in_text.csv": "name;x;y\nSmith, Ann;1.5;10\nLee, Bo;2.5;20\nKim, Cy;3.5;30\n",
        "comma_in_quoted_cells.csv": 'name,x,y\n"Smith, Ann",1.5,10\n"Lee, Bo",2.5,20\n"Kim, Cy",3.5,30\n',
        "comma_in_quoted_name.csv": '"price, USD",y\n1.5,10\n2.5,20\n',
        "tab_blanks_in_cells.tsv": "city\ty\nNew York\t10\nLos Angeles\t20\nBonn\t30\n",
        "tab_empty_cells.tsv": "x\tz\ty\n1.5\t\t10\n\t2\t20\n3\t\t30\n",
        "excel_sep_line.csv": "sep=;\nx;g;y\n1.5;a;10\n-2;b;20\n3;a;30\n",
        "colon.txt": PLAIN.replace(",", ":"),
        "colon_named.txt": PLAIN.replace(",", ":"),
        "two_bars.txt": PLAIN.replace(",", "||"),
    }


def unpacked_quotes() -> dict[str, str]:
    """Return texts that differ in their quotes."""
    return {
        "quoted_newline.csv": 'x,note,y\n1.5,"two\nlines",10\n-2,"one",20\n3,"a\n\nb",30\n',
        "quoted_quotes.csv": 'x,note,y\n1.5,"say ""hi""",10\n-2,"""",20\n3,plain,30\n',
        "all_quoted.csv": '"x","g","y"\n"1.5","a","10"\n"-2","b","20"\n"3","a","30"\n',
        "quote_inside_cell.csv": 'x,pipe,y\n1.5,5" wide,10\n-2,6" wide,20\n3,7" wide,30\n',
        "blank_before_quote.csv": 'x, "g", y\n1.5, "a, b", 10\n-2, "c", 20\n',
        "quoted_missing.csv": 'x,g,y\n"NA","NA",10\n"","",20\n"3","a",30\n',
        "open_quote.csv": 'x,g,y\n1.5,a,10\n-2,"b,20\n3,a,30\n',
        "backslash_quotes.csv": 'x,note,y\n1.5,"say \\"hi, you\\" now",10\n-2,"b",20\n3,"c",30\n',
        "single_quotes.csv": "name,x,y\n'Smith, Ann',1.5,10\n'Lee, Bo',2.5,20\n'Kim, Cy',3.5,30\n",
    }


def unpacked_numbers() -> dict[str, str]:
    """Return texts that differ in how numbers are written."""
    return {
        "thousands_comma.csv": 'rev,y\n"1,200",1\n950,2\n"12,345,678",3\n"1,000.5",4\n',
        "thousands_point.csv": "rev;y\n1.200,50;1\n950,25;2\n12.345.678,00;3\n",
        "thousands_narrow_blank.csv": "rev;y\n1\u202f200.5;1\n950;2\n12\u202f345\u202f678;3\n",
        "thousands_apostrophe.csv": "rev,y\n1'200.50,1\n950.25,2\n12'345'678.00,3\n",
        "thousands_and_a_word.csv": 'rev,y\n"1,200",1\n"2,300",2\n"4,100",3\nmany,4\n"5,200",5\n',
        "currency_dollar.csv": 'price,y\n"$1,234.50",1\n$99.00,2\n-$5.25,3\n$0.75,4\n',
        "currency_euro_behind.csv": "price;y\n12,50 €;1\n1.300,00 €;2\n0,99 €;3\n",
        "currency_brackets.csv": 'gain,y\n"$1,200.00",1\n($45.50),2\n$3.25,3\n',
        "two_currencies.csv": "price,y\n$5.00,1\n$6.00,2\n$7.00,3\n€8.00,4\n",
        "percent.csv": "share,y\n12.5%,1\n3%,2\n-0.5%,3\n100%,4\n",
        "percent_and_a_word.csv": "share,y\n12.5%,1\n3%,2\n7%,3\nhalf,4\n",
        "unicode_minus.csv": "x,y\n1.5,1\n\u22122.5,2\n3.25,3\n",
        "both_decimal_marks.csv": "x;z;y\n1.25;1;1\n2.5;3,5;2\n3.75;4,25;3\n",
        "scientific.csv": "x,y\n1e3,1\n-2.5E-2,2\n3.0e+10,3\n.5,4\n7.,5\n+4,6\n",
        "leading_zero_codes.csv": "zip,y\n01234,1\n98765,2\n00501,3\n01234,4\n",
        "leading_zero_decimals.csv": "x,y\n0.5,1\n0,2\n00.25,3\n-0.75,4\n",
        "padded_numbers.csv": "x,  z,y\n  1.5,10 ,1\n -2  ,  7,2\n\t3 ,0,3\n",
        "padded_text.csv": "g,y\n  a ,1\nb  ,2\n   c,3\n",
        "integers_beyond_2_53.csv": "n,y\n9007199254740993,1\n9007199254740992,2\n5,3\n",
        "extreme_numbers.csv": (
            "x,y\n1.7976931348623157e308,1\n5e-324,2\n-0.0,3\n0.1,4\n2.2250738585072011e-308,5\n"
        ),
        "hexadecimal_and_underscores.csv": "g,y\n0x10,1\n1_000,2\n0x1F,3\n",
        "telephone_numbers.csv": "g,y\n555-1234,1\n555-9999,2\n556-1234,3\n",
        "times_of_day.csv": "g,y\n10:30,1\n11:45,2\n23:59,3\n",
        "versions_and_addresses.csv": "v,ip,y\n1.2.3,10.0.0.1,1\n1.10.0,192.168.1.20,2\n",
        "addresses_of_three_digits.csv": "ip,y\n192.168.100.100,1\n172.168.100.101,2\n",
        "ranges.csv": "age,y\n18-25,1\n26-40,2\n41-99,3\n",
        "units.csv": "length,y\n5 km,1\n6 km,2\n7 km,3\n",
        "digits_of_other_scripts.csv": "g,y\n१२,1\n３４,2\n",
        "infinite.csv": "x,y\n1.5,1\ninf,2\n3,3\n",
        "overflowing.csv": "x,y\n1.5,1\n2,2\n1e999,3\n",
        "one_word_among_numbers.csv": "x,y\n1.5,1\n2,2\nabout 3,3\n4,4\n",
    }


def unpacked_missing() -> dict[str, str]:
    """Return texts that differ in how a missing value is written."""
    numbers = "x,y\n1.5,1\n{},2\n3,3\n{},4\n"
    spellings = ["", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "#N/A"]
    return {
        "missing_spellings.csv": "x,y\n1.5,0\n" + "".join(f"{s},{k}\n" for k, s in enumerate(spellings, 1)),
        "missing_question_mark.csv": numbers.format("?", "?"),
        "missing_point.csv": numbers.format(".", "."),
        "missing_dash.csv": numbers.format("-", "-"),
        "missing_in_text.csv": "g,y\na,1\n?,2\nNA,3\n-,4\n,5\nb,6\n",
        "missing_named.csv": "x,g,y\n-999,none,1\n1.5,a,2\nNA,b,3\n",
        "all_missing.csv": "x,nothing,y\n1.5,NA,1\n2.5,,2\n3.5,NA,3\n",
        "word_none_is_text.csv": "g,y\nNone,1\na,2\nNo answer,3\n",
    }


def unpacked_layouts() -> dict[str, str]:
    """Return texts that differ in their lines: header, rows, comments, blank ones."""
    return {
        "crlf.csv": PLAIN.replace("\n", "\r\n"),
        "cr_only.csv": PLAIN.replace("\n", "\r"),
        "mixed_line_ends.csv": "x,g,y\r\n1.5,a,10\n-2,b,20\r3,a,30\r\n",
        "no_final_newline.csv": PLAIN.rstrip("\n"),
        "blank_lines.csv": "\nx,g,y\n\n1.5,a,10\n   \n-2,b,20\n3,a,30\n\n\n",
        "blank_line_in_single_column.csv": "x\n1.5\n\n3\n",
        "comments_above.csv": "# measured in May\n# by hand\nx,g,y\n1.5,a,10\n-2,b,20\n3,a,30\n",
        "comments_between.csv": "x,g,y\n1.5,a,10\n# the probe was changed here\n-2,b,20\n3,a,30\n# end\n",
        "commented_header.csv": "#x,g,y\n1.5,a,10\n-2,b,20\n3,a,30\n",
        "hash_in_cells.csv": "tag,y\n#1,10\n#2,20\nno. 3,30\n",
        "row_names_unnamed.csv": ",x,y\nr1,1.5,10\nr2,-2,20\nr3,3,30\n",
        "row_names_short_header.csv": "x,y\nr1,1.5,10\nr2,-2,20\nr3,3,30\n",
        "missing_header.csv": "1.5,7,10\n-2,8,20\n3,9,30\n",
        "missing_header_of_words.csv": "a,1.5,10\nb,-2,20\na,3,30\nb,4,40\n",
        "missing_header_said.csv": "1.5,a,10\n-2,b,20\n3,a,30\n",
        "years_as_names.csv": "country,2019,2020,2021\nPeru,1.5,2.5,3.5\nChad,4.5,5.5,6.5\n",
        "padded_names.csv": "  x , g,y  \n1.5,a,10\n-2,b,20\n3,a,30\n",
        "names_differ_in_case.csv": "x,X,y\n1.5,7,10\n-2,8,20\n3,9,30\n",
        "trailing_delimiters.csv": "x,g,y,\n1.5,a,10,\n-2,b,20,\n3,a,30,\n",
        "trailing_delimiters_in_rows.csv": "x,g,y\n1.5,a,10,\n-2,b,20,\n3,a,30,\n",
        "trailing_delimiter_in_header.csv": "x,g,y,\n1.5,a,10\n-2,b,20\n3,a,30\n",
        "trailing_delimiter_in_one_row.csv": "x,g,y\n1.5,a,10\n-2,b,20,\n3,a,30\n",
        "ragged_short.csv": "x,g,y\n1.5,a,10\n-2,b\n3,a,30\n",
        "ragged_long.csv": "x,g,y\n1.5,a,10\n-2,b,20,7\n3,a,30\n",
        "title_above.csv": "Sales of May\nx,g,y\n1.5,a,10\n-2,b,20\n3,a,30\n",
        "units_below.csv": "x,z,y\nkm,kg,s\n1.5,2,10\n-2,3,20\n3,4,30\n",
        "duplicate_names.csv": "x,g,x\n1.5,a,10\n-2,b,20\n",
        "unnamed_column.csv": "x,,y\n1.5,a,10\n-2,b,20\n",
        "header_only.csv": "x,g,y\n",
        "empty.csv": "",
        "blank.csv": "\n  \n\t\n",
        "long_cell.csv": f"x,note,y\n1.5,{'long ' * 14_000}end,10\n-2,short,20\n",
        "endless_cell.csv": f"x,note,y\n1.5,{'x' * 140_000},10\n-2,short,20\n",
        "single_row.csv": "x,g,y\n1.5,a,10\n",
        "duplicate_names_but_for_blanks.csv": "x, x,y\n1.5,2,10\n-2,3,20\n",
        "two_files_in_one.csv": "x,y\n1.5,10\n-2,20\nx,y\n3,30\n4,40\n",
    }


def unpacked_hostile() -> dict[str, str]:
    """Return texts with what a terminal, a shell, a spreadsheet or a page would take for its own."""
    return {
        "control_characters.csv": "x,g,y\n1.5,\x1b[31mred,10\n-2,\x07bell,20\n",
        "control_characters_ragged.csv": "x,\x1b]0;title\x07g,y\n1.5,\x1b[31mred\n",
        "markup_and_formulas.csv": (
            "[red]x[/red],$(touch zoo),=1+1,<b>z</b>,y\n"
            "1.5,`id`,=cmd|' /C calc'!A0,</table>,10\n"
            "-2,[/],'; DROP TABLE t; --,<script>,20\n"
        ),
    }


def unpacked_roles() -> dict[str, str]:
    """Return texts whose columns play a role, of thirty rows where a role shows in many rows only."""
    rows = [f"{(7 * k) % 11 / 4},{k * k % 13}" for k in ROWS_30]
    dates = [dt.date(2020, 12, 20) + dt.timedelta(k) for k in ROWS_30]

    def beside(name: str, cells: list[str]) -> str:
        lines = [f"{cell},{row}\n" for cell, row in zip(cells, rows, strict=True)]
        return f"{name},x,y\n" + "".join(lines)

    def target(labels: list[str]) -> str:
        lines = [f"{row},{labels[k % len(labels)]}\n" for k, row in enumerate(rows)]
        return "x,z,label\n" + "".join(lines)

    return {
        "role_numeric.csv": beside("w", [f"{k * 37 % 31 / 7:.4f}" for k in ROWS_30]),
        "role_categorical.csv": beside("kind", [("pear", "apple", "fig")[k % 3] for k in ROWS_30]),
        "role_boolean.csv": beside("smoker", [("true", "false")[k % 3 == 0] for k in ROWS_30]),
        "role_boolean_of_numbers.csv": beside("smoker", [str(int(k % 3 == 0)) for k in ROWS_30]),
        "role_identifier_text.csv": beside("patient", [f"P{k:03d}-{k * 7919 % 997}" for k in ROWS_30]),
        "role_identifier_counting.csv": beside("id", [str(k) for k in ROWS_30]),
        "role_identifier_unsorted.csv": beside("customer_id", [str(k * 17 % 31 + 400) for k in ROWS_30]),
        "role_continuous_all_distinct.csv": beside("dose", [f"{k * 1.37:.2f}" for k in ROWS_30]),
        "role_whole_numbers_all_distinct.csv": beside("weight", [str(k * 17 % 31 + 50) for k in ROWS_30]),
        "role_constant.csv": beside("site", ["7"] * 30),
        "role_constant_text.csv": beside("site", ["north"] * 30),
        "only_one_text.csv": "site,y\n" + "".join(f"north,{k * k % 13}\n" for k in ROWS_30),
        "role_all_missing.csv": beside("remark", ["NA", ""] * 15),
        "role_date.csv": beside("day", [day.isoformat() for day in dates]),
        "role_time.csv": beside("at", [f"{day} {k % 24:02d}:30:00" for k, day in enumerate(dates)]),
        "role_date_day_first.csv": beside("day", [f"{day:%d/%m/%Y}" for day in dates]),
        "role_codes.csv": beside("zip", [f"{k % 4:05d}" for k in ROWS_30]),
        "target_two_levels.csv": target(["no", "yes", "no"]),
        "target_three_levels.csv": target(["low", "mid", "high"]),
        "target_zero_one.csv": target(["0", "1", "0"]),
        "target_boolean.csv": target(["TRUE", "FALSE", "FALSE"]),
        "target_one_level.csv": target(["yes"]),
        "labels_differ_in_case.csv": beside("answer", [("yes", "no", "Yes")[k % 3] for k in ROWS_30]),
        "labels_differ_in_blanks.csv": beside(
            "city", [("New York", "Bonn", "New  York")[k % 3] for k in ROWS_30]
        ),
        "target_labels_differ_in_case.csv": target(["yes", "no", "Yes"]),
    }


def encoded() -> dict[str, bytes]:
    """Return texts that differ in their encoding."""
    words = "x,città,y\n1.5,Orléans,10\n-2,Zürich,20\n3,Orléans,30\n"
    return {
        "utf8.csv": "x,città,y\n1.5,Orléans,10\n-2,東京,20\n3,🦩,30\n".encode(),
        "utf8_bom.csv": b"\xef\xbb\xbf" + words.encode(),
        "utf8_bom_quoted_name.csv": b"\xef\xbb\xbf" + b'"x",g,y\n1.5,a,10\n-2,b,20\n3,a,30\n',
        "utf16le_bom.csv": b"\xff\xfe" + words.encode("utf-16-le"),
        "utf16be_bom.csv": b"\xfe\xff" + words.encode("utf-16-be"),
        "utf16le_no_bom.csv": words.encode("utf-16-le"),
        "utf32le_bom.csv": b"\xff\xfe\x00\x00" + words.encode("utf-32-le"),
        "latin1.csv": words.encode("latin-1"),
        "latin1_named.csv": words.encode("latin-1"),
        "cp1252_named.csv": "x,g,y\n1.5,“a”,10\n-2,5 €,20\n".encode("cp1252"),
        "nul_bytes.csv": b"x,g,y\n1.5,a,10\n-2,\x00b,20\n3,a,30\n",
        "utf8_cut_character.csv": "x,g,y\n1.5,a,10\n-2,é".encode()[:-1],
    }


def zstd(content: bytes) -> bytes:
    """Return content packed by zstd."""
    import pyarrow as pa

    packed: bytes = pa.compress(content, codec="zstd", asbytes=True)
    return packed


def gz(content: bytes) -> bytes:
    """Return content packed by gzip, without the time."""
    return gzip.compress(content, mtime=0)


def packed() -> dict[str, bytes]:
    """Return packed texts, whole and not."""
    plain = PLAIN.encode()
    many = ("x,g,y\n" + "".join(f"{k * 7919 % 1009},{'ab'[k % 2]},{k}\n" for k in range(400))).encode()
    flipped = bytearray(gz(many))
    flipped[len(flipped) // 2] ^= 0xFF
    return {
        "packed.csv.gz": gz(plain),
        "packed.csv.bz2": bz2.compress(plain),
        "packed.csv.zst": zstd(plain),
        "gz_without_suffix.csv": gz(plain),
        "text_called_gz.csv.gz": plain,
        "two_members.csv.gz": gz(plain) + gz(b"4,b,40\n"),
        "two_streams.csv.bz2": bz2.compress(plain) + bz2.compress(b"4,b,40\n"),
        "zeros_behind.csv.gz": gz(plain) + bytes(64),
        "junk_behind.csv.gz": gz(plain) + b"junk",
        "nothing.csv.gz": gz(b""),
        "truncated.csv.gz": gz(many)[:-200],
        "truncated.csv.bz2": bz2.compress(many)[:-200],
        "truncated.csv.zst": zstd(many)[:-200],
        "truncated_trailer.csv.gz": gz(many)[:-4],
        "damaged.csv.gz": bytes(flipped),
        "packed_twice.csv.gz": gz(bz2.compress(plain)),
        "bomb.csv.gz": gz(b"x,y\n" + b"1,2\n" * 100_000),
    }


def zipped(**files: bytes) -> bytes:
    """Return a zip archive of these files; ``__`` in a name stands for a slash, ``_dot_`` for a point."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name.replace("__", "/").replace("_dot_", "."))
            archive.writestr(info, content)
    return target.getvalue()


def tarred(content: bytes) -> bytes:
    """Return a tar archive of one file."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        info = tarfile.TarInfo("data.csv")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return target.getvalue()


def database() -> bytes:
    """Return an SQLite database of one table."""
    connection = sqlite3.connect(":memory:")
    connection.execute("create table t (x real, y real)")
    return bytes(connection.serialize())


def feather() -> bytes:
    """Return an Arrow file, which Feather is."""
    import pyarrow as pa

    target = io.BytesIO()
    table = pa.table({"x": [1.5]})
    with pa.ipc.new_file(target, table.schema) as writer:
        writer.write_table(table)
    return target.getvalue()


def foreign() -> dict[str, bytes]:
    """Return files of other formats; most are called as if they were CSV."""
    plain = PLAIN.encode()
    rows = [{"x": 1.5, "y": 10}, {"x": -2, "y": 20}]
    return {
        "zip_archive.csv": zipped(data_dot_csv=plain),
        "workbook.xlsx": zipped(xl__workbook_dot_xml=b"<workbook/>"),
        "old_workbook.xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(56),
        "tar_archive.csv": tarred(plain),
        "xz.csv.xz": lzma.compress(plain),
        "seven_zip.7z": b"7z\xbc\xaf\x27\x1c\x00\x04" + bytes(24),
        "json_records.csv": json.dumps(rows).encode(),
        "json_lines.csv": "".join(json.dumps(row) + "\n" for row in rows).encode(),
        "html_page.csv": b"<!DOCTYPE html>\n<html><body><table><tr><td>1</td></tr></table></body></html>\n",
        "xml.csv": b"<?xml version='1.0'?>\n<rows><row x='1'/></rows>\n",
        "sqlite.csv": database(),
        "pickle.csv": pickle.dumps(rows, protocol=4),
        "r_data.csv": b"RDX3\nX\n\x00\x00\x00\x03" + bytes(24),
        "feather.csv": feather(),
        "orc.csv": b"ORC\x0a\x0b" + bytes(24),
        "hdf5.csv": b"\x89HDF\r\n\x1a\n" + bytes(24),
        "numpy_array.csv": b"\x93NUMPY\x01\x00v\x00{'descr': '<f8'}" + bytes(24),
        "pdf.csv": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n",
        "image.csv": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(24),
        "libsvm.csv": b"1 1:0.5 3:2\n-1 2:1.5 3:1\n1 1:0.25 2:1\n",
    }


def parquet_columns() -> dict[str, Any]:
    """Return the columns of the Parquet specimens, by file and name."""
    import pyarrow as pa

    x, y = pa.array([1.5, -2.0, 3.0]), pa.array([10.0, 20.0, 30.0])
    prices = [Decimal("1.25"), None, Decimal("-0.10")]
    whole = {"i": pa.array([1, None, -3], pa.int8()), "u": pa.array([1, 2, 2**40], pa.uint64())}
    moments = [dt.datetime(2020, 12, 31, 23, 30), None, dt.datetime(2021, 2, 1, 0, 0, 1, 500_000)]
    return {
        "plain.parquet": {"x": x, "g": pa.array(["a", "b", "a"]), "y": y},
        "dictionary_text.parquet": {"g": pa.array(["b", None, "b"]).dictionary_encode(), "y": y},
        "decimals.parquet": {"x": pa.array(prices, pa.decimal128(9, 2)), "y": y},
        "booleans.parquet": {"b": pa.array([True, False, None]), "y": y},
        "timestamps.parquet": {"at": pa.array(moments, pa.timestamp("us")), "y": y},
        "time_zone.parquet": {"at": pa.array(moments, pa.timestamp("us", tz="UTC")), "y": y},
        "dates.parquet": {"day": pa.array([dt.date(2021, 1, 31), None, dt.date(1969, 7, 21)]), "y": y},
        "nulls_and_nan.parquet": {"x": pa.array([None, float("nan"), 3.0]), "n": pa.nulls(3), "y": y},
        "whole_numbers.parquet": {**whole, "y": y},
        "integers_beyond_2_53.parquet": {"n": pa.array([2**53 + 1, 2**53, 5]), "y": y},
        "text_that_looks_like_numbers.parquet": {"g": pa.array(["007", "NA", "1e3"]), "y": y},
        "nested_list.parquet": {"x": x, "tags": pa.array([["a"], [], ["b", "c"]]), "y": y},
        "nested_struct.parquet": {"where": pa.array([{"lat": 1.0}, {"lat": 2.0}, None]), "y": y},
        "binary.parquet": {"raw": pa.array([b"a", b"\xff", None]), "y": y},
        "infinite.parquet": {"x": pa.array([1.5, float("-inf"), 3.0]), "y": y},
        "no_rows.parquet": {"x": pa.array([], pa.float64()), "y": pa.array([], pa.float64())},
        "pandas_index.parquet": {"x": x, "y": y, "__index_level_0__": pa.array([5, 7, 9])},
        "dictionary_of_numbers.parquet": {"k": pa.array([20, 3, 20]).dictionary_encode(), "y": y},
        "durations.parquet": {"t": pa.array([1500, None, -250], pa.duration("ms")), "y": y},
        "small_floats.parquet": {"h": pa.array([1.5, None, -2.0], pa.float32()), "y": y},
        "large_text.parquet": {"g": pa.array(["b", None, "a"], pa.large_string()), "y": y},
        "blank_text.parquet": {"g": pa.array(["", "  ", "a"]), "y": y},
        "hostile_names.parquet": {"[red]x": pa.array([1.5, -2.0, 3.0]), "\x1b[31m": y},
    }  # fmt: skip


def parquets() -> dict[str, bytes]:
    """Return the Parquet specimens."""
    import pyarrow as pa
    from pyarrow import parquet

    def written(columns: dict[str, Any], **options: Any) -> bytes:
        target = io.BytesIO()
        parquet.write_table(pa.table(columns), target, **options)
        return target.getvalue()

    columns = parquet_columns()
    files = {name: written(content) for name, content in columns.items()}
    plain = columns["plain.parquet"]
    files["row_groups.parquet"] = written(plain, row_group_size=1, compression="zstd")
    files["parquet_called_csv.csv"] = written(plain)
    files["packed_parquet.parquet.gz"] = gz(written(plain))
    twice = io.BytesIO()
    parquet.write_table(pa.table([plain["x"], plain["y"]], names=["x", "x"]), twice)
    files["duplicate_names.parquet"] = twice.getvalue()
    files["truncated.parquet"] = written(plain)[:-20]
    return files


def parts() -> dict[str, bytes]:
    """Return folders of parts of one table."""
    import pyarrow as pa
    from pyarrow import parquet

    def text(*rows: str, header: str = "x,g,y") -> bytes:
        return "".join(f"{line}\n" for line in (header, *rows)).encode()

    target = io.BytesIO()
    parquet.write_table(pa.table({"x": [1.5, -2.0], "y": [10.0, 20.0]}), target)
    other = io.BytesIO()
    parquet.write_table(pa.table({"x": [3.0], "y": [30.0]}), other)
    return {
        "parts/part-1.csv": text("1.5,a,10"),
        "parts/part-2.csv": text("-2,b,20"),
        "parts/part-10.csv": text("3,a,30"),
        "parts_disagree/part-1.csv": text("1.5,a,10"),
        "parts_disagree/part-2.csv": text("-2,20", header="x,y"),
        "parts_parquet/part-1.parquet": target.getvalue(),
        "parts_parquet/part-2.parquet": other.getvalue(),
    }


TEXTS: tuple[Callable[[], dict[str, str]], ...] = (
    unpacked_delimiters,
    unpacked_quotes,
    unpacked_numbers,
    unpacked_missing,
    unpacked_layouts,
    unpacked_hostile,
    unpacked_roles,
)
BINARIES: tuple[Callable[[], dict[str, bytes]], ...] = (encoded, packed, foreign, parquets, parts)


def specimens() -> dict[str, bytes]:
    """Return the content of every specimen by its name."""
    found: dict[str, bytes] = {}
    for texts in TEXTS:
        found.update({name: text.encode() for name, text in texts().items()})
    for binaries in BINARIES:
        found.update(binaries())
    return found


def main() -> None:
    """Write all specimens beside this file."""
    for name, content in specimens().items():
        path = HERE / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)


if __name__ == "__main__":
    main()
