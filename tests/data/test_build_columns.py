"""Roles, globs, kinds and codings: which columns of a file become which design columns."""

from __future__ import annotations

from textwrap import dedent

import numpy as np
import pytest

from l2cli.data.build import build_dataset
from l2cli.data.read import read_table
from l2cli.errors import DataError, FitError, UsageError
from l2cli.spec import ColumnSpec, GridSpec, ModelSpec

HOUSES = """\
id,town,rooms,area,age,price
1,Ulm,3,71.5,12,210
2,Bonn,4,95.0,3,305
3,Ulm,2,48.2,40,140
4,Kiel,5,120.9,8,388
5,Bonn,3,66.0,25,198
6,Kiel,4,101.3,17,300
"""


@pytest.fixture
def build(tmp_path):
    """A dataset from the text of a file; keywords are fields of ColumnSpec, ``model`` a ModelSpec."""

    def make(text, model=None, **columns):
        path = tmp_path / "houses.csv"
        path.write_text(dedent(text), encoding="utf-8")
        return build_dataset(read_table(str(path)), ColumnSpec(**columns), model or ModelSpec())

    return make


def refused(build, kind, *args, **columns):
    """The message of the error that building raises."""
    with pytest.raises(kind) as caught:
        build(*args, **columns)
    return str(caught.value)


def test_the_target_is_the_last_column_and_features_are_the_rest(build):
    data = build(HOUSES)
    assert data.schema.target == "price"
    assert data.target_default
    assert data.features == ("town=Bonn", "town=Kiel", "town=Ulm", "rooms", "area", "age")
    np.testing.assert_array_equal(data.X[0], [0, 0, 1, 3, 71.5, 12])
    np.testing.assert_array_equal(data.y, [210, 305, 140, 388, 198, 300])
    assert data.X.flags.c_contiguous
    assert data.X.flags.owndata


def test_columns_with_another_role_are_no_default_target(build):
    data = build(HOUSES, weights="price", drop=("age",))
    assert (data.schema.target, data.target_default) == ("area", True)
    assert not build(HOUSES, target="area").target_default


def test_globs_select_features_and_skip_columns_with_a_role(build):
    assert build(HOUSES, features=("a*", "r*")).features == ("rooms", "area", "age")
    assert build(HOUSES, target="area", features=("a*",)).features == ("age",)
    assert build(HOUSES, features=("*",), drop=("[at]*",)).features == ("rooms",)


def test_globs_mind_the_case(build):
    message = refused(build, UsageError, HOUSES, features=("A*",))
    assert "--features 'A*' matches no column" in message


def test_a_name_that_exists_is_no_glob(build):
    text = "a*,ab,y\n1,2,3\n2,5,1\n3,4,8\n"
    assert build(text, features=("a*",)).features == ("a*",)
    assert build(text, drop=("a*",)).features == ("ab",)


def test_a_feature_spelled_out_survives_a_glob_that_drops(build):
    assert build(HOUSES, features=("age", "rooms"), drop=("a*",)).features == ("rooms", "age")


def test_an_unknown_column_is_answered_with_the_nearest_name(build):
    message = refused(build, UsageError, HOUSES, target="pirce")
    assert message.endswith(
        "houses.csv: no column 'pirce'; did you mean 'price'? (columns: id, town, rooms, area, age, price)"
    )
    assert "did you mean" not in refused(build, UsageError, HOUSES, target="zzz")
    assert "no column 'Town2'; did you mean 'town'?" in refused(build, UsageError, HOUSES, drop=("Town2",))


def test_a_long_list_of_columns_is_cut(build):
    header = ",".join(f"measurement_{j}" for j in range(50))
    message = refused(build, UsageError, f"{header}\n{','.join('1' * 50)}\n", target="nothing")
    assert "measurement_0, measurement_1" in message
    assert message.endswith("... and 45 more")


