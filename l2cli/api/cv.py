"""``cv``: lambda by cross-validation, the whole curve, and the model refitted at the chosen lambda."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from l2cli.api.banded import choose_bands, common_start, given_lambdas, is_banded, with_bands
from l2cli.api.choosing import choice_of, curve_warnings
from l2cli.api.fit import FitResult, describe, together
from l2cli.api.honest import honest_keys, refuse_nested_bands
from l2cli.api.judge import separation_notes
from l2cli.api.mixes import cross_validate_mixes, notes_of_mixes
from l2cli.api.setup import Progress, Setup, floats, prepare
from l2cli.api.targets import joined, stacked
from l2cli.api.verdict import verdict
from l2cli.data.dataset import Dataset
from l2cli.select.confidence import LEVEL
from l2cli.select.cv import CVResult, validation_metrics
from l2cli.spec import ModelSpec, SelectSpec

FloatArray = npt.NDArray[np.float64]
F = TypeVar("F", bound=FitResult)


@dataclass(frozen=True, eq=False)
class CVRun(Generic[F]):
    """A cross-validation: lambdas, mean and se (L,), fold_losses (F, L), the two lambdas and the refit.

    Of several targets everything has a first axis for the target, shorter curves filled up with NaN.
    """

    lambdas: FloatArray = field(repr=False)
    mean: FloatArray = field(repr=False)
    se: FloatArray = field(repr=False)
    fold_losses: FloatArray = field(repr=False)
    lambda_min: Any
    lambda_1se: Any
    refit: F
    content: dict[str, Any] = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain Python."""
        return self.content


def cv_dataset(
    dataset: Dataset, model: ModelSpec, select: SelectSpec, progress: Progress | None = None
) -> CVRun[FitResult]:
    """Cross-validate lambda on a dataset (which is used up) and refit on all rows by ``select.rule``.

    Of several targets each has a lambda of its own, by the same folds.

    Raises
    ------
    UsageError
        Impossible folds or a metric the family does not have.
    FitError
        A training set has one class, or no finite solution.
    """
    runs = [_cross_validate(setup, select, progress) for setup in prepare(dataset, model).each()]
    if len(runs) == 1:
        return runs[0]
    lambdas, mean, se, fold_losses, low, high = (
        stacked([getattr(run, key) for run in runs])
        for key in ("lambdas", "mean", "se", "fold_losses", "lambda_min", "lambda_1se")
    )
    refit, content = together([run.refit for run in runs]), joined([run.content for run in runs])
    return CVRun(lambdas, mean, se, fold_losses, low, high, refit, content)


def _cross_validate(setup: Setup, select: SelectSpec, progress: Progress | None) -> CVRun[FitResult]:
    """Cross-validate one target."""
    refuse_nested_bands(setup, select)
    if is_banded(setup):
        setup = _banded(setup, select, progress)
    mixes = cross_validate_mixes(setup, select, progress)
    setup, result, factor = mixes.best
    curve = result.curve
    at_min, at_1se = validation_metrics(
        result.fits, [float(curve.lambdas[i]) for i in (curve.index_min, curve.index_1se)]
    )
    validation = at_1se if select.rule == "1se" else at_min
    choice = choice_of(curve, result.metric, select.rule)._replace(
        validation=validation, folds=result.folds.k, fits=result.fits
    )
    refit = describe(setup, choice, factor, select)
    content = setup.envelope(
        "cv", select, rule=select.rule, folds=result.folds.k, repeats=result.folds.repeats
    )
    content["level"] = LEVEL
    described = refit.to_dict()
    separated = bool(described.get("separated"))
    content["warnings"] += curve_warnings(setup, choice, separated=separated) + _fold_warning(result)
    content["data"]["notes"] += notes_of_mixes(mixes.setups, setup, "cross-validation")
    content["data"]["notes"] += separation_notes(setup.problem, separated=separated)
    content |= _curve_keys(result)
    if len(mixes.tried) > 1:
        content["grid"] = [
            {"l1_ratio": mix.setup.model.l1_ratio} | _curve_keys(mix.result) for mix in mixes.tried
        ]
    content |= honest_keys(mixes, select, described["effective_df"], progress)
    content["verdict"] = verdict(
        curve, content["lambda_set"], automatic=setup.model.lambdas.is_auto, metric=result.metric
    )  # fmt: skip
    content |= {"metrics_min": at_min, "metrics_1se": at_1se}
    # What the refit warns of concerns the answer of the command as well: --strict looks at these.
    content["warnings"] += [w for w in described["warnings"] if w not in content["warnings"]]
    content |= {"refit": described}
    return CVRun(
        curve.lambdas, curve.mean, curve.se, result.fold_losses,
        content["lambda_min"], content["lambda_1se"], refit, content,
    )  # fmt: skip


def _banded(setup: Setup, select: SelectSpec, progress: Progress | None) -> Setup:
    """Return the setup with a lambda for every group; what is cross-validated is what they are times."""
    lambdas = given_lambdas(setup, rest=1.0)
    if lambdas is None:
        start = common_start(setup.cross_validate(select)[0].curve)
        lambdas = choose_bands(setup, start, "cv", select, progress)
    return with_bands(setup, lambdas)._replace(model=setup.model)


def _fold_warning(result: CVResult) -> list[dict[str, Any]]:
    if result.kkt_max <= 1e-5:
        return []
    message = f"a fit inside a fold is {result.kkt_max:.1e} from its optimality conditions (1e-05 is the aim)"
    return [{"code": "fold_residual", "message": message}]


def _curve_keys(result: CVResult) -> dict[str, Any]:
    curve, folds = result.curve, result.folds
    low, high = float(curve.lambdas[curve.index_min]), float(curve.lambdas[curve.index_1se])
    return {
        "lambdas": curve.lambdas.tolist(),
        "mean": floats(curve.mean),
        "se": floats(curve.se),
        "fold_losses": [floats(row) for row in result.fold_losses],
        "fold_sizes": folds.sizes(),
        "metric": result.metric,
        "lambda_min": low,
        "lambda_1se": high,
        "index_min": curve.index_min,
        "index_1se": curve.index_1se,
        "edge": curve.edge,
        "range": list(curve.as_good) if curve.as_good else None,
        "fold_kkt_max": result.kkt_max,
        "folds": folds.described(),
    }
