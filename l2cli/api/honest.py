"""The keys by which ``cv`` says how sure it is: best, lambda_set, stability and nested."""

from __future__ import annotations

from typing import Any

import numpy as np

from l2cli.api.banded import given_lambdas, is_banded
from l2cli.api.mixes import Mixes
from l2cli.api.setup import Progress, Setup, finite
from l2cli.errors import UsageError
from l2cli.select.confidence import LEVEL, interval, judge, stability
from l2cli.select.curve import best_of
from l2cli.select.cv import CVResult
from l2cli.select.spread import joint_spread, share_of_rows
from l2cli.spec import SelectSpec

TARGET = "fold_average"
"""What the interval covers: the average risk of the models fitted in the folds, at the chosen lambda."""


def refuse_nested_bands(setup: Setup, select: SelectSpec) -> None:
    """Refuse to nest where lambdas of groups are chosen on all rows, which nesting would not see."""
    if select.nested and is_banded(setup) and given_lambdas(setup, rest=1.0) is None:
        raise UsageError(
            "--nested tunes one lambda, but --group-penalty banded chooses one for each group",
            hint="give them by --group-lambda, or leave --nested out",
        )


def honest_keys(
    mixes: Mixes, select: SelectSpec, effective_df: float, progress: Progress | None
) -> dict[str, Any]:
    """Return what is known of the error at the lambda of the rule, and of that lambda.

    The optimism is that of the whole choice, of the mix where several were tried.

    effective_df : of the refit, without the intercept; see :func:`l2cli.select.confidence.interval`.
    """
    setup, result, _ = mixes.best
    curve, groups = result.curve, setup.dataset.groups
    curves = mixes.curves
    spread = joint_spread([mix.result for mix in mixes.tried], groups)
    honest = judge(curves, spread, select.rule, select.seed)
    at = curve.index_by(select.rule)
    place = at + sum(len(one.lambdas) for one in curves[: best_of(curves)])
    sign = -1.0 if curve.greater_is_better else 1.0
    value = float(curve.mean[at])
    corrected = value + sign * honest.optimism
    share = share_of_rows(setup.problem, effective_df, groups)
    span = interval(corrected, float(spread.covariance[place, place]), spread, result.metric, share)
    keys: dict[str, Any] = {
        "best": {
            "value": finite(value),
            "ci_low": span.low,
            "ci_high": span.high,
            "optimism_corrected": finite(corrected),
            "level": LEVEL,
            "lambda": float(curve.lambdas[at]),
            "method": span.method,
            "target": TARGET,
        },
        "lambda_set": honest.lambda_set,
        "stability": stability(result, select.rule),
        "nested": None,
    }
    if select.nested:
        keys["nested"] = _nested(setup, result, select, share, progress)
    return keys


def _nested(
    setup: Setup, result: CVResult, select: SelectSpec, share: float, progress: Progress | None
) -> dict[str, Any]:
    from l2cli.select.nested import nested

    found = nested(
        result, setup.model.lambda_scale, select.rule, groups=setup.dataset.groups, seed=select.seed,
        jobs=select.jobs, progress=progress,
    )  # fmt: skip
    variance = float(found.spread.covariance[0, 0])
    span = interval(found.value, variance, found.spread, result.metric, share)
    return {
        "value": finite(found.value),
        "se": finite(float(np.sqrt(variance))),
        "ci_low": span.low,
        "ci_high": span.high,
        "level": LEVEL,
        "method": span.method,
        "lambdas": found.lambdas.tolist(),
    }
