"""Rows: missing targets and cells, weights, offsets, folds and groups."""

from __future__ import annotations

from textwrap import dedent

import numpy as np
import pytest

from l2cli.data.build import build_dataset
from l2cli.data.read import read_table
from l2cli.errors import DataError, UsageError
from l2cli.spec import ColumnSpec, ModelSpec

GAPS = """\
age,town,dose,y
30,Ulm,1.0,5.1
,Bonn,2.0,6.2
41,,1.5,4.8
52,Ulm,,7.0
28,Bonn,0.5,
35,Ulm,2.5,6.6
"""


@pytest.fixture
def build(tmp_path):
    """A dataset from the text of a file; keywords are fields of ColumnSpec."""

    def make(text, **columns):
        path = tmp_path / "gaps.csv"
        path.write_text(dedent(text), encoding="utf-8")
        return build_dataset(read_table(str(path)), ColumnSpec(**columns), ModelSpec())

    return make


def refused(build, kind, text, **columns):
    """The message of the error that building raises."""
    with pytest.raises(kind) as caught:
        build(text, **columns)
    return str(caught.value)


def test_impute_leaves_numbers_open_and_gives_categories_a_level(build):
    data = build(GAPS)
    assert data.features == ("age", "town=Bonn", "town=Ulm", "town=(missing)", "dose")
    np.testing.assert_array_equal(data.rows, [0, 1, 2, 3, 5])
    nan = np.nan
    expected = [
        [30, 0, 1, 0, 1.0],
        [nan, 1, 0, 0, 2.0],
        [41, 0, 0, 1, 1.5],
        [52, 0, 1, 0, nan],
        [35, 0, 1, 0, 2.5],
    ]
    np.testing.assert_array_equal(data.X, expected)
    assert data.schema.features[0].impute == pytest.approx((30 + 41 + 52 + 35) / 4)
    assert data.notes == [
        "1 row without a target left out",
        "numeric: 2 columns (age, dose)",
        "categorical: 1 column (town 2 levels)",
        "2 missing cells imputed by the training mean: age 1, dose 1",
        "1 missing cell as level '(missing)': town 1",
    ]
    assert (data.rows_read, data.n_rows) == (6, 5)


def test_imputed_means_are_weighted(build):
    text = GAPS.replace("\n", ",1\n").replace("y,1", "y,w", 1).replace("30,Ulm,1.0,5.1,1", "30,Ulm,1.0,5.1,3")
    data = build(text, target="y", weights="w")
    assert data.schema.features[0].impute == pytest.approx((3 * 30 + 41 + 52 + 35) / 6)
    assert data.stats[0].missing == pytest.approx(1 / 7)


def test_indicator_adds_a_column_where_something_is_missing(build):
    data = build(GAPS, missing="indicator", drop=("town",))
    assert data.features == ("age", "age (missing)", "dose", "dose (missing)")
    np.testing.assert_array_equal(data.X[:, 1], [0, 1, 0, 0, 0])
    np.testing.assert_array_equal(data.X[:, 3], [0, 0, 0, 1, 0])
    full = build("a,b,y\n1,,1\n2,5,2\n3,6,3\n", missing="indicator")
    assert full.features == ("a", "b", "b (missing)")


def test_drop_leaves_out_rows_and_never_imputes(build):
    data = build(GAPS, missing="drop")
    np.testing.assert_array_equal(data.rows, [0, 5])
    assert data.features == ("age", "town=Ulm", "dose")
    assert all(feature.impute is None for feature in data.schema.features)
    assert "3 rows with missing cells left out" in data.notes
    message = refused(build, DataError, "a,b,y\n1,,1\n,2,2\n", missing="drop")
    assert "every row has a missing cell (most in column 'a')" in message


def test_drop_looks_at_the_columns_used_only(build):
    assert build(GAPS, missing="drop", features=("dose",)).n_rows == 4


def test_error_names_the_first_missing_cell(build):
    message = refused(build, DataError, GAPS, missing="error")
    assert "gaps.csv line 3: no value in column 'age'" in message
    assert build(GAPS.replace(",,", ",Ulm,", 1), missing="error", features=("town",)).n_rows == 5


def test_columns_without_a_value_are_left_out_before_rows_are(build):
    data = build("a,void,none,y\n1,,,1\n2,,,2\n3,,,3\n", missing="drop")
    assert data.features == ("a",)
    assert data.n_rows == 3
    assert data.notes == ["left out, no value in any row: 'void', 'none'"]


def test_levels_of_unused_rows_are_no_features(build):
    data = build("c,y\na,1\nb,2\nc,\na,4\n")
    assert data.features == ("c=b",)


def test_the_word_missing_in_the_data_shares_its_level(build):
    data = build("c,y\na,1\n(missing),2\n,3\nz,4\n")
    assert data.features == ("c=a", "c=z", "c=(missing)")
    np.testing.assert_array_equal(data.X[:, 2], [0, 1, 1, 0])


def test_no_target_and_no_rows(build):
    assert "target 'y' has no value in any row" in refused(build, DataError, "a,y\n1,\n2,\n")


def test_weights_of_zero_leave_rows_out(build):
    text = "a,w,y\n1,1,1\n2,0,9\n3,2.5,3\n4,0,9\n"
    data = build(text, weights="w")
    np.testing.assert_array_equal(data.weights, [1, 2.5])
    np.testing.assert_array_equal(data.y, [1, 3])
    assert data.features == ("a",)
    assert data.notes == ["2 rows of weight 0 left out"]
    assert data.weight_sum == 3.5


