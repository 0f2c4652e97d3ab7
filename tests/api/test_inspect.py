"""What inspect says of a file: the same as a fit does, and what should be looked at twice."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

import l2cli
from l2cli.api import invocation
from l2cli.api.inspect import inspect_table
from l2cli.api.invocation import fit_command
from l2cli.data.build import build_dataset
from l2cli.data.frame import table_from_frame
from l2cli.data.read import read_table
from l2cli.errors import DataError, L2Error, UsageError
from l2cli.spec import ColumnSpec, ModelSpec, ReadSpec

N = 120


def frame(**more):
    import pandas as pd

    rng = np.random.default_rng(0)
    data = pd.DataFrame({"id": np.arange(N) + 1, "a": rng.normal(size=N), "b": rng.integers(0, 50, N)})
    data["town"] = rng.choice(["Ulm", "Bonn", "Kiel"], N)
    return data.assign(**more, y=data["a"] + rng.normal(size=N))


def inspected(data, **columns):
    return inspect_table(table_from_frame(data), ColumnSpec(**columns), ReadSpec())


def notes(data, **columns):
    """Return {column: notes} of the columns that have any."""
    return {c["name"]: c["notes"] for c in inspected(data, **columns).columns if c["notes"]}


ODD = {
    "gone": [None] * N,
    "flat": 5,
    "yes": ["yes", "no"] * 60,
    "holes": np.where(np.arange(N) % 3, np.nan, np.arange(N) ** 1.5),
    "some": np.where(np.arange(N) > 1, 7.0, [1.0, 2.0] * 60),
}


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"target": "town"},
        {"target": "yes", "drop": ("a",)},
        {"features": ("id", "*")},
        {"target": "some", "missing": "drop", "drop": ("gone",)},
        {"target": "holes"},
        {"target": "a", "weights": "b", "categorical": ("flat",)},
        {"target": "a", "more_targets": ("y",)},
        {"target": "y", "drop": ("*",), "features": ("b", "flat")},
        {"target": "y", "id": "id", "missing": "indicator"},
        {"target": "a", "coding": "treatment", "reference": ("town=Ulm",)},
    ],
)
def test_inspect_and_fit_agree_on_everything_that_is_used(columns):
    data, spec = frame(**ODD), ColumnSpec(**columns)
    dataset = build_dataset(table_from_frame(data), spec, ModelSpec())
    found = inspect_table(table_from_frame(data), spec, ReadSpec())
    assert found.refusal is None
    roles = {column["name"]: column["role"] for column in found.columns}
    assert dataset.roles is not None
    assert {role.name: roles[role.name] for role in dataset.roles.roles} == {
        role.name: role.role for role in dataset.roles.roles
    }
    others = {n: r for n, r in roles.items() if n not in {role.name for role in dataset.roles.roles}}
    assert set(others.values()) <= {"target", "weights", "dropped", "id"}
    assert found.data["features"] == list(dataset.features)
    assert found.data["rows_used"] == dataset.n_rows
    assert found.settings["family"] == dataset.family
    assert set(found.data["notes"]) <= set(dataset.notes)


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({"target": "id", "drop": ("spoilt", "huge")}, None),
        ({"target": "gone"}, "no_target"),
        ({"target": "label", "features": ("a",)}, "many_classes"),
        ({"target": "y", "features": ("gone",), "missing": "error"}, "missing_cell"),
        ({"target": "y", "weights": "a", "features": ("b",)}, "bad_weights"),
        ({"target": "y", "features": ("label",), "numeric": ("label",)}, "text_in_number"),
        ({"target": "y", "drop": ("[a-x]*",), "features": ("gone",)}, "no_feature"),
        ({"target": "y", "features": ("spoilt",)}, "text_in_number"),
        ({"target": "y", "features": ("huge",)}, "infinite"),
        ({"target": "y", "features": ("a", "far"), "interactions": ("a:far",)}, None),
        ({"target": "y", "features": ("wide", "far"), "interactions": ("wide:far",)}, "infinite"),
    ],
)
def test_what_a_fit_would_refuse_is_told_and_the_columns_all_the_same(columns, code):
    spoilt = np.arange(N).astype(str).astype(object)
    spoilt[40] = "oops"
    more = {"label": [f"n{i}" for i in range(N)], "spoilt": spoilt, "huge": 10.0 ** (np.arange(N) + 40)}
    more |= {"wide": 1e70 * (np.arange(N) % 7 + 1), "far": 1e80 * (np.arange(N) % 5 + 1)}
    data = frame(**ODD, **more)
    found = inspected(data, **columns)
    assert (found.refusal or {}).get("code") == code
    assert (found.command is None) == (code is not None)
    assert [w["code"] for w in found.warnings] == ["fit_refused"] * (code is not None)
    assert len(found.columns) == len(data.columns)
    if code is not None:
        with pytest.raises(L2Error) as caught:
            build_dataset(table_from_frame(data), ColumnSpec(**columns), ModelSpec())
        assert found.refusal == {
            "code": code, "message": caught.value.message, "hint": caught.value.hint,
        }  # fmt: skip


def test_dates_are_dates_where_a_fit_would_be_refused_too():
    days = (np.datetime64("2020-01-01") + 3 * np.arange(N)).astype(str)
    data = frame(when=days, spoilt=[*["1", "2"] * (N // 2 - 1), "3", "oops"])
    found = inspected(data, target="y")
    assert found.refusal is not None
    assert found.refusal["code"] == "text_in_number"
    roles = {column["name"]: column["role"] for column in found.columns}
    assert (roles["when"], roles["id"]) == ("date", "identifier")


def test_wrong_usage_is_an_error_here_too():
    with pytest.raises(UsageError, match="no column 'z'"):
        inspected(frame(), target="z")
    with pytest.raises(UsageError, match="has no level"):
        inspected(frame(), reference=("town=Rom",))


def test_ordinary_columns_have_nothing_odd():
    assert notes(frame().drop(columns="id")) == {}


def test_what_is_left_out_or_without_effect_says_so():
    assert notes(frame(gone=None, flat=5, name=[f"n{i}" for i in range(N)])) == {
        "id": ["counts the rows, 1 to 120: left out"],
        "gone": ["no value: left out"],
        "flat": ["constant: coefficient 0"],
        "name": ["text, all distinct: left out"],
    }


def test_what_is_odd_about_numbers():
    rng = np.random.default_rng(1)
    some = np.arange(N) % 30
    data = frame(
        rare=np.where(np.arange(N) == 3, 1, 0),
        age=np.where(np.arange(N) < 4, -999, 20.0 + some),
        code=np.where(np.arange(N) < 4, 9999, some),
        income=np.where(np.arange(N) == 5, 1e5, 10.0 + rng.normal(size=N)),
        tweet=2.0**53 + 4.0 * (np.arange(N) // 2),
        user_id=np.arange(N) // 3,
        holes=np.where(np.arange(N) % 4, np.nan, rng.normal(size=N)),
        ninety=np.r_[99, np.arange(90, 99), rng.integers(90, 100, N - 10)],
    )
    found = notes(data.drop(columns="id"))
    assert set(found) == {"rare", "age", "code", "income", "tweet", "user_id", "holes"}
    assert found["rare"] == ["nearly constant: 99.1 % of the cells are '0'"]
    assert found["age"] == ["-999 in 4 cells lies apart: is it a missing value (--na)?"]
    assert found["code"] == ["9999 in 4 cells lies apart: is it a missing value (--na)?"]
    assert found["income"][0].startswith("far out: 100000, while half of the cells lie in 9.")
    assert found["tweet"] == ["whole numbers beyond 2^53 are rounded; codes belong into --categorical"]
    assert found["user_id"] == ["named like an identifier and used as a number: --drop or --categorical?"]
    assert found["holes"] == ["75 % of the cells are missing"]


def test_copies_and_renamed_levels():
    data = frame()
    data.insert(0, "a2", data["a"])
    data.insert(0, "city", data["town"])
    data.insert(0, "code", data["town"].str[:1])
    data.insert(0, "a3", data["a"].to_numpy()[::-1])
    assert notes(data.drop(columns="id")) == {
        "city": ["one level for each of 'code'"],
        "town": ["one level for each of 'code'"],
        "a": ["the same as 'a2'"],
    }
    assert notes(data.drop(columns=["id", "code"]))["town"] == ["the same as 'city'"]


def test_columns_that_give_the_target_away():
    data = frame()
    data.insert(0, "cm", 100.0 * data["y"])
    data.insert(0, "near", data["y"] + 0.02 * np.random.default_rng(0).normal(size=N))
    found = notes(data.drop(columns="id"))
    assert found["cm"] == ["tells the target 'y' alone (correlation 1): is it a copy?"]
    assert found["near"][0].startswith("correlation 0.999")
    assert found["near"][0].endswith(" with the target 'y': is it known beforehand?")
    data["side"] = np.where(data["y"] > 0, "up", "down")
    data["word"] = np.where(data["y"] > 0, np.where(data["a"] > 0, "u", "v"), "d")
    found = notes(data[["a", "y", "word", "side"]])
    assert found == {
        "y": ["separates the classes of the target 'side' alone: is it a copy?"],
        "word": ["each level has one class of the target 'side': is it a copy?"],
    }


def test_levels_many_and_alike():
    data = frame(
        many=[f"m{i % 60}" for i in range(N)], codes=np.arange(N) % 55 * 2, spelt=["x", "z", "X "] * 40
    )
    assert notes(data.drop(columns="id"), categorical=("codes",)) == {
        "many": ["60 levels make as many columns"],
        "codes": ["55 levels make as many columns"],
        "spelt": [
            "levels that differ only in letter case or blanks stay apart: 'x' (40 rows) and 'X ' (40 rows)"
        ],
    }


def test_a_target_that_counts_is_told_of_poisson():
    data = frame()
    data["y"] = np.random.default_rng(0).poisson(2.0, N)
    assert notes(data.drop(columns="id")) == {
        "y": ["few whole numbers: --family multinomial if they are classes, poisson if they are counts"]
    }
    data["y"] += 1
    assert notes(data.drop(columns="id")) == {
        "y": ["few whole numbers: --family multinomial if they are classes"]
    }
    data["y"] = np.random.default_rng(0).poisson(30.0, N)
    data.loc[0, "y"] = 0
    assert notes(data.drop(columns="id")) == {
        "y": ["whole numbers from 0 on: --family poisson if they are counts"]
    }


def test_rows_that_repeat_are_counted_without_what_names_them():
    data = frame()
    data.loc[7, ["a", "b", "town", "y"]] = data.loc[9, ["a", "b", "town", "y"]]
    assert inspected(data).data["rows_repeated"] == 1
    assert inspected(data, features=("id", "a")).data["rows_repeated"] == 0


def test_the_keys_of_a_column():
    data = frame()
    data.loc[3, "b"] = np.nan
    entry = {c["name"]: c for c in inspected(data).columns}
    b = data["b"]
    assert entry["b"] == {
        "name": "b", "role": "numeric", "type": "integer", "missing": 1, "distinct": b.nunique(),
        "min": b.min(), "max": b.max(), "median": np.quantile(b.dropna(), 0.5, method="nearest"),
        "levels": [], "notes": [],
    }  # fmt: skip
    counts = data["town"].value_counts()
    assert entry["town"]["levels"] == [{"level": level, "count": count} for level, count in counts.items()]
    assert (entry["town"]["min"], entry["town"]["role"], entry["town"]["type"]) == (
        None,
        "categorical",
        "text",
    )


def test_a_single_column_can_be_looked_at(tmp_path):
    path = tmp_path / "one.csv"
    path.write_text("y\n1\n2\n4\n")
    found = inspect_table(read_table(str(path)), ColumnSpec(), ReadSpec())
    assert found.refusal is not None
    assert found.refusal["code"] == "no_feature"
    assert [(c["name"], c["role"], c["max"]) for c in found.columns] == [("y", "target", 4)]


def test_columns_that_no_fit_can_use_are_listed_and_dropped(tmp_path):
    n, path = 30, str(tmp_path / "d.parquet")
    cells = {"x": np.arange(n) * 3 % 7, "l": [[1]] * n, "y": np.arange(n) ** 2 % 11, "b": [b"ab"] * n}
    parquet.write_table(pa.table(cells), path)
    for spec, command in (
        (ColumnSpec(), "-t y --drop l,b"),
        (ColumnSpec(target="y", drop=("l",)), "-t y --drop l,b"),
        (ColumnSpec(target="y", features=("*",)), "-t y --features '*' --drop l,b"),
    ):
        found = inspect_table(read_table(path), spec, ReadSpec())
        assert found.command == f"l2cli fit {path} {command} --family gaussian"
        roles = {c["name"]: (c["role"], c["type"], c["missing"], c["distinct"]) for c in found.columns}
        assert roles == {
            "x": ("numeric", "integer", 0, 7), "l": ("unusable", "other", None, None),
            "y": ("target", "integer", 0, 6), "b": ("unusable", "other", None, None),
        }  # fmt: skip
    assert found.columns[1]["notes"] == [
        "holds nested values (list<element: int64>): dropped here, a fit refuses it"
    ]
    for spec in (ColumnSpec(target="l"), ColumnSpec(target="y", features=("x", "l"))):
        with pytest.raises(DataError, match="column 'l' holds nested values"):
            inspect_table(read_table(path), spec, ReadSpec())


def test_the_library_says_the_same_and_has_no_command():
    data = frame(flat=5)
    found = l2cli.inspect(data, target="y", categorical="b")
    roles = {column["name"]: column["role"] for column in found.columns}
    assert roles == {
        "id": "identifier", "a": "numeric", "b": "categorical", "town": "categorical", "flat": "constant",
        "y": "target",
    }  # fmt: skip
    assert found.command is None
    assert found.to_dict()["schema"] == "l2cli/inspect/1"
    fitted = l2cli.fit(data, target="y", categorical="b", lam=1.0)
    assert list(fitted.features) == found.data["features"]


# ---------------------------------------------------------------- the command


def test_every_field_has_an_option():
    assert set(invocation.READ_OPTIONS) == set(ReadSpec._fields) - {"like"}  # of a saved model
    assert set(invocation.COLUMN_OPTIONS) == set(ColumnSpec._fields)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"target": "y"}, "-t y"),
        ({"target": "a,b"}, r"-t 'a\,b'"),
        ({"target": "a", "more_targets": ("b c",)}, "-t 'a,b c'"),
        ({"target": "-y"}, "--target=-y"),
        ({"target": "y", "drop": ("-a", "b")}, "-t y --drop=-a,b"),
        ({"target": "y", "reference": ("c=a,b", "d=e")}, "-t y --reference c=a,b --reference d=e"),
        ({"target": "y", "positive": "a,b"}, "-t y --positive a,b"),
        ({"target": "y", "features": ("x_*",), "missing": "drop"}, "-t y --features 'x_*' --missing drop"),
        ({"target": "a\nb"}, r"-t $'a\x0ab'"),
    ],
)
def test_columns_as_they_are_typed(columns, words):
    assert fit_command("d.csv", ReadSpec(), ColumnSpec(**columns), "gaussian") == (
        f"l2cli fit d.csv {words} --family gaussian"
    )


def test_reading_options_as_they_are_typed():
    read = ReadSpec(";", ",", "latin-1", ("?", "a,b"), header=False)
    assert fit_command("-d.csv", read, ColumnSpec(target="x1"), "poisson") == (
        r"l2cli fit ./-d.csv --delimiter ';' --decimal , --encoding latin-1 --na '?,a\,b' --no-header -t x1"
        " --family poisson"
    )


def test_the_library_looks_at_dates_and_interactions_as_a_fit_takes_them():
    days = (np.datetime64("2020-01-01") + 3 * np.arange(N)).astype(str)
    data = frame(when=days)
    found = l2cli.inspect(data, target="y", dates=True, interactions="when.month:a")
    model = l2cli.fit(data, target="y", dates=True, interactions="when.month:a", lam=1.0)
    assert "when.month:a" in found.data["features"]
    assert found.data["features"] == list(model.features)
    for settings in (found.settings, model.to_dict()["settings"]):
        assert (settings["dates"], settings["interactions"]) == (True, ["when.month:a"])
    plain = l2cli.inspect(data, target="y").settings
    assert (plain["dates"], plain["interactions"]) == (False, [])


def test_a_column_in_the_order_of_the_target_gives_it_away():
    data = frame()
    data["y"] = np.exp(data["y"])
    data.insert(0, "log", np.log(data["y"]))
    assert notes(data.drop(columns="id"))["log"] == [
        "puts the rows in the order of the target 'y' (rank correlation 1): is it computed from it?"
    ]
