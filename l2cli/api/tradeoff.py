"""``tradeoff``: training error, bias^2, variance, noise and the error to expect, along lambda."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from l2cli.api.banded import given_lambdas, is_banded, with_bands
from l2cli.api.choosing import choice_of, curve_warnings
from l2cli.api.judge import check_path
from l2cli.api.setup import LEVEL, Progress, Setup, brief, finite, floats, prepare
from l2cli.api.targets import joined, stacked
from l2cli.api.tradeoff_verdict import Curves, read_off
from l2cli.core.metrics import losses
from l2cli.core.path import design_factor, solve_path
from l2cli.core.solvers.ridge import RidgeFactor
from l2cli.data.dataset import Dataset
from l2cli.diagnostics.simulate import Simulated, simulate, truth_of
from l2cli.diagnostics.tradeoff import SpectralForm, bootstrap_bands, estimate, spectral_form
from l2cli.errors import FitError, UsageError
from l2cli.select.cv import CVResult
from l2cli.spec import ModelSpec, SelectSpec, refuse_several_mixes

FloatArray = npt.NDArray[np.float64]
DRAWS, REFITS = 400, 50
"""Drawings where nobody asked for a number: in spectral form, and where each is a path of fits."""


@dataclass(frozen=True, eq=False)
class TradeoffResult:
    """The decomposition along lambda; ``to_dict`` gives the keys of SPEC section 4.

    All curves are (L,), with NaN for what is not known, and the noise is a float. Of several targets they
    have a first axis for the target, shorter curves filled up with NaN, and the verdict has a line for each.
    """

    lambdas: FloatArray = field(repr=False)
    train_error: FloatArray = field(repr=False)
    bias2: FloatArray = field(repr=False)
    variance: FloatArray = field(repr=False)
    noise: Any
    test_error: FloatArray = field(repr=False)
    verdict: str
    content: dict[str, Any] = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain Python."""
        return self.content


def tradeoff_dataset(
    dataset: Dataset, model: ModelSpec, select: SelectSpec, *, simulated: bool = False,
    draws: int | None = None, progress: Progress | None = None,
) -> TradeoffResult:  # fmt: skip
    """Split the error of a dataset (which is used up) along lambda, target by target.

    Parameters
    ----------
    simulated : bool
        Keep X, take the fit of least estimated error as the truth, and show the exact parts beside Monte
        Carlo and beside the mean of the estimates.
    draws : int, optional
        Bootstrap drawings, or replicates.

    Raises
    ------
    UsageError
        A metric that does not split, ``simulated`` for what has no closed form, or columns in blocks.
    FitError
        No finite solution, or (simulated) noise that the data do not tell.
    """
    refuse_several_mixes(model, "tradeoff")
    setups = [_with_given_bands(setup) for setup in prepare(dataset, model).each()]
    contents = [_split(setup, select, simulated, draws, progress) for setup in setups]
    return _result(contents)


def _result(contents: Sequence[dict[str, Any]]) -> TradeoffResult:
    """Return the result of all targets."""
    keys = ("lambdas", "train_error", "bias2", "variance", "noise", "test_error")
    curves = [[np.array(content[key], dtype=np.float64) for content in contents] for key in keys]
    if len(contents) == 1:
        lambdas, train, bias2, variance, noise, test = (curve[0] for curve in curves)
        content, verdict = contents[0], contents[0]["verdict"]
        return TradeoffResult(lambdas, train, bias2, variance, float(noise), test, verdict, content)
    lambdas, train, bias2, variance, noise, test = (stacked(curve) for curve in curves)
    verdict = "\n".join(f"{content['data']['target']}: {content['verdict']}" for content in contents)
    return TradeoffResult(lambdas, train, bias2, variance, noise, test, verdict, joined(contents))


def _with_given_bands(setup: Setup) -> Setup:
    if not is_banded(setup):
        return setup
    lambdas = given_lambdas(setup, rest=1.0)
    if lambdas is None:
        raise UsageError(
            "tradeoff of a banded penalty needs --group-lambda", hint="lambda is what they are times"
        )
    return with_bands(setup, lambdas)._replace(model=setup.model)


def _split(
    setup: Setup, select: SelectSpec, simulated: bool, draws: int | None, progress: Progress | None
) -> dict[str, Any]:
    """Split the error of one target."""
    problem, family = setup.problem, setup.dataset.family
    if problem.blocks is not None:
        raise UsageError(
            "tradeoff has no method for categories of so many levels", hint="leave them out with --drop"
        )
    metric = "brier" if family in ("binomial", "multinomial") else "mse"
    if select.metric not in (None, metric) and (family, select.metric) != ("gaussian", "deviance"):
        raise UsageError(
            f"the {select.metric} does not split into bias and variance", hint=f"--metric {metric} does"
        )
    select = replace(select, metric=metric)
    closed = family == "gaussian" and problem.is_smooth
    if simulated:
        if not closed:
            raise UsageError(
                "--simulate is exact for gaussian targets and pure L2 only", hint="leave it out to bootstrap"
            )
        return _simulated(setup, select, draws or DRAWS)
    return (_closed if closed else _resampled)(setup, select, draws, progress)


