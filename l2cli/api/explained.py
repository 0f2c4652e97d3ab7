"""The tables of an explanation: what is told of every feature, group of columns, direction and row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.api.setup import Setup, finite, floats
from l2cli.core.path import system_of
from l2cli.core.problem import Problem
from l2cli.data.dataset import Dataset
from l2cli.diagnostics.collinearity import condition
from l2cli.diagnostics.importance import marginal_variance, shapley_variance
from l2cli.diagnostics.influence import Influence, coefficient_moves, influence
from l2cli.diagnostics.smoother import Smoother

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
LEADING = 5
"""Rows told by Cook's distance, and again by leverage."""


class Units(NamedTuple):
    """What has an importance of its own: names (g,) and the unit (p,) of each design column."""

    names: tuple[str, ...]
    labels: IntArray


def units_of(dataset: Dataset) -> Units:
    """Return the groups of ``--groups``, and of all other columns those that one column of the file makes."""
    sources, given = dataset.schema.sources, dataset.column_groups
    named = () if given is None else given.names[: given.named]
    labels = len(named) + np.repeat(np.arange(len(sources)), [len(source.names) for source in sources])
    if given is not None:
        labels = np.where(given.labels < given.named, given.labels, labels)
    names = (*named, *(source.names[0] if len(source.names) == 1 else source.name for source in sources))
    kept, labels = np.unique(labels, return_inverse=True)
    return Units(tuple(names[k] for k in kept.tolist()), labels.astype(np.int64))


def importance_rows(
    setup: Setup, units: Units, u: FloatArray, design: FloatArray | None, seed: int
) -> dict[str, Any]:
    """Return the importance of every unit: shares of the variance of the linear predictor.

    Of a gaussian target also shares of its own (LMG). ``design`` None leaves the importance under
    correlation out.
    """
    problem = setup.problem
    U = u.reshape(problem.n_columns, -1)
    count = len(units.names)
    empty = [None] * count
    rows: dict[str, list[Any]] = {
        key: list(empty) for key in ("importance", "se", "of_target", "of_target_se")
    }
    method, orders, r2 = None, None, None
    if design is None:
        marginal = _marginal_by_rows(problem, U, units.labels)
    else:
        system = None if problem.family == "gaussian" or problem.n_classes > 1 else system_of(problem)
        S = design if system is None else system.G
        C, y_sum = S @ U, None
        if problem.family == "gaussian":
            c, y_sum = _with_target(problem)
            C = np.column_stack([C, c])
        found = shapley_variance(S, C, units.labels, seed)
        method, orders = ("exact" if found.orders is None else "orders"), found.orders
        k = U.shape[1]
        rows["importance"], rows["se"] = _shares(found.values[:, :k], found.se[:, :k])
        if y_sum is not None:
            rows["of_target"], rows["of_target_se"] = _shares(found.values[:, k:], found.se[:, k:])
            r2 = finite(float(found.values[:, k].sum()) / y_sum) if y_sum > 0.0 else None
        marginal = marginal_variance(S, U, units.labels)
    total = float(marginal.sum())
    rows["marginal"] = floats(marginal / total) if total > 0.0 else list(empty)
    members = [np.flatnonzero(units.labels == g) for g in range(count)]
    features = setup.dataset.features
    return {
        "of": "variance of the linear predictor",
        "method": method,
        "orders": orders,
        "r2_unpenalized": r2,
        "groups": [
            {
                "name": name,
                "features": [features[j] for j in members[g]],
                **{key: values[g] for key, values in rows.items()},
            }
            for g, name in enumerate(units.names)
        ],
    }


def _shares(values: FloatArray, se: FloatArray) -> tuple[list[Any], list[Any]]:
    """Return values (g, k), summed over the responses, as shares of all, and their standard errors."""
    total = float(values.sum())
    if not total > 0.0:
        return [None] * len(values), [None] * len(values)
    return floats(values.sum(axis=1) / total), floats(np.sqrt(np.square(se).sum(axis=1)) / total)


def _with_target(problem: Problem) -> tuple[FloatArray, float]:
    """Return Z'S y and y'S y, y centred where there is an intercept: (p,)."""
    s, y = problem.weights, problem.response
    if problem.intercept:
        y = y - float(s @ y) / float(s.sum())
    center = (s @ problem.X) / s.sum() if problem.intercept else 0.0
    return (s * y) @ problem.X - float(s @ y) * center, float(s @ np.square(y))


def _marginal_by_rows(problem: Problem, U: FloatArray, labels: IntArray) -> FloatArray:
    """Return the variance of what every group adds to the linear predictor, by the rows: (g,)."""
    s, values = problem.weights / problem.weight_sum, np.zeros(int(labels.max(initial=-1)) + 1)
    single = problem.blocks is None
    if single:
        mean = s @ problem.X if problem.intercept else np.zeros(problem.n_columns)
        spread = s @ np.square(problem.X) - np.square(mean)
        np.add.at(values, labels, spread * np.square(U).sum(axis=1))
    for g in np.flatnonzero(np.bincount(labels) > 1) if single else range(len(values)):
        part = problem.predictor(np.where((labels == g)[:, None], U, 0.0))
        middle = s @ part if problem.intercept else 0.0
        values[g] = float((s @ np.square(part - middle)).sum())
    return values


