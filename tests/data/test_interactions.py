"""Interactions: which products of design columns ``a:b`` makes, under every coding and rule."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.data import dataset_plan, layout
from l2cli.data.build import build_dataset
from l2cli.data.encode import encode_rows
from l2cli.data.frame import table_from_arrays
from l2cli.data.interactions import least_products
from l2cli.data.read import read_table
from l2cli.errors import DataError, FitError, UsageError
from l2cli.spec import ColumnSpec, GridSpec, GroupSpec, ModelSpec

ROOMS = """\
town,kind,area,age,price
Ulm,flat,70,12,210
Bonn,house,95,3,305
Ulm,flat,48,40,140
Kiel,house,120,8,388
Bonn,flat,66,25,198
Kiel,house,101,17,300
"""
AREA, AGE = np.array([70, 95, 48, 120, 66, 101]), np.array([12, 3, 40, 8, 25, 17])
TOWN = np.array(["Ulm", "Bonn", "Ulm", "Kiel", "Bonn", "Kiel"])
HOUSE = np.array([0, 1, 0, 1, 0, 1])


@pytest.fixture
def table(tmp_path):
    """A table from the text of a file."""

    def make(text, name="rooms.csv"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return read_table(str(tmp_path / name))

    return make


@pytest.fixture
def build(table):
    """A dataset from the text of a file; keywords are fields of ColumnSpec, ``model`` a ModelSpec."""

    def make(*interactions, text=ROOMS, model=None, **columns):
        spec = ColumnSpec(interactions=interactions, **columns)
        return build_dataset(table(text), spec, model or ModelSpec())

    return make


def products(data):
    """Return {name: cells} of the products."""
    first = sum(len(feature.names) for feature in data.schema.features)
    return dict(zip(data.features[first:], data.X[:, first:].T, strict=True))


def same(found, expected):
    assert list(found) == list(expected)
    for name, cells in expected.items():
        np.testing.assert_array_equal(found[name], cells, err_msg=name)


def test_two_numbers_make_one_product_after_the_features(build):
    data = build("area:age")
    assert data.features[-3:] == ("area", "age", "area:age")
    same(products(data), {"area:age": AREA * AGE})
    assert [note.partition(":")[0] for note in data.notes] == ["numeric", "categorical"]
    assert len(data.stats) == len(data.schema.features) == 4


def test_a_number_and_a_category_make_one_for_each_of_its_columns(build):
    towns = {level: level == TOWN for level in ("Bonn", "Kiel", "Ulm")}
    same(products(build("area:town")), {f"area:town={k}": AREA * v for k, v in towns.items()})
    same(products(build("town:area")), {f"town={k}:area": AREA * v for k, v in towns.items()})
    same(products(build("kind:age")), {"kind=house:age": HOUSE * AGE})
    treated = build("area:town", coding="treatment", reference=("town=Kiel",))
    same(products(treated), {f"area:town={k}": AREA * towns[k] for k in ("Bonn", "Ulm")})
    both = build("kind:age", coding="onehot")
    same(products(both), {"kind=flat:age": (1 - HOUSE) * AGE, "kind=house:age": HOUSE * AGE})


def test_two_categories_make_one_for_each_pair_that_meets(build):
    pairs = {("Bonn", 0): 4, ("Bonn", 1): 1, ("Kiel", 1): 3, ("Ulm", 0): 0}
    expected = {
        f"town={town}:kind={('flat', 'house')[house]}": (town == TOWN) & (house == HOUSE)
        for town, house in pairs
    }
    same(products(build("town:kind", coding="onehot")), expected)
    same(products(build("town:kind")), {k: v for k, v in expected.items() if k.endswith("house")})
    treated = build("town:kind", coding="treatment")
    same(products(treated), {"town=Kiel:kind=house": expected["town=Kiel:kind=house"]})


def test_lambda_zero_takes_treatment_coding_for_products_too(build):
    zero = ModelSpec(lambdas=GridSpec(values=(0.0,)))
    assert list(products(build("area:town", model=zero))) == ["area:town=Kiel", "area:town=Ulm"]


@pytest.mark.parametrize(
    ("items", "names"),
    [
        (("area:*", "drop"), ["area:age"]),
        (("*:*",), ["town:kind", "town:area", "town:age", "kind:area", "kind:age", "area:age"]),
        (("a*:k*",), ["area:kind", "age:kind"]),
        (("age:area", "area:age", "a*:a*"), ["age:area"]),
    ],
)
def test_globs_pair_every_two_columns_once(build, items, names):
    columns = {"drop": ("town", "kind")} if "drop" in items else {}
    data = build(*(item for item in items if item != "drop"), **columns)
    assert [interaction.name for interaction in data.schema.interactions] == names


def test_names_may_hold_colons_and_stars(build):
    text = "a:b,c,*,y\n1,2,3,1\n2,5,1,2\n4,3,2,4\n"
    same(products(build("a:b:c", text=text)), {"a:b:c": [2, 10, 12]})
    same(products(build("c:a:b", text=text)), {"c:a:b": [2, 10, 12]})
    same(products(build("c:*", text=text)), {"c:*": [6, 5, 6]})
    twice = "a,b:c,a:b,c,y\n1,2,3,1,2\n2,5,1,2,9\n4,3,2,4,1\n"
    with pytest.raises(UsageError, match="'a:b:c' can mean 'a' with 'b:c' and 'a:b' with 'c'"):
        build("a:b:c", text=twice)


@pytest.mark.parametrize(
    ("item", "found"),
    [
        ("area", "--interactions 'area' names no two columns; write a:b"),
        (":area", "--interactions ':area' names no two columns"),
        ("aera:age", "no column 'aera'; did you mean 'area'?"),
        ("area:agee", "no column 'agee'; did you mean 'age'?"),
        ("area:price", "'price' is no feature of this fit; features: town, kind, area, age"),
        ("area:z*", "'z*' matches no feature; features: town"),
        ("area:area", "--interactions 'area:area' pairs a column with itself"),
        ("are*:area", "pairs a column with itself; for its square add a column to the file"),
        ("area:age:kind", "products of more than two columns are not available; write a:b for every two"),
    ],
)
def test_items_that_name_no_two_features(build, item, found):
    with pytest.raises(UsageError) as caught:
        build(item)
    assert found in str(caught.value)


def test_too_many_products_are_counted_and_refused_before_they_are_made(monkeypatch):
    table = table_from_arrays(np.random.default_rng(0).normal(size=(50, 400)), np.arange(50.0))
    spec, counted = ColumnSpec(interactions=("*:*", "x1:x2")), 400 * 399 // 2
    monkeypatch.setattr(layout, "physical_memory", lambda: 200_000_000)
    monkeypatch.setattr(dataset_plan, "plan_interactions", lambda *given: pytest.fail("they were made"))
    with pytest.raises(FitError, match=f"50 rows x {counted} products of two numbers need 0.1 GB") as refusal:
        build_dataset(table, spec, ModelSpec())
    assert refusal.value.code == "too_large"


def test_products_are_counted_once_each(build, table):
    features = build("area:age").schema.features
    for items, count in (
        (("*:*",), 1), (("area:*",), 1), (("*:a*",), 1), (("town:*",), 0), (("kind:town", "age:area"), 1),
    ):  # fmt: skip
        assert least_products(table(ROOMS), features, items) == count


def test_parts_of_dates_are_factors(build):
    text = "when,x,y\n2024-03-01,2,1\n2025-04-02,3,2\n2026-06-03,4,4\n"
    same(products(build("when.month:x", text=text, dates=True)), {"when.month:x": [6, 12, 24]})
    names = ["when.year:x", "when.month:x", "when.weekday:x"]
    assert list(products(build("when:x", text=text, dates=True))) == names
    with pytest.raises(UsageError, match="'when' holds dates, which are left out; --dates makes year"):
        build("when:x", text=text)


GAPS = ROOMS.replace("Ulm,flat,70,12", "Ulm,flat,,12").replace("Bonn,flat,66,25", ",flat,66,")


def test_missing_factors_are_imputed_before_they_are_multiplied(build, table):
    data = build("area:age", "town:area", "kind:age", text=GAPS)
    area, age = np.where(AREA == 70, 86.0, AREA), np.where(AGE == 25, 16.0, AGE)
    towns = {level: (level == TOWN) & (AGE != 25) for level in ("Bonn", "Kiel", "Ulm")}
    same(
        products(data),
        {
            "area:age": area * age,
            **{f"town={k}:area": v * area for k, v in towns.items()},
            "town=(missing):area": (AGE == 25) * area,
            "kind=house:age": HOUSE * age,
        },
    )
    assert np.isnan(data.X[:, : data.products.first]).sum() == 2
    rows = encode_rows(table(GAPS), data.schema)
    np.testing.assert_array_equal(rows.X[:, data.products.first :], data.X[:, data.products.first :])
    assert np.isfinite(rows.X).all()


def test_an_indicator_of_missing_cells_is_no_factor(build):
    data = build("area:age", "area:kind", text=GAPS, missing="indicator")
    assert list(products(data)) == ["area:age", "area:kind=house"]
    assert "area (missing)" in data.features
    dropped = build("area:age", text=GAPS, missing="drop")
    same(products(dropped), {"area:age": (AREA * AGE)[[1, 2, 3, 5]]})


def test_weighted_means_impute(build):
    text = "w,a,b,y\n1,1,2,1\n3,5,7,2\n1,,3,5\n"
    same(products(build("a:b", text=text, weights="w")), {"a:b": [2, 35, 12]})


def test_a_pair_that_training_never_saw_together_has_no_product(build, table):
    schema = build("town:kind", "town:area", coding="onehot").schema
    rows = encode_rows(
        table("town,kind,area,age\nUlm,house,50,1\nRome,flat,50,1\n"), schema, unseen="baseline"
    )
    named = dict(zip(schema.design_names, rows.X.T, strict=True))
    assert [name for name, cells in named.items() if ":" in name and cells[0]] == ["town=Ulm:area"]
    assert not any(cells[1] for name, cells in named.items() if ":" in name)


@pytest.mark.parametrize(
    ("pattern", "hit"),
    [
        ("area", ["area"]),
        ("area:town", ["area:town=Bonn", "area:town=Kiel", "area:town=Ulm"]),
        ("area:town=Ulm", ["area:town=Ulm"]),
        ("town", ["town=Bonn", "town=Kiel", "town=Ulm"]),
        ("*:*", ["area:town=Bonn", "area:town=Kiel", "area:town=Ulm"]),
    ],
)
def test_penalty_factors_and_bounds_find_products_by_name(build, pattern, hit):
    data = build(
        "area:town", model=ModelSpec(penalty_factor=((pattern, 0.0),), bounds=((pattern, 0.0, 9.0),))
    )
    named = zip(data.features, data.penalty_factor, data.bounds[1], strict=True)
    assert [name for name, factor, bound in named if factor == 0.0 and bound == 9.0] == hit


def test_groups_of_products(build):
    dummies = build("area:town", "area:age", model=ModelSpec(groups=GroupSpec(dummies=True))).column_groups
    assert dummies.names[: dummies.named] == ("town", "kind", "area:town")
    np.testing.assert_array_equal(dummies.labels, [0, 0, 0, 1, 3, 4, 2, 2, 2, 5])
    given = ModelSpec(groups=GroupSpec((("g", ("area", "area:town")),)))
    np.testing.assert_array_equal(
        build("area:town", model=given).column_groups.labels == 0, [0] * 4 + [1, 0, 1, 1, 1]
    )


def test_constant_products_are_noted(build):
    text = "a,b,c,y\n1,1,u,1\n-1,-1,u,2\n1,1,u,4\n"
    data = build("a:b", "a:c", text=text, coding="treatment")
    assert data.features == ("a", "b", "a:b")
    assert data.notes == ["constant columns get coefficient 0: 'a:b', 'c', 'a:c'"]


def test_products_beyond_what_can_be_squared_are_refused():
    data = np.array([[1e100, 1.0], [2e100, 1e60], [5e100, 2.0]])
    with pytest.raises(DataError, match=r"row 2: the product 'x0:x1' is beyond 1e\+150"):
        build_dataset(table_from_arrays(data, [1, 2, 4]), ColumnSpec(interactions=("x0:x1",)), ModelSpec())


def test_one_name_for_two_columns_is_refused(build):
    with pytest.raises(DataError, match="column 'a:b' and interaction 'a:b' both make a feature 'a:b'"):
        build("a:b", text="a,b,a:b,y\n1,2,3,1\n2,5,1,2\n4,3,2,4\n")


def test_the_size_of_products_counts_before_they_are_made(build, monkeypatch):
    monkeypatch.setattr("l2cli.data.layout.physical_memory", lambda: 700)
    with pytest.raises(
        FitError, match=r"need .* interaction 'town:kind' alone makes 4 of them; leave it out"
    ):
        build("town:kind", coding="onehot")
