"""What DATA names: one file, standard input, the files of a folder, or those that a pattern matches.

Standard library only. A folder or a pattern means one table in parts: their rows one below the other, in the
natural order of their names (``p2`` before ``p10``). What tools leave beside data is no part: hidden files
and those whose names begin with ``_`` (``_SUCCESS``, ``_metadata``). Folders called ``year=2020`` are not
read as columns: they would have to be told from other folders by name alone, and a column that is nowhere in
the files would then be a feature, or the target. Where they are met, that is said.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from l2cli.data.source import STDIN, label_of
from l2cli.errors import DataError, shown

_PATTERN = re.compile(r"[*?]|\[[^\]]+\]")
_ANY_DEPTH = re.compile(r"(^|.*?/)\*\*(?:/+|\Z)", re.DOTALL)
_ASIDE = "_"
# Files that say something about the others; no one misses them.
_MARKERS = re.compile(r"_(SUCCESS|metadata|common_metadata|committed_.*|started_.*)")
# What packing and editing leave beside a file: the same rows once more.
_COPY = re.compile(r"(\.gz|\.bz2|\.zst|\.bak|\.old|\.orig|~)+$", re.IGNORECASE)
# Beside these the files of a folder are no table: they hold rows that have been replaced or deleted too.
_LOGS = {"_delta_log": "a Delta Lake table", ".hoodie": "a Hudi table"}
_DIGITS = re.compile(r"(\d+)", re.ASCII)


class Found(NamedTuple):
    """The files of a table in order, as paths to open, and what to say about them."""

    files: tuple[str, ...]
    notes: tuple[str, ...] = ()


def find_parts(typed: str) -> Found:
    """Return the files that DATA means.

    A path that exists is no pattern, whatever characters it has.

    Raises
    ------
    DataError
        For a folder without files or with folders in it, and a pattern that matches no file.
    """
    if typed == STDIN:
        return Found((typed,))
    if os.path.isdir(typed):
        return _of_folder(typed)
    if is_pattern(typed):
        return _of_pattern(typed)
    return Found((typed,))


def is_pattern(typed: str) -> bool:
    """Return True where a path is a pattern for files, not the name of one."""
    return _PATTERN.search(typed) is not None and not os.path.lexists(typed)


def matches(typed: str) -> list[str]:
    """Return what a pattern matches, files and folders, in natural order; no hidden ones."""
    return sorted(set(_matched(typed)), key=natural_order)


def _matched(pattern: str) -> Iterator[str]:
    """Yield what a pattern matches; ``**`` enters no folder twice on one path, as links can go in circles."""
    from glob import escape, glob

    some = _ANY_DEPTH.search(pattern)
    if some is None:
        yield from glob(pattern)
        return
    top, rest = pattern[: some.end(1)], pattern[some.end() :]
    for start in glob(top) if top else [""]:
        for folder in _below(start, frozenset()):
            yield from _matched(escape(folder) + (rest or "*"))


def _below(folder: str, above: frozenset[tuple[int, int]]) -> Iterator[str]:
    """Yield a folder and those in it, hidden ones aside, with a separator at the end.

    above : what the system calls the folders on the way here.
    """
    try:
        status = os.stat(folder or os.curdir)
        names = os.listdir(folder or os.curdir)
    except OSError:  # as a pattern says of what cannot be listed: nothing matches there
        return
    here = (status.st_dev, status.st_ino)
    if here in above:
        return
    yield folder
    for name in names:
        path = os.path.join(folder, name)
        if not name.startswith(".") and os.path.isdir(path):
            yield from _below(path + os.sep, above | {here})


def natural_order(path: str) -> tuple[list[str | int], str]:
    """Return the key that sorts paths with their numbers as numbers.

    >>> sorted(["p10.csv", "p2.csv", "p02.csv"], key=natural_order)
    ['p02.csv', 'p2.csv', 'p10.csv']
    """
    # Words and numbers take turns, beginning with a word, so that like always meets like.
    return [int(run) if k % 2 else run for k, run in enumerate(_DIGITS.split(path))], path


def _of_folder(folder: str) -> Found:
    """Return the files in a folder; one with folders in it is refused, for their rows would be missing."""
    label = label_of(folder)
    try:
        names = sorted(os.listdir(folder), key=natural_order)
    except OSError as error:
        raise DataError(f"{label}: cannot be listed ({error.strerror or error})") from error
    log = next((name for name in names if name in _LOGS), None)
    if log is not None:
        raise DataError(
            f"{label}: is {_LOGS[log]}, whose files hold deleted rows too",
            hint="write it out as Parquet, or give a pattern if all files count",
        )
    paths = [os.path.join(folder, name) for name in names if not name.startswith(".")]
    files, aside = _apart(paths)
    folders = [path for path in files if os.path.isdir(path)]
    if folders:
        pattern = shown(os.path.join(folder, "*", "*"), 200)
        raise DataError(
            f"{label}: holds folders ({_listed(folders)})",
            hint=f"give the files as a pattern, '{pattern}'{_not_read(folders)}",
        )
    if not files:
        left = f" but {_listed(aside)}" if aside else ""
        raise DataError(
            f"{label}: a folder without data files{left}",
            hint="give a file, or a folder of CSV or Parquet files",
            code="not_found",
        )
    _refuse_odd(files)
    return Found(tuple(files), _notes(files, aside))


def _of_pattern(pattern: str) -> Found:
    """Return the files that a pattern matches."""
    label, found = label_of(pattern), matches(pattern)
    folders = [path for path in found if os.path.isdir(path)]
    files = [path for path in found if path not in set(folders)]
    aside: list[str] = []
    if not os.path.basename(pattern).startswith(_ASIDE):
        files, aside = _apart(files)
    if not files:
        only = f" but {_listed([*folders, *aside])}" if folders or aside else ""
        hint = f"for the files in them give '{shown(pattern, 200)}/*'" if folders else "check the path"
        raise DataError(f"{label}: matches no data file{only}", hint=hint, code="not_found")
    _refuse_odd(files)
    notes = _notes(files, aside)
    if folders and "**" not in pattern:
        notes += (f"folders that {label} matches are left out: {_listed(folders)}",)
    keyed = sorted({os.path.dirname(path) for path in files if _keyed(os.path.dirname(path))})
    if keyed:
        notes += (f"what folders are called is not read as a column: {_listed(keyed)}",)
    return Found(tuple(files), notes)


def _apart(paths: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the data files among paths, and those that only stand beside them."""
    aside = [path for path in paths if os.path.basename(path).startswith(_ASIDE)]
    return [path for path in paths if path not in set(aside)], aside


