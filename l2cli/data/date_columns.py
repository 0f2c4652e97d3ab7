"""Columns of dates: found among those of text, left out, or replaced by year, month, weekday and hour."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from l2cli.data.dataset import DatePart, FeatureColumn
from l2cli.data.dates import PARTS, Dates, read_dates
from l2cli.data.levels import MISSING_LEVEL, as_text
from l2cli.data.schema import Roles, match_columns
from l2cli.data.table import Table, TextColumn
from l2cli.data.wording import na_option, quoted, where
from l2cli.errors import DataError, UsageError, shown
from l2cli.spec import ColumnSpec

IntArray = npt.NDArray[np.int64]

SAMPLE = 500
"""Of many distinct cells, as many of the most frequent ones and as many others are looked at first."""


def find_dates(table: Table, columns: ColumnSpec) -> dict[str, Dates]:
    """Return the columns of text of which most cells are dates, those with a role of their own aside."""
    taken, found = _taken(columns), {}
    for name, column in table.texts.items():
        if name in taken:
            continue
        counts = np.bincount(column.codes + 1, minlength=len(column.levels) + 1)[1:]
        if len(counts) > 4 * SAMPLE and not _some_dates(column.levels, counts):
            continue
        dates = read_dates(column.levels)
        if 2 * int(counts[dates.known].sum()) > int(counts.sum()):
            found[name] = dates
    return found


def _some_dates(levels: Sequence[str], counts: IntArray) -> bool:
    """Return False where no cell is a date of those that would have to be if most were."""
    often = np.argpartition(counts, -SAMPLE)[-SAMPLE:]
    spread = np.linspace(0, len(levels) - 1, SAMPLE).astype(np.int64)
    return bool(read_dates([levels[i] for i in (*often, *spread)]).known.any())


def _taken(columns: ColumnSpec) -> set[str | None]:
    """Return the columns that were named for a role; None may be among them."""
    return {
        columns.target, *columns.more_targets, columns.weights, columns.offset, columns.exposure, columns.id,
        columns.fold_column, columns.group_column, columns.time_column,
    }  # fmt: skip


def with_parts(table: Table, dates: Mapping[str, Dates]) -> Table:
    """Return a table that has, before every column of dates, columns ``when.year`` and so on of numbers.

    They share the memory of the others; a part that no cell has (the hour of days) is not made.

    Raises
    ------
    DataError
        If the file has a column of such a name already.
    """
    names, texts = list(table.names), dict(table.texts)
    for name, found in dates.items():
        at = names.index(name)
        for part, values in zip(PARTS, found.parts, strict=True):
            if part == "hour" and not found.has_time:
                continue
            if (made := f"{name}.{part}") in table.names:
                raise DataError(
                    f"{where(table)}: --dates makes a feature '{shown(made)}', and a column has that name",
                    hint="rename it or leave it out of the file",
                    code="duplicate_feature",
                )
            texts[made] = _part_column(as_text(table, name), values)
            names.insert(at, made)
            at += 1
    return replace(table, names=tuple(names), texts=texts)


def _part_column(column: TextColumn, values: npt.NDArray[np.float64]) -> TextColumn:
    """Return a part of the dates of a column: whole numbers as levels, missing where it has none."""
    present = ~np.isnan(values)
    distinct, inverse = np.unique(values[present], return_inverse=True)
    place = np.full(len(values) + 1, -1, dtype=np.int32)
    place[:-1][present] = inverse
    return TextColumn(place[column.codes], tuple(str(int(value)) for value in distinct))


def settle_dates(
    table: Table, roles: Roles, columns: ColumnSpec, dates: Mapping[str, Dates], notes: list[str]
) -> Roles:
    """Return the roles with columns of dates left out, or their parts, which are numbers, in their place.

    A column of dates named in ``--categorical`` stays as it is, and so does one in ``--numeric``, which is
    refused later. A part goes where its column goes, unless it is named or matched itself.

    Raises
    ------
    UsageError
        If a column of dates is named in ``--features`` and nobody said what is to become of it, or a part has
        a role that a saved model needs a column for.
    """
    forced = roles.categorical | roles.numeric
    whole = {name for name in roles.features if name in dates and name not in forced}
    if not columns.dates:
        for name in sorted(whole & roles.named):
            raise UsageError(
                f"{where(table)}: column '{shown(name)}' holds dates",
                hint="--dates makes year, month, weekday and hour of it, --categorical takes it as levels",
            )
        if whole:
            which = [name for name in roles.features if name in whole]
            notes.append(
                f"left out as dates: {quoted(which)} (--dates makes year, month, weekday and hour of them)"
            )
        return roles._replace(features=tuple(name for name in roles.features if name not in whole))
    if not dates:
        notes.append("--dates finds no column of dates like 2024-03-01, with years of four digits")
    origin = {
        f"{name}.{part}": DatePart(name, part, found.order)
        for name, found in dates.items()
        for part in PARTS
        if f"{name}.{part}" in table.names
    }
    drop, taken = match_columns(table, columns.drop, "--drop"), _taken(columns) | {roles.target}
    of_folds = {columns.fold_column, columns.group_column, columns.time_column}
    for name in sorted(origin.keys() & (taken - of_folds)):
        raise UsageError(
            f"{where(table)}: '{shown(name)}' is a part of a date: that is a feature, or makes folds",
            hint="add it to the file as a column",
        )

    def is_used(name: str) -> bool:
        part, chosen = origin.get(name), name in roles.features
        if part is None or (chosen and name in roles.named):
            return chosen and name not in whole
        with_column = part.column in whole and not drop.selects(name) and name not in taken
        elsewhere = part.column not in whole and (
            part.column in forced or part.column in taken or drop.selects(part.column)
        )
        return with_column or (chosen and not elsewhere)

    features = [name for name in table.names if is_used(name)]
    parts = {name: origin[name] for name in features if name in origin}
    return roles._replace(
        features=tuple(features), numeric=roles.numeric | (parts.keys() - roles.categorical), parts=parts
    )


def refuse_undated(
    table: Table, parts: Iterable[DatePart], dates: Mapping[str, Dates], rows: IntArray | None = None
) -> None:
    """Raise DataError at the first cell of a column of dates that is none, or whose day is open."""
    for name in dict.fromkeys(part.column for part in parts):
        found, column = dates[name], as_text(table, name)
        codes = column.codes if rows is None else column.codes[rows]
        bad = np.append(~found.known, False)[codes]
        undecided = found.open is not None and bool((codes == found.open).any())
        if not (bad.any() or undecided):
            continue
        at = int(np.argmax(bad)) if bad.any() else int(np.argmax(codes == found.open))
        row = at if rows is None else int(rows[at])
        raw = column.levels[column.codes[row]]
        cell, label = shown(raw), shown(name)
        if bad.any():
            raise DataError(
                f"{where(table, row)}: '{cell}' in column '{label}' is not a date",
                hint=f"mend the cell, or give {na_option(raw, table.na)} if it means missing",
                code="bad_date",
            )
        raise DataError(
            f"{where(table, row)}: '{cell}' in column '{label}' can be read with the day or the month first,"
            " and no cell of the column tells",
            hint="write the dates as 2024-03-01, or leave the column out with --drop",
            code="ambiguous_date",
        )


def constant_parts(table: Table, roles: Roles, rows: IntArray, notes: list[str]) -> frozenset[str]:
    """Return the parts of dates that say nothing over some rows, unless they were named; tell them."""
    found = []
    for name in roles.parts:
        codes = table.texts[name].codes[rows]
        if name not in roles.named and len(np.unique(codes[codes >= 0])) < 2:
            found.append(name)
    if found:
        notes.append(f"left out, constant parts of dates: {quoted(found)}")
    return frozenset(found)


def mark_parts(features: Sequence[FeatureColumn], parts: Mapping[str, DatePart]) -> list[FeatureColumn]:
    """Return the features with what they know of their dates; a date has one indicator of missing cells."""
    marked: list[FeatureColumn] = []
    told = set()
    for plain in features:
        part = parts.get(plain.name)
        feature = plain if part is None else plain._replace(date=part)
        if part is not None and feature.indicator:
            extra = () if part.column in told else (f"{part.column} {MISSING_LEVEL}",)
            feature = feature._replace(indicator=bool(extra), names=(feature.name, *extra))
            told.add(part.column)
        marked.append(feature)
    return marked


def missing_by_column(counts: Iterable[tuple[FeatureColumn, int]]) -> dict[str, int]:
    """Return how many cells of each column are missing: of a date once, hours missing alone apart."""
    told: dict[str, int] = {}
    for feature, count in counts:
        if feature.date is None or feature.date.part != "hour":
            told[feature.column] = count
        elif count > (whole := told.get(feature.column, 0)):
            told[feature.name] = count - whole
    return told


def dated_table(table: Table, features: Iterable[FeatureColumn]) -> Table:
    """Return a table of new rows with the parts of dates that some features of a model need.

    A column is read in the order of day and month of training; where there was none, its cells must tell.

    Raises
    ------
    DataError
        Naming the first cell that is no date.
    """
    parts = [f.date for f in features if f.date is not None]
    if not parts:
        return table
    orders = {part.column: part.order for part in parts if part.column in table.names}
    dates = {name: read_dates(as_text(table, name).levels, order) for name, order in orders.items()}
    refuse_undated(table, [part for part in parts if part.column in dates], dates)
    made = {
        f"{part.column}.{part.part}": _part_column(
            as_text(table, part.column), dates[part.column].parts[PARTS.index(part.part)]
        )
        for part in parts
        if part.column in dates
    }
    index = {name: at for name, at in table.number_index.items() if name not in made}
    return replace(table, texts=table.texts | made, number_index=index)
