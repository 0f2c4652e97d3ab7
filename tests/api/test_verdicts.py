"""The lines that an explanation begins with."""

from __future__ import annotations

import pytest

from l2cli.api.verdicts import listed, verdicts


def found_with(
    shares=(0.5, 0.3, 0.2), df=2.9, gain=0.0, condition=None, shrinkage=(0.1, 0.4, 0.02), unseen=0.5
):
    names = ["a", "b", "c"]
    groups = [{"name": n, "importance": s, "marginal": s} for n, s in zip(names, shares, strict=True)]
    features = [
        {"feature": n, "coef_standardized": 1.0 - s, "coef_unpenalized_standardized": 1.0, "shrinkage": s}
        for n, s in zip(names, shrinkage, strict=True)
    ]
    error = {"metric": "rmse", "gain": gain}
    found = {"importance": {"groups": groups}, "features": features, "condition": condition}
    fit = {"effective_df": df, "rank": 3, "lambda": {"value": 2.0}, "settings": {"l1_ratio": 0.0}}
    fit["metrics"] = {"train": {"deviance": 0.999}, "validation": unseen and {"deviance": unseen}}
    return found | {"cost": {"error": error}}, fit, 1.0


def test_what_correlation_alone_makes_important_is_told_apart():
    found, fit, null = found_with()
    groups = found["importance"]["groups"]
    groups[1]["marginal"] = 0.029
    text = "a carries 50 % of what the model explains; b 30 % more, by correlation alone"
    assert verdicts(found, fit, null)[0] == text
    groups[1]["marginal"] = 0.03
    assert verdicts(found, fit, null)[0] == "a and b carry 80 % of what the model explains"
    groups[0]["marginal"] = groups[1]["marginal"] = 0.0
    assert verdicts(found, fit, null)[0] == "a and b carry 80 % of what the model explains"


TAKEN = "it takes most from b (40 %) and a (10 %)"
SHARE = "importance is a share of next to nothing"
SUM = "trust their sum more than each coefficient"


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({}, "a and b carry 80 % of what the model explains"),
        ({"shares": (0.1, 0.2, 0.7)}, "c carries 70 % of what the model explains"),
        ({"unseen": 1.01}, f"on unseen rows the model explains less than 1 % of the target: {SHARE}"),
        ({"unseen": 0.995}, f"on unseen rows the model explains less than 1 % of the target: {SHARE}"),
        ({"unseen": None}, f"on these rows the model explains less than 1 % of the target: {SHARE}"),
        ({"shares": (None,) * 3}, "the features explain nothing: the model is its intercept"),
        ({}, f"the penalty is light: 2.9 of 3 degrees of freedom are left; {TAKEN}"),
        ({"df": 1.0}, f"the penalty is strong: 1 of 3 degrees of freedom are left; {TAKEN}"),
        ({"shrinkage": (0.0, 0.0, 0.0)}, "the penalty is light: 2.9 of 3 degrees of freedom are left"),
        ({"gain": 0.2}, "on unseen rows the penalty improves the rmse by 20.0 %"),
        ({"gain": -0.031}, "on unseen rows the penalty worsens the rmse by 3.1 %"),
        ({"gain": 0.001}, "on unseen rows the penalty changes the rmse by less than 1 %"),
    ],
)  # fmt: skip
def test_a_line_says_what_the_numbers_say(changed, line):
    assert line in verdicts(*found_with(**changed))


@pytest.mark.parametrize(
    ("number", "names", "words"),
    [
        (3.0, ["a", "b"], "no collinearity to worry about: the largest condition index is 3"),
        (12.0, ["a", "b"], f"a and b overlap (condition index 12): {SUM}"),
        (99.0, ["a", "b", "c"], f"a, b and c say nearly the same (condition index 99): {SUM}"),
        (12.0, ["a"], "no collinearity to worry about: the largest condition index is 12"),
    ],
)  # fmt: skip
def test_collinearity_is_told_by_its_index(number, names, words):
    condition = {"number": number, "tied_directions": 0, "worst": [{"feature": name} for name in names]}
    assert words in verdicts(*found_with(condition=condition))


def test_names_are_listed_as_people_do():
    assert [listed(names) for names in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]
