"""How a text file is laid out: its delimiter, its header, the width of its rows.

Standard library only, so that a header can be read without NumPy. Everything is decided from the first lines,
by counting fields with the reference tokenizer: a delimiter is right if it gives every line as many fields as
the header.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from l2cli.data.cells import BLANKS, CellRules, cell_rules, first_numbers
from l2cli.data.records import WHITESPACE, RecordReader
from l2cli.data.textstream import known_encoding
from l2cli.errors import DataError, UsageError, shown
from l2cli.spec import ReadSpec

ROW_NAMES = "row_names"
SAMPLE_BYTES = 1 << 18
SAMPLE_RECORDS = 100
# In this order where two fit equally well: a comma is the one most often found inside cells.
_DELIMITERS = ("\t", ";", "|", ",")
_SPOKEN = {"tab": "\t", "\\t": "\t", "space": " ", "comma": ",", "semicolon": ";", "pipe": "|"}


class Layout(NamedTuple):
    """The layout of a text file.

    delimiter : one character; ``" "`` stands for any run of blanks.
    names : the columns in file order, unique. header_lines : lines before the first data row.
    width_source : what a row is measured against, for messages.
    """

    delimiter: str
    names: tuple[str, ...]
    header_lines: int
    rules: CellRules
    notes: tuple[str, ...] = ()
    width_source: str = "the header"


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
    printable = " " <= asked <= "~" or asked == "\t"
    if len(asked) != 1 or not printable or asked.isalnum() or asked in "\"'+-":
        raise UsageError(
            f"--delimiter '{shown(spec.delimiter)}': cannot separate fields",
            hint="give one character such as , ; | or tab, or space for runs of blanks",
        )
    return asked


def sample_of(piece: bytes, whole: bool) -> tuple[bytes, bool]:
    """Return whole lines from the start of a text and whether they are all of it.

    ``piece`` is the text or, where not ``whole``, its beginning. Two lines at least are returned if it has
    them.
    """
    if whole and len(piece) <= SAMPLE_BYTES:
        return piece, True
    end = piece.rfind(b"\n", 0, SAMPLE_BYTES) + 1
    if piece.count(b"\n", 0, end) < 2:
        end = len(piece) if whole else piece.rfind(b"\n") + 1
    return piece[:end], whole and end == len(piece)


def find_layout(sample: str, whole: bool, spec: ReadSpec, label: str) -> Layout:
    """Find out how a text file is laid out.

    Parameters
    ----------
    sample : str
        Whole lines from its start. whole : whether they are all there is.
    spec : ReadSpec
        What the user said about it; the rest is found out.
    label : str
        The source, for messages.

    Raises
    ------
    DataError
        Where the file is empty, its header has duplicate or blank names or an open quote.
    """
    if whole and not sample.strip(BLANKS + "\n"):
        raise DataError(f"{label}: the file is empty", code="empty")
    delimiter = _asked_delimiter(spec) or _sniffed(sample, whole, spec, label)
    reader = RecordReader(sample, delimiter, label, whole=whole)
    records = iter(reader)
    first = next(records, None)
    if first is None:
        hint = "is a quote left open, or is this no table?"
        raise DataError(f"{label} line 1: no end of the header is in sight", hint=hint)
    header_end = reader.line
    rules = cell_rules(spec, delimiter)
    if not spec.header:
        names = tuple(f"x{i}" for i in range(1, len(first) + 1))
        return Layout(delimiter, names, 0, rules, (), "the first row")
    body = list(islice(records, SAMPLE_RECORDS))
    names, notes = _header_names(first, body, label)
    if all(first_numbers([name], rules.decimals) for name in first):
        notes += (
            f"the first line, {shown(', '.join(names))}, was taken as names; if it is data, give --no-header",
        )
    width_source = "the header" if len(names) == len(first) else "the first row"
    return Layout(delimiter, names, header_end, rules, notes, width_source)


def _header_names(
    first: list[str], body: list[list[str]], label: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the column names and notes on how they came about."""
    names = [name.strip(BLANKS) for name in first]
    notes: tuple[str, ...] = ()
    # A lone name above rows of two is rather a title than the header of one column and row names.
    if body and len(names) > 1 and all(len(row) == len(names) + 1 for row in body):
        if all(not row[-1].strip(BLANKS) for row in body):
            raise DataError(
                f"{label}: every row ends with a delimiter that the header lacks",
                hint="add one there or remove them",
            )
        if _name_rows(body):
            names.insert(0, "")
            notes = (
                f"the header has one name fewer than the rows have fields; the first column is '{ROW_NAMES}'",
            )
    if names[0] == "" and len(names) > 1 and ROW_NAMES not in names:
        names[0] = ROW_NAMES
    blank = [str(i + 1) for i, name in enumerate(names) if not name]
    if blank:
        which = f"columns {', '.join(blank[:5])} have" if len(blank) > 1 else f"column {blank[0]} has"
        raise DataError(
            f"{label}: {which} no name in the header",
            hint="name it, or give --no-header if the first line is data",
        )
    refuse_repeated_names(names, label)
    return tuple(names), notes


