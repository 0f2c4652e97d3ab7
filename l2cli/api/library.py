"""The commands as functions over arrays and data frames: same specs, datasets and results as on the line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from l2cli.api.arguments import (
    ColumnGroupsArgument,
    dataset_of,
    grid_of,
    refuse_idle_arguments,
    warn_about,
)
from l2cli.api.arrays import FittedModel, fitted_model
from l2cli.api.compare import CompareResult, compare_dataset
from l2cli.api.cv import CVRun, cv_dataset
from l2cli.api.fit import fit_dataset
from l2cli.api.given import gather, holdout_name, holdout_table
from l2cli.api.path import PathResult, path_dataset
from l2cli.api.wording import in_arguments
from l2cli.errors import UsageError
from l2cli.gap import Gap
from l2cli.select.candidates import split_models
from l2cli.spec import Bounds, GridSpec, SelectSpec, check_inference


@in_arguments()
def fit(
    X: Any, y: Any = None, *, target: str | Sequence[str] | None = None, lam: float | None = None,
    lambdas: Any = "auto", family: str = "auto", positive: Any = None, sample_weight: Any = None,
    offset: Any = None,
    categorical: str | Sequence[str] = (), dates: bool = False, interactions: str | Sequence[str] = (),
    coding: str = "auto", missing: str = "impute",
    penalty_factor: Any = None, l1_ratio: float | Sequence[float] = 0.0, tweedie_power: float | None = None,
    bounds: Bounds | None = None, column_groups: ColumnGroupsArgument = None,
    group_penalty: str = "lasso", group_lambda: Mapping[str, float] | None = None,
    relax_gamma: float | None = None, standardize: bool = True,
    intercept: bool = True, lambda_scale: str = "sum",
    tol: float | None = None, select: str = "auto", rule: str = "min", folds: int | None = None,
    repeats: int = 1, groups: Any = None, fold_labels: Any = None, metric: str | None = None, seed: int = 0,
    jobs: int | None = None, inference: str | None = None, holdout: Any = None, unseen: str = "error",
    time_column: Any = None, gap: int | str | None = None,
) -> FittedModel:  # fmt: skip
    """Fit one model, at ``lam`` or at the lambda that unseen rows ask for, as ``l2cli fit`` does.

    Parameters
    ----------
    X : (n, p) array or data frame
        Numbers and text; text columns become indicator columns. Not changed.
    y : (n,) array, optional
        The target, (n, T) of several gaussian ones; or ``target`` names a column of X, or a list of them.
    lam : float, optional
        Strength on ``lambda_scale``; None chooses it among ``lambdas``.
    lambdas : "auto", "auto:N", sequence of numbers or :class:`l2cli.spec.GridSpec`
    family : {"auto", "gaussian", "binomial", "multinomial", "poisson", "gamma", "tweedie"}
        auto: two labels, booleans, exactly {0, 1} or {1, 2} are binomial, more labels multinomial, other
        numbers gaussian.
    positive : optional
        Label of the positive class of two, default the last.
    sample_weight, offset, groups, fold_labels, time_column : (n,) array or name of a column of X, optional
        Weights of the rows; what is added to the linear predictor; rows that must share a fold; the folds
        themselves; numbers or dates by which every fold is trained on earlier rows than it is tested on.
    gap : int or str, optional
        Rows, or a time such as "7d", that are left out of training before the rows that are tested.
    categorical : str or sequence of str
        Columns (or globs) of numbers that are levels. An array's columns are named x0, x1, ...
    dates : bool
        Columns of dates become year, month, weekday and hour; else they are left out.
    interactions : str or sequence of str
        Products of two columns, "a:b" each; either may be a glob.
    coding : {"auto", "onehot", "treatment"}
    missing : {"impute", "drop", "error", "indicator"}
    penalty_factor : mapping of names or globs to numbers, or (p,) array, optional
    l1_ratio : float or sequence of float
        Share r of L1 in the penalty: 0 ridge, 1 lasso, between elastic net. Several (:func:`fit`, :func:`cv`)
        are tuned jointly with lambda.
    tweedie_power : float, optional
        Power of the variance, between 1 and 2 (default 1.5), for the family tweedie.
    bounds : mapping of names or globs to (low, high), optional
        Bounds of coefficients on the original scale; None is an open end.
    column_groups : mapping of names to names or globs of columns, or "dummies", optional
        Groups of columns; dummies: the indicator columns of every text column.
    group_penalty : {"lasso", "banded"}
        Of groups: in or out whole, or an L2 lambda for each.
    group_lambda : mapping of names to numbers, optional
        Lambdas of a banded penalty; without it they are chosen.
    relax_gamma : float, optional
        G, 0 to 1: the answer is G times the solution with L1 plus 1 - G times the unpenalized fit on the
        features it keeps; None is 1.
    standardize, intercept : bool
    lambda_scale : {"sum", "mean"}
    tol : float, optional
        Largest KKT residual that counts as solved, default 1e-8.
    select : {"auto", "loo", "cv", "gcv", "evidence", "holdout"}
        auto, without folds, groups or times, is leave-one-out with pure L2, exact for gaussian and
        approximate for the other families (of up to 6 classes, and 3000 coefficients of them if n > p);
        else cross-validation.
    rule : {"min", "1se"}
    holdout : float, path, data frame or (X, y), optional
        What lambda is judged by (``select`` is "holdout" then): a part of the rows, 0 to 1, held out (whole
        ``groups`` if there are any), or other labelled rows, which take no part in the fit: a file, a frame
        with the columns of X and the target (weights and offset too), or X and y.
    unseen : {"error", "baseline", "missing"}
        Levels of such other rows that no row fitted has, as for :func:`predict`.
    folds, repeats : int
        Default 10 folds, once.
    metric : str, optional
    seed : int
    jobs : int, optional
        Processes, -1 for one per processor; None takes as many as help.
    inference : {"shrunken", "debiased", "bootstrap"}, optional
        Standard errors and intervals of the coefficients: of the shrunken estimate about its mean, of an
        estimate without the bias of the penalty, or of whole fits to resampled rows.

    Returns
    -------
    FittedModel
        ``coef``, ``intercept``, ``lam``, ``predict(X)``, ``predict_proba(X)``, ``model`` (to be saved), and
        ``to_dict()`` with everything that ``l2cli fit --json`` prints but the times. Of several targets
        ``coef`` is (T, p), ``intercept`` and ``lam`` (T,), and predictions are (n, T); of several classes
        ``coef`` is (C, p) and ``intercept`` (C,).

    Raises
    ------
    UsageError, DataError, FitError
        Where the command line ends with status 2, 3 or 1; all are :class:`l2cli.errors.L2Error`.

    Warns
    -----
    UserWarning
        For everything under ``warnings`` in the result.

    Examples
    --------
    >>> from l2cli import fit
    >>> model = fit([[-1.0], [0.0], [1.0]], [1.0, 2.0, 6.0], lam=2.0, standardize=False)
    >>> model.coef, model.intercept
    (array([1.25]), 3.0)
    >>> model.predict([[2.0]])
    array([5.5])
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
        l1_ratio=l1_ratio, tweedie_power=tweedie_power,
        bounds=bounds, column_groups=(column_groups, group_penalty, group_lambda), relax_gamma=relax_gamma,
        standardize=standardize,
        intercept=intercept, lambda_scale=lambda_scale, tol=tol,
    )  # fmt: skip
    other = holdout_table(holdout, given, dataset.schema) if isinstance(named, str) else None
    result = fit_dataset(dataset, model, choice, inference=inference, holdout=other)
    warn_about(result.to_dict())
    return fitted_model(result, given)


