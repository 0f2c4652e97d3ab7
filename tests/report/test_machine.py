"""json, jsonl, csv and md: exact values, exact names, nothing a program could stumble over."""

from __future__ import annotations

import csv
import io
import json
import math

import pytest

from l2cli.report.layout import plain
from l2cli.report.machine import csv_text, json_text, jsonl_text, md_text, table_text
from l2cli.report.main_table import Columns, main_table
from l2cli.report.render import render, render_columns

RESULTS = [
    "fit_gaussian",
    "cv_binomial",
    "path_gaussian",
    "compare_gaussian",
    "evaluate_binomial",
    "inspect_odd",
    "convert_gaussian",
    "explain_gaussian",
]
NAMES = [
    "=1+1",
    "a,b",
    'say "hi"',
    "line\nbreak",
    "|pipe|",
    "<script>",
    "`tick`",
    "\x1b[31m",
    "+x",
    "@y",
    "-z",
    "收入",
]


def text_of(result, fmt, **page):
    return "".join(f"{plain(text)}\n" for text in render(result, fmt, **page))


def refuse(constant):
    raise AssertionError(constant)


def strict_json(text):
    """Return the value of a JSON text that holds no NaN and no Infinity."""
    return json.loads(text, parse_constant=refuse)


# ------------------------------------------------------------------------------------------------------- json


@pytest.mark.parametrize("name", RESULTS)
@pytest.mark.parametrize("unicode", [True, False])
def test_json_is_the_whole_result(stored, name, unicode):
    result = stored(name)
    text = text_of(result, "json", unicode=unicode)
    assert strict_json(text) == result
    assert unicode or text.isascii()


def test_json_begins_with_what_it_is_and_ends_with_how_long_it_took(stored):
    result = dict(reversed(stored("fit_gaussian").items()))
    keys = list(strict_json(text_of(result, "json")))
    assert keys[:5] == ["schema", "version", "level", "data", "settings"]
    assert keys[-2:] == ["warnings", "timing"]


def test_json_has_null_for_what_is_no_number():
    assert strict_json(json_text({"a": [math.nan, 1.0], "b": {"c": -math.inf, "d": [[math.inf]]}})) == {
        "a": [None, 1.0],
        "b": {"c": None, "d": [[None]]},
    }


def test_json_puts_rows_on_lines_of_their_own():
    text = json_text({"fold_losses": [[1.0, 2.0], [3.0, 4.0]], "empty": [], "none": {}})
    assert text.splitlines() == [
        "{",
        '  "fold_losses": [',
        "    [1.0, 2.0],",
        "    [3.0, 4.0]",
        "  ],",
        '  "empty": [],',
        '  "none": {}',
        "}",
    ]


def test_json_keeps_floats_exactly():
    values = [0.1 + 0.2, 1e-320, 1.7976931348623157e308, -0.0, 123456789.123456789]
    assert strict_json(json_text({"v": values}))["v"] == values


@pytest.mark.parametrize("unicode", [True, False])
def test_json_text_does_nothing_to_a_terminal(unicode):
    text = json_text({"names": NAMES, "\x9b": "\u202e"}, unicode)
    assert strict_json(text) == {"names": NAMES, "\x9b": "\u202e"}
    assert text.replace("\n", "").isprintable()


# -------------------------------------------------------------------------------------------- csv, jsonl, md


def test_csv_cells_are_exact_and_quoted():
    values = [float(k) / 3 for k in range(len(NAMES))]
    text = "".join(csv_text({"feature": NAMES, "coef": values}))
    rows = list(csv.reader(text.splitlines(keepends=True)))
    assert rows[0] == ["feature", "coef"]
    assert [row[0] for row in rows[1:]] == NAMES
    assert [float(row[1]) for row in rows[1:]] == values


def test_csv_for_a_terminal_is_escaped():
    text = "".join(csv_text({"\x07id": ["\x1b[31m", "a\nb"]}, escape=True))
    assert text == "\\x07id\n\\x1b[31m\na\\nb\n"


def test_csv_leaves_cells_without_a_number_empty():
    columns: Columns = {
        "a": [1.5, math.nan, None, math.inf],
        "b": [1, 2, 3, 4],
        "c": [True, False, None, True],
    }
    assert "".join(csv_text(columns)).splitlines() == ["a,b,c", "1.5,1,true", ",2,false", ",3,", ",4,true"]


def test_csv_of_one_empty_column_keeps_its_rows():
    assert list(csv.reader("".join(csv_text({"a": [None, 1.0]})).splitlines())) == [["a"], [""], ["1.0"]]


def test_jsonl_has_an_object_a_line():
    lines = "".join(jsonl_text({"feature": NAMES, "100%": [math.nan] * len(NAMES)})).splitlines()
    assert [strict_json(text) for text in lines] == [{"feature": name, "100%": None} for name in NAMES]


