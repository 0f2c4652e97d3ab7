"""``fit``: one model, lambda given or chosen, with everything a person wants to know about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from l2cli.api.banded import choose_bands, common_start, given_lambdas, is_banded, refuse_idle, with_bands
from l2cli.api.choosing import Choice, by_leverage, choose, curve_warnings, is_constant, resolve_selector
from l2cli.api.coefficients import coefficient_tables
from l2cli.api.judge import block_notes, check_path
from l2cli.api.setup import Progress, Setup, finite, floats, prepare
from l2cli.api.suspects import perfect_fit
from l2cli.api.targets import joined, stacked
from l2cli.core.metrics import metric_table
from l2cli.core.objective import null_deviance
from l2cli.core.path import Path, design_factor
from l2cli.core.relaxed import relaxed_path
from l2cli.core.solvers.ridge import RidgeFactor
from l2cli.data.dataset import Dataset
from l2cli.errors import UsageError
from l2cli.models.model import Model
from l2cli.models.saved import build_model
from l2cli.select.curve import Curve
from l2cli.select.cv import validation_metrics
from l2cli.select.loo import leave_one_out_metrics
from l2cli.spec import ModelSpec, SelectSpec

FloatArray = npt.NDArray[np.float64]


SATURATED = ("perfect_predictor", "same_order", "more_columns_than_rows")
"""Codes of warnings that say why a model fits its rows perfectly."""


@dataclass(frozen=True, eq=False)
class FitResult:
    """A fitted model. ``to_dict`` gives the keys of SPEC section 4; ``model`` is what is saved and predicts.

    coef : (p,) on the original scale, by ``features``. intercept : float. lam : on the scale asked for. Of
    several targets (T, p), (T,) and (T,); of several classes (C, p), (C,) and a float.
    """

    features: tuple[str, ...]
    coef: FloatArray
    intercept: Any
    lam: Any
    model: Model
    content: dict[str, Any] = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain Python."""
        return self.content


def fit_dataset(
    dataset: Dataset, model: ModelSpec, select: SelectSpec, progress: Progress | None = None
) -> FitResult:
    """Fit one model to a dataset (which is used up: its X is standardized in place), or one to each target.

    Raises
    ------
    UsageError
        The selection asked for does not exist for this family, or the folds are impossible.
    FitError
        No finite solution, or not converged.
    """
    return together([_fit(setup, select, progress) for setup in prepare(dataset, model).each()])


def together(fits: Sequence[FitResult]) -> FitResult:
    """Return the fits of all targets as one: the fit itself where there is one target."""
    first = fits[0]
    if len(fits) == 1:
        return first
    coef, intercept, lam = (stacked([getattr(f, key) for f in fits]) for key in ("coef", "intercept", "lam"))
    saved = replace(first.model, others=tuple(f.model for f in fits[1:]))
    return FitResult(first.features, coef, intercept, lam, saved, joined([f.content for f in fits]))


def _fit(setup: Setup, select: SelectSpec, progress: Progress | None) -> FitResult:
    """Fit one target, at the lambda given or the one that is chosen."""
    model = setup.model
    if is_banded(setup):
        return _fit_banded(setup, select, progress)
    if model.lambdas.values is not None and len(model.lambdas.values) == 1:
        return describe(setup, Choice(model.lambdas.values[0], "given"), select)
    method = resolve_selector(setup, select)
    if setup.problem.n_rows == 1 and method != "cv":
        # every column is constant in one row, so that all lambdas give the same: its own value
        return describe(setup, Choice(0.0, method, select.rule), select)
    choice, factor = choose(setup, select, method, progress)
    return describe(setup, choice, select, factor)


