"""The one owner of what a command writes: refused early, written whole or not at all.

A target is judged before any work starts (:func:`plan_output`), because nothing is worse than an error
after an hour. A regular file is replaced by renaming a finished temporary file of the same folder, so that
a reader sees the old content or the new, and a failed write leaves the old one. A device or a pipe is
written directly.
"""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple

from l2cli.errors import UsageError, shown

_STANDARD_INPUT = "/dev/stdin"
_STANDARD_OUTPUT = {"-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"}


class Target(NamedTuple):
    """Where bytes will go.

    option : the option that named it, for messages. path : as the user wrote it. place : the regular file
    behind it, links followed; None for standard output, a device or a pipe.
    """

    option: str
    path: str
    place: str | None

    @property
    def is_stdout(self) -> bool:
        """True where the target is standard output."""
        return self.path in _STANDARD_OUTPUT

    def write(self, pieces: Iterable[bytes]) -> None:
        """Write all pieces to the file, or leave everything as it was.

        Raises
        ------
        UsageError
            If the disk is full or the file cannot be written.
        """
        try:
            if self.place is None:
                with open(self.path, "wb") as stream:
                    stream.writelines(pieces)
            else:
                _replace(self.place, pieces)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise UsageError(
                f"{self.option} {self.path}: cannot be written: {error.strerror}", code="unwritable"
            ) from None


STDOUT = Target(option="--output", path="-", place=None)


def plan_output(path: str | None, *, inputs: Sequence[str], clobber: bool) -> Target:
    """Return where results go, standard output by default; refuse what cannot be."""
    if path is None or path in _STANDARD_OUTPUT:
        _refuse_stdout_as_input(inputs)
        return STDOUT
    return plan_file("--output", path, inputs=inputs, clobber=clobber)


def plan_file(option: str, path: str, *, inputs: Sequence[str], clobber: bool) -> Target:
    """Return a target for a file.

    Parameters
    ----------
    option, path : str
        What the user wrote.
    inputs : sequence of str
        Files, folders or globs that are read; ``-`` is the file behind standard input.
    clobber : bool
        Whether an existing file may be replaced.

    Raises
    ------
    UsageError
        If the file cannot be written, exists and may not be replaced, or is an input.
    """
    if path in {"", "-"}:
        raise UsageError(f"{option} needs a file name")
    place = os.path.realpath(path)
    folder = os.path.dirname(place)
    if os.path.isdir(place) or os.path.basename(path) == "":
        raise UsageError(f"{option} {path} is a folder", hint="give a file name")
    if os.path.exists(place) and not os.path.isfile(place):
        return _special(option, path)
    try:
        os.lstat(place)
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:  # a name that is too long
        named = shown(path, 200)
        raise UsageError(
            f"{option} {named}: cannot be written: {error.strerror}", code="unwritable"
        ) from None
    if not os.path.isdir(folder):
        raise UsageError(
            f"{option} {path}: there is no folder {os.path.dirname(path) or folder}", hint="make it first"
        )
    for source in _expanded(inputs):
        if os.path.realpath(source) == place or _same_file(source, place):
            raise UsageError(
                f"{option} {path} is also the input {_named(source)}", hint="choose another name"
            )
    if not clobber and os.path.exists(place):
        raise UsageError(f"{option} {path} exists", hint="choose another name or leave --no-clobber out")
    if not os.access(folder, os.W_OK | os.X_OK) or (os.path.exists(place) and not os.access(place, os.W_OK)):
        raise UsageError(f"{option} {path}: no permission to write there")
    return Target(option, path, place)


def refuse_same(first: Target, second: Target) -> None:
    """Raise UsageError if two outputs are one file."""
    if first.place is None or second.place is None:
        return
    if first.place == second.place or _same_file(first.place, second.place):
        raise UsageError(
            f"{first.option} and {second.option} are the same file {first.path}", hint="give two names"
        )


def refuse_overlap(option: str, path: str, data: str) -> None:
    """Raise UsageError if an input is to hold other rows than DATA, and one of its files is one of DATA's."""
    mine = _expanded([data])
    for source in _expanded([path]):
        if any(
            os.path.realpath(source) == os.path.realpath(other) or _same_file(source, other) for other in mine
        ):
            raise UsageError(
                f"{option} {_named(source)} is also DATA: the model is fitted to its rows, none is unseen",
                hint="give a file of other rows, or 0.25 to keep a quarter of these aside",
            )


def _special(option: str, path: str) -> Target:
    """Return a target that is a device or a pipe."""
    if not os.access(path, os.W_OK):
        raise UsageError(f"{option} {path}: no permission to write there")
    if stat.S_ISSOCK(os.stat(path).st_mode):
        raise UsageError(f"{option} {path} is a socket", hint="give a file name")
    return Target(option, path, None)


def _refuse_stdout_as_input(inputs: Sequence[str]) -> None:
    """Refuse ``l2cli ... data.csv >> data.csv``: the command would read what it writes."""
    if sys.stdout is None:
        return
    try:
        here = os.fstat(sys.stdout.fileno())
    except (OSError, ValueError):
        return
    if not stat.S_ISREG(here.st_mode):
        return
    for source in _expanded(inputs):
        with suppress(OSError):
            if os.path.samestat(here, os.stat(source)):
                raise UsageError(
                    f"standard output is also the input {_named(source)}", hint="choose another name"
                )


def _expanded(inputs: Sequence[str]) -> list[str]:
    """Return the files behind the inputs: the parts of a folder, the matches of a pattern."""
    from l2cli.data.parts import is_pattern, matches

    files: list[str] = []
    for source in inputs:
        if source == "-":
            files.append(_STANDARD_INPUT)
        elif os.path.isdir(source):
            files += [entry.path for entry in os.scandir(source)]
        else:
            files += matches(source) if is_pattern(source) else [source]
    return files


def _named(source: str) -> str:
    return "standard input" if source == _STANDARD_INPUT else source


def _same_file(first: str, second: str) -> bool:
    """Return True for two names of one file (hard links too)."""
    with suppress(OSError):
        return os.path.samefile(first, second)
    return False


def _replace(place: str, pieces: Iterable[bytes]) -> None:
    """Write a temporary file beside ``place`` and rename it over; the mode of an existing file is kept."""
    temporary = os.path.join(os.path.dirname(place), f".l2cli-{os.getpid()}-{time.monotonic_ns()}.part")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with open(descriptor, "wb") as stream:
            with suppress(FileNotFoundError):
                os.chmod(temporary, stat.S_IMODE(os.stat(place).st_mode))
            stream.writelines(pieces)
        os.replace(temporary, place)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
