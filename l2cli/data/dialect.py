"""How a text file is laid out: its delimiter, its header, the width of its rows.

Standard library only, so that a header can be read without NumPy. Everything is decided from the first lines,
by counting fields with the reference tokenizer: a delimiter is right if it gives every line as many fields as
the header. What stands above the table is found by :mod:`l2cli.data.preamble`, the delimiter by
:mod:`l2cli.data.sniff`, the names by :mod:`l2cli.data.header`.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import NamedTuple

from l2cli.data.cells import BLANKS, CellRules, cell_rules
from l2cli.data.formats import refuse_text_format
from l2cli.data.header import commented_names, read_names, refuse_units, trailing_blanks, trailing_note
from l2cli.data.preamble import find_preamble, is_blank, only_comments, without_blank_end
from l2cli.data.quotes import refuse_single_quotes
from l2cli.data.records import Record, RecordReader
from l2cli.data.sniff import SAMPLE_RECORDS, sniffed
from l2cli.data.textstream import known_encoding
from l2cli.errors import DataError, UsageError, shown
from l2cli.spec import ReadSpec

SAMPLE_BYTES = 1 << 18
# What separates fields in the files of databases, besides the tab.
_CONTROLS = "\t\x01\x02\x1e\x1f"
_SPOKEN = {"tab": "\t", "\\t": "\t", "space": " ", "comma": ",", "semicolon": ";", "pipe": "|"}


class Layout(NamedTuple):
    """The layout of a text file.

    delimiter : one character; ``" "`` stands for any run of blanks.
    names : the columns in file order, unique. header_lines : lines before the first data row.
    width_source : what a row is measured against, for messages.
    extra : empty fields behind the named ones in every row. comments : lines of comment above the first row.
    """

    delimiter: str
    names: tuple[str, ...]
    header_lines: int
    rules: CellRules
    notes: tuple[str, ...] = ()
    width_source: str = "the header"
    extra: int = 0
    comments: int = 0

    @property
    def width(self) -> int:
        """How many fields a row has, the empty ones behind the named included."""
        return len(self.names) + self.extra


def check_read_spec(spec: ReadSpec) -> None:
    """Raise UsageError for reading options that make no sense, whatever the file."""
    delimiter = _asked_delimiter(spec)
    if spec.decimal not in (None, ".", ","):
        raise UsageError(f"--decimal {shown(spec.decimal or '')!r}: must be . or ,")
    # A comma can be both: cells with decimal commas are quoted then.
    if delimiter == "." and spec.decimal != ",":
        raise UsageError("--delimiter and --decimal are both '.'", hint="they must differ")
    if spec.encoding is not None:
        known_encoding(spec.encoding)


def _asked_delimiter(spec: ReadSpec) -> str | None:
    """Return the delimiter asked for as one character, None where it is to be found out."""
    if spec.delimiter is None:
        return None
    asked = _SPOKEN.get(spec.delimiter.lower(), spec.delimiter)
    if code := re.fullmatch(r"\\x([0-9a-f]{2})", asked, re.IGNORECASE):
        asked = chr(int(code[1], 16))
    if not _separates(asked):
        raise UsageError(
            f"--delimiter '{shown(spec.delimiter)}': cannot separate fields",
            hint="give one character such as , ; | or tab, or space for runs of blanks",
        )
    return asked


def _separates(text: str) -> bool:
    """Return True for a character that can be a delimiter."""
    usable = " " <= text <= "~" or text in _CONTROLS
    return len(text) == 1 and usable and not text.isalnum() and text not in "\"'+-"


def sample_of(piece: bytes, whole: bool) -> tuple[bytes, bool]:
    """Return whole lines from the start of a text and whether they are all of it.

    ``piece`` is the text or, where not ``whole``, its beginning. Two lines at least that are no comments are
    returned if it has them.
    """
    if whole and len(piece) <= SAMPLE_BYTES:
        return piece, True
    end = piece.rfind(b"\n", 0, SAMPLE_BYTES) + 1
    if sum(not line.startswith(b"#") for line in piece[:end].splitlines()) < 2:
        end = len(piece) if whole else piece.rfind(b"\n") + 1
    return piece[:end], whole and end == len(piece)


def find_layout(sample: str, whole: bool, spec: ReadSpec, label: str, like: str | None = None) -> Layout:
    """Find out how a text file is laid out.

    Parameters
    ----------
    sample : str
        Whole lines from its start. whole : whether they are all there is.
    spec : ReadSpec
        What the user said about it; the rest is found out.
    label : str
        The source, for messages.
    like : str, optional
        The delimiter of another part of the table, which that of this one is.

    Raises
    ------
    DataError
        Where the file is empty or no table, its header has duplicate or blank names or an open quote, titles
        stand above it or units below, or the delimiter is one that has to be named.
    """
    if whole and not sample.strip(BLANKS + "\n"):
        raise DataError(f"{label}: the file is empty", code="empty")
    if whole and is_blank(sample):
        raise DataError(f"{label}: nothing but delimiters", code="empty")
    if whole and spec.delimiter is None and only_comments(sample):
        raise DataError(
            f"{label}: nothing but comments, which begin with #",
            hint="give a file with rows, or --delimiter if these are the rows",
            code="empty",
        )
    above = find_preamble(sample, spec.header)
    text = without_blank_end(sample.split("\n", above.lines)[-1])
    if spec.delimiter is None:
        refuse_text_format(text, label)
    delimiter = _asked_delimiter(spec) or like
    if delimiter is None and above.delimiter is not None and _separates(above.delimiter):
        delimiter = above.delimiter
        if delimiter == spec.decimal == ".":
            raise UsageError(f"--decimal {delimiter} is the delimiter that {label} names in its first line")
    if delimiter is None:
        delimiter = sniffed(text, whole, spec, label, above.lines + 1)
    reader = RecordReader(text, delimiter, label, above.lines + 1, whole=whole)
    records = (Record(fields, reader.start) for fields in reader)
    first = next(records, None)
    if first is None:
        hint = "is a quote left open, or is this no table?"
        raise DataError(f"{label} line 1: no end of the header is in sight", hint=hint)
    header_end = reader.line
    rules = cell_rules(spec, delimiter)
    body = list(islice(records, SAMPLE_RECORDS))
    quoted = refuse_single_quotes([first, *body], delimiter, label) if "'" in text else []
    comments = len(above.comments)
    if not spec.header:
        return _headless(first, body, Layout(delimiter, (), above.lines, rules, comments=comments), label)
    names = commented_names(above, [first, *body], delimiter, rules)
    if names is not None:
        body = [first, *body][:SAMPLE_RECORDS]
        header_end, comments = above.lines, comments - 1
        first = Record(names, above.lines)
    header = read_names(first, body, rules, delimiter, label)
    refuse_units(body, rules, label)
    notes = header.notes + tuple(
        f"cells of column '{shown(header.names[j])}' keep the ' around them, which is an ordinary character"
        for j in quoted
        if not header.from_rows and j < len(header.names)
    )
    if names is not None and names[0] != "#":
        notes = (f"line {header_end}, which begins with #, was taken as names", *notes)
    source = "the first row" if header.from_rows else "the header"
    return Layout(delimiter, header.names, header_end, rules, notes, source, header.extra, comments)


def _headless(first: Record, body: list[Record], layout: Layout, label: str) -> Layout:
    """Return the layout of a text without names."""
    extra = trailing_blanks([first.fields, *(record.fields for record in body)])
    if extra == len(first.fields):
        raise DataError(f"{label}: the first rows are empty, so they tell no column", code="empty")
    names = tuple(f"x{i}" for i in range(1, len(first.fields) - extra + 1))
    notes = (trailing_note(extra),) if extra else ()
    return layout._replace(names=names, notes=notes, width_source="the first row", extra=extra)
