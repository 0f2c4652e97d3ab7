"""Interactions against the formulas of statsmodels and a pipeline of scikit-learn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from l2cli import cv, fit


def frame(missing):
    """Two numbers, two categories and a date, with effects that differ by level."""
    rng = np.random.default_rng(5)
    n = 240
    data = pd.DataFrame(
        {
            "dose": rng.normal(20.0, 5.0, n),
            "age": rng.normal(50.0, 9.0, n),
            "town": rng.choice(["Bonn", "Kiel", "Ulm"], n),
            "sex": rng.choice(["f", "m"], n),
            "when": pd.Timestamp("2023-05-01") + pd.to_timedelta(rng.integers(0, 24 * 900, n), unit="h"),
        }
    )
    slope = data["town"].map({"Bonn": 0.1, "Kiel": 0.7, "Ulm": -0.3})
    data["y"] = slope * data["dose"] + 0.02 * data["dose"] * data["age"] + rng.normal(size=n)
    data["y"] += 2.0 * (data["sex"] == "m") * (data["town"] == "Ulm") + 0.1 * data["when"].dt.month
    if missing:
        for column in ("dose", "age"):
            data.loc[rng.random(n) < 0.15, column] = np.nan
    return data


def by_formula(data, formula):
    """The least squares of a formula with treatment contrasts, numbers imputed by their means before."""
    filled = data.assign(**{name: data[name].fillna(data[name].mean()) for name in ("dose", "age")})
    filled = filled.assign(
        year=data["when"].dt.year, month=data["when"].dt.month, weekday=data["when"].dt.day_of_week + 1,
        hour=data["when"].dt.hour,
    )  # fmt: skip
    return smf.ols(f"y ~ {formula}", filled).fit()


def as_term(name):
    """The name of a design column in the words of formulas."""
    parts = [part.partition("=") for part in name.split(":")]
    words = [f"{column}[T.{level}]" if equals else column for column, equals, level in parts]
    return ":".join(words).replace("when.", "")


FORMULA = "year + month + weekday + hour + dose + age + town + sex"
CASES = {
    "number x number": (["dose:age"], " + dose:age"),
    "number x category": (["dose:town", "sex:age"], " + dose:town + sex:age"),
    "category x category": (["town:sex"], " + town:sex"),
    "part of a date x category": (["when.hour:town"], " + hour:town"),
    "all at once": (["dose:age", "dose:town", "town:sex"], " + dose:age + dose:town + town:sex"),
}


@pytest.mark.parametrize("missing", [False, True], ids=["complete", "imputed"])
@pytest.mark.parametrize(("interactions", "terms"), CASES.values(), ids=CASES)
def test_unpenalized_coefficients_are_those_of_statsmodels(interactions, terms, missing):
    data = frame(missing)
    least_squares = by_formula(data, FORMULA + terms)
    expected = least_squares.params
    found = fit(data, target="y", lam=0.0, dates=True, interactions=interactions)
    coef = dict(zip(map(as_term, found.features), found.coef, strict=True))
    assert found.intercept == pytest.approx(expected["Intercept"], rel=1e-7)
    assert coef == pytest.approx(dict(expected.drop("Intercept")), rel=1e-6, abs=1e-9)
    assert found.predict(data) == pytest.approx(least_squares.fittedvalues.to_numpy(), rel=1e-8)


@pytest.mark.parametrize("missing", [False, True], ids=["complete", "imputed"])
def test_penalized_coefficients_are_those_of_ridge_on_one_column_per_level(missing):
    from sklearn.linear_model import Ridge

    data = frame(missing)
    dose = data["dose"].fillna(data["dose"].mean())
    columns = {"dose": dose}
    columns |= {f"town={level}": (data["town"] == level) * 1.0 for level in ("Bonn", "Kiel", "Ulm")}
    columns |= {f"dose:{name}": dose * columns[name] for name in [*columns][1:]}
    X = np.column_stack(list(columns.values()))
    ridge = Ridge(alpha=7.0).fit((X - X.mean(axis=0)) / X.std(axis=0), data["y"])
    found = fit(data[["dose", "town", "y"]], target="y", lam=7.0, interactions="dose:town")
    assert list(found.features) == list(columns)
    assert found.coef == pytest.approx(ridge.coef_ / X.std(axis=0), rel=1e-9)


def test_cross_validation_is_that_of_a_pipeline():
    """Imputing, multiplying, scaling and fitting in every fold, as a pipeline does it."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import PredefinedSplit, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures, StandardScaler

    data = frame(missing=True)[["dose", "age", "y"]]
    folds = np.random.default_rng(2).integers(0, 5, len(data))
    pipeline = make_pipeline(
        make_column_transformer((SimpleImputer(), ["dose", "age"])),
        PolynomialFeatures(interaction_only=True, include_bias=False),
        StandardScaler(),
        Ridge(alpha=3.0),
    )
    scores = cross_val_score(
        pipeline,
        data[["dose", "age"]],
        data["y"],
        cv=PredefinedSplit(folds),
        scoring="neg_mean_squared_error",
    )
    run = cv(data, target="y", lambdas=[3.0], interactions=["dose:age"], fold_labels=folds)
    assert run.fold_losses[:, 0] == pytest.approx(-scores, rel=1e-9)
