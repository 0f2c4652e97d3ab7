"""``fit``: one model, lambda given or chosen, with everything a person wants to know about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.api.judge import check_path, wide_warning
from l2cli.api.setup import LEVEL, Progress, Setup, finite, floats, prepare, resolve_selector
from l2cli.core.covariance import quantile, standard_errors
from l2cli.core.metrics import metric_table
from l2cli.core.path import Path, design_factor, solve_path
from l2cli.core.relaxed import relaxed_path
from l2cli.core.solvers.newton import RUNAWAY, NewtonSolver
from l2cli.core.solvers.ridge import RidgeFactor
from l2cli.data.dataset import Dataset
from l2cli.models.model import Model
from l2cli.models.saved import build_model
from l2cli.select.curve import Curve, extended
from l2cli.select.cv import validation_metrics
from l2cli.select.loo import generalized_cv, leave_one_out, leave_one_out_eta
from l2cli.spec import ModelSpec, SelectSpec

FloatArray = npt.NDArray[np.float64]


class Choice(NamedTuple):
    """The lambda of a fit (scale in force) and how it came about."""

    lam: float
    selected_by: str
    rule: str | None = None
    edge: str | None = None
    curve: Curve | None = None
    metric: str | None = None
    validation: dict[str, float | None] | None = None
    folds: int | None = None


@dataclass(frozen=True, eq=False)
class FitResult:
    """A fitted model. ``to_dict`` gives the keys of SPEC section 4; ``model`` is what is saved and predicts.

    coef : (p,) on the original scale, by ``features``. intercept : float. lam : on the scale asked for.
    """

    features: tuple[str, ...]
    coef: FloatArray
    intercept: float
    lam: float
    model: Model
    content: dict[str, Any] = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain Python."""
        return self.content


def fit_dataset(
    dataset: Dataset, model: ModelSpec, select: SelectSpec, progress: Progress | None = None
) -> FitResult:
    """Fit one model to a dataset (which is used up: its X is standardized in place).

    Raises
    ------
    UsageError
        The selection asked for does not exist for this family, or the folds are impossible.
    FitError
        No finite solution, or not converged.
    """
    setup = prepare(dataset, model)
    if model.lambdas.values is not None and len(model.lambdas.values) == 1:
        return describe(setup, Choice(model.lambdas.values[0], "given"), select)
    method = resolve_selector(setup, select)
    if method == "cv":
        result, factor = setup.cross_validate(select, progress)
        choice = choice_of(result.curve, result.metric, select.rule)
        validation = validation_metrics(result.fits, [choice.lam])[0]
        return describe(setup, choice._replace(validation=validation, folds=result.folds.k), select, factor)
    factor = design_factor(setup.problem, 0.0)
    return describe(setup, _by_leverage(setup, factor, method, select.rule), select, factor)


def _by_leverage(setup: Setup, factor: RidgeFactor, method: str, rule: str) -> Choice:
    """Choose lambda by leave-one-out or GCV; leave-one-out keeps the sum penalty whatever the scale."""

    def evaluate(lambdas: FloatArray) -> Curve:
        sums = lambdas * setup.weight
        curve = (
            leave_one_out(setup.problem, factor, sums)[0]
            if method == "loo"
            else generalized_cv(setup.problem, factor, sums)
        )
        return Curve(lambdas, curve.mean, curve.se, curve.paired_se)

    grid, automatic = setup.grid(factor)
    curve = extended(grid, evaluate, automatic)
    lam = float(curve.lambdas[curve.index_by(rule)])
    problem, validation = setup.problem, None
    if method == "loo":
        eta = leave_one_out_eta(problem, factor, lam * setup.weight)
        validation = metric_table(problem.likelihood, problem.y, eta, problem.weights)
    return Choice(lam, method, rule, curve.edge, curve, "mse" if method == "loo" else "gcv", validation)


