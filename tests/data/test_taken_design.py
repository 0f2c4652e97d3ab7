"""Design columns in the memory of the table: what is read and what is built is there once."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.core import problem
from l2cli.data.build import build_dataset
from l2cli.data.read import read_table
from l2cli.spec import ColumnSpec, ModelSpec


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(0)
    cells = rng.normal(size=(300, 5)).round(4).astype(str)
    cells[::7, 1] = ""
    cells[5, 4] = ""
    rows = [",".join([*row, "ab"[i % 2]]) for i, row in enumerate(cells)]
    path = tmp_path / "numbers.csv"
    path.write_text("\n".join(["a,b,c,d,y,kind", *rows]) + "\n", encoding="utf-8")
    return lambda: read_table(str(path))


SPECS = {
    "all numbers": {"drop": ("kind",)},
    "some": {"features": ("b", "d")},
    "one": {"features": ("c",)},
    "complete rows": {"drop": ("kind",), "missing": "drop"},
    "the target in front": {"target": "a", "drop": ("kind",), "missing": "drop"},
}


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_taken_columns_are_those_that_a_copy_holds(table, spec, monkeypatch):
    monkeypatch.setattr(problem, "BLOCK_BYTES", 64)
    columns = ColumnSpec(**{"target": "y"} | spec)
    used, kept = table(), table()
    taken = build_dataset(used, columns, ModelSpec(), consume=True)
    copied = build_dataset(kept, columns, ModelSpec())
    np.testing.assert_array_equal(taken.X, copied.X)
    np.testing.assert_array_equal(taken.y, copied.y)
    assert taken.X.flags.c_contiguous
    assert taken.X.flags.writeable
    assert taken.stats == copied.stats
    assert taken.notes == copied.notes
    assert not used.numbers.size
    assert kept.numbers.size


@pytest.mark.parametrize(
    "spec", [{}, {"missing": "indicator", "drop": ("kind",)}, {"interactions": ("a:c",)}]
)
def test_other_designs_are_made_beside_the_table(table, spec):
    used = table()
    taken = build_dataset(used, ColumnSpec(target="y", **spec), ModelSpec(), consume=True)
    assert used.numbers.size
    assert not np.shares_memory(taken.X, used.numbers)
