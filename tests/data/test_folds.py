"""Folds: the rule by which they are drawn, strata, groups, given labels, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.data.folds import Folds, draw_folds, given_folds
from l2cli.errors import UsageError


def assert_dealt(ids: np.ndarray, k: int) -> None:
    """Assert the rule of SPEC section 2: every consecutive k units get a permutation of 0..k-1."""
    for start in range(0, len(ids) - k + 1, k):
        assert sorted(ids[start : start + k]) == list(range(k)), start
    assert len(set(ids[len(ids) // k * k :])) == len(ids) % k


@pytest.mark.parametrize("k", [2, 3, 10, 57])
def test_every_consecutive_k_rows_get_a_permutation(k):
    folds = draw_folds(57, k, seed=3, repeats=2)
    assert folds.ids.shape == (2, 57)
    assert (folds.k, folds.repeats, folds.kind, folds.labels) == (k, 2, "rows", ())
    for ids in folds.ids:
        assert_dealt(ids, k)
    assert max(folds.sizes()) - min(folds.sizes()) <= 1
    assert sum(folds.sizes()[:k]) == 57


def test_the_permutations_differ_from_each_other_and_between_repeats():
    ids = draw_folds(1000, 5, repeats=2).ids
    rounds = {tuple(r) for r in ids[0].reshape(-1, 5)}
    assert len(rounds) > 60
    assert np.mean(ids[0] == ids[1]) == pytest.approx(0.2, abs=0.06)


def test_the_same_seed_draws_the_same_and_another_does_not():
    assert np.array_equal(draw_folds(100, 10, seed=4).ids, draw_folds(100, 10, seed=4).ids)
    assert not np.array_equal(draw_folds(100, 10, seed=4).ids, draw_folds(100, 10, seed=5).ids)


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("stratified", [False, True])
def test_a_stream_draws_the_same_folds_row_by_row(grouped, stratified):
    """The folds of the first rows do not depend on how many rows follow."""
    rng = np.random.default_rng(0)
    strata = rng.integers(0, 2, size=400) if stratified else None
    groups = np.sort(rng.integers(0, 60, size=400)) if grouped else None
    whole = draw_folds(400, 7, seed=1, repeats=2, strata=strata, groups=groups)
    for m in (150, 151, 160, 399):
        first = draw_folds(
            m, 7, seed=1, repeats=2, strata=None if strata is None else strata[:m],
            groups=None if groups is None else groups[:m],
        )  # fmt: skip
        assert np.array_equal(first.ids, whole.ids[:, :m])


def test_strata_are_dealt_among_themselves():
    strata = np.random.default_rng(1).integers(0, 3, size=100)
    folds = draw_folds(100, 4, strata=strata, repeats=3)
    assert folds.kind == "stratified"
    for ids in folds.ids:
        for stratum in range(3):
            assert_dealt(ids[strata == stratum], 4)


def test_a_stratum_does_not_depend_on_the_others():
    strata = np.random.default_rng(2).integers(0, 2, size=80)
    ids = draw_folds(80, 4, seed=9, strata=strata).ids[0]
    alone = draw_folds(
        int((strata == 1).sum()), 4, seed=9, strata=np.ones(int((strata == 1).sum()), dtype=np.int64)
    ).ids[0]
    assert np.array_equal(ids[strata == 1], alone)


def test_strata_are_dealt_unlike_each_other():
    strata = np.repeat([0, 1], 40)
    ids = draw_folds(80, 4, strata=strata).ids[0]
    assert not np.array_equal(ids[:40], ids[40:])


def test_groups_stay_together_and_are_dealt_by_first_appearance():
    groups = np.array([7, 7, 2, 7, 9, 2, 1, 0, 1, 9])
    folds = draw_folds(10, 2, groups=groups)
    assert folds.kind == "groups"
    ids = folds.ids[0]
    assert all(len(set(ids[groups == g])) == 1 for g in set(groups))
    first = [ids[list(groups).index(g)] for g in (7, 2, 9, 1, 0)]
    assert_dealt(np.array(first), 2)
    assert np.array_equal(first, draw_folds(5, 2).ids[0])


def test_given_folds_keep_their_labels():
    labels = np.array([5, 5, 0, 3, 0, 3])
    folds = given_folds(labels, ("a", "b", "c", "d", "e", "f"))
    assert folds.ids.tolist() == [[2, 2, 0, 1, 0, 1]]
    assert (folds.k, folds.kind, folds.labels) == (3, "given", ("'a'", "'d'", "'f'"))
    assert folds.sizes() == [2, 2, 2]
    assert given_folds(labels, ()).labels == ()


def test_messages_name_folds_as_the_user_knows_them():
    """Those inside the training rows of another keep the numbers and labels they have outside."""
    drawn = draw_folds(12, 4, repeats=2)
    assert (drawn.named(2), drawn.named(5)) == ("without fold 3 of repeat 1", "without fold 2 of repeat 2")
    inner = drawn.others(1)
    assert [inner.named(i) for i in range(3)] == [f"without folds 2 and {f}" for f in (1, 3, 4)]
    assert inner.held(2) == "fold 4 (fold 2 left out too)"
    given = given_folds(np.array([0, 1, 2, 1]), ("x", "y", "z\x1b"))
    assert (given.held(1), given.named(2)) == ("fold 'y'", r"without fold 'z\x1b'")
    assert given.others(0).named(0) == "without folds 'x' and 'y'"
    made = drawn._replace(within="without fold 1")
    assert made.named(0) == "without fold 1 of 4 inside the rows without fold 1"


def test_one_given_label_is_no_cross_validation():
    with pytest.raises(UsageError, match="holds one label only"):
        given_folds(np.zeros(5, dtype=np.int64), ("all",))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_rows": 5, "k": 1}, "--folds must be 2 or more, not 1"),
        ({"n_rows": 5, "k": 6}, "6 folds need at least 6 rows, there are 5; give --folds 5 or fewer"),
        ({"n_rows": 1, "k": 2}, "2 folds need at least 2 rows, there is 1; no folds can be made of 1"),
        (
            {"n_rows": 9, "k": 2, "groups": np.zeros(9, dtype=np.int64)},
            "2 folds need at least 2 groups, there is 1; no folds can be made of 1",
        ),
        ({"n_rows": 9, "k": 2, "repeats": 10**17}, f"--repeats may be at most 1000, not {10**17}"),
        (
            {"n_rows": 6, "k": 4, "groups": np.array([0, 0, 1, 1, 2, 2])},
            "4 folds need at least 4 groups, there are 3",
        ),
        ({"n_rows": 6, "k": 6, "strata": np.array([0, 0, 0, 1, 1, 1])}, "leave one of them without rows"),
    ],
)
def test_impossible_folds_are_refused(arguments, message):
    with pytest.raises(UsageError, match=message):
        draw_folds(**arguments)


def test_sizes_count_rows_fold_by_fold_and_repeat_by_repeat():
    folds = Folds(np.array([[0, 1, 1, 2], [2, 2, 2, 2]]), 3, "rows")
    assert folds.sizes() == [1, 2, 1, 0, 0, 4]
