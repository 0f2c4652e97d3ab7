"""Categories of 10,000 levels by the command line: seconds and little memory, and errors that say why."""

from __future__ import annotations

import json

import numpy as np
import pytest

ROWS, LEVELS = 100_000, 10_000


@pytest.fixture(scope="module")
def levels(tmp_path_factory):
    """Write 100,000 rows with two columns of 10,000 levels each; one matrix of them would take 16 GB."""
    path = tmp_path_factory.mktemp("levels") / "levels.csv"
    rng = np.random.default_rng(0)
    a, b, x = rng.integers(0, LEVELS, ROWS), rng.integers(0, LEVELS, ROWS), rng.normal(size=ROWS).round(3)
    y = (x + rng.normal(size=LEVELS)[a] + rng.normal(size=LEVELS)[b] + rng.normal(size=ROWS)).round(3)
    lines = [f"{p},u{q},v{r},{s}" for p, q, r, s in zip(x, a, b, y, strict=True)]
    path.write_text("x,user,item,y\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_fit_takes_little_memory_and_its_model_predicts(run, levels, tmp_path):
    done = run("fit", str(levels), "--lambda", "30", "--json", "--save", "m.json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found["coefficients"]) > 19_990
    assert found["certificate"]["kkt_residual"] <= 1e-10
    assert found["timing"]["peak_rss_mb"] < 1000
    assert 0.0 < found["effective_df_se"] < 0.01 * found["effective_df"]
    head = levels.read_text(encoding="utf-8").splitlines()[:4]
    (tmp_path / "new.csv").write_text("\n".join([*head, "0.5,nobody,v1,0"]) + "\n", encoding="utf-8")
    done = run("predict", "m.json", "new.csv", "--unseen", "baseline")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 5
    done = run("predict", "m.json", "new.csv")
    assert done.returncode == 3
    assert "line 5: column 'user' has level 'nobody', which the model has not seen" in done.stderr
    done = run("evaluate", "m.json", str(levels), "--json")
    assert done.returncode == 0, done.stderr
    scores = json.loads(done.stdout)
    assert scores["metrics"]["rmse"] == pytest.approx(found["metrics"]["train"]["rmse"], rel=1e-9)


def test_l1_and_another_family(run, levels):
    done = run("fit", str(levels), "--l1-ratio", "1", "--lambda", "1500", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    kept = sum(row["coef"] != 0.0 for row in found["coefficients"])
    assert 0 < kept < 15_000
    assert found["effective_df"] == kept
    assert found["certificate"]["converged"]
    assert found["timing"]["peak_rss_mb"] < 1000


def test_what_needs_one_matrix_is_refused_with_its_size(run, levels):
    done = run("fit", str(levels), "--lambda", "30", "--bounds", "x=0:")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "100000 rows x 2" in done.stderr
    assert "GB with what solvers make of them, and this machine has" in done.stderr
    assert "leave it out with --drop, or fit without --bounds, which needs them all in full" in done.stderr


def test_an_estimate_is_said_to_be_one(run, levels):
    done = run("fit", str(levels), "--lambda", "30", "--output", "fit.txt")
    assert done.returncode == 0, done.stderr
    assert "effective degrees of freedom are estimated from random signs" in done.stderr
