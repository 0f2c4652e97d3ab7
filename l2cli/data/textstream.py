"""From bytes to clean text: every encoding becomes UTF-8 without a byte order mark, every line end LF.

Standard library only. What comes out is what all parsers see, so none of them knows of encodings or line
ends.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from l2cli.errors import DataError, UsageError, shown

UTF8 = "utf-8"
# UTF-32 before UTF-16: the mark of little-endian UTF-16 begins that of little-endian UTF-32.
_MARKS = (
    (codecs.BOM_UTF8, UTF8),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def clean_pieces(blocks: Iterator[bytes], asked: str | None, label: str) -> Iterator[bytes]:
    """Yield the content of ``blocks`` as UTF-8 bytes with LF line ends, in pieces of about the same size.

    Parameters
    ----------
    blocks : iterator of bytes
        The file from its start.
    asked : str or None
        The encoding the user named; None: UTF-8, or what a byte order mark says.
    label : str
        The source, for messages.

    Raises
    ------
    UsageError
        Where the encoding named is unknown.
    DataError
        Where the bytes are not in an encoding other than UTF-8 (for that, see :func:`check_text`).
    """
    encoding = None if asked is None else known_encoding(asked)
    head = next(blocks, b"")
    if encoding is None:
        encoding = next((name for mark, name in _MARKS if head.startswith(mark)), UTF8)
    return _unix_lines(_utf8_pieces(head, blocks, encoding, label))


def check_text(data: bytes | bytearray, first_line: int, label: str) -> None:
    """Raise DataError where ``data`` holds NUL bytes or is not UTF-8, naming the line.

    Parameters
    ----------
    data : bytes
        Whole lines of the text. first_line : 1-based line in the file of the first of them.
    """
    nul = data.find(b"\0")
    if nul >= 0:
        line = first_line + data.count(b"\n", 0, nul)
        raise DataError(
            f"{label} line {line}: a NUL byte, so this is no text in UTF-8",
            hint="give a text file, or --encoding utf-16 if it was saved so",
            code="encoding",
        )
    if data.isascii():
        return
    try:
        data.decode(UTF8)
    except UnicodeDecodeError as error:
        line = first_line + data.count(b"\n", 0, error.start)
        raise DataError(
            f"{label} line {line}: byte 0x{data[error.start]:02x} is not UTF-8 text",
            hint="give the encoding of the file, for example --encoding latin-1",
            code="encoding",
        ) from error


def after_lines(data: bytes, count: int) -> int:
    """Return where the line behind the first ``count`` lines of ``data`` begins."""
    end = 0
    for _ in range(count):
        newline = data.find(b"\n", end)
        end = len(data) if newline < 0 else newline + 1
    return end


def known_encoding(name: str) -> str:
    """Return what Python calls an encoding; raise UsageError where it is none of text."""
    hint = "for example utf-8, latin-1, cp1252, utf-16"
    try:
        codec = codecs.lookup(name)
    except (LookupError, ValueError) as error:  # ValueError, and so UnicodeError, for a name beyond ASCII
        raise UsageError(f"--encoding {shown(name)}: no such encoding", hint=hint) from error
    try:
        codecs.getincrementaldecoder(codec.name)
        # Codecs such as base64, which are not of text, refuse this with a LookupError.
        b"0".decode(codec.name)
    except UnicodeError:
        return codec.name
    except (LookupError, ValueError) as error:
        raise UsageError(f"--encoding {shown(name)}: no such encoding", hint=hint) from error
    return UTF8 if codec.name in {"utf-8", "utf-8-sig"} else codec.name


def _utf8_pieces(head: bytes, blocks: Iterator[bytes], encoding: str, label: str) -> Iterator[bytes]:
    """Yield head and blocks as UTF-8 without a byte order mark."""
    if encoding == UTF8:
        yield head.removeprefix(codecs.BOM_UTF8)
        yield from blocks
        return
    decoder = codecs.getincrementaldecoder(encoding)()
    lines, started = 1, False
    block: bytes | None = head
    while block is not None:
        following = next(blocks, None)
        try:
            text = decoder.decode(block, following is None)
            piece = text.encode(UTF8) if started else text.removeprefix("\ufeff").encode(UTF8)
        except UnicodeError as error:
            line = lines + _lines_before(error)
            raise DataError(
                f"{label} line {line}: not {encoding} text", hint="give the right --encoding", code="encoding"
            ) from error
        lines += text.count("\n")
        started = started or bool(text)
        block = following
        yield piece


def _lines_before(error: UnicodeError) -> int:
    """Return how many lines end in the block before the bytes that could not be decoded."""
    if not isinstance(error, UnicodeDecodeError):
        return 0
    # Of UTF-16 the error names the byte order, which the mark at the start of the file gave.
    encoding = error.encoding if error.encoding.startswith("utf-") else "latin-1"
    return error.object[: error.start].decode(encoding, "ignore").count("\n")


def _unix_lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the pieces with CRLF and lone CR line ends turned into LF, a CRLF across two pieces into one."""
    held = b""
    for piece in pieces:
        if not held and b"\r" not in piece:
            yield piece
            continue
        text = held + piece
        held = b"\r" if text.endswith(b"\r") else b""
        yield text.removesuffix(b"\r").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if held:
        yield b"\n"
