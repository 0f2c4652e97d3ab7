"""Several mixes of L1 and L2 tuned jointly with lambda: each has its curve, on the same folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from l2cli.api.setup import Progress, Setup
from l2cli.core.solvers.ridge import RidgeFactor
from l2cli.errors import UsageError
from l2cli.select.cv import CVResult
from l2cli.spec import SelectSpec


class Mix(NamedTuple):
    """A mix, its cross-validation and the factor of all rows where it came with it."""

    setup: Setup
    result: CVResult
    factor: RidgeFactor | None

    @property
    def ratio(self) -> float:
        """The l1_ratio."""
        return self.setup.model.l1_ratio

    @property
    def loss(self) -> float:
        """The best mean over lambda, as something to minimise."""
        curve = self.result.curve
        return float(curve.loss[curve.index_min])


class Mixes(NamedTuple):
    """Every mix tried, in the order asked for, and the best of them: the first of equal ones."""

    tried: Sequence[Mix]
    best: Mix

    def notes(self) -> list[str]:
        """Return which mix was chosen, of two and more."""
        if len(self.tried) == 1:
            return []
        tried = ", ".join(f"{mix.ratio:g}" for mix in self.tried)
        return [f"l1_ratio {self.best.ratio:g} chosen from {tried} by cross-validation"]

    def compact(self) -> list[dict[str, Any]]:
        """Return the best lambda and error of every mix, of two and more."""
        if len(self.tried) == 1:
            return []
        return [
            {
                "l1_ratio": mix.ratio,
                "lambda": float(mix.result.curve.lambdas[mix.result.curve.index_min]),
                "value": float(mix.result.curve.mean[mix.result.curve.index_min]),
            }
            for mix in self.tried
        ]


def cross_validate_mixes(setup: Setup, select: SelectSpec, progress: Progress | None = None) -> Mixes:
    """Cross-validate lambda at every mix of the model, on the same folds.

    Raises
    ------
    UsageError
        Another way than cross-validation was asked for beside several mixes, or they are to be nested.
    """
    ratios = setup.model.l1_ratios
    if not ratios:
        result, factor = setup.cross_validate(select, progress)
        mix = Mix(setup, result, factor)
        return Mixes([mix], mix)
    if select.select not in ("auto", "cv"):
        raise UsageError(
            f"--select {select.select} tunes lambda alone, not several --l1-ratio", hint="use --select cv"
        )
    if select.nested:
        raise UsageError(
            "--nested tunes lambda alone, not several --l1-ratio", hint="give one --l1-ratio with --nested"
        )
    tried = []
    for ratio in ratios:
        # what targets share is of one mix
        problem = setup.problem._replace(l1_ratio=ratio, shared=None)
        model = replace(setup.model, l1_ratio=ratio, l1_ratios=())
        mixed = setup._replace(problem=problem, model=model, together=None)
        tried.append(Mix(mixed, *mixed.cross_validate(select, progress)))
    return Mixes(tried, min(tried, key=lambda mix: mix.loss))
