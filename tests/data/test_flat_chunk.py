"""Chunks of many columns read as one: which are, and that their cells come out as they stand."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.data import arrow_chunk
from l2cli.data.chunks import structural_quotes
from l2cli.data.flat_chunk import rectangle
from l2cli.data.sizes import FlatRule


def cells(text, width, delimiter=","):
    data = text.encode()
    return rectangle(data, structural_quotes(data, delimiter), delimiter, width)


def test_cells_and_the_text_of_one_column():
    found = cells('a,1,"x ""y"""\n,2,"z"\n', 3)
    assert found is not None
    assert [found.cells(j) for j in range(3)] == [["a", ""], ["1", "2"], ['x "y"', "z"]]
    assert found.one_below_the_other({0, 2}) == b"0\n1\n000000000\n\n2\n000\n"


@pytest.mark.parametrize(
    "text",
    ["1,2\n3\n4\n", "1\n2,3\n4,5\n6\n", "1,2\n\n3,4\n", '"a,b"\n1,2\n', '"a\nb",1\n', '1,"2"x\n3,4\n', ""],
    ids=["short", "shifted", "blank line", "quoted delimiter", "quoted newline", "text behind", "nothing"],
)
def test_what_is_no_rectangle_is_left_to_others(text):
    assert cells(text, 2) is None


@pytest.mark.parametrize(
    ("width", "aside", "expected"), [(199, 0, False), (200, 0, True), (320, 20, True), (320, 21, False)]
)
def test_many_columns_few_of_them_aside(width, aside, expected):
    assert FlatRule().serves(width, aside) is expected


def test_a_wide_file_goes_this_way(monkeypatch, read_in):
    """Row names, missing cells, codes, a text late in a column of numbers: as by the reference."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(30, 8)).round(3).astype(str)
    rows[:, 1] = [f"{i:03d}" for i in range(30)]
    rows[:, 2] = rng.integers(0, 9, 30).astype(str)
    rows[4, 3], rows[9, 4], rows[20, 5], rows[25, 6] = "NA", "", "?", "low"
    lines = [",".join(["name", *(f"v{j}" for j in range(8))])]
    lines += [f'"row {i}",' + ",".join(row) for i, row in enumerate(rows)]
    content = ("\n".join(lines) + "\n").encode()
    taken = []
    original = arrow_chunk.ChunkParser._flat

    def spied(self, chunk, failed):
        block = original(self, chunk, failed)
        taken.append(block is not None)
        return block

    monkeypatch.setattr(arrow_chunk.ChunkParser, "_flat", spied)
    flat, reference = (read_in(content, way) for way in ("flat shredded", "small"))
    assert sum(taken) > 20
    assert flat.names == reference.names
    assert flat.texts.keys() == reference.texts.keys()
    assert {"name", "v1", "v6"} <= flat.texts.keys()
    for name, column in reference.texts.items():
        np.testing.assert_array_equal(flat.texts[name].codes, column.codes)
        assert flat.texts[name].levels == column.levels
    np.testing.assert_array_equal(flat.numbers, reference.numbers)
    assert flat.notes == reference.notes