@in_arguments()
def cv(
    X: Any, y: Any = None, *, target: str | Sequence[str] | None = None, lambdas: Any = "auto",
    family: str = "auto", positive: Any = None, sample_weight: Any = None, offset: Any = None,
    categorical: str | Sequence[str] = (), dates: bool = False, interactions: str | Sequence[str] = (),
    coding: str = "auto", missing: str = "impute",
    penalty_factor: Any = None, l1_ratio: float | Sequence[float] = 0.0, tweedie_power: float | None = None,
    bounds: Bounds | None = None, column_groups: ColumnGroupsArgument = None,
    group_penalty: str = "lasso", group_lambda: Mapping[str, float] | None = None,
    relax_gamma: float | None = None, standardize: bool = True,
    intercept: bool = True, lambda_scale: str = "sum",
    tol: float | None = None, rule: str = "min", folds: int | None = None, repeats: int = 1,
    groups: Any = None, fold_labels: Any = None, metric: str | None = None, seed: int = 0,
    jobs: int | None = None, nested: bool = False, time_column: Any = None, gap: int | str | None = None,
) -> CVRun[FittedModel]:  # fmt: skip
    """Cross-validate lambda and refit on all rows, as ``l2cli cv``; parameters and errors of :func:`fit`.

    Parameters
    ----------
    nested : bool
        Also tune lambda anew inside the training rows of every fold: the error of the whole procedure.

    Returns
    -------
    CVRun
        ``lambdas``, ``mean``, ``se``, ``fold_losses``, ``lambda_min``, ``lambda_1se``, ``refit`` (a
        FittedModel), and ``to_dict()``.

    Examples
    --------
    >>> import numpy as np
    >>> from l2cli import cv
    >>> x = np.arange(30.0) / 2
    >>> run = cv(x[:, None], x + 3 * np.cos(x), folds=5, lambdas=[100.0, 10.0, 1.0, 0.1, 0.01])
    >>> run.mean.shape, run.fold_losses.shape, run.refit.lam == run.lambda_min
    ((5,), (5, 5), True)
    """
    given = gather(
        X, y, target=target, sample_weight=sample_weight, offset=offset, groups=groups,
        fold_labels=fold_labels, time_column=time_column,
    )  # fmt: skip
    choice = SelectSpec("cv", rule, folds, repeats, metric, seed, jobs, nested, gap=Gap.of(gap))
    refuse_idle_arguments(given.columns, choice)
    dataset, model = dataset_of(
        given, GridSpec.of(lambdas), family=family, positive=positive, categorical=categorical, dates=dates,
        interactions=interactions, coding=coding, missing=missing, penalty_factor=penalty_factor,
        l1_ratio=l1_ratio, tweedie_power=tweedie_power,
        bounds=bounds, column_groups=(column_groups, group_penalty, group_lambda), relax_gamma=relax_gamma,
        standardize=standardize,
        intercept=intercept, lambda_scale=lambda_scale, tol=tol,
    )  # fmt: skip
    run = cv_dataset(dataset, model, choice)
    warn_about(run.to_dict())
    return CVRun(**vars(run) | {"refit": fitted_model(run.refit, given)})


