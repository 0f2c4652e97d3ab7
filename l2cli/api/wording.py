"""Messages in the words of Python: what the command line calls an option is an argument there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from l2cli.errors import L2Error
from l2cli.spec import FAMILIES, GROUP_PENALTIES, INFERENCES, METRICS, RULES, SELECTORS

SAME = (
    "bounds", "categorical", "coding", "dates", "draws", "family", "folds", "gap", "group-lambda",
    "group-penalty", "holdout", "inference", "interactions", "intercept", "interval", "jobs", "l1-ratio",
    "lambda-scale", "lambdas", "metric", "missing", "models", "nested", "offset", "penalty-factor",
    "positive", "relax-gamma", "repeats", "rule", "seed", "select", "simulate", "standardize", "target",
    "threshold", "time-column", "tol", "tweedie-power", "unseen",
)  # fmt: skip
"""Options that an argument has the name of."""
ARGUMENTS = {f"--{name}": name.replace("-", "_") for name in SAME} | {
    "--fold-column": "fold_labels",
    "--group-column": "groups",
    "--groups": "column_groups",
    "--lambda": "lam",
    "--weights": "sample_weight",
}
"""The arguments of the library by option."""
WORDS = (*SELECTORS, *RULES, *FAMILIES, *METRICS, *GROUP_PENALTIES, *INFERENCES, "impute", "treatment")
"""Values that are text in Python."""
OPTION = re.compile(
    r"(?<!\w)'[^']*'(?!\w)"
    r"|(?<![\w-])(--[a-z][a-z0-9-]*|^jobs\b)"
    rf"(?: (\d+(?:\.\d+)?(?:e[-+]?\d+)?|{'|'.join(WORDS)})(?![\w=]|:\S|,\d))?"
)
"""Something quoted; or an option, or what estimators call otherwise, and a value after it."""
ONLY_OF_FILES = re.compile(r" with --drop(?: '[^']*')?| --drop .* leaves (?:it|them) out$")


def in_words(message: str, names: Mapping[str, str]) -> str:
    """Return a message with arguments in the place of options, those of ``names``.

    >>> in_words("--l1-ratio has no meaning beside --groups, use --select cv", ARGUMENTS)
    "l1_ratio has no meaning beside column_groups, use select='cv'"
    >>> in_words("--select loo has no --metric auc: rows move it", ARGUMENTS)
    "select='loo' has no metric='auc': rows move it"
    """

    def said(found: re.Match[str]) -> str:
        option, value = found[1], found[2]
        if option not in names:
            return found[0]
        if value is None:
            return names[option]
        return f"{names[option]}={repr(value) if value in WORDS else value}"

    return OPTION.sub(said, ONLY_OF_FILES.sub("", message))


@contextmanager
def in_arguments() -> Iterator[None]:
    """Name arguments instead of options in an error that passes: a decorator of the library's functions."""
    try:
        yield
    except L2Error as error:
        error.message = in_words(error.message, ARGUMENTS)
        error.hint = None if error.hint is None else in_words(error.hint, ARGUMENTS)
        error.args = (error.message,)
        raise
