"""Numbers that are no plain ones: read with a note where a whole column fits, else refused by the cell."""

from __future__ import annotations

import io
import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from l2cli.data.build import build_dataset
from l2cli.data.encode import encode_rows
from l2cli.data.read import read_table
from l2cli.data.written import _read_each, _read_simple, parse
from l2cli.errors import DataError
from l2cli.spec import ColumnSpec, ModelSpec, ReadSpec

NAN = math.nan
NBSP, NARROW, THIN, MINUS = "\u00a0", "\u202f", "\u2009", "\u2212"
# The cells of a column, their values, and what the note says.
COLUMNS = {
    "dollars": (["$1.50", "$2"], [1.5, 2], "'$1.50' is read as 1.5"),
    "thousands of dollars": (["$5", "$1,234.50", ""], [5, 1234.5, NAN], "'$1,234.50' is read as 1234.5"),
    "debts": (
        ["$5", "-$5", "$-5", "($5)", "$(5)", "$ 6"],
        [5, -5, -5, -5, -5, 6],
        "'$5' is read as 5 and '($5)' as -5",
    ),
    "brackets": (["1.5", "(2.5)"], [1.5, -2.5], "'(2.5)' is read as -2.5"),
    "euros behind": (["1.50 €", f"2{NBSP}€"], [1.5, 2], "'1.50 €' is read as 1.5"),
    "pounds and yen signs": (["£1", "£ 2"], [1, 2], "'£1' is read as 1"),
    "codes of currencies": (["USD 5", "-USD 1,000"], [5, -1000], "'-USD 1,000' is read as -1000"),
    "a code behind": (["5 CHF", "1'000.50 CHF"], [5, 1000.5], "'1'000.50 CHF' is read as 1000.5"),
    "dollars of a country": (["US$5", "US$7"], [5, 7], "'US$5' is read as 5"),
    "percents": (["0.5%", "12 %", "-3%"], [0.5, 12, -3], "'0.5%' is read as 0.5"),
    "a first zero says little": (["0%", "0.0%", "7%"], [0, 0, 7], "'7%' is read as 7"),
    "commas": (["12", "1,234,567", "-1,000.5"], [12, 1234567, -1000.5], "'1,234,567' is read as 1234567"),
    "apostrophes": (["1'000", "2\u2019000", "7"], [1000, 2000, 7], "'1'000' is read as 1000"),
    "blanks": (["1 000", "12 345.5", "7"], [1000, 12345.5, 7], "'1 000' is read as 1000"),
    "other blanks": (
        [f"1{NBSP}000", f"2{NARROW}000", f"3{THIN}000", "4"],
        [1000, 2000, 3000, 4],
        r"'1\xa0000' is read as 1000",
    ),
    "minus signs": (
        [f"{MINUS}1.5", "\u20132", "-3", "4"],
        [-1.5, -2, -3, 4],
        f"'{MINUS}1.5' is read as -1.5",
    ),
    "minus signs behind": (["1.5-", "2"], [-1.5, 2], "'1.5-' is read as -1.5"),
    "exponents of Fortran": (["1D+02", "1.5d-1", "2.5D1", "3"], [100, 0.15, 25, 3], "'1D+02' is read as 100"),
    "wide blanks around": ([f"{NBSP}5", f"{NARROW}6.5{NBSP}", NBSP, "7"], [5, 6.5, NAN, 7], None),
    "wide blanks around NA": ([f"{NBSP}5", f"NA{NBSP}"], [5, NAN], None),
}


def in_csv(cells):
    quoted = (cell.replace('"', '""') for cell in cells)
    return ("x,y\n" + "".join(f'"{cell}",{i}\n' for i, cell in enumerate(quoted))).encode()


def in_parquet(cells):
    target = io.BytesIO()
    pq.write_table(pa.table({"x": cells, "y": np.arange(float(len(cells)))}), target)
    return target.getvalue()


@pytest.mark.parametrize(("cells", "values", "told"), COLUMNS.values(), ids=COLUMNS)
def test_a_column_that_fits_is_numbers(cells, values, told, read):
    table = read(in_csv(cells))
    np.testing.assert_array_equal(table.number("x"), values)
    notes = [] if told is None else [f"column 'x': {told}"]
    assert [note.partition(" (with")[0] for note in table.notes] == notes


