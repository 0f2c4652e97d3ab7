"""The model: what a fit leaves behind for predictions, and its form as JSON values with a checksum.

The checksum is the SHA-256 of the canonical JSON of everything else (keys sorted, no blanks, every number a
double), so that reformatting the file does no harm and changing a number does.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from l2cli._version import __version__
from l2cli.core.families import Family, family_named
from l2cli.data.dataset import DataSchema, FeatureColumn
from l2cli.errors import DataError, shown
from l2cli.spec import FAMILIES

SCHEMA = "l2cli/model/1"


@dataclass(frozen=True)
class Model:
    """A fitted model with the schema of its data.

    data : how rows become design columns. family : its name; tweedie has its power in ``settings``.
    intercept, coef : on the original scale, by design column; coef_standardized : coef times ``scale``.
    center, scale : means and population standard deviations of the design columns in training.
    lam : lambda on the sum scale; lambda_scale : ``sum`` | ``mean``, as it was asked for; selected_by : how
    chosen.
    settings, metrics, certificate : as in the result of ``fit``.
    rows_used, weight_sum, target_mean, target_sd : of the training rows (target less offset).
    feature_stats : {column of the file: {missing, mean, sd, min, max} or {missing, levels}}, to notice drift.
    others : the models of the other targets where several were fitted together, on the same design columns.
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
    target_mean: float
    target_sd: float
    feature_stats: dict[str, dict[str, Any]]
    version: str = __version__
    others: tuple[Model, ...] = ()

    def each(self) -> tuple[Model, ...]:
        """Return the models of all targets, this one first; nearly always that is all."""
        return (self, *self.others)

    @property
    def likelihood(self) -> Family:
        """The family with its parameter."""
        return family_named(self.family, self.settings.get("tweedie_power"))

    def to_dict(self) -> dict[str, Any]:
        """Return the content of the model file, checksum included."""
        content = _content(self)
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


# ---------------------------------------------------------------- to JSON values


_OF_TARGET = (
    "target", "lambda", "intercept", "coefficients", "metrics", "certificate", "target_mean", "target_sd",
)  # fmt: skip
"""What the models of several targets do not have in common."""


def _content(model: Model) -> dict[str, Any]:
    """Return the model as plain JSON values; of several targets, what is theirs alone under ``targets``."""
    contents = [_content_of_one(one) for one in model.each()]
    if len(contents) == 1:
        return contents[0]
    common = {key: value for key, value in contents[0].items() if key not in _OF_TARGET}
    return common | {"targets": [{key: content[key] for key in _OF_TARGET} for content in contents]}


def _content_of_one(model: Model) -> dict[str, Any]:
    """Return the model of one target as plain JSON values, in the order a person would read them."""
    data = model.data
    columns = zip(
        data.design_names, model.coef, model.coef_standardized, model.center, model.scale, strict=True
    )
    return {
        "schema": SCHEMA,
        "version": model.version,
        "family": model.family,
        "target": data.target,
        "classes": None if data.classes is None else list(data.classes),
        "lambda": {"sum": model.lam, "scale": model.lambda_scale, "selected_by": model.selected_by},
        "intercept": model.intercept,
        "coefficients": [
            {"feature": name, "coef": b, "coef_standardized": z, "mean": m, "sd": s}
            for name, b, z, m, s in columns
        ],
        "features": [_feature_to_dict(feature) for feature in data.features],
        "missing": data.missing,
        "roles": {"id": data.id, "weights": data.weights, "offset": data.offset, "exposure": data.exposure},
        "settings": model.settings,
        "metrics": model.metrics,
        "certificate": model.certificate,
        "rows_used": model.rows_used,
        "weight_sum": model.weight_sum,
        "target_mean": model.target_mean,
        "target_sd": model.target_sd,
        "feature_stats": model.feature_stats,
    }


