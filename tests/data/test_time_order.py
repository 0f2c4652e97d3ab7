"""The column of times, the blocks that rows are cut into, and folds in time order."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.model_selection import TimeSeriesSplit

from l2cli.data.build import build_dataset
from l2cli.data.dates import DAY, SECOND, read_dates
from l2cli.data.folds import time_folds
from l2cli.data.frame import table_from_arrays
from l2cli.data.read import read_table
from l2cli.data.time_order import TimeColumn, most_folds
from l2cli.errors import DataError, UsageError
from l2cli.gap import NO_GAP, Gap
from l2cli.spec import ColumnSpec, ModelSpec


@pytest.fixture
def build(tmp_path):
    """A dataset from the text of a file; keywords are fields of ColumnSpec."""

    def make(text, **columns):
        path = tmp_path / "times.csv"
        path.write_text(text, encoding="utf-8")
        return build_dataset(read_table(str(path)), ColumnSpec(**columns), ModelSpec())

    return make


def column(values):
    return TimeColumn("t", np.asarray(values))


def days(*counts):
    return column(np.asarray(counts, dtype=np.int64) * DAY)


def sides(folds):
    """Return (training rows, tested rows) of every fold."""
    return [(folds.training(i).tolist(), np.flatnonzero(folds.ids[0] == i).tolist()) for i in range(folds.k)]


@pytest.mark.parametrize("gap", [0, 1, 7])
@pytest.mark.parametrize(("n", "k"), [(44, 3), (60, 5), (59, 4), (121, 10)])
def test_folds_are_those_of_scikit_learn(n, k, gap):
    order = np.random.default_rng(n).permutation(n)
    expected = TimeSeriesSplit(k, gap=gap).split(np.zeros(n))
    found = time_folds(column(order * 0.5), k, Gap.of(gap))
    place = np.argsort(order)
    for (train, test), (a, b) in zip(sides(found), expected, strict=True):
        assert train == sorted(place[a])
        assert test == sorted(place[b])
    assert found.kind == "time"
    assert found.sizes() == [n // (k + 1)] * k
    assert found.training_sizes() == [len(train) for train, _ in sides(found)]
    assert found.described()["training_sizes"] == found.training_sizes()


@pytest.mark.parametrize(
    ("times", "starts"),
    [
        ([0, 1, 2, 2, 2, 3, 4, 5, 6], [2, 6]),
        ([0, 1, 1, 1, 2, 3, 4, 5, 6], [4, 6]),
        ([0, 0, 1, 1, 2, 3, 4, 5, 6], [4, 6]),
        ([0, 0, 0, 0, 0, 3, 3, 3, 4], [5, 8]),
    ],
)
def test_equal_times_stay_together_by_the_nearest_boundary_of_two_the_later(times, starts):
    folds = time_folds(column(np.array(times) * 0.5), 2, NO_GAP)
    assert [test[0] for _, test in sides(folds)] == starts
    assert sides(folds)[0] == (list(range(starts[0])), list(range(starts[0], starts[1])))
    assert sides(folds)[1] == (list(range(starts[1])), list(range(starts[1], 9)))


def test_as_many_times_as_blocks_are_blocks_if_they_are_about_alike():
    folds = time_folds(column(np.repeat([2007.0, 2008.0, 2009.0], [110, 114, 119])), 2, NO_GAP)
    assert (folds.sizes(), folds.training_sizes()) == ([114, 119], [110, 224])


def test_a_gap_of_rows_takes_all_rows_of_a_time():
    times = [0.0, 1.0, 2.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    folds = time_folds(column(times), 2, Gap.of(2))
    assert sides(folds) == [([0, 1], [4, 5]), ([0, 1, 2, 3], [6, 7])]
    folds = time_folds(column(times), 2, Gap.of(1))
    assert sides(folds) == [([0, 1], [4, 5]), ([0, 1, 2, 3, 4], [6, 7])]


@pytest.mark.parametrize(("gap", "ends"), [("2d", [3, 6]), ("48h", [3, 6]), ("1.5d", [4, 7]), ("0s", [5, 8])])
def test_a_gap_of_time_holds_the_row_at_its_beginning(gap, ends):
    folds = time_folds(days(*range(11)), 2, Gap.of(gap))
    assert [train[-1] + 1 for train, _ in sides(folds)] == ends


def test_a_row_may_be_in_no_training_set_and_a_fold_may_add_none():
    folds = time_folds(days(0, 1, 20, 21, 22, 23), 2, Gap.of("10d"))
    assert sides(folds) == [([0, 1], [2, 3]), ([0, 1], [4, 5])]
    assert folds.order is not None
    assert folds.order.since.tolist() == [0, 0, 2, 2, 2, 2]


def test_folds_that_cannot_be_made_are_refused():
    few = "5 time-ordered folds need 6 different times, and column 't' has 5; give --folds 4 or fewer"
    with pytest.raises(UsageError, match=few):
        time_folds(column(np.arange(5.0)), 5, NO_GAP)
    panel = np.repeat(np.arange(4.0), 10)
    with pytest.raises(
        UsageError, match="need 5 different times, and column 't' has 4; give --folds 3 or fewer"
    ):
        time_folds(column(panel), 4, NO_GAP)
    with pytest.raises(UsageError, match="and column 't' has 2; no folds in time can be made of so few"):
        time_folds(column(np.repeat([0.0, 1.0], 9)), 2, NO_GAP)
    with pytest.raises(
        UsageError, match=r"--gap 10 leaves the first of 3 .* its block has 10 rows; give --folds 2"
    ):
        time_folds(column(np.arange(40.0)), 3, Gap.of(10))
    with pytest.raises(
        UsageError, match="nothing to be trained on: its block has 14 rows; give a shorter --gap"
    ):
        time_folds(days(*range(40)), 2, Gap.of("2w"))
    with pytest.raises(UsageError, match="its block has 1 row; give --folds 38 or fewer"):
        time_folds(column(np.arange(40.0)), 39, Gap.of(1))
    for long in ("99999999999999", "99999999999999w"):
        with pytest.raises(
            UsageError, match="leaves the first of 2 time-ordered folds nothing to be trained on"
        ):
            time_folds(days(*range(40)), 2, Gap.of(long))
    with pytest.raises(
        UsageError, match="--gap 7d needs dates or times, and the time column 't' holds numbers"
    ):
        time_folds(column(np.arange(40.0)), 2, Gap.of("7d"))


def test_the_most_folds_are_those_that_can_be_made():
    panel = column(np.repeat(np.arange(6.0), [1, 9, 1, 30, 1, 9]))
    assert most_folds(panel, 10, NO_GAP) == 5
    assert time_folds(panel, 5, NO_GAP).sizes() == [9, 1, 30, 1, 9]
    assert most_folds(panel, 4, NO_GAP) == 4
    assert most_folds(panel, 10, Gap.of(2)) == 4
    with pytest.raises(UsageError, match="--gap 2 leaves the first of 5"):
        time_folds(panel, 5, Gap.of(2))
    assert most_folds(column([1.0, 1.0, 1.0]), 10, NO_GAP) == 0


@pytest.mark.parametrize(
    ("text", "rows", "ticks"),
    [
        ("20", 20, None), (" 3 ", 3, None), ("7d", 0, 7 * DAY), ("2w", 0, 14 * DAY),
        ("12h", 0, DAY // 2), ("30min", 0, 1800 * SECOND), ("1.5 s", 0, 1_500_000),
    ],
)  # fmt: skip
def test_gaps_are_rows_or_times(text, rows, ticks):
    assert Gap.of(text)[:2] == (rows, ticks)
    assert Gap.of(text).given == (rows if ticks is None else text)


def test_no_gap_is_none():
    assert Gap.of(None) is NO_GAP
    assert NO_GAP.given is None
    for text in ("x", "-3", "7m", "d", "1e3", ""):
        with pytest.raises(UsageError, match="is no gap; give a number of rows, or a time as 7d, 12h, 30min"):
            Gap.of(text)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("2024-03-01", "2024-03-02"), ("2024-03-01", "2024-03-01 00:00:01"),
        ("2024-03-01 11:59 pm", "2024-03-02 12:00 am"), ("2024-03-01 12:00", "2024-03-01T12:00:00.000001"),
        ("2024-03-01 12:00+02:00", "2024-03-01 11:00Z"), ("2024-03-01 01:00+0530", "2024-03-01 00:00 -01"),
        ("Dec 31, 1999", "1 Jan 2000"), ("31.12.1999", "2000/01/01"),
    ],
)  # fmt: skip
def test_moments_are_in_order(earlier, later):
    moments = read_dates([earlier, later]).moments
    assert moments[0] < moments[1]


def test_moments_count_microseconds_in_utc():
    found = read_dates(["0001-01-01", "0001-01-02 01:02:03.25", "0001-01-01 01:00+01:00", "abc"])
    assert found.moments.tolist() == [0, DAY + 3723 * SECOND + 250_000, 0, 0]
    assert found.zoned.tolist() == [False, False, True, False]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["3", "1", "2"], [2, 0, 1]),
        (["03", "01", "02"], [2, 0, 1]),
        (["2024-03-01", "2023-12-31", "2024-02-29"], [2, 0, 1]),
        (["13/03/2024", "01/02/2024", "02/01/2024"], [2, 1, 0]),
        (["2024-03-01 13:05", "2024-03-01 01:05 pm", "2024-03-01 9:05"], [1, 1, 0]),
    ],
)
def test_the_times_of_a_file_are_numbers_or_dates(build, cells, expected):
    data = build(
        "t,x,y\n" + "".join(f"{cell},{i},{i * i}\n" for i, cell in enumerate(cells)), time_column="t"
    )
    _, place = np.unique(data.time.values, return_inverse=True)
    assert place.tolist() == expected
    assert data.features == ("x",)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (
            ["2024-03-01", "", "2024-03-03"],
            "line 3: no value in the time column 't'; fill it in or leave the row",
        ),
        (["1", "", "3"], "line 3: no value in the time column 't'"),
        (
            ["2024-03-01", "soon", "2024-03-03"],
            "line 3: 'soon' in the time column 't' is neither a number nor a date",
        ),
        (["1", "2024-03-01", "3"], "line 2: '1' in the time column 't' is neither"),
        (
            ["01/02/2024", "01/03/2024", "02/03/2024"],
            "line 2: '01/02/2024' .* with the day or the month first; wri",
        ),
        (
            ["2024-03-01 10:00Z", "2024-03-01 11:00", "2024-03-03 10:00Z"],
            "line 3: .* has no time zone, and others",
        ),
    ],
)
def test_what_is_no_time_is_named(build, cells, message):
    with pytest.raises(DataError, match=message):
        build("t,x,y\n" + "".join(f"{cell},{i},{i * i}\n" for i, cell in enumerate(cells)), time_column="t")


def test_an_infinite_number_is_no_time():
    table = table_from_arrays(np.array([[1.0, 2.0], [np.inf, 3.0]]), np.arange(2.0), names=["t", "x"])
    with pytest.raises(DataError, match="row 2: inf in the time column 't' is no time; mend the cell"):
        build_dataset(table, ColumnSpec(time_column="t"), ModelSpec())


def test_times_of_rows_that_are_not_used_do_not_matter(build):
    data = build("t,x,y\n2024-03-01,1,1\nsoon,2,\n2024-03-02,4,3\n2024-03-03,3,3\n", time_column="t")
    assert np.diff(data.time.values).tolist() == [DAY, DAY]


def test_a_time_column_is_no_date_feature_and_may_be_the_id(build):
    text = "t,d,x,y\n2024-03-01,2023-01-05,1,1\n2024-03-02,2023-02-07,2,4\n2024-03-03,2024-03-09,4,3\n"
    data = build(text, time_column="t", id="t", dates=True)
    assert data.features == ("d.year", "d.month", "d.weekday", "x")
    assert build(text, time_column="d.month", dates=True).time.values.tolist() == [1.0, 2.0, 3.0]
    with pytest.raises(UsageError, match="column 't' is both the weights and the time column"):
        build(text, time_column="t", weights="t")
