"""What every command does first: problem, lambdas, folds, the way to choose, and the common keys."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.api.choosing import approximation_warning
from l2cli.api.selector import resolve_selector
from l2cli.api.setup import finite, floats, prepare
from l2cli.data.folds import draw_folds
from l2cli.errors import UsageError
from l2cli.select.alo import ApproximationError
from l2cli.spec import GridSpec, ModelSpec, SelectSpec


def test_the_problem_takes_everything_from_the_dataset(regression):
    rng = np.random.default_rng(0)
    weights, offset, factors = rng.uniform(1, 2, 60), rng.normal(size=60), np.array([0.0, 1.0, 2.0, 1.0])
    dataset = regression(weights=weights, offset=offset, penalty_factor=factors)
    original = dataset.X.copy()
    setup = prepare(dataset, ModelSpec(standardize=False, intercept=False))
    problem = setup.problem
    assert problem.X is dataset.X
    assert problem.X * problem.scale == pytest.approx(original, rel=1e-12)
    assert problem.weights == pytest.approx(weights)
    assert problem.offset is offset
    assert problem.factors == pytest.approx(factors)
    assert (problem.intercept, problem.standardize) == (False, False)
    assert setup.weight == 1.0
    assert prepare(regression(weights=weights), ModelSpec(lambda_scale="mean")).weight == pytest.approx(
        weights.sum()
    )


def test_folds_are_stratified_for_classes_unless_rows_are_grouped(binary, regression):
    select = SelectSpec(folds=4, seed=3, repeats=2)
    dataset = binary()
    folds = prepare(dataset, ModelSpec()).folds(select)
    drawn = draw_folds(120, 4, seed=3, repeats=2, strata=dataset.y.astype(np.int64))
    assert folds.kind == "stratified"
    assert np.array_equal(folds.ids, drawn.ids)
    groups = np.repeat(np.arange(30), 4)
    assert prepare(binary(groups=groups), ModelSpec()).folds(select).kind == "groups"
    rows = prepare(regression(), ModelSpec()).folds(SelectSpec(seed=3))
    assert (rows.kind, rows.k) == ("rows", 10)
    labels = np.arange(60) % 3
    given = prepare(regression(fold_labels=labels, fold_names=("a", "b", "c")), ModelSpec()).folds(select)
    assert (given.kind, given.k, given.labels) == ("given", 3, ("'a'", "'b'", "'c'"))


@pytest.mark.parametrize(
    ("select", "given", "expected"),
    [
        (SelectSpec(), {}, "loo"),
        (SelectSpec(metric="mse"), {}, "loo"),
        (SelectSpec(metric="deviance"), {}, "loo"),
        (SelectSpec(metric="mae"), {}, "loo"),
        (SelectSpec(metric="r2"), {}, "loo"),
        (SelectSpec(select="cv", metric="mae"), {}, "cv"),
        (SelectSpec(folds=10), {}, "cv"),
        (SelectSpec(repeats=2), {}, "cv"),
        (SelectSpec(select="cv"), {}, "cv"),
        (SelectSpec(select="gcv"), {}, "gcv"),
        (SelectSpec(select="loo", folds=5), {}, "loo"),
        (SelectSpec(), {"fold_labels": np.arange(60) % 3}, "cv"),
        (SelectSpec(), {"groups": np.arange(60) // 2}, "cv"),
    ],
)
def test_gaussian_lambdas_are_chosen_by_leave_one_out_unless_folds_are_meant(
    regression, select, given, expected
):
    assert resolve_selector(prepare(regression(**given), ModelSpec()), select) == expected


@pytest.mark.parametrize(
    ("select", "given", "expected"),
    [
        (SelectSpec(), {}, "loo"),
        (SelectSpec(metric="accuracy"), {}, "loo"),
        (SelectSpec(metric="auc"), {}, "cv"),
        (SelectSpec(folds=10), {}, "cv"),
        (SelectSpec(select="cv"), {}, "cv"),
        (SelectSpec(select="loo", folds=5), {}, "loo"),
        (SelectSpec(), {"groups": np.arange(120) // 2}, "cv"),
    ],
)
def test_binomial_lambdas_are_chosen_by_approximate_leave_one_out(binary, select, given, expected):
    assert resolve_selector(prepare(binary(**given), ModelSpec()), select) == expected


def test_leave_one_out_of_classes_is_refused_where_there_is_none(binary):
    setup = prepare(binary(), ModelSpec())
    lone = binary()
    lone.y[:] = np.arange(120) == 7
    alone = prepare(lone, ModelSpec())
    net = prepare(binary(), ModelSpec(l1_ratio=0.5))
    for bad, select, message in (
        (setup, SelectSpec(select="gcv"), "--select gcv is exact for gaussian targets and pure"),
        (
            setup,
            SelectSpec(select="loo", metric="auc"),
            "has no --metric auc: over rows left out it is biased",
        ),
        (alone, SelectSpec(select="loo"), "one row alone is of its kind"),
        (net, SelectSpec(select="loo"), "--select loo needs pure L2"),
    ):
        with pytest.raises(UsageError, match=message):
            resolve_selector(bad, select)
    assert resolve_selector(net, SelectSpec()) == "cv"
    assert resolve_selector(alone, SelectSpec()) == "cv"


def test_an_approximation_far_from_refits_is_warned_of():
    for relative, count in ((0.04, 0), (-0.06, 1)):
        error = ApproximationError(relative, 0.01, 10)
        warned = approximation_warning(error)
        assert [w["code"] for w in warned] == ["approximation_error"] * count
        assert all("6 % off" in w["message"] and "--select cv" in w["message"] for w in warned)


def test_selectors_and_metrics_that_do_not_fit_are_refused(regression):
    setup = prepare(regression(), ModelSpec())
    with pytest.raises(UsageError, match="--select gcv minimises the squared error"):
        resolve_selector(setup, SelectSpec(select="gcv", metric="mae"))
    with pytest.raises(UsageError, match="'auc' does not fit the family gaussian"):
        resolve_selector(setup, SelectSpec(metric="auc"))


def test_a_grid_comes_on_the_scale_in_force(regression):
    sums, _ = prepare(regression(), ModelSpec()).grid()
    means, automatic = prepare(regression(), ModelSpec(lambda_scale="mean")).grid()
    assert automatic
    assert means * 60 == pytest.approx(sums, rel=1e-12)
    given = ModelSpec(lambda_scale="mean", lambdas=GridSpec(values=(2.0, 1.0)))
    assert prepare(regression(), given).grid()[0].tolist() == [2.0, 1.0]


def test_equivalents_are_those_of_the_sum_scale(regression, binary):
    dataset = regression(weights=np.full(60, 2.0))
    sd = dataset.target_sd
    table = prepare(dataset, ModelSpec(lambda_scale="mean")).equivalents(0.5)
    assert table["sklearn_ridge_alpha"] == pytest.approx(60.0)
    assert table["lambda_mean"] == pytest.approx(0.5)
    assert table["glmnet_lambda"] == pytest.approx(0.5 * sd)
    assert table["torch_weight_decay"] == pytest.approx(2.0 * 60.0 / 60)
    origin = regression()
    rms = float(np.sqrt(np.mean(origin.y**2)))
    assert prepare(origin, ModelSpec(intercept=False)).equivalents(6.0)["glmnet_lambda"] == pytest.approx(
        0.1 * rms
    )
    assert prepare(binary(), ModelSpec()).equivalents(4.0)["sklearn_C"] == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("more", "keys"),
    [
        (
            {"penalty_factor": np.array([0.0, 2.0, 1.0, 3.0])},
            {"glmnet_lambda", "glmnet_alpha", "lambda_mean"},
        ),
        ({"penalty_factor": np.zeros(4)}, {"lambda_mean"}),
        (
            {"penalty_factor": np.ones(4)},
            {"glmnet_lambda", "glmnet_alpha", "lambda_mean", "torch_weight_decay", "sklearn_C"},
        ),
        ({"offset": np.ones(60)}, {"glmnet_lambda", "glmnet_alpha", "lambda_mean", "torch_weight_decay"}),
    ],
)
def test_equivalents_are_of_tools_that_have_the_model(binary, more, keys):
    """Ridge(alpha) has no penalty factors, LogisticRegression no offset: glmnet has both."""
    assert prepare(binary(**more), ModelSpec()).equivalents(4.0).keys() == keys


def test_penalty_factors_move_the_lambda_of_glmnet(regression):
    dataset = regression(penalty_factor=np.array([0.0, 2.0, 1.0, 3.0]))
    sd = dataset.target_sd
    table = prepare(dataset, ModelSpec(lambda_scale="mean")).equivalents(0.5)
    assert table["glmnet_lambda"] == pytest.approx(0.5 * sd * 1.5)


def test_every_result_starts_with_the_same_keys(binary):
    setup = prepare(binary(), ModelSpec(standardize=False))
    result = setup.envelope("fit", SelectSpec(seed=7), rule="min")
    assert (result["schema"], result["level"]) == ("l2cli/fit/1", 0.95)
    data = result["data"]
    positive = int(setup.dataset.y.sum())
    assert data["classes"] == [{"label": "no", "count": 120 - positive}, {"label": "yes", "count": positive}]
    assert (data["positive"], data["rows_read"], data["rows_used"]) == ("yes", 121, 120)
    assert (data["weight_sum"], data["features"]) == (120.0, ["x0", "x1", "x2"])
    settings = result["settings"]
    assert (settings["standardize"], settings["seed"], settings["rule"], settings["family"]) == (
        False,
        7,
        "min",
        "binomial",
    )
    assert result["warnings"] == [{"code": "early", "message": "from the data"}]
    assert "seed" not in setup.envelope("path", None)["settings"]


def test_numbers_that_json_lacks_become_none():
    assert floats(np.array([1.0, np.nan, -np.inf])) == [1.0, None, None]
    assert floats(np.array([1.0, 2.0])) == [1.0, 2.0]
    assert all(type(v) is float for v in floats(np.array([1.0, 2.0])))
    assert (finite(None), finite(np.inf), finite(np.float64(2.0))) == (None, None, 2.0)