@in_arguments()
def path(
    X: Any, y: Any = None, *, target: str | Sequence[str] | None = None, lambdas: Any = "auto",
    family: str = "auto", positive: Any = None, sample_weight: Any = None, offset: Any = None,
    categorical: str | Sequence[str] = (), dates: bool = False, interactions: str | Sequence[str] = (),
    coding: str = "auto", missing: str = "impute",
    penalty_factor: Any = None, l1_ratio: float | Sequence[float] = 0.0, tweedie_power: float | None = None,
    bounds: Bounds | None = None, column_groups: ColumnGroupsArgument = None,
    group_penalty: str = "lasso", group_lambda: Mapping[str, float] | None = None,
    relax_gamma: float | None = None, standardize: bool = True,
    intercept: bool = True, lambda_scale: str = "sum",
    tol: float | None = None,
) -> PathResult:  # fmt: skip
    """Return the coefficients along lambda, as ``l2cli path`` does; parameters and errors of :func:`fit`.

    Returns
    -------
    PathResult
        ``lambdas`` (L,), ``coef`` (p, L), ``intercepts`` (L,), ``features``, and ``to_dict()``.

    Examples
    --------
    >>> from l2cli import path
    >>> path([[-1.0], [0.0], [1.0]], [1.0, 2.0, 6.0], lambdas=[2.0, 0.0], standardize=False).coef
    array([[1.25, 2.5 ]])
    """
    given = gather(X, y, target=target, sample_weight=sample_weight, offset=offset)
    dataset, model = dataset_of(
        given, GridSpec.of(lambdas), family=family, positive=positive, categorical=categorical, dates=dates,
        interactions=interactions, coding=coding, missing=missing, penalty_factor=penalty_factor,
        l1_ratio=l1_ratio, tweedie_power=tweedie_power,
        bounds=bounds, column_groups=(column_groups, group_penalty, group_lambda), relax_gamma=relax_gamma,
        standardize=standardize,
        intercept=intercept, lambda_scale=lambda_scale, tol=tol,
    )  # fmt: skip
    result = path_dataset(dataset, model)
    warn_about(result.to_dict())
    return result


