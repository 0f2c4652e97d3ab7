"""``fit --inference`` at the command line: what is shown, in every format, and what is refused."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

import l2cli

SAMPLES = Path(__file__).parents[2] / "sample_data"
DIABETES, PENGUINS = str(SAMPLES / "diabetes.csv"), str(SAMPLES / "penguins.csv")


@pytest.mark.parametrize("kind", ["shrunken", "debiased"])
def test_every_format_has_the_errors(quick, quick_json, kind):
    result = quick_json("fit", DIABETES, "--lambda", "50", "--inference", kind)
    done = quick("fit", DIABETES, "--lambda", "50", "--inference", kind, "--quiet", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))[1:]
    for row, stored in zip(rows, result["coefficients"], strict=True):
        assert float(row["se"]) == stored["se"] > 0
        assert float(row["ci_low"]) == stored["ci_low"] < stored["ci_high"] == float(row["ci_high"])
        assert ("coef_debiased" in row) == (kind == "debiased")
    screen = quick("fit", DIABETES, "--lambda", "50", "--inference", kind, "--quiet").stdout
    assert f"95 % intervals cover {result['inference']['covers']}" in " ".join(screen.split())


def test_debiased_ridge_of_many_rows_is_least_squares(quick_json):
    shrunken = quick_json("fit", DIABETES, "--lambda", "50", "--inference", "debiased")["coefficients"]
    bare = quick_json("fit", DIABETES, "--lambda", "0")["coefficients"]
    for one, other in zip(shrunken, bare, strict=True):
        assert one["coef_debiased"] == pytest.approx(other["coef"], rel=1e-9)
        assert one["se"] == pytest.approx(other["se"], rel=1e-9)
        assert one["coef"] != pytest.approx(other["coef"], rel=1e-3)


def test_the_library_gives_the_same_bootstrap(quick_json):
    import pandas as pd

    words = ("--lambda", "500", "--l1-ratio", "1", "--inference", "bootstrap", "--seed", "3")
    result = quick_json("fit", PENGUINS, "-t", "body_mass_g", *words)
    frame = pd.read_csv(PENGUINS)
    again = l2cli.fit(
        frame, target="body_mass_g", lam=500.0, l1_ratio=1.0, inference="bootstrap", seed=3
    ).to_dict()
    for one, other in zip(result["coefficients"], again["coefficients"], strict=True):
        for key in ("se", "ci_low", "ci_high", "selected"):
            assert one[key] == pytest.approx(other[key], rel=1e-9)
    assert result["inference"] == again["inference"]
    assert any(0.0 < row["selected"] < 1.0 for row in result["coefficients"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--inference", "wald"), "--inference 'wald' is not available; choose shrunken, debiased or boot"),
        (("--inference", "shrunken", "--l1-ratio", "1"), "pure L2"),
        (("--inference", "debiased", "--bounds", "s1=0:"), "bounds"),
        (("--inference", "debiased", "--l1-ratio", "1", "--relax-gamma", "0"), "relaxed"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(quick, words, said):
    done = quick("fit", DIABETES, *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith("l2cli: error: ")


def test_a_bootstrap_draws_groups_at_a_lambda_that_is_given(quick, quick_json):
    """Three islands alone are drawn, so that the errors are far larger than those of drawing rows."""
    words = ("fit", PENGUINS, "-t", "body_mass_g", "-x", "bill*", "--lambda", "5")
    rows = quick_json(*words, "--drop", "island", "--inference", "bootstrap")
    groups = quick_json(*words, "--group-column", "island", "--inference", "bootstrap")
    assert "groups of rows" in groups["inference"]["method"]
    assert "groups" not in rows["inference"]["method"]
    assert groups["coefficients"][0]["se"] > 1.5 * rows["coefficients"][0]["se"]
    for kind in ("shrunken", "debiased"):
        assert quick(*words, "--group-column", "island", "--inference", kind).returncode == 2
    frame = l2cli.fit([[1.0], [2.0], [4.0], [3.0]], [1.0, 2.0, 3.0, 5.0], lam=1.0, groups=[0, 0, 1, 2],
                      inference="bootstrap")  # fmt: skip
    assert frame.to_dict()["coefficients"][0]["se"] > 0.0
