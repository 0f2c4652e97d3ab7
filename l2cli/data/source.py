"""Where the bytes come from: open a file or standard input, tell its format by content, decompress it.

Standard library only, but for ``.zst`` (the codec of pyarrow). Whatever cannot be rewound is first copied to
an unlinked temporary file, so that every source can be read again from the start.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator
from types import TracebackType
from typing import IO, BinaryIO, cast

from l2cli.data.formats import codec_of, foreign, is_parquet
from l2cli.errors import DataError, L2Error, shown

STDIN = "-"
_PEEK = 4096

# A file may unpack to this much, or to this many times its size if that is more: few tables reach the factor.
_EXPANDED = 1 << 30
_EXPANSION = 200
# From here on it is worth a second look whether a file that expands so much ends before the limit.
_SUSPICIOUS = 16 << 20


class Room:
    """How much files may unpack to, the parts of a table together: those that have been opened.

    Parameters
    ----------
    max_expanded : int, optional
        Bytes; None: 1 GB, or 200 times the stored size if that is more.
    """

    def __init__(self, max_expanded: int | None = None) -> None:
        self._asked = max_expanded
        self._stored: dict[str, int] = {}
        self._taken: dict[str, int] = {}

    @property
    def limit(self) -> int:
        """The bytes that the files may unpack to."""
        return self._asked or max(_EXPANDED, _EXPANSION * sum(self._stored.values()))

    def enter(self, typed: str, stored: int) -> None:
        """Count a file with its stored size."""
        self._stored[typed] = stored

    def refuse_expanded(self, typed: str, size: int, what: str) -> None:
        """Raise DataError where there is no room for a file of ``size`` bytes, however often it is read."""
        self._taken[typed] = max(size, self._taken.get(typed, 0))
        limit, stored = self.limit, sum(self._stored.values())
        if sum(self._taken.values()) > limit:
            several = "with the parts before it, " if len(self._stored) > 1 else ""
            raise DataError(
                f"{label_of(typed)}: {several}{what} from {as_size(stored)} to more than {as_size(limit)}",
                hint=f"if you trust it, allow more, for example --max-expanded {as_size(4 * limit)}",
                code="too_large",
            )


class Source:
    """An open file or standard input that can be read from its start any number of times.

    Attributes
    ----------
    typed : the path as the user typed it. label : the same for messages (``standard input`` for ``-``).
    kind : ``text`` or ``parquet``. head : its first bytes, unpacked. size : its stored bytes.
    room : what it may unpack to, with the other parts of a table.
    """

    def __init__(self, typed: str, raw: BinaryIO, owned: bool, room: Room | None = None) -> None:
        self.typed = typed
        self.label = label_of(typed)
        self._raw = raw
        self._owned = owned
        self._unpacked: BinaryIO | None = None
        self.size = raw.seek(0, 2)
        raw.seek(0)
        self.room = room or Room()
        self.room.enter(typed, self.size)
        self._measured = False
        self._codec = codec_of(_guarded_read(self.label, raw, _PEEK, None))
        self.head = next(self.blocks(_PEEK), b"")
        self.kind = "parquet" if is_parquet(self.head) else "text"
        if self.kind == "text":
            _refuse_foreign(self.label, self.head)

    def __enter__(self) -> Source:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._owned:
            self._raw.close()
        if self._unpacked is not None:
            self._unpacked.close()

    @property
    def fraction_read(self) -> float:
        """How much of the stored bytes the reading in progress has consumed, 0 to 1."""
        return min(self._raw.tell() / self.size, 1.0) if self.size else 1.0

    def blocks(self, size: int) -> Iterator[bytes]:
        """Yield the decompressed content from the start in blocks of ``size`` bytes, the last one shorter.

        Raises
        ------
        DataError
            Where the file cannot be read, its compressed data are damaged or cut off, or they unpack to more
            than the limit, or the file has become shorter.
        """
        self._raw.seek(0)
        stream = self._decompressed()
        total = 0
        while block := _guarded_read(self.label, stream, size, self._codec):
            if self._codec is not None:
                total += len(block)
                self._refuse_bomb(total)
            yield block
        if self._raw.seek(0, 2) < self.size:
            raise changed(self.label)

    def refuse_expanded(self, size: int, what: str = "unpacks") -> None:
        """Raise DataError where ``size`` bytes are more than the file may unpack to."""
        self.room.refuse_expanded(self.typed, size, what)

    def _refuse_bomb(self, total: int) -> None:
        """Raise DataError where the ``total`` unpacked so far, or all there is, is more than the limit.

        What expands beyond measure is first unpacked to its end without being kept: rows that were parsed
        until the limit is reached would fill the memory.
        """
        self.refuse_expanded(total)
        here = self._raw.tell()
        if self._measured or total < _SUSPICIOUS or total < _EXPANSION * min(here, self.size):
            return
        self._measured, total = True, 0
        self._raw.seek(0)
        stream = self._decompressed()
        while block := _guarded_read(self.label, stream, 1 << 20, self._codec):
            total += len(block)
            self.refuse_expanded(total)
        self._raw.seek(here)

    def plain_file(self) -> BinaryIO:
        """Return a rewound file of the decompressed content, for readers that jump about in it."""
        if self._codec is None:
            self._raw.seek(0)
            return self._raw
        if self._unpacked is None:
            self._unpacked = _stored(self.label, self.blocks(1 << 20))
        self._unpacked.seek(0)
        return self._unpacked

    def _decompressed(self) -> IO[bytes]:
        # These imports take longer than to read a small file.
        if self._codec == "gzip":
            import gzip

            return cast("IO[bytes]", gzip.GzipFile(fileobj=self._raw, mode="rb"))
        if self._codec == "bzip2":
            import bz2

            return bz2.BZ2File(self._raw)
        if self._codec == "zstd":
            import pyarrow as pa

            return cast("IO[bytes]", pa.CompressedInputStream(_Borrowed(self._raw), "zstd"))
        return self._raw


class _Borrowed:
    """A file handed to a codec that would otherwise close it."""

    closed = False

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw

    def read(self, size: int = -1) -> bytes:
        return self._raw.read(size)

    def close(self) -> None:
        return None


def open_source(typed: str, stdin: BinaryIO | None = None, room: Room | None = None) -> Source:
    """Open a path, or standard input for ``-``, and tell its format.

    Parameters
    ----------
    typed : str
        Path as the user typed it.
    stdin : binary file, optional
        Read instead of the standard input of the process; it is never closed.
    room : Room, optional
        What it may unpack to together with the other parts of a table; None: 1 GB, or 200 times its size.

    Raises
    ------
    DataError
        Where the path does not exist, is a directory, may not be read, or holds a format that is not
        supported.
    """
    raw = _standard_input(stdin) if typed == STDIN else _opened(typed)
    owned = typed != STDIN
    try:
        if not (raw.seekable() and raw.tell() == 0):
            spooled = _spooled(label_of(typed), raw)
            if owned:
                raw.close()
            raw, owned = spooled, True
        return Source(typed, raw, owned, room)
    except (OSError, L2Error) as error:
        if owned:
            raw.close()
        if isinstance(error, OSError):
            raise DataError(f"{label_of(typed)}: cannot be read ({error.strerror or error})") from error
        raise


def changed(label: str) -> DataError:
    """Describe a file of which what was read first does not go with what was read later."""
    return DataError(
        f"{label}: changed while it was read", hint="try again when it is written", code="changed"
    )


def label_of(typed: str) -> str:
    """Return what messages call a source: its path as typed, ``standard input`` for ``-``."""
    return "standard input" if typed == STDIN else shown(typed, limit=1000)


def _standard_input(stdin: BinaryIO | None) -> BinaryIO:
    if stdin is not None:
        return stdin
    if sys.stdin is None:
        raise DataError("standard input: closed", hint="give a file")
    return sys.stdin.buffer


def _opened(typed: str) -> BinaryIO:
    """Open a path for reading, or say plainly why not."""
    label = label_of(typed)
    try:
        return open(typed, "rb")
    except FileNotFoundError as error:
        raise DataError(f"{label or repr(typed)}: no such file", code="not_found") from error
    except IsADirectoryError as error:
        raise DataError(f"{label}: is a directory", hint="give a file") from error
    except PermissionError as error:
        raise DataError(f"{label}: permission denied") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"{label}: cannot be opened ({reason})") from error


def _spooled(label: str, raw: BinaryIO) -> BinaryIO:
    """Copy what cannot be rewound into memory while small, else into an unlinked temporary file."""
    return _stored(label, iter(lambda: raw.read(1 << 20), b""), in_memory=4 << 20)


def _stored(label: str, blocks: Iterator[bytes], in_memory: int = 1) -> BinaryIO:
    """Write blocks into memory while they are few, else into an unlinked temporary file; rewind it."""
    from tempfile import SpooledTemporaryFile

    file = SpooledTemporaryFile(max_size=in_memory)  # noqa: SIM115  closed by the source that gets it
    try:
        for block in blocks:
            file.write(block)
    except OSError as error:
        file.close()
        raise DataError(f"{label}: cannot be stored for reading ({error.strerror or error})") from error
    file.seek(0)
    return cast("BinaryIO", file)


def _guarded_read(label: str, stream: IO[bytes], size: int, codec: str | None) -> bytes:
    """Read ``size`` bytes, fewer only at the end; say plainly what is wrong where that fails."""
    parts: list[bytes] = []
    try:
        while size > 0 and (part := stream.read(size)):
            parts.append(part)
            size -= len(part)
    except EOFError as error:
        raise _cut_off(label, codec) from error
    except (OSError, zlib.error) as error:
        if codec is None or (isinstance(error, OSError) and error.errno is not None):
            raise DataError(
                f"{label}: cannot be read ({getattr(error, 'strerror', None) or error})"
            ) from error
        if "Truncated" in str(error):
            raise _cut_off(label, codec) from error
        raise DataError(f"{label}: the {codec} data are damaged", hint="copy or download it again") from error
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _cut_off(label: str, codec: str | None) -> DataError:
    return DataError(f"{label}: the {codec} data end too early", hint="copy or download the whole file again")


def as_size(size: int) -> str:
    """Return a number of bytes in the way an option takes it, rounded to three digits.

    >>> as_size(3 << 29)
    '1.5G'
    """
    power = max(0, min((size.bit_length() - 1) // 10, 4))
    return f"{size / (1 << 10 * power):.3g}{'BKMGT'[power]}"


def _refuse_foreign(label: str, head: bytes) -> None:
    """Raise DataError for content that is neither text nor Parquet but known."""
    if codec_of(head):
        raise DataError(f"{label}: is compressed twice", hint="unpack it first")
    found = foreign(head)
    if found is not None:
        what, hint = found
        raise DataError(f"{label}: is {what}, not a table of text or Parquet", hint=hint, code="format")
