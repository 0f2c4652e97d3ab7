"""Files that change between the first look at them and the reading of their rows are an error."""

from __future__ import annotations

import io
from collections.abc import Iterable
from functools import partial

import pyarrow as pa
import pytest
from pyarrow import parquet

from l2cli.data.read import read_parts
from l2cli.data.sizes import Sizes
from l2cli.data.source import Source, open_source
from l2cli.errors import DataError
from l2cli.spec import ReadSpec

LARGE = Sizes(small=1, piece=64, chunk=64)
ROWS = b"a,b\n" + b"1,2\n" * 1000
CHANGED = "changed while it was read; try again when it is written"


def in_turn(contents: Iterable[bytes], label: str = "p1") -> partial[Source]:
    """Return an opener of a part that has another content every time."""
    rest = iter(contents)
    return partial(lambda: Source(label, io.BytesIO(next(rest)), True))


@pytest.mark.parametrize("later", [ROWS[:-4], ROWS + b"3,4\n", b"b,a,c\n1,2,3\n"])
def test_a_part_of_text_that_is_another_at_the_second_look(later):
    other = partial(lambda: Source("p2", io.BytesIO(ROWS), True))
    with pytest.raises(DataError, match=f"^p1: {CHANGED}") as caught:
        read_parts([in_turn([ROWS, ROWS, later]), other], "p*", ReadSpec(), sizes=LARGE)
    assert caught.value.code == "changed"


def test_a_file_that_becomes_shorter_at_the_end_of_a_line(tmp_path):
    path = tmp_path / "d.csv"
    path.write_bytes(ROWS)
    with open_source(str(path)) as opened:
        blocks = opened.blocks(64)
        assert next(blocks) == ROWS[:64]
        path.write_bytes(ROWS[:1604])
        with pytest.raises(DataError, match=f"d.csv: {CHANGED}"):
            list(blocks)


def table_bytes(**columns: list[float]) -> bytes:
    target = io.BytesIO()
    parquet.write_table(pa.table(columns), target)
    return target.getvalue()


@pytest.mark.parametrize(
    "later", [{"a": [1.0, 2.0, 3.0]}, {"a": [1.0]}, {"b": [1.0, 2.0]}, {"a": [1.0, 2.0], "b": [1.0, 2.0]}]
)
def test_a_part_of_parquet_that_is_another_at_the_second_look(later):
    first = table_bytes(a=[1.0, 2.0])
    parts = [in_turn([first, first, table_bytes(**later)]), in_turn([first] * 3, "p2")]
    with pytest.raises(DataError, match=f"^p1: {CHANGED}"):
        read_parts(parts, "p*", ReadSpec())