def feature_rows(
    setup: Setup, units: Units, fit: Mapping[str, Any], columns: Mapping[str, FloatArray | None],
    importance: Mapping[str, Any],
) -> list[dict[str, Any]]:  # fmt: skip
    """Return one row per design column; of several classes sizes are norms over them."""
    problem, count = setup.problem, setup.problem.n_columns
    alone = np.bincount(units.labels, minlength=len(units.names))[units.labels] == 1
    lists: dict[str, list[Any]] = {
        key: [None] * count if columns[key] is None else floats(np.asarray(columns[key]))
        for key in ("effective_df", "vif", "vif_penalized")
    }
    free, other = columns["free"], columns["beside"]
    bare, tied = _norm(free), columns["tied"]
    rows = []
    for j, row in enumerate(_coefficients(fit)):
        unit = importance["groups"][units.labels[j]]
        known = free is not None and bare is not None and tied is not None and not tied[j]
        at_zero = _signed(free, bare, j) if known else None
        kept = row.get("kept", row["coef_standardized"] / at_zero if at_zero else None)
        rows.append(
            {
                **{key: value for key, value in row.items() if key != "kept"},
                "coef_unpenalized": None
                if at_zero is None or row["coef"] is None
                else at_zero / float(problem.scale[j]),
                "coef_unpenalized_standardized": at_zero,
                "shrinkage": None if kept is None else 1.0 - kept,
                **{key: values[j] for key, values in lists.items()},
                "group": unit["name"],
                "importance": unit["importance"] if alone[j] else None,
                "importance_se": unit["se"] if alone[j] else None,
                "importance_marginal": unit["marginal"] if alone[j] else None,
                "beside": _signed(other, _norm(other), j),
            }
        )
    return rows


def _signed(u: FloatArray | None, size: FloatArray | None, j: int) -> float | None:
    """Return a coefficient, of several classes their norm."""
    return None if u is None or size is None else float(u[j] if u.ndim == 1 else size[j])


def _norm(u: FloatArray | None) -> FloatArray | None:
    """Return |u| of every column, over classes where there are some."""
    return None if u is None else np.abs(u) if u.ndim == 1 else np.linalg.norm(u, axis=1)


def _coefficients(fit: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the coefficient rows of a fit; of classes the norms of the standardized ones."""
    if "classes" not in fit:
        return [dict(row) for row in fit["coefficients"]]
    parts = [part["coefficients"] for part in fit["classes"]]
    return [
        {
            "feature": rows[0]["feature"],
            "coef": None,
            "coef_standardized": float(np.linalg.norm([row["coef_standardized"] for row in rows])),
        }
        for rows in zip(*parts, strict=True)
    ]


def condition_of(setup: Setup, design: FloatArray | None, units: Units) -> dict[str, Any] | None:
    """Return the condition of the design and the columns that share its worst dimension."""
    found = None if design is None else condition(design, units.labels)
    if found is None:
        return None
    features = setup.dataset.features
    return {
        "number": None if found.tied else float(found.indices[-1]),
        "indices": found.indices.tolist(),
        "tied_directions": found.tied,
        "worst": [
            {"feature": features[j], "variance_share": finite(share)}
            for j, share in zip(found.worst.tolist(), found.shares.tolist(), strict=True)
        ],
    }


def influence_of(
    setup: Setup, smoother: Smoother, u: FloatArray, intercept0: float, count: int
) -> dict[str, Any]:
    """Return the rows that move the fit most, by Cook's distance and by leverage."""
    problem = setup.problem
    found = influence(problem, smoother, u, intercept0)
    rows = _leading(found, count)
    moves = coefficient_moves(problem, smoother, u, intercept0, rows)
    average, known = float(found.leverage.mean()), found.cooks[np.isfinite(found.cooks)]
    return {
        "exact": problem.family == "gaussian" and problem.is_smooth,
        "dispersion": finite(found.dispersion),
        "mean_leverage": average,
        "high_leverage": int((found.leverage > 3.0 * average).sum()),
        "largest_cooks_distance": float(known.max()) if len(known) else None,
        "rows": [
            _influence_row(setup, found, int(i), int(j), float(change))
            for i, j, change in zip(rows, moves.column, moves.change, strict=True)
        ],
    }  # fmt: skip


def _leading(found: Influence, count: int) -> IntArray:
    """Return the rows of largest Cook's distance and those of largest leverage, the former first."""
    cooks = np.where(np.isnan(found.cooks), -np.inf, found.cooks)
    by_cooks = np.argsort(-cooks, kind="stable")[:count]
    both = np.concatenate([by_cooks, np.argsort(-found.leverage, kind="stable")[:count]])
    rows = np.array(list(dict.fromkeys(both.tolist())), dtype=np.int64)
    return rows[np.lexsort((-found.leverage[rows], -cooks[rows]))]


def _influence_row(setup: Setup, found: Influence, i: int, column: int, change: float) -> dict[str, Any]:
    dataset = setup.dataset
    known = column >= 0 and np.isfinite(found.change[i])
    return {
        "row": int(dataset.rows[i]) + 1,
        "index": int(dataset.rows[i]),
        "place": dataset.place_of(i),
        "id": dataset.id_of(i),
        "leverage": float(found.leverage[i]),
        "residual": float(found.residual[i]),
        "cooks_distance": finite(float(found.cooks[i])),
        "change": finite(float(found.change[i])),
        "feature": dataset.features[column] if known else None,
        "coef_change_standardized": change if known else None,
        "coef_change": change / float(setup.problem.scale[column]) if known else None,
    }
