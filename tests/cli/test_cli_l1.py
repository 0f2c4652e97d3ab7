"""``--l1-ratio`` at the command line: the mix is fitted, said, saved, and given to other tools' words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parents[2] / "sample_data"
DIABETES, CANCER = SAMPLES / "diabetes.csv", SAMPLES / "breast_cancer.csv"


def test_a_lasso_leaves_features_out_and_says_which(quick, quick_json):
    done = quick("fit", str(DIABETES), "--l1-ratio", "1", "--lambda", "2000", "--quiet")
    assert "gaussian, L1; lambda given" in done.stdout
    assert "left out (coefficient 0): age" in done.stdout
    assert "Lasso(alpha=4.525) after StandardScaler" in done.stdout
    result = quick_json("fit", str(DIABETES), "--l1-ratio", "1", "--lambda", "2000")
    left = [c["feature"] for c in result["coefficients"] if c["coef"] != 0.0]
    assert f"keeps {len(left)} of 10 features" in done.stdout
    assert result["settings"]["l1_ratio"] == 1.0
    assert result["lambda"]["equivalents"]["glmnet_alpha"] == 1.0
    assert result["effective_df"] == pytest.approx(len(left))


def test_an_elastic_net_is_named_with_its_mix(quick, quick_json):
    done = quick("cv", str(CANCER), "--l1-ratio", "0.5", "--quiet")
    assert "binomial, elastic net (l1_ratio 0.5); 10 stratified folds" in done.stdout
    result = quick_json("cv", str(CANCER), "--l1-ratio", "0.5")
    assert result["refit"]["certificate"]["kkt_residual"] < 1e-10
    assert result["refit"]["certificate"]["duality_gap"] < 1e-10
    assert result["fold_kkt_max"] < 1e-5
    assert "sklearn_ridge_alpha" not in result["refit"]["lambda"]["equivalents"]


def test_a_saved_lasso_predicts_what_it_was_fitted_to_predict(quick_json, tmp_path):
    model = tmp_path / "model.json"
    result = quick_json("fit", str(DIABETES), "--l1-ratio", "1", "--lambda", "800", "--save", str(model))
    saved = json.loads(model.read_text(encoding="utf-8"))
    assert saved["settings"]["l1_ratio"] == 1.0
    score = quick_json("evaluate", str(model), str(DIABETES))
    assert score["metrics"]["mse"] == pytest.approx(result["metrics"]["train"]["mse"], rel=1e-12)


def test_leave_one_out_is_refused_with_an_l1_part(quick):
    done = quick("fit", str(DIABETES), "--l1-ratio", "1", "--select", "loo")
    assert done.returncode == 2
    assert "--select loo is exact for gaussian targets and pure L2 only; use --select cv" in done.stderr


def test_everything_is_left_out_above_the_largest_useful_lambda(quick):
    done = quick("fit", str(DIABETES), "--l1-ratio", "1", "--lambda", "1e9", "--quiet")
    assert "no feature is left: the intercept alone" in done.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--lambda 5", "L2;"),
        ("--lambda 5 --l1-ratio 1", "L1;"),
        ("--lambda 5 --l1-ratio 0.5 --bounds bmi=0:", "elastic net (l1_ratio 0.5), bounds on 1 coefficient"),
        ("--lambda 5 --groups a=age,sex --no-standardize", "group lasso over 1 group, columns not standard"),
        ("--lambda 0", "unpenalized (least squares);"),
    ],
)
def test_the_screen_of_a_saved_model_names_what_was_fitted(quick, tmp_path, words, told):
    model = str(tmp_path / "model.json")
    quick("fit", str(DIABETES), *words.split(), "--save", model, "-q")
    assert f"gaussian, {told}" in " ".join(quick("evaluate", model, str(DIABETES)).stdout.split())
