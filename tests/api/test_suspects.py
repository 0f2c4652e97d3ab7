"""Warnings on features and curves: present where they help, absent where they would be noise, told once."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.api import suspects
from l2cli.api.cv import cv_dataset
from l2cli.api.fit import fit_dataset
from l2cli.api.path import path_dataset
from l2cli.data.build import build_dataset
from l2cli.data.frame import table_from_frame
from l2cli.spec import ColumnSpec, GridSpec, ModelSpec, SelectSpec


def frame(n=60, seed=0):
    import pandas as pd

    rng = np.random.default_rng(seed)
    data = pd.DataFrame({"a": rng.normal(size=n), "b": rng.integers(0, 9, size=n) * 1.0})
    data["y"] = data["a"] + 0.3 * data["b"] + rng.normal(size=n)
    return data


def built(data, target="y", model=None, **columns):
    table = table_from_frame(data)
    return build_dataset(table, ColumnSpec(target=target, **columns), model or ModelSpec())


def warned(data, **columns):
    """Return {code: message} of the warnings about features, and check that nothing was left out for them."""
    dataset = built(data, **columns)
    found = suspects.feature_warnings(dataset)
    assert len({w["code"] for w in found}) == len(found)
    return {w["code"]: w["message"] for w in found}


def test_ordinary_features_are_not_suspected():
    assert warned(frame()) == {}


@pytest.mark.parametrize("value", [7.1, 0.0, 1e60])
def test_nothing_determines_a_target_that_does_not_vary(value):
    data = frame()
    data["y"] = value
    found = fit_dataset(built(data), ModelSpec(), SelectSpec()).to_dict()["warnings"]
    assert [warning["code"] for warning in found] == ["constant_target"]


def test_a_column_that_is_the_target_in_another_unit_is_named():
    data = frame()
    data.insert(0, "y in cm", 100.0 * data["y"] - 3.0)
    expected = {
        "perfect_predictor": "'y in cm' alone determines the target 'y' (it has correlation 1 with it): "
        "is it a copy? --drop 'y in cm' leaves it out"
    }
    assert warned(data) == expected
    data.insert(1, "minus", -data["y"])
    text = warned(data)["perfect_predictor"]
    assert text.startswith("'y in cm', 'minus' each determine the target 'y'")
    assert text.endswith("are they copies? --drop 'y in cm,minus' leaves them out")


@pytest.mark.parametrize(
    ("noise", "found"), [(1e-7, True), (1e-5, False), (1e-2, False)], ids=["rounded", "close", "near"]
)
def test_the_correlation_must_be_one_to_twelve_digits(noise, found):
    data = frame(n=500)
    rng = np.random.default_rng(1)
    data.insert(0, "copy", data["y"] + noise * data["y"].std() * rng.normal(size=500))
    assert ("perfect_predictor" in warned(data)) is found


def test_a_copy_with_missing_cells_is_still_a_copy():
    data = frame()
    data.insert(0, "copy", data["y"].where(np.arange(60) % 7 > 0))
    assert "'copy' alone determines" in warned(data)["perfect_predictor"]


@pytest.mark.parametrize("unit", [1e-140, 1e140])
def test_a_copy_in_any_unit_is_a_copy(unit):
    """Squares of both sizes together overflow; warnings are errors."""
    data = frame()
    data["a"], data["y"] = data["y"] * unit, data["y"] * 1e60
    assert "'a' alone determines" in warned(data)["perfect_predictor"]


def test_rare_rows_decide_where_a_sample_shows_nothing():
    data = frame(n=2000)
    data["y"] = 0.0
    data.loc[[5, 777], "y"] = [1.5, 4.0]  # none of the rows looked at first
    data.insert(0, "copy", 2.0 * data["y"])
    data.insert(1, "flat", 0.0)
    data.loc[9, "flat"] = 1.0
    message = warned(data)["perfect_predictor"]
    assert message.startswith("'copy' alone")
    assert "flat" not in message


@pytest.mark.parametrize("family", ["poisson", "gamma"])
def test_a_copy_is_a_copy_under_any_family_of_numbers(family):
    data = frame()
    data["y"] = np.arange(1.0, 61.0) ** 2
    data.insert(0, "copy", data["y"])
    dataset = built(data, model=ModelSpec(family=family))
    assert suspects.perfect_predictors(dataset)[0]["message"].startswith("'copy' alone determines")


def test_a_column_that_separates_the_classes_is_named():
    data = frame()
    data["y"] = np.where(data["y"] > 1.0, "yes", "no")
    assert warned(data) == {}
    data.insert(0, "score", np.where(data["y"] == "yes", 1.0, -1.0) + 0.5 * np.tanh(data["a"]))
    text = warned(data)["perfect_predictor"]
    assert text == (
        "'score' alone determines the target 'y' (it separates its classes): is it a copy? "
        "--drop score leaves it out"
    )
    data.loc[3, "score"] = -data.loc[3, "score"]
    assert warned(data) == {}


def test_a_level_that_is_the_class_is_traced_to_its_column():
    data = frame()
    data["y"] = np.where(data["y"] > 1.0, "yes", "no")
    data.insert(0, "answer", np.where(data["y"] == "yes", "j", "n"))
    assert "'answer' alone determines" in warned(data)["perfect_predictor"]


def test_few_rows_separate_by_chance_and_are_not_told():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(12, 400))
    y = np.array([0.0] * 10 + [1.0] * 2)
    assert suspects._separating(X, y) == []
    assert suspects._separating(np.repeat(X, 10, axis=0), np.repeat(y, 10)) != []


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (np.arange(40.0), True),
        (np.random.default_rng(0).permutation(60) + 1.0, True),
        (np.arange(40.0) + 1950.0, False),
        (np.arange(60.0) * 2.0, False),
        (np.r_[np.arange(59.0), 0.0], False),
        (np.arange(60.0) + 0.5, False),
    ],
    ids=["from-0", "shuffled-from-1", "years", "gaps", "repeated", "halves"],
)
def test_an_integer_column_that_counts_the_rows_is_named(values, found):
    data = frame(n=len(values))
    data.insert(0, "nr of case", values)
    warning = warned(data).get("identifier", "")
    assert bool(warning) is found
    low, high = values.min(), values.max()
    text = f"column 'nr of case' counts the rows ({low:.0f} to {high:.0f}), so it may only number them"
    assert warning == (f"{text}: --drop 'nr of case' leaves it out" if found else "")


def test_long_runs_of_integers_number_the_rows_wherever_they_start():
    data = frame(n=300)
    data.insert(0, "what", np.random.default_rng(0).permutation(300) + 5001.0)
    assert "column 'what' counts the rows (5001 to 5300)" in warned(data)["identifier"]


def test_rows_left_out_leave_gaps_in_a_row_number():
    data = frame(n=40)
    data.insert(0, "what", np.arange(40.0))
    data.loc[[4, 20], "y"] = np.nan
    assert "column 'what' counts the rows (0 to 39)" in warned(data)["identifier"]


def test_text_with_a_level_for_every_row_is_named_if_it_was_asked_for():
    data = frame()
    data.insert(0, "name", [f"n{i}" for i in range(60)])
    assert warned(data) == {}  # left out already
    text = warned(data, features=("name", "a"))["identifier"]
    assert text == (
        "column 'name' has 60 levels in 60 rows, so it names rows that never come again: "
        "--drop name leaves it out"
    )
    data["name"] = [f"n{i % 12}" for i in range(60)]
    assert warned(data, features=("name", "a")) == {}


def codes(content):
    return [w["code"] for w in content["warnings"]]


def test_every_command_tells_of_a_suspect_once():
    data = frame(n=40)
    data.insert(0, "what", np.arange(40.0))
    for content in (
        fit_dataset(built(data), ModelSpec(), SelectSpec()).to_dict(),
        cv_dataset(built(data), ModelSpec(), SelectSpec()).to_dict(),
        path_dataset(built(data), ModelSpec()).to_dict(),
    ):
        assert codes(content) == ["identifier"]


@pytest.mark.parametrize("select", ["loo", "cv", "gcv"])
def test_a_curve_that_prefers_no_lambda_is_told_once(dataset_of, select):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(60, 3))
    y = X[:, 0] + rng.normal(size=60)
    narrow = ModelSpec(lambdas=GridSpec(low=0.3, high=3.0, count=5))
    content = fit_dataset(dataset_of(X, y), narrow, SelectSpec(select)).to_dict()
    # gcv has no standard error that could tell
    assert codes(content) == (["early"] if select == "gcv" else ["early", "flat_curve"])
    if select != "gcv":
        assert content["warnings"][1]["message"] == (
            "the selection curve is flat over the whole grid, 0.3 to 3: the data cannot tell any of these "
            "lambdas from the best; a wider grid may show more"
        )
    wide = ModelSpec(lambdas=GridSpec(low=0.3, high=3e3, count=5))
    assert "flat_curve" not in codes(fit_dataset(dataset_of(X, y), wide, SelectSpec(select)).to_dict())


def test_the_curve_of_cv_is_told_once_and_a_clear_minimum_not_at_all(dataset_of):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(60, 3))
    signal, noise = X[:, 0] + rng.normal(size=60), rng.normal(size=60)
    content = cv_dataset(dataset_of(X, noise), ModelSpec(), SelectSpec()).to_dict()
    assert codes(content) == ["early", "flat_curve"]
    assert content["warnings"][1]["message"].endswith("the features may say little about the target")
    assert content["verdict"] == "the features say nothing: the mean does as well"
    assert codes(cv_dataset(dataset_of(X, signal), ModelSpec(), SelectSpec()).to_dict()) == ["early"]
    one = ModelSpec(lambdas=GridSpec(values=(1.0,)))
    assert codes(cv_dataset(dataset_of(X, noise), one, SelectSpec()).to_dict()) == ["early"]


@pytest.mark.parametrize(("p", "shown"), [(12, True), (9, True), (8, False)])
def test_lambda_zero_with_as_many_columns_as_rows_is_told(dataset_of, p, shown):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(10, p)), rng.normal(size=10)
    fit = fit_dataset(dataset_of(X, y), ModelSpec(lambdas=GridSpec(values=(0.0,))), SelectSpec())
    found = [w for w in fit.to_dict()["warnings"] if w["code"] != "early"]
    assert [w["code"] for w in found] == (["more_columns_than_rows"] if shown else [])
    if shown:
        assert f"lambda 0 with {p} features on 10 rows fits these rows perfectly" in found[0]["message"]
        assert ("least norm" in found[0]["message"]) is (p == 12)
        assert fit.to_dict()["metrics"]["train"]["rmse"] < 1e-10
    path = path_dataset(dataset_of(X, y), ModelSpec(lambdas=GridSpec(values=(1.0, 0.5))))
    assert codes(path.to_dict()) == ["early"]


@pytest.mark.parametrize(("p", "shown"), [(12, True), (9, False)])
def test_lambda_zero_between_bounds_does_not_claim_to_be_unique(p, shown):
    import pandas as pd

    data = pd.DataFrame(np.random.default_rng(0).normal(size=(10, p + 1))).add_prefix("x")
    model = ModelSpec(lambdas=GridSpec(values=(0.0,)), bounds=(("x*", 0.0, np.inf),))
    fit = fit_dataset(built(data, target=f"x{p}", model=model), model, SelectSpec())
    assert codes(fit.to_dict()) == (["rank_deficient"] if shown else [])


def test_lambda_zero_in_the_grid_of_cv_is_told_whichever_lambda_wins(dataset_of):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 30)), rng.normal(size=20)
    model = ModelSpec(lambdas=GridSpec(values=(1e4, 10.0, 0.0)))
    content = cv_dataset(dataset_of(X, y), model, SelectSpec(folds=4)).to_dict()
    assert content["lambda_min"] > 0.0
    assert codes(content).count("more_columns_than_rows") == 1
    assert "rank_deficient" not in codes(content)


def exact(n=60, seed=4):
    import pandas as pd

    data = pd.DataFrame(np.random.default_rng(seed).normal(size=(n, 4)), columns=list("abcd"))
    data["y"] = data["a"] + 2.0 * data["c"]
    return data


TOGETHER = "'a', 'c' together determine the target 'y': is it computed from them?"


@pytest.mark.parametrize(
    "settings",
    [
        {"lambdas": GridSpec(values=(0.0,))},
        {"l1_ratio": 1.0},
        {"l1_ratio": 1.0, "relax_gamma": 0.0, "lambdas": GridSpec(values=(20.0,))},
        {},
    ],
    ids=["unpenalized", "lasso", "relaxed", "ridge"],
)
def test_features_that_leave_nothing_to_explain_are_named_once(settings):
    model = ModelSpec(**settings)
    for command in (fit_dataset, cv_dataset):
        content = command(built(exact(), model=model), model, SelectSpec()).to_dict()
        assert [w["message"] for w in content["warnings"] if w["code"] == "perfect_predictor"] == [TOGETHER]


def test_a_model_of_one_feature_that_leaves_nothing_names_it():
    data = exact()
    data["y"] = np.exp(0.5 * data["c"] + 1.0)  # not in proportion to c, but all of it
    model = ModelSpec(family="gamma", lambdas=GridSpec(values=(0.0,)))

    def told(rows):
        return fit_dataset(built(rows, model=model), model, SelectSpec()).to_dict()["warnings"]

    assert [w["code"] for w in told(data)] == ["same_order"]  # once
    assert [w["message"] for w in told(data[:25])] == [  # too few rows to judge by their order
        "'c' alone determines the target 'y': is it a copy? --drop c leaves it out"
    ]


def test_an_ordinary_fit_leaves_something_to_explain():
    data = exact()
    data["y"] += 1e-4 * np.random.default_rng(5).normal(size=60)
    model = ModelSpec(lambdas=GridSpec(values=(0.0,)))
    assert codes(fit_dataset(built(data, model=model), model, SelectSpec()).to_dict()) == []


@pytest.mark.parametrize("given", [True, False], ids=["given", "chosen"])
def test_as_many_features_as_rows_fit_perfectly_and_are_told_where_nothing_judged_them(given):
    import pandas as pd

    rng = np.random.default_rng(0)
    data = pd.DataFrame(rng.normal(size=(20, 30)), columns=[f"v{j}" for j in range(30)])
    data["y"] = rng.normal(size=20)
    lambdas = GridSpec(values=(1e-3,) if given else (1e-3, 1e-4))
    model = ModelSpec(l1_ratio=1.0, relax_gamma=0.0, lambdas=lambdas)
    content = fit_dataset(built(data, model=model), model, SelectSpec(folds=None if given else 4)).to_dict()
    found = [w["message"] for w in content["warnings"] if w["code"] == "perfect_predictor"]
    assert content["metrics"]["train"]["r2"] > 1.0 - 1e-12
    text = "19 features on 20 rows fit any target perfectly, and 'y' too: only unseen rows tell whether they"
    assert found == ([f"{text} say anything"] if given else [])


@pytest.mark.parametrize("gamma", [0.0, 1.0])
def test_lambdas_whose_relaxed_fits_are_lost_to_separation_are_told(gamma):
    import pandas as pd

    rng = np.random.default_rng(2)
    level = (rng.random(80) < 0.3) * 1.0
    data = pd.DataFrame({"level": level, "w": rng.normal(size=80)})
    data["y"] = np.where(level > 0, 0.0, 1.0 + rng.poisson(2, 80))
    model = ModelSpec(
        family="poisson", l1_ratio=1.0, relax_gamma=gamma, lambdas=GridSpec(values=(400.0, 8.0, 5.0))
    )
    for command in (fit_dataset, cv_dataset):
        content = command(built(data, model=model), model, SelectSpec(folds=4)).to_dict()
        found = [w["message"] for w in content["warnings"] if w["code"] == "no_relaxed_fit"]
        assert found == (
            []
            if gamma
            else [
                "2 of 3 lambdas (the largest 8) have no finite relaxed fit in some fold, where the rows with "
                "a target of 0 are separated by the features it leaves unpenalized: they were not chosen from"
            ]
        )


def test_a_product_that_determines_the_target_is_no_column_to_drop():
    data = frame()
    data["y"] = 3.0 * data["a"] * data["b"] - 1.0
    assert warned(data, interactions=("a:b",)) == {
        "perfect_predictor": "'a:b' alone determines the target 'y' (it has correlation 1 with it): is it a"
        " copy? leave it out"
    }


def test_months_that_count_up_are_no_row_numbers():
    data = frame(n=12)
    data["when"] = [f"2024-{month:02}-01" for month in range(1, 13)]
    assert "identifier" not in warned(data, dates=True)


# ---------------------------------------------------------------- the order of the target


def wages(n=300):
    data = frame(n)
    data["y"] = np.exp(1.0 + 0.5 * data["y"])
    return data


@pytest.mark.parametrize(
    "form",
    [np.log, np.square, lambda y: -1.0 / y, lambda y: np.round(np.log(y), 3), lambda y: y.rank() / 7.0],
    ids=["logarithm", "square", "falling", "rounded", "rank"],
)
def test_another_form_of_the_target_is_named(form):
    data = wages()
    data.insert(0, "other form", form(data["y"]))
    assert warned(data) == {
        "same_order": "'other form' alone puts the rows in the order of the target 'y' (rank correlation 1): "
        "is it computed from it? --drop 'other form' leaves it out"
    }
    data.loc[::7, "other form"] = np.nan  # missing cells aside
    assert "same_order" in warned(data)


def test_several_forms_of_the_target_are_named_together_and_apart_from_copies():
    data = wages()
    data.insert(0, "log", np.log(data["y"]))
    data.insert(1, "root", np.sqrt(data["y"]))
    data.insert(2, "twice", 2.0 * data["y"])
    found = warned(data)
    assert found["same_order"].startswith("'log', 'root' each put the rows in the order of the target 'y'")
    assert "'twice' alone determines" in found["perfect_predictor"]


def test_one_pair_of_rows_in_another_order_clears_a_feature():
    data = wages(5000)
    data.insert(0, "log", np.log(data["y"]))
    assert "same_order" in warned(data)
    low, high = data["y"].idxmin(), data["y"].idxmax()
    data.loc[[low, high], "log"] = data.loc[[high, low], "log"].to_numpy()
    assert warned(data) == {}


def test_a_coarse_form_of_the_target_does_not_give_it_away():
    data = wages()
    data.insert(0, "band", np.floor(data["y"].rank() / 60.0))  # five bands
    assert warned(data) == {}


def test_the_trends_of_few_rows_are_no_news():
    data = wages(29)
    data.insert(0, "log", np.log(data["y"]))
    assert warned(data) == {}


def test_a_form_of_the_target_that_is_present_in_few_rows_is_judged_by_those():
    data = wages(5000)
    data.insert(0, "log", np.log(data["y"]).where(np.arange(5000) % 61 == 3))
    assert "same_order" in warned(data)
    data.loc[3, "log"] = data["log"].max() + 1.0
    assert warned(data) == {}