def test_control_characters_of_a_header_are_escaped(build):
    message = refused(build, UsageError, "a\x1b[31m,y\n1,2\n2,1\n", target="z")
    assert "\x1b" not in message
    assert r"a\x1b[31m" in message


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ({"target": "price", "weights": "price"}, "column 'price' is both the target and the weights"),
        ({"offset": "age", "weights": "age"}, "column 'age' is both the weights and the offset"),
        ({"id": "price", "target": "price"}, "column 'price' is both the target and the id"),
        ({"target": "area", "features": ("area",)}, "column 'area' is both the target and a feature"),
        (
            {"features": ("rooms", "price")},
            "'price' is both the target (the last column, by default) and a feature",
        ),
        ({"weights": "age", "features": ("age",)}, "column 'age' is both the weights and a feature"),
        ({"features": ("age",), "drop": ("age",)}, "column 'age' is both in --features and in --drop"),
        ({"target": "age", "drop": ("age",)}, "column 'age' is both the target and in --drop"),
        ({"categorical": ("age",), "numeric": ("age",)}, "'age' is in both --categorical and --numeric"),
        ({"coding": "helmert"}, "--coding 'helmert' is not available"),
        ({"missing": "guess"}, "--missing 'guess' is not available"),
    ],
)
def test_one_column_has_one_role(build, columns, found):
    assert found in refused(build, UsageError, HOUSES, **columns)


def test_the_id_may_also_be_the_group(build):
    data = build(HOUSES, id="town", group_column="town")
    np.testing.assert_array_equal(data.groups, [2, 0, 2, 1, 0, 1])
    assert data.features == ("rooms", "area", "age")


def test_no_feature_left_cannot_be_fitted(build):
    assert refused(build, FitError, HOUSES, drop=("*",), target="price").endswith(
        "no feature is left beside the target 'price'; give fewer columns to --drop"
    )
    assert refused(build, FitError, "y\n1\n2\n").endswith(
        "no feature is left beside the target 'y'; it is the only column; give data with others, or name the"
        " --delimiter if it has more"
    )
    assert refused(build, FitError, "i,y\n1,3\n2,4\n", id="i").endswith(
        "no feature is left beside the target 'y'; every column has a role of its own; give data with more"
        " columns, or fewer of these roles"
    )
    message = refused(build, FitError, "id,empty,y\n1,,3\n2,,4\n")
    assert "left out as identifiers: 'id'" in message
    assert "no value in any row: 'empty'" in message


def test_an_index_is_dropped_and_a_number_that_counts_is_kept(build):
    data = build(HOUSES)
    assert data.notes == [
        "left out as identifiers: 'id' (whole numbers, all distinct); --features with the name keeps one",
        "numeric: 3 columns (rooms, area, age)",
        "categorical: 1 column (town 3 levels)",
    ]
    assert build("x,y\n0,1\n1,3\n2,5\n").features == ("x",)
    assert build("Unnamed: 0,x,y\n7,1,1\n3,2,3\n5,3,5\n").features == ("x",)
    assert build("index,x,y\n7,1,1\n7,2,3\n5,3,5\n").features == ("index", "x")
    assert build(HOUSES, features=("id", "age")).features == ("id", "age")


def test_text_that_is_nearly_all_distinct_is_an_identifier(build):
    rows = "".join(f"person {i},{i % 7},{i % 3}\n" for i in range(40))
    data = build("name,a,y\n" + rows)
    assert data.features == ("a",)
    assert "'name'" in data.notes[0]
    named = build("name,a,y\n" + rows, features=("name", "a"))
    assert len(named.features) == 41
    kept = build("name,a,y\n" + "".join(f"person {i % 30},{i % 7},{i % 3}\n" for i in range(40)))
    assert len([name for name in kept.features if name.startswith("name=")]) == 30


def test_twenty_distinct_texts_are_a_category(build):
    data = build("town,y\n" + "".join(f"town {i},{i}\n" for i in range(20)))
    assert len(data.features) == 20


