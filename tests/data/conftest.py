"""The ways in which the reader can come to a table: they must all end at the same one."""

from __future__ import annotations

import bz2
import gzip
import io
from collections.abc import Callable, Collection, Sequence
from contextlib import nullcontext
from functools import partial

import pytest

from l2cli.data.read import read_parts
from l2cli.data.sizes import FlatRule, Sizes
from l2cli.data.source import Source, open_source
from l2cli.data.table import Table
from l2cli.spec import ReadSpec

SMALL = Sizes(small=1 << 30)
LARGE = Sizes(small=0)
# Pieces, chunks and the guess at the types are so small that everything has to be put together again.
SHREDDED = Sizes(small=0, piece=13, chunk=40, per_column=0, guessed_rows=2)
FLAT = FlatRule(columns=1, aside=1.0)

Reader = Callable[..., Table]


class Pipe(io.RawIOBase):
    """A stream that cannot be rewound and gives a few bytes at a time."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self._inner = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._inner.read(7 if size < 0 else min(size, 7))


def _zst(content: bytes) -> bytes:
    import pyarrow as pa

    packed: bytes = pa.compress(content, codec="zstd", asbytes=True)
    return packed


def _plain(content: bytes) -> bytes:
    return content


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "plain": _plain,
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "zst": _zst,
}
WAYS: dict[str, tuple[str, Sizes]] = {
    "small": ("plain", SMALL),
    "large": ("plain", LARGE),
    "shredded": ("plain", SHREDDED),
    "flat": ("plain", LARGE._replace(flat=FLAT)),
    "flat shredded": ("plain", SHREDDED._replace(flat=FLAT)),
    "gz": ("gz", SMALL),
    "gz shredded": ("gz", SHREDDED),
    "bz2": ("bz2", SMALL),
    "zst large": ("zst", LARGE),
}


def read_bytes(
    content: bytes,
    way: str = "small",
    spec: ReadSpec | None = None,
    names: Collection[str] | None = None,
    verbatim: Collection[str] = (),
) -> Table:
    """Read ``content`` as standard input in one of the ways."""
    packer, sizes = WAYS[way]
    packed = PACKERS[packer](content)
    with open_source("-", io.BytesIO(packed)) as opened:
        return read_parts([lambda: nullcontext(opened)], "-", spec or ReadSpec(), names, sizes, verbatim)


def read_split(
    contents: Sequence[bytes],
    way: str = "small",
    spec: ReadSpec | None = None,
    names: Collection[str] | None = None,
    verbatim: Collection[str] = (),
) -> Table:
    """Read contents as the parts ``p1``, ``p2``, ... of a table, in one of the ways."""
    packer, sizes = WAYS[way]

    def opened(number: int, content: bytes) -> Source:
        return Source(f"p{number}", io.BytesIO(PACKERS[packer](content)), owned=True)

    openers = [partial(opened, number, content) for number, content in enumerate(contents, start=1)]
    return read_parts(openers, "p*", spec or ReadSpec(), names, sizes, verbatim)


@pytest.fixture(params=list(WAYS))
def read(request: pytest.FixtureRequest) -> Reader:
    """Return a reader of bytes, in every way there is."""
    way: str = request.param

    def reader(
        content: bytes,
        spec: ReadSpec | None = None,
        names: Collection[str] | None = None,
        verbatim: Collection[str] = (),
    ) -> Table:
        return read_bytes(content, way, spec, names, verbatim)

    return reader


@pytest.fixture(params=list(WAYS))
def read_all(request: pytest.FixtureRequest) -> Reader:
    """Return a reader of the parts of a table, in every way there is."""
    way: str = request.param

    def reader(
        contents: Sequence[bytes],
        spec: ReadSpec | None = None,
        names: Collection[str] | None = None,
        verbatim: Collection[str] = (),
    ) -> Table:
        return read_split(contents, way, spec, names, verbatim)

    return reader


@pytest.fixture(scope="session")
def read_split_in() -> Reader:
    """Return a reader of the parts of a table that is told the way."""
    return read_split


@pytest.fixture(scope="session")
def read_in() -> Reader:
    """Return a reader of bytes that is told the way."""
    return read_bytes


@pytest.fixture(scope="session")
def pipe() -> type[Pipe]:
    """Return the class of streams that cannot be rewound."""
    return Pipe


@pytest.fixture(scope="session")
def ways() -> dict[str, tuple[str, Sizes]]:
    """Return all ways by their names: how the text is packed, and how much of it is read at a time."""
    return WAYS
