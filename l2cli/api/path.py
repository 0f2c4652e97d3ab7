"""``path``: coefficients at every lambda of a grid."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from l2cli.api.banded import given_lambdas, is_banded, with_bands
from l2cli.api.judge import block_notes, check_path
from l2cli.api.setup import Setup, floats, prepare
from l2cli.api.targets import joined, stacked
from l2cli.core.path import Path
from l2cli.core.relaxed import relaxed_path
from l2cli.data.dataset import Dataset
from l2cli.errors import UsageError
from l2cli.spec import ModelSpec, refuse_several_mixes

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PathResult:
    """Coefficients along lambda.

    coef : (p, L), intercepts : (L,), both on the original scale. lambdas : (L,) on the scale asked for. Of
    several targets all have a first axis for the target, shorter paths filled up with NaN; of several classes
    coef is (C, p, L) and intercepts (C, L).
    """

    features: tuple[str, ...]
    lambdas: FloatArray = field(repr=False)
    coef: FloatArray = field(repr=False)
    intercepts: FloatArray = field(repr=False)
    content: dict[str, Any] = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain Python."""
        return self.content


def path_dataset(dataset: Dataset, model: ModelSpec) -> PathResult:
    """Return the path of a dataset (which is used up); every lambda is solved exactly and certified.

    Raises
    ------
    FitError
        A lambda has no finite solution or did not converge.
    """
    refuse_several_mixes(model, "path")
    paths = [_solve(setup) for setup in prepare(dataset, model).each()]
    if len(paths) == 1:
        return paths[0]
    lambdas, coef, intercepts = (
        stacked([getattr(path, key) for path in paths]) for key in ("lambdas", "coef", "intercepts")
    )
    content = joined([path.content for path in paths])
    return PathResult(paths[0].features, lambdas, coef, intercepts, content)


def _solve(setup: Setup) -> PathResult:
    """Return the path of one target."""
    dataset, model = setup.dataset, setup.model
    if is_banded(setup):
        lambdas = given_lambdas(setup, rest=1.0)
        if lambdas is None:
            raise UsageError(
                "path of a banded penalty needs --group-lambda", hint="lambda is what they are times"
            )
        setup = with_bands(setup, lambdas)._replace(model=model)
    lambdas, _ = setup.grid()
    path = relaxed_path(setup.problem, lambdas * setup.weight)
    content = setup.envelope("path", None, tol=model.tol)
    content["warnings"] += check_path(setup.problem, path, dataset.features, model.tol, setup.weight)
    content["data"]["notes"] += block_notes(setup.problem, path)
    intercepts = path.intercept if model.intercept else np.zeros(path.intercept.shape)
    content |= {
        "lambdas": lambdas.tolist(),
        **_tables(dataset, path, intercepts),
        "effective_df": floats(path.effective_df),
        **({} if path.effective_df_se is None else {"effective_df_se": floats(path.effective_df_se)}),
        "train_deviance": floats(path.certificate.train_deviance),
        "kkt_residual": floats(path.certificate.kkt_residual),
    }
    coef = path.coef if path.coef.ndim == 2 else path.coef.transpose(1, 0, 2)
    return PathResult(dataset.features, lambdas, coef, intercepts, content)


def _tables(dataset: Dataset, path: Path, intercepts: FloatArray) -> dict[str, Any]:
    """Return intercepts and coefficients, of several classes one {label, intercepts, coefficients} each."""
    if path.coef.ndim == 2:
        return _table(dataset, intercepts, path.coef, path.u)
    return {
        "classes": [
            {"label": label, **_table(dataset, intercepts[c], path.coef[:, c], path.u[:, c])}
            for c, label in enumerate(dataset.schema.classes or ())
        ]
    }


def _table(dataset: Dataset, intercepts: FloatArray, coef: FloatArray, u: FloatArray) -> dict[str, Any]:
    rows = zip(dataset.features, coef, u, strict=True)
    return {
        "intercepts": floats(intercepts),
        "coefficients": [
            {"feature": name, "coef": floats(w), "coef_standardized": floats(z)} for name, w, z in rows
        ],
    }