def _closed(setup: Setup, select: SelectSpec, draws: int | None, progress: Progress | None) -> dict[str, Any]:
    """Return the closed form of a gaussian ridge beside cross-validation."""
    result, factor = setup.cross_validate(select, progress)
    form, draws = _form_of(setup, factor), draws or DRAWS
    content, lambdas = _begun(setup, select, result, draws), result.curve.lambdas
    if setup.dataset.groups is not None or setup.dataset.time is not None:
        content["data"]["notes"].append(
            "the closed form and its bands take rows as independent; groups and time part held-out rows only"
        )
    sums, count = lambdas * setup.weight, len(lambdas)
    found, known = estimate(form, np.append(sums, 0.0))
    train = form.train_error(sums)
    noise_by = "residuals" if form.by_residuals else "reml"
    content |= {"method": "closed_form", "estimate": True, "noise_by": noise_by if known else None}
    content["train_error"] = floats(train)
    if not known:
        content["warnings"].append(_unknown_noise(form))
        unknown = np.full(count, np.nan)
        content |= _parts(*(np.full((3, count), np.nan),) * 3, np.full(3, np.nan))
        curves = Curves(lambdas, train, unknown, unknown, unknown, np.nan, result.curve.mean, np.nan, "")
        return content | _cross_validated(result) | read_off(curves, "mse")
    bands = bootstrap_bands(form, np.append(sums, 0.0), found, draws=draws, seed=select.seed, level=LEVEL)
    content |= _parts(
        np.vstack([found.bias2, bands.bias2])[:, :count],
        np.vstack([found.variance, bands.variance])[:, :count],
        np.vstack([found.test_error, bands.test_error])[:, :count],
        np.append(found.noise, bands.noise),
    )
    curves = Curves(
        lambdas, train, found.test_error[:-1], found.bias2[:-1], found.variance[:-1], float(found.noise),
        result.curve.mean, float(found.test_error[-1]), "no penalty",
    )  # fmt: skip
    return content | _cross_validated(result) | read_off(curves, "mse")


def _form_of(setup: Setup, factor: RidgeFactor | None) -> SpectralForm:
    """Return the spectral form, by a factor at hand if that is exact enough without a penalty."""
    if factor is None or not factor.serves(0.0):
        factor = design_factor(setup.problem, 0.0)
    return spectral_form(setup.problem, factor)


def _simulated(setup: Setup, select: SelectSpec, replicates: int) -> dict[str, Any]:
    """Return the exact decomposition where the fit of least estimated error is the truth."""
    lambdas, _ = setup.grid()
    form, sums = _form_of(setup, None), lambdas * setup.weight
    found, known = estimate(form, sums)
    if not known:
        raise FitError(
            _unknown_noise(form)["message"],
            hint="simulate with more rows than features, and a target with noise",
        )
    at = int(np.argmin(found.test_error))
    truth = truth_of(form, float(sums[at]), float(found.noise) * form.weight / form.n_rows)
    ran = simulate(form, truth, np.append(sums, 0.0), replicates=replicates, seed=select.seed, level=LEVEL)
    exact, bands, count = ran.exact, ran.bands, len(lambdas)
    content = setup.envelope("tradeoff", select, draws=replicates)
    content |= {
        "metric": "mse", "method": "simulation", "estimate": False, "noise_by": "given",
        "lambdas": lambdas.tolist(), "train_error": floats(ran.train_error[:-1]),
    }  # fmt: skip
    content |= _parts(
        np.vstack([exact.bias2, bands.bias2])[:, :count],
        np.vstack([exact.variance, bands.variance])[:, :count],
        np.vstack([exact.test_error, bands.test_error])[:, :count],
        np.append(exact.noise, bands.noise),
    )
    content |= {"test_error_estimated": None, "test_error_estimated_se": None, "folds": None}
    content["simulation"] = _simulation(ran, replicates, float(lambdas[at]))
    curves = Curves(
        lambdas, ran.train_error[:-1], exact.test_error[:-1], exact.bias2[:-1], exact.variance[:-1],
        float(exact.noise), exact.test_error[:-1], float(exact.test_error[-1]), "no penalty",
    )  # fmt: skip
    return content | read_off(curves, "mse")


