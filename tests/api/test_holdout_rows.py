"""Lambda by other labelled rows in library calls, of columns in blocks, in resamples, and of one row."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import l2cli
from l2cli.api.choosing import choose
from l2cli.api.evaluate import evaluate_table
from l2cli.api.inference import refit
from l2cli.api.setup import prepare
from l2cli.data import layout
from l2cli.data.build import build_dataset
from l2cli.data.frame import table_from_frame
from l2cli.diagnostics.bootstrap import draw_counts
from l2cli.errors import DataError, UsageError
from l2cli.spec import ColumnSpec, GridSpec, ModelSpec, SelectSpec

LAMBDAS = [30.0, 3.0, 0.3]


def frame(n, seed):
    rng = np.random.default_rng(seed)
    x, z, city = rng.normal(3.0, 2.0, n), rng.normal(size=n), rng.integers(0, 40, n)
    y = x - z + np.cos(city) + rng.normal(size=n)
    table = pd.DataFrame(
        {"x": x, "z": z, "city": [f"c{i}" for i in city], "w": rng.uniform(0.5, 2.0, n), "y": y}
    )
    table.loc[rng.random(n) < 0.1, "x"] = np.nan
    return table


TRAIN, VALID = frame(300, 1), frame(80, 2)


def quiet(call, *given, **settings):
    """Return what a call returns, its warnings about the data aside."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return call(*given, **settings)


def curve_of(fits, valid=VALID, metric="mse"):
    """Return what evaluate says of fits."""
    table = table_from_frame(valid)
    return [evaluate_table(fit.model, table).metrics[metric] for fit in fits]


def test_a_frame_a_file_and_arrays_judge_alike(tmp_path):
    settings = {"select": "holdout", "lambdas": LAMBDAS}
    fits = [quiet(l2cli.fit, TRAIN, target="y", sample_weight="w", lam=lam) for lam in LAMBDAS]
    expected = curve_of(fits)
    VALID[::-1].to_csv(tmp_path / "valid.csv", index=False)
    for holdout, name in (
        (VALID.iloc[:, ::-1], "<holdout>"),
        (str(tmp_path / "valid.csv"), str(tmp_path / "valid.csv")),
        (tmp_path / "valid.csv", str(tmp_path / "valid.csv")),
        ((VALID.drop(columns="y"), VALID["y"]), "<holdout>"),
    ):
        found = quiet(l2cli.fit, TRAIN, target="y", sample_weight="w", holdout=holdout, **settings)
        content = found.to_dict()
        assert content["selection"]["values"] == pytest.approx(expected, rel=1e-9)
        assert found.lam == LAMBDAS[int(np.argmin(expected))]
        assert found.coef == pytest.approx(fits[int(np.argmin(expected))].coef, rel=1e-9)
        assert content["settings"]["holdout"] == content["data"]["holdout"]["source"] == name
        assert content["data"]["holdout"]["weight_sum"] == pytest.approx(VALID["w"].sum())


def test_arrays_with_labels_are_judged_by_arrays():
    X, V = TRAIN[["x", "z"]].to_numpy(), VALID[["x", "z"]].to_numpy()
    y, v = (np.where(table["y"] > 3.0, "high", "low") for table in (TRAIN, VALID))
    found = quiet(l2cli.fit, X, y, select="holdout", holdout=(V, v), lambdas=LAMBDAS, positive="high")
    fits = [quiet(l2cli.fit, X, y, lam=lam, positive="high") for lam in LAMBDAS]
    valid = pd.DataFrame({"x0": V[:, 0], "x1": V[:, 1], "y": v})
    expected = curve_of(fits, valid, "deviance")
    assert found.to_dict()["selection"]["values"] == pytest.approx(expected, rel=1e-9)
    frames = quiet(l2cli.fit, X, y, holdout=valid, lambdas=LAMBDAS, positive="high")
    assert frames.to_dict()["selection"] == found.to_dict()["selection"]


def test_several_targets_by_arrays():
    X, V = TRAIN[["x", "z"]].to_numpy(), VALID[["x", "z"]].to_numpy()
    Y, W = np.column_stack([TRAIN["y"], TRAIN["w"]]), np.column_stack([VALID["y"], VALID["w"]])
    found = quiet(l2cli.fit, X, Y, select="holdout", holdout=(V, W), lambdas=LAMBDAS)
    for t in range(2):
        alone = quiet(l2cli.fit, X, Y[:, t], select="holdout", holdout=(V, W[:, t]), lambdas=LAMBDAS)
        both, one = found.to_dict()["targets"][t]["selection"], alone.to_dict()["selection"]
        assert both["values"] == pytest.approx(one["values"], rel=1e-9)
        assert found.lam[t] == alone.lam


