"""An explanation in a few lines: what matters, how much is shrunk, whether collinearity does harm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from l2cli.api.setup import brief

MOST_NAMED = 4
CARRIED = 2.0 / 3.0
OWN = 0.1
"""Part of a feature's importance that must be its own (its share alone) for the feature to be named."""
LITTLE = 0.01
"""Share of the deviance of the intercept alone below which a model explains next to nothing."""
LARGE = 0.25
"""Share of the largest unpenalized coefficient from which a shrinkage is worth a word."""
STRONG, MODERATE = 30.0, 10.0
"""Condition indices (Belsley, Kuh and Welsch 1980, section 3.3)."""


def verdicts(found: Mapping[str, Any], fit: Mapping[str, Any], null: float) -> list[str]:
    """Return one line each: importance, shrinkage, collinearity, and what the penalty bought.

    ``null`` is the deviance of the intercept alone, in the unit of the fit's metrics.
    """
    lines = [
        _importance(found["importance"]["groups"], fit["metrics"], null),
        _shrinkage(found, fit),
        _collinearity(found["condition"]),
        _bought(found["cost"]["error"], fit),
    ]
    return [line for line in lines if line]


def listed(names: Sequence[str]) -> str:
    """Return ``a``, ``a and b`` or ``a, b and c``."""
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def _importance(groups: Sequence[Mapping[str, Any]], metrics: Mapping[str, Any], null: float) -> str:
    key = "importance" if groups and groups[0]["importance"] is not None else "marginal"
    ranked = sorted((g for g in groups if g[key] is not None), key=lambda g: -g[key])
    if not ranked:
        return "the features explain nothing: the model is its intercept"
    total, top = 0.0, list[Mapping[str, Any]]()
    for group in ranked[:MOST_NAMED]:
        total, top = total + group[key], [*top, group]
        if total >= CARRIED:
            break
    own = [g for g in top if (g["marginal"] or 0.0) >= OWN * g[key]] or top
    names, others = ([g["name"] for g in some] for some in (own, [g for g in top if g not in own]))
    share = sum(g[key] for g in own)
    where = "these rows" if metrics["validation"] is None else "unseen rows"
    deviance = (metrics["validation"] or metrics["train"])["deviance"]
    explained = 1.0 - deviance / null if deviance is not None and null > 0.0 else 0.0
    if explained < LITTLE:
        return (
            f"on {where} the model explains less than {LITTLE:.0%} of the target: importance is a share of "
            "next to nothing"
        ).replace("%", " %")
    carry = "carries" if len(names) == 1 else "carry"
    more = f"; {listed(others)} {total - share:.0%} more, by correlation alone" if others else ""
    most = "" if total >= CARRIED else "no few features dominate: the largest, "
    return (
        f"{most}{listed(names)}{',' if most else ''} {carry} {share:.0%} of what the model explains{more}"
    ).replace("%", " %")


def _shrinkage(found: Mapping[str, Any], fit: Mapping[str, Any]) -> str:
    df, rank = fit["effective_df"], fit.get("rank")
    if fit["lambda"]["value"] == 0:
        return "nothing is shrunk: lambda is 0"
    dropped = [r["feature"] for r in found["features"] if not r["coef_standardized"]]
    settings = fit["settings"]
    kinked = bool(settings.get("l1_ratio")) or settings.get("group_penalty") == "lasso"
    if not rank:
        return f"{brief(df)} degrees of freedom are left by the penalty"
    left = df / rank
    how = "light" if left >= 0.9 else "moderate" if left >= 0.6 else "strong"
    what = "1 degree of freedom is" if rank == 1 else f"{rank} degrees of freedom are"
    text = f"the penalty is {how}: {brief(df)} of {what} left"
    if kinked and dropped:
        return f"{text}, {len(dropped)} of {len(found['features'])} features are out"
    known = [r for r in found["features"] if r["shrinkage"] is not None and abs(r["coef_standardized"]) > 0.0]
    large = max((abs(r["coef_unpenalized_standardized"] or 0.0) for r in known), default=0.0)
    most = [r for r in known if abs(r["coef_unpenalized_standardized"] or 0.0) > LARGE * large]
    most = sorted(most, key=lambda r: -r["shrinkage"])[:2]
    if not most or most[0]["shrinkage"] < 0.01:
        return text
    names = [
        f"{r['feature']} ({r['shrinkage']:.0%})".replace("%", " %") for r in most if r["shrinkage"] > 0.01
    ]
    return f"{text}; it takes most from {listed(names)}"


def _collinearity(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return ""
    names = [row["feature"] for row in found["worst"]][:MOST_NAMED]
    if found["tied_directions"]:
        return f"{listed(names)} make each other up exactly: only the penalty tells their coefficients apart"
    number = found["number"]
    if number < MODERATE or len(names) < 2:
        return f"no collinearity to worry about: the largest condition index is {brief(number)}"
    how = "say nearly the same" if number >= STRONG else "overlap"
    return (
        f"{listed(names)} {how} (condition index {brief(number)}): trust their sum more than each coefficient"
    )


def _bought(error: Mapping[str, Any], fit: Mapping[str, Any]) -> str:
    if error["gain"] is None or fit["lambda"]["value"] == 0:
        return ""
    gain, metric = error["gain"], error["metric"].replace("_", " ")
    if abs(gain) < 0.005:
        return f"on unseen rows the penalty changes the {metric} by less than 1 %"
    verb = "improves" if gain > 0 else "worsens"
    return f"on unseen rows the penalty {verb} the {metric} by {abs(gain):.1%}".replace("%", " %")
