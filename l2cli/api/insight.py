"""``explain`` and ``tradeoff`` as functions over arrays and data frames; see :mod:`l2cli.api.library`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from l2cli.api.arguments import (
    ColumnGroupsArgument,
    check_draws,
    dataset_of,
    grid_of,
    refuse_idle_arguments,
    warn_about,
)
from l2cli.api.arrays import FittedModel, fitted_model
from l2cli.api.explain import ExplainResult, explain_dataset
from l2cli.api.given import gather, holdout_name, holdout_table
from l2cli.api.tradeoff import TradeoffResult, tradeoff_dataset
from l2cli.api.wording import in_arguments
from l2cli.gap import Gap
from l2cli.spec import Bounds, GridSpec, SelectSpec, check_inference


@in_arguments()
def explain(
    X: Any, y: Any = None, *, target: str | Sequence[str] | None = None, lam: float | None = None,
    lambdas: Any = "auto", family: str = "auto", positive: Any = None, sample_weight: Any = None,
    offset: Any = None, categorical: str | Sequence[str] = (), dates: bool = False,
    interactions: str | Sequence[str] = (), coding: str = "auto", missing: str = "impute",
    penalty_factor: Any = None, l1_ratio: float | Sequence[float] = 0.0, tweedie_power: float | None = None,
    bounds: Bounds | None = None, column_groups: ColumnGroupsArgument = None, group_penalty: str = "lasso",
    group_lambda: Mapping[str, float] | None = None, relax_gamma: float | None = None,
    standardize: bool = True, intercept: bool = True, lambda_scale: str = "sum", tol: float | None = None,
    select: str = "auto", rule: str = "min", folds: int | None = None, repeats: int = 1, groups: Any = None,
    fold_labels: Any = None, metric: str | None = None, seed: int = 0, jobs: int | None = None,
    inference: str | None = None, holdout: Any = None, unseen: str = "error", time_column: Any = None,
    gap: int | str | None = None,
) -> ExplainResult[FittedModel]:  # fmt: skip
    """Fit one model and say why it is as it is, as ``l2cli explain`` does; parameters and errors of ``fit``.

    Returns
    -------
    ExplainResult
        ``features`` (rows of plain values, one for each design column: shrinkage, VIF, ...), ``groups`` (the
        same for columns that belong together, the levels of a text column say: importance, ...; of several
        targets all rows have a ``target``), ``verdicts`` (lines of text), ``fit`` (a :class:`FittedModel`),
        and ``to_dict()`` with the rest: condition indices, influential rows, L1 beside L2, what the penalty
        cost.

    See Also
    --------
    l2cli.fit : its parameters are these.

    Examples
    --------
    >>> import numpy as np
    >>> from l2cli import explain
    >>> X = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0], [0.0, 0.0]])
    >>> found = explain(X, 3.0 * X[:, 0] + X[:, 1], lam=1.0)
    >>> [(row["name"], round(row["importance"], 3)) for row in found.groups]
    [('x0', 0.9), ('x1', 0.1)]
    """
    given = gather(
        X, y, target=target, sample_weight=sample_weight, offset=offset, groups=groups,
        fold_labels=fold_labels, time_column=time_column,
    )  # fmt: skip
    named = holdout_name(holdout)
    choice = SelectSpec(
        select, rule, folds, repeats, metric, seed, jobs, holdout=named, unseen=unseen, gap=Gap.of(gap)
    )
    refuse_idle_arguments(given.columns, choice, lam, GridSpec.of(lambdas), check_inference(inference))
    dataset, model = dataset_of(
        given, grid_of(lam, lambdas), family=family, positive=positive, categorical=categorical, dates=dates,
        interactions=interactions, coding=coding, missing=missing, penalty_factor=penalty_factor,
        l1_ratio=l1_ratio, tweedie_power=tweedie_power, bounds=bounds,
        column_groups=(column_groups, group_penalty, group_lambda), relax_gamma=relax_gamma,
        standardize=standardize, intercept=intercept, lambda_scale=lambda_scale, tol=tol,
    )  # fmt: skip
    other = holdout_table(holdout, given, dataset.schema) if isinstance(named, str) else None
    result = explain_dataset(dataset, model, choice, inference=inference, holdout=other)
    warn_about(result.to_dict())
    return ExplainResult(**vars(result) | {"fit": fitted_model(result.fit, given)})


@in_arguments()
def tradeoff(
    X: Any, y: Any = None, *, simulate: bool = False, draws: int | None = None,
    target: str | Sequence[str] | None = None, lambdas: Any = "auto", family: str = "auto",
    positive: Any = None, sample_weight: Any = None, offset: Any = None,
    categorical: str | Sequence[str] = (), dates: bool = False, interactions: str | Sequence[str] = (),
    coding: str = "auto", missing: str = "impute", penalty_factor: Any = None,
    l1_ratio: float | Sequence[float] = 0.0, tweedie_power: float | None = None, bounds: Bounds | None = None,
    column_groups: ColumnGroupsArgument = None, group_penalty: str = "lasso",
    group_lambda: Mapping[str, float] | None = None, standardize: bool = True, intercept: bool = True,
    lambda_scale: str = "sum", folds: int | None = None, repeats: int = 1, groups: Any = None,
    fold_labels: Any = None, metric: str | None = None, seed: int = 0, jobs: int | None = None,
    time_column: Any = None, gap: int | str | None = None,
) -> TradeoffResult:  # fmt: skip
    """Split the error of new rows along lambda, as ``l2cli tradeoff`` does; parameters and errors of ``fit``.

    Parameters
    ----------
    simulate : bool
        Take the fit of least estimated error as the truth: the exact parts, and beside them Monte Carlo and
        the mean of the estimates. For gaussian targets and pure L2.
    draws : int, optional
        Bootstrap draws or replicates, 20 to 10,000; default 400, and 50 where each is fitted anew.
    metric : str, optional
        What splits: the mse, of classes the brier score.

    Returns
    -------
    TradeoffResult
        ``lambdas``, ``train_error``, ``bias2``, ``variance``, ``test_error`` (L,), ``noise``, ``verdict``,
        and ``to_dict()`` with their bands, the error of cross-validation and the overfitting gap.

    See Also
    --------
    l2cli.fit : the other parameters.

    Examples
    --------
    >>> import numpy as np
    >>> from l2cli import tradeoff
    >>> x = np.arange(30.0) / 2
    >>> found = tradeoff(x[:, None], x + 3 * np.cos(x))
    >>> bool(np.allclose(found.bias2 + found.variance + found.noise, found.test_error))
    True
    """
    given = gather(
        X, y, target=target, sample_weight=sample_weight, offset=offset, groups=groups,
        fold_labels=fold_labels, time_column=time_column,
    )  # fmt: skip
    choice = SelectSpec(folds=folds, repeats=repeats, metric=metric, seed=seed, jobs=jobs, gap=Gap.of(gap))
    refuse_idle_arguments(given.columns, choice, simulate=simulate)
    drawings = check_draws(draws)
    dataset, model = dataset_of(
        given, GridSpec.of(lambdas), family=family, positive=positive, categorical=categorical, dates=dates,
        interactions=interactions, coding=coding, missing=missing, penalty_factor=penalty_factor,
        l1_ratio=l1_ratio, tweedie_power=tweedie_power, bounds=bounds,
        column_groups=(column_groups, group_penalty, group_lambda), standardize=standardize,
        intercept=intercept, lambda_scale=lambda_scale, tol=None,
    )  # fmt: skip
    result = tradeoff_dataset(dataset, model, choice, simulated=simulate, draws=drawings)
    warn_about(result.to_dict())
    return result
