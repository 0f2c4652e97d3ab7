"""Groups of columns at the command line and in the library: group lasso and banded L2."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

import l2cli
from l2cli.core import moments
from l2cli.select import gaussian_folds

SAMPLES = Path(__file__).parents[2] / "sample_data"
DIABETES, PENGUINS = str(SAMPLES / "diabetes.csv"), str(SAMPLES / "penguins.csv")
CANCER = str(SAMPLES / "breast_cancer.csv")
TWO = "body=age,sex,bmi,bp;blood=s[1-6]"


def answer(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def coefficients(fit):
    return {row["feature"]: row["coef"] for row in fit["coefficients"]}


def test_dummies_are_in_or_out_together(quick):
    words = (
        "path",
        PENGUINS,
        "-t",
        "body_mass_g",
        "--drop",
        "year",
        "--groups",
        "dummies",
        "-q",
        "--json",
        "--lambdas",
        "auto:12",
    )
    path = answer(quick(*words))
    assert path["settings"]["groups"]["sex"] == ["sex=female", "sex=male", "sex=(missing)"]
    assert path["settings"]["group_penalty"] == "lasso"
    rows = {row["feature"]: np.array(row["coef"]) for row in path["coefficients"]}
    assert not any(coef[0] for coef in rows.values())
    for members in path["settings"]["groups"].values():
        inside = np.array([rows[name] != 0 for name in members])
        assert np.array_equal(inside.all(axis=0), inside.any(axis=0))
    assert max(path["kkt_residual"]) <= 1e-10


@pytest.mark.parametrize(
    "data", [(DIABETES, TWO), (CANCER, "mean=mean*;worst=worst*")], ids=["gaussian", "binomial"]
)
def test_fit_cv_and_predict_with_a_group_lasso(quick, tmp_path, data):
    path, groups = data
    model = tmp_path / "model.json"
    fit = answer(
        quick(
            "fit",
            path,
            "--groups",
            groups,
            "-q",
            "--json",
            "--folds",
            "4",
            "--lambdas",
            "auto:20",
            "--save",
            str(model),
        )
    )
    assert fit["lambda"]["selected_by"] == "cv"
    assert list(fit["lambda"]["equivalents"]) == ["lambda_mean"]
    assert fit["settings"]["l1_ratio"] is None
    run = answer(
        quick("cv", path, "--groups", groups, "-q", "--json", "--folds", "4", "--lambdas", "auto:20")
    )
    assert run["lambda_min"] == fit["lambda"]["value"]
    assert run["fold_kkt_max"] <= 1e-5
    done = quick("predict", str(model), path)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == fit["data"]["rows_used"] + 1


def test_the_screen_names_the_groups_left_out(quick):
    done = quick("fit", DIABETES, "--groups", "a=age,s2;b=bmi,s5,bp", "--lambda", "900", "-q")
    assert "group lasso over 2 groups" in done.stdout
    assert "left out (coefficient 0): age" in done.stdout


def test_factors_go_to_groups_by_name(quick):
    words = ("fit", DIABETES, "--groups", TWO, "--lambda", "9000", "-q", "--json", "--penalty-factor")
    free = coefficients(answer(quick(*words, "blood=0")))
    assert free["s5"] != 0
    assert free["bmi"] == 0
    same = coefficients(answer(quick(*words, "s*=0,sex=1")))
    assert same == free


def test_a_banded_penalty_is_augmented_least_squares(quick):
    frame = pd.read_csv(DIABETES)
    fit = answer(quick("fit", DIABETES, "--groups", TWO, "--group-lambda", "body=5,blood=80", "-q", "--json"))
    assert fit["settings"]["group_lambdas"] == {"body": 5.0, "blood": 80.0}
    X, y = frame.drop(columns="progression"), frame["progression"]
    Z = ((X - X.mean()) / X.std(ddof=0)).to_numpy()
    root = np.sqrt([5.0] * 4 + [80.0] * 6)
    w = np.linalg.lstsq(np.vstack([Z, np.diag(root)]), np.append(y - y.mean(), np.zeros(10)), rcond=None)[0]
    assert [row["coef_standardized"] for row in fit["coefficients"]] == pytest.approx(w, rel=1e-9)


def test_equal_lambdas_are_the_ridge(quick):
    banded = answer(
        quick("fit", DIABETES, "--groups", "a=age", "--group-lambda", "a=7", "--lambda", "7", "-q", "--json")
    )
    ridge = answer(quick("fit", DIABETES, "--lambda", "7", "-q", "--json"))
    assert coefficients(banded) == pytest.approx(coefficients(ridge), rel=1e-10)
    assert banded["settings"]["group_lambdas"] == {"a": 7.0, "(other columns)": 7.0}


def test_a_search_for_lambdas_of_groups_passes_over_the_rows_once(monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4))
    made, passes = moments.fold_moments, []

    def counted(*args):
        passes.append(args)
        return made(*args)

    monkeypatch.setattr(gaussian_folds, "fold_moments", counted)
    l2cli.fit(
        X, X[:, 0] + rng.normal(size=60), select="cv", column_groups={"a": "x[01]"}, group_penalty="banded"
    )
    assert len(passes) == 3  # the common lambda, the search, the scores of what it found


def test_chosen_lambdas_are_no_worse_than_the_best_common_one(quick):
    rng = np.random.default_rng(0)
    n = 60
    signal, noise = rng.normal(size=(n, 3)), rng.normal(size=(n, 25))
    y = signal @ [2.0, -1.0, 1.5] + rng.normal(size=n)
    frame = pd.DataFrame(
        np.column_stack([signal, noise]), columns=[f"s{j}" for j in range(3)] + [f"n{j}" for j in range(25)]
    )
    common = l2cli.fit(frame, y).to_dict()
    banded = l2cli.fit(
        frame, y, column_groups={"signal": "s*", "noise": ["n*"]}, group_penalty="banded"
    ).to_dict()
    lambdas = banded["settings"]["group_lambdas"]
    assert lambdas["noise"] > 10 * lambdas["signal"]
    assert banded["metrics"]["validation"]["rmse"] < 0.95 * common["metrics"]["validation"]["rmse"]
    assert banded["lambda"]["selected_by"] == "loo"
    assert banded["certificate"]["kkt_residual"] <= 1e-10


def test_bands_by_evidence_are_those_of_the_largest_marginal_likelihood(quick):
    """Against a dense density of the rows, maximised by another search."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(50, 9))
    words: dict[str, Any] = {"column_groups": {"a": "a*", "b": "b*"}, "group_penalty": "banded"}
    y = X[:, :3] @ [2.0, -1.5, 1.0] + 0.4 * X[:, 3:].sum(axis=1) + rng.normal(size=50)
    frame = pd.DataFrame(X, columns=["a1", "a2", "a3", *(f"b{j}" for j in range(6))])
    found = l2cli.fit(frame, y, select="evidence", **words).to_dict()
    Z, r = (X - X.mean(axis=0)) / X.std(axis=0), y - y.mean()

    def worse(t):
        K = np.eye(50) + (Z / np.repeat(np.exp(t), [3, 6])) @ Z.T
        return 49 * np.log(r @ np.linalg.solve(K, r)) + np.linalg.slogdet(K)[1]

    best = minimize(worse, [0.0, 3.0], method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-9})
    chosen = np.log([found["settings"]["group_lambdas"][name] for name in "ab"])
    assert worse(chosen) <= best.fun + 1e-8
    assert found["lambda"]["selected_by"] == "evidence"
    assert found["metrics"]["validation"]["rmse"] > found["metrics"]["train"]["rmse"]
    screen = quick("fit", DIABETES, "-q", *CHOSEN, "--select", "evidence").stdout
    assert "a lambda for each group by evidence (marginal likelihood)" in screen
    assert "(exact leave-one-out)" in screen


