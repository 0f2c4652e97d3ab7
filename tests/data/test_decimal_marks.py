"""The decimal mark of a file: how it is found out, and that it holds wherever numbers are needed."""

from __future__ import annotations

import pytest

from l2cli.data.build import build_dataset
from l2cli.errors import DataError
from l2cli.spec import ColumnSpec, ModelSpec, ReadSpec

ROWS = "w;x;y\n" + "".join(f"1.{k:02d};{k},5;{k * k},25\n" for k in range(12))
COMMA, POINT = ReadSpec(decimal=","), ReadSpec(decimal=".")
TOLD = "numbers have decimal commas (say otherwise with --decimal .)"


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("w", {"target": "y", "weights": "w"}),
        ("w", {"target": "y", "numeric": ("w",)}),
        ("w", {"target": "w"}),
        ("w", {"target": "y", "offset": "w"}),
    ],
)
def test_a_point_under_decimal_comma_is_no_number(name, columns, read):
    table = read(ROWS.encode(), COMMA)
    with pytest.raises(DataError, match=f"line 2: '1.00' in column '{name}' is not a number"):
        build_dataset(table, ColumnSpec(**columns), ModelSpec())


def test_text_with_decimal_commas_becomes_numbers(read):
    """A word in a row that is not used makes the column text; its numbers keep the mark of the file."""
    content = ROWS.replace("1.", "1,") + "none;1;\n"
    for spec in (COMMA, None):
        data = build_dataset(read(content.encode(), spec), ColumnSpec(weights="w"), ModelSpec())
        assert data.weights is not None
        assert data.weights.tolist() == [float(f"1.{k:02d}") for k in range(12)]


# What a column of ``w`` holds is a question of the file: content, options, values, decimal mark, notes.
THOUSANDS = "column 'w': '{}' is read as {}"
FILES = {
    "a point in other columns": (
        "w;x\n1,037;1.5\n2,5;2\n".replace("2,5", "2,500"),
        None,
        [1037, 2500],
        ".",
        [THOUSANDS.format("1,037", 1037) + " (with --decimal , as 1.037)"],
    ),
    "a comma in other columns": (
        "w;x\n1.037;1,5\n950;2\n",
        None,
        [1037, 950],
        ",",
        [TOLD, THOUSANDS.format("1.037", 1037) + " (with --decimal . as 1.037)"],
    ),
    "a point in the same column": ("w;x\n1.037;1\n1.5;2\n", None, [1.037, 1.5], ".", []),
    "two points show thousands": (
        "w;x\n1.037;1\n1.037.500;2\n",
        None,
        [1037, 1037500],
        ",",
        [THOUSANDS.format("1.037", 1037)],
    ),
    "two points show it with tabs, too": (
        "w\tx\n1.037\t1\n1.037.500\t1,5\n",
        None,
        [1037, 1037500],
        ",",
        [TOLD, THOUSANDS.format("1.037", 1037)],
    ),
    "nothing but the delimiter, points": (
        "w;x\n1.037;1\n2.500;2\n",
        None,
        [1037, 2500],
        ",",
        [THOUSANDS.format("1.037", 1037) + " (with --decimal . as 1.037)"],
    ),
    "nothing but the delimiter, commas": ("w;x\n1,037;1\n2,500;2\n", None, [1.037, 2.5], ",", [TOLD]),
    "nothing but the delimiter, whole commas": ("w;x\n1,000;1\n2,000;2\n", None, [1, 2], ",", [TOLD]),
    "commas in a file of commas": (
        'w,x\n"1,037",1\n"2,500",2\n',
        None,
        [1037, 2500],
        ".",
        [THOUSANDS.format("1,037", 1037) + " (with --decimal , as 1.037)"],
    ),
    "commas between tabs": (
        "w\tx\n1,037\t1\n2,500\t2\n",
        None,
        [1037, 2500],
        ".",
        [THOUSANDS.format("1,037", 1037) + " (with --decimal , as 1.037)"],
    ),
    "commas between tabs, and points": (
        "w\tx\n1,037\t1.5\n2,500\t2\n",
        None,
        [1037, 2500],
        ".",
        [THOUSANDS.format("1,037", 1037) + " (with --decimal , as 1.037)"],
    ),
    "points between tabs, and commas": (
        "w\tx\n1.037\t1,5\n2.500\t2\n",
        None,
        [1037, 2500],
        ",",
        [TOLD, THOUSANDS.format("1.037", 1037) + " (with --decimal . as 1.037)"],
    ),
    "points between tabs": ("w\tx\n1.037\t1\n2.500\t2\n", None, [1.037, 2.5], ".", []),
    "asked for a comma": ("w\tx\n1.037\t1\n", COMMA, [1037], ",", [THOUSANDS.format("1.037", 1037)]),
    "asked for a point": ("w;x\n1.037;1\n", POINT, [1.037], ".", []),
    "asked for a point, commas": ("w;x\n1,037;1\n", POINT, [1037], ".", [THOUSANDS.format("1,037", 1037)]),
    "commas in words only": ("w;x\n1;a, b\n2;c\n", None, [1, 2], ",", []),
    "the point of a column that ends as text": (
        "w;x\n" + "1.037;1.5\n" * 12 + "2.500;a\n",
        None,
        [1037] * 12 + [2500],
        ",",
        [THOUSANDS.format("1.037", 1037) + " (with --decimal . as 1.037)"],
    ),
    "a comma, late": (
        "w;x\n" + "7;1\n" * 12 + "1.037;1\n7;1,5\n",
        None,
        [7] * 12 + [1037, 7],
        ",",
        [TOLD, THOUSANDS.format("1.037", 1037) + " (with --decimal . as 1.037)"],
    ),
    "a point, late": (
        "w;x\n" + "7;1\n" * 12 + "1.037;1\n7;1.5\n",
        None,
        [7] * 12 + [1.037, 7],
        ".",
        [],
    ),
    "a point, late, and commas": (
        "w;x\n" + "1,037;1\n" * 12 + "7;1.5\n",
        None,
        [1037] * 12 + [7],
        ".",
        [THOUSANDS.format("1,037", 1037) + " (with --decimal , as 1.037)"],
    ),
    "a comma between tabs, late": (
        "w\tx\n" + "1.037\t1\n" * 12 + "7\t1,5\n",
        None,
        [1037] * 12 + [7],
        ",",
        [TOLD, THOUSANDS.format("1.037", 1037) + " (with --decimal . as 1.037)"],
    ),
}


