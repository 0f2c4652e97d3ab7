"""``explain``: why the model is as it is: importance, shrinkage, collinearity, influence, what it cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from l2cli.api.beside import Beside, fit_beside
from l2cli.api.decision import Decision
from l2cli.api.explained import (
    LEADING,
    Units,
    condition_of,
    feature_rows,
    importance_rows,
    influence_of,
    units_of,
)
from l2cli.api.fit import FitResult, decided_fit, together
from l2cli.api.setup import Progress, Setup, prepare
from l2cli.api.targets import joined
from l2cli.api.verdicts import verdicts
from l2cli.api.worth import Solves, cost_of, measured_solves
from l2cli.core.objective import null_deviance
from l2cli.core.relaxed import relaxed_path
from l2cli.data.dataset import Dataset
from l2cli.data.table import Table
from l2cli.diagnostics.collinearity import group_inflation, variance_inflation
from l2cli.diagnostics.smoother import Smoother, class_freedom, curvature_gram, make_smoother
from l2cli.models.model import Model
from l2cli.spec import ModelSpec, SelectSpec

FloatArray = npt.NDArray[np.float64]
F = TypeVar("F", bound=FitResult)
MOST_COLUMNS = 2000
"""Columns up to which their correlations are looked at: a square of them, and cubes of work."""


@dataclass(frozen=True, eq=False)
class ExplainResult(Generic[F]):
    """An explanation. ``to_dict`` gives the keys of SPEC section 4.

    fit : the fit explained. features, groups : rows of plain values, one for each design column and each
    group of them (a group of one, the levels of a column, or a group given); of several targets these follow
    one another, each with its ``target``. verdicts : lines of text.
    """

    fit: F
    features: list[dict[str, Any]] = field(repr=False)
    groups: list[dict[str, Any]] = field(repr=False)
    verdicts: list[str]
    content: dict[str, Any] = field(repr=False)

    @property
    def model(self) -> Model:
        """The model of the fit, to be saved."""
        return self.fit.model

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain Python."""
        return self.content


def explain_dataset(
    dataset: Dataset, model: ModelSpec, select: SelectSpec, progress: Progress | None = None,
    inference: str | None = None, holdout: Table | None = None,
) -> ExplainResult[FitResult]:  # fmt: skip
    """Fit one model to a dataset (which is used up), or one to each target, and explain it.

    ``inference`` is the kind of standard errors of the coefficients that is asked for; ``holdout`` the table
    by whose labelled rows lambda is chosen, where ``select`` says so.

    Raises
    ------
    UsageError
        The selection asked for does not exist for this family, or the folds are impossible.
    FitError
        No finite solution.
    """
    setups = prepare(dataset, model, holdout, select.unseen).each()
    done = [_explain(setup, select, progress, inference) for setup in setups]
    return _result(together([fit for fit, _ in done]), [content for _, content in done])


def _result(fit: FitResult, contents: Sequence[dict[str, Any]]) -> ExplainResult[FitResult]:
    """Return the explanation of all targets."""
    if len(contents) == 1:
        [content] = contents
        groups = content["importance"]["groups"]
        return ExplainResult(fit, content["features"], groups, content["verdicts"], content)
    content = joined(contents)
    parts = [({"target": part["target"]}, part) for part in content["targets"]]
    features = [name | row for name, part in parts for row in part["features"]]
    groups = [name | row for name, part in parts for row in part["importance"]["groups"]]
    lines = [f"{part['target']}: {line}" for _, part in parts for line in part["verdicts"]]
    return ExplainResult(fit, features, groups, lines, content)


def _explain(
    setup: Setup, select: SelectSpec, progress: Progress | None, inference: str | None
) -> tuple[FitResult, dict[str, Any]]:
    """Return the fit of one target and its explanation."""
    decision, fit = decided_fit(setup, select, progress, inference)
    solves = measured_solves(decision.setup.problem, decision.choice.lam * decision.setup.weight)
    explanation = _Explanation(decision, solves, fit_beside(decision.setup, select, progress), select)
    content = {key: value for key, value in fit.content.items() if key != "coefficients"}
    content["schema"] = "l2cli/explain/1"
    content |= explanation.content(fit.content)
    content["data"] = content["data"] | {"notes": content["data"]["notes"] + explanation.notes}
    return fit, content


