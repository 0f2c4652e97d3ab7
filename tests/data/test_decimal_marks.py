"""The decimal mark of a file holds wherever text is needed as numbers after reading."""

from __future__ import annotations

import pytest

from l2cli.data.build import build_dataset
from l2cli.errors import DataError
from l2cli.spec import ColumnSpec, ModelSpec, ReadSpec

ROWS = "w;x;y\n" + "".join(f"1.{k:03d};{k},5;{k * k},25\n" for k in range(12))
COMMA = ReadSpec(decimal=",")


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
    with pytest.raises(DataError, match=f"line 2: '1.000' in column '{name}' is not a number"):
        build_dataset(table, ColumnSpec(**columns), ModelSpec())


def test_text_with_decimal_commas_becomes_numbers(read):
    """A word in a row that is not used makes the column text; its numbers keep the mark of the file."""
    content = ROWS.replace("1.", "1,") + "none;1;\n"
    data = build_dataset(read(content.encode(), COMMA), ColumnSpec(weights="w"), ModelSpec())
    weights = [float(f"1.{k:03d}") for k in range(12)]
    assert data.weights is not None
    assert data.weights.tolist() == weights
    found = build_dataset(read(content.encode()), ColumnSpec(weights="w"), ModelSpec())
    assert found.weights is not None
    assert found.weights.tolist() == weights


@pytest.mark.parametrize(
    ("cell", "spec"),
    [("1,200", None), ("1.200", COMMA), ("-12,345.5", None), ("1.234.567", None), ("1'000", None)],
)
def test_thousands_separators_get_a_hint_that_works(cell, spec, read):
    rows = "".join(f"{700 + k};{k}\n" for k in range(9))
    table = read(
        f"rev;y\n{rows}{cell};3\n".encode(), ReadSpec(delimiter=";", decimal=".") if spec is None else spec
    )
    with pytest.raises(DataError) as caught:
        build_dataset(table, ColumnSpec(), ModelSpec())
    assert str(caught.value) == (
        f"standard input line 11: '{cell}' in column 'rev' is not a number; if these are thousands"
        " separators, take them out; else --decimal names the decimal sign, and --categorical 'rev'"
        " keeps text"
    )
