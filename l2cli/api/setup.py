"""What every command does first: dataset to problem, lambdas to try, folds, and how the result names them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli._version import __version__
from l2cli.api.suspects import feature_warnings
from l2cli.core.conventions import equivalents
from l2cli.core.families import DEFAULT_POWER
from l2cli.core.grid import lambda_grid
from l2cli.core.metrics import check_metric, default_metric
from l2cli.core.problem import Problem, make_problem
from l2cli.core.sharing import each_target
from l2cli.core.solvers.ridge import RidgeFactor
from l2cli.data.dataset import Dataset
from l2cli.data.folds import Folds, draw_folds, draw_heldout, given_folds, time_folds
from l2cli.data.layout import refuse_large_folds
from l2cli.data.table import Table
from l2cli.data.time_order import most_folds
from l2cli.data.wording import quoted
from l2cli.errors import FitError
from l2cli.select.cv import CVResult, cross_validate, fold_fits, gaussian_fold_fits
from l2cli.select.gaussian_folds import GaussianFolds
from l2cli.select.learner import FoldFits
from l2cli.spec import ModelSpec, SelectSpec

FloatArray = npt.NDArray[np.float64]
Progress = Callable[[str, int, int], None]
LEVEL = 0.95
"""Level of every interval."""


class FoldsTogether:
    """The fold fits of several targets: made once, when the first target asks for them."""

    def __init__(self, several: Problem) -> None:
        self.several = several
        self._fits: GaussianFolds | None = None

    def fits(
        self, problem: Problem, folds: Folds, scale: str, progress: Progress | None = None
    ) -> GaussianFolds:
        """Return the fold fits of the target whose problem this is."""
        if self._fits is None:
            self._fits = gaussian_fold_fits(self.several, folds, scale, progress)
        assert problem.shared is not None
        return self._fits.for_target(problem.shared.target, problem)


class Setup(NamedTuple):
    """A dataset as a problem, with what was asked of the model."""

    dataset: Dataset
    problem: Problem
    model: ModelSpec
    together: FoldsTogether | None = None
    group_lambdas: Mapping[str, float] | None = None
    """Lambdas of a banded penalty, which the problem's factors hold."""
    warnings: tuple[dict[str, Any], ...] = ()
    """About the features, made while they were as in the file."""
    hurried: bool = False
    """Only the lambda chosen counts, not the curve: where lambdas are dear, not all of a grid are tried."""

    @property
    def weight(self) -> float:
        """What a lambda on the scale in force is multiplied with to be on the sum scale."""
        return self.problem.weight_sum if self.model.lambda_scale == "mean" else 1.0

    def each(self) -> list[Setup]:
        """Return a setup for every target; they share what does not depend on the target."""
        if not self.dataset.schema.more_targets:
            return [self]
        if self.problem.blocks is not None:  # nothing is shared
            return [
                self._replace(
                    dataset=self.dataset.for_target(t),
                    problem=self.problem._replace(y=np.ascontiguousarray(self.problem.y[:, t])),
                )
                for t in range(self.problem.y.shape[1])
            ]
        together = FoldsTogether(self.problem)
        return [
            Setup(self.dataset.for_target(t), problem, self.model, together, warnings=self.warnings)
            for t, problem in enumerate(each_target(self.problem))
        ]

    def grid(self, factor: RidgeFactor | None = None) -> tuple[FloatArray, bool]:
        """Return the lambdas to try on the scale in force, and whether they were chosen automatically."""
        return lambda_grid(self.model.lambdas, self.problem, factor, weight=self.weight)

    def folds(self, select: SelectSpec) -> Folds:
        """Return the folds asked for: given, in time order, by group, stratified (by class) or by rows.

        Where nobody asked for a number, few rows get as many as can all be filled, and a note says so.
        """
        dataset = self.dataset
        if dataset.fold_labels is not None:
            return given_folds(dataset.fold_labels, dataset.fold_names)
        self._refuse_lone_classes()
        strata, k = self._strata(), select.k
        if select.folds is None:
            most, why = self._most_folds(select, strata)
            if most < k:
                k = max(2, most)
                note = f"{k} folds instead of {select.k}: there are {why}"
                dataset.notes.extend([note] if note not in dataset.notes else [])
        if dataset.time is not None:
            return time_folds(dataset.time, k, select.gap)
        return draw_folds(
            dataset.n_rows,
            k,
            seed=select.seed,
            repeats=select.repeats,
            strata=strata,
            groups=dataset.groups,
        )

    def _refuse_lone_classes(self) -> None:
        """Raise FitError where a class of one row is held out by some fold, whatever the folds."""
        dataset, labels = self.dataset, self.dataset.schema.classes
        if labels is None or dataset.time is not None:
            return
        counts = np.bincount(dataset.y.astype(np.int64), minlength=len(labels))
        if lone := [labels[i] for i in np.flatnonzero(counts == 1)]:
            one = len(lone) == 1
            raise FitError(
                f"{'class' if one else 'classes'} {quoted(lone)} of one row{'' if one else ' each'}: the fold"
                " that holds it out has none to train on",
                hint="leave such rows out, join classes, or give --lambda",
                code="lone_class",
            )

    def _most_folds(self, select: SelectSpec, strata: npt.NDArray[np.int64] | None) -> tuple[int, str]:
        """Return how many folds can be filled, in time order of those that are usual, and by what."""
        dataset = self.dataset
        if dataset.time is not None:
            return most_folds(dataset.time, select.k, select.gap), "no more blocks of different times"
        most, what = dataset.n_rows, "rows"
        if dataset.groups is not None:
            most, what = len(np.unique(dataset.groups)), "groups"
        elif strata is not None:
            most, what = int(np.bincount(strata).max()), "rows of the largest class"
        return most, f"{most} {what}"

    def heldout_rows(self, select: SelectSpec) -> npt.NDArray[np.int64]:
        """Return the rows (m,) of the part held out: whole groups, or some of every class, or of all rows."""
        dataset = self.dataset
        assert isinstance(select.holdout, float)
        return draw_heldout(
            dataset.n_rows, select.holdout, seed=select.seed, strata=self._strata(), groups=dataset.groups
        )

    def _strata(self) -> npt.NDArray[np.int64] | None:
        """Return the class of every row (n,), None where there are none or rows are grouped or in time."""
        dataset = self.dataset
        classes = dataset.schema.classes is not None and dataset.groups is None and dataset.time is None
        return dataset.y.astype(np.int64) if classes else None

    def fold_fits(self, folds: Folds, select: SelectSpec, progress: Progress | None = None) -> FoldFits:
        """Return the fold fits of the problem on the lambda scale in force."""
        if self.problem.blocks is None:
            problem = self.problem
            refuse_large_folds(
                problem.n_rows, problem.n_columns, folds.k * folds.repeats,
                gaussian=problem.family == "gaussian", classes=problem.n_classes,
            )  # fmt: skip
        if self.together is not None:
            return self.together.fits(self.problem, folds, self.model.lambda_scale, progress)
        return fold_fits(self.problem, folds, self.model.lambda_scale, jobs=select.jobs, progress=progress)

    def cross_validate(
        self, select: SelectSpec, progress: Progress | None = None
    ) -> tuple[CVResult, RidgeFactor | None]:
        """Return the cross-validation asked for, and the factor of all rows where it came with it."""
        metric, folds = self.metric(select), self.folds(select)
        fits = self.fold_fits(folds, select, progress)
        factor = fits.full_factor()
        grid, automatic = self.grid(factor)
        rule = select.rule if self.hurried else None
        return cross_validate(fits, folds, grid, metric=metric, automatic=automatic, only=rule), factor

    def metric(self, select: SelectSpec) -> str:
        """Return the metric asked for, checked, or the family's own."""
        return check_metric(select.metric or default_metric(self.dataset.family), self.dataset.family)

    def equivalents(self, lam: float) -> dict[str, float]:
        """Return what other tools call a lambda (scale in force), where they have such a model.

        Penalty factors and bounds are in glmnet alone; offsets, but of gaussian targets, not in scikit-learn.
        """
        dataset, f = self.dataset, self.problem.factors
        if self.model.groups is not None:  # no other tool has this penalty on these columns
            return {"lambda_mean": lam * self.weight / self.problem.weight_sum}
        spread = dataset.target_sd if self.model.intercept else dataset.target_rms
        found = equivalents(
            lam * self.weight, family=dataset.family, weight_sum=self.problem.weight_sum,
            n_rows=dataset.n_rows, target_sd=spread, l1_ratio=self.model.l1_ratio,
            factor_mean=float(f.mean()) if len(f) else 1.0,
        )  # fmt: skip
        own = bool((f != 1.0).any()) or self.problem.box is not None
        lost = ["sklearn_", "torch_"] if own else []
        lost += ["sklearn_"] if self.problem.offset is not None and dataset.family != "gaussian" else []
        lost += ["glmnet_"] if len(f) and not f.any() else []  # which refuses to penalize nothing
        return {key: value for key, value in found.items() if not key.startswith(tuple(lost))}

    def envelope(self, command: str, choosing: SelectSpec | None, **settings: Any) -> dict[str, Any]:
        """Return the keys that every result starts with."""
        dataset, model = self.dataset, self.model
        data: dict[str, Any] = {
            "source": dataset.source,
            "rows_read": dataset.rows_read,
            "rows_used": dataset.n_rows,
            "target": dataset.schema.target,
            "target_default": dataset.target_default,
            "features": list(dataset.features),
            "weight_sum": self.problem.weight_sum,
            "target_sd": None if dataset.family == "multinomial" else dataset.target_sd,
            "notes": list(dataset.notes),
        }
        if (classes := dataset.schema.classes) is not None:
            data |= class_counts(dataset.y, classes, dataset.family)
        if (other := dataset.holdout) is not None:
            data["holdout"] = {
                "source": other.source,
                "rows_read": other.rows_read,
                "rows_used": len(other.y),
                "weight_sum": float(len(other.y) if other.weights is None else other.weights.sum()),
                "drift": [dict(item) for item in other.drift],
            }
        common: dict[str, Any] = {
            "family": dataset.family,
            "l1_ratio": model.l1_ratio if model.groups is None or model.groups.penalty == "banded" else None,
            "relax_gamma": model.relax_gamma,
            "standardize": model.standardize,
            "intercept": model.intercept,
            "lambda_scale": model.lambda_scale,
            "coding": {f.name: f.coding for f in dataset.schema.features if f.kind == "category"},
            "missing": dataset.schema.missing,
            "dates": any(f.date is not None for f in dataset.schema.features),
            "interactions": [interaction.name for interaction in dataset.schema.interactions],
            "tweedie_power": self.problem.power if dataset.family == "tweedie" else None,
            "groups": _group_columns(dataset),
            "group_lambdas": None if self.group_lambdas is None else dict(self.group_lambdas),
            "group_penalty": None if model.groups is None else model.groups.penalty,
            "bounds": None if dataset.bounds is None else _pairs(dataset.bounds),
            "penalty_factor": None
            if dataset.penalty_factor is None
            else [float(v) for v in dataset.penalty_factor],
        }
        if choosing is not None:
            common["seed"] = choosing.seed
            common["time_column"] = None if dataset.time is None else dataset.time.name
            common["gap"] = choosing.gap.given
        return {
            "schema": f"l2cli/{command}/1",
            "version": __version__,
            "level": LEVEL,
            "data": data,
            "settings": common | settings,
            "warnings": [*dataset.warnings, *self.warnings],
        }


