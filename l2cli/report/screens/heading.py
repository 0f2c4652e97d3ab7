"""The first lines of every screen: the file, the target, the model, and how lambda was found."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from l2cli.report.escape import cut_middle, visible
from l2cli.report.layout import Line, Page, Span, clauses, glyphs_ellipsis, line
from l2cli.report.numerals import trimmed

STDIN = "-"
_LONGEST_NAME = 40
_MOST_CLASSES = 5
_UNPENALIZED = {"gaussian": "least squares"}


def count(number: int, noun: str) -> str:
    """Return ``1 row`` or ``2 rows``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def source_name(source: str) -> str:
    """Return the last part of a path, a pattern whole, or what standard input is called."""
    if source == STDIN:
        return "standard input"
    name = re.split(r"[/\\]", source.rstrip("/\\"))[-1]
    is_pattern = any(mark in name for mark in "*?")
    return source if is_pattern or not name else name


def shown(name: str, page: Page) -> str:
    """Return a name from the data, cut on a terminal if it is very long."""
    text = visible(name)
    return cut_middle(text, _LONGEST_NAME, glyphs_ellipsis(page)) if page.terminal else text


def data_lines(data: Mapping[str, Any], page: Page) -> list[Line]:
    """Return the file, its rows and features, and the target with what may be surprising about it."""
    read, used = data.get("rows_read"), data.get("rows_used")
    rows = f"{used} of {count(read, 'row')}" if read not in (None, used) else count(used or 0, "row")
    facts = [rows]
    if "features" in data:
        facts.append(count(len(data["features"]), "feature"))
    parts = [
        line(Span(shown(source_name(str(data.get("source", STDIN))), page), "title"), f": {', '.join(facts)}")
    ]
    if data.get("target") is not None:
        parts.append(line(f"target '{shown(data['target'], page)}'", *_target_remarks(data, page)))
    elif data.get("targets"):
        parts.append(line(f"targets {', '.join(shown(name, page) for name in data['targets'])}"))
    return clauses(parts, page)


def _target_remarks(data: Mapping[str, Any], page: Page) -> list[Span]:
    remarks = ["last column, change with -t"] if data.get("target_default") else []
    classes = data.get("classes") or []
    if classes:
        most = classes if len(classes) <= _MOST_CLASSES else sorted(classes, key=lambda c: -c["count"])[:3]
        counts = ", ".join(f"{_label(str(c['label']), page)} {c['count']}" for c in most)
        more = f" and {len(classes) - len(most)} more classes" if len(most) < len(classes) else ""
        remarks.append(counts + more)
        if data.get("positive") is not None:
            remarks.append(f"'{shown(str(data['positive']), page)}' is the positive class")
    return [Span(" ("), Span("; ".join(remarks), "hint"), Span(")")] if remarks else []


def _label(label: str, page: Page) -> str:
    """Return the label of a class, in quotes where blanks in it would run into the number beside it."""
    text = shown(label, page)
    return f"'{text}'" if " " in text else text


def model_lines(
    settings: Mapping[str, Any], how: str, page: Page, *, unpenalized: bool = False
) -> list[Line]:
    """Return the family, the penalty, what differs from the defaults, and ``how`` lambda was found."""
    family = str(settings["family"])
    bare = f"unpenalized ({_UNPENALIZED.get(family, 'maximum likelihood')})"
    power = settings.get("tweedie_power")
    family += f" (power {trimmed(power)})" if power else ""
    facts = [family, bare if unpenalized else penalty_text(settings)]
    gamma = settings.get("relax_gamma")
    if gamma is not None and not unpenalized:
        facts.append("not relaxed (gamma 1)" if gamma == 1.0 else f"relaxed (gamma {trimmed(gamma)})")
    if bounded := [ends for ends in settings.get("bounds") or [] if ends != [None, None]]:
        facts.append(f"bounds on {count(len(bounded), 'coefficient')}")
    if settings.get("standardize") is False:
        facts.append("columns not standardized")
    if settings.get("intercept") is False:
        facts.append("no intercept")
    parts = [", ".join(facts), *([how] if how else [])]
    if settings.get("lambda_scale") == "mean":
        parts.append("lambda on the mean scale")
    return clauses([line(part) for part in parts], page)


def penalty_text(settings: Mapping[str, Any]) -> str:
    """Return the name of the penalty: ``L2``, ``L1``, ``elastic net (l1_ratio 0.5)`` or that of groups."""
    if groups := settings.get("groups"):
        kind = "group lasso" if settings.get("group_penalty") == "lasso" else "banded L2"
        return f"{kind} over {count(len(groups), 'group')}"
    ratio = settings.get("l1_ratio") or 0.0
    return {0.0: "L2", 1.0: "L1"}.get(ratio, f"elastic net (l1_ratio {trimmed(ratio)})")


def kept_text(fit: Mapping[str, Any]) -> str:
    """Return what the penalty left: degrees of freedom, and with an L1 part the features."""
    df = f"{freedom_text(fit)} {'degree' if fit.get('rank') == 1 else 'degrees'} of freedom"
    if not drops_features(fit["settings"]):
        return f"keeps {df}"
    tables = [part["coefficients"] for part in fit.get("classes") or [fit]]
    left = sum(1 for rows in zip(*tables, strict=True) if any(row["coef"] for row in rows))
    return f"keeps {left} of {count(len(tables[0]), 'feature')}, {df}"


def freedom_text(fit: Mapping[str, Any]) -> str:
    """Return the effective degrees of freedom, of how many where the rank is known."""
    rank = fit.get("rank")
    return trimmed(fit["effective_df"]) + ("" if rank is None else f" of {rank}")


def drops_features(settings: Mapping[str, Any]) -> bool:
    """Return True where the penalty leaves features out."""
    return bool(settings.get("l1_ratio")) or settings.get("group_penalty") == "lasso"


def folds_text(folds: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """Return how the rows were folded: ``10 stratified folds, seed 0``."""
    k, repeats, kind = folds.get("k"), folds.get("repeats") or 1, str(folds.get("kind", ""))
    adjective = "stratified " if folds.get("stratified") else "time-ordered " if kind == "time" else ""
    text = f"{k} {adjective}folds"
    if kind == "given":
        return f"{text} as labelled in the file"
    if kind == "time":
        return text + gap_text(settings)
    if kind == "groups":
        text += " of whole groups"
    if repeats > 1:
        text += f", repeated {repeats} times"
    seed = settings.get("seed")
    return text if seed is None else f"{text}, seed {seed}"


def gap_text(settings: Mapping[str, Any]) -> str:
    """Return what is left out before the rows tested, of time-ordered folds: ``, gap 7d``."""
    gap = settings.get("gap")
    return "" if not gap else f", gap of {count(gap, 'row')}" if isinstance(gap, int) else f", gap {gap}"