class _Explanation:
    """The parts of an explanation, each from the fit and the matrices that they share."""

    def __init__(self, decision: Decision, solves: Solves, beside: Beside | None, select: SelectSpec) -> None:
        self.setup, self.choice, self.factor = decision
        self.solves, self.beside, self.select = solves, beside, select
        self.problem, self.path = self.setup.problem, solves.penalized.result
        self.lam = self.choice.lam * self.setup.weight
        self.u, self.intercept0 = self.path.u[..., 0], self.path.intercept0[..., 0]
        self.units: Units = units_of(self.setup.dataset)
        self.notes: list[str] = []
        self.gram = self._gram()
        self.smoother = self._smoother()

    def _gram(self) -> FloatArray | None:
        """Return the Gram of the columns at the solution (p, p), of classes (p C, p C), if there is one."""
        problem = self.problem
        if problem.blocks is not None:
            self.notes.append(
                "categories of so many levels: shrinkage, degrees of freedom and VIF are not told"
            )
            return None
        if problem.n_columns >= problem.n_rows:
            self.notes.append(
                f"{problem.n_columns} columns and {problem.n_rows} rows: every column is made up by others,"
                " so VIF and importance under correlation are not defined"
            )
            return None
        if problem.n_columns * problem.n_classes > MOST_COLUMNS:
            self.notes.append(
                f"{problem.n_columns} columns: VIF and importance under correlation are told of at most"
                f" {MOST_COLUMNS}"
            )
            return None
        return curvature_gram(problem, self.u, self.intercept0)

    def _smoother(self) -> Smoother | None:
        problem = self.problem
        if problem.blocks is not None or problem.n_classes > 1 or problem.n_columns > 10 * MOST_COLUMNS:
            return None
        if problem.groups is not None and self.gram is None:
            return None
        # of a relaxed fit the penalized parent is smoothed
        parent = self.path if problem.relax_gamma == 1.0 else relaxed_path(
            problem._replace(relax_gamma=1.0), np.array([self.lam])
        )  # fmt: skip
        return make_smoother(
            problem, parent.u[:, 0], float(parent.intercept0[0]), self.lam, self.factor, self.gram
        )

    def content(self, fit: dict[str, Any]) -> dict[str, Any]:
        """Return the keys of the explanation."""
        design = self._design()
        importance = importance_rows(self.setup, self.units, self.u, design, self.select.seed)
        found: dict[str, Any] = {
            "features": feature_rows(self.setup, self.units, fit, self._columns(design), importance),
            "importance": importance,
            "condition": condition_of(self.setup, design, self.units),
            "beside": self._beside(),
            "influence": self._influence(),
            "cost": cost_of(self.setup, self.choice, self.lam, self.select, self.solves),
        }
        for row, gvif, rank, df in zip(importance["groups"], *self._by_group(design), strict=True):
            row |= {"vif": gvif, "rank": rank, "effective_df": df}
        found["verdicts"] = verdicts(found, fit, null_deviance(self.problem) / self.problem.weight_sum)
        return found

    def _design(self) -> FloatArray | None:
        """Return the Gram (p, p) by which columns are collinear, of several classes that of the rows."""
        if self.gram is None or self.problem.n_classes == 1:
            return self.gram
        return curvature_gram(self.problem._replace(family="gaussian", y=self.problem.y[:, 0]), self.u, 0.0)

    def _df(self) -> FloatArray | None:
        """Return the degrees of freedom of each column, (p,)."""
        problem, g = self.problem, self.problem.relax_gamma
        if self.smoother is not None:
            df = self.smoother.feature_df(problem.n_columns)
            return df if g == 1.0 else np.where(self.u != 0.0, g * df + 1.0 - g, 0.0)
        if self.gram is not None and problem.n_classes > 1 and problem.is_smooth:
            return class_freedom(problem, self.gram, self.lam)
        return None

    def _columns(self, design: FloatArray | None) -> dict[str, FloatArray | None]:
        """Return what is told of each design column (p,), None where it is not known."""
        bare = None if self.solves.unpenalized is None else self.solves.unpenalized.result
        return {
            "free": None if bare is None else bare.u[..., 0],
            "tied": None if bare is None else np.asarray(bare.tied | self.problem.constant),
            "effective_df": self._df(),
            "vif": None if design is None else variance_inflation(design),
            "vif_penalized": None if self.smoother is None else self.smoother.inflation(self.problem),
            "beside": None if self.beside is None else self.beside.path.u[..., 0],
        }

    def _by_group(self, design: FloatArray | None) -> tuple[list[Any], list[Any], list[Any]]:
        """Return VIF, rank and degrees of freedom of every group of columns."""
        count, df = len(self.units.names), self._df()
        totals = [None] * count if df is None else np.bincount(self.units.labels, df, count).tolist()
        if design is None:
            return [None] * count, [None] * count, totals
        gvif, rank = group_inflation(design, self.units.labels)
        return [float(v) if np.isfinite(v) else None for v in gvif], rank.tolist(), totals

    def _beside(self) -> dict[str, Any] | None:
        if self.beside is None:
            return None
        path, choice = self.beside.path, self.beside.choice
        u = path.u[..., 0]
        kept = u != 0.0 if u.ndim == 1 else (u != 0.0).any(axis=1)
        return {
            "l1_ratio": self.beside.l1_ratio,
            "lambda": choice.lam,
            "selected_by": choice.selected_by,
            "kept": int(kept.sum()),
            "effective_df": float(path.effective_df[0]),
            "validation": choice.validation,
        }

    def _influence(self) -> dict[str, Any] | None:
        if self.smoother is None or self.problem.relax_gamma != 1.0:
            return None
        return influence_of(self.setup, self.smoother, self.u, float(self.intercept0), LEADING)