@in_arguments()
def compare(
    X: Any, y: Any = None, *, models: Sequence[str] = (), target: str | Sequence[str] | None = None,
    lambdas: Any = "auto",
    family: str = "auto", positive: Any = None, sample_weight: Any = None, offset: Any = None,
    categorical: str | Sequence[str] = (), dates: bool = False, interactions: str | Sequence[str] = (),
    coding: str = "auto", missing: str = "impute",
    penalty_factor: Any = None, l1_ratio: float | Sequence[float] = 0.0, tweedie_power: float | None = None,
    bounds: Bounds | None = None, column_groups: ColumnGroupsArgument = None,
    group_penalty: str = "lasso", group_lambda: Mapping[str, float] | None = None,
    standardize: bool = True,
    intercept: bool = True, lambda_scale: str = "sum",
    folds: int | None = None, repeats: int = 1, groups: Any = None,
    fold_labels: Any = None, metric: str | None = None, seed: int = 0, jobs: int | None = None,
    time_column: Any = None, gap: int | str | None = None,
) -> CompareResult:  # fmt: skip
    """Compare models on identical folds, as ``l2cli compare`` does; parameters and errors of :func:`fit`.

    Parameters
    ----------
    models : sequence of str, or str
        Two or more of "mean", "ols", "ridge", "lasso", "enet:0.5", "relaxed:0" (``relax_gamma``), "group"
        and "sklearn:SVR(C=2)", the tuned ones also as "ridge:1se"; as one text with commas between them.
        None given means the usual ones.

    Returns
    -------
    CompareResult
        ``models`` (with ``fold_losses``) and ``pairs`` (rows of plain values, the best first), ``verdict``,
        and ``to_dict()``. Of several targets the rows follow one another, each with its ``target``.

    Examples
    --------
    >>> import numpy as np
    >>> from l2cli import compare
    >>> x = np.arange(40.0) / 2
    >>> compare(x[:, None], x + 3 * np.cos(x), models=["mean", "ols"], folds=5).verdict
    'ols is best; mean only is worse'
    """
    given = gather(
        X, y, target=target, sample_weight=sample_weight, offset=offset, groups=groups,
        fold_labels=fold_labels, time_column=time_column,
    )  # fmt: skip
    choice = SelectSpec(folds=folds, repeats=repeats, metric=metric, seed=seed, jobs=jobs, gap=Gap.of(gap))
    refuse_idle_arguments(given.columns, choice)
    dataset, model = dataset_of(
        given, GridSpec.of(lambdas), family=family, positive=positive, categorical=categorical, dates=dates,
        interactions=interactions, coding=coding, missing=missing, penalty_factor=penalty_factor,
        l1_ratio=l1_ratio, tweedie_power=tweedie_power,
        bounds=bounds, column_groups=(column_groups, group_penalty, group_lambda),
        standardize=standardize,
        intercept=intercept, lambda_scale=lambda_scale, tol=None,
    )  # fmt: skip
    if not isinstance(models, Iterable):
        raise UsageError(f"models must be a sequence of names, not {models!r}")
    names = split_models(models) if isinstance(models, str) else tuple(models)
    result = compare_dataset(dataset, model, choice, names)
    warn_about(result.to_dict())
    return result
