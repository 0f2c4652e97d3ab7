"""Bars, whiskers, the canvas, axes and charts."""

from __future__ import annotations

from itertools import pairwise

import pytest

from l2cli.report.axis import Marker, lambda_axis
from l2cli.report.bars import WhiskerScale, bar_scale, signed_bar, whisker
from l2cli.report.canvas import Canvas
from l2cli.report.curve import Chart, RowLabel, Series, draw
from l2cli.report.glyphs import UNICODE
from l2cli.report.layout import Page, plain, width_of
from l2cli.report.scales import Scale, lambda_scale, snapped, ticks, value_scale

LAMBDAS = [10.0 ** (k / 4) for k in range(16, -13, -1)]


def bars(values, width, unicode):
    scale = bar_scale(values, width, unicode)
    return [plain(signed_bar(value, scale, unicode)) for value in values]


# ------------------------------------------------------------------------------------------------------- bars


def test_bars_grow_from_one_zero_line_to_both_sides():
    assert bars([4.0, 1.0, -2.0, -0.5, 0.0], 6, unicode=True) == [
        " ▕████",
        " ▕█   ",
        "██▏   ",
        " ▐▏   ",
        " ▕    ",
    ]


def test_bars_in_ascii_have_a_column_for_the_zero_line():
    assert bars([4.0, 1.0, -2.0, 0.0], 7, unicode=False) == ["  |####", "  |#   ", "##|    ", "  |    "]


@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize("values", [[1.0], [-1.0], [5.0, -0.001], [-5.0, 0.001], [0.0], [3.0, 2.0, -9.0]])
@pytest.mark.parametrize("width", [8, 15, 30])
def test_all_bars_are_equally_wide_and_fit(values, unicode, width):
    widths = {len(bar) for bar in bars(values, width, unicode)}
    assert len(widths) == 1
    assert widths.pop() <= width


def test_the_length_of_a_bar_is_proportional_to_an_eighth_of_a_cell():
    scale = bar_scale([8.0], 8, unicode=True)
    assert scale.unit == pytest.approx(8.0 / 7.0)
    lengths = [plain(signed_bar(value, scale, unicode=True)).strip("▕ ") for value in (8.0, 4.0, 1.0, 0.001)]
    assert lengths == ["███████", "███▌", "▉", "▏"]


def test_whiskers_reach_from_end_to_end():
    scale = WhiskerScale(0.0, 10.0, 11)
    assert plain(whisker(2.0, 5.0, 8.0, scale, unicode=True)) == "  ▕──●──▏  "
    assert plain(whisker(2.0, 5.0, 8.0, scale, unicode=False)) == "  |--o--|  "
    assert plain(whisker(None, 10.0, None, scale, unicode=True)) == "          ●"
    assert plain(whisker(11.0, 12.0, 13.0, scale, unicode=True)) == "          →"
    assert plain(whisker(None, None, None, scale, unicode=True)) == " " * 11


# ----------------------------------------------------------------------------------------------------- canvas


def test_the_corners_of_the_canvas_are_single_dots():
    canvas = Canvas(2, 2, unicode=True)
    for x in (0.0, 1.0):
        for y in (0.0, 1.0):
            canvas.dot(x, y)
    assert [plain(row) for row in canvas.lines()] == ["⠁⠈", "⡀⢀"]


def test_a_curve_has_no_gaps():
    canvas = Canvas(10, 5, unicode=True)
    canvas.curve([(0.0, 0.0), (0.2, 1.0), (1.0, 0.5)])
    rows = [plain(row) for row in canvas.lines()]
    assert all(any(row[column] != " " for row in rows) for column in range(10))
    assert [row.count(" ") < 10 for row in rows] == [True] * 5


def test_a_higher_layer_replaces_a_lower_one():
    canvas = Canvas(1, 1, unicode=True)
    canvas.dot(0.0, 1.0, "band", layer=0)
    canvas.dot(1.0, 0.0, "curve", layer=1)
    canvas.dot(0.0, 0.0, "band", layer=0)
    assert canvas.lines() == [(("⢀", "curve"),)]


def test_the_canvas_in_ascii_uses_marks():
    canvas = Canvas(3, 2, unicode=False)
    canvas.curve([(0.0, 0.0), (1.0, 1.0)], mark="a")
    assert all(set(plain(row)) <= {"a", " "} for row in canvas.lines())
    assert "".join(plain(row) for row in canvas.lines()).count("a") == 3


def test_points_outside_draw_nothing():
    canvas = Canvas(2, 2, unicode=True)
    canvas.dot(3.0, 0.5)
    canvas.dot(0.5, -2.0)
    assert [plain(row) for row in canvas.lines()] == ["  ", "  "]


# ----------------------------------------------------------------------------------------------------- scales