def choice_of(curve: Curve, metric: str, rule: str) -> Choice:
    """Return the choice that a cross-validation curve makes by a rule, its validation metrics left out."""
    return Choice(float(curve.lambdas[curve.index_by(rule)]), "cv", rule, curve.edge, curve, metric)


def describe(
    setup: Setup, choice: Choice, select: SelectSpec, factor: RidgeFactor | None = None
) -> FitResult:
    """Return the fit at a chosen lambda, with its certificate, metrics and comparison with no penalty."""
    problem, dataset, model = setup.problem, setup.dataset, setup.model
    lam = choice.lam * setup.weight
    path = relaxed_path(problem, np.array([lam]), factor)
    content = setup.envelope(
        "fit", select, select=choice.selected_by, rule=choice.rule, folds=choice.folds, tol=model.tol
    )
    content["warnings"] += check_path(problem, path, dataset.features, model.tol, setup.weight)
    content["warnings"] += curve_warnings(setup, choice, content["warnings"])
    u, intercept0 = path.u[:, 0], float(path.intercept0[0])
    eta = problem.X @ u + intercept0 + (0.0 if problem.offset is None else problem.offset)
    train = metric_table(problem.likelihood, problem.y, eta, problem.weights)
    certificate = certificate_of(path, 0, model.tol)
    rows, intercept_se = _coefficient_rows(setup, path, lam, factor)
    metrics = {"train": train, "validation": choice.validation}
    content |= {
        "lambda": {
            "value": choice.lam,
            "selected_by": choice.selected_by,
            "rule": choice.rule,
            "edge": choice.edge,
            "equivalents": setup.equivalents(choice.lam),
            "range": list(choice.curve.as_good)
            if choice.curve is not None and choice.curve.as_good
            else None,
        },
        "intercept": float(path.intercept[0]) if model.intercept else 0.0,
        "intercept_se": intercept_se,
        "coefficients": rows,
        "effective_df": float(path.effective_df[0]),
        "rank": path.rank,
        "metrics": metrics,
        "overfitting_gap": _gap(problem.family, train, choice.validation),
        "selection": _selection(choice),
        "certificate": certificate,
    }
    saved = build_model(
        dataset, intercept=content["intercept"], coef=path.coef[:, 0], coef_standardized=u,
        center=problem.mean, scale=problem.scale, lam=lam,
        lambda_scale=model.lambda_scale, selected_by=choice.selected_by,
        settings=content["settings"], metrics=metrics, certificate=certificate,
    )  # fmt: skip
    return FitResult(dataset.features, path.coef[:, 0], content["intercept"], choice.lam, saved, content)


def curve_warnings(
    setup: Setup, choice: Choice, known: Sequence[dict[str, Any]] = ()
) -> list[dict[str, Any]]:
    """Return what a curve of validation errors warns of, beside the warnings known already."""
    if choice.curve is None:
        return []
    found = edge_warning(choice) + flat_warning(choice.curve, automatic=setup.model.lambdas.is_auto)
    found += wide_warning(setup.problem, choice.curve.lambdas)
    return [warning for warning in found if warning not in known]


def flat_warning(curve: Curve, *, automatic: bool) -> list[dict[str, Any]]:
    """Return the warning that every lambda of the grid does as well as the best, if that is so."""
    if curve.as_good != (float(curve.lambdas.min()), float(curve.lambdas.max())):
        return []
    low, high = curve.as_good
    why = "the features may say little about the target" if automatic else "a wider grid may show more"
    return [
        {
            "code": "flat_curve",
            "message": f"the selection curve is flat over the whole grid, {low:.3g} to {high:.3g}: the data "
            f"cannot tell any of these lambdas from the best; {why}",
        }
    ]


def edge_warning(choice: Choice) -> list[dict[str, Any]]:
    """Return the warning that the best lambda lies on the edge of the grid, if it does."""
    if choice.edge is None or choice.curve is None:
        return []
    side = "largest" if choice.edge == "high" else "smallest"
    best = float(choice.curve.lambdas[choice.curve.index_min])
    return [
        {
            "code": "lambda_edge",
            "message": f"the best lambda, {best:.4g}, is the {side} of the grid: "
            "the optimum may lie beyond its edge",
        }
    ]


