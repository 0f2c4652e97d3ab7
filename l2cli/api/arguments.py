"""What the arguments of the library mean: dataset, objective, and which of them contradict others."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from l2cli.api.given import Given
from l2cli.api.wording import ARGUMENTS, in_words
from l2cli.checks import as_number, check_lambda, whole
from l2cli.data.build import build_dataset
from l2cli.data.dataset import Dataset
from l2cli.errors import UsageError
from l2cli.spec import (
    FOLDLESS,
    LEAST_DRAWS,
    MOST_DRAWS,
    Bounds,
    ColumnSpec,
    GridSpec,
    GroupSpec,
    ModelSpec,
    SelectSpec,
    named_bounds,
)

ColumnGroupsArgument = Mapping[str, str | Sequence[str]] | str | None
"""Names of groups and the names or globs of their columns, or ``"dummies"``."""


def grid_of(lam: float | None, lambdas: Any) -> GridSpec:
    """Return the one lambda given, or those to choose from."""
    if lam is None:
        return GridSpec.of(lambdas)
    return GridSpec(values=(check_lambda(as_number(lam, "lam"), "lam"),))


def dataset_of(
    given: Given, lambdas: GridSpec, *, family: str, positive: Any, categorical: str | Sequence[str],
    dates: bool, interactions: str | Sequence[str],
    coding: str, missing: str, penalty_factor: Any, l1_ratio: float | Sequence[float],
    tweedie_power: float | None,
    bounds: Bounds | None, column_groups: tuple[ColumnGroupsArgument, str, Mapping[str, float] | None],
    standardize: bool, intercept: bool, lambda_scale: str, tol: float | None,
    relax_gamma: float | None = None,
) -> tuple[Dataset, ModelSpec]:  # fmt: skip
    """Return the dataset and the objective of a call."""
    label = None if positive is None else str(positive)
    columns = given.columns._replace(
        positive=label, categorical=_several(categorical), dates=dates, interactions=_several(interactions),
        coding=coding, missing=missing,
    )  # fmt: skip
    factors = _factors(penalty_factor, given.inputs)
    ratios = _ratios(l1_ratio)
    model = ModelSpec(
        family, lambdas, lambda_scale, factors, ratios[0], bool(standardize), bool(intercept),
        _number(tol, "tol"), _number(tweedie_power, "tweedie_power"),
        named_bounds(_mapping(bounds, "bounds")), _groups(*column_groups),
        _number(relax_gamma, "relax_gamma"), ratios if len(ratios) > 1 else (),
    )  # fmt: skip
    return build_dataset(given.table, columns, model), model


def _ratios(l1_ratio: Any) -> tuple[float, ...]:
    """Return the one mix, or several."""
    given = tuple(l1_ratio) if np.ndim(l1_ratio) == 1 else (l1_ratio,)
    if not given:
        raise UsageError("l1_ratio is empty", hint="give a number between 0 and 1, or several")
    return tuple(as_number(ratio, "l1_ratio") for ratio in given)


def _number(value: Any, name: str) -> float | None:
    return None if value is None else as_number(value, name)


def _mapping(value: Any, name: str) -> Any:
    """Return an argument that is a mapping, or None; UsageError for anything else."""
    if value is not None and not isinstance(value, Mapping):
        raise UsageError(f"{name} must map names or globs to values, not {value!r}")
    return value


def _several(names: str | Sequence[str]) -> tuple[str, ...]:
    """Return one name, or several."""
    return (names,) if isinstance(names, str) else tuple(names)


def _groups(
    groups: ColumnGroupsArgument, penalty: str, lambdas: Mapping[str, float] | None
) -> GroupSpec | None:
    """Return the groups of columns as the model spec holds them."""
    values = _numbers(_mapping(lambdas, "group_lambda") or {}, "group_lambda")
    if groups is None:
        if values or penalty != "lasso":
            raise UsageError("group_penalty and group_lambda need column_groups")
        return None
    if isinstance(groups, str) and groups == "dummies":
        return GroupSpec((), True, penalty, values)
    if not isinstance(groups, Mapping):
        raise UsageError(f"column_groups must be a mapping or 'dummies', not {groups!r}")
    named = tuple(
        (str(name), (members,) if isinstance(members, str) else tuple(members))
        for name, members in groups.items()
    )
    return GroupSpec(named, False, penalty, values)


def _factors(penalty_factor: Any, inputs: Sequence[str]) -> tuple[tuple[str, float], ...]:
    """Return penalty factors by name."""
    if penalty_factor is None:
        return ()
    if isinstance(penalty_factor, Mapping):
        return _numbers(penalty_factor, "penalty_factor")
    try:
        values = np.asarray(penalty_factor, dtype=np.float64)
    except (TypeError, ValueError):
        raise UsageError(f"penalty_factor must be a mapping or numbers, not {penalty_factor!r}") from None
    if values.shape != (len(inputs),):
        raise UsageError(
            f"penalty_factor has shape {values.shape}, not one number for each of {len(inputs)} columns"
        )
    return tuple(zip(inputs, values.tolist(), strict=True))


def _numbers(values: Mapping[str, Any], name: str) -> tuple[tuple[str, float], ...]:
    """Return a mapping to numbers as a spec holds it."""
    return tuple((str(key), as_number(value, f"{name} of {key!r}")) for key, value in values.items())


LAST_ROWS = "give the last rows as a table, holdout=later: a part is drawn at random"


def refuse_idle_arguments(
    columns: ColumnSpec, choice: SelectSpec, lam: float | None = None, grid: GridSpec | None = None,
    inference: str | None = None, *, simulate: bool = False,
) -> None:  # fmt: skip
    """Raise UsageError for arguments that would have nothing to do beside others.

    A bootstrap, a kind of ``inference``, draws whole groups whatever lambda; a simulation has no folds.
    """
    drawn = {"folds": choice.folds is not None, "repeats": choice.repeats != 1}
    drawn["groups"] = columns.group_column is not None
    timed = {"time_column": columns.time_column is not None}
    folds = drawn | timed | {"fold_labels": columns.fold_column is not None}
    if choice.gap.text and columns.time_column is None:
        raise UsageError("gap leaves rows out before later ones, so it needs time_column")
    chosen = {
        "holdout": choice.holdout is not None,
        "select": choice.select != "auto",
        "rule": choice.rule != "min",
        "metric": choice.metric is not None,
        "lambdas": grid is not None and grid != GridSpec(),
    }
    pairs: list[tuple[str, dict[str, bool]]] = []
    if lam is not None:
        idle = folds | chosen
        idle["groups"] &= inference != "bootstrap"
        pairs.append(("lam fixes lambda", idle))
    if simulate:
        jobs = {"jobs": choice.jobs is not None}
        pairs.append(("simulate knows the error of unseen rows", folds | jobs))
    if folds["fold_labels"]:
        pairs.append(("fold_labels gives the folds", drawn | timed))
    if columns.time_column is not None:
        ordered = {"repeats": drawn["repeats"], "groups": drawn["groups"]}
        pairs.append(("time_column puts the folds in order", ordered))
    if choice.select in FOLDLESS:
        idle = dict(folds)
        if isinstance(choice.holdout, float) or inference == "bootstrap":
            del idle["groups"]
        pairs.append((f"select='{choice.select}' has no folds", idle))
    for reason, others in pairs:
        for name, used in others.items():
            if used:
                later = name == "time_column" and isinstance(choice.holdout, float)
                hint = LAST_ROWS if later else "leave one of them out"
                raise UsageError(f"{reason}, so {name} has nothing to do", hint=hint)


def check_draws(draws: Any) -> int | None:
    """Return a number of drawings, or None; UsageError for anything else."""
    return None if draws is None else whole(draws, "draws", LEAST_DRAWS, MOST_DRAWS)


def warn_about(content: Mapping[str, Any]) -> None:
    """Say every warning of a result once, to the caller of a function of the library."""
    refit = content.get("refit", {}).get("warnings", [])
    for message in dict.fromkeys(entry["message"] for entry in [*content["warnings"], *refit]):
        warnings.warn(in_words(message, ARGUMENTS), UserWarning, stacklevel=4)  # above in_arguments
