"""The four estimators, as scikit-learn's users meet them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt

from l2cli.estimators.base import _Classifier, _Regressor
from l2cli.estimators.choosing import _ChosenLambda, _GivenLambda


class L2Regressor(_Regressor, _GivenLambda):
    """Ridge regression at one lambda: minimise ``sum_i s_i (y_i - b0 - x_i.w)^2 + lam * sum_j f_j w_j^2``.

    With ``l1_ratio`` r the penalty of a coefficient is ``f_j (2 r |w_j| + (1 - r) w_j^2)``: 1 is the lasso.

    With ``standardize`` w_j belongs to column j divided by its (weighted, population) standard deviation, and
    ``lam`` is the ``alpha`` of ``Ridge`` after ``StandardScaler``; it is ``l2cli fit --lambda``.

    Parameters
    ----------
    lam : float, default 1.0
        Strength, 0 or larger; 0 is least squares (of least norm where columns are tied, with a warning).
    family : {"gaussian", "poisson", "gamma", "tweedie"}, default "gaussian"
        The others minimise their deviance with a log link; ``predict`` gives the mean.
    tweedie_power : float, default 1.5; of the variance, between 1 and 2, for tweedie.
    l1_ratio : float, default 0; the share r of L1 in the penalty.
    fit_intercept : bool, default True
        An intercept is never penalized. Without it columns are scaled but not centred.
    standardize : bool, default True; False penalizes the weights of the columns as they are.
    penalty_factor : (n_features,) array of f_j >= 0, default 1; 0 leaves a feature without penalty.
    bounds : pair (low, high), or mapping of names, globs or positions of columns to such pairs, optional
        Bounds of the coefficients on the scale of the columns given, None an open end: ``(0, None)`` allows
        no negative one. An end of the pair may be an (n_features,) array too.
    column_groups : (n_features,) array of labels, or mapping of names to columns, optional
        Groups of columns: a label for each, or by name the names, globs or positions of its members; columns
        in none are groups of their own. Not beside ``l1_ratio``.
    group_penalty : {"lasso", "banded"}, default "lasso"
        The group lasso, ``sum_g f_g 2 sqrt(p_g) |w_g|_2``, or an L2 lambda for each group.
    group_lambda : mapping of labels or names to the lambdas of a banded penalty; other columns have ``lam``.
    relax_gamma : float, optional
        G times the solution plus 1 - G times the unpenalized fit on what it selects (0: that alone; default
        1: not relaxed). Needs an L1 part or a group lasso; of several classes each has what it selects.
    tol : float, optional
        Largest KKT residual that counts as solved, default 1e-8; above it ``fit`` raises ValueError.

    Attributes
    ----------
    coef_ : (n_features,) float64, on the scale of the columns given
    intercept_ : float
    effective_df_ : float, trace of the hat matrix without the intercept
    kkt_residual_ : float, violation of the optimality conditions relative to that of the null model
        These four have a first axis for the target where y has several (n, T), which gaussian may.
    n_features_in_, feature_names_in_ : as in every estimator

    Examples
    --------
    >>> model = L2Regressor(lam=2.0, standardize=False).fit([[-1.0], [0.0], [1.0]], [1.0, 2.0, 6.0])
    >>> model.coef_, model.intercept_
    (array([1.25]), 3.0)
    """

    several_targets = True

    def __init__(
        self, lam: float = 1.0, *, family: str = "gaussian", tweedie_power: float = 1.5,
        l1_ratio: float = 0.0, fit_intercept: bool = True, standardize: bool = True,
        penalty_factor: npt.ArrayLike | None = None, bounds: Any = None, column_groups: Any = None,
        group_penalty: str = "lasso", group_lambda: Mapping[Any, float] | None = None,
        relax_gamma: float | None = None, tol: float | None = None,
    ) -> None:  # fmt: skip
        self.lam, self.l1_ratio = lam, l1_ratio
        self.family, self.tweedie_power = family, tweedie_power
        self.fit_intercept, self.standardize = fit_intercept, standardize
        self.penalty_factor, self.bounds, self.tol = penalty_factor, bounds, tol
        self.column_groups, self.group_penalty, self.group_lambda = column_groups, group_penalty, group_lambda
        self.relax_gamma = relax_gamma


class L2Classifier(_Classifier, _GivenLambda):
    """Logistic regression at one lambda: minimise ``deviance + lam * sum_j f_j w_j^2``.

    The deviance is ``-2 loglik``; ``lam`` is ``1/C`` of ``LogisticRegression`` after ``StandardScaler``. More
    than two classes are multinomial: each has weights of its own, all penalized alike.

    Parameters
    ----------
    lam : float, default 1.0
        Strength, 0 or larger; 0 is maximum likelihood, which separated classes do not have (ValueError).
    l1_ratio, fit_intercept, standardize, penalty_factor, bounds, column_groups, group_penalty,
    group_lambda, relax_gamma, tol : as in :class:`L2Regressor`

    Attributes
    ----------
    classes_ : (C,) array
        Labels in sorted order; of two, log-odds are those of ``classes_[1]``.
    coef_ : (1, n_features) float64, on the scale of the columns given; of more classes (C, n_features)
    intercept_ : (1,) or (C,) float64
    effective_df_, kkt_residual_, n_features_in_, feature_names_in_ : as in :class:`L2Regressor`

    >>> model = L2Classifier().fit([[0.0], [1.0], [2.0], [3.0]], ["no", "no", "yes", "yes"])
    >>> model.predict([[0.5], [2.5]]).tolist()
    ['no', 'yes']
    """

    def __init__(
        self, lam: float = 1.0, *, l1_ratio: float = 0.0,
        fit_intercept: bool = True, standardize: bool = True, penalty_factor: npt.ArrayLike | None = None,
        bounds: Any = None, column_groups: Any = None, group_penalty: str = "lasso",
        group_lambda: Mapping[Any, float] | None = None, relax_gamma: float | None = None,
        tol: float | None = None,
    ) -> None:  # fmt: skip
        self.lam, self.l1_ratio = lam, l1_ratio
        self.fit_intercept, self.standardize = fit_intercept, standardize
        self.penalty_factor, self.bounds, self.tol = penalty_factor, bounds, tol
        self.column_groups, self.group_penalty, self.group_lambda = column_groups, group_penalty, group_lambda
        self.relax_gamma = relax_gamma


class L2RegressorCV(_Regressor, _ChosenLambda):
    """Ridge regression at a lambda chosen by cross-validation, as by ``l2cli cv``.

    Columns are standardized by the rows trained on, fold by fold; the refit is on all rows.

    Parameters
    ----------
    lambdas : "auto", "auto:N", sequence of numbers or :class:`l2cli.spec.GridSpec`, default "auto"
        "auto" spans the effective degrees of freedom with N = 100 and grows where its best lies on an edge.
    cv : None, int, "loo", splitter or iterable of (train, test), default None
        None is ten folds (fewer where rows are too few to fill them); None and an int draw the folds of the
        command line. "loo" is leave-one-out, by which ``l2cli fit`` chooses with pure L2: exact for
        gaussian; for other families approximate (:mod:`l2cli.select.alo`), without groups and the auc, with
        an automatic grid tried closely around the choice alone, and a warning where it is more than 5 % off
        30 exact refits. Splits must test every row equally often and train on all others (by groups:
        ``list(GroupKFold().split(X, y, groups))``), or train on ever more rows before those that they test,
        as ``TimeSeriesSplit`` without ``max_train_size`` (rows that none tests only train).
    rule : {"min", "1se"}, default "min"
        The best lambda, or the largest within one standard error of it.
    metric : str, default "mse" (other families "deviance"), averaged over folds or rows
    seed : int, default 0, of the folds drawn, or of the rows refitted to measure an approximation
    family, tweedie_power, l1_ratio, fit_intercept, standardize, penalty_factor, bounds,
    column_groups, group_penalty, relax_gamma, tol : as in :class:`L2Regressor`
    group_lambda : mapping of labels or names to numbers, optional
        Of a banded penalty: the lambdas of the groups are multiples ``lam_`` of these (other columns: of 1).
        Those not given are chosen by the validation errors.
    n_jobs : int, optional
        Processes, -1 for one per processor; None takes as many as help. Results do not depend on it.

    Attributes
    ----------
    lam_ : float, the lambda chosen
    lambdas_, mean_, se_ : (n_lambdas,) float64
        The curve: lambdas tried, mean of the metric, its standard error.
    lambda_min_, lambda_1se_ : float, what each rule chooses
    group_lambda_ : dict, of a banded penalty: the lambdas of the groups are ``lam_`` times these
    coef_, intercept_, effective_df_, kkt_residual_, n_features_in_, feature_names_in_ : of the refit

    >>> X = [[float(i), float(i % 3)] for i in range(20)]
    >>> model = L2RegressorCV(rule="1se").fit(X, [i + (i * 7) % 5 / 2 for i in range(20)])
    >>> bool(model.lambda_min_ < model.lam_ < model.lambdas_[0])
    True
    """

    def __init__(
        self, lambdas: Any = "auto", *, family: str = "gaussian", tweedie_power: float = 1.5, cv: Any = None,
        rule: str = "min", metric: str | None = None, seed: int = 0, l1_ratio: float = 0.0,
        fit_intercept: bool = True, standardize: bool = True, penalty_factor: npt.ArrayLike | None = None,
        bounds: Any = None, column_groups: Any = None, group_penalty: str = "lasso",
        group_lambda: Mapping[Any, float] | None = None, relax_gamma: float | None = None,
        tol: float | None = None, n_jobs: int | None = None,
    ) -> None:  # fmt: skip
        self.lambdas, self.cv, self.rule, self.metric = lambdas, cv, rule, metric
        self.family, self.tweedie_power = family, tweedie_power
        self.seed, self.l1_ratio, self.n_jobs = seed, l1_ratio, n_jobs
        self.fit_intercept, self.standardize = fit_intercept, standardize
        self.penalty_factor, self.bounds, self.tol = penalty_factor, bounds, tol
        self.column_groups, self.group_penalty, self.group_lambda = column_groups, group_penalty, group_lambda
        self.relax_gamma = relax_gamma


class L2ClassifierCV(_Classifier, _ChosenLambda):
    """Logistic regression at a lambda chosen by cross-validation, as by ``l2cli cv``.

    Parameters
    ----------
    lambdas, rule, seed, n_jobs : as in :class:`L2RegressorCV`
    cv : None, int, "loo", splitter or iterable of (train, test), default None
        As in :class:`L2RegressorCV`, "loo" approximate; folds drawn are stratified.
    metric : str, default "deviance"
    l1_ratio, fit_intercept, standardize, penalty_factor, bounds, column_groups, group_penalty,
    group_lambda, relax_gamma, tol : as in :class:`L2RegressorCV`

    Attributes
    ----------
    lam_, lambdas_, mean_, se_, lambda_min_, lambda_1se_, group_lambda_ : as in :class:`L2RegressorCV`
    classes_, coef_, intercept_, effective_df_, kkt_residual_, ... : as in :class:`L2Classifier`
    """

    def __init__(
        self, lambdas: Any = "auto", *, cv: Any = None,
        rule: str = "min", metric: str | None = None, seed: int = 0, l1_ratio: float = 0.0,
        fit_intercept: bool = True, standardize: bool = True, penalty_factor: npt.ArrayLike | None = None,
        bounds: Any = None, column_groups: Any = None, group_penalty: str = "lasso",
        group_lambda: Mapping[Any, float] | None = None, relax_gamma: float | None = None,
        tol: float | None = None, n_jobs: int | None = None,
    ) -> None:  # fmt: skip
        self.lambdas, self.cv, self.rule, self.metric = lambdas, cv, rule, metric
        self.seed, self.l1_ratio, self.n_jobs = seed, l1_ratio, n_jobs
        self.fit_intercept, self.standardize = fit_intercept, standardize
        self.penalty_factor, self.bounds, self.tol = penalty_factor, bounds, tol
        self.column_groups, self.group_penalty, self.group_lambda = column_groups, group_penalty, group_lambda
        self.relax_gamma = relax_gamma
