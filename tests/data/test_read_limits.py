"""A small file that unpacks to a huge one is refused before it fills the memory; the limit can be raised."""

from __future__ import annotations

import bz2
import gzip
import io
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from l2cli.cli import values
from l2cli.data.read import read_header, read_parts, read_table
from l2cli.data.sizes import Sizes
from l2cli.data.source import as_size, open_source
from l2cli.data.text_parts import Opener
from l2cli.errors import DataError, UsageError
from l2cli.spec import ReadSpec

ROWS = b"a,b\n" + b"1,2\n" * 50_000
HINT = "if you trust it, allow more, for example --max-expanded"


def zst(content: bytes) -> bytes:
    packed: bytes = pa.compress(content, codec="zstd", asbytes=True)
    return packed


def parquet_file(n_rows: int) -> bytes:
    target = io.BytesIO()
    ones = pa.array([1.0] * n_rows)
    parquet.write_table(pa.table({"a": ones, "b": ones}), target)
    return target.getvalue()


PACKED = {"gz": gzip.compress(ROWS), "bz2": bz2.compress(ROWS), "zst": zst(ROWS)}


@pytest.mark.parametrize("codec", PACKED)
def test_a_limit_that_was_given_holds(codec):
    packed = PACKED[codec]
    table = read_table("-", ReadSpec(max_expanded=len(ROWS)), stdin=io.BytesIO(packed))
    assert table.n_rows == 50_000
    with pytest.raises(DataError, match=f"unpacks from .* to more than 195K; {HINT} 781K") as caught:
        read_table("-", ReadSpec(max_expanded=len(ROWS) - 1), stdin=io.BytesIO(packed))
    assert (caught.value.code, int(caught.value.exit_status)) == ("too_large", 3)


def test_what_is_not_compressed_has_no_limit():
    assert read_table("-", ReadSpec(max_expanded=10), stdin=io.BytesIO(ROWS)).n_rows == 50_000


def test_parquet_is_measured_by_what_it_promises():
    packed = parquet_file(100_000)
    assert read_table("-", ReadSpec(max_expanded=1_600_000), stdin=io.BytesIO(packed)).n_rows == 100_000
    with pytest.raises(DataError, match=f"expands from .* to more than 977K; {HINT} 3.81M"):
        read_table("-", ReadSpec(max_expanded=1_000_000), stdin=io.BytesIO(packed))
    one = read_table("-", ReadSpec(max_expanded=1_000_000), stdin=io.BytesIO(packed), names=["a"])
    assert one.n_rows == 100_000


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"a,b\n" + b"1,2\n" * 90_000, r"\d+ rows of 2 columns need 0\.\d+ GB, and this machine has 0\.00"),
        (
            b"a\n" + b"".join(b"n%d\n" % i for i in range(9000)),
            r"\d+ rows of 1 column with \d+ distinct texts need 0\.00",
        ),
    ],
    ids=["numbers", "texts"],
)
def test_rows_that_do_not_fit_the_memory_are_refused_while_they_are_read(monkeypatch, content, found):
    """Four characters become sixteen bytes, and a short text more than a hundred."""
    sizes = Sizes(small=1, piece=1 << 14, chunk=1 << 14)
    openers: list[Opener] = [lambda: open_source("-", io.BytesIO(content))]
    n_rows = read_parts(openers, "-", ReadSpec(), sizes=sizes).n_rows
    monkeypatch.setattr("l2cli.data.memory.physical_memory", lambda: 1_000_000)
    with pytest.raises(DataError, match=f"^standard input: {found}") as caught:
        read_parts(openers, "-", ReadSpec(), sizes=sizes)
    assert caught.value.code == "too_large"
    assert int(str(caught.value).split()[2]) < n_rows


def test_the_default_grows_with_the_file():
    for size, limit in ((1000, 1 << 30), (10 << 20, 2000 << 20)):
        with open_source("-", io.BytesIO(b"a" * size)) as opened:
            assert opened.room.limit == limit


def bomb(packer: str, size: int) -> bytes:
    """Return rows of this many bytes, compressed a thousandfold and more."""
    block = b"1,2\n" * (1 << 18)
    if packer == "bz2":
        return bz2.compress(b"a,b\n") + bz2.compress(block) * (size // len(block))
    return gzip.compress(b"a,b\n") + gzip.compress(block, 9) * (size // len(block))


CODE = """
import re, sys
from pathlib import Path
from l2cli.data.read import read_table
from l2cli.errors import DataError
from l2cli.spec import ReadSpec
try:
    read_table(sys.argv[1], ReadSpec(max_expanded=int(sys.argv[2]) << 20))
except DataError as error:
    print(error)
# not that of resource, which starts with the memory of the process that forked
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text()).group(1))
"""


def refused(path: Path, megabytes: int) -> tuple[str, int]:
    """Return the error of a read in a process of its own, and the peak memory of that in megabytes."""
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(path), str(megabytes)],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    message, peak = done.stdout.splitlines()
    return message, int(peak) >> 10


@pytest.mark.skipif(sys.platform != "linux", reason="the unit of the peak memory")
@pytest.mark.parametrize("packer", ["gz", "bz2"])
def test_a_bomb_is_refused_before_it_fills_the_memory(packer, tmp_path):
    """As numbers in memory its rows would take 1 GB."""
    path = tmp_path / "bomb"
    path.write_bytes(bomb(packer, 257 << 20))
    message, peak = refused(path, 256)
    assert "to more than 256M; " in message
    assert peak < 500


@pytest.mark.skipif(sys.platform != "linux", reason="the unit of the peak memory")
def test_a_row_without_an_end_is_refused_early(tmp_path):
    path = tmp_path / "line.gz"
    path.write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 600_000) + gzip.compress(b"7" * (1 << 24)) * 8)
    message, peak = refused(path, 1024)
    assert "line 600002: no end of the row within 64 MB; is this no table?" in message
    assert peak < 700


def test_a_header_is_read_from_the_start_of_a_bomb():
    assert read_header("-", stdin=io.BytesIO(bomb("gz", 1 << 22))) == ("a", "b")


SIZES = {"4G": 4 << 30, "512m": 512 << 20, "1.5 GiB": 3 << 29, "100KB": 102_400, "7": 7, "12B": 12}


@pytest.mark.parametrize(("text", "size"), SIZES.items())
def test_sizes_as_they_are_written(text, size):
    assert values.size(text, "--max-expanded") == size


@pytest.mark.parametrize("text", ["", "0", "-1", "G", "4X", "1e9", "nan", "0.0001K", "9999999999T"])
def test_what_is_no_size(text):
    with pytest.raises(UsageError, match="--max-expanded needs a size, not"):
        values.size(text, "--max-expanded")


def test_a_size_reads_back():
    for size in (1, 999, 1024, 3 << 29, 5 << 40):
        assert values.size(as_size(size), "--max-expanded") == size
