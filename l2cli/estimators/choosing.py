"""At which lambda an estimator fits: the one given, or the one that validation errors ask for."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import check_cv

from l2cli.api.banded import common_start, folds_judge, left_out_error, search_bands, with_factors
from l2cli.api.choosing import approximation_warning
from l2cli.api.judge import lost_warning
from l2cli.api.selector import leave_one_out_refused
from l2cli.checks import as_number, check_lambda
from l2cli.core.grid import lambda_grid
from l2cli.core.metrics import check_metric, default_metric
from l2cli.core.path import design_factor
from l2cli.core.problem import Problem
from l2cli.data.folds import Folds, draw_folds, folds_of_splits
from l2cli.errors import UsageError
from l2cli.estimators.base import _L2Model
from l2cli.estimators.grouping import GivenBands
from l2cli.estimators.wording import in_parameters
from l2cli.select.alo import ApproximateLoo, ApproximationError
from l2cli.select.curve import Curve, extended, thinned
from l2cli.select.cv import cross_validate, fold_fits
from l2cli.select.loo import leave_one_out
from l2cli.spec import GridSpec, SelectSpec

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


class _Judge(NamedTuple):
    """How unseen rows judge a problem: the curve over lambda, and what its error is at lambda 1.

    error : makes of a problem what judges it with other penalty factors; None where bands are not judged.
    approximation : of a judge that is not exact, how far it is from refits at a lambda.
    """

    curve: Callable[[Problem], Curve]
    error: Callable[[Problem], Callable[[Problem], float]] | None = None
    approximation: Callable[[float], ApproximationError] | None = None


class _GivenLambda(_L2Model):
    """A model at one lambda."""

    lam: float

    def _choose(self, problem: Problem, bands: GivenBands | None, *rows: Any) -> tuple[Problem, float]:  # noqa: ARG002 - a given lambda needs no rows
        lam = check_lambda(as_number(self.lam, "lam"), "lam")
        if bands is None:
            return problem, lam
        lambdas = bands.values(rest=lam)
        if lambdas is None:
            hint = "L2RegressorCV and L2ClassifierCV choose them"
            raise UsageError("a banded penalty at given lambdas needs group_lambda", hint=hint)
        return with_factors(problem, bands.bands, lambdas), 1.0


class _ChosenLambda(_L2Model):
    """A model at the lambda that its validation errors ask for."""

    least_rows = 2

    lambdas: Any
    cv: Any
    rule: str
    metric: str | None
    seed: int
    n_jobs: int | None

    def _choose(
        self, problem: Problem, bands: GivenBands | None, kept: BoolArray, X: FloatArray, y: npt.NDArray[Any]
    ) -> tuple[Problem, float]:
        spec = GridSpec.of(self.lambdas)
        choice = SelectSpec(rule=self.rule, metric=self.metric, seed=self.seed, jobs=self.n_jobs)
        metric = check_metric(choice.metric or default_metric(problem.family), problem.family)
        if isinstance(self.cv, str):
            judge = self._by_leave_one_out(problem, spec, metric, choice, grouped=bands is not None)
        else:
            judge = _by_folds(self._folds(problem, kept, X, y), spec, metric, choice.jobs)
        if bands is not None:
            problem = self._banded(problem, bands, judge)
        curve = judge.curve(problem)
        for warning in lost_warning(problem, curve.lambdas, curve.mean):
            warnings.warn(warning["message"], UserWarning, stacklevel=4)
        edge = curve.edge_by(choice.rule)
        if edge is not None and not spec.is_auto:
            end = "largest" if edge == "high" else "smallest"
            message = f"the best lambda is the {end} of those given: the optimum may lie beyond it"
            warnings.warn(message, UserWarning, stacklevel=4)
        self.lambdas_, self.mean_, self.se_ = curve.lambdas, curve.mean, curve.se
        self.lambda_min_ = float(curve.lambdas[curve.index_min])
        self.lambda_1se_ = float(curve.lambdas[curve.index_1se])
        self.lam_ = float(curve.lambdas[curve.index_by(choice.rule)])
        off = None if judge.approximation is None else judge.approximation(self.lam_)
        for warning in approximation_warning(off):
            warnings.warn(in_parameters(warning["message"]), UserWarning, stacklevel=4)
        return problem, self.lam_

    def _banded(self, problem: Problem, given: GivenBands, judge: _Judge) -> Problem:
        """Return the problem with the bands' lambdas, as ``l2cli cv`` has them; sets ``group_lambda_``."""
        bands, lambdas = given.bands, given.values(rest=1.0)
        if lambdas is None:
            assert judge.error is not None  # else bands were refused
            start = common_start(judge.curve(problem))
            lambdas = search_bands(problem, bands, start, judge.error(problem))
        self.group_lambda_ = dict(zip(bands.names, lambdas.tolist(), strict=True))
        return with_factors(problem, bands, lambdas)

    def _by_leave_one_out(
        self, problem: Problem, spec: GridSpec, metric: str, choice: SelectSpec, *, grouped: bool
    ) -> _Judge:
        """Return the judge that leaves out one row at a time, as ``l2cli fit`` chooses by it."""
        if self.cv != "loo":
            raise UsageError(f"cv={self.cv!r} is not available here", hint="give folds, splits or 'loo'")
        if (refusal := leave_one_out_refused(problem, metric, grouped=grouped)) is not None:
            raise refusal
        if problem.family == "gaussian":
            return _by_leverage(spec, metric)
        return _by_approximation(problem, spec, metric, choice)

    def _folds(self, problem: Problem, kept: BoolArray, X: FloatArray, y: npt.NDArray[Any]) -> Folds:
        """Return the folds of the rows kept: drawn as by the command line, or those of the splits given."""
        strata = None
        if problem.family in ("binomial", "multinomial"):
            strata = problem.class_codes
        if self.cv is None or isinstance(self.cv, int | np.integer):
            # ten, as the command line; of few rows as many as can all be filled
            most = problem.n_rows if strata is None else int(np.bincount(strata).max())
            k = max(2, min(SelectSpec().k, most)) if self.cv is None else int(self.cv)
            return draw_folds(problem.n_rows, k, seed=self.seed, strata=strata)
        splits = check_cv(self.cv, y, classifier=strata is not None).split(X, y)
        return folds_of_splits(splits, len(X), kept)


