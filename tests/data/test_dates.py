"""What is a date: the forms that are read, the day and the hour they name, and what is none."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from l2cli.data.dates import read_dates

FRIDAY = (2024.0, 3.0, 5.0)
FORMS = {
    "2024-03-01": None, "2024/03/01": None, "2024.03.01": None, "2024-3-1": None, "01.03.2024": None,
    "1.3.2024": None, "1 Mar 2024": None, "01-Mar-2024": None, "01MAR2024": None, "1 march 2024": None,
    "Mar 1, 2024": None, "March 1 2024": None,
    "2024-03-01 13:05": 13, "2024-03-01T13:05": 13, "2024-03-01 13:05:06": 13, "2024-03-01T13:05:06.5": 13,
    "2024-03-01T13:05:06,123456789Z": 13, "2024-03-01T13:05:06+02:00": 13, "2024-03-01 13:05:06 -0500": 13,
    "2024-03-01 13:05 UTC": 13, "2024-03-01 00:00:00": 0, "2024-03-01 1:05 PM": 13, "2024-03-01 12:30 am": 0,
    "2024-03-01 12:30pm": 12, "01.03.2024, 23:59": 23, "1 Mar 2024 09:00": 9, "Mar 1, 2024 09:00": 9,
    "2024-03-01 23:59:60": 23,
}  # fmt: skip


@pytest.mark.parametrize(("cell", "hour"), FORMS.items())
def test_forms_of_one_friday(cell, hour):
    found = read_dates([cell])
    assert found.known.tolist() == [True]
    assert tuple(found.parts[:3, 0]) == FRIDAY
    assert found.parts[3, 0] == hour if hour is not None else np.isnan(found.parts[3, 0])
    assert (found.order, found.open, found.has_time) == (None, None, hour is not None)


@pytest.mark.parametrize(
    "cell",
    [
        "2024-02-30", "31.04.2024", "2023-02-29", "2024-13-01", "0000-01-01", "2024-03", "20240301",
        "1.3.24", "2024-03/01", "01/03.2024", "13/13/2024", "Foo 1, 2024", "1 Mrz 2024", "32 Mar 2024",
        "2024-03-01 24:00", "2024-03-01 13:60", "2024-03-01 13:05 PM", "2024-03-01 0:05 am",
        "2024-03-01 13", "2024-03-01x", "x", "", "٢٠٢٤-03-01", "2024-03-01 13:05 CET", "13:05",
        "192.168.2024.1", "2024-03-01 - 2024-03-05",
    ],
)  # fmt: skip
def test_what_is_no_date(cell):
    found = read_dates([cell, "2024-03-01"])
    assert found.known.tolist() == [False, True]
    assert np.isnan(found.parts[:, 0]).all()


@pytest.mark.parametrize("mark", ["/", "-"])
def test_the_column_settles_the_order_of_day_and_month(mark):
    def cells(*texts):
        return [text.replace("/", mark) for text in texts]

    day = read_dates(cells("01/03/2024", "13/03/2024"))
    assert (day.order, day.parts[1].tolist(), day.open) == ("day", [3.0, 3.0], None)
    month = read_dates(cells("01/03/2024", "03/13/2024"))
    assert (month.order, month.parts[1].tolist(), month.open) == ("month", [1.0, 3.0], None)
    neither = read_dates(cells("2024-01-01", "01/03/2024", "02/03/2024"))
    assert (neither.order, neither.open, neither.known.tolist()) == (None, 1, [True] * 3)
    assert np.isnan(neither.parts[:, 1]).all()
    told = read_dates(cells("01/03/2024"), "month")
    assert (told.order, told.parts[1, 0], told.open) == ("month", 1.0, None)


def test_cells_that_contradict_the_order_are_no_dates():
    both = read_dates(["13/03/2024", "03/14/2024", "15/03/2024"])
    assert (both.order, both.known.tolist()) == ("day", [True, False, True])
    assert read_dates(["03/13/2024", "14/03/2024"], "month").known.tolist() == [True, False]


@given(
    st.dates(date(1, 1, 1), date(9999, 12, 31)),
    st.sampled_from(["%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d %b %Y", "%B %d, %Y"]),
    st.integers(0, 23),
)
def test_every_day_is_read_in_every_form(day, form, hour):
    text = day.strftime(form.replace("%Y", f"{day.year:04}"))
    found = read_dates([f"{text} {hour:02}:30"]).parts[:, 0]
    assert found.tolist() == [day.year, day.month, day.isoweekday(), hour]


def test_weekdays_run_from_monday_1_to_sunday_7():
    monday = date(2024, 1, 1)
    cells = [str(monday + timedelta(days=i)) for i in range(8)]
    assert read_dates(cells).parts[2].tolist() == [1, 2, 3, 4, 5, 6, 7, 1]
