"""Any table of csv, pandas, pyarrow or polars is read back identically, or the difference is announced.

Identical: every number is the same double, every text the same but for blanks at its ends, every missing cell
is missing, and different texts stay different. A text column that a file without types cannot tell from
numbers (``7``) may be read as just these numbers; an empty text cannot be told from a missing one.

Announced: a file may be refused (status 3) for one of the reasons in REFUSALS; else a note of the reader, or
of the data set that is made of the table, names the column (``007`` is a code, ``NA`` is missing), or no data
set can be made. A table of tame cells must be read identically, without any note.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, assume, event, example, given, settings
from hypothesis import strategies as st

from l2cli.data.build import build_dataset
from l2cli.data.cells import MISSING, UNCERTAIN
from l2cli.data.table import Table
from l2cli.errors import DataError, L2Error, shown
from l2cli.spec import ColumnSpec, ModelSpec, ReadSpec

SOME = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
MANY = settings(SOME, max_examples=200)
WAYS = st.sampled_from(["small", "large", "shredded", "flat shredded"])

REFUSALS = {"infinite", "decimal", "second_header", "quotes", "delimiter", "title"}
"""Reasons for which a file that is well formed may be refused, for it looks like one that is not."""

NASTY = [
    *(
        "007",
        "NA",
        "n/a",
        "nan",
        "",
        " ",
        "?",
        "-",
        ".",
        "1.5",
        "-2",
        "1e5",
        "inf",
        "1,5",
        "1,200",
        "5 %",
        "$5",
    ),
    *(
        "true",
        "#x",
        "'q'",
        "it's",
        'say "hi"',
        '"',
        "two\nlines",
        "a,b",
        "a;b",
        "a|b",
        "a\tb",
        "end\\",
        '\\"',
    ),
    *(
        "a",
        " a",
        "a ",
        "A",
        "1 000",
        "1.200,50",
        "12%",
        "€8",
        "(5)",
        "1.000",
        "1_0",
        "+4",
        "00",
        "0.50",
        "1e999",
    ),
    *(
        "é",
        "日本",
        "🦩",
        "2021-01-31",
        "=1+1",
        " padded ",
        "0x10",
        "1_000",
        "None",
        "x y",
        "[red]",
        "\x1b[31m",
    ),
]
TAME = [
    *(
        "a",
        "b",
        "ab",
        "c d",
        "é",
        "日本",
        "🦩",
        'say "hi"',
        "two\nlines",
        "a,b",
        "a;b",
        "a|b",
        "a\tb",
        "[red]",
    ),
    *("None", "true", "it is", "x=y", "(z)", "e", "E", "+", "a\n\nb", "d'e"),
]
NAMES = ["x", "wert", "città", "g_g", "Z"]


class Column(NamedTuple):
    """Values of one kind: ``number`` (float, int or None), ``text`` (str or None), ``bool``, ``date``."""

    kind: str
    values: list[Any]


Columns = dict[str, Column]
NUMBERS = (
    st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([1.7976931348623157e308, 5e-324, -0.0, 0.1, 2.2250738585072014e-308, 1e23, 123456789.0])
    | st.integers(-(2**53), 2**53).map(float)
)


@st.composite
def tables(draw: st.DrawFn, *, tame: bool = False) -> Columns:
    """Draw a table of two to four columns and a last one, ``target``, of numbers."""
    n_rows = draw(st.integers(1, 6))
    # some writers leave a lone CR without quotes, so that the line ends there
    anything = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\ufeff"), max_size=6)
    words = st.sampled_from(TAME) if tame else st.sampled_from(NASTY) | anything
    cells: dict[str, st.SearchStrategy[Any]] = {
        "number": NUMBERS,
        "text": words,
        "bool": st.booleans(),
        "date": st.dates(dt.date(1700, 1, 1), dt.date(2200, 1, 1)),
    }
    columns: Columns = {}
    for name in draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True)):
        kind = draw(st.sampled_from(list(cells)))
        some = cells[kind]
        if kind == "text":
            # few words, so that a column can be all numbers or all but one, and words that differ in blanks
            few = draw(st.lists(words, min_size=1, max_size=3))
            some = st.sampled_from(few if tame else [*few, f" {few[0]}"])
        if not tame or kind == "number":
            some = some | st.none()
        columns[name] = Column(kind, draw(st.lists(some, min_size=n_rows, max_size=n_rows)))
    columns["target"] = Column("number", [float(k * k) for k in range(n_rows)])
    return columns


def written(value: Any) -> str:
    """Return a value in the words that all writers share, but for the case of booleans."""
    if value is None:
        return ""
    return str(value.isoformat() if isinstance(value, dt.date) else value)


# --------------------------------------------------------------------------------- what counts as identical


def cells_of(table: Table, name: str) -> list[float | str | None]:
    """Return the cells of a column, None where missing."""
    if table.is_number(name):
        return [None if math.isnan(value) else value for value in table.number(name).tolist()]
    column = table.texts[name]
    return [None if code < 0 else column.levels[code] for code in column.codes.tolist()]


def same(cell: float | str | None, value: Any, kind: str) -> bool:
    """Return True where a cell was read as the value that was written."""
    if value is None:
        return cell is None
    if kind == "number":
        return isinstance(cell, float) and repr(cell) == repr(float(value))
    text = written(value)
    bare = text.strip(" \t")
    if kind == "bool":
        return isinstance(cell, str) and cell.lower() == text.lower()
    if isinstance(cell, float):
        try:
            return cell == float(text)
        except ValueError:
            return False
    return cell in {text, bare} if bare else cell is None


def merged(cells: Sequence[float | str | None], values: Sequence[Any]) -> bool:
    """Return True where texts that differ were read as the same one."""
    meant: dict[str, str] = {}
    pairs = [(c, v) for c, v in zip(cells, values, strict=True) if isinstance(c, str)]
    return any(meant.setdefault(cell, value) != value for cell, value in pairs)


def announcements(table: Table) -> list[str] | None:
    """Return all notes on a table and on the data set made of it; None where none can be made of it."""
    try:
        return [*table.notes, *build_dataset(table, ColumnSpec(target="target"), ModelSpec()).notes]
    except L2Error:
        return None


def table_or_error(read: Callable[[], Table]) -> Table | DataError:
    """Return a table, or why the file is refused."""
    try:
        return read()
    except DataError as error:
        return error


def check_read_back(columns: Columns, read: Callable[[], Table], *, tame: bool = False) -> None:
    """Hold that a table is read back identically, or the difference is announced."""
    found = table_or_error(read)
    if isinstance(found, DataError):
        assert not tame, found
        assert found.code in REFUSALS, found
        assert found.exit_status == 3
        event(f"refused: {found.code}")
        return
    table = found
    assert table.names == tuple(columns)
    differing = []
    for name, column in columns.items():
        cells = cells_of(table, name)
        equal = all(same(c, v, column.kind) for c, v in zip(cells, column.values, strict=True))
        if not equal or (column.kind == "text" and merged(cells, column.values)):
            differing.append(name)
    if tame:
        assert differing == []
        assert [note for note in table.notes if "decimal comma" not in note] == []
        return
    notes = announcements(table) if differing else []
    silent = [n for n in differing if notes is not None and not any(shown(n) in note for note in notes)]
    assert silent == [], (silent, notes, {n: cells_of(table, n) for n in silent})


# ------------------------------------------------------------------------------------------------------ csv


@st.composite
def csv_dialects(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a dialect of the csv module; where lines end in CR it has to be told to quote an LF."""
    line_end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    quotings = [csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC, csv.QUOTE_MINIMAL]
    return {
        "delimiter": draw(st.sampled_from(",;\t|")),
        "lineterminator": line_end,
        "quoting": draw(st.sampled_from(quotings[:2] if line_end == "\r" else quotings)),
    }


