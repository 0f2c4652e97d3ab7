"""Which columns of a file a schema needs, and of which it needs the cells as they stand."""

from __future__ import annotations

from l2cli.data.cells import WHOLE
from l2cli.data.dataset import DataSchema
from l2cli.data.levels import parse_number


def exact_columns(data: DataSchema, *more: str | None) -> set[str]:
    """Return the columns of a file whose cells are labels to a model, and those of ``more``, not None."""
    labels = {feature.column for feature in data.features if feature.kind == "category"}
    if any(abs(parse_number(label) or 0.0) >= WHOLE for label in data.classes or ()):
        labels.add(data.target)
    return labels | {name for name in more if name is not None}


def needed_columns(data: DataSchema, *more: str | None) -> set[str]:
    """Return the columns of a file that a model reads, and those of ``more`` that are not None."""
    roles = (data.id, data.offset, data.exposure, *more)
    return {feature.column for feature in data.features} | {name for name in roles if name is not None}
