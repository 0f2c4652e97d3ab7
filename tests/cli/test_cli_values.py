"""Numbers, lists and grids as they are written on the command line."""

from __future__ import annotations

import pytest

from l2cli.cli import values
from l2cli.errors import DataError, UsageError
from l2cli.spec import GridSpec


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1.0), ("-2.5", -2.5), (".5", 0.5), ("1.", 1.0), ("1e-3", 0.001), ("+2E+2", 200.0), (" 3 ", 3.0)],
)
def test_numbers_are_read(text, value):
    assert values.number(text, "--tol") == value


@pytest.mark.parametrize(
    "text", ["", "x", "nan", "inf", "-inf", "1_000", "0x10", "1e999", "1,5", "--", "1 2", "\u0661"]
)
def test_what_is_no_number_is_refused_by_the_name_of_its_option(text):
    with pytest.raises(UsageError, match=r"^--tol needs a number, not '"):
        values.number(text, "--tol")


def test_a_decimal_comma_gets_a_hint():
    with pytest.raises(UsageError, match=r"write the decimal point as '\.'"):
        values.number("1,5", "--tol")


@pytest.mark.parametrize("text", ["1", "-5", "2.0", "x", "", "1e1", "9" * 40])
def test_whole_numbers_below_the_least_or_none_at_all_are_refused(text):
    with pytest.raises(UsageError, match="--folds must be a whole number of at least 2"):
        values.whole(text, "--folds", 2)


def test_whole_numbers_have_a_limit_where_more_make_no_sense():
    assert values.whole("1000", "--repeats", 1, 1000) == 1000
    with pytest.raises(UsageError, match=r"^--repeats may be at most 1000, not 99999$"):
        values.whole("99999", "--repeats", 1, 1000)


def test_whole_numbers_are_read():
    assert [values.whole(text, "--folds", 2) for text in ("2", "10", " 5 ")] == [2, 10, 5]


def test_a_number_outside_its_range_is_refused():
    assert values.number_between("0.5", "--threshold", 0, 1) == 0.5
    with pytest.raises(UsageError, match=r"--threshold must be between 0 and 1, not 1\.5"):
        values.number_between("1.5", "--threshold", 0, 1)


@pytest.mark.parametrize(
    ("texts", "names"),
    [
        (["a,b"], ("a", "b")),
        (["a", "b,c"], ("a", "b", "c")),
        ([r"a\,b,c"], ("a,b", "c")),
        (["gene_*,a b"], ("gene_*", "a b")),
        ([r"back\slash"], (r"back\slash",)),
        ([], ()),
    ],
)
def test_lists_are_parted_at_commas_that_no_backslash_keeps(texts, names):
    assert values.split_lists(texts, "--features") == names


@pytest.mark.parametrize("text", ["", "a,,b", ",a", "a,"])
def test_an_empty_name_in_a_list_is_refused(text):
    with pytest.raises(UsageError, match="holds an empty name"):
        values.split_list(text, "--features")


def test_a_single_lambda_is_a_number_or_auto():
    assert values.single_lambda("auto") is None
    assert values.single_lambda("0") == 0.0
    assert values.single_lambda("2.5") == 2.5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nan", "--lambda must be 0 or larger, not nan"),
        ("inf", "--lambda must be a finite number, not inf"),
        ("-1", "--lambda must be 0 or larger, not -1"),
        ("1,2", "--lambda takes one number or auto, not '1,2'; use --lambdas for several"),
        ("1:2", "--lambda takes one number or auto, not '1:2'; use --lambdas for several"),
        ("much", "--lambda needs a number, not 'much'"),
    ],
)
def test_a_lambda_that_is_none_is_refused(text, message):
    with pytest.raises(UsageError) as error:
        values.single_lambda(text)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("text", "grid"),
    [
        ("auto", GridSpec()),
        ("auto:5", GridSpec(count=5)),
        ("1e-3:1e4", GridSpec(low=1e-3, high=1e4, count=100)),
        ("1e-3:1e4:80", GridSpec(low=1e-3, high=1e4, count=80)),
        ("3,1,2,1", GridSpec(values=(3.0, 1.0, 2.0, 1.0))),
        ("0", GridSpec(values=(0.0,))),
    ],
)
def test_grids_are_read_as_given(text, grid):
    assert values.grid(text) == grid


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no grid"),
        ("1:", "is no grid"),
        ("1:2:3:4", "is no grid"),
        ("auto:", "is no grid"),
        ("auto:0", "--lambdas: N must be a whole number of at least 1, not '0'"),
        ("auto:x", "--lambdas: N must be a whole number of at least 1, not 'x'"),
        ("1:10:1000000", "--lambdas: N may be at most 100000"),
        ("10:1", "LO is above HI; write 1:10"),
        ("0:1", "LO:HI needs 0 < LO <= HI"),
        ("nan:1", "--lambdas needs a number, not 'nan'"),
        ("1,nan", "--lambdas needs a number, not 'nan'"),
        ("1,-2", "--lambdas must be 0 or larger, not -2"),
        ("1,,2", "--lambdas needs a number, not ''"),
    ],
)
def test_a_grid_that_is_none_is_refused(text, message):
    with pytest.raises(UsageError) as error:
        values.grid(text)
    assert message in str(error.value)


