"""Models of scikit-learn on the folds of a comparison: the one module of ``select`` that imports it.

An outside model sees what ours sees of the training rows: the design columns, missing cells imputed and
columns standardized by these rows alone. It is taken as it comes, or with the parameters named: nothing in it
is tuned.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
import numpy.typing as npt

from l2cli.core.moments import TrainingStats, training_stats
from l2cli.core.problem import Problem
from l2cli.data.folds import Folds
from l2cli.errors import FitError, UsageError, shown
from l2cli.select.candidates import OutsideModel
from l2cli.select.learner import training_moments

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
TINY = np.finfo(np.float64).tiny
CLASSES = ("binomial", "multinomial")


def known_models(kind: str | None = None) -> dict[str, type]:
    """Return scikit-learn's regressors or classifiers (default both) by name.

    Raises
    ------
    UsageError
        If scikit-learn is not installed.
    """
    try:
        from sklearn.utils import all_estimators
    except ImportError:
        raise UsageError("--models sklearn:... needs scikit-learn", hint="pip install scikit-learn") from None
    kinds = ["regressor", "classifier"] if kind is None else [kind]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of modules that it looks into
        return dict(all_estimators(type_filter=kinds))


def check_name(model: OutsideModel) -> None:
    """Raise UsageError unless some model of scikit-learn has this name, or one that begins with it."""
    _find(model.name, known_models(), "model")


def _find(name: str, known: dict[str, type], kind: str) -> type:
    """Return the class of a name, with Regressor or Classifier added, or the only one that it begins."""
    for candidate in (name, f"{name}Regressor", f"{name}Classifier"):
        if candidate in known:
            return known[candidate]
    beginning = [other for other in known if other.startswith(name)]
    if len(beginning) == 1:
        return known[beginning[0]]
    near = beginning[:3] or get_close_matches(name, known, 3)
    hint = f"did you mean {' or '.join(near)}?" if near else "give the name of its class"
    raise UsageError(f"scikit-learn has no {kind} '{shown(name)}'", hint=hint)


def make_estimator(model: OutsideModel, family: str, seed: int) -> Any:
    """Return the estimator, with ``random_state`` set to ``seed`` where it has one and none was given.

    Raises
    ------
    UsageError
        If there is no such estimator for the family, or it does not take the parameters.
    """
    kind = "classifier" if family in CLASSES else "regressor"
    maker = _find(model.name, known_models(kind), f"{kind} (the family is {family})")
    given = dict(model.parameters)
    if "random_state" in inspect.signature(maker).parameters:
        given.setdefault("random_state", seed)
    try:
        return maker(**given)
    except TypeError as error:
        raise UsageError(f"sklearn:{model.name}: {error}") from None


def outside_etas(
    model: OutsideModel, problem: Problem, folds: Folds, metric: str, seed: int
) -> tuple[list[FloatArray], list[str]]:
    """Return what amounts to the linear predictors of the rows of each fold, and what the model warned of.

    (n_i,), of classes (n_i, C).

    Raises
    ------
    UsageError
        There is no such estimator, or it lacks what the data or the metric need: weights, probabilities.
    FitError
        The estimator failed.
    """
    _refuse(problem, model)
    estimator = make_estimator(model, problem.family, seed)
    etas, said = [], dict[str, None]()
    held_out = (np.flatnonzero(ids == f) for ids in folds.ids for f in range(folds.k))
    for i, (held, moments) in enumerate(zip(held_out, training_moments(problem, folds), strict=True)):
        train, stats = folds.training(i), training_stats(problem, moments)
        X = _standardized(problem, train, stats)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            etas.append(
                _eta(estimator, model, problem, X, train, _standardized(problem, held, stats), metric)
            )
        said |= dict.fromkeys(f"{w.category.__name__}: {str(w.message).splitlines()[0]}" for w in caught)
    return etas, list(said)


def _refuse(problem: Problem, model: OutsideModel) -> None:
    name = f"sklearn:{model.name}"
    if problem.blocks is not None:
        raise UsageError(
            f"--models {name} needs all columns as one matrix, for which there are too many levels",
            hint="leave it out, or the column with so many levels",
        )
    if problem.offset is not None:
        raise UsageError(f"--models {name} knows no offset or exposure", hint="leave one of them out")


def _standardized(problem: Problem, rows: IntArray, stats: TrainingStats) -> FloatArray:
    """Return the columns of some rows, imputed and standardized by the training rows."""
    Z = problem.X[rows]
    if problem.mask is not None:
        problem.impute_anew(Z, problem.mask[rows], stats.shift)
    Z -= stats.mean
    varies = stats.sd > 0.0
    Z[:, varies] /= stats.sd[varies]
    Z[:, ~varies] = 0.0
    return Z


def _eta(
    estimator: Any, model: OutsideModel, problem: Problem, X: FloatArray, train: IntArray,
    new: FloatArray, metric: str,
) -> FloatArray:  # fmt: skip
    """Return the linear predictors of new rows that amount to what the estimator predicts."""
    from sklearn.base import clone
    from sklearn.utils.validation import has_fit_parameter

    y = problem.class_codes[train] if problem.family in CLASSES else problem.y[train]
    s, extra = problem.weights[train], {}
    if has_fit_parameter(estimator, "sample_weight"):
        if not np.all(s == 1.0):
            extra["sample_weight"] = s
    elif not np.all(s == s[0]):
        raise UsageError(f"sklearn:{model.name} cannot take weights", hint="leave it out, or --weights")
    fitted = clone(estimator)
    try:
        fitted.fit(X, y, **extra)
        if problem.family not in CLASSES:
            mean = np.asarray(fitted.predict(new), dtype=np.float64).reshape(len(new))
            return mean if problem.family == "gaussian" else np.log(np.maximum(mean, TINY))
        if hasattr(fitted, "predict_proba"):
            return _logits(np.asarray(fitted.predict_proba(new)), fitted.classes_, problem.n_classes)
        labels = fitted.predict(new)
    except Exception as error:  # another program's code may raise anything; here it is one candidate of many
        first = (str(error) or type(error).__name__).splitlines()[0]
        raise FitError(f"sklearn:{model.name} failed: {first}") from error
    if metric not in ("accuracy", "error", "f1"):
        raise UsageError(
            f"sklearn:{model.name} gives no probabilities, which --metric {metric} needs",
            hint="use --metric accuracy, or leave it out",
        )
    count = max(2, problem.n_classes)
    return _logits(np.eye(count)[labels], range(count), problem.n_classes)


def _logits(probability: FloatArray, classes: Sequence[int], count: int) -> FloatArray:
    """Return log odds (m,), or log probabilities (m, C) of several classes, of those trained on."""
    full = np.zeros((len(probability), max(2, count)))
    full[:, np.asarray(classes)] = probability
    with np.errstate(divide="ignore"):
        logs = np.log(np.maximum(full, TINY))
    return logs if count > 1 else logs[:, 1] - logs[:, 0]
