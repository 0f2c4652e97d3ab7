"""``compare``: several models on identical folds, with paired differences and a plain verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from l2cli.api.setup import LEVEL, Progress, Setup, finite, floats, prepare
from l2cli.api.targets import joined
from l2cli.core.relaxed import relaxed_path
from l2cli.data.dataset import Dataset
from l2cli.data.folds import Folds
from l2cli.errors import FitError, UsageError
from l2cli.select.candidates import GROUP_LASSO, Candidate, parse_candidates
from l2cli.select.compare import Comparison, Contender
from l2cli.select.confidence import interval
from l2cli.select.cv import cross_validate
from l2cli.select.scores import Pair, Scores, compare_pair, least_error, model_spread, ranking
from l2cli.select.spread import Spread, share_of_rows
from l2cli.spec import ModelSpec, SelectSpec, refuse_several_mixes

SIGNIFICANT = 0.05


@dataclass(frozen=True, eq=False)
class CompareResult:
    """A comparison; ``models`` and ``pairs`` are rows of plain values, best model first.

    Of several targets these follow one another, each row with its ``target``; the verdict has a line each.
    """

    models: list[dict[str, Any]] = field(repr=False)
    pairs: list[dict[str, Any]] = field(repr=False)
    verdict: str
    content: dict[str, Any] = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain Python."""
        return self.content


def compare_dataset(
    dataset: Dataset,
    model: ModelSpec,
    select: SelectSpec,
    models: Sequence[str] = (),
    progress: Progress | None = None,
) -> CompareResult:
    """Compare models on a dataset (which is used up); each is tuned inside its own training folds.

    Several targets are compared one by one, on the same folds. The default metric is the mse for gaussian
    targets (whose root the screen shows) and else the deviance.

    Raises
    ------
    UsageError
        Unknown models or impossible folds.
    FitError
        No model has a finite fit.
    """
    refuse_several_mixes(model, "compare")
    if model.groups is not None and model.groups.penalty == "banded":
        raise UsageError(
            "compare has no banded model", hint="compare l2cli cv --group-penalty banded by hand"
        )
    candidates = parse_candidates(models, model.l1_ratio, groups=model.groups is not None)
    # every candidate brings its own penalty: what a ridge of several targets shares is of no use
    setups = [
        setup._replace(problem=setup.problem._replace(shared=None), together=None)
        for setup in prepare(dataset, replace(model, groups=None)).each()
    ]
    return _together([_compare(setup, candidates, select, progress) for setup in setups])


def _together(results: Sequence[CompareResult]) -> CompareResult:
    """Return the comparisons of all targets as one: the comparison itself where there is one target."""
    if len(results) == 1:
        return results[0]
    content = joined([result.content for result in results])
    names = [str(part["target"]) for part in content["targets"]]
    models, pairs = (
        [
            {"target": name} | row
            for name, result in zip(names, results, strict=True)
            for row in getattr(result, key)
        ]
        for key in ("models", "pairs")
    )
    verdicts = [f"{name}: {result.verdict}" for name, result in zip(names, results, strict=True)]
    return CompareResult(models, pairs, "\n".join(verdicts), content)


def _compare(
    setup: Setup, candidates: Sequence[Candidate], select: SelectSpec, progress: Progress | None
) -> CompareResult:
    """Compare the candidates on one target."""
    model = setup.model
    metric = setup.metric(select)
    folds = setup.folds(select)
    tuned = {c.penalty for c in candidates if c.kind == "tuned"}
    contenders = {
        penalty: _contender(setup, *penalty, folds, select, tuned=penalty in tuned)
        for penalty in sorted({c.penalty for c in candidates})
    }
    comparison = Comparison(
        contenders, folds, metric, model.lambda_scale,
        groups=setup.dataset.groups, seed=select.seed, jobs=select.jobs,
    )  # fmt: skip
    scores = ranking(comparison.run(candidates, progress), metric)
    if not np.isfinite(scores[0].mean):
        raise FitError(
            f"no model could be fitted: {scores[0].problem}", hint="leave a model out or give fewer features"
        )
    lambdas = _tuned_lambdas(scores, contenders)
    told = [s for s in scores if np.isfinite(s.mean)]
    spread = model_spread(told, comparison.fits, metric, comparison.groups)
    pairs = _pairs(scores, spread, metric, least_error(setup.problem, metric))
    dfs = _effective_df(setup, comparison, told, lambdas)
    content = setup.envelope("compare", select, folds=folds.k, repeats=folds.repeats)
    content["warnings"] += [
        {"code": "no_finite_fit", "message": f"{s.candidate.name}: {s.problem}"}
        for s in scores
        if s.problem is not None
    ]
    content["warnings"] += [
        {"code": "outside_model", "message": f"{s.candidate.spec}: {text}"} for s in scores for text in s.said
    ]
    content |= {
        "metric": metric,
        "folds": folds.described(),
        "fold_sizes": folds.sizes(),
        "models": [
            _model_row(s, lambdas.get(name), _interval(setup, comparison, s, i, spread, dfs.get(name)))
            for i, s in enumerate(scores)
            for name in [s.candidate.name]
        ],
        "pairs": [_pair_row(pair) for pair in pairs],
        "verdict": _verdict(scores, pairs),
    }
    return CompareResult(content["models"], content["pairs"], content["verdict"], content)


