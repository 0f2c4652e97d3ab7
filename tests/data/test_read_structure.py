"""What stands around the rows of a text: comments, titles, units, totals, delimiters at the ends of lines."""

from __future__ import annotations

import io

import pytest

from l2cli.data.dialect import find_layout
from l2cli.data.read import read_header
from l2cli.errors import DataError
from l2cli.spec import ReadSpec

HEADER = b"g,x,k\n"
ROWS = [b"a,6.5,1\n", b"b,5,3\n", b"c,4.5,7\n", b"a,3,2\n"]
BODY = b"".join(ROWS)
ENDED = BODY.replace(b"\n", b",\n")
BESIDE = "if it is data, give --no-header"

# The text, the notes, and the lines on which the four rows begin.
READ = {
    "comments on top": (
        b"# one\n\n# two, three\n" + HEADER + BODY,
        ["2 lines that begin with # skipped"],
        [5, 6, 7, 8],
    ),
    "comments among the rows": (
        HEADER + ROWS[0] + b"# c\n" + ROWS[1] + b"  # x, y\n#\n" + ROWS[2] + ROWS[3] + b"# end",
        ["4 lines that begin with # skipped"],
        [2, 4, 7, 8],
    ),
    "a comment with a stray quote": (
        HEADER + ROWS[0] + b'# 5" pipes\n' + b"".join(ROWS[1:]),
        ["1 line that begins with # skipped"],
        [2, 4, 5, 6],
    ),
    "a header behind #": (
        b"#" + HEADER + BODY,
        ["line 1, which begins with #, was taken as names"],
        [2, 3, 4, 5],
    ),
    "a header behind # and a blank, below comments": (
        b"## g, h, i\n# made by a, b\n# " + HEADER + BODY,
        ["line 3, which begins with #, was taken as names", "2 lines that begin with # skipped"],
        [4, 5, 6, 7],
    ),
    "a comment as wide as the header below it": (
        b"# made by a, in 2020, twice\n" + HEADER + BODY,
        ["1 line that begins with # skipped"],
        [3, 4, 5, 6],
    ),
    "the line for Excel": (b"sep=;\n" + (HEADER + BODY).replace(b",", b";"), [], [3, 4, 5, 6]),
    "the line for Excel, quoted": (b'"sep=,"\r\n' + HEADER + BODY, [], [3, 4, 5, 6]),
    "a delimiter behind every line": (
        HEADER[:-1] + b",\n" + ENDED,
        ["every line ends with a delimiter; the empty column behind it is left out"],
        [2, 3, 4, 5],
    ),
    "three delimiters behind every line": (
        HEADER[:-1] + b",,,\n" + BODY.replace(b"\n", b",,,\n"),
        ["every line ends with 3 delimiters; the empty columns behind them are left out"],
        [2, 3, 4, 5],
    ),
    "a delimiter behind every row": (
        HEADER + ENDED,
        ["every row, but not the header, ends with a delimiter; the empty column behind it is left out"],
        [2, 3, 4, 5],
    ),
    "a delimiter behind the header": (
        HEADER[:-1] + b",\n" + BODY,
        ["the header ends with a delimiter that the rows lack; it is ignored"],
        [2, 3, 4, 5],
    ),
    "lines of delimiters above and below": (
        b",,\n" + HEADER + BODY + b",,\n\n , ,\t\n,,,,,\n",
        ["3 lines of nothing but delimiters at the end skipped"],
        [3, 4, 5, 6],
    ),
    "comments, lines of delimiters and delimiters behind every line": (
        b"# c\n" + HEADER[:-1] + b",\n" + ENDED + b"# end\n,,,\n",
        [
            "every line ends with a delimiter; the empty column behind it is left out",
            "2 lines that begin with # skipped",
            "1 line of nothing but delimiters at the end skipped",
        ],
        [3, 4, 5, 6],
    ),
}


