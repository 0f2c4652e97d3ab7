"""``fit``: the lambda given or chosen, the coefficient table, metrics, certificate, warnings and refusals."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

import l2cli
from l2cli.api.fit import fit_dataset
from l2cli.core.path import design_factor
from l2cli.core.problem import make_problem
from l2cli.core.solvers import newton
from l2cli.data.folds import draw_heldout
from l2cli.errors import FitError, UsageError
from l2cli.select.evidence import evidence
from l2cli.select.holdout import HeldOut
from l2cli.select.loo import generalized_cv, leave_one_out, leave_one_out_metrics
from l2cli.spec import GridSpec, ModelSpec, SelectSpec


def given(*lambdas, **settings):
    return ModelSpec(lambdas=GridSpec(values=lambdas), **settings)


def test_a_lambda_given_is_solved_as_it_is(regression):
    dataset = regression()
    X, y = dataset.X.copy(), dataset.y
    result = fit_dataset(dataset, given(7.0), SelectSpec())
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    ridge = Ridge(alpha=7.0).fit(Z, y)
    assert result.coef * X.std(axis=0) == pytest.approx(ridge.coef_, rel=1e-10)
    content = result.to_dict()
    assert content["lambda"]["value"] == 7.0
    assert (content["lambda"]["selected_by"], content["lambda"]["rule"], content["selection"]) == (
        "given",
        None,
        None,
    )
    assert [row["coef"] for row in content["coefficients"]] == result.coef.tolist()
    assert [row["coef_standardized"] for row in content["coefficients"]] == pytest.approx(
        ridge.coef_, rel=1e-10
    )
    prediction = content["intercept"] + X @ result.coef
    assert content["metrics"]["train"]["mse"] == pytest.approx(np.mean((y - prediction) ** 2), rel=1e-12)
    assert content["metrics"]["validation"] is None
    assert content["overfitting_gap"] is None
    hat = np.linalg.solve(Z.T @ Z + 7.0 * np.eye(4), Z.T @ Z)
    assert content["effective_df"] == pytest.approx(np.trace(hat), rel=1e-10)
    assert content["certificate"]["converged"]
    json.dumps(content, allow_nan=False)


def test_a_lambda_on_the_mean_scale_is_multiplied_by_the_weight(regression):
    weights = np.full(60, 0.5)
    a = fit_dataset(regression(weights=weights), given(0.2, lambda_scale="mean"), SelectSpec())
    b = fit_dataset(regression(weights=weights), given(6.0), SelectSpec())
    assert a.coef == pytest.approx(b.coef, rel=1e-12)
    assert (a.lam, b.lam) == (0.2, 6.0)
    assert a.model.lam == b.model.lam == 6.0


@pytest.mark.parametrize("rule", ["min", "1se"])
@pytest.mark.parametrize("scale", ["sum", "mean"])
def test_lambda_by_a_held_out_part_is_that_of_its_error_and_all_rows_are_fitted(regression, scale, rule):
    select = SelectSpec(select="holdout", holdout=0.25, rule=rule, seed=5)
    dataset = regression()
    X, y = dataset.X.copy(), dataset.y
    result = fit_dataset(dataset, ModelSpec(lambda_scale=scale), select)
    content = result.to_dict()
    held = HeldOut(make_problem(X, y), draw_heldout(60, 0.25, seed=5), scale)
    curve = held.curve(np.array(content["selection"]["lambdas"]), "mse")
    assert content["selection"]["values"] == pytest.approx(curve.mean, rel=1e-9)
    assert content["selection"]["se"] == pytest.approx(curve.se, rel=1e-9)
    assert content["lambda"]["value"] == curve.lambdas[curve.index_by(rule)]
    assert content["lambda"]["selected_by"] == content["selection"]["method"] == "holdout"
    assert content["metrics"]["validation"]["mse"] == pytest.approx(curve.mean[curve.index_by(rule)])
    again = fit_dataset(regression(), given(result.lam, lambda_scale=scale), SelectSpec())
    assert result.coef == pytest.approx(again.coef, rel=1e-12)
    note = "lambda by the error of 15 rows held out; at it the model is fitted to all rows"
    assert note in content["data"]["notes"]


def test_a_held_out_part_has_every_class_or_whole_groups(binary):
    select = SelectSpec(select="holdout", holdout=0.2, metric="auc")
    content = fit_dataset(binary(), ModelSpec(), select).to_dict()
    best = content["selection"]["lambdas"].index(content["lambda"]["value"])
    assert content["metrics"]["validation"]["auc"] == content["selection"]["values"][best]
    assert content["selection"]["values"][best] == max(content["selection"]["values"])
    groups = np.repeat(np.arange(30), 4)
    note = fit_dataset(binary(groups=groups), ModelSpec(), select).to_dict()["data"]["notes"][-1]
    assert note.startswith("lambda by the error of 24 rows held out")
    halves = np.arange(120) >= 60
    y = halves.astype(float)
    with pytest.raises(FitError, match="only one class is held out; give another --holdout"):
        fit_dataset(
            dataclasses.replace(binary(groups=halves.astype(int)), y=y), ModelSpec(),
            SelectSpec(select="holdout", holdout=0.5),
        )  # fmt: skip


def test_lambda_of_classes_by_evidence_has_the_error_of_approximate_leave_one_out_beside_it(binary):
    def chosen(model, **given):
        return fit_dataset(binary(), model, SelectSpec(**given)).to_dict()

    content = chosen(ModelSpec(), select="evidence")
    best, lam = int(np.argmin(content["selection"]["values"])), content["lambda"]["value"]
    assert content["selection"]["metric"] == content["lambda"]["selected_by"] == "evidence"
    assert content["selection"]["approximate"]
    assert lam == content["selection"]["lambdas"][best]
    at = chosen(ModelSpec(lambdas=GridSpec.of([lam, lam])), select="loo")["metrics"]["validation"]
    assert content["metrics"]["validation"] == pytest.approx(at, rel=1e-6)
    by_rows = chosen(ModelSpec(), select="loo")["metrics"]["validation"]
    assert by_rows["deviance"] <= content["metrics"]["validation"]["deviance"]


@pytest.mark.parametrize("scale", ["sum", "mean"])
def test_lambda_by_evidence_has_the_error_of_leave_one_out_beside_it(regression, scale):
    dataset = regression(weights=np.linspace(0.5, 2.0, 60))
    problem = make_problem(dataset.X.copy(), dataset.y, weights=dataset.weights)
    content = fit_dataset(dataset, ModelSpec(lambda_scale=scale), SelectSpec(select="evidence")).to_dict()
    unit = problem.weight_sum if scale == "mean" else 1.0
    lambdas, factor = np.array(content["selection"]["lambdas"]) * unit, design_factor(problem, 0.0)
    curve = evidence(problem, factor, lambdas)
    assert content["selection"]["values"] == pytest.approx(curve.mean, rel=1e-9)
    assert set(content["selection"]["se"]) == {None}
    assert content["lambda"]["value"] * unit == pytest.approx(lambdas[curve.index_min], rel=1e-12)
    assert content["selection"]["metric"] == content["lambda"]["selected_by"] == "evidence"
    left_out = leave_one_out_metrics(problem, factor, float(lambdas[curve.index_min]))
    assert content["metrics"]["validation"]["rmse"] == pytest.approx(left_out["rmse"], rel=1e-9)


@pytest.mark.parametrize(("method", "rule"), [("auto", "min"), ("loo", "1se"), ("gcv", "min")])
def test_lambda_is_chosen_by_leave_one_out_or_gcv(regression, method, rule):
    dataset = regression()
    X, y = dataset.X.copy(), dataset.y
    content = fit_dataset(dataset, ModelSpec(), SelectSpec(select=method, rule=rule)).to_dict()
    problem = make_problem(X, y)
    lambdas = np.array(content["selection"]["lambdas"])
    factor = design_factor(problem, 0.0)
    curve = (
        generalized_cv(problem, factor, lambdas)
        if method == "gcv"
        else leave_one_out(problem, factor, lambdas)[0]
    )
    assert content["selection"]["values"] == pytest.approx(curve.mean, rel=1e-9)
    assert content["lambda"]["value"] == lambdas[curve.index_by(rule)]
    assert (
        content["selection"]["method"]
        == content["lambda"]["selected_by"]
        == ("gcv" if method == "gcv" else "loo")
    )
    validation = content["metrics"]["validation"]
    left_out = leave_one_out(problem, factor, lambdas)[0]  # GCV is no error of unseen rows
    assert validation["mse"] == pytest.approx(left_out.mean[curve.index_by(rule)], rel=1e-9)
    gap = validation["rmse"] / content["metrics"]["train"]["rmse"] - 1.0
    assert content["overfitting_gap"] == pytest.approx(gap)
    if method != "gcv":
        low, high = content["lambda"]["range"]
        assert low <= lambdas[curve.index_min] <= high


def test_leave_one_out_keeps_the_sum_penalty_on_the_mean_scale(regression):
    a = fit_dataset(regression(), ModelSpec(), SelectSpec()).to_dict()
    b = fit_dataset(regression(), ModelSpec(lambda_scale="mean"), SelectSpec()).to_dict()
    assert np.array(b["selection"]["lambdas"]) * 60 == pytest.approx(a["selection"]["lambdas"], rel=1e-10)
    assert b["selection"]["values"] == pytest.approx(a["selection"]["values"], rel=1e-9)
    assert b["lambda"]["value"] * 60 == pytest.approx(a["lambda"]["value"], rel=1e-10)


def test_leave_one_out_sees_directions_that_a_gram_would_lose(dataset_of):
    """Two columns alike to 8 digits whose difference explains all: the automatic grid must reach them."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=80)
    X = np.column_stack([x, x + 1e-8 * rng.normal(size=80)])
    y = 1e8 * (X[:, 1] - X[:, 0]) + 0.1 * rng.normal(size=80)
    content = fit_dataset(dataset_of(X, y), ModelSpec(), SelectSpec()).to_dict()
    assert content["metrics"]["validation"]["r2"] > 0.9
    assert content["rank"] == 2