def prepare(dataset: Dataset, model: ModelSpec, holdout: Table | None = None, unseen: str = "error") -> Setup:
    """Return the setup of a dataset; its X is standardized in place and must not be used again.

    ``holdout`` is a table of labelled rows by whose error lambda is to be chosen, ``unseen`` what its levels
    are that no training row has.
    """
    warnings = tuple(feature_warnings(dataset))
    if holdout is None:
        return Setup(dataset, problem_of(dataset, model), model, warnings=warnings)
    from l2cli.api.holdout import Holdout  # few fits have such a table

    other = Holdout(dataset, holdout, unseen)
    problem = problem_of(dataset, model)
    return Setup(other.beside(dataset, problem), problem, model, warnings=warnings)


def problem_of(dataset: Dataset, model: ModelSpec) -> Problem:
    """Return the problem of a dataset; its X is standardized in place."""
    settings: dict[str, Any] = {
        "family": dataset.family, "power": model.tweedie_power or DEFAULT_POWER,
        "weights": dataset.weights, "offset": dataset.offset,
        "penalty_factor": dataset.penalty_factor, "l1_ratio": model.l1_ratio,
        "intercept": model.intercept, "standardize": model.standardize,
    }  # fmt: skip
    if dataset.design is not None:  # bounds, groups and relaxed fits have one matrix
        from l2cli.core.block_problem import make_block_problem  # most designs are one

        return make_block_problem(dataset.design, dataset.y, **settings)
    return make_problem(
        dataset.X, dataset.y, bounds=dataset.bounds, groups=_lasso_groups(dataset, model),
        products=dataset.products, relax_gamma=1.0 if model.relax_gamma is None else model.relax_gamma,
        overwrite=True, **settings,
    )  # fmt: skip


