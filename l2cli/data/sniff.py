"""Find the delimiter of a text from its first lines, by counting fields with the reference tokenizer."""

from __future__ import annotations

from collections import Counter
from itertools import islice

from l2cli.data.cells import BLANKS, CellRules, cell_rules, first_numbers
from l2cli.data.preamble import COMMENT
from l2cli.data.records import WHITESPACE, RecordReader
from l2cli.errors import DataError, shown
from l2cli.spec import ReadSpec

SAMPLE_RECORDS = 100
# In this order where two fit equally well: a comma is the one most often found inside cells.
_DELIMITERS = ("\t", ";", "|", ",")
# Found in files, but in cells much more often: named, never taken unasked.
_RARE = (":", "~", "^", "!", "#", "/", "\x01", "\x02", "\x1e", "\x1f")


def sniffed(sample: str, whole: bool, spec: ReadSpec, label: str, first_line: int = 1) -> str:
    """Return the delimiter that fits the sample best.

    Where none fits, the one that divides most lines evenly is returned, so that the misfit is reported; a
    file without any delimiter has one column, and the comma is returned, so that a stray one is noticed.

    Raises
    ------
    DataError
        Where no delimiter occurs, but a rare one divides all lines evenly; the message names it.
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
    even = {delimiter: _even_rows(rows) for delimiter, rows in found.items() if delimiter != spec.decimal}
    best = max(even, key=lambda delimiter: even[delimiter])
    if even[best]:
        return best
    if all(len(row) == 1 for rows in found.values() for row in rows):
        _refuse_rare(sample, whole, label, first_line)
    return "," if spec.decimal != "," else ";"


def is_comment(record: list[str]) -> bool:
    """Return True for a record that may be a comment; whether it is one, its number of fields decides."""
    return record[0].lstrip(BLANKS).startswith(COMMENT)


def mostly_numbers(cells: list[str], rules: CellRules) -> bool:
    """Return True for a column with numbers and missing cells only."""
    present = [cell for cell in cells if cell not in rules.missing and cell not in rules.uncertain]
    return bool(present) and first_numbers(present, rules.decimals) is not None


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
    width = len(rows[0])
    body = [row for row in rows[1:] if len(row) == width or not is_comment(row)]
    if body and all(len(row) == width + 1 for row in body):
        width += 1
    full = [row for row in body if len(row) == width]
    share = len(full) / len(body) if body else 1.0
    columns = [[cell.strip(BLANKS) for cell in column] for column in zip(*full, strict=True)]
    numeric = sum(mostly_numbers(column, rules) for column in columns)
    return share, numeric / width


def _even_rows(rows: list[list[str]]) -> int:
    """Return how many rows below the first are of one width, 0 where it is one field or that of few."""
    widths = Counter(len(row) for row in rows[1:])
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
    return count if width > 1 and 2 * count > len(rows) - 1 else 0


def _refuse_rare(sample: str, whole: bool, label: str, first_line: int) -> None:
    """Raise DataError where a delimiter that is not looked for divides all lines evenly."""
    for delimiter in _RARE:
        rows = _sample_rows(sample, delimiter, whole, label)
        widths = {len(row) for row in rows}
        if len(rows) < 2 or len(widths) > 1 or widths == {1}:
            continue
        width = widths.pop()
        if doubled(rows):
            refuse_doubled(delimiter, label, first_line)
        spelled = delimiter if delimiter.isprintable() else f"\\x{ord(delimiter):02x}"
        raise DataError(
            f"{label}: no , ; | tab or blank separates fields, but '{spelled}' makes {width} of every line",
            hint=f"give --delimiter '{spelled}', or --delimiter , if it is a single column",
            code="delimiter",
        )


def doubled(rows: list[list[str]]) -> bool:
    """Return True where every second field of all rows is empty, so that two delimiters stand for one."""
    return len(rows) > 1 and all(len(row) > 2 and not any(row[1::2]) and len(row) % 2 for row in rows)


def refuse_doubled(delimiter: str, label: str, line: int) -> None:
    """Raise DataError for a delimiter of two characters."""
    two = shown(delimiter * 2)
    raise DataError(
        f"{label} line {line}: fields are separated by '{two}', and a delimiter is one character",
        hint=f"replace '{two}' by one, such as a tab or a comma",
        code="delimiter",
    )
