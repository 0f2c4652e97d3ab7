"""Tables and flowed text in a page's width."""

from __future__ import annotations

import pytest

from l2cli.report.layout import (
    Column,
    Page,
    Span,
    cells,
    clauses,
    decimal_cells,
    flowed,
    line,
    plain,
    table,
    width_of,
)

NAMES = ["bmi", "a name that is rather long", "収入"]


def columns() -> list[Column]:
    return [
        Column("feature", cells(NAMES, "name"), least=8),
        Column("coef", decimal_cells(["5.61", "-298", "0.0012"]), "right", rank=5),
        Column("kept", decimal_cells(["98 %", "7 %", "-4 %"]), "right", rank=3),
    ]


def shown(lines):
    return [plain(text) for text in lines]


def test_a_table_without_a_terminal_is_never_cut():
    assert shown(table(columns(), Page(width=10))) == [
        " feature                          coef  kept",
        " bmi                            5.61    98 %",
        " a name that is rather long  -298        7 %",
        " 収入                           0.0012  -4 %",
    ]


def test_names_give_way_before_columns_do():
    page = Page(width=36, terminal=True)
    lines = table(columns(), page)
    assert shown(lines)[2] == " a name that i…long  -298        7 %"
    assert {width_of(text) for text in lines} == {36}


def test_columns_of_the_lowest_rank_go_first():
    lines = table(columns(), Page(width=24, terminal=True))
    assert shown(lines)[0] == " feature            coef"
    assert max(width_of(text) for text in lines) <= 24


def test_ascii_pages_mark_a_cut_in_ascii():
    lines = table(columns(), Page(width=36, unicode=False, terminal=True))
    assert ".." in plain(lines[2])


def test_flowed_text_keeps_words_whole_and_styles():
    spans = [Span("alpha (beta", "hint"), Span("gamma) delta", "value")]
    lines = flowed(spans, Page(width=14), indent=2)
    assert shown(lines) == ["alpha", "  (betagamma)", "  delta"]
    assert lines[1][1:] == (Span("(beta", "hint"), Span("gamma)", "value"))


def test_flowed_text_keeps_a_share_together():
    assert shown(flowed([Span("it has 35 % of all")], Page(width=10))) == ["it has", "35 % of", "all"]


def test_flowed_text_never_splits_a_long_word():
    assert shown(flowed([Span("x " + "y" * 30)], Page(width=10))) == ["x", "y" * 30]


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (80, ["one clause; another clause; a third"]),
        (28, ["one clause; another clause", "  a third"]),
        (14, ["one clause", "  another", "  clause", "  a third"]),
    ],
)
def test_clauses_break_where_they_end(width, expected):
    parts = [line("one clause"), line("another clause"), line("a third")]
    assert shown(clauses(parts, Page(width=width), indent=2)) == expected
