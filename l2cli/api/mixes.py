"""Several mixes of L1 and L2 tuned jointly with lambda: each has its curve, on the same rows held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from l2cli.api.setup import Progress, Setup
from l2cli.core.solvers.ridge import RidgeFactor
from l2cli.errors import UsageError
from l2cli.select.curve import Curve, best_of
from l2cli.select.cv import CVResult
from l2cli.spec import SelectSpec


class Mix(NamedTuple):
    """A mix, its cross-validation and the factor of all rows where it came with it."""

    setup: Setup
    result: CVResult
    factor: RidgeFactor | None


class Mixes(NamedTuple):
    """Every mix tried, in the order asked for, and the best of them: the first of equal ones."""

    tried: Sequence[Mix]
    best: Mix

    @property
    def curves(self) -> list[Curve]:
        """The curve of every mix."""
        return [mix.result.curve for mix in self.tried]

    @property
    def setups(self) -> list[Setup]:
        """The setup of every mix."""
        return [mix.setup for mix in self.tried]


def notes_of_mixes(setups: Sequence[Setup], best: Setup, way: str) -> list[str]:
    """Return which mix was chosen, of two and more."""
    if len(setups) == 1:
        return []
    tried = ", ".join(f"{setup.model.l1_ratio:g}" for setup in setups)
    return [f"l1_ratio {best.model.l1_ratio:g} chosen from {tried} by {way}"]


def table_of_mixes(setups: Sequence[Setup], curves: Sequence[Curve]) -> tuple[dict[str, Any], ...]:
    """Return the best lambda and error of every mix."""
    return tuple(
        {
            "l1_ratio": setup.model.l1_ratio,
            "lambda": float(curve.lambdas[curve.index_min]),
            "value": float(curve.mean[curve.index_min]),
        }
        for setup, curve in zip(setups, curves, strict=True)
    )


def setups_of_mixes(setup: Setup) -> list[Setup]:
    """Return a setup for every mix of the model: itself where there is one."""
    return [
        setup._replace(
            # what targets share is of one mix
            problem=setup.problem._replace(l1_ratio=ratio, shared=None),
            model=replace(setup.model, l1_ratio=ratio, l1_ratios=()),
            together=None,
        )
        for ratio in setup.model.l1_ratios
    ] or [setup]


def cross_validate_mixes(setup: Setup, select: SelectSpec, progress: Progress | None = None) -> Mixes:
    """Cross-validate lambda at every mix of the model, on the same folds.

    Raises
    ------
    UsageError
        Another way than cross-validation was asked for beside several mixes, or they are to be nested.
    """
    if setup.model.l1_ratios and select.select not in ("auto", "cv"):
        raise UsageError(
            f"--select {select.select} tunes lambda alone, not several --l1-ratio",
            hint="use --select cv or --holdout",
        )
    if setup.model.l1_ratios and select.nested:
        raise UsageError(
            "--nested tunes lambda alone, not several --l1-ratio", hint="give one --l1-ratio with --nested"
        )
    tried = [Mix(mixed, *mixed.cross_validate(select, progress)) for mixed in setups_of_mixes(setup)]
    return Mixes(tried, tried[best_of([mix.result.curve for mix in tried])])
