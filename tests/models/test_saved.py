"""The model file: readable, exact, the same bytes every time, and refused in one line when it is wrong."""

from __future__ import annotations

import base64
import json
import math
from dataclasses import replace

import numpy as np
import pytest

from l2cli.data.build import build_dataset
from l2cli.data.dataset import DatePart
from l2cli.data.frame import table_from_arrays, table_from_frame
from l2cli.errors import DataError, UsageError
from l2cli.models.intervals import LeftOut
from l2cli.models.model import checksum
from l2cli.models.saved import Model, build_model, feature_stats, load_model, model_text, save_model
from l2cli.spec import ColumnSpec, ModelSpec

X = np.array(
    [
        [61.0, "Ulm", 1.5, None],
        [48.0, "Bonn", 2.5, "x"],
        [None, "Ulm", 0.5, "y"],
        [70.0, "Kiel", 1.0, "x"],
        [55.0, "Bonn", 3.0, "x"],
    ],
    dtype=object,
)
NAMES = ["age", "town", "dose", "arm"]


def make(y, **columns):
    """A model with made-up coefficients, as a fit of a data set would leave it."""
    columns.setdefault("features", ("*",))
    data = build_dataset(table_from_arrays(X, y, names=NAMES), ColumnSpec(**columns), ModelSpec())
    filled = np.where(np.isnan(data.X), np.nanmean(data.X, axis=0), data.X)
    sd = filled.std(axis=0)
    coef = np.linspace(-1, 1, data.X.shape[1]) / 3
    data.X[...] = np.nan  # what a fit may leave of it
    return build_model(
        data, intercept=np.float64(0.1), coef=coef, coef_standardized=coef * sd, center=filled.mean(axis=0),
        scale=sd, lam=2.0, lambda_scale="sum", selected_by="loo",
        settings={"seed": np.int64(0), "coding": {"town": "onehot"}},
        metrics={"train": {"mse": np.float64(1.25)}, "validation": None}, certificate={"converged": np.True_},
    )  # fmt: skip


@pytest.fixture
def gaussian():
    return make([1.0, 2.0, 4.0, 3.0, 2.5])


@pytest.fixture
def saved(gaussian, tmp_path):
    """The path of a saved model."""
    path = tmp_path / "model.json"
    save_model(gaussian, path)
    return path


def refused(path):
    """The one line that loading is answered with."""
    with pytest.raises(DataError) as caught:
        load_model(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def edited(path, change, *, sign=True):
    """Change the content of a model file, with a fitting checksum if ``sign``."""
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    if sign:
        content["checksum"] = checksum(content)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "model",
    [
        make([1.0, 2.0, 4.0, 3.0, 2.5]),
        make(["no", "yes", "no", "yes", "yes"], coding="treatment"),
        make([1.0, 2.0, 4.0, 3.0, 2.5], missing="indicator", features=("age", "arm"), id="town"),
        make([1.0, 2.0, 4.0, 3.0, 2.5], missing="drop", exposure="dose"),
    ],
)
def test_a_model_comes_back_exactly(model, tmp_path):
    path = tmp_path / "model.json"
    save_model(model, path)
    assert load_model(path) == model
    assert path.read_text(encoding="utf-8") == model_text(model) == model_text(load_model(path))


def test_the_file_can_be_read_by_a_person(saved):
    content = json.loads(saved.read_text(encoding="utf-8"))
    assert content["schema"] == "l2cli/model/1"
    assert list(content)[:8] == [
        "schema", "version", "family", "target", "classes", "lambda", "intercept", "coefficients",
    ]  # fmt: skip
    assert content["lambda"] == {"sum": 2.0, "scale": "sum", "selected_by": "loo"}
    assert content["coefficients"][0]["feature"] == "age"
    assert content["features"][1]["levels"] == ["Bonn", "Kiel", "Ulm"]
    assert content["features"][0]["impute"] == pytest.approx(58.5)
    assert content["certificate"] == {"converged": True}
    assert content["checksum"].startswith("sha256:")


