"""A model as plain JSON values, in the order a person would read them, and the checksum of those values.

The checksum is the SHA-256 of the canonical JSON of everything else (keys sorted, no blanks, every number a
double), so that reformatting the file does no harm and changing a number does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from l2cli.data.dataset import DataSchema, FeatureColumn

if TYPE_CHECKING:
    from l2cli.models.model import Model

SCHEMA = "l2cli/model/1"

_OF_TARGET = (
    "target", "lambda", "intercept", "coefficients", "metrics", "certificate", "target_mean", "target_sd",
    "intervals",
)  # fmt: skip
"""What the models of several targets do not have in common."""
_DIALECT = ("delimiter", "decimal")


def content_of(model: Model) -> dict[str, Any]:
    """Return the model as plain JSON values; of several targets, what is theirs alone under ``targets``."""
    contents = [_content_of_one(one) for one in model.each()]
    if len(contents) == 1:
        return contents[0]
    common = {key: value for key, value in contents[0].items() if key not in _OF_TARGET}
    return common | {
        "targets": [{key: content[key] for key in _OF_TARGET if key in content} for content in contents]
    }


def _content_of_one(model: Model) -> dict[str, Any]:
    """Return the model of one target as plain JSON values, in the order a person would read them."""
    data = model.data
    return {
        "schema": SCHEMA,
        "version": model.version,
        "family": model.family,
        "target": data.target,
        "classes": None if data.classes is None else list(data.classes),
        "lambda": {"sum": model.lam, "scale": model.lambda_scale, "selected_by": model.selected_by},
        **_weights(model),
        "features": [_feature_to_dict(feature) for feature in data.features],
        **_interactions(data),
        "missing": data.missing,
        "roles": {"id": data.id, "weights": data.weights, "offset": data.offset, "exposure": data.exposure},
        "dialect": None if data.dialect is None else dict(zip(_DIALECT, data.dialect, strict=True)),
        "settings": model.settings,
        "metrics": model.metrics,
        "certificate": model.certificate,
        "rows_used": model.rows_used,
        "weight_sum": model.weight_sum,
        "target_mean": model.target_mean,
        "target_sd": model.target_sd,
        "feature_stats": model.feature_stats,
        **({} if model.intervals is None else {"intervals": model.intervals.to_dict()}),
    }


def _interactions(data: DataSchema) -> dict[str, Any]:
    """Return the interactions as JSON values, nothing where there are none."""
    items = [
        {"name": item.name, "levels": item.levels, "factors": [list(pair) for pair in item.factors]}
        for item in data.interactions
    ]
    return {"interactions": items} if items else {}


def _weights(model: Model) -> dict[str, Any]:
    """Return intercept and coefficients, of several classes under ``class_coefficients`` in their order."""
    tables = [
        {
            "intercept": part.intercept,
            "coefficients": [
                {"feature": name, "coef": b, "coef_standardized": z, "mean": m, "sd": s}
                for name, b, z, m, s in zip(
                    model.data.design_names, part.coef, part.coef_standardized, model.center, model.scale,
                    strict=True,
                )
            ],
        }
        for part in model.by_class or (model.weights,)
    ]  # fmt: skip
    if not model.by_class:
        return tables[0]
    labels = model.data.classes or ()
    return {"class_coefficients": [{"label": k, **t} for k, t in zip(labels, tables, strict=True)]}


def _feature_to_dict(feature: FeatureColumn) -> dict[str, Any]:
    """Return one feature as JSON values, without what does not apply to its kind."""
    date = {} if feature.date is None else {"date": feature.date._asdict()}
    if feature.kind == "number":
        return {
            "name": feature.name,
            "kind": "number",
            "impute": feature.impute,
            "indicator": feature.indicator,
            "columns": list(feature.names),
            **date,
        }
    return {
        "name": feature.name,
        "kind": "category",
        "coding": feature.coding,
        "levels": list(feature.levels),
        "reference": feature.reference,
        "columns": list(feature.names),
        **date,
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
