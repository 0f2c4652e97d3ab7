"""Messages in the words of estimators, whose parameters are arguments of the library but for two."""

from __future__ import annotations

from l2cli.api.wording import ARGUMENTS, in_words

PARAMETERS = ARGUMENTS | {"--folds": "cv", "--select": "cv", "--jobs": "n_jobs", "jobs": "n_jobs"}


def in_parameters(message: str) -> str:
    """Return a message with the names of parameters instead of those of options.

    >>> in_parameters("jobs must be 1 or more; give fewer --folds")
    'n_jobs must be 1 or more; give fewer cv'
    >>> in_parameters("--select loo needs pure L2; use --select cv")
    "cv='loo' needs pure L2; use cv=10"
    """
    return in_words(message.replace("--select cv", "cv=10"), PARAMETERS)