def test_fields_hold_plain_python(gaussian):
    assert all(
        type(value) is float for value in (*gaussian.coef, *gaussian.center, gaussian.intercept, gaussian.lam)
    )
    assert type(gaussian.settings["seed"]) is int
    assert type(gaussian.metrics["train"]["mse"]) is float
    assert (gaussian.rows_used, gaussian.weight_sum, gaussian.target_mean) == (5, 5.0, 2.5)
    assert gaussian.target_sd == pytest.approx(1.0)


def test_what_the_training_data_looked_like(gaussian):
    stats = gaussian.feature_stats
    ages = np.array([61.0, 48, 70, 55])
    assert stats["age"]["sd"] == pytest.approx(ages.std())  # of the present cells
    assert (stats["age"]["min"], stats["age"]["max"], stats["age"]["missing"]) == (48.0, 70.0, 0.2)
    assert stats["town"] == {"missing": 0.0, "levels": {"Bonn": 0.4, "Kiel": 0.2, "Ulm": 0.4}}
    assert stats["arm"]["missing"] == 0.2


def test_a_column_whose_cells_have_no_weight_has_no_spread():
    rows = [[1.0, 3.0, 1e-100], [2.0, 1.0, 1e-100], [np.nan, 2.0, 1.0], [np.nan, 5.0, 1.0]]
    table = table_from_arrays(np.array(rows), [1.0, 2.0, 4.0, 3.0], names=["a", "b", "w"])
    data = build_dataset(table, ColumnSpec(weights="w"), ModelSpec())
    found = feature_stats(data, [1.0, 1.0])["a"]
    assert found == {"missing": 1.0, "mean": pytest.approx(1.5), "sd": 0.0, "min": 1.0, "max": 2.0}


def test_reformatting_does_no_harm(saved, gaussian):
    content = json.loads(saved.read_text(encoding="utf-8"))
    content["weight_sum"] = 5  # as other programs write 5.0
    shuffled = dict(sorted(content.items(), reverse=True))
    saved.write_text("\ufeff" + json.dumps(shuffled, indent=8), encoding="utf-8")
    assert load_model(saved) == gaussian


def test_newer_keys_of_the_same_schema_are_ignored(saved, gaussian):
    assert load_model(edited(saved, lambda content: content.update(note="of a later 1.x"))) == gaussian


def test_a_changed_number_is_noticed(saved):
    def cheat(content):
        content["coefficients"][2]["coef"] += 1e-9

    message = refused(edited(saved, cheat, sign=False))
    assert message.endswith(
        "model.json: the model was changed after it was saved (its checksum does not match);"
        " save it again with l2cli fit --save"
    )
    assert "was changed after it was saved" in refused(edited(saved, lambda c: c.pop("checksum"), sign=False))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "the file is empty, not a model"),
        (
            "a,b\n1,2\n",
            "not a model (no JSON at line 1: Expecting value); the model comes first, then the data",
        ),
        ("[1, 2]", "not a model (it has no 'schema')"),
        ("{}", "not a model (it has no 'schema')"),
        ('{"schema": 1}', "not a model (it has no 'schema')"),
        ('{"schema": "l2cli/fit/1"}', "not a model (its schema is 'l2cli/fit/1')"),
        ('{"schema": "other/model/x"}', "not a model (its schema is 'other/model/x')"),
        ('{"schema": "l2cli/model/2"}', "a model of a newer l2cli (l2cli/model/2; this is 0."),
        ('{"schema": "l2cli/model/1", "a": NaN}', "it holds NaN, which is no number"),
        ('{"schema": "l2cli/model/1", "a": [-Infinity]}', "it holds -Infinity, which is no number"),
        ('{"schema": "l2cli/model/1", "a": {"b": [0, 1e999]}}', "damaged model: a.b[1] is not finite"),
        ('{"schema": "l2cli/model/1"}', "the model was changed after it was saved"),
        ('{"schema": "l2cli/model/1", "a": ' + "9" * 400 + "}", "the model was changed after it was saved"),
        ('{"schema": "l2cli/model/1", "a": ' + "9" * 5000 + "}", "not a model (Exceeds the limit"),
        ("[" * 100_000, "not a model (its JSON is nested too deeply)"),
        ('{"schema": "\\u001b[31m/1"}', r"its schema is '\x1b[31m/1'"),
    ],
)
def test_files_that_are_no_model(tmp_path, text, found):
    path = tmp_path / "model.json"
    path.write_text(text, encoding="utf-8")
    assert found in refused(path)