def _lasso_groups(dataset: Dataset, model: ModelSpec) -> npt.NDArray[np.int64] | None:
    """Return the groups (p,) of a group lasso."""
    if dataset.column_groups is None or model.groups is None or model.groups.penalty != "lasso":
        return None
    return dataset.column_groups.labels


def _group_columns(dataset: Dataset) -> dict[str, list[str]] | None:
    """Return the design columns of every group with a name."""
    groups = dataset.column_groups
    if groups is None:
        return None
    columns: dict[str, list[str]] = {name: [] for name in groups.names[: groups.named]}
    for name, g in zip(dataset.features, groups.labels.tolist(), strict=True):
        if g < groups.named:
            columns[groups.names[g]].append(name)
    return columns


def class_counts(y: FloatArray, classes: tuple[str, ...], family: str) -> dict[str, Any]:
    """Return how often each class is there, y being its place, and for binomial which one is positive."""
    counts = np.bincount(y.astype(np.int64), minlength=len(classes)).tolist()
    found: dict[str, Any] = {
        "classes": [{"label": label, "count": n} for label, n in zip(classes, counts, strict=True)]
    }
    return found | ({"positive": classes[1]} if family == "binomial" else {})


def _pairs(bounds: tuple[FloatArray, FloatArray]) -> list[list[float | None]]:
    """Return [lower, upper] of every design column, None where there is none."""
    return [[finite(low), finite(high)] for low, high in zip(*bounds, strict=True)]


def brief(value: float) -> str:
    """Return a number with three digits, and none of its integer part lost: 1123, not 1.12e+03."""
    return f"{value:.0f}" if 1e3 <= value < 1e7 else f"{value:.3g}"


def finite(value: float | None) -> float | None:
    """Return a float, or None for what JSON cannot say."""
    return float(value) if value is not None and np.isfinite(value) else None


def floats(values: FloatArray) -> list[float | None]:
    """Return a list of floats, None where not finite."""
    plain: list[float | None] = values.tolist()
    return plain if np.isfinite(values).all() else [finite(v) for v in plain]
