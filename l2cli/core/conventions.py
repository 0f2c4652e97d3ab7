"""Lambda in the conventions of other tools, both ways. Standard library only.

With J = sum_i s_i d_i + lambda sum_j [2 r |w_j| + (1 - r) w_j^2] (SPEC section 1), W = sum s_i, n rows, and
the same columns (standardized or not) in both tools, the other tool has the same minimum where

| convention | families | lambda = |
|---|---|---|
| ``lambda`` | all | value |
| ``lambda_mean`` | all | W value |
| ``sklearn_ridge_alpha``: Ridge(alpha) | gaussian, r = 0 | value |
| ``sklearn_mlp_alpha``: MLP*(alpha), full batch | those of glmnet, r = 0 | value |
| ``sklearn_C``: LogisticRegression(C, l1_ratio) | binomial, multinomial | 1 / value |
| ``sklearn_elasticnet_alpha``: ElasticNet, Lasso(alpha, l1_ratio) | gaussian | W value |
| ``sklearn_glm_alpha``: Poisson-, Gamma-, TweedieRegressor(alpha) | those three, r = 0 | W value |
| ``glum_alpha``: GeneralizedLinearRegressor(alpha, l1_ratio) | all but multinomial | W value |
| ``sklearn_sgd_alpha``: SGDRegressor, SGDClassifier(alpha, l1_ratio) | gaussian, binomial | n value * |
| ``statsmodels_glm_alpha``: GLM fit_regularized(alpha, L1_wt > 0) | all but multinomial | n value * |
| ``statsmodels_alpha``: OLS, WLS fit_regularized(alpha, L1_wt) | gaussian | W value |
| ``statsmodels_alpha``: Logit, Poisson fit_regularized(alpha) | binomial, poisson, r = 1 | value |
| ``glmnet_lambda``, its alpha q | binomial, multinomial, poisson | W value, r = q |
| ``glmnet_lambda``, its alpha q | gaussian | lambda r = W value q; lambda (1-r) = W value (1-q) / sd |
| ``torch_weight_decay``: SGD, coupled Adam | binomial, multinomial, poisson, r = 0 | n value |
| ``torch_weight_decay``: the same | gaussian, r = 0 | m n value / 2 (MSE over m outputs) |
| ``textbook``: deviance + t [q sum abs(w) + (1-q) sum w^2] | all | lambda r = t q/2; lambda (1-r) = t (1-q) |

(* n even when weighted.) glmnet divides a gaussian target (less the offset) by its standard deviation sd,
divisor W, or without an intercept by the root of its mean square; and it rescales penalty factors f to mean
1, so its lambda counts 1 / mean(f) times. AdamW's decoupled decay is no penalty of the loss and has no
equivalent. A multinomial of two classes at lambda (L2) is the binomial at lambda / 2. statsmodels penalizes
the intercept unless told not to, PyTorch the biases unless they are in a group of their own.

References
----------
The objectives as their projects state them: scikit-learn user guide 1.1 and 1.5; Friedman, Hastie and
Tibshirani (2010), J. Stat. Softw. 33(1), equations 1 and 12, and the glmnet vignette on the scale of a
gaussian target; statsmodels OLS.fit_regularized; torch.optim.SGD. Each row is tested at the other tool's own
solution.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from l2cli.checks import check_lambda
from l2cli.errors import UsageError
from l2cli.spec import FAMILIES

_LOG_LINK = ("poisson", "gamma", "tweedie")
_CANONICAL = ("gaussian", "binomial", "multinomial", "poisson")
_CLASSES = ("binomial", "multinomial")
_STATSMODELS_L1 = ("binomial", "poisson")
_SINGLE = tuple(family for family in FAMILIES[1:] if family != "multinomial")


class Convention(NamedTuple):
    """How another tool states the strength of a penalty.

    families : those it applies to. mixed : it has an l1_ratio too. needs : what the formula takes beside the
    value, of ``rows``, ``weight_sum``, ``target_sd``.
    """

    tool: str
    families: tuple[str, ...] = FAMILIES[1:]
    mixed: bool = True
    needs: tuple[str, ...] = ()


CONVENTIONS: dict[str, Convention] = {
    "lambda": Convention("l2cli, sum scale"),
    "lambda_mean": Convention("l2cli --lambda-scale mean", needs=("weight_sum",)),
    "sklearn_ridge_alpha": Convention("scikit-learn Ridge(alpha)", ("gaussian",), mixed=False),
    "sklearn_mlp_alpha": Convention(
        "scikit-learn MLPRegressor, MLPClassifier(alpha)", _CANONICAL, mixed=False
    ),
    "sklearn_C": Convention("scikit-learn LogisticRegression(C)", _CLASSES),
    "sklearn_elasticnet_alpha": Convention(
        "scikit-learn ElasticNet(alpha)", ("gaussian",), needs=("weight_sum",)
    ),
    "sklearn_sgd_alpha": Convention(
        "scikit-learn SGDRegressor, SGDClassifier(alpha)", ("gaussian", "binomial"), needs=("rows",)
    ),
    "sklearn_glm_alpha": Convention(
        "scikit-learn PoissonRegressor, GammaRegressor, TweedieRegressor(alpha)",
        _LOG_LINK,
        mixed=False,
        needs=("weight_sum",),
    ),
    "glum_alpha": Convention("glum GeneralizedLinearRegressor(alpha)", _SINGLE, needs=("weight_sum",)),
    "statsmodels_glm_alpha": Convention("statsmodels GLM fit_regularized(alpha)", _SINGLE, needs=("rows",)),
    "statsmodels_alpha": Convention(
        "statsmodels OLS, WLS, Logit, Poisson fit_regularized(alpha)",
        ("gaussian", *_STATSMODELS_L1),
        needs=("weight_sum",),
    ),
    "glmnet_lambda": Convention("R glmnet(lambda)", _CANONICAL, needs=("weight_sum", "target_sd")),
    "torch_weight_decay": Convention(
        "PyTorch SGD(weight_decay), mean loss", _CANONICAL, mixed=False, needs=("rows",)
    ),
    "textbook": Convention("alpha lambda sum|w| + (1 - alpha) lambda sum w^2 beside the deviance"),
}


def equivalents(
    lam: float,
    *,
    family: str,
    weight_sum: float | None,
    n_rows: int | None,
    target_sd: float | None = None,
    l1_ratio: float = 0.0,
    factor_mean: float = 1.0,
) -> dict[str, float]:
    """Return what gives the same fit elsewhere, by the keys of SPEC section 4; only those that apply.

    Parameters
    ----------
    lam : float
        Lambda on the sum scale.
    weight_sum, n_rows : float, int or None
        W and the number of rows.
    target_sd : float, optional
        Gaussian: standard deviation (divisor W) of the target less the offset; without an intercept its root
        mean square.
    factor_mean : float
        Mean of the penalty factors over the design columns.
    """
    result: dict[str, float] = {}
    ridge = l1_ratio == 0.0
    if family == "gaussian":
        if ridge:
            result["sklearn_ridge_alpha"] = lam
        if weight_sum:
            result["sklearn_elasticnet_alpha"] = lam / weight_sum
    elif family in _LOG_LINK:
        if ridge and weight_sum:
            result["sklearn_glm_alpha"] = lam / weight_sum
    elif lam > 0.0:
        result["sklearn_C"] = 1.0 / lam
    if weight_sum and family in _CANONICAL:
        scale = 1.0 if family != "gaussian" or l1_ratio == 1.0 else target_sd
        if scale:
            first, second = lam * l1_ratio, lam * (1.0 - l1_ratio) * scale
            result["glmnet_lambda"] = (first + second) * factor_mean / weight_sum
            result["glmnet_alpha"] = first / (first + second) if first + second > 0.0 else l1_ratio
    if weight_sum:
        result["lambda_mean"] = lam / weight_sum
    if ridge and n_rows and family in _CANONICAL:
        result["torch_weight_decay"] = (2.0 if family == "gaussian" else 1.0) * lam / n_rows
    return {key: value for key, value in result.items() if math.isfinite(value)}


def from_convention(
    name: str,
    value: float,
    *,
    family: str,
    mix: float = 0.0,
    weight_sum: float | None = None,
    n_rows: int | None = None,
    target_sd: float | None = None,
    factor_mean: float = 1.0,
    outputs: int = 1,
) -> tuple[float, float]:
    """Return (lambda on the sum scale, l1_ratio) of another tool's setting.

    Parameters
    ----------
    name : str
        A key of ``CONVENTIONS``.
    value, mix : float
        The tool's strength and its mix of L1 and L2 (``l1_ratio``, glmnet's ``alpha``).
    outputs : int
        m, the number of outputs that a mean squared error is averaged over (PyTorch).

    Raises
    ------
    UsageError
        If there is no such convention, it does not fit the family or the mix, or a quantity it needs is
        missing.
    """
    convention = _checked(name, value, family, mix)
    known = {"weight_sum": weight_sum, "rows": n_rows, "target_sd": target_sd}
    for need in convention.needs:
        if need == "target_sd" and (family != "gaussian" or mix == 1.0):
            continue
        if name == "statsmodels_alpha" and family != "gaussian":
            continue
        if not known[need] or not math.isfinite(known[need] or math.nan):
            raise UsageError(
                f"converting {name} ({family}) needs the {_NEEDS[need][0]}, a number above 0",
                hint=f"give {_NEEDS[need][1]}, or DATA to take it from",
            )
    W, n, sd = weight_sum or 0.0, n_rows or 0, target_sd or 0.0
    if name == "glmnet_lambda":
        strength = W * value / factor_mean
        squared = strength * (1.0 - mix)
        return _joined(strength * mix, squared / sd if family == "gaussian" and squared else squared, mix)
    if name == "textbook":
        return _joined(value * mix / 2.0, value * (1.0 - mix), mix)
    if name == "sklearn_C":
        return 1.0 / value, mix
    if name == "torch_weight_decay":
        return (outputs * n * value / 2.0 if family == "gaussian" else n * value), mix
    if name == "statsmodels_alpha" and family != "gaussian":
        return value, mix
    factor = {
        "lambda_mean": W,
        "sklearn_elasticnet_alpha": W,
        "statsmodels_alpha": W,
        "sklearn_sgd_alpha": float(n),
        "sklearn_glm_alpha": W,
        "glum_alpha": W,
        "statsmodels_glm_alpha": float(n),
    }
    return value * factor.get(name, 1.0), mix


_NEEDS = {
    "weight_sum": ("number of rows (or the sum of their weights)", "--rows or --weight-sum"),
    "rows": ("number of rows", "--rows"),
    "target_sd": ("standard deviation of the target", "--target-sd"),
}


def _checked(name: str, value: float, family: str, mix: float) -> Convention:
    """Return the convention called ``name`` after checking that it exists, fits, and has a sensible value."""
    convention = CONVENTIONS.get(name)
    if convention is None:
        from difflib import get_close_matches

        lower = {key.lower(): key for key in CONVENTIONS}
        near = get_close_matches(name.lower(), lower, n=1)
        known = f"choose one of {', '.join(CONVENTIONS)}"
        exact = lower[near[0]] if near else None
        raise UsageError(
            f"no convention '{name}'", hint=f"did you mean '{exact}'? {known}" if exact else known
        )
    if family not in convention.families:
        raise UsageError(f"{name} is for {' and '.join(convention.families)} models, not {family}")
    check_lambda(value, name)
    if name == "sklearn_C" and value == 0.0:
        raise UsageError("sklearn_C must be larger than 0, since lambda = 1/C")
    if not 0.0 <= mix <= 1.0:
        raise UsageError(f"l1_ratio must be between 0 and 1, not {mix:g}")
    if name == "statsmodels_alpha" and family in _STATSMODELS_L1 and mix != 1.0:
        raise UsageError(
            f"statsmodels_alpha of {family} models is pure L1",
            hint="give --l1-ratio 1 (GLM: statsmodels_glm_alpha)",
        )
    if mix and not convention.mixed:
        raise UsageError(f"{name} has no l1_ratio", hint="leave it out, or give 0")
    return convention


def _joined(first: float, second: float, mix: float) -> tuple[float, float]:
    """Return (lambda, r) from lambda r and lambda (1 - r); ``mix`` where lambda is 0."""
    total = first + second
    return (total, first / total) if total > 0.0 else (0.0, mix)