def test_files_that_cannot_be_read(tmp_path):
    assert "no.json: cannot read the model: No such file or directory" in refused(tmp_path / "no.json")
    assert "cannot read the model: Is a directory" in refused(tmp_path)
    (tmp_path / "b.json").write_bytes(b"\xff\xfe\x00{")
    assert "not a model (it is not text)" in refused(tmp_path / "b.json")


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda c: c.pop("intercept"), "damaged model: no 'intercept'"),
        (lambda c: c.update(intercept="0.1"), "damaged model: '0.1' is not a number"),
        (lambda c: c.update(intercept=True), "damaged model: True is not a number"),
        (lambda c: c.update(intercept=10**400), "damaged model: int too large to convert to float"),
        (lambda c: c.update(target=None), "damaged model: None is not a text"),
        (lambda c: c["coefficients"].pop(), "its coefficients and its features do not agree"),
        (lambda c: c["features"].pop(), "its coefficients and its features do not agree"),
        (lambda c: c["features"][1]["levels"].pop(), "the columns of feature 'town' do not fit its levels"),
        (
            lambda c: c["features"][0].update(indicator=True),
            "the columns of feature 'age' do not fit its kind",
        ),
        (lambda c: c.update(family="cox"), "its family is 'cox', which this l2cli does not know"),
        (lambda c: c.update(family="binomial"), "its family and its classes do not agree"),
        (lambda c: c.update(classes=["a"]), "its family and its classes do not agree"),
        (lambda c: c.update(roles=[]), "damaged model"),
        (lambda c: c.update(classes=[]), "damaged model: its list of classes is empty"),
        (lambda c: c.update(dialect={"delimiter": ",", "decimal": "x"}), "its decimal mark is 'x'"),
        (lambda c: c["settings"].update(relax_gamma="x"), "damaged model: 'x' is not a number"),
        (lambda c: c["settings"].update(groups=3.5), "damaged model: its setting 'groups' is 3.5"),
    ],
)
def test_models_that_do_not_hold_together(saved, change, found):
    assert found in refused(edited(saved, change))


def test_a_model_that_is_not_finite_cannot_be_saved(gaussian, tmp_path):
    broken = replace(gaussian, intercept=math.nan)
    with pytest.raises(ValueError, match="not JSON compliant"):
        save_model(broken, tmp_path / "model.json")
    assert list(tmp_path.iterdir()) == []


