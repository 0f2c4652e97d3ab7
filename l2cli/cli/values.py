"""From the text of an option to its value: every rule of the command line about numbers, lists and grids.

Standard library only. Everything here runs before a file is opened, and refuses with one line that names
the option.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Sequence

from l2cli.checks import check_factor, check_l1_ratio, check_lambda
from l2cli.errors import DataError, UsageError, shown
from l2cli.spec import GridSpec

# A grid beyond this is a slip of the keyboard: 100,000 lambdas on ten folds are a million solutions.
MOST_LAMBDAS = 100_000
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_SIZE = re.compile(r"(\d+\.?\d*|\.\d+) *(?:([KMGT])(?:i?B)?|B)?", re.ASCII | re.IGNORECASE)
_WHOLE = re.compile(r"[+-]?\d{1,18}", re.ASCII)


def number(text: str, option: str) -> float:
    """Return the finite number written in ``text``.

    Digits, a decimal point, an exponent; no ``nan``, ``inf`` or ``1_000``.

    Raises
    ------
    UsageError
        Naming ``option``, if ``text`` is anything else.
    """
    cleaned = text.strip()
    value = float(cleaned) if _NUMBER.fullmatch(cleaned) else math.nan
    if not math.isfinite(value):
        hint = "write the decimal point as '.'" if re.fullmatch(r"[+-]?\d+,\d+", cleaned) else None
        raise UsageError(f"{option} needs a number, not '{shown(text)}'", hint=hint)
    return value


def number_between(text: str, option: str, low: float, high: float) -> float:
    """Return the number in ``text`` if it lies in [low, high], else raise UsageError."""
    value = number(text, option)
    if not low <= value <= high:
        raise UsageError(f"{option} must be between {low:g} and {high:g}, not {text.strip()}")
    return value


def part_or_file(text: str | None) -> float | str | None:
    """Return the part of the rows that ``--holdout`` names, a number, or the file: all else that exists.

    A number that cannot be a part is returned as it is, where no file is called so.

    Raises
    ------
    DataError
        If it is neither a number nor a file.
    """
    if text is None:
        return None
    from l2cli.data.parts import is_pattern

    try:
        value = float(text)
    except ValueError:
        value = None
    if value is not None and (0.0 < value < 1.0 or not os.path.lexists(text)):
        return value
    if text == "-" or os.path.lexists(text) or is_pattern(text):
        return text
    point = "write the decimal point as '.'" if re.fullmatch(r"\d*,\d+", text.strip()) else None
    raise DataError(
        f"--holdout {shown(text, 200)} is neither a file nor a part of the rows, a number between 0 and 1",
        hint=point or "give a file that is there, or 0.25 for a quarter of the rows",
        code="not_found",
    )


def whole(text: str, option: str, least: int, most: int | None = None) -> int:
    """Return the whole number in ``text`` if it is from ``least`` to ``most``, else raise UsageError."""
    cleaned = text.strip()
    if not _WHOLE.fullmatch(cleaned) or int(cleaned) < least:
        raise UsageError(f"{option} must be a whole number of at least {least}, not '{shown(text)}'")
    if most is not None and int(cleaned) > most:
        raise UsageError(f"{option} may be at most {most}, not {shown(text)}")
    return int(cleaned)


def size(text: str, option: str) -> int:
    """Return the bytes of a size such as ``4G``, ``512M`` or ``1.5 GB``; K, M, G and T are powers of 1024.

    Raises
    ------
    UsageError
        Naming ``option``, if ``text`` is anything else or less than a byte.
    """
    found = _SIZE.fullmatch(text.strip())
    power = "BKMGT".index((found[2] or "B").upper()) if found else 0
    count = float(found[1]) * 1024.0**power if found else 0.0
    if not 1.0 <= count < 2.0**63:
        raise UsageError(f"{option} needs a size, not '{shown(text)}'", hint="for example 4G or 512M")
    return int(count)


def choice(
    text: str, option: str, allowed: Sequence[str], hint: Callable[[str], str] | None = None
) -> str:  # fmt: skip
    """Return the one of ``allowed`` that ``text`` names (log-loss is log_loss), else raise UsageError.

    ``hint`` says what to do about another text.
    """
    name = text if text in allowed else text.replace("-", "_")
    if name not in allowed:
        remedy = f"choose {one_of(allowed)}" if hint is None else hint(text)
        raise UsageError(f"{option} '{shown(text)}' is not available", hint=remedy)
    return name


def one_of(words: Sequence[str]) -> str:
    """Return ``a, b or c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def split_list(text: str, option: str) -> tuple[str, ...]:
    r"""Return the items of a comma list; ``\,`` is a comma inside an item.

    Raises
    ------
    UsageError
        If an item is empty.
    """
    items = tokens(text)
    if not all(items):
        raise UsageError(f"{option} '{shown(text)}' holds an empty name")
    return items


