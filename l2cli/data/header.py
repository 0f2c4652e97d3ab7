"""What the columns of a text are called: its header, found and judged from the first records.

Standard library only. What cannot be a header is refused with what it seems to be; what may be none is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from l2cli.data.cells import BLANKS, CellRules, first_numbers
from l2cli.data.preamble import COMMENT, Preamble
from l2cli.data.records import Record, RecordReader
from l2cli.data.sniff import doubled, is_comment, mostly_numbers, refuse_doubled
from l2cli.errors import DataError, shown

ROW_NAMES = "row_names"
_IF_DATA = "if it is data, give --no-header"


class Header(NamedTuple):
    """The columns that a header names.

    extra : empty fields behind the named ones in every row, left by delimiters at the ends of lines.
    from_rows : whether the rows, not the header, tell how wide a row is.
    """

    names: tuple[str, ...]
    extra: int
    notes: tuple[str, ...]
    from_rows: bool


def read_names(first: Record, body: Sequence[Record], rules: CellRules, delimiter: str, label: str) -> Header:
    """Return the columns that the first record names.

    Raises
    ------
    DataError
        Where it is a title, or names are blank or stand twice.
    """
    rows = [record.fields for record in body if len(record.fields) == len(first.fields)]
    rows = rows or [record.fields for record in body if not is_comment(record.fields)]
    names = [name.strip(BLANKS) for name in first.fields]
    _refuse_title(first, body, label)
    if doubled([first.fields, *rows]) and not any(names[1::2]):
        refuse_doubled(delimiter, label, first.line)
    extra, notes = _trailing(names, [record.fields for record in body])
    if extra or notes:
        names = names[: _named(names)]
    from_rows = False
    # A lone name above rows of two is rather a title than the header of one column and row names.
    if not extra and rows and len(names) > 1 and all(len(row) == len(names) + 1 for row in rows):
        from_rows = _name_rows(rows)
    if from_rows:
        names.insert(0, "")
        notes = (
            f"the header has one name fewer than the rows have fields; the first column is '{ROW_NAMES}'",
        )
    if names[0] == "" and len(names) > 1 and ROW_NAMES not in names:
        names[0] = ROW_NAMES
    _refuse_blank_names(names, label)
    refuse_repeated_names(names, label, rules)
    if not from_rows and _looks_like_data(names, rows, rules):
        notes += (f"the first line, {shown(', '.join(names))}, was taken as names; {_IF_DATA}",)
    return Header(tuple(names), extra, notes, from_rows)


def commented_names(
    above: Preamble, body: Sequence[Record], delimiter: str, rules: CellRules
) -> list[str] | None:
    """Return the names in the last comment above the rows where it is the header, as ``#g,x`` or ``# g x``.

    It has a name for every field of the first rows, and they are not below a header of their own: that is
    one where a column of numbers begins with a word. Columns of words leave that open, and ``#g`` is then a
    name, ``# g`` a remark.
    """
    if not above.comments:
        return None
    line, text = above.comments[-1]
    if line != above.lines or text.startswith(COMMENT * 2):
        return None
    widths = {len(record.fields) for record in body if not is_comment(record.fields)}
    rest = text[len(COMMENT) :]
    for candidate in (text, rest):
        names = [name.strip(BLANKS) for name in _fields(candidate.strip(BLANKS), delimiter)]
        index_alone = names[:1] == [COMMENT]
        if (candidate is text) == index_alone and {len(names)} == widths and all(names[: _named(names)]):
            break
    else:
        return None
    columns = _columns([record.fields for record in body])
    if any(first_numbers([name], rules.decimals) for name in names if name) or len(names) < 2:
        return None
    words_above_numbers = [
        column[0] not in rules.no_numbers and first_numbers([column[0]], rules.decimals) is None
        for column in columns
        if len(column) > 1 and mostly_numbers(column[1:], rules)
    ]
    own_header = any(words_above_numbers) if words_above_numbers else rest.startswith(tuple(BLANKS))
    return None if own_header else names


def trailing_blanks(rows: Sequence[list[str]]) -> int:
    """Return how many of the last fields are empty in all rows, which are equally wide."""
    width = len(rows[0])
    if len(rows) < 2 or any(len(row) != width for row in rows):
        return 0
    return width - max(_named([cell.strip(BLANKS) for cell in row]) for row in rows)


def trailing_note(extra: int, whose: str = "every line ends") -> str:
    """Return what is said of columns that only delimiters at the ends of lines make."""
    if extra == 1:
        return f"{whose} with a delimiter; the empty column behind it is left out"
    return f"{whose} with {extra} delimiters; the empty columns behind them are left out"


def refuse_units(body: Sequence[Record], rules: CellRules, label: str) -> None:
    """Raise DataError where the first row has words above numbers in every column of numbers.

    Two such columns at least: a single word is a stray cell, which is named where its column is used.
    """
    if len(body) < 3:
        return
    units, gone = [cell.strip(BLANKS) for cell in body[0].fields], rules.no_numbers
    # A number in it, as in nearly every row of data, spares a look at the columns.
    if any(cell not in gone and first_numbers([cell], rules.decimals) for cell in units):
        return
    columns = _columns([record.fields for record in body])
    words = [column[0] for column in columns if mostly_numbers(column[1:], rules)]
    if len(words) > 1 and not gone.intersection(words):
        told = ", ".join(f"'{shown(word, 20)}'" for word in words[:3])
        raise DataError(
            f"{label} line {body[0].line}: {told} above numbers alone, so this is no row of data",
            hint="delete the line, or name its cells with --na if they mean missing",
            code="second_header",
        )


def refuse_repeated_names(names: Sequence[str], label: str, rules: CellRules | None = None) -> None:
    """Raise DataError where a name stands twice, with the positions."""
    places: dict[str, list[str]] = {}
    for i, name in enumerate(names, start=1):
        places.setdefault(name, []).append(str(i))
    repeated = {name: at for name, at in places.items() if len(at) > 1}
    twice = [f"'{shown(name)}' (columns {', '.join(at)})" for name, at in repeated.items()]
    if twice:
        more = f" and {len(twice) - 3} more" if len(twice) > 3 else ""
        numbers = rules is not None and any(first_numbers([name], rules.decimals) for name in repeated)
        raise DataError(
            f"{label}: duplicate column names: {', '.join(twice[:3])}{more}",
            hint="rename them, or give --no-header if the first line is data" if numbers else "rename them",
            code="duplicate_names",
        )


def _fields(line: str, delimiter: str) -> list[str]:
    return next(iter(RecordReader(line, delimiter, "", whole=False)), [])


def _named(cells: Sequence[str]) -> int:
    """Return how many cells there are without the empty ones at the end."""
    return max((i for i, cell in enumerate(cells, start=1) if cell), default=0)


def _columns(rows: Sequence[list[str]]) -> list[list[str]]:
    """Return the columns of the rows that are as wide as the first, blanks around cells left out."""
    full = [row for row in rows if len(row) == len(rows[0])]
    return [[cell.strip(BLANKS) for cell in column] for column in zip(*full, strict=True)]


def _refuse_title(first: Record, body: Sequence[Record], label: str) -> None:
    """Raise DataError where lines of one cell stand above rows of more: titles, not names."""
    if any(cell.strip(BLANKS) for cell in first.fields[1:]):
        return
    widths = [_named([cell.strip(BLANKS) for cell in record.fields]) for record in (first, *body)]
    single = next((i for i, width in enumerate(widths) if width > 1), len(widths))
    below = [len(record.fields) for record in body[single - 1 :]] if single else []
    if len(below) < 2 or len(set(below)) > 1 or len(first.fields) not in (1, below[0]):
        return
    header, title = body[single - 1], first.fields[0].strip(BLANKS)
    if not title or any(first_numbers([name], ".,") for name in header.fields):
        return
    raise DataError(
        f"{label} line {first.line}: '{shown(title)}' stands above the header, which"
        f" seems to be line {header.line} ({shown(', '.join(header.fields))})",
        hint=f"delete what is above, or give - as the file and pipe tail -n +{header.line} FILE into it",
        code="title",
    )


def _trailing(names: Sequence[str], rows: Sequence[list[str]]) -> tuple[int, tuple[str, ...]]:
    """Return how many empty fields every row has behind the named ones, and the note on them.

    A row that does not agree is refused when it is read.
    """
    named, width = _named(names), len(names)
    full = [row for row in rows if len(row) >= named and not (len(row) != width and is_comment(row))]
    if not full or not named:
        return (width - named if named else 0), ()
    widths = {len(row) for row in full}
    blank = sum(not any(cell.strip(BLANKS) for cell in row[named:]) for row in full)
    if 2 * blank <= len(full) or (named == width and (blank < len(full) or widths == {named})):
        return 0, ()
    if widths == {named}:
        return 0, ("the header ends with a delimiter that the rows lack; it is ignored",)
    if named < width:
        return width - named, (trailing_note(width - named),)
    if len(widths) > 1:
        return 0, ()
    extra = widths.pop() - named
    return extra, (trailing_note(extra, "every row, but not the header, ends"),)


def _name_rows(body: Sequence[list[str]]) -> bool:
    """Return True where the first cells can name the rows, so that it is their column that lacks a name.

    They are distinct, and none is blank. A blank in the last column speaks for a remark without a header
    behind some rows, which would shift every name; words as row names outweigh a few of those.
    """
    first = [row[0].strip(BLANKS) for row in body]
    if "" in first or len(set(first)) < len(first):
        return False
    blank = sum(not row[-1].strip(BLANKS) for row in body)
    return not blank or (2 * blank <= len(body) and first_numbers(first, ".,") is None)


def _refuse_blank_names(names: Sequence[str], label: str) -> None:
    blank = [str(i + 1) for i, name in enumerate(names) if not name]
    if blank:
        which = f"columns {', '.join(blank[:5])} have" if len(blank) > 1 else f"column {blank[0]} has"
        raise DataError(
            f"{label}: {which} no name in the header",
            hint="name it, or give --no-header if the first line is data",
        )


def _looks_like_data(names: Sequence[str], rows: Sequence[list[str]], rules: CellRules) -> bool:
    """Return True where the names may be a row: numbers above numbers, or words that the column has too.

    Numbers that count up evenly beside other names, as years do, are names.
    """
    values = [found[0] for name in names if (found := first_numbers([name], rules.decimals))]
    if len(values) == len(names):
        return True
    columns = zip(*(row for row in rows if len(row) == len(rows[0])), strict=True)
    above_numbers = []
    for name, column in zip(names, columns, strict=False):
        number = first_numbers([name], rules.decimals)
        if number is None and name in column:
            return True
        if number is not None and mostly_numbers([cell.strip(BLANKS) for cell in column], rules):
            above_numbers.append(number[0])
    steps = {round(b - a, 9) for a, b in pairwise(above_numbers)}
    counting = steps in ({1.0}, {-1.0}) or (len(above_numbers) > 2 and len(steps) == 1 and steps != {0.0})
    return bool(above_numbers) and not counting