@pytest.mark.parametrize(("cells", "values", "told"), COLUMNS.values(), ids=COLUMNS)
def test_a_text_of_parquet_that_fits_is_numbers(cells, values, told):
    cells = [None if "NA" in cell else cell for cell in cells]  # only null is missing there
    table = read_table("-", stdin=io.BytesIO(in_parquet(cells)))
    np.testing.assert_array_equal(table.number("x"), values)
    assert table.notes == ([] if told is None else [f"column 'x': {told}"])


@pytest.mark.parametrize(
    ("cells", "values"), [(["1,5", "2"], [1.5, 2]), (["1.000,5", "2"], [1000.5, 2]), (["1,037"], [1037])]
)
def test_decimal_commas_in_a_text_of_parquet(cells, values):
    table = read_table("-", stdin=io.BytesIO(in_parquet(cells)))
    assert table.number("x").tolist() == values
    assert len(table.notes) == 1


def test_plain_numbers_in_a_text_of_parquet_stay_text():
    table = read_table("-", stdin=io.BytesIO(in_parquet(["1.5", "2", " 3"])))
    assert table.texts["x"].levels == ("1.5", "2", "3")
    assert table.notes == []


TEXTS = {
    "words": ["ABC 5", "ABC 6"],
    "times": ["12:30", "12:45"],
    "dates": ["2024-01-02", "2024-01-03"],
    "addresses": ["10.0.0.1", "10.0.0.2"],
    "names like exponents": ["1D2", "3D4"],
    "ranges": ["1-2", "3-4"],
    "fractions": ["1/2", "3/4"],
    "codes": ["01234", "20095"],
    "codes behind wide blanks": [f"{NBSP}01234", f"{NBSP}20095"],
    "few numbers among words": ["a", "b", "$5", "c"],
    "a sign alone": ["$", "%"],
    "minus twice": ["(-5)", "--5"],
}


@pytest.mark.parametrize("cells", TEXTS.values(), ids=TEXTS)
def test_text_stays_text(cells, read):
    table = read(in_csv(cells))
    assert list(table.texts) == ["x"]
    data = build_dataset(table, ColumnSpec(categorical=("x",)), ModelSpec())  # dates would be left out
    assert data.schema.features[0].kind == "category"


MISFITS = {
    "a word": (["$1", "$2", "oops", "$4"], "line 4: 'oops' in column 'x' is not a number; mend the cell, or"),
    "no sign": (
        ["5%", "6%", "0.07"],
        "line 4: '0.07' in column 'x' is not written as the others, such as '5%'",
    ),
    "a sign": (["5", "6", "7%"], "line 4: '7%' in column 'x' is not written as the others, such as '5'"),
    "two currencies": (["$5", "€6", "$7"], "line 3: '€6' in column 'x' is not written as the others"),
    "two kinds of groups": (
        ["1,000.5", "2'000", "3,000"],
        "line 3: '2'000' in column 'x' is not written as the",
    ),
    "a bad group": (
        ["1,000", "2,000", "1,00,000"],
        "line 4: '1,00,000' in column 'x' is not a number; if these",
    ),
    "a zero of a sheet": (["$5", "$6", "$ -"], "line 4: '$ -' in column 'x' is not a number"),
    "two decimal marks": (
        ["$1.5", "$2.5", "$1,5"],
        "line 4: '$1,5' in column 'x' is not a number; give --dec",
    ),
}


@pytest.mark.parametrize(("cells", "message"), MISFITS.values(), ids=MISFITS)
def test_the_cell_that_does_not_fit_is_named(cells, message, read):
    table = read(in_csv(cells))
    with pytest.raises(DataError) as caught:
        build_dataset(table, ColumnSpec(), ModelSpec())
    assert message in str(caught.value)
    kept = build_dataset(read(in_csv(cells), verbatim={"x"}), ColumnSpec(categorical=("x",)), ModelSpec())
    assert kept.schema.features[0].kind == "category"


def test_a_misfit_in_a_row_that_is_not_used_is_named(read):
    content = b"x,y\n$1,1\n$2,2\n$3,3\noops,\n"
    for columns in (ColumnSpec(), ColumnSpec(weights="x", features=("z",))):
        text = content if columns.weights is None else b"x,z,y\n$1,1,1\n$2,1,2\n$3,5,3\noops,1,\n"
        with pytest.raises(DataError, match="line 5: 'oops' in column 'x' is not a number"):
            build_dataset(read(text), columns, ModelSpec())


def test_labels_keep_what_is_not_plain(read):
    table = read(in_csv(["$5", "$6", "$5"]), verbatim={"x"})
    assert table.texts["x"].levels == ("$5", "$6")
    assert table.notes == []