def test_binomial_lambda_is_chosen_by_cross_validation(binary):
    dataset = binary()
    X, y = dataset.X.copy(), dataset.y
    content = fit_dataset(dataset, ModelSpec(), SelectSpec(folds=5)).to_dict()
    assert content["lambda"]["selected_by"] == "cv"
    assert content["selection"]["metric"] == "deviance"
    lam, best = content["lambda"]["value"], int(np.argmin(content["selection"]["values"]))
    assert lam == content["selection"]["lambdas"][best]
    sd = X.std(axis=0)
    model = LogisticRegression(C=1 / lam, tol=1e-12, max_iter=10_000, solver="newton-cholesky").fit(X / sd, y)
    assert [row["coef_standardized"] for row in content["coefficients"]] == pytest.approx(
        model.coef_[0], rel=1e-7
    )
    assert content["metrics"]["validation"]["deviance"] == pytest.approx(
        min(content["selection"]["values"]), rel=1e-9
    )
    assert set(content["metrics"]["train"]) == {
        "deviance",
        "accuracy",
        "error",
        "auc",
        "log_loss",
        "brier",
        "f1",
    }


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_kept_is_the_share_of_the_unpenalized_coefficient(regression, binary, family):
    make = regression if family == "gaussian" else binary
    free, shrunk = (fit_dataset(make(), given(lam), SelectSpec()) for lam in (0.0, 20.0))
    kept = [row["kept"] for row in shrunk.to_dict()["coefficients"]]
    assert kept == pytest.approx(shrunk.coef / free.coef, rel=1e-7)
    assert [row["kept"] for row in free.to_dict()["coefficients"]] == pytest.approx(np.ones(len(kept)))


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_kept_is_null_where_columns_are_tied_or_constant(dataset_of, family):
    rng = np.random.default_rng(2)
    X = rng.normal(size=(100, 4))
    X[:, 2], X[:, 3] = 3.0 * X[:, 0] - 1.0, 5.0
    y = X[:, 0] + rng.logistic(size=100)
    dataset = dataset_of(X, y) if family == "gaussian" else dataset_of(X, (y > 0) * 1.0, classes=("a", "b"))
    rows = fit_dataset(dataset, given(1.0), SelectSpec()).to_dict()["coefficients"]
    assert [row["kept"] is None for row in rows] == [True, False, True, True]
    assert rows[3]["coef"] == 0.0


