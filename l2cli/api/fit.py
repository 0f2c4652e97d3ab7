"""``fit``: one model, lambda given or chosen, with everything a person wants to know about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from l2cli.api.choosing import Choice, curve_warnings, is_constant
from l2cli.api.coefficients import coefficient_tables, inference_keys
from l2cli.api.decision import Decision, decide
from l2cli.api.dispersion import dispersion_keys
from l2cli.api.judge import block_notes, check_path, separation_notes
from l2cli.api.setup import Progress, Setup, finite, floats, prepare
from l2cli.api.suspects import perfect_fit
from l2cli.api.targets import joined, stacked
from l2cli.core.metrics import metric_table
from l2cli.core.objective import null_deviance
from l2cli.core.path import Path, design_factor, design_rank
from l2cli.core.relaxed import relaxed_path
from l2cli.core.separation import tells_all_apart
from l2cli.core.solvers.ridge import RidgeFactor
from l2cli.data.dataset import Dataset
from l2cli.data.table import Table
from l2cli.diagnostics.jackknife import fits_without_rows, has_intervals
from l2cli.errors import FitError
from l2cli.models.intervals import LeftOut
from l2cli.models.model import Model
from l2cli.models.saved import build_model
from l2cli.spec import ModelSpec, SelectSpec

if TYPE_CHECKING:
    from l2cli.diagnostics.inference import Inference
    from l2cli.select.alo import ApproximationError

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
    dataset: Dataset, model: ModelSpec, select: SelectSpec, progress: Progress | None = None,
    inference: str | None = None, holdout: Table | None = None,
) -> FitResult:  # fmt: skip
    """Fit one model to a dataset (which is used up: its X is standardized in place), or one to each target.

    ``inference`` is the kind of standard errors of the coefficients that is asked for; ``holdout`` the table
    by whose labelled rows lambda is chosen, where ``select`` says so.

    Raises
    ------
    UsageError
        The selection asked for does not exist for this family, or the folds are impossible.
    FitError
        No finite solution, or not converged.
    """
    setups = prepare(dataset, model, holdout, select.unseen).each()
    return together([decided_fit(setup, select, progress, inference)[1] for setup in setups])


def together(fits: Sequence[FitResult]) -> FitResult:
    """Return the fits of all targets as one: the fit itself where there is one target."""
    first = fits[0]
    if len(fits) == 1:
        return first
    coef, intercept, lam = (stacked([getattr(f, key) for f in fits]) for key in ("coef", "intercept", "lam"))
    saved = replace(first.model, others=tuple(f.model for f in fits[1:]))
    return FitResult(first.features, coef, intercept, lam, saved, joined([f.content for f in fits]))


def decided_fit(
    setup: Setup, select: SelectSpec, progress: Progress | None = None, inference: str | None = None
) -> tuple[Decision, FitResult]:
    """Return the lambda of one target, given or chosen, and the fit at it."""
    if inference is None:
        decision = decide(setup, select, progress)
        return decision, describe(*decision, select)
    from l2cli.api.inference import infer, refuse_early  # most fits are without

    refuse_early(setup, inference)
    decision = decide(setup, select, progress, resampled=inference == "bootstrap")
    errors = partial(infer, kind=inference, select=select, asked=setup, progress=progress)
    return decision, describe(*decision, select, errors)


def describe(
    setup: Setup, choice: Choice, factor: RidgeFactor | None, select: SelectSpec,
    errors: Callable[[Setup, Path, float, RidgeFactor | None], Inference] | None = None,
) -> FitResult:  # fmt: skip
    """Return the fit at a chosen lambda, with its certificate, metrics and comparison with no penalty.

    ``errors`` makes the standard errors of the coefficients, where they are asked for.
    """
    problem, dataset, model = setup.problem, setup.dataset, setup.model
    lam = choice.lam * setup.weight
    if has_intervals(problem) and (factor is None or not factor.serves(lam)):
        factor = design_factor(problem, lam)
    path = relaxed_path(problem, np.array([lam]), factor)
    span = None if choice.curve is None else choice.curve.range_by(choice.rule or "min")
    if is_constant(problem):  # every lambda is the best
        choice, span = choice._replace(edge=None), None
    content = setup.envelope(
        "fit", select, select=choice.selected_by, rule=choice.rule, folds=choice.folds,
        holdout=select.holdout, tol=model.tol,
    )  # fmt: skip
    content["warnings"] += check_path(problem, path, dataset.features, model.tol, setup.weight)
    u, intercept0 = path.u[..., 0], path.intercept0[..., 0]
    eta = problem.predictor(u) + intercept0 + (0.0 if problem.offset is None else problem.offset)
    separated = tells_all_apart(problem, eta)
    content["warnings"] += curve_warnings(setup, choice, content["warnings"], separated=separated)
    content["data"]["notes"] += block_notes(problem, path) + separation_notes(problem, separated=separated)
    train = metric_table(problem.likelihood, problem.y, eta, problem.weights)
    if not any(w["code"] in SATURATED for w in content["warnings"]):
        null = null_deviance(problem)
        unexplained = float(path.certificate.train_deviance[0]) / null if null > 0.0 else 1.0
        content["warnings"] += perfect_fit(dataset, u, unexplained, judged=choice.validation is not None)
    content |= dispersion_keys(problem, eta, float(path.effective_df[0]), content["data"]["notes"])
    certificate = certificate_of(path, 0, model.tol)
    inference = None if errors is None else errors(setup, path, lam, factor)
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
        **coefficient_tables(setup, path, lam, factor, inference),
        **({} if inference is None else {"inference": inference_keys(inference)}),
        **({"separated": separated} if dataset.schema.classes is not None else {}),
        "effective_df": float(path.effective_df[0]),
        **({} if path.effective_df_se is None else {"effective_df_se": float(path.effective_df_se[0])}),
        "rank": None
        if problem.blocks is not None
        else design_rank(problem, path) * max(1, problem.n_classes - 1),
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
        intervals=_left_out(setup, choice, factor, select, u, path.intercept0[..., 0]),
    )  # fmt: skip
    number = intercept if intercept.ndim else float(intercept)
    return FitResult(dataset.features, path.coef[..., 0].T, number, choice.lam, saved, content)


def _left_out(
    setup: Setup, choice: Choice, factor: RidgeFactor | None, select: SelectSpec, u: FloatArray,
    intercept0: Any,
) -> LeftOut | None:  # fmt: skip
    """Return what the model keeps for prediction intervals: in closed form, or of the fits without a fold.

    Rows that belong together, or whose folds are given, are left out together. Where folds chose lambda their
    fits are at hand; after leave-one-out or evidence ten of them are little more where rows outnumber
    columns. Elsewhere they would be most of the work, and there are none; nor are there in time order, as
    they take rows in any order alike.
    """
    dataset, problem, fits = setup.dataset, setup.problem, choice.fits
    if dataset.time is not None:
        return None
    if dataset.groups is None and dataset.fold_labels is None and has_intervals(problem):
        return fits_without_rows(problem, factor, choice.lam * setup.weight, u, intercept0)
    all_rows = choice.selected_by in ("loo", "evidence")
    few = all_rows and problem.n_rows > max(select.k, problem.n_columns)
    if dataset.schema.classes is not None or (fits is None and not few):
        return None
    from l2cli.diagnostics.cvplus import fits_without_folds  # a ridge has the closed form

    try:
        if fits is None:
            fits = setup.fold_fits(setup.folds(select), select)
        return fits_without_folds(fits, choice.lam)
    except FitError:  # a fold may hold what alone gives the others a finite fit
        return None


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


def _error_keys(error: ApproximationError) -> dict[str, Any]:
    """Return how far approximate leave-one-out is from refits of some rows, as a share, and its se."""
    return {"relative": finite(error.relative), "se": finite(error.se), "rows": error.rows}


def _selection(choice: Choice) -> dict[str, Any] | None:
    curve = choice.curve
    if curve is None:
        return None
    error = choice.approximation
    return {
        "method": choice.selected_by,
        "metric": choice.metric,
        "lambdas": curve.lambdas.tolist(),
        "values": floats(curve.mean),
        "se": floats(curve.se),
        **({"grid": list(choice.mixes)} if choice.mixes else {}),
        **({} if error is None else {"approximate": True, "error": _error_keys(error)}),
    }