def _contender(
    setup: Setup, l1_ratio: float, relax_gamma: float, folds: Folds, select: SelectSpec, *, tuned: bool
) -> Contender:
    """Return the problem with another mix, its grid, its fold fits and, if it is tuned, their curve.

    A grid that grows does so on all folds, as in ``cv``: what is tuned inside one has the same lambdas.
    """
    if l1_ratio == GROUP_LASSO:
        assert setup.dataset.column_groups is not None
        problem = setup.problem.with_groups(setup.dataset.column_groups.labels)
    else:
        problem = setup.problem._replace(l1_ratio=l1_ratio, relax_gamma=relax_gamma)
    mixed = setup._replace(problem=problem)
    fits = mixed.fold_fits(folds, select)
    grid, automatic = mixed.grid(fits.full_factor())
    if not tuned:
        return Contender(mixed.problem, grid, fits)
    curve = cross_validate(fits, folds, grid, metric=setup.metric(select), automatic=automatic).curve
    return Contender(mixed.problem, curve.lambdas, fits, curve)


def _tuned_lambdas(
    scores: Sequence[Scores], contenders: Mapping[tuple[float, float], Contender]
) -> dict[str, float]:
    """Return the lambda that each tuned candidate chooses on all rows, by its name."""
    found = [(s.candidate, contenders[s.candidate.penalty].curve) for s in scores]
    return {
        candidate.name: float(curve.lambdas[curve.index_by(candidate.rule)])
        for candidate, curve in found
        if candidate.kind == "tuned" and curve is not None
    }


def _pairs(scores: Sequence[Scores], spread: Spread, metric: str, least: float) -> list[Pair]:
    """Return every pair, the better model first; ``spread`` is of those that have an error: these first."""
    pairs = []
    for i, a in enumerate(scores):
        for j, b in enumerate(scores[i + 1 :], i + 1):
            known = [at for at in (i, j) if at < len(spread.covariance)]
            own = spread._replace(covariance=spread.covariance[np.ix_(known, known)])
            pairs.append(compare_pair(a, b, own, metric, LEVEL, least))
    return pairs


def _model_row(score: Scores, lam: float | None, span: tuple[float | None, float | None]) -> dict[str, Any]:
    candidate = score.candidate
    return {
        "name": candidate.name,
        "spec": candidate.spec,
        "lambda": 0.0 if candidate.kind == "ols" else lam,
        "mean": finite(score.mean),
        "se": finite(score.se),
        "ci_low": span[0],
        "ci_high": span[1],
        "fit_s": score.seconds,
        "fold_losses": floats(score.values),
    }


def _interval(
    setup: Setup, comparison: Comparison, score: Scores, i: int, spread: Spread, df: float | None
) -> tuple[float | None, float | None]:
    """Return the interval of a model's error, as ``cv`` makes it."""
    if not np.isfinite(score.mean):
        return None, None
    if score.candidate.kind == "mean" and spread.covariance[i, i] == 0.0:  # an r2 of 0, an auc of one half
        return score.mean, score.mean
    share = None if df is None else share_of_rows(setup.problem, df, comparison.groups)
    span = interval(score.mean, float(spread.covariance[i, i]), spread, comparison.metric, share, LEVEL)
    return span.low, span.high


def _effective_df(
    setup: Setup, comparison: Comparison, told: Sequence[Scores], lambdas: Mapping[str, float]
) -> dict[str, float]:
    """Return the degrees of freedom of candidates fitted to all rows, by name, of those that are known.

    The lambdas of one penalty are solved together, from one look at the rows.
    """
    found = {s.candidate.name: 0.0 for s in told if s.candidate.kind == "mean"}
    for penalty, contender in comparison.contenders.items():
        own = [s.candidate for s in told if s.candidate.kind in ("ols", "tuned")]
        at = {c.name: lambdas.get(c.name, 0.0) * setup.weight for c in own if c.penalty == penalty}
        if at:
            with suppress(FitError):  # the folds have fits, all rows have none
                path = relaxed_path(contender.problem, np.array(list(at.values())))
                found |= dict(zip(at, path.effective_df.tolist(), strict=True))
    return found


def _pair_row(pair: Pair) -> dict[str, Any]:
    return {
        "a": pair.a,
        "b": pair.b,
        "difference": finite(pair.difference),
        "ci_low": finite(pair.ci_low),
        "ci_high": finite(pair.ci_high),
        "p_value": finite(pair.p_value),
        "verdict": _words(pair),
    }


def _words(pair: Pair) -> str:
    """Say what a pair's difference means for its first model, whose mean error is the better one."""
    if not np.isfinite(pair.p_value):
        return "not comparable"
    return "no detectable difference" if pair.p_value >= SIGNIFICANT else "better"


def _verdict(scores: Sequence[Scores], pairs: Sequence[Pair]) -> str:
    """Say in one line which model is best, which do as well, and which are worse."""
    best = scores[0].candidate.name
    own = {p.b: p for p in pairs if p.a == best}
    same = [
        s.candidate.name
        for s in scores[1:]
        if s.candidate.name in own and _words(own[s.candidate.name]) == "no detectable difference"
    ]
    worse = [
        s.candidate.name
        for s in scores[1:]
        if s.candidate.name in own and _words(own[s.candidate.name]) == "better"
    ]
    if not worse and same:
        return f"no detectable difference between {_list([best, *same])}"
    first = (
        f"{best} is best" if not same else f"{best} is best, with no detectable difference to {_list(same)}"
    )
    return first + (f"; {_list(worse)} {'is' if len(worse) == 1 else 'are'} worse" if worse else "")


def _list(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
