"""``path``: coefficients at every lambda of a grid."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from l2cli.api.judge import check_path
from l2cli.api.setup import floats, prepare
from l2cli.core.relaxed import relaxed_path
from l2cli.data.dataset import Dataset
from l2cli.spec import ModelSpec

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PathResult:
    """Coefficients along lambda.

    coef : (p, L), intercepts : (L,), both on the original scale. lambdas : (L,) on the scale asked for.
    """

    features: tuple[str, ...]
    lambdas: FloatArray
    coef: FloatArray
    intercepts: FloatArray
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
    setup = prepare(dataset, model)
    lambdas, _ = setup.grid()
    path = relaxed_path(setup.problem, lambdas * setup.weight)
    content = setup.envelope("path", None, tol=model.tol)
    content["warnings"] += check_path(setup.problem, path, dataset.features, model.tol, setup.weight)
    intercepts = path.intercept if model.intercept else np.zeros(len(lambdas))
    content |= {
        "lambdas": lambdas.tolist(),
        "intercepts": floats(intercepts),
        "coefficients": [
            {"feature": name, "coef": floats(path.coef[j]), "coef_standardized": floats(path.u[j])}
            for j, name in enumerate(dataset.features)
        ],
        "effective_df": floats(path.effective_df),
        "train_deviance": floats(path.certificate.train_deviance),
        "kkt_residual": floats(path.certificate.kkt_residual),
    }
    return PathResult(dataset.features, lambdas, path.coef, intercepts, content)