@pytest.mark.parametrize(
    ("weights", "found"),
    [
        ("1 -2 1", "line 3: -2 in the weights column 'w', which needs numbers of 0 or more"),
        ("1 1e200 1", "line 3: 1e+200 in the weights column 'w', which needs numbers of a size below 1e+150"),
        ("1 1 ", "line 4: no value in the weights column 'w'"),
        ("1 two 1", "line 3: 'two' in column 'w' is not a number; the weights column must hold numbers"),
        ("0 0 0", "all weights in column 'w' are 0"),
    ],
)
def test_weights_that_make_no_sense(build, weights, found):
    lines = "".join(f"{i},{w},{i}\n" for i, w in enumerate(weights.split(" ")))
    assert found in refused(build, DataError, "a,w,y\n" + lines, weights="w")


def test_a_bad_weight_in_an_unused_row_does_no_harm(build):
    data = build("a,w,y\n1,1,1\n2,-5,\n3,2,3\n", weights="w")
    np.testing.assert_array_equal(data.weights, [1, 2])


def test_offset_and_log_exposure_add_up(build):
    text = "a,o,e,y\n1,0.5,1,1\n2,-1,2,2\n3,0,10,4\n"
    np.testing.assert_array_equal(build(text, offset="o").offset, [0.5, -1, 0])
    np.testing.assert_allclose(build(text, exposure="e").offset, np.log([1, 2, 10]))
    both = build(text, offset="o", exposure="e")
    np.testing.assert_allclose(both.offset, [0.5, -1 + np.log(2), np.log(10)])
    assert both.features == ("a",)
    assert (both.schema.offset, both.schema.exposure) == ("o", "e")


@pytest.mark.parametrize(
    ("text", "columns", "found"),
    [
        ("a,o,y\n1,1,1\n2,,2\n", {"offset": "o"}, "line 3: no value in the offset column 'o'"),
        ("a,o,y\n1,1,1\n2,x,2\n", {"offset": "o"}, "line 3: 'x' in column 'o' is not a number"),
        (
            "a,e,y\n1,1,1\n2,0,2\n",
            {"exposure": "e"},
            "line 3: 0 in the exposure column 'e', which needs numbers above 0",
        ),
        (
            "a,e,y\n1,1,1\n2,1e200,2\n",
            {"exposure": "e"},
            "line 3: 1e+200 in the exposure column 'e', which needs numbers of a size below 1e+150",
        ),
        (
            "a,o,y\n1,1,1\n2,-1e200,2\n",
            {"offset": "o"},
            "line 3: -1e+200 in the offset column 'o', which needs numbers of a size below 1e+75",
        ),
        ("a,f,y\n1,u,1\n2,,2\n", {"fold_column": "f"}, "line 3: no value in the fold column 'f'"),
        ("a,g,y\n1,,1\n2,u,2\n", {"group_column": "g"}, "line 2: no value in the group column 'g'"),
    ],
)
def test_other_roles_need_a_value_in_every_row(build, text, columns, found):
    assert found in refused(build, DataError, text, **columns)


def test_fold_and_group_labels_become_codes_in_the_order_of_levels(build):
    text = "a,f,g,y\n1,10,z,1\n2,9,a,2\n3,10,z,3\n4,2,b,\n"
    data = build(text, fold_column="f", group_column="g")
    np.testing.assert_array_equal(data.fold_labels, [1, 0, 1])
    assert data.fold_names == ("9", "10")
    np.testing.assert_array_equal(data.groups, [1, 0, 1])
    assert data.features == ("a",)
    assert build(text, features=("a",)).fold_labels is None


def test_what_the_columns_look_like_is_kept_for_later(build):
    data = build(GAPS)
    age, town, dose = data.stats
    assert (age.low, age.high, age.missing) == (30, 52, 0.2)
    assert age.mean == pytest.approx(39.5)
    assert dict(town.shares) == {"Bonn": 0.2, "Ulm": 0.6}
    assert (town.missing, dose.high) == (0.2, 2.5)


def test_many_rows_in_blocks_give_the_same_columns_as_one(build, monkeypatch):
    rng = np.random.default_rng(3)
    cells = rng.normal(size=(500, 4)).round(3)
    lines = [",".join("" if rng.random() < 0.05 else str(v) for v in row[:3]) + f",{row[3]}" for row in cells]
    text = "a,b,c,y\n" + "\n".join(lines) + "\n"
    whole = build(text)
    monkeypatch.setattr("l2cli.core.problem.BLOCK_BYTES", 2048)
    blocks = build(text)
    np.testing.assert_array_equal(blocks.X, whole.X)
    for a, b in zip(blocks.schema.features, whole.schema.features, strict=True):
        assert a.impute == pytest.approx(b.impute, rel=1e-14)
    expected = [np.nanmean(whole.X[:, j]) for j in range(3)]
    np.testing.assert_allclose([feature.impute for feature in whole.schema.features], expected, rtol=1e-12)


def test_an_unknown_role_column_is_wrong_usage(build):
    assert "no column 'weigths'; did you mean" not in refused(build, UsageError, GAPS, weights="weigths")
    assert "no column 'ages'; did you mean 'age'?" in refused(build, UsageError, GAPS, offset="ages")


def test_weights_too_small_to_compute_with_are_refused_by_line(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("x,w,y\n1,1,2\n2,1e-320,3\n3,0,4\n4,2,5\n")
    with pytest.raises(DataError, match=r"line 3: 9\.99989e-321 in the weights column 'w'"):
        build_dataset(read_table(str(path)), ColumnSpec(weights="w"), ModelSpec())
