"""The facts of columns against what NumPy says of each alone."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.core import threads as row_threads
from l2cli.data import survey
from l2cli.data.frame import table_from_arrays, table_from_frame
from l2cli.data.survey import survey_columns


def random_columns(n, p, seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * rng.choice([1.0, 1e-3, 1e6], p)
    X[:, ::3] = np.round(X[:, ::3])
    X[:, 1::4] = rng.integers(-2, 3, (n, len(X[0, 1::4])))
    X[rng.random((n, p)) < 0.1] = np.nan
    return X


@pytest.mark.parametrize(("n", "p", "seed"), [(1, 3, 0), (2, 5, 1), (50, 20, 2), (300, 40, 3)])
def test_facts_are_those_of_the_columns(monkeypatch, n, p, seed):
    monkeypatch.setattr(survey, "BLOCK_CELLS", 7 * n)  # several blocks
    X = random_columns(n, p, seed)
    facts, repeated = survey_columns(table_from_arrays(X), [f"x{j}" for j in range(p)])
    assert repeated == n - len(np.unique(X, axis=0))
    for j in range(p):
        fact, values = facts[f"x{j}"], X[~np.isnan(X[:, j]), j]
        assert fact.missing == n - len(values)
        assert fact.distinct == len(np.unique(values))
        if not len(values):
            assert (fact.type, fact.low, fact.quartiles) == ("empty", None, None)
            continue
        distinct, counts = np.unique(values, return_counts=True)
        assert fact.type == ("integer" if (values == np.round(values)).all() else "number")
        assert (fact.low, fact.high) == (values.min(), values.max())
        assert fact.quartiles == tuple(np.quantile(values, [0.25, 0.5, 0.75], method="nearest"))
        if len(distinct) > 1:
            assert (fact.next_low, fact.next_high) == (distinct[1], distinct[-2])
        if len(distinct) <= survey.MOST_LEVELS:
            assert [(float(level), count) for level, count in fact.levels] == list(
                zip(distinct, counts, strict=True)
            )
        else:
            assert fact.levels == ()
        share = counts.max() / len(values)
        assert fact.common == (share if share > 0.5 else 0.0)


def test_equal_columns_and_rows_have_equal_fingerprints():
    X = random_columns(200, 6, 5)
    X[:, 4] = X[:, 0]
    X[:, 5] = np.roll(X[:, 0], 1)  # the same cells in other rows
    X[17] = X[90] = X[3]
    facts, repeated = survey_columns(table_from_arrays(X), [f"x{j}" for j in range(6)])
    assert facts["x4"].fingerprint == facts["x0"].fingerprint
    assert len({facts[f"x{j}"].fingerprint for j in (0, 1, 2, 3, 5)}) == 5
    assert repeated == 2


def test_rows_that_differ_by_an_exchange_of_cells_are_different():
    facts, repeated = survey_columns(table_from_arrays([[1.0, 2.0], [2.0, 1.0], [1.0, 2.0]]), ["x0", "x1"])
    assert repeated == 1
    assert facts["x0"].distinct == 2


def test_text_and_numbers_together_make_a_row_and_zero_has_no_sign():
    import pandas as pd

    data = pd.DataFrame({"a": [0.0, -0.0, 0.0, 1.0], "t": ["u", "u", "v", "u"], "id": [1.0, 2.0, 3.0, 4.0]})
    table = table_from_frame(data)
    facts, repeated = survey_columns(table, ["a", "t"])
    assert repeated == 1
    assert survey_columns(table, ["a", "t", "id"])[1] == 0
    assert facts["t"].levels == (("u", 3), ("v", 1))
    assert (facts["t"].distinct, facts["t"].common, facts["t"].type) == (2, 0.75, "text")


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_change_nothing(monkeypatch, threads):
    X = random_columns(30_000, 20, 7)
    X[5] = X[6]
    table, names = table_from_arrays(X), [f"x{j}" for j in range(20)]
    expected = survey_columns(table, names)
    monkeypatch.setattr(row_threads, "thread_count", lambda: threads)
    assert survey_columns(table, names) == expected
    assert expected[1] == 1


@pytest.mark.parametrize("shape", [(30, 1), (1, 5), (30, 4)])
def test_the_table_is_left_as_it_is(shape):
    X = np.random.default_rng(0).permutation(np.prod(shape)).reshape(shape).astype(float)
    table = table_from_arrays(X)
    survey_columns(table, table.names)
    np.testing.assert_array_equal(table.numbers, X)


def test_the_names_that_are_judged_are_not_searched_for_every_column():
    class Names(list):
        def __contains__(self, name):
            raise AssertionError(f"a search for {name}: quadratic in the columns")

    X = random_columns(20, 30, 6)
    X[3] = X[5]
    assert survey_columns(table_from_arrays(X), Names(f"x{j}" for j in range(30)))[1] == 1
