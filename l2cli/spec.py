"""What was asked: frozen descriptions of a run, filled by the command line or by library calls.

Standard library only, so that options can be parsed and checked before any numeric library is imported.
Every field holds what the user said; nothing here is resolved against data.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from l2cli.checks import (
    check_factor,
    check_l1_ratio,
    check_lambda,
    check_relax_gamma,
    check_tweedie_power,
    one_of,
    whole,
)
from l2cli.errors import UsageError
from l2cli.gap import NO_GAP, Gap

FAMILIES = ("auto", "gaussian", "binomial", "multinomial", "poisson", "gamma", "tweedie")
FAMILY_WORDS = {
    "logistic": "binomial", "logit": "binomial", "bernoulli": "binomial", "softmax": "multinomial",
    "linear": "gaussian", "normal": "gaussian", "ols": "gaussian", "count": "poisson", "counts": "poisson",
}  # fmt: skip
"""What others call the families."""
SELECTORS = ("auto", "loo", "cv", "gcv", "evidence", "holdout")
FOLDLESS = ("loo", "gcv", "evidence", "holdout")
"""Ways to choose lambda that have no folds."""
NO_SE = ("gcv", "evidence")
"""Ways to choose lambda whose criterion has no standard error."""
RULES = ("min", "1se")
UNSEEN = ("error", "baseline", "missing")
"""What a level that no training row has may be taken for."""
SCALES = ("sum", "mean")
INFERENCES = ("shrunken", "debiased", "bootstrap")
GROUP_PENALTIES = ("lasso", "banded")
Bounds = Mapping[str, tuple[float | None, float | None]]
"""Names or globs of columns, and the two ends of each coefficient."""
METRICS = ("deviance", "mse", "rmse", "mae", "r2", "accuracy", "error", "auc", "log_loss", "brier", "f1")


class ReadSpec(NamedTuple):
    """How to read the file; ``None`` means: find out from the content.

    ``like`` are delimiter and decimal mark of the file that a model was trained on: a file with the same
    delimiter has the same mark unless it shows another.
    max_expanded : bytes that a compressed file, or all parts of a table, may unpack to; None: 1 GB, or 200
    times the size if more.
    """

    delimiter: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    na: tuple[str, ...] | None = None
    header: bool = True
    like: tuple[str, str] | None = None
    max_expanded: int | None = None


class ColumnSpec(NamedTuple):
    """Which columns play which role, and how they become numbers (SPEC section 2, columns and rows).

    ``more_targets`` are those beside ``target`` where several gaussian targets are fitted together. ``dates``
    makes year, month, weekday and hour of columns of dates; ``interactions`` are items ``a:b``.
    """

    target: str | None = None
    features: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    id: str | None = None
    positive: str | None = None
    weights: str | None = None
    offset: str | None = None
    exposure: str | None = None
    fold_column: str | None = None
    group_column: str | None = None
    time_column: str | None = None
    categorical: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()
    coding: str = "auto"
    reference: tuple[str, ...] = ()
    missing: str = "impute"
    more_targets: tuple[str, ...] = ()
    dates: bool = False
    interactions: tuple[str, ...] = ()


@dataclass(frozen=True)
class GridSpec:
    """The lambdas asked for, as given on the lambda scale in force.

    ``values`` holds an explicit list (a single ``--lambda`` too); ``low``/``high`` a log grid of ``count``
    points; all ``None`` the automatic grid of ``count`` points.
    """

    values: tuple[float, ...] | None = None
    low: float | None = None
    high: float | None = None
    count: int = 100

    @property
    def is_auto(self) -> bool:
        """True where the data decide the span."""
        return self.values is None and self.low is None

    @staticmethod
    def of(lambdas: str | Iterable[float] | GridSpec) -> GridSpec:
        """Return what a library call means by ``lambdas``: auto, auto:N, numbers, or a GridSpec.

        Raises
        ------
        UsageError
            If it is anything else, or a number is no lambda.
        """
        if isinstance(lambdas, GridSpec):
            return lambdas
        if isinstance(lambdas, str):
            word, colon, count = lambdas.partition(":")
            if word != "auto" or (colon and not count.isdecimal()):
                raise UsageError(f"lambdas {lambdas!r} is not available", hint="choose one of auto, auto:N")
            return GridSpec(count=int(count)) if colon else GridSpec()
        try:
            values = tuple(float(value) for value in lambdas)
        except (TypeError, ValueError, OverflowError):
            raise UsageError(
                f"lambdas must be 'auto', 'auto:N' or a sequence of numbers, not {lambdas!r}"
            ) from None
        return GridSpec(values=values)

    def __post_init__(self) -> None:
        for value in (*(self.values or ()), *(v for v in (self.low, self.high) if v is not None)):
            check_lambda(value, "--lambdas")
        if self.values is not None and not self.values:
            raise UsageError("--lambdas is empty", hint="give numbers, LO:HI[:N] or auto[:N]")
        if self.count < 1:
            raise UsageError(f"--lambdas needs at least one value, not {self.count}")
        if self.low is not None and (self.high is None or self.low <= 0 or self.high < self.low):
            raise UsageError(f"--lambdas {self.low:g}:{self.high:g}", hint="LO:HI needs 0 < LO <= HI")


def family_hint(name: str) -> str:
    """Return which family was meant by a name that is none, where that can be told, and all there are.

    >>> family_hint("logistic").partition("?")[0]
    "did you mean 'binomial'"
    """
    from difflib import get_close_matches  # few runs need it

    word = name.strip().lower()
    near = get_close_matches(word, FAMILIES, 1)
    meant = FAMILY_WORDS.get(word) or (near[0] if near else None)
    choose = f"choose one of {', '.join(FAMILIES)}"
    return choose if meant is None else f"did you mean '{meant}'? {choose}"


MOST_REPEATS = 1000
"""Cross-validation repeated more often would tell nothing new."""
LEAST_DRAWS, MOST_DRAWS = 20, 10_000
"""Bootstrap draws or replicates that bands can be read off."""


class GroupSpec(NamedTuple):
    """Groups of columns: ``named`` (name, members), or the indicator columns of every text column (dummies).

    penalty : ``lasso``, a norm over each group, or ``banded``, an L2 lambda for each. lambdas : (name, value)
    of a banded penalty; empty where they are to be chosen.
    """

    named: tuple[tuple[str, tuple[str, ...]], ...] = ()
    dummies: bool = False
    penalty: str = "lasso"
    lambdas: tuple[tuple[str, float], ...] = ()


def named_bounds(bounds: Bounds | None) -> tuple[tuple[str, float, float], ...]:
    """Return the bounds of a library call as a :class:`ModelSpec` holds them."""
    found = []
    for name, ends in (bounds or {}).items():
        try:
            low, high = ends
            item = (
                str(name),
                -math.inf if low is None else float(low),
                math.inf if high is None else float(high),
            )
        except (TypeError, ValueError, OverflowError):
            raise UsageError(f"bounds of {name!r} must be a pair of numbers or None, not {ends!r}") from None
        found.append(item)
    return tuple(found)


@dataclass(frozen=True)
class ModelSpec:
    """The objective: family, penalty, scaling, and the lambdas at which it is minimised.

    relax_gamma : None where it was not asked for, which is 1 (not relaxed). l1_ratios : several to choose
    from jointly with lambda, of which ``l1_ratio`` is the first; empty where there is one.
    """

    family: str = "auto"
    lambdas: GridSpec = field(default_factory=GridSpec)
    lambda_scale: str = "sum"
    penalty_factor: tuple[tuple[str, float], ...] = ()
    l1_ratio: float = 0.0
    standardize: bool = True
    intercept: bool = True
    tol: float | None = None
    tweedie_power: float | None = None
    bounds: tuple[tuple[str, float, float], ...] = ()
    groups: GroupSpec | None = None
    relax_gamma: float | None = None
    l1_ratios: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        one_of(self.lambda_scale, "lambda_scale", SCALES)
        if self.tweedie_power is not None:
            check_tweedie_power(self.tweedie_power, self.family)
        for ratio in self.l1_ratios or (self.l1_ratio,):
            self._check_ratio(ratio)
        if len(set(self.l1_ratios)) < len(self.l1_ratios):
            raise UsageError("--l1-ratio names a mix twice")
        if self.groups is not None:
            self._check_groups(self.groups)
        if self.tol is not None and not self.tol > 0:
            raise UsageError(f"tol must be larger than 0, not {self.tol!r}")

    def _check_ratio(self, ratio: float) -> None:
        if not 0.0 <= ratio <= 1.0:
            raise UsageError(f"l1_ratio must be between 0 and 1, not {ratio!r}")
        check_l1_ratio(ratio, "l1_ratio")
        if self.relax_gamma is not None:
            lasso = self.groups is not None and self.groups.penalty == "lasso"
            check_relax_gamma(self.relax_gamma, 1.0 if lasso else ratio)

    def _check_groups(self, groups: GroupSpec) -> None:
        one_of(groups.penalty, "group_penalty", GROUP_PENALTIES)
        if self.l1_ratio or self.l1_ratios:
            raise UsageError(
                "--l1-ratio has no meaning beside --groups", hint="groups have a lasso or a banded penalty"
            )
        if groups.penalty == "lasso" and groups.lambdas:
            raise UsageError("--group-lambda needs --group-penalty banded")
        for name, value in groups.lambdas:
            check_factor(value, f"--group-lambda {name}")


def check_inference(kind: str | None) -> str | None:
    """Return the kind of inference, or raise UsageError if there is none of that name."""
    if kind is not None:
        one_of(kind, "inference", INFERENCES)
    return kind


def refuse_several_mixes(model: ModelSpec, command: str) -> None:
    """Raise UsageError where a command that has one mix was given several."""
    if model.l1_ratios:
        raise UsageError(
            f"{command} has one --l1-ratio, not {len(model.l1_ratios)}",
            hint="l2cli cv and fit tune several jointly with lambda",
        )


@dataclass(frozen=True)
class SelectSpec:
    """How lambda is chosen and judged.

    select : ``auto`` is ``holdout`` where there is a ``holdout``.
    folds : None means 10, and that nobody asked for folds.
    gap : of time-ordered folds.
    jobs : processes, -1 one per processor, None as many as help.
    nested : judge by lambdas tuned inside the training rows of every fold.
    holdout : what ``select`` holdout judges by: a part of the rows, or the name of a table of other rows.
    unseen : what levels of that table are that no training row has: error, baseline (0) or missing.
    """

    select: str = "auto"
    rule: str = "min"
    folds: int | None = None
    repeats: int = 1
    metric: str | None = None
    seed: int = 0
    jobs: int | None = None
    nested: bool = False
    holdout: float | str | None = None
    unseen: str = "error"
    gap: Gap = NO_GAP

    def __post_init__(self) -> None:
        if self.select == "auto" and self.holdout is not None:
            object.__setattr__(self, "select", "holdout")
        one_of(self.select, "select", SELECTORS)
        one_of(self.rule, "rule", RULES)
        for name, least in (("repeats", 1), ("seed", 0), ("folds", 2), ("jobs", 1)):
            value = getattr(self, name)
            if value is not None or name in ("repeats", "seed"):
                special = -1 if name == "jobs" else None
                object.__setattr__(self, name, whole(value, name, least, special=special))
        if self.select in NO_SE and self.rule == "1se":
            raise UsageError(
                f"--rule 1se needs a standard error, which {self.select} does not have", hint="use loo or cv"
            )
        self._check_holdout()
        if self.select == "evidence" and self.metric is not None:
            raise UsageError(
                "--select evidence judges by the marginal likelihood, so --metric has nothing to do",
                hint="leave one of them out",
            )

    def _check_holdout(self) -> None:
        if self.select == "holdout" and self.holdout is None:
            hint = "give a part of the rows, --holdout 0.25, or a file"
            raise UsageError("--select holdout needs --holdout", hint=hint)
        if self.select != "holdout" and self.holdout is not None:
            meant = f"--holdout means --select holdout, not {self.select}"
            raise UsageError(meant, hint="leave one of them out")
        if isinstance(self.holdout, int | float) and not 0.0 < self.holdout < 1.0:
            raise UsageError(
                f"--holdout must lie between 0 and 1, not {self.holdout:g}",
                hint="0.25 holds out a quarter of the rows; or name a file of other labelled rows",
            )
        one_of(self.unseen, "unseen", UNSEEN)
        if self.unseen != "error" and not isinstance(self.holdout, str):
            raise UsageError(
                "--unseen is for levels of a --holdout file that no training row has", hint="leave it out"
            )
        if self.holdout is not None and self.rule == "1se" and self.metric in ("auc", "f1"):
            raise UsageError(
                f"--rule 1se needs a standard error, which the {self.metric} of one part does not have",
                hint="use cv, or another --metric",
            )

    @property
    def k(self) -> int:
        """Number of folds."""
        return 10 if self.folds is None else self.folds
