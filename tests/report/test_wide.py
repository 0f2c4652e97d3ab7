"""Names of classes and targets as the heads of columns."""

from __future__ import annotations

import pytest

from l2cli.report.layout import Page, plain
from l2cli.report.screens.heading import data_lines
from l2cli.report.screens.wide import cut_heads

SENTENCES = ["Strongly agree with the statement", "Neither agree nor disagree", "Strongly disagree with it"]


@pytest.mark.parametrize("width", [60, 80, 100])
def test_sentences_are_cut_so_that_all_fit_a_terminal(width):
    heads = cut_heads(SENTENCES, Page(width, terminal=True))
    assert len(set(heads)) == 3
    assert sum(map(len, heads)) + 2 * len(heads) <= width - 8
    assert cut_heads(SENTENCES, Page(width)) == SENTENCES


def test_names_that_would_be_cut_alike_stay_whole():
    names = [f"group {'x' * 40}{i}{'y' * 40}" for i in range(4)]
    assert cut_heads(names, Page(80, terminal=True)) == names


def test_labels_with_blanks_do_not_run_into_their_counts():
    classes = [{"label": "not at all", "count": 3}, {"label": "yes", "count": 2}]
    [text] = [
        plain(line) for line in data_lines({"target": "y", "rows_used": 5, "classes": classes}, Page(120))
    ]
    assert "'not at all' 3, yes 2" in text
