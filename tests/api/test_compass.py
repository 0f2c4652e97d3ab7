"""The search for the lambdas of groups: where it ends, and after how many trials."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.api.banded import LAST_STEP, MOST_TRIALS, REACH, compass


def test_it_ends_within_a_step_of_the_best_of_a_bowl():
    best = np.array([1.3, -2.0, 0.4])
    found = compass(lambda t: float(np.sum((t - best) ** 2)), np.zeros(3))
    assert np.abs(found - best).max() <= LAST_STEP


def test_it_stays_within_reach_of_the_common_lambda():
    found = compass(lambda t: float(t[0] - t[1]), np.array([2.0, -1.0]))
    assert found == pytest.approx([2.0 - REACH, -1.0 + REACH])


@pytest.mark.parametrize("axes", [3, 150, 700])
def test_many_groups_end_it_at_the_trials_it_promises(axes):
    """A restless loss falls with every trial, so that no step is ever halved."""
    told: list[tuple[int, int]] = []
    asked: list[int] = []

    def loss(_):
        asked.append(1)
        return -float(len(asked))

    compass(loss, np.zeros(axes), lambda _, done, most: told.append((done, most)))
    most = max(MOST_TRIALS, 2 * axes)
    assert len(asked) <= most + 1
    assert told[-1] == (len(asked) - 1, most)


def test_losses_that_are_not_finite_are_never_better():
    start = np.array([0.5])
    assert compass(lambda t: 1.0 if t[0] == 0.5 else np.nan, start).tolist() == [0.5]
