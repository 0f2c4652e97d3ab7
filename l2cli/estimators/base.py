"""What the estimators share: rows and parameters checked as scikit-learn's users expect, and the fit itself.

No mathematics: rows are checked as scikit-learn's users expect, become a
:class:`l2cli.core.problem.Problem`, and what comes back has scikit-learn's names. Where the command line
refuses an answer (not converged, classes separated at lambda 0, impossible folds) there is a ``ValueError``,
with the :class:`l2cli.errors.L2Error` as its cause.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_array
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from l2cli.api.judge import check_path
from l2cli.checks import as_number, check_factor, check_tweedie_power
from l2cli.core.families import DEFAULT_POWER, family_named
from l2cli.core.path import Path
from l2cli.core.problem import Problem, make_problem
from l2cli.core.relaxed import relaxed_path
from l2cli.core.sharing import each_target
from l2cli.data.rows import SMALLEST_WEIGHT
from l2cli.data.target import LARGEST, LARGEST_TARGET
from l2cli.errors import L2Error, UsageError
from l2cli.estimators.bounding import given_bounds
from l2cli.estimators.grouping import GivenBands, given_groups
from l2cli.estimators.wording import in_parameters
from l2cli.spec import ModelSpec

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
NUMBERS = ("gaussian", "poisson", "gamma", "tweedie")
"""Families of the regressors."""


@contextmanager
def _value_errors() -> Iterator[None]:
    """Turn an L2Error into the ValueError that scikit-learn's users expect, the L2Error as its cause."""
    try:
        yield
    except L2Error as error:
        raise ValueError(in_parameters(str(error))) from error


