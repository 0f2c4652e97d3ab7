"""The language that names the models of a comparison."""

from __future__ import annotations

import re

import pytest

from l2cli.errors import UsageError
from l2cli.select.candidates import GROUP_LASSO, parse_candidates, split_models


def test_a_list_may_hold_blanks_and_parentheses():
    assert split_models(" mean,ols , sklearn:SVR(C=2, kernel='rbf'),enet:0.5") == (
        "mean", "ols", "sklearn:SVR(C=2, kernel='rbf')", "enet:0.5",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "name", "l1_ratio", "relax_gamma", "rule"),
    [
        ("ridge", "ridge (min)", 0.0, 1.0, "min"),
        ("lasso:1se", "lasso (1se)", 1.0, 1.0, "1se"),
        ("enet", "enet 0.5 (min)", 0.5, 1.0, "min"),
        ("enet:0.25:1se", "enet 0.25 (1se)", 0.25, 1.0, "1se"),
        ("elasticnet:0.9", "enet 0.9 (min)", 0.9, 1.0, "min"),
        ("relaxed", "relaxed lasso (min)", 1.0, 0.0, "min"),
        ("relaxed:0.5", "relaxed 0.5 (min)", 1.0, 0.5, "min"),
        ("group:1se", "group lasso (1se)", GROUP_LASSO, 1.0, "1se"),
    ],
)
def test_models_with_a_lambda(spec, name, l1_ratio, relax_gamma, rule):
    first, _ = parse_candidates((spec, "mean"), groups=True)
    assert (first.name, first.l1_ratio, first.relax_gamma, first.rule) == (name, l1_ratio, relax_gamma, rule)
    assert first.kind == "tuned"


def test_a_model_of_scikit_learn_has_a_name_and_parameters():
    _, model = parse_candidates(("ols", "sklearn:RandomForest(n_estimators=50, max_features='sqrt')"))
    assert model.name == "RandomForest(n_estimators=50, max_features='sqrt')"
    assert model.outside is not None
    assert model.outside.name == "RandomForest"
    assert model.outside.parameters == (("n_estimators", 50), ("max_features", "sqrt"))


@pytest.mark.parametrize(
    ("specs", "message"),
    [
        (("ridgee", "mean"), r"no 'ridgee'.*did you mean 'ridge'"),
        (("enet:2", "mean"), "l1_ratio between 0 and 1, not '2'"),
        (("enet:1e-12", "mean"), "at least 1e-09"),
        (("relaxed:x", "mean"), "a share of the lasso between 0 and 1, not 'x'"),
        (("ridge:2", "mean"), "'2' means nothing to ridge"),
        (("enet:0.5:0.5", "mean"), "'0.5' means nothing to enet"),
        (("mean:1se", "ols"), "no 'mean:1se'"),
        (("enet", "enet:0.5"), "names 'enet:0.5' twice"),
        (("", "ols"), "no ''"),
        (("sklearn:", "ols"), "no model of scikit-learn"),
        (("sklearn:SVR(2)", "ols"), "no model of scikit-learn"),
        (("sklearn:SVR(C=__import__('os'))", "ols"), "no model of scikit-learn"),
        (("sklearn:SVR(C={[1]: 2})", "ols"), "no model of scikit-learn"),
        (("sklearn:SVR(C=1, C=2)", "ols"), "gives SVR the parameter 'C' twice"),
        (("sklearn:os.system('x')", "ols"), "no model of scikit-learn"),
        (("group", "ols"), "needs --groups"),
    ],
)
def test_what_is_no_model_is_refused(specs, message):
    with pytest.raises(UsageError) as caught:
        parse_candidates(specs)
    assert re.search(message, f"{caught.value.message}; {caught.value.hint}")


def test_a_model_is_called_by_the_word_that_named_it():
    for word in ("ols", "unpenalized"):
        assert parse_candidates((word, "mean"))[0][:3] == (word, "ols", "ols")
    with pytest.raises(UsageError, match="names 'unpenalized' twice"):
        parse_candidates(("ols", "unpenalized"))