def test_a_model_takes_the_same_number_however_it_is_written(read):
    rows = "".join(f'"${k},{100 + k}.50",{k * k}\n' for k in range(1, 9))
    schema = build_dataset(read(f"x,y\n{rows}".encode()), ColumnSpec(), ModelSpec()).schema
    for cell in ("1000", '"$1,000"', '"1,000.0"', "1e3"):
        assert encode_rows(read(f"x\n{cell}\n".encode()), schema).X.tolist() == [[1000.0]]
    with pytest.raises(DataError, match="line 3: 'many' in column 'x' is not a number"):
        encode_rows(read(b"x\n$5\nmany\n"), schema)


def test_missing_tokens_beside_signs(read):
    table = read(in_csv(["$5", "NA", "-", "$7"]))
    assert table.notes == ["column 'x': '$5' is read as 5", "column 'x': 1 cell '-' taken as missing"]
    table = read(in_csv(["5%", "-999", "x"]), ReadSpec(na=("-999", "x")))
    np.testing.assert_array_equal(table.number("x"), [5, NAN, NAN])


@pytest.mark.parametrize(
    "cell", ["", "$", "%", "-", "$-", "5$5", "(5", "5)", "1.2.3", "$USD 5", "5%%", "e5", "٣"]
)
@pytest.mark.parametrize("decimal", [".", ","])
def test_what_is_no_number(cell, decimal):
    assert parse(cell, decimal) is None


@pytest.mark.parametrize(
    ("spec", "hint"),
    [(None, "--na 'None,NA,n/a' or"), (ReadSpec(na=("x", "NA")), "--na 'None,NA,x' or")],
)
def test_a_hint_for_missing_cells_keeps_the_tokens_in_force(spec, hint, read):
    table = read(b"a,g,y\n1,u,1\nNone,n/a,2\nNA,v,3\n4,u,4\n5,v,5\n", spec)
    with pytest.raises(DataError) as caught:
        build_dataset(table, ColumnSpec(), ModelSpec())
    assert hint in str(caught.value)


def test_a_hint_for_missing_cells_does_not_repeat_a_long_list(read):
    tokens = tuple(f"missing{i}" for i in range(2000))
    table = read(b"a,y\n1,1\nNone,2\n4,4\n5,5\n6,5\n", ReadSpec(na=tokens))
    with pytest.raises(DataError) as caught:
        build_dataset(table, ColumnSpec(), ModelSpec())
    assert "give --na 'None,...' (... the other 2000 tokens) or" in str(caught.value)
    assert len(str(caught.value)) < 200


def test_a_hint_for_missing_cells_names_what_may_be_one(read):
    table = read(b"a,y\n1,1\nNone,2\n?,3\n4,4\n5,5\n6,5\n")
    with pytest.raises(DataError, match=r"line 3: 'None' in column 'a' .* give --na 'None,\?' or"):
        build_dataset(table, ColumnSpec(), ModelSpec())


@given(
    st.lists(
        st.from_regex(r"[-+]?\$?[0-9]{1,3}([,.' ][0-9]{3}){0,2}([.,][0-9]{1,2})?( ?%)?|NA", fullmatch=True),
        min_size=1,
    ),
    st.sampled_from([".", ","]),
)
def test_the_quick_way_reads_what_the_other_does(cells, decimal):
    quick = _read_simple(cells, decimal)
    if quick is not None:
        assert quick == _read_each(cells, decimal, ())


WRITTEN = [
    ("$", "", ",", "."),
    ("", " €", ".", ","),
    ("", "%", "'", "."),
    ("£", "", " ", "."),
    ("", "", ",", "."),
]


@given(st.lists(st.integers(-(10**11), 10**11), min_size=1), st.sampled_from(WRITTEN))
def test_every_way_reads_what_was_written(hundredths, form):
    before, behind, group, decimal = form
    cells = []
    for each in hundredths:
        whole = f"{abs(each) // 100:,}".replace(",", group)
        cells.append(f"{'-' * (each < 0)}{before}{whole}{decimal}{abs(each) % 100:02d}{behind}")
    expected = [each / 100 for each in hundredths]
    each = _read_each(cells, decimal, ())
    assert each is not None
    assert each.values == expected
    quick = _read_simple(cells, decimal)
    assert quick is None or quick == each
    assert quick is not None or " " in behind or not any(group in cell for cell in cells)