@pytest.mark.parametrize(("content", "notes", "lines"), READ.values(), ids=READ)
def test_what_is_no_row_is_read_past_and_said(content, notes, lines, read):
    table = read(content)
    assert table.names == ("g", "x", "k")
    assert table.number("x").tolist() == [6.5, 5.0, 4.5, 3.0]
    assert table.number("k").tolist() == [1.0, 3.0, 7.0, 2.0]
    assert [table.texts["g"].levels[code] for code in table.texts["g"].codes] == ["a", "b", "c", "a"]
    assert table.notes == notes
    assert [table.line_of(row) for row in range(4)] == lines


@pytest.mark.parametrize(("content", "names"), [(content, ("g", "x", "k")) for content, *_ in READ.values()])
def test_the_header_alone_is_found_in_the_same_place(content, names):
    assert read_header("-", stdin=io.BytesIO(content)) == names


def test_a_line_of_delimiters_among_the_rows_is_a_row(read):
    """One prediction for each: without it all below would be off by one."""
    content = b"a,b,c\n,1,\nx,,3\n,,\n,,\n,2,\n,,\n"
    for names in (None, ["a"], ["b"], ["b", "c"], []):
        table = read(content, names=names)
        assert (table.n_rows, table.line_of(4)) == (5, 6)
        assert table.notes == ["1 line of nothing but delimiters at the end skipped"]
    table = read(b'a,b\n1,2\n,\n"",""\n', ReadSpec())
    assert repr(table.number("a").tolist()) == "[1.0, nan, nan]"


def test_rows_that_begin_with_a_hash_are_rows_where_they_are_as_wide(read):
    table = read(b"tag,x\nb,1\n#a,2\nc,3\n")
    assert table.texts["tag"].levels == ("b", "#a", "c")
    table = read(b"#tag,x\n#b,1\n#a,2\n")
    assert (table.names, table.texts["#tag"].levels) == (("#tag", "x"), ("#b", "#a"))
    table = read(b"#,name,x\n1,foo,2\n2,bar,3\n")
    assert (table.names, table.notes) == (("#", "name", "x"), [])


def test_a_header_behind_a_hash_above_words_alone():
    """Right behind the #, it is a name; behind a blank a remark."""
    assert find_layout("#g,h\na,b\nc,d\n", True, ReadSpec(), "file").names == ("g", "h")
    assert find_layout("# g, h\na,b\nc,d\n", True, ReadSpec(), "file").names == ("a", "b")


def test_a_header_as_numpy_writes_it(read):
    table = read(b"# x y z\n1 2 3\n4 5 6\n7 8 9\n")
    assert (table.names, table.number("z").tolist()) == (("x", "y", "z"), [3.0, 6.0, 9.0])


@pytest.mark.parametrize("way", ["small", "large", "shredded"])
def test_many_comments_above_a_large_table(way, read_in):
    above = b'## contig, "open\n' * 30_000
    table = read_in(above + b"#g,x\n" + b"a,1\nb,2\n" * 300, way)
    assert (table.names, table.n_rows, table.line_of(599)) == (("g", "x"), 600, 30_601)
    assert table.notes == [
        "line 30001, which begins with #, was taken as names",
        "30000 lines that begin with # skipped",
    ]


def test_comments_above_rows_without_names(read):
    table = read(b"# made by a tool\n1,2,\n3,4,\n", ReadSpec(header=False))
    assert (table.names, table.number("x2").tolist(), table.line_of(0)) == (("x1", "x2"), [2.0, 4.0], 2)
    assert table.notes == [
        "every line ends with a delimiter; the empty column behind it is left out",
        "1 line that begins with # skipped",
    ]


def test_a_comment_in_one_column_is_no_blank_line(read):
    assert read(b"a\n1\n# b, c\n2\n").number("a").tolist() == [1.0, 2.0]
    with pytest.raises(DataError, match="line 3: a blank line in a file of one column"):
        read(b"a\n1\n\n# b, c\n")