def _feature_to_dict(feature: FeatureColumn) -> dict[str, Any]:
    """Return one feature as JSON values, without what does not apply to its kind."""
    if feature.kind == "number":
        return {
            "name": feature.name,
            "kind": "number",
            "impute": feature.impute,
            "indicator": feature.indicator,
            "columns": list(feature.names),
        }
    return {
        "name": feature.name,
        "kind": "category",
        "coding": feature.coding,
        "levels": list(feature.levels),
        "reference": feature.reference,
        "columns": list(feature.names),
    }


def checksum(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a model's content, its entry ``checksum`` aside."""
    import hashlib  # loads OpenSSL, which a fit without --save can do without

    rest = {key: value for key, value in content.items() if key != "checksum"}
    text = json.dumps(
        _canonical(rest), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    )
    return "sha256:" + hashlib.sha256(text.encode("ascii")).hexdigest()


def _canonical(value: Any) -> Any:
    """Return JSON values with every number a double: other programs write 1.0 as 1."""
    if isinstance(value, dict):
        return {key: _canonical(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**1000:
        return float(value)
    return value


# ---------------------------------------------------------------- and back


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
    rows = content["coefficients"]
    roles = content["roles"]
    classes = content["classes"]
    data = DataSchema(
        features=tuple(_feature_of(item) for item in content["features"]),
        target=_text(content["target"]),
        family=_text(content["family"]),
        classes=None if classes is None else (_text(classes[0]), _text(classes[1])),
        missing=_text(content["missing"]),
        id=_role(roles["id"]),
        weights=_role(roles["weights"]),
        offset=_role(roles["offset"]),
        exposure=_role(roles["exposure"]),
    )
    if [row["feature"] for row in rows] != list(data.design_names):
        raise ValueError("its coefficients and its features do not agree")

    def column(key: str) -> tuple[float, ...]:
        return tuple(_number(row[key]) for row in rows)

    return Model(
        data=data,
        family=data.family,
        intercept=_number(content["intercept"]),
        coef=column("coef"),
        coef_standardized=column("coef_standardized"),
        center=column("mean"),
        scale=column("sd"),
        lam=_number(content["lambda"]["sum"]),
        lambda_scale=_text(content["lambda"]["scale"]),
        selected_by=_text(content["lambda"]["selected_by"]),
        settings=dict(content["settings"]),
        metrics=dict(content["metrics"]),
        certificate=dict(content["certificate"]),
        rows_used=int(_number(content["rows_used"])),
        weight_sum=_number(content["weight_sum"]),
        target_mean=_number(content["target_mean"]),
        target_sd=_number(content["target_sd"]),
        feature_stats={name: _stats_of(entry) for name, entry in content["feature_stats"].items()},
        version=_text(content["version"]),
    )


def _role(name: Any) -> str | None:
    """Return the column of a role, None where it has none."""
    return None if name is None else _text(name)


def _feature_of(item: Mapping[str, Any]) -> FeatureColumn:
    """Return one feature of a model file."""
    names = tuple(_text(name) for name in item["columns"])
    if item["kind"] == "number":
        impute = None if item["impute"] is None else _number(item["impute"])
        indicator = item["indicator"] is True
        if len(names) != 1 + indicator:
            raise ValueError(f"the columns of feature '{item['name']}' do not fit its kind")
        return FeatureColumn(
            _text(item["name"]), "number", "number", impute=impute, indicator=indicator, names=names
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
    )


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


def _text(value: Any) -> str:
    """Return a JSON string."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return value


def _check_consistent(model: Model, source: str) -> None:
    """Refuse models that no program of this version writes."""
    wrong = None
    if model.family not in FAMILIES[1:]:
        wrong = f"its family is '{shown(model.family)}', which this l2cli does not know"
    elif model.others and model.family != "gaussian":
        wrong = "it has several targets, and they are not gaussian"
    elif (model.family == "binomial") != (model.data.classes is not None):
        wrong = "its family and its classes do not agree"
    if wrong:
        raise DataError(
            f"{source}: {wrong}", hint="update l2cli, or save the model again", code="damaged_model"
        )
