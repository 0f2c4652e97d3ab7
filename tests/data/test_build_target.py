"""The target: its family, its classes, and what cannot be a target."""

from __future__ import annotations

from textwrap import dedent

import numpy as np
import pytest

from l2cli.data.build import build_dataset
from l2cli.data.read import read_table
from l2cli.errors import DataError, UsageError
from l2cli.spec import ColumnSpec, ModelSpec


@pytest.fixture
def build(tmp_path):
    """A dataset with one feature and a target of the given cells; keywords are fields of ColumnSpec."""

    def make(cells, family="auto", **columns):
        path = tmp_path / "target.csv"
        rows = "".join(f"{i * i},{cell}\n" for i, cell in enumerate(cells.split()))
        path.write_text("x,y\n" + dedent(rows).replace("none", ""), encoding="utf-8")
        return build_dataset(read_table(str(path)), ColumnSpec(**columns), ModelSpec(family=family))

    return make


def refused(build, kind, *args, **columns):
    """The message of the error that building raises."""
    with pytest.raises(kind) as caught:
        build(*args, **columns)
    return str(caught.value)


@pytest.mark.parametrize(
    ("cells", "family", "classes", "y"),
    [
        ("1.5 2 3", "gaussian", None, [1.5, 2, 3]),
        ("0 1 1", "binomial", ("0", "1"), [0, 1, 1]),
        ("2 1 1", "binomial", ("1", "2"), [1, 0, 0]),
        ("0 1 2", "gaussian", None, [0, 1, 2]),
        ("0 2 2", "gaussian", None, [0, 2, 2]),
        ("0 0.5 1", "gaussian", None, [0, 0.5, 1]),
        ("-1 1 1", "gaussian", None, [-1, 1, 1]),
        ("yes no yes", "binomial", ("no", "yes"), [1, 0, 1]),
        ("True False False", "binomial", ("False", "True"), [1, 0, 0]),
        ("0 none 1", "binomial", ("0", "1"), [0, 1]),
    ],
)
def test_the_family_follows_from_the_target(build, cells, family, classes, y):
    data = build(cells)
    assert (data.family, data.schema.classes) == (family, classes)
    np.testing.assert_array_equal(data.y, y)


@pytest.mark.parametrize(
    ("cells", "classes"),
    [
        ("-1 1 1", ("-1", "1")),
        ("10 9 9", ("9", "10")),
        ("2.5 4 4", ("2.5", "4")),
        ("b10 b9 b9", ("b10", "b9")),
    ],
)
def test_any_two_values_are_classes_if_asked(build, cells, classes):
    data = build(cells, family="binomial")
    assert data.schema.classes == classes
    np.testing.assert_array_equal(data.y, [float(cell == classes[1]) for cell in cells.split()])


def test_positive_turns_the_classes(build):
    data = build("yes no yes", positive="no")
    assert data.schema.classes == ("yes", "no")
    np.testing.assert_array_equal(data.y, [0, 1, 0])
    assert build("0 1 1", positive="0.0").schema.classes == ("1", "0")
    assert build("yes no yes", positive="yes").schema.classes == ("no", "yes")


def test_positive_must_be_a_class(build):
    message = refused(build, UsageError, "yes no yes", positive="maybe")
    assert "target 'y' has no level 'maybe'; levels: no, yes" in message
    assert "--positive 'a' needs two classes" in refused(build, UsageError, "1 2 3", positive="a")


def test_a_number_said_to_be_categorical_is_a_class(build):
    assert build("3 7 7", categorical=("y",)).schema.classes == ("3", "7")


def test_more_than_two_classes_are_multinomial(build):
    data = build("red green blue red green blue")
    assert (data.family, data.schema.classes) == ("multinomial", ("blue", "green", "red"))
    assert data.y.tolist() == [2.0, 1.0, 0.0, 2.0, 1.0, 0.0]
    # numbers are classes only where that is asked for; they sort as numbers
    data = build("10 9 100 9 10 100", family="multinomial")
    assert (data.schema.classes, data.y.tolist()) == (("9", "10", "100"), [1.0, 0.0, 2.0, 0.0, 1.0, 2.0])
    assert build("yes no yes no", family="multinomial").schema.classes == ("no", "yes")


def test_what_multinomial_cannot_be(build):
    message = refused(build, DataError, "red green blue red")
    assert "target 'y' has 3 classes (blue, green, red) in the 4 rows used, and multinomial needs" in message
    assert "has one class only ('a')" in refused(build, DataError, "a a a", family="multinomial")
    message = refused(build, UsageError, "a b c a b c", positive="a")
    assert "--positive 'a' has nothing to do: a multinomial model treats its classes alike" in message


def test_binomial_needs_two_classes(build):
    assert "has 3 classes (1, 2, 3) in the rows used" in refused(build, DataError, "1 2 3", family="binomial")
    assert "has 3 classes (a, b, c) in the rows used" in refused(build, DataError, "a b c", family="binomial")