def test_kept_is_null_where_there_is_no_unpenalized_fit(dataset_of):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(40, 2))
    separated = dataset_of(X, X[:, 0] > 0, classes=("a", "b"))
    wide = dataset_of(rng.normal(size=(10, 12)), np.arange(10) % 2, classes=("a", "b"))
    for dataset in (separated, wide):
        rows = fit_dataset(dataset, given(1.0), SelectSpec()).to_dict()["coefficients"]
        assert all(row["kept"] is None for row in rows)


def test_standard_errors_come_without_penalty_only(regression, binary):
    content = fit_dataset(regression(), given(0.0), SelectSpec()).to_dict()
    for row in content["coefficients"]:
        assert row["ci_low"] < row["coef"] < row["ci_high"]
        assert row["ci_high"] - row["ci_low"] == pytest.approx(
            2 * 2.0040447 * row["se"], rel=1e-6
        )  # t, 55 df
    assert content["intercept_se"] > 0
    row = fit_dataset(binary(), given(0.0), SelectSpec()).to_dict()["coefficients"][0]
    assert row["ci_high"] - row["coef"] == pytest.approx(1.959964 * row["se"], rel=1e-6)
    content = fit_dataset(regression(), given(1e-3), SelectSpec()).to_dict()
    assert all(row["se"] is None and row["ci_low"] is None for row in content["coefficients"])
    assert content["intercept_se"] is None


