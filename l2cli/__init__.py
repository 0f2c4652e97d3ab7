"""l2cli: fit, tune, compare and explain regularized linear models.

The names below are loaded when they are first used (PEP 562), so that ``import l2cli`` and the command line
stay light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from l2cli._version import __version__

if TYPE_CHECKING:
    from l2cli.api.arrays import predict, predict_proba
    from l2cli.api.insight import explain, tradeoff
    from l2cli.api.inspect import inspect
    from l2cli.api.library import compare, cv, fit, path
    from l2cli.errors import DataError, FitError, L2Error, UsageError
    from l2cli.estimators import L2Classifier, L2ClassifierCV, L2Regressor, L2RegressorCV
    from l2cli.models.saved import load_model, save_model

__all__ = [
    "DataError",
    "FitError",
    "L2Classifier",
    "L2ClassifierCV",
    "L2Error",
    "L2Regressor",
    "L2RegressorCV",
    "UsageError",
    "__version__",
    "compare",
    "cv",
    "explain",
    "fit",
    "inspect",
    "load_model",
    "path",
    "predict",
    "predict_proba",
    "save_model",
    "tradeoff",
]

_HOMES = {
    "L2Classifier": "l2cli.estimators",
    "L2ClassifierCV": "l2cli.estimators",
    "L2Regressor": "l2cli.estimators",
    "L2RegressorCV": "l2cli.estimators",
    "compare": "l2cli.api.library",
    "cv": "l2cli.api.library",
    "explain": "l2cli.api.insight",
    "fit": "l2cli.api.library",
    "inspect": "l2cli.api.inspect",
    "load_model": "l2cli.models.saved",
    "path": "l2cli.api.library",
    "predict": "l2cli.api.arrays",
    "predict_proba": "l2cli.api.arrays",
    "save_model": "l2cli.models.saved",
    "tradeoff": "l2cli.api.insight",
    "DataError": "l2cli.errors",
    "FitError": "l2cli.errors",
    "L2Error": "l2cli.errors",
    "UsageError": "l2cli.errors",
}


def __getattr__(name: str) -> Any:
    """Return a public name, importing its module on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)