@pytest.mark.parametrize(
    ("scale", "most", "labels"),
    [
        (Scale(0.0, 1.0), 5, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (Scale(52.8, 79.1), 4, ["60", "70"]),
        (Scale(-0.03, 0.02), 6, ["-0.03", "-0.02", "-0.01", "0.00", "0.01", "0.02"]),
        (Scale(2.9e6, 3.4e6), 4, ["3e6", "3.2e6", "3.4e6"]),
        (Scale(1e-6, 4e-6), 4, ["1e-6", "2e-6", "3e-6", "4e-6"]),
        (Scale(1e-3, 1e4, log=True), 8, ["0.001", "0.01", "0.1", "1", "10", "100", "1000", "10000"]),
        (Scale(1e-3, 1e4, log=True), 4, ["0.01", "1", "100", "10000"]),
        (Scale(0.15, 1.2, log=True), 4, ["0.2", "0.5", "1"]),
        (Scale(1e-9, 1e-6, log=True), 8, ["1e-9", "1e-8", "1e-7", "1e-6"]),
        (Scale(3.1, 3.9, log=True), 4, ["3.2", "3.4", "3.6", "3.8"]),
    ],
)
def test_ticks_are_round_numbers(scale, most, labels):
    found = ticks(scale, most)
    assert [tick.label for tick in found] == labels
    assert all(float(tick.label) == pytest.approx(tick.value) for tick in found)


def test_places_on_a_scale_are_clipped():
    scale = Scale(0.01, 100.0, log=True)
    assert [scale.at(v) for v in (0.0, 0.01, 1.0, 100.0, 1e9)] == [0.0, 0.0, pytest.approx(0.5), 1.0, 1.0]
    assert Scale(1.0, 1.0).at(1.0) == 0.5


def test_a_lambda_of_zero_has_its_place_at_the_left_end():
    scale = lambda_scale([100.0, 1.0, 0.0])
    assert scale.at(0.0) == 0.0
    assert 0.02 < scale.at(1.0) < 0.2
    assert lambda_scale([0.0]) == Scale(0.0, 1.0)
    assert lambda_scale([5.0]) == Scale(2.5, 10.0, log=True)


def test_values_over_more_than_a_factor_20_get_a_logarithmic_axis():
    assert value_scale([1.0, 19.0]).log is False
    assert value_scale([1.0, 21.0]).log is True
    assert value_scale([-1.0, 30.0]).log is False
    assert value_scale([2.0, 2.0]) == Scale(1.8, 2.2)
    assert value_scale([0.01, 0.9], linear=True) == Scale(0.01, 0.9)


@pytest.mark.parametrize(
    ("low", "high"), [(52.8, 79.1), (0.11, 1.24), (-38.0, 36.0), (1e-7, 3e-7), (3200.0, 5900.0)]
)
def test_snapped_axes_have_ticks_at_even_distances(low, high):
    scale, rows = snapped(Scale(low, high), 9)
    assert scale.low <= low < high <= scale.high
    assert 8 <= rows <= 12
    canvas = Canvas(1, rows, unicode=True)
    places = [canvas.cell_row(scale.at(tick.value)) for tick in ticks(scale, max(rows // 2, 2))]
    assert places[0] == rows - 1
    assert len({a - b for a, b in pairwise(places)}) <= 2


# ----------------------------------------------------------------------------------------------------- charts


def axis_rows(markers, columns=72):
    rows = lambda_axis(LAMBDAS, lambda_scale(LAMBDAS), [Marker(*m) for m in markers], columns, 6, UNICODE)
    return [plain(row) for row in rows]


def test_names_of_markers_stand_among_the_numbers_where_they_fit():
    rule, labels = axis_rows([(3.0, "min"), (30.0, "1se")])
    assert rule[labels.index("min") + 1] == rule[labels.index("1se") + 1] == "▲"
    assert labels.split() == [
        "0.001",
        "0.01",
        "0.1",
        "1",
        "min",
        "10",
        "1se",
        "100",
        "1000",
        "10000",
        "lambda",
    ]


def test_names_of_markers_take_a_row_of_their_own_rather_than_hide_a_number():
    rule, names, numbers = axis_rows([(1.0, "min"), (100.0, "1se")])
    assert rule.count("▲") == 2
    assert names.split() == ["min", "1se"]
    assert numbers.split() == ["0.001", "0.01", "0.1", "1", "10", "100", "1000", "10000", "lambda"]


def test_neighbouring_and_equal_markers_are_both_named():
    assert "min 1se" in axis_rows([(3.0, "min"), (3.9, "1se")])[1]
    assert "min = 1se" in axis_rows([(3.0, "min"), (3.0, "1se")])[1]


def chart(**changes):
    values = [(k - 12) ** 2 / 100 + 0.1 for k in range(len(LAMBDAS))]
    given = {"x": lambda_scale(LAMBDAS), "y": value_scale(values), "series": [Series(values)]}
    return Chart(LAMBDAS, **(given | changes))


@pytest.mark.parametrize("width", [40, 60, 80, 120, 300])
@pytest.mark.parametrize("unicode", [True, False])
def test_a_chart_fits_its_page(width, unicode):
    lines = draw(chart(markers=[Marker(10.0, "min")]), Page(width=width, unicode=unicode))
    assert max(width_of(text) for text in lines) <= min(width, 100)
    assert len(lines) >= 11
    assert unicode or all(plain(text).isascii() for text in lines)


def test_names_left_of_the_chart_are_ordered_by_height_and_never_share_a_row():
    labels = [RowLabel(2.0, "top"), RowLabel(1.99, "second"), RowLabel(1.98, "third"), RowLabel(0.1, "last")]
    rows = [plain(text).split() for text in draw(chart(names=labels), Page(80))]
    assert [row[0] for row in rows if row and row[0].isalpha() and row[0] != "lambda"] == [
        "top",
        "second",
        "third",
        "last",
    ]


def test_values_that_are_not_known_leave_a_gap_and_no_error():
    values = [None] * 10 + [1.0] * (len(LAMBDAS) - 10)
    lines = draw(chart(series=[Series(values)]), Page(80))
    assert any("⠒" in plain(text) or "⠤" in plain(text) or "⠉" in plain(text) for text in lines)
