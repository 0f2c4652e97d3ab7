"""The model: what a fit leaves behind for predictions, and its form as JSON values with a checksum."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from l2cli._version import __version__
from l2cli.core.families import Family, family_named
from l2cli.data.dataset import DataSchema, DatePart, FeatureColumn, Interaction
from l2cli.data.dates import PARTS
from l2cli.errors import DataError, shown
from l2cli.models.content import checksum as checksum
from l2cli.models.content import content_of
from l2cli.models.intervals import LeftOut
from l2cli.spec import FAMILIES


class ClassWeights(NamedTuple):
    """The weights of one class of a multinomial model, as in :class:`Model`."""

    intercept: float
    coef: tuple[float, ...]
    coef_standardized: tuple[float, ...]


@dataclass(frozen=True)
class Model:
    """A fitted model with the schema of its data.

    data : how rows become design columns. family : its name; tweedie has its power in ``settings``.
    intercept, coef : on the original scale, by design column; coef_standardized : coef times ``scale``.
    center, scale : means and population standard deviations of the design columns in training.
    lam : lambda on the sum scale; lambda_scale : ``sum`` | ``mean``, as it was asked for; selected_by : how
    chosen.
    settings, metrics, certificate : as in the result of ``fit``.
    rows_used, weight_sum, target_mean, target_sd : of the training rows (target less offset; None of classes
    that are not two).
    feature_stats : {column of the file: {missing, mean, sd, min, max} or {missing, levels}}, to notice drift.
    by_class : intercept and coefficients of every class of a multinomial model, which has no others.
    others : the models of the other targets where several were fitted together, on the same design columns.
    intervals : the models without some training rows each (see :mod:`l2cli.models.intervals`); None of
    classes, of fits that no folds judged, and of older models.
    """

    data: DataSchema
    family: str
    intercept: float
    coef: tuple[float, ...]
    coef_standardized: tuple[float, ...]
    center: tuple[float, ...]
    scale: tuple[float, ...]
    lam: float
    lambda_scale: str
    selected_by: str
    settings: dict[str, Any]
    metrics: dict[str, Any]
    certificate: dict[str, Any]
    rows_used: int
    weight_sum: float
    target_mean: float | None
    target_sd: float | None
    feature_stats: dict[str, dict[str, Any]]
    version: str = __version__
    by_class: tuple[ClassWeights, ...] = ()
    others: tuple[Model, ...] = ()
    intervals: LeftOut | None = None

    @property
    def weights(self) -> ClassWeights:
        """Intercept and coefficients of a model without several classes."""
        return ClassWeights(self.intercept, self.coef, self.coef_standardized)

    def each(self) -> tuple[Model, ...]:
        """Return the models of all targets, this one first; nearly always that is all."""
        return (self, *self.others)

    @property
    def likelihood(self) -> Family:
        """The family with its parameter."""
        return family_named(self.family, self.settings.get("tweedie_power"))

    def to_dict(self) -> dict[str, Any]:
        """Return the content of the model file, checksum included."""
        content = content_of(self)
        return {**content, "checksum": checksum(content)}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any], source: str = "model") -> Model:
        """Return the model in ``content``; ``source`` names it in errors.

        Raises
        ------
        DataError
            If it is no model, one of a newer program, changed since it was saved, or not consistent.
        """
        return _model_of(content, source)


def not_a_model(source: str, why: str) -> DataError:
    """Return the error for a file that is something else."""
    return DataError(
        f"{source}: not a model ({why})",
        hint="the model comes first, then the data; l2cli fit --save writes one",
        code="no_model",
    )


def _model_of(content: Any, source: str) -> Model:
    """Return the model in parsed JSON after every check."""
    if not isinstance(content, Mapping) or not isinstance(content.get("schema"), str):
        raise not_a_model(source, "it has no 'schema'")
    kind, _, number = content["schema"].rpartition("/")
    if kind != "l2cli/model" or not number.isdecimal() or len(number) > 9:
        raise not_a_model(source, f"its schema is '{shown(content['schema'])}'")
    if int(number) > 1:
        raise DataError(
            f"{source}: a model of a newer l2cli ({shown(content['schema'])}; this is {__version__})",
            hint="update l2cli, or save the model again with this version",
            code="newer_model",
        )
    if infinite := _not_finite(content, ""):
        raise DataError(f"{source}: damaged model: {shown(infinite)} is not finite", code="damaged_model")
    if content.get("checksum") != checksum(content):
        raise DataError(
            f"{source}: the model was changed after it was saved (its checksum does not match)",
            hint="save it again with l2cli fit --save",
            code="tampered_model",
        )
    try:
        model = _read_content(content)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError) as error:
        fault = f"no {error}" if isinstance(error, KeyError) else shown(str(error))
        raise DataError(f"{source}: damaged model: {fault}", code="damaged_model") from None
    _check_consistent(model, source)
    return model


def _not_finite(value: Any, place: str) -> str | None:
    """Return where a number is infinite or NaN, None if nowhere."""
    if isinstance(value, Mapping):
        items = [(f"{place}.{key}".lstrip("."), item) for key, item in value.items()]
    elif isinstance(value, list | tuple):
        items = [(f"{place}[{i}]", item) for i, item in enumerate(value)]
    else:
        return place if isinstance(value, float) and not math.isfinite(value) else None
    return next((found for key, item in items if (found := _not_finite(item, key))), None)


def _read_content(content: Mapping[str, Any]) -> Model:
    """Return the model; KeyError, TypeError or ValueError where the content is not of the promised form."""
    if "targets" not in content:
        return _read_one(content)
    models = [_read_one({**content, **part}) for part in content["targets"]]
    if len({model.data.target for model in models}) < len(models) or len(models) < 2:
        raise ValueError("its targets are not several different ones")
    return replace(models[0], others=tuple(models[1:]))


def _read_one(content: Mapping[str, Any]) -> Model:
    """Return the model of one target."""
    parts = content.get("class_coefficients", [content])
    rows = parts[0]["coefficients"]
    roles = content["roles"]
    classes = None if content["classes"] is None else tuple(_text(label) for label in content["classes"])
    if classes == ():
        raise ValueError("its list of classes is empty")
    data = DataSchema(
        features=tuple(_feature_of(item) for item in content["features"]),
        target=_text(content["target"]),
        family=_text(content["family"]),
        classes=classes,
        missing=_text(content["missing"]),
        id=_role(roles["id"]),
        weights=_role(roles["weights"]),
        offset=_role(roles["offset"]),
        exposure=_role(roles["exposure"]),
        dialect=_dialect_of(content.get("dialect")),
    )
    data = data._replace(interactions=_interactions_of(content.get("interactions", []), data))
    names = list(data.design_names)
    if any([row["feature"] for row in part["coefficients"]] != names for part in parts):
        raise ValueError("its coefficients and its features do not agree")
    several = "class_coefficients" in content
    if several and [part["label"] for part in parts] != list(data.classes or ()):
        raise ValueError("its coefficients and its classes do not agree")
    weights = [
        ClassWeights(
            _number(part["intercept"]), _column(part["coefficients"], "coef"),
            _column(part["coefficients"], "coef_standardized"),
        )
        for part in parts
    ]  # fmt: skip
    one = ClassWeights(0.0, (), ()) if several else weights[0]
    return Model(
        data=data,
        family=data.family,
        **one._asdict(),
        by_class=tuple(weights) if several else (),
        center=_column(rows, "mean"),
        scale=_column(rows, "sd"),
        lam=_number(content["lambda"]["sum"]),
        lambda_scale=_text(content["lambda"]["scale"]),
        selected_by=_text(content["lambda"]["selected_by"]),
        settings=_settings_of(content["settings"]),
        metrics=dict(content["metrics"]),
        certificate=dict(content["certificate"]),
        rows_used=int(_number(content["rows_used"])),
        weight_sum=_number(content["weight_sum"]),
        target_mean=_known(content["target_mean"]),
        target_sd=_known(content["target_sd"]),
        feature_stats={name: _stats_of(entry) for name, entry in content["feature_stats"].items()},
        version=_text(content["version"]),
        intervals=LeftOut.from_dict(content["intervals"], len(names)) if "intervals" in content else None,
    )


def _settings_of(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings; those that a screen shows must be what it takes them for."""
    settings = dict(item)
    for name in ("l1_ratio", "relax_gamma", "tweedie_power"):
        _known(settings.get(name))
    for name in ("groups", "bounds"):
        if not isinstance(settings.get(name), list | dict | None):
            raise TypeError(f"its setting '{name}' is {settings[name]!r}")
    return settings


