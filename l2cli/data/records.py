"""From clean text to records: the reference tokenizer, built on the ``csv`` module of the standard library.

The rules: a field is quoted where a ``"`` is its first character (blanks before it aside); a doubled ``"``
inside is one; any other quote is an ordinary character. A line of nothing but blanks is skipped; whoever
reads one column refuses it among the rows (a missing cell stands there as ``NA`` or ``""``). With the
delimiter ``" "`` fields are separated by runs of blanks.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import NamedTuple

from l2cli.data.quotes import ESCAPED, refuse_escaped
from l2cli.errors import DataError

WHITESPACE = " "


class Record(NamedTuple):
    """The fields of a record and the line on which it begins."""

    fields: list[str]
    line: int


class RecordReader:
    """Iterate over the records of a text as lists of fields.

    Attributes
    ----------
    start : 1-based line in the file where the current record begins.
    line : line that was read last, so where the current record ends.
    skips_blanks : blanks before a field are left out, as they stand before quotes somewhere.
    """

    def __init__(
        self, text: str, delimiter: str, label: str, first_line: int = 1, whole: bool = True
    ) -> None:
        """Prepare to read ``text``, whose first line is line ``first_line`` of the source ``label``.

        ``whole`` False: the text is the beginning of something longer, and an unfinished last record is
        dropped.
        """
        self.start = first_line
        self.line = first_line - 1
        self._label = label
        self._whole = whole
        self._delimiter = delimiter
        self.skips_blanks = delimiter == WHITESPACE or _has_blanks_before_quotes(text, delimiter)
        self._blank = " \n" if delimiter == "\t" else " \t\n"
        # The text of the current record, kept where a backslash may escape a quote.
        self._raw: list[str] | None = [] if ESCAPED in text else None
        self._opening = ""
        self._lines = io.StringIO(text, newline="\n")
        self._between = True
        self._unfinished = False

    def __iter__(self) -> Iterator[list[str]]:
        # The csv module asks for a line more only inside a quoted field: see _feed.
        rows = csv.reader(self._feed(), delimiter=self._delimiter, skipinitialspace=self.skips_blanks)
        try:
            for row in rows:
                if self._unfinished:
                    self._end_unfinished(row)
                    return
                if self._raw is not None:
                    self._refuse_escaped()
                yield row
                self._between = True
        except csv.Error as error:
            raise DataError(
                f"{self._label} line {self.start}: a field of more than {csv.field_size_limit()} characters",
                hint="is a quote left open? if not, shorten the cell",
            ) from error

    def _feed(self) -> Iterator[str]:
        """Yield lines to the csv module, without the blank ones between records, and keep count."""
        separated_by_blanks = self._delimiter == WHITESPACE
        for line in self._lines:
            self.line += 1
            if self._between:
                if not line.strip(self._blank):
                    continue
                self.start, self._opening = self.line, line
                self._between = False
            if self._raw is not None:
                self._raw.append(line)
            yield line.replace("\t", " ").rstrip(" \n") + "\n" if separated_by_blanks else line
        self._unfinished = not self._between

    def is_comment(self) -> bool:
        """Return True where the current record is a line that begins with ``#``."""
        return self.start == self.line and self._opening.lstrip(" \t").startswith("#")

    def _refuse_escaped(self) -> None:
        """Refuse quotes behind a backslash in the record that has just ended."""
        refuse_escaped("".join(self._raw or ()), self._delimiter, self._label, self.start)
        self._raw = []

    def _end_unfinished(self, row: list[str]) -> None:
        """Refuse a quote that the text does not close, naming the line where it opens."""
        if not self._whole:
            return
        if self._raw is not None:
            self._refuse_escaped()
        last = row[-1] if row else ""
        opens = self.line - last.count("\n") + last.endswith("\n")
        raise DataError(
            f"{self._label} line {opens}: a quote opens here and is never closed",
            hint='close it, or write a quote inside a quoted cell as ""',
        )


def _has_blanks_before_quotes(text: str, delimiter: str) -> bool:
    """Return True where a field begins with blanks and a quote."""
    if '"' not in text or ' "' not in text:  # one character is found far faster than two
        return False
    return re.search(f'(?:^|{re.escape(delimiter)}) +"', text, re.MULTILINE) is not None