def test_a_bad_cell_among_numbers_is_an_error_and_a_code_is_not(build):
    text = "a,b,y\n1,x,1\n2,y,2\noops,x,3\n4,y,5\n"
    message = refused(build, DataError, text)
    assert "houses.csv line 4: 'oops' in column 'a' is not a number" in message
    assert "--na 'oops' or --categorical 'a'" in message
    assert build(text, categorical=("a",)).features == ("a=1", "a=2", "a=4", "a=oops", "b=y")
    assert build(text, drop=("a",)).features == ("b=y",)
    codes = build("zip,y\n01234,1\n20095,2\n01234,3\n80331,4\n")
    assert codes.features == ("zip=01234", "zip=20095", "zip=80331")


def test_the_word_that_spoils_a_column_is_named_before_a_token(build):
    text = "a,y\n1,1\n?,2\n3,3\n4,4\nabc,5\n6,6\n"
    assert "line 6: 'abc' in column 'a'" in refused(build, DataError, text)
    message = refused(build, DataError, 'a,y\n1.5,1\n"2,5",2\n3,3\n4,4\n')
    assert "'2,5' in column 'a' is not a number; give --decimal ','" in message


def test_mostly_words_are_a_category(build):
    assert build("a,y\nx,1\n2,2\nx,3\nz,5\n").features == ("a=2", "a=x", "a=z")


def test_numbers_forced_to_be_levels_keep_their_shortest_text_and_order(build):
    data = build("size,y\n10,1\n2.5,2\n4,3\n10,4\n", categorical=("s*",))
    assert data.features == ("size=2.5", "size=4", "size=10")
    np.testing.assert_array_equal(data.X, [[0, 0, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]])


def test_codes_forced_to_be_numbers(build):
    data = build("zip,y\n01234,1\n20095,2\n,3\n", numeric=("zip",))
    np.testing.assert_array_equal(data.X[:, 0], [1234, 20095, np.nan])
    message = refused(build, DataError, "a,y\nx,1\n2,2\nz,3\n", numeric=("a",))
    assert "line 2: 'x' in column 'a' is not a number" in message


@pytest.mark.parametrize(
    ("columns", "names", "reference"),
    [
        ({}, ("c=a", "c=b", "c=c", "s=y"), (None, "x")),
        ({"coding": "onehot"}, ("c=a", "c=b", "c=c", "s=x", "s=y"), (None, None)),
        ({"coding": "treatment"}, ("c=b", "c=c", "s=y"), ("a", "x")),
        ({"reference": ("c=b",)}, ("c=a", "c=c", "s=y"), ("b", "x")),
        ({"reference": ("s=y",)}, ("c=a", "c=b", "c=c", "s=x"), (None, "y")),
        ({"coding": "onehot", "reference": ("c=c", "s=x")}, ("c=a", "c=b", "s=y"), ("c", "x")),
        ({"coding": "treatment", "reference": ("c=c",)}, ("c=a", "c=b", "s=y"), ("c", "x")),
    ],
)
def test_codings_and_references(build, columns, names, reference):
    data = build("c,s,y\na,x,1\nb,y,2\nc,x,3\nb,x,4\n", **columns)
    assert data.features == names
    assert tuple(feature.reference for feature in data.schema.features) == reference
    table = {("c", 1): "b", ("s", 1): "y"}
    for name, value in zip(names, data.X[1], strict=True):
        column, level = name.split("=")
        assert value == float(table[column, 1] == level)


def test_auto_is_treatment_where_every_lambda_is_zero(build):
    text = "c,y\na,1\nb,2\nc,3\nb,4\n"
    zero = ModelSpec(lambdas=GridSpec(values=(0.0,)))
    assert build(text, zero).features == ("c=b", "c=c")
    assert build(text, zero, coding="onehot").features == ("c=a", "c=b", "c=c")
    assert len(build(text, ModelSpec(lambdas=GridSpec(values=(1.0, 0.0)))).features) == 3


def test_reference_is_split_at_the_last_equals_sign(build):
    data = build("a=b,y\nu,1\nv,2\nw,3\n", reference=("a=b=v",))
    assert data.features == ("a=b=u", "a=b=w")
    assert data.schema.features[0].levels == ("v", "u", "w")