def with_csv(columns: Columns, dialect: dict[str, Any]) -> bytes:
    """Return what the csv module writes."""
    target = io.StringIO(newline="")
    writer = csv.writer(target, **dialect)
    writer.writerow(columns)
    cells = [
        [v if isinstance(v, float) else written(v) for v in column.values] for column in columns.values()
    ]
    writer.writerows(zip(*cells, strict=True))
    return target.getvalue().encode()


@given(columns=tables(tame=True), dialect=csv_dialects(), way=WAYS)
@SOME
def test_tame_tables_of_csv_are_read_back_identically(columns, dialect, way, read_in):
    check_read_back(columns, lambda: read_in(with_csv(columns, dialect), way), tame=True)


@given(columns=tables(), dialect=csv_dialects(), way=WAYS, told=st.booleans())
@example(
    columns={"x": Column("text", ["a", " a", "b"]), "target": Column("number", [0.0, 1.0, 4.0])},
    dialect={"quoting": csv.QUOTE_ALL, "delimiter": ","},
    way="small",
    told=False,
)
@MANY
def test_what_csv_writes_is_read_back_or_announced(columns, dialect, way, told, read_in):
    spec = ReadSpec(delimiter=dialect["delimiter"]) if told else ReadSpec()
    check_read_back(columns, lambda: read_in(with_csv(columns, dialect), way, spec))