def test_writing_is_whole_or_not_at_all(gaussian, tmp_path, monkeypatch):
    path = tmp_path / "model.json"
    path.write_text("precious", encoding="utf-8")
    with pytest.raises(UsageError, match=r"model.json exists already"):
        save_model(gaussian, path, clobber=False)

    def fail(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(UsageError, match=r"cannot write .*model.json: No space left on device"):
        save_model(gaussian, path)
    assert path.read_text(encoding="utf-8") == "precious"
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.json"]
    monkeypatch.undo()
    save_model(gaussian, path)
    assert load_model(path) == gaussian


def test_an_unwritable_place_is_wrong_usage(gaussian, tmp_path):
    with pytest.raises(UsageError, match=r"cannot write .*: No such file or directory"):
        save_model(gaussian, tmp_path / "nowhere" / "model.json")


def test_models_of_dictionaries(gaussian):
    assert Model.from_dict(gaussian.to_dict()) == gaussian


@pytest.mark.parametrize("entry", [{"missing": 2.0}, {"missing": 0.0, "mean": {}}, "text", {"missing": 0.0}])
def test_damaged_feature_statistics_are_told_when_loading(entry, saved):
    edited(saved, lambda content: content["feature_stats"].update(age=entry))
    assert "damaged model" in refused(saved)


def dated(**columns):
    """A model of parts of dates and of products."""
    import pandas as pd

    days = ["13/03/2024", "01/04/2024", "02/06/2025"]
    frame = pd.DataFrame({"when": days, "town": ["Ulm", "Bonn", "Ulm"], "y": [1.0, 2.0, 4.0]})
    spec = ColumnSpec(dates=True, interactions=("when.month:town", "when.year:when.month"), **columns)
    data = build_dataset(table_from_frame(frame), spec, ModelSpec())
    coef = np.linspace(-1, 1, data.X.shape[1])
    return build_model(
        data, intercept=0.0, coef=coef, coef_standardized=coef, center=coef, scale=coef, lam=2.0,
        lambda_scale="sum", selected_by="loo", settings={}, metrics={}, certificate={},
    )  # fmt: skip


@pytest.mark.parametrize("columns", [{}, {"coding": "onehot"}, {"categorical": ("when.weekday",)}])
def test_dates_and_interactions_come_back_as_they_were(tmp_path, columns):
    model = dated(**columns)
    save_model(model, tmp_path / "m.json")
    again = load_model(tmp_path / "m.json")
    assert again == model
    assert again.data.features[1].date == DatePart("when", "month", "day")
    assert [item.name for item in again.data.interactions] == ["when.month:town", "when.year:when.month"]


def test_models_without_them_have_no_such_keys(gaussian):
    content = gaussian.to_dict()
    assert "interactions" not in content
    assert not any("date" in feature for feature in content["features"])


@pytest.mark.parametrize(
    ("path", "value", "found"),
    [
        (("features", 0, "date", "part"), "century", "feature 'when.year' is no part of a date"),
        (("features", 0, "date", "order"), "year", "feature 'when.year' is no part of a date"),
        (("features", 0, "date", "part"), "month", "feature 'when.year' and its date do not agree"),
        (("features", 0, "date", "column"), 3, "3 is not a text"),
        (
            ("interactions", 0, "factors"),
            [["when.month", "x"]],
            "'when.month:town' has no such factors",
        ),
        (("interactions", 0, "factors"), [], "its coefficients and its features do not agree"),
        (("interactions",), [], "its coefficients and its features do not agree"),
    ],
)
def test_dates_and_interactions_that_make_no_sense(path, value, found):
    content = json.loads(model_text(dated()))
    place = content
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    content["checksum"] = checksum(content)
    with pytest.raises(DataError, match="damaged model") as caught:
        Model.from_dict(content)
    assert found in str(caught.value)


def test_the_dialect_of_the_training_file_is_kept_and_may_be_unknown(gaussian, tmp_path):
    path = tmp_path / "model.json"
    known = replace(gaussian, data=gaussian.data._replace(dialect=(";", ",")))
    save_model(known, path)
    assert load_model(path).data.dialect == (";", ",")
    assert load_model(edited(path, lambda content: content.update(dialect=None))).data.dialect is None
    assert load_model(edited(path, lambda content: content.pop("dialect"))).data.dialect is None
    message = refused(edited(path, lambda content: content.update(dialect={"delimiter": ";"})))
    assert "damaged model: no 'decimal'" in message


@pytest.fixture
def with_folds(gaussian, tmp_path):
    """The path of a model that keeps its fits without three folds of two, none and one row."""
    coef = np.column_stack([gaussian.coef, np.zeros(len(gaussian.coef)), gaussian.coef])
    counts = np.array([2, 0, 1])
    kept = LeftOut.of(4, np.array([0.5, -0.25, 2.0]), np.array([0.1, 0.2, 0.3]), coef, counts, "groups")
    path = tmp_path / "model.json"
    save_model(replace(gaussian, intervals=kept), path)
    return path


def test_intervals_of_folds_come_back_exactly(with_folds, gaussian):
    again = load_model(with_folds)
    kept = again.intervals
    assert kept is not None
    assert (kept.rows, kept.counts, kept.folds, kept.method) == (4, (2, 0, 1), "groups", "CV+")
    models, residual = kept.arrays(len(gaussian.coef))
    assert residual.tolist() == [0.5, 0.25, 2.0]
    assert models[:, 0].tolist() == [0.1, 0.2, 0.3]
    assert models[2, 1:].tolist() == list(gaussian.coef)
    assert not models[1, 1:].any()
    assert model_text(again) == with_folds.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "forged",
    [
        {"rows": 2}, {"fold_rows": [2, 0, 2]}, {"fold_rows": [2, 1]}, {"fold_rows": [2, -1, 2]},
        {"fold_rows": [2, 0.5, 0.5]}, {"fold_rows": 3}, {"fold_rows": ["2", 0, 1]}, {"fold_rows": []},
        {"folds": None}, {"method": "jackknife+"}, {"numbers": ""},
    ],
)  # fmt: skip
def test_broken_intervals_of_folds_are_a_damaged_model(forged, with_folds):
    assert "damaged model" in refused(edited(with_folds, lambda content: content["intervals"].update(forged)))