@pytest.mark.parametrize(
    ("item", "found"),
    [
        ("towm=Ulm", "no column 'towm'; did you mean 'town'?"),
        ("town=Rom", "column 'town' has no level 'Rom'; levels: Bonn, Kiel, Ulm"),
        ("age=12", "column 'age' is not a categorical feature"),
        ("price=210", "column 'price' is not a categorical feature"),
        ("town", "--reference 'town' has no level"),
    ],
)
def test_references_that_do_not_exist(build, item, found):
    assert found in refused(build, UsageError, HOUSES, reference=(item,))


def test_constant_columns_stay_with_a_note(build):
    data = build("a,b,c,d,y\n1,5,only,x,1\n2,5,only,y,2\n3,5,only,x,4\n")
    assert data.features == ("a", "b", "c=only", "d=y")
    assert data.notes == [
        "numeric: 1 column (a)",
        "categorical: 1 column (d 2 levels)",
        "constant columns get coefficient 0: 'b', 'c=only'",
    ]
    assert [role.role for role in data.roles.roles] == ["numeric", "constant", "constant", "categorical"]
    assert build("a,c,y\n1,only,1\n2,only,2\n", coding="treatment").features == ("a",)


def test_two_columns_cannot_make_the_same_feature(build):
    message = refused(build, DataError, "c,c=b,y\na,1,1\nb,2,2\nd,3,3\n")
    assert "columns 'c' and 'c=b' both make a feature 'c=b'" in message


def test_a_design_beyond_the_memory_is_refused_with_its_size(build, monkeypatch):
    monkeypatch.setattr("l2cli.data.layout.physical_memory", lambda: 100)
    message = refused(build, FitError, HOUSES)
    assert (
        "6 rows x 6 design columns need 0.0 GB with what solvers make of them, and this machine has 0.0 GB"
        in message
    )
    assert "column 'town' alone makes 3 of them; leave it out with --drop" in message


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ((("rooms", 0.0),), [1, 1, 1, 0, 1, 1]),
        ((("town", 2.0),), [2, 2, 2, 1, 1, 1]),
        ((("town=Ulm", 0.5),), [1, 1, 0.5, 1, 1, 1]),
        ((("*", 3.0), ("a*", 2.0), ("area", 0.0)), [3, 3, 3, 3, 0, 2]),
        ((("town=*", 4.0), ("town", 1.5)), [1.5, 1.5, 1.5, 1, 1, 1]),
    ],
)
def test_penalty_factors_by_name_and_glob(build, patterns, expected):
    data = build(HOUSES, ModelSpec(penalty_factor=patterns))
    np.testing.assert_array_equal(data.penalty_factor, expected)


def test_penalty_factors_of_one_are_none(build):
    assert build(HOUSES, ModelSpec(penalty_factor=(("*", 2.0), ("*", 1.0)))).penalty_factor is None


@pytest.mark.parametrize(
    ("pattern", "factor", "found"),
    [
        ("weight", 1.0, "--penalty-factor 'weight' matches no feature"),
        ("price", 1.0, "--penalty-factor 'price' matches no feature"),
        ("age", -1.0, "--penalty-factor 'age' must be 0 or larger, not -1"),
        ("age", 1e-300, "--penalty-factor 'age' must be 0 or from 1e-100 to 1e+100, not 1e-300"),
        ("age", float("nan"), "--penalty-factor 'age' must be 0 or larger, not nan"),
    ],
)
def test_penalty_factors_that_make_no_sense(build, pattern, factor, found):
    model = ModelSpec(penalty_factor=((pattern, factor),))
    assert found in refused(build, UsageError, HOUSES, model)


def test_a_column_whose_squares_vanish_is_noted(build):
    data = build("x,z,y\n1e-300,1,1\n2e-300,3,2\n-1e-300,2,3\n")
    assert data.notes == [
        "constant to double precision, coefficient 0: 'x' (the squares of such small differences are 0; state"
        " them in another unit)"
    ]
    assert build("x,z,y\n1e-150,1,1\n2e-150,3,2\n-1e-150,2,3\n").notes == []
