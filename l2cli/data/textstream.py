"""From bytes to clean text: every encoding becomes UTF-8 without a byte order mark, every line end LF.

Standard library only. What comes out is what all parsers see, so none of them knows of encodings or line
ends.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator

from l2cli.errors import DataError, UsageError, shown

UTF8 = "utf-8"
LATIN1, WINDOWS = "iso8859-1", "cp1252"
_LONGEST_TAIL = 64 << 20
# UTF-32 before UTF-16: the mark of little-endian UTF-16 begins that of little-endian UTF-32.
_MARKS = (
    (codecs.BOM_UTF8, UTF8),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def clean_pieces(blocks: Iterator[bytes], asked: str | None, label: str, head: bytes) -> Iterator[bytes]:
    """Yield the content of ``blocks`` as UTF-8 bytes with LF line ends, in pieces of about the same size.

    Parameters
    ----------
    blocks : iterator of bytes
        The file from its start.
    asked : str or None
        The encoding the user named; None: UTF-8, or what a byte order mark or the NUL bytes of UTF-16 say.
    label : str
        The source, for messages. head : the first bytes of the file.

    Raises
    ------
    UsageError
        Where the encoding named is unknown.
    DataError
        Where the bytes are not in an encoding other than UTF-8 (for that, see :func:`check_text`).
    """
    encoding = None if asked is None else known_encoding(asked)
    marked = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    if encoding is None:
        encoding = marked or _unmarked(head) or UTF8
    elif encoding in {"utf-16", "utf-32"} and marked is None:
        # Python wants a byte order mark with these.
        encoding = _unmarked(head) or f"{encoding}-le"
    return _unix_lines(_utf8_pieces(next(blocks, b""), blocks, encoding, label))


def without_lines(pieces: Iterator[bytes], count: int) -> Iterator[bytes]:
    """Yield the pieces without the first ``count`` lines."""
    for piece in pieces:
        rest = piece
        if count:
            found = piece.count(b"\n")
            rest = piece[after_lines(piece, count) :] if count <= found else b""
            count -= min(count, found)
        if rest:
            yield rest


class WithoutTail:
    """Pieces of a text without the lines of blanks and delimiters alone at its end, as spreadsheets add.

    Among the rows such a line is a row: all its cells are missing.

    Attributes
    ----------
    n_lines : how many lines with a delimiter were left out, once all pieces have been taken.
    """

    def __init__(self, pieces: Iterator[bytes], delimiter: str) -> None:
        self._pieces = pieces
        self._delimiter = delimiter.encode()
        self.n_lines = 0

    def __iter__(self) -> Iterator[bytes]:
        held: list[bytes] = []
        inside = False  # of a line that something stands in
        for piece in self._pieces:
            content = len(piece.rstrip(b" \t\n" + self._delimiter))
            end = 0
            if content or inside:
                line_end = piece.find(b"\n", content)
                end = len(piece) if line_end < 0 else line_end + 1
                inside = line_end < 0
            if content or sum(map(len, held)) > _LONGEST_TAIL:
                yield from held
                held.clear()
            if end:
                yield piece if end == len(piece) else piece[:end]
            if end < len(piece):
                held.append(piece[end:])
        if not self._delimiter.isspace() or self._delimiter == b"\t":
            self.n_lines = sum(self._delimiter in line for line in b"".join(held).split(b"\n"))


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
            hint="give a text file in UTF-8, or name its --encoding",
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
            hint=f"give the encoding of the file, for example --encoding {_likely(data, error.start)}",
            code="encoding",
        ) from error


def _likely(data: bytes | bytearray, start: int) -> str:
    """Return the encoding that a line which is not UTF-8 from ``start`` on may be in.

    Latin-1 has control characters at 0x80 to 0x9f, and Windows the euro sign and curly quotes.
    """
    line = bytes(data[start:]).partition(b"\n")[0]
    try:
        return WINDOWS if _controls(line.decode(LATIN1)) and line.decode(WINDOWS) else "latin-1"
    except UnicodeDecodeError:
        return "latin-1"


def _controls(text: str) -> str:
    """Return the first control character of the upper half of Latin-1, nothing where there is none."""
    found = re.search("[\x80-\x9f]", text)
    return found[0] if found else ""


def windows_notes(texts: Iterable[str]) -> tuple[str, ...]:
    """Return what to say where texts that were read as Latin-1 show that they are Windows's cp1252."""
    for text in texts:
        meant = _controls(text).encode(LATIN1).decode(WINDOWS, "ignore")
        if meant:
            return (
                f"'{shown(text)}' holds a control character of latin-1, which is '{meant}' in cp1252;"
                " --encoding cp1252 reads it so",
            )
    return ()


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


def _unmarked(head: bytes) -> str | None:
    """Return the UTF-16 or UTF-32 that the NUL bytes of the first characters tell, None where they do not.

    The characters of ASCII have it in the same places, and hardly another character has it elsewhere.
    """
    head = head[: len(head) // 4 * 4]
    if b"\0" not in head:
        return None
    counts = tuple(head[place::4].count(0) for place in range(4))
    quarter = len(head) // 4
    for encoding, empty in (("utf-32-le", (2, 3)), ("utf-32-be", (0, 1))):
        if all(counts[place] == quarter for place in empty):
            return encoding
    for encoding, empty in (("utf-16-le", (1, 3)), ("utf-16-be", (0, 2))):
        elsewhere = sum(counts) - sum(counts[place] for place in empty)
        if elsewhere * 20 <= sum(counts) and min(counts[place] for place in empty) * 4 >= quarter:
            return encoding
    return None


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