@given(columns=tables(), delimiter=st.sampled_from(",;\t|"))
@example(
    columns={"x": Column("text", ['"']), "target": Column("number", [0.0])},
    delimiter=";",
)
@MANY
def test_quotes_behind_a_backslash_are_read_back_or_announced(columns, delimiter, read_in):
    """Inside quotes, that is: of ``say \\"hi\\"`` in a bare cell nobody can tell what is meant."""
    assume(not any("\\" in written(value) for column in columns.values() for value in column.values))
    dialect = {"delimiter": delimiter, "doublequote": False, "escapechar": "\\", "quoting": csv.QUOTE_ALL}
    check_read_back(columns, lambda: read_in(with_csv(columns, dialect)))


# --------------------------------------------------------------------------------------------------- pandas


def frame(columns: Columns, *, categories: bool = False) -> pd.DataFrame:
    """Return the table as pandas has it."""
    found = {}
    for name, (kind, values) in columns.items():
        if kind == "number":
            found[name] = pd.Series(values, dtype="float64")
        elif kind == "text":
            found[name] = pd.Series(values, dtype="category" if categories and None not in values else "str")
        elif kind == "bool":
            found[name] = pd.Series(values, dtype="boolean")
        else:
            found[name] = pd.Series(values, dtype="object")
    return pd.DataFrame(found)


@st.composite
def pandas_dialects(draw: st.DrawFn) -> tuple[dict[str, Any], ReadSpec]:
    """Draw the arguments of ``to_csv`` and what the reader has to be told of them."""
    sep = draw(st.sampled_from(",;\t|"))
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]))
    options = {
        "sep": sep,
        "decimal": draw(st.sampled_from(["."] if sep == "," else [".", ","])),
        "na_rep": draw(st.sampled_from(["", "NA", "NaN", "null", "n/a"])),
        "quoting": draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])),
        "lineterminator": draw(st.sampled_from(["\n", "\r\n"])),
        "encoding": encoding,
        # pandas writes no byte order mark into bz2
        "compression": draw(
            st.sampled_from([None, "gzip", "bz2"] if encoding.startswith("utf-8") else [None, "gzip"])
        ),
    }
    return options, ReadSpec()


def with_pandas(columns: Columns, options: dict[str, Any]) -> bytes:
    """Return what pandas writes."""
    target = io.BytesIO()
    frame(columns).to_csv(target, index=False, **options)
    return target.getvalue()