def _refuse_odd(files: Sequence[str]) -> None:
    """Raise DataError for a pipe or a device among the parts, as they are read twice, and for copies."""
    seen: dict[str, str] = {}
    stored: dict[tuple[int, int], str] = {}
    for path in files:
        if os.path.exists(path) and not os.path.isfile(path):
            raise DataError(f"{label_of(path)}: is no regular file", hint="take it away, or name the others")
        with suppress(OSError):  # whoever opens it says what is wrong
            status = os.stat(path)
            same = stored.setdefault((status.st_dev, status.st_ino), path)
            if same != path:
                raise DataError(
                    f"{label_of(path)}: is the same file as {label_of(same)}, by a link",
                    hint="take one of them away, or give a pattern that matches one",
                    code="part_twice",
                )
        other = seen.setdefault(_COPY.sub("", path), path)
        if other != path:
            raise DataError(
                f"{label_of(path)}: seems to hold the rows of {label_of(other)} once more",
                hint="take one of them away, or give a pattern that matches one",
                code="part_twice",
            )


def _notes(files: Sequence[str], aside: Sequence[str]) -> tuple[str, ...]:
    """Return what to say of the parts of a table."""
    labels = [label_of(path) for path in files]
    some = ", ".join(labels) if len(labels) < 4 else f"{labels[0]} to {labels[-1]}"
    which = f"{len(files)} part{'s' * (len(files) > 1)}: {some}"
    unknown = [path for path in aside if not _MARKERS.fullmatch(os.path.basename(path))]
    if not unknown:
        return (which,)
    return (which, f"files whose names begin with {_ASIDE} are left out: {_listed(unknown)}")


def _keyed(folder: str) -> bool:
    """Return True for a path with a folder called like ``year=2020``."""
    return any("=" in name for name in folder.split(os.sep))


def _not_read(folders: Sequence[str]) -> str:
    return "; what the folders are called is not read as a column" if any(map(_keyed, folders)) else ""


def _listed(paths: Sequence[str]) -> str:
    """Return the last names of some paths."""
    names = [shown(os.path.basename(path.rstrip(os.sep)), 40) for path in paths]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(names[:3])}{more}"
