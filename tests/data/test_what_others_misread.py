"""Seven behaviours of other readers, each of them a silent misreading or a refusal, and what is done here."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from l2cli.cli.app import run as run_app
from l2cli.data.read import read_table
from l2cli.errors import DataError

ZOO = Path(__file__).resolve().parent.parent / "data_zoo"


def cells(path: Path, name: str) -> list[object]:
    """Return the cells of a column, None where missing."""
    table = read_table(str(path))
    if table.is_number(name):
        return [None if math.isnan(value) else value for value in table.number(name).tolist()]
    column = table.texts[name]
    return [None if code < 0 else column.levels[code] for code in column.codes.tolist()]


def test_a_semicolon_file_with_decimal_commas_is_read(tmp_path):
    """pandas shifts the fields into its index without a word; pyarrow and polars give an error."""
    path = ZOO / "semicolon_decimal_comma.csv"
    table = read_table(str(path))
    assert table.names == ("x", "g", "y")
    assert cells(path, "x") == [1.5, -2.25, 0.125]
    assert cells(path, "y") == [10, 20, 30]
    assert table.notes == ["numbers have decimal commas (say otherwise with --decimal .)"]
    # every column has commas: taken for a file of commas, it would have three columns and names for rows
    path = tmp_path / "all.csv"
    path.write_text("x;y\n1,5;2,5\n3,5;4,5\n")
    assert read_table(str(path)).names == ("x", "y")
    assert cells(path, "x") == [1.5, 3.5]


@pytest.mark.parametrize("row", ["4,5", "4", "4,5,6,7", "4;5;6"])
def test_a_ragged_row_is_an_error_and_never_one_column_of_text(row, tmp_path):
    """duckdb makes a single column of text of the whole file."""
    path = tmp_path / "ragged.csv"
    path.write_text("a,b,c\n1,2,3\n" + row + "\n7,8,9\n")
    with pytest.raises(DataError, match=r"ragged\.csv line 3: \d fields? where the header has 3") as caught:
        read_table(str(path))
    assert caught.value.code == "ragged"


def test_latin_1_is_an_error_that_names_the_option_and_never_a_replacement_character():
    """polars replaces what is no UTF-8 by U+FFFD."""
    with pytest.raises(
        DataError, match=r"latin1\.csv line 1: byte 0xe0 is not UTF-8 .*--encoding latin-1"
    ) as caught:
        read_table(str(ZOO / "latin1.csv"))
    assert caught.value.code == "encoding"


def test_a_code_with_leading_zeros_stays_text_and_is_told():
    """pandas and pyarrow read the zip code 01234 as 1234."""
    path = ZOO / "leading_zero_codes.csv"
    assert cells(path, "zip") == ["01234", "98765", "00501", "01234"]
    [note] = read_table(str(path)).notes
    assert note == "column 'zip' is text: numbers with leading zeros, like 01234, are codes"


@pytest.mark.parametrize("token", ["?", ".", "-"])
def test_spellings_of_missing_are_found_among_numbers_and_kept_among_words(token, tmp_path):
    """Readers differ in the spellings; here the column decides, and what is not obvious is said."""
    path = tmp_path / "gaps.csv"
    path.write_text(f"x,g,y\n1.5,a,1\n{token},{token},2\nNA,NA,3\n,,4\n2.5,b,5\n")
    assert cells(path, "x") == [1.5, None, None, None, 2.5]
    assert cells(path, "g") == ["a", token, None, None, "b"]
    assert read_table(str(path)).notes == [f"column 'x': 1 cell '{token}' taken as missing"]


OPTIONS = [
    *("--target", "--features", "--drop", "--id", "--weights", "--offset", "--exposure", "--categorical"),
    *("--numeric", "--fold-column", "--group-column"),
]


@pytest.mark.parametrize("option", OPTIONS)
def test_a_column_that_the_user_names_and_the_file_lacks_is_an_error(option, capfd, monkeypatch):
    """miller ignores an unknown sort column."""
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")
    status = run_app(["cv", str(ZOO / "role_numeric.csv"), option, "wheight", "--json"])
    answer = json.loads(capfd.readouterr().out)
    assert status == 2
    assert answer["error"]["code"] == "no_column"
    assert "no column 'wheight'" in answer["error"]["message"]
    assert "w, x, y" in answer["error"]["hint"]


def test_the_index_that_pandas_writes_into_parquet_is_no_feature(tmp_path):
    """Parquet from pandas carries ``__index_level_0__``, which counts the rows."""
    pd = pytest.importorskip("pandas")
    path = tmp_path / "frame.parquet"
    pd.DataFrame({"x": [1.5, 2.5], "y": [1.0, 2.0]}, index=[7, 9]).to_parquet(path)
    table = read_table(str(path))
    assert table.names == ("x", "y")
    assert table.notes == ["column '__index_level_0__', the unnamed index of a data frame, is left out"]
    # one with a name is a column that someone meant
    pd.DataFrame({"x": [1.5, 2.5]}, index=pd.Index([7, 9], name="year")).to_parquet(path)
    assert set(read_table(str(path)).names) == {"x", "year"}