@pytest.mark.parametrize(
    ("holdout", "error", "message"),
    [
        ([1, 2], UsageError, "holdout is list; give a number, a file, a data frame or a pair"),
        (1.5, UsageError, "^holdout must lie between 0 and 1, not 1.5"),
        ("no.csv", DataError, "no.csv: no such file"),
        (
            (np.ones((3, 1)), np.ones(3)),
            DataError,
            "the X of holdout has 1 columns, and the model was fitted",
        ),
        ((np.ones((3, 2)), np.ones((3, 2))), DataError, "the y of holdout has 2 columns, that of the fit 1"),
        ((np.ones((3, 2)), np.ones(4)), DataError, r"column 'y' has shape \(4,\), not \(3,\)"),
        (pd.DataFrame({"x0": [1.0], "x1": [2.0]}), DataError, "<holdout>: no column 'y', the target of the"),
    ],
)
def test_what_is_no_table_to_judge_by(holdout, error, message):
    X, y = TRAIN[["z", "w"]].to_numpy(), TRAIN["y"].to_numpy()
    with pytest.raises(error, match=message):
        l2cli.fit(X, y, select="holdout", holdout=holdout)


def test_arguments_without_use():
    X, y = TRAIN[["z", "w"]].to_numpy(), TRAIN["y"].to_numpy()
    groups = np.arange(300) % 50
    with pytest.raises(UsageError, match="select='holdout' has no folds, so groups has nothing to do"):
        l2cli.fit(X, y, select="holdout", holdout=(X[:5], y[:5]), groups=groups)
    with pytest.raises(UsageError, match=r"^unseen is for levels of a holdout file"):
        l2cli.fit(X, y, select="holdout", holdout=0.5, unseen="baseline")
    assert l2cli.fit(X, y, select="holdout", holdout=np.float32(0.5), groups=groups).lam > 0.0


def test_the_rows_fitted_are_told_from_others():
    X, y = TRAIN[["x", "z"]].to_numpy(), TRAIN["y"].to_numpy()
    with pytest.warns(UserWarning, match="<holdout>: the very rows that the model is fitted to"):
        l2cli.fit(X, y, select="holdout", holdout=(X, y))
    V = np.nan_to_num(X)
    V[7, 1] += 1e-9
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        l2cli.fit(np.nan_to_num(X), y, select="holdout", holdout=(V, y))


@pytest.mark.parametrize("same", [False, True])
def test_columns_in_blocks_are_judged_as_one_matrix_is(monkeypatch, same):
    monkeypatch.setattr(layout, "MANY_LEVELS", 30)
    other = TRAIN if same else VALID.assign(w=1.0)[VALID.columns[::-1]]
    found = []
    for cells in (0, 10**12):
        monkeypatch.setattr(layout, "DENSE_CELLS", cells)
        fit = quiet(l2cli.fit, TRAIN, target="y", select="holdout", holdout=other, lambdas=LAMBDAS)
        found.append(fit.to_dict())
        assert ("holdout_seen" in {warning["code"] for warning in found[-1]["warnings"]}) == same
    assert found[0]["rank"] is None
    assert found[0]["selection"]["values"] == pytest.approx(found[1]["selection"]["values"], rel=1e-8)
    assert found[0]["lambda"]["value"] == found[1]["lambda"]["value"]


def made(select, model=None, **columns):
    """Return the setup of the training rows, the others beside them."""
    roles = ColumnSpec(target="y", drop=("w",), **columns)
    model = model or ModelSpec(lambdas=GridSpec(values=tuple(LAMBDAS)))
    dataset = build_dataset(table_from_frame(TRAIN), roles, model)
    return prepare(dataset, model, table_from_frame(VALID), select.unseen)


def test_a_resample_is_judged_by_the_same_rows():
    select = SelectSpec(select="holdout", holdout="valid", jobs=1)
    setup = made(select)
    counts = draw_counts(0, 3, 300, None, [])
    weighted = TRAIN.assign(w=counts)[counts > 0]
    # a missing cell of the rows to judge by takes the mean of all rows, of a row drawn that of the drawn
    complete = VALID.assign(x=VALID["x"].fillna(TRAIN["x"].mean()))
    fits = [
        quiet(l2cli.fit, weighted, target="y", sample_weight="w", lam=lam, categorical="city")
        for lam in LAMBDAS
    ]
    missing = set(VALID["city"]) - set(weighted["city"])
    assert not missing
    values = curve_of(fits, complete.assign(w=1.0))
    found = refit(setup, select, 3)
    best = int(np.argmin(values))
    assert not isinstance(found, str)
    assert found.lam == LAMBDAS[best]
    kept = [name for name in setup.dataset.features if name in fits[0].features]
    at = [setup.dataset.features.index(name) for name in kept]
    assert found.coef[at] == pytest.approx(
        fits[best].coef[[fits[best].features.index(name) for name in kept]], rel=1e-6, abs=1e-9
    )


def test_one_row_has_a_curve_and_no_spread():
    select = SelectSpec(select="holdout", holdout="valid", rule="1se")
    setup = made(select)
    other = setup.dataset.holdout
    one = other._replace(encoded=other.encoded.take(np.array([4])), y=other.y[4:5])
    choice, factor = choose(setup._replace(dataset=replace(setup.dataset, holdout=one)), select, "holdout")
    assert factor is None
    assert choice.curve is not None
    assert choice.curve.se.tolist() == [0.0, 0.0, 0.0]
    assert choice.lam == LAMBDAS[int(np.argmin(choice.curve.mean))]