def _role(name: Any) -> str | None:
    """Return the column of a role, None where it has none."""
    return None if name is None else _text(name)


def _dialect_of(item: Mapping[str, Any] | None) -> tuple[str, str] | None:
    """Return delimiter and decimal mark of the training file, None where no text or an older program."""
    if item is None:
        return None
    if item["decimal"] not in (".", ","):
        raise ValueError(f"its decimal mark is {item['decimal']!r}")
    return _text(item["delimiter"]), _text(item["decimal"])


def _feature_of(item: Mapping[str, Any]) -> FeatureColumn:
    """Return one feature of a model file."""
    names = tuple(_text(name) for name in item["columns"])
    if item["kind"] == "number":
        impute = None if item["impute"] is None else _number(item["impute"])
        indicator = item["indicator"] is True
        if len(names) != 1 + indicator:
            raise ValueError(f"the columns of feature '{item['name']}' do not fit its kind")
        return FeatureColumn(
            _text(item["name"]),
            "number",
            "number",
            impute=impute,
            indicator=indicator,
            names=names,
            date=_date_of(item),
        )
    levels = tuple(_text(level) for level in item["levels"])
    reference = None if item["reference"] is None else _text(item["reference"])
    if len(names) != len(levels) - (reference is not None) or (
        reference is not None and reference != levels[0]
    ):
        raise ValueError(f"the columns of feature '{item['name']}' do not fit its levels")
    return FeatureColumn(
        _text(item["name"]),
        "category",
        _text(item["coding"]),
        levels=levels,
        reference=reference,
        names=names,
        date=_date_of(item),
    )