def _simulation(ran: Simulated, replicates: int, lam: float) -> dict[str, Any]:
    """Return what replicates found, by Monte Carlo and on average of their own estimates."""
    return {
        "replicates": replicates,
        "truth_lambda": lam,
        "bias2_monte_carlo": floats(ran.monte_carlo.bias2[:-1]),
        "variance_monte_carlo": floats(ran.monte_carlo.variance[:-1]),
        "test_error_monte_carlo": floats(ran.risk[:-1]),
        "test_error_monte_carlo_se": floats(ran.risk_se[:-1]),
        "bias2_estimate_mean": floats(ran.mean.bias2[:-1]),
        "bias2_estimate_mean_unclipped": floats(ran.mean.raw[:-1]),
        "variance_estimate_mean": floats(ran.mean.variance[:-1]),
        "noise_estimate_mean": float(ran.mean.noise),
        "test_error_estimate_mean": floats(ran.mean_error[:-1]),
        "test_error_estimate_mean_se": floats(ran.mean_error_se[:-1]),
    }


def _resampled(
    setup: Setup, select: SelectSpec, draws: int | None, progress: Progress | None
) -> dict[str, Any]:
    """Return the bootstrap decomposition beside cross-validation."""
    from l2cli.diagnostics.resample import resample, summed_up  # a closed form does without

    problem, metric = setup.problem, str(select.metric)
    result, _ = setup.cross_validate(select, progress)
    lambdas, draws = result.curve.lambdas, draws or REFITS
    content = _begun(setup, select, result, draws)
    path = solve_path(problem, lambdas * setup.weight)
    content["warnings"] += check_path(problem, path, setup.dataset.features, setup.model.tol, setup.weight)
    eta = problem.predictor(path.u.reshape(problem.n_columns, -1)).reshape(*problem.y.shape, -1)
    eta += path.intercept0
    if problem.offset is not None:  # several classes have none
        eta += problem.offset[:, None]
    train = losses(metric, problem.likelihood, problem.y, eta, problem.weights)
    parts = resample(
        problem, lambdas, setup.model.lambda_scale, draws=draws, seed=select.seed,
        groups=setup.dataset.groups, jobs=select.jobs, progress=progress,
    )  # fmt: skip
    found = summed_up(parts)
    content |= {
        "method": "bootstrap", "estimate": True, "noise_by": "least_along_path",
        "train_error": floats(train), "rows_left_out": len(parts.rest),
    }  # fmt: skip
    content |= _parts(
        _normal(found.bias2, found.bias2_se), _normal(found.variance, found.variance_se),
        _normal(found.test_error, found.test_error_se),
        _normal(np.array([found.noise]), np.array([found.noise_se]))[:, 0],
    )  # fmt: skip
    weakest = int(np.argmin(lambdas))
    curves = Curves(
        lambdas, train, found.test_error, found.bias2, found.variance, np.nan, result.curve.mean,
        float(found.test_error[weakest]), f"lambda {brief(float(lambdas[weakest]))}",
    )  # fmt: skip
    return content | _cross_validated(result) | read_off(curves, metric)


def _normal(value: FloatArray, se: FloatArray) -> FloatArray:
    """Return values with the ends of their normal bands, not below 0: (3, L)."""
    width = 1.959963984540054 * se
    return np.vstack([value, np.maximum(value - width, 0.0), value + width])


def _begun(setup: Setup, select: SelectSpec, result: CVResult, draws: int) -> dict[str, Any]:
    """Return the first keys of a result with a cross-validation, and what its curve warns of."""
    folds = result.folds
    content = setup.envelope("tradeoff", select, folds=folds.k, repeats=folds.repeats, draws=draws)
    content["warnings"] += curve_warnings(setup, choice_of(result.curve, result.metric, "min"))
    return content | {"metric": result.metric, "lambdas": result.curve.lambdas.tolist()}


def _parts(
    bias2: FloatArray, variance: FloatArray, test_error: FloatArray, noise: FloatArray
) -> dict[str, Any]:
    """Return the keys of the parts, each (3, L): value, lower and upper end; the noise (3,)."""
    ends = ("", "_low", "_high")
    named = {"bias2": bias2, "variance": variance, "test_error": test_error}
    found: dict[str, Any] = {
        f"{name}{end}": floats(row)
        for name, part in named.items()
        for end, row in zip(ends, part, strict=True)
    }
    return found | {f"noise{end}": finite(v) for end, v in zip(ends, noise.tolist(), strict=True)}


def _cross_validated(result: CVResult) -> dict[str, Any]:
    """Return the error of rows held out, beside which the expected error stands."""
    return {
        "test_error_estimated": floats(result.curve.mean),
        "test_error_estimated_se": floats(result.curve.se),
        "folds": result.folds.described(),
        "simulation": None,
    }


def _unknown_noise(form: SpectralForm) -> dict[str, Any]:
    why = (
        "the unpenalized fit leaves no residual"
        if form.by_residuals
        else f"{form.n_rows} rows leave {form.spare} residual degrees of freedom, "
        "and the signal may explain all there is"
    )
    message = f"the noise is not identified: {why}; bias and variance are left out"
    return {"code": "noise_not_identified", "message": message}
