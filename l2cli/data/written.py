"""Numbers as people write them: thousands separators, signs of currency and percent, other minus signs.

A column is read so where it is no column of plain numbers and every present cell fits: the same sign in all
of them or none in any, one kind of separator, groups of exactly three digits. A percentage keeps the number
that is written (``0.5%`` is 0.5). What was read so is said in a note.

Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from math import nan
from typing import NamedTuple

WIDE_BLANKS = "\u00a0\u2007\u2009\u202f"
"""Blanks that are no separators of anything: no-break, figure, thin and narrow no-break space."""
_BLANKS = " \t" + WIDE_BLANKS
_MINUS = "\\-\u2010\u2012\u2013\u2212\ufe63\uff0d"
_CURRENCIES = (
    "AED|ARS|AUD|BGN|BRL|CAD|CHF|CLP|CNY|COP|CZK|DKK|EGP|EUR|GBP|HKD|HUF|IDR|ILS|INR|ISK|JPY|KES|KRW|MAD|MXN|"
    "MYR|NGN|NOK|NZD|PEN|PHP|PKR|PLN|QAR|RON|RSD|RUB|SAR|SEK|SGD|THB|TRY|TWD|UAH|USD|VND|ZAR"
)
_SIGN = f"%|[A-Z]{{0,2}}\\$|{_CURRENCIES}|[\u00a2-\u00a5\u0e3f\u20a0-\u20c0]"
_OUTER = re.compile(
    rf"(?P<minus>[+{_MINUS}])?[{_BLANKS}]*(?P<before>{_SIGN})?[{_BLANKS}]*(?P<inner>[+{_MINUS}])?"
    rf"(?P<body>[\d.,](?:.*[\d.,])?)[{_BLANKS}]*(?P<behind>{_SIGN})?(?P<trailing>[{_MINUS}])?",
    re.ASCII,
)
_BRACKETS = re.compile(r"([^\d()]*)\(([^()]*)\)([^\d()]*)", re.ASCII)


def _body(mark: str, other: str) -> re.Pattern[str]:
    """Return what stands between the signs: digits, in groups of three or not, a fraction, an exponent."""
    mark, separators = re.escape(mark), f"{other}'\u2019 {WIDE_BLANKS}"
    grouped = rf"[1-9]\d{{0,2}}(?P<group>[{separators}])\d{{3}}(?:(?P=group)\d{{3}})*"
    return re.compile(
        rf"(?P<whole>{grouped}|\d+)?(?P<fraction>{mark}\d*)?(?:(?P<e>[eEdD])(?P<exponent>[+-]?\d+))?",
        re.ASCII,
    )


_BODY = {".": _body(".", ","), ",": _body(",", ".")}
_ADDRESS = re.compile(r"(?:[1-9]\d?|1\d\d|2[0-4]\d|25[0-5])(?:\.(?:1\d\d|2[0-4]\d|25[0-5])){3}", re.ASCII)
"""What is an address of the internet, and also four groups of thousands."""
_INDIAN = re.compile(r"[+-]?\d{1,2}(?:,\d{2})+,\d{3}(?:\.\d*)?", re.ASCII)


class Number(NamedTuple):
    """A number as it is written.

    text : the same as a plain number with a decimal point. sign : ``%``, the currency, or nothing.
    group : the thousands separator, ``" "`` for any blank and ``"'"`` for any apostrophe, or nothing.
    odd : whether it is negative or has an exponent in another way than plain numbers.
    """

    text: str
    sign: str
    group: str
    odd: bool


class Column(NamedTuple):
    """Cells that are all numbers written alike.

    values : NaN where nothing or a token for a missing value stands between wide blanks.
    examples : positions of cells that show what is not plain about them, the clearest first.
    """

    values: list[float]
    examples: tuple[int, ...]


def parse(cell: str, decimal: str) -> Number | None:
    """Return the number that a cell shows under a decimal mark, None where it is none.

    >>> parse("($1,234.50)", ".")
    Number(text='-1234.50', sign='$', group=',', odd=True)
    """
    text = cell.strip(_BLANKS)
    brackets = _BRACKETS.fullmatch(text) if "(" in text else None
    outer = _OUTER.fullmatch(text if brackets is None else "".join(brackets.groups()))
    if outer is None:
        return None
    minus, before, inner, body, behind, trailing = outer.groups()
    signs = [sign for sign in (before, behind) if sign]
    signed = [sign for sign in (minus, inner, trailing, brackets and "(") if sign]
    if len(signs) > 1 or len(signed) > 1:
        return None
    found = _BODY[decimal].fullmatch(body)
    digits = None if found is None else _plain(found)
    if digits is None:
        return None
    group = found["group"] or "" if found is not None else ""
    group = " " if group in _BLANKS and group else "'" if group == "\u2019" else group
    negative = bool(signed) and signed[0] != "+"
    odd = (negative and (minus or inner) != "-") or body.lower().find("d") > 0
    return Number(f"-{digits}" if negative else digits, signs[0] if signs else "", group, odd)


def _plain(body: re.Match[str]) -> str | None:
    """Return the digits as a plain number, None where there are none."""
    whole, fraction, letter, exponent = (
        body["whole"] or "",
        body["fraction"] or "",
        body["e"],
        body["exponent"],
    )
    if not whole and len(fraction) < 2:
        return None
    # Of 1D2 nothing tells whether it is a number or a name.
    if letter in ("d", "D") and not fraction and exponent[0] not in "+-":
        return None
    if body["group"]:
        whole = whole.replace(body["group"], "")
    return whole + fraction.replace(",", ".") + (f"e{exponent}" if letter else "")


def read(cells: Sequence[str], decimal: str, gone: Collection[str]) -> Column | None:
    """Return cells as numbers written alike, None where one is not; ``gone`` are tokens for missing ones."""
    if all(map(_ADDRESS.fullmatch, cells)):
        return None
    return _read_simple(cells, decimal) or _read_each(cells, decimal, gone)


def _read_simple(cells: Sequence[str], decimal: str) -> Column | None:
    """Return what :func:`_read_each` does, many times faster, where the sign is at one end of all cells."""
    first = parse(cells[0], decimal) if cells else None
    if first is None:
        return None
    sign, text = first.sign, "\n".join(cells)
    found = [
        mark for mark in "'\u2019" + WIDE_BLANKS + " " + ("," if decimal == "." else ".") if mark in text
    ]
    if len(found) > 1 or not (sign or found) or text.count("\n") != len(cells) - 1:
        return None
    group = "".join(found)
    grouped = rf"[1-9]\d{{0,2}}(?:{re.escape(group)}\d{{3}})+|" if group else ""
    number = rf"(?:{grouped}\d+)(?:{re.escape(decimal)}\d*)?"
    for form in (rf"^[+-]?{re.escape(sign)}{number}$", rf"^[+-]?{number}{re.escape(sign)}$"):
        if len(re.findall(form, text, re.ASCII | re.MULTILINE)) == len(cells):
            break
    else:
        return None
    plain = text.replace(sign, "") if sign else text
    plain = plain.replace(group, "") if group else plain
    values = list(map(float, plain.replace(",", ".").split("\n")))
    shows = (
        i
        for i, (cell, value) in enumerate(zip(cells, values, strict=True))
        if (group in cell if group else value)
    )
    return Column(values, (next(shows, len(cells) - 1),))


def _read_each(cells: Sequence[str], decimal: str, gone: Collection[str]) -> Column | None:
    """Read cell by cell."""
    values: list[float] = []
    kind, group, odd, marked, grouped = None, "", None, None, None
    for i, cell in enumerate(cells):
        number = parse(cell, decimal)
        if number is None:
            if cell.strip(_BLANKS) not in gone:
                return None
            values.append(nan)
            continue
        kind = number.sign if kind is None else kind
        group = group or number.group
        if number.sign != kind or (number.group and number.group != group):
            return None
        values.append(float(number.text))
        if number.group and grouped is None:
            grouped = i
        elif number.odd and (odd is None or not values[odd]):
            odd = i
        elif number.sign and (marked is None or not values[marked]):
            marked = i
    if kind is None or (not (kind or group) and odd is None and _are_codes(cells)):
        return None
    first = grouped if grouped is not None else marked
    return Column(values, tuple(i for i in (first, odd) if i is not None))


def _are_codes(cells: Sequence[str]) -> bool:
    """Return True for digits of which some would lose a leading zero."""
    bare = [cell.strip(_BLANKS) for cell in cells]
    return all(cell.isdigit() for cell in bare if cell) and any(cell[:1] == "0" < cell[1:] for cell in bare)


def looks_like_a_number(cell: str) -> bool:
    """Return True for what people write for numbers, with either decimal mark; also ``1,00,000``."""
    return any(parse(cell, mark) is not None for mark in _BODY) or _INDIAN.fullmatch(cell) is not None


def fitting(cells: Sequence[str], counts: Sequence[int], decimal: str) -> list[bool]:
    """Return which of the distinct cells are numbers written as most of those that are numbers.

    ``counts`` says how often each cell stands in the column.
    """
    found = [parse(cell, decimal) for cell in cells]
    signs: dict[str, int] = {}
    groups: dict[str, int] = {"": 0}
    for number, count in zip(found, counts, strict=True):
        if number is not None:
            signs[number.sign] = signs.get(number.sign, 0) + count
            if number.group:
                groups[number.group] = groups.get(number.group, 0) + count
    if not signs:
        return [False] * len(cells)
    sign, group = (max(tally, key=lambda kind: tally[kind]) for tally in (signs, groups))
    return [n is not None and n.sign == sign and n.group in ("", group) for n in found]