def test_lambdas_are_read_from_a_file(tmp_path):
    path = tmp_path / "grid.txt"
    path.write_text("# strong to weak\n100, 10\n1 0.1  # enough\n\n")
    assert values.grid(f"@{path}") == GridSpec(values=(100.0, 10.0, 1.0, 0.1))


def test_a_bad_file_of_lambdas_is_named_with_its_line(tmp_path):
    path = tmp_path / "grid.txt"
    path.write_text("1\n2 much\n")
    with pytest.raises(UsageError, match="line 2 needs a number, not 'much'"):
        values.grid(f"@{path}")
    path.write_text("# nothing\n")
    with pytest.raises(UsageError, match="holds no number"):
        values.grid(f"@{path}")
    path.write_bytes(b"\xff\xfe1")
    with pytest.raises(DataError, match="it is not text"):
        values.grid(f"@{path}")
    with pytest.raises(DataError, match="No such file"):
        values.grid(f"@{tmp_path / 'none'}")


def test_penalty_factors_are_split_at_the_last_equals_sign():
    assert values.penalty_factors(["age=0,gene_*=2", "a=b=3"]) == (
        ("age", 0.0),
        ("gene_*", 2.0),
        ("a=b", 3.0),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("age", "--penalty-factor 'age' has no factor"),
        ("=2", "--penalty-factor '=2' has no factor"),
        ("age=-1", "--penalty-factor age must be 0 or larger, not -1"),
        ("age=nan", "--penalty-factor age needs a number, not 'nan'"),
        ("age=1,age=2", "--penalty-factor gives 'age' twice"),
    ],
)
def test_a_bad_penalty_factor_is_refused(text, message):
    with pytest.raises(UsageError) as error:
        values.penalty_factors([text])
    assert str(error.value).startswith(message)


def test_references_need_a_level():
    assert values.references(["sex=male", "a=b=c"]) == ("sex=male", "a=b=c")
    with pytest.raises(UsageError, match="write column=level"):
        values.references(["sex"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--l1-ratio", "1e-320", "-k", "3"],
            "--l1-ratio must be 0 (L2) or at least 1e-09, not 9.99989e-321",
        ),
        (
            ["--bounds", "a=1e308:", "--lambda", "1"],
            "--bounds 'a': 1e+308 is beyond 1e+150, its square overflows",
        ),
        (["--lambda", "inf"], "--lambda must be a finite number, not inf"),
        (
            ["--repeats", "99999999999999999", "-k", "3"],
            "--repeats may be at most 1000, not 99999999999999999",
        ),
        (["--encoding", "\xe9"], "--encoding \xe9: no such encoding"),
    ],
)
def test_values_that_no_fit_could_survive_are_wrong_usage(quick, data, words, message):
    done = quick("fit", "data.csv", *words)
    assert done.returncode == 2
    assert done.stderr.startswith(f"l2cli: error: {message}")


def test_a_name_may_have_hyphens_for_underscores():
    assert values.choice("log-loss", "--metric", ("auc", "log_loss")) == "log_loss"
    with pytest.raises(UsageError, match="--metric 'log-los' is not available"):
        values.choice("log-los", "--metric", ("auc", "log_loss"))