def certificate_of(path: Path, i: int, tol: float | None) -> dict[str, Any]:
    """Return the certificate of one lambda of a path."""
    c = path.certificate
    return {
        "kkt_residual": float(c.kkt_residual[i]),
        "rounding_floor": float(c.rounding_floor[i]),
        "duality_gap": finite(float(c.duality_gap[i])),
        "converged": bool(c.converged(tol)[i]),
    }


def _coefficient_rows(
    setup: Setup, path: Path, lam: float, factor: RidgeFactor | None
) -> tuple[list[dict[str, Any]], float | None]:
    """Return the coefficient table and the standard error of the intercept."""
    problem, p = setup.problem, setup.problem.n_columns
    kept = floats(_kept(setup, path, lam, factor))
    blank: list[float | None] = [None] * p
    se, low, high, intercept_se = blank, blank, blank, None
    if lam == 0.0:
        errors = standard_errors(problem, path.u[:, 0], float(path.intercept0[0]))
        if errors is not None:
            width = quantile(LEVEL, errors.df) * errors.coef
            se, low, high = (
                floats(errors.coef),
                floats(path.coef[:, 0] - width),
                floats(path.coef[:, 0] + width),
            )
            intercept_se = finite(float(errors.intercept)) if problem.intercept else None
    columns = zip(
        setup.dataset.features,
        path.coef[:, 0].tolist(),
        path.u[:, 0].tolist(),
        kept,
        se,
        low,
        high,
        strict=True,
    )
    keys = ("feature", "coef", "coef_standardized", "kept", "se", "ci_low", "ci_high")
    return [dict(zip(keys, row, strict=True)) for row in columns], intercept_se


def _kept(setup: Setup, path: Path, lam: float, factor: RidgeFactor | None) -> FloatArray:
    """Return each coefficient over the unpenalized one (p,), NaN where that is tied, zero or not finite."""
    problem, u = setup.problem, path.u[:, 0]
    unknown = np.full(problem.n_columns, np.nan)
    if lam == 0.0:
        free, tied = u, path.tied
    elif problem.box is not None:
        bare = solve_path(problem, np.zeros(1))
        if bare.last_move[0] > RUNAWAY or not bare.certificate.converged()[0]:
            return unknown
        free, tied = bare.u[:, 0], bare.tied
    elif problem.family == "gaussian":
        if factor is None or not factor.serves(0.0):
            factor = design_factor(problem, 0.0)
        free, tied = factor.solve(np.zeros(1))[:, 0], factor.null > 1e-6
    else:
        if problem.n_columns >= problem.n_rows:
            return unknown
        answer = NewtonSolver(problem).solve(0.0)
        if answer.last_move > RUNAWAY or not answer.residual <= 1e-6:
            return unknown  # the classes are separated: there is no unpenalized fit to compare with
        free, tied = answer.u, design_factor(problem, 0.0).null > 1e-6
    tied = tied | problem.constant
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(tied | (free == 0.0), np.nan, u / free)


def _gap(
    family: str, train: dict[str, float | None], validation: dict[str, float | None] | None
) -> float | None:
    """Return how much larger the error of unseen rows is: of the rmse (gaussian) or the deviance."""
    metric = "rmse" if family == "gaussian" else "deviance"
    inside = train.get(metric)
    outside = validation.get(metric) if validation else None
    return outside / inside - 1.0 if inside and outside is not None else None


def _selection(choice: Choice) -> dict[str, Any] | None:
    curve = choice.curve
    if curve is None:
        return None
    return {
        "method": choice.selected_by,
        "metric": choice.metric,
        "lambdas": curve.lambdas.tolist(),
        "values": floats(curve.mean),
        "se": floats(curve.se),
    }