def tokens(text: str) -> tuple[str, ...]:
    r"""Return the items of a comma list, empty ones too; ``\,`` is a comma inside an item."""
    return tuple(item.replace(r"\,", ",") for item in re.split(r"(?<!\\),", text))


def ratios(text: str) -> tuple[float, ...]:
    """Return the one l1_ratio, or several, of a comma list."""
    items = [item.strip() for item in text.split(",")]
    return tuple(check_l1_ratio(number_between(item, "--l1-ratio", 0.0, 1.0), "--l1-ratio") for item in items)


def split_lists(texts: Sequence[str], option: str) -> tuple[str, ...]:
    """Return the items of all comma lists of a repeatable option, in order."""
    return tuple(item for text in texts for item in split_list(text, option))


def interactions(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the ``a:b`` items of the comma lists of ``--interactions``; the file says what they mean."""
    items = split_lists(texts, "--interactions")
    for item in items:
        if ":" not in item[1:-1]:
            raise UsageError(
                f"--interactions '{shown(item)}' names no two columns", hint="write a:b, for example age:sex"
            )
    return items


def column(text: str | None, option: str) -> str | None:
    r"""Return one column name (``\,`` is a comma), or None where the option was not given."""
    if text is None:
        return None
    if not text:
        raise UsageError(f"{option} needs a column name")
    return text.replace(r"\,", ",")


def columns(text: str | None, option: str) -> tuple[str, ...]:
    r"""Return the column names of a comma list (``\,`` is a comma), none where the option was not given."""
    if text is not None and not text:
        raise UsageError(f"{option} needs a column name")
    return () if text is None else split_list(text, option)


def penalty_factors(texts: Sequence[str]) -> tuple[tuple[str, float], ...]:
    """Return the (name or glob, factor) pairs of ``--penalty-factor 'age=0,gene_*=2'``.

    Raises
    ------
    UsageError
        If an item has no ``=``, a factor is not a number >= 0, or a name comes twice.
    """
    option = "--penalty-factor"
    pairs: dict[str, float] = {}
    for item in split_lists(texts, option):
        name, equals, factor = item.rpartition("=")
        if not equals or not name:
            raise UsageError(
                f"{option} '{shown(item)}' has no factor", hint="write column=factor, for example age=0"
            )
        if name in pairs:
            raise UsageError(f"{option} gives '{shown(name)}' twice")
        pairs[name] = check_factor(number(factor, f"{option} {name}"), f"{option} {name}")
    return tuple(pairs.items())


def bounds(texts: Sequence[str]) -> tuple[tuple[str, float, float], ...]:
    """Return the (name or glob, low, high) items of ``--bounds 'x=0:,y=-1:1'``; an end left out is open.

    Raises
    ------
    UsageError
        If an item is no ``COLS=LO:HI``, an end is no number, LO is above HI, or a name comes twice.
    """
    option, found = "--bounds", {}
    for item in split_lists(texts, option):
        name, equals, ends = item.rpartition("=")
        low, colon, high = ends.partition(":")
        if not (equals and name and colon) or not ends.strip(": "):
            hint = "write column=LOW:HIGH, for example x=0:"
            raise UsageError(f"{option} '{shown(item)}' is no bound", hint=hint)
        if name in found:
            raise UsageError(f"{option} gives '{shown(name)}' twice")
        found[name] = (
            number(low, f"{option} {name}") if low.strip() else -math.inf,
            number(high, f"{option} {name}") if high.strip() else math.inf,
        )
        if found[name][0] > found[name][1]:
            raise UsageError(f"{option} {name}: the lower bound {low} is above the upper one {high}")
    return tuple((name, *ends) for name, ends in found.items())


def groups(text: str | None) -> tuple[tuple[tuple[str, tuple[str, ...]], ...], bool] | None:
    """Return the (name, members) of ``--groups 'g1=a,b;g2=c_*'``, or True for ``dummies``; None without it.

    Raises
    ------
    UsageError
        If a group has no name or no members, or a name comes twice.
    """
    option, found = "--groups", {}
    if text is None:
        return None
    if text.strip() == "dummies":
        return (), True
    for item in text.split(";"):
        name, equals, members = item.partition("=")
        name = name.strip()
        if not (equals and name and members.strip()):
            raise UsageError(
                f"{option} '{shown(item.strip())}' is no group", hint="write name=columns;..., or dummies"
            )
        if name in found:
            raise UsageError(f"{option} gives the group '{shown(name)}' twice")
        found[name] = split_lists([members], option)
    return tuple(found.items()), False


def group_lambdas(texts: Sequence[str]) -> tuple[tuple[str, float], ...]:
    """Return the (group, lambda) pairs of ``--group-lambda 'g1=10,g2=0.1'``.

    Raises
    ------
    UsageError
        If an item is no ``group=lambda``, or a name comes twice.
    """
    option, found = "--group-lambda", {}
    for item in split_lists(texts, option):
        name, equals, value = item.rpartition("=")
        if not equals or not name:
            raise UsageError(f"{option} '{shown(item)}' has no lambda", hint="write group=lambda, ...")
        if name in found:
            raise UsageError(f"{option} gives '{shown(name)}' twice")
        found[name] = check_factor(number(value, f"{option} {name}"), f"{option} {name}")
    return tuple(found.items())


def references(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the ``column=level`` items of ``--reference``, each with its ``=`` (levels may hold commas)."""
    for text in texts:
        name, equals, _ = text.rpartition("=")
        if not equals or not name:
            raise UsageError(
                f"--reference '{shown(text)}' has no level", hint="write column=level, for example sex=male"
            )
    return tuple(texts)


def single_lambda(text: str) -> float | None:
    """Return the value of ``--lambda``, or None for ``auto``."""
    if text == "auto":
        return None
    if "," in text or ":" in text:
        raise UsageError(
            f"--lambda takes one number or auto, not '{shown(text)}'", hint="use --lambdas for several"
        )
    cleaned = text.strip().lower()
    if cleaned.lstrip("+-") in {"nan", "inf", "infinity"}:
        check_lambda(float(cleaned), "--lambda")
    return check_lambda(number(text, "--lambda"), "--lambda")


def grid(text: str) -> GridSpec:
    """Return the grid written as ``auto``, ``auto:N``, ``LO:HI``, ``LO:HI:N``, ``a,b,c`` or ``@FILE``.

    Raises
    ------
    UsageError
        If it is none of these, or holds a number that is no lambda.
    DataError
        If FILE cannot be read.
    """
    option = "--lambdas"
    if text.startswith("@"):
        return GridSpec(values=_lambdas_of_file(text[1:]))
    parts = text.split(":")
    if len(parts) > 3 or not all(parts):
        raise UsageError(
            f"{option} '{shown(text)}' is no grid", hint="give auto[:N], LO:HI[:N], a,b,c or @FILE"
        )
    if parts[0] == "auto" and len(parts) <= 2:
        return GridSpec(count=_count(parts[1])) if len(parts) == 2 else GridSpec()
    if len(parts) in (2, 3):
        low, high = number(parts[0], option), number(parts[1], option)
        if low > high > 0.0:
            turned = ":".join([parts[1], parts[0], *parts[2:]])
            raise UsageError(f"{option} {shown(text)}: LO is above HI", hint=f"write {shown(turned)}")
        return GridSpec(low=low, high=high, count=_count(parts[2]) if len(parts) == 3 else GridSpec.count)
    return GridSpec(values=tuple(check_lambda(number(part, option), option) for part in text.split(",")))


def _count(text: str) -> int:
    """Return the number of values of a grid."""
    return whole(text, "--lambdas: N", 1, MOST_LAMBDAS)


def _lambdas_of_file(path: str) -> tuple[float, ...]:
    """Return the numbers in a text file, parted by blanks, commas or line breaks; ``#`` starts a comment."""
    try:
        with open(path, encoding="utf-8") as stream:
            lines = stream.read(64 * MOST_LAMBDAS).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise DataError(f"--lambdas @{path}: cannot read the file: {reason}") from None
    values = []
    for place, line in enumerate(lines, start=1):
        where = f"--lambdas @{path} line {place}"
        words = line.partition("#")[0].replace(",", " ").split()
        values += [check_lambda(number(word, where), where) for word in words]
    if not values:
        raise UsageError(f"--lambdas @{path} holds no number")
    if len(values) > MOST_LAMBDAS:
        raise UsageError(f"--lambdas @{path} holds more than {MOST_LAMBDAS} numbers")
    return tuple(values)
