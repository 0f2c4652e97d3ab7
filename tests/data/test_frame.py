"""Arrays and data frames become tables under the rules of files."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from l2cli.data.frame import table_from_arrays, table_from_frame
from l2cli.errors import DataError


def cells(column):
    """The cells of a text column, None where missing."""
    return [None if code < 0 else column.levels[code] for code in column.codes]


def test_numbers_become_one_matrix():
    X = np.array([[1, 2], [3, 4], [5, 6]], dtype=np.int32)
    table = table_from_arrays(X, [0.5, 1.5, np.nan])
    assert table.names == ("x0", "x1", "y")
    np.testing.assert_array_equal(table.numbers, [[1, 2, 0.5], [3, 4, 1.5], [5, 6, np.nan]])
    assert table.numbers.flags.c_contiguous
    assert (table.n_rows, table.source, table.texts) == (3, "<array>", {})
    assert table.place(1) == "row 2"


def test_labels_are_text_in_order_of_appearance():
    table = table_from_arrays(np.zeros((3, 1)), np.array(["b", "a", "b"]))
    assert cells(table.texts["y"]) == ["b", "a", "b"]
    assert table.texts["y"].levels == ("b", "a")
    truth = table_from_arrays(np.zeros((3, 1)), np.array([True, False, True]))
    assert cells(truth.texts["y"]) == ["True", "False", "True"]


def test_object_columns_are_numbers_only_where_all_cells_are():
    X = np.array([[1, "u", True, None], [2.5, None, False, None], [np.nan, "v", 1, None]], dtype=object)
    table = table_from_arrays(X, names=["a", "b", "c", "d"])
    assert set(table.number_index) == {"a", "d"}
    np.testing.assert_array_equal(table.number("a"), [1, 2.5, np.nan])
    np.testing.assert_array_equal(table.number("d"), [np.nan] * 3)
    assert cells(table.texts["b"]) == ["u", None, "v"]
    assert cells(table.texts["c"]) == ["True", "False", "1"]


def test_bytes_decimals_and_strings():
    X = np.array([[b"u", Decimal("1.50"), "x"], ["v", Decimal("NaN"), "x"]], dtype=object)
    table = table_from_arrays(X)
    assert cells(table.texts["x0"]) == ["u", "v"]
    np.testing.assert_array_equal(table.number("x1"), [1.5, np.nan])
    assert cells(table.texts["x2"]) == ["x", "x"]


def test_extra_columns_and_a_taken_target_name():
    table = table_from_arrays([[1.0], [2.0]], [3, 4], names=["y"], extra={"w": [1.0, 2.0]})
    assert table.names == ("y", "w", "y_")


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (([1.0, 2.0],), "X has 1 dimensions, not 2"),
        (([[1.0], [2.0]], [1.0]), "column 'y' has shape (1,), not (2,)"),
        (([[1j], [2j]],), "column 'x0' holds complex numbers"),
        (
            (np.array([[[1]], [[2]]], dtype=object)[:, :, 0], np.array([[1], [2]])),
            "column 'y' has shape (2, 1)",
        ),
    ],
)
def test_shapes_and_kinds_that_do_not_fit(arguments, found):
    with pytest.raises(DataError) as caught:
        table_from_arrays(*arguments)
    assert found in str(caught.value)


def test_names_are_checked():
    with pytest.raises(DataError, match="3 names for 2 columns"):
        table_from_arrays(np.zeros((2, 2)), names=["a", "b", "c"])
    with pytest.raises(DataError, match="column 'a' is there twice"):
        table_from_arrays(np.zeros((2, 2)), names=["a", "a"])
    with pytest.raises(DataError, match="column 'a' is there twice"):
        table_from_frame(pd.DataFrame(np.zeros((2, 2)), columns=["a", "a"]))


def test_cells_that_are_lists_are_refused():
    X = np.empty((2, 1), dtype=object)
    X[0, 0], X[1, 0] = [1, 2], [3]
    with pytest.raises(DataError, match="column 'x0' holds objects that are neither numbers nor text"):
        table_from_arrays(X)


def test_data_frames_of_every_kind_of_column():
    frame = pd.DataFrame(
        {
            "f": [1.5, np.nan, 3.0],
            "i": pd.array([1, None, 3], dtype="Int64"),
            "b": [True, False, True],
            "nb": pd.array([True, None, False], dtype="boolean"),
            "s": ["u", None, "v"],
            "c": pd.Categorical(["hi", "lo", None], categories=["lo", "hi"]),
            "n": pd.Categorical([10, 2, 10]),
            "d": pd.to_datetime(["2024-01-02", "NaT", "2024-03-04"]),
        },
        index=[7, 8, 9],
    )
    table = table_from_frame(frame)
    assert table.names == ("f", "i", "b", "nb", "s", "c", "n", "d")
    np.testing.assert_array_equal(table.number("f"), [1.5, np.nan, 3])
    np.testing.assert_array_equal(table.number("i"), [1, np.nan, 3])
    assert cells(table.texts["b"]) == ["True", "False", "True"]
    assert cells(table.texts["nb"]) == ["True", None, "False"]
    assert cells(table.texts["s"]) == ["u", None, "v"]
    assert cells(table.texts["c"]) == ["hi", "lo", None]
    assert cells(table.texts["n"]) == ["10", "2", "10"]
    assert cells(table.texts["d"]) == ["2024-01-02 00:00:00", None, "2024-03-04 00:00:00"]


def test_labels_of_columns_become_text():
    assert table_from_frame(pd.DataFrame(np.eye(2), columns=[0, 1])).names == ("0", "1")


def test_text_that_shows_numbers_stays_text_and_is_told():
    cells = {"p": ["$1,000", "$20", None], "q": ["1", "2", "3"], "r": ["1,000", "x", "2"], "y": [1, 2, 3]}
    frame = pd.DataFrame(cells).assign(s=pd.Categorical(["5%", "6%", "5%"]))
    table = table_from_frame(frame)
    assert table.texts.keys() == {"p", "q", "r", "s"}
    told = "column 'p' is text, like '$1,000', not numbers"
    assert table.notes == [told]
    assert table_from_arrays(np.array(frame[["p", "q"]], dtype=object), names=["p", "q"]).notes == [told]