def _fit_banded(setup: Setup, select: SelectSpec, progress: Progress | None) -> FitResult:
    """Fit with a lambda for every group: those given, or those that unseen rows ask for."""
    values = setup.model.lambdas.values
    single = values[0] if values is not None and len(values) == 1 else None
    lambdas = given_lambdas(setup, rest=single)
    refuse_idle(setup, select, given=lambdas is not None)
    if lambdas is not None:
        return describe(with_bands(setup, lambdas), Choice(1.0, "given"), select)
    if single is not None:
        raise UsageError(
            "--lambda is one lambda for all columns", hint="give --group-lambda, or leave both out to choose"
        )
    method = resolve_selector(setup, select)
    if method == "cv":
        curve: Curve | None = setup.cross_validate(select)[0].curve
    else:
        curve = by_leverage(setup, design_factor(setup.problem, 0.0), method, "min").curve
    assert curve is not None
    chosen = with_bands(setup, choose_bands(setup, common_start(curve), method, select, progress))
    problem = chosen.problem
    if method == "loo":
        at = chosen.weight
        factor = design_factor(problem, at)
        validation = leave_one_out_metrics(problem, factor, at)
        return describe(chosen, Choice(1.0, "loo", metric="mse", validation=validation), select, factor)
    folds = chosen.folds(select)
    validation = validation_metrics(chosen.fold_fits(folds, select), [1.0])[0]
    choice = Choice(1.0, "cv", metric=chosen.metric(select), validation=validation, folds=folds.k)
    return describe(chosen, choice, select)


def describe(
    setup: Setup, choice: Choice, select: SelectSpec, factor: RidgeFactor | None = None
) -> FitResult:
    """Return the fit at a chosen lambda, with its certificate, metrics and comparison with no penalty."""
    problem, dataset, model = setup.problem, setup.dataset, setup.model
    lam = choice.lam * setup.weight
    path = relaxed_path(problem, np.array([lam]), factor)
    span = None if choice.curve is None else choice.curve.range_by(choice.rule or "min")
    if is_constant(problem):  # every lambda is the best
        choice, span = choice._replace(edge=None), None
    content = setup.envelope(
        "fit", select, select=choice.selected_by, rule=choice.rule, folds=choice.folds, tol=model.tol
    )
    content["warnings"] += check_path(problem, path, dataset.features, model.tol, setup.weight)
    content["warnings"] += curve_warnings(setup, choice, content["warnings"])
    content["data"]["notes"] += block_notes(problem, path)
    u, intercept0 = path.u[..., 0], path.intercept0[..., 0]
    eta = problem.predictor(u) + intercept0 + (0.0 if problem.offset is None else problem.offset)
    train = metric_table(problem.likelihood, problem.y, eta, problem.weights)
    if not any(w["code"] in SATURATED for w in content["warnings"]):
        null = null_deviance(problem)
        unexplained = float(path.certificate.train_deviance[0]) / null if null > 0.0 else 1.0
        content["warnings"] += perfect_fit(dataset, u, unexplained, judged=choice.validation is not None)
    certificate = certificate_of(path, 0, model.tol)
    tables = coefficient_tables(setup, path, lam, factor)
    metrics = {"train": train, "validation": choice.validation}
    content |= {
        "lambda": {
            "value": choice.lam,
            "selected_by": choice.selected_by,
            "rule": choice.rule,
            "edge": choice.edge,
            "penalty_needed": False if choice.curve is not None and choice.curve.needs_no_penalty else None,
            "equivalents": setup.equivalents(choice.lam),
            "range": None if span is None else list(span),
        },
        **tables,
        "effective_df": float(path.effective_df[0]),
        **({} if path.effective_df_se is None else {"effective_df_se": float(path.effective_df_se[0])}),
        "rank": None if problem.blocks is not None else path.rank * max(1, problem.n_classes - 1),
        "metrics": metrics,
        "overfitting_gap": _gap(problem.family, train, choice.validation),
        "selection": _selection(choice),
        "certificate": certificate,
    }
    intercept = path.intercept[..., 0] if model.intercept else np.zeros(path.intercept.shape[:-1])
    saved = build_model(
        dataset, intercept=intercept, coef=path.coef[..., 0], coef_standardized=u,
        center=problem.mean, scale=problem.scale, lam=lam,
        lambda_scale=model.lambda_scale, selected_by=choice.selected_by,
        settings=content["settings"], metrics=metrics, certificate=certificate,
    )  # fmt: skip
    number = intercept if intercept.ndim else float(intercept)
    return FitResult(dataset.features, path.coef[..., 0].T, number, choice.lam, saved, content)


def certificate_of(path: Path, i: int, tol: float | None) -> dict[str, Any]:
    """Return the certificate of one lambda of a path."""
    c = path.certificate
    return {
        "kkt_residual": float(c.kkt_residual[i]),
        "rounding_floor": float(c.rounding_floor[i]),
        "duality_gap": finite(float(c.duality_gap[i])),
        "converged": bool(c.converged(tol)[i]),
    }


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