class _L2Model(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """What all four share: rows to problem, lambda to coefficients."""

    least_rows: ClassVar[int] = 1
    several_targets: ClassVar[bool] = False
    """Whether y may be (n, T)."""

    fit_intercept: bool
    standardize: bool
    l1_ratio: float
    penalty_factor: npt.ArrayLike | None
    bounds: Any
    column_groups: Any
    group_penalty: str
    group_lambda: Mapping[Any, float] | None
    relax_gamma: float | None
    tol: float | None

    @abstractmethod
    def _family_and_power(self) -> tuple[str, float]:
        """Return the family and its variance power; UsageError where there is no such family."""

    @abstractmethod
    def _choose(
        self, problem: Problem, bands: GivenBands | None, kept: BoolArray, X: FloatArray, y: npt.NDArray[Any]
    ) -> tuple[Problem, float]:
        """Return the lambda to fit at, and the problem with the lambdas of its ``bands``.

        ``X``, ``y`` are all rows as given, ``kept`` those in the problem.
        """

    def _minimise(
        self, X: FloatArray, y: npt.NDArray[Any], response: FloatArray, weights: FloatArray | None
    ) -> tuple[FloatArray, FloatArray]:
        """Return coefficients (p,) and intercept on the original scale; sets what is known of the fit.

        Of several targets, the response being (n, T), all of it has a first axis for the target; of several
        classes the coefficients are (C, p) and the intercepts (C,).
        """
        kept = np.ones(len(X), dtype=bool) if weights is None else weights > 0.0
        rows = X if kept.all() else X[kept]  # a row of weight zero is no row: it counts in no standard error
        with _value_errors():
            names = self._names(X.shape[1])
            given = given_groups(self.column_groups, self.group_penalty, self.group_lambda, names)
            model = ModelSpec(
                l1_ratio=as_number(self.l1_ratio, "l1_ratio"), groups=None if given is None else given.spec,
                relax_gamma=None if self.relax_gamma is None else as_number(self.relax_gamma, "relax_gamma"),
            )  # fmt: skip
            factors = self._factors(X.shape[1])
            family, power = self._family_and_power()
            problem = make_problem(
                rows, response[kept], family=family, power=power,
                weights=None if weights is None else weights[kept],
                penalty_factor=factors, intercept=self.fit_intercept,
                standardize=self.standardize, l1_ratio=model.l1_ratio,
                bounds=given_bounds(self.bounds, names),
                relax_gamma=1.0 if model.relax_gamma is None else model.relax_gamma,
                groups=None if given is None else given.lasso_labels(factors),
            )  # fmt: skip
            problem, lam = self._choose(problem, None if given is None else given.bands, kept, X, y)
            several = response.ndim == 2
            paths = [self._solve(one, lam) for one in (each_target(problem) if several else [problem])]
        df, kkt, coef, intercept = (
            np.stack(values) if several else values[0]
            for values in zip(
                *(
                    (p.effective_df[0], p.certificate.kkt_residual[0], p.coef[..., 0].T, p.intercept[..., 0])
                    for p in paths
                ),
                strict=True,
            )
        )
        self.effective_df_ = df if several else float(df)
        self.kkt_residual_ = kkt if several else float(kkt)
        return coef, intercept if self.fit_intercept else np.zeros_like(intercept)

    def _solve(self, problem: Problem, lam: float) -> Path:
        """Return the certified answer at a lambda, saying its warnings."""
        path = relaxed_path(problem, np.array([lam]))
        tol = None if self.tol is None else ModelSpec(tol=as_number(self.tol, "tol")).tol
        for warning in check_path(problem, path, self._names(problem.n_columns), tol):
            warnings.warn(warning["message"], UserWarning, stacklevel=4)
        return path

    def _names(self, count: int) -> tuple[str, ...]:
        return tuple(getattr(self, "feature_names_in_", [f"x{j}" for j in range(count)]))

    def _factors(self, count: int) -> FloatArray | None:
        if self.penalty_factor is None:
            return None
        name = "penalty_factor"
        try:
            factors = np.asarray(self.penalty_factor, dtype=np.float64)
        except (TypeError, ValueError):
            message = f"{name} must be a number for each of {count} features, not {self.penalty_factor!r}"
            raise UsageError(message) from None
        if factors.shape != (count,):
            raise UsageError(f"{name} has shape {factors.shape}, not one number for each of {count} features")
        for factor in np.unique(factors).tolist():
            check_factor(factor, name)
        return factors

    def _eta(self, X: npt.ArrayLike) -> FloatArray:
        """Return intercept + X coef of new rows: (n, K), a column for every target or class."""
        check_is_fitted(self)
        rows = validate_data(self, X, dtype=np.float64, reset=False)
        eta: FloatArray = rows @ np.atleast_2d(self.coef_).T + self.intercept_
        return eta


class _Regressor(RegressorMixin, _L2Model):  # type: ignore[misc]  # scikit-learn has no types
    family: str
    tweedie_power: float

    def _family_and_power(self) -> tuple[str, float]:
        if self.family not in NUMBERS:
            hint = f"choose one of {', '.join(NUMBERS)}"
            raise UsageError(f"family {self.family!r} is not available", hint=hint)
        power = as_number(self.tweedie_power, "tweedie_power")
        if self.family == "tweedie":
            check_tweedie_power(power, self.family)
        return self.family, power

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Fit the model and return it.

        Parameters
        ----------
        X : (n, p) array or data frame of finite numbers, not changed
        y : (n,) array of finite numbers; poisson and tweedie: not negative, gamma: above 0
            :class:`L2Regressor` takes several gaussian targets (n, T) too.
        sample_weight : (n,) array of numbers >= 0, or one number, optional
            They scale the rows of the objective (weight 2 = row twice); rows of weight 0 are left out.

        Raises
        ------
        ValueError
            For rows, weights or parameters that make no sense, and for an answer that did not converge.
        """
        rows, target = validate_data(
            self, X, y, dtype=np.float64, order="C", y_numeric=True, ensure_min_samples=self.least_rows,
            multi_output=self.several_targets and self.family == "gaussian",
        )  # fmt: skip
        _refuse_extremes(rows, "X", LARGEST)
        target = target.astype(np.float64, copy=False)
        weights = _weights(sample_weight, len(rows))
        self._check_target(target if weights is None else target[weights > 0.0])
        coef, intercept = self._minimise(rows, target, target, weights)
        self.coef_, self.intercept_ = coef, intercept if target.ndim == 2 else float(intercept)
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = self.several_targets and self.family == "gaussian"
        return tags

    def _check_target(self, y: FloatArray) -> None:
        """Refuse values that the family cannot have, and those whose squared errors have no squares."""
        _refuse_extremes(y, "y", LARGEST_TARGET)
        spread = np.ptp(y, axis=0)
        if ((spread > 0.0) & (spread < 1.0 / LARGEST_TARGET)).any():
            raise ValueError(f"y differs by less than {1.0 / LARGEST_TARGET:.0e}: state it in another unit")
        if self.family in NUMBERS[1:]:
            least = "numbers above 0" if self.family == "gamma" else "numbers of at least 0"
            if y.min() < 0.0 or (self.family == "gamma" and y.min() == 0.0):
                raise ValueError(f"y holds {y.min():g}, and {self.family} needs {least}")
            if not y.any():
                raise ValueError(f"y is 0 in every row, and {self.family} needs others")

    def predict(self, X: npt.ArrayLike) -> FloatArray:
        """Return the mean of every row: (n,), of several targets (n, T)."""
        eta = self._eta(X)
        if np.ndim(self.coef_) == 1:
            eta = eta[:, 0]
        return family_named(*self._family_and_power()).mean(eta)


class _Classifier(ClassifierMixin, _L2Model):  # type: ignore[misc]  # scikit-learn has no types
    classes_: npt.NDArray[Any]

    def _family_and_power(self) -> tuple[str, float]:
        return "binomial" if len(self.classes_) == 2 else "multinomial", DEFAULT_POWER

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Fit the model and return it; ``X`` and ``sample_weight`` as in :meth:`L2Regressor.fit`.

        Parameters
        ----------
        y : (n,) array of two or more distinct labels
            Of two the later one in sorted order is the positive class; of more each has its own weights.

        Raises
        ------
        ValueError
            As :meth:`L2Regressor.fit`, and for classes separated where nothing bounds the coefficients.
        """
        rows, labels = validate_data(
            self, X, y, dtype=np.float64, order="C", ensure_min_samples=self.least_rows
        )
        _refuse_extremes(rows, "X", LARGEST)
        check_classification_targets(labels)
        kind = type_of_target(labels, input_name="y", raise_unknown=True)
        if kind not in ("binary", "multiclass"):
            raise ValueError(f"y must hold one label for each row. The type of the target is {kind}.")
        weights = _weights(sample_weight, len(rows))
        used = labels if weights is None else labels[weights > 0.0]
        classes, codes = np.unique(labels, return_inverse=True)
        if len(np.unique(used)) < 2:
            raise ValueError(f"y holds one class only ({used[0]!r}) in the rows used, and two are needed")
        if len(np.unique(used)) < len(classes):
            raise ValueError("every row of some class of y has weight 0")
        self.classes_ = classes
        coef, intercept = self._minimise(rows, labels, codes.astype(np.float64), weights)
        self.coef_, self.intercept_ = np.atleast_2d(coef), np.atleast_1d(intercept)
        return self

    def decision_function(self, X: npt.ArrayLike) -> FloatArray:
        """Return the log-odds of ``classes_[1]`` for every row (n,), of several classes (n, C).

        Those are the logarithms of the probabilities, up to a number that a row's classes have in common.
        """
        eta = self._eta(X)
        return eta[:, 0] if len(self.classes_) == 2 else eta

    def predict_proba(self, X: npt.ArrayLike) -> FloatArray:
        """Return the probability of each class for every row: (n, C)."""
        eta = self.decision_function(X)
        mean = family_named(self._family_and_power()[0]).mean
        if eta.ndim == 2:
            return mean(eta)
        return np.column_stack([mean(-eta), mean(eta)])

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return the most probable class of every row: (n,)."""
        eta = self.decision_function(X)
        chosen = (eta > 0.0).astype(np.intp) if eta.ndim == 1 else eta.argmax(axis=1)
        labels: npt.NDArray[Any] = self.classes_[chosen]
        return labels


def _weights(sample_weight: npt.ArrayLike | None, n_rows: int) -> FloatArray | None:
    """Return checked weights (n,), None where there are none."""
    if sample_weight is None:
        return None
    if isinstance(sample_weight, Real):
        sample_weight = np.full(n_rows, float(sample_weight))
    weights = check_array(sample_weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight")
    if weights.shape != (n_rows,):
        raise ValueError(f"sample_weight has shape {weights.shape}, not ({n_rows},)")
    if (weights < 0.0).any() or not weights.any():
        raise ValueError("sample_weight needs numbers of 0 or more, and not only zero weights")
    _refuse_extremes(weights, "sample_weight", LARGEST)
    if weights[weights > 0.0].min() < SMALLEST_WEIGHT:
        raise ValueError(f"sample_weight needs 0 or numbers from {SMALLEST_WEIGHT:g} on")
    return np.asarray(weights)


def _refuse_extremes(values: FloatArray, what: str, limit: float) -> None:
    """Raise ValueError if a number is as large as what files may not hold either: squares would overflow."""
    largest = max(float(values.max(initial=0.0)), -float(values.min(initial=0.0)))
    if largest >= limit:
        raise ValueError(f"{what} holds {largest:g}: from {limit:g} on squares overflow; use another unit")
