"""The screens of all commands: stored texts, and what must hold on every page."""

from __future__ import annotations

from pathlib import Path

import pytest

from l2cli.errors import UsageError
from l2cli.report.layout import plain, width_of
from l2cli.report.render import render, render_messages
from l2cli.report.screens.heading import kept_text

SCREENS = Path(__file__).resolve().parent.parent / "golden" / "screens"
RESULTS = [
    "fit_gaussian",
    "fit_unpenalized",
    "fit_binomial",
    "fit_debiased",
    "fit_bootstrap",
    "cv_gaussian",
    "cv_binomial",
    "path_gaussian",
    "compare_gaussian",
    "tradeoff_gaussian",
    "tradeoff_simulated",
    "tradeoff_binomial",
    "tradeoff_unknown_noise",
    "evaluate_binomial",
    "evaluate_gaussian",
    "inspect_odd",
    "inspect_refused",
    "convert_gaussian",
    "explain_gaussian",
    "explain_groups",
]
PAGES = {
    "80": {"width": 80, "terminal": True},
    "60-ascii": {"width": 60, "unicode": False, "terminal": True},
    "120-piped": {"width": 120},
}
HOSTILE = ["收入=\x1b[31mred\x1b[0m", "a\u202eb[bold]c", "x" * 70, "tab\there", "e\u0301tat"]


def shown(result, **page):
    return [plain(text) for text in render(result, **page)]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("name", RESULTS)
