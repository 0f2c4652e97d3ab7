"""Messages in the words of estimators: what the command line calls an option is a parameter here."""

from __future__ import annotations

import re

PARAMETERS = {
    "--bounds": "bounds",
    "--family": "family",
    "--folds": "cv",
    "--group-lambda": "group_lambda",
    "--group-penalty": "group_penalty",
    "--groups": "column_groups",
    "--l1-ratio": "l1_ratio",
    "--lambda": "lam",
    "--lambdas": "lambdas",
    "--metric": "metric",
    "--penalty-factor": "penalty_factor",
    "--relax-gamma": "relax_gamma",
    "--tol": "tol",
    "--tweedie-power": "tweedie_power",
    "jobs": "n_jobs",
}
OPTION = re.compile(r"(?<!['\w-])--[a-z][a-z0-9-]*|^jobs\b")
"""An option, or what the library calls otherwise, but not in a quoted name."""


def in_parameters(message: str) -> str:
    """Return a message with the names of parameters instead of those of options.

    >>> in_parameters("--l1-ratio has no meaning beside --groups")
    'l1_ratio has no meaning beside column_groups'
    """
    return OPTION.sub(lambda found: PARAMETERS.get(found[0], found[0]), message)
