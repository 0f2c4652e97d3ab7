"""The gap between training rows and later rows that they are tested on, as it is asked for."""

from __future__ import annotations

import re
from typing import NamedTuple

from l2cli.errors import UsageError, shown

_ROWS = re.compile(r"\d{1,15}", re.ASCII)
_DURATION = re.compile(r"(\d{1,15}(?:\.\d+)?)\s*(w|d|h|min|s)", re.ASCII)
_SECONDS = {"w": 604_800, "d": 86_400, "h": 3600, "min": 60, "s": 1}
_FOREVER = 10**18
"""Microseconds beyond all dates of the calendar."""


class Gap(NamedTuple):
    """What is left out of training before a block of later rows: a number of rows, or microseconds.

    text : how it was written; empty where nothing is left out because nobody asked.
    """

    rows: int = 0
    ticks: int | None = None
    text: str = ""

    def __str__(self) -> str:
        return self.text

    @property
    def given(self) -> int | str | None:
        """The gap as it was given: rows, a duration, None where there is none."""
        return self.rows if self.text and self.ticks is None else self.text or None

    @staticmethod
    def of(given: int | str | None) -> Gap:
        """Return the gap that is meant by a number of rows, or a duration such as 7d, 12h or 30min.

        Raises
        ------
        UsageError
            If it is neither.
        """
        if given is None:
            return NO_GAP
        text = str(given).strip()
        if _ROWS.fullmatch(text):
            return Gap(int(text), None, text)
        if (m := _DURATION.fullmatch(text)) is None:
            raise UsageError(
                f"--gap '{shown(text)}' is no gap", hint="give a number of rows, or a time as 7d, 12h, 30min"
            )
        return Gap(0, min(round(float(m[1]) * _SECONDS[m[2]] * 1e6), _FOREVER), text)


NO_GAP = Gap()
"""Every earlier row is trained on."""