def test_without_intercept_it_is_0_and_has_no_error(regression):
    content = fit_dataset(regression(), given(0.0, intercept=False), SelectSpec()).to_dict()
    assert content["intercept"] == 0.0
    assert content["intercept_se"] is None
    assert content["coefficients"][0]["se"] > 0


def test_tied_columns_are_warned_of_without_penalty(dataset_of):
    rng = np.random.default_rng(4)
    X = rng.normal(size=(50, 3))
    X[:, 2] = X[:, 0]
    dataset = dataset_of(X, X[:, 0] + rng.normal(size=50))
    warnings = fit_dataset(dataset, given(0.0), SelectSpec()).to_dict()["warnings"]
    assert [w["code"] for w in warnings] == ["early", "rank_deficient"]
    assert "2 columns apart (x0, x2)" in warnings[1]["message"]
    dataset = dataset_of(X, X[:, 0] + rng.normal(size=50))
    assert [w["code"] for w in fit_dataset(dataset, given(1.0), SelectSpec()).to_dict()["warnings"]] == [
        "early"
    ]
    dataset = dataset_of(X, X[:, 0] + rng.normal(size=50), penalty_factor=np.array([0.0, 1.0, 0.0]))
    warnings = fit_dataset(dataset, given(1.0), SelectSpec()).to_dict()["warnings"]
    assert "2 columns apart (x0, x2)" in warnings[1]["message"]


def test_separated_classes_at_lambda_0_are_refused_by_name(dataset_of):
    rng = np.random.default_rng(5)
    level = (np.arange(100) % 10 == 0) * 1.0
    y = np.where(level > 0, 1.0, rng.random(100) < 0.5)
    X = np.column_stack([0.01 * rng.normal(size=100), level])
    with pytest.raises(
        FitError, match="no finite solution at lambda 0: the classes are separated by x1"
    ) as error:
        fit_dataset(dataset_of(X, y, classes=("a", "b")), given(0.0), SelectSpec())
    assert error.value.code == "separation"
    factors = np.array([1.0, 0.0])
    with pytest.raises(FitError, match="separated by x1"):
        fit_dataset(dataset_of(X, y, classes=("a", "b"), penalty_factor=factors), given(1.0), SelectSpec())
    assert fit_dataset(dataset_of(X, y, classes=("a", "b")), given(0.1), SelectSpec()).coef[1] > 0


def test_large_log_odds_are_no_separation(dataset_of):
    """One pair of rows overlaps, so a finite answer exists though fitted odds are one in millions."""
    x = np.concatenate([np.linspace(-20.0, 20.0, 101), [-0.6, 0.6]])
    y = np.append(x[:-2] > 0, [1.0, 0.0])
    result = fit_dataset(dataset_of(x[:, None], y, classes=("a", "b")), given(0.0), SelectSpec())
    assert result.coef[0] * 20.0 > 12.0
    assert result.to_dict()["certificate"]["converged"]


def test_an_answer_that_did_not_converge_is_refused(binary, monkeypatch):
    monkeypatch.setattr(newton, "MAX_ITERATIONS", 2)
    with pytest.raises(
        FitError, match="not converged at lambda 1: the optimality conditions are off by"
    ) as error:
        fit_dataset(binary(), given(1.0), SelectSpec())
    assert error.value.code == "not_converged"
    certificate = fit_dataset(binary(), given(1.0, tol=0.1), SelectSpec()).to_dict()["certificate"]
    assert certificate["converged"]
    assert 1e-8 < certificate["kkt_residual"] < 0.1


def test_by_the_1se_rule_edge_and_range_are_those_of_the_lambda_reported(regression):
    def lambda_of(*lambdas):
        model = ModelSpec(lambdas=GridSpec(values=lambdas))
        content = fit_dataset(regression(), model, SelectSpec(rule="1se")).to_dict()
        return content["lambda"], [w["message"] for w in content["warnings"] if w["code"] == "lambda_edge"]

    inside, quiet = lambda_of(1e5, 1e-1, 1e-2)
    assert (inside["value"], inside["edge"], quiet) == (0.1, None, [])
    assert inside["range"] == [0.01, 0.1]
    outer, told = lambda_of(1e-1, 1e-2)
    assert (outer["value"], outer["edge"]) == (0.1, "high")
    assert told[0].startswith("lambda by the 1se rule, 0.1, is the largest of the grid")