@given(columns=tables(tame=True), dialect=pandas_dialects(), way=st.sampled_from(["small", "large"]))
@SOME
def test_tame_tables_of_pandas_are_read_back_identically(columns, dialect, way, read_in):
    check_read_back(columns, lambda: read_in(with_pandas(columns, dialect[0]), way, dialect[1]), tame=True)


@given(columns=tables(), dialect=pandas_dialects(), way=st.sampled_from(["small", "large"]))
@MANY
def test_what_pandas_writes_is_read_back_or_announced(columns, dialect, way, read_in):
    check_read_back(columns, lambda: read_in(with_pandas(columns, dialect[0]), way, dialect[1]))


@given(columns=tables(tame=True), way=st.sampled_from(["small", "shredded"]))
@settings(SOME, max_examples=20)
def test_the_index_that_pandas_writes_is_a_column_of_its_own(columns, way, read_in):
    target = io.BytesIO()
    frame(columns).to_csv(target)
    index = Column("number", [float(k) for k in range(len(columns["target"].values))])
    check_read_back({"row_names": index, **columns}, lambda: read_in(target.getvalue(), way), tame=True)


@given(columns=tables(), compression=st.sampled_from(["snappy", "gzip", "zstd", None]), indexed=st.booleans())
@SOME
def test_parquet_of_pandas_is_read_back_identically(columns, compression, indexed, read_in):
    target = io.BytesIO()
    data = frame(columns, categories=True)
    if indexed:
        data.index = pd.Index([k * k + 3 for k in range(len(data))])
    data.to_parquet(target, compression=compression)
    table = check_types(columns, lambda: read_in(target.getvalue()))
    if table is not None:
        assert any("__index_level_0__" in note for note in table.notes) == indexed


# -------------------------------------------------------------------------------------------------- pyarrow


def arrow(columns: Columns) -> pa.Table:
    """Return the table as pyarrow has it."""
    types = {"number": pa.float64(), "text": pa.string(), "bool": pa.bool_(), "date": pa.date32()}
    return pa.table({name: pa.array(values, types[kind]) for name, (kind, values) in columns.items()})


@st.composite
def arrow_dialects(draw: st.DrawFn) -> Any:
    """Draw how pyarrow writes CSV."""
    return pyarrow.csv.WriteOptions(
        delimiter=draw(st.sampled_from(",;\t|")), quoting_style=draw(st.sampled_from(["needed", "all_valid"]))
    )


def with_arrow(columns: Columns, options: Any) -> bytes:
    """Return what pyarrow writes."""
    target = io.BytesIO()
    pyarrow.csv.write_csv(arrow(columns), target, options)
    return target.getvalue()


@given(columns=tables(tame=True), options=arrow_dialects(), way=WAYS)
@SOME
def test_tame_tables_of_pyarrow_are_read_back_identically(columns, options, way, read_in):
    check_read_back(columns, lambda: read_in(with_arrow(columns, options), way), tame=True)


@given(columns=tables(), options=arrow_dialects(), way=WAYS)
@MANY
def test_what_pyarrow_writes_is_read_back_or_announced(columns, options, way, read_in):
    check_read_back(columns, lambda: read_in(with_arrow(columns, options), way))


def check_types(columns: Columns, read: Callable[[], Table]) -> Table | None:
    """Hold that a file with types gave back values and types; only blank texts are missing.

    A text column of written numbers (``1 200 $``) may be read as these, if a note names it, and then ``inf``
    among them is refused.
    """
    table = table_or_error(read)
    if isinstance(table, DataError):
        assert table.code == "infinite", table
        words = [word for column in columns.values() if column.kind == "text" for word in column.values]
        assert {"inf", "1e999"} & set(words), table
        return None
    assert table.names == tuple(columns)
    for name, (kind, values) in columns.items():
        cells = cells_of(table, name)
        is_empty = all(cell is None for cell in cells)
        if kind == "text" and table.is_number(name) and not is_empty:
            assert any(shown(name) in note for note in table.notes), (name, cells, values)
            continue
        assert table.is_number(name) == (kind == "number") or is_empty, name
        assert all(same(c, v, kind) for c, v in zip(cells, values, strict=True)), (name, cells, values)
        assert kind != "text" or not merged(cells, values), (name, cells, values)
    return table