@pytest.fixture
def with_intervals(gaussian, tmp_path):
    """The path of a model that keeps two of its five fits without a row."""
    coef = np.column_stack([gaussian.coef, gaussian.coef])
    kept = LeftOut.of(5, np.array([0.5, -0.25]), np.array([0.1, 0.2]), coef)
    path = tmp_path / "model.json"
    save_model(replace(gaussian, intervals=kept), path)
    return path


def test_intervals_come_back_exactly(with_intervals, gaussian):
    again = load_model(with_intervals)
    assert again.intervals is not None
    models, residual = again.intervals.arrays(len(gaussian.coef))
    assert residual.tolist() == [0.5, 0.25]
    assert models[:, 0].tolist() == [0.1, 0.2]
    assert models[1, 1:].tolist() == list(gaussian.coef)
    assert model_text(again) == with_intervals.read_text(encoding="utf-8")


def packed(table):
    """Numbers as a model file has them."""
    return base64.b64encode(np.asarray(table, dtype="<f8").tobytes()).decode("ascii")


WIDTH = 2 + len(make([1.0, 2.0, 4.0, 3.0, 2.5]).coef)


@pytest.mark.parametrize(
    "forged",
    [
        {"rows": 1}, {"rows": 2.5}, {"rows": True}, {"rows": "5"}, {"method": "split"}, {"packing": "hex"},
        {"numbers": "%%%"}, {"numbers": 3}, {"numbers": "\u00e4"}, {"numbers": packed([1.0, 2.0])},
        {"numbers": packed(np.full(WIDTH, np.nan))}, {"numbers": packed(np.full(WIDTH, np.inf))},
        {"numbers": packed(np.full(WIDTH, -1.0))}, None,
    ],
)  # fmt: skip
def test_broken_intervals_are_a_damaged_model(forged, with_intervals):
    def break_it(content):
        content["intervals"] = None if forged is None else content["intervals"] | forged

    assert "damaged model" in refused(edited(with_intervals, break_it))


def test_intervals_of_classes_are_a_damaged_model(tmp_path):
    path = tmp_path / "model.json"
    one = make(["no", "yes", "no", "yes", "yes"])
    kept = LeftOut.of(5, np.array([0.5]), np.array([0.1]), np.array([one.coef]).T)
    save_model(replace(one, intervals=kept), path)
    assert "it has intervals, and it predicts classes" in refused(path)
