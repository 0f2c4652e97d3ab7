"""The models that ``compare`` knows, and the small language that names them.

    mean | ols | ridge | lasso | group | enet[:R] | relaxed[:G]    each tuned one also with :min or :1se
    sklearn:NAME[(parameter=value, ...)]

R is the l1_ratio (default 0.5), G the share of the lasso in a relaxed one (default 0). Standard library only,
so that a misspelt model is refused before a file is read.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

from l2cli.checks import check_l1_ratio
from l2cli.errors import UsageError, shown
from l2cli.spec import RULES

GROUP_LASSO = -1.0
"""Stands for the group lasso where others have an l1_ratio."""
PENALTIES = {
    "ridge": (0.0, 1.0),
    "lasso": (1.0, 1.0),
    "enet": (0.5, 1.0),
    "relaxed": (1.0, 0.0),
    "group": (GROUP_LASSO, 1.0),
}
"""l1_ratio and relax_gamma of the models whose lambda is tuned, where nothing else is said."""
ALIASES = {"elasticnet": "enet", "elastic-net": "enet", "unpenalized": "ols"}
OUTSIDE = "sklearn"
DEFAULT_MODELS = ("ridge", "ridge:1se", "lasso", "unpenalized", "mean")
GRAMMAR = "mean, ols, ridge, lasso, enet:R, relaxed:G, group (with :1se too), sklearn:Name(parameter=value)"


class OutsideModel(NamedTuple):
    """A model of scikit-learn: the name of its class, or its beginning, and its parameters."""

    name: str
    parameters: tuple[tuple[str, Any], ...] = ()


class Candidate(NamedTuple):
    """A model to compare: ``kind`` is mean, ols, tuned or outside; ``rule`` chooses a tuned one's lambda."""

    name: str
    spec: str
    kind: str
    l1_ratio: float = 0.0
    rule: str = "min"
    relax_gamma: float = 1.0
    outside: OutsideModel | None = None

    @property
    def penalty(self) -> tuple[float, float]:
        """What tells penalties apart: l1_ratio and relax_gamma."""
        return self.l1_ratio, self.relax_gamma

    @property
    def tuned(self) -> tuple[str, float, float, str]:
        """What tells tuned models apart."""
        return self.kind, *self.penalty, self.rule


def split_models(text: str) -> tuple[str, ...]:
    """Return the items of a comma list of models, blanks around them dropped; ``(...)`` holds its commas.

    >>> split_models("mean, enet:0.3:1se, sklearn:SVR(C=2, kernel='rbf')")
    ('mean', 'enet:0.3:1se', "sklearn:SVR(C=2, kernel='rbf')")
    """
    return tuple(item.strip() for item in re.split(r",(?![^(]*\))", text))


def parse_candidates(specs: Sequence[str], l1_ratio: float = 0.0, *, groups: bool = False) -> list[Candidate]:
    """Return the candidates named in ``--models``, by default the usual ones.

    Parameters
    ----------
    specs : sequence of str
        In the language of this module.
    l1_ratio : float
        That of enet where it names none, and then enet is one of the usual ones; of 0 and 1 enet has 0.5.
    groups : bool
        True where there are groups; then their lasso is one of the usual models.

    Raises
    ------
    UsageError
        For an unknown model, one named twice or in two ways, fewer than two, or a group lasso without groups.
    """
    mixed = 0.0 < l1_ratio < 1.0
    usual = (*DEFAULT_MODELS[:3], "enet", *DEFAULT_MODELS[3:]) if mixed else DEFAULT_MODELS
    usual = ("group", *usual) if groups else usual
    chosen: list[Candidate] = []
    for spec in specs or usual:
        candidate = _candidate(spec, l1_ratio if mixed else PENALTIES["enet"][0])
        if candidate.l1_ratio == GROUP_LASSO and not groups:
            raise UsageError("--models group needs --groups", hint="--groups 'g1=a,b;g2=c_*' or dummies")
        for other in chosen:
            if candidate.name == other.name or candidate.spec == other.spec:
                raise UsageError(f"--models names '{shown(spec)}' twice")
            if candidate.kind == "tuned" and candidate.tuned == other.tuned:
                raise UsageError(f"--models: '{shown(spec)}' is the same model as '{shown(other.spec)}'")
        chosen.append(candidate)
    if len(chosen) < 2:
        raise UsageError("--models needs two or more models to compare")
    return chosen