@given(
    columns=tables(),
    options=st.fixed_dictionaries(
        {
            "compression": st.sampled_from(["none", "snappy", "zstd", "gzip", "brotli", "lz4"]),
            "row_group_size": st.integers(1, 7),
            "use_dictionary": st.booleans(),
            "data_page_version": st.sampled_from(["1.0", "2.0"]),
            "version": st.sampled_from(["1.0", "2.4", "2.6"]),
        }
    ),
)
@MANY
def test_parquet_of_pyarrow_is_read_back_identically(columns, options, read_in):
    target = io.BytesIO()
    pq.write_table(arrow(columns), target, **options)
    check_types(columns, lambda: read_in(target.getvalue()))


# --------------------------------------------------------------------------------------------------- polars


def polars_frame(columns: Columns) -> Any:
    """Return the table as polars has it."""
    import polars as pl

    types = {"number": pl.Float64, "text": pl.String, "bool": pl.Boolean, "date": pl.Date}
    return pl.DataFrame({n: pl.Series(n, values, dtype=types[kind]) for n, (kind, values) in columns.items()})


POLARS_DIALECTS = st.fixed_dictionaries(
    {
        "separator": st.sampled_from(",;\t|"),
        "quote_style": st.sampled_from(["necessary", "always", "non_numeric"]),
        "line_terminator": st.sampled_from(["\n", "\r\n"]),
        "include_bom": st.booleans(),
        "null_value": st.sampled_from(["", "NA", "null"]),
    }
)


@given(columns=tables(), tame=tables(tame=True), options=POLARS_DIALECTS, way=WAYS)
@MANY
def test_what_polars_writes_is_read_back_or_announced(columns, tame, options, way, read_in):
    pytest.importorskip("polars")
    check_read_back(columns, lambda: read_in(polars_frame(columns).write_csv(**options).encode(), way))
    check_read_back(tame, lambda: read_in(polars_frame(tame).write_csv(**options).encode(), way), tame=True)


@given(columns=tables(), compression=st.sampled_from(["zstd", "snappy", "uncompressed"]))
@SOME
def test_parquet_of_polars_is_read_back_identically(columns, compression, read_in):
    pytest.importorskip("polars")
    target = io.BytesIO()
    polars_frame(columns).write_parquet(target, compression=compression)
    check_types(columns, lambda: read_in(target.getvalue()))


# ----------------------------------------------------------------------------- what only looks like a table


def test_the_words_for_missing_are_the_hard_case_and_are_announced(read_in):
    """The property has teeth: it sees a text that became a missing cell, and who says so."""
    columns = {
        "g": Column("text", ["NA", "a", "b"]),
        "k": Column("text", ["007", "1", "2"]),
        "target": Column("number", [1.0, 2.0, 3.0]),
    }
    table = read_in(with_csv(columns, {}))
    assert not all(map(same, cells_of(table, "g"), columns["g"].values, ["text"] * 3))
    assert cells_of(table, "k") == ["007", "1", "2"]
    notes = announcements(table)
    assert notes is not None
    assert any("g" in note and "missing" in note for note in notes)
    assert any("'k'" in note and "codes" in note for note in notes)
    silent = Table("-", ("g", "target"), 3, np.arange(3.0)[:, None], {"target": 0}, {"g": table.texts["g"]})
    with pytest.raises(AssertionError):
        check_read_back(
            {"g": Column("text", ["a", "a", "b"]), "target": columns["target"]}, lambda: silent, tame=True
        )
    assert {"NA"} < MISSING
    assert {"?"} < UNCERTAIN