def test_screens_look_as_they_did(stored, request, name, page):
    path = SCREENS / f"{name}-{page}.txt"
    text = "\n".join(shown(stored(name), **PAGES[page])) + "\n"
    if request.config.getoption("--overwrite"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", RESULTS)
@pytest.mark.parametrize("width", [50, 60, 72, 80, 100, 200])
@pytest.mark.parametrize("unicode", [True, False])
def test_screens_fit_the_terminal(stored, name, width, unicode):
    lines = render(stored(name), width=width, unicode=unicode, terminal=True)
    assert [plain(text) for text in lines if width_of(text) > width] == []
    assert unicode or all(plain(text).isascii() for text in lines)
    assert all(plain(text) == plain(text).rstrip(" ") for text in lines)


@pytest.mark.parametrize("name", ["fit_gaussian", "fit_unpenalized", "path_gaussian"])
@pytest.mark.parametrize("terminal", [True, False])
def test_names_from_data_do_nothing(stored, name, terminal):
    result = stored(name)
    for coefficient, hostile in zip(result["coefficients"], HOSTILE, strict=False):
        coefficient["feature"] = hostile
    result["data"]["target"] = result["data"]["source"] = "bad\x1b]0;title\x07\nname"
    lines = render(result, width=80, terminal=terminal)
    assert all(plain(text).isprintable() for text in lines)
    assert any("[bold]" in plain(text) for text in lines) or terminal
    assert not terminal or max(map(width_of, lines)) <= 80


@pytest.mark.parametrize("terminal", [True, False])
def test_names_in_an_explanation_do_nothing(stored, terminal):
    result = stored("explain_gaussian")
    groups = result["importance"]["groups"]
    for row, group, hostile in zip(result["features"], groups, HOSTILE, strict=False):
        row["feature"] = row["group"] = group["name"] = hostile
        result["verdicts"].append(f"{hostile} carries all")
        result["influence"]["rows"][0] |= {"id": hostile, "feature": hostile}
    lines = render(result, width=80, terminal=terminal)
    assert all(plain(text).isprintable() for text in lines)
    assert any("[bold]" in plain(text) for text in lines)
    assert not terminal or max(map(width_of, lines)) <= 80


def test_nothing_is_cut_without_a_terminal(stored):
    result = stored("fit_gaussian")
    result["coefficients"] = [
        dict(result["coefficients"][0], feature=f"{'a_long_name_' * 6}{i}") for i in range(100)
    ]
    text = "\n".join(shown(result, width=80))
    assert all(c["feature"] in text for c in result["coefficients"])


def test_a_terminal_sees_the_twenty_largest_and_how_to_see_all(stored):
    result = stored("fit_binomial")
    lines = shown(result, terminal=True)
    start = next(i for i, text in enumerate(lines) if text.startswith(" feature"))
    names = [text.split()[0] for text in lines[start + 1 : start + 21]]
    largest = sorted(result["coefficients"], key=lambda c: -abs(c["coef_standardized"]))
    assert names == [c["feature"] for c in largest[:20]]
    assert lines[start + 21].startswith(" and 10 more, none above 0.3")
    assert "--verbose" in lines[start + 21]
    assert len(shown(result, terminal=True, verbose=True)) == len(lines) + 9


def test_a_fit_without_features_shows_its_intercept(stored):
    result = stored("fit_gaussian")
    result["coefficients"] = []
    assert " no feature: the intercept alone, -300" in shown(result)


def test_a_fit_that_did_not_converge_says_so(stored):
    result = stored("fit_gaussian")
    result["certificate"] = {
        "kkt_residual": 3e-4,
        "rounding_floor": 1e-15,
        "duality_gap": None,
        "converged": False,
    }
    assert any(text.startswith(" not converged: the KKT residual is 0.0003") for text in shown(result))


@pytest.mark.parametrize(
    ("gap", "words"),
    [
        (-0.01, "no overfitting gap"),
        (0.05, "overfitting gap 5 %: small"),
        (0.25, "overfitting gap 25 %: moderate"),
        (1.5, "overfitting gap 2.5 times: large"),
        (8.9, "overfitting gap 9.9 times: large"),
        (19.1, "fits these rows almost exactly: judge by the unseen"),
    ],
)
def test_the_overfitting_gap_comes_with_a_word(stored, gap, words):
    result = stored("fit_gaussian")
    result["overfitting_gap"] = gap
    assert any(text.endswith(words) for text in shown(result))


@pytest.mark.parametrize(("metric", "logarithmic"), [("r2", False), ("auc", False), ("mae", True)])
def test_only_errors_have_a_logarithmic_axis(stored, metric, logarithmic):
    result = stored("cv_gaussian")
    last = len(result["lambdas"]) - 1
    result["metric"], result["mean"] = metric, [0.01 + 0.98 * i / last for i in range(last + 1)]
    assert any("on unseen rows, logarithmic" in text for text in shown(result)) == logarithmic


@pytest.mark.parametrize(
    ("metric", "said", "value"),
    [
        ("mae", "the mae of ", "mae 43.2"),
        ("r2", "the R2 of ", "R2 0."),
        ("mse", "", ""),
        ("deviance", "", ""),
    ],
)
def test_the_metric_that_chose_lambda_is_named_and_shown(stored, metric, said, value):
    result = stored("fit_gaussian")
    result["selection"]["metric"] = metric
    result["metrics"]["validation"]["mae"] = 43.21
    lines = shown(result)
    assert f"lambda by {said}exact leave-one-out over 60 values" in "\n".join(lines)
    (unseen,) = (text for text in lines if text.startswith(" unseen rows"))
    assert value in unseen
    assert ("mae" in unseen) == (metric == "mae")


def test_a_range_holds_the_lambda_beside_it(stored):
    result = stored("fit_gaussian")
    result["lambda"] |= {"value": 24.484, "range": [7.81, 24.484], "rule": "min", "penalty_needed": None}
    text = "\n".join(shown(result))
    assert " lambda 24.5 " in text
    assert "any lambda from 7.8 to 25 does as well" in text


def test_what_differs_from_the_defaults_is_said(stored):
    result = stored("fit_gaussian")
    result["settings"] |= {"standardize": False, "intercept": False, "lambda_scale": "mean", "folds": 5}
    result["lambda"] |= {"selected_by": "cv", "rule": "1se", "edge": "high"}
    result["selection"]["method"] = "cv"
    lines = shown(result)
    assert lines[2] == "gaussian, L2, columns not standardized, no intercept"
    assert lines[3] == "lambda by 5-fold cross-validation over 60 values, one-standard-error rule"
    assert lines[4] == "lambda on the mean scale"
    assert not any(text.startswith(" intercept") for text in lines)
    assert any("it lies on the high edge of the grid" in text for text in lines)
    assert any("glmnet(lambda=" in text and "standardize=FALSE" in text for text in lines)


@pytest.mark.parametrize(
    ("relative", "line"),
    [
        (0.004, None),
        (0.0234, "leave-one-out is approximate: 2.34 % above exact refits of 30 rows"),
        (-0.0234, "leave-one-out is approximate: 2.34 % below exact refits of 30 rows"),
    ],
)
def test_leave_one_out_says_how_far_it_is_from_refits_above_one_percent(stored, relative, line):
    result = stored("fit_gaussian")
    result["selection"] |= {"approximate": True, "error": {"relative": relative, "se": 0.01, "rows": 30}}
    lines = shown(result)
    assert lines[2] == "gaussian, L2; lambda by approximate leave-one-out over 60 values"
    told = [text.strip() for text in lines if "exact refits" in text]
    assert told == ([] if line is None else [line])


def test_a_given_lambda_is_shown_as_given(stored):
    result = stored("fit_gaussian")
    result["lambda"] |= {"value": 1234.56, "selected_by": "given", "range": None}
    result["selection"] = None
    result["metrics"]["validation"] = result["overfitting_gap"] = None
    lines = shown(result)
    assert lines[2] == "gaussian, L2; lambda given"
    assert any(text.startswith(" lambda 1234.56  keeps") for text in lines)
    assert not any("unseen" in text for text in lines)


def test_the_screen_says_how_sure_the_error_and_the_lambda_are(stored):
    result = stored("cv_binomial")
    result["best"] |= {"ci_low": 0.118, "ci_high": 0.186, "optimism_corrected": 0.151}
    result["nested"] = {"value": 0.152, "ci_low": 0.11, "ci_high": 0.19, "level": 0.9, "lambdas": [1.0, 4.0]}
    result["stability"] = {"repeats": 5, "low": 2.0, "high": 3.0, "lambdas": [2.0] * 4 + [3.0]}
    result["lambda_set"] = [8.0, 2.0, 0.5]
    lines = shown(result, width=120)
    words = (
        " on new data  deviance 0.151, 90 % interval 0.118 to 0.186 (corrected for having chosen lambda)",
        " nested       deviance 0.152, 90 % interval 0.110 to 0.190 (lambda tuned in each fold)",
        " lambda set   0.5 to 8: not told from the best at 90 %",
        " stability    2 to 3: 90 % of what 5 repeats choose",
    )
    at = [lines.index(text) for text in words]
    assert at == list(range(at[0], at[0] + 4))
    result["lambda_set"] = result["lambdas"][5:]
    edge = [text for text in shown(result, width=120) if text.startswith(" lambda set")]
    assert edge[0].endswith(" and below: not told from the best at 90 %")
    result["lambda_set"] = result["lambdas"]
    assert " lambda set   all lambdas tried: not told from the best at 90 %" in shown(result, width=120)


def test_a_curve_of_one_lambda_or_with_holes_is_shown(stored):
    result = stored("cv_gaussian")
    result["mean"][:3] = result["se"][:3] = [None, None, None]
    result["lambdas"][-1] = 0.0
    assert sum("┤" in text for text in shown(result)) >= 3
    for key in ("lambdas", "mean", "se"):
        result[key] = result[key][20:21]
    result |= {"index_min": 0, "index_1se": 0, "lambda_min": 5.0, "lambda_1se": 5.0}
    lines = shown(result)
    assert not any("┤" in text for text in lines)
    assert any(text.startswith(" lambda_min   5   rmse") for text in lines)


def test_a_steep_curve_gets_a_logarithmic_axis(stored):
    result = stored("cv_binomial")
    result["mean"] = [0.1 * 1.2**k for k in range(len(result["lambdas"]))]
    assert any("deviance on unseen rows, logarithmic" in text for text in shown(result))


def test_compare_uses_the_intervals_it_is_given(stored):
    result = stored("compare_gaussian")
    for model in result["models"]:
        model |= {"ci_low": model["mean"] - 4.0, "ci_high": model["mean"] + 4.0}
    wide = shown(result, width=200)
    assert any("the bars are 95 % intervals" in text for text in wide)
    best = min(result["models"], key=lambda model: model["mean"])
    low, high = (f"{best[key]:.1f}" for key in ("ci_low", "ci_high"))
    assert any("95 % interval" in text for text in wide)
    assert any(f"{low} to {high}" in text for text in wide if best["name"] in text)
    assert not any(f"{low} to {high}" in text for text in shown(result, width=80))


def test_compare_shows_squared_errors_as_their_root(stored):
    result = stored("compare_gaussian")
    before = shown(result)
    for model in result["models"]:
        model["mean"] **= 2
        model["se"] = None
    result["metric"] = "mse"
    after = shown(result)
    first = [
        next(text.split() for text in lines if text.startswith(" unpenalized")) for lines in (before, after)
    ]
    assert first[0][:3] == first[1][:3] == ["unpenalized", "0", "55.0"]


def test_compare_names_a_model_without_a_finite_fit(stored):
    result = stored("compare_gaussian")
    result["models"][0] |= {"mean": None, "se": None}
    lines = [text for text in shown(result) if "not fitted: see the warning" in text]
    assert [text.split()[0] for text in lines] == [result["models"][0]["name"]]


def test_messages_are_one_escaped_line_each():
    lines = render_messages(["3 rows\nleft out"], [{"code": "x", "message": "column 'a\x1b[0m' is constant"}])
    assert [plain(text) for text in lines] == [
        r"l2cli: note: 3 rows\nleft out",
        r"l2cli: warning: column 'a\x1b[0m' is constant",
    ]


def test_an_unknown_format_is_refused(stored):
    with pytest.raises(UsageError, match="no format 'xml'; choose one of table, json"):
        render(stored("fit_gaussian"), "xml")


def with_rows(result, names):
    """Return a stored fit with features of no effect behind its first one."""
    first = result["coefficients"][0]
    result["settings"]["l1_ratio"] = 1.0
    result["coefficients"] = [first, *({**first, "feature": name, "coef": 0.0} | FLAT for name in names)]
    return result


FLAT = {"coef_standardized": 0.0, "kept": 0.0}


def of_classes(result, labels):
    """Return a stored fit as one of several classes."""
    rows = result.pop("coefficients")
    result["classes"] = [{"label": label, "intercept": 1.0, "coefficients": rows} for label in labels]
    result["data"]["classes"] = [{"label": label, "count": 9} for label in labels]
    result["settings"]["family"] = "multinomial"
    return result


def test_a_terminal_sees_some_of_the_features_that_are_left_out(stored):
    names = [f"gene_{j:04d}" for j in range(3000)]
    one = with_rows(stored("fit_gaussian"), names)
    for result in (one, of_classes(with_rows(stored("fit_gaussian"), names), ["a", "b", "c"])):
        text = "\n".join(shown(result, terminal=True))
        assert text.count("gene_") == 20
        assert "gene_0019 and 2980 more" in text
        assert "\n".join(shown(result)).count("gene_") == 3000  # a file, or a pipe, has them all


@pytest.mark.parametrize(
    ("rule", "low", "words"),
    [
        ("min", 1e-3, "no penalty needed: any lambda from 0 to 50 does as well"),
        ("1se", 1e-3, "no penalty needed: any lambda from 0 to 50 is within one standard error of the best"),
        ("1se", 0.2, "any lambda from 0.2 to 50 is within one standard error of the best"),
        (None, None, "no penalty needed: lambda 0 does as well"),
    ],
)
def test_where_no_penalty_is_needed_the_lambdas_that_do_as_well_begin_at_0(stored, rule, low, words):
    result = stored("fit_gaussian")
    result["selection"]["lambdas"][-1] = 1e-3
    result["lambda"] |= {
        "penalty_needed": False, "rule": rule, "edge": None, "range": None if low is None else [low, 50.0],
    }  # fmt: skip
    told = "; ".join(text.strip() for text in shown(result, width=120)).split("; ")
    assert [text for text in told if "any lambda" in text or "penalty" in text] == [words]
    result["lambda"] |= {"penalty_needed": None, "range": [0.2, 0.2]}
    assert not any("does as well" in text for text in shown(result))


def test_the_legend_of_explain_explains_the_columns_there_are(stored):
    result = stored("explain_gaussian")
    whole = " ".join(shown(result, width=120))
    for words in ("at 0: ", "shrunk: ", "VIF: variance inflation, and after", "lasso: what L1 keeps"):
        assert words in whole
    for row in result["features"]:
        row |= {"coef_unpenalized_standardized": None, "shrinkage": None, "vif_penalized": None}
    result["settings"]["family"] = "multinomial"
    some = " ".join(shown(result, width=120))
    assert "at 0" not in some
    assert "shrunk" not in some
    for words in ("VIF: variance inflation; lasso: per sd with L1", "per sd: root of the sum of squares"):
        assert words in some


def test_a_share_of_next_to_nothing_is_no_number_to_read(stored):
    result = stored("fit_gaussian")
    shares = [16.64, -12.98, 0.002, -0.003, 0.9998, 4.92, None]
    for row, kept in zip(result["coefficients"], shares, strict=False):
        row["kept"] = kept
    rows = {text.split()[0]: text for text in shown(result) if text.startswith(" ")}
    ends = [rows[row["feature"]].rsplit("  ", 1)[1].strip() for row in result["coefficients"][:6]]
    assert ends == [">10x", "<-10x", "<1 %", "0 %", "100 %", "492 %"]
    legend = " ".join(shown(result)[-3:])
    assert "10x: that was next to nothing" in legend
    for row in result["coefficients"]:
        row["kept"] = 0.9
    assert "10x" not in "\n".join(shown(result))


def test_a_calibrated_probability_is_never_or_always_only_where_it_is(stored):
    result = stored("evaluate_binomial")
    low, high = result["calibration"][0], result["calibration"][-1]
    low |= {"low": 1e-9, "high": 1e-4, "predicted": 2e-5, "observed": 0.0}
    high |= {"low": 0.9997, "high": 1.0, "predicted": 0.9999, "observed": 1.0}
    lines = [text.split("  ") for text in shown(result) if "9.9 %" in text or "<0.1 %" in text]
    cells = [[cell.strip() for cell in text if cell.strip()][:4] for text in lines]
    assert cells[0] == ["<0.1 %", "14", "<0.1 %", "0.0 %"]
    assert cells[-1] == [">99.9 % to 100.0 %", "14", ">99.9 %", "100.0 %"]


def test_few_missing_cells_are_not_none(stored):
    result = stored("inspect_odd")
    result["data"]["rows_read"] = 100_000
    for column in result["columns"]:
        column["missing"] = 0
    result["columns"][0]["missing"] = 2
    text = "\n".join(shown(result))
    assert "2 (<0.1 %)" in text
    assert "2 missing cells (<0.1 %)" in text
    assert "0.0 %" not in text


def test_one_degree_of_freedom_is_one():
    fit = {"effective_df": 0.913, "rank": 1, "settings": {}}
    assert kept_text(fit) == "keeps 0.913 of 1 degree of freedom"
    assert kept_text(fit | {"rank": 2}) == "keeps 0.913 of 2 degrees of freedom"
