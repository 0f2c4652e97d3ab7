"""``l2cli explain`` as its users see it: against plain NumPy, every kind of model, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.random import default_rng

SAMPLES = Path(__file__).parents[2] / "sample_data"
DIABETES, CANCER, PENGUINS = (SAMPLES / f"{name}.csv" for name in ("diabetes", "breast_cancer", "penguins"))


def table_of(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = np.array([[float(v) for v in row.split(",")] for row in lines[1:]])
    return lines[0].split(","), rows[:, :-1], rows[:, -1]


def by_feature(result, key):
    return np.array([np.nan if row[key] is None else row[key] for row in result["features"]])


def test_every_number_of_a_ridge_is_what_its_formula_says(quick_json):
    lam = 50.0
    found = quick_json("explain", str(DIABETES), "--lambda", str(lam))
    _, X, y = table_of(DIABETES)
    n, p = X.shape
    Z, e = (X - X.mean(axis=0)) / X.std(axis=0), y - y.mean()
    G, c = Z.T @ Z, Z.T @ e
    u, free = np.linalg.solve(G + lam * np.eye(p), c), np.linalg.solve(G, c)
    assert by_feature(found, "coef_standardized") == pytest.approx(u, rel=1e-9)
    assert by_feature(found, "coef_unpenalized") == pytest.approx(free / X.std(axis=0), rel=1e-9)
    assert by_feature(found, "shrinkage") == pytest.approx(1.0 - u / free, rel=1e-8, abs=1e-9)
    M = np.linalg.inv(G + lam * np.eye(p))
    assert by_feature(found, "effective_df") == pytest.approx(np.diag(M @ G), rel=1e-9)
    assert by_feature(found, "effective_df").sum() == pytest.approx(found["effective_df"], rel=1e-10)
    assert by_feature(found, "vif") == pytest.approx(np.diag(np.linalg.inv(G / n)), rel=1e-8)
    assert by_feature(found, "vif_penalized") == pytest.approx(np.diag(M @ G @ M) * n, rel=1e-8)
    assert by_feature(found, "importance_marginal") == pytest.approx(u**2 / np.sum(u**2), rel=1e-8)
    assert by_feature(found, "importance").sum() == pytest.approx(1.0, abs=1e-12)
    assert found["condition"]["number"] == pytest.approx(np.sqrt(np.linalg.cond(G)), rel=1e-8)
    H = Z @ M @ Z.T + 1.0 / n
    left_out = (e - (H - 1.0 / n) @ e) / (1.0 - np.diag(H))
    first = found["influence"]["rows"][0]
    i = first["index"]
    assert first["row"] == i + 1
    assert first["place"] == f"line {i + 2}"
    assert first["leverage"] == pytest.approx(H[i, i], rel=1e-8)
    assert first["change"] == pytest.approx(H[i, i] * left_out[i], rel=1e-8)
    freedom = np.trace(H)
    phi = np.sum((e - (H - 1.0 / n) @ e) ** 2) / (n - freedom)
    cooks = left_out**2 * np.diag(H @ H) / (freedom * phi)
    assert first["cooks_distance"] == pytest.approx(cooks.max(), rel=1e-8)
    assert i == int(cooks.argmax())
    error = found["cost"]["error"]
    assert error["penalized"]["mse"] == pytest.approx(np.mean(left_out**2), rel=1e-9)
    bare = Z @ np.linalg.inv(G) @ Z.T + 1.0 / n
    assert error["unpenalized"]["mse"] == pytest.approx(
        np.mean(((e - (bare - 1.0 / n) @ e) / (1.0 - np.diag(bare))) ** 2), rel=1e-8
    )
    gain = 1.0 - error["penalized"]["rmse"] / error["unpenalized"]["rmse"]
    assert error["gain"] == pytest.approx(gain)


def test_the_fit_explained_is_the_fit(quick_json, tmp_path):
    model = tmp_path / "model.json"
    found = quick_json("explain", str(DIABETES), "--save", str(model))
    fit = quick_json("fit", str(DIABETES))
    for key in ("lambda", "effective_df", "metrics", "certificate"):
        assert found[key] == fit[key]
    assert [row["coef"] for row in found["features"]] == [row["coef"] for row in fit["coefficients"]]
    assert found["schema"] == "l2cli/explain/1"
    assert quick_json("evaluate", str(model), str(DIABETES))["metrics"]["rmse"] > 0


@pytest.mark.parametrize("way", [["--folds", "5"], ["--holdout", "0.3"]])
def test_beside_the_best_of_several_mixes_stands_the_other_penalty(quick_json, way):
    found = quick_json("explain", str(DIABETES), "--l1-ratio", "1,0.5", *way)
    alone = quick_json("explain", str(DIABETES), "--l1-ratio", str(found["settings"]["l1_ratio"]), *way)
    assert found["beside"] == alone["beside"]
    assert found["beside"]["l1_ratio"] == 0.0


@pytest.mark.parametrize("words", [(), ("--lambda-scale", "mean", "--penalty-factor", "bmi=0.1,s*=2")])
def test_each_penalty_stands_beside_the_other(quick_json, words):
    ridge = quick_json("explain", str(DIABETES), *words)
    lasso = quick_json("explain", str(DIABETES), *words, "--l1-ratio", "1")
    assert by_feature(ridge, "beside") == pytest.approx(by_feature(lasso, "coef_standardized"), abs=1e-9)
    assert by_feature(lasso, "beside") == pytest.approx(by_feature(ridge, "coef_standardized"), rel=1e-6)
    assert ridge["beside"]["l1_ratio"] == 1.0
    assert ridge["beside"]["lambda"] == lasso["lambda"]["value"]
    assert ridge["beside"]["kept"] == np.count_nonzero(by_feature(lasso, "coef"))
    out = by_feature(lasso, "coef") == 0
    assert np.all(by_feature(lasso, "effective_df")[out] == 0)
    assert by_feature(lasso, "importance_marginal")[out].sum() == 0
    assert f"{int(out.sum())} of 10 features are out" in lasso["verdicts"][1]


def test_the_levels_of_a_column_count_as_one(quick, quick_json):
    found = quick_json("explain", str(PENGUINS), "-t", "body_mass_g")
    groups = {group["name"]: group for group in found["importance"]["groups"]}
    assert groups["species"]["features"] == ["species=Adelie", "species=Chinstrap", "species=Gentoo"]
    assert sum(group["importance"] for group in groups.values()) == pytest.approx(1.0)
    assert sum(group["marginal"] for group in groups.values()) == pytest.approx(1.0)
    assert groups["species"]["rank"] == 2
    assert groups["species"]["vif"] > 1.0
    members = [row for row in found["features"] if row["group"] == "species"]
    assert [row["importance"] for row in members] == [None] * 3
    assert groups["species"]["effective_df"] == pytest.approx(sum(row["effective_df"] for row in members))
    text = quick("explain", str(PENGUINS), "-t", "body_mass_g", "--quiet").stdout
    assert "\n   Gentoo  " in text


def test_groups_that_are_asked_for_have_one_importance_each(quick_json):
    words = ("--groups", "body=bmi,bp;blood=s*", "--group-penalty", "banded")
    found = quick_json("explain", str(DIABETES), *words, "--drop", "sex,age")
    groups = {group["name"]: group for group in found["importance"]["groups"]}
    assert list(groups) == ["body", "blood"]
    assert groups["body"]["features"] == ["bmi", "bp"]
    assert sum(group["importance"] for group in groups.values()) == pytest.approx(1.0)
    assert found["features"][0]["group"] == "body"


CASES = {
    "binomial": (CANCER, "--lambda", "3"),
    "lasso": (CANCER, "--l1-ratio", "1", "--lambda", "3"),
    "net": (DIABETES, "--l1-ratio", "0.5"),
    "classes": (PENGUINS, "-t", "species", "--lambda", "3"),
    "group": (DIABETES, "--groups", "body=bmi,bp;blood=s*"),
    "bounds": (DIABETES, "--bounds", "s1=0:"),
    "relaxed": (DIABETES, "--l1-ratio", "1", "--relax-gamma", "0.5"),
    "zero": (DIABETES, "--lambda", "0"),
    "raw": (DIABETES, "--no-standardize", "--no-intercept"),
    "mean": (DIABETES, "--lambda-scale", "mean", "--folds", "5"),
    "free": (DIABETES, "--penalty-factor", "bmi=0"),
    "poisson": (SAMPLES / "doctor_visits.csv", "--family", "poisson", "--lambda", "5"),
}


@pytest.mark.parametrize("name", CASES)
def test_every_kind_of_model_is_explained(quick, quick_json, name):
    words = [str(word) for word in CASES[name]]
    found = quick_json("explain", *words)
    shares = [group["importance"] for group in found["importance"]["groups"]]
    assert sum(shares) == pytest.approx(1.0, abs=1e-9)
    if name != "classes":
        assert by_feature(found, "effective_df").sum() == pytest.approx(found["effective_df"], rel=1e-6)
    assert found["cost"]["penalized"]["seconds"] > 0
    assert found["cost"]["penalized"]["memory_bytes"] > 0
    assert len(found["verdicts"]) >= 2
    done = quick("explain", *words, "--quiet")
    assert done.returncode == 0
    assert "importance" in done.stdout
    table = quick("explain", *words, "--quiet", "--format", "csv").stdout.splitlines()
    assert len(table) == len(found["features"]) + 1


def test_more_columns_than_rows_have_no_vif_and_say_so(quick_json, quick, tmp_path):
    rng = default_rng(0)
    X = rng.normal(size=(20, 30))
    y = X[:, 0] + 0.1 * rng.normal(size=20)
    rows = "\n".join(",".join(f"{v:.6f}" for v in (*x, t)) for x, t in zip(X, y, strict=True))
    (tmp_path / "wide.csv").write_text(",".join([*(f"x{j}" for j in range(30)), "y"]) + "\n" + rows)
    found = quick_json("explain", "wide.csv")
    assert np.isnan(by_feature(found, "vif")).all()
    assert np.isnan(by_feature(found, "importance")).all()
    assert np.isnan(by_feature(found, "coef_unpenalized")).all()
    assert by_feature(found, "importance_marginal").sum() == pytest.approx(1.0)
    assert by_feature(found, "effective_df").sum() == pytest.approx(found["effective_df"], rel=1e-9)
    assert any("30 columns and 20 rows" in note for note in found["data"]["notes"])
    assert found["condition"] is None
    assert "VIF and importance under correlation are not defined" in quick("explain", "wide.csv").stderr


def test_columns_that_are_the_same_are_named(quick_json, tmp_path):
    rng = default_rng(1)
    a, b, noise = rng.normal(size=(3, 50))
    rows = [f"{i},{i},{j},{i + j + e}" for i, j, e in zip(a, b, noise, strict=True)]
    (tmp_path / "copy.csv").write_text("a,copy,b,y\n" + "\n".join(rows))
    found = quick_json("explain", "copy.csv")
    assert found["condition"]["tied_directions"] == 1
    assert {row["feature"] for row in found["condition"]["worst"]} == {"a", "copy"}
    assert any(line.startswith("a and copy make each other up exactly") for line in found["verdicts"])
    told = {row["feature"]: row for row in found["features"]}
    assert told["a"]["vif"] is None
    assert told["a"]["shrinkage"] is None
    assert told["a"]["importance"] == pytest.approx(told["copy"]["importance"])
    assert told["b"]["vif"] == pytest.approx(1.0, abs=0.2)


def test_a_weight_of_two_is_a_row_twice(quick_json, tmp_path):
    rng = default_rng(2)
    X = rng.normal(size=(30, 3))
    y, w = X.sum(axis=1) + rng.normal(size=30), rng.integers(1, 4, 30)
    once = [f"{a},{b},{c},{s},{t}" for (a, b, c), s, t in zip(X, w, y, strict=True)]
    (tmp_path / "weighted.csv").write_text("a,b,c,w,y\n" + "\n".join(once))
    often = [row for row, s in zip(once, w, strict=True) for _ in range(s)]
    (tmp_path / "often.csv").write_text("a,b,c,w,y\n" + "\n".join(often))
    one = quick_json("explain", "weighted.csv", "--weights", "w", "--lambda", "4")
    two = quick_json("explain", "often.csv", "--drop", "w", "--lambda", "4")
    for key in ("importance", "importance_marginal", "effective_df", "vif", "vif_penalized", "shrinkage"):
        assert by_feature(one, key) == pytest.approx(by_feature(two, key), rel=1e-9), key


def test_rows_are_named_by_line_and_id(quick, quick_json, classes):
    found = quick_json("explain", "classes.csv", "--id", "name", "--lambda", "1")
    rows = found["influence"]["rows"]
    assert all(row["id"] == f"r{row['row'] - 1}" and row["place"] == f"line {row['row'] + 1}" for row in rows)
    assert found["influence"]["exact"] is False
    text = quick("explain", "classes.csv", "--id", "name", "--lambda", "1", "--quiet").stdout
    assert f"{rows[0]['id']} ({rows[0]['place']})" in text


def test_each_target_is_explained(quick, quick_json):
    found = quick_json("explain", str(DIABETES), "-t", "progression,bmi")
    alone = quick_json("explain", str(DIABETES), "-t", "bmi", "--drop", "progression")
    assert [part["target"] for part in found["targets"]] == ["progression", "bmi"]
    second = found["targets"][1]
    assert by_feature(second, "coef") == pytest.approx(by_feature(alone, "coef"), rel=1e-8)
    assert by_feature(second, "importance") == pytest.approx(by_feature(alone, "importance"), rel=1e-8)
    text = quick("explain", str(DIABETES), "-t", "progression,bmi", "--quiet").stdout
    assert "\n progression\n" in text
    assert "\n bmi\n" in text


def test_many_levels_are_explained_as_far_as_they_can_be(quick_json, tmp_path):
    rng = default_rng(3)
    c, d, x = rng.integers(0, 3000, 6000), rng.integers(0, 3000, 6000), rng.normal(size=6000)
    y = 2 * x + c % 7 + rng.normal(size=6000)
    rows = [f"{v:.4f},c{i},d{j},{t:.4f}" for v, i, j, t in zip(x, c, d, y, strict=True)]
    (tmp_path / "levels.csv").write_text("x,c,d,y\n" + "\n".join(rows))
    found = quick_json("explain", "levels.csv", "--lambda", "5")
    shares = {group["name"]: group["marginal"] for group in found["importance"]["groups"]}
    assert list(shares) == ["x", "c", "d"]
    assert sum(shares.values()) == pytest.approx(1.0)
    assert min(shares["x"], shares["c"]) > shares["d"]
    assert found["influence"] is None
    assert found["beside"] is None
    assert any("so many levels" in note for note in found["data"]["notes"])


def test_a_constant_target_and_one_row_have_nothing_to_explain(quick_json, tmp_path):
    (tmp_path / "const.csv").write_text("a,b,y\n" + "\n".join(f"{i % 7},{i % 5},5" for i in range(20)))
    found = quick_json("explain", "const.csv")
    assert found["verdicts"][0] == "the features explain nothing: the model is its intercept"
    (tmp_path / "one.csv").write_text("a,b,y\n1,2,3\n")
    assert quick_json("explain", "one.csv")["effective_df"] == 0.0


def test_errors_with_and_without_the_penalty_are_of_the_same_folds(quick_json, classes):
    words = ("classes.csv", "--drop", "name", "--folds", "5", "--seed", "3")
    found = quick_json("explain", *words)
    bare = quick_json("fit", *words, "--lambdas", "0,0", "--select", "cv")
    error = found["cost"]["error"]
    assert error["method"] == "cv"
    assert error["penalized"] == found["metrics"]["validation"]
    assert error["unpenalized"]["deviance"] == pytest.approx(
        bare["metrics"]["validation"]["deviance"], rel=1e-6
    )
    assert error["gain"] == pytest.approx(
        1 - error["penalized"]["deviance"] / error["unpenalized"]["deviance"]
    )
    given = quick_json("explain", *words[:3], "--lambda", str(found["lambda"]["value"]))
    assert given["cost"]["error"]["method"] == "cv"
    assert given["cost"]["error"]["unpenalized"] is not None


def test_errors_of_approximate_leave_one_out_stand_with_and_without_the_penalty(quick_json, tmp_path):
    rng = default_rng(4)
    X, mean = rng.normal(size=(60, 3)), 1.5
    y = rng.poisson(np.exp(0.5 * X[:, 0] + mean))
    rows = [",".join(map(repr, [*row, int(count)])) for row, count in zip(X.tolist(), y, strict=True)]
    (tmp_path / "counts.csv").write_text("a,b,c,y\n" + "\n".join(rows))
    words = ("counts.csv", "--family", "poisson", "--select", "loo")
    error = quick_json("explain", *words)["cost"]["error"]
    bare = quick_json("fit", *words, "--lambdas", "0,0")["metrics"]["validation"]
    assert error["method"] == "loo"
    assert error["penalized"] == quick_json("fit", *words)["metrics"]["validation"]
    assert error["unpenalized"]["deviance"] == pytest.approx(bare["deviance"], rel=1e-6)
    assert error["unpenalized"]["deviance"] != error["penalized"]["deviance"]


def test_separated_classes_have_no_unpenalized_fit(quick_json, tmp_path):
    rows = [f"{i},{(7 * i) % 11},{'yes' if i > 20 else 'no'}" for i in range(40)]
    (tmp_path / "apart.csv").write_text("a,b,y\n" + "\n".join(rows))
    found = quick_json("explain", "apart.csv", "--numeric", "a", "--lambda", "1")
    assert found["cost"]["unpenalized"] is None
    assert found["cost"]["error"]["unpenalized"] is None
    assert found["cost"]["error"]["penalized"]["deviance"] > 0
    assert [row["shrinkage"] for row in found["features"]] == [None, None]


def test_random_orders_say_how_sure_they_are(quick, quick_json, tmp_path):
    rng = default_rng(4)
    X = rng.normal(size=(120, 14)) + rng.normal(size=(120, 1))
    y = X[:, :5].sum(axis=1) + rng.normal(size=120)
    rows = "\n".join(",".join(f"{v:.5f}" for v in (*x, t)) for x, t in zip(X, y, strict=True))
    (tmp_path / "many.csv").write_text(",".join([*(f"x{j}" for j in range(14)), "y"]) + "\n" + rows)
    found = quick_json("explain", "many.csv")
    assert found["importance"]["method"] == "orders"
    se = by_feature(found, "importance_se")
    assert np.all((se > 0) & (se < 0.01))
    assert by_feature(found, "importance").sum() == pytest.approx(1.0)
    again = quick_json("explain", "many.csv")
    assert np.array_equal(by_feature(again, "importance"), by_feature(found, "importance"))
    assert "random orders, +-" in quick("explain", "many.csv", "--quiet").stdout


def test_options_that_contradict_are_refused(quick):
    done = quick("explain", str(DIABETES), "--lambda", "1", "--select", "loo")
    assert done.returncode == 2
    assert "fixes lambda" in done.stderr


@pytest.mark.parametrize("kind", ["shrunken", "debiased"])
def test_intervals_are_those_of_the_fit(quick, quick_json, kind):
    words = (str(DIABETES), "--lambda", "20", "--inference", kind)
    found, fit = quick_json("explain", *words), quick_json("fit", *words)
    for key in ("se", "ci_low", "ci_high"):
        assert [row[key] for row in found["features"]] == [row[key] for row in fit["coefficients"]]
    assert found["inference"] == fit["inference"]
    assert np.isfinite(by_feature(found, "se")).all()
    assert "95 % intervals cover" in quick("explain", *words, "--quiet").stdout


def test_an_id_is_told_as_it_stands(tmp_path, monkeypatch, quick_json):
    monkeypatch.chdir(tmp_path)
    rows = [f"{i}.50,{i % 7},{i * i % 11}" for i in range(30)]
    (tmp_path / "coded.csv").write_text("\n".join(["code,x,y", *rows]) + "\n")
    found = quick_json("explain", "coded.csv", "--id", "code")
    told = {row["id"] for row in found["influence"]["rows"]}
    assert told <= {row.split(",")[0] for row in rows}
    (tmp_path / "counted.csv").write_text("\n".join(["code,x,y", *(row.replace(".50", "") for row in rows)]))
    numbers = quick_json("explain", "counted.csv", "--id", "code")
    assert {type(row["id"]) for row in numbers["influence"]["rows"]} == {int}