def test_the_best_on_the_edge_of_a_given_grid_is_told(regression):
    content = fit_dataset(regression(), given(1e6, 1e5), SelectSpec()).to_dict()
    assert content["lambda"]["edge"] == "low"
    assert content["warnings"][-1]["code"] == "lambda_edge"
    assert "1e+05, is the smallest of the grid" in content["warnings"][-1]["message"]


def test_a_constant_target_is_its_mean(dataset_of):
    X = np.random.default_rng(6).normal(size=(30, 3))
    content = fit_dataset(dataset_of(X, np.full(30, 4.5)), ModelSpec(), SelectSpec()).to_dict()
    assert content["intercept"] == 4.5
    assert (content["lambda"]["edge"], content["lambda"]["range"]) == (None, None)
    assert [w["code"] for w in content["warnings"]] == ["early"]
    assert [row["coef"] for row in content["coefficients"]] == pytest.approx([0.0, 0.0, 0.0], abs=1e-12)
    json.dumps(content, allow_nan=False)


@pytest.mark.parametrize("select", ["auto", "loo", "gcv"])
def test_one_row_is_its_own_mean(dataset_of, select):
    dataset = dataset_of(np.array([[1.0, 2.0]]), np.array([3.0]))
    content = fit_dataset(dataset, ModelSpec(), SelectSpec(select=select)).to_dict()
    assert content["intercept"] == 3.0
    assert [row["coef"] for row in content["coefficients"]] == [0.0, 0.0]
    json.dumps(content, allow_nan=False)


def test_what_is_kept_of_rounding_noise_is_not_told(dataset_of):
    rng = np.random.default_rng(3)
    first = rng.normal(size=(40, 1)) + 2.0
    X = np.column_stack([first, rng.normal(size=(40, 2))])
    dataset = dataset_of(X, 3.0 * first[:, 0])
    content = fit_dataset(dataset, given(1e-20), SelectSpec()).to_dict()
    kept = [row["kept"] for row in content["coefficients"]]
    assert kept[0] == pytest.approx(1.0)
    assert kept[1:] == [None, None]


def test_a_target_far_from_0_loses_no_more_than_its_digits(dataset_of):
    """At 1e12 doubles are 1e-4 apart: beside a noise of 1 no more than that is lost, in what is told too."""
    rng = np.random.default_rng(4)
    X = rng.normal(size=(40, 3))
    y = np.round(2.0**10 * (X @ [1.0, -1.0, 0.2] + rng.normal(size=40))) / 2.0**10
    for select in (SelectSpec(), SelectSpec(select="holdout", holdout=0.3)):
        near, far = (fit_dataset(dataset_of(X, y + at), ModelSpec(), select) for at in (0.0, 1e12))
        assert far.lam == near.lam
        np.testing.assert_allclose(far.coef, near.coef, rtol=1e-9)
        rows, others = (fit.to_dict()["coefficients"] for fit in (far, near))
        assert [row["kept"] for row in rows] == pytest.approx([row["kept"] for row in others], rel=1e-6)
        assert 0.0 <= far.to_dict()["certificate"]["duality_gap"] < 1e-6


@pytest.mark.parametrize("spread", [1.0, 0.2])
def test_counts_that_vary_more_than_poisson_are_told(dataset_of, spread):
    """Pearson's dispersion by its formula; negative binomial counts of size ``spread`` have a note."""
    rng = np.random.default_rng(3)
    X, weights = rng.normal(size=(300, 3)), rng.uniform(0.5, 3.0, 300)
    mean = np.exp(1.5 + X @ [0.3, -0.2, 0.0])
    y = rng.poisson(mean if spread == 1.0 else rng.gamma(spread, mean / spread)).astype(float)
    dataset = dataset_of(X.copy(), y, weights=weights)
    dataset = dataclasses.replace(dataset, schema=dataset.schema._replace(family="poisson"))
    content = fit_dataset(dataset, given(5.0, family="poisson"), SelectSpec()).to_dict()
    mu = np.exp(content["intercept"] + X @ [row["coef"] for row in content["coefficients"]])
    left = 300 - content["effective_df"] - 1
    phi = weights @ ((y - mu) ** 2 / mu) * 300 / weights.sum() / left
    assert content["dispersion"] == pytest.approx(phi, rel=1e-9)
    told = [note for note in content["data"]["notes"] if "times as much as poisson says" in note]
    assert len(told) == (0 if spread == 1.0 else 1)


