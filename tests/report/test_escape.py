"""Names and cells may hold anything; a terminal must see none of it as a command."""

from __future__ import annotations

import sys

import pytest

from l2cli.report.escape import cell_width, cut_middle, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain name", "plain name"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("a\tb\nc\rd", r"a\tb\nc\rd"),
        ("\x07\x00\x7f\x9b", r"\x07\x00\x7f\x9b"),
        ("right\u202eto left", r"right\u202eto left"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        ("no\xa0break", r"no\xa0break"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
        ("[bold]x[/bold]", "[bold]x[/bold]"),
        ("Größe 収入 😀", "Größe 収入 😀"),
    ],
)
def test_what_is_not_printable_is_shown_as_an_escape(text, shown):
    assert visible(text) == shown


def test_every_character_becomes_printable():
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    assert visible(everything, len(everything)).isprintable()


def test_a_name_that_nobody_can_read_is_cut_in_its_middle():
    assert visible("a" * 500) == "a" * 500
    assert visible("a" * 400 + "b" * 400) == "a" * 250 + "..." + "b" * 250


@pytest.mark.parametrize(
    ("text", "width"),
    [("abc", 3), ("収入", 4), ("ｆｕｌｌ", 8), ("e\u0301", 1), ("한국", 4), ("\u1112\u1161", 2), ("", 0)],
)
def test_wide_and_combining_characters_are_measured(text, width):
    assert cell_width(text) == width


@pytest.mark.parametrize(
    ("text", "width", "cut"),
    [
        ("short", 5, "short"),
        ("neighborhood=north_park", 15, "neighborho…park"),
        ("収入と支出の合計", 9, "収入と…計"),
        ("abcdef", 1, "a…"),
    ],
)
def test_a_long_name_keeps_both_ends(text, width, cut):
    assert cut_middle(text, width, "…") == cut


@pytest.mark.parametrize("width", range(2, 30))
def test_a_cut_name_has_room(width):
    assert cell_width(cut_middle("収入 income of the whole 家族 in a year", width, "…")) <= width