def _by_leverage(spec: GridSpec, metric: str) -> _Judge:
    """Return the judge by exact leave-one-out."""

    def curve(problem: Problem) -> Curve:
        factor = design_factor(problem, 0.0)
        grid, automatic = lambda_grid(spec, problem, factor)
        return extended(grid, lambda lambdas: leave_one_out(problem, factor, lambdas, metric)[0], automatic)

    return _Judge(curve, lambda _: partial(left_out_error, lam=1.0, metric=metric))


def _by_approximation(problem: Problem, spec: GridSpec, metric: str, choice: SelectSpec) -> _Judge:
    """Return the judge of one problem by approximate leave-one-out."""
    loo = ApproximateLoo(problem)

    def curve(problem: Problem) -> Curve:
        grid, automatic = lambda_grid(spec, problem)
        return thinned(grid, lambda lambdas: loo.curve(lambdas, metric), automatic, choice.rule)

    return _Judge(curve, approximation=partial(loo.measured_error, seed=choice.seed))


def _by_folds(folds: Folds, spec: GridSpec, metric: str, jobs: int | None) -> _Judge:
    """Return the judge that cross-validates."""

    def curve(problem: Problem) -> Curve:
        grid, automatic = lambda_grid(spec, problem)
        fits = fold_fits(problem, folds, "sum", jobs=jobs)
        return cross_validate(fits, folds, grid, metric=metric, automatic=automatic).curve

    return _Judge(curve, lambda problem: folds_judge(problem, folds, metric, "sum", jobs))
