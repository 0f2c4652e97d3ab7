"""The zoo: files of one trait each, against what a careful person reads in them (``expected.json`` there).

What is expected was written by hand from the trait, never taken from the program.
"""

from __future__ import annotations

import gzip
import importlib.util
import io
import json
import math
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from l2cli.cli.app import run as run_app
from l2cli.data.read import read_header, read_table
from l2cli.data.table import Table
from l2cli.errors import L2Error
from l2cli.spec import ReadSpec

ZOO = Path(__file__).resolve().parent.parent / "data_zoo"
EXPECTED: dict[str, dict[str, Any]] = json.loads((ZOO / "expected.json").read_text(encoding="utf-8"))
NO_SPECIMENS = {"make.py", "expected.json", "README.md", ".gitattributes"}


def having(*keys: str) -> list[str]:
    """Return the specimens for which something of this is expected."""
    return [name for name, entry in EXPECTED.items() if any(key in entry for key in keys)]


@cache
def maker() -> ModuleType:
    """Return the module that makes the specimens."""
    spec = importlib.util.spec_from_file_location("make_zoo", ZOO / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def spec_of(name: str) -> ReadSpec:
    """Return the reading options that a specimen is read with."""
    options: dict[str, Any] = EXPECTED[name].get("options", {})
    fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in options.items()}
    return ReadSpec(**fields)


def cells(table: Table, name: str) -> list[float | str | None]:
    """Return the cells of a column, None where missing."""
    if table.is_number(name):
        return [None if math.isnan(value) else value for value in table.number(name).tolist()]
    column = table.texts[name]
    return [None if code < 0 else column.levels[code] for code in column.codes.tolist()]


def as_expected(values: Sequence[float | str | None]) -> list[float | str | None]:
    """Return the cells of a column of the golden file, whose whole numbers are written without a point."""
    return [float(v) if isinstance(v, int | float) else v for v in values]


def kinds_of(entry: dict[str, Any]) -> dict[str, str]:
    """Return what every column is: one with a text in it is text, any other one numbers."""
    if "kinds" in entry:
        return dict(entry["kinds"])
    texts = {n: any(isinstance(cell, str) for cell in column) for n, column in entry["columns"].items()}
    return {name: "text" if is_text else "number" for name, is_text in texts.items()}


def check_table(table: Table, entry: dict[str, Any]) -> None:
    kinds = kinds_of(entry)
    assert table.names == tuple(kinds)
    assert {name: "number" if table.is_number(name) else "text" for name in kinds} == kinds
    for name, values in entry.get("columns", {}).items():
        # repr tells -0.0 from 0.0
        assert repr(cells(table, name)) == repr(as_expected(values)), name
    for name, lengths in entry.get("lengths", {}).items():
        assert [len(str(cell)) for cell in cells(table, name)] == lengths


def says(text: str, phrases: Sequence[str]) -> bool:
    """Return True where a message holds all the phrases."""
    return all(phrase in text for phrase in phrases)


def check_notes(notes: Sequence[str], expected: Sequence[Sequence[str]]) -> None:
    """Hold that every expected note is there, and no other."""
    left = list(notes)
    for phrases in expected:
        found = next((note for note in left if says(note, phrases)), None)
        assert found is not None, f"no note says {phrases}: {notes}"
        left.remove(found)
    assert left == []


# ----------------------------------------------------------------------------------------------- the corpus


def test_every_file_of_the_zoo_has_its_expectation():
    top = {path.name for path in ZOO.iterdir() if path.name != "__pycache__"} - NO_SPECIMENS
    assert {name for name in EXPECTED if "/" not in name} == top
    assert len(top) >= 80