@pytest.mark.filterwarnings("ignore:.*unlike the training data")
@pytest.mark.parametrize(
    ("family", "metric", "settings"),
    [("gaussian", "mse", {}), ("gaussian", "mae", {"lambda_scale": "mean"}), ("binomial", "brier", {})],
)
def test_bands_by_other_rows_are_those_of_their_smallest_error(family, metric, settings):
    """The search ends within a step, a factor 1.14, of where no step helps."""
    rng = np.random.default_rng(7)
    frame = pd.DataFrame(rng.normal(size=(130, 9)), columns=["a1", "a2", *(f"b{j}" for j in range(7))])
    y = frame.to_numpy()[:, :3] @ [1.5, -1.0, 0.5] + rng.normal(size=130)
    if family == "binomial":
        y = np.where(y > 0.0, 1.0, 0.0)
    words: dict[str, Any] = {"column_groups": {"a": "a*", "b": "b*"}, "group_penalty": "banded"} | settings
    rows, others = (frame[:70], y[:70]), (frame[70:], y[70:])
    found = l2cli.fit(*rows, holdout=others, metric=metric, **words).to_dict()

    def error(lambdas):
        model = l2cli.fit(*rows, group_lambda=lambdas, **words)
        guess = model.predict(frame[70:]) if family == "gaussian" else model.predict_proba(frame[70:])[:, 1]
        away = others[1] - guess
        return np.mean(np.abs(away) if metric == "mae" else away**2)

    chosen = found["settings"]["group_lambdas"]
    best = error(chosen)
    assert found["metrics"]["validation"][metric] == pytest.approx(best, rel=1e-7)
    assert found["lambda"]["selected_by"] == found["settings"]["select"] == "holdout"
    for name in "ab":
        for factor in (8.0 ** (1 / 16), 8.0 ** (-1 / 16)):
            assert error({**chosen, name: chosen[name] * factor}) >= best * (1 - 1e-9)


