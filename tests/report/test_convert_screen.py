"""The screen of convert: every mix with its digits, the command for the same fit, and what would add more."""

from __future__ import annotations

from l2cli.api.convert import convert_lambda
from l2cli.report.layout import Page
from l2cli.report.main_table import main_table
from l2cli.report.screens.convert import screen


def text_of(*arguments, **known):
    lines = screen(convert_lambda(*arguments, **known).to_dict(), Page(100, unicode=True))
    return ["".join(span.text for span in line).rstrip() for line in lines]


def test_a_mix_stands_below_every_strength_that_has_one():
    text = text_of(2.0, rows=50, target_sd=3.0, l1_ratio=1 / 3)
    at = next(i for i, line in enumerate(text) if "ElasticNet(alpha)" in line)
    assert text[at + 1].split() == ["scikit-learn", "ElasticNet(l1_ratio)", "0.333333"]
    assert "here: l2cli fit DATA --lambda 2.0 --l1-ratio 0.3333333333333333" in text
    table = main_table(convert_lambda(2.0, rows=50, target_sd=3.0, l1_ratio=1 / 3).to_dict())
    assert dict(zip(table["elsewhere"], table["value"], strict=True))["l1_ratio"] == 1 / 3


def test_pure_l1_is_called_a_lasso():
    text = text_of(2.0, rows=50, l1_ratio=1.0)
    assert any(line.split() == ["scikit-learn", "Lasso(alpha)", "0.04"] for line in text)
    assert not any("ElasticNet" in line for line in text)


def test_what_would_add_more_is_said():
    assert "more with --rows and --target-sd, or DATA; other tools with --family" in text_of(3.0)
    assert not any("more with" in line for line in text_of(3.0, rows=9, target_sd=2.0))
