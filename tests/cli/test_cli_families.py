"""Counts and sizes at the command line: fit, cv, path, compare, predict, evaluate, and what is refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

SAMPLES = Path(__file__).parents[2] / "sample_data"
VISITS = str(SAMPLES / "doctor_visits.csv")


def answer(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def sizes(tmp_path):
    """A file of positive numbers with an exposure."""
    rng = np.random.default_rng(0)
    x, days = rng.standard_normal((80, 2)), rng.integers(1, 30, 80)
    y = days * rng.gamma(2.0, np.exp(0.5 * x[:, 0]) / 2.0)
    with (tmp_path / "sizes.csv").open("w", newline="") as file:
        rows = zip(*x.T.round(4), days, y.round(6), strict=True)
        csv.writer(file).writerows([["a", "b", "days", "cost"], *rows])
    return tmp_path / "sizes.csv"


def test_poisson_from_fit_to_evaluate(quick, tmp_path):
    fit = answer(
        quick("fit", VISITS, "--family", "poisson", "--lambda", "10", "--json", "-q", "--save", "m.json")
    )
    assert fit["settings"]["family"] == "poisson"
    assert fit["certificate"]["kkt_residual"] <= 1e-10
    assert set(fit["metrics"]["train"]) == {"deviance", "mse", "rmse", "mae", "r2"}
    assert fit["lambda"]["equivalents"]["sklearn_glm_alpha"] == pytest.approx(10 / 2019)
    done = quick("predict", "m.json", VISITS)
    predicted = np.array([float(line) for line in done.stdout.splitlines()[1:]])
    with Path(VISITS).open() as file:
        visits = np.array([float(row["visits"]) for row in csv.DictReader(file)])
    assert predicted.min() > 0
    # the intercept is free: the predictions add up to what was counted
    assert predicted.sum() == pytest.approx(visits.sum(), rel=1e-9)
    scored = answer(quick("evaluate", "m.json", VISITS, "--json"))
    assert scored["metrics"] == pytest.approx(fit["metrics"]["train"], rel=1e-9)
    assert scored["confusion"] is None


@pytest.mark.parametrize("family", ["poisson", "gamma", "tweedie"])
@pytest.mark.parametrize("ratio", ["0", "1"])
def test_every_command_takes_every_family(quick, sizes, family, ratio):
    words = (str(sizes), "--exposure", "days", "--family", family, "--l1-ratio", ratio, "--json", "-q")
    cv = answer(quick("cv", *words, "--folds", "4", "--lambdas", "auto:20"))
    assert cv["metric"] == "deviance"
    assert cv["fold_kkt_max"] <= 1e-5
    assert cv["refit"]["certificate"]["kkt_residual"] <= 1e-10
    path = answer(quick("path", *words, "--lambdas", "100,1"))
    assert max(path["kkt_residual"]) <= 1e-10
    compared = answer(quick("compare", *words, "--folds", "4"))
    assert compared["metric"] == "deviance"
    assert len(compared["models"]) >= 4
    assert all(m["mean"] > 0 for m in compared["models"])


def test_exposure_is_the_offset_of_its_logarithm(quick, sizes, tmp_path):
    rows = list(csv.DictReader(sizes.open()))
    logged = tmp_path / "logged.csv"
    with logged.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["a", "b", "o", "cost"])
        writer.writerows([r["a"], r["b"], repr(np.log(float(r["days"])).item()), r["cost"]] for r in rows)
    words = ("--family", "gamma", "--lambda", "2", "--json", "-q")
    one = answer(quick("fit", str(sizes), "--exposure", "days", *words))
    other = answer(quick("fit", str(logged), "--offset", "o", *words))
    for a, b in zip(one["coefficients"], other["coefficients"], strict=True):
        assert a["coef"] == pytest.approx(b["coef"], rel=1e-10)


def test_the_tweedie_power_is_used_and_kept(quick, sizes):
    words = ("fit", str(sizes), "--family", "tweedie", "--lambda", "1", "--json", "-q")
    default = answer(quick(*words))
    low = answer(quick(*words, "--tweedie-power", "1.1", "--save", "m.json"))
    assert (default["settings"]["tweedie_power"], low["settings"]["tweedie_power"]) == (1.5, 1.1)
    assert default["coefficients"][0]["coef"] != pytest.approx(low["coefficients"][0]["coef"], rel=1e-6)
    scored = answer(quick("evaluate", "m.json", str(sizes), "--json"))
    assert scored["metrics"]["deviance"] == pytest.approx(low["metrics"]["train"]["deviance"], rel=1e-9)
    shown = quick(*words[:6], "-q", "--tweedie-power", "1.1").stdout
    assert "tweedie (power 1.1), L2" in shown


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["--tweedie-power", "1.5"], 2, "--tweedie-power belongs to the family tweedie"),
        (["--family", "tweedie", "--tweedie-power", "2"], 2, "must lie between 1 and 2, not 2; power 1 is"),
        (["--family", "tweedie", "--tweedie-power", "x"], 2, "--tweedie-power"),
        (["--family", "poison"], 2, "poisson"),
        (["--family", "gamma", "-t", "a"], 3, "gamma needs numbers above 0"),
        (["--family", "poisson", "--positive", "1"], 2, "is fitted as numbers (poisson)"),
        (["--family", "poisson", "--select", "gcv"], 2, "exact for gaussian"),
        (["--family", "poisson", "--metric", "auc"], 2, "does not fit the family poisson"),
    ],
)
def test_what_is_refused(quick, sizes, words, status, message):
    done = quick("fit", str(sizes), "-q", *words)
    assert done.returncode == status
    assert done.stderr.startswith("l2cli: error: ")
    assert done.stderr.count("\n") == 1
    assert message in done.stderr


def test_separated_counts_are_named_at_lambda_0(quick, tmp_path):
    path = tmp_path / "zeros.csv"
    rows = [f"{i % 7},{'north' if i % 4 else 'south'},{(1 + i % 3) if i % 4 else 0}" for i in range(60)]
    path.write_text("x,side,count\n" + "\n".join(rows) + "\n")
    done = quick("fit", str(path), "--family", "poisson", "--lambda", "0", "-q")
    assert done.returncode == 1
    assert "no finite solution at lambda 0: the rows with a target of 0 are separated by side" in done.stderr


def test_standard_errors_of_counts_at_lambda_0(quick):
    fit = answer(quick("fit", VISITS, "--family", "poisson", "--lambda", "0", "--json", "-q"))
    first = fit["coefficients"][0]
    assert first["ci_low"] == pytest.approx(first["coef"] - 1.959963984540054 * first["se"], rel=1e-9)


@pytest.fixture
def decided(tmp_path):
    """A file of counts whose last row alone decides what column 'only' has for an effect."""
    counts = np.random.default_rng(4).poisson(2.0, 40)
    rows = [f"{i * 7 % 11},{i // 39},{40 if i == 39 else counts[i]}\n" for i in range(40)]
    (tmp_path / "decided.csv").write_text("x,only,count\n" + "".join(rows))
    return "decided.csv"


def test_leave_one_out_of_a_row_that_decides_an_unpenalized_coefficient_is_undefined(quick, decided):
    words = [decided, "--family", "poisson", "-q", "--penalty-factor", "only=0"]
    done = quick("fit", *words)
    assert done.returncode == 1
    assert "leave-one-out is undefined at every lambda tried: some row alone decides" in done.stderr
    found = answer(quick("fit", *words, "--select", "evidence", "--json"))
    assert found["metrics"]["validation"] is None
    assert "error" not in found["selection"]  # there is nothing it could be off
    assert answer(quick("explain", *words, "--select", "cv", "--json"))["lambda"]["selected_by"] == "cv"


def test_a_row_without_which_there_is_no_fit_keeps_lambda_from_0(quick, decided):
    words = [decided, "--family", "poisson", "-q", "--json", "--select", "loo"]
    found = answer(quick("fit", *words, "--lambdas", "0,1"))
    assert found["lambda"]["value"] == 1.0
    chosen = found["selection"]
    assert chosen["values"][chosen["lambdas"].index(0.0)] is None