@pytest.mark.parametrize(
    ("options", "method", "metric"),
    [
        ((), "loo", "mse"),
        (("--metric", "mae"), "loo", "mae"),
        (("--select", "cv", "--metric", "mae"), "cv", "mae"),
        (("--holdout", "0.3", "--lambda-scale", "mean"), "holdout", "mse"),
    ],
)
def test_the_error_at_the_chosen_lambdas_stands_in_the_selection(quick, options, method, metric):
    found = answer(quick("fit", DIABETES, "-q", *CHOSEN, *options, "--json"))
    selection = found["selection"]
    assert (selection["method"], selection["metric"], selection["lambdas"]) == (method, metric, [1.0])
    assert selection["values"] == pytest.approx([found["metrics"]["validation"][metric]], rel=1e-10)
    screen = quick("fit", DIABETES, "-q", *CHOSEN, *options).stdout
    assert ("a lambda for each group by the mae of" in screen) == (metric == "mae")


def test_a_part_held_out_chooses_bands_too(quick):
    words = (CANCER, "--groups", "mean=mean*;worst=worst*", "-q", "--holdout", "0.3", "--group-penalty")
    found = answer(quick("fit", *words, "banded", "--json"))
    common = answer(quick("fit", CANCER, "-q", "--holdout", "0.3", "--json"))
    assert found["metrics"]["validation"]["deviance"] < common["metrics"]["validation"]["deviance"]
    assert found["selection"]["values"][0] < min(common["selection"]["values"])
    assert "a lambda for each group by held-out rows" in quick("fit", *words, "banded").stdout


def test_bands_of_a_binomial_target_are_chosen_by_cross_validation(quick):
    words = (CANCER, "--groups", "mean=mean*;error=*error*;worst=worst*", "--group-penalty", "banded", "-q")
    fit = answer(quick("fit", *words, "--json", "--folds", "3", "--lambdas", "auto:10"))
    assert fit["lambda"]["selected_by"] == "cv"
    assert set(fit["settings"]["group_lambdas"]) == {"mean", "error", "worst"}
    run = answer(quick("cv", *words, "--json", "--folds", "3", "--lambdas", "auto:10"))
    assert min(run["mean"]) <= fit["metrics"]["validation"]["deviance"] * 1.05
    screen = quick("fit", *words, "--folds", "3", "--lambdas", "auto:10").stdout
    assert "a lambda for each group by 3-fold cross-validation" in screen
    assert "lambda of groups" in screen