@pytest.mark.parametrize("method", ["loo", "cv"])
def test_a_single_lambda_is_judged_where_a_way_is_asked_for(regression, method):
    content = fit_dataset(regression(), given(3.0), SelectSpec(select=method)).to_dict()
    several = fit_dataset(regression(), given(30.0, 3.0, 0.3), SelectSpec(select=method)).to_dict()
    assert (content["lambda"]["value"], content["lambda"]["selected_by"]) == (3.0, method)
    value = several["selection"]["values"][1]
    assert content["selection"]["values"] == pytest.approx([value], rel=1e-12)
    assert content["metrics"]["validation"]["mse"] == pytest.approx(value, rel=1e-9)
    assert [w["code"] for w in content["warnings"]] == ["early"]
    assert fit_dataset(regression(), given(3.0), SelectSpec()).to_dict()["metrics"]["validation"] is None


def test_groups_judge_a_single_lambda_unless_they_are_for_a_bootstrap(regression):
    groups = np.repeat(np.arange(12), 5)
    content = fit_dataset(regression(groups=groups), given(3.0), SelectSpec()).to_dict()
    assert content["lambda"]["selected_by"] == "cv"
    assert content["metrics"]["validation"] is not None
    drawn = fit_dataset(regression(groups=groups), given(3.0), SelectSpec(), inference="bootstrap").to_dict()
    assert drawn["lambda"]["selected_by"] == "given"


def test_the_model_predicts_what_the_fit_does(regression):
    dataset = regression()
    X = dataset.X.copy()
    result = fit_dataset(dataset, given(3.0), SelectSpec())
    model = result.model
    assert model.coef == pytest.approx(result.coef)
    assert model.intercept == result.intercept
    assert (model.lam, model.selected_by, model.rows_used) == (3.0, "given", 60)
    assert model.center == pytest.approx(X.mean(axis=0))
    assert model.scale == pytest.approx(X.std(axis=0))


@pytest.mark.parametrize(
    ("asked", "method"),
    [
        ({"select": "loo"}, "loo"), ({"select": "evidence"}, "evidence"), ({"metric": "mae"}, "loo"),
        ({"folds": 5}, "cv"), ({"rule": "1se"}, "loo"), ({"select": "holdout", "holdout": 0.3}, "holdout"),
    ],
)  # fmt: skip
def test_one_lambda_is_judged_where_that_is_asked_for(regression, asked, method):
    plain = fit_dataset(regression(), given(2.0), SelectSpec()).to_dict()
    assert (plain["lambda"]["selected_by"], plain["metrics"]["validation"]) == ("given", None)
    result = fit_dataset(regression(), given(2.0), SelectSpec(**asked))
    judged = result.to_dict()
    assert (judged["lambda"]["selected_by"], judged["lambda"]["value"]) == (method, 2.0)
    assert judged["metrics"]["validation"]["mse"] > plain["metrics"]["train"]["mse"]
    assert result.coef == pytest.approx([row["coef"] for row in plain["coefficients"]], rel=1e-12)


def test_lambda_0_alone_has_no_evidence(regression):
    with pytest.raises(UsageError, match="lambda 0, a prior without end, has no evidence"):
        fit_dataset(regression(), given(0.0), SelectSpec(select="evidence"))


@pytest.mark.parametrize(
    ("family", "select"), [("gaussian", "evidence"), ("gaussian", "gcv"), ("poisson", "evidence")]
)
def test_a_row_without_which_there_is_no_fit_leaves_no_error_beside_evidence(family, select):
    """The first row alone decides the unpenalized column: a lambda, but no leave-one-out, and a note."""
    rng = np.random.default_rng(4)
    X = np.column_stack([np.eye(20)[0], rng.normal(size=20)])
    y = rng.poisson(np.exp(1.0 + X[:, 1])) + 1.0
    fit = l2cli.fit(X, y, family=family, penalty_factor=[0.0, 1.0], select=select)
    content = fit.to_dict()
    assert content["metrics"]["validation"] is None
    assert content["overfitting_gap"] is None
    assert any(note.startswith("no error of unseen rows: ") for note in content["data"]["notes"])
