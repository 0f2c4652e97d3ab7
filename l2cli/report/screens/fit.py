"""The screen of ``l2cli fit``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from l2cli.report.escape import visible
from l2cli.report.layout import Column, Line, Page, Span, cells, clauses, flowed, line, table, width_of
from l2cli.report.numerals import outward, percent, significant, trimmed
from l2cli.report.screens import targets
from l2cli.report.screens.features import MOST_KEPT, coefficient_lines
from l2cli.report.screens.heading import data_lines, kept_text, model_lines, shown, source_name
from l2cli.report.screens.metrics import asked_metric, headline, label_of, metric_value

_METHODS = {
    "loo": "exact leave-one-out",
    "gcv": "generalized cross-validation",
    "cv": "cross-validation",
    "evidence": "evidence (marginal likelihood)",
    "holdout": "held-out rows",
}
_SMALL_GAP, _LARGE_GAP, _MOST_GAP = 0.10, 0.30, 19.0
_TO_BE_SEEN = 0.01
LABEL_WIDTH = 11
MOST_METRICS = 3


def screen(result: Mapping[str, Any], page: Page) -> list[Line]:
    """Return the lines of a fit: what was fitted, the coefficients, how good it is, how it was solved."""
    if "targets" in result:
        lines = targets.fit_screen(result, _how_each(result), page)
        return [*lines, *inference_lines({**result["targets"][0], "targets": True}, page)]
    lam = result["lambda"]
    return [
        *data_lines(result["data"], page),
        *model_lines(result["settings"], method_text(result), page, unpenalized=lam["value"] == 0),
        (),
        *coefficient_lines(result, page),
        *inference_lines(result, page),
        (),
        *_error_lines(result, page),
        *_approximation_lines(result, page),
        *_lambda_lines(result, page),
        (),
        *_legend(result, page),
    ]


def inference_lines(result: Mapping[str, Any], page: Page) -> list[Line]:
    """Return what intervals of coefficients cover and how they were made, where they were asked for."""
    inference = result.get("inference")
    if inference is None:
        return []
    level = percent(inference["level"])
    facts = [f"{level} intervals cover {inference['covers']}"]
    if "classes" in result or "targets" in result:
        facts = [f"standard errors and {level} intervals, which cover {inference['covers']}: --format csv"]
    how = inference["method"]
    if inference.get("resamples"):
        low, high = inference["lambda_range"]
        how = f"{inference['resamples']} {how}"
        if low != high and "targets" not in result:
            how += ", lambda chosen in each: 5 to 95 % of them {} to {}".format(*outward(low, high))
    elif inference.get("sigma") is not None and "targets" not in result:
        how += f", noise sd {significant(inference['sigma'])}"
    return flowed([Span(f" {'; '.join(facts)} ({how})", "hint")], page, indent=1)


def method_text(result: Mapping[str, Any]) -> str:
    """Return how lambda was found; nothing for an unpenalized fit, which says it already."""
    lam, selection = result["lambda"], result.get("selection")
    if result["settings"].get("group_lambdas"):
        given = lam["selected_by"] == "given"
        return "lambdas given" if given else f"a lambda for each group by {_judge(result)}"
    if lam["selected_by"] == "given" or not selection:
        return "" if lam["value"] == 0 else "lambda given"
    if len(selection["lambdas"]) == 1:
        return f"one lambda, judged by {_method(result)}"
    text = f"lambda by {_judge(result)} over {len(selection['lambdas'])} values"
    return text + (", one-standard-error rule" if lam.get("rule") == "1se" else "")


def _how_each(result: Mapping[str, Any]) -> str:
    """Return how the lambdas of several targets were found."""
    how = method_text({**result, **result["targets"][0]})
    return how.replace("lambda by", "a lambda for each target by").partition(" over ")[0]


def _judge(result: Mapping[str, Any]) -> str:
    """Return what chose: a method, and of a metric that was asked for whose it is."""
    metric = asked_metric(result)
    return f"the {label_of(metric)} of {_method(result)}" if metric else _method(result)


def _method(result: Mapping[str, Any]) -> str:
    method = str(result["lambda"]["selected_by"])
    folds = result["settings"].get("folds")
    if method == "cv" and isinstance(folds, int):
        timed = result["settings"].get("time_column") is not None
        return f"{folds}-fold cross-validation" + (" in time order" if timed else "")
    if method == "loo" and (result.get("selection") or {}).get("approximate"):
        return "approximate leave-one-out"
    if method == "holdout" and (other := result["data"].get("holdout")):
        return f"the rows of {visible(source_name(str(other['source'])))}"
    return _METHODS.get(method, method)


def _error_lines(result: Mapping[str, Any], page: Page) -> list[Line]:
    """Return the error on unseen rows above that on the training rows, number below number."""
    family = result["settings"]["family"]
    train, unseen = result["metrics"]["train"], result["metrics"].get("validation")
    selection = result.get("selection") or {}
    rows: list[tuple[str, Mapping[str, Any], str]] = []
    if unseen:
        how = "leave-one-out" if selection.get("method") == "loo" else _method(result)
        if result["lambda"]["selected_by"] in ("evidence", "gcv"):
            how = f"{'approximate' if selection.get('approximate') else 'exact'} leave-one-out"
        rows.append(("unseen rows", unseen, f"({how})"))
    rows.append(("these rows", train, _gap_text(result.get("overfitting_gap"))))
    names = headline(family, unseen or train)[:MOST_METRICS]
    asked = asked_metric(result)
    names += [asked] if asked and asked not in names else []
    columns = [Column("", cells(label.ljust(LABEL_WIDTH) for label, *_ in rows), rank=9)]
    for name in names:
        texts = [
            f"{label_of(name)} {metric_value(name, m[name])}" if m.get(name) is not None else ""
            for _, m, _ in rows
        ]
        columns.append(Column("", cells(texts, "value"), rank=8 if name == asked else 8 - len(columns)))
    lines = table(columns, page, heads=False, gap=3)
    remarks = [remark for *_, remark in rows]
    if max(map(width_of, lines)) + 3 + max(map(len, remarks)) > page.width:
        # How lambda was found stands above already; the gap is told nowhere else.
        gap = remarks[-1]
        return [*lines, line(" " * (LABEL_WIDTH + 4), Span(gap, "hint"))] if gap else lines
    columns.append(Column("", cells(remarks, "hint")))
    return table(columns, page, heads=False, gap=3)


def _approximation_lines(result: Mapping[str, Any], page: Page) -> list[Line]:
    """Return how far approximate leave-one-out is from refits, where that is to be seen."""
    error = (result.get("selection") or {}).get("error")
    if not error or abs(error["relative"]) <= _TO_BE_SEEN:
        return []
    side = "above" if error["relative"] > 0 else "below"
    text = (
        f" leave-one-out is approximate: {percent(abs(error['relative']), 2)} {side} exact refits of"
        f" {error['rows']} rows"
    )
    return flowed([Span(text, "hint")], page, indent=1)


def _gap_text(gap: float | None) -> str:
    if gap is None:
        return ""
    if gap <= 0:
        return "no overfitting gap"
    if gap > _MOST_GAP:
        return "fits these rows almost exactly: judge by the unseen"
    size = "small" if gap < _SMALL_GAP else "moderate" if gap < _LARGE_GAP else "large"
    if gap > 1.0:
        return f"overfitting gap {trimmed(1.0 + gap, 2)} times: {size}"
    return f"overfitting gap {percent(gap)}: {size}"


def _lambda_lines(result: Mapping[str, Any], page: Page) -> list[Line]:
    lam = result["lambda"]
    facts = [kept_text(result)]
    if lam.get("edge"):
        facts.append(f"it lies on the {lam['edge']} edge of the grid")
    facts += _range_facts(result)
    label = f" lambda {lambda_text(lam)}  "
    if bands := result["settings"].get("group_lambdas"):
        facts[:0] = [f"{shown(name, page)} {trimmed(value)}" for name, value in bands.items()]
        label = " lambda of groups  " if lam["value"] == 1.0 else f" {lambda_text(lam)} times  "
    column = max(len(label), LABEL_WIDTH + 4)
    name = Span(label.ljust(column), "value")
    lines = clauses([line(name, facts[0]), *map(line, facts[1:])], page, indent=column)
    relaxed = result["settings"].get("relax_gamma") not in (None, 1.0)  # no option of others says that
    equal = (
        equivalents(lam.get("equivalents") or {}, result["settings"]) if lam["value"] and not relaxed else []
    )
    if equal:
        first, *others = [line(Span(f"= {text}", "hint")) for text in equal]
        lines += clauses([line(" " * column, *first), *others], page, indent=column, between=" ")
    return lines + _certificate_lines(result["certificate"], page)


def _range_facts(result: Mapping[str, Any]) -> list[str]:
    """Return which other lambdas do as well: down to 0 where no penalty is needed."""
    lam = result["lambda"]
    free, span = lam.get("penalty_needed") is False, lam.get("range")
    if not span:
        every = " in every group" if result["settings"].get("group_lambdas") else ""
        return [f"no penalty needed: lambda 0{every} does as well"] if free else []
    low, high = span
    how = "is within one standard error of the best" if lam.get("rule") == "1se" else "does as well"
    bare = free and low == min(result["selection"]["lambdas"])
    if low == high and not bare:  # no other of the grid
        return []
    why, low = ("no penalty needed: ", 0.0) if bare else ("", low)
    first, last = outward(low, high)
    return [f"{why}any lambda from {first} to {last} {how}"]


def lambda_text(lam: Mapping[str, Any]) -> str:
    """Return lambda with the digits that matter; one that was given as it was given."""
    return trimmed(lam["value"], 6 if lam.get("selected_by") == "given" else 3)


def equivalents(equal: Mapping[str, Any], settings: Mapping[str, Any]) -> list[str]:
    """Return the same penalty in the words of other tools: ``Ridge(alpha=9.6) after StandardScaler`` ..."""
    raw = settings.get("standardize") is False
    scaler = "" if raw else " after StandardScaler"
    ratio = settings.get("l1_ratio") or 0.0
    mix = f", l1_ratio={trimmed(ratio)}" if ratio else ""
    parts = []
    if equal.get("sklearn_ridge_alpha") is not None:
        parts.append(f"Ridge(alpha={trimmed(equal['sklearn_ridge_alpha'], 4)}){scaler}")
    elif equal.get("sklearn_elasticnet_alpha") is not None:
        alpha = trimmed(equal["sklearn_elasticnet_alpha"], 4)
        parts.append(f"{f'ElasticNet(alpha={alpha}{mix})' if ratio < 1 else f'Lasso(alpha={alpha})'}{scaler}")
    if equal.get("sklearn_glm_alpha") is not None:
        parts.append(f"{_glm_name(equal, settings)}{scaler}")
    if equal.get("sklearn_C") is not None:
        parts.append(f"LogisticRegression(C={trimmed(equal['sklearn_C'], 4)}{mix}){scaler}")
    if equal.get("glmnet_lambda") is not None:
        alpha = trimmed(equal.get("glmnet_alpha") or 0.0)
        asked = ", standardize=FALSE" if raw else ""
        asked += "".join(f", {name}=..." for name in _glmnet_arguments(settings))
        parts.append(f"glmnet(lambda={trimmed(equal['glmnet_lambda'], 4)}, alpha={alpha}{asked})")
    return parts


def _glmnet_arguments(settings: Mapping[str, Any]) -> list[str]:
    """Return the arguments of glmnet that take what was given beside lambda."""
    bounds = settings.get("bounds") or ()
    asked = {
        "penalty.factor": any(factor != 1.0 for factor in settings.get("penalty_factor") or ()),
        "lower.limits": any(low is not None for low, _ in bounds),
        "upper.limits": any(high is not None for _, high in bounds),
    }
    return [name for name, given in asked.items() if given]


def _glm_name(equal: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    alpha = f"alpha={trimmed(equal['sklearn_glm_alpha'], 4)}"
    power = settings.get("tweedie_power")
    name = "TweedieRegressor" if power else f"{str(settings['family']).capitalize()}Regressor"
    return f"{name}({f'power={trimmed(power)}, ' if power else ''}{alpha})"


def _certificate_lines(certificate: Mapping[str, Any], page: Page) -> list[Line]:
    residual = significant(certificate["kkt_residual"], 1)
    if certificate["converged"]:
        return [line(f" solved to {residual} of the optimum (KKT)")]
    text = f" not converged: the KKT residual is {residual}, so the last digits cannot be trusted"
    return flowed([Span(text, "warning")], page, indent=1)


def _legend(result: Mapping[str, Any], page: Page) -> list[Line]:
    """Return what the columns mean, and the commands that come next."""
    words = ["per sd: effect of one standard deviation of the feature"]
    if "classes" in result:
        words = [
            "a coefficient is what one unit of the feature adds to the log of a class's share, up to a"
            " constant; the largest effects first"
        ]
    elif any(c.get("kept") is not None and c.get("se") is None for c in result["coefficients"]):
        words.append("kept: how much of the unpenalized coefficient is left" + _kept_puzzles(result))
    text = "; ".join(words) + ". Next: l2cli cv, l2cli path, l2cli compare"
    return flowed([Span(text, "hint")], page)


def _kept_puzzles(result: Mapping[str, Any]) -> str:
    """Return what the odd shares mean, where there are any."""
    shares = [c.get("kept") for c in result["coefficients"]]
    known = [share for share in shares if share is not None]
    parts = [
        "negative: the sign is flipped" if min(known) <= -0.005 else "",
        "above 100 %: it grew as a correlated feature shrank" if max(known) >= 1.005 else "",
        f"{MOST_KEPT}x: that was next to nothing" if max(map(abs, known)) > MOST_KEPT else "",
        "blank: no unique unpenalized fit" if None in shares else "",
    ]
    return "".join(f" ({text})" for text in [", ".join(part for part in parts if part)] if text)