def test_md_shows_names_as_they_are():
    text = "".join(md_text({"feature": NAMES, "coef": [1 / 3] * len(NAMES), "kept": [None] * len(NAMES)}))
    lines = text.splitlines()
    assert len(lines) == len(NAMES) + 2
    assert lines[1] == "| --- | ---: | ---: |"
    assert lines[2] == "| =1+1 | 0.333333 |  |"
    assert lines[6].startswith(r"| \|pipe\| |")
    assert lines[7].startswith(r"| \<script\> |")
    assert lines[8].startswith(r"| \`tick\` |")
    assert lines[9].startswith(r"| \\x1b\[31m |")


@pytest.mark.parametrize("fmt", ["csv", "jsonl", "json", "md"])
@pytest.mark.parametrize("rows", [0, 1, 20_000, 45_001])
def test_blocks_lose_no_row(fmt, rows):
    columns: Columns = {"id": [f"r{k}" for k in range(rows)], "prediction": [k / 7 for k in range(rows)]}
    text = "".join(table_text(columns, fmt))
    assert text.endswith("\n") or (fmt, rows) == ("jsonl", 0)
    ids = {"csv": r"r", "jsonl": '"r', "json": '"r', "md": "| r"}
    assert sum(ids[fmt] in line.replace("prediction", "") for line in text.splitlines()) == rows
    if fmt == "json":
        assert [row["prediction"] for row in strict_json(text)] == columns["prediction"]


# ------------------------------------------------------------------------------------------------ main tables


def test_the_table_of_a_fit_begins_with_the_intercept(stored):
    result = stored("fit_gaussian")
    rows = list(csv.DictReader(text_of(result, "csv").splitlines()))
    assert rows[0]["feature"] == "(intercept)"
    assert float(rows[0]["coef"]) == result["intercept"]
    assert [float(row["coef"]) for row in rows[1:]] == [c["coef"] for c in result["coefficients"]]
    result["settings"]["intercept"] = False
    assert main_table(result)["feature"] == [c["feature"] for c in result["coefficients"]]


def test_the_table_of_a_curve_marks_what_the_rules_choose(stored):
    result = stored("cv_binomial")
    rows = [json.loads(text) for text in text_of(result, "jsonl").splitlines()]
    assert [row["lambda"] for row in rows] == result["lambdas"]
    assert {row["rule"]: row["lambda"] for row in rows if row["rule"]} == {
        "min": result["lambda_min"],
        "1se": result["lambda_1se"],
    }
    result["index_1se"] = result["index_min"]
    assert "min 1se" in main_table(result)["rule"]


def test_the_table_of_a_path_is_long(stored):
    result = stored("path_gaussian")
    table = main_table(result)
    per_lambda = len(result["coefficients"]) + 1
    assert {len(column) for column in table.values()} == {per_lambda * len(result["lambdas"])}
    assert table["feature"][:2] == ["(intercept)", "age"]
    assert table["coef"][per_lambda + 1] == result["coefficients"][0]["coef"][1]


@pytest.mark.parametrize(
    ("name", "columns", "rows"),
    [
        ("compare_gaussian", "name", 4),
        ("evaluate_binomial", "metric", 7),
        ("convert_gaussian", "elsewhere", 8),
        ("explain_gaussian", "feature", 10),
    ],
)
def test_other_tables_have_a_row_for_each(stored, name, columns, rows):
    table = main_table(stored(name))
    assert next(iter(table)) == columns
    assert len(table[columns]) == rows


# ----------------------------------------------------------------------------------------------- predictions

PREDICTIONS: Columns = {
    "id": ["a", "收入", "x" * 60],
    "prediction": [151.2345678, None, -7.5],
    "probability": [0.12345, 1.0, 0.0],
}


def test_predictions_as_csv_are_exact():
    rows = list(csv.DictReader("".join(render_columns(PREDICTIONS)).splitlines()))
    assert [row["prediction"] for row in rows] == ["151.2345678", "", "-7.5"]
    assert [row["id"] for row in rows] == PREDICTIONS["id"]


def test_predictions_as_a_table_are_aligned():
    lines = "".join(render_columns(PREDICTIONS, "table", terminal=True)).splitlines()
    assert lines[0].split() == ["id", "prediction", "probability"]
    assert lines[1].endswith("151.2        0.123")
    assert lines[2].split() == ["收入", "1.000"]
    assert lines[3].split() == ["x" * 28 + "…" + "x" * 11, "-7.5", "0.000"]
    assert "x" * 60 in "".join(render_columns(PREDICTIONS, "table"))


def test_predictions_without_rows_have_a_header():
    assert render_columns({"prediction": []}) == ["prediction\n"]
    assert render_columns({"prediction": []}, "table") == [" prediction\n"]


def test_csv_quotes_a_lone_carriage_return():
    cells = ["a\rb", "c\r\nd", "e\nf", "=1+1", " g", ""]
    text = "".join(csv_text({"id": cells, "n": list(range(6))}))
    assert "\r\n" not in text.replace("c\r\nd", "")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert [row[0] for row in rows[1:]] == cells