def content_of(packed: bytes) -> object:
    """Return what is in a file, whichever release of a library packed it."""
    if packed.startswith(b"PAR1") and packed.endswith(b"PAR1"):
        from pyarrow import parquet

        table = parquet.ParquetFile(io.BytesIO(packed)).read()
        return table.schema, [column.to_pylist() for column in table.columns]
    if packed.startswith(
        (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ", b"PK", b"SQLite", b"ARROW1", b"PAR1")
    ):
        try:
            return content_of(gzip.decompress(packed))
        except (OSError, EOFError, ValueError):
            return packed[:4]
    return packed


def test_the_script_makes_what_is_committed():
    """Line ends, marks and archives are no text that a diff shows: this holds that nobody changed them."""
    made = maker().specimens()
    found = {path.relative_to(ZOO).as_posix() for path in ZOO.rglob("*") if path.is_file()}
    assert set(made) == {name for name in found if "__pycache__" not in name} - NO_SPECIMENS
    for name, content in made.items():
        assert repr(content_of((ZOO / name).read_bytes())) == repr(content_of(content)), name


# ------------------------------------------------------------------------------------ what is read, by whom


@pytest.mark.parametrize("name", having("columns", "kinds"))
def test_a_specimen_is_read_as_a_careful_person_reads_it(name):
    entry = EXPECTED[name]
    table = read_table(str(ZOO / name), spec_of(name))
    check_table(table, entry)
    if "notes" in entry:
        check_notes(table.notes, entry["notes"])


@pytest.mark.parametrize("name", having("error"))
def test_a_specimen_is_refused_in_one_line_that_says_why(name):
    entry, path = EXPECTED[name], str(ZOO / name)
    with pytest.raises(L2Error) as caught:
        read_table(path, spec_of(name))
    message = str(caught.value)
    assert says(message, entry["error"]), message
    assert message.startswith(path)
    assert message.isprintable()
    assert caught.value.exit_status == entry["status"]


def told_or_error(read: Callable[[], Table], label: str = "standard input") -> object:
    """Return what a table tells, or the message of the error there may be instead."""
    try:
        table = read()
    except L2Error as error:
        return str(error).replace(label, "FILE")
    lines = [table.line_of(row) for row in range(table.n_rows)]
    return table.names, {name: repr(cells(table, name)) for name in table.names}, table.notes, lines


@pytest.mark.parametrize("name", [name for name in EXPECTED if (ZOO / name).is_file()])
def test_no_reader_differs_from_another(name, read_in, pipe, ways):
    """The small-file path, the large-file path whole and in shreds, a pipe, and once more in a packing."""
    content, spec, path = (ZOO / name).read_bytes(), spec_of(name), str(ZOO / name)
    expected = told_or_error(partial(read_table, path, spec), path)
    assert told_or_error(lambda: read_table("-", spec, stdin=pipe(content))) == expected
    # the limit on what is unpacked belongs to the file, so a stream in a packing of its own has none
    if "parquet" in name or "max_expanded" in EXPECTED[name].get("options", {}):
        return
    twice = name in maker().packed()
    for way, (packer, _) in ways.items():
        if packer == "plain" or not twice:
            assert told_or_error(partial(read_in, content, way, spec)) == expected, way


@pytest.mark.parametrize("name", [name for name in EXPECTED if (ZOO / name).is_file()])
def test_the_header_alone_is_that_of_the_table(name):
    try:
        names = read_table(str(ZOO / name), spec_of(name)).names
    except L2Error:
        return
    assert read_header(str(ZOO / name), spec_of(name)) == names


def twins() -> list[str]:
    """Return the texts whose table is spelled out whole, so that another program can write it."""
    return [
        name
        for name, entry in EXPECTED.items()
        if "columns" in entry and "kinds" not in entry and "parquet" not in name
    ]


@pytest.mark.parametrize("name", twins())
def test_parquet_of_the_same_table_is_read_the_same(name):
    import pyarrow as pa
    from pyarrow import parquet

    entry, target = EXPECTED[name], io.BytesIO()
    types = {n: pa.string() if kind == "text" else pa.float64() for n, kind in kinds_of(entry).items()}
    columns = {n: pa.array(as_expected(values), types[n]) for n, values in entry["columns"].items()}
    parquet.write_table(pa.table(columns), target)
    table = read_table("-", stdin=io.BytesIO(target.getvalue()))
    check_table(table, entry)
    assert table.notes == []


# ---------------------------------------------------------------------------- what becomes of it in a model

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """Return a function that runs ``l2cli`` in the folder of the zoo, in this process."""
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")  # the command would set it for its workers
    monkeypatch.chdir(ZOO)

    def start(*words: str) -> tuple[int, str, str]:
        capfd.readouterr()
        return int(run_app(list(words))), *capfd.readouterr()

    return start


@pytest.mark.parametrize("name", having("fits"))
def test_a_fit_uses_the_columns_as_a_careful_person_would(name, command):
    for expected in EXPECTED[name]["fits"]:
        status, output, errors = command("fit", name, "--lambda", "1", "--json", *expected.get("options", []))
        answer = json.loads(output)
        assert status == expected.get("status", 0), errors
        if "error" in expected:
            message = f"{answer['error']['message']}; {answer['error']['hint']}"
            assert says(message, expected["error"]), message
            assert name in message or status == 2
            continue
        if "features" in expected:
            assert answer["data"]["features"] == expected["features"]
        if "family" in expected:
            assert answer["settings"]["family"] == expected["family"]
        if "classes" in expected:
            assert [found["label"] for found in answer["data"]["classes"]] == expected["classes"]
        for phrases in expected.get("notes", []):
            assert any(says(note, phrases) for note in answer["data"]["notes"]), (phrases, answer["data"])
            # what is in the answer is said on standard error too
            assert any(says(line, phrases) for line in errors.splitlines()), errors


@pytest.mark.parametrize("name", having("roles"))
def test_inspect_tells_the_role_of_every_column(name, command):
    status, output, errors = command("inspect", name, "--json")
    assert status == 0, errors
    found = {column["name"]: column["role"] for column in json.loads(output)["columns"]}
    assert {column: found[column] for column in EXPECTED[name]["roles"]} == EXPECTED[name]["roles"]


@pytest.mark.parametrize("word", ["fit", "inspect"])
@pytest.mark.parametrize("name", EXPECTED)
def test_no_specimen_brings_an_internal_error_or_reaches_the_terminal_raw(name, word, command):
    status, output, errors = command(word, name)
    assert status in {0, 1, 2, 3}
    assert all(line.startswith("l2cli: ") for line in errors.splitlines())
    assert (errors.replace("\n", "") + output.replace("\n", "")).isprintable()
    assert "Traceback" not in errors
    if status:
        assert output == ""
        assert errors.splitlines()[-1].startswith("l2cli: error: ")
