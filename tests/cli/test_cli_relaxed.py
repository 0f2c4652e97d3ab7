"""``--relax-gamma`` at the command line and in the library, and the warnings that a user sees."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import l2cli

SAMPLES = Path(__file__).parents[2] / "sample_data"
DIABETES, CANCER, PENGUINS = (SAMPLES / f"{name}.csv" for name in ("diabetes", "breast_cancer", "penguins"))


def table_of(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    names = lines[0].split(",")
    return names, np.array([[float(v) for v in row.split(",")] for row in lines[1:]])


def test_a_path_with_gamma_zero_is_least_squares_on_what_the_lasso_keeps(quick_json):
    grid = ("--lambdas", "10,4.5,1", "--lambda-scale", "mean", "--l1-ratio", "1.0")
    plain = quick_json("path", str(DIABETES), *grid)
    relaxed = {g: quick_json("path", str(DIABETES), *grid, "--relax-gamma", str(g)) for g in (0, 0.5, 1)}
    _, rows = table_of(DIABETES)
    lasso = np.array([c["coef"] for c in plain["coefficients"]])
    for i in range(3):
        columns = np.flatnonzero(lasso[:, i])
        A = np.column_stack([rows[:, columns], np.ones(len(rows))])
        answer = np.linalg.lstsq(A, rows[:, -1], rcond=None)[0]
        bare = np.zeros(len(lasso))
        bare[columns] = answer[:-1]
        for g, result in relaxed.items():
            coef = [c["coef"][i] for c in result["coefficients"]]
            assert coef == pytest.approx(g * lasso[:, i] + (1 - g) * bare, rel=1e-9, abs=1e-10)
            assert result["intercepts"][i] == pytest.approx(
                g * plain["intercepts"][i] + (1 - g) * answer[-1], rel=1e-9
            )
            assert result["kkt_residual"][i] < 1e-12
        eta = A @ answer
        assert relaxed[0]["train_deviance"][i] == pytest.approx(np.sum((rows[:, -1] - eta) ** 2), rel=1e-10)
    assert relaxed[1]["coefficients"] == plain["coefficients"]
    assert relaxed[0]["settings"]["relax_gamma"] == 0.0
    assert plain["settings"]["relax_gamma"] is None


def test_a_relaxed_fit_is_named_saved_and_predicts(quick, quick_json, tmp_path):
    model = tmp_path / "model.json"
    words = ("fit", str(DIABETES), "--l1-ratio", "1", "--lambda", "2000", "--relax-gamma", "0.25")
    done = quick(*words, "--quiet")
    assert "gaussian, L1, relaxed (gamma 0.25); lambda given" in done.stdout
    assert "Lasso(alpha" not in done.stdout
    result = quick_json(*words, "--save", str(model))
    assert result["certificate"]["duality_gap"] is None
    assert result["certificate"]["converged"] is True
    saved = json.loads(model.read_text(encoding="utf-8"))
    assert saved["settings"]["relax_gamma"] == 0.25
    score = quick_json("evaluate", str(model), str(DIABETES))
    assert score["metrics"]["mse"] == pytest.approx(result["metrics"]["train"]["mse"], rel=1e-12)
    assert "L1, not relaxed (gamma 1)" in quick(*words[:-1], "1", "--quiet").stdout


def test_cross_validation_judges_the_relaxed_fits(quick_json):
    words = ("cv", str(CANCER), "--l1-ratio", "1", "--lambdas", "60,15", "--folds", "5")
    plain, relaxed = quick_json(*words), quick_json(*words, "--relax-gamma", "0")
    assert relaxed["mean"] != pytest.approx(plain["mean"], rel=1e-3)
    assert relaxed["fold_kkt_max"] < 1e-5
    assert relaxed["refit"]["settings"]["relax_gamma"] == 0.0
    rmse = quick_json("cv", str(DIABETES), "--l1-ratio", "1", "--relax-gamma", "0", "--metric", "mae")
    names, rows = table_of(DIABETES)
    run = l2cli.cv(rows[:, :-1], rows[:, -1], l1_ratio=1.0, relax_gamma=0.0, metric="mae")
    assert run.mean == pytest.approx(rmse["mean"], rel=1e-10)
    predicted = rows[:, :-1] @ run.refit.coef + run.refit.intercept
    kept = [names.index(c["feature"]) for c in rmse["refit"]["coefficients"] if c["coef"]]
    A = np.column_stack([rows[:, kept], np.ones(len(rows))])
    assert predicted == pytest.approx(A @ np.linalg.lstsq(A, rows[:, -1], rcond=None)[0], rel=1e-9)


def test_several_classes_are_relaxed_in_every_command(quick, quick_json, tmp_path):
    model, features = tmp_path / "model.json", "bill_length_mm,body_mass_g,flipper_length_mm,sex"
    words = (str(PENGUINS), "-t", "species", "-x", features, "--l1-ratio", "1", "--relax-gamma", "0")
    done = quick("fit", *words, "--lambda", "20", "--save", str(model))
    assert "multinomial, L1, relaxed (gamma 0); lambda given" in done.stdout
    fit = quick_json("fit", *words, "--lambda", "20")
    assert fit["certificate"]["kkt_residual"] < 1e-11
    assert fit["certificate"]["duality_gap"] is None
    path = quick_json("path", *words, "--lambdas", "40,20")
    plain = quick_json("path", *words[:-1], "1", "--lambdas", "40,20")
    for c, tables in enumerate(zip(fit["classes"], path["classes"], plain["classes"], strict=True)):
        of_fit, of_path, of_lasso = ([row["coef"] for row in table["coefficients"]] for table in tables)
        assert [coef[1] for coef in of_path] == pytest.approx(of_fit, rel=1e-8), c
        assert [coef != 0.0 for coef in of_fit] == [coef[1] != 0.0 for coef in of_lasso]
    assert fit["effective_df"] == path["effective_df"][1] == 6.0
    score = quick_json("evaluate", str(model), str(PENGUINS))
    assert score["metrics"]["deviance"] == pytest.approx(fit["metrics"]["train"]["deviance"], rel=1e-9)
    predicted = quick("predict", str(model), str(PENGUINS), "--quiet").stdout.splitlines()
    assert len(predicted) == 345
    assert predicted[0] == "prediction,probability_Adelie,probability_Chinstrap,probability_Gentoo"
    choice = quick_json("cv", *words, "--lambdas", "100,60", "--folds", "5")
    assert choice["fold_kkt_max"] < 1e-5
    assert np.isfinite(choice["mean"]).all()
    assert choice["refit"]["settings"]["relax_gamma"] == 0.0


def test_relaxed_classes_are_compared_and_separated_ones_told(quick, quick_json):
    words = (
        str(PENGUINS),
        "-t",
        "species",
        "--folds",
        "4",
        "--models",
        "relaxed,mean",
        "--lambdas",
        "100,60",
    )
    result = quick_json("compare", *words, "-x", "bill_length_mm,body_mass_g,year")
    assert [m["name"] for m in result["models"]] == ["relaxed lasso (min)", "mean only"]
    assert result["models"][0]["mean"] < 0.6
    done = quick(
        "fit", str(PENGUINS), "-t", "species", "--l1-ratio", "1", "--relax-gamma", "0", "--lambda", "40"
    )
    assert done.returncode == 1
    assert (
        "no finite relaxed fit at lambda 40: the classes are separated by island=Biscoe, which" in done.stderr
    )


def test_the_library_relaxes_fits_and_paths():
    _, rows = table_of(DIABETES)
    X, y = rows[:, :-1], rows[:, -1]
    fit = l2cli.fit(X, y, l1_ratio=0.5, lam=900.0, relax_gamma=0.5)
    path = l2cli.path(X, y, l1_ratio=0.5, lambdas=[900.0, 9.0], relax_gamma=0.5)
    plain = l2cli.fit(X, y, l1_ratio=0.5, lam=900.0)
    assert fit.coef == pytest.approx(path.coef[:, 0], rel=1e-12)
    assert not np.allclose(fit.coef, plain.coef)
    assert (fit.coef != 0).tolist() == (plain.coef != 0).tolist()
    with pytest.raises(l2cli.errors.UsageError, match="between 0 and 1"):
        l2cli.fit(X, y, l1_ratio=0.5, lam=1.0, relax_gamma=1.5)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--relax-gamma", "0.5"), "--relax-gamma needs an L1 part: pure L2 leaves no feature out"),
        (("--relax-gamma", "1.5", "--l1-ratio", "1"), "--relax-gamma must be between 0 and 1, not 1.5"),
        (("--relax-gamma", "half", "--l1-ratio", "1"), "--relax-gamma needs a number, not 'half'"),
    ],
)
@pytest.mark.parametrize("command", ["fit", "cv", "path"])
def test_impossible_relaxing_is_refused_before_anything_is_read(quick, command, words, reason):
    done = quick(command, "no.csv", *words)
    assert done.returncode == 2
    assert reason in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.fixture
def separated(tmp_path):
    """Write ``separated.csv``: column b tells the classes apart, but for few rows against chance."""
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=40), rng.normal(size=40)
    lines = [f"{x:.4f},{z:.4f},{'yes' if z > 0 else 'no'}" for x, z in zip(a, b, strict=True)]
    path = tmp_path / "separated.csv"
    path.write_text("a,b,bought\n" + "\n".join(lines) + "\n")
    return path


def test_a_separated_active_set_ends_with_its_lambda_and_columns(quick, quick_json, separated):
    words = (str(separated), "--l1-ratio", "1", "--relax-gamma", "0.5", "--quiet")
    done = quick("path", *words, "--lambdas", "0.2,0.1", "--lambda-scale", "mean")
    assert done.returncode == 1
    assert (
        "l2cli: error: no finite relaxed fit at lambda 0.2: the classes are separated by b, which it leaves "
        "unpenalized; give larger lambdas, or --relax-gamma 1\n"
    ) in done.stderr
    assert quick("fit", *words, "--lambda", "100").returncode == 0
    choice = quick_json("cv", *words[:-1], "--lambdas", "100,5", "--folds", "4")
    assert choice["mean"][1] is None
    assert choice["lambda_min"] == 100.0


def test_a_perfect_predictor_is_told_once_on_one_line(quick, separated):
    done = quick("cv", str(separated), "--lambdas", "1,10,100", "--strict")
    assert done.returncode == 4
    line = (
        "l2cli: warning: 'b' alone determines the target 'bought' (it separates its classes): "
        "is it a copy? --drop b leaves it out\n"
    )
    assert done.stderr.count(line) == 1
    assert "alone determines" not in quick("cv", str(separated), "--drop", "b", "--strict").stderr


def test_the_sample_data_raise_no_alarm(quick):
    for name, target in (
        ("diabetes", "progression"),
        ("breast_cancer", "diagnosis"),
        ("penguins", "body_mass_g"),
        ("doctor_visits", "visits"),
    ):
        done = quick("fit", str(SAMPLES / f"{name}.csv"), "-t", target, "--lambda", "1", "--quiet")
        assert (done.returncode, done.stderr) == (0, "")