NO_NAMES = {
    "numbers above numbers": (b"a,6.5,21\nb,5,33\nc,4,7\n", "a, 6.5, 21"),
    "one number above numbers": (b"a,b,21\nc,d,33\ne,f,7\n", "a, b, 21"),
    "words that the column has": (b"yes,x\nno,y\nyes,z\n", "yes, x"),
}


@pytest.mark.parametrize(("content", "line"), NO_NAMES.values(), ids=NO_NAMES)
def test_a_first_line_that_may_be_data_is_said(content, line, read):
    assert read(content).notes == [f"the first line, {line}, was taken as names; {BESIDE}"]


def test_years_above_numbers_are_names(read):
    assert read(b"g,2019,2020,2021\na,1,2,3\nb,4,5,6\n").notes == []


def test_equal_numbers_as_names_may_be_data(read):
    with pytest.raises(
        DataError, match=r"'1' \(columns 2, 3\); rename them, or give --no-header if the first"
    ):
        read(b"a,1,1\nb,2,3\n")


REFUSED = {
    "a title": (
        b"My title\n" + HEADER + BODY,
        "line 1: 'My title' stands above the header, which seems to be line 2 (g, x, k); "
        "delete what is above, or give - as the file and pipe tail -n +2 FILE into it",
    ),
    "titles": (
        b"My title\n\nby me\n" + (HEADER + BODY).replace(b",", b";"),
        "line 1: 'My title' stands above the header, which seems to be line 4 (g, x, k); "
        "delete what is above, or give - as the file and pipe tail -n +4 FILE into it",
    ),
    "a title as wide as the table": (
        b"My title,,\n" + HEADER + BODY,
        "line 1: 'My title' stands above the header, which seems to be line 2 (g, x, k); "
        "delete what is above, or give - as the file and pipe tail -n +2 FILE into it",
    ),
    "units": (
        HEADER + b",(m),(kg)\n" + BODY,
        "line 2: '(m)', '(kg)' above numbers alone, so this is no row of data; "
        "delete the line, or name its cells with --na if they mean missing",
    ),
    "a total": (
        HEADER + BODY + b"Total,19,13\n",
        "line 6: 'Total', the sum of the rows above, is no row of its own; delete the line",
    ),
    "something behind the last delimiter": (
        HEADER[:-1] + b",\n" + ENDED * 30 + b"a,1,2,oops\n",
        "line 122: 4 fields where the header has 3 ('oops' would belong to no column); "
        "mend the line or give --delimiter",
    ),
    "something behind the last delimiter, early": (
        HEADER[:-1] + b",\n" + ENDED + b"a,1,2,oops\n",
        "line 6: 4 fields where the header has 3 ('oops' would belong to no column); "
        "mend the line or give --delimiter",
    ),
    "a row without the last delimiter": (
        HEADER + ENDED * 30 + b"a,1,2\n",
        "line 122: 3 fields where the header has 4 (no delimiter at its end, as other lines have); "
        "mend the line or give --delimiter",
    ),
    "colons": (
        (HEADER + BODY).replace(b",", b":"),
        "no , ; | tab or blank separates fields, but ':' makes 3 of every line; "
        "give --delimiter ':', or --delimiter , if it is a single column",
    ),
    "control characters": (
        (HEADER + BODY).replace(b",", b"\x01"),
        "no , ; | tab or blank separates fields, but '\\x01' makes 3 of every line; "
        "give --delimiter '\\x01', or --delimiter , if it is a single column",
    ),
    "two colons": (
        (HEADER + BODY).replace(b",", b"::"),
        "line 1: fields are separated by '::', and a delimiter is one character; "
        "replace '::' by one, such as a tab or a comma",
    ),
    "two bars": (
        (HEADER + BODY).replace(b",", b"||"),
        "line 1: fields are separated by '||', and a delimiter is one character; "
        "replace '||' by one, such as a tab or a comma",
    ),
    "nothing but delimiters": (b",,\n,,\n", "nothing but delimiters"),
    "single quotes around a delimiter": (
        b"a,b\n'x,y',1\n'x,z',2\n",
        "line 2: 'x,y' is in single quotes, which are ordinary characters in CSV; "
        "quote cells with double quotes",
    ),
    "single quotes around a delimiter, later": (
        b"a,b\n" + b"x,1\n" * 120 + b"'x,z',2\n",
        "line 122: 3 fields where the header has 2 ('2' would belong to no column); "
        "quote cells with double quotes, not with '",
    ),
    "single quotes around numbers": (
        b"a,b\n'1.5',1\n'2',2\n",
        "line 2: '1.5' is in single quotes, which are ordinary characters in CSV; "
        "quote cells with double quotes",
    ),
    "a backslash before a quote": (
        b"a,b\n" + b"x,1\n" * 20 + b'"x\\"z",1\n',
        'line 22: a quote behind a backslash, \\", in a quoted cell; '
        'write a quote inside a quoted cell as ""',
    ),
    "a backslash before the last quote": (
        b'a,b\n"x\\"",1\n"y\\"",2\n"z",3\n',
        'line 2: a quote behind a backslash, \\", in a quoted cell; '
        'write a quote inside a quoted cell as ""',
    ),
    "a backslash before a quote and a delimiter": (
        b'a,b\n"x\\", z",1\n"y\\", z",2\n',
        'line 2: a quote behind a backslash, \\", in a quoted cell; '
        'write a quote inside a quoted cell as ""',
    ),
}  # fmt: skip