def test_a_path_of_bands_multiplies_their_lambdas(quick):
    path = answer(
        quick(
            "path",
            DIABETES,
            "--groups",
            TWO,
            "--group-lambda",
            "body=1,blood=10",
            "--lambdas",
            "5,1",
            "-q",
            "--json",
        )
    )
    fit = answer(quick("fit", DIABETES, "--groups", TWO, "--group-lambda", "body=5,blood=50", "-q", "--json"))
    found = {row["feature"]: row["coef"][0] for row in path["coefficients"]}
    assert found == pytest.approx(coefficients(fit), rel=1e-9)


def test_compare_has_the_group_lasso_beside_the_others(quick):
    result = answer(
        quick(
            "compare", DIABETES, "--groups", TWO, "--models", "group,ridge,lasso", "-k", "4", "-q", "--json"
        )
    )
    assert {m["spec"] for m in result["models"]} == {"group", "ridge", "lasso"}
    assert all(np.isfinite(m["mean"]) for m in result["models"])


@pytest.mark.parametrize(("family", "bmi"), [("gaussian", 3.0), ("poisson", 0.01)])
def test_a_group_lasso_keeps_to_bounds(quick, family, bmi):
    bounds = f"bmi=0:{bmi},sex=-1:1,age=0:,bp=0:,s[1-6]=0:"
    words = (DIABETES, "--family", family, "--groups", TWO, "--bounds", bounds)
    fit = answer(quick("fit", *words, "--lambdas", "auto:20", "-k", "4", "-q", "--json"))
    assert fit["certificate"]["converged"]
    assert fit["certificate"]["duality_gap"] <= 1e-9
    held = coefficients(fit)
    assert min(value for name, value in held.items() if name != "sex") == 0.0
    assert held["bmi"] == pytest.approx(bmi, rel=1e-14)
    assert held["sex"] >= -1.0
    run = answer(quick("cv", *words, "--lambdas", "auto:20", "-k", "4", "-q", "--json"))
    assert run["fold_kkt_max"] <= 1e-5
    assert coefficients(run["refit"]) == pytest.approx(held, rel=1e-9)
    top = answer(quick("path", *words, "--lambdas", "auto:5", "-q", "--json"))
    assert not any(row["coef"][0] for row in top["coefficients"])
    assert any(row["coef"][1] for row in top["coefficients"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--groups", "x"), "--groups 'x' is no group"),
        (("--groups", "a="), "--groups 'a=' is no group"),
        (("--groups", "a=age;a=sex"), "--groups gives the group 'a' twice"),
        (("--groups", "a=age;b=age,sex"), "--groups: 'age' is in both 'a' and 'b'"),
        (("--groups", "a=zz"), "--groups a 'zz' matches no feature"),
        (("--groups", "dummies"), "--groups dummies finds no categorical column"),
        (("--groups", "a=age", "--l1-ratio", "0.5"), "--l1-ratio has no meaning beside --groups"),
        (("--groups", "a=age", "--group-penalty", "ridge"), "--group-penalty"),
        (("--group-penalty", "banded"), "--group-penalty needs --groups"),
        (("--group-lambda", "a=1"), "--group-lambda needs --groups"),
        (
            ("--groups", TWO, "--group-lambda", "body=1e300,blood=1"),
            "--group-lambda body must be 0 or from 1e-100 to 1e+100, not 1e+300",
        ),
        (
            ("--groups", "a=age", "--group-penalty", "lasso", "--group-lambda", "a=1"),
            "--group-lambda needs --group-penalty banded",
        ),
        (("--groups", "a=age", "--group-lambda", "b=1"), "--group-lambda: there is no group 'b'"),
        (("--groups", "a=age", "--group-lambda", "a=-1"), "--group-lambda a must be 0 or larger, not -1"),
        (("--groups", "a=age", "--group-lambda", "a=1,a=2"), "--group-lambda gives 'a' twice"),
        (("--groups", "a=age", "--group-lambda", "a=1"), "column 'sex' is in no group and has no lambda"),
        (("--groups", "a=age;b=sex", "--group-lambda", "a=1", "--lambda", "1"), "gives no lambda to 'b'"),
        (
            ("--groups", "a=age", "--group-penalty", "banded", "--lambda", "1"),
            "--lambda is one lambda for all columns",
        ),
        (
            ("--groups", "a=age,sex", "--penalty-factor", "age=2"),
            "the columns of group 'a' factors that differ",
        ),
    ],
)
def test_groups_that_make_no_sense(quick, words, message):
    done = quick("fit", DIABETES, "-q", *words)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