def _date_of(item: Mapping[str, Any]) -> DatePart | None:
    """Return the part of a date that a feature of a model file is; older models have none."""
    if "date" not in item:
        return None
    date = item["date"]
    found = DatePart(_text(date["column"]), _text(date["part"]), _role(date["order"]))
    if found.part not in PARTS or found.order not in (None, "day", "month"):
        raise ValueError(f"feature '{item['name']}' is no part of a date")
    if item["name"] != f"{found.column}.{found.part}":
        raise ValueError(f"feature '{item['name']}' and its date do not agree")
    return found


def _interactions_of(items: Sequence[Mapping[str, Any]], data: DataSchema) -> tuple[Interaction, ...]:
    """Return the interactions of a model file, each products of design columns of two of its features."""
    owner = {
        name: feature.name
        for feature in data.features
        for name in (feature.names if feature.kind == "category" else feature.names[:1])
    }
    found = []
    for item in items:
        factors = tuple((_text(left), _text(right)) for left, right in item["factors"])
        pairs = {(owner.get(left), owner.get(right)) for left, right in factors}
        if len(pairs) > 1 or any(None in pair for pair in pairs) or len({*factors}) < len(factors):
            raise ValueError(f"interaction '{item['name']}' has no such factors")
        found.append(Interaction(_text(item["name"]), item["levels"] is True, factors))
    return tuple(found)


def _stats_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a column looked like in training: shares between 0 and 1, and finite numbers."""
    stats: dict[str, Any] = {"missing": _share(entry["missing"])}
    if "levels" in entry:
        return stats | {"levels": {_text(level): _share(share) for level, share in entry["levels"].items()}}
    return stats | {key: _number(entry[key]) for key in ("mean", "sd", "min", "max")}


def _share(value: Any) -> float:
    """Return a JSON number between 0 and 1."""
    share = _number(value)
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"{share:g} is no share")
    return share


def _number(value: Any) -> float:
    """Return a JSON number as a float."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is not a number")
    return float(value)


def _known(value: Any) -> float | None:
    """Return a JSON number as a float, or None."""
    return None if value is None else _number(value)


def _column(rows: Sequence[Mapping[str, Any]], key: str) -> tuple[float, ...]:
    """Return the numbers under a key of every row."""
    return tuple(_number(row[key]) for row in rows)


def _text(value: Any) -> str:
    """Return a JSON string."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return value


_CLASS_COUNTS: dict[str, Container[int]] = {"binomial": (2,), "multinomial": range(2, 10**9)}


def _check_consistent(model: Model, source: str) -> None:
    """Refuse models that no program of this version writes."""
    wrong = None
    if model.family not in FAMILIES[1:]:
        wrong = f"its family is '{shown(model.family)}', which this l2cli does not know"
    elif model.others and model.family != "gaussian":
        wrong = "it has several targets, and they are not gaussian"
    elif len(model.data.classes or ()) not in _CLASS_COUNTS.get(model.family, (0,)) or (
        (model.family == "multinomial") != bool(model.by_class)
    ):
        wrong = "its family and its classes do not agree"
    elif model.data.classes and model.intervals is not None:
        wrong = "it has intervals, and it predicts classes"
    if wrong:
        raise DataError(
            f"{source}: {wrong}", hint="update l2cli, or save the model again", code="damaged_model"
        )
