"""What is said of lambdas of groups: that no penalty is needed, and where the search ended."""

from __future__ import annotations

import numpy as np
import pytest

import l2cli

GROUPS = {"u": ["x0", "x1"], "v": ["x2", "x3"]}


def strong(noise):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(120, 4))
    return X, X @ [3.0, 2.0, -3.0, 1.0] + noise * rng.normal(size=120)


def banded(X, y, **settings):
    return l2cli.fit(X, y, column_groups=GROUPS, group_penalty="banded", **settings)


@pytest.mark.parametrize("how", [{"select": "loo"}, {"select": "cv"}, {"holdout": 0.3}])
def test_no_penalty_is_needed_where_lambda_0_does_as_well(how):
    X, y = strong(0.1)
    fit = banded(X, y, **how).to_dict()
    assert fit["lambda"]["penalty_needed"] is False
    bare = l2cli.fit(X, y, lambdas=[0.0], **how).to_dict()["metrics"]["validation"]["mse"]
    chosen = fit["metrics"]["validation"]["mse"]
    assert chosen <= bare <= chosen * (1.0 + 1e-3)


def test_a_penalty_that_helps_is_not_called_needless():
    X, y = strong(20.0)
    assert banded(X, y).to_dict()["lambda"]["penalty_needed"] is None


def test_evidence_knows_no_lambda_0():
    X, y = strong(0.1)
    assert banded(X, y, select="evidence").to_dict()["lambda"]["penalty_needed"] is None


def test_the_ends_of_the_search_are_noted():
    """Columns without any use by construction, beside a target without noise."""
    X, y = strong(0.0)
    beside = np.column_stack([y, X[:, :2]])
    X[:, 2:] -= beside @ np.linalg.pinv(beside) @ X[:, 2:]
    y = X[:, 0] + 1e-3 * np.sin(np.arange(120))
    notes = banded(X, y, select="evidence").to_dict()["data"]["notes"]
    assert "group 'v' is all but left out: its lambda is at the end of the search" in notes
    assert not any(note.startswith("group 'u'") for note in notes)