ALL_COLUMNS = ("--groups", "all=*", "--group-lambda", "all=1")
CHOSEN = ("--groups", "a=age", "--group-penalty", "banded")


@pytest.mark.parametrize(
    "words",
    [
        (*ALL_COLUMNS, "--select", "cv"),
        (*ALL_COLUMNS, "--rule", "1se"),
        (*ALL_COLUMNS, "--folds", "4"),
        (*ALL_COLUMNS, "--metric", "mae"),
        (*ALL_COLUMNS, "--lambdas", "1,2"),
        (*ALL_COLUMNS, "--lambda", "3"),
        (*ALL_COLUMNS, "--fold-column", "age"),
        (*CHOSEN, "--rule", "1se"),
    ],
    ids=" ".join,
)
def test_what_would_have_nothing_to_do_beside_bands_is_refused(quick, words):
    done = quick("fit", DIABETES, "-q", *words)
    assert done.returncode == 2
    assert f"so {words[-2]}" in done.stderr
    assert "has nothing to do; leave one of them out" in done.stderr


def test_a_search_starts_from_a_lambda_above_0(quick):
    words = (DIABETES, "--groups", TWO, "--group-penalty", "banded", "-q", "--json")
    for command in ("fit", "cv"):
        done = quick(command, *words, "--lambdas", "0,0" if command == "fit" else "0")
        assert done.returncode == 2
        assert "--lambdas holds 0 alone, from which no lambdas of groups can be found" in done.stderr
    # of these 0 is the best by far
    found = answer(quick("fit", *words, "--lambdas", "1e6,0"))["settings"]["group_lambdas"]
    assert 0.0 < min(found.values()) < 1e6


def test_other_commands_refuse_what_they_cannot_do(quick):
    words = ("--groups", TWO, "--group-penalty", "banded", "-q")
    assert "needs --group-lambda" in quick("path", DIABETES, *words).stderr
    assert "compare has no banded model" in quick("compare", DIABETES, *words).stderr
    assert (
        "--models group needs --groups" in quick("compare", DIABETES, "--models", "group,ridge", "-q").stderr
    )


def test_the_library_refuses_groups_that_make_no_sense():
    X = np.arange(12.0).reshape(6, 2) ** 1.5
    with pytest.raises(l2cli.UsageError, match="must be a mapping or 'dummies'"):
        l2cli.fit(X, X[:, 0], column_groups="levels")
    with pytest.raises(l2cli.UsageError, match="need column_groups"):
        l2cli.fit(X, X[:, 0], group_lambda={"a": 1.0})


def test_screens_tell_the_lambdas_of_groups_and_that_none_is_needed(quick):
    words = (DIABETES, "--groups", TWO, "--group-penalty", "banded", "-q")
    assert "no penalty needed: lambda 0 in every group does as well" in quick("fit", *words).stdout
    cross = quick("cv", *words, "--folds", "4", "--lambdas", "auto:20").stdout
    assert " of groups    lambda times body " in cross
