"""The convert command as a function."""

from __future__ import annotations

import json

import pytest

from l2cli.api.convert import convert_lambda
from l2cli.errors import UsageError


def test_a_lambda_in_every_convention():
    result = convert_lambda(9.6, rows=442, target_sd=77.0).to_dict()
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert result["schema"] == "l2cli/convert/1"
    assert (result["lambda"], result["l1_ratio"], result["family"]) == (9.6, 0.0, "gaussian")
    assert (result["rows"], result["weight_sum"]) == (442, 442.0)
    assert result["equivalents"] == pytest.approx(
        {
            "sklearn_ridge_alpha": 9.6,
            "sklearn_elasticnet_alpha": 9.6 / 442,
            "glmnet_lambda": 9.6 * 77 / 442,
            "glmnet_alpha": 0.0,
            "lambda_mean": 9.6 / 442,
            "torch_weight_decay": 2 * 9.6 / 442,
        }
    )


def test_from_another_tool():
    assert convert_lambda(0.5, convention="sklearn_C", family="binomial").lam == 2.0
    found = convert_lambda(1.67, convention="glmnet_lambda", rows=442, target_sd=77.0)
    assert found.lam == pytest.approx(1.67 * 442 / 77)
    weighted = convert_lambda(0.1, convention="lambda_mean", rows=100, weight_sum=250.0)
    assert weighted.lam == pytest.approx(25.0)
    assert weighted.equivalents["torch_weight_decay"] == pytest.approx(0.5)


def test_what_is_not_known_is_left_out():
    assert convert_lambda(3.0).equivalents == {"sklearn_ridge_alpha": 3.0}
    assert convert_lambda(3.0).to_dict()["rows"] is None


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({"value": 1.0, "convention": "C"}, "no convention 'C'"),
        ({"value": 1.0, "family": "auto"}, "no family 'auto'; choose one of gaussian, binomial"),
        ({"value": 1.0, "rows": 0}, "the rows must be above 0, not 0"),
        ({"value": 1.0, "target_sd": float("nan")}, "the target sd must be above 0, not nan"),
        (
            {"value": 1e-320, "convention": "sklearn_C", "family": "binomial"},
            "sklearn_C must be 0 or from 1e-150 to 1e+150",
        ),
        (
            {"value": 1e150, "convention": "sklearn_elasticnet_alpha", "weight_sum": 1e200},
            "is no lambda that a computer can hold",
        ),
        ({"value": -2.0}, "lambda must be 0 or larger, not -2"),
    ],
)
def test_what_cannot_be_converted(arguments, found):
    with pytest.raises(UsageError) as caught:
        convert_lambda(**arguments)
    assert found in str(caught.value)
