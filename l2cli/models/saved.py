"""The saved model: one readable JSON file with all a prediction needs; loading it executes nothing."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NoReturn

from l2cli.data.dataset import Dataset
from l2cli.errors import DataError, UsageError, shown
from l2cli.models.intervals import LeftOut
from l2cli.models.model import ClassWeights, Model, not_a_model

__all__ = ["Model", "build_model", "load_model", "model_text", "save_model"]


def build_model(
    dataset: Dataset,
    *,
    intercept: Any,
    coef: Any,
    coef_standardized: Any,
    center: Any,
    scale: Any,
    lam: float,
    lambda_scale: str,
    selected_by: str,
    settings: Mapping[str, Any],
    metrics: Mapping[str, Any],
    certificate: Mapping[str, Any],
    intervals: LeftOut | None = None,
) -> Model:
    """Return the Model of a fit to ``dataset`` (its ``X``, which may be standardized by now, is not read).

    Parameters
    ----------
    intercept : float, of several classes (C,)
    coef, coef_standardized, center, scale : (p,) array-likes by design column
        Coefficients on both scales (of several classes (p, C)), means and population standard deviations.
    lam : float
        Lambda on the sum scale.
    intervals : LeftOut, optional
        The models without some rows each, for prediction intervals.
    """
    scales = _floats(scale)
    several = dataset.family == "multinomial"
    parts = [
        ClassWeights(float(b0), _floats(b), _floats(z))
        for b0, b, z in (
            zip(intercept, coef.T, coef_standardized.T, strict=True)
            if several
            else [(intercept, coef, coef_standardized)]
        )
    ]
    one = ClassWeights(0.0, (), ()) if several else parts[0]
    return Model(
        data=dataset.schema,
        family=dataset.family,
        **one._asdict(),
        by_class=tuple(parts) if several else (),
        center=_floats(center),
        scale=scales,
        lam=float(lam),
        lambda_scale=lambda_scale,
        selected_by=selected_by,
        settings=_plain(settings),
        metrics=_plain(metrics),
        certificate=_plain(certificate),
        rows_used=dataset.n_rows,
        weight_sum=dataset.weight_sum,
        target_mean=None if several else dataset.target_mean,
        target_sd=None if several else dataset.target_sd,
        feature_stats=feature_stats(dataset, scales),
        intervals=intervals,
    )


def _floats(values: Any) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _plain(value: Any) -> Any:
    """Return dicts, lists and NumPy scalars as plain Python, fit for JSON."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.item() if hasattr(value, "item") else value


def feature_stats(dataset: Dataset, scale: Sequence[float]) -> dict[str, dict[str, Any]]:
    """Return what the columns of the file looked like (sd: of the present cells), {} if that is not known."""
    stats: dict[str, dict[str, Any]] = {}
    at = 0
    for feature, seen in zip(dataset.schema.features if dataset.stats else (), dataset.stats, strict=True):
        entry: dict[str, Any] = {"missing": seen.missing}
        if feature.kind == "number":
            # imputing the mean leaves the sum of squares alone, but divides it by all rows; weights of 1e-100
            # beside 1 leave nothing of the rows that have a value
            seen_none = seen.low == seen.high or seen.missing >= 1.0
            sd = 0.0 if seen_none else scale[at] / math.sqrt(1.0 - seen.missing)
            entry.update(mean=seen.mean, sd=sd, min=seen.low, max=seen.high)
        else:
            entry["levels"] = dict(seen.shares)
        stats[feature.name] = entry
        at += len(feature.names)
    return stats


def model_text(model: Model) -> str:
    """Return the text of the model file: the same model gives the same bytes.

    Raises
    ------
    ValueError
        If a number is not finite: such a model must not be saved.
    """
    return json.dumps(model.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def save_model(model: Model, path: str | os.PathLike[str], *, clobber: bool = True) -> None:
    """Write the model file whole or not at all.

    Raises
    ------
    UsageError
        If the file cannot be written, or exists and ``clobber`` is False.
    """
    text, target = model_text(model), os.fspath(path)
    if not clobber and os.path.lexists(target):
        raise UsageError(f"{shown(target, 200)} exists already", hint="choose another name")
    folder, name = os.path.split(target)
    draft = os.path.join(folder, f".{name}.{os.getpid()}.part")
    try:
        with open(draft, "x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(draft, target)
    except OSError as error:
        with suppress(OSError):
            os.unlink(draft)
        raise UsageError(f"cannot write {shown(target, 200)}: {error.strerror}", code="unwritable") from None


def load_model(path: str | os.PathLike[str]) -> Model:
    """Return the model saved in a file; nothing in it is executed.

    Raises
    ------
    DataError
        If the file cannot be read, is no model, is of a newer program, or was changed since it was saved.
    """
    name = shown(str(path), 200)
    try:
        with open(path, "rb") as stream:
            raw = stream.read()
    except OSError as error:
        raise DataError(f"{name}: cannot read the model: {error.strerror}", code="no_model") from None
    if not raw.strip():
        raise DataError(f"{name}: the file is empty, not a model", code="no_model")
    try:
        content = json.loads(raw.decode("utf-8-sig"), parse_constant=_refuse_constant)
        model = Model.from_dict(content, name)
    except UnicodeDecodeError:
        raise not_a_model(name, "it is not text") from None
    except json.JSONDecodeError as error:
        raise not_a_model(name, f"no JSON at line {error.lineno}: {error.msg}") from None
    except ValueError as error:
        raise not_a_model(name, shown(str(error))) from None
    except RecursionError:
        raise not_a_model(name, "its JSON is nested too deeply") from None
    return model


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"it holds {constant}, which is no number")