def _candidate(spec: str, enet_ratio: float) -> Candidate:
    if not isinstance(spec, str):
        raise UsageError(f"--models holds {spec!r}, not the name of a model", hint=f"choose from {GRAMMAR}")
    word, _, rest = spec.partition(":")
    name = ALIASES.get(word, word)
    if name == OUTSIDE:
        return _outside(spec, rest)
    if name in ("mean", "ols") and not rest:
        return Candidate("mean only" if name == "mean" else word, name, name)
    if name not in PENALTIES:
        known = ("mean", "ols", *PENALTIES, *ALIASES, OUTSIDE)
        near = get_close_matches(name, known, 1)
        hint = f"did you mean '{near[0]}'? " if near and near[0] != name else ""
        raise UsageError(f"--models has no '{shown(spec)}'", hint=f"{hint}choose from {GRAMMAR}")
    words = rest.split(":") if rest else []
    rule = words.pop() if words and words[-1] in RULES else "min"
    ratio, gamma = PENALTIES[name]
    ratio = enet_ratio if name == "enet" else ratio
    title, item = {"relaxed": "relaxed lasso", "group": "group lasso"}.get(name, name), name
    if words and name in ("enet", "relaxed"):
        value = _share(words.pop(0), spec, "an l1_ratio" if name == "enet" else "a share of the lasso")
        if name == "enet":
            ratio = check_l1_ratio(value, f"--models {name}")
        else:
            gamma, title = value, f"relaxed {value:.15g}"
        item = f"{name}:{value:.15g}"
    if words:
        allowed = " or ".join(f":{rule}" for rule in RULES)
        raise UsageError(f"--models '{shown(spec)}': '{shown(words[0])}' means nothing to {name}",
                         hint=f"it takes {allowed}")  # fmt: skip
    title = f"enet {ratio:.15g}" if name == "enet" else title
    item = item if rule == "min" else f"{item}:{rule}"
    return Candidate(f"{title} ({rule})", item, "tuned", ratio, rule, gamma)


def _share(text: str, spec: str, what: str) -> float:
    """Return a number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise UsageError(f"--models '{shown(spec)}' needs {what} between 0 and 1, not '{shown(text)}'")
    return value + 0.0  # of -0, 0


def _outside(spec: str, text: str) -> Candidate:
    """Return the candidate of ``NAME`` or ``NAME(parameter=value, ...)``; values are Python literals."""
    hint = "write sklearn:RandomForest or sklearn:SVR(C=2, kernel='rbf')"
    try:
        call = ast.parse(text.strip(), mode="eval").body
        parameters: tuple[tuple[str, Any], ...] = ()
        if isinstance(call, ast.Call):
            if call.args or any(word.arg is None for word in call.keywords):
                raise ValueError
            parameters = tuple((str(word.arg), ast.literal_eval(word.value)) for word in call.keywords)
            call = call.func
        if not isinstance(call, ast.Name):
            raise ValueError
    except (SyntaxError, TypeError, ValueError, RecursionError, MemoryError):
        raise UsageError(f"--models '{shown(spec)}' is no model of scikit-learn", hint=hint) from None
    names = [name for name, _ in parameters]
    if twice := [name for name in names if names.count(name) > 1]:
        raise UsageError(f"--models gives {call.id} the parameter '{twice[0]}' twice")
    return Candidate(text.strip(), spec, "outside", outside=OutsideModel(call.id, parameters))