@pytest.mark.parametrize(("content", "spec", "values", "decimal", "notes"), FILES.values(), ids=FILES)
def test_the_decimal_mark_of_a_file(content, spec, values, decimal, notes, read):
    table = read(content.encode(), spec)
    assert table.number("w").tolist() == values
    assert (table.decimal, table.notes) == (decimal, notes)


@pytest.mark.parametrize(
    ("content", "like", "values", "notes"),
    [
        (
            "w;x\n1.037;1\n",
            (";", "."),
            [1.037],
            ["numbers have decimal points (say otherwise with --decimal ,)"],
        ),
        ("w;x\n1.000;1\n", (";", "."), [1], ["numbers have decimal points (say otherwise with --decimal ,)"]),
        ("w;x\n1037;1\n", (";", "."), [1037], []),
        ("w;x\n1.037;1.5\n", (";", "."), [1.037], []),
        ("w;x\n1.037;1,5\n", (";", "."), [1037], FILES["a comma in other columns"][4]),
        ("w;x\n1.037;1\n", (",", "."), [1037], FILES["nothing but the delimiter, points"][4]),
        ("w\tx\n1,037\t1\n", ("\t", ","), [1.037], [TOLD]),
        ("w\tx\n1.037\t1\n", ("\t", ","), [1037], FILES["nothing but the delimiter, points"][4]),
        ('w,x\n"1,037",1\n', (",", ","), [1.037], [TOLD]),
    ],
)
def test_a_file_that_shows_no_mark_has_that_of_the_training_file(content, like, values, notes, read):
    table = read(content.encode(), ReadSpec(like=like))
    assert (table.number("w").tolist(), table.notes) == (values, notes)
    assert build_dataset(table, ColumnSpec(target="x"), ModelSpec()).schema.dialect == (
        content[1],
        table.decimal,
    )


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_a_file_has_one_decimal_mark(delimiter, read):
    content = "a;b\n1.5;7\n2;2,5\n".replace(";", delimiter)
    with pytest.raises(DataError) as caught:
        read(content.encode())
    assert str(caught.value) == (
        "standard input: both . and , stand in numbers: '1.5' in column 'a' (line 2) and '2,5' in column 'b'"
        " (line 3); give the decimal sign with --decimal . or --decimal ,"
    )
    assert read(content.encode(), POINT).texts["b"].levels == ("7", "2,5")


def test_groups_that_are_none_get_a_hint(read):
    rows = "".join(f"{700 + k};{k}\n" for k in range(9))
    for cell in ("1,00,000", "1.234.567"):
        table = read(f"rev;y\n{rows}{cell};3\n".encode(), ReadSpec(delimiter=";", decimal="."))
        with pytest.raises(DataError) as caught:
            build_dataset(table, ColumnSpec(), ModelSpec())
        assert str(caught.value) == (
            f"standard input line 11: '{cell}' in column 'rev' is not a number; if these are thousands"
            " separators, take them out; else --decimal names the decimal sign, and --categorical 'rev'"
            " keeps text"
        )