@pytest.mark.parametrize(("content", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_right_is_refused_with_what_to_do(content, message, read):
    with pytest.raises(DataError) as caught:
        read(content)
    assert str(caught.value).removeprefix("standard input").lstrip(": ") == message


def test_what_was_named_is_believed(read):
    table = read(b"a:b\n1:2\n3:4\n", ReadSpec(delimiter=":"))
    assert table.number("b").tolist() == [2.0, 4.0]
    table = read(b"a\x01b\n1\x012\n3\x014\n", ReadSpec(delimiter="\\x01"))
    assert table.number("b").tolist() == [2.0, 4.0]
    assert read(b"a:b\n1:2\n", ReadSpec(delimiter=",")).names == ("a:b",)
    units = read(HEADER + b"m,-,-\n" + BODY, ReadSpec(na=("-",)))
    assert units.number("k").tolist()[1:] == [1.0, 3.0, 7.0, 2.0]


def test_times_are_no_fields(read):
    assert read(b"time\n12:30\n12:40\n").names == ("time",)


def test_a_total_that_is_the_name_of_something_is_a_row(read):
    assert read(b"brand,x\nShell,1\nEsso,2\nTotal,5\n").n_rows == 3
    assert read(b"brand,x\nTotal,1\nEsso,2\nTotal,3\n").n_rows == 3


def test_a_cell_that_ends_with_a_backslash(read):
    table = read(b'a,b\n"C:\\d\\",1\n"D:\\",2\n')
    assert table.texts["a"].levels == ("C:\\d\\", "D:\\")


def test_single_quotes_around_words_stay_and_are_said(read):
    table = read(b"a,b\n'x',1\n'y',2\n")
    assert table.texts["a"].levels == ("'x'", "'y'")
    assert table.notes == ["cells of column 'a' keep the ' around them, which is an ordinary character"]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_wide_characters_without_a_mark_are_told_by_their_nul_bytes(encoding, read):
    content = "name,x\nÅsa,1\nŁukasz,2.5\n".encode(encoding)
    for spec in (None, ReadSpec(encoding=encoding), ReadSpec(encoding=encoding[:6])):
        table = read(content, spec)
        assert table.number("x").tolist() == [1.0, 2.5]
        assert table.texts["name"].levels == ("Åsa", "Łukasz")