def test_one_class_is_a_data_error(build):
    assert "one class only ('a') in the rows used" in refused(build, DataError, "a a a")
    assert "one class only ('1')" in refused(build, DataError, "1 1 1", family="binomial")


def test_a_class_may_vanish_with_the_rows(tmp_path):
    path = tmp_path / "weights.csv"
    path.write_text("x,w,y\n1,1,a\n2,0,b\n3,1,c\n4,2,a\n", encoding="utf-8")
    data = build_dataset(read_table(str(path)), ColumnSpec(weights="w"), ModelSpec())
    assert data.schema.classes == ("a", "c")


def test_a_constant_number_is_fitted_with_a_warning(build):
    data = build("5 5 5")
    assert data.family == "gaussian"
    assert [warning["code"] for warning in data.warnings] == ["constant_target"]
    assert "constant (5)" in data.warnings[0]["message"]
    assert build("5 5 6").warnings == []


def test_targets_whose_squared_errors_have_no_squares_are_refused(build):
    found = refused(build, DataError, "1 2e75 3")
    assert "line 3: the value in column 'y' is beyond 1e+75, where the square of its squared error" in found
    found = refused(build, DataError, "1e-80 2e-80 3e-80")
    assert "the values of target 'y' differ by 2e-80 at most, and the squares of such small errors" in found
    for cells in ("9e74 -9e74 1", "1e-74 3e-74 2e-74", "1e-80 1e-80 1e-80", "1e-80 1 2"):
        assert build(cells).family == "gaussian"


def test_a_constant_target_without_an_intercept_is_no_fit_of_the_intercept(tmp_path):
    path = tmp_path / "constant.csv"
    for value, told in [("3", "without an intercept the features can only"), ("0", "all coefficients are 0")]:
        path.write_text(f"x,y\n1,{value}\n2,{value}\n", encoding="utf-8")
        data = build_dataset(read_table(str(path)), ColumnSpec(), ModelSpec(intercept=False))
        assert f"target 'y' is constant ({value}): {told}" in data.warnings[0]["message"]


def test_text_among_the_numbers_of_a_target(build):
    message = refused(build, DataError, "1.5 2 many 4")
    assert "target.csv line 4: 'many' in column 'y' is not a number" in message
    message = refused(build, DataError, "a b a", family="gaussian")
    assert "line 2: 'a' in column 'y' is not a number; gaussian needs numbers" in message


def test_codes_can_be_numbers_if_asked(build):
    assert build("01 02 03", numeric=("y",)).family == "gaussian"
    np.testing.assert_array_equal(build("01 02 05", family="gaussian").y, [1, 2, 5])


def test_an_unknown_family_is_wrong_usage(build):
    assert "no family 'poison'; did you mean 'poisson'? choose one of auto, gaussian, binomial" in refused(
        build, UsageError, "1 2", "poison"
    )


def test_labels_with_control_characters_are_escaped(build):
    message = refused(build, DataError, "a\x1b[1m b c")
    assert "\x1b" not in message
    assert r"a\x1b[1m" in message


@pytest.mark.parametrize(
    ("family", "cells", "message"),
    [
        ("poisson", "1 0 -2", "line 4: -2 in the target 'y', and poisson needs numbers of at least 0"),
        ("tweedie", "1 0 -0.5", "line 4: -0.5 in the target 'y', and tweedie needs numbers of at least 0"),
        ("gamma", "1 0 2", "line 3: 0 in the target 'y', and gamma needs numbers above 0"),
        ("poisson", "0 0 0", "target 'y' is 0 in every row used, and poisson needs others"),
        ("poisson", "few some many", "poisson needs numbers"),
    ],
)
def test_values_that_a_family_cannot_have_are_named(build, family, cells, message):
    assert message in str(refused(build, DataError, cells, family=family))


@pytest.mark.parametrize("family", ["poisson", "gamma", "tweedie"])
def test_counts_and_sizes_are_numbers(build, family):
    data = build("1 2.5 7", family=family)
    assert (data.family, data.schema.classes, data.y.tolist()) == (family, None, [1.0, 2.5, 7.0])


@pytest.mark.parametrize(
    ("cells", "codes"),
    [
        ("1 2 3 1 2 3", "(1, 2, 3)"),
        ("0 1 2 0 1 2", "(0, 1, 2)"),
        ("-1 0 1 -1 0 1", "(-1, 0, 1)"),
        ("0.5 1 2 1 2 0.5", None),  # no whole numbers
        ("1 2 3 4 1 2", None),  # hardly any repeat
        ("2 4 2 4 2 4", None),  # two values
        ("0 50 100 0 50 100", None),  # too large for codes
    ],
)
def test_few_whole_numbers_may_be_classes(build, cells, codes):
    found = [note for note in build(cells).notes if "multinomial if they are classes" in note]
    assert len(found) == (codes is not None)
    assert all(f"the 3 values of the target {codes} are taken" in note for note in found)
    assert all(("poisson" in note) == (codes == "(0, 1, 2)") for note in found)