def _name_rows(body: list[list[str]]) -> bool:
    """Return True where the first cells can name the rows, so that it is their column that lacks a name.

    They are distinct, and none is blank. A blank in the last column speaks for a remark without a header
    behind some rows, which would shift every name; words as row names outweigh a few of those.
    """
    first = [row[0].strip(BLANKS) for row in body]
    if "" in first or len(set(first)) < len(first):
        return False
    blank = sum(not row[-1].strip(BLANKS) for row in body)
    return not blank or (2 * blank <= len(body) and first_numbers(first, ".,") is None)


def refuse_repeated_names(names: Sequence[str], label: str) -> None:
    """Raise DataError where a name stands twice, with the positions."""
    places: dict[str, list[str]] = {}
    for i, name in enumerate(names, start=1):
        places.setdefault(name, []).append(str(i))
    twice = [f"'{shown(name)}' (columns {', '.join(at)})" for name, at in places.items() if len(at) > 1]
    if twice:
        more = f" and {len(twice) - 3} more" if len(twice) > 3 else ""
        raise DataError(
            f"{label}: duplicate column names: {', '.join(twice[:3])}{more}",
            hint="rename them",
            code="duplicate_names",
        )


def _sniffed(sample: str, whole: bool, spec: ReadSpec, label: str) -> str:
    """Return the delimiter that fits the sample best.

    Where none fits, the one that divides the lines below the first most evenly is returned, so that the
    misfit is reported; a file without any delimiter has one column, and the comma is returned, so that a
    stray one is noticed.
    """
    found = {d: _sample_rows(sample, d, whole, label) for d in _DELIMITERS}
    scores = {
        delimiter: (*_fit(rows, cell_rules(spec, delimiter)), len(rows[0]) if rows else 0, -order)
        for order, (delimiter, rows) in enumerate(found.items())
    }
    best = max(scores, key=lambda delimiter: scores[delimiter])
    if scores[best][0] == 1.0:
        return best
    share, numeric = _fit(_sample_rows(sample, WHITESPACE, whole, label), cell_rules(spec, WHITESPACE))
    # Words have blanks between them too: only a column of numbers speaks for blanks.
    if share == 1.0 and numeric > 0.0:
        return WHITESPACE
    if scores[best][0] > 0.0:
        return best
    for delimiter, rows in found.items():
        widths = {len(row) for row in rows[1:]}
        if len(widths) == 1 and widths != {1} and delimiter != spec.decimal:
            return delimiter
    return "," if spec.decimal != "," else ";"


def _sample_rows(sample: str, delimiter: str, whole: bool, label: str) -> list[list[str]]:
    """Return the first records under a delimiter; none where they cannot be told."""
    try:
        return list(islice(RecordReader(sample, delimiter, label, whole=whole), SAMPLE_RECORDS))
    except DataError:
        return []


def _fit(rows: list[list[str]], rules: CellRules) -> tuple[float, float]:
    """Return the share of rows as wide as the header, and the share of columns that hold numbers.

    A header one field short of all rows (R writes such files) fits as well.
    """
    if not rows or len(rows[0]) < 2:
        return 0.0, 0.0
    width, body = len(rows[0]), rows[1:]
    if body and all(len(row) == width + 1 for row in body):
        width += 1
    full = [row for row in body if len(row) == width]
    share = len(full) / len(body) if body else 1.0
    columns = [[cell.strip(BLANKS) for cell in column] for column in zip(*full, strict=True)]
    numeric = sum(_mostly_numbers(column, rules) for column in columns)
    return share, numeric / width


def _mostly_numbers(cells: list[str], rules: CellRules) -> bool:
    """Return True for a column with numbers and missing cells only."""
    present = [cell for cell in cells if cell not in rules.missing and cell not in rules.uncertain]
    return bool(present) and first_numbers(present, rules.decimals) is not None
